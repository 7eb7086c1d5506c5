/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cloud-hypervisor's state.json and memory-ranges. The first CPU's structs are bytes, the others' have names. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tools/wrap_containers.h"

static void text(struct blob *out, const char *s)
{
	blob_add(out, s, strlen(s));
}

static void number(struct blob *out, uint64_t v)
{
	char s[32];

	snprintf(s, sizeof(s), "%" PRIu64, v);
	text(out, s);
}

/* Bytes [0, n) of a struct that has these 64-bit values at these places. */
static void bytes(struct blob *out, const uint64_t (*values)[2], size_t n_values, size_t n)
{
	struct blob b = { 0 };

	blob_pad_to(&b, n);
	for (size_t i = 0; i < n_values; i++)
		blob_put(&b, values[i][0], values[i][1], 8, false);
	for (size_t i = 0; i < n; i++) {
		text(out, i ? "," : "[");
		number(out, b.bytes[i]);
	}
	text(out, "]");
	blob_fini(&b);
}

static void named(struct blob *out, const char *before, const char *name, uint64_t v)
{
	text(out, before);
	text(out, "\"");
	text(out, name);
	text(out, "\":");
	number(out, v);
}

/* struct kvm_regs; struct kvm_sregs, without EFER where the machine does not tell it. */
static void cpu_as_bytes(const struct phys_cpu *c, struct blob *out)
{
	const uint64_t regs[][2] = { { 48, c->sp }, { 128, c->pc } };
	const uint64_t sregs[][2] = {
		{ 96, c->gs_base }, { 224, c->cr0 }, { 232, c->cr2 }, { 240, c->cr3 }, { 248, c->cr4 },
	};

	text(out, "{\"Kvm\":{\"msrs\":[{\"index\":3221225730,\"data\":");
	number(out, c->kernel_gs_base);
	text(out, "}],\"regs\":");
	bytes(out, regs, 2, 144);
	text(out, ",\"sregs\":");
	bytes(out, sregs, 5, 256);
	text(out, "}}");
}

static void cpu_as_names(const struct phys_cpu *c, struct blob *out)
{
	named(out, "{\"Kvm\":{\"regs\":{", "rsp", c->sp);
	named(out, ",", "rip", c->pc);
	text(out, "},\"sregs\":{");
	if (c->qemu) {
		named(out, "\"gs\":{\"selector\":0,", "base", c->gs_base);
		named(out, "},", "cr0", c->cr0);
		named(out, ",", "cr2", c->cr2);
		named(out, ",", "cr3", c->cr3);
		named(out, ",", "cr4", c->cr4);
	}
	text(out, "}}}");
}

/* A snapshot of that name, whose state is what is in `inner`. */
static void snapshot(struct blob *out, const char *name, const struct blob *inner)
{
	json_t *s = json_stringn((const char *)inner->bytes, inner->len);
	char *quoted = json_dumps(s, JSON_ENCODE_ANY);

	text(out, "\"");
	text(out, name);
	text(out, "\":{\"snapshots\":{},\"snapshot_data\":{\"state\":");
	text(out, quoted);
	text(out, "}}");
	free(quoted);
	json_decref(s);
}

void wrap_chv(const struct phys *p, struct blob *out)
{
	struct blob inner = { 0 };
	char name[24];

	text(out, "{\"snapshots\":{\"cpu-manager\":{\"snapshots\":{");
	for (size_t i = 0; i < p->n_cpus; i++) {
		inner.len = 0;
		if (i || !p->cpus[i].qemu)
			cpu_as_names(&p->cpus[i], &inner);
		else
			cpu_as_bytes(&p->cpus[i], &inner);
		snprintf(name, sizeof(name), "%zu", i);
		text(out, i ? "," : "");
		snapshot(out, name, &inner);
	}
	text(out, "},\"snapshot_data\":null},");
	inner.len = 0;
	text(&inner, "{\"memory_ranges\":{\"data\":[");
	for (size_t i = 0, n; i < p->n; i += n) {
		n = phys_run(p, i);
		named(&inner, i ? ",{" : "{", "gpa", p->pages[i].pfn * PHYS_PAGE);
		named(&inner, ",", "length", n * PHYS_PAGE);
		text(&inner, "}");
	}
	text(&inner, "]},\"next_memory_slot\":2}");
	snapshot(out, "memory-manager", &inner);
	text(out, "},\"snapshot_data\":null}");
	blob_fini(&inner);
}

void wrap_chv_memory(const struct phys *p, unsigned index, struct blob *out)
{
	(void)index;
	for (size_t i = 0; i < p->n; i++)
		blob_add(out, phys_page_bytes(&p->pages[i]), PHYS_PAGE);
}

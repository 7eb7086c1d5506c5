/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of cloud-hypervisor: a directory of state.json, config.json and memory-ranges, which is memory alone, range
 * after range. state.json is a tree; in it, each device's state is JSON once more, as a string:
 *
 *   snapshots: memory-manager: snapshot_data: state: memory_ranges: data: [ { gpa, length } ... ], in the file's order
 *              cpu-manager: snapshots: "0", "1" ...: snapshot_data: state: Kvm: { regs, sregs, msrs } of x86,
 *              { core_regs, sys_regs } of arm64
 *
 * KVM's own structs are objects in files of before 2024, and arrays of their bytes since. Memory that is shared with
 * another process, or kept in a file, is not in the snapshot.
 *
 * cloud-hypervisor vm-migration/src/lib.rs, vmm/src/memory_manager.rs, hypervisor/src/kvm; Linux asm/kvm.h.
 */
#include <ctype.h>
#include <elf.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	STATE_MAX = 16 << 20,  /* of JSON; a CPU takes about 100 KiB */
	CPUS_MAX = 1024,
	DIGITS_SAFE = 18,      /* of a number that fits in any case */
	HEAD = 256,
};

static int chv_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	size_t n = head->len < HEAD ? head->len : HEAD;

	(void)file_size;
	return n && head->base[0] == '{' && memmem(head->base, n, "\"snapshots\"", 11) ? 90 : 0;
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

/*
 * jansson's integers have 63 bits, and registers 64: longer numbers become strings. The copy has room for the quotes,
 * two for each number of more digits than that.
 */
static size_t quote_long_numbers(const char *text, size_t len, char *out)
{
	bool in_string = false, quoted;
	size_t n = 0, digits;

	for (size_t i = 0; i < len; i += digits ? digits : 1) {
		for (digits = 0; !in_string && i + digits < len && isdigit((unsigned char)text[i + digits]); )
			digits++;
		quoted = digits > DIGITS_SAFE && !(i && strchr(".eE+-", text[i - 1]));
		if (quoted)
			out[n++] = '"';
		memcpy(out + n, text + i, digits ? digits : 1);
		n += digits ? digits : 1;
		if (quoted)
			out[n++] = '"';
		if (in_string && text[i] == '\\' && i + 1 < len)
			out[n++] = text[++i];
		else if (text[i] == '"')
			in_string = !in_string;
	}
	return n;
}

static int parse(const char *text, size_t len, const char *what, json_t **out, struct mmw_err *err)
{
	char *copy = malloc(len + 2 * (len / DIGITS_SAFE) + 2);
	json_error_t why;

	if (!copy)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu bytes of %s", len, what);
	*out = json_loadb(copy, quote_long_numbers(text, len, copy), 0, &why);
	free(copy);
	return *out ? 0 : mmw_fail(err, MMW_E_CORRUPT, 0, "%s is no JSON: %s", what, why.text);
}

/* The state inside a snapshot, which is JSON as a string. */
static int inner_state(const json_t *snapshot, const char *what, json_t **out, struct mmw_err *err)
{
	const json_t *state = json_object_get(json_object_get(snapshot, "snapshot_data"), "state");

	if (json_is_string(state))
		return parse(json_string_value(state), json_string_length(state), what, out, err);
	return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "there is no %s in it, or in a form that is not known", what);
}

static bool number(const json_t *j, uint64_t *out)
{
	const char *text = json_string_value(j);
	char *end;

	if (json_is_integer(j)) {
		*out = json_integer_value(j);
		return json_integer_value(j) >= 0;
	}
	if (!text || !isdigit((unsigned char)*text))
		return false;
	*out = strtoull(text, &end, 10);
	return !*end;
}

/* A member of one of KVM's structs: by name, or where it lies in its bytes. */
static bool member(const json_t *j, const char *name, size_t at, unsigned size, uint64_t *out)
{
	uint64_t byte;

	if (json_is_object(j))
		return number(json_object_get(j, name), out);
	*out = 0;
	for (unsigned i = 0; i < size; i++) {
		if (!number(json_array_get(j, at + i), &byte) || byte > UINT8_MAX)
			return false;
		*out |= byte << 8 * i;
	}
	return true;
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

static int add_memory(struct mmw_image *img, const json_t *root, struct mmw_err *err)
{
	const json_t *manager = json_object_get(json_object_get(root, "snapshots"), "memory-manager"), *list, *range;
	uint64_t off = 0, pa, len;
	json_t *state;
	size_t i;
	int rc = inner_state(manager, "state of the memory", &state, err);

	if (rc)
		return rc;
	list = json_object_get(json_object_get(state, "memory_ranges"), "data");
	json_array_foreach(list, i, range) {
		if (!number(json_object_get(range, "gpa"), &pa) || !number(json_object_get(range, "length"), &len) ||
		    !mmw_fits(off, len, UINT64_MAX))
			rc = mmw_fail(err, MMW_E_CORRUPT, 0, "range %zu of memory makes no sense", i);
		rc = rc ? rc : mmw_image_add_extent_of(img, img->parts[0].file, pa, len, off, err);
		if (rc)
			break;
		off += len;
	}
	if (!rc && !json_array_size(list))
		rc = mmw_fail(err, MMW_E_UNSUPPORTED, 0, "its memory was not saved with it: it is in the file, or "
			      "the other process, that the machine shared it with");
	snprintf(img->note, sizeof(img->note), "%zu ranges", json_array_size(list));
	json_decref(state);
	return rc;
}

/* --- registers -------------------------------------------------------------------------------------------------- */

struct place {
	const char *name;
	uint16_t at;
	int8_t reg, gpr;  /* enum mmw_reg, and the number in elf_gregset_t; -1: neither */
};

/* struct kvm_regs and struct kvm_sregs of x86. */
static const struct place x86_regs[] = {
	{ "rax", 0, -1, 10 }, { "rbx", 8, -1, 5 }, { "rcx", 16, -1, 11 }, { "rdx", 24, -1, 12 },
	{ "rsi", 32, -1, 13 }, { "rdi", 40, -1, 14 }, { "rsp", 48, MMW_REG_SP, 19 }, { "rbp", 56, -1, 4 },
	{ "r8", 64, -1, 9 }, { "r9", 72, -1, 8 }, { "r10", 80, -1, 7 }, { "r11", 88, -1, 6 },
	{ "r12", 96, -1, 3 }, { "r13", 104, -1, 2 }, { "r14", 112, -1, 1 }, { "r15", 120, -1, 0 },
	{ "rip", 128, MMW_REG_PC, 16 }, { "rflags", 136, -1, 18 },
};

static const struct place x86_sregs[] = {
	{ "cr0", 224, MMW_REG_CR0, -1 }, { "cr2", 232, MMW_REG_CR2, -1 }, { "cr3", 240, MMW_REG_CR3, -1 },
	{ "cr4", 248, MMW_REG_CR4, -1 }, { "efer", 264, MMW_REG_EFER, -1 },
};

/* struct kvm_segment, 24 bytes each, with the base first and the selector at 12. */
static const struct place x86_segments[] = {
	{ "cs", 0, -1, 17 }, { "ds", 24, -1, 23 }, { "es", 48, -1, 24 }, { "fs", 72, 21, 25 }, { "gs", 96, 22, 26 },
	{ "ss", 120, -1, 20 },
};

enum { X86_GPRS = 27, SELECTOR = 12, MSR_KERNEL_GS_BASE = 0xc0000102, EFER_LMA = 0x400 };

/* How many of them were there. */
static size_t take(struct mmw_cpu *cpu, const json_t *from, const struct place *p, size_t n)
{
	size_t found = 0;
	uint64_t v;

	for (size_t i = 0; i < n; i++) {
		if (!member(from, p[i].name, p[i].at, 8, &v))
			continue;
		found++;
		if (p[i].reg >= 0)
			mmw_cpu_set(cpu, p[i].reg, v);
		if (p[i].gpr >= 0)
			cpu->gpr[p[i].gpr] = v;
	}
	return found;
}

/* Selectors are general registers; so are the bases of fs and gs, whose numbers stand in `reg`. */
static void take_segments(struct mmw_cpu *cpu, const json_t *sregs)
{
	for (size_t i = 0; i < mmw_array_len(x86_segments); i++) {
		const struct place *p = &x86_segments[i];
		const json_t *s = json_is_object(sregs) ? json_object_get(sregs, p->name) : sregs;
		size_t at = json_is_array(sregs) ? p->at : 0;
		uint64_t base, selector;

		if (!member(s, "base", at, 8, &base) || !member(s, "selector", at + SELECTOR, 2, &selector))
			continue;
		cpu->gpr[p->gpr] = selector;
		if (p->reg >= 0)
			cpu->gpr[p->reg] = base;
		if (!strcmp(p->name, "gs"))
			mmw_cpu_set(cpu, MMW_REG_GS_BASE, base);
	}
}

static void take_x86(struct mmw_image *img, struct mmw_cpu *cpu, const json_t *kvm)
{
	const json_t *sregs = json_object_get(kvm, "sregs"), *msr;
	uint64_t index, value;
	size_t i;

	if (take(cpu, json_object_get(kvm, "regs"), x86_regs, mmw_array_len(x86_regs)) == mmw_array_len(x86_regs))
		cpu->n_gpr = X86_GPRS;
	take(cpu, sregs, x86_sregs, mmw_array_len(x86_sregs));
	take_segments(cpu, sregs);
	json_array_foreach(json_object_get(kvm, "msrs"), i, msr)
		if (member(msr, "index", 0, 4, &index) && index == MSR_KERNEL_GS_BASE &&
		    member(msr, "data", 8, 8, &value))
			mmw_cpu_set(cpu, MMW_REG_KERNEL_GS_BASE, value);
	img->machine = cpu->known & 1u << MMW_REG_EFER && !(cpu->reg[MMW_REG_EFER] & EFER_LMA) ? EM_386 : EM_X86_64;
}

enum { ARM64_GPRS = 34, ARM64_SP = 31, ARM64_PC = 32 };

/* KVM's number of a system register, a value in `addr`. */
static void take_sys_reg(struct mmw_cpu *cpu, uint64_t id, uint64_t value)
{
	static const struct {
		uint64_t id;
		enum mmw_reg reg;
	} known[] = {
		{ 0x603000000013c100, MMW_REG_TTBR0 }, { 0x603000000013c101, MMW_REG_TTBR1 },
		{ 0x603000000013c102, MMW_REG_TCR }, { 0x603000000013c510, MMW_REG_MAIR },
	};

	for (size_t i = 0; i < mmw_array_len(known); i++)
		if (known[i].id == id)
			mmw_cpu_set(cpu, known[i].reg, value);
}

/* struct kvm_regs begins with struct user_pt_regs, which is what NT_PRSTATUS has. */
static void take_arm64(struct mmw_image *img, struct mmw_cpu *cpu, const json_t *kvm)
{
	static const char *const names[] = { "sp", "pc", "pstate" };
	const json_t *core = json_object_get(kvm, "core_regs"), *reg;
	const json_t *user = json_is_object(core) ? json_object_get(core, "regs") : core;
	uint64_t id, value;
	bool all = true;
	size_t i;

	for (i = 0; i < ARM64_GPRS; i++) {
		if (json_is_object(user) && i < ARM64_SP)
			all &= number(json_array_get(json_object_get(user, "regs"), i), &cpu->gpr[i]);
		else
			all &= member(user, i < ARM64_SP ? "" : names[i - ARM64_SP], 8 * i, 8, &cpu->gpr[i]);
	}
	if (all) {
		cpu->n_gpr = ARM64_GPRS;
		mmw_cpu_set(cpu, MMW_REG_SP, cpu->gpr[ARM64_SP]);
		mmw_cpu_set(cpu, MMW_REG_PC, cpu->gpr[ARM64_PC]);
	}
	json_array_foreach(json_object_get(kvm, "sys_regs"), i, reg)
		if (member(reg, "id", 0, 8, &id) && member(reg, "addr", 8, 8, &value))
			take_sys_reg(cpu, id, value);
	img->machine = EM_AARCH64;
}

/* A CPU whose state cannot be read is there, without registers. */
static int add_cpu(struct mmw_image *img, const json_t *snapshot, struct mmw_err *err)
{
	const json_t *kvm = NULL;
	json_t *state = NULL;
	struct mmw_cpu *cpu;
	int rc = mmw_image_add_cpu(img, &cpu, err);

	if (!rc && !inner_state(snapshot, "state of a CPU", &state, NULL))
		kvm = json_object_get(state, "Kvm");
	if (!rc && json_object_get(kvm, "sregs"))
		take_x86(img, cpu, kvm);
	else if (!rc && json_object_get(kvm, "core_regs"))
		take_arm64(img, cpu, kvm);
	json_decref(state);
	return rc;
}

static int add_cpus(struct mmw_image *img, const json_t *root, struct mmw_err *err)
{
	const json_t *manager = json_object_get(json_object_get(root, "snapshots"), "cpu-manager");
	const json_t *cpus = json_object_get(manager, "snapshots");
	int rc = 0;

	for (unsigned i = 0; !rc && i < CPUS_MAX && img->n_cpus < json_object_size(cpus); i++) {
		const json_t *snapshot;
		char name[16];

		snprintf(name, sizeof(name), "%u", i);
		snapshot = json_object_get(cpus, name);
		rc = snapshot ? add_cpu(img, snapshot, err) : 0;
	}
	return rc;
}

static int chv_open(struct mmw_image *img, struct mmw_err *err)
{
	json_t *root = NULL;
	char *text;
	int rc;

	if (img->file->size > STATE_MAX)
		return mmw_fail(err, MMW_E_LIMIT, 0, "%" PRIu64 " bytes of JSON are more than %d", img->file->size,
				STATE_MAX);
	if (!img->n_parts)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "its memory is in another file, memory-ranges, that "
				"should stand beside it: --part names it");
	text = malloc(img->file->size);
	if (!text)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read it");
	rc = mmw_file_read(img->file, 0, text, img->file->size, err);
	rc = rc ? rc : parse(text, img->file->size, "the description", &root, err);
	free(text);
	rc = rc ? rc : add_memory(img, root, err);
	rc = rc ? rc : add_cpus(img, root, err);
	json_decref(root);
	return rc;
}

static const char *const descriptions[] = { "state.json", NULL };

const struct mmw_format mmw_format_chv = {
	.name = "chv",
	.summary = "cloud-hypervisor's snapshots (directories, or memory-ranges in them)",
	.probe = chv_probe,
	.takes_parts = true,
	.memory_end = "memory-ranges",
	.description_ends = descriptions,
	.in_directory = "state.json",
	.open = chv_open,
};

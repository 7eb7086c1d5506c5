/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMware's checkpoints: a group of CPUs, one of memory, with the memory inside or in a file of its own. */
#include <stdio.h>
#include <string.h>

#include "tests/tools/wrap_containers.h"

enum { GROUPS = 3, REGIONS_MAX = 64 };

/* What lies in the memory file: pages behind each other, a region for every run of them. */
struct region {
	uint64_t page, pfn, n;
};

static unsigned regions_of(const struct phys *p, struct region *out)
{
	uint64_t page = 0;
	unsigned n = 0;

	for (size_t i = 0, run; i < p->n; i += run, n++) {
		run = phys_run(p, i);
		if (n == REGIONS_MAX)
			die("vmware: too many ranges");
		out[n] = (struct region){ page, p->pages[i].pfn, run };
		page += run;
	}
	return n;
}

static void write_memory(const struct phys *p, struct blob *out)
{
	for (size_t i = 0; i < p->n; i++)
		blob_add(out, phys_page_bytes(&p->pages[i]), PHYS_PAGE);
}

void vmware_tag(struct blob *out, const char *name, unsigned n_index, uint32_t i, uint32_t k, unsigned size)
{
	uint32_t index[3] = { i, k, 0 };

	blob_u8(out, (uint8_t)(size | n_index << 6));
	blob_u8(out, (uint8_t)strlen(name));
	blob_add(out, name, strlen(name));
	for (unsigned at = 0; at < n_index; at++)
		blob_uint(out, index[at], 4, false);
}

void vmware_block(struct blob *out, const char *name, bool packed, unsigned word, uint64_t len, unsigned pad)
{
	vmware_tag(out, name, 0, 0, 0, packed ? 62 : 63);
	blob_uint(out, len, word, false);
	blob_uint(out, len, word, false);
	blob_uint(out, pad, 2, false);
	blob_add(out, NULL, pad);
}

static void value(struct blob *out, const char *name, unsigned n_index, uint32_t i, uint32_t k, uint64_t v,
		  unsigned size)
{
	vmware_tag(out, name, n_index, i, k, size);
	blob_uint(out, v, size, false);
}

/* The first CPU's control registers are a block, the others' are one by one. */
static void write_cpus(const struct phys *p, unsigned word, struct blob *out)
{
	value(out, "cpu:numVCPUs", 0, 0, 0, p->n_cpus, 4);
	for (size_t i = 0; i < p->n_cpus; i++) {
		const struct phys_cpu *c = &p->cpus[i];
		const uint64_t cr[9] = { c->cr0, 0, c->cr2, c->cr3, c->cr4 };

		value(out, "rip", 1, (uint32_t)i, 0, c->pc, 8);
		value(out, "rsp", 1, (uint32_t)i, 0, c->sp, 8);
		if (!c->qemu)
			continue;
		value(out, "S.base64", 2, (uint32_t)i, 4, 0x7f0000001000, 8);  /* shows that it runs in 64 bits */
		value(out, "S.base64", 2, (uint32_t)i, 5, c->gs_base, 8);
		if (!i) {
			vmware_tag(out, "CR64", 1, 0, 0, 63);
			blob_uint(out, sizeof(cr), word, false);
			blob_uint(out, sizeof(cr), word, false);
			blob_uint(out, 0, 2, false);
		}
		for (unsigned n = 0; n < 9; n++) {
			if (i)
				vmware_tag(out, "CR64", 2, (uint32_t)i, n, 8);
			blob_uint(out, cr[n], 8, false);
		}
	}
	blob_uint(out, 0, 2, false);
}

void vmware_write(const struct phys *p, uint32_t magic, bool inside, struct blob *out)
{
	static const char *const names[GROUPS] = { "Checkpoint", "cpu", "memory" };
	unsigned word = magic == 0xbed0bed0 ? 4 : 8;
	struct region r[REGIONS_MAX];
	unsigned n = regions_of(p, r);

	blob_uint(out, magic, 4, false);
	blob_uint(out, 8, 4, false);
	blob_uint(out, GROUPS, 4, false);
	blob_add(out, NULL, GROUPS * 80);
	for (unsigned g = 0; g < GROUPS; g++) {
		memcpy(out->bytes + 12 + 80 * g, names[g], strlen(names[g]));
		blob_put(out, 12 + 80 * g + 64, out->len, 8, false);
		if (g == 0) {
			value(out, "numVCPUs", 0, 0, 0, p->n_cpus, 4);
			blob_uint(out, 0, 2, false);
		} else if (g == 1) {
			write_cpus(p, word, out);
		}
	}
	value(out, "align_mask", 0, 0, 0, 0xfff, 4);
	value(out, "regionsCount", 0, 0, 0, n, 4);
	for (unsigned i = 0; i < n; i++) {
		value(out, "regionPageNum", 1, i, 0, r[i].page, 4);
		value(out, "regionPPN", 1, i, 0, r[i].pfn, 4);
		value(out, "regionSize", 1, i, 0, r[i].n, 4);
	}
	if (inside) {
		vmware_block(out, "Memory", false, word, p->n * PHYS_PAGE, 100);
		write_memory(p, out);
	}
	blob_uint(out, 0, 2, false);
}

void wrap_vmware(const struct phys *p, struct blob *out)
{
	vmware_write(p, 0xbed2bed2, true, out);
}

void wrap_vmware_vmss(const struct phys *p, struct blob *out)
{
	vmware_write(p, 0xbad1bad1, false, out);
}

void wrap_vmware_vmem(const struct phys *p, unsigned index, struct blob *out)
{
	(void)index;
	write_memory(p, out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/memmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/sym/vmcoreinfo.h"

enum {
	FLAG_BITS = 6,            /* low bits of section_mem_map that may be flags (include/linux/mmzone.h) */
	HAS_MEM_MAP = 2,
	SECTION_BITS = 27,        /* where VMCOREINFO does not say: x86-64, riscv */
	FLAT_SECTION_SHIFT = 13,  /* frames; a portion of work, nothing of the kernel's */
	ROOTS_MAX = 1 << 20,
};

/* What reading the section tables needs. */
struct scan {
	struct mmw_kernel *k;
	struct mmw_memmap *m;
	uint64_t roots, n_roots, per_root, section_size, map_offset, usage_offset;
	bool has_usage;
	unsigned word;
	uint8_t *bytes;  /* of one root's page */
	bool based;
};

static int take_section(struct scan *s, uint64_t nr, uint64_t map, uint64_t usage, struct mmw_err *err)
{
	uint64_t base = map & ~((1ull << FLAG_BITS) - 1);
	int rc;

	if (!(map & HAS_MEM_MAP))
		return 0;
	if (s->based && base != s->m->base)
		return mmw_fail(err, MMW_E_UNSUPPORTED, base, "section %" PRIu64 " has its struct pages at a base of its own: sparse "
				"memory without vmemmap", nr);
	s->m->base = base;
	s->based = true;
	rc = mmw_vec_reserve(&s->m->sections, &s->m->cap_sections, s->m->n_sections + 1, sizeof(*s->m->sections), err);
	rc = rc ? rc : mmw_vec_reserve(&s->m->usage, &s->m->cap_usage, s->m->n_sections + 1, sizeof(*s->m->usage), err);
	if (rc)
		return rc;
	s->m->usage[s->m->n_sections] = usage;
	s->m->sections[s->m->n_sections++] = nr;
	return 0;
}

static int scan_root(struct scan *s, uint64_t root, uint64_t root_va, struct mmw_err *err)
{
	int rc = mmw_vm_read(mmw_kernel_vm(s->k), root_va, s->bytes, s->per_root * s->section_size, err);
	bool be = mmw_image_big_endian(mmw_kernel_image(s->k));

	for (uint64_t i = 0; !rc && i < s->per_root; i++) {
		const uint8_t *section = s->bytes + i * s->section_size;

		rc = take_section(s, root * s->per_root + i, mmw_get_word(section + s->map_offset, s->word, be),
				  s->has_usage ? mmw_get_word(section + s->usage_offset, s->word, be) : 0, err);
	}
	return rc;
}

/* mem_section is a pointer to an array of pointers to pages full of sections (SPARSEMEM_EXTREME). */
static int find_roots(struct scan *s, struct mmw_err *err)
{
	struct mmw_member m;
	int rc = mmw_kernel_type_size(s->k, "mem_section", &s->section_size, err);

	if (!rc)
		rc = mmw_kernel_member(s->k, "mem_section", "section_mem_map", &m, NULL, err);
	/* VMCOREINFO prints the variable's value (VMCOREINFO_SYMBOL_ARRAY). */
	if (!rc && mmw_kernel_variable(s->k, "mem_section", s->word, &s->roots, NULL) &&
	    !mmw_vmcoreinfo_symbol(mmw_kernel_vmcoreinfo(s->k), "mem_section", &s->roots))
		rc = mmw_kernel_variable(s->k, "mem_section", s->word, &s->roots, err);
	if (rc)
		return rc;
	if (!s->section_size || s->section_size > 256 || m.offset + s->word > s->section_size)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "struct mem_section of %" PRIu64 " bytes", s->section_size);
	s->map_offset = m.offset;
	s->has_usage = !mmw_kernel_member_any(s->k, "mem_section", "usage|pageblock_flags", &m, NULL) &&
		       m.offset + s->word <= s->section_size;
	s->usage_offset = m.offset;
	s->per_root = (1ull << mmw_kernel_page_shift(s->k)) / s->section_size;
	return 0;
}

static int scan_roots(struct scan *s, struct mmw_err *err)
{
	for (uint64_t i = 0; i < s->n_roots; i++) {
		uint64_t root_va;
		int rc = mmw_vm_read_uint(mmw_kernel_vm(s->k), s->roots + s->word * i, s->word, &root_va, NULL);

		if (rc)
			break;  /* the array is as long as physical memory may be; its end is not recorded */
		rc = root_va ? scan_root(s, i, root_va, err) : 0;
		if (rc)
			return rc;
	}
	return s->based ? 0 : mmw_fail(err, MMW_E_CORRUPT, s->roots, "no memory section has struct pages");
}

/* Roots that can matter: those below the highest frame the kernel knows of. */
static uint64_t roots_needed(struct mmw_kernel *k, unsigned section_shift, uint64_t per_root)
{
	uint64_t max_pfn, most;

	if (mmw_kernel_variable(k, "max_pfn", mmw_kernel_arch(k)->word, &max_pfn, NULL) || !max_pfn || max_pfn > 1ull << 40)
		max_pfn = (mmw_image_last(mmw_kernel_image(k)) >> mmw_kernel_page_shift(k)) + 1;
	most = ((max_pfn >> section_shift) / per_root) + 1;
	return most < ROOTS_MAX ? most : ROOTS_MAX;
}

static int open_sparse(struct scan *s, struct mmw_err *err)
{
	uint64_t bits = SECTION_BITS;
	unsigned page_shift = mmw_kernel_page_shift(s->k);
	int rc = find_roots(s, err);

	if (rc)
		return rc;
	mmw_vmcoreinfo_number(mmw_kernel_vmcoreinfo(s->k), "SECTION_SIZE_BITS", &bits);
	if (bits < 20 || bits > 40 || bits < page_shift)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "memory sections of 2^%" PRIu64 " bytes", bits);
	s->m->section_shift = (unsigned)bits - page_shift;
	s->m->last_pfn = UINT64_MAX;
	s->n_roots = roots_needed(s->k, s->m->section_shift, s->per_root);
	s->bytes = malloc(1ul << page_shift);
	rc = s->bytes ? scan_roots(s, err) : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for memory sections");
	free(s->bytes);
	return rc;
}

/*
 * Flat memory has one node, and its node_mem_map is the struct page of its first frame (mm/mm_init.c,
 * alloc_node_mem_map).
 */
static int open_flat(struct scan *s, struct mmw_err *err)
{
	static const char *const members[] = { "node_mem_map", "node_start_pfn", "node_spanned_pages" };
	uint64_t pgdat, value[3], limit = mmw_image_last(mmw_kernel_image(s->k)) >> mmw_kernel_page_shift(s->k);
	int rc = mmw_kernel_symbol(s->k, "contig_page_data", &pgdat, NULL, err);

	for (size_t i = 0; !rc && i < mmw_array_len(members); i++) {
		struct mmw_member m;

		rc = mmw_kernel_member(s->k, "pglist_data", members[i], &m, NULL, err);
		if (!rc)
			rc = mmw_vm_read_uint(mmw_kernel_vm(s->k), pgdat + m.offset, s->word, &value[i], err);
	}
	if (rc)
		return rc;
	if (!value[0] || !value[2] || value[1] > limit)
		return mmw_fail(err, MMW_E_CORRUPT, pgdat, "a node of %" PRIu64 " frames from %" PRIu64, value[2], value[1]);
	s->m->base = value[0] - value[1] * s->m->page_size;
	s->m->first_pfn = value[1];
	s->m->last_pfn = value[2] - 1 > limit - value[1] ? limit : value[1] + value[2] - 1;
	s->m->section_shift = FLAT_SECTION_SHIFT;
	for (uint64_t nr = s->m->first_pfn >> FLAT_SECTION_SHIFT; !rc && nr <= s->m->last_pfn >> FLAT_SECTION_SHIFT; nr++) {
		rc = mmw_vec_reserve(&s->m->sections, &s->m->cap_sections, s->m->n_sections + 1, sizeof(*s->m->sections), err);
		if (!rc)
			s->m->sections[s->m->n_sections++] = nr;
	}
	return rc;
}

int mmw_memmap_open(struct mmw_kernel *k, struct mmw_memmap *out, struct mmw_err *err)
{
	struct scan s = { .k = k, .m = out, .word = mmw_kernel_arch(k)->word };
	struct mmw_member flat;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mmw_kernel_type_size(k, "page", &out->page_size, err);
	if (!rc && (!out->page_size || out->page_size > 4096))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "struct page of %" PRIu64 " bytes", out->page_size);
	/* The member exists only there (CONFIG_FLATMEM). */
	if (!rc && !mmw_kernel_member(k, "pglist_data", "node_mem_map", &flat, NULL, NULL))
		rc = open_flat(&s, err);
	else if (!rc)
		rc = open_sparse(&s, err);
	if (rc) {
		mmw_memmap_close(out);
		return mmw_wrap(err, rc, "memmap");
	}
	return 0;
}

void mmw_memmap_close(struct mmw_memmap *m)
{
	free(m->sections);
	free(m->usage);
	m->sections = NULL;
	m->usage = NULL;
	m->n_sections = m->cap_sections = m->cap_usage = 0;
}

/* Its place in the list, or n_sections. */
static size_t find_section(const struct mmw_memmap *m, uint64_t section)
{
	size_t lo = 0, hi = m->n_sections;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->sections[mid] == section)
			return mid;
		if (m->sections[mid] < section)
			lo = mid + 1;
		else
			hi = mid;
	}
	return m->n_sections;
}

uint64_t mmw_memmap_usage(const struct mmw_memmap *m, uint64_t section)
{
	size_t i = find_section(m, section);

	return m->usage && i < m->n_sections ? m->usage[i] : 0;
}

bool mmw_memmap_pfn(const struct mmw_memmap *m, uint64_t va, uint64_t *pfn)
{
	uint64_t offset = va - m->base;

	if (offset % m->page_size)
		return false;
	*pfn = offset / m->page_size;
	return *pfn >= m->first_pfn && *pfn <= m->last_pfn && find_section(m, *pfn >> m->section_shift) < m->n_sections;
}

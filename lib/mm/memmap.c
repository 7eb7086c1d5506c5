/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/memmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/sym/vmcoreinfo.h"

enum {
	FLAG_BITS = 6,            /* low bits of section_mem_map that may be flags (include/linux/mmzone.h) */
	HAS_MEM_MAP = 2,
	SECTION_BITS_X86_64 = 27, /* where VMCOREINFO does not say */
	ROOTS_MAX = 1 << 20,
};

/* What reading the section tables needs. */
struct scan {
	struct mmw_kernel *k;
	struct mmw_memmap *m;
	uint64_t roots, n_roots, per_root, section_size, map_offset;
	bool based;
};

static int take_section(struct scan *s, uint64_t nr, uint64_t map, struct mmw_err *err)
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
	if (!rc)
		s->m->sections[s->m->n_sections++] = nr;
	return rc;
}

static int scan_root(struct scan *s, uint64_t root, uint64_t root_va, struct mmw_err *err)
{
	uint8_t bytes[4096];
	int rc = mmw_vm_read(mmw_kernel_vm(s->k), root_va, bytes, s->per_root * s->section_size, err);
	bool be = mmw_image_big_endian(mmw_kernel_image(s->k));

	for (uint64_t i = 0; !rc && i < s->per_root; i++)
		rc = take_section(s, root * s->per_root + i, mmw_get64(bytes + i * s->section_size + s->map_offset, be), err);
	return rc;
}

/* mem_section is a pointer to an array of pointers to pages full of sections (SPARSEMEM_EXTREME). */
static int scan_sections(struct scan *s, struct mmw_err *err)
{
	struct mmw_member m;
	uint64_t root_va;
	int rc = mmw_kernel_type_size(s->k, "mem_section", &s->section_size, err);

	if (!rc)
		rc = mmw_kernel_member(s->k, "mem_section", "section_mem_map", &m, NULL, err);
	if (!rc)
		rc = mmw_kernel_variable(s->k, "mem_section", 8, &s->roots, err);
	if (rc)
		return rc;
	if (!s->section_size || s->section_size > 256 || m.offset + 8 > s->section_size)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "struct mem_section of %" PRIu64 " bytes", s->section_size);
	s->map_offset = m.offset;
	s->per_root = 4096 / s->section_size;
	for (uint64_t i = 0; i < s->n_roots; i++) {
		rc = mmw_vm_read_uint(mmw_kernel_vm(s->k), s->roots + 8 * i, 8, &root_va, NULL);
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
	uint64_t max_pfn;

	if (mmw_kernel_variable(k, "max_pfn", 8, &max_pfn, NULL) || !max_pfn || max_pfn > 1ull << 40)
		max_pfn = (mmw_image_last(mmw_kernel_image(k)) >> 12) + 1;
	return ((max_pfn >> section_shift) / per_root) + 1;
}

int mmw_memmap_open(struct mmw_kernel *k, struct mmw_memmap *out, struct mmw_err *err)
{
	struct scan s = { .k = k, .m = out };
	uint64_t bits = SECTION_BITS_X86_64, section_size;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mmw_kernel_type_size(k, "page", &out->page_size, err);
	if (!rc)
		rc = mmw_kernel_type_size(k, "mem_section", &section_size, err);
	if (rc)
		return mmw_wrap(err, rc, "memmap");
	mmw_vmcoreinfo_number(mmw_kernel_vmcoreinfo(k), "SECTION_SIZE_BITS", &bits);
	if (bits < 20 || bits > 40 || !section_size || section_size > 256 || !out->page_size || out->page_size > 4096)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "memmap: sections of 2^%" PRIu64 " bytes, struct page of %" PRIu64, bits,
				out->page_size);
	out->section_shift = (unsigned)bits - 12;
	s.n_roots = roots_needed(k, out->section_shift, 4096 / section_size);
	if (s.n_roots > ROOTS_MAX)
		s.n_roots = ROOTS_MAX;
	rc = scan_sections(&s, err);
	if (rc) {
		mmw_memmap_close(out);
		return mmw_wrap(err, rc, "memmap");
	}
	return 0;
}

void mmw_memmap_close(struct mmw_memmap *m)
{
	free(m->sections);
	m->sections = NULL;
	m->n_sections = m->cap_sections = 0;
}

bool mmw_memmap_pfn(const struct mmw_memmap *m, uint64_t va, uint64_t *pfn)
{
	uint64_t offset = va - m->base, section;
	size_t lo = 0, hi = m->n_sections;

	if (va < m->base || offset % m->page_size)
		return false;
	*pfn = offset / m->page_size;
	section = *pfn >> m->section_shift;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->sections[mid] == section)
			return true;
		if (m->sections[mid] < section)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

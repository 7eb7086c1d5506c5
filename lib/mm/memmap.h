/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memmap: where the struct page of a frame is, and back (include/asm-generic/memory_model.h).
 *
 * Sparse memory: mem_section tells for every section of 2^SECTION_SIZE_BITS bytes whether it has struct pages, and
 * where. With vmemmap all sections share one base, so the way back is a division. Flat memory is one array, mem_map,
 * which is shown here as sections of a size of our own.
 */
#ifndef MMW_MM_MEMMAP_H
#define MMW_MM_MEMMAP_H

#include "lib/kernel/kernel.h"

struct mmw_memmap {
	uint64_t base;         /* struct page of frame 0, were there one */
	uint64_t page_size;    /* sizeof(struct page) */
	unsigned section_shift;  /* frames a section, as a power of two */
	uint64_t *sections;    /* numbers of the sections that have struct pages, ascending */
	uint64_t *usage;       /* of each, where its mem_section_usage is (its bitmap of pageblocks before 5.3); 0: not known */
	size_t n_sections, cap_sections, cap_usage;
	uint64_t first_pfn, last_pfn;  /* and of those sections only these frames have any */
};

int mmw_memmap_open(struct mmw_kernel *k, struct mmw_memmap *out, struct mmw_err *err);
void mmw_memmap_close(struct mmw_memmap *m);

static inline uint64_t mmw_memmap_page(const struct mmw_memmap *m, uint64_t pfn)
{
	return m->base + pfn * m->page_size;
}

/* The entry of `usage` that belongs to a section; 0 for one without struct pages. */
uint64_t mmw_memmap_usage(const struct mmw_memmap *m, uint64_t section);

/* The frame whose struct page is at va; false when va is none (between two, or in no section that has any). */
bool mmw_memmap_pfn(const struct mmw_memmap *m, uint64_t va, uint64_t *pfn);

#endif

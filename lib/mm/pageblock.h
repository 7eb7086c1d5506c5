/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pageblocks: runs of 2^order frames, whose migrate type a bitmap keeps (mm/page_alloc.c,
 * get_pfnblock_bitmap_bitidx): of each memory section (mem_section_usage.pageblock_flags from 5.3, before that
 * mem_section.pageblock_flags), or in flat memory of each zone (zone.pageblock_flags).
 */
#ifndef MMW_MM_PAGEBLOCK_H
#define MMW_MM_PAGEBLOCK_H

#include "lib/mm/memmap.h"
#include "lib/mm/zone.h"

struct mmw_pageblocks {
	unsigned order;
	uint64_t *counts;  /* zones.n x zones.types, as mm/vmstat.c's pagetypeinfo_showblockcount_print() counts them */

	/* Where the bitmaps are. */
	const struct mmw_zones *zones;    /* borrowed, as the memmap is */
	const struct mmw_memmap *memmap;
	unsigned word, bits;              /* of a kernel's long in bytes; of a pageblock */
	int isolate_bit;                  /* one that means MIGRATE_ISOLATE whatever the type is (6.17); -1: none */
	bool flat;                        /* each zone has one bitmap; else each section */
	uint64_t flags_at;                /* in struct zone, or struct mem_section_usage */
};

/*
 * MMW_E_NOTYPE names what this kernel's types lack; the order is set all the same. How large a pageblock is the kernel
 * records nowhere: the distance of its bitmaps tells, else the rule of include/linux/pageblock-flags.h.
 */
int mmw_pageblocks_open(struct mmw_kernel *k, const struct mmw_zones *z, const struct mmw_memmap *m,
			struct mmw_pageblocks *out, struct mmw_err *err);
/* That rule: the order of pageblocks of a kernel whose free lists are of `orders` orders. */
unsigned mmw_pageblock_rule(struct mmw_kernel *k, unsigned orders);

/* The migrate type of the pageblock that a frame of this zone is in; -1 where no bitmap says. */
int mmw_pageblock_type(const struct mmw_pageblocks *p, struct mmw_vm *vm, const struct mmw_zone *zone, uint64_t pfn);

void mmw_pageblocks_close(struct mmw_pageblocks *p);

#endif

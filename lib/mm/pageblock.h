/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pageblocks: runs of 2^order frames, whose migrate type a bitmap keeps (mm/page_alloc.c, get_pfnblock_bitmap_bitidx):
 * of each memory section (mem_section_usage.pageblock_flags from 5.3, before that mem_section.pageblock_flags), or in flat
 * memory of each zone (zone.pageblock_flags).
 */
#ifndef MMW_MM_PAGEBLOCK_H
#define MMW_MM_PAGEBLOCK_H

#include "lib/mm/memmap.h"
#include "lib/mm/page.h"
#include "lib/mm/zone.h"

struct mmw_pageblocks {
	unsigned order;
	uint64_t *counts;  /* zones.n x zones.types, as mm/vmstat.c's pagetypeinfo_showblockcount_print() counts them */

	/* How a pageblock's type, and a page's zone, are found. */
	struct mmw_kernel *k;
	const struct mmw_zones *z;   /* both borrowed */
	const struct mmw_memmap *m;
	unsigned word, bits;
	int isolate_bit;             /* one that means MIGRATE_ISOLATE whatever the type is (6.17); -1: none */
	bool flat;
	uint64_t flags_at;           /* in struct zone, or struct mem_section_usage */
	struct mmw_member page_flags;
	struct mmw_page_place place;
};

/*
 * MMW_E_NOTYPE names what this kernel's types lack; the order is set all the same. How large a pageblock is the kernel
 * records nowhere: the distance of its bitmaps tells, else the rule of include/linux/pageblock-flags.h.
 */
int mmw_pageblocks_open(struct mmw_kernel *k, const struct mmw_zones *z, const struct mmw_memmap *m,
			struct mmw_pageblocks *out, struct mmw_err *err);
/* That rule: the order of pageblocks of a kernel whose free lists are of `orders` orders. */
unsigned mmw_pageblock_rule(struct mmw_kernel *k, unsigned orders);
void mmw_pageblocks_close(struct mmw_pageblocks *p);

/* The migrate type of the pageblock that a frame of this zone is in; -1 where it cannot be had. */
int mmw_pageblock_type(const struct mmw_pageblocks *p, const struct mmw_zone *zone, uint64_t pfn);

#endif

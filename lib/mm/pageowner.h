/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who allocated a page, where the kernel keeps that (CONFIG_PAGE_OWNER, page_owner=on): a struct page_owner in the page's
 * page_ext (mm/page_owner.c, mm/page_ext.c, 4.14 to 7.2).
 */
#ifndef MMW_MM_PAGEOWNER_H
#define MMW_MM_PAGEOWNER_H

#include "lib/kernel/shadow.h"
#include "lib/mm/pageblock.h"

struct mmw_pageowner {
	const struct mmw_memmap *memmap;
	uint64_t size;            /* page_ext_size: bytes from one frame's page_ext to the next one's */
	uint64_t flags_at, offset;  /* of its flags, and of the page_owner behind it */
	unsigned flags_size;
	unsigned allocated;       /* the bit that says what is there is of now */
	uint64_t flat;            /* without sections: the page_ext of frame 0, were there one; 0: there are sections */
	struct mmw_shadow shadow;
};

/* How the page was asked for. */
struct mmw_page_owner {
	uint64_t order, gfp;
};

/* MMW_E_NODATA: the kernel does not keep it, or does not now. `memmap` is borrowed. */
int mmw_pageowner_open(struct mmw_kernel *k, const struct mmw_memmap *memmap, struct mmw_pageowner *out, struct mmw_err *err);

/* 1: filled in; 0: the page is not allocated, as far as it knows, or has no page_ext; or a negative code. */
int mmw_pageowner_of(const struct mmw_pageowner *o, struct mmw_vm *vm, uint64_t pfn, struct mmw_page_owner *out,
		     struct mmw_err *err);

/*
 * Pageblocks with a page that another migrate type than the block's was asked for, by zone and the block's type, as
 * mm/page_owner.c's pagetypeinfo_showmixedcount_print() counts them. zones.n x zones.types counts, the caller's to free.
 */
int mmw_pageowner_mixed(const struct mmw_pageowner *o, struct mmw_kernel *k, const struct mmw_pageblocks *blocks,
			uint64_t **counts, struct mmw_err *err);

#endif

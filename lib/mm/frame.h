/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page frame: where it belongs, what its struct page says, and what /proc/kpageflags and kpagecount would say of
 * it. Whom it belongs to is in lib/mm/owner.h.
 */
#ifndef MMW_MM_FRAME_H
#define MMW_MM_FRAME_H

#include "lib/mm/kpf.h"
#include "lib/mm/page.h"
#include "lib/mm/pageblock.h"

/* What frames are looked at with. What this image lacks is not there, and why. */
struct mmw_frames {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	struct mmw_memmap memmap;
	struct mmw_pages pages;
	struct mmw_kpf kpf;
	struct mmw_zones zones;
	struct mmw_pageblocks blocks;
	struct mmw_err no_kpf, no_zones, no_blocks;  /* code 0: it is there */
	unsigned page_shift;
	uint64_t end_pfn;        /* memory ends before this frame: as the kernel, or the image, knows */
	unsigned swap_shift;     /* of the type in a swap entry */
	bool hugetlb_units;      /* the index of a hugetlbfs page counts huge pages (to 6.6) */
};

struct mmw_frame {
	uint64_t pfn;
	enum mmw_frame_state state;
	uint64_t va;             /* of its struct page; 0: it has none */
	enum mmw_code why;       /* the struct page cannot be read */

	bool read;               /* the struct page could be read, and is not one of memory that is offline */

	/* All of these only then. */
	struct mmw_page page;
	struct mmw_folio folio;  /* its head is the page itself where `broken` says why there is none to be had */
	uint64_t number;         /* of the page in its folio */
	struct mmw_err broken;
	unsigned node;
	const struct mmw_zone *zone;  /* NULL: no populated zone has this number */
	int type;                /* migrate type of its pageblock; -1: not known */
	uint64_t kpf;            /* these two only without no_kpf */
	int64_t mapcount;
	uint64_t memcg;          /* page.memcg_data (mem_cgroup to 5.10) of the folio; MMW_ABSENT: not known, or none */
};

/* Fails where not even struct page is known: MMW_E_NOTYPE, or what mmw_memmap_open() failed with. */
int mmw_frames_open(struct mmw_kernel *k, struct mmw_frames *out, struct mmw_err *err);
void mmw_frames_close(struct mmw_frames *f);

void mmw_frame_look(const struct mmw_frames *f, uint64_t pfn, struct mmw_frame *out);

/* Is it in the swap cache, and where would it be swapped to? */
bool mmw_frame_swap(const struct mmw_frames *f, const struct mmw_frame *frame, unsigned *type, uint64_t *offset);

/* Where in its file a page of the page cache is, in bytes. */
uint64_t mmw_frame_file_offset(const struct mmw_frames *f, const struct mmw_frame *frame);

/*
 * Frames that hold the struct pages of a hugetlb folio: how many different ones, and how many there would be had each
 * its own (HugeTLB vmemmap optimisation lets the tails share one). False where they cannot be had.
 */
bool mmw_frame_hvo(const struct mmw_frames *f, const struct mmw_frame *frame, uint64_t *different, uint64_t *all);

#endif

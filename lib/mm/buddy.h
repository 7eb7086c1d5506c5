/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buddy allocator's free blocks, seen twice: by the marks on the struct pages, and by the free lists that link them.
 *
 * The marks come from one pass over the memmap, in physical order, on several threads; the lists are then followed
 * inside what that pass remembered, so that a broken list costs nothing but itself. Each contradiction is a problem
 * with its addresses, never an end.
 */
#ifndef MMW_MM_BUDDY_H
#define MMW_MM_BUDDY_H

#include "lib/mm/memmap.h"
#include "lib/mm/zone.h"

/* A free block. */
struct mmw_block {
	uint64_t pfn;
	uint64_t next, prev;  /* its list links, as virtual addresses of list heads */
	uint8_t order;
	uint8_t type;         /* migrate type of the list it was found on */
	uint16_t zone;        /* index into mmw_zones of that list's zone */
	bool listed;          /* some list has it */
	bool marked;          /* its struct page carries the buddy mark */
};

enum mmw_buddy_problem_kind {
	MMW_BUDDY_UNREADABLE,   /* struct pages that cannot be read: addr, count of them, why */
	MMW_BUDDY_BAD_ORDER,    /* a marked page with an impossible order, or at a frame that order cannot start at */
	MMW_BUDDY_FOREIGN,      /* a list leads to something that is no struct page */
	MMW_BUDDY_UNMARKED,     /* a page on a list without the mark */
	MMW_BUDDY_WRONG_ORDER,  /* a page on the list of another order */
	MMW_BUDDY_WRONG_ZONE,   /* a page on the list of a zone it does not lie in */
	MMW_BUDDY_TWICE,        /* a page that a list (this or another) already had: a cycle, or two lists */
	MMW_BUDDY_BAD_LINK,     /* prev of a page does not lead back */
	MMW_BUDDY_UNLISTED,     /* a marked page on no list */
	MMW_BUDDY_NR_FREE,      /* free_area.nr_free differs from the list: found, expected */
	MMW_BUDDY_NR_FREE_PAGES,/* the zone's counter differs from the lists: found, expected */
};

struct mmw_buddy_problem {
	enum mmw_buddy_problem_kind kind;
	int zone;             /* index, or -1 */
	int order, type;      /* of the list, or -1 */
	uint64_t addr;        /* struct page, or list head */
	uint64_t pfn;         /* when it has one */
	uint64_t found, expected;
	enum mmw_code why;
};

struct mmw_buddy {
	struct mmw_zones zones;
	struct mmw_memmap memmap;
	struct mmw_block *blocks;  /* by frame */
	size_t n_blocks, cap_blocks;
	uint64_t *counts;          /* zones.n x orders x types: blocks found on each list */
	struct mmw_buddy_problem *problems;
	size_t n_problems, cap_problems;
	uint64_t more_problems;    /* beyond those that are kept */
	uint64_t pages_seen;       /* struct pages looked at */
	const char *mark_source;   /* who said how a free page is marked */
};

int mmw_buddy_open(struct mmw_kernel *k, unsigned threads, struct mmw_buddy *out, struct mmw_err *err);
void mmw_buddy_close(struct mmw_buddy *b);

static inline uint64_t *mmw_buddy_count(const struct mmw_buddy *b, size_t zone, unsigned order, unsigned type)
{
	return &b->counts[(zone * b->zones.orders + order) * b->zones.types + type];
}

/* One line of words about a problem. */
void mmw_buddy_problem_text(const struct mmw_buddy *b, const struct mmw_buddy_problem *p, char *buf, size_t size);

#endif

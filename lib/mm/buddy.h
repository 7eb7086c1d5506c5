/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buddy allocator's free blocks, seen twice: by the marks on the struct pages, and by the free lists that link
 * them.
 *
 * The marks come from one pass over the memmap, in physical order, on several threads; the lists are then followed
 * inside what that pass remembered, so that a broken list costs nothing but itself. Each contradiction is a problem
 * with its addresses, never an end.
 */
#ifndef MMW_MM_BUDDY_H
#define MMW_MM_BUDDY_H

#include "lib/mm/memmap.h"
#include "lib/mm/page.h"
#include "lib/mm/pcp.h"
#include "lib/mm/zone.h"

/* A free block, or what a list or a mark takes for one. */
struct mmw_block {
	uint64_t pfn;
	uint64_t next, prev;  /* its list links, as virtual addresses of list heads */
	uint16_t zone;        /* index into mmw_zones of its list's zone, when it is listed */
	uint8_t order;        /* of its list; without one as its struct page says; MMW_ORDER_NONE: an impossible one */
	uint8_t said;         /* order as its struct page says; 255: or more */
	uint8_t type;         /* migrate type of its list */
	bool listed;          /* some list has it */
	bool marked;          /* its struct page carries the buddy mark */
};

enum { MMW_ORDER_NONE = 255 };

/* What contradicts what. mmw_buddy_problem_word() has a word for each, which stays, mmw_buddy_problem_text() words. */
enum mmw_buddy_problem_kind {
	MMW_BUDDY_UNREADABLE,   /* struct pages that cannot be read: addr, found: how many, why */
	MMW_BUDDY_HEAD,         /* a list head that cannot be read: addr, why */
	MMW_BUDDY_FOREIGN,      /* a list leads to what is no struct page: addr, from where (found) */
	MMW_BUDDY_LOST,         /* a list leads to a struct page that cannot be read: addr, from where (found), why */
	MMW_BUDDY_CYCLE,        /* a list leads back to a page it already had: addr, from where (found) */
	MMW_BUDDY_TWO_LISTS,    /* a list leads to a page that another one has: addr, from where (found), other */
	MMW_BUDDY_LINK,         /* next leads to a page (or head) whose prev does not lead back: found, expected */
	MMW_BUDDY_UNMARKED,     /* a page on a list without the mark */
	MMW_BUDDY_UNLISTED,     /* a marked page on no list */
	MMW_BUDDY_ORDER,        /* a page whose own order (found) is not its list's (expected) */
	MMW_BUDDY_BAD_ORDER,    /* a marked page of an impossible order: found */
	MMW_BUDDY_MISALIGNED,   /* a block at a frame that no block of its order starts at */
	MMW_BUDDY_SPAN,         /* a page on the list of a zone that ends before it or starts behind it */
	MMW_BUDDY_NR_FREE,      /* free_area.nr_free (expected) differs from the lists (found) */
	MMW_BUDDY_NR_FREE_PAGES,/* the zone's counter (expected) differs from the lists (found) */

	/* The rest only mmw_buddy_check() looks for. The per-CPU lists, which it opens, have problems of their own. */
	MMW_BUDDY_OVERLAP,      /* a marked page inside a free block, which starts at frame `found` */
	MMW_BUDDY_UNMERGED,     /* two free buddies that the kernel would have made one; the other: frame `found` */
	MMW_BUDDY_ZONE,         /* a page whose flags name another node and zone (found) than its list's (expected) */
	MMW_BUDDY_TYPE,         /* a block of CMA or isolated memory on another's list, or the reverse */
	MMW_BUDDY_REFCOUNT,     /* a page of a free block that is referenced: found */
	MMW_BUDDY_FREE_CMA,     /* NR_FREE_CMA_PAGES (expected) differs from the lists (found) */
	MMW_BUDDY_FREE_BLOCKS,  /* NR_FREE_PAGES_BLOCKS, likewise */
	MMW_BUDDY_FREE_HIGHATOMIC, /* zone.nr_free_highatomic, likewise */

	MMW_BUDDY_PCP_FREE,     /* a page that CPU `found` keeps is in the free block at frame `expected` as well */

	MMW_BUDDY_KINDS,
};

/* A free list, or what is known of it. */
struct mmw_buddy_list {
	int zone;             /* index, or -1 */
	int order, type;      /* or -1 */
};

#define MMW_BUDDY_NO_LIST ((struct mmw_buddy_list){ -1, -1, -1 })

struct mmw_buddy_problem {
	enum mmw_buddy_problem_kind kind;
	struct mmw_buddy_list list, other;
	uint64_t addr;        /* struct page, or list head, or zone */
	uint64_t pfn;         /* when it has one; else MMW_ABSENT */
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
	size_t n_problems, cap_problems, max_problems;
	uint64_t more_problems;    /* beyond those that are kept */
	uint64_t pages_seen;       /* struct pages looked at */
	struct mmw_page_mark mark; /* of a free page */
	const char *mark_source;   /* who said how a free page is marked */
	struct mmw_pcp pcp;        /* checked: the pages CPUs keep, and what contradicts those */
	bool has_pcp;
	uint64_t unknown;          /* checked: bit per problem kind that the types do not suffice to look for */
};

int mmw_buddy_open(struct mmw_kernel *k, unsigned threads, struct mmw_buddy *out, struct mmw_err *err);
/* The same, and everything else that knows of free memory is held against it. */
int mmw_buddy_check(struct mmw_kernel *k, unsigned threads, struct mmw_buddy *out, struct mmw_err *err);
void mmw_buddy_close(struct mmw_buddy *b);

static inline uint64_t *mmw_buddy_count(const struct mmw_buddy *b, size_t zone, unsigned order, unsigned type)
{
	return &b->counts[(zone * b->zones.orders + order) * b->zones.types + type];
}

/* Can a block of this order start at this frame? */
static inline bool mmw_block_aligned(uint64_t pfn, unsigned order)
{
	return !(pfn & ((1ull << order) - 1));
}

/* The first block that ends behind this frame; n_blocks when none does. */
size_t mmw_buddy_find(const struct mmw_buddy *b, uint64_t pfn);

/* For lib/mm: keep one more. */
void mmw_buddy_problem_add(struct mmw_buddy *b, const struct mmw_buddy_problem *p);

/* One word for a kind of problem, and a line of words about one. */
const char *mmw_buddy_problem_word(enum mmw_buddy_problem_kind kind);
const char *mmw_buddy_pcp_word(enum mmw_pcp_problem_kind kind);
void mmw_buddy_problem_text(const struct mmw_buddy *b, const struct mmw_buddy_problem *p, char *buf, size_t size);

/* Whether the problem has these numbers. */
bool mmw_buddy_problem_has_found(enum mmw_buddy_problem_kind kind);
bool mmw_buddy_problem_has_expected(enum mmw_buddy_problem_kind kind);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What contradicts what in a slab allocator's structures: each with its evidence, and never an end. */
#ifndef MMW_SLAB_PROBLEM_H
#define MMW_SLAB_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum mmw_slab_problem_kind {
	MMW_SLAB_CACHE_LIST,       /* the list of caches breaks at addr; found: from where; expected: enum mmw_list_end; why */
	MMW_SLAB_BAD_CACHE,        /* numbers that cannot be a cache's */
	MMW_SLAB_SECRET,           /* free objects lead nowhere by the cache's number (found), but by another (expected) */
	MMW_SLAB_NODE_UNREADABLE,  /* a node's structure: addr, why */
	MMW_SLAB_CPU_UNREADABLE,   /* a CPU's structure, or a sheaf: addr, why */
	MMW_SLAB_LIST_BROKEN,      /* a list of slabs or sheaves breaks at addr; found: from where; expected: enum mmw_list_end; why */
	MMW_SLAB_LINK,             /* the element at addr says that found is before it, and was reached from expected */
	MMW_SLAB_LIST_COUNT,       /* a list has `found` elements where its counter says `expected` */
	MMW_SLAB_FOREIGN,          /* addr, on a list or held by a CPU, is no slab; found: from where */
	MMW_SLAB_OTHER_CACHE,      /* a slab on the list of one cache says it is of another: found */
	MMW_SLAB_TWO_LISTS,        /* a slab that another list has as well */
	MMW_SLAB_UNLISTED_CACHE,   /* a slab of a cache that is not listed: found */
	MMW_SLAB_GEOMETRY,         /* other objects (found) than the slab has room for (expected) */
	MMW_SLAB_INUSE,            /* more objects in use (found) than it has (expected) */
	MMW_SLAB_FREE_OUTSIDE,     /* a free object that is none of its slab's: addr; found: from where */
	MMW_SLAB_FREE_LOOP,        /* the free list comes back to addr; found: from where */
	MMW_SLAB_FREE_UNREADABLE,  /* the link of a free object: addr, why */
	MMW_SLAB_FREE_COUNT,       /* `found` free objects where the slab counts `expected`; of no slab: where the node does, at addr */
	MMW_SLAB_HELD_FOREIGN,     /* an object held for allocation that is in no slab of the cache: addr */
	MMW_SLAB_HELD_TWICE,       /* an object held in two places, or held and free in its slab: addr */
	MMW_SLAB_SHEAF_SIZE,       /* a sheaf of other objects (found) than it should have, or has room for (expected) */
	MMW_SLAB_SHEAF_CACHE,      /* a sheaf of the cache says it is of another: found */
	MMW_SLAB_STRAY,            /* a slab with free objects that is on no list */
	MMW_SLAB_FULL_LISTED,      /* a slab without free objects that is on the list of those with some */
	MMW_SLAB_FROZEN,           /* frozen (found) or not, and that contradicts where it is: expected */
	MMW_SLAB_PARTIAL_MARK,     /* marked as on its node's list (found) or not, and that contradicts where it is: expected */
	MMW_SLAB_WRONG_NODE,       /* a slab of one node (found) on the list of another (expected) */
	MMW_SLAB_PAGE,             /* a page of the slab (addr) is part of another compound page (found), or of none */
	MMW_SLAB_PAGE_FLAGS,       /* its struct page has flags that a slab never has: found */
	MMW_SLAB_TOTAL_SLABS,      /* the pass found `found` slabs where the counters say `expected` */
	MMW_SLAB_TOTAL_OBJECTS,    /* the same of objects */

	/* Bytes that slub_debug put there and somebody has overwritten: [addr, last], near `object` */
	MMW_SLAB_RED_ZONE,
	MMW_SLAB_POISON,           /* of a free object */
	MMW_SLAB_PADDING,          /* behind an object, or the last one (object 0) */
	MMW_SLAB_FREE_POINTER,     /* the link (found) that an object in use has from when it was free leads nowhere */
	MMW_SLAB_PROBLEM_KINDS,
};

struct mmw_slab_problem {
	enum mmw_slab_problem_kind kind;
	enum mmw_code why;
	uint64_t cache;            /* its struct kmem_cache; 0: of none */
	uint64_t slab;             /* its struct page; 0: of none */
	uint64_t addr;
	int64_t cpu, node;         /* -1: of none */
	uint64_t found, expected;

	/* Of overwritten bytes: found and expected are those at addr */
	uint64_t object, last;
	uint8_t bytes[8];          /* what is there, as far as `last` */
};

/* In all, and of one cache: a broken one does not hide the others. */
enum { MMW_SLAB_PROBLEMS_MAX = 4096, MMW_SLAB_PROBLEMS_CACHE = 256 };

struct mmw_slab_problems {
	struct mmw_slab_problem *problem;
	size_t n, cap;
	uint64_t more;             /* beyond those that are kept */
};

void mmw_slab_problem_add(struct mmw_slab_problems *to, const struct mmw_slab_problem *p);

/* "free-loop" ...: a word that stays. */
const char *mmw_slab_problem_name(enum mmw_slab_problem_kind kind);
/* Whether what it found, or expected, means something for this kind. */
bool mmw_slab_problem_has_found(enum mmw_slab_problem_kind kind);
bool mmw_slab_problem_has_expected(enum mmw_slab_problem_kind kind);
bool mmw_slab_problem_has_bytes(enum mmw_slab_problem_kind kind);

/* In words, cut off where buf ends. */
struct mmw_caches;
void mmw_slab_problem_text(const struct mmw_caches *caches, const struct mmw_slab_problem *p, char *buf, size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What contradicts what in a slab allocator's structures: each with its evidence, and never an end. */
#ifndef MMW_SLAB_PROBLEM_H
#define MMW_SLAB_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum mmw_slab_problem_kind {
	MMW_SLAB_BAD_CACHE,        /* numbers that cannot be a cache's */
	MMW_SLAB_NODE_UNREADABLE,  /* a node's structure: addr, why */
	MMW_SLAB_CPU_UNREADABLE,   /* a CPU's structure, or a sheaf: addr, why */
	MMW_SLAB_LIST_BROKEN,      /* a list of slabs or sheaves breaks at addr; found: from where; why */
	MMW_SLAB_LIST_COUNT,       /* a list has `found` elements where its counter says `expected` */
	MMW_SLAB_FOREIGN,          /* addr, on a list or held by a CPU, is no slab; found: from where */
	MMW_SLAB_OTHER_CACHE,      /* a slab on the list of one cache says it is of another: found */
	MMW_SLAB_TWO_LISTS,        /* a slab that another list has as well */
	MMW_SLAB_UNLISTED_CACHE,   /* a slab of a cache that is not listed: found */
	MMW_SLAB_GEOMETRY,         /* more objects (found) than the slab has room for (expected) */
	MMW_SLAB_FREE_OUTSIDE,     /* a free object that is none of its slab's: addr; found: from where */
	MMW_SLAB_FREE_LOOP,        /* the free list comes back to addr; found: from where */
	MMW_SLAB_FREE_UNREADABLE,  /* the link of a free object: addr, why */
	MMW_SLAB_FREE_COUNT,       /* `found` free objects where the slab counts `expected`; of no slab: where the node does, at addr */
	MMW_SLAB_HELD_FOREIGN,     /* an object held for allocation that is in no slab of the cache: addr */
	MMW_SLAB_HELD_TWICE,       /* an object held in two places, or held and free in its slab: addr */
	MMW_SLAB_SHEAF_SIZE,       /* a sheaf of more objects (found) than it has room for (expected) */
	MMW_SLAB_STRAY,            /* a slab with free objects that is on no list */
	MMW_SLAB_TOTAL_SLABS,      /* the pass found `found` slabs where the counters say `expected` */
	MMW_SLAB_TOTAL_OBJECTS,    /* the same of objects */
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
};

enum { MMW_SLAB_PROBLEMS_MAX = 4096 };

struct mmw_slab_problems {
	struct mmw_slab_problem *problem;
	size_t n, cap;
	uint64_t more;             /* beyond those that are kept */
};

void mmw_slab_problem_add(struct mmw_slab_problems *to, const struct mmw_slab_problem *p);

/* "free-loop" ...: a word that stays. */
const char *mmw_slab_problem_name(enum mmw_slab_problem_kind kind);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The per-CPU page lists: free pages that each CPU keeps of each zone, so as not to ask the buddy allocator for every
 * one.
 *
 * To 5.13 they are zone.pageset, a per_cpu_pageset whose pcp has a list for each migrate type that is kept there, all
 * of single pages; since then zone.per_cpu_pageset, a per_cpu_pages with lists for each order to 3, and behind them
 * those for huge pages (mm/page_alloc.c, order_to_pindex; their number changed: 3, 1, 2). 7.x has
 * zone.trylock_free_pages beside them: pages freed where the zone's lock could not be had, waiting for the next who has
 * it.
 *
 * Such pages carry no mark: no buddy mark, no flags, no references. That, and that count is what the lists hold, is
 * what is checked here; each contradiction is a problem with its addresses, never an end.
 */
#ifndef MMW_MM_PCP_H
#define MMW_MM_PCP_H

#include "lib/mm/memmap.h"
#include "lib/mm/zone.h"

enum { MMW_PCP_LISTS_MAX = 64 };

/* In place of a CPU: the page waits in zone.trylock_free_pages. */
#define MMW_PCP_NO_CPU UINT32_MAX

/* What a CPU keeps of a zone. */
struct mmw_pcp_set {
	size_t zone;           /* index into mmw_zones */
	uint32_t cpu;
	bool online;           /* /proc/zoneinfo shows only those */
	bool read;             /* the structure could be read; a problem says why not */
	uint64_t va;           /* of its struct per_cpu_pages */
	int64_t count;         /* pages, as the kernel counts them */
	int64_t high, batch;
	int64_t high_min, high_max;  /* where has_limits (6.6) */
	int64_t threshold; /* how large a difference of the zone's counters may grow on this CPU; -1: not SMP, or not
			      known */
	uint64_t listed;       /* pages found on its lists */
	size_t first, n;       /* those blocks, in mmw_pcp.pages */
};

/* A block of pages on a list. */
struct mmw_pcp_page {
	uint64_t pfn;          /* of the first of 2^order pages */
	uint32_t zone;         /* index into mmw_zones */
	uint32_t cpu;          /* or MMW_PCP_NO_CPU */
	uint32_t position;     /* on its list from its head, which is the hot end: what is taken next */
	uint16_t list;         /* index in per_cpu_pages.lists[] */
	uint8_t order;
	int8_t type;           /* migrate type of the list; -1: of several, or not known */
};

enum mmw_pcp_problem_kind {
	MMW_PCP_UNREADABLE,    /* a CPU's structure cannot be read: addr, why */
	MMW_PCP_FOREIGN,       /* a list leads to something that is no struct page: addr, found: from where */
	MMW_PCP_BAD_LINK,      /* prev or next of a page does not lead back: found, expected */
	MMW_PCP_ENDLESS,       /* a list does not end: given up at addr */
	MMW_PCP_COUNT,         /* count differs from the lists: found, expected */
	MMW_PCP_WRONG_ZONE,    /* a page that does not lie in the zone */
	MMW_PCP_TWICE,         /* a page that another list has as well */
	MMW_PCP_REFERENCED,    /* a page in use: found is its reference count */
	MMW_PCP_TYPED,         /* a page marked as something: found is the word of its type */
	MMW_PCP_FLAGGED,       /* a page with flags: found */
};

struct mmw_pcp_problem {
	enum mmw_pcp_problem_kind kind;
	size_t zone;
	uint32_t cpu;          /* or MMW_PCP_NO_CPU */
	int list;              /* or -1 */
	uint64_t addr;         /* struct page, or what else it is about */
	uint64_t pfn;          /* when it has one */
	uint64_t found, expected;
	enum mmw_code why;
};

struct mmw_pcp {
	struct mmw_pcp_set *sets;    /* by zone, then CPU: all possible ones */
	size_t n_sets, cap_sets;
	struct mmw_pcp_page *pages;  /* by zone, CPU (none is last), list, position */
	size_t n_pages, cap_pages;
	struct mmw_pcp_problem *problems;
	size_t n_problems, cap_problems;
	uint64_t more_problems;      /* beyond those that are kept */
	unsigned lists;              /* for each CPU and zone */
	uint8_t list_order[MMW_PCP_LISTS_MAX];
	int8_t list_type[MMW_PCP_LISTS_MAX];
	bool has_limits;             /* this kernel has high_min and high_max */
};

/*
 * With no memmap only the sets are read, not the pages on their lists, and nothing is checked. `z` and `m` are borrowed
 * during the call. MMW_E_NOTYPE names what this kernel's types lack; MMW_E_LIMIT: more CPUs times zones than any
 * machine has.
 */
int mmw_pcp_open(struct mmw_kernel *k, const struct mmw_zones *z, const struct mmw_memmap *m, struct mmw_pcp *out,
		 struct mmw_err *err);
void mmw_pcp_close(struct mmw_pcp *p);

/* One line of words about a problem. */
void mmw_pcp_problem_text(const struct mmw_zones *z, const struct mmw_pcp_problem *p, char *buf, size_t size);

#endif

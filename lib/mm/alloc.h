/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Would an allocation succeed now? The kernel's own rules (mm/page_alloc.c: get_page_from_freelist, gfp_to_alloc_flags,
 * __zone_watermark_ok), asked of an image: which zones in which order, which watermark, which migrate types.
 *
 * Three attempts are made before anything is reclaimed or compacted: the fast path, down to the low watermark; after
 * kswapd was woken the slow path, down to the min watermark or into the reserve below it; and, for __GFP_MEMALLOC,
 * without watermarks.
 */
#ifndef MMW_MM_ALLOC_H
#define MMW_MM_ALLOC_H

#include "lib/mm/gfp.h"
#include "lib/mm/vmstat.h"

enum mmw_alloc_attempt { MMW_ALLOC_LOW, MMW_ALLOC_MIN, MMW_ALLOC_ALL, MMW_ALLOC_ATTEMPTS };

/* What a request may do in an attempt: the ALLOC_ flags of this version, taken apart. */
struct mmw_alloc_rights {
	bool half;        /* half of the min watermark is not for it: __GFP_HIGH */
	bool quarter;     /* nor a quarter of what is left: it cannot wait either */
	bool reserve;     /* free HighAtomic pages count for it */
	bool highatomic;  /* and it may have such blocks */
	bool cma;         /* it may have CMA's */
	bool no_boost;    /* the boost of the watermark does not count for single pages */
	bool all;         /* no watermark does */
};

/* The figures of a zone that decide. */
struct mmw_alloc_zone {
	uint64_t free, highatomic, cma;  /* pages, as zone_page_state() has them: without the CPUs' differences */
	uint64_t mark, boost;            /* of the attempt */
	int64_t reserve;                 /* lowmem_reserve[] for the highest zone that the flags allow */
};

/* Those, added up as the kernel does: it takes available > needed. */
struct mmw_alloc_sum {
	int64_t available;  /* free pages less those it cannot use */
	int64_t unusable;
	int64_t needed;
	bool enough;
};

struct mmw_alloc_sum mmw_alloc_add_up(const struct mmw_alloc_zone *z, const struct mmw_alloc_rights *r, unsigned order);

/* Where a block would come from. */
enum mmw_alloc_block {
	MMW_ALLOC_NO_BLOCK,    /* none is large enough on any list it may use */
	MMW_ALLOC_OWN,         /* its own migrate type */
	MMW_ALLOC_CMA_BLOCK,
	MMW_ALLOC_FALLBACK,    /* another migrate type, whose pageblock then has both */
	MMW_ALLOC_HIGHATOMIC_BLOCK,
};

struct mmw_alloc_try {
	size_t zone;                 /* index into vmstat.zones */
	struct mmw_alloc_zone figures;
	struct mmw_alloc_sum sum;
	enum mmw_alloc_block block;
	int block_type;              /* its list; -1: none */
	unsigned block_order;
	bool listed_elsewhere;       /* without a block: there are large enough ones, but on lists it may not use */
	bool good;                   /* enough, and a block */
	bool used;                   /* the first such zone: this is where the allocation comes from */
};

struct mmw_alloc {
	unsigned order, node;
	uint64_t flags;
	int type;                    /* migrate type of the request */
	unsigned highest;            /* index of the highest zone it may come from */
	bool nofragment;             /* other types' pageblocks are a second choice of the fast path */
	struct mmw_gfp gfp;
	struct mmw_zones zones;
	struct mmw_vmstat stat;
	struct mmw_alloc_rights rights[MMW_ALLOC_ATTEMPTS];
	bool made[MMW_ALLOC_ATTEMPTS];
	struct mmw_alloc_try *tries[MMW_ALLOC_ATTEMPTS];  /* n_zones of each, in the order of the zonelist */
	size_t n_zones;
	const char *rules;           /* which version's rules for reserves these are */
};

/* `flags` as mmw_gfp_parse() takes them. MMW_E_ARG: no such order, node or flags; MMW_E_NOTYPE: what the types lack. */
int mmw_alloc_open(struct mmw_kernel *k, unsigned order, const char *flags, int node, struct mmw_alloc *out,
		   struct mmw_err *err);
void mmw_alloc_close(struct mmw_alloc *a);

#endif

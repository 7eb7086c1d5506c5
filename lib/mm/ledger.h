/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger: every page frame of the machine in exactly one class.
 *
 * What struct page says goes first (free, slab, page table, anonymous, page cache ...), then what leads to the frame
 * (lib/mm/claims.h), then that it was reserved. What is in use and none of these is "unexplained". Frames are those that
 * have a struct page, and those of the nodes' spans that have none.
 */
#ifndef MMW_MM_LEDGER_H
#define MMW_MM_LEDGER_H

#include "lib/mm/claims.h"
#include "lib/mm/kpf.h"
#include "lib/mm/pcp.h"

enum mmw_class {
	MMW_CLASS_FREE,          /* detail: order of the block */
	MMW_CLASS_PCP,           /* detail: CPU */
	MMW_CLASS_SLAB,          /* detail: its kmem_cache; 0: not known */
	MMW_CLASS_PAGE_TABLE,    /* detail: enum mmw_table_detail */
	MMW_CLASS_IMAGE,         /* detail: index of claims.names */
	MMW_CLASS_MODULE,
	MMW_CLASS_VMALLOC,       /* detail: index of claims.names */
	MMW_CLASS_PERCPU,
	MMW_CLASS_STACK,
	MMW_CLASS_FILE,          /* the page cache's; detail: 1 of a large folio */
	MMW_CLASS_SHMEM,         /* the same */
	MMW_CLASS_ANON,          /* detail: enum mmw_anon_detail */
	MMW_CLASS_HUGETLB,       /* detail: order */
	MMW_CLASS_MEMMAP,        /* struct pages, and what extends them (page_ext) */
	/*
	 * kmalloc above what slabs hold; detail: order. Pages say so from 6.17 or so on. Before, nothing marks them but that they
	 * are compound; all such pages are of this class if the counters of slab pages have just as many more than there are slabs.
	 */
	MMW_CLASS_LARGE_KMALLOC,
	MMW_CLASS_MOVABLE,       /* of a driver that lets its pages move: zsmalloc, balloon */
	MMW_CLASS_ZERO,          /* the zero pages */
	MMW_CLASS_HWPOISON,
	MMW_CLASS_GUARD,
	MMW_CLASS_UNACCEPTED,
	MMW_CLASS_OFFLINE,       /* detail: enum mmw_offline_detail */
	MMW_CLASS_CRASH,         /* kept for the crash kernel */
	MMW_CLASS_BOOT,          /* reserved at boot by the kernel itself (memblock) */
	MMW_CLASS_FIRMWARE,      /* no RAM, or the firmware's; detail: index of claims.names */
	MMW_CLASS_UNEXPLAINED,   /* in use; detail: order of the compound page */
	MMW_CLASS_LOST,          /* its struct page cannot be read; detail: enum mmw_code */
	MMW_CLASS_HOLE,          /* no struct page */
	MMW_CLASS_OUTSIDE,       /* a struct page outside every zone's span */
	MMW_CLASS_N,
};

/* detail of a page table: the level, 0 the last, and whose. */
enum mmw_table_detail { MMW_TABLE_USER = 16, MMW_TABLE_UNKNOWN = 255 };
/* Pages taken out of use one by one (a balloon); memory that is plugged in but not in use. */
enum mmw_offline_detail { MMW_OFFLINE_PAGE, MMW_OFFLINE_SECTION };
enum mmw_anon_detail { MMW_ANON_PLAIN, MMW_ANON_KSM, MMW_ANON_THP, MMW_ANON_SWAPCACHE };

enum { MMW_NO_ZONE = 255 };

struct mmw_ledger_range {
	uint64_t pfn, n;
	uint64_t detail;
	uint16_t node;
	uint8_t zone;     /* index in the node (enum zone_type); MMW_NO_ZONE: in none's span */
	uint8_t class;
};

/* What the ledger rests on; open all, in this order, before. */
struct mmw_ledger {
	struct mmw_kernel *kernel;
	struct mmw_memmap memmap;
	struct mmw_zones zones;
	struct mmw_pages pages;
	struct mmw_kpf kpf;
	struct mmw_claims claims;
	struct mmw_pcp pcp;
	bool has_pcp;
	struct mmw_err no_pcp;     /* why not */
	int slab_cache;            /* offset in struct page of the pointer to the kmem_cache; -1: not known */
	uint64_t damaged;          /* frames whose compound page contradicts itself */
	bool kmalloc;              /* compound pages that nothing else explains are kmalloc's: the counters prove it */
	uint64_t slabs, compound;  /* for the proof: pages of each */
	struct { uint64_t pfn; uint8_t order; uint32_t cpu; } *pcp_block;  /* ascending */
	size_t n_pcp_blocks;
};

int mmw_ledger_open(struct mmw_kernel *k, struct mmw_ledger *out, struct mmw_err *err);
void mmw_ledger_close(struct mmw_ledger *l);

/* All ranges in ascending order; neighbours differ. visit() ends the pass by what is not 0. */
typedef int mmw_ledger_visit(void *ctx, const struct mmw_ledger_range *range, struct mmw_err *err);
/* A pass of its own beforehand, in kernels that do not mark large kmalloc's pages. */
int mmw_ledger_prove(struct mmw_ledger *l, unsigned threads, struct mmw_err *err);
int mmw_ledger_pass(struct mmw_ledger *l, unsigned threads, mmw_ledger_visit *visit, void *ctx, struct mmw_err *err);

/* "page cache", and for JSON and --class: "file". */
const char *mmw_class_words(enum mmw_class class);
const char *mmw_class_name(enum mmw_class class);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a struct page says (include/linux/mm_types.h, include/linux/page-flags.h): flags, type, counts, mapping, and which
 * compound page (folio) it is part of. Where its members are is asked of the image's types; so are the numbers of the flags
 * (enum pageflags) and of the types (enum pagetype, from 6.10). Where no source has them, a table for the versions 4.14 to
 * 7.2 stands in, held against the numbers VMCOREINFO gives; `guessed` says so.
 *
 * Bind once; the rest is pure, but for mmw_folio_of, which may have to read the head's struct page.
 */
#ifndef MMW_MM_PAGE_H
#define MMW_MM_PAGE_H

#include "lib/mm/memmap.h"
#include "lib/mm/zone.h"

/* enum pageflags, in no kernel's order. Where two have one bit, both are listed. */
enum mmw_pg {
	MMW_PG_LOCKED, MMW_PG_WRITEBACK, MMW_PG_REFERENCED, MMW_PG_UPTODATE, MMW_PG_DIRTY, MMW_PG_LRU, MMW_PG_HEAD, MMW_PG_WAITERS,
	MMW_PG_ACTIVE, MMW_PG_WORKINGSET, MMW_PG_ERROR, MMW_PG_SLAB, MMW_PG_OWNER_PRIV_1, MMW_PG_OWNER_2, MMW_PG_ARCH_1,
	MMW_PG_RESERVED, MMW_PG_PRIVATE, MMW_PG_PRIVATE_2, MMW_PG_MAPPEDTODISK, MMW_PG_RECLAIM, MMW_PG_SWAPBACKED,
	MMW_PG_UNEVICTABLE, MMW_PG_DROPBEHIND, MMW_PG_MLOCKED, MMW_PG_UNCACHED, MMW_PG_HWPOISON, MMW_PG_YOUNG, MMW_PG_IDLE,
	MMW_PG_ARCH_2, MMW_PG_ARCH_3, MMW_PG_SKIP_KASAN_POISON,
	MMW_PG_BITS,  /* those before have a bit each; these share one of theirs */
	MMW_PG_SWAPCACHE = MMW_PG_BITS, MMW_PG_DOUBLE_MAP, MMW_PG_LARGE_RMAPPABLE, MMW_PG_HUGETLB,
	MMW_PG_N,
};

/* What the word that else counts mappings marks a page as. */
enum mmw_pgty {
	MMW_PGTY_NONE, MMW_PGTY_BUDDY, MMW_PGTY_OFFLINE, MMW_PGTY_TABLE, MMW_PGTY_GUARD, MMW_PGTY_HUGETLB, MMW_PGTY_SLAB,
	MMW_PGTY_ZSMALLOC, MMW_PGTY_UNACCEPTED, MMW_PGTY_LARGE_KMALLOC, MMW_PGTY_KMEMCG, MMW_PGTY_BALLOON, MMW_PGTY_N,
};

/* A page is marked as something when (its type word & mask) == value; mask 0: nothing is. */
struct mmw_page_mark {
	uint32_t mask, value;
};

static inline bool mmw_page_marked(const struct mmw_page_mark *mark, uint32_t type)
{
	return mark->mask && (type & mark->mask) == mark->value;
}

/* The mark of a free page, which needs no types; who told it. */
const char *mmw_page_mark_find(struct mmw_kernel *k, struct mmw_page_mark *out);

/* Low bits of page.mapping (enum of include/linux/page-flags.h). */
enum { MMW_MAPPING_ANON = 1, MMW_MAPPING_MOVABLE = 2, MMW_MAPPING_FLAGS = 3 };

/* How /proc/kpageflags is made of it: fs/proc/page.c changed twice (6.10, 6.16 or so). */
enum mmw_page_style {
	MMW_PAGE_STYLE_PAGE,      /* PG_slab is a flag; each struct page for itself */
	MMW_PAGE_STYLE_FOLIO,     /* the folio's flags, for each of its pages */
	MMW_PAGE_STYLE_SNAPSHOT,  /* the same, and the folio's mappings and type */
};

/*
 * Where page.flags keeps what zone the frame is in (include/linux/page-flags-layout.h): from the top the section (sparse
 * memory whose sections have maps of their own), the node (where there are several, and room), the zone.
 */
struct mmw_page_place {
	struct mmw_member flags;
	unsigned zone_shift, zone_bits, node_shift, node_bits;
};

enum { MMW_STRUCT_PAGE_MAX = 256 };  /* bytes */

struct mmw_pages {
	const struct mmw_memmap *memmap;
	bool be;
	unsigned word;
	uint64_t size;         /* sizeof(struct page) */
	uint64_t memmap_page;  /* bytes of a page of the memmap: the kernel's page size */
	enum mmw_page_style style;
	bool ksm_all;          /* its /proc/kpageflags calls every anonymous page ksm (6.10 to 6.15) */
	int8_t bit[MMW_PG_N];  /* -1: this kernel has none */
	const char *flag_source, *type_source;
	bool flags_guessed, types_guessed;
	struct mmw_page_mark type[MMW_PGTY_N];  /* mask 0: not in this kernel */
	bool head_mask;        /* a tail says its head's address by a mask (7.1, with HVO) */
	struct mmw_page_place place;
	bool has_place;        /* else nothing tells which zone a page is of but the spans of the zones */

	/* Offsets from a struct page's start; those of a folio's second page from the head's. -1: not in this kernel. */
	int flags, type_at, refcount, mapping, index, private, lru_next, lru_prev, head, memcg;
	int flags_1, dtor, order, order_size, entire, large_mapcount;
	int64_t hugetlb_dtor;
};

struct mmw_page {
	uint64_t va, pfn;
	uint64_t flags, mapping, index, private, head, lru_next, lru_prev;
	uint32_t type;     /* page_type and _mapcount are one word */
	int32_t refcount;
};

/* A compound page as its head and the page behind that tell of it; or a page that is none. */
struct mmw_folio {
	struct mmw_page page;  /* the head */
	unsigned order;
	bool large, hugetlb, rmappable, double_map;
	int32_t entire;        /* mappings of all of it; 0 when not large */
	int32_t large_mapcount;  /* all mappings, where the kernel counts them (6.10); else INT32_MIN */
};

int mmw_page_place_bind(struct mmw_kernel *k, const struct mmw_memmap *memmap, struct mmw_page_place *out, struct mmw_err *err);

/* The number of the zone in its node (enum zone_type): as the flags have it, so it may be none of the node's. */
static inline unsigned mmw_page_zone(const struct mmw_page_place *p, uint64_t flags)
{
	return p->zone_bits ? flags >> p->zone_shift & ((1u << p->zone_bits) - 1) : 0;
}

static inline unsigned mmw_page_node(const struct mmw_page_place *p, uint64_t flags)
{
	return p->node_bits ? flags >> p->node_shift & ((1u << p->node_bits) - 1) : 0;
}

static inline bool mmw_page_place_is(const struct mmw_page_place *p, uint64_t flags, const struct mmw_zone *zone)
{
	return mmw_page_zone(p, flags) == zone->index && (!p->node_bits || mmw_page_node(p, flags) == zone->node);
}

/* `memmap` is borrowed. MMW_E_NOTYPE names what is missing. */
int mmw_pages_bind(struct mmw_kernel *k, const struct mmw_memmap *memmap, struct mmw_pages *out, struct mmw_err *err);

/*
 * The struct page at va of frame pfn, out of its bytes and of those that follow: `n` struct pages are there. Where tails share a page
 * of the memmap with the head (HVO, 5.18 to 7.0), the first of each such page looks like a head; the second one tells (include/
 * linux/page-flags.h, page_fixed_fake_head). It is made the tail it is.
 */
void mmw_page_take(const struct mmw_pages *p, uint64_t pfn, uint64_t va, const uint8_t *bytes, uint64_t n, struct mmw_page *out);
/* The same, read. MMW_E_ARG for a frame without a struct page. */
int mmw_page_read(const struct mmw_pages *p, struct mmw_vm *vm, uint64_t pfn, struct mmw_page *out, struct mmw_err *err);

static inline bool mmw_page_flag(const struct mmw_pages *p, const struct mmw_page *page, enum mmw_pg flag)
{
	return p->bit[flag] >= 0 && page->flags >> p->bit[flag] & 1;
}

static inline bool mmw_page_is(const struct mmw_pages *p, const struct mmw_page *page, enum mmw_pgty type)
{
	return mmw_page_marked(&p->type[type], page->type);
}

enum mmw_pgty mmw_page_type(const struct mmw_pages *p, const struct mmw_page *page);
/* A word of this value counts no mappings (include/linux/page-flags.h: page_has_type, page_mapcount_is_type). */
bool mmw_page_has_type(const struct mmw_pages *p, const struct mmw_page *page);

static inline bool mmw_page_is_tail(const struct mmw_page *page)
{
	return page->head & 1;
}

/*
 * The zone whose number and node the page's flags have, or where they do not tell, the first one that spans the frame; NULL
 * for none of `z`. A frame outside the span of the zone it names is what holes at the end of memory are.
 */
const struct mmw_zone *mmw_page_zone_of(const struct mmw_pages *p, const struct mmw_zones *z, const struct mmw_page *page);

/* The head's struct page; its own address for a page that is no tail. */
static inline uint64_t mmw_page_head(const struct mmw_pages *p, const struct mmw_page *page)
{
	if (!(page->head & 1))
		return page->va;
	return p->head_mask ? page->va & page->head : page->head - 1;
}

/*
 * The folio a page is in. `bytes` are the struct pages of frames [first, first + n), which may hold the head; else it is
 * read. A tail whose head is none, or cannot be read, is an error: MMW_E_CORRUPT, or the reason.
 */
struct mmw_page_run;
int mmw_folio_of(const struct mmw_pages *p, struct mmw_vm *vm, const struct mmw_page_run *run, const struct mmw_page *page,
		 struct mmw_folio *out, struct mmw_err *err);

/* "slab", "buddy" ...; NULL for MMW_PGTY_NONE. */
const char *mmw_pgty_name(enum mmw_pgty type);
/* "locked" ..., as the kernel prints them (include/trace/events/mmflags.h). */
const char *mmw_pg_name(enum mmw_pg flag);

#endif

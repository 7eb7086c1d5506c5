/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/pass.h"
#include "lib/sym/vmcoreinfo.h"

enum {
	ORDER_MAX = 20,
	TYPE_RESERVE = -128,  /* PAGE_MAPCOUNT_RESERVE: below are types (4.18 to 6.10) */
};

/* --- names --------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *enumerator;
} flag_names[MMW_PG_N] = {
	[MMW_PG_LOCKED] = { "locked", "PG_locked" },
	[MMW_PG_WRITEBACK] = { "writeback", "PG_writeback" },
	[MMW_PG_REFERENCED] = { "referenced", "PG_referenced" },
	[MMW_PG_UPTODATE] = { "uptodate", "PG_uptodate" },
	[MMW_PG_DIRTY] = { "dirty", "PG_dirty" },
	[MMW_PG_LRU] = { "lru", "PG_lru" },
	[MMW_PG_HEAD] = { "head", "PG_head" },
	[MMW_PG_WAITERS] = { "waiters", "PG_waiters" },
	[MMW_PG_ACTIVE] = { "active", "PG_active" },
	[MMW_PG_WORKINGSET] = { "workingset", "PG_workingset" },
	[MMW_PG_ERROR] = { "error", "PG_error" },
	[MMW_PG_SLAB] = { "slab", "PG_slab" },
	[MMW_PG_OWNER_PRIV_1] = { "owner_priv_1", "PG_owner_priv_1" },
	[MMW_PG_OWNER_2] = { "owner_2", "PG_owner_2" },
	[MMW_PG_ARCH_1] = { "arch_1", "PG_arch_1" },
	[MMW_PG_RESERVED] = { "reserved", "PG_reserved" },
	[MMW_PG_PRIVATE] = { "private", "PG_private" },
	[MMW_PG_PRIVATE_2] = { "private_2", "PG_private_2" },
	[MMW_PG_MAPPEDTODISK] = { "mappedtodisk", "PG_mappedtodisk" },
	[MMW_PG_RECLAIM] = { "reclaim", "PG_reclaim" },
	[MMW_PG_SWAPBACKED] = { "swapbacked", "PG_swapbacked" },
	[MMW_PG_UNEVICTABLE] = { "unevictable", "PG_unevictable" },
	[MMW_PG_DROPBEHIND] = { "dropbehind", "PG_dropbehind" },
	[MMW_PG_MLOCKED] = { "mlocked", "PG_mlocked" },
	[MMW_PG_UNCACHED] = { "uncached", "PG_uncached" },
	[MMW_PG_HWPOISON] = { "hwpoison", "PG_hwpoison" },
	[MMW_PG_YOUNG] = { "young", "PG_young" },
	[MMW_PG_IDLE] = { "idle", "PG_idle" },
	[MMW_PG_ARCH_2] = { "arch_2", "PG_arch_2" },
	[MMW_PG_ARCH_3] = { "arch_3", "PG_arch_3" },
	[MMW_PG_SKIP_KASAN_POISON] = { "skip_kasan_poison", "PG_skip_kasan_poison" },
	[MMW_PG_SWAPCACHE] = { "swapcache", "PG_swapcache" },
	[MMW_PG_DOUBLE_MAP] = { "double_map", "PG_double_map" },
	[MMW_PG_LARGE_RMAPPABLE] = { "large_rmappable", "PG_large_rmappable" },
	[MMW_PG_HUGETLB] = { "hugetlb", "PG_hugetlb" },
};

/* The number is that of 6.12 and later; `older` is a bit that a page of the type has cleared (6.10, 6.11). */
static const struct {
	const char *name, *enumerator, *older;
	uint8_t number;
} type_names[MMW_PGTY_N] = {
	[MMW_PGTY_BUDDY] = { "buddy", "PGTY_buddy", "PG_buddy", 0xf0 },
	[MMW_PGTY_OFFLINE] = { "offline", "PGTY_offline", "PG_offline", 0xf1 },
	[MMW_PGTY_TABLE] = { "table", "PGTY_table", "PG_table", 0xf2 },
	[MMW_PGTY_GUARD] = { "guard", "PGTY_guard", "PG_guard", 0xf3 },
	[MMW_PGTY_HUGETLB] = { "hugetlb", "PGTY_hugetlb", "PG_hugetlb", 0xf4 },
	[MMW_PGTY_SLAB] = { "slab", "PGTY_slab", "PG_slab", 0xf5 },
	[MMW_PGTY_ZSMALLOC] = { "zsmalloc", "PGTY_zsmalloc", "PG_zsmalloc", 0xf6 },
	[MMW_PGTY_UNACCEPTED] = { "unaccepted", "PGTY_unaccepted", NULL, 0xf7 },
	[MMW_PGTY_LARGE_KMALLOC] = { "large_kmalloc", "PGTY_large_kmalloc", NULL, 0xf8 },
	[MMW_PGTY_KMEMCG] = { "kmemcg", NULL, NULL, 0 },
	[MMW_PGTY_BALLOON] = { "balloon", NULL, NULL, 0 },
};

const char *mmw_pgty_name(enum mmw_pgty type)
{
	return type_names[type].name;
}

const char *mmw_pg_name(enum mmw_pg flag)
{
	return flag_names[flag].name;
}

/* --- flags --------------------------------------------------------------------------------------------------------- */

/*
 * enum pageflags by version, for kernels that no source has the types of: each list holds from its version on. Only flags
 * that a configuration brings in the middle are left open: `uncached` and `hwpoison`, which VMCOREINFO's PG_hwpoison decides.
 */
static const struct {
	unsigned since;
	uint8_t order[32];  /* ends with MMW_PG_N */
} flag_tables[] = {
	{ MMW_LINUX(4, 14), { MMW_PG_LOCKED, MMW_PG_ERROR, MMW_PG_REFERENCED, MMW_PG_UPTODATE, MMW_PG_DIRTY, MMW_PG_LRU, MMW_PG_ACTIVE,
		      MMW_PG_WAITERS, MMW_PG_SLAB, MMW_PG_OWNER_PRIV_1, MMW_PG_ARCH_1, MMW_PG_RESERVED, MMW_PG_PRIVATE,
		      MMW_PG_PRIVATE_2, MMW_PG_WRITEBACK, MMW_PG_HEAD, MMW_PG_MAPPEDTODISK, MMW_PG_RECLAIM, MMW_PG_SWAPBACKED,
		      MMW_PG_UNEVICTABLE, MMW_PG_MLOCKED, MMW_PG_N } },
	{ MMW_LINUX(4, 20), { MMW_PG_LOCKED, MMW_PG_REFERENCED, MMW_PG_UPTODATE, MMW_PG_DIRTY, MMW_PG_LRU, MMW_PG_ACTIVE,
		      MMW_PG_WORKINGSET, MMW_PG_WAITERS, MMW_PG_ERROR, MMW_PG_SLAB, MMW_PG_OWNER_PRIV_1, MMW_PG_ARCH_1,
		      MMW_PG_RESERVED, MMW_PG_PRIVATE, MMW_PG_PRIVATE_2, MMW_PG_WRITEBACK, MMW_PG_HEAD, MMW_PG_MAPPEDTODISK,
		      MMW_PG_RECLAIM, MMW_PG_SWAPBACKED, MMW_PG_UNEVICTABLE, MMW_PG_MLOCKED, MMW_PG_N } },
	{ MMW_LINUX(6, 6), { MMW_PG_LOCKED, MMW_PG_WRITEBACK, MMW_PG_REFERENCED, MMW_PG_UPTODATE, MMW_PG_DIRTY, MMW_PG_LRU, MMW_PG_HEAD,
		     MMW_PG_WAITERS, MMW_PG_ACTIVE, MMW_PG_WORKINGSET, MMW_PG_ERROR, MMW_PG_SLAB, MMW_PG_OWNER_PRIV_1,
		     MMW_PG_ARCH_1, MMW_PG_RESERVED, MMW_PG_PRIVATE, MMW_PG_PRIVATE_2, MMW_PG_MAPPEDTODISK, MMW_PG_RECLAIM,
		     MMW_PG_SWAPBACKED, MMW_PG_UNEVICTABLE, MMW_PG_MLOCKED, MMW_PG_N } },
	{ MMW_LINUX(6, 10), { MMW_PG_LOCKED, MMW_PG_WRITEBACK, MMW_PG_REFERENCED, MMW_PG_UPTODATE, MMW_PG_DIRTY, MMW_PG_LRU,
		      MMW_PG_HEAD, MMW_PG_WAITERS, MMW_PG_ACTIVE, MMW_PG_WORKINGSET, MMW_PG_ERROR, MMW_PG_OWNER_PRIV_1,
		      MMW_PG_ARCH_1, MMW_PG_RESERVED, MMW_PG_PRIVATE, MMW_PG_PRIVATE_2, MMW_PG_MAPPEDTODISK, MMW_PG_RECLAIM,
		      MMW_PG_SWAPBACKED, MMW_PG_UNEVICTABLE, MMW_PG_MLOCKED, MMW_PG_N } },
	{ MMW_LINUX(6, 12), { MMW_PG_LOCKED, MMW_PG_WRITEBACK, MMW_PG_REFERENCED, MMW_PG_UPTODATE, MMW_PG_DIRTY, MMW_PG_LRU,
		      MMW_PG_HEAD, MMW_PG_WAITERS, MMW_PG_ACTIVE, MMW_PG_WORKINGSET, MMW_PG_OWNER_PRIV_1, MMW_PG_OWNER_2,
		      MMW_PG_ARCH_1, MMW_PG_RESERVED, MMW_PG_PRIVATE, MMW_PG_PRIVATE_2, MMW_PG_RECLAIM, MMW_PG_SWAPBACKED,
		      MMW_PG_UNEVICTABLE, MMW_PG_MLOCKED, MMW_PG_N } },
	{ MMW_LINUX(6, 14), { MMW_PG_LOCKED, MMW_PG_WRITEBACK, MMW_PG_REFERENCED, MMW_PG_UPTODATE, MMW_PG_DIRTY, MMW_PG_LRU,
		      MMW_PG_HEAD, MMW_PG_WAITERS, MMW_PG_ACTIVE, MMW_PG_WORKINGSET, MMW_PG_OWNER_PRIV_1, MMW_PG_OWNER_2,
		      MMW_PG_ARCH_1, MMW_PG_RESERVED, MMW_PG_PRIVATE, MMW_PG_PRIVATE_2, MMW_PG_RECLAIM, MMW_PG_SWAPBACKED,
		      MMW_PG_UNEVICTABLE, MMW_PG_DROPBEHIND, MMW_PG_MLOCKED, MMW_PG_N } },
};

/* Flags that share a bit with another in every version of that table that has them. */
static void share_bits(struct mmw_pages *p, unsigned version)
{
	p->bit[MMW_PG_SWAPCACHE] = p->bit[MMW_PG_OWNER_PRIV_1];
	if (version >= MMW_LINUX(4, 20) && version < MMW_LINUX(6, 2))
		p->bit[MMW_PG_DOUBLE_MAP] = p->bit[MMW_PG_WORKINGSET];
	if (version >= MMW_LINUX(6, 6))
		p->bit[MMW_PG_LARGE_RMAPPABLE] = p->bit[MMW_PG_WORKINGSET];
	if (p->bit[MMW_PG_OWNER_2] >= 0)
		p->bit[MMW_PG_MAPPEDTODISK] = p->bit[MMW_PG_OWNER_2];
}

/* Every number VMCOREINFO prints must be the table's. */
static bool flags_confirmed(struct mmw_kernel *k, struct mmw_pages *p)
{
	static const struct { const char *key; enum mmw_pg flag; } said[] = {
		{ "PG_lru", MMW_PG_LRU }, { "PG_private", MMW_PG_PRIVATE }, { "PG_swapcache", MMW_PG_SWAPCACHE },
		{ "PG_swapbacked", MMW_PG_SWAPBACKED }, { "PG_slab", MMW_PG_SLAB },
	};
	const char *text = mmw_kernel_vmcoreinfo(k);
	uint64_t v;
	bool any = false;

	for (size_t i = 0; i < mmw_array_len(said); i++) {
		if (!mmw_vmcoreinfo_number(text, said[i].key, &v) || p->bit[said[i].flag] < 0)
			continue;
		if (v != (uint64_t)p->bit[said[i].flag])
			return false;
		any = true;
	}
	return any && (!mmw_vmcoreinfo_number(text, "PG_head_mask", &v) || v == 1ull << p->bit[MMW_PG_HEAD]);
}

static int flags_by_version(struct mmw_kernel *k, struct mmw_pages *p, struct mmw_err *err)
{
	unsigned version = mmw_kernel_version(k), next = 0;
	size_t i = mmw_array_len(flag_tables);
	uint64_t v;

	while (i && flag_tables[i - 1].since > version)
		i--;
	if (!i)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "no type says how page flags are numbered, nor does the release '%s'",
				mmw_kernel_release(k));
	for (next = 0; flag_tables[i - 1].order[next] != MMW_PG_N; next++)
		p->bit[flag_tables[i - 1].order[next]] = (int8_t)next;
	if (mmw_vmcoreinfo_number(mmw_kernel_vmcoreinfo(k), "PG_hwpoison", &v) && v < 32) {
		p->bit[MMW_PG_HWPOISON] = (int8_t)v;
		if (v == next + 1)
			p->bit[MMW_PG_UNCACHED] = (int8_t)next;
	}
	share_bits(p, version);
	p->flag_source = "the version's table";
	p->flags_guessed = !flags_confirmed(k, p);
	return 0;
}

static int bind_flags(struct mmw_kernel *k, struct mmw_pages *p, struct mmw_err *err)
{
	int64_t v;

	memset(p->bit, -1, sizeof(p->bit));
	if (mmw_kernel_enumerator(k, "pageflags", "PG_locked", &v, NULL))
		return flags_by_version(k, p, err);
	for (size_t i = 0; i < MMW_PG_N; i++)
		if (!mmw_kernel_enumerator(k, "pageflags", flag_names[i].enumerator, &v, NULL) && v >= 0 && v < 8 * p->word)
			p->bit[i] = (int8_t)v;
	p->flag_source = "enum pageflags";
	return 0;
}

/* --- the mark of a free page --------------------------------------------------------------------------------------- */

/*
 * include/linux/page-flags.h through the versions, told apart by the value that VMCOREINFO prints: to 4.17 a magic
 * count; to 6.10 a cleared bit below 0xf0000000; in 6.11 a cleared bit below 0x80000000; from 6.12 the top byte.
 */
static bool mark_of(uint32_t vmcoreinfo_value, struct mmw_page_mark *out)
{
	static const struct { uint32_t said; struct mmw_page_mark mark; } forms[] = {
		{ 0xffffff80, { 0xffffffff, 0xffffff80 } },
		{ 0xffffff7f, { 0xf0000080, 0xf0000000 } },
		{ 0xbfffffff, { 0xc0000000, 0x80000000 } },
		{ 0xf0000000, { 0xff000000, 0xf0000000 } },
	};

	for (size_t i = 0; i < mmw_array_len(forms); i++) {
		if (forms[i].said == vmcoreinfo_value) {
			*out = forms[i].mark;
			return true;
		}
	}
	return false;
}

const char *mmw_page_mark_find(struct mmw_kernel *k, struct mmw_page_mark *out)
{
	uint64_t said;
	int64_t e;

	if (mmw_vmcoreinfo_number(mmw_kernel_vmcoreinfo(k), "PAGE_BUDDY_MAPCOUNT_VALUE", &said) && mark_of((uint32_t)said, out))
		return "VMCOREINFO PAGE_BUDDY_MAPCOUNT_VALUE";
	if (!mmw_kernel_enumerator(k, "pagetype", "PGTY_buddy", &e, NULL) && e == 0xf0) {
		mark_of(0xf0000000, out);
		return "enum pagetype";
	}
	if (!mmw_kernel_enumerator(k, "pagetype", "PG_buddy", &e, NULL)) {
		mark_of(e == 0x40000000 ? 0xbfffffff : 0xffffff7f, out);
		return "enum pagetype";
	}
	mark_of(0xffffff7f, out);
	return "GUESSED as in 4.18 to 6.9";
}

/* --- types --------------------------------------------------------------------------------------------------------- */

static void set_type(struct mmw_pages *p, enum mmw_pgty type, uint32_t mask, uint32_t value)
{
	p->type[type].mask = mask;
	p->type[type].value = value;
}

/* A cleared bit below `base`. */
static void set_cleared(struct mmw_pages *p, enum mmw_pgty type, uint32_t base, uint32_t bit)
{
	set_type(p, type, base | bit, base);
}

/* 4.18 to 6.9: macros. PG_kmemcg went when struct page got memcg_data (5.11), and those behind it moved. */
static void types_of_macros(struct mmw_kernel *k, struct mmw_pages *p)
{
	const uint32_t base = 0xf0000000;
	struct mmw_member m;
	bool kmemcg = mmw_kernel_version(k) && mmw_kernel_version(k) < MMW_LINUX(5, 11);

	if (!mmw_kernel_member(k, "page", "memcg_data", &m, NULL, NULL))
		kmemcg = false;
	else if (!mmw_kernel_member(k, "page", "mem_cgroup", &m, NULL, NULL))
		kmemcg = true;
	set_cleared(p, MMW_PGTY_BUDDY, base, 0x80);
	set_cleared(p, MMW_PGTY_OFFLINE, base, 0x100);
	if (kmemcg)
		set_cleared(p, MMW_PGTY_KMEMCG, base, 0x200);
	set_cleared(p, MMW_PGTY_TABLE, base, kmemcg ? 0x400 : 0x200);
	set_cleared(p, MMW_PGTY_GUARD, base, kmemcg ? 0x800 : 0x400);
	if (mmw_kernel_version(k) >= MMW_LINUX(6, 9))
		set_cleared(p, MMW_PGTY_HUGETLB, base, 0x800);
	p->type_source = "the version's macros";
}

/* To 4.17: magic counts. */
static void types_of_counts(struct mmw_pages *p)
{
	set_type(p, MMW_PGTY_BUDDY, UINT32_MAX, (uint32_t)-128);
	set_type(p, MMW_PGTY_BALLOON, UINT32_MAX, (uint32_t)-256);
	set_type(p, MMW_PGTY_KMEMCG, UINT32_MAX, (uint32_t)-512);
	p->type_source = "the version's macros";
}

/* From 6.12 the top byte, before that (6.10) bits to clear: the enumerators' values tell which. */
static bool types_of_enum(struct mmw_kernel *k, struct mmw_pages *p)
{
	int64_t v;

	p->type_source = "enum pagetype";
	if (!mmw_kernel_enumerator(k, "pagetype", "PGTY_buddy", &v, NULL)) {
		for (size_t i = 0; i < MMW_PGTY_N; i++)
			if (type_names[i].enumerator && v == 0xf0 &&
			    !mmw_kernel_enumerator(k, "pagetype", type_names[i].enumerator, &v, NULL) && v >= 0xf0 && v < 0xff) {
				set_type(p, (enum mmw_pgty)i, 0xff000000, (uint32_t)v << 24);
				v = 0xf0;
			}
		return true;
	}
	if (mmw_kernel_enumerator(k, "pagetype", "PG_buddy", &v, NULL))
		return false;
	for (size_t i = 0; i < MMW_PGTY_N; i++) {
		int64_t bit;

		if (type_names[i].older && !mmw_kernel_enumerator(k, "pagetype", type_names[i].older, &bit, NULL))
			set_cleared(p, (enum mmw_pgty)i, v == 0x80 ? 0xf0000000 : 0x80000000, (uint32_t)bit);
	}
	return true;
}

static void types_of_version(struct mmw_pages *p)
{
	for (size_t i = 0; i < MMW_PGTY_N; i++)
		if (type_names[i].number)
			set_type(p, (enum mmw_pgty)i, 0xff000000, (uint32_t)type_names[i].number << 24);
	p->type_source = "the version's numbers";
}

static void bind_types(struct mmw_kernel *k, struct mmw_pages *p)
{
	struct mmw_page_mark free;
	const char *told = mmw_page_mark_find(k, &free);

	if (types_of_enum(k, p))
		return;
	if (free.mask == 0xff000000)
		types_of_version(p);
	else if (free.mask == UINT32_MAX)
		types_of_counts(p);
	else
		types_of_macros(k, p);
	p->type[MMW_PGTY_BUDDY] = free;
	/* Of 6.11's other types no table is kept. */
	p->types_guessed = !strncmp(told, "GUESSED", 7) || free.mask == 0xc0000000;
}

const struct mmw_zone *mmw_page_zone_of(const struct mmw_pages *p, const struct mmw_zones *z, const struct mmw_page *page)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct mmw_zone *zone = &z->zone[i];

		if (p->has_place ? mmw_page_place_is(&p->place, page->flags, zone) :
		    page->pfn >= zone->start_pfn && page->pfn - zone->start_pfn < zone->spanned)
			return zone;
	}
	return NULL;
}

enum mmw_pgty mmw_page_type(const struct mmw_pages *p, const struct mmw_page *page)
{
	for (int i = 1; i < MMW_PGTY_N; i++)
		if (mmw_page_is(p, page, (enum mmw_pgty)i))
			return (enum mmw_pgty)i;
	return MMW_PGTY_NONE;
}

bool mmw_page_has_type(const struct mmw_pages *p, const struct mmw_page *page)
{
	uint32_t mask = p->type[MMW_PGTY_BUDDY].mask;
	int32_t reserve = mask == 0xff000000 ? 0xff000000 - (1ll << 32) : mask == 0xc0000000 ? ~0xffff : TYPE_RESERVE;

	return (int32_t)page->type < reserve;
}

/* --- where things are ---------------------------------------------------------------------------------------------- */

/* In the first `most` bytes, and so that `wide` of them can be read there. */
static int offset_of(struct mmw_kernel *k, const char *type, const char *paths, uint64_t most, unsigned wide, unsigned *size)
{
	struct mmw_member m;

	if (mmw_kernel_member_any(k, type, paths, &m, NULL) || m.size > 8 || m.offset > most ||
	    most - m.offset < mmw_max64(m.size, wide))
		return -1;
	if (size)
		*size = (unsigned)m.size;
	return (int)m.offset;
}

/* What a folio keeps in its second page. */
static void bind_second(struct mmw_kernel *k, struct mmw_pages *p)
{
	uint64_t both = 2 * p->size;
	unsigned size = 0;
	int64_t v;

	p->flags_1 = (int)p->size + p->flags;
	p->entire = offset_of(k, "folio", "_entire_mapcount", both, 4, NULL);
	if (p->entire < 0 && (p->entire = offset_of(k, "page", "compound_mapcount.counter|compound_mapcount", p->size, 4, NULL)) >= 0)
		p->entire += (int)p->size;
	p->large_mapcount = offset_of(k, "folio", "_large_mapcount", both, 4, NULL);
	p->order = offset_of(k, "page", "compound_order", p->size, 1, &size);
	if (p->order >= 0)
		p->order += (int)p->size;
	else
		p->order = offset_of(k, "folio", "_folio_order", both, 1, &size);
	p->order_size = (int)size;
	p->dtor = offset_of(k, "page", "compound_dtor", p->size, 1, NULL);
	if (p->dtor >= 0)
		p->dtor += (int)p->size;
	else
		p->dtor = offset_of(k, "folio", "_folio_dtor", both, 1, NULL);
	p->hugetlb_dtor = -1;
	if (!mmw_kernel_enumerator(k, "compound_dtor_id", "HUGETLB_PAGE_DTOR", &v, NULL) ||
	    mmw_vmcoreinfo_number(mmw_kernel_vmcoreinfo(k), "HUGETLB_PAGE_DTOR", (uint64_t *)&v))
		p->hugetlb_dtor = v;
}

static int bind_first(struct mmw_kernel *k, struct mmw_pages *p, struct mmw_err *err)
{
	const struct { int *at; const char *paths; unsigned wide; bool needed; } members[] = {
		{ &p->flags, "flags.f|flags", p->word, true },
		{ &p->type_at, "page_type|_mapcount.counter|_mapcount", 4, true },
		{ &p->refcount, "_refcount.counter|_refcount", 4, true },
		{ &p->mapping, "mapping", p->word, false },
		{ &p->index, "__folio_index|index", p->word, false },
		{ &p->private, "private", p->word, true },
		{ &p->lru_next, "lru.next", p->word, true },
		{ &p->lru_prev, "lru.prev", p->word, true },
		{ &p->head, "compound_info|compound_head", p->word, true },
		{ &p->memcg, "memcg_data|mem_cgroup", p->word, false },
	};

	for (size_t i = 0; i < mmw_array_len(members); i++) {
		*members[i].at = offset_of(k, "page", members[i].paths, p->size, members[i].wide, NULL);
		if (*members[i].at < 0 && members[i].needed)
			return mmw_fail(err, MMW_E_NOTYPE, 0, "no type says where page.%s is", members[i].paths);
	}
	return 0;
}

/* MAX_PHYSMEM_BITS - SECTION_SIZE_BITS, where sections are in the flags. */
static int section_bits(struct mmw_kernel *k, const struct mmw_memmap *memmap, unsigned *out, struct mmw_err *err)
{
	uint64_t bits, unit = memmap->section_shift + mmw_kernel_page_shift(k);

	*out = 0;
	if (memmap->model != MMW_SPARSEMEM)
		return 0;
	if (!mmw_vmcoreinfo_number(mmw_kernel_vmcoreinfo(k), "MAX_PHYSMEM_BITS", &bits) || bits > 52 || bits <= unit)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "nothing says how many memory sections page.flags has room for (MAX_PHYSMEM_BITS)");
	*out = (unsigned)(bits - unit);
	return 0;
}

int mmw_page_place_bind(struct mmw_kernel *k, const struct mmw_memmap *memmap, struct mmw_page_place *out, struct mmw_err *err)
{
	unsigned word = 8 * mmw_kernel_arch(k)->word, top = word, sections;
	struct mmw_member zones;
	uint64_t nodes = 1;
	int64_t flags = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mmw_kernel_member_any(k, "page", "flags.f|flags", &out->flags, err);
	rc = rc ? rc : mmw_kernel_member(k, "pglist_data", "node_zones", &zones, NULL, err);
	rc = rc ? rc : section_bits(k, memmap, &sections, err);
	if (rc)
		return rc;
	top -= sections;
	mmw_vmcoreinfo_length(mmw_kernel_vmcoreinfo(k), "node_data", &nodes);
	if (mmw_kernel_enumerator(k, "pageflags", "__NR_PAGEFLAGS", &flags, NULL) || flags < 0 || flags > word)
		flags = 0;
	while (1ull << out->node_bits < nodes && out->node_bits < 10)
		out->node_bits++;
	while (1ull << out->zone_bits < zones.count && out->zone_bits < 3)
		out->zone_bits++;
	if (sections + out->zone_bits + flags > word)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "page flags have no room for %u bits of a section and a zone", sections);
	/* Without room the node is in section_to_node_table. */
	if (out->node_bits + out->zone_bits + flags > top)
		out->node_bits = 0;
	out->node_shift = top - out->node_bits;
	out->zone_shift = out->node_shift - out->zone_bits;
	return 0;
}

int mmw_pages_bind(struct mmw_kernel *k, const struct mmw_memmap *memmap, struct mmw_pages *out, struct mmw_err *err)
{
	struct mmw_member tails, info;
	uint64_t va;
	int rc;

	memset(out, 0, sizeof(*out));
	out->memmap = memmap;
	out->be = mmw_image_big_endian(mmw_kernel_image(k));
	out->word = mmw_kernel_arch(k)->word;
	out->size = memmap->page_size;
	out->memmap_page = 1ull << mmw_kernel_page_shift(k);
	if (out->size > MMW_STRUCT_PAGE_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "struct page of %" PRIu64 " bytes", out->size);
	rc = bind_first(k, out, err);
	rc = rc ? rc : bind_flags(k, out, err);
	if (rc)
		return mmw_wrap(err, rc, "struct page");
	out->has_place = !mmw_page_place_bind(k, memmap, &out->place, NULL);
	bind_types(k, out);
	bind_second(k, out);
	out->head_mask = !(out->size & (out->size - 1)) && !mmw_kernel_member(k, "page", "compound_info", &info, NULL, NULL) &&
			 !mmw_kernel_member(k, "zone", "vmemmap_tails", &tails, NULL, NULL);
	out->style = out->bit[MMW_PG_SLAB] >= 0 ? MMW_PAGE_STYLE_PAGE : MMW_PAGE_STYLE_FOLIO;
	if (!mmw_kernel_symbol(k, "snapshot_page", &va, NULL, NULL))
		out->style = MMW_PAGE_STYLE_SNAPSHOT;
	out->ksm_all = out->style == MMW_PAGE_STYLE_FOLIO && mmw_kernel_version(k) < MMW_LINUX(6, 16);
	return 0;
}

/* --- one page ------------------------------------------------------------------------------------------------------ */

static uint64_t word_at(const struct mmw_pages *p, const uint8_t *bytes, int at)
{
	return at < 0 ? 0 : mmw_get_word(bytes + at, p->word, p->be);
}

void mmw_page_take(const struct mmw_pages *p, uint64_t pfn, uint64_t va, const uint8_t *bytes, uint64_t n, struct mmw_page *out)
{
	uint64_t second;

	out->pfn = pfn;
	out->va = va;
	out->flags = word_at(p, bytes, p->flags);
	out->mapping = word_at(p, bytes, p->mapping);
	out->index = word_at(p, bytes, p->index);
	out->private = word_at(p, bytes, p->private);
	out->head = word_at(p, bytes, p->head);
	out->lru_next = word_at(p, bytes, p->lru_next);
	out->lru_prev = word_at(p, bytes, p->lru_prev);
	out->type = mmw_get32(bytes + p->type_at, p->be);
	out->refcount = (int32_t)mmw_get32(bytes + p->refcount, p->be);
	if (out->va & (p->memmap_page - 1) || n < 2 || p->head_mask || !mmw_page_flag(p, out, MMW_PG_HEAD))
		return;
	second = word_at(p, bytes + p->size, p->head);
	if (second & 1 && second - 1 != out->va)
		out->head = second;
}

int mmw_page_read(const struct mmw_pages *p, struct mmw_vm *vm, uint64_t pfn, struct mmw_page *out, struct mmw_err *err)
{
	uint64_t va = mmw_memmap_page(p->memmap, pfn);
	uint8_t bytes[2 * MMW_STRUCT_PAGE_MAX];
	uint64_t n = va & (p->memmap_page - 1) ? 1 : 2;
	int rc;

	if (!va)
		return mmw_fail(err, MMW_E_ARG, pfn, "frame 0x%" PRIx64 " has no struct page", pfn);
	rc = mmw_vm_read(vm, va, bytes, n * p->size, err);
	if (!rc)
		mmw_page_take(p, pfn, va, bytes, n, out);
	return rc ? mmw_wrap(err, rc, "struct page of frame 0x%" PRIx64, pfn) : 0;
}

/* --- folios -------------------------------------------------------------------------------------------------------- */

/* Bytes of a folio's first two struct pages: those of the run, or read into buf. */
static const uint8_t *two_pages(const struct mmw_pages *p, struct mmw_vm *vm, const struct mmw_page_run *run, uint64_t pfn,
				uint8_t *buf, struct mmw_err *err)
{
	if (run && run->bytes && pfn >= run->pfn && pfn + 1 < run->pfn + run->n)
		return run->bytes + (pfn - run->pfn) * p->size;
	return mmw_vm_read(vm, mmw_memmap_page(p->memmap, pfn), buf, 2 * p->size, err) ? NULL : buf;
}

static void take_second(const struct mmw_pages *p, const uint8_t *bytes, struct mmw_folio *f)
{
	uint64_t flags_1 = word_at(p, bytes, p->flags_1);
	uint64_t order = p->order < 0 ? flags_1 & 0xff : mmw_get_word(bytes + p->order, (unsigned)p->order_size, p->be);

	f->large = true;
	f->order = order <= ORDER_MAX ? (unsigned)order : 0;
	if (p->type[MMW_PGTY_HUGETLB].mask)
		f->hugetlb = mmw_page_is(p, &f->page, MMW_PGTY_HUGETLB);
	else if (p->bit[MMW_PG_HUGETLB] >= 0)
		f->hugetlb = flags_1 >> p->bit[MMW_PG_HUGETLB] & 1;
	else
		f->hugetlb = p->dtor >= 0 && bytes[p->dtor] == p->hugetlb_dtor;
	f->rmappable = p->bit[MMW_PG_LARGE_RMAPPABLE] >= 0 && flags_1 >> p->bit[MMW_PG_LARGE_RMAPPABLE] & 1;
	f->double_map = p->bit[MMW_PG_DOUBLE_MAP] >= 0 && flags_1 >> p->bit[MMW_PG_DOUBLE_MAP] & 1;
	f->entire = p->entire < 0 ? 0 : (int32_t)(mmw_get32(bytes + p->entire, p->be) + 1);
	f->large_mapcount = p->large_mapcount < 0 ? INT32_MIN : (int32_t)(mmw_get32(bytes + p->large_mapcount, p->be) + 1);
}

int mmw_folio_of(const struct mmw_pages *p, struct mmw_vm *vm, const struct mmw_page_run *run, const struct mmw_page *page,
		 struct mmw_folio *out, struct mmw_err *err)
{
	uint64_t head = mmw_page_head(p, page), pfn = page->pfn;
	uint8_t buf[2 * MMW_STRUCT_PAGE_MAX];
	const uint8_t *bytes;

	memset(out, 0, sizeof(*out));
	out->large_mapcount = INT32_MIN;
	out->page = *page;
	if (!mmw_page_is_tail(page) && !mmw_page_flag(p, page, MMW_PG_HEAD))
		return 0;
	if (mmw_page_is_tail(page) && (!mmw_memmap_pfn(p->memmap, head, &pfn) || pfn >= page->pfn))
		return mmw_fail(err, MMW_E_CORRUPT, page->va, "a tail page whose head 0x%" PRIx64 " is no struct page before it", head);
	bytes = two_pages(p, vm, run, pfn, buf, err);
	if (!bytes)
		return mmw_wrap(err, -MMW_E_NODATA, "head of the page at 0x%" PRIx64, page->va);
	mmw_page_take(p, pfn, head, bytes, 2, &out->page);
	if (!mmw_page_flag(p, &out->page, MMW_PG_HEAD))
		return mmw_fail(err, MMW_E_CORRUPT, page->va, "a tail page whose head 0x%" PRIx64 " is none", head);
	take_second(p, bytes, out);
	return 0;
}

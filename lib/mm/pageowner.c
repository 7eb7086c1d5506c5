/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/pageowner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/mm/page.h"

enum {
	EXT_MAX = 4096,       /* bytes of a page_ext */
	OWNER_ALLOCATED = 1,  /* PAGE_EXT_OWNER_ALLOCATED, where no enumeration says */
	MOVABLE_SHIFT = 3,    /* GFP_MOVABLE_SHIFT: __GFP_MOVABLE and __GFP_RECLAIMABLE are the migrate type */
};

/* A kernel of 64 TiB, each frame looked at once. */
static const uint64_t budget = 1ull << 34;

static const struct mmw_field owner_fields[] = {
	MMW_FIELD(mmw_page_owner, order, "order"),
	MMW_FIELD(mmw_page_owner, gfp, "gfp_mask"),
};

/* page_owner_inited, a static key: its count tells. */
static bool is_on(struct mmw_kernel *k)
{
	uint64_t va, count;

	return !mmw_kernel_symbol(k, "page_owner_inited", &va, NULL, NULL) &&
	       !mmw_vm_read_uint(mmw_kernel_vm(k), va, 4, &count, NULL) && (int32_t)count > 0;
}

/* Without sections the node has them all, from the start of its first block of the largest order on. */
static int bind_flat(struct mmw_kernel *k, struct mmw_pageowner *out, struct mmw_err *err)
{
	unsigned word = mmw_kernel_arch(k)->word;
	struct mmw_member ext, start, area;
	uint64_t pgdat, base, first;
	int rc = mmw_kernel_symbol(k, "contig_page_data", &pgdat, NULL, err);

	rc = rc ? rc : mmw_kernel_member(k, "pglist_data", "node_page_ext", &ext, NULL, err);
	rc = rc ? rc : mmw_kernel_member(k, "pglist_data", "node_start_pfn", &start, NULL, err);
	rc = rc ? rc : mmw_kernel_member(k, "zone", "free_area", &area, NULL, err);
	rc = rc ? rc : mmw_vm_read_uint(mmw_kernel_vm(k), pgdat + ext.offset, word, &base, err);
	rc = rc ? rc : mmw_vm_read_uint(mmw_kernel_vm(k), pgdat + start.offset, word, &first, err);
	if (rc)
		return rc;
	if (!base || !area.count || area.count > MMW_ORDERS_MAX)
		return mmw_fail(err, MMW_E_NODATA, pgdat, "the node has no page_ext");
	out->flat = base - (first >> (area.count - 1) << (area.count - 1)) * out->size;
	return 0;
}

static int bind(struct mmw_kernel *k, struct mmw_pageowner *out, struct mmw_err *err)
{
	struct mmw_member flags, offset;
	uint64_t ops;
	int64_t bit = OWNER_ALLOCATED;
	int rc = mmw_kernel_variable(k, "page_ext_size", mmw_kernel_arch(k)->word, &out->size, err);

	rc = rc ? rc : mmw_kernel_symbol(k, "page_owner_ops", &ops, NULL, err);
	rc = rc ? rc : mmw_kernel_member(k, "page_ext_operations", "offset", &offset, NULL, err);
	rc = rc ? rc : mmw_kernel_member(k, "page_ext", "flags", &flags, NULL, err);
	rc = rc ? rc : mmw_shadow_bind(k, "page_owner", owner_fields, mmw_array_len(owner_fields), &out->shadow, err);
	rc = rc ? rc : mmw_vm_read_uint(mmw_kernel_vm(k), ops + offset.offset, (unsigned)offset.size, &out->offset, err);
	if (rc)
		return rc;
	(void)mmw_kernel_enumerator(k, "page_ext_flags", "PAGE_EXT_OWNER_ALLOCATED", &bit, NULL);
	if (!out->size || out->size > EXT_MAX || out->offset + out->shadow.size > out->size || bit < 0 || bit > 31)
		return mmw_fail(err, MMW_E_CORRUPT, ops, "page_ext of %" PRIu64 " bytes with the owner at %" PRIu64, out->size,
				out->offset);
	out->flags_at = flags.offset;
	out->flags_size = (unsigned)flags.size;
	out->allocated = (unsigned)bit;
	return 0;
}

int mmw_pageowner_open(struct mmw_kernel *k, const struct mmw_memmap *memmap, struct mmw_pageowner *out, struct mmw_err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->memmap = memmap;
	if (!is_on(k))
		return mmw_fail(err, MMW_E_NODATA, 0, "this kernel does not note who allocates pages (page_owner=on)");
	rc = bind(k, out, err);
	if (!rc && !memmap->section_shift)
		rc = bind_flat(k, out, err);
	return rc ? mmw_wrap(err, rc, "page owners") : 0;
}

static uint64_t ext_of(const struct mmw_pageowner *o, uint64_t pfn)
{
	const struct mmw_mem_run *run = mmw_memmap_run(o->memmap, pfn);
	uint64_t base = o->flat ? o->flat : run ? run->ext : 0;

	return base ? base + pfn * o->size : 0;
}

int mmw_pageowner_of(const struct mmw_pageowner *o, struct mmw_vm *vm, uint64_t pfn, struct mmw_page_owner *out,
		     struct mmw_err *err)
{
	uint64_t ext = ext_of(o, pfn), flags;
	int rc;

	if (!ext)
		return 0;
	rc = mmw_vm_read_uint(vm, ext + o->flags_at, o->flags_size, &flags, err);
	if (rc || !(flags >> o->allocated & 1))
		return rc;
	rc = mmw_shadow_read(&o->shadow, vm, ext + o->offset, out, err);
	return rc ? rc : 1;
}

/* --- mixed pageblocks ---------------------------------------------------------------------------------------------- */

struct mixing {
	const struct mmw_pageowner *o;
	const struct mmw_pageblocks *blocks;
	struct mmw_vm *vm;
	struct mmw_pages pages;
	int cma;
	uint64_t left;
};

/*
 * Does a page of [pfn, end) want another type than its block has? *next is where the kernel goes on looking: behind the
 * block, or behind what began in it.
 */
static bool is_mixed(struct mixing *m, const struct mmw_zone *zone, int type, uint64_t pfn, uint64_t end, uint64_t *next)
{
	for (; pfn < end && m->left; pfn++, m->left--) {
		struct mmw_page_owner owner;
		struct mmw_page page;

		if (mmw_page_read(&m->pages, m->vm, pfn, &page, NULL) ||
		    mmw_page_zone_of(&m->pages, m->blocks->zones, &page) != zone)
			continue;
		if (mmw_page_is(&m->pages, &page, MMW_PGTY_BUDDY)) {
			pfn += page.private < m->blocks->zones->orders ? (1ull << page.private) - 1 : 0;
			continue;
		}
		if (mmw_page_flag(&m->pages, &page, MMW_PG_RESERVED) || mmw_pageowner_of(m->o, m->vm, pfn, &owner, NULL) != 1)
			continue;
		if ((int)(owner.gfp >> MOVABLE_SHIFT & 3) != type) {
			*next = end;
			return true;
		}
		pfn += owner.order < MMW_ORDERS_MAX ? (1ull << owner.order) - 1 : 0;
	}
	*next = pfn;
	return false;
}

static void count_zone(struct mixing *m, const struct mmw_zone *zone, uint64_t *counts)
{
	uint64_t end = mmw_min64(zone->start_pfn + zone->spanned, m->o->memmap->end), pfn = zone->start_pfn;
	uint64_t largest = 1ull << (m->blocks->zones->orders - 1);

	while (pfn < end && m->left) {
		uint64_t stop = mmw_min64((pfn >> m->blocks->order << m->blocks->order) + (1ull << m->blocks->order), end);
		int type;

		if (mmw_memmap_state(m->o->memmap, pfn) != MMW_FRAME_ONLINE) {
			pfn = (pfn + largest) / largest * largest;
			m->left--;
			continue;
		}
		type = mmw_pageblock_type(m->blocks, m->vm, zone, pfn);
		if (is_mixed(m, zone, type, pfn, stop, &pfn) && type >= 0 && (unsigned)type < m->blocks->zones->types)
			counts[type == m->cma ? 1 : type]++;
	}
}

int mmw_pageowner_mixed(const struct mmw_pageowner *o, struct mmw_kernel *k, const struct mmw_pageblocks *blocks,
			uint64_t **counts, struct mmw_err *err)
{
	const struct mmw_zones *z = blocks->zones;
	struct mixing m = { .o = o, .blocks = blocks, .vm = mmw_kernel_vm(k), .cma = -1, .left = budget };
	int rc = mmw_pages_bind(k, o->memmap, &m.pages, err);

	if (rc)
		return rc;
	for (unsigned i = 0; i < z->types; i++)
		if (!strcmp(z->type_name[i], "CMA"))
			m.cma = (int)i;
	*counts = calloc(z->n * z->types, sizeof(**counts));
	if (!*counts)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to count pageblocks");
	for (size_t i = 0; i < z->n; i++)
		count_zone(&m, &z->zone[i], *counts + i * z->types);
	return 0;
}

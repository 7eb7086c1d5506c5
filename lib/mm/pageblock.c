/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/pageblock.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/kernel/shadow.h"

enum {
	BITS = 4,  /* of a pageblock: the migrate type's three, and compaction's */
	TYPE_MASK = 7,
	BITMAP_MAX = 4096,  /* bytes of a section's */
};

/* 64 TiB in pageblocks of 2 MiB, each looked at once. */
static const uint64_t budget = 1ull << 25;

static unsigned log2_of(uint64_t v)
{
	return v ? 63 - (unsigned)__builtin_clzll(v) : 0;
}

/*
 * Of sections that were there at boot the kernel laid the bitmaps side by side (mm/sparse.c, sparse_init_nid): how far
 * apart they are tells how large one is. 0: it does not.
 */
static unsigned order_by_bitmaps(const struct mmw_pageblocks *b)
{
	uint64_t nearest = UINT64_MAX, before = 0, blocks;

	for (size_t i = 0; i < b->m->n_runs; i++) {
		const struct mmw_mem_run *run = &b->m->runs[i];

		if (!run->usage || !run->early)
			continue;
		if (before && run->usage > before && run->usage - before < nearest)
			nearest = run->usage - before;
		before = run->usage;
	}
	/* One word is the least there is, whatever it holds. */
	if (nearest == UINT64_MAX || nearest <= b->flags_at + b->word || nearest - b->flags_at > BITMAP_MAX)
		return 0;
	blocks = (nearest - b->flags_at) * 8 / b->bits;
	if (!blocks || blocks & (blocks - 1) || log2_of(blocks) > b->m->section_shift)
		return 0;
	return b->m->section_shift - log2_of(blocks);
}

/* Its order is that of a huge page where the kernel has such, and no more than that of the largest free block. */
unsigned mmw_pageblock_rule(struct mmw_kernel *k, unsigned orders)
{
	const struct mmw_space *s = mmw_kernel_space(k);
	unsigned largest = orders - 1;
	uint64_t va;

	if (s && !mmw_kernel_symbol(k, "hugetlb_fault", &va, NULL, NULL))
		return s->paging.bits[0] < largest ? s->paging.bits[0] : largest;
	return largest;
}

static unsigned order_of(const struct mmw_pageblocks *b)
{
	unsigned order = order_by_bitmaps(b);

	return order && order < b->z->orders ? order : mmw_pageblock_rule(b->k, b->z->orders);
}

static int bind(struct mmw_pageblocks *b, struct mmw_err *err)
{
	struct mmw_member m;
	int64_t bit;
	int rc;

	b->isolate_bit = -1;
	b->bits = BITS;
	if (!mmw_kernel_enumerator(b->k, "pageblock_bits", "PB_migrate_isolate", &bit, NULL) && bit > 0 && bit < 8) {
		b->isolate_bit = (int)bit;
		b->bits = 2 * BITS;
	}
	rc = mmw_kernel_member(b->k, "zone", "pageblock_flags", &m, NULL, NULL);
	b->flat = !rc;
	if (rc)
		rc = mmw_kernel_member(b->k, "mem_section_usage", "pageblock_flags", &m, NULL, NULL);
	if (rc && !mmw_kernel_member(b->k, "mem_section", "pageblock_flags", &m, NULL, NULL)) {
		m.offset = 0;
		rc = 0;
	}
	if (rc)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "no type says where their bitmaps are (--types FILE brings the kernel's types)");
	b->flags_at = m.offset;
	rc = mmw_kernel_member_any(b->k, "page", "flags.f|flags", &b->page_flags, err);
	return rc ? rc : mmw_page_place_bind(b->k, b->m, &b->place, err);
}

/* The zone that the struct page of this frame names; false where there is none. */
static bool in_zone(const struct mmw_pageblocks *b, const struct mmw_zone *zone, uint64_t pfn)
{
	uint64_t flags, at = mmw_memmap_page(b->m, pfn) + b->page_flags.offset;

	if (mmw_vm_read_uint(mmw_kernel_vm(b->k), at, b->word, &flags, NULL))
		return false;
	return mmw_page_zone(&b->place, flags) == zone->index &&
	       (!b->place.node_bits || mmw_page_node(&b->place, flags) == zone->node);
}

/* Where the bitmap of this frame is, and which of its pageblocks the frame is in. */
static bool place_of(const struct mmw_pageblocks *b, const struct mmw_zone *zone, uint64_t pfn, uint64_t *bitmap,
		     uint64_t *block)
{
	uint64_t first = zone->start_pfn >> b->order << b->order;
	const struct mmw_mem_run *run;

	if (b->flat) {
		*block = (pfn - first) >> b->order;
		return !mmw_vm_read_uint(mmw_kernel_vm(b->k), zone->va + b->flags_at, b->word, bitmap, NULL) && *bitmap;
	}
	run = mmw_memmap_run(b->m, pfn);
	*block = (pfn & ((1ull << b->m->section_shift) - 1)) >> b->order;
	*bitmap = run && run->usage ? run->usage + b->flags_at : 0;
	return *bitmap;
}

int mmw_pageblock_type(const struct mmw_pageblocks *b, const struct mmw_zone *zone, uint64_t pfn)
{
	uint64_t bitmap, block, word;
	unsigned shift;

	if (pfn < zone->start_pfn || !place_of(b, zone, pfn, &bitmap, &block))
		return -1;
	shift = block * b->bits % (8 * b->word);
	bitmap += block * b->bits / (8 * b->word) * b->word;
	if (mmw_vm_read_uint(mmw_kernel_vm(b->k), bitmap, b->word, &word, NULL))
		return -1;
	word >>= shift;
	if (b->isolate_bit >= 0 && word >> b->isolate_bit & 1)
		return b->z->isolate;
	return (int)(word & TYPE_MASK);
}

static void count_block(struct mmw_pageblocks *b, size_t index, uint64_t pfn)
{
	const struct mmw_zone *zone = &b->z->zone[index];
	int type = in_zone(b, zone, pfn) ? mmw_pageblock_type(b, zone, pfn) : -1;

	if (type >= 0 && (unsigned)type < b->z->types)
		b->counts[index * b->z->types + type]++;
}

/* As the kernel does: a step is a pageblock from where the zone starts, be that a pageblock's start or not. */
static bool count_zone(struct mmw_pageblocks *b, size_t index, uint64_t *left)
{
	const struct mmw_zone *zone = &b->z->zone[index];
	uint64_t step = 1ull << b->order, end = zone->start_pfn + zone->spanned;

	end = end < zone->start_pfn ? UINT64_MAX : end;
	for (size_t i = 0; i < b->m->n_runs; i++) {
		const struct mmw_mem_run *run = &b->m->runs[i];
		uint64_t first = run->pfn, last = run->pfn + run->n - 1;

		if (run->state != MMW_FRAME_ONLINE || last < zone->start_pfn || first >= end)
			continue;
		first = first > zone->start_pfn ? zone->start_pfn + (first - zone->start_pfn + step - 1) / step * step :
			zone->start_pfn;
		for (uint64_t at = first; at <= last && at < end; at += step) {
			if (!(*left)--)
				return false;
			count_block(b, index, at);
		}
	}
	return true;
}

int mmw_pageblocks_open(struct mmw_kernel *k, const struct mmw_zones *z, const struct mmw_memmap *m,
			struct mmw_pageblocks *out, struct mmw_err *err)
{
	uint64_t left = budget;
	int rc;

	*out = (struct mmw_pageblocks){ .k = k, .z = z, .m = m, .word = mmw_kernel_arch(k)->word };
	rc = bind(out, err);
	out->order = order_of(out);
	if (rc)
		return mmw_wrap(err, rc, "pageblocks");
	out->counts = calloc(z->n * z->types, sizeof(*out->counts));
	if (!out->counts)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to count pageblocks");
	for (size_t i = 0; i < z->n; i++)
		if (!count_zone(out, i, &left))
			return mmw_fail(err, MMW_E_LIMIT, 0, "zones that claim more than %" PRIu64 " pageblocks", budget);
	return 0;
}

void mmw_pageblocks_close(struct mmw_pageblocks *p)
{
	free(p->counts);
	p->counts = NULL;
}

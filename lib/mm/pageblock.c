/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/pageblock.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/kernel/shadow.h"
#include "lib/mm/page.h"

enum {
	BITS = 4,  /* of a pageblock: the migrate type's three, and compaction's */
	TYPE_MASK = 7,
	BITMAP_MAX = 4096,  /* bytes of a section's */
};

/* 64 TiB in pageblocks of 2 MiB, each looked at once. */
static const uint64_t budget = 1ull << 25;

struct blocks {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	const struct mmw_zones *z;
	const struct mmw_memmap *m;
	struct mmw_pageblocks *out;
	struct mmw_page_place place;
	uint64_t budget;
};

static unsigned log2_of(uint64_t v)
{
	return v ? 63 - (unsigned)__builtin_clzll(v) : 0;
}

/*
 * Of sections that were there at boot the kernel laid the bitmaps side by side (mm/sparse.c, sparse_init_nid): how far
 * apart they are tells how large one is. 0: it does not.
 */
static unsigned order_by_bitmaps(const struct blocks *b)
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
	if (nearest == UINT64_MAX || nearest <= b->out->flags_at + b->out->word || nearest - b->out->flags_at > BITMAP_MAX)
		return 0;
	blocks = (nearest - b->out->flags_at) * 8 / b->out->bits;
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

static unsigned order_of(const struct blocks *b)
{
	unsigned order = order_by_bitmaps(b);

	return order && order < b->z->orders ? order : mmw_pageblock_rule(b->k, b->z->orders);
}

static int bind(struct blocks *b, struct mmw_err *err)
{
	struct mmw_member m;
	int64_t bit;
	int rc;

	b->out->isolate_bit = -1;
	b->out->bits = BITS;
	if (!mmw_kernel_enumerator(b->k, "pageblock_bits", "PB_migrate_isolate", &bit, NULL) && bit > 0 && bit < 8) {
		b->out->isolate_bit = (int)bit;
		b->out->bits = 2 * BITS;
	}
	rc = mmw_kernel_member(b->k, "zone", "pageblock_flags", &m, NULL, NULL);
	b->out->flat = !rc;
	if (rc)
		rc = mmw_kernel_member(b->k, "mem_section_usage", "pageblock_flags", &m, NULL, NULL);
	if (rc && !mmw_kernel_member(b->k, "mem_section", "pageblock_flags", &m, NULL, NULL)) {
		m.offset = 0;
		rc = 0;
	}
	if (rc)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "no type says where their bitmaps are (--types FILE brings the kernel's types)");
	b->out->flags_at = m.offset;
	return mmw_page_place_bind(b->k, b->m, &b->place, err);
}

/* The zone that the struct page of this frame names; false where there is none. */
static bool in_zone(struct blocks *b, const struct mmw_zone *zone, uint64_t pfn)
{
	uint64_t flags;

	if (mmw_vm_read_uint(b->vm, mmw_memmap_page(b->m, pfn) + b->place.flags.offset, b->out->word, &flags, NULL))
		return false;
	return mmw_page_place_is(&b->place, flags, zone);
}

/* Where the bitmap of this frame is, and which of its pageblocks the frame is in. */
static bool place_of(const struct mmw_pageblocks *p, struct mmw_vm *vm, const struct mmw_zone *zone, uint64_t pfn,
		     uint64_t *bitmap, uint64_t *block)
{
	const struct mmw_mem_run *run;

	if (p->flat) {
		*block = (pfn - (zone->start_pfn >> p->order << p->order)) >> p->order;
		return !mmw_vm_read_uint(vm, zone->va + p->flags_at, p->word, bitmap, NULL) && *bitmap;
	}
	run = mmw_memmap_run(p->memmap, pfn);
	*block = (pfn & ((1ull << p->memmap->section_shift) - 1)) >> p->order;
	*bitmap = run && run->usage ? run->usage + p->flags_at : 0;
	return *bitmap;
}

int mmw_pageblock_type(const struct mmw_pageblocks *p, struct mmw_vm *vm, const struct mmw_zone *zone, uint64_t pfn)
{
	uint64_t bitmap, block, word;

	if (!place_of(p, vm, zone, pfn, &bitmap, &block) ||
	    mmw_vm_read_uint(vm, bitmap + block * p->bits / (8 * p->word) * p->word, p->word, &word, NULL))
		return -1;
	word >>= block * p->bits % (8 * p->word);
	if (p->isolate_bit >= 0 && word >> p->isolate_bit & 1)
		return p->zones->isolate;
	return (word & TYPE_MASK) < p->zones->types ? (int)(word & TYPE_MASK) : -1;
}

static void count_block(struct blocks *b, size_t index, uint64_t pfn)
{
	const struct mmw_zone *zone = &b->z->zone[index];
	int type = in_zone(b, zone, pfn) ? mmw_pageblock_type(b->out, b->vm, zone, pfn) : -1;

	if (type >= 0)
		b->out->counts[index * b->z->types + type]++;
}

/* As the kernel does: a step is a pageblock from where the zone starts, be that a pageblock's start or not. */
static bool count_zone(struct blocks *b, size_t index)
{
	const struct mmw_zone *zone = &b->z->zone[index];
	uint64_t step = 1ull << b->out->order, end = zone->start_pfn + zone->spanned;

	end = end < zone->start_pfn ? UINT64_MAX : end;
	for (size_t i = 0; i < b->m->n_runs; i++) {
		const struct mmw_mem_run *run = &b->m->runs[i];
		uint64_t first = run->pfn, last = run->pfn + run->n - 1;

		if (run->state != MMW_FRAME_ONLINE || last < zone->start_pfn || first >= end)
			continue;
		first = first > zone->start_pfn ? zone->start_pfn + (first - zone->start_pfn + step - 1) / step * step :
			zone->start_pfn;
		for (uint64_t at = first; at <= last && at < end; at += step) {
			if (!b->budget--)
				return false;
			count_block(b, index, at);
		}
	}
	return true;
}

int mmw_pageblocks_open(struct mmw_kernel *k, const struct mmw_zones *z, const struct mmw_memmap *m,
			struct mmw_pageblocks *out, struct mmw_err *err)
{
	struct blocks b = { .k = k, .vm = mmw_kernel_vm(k), .z = z, .m = m, .out = out, .budget = budget };
	int rc;

	*out = (struct mmw_pageblocks){ .zones = z, .memmap = m, .word = mmw_kernel_arch(k)->word };
	rc = bind(&b, err);
	out->order = order_of(&b);
	if (rc)
		return mmw_wrap(err, rc, "pageblocks");
	out->counts = calloc(z->n * z->types, sizeof(*out->counts));
	if (!out->counts)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to count pageblocks");
	for (size_t i = 0; i < z->n; i++)
		if (!count_zone(&b, i))
			return mmw_fail(err, MMW_E_LIMIT, 0, "zones that claim more than %" PRIu64 " pageblocks", budget);
	return 0;
}

void mmw_pageblocks_close(struct mmw_pageblocks *p)
{
	free(p->counts);
	p->counts = NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/check.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/slab/allocator.h"
#include "lib/slab/guard.h"

/* Slabs of a cache on a node, as the pass finds them. */
struct tally {
	uint64_t slabs, objects;
};

struct check {
	struct mmw_slab_check *out;
	struct mmw_slabs *s;
	struct mmw_vm *vm;
	struct mmw_slab_guards guards;
	struct tally *tally;      /* of each of s->counts */
	bool slub, marks;
	bool chains_freeze;       /* slabs of CPUs' chains are frozen (to 6.7) */
};

static struct mmw_slab_problem problem_of(const struct mmw_slab *slab, enum mmw_slab_problem_kind kind, uint64_t found,
					  uint64_t expected)
{
	return (struct mmw_slab_problem){ .kind = kind, .cache = slab->cache_va, .slab = slab->va, .addr = slab->va,
					  .cpu = slab->who, .node = slab->node, .found = found, .expected = expected };
}

static void add(struct check *c, const struct mmw_slab *slab, enum mmw_slab_problem_kind kind, uint64_t found,
		uint64_t expected)
{
	struct mmw_slab_problem p = problem_of(slab, kind, found, expected);

	mmw_slab_problem_add(&c->s->problems, &p);
}

/* --- a slab -------------------------------------------------------------------------------------------------------- */

static void check_place(struct check *c, const struct mmw_slab *slab)
{
	if (slab->place == MMW_SLAB_NOWHERE && slab->inuse < slab->objects)
		add(c, slab, MMW_SLAB_STRAY, slab->objects - slab->inuse, 0);
	if (slab->place == MMW_SLAB_PARTIAL && slab->inuse == slab->objects)
		add(c, slab, MMW_SLAB_FULL_LISTED, slab->inuse, slab->objects);
}

/*
 * To 6.7 what a CPU has is frozen; from 6.8 on only the slab it takes objects from (mm/slub.c, "freeze"), and since 7.0,
 * without such slabs, only what slub_debug took out of use.
 */
static void check_frozen(struct check *c, const struct mmw_slab *slab)
{
	bool expected = slab->place == MMW_SLAB_CPU || (slab->place == MMW_SLAB_CPU_PARTIAL && c->chains_freeze);

	if (c->slub && slab->frozen != expected)
		add(c, slab, MMW_SLAB_FROZEN, slab->frozen, expected);
}

/* Flags of pages that are somebody's, or nobody's. */
static uint64_t foreign_flags(const struct mmw_pages *p, const struct mmw_page *page)
{
	static const enum mmw_pg flags[] = {
		MMW_PG_REFERENCED, MMW_PG_UPTODATE, MMW_PG_DIRTY, MMW_PG_LRU, MMW_PG_WRITEBACK, MMW_PG_RESERVED,
		MMW_PG_SWAPBACKED, MMW_PG_UNEVICTABLE, MMW_PG_MLOCKED, MMW_PG_MAPPEDTODISK, MMW_PG_PRIVATE_2,
	};
	uint64_t found = 0;

	for (size_t i = 0; i < mmw_array_len(flags); i++)
		if (mmw_page_flag(p, page, flags[i]))
			found |= 1ull << p->bit[flags[i]];
	return found;
}

static void check_tails(struct check *c, const struct mmw_slab *slab)
{
	struct mmw_slab_problem p = problem_of(slab, MMW_SLAB_PAGE, 0, slab->va);

	for (uint64_t i = 1; i < 1ull << slab->order; i++) {
		struct mmw_page page;

		if (mmw_page_read(&c->s->pages, c->vm, slab->pfn + i, &page, NULL))
			continue;
		p.addr = page.va;
		p.found = mmw_page_is_tail(&page) ? mmw_page_head(&c->s->pages, &page) : 0;
		if (p.found != slab->va)
			mmw_slab_problem_add(&c->s->problems, &p);
	}
}

static void check_pages(struct check *c, const struct mmw_slab *slab)
{
	const struct mmw_pages *p = &c->s->pages;
	struct mmw_page page;
	uint64_t foreign;
	bool marked;

	if (!mmw_page_read(p, c->vm, slab->pfn, &page, NULL)) {
		foreign = foreign_flags(p, &page);
		marked = mmw_page_flag(p, &page, MMW_PG_WORKINGSET);
		if (foreign)
			add(c, slab, MMW_SLAB_PAGE_FLAGS, foreign, 0);
		if (c->marks && marked != (slab->place == MMW_SLAB_PARTIAL))
			add(c, slab, MMW_SLAB_PARTIAL_MARK, marked, slab->place == MMW_SLAB_PARTIAL);
	}
	check_tails(c, slab);
}

/* Whether a slab has as many objects as fit; too many have been found already. */
static bool check_objects(struct check *c, const struct mmw_slab *slab)
{
	uint64_t fit = (c->s->pages.memmap_page << slab->order) / slab->cache->size;

	if (!c->slub || slab->objects >= fit || slab->broken)
		return !slab->broken;
	add(c, slab, MMW_SLAB_GEOMETRY, slab->objects, fit);
	return false;
}

static struct mmw_slab_count *count_of(const struct mmw_slabs *s, uint32_t cache, uint32_t node)
{
	size_t lo = 0, hi = s->n_counts;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct mmw_slab_count *at = &s->counts[mid];

		if (at->cache < cache || (at->cache == cache && at->node < node))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n_counts && s->counts[lo].cache == cache && s->counts[lo].node == node ? &s->counts[lo] : NULL;
}

static int visit(void *ctx, const struct mmw_slab *slab, struct mmw_err *err)
{
	struct check *c = ctx;
	const struct mmw_slab_count *count;

	(void)err;
	c->out->n_slabs++;
	c->out->n_objects += slab->objects;
	if (!slab->cache || slab->cache->bad || slab->place == MMW_SLAB_KFENCE)
		return 0;
	count = count_of(c->s, (uint32_t)(slab->cache - c->s->caches.cache), slab->node);
	if (count) {
		c->tally[count - c->s->counts].slabs++;
		c->tally[count - c->s->counts].objects += slab->objects;
	}
	check_place(c, slab);
	check_frozen(c, slab);
	check_pages(c, slab);
	if (check_objects(c, slab))
		c->out->guarded += mmw_slab_guards_check(&c->guards, c->s, c->vm, slab, &c->s->problems);
	return 0;
}

/* --- what is not a slab's ------------------------------------------------------------------------------------------ */

static void check_caches(struct check *c)
{
	const struct mmw_list_break *broken = &c->s->caches.list;

	if (broken->end != MMW_LIST_WHOLE)
		mmw_slab_problem_add(&c->s->problems, &(struct mmw_slab_problem){ .kind = MMW_SLAB_CACHE_LIST,
				     .addr = broken->at, .found = broken->from, .expected = broken->end, .why = broken->why,
				     .cpu = -1, .node = -1 });
}

/* Slabs on nodes' lists: of that node, and slabs at all. What CPUs have is read when they are. */
static void check_listed(struct check *c)
{
	struct mmw_slabs *s = c->s;

	for (size_t i = 0; i < s->n_listed; i++) {
		const struct mmw_listed *l = &s->listed[i];
		struct mmw_slab_problem p = { .cache = s->caches.cache[l->cache].va, .slab = l->slab, .addr = l->slab, .cpu = -1,
					      .node = l->who, .expected = l->who };
		struct mmw_slab slab;
		int rc;

		if (l->place == MMW_SLAB_CPU || l->place == MMW_SLAB_CPU_PARTIAL)
			continue;
		rc = mmw_slab_read(s, c->vm, l->slab, &slab, NULL);
		p.kind = rc ? MMW_SLAB_FOREIGN : MMW_SLAB_WRONG_NODE;
		p.found = rc ? 0 : slab.node;
		if (rc == -MMW_E_CORRUPT || (!rc && slab.node != l->who))
			mmw_slab_problem_add(&s->problems, &p);
	}
}

/* The slab that an object is in, MMW_E_CORRUPT for none. */
static int slab_at(const struct check *c, uint64_t va, struct mmw_slab *out)
{
	const struct mmw_region *region = mmw_layout_find(c->s->layout, va);
	struct mmw_page page;
	int rc;

	if (!region || !region->linear)
		return -MMW_E_CORRUPT;
	rc = mmw_page_read(&c->s->pages, c->vm, (va - region->delta) / c->s->pages.memmap_page, &page, NULL);
	if (rc)
		return rc == -MMW_E_ARG ? -MMW_E_CORRUPT : rc;
	return mmw_slab_read(c->s, c->vm, mmw_page_head(&c->s->pages, &page), out, NULL);
}

/* Objects that CPUs and nodes hold: each in a slab of the cache they are held for. Ascending, so slab after slab. */
static void check_held(struct check *c)
{
	struct mmw_slabs *s = c->s;
	uint64_t end = 0;
	struct mmw_slab slab = { 0 };

	for (size_t i = 0; i < s->n_held; i++) {
		const struct mmw_held *h = &s->held[i];
		const struct mmw_cache *cache = &s->caches.cache[h->cache];
		struct mmw_slab_problem p = { .kind = MMW_SLAB_HELD_FOREIGN, .cache = cache->va, .addr = h->object, .cpu = -1,
					      .node = -1 };
		int rc = 0;

		if (h->object < slab.memory || h->object >= end) {
			rc = slab_at(c, h->object, &slab);
			end = rc ? 0 : slab.memory + (s->pages.memmap_page << slab.order);
		}
		*(h->state == MMW_OBJECT_CPU || h->state == MMW_OBJECT_SHEAF || h->state == MMW_OBJECT_RCU ? &p.cpu : &p.node) =
			h->who;
		p.found = rc ? 0 : slab.cache_va;
		if (rc == -MMW_E_CORRUPT || (!rc && slab.cache_va != cache->va))
			mmw_slab_problem_add(&s->problems, &p);
	}
}

/* What is counted, against what was found. */
static void check_counts(struct check *c)
{
	struct mmw_slabs *s = c->s;

	c->out->no_counters = !s->n_counts;
	for (size_t i = 0; !s->unread && i < s->n_counts; i++) {
		const struct mmw_slab_count *count = &s->counts[i];
		struct mmw_slab_problem p = { .kind = MMW_SLAB_TOTAL_SLABS, .cache = s->caches.cache[count->cache].va,
					      .addr = count->va, .cpu = -1, .node = count->node, .found = c->tally[i].slabs,
					      .expected = count->slabs };

		if (p.found != p.expected)
			mmw_slab_problem_add(&s->problems, &p);
		p.kind = MMW_SLAB_TOTAL_OBJECTS;
		p.found = c->tally[i].objects;
		p.expected = count->objects;
		if (p.found != p.expected)
			mmw_slab_problem_add(&s->problems, &p);
	}
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static void bind(struct check *c, struct mmw_kernel *k)
{
	c->slub = c->s->caches.kind == MMW_SLUB;
	/* Nothing but the version tells of this change. */
	c->chains_freeze = mmw_kernel_version(k) < MMW_LINUX(6, 8);
	c->marks = c->slub && !c->chains_freeze && c->s->pages.bit[MMW_PG_WORKINGSET] >= 0;
	if (c->slub)
		mmw_slab_guards_bind(k, &c->guards);
}

int mmw_slabs_check(struct mmw_kernel *k, unsigned threads, struct mmw_slab_check *out, struct mmw_err *err)
{
	const struct mmw_slabs_opts opts = { .states = true, .threads = threads };
	struct check c = { .out = out, .s = &out->slabs, .vm = mmw_kernel_vm(k) };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mmw_slabs_open(k, MMW_SLABS_OBJECTS, c.s, err);
	if (rc)
		return rc;
	c.tally = calloc(c.s->n_counts ? c.s->n_counts : 1, sizeof(*c.tally));
	if (!c.tally) {
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu counters", c.s->n_counts);
	} else {
		bind(&c, k);
		check_caches(&c);
		check_listed(&c);
		check_held(&c);
		rc = mmw_slabs_pass(c.s, &opts, visit, &c, err);
	}
	if (!rc)
		check_counts(&c);
	free(c.tally);
	if (rc)
		mmw_slab_check_close(out);
	return rc;
}

void mmw_slab_check_close(struct mmw_slab_check *c)
{
	mmw_slabs_close(&c->slabs);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/pcp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"

enum {
	PROBLEMS_MAX = 256,
	SETS_MAX = 1 << 20,
	LOW_ORDERS = 4,       /* PAGE_ALLOC_COSTLY_ORDER is 3 in all versions */
	PCP_TYPES = 3,        /* MIGRATE_PCPTYPES, where no enumeration says */
	PAGE_MAX = 4096,      /* bytes of a struct page; lib/mm/memmap.c sees to it */
};

struct set_rec {
	uint64_t count, high, batch, high_min, high_max;
};

static const struct mmw_field set_fields[] = {
	MMW_FIELD(set_rec, count, "count"),
	MMW_FIELD(set_rec, high, "high"),
	MMW_FIELD(set_rec, batch, "batch"),
	MMW_FIELD_OPT(set_rec, high_min, "high_min"),
	MMW_FIELD_OPT(set_rec, high_max, "high_max"),
};

struct page_rec {
	uint64_t next, prev, refs, type, flags, order;
};

static const struct mmw_field page_fields[] = {
	MMW_FIELD(page_rec, next, "pcp_list.next|lru.next"),
	MMW_FIELD(page_rec, prev, "pcp_list.prev|lru.prev"),
	MMW_FIELD(page_rec, refs, "_refcount.counter|_refcount"),
	MMW_FIELD(page_rec, type, "page_type|_mapcount.counter|_mapcount"),
	MMW_FIELD(page_rec, flags, "flags.f|flags"),
	MMW_FIELD(page_rec, order, "private"),
};

struct opening {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	const struct mmw_zones *z;
	const struct mmw_memmap *m;  /* NULL: the lists are not walked */
	struct mmw_pcp *out;
	struct mmw_percpu percpu;
	struct mmw_shadow set, page;
	struct mmw_member sets;      /* in struct zone, the per-CPU pointer */
	uint64_t pcp_at;             /* of per_cpu_pages in what that points to */
	struct mmw_member lists;     /* in per_cpu_pages */
	struct mmw_member stats;     /* in struct zone, the pointer to what has the threshold; size 0: none */
	struct mmw_member threshold; /* in that */
	struct mmw_member link;      /* in struct page */
	struct mmw_member deferred, deferred_link;  /* trylock_free_pages; size 0: this kernel has none */
	uint64_t flags;              /* those a page may have */
	unsigned word;
};

static void problem(struct mmw_pcp *p, struct mmw_pcp_problem what)
{
	if (p->n_problems >= PROBLEMS_MAX ||
	    mmw_vec_reserve(&p->problems, &p->cap_problems, p->n_problems + 1, sizeof(*p->problems), NULL))
		p->more_problems++;
	else
		p->problems[p->n_problems++] = what;
}

/* --- a list ------------------------------------------------------------------------------------------------------- */

struct list {
	struct opening *o;
	const struct mmw_pcp_set *set;
	unsigned index;
	uint64_t head, first, last;
	uint64_t budget;  /* no honest list has more blocks */
};

static void list_problem(const struct list *l, enum mmw_pcp_problem_kind kind, uint64_t addr, uint64_t pfn,
			 uint64_t found, uint64_t expected)
{
	problem(l->o->out, (struct mmw_pcp_problem){ .kind = kind, .zone = l->set->zone, .cpu = l->set->cpu,
		.list = (int)l->index, .addr = addr, .pfn = pfn, .found = found, .expected = expected });
}

/* A page on a list is nothing: what says otherwise is a problem. */
static void check_page(const struct list *l, uint64_t va, uint64_t pfn, const struct page_rec *rec)
{
	const struct mmw_zone *z = &l->o->z->zone[l->set->zone];

	if (pfn < z->start_pfn || pfn - z->start_pfn >= z->spanned)
		list_problem(l, MMW_PCP_WRONG_ZONE, va, pfn, 0, 0);
	if (rec->refs)
		list_problem(l, MMW_PCP_REFERENCED, va, pfn, rec->refs, 0);
	if ((uint32_t)rec->type != UINT32_MAX)
		list_problem(l, MMW_PCP_TYPED, va, pfn, (uint32_t)rec->type, 0);
	if (rec->flags & l->o->flags)
		list_problem(l, MMW_PCP_FLAGGED, va, pfn, rec->flags & l->o->flags, 0);
}

/* The struct page whose list_head is at `link`, reached from `from`. */
static bool page_at(const struct list *l, uint64_t link, uint64_t from, uint64_t *pfn, struct page_rec *rec)
{
	uint64_t va = link - l->o->link.offset;

	if (mmw_memmap_pfn(l->o->m, va, pfn) && !mmw_shadow_read(&l->o->page, l->o->vm, va, rec, NULL))
		return true;
	list_problem(l, MMW_PCP_FOREIGN, link, 0, from, 0);
	return false;
}

static int take(struct list *l, uint64_t pfn, unsigned order, struct mmw_err *err)
{
	struct mmw_pcp *p = l->o->out;
	int rc = mmw_vec_reserve(&p->pages, &p->cap_pages, p->n_pages + 1, sizeof(*p->pages), err);

	if (rc)
		return rc;
	p->pages[p->n_pages++] = (struct mmw_pcp_page){ .pfn = pfn, .zone = (uint32_t)l->set->zone, .cpu = l->set->cpu,
		.list = (uint16_t)l->index, .order = (uint8_t)order,
		.type = l->set->cpu == MMW_PCP_NO_CPU ? -1 : p->list_type[l->index] };
	l->budget--;
	return 0;
}

/*
 * Forward, or back from the tail. A page is taken only when its other link leads back to where it was reached from; as
 * that can be one place alone, no page is met twice, and there is an end. 1: came back to the head; 0: did not.
 */
static int follow(struct list *l, bool back, struct mmw_err *err)
{
	uint64_t at = back ? l->last : l->first, from = l->head;

	while (at != l->head) {
		struct page_rec rec;
		uint64_t pfn, other;
		int rc;

		if (!page_at(l, at, from, &pfn, &rec))
			return 0;
		other = back ? rec.next : rec.prev;
		if (other != from || !l->budget) {
			list_problem(l, l->budget ? MMW_PCP_BAD_LINK : MMW_PCP_ENDLESS, at - l->o->link.offset, pfn,
				     other, from);
			return 0;
		}
		check_page(l, at - l->o->link.offset, pfn, &rec);
		rc = take(l, pfn, l->o->out->list_order[l->index], err);
		if (rc)
			return rc;
		from = at;
		at = back ? rec.prev : rec.next;
	}
	return 1;
}

static uint64_t most_blocks(const struct opening *o, size_t zone, unsigned order)
{
	uint64_t most = (o->z->zone[zone].spanned >> order) + 1;
	uint64_t frames = o->m->pages;

	return most < frames ? most : frames;
}

/* The list is broken: what can still be reached from its tail belongs to it as well. */
static int follow_back(struct list *l, struct mmw_err *err)
{
	struct mmw_pcp *p = l->o->out;
	size_t first = p->n_pages;
	int rc = follow(l, true, err);

	if (rc < 0)
		return rc;
	for (size_t a = first, b = p->n_pages; a + 1 < b; a++, b--) {
		struct mmw_pcp_page swap = p->pages[a];

		p->pages[a] = p->pages[b - 1];
		p->pages[b - 1] = swap;
	}
	return 0;
}

static int walk_list(struct opening *o, const struct mmw_pcp_set *set, unsigned index, struct mmw_err *err)
{
	struct list l = { .o = o, .set = set, .index = index,
			  .budget = most_blocks(o, set->zone, o->out->list_order[index]) };
	size_t first = o->out->n_pages;
	int rc;

	l.head = set->va + o->lists.offset + index * o->lists.elem_size;
	rc = mmw_vm_read_uint(o->vm, l.head, o->word, &l.first, NULL);
	if (rc || mmw_vm_read_uint(o->vm, l.head + o->word, o->word, &l.last, NULL)) {
		list_problem(&l, MMW_PCP_FOREIGN, l.head, 0, 0, 0);
		return 0;
	}
	rc = follow(&l, false, err);
	if (!rc)
		rc = follow_back(&l, err);
	for (size_t i = first; i < o->out->n_pages; i++)
		o->out->pages[i].position = (uint32_t)(i - first);
	return rc < 0 ? rc : 0;
}

/* --- a CPU's set -------------------------------------------------------------------------------------------------- */

static int64_t read_threshold(struct opening *o, size_t zone, size_t cpu)
{
	uint64_t pointer, v;

	if (!o->stats.size || mmw_vm_read_uint(o->vm, o->z->zone[zone].va + o->stats.offset, o->word, &pointer, NULL) ||
	    mmw_vm_read_uint(o->vm, mmw_percpu_address(&o->percpu, pointer, cpu) + o->threshold.offset, 1, &v, NULL))
		return -1;
	return (int64_t)v;
}

static int read_set(struct opening *o, size_t zone, uint64_t pointer, size_t cpu, struct mmw_err *err)
{
	struct mmw_pcp *p = o->out;
	struct mmw_pcp_set *set;
	struct mmw_err why = { 0 };
	struct set_rec rec;
	int rc = mmw_vec_reserve(&p->sets, &p->cap_sets, p->n_sets + 1, sizeof(*p->sets), err);

	if (rc)
		return rc;
	set = &p->sets[p->n_sets++];
	*set = (struct mmw_pcp_set){ .zone = zone, .cpu = o->percpu.cpus[cpu].cpu, .online = o->percpu.cpus[cpu].online,
		.va = mmw_percpu_address(&o->percpu, pointer, cpu) + o->pcp_at, .first = p->n_pages,
		.threshold = read_threshold(o, zone, cpu) };
	if (mmw_shadow_read(&o->set, o->vm, set->va, &rec, &why)) {
		problem(p, (struct mmw_pcp_problem){ .kind = MMW_PCP_UNREADABLE, .zone = zone, .cpu = set->cpu,
			.list = -1, .addr = set->va, .why = why.code });
		return 0;
	}
	set->read = true;
	set->count = (int64_t)rec.count;
	set->high = (int64_t)rec.high;
	set->batch = (int64_t)rec.batch;
	set->high_min = (int64_t)rec.high_min;
	set->high_max = (int64_t)rec.high_max;
	for (unsigned i = 0; !rc && o->m && i < p->lists; i++)
		rc = walk_list(o, set, i, err);
	set->n = p->n_pages - set->first;
	for (size_t i = set->first; i < p->n_pages; i++)
		set->listed += 1ull << p->pages[i].order;
	if (!rc && o->m && set->count != (int64_t)set->listed)
		problem(p, (struct mmw_pcp_problem){ .kind = MMW_PCP_COUNT, .zone = zone, .cpu = set->cpu,
			.list = -1, .addr = set->va, .found = set->listed, .expected = (uint64_t)set->count });
	return rc;
}

/*
 * A chain with no way back, whose pages have their order in `private`. A cycle is found by remembering an ever later
 * page; a second time round is reported, and cut short by that.
 */
static int walk_deferred(struct opening *o, size_t zone, struct mmw_err *err)
{
	struct mmw_pcp_set none = { .zone = zone, .cpu = MMW_PCP_NO_CPU };
	struct list l = { .o = o, .set = &none, .budget = most_blocks(o, zone, 0) };
	uint64_t at, from = o->z->zone[zone].va + o->deferred.offset, pfn, seen = 0, n = 0;
	int rc = 0;

	if (mmw_vm_read_uint(o->vm, from, o->word, &at, NULL))
		return 0;
	while (!rc && at) {
		uint64_t va = at - o->deferred_link.offset;
		struct page_rec rec;

		if (!mmw_memmap_pfn(o->m, va, &pfn) || mmw_shadow_read(&o->page, o->vm, va, &rec, NULL) ||
		    rec.order >= o->z->orders) {
			list_problem(&l, MMW_PCP_FOREIGN, at, 0, from, 0);
			return 0;
		}
		if (!l.budget || at == seen) {
			list_problem(&l, MMW_PCP_ENDLESS, va, pfn, 0, 0);
			return 0;
		}
		if (!(n & (n + 1)))
			seen = at;
		check_page(&l, va, pfn, &rec);
		rc = take(&l, pfn, (unsigned)rec.order, err);
		if (!rc)
			o->out->pages[o->out->n_pages - 1].position = (uint32_t)n++;
		from = at;
		if (mmw_vm_read_uint(o->vm, at, o->word, &at, NULL))
			at = 0;
	}
	return rc;
}

static int read_zone(struct opening *o, size_t zone, struct mmw_err *err)
{
	uint64_t pointer;
	int rc = mmw_vm_read_uint(o->vm, o->z->zone[zone].va + o->sets.offset, o->word, &pointer, err);

	for (size_t cpu = 0; !rc && cpu < o->percpu.n; cpu++)
		rc = read_set(o, zone, pointer, cpu, err);
	if (!rc && o->m && o->deferred.size)
		rc = walk_deferred(o, zone, err);
	return rc;
}

/* --- pages on two lists ------------------------------------------------------------------------------------------- */

static int by_frame(const void *a, const void *b)
{
	const struct mmw_pcp_page *const *x = a, *const *y = b;

	if ((*x)->pfn != (*y)->pfn)
		return (*x)->pfn < (*y)->pfn ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

static int find_twice(struct opening *o, struct mmw_err *err)
{
	struct mmw_pcp *p = o->out;
	const struct mmw_pcp_page **sorted = malloc((p->n_pages ? p->n_pages : 1) * sizeof(*sorted)), *widest = NULL;

	if (!sorted)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu pages", p->n_pages);
	for (size_t i = 0; i < p->n_pages; i++)
		sorted[i] = &p->pages[i];
	qsort(sorted, p->n_pages, sizeof(*sorted), by_frame);
	for (size_t i = 0; i < p->n_pages; i++) {
		const struct mmw_pcp_page *page = sorted[i];

		if (widest && page->pfn - widest->pfn < 1ull << widest->order)
			problem(p, (struct mmw_pcp_problem){ .kind = MMW_PCP_TWICE, .zone = page->zone,
				.cpu = page->cpu, .list = page->list, .pfn = page->pfn,
				.addr = mmw_memmap_page(o->m, page->pfn), .found = widest->pfn });
		if (!widest || page->pfn + (1ull << page->order) > widest->pfn + (1ull << widest->order))
			widest = page;
	}
	free(sorted);
	return 0;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* What each list holds (mm/page_alloc.c, order_to_pindex and pindex_to_order). */
static void describe_lists(struct opening *o)
{
	const struct mmw_space *s = mmw_kernel_space(o->k);
	struct mmw_pcp *p = o->out;
	unsigned types = PCP_TYPES, low, huge, largest = o->z->orders - 1;
	int64_t v;

	if (!mmw_kernel_enumerator(o->k, "migratetype", "MIGRATE_PCPTYPES", &v, NULL) && v > 0 &&
	    v <= (int64_t)p->lists)
		types = (unsigned)v;
	low = p->lists > types ? types * LOW_ORDERS : types;
	huge = s ? s->paging.bits[0] : largest;
	for (unsigned i = 0; i < p->lists; i++) {
		unsigned behind = i - low, order = i < low ? i / types : huge;

		p->list_order[i] = (uint8_t)(order < largest ? order : largest);
		p->list_type[i] = i < low ? (int8_t)(i % types) : -1;
		if (i < low)
			continue;
		/* One for all; or one each; or the second for what can be moved, which is type 1. */
		if (p->lists - low == types)
			p->list_type[i] = (int8_t)behind;
		else if (p->lists - low == 2 && behind == 1)
			p->list_type[i] = 1;
	}
}

/* include/linux/page-flags.h: those below __NR_PAGEFLAGS; above them are node, zone and others. */
static uint64_t page_flags(struct mmw_kernel *k)
{
	int64_t n;

	if (mmw_kernel_enumerator(k, "pageflags", "__NR_PAGEFLAGS", &n, NULL) || n <= 0 || n > 63)
		return 0;
	return (1ull << n) - 1;
}

static int bind_pages(struct opening *o, struct mmw_err *err)
{
	int rc = mmw_shadow_bind(o->k, "page", page_fields, mmw_array_len(page_fields), &o->page, err);

	if (!rc)
		rc = mmw_kernel_member_any(o->k, "page", "pcp_list|lru", &o->link, err);
	if (!rc && o->page.last >= o->m->page_size)
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "struct page of %" PRIu64 " bytes does not hold its members",
			      o->m->page_size);
	if (rc)
		return rc;
	o->flags = page_flags(o->k);
	if (mmw_kernel_member(o->k, "zone", "trylock_free_pages", &o->deferred, NULL, NULL) ||
	    mmw_kernel_member(o->k, "page", "pcp_llist", &o->deferred_link, NULL, NULL))
		o->deferred.size = 0;
	return 0;
}

static int bind(struct opening *o, struct mmw_err *err)
{
	struct mmw_member pcp;
	int rc = mmw_kernel_member_any(o->k, "zone", "per_cpu_pageset|pageset", &o->sets, err);

	if (!rc && !mmw_kernel_member(o->k, "per_cpu_pageset", "pcp", &pcp, NULL, NULL))
		o->pcp_at = pcp.offset;
	if (!rc)
		rc = mmw_shadow_bind(o->k, "per_cpu_pages", set_fields, mmw_array_len(set_fields), &o->set, err);
	if (!rc)
		rc = mmw_kernel_member(o->k, "per_cpu_pages", "lists", &o->lists, NULL, err);
	if (!rc && (!o->lists.count || o->lists.count > MMW_PCP_LISTS_MAX || o->lists.elem_size < 2 * o->word))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "per_cpu_pages has %" PRIu64 " lists of %" PRIu64 " bytes",
			      o->lists.count, o->lists.elem_size);
	if (rc)
		return rc;
	if (mmw_kernel_member_any(o->k, "zone", "per_cpu_zonestats|pageset", &o->stats, NULL) ||
	    (mmw_kernel_member(o->k, "per_cpu_zonestat", "stat_threshold", &o->threshold, NULL, NULL) &&
	     mmw_kernel_member(o->k, "per_cpu_pageset", "stat_threshold", &o->threshold, NULL, NULL)))
		o->stats.size = 0;
	o->out->lists = (unsigned)o->lists.count;
	o->out->has_limits = o->set.bound[3].present && o->set.bound[4].present;
	describe_lists(o);
	return o->m ? bind_pages(o, err) : 0;
}

int mmw_pcp_open(struct mmw_kernel *k, const struct mmw_zones *z, const struct mmw_memmap *m, struct mmw_pcp *out,
		 struct mmw_err *err)
{
	struct opening o = { .k = k, .vm = mmw_kernel_vm(k), .z = z, .m = m, .out = out,
			     .word = mmw_kernel_arch(k)->word };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = bind(&o, err);
	if (!rc)
		rc = mmw_percpu_open(k, &o.percpu, err);
	if (!rc && z->n > SETS_MAX / (o.percpu.n ? o.percpu.n : 1))
		rc = mmw_fail(err, MMW_E_LIMIT, 0, "%zu zones for each of %zu CPUs", z->n, o.percpu.n);
	for (size_t zone = 0; !rc && zone < z->n; zone++)
		rc = read_zone(&o, zone, err);
	if (!rc && m)
		rc = find_twice(&o, err);
	mmw_percpu_close(&o.percpu);
	if (rc) {
		mmw_pcp_close(out);
		return mmw_wrap(err, rc, "per-CPU page lists");
	}
	return 0;
}

void mmw_pcp_close(struct mmw_pcp *p)
{
	free(p->sets);
	free(p->pages);
	free(p->problems);
	p->sets = NULL;
	p->pages = NULL;
	p->problems = NULL;
	p->n_sets = p->n_pages = p->n_problems = p->cap_sets = p->cap_pages = p->cap_problems = 0;
}

/* "node 0 zone DMA32, CPU 1, list 3: " as far as the problem has them. */
static size_t place_text(const struct mmw_zones *z, const struct mmw_pcp_problem *p, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "node %u zone %s", z->zone[p->zone].node, z->zone[p->zone].name);

	if (p->cpu == MMW_PCP_NO_CPU)
		n += (size_t)snprintf(buf + n, size - n, ", trylock_free_pages");
	else
		n += (size_t)snprintf(buf + n, size - n, ", CPU %" PRIu32, p->cpu);
	if (p->list >= 0 && p->cpu != MMW_PCP_NO_CPU)
		n += (size_t)snprintf(buf + n, size - n, ", list %d", p->list);
	return n + (size_t)snprintf(buf + n, size - n, ": ");
}

void mmw_pcp_problem_text(const struct mmw_zones *z, const struct mmw_pcp_problem *p, char *buf, size_t size)
{
	char to[160], page[80];
	size_t n;

	snprintf(page, sizeof(page), "struct page 0x%" PRIx64 " (frame 0x%" PRIx64 ")", p->addr, p->pfn);
	switch (p->kind) {
	case MMW_PCP_UNREADABLE:
		snprintf(to, sizeof(to), "its lists at 0x%" PRIx64 " are %s", p->addr, mmw_code_word(p->why));
		break;
	case MMW_PCP_FOREIGN:
		snprintf(to, sizeof(to),
			 "the list leads from 0x%" PRIx64 " to 0x%" PRIx64 ", which is no struct page in the image",
			 p->found, p->addr);
		break;
	case MMW_PCP_BAD_LINK:
		snprintf(to, sizeof(to), "%s leads back to 0x%" PRIx64 " but was reached from 0x%" PRIx64, page,
			 p->found, p->expected);
		break;
	case MMW_PCP_ENDLESS:
		snprintf(to, sizeof(to), "the list does not end; given up at %s", page);
		break;
	case MMW_PCP_COUNT:
		snprintf(to, sizeof(to), "%" PRIu64 " pages on the lists, but count is %" PRId64, p->found,
			 (int64_t)p->expected);
		break;
	case MMW_PCP_WRONG_ZONE:
		snprintf(to, sizeof(to), "%s lies outside this zone", page);
		break;
	case MMW_PCP_TWICE:
		snprintf(to, sizeof(to), "%s is listed already, in the block at frame 0x%" PRIx64, page, p->found);
		break;
	case MMW_PCP_REFERENCED:
		snprintf(to, sizeof(to), "%s has %" PRId64 " references", page, (int64_t)p->found);
		break;
	case MMW_PCP_TYPED:
		snprintf(to, sizeof(to), "%s is marked as something: 0x%" PRIx64, page, p->found);
		break;
	case MMW_PCP_FLAGGED:
		snprintf(to, sizeof(to), "%s has flags 0x%" PRIx64, page, p->found);
		break;
	}
	n = place_text(z, p, buf, size);
	snprintf(buf + n, size - n, "%s", to);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/slab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/mm/pass.h"
#include "lib/slab/allocator.h"

enum { KFENCE_PAGES_MAX = 2 << 16 };  /* CONFIG_KFENCE_NUM_OBJECTS is at most 65535 */

static const struct mmw_slab_allocator *const allocators[] = { &mmw_slub, &mmw_slab_arrays, &mmw_slob };

const char *mmw_object_state_name(enum mmw_object_state state)
{
	static const char *const names[] = {
		[MMW_OBJECT_ALLOCATED] = "allocated", [MMW_OBJECT_FREE] = "free", [MMW_OBJECT_CPU] = "cpu",
		[MMW_OBJECT_SHEAF] = "sheaf", [MMW_OBJECT_RCU] = "rcu", [MMW_OBJECT_BARN] = "barn",
		[MMW_OBJECT_SHARED] = "shared", [MMW_OBJECT_ALIEN] = "alien", [MMW_OBJECT_UNKNOWN] = "unknown",
	};

	return names[state];
}

const char *mmw_slab_place_name(enum mmw_slab_place place)
{
	static const char *const names[] = {
		[MMW_SLAB_FULL] = "full", [MMW_SLAB_CPU] = "cpu", [MMW_SLAB_CPU_PARTIAL] = "cpu-partial",
		[MMW_SLAB_PARTIAL] = "partial", [MMW_SLAB_EMPTY] = "empty", [MMW_SLAB_NOWHERE] = "nowhere",
		[MMW_SLAB_KFENCE] = "kfence",
	};

	return names[place];
}

/* --- opening ------------------------------------------------------------------------------------------------------- */

int mmw_slabs_hold(struct mmw_slabs *s, const struct mmw_cache *cache, uint64_t object, enum mmw_object_state state,
		   uint32_t who, struct mmw_err *err)
{
	int rc;

	/* More than memory has room for is no news. */
	if (s->n_held >= s->memmap.pages * (s->pages.memmap_page / s->pages.word)) {
		s->problems.more++;
		return 0;
	}
	rc = mmw_vec_reserve(&s->held, &s->cap_held, s->n_held + 1, sizeof(*s->held), err);
	if (!rc)
		s->held[s->n_held++] = (struct mmw_held){ .object = object, .state = (uint8_t)state, .who = who,
							  .cache = (uint32_t)(cache - s->caches.cache) };
	return rc;
}

int mmw_slabs_list(struct mmw_slabs *s, uint64_t slab, enum mmw_slab_place place, uint32_t who, const struct mmw_cache *cache,
		   struct mmw_err *err)
{
	int rc;

	if (s->n_listed >= 2 * s->memmap.pages) {
		s->problems.more++;
		return 0;
	}
	rc = mmw_vec_reserve(&s->listed, &s->cap_listed, s->n_listed + 1, sizeof(*s->listed), err);
	if (!rc)
		s->listed[s->n_listed++] = (struct mmw_listed){ .slab = slab, .place = (uint8_t)place, .who = who,
								.cache = (uint32_t)(cache - s->caches.cache) };
	return rc;
}

int mmw_slabs_bind(const struct mmw_slabs *s, const struct mmw_field *fields, size_t n, struct mmw_shadow *out,
		   struct mmw_member *list, struct mmw_err *err)
{
	const char *type = "slab";
	int rc = mmw_shadow_bind(s->kernel, type, fields, n, out, NULL);

	if (rc) {
		type = "page";
		rc = mmw_shadow_bind(s->kernel, type, fields, n, out, err);
	}
	rc = rc ? rc : mmw_kernel_member_any(s->kernel, type, "slab_list|lru", list, err);
	if (!rc && out->last >= s->pages.size)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "struct %s is larger than struct page", type);
	return rc;
}

int mmw_slabs_count(struct mmw_slabs *s, const struct mmw_cache *cache, const struct mmw_slab_count *count, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&s->counts, &s->cap_counts, s->n_counts + 1, sizeof(*s->counts), err);

	if (rc)
		return rc;
	s->counts[s->n_counts] = *count;
	s->counts[s->n_counts++].cache = (uint32_t)(cache - s->caches.cache);
	return 0;
}

/* Both kinds of record begin with an address. */
static int compare_address(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sort(struct mmw_slabs *s)
{
	if (s->n_held)
		qsort(s->held, s->n_held, sizeof(*s->held), compare_address);
	if (s->n_listed)
		qsort(s->listed, s->n_listed, sizeof(*s->listed), compare_address);
	for (size_t i = 1; i < s->n_listed; i++) {
		const struct mmw_listed *l = &s->listed[i];

		if (l->slab == l[-1].slab)
			mmw_slab_problem_add(&s->problems, &(struct mmw_slab_problem){ .kind = MMW_SLAB_TWO_LISTS, .addr = l->slab,
				.cache = s->caches.cache[l->cache].va, .slab = l->slab, .cpu = -1, .node = -1 });
	}
	for (size_t i = 1; i < s->n_held; i++)
		if (s->held[i].object == s->held[i - 1].object)
			mmw_slab_problem_add(&s->problems, &(struct mmw_slab_problem){ .kind = MMW_SLAB_HELD_TWICE,
				.cache = s->caches.cache[s->held[i].cache].va, .addr = s->held[i].object, .cpu = -1,
				.node = -1 });
}

static int open_allocator(struct mmw_slabs *s, enum mmw_slabs_depth depth, struct mmw_err *err)
{
	s->info = calloc(s->caches.n, sizeof(*s->info));
	if (!s->info)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu caches", s->caches.n);
	for (size_t i = 0; i < mmw_array_len(allocators); i++) {
		if (allocators[i]->kind == s->caches.kind) {
			s->allocator = allocators[i];
			return s->allocator->open(s, depth, err);
		}
	}
	return mmw_fail(err, MMW_E_NODATA, 0, "this kernel's slab allocator is %s, which is not read yet",
			mmw_slab_kind_name(s->caches.kind));
}

static bool is_slab_head(const struct mmw_pages *p, const struct mmw_page *page)
{
	return !mmw_page_is_tail(page) && (mmw_page_flag(p, page, MMW_PG_SLAB) || mmw_page_is(p, page, MMW_PGTY_SLAB));
}

/*
 * KFENCE's pool (mm/kfence/core.c): pages of objects, each marked as a slab to 6.x, with guard pages between; before the
 * first two guards. How many, no variable tells, so to where they alternate.
 */
static void find_kfence(struct mmw_slabs *s)
{
	struct mmw_vm *vm = mmw_kernel_vm(s->kernel);
	uint64_t pool, pfn, n = 2, page = s->pages.memmap_page;
	const struct mmw_region *region;
	struct mmw_page even, odd;

	if (mmw_kernel_variable(s->kernel, "__kfence_pool", mmw_kernel_arch(s->kernel)->word, &pool, NULL) || !pool)
		return;
	region = mmw_layout_find(s->layout, pool);
	if (!region || !region->linear)
		return;
	pfn = (pool - region->delta) / page;
	while (n < KFENCE_PAGES_MAX && !mmw_page_read(&s->pages, vm, pfn + n, &even, NULL) &&
	       !mmw_page_read(&s->pages, vm, pfn + n + 1, &odd, NULL) && is_slab_head(&s->pages, &even) &&
	       !is_slab_head(&s->pages, &odd))
		n += 2;
	s->kfence_first = pool;
	s->kfence_last = pool + n * page - 1;
	mmw_kfence_open(s->kernel, page, &s->kfence, NULL);
}

int mmw_slabs_open(struct mmw_kernel *k, enum mmw_slabs_depth depth, struct mmw_slabs *out, struct mmw_err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->kernel = k;
	out->layout = mmw_kernel_layout(k);
	rc = mmw_memmap_open(k, &out->memmap, err);
	rc = rc ? rc : mmw_pages_bind(k, &out->memmap, &out->pages, err);
	rc = rc ? rc : mmw_caches_open(k, &out->caches, err);
	if (!rc)
		find_kfence(out);
	for (size_t i = 0; !rc && i < out->caches.n; i++)
		if (out->caches.cache[i].bad)
			mmw_slab_problem_add(&out->problems, &(struct mmw_slab_problem){ .kind = MMW_SLAB_BAD_CACHE,
				.cache = out->caches.cache[i].va, .addr = out->caches.cache[i].va, .cpu = -1, .node = -1 });
	rc = rc ? rc : open_allocator(out, depth, err);
	if (rc)
		mmw_slabs_close(out);
	else
		sort(out);
	return rc;
}

void mmw_slabs_close(struct mmw_slabs *s)
{
	if (s->allocator)
		s->allocator->close(s);
	mmw_kfence_close(&s->kfence);
	free(s->held);
	free(s->listed);
	free(s->counts);
	free(s->info);
	free(s->problems.problem);
	mmw_caches_close(&s->caches);
	mmw_memmap_close(&s->memmap);
	memset(s, 0, sizeof(*s));
}

void mmw_slabs_info(const struct mmw_slabs *s, const struct mmw_cache *cache, struct mmw_slabinfo *out)
{
	size_t root = (size_t)(cache - s->caches.cache);

	*out = s->info[root];
	for (size_t i = 0; i < s->caches.n; i++) {
		const struct mmw_slabinfo *info = &s->info[i];

		if (i == root || s->caches.cache[i].root != root)
			continue;
		out->known = out->known && info->known;
		out->active_objs += info->active_objs;
		out->num_objs += info->num_objs;
		out->active_slabs += info->active_slabs;
		out->num_slabs += info->num_slabs;
		out->shared_avail += info->shared_avail;
	}
}

/* --- one slab ------------------------------------------------------------------------------------------------------ */

/* The first of those records, `size` bytes each, whose address is this one or behind. */
static size_t at_or_behind(const void *records, size_t n, size_t size, uint64_t address)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (*(const uint64_t *)((const uint8_t *)records + mid * size) < address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct mmw_held *mmw_slab_holder(const struct mmw_slabs *s, uint64_t object)
{
	size_t i = at_or_behind(s->held, s->n_held, sizeof(*s->held), object);

	return i < s->n_held && s->held[i].object == object ? &s->held[i] : NULL;
}

static uint64_t bytes_of(const struct mmw_slabs *s, const struct mmw_slab *slab)
{
	return s->pages.memmap_page << slab->order;
}

static void find_place(const struct mmw_slabs *s, struct mmw_slab *slab)
{
	size_t i = at_or_behind(s->listed, s->n_listed, sizeof(*s->listed), slab->va);

	slab->who = -1;
	slab->place = slab->inuse < slab->objects || s->allocator->lists_all ? MMW_SLAB_NOWHERE : MMW_SLAB_FULL;
	if (i == s->n_listed || s->listed[i].slab != slab->va)
		return;
	slab->place = s->listed[i].place;
	if (slab->place == MMW_SLAB_CPU || slab->place == MMW_SLAB_CPU_PARTIAL)
		slab->who = (int32_t)s->listed[i].who;
}

static struct mmw_slab_problem problem_of(const struct mmw_slab *slab, enum mmw_slab_problem_kind kind)
{
	return (struct mmw_slab_problem){ .kind = kind, .cache = slab->cache_va, .slab = slab->va, .addr = slab->va, .cpu = -1,
					  .node = slab->node };
}

/* A slab of that many pages cannot hold more than fit; what does not fit is left out. */
static void check_room(const struct mmw_slabs *s, struct mmw_slab *slab, struct mmw_slab_problems *problems)
{
	struct mmw_slab_problem p = problem_of(slab, MMW_SLAB_GEOMETRY);
	uint64_t start = slab->first - mmw_cache_before(slab->cache) - slab->memory, bytes = bytes_of(s, slab), room;

	room = start <= bytes ? (bytes - start) / slab->cache->size : 0;
	if (slab->objects <= room)
		return;
	p.found = slab->objects;
	p.expected = room;
	mmw_slab_problem_add(problems, &p);
	slab->objects = (uint32_t)room;
	slab->broken = true;
}

/* A page of KFENCE's is like a slab of one object, if it has been used. */
static bool fill_kfence(const struct mmw_slabs *s, struct mmw_slab *out)
{
	const struct mmw_kfence_object *object = mmw_kfence_at(&s->kfence, out->memory);

	if (!object || !object->cache || object->state == MMW_KFENCE_UNUSED)
		return false;
	out->cache_va = object->cache;
	out->cache = mmw_cache_at(&s->caches, object->cache);
	out->first = object->addr;
	out->objects = 1;
	out->inuse = object->state == MMW_KFENCE_ALLOCATED;
	out->place = MMW_SLAB_KFENCE;
	return true;
}

/* What `page`, the head of a slab, says in its bytes. False: it is none that holds objects. */
static bool fill(const struct mmw_slabs *s, struct mmw_vm *vm, const struct mmw_page_run *run, const struct mmw_page *page,
		 const uint8_t *bytes, struct mmw_slab *out)
{
	struct mmw_folio folio;

	memset(out, 0, sizeof(*out));
	out->va = page->va;
	out->pfn = page->pfn;
	out->who = -1;
	out->node = s->pages.has_place ? mmw_page_node(&s->pages.place, page->flags) : 0;
	if (!mmw_layout_direct(s->layout, page->pfn * s->pages.memmap_page, &out->memory))
		return false;
	if (s->kfence_last && out->memory >= s->kfence_first && out->memory <= s->kfence_last)
		return fill_kfence(s, out);
	if (!mmw_folio_of(&s->pages, vm, run, page, &folio, NULL))
		out->order = folio.order;
	if (!s->allocator->take(s, bytes, out))
		return false;
	out->objects = (uint32_t)mmw_min64(out->objects, MMW_SLAB_OBJECTS_MAX);
	return true;
}

static void hold(const struct mmw_slabs *s, const struct mmw_slab *slab, uint8_t *state, struct mmw_slab_problems *problems)
{
	uint64_t end = slab->memory + bytes_of(s, slab), offset;
	uint32_t index;

	for (size_t i = at_or_behind(s->held, s->n_held, sizeof(*s->held), slab->memory);
	     i < s->n_held && s->held[i].object < end; i++) {
		const struct mmw_held *h = &s->held[i];
		struct mmw_slab_problem p = problem_of(slab, MMW_SLAB_HELD_FOREIGN);

		p.addr = h->object;
		if (!mmw_slab_object(slab, h->object, &index, &offset) || offset) {
			mmw_slab_problem_add(problems, &p);
			continue;
		}
		p.kind = MMW_SLAB_HELD_TWICE;
		if (state[index] == MMW_OBJECT_FREE)
			mmw_slab_problem_add(problems, &p);
		state[index] = h->state;
	}
}

/* state: room for slab->objects. */
static void find_states(const struct mmw_slabs *s, struct mmw_vm *vm, struct mmw_slab *slab, uint8_t *state,
			struct mmw_slab_problems *problems)
{
	memset(state, MMW_OBJECT_ALLOCATED, slab->objects);
	if (!s->allocator->mark_free(s, vm, slab, state, problems)) {
		uint32_t found = 0;

		slab->broken = true;
		for (uint32_t i = 0; i < slab->objects; i++)
			found += state[i] == MMW_OBJECT_FREE;
		/* What the break hides is one of those that are not known to be free. */
		if (found + slab->inuse < slab->objects)
			for (uint32_t i = 0; i < slab->objects; i++)
				if (state[i] == MMW_OBJECT_ALLOCATED)
					state[i] = MMW_OBJECT_UNKNOWN;
	}
	hold(s, slab, state, problems);
	for (uint32_t i = 0; i < slab->objects; i++)
		slab->n[state[i]]++;
}

static void find_kfence_state(const struct mmw_slabs *s, struct mmw_slab *slab, uint8_t *state)
{
	const struct mmw_kfence_object *object = mmw_kfence_at(&s->kfence, slab->memory);

	*state = slab->inuse ? MMW_OBJECT_ALLOCATED : object->state == MMW_KFENCE_RCU ? MMW_OBJECT_RCU : MMW_OBJECT_FREE;
	slab->n[*state] = 1;
	slab->state = state;
}

/* All of a slab but what fill() knows. */
static void finish(const struct mmw_slabs *s, struct mmw_vm *vm, struct mmw_slab *slab, uint8_t *state,
		   struct mmw_slab_problems *problems)
{
	struct mmw_slab_problem p = problem_of(slab, MMW_SLAB_UNLISTED_CACHE);

	if (slab->place != MMW_SLAB_KFENCE)
		find_place(s, slab);
	if (!slab->cache || slab->cache->bad) {
		p.found = slab->cache_va;
		if (!slab->cache)
			mmw_slab_problem_add(problems, &p);
		slab->n[MMW_OBJECT_UNKNOWN] = slab->objects;
		return;
	}
	if (slab->place == MMW_SLAB_KFENCE) {
		find_kfence_state(s, slab, state);
		return;
	}
	check_room(s, slab, problems);
	find_states(s, vm, slab, state, problems);
	slab->state = slab->objects ? state : NULL;
}

int mmw_slab_read(const struct mmw_slabs *s, struct mmw_vm *vm, uint64_t va, struct mmw_slab *out, struct mmw_err *err)
{
	uint8_t bytes[MMW_STRUCT_PAGE_MAX];
	struct mmw_page page;
	uint64_t pfn;
	int rc;

	if (!mmw_memmap_pfn(&s->memmap, va, &pfn))
		return mmw_fail(err, MMW_E_CORRUPT, va, "0x%" PRIx64 " is no struct page", va);
	rc = mmw_vm_read(vm, va, bytes, s->pages.size, err);
	if (rc)
		return rc;
	mmw_page_take(&s->pages, pfn, va, bytes, 1, &page);
	if (!is_slab_head(&s->pages, &page) || !fill(s, vm, &(struct mmw_page_run){ .vm = vm }, &page, bytes, out))
		return mmw_fail(err, MMW_E_CORRUPT, va, "frame 0x%" PRIx64 " is the first of no slab", pfn);
	return 0;
}

int mmw_slab_of(const struct mmw_slabs *s, struct mmw_vm *vm, uint64_t pfn, struct mmw_slab *out, uint8_t *state,
		struct mmw_slab_problems *problems, struct mmw_err *err)
{
	struct mmw_page page;
	uint8_t *own = NULL;
	int rc = mmw_page_read(&s->pages, vm, pfn, &page, err);

	rc = rc ? rc : mmw_slab_read(s, vm, mmw_page_head(&s->pages, &page), out, NULL);
	if (rc == -MMW_E_CORRUPT)
		return mmw_fail(err, MMW_E_NODATA, 0, "frame 0x%" PRIx64 " is in no slab", pfn);
	if (rc)
		return rc;
	if (!state)
		state = own = malloc(MMW_SLAB_OBJECTS_MAX);
	if (!state)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the objects of a slab");
	finish(s, vm, out, state, problems);
	if (own)
		out->state = NULL;
	free(own);
	return 0;
}

bool mmw_slab_object(const struct mmw_slab *slab, uint64_t va, uint32_t *index, uint64_t *offset)
{
	uint64_t at = va - slab->first;

	if (!slab->cache || va < slab->first || at / slab->cache->size >= slab->objects)
		return false;
	*index = (uint32_t)(at / slab->cache->size);
	*offset = at % slab->cache->size;
	return true;
}

/* --- all slabs ----------------------------------------------------------------------------------------------------- */

/* What a section's frames hold. The states of its slabs follow each other. */
struct section {
	struct mmw_slab *slab;
	size_t n, cap;
	uint8_t *states;
	size_t n_states, cap_states;
	uint64_t unread;
	struct mmw_slab_problems problems;
};

struct scan {
	struct mmw_slabs *s;
	const struct mmw_slabs_opts *opts;
	mmw_slab_visit *visit;
	void *ctx;
};

/* Is it worth a closer look? */
static bool may_be_slab(const struct mmw_pages *p, const uint8_t *bytes)
{
	int bit = p->bit[MMW_PG_SLAB];

	if (bit >= 0 && mmw_get_word(bytes + p->flags, p->word, p->be) >> bit & 1)
		return true;
	return mmw_page_marked(&p->type[MMW_PGTY_SLAB], mmw_get32(bytes + p->type_at, p->be));
}

static int add_slab(const struct scan *scan, struct section *sec, const struct mmw_page_run *run, const struct mmw_page *page,
		    const uint8_t *bytes)
{
	struct mmw_slab slab;

	if (!is_slab_head(&scan->s->pages, page) || !fill(scan->s, run->vm, run, page, bytes, &slab))
		return 0;
	if (scan->opts->only && slab.cache != scan->opts->only)
		return 0;
	if (mmw_vec_reserve(&sec->slab, &sec->cap, sec->n + 1, sizeof(*sec->slab), NULL) ||
	    mmw_vec_reserve(&sec->states, &sec->cap_states, sec->n_states + slab.objects + 1, 1, NULL))
		return -MMW_E_NOMEM;
	finish(scan->s, run->vm, &slab, sec->states + sec->n_states, &sec->problems);
	if (scan->opts->states && slab.state)
		sec->n_states += slab.objects;
	sec->slab[sec->n++] = slab;
	return 0;
}

static int64_t look(void *ctx, void *state, const struct mmw_page_run *run)
{
	const struct scan *scan = ctx;
	const struct mmw_pages *p = &scan->s->pages;
	int rc = 0;

	if (!run->bytes && run->state == MMW_FRAME_ONLINE && run->why != MMW_E_NOTPRESENT)
		((struct section *)state)->unread += run->n;
	for (uint64_t i = 0; run->bytes && !rc && i < run->n; i++) {
		const uint8_t *bytes = run->bytes + i * p->size;
		struct mmw_page page;

		if (!may_be_slab(p, bytes))
			continue;
		mmw_page_take(p, run->pfn + i, run->va + i * p->size, bytes, run->n - i, &page);
		rc = add_slab(scan, state, run, &page, bytes);
	}
	return rc ? rc : (int64_t)run->n;
}

static int gather(void *ctx, void *state, struct mmw_err *err)
{
	struct scan *scan = ctx;
	struct section *sec = state;
	const uint8_t *at = sec->states;
	int rc = 0;

	for (size_t i = 0; i < sec->problems.n; i++)
		mmw_slab_problem_add(&scan->s->problems, &sec->problems.problem[i]);
	scan->s->problems.more += sec->problems.more;
	scan->s->unread += sec->unread;
	for (size_t i = 0; !rc && i < sec->n; i++) {
		struct mmw_slab *slab = &sec->slab[i];

		if (!scan->opts->states)
			slab->state = NULL;
		if (slab->state) {
			slab->state = at;
			at += slab->objects;
		}
		rc = scan->visit(scan->ctx, slab, err);
	}
	return rc;
}

static void drop(void *state)
{
	struct section *sec = state;

	free(sec->slab);
	free(sec->states);
	free(sec->problems.problem);
}

int mmw_slabs_pass(struct mmw_slabs *s, const struct mmw_slabs_opts *opts, mmw_slab_visit *visit, void *ctx,
		   struct mmw_err *err)
{
	static const struct mmw_pass_ops ops = { sizeof(struct section), look, gather, drop };
	struct scan scan = { .s = s, .opts = opts, .visit = visit, .ctx = ctx };

	s->unread = 0;
	return mmw_pass(s->kernel, &s->memmap, opts->threads, &ops, &scan, err);
}

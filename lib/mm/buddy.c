/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/buddy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/buddy_check.h"
#include "lib/mm/pass.h"

enum {
	PROBLEMS_MAX = 256,            /* kept of what opening finds */
	PROBLEMS_CHECKED_MAX = 65536,  /* and of what is asked for */
	STRAYS_MAX = 4096,             /* pages on lists that the pass over the marks did not find */
};

struct page_rec {
	uint64_t type, order, next, prev;
};

static const struct mmw_field page_fields[] = {
	MMW_FIELD(page_rec, type, "page_type|_mapcount.counter|_mapcount"),
	MMW_FIELD(page_rec, order, "private"),
	MMW_FIELD(page_rec, next, "buddy_list.next|lru.next"),
	MMW_FIELD(page_rec, prev, "buddy_list.prev|lru.prev"),
};

struct blocks {
	struct mmw_block *at;
	size_t n, cap;
};

/* A list led to this page, whose neighbours are others: whose it is only the other lists tell. */
struct suspect {
	struct mmw_buddy_list list;
	uint64_t pfn, from;
};

struct opening {
	struct mmw_kernel *k;
	struct mmw_buddy *b;
	struct mmw_shadow page;
	struct mmw_member lru;
	bool every;             /* look at every struct page, also inside free blocks */
	struct blocks strays;   /* by frame */
	struct suspect *suspects;
	size_t n_suspects, cap_suspects;
};

void mmw_buddy_problem_add(struct mmw_buddy *b, const struct mmw_buddy_problem *p)
{
	if (b->n_problems >= b->max_problems ||
	    mmw_vec_reserve(&b->problems, &b->cap_problems, b->n_problems + 1, sizeof(*b->problems), NULL))
		b->more_problems++;
	else
		b->problems[b->n_problems++] = *p;
}

/* --- the marks: one pass over the memmap -------------------------------------------------------------------------- */

struct item {
	struct blocks blocks;
	uint64_t seen;
	struct mmw_buddy_problem unreadable;  /* the first of its kind, found counts them all */
};

static struct mmw_block block_of(const struct opening *o, uint64_t pfn, const struct page_rec *rec)
{
	return (struct mmw_block){ .pfn = pfn, .next = rec->next, .prev = rec->prev,
				   .order = rec->order < o->b->zones.orders ? (uint8_t)rec->order : MMW_ORDER_NONE,
				   .said = rec->order < UINT8_MAX ? (uint8_t)rec->order : UINT8_MAX,
				   .marked = mmw_page_marked(&o->b->mark, (uint32_t)rec->type) };
}

static int add_block(struct blocks *to, const struct mmw_block *block)
{
	int rc = mmw_vec_reserve(&to->at, &to->cap, to->n + 1, sizeof(*to->at), NULL);

	if (!rc)
		to->at[to->n++] = *block;
	return rc;
}

/* Struct pages that cannot be read. Where nothing is mapped there simply are none. */
static void unreadable(struct item *it, const struct mmw_page_run *run)
{
	if (run->why == MMW_E_NOTPRESENT)
		return;
	if (!it->unreadable.why)
		it->unreadable = (struct mmw_buddy_problem){ .kind = MMW_BUDDY_UNREADABLE, .list = MMW_BUDDY_NO_LIST,
			.other = MMW_BUDDY_NO_LIST, .addr = run->va, .pfn = run->pfn, .why = run->why };
	it->unreadable.found += run->n;
}

/* A free block tells of all its frames, when it can be one. */
static uint64_t frames_told(const struct opening *o, const struct mmw_block *block)
{
	if (o->every || block->order == MMW_ORDER_NONE || !mmw_block_aligned(block->pfn, block->order))
		return 1;
	return 1ull << block->order;
}

static int64_t look_for_marks(void *ctx, void *state, const struct mmw_page_run *run)
{
	const struct opening *o = ctx;
	struct item *it = state;
	uint64_t size = o->b->memmap.page_size, type_at = o->page.bound[0].offset, i = 0;
	bool be = mmw_image_big_endian(mmw_kernel_image(o->k));

	if (!run->bytes) {
		unreadable(it, run);
		return (int64_t)run->n;
	}
	while (i < run->n) {
		const uint8_t *page = run->bytes + i * size;
		struct mmw_block block;
		struct page_rec rec;

		it->seen++;
		if (!mmw_page_marked(&o->b->mark, mmw_get32(page + type_at, be))) {
			i++;
			continue;
		}
		mmw_shadow_take(&o->page, page, be, &rec);
		block = block_of(o, run->pfn + i, &rec);
		if (add_block(&it->blocks, &block))
			return -MMW_E_NOMEM;
		i += frames_told(o, &block);
	}
	return (int64_t)i;
}

/* Sections are in order, and so are the blocks in each: joined, they are sorted by frame. */
static int gather_marks(void *ctx, void *state, struct mmw_err *err)
{
	const struct opening *o = ctx;
	const struct item *it = state;
	struct mmw_buddy *b = o->b;
	int rc = mmw_vec_reserve(&b->blocks, &b->cap_blocks, b->n_blocks + it->blocks.n, sizeof(*b->blocks), err);

	if (rc)
		return rc;
	if (it->blocks.n)
		memcpy(b->blocks + b->n_blocks, it->blocks.at, it->blocks.n * sizeof(*it->blocks.at));
	b->n_blocks += it->blocks.n;
	b->pages_seen += it->seen;
	if (it->unreadable.why)
		mmw_buddy_problem_add(b, &it->unreadable);
	return 0;
}

static void drop_marks(void *state)
{
	free(((struct item *)state)->blocks.at);
}

static int read_marks(struct opening *o, unsigned threads, struct mmw_err *err)
{
	static const struct mmw_pass_ops ops = { sizeof(struct item), look_for_marks, gather_marks, drop_marks };

	return mmw_pass(o->k, &o->b->memmap, threads, &ops, o, err);
}

/* --- the lists ---------------------------------------------------------------------------------------------------- */

struct list {
	struct opening *o;
	struct mmw_buddy_list id;
	uint64_t head, first, last;
	uint64_t count;
};

/* The first of n blocks at this frame or behind it. */
static size_t lower_bound(const struct mmw_block *blocks, size_t n, uint64_t pfn)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (blocks[mid].pfn < pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct mmw_block *find_block(const struct opening *o, uint64_t pfn)
{
	const struct blocks marked = { o->b->blocks, o->b->n_blocks, 0 }, *all[] = { &marked, &o->strays };

	for (size_t i = 0; i < mmw_array_len(all); i++) {
		size_t at = lower_bound(all[i]->at, all[i]->n, pfn);

		if (at < all[i]->n && all[i]->at[at].pfn == pfn)
			return &all[i]->at[at];
	}
	return NULL;
}

static void list_problem(const struct list *l, enum mmw_buddy_problem_kind kind, uint64_t addr, uint64_t pfn,
			 uint64_t found, uint64_t expected)
{
	const struct mmw_buddy_problem p = { .kind = kind, .list = l->id, .other = MMW_BUDDY_NO_LIST, .addr = addr,
					     .pfn = pfn, .found = found, .expected = expected };

	mmw_buddy_problem_add(l->o->b, &p);
}

/* A page that a list has and the pass did not find: without the mark, or inside a block that is said to be larger. */
static int add_stray(struct opening *o, const struct mmw_block *block)
{
	struct blocks *s = &o->strays;
	size_t at = lower_bound(s->at, s->n, block->pfn);

	if (s->n == STRAYS_MAX || mmw_vec_reserve(&s->at, &s->cap, s->n + 1, sizeof(*s->at), NULL))
		return -MMW_E_LIMIT;
	memmove(&s->at[at + 1], &s->at[at], (s->n - at) * sizeof(*s->at));
	s->at[at] = *block;
	s->n++;
	return 0;
}

/* The block whose list_head is at `link`: 0, or why there is none: MMW_E_CORRUPT when that is no struct page. */
static int block_at(struct opening *o, uint64_t link, struct mmw_block **out)
{
	uint64_t page = link - o->lru.offset, pfn;
	struct mmw_block block;
	struct page_rec rec;
	int rc;

	if (!mmw_memmap_pfn(&o->b->memmap, page, &pfn))
		return -MMW_E_CORRUPT;
	*out = find_block(o, pfn);
	if (*out)
		return 0;
	rc = mmw_shadow_read(&o->page, mmw_kernel_vm(o->k), page, &rec, NULL);
	if (rc)
		return rc;
	block = block_of(o, pfn, &rec);
	rc = add_stray(o, &block);
	*out = rc ? NULL : find_block(o, pfn);
	return rc;
}

/* Does the list that this block's prev names have it next? Then it is part of that, however it was come by here. */
static bool is_elsewhere(struct opening *o, const struct mmw_block *block, uint64_t link)
{
	unsigned word = mmw_kernel_arch(o->k)->word;
	uint64_t next;

	return !mmw_vm_read_uint(mmw_kernel_vm(o->k), block->prev, word, &next, NULL) && next == link;
}

static void check_block(const struct list *l, const struct mmw_block *block, uint64_t page)
{
	const struct mmw_zone *zone = &l->o->b->zones.zone[l->id.zone];

	if (!block->marked)
		list_problem(l, MMW_BUDDY_UNMARKED, page, block->pfn, 0, 0);
	else if (block->said != l->id.order)
		list_problem(l, MMW_BUDDY_ORDER, page, block->pfn, block->said, (unsigned)l->id.order);
	if (block->pfn < zone->start_pfn || block->pfn - zone->start_pfn >= zone->spanned)
		list_problem(l, MMW_BUDDY_SPAN, page, block->pfn, 0, 0);
}

static void take(struct list *l, struct mmw_block *block, uint64_t page)
{
	check_block(l, block, page);
	block->listed = true;
	block->zone = (uint16_t)l->id.zone;
	block->order = (uint8_t)l->id.order;
	block->type = (uint8_t)l->id.type;
	l->count++;
}

static void suspect(struct list *l, uint64_t pfn, uint64_t from)
{
	struct opening *o = l->o;

	if (mmw_vec_reserve(&o->suspects, &o->cap_suspects, o->n_suspects + 1, sizeof(*o->suspects), NULL))
		o->b->more_problems++;
	else
		o->suspects[o->n_suspects++] = (struct suspect){ l->id, pfn, from };
}

static void say_again(const struct mmw_buddy_list *list, struct mmw_buddy *b, const struct mmw_block *block,
		      uint64_t from)
{
	struct mmw_buddy_problem p = { .kind = MMW_BUDDY_TWO_LISTS, .list = *list, .pfn = block->pfn, .found = from,
				       .other = { block->zone, block->order, block->type },
				       .addr = mmw_memmap_page(&b->memmap, block->pfn) };

	if (!memcmp(&p.list, &p.other, sizeof(p.list)))
		p.kind = MMW_BUDDY_CYCLE;
	mmw_buddy_problem_add(b, &p);
}

/* The step of a list to `at`. 1: taken; 0: no further this way, and that has been said or will be. */
static int step(struct list *l, uint64_t at, uint64_t from, struct mmw_block **block)
{
	uint64_t page = at - l->o->lru.offset;
	int rc = block_at(l->o, at, block);

	if (rc == -MMW_E_CORRUPT) {
		list_problem(l, MMW_BUDDY_FOREIGN, at, MMW_ABSENT, from, 0);
	} else if (rc) {
		struct mmw_buddy_problem p = { .kind = MMW_BUDDY_LOST, .list = l->id, .other = MMW_BUDDY_NO_LIST,
					       .addr = page, .found = from, .why = (enum mmw_code)-rc };

		mmw_memmap_pfn(&l->o->b->memmap, page, &p.pfn);
		mmw_buddy_problem_add(l->o->b, &p);
	} else if ((*block)->listed) {
		say_again(&l->id, l->o->b, *block, from);
	} else if ((*block)->prev != from && is_elsewhere(l->o, *block, at)) {
		suspect(l, (*block)->pfn, from);
	} else {
		if ((*block)->prev != from)
			list_problem(l, MMW_BUDDY_LINK, page, (*block)->pfn, (*block)->prev, from);
		take(l, *block, page);
		return 1;
	}
	return 0;
}

/* Forward from the head. True when it came back to the head. */
static bool follow(struct list *l)
{
	uint64_t at = l->first, from = l->head;
	struct mmw_block *block;

	while (at != l->head) {
		if (!step(l, at, from, &block))
			return false;
		from = at;
		at = block->next;
	}
	if (l->last != from)
		list_problem(l, MMW_BUDDY_LINK, l->head, MMW_ABSENT, l->last, from);
	return true;
}

/* The list is broken: what can still be reached from its tail, by links that lead both ways, belongs to it as well. */
static void follow_back(struct list *l)
{
	uint64_t at = l->last, from = l->head;

	while (at != l->head) {
		struct mmw_block *block;

		if (block_at(l->o, at, &block) || block->listed || block->next != from)
			return;
		take(l, block, at - l->o->lru.offset);
		from = at;
		at = block->prev;
	}
}

static void walk_list(struct opening *o, size_t zone, unsigned order, unsigned type)
{
	struct mmw_buddy *b = o->b;
	struct list l = { .o = o, .id = { (int)zone, (int)order, (int)type } };
	struct mmw_vm *vm = mmw_kernel_vm(o->k);
	unsigned word = mmw_kernel_arch(o->k)->word;
	int rc;

	l.head = mmw_zone_list(&b->zones, &b->zones.zone[zone], order, type);
	rc = mmw_vm_read_uint(vm, l.head, word, &l.first, NULL);
	rc = rc ? rc : mmw_vm_read_uint(vm, l.head + word, word, &l.last, NULL);
	if (rc) {
		struct mmw_buddy_problem p = { .kind = MMW_BUDDY_HEAD, .list = l.id, .other = MMW_BUDDY_NO_LIST,
					       .addr = l.head, .pfn = MMW_ABSENT, .why = (enum mmw_code)-rc };

		mmw_buddy_problem_add(b, &p);
		return;
	}
	if (!follow(&l))
		follow_back(&l);
	*mmw_buddy_count(b, zone, order, type) = l.count;
}

/* All lists are known: the pages that some led to have their place, or none. */
static void settle(struct opening *o)
{
	struct mmw_buddy *b = o->b;

	for (size_t i = 0; i < o->n_suspects; i++) {
		const struct suspect *s = &o->suspects[i];
		const struct mmw_block *block = find_block(o, s->pfn);
		struct list l = { .o = o, .id = s->list };
		const struct mmw_buddy_list has = { block->zone, block->order, block->type };

		if (block->listed && memcmp(&has, &s->list, sizeof(has)))
			say_again(&s->list, b, block, s->from);
		else
			list_problem(&l, MMW_BUDDY_LINK, mmw_memmap_page(&b->memmap, s->pfn), s->pfn, block->prev,
				     s->from);
	}
}

static int by_pfn(const void *a, const void *b)
{
	uint64_t x = ((const struct mmw_block *)a)->pfn, y = ((const struct mmw_block *)b)->pfn;

	return x < y ? -1 : x > y;
}

static int walk_lists(struct opening *o, struct mmw_err *err)
{
	struct mmw_buddy *b = o->b;
	int rc;

	for (size_t zone = 0; zone < b->zones.n; zone++)
		for (unsigned order = 0; order < b->zones.orders; order++)
			for (unsigned type = 0; type < b->zones.types; type++)
				walk_list(o, zone, order, type);
	settle(o);
	rc = mmw_vec_reserve(&b->blocks, &b->cap_blocks, b->n_blocks + o->strays.n, sizeof(*b->blocks), err);
	if (rc || !o->strays.n)
		return rc;
	for (size_t i = 0; i < o->strays.n; i++)
		if (o->strays.at[i].listed || o->strays.at[i].marked)
			b->blocks[b->n_blocks++] = o->strays.at[i];
	qsort(b->blocks, b->n_blocks, sizeof(*b->blocks), by_pfn);
	return 0;
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static void compare_zone(struct mmw_buddy *b, size_t zone)
{
	const struct mmw_zone *z = &b->zones.zone[zone];
	struct mmw_buddy_problem p = { .list = { (int)zone, -1, -1 }, .other = MMW_BUDDY_NO_LIST, .addr = z->va,
				       .pfn = MMW_ABSENT };
	uint64_t pages = 0;

	for (unsigned order = 0; order < b->zones.orders; order++) {
		uint64_t sum = 0;

		for (unsigned type = 0; type < b->zones.types; type++) {
			uint64_t n = *mmw_buddy_count(b, zone, order, type);

			sum += n;
			pages += (int)type == b->zones.isolate ? 0 : n << order;
		}
		if (sum == z->nr_free[order])
			continue;
		p.kind = MMW_BUDDY_NR_FREE;
		p.list.order = (int)order;
		p.found = sum;
		p.expected = z->nr_free[order];
		mmw_buddy_problem_add(b, &p);
	}
	if (!z->has_stat || pages == z->stat_free)
		return;
	p.kind = MMW_BUDDY_NR_FREE_PAGES;
	p.list.order = -1;
	p.found = pages;
	p.expected = z->stat_free;
	mmw_buddy_problem_add(b, &p);
}

/* What a marked page says of itself. */
static void judge_block(struct mmw_buddy *b, const struct mmw_block *block)
{
	struct mmw_buddy_problem p = { .list = MMW_BUDDY_NO_LIST, .other = MMW_BUDDY_NO_LIST, .pfn = block->pfn,
				       .addr = mmw_memmap_page(&b->memmap, block->pfn) };

	p.list.order = block->order == MMW_ORDER_NONE ? -1 : block->order;
	if (block->listed) {
		p.list.zone = block->zone;
		p.list.type = block->type;
	}
	if (block->order == MMW_ORDER_NONE) {
		p.kind = MMW_BUDDY_BAD_ORDER;
		p.found = block->said;
		mmw_buddy_problem_add(b, &p);
	} else if (!mmw_block_aligned(block->pfn, block->order)) {
		p.kind = MMW_BUDDY_MISALIGNED;
		mmw_buddy_problem_add(b, &p);
	}
	if (!block->listed && block->marked) {
		p.kind = MMW_BUDDY_UNLISTED;
		p.found = 0;
		mmw_buddy_problem_add(b, &p);
	}
}

static void compare(struct mmw_buddy *b)
{
	for (size_t i = 0; i < b->n_blocks; i++)
		judge_block(b, &b->blocks[i]);
	for (size_t zone = 0; zone < b->zones.n; zone++)
		compare_zone(b, zone);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static int bind(struct opening *o, struct mmw_err *err)
{
	int rc = mmw_shadow_bind(o->k, "page", page_fields, mmw_array_len(page_fields), &o->page, err);

	if (!rc)
		rc = mmw_kernel_member_any(o->k, "page", "buddy_list|lru", &o->lru, err);
	if (!rc && o->page.bound[0].size != 4)  /* look_for_marks() reads it as such */
		return mmw_fail(err, MMW_E_CORRUPT, 0, "struct page keeps its type in %u bytes", o->page.bound[0].size);
	if (!rc && o->page.last >= o->b->memmap.page_size)
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "struct page of %" PRIu64 " bytes does not hold its members",
			      o->b->memmap.page_size);
	return rc;
}

static int prepare(struct opening *o, struct mmw_err *err)
{
	struct mmw_buddy *b = o->b;
	size_t lists;
	int rc = mmw_zones_open(o->k, &b->zones, err);

	if (!rc)
		rc = mmw_memmap_open(o->k, &b->memmap, err);
	if (!rc)
		rc = bind(o, err);
	if (rc)
		return rc;
	lists = b->zones.n * b->zones.orders * b->zones.types;
	b->counts = calloc(lists ? lists : 1, sizeof(*b->counts));
	if (!b->counts)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu free lists", lists);
	o->b->mark_source = mmw_page_mark_find(o->k, &o->b->mark);
	return 0;
}

static int open_lists(struct opening *o, unsigned threads, struct mmw_err *err)
{
	int rc;

	memset(o->b, 0, sizeof(*o->b));
	o->b->max_problems = o->every ? PROBLEMS_CHECKED_MAX : PROBLEMS_MAX;
	rc = prepare(o, err);
	if (!rc)
		rc = read_marks(o, threads, err);
	if (!rc)
		rc = walk_lists(o, err);
	free(o->strays.at);
	free(o->suspects);
	if (rc)
		mmw_buddy_close(o->b);
	else
		compare(o->b);
	return rc;
}

size_t mmw_buddy_find(const struct mmw_buddy *b, uint64_t pfn)
{
	size_t at = lower_bound(b->blocks, b->n_blocks, pfn);

	/* Blocks are no larger than the largest order, and seldom inside each other. */
	for (; at > 0; at--) {
		const struct mmw_block *before = &b->blocks[at - 1];

		if (before->order == MMW_ORDER_NONE || pfn - before->pfn >= 1ull << before->order)
			break;
	}
	return at;
}

int mmw_buddy_open(struct mmw_kernel *k, unsigned threads, struct mmw_buddy *out, struct mmw_err *err)
{
	struct opening o = { .k = k, .b = out };

	return open_lists(&o, threads, err);
}

int mmw_buddy_check(struct mmw_kernel *k, unsigned threads, struct mmw_buddy *out, struct mmw_err *err)
{
	struct opening o = { .k = k, .b = out, .every = true };
	int rc = open_lists(&o, threads, err);

	if (rc)
		return rc;
	rc = mmw_buddy_check_more(k, threads, out, err);
	if (rc)
		mmw_buddy_close(out);
	return rc;
}

void mmw_buddy_close(struct mmw_buddy *b)
{
	mmw_zones_close(&b->zones);
	mmw_memmap_close(&b->memmap);
	mmw_pcp_close(&b->pcp);
	free(b->blocks);
	free(b->counts);
	free(b->problems);
	b->blocks = NULL;
	b->counts = NULL;
	b->problems = NULL;
}

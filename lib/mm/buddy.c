/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/buddy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/pass.h"
#include "lib/sym/vmcoreinfo.h"

enum { PROBLEMS_MAX = 256 };

struct page_rec {
	uint64_t type, order, next, prev;
};

static const struct mmw_field page_fields[] = {
	MMW_FIELD(page_rec, type, "page_type|_mapcount.counter|_mapcount"),
	MMW_FIELD(page_rec, order, "private"),
	MMW_FIELD(page_rec, next, "buddy_list.next|lru.next"),
	MMW_FIELD(page_rec, prev, "buddy_list.prev|lru.prev"),
};

/* A page is marked free when (its type word & mask) == value. */
struct mark {
	uint32_t mask, value;
};

struct opening {
	struct mmw_kernel *k;
	struct mmw_buddy *b;
	struct mmw_shadow page;
	struct mmw_member lru;
	struct mark mark;
};

static void problem(struct mmw_buddy *b, struct mmw_buddy_problem p)
{
	if (b->n_problems >= PROBLEMS_MAX ||
	    mmw_vec_reserve(&b->problems, &b->cap_problems, b->n_problems + 1, sizeof(*b->problems), NULL))
		b->more_problems++;
	else
		b->problems[b->n_problems++] = p;
}

/* --- the mark ---------------------------------------------------------------------------------------------------- */

/*
 * include/linux/page-flags.h through the versions, told apart by the value that VMCOREINFO prints: to 4.17 a magic
 * count; to 6.10 a cleared bit below 0xf0000000; in 6.11 a cleared bit below 0x80000000; from 6.12 the top byte.
 */
static bool mark_of(uint32_t vmcoreinfo_value, struct mark *out)
{
	static const struct { uint32_t said; struct mark mark; } forms[] = {
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

static void find_mark(struct opening *o)
{
	uint64_t said;
	int64_t e;

	o->b->mark_source = "VMCOREINFO PAGE_BUDDY_MAPCOUNT_VALUE";
	if (mmw_vmcoreinfo_number(mmw_kernel_vmcoreinfo(o->k), "PAGE_BUDDY_MAPCOUNT_VALUE", &said) &&
	    mark_of((uint32_t)said, &o->mark))
		return;
	o->b->mark_source = "enum pagetype";
	if (!mmw_kernel_enumerator(o->k, "pagetype", "PGTY_buddy", &e, NULL) && e == 0xf0) {
		mark_of(0xf0000000, &o->mark);
		return;
	}
	if (!mmw_kernel_enumerator(o->k, "pagetype", "PG_buddy", &e, NULL) && e == 0x40000000) {
		mark_of(0xbfffffff, &o->mark);
		return;
	}
	if (mmw_kernel_enumerator(o->k, "pagetype", "PG_buddy", &e, NULL))
		o->b->mark_source = "GUESSED as in 4.18 to 6.9";
	mark_of(0xffffff7f, &o->mark);
}

/* --- the marks: one pass over the memmap -------------------------------------------------------------------------- */

struct item {
	struct mmw_block *blocks;
	size_t n, cap;
	uint64_t seen;
	struct mmw_buddy_problem unreadable;  /* the first of its kind, found counts them all */
	struct mmw_buddy_problem bad_order;
	uint64_t bad_orders;
};

static int add_block(struct item *it, uint64_t pfn, const struct page_rec *rec)
{
	int rc = mmw_vec_reserve(&it->blocks, &it->cap, it->n + 1, sizeof(*it->blocks), NULL);

	if (!rc)
		it->blocks[it->n++] = (struct mmw_block){ .pfn = pfn, .next = rec->next, .prev = rec->prev,
							  .order = (uint8_t)rec->order, .marked = true };
	return rc;
}

/* Struct pages that cannot be read. Where nothing is mapped there simply are none. */
static void unreadable(struct item *it, const struct mmw_page_run *run)
{
	if (run->why == MMW_E_NOTPRESENT)
		return;
	if (!it->unreadable.why)
		it->unreadable = (struct mmw_buddy_problem){ .kind = MMW_BUDDY_UNREADABLE, .zone = -1, .order = -1, .type = -1,
							     .addr = run->va, .pfn = run->pfn, .why = run->why };
	it->unreadable.found += run->n;
}

static void bad_order(struct item *it, uint64_t pfn, uint64_t va, uint64_t order)
{
	if (!it->bad_orders++)
		it->bad_order = (struct mmw_buddy_problem){ .kind = MMW_BUDDY_BAD_ORDER, .zone = -1, .type = -1, .order = -1,
							    .pfn = pfn, .addr = va, .found = order };
}

/* A free block tells of all its frames. */
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
		struct page_rec rec;

		it->seen++;
		if ((mmw_get32(page + type_at, be) & o->mark.mask) != o->mark.value) {
			i++;
			continue;
		}
		mmw_shadow_take(&o->page, page, be, &rec);
		if (rec.order >= o->b->zones.orders || (run->pfn + i) & ((1ull << rec.order) - 1)) {
			bad_order(it, run->pfn + i, run->va + i * size, rec.order);
			i++;
			continue;
		}
		if (add_block(it, run->pfn + i, &rec))
			return -MMW_E_NOMEM;
		i += 1ull << rec.order;
	}
	return (int64_t)i;
}

/* Sections are in order, and so are the blocks in each: joined, they are sorted by frame. */
static int gather_marks(void *ctx, void *state, struct mmw_err *err)
{
	const struct opening *o = ctx;
	const struct item *it = state;
	struct mmw_buddy *b = o->b;
	int rc = mmw_vec_reserve(&b->blocks, &b->cap_blocks, b->n_blocks + it->n, sizeof(*b->blocks), err);

	if (rc)
		return rc;
	if (it->n)
		memcpy(b->blocks + b->n_blocks, it->blocks, it->n * sizeof(*it->blocks));
	b->n_blocks += it->n;
	b->pages_seen += it->seen;
	if (it->unreadable.why)
		problem(b, it->unreadable);
	if (it->bad_orders)
		problem(b, it->bad_order);
	b->more_problems += it->bad_orders ? it->bad_orders - 1 : 0;
	return 0;
}

static void drop_marks(void *state)
{
	free(((struct item *)state)->blocks);
}

static int read_marks(struct opening *o, unsigned threads, struct mmw_err *err)
{
	static const struct mmw_pass_ops ops = { sizeof(struct item), look_for_marks, gather_marks, drop_marks };

	return mmw_pass(o->k, &o->b->memmap, threads, &ops, o, err);
}

/* --- the lists ---------------------------------------------------------------------------------------------------- */

struct list {
	struct opening *o;
	size_t zone;
	unsigned order, type;
	uint64_t head, first, last;
	uint64_t budget;  /* no honest list has more blocks */
	uint64_t count;
};

static struct mmw_block *find_block(const struct mmw_buddy *b, uint64_t pfn)
{
	size_t lo = 0, hi = b->n_blocks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->blocks[mid].pfn == pfn)
			return &b->blocks[mid];
		if (b->blocks[mid].pfn < pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void list_problem(const struct list *l, enum mmw_buddy_problem_kind kind, uint64_t addr, uint64_t pfn,
			 uint64_t found, uint64_t expected)
{
	problem(l->o->b, (struct mmw_buddy_problem){ .kind = kind, .zone = (int)l->zone, .order = (int)l->order,
		.type = (int)l->type, .addr = addr, .pfn = pfn, .found = found, .expected = expected });
}

/* The block whose list_head is at `link`. A page without the mark is read on its own, into *stray. */
static struct mmw_block *block_at(const struct list *l, uint64_t link, struct mmw_block *stray)
{
	struct mmw_buddy *b = l->o->b;
	uint64_t page = link - l->o->lru.offset, pfn;
	struct mmw_block *block;
	struct page_rec rec;

	if (!mmw_memmap_pfn(&b->memmap, page, &pfn))
		return NULL;
	block = find_block(b, pfn);
	if (block)
		return block;
	if (mmw_shadow_read(&l->o->page, mmw_kernel_vm(l->o->k), page, &rec, NULL))
		return NULL;
	*stray = (struct mmw_block){ .pfn = pfn, .next = rec.next, .prev = rec.prev, .order = (uint8_t)l->order };
	return stray;
}

static void check_block(const struct list *l, const struct mmw_block *block, uint64_t page, uint64_t came_from)
{
	const struct mmw_zone *zone = &l->o->b->zones.zone[l->zone];

	if (!block->marked)
		list_problem(l, MMW_BUDDY_UNMARKED, page, block->pfn, 0, 0);
	else if (block->order != l->order)
		list_problem(l, MMW_BUDDY_WRONG_ORDER, page, block->pfn, block->order, l->order);
	if (block->pfn < zone->start_pfn || block->pfn - zone->start_pfn >= zone->spanned)
		list_problem(l, MMW_BUDDY_WRONG_ZONE, page, block->pfn, 0, 0);
	if (came_from && block->prev != came_from)
		list_problem(l, MMW_BUDDY_BAD_LINK, page, block->pfn, block->prev, came_from);
}

static void take(struct list *l, struct mmw_block *block)
{
	block->listed = true;
	block->zone = (uint16_t)l->zone;
	block->type = (uint8_t)l->type;
	l->count++;
	l->budget--;
}

/* Forward from the head. True when it came back to the head. */
static bool follow(struct list *l)
{
	uint64_t at = l->first, from = l->head;

	while (at != l->head) {
		uint64_t page = at - l->o->lru.offset;
		struct mmw_block stray, *block = block_at(l, at, &stray);

		if (!block) {
			list_problem(l, MMW_BUDDY_FOREIGN, at, 0, from, 0);
			return false;
		}
		if (block->listed || !l->budget) {
			list_problem(l, MMW_BUDDY_TWICE, page, block->pfn, from, 0);
			return false;
		}
		check_block(l, block, page, from);
		take(l, block);
		from = at;
		at = block->next;
	}
	return true;
}

/* The list is broken: what can still be reached from its tail belongs to it as well. */
static void follow_back(struct list *l)
{
	uint64_t at = l->last;

	while (at != l->head && l->budget) {
		struct mmw_block stray, *block = block_at(l, at, &stray);

		if (!block || block->listed || !block->marked)
			return;
		check_block(l, block, at - l->o->lru.offset, 0);
		take(l, block);
		at = block->prev;
	}
}

static void walk_list(struct opening *o, size_t zone, unsigned order, unsigned type)
{
	struct mmw_buddy *b = o->b;
	const struct mmw_zone *z = &b->zones.zone[zone];
	struct list l = { .o = o, .zone = zone, .order = order, .type = type };
	struct mmw_vm *vm = mmw_kernel_vm(o->k);
	unsigned word = mmw_kernel_arch(o->k)->word;

	l.head = mmw_zone_list(&b->zones, z, order, type);
	l.budget = (z->spanned >> order) + 1;
	if (l.budget > b->memmap.pages)
		l.budget = b->memmap.pages;
	if (mmw_vm_read_uint(vm, l.head, word, &l.first, NULL) || mmw_vm_read_uint(vm, l.head + word, word, &l.last, NULL)) {
		list_problem(&l, MMW_BUDDY_FOREIGN, l.head, 0, 0, 0);
		return;
	}
	if (!follow(&l))
		follow_back(&l);
	*mmw_buddy_count(b, zone, order, type) = l.count;
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static void compare_zone(struct mmw_buddy *b, size_t zone)
{
	const struct mmw_zone *z = &b->zones.zone[zone];
	uint64_t pages = 0;

	for (unsigned order = 0; order < b->zones.orders; order++) {
		uint64_t sum = 0;

		for (unsigned type = 0; type < b->zones.types; type++) {
			uint64_t n = *mmw_buddy_count(b, zone, order, type);

			sum += n;
			pages += (int)type == b->zones.isolate ? 0 : n << order;
		}
		if (sum != z->nr_free[order])
			problem(b, (struct mmw_buddy_problem){ .kind = MMW_BUDDY_NR_FREE, .zone = (int)zone, .order = (int)order,
				.type = -1, .addr = z->va, .found = sum, .expected = z->nr_free[order] });
	}
	if (z->has_stat && pages != z->stat_free)
		problem(b, (struct mmw_buddy_problem){ .kind = MMW_BUDDY_NR_FREE_PAGES, .zone = (int)zone, .order = -1,
			.type = -1, .addr = z->va, .found = pages, .expected = z->stat_free });
}

static void compare(struct mmw_buddy *b)
{
	for (size_t i = 0; i < b->n_blocks; i++)
		if (!b->blocks[i].listed)
			problem(b, (struct mmw_buddy_problem){ .kind = MMW_BUDDY_UNLISTED, .zone = -1, .type = -1,
				.order = b->blocks[i].order, .pfn = b->blocks[i].pfn,
				.addr = mmw_memmap_page(&b->memmap, b->blocks[i].pfn) });
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

int mmw_buddy_open(struct mmw_kernel *k, unsigned threads, struct mmw_buddy *out, struct mmw_err *err)
{
	struct opening o = { .k = k, .b = out };
	size_t lists;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mmw_zones_open(k, &out->zones, err);
	if (!rc)
		rc = mmw_memmap_open(k, &out->memmap, err);
	if (!rc)
		rc = bind(&o, err);
	lists = out->zones.n * out->zones.orders * out->zones.types;
	if (!rc) {
		out->counts = calloc(lists ? lists : 1, sizeof(*out->counts));
		if (!out->counts)
			rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu free lists", lists);
	}
	if (!rc) {
		find_mark(&o);
		rc = read_marks(&o, threads, err);
	}
	if (rc) {
		mmw_buddy_close(out);
		return rc;
	}
	for (size_t zone = 0; zone < out->zones.n; zone++)
		for (unsigned order = 0; order < out->zones.orders; order++)
			for (unsigned type = 0; type < out->zones.types; type++)
				walk_list(&o, zone, order, type);
	compare(out);
	return 0;
}

void mmw_buddy_close(struct mmw_buddy *b)
{
	mmw_zones_close(&b->zones);
	mmw_memmap_close(&b->memmap);
	free(b->blocks);
	free(b->counts);
	free(b->problems);
	b->blocks = NULL;
	b->counts = NULL;
	b->problems = NULL;
}

/* "node 0 zone DMA32, order 3, Movable: " as far as the problem has them. */
static size_t place_text(const struct mmw_buddy *b, const struct mmw_buddy_problem *p, char *buf, size_t size)
{
	const struct mmw_zone *z = p->zone >= 0 ? &b->zones.zone[p->zone] : NULL;
	size_t n = 0;

	buf[0] = '\0';
	if (z)
		n = snprintf(buf, size, "node %u zone %s", z->node, z->name);
	if (p->order >= 0)
		n += snprintf(buf + n, size - n, "%sorder %d", n ? ", " : "", p->order);
	if (p->type >= 0)
		n += snprintf(buf + n, size - n, "%s%s", n ? ", " : "", b->zones.type_name[p->type]);
	if (n)
		n += snprintf(buf + n, size - n, ": ");
	return n;
}

void mmw_buddy_problem_text(const struct mmw_buddy *b, const struct mmw_buddy_problem *p, char *buf, size_t size)
{
	size_t n = place_text(b, p, buf, size);
	char *to = buf + n;

	size -= n;
	switch (p->kind) {
	case MMW_BUDDY_UNREADABLE:
		snprintf(to, size, "%" PRIu64 " struct pages from 0x%" PRIx64 " (frame 0x%" PRIx64 ") are %s", p->found, p->addr,
			 p->pfn, mmw_code_word(p->why));
		break;
	case MMW_BUDDY_BAD_ORDER:
		snprintf(to, size, "struct page 0x%" PRIx64 " (frame 0x%" PRIx64 ") is marked free with impossible order %" PRIu64,
			 p->addr, p->pfn, p->found);
		break;
	case MMW_BUDDY_FOREIGN:
		snprintf(to, size, "the list leads from 0x%" PRIx64 " to 0x%" PRIx64 ", which is no struct page in the image", p->found,
			 p->addr);
		break;
	case MMW_BUDDY_UNMARKED:
		snprintf(to, size, "struct page 0x%" PRIx64 " (frame 0x%" PRIx64 ") is on the list but not marked free", p->addr,
			 p->pfn);
		break;
	case MMW_BUDDY_WRONG_ORDER:
		snprintf(to, size, "struct page 0x%" PRIx64 " (frame 0x%" PRIx64 ") is on this list, but its order is %" PRIu64,
			 p->addr, p->pfn, p->found);
		break;
	case MMW_BUDDY_WRONG_ZONE:
		snprintf(to, size, "struct page 0x%" PRIx64 " (frame 0x%" PRIx64 ") lies outside this zone", p->addr, p->pfn);
		break;
	case MMW_BUDDY_TWICE:
		snprintf(to, size, "struct page 0x%" PRIx64 " (frame 0x%" PRIx64 ") is reached again, from 0x%" PRIx64, p->addr,
			 p->pfn, p->found);
		break;
	case MMW_BUDDY_BAD_LINK:
		snprintf(to, size, "struct page 0x%" PRIx64 " (frame 0x%" PRIx64 "): prev is 0x%" PRIx64 " but it was reached from 0x%"
			 PRIx64, p->addr, p->pfn, p->found, p->expected);
		break;
	case MMW_BUDDY_UNLISTED:
		snprintf(to, size, "struct page 0x%" PRIx64 " (frame 0x%" PRIx64 ") is marked free but on no list", p->addr, p->pfn);
		break;
	case MMW_BUDDY_NR_FREE:
		snprintf(to, size, "%" PRIu64 " blocks on the lists, but nr_free is %" PRIu64, p->found, p->expected);
		break;
	case MMW_BUDDY_NR_FREE_PAGES:
		snprintf(to, size, "%" PRIu64 " pages on the lists, but NR_FREE_PAGES is %" PRIu64, p->found, p->expected);
		break;
	}
}

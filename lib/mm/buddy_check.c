/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/buddy_check.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/page.h"
#include "lib/mm/pageblock.h"
#include "lib/mm/pass.h"
#include "lib/mm/vmstat.h"

enum { NOTES_MAX = 4096 };  /* problems kept of a memory section */

struct page_rec {
	uint64_t flags, refs, type;
};

static const struct mmw_field page_fields[] = {
	MMW_FIELD(page_rec, flags, "flags.f|flags"),
	MMW_FIELD(page_rec, refs, "_refcount.counter|_refcount"),
	MMW_FIELD(page_rec, type, "page_type|_mapcount.counter|_mapcount"),
};

struct check {
	struct mmw_kernel *k;
	struct mmw_buddy *b;
	struct mmw_shadow page;
	struct mmw_pageblocks blocks;
	struct mmw_page_place place;
	bool has_place;
};

static void cannot(struct mmw_buddy *b, enum mmw_buddy_problem_kind kind)
{
	b->unknown |= 1ull << kind;
}

static struct mmw_buddy_list list_of(const struct mmw_block *block)
{
	struct mmw_buddy_list list = MMW_BUDDY_NO_LIST;

	if (block->listed)
		list = (struct mmw_buddy_list){ block->zone, block->order, block->type };
	else if (block->order != MMW_ORDER_NONE)
		list.order = block->order;
	return list;
}

static uint64_t frames_of(const struct mmw_block *block)
{
	return block->order == MMW_ORDER_NONE ? 1 : 1ull << block->order;
}

static struct mmw_buddy_problem problem_of(const struct mmw_buddy *b, enum mmw_buddy_problem_kind kind,
					   const struct mmw_block *block, uint64_t pfn)
{
	return (struct mmw_buddy_problem){ .kind = kind, .list = list_of(block), .other = MMW_BUDDY_NO_LIST, .pfn = pfn,
					   .addr = mmw_memmap_page(&b->memmap, pfn) };
}

/* --- the struct pages of free blocks ------------------------------------------------------------------------------ */

/* What was found in a memory section. */
struct item {
	struct mmw_buddy_problem *problems;
	size_t n, cap;
	uint64_t more; /* beyond NOTES_MAX */
	size_t next;   /* of the blocks: the first that does not end before where we are */
	bool started;
};

static int note(struct item *it, const struct mmw_buddy_problem *p)
{
	int rc;

	if (it->n == NOTES_MAX) {
		it->more++;
		return 0;
	}
	rc = mmw_vec_reserve(&it->problems, &it->cap, it->n + 1, sizeof(*it->problems), NULL);
	if (!rc)
		it->problems[it->n++] = *p;
	return rc;
}

static int check_zone(const struct check *c, struct item *it, const struct mmw_block *block, uint64_t flags)
{
	const struct mmw_zone *z = &c->b->zones.zone[block->zone];
	struct mmw_buddy_problem p = problem_of(c->b, MMW_BUDDY_ZONE, block, block->pfn);

	if (mmw_page_place_is(&c->place, flags, z))
		return 0;
	p.found = (uint64_t)mmw_page_node(&c->place, flags) << 32 | mmw_page_zone(&c->place, flags);
	p.expected = (uint64_t)z->node << 32 | z->index;
	return note(it, &p);
}

static int check_page(const struct check *c, struct item *it, const struct mmw_block *block, uint64_t pfn,
		      const struct page_rec *rec)
{
	struct mmw_buddy_problem p = problem_of(c->b, MMW_BUDDY_REFCOUNT, block, pfn);
	int rc = 0;

	if (rec->refs) {
		p.found = (uint32_t)rec->refs;
		rc = note(it, &p);
	}
	if (!rc && pfn == block->pfn && block->listed && c->has_place)
		rc = check_zone(c, it, block, rec->flags);
	if (!rc && pfn != block->pfn && mmw_page_marked(&c->b->mark, (uint32_t)rec->type)) {
		p.kind = MMW_BUDDY_OVERLAP;
		p.found = block->pfn;
		rc = note(it, &p);
	}
	return rc;
}

/* The block that this frame lies in, or the next one; NULL behind the last one. Blocks inside others count as those. */
static const struct mmw_block *block_for(const struct check *c, struct item *it, uint64_t pfn)
{
	const struct mmw_buddy *b = c->b;

	if (!it->started) {
		it->next = mmw_buddy_find(b, pfn);
		it->started = true;
	}
	while (it->next < b->n_blocks && pfn - b->blocks[it->next].pfn >= frames_of(&b->blocks[it->next]) &&
	       pfn > b->blocks[it->next].pfn)
		it->next++;
	return it->next < b->n_blocks ? &b->blocks[it->next] : NULL;
}

static int64_t look_at_free(void *ctx, void *state, const struct mmw_page_run *run)
{
	const struct check *c = ctx;
	bool be = mmw_image_big_endian(mmw_kernel_image(c->k));

	for (uint64_t i = 0; i < run->n; i++) {
		const struct mmw_block *block = block_for(c, state, run->pfn + i);
		struct page_rec rec;

		if (!block)
			return INT64_MAX >> 8;
		if (block->pfn > run->pfn + i) {
			i = block->pfn - run->pfn;
			if (i >= run->n)
				return (int64_t)i;
		}
		if (!run->bytes)
			continue;
		mmw_shadow_take(&c->page, run->bytes + i * c->b->memmap.page_size, be, &rec);
		if (check_page(c, state, block, run->pfn + i, &rec))
			return -MMW_E_NOMEM;
	}
	return (int64_t)run->n;
}

static int gather_problems(void *ctx, void *state, struct mmw_err *err)
{
	const struct check *c = ctx;
	const struct item *it = state;

	(void)err;
	for (size_t i = 0; i < it->n; i++)
		mmw_buddy_problem_add(c->b, &it->problems[i]);
	c->b->more_problems += it->more;
	return 0;
}

static void drop_problems(void *state)
{
	free(((struct item *)state)->problems);
}

static int check_pages(struct check *c, unsigned threads, struct mmw_err *err)
{
	static const struct mmw_pass_ops ops = { sizeof(struct item), look_at_free, gather_problems, drop_problems };

	/* Without vmemmap the uppermost bits are the section's, and how many they are nothing tells. */
	c->has_place = !mmw_page_place_bind(c->k, &c->b->memmap, &c->place, NULL);
	if (!c->has_place)
		cannot(c->b, MMW_BUDDY_ZONE);
	if (mmw_shadow_bind(c->k, "page", page_fields, mmw_array_len(page_fields), &c->page, NULL) ||
	    c->page.last >= c->b->memmap.page_size) {
		cannot(c->b, MMW_BUDDY_REFCOUNT);
		cannot(c->b, MMW_BUDDY_ZONE);
		cannot(c->b, MMW_BUDDY_OVERLAP);
		return 0;
	}
	return mmw_pass(c->k, &c->b->memmap, threads, &ops, c, err);
}

/* --- a block and its pageblock, a block and its buddy ------------------------------------------------------------- */

/*
 * A list may have blocks of another type's pageblocks, which the fallback stole from them. But CMA and
 * isolated memory is accounted apart, and never mixes (mm/page_alloc.c, __free_one_page).
 */
static bool apart(const struct mmw_zones *z, int type)
{
	return type == z->isolate || type == z->cma;
}

static void check_type(const struct check *c, const struct mmw_block *block)
{
	struct mmw_buddy *b = c->b;
	struct mmw_buddy_problem p = problem_of(b, MMW_BUDDY_TYPE, block, block->pfn);
	int type;

	if (!block->listed)
		return;
	type = mmw_pageblock_type(&c->blocks, mmw_kernel_vm(c->k), &b->zones.zone[block->zone], block->pfn);
	if (type < 0 || type == block->type)
		return;
	if (!apart(&b->zones, type) && !apart(&b->zones, block->type))
		return;
	p.found = block->type;
	p.expected = (unsigned)type;
	mmw_buddy_problem_add(b, &p);
}

/*
 * Inside a pageblock, which is of one type, whoever frees a block joins it with its buddy if that is free
 * (__free_one_page, 5.10 to 7.2): two of them side by side are never left.
 */
static void check_merged(const struct check *c, const struct mmw_block *block, const struct mmw_block *next)
{
	struct mmw_buddy_problem p = problem_of(c->b, MMW_BUDDY_UNMERGED, block, block->pfn);

	if (!block->listed || !next->listed || !block->marked || !next->marked || block->zone != next->zone ||
	    block->order != next->order || block->order >= c->blocks.order || block->order + 1u >= c->b->zones.orders)
		return;
	if (block->said != block->order || next->said != next->order)
		return;
	if (next->pfn - block->pfn != frames_of(block) || !mmw_block_aligned(block->pfn, block->order + 1u))
		return;
	p.found = next->pfn;
	mmw_buddy_problem_add(c->b, &p);
}

static void check_blocks(const struct check *c)
{
	const struct mmw_buddy *b = c->b;

	for (size_t i = 0; i < b->n_blocks; i++) {
		if (c->blocks.counts)
			check_type(c, &b->blocks[i]);
		if (i + 1 < b->n_blocks)
			check_merged(c, &b->blocks[i], &b->blocks[i + 1]);
	}
}

/* --- the zones' other counters ------------------------------------------------------------------------------------ */

static uint64_t listed_pages(const struct mmw_buddy *b, size_t zone, int type, unsigned first_order)
{
	uint64_t pages = 0;

	for (unsigned order = first_order; order < b->zones.orders; order++)
		pages += *mmw_buddy_count(b, zone, order, (unsigned)type) << order;
	return pages;
}

static void compare(struct mmw_buddy *b, enum mmw_buddy_problem_kind kind, size_t zone, uint64_t found,
		    uint64_t expected)
{
	const struct mmw_buddy_problem p = { .kind = kind, .list = { (int)zone, -1, -1 }, .other = MMW_BUDDY_NO_LIST,
					     .addr = b->zones.zone[zone].va, .pfn = MMW_ABSENT, .found = found,
					     .expected = expected };

	if (found != expected)
		mmw_buddy_problem_add(b, &p);
}

/* A zone's counter with all CPUs' differences. False: not to be had; has_counter() says whether this version has it. */
static bool counter(const struct mmw_vmstat *v, const struct mmw_zone *zone, const char *name, uint64_t *out)
{
	const struct mmw_stats *s = &v->kind[MMW_STAT_ZONE];

	for (size_t row = 0; row < s->rows; row++) {
		if (v->zones[row].va != zone->va || !s->has_exact[row])
			continue;
		for (unsigned item = 0; item < s->n; item++) {
			*out = (uint64_t)s->exact[row * s->n + item];
			if (!strcmp(s->name[item], name))
				return true;
		}
	}
	return false;
}

static bool has_counter(const struct mmw_vmstat *v, const char *name)
{
	uint64_t sum;

	return mmw_stat_sum(v, MMW_STAT_ZONE, name, &sum);
}

/* NR_FREE_CMA_PAGES counts the blocks on CMA's lists (account_freepages, before that __mod_zone_freepage_state). */
static void check_cma(const struct check *c, const struct mmw_vmstat *v)
{
	struct mmw_buddy *b = c->b;
	uint64_t value;

	for (size_t zone = 0; zone < b->zones.n; zone++) {
		if (!counter(v, &b->zones.zone[zone], "nr_free_cma", &value))
			cannot(b, MMW_BUDDY_FREE_CMA);
		else
			compare(b, MMW_BUDDY_FREE_CMA, zone,
				b->zones.cma < 0 ? 0 : listed_pages(b, zone, b->zones.cma, 0), value);
	}
}

/* 7.2 has it, 6.12 has not: pages in blocks of a whole pageblock at least, but isolated ones (__add_to_free_list). */
static void check_whole(const struct check *c, const struct mmw_vmstat *v)
{
	struct mmw_buddy *b = c->b;
	uint64_t value;

	for (size_t zone = 0; has_counter(v, "nr_free_pages_blocks") && zone < b->zones.n; zone++) {
		uint64_t found = 0;

		for (int type = 0; type < (int)b->zones.types; type++)
			if (type != b->zones.isolate)
				found += listed_pages(b, zone, type, c->blocks.order);
		if (!counter(v, &b->zones.zone[zone], "nr_free_pages_blocks", &value))
			cannot(b, MMW_BUDDY_FREE_BLOCKS);
		else
			compare(b, MMW_BUDDY_FREE_BLOCKS, zone, found, value);
	}
}

/* From 6.12 (account_freepages). */
static void check_highatomic(const struct check *c, const struct mmw_vmstat *v)
{
	struct mmw_buddy *b = c->b;

	for (size_t zone = 0; b->zones.highatomic >= 0 && zone < b->zones.n; zone++)
		for (size_t row = 0; row < v->n_zones; row++)
			if (v->zones[row].va == b->zones.zone[zone].va && v->zones[row].free_highatomic != MMW_ABSENT)
				compare(b, MMW_BUDDY_FREE_HIGHATOMIC, zone,
					listed_pages(b, zone, b->zones.highatomic, 0), v->zones[row].free_highatomic);
}

static void check_counters(const struct check *c)
{
	struct mmw_vmstat v;

	if (mmw_vmstat_open(c->k, &c->b->zones, &v, NULL)) {
		cannot(c->b, MMW_BUDDY_FREE_CMA);
		cannot(c->b, MMW_BUDDY_FREE_BLOCKS);
		cannot(c->b, MMW_BUDDY_FREE_HIGHATOMIC);
		return;
	}
	check_cma(c, &v);
	check_whole(c, &v);
	check_highatomic(c, &v);
	mmw_vmstat_close(&v);
}

/* --- the pages CPUs keep ------------------------------------------------------------------------------------------ */

/* Such a page is no free block, and in none. */
static void check_pcp(const struct check *c)
{
	struct mmw_buddy *b = c->b;

	b->has_pcp = !mmw_pcp_open(c->k, &b->zones, &b->memmap, &b->pcp, NULL);
	if (!b->has_pcp)
		cannot(b, MMW_BUDDY_PCP_FREE);
	for (size_t i = 0; b->has_pcp && i < b->pcp.n_pages; i++) {
		const struct mmw_pcp_page *page = &b->pcp.pages[i];
		size_t at = mmw_buddy_find(b, page->pfn);
		const struct mmw_block *block = at < b->n_blocks ? &b->blocks[at] : NULL;
		struct mmw_buddy_problem p;

		if (!block || block->pfn >= page->pfn + (1ull << page->order))
			continue;
		p = problem_of(b, MMW_BUDDY_PCP_FREE, block, page->pfn);
		p.found = page->cpu;
		p.expected = block->pfn;
		mmw_buddy_problem_add(b, &p);
	}
}

int mmw_buddy_check_more(struct mmw_kernel *k, unsigned threads, struct mmw_buddy *b, struct mmw_err *err)
{
	struct check c = { .k = k, .b = b };
	int rc = mmw_pageblocks_open(k, &b->zones, &b->memmap, &c.blocks, NULL);

	if (rc)
		cannot(b, MMW_BUDDY_TYPE);
	for (size_t zone = 0; zone < b->zones.n; zone++)
		if (!b->zones.zone[zone].has_stat)
			cannot(b, MMW_BUDDY_NR_FREE_PAGES);
	rc = check_pages(&c, threads, err);
	if (!rc) {
		check_blocks(&c);
		check_counters(&c);
		check_pcp(&c);
	}
	mmw_pageblocks_close(&c.blocks);
	return rc;
}

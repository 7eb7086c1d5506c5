/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel with a page allocator (fixtures/recipes/mm-check.recipe) of which types, zones, lists and struct pages are
 * overwritten: its free lists are walked to an end, every problem has words, and allocations succeed or do not.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mm/alloc.h"
#include "lib/mm/buddy.h"
#include "lib/mm/extfrag.h"
#include "tests/fuzz/patched.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct patched machine = {
	.recipe = MMW_RECIPES "/mm-check.recipe",
	.windows = {
		{ 0x230000, 0x1000 },  /* BTF */
		{ 0x250000, 0x600 },   /* node_data and others */
		{ 0x251000, 0xb00 },   /* zones, zonelists */
		{ 0x300000, 0x10000 }, /* struct pages */
		{ 0x307000, 0x200 },
		{ 0x062000, 0x1100 },  /* mem_section, pageblocks */
		{ 0x060000, 0x600 },   /* per-CPU */
		{ 0x050000, 0x200 },   /* VMCOREINFO */
	},
};

/* Words for all of it; the blocks ascend, and those on lists are as many as were counted. */
static void look_at(const struct mmw_buddy *b)
{
	uint64_t listed = 0, counted = 0;
	char text[512];

	for (size_t i = 0; i < b->n_problems; i++) {
		mmw_buddy_problem_text(b, &b->problems[i], text, sizeof(text));
		if (!text[0] || !memchr(text, 0, sizeof(text)) || !mmw_buddy_problem_word(b->problems[i].kind))
			abort();
	}
	for (size_t i = 0; i < b->pcp.n_problems; i++)
		if (!mmw_buddy_pcp_word(b->pcp.problems[i].kind))
			abort();
	for (size_t i = 0; i < b->n_blocks; i++) {
		if (i && b->blocks[i - 1].pfn >= b->blocks[i].pfn)
			abort();
		listed += b->blocks[i].listed;
	}
	for (size_t i = 0; i < b->zones.n * b->zones.orders * b->zones.types; i++)
		counted += b->counts[i];
	if (listed != counted)
		abort();
	for (size_t i = 0; i < b->zones.n; i++)
		for (unsigned order = 0; order < b->zones.orders; order++) {
			(void)mmw_unusable_index(&b->zones, &b->zones.zone[i], order);
			(void)mmw_fragmentation_index(&b->zones, &b->zones.zone[i], order);
		}
}

typedef int open_lists(struct mmw_kernel *k, unsigned threads, struct mmw_buddy *out, struct mmw_err *err);

static void walk_lists(struct mmw_kernel *k, open_lists *open)
{
	struct mmw_err err = { 0 };
	struct mmw_buddy b;
	int rc = open(k, 1, &b, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	look_at(&b);
	mmw_buddy_close(&b);
}

static void allocate(struct mmw_kernel *k, unsigned order, const char *flags)
{
	struct mmw_err err = { 0 };
	struct mmw_alloc a;
	int rc = mmw_alloc_open(k, order, flags, -1, &a, &err);

	if (rc)
		exercise_error(rc, &err);
	else
		mmw_alloc_close(&a);
}

static void ask(struct mmw_kernel *k)
{
	walk_lists(k, mmw_buddy_open);
	walk_lists(k, mmw_buddy_check);
	allocate(k, 3, "GFP_KERNEL");
	allocate(k, 0, "GFP_HIGHUSER_MOVABLE|__GFP_MEMALLOC");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	patched_run(&machine, data, size, ask);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel with a page allocator (fixtures/recipes/mm.recipe) of which types, zones, lists and struct pages are
 * overwritten: its free lists are walked to an end, and every problem has words.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mm/buddy.h"
#include "tests/fuzz/patched.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct patched machine = {
	.recipe = MMW_RECIPES "/mm.recipe",
	.windows = {
		{ 0x230000, 0x800 },   /* BTF */
		{ 0x250000, 0x600 },   /* node_data and others */
		{ 0x251000, 0xa00 },   /* zones */
		{ 0x300000, 0x10000 }, /* struct pages */
		{ 0x307000, 0x200 },
		{ 0x062000, 0x100 },   /* mem_section */
		{ 0x060000, 0x300 },   /* per-CPU */
		{ 0x050000, 0x200 },   /* VMCOREINFO */
	},
};

static void walk_lists(struct mmw_kernel *k)
{
	struct mmw_err err = { 0 };
	struct mmw_buddy b;
	char text[512];
	int rc = mmw_buddy_open(k, 1, &b, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	for (size_t i = 0; i < b.n_problems; i++) {
		mmw_buddy_problem_text(&b, &b.problems[i], text, sizeof(text));
		if (!text[0] || !memchr(text, 0, sizeof(text)))
			abort();
	}
	mmw_buddy_close(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	patched_run(&machine, data, size, walk_lists);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two memory models (fixtures/recipes/memmap-sparse.recipe, memmap-nodes.recipe) whose types, sections, nodes and
 * struct pages are overwritten: whatever opens has runs without a gap, and a pass sees each frame of them once.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mm/memblock.h"
#include "lib/mm/pass.h"
#include "tests/fuzz/patched.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct patched machines[] = {
	{
		.recipe = MMW_RECIPES "/memmap-sparse.recipe",
		.windows = {
			{ 0x230000, 0x400 },  /* BTF */
			{ 0x250000, 0x60 },   /* variables */
			{ 0x250200, 0x180 },
			{ 0x250400, 0x80 },   /* roots */
			{ 0x060000, 0x80 },   /* sections */
			{ 0x061000, 0xa0 },   /* their usage */
			{ 0x050000, 0x100 },  /* VMCOREINFO */
			{ 0x300000, 0x100 },
		},
	},
	{
		.recipe = MMW_RECIPES "/memmap-nodes.recipe",
		.windows = {
			{ 0x230000, 0x200 },
			{ 0x250000, 0x20 },
			{ 0x250400, 0x20 },
			{ 0x250500, 0x20 },
			{ 0x250600, 0x20 },
			{ 0x250000, 0x60 },
			{ 0x300000, 0x100 },
			{ 0x320000, 0x100 },
		},
	},
};

struct range {
	uint64_t first, end;
};

static int64_t look(void *ctx, void *state, const struct mmw_page_run *run)
{
	const struct mmw_memmap *m = ctx;
	struct range *r = state;
	uint64_t sum = 0;

	if (!run->n || (run->bytes && run->state != MMW_FRAME_ONLINE))
		abort();
	r->first = r->end ? r->first : run->pfn;
	if (r->end && r->end != run->pfn)
		abort();
	for (uint64_t i = 0; run->bytes && i < run->n * m->page_size; i++)
		sum += run->bytes[i];
	r->end = run->pfn + run->n + (sum == UINT64_MAX);
	return (int64_t)run->n;
}

static int gather(void *ctx, void *state, struct mmw_err *err)
{
	const struct mmw_memmap *m = ctx;
	const struct range *r = state;

	(void)err;
	if (mmw_memmap_run(m, r->first)->pfn != r->first || mmw_memmap_run(m, r->end - 1)->pfn != r->first)
		abort();
	return 0;
}

static void check_runs(const struct mmw_memmap *m)
{
	uint64_t end = 0, pfn;

	for (size_t i = 0; i < m->n_runs; i++) {
		const struct mmw_mem_run *run = &m->runs[i];
		uint64_t page = mmw_memmap_page(m, run->pfn);

		if (run->pfn != end || !run->n || mmw_memmap_state(m, run->pfn) != run->state)
			abort();
		if (run->state != MMW_FRAME_NONE && mmw_memmap_pfn(m, page, &pfn) && mmw_memmap_page(m, pfn) != page)
			abort();
		end = run->pfn + run->n;
	}
	if (end != m->end)
		abort();
}

static void open_memmap(struct mmw_kernel *k)
{
	static const struct mmw_pass_ops ops = { sizeof(struct range), look, gather, NULL };
	static const char *const lists[] = { "memory", "reserved" };
	struct mmw_err err = { 0 };
	struct mmw_memblock list;
	struct mmw_memmap m;
	int rc = mmw_memmap_open(k, &m, &err);

	if (rc) {
		exercise_error(rc, &err);
	} else {
		check_runs(&m);
		rc = mmw_pass(k, &m, 1, &ops, &m, &err);
		if (rc)
			exercise_error(rc, &err);
	}
	mmw_memmap_close(&m);
	for (size_t i = 0; i < 2; i++) {
		rc = mmw_memblock_open(k, lists[i], &list, &err);
		if (rc)
			exercise_error(rc, &err);
		mmw_memblock_close(&list);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		patched_run(&machines[data[0] & 1], data + 1, size - 1, open_memmap);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with slab caches (fixtures/recipes/slub.recipe, slub-sheaves, slub-kfence, slab-arrays or slab-slob) of
 * which types, caches, nodes, struct pages and objects are overwritten: slabs ascend, their objects are as many as
 * their states, every problem has words.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/slab/check.h"
#include "tests/fuzz/patched.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What those of SLUB have at the same places, and the other two. */
#define WINDOWS { \
	{ 0x230000, 0x1800 },  /* BTF */ \
	{ 0x120000, 0x2200 },  /* caches, nodes, KFENCE */ \
	{ 0x304800, 0x1200 },  /* struct pages */ \
	{ 0x060800, 0x1100 },  /* per-CPU */ \
	{ 0x250000, 0x3900 },  /* variables, sheaves, barns */ \
	{ 0x130000, 0x6000 },  /* objects */ \
	{ 0x140000, 0x1000 },  \
	{ 0x062000, 0x0020 },  /* mem_section */ \
}

#define OTHER_WINDOWS { \
	{ 0x230000, 0x1800 },  /* BTF */ \
	{ 0x120000, 0x1a00 },  /* caches, nodes, their arrays */ \
	{ 0x304800, 0x1100 },  /* struct pages */ \
	{ 0x060800, 0x1100 },  /* per-CPU */ \
	{ 0x250000, 0x3000 },  /* variables */ \
	{ 0x130000, 0xb000 },  /* objects, and numbers of them */ \
	{ 0x158000, 0x1000 },  \
	{ 0x062000, 0x0020 },  /* mem_section */ \
}

static struct patched machines[] = {
	{ .recipe = MMW_RECIPES "/slub.recipe", .windows = WINDOWS },
	{ .recipe = MMW_RECIPES "/slub-sheaves.recipe", .windows = WINDOWS },
	{ .recipe = MMW_RECIPES "/slub-kfence.recipe", .windows = WINDOWS },
	{ .recipe = MMW_RECIPES "/slab-arrays.recipe", .windows = OTHER_WINDOWS },
	{ .recipe = MMW_RECIPES "/slab-slob.recipe", .windows = OTHER_WINDOWS },
};

struct watch {
	const struct mmw_slabs *s;
	uint64_t next, slabs;
};

static void look_at(const struct mmw_slabs *s, const struct mmw_slab *slab)
{
	uint64_t n = 0, offset;
	uint32_t index;

	for (int i = 0; i < MMW_OBJECT_STATES; i++)
		n += slab->n[i];
	if (n != slab->objects || slab->objects > MMW_SLAB_OBJECTS_MAX || slab->place >= MMW_SLAB_PLACES)
		abort();
	for (uint32_t i = 0; slab->state && i < slab->objects; i++) {
		uint64_t va = mmw_slab_object_va(slab, i);

		if (slab->state[i] >= MMW_OBJECT_STATES || !mmw_slab_object(slab, va, &index, &offset) || index != i ||
		    offset)
			abort();
		(void)mmw_slab_holder(s, va);
	}
}

static int see(void *ctx, const struct mmw_slab *slab, struct mmw_err *err)
{
	struct watch *w = ctx;

	(void)err;
	if (slab->pfn < w->next)
		abort();
	w->next = slab->pfn + 1;
	w->slabs++;
	look_at(w->s, slab);
	return 0;
}

/* Each of its slabs again, by itself. */
static void one_by_one(struct mmw_kernel *k, const struct mmw_slabs *s)
{
	static uint8_t states[MMW_SLAB_OBJECTS_MAX];
	struct mmw_err err = { 0 };
	struct mmw_slab slab;

	for (uint64_t pfn = 0x120; pfn < 0x162; pfn++) {
		int rc = mmw_slab_of(s, mmw_kernel_vm(k), pfn, &slab, states, NULL, &err);

		if (rc)
			exercise_error(rc, &err);
		else
			look_at(s, &slab);
	}
}

static void open_and_pass(struct mmw_kernel *k, enum mmw_slabs_depth depth)
{
	const struct mmw_slabs_opts opts = { .states = true, .threads = 1 };
	struct mmw_err err = { 0 };
	struct mmw_slabinfo info;
	struct mmw_slabs s;
	struct watch w = { .s = &s };
	int rc = mmw_slabs_open(k, depth, &s, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	for (size_t i = 0; i < s.caches.n; i++)
		mmw_slabs_info(&s, &s.caches.cache[i], &info);
	for (size_t i = 1; i < s.n_held; i++)
		if (s.held[i].object < s.held[i - 1].object)
			abort();
	rc = mmw_slabs_pass(&s, &opts, see, &w, &err);
	if (rc)
		exercise_error(rc, &err);
	one_by_one(k, &s);
	mmw_slabs_close(&s);
}

static void check(struct mmw_kernel *k)
{
	struct mmw_err err = { 0 };
	struct mmw_slab_check c;
	char text[512];
	int rc = mmw_slabs_check(k, 1, &c, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	for (size_t i = 0; i < c.slabs.problems.n; i++) {
		const struct mmw_slab_problem *p = &c.slabs.problems.problem[i];

		mmw_slab_problem_text(&c.slabs.caches, p, text, sizeof(text));
		if (!text[0] || !memchr(text, 0, sizeof(text)) || !mmw_slab_problem_name(p->kind))
			abort();
	}
	mmw_slab_check_close(&c);
}

static void ask(struct mmw_kernel *k)
{
	open_and_pass(k, MMW_SLABS_COUNTERS);
	open_and_pass(k, MMW_SLABS_OBJECTS);
	check(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		patched_run(&machines[data[0] % mmw_array_len(machines)], data + 1, size - 1, ask);
	return 0;
}

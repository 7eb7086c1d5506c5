/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels that note who has slab objects (fixtures/recipes/slub-traces.recipe, slub-sheaves-traces.recipe), of which
 * types, caches, objects and stacks are overwritten: traces are grouped, sorted and within their bounds. The first byte
 * says which kernel.
 */
#include <stdlib.h>

#include "lib/slab/trace.h"
#include "tests/fuzz/patched.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* BTF; slab_caches, jiffies; caches and nodes; objects; pools; two stacks; struct slabs. */
#define WINDOWS(objects) \
	{ { 0x230000, 0x1400 }, { 0x250300, 0x40 }, { 0x120000, 0x1200 }, { objects, 0x400 }, { 0x254000, 0x200 }, \
	  { 0x160100, 0x40 }, { 0x164000, 0x40 }, { 0x304800, 0x900 } }

static struct patched machines[] = {
	{ .recipe = MMW_RECIPES "/slub-traces.recipe", .windows = WINDOWS(0x140000) },
	{ .recipe = MMW_RECIPES "/slub-sheaves-traces.recipe", .windows = WINDOWS(0x138000) },
};

static void look_at(const struct mmw_traces *t)
{
	uint64_t objects = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct mmw_trace *l = &t->trace[i];

		if (i && (l[-1].cache > l->cache || (l[-1].cache == l->cache && l[-1].count < l->count)))
			abort();
		if (!l->count || l->n_frames > MMW_STACK_MAX || l->frames + l->n_frames > t->n_frames)
			abort();
		if (l->why && l->n_frames)
			abort();
		if (l->min_age > l->max_age || l->min_pid > l->max_pid || l->min_when > l->max_when)
			abort();
		if (l->cpus.n > MMW_TRACE_CPUS / 64 || !l->nodes.n)
			abort();
		objects += l->count;
	}
	/* 4 MiB of objects of a byte. */
	if (objects + t->more + t->unreadable > 4 << 20)
		abort();
}

static void group(struct mmw_slabs *s, const struct mmw_tracks *tracks, const struct mmw_traces_opts *opts)
{
	struct mmw_err err = { 0 };
	struct mmw_traces t;
	int rc = mmw_traces_open(s, tracks, opts, &t, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	look_at(&t);
	mmw_traces_close(&t);
}

static void ask(struct mmw_kernel *k)
{
	struct mmw_tracks tracks;
	struct mmw_err err = { 0 };
	struct mmw_slabs s;
	int rc = mmw_slabs_open(k, MMW_SLABS_OBJECTS, &s, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	rc = mmw_tracks_open(&s, &tracks, &err);
	if (rc) {
		exercise_error(rc, &err);
	} else {
		group(&s, &tracks, &(struct mmw_traces_opts){ .threads = 1 });
		group(&s, &tracks, &(struct mmw_traces_opts){ .kind = MMW_TRACK_FREE, .all = true, .threads = 1 });
		group(&s, &tracks, &(struct mmw_traces_opts){ .functions = true, .all = true, .threads = 1 });
	}
	mmw_slabs_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		patched_run(&machines[data[0] & 1], data + 1, size - 1, ask);
	return 0;
}

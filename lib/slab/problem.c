/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/problem.h"

#include "lib/base/vec.h"

void mmw_slab_problem_add(struct mmw_slab_problems *to, const struct mmw_slab_problem *p)
{
	if (!to)
		return;
	if (to->n >= MMW_SLAB_PROBLEMS_MAX || mmw_vec_reserve(&to->problem, &to->cap, to->n + 1, sizeof(*p), NULL))
		to->more++;
	else
		to->problem[to->n++] = *p;
}

const char *mmw_slab_problem_name(enum mmw_slab_problem_kind kind)
{
	static const char *const names[] = {
		[MMW_SLAB_BAD_CACHE] = "bad-cache", [MMW_SLAB_NODE_UNREADABLE] = "node-unreadable",
		[MMW_SLAB_CPU_UNREADABLE] = "cpu-unreadable", [MMW_SLAB_LIST_BROKEN] = "list-broken",
		[MMW_SLAB_LIST_COUNT] = "list-count", [MMW_SLAB_FOREIGN] = "foreign", [MMW_SLAB_OTHER_CACHE] = "other-cache",
		[MMW_SLAB_TWO_LISTS] = "two-lists", [MMW_SLAB_UNLISTED_CACHE] = "unlisted-cache",
		[MMW_SLAB_GEOMETRY] = "geometry", [MMW_SLAB_FREE_OUTSIDE] = "free-outside", [MMW_SLAB_FREE_LOOP] = "free-loop",
		[MMW_SLAB_FREE_UNREADABLE] = "free-unreadable", [MMW_SLAB_FREE_COUNT] = "free-count",
		[MMW_SLAB_HELD_FOREIGN] = "held-foreign", [MMW_SLAB_HELD_TWICE] = "held-twice",
		[MMW_SLAB_SHEAF_SIZE] = "sheaf-size", [MMW_SLAB_STRAY] = "stray", [MMW_SLAB_TOTAL_SLABS] = "total-slabs",
		[MMW_SLAB_TOTAL_OBJECTS] = "total-objects",
	};

	return names[kind];
}

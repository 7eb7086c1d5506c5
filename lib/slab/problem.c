/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/problem.h"

#include "lib/base/vec.h"

/* Whether this cache has had its share. */
static bool has_enough(const struct mmw_slab_problems *in, uint64_t cache)
{
	size_t n = 0;

	if (in->n < MMW_SLAB_PROBLEMS_CACHE)
		return false;
	for (size_t i = in->n; i-- && n < MMW_SLAB_PROBLEMS_CACHE; )
		n += in->problem[i].cache == cache;
	return n == MMW_SLAB_PROBLEMS_CACHE;
}

void mmw_slab_problem_add(struct mmw_slab_problems *to, const struct mmw_slab_problem *p)
{
	if (!to)
		return;
	if (to->n >= MMW_SLAB_PROBLEMS_MAX || has_enough(to, p->cache) ||
	    mmw_vec_reserve(&to->problem, &to->cap, to->n + 1, sizeof(*p), NULL))
		to->more++;
	else
		to->problem[to->n++] = *p;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/aliases.h"

static size_t first_at_least(const uint64_t *pas, size_t n, uint64_t pa)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pas[mid] < pa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int tell_leaf(const struct mmw_aliases *a, const struct mmw_ent *e)
{
	uint64_t span = e->last - e->va;
	int rc = 0;

	for (size_t i = first_at_least(a->pas, a->n, e->pa); !rc && i < a->n && a->pas[i] - e->pa <= span; i++) {
		struct mmw_ent one = *e;

		one.va += a->pas[i] - e->pa;
		one.pa = a->pas[i];
		rc = a->leaf(a->ctx, i, &one);
	}
	return rc;
}

/* The tables a record came through, but for those the one before came through as well. */
static int tell_tables(const struct mmw_aliases *a, const struct mmw_walk *w, const struct mmw_ent *e,
		       uint64_t known[MMW_LEVELS_MAX])
{
	const struct mmw_paging *pg = &w->space->paging;
	uint64_t page = 1ull << pg->page_shift;
	int rc = 0;

	for (unsigned level = e->level; !rc && level < pg->levels; level++) {
		uint64_t pa = w->at[level].pa, bytes = mmw_table_bytes(pg, level);

		if (pa == known[level])
			continue;
		known[level] = pa;
		pa &= ~(page - 1);
		for (size_t i = first_at_least(a->pas, a->n, pa);
		     !rc && i < a->n && a->pas[i] - pa < (bytes > page ? bytes : page); i++)
			rc = a->table(a->ctx, i, level);
	}
	return rc;
}

int mmw_aliases_find(const struct mmw_aliases *a, struct mmw_walk *walk, uint64_t va, uint64_t last,
		     struct mmw_err *err)
{
	uint64_t known[MMW_LEVELS_MAX];
	struct mmw_ent e;
	int rc;

	for (unsigned i = 0; i < MMW_LEVELS_MAX; i++)
		known[i] = UINT64_MAX;
	mmw_walk_seek(walk, va, last);
	while ((rc = mmw_walk_next(walk, &e, err)) == 1) {
		rc = 0;
		if (a->table && e.kind != MMW_ENT_OUTSIDE && (e.kind != MMW_ENT_LOST || e.pte_pa))
			rc = tell_tables(a, walk, &e, known);
		if (!rc && a->leaf && e.kind == MMW_ENT_LEAF)
			rc = tell_leaf(a, &e);
		if (rc)
			return rc;
	}
	return rc;
}

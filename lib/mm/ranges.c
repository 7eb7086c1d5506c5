/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/ranges.h"

#include <string.h>

void mmw_ranges_init(struct mmw_ranges *r, struct mmw_reader *reader, const struct mmw_space *space, uint64_t first,
		     uint64_t last, const struct mmw_range_filter *filter, bool entries)
{
	memset(r, 0, sizeof(*r));
	r->filter = filter;
	r->entries = entries;
	mmw_walk_init(&r->walk, reader, space, first, last);
}

static bool wanted(const struct mmw_ranges *r, const struct mmw_ent *e)
{
	const struct mmw_arch *arch = r->walk.space->arch;
	const struct mmw_range_filter *f = r->filter;
	const char *memtype;

	if (!f)
		return true;
	if (f->levels && !(f->levels >> e->level & 1))
		return false;
	if ((e->rights & f->rights) != f->rights || (e->rights & f->no_rights))
		return false;
	for (size_t i = 0; i < f->n_raw_needs; i++)
		if ((e->raw & f->raw_needs[i][0]) != f->raw_needs[i][1])
			return false;
	if (f->pkey && (!arch->pkey || arch->pkey(&r->walk.space->paging, e->raw) != f->pkey))
		return false;
	memtype = (f->memtype || f->no_memtype) && arch->memtype ? arch->memtype(&r->walk.space->paging, e->level, e->raw) : NULL;
	if (f->no_memtype && memtype && !strcmp(memtype, f->no_memtype))
		return false;
	return !f->memtype || (memtype && !strcmp(memtype, f->memtype));
}

/* The next record of interest from the walk: leaves that pass the filter, and all damage. */
static int next_wanted(struct mmw_ranges *r, struct mmw_ent *e, struct mmw_err *err)
{
	int rc;

	while ((rc = mmw_walk_next(&r->walk, e, err)) == 1) {
		/* A root that cannot be read is met once in each half it serves. */
		if (e->kind == MMW_ENT_LOST && (e->pte_pa || !r->root_lost))
			r->lost++;
		r->root_lost = r->root_lost || (e->kind == MMW_ENT_LOST && !e->pte_pa);
		r->bad += e->kind == MMW_ENT_BAD;
		if (e->kind == MMW_ENT_LOST || e->kind == MMW_ENT_BAD)
			return 1;
		if (e->kind != MMW_ENT_LEAF)
			continue;
		r->leaves[e->level]++;
		r->bytes[e->level] += e->last - e->va + 1;
		if (wanted(r, e))
			return 1;
	}
	return rc;
}

static bool joins(const struct mmw_ranges *r, const struct mmw_ent *a, const struct mmw_ent *b)
{
	const struct mmw_arch *arch = r->walk.space->arch;
	const struct mmw_paging *pg = &r->walk.space->paging;

	return a->kind == MMW_ENT_LEAF && b->kind == MMW_ENT_LEAF && a->level == b->level && a->rights == b->rights &&
	       a->hw == b->hw && a->last + 1 == b->va && a->pa + (b->va - a->va) == b->pa &&
	       arch->ptdump_prot(pg, a->level, a->raw) == arch->ptdump_prot(pg, b->level, b->raw);
}

int mmw_ranges_next(struct mmw_ranges *r, struct mmw_range *out, struct mmw_err *err)
{
	struct mmw_ent e;
	int rc;

	if (!r->pending_set) {
		rc = next_wanted(r, &r->pending, err);
		if (rc != 1)
			return rc;
	}
	out->ent = r->pending;
	out->leaves = 1;
	r->pending_set = false;
	while ((rc = next_wanted(r, &e, err)) == 1) {
		if (r->entries || !joins(r, &out->ent, &e)) {
			r->pending = e;
			r->pending_set = true;
			break;
		}
		out->ent.last = e.last;
		out->leaves++;
	}
	return rc < 0 ? rc : 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical to virtual: every address at which a set of page tables maps some physical addresses, and which tables of
 * the set lie there. One walk over all of the tables answers for all of them, so aliases are all found, not only the
 * linear map.
 */
#ifndef MMW_MM_ALIASES_H
#define MMW_MM_ALIASES_H

#include "lib/arch/walk.h"

struct mmw_aliases {
	const uint64_t *pas;  /* ascending */
	size_t n;
	/* pas[index] is mapped at ent->va, by this leaf. What is not 0 ends the search. May be NULL. */
	int (*leaf)(void *ctx, size_t index, const struct mmw_ent *ent);
	/*
	 * pas[index] lies in a table of this level, or begins a page that holds one. Told once for each entry that
	 * leads to the table, at least. May be NULL.
	 */
	int (*table)(void *ctx, size_t index, unsigned level);
	void *ctx;
};

/* Over [va, last] of the walk's space. 0, what a visit returned, or what the walk failed with. */
int mmw_aliases_find(const struct mmw_aliases *a, struct mmw_walk *walk, uint64_t va, uint64_t last,
		     struct mmw_err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped ranges: leaves that follow each other virtually and physically, on one level, with the same flags and the same
 * effective rights, joined to one record.
 */
#ifndef MMW_MM_RANGES_H
#define MMW_MM_RANGES_H

#include "lib/arch/walk.h"

struct mmw_range {
	struct mmw_ent ent;  /* the first leaf; ent.last is the range's. LOST and BAD records come through alone */
	uint64_t leaves;
};

/* Which records are wanted. All of it zero: every leaf. */
struct mmw_range_filter {
	uint32_t levels;                 /* bit per level; 0: all */
	uint8_t rights, no_rights;       /* effective rights that must, and must not be there */
	uint64_t (*raw_needs)[2];        /* pairs mask, value on the entry */
	size_t n_raw_needs;
	const char *memtype, *no_memtype;  /* as the architecture names it; NULL: any */
	unsigned pkey;                   /* protection key; 0: any */
};

struct mmw_ranges {
	struct mmw_walk walk;
	const struct mmw_range_filter *filter;
	bool entries;      /* one record a leaf */
	bool pending_set, root_lost;
	struct mmw_ent pending;
	uint64_t leaves[MMW_LEVELS_MAX], bytes[MMW_LEVELS_MAX];  /* seen so far, before the filter */
	uint64_t lost, bad;
};

void mmw_ranges_init(struct mmw_ranges *r, struct mmw_reader *reader, const struct mmw_space *space, uint64_t first,
		     uint64_t last, const struct mmw_range_filter *filter, bool entries);

/* 1 and a record, 0 at the end, or what the walk failed with. */
int mmw_ranges_next(struct mmw_ranges *r, struct mmw_range *out, struct mmw_err *err);

#endif

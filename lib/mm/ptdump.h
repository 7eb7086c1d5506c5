/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of page tables as the kernel's own debugfs listing groups it (mm/ptdump.c and each architecture's note_page):
 * neighbours of one level, one set of flags and one set of effective rights are one line; a line also ends where the
 * next entry reaches a marker.
 */
#ifndef MMW_MM_PTDUMP_H
#define MMW_MM_PTDUMP_H

#include "lib/arch/walk.h"

struct mmw_ptdump_line {
	enum { MMW_PTDUMP_RANGE, MMW_PTDUMP_MARKER, MMW_PTDUMP_SKIPPED, MMW_PTDUMP_LOST } kind;
	uint64_t start, end;  /* RANGE, LOST: end is the first address behind, so 0 at the very end */
	unsigned level;
	uint64_t pa;          /* RANGE: of the first page, where it maps any */
	uint64_t prot;        /* RANGE: the entry's flags, 0 for a hole */
	const char *name;     /* MARKER */
	unsigned long count;  /* SKIPPED: lines left out below the marker */
	enum mmw_code why;    /* LOST: why the table for this range cannot be read */
	uint64_t table;       /* LOST: the table */
};

/*
 * List [first, last] of `space`, clipped to the spans of the layout. `emit` returns 0 to go on. Ends with 0, or with
 * what emit or the walk returned.
 */
int mmw_ptdump(struct mmw_reader *reader, const struct mmw_space *space, const struct mmw_layout *layout, uint64_t first,
	       uint64_t last, int (*emit)(void *ctx, const struct mmw_ptdump_line *line), void *ctx, struct mmw_err *err);

#endif

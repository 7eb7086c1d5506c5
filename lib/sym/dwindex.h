/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the name of a type to the unit and DIE that define it, without reading all of .debug_info.
 *
 * A kernel's .debug_info has some 200 MB in 3000 units, and the types that matter are defined again in many of them. So
 * nothing is indexed up front. The name is looked up in the strings, .debug_info is searched from its start for a
 * reference to it that an abbreviation of a type explains, and the unit it lies in is checked and kept. The first
 * definition in the file's order is the answer, whatever was asked before.
 */
#ifndef MMW_SYM_DWINDEX_H
#define MMW_SYM_DWINDEX_H

#include "lib/sym/debugfile.h"
#include "lib/sym/dwunit.h"

struct mmw_dwindex;

/* A unit that is kept until the index is closed. */
struct mmw_dwloaded {
	uint64_t off;        /* in .debug_info */
	uint32_t number;     /* for mmw_dwindex_unit() */
	struct mmw_dwunit unit;
	uint8_t *str_offsets;   /* what the unit has of .debug_str_offsets, with its header of 8 bytes; NULL without */
	uint64_t str_offsets_len;
	void *user;          /* for who asks; NULL at first */
};

struct mmw_dwhit {
	struct mmw_dwloaded *unit;
	uint32_t die;        /* from the unit's start */
};

/* Reads .debug_abbrev and the strings. `f` is borrowed. MMW_E_NODATA without DWARF. */
int mmw_dwindex_open(struct mmw_debugfile *f, struct mmw_dwindex **out, struct mmw_err *err);
void mmw_dwindex_close(struct mmw_dwindex *ix, void (*free_user)(void *user));

const struct mmw_dwsects *mmw_dwindex_sects(const struct mmw_dwindex *ix);

/* The unit of this number, or NULL. */
struct mmw_dwloaded *mmw_dwindex_unit(const struct mmw_dwindex *ix, uint64_t number);

/*
 * The definition of a name. `tags` (to a 0, borrowed for the life of the index) are the kinds it may have, the first
 * preferred over the others where a unit has several, and over those of later units where the unit declares it.
 * MMW_E_NOTYPE when no unit has one; what a damaged unit says when that is the reason.
 */
int mmw_dwindex_find(struct mmw_dwindex *ix, const char *name, const uint16_t *tags, struct mmw_dwhit *out,
		     struct mmw_err *err);

#endif

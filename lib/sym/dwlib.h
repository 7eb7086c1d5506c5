/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One DIE, as libdwarf reads it.
 *
 * libdwarf (20210528 in Debian 12) is not made for hostile input: it has read past the ends of sections and freed
 * twice. It therefore never sees the file, only one unit at a time, as an object of a handful of sections in memory:
 * the unit, its table of abbreviations and the strings, after mmw_dwunit_check() found that every DIE, form and name in
 * it lies inside and every DW_AT_sibling leads to a DIE. What is left to libdwarf is to interpret values. References
 * are followed by us, and only to where a DIE starts. A child process with limits would do as well against damage, but
 * not at this speed: opening one unit takes a millisecond, and nothing has to be started, waited for or killed.
 */
#ifndef MMW_SYM_DWLIB_H
#define MMW_SYM_DWLIB_H

#include "lib/sym/dwindex.h"

/* The attributes that types have; has_x where 0 would mean something else. */
struct mmw_dwdie {
	struct mmw_dwloaded *unit;
	uint32_t off;            /* from the unit's start */
	uint16_t tag;
	bool declaration, has_size, has_type, has_count, has_bits, has_bit_offset, has_data_bit;
	const char *name;        /* "" without; lives as long as the index */
	uint32_t type;           /* DW_AT_type, the offset of a DIE of the unit */
	uint64_t size;           /* DW_AT_byte_size */
	uint64_t count;          /* DW_AT_count, or DW_AT_upper_bound + 1 */
	uint64_t location;       /* DW_AT_data_member_location, in bytes */
	uint64_t bits, data_bit; /* DW_AT_bit_size, DW_AT_data_bit_offset */
	int64_t bit_offset;      /* DW_AT_bit_offset */
	uint64_t encoding;       /* DW_AT_encoding */
	int64_t value;           /* DW_AT_const_value */
};

/* The children of a DIE, one after the other. */
struct mmw_dwiter {
	struct mmw_dwloaded *unit;
	void *die;               /* libdwarf's, of the last child given; NULL at the ends */
	uint32_t parent;
	bool begun;
};

/* For mmw_dwindex_close(). */
void mmw_dwlib_free(void *user);

/* MMW_E_CORRUPT when no DIE starts there, or a value makes no sense to libdwarf. */
int mmw_dwdie_read(const struct mmw_dwsects *s, struct mmw_dwloaded *unit, uint32_t off, struct mmw_dwdie *out,
		   struct mmw_err *err);

/* 1 and a child, or 0 after the last. mmw_dwiter_fini() whenever that is enough. */
int mmw_dwiter_next(const struct mmw_dwsects *s, struct mmw_dwiter *it, struct mmw_dwdie *out, struct mmw_err *err);
void mmw_dwiter_fini(struct mmw_dwiter *it);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One compilation unit of .debug_info, checked: what lib/sym/dwarf.c lets libdwarf see, and the names of its types.
 *
 * DWARF versions 2 to 5, in its 32-bit format, which is the only one that compilers write for Linux. A unit is
 *   header   its length, version, where its abbreviations are, sizes of addresses; version 5 has a unit type
 *   DIEs     a tree in preorder: ULEB128 number of an abbreviation, then the values of its attributes; number 0 ends
 *            the children of one
 * and an abbreviation (.debug_abbrev) is number, tag, whether it has children, and pairs of attribute and form to 0, 0.
 */
#ifndef MMW_SYM_DWUNIT_H
#define MMW_SYM_DWUNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum {
	MMW_DWHEAD_MAX = 24,        /* bytes that a header takes at most */
	MMW_DWUNIT_MAX = 1 << 28,   /* larger units are not read */
};

struct mmw_dwdata {
	const uint8_t *bytes;
	uint64_t len;
};

/* What units refer to. Of the strings the last byte is NUL, or there are none. */
struct mmw_dwsects {
	struct mmw_dwdata abbrev, str, line_str;
	bool big_endian;
};

struct mmw_dwhead {
	uint64_t len;               /* of the whole unit */
	uint64_t abbrev_off;
	uint16_t version;
	uint8_t head_len, addr_size, abbrev_at;  /* where in the header abbrev_off is */
	bool is_compile;            /* neither a type unit nor a part of one that was split */
};

/* From up to MMW_DWHEAD_MAX bytes at the start of a unit, fewer only at the end of the section. */
int mmw_dwhead_parse(const uint8_t *p, size_t len, bool big_endian, struct mmw_dwhead *out, struct mmw_err *err);

struct mmw_dwattr {
	uint16_t at, form;
};

struct mmw_dwabbrev {
	uint32_t first, n;          /* its attributes, in mmw_dwabbrevs.attrs */
	uint16_t tag;               /* 0: there is none of this number */
	uint16_t name_form;         /* of DW_AT_name; 0: it has no name */
	int32_t name_at;            /* bytes of the attributes before DW_AT_name, -1 when that depends */
	uint64_t at;                /* where in the table its attributes begin */
	bool children, declaration;
};

struct mmw_dwabbrevs {
	struct mmw_dwabbrev *by_code;
	size_t n, cap;              /* numbers from 0 to n - 1 */
	struct mmw_dwattr *attrs;
	size_t n_attrs, cap_attrs;
	uint64_t len;               /* bytes of the table */
};

int mmw_dwabbrevs_read(const struct mmw_dwsects *s, const struct mmw_dwhead *h, struct mmw_dwabbrevs *out,
		       struct mmw_err *err);
void mmw_dwabbrevs_free(struct mmw_dwabbrevs *a);

/* A type or an enumerator. */
struct mmw_dwname {
	const char *name;           /* in the unit or in the strings */
	uint32_t hash, die;         /* offset from the start of the unit */
	uint16_t tag;
	bool declaration;
	bool local;                 /* to a function */
};

struct mmw_dwunit {
	struct mmw_dwhead head;
	uint8_t *bytes;
	uint8_t *abbrevs;           /* a copy of its table, for libdwarf: see mmw_dwunit_check() */
	uint64_t abbrevs_len;
	uint8_t *starts;            /* a bit for each byte of the unit: a DIE starts there */
	struct mmw_dwname *names;
	size_t n, cap;
	const uint8_t *str_offsets; /* the unit's own, from str_base on; borrowed */
	uint64_t str_base, str_offsets_len;
	bool has_str_base;
	uint32_t str_base_at;       /* where in the unit str_base is */
};

/* The value of DW_AT_str_offsets_base, if the unit has it, into u->str_base. Looks at the first DIE only. */
int mmw_dwunit_str_base(struct mmw_dwunit *u, const struct mmw_dwsects *s, const struct mmw_dwabbrevs *a,
			struct mmw_err *err);

/*
 * Check every DIE of u->bytes (u->head.len long) and collect the names of types. When that succeeds:
 *   - the abbreviations are well formed and have no number twice; every DIE's is among them;
 *   - every value of every attribute ends inside the unit and every name inside its strings;
 *   - DW_AT_sibling leads forward, to the start of a DIE;
 *   - the tree ends inside the unit, with all its levels.
 * Other references are for whoever follows them to check, with mmw_dwunit_is_die().
 *
 * In u->abbrevs the attributes of the first DIE have no meaning, except DW_AT_str_offsets_base: libdwarf follows some
 * of them when it opens a unit, to sections that are not there.
 */
int mmw_dwunit_check(struct mmw_dwunit *u, const struct mmw_dwsects *s, const struct mmw_dwabbrevs *a,
		     struct mmw_err *err);
void mmw_dwunit_free(struct mmw_dwunit *u);

static inline bool mmw_dwunit_is_die(const struct mmw_dwunit *u, uint64_t off)
{
	return off < u->head.len && (u->starts[off / 8] >> off % 8 & 1);
}

/* The first name of this tag, with a definition or without, those of a function's own last; NULL when there is none. */
const struct mmw_dwname *mmw_dwunit_find(const struct mmw_dwunit *u, const char *name, uint16_t tag, bool declaration);

/* Bytes that a ULEB128 takes at its shortest. */
static inline unsigned mmw_uleb_len(uint64_t v)
{
	unsigned n = 1;

	while (v >>= 7)
		n++;
	return n;
}

#endif

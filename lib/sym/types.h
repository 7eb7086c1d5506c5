/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source of types can answer: where a member lies, how large a type is, what an enumerator is worth.
 *
 * Sources are asked by name, in the order of a chain; every answer names its source. lib/sym/btf.c is one, DWARF and
 * VMCOREINFO's OFFSET/SIZE lines are others.
 */
#ifndef MMW_SYM_TYPES_H
#define MMW_SYM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* One member, or one element of it where the path ends in [i]. Offsets are from the start of the outermost struct. */
struct mmw_member {
	uint64_t offset;     /* bytes; of a bit field, of the storage unit that bit_offset counts in */
	uint64_t size;       /* bytes of the whole member */
	uint64_t count;      /* elements, when it is an array (of all dimensions); else 0 */
	uint64_t elem_size;  /* bytes of one element; without an array, size */
	uint8_t bit_offset;  /* from the least significant bit of the unit (little endian) */
	uint8_t bit_size;    /* 0: no bit field */
	bool is_pointer;
	bool is_signed;      /* an integer or enumeration that is signed */
};

struct mmw_typesrc {
	const char *name;  /* "BTF" */
	void *src;
	/* "zone", "free_area[2].free_list"; a name of a struct, union or typedef. MMW_E_NOTYPE when it has none. */
	int (*member)(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err);
	int (*size)(void *src, const char *type, uint64_t *out, struct mmw_err *err);
	int (*enumerator)(void *src, const char *type, const char *name, int64_t *out, struct mmw_err *err);
	size_t (*count)(const void *src);  /* of types; NULL where that takes long to say */
};

#endif

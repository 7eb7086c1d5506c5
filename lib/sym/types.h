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

/* One type as C has it, for who prints it. An id is a source's own; 0 is void. */
enum mmw_type_kind {
	MMW_TYPE_VOID, MMW_TYPE_INT, MMW_TYPE_FLOAT, MMW_TYPE_POINTER, MMW_TYPE_ARRAY, MMW_TYPE_STRUCT, MMW_TYPE_UNION,
	MMW_TYPE_ENUM, MMW_TYPE_TYPEDEF, MMW_TYPE_CONST, MMW_TYPE_VOLATILE, MMW_TYPE_RESTRICT, MMW_TYPE_FUNCTION,
	MMW_TYPE_OTHER,
};

struct mmw_type {
	enum mmw_type_kind kind;
	const char *name;   /* "" without; lives as long as the source */
	uint64_t size;      /* bytes, of what is neither array nor function nor another name of a type */
	uint64_t target;    /* what a pointer points to, an array or typedef is made of, a function returns */
	uint64_t count;     /* of an array, its outermost dimension; 0: it may have any length */
	bool is_signed;     /* integers and enumerations */
	bool declared;      /* struct, union: nothing but the name is known */
};

/* A member, an enumerator (value), or a parameter of a function (type 0: as many as one likes). */
struct mmw_type_part {
	const char *name;
	uint64_t type;
	uint64_t bit;       /* from the struct's start, as the target counts */
	uint32_t bits;      /* 0: no bit field */
	int64_t value;
};

/* What is not 0 ends the visit, and is returned. */
typedef int mmw_type_visit(void *ctx, const struct mmw_type_part *part);

struct mmw_typesrc {
	const char *name;  /* "BTF" */
	void *src;
	/* "zone", "free_area[2].free_list"; a name of a struct, union or typedef. MMW_E_NOTYPE when it has none. */
	int (*member)(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err);
	int (*size)(void *src, const char *type, uint64_t *out, struct mmw_err *err);
	int (*enumerator)(void *src, const char *type, const char *name, int64_t *out, struct mmw_err *err);
	size_t (*count)(const void *src);  /* of types; NULL where that takes long to say */

	/* The graph; NULL where a source knows only some members. Ids and names are checked, not that there is an end. */
	int (*find)(void *src, const char *name, uint64_t *id, struct mmw_err *err);
	int (*describe)(void *src, uint64_t id, struct mmw_type *out, struct mmw_err *err);
	int (*parts)(void *src, uint64_t id, mmw_type_visit *visit, void *ctx, struct mmw_err *err);
};

/* For the sources: one step of a path, "[index]" or a member's name. */
struct mmw_path_step {
	const char *name;  /* borrowed from the path, `len` long; NULL: an index */
	size_t len;
	uint64_t index;
};

/* The step at *at, which begins as path and moves on: 1, 0 at the end, or MMW_E_ARG. */
int mmw_path_next(const char *path, const char **at, struct mmw_path_step *out, struct mmw_err *err);

/*
 * For the sources: a bit field in the fewest bytes that hold it and lie inside its struct of `size` bytes; the unit of
 * its type may do neither when the struct is packed. `bit` counts as the target does, in big endian from the most
 * significant one. Sets offset (from the struct), size, bit_offset and bit_size. MMW_E_CORRUPT when it is not inside,
 * MMW_E_UNSUPPORTED when no word holds it.
 */
int mmw_member_place_bits(uint64_t bit, uint64_t bits, uint64_t size, bool big_endian, struct mmw_member *out,
			  struct mmw_err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shadow structs: beside the code that uses a kernel structure stands a local struct with just the members it needs,
 * all uint64_t, and a list that binds each to the member's name in this kernel. Names that changed are alternatives,
 * newest first: "managed_pages.counter|managed_pages". Members come out widened, in host order, signed ones extended.
 */
#ifndef MMW_KERNEL_SHADOW_H
#define MMW_KERNEL_SHADOW_H

#include "lib/kernel/kernel.h"

struct mmw_field {
	const char *paths;   /* "new|old" */
	uint16_t at;         /* offset in the local struct */
	bool optional;       /* absent in some kernels: reads as MMW_ABSENT */
};

#define MMW_ABSENT UINT64_MAX
#define MMW_FIELD(record, member, paths)     { paths, offsetof(struct record, member), false }
#define MMW_FIELD_OPT(record, member, paths) { paths, offsetof(struct record, member), true }

enum { MMW_FIELDS_MAX = 32, MMW_SHADOW_MAX = 16384 };

/* A list of fields bound to this kernel's type. */
struct mmw_shadow {
	const char *type;
	const struct mmw_field *fields;
	size_t n;
	uint64_t size;        /* of the whole type */
	uint64_t first, last; /* the bytes of it that hold the fields */
	struct {
		uint32_t offset;
		uint8_t size, bit_offset, bit_size;
		bool present, is_signed;
	} bound[MMW_FIELDS_MAX];
};

/* MMW_E_NOTYPE names the member that this kernel lacks. */
int mmw_shadow_bind(struct mmw_kernel *k, const char *type, const struct mmw_field *fields, size_t n,
		    struct mmw_shadow *out, struct mmw_err *err);

/* Fill the local struct `record` from the structure at va. */
int mmw_shadow_read(const struct mmw_shadow *s, struct mmw_vm *vm, uint64_t va, void *record, struct mmw_err *err);

/* The same from bytes already read: `bytes` is where the structure starts, and [first, last] of it is there. */
void mmw_shadow_take(const struct mmw_shadow *s, const uint8_t *bytes, bool big_endian, void *record);

/* The first of "a|b" that the type has. */
int mmw_kernel_member_any(struct mmw_kernel *k, const char *type, const char *paths, struct mmw_member *out,
			  struct mmw_err *err);

#endif

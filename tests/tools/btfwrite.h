/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing BTF (include/uapi/linux/btf.h), type by type. */
#ifndef MMW_TESTS_BTFWRITE_H
#define MMW_TESTS_BTFWRITE_H

#include "tests/tools/blob.h"

enum { BTF_TYPES_MAX = 256 };

struct btf_spec {
	bool big_endian;
	struct blob types, strings;
	uint32_t n;  /* types so far; the next one has number n + 1 */
	struct {
		char name[32];
		uint32_t id;
	} named[BTF_TYPES_MAX];
	size_t n_named;
};

void btf_spec_init(struct btf_spec *s, bool big_endian);
void btf_spec_fini(struct btf_spec *s);

void btf_int(struct btf_spec *s, const char *name, unsigned size, bool is_signed);

/* Number of the type that `spelling` means: a name, name* for a pointer to it, name[N] for an array. 0: unknown. */
uint32_t btf_type(struct btf_spec *s, const char *spelling);

/* A struct of so many members, which follow at once: from which bit on, and how many if it is a bit field (else 0). */
void btf_struct(struct btf_spec *s, const char *name, uint64_t size, unsigned members, bool bit_fields);
void btf_member(struct btf_spec *s, const char *name, uint32_t type, uint64_t bit, unsigned bits);

/* An enumeration of so many values, which follow at once. */
void btf_enum(struct btf_spec *s, const char *name, unsigned values);
void btf_value(struct btf_spec *s, const char *name, int32_t value);

/* The whole blob, its strings filled up with zeros to `size` bytes (0: as long as it is). */
void btf_build(const struct btf_spec *s, size_t size, struct blob *out);

#endif

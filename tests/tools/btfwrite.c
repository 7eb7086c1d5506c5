/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/btfwrite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KIND_INT = 1, KIND_PTR = 2, KIND_ARRAY = 3, KIND_STRUCT = 4, KIND_ENUM = 6, KIND_FLAG = 0x80,
	INT_SIGNED = 1 << 24, HEADER = 24,
};

void btf_spec_init(struct btf_spec *s, bool big_endian)
{
	memset(s, 0, sizeof(*s));
	s->big_endian = big_endian;
	blob_u8(&s->strings, 0);
}

void btf_spec_fini(struct btf_spec *s)
{
	blob_fini(&s->types);
	blob_fini(&s->strings);
}

static void word(struct btf_spec *s, uint32_t v)
{
	blob_uint(&s->types, v, 4, s->big_endian);
}

static uint32_t string(struct btf_spec *s, const char *text)
{
	return *text ? (uint32_t)blob_add(&s->strings, text, strlen(text) + 1) : 0;
}

static uint32_t begin(struct btf_spec *s, const char *name, unsigned kind, unsigned vlen, uint32_t size)
{
	word(s, string(s, name));
	word(s, kind << 24 | vlen);
	word(s, size);
	s->n++;
	if (*name) {
		if (s->n_named == BTF_TYPES_MAX || strlen(name) >= sizeof(s->named[0].name))
			die("BTF: no room for a type called %s", name);
		strcpy(s->named[s->n_named].name, name);
		s->named[s->n_named++].id = s->n;
	}
	return s->n;
}

void btf_int(struct btf_spec *s, const char *name, unsigned size, bool is_signed)
{
	begin(s, name, KIND_INT, 0, size);
	word(s, (is_signed ? INT_SIGNED : 0) | 8 * size);
}

static uint32_t named_type(const struct btf_spec *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n_named; i++)
		if (strlen(s->named[i].name) == len && !strncmp(s->named[i].name, name, len))
			return s->named[i].id;
	return 0;
}

uint32_t btf_type(struct btf_spec *s, const char *spelling)
{
	size_t len = strcspn(spelling, "*[");
	uint32_t id = len ? named_type(s, spelling, len) : 0;

	for (const char *at = spelling + len; id && *at; ) {
		uint32_t of = id;

		if (*at == '*') {
			id = begin(s, "", KIND_PTR, 0, of);
			at++;
		} else {
			char *end;
			unsigned long n = strtoul(at + 1, &end, 10);

			if (*at != '[' || *end != ']')
				return 0;
			id = begin(s, "", KIND_ARRAY, 0, 0);
			word(s, of);
			word(s, 1);
			word(s, (uint32_t)n);
			at = end + 1;
		}
	}
	return id;
}

void btf_struct(struct btf_spec *s, const char *name, uint64_t size, unsigned members, bool bit_fields)
{
	begin(s, name, KIND_STRUCT | (bit_fields ? KIND_FLAG : 0), members, (uint32_t)size);
}

void btf_member(struct btf_spec *s, const char *name, uint32_t type, uint64_t bit, unsigned bits)
{
	word(s, string(s, name));
	word(s, type);
	word(s, bits << 24 | (uint32_t)bit);
}

void btf_enum(struct btf_spec *s, const char *name, unsigned values)
{
	begin(s, name, KIND_ENUM, values, 4);
}

void btf_value(struct btf_spec *s, const char *name, int32_t value)
{
	word(s, string(s, name));
	word(s, (uint32_t)value);
}

void btf_build(const struct btf_spec *s, size_t size, struct blob *out)
{
	size_t least = HEADER + s->types.len + s->strings.len, fill = size > least ? size - least : 0;
	bool be = s->big_endian;

	if (size && size < least)
		die("BTF takes %zu bytes, not %zu", least, size);
	blob_uint(out, 0xeb9f, 2, be);
	blob_u8(out, 1);
	blob_u8(out, 0);
	blob_uint(out, HEADER, 4, be);
	blob_uint(out, 0, 4, be);
	blob_uint(out, s->types.len, 4, be);
	blob_uint(out, s->types.len, 4, be);
	blob_uint(out, s->strings.len + fill, 4, be);
	blob_add(out, s->types.bytes, s->types.len);
	blob_add(out, s->strings.bytes, s->strings.len);
	blob_add(out, NULL, fill);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/sym/btf.c against BTF that a small builder writes, in both byte orders. The trailing comments in model() show the
 * C that each type stands for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/sym/btf.h"

/* The numbers of include/uapi/linux/btf.h. */
enum {
	INT = 1, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR,
	DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64
};

enum {
	KFLAG = 1u << 7,         /* or-ed to a kind */
	SIGNED = 1u << 24,       /* or-ed to the bits of an integer */
	VOID_ID = 0,
};

struct builder {
	bool be;
	uint32_t hdr_len, ids;
	size_t types_len, strs_len;
	uint8_t types[1 << 20];
	char strs[1 << 16];
	uint32_t str_first;  /* strings of the base, whose offsets come first */
};

static struct builder *begin(bool be)
{
	struct builder *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->be = be;
	b->hdr_len = 24;
	b->strs_len = 1;
	return b;
}

static void store32(uint8_t *p, uint32_t v, bool be)
{
	int i;

	for (i = 0; i < 4; i++)
		p[be ? 3 - i : i] = v >> i * 8;
}

static void put(struct builder *b, uint32_t v)
{
	assert_true(b->types_len + 4 <= sizeof(b->types));
	store32(b->types + b->types_len, v, b->be);
	b->types_len += 4;
}

static uint32_t string(struct builder *b, const char *s)
{
	size_t len = strlen(s) + 1, at = b->strs_len;

	if (!*s)
		return 0;
	assert_true(at + len <= sizeof(b->strs));
	memcpy(b->strs + at, s, len);
	b->strs_len += len;
	return b->str_first + at;
}

static uint32_t type(struct builder *b, unsigned kind, const char *name, uint32_t vlen, uint32_t size)
{
	put(b, string(b, name));
	put(b, (kind & KFLAG ? 1u << 31 : 0) | (kind & ~KFLAG) << 24 | vlen);
	put(b, size);
	return ++b->ids;
}

static uint32_t integer(struct builder *b, const char *name, uint32_t size, uint32_t enc)
{
	uint32_t id = type(b, INT, name, 0, size);

	put(b, enc);
	return id;
}

static uint32_t array(struct builder *b, uint32_t elem, uint32_t count)
{
	uint32_t id = type(b, ARRAY, "", 0, 0);

	put(b, elem);
	put(b, 1);
	put(b, count);
	return id;
}

static void member(struct builder *b, const char *name, uint32_t id, uint32_t bit)
{
	put(b, string(b, name));
	put(b, id);
	put(b, bit);
}

static uint32_t bitfield(uint32_t bits, uint32_t bit)
{
	return bits << 24 | bit;
}

static void value(struct builder *b, const char *name, uint64_t v, bool wide)
{
	put(b, string(b, name));
	put(b, v);
	if (wide)
		put(b, v >> 32);
}

/* The finished bytes, from malloc. The builder stays usable. */
static uint8_t *bytes_of(const struct builder *b, size_t *len)
{
	uint8_t *p;

	*len = b->hdr_len + b->types_len + b->strs_len;
	p = calloc(1, *len);
	assert_non_null(p);
	p[b->be ? 1 : 0] = 0x9f;
	p[b->be ? 0 : 1] = 0xeb;
	p[2] = 1;
	store32(p + 4, b->hdr_len, b->be);
	store32(p + 12, b->types_len, b->be);
	store32(p + 16, b->types_len, b->be);
	store32(p + 20, b->strs_len, b->be);
	memcpy(p + b->hdr_len, b->types, b->types_len);
	memcpy(p + b->hdr_len + b->types_len, b->strs, b->strs_len);
	return p;
}

/* Open, or free the bytes and return the code. */
static int try_open(const struct builder *b, unsigned word, struct mmw_btf **out)
{
	struct mmw_err err;
	size_t len;
	uint8_t *p = bytes_of(b, &len);
	int rc = mmw_btf_open(p, len, b->be, word, out, &err);

	if (rc)
		free(p);
	return rc;
}

static struct mmw_btf *opened(struct builder *b, unsigned word)
{
	struct mmw_btf *btf;

	assert_int_equal(try_open(b, word, &btf), 0);
	assert_int_equal(mmw_btf_types(btf), b->ids);
	free(b);
	return btf;
}

/* Bit fields as Linux has them since 4.19, and a constant of each sign. */
static void model_bits(struct builder *b, uint32_t uint4, uint32_t *counters, uint32_t *colour)
{
	*counters = type(b, STRUCT | KFLAG, "counters", 4, 8);
	member(b, "inuse", uint4, bitfield(16, 0));
	member(b, "objects", uint4, bitfield(15, 16));
	member(b, "frozen", uint4, bitfield(1, 31));
	member(b, "plain", uint4, bitfield(0, 32));
	*colour = type(b, ENUM | KFLAG, "colour", 2, 4);
	value(b, "RED", 5, false);
	value(b, "NONE", (uint32_t)-1, false);
}

/* The kinds that lookups pass by, and enumerations. */
static void model_rest(struct builder *b, uint32_t i32)
{
	uint32_t proto;

	type(b, FWD, "elsewhere", 0, 0);
	proto = type(b, FUNC_PROTO, "", 2, i32);
	put(b, string(b, "argument"));
	put(b, i32);
	put(b, 0);
	put(b, VOID_ID);
	type(b, FUNC, "function", 1, proto);
	type(b, VAR, "variable", 0, i32);
	put(b, 1);
	type(b, DATASEC, ".data", 1, 4);
	put(b, b->ids - 1);
	put(b, 0);
	put(b, 4);
	type(b, FLOAT, "double", 0, 8);
	type(b, DECL_TAG, "tag", 0, i32);
	put(b, -1);
	type(b, ENUM, "shade", 0, 4);                      /* enum shade; must not hide the definition */
	type(b, ENUM, "shade", 1, 4);
	value(b, "DARK", 0xfffffffe, false);
	type(b, TYPEDEF, "shade_t", 0, b->ids);
	type(b, ENUM, "", 1, 4);
	value(b, "NAMELESS", 77, false);
	type(b, ENUM64 | KFLAG, "wide", 2, 8);
	value(b, "LEAST", INT64_MIN, true);
	value(b, "LARGE", 0x123456789a, true);
}

/* What the lookups below are made in, with the C that it stands for. */
static struct builder *model(bool be)
{
	struct builder *b = begin(be);
	uint32_t i32 = integer(b, "int", 4, 32 | SIGNED), u64 = integer(b, "unsigned long", 8, 64);
	uint32_t u32 = integer(b, "unsigned int", 4, 32), ptr = type(b, PTR, "", 0, VOID_ID);
	uint32_t list, area, inner, outer, counters, colour, row, seven, members[9], i;

	list = type(b, STRUCT, "list_head", 2, 16);        /* struct list_head { void *next, *prev; }; */
	member(b, "next", ptr, 0);
	member(b, "prev", ptr, 64);
	members[0] = array(b, list, 6);
	area = type(b, STRUCT, "free_area", 2, 104);       /* { struct list_head free_list[6]; u64 nr_free; } */
	member(b, "free_list", members[0], 0);
	member(b, "nr_free", u64, 96 * 8);
	inner = type(b, STRUCT, "", 2, 16);
	member(b, "x", i32, 0);
	member(b, "deep", u64, 64);
	outer = type(b, UNION, "", 2, 16);                 /* union { struct { int x; u64 deep; }; u64 whole; }; */
	member(b, "", inner, 0);
	member(b, "whole", u64, 0);
	model_bits(b, u32, &counters, &colour);
	row = type(b, TYPEDEF, "row_t", 0, array(b, u32, 4));
	seven = integer(b, "", 4, 7 | 2 << 16);            /* the bit fields of before 4.19 */
	members[0] = array(b, type(b, CONST, "", 0, type(b, VOLATILE, "", 0, area)), 11);
	members[1] = outer;
	members[2] = counters;                             /* struct counters; -fms-extensions */
	members[3] = type(b, TYPEDEF, "ulong_t", 0, type(b, TYPE_TAG, "tag", 0, type(b, RESTRICT, "", 0, u64)));
	members[4] = array(b, array(b, row, 3), 2);        /* row_t m[2][3] */
	members[5] = array(b, ptr, 8);
	members[6] = colour;
	members[7] = seven;
	members[8] = array(b, list, 0);                    /* struct list_head flex[] */
	type(b, STRUCT, "zone", 9, 1344);
	for (i = 0; i < 9; i++) {
		static const char *const names[9] = { "areas", "", "", "alias", "m", "ptrs", "hue", "seven", "flex" };
		static const uint32_t at[9] = { 0, 1144, 1160, 1168, 1176, 1272, 1336, 1340, 1344 };

		member(b, names[i], members[i], at[i] * 8);
	}
	type(b, TYPEDEF, "zone_t", 0, b->ids);
	type(b, TYPEDEF, "list_head", 0, i32);             /* must not hide the struct */
	model_rest(b, i32);
	return b;
}

struct expect {
	const char *type, *path;
	int rc;
	uint64_t offset, size, count, elem_size;
	unsigned bit_le, bit_be, bits;
	bool is_pointer, is_signed;
};

static void expect_members(struct mmw_btf *btf, bool be, const struct expect *e, size_t n)
{
	for (; n--; e++) {
		struct mmw_member m = { 0 };
		struct mmw_err err = { 0 };
		int rc = mmw_btf_member(btf, e->type, e->path, &m, &err);

		if (rc != e->rc || m.offset != e->offset || m.size != e->size || m.count != e->count ||
		    m.elem_size != e->elem_size || m.bit_offset != (be ? e->bit_be : e->bit_le) ||
		    m.bit_size != e->bits || m.is_pointer != e->is_pointer || m.is_signed != e->is_signed)
			fail_msg("%s.%s: %d %s, offset %d size %d count %d of %d, bits %u+%u", e->type, e->path, rc,
				 err.msg, (int)m.offset, (int)m.size, (int)m.count, (int)m.elem_size, m.bit_offset,
				 m.bit_size);
		assert_int_equal(mmw_btf_member(btf, e->type, e->path, &m, NULL), rc);
	}
}

static const struct expect model_members[] = {
	{ "list_head", "prev", 0, 8, 8, 0, 8, .is_pointer = true },
	{ "free_area", "free_list", 0, 0, 96, 6, 16 },
	{ "free_area", "free_list[5]", 0, 80, 16, 0, 16 },
	{ "free_area", "free_list[5].prev", 0, 88, 8, 0, 8, .is_pointer = true },
	{ "free_area", "free_list[6]", -MMW_E_NOTYPE },
	{ "zone", "areas", 0, 0, 1144, 11, 104 },
	{ "zone", "areas[2].free_list", 0, 208, 96, 6, 16 },
	{ "zone", "areas[10].nr_free", 0, 1136, 8, 0, 8 },
	{ "zone_t", "areas[10].nr_free", 0, 1136, 8, 0, 8 },
	{ "zone", "areas[11].nr_free", -MMW_E_NOTYPE },
	{ "zone", "areas[99999999999999999999]", -MMW_E_NOTYPE },
	{ "zone", "areas.nr_free", -MMW_E_NOTYPE },
	{ "zone", "x", 0, 1144, 4, 0, 4, .is_signed = true },
	{ "zone", "deep", 0, 1152, 8, 0, 8 },
	{ "zone", "whole", 0, 1144, 8, 0, 8 },
	{ "zone", "whole[0]", -MMW_E_NOTYPE },
	{ "zone", "whole.deep", -MMW_E_NOTYPE },
	{ "zone", "inuse", 0, 1160, 2, 0, 2, 0, 0, 16 },
	{ "zone", "objects", 0, 1162, 2, 0, 2, 0, 1, 15 },
	{ "zone", "frozen", 0, 1163, 1, 0, 1, 7, 0, 1 },
	{ "zone", "plain", 0, 1164, 4, 0, 4 },
	{ "zone", "counters", -MMW_E_NOTYPE },
	{ "zone", "alias", 0, 1168, 8, 0, 8 },
	{ "zone", "m", 0, 1176, 96, 24, 4 },
	{ "zone", "m[1]", 0, 1224, 48, 12, 4 },
	{ "zone", "m[1][2]", 0, 1256, 16, 4, 4 },
	{ "zone", "m[1][2][3]", 0, 1268, 4, 0, 4 },
	{ "zone", "m[1][3]", -MMW_E_NOTYPE },
	{ "zone", "m[1][2][3][0]", -MMW_E_NOTYPE },
	{ "row_t", "[3]", 0, 12, 4, 0, 4 },
	{ "zone", "ptrs", 0, 1272, 64, 8, 8, .is_pointer = true },
	{ "zone", "ptrs[7]", 0, 1328, 8, 0, 8, .is_pointer = true },
	{ "zone", "ptrs[7].next", -MMW_E_NOTYPE },
	{ "zone", "hue", 0, 1336, 4, 0, 4, .is_signed = true },
	{ "zone", "seven", 0, 1340, 2, 0, 2, 2, 7, 7 },
	{ "zone", "flex", 0, 1344, 0, 0, 16 },
	{ "zone", "flex[3].prev", 0, 1400, 8, 0, 8, .is_pointer = true },
	{ "zone", "area", -MMW_E_NOTYPE },
	{ "zone", "areass", -MMW_E_NOTYPE },
	{ "zon", "areas", -MMW_E_NOTYPE },
	{ "int", "x", -MMW_E_NOTYPE },
	{ "zone", "", -MMW_E_ARG },
	{ "zone", ".areas", -MMW_E_ARG },
	{ "zone", "areas.", -MMW_E_ARG },
	{ "zone", "areas[2]nr_free", -MMW_E_ARG },
	{ "zone", "areas[2", -MMW_E_ARG },
	{ "zone", "areas[]", -MMW_E_ARG },
	{ "zone", "areas[-1]", -MMW_E_ARG },
	{ "zone", "areas[ 1]", -MMW_E_ARG },
	{ "zone", "areas]", -MMW_E_ARG },
	{ "zone", "areas[2]..nr_free", -MMW_E_ARG },
};

static void test_members(void **state)
{
	int be;

	(void)state;
	for (be = 0; be < 2; be++) {
		struct mmw_btf *btf = opened(model(be), 8);

		expect_members(btf, be, model_members, mmw_array_len(model_members));
		mmw_btf_close(btf);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		const char *type;
		int rc;
		uint64_t size;
	} sizes[] = {
		{ "zone", 0, 1344 }, { "zone_t", 0, 1344 }, { "list_head", 0, 16 }, { "row_t", 0, 16 }, { "int", 0, 4 },
		{ "unsigned long", 0, 8 }, { "colour", 0, 4 }, { "wide", 0, 8 }, { "elsewhere", -MMW_E_NOTYPE },
		{ "function", -MMW_E_NOTYPE }, { "", -MMW_E_NOTYPE }, { "argument", -MMW_E_NOTYPE },
	};
	struct mmw_btf *btf = opened(model(false), 8);
	struct mmw_err err;
	size_t i;

	(void)state;
	for (i = 0; i < mmw_array_len(sizes); i++) {
		uint64_t size = 0;

		assert_int_equal(mmw_btf_type_size(btf, sizes[i].type, &size, &err), sizes[i].rc);
		assert_int_equal(size, sizes[i].size);
	}
	mmw_btf_close(btf);
}

static void test_enumerators(void **state)
{
	static const struct {
		const char *type, *name;
		int rc;
		int64_t value;
	} cases[] = {
		{ "colour", "RED", 0, 5 }, { "colour", "NONE", 0, -1 }, { "shade", "DARK", 0, 0xfffffffe },
		{ "shade_t", "DARK", 0, 0xfffffffe }, { "wide", "LEAST", 0, INT64_MIN },
		{ "wide", "LARGE", 0, 0x123456789a }, { NULL, "NAMELESS", 0, 77 }, { "", "NAMELESS", 0, 77 },
		{ NULL, "LARGE", 0, 0x123456789a }, { "colour", "DARK", -MMW_E_NOTYPE }, { "zone", "x", -MMW_E_NOTYPE },
		{ "zone_t", "x", -MMW_E_NOTYPE }, { "none", "RED", -MMW_E_NOTYPE }, { NULL, "none", -MMW_E_NOTYPE },
	};
	int be;
	size_t i;

	(void)state;
	for (be = 0; be < 2; be++) {
		struct mmw_btf *btf = opened(model(be), 8);
		const char *name;
		int64_t v;

		for (i = 0; i < mmw_array_len(cases); i++) {
			v = 0;
			assert_int_equal(mmw_btf_enumerator(btf, cases[i].type, cases[i].name, &v, NULL), cases[i].rc);
			assert_true(v == cases[i].value);
		}
		assert_int_equal(mmw_btf_enumerator_at(btf, "colour", 1, &name, &v), 1);
		assert_string_equal(name, "NONE");
		assert_int_equal(v, -1);
		assert_int_equal(mmw_btf_enumerator_at(btf, "colour", 2, &name, &v), 0);
		assert_int_equal(mmw_btf_enumerator_at(btf, "zone", 0, &name, &v), 0);
		mmw_btf_close(btf);
	}
}

/* Before Linux 6.0 values were __s32 and nothing said so. */
static void test_enumerators_without_signs(void **state)
{
	struct builder *b = begin(false);
	struct mmw_btf *btf;
	int64_t v;

	(void)state;
	type(b, ENUM, "old", 1, 4);
	value(b, "NONE", (uint32_t)-1, false);
	btf = opened(b, 8);
	assert_int_equal(mmw_btf_enumerator(btf, "old", "NONE", &v, NULL), 0);
	assert_int_equal(v, -1);
	mmw_btf_close(btf);
}

/* Read what a bit field holds from bytes in memory, as a caller of mmw_btf_member() does. */
static uint64_t bits_in(struct mmw_btf *btf, const char *path, const uint8_t *mem, bool be)
{
	struct mmw_member m;

	assert_int_equal(mmw_btf_member(btf, "s", path, &m, NULL), 0);
	return mmw_get_word(mem + m.offset, m.size, be) >> m.bit_offset & ((1ull << m.bit_size) - 1);
}

/*
 * struct { unsigned a : 16, b : 15, c : 1, d : 30, e : 12, f : 3; } packed, with a = 0x1234, b = 0x2005, c = 1,
 * d = 0x2aaaaaaa, e = 0xabc, f = 5: the ABIs fill from the least significant bit, or in big endian from the most.
 */
static void test_bit_field_values(void **state)
{
	static const uint8_t mem[2][10] = {
		{ 0x34, 0x12, 0x05, 0xa0, 0xaa, 0xaa, 0xaa, 0x2a, 0xaf, 0x16 },
		{ 0x12, 0x34, 0x40, 0x0b, 0xaa, 0xaa, 0xaa, 0xaa, 0xaf, 0x28 },
	};
	static const uint64_t values[6] = { 0x1234, 0x2005, 1, 0x2aaaaaaa, 0xabc, 5 };
	int be, i;

	(void)state;
	for (be = 0; be < 2; be++) {
		struct builder *b = begin(be);
		uint32_t u32 = integer(b, "unsigned int", 4, 32);
		static const uint32_t bits[6] = { 16, 15, 1, 30, 12, 3 };
		uint32_t at = 0;
		struct mmw_btf *btf;

		type(b, STRUCT | KFLAG, "s", 6, 10);
		for (i = 0; i < 6; i++) {
			member(b, (char[]){ 'a' + i, 0 }, u32, bitfield(bits[i], at));
			at += bits[i];
		}
		btf = opened(b, 8);
		for (i = 0; i < 6; i++)
			assert_int_equal(bits_in(btf, (char[]){ 'a' + i, 0 }, mem[be], be), values[i]);
		mmw_btf_close(btf);
	}
}

/* Bit fields that end short of their unit: the word read must stay inside the struct. */
static void test_bit_fields_packed(void **state)
{
	static const struct expect cases[] = {
		{ "three", "a", 0, 0, 2, 0, 2, 1, 3, 12 },
		{ "three", "b", 0, 1, 2, 0, 2, 7, 0, 9 },
		{ "three", "long", -MMW_E_UNSUPPORTED },
		{ "nine", "whole", -MMW_E_UNSUPPORTED },
		{ "nine", "most", 0, 0, 8, 0, 8, 7, 0, 57 },
		{ "sixteen", "whole", -MMW_E_UNSUPPORTED },
		{ "sixteen", "tint", 0, 15, 1, 0, 1, 1, 4, 3, .is_signed = true },
	};
	int be;

	(void)state;
	for (be = 0; be < 2; be++) {
		struct builder *b = begin(be);
		uint32_t u32 = integer(b, "u32", 4, 32), u64 = integer(b, "u64", 8, 64), colour;
		struct mmw_btf *btf;

		type(b, STRUCT | KFLAG, "three", 3, 3);
		member(b, "a", u32, bitfield(12, 1));
		member(b, "b", u32, bitfield(9, 15));
		member(b, "long", u32, bitfield(20, 4));
		type(b, STRUCT | KFLAG, "nine", 2, 9);
		member(b, "whole", u64, bitfield(64, 7));
		member(b, "most", u64, bitfield(57, 7));
		colour = type(b, ENUM | KFLAG, "colour", 0, 4);
		type(b, STRUCT | KFLAG, "sixteen", 2, 16);
		member(b, "whole", u64, bitfield(64, 7));
		member(b, "tint", colour, bitfield(3, 121));
		btf = opened(b, 8);
		expect_members(btf, be, cases, mmw_array_len(cases));
		mmw_btf_close(btf);
	}
}

/* Pointers of a 32-bit target; a header with the layout fields of 7.x; more members than 16 bits count. */
static void test_word_header_wide(void **state)
{
	struct builder *b = begin(true);
	uint32_t ptr = type(b, PTR, "", 0, VOID_ID), other = string(b, "other"), last = string(b, "last"), i;
	struct mmw_member m;
	struct mmw_btf *btf;

	(void)state;
	b->hdr_len = 32;
	type(b, STRUCT, "many", 70000, 70000 * 4);
	for (i = 0; i < 70000; i++) {
		put(b, i == 69999 ? last : other);
		put(b, ptr);
		put(b, i * 32);
	}
	btf = opened(b, 4);
	assert_int_equal(mmw_btf_member(btf, "many", "last", &m, NULL), 0);
	assert_int_equal(m.offset, 69999 * 4);
	assert_int_equal(m.size, 4);
	mmw_btf_close(btf);
}

static void test_header(void **state)
{
	static const struct {
		unsigned at;
		uint32_t value;
	} bad[] = {
		{ 0, 0xeb9e | 1 << 16 }, { 0, 0xeb9f }, { 0, 0xeb9f | 2 << 16 }, { 0, 0xeb9f | 1 << 16 | 1 << 24 },
		{ 4, 0 }, { 4, 23 }, { 4, UINT32_MAX }, { 8, 1 }, { 8, UINT32_MAX }, { 12, UINT32_MAX },
		{ 12, 0x1000000 }, { 16, 0 }, { 16, UINT32_MAX }, { 20, 0 }, { 20, UINT32_MAX },
	};
	struct builder *b = model(false);
	struct mmw_btf *btf;
	uint64_t total = 0;
	uint8_t *p;
	size_t len, i;

	(void)state;
	for (i = 0; i < mmw_array_len(bad); i++) {
		p = bytes_of(b, &len);
		store32(p + bad[i].at, bad[i].value, false);
		assert_int_equal(mmw_btf_open(p, len, false, 8, &btf, NULL), -MMW_E_CORRUPT);
		free(p);
	}
	p = bytes_of(b, &len);
	assert_int_equal(mmw_btf_size(p, 24, false, &total, NULL), 0);
	assert_int_equal(total, len);
	assert_int_equal(mmw_btf_size(p, 23, false, &total, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_btf_size(p, 24, true, &total, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_btf_open(p, len, false, 5, &btf, NULL), -MMW_E_ARG);
	store32(p + 4, 23, false);
	assert_int_equal(mmw_btf_size(p, 24, false, &total, NULL), -MMW_E_CORRUPT);
	store32(p + 4, 24, false);
	store32(p + 16, b->types_len - 1, false);  /* the strings would begin in the types */
	assert_int_equal(mmw_btf_size(p, 24, false, &total, NULL), -MMW_E_CORRUPT);
	store32(p + 16, b->types_len, false);
	store32(p + 20, UINT32_MAX, false);
	assert_int_equal(mmw_btf_size(p, 24, false, &total, NULL), 0);
	assert_true(total == 24ull + b->types_len + UINT32_MAX);
	free(p);
	free(b);
}

/* Types and strings that are not there: each must be refused at open. */
static void test_dangling(void **state)
{
	static const struct {
		unsigned kind;
		uint32_t vlen, name, third, trailer[3];
	} bad[] = {
		{ INT, 0, 1000, 4, { 32 } }, { PTR, 0, 0, 9 }, { TYPEDEF, 0, 0, 2 }, { CONST, 0, 0, 2 },
		{ FUNC, 0, 0, 2 }, { FWD, 0, UINT32_MAX, 0 }, { ARRAY, 0, 0, 0, { 2, 1, 1 } },
		{ ARRAY, 0, 0, 0, { 1, 2, 1 } },
		{ STRUCT, 1, 0, 4, { 1000, 1, 0 } }, { STRUCT, 1, 0, 4, { 0, 2, 0 } },
		{ UNION, 1, 0, 4, { 0, UINT32_MAX } }, { ENUM, 1, 0, 4, { 1000, 0 } },
		{ ENUM64, 1, 0, 8, { 1000, 0 } }, { FUNC_PROTO, 0, 0, 2 },
		{ FUNC_PROTO, 1, 0, 0, { 1000, 0 } }, { FUNC_PROTO, 1, 0, 0, { 0, 2 } }, { VAR, 0, 0, 2, { 0 } },
		{ DATASEC, 1, 0, 4, { 2, 0, 0 } }, { DECL_TAG, 0, 0, 2 }, { TYPE_TAG, 0, 0, 2 },
		/* No such kind, and more elements than there are bytes. */
		{ 0, 0, 0, 0 }, { 20, 0, 0, 0 }, { 32 + PTR, 0, 0, 0 }, { 127, 0, 0, 0 }, { STRUCT, 2, 0, 4 },
		{ STRUCT, 0xffffff, 0, 4 }, { ENUM, 3, 0, 4 }, { FUNC_PROTO, 0xffff, 0, 0 },
	};
	static const uint8_t words[20] = { [INT] = 1, [ARRAY] = 3, [STRUCT] = 3, [UNION] = 3, [ENUM] = 2,
					   [FUNC_PROTO] = 2, [VAR] = 1, [DATASEC] = 3, [DECL_TAG] = 1, [ENUM64] = 3 };
	size_t i, j;

	(void)state;
	for (i = 0; i < mmw_array_len(bad); i++) {
		struct builder *b = begin(i & 1);
		struct mmw_btf *btf;

		put(b, bad[i].name);
		put(b, bad[i].kind << 24 | bad[i].vlen);
		put(b, bad[i].third);
		for (j = 0; bad[i].kind < 20 && j < words[bad[i].kind]; j++)
			put(b, bad[i].trailer[j]);
		if (try_open(b, 8, &btf) != -MMW_E_CORRUPT)
			fail_msg("case %d was taken", (int)i);
		free(b);
	}
}

static void test_strings_unterminated(void **state)
{
	struct builder *b = model(false);
	struct mmw_btf *btf;

	(void)state;
	b->strs_len--;
	assert_int_equal(try_open(b, 8, &btf), -MMW_E_CORRUPT);
	b->strs_len++;
	b->strs[0] = 'x';
	assert_int_equal(try_open(b, 8, &btf), -MMW_E_CORRUPT);
	b->strs_len = 0;
	assert_int_equal(try_open(b, 8, &btf), -MMW_E_CORRUPT);
	free(b);
}

/* Types that refer to themselves or say nonsense. */
static struct builder *nonsense(void)
{
	struct builder *b = begin(false);
	uint32_t i32 = integer(b, "int", 4, 32), turning, small, arrays[4], i;

	turning = type(b, TYPEDEF, "turning", 0, b->ids + 1);
	arrays[0] = array(b, b->ids + 1, 1);
	arrays[1] = array(b, b->ids + 1, 0);
	arrays[2] = array(b, array(b, i32, UINT32_MAX), UINT32_MAX);
	arrays[3] = array(b, array(b, array(b, i32, 4), 1u << 31), 1u << 31);
	type(b, STRUCT, "arrays", 4, 64);
	for (i = 0; i < 4; i++)
		member(b, (const char *[]){ "self", "empty", "huge", "wraps" }[i], arrays[i], 0);
	type(b, TYPEDEF, "vast", 0, array(b, i32, 0x40000000));
	small = type(b, STRUCT, "small", 6, 4);
	member(b, "beyond", i32, 32);
	member(b, "over", i32, UINT32_MAX - 7);
	member(b, "odd", i32, 4);
	member(b, "nothing", VOID_ID, 0);
	member(b, "turns", turning, 0);
	member(b, "fits", i32, 0);
	type(b, STRUCT, "nest", 1, 4);
	member(b, "", b->ids, 0);
	type(b, STRUCT, "far", 1, 8);
	member(b, "", small, 40);
	type(b, STRUCT, "tilted", 1, 8);
	member(b, "", small, 4);
	type(b, STRUCT | KFLAG, "bits", 3, 4);
	member(b, "many", i32, bitfield(33, 0));
	member(b, "beyond", i32, bitfield(2, 31));
	member(b, "strange", small, bitfield(2, 0));
	type(b, STRUCT | KFLAG, "bits8", 1, 8);
	member(b, "many", i32, bitfield(33, 0));
	return b;
}

/* Such types open, and are a finding only when asked for. */
static void test_nonsense(void **state)
{
	static const struct {
		const char *type, *path;
		int rc;
	} cases[] = {
		{ "turning", NULL, -MMW_E_CORRUPT }, { "turning", "a", -MMW_E_CORRUPT },
		{ "arrays", "self", -MMW_E_CORRUPT }, { "arrays", "self[0][0][0]", -MMW_E_CORRUPT },
		{ "arrays", "empty", -MMW_E_CORRUPT }, { "arrays", "huge", -MMW_E_CORRUPT },
		{ "arrays", "wraps", -MMW_E_CORRUPT }, { "vast", NULL, -MMW_E_CORRUPT },
		{ "small", "beyond", -MMW_E_CORRUPT }, { "small", "over", -MMW_E_CORRUPT },
		{ "small", "odd", -MMW_E_CORRUPT }, { "small", "nothing", -MMW_E_NOTYPE },
		{ "small", "turns", -MMW_E_CORRUPT }, { "small", "fits", 0 }, { "nest", "a", -MMW_E_CORRUPT },
		{ "far", "fits", -MMW_E_CORRUPT }, { "tilted", "fits", -MMW_E_CORRUPT },
		{ "bits", "many", -MMW_E_CORRUPT }, { "bits", "beyond", -MMW_E_CORRUPT },
		{ "bits", "strange", -MMW_E_CORRUPT }, { "bits8", "many", -MMW_E_CORRUPT },
	};
	struct mmw_btf *btf = opened(nonsense(), 8);
	struct mmw_member m;
	uint64_t size;
	size_t i;

	(void)state;
	for (i = 0; i < mmw_array_len(cases); i++) {
		int rc = cases[i].path ? mmw_btf_member(btf, cases[i].type, cases[i].path, &m, NULL) :
			 mmw_btf_type_size(btf, cases[i].type, &size, NULL);

		if (rc != cases[i].rc)
			fail_msg("%s.%s: %d", cases[i].type, cases[i].path ? cases[i].path : "", rc);
	}
	assert_int_equal(mmw_btf_enumerator_at(btf, "turning", 0, &(const char *){ NULL }, &(int64_t){ 0 }), 0);
	mmw_btf_close(btf);
}

/* 24 structs of 24 unnamed members each, one inside the other, look like 24^24 members. */
static void test_nesting_explodes(void **state)
{
	struct builder *b = begin(false);
	struct mmw_member m;
	struct mmw_btf *btf;
	uint32_t i, j;

	(void)state;
	type(b, STRUCT, "", 0, 4);
	for (i = 0; i < 24; i++) {
		type(b, STRUCT, i == 23 ? "outer" : "", 24, 4);
		for (j = 0; j < 24; j++)
			member(b, "", i + 1, 0);
	}
	btf = opened(b, 8);
	assert_int_equal(mmw_btf_member(btf, "outer", "a", &m, NULL), -MMW_E_CORRUPT);
	mmw_btf_close(btf);
}

/* Ask everything of a blob that may be broken; only the sanitizers judge. */
static void ask_all(struct mmw_btf *btf)
{
	struct mmw_member m;
	struct mmw_err err;
	const char *name;
	uint64_t size;
	int64_t v;
	size_t i;

	for (i = 0; i < mmw_array_len(model_members); i++) {
		mmw_btf_member(btf, model_members[i].type, model_members[i].path, &m, &err);
		mmw_btf_type_size(btf, model_members[i].type, &size, &err);
	}
	mmw_btf_enumerator(btf, NULL, "no such", &v, &err);
	for (i = 0; mmw_btf_enumerator_at(btf, "colour", i, &name, &v); i++)
		assert_true(strlen(name) < sizeof(((struct builder *)0)->strs));
}

static void test_truncated(void **state)
{
	struct builder *b = model(true);
	struct mmw_btf *btf;
	size_t len, cut;
	uint8_t *p = bytes_of(b, &len);

	(void)state;
	for (cut = 0; cut < len; cut++) {
		uint8_t *part = malloc(cut ? cut : 1);

		assert_non_null(part);
		memcpy(part, p, cut);
		assert_int_equal(mmw_btf_open(part, cut, true, 8, &btf, NULL), -MMW_E_CORRUPT);
		free(part);
	}
	free(p);
	free(b);
}

static void test_flipped(void **state)
{
	struct builder *b = model(false);
	size_t len, at, taken = 0;
	uint8_t *p = bytes_of(b, &len);
	int bit;

	(void)state;
	for (at = 0; at < len; at++) {
		for (bit = 0; bit < 8; bit++) {
			uint8_t *copy = malloc(len);
			struct mmw_btf *btf;

			assert_non_null(copy);
			memcpy(copy, p, len);
			copy[at] ^= 1 << bit;
			if (mmw_btf_open(copy, len, false, 8, &btf, NULL)) {
				free(copy);
				continue;
			}
			taken++;
			ask_all(btf);
			mmw_btf_close(btf);
		}
	}
	assert_true(taken > 0);
	free(p);
	free(b);
}

/* Thousands of types of one name: the first one answers, and entering them takes no quadratic time. */
static void test_same_name(void **state)
{
	struct builder *b = begin(false);
	uint32_t name = string(b, "same"), i;
	struct mmw_btf *btf;
	uint64_t size;

	(void)state;
	for (i = 0; i < 80000; i++) {
		put(b, name);
		put(b, STRUCT << 24);
		put(b, i + 1);
		b->ids++;
	}
	btf = opened(b, 8);
	assert_int_equal(mmw_btf_type_size(btf, "same", &size, NULL), 0);
	assert_int_equal(size, 1);
	mmw_btf_close(btf);
}

/* A module's types, made of the kernel's: ids and strings go on where those end. */
static void test_split(void **state)
{
	struct builder *b = begin(false), *s = begin(false);
	uint32_t i32 = integer(b, "int", 4, SIGNED | 32), node = type(b, STRUCT, "node", 1, 8), thing;
	struct mmw_btf *base, *btf;
	struct mmw_member m;
	struct mmw_type t;
	uint64_t size, id;
	size_t len;
	uint8_t *p;

	(void)state;
	member(b, "value", i32, 32);
	s->str_first = b->strs_len;
	s->strs_len = 0;
	s->ids = b->ids;
	base = opened(b, 8);
	thing = type(s, STRUCT, "thing", 2, 12);
	member(s, "inner", node, 0);
	member(s, "count", i32, 64);
	p = bytes_of(s, &len);
	assert_int_equal(mmw_btf_open_split(base, p, len, &btf, NULL), 0);
	assert_int_equal(mmw_btf_types(btf), 1);
	assert_int_equal(mmw_btf_member(btf, "thing", "inner.value", &m, NULL), 0);
	assert_int_equal(m.offset, 4);
	assert_int_equal(mmw_btf_type_size(btf, "node", &size, NULL), 0);
	assert_int_equal(size, 8);
	assert_int_equal(mmw_btf_find(btf, "thing", &id, NULL), 0);
	assert_int_equal(id, thing);
	assert_int_equal(mmw_btf_describe(btf, id, &t, NULL), 0);
	assert_string_equal(t.name, "thing");
	assert_int_equal(mmw_btf_type_size(base, "thing", &size, NULL), -MMW_E_NOTYPE);
	mmw_btf_close(btf);

	/* One id past the last is no type. */
	member(s, "wrong", thing + 1, 96);
	s->types[4] = 3;
	p = bytes_of(s, &len);
	assert_int_equal(mmw_btf_open_split(base, p, len, &btf, NULL), -MMW_E_CORRUPT);
	free(p);
	mmw_btf_close(base);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_enumerators),
		cmocka_unit_test(test_enumerators_without_signs),
		cmocka_unit_test(test_bit_field_values),
		cmocka_unit_test(test_bit_fields_packed),
		cmocka_unit_test(test_word_header_wide),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_dangling),
		cmocka_unit_test(test_strings_unterminated),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_nesting_explodes),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_same_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

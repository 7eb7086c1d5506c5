/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/sym/dwarf.c against a model that tests/tools/dwwrite.c writes in every form, word size and byte order; against
 * sample.c as compilers see it; and against DWARF that is wrong in one place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libdwarf/dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/vec.h"
#include "lib/sym/dwarf.h"
#include "tests/tools/dwwrite.h"
#include "tests/unit/sample.h"

/* --- files ---------------------------------------------------------------------------------------------------- */

struct source {
	struct mmw_debugfile *file;
	struct mmw_dwarf *dw;
	struct mmw_err err;
};

static int open_path(const char *path, struct source *out)
{
	int rc;

	*out = (struct source){ NULL };
	rc = mmw_debugfile_open(path, NULL, &out->file, &out->err);
	if (rc)
		return rc;
	rc = mmw_dwarf_open(out->file, &out->dw, &out->err);
	if (rc)
		mmw_debugfile_close(out->file);
	return rc;
}

static void close_source(struct source *s)
{
	mmw_dwarf_close(s->dw);
	mmw_debugfile_close(s->file);
}

static int open_bytes(const struct blob *b, size_t len, struct source *out)
{
	int fd = memfd_create("dwarf", MFD_CLOEXEC), rc;
	char path[64];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->bytes, len), (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = open_path(path, out);
	close(fd);
	return rc;
}

/* --- the model ------------------------------------------------------------------------------------------------ */

/* Numbers in units of a word, and bytes to add. */
struct expect {
	const char *type, *path;
	int rc;
	unsigned off_words, off, size_words, size, count, elem_words, elem;
	unsigned bit_le, bit_be, bits;
	bool is_pointer, is_signed;
};

static const struct expect model_members[] = {
	{ "list_head", "prev", 0, 1, 0, 1, 0, 0, 1, 0, .is_pointer = true },
	{ "free_area", "free_list", 0, 0, 0, 12, 0, 6, 2, 0 },
	{ "free_area", "free_list[5].prev", 0, 11, 0, 1, 0, 0, 1, 0, .is_pointer = true },
	{ "free_area", "free_list[6]", -MMW_E_NOTYPE },
	{ "zone", "areas", 0, 0, 0, 143, 0, 11, 13, 0 },
	{ "zone", "areas[10].nr_free", 0, 142, 0, 1, 0, 0, 1, 0 },
	{ "zone_t", "areas[10].nr_free", 0, 142, 0, 1, 0, 0, 1, 0 },
	{ "zone", "areas.nr_free", -MMW_E_NOTYPE },
	{ "zone", "x", 0, 143, 8, 0, 4, 0, 0, 4, .is_signed = true },
	{ "zone", "deep", 0, 144, 8, 1, 0, 0, 1, 0 },
	{ "zone", "whole", 0, 143, 8, 1, 0, 0, 1, 0 },
	{ "zone", "whole.deep", -MMW_E_NOTYPE },
	{ "zone", "inuse", 0, 143, 0, 0, 2, 0, 0, 2, 0, 0, 16 },
	{ "zone", "objects", 0, 143, 2, 0, 2, 0, 0, 2, 0, 1, 15 },
	{ "zone", "frozen", 0, 143, 3, 0, 1, 0, 0, 1, 7, 0, 1 },
	{ "zone", "m", 0, 145, 8, 0, 96, 24, 0, 4 },
	{ "zone", "m[1]", 0, 145, 56, 0, 48, 12, 0, 4 },
	{ "zone", "m[1][2][3]", 0, 145, 100, 0, 4, 0, 0, 4 },
	{ "zone", "m[1][3]", -MMW_E_NOTYPE },
	{ "zone", "m[1][2][3][0]", -MMW_E_NOTYPE },
	{ "row_t", "[3]", 0, 0, 12, 0, 4, 0, 0, 4 },
	{ "zone", "flex", 0, 145, 104, 0, 0, 0, 2, 0 },
	{ "zone", "flex[3].prev", 0, 152, 104, 1, 0, 0, 1, 0, .is_pointer = true },
	{ "rq", "nr", 0, 0, 0, 0, 4, 0, 0, 4, .is_signed = true },
	{ "zone", "area", -MMW_E_NOTYPE },
	{ "zon", "areas", -MMW_E_NOTYPE },
	{ "one", "areas", -MMW_E_NOTYPE },
	{ "nowhere", "x", -MMW_E_NOTYPE },
	{ "int", "x", -MMW_E_NOTYPE },
	{ "", "x", -MMW_E_NOTYPE },
	{ "zone", "", -MMW_E_ARG },
	{ "zone", ".areas", -MMW_E_ARG },
	{ "zone", "areas[2]nr_free", -MMW_E_ARG },
	{ "zone", "areas[-1]", -MMW_E_ARG },
};

static void expect_member(struct mmw_dwarf *dw, const struct dw_spec *s, const struct expect *e, unsigned spec)
{
	struct mmw_member m = { 0 };
	struct mmw_err err = { 0 };
	int rc = mmw_dwarf_member(dw, e->type, e->path, &m, &err);
	unsigned w = s->word;

	if (rc != e->rc || m.offset != e->off_words * w + e->off || m.size != e->size_words * w + e->size ||
	    m.count != e->count || m.elem_size != e->elem_words * w + e->elem ||
	    m.bit_offset != (s->big_endian ? e->bit_be : e->bit_le) || m.bit_size != e->bits ||
	    m.is_pointer != e->is_pointer || m.is_signed != e->is_signed)
		fail_msg("model %u, %s.%s: %d %s, offset %d size %d count %d of %d, bits %u+%u", spec, e->type, e->path,
			 rc, err.msg, (int)m.offset, (int)m.size, (int)m.count, (int)m.elem_size, m.bit_offset,
			 m.bit_size);
	assert_int_equal(mmw_dwarf_member(dw, e->type, e->path, &m, NULL), rc);
}

static void expect_enumerators(struct mmw_dwarf *dw)
{
	static const struct {
		const char *type, *name;
		int rc;
		int64_t value;
	} cases[] = {
		{ "colour", "RED", 0, 5 }, { "colour", "NONE", 0, -1 }, { NULL, "NAMELESS", 0, 177 },
		{ "", "RED", 0, 5 }, { "colour", "NAMELESS", -MMW_E_NOTYPE }, { "zone", "x", -MMW_E_NOTYPE },
		{ NULL, "areas", -MMW_E_NOTYPE }, { "none", "RED", -MMW_E_NOTYPE },
	};
	const char *name;
	int64_t v;

	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		v = 0;
		assert_int_equal(mmw_dwarf_enumerator(dw, cases[i].type, cases[i].name, &v, NULL), cases[i].rc);
		assert_int_equal(v, cases[i].value);
	}
	assert_int_equal(mmw_dwarf_enumerator_at(dw, "colour", 1, &name, &v), 1);
	assert_string_equal(name, "NONE");
	assert_int_equal(v, -1);
	assert_int_equal(mmw_dwarf_enumerator_at(dw, "colour", 2, &name, &v), 0);
	assert_int_equal(mmw_dwarf_enumerator_at(dw, "zone", 0, &name, &v), 0);
}

static void test_model(void **state)
{
	struct dw_spec spec;
	uint64_t size;

	(void)state;
	for (unsigned i = 0; dw_spec_at(i, &spec); i++) {
		struct blob b = { 0 };
		struct source s;

		dw_model(&spec, &b);
		if (open_bytes(&b, b.len, &s))
			fail_msg("model %u: %s", i, s.err.msg);
		for (size_t j = 0; j < mmw_array_len(model_members); j++)
			expect_member(s.dw, &spec, &model_members[j], i);
		expect_enumerators(s.dw);
		assert_int_equal(mmw_dwarf_type_size(s.dw, "zone_t", &size, NULL), 0);
		assert_int_equal(size, 145 * spec.word + 104);
		assert_int_equal(mmw_dwarf_type_size(s.dw, "long unsigned int", &size, NULL), 0);
		assert_int_equal(size, spec.word);
		assert_int_equal(mmw_dwarf_type_size(s.dw, "nowhere", &size, NULL), -MMW_E_NOTYPE);
		close_source(&s);
		blob_fini(&b);
	}
}

/* Cut anywhere, a file is refused or its types are: never does a question go wrong otherwise. */
static void test_truncated(void **state)
{
	struct dw_spec spec;

	(void)state;
	for (unsigned i = 0; dw_spec_at(i, &spec); i++) {
		struct blob b = { 0 };
		struct mmw_member m;
		struct source s;

		dw_model(&spec, &b);
		for (size_t len = 0; len < b.len; len += 1 + len % 7) {
			if (open_bytes(&b, len, &s))
				continue;
			assert_true(mmw_dwarf_member(s.dw, "zone", "areas", &m, NULL) < 0);
			close_source(&s);
		}
		blob_fini(&b);
	}
}

/* --- what compilers write ------------------------------------------------------------------------------------- */

#define SAMPLE(type, member) { #type, #member, offsetof(struct type, member), sizeof(((struct type *)0)->member) }

static void expect_sample(struct mmw_dwarf *dw, const char *file)
{
	static const struct {
		const char *type, *path;
		uint64_t off, size;
	} plain[] = {
		SAMPLE(sample_list, next), SAMPLE(sample_list, pprev), SAMPLE(sample_zone, areas),
		SAMPLE(sample_zone, areas[3].lists[5].pprev), SAMPLE(sample_zone, areas[10].nr_free),
		SAMPLE(sample_zone, x), SAMPLE(sample_zone, deep), SAMPLE(sample_zone, whole),
		SAMPLE(sample_zone, rows),
		SAMPLE(sample_zone, rows[1][2]), SAMPLE(sample_zone, rows[1][2][3]), SAMPLE(sample_zone, hue),
		SAMPLE(sample_zone, shade), SAMPLE(sample_zone, call), SAMPLE(sample_zone, flag),
		SAMPLE(sample_zone, managed), SAMPLE(sample_zone, managed.counter), SAMPLE(sz, v),
		{ "sample_zone_t", "areas", offsetof(sample_zone_t, areas), sizeof(((sample_zone_t *)0)->areas) },
		{ "sample_either", "bytes[3]", 3, 1 }, { "sample_zone", "flex", offsetof(sample_zone_t, flex), 0 },
		{ "sample_inside", "v", 4, 4 },
	};
	struct mmw_member m;
	struct mmw_err err;

	for (size_t i = 0; i < mmw_array_len(plain); i++) {
		if (mmw_dwarf_member(dw, plain[i].type, plain[i].path, &m, &err))
			fail_msg("%s: %s", file, err.msg);
		if (m.offset != plain[i].off || m.size != plain[i].size || m.bit_size)
			fail_msg("%s: %s.%s", file, plain[i].type, plain[i].path);
	}
	assert_int_equal(mmw_dwarf_member(dw, "sample_zone", "flex[2].pprev", &m, NULL), 0);
	assert_int_equal(m.offset, offsetof(sample_zone_t, flex) + 2 * sizeof(struct sample_list) + sizeof(void *));
	assert_int_equal(mmw_dwarf_member(dw, "sample_opaque", "x", &m, NULL), -MMW_E_NOTYPE);
}

/* What a bit field holds, read as a caller does. */
static uint64_t bits_of(struct mmw_dwarf *dw, const char *type, const char *path, const void *of, bool *is_signed)
{
	struct mmw_member m;
	struct mmw_err err;
	uint64_t v = 0;

	if (mmw_dwarf_member(dw, type, path, &m, &err))
		fail_msg("%s", err.msg);
	assert_true(m.bit_size);
	memcpy(&v, (const char *)of + m.offset, m.size);
	*is_signed = m.is_signed;
	return v >> m.bit_offset & (UINT64_MAX >> (64 - m.bit_size));
}

static void expect_bits(struct mmw_dwarf *dw)
{
	const sample_zone_t z = { .inuse = 0x1234, .objects = 0x2005, .frozen = 1, .wide = 0xabcdef1234,
				  .rest = 0x800001, .negative = -2 };
	const struct sample_bits b = { .a = 1, .b = 9, .c = 0x155 };
	bool sign;

	assert_int_equal(bits_of(dw, "sample_zone", "inuse", &z, &sign), 0x1234);
	assert_int_equal(bits_of(dw, "sample_zone", "objects", &z, &sign), 0x2005);
	assert_int_equal(bits_of(dw, "sample_zone", "frozen", &z, &sign), 1);
	assert_int_equal(bits_of(dw, "sample_zone", "wide", &z, &sign), 0xabcdef1234);
	assert_int_equal(bits_of(dw, "sample_zone", "rest", &z, &sign), 0x800001);
	assert_false(sign);
	assert_int_equal(bits_of(dw, "sample_zone", "negative", &z, &sign), 6);
	assert_true(sign);
	assert_int_equal(bits_of(dw, "sample_bits", "a", &b, &sign), 1);
	assert_int_equal(bits_of(dw, "sample_bits", "b", &b, &sign), 9);
	assert_int_equal(bits_of(dw, "sample_bits", "c", &b, &sign), 0x155);
}

static void expect_values(struct mmw_dwarf *dw)
{
	int64_t v;

	assert_int_equal(mmw_dwarf_enumerator(dw, "sample_colour", "SAMPLE_NONE", &v, NULL), 0);
	assert_int_equal(v, -1);
	assert_int_equal(mmw_dwarf_enumerator(dw, "sample_colour", "SAMPLE_LARGE", &v, NULL), 0);
	assert_int_equal(v, 0x12345678);
	assert_int_equal(mmw_dwarf_enumerator(dw, "sample_shade", "SAMPLE_DARK", &v, NULL), 0);
	assert_int_equal(v, 0xfffffffe);
	assert_int_equal(mmw_dwarf_enumerator(dw, NULL, "SAMPLE_NAMELESS", &v, NULL), 0);
	assert_int_equal(v, SAMPLE_NAMELESS);
}

/* One program for each way to compile it that this machine has: CMake lists them. */
static void test_samples(void **state)
{
	static const char *const files[] = { MMW_SAMPLES };
	struct source s;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(files); i++) {
		if (open_path(files[i], &s))
			fail_msg("%s: %s", files[i], s.err.msg);
		expect_sample(s.dw, files[i]);
		expect_bits(s.dw);
		expect_values(s.dw);
		close_source(&s);
	}
}

/* --- wrong in one place --------------------------------------------------------------------------------------- */

static struct dw_writer writer_of(unsigned version)
{
	struct dw_writer w = { .spec = { false, 8, version, DW_FORM_strp } };

	dw_unit_begin(&w);
	return w;
}

static int ask(struct dw_writer *w, const char *type, const char *path)
{
	struct blob b = { 0 };
	struct mmw_member m;
	struct source s;
	int rc;

	dw_unit_end(w);
	dw_finish(w, &b);
	rc = open_bytes(&b, b.len, &s);
	if (!rc) {
		rc = mmw_dwarf_member(s.dw, type, path, &m, NULL);
		close_source(&s);
	}
	blob_fini(&b);
	return rc;
}

static uint32_t add_struct(struct dw_writer *w, const char *name, uint64_t size)
{
	const struct dw_attr a[] = { dw_name(w, name), { DW_AT_byte_size, DW_FORM_data4, size } };

	return dw_die(w, DW_TAG_structure_type, true, a, 2);
}

static void add_member(struct dw_writer *w, const char *name, uint32_t type, uint64_t off)
{
	const struct dw_attr a[] = { { DW_AT_type, DW_FORM_ref4, type },
				     { DW_AT_data_member_location, DW_FORM_udata, off }, dw_name(w, name ? name : "") };

	dw_die(w, DW_TAG_member, false, a, name ? 3 : 2);
}

/* Types that contain themselves. */
static void test_circles(void **state)
{
	struct dw_writer w = writer_of(5);
	struct dw_attr a[] = { { DW_AT_type, DW_FORM_ref4, 0 }, dw_name(&w, "circle") };
	uint32_t off = (uint32_t)w.info.len;

	(void)state;
	a[0].value = off;
	dw_die(&w, DW_TAG_typedef, false, a, 2);
	assert_int_equal(ask(&w, "circle", "x"), -MMW_E_CORRUPT);
	w = writer_of(5);
	off = add_struct(&w, "self", 8);
	add_member(&w, NULL, off, 0);
	add_member(&w, NULL, off, 0);
	dw_end(&w);
	assert_int_equal(ask(&w, "self", "x"), -MMW_E_CORRUPT);
}

static void test_outside(void **state)
{
	struct dw_writer w = writer_of(5);
	uint32_t off = add_struct(&w, "small", 8);

	(void)state;
	dw_end(&w);
	add_struct(&w, "large", 12);
	add_member(&w, "in", off, 4);
	add_member(&w, "out", off, 5);
	dw_end(&w);
	assert_int_equal(ask(&w, "large", "out"), -MMW_E_CORRUPT);
	w = writer_of(5);
	add_struct(&w, "large", 12);
	add_member(&w, "into", 3, 0);      /* the header */
	add_member(&w, "past", 0xfffff0, 0);
	dw_end(&w);
	assert_int_equal(ask(&w, "large", "into"), -MMW_E_CORRUPT);
	w = writer_of(5);
	add_struct(&w, "large", 12);
	add_member(&w, "past", 0xfffff0, 0);
	dw_end(&w);
	assert_int_equal(ask(&w, "large", "past"), -MMW_E_CORRUPT);
}

/* What a unit must not have at all: it is refused before libdwarf sees it. */
static void test_refused_units(void **state)
{
	static const struct dw_attr bad[] = {
		{ DW_AT_sibling, DW_FORM_ref4, 12 }, { DW_AT_sibling, DW_FORM_ref4, 0x7fffffff },
		{ DW_AT_sibling, DW_FORM_udata, 60 }, { DW_AT_name, DW_FORM_data4, 0x7fffffff },
		{ DW_AT_name, DW_FORM_sec_offset, 0 },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(bad); i++) {
		struct dw_writer w = writer_of(5);

		add_struct(&w, "fine", 8);
		dw_end(&w);
		dw_die(&w, DW_TAG_variable, false, &bad[i], 1);
		assert_true(ask(&w, "fine", "x") < -MMW_OK);
	}
}

/* Damage in a unit that has nothing to say does not hide the answer of another. */
static void test_damage_elsewhere(void **state)
{
	struct dw_writer w = writer_of(4);
	const struct dw_attr name = { DW_AT_name, DW_FORM_data4, 0x7fffffff };
	uint32_t off;

	(void)state;
	add_struct(&w, "both", 4);
	dw_end(&w);
	dw_die(&w, DW_TAG_variable, false, &name, 1);
	dw_unit_end(&w);
	dw_unit_begin(&w);
	off = add_struct(&w, "inner", 4);
	dw_end(&w);
	add_struct(&w, "both", 8);
	add_member(&w, "x", off, 4);
	dw_end(&w);
	assert_int_equal(ask(&w, "both", "x"), 0);
}

/* Behind a unit that cannot be read there is nothing; before it there is. */
static void test_broken_chain(void **state)
{
	static const uint32_t lengths[] = { 0x7fffffff, 0xffffffff, 3 };

	(void)state;
	for (size_t i = 0; i < 2 * mmw_array_len(lengths); i++) {
		struct dw_writer w = writer_of(5);
		uint32_t off = add_struct(&w, "inner", 4);

		dw_end(&w);
		add_struct(&w, "first", 8);
		add_member(&w, "x", off, 4);
		dw_end(&w);
		dw_unit_end(&w);
		blob_uint(&w.info, lengths[i / 2], 4, false);
		blob_add(&w.info, "\5\0\1\x8\0\0\0", 8);
		dw_unit_begin(&w);
		assert_int_equal(ask(&w, i % 2 ? "first" : "second", "x"),
				 i % 2 ? 0 : i / 2 == 1 ? -MMW_E_UNSUPPORTED : -MMW_E_CORRUPT);
	}
}

/* Attributes that take no bytes: the work for a unit must stay in proportion to its size. */
static void test_heavy_abbreviation(void **state)
{
	static struct dw_attr flags[20000];
	struct dw_writer w = writer_of(5);

	(void)state;
	for (size_t i = 0; i < mmw_array_len(flags); i++)
		flags[i] = (struct dw_attr){ DW_AT_external, DW_FORM_flag_present };
	add_struct(&w, "heavy", 8);
	dw_end(&w);
	dw_die(&w, DW_TAG_variable, false, flags, mmw_array_len(flags));
	assert_int_equal(ask(&w, "heavy", "x"), -MMW_E_LIMIT);
	w = writer_of(5);
	add_struct(&w, "heavy", 8);
	dw_end(&w);
	for (unsigned i = 0; i < 200; i++)
		dw_die(&w, DW_TAG_variable, false, flags, 200);
	assert_int_equal(ask(&w, "heavy", "x"), -MMW_E_LIMIT);
}

/* A member with a tree below it, which every step from it to the next would have to pass. */
static void test_heavy_member(void **state)
{
	struct dw_writer w = writer_of(5);
	const struct dw_attr a = { DW_AT_byte_size, DW_FORM_data8, 8 };

	(void)state;
	add_struct(&w, "heavy", 8);
	dw_die(&w, DW_TAG_member, true, NULL, 0);
	for (unsigned i = 0; i < 3000; i++)
		dw_die(&w, DW_TAG_variable, false, &a, 1);
	dw_end(&w);
	dw_end(&w);
	assert_int_equal(ask(&w, "heavy", "x"), -MMW_E_LIMIT);
	/* As many beside each other are a struct of many members. */
	w = writer_of(5);
	add_struct(&w, "heavy", 8);
	for (unsigned i = 0; i < 3000; i++)
		dw_die(&w, DW_TAG_member, false, &a, 1);
	dw_end(&w);
	assert_int_equal(ask(&w, "heavy", "x"), -MMW_E_NOTYPE);
}

/* A typedef where its struct is only declared; the struct; and a function's own struct of the same name before both. */
static void test_preference(void **state)
{
	struct dw_writer w = writer_of(5);
	struct dw_attr a[] = { dw_name(&w, "twice"), { DW_AT_declaration, DW_FORM_flag_present } };
	uint32_t off;

	(void)state;
	dw_die(&w, DW_TAG_subprogram, true, NULL, 0);
	add_struct(&w, "twice", 1);
	dw_end(&w);
	dw_end(&w);
	off = dw_die(&w, DW_TAG_structure_type, false, a, 2);
	a[1] = (struct dw_attr){ DW_AT_type, DW_FORM_ref4, off };
	dw_die(&w, DW_TAG_typedef, false, a, 2);
	dw_unit_end(&w);
	dw_unit_begin(&w);
	off = add_struct(&w, "inner", 4);
	dw_end(&w);
	add_struct(&w, "twice", 8);
	add_member(&w, "x", off, 4);
	dw_end(&w);
	assert_int_equal(ask(&w, "twice", "x"), 0);
}

/* More than one piece of the search, with the answer at its very end and across the pieces' border. */
static void test_far(void **state)
{
	(void)state;
	for (unsigned shift = 0; shift < 24; shift++) {
		struct dw_writer w = writer_of(5);
		uint32_t off;

		off = add_struct(&w, "inner", 4);
		dw_end(&w);
		while (w.info.len < (1 << 20) - 60 - 4096) {
			const struct dw_attr pad = { DW_AT_name, DW_FORM_string, 0, "padding padding padding padding" };

			dw_unit_end(&w);
			dw_unit_begin(&w);
			for (unsigned i = 0; i < 90; i++)
				dw_die(&w, DW_TAG_variable, false, &pad, 1);
		}
		dw_unit_end(&w);
		blob_put(&w.info, w.unit, (1 << 20) - 40 - shift - w.unit - 4, 4, false);
		blob_pad_to(&w.info, (1 << 20) - 40 - shift);
		dw_unit_begin(&w);
		off = add_struct(&w, "inner", 4);
		dw_end(&w);
		add_struct(&w, "border", 8);
		add_member(&w, "x", off, 4);
		dw_end(&w);
		assert_int_equal(ask(&w, "border", "x"), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model), cmocka_unit_test(test_truncated), cmocka_unit_test(test_samples),
		cmocka_unit_test(test_circles), cmocka_unit_test(test_outside), cmocka_unit_test(test_refused_units),
		cmocka_unit_test(test_damage_elsewhere), cmocka_unit_test(test_heavy_abbreviation),
		cmocka_unit_test(test_broken_chain), cmocka_unit_test(test_heavy_member),
		cmocka_unit_test(test_preference), cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every DIE gets an abbreviation of its own: more than a compiler would write, and all the same to a reader. */
#include "tests/tools/dwwrite.h"

#include <elf.h>
#include <libdwarf/dwarf.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/base/vec.h"

static void put_uleb(struct blob *b, uint64_t v)
{
	do {
		blob_u8(b, (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0)));
		v >>= 7;
	} while (v);
}

static void put_sleb(struct blob *b, int64_t v)
{
	bool more;

	do {
		uint8_t low = v & 0x7f;

		v >>= 7;
		more = !((!v && !(low & 0x40)) || (v == -1 && (low & 0x40)));
		blob_u8(b, (uint8_t)(low | (more ? 0x80 : 0)));
	} while (more);
}

/* As linkers do, strings share their ends. */
static size_t string_in(struct blob *b, const char *s)
{
	size_t len = strlen(s) + 1;
	const uint8_t *p = b->len ? memmem(b->bytes, b->len, s, len) : NULL;

	return p ? (size_t)(p - b->bytes) : blob_add(b, s, len);
}

/* --- units ---------------------------------------------------------------------------------------------------- */

static bool is_indexed(const struct dw_writer *w)
{
	return w->spec.name_form == DW_FORM_strx1 || w->spec.name_form == DW_FORM_strx;
}

void dw_unit_begin(struct dw_writer *w)
{
	bool be = w->spec.big_endian;

	w->unit = w->info.len;
	w->code = 0;
	blob_uint(&w->info, 0, 4, be);
	blob_uint(&w->info, w->spec.version, 2, be);
	if (w->spec.version == 5) {
		blob_u8(&w->info, DW_UT_compile);
		blob_u8(&w->info, (uint8_t)w->spec.word);
	}
	blob_uint(&w->info, w->abbrev.len, 4, be);
	if (w->spec.version < 5)
		blob_u8(&w->info, (uint8_t)w->spec.word);
	if (is_indexed(w)) {
		struct dw_attr base = { DW_AT_str_offsets_base, DW_FORM_sec_offset, w->str_offsets.len + 8 };

		w->table = blob_uint(&w->str_offsets, 0, 4, be);
		blob_uint(&w->str_offsets, 5, 2, be);
		blob_uint(&w->str_offsets, 0, 2, be);
		dw_die(w, DW_TAG_compile_unit, true, &base, 1);
	} else {
		dw_die(w, DW_TAG_compile_unit, true, NULL, 0);
	}
}

void dw_unit_end(struct dw_writer *w)
{
	dw_end(w);
	blob_u8(&w->abbrev, 0);
	blob_put(&w->info, w->unit, w->info.len - w->unit - 4, 4, w->spec.big_endian);
	if (is_indexed(w))
		blob_put(&w->str_offsets, w->table, w->str_offsets.len - w->table - 4, 4, w->spec.big_endian);
}

static uint64_t index_of(struct dw_writer *w, const char *text)
{
	size_t at = blob_uint(&w->str_offsets, string_in(&w->str, text), 4, w->spec.big_endian);

	return (at - w->table - 8) / 4;
}

static void put_value(struct dw_writer *w, const struct dw_attr *a)
{
	struct blob *b = &w->info;
	bool be = w->spec.big_endian;

	switch (a->form) {
	case DW_FORM_data1: case DW_FORM_ref1: case DW_FORM_flag: case DW_FORM_data2: case DW_FORM_ref2:
		blob_uint(b, a->value, a->form == DW_FORM_data2 || a->form == DW_FORM_ref2 ? 2 : 1, be);
		break;
	case DW_FORM_data4: case DW_FORM_ref4: case DW_FORM_sec_offset: case DW_FORM_ref_addr:
		blob_uint(b, a->value, 4, be);
		break;
	case DW_FORM_data8: case DW_FORM_ref8:
		blob_uint(b, a->value, 8, be);
		break;
	case DW_FORM_sdata:
		put_sleb(b, (int64_t)a->value);
		break;
	case DW_FORM_udata: case DW_FORM_ref_udata:
		put_uleb(b, a->value);
		break;
	case DW_FORM_block1: case DW_FORM_exprloc:
		blob_u8(b, (uint8_t)(1 + (a->value > 0x7f) + (a->value > 0x3fff) + 1));
		blob_u8(b, DW_OP_plus_uconst);
		put_uleb(b, a->value);
		break;
	case DW_FORM_string:
		blob_add(b, a->text, strlen(a->text) + 1);
		break;
	case DW_FORM_strp:
		blob_uint(b, string_in(&w->str, a->text), 4, be);
		break;
	case DW_FORM_line_strp:
		blob_uint(b, string_in(&w->line_str, a->text), 4, be);
		break;
	case DW_FORM_strx: case DW_FORM_strx1:
		put_uleb(b, index_of(w, a->text));
		break;
	case DW_FORM_flag_present: case DW_FORM_implicit_const:
		break;
	default:
		die("dwwrite: form %#x", a->form);
	}
}

uint32_t dw_die(struct dw_writer *w, uint16_t tag, bool children, const struct dw_attr *attrs, size_t n)
{
	uint32_t off = (uint32_t)(w->info.len - w->unit);

	put_uleb(&w->abbrev, ++w->code);
	put_uleb(&w->abbrev, tag);
	blob_u8(&w->abbrev, children);
	put_uleb(&w->info, w->code);
	for (size_t i = 0; i < n; i++) {
		put_uleb(&w->abbrev, attrs[i].at);
		put_uleb(&w->abbrev, attrs[i].form);
		if (attrs[i].form == DW_FORM_implicit_const)
			put_sleb(&w->abbrev, (int64_t)attrs[i].value);
		put_value(w, &attrs[i]);
	}
	blob_uint(&w->abbrev, 0, 2, false);
	return off;
}

void dw_end(struct dw_writer *w)
{
	blob_u8(&w->info, 0);
}

/* GCC writes short names in place. */
struct dw_attr dw_name(const struct dw_writer *w, const char *name)
{
	bool in_place = strlen(name) < 4 && w->spec.name_form == DW_FORM_strp;

	return (struct dw_attr){ DW_AT_name, in_place ? DW_FORM_string : w->spec.name_form, 0, name };
}

/* --- the file ------------------------------------------------------------------------------------------------- */

struct part {
	const char *name;
	const struct blob *bytes;
	size_t at, len, name_at;
	bool packed;
};

/* elf.h, Elf32_Chdr and Elf64_Chdr. */
static void put_packed(const struct dw_writer *w, struct blob *out, const struct blob *in)
{
	bool be = w->spec.big_endian;
	unsigned word = w->spec.word;
	uLongf len = compressBound(in->len);
	uint8_t *to = xrealloc(NULL, len);

	if (compress2(to, &len, in->bytes, in->len, 9) != Z_OK)
		die("dwwrite: cannot compress");
	blob_uint(out, ELFCOMPRESS_ZLIB, 4, be);
	if (word == 8)
		blob_uint(out, 0, 4, be);
	blob_uint(out, in->len, word, be);
	blob_uint(out, 1, word, be);
	blob_add(out, to, len);
	free(to);
}

static void put_header(struct blob *out, bool be, unsigned word, size_t shoff, unsigned n)
{
	static const uint8_t magic[4] = { 0x7f, 'E', 'L', 'F' };

	blob_add(out, magic, 4);
	blob_u8(out, word == 8 ? ELFCLASS64 : ELFCLASS32);
	blob_u8(out, be ? ELFDATA2MSB : ELFDATA2LSB);
	blob_u8(out, EV_CURRENT);
	blob_pad_to(out, 16);
	blob_uint(out, ET_EXEC, 2, be);
	blob_uint(out, word == 8 ? EM_PPC64 : EM_PPC, 2, be);
	blob_uint(out, EV_CURRENT, 4, be);
	blob_uint(out, 0, word, be);
	blob_uint(out, 0, word, be);
	blob_uint(out, shoff, word, be);
	blob_uint(out, 0, 4, be);
	blob_uint(out, word == 8 ? 64 : 52, 2, be);
	blob_uint(out, word == 8 ? 56 : 32, 2, be);
	blob_uint(out, 0, 2, be);
	blob_uint(out, word == 8 ? 64 : 40, 2, be);
	blob_uint(out, n, 2, be);
	blob_uint(out, n - 1, 2, be);
}

static void put_section(struct blob *out, bool be, unsigned word, const struct part *p, bool names)
{
	bool any = p->len;

	blob_uint(out, p->name_at, 4, be);
	blob_uint(out, !any ? SHT_NULL : names ? SHT_STRTAB : SHT_PROGBITS, 4, be);
	blob_uint(out, p->packed ? SHF_COMPRESSED : 0, word, be);
	blob_uint(out, 0, word, be);
	blob_uint(out, p->at, word, be);
	blob_uint(out, p->len, word, be);
	blob_uint(out, 0, 4, be);
	blob_uint(out, 0, 4, be);
	blob_uint(out, 1, word, be);
	blob_uint(out, 0, word, be);
}

void dw_finish(struct dw_writer *w, struct blob *out)
{
	struct blob names = { 0 }, body = { 0 };
	struct part parts[] = {
		{ "", NULL }, { ".debug_info", &w->info }, { ".debug_abbrev", &w->abbrev }, { ".debug_str", &w->str },
		{ ".debug_line_str", &w->line_str }, { ".debug_str_offsets", &w->str_offsets }, { ".shstrtab", &names },
	};
	unsigned n = mmw_array_len(parts), word = w->spec.word, head = word == 8 ? 64 : 52;

	for (unsigned i = 0; i < n; i++)
		parts[i].name_at = blob_add(&names, parts[i].name, strlen(parts[i].name) + 1);
	for (unsigned i = 1; i < n; i++) {
		parts[i].at = head + body.len;
		parts[i].packed = w->spec.compressed && parts[i].bytes->len && i + 1 < n;
		if (parts[i].packed)
			put_packed(w, &body, parts[i].bytes);
		else if (parts[i].bytes->len)
			blob_add(&body, parts[i].bytes->bytes, parts[i].bytes->len);
		parts[i].len = head + body.len - parts[i].at;
	}
	blob_align(&body, 8);
	put_header(out, w->spec.big_endian, word, head + body.len, n);
	blob_add(out, body.bytes, body.len);
	for (unsigned i = 0; i < n; i++)
		put_section(out, w->spec.big_endian, word, &parts[i], i + 1 == n);
	blob_fini(&body);
	blob_fini(&names);
	blob_fini(&w->info);
	blob_fini(&w->abbrev);
	blob_fini(&w->str);
	blob_fini(&w->line_str);
	blob_fini(&w->str_offsets);
}

/* --- the model ------------------------------------------------------------------------------------------------ */

/* Offsets of the DIEs that others refer to. */
struct model {
	struct dw_writer w;
	uint64_t word;
	uint32_t i32, u32, ulong, ptr, list, area, row, inner, either;
};

static uint32_t base_type(struct model *m, const char *name, uint64_t size, uint64_t encoding)
{
	const struct dw_attr a[] = { { DW_AT_byte_size, DW_FORM_data1, size },
				     { DW_AT_encoding, DW_FORM_data1, encoding }, dw_name(&m->w, name) };

	return dw_die(&m->w, DW_TAG_base_type, false, a, 3);
}

/* `at` is the tag of a typedef, const or pointer. */
static uint32_t refer(struct model *m, uint16_t tag, const char *name, uint32_t type)
{
	const struct dw_attr a[] = { { DW_AT_type, DW_FORM_ref4, type }, dw_name(&m->w, name ? name : "") };

	return dw_die(&m->w, tag, false, a, name ? 2 : 1);
}

static uint32_t begin_struct(struct model *m, uint16_t tag, const char *name, uint64_t size)
{
	const struct dw_attr a[] = { { DW_AT_byte_size, DW_FORM_data2, size }, dw_name(&m->w, name ? name : "") };

	return dw_die(&m->w, tag, true, a, name ? 2 : 1);
}

static void member(struct model *m, const char *name, uint32_t type, uint64_t off)
{
	uint16_t form = !m->w.spec.blocks ? DW_FORM_udata : m->w.spec.version < 4 ? DW_FORM_block1 : DW_FORM_exprloc;
	struct dw_attr a[3] = { { DW_AT_type, DW_FORM_ref4, type }, { DW_AT_data_member_location, form, off } };

	if (name)
		a[2] = dw_name(&m->w, name);
	dw_die(&m->w, DW_TAG_member, false, a, name ? 3 : 2);
}

/* `bit` counts as the target does, in the word of 4 bytes at `off`. */
static void bit_field(struct model *m, const char *name, uint64_t off, unsigned bit, unsigned bits)
{
	unsigned old = m->w.spec.big_endian ? bit : 32 - bit - bits;
	const struct dw_attr a[] = {
		dw_name(&m->w, name), { DW_AT_type, DW_FORM_ref4, m->u32 }, { DW_AT_bit_size, DW_FORM_data1, bits },
		{ DW_AT_data_bit_offset, DW_FORM_udata, off * 8 + bit }, };
	const struct dw_attr b[] = {
		a[0], a[1], a[2], { DW_AT_byte_size, DW_FORM_data1, 4 }, { DW_AT_bit_offset, DW_FORM_data1, old },
		{ DW_AT_data_member_location, DW_FORM_udata, off }, };

	if (m->w.spec.old_bits)
		dw_die(&m->w, DW_TAG_member, false, b, 6);
	else
		dw_die(&m->w, DW_TAG_member, false, a, 4);
}

/* Dimensions: a bound, a count, or 0 for one that is open. */
static uint32_t array(struct model *m, uint32_t elem, unsigned a, unsigned b)
{
	const struct dw_attr type = { DW_AT_type, DW_FORM_ref4, elem };
	const struct dw_attr bound = { DW_AT_upper_bound, DW_FORM_data1, a - 1 };
	const struct dw_attr count = { DW_AT_count, DW_FORM_data1, b };
	uint32_t off = dw_die(&m->w, DW_TAG_array_type, true, &type, 1);

	dw_die(&m->w, DW_TAG_subrange_type, false, &bound, a ? 1 : 0);
	if (b)
		dw_die(&m->w, DW_TAG_subrange_type, false, &count, 1);
	dw_end(&m->w);
	return off;
}

static void enumeration(struct model *m, const char *name, const char *first, int64_t value, const char *second)
{
	const struct dw_attr a[] = { { DW_AT_byte_size, DW_FORM_data1, 4 }, { DW_AT_type, DW_FORM_ref4,
				     second ? m->i32 : m->u32 }, dw_name(&m->w, name ? name : "") };
	const struct dw_attr v[] = { dw_name(&m->w, first), { DW_AT_const_value, DW_FORM_data1, (uint64_t)value } };

	dw_die(&m->w, DW_TAG_enumeration_type, true, a, name ? 3 : 2);
	dw_die(&m->w, DW_TAG_enumerator, false, v, 2);
	if (second) {
		const struct dw_attr n[] = { dw_name(&m->w, second),
					     { DW_AT_const_value, DW_FORM_sdata, (uint64_t)-1 } };

		dw_die(&m->w, DW_TAG_enumerator, false, n, 2);
	}
	dw_end(&m->w);
}

/* A unit that names things and defines nothing. */
static void declaring_unit(struct model *m)
{
	struct dw_writer *w = &m->w;
	struct dw_attr a[] = { dw_name(w, "xzone"), { DW_AT_declaration, DW_FORM_flag, 1 } };
	uint32_t zone;

	dw_unit_begin(w);
	dw_die(w, DW_TAG_variable, false, a, 1);
	a[0] = dw_name(w, "zone");
	zone = dw_die(w, DW_TAG_structure_type, false, a, 2);
	refer(m, DW_TAG_typedef, "zone_t", zone);
	refer(m, DW_TAG_variable, "list_head", zone);
	a[0] = dw_name(w, "nowhere");
	dw_die(w, DW_TAG_structure_type, false, a, 2);
	dw_unit_end(w);
}

static void small_types(struct model *m)
{
	const struct dw_attr plain = { DW_AT_byte_size, DW_FORM_data1, m->word };

	m->i32 = base_type(m, "int", 4, DW_ATE_signed);
	m->u32 = base_type(m, "unsigned int", 4, DW_ATE_unsigned);
	m->ulong = base_type(m, "long unsigned int", m->word, DW_ATE_unsigned);
	m->ptr = dw_die(&m->w, DW_TAG_pointer_type, false, &plain, 1);
	m->list = begin_struct(m, DW_TAG_structure_type, "list_head", 2 * m->word);
	member(m, "next", m->ptr, 0);
	member(m, "prev", m->ptr, m->word);
	dw_end(&m->w);
	m->row = array(m, m->list, 6, 0);
	m->area = begin_struct(m, DW_TAG_structure_type, "free_area", 13 * m->word);
	member(m, "free_list", m->row, 0);
	member(m, "nr_free", m->ulong, 12 * m->word);
	dw_end(&m->w);
	m->row = refer(m, DW_TAG_typedef, "row_t", array(m, m->u32, 4, 0));
	m->inner = begin_struct(m, DW_TAG_structure_type, NULL, 2 * m->word);
	member(m, "x", m->i32, 0);
	member(m, "deep", m->ulong, m->word);
	dw_end(&m->w);
	m->either = begin_struct(m, DW_TAG_union_type, NULL, 2 * m->word);
	member(m, NULL, m->inner, 0);
	member(m, "whole", m->ulong, 0);
	dw_end(&m->w);
}

static void defining_unit(struct model *m)
{
	uint64_t w = m->word;
	uint32_t areas, rows, open;

	dw_unit_begin(&m->w);
	small_types(m);
	areas = array(m, refer(m, DW_TAG_volatile_type, NULL, refer(m, DW_TAG_const_type, NULL, m->area)), 11, 0);
	rows = array(m, m->row, 2, 3);
	open = array(m, m->list, 0, 0);
	begin_struct(m, DW_TAG_structure_type, "zone", 145 * w + 104);
	member(m, "areas", areas, 0);
	bit_field(m, "inuse", 143 * w, 0, 16);
	bit_field(m, "objects", 143 * w, 16, 15);
	bit_field(m, "frozen", 143 * w, 31, 1);
	member(m, NULL, m->either, 143 * w + 8);
	member(m, "m", rows, 145 * w + 8);
	member(m, "flex", open, 145 * w + 104);
	dw_end(&m->w);
	enumeration(m, "colour", "RED", 5, "NONE");
	enumeration(m, NULL, "NAMELESS", 177, NULL);
	begin_struct(m, DW_TAG_structure_type, "rq", 4);
	member(m, "nr", m->i32, 0);
	dw_end(&m->w);
	dw_unit_end(&m->w);
}

void dw_model(const struct dw_spec *spec, struct blob *out)
{
	struct model m = { .w = { .spec = *spec }, .word = spec->word };

	declaring_unit(&m);
	defining_unit(&m);
	dw_finish(&m.w, out);
}

bool dw_spec_at(unsigned index, struct dw_spec *out)
{
	static const struct dw_spec specs[] = {
		{ false, 8, 5, DW_FORM_strp }, { true, 8, 5, DW_FORM_strp }, { false, 4, 4, DW_FORM_strp, true },
		{ true, 4, 4, DW_FORM_strp, true }, { false, 8, 2, DW_FORM_string, true, true },
		{ true, 4, 3, DW_FORM_strp, true, true }, { false, 8, 4, DW_FORM_strp, false, true },
		{ false, 8, 5, DW_FORM_line_strp }, { false, 8, 5, DW_FORM_strx1 }, { true, 4, 5, DW_FORM_strx },
		{ false, 8, 5, DW_FORM_strp, false, false, true }, { true, 4, 4, DW_FORM_strp, false, false, true },
	};

	if (index >= mmw_array_len(specs))
		return false;
	*out = specs[index];
	return true;
}

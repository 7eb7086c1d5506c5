/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing DWARF, and the ELF file around it, with every choice that a compiler has and some that none makes. */
#ifndef MMW_TESTS_DWWRITE_H
#define MMW_TESTS_DWWRITE_H

#include "tests/tools/blob.h"

struct dw_spec {
	bool big_endian;
	unsigned word, version;
	uint16_t name_form;   /* DW_FORM_strp, _string, _line_strp, _strx1, _strx */
	bool old_bits;        /* DW_AT_bit_offset instead of DW_AT_data_bit_offset */
	bool blocks;          /* places of members as expressions */
	bool compressed;      /* sections of the file, by zlib */
};

struct dw_writer {
	struct dw_spec spec;
	struct blob info, abbrev, str, line_str, str_offsets;
	size_t unit;          /* where the unit starts that is being written */
	size_t table;         /* and its part of .debug_str_offsets */
	unsigned code;
};

struct dw_attr {
	uint16_t at, form;
	uint64_t value;
	const char *text;
};

/* A unit starts with the DIE of the whole, whose level dw_unit_end() ends. */
void dw_unit_begin(struct dw_writer *w);
void dw_unit_end(struct dw_writer *w);

/* A DIE with `n` attributes; returns its offset in the unit. One with children is followed by them and dw_end(). */
uint32_t dw_die(struct dw_writer *w, uint16_t tag, bool children, const struct dw_attr *attrs, size_t n);
void dw_end(struct dw_writer *w);

/* DW_AT_name in the form that the specification asks for. */
struct dw_attr dw_name(const struct dw_writer *w, const char *name);

/* An executable with these sections (ELF header fields as the word size and byte order say), and the writer's end. */
void dw_finish(struct dw_writer *w, struct blob *out);

/*
 * A model of a kernel's types: struct zone is declared in one unit and defined in another, and has arrays, unnamed
 * members, bit fields. tests/unit/test_dwarf.c says what is where.
 */
void dw_model(const struct dw_spec *spec, struct blob *out);

/* Specification number `index`; false past the last. */
bool dw_spec_at(unsigned index, struct dw_spec *out);

#endif

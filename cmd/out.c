/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/out.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int find_col(const struct mmw_out *o, const char *name, size_t len)
{
	for (size_t i = 0; i < o->n_cols; i++)
		if (strlen(o->cols[i].name) == len && !strncasecmp(o->cols[i].name, name, len))
			return (int)i;
	return -1;
}

static int show_named(struct mmw_out *o, const char *list, struct mmw_err *err)
{
	for (const char *at = list; ; at++) {
		size_t len = strcspn(at, ",");
		int col = find_col(o, at, len);

		if (col < 0)
			return mmw_fail(err, MMW_E_ARG, 0, "--output: no column is called '%.*s' (see --help)", (int)len, at);
		if (o->n_shown == MMW_COLS_MAX)
			return mmw_fail(err, MMW_E_ARG, 0, "--output: too many columns");
		o->shown[o->n_shown++] = col;
		at += len;
		if (!*at)
			return 0;
	}
}

int mmw_out_init(struct mmw_out *o, const char *schema, const struct mmw_col *cols, bool json, const char *output,
		 struct mmw_err *err)
{
	memset(o, 0, sizeof(*o));
	o->to = stdout;
	o->schema = schema;
	o->cols = cols;
	while (cols[o->n_cols].name)
		o->n_cols++;
	o->mode = json ? MMW_OUT_JSON : output ? MMW_OUT_TABLE : MMW_OUT_TEXT;
	if (json)
		o->row = json_object();
	if (output && strcmp(output, "all") && strcmp(output, "default"))
		return show_named(o, output, err);
	for (size_t i = 0; i < o->n_cols; i++)
		if (cols[i].standard || (output && !strcmp(output, "all")))
			o->shown[o->n_shown++] = (int)i;
	return 0;
}

static void set_cell(struct mmw_out *o, int col, json_t *value, const char *text)
{
	o->set[col] = true;
	if (o->mode == MMW_OUT_JSON) {
		json_object_set_new(o->row, o->cols[col].name, value);
		return;
	}
	json_decref(value);
	snprintf(o->cell[col], sizeof(o->cell[col]), "%s", text);
}

/* Images hold bytes that are no UTF-8; JSON takes none of them. */
static json_t *clean_string(const char *s)
{
	char *copy = strdup(s ? s : "");
	json_t *v;

	for (char *c = copy; c && *c; c++)
		if ((unsigned char)*c >= 0x7f || ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t'))
			*c = '?';
	v = copy ? json_string(copy) : json_null();
	free(copy);
	return v;
}

void mmw_out_str(struct mmw_out *o, int col, const char *value)
{
	set_cell(o, col, o->mode == MMW_OUT_JSON ? clean_string(value) : NULL, value);
}

json_t *mmw_json_hex(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_string(text);
}

void mmw_out_hex(struct mmw_out *o, int col, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIx64, value);
	set_cell(o, col, o->mode == MMW_OUT_JSON ? mmw_json_hex(value) : NULL, text);
}

void mmw_out_num(struct mmw_out *o, int col, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	set_cell(o, col, o->mode == MMW_OUT_JSON ? json_integer((json_int_t)value) : NULL, text);
}

void mmw_out_bool(struct mmw_out *o, int col, bool value)
{
	set_cell(o, col, o->mode == MMW_OUT_JSON ? json_boolean(value) : NULL, value ? "yes" : "no");
}

void mmw_out_json(struct mmw_out *o, int col, json_t *value, const char *text)
{
	set_cell(o, col, value, text);
}

void mmw_out_words(struct mmw_out *o, int col, const char *words)
{
	json_t *list = o->mode == MMW_OUT_JSON ? json_array() : NULL;

	for (const char *at = words; list && *at; at += strspn(at, "|")) {
		size_t len = strcspn(at, "|");

		json_array_append_new(list, json_stringn(at, len));
		at += len;
	}
	set_cell(o, col, list, words);
}

void mmw_out_none(struct mmw_out *o, int col)
{
	set_cell(o, col, o->mode == MMW_OUT_JSON ? json_null() : NULL, "-");
}

static void print_cell(const struct mmw_out *o, const char *text, int col, bool last)
{
	const struct mmw_col *c = &o->cols[col];

	if (c->right)
		fprintf(o->to, "%*s%s", c->width, text, last ? "\n" : "  ");
	else if (last)
		fprintf(o->to, "%s\n", text);
	else
		fprintf(o->to, "%-*s  ", c->width, text);
}

static void print_header(struct mmw_out *o)
{
	for (size_t i = 0; i < o->n_shown; i++) {
		char name[64];
		size_t n = 0;

		for (const char *s = o->cols[o->shown[i]].name; *s && n < sizeof(name) - 1; s++)
			name[n++] = (char)toupper((unsigned char)*s);
		name[n] = '\0';
		print_cell(o, name, o->shown[i], i + 1 == o->n_shown);
	}
	o->header_done = true;
}

static void json_row(struct mmw_out *o)
{
	json_t *row = json_object();

	json_object_set_new(row, "schema", json_string(o->schema));
	for (size_t i = 0; i < o->n_cols; i++) {
		json_t *v = json_object_get(o->row, o->cols[i].name);

		json_object_set(row, o->cols[i].name, v ? v : json_null());
	}
	json_dumpf(row, o->to, JSON_COMPACT);
	fputc('\n', o->to);
	json_decref(row);
	json_object_clear(o->row);
}

void mmw_out_row(struct mmw_out *o)
{
	if (o->mode == MMW_OUT_JSON) {
		json_row(o);
	} else {
		if (!o->header_done)
			print_header(o);
		for (size_t i = 0; i < o->n_shown; i++)
			print_cell(o, o->set[o->shown[i]] ? o->cell[o->shown[i]] : "?", o->shown[i], i + 1 == o->n_shown);
	}
	memset(o->set, 0, sizeof(o->set));
}

const char *mmw_size_text(uint64_t bytes, char *buf)
{
	const char *unit = "BKMGTPE";

	while (bytes && !(bytes & 1023) && unit[1]) {
		bytes >>= 10;
		unit++;
	}
	sprintf(buf, "%" PRIu64 "%c", bytes, *unit);
	return buf;
}

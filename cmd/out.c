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
		if (o->n_cols++ == MMW_COLS_MAX)
			return mmw_fail(err, MMW_E_LIMIT, 0, "a table of more than %d columns", MMW_COLS_MAX);
	o->mode = json ? MMW_OUT_JSON : output ? MMW_OUT_TABLE : MMW_OUT_TEXT;
	if (output && strcmp(output, "all") && strcmp(output, "default"))
		return show_named(o, output, err);
	for (size_t i = 0; i < o->n_cols; i++)
		if (cols[i].standard || (output && !strcmp(output, "all")))
			o->shown[o->n_shown++] = (int)i;
	return 0;
}

static void set_text(struct mmw_out *o, int col, const char *text)
{
	o->set[col] = true;
	snprintf(o->cell[col], sizeof(o->cell[col]), "%s", text);
}

static void set_value(struct mmw_out *o, int col, json_t *value)
{
	o->set[col] = true;
	json_decref(o->value[col]);
	o->value[col] = value ? value : json_null();
}

/* Images hold bytes that are no UTF-8; JSON takes none of them. */
static json_t *clean_string(const char *s)
{
	char *copy = strdup(s);
	json_t *v;

	for (char *c = copy; c && *c; c++)
		if ((unsigned char)*c >= 0x7f || (unsigned char)*c < 0x20)
			*c = '?';
	v = copy ? json_string(copy) : json_null();
	free(copy);
	return v;
}

/* Most texts are short and need no escaping: those are written as they are. */
static bool set_plain(struct mmw_out *o, int col, const char *value)
{
	char *cell = o->cell[col];
	size_t n = 0;

	for (; value[n]; n++) {
		char c = value[n];

		if (n + 3 >= MMW_CELL_MAX || c < ' ' || c > '~' || c == '"' || c == '\\')
			return false;
		cell[n + 1] = c;
	}
	cell[0] = cell[n + 1] = '"';
	cell[n + 2] = '\0';
	json_decref(o->value[col]);
	o->value[col] = NULL;
	o->set[col] = true;
	return true;
}

void mmw_out_str(struct mmw_out *o, int col, const char *value)
{
	if (o->mode != MMW_OUT_JSON)
		set_text(o, col, value);
	else if (!set_plain(o, col, value))
		set_value(o, col, clean_string(value));
}

json_t *mmw_json_hex(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_string(text);
}

/* Scalars are millions in a long listing: they are written as text, in JSON too. */
void mmw_out_hex(struct mmw_out *o, int col, uint64_t value)
{
	static const char digits[] = "0123456789abcdef";
	unsigned n = value ? (67 - (unsigned)__builtin_clzll(value)) / 4 : 1;
	char *cell = o->cell[col];

	o->set[col] = true;
	if (o->mode == MMW_OUT_JSON) {
		memcpy(cell, "\"0x", 3);
		cell += 3;
		cell[n] = '"';
		cell[n + 1] = '\0';
	} else {
		cell[n] = '\0';
	}
	for (; n; value >>= 4)
		cell[--n] = digits[value & 15];
}

void mmw_out_num(struct mmw_out *o, int col, uint64_t value)
{
	o->set[col] = true;
	snprintf(o->cell[col], sizeof(o->cell[col]), "%" PRIu64, value);
}

void mmw_out_bool(struct mmw_out *o, int col, bool value)
{
	if (o->mode == MMW_OUT_JSON)
		set_text(o, col, value ? "true" : "false");
	else
		set_text(o, col, value ? "yes" : "no");
}

void mmw_out_json(struct mmw_out *o, int col, json_t *value, const char *text)
{
	if (o->mode == MMW_OUT_JSON) {
		set_value(o, col, value);
	} else {
		json_decref(value);
		set_text(o, col, text);
	}
}

void mmw_out_words(struct mmw_out *o, int col, const char *words)
{
	json_t *list;

	if (o->mode != MMW_OUT_JSON) {
		set_text(o, col, words);
		return;
	}
	list = json_array();
	for (const char *at = words; *at; at += strspn(at, "|")) {
		size_t len = strcspn(at, "|");

		json_array_append_new(list, json_stringn(at, len));
		at += len;
	}
	set_value(o, col, list);
}

void mmw_out_none(struct mmw_out *o, int col)
{
	if (o->mode == MMW_OUT_JSON)
		set_text(o, col, "null");
	else
		set_text(o, col, "-");
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

/* Names of columns and schemas are ours, and need no escaping. */
static void json_row(struct mmw_out *o)
{
	fprintf(o->to, "{\"schema\":\"%s\"", o->schema);
	for (size_t i = 0; i < o->n_cols; i++) {
		fputs_unlocked(",\"", o->to);
		fputs_unlocked(o->cols[i].name, o->to);
		fputs_unlocked("\":", o->to);
		if (o->value[i])
			json_dumpf(o->value[i], o->to, JSON_COMPACT | JSON_ENCODE_ANY);
		else
			fputs_unlocked(o->set[i] ? o->cell[i] : "null", o->to);
		json_decref(o->value[i]);
		o->value[i] = NULL;
	}
	fputs("}\n", o->to);
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

void mmw_out_lines(struct mmw_out *o)
{
	for (size_t i = 0; i < o->n_cols; i++) {
		const char *text = o->set[i] ? o->cell[i] : "?";

		if (!strcmp(text, "-"))
			continue;
		for (const char *s = o->cols[i].name; *s; s++)
			fputc(*s == '_' ? ' ' : *s, o->to);
		fprintf(o->to, "%*s%s\n", MMW_LINE_NAMES - (int)strlen(o->cols[i].name), "", text);
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

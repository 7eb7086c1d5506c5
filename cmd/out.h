/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output: a command describes its records once, as columns; from them come the table of --output, the JSON of --json
 * and the list in --help. A command whose records have a text form of their own (the kernel's, crash's) prints that
 * while the mode is MMW_OUT_TEXT, and emits rows otherwise.
 */
#ifndef MMW_CMD_OUT_H
#define MMW_CMD_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/err.h"

struct mmw_col {
	const char *name;  /* of the JSON key, and (in capitals) of the table's column */
	const char *help;
	int width;         /* at least; the last column shown is never padded */
	bool right;
	bool standard;     /* shown by --output all that names no columns ("default") */
};

enum mmw_out_mode { MMW_OUT_TEXT, MMW_OUT_TABLE, MMW_OUT_JSON };

enum { MMW_COLS_MAX = 32, MMW_CELL_MAX = 640, MMW_LINE_NAMES = 14 };

struct mmw_out {
	enum mmw_out_mode mode;
	FILE *to;
	const char *schema;          /* "translate/1" */
	const struct mmw_col *cols;  /* ends with a NULL name */
	size_t n_cols;
	int shown[MMW_COLS_MAX];     /* columns of the table, in order */
	size_t n_shown;
	bool header_done;
	json_t *value[MMW_COLS_MAX];  /* JSON: cells that are no scalar */
	char cell[MMW_COLS_MAX][MMW_CELL_MAX];
	bool set[MMW_COLS_MAX];
};

/* `output`: the argument of --output (comma-separated names, "all", "default"), or NULL. MMW_E_ARG for unknown names. */
int mmw_out_init(struct mmw_out *o, const char *schema, const struct mmw_col *cols, bool json, const char *output,
		 struct mmw_err *err);

/* Set a cell of the row in the making. A cell left alone is "?" in the table and null in JSON. */
void mmw_out_str(struct mmw_out *o, int col, const char *value);
void mmw_out_hex(struct mmw_out *o, int col, uint64_t value);  /* JSON: a string, as 64 bits do not fit its numbers */
void mmw_out_num(struct mmw_out *o, int col, uint64_t value);
void mmw_out_bool(struct mmw_out *o, int col, bool value);
/* A structured value (taken over), with `text` for the table. */
void mmw_out_json(struct mmw_out *o, int col, json_t *value, const char *text);
/* "A|B|C": a list in JSON, as it is in the table. */
void mmw_out_words(struct mmw_out *o, int col, const char *words);
/* Not known, and why: null in JSON, "-" in the table. */
void mmw_out_none(struct mmw_out *o, int col);

/* Print the row and start the next one. */
void mmw_out_row(struct mmw_out *o);
/* The same as text, a line for each cell: its name and value. Cells that are "-" are left out. */
void mmw_out_lines(struct mmw_out *o);

/* A 64-bit value as the JSON string "0x...". */
json_t *mmw_json_hex(uint64_t value);

/* "4K", "2M", "1G" for a power of two; larger units only where they are exact. buf holds at least 24 bytes. */
const char *mmw_size_text(uint64_t bytes, char *buf);

#endif

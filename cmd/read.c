/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read: memory as bytes, or as a struct with the values of its members, through the image's own page tables and types. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/value.h"
#include "lib/base/bytes.h"

enum {
	KEY_PHYS = 'p', KEY_TYPE = 't',
	LINE = 16,
	LEN_DEFAULT = 256,
};

static const uint64_t len_max = 1ull << 40;

struct read_opts {
	struct mmw_space_opts space;
	bool phys;
	const char *type;
};

static const struct argp_option options[] = {
	MMW_SPACE_OPTIONS,
	{ "phys", KEY_PHYS, 0, 0, "ADDR is a physical address", 0 },
	{ "type", KEY_TYPE, "NAME", 0, "print this struct, with the values of its members", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct read_opts *o = state->input;

	switch (key) {
	case KEY_PHYS:
		o->phys = true;
		return 0;
	case KEY_TYPE:
		o->type = arg;
		return 0;
	default:
		return mmw_space_parse(key, arg, state, &o->space);
	}
}

struct job {
	struct mmw_target *t;
	bool phys;
	struct mmw_space space;
	struct mmw_vm vm;
	struct mmw_mem mem;
};

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static int address_width(const struct job *j)
{
	const struct mmw_arch *arch = mmw_kernel_arch(j->t->kernel);

	return arch && !j->phys ? 2 * (int)arch->word : 16;
}

static void print_bytes(struct job *j, uint64_t va, const uint8_t *bytes, size_t len)
{
	FILE *to = j->t->out.to;
	char text[LINE + 1] = "", hex[2 * LINE + 1] = "";

	for (size_t i = 0; i < len; i++)
		text[i] = isprint(bytes[i]) ? (char)bytes[i] : '.';
	mmw_hex_text(bytes, len, hex);
	if (j->t->out.mode != MMW_OUT_TEXT) {
		mmw_out_hex(&j->t->out, MMW_VALUE_ADDRESS, va);
		mmw_out_str(&j->t->out, MMW_VALUE_STATUS, "stored");
		mmw_out_str(&j->t->out, MMW_VALUE_BYTES, hex);
		mmw_out_str(&j->t->out, MMW_VALUE_TEXT, text);
		mmw_out_row(&j->t->out);
		return;
	}
	fprintf(to, "%0*" PRIx64 " ", address_width(j), va);
	for (size_t i = 0; i < LINE; i++) {
		if (i < len)
			fprintf(to, "%s%02x", i % 8 ? " " : "  ", bytes[i]);
		else
			fputs(i % 8 ? "   " : "    ", to);
	}
	fprintf(to, "  |%s|\n", text);
}

static void print_gap(struct job *j, uint64_t va, uint64_t len, enum mmw_code code)
{
	j->t->damage = true;
	if (j->t->out.mode == MMW_OUT_TEXT) {
		fprintf(j->t->out.to, "%0*" PRIx64 "   (%s, %" PRIu64 " bytes)\n", address_width(j), va, mmw_stored_word(code), len);
		return;
	}
	mmw_out_hex(&j->t->out, MMW_VALUE_ADDRESS, va);
	mmw_out_str(&j->t->out, MMW_VALUE_STATUS, mmw_stored_word(code));
	mmw_out_row(&j->t->out);
}

static int dump_bytes(struct job *j, uint64_t va, uint64_t len)
{
	uint64_t gap = 0, gap_at = 0;
	enum mmw_code why = MMW_OK, code;
	uint8_t page[4096];

	for (uint64_t n; len; len -= n, va += n) {
		n = mmw_read_piece(&j->mem, va, page, len < sizeof(page) ? len : sizeof(page), &code);
		if (gap && code != why) {
			print_gap(j, gap_at, gap, why);
			gap = 0;
		}
		if (code) {
			gap_at = gap ? gap_at : va;
			gap += n;
			why = code;
			continue;
		}
		for (uint64_t at = 0; at < n; at += LINE)
			print_bytes(j, va + at, page + at, n - at < LINE ? n - at : LINE);
	}
	if (gap)
		print_gap(j, gap_at, gap, why);
	return 0;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* Decimal, hexadecimal with 0x; K, M or G behind it. */
static int parse_len(const char *text, uint64_t *out, struct mmw_err *err)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	unit = *end && end[1] == '\0' ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit && *out <= len_max)
		*out <<= 10 * (unit - units + 1);
	if (end == text || (*end && !unit) || errno || *text == '-' || !*out || *out > len_max)
		return mmw_fail(err, MMW_E_ARG, 0, "LEN: '%s' is no number of bytes", text);
	return 0;
}

static int open_job(struct job *j, const struct read_opts *o, const char *where, uint64_t *va, struct mmw_err *err)
{
	int rc;

	if (o->phys) {
		char *end;

		errno = 0;
		*va = strtoull(where, &end, 16);
		j->mem = mmw_phys_mem(mmw_kernel_reader(j->t->kernel));
		return end == where || *end || errno || *where == '-' ?
			mmw_fail(err, MMW_E_ARG, 0, "'%s' is no physical address", where) : 0;
	}
	rc = mmw_kernel_address(j->t->kernel, where, va, err);
	rc = rc ? rc : mmw_target_space(j->t, &o->space, &j->space, err);
	if (rc)
		return rc;
	mmw_vm_init(&j->vm, mmw_kernel_reader(j->t->kernel), &j->space);
	j->mem = mmw_vm_mem(&j->vm);
	return 0;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	const struct read_opts *o = opts;
	uint64_t va, len = LEN_DEFAULT;
	struct job *j;
	int rc = 0;

	if (argc < 1 || argc > (o->type ? 1 : 2))
		return mmw_fail(err, MMW_E_ARG, 0, o->type ? "--type takes an address and no length" : "an address, and perhaps a length");
	j = calloc(1, sizeof(*j));
	if (!j)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read");
	j->t = t;
	j->phys = o->phys;
	if (argc > 1)
		rc = parse_len(argv[1], &len, err);
	rc = rc ? rc : open_job(j, o, argv[0], &va, err);
	if (!rc && len - 1 > UINT64_MAX - va)
		len = UINT64_MAX - va + 1;
	if (!rc)
		rc = o->type ? mmw_value_print(t, &j->mem, o->type, va, err) : dump_bytes(j, va, len);
	free(j);
	return rc;
}

const struct mmw_cmd mmw_cmd_read = {
	.name = "read",
	.summary = "memory as bytes, or as a struct with its values",
	.args = "ADDR|SYMBOL [LEN]",
	.doc = "Print LEN bytes (256; 0x for hexadecimal, K, M or G behind it) from an address on, as the page tables of the image map "
	       "it. What is not there is told, and why. With --type, print a struct with the values of its members.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct read_opts),
	.cols = mmw_value_cols,
	.schema = "read/1",
	.run = run,
};

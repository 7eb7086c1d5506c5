/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read: memory as bytes, or as a struct with the values of its members, through the image's own page tables and types. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/bytes.h"
#include "lib/sym/ctext.h"

enum { COL_ADDRESS, COL_STATUS, COL_BYTES, COL_TEXT, COL_PATH, COL_TYPE, COL_VALUE };

static const struct mmw_col cols[] = {
	[COL_ADDRESS] = { "address", "of the first byte", 16, true, true },
	[COL_STATUS] = { "status", "stored, not-present, excluded, absent, truncated, corrupt", 11, false, true },
	[COL_BYTES] = { "bytes", "in the order of memory", 32, false, true },
	[COL_TEXT] = { "text", "the same, as characters", 16, false, true },
	[COL_PATH] = { "path", "--type: which member", 32, false, true },
	[COL_TYPE] = { "type", "--type: its type as C writes it", 24, false, false },
	[COL_VALUE] = { "value", "--type: what it is worth", 16, false, true },
	{ 0 },
};

enum {
	KEY_PHYS = 'p', KEY_TYPE = 't',
	LINE = 16,
	LEN_DEFAULT = 256,
	TYPE_MAX = 16 << 20,   /* bytes of a struct */
	DEPTH_MAX = 12,
	ELEMENTS_MAX = 64,     /* of an array that are printed */
	VALUES_MAX = 1 << 18,
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

static const char *state_of(enum mmw_code code)
{
	return code == MMW_OK ? "stored" : code == MMW_E_NOTPRESENT ? "not-present" : mmw_code_word((int)code);
}

/* As much of [va, va + len) as is of one kind: stored, or not for one reason. A kind changes at pages only. */
static size_t read_piece(struct job *j, uint64_t va, uint8_t *buf, size_t len, enum mmw_code *code)
{
	size_t page = 4096 - va % 4096;

	len = len < page ? len : page;
	*code = (enum mmw_code)-mmw_mem_read(&j->mem, va, buf, len, NULL);
	return len;
}

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
		mmw_out_hex(&j->t->out, COL_ADDRESS, va);
		mmw_out_str(&j->t->out, COL_STATUS, "stored");
		mmw_out_str(&j->t->out, COL_BYTES, hex);
		mmw_out_str(&j->t->out, COL_TEXT, text);
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
		fprintf(j->t->out.to, "%0*" PRIx64 "   (%s, %" PRIu64 " bytes)\n", address_width(j), va, state_of(code), len);
		return;
	}
	mmw_out_hex(&j->t->out, COL_ADDRESS, va);
	mmw_out_str(&j->t->out, COL_STATUS, state_of(code));
	mmw_out_row(&j->t->out);
}

static int dump_bytes(struct job *j, uint64_t va, uint64_t len)
{
	uint64_t gap = 0, gap_at = 0;
	enum mmw_code why = MMW_OK, code;
	uint8_t page[4096];

	for (uint64_t n; len; len -= n, va += n) {
		n = read_piece(j, va, page, len < sizeof(page) ? len : sizeof(page), &code);
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

/* --- values ------------------------------------------------------------------------------------------------------- */

/* A struct in memory: its bytes, and for each page of it why they are not there. */
struct object {
	struct job *j;
	const struct mmw_typesrc *types;
	uint64_t va, len;
	uint8_t *bytes;
	uint8_t *codes;     /* enum mmw_code of each page, counted from va's */
	bool be;
	unsigned word;
	size_t values;
	struct mmw_err *err;
};

/* What is being printed: a type at a place in the object. */
struct spot {
	uint64_t type, bit;
	uint32_t bits;
	unsigned depth;
	const char *path;
};

static enum mmw_code missing(const struct object *o, uint64_t off, uint64_t len)
{
	uint64_t first = o->va % 4096 + off;

	for (uint64_t page = first / 4096; len && page <= (first + len - 1) / 4096; page++)
		if (o->codes[page])
			return (enum mmw_code)o->codes[page];
	return MMW_OK;
}

/* A bit field counts as the target does: from the least significant bit, in big endian from the most significant. */
static uint64_t bits_at(const struct object *o, const struct spot *s, uint64_t size)
{
	uint64_t v = 0;

	if (!s->bits)
		return mmw_get_word(o->bytes + s->bit / 8, (unsigned)size, o->be);
	for (uint32_t i = 0; i < s->bits && i < 64; i++) {
		uint64_t bit = s->bit + i;
		unsigned in_byte = o->be ? 7 - bit % 8 : bit % 8;
		uint64_t one = o->bytes[bit / 8] >> in_byte & 1;

		v = o->be ? v << 1 | one : v | one << i;
	}
	return v;
}

static int64_t extend(uint64_t v, unsigned bits)
{
	return bits && bits < 64 ? (int64_t)(v << (64 - bits)) >> (64 - bits) : (int64_t)v;
}

struct enum_search {
	int64_t value;
	const char *name;
};

static int is_value(void *ctx, const struct mmw_type_part *part)
{
	struct enum_search *s = ctx;

	if (part->value != s->value)
		return 0;
	s->name = part->name;
	return 1;
}

static enum mmw_code scalar_text(struct object *o, const struct spot *s, uint64_t id, const struct mmw_type *type, char *buf,
				 size_t size)
{
	uint64_t len = s->bits ? (s->bits + s->bit % 8 + 7) / 8 : type->size;
	enum mmw_code code = mmw_fits(s->bit / 8, len, o->len) ? missing(o, s->bit / 8, len) : MMW_E_CORRUPT;
	char symbol[MMW_KSYM_NAME_MAX + 80];
	uint64_t v;

	if (code || (!s->bits && type->size != 1 && type->size != 2 && type->size != 4 && type->size != 8)) {
		snprintf(buf, size, "(%s)", code ? state_of(code) : "?");
		o->j->t->damage |= code != MMW_OK;
		return code;
	}
	v = bits_at(o, s, type->size);
	if (type->kind == MMW_TYPE_POINTER) {
		mmw_symbol_text(o->j->t->kernel, v, symbol, sizeof(symbol));
		snprintf(buf, size, *symbol ? "0x%" PRIx64 " <%.300s>" : "0x%" PRIx64, v, symbol);
	} else if (type->kind == MMW_TYPE_ENUM) {
		struct enum_search e = { type->is_signed ? extend(v, s->bits ? s->bits : 8 * (unsigned)type->size) : (int64_t)v, NULL };

		if (o->types->parts(o->types->src, id, is_value, &e, NULL) == 1)
			snprintf(buf, size, "%s", e.name);
		else
			snprintf(buf, size, "%" PRId64, e.value);
	} else if (type->is_signed) {
		snprintf(buf, size, "%" PRId64, extend(v, s->bits ? s->bits : 8 * (unsigned)type->size));
	} else {
		snprintf(buf, size, v > 9 ? "%" PRIu64 " (0x%" PRIx64 ")" : "%" PRIu64, v, v);
	}
	return MMW_OK;
}

static void put(struct object *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct object *o, const char *fmt, ...)
{
	va_list ap;

	if (o->j->t->out.mode != MMW_OUT_TEXT)
		return;
	va_start(ap, fmt);
	vfprintf(o->j->t->out.to, fmt, ap);
	va_end(ap);
}

static void put_row(struct object *o, const struct spot *s, enum mmw_code code, const char *value)
{
	struct mmw_out *out = &o->j->t->out;
	struct mmw_ctext text;
	char type[800];

	if (out->mode == MMW_OUT_TEXT)
		return;
	mmw_out_hex(out, COL_ADDRESS, o->va + s->bit / 8);
	mmw_out_str(out, COL_PATH, s->path);
	mmw_out_str(out, COL_STATUS, state_of(code));
	if (!code)
		mmw_out_str(out, COL_VALUE, value);
	if (!mmw_ctext(o->types, s->type, "", &text, NULL)) {
		snprintf(type, sizeof(type), "%s%s%s", text.type, *text.decl ? " " : "", text.decl);
		mmw_out_str(out, COL_TYPE, type);
	}
	mmw_out_row(out);
}

static int print_value(struct object *o, const struct spot *s);

struct members {
	struct object *o;
	const struct spot *outer;
};

static int print_member(void *ctx, const struct mmw_type_part *part)
{
	struct members *m = ctx;
	struct object *o = m->o;
	struct spot s = { part->type, m->outer->bit + part->bit, part->bits, m->outer->depth + 1, NULL };
	char *path;
	int rc;

	if (asprintf(&path, "%s%s%s", m->outer->path, *m->outer->path && *part->name ? "." : "", part->name) < 0)
		return mmw_fail(o->err, MMW_E_NOMEM, 0, "no memory for the name of a member");
	s.path = path;
	put(o, "%*s%s%s", (int)(4 * s.depth), "", part->name, *part->name ? " = " : "");
	rc = print_value(o, &s);
	put(o, ",\n");
	free(path);
	return rc;
}

static int print_struct(struct object *o, const struct spot *s, uint64_t id)
{
	struct members m = { o, s };
	int rc;

	if (s->depth >= DEPTH_MAX) {
		put(o, "{...}");
		return 0;
	}
	put(o, "{\n");
	rc = o->types->parts(o->types->src, id, print_member, &m, o->err);
	put(o, "%*s}", (int)(4 * s->depth), "");
	return rc;
}

/* Characters up to a NUL, if that is what they are. */
static bool print_string(struct object *o, const struct spot *s, uint64_t count)
{
	char text[256];
	size_t n = 0;

	if (!mmw_fits(s->bit / 8, count, o->len) || missing(o, s->bit / 8, count))
		return false;
	for (; n < count && n < sizeof(text) - 1 && o->bytes[s->bit / 8 + n]; n++) {
		text[n] = (char)o->bytes[s->bit / 8 + n];
		if (!isprint((unsigned char)text[n]) || text[n] == '"')
			return false;
	}
	text[n] = '\0';
	put(o, "\"%s\"", text);
	put_row(o, s, MMW_OK, text);
	return true;
}

static int print_array(struct object *o, const struct spot *s, const struct mmw_type *array)
{
	uint64_t id = array->target, each;
	struct mmw_type elem;
	bool wide;
	int rc = mmw_type_resolve(o->types, &id, &elem, o->err);

	rc = rc ? rc : mmw_type_bytes(o->types, array->target, &each, o->err);
	if (rc || (elem.kind == MMW_TYPE_INT && elem.size == 1 && strstr(elem.name, "char") && print_string(o, s, array->count)))
		return rc;
	wide = elem.kind == MMW_TYPE_STRUCT || elem.kind == MMW_TYPE_UNION || elem.kind == MMW_TYPE_ARRAY;
	put(o, wide ? "{\n" : "{ ");
	for (uint64_t i = 0; !rc && i < array->count && i < ELEMENTS_MAX; i++) {
		struct spot in = { array->target, s->bit + 8 * i * each, 0, s->depth + wide, NULL };
		char *path;

		if (asprintf(&path, "%s[%" PRIu64 "]", s->path, i) < 0)
			return mmw_fail(o->err, MMW_E_NOMEM, 0, "no memory for the name of a member");
		in.path = path;
		put(o, "%*s", wide ? (int)(4 * in.depth) : 0, "");
		rc = print_value(o, &in);
		put(o, wide ? ",\n" : i + 1 < array->count ? ", " : " ");
		free(path);
	}
	if (array->count > ELEMENTS_MAX)
		put(o, "%*s... %" PRIu64 " more%s", wide ? (int)(4 * (s->depth + 1)) : 0, "", array->count - ELEMENTS_MAX, wide ? "\n" : " ");
	put(o, "%*s}", wide ? (int)(4 * s->depth) : 0, "");
	return rc;
}

static int print_value(struct object *o, const struct spot *s)
{
	uint64_t id = s->type;
	struct mmw_type type;
	enum mmw_code code;
	char text[800];
	int rc = mmw_type_resolve(o->types, &id, &type, o->err);

	if (rc)
		return rc;
	if (o->values++ > VALUES_MAX)
		return mmw_fail(o->err, MMW_E_LIMIT, 0, "more than %d values", VALUES_MAX);
	if (type.kind == MMW_TYPE_STRUCT || type.kind == MMW_TYPE_UNION)
		return print_struct(o, s, id);
	if (type.kind == MMW_TYPE_ARRAY)
		return s->depth < DEPTH_MAX ? print_array(o, s, &type) : 0;
	code = scalar_text(o, s, id, &type, text, sizeof(text));
	put(o, "%s", text);
	put_row(o, s, code, text);
	return 0;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static void fill_object(struct object *o)
{
	for (uint64_t at = 0, n; at < o->len; at += n) {
		enum mmw_code code;

		n = read_piece(o->j, o->va + at, o->bytes + at, o->len - at, &code);
		o->codes[(o->va % 4096 + at) / 4096] = (uint8_t)code;
	}
}

static int dump_type(struct job *j, const char *name, uint64_t va, struct mmw_err *err)
{
	const struct mmw_arch *arch = mmw_kernel_arch(j->t->kernel);
	struct object o = { .j = j, .va = va, .be = mmw_image_big_endian(j->t->image), .word = arch ? arch->word : 8, .err = err };
	struct spot s = { .path = "" };
	struct mmw_ctext text;
	int rc;

	name = mmw_bare_type(name);
	rc = mmw_find_type(j->t->kernel, name, &o.types, &s.type, err);
	rc = rc ? rc : mmw_type_bytes(o.types, s.type, &o.len, err);
	rc = rc ? rc : mmw_ctext(o.types, s.type, "", &text, err);
	if (!rc && (o.len > TYPE_MAX || va + o.len < va))
		rc = mmw_fail(err, MMW_E_LIMIT, va, "%s has %" PRIu64 " bytes", name, o.len);
	if (rc)
		return rc;
	o.bytes = calloc(1, o.len + 8);
	o.codes = calloc(1, o.len / 4096 + 2);
	if (o.bytes && o.codes) {
		fill_object(&o);
		put(&o, "(%s)", text.type);
		rc = print_value(&o, &s);
		put(&o, "\n");
	} else {
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %" PRIu64 " bytes", o.len);
	}
	free(o.bytes);
	free(o.codes);
	return rc;
}

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
		rc = o->type ? dump_type(j, o->type, va, err) : dump_bytes(j, va, len);
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
	.cols = cols,
	.schema = "read/1",
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/sym/ctext.h"

const struct mmw_col mmw_value_cols[] = {
	[MMW_VALUE_ADDRESS] = { "address", "of the first byte", 16, true, true },
	[MMW_VALUE_STATUS] = { "status", "stored, not-present, excluded, absent, truncated, corrupt", 11, false, true },
	[MMW_VALUE_BYTES] = { "bytes", "in the order of memory", 32, false, true },
	[MMW_VALUE_TEXT] = { "text", "the same, as characters", 16, false, true },
	[MMW_VALUE_PATH] = { "path", "--type: which member", 32, false, true },
	[MMW_VALUE_TYPE] = { "type", "--type: its type as C writes it", 24, false, false },
	[MMW_VALUE_VALUE] = { "value", "--type: what it is worth", 16, false, true },
	{ 0 },
};

enum {
	TYPE_MAX = 16 << 20,   /* bytes of a struct */
	DEPTH_MAX = 12,
	ELEMENTS_MAX = 64,     /* of an array that are printed */
	VALUES_MAX = 1 << 18,
};

const char *mmw_stored_word(enum mmw_code code)
{
	return code == MMW_OK ? "stored" : code == MMW_E_NOTPRESENT ? "not-present" : mmw_code_word((int)code);
}

size_t mmw_read_piece(const struct mmw_mem *mem, uint64_t va, uint8_t *buf, size_t len, enum mmw_code *code)
{
	size_t page = 4096 - va % 4096;

	len = len < page ? len : page;
	*code = (enum mmw_code)-mmw_mem_read(mem, va, buf, len, NULL);
	return len;
}

/* A struct in memory: its bytes, and for each page of it why they are not there. */
struct object {
	struct mmw_target *t;
	const struct mmw_mem *mem;
	const struct mmw_typesrc *types;
	uint64_t va, len;
	uint8_t *bytes;
	uint8_t *codes;     /* enum mmw_code of each page, counted from va's */
	bool be;
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
		snprintf(buf, size, "(%s)", code ? mmw_stored_word(code) : "?");
		o->t->damage |= code != MMW_OK;
		return code;
	}
	v = bits_at(o, s, type->size);
	if (type->kind == MMW_TYPE_POINTER) {
		mmw_symbol_text(o->t->kernel, v, symbol, sizeof(symbol));
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

	if (o->t->out.mode != MMW_OUT_TEXT)
		return;
	va_start(ap, fmt);
	vfprintf(o->t->out.to, fmt, ap);
	va_end(ap);
}

static void put_row(struct object *o, const struct spot *s, enum mmw_code code, const char *value)
{
	struct mmw_out *out = &o->t->out;
	struct mmw_ctext text;
	char type[800];

	if (out->mode == MMW_OUT_TEXT)
		return;
	mmw_out_hex(out, MMW_VALUE_ADDRESS, o->va + s->bit / 8);
	mmw_out_str(out, MMW_VALUE_PATH, s->path);
	mmw_out_str(out, MMW_VALUE_STATUS, mmw_stored_word(code));
	if (!code)
		mmw_out_str(out, MMW_VALUE_VALUE, value);
	if (!mmw_ctext(o->types, s->type, "", &text, NULL)) {
		snprintf(type, sizeof(type), "%s%s%s", text.type, *text.decl ? " " : "", text.decl);
		mmw_out_str(out, MMW_VALUE_TYPE, type);
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

static void fill_object(struct object *o)
{
	for (uint64_t at = 0, n; at < o->len; at += n) {
		enum mmw_code code;

		n = mmw_read_piece(o->mem, o->va + at, o->bytes + at, o->len - at, &code);
		o->codes[(o->va % 4096 + at) / 4096] = (uint8_t)code;
	}
}

int mmw_value_print(struct mmw_target *t, const struct mmw_mem *mem, const char *name, uint64_t va, struct mmw_err *err)
{
	struct object o = { .t = t, .mem = mem, .va = va, .be = mmw_image_big_endian(t->image), .err = err };
	struct spot s = { .path = "" };
	struct mmw_ctext text;
	int rc;

	name = mmw_bare_type(name);
	rc = mmw_find_type(t->kernel, name, &o.types, &s.type, err);
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

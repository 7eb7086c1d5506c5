/* SPDX-License-Identifier: GPL-2.0-or-later */
/* types: a struct's members as C and as pahole print them, from the source in use, or what two sources say differently. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/vec.h"
#include "lib/sym/ctext.h"

enum { COL_PATH, COL_TYPE, COL_OFFSET, COL_SIZE, COL_BIT, COL_BITS, COL_VALUE, COL_DEPTH, COL_SOURCE };

static const struct mmw_col cols[] = {
	[COL_PATH] = { "path", "the member or enumerator, with the names it is inside of", 40, false, true },
	[COL_TYPE] = { "type", "its type as C writes it", 32, false, true },
	[COL_OFFSET] = { "offset", "bytes from the start of the outermost struct", 6, true, true },
	[COL_SIZE] = { "size", "bytes; of a bit field, of its type", 6, true, true },
	[COL_BIT] = { "bit", "bit field: its first bit from the start of the outermost struct", 5, true, false },
	[COL_BITS] = { "bits", "bit field: how many", 4, true, true },
	[COL_VALUE] = { "value", "of an enumerator", 10, true, false },
	[COL_DEPTH] = { "depth", "unnamed structs and unions around it", 5, true, false },
	[COL_SOURCE] = { "source", "who says so: BTF, vmlinux BTF, DWARF", 8, false, true },
	{ 0 },
};

enum {
	KEY_SOURCE = 's',
	DEPTH_MAX = 16,
	PARTS_MAX = 1 << 16,
	COMMENT_AT = 57,     /* columns as pahole has them */
	TYPE_WIDTH = 26,
	CACHELINE = 64,
};

struct types_opts {
	const char *source[2];
};

static const struct argp_option options[] = {
	{ "source", KEY_SOURCE, "NAME", 0, "ask this source: BTF, 'vmlinux BTF', DWARF; given twice, print what differs", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct types_opts *o = state->input;

	if (key != KEY_SOURCE)
		return ARGP_ERR_UNKNOWN;
	if (o->source[1])
		argp_error(state, "--source: two at most");
	o->source[o->source[0] != NULL] = arg;
	return 0;
}

/* --- a type as a list of lines ------------------------------------------------------------------------------------ */

enum line_kind { LINE_MEMBER, LINE_OPEN, LINE_CLOSE };

/* One line of the listing: a member, or the start or end of an unnamed struct or union that is printed in full. */
struct entry {
	enum line_kind kind;
	unsigned depth;
	bool in_union, is_union;
	struct mmw_ctext text;
	char *path;
	uint64_t bit, size;   /* bit: from the start of the outermost struct */
	uint32_t bits;
	int64_t value;
};

struct listing {
	const struct mmw_typesrc *source;
	struct mmw_type type;
	struct entry *line;
	size_t n, cap;
};

static void free_listing(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->line[i].path);
	free(l->line);
}

/* Where the members that are being visited are inside of. */
struct inside {
	struct listing *l;
	uint64_t bit;
	unsigned depth;
	bool is_union, is_enum;
	const char *path;
	struct mmw_err *err;
};

static int add_line(struct inside *in, enum line_kind kind, const struct mmw_type_part *part, struct mmw_err *err)
{
	struct listing *l = in->l;
	struct entry *e;
	int rc = mmw_vec_reserve(&l->line, &l->cap, l->n + 1, sizeof(*l->line), err);

	if (rc)
		return rc;
	if (l->n >= PARTS_MAX)
		return mmw_fail(err, MMW_E_LIMIT, 0, "more than %d members", PARTS_MAX);
	e = &l->line[l->n];
	memset(e, 0, sizeof(*e));
	if (asprintf(&e->path, "%s%s%s", in->path, *in->path && *part->name ? "." : "", part->name) < 0)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the name of a member");
	l->n++;
	e->kind = kind;
	e->depth = in->depth;
	e->in_union = in->is_union;
	e->bit = in->bit + part->bit;
	e->bits = part->bits;
	e->value = part->value;
	return 0;
}

static int add_part(void *ctx, const struct mmw_type_part *part);

/* A struct without a name of its own has its members printed where it stands. */
static int add_inner(struct inside *in, const struct mmw_type_part *part, uint64_t id, const struct mmw_type *type)
{
	struct listing *l = in->l;
	size_t open = l->n;
	struct inside inner = *in;
	int rc = add_line(in, LINE_OPEN, part, in->err);

	if (rc)
		return rc;
	l->line[open].is_union = type->kind == MMW_TYPE_UNION;
	inner.bit += part->bit;
	inner.depth++;
	inner.is_union = type->kind == MMW_TYPE_UNION;
	inner.path = l->line[open].path;
	rc = l->source->parts(l->source->src, id, add_part, &inner, in->err);
	rc = rc ? rc : add_line(in, LINE_CLOSE, part, in->err);
	if (!rc)
		l->line[l->n - 1].is_union = type->kind == MMW_TYPE_UNION;
	rc = rc ? rc : mmw_ctext(l->source, part->type, part->name, &l->line[l->n - 1].text, in->err);
	if (!rc && mmw_type_bytes(l->source, part->type, &l->line[l->n - 1].size, NULL))
		l->line[l->n - 1].size = 0;
	return rc;
}

static int add_part(void *ctx, const struct mmw_type_part *part)
{
	struct inside *in = ctx;
	struct listing *l = in->l;
	uint64_t id = part->type;
	struct mmw_type type;
	int rc = in->is_enum ? 0 : l->source->describe(l->source->src, id, &type, in->err);

	if (rc)
		return rc;
	for (unsigned dims = 0; !in->is_enum && type.kind == MMW_TYPE_ARRAY && !rc && dims < DEPTH_MAX; dims++) {
		id = type.target;
		rc = l->source->describe(l->source->src, id, &type, in->err);
	}
	if (!rc && !in->is_enum && (type.kind == MMW_TYPE_STRUCT || type.kind == MMW_TYPE_UNION) && !*type.name && !type.declared &&
	    in->depth < DEPTH_MAX)
		return add_inner(in, part, id, &type);
	rc = rc ? rc : add_line(in, LINE_MEMBER, part, in->err);
	if (rc || in->is_enum)
		return rc;
	rc = mmw_ctext(l->source, part->type, part->name, &l->line[l->n - 1].text, in->err);
	if (!rc && mmw_type_bytes(l->source, part->type, &l->line[l->n - 1].size, NULL))
		l->line[l->n - 1].size = 0;
	return rc;
}

static int make_listing(const struct mmw_typesrc *source, uint64_t id, struct listing *l, struct mmw_err *err)
{
	struct inside in = { .l = l, .path = "", .depth = 1, .err = err };
	int rc = mmw_type_resolve(source, &id, &l->type, err);

	l->source = source;
	if (rc)
		return rc;
	in.is_union = l->type.kind == MMW_TYPE_UNION;
	in.is_enum = l->type.kind == MMW_TYPE_ENUM;
	return in.is_enum || in.is_union || l->type.kind == MMW_TYPE_STRUCT ?
		source->parts(source->src, id, add_part, &in, err) : 0;
}

/* --- text, as pahole ---------------------------------------------------------------------------------------------- */

/* What pahole says at the end. */
struct sums {
	uint64_t end, used, holes, n_holes, members, boundary;  /* end and used: in bits */
};

/* Before a member, or before the end of the struct around it. */
static void print_hole(FILE *to, struct sums *s, const struct entry *e)
{
	bool closes = e->kind == LINE_CLOSE;
	uint64_t at = closes ? e->bit + e->size * 8 : e->bit, bits = at > s->end ? at - s->end : 0;
	char tabs[DEPTH_MAX + 2] = "";

	if (!bits || (closes ? e->is_union : e->in_union))
		return;
	memset(tabs, '\t', e->depth + closes);
	if (bits % 8)
		fprintf(to, "\n%s/* XXX %" PRIu64 " bit%s hole, try to pack */\n\n", tabs, bits, bits == 1 ? "" : "s");
	else
		fprintf(to, "\n%s/* XXX %" PRIu64 " byte%s hole, try to pack */\n\n", tabs, bits / 8, bits == 8 ? "" : "s");
	s->holes += e->depth == 1 && !closes ? bits : 0;
	s->n_holes += e->depth == 1 && !closes;
}

static void print_boundary(FILE *to, struct sums *s, const struct entry *e)
{
	uint64_t at = e->bit / 8, line = at / CACHELINE;
	char tabs[DEPTH_MAX + 2] = "";

	if (line <= s->boundary)
		return;
	s->boundary = line;
	memset(tabs, '\t', e->depth);
	fprintf(to, "%s/* --- cacheline %" PRIu64 " boundary (%" PRIu64 " bytes) ", tabs, line, line * CACHELINE);
	if (at % CACHELINE)
		fprintf(to, "was %" PRIu64 " bytes ago ", at % CACHELINE);
	fputs("--- */\n", to);
}

static void print_member(FILE *to, const struct entry *e)
{
	char text[1024], decl[560], place[96];
	int width = (int)(COMMENT_AT - 8 * e->depth), type_width = TYPE_WIDTH - 8 * ((int)e->depth - 1);
	uint64_t unit = e->size ? e->size * 8 : 8;

	for (unsigned i = 0; i < e->depth; i++)
		fputc('\t', to);
	snprintf(decl, sizeof(decl), e->bits ? "%s:%" PRIu32 : "%s", e->text.decl, e->bits);
	if (e->kind == LINE_CLOSE)
		snprintf(text, sizeof(text), *decl ? "} %s;" : "}%s;", decl);
	else
		snprintf(text, sizeof(text), *decl ? "%-*s %s;" : "%-*s%s;", *decl && type_width > 0 ? type_width : 0, e->text.type, decl);
	if (e->bits)
		snprintf(place, sizeof(place), "/* %5" PRIu64 ":%2" PRIu64 " %2" PRIu64 " */", e->bit / unit * unit / 8, e->bit % unit,
			 e->size);
	else
		snprintf(place, sizeof(place), "/* %5" PRIu64 " %5" PRIu64 " */", e->bit / 8, e->size);
	fprintf(to, "%-*s %s\n", width > 0 ? width - 1 : 0, text, place);
}

/* A member that ends moves the end; in a union the longest one counts. */
static void pass_member(struct sums *s, const struct entry *e)
{
	uint64_t len = e->bits ? e->bits : e->size * 8;

	if (e->bit + len > s->end)
		s->end = e->bit + len;
	if (e->depth == 1) {
		s->members++;
		s->used += len;
	}
}

static void print_sums(FILE *to, const struct listing *l, const struct sums *s)
{
	uint64_t size = l->type.size, padding = size * 8 > s->end ? size * 8 - s->end : 0;

	fprintf(to, "\n\t/* size: %" PRIu64 ", cachelines: %" PRIu64 ", members: %" PRIu64 " */\n", size,
		(size + CACHELINE - 1) / CACHELINE, s->members);
	if (s->n_holes)
		fprintf(to, "\t/* sum members: %" PRIu64 ", holes: %" PRIu64 ", sum holes: %" PRIu64 " */\n", s->used / 8, s->n_holes,
			s->holes / 8);
	if (padding >= 8 && l->type.kind == MMW_TYPE_STRUCT)
		fprintf(to, "\t/* padding: %" PRIu64 " */\n", padding / 8);
	if (size % CACHELINE)
		fprintf(to, "\t/* last cacheline: %" PRIu64 " bytes */\n", size % CACHELINE);
}

static void print_lines(FILE *to, const struct listing *l)
{
	struct sums s = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		const struct entry *e = &l->line[i];

		print_hole(to, &s, e);
		if (e->kind != LINE_CLOSE)
			print_boundary(to, &s, e);
		if (e->kind == LINE_OPEN) {
			for (unsigned d = 0; d < e->depth; d++)
				fputc('\t', to);
			fprintf(to, "%s {\n", e->is_union ? "union" : "struct");
			continue;
		}
		print_member(to, e);
		pass_member(&s, e);
	}
	print_sums(to, l, &s);
}

static void print_text(struct mmw_target *t, const struct listing *l, const char *name)
{
	static const char *const words[] = { [MMW_TYPE_STRUCT] = "struct ", [MMW_TYPE_UNION] = "union ", [MMW_TYPE_ENUM] = "enum " };
	bool tagged = l->type.kind == MMW_TYPE_STRUCT || l->type.kind == MMW_TYPE_UNION || l->type.kind == MMW_TYPE_ENUM;
	FILE *to = t->out.to;

	if (!tagged || l->type.declared) {
		fprintf(to, "%s%s;\t/* %" PRIu64 " bytes%s */\n", tagged ? words[l->type.kind] : "", *l->type.name ? l->type.name : name,
			l->type.size, l->type.declared ? ", declared only" : "");
		return;
	}
	if (!*l->type.name)
		fputs("typedef ", to);
	fprintf(to, "%s%s%s{\n", words[l->type.kind], l->type.name, *l->type.name ? " " : "");
	for (size_t i = 0; l->type.kind == MMW_TYPE_ENUM && i < l->n; i++)
		fprintf(to, l->type.is_signed ? "\t%s = %" PRId64 ",\n" : "\t%s = %" PRIu64 ",\n", l->line[i].path, l->line[i].value);
	if (l->type.kind != MMW_TYPE_ENUM)
		print_lines(to, l);
	fprintf(to, *l->type.name ? "};\n" : "} %s;\n", name);
}

/* --- rows and differences ----------------------------------------------------------------------------------------- */

static void print_row(struct mmw_target *t, const struct listing *l, const struct entry *e)
{
	struct mmw_out *o = &t->out;
	char type[800];

	if (e->kind == LINE_OPEN)
		return;
	snprintf(type, sizeof(type), "%s%s%s", e->text.type, strpbrk(e->text.decl, "([") ? " " : "",
		 strpbrk(e->text.decl, "([") ? e->text.decl : "");
	mmw_out_str(o, COL_PATH, e->path);
	mmw_out_str(o, COL_SOURCE, l->source->name);
	if (l->type.kind == MMW_TYPE_ENUM) {
		char value[32];

		snprintf(value, sizeof(value), "%" PRId64, e->value);
		mmw_out_str(o, COL_VALUE, value);
		mmw_out_row(o);
		return;
	}
	mmw_out_str(o, COL_TYPE, type);
	mmw_out_num(o, COL_OFFSET, e->bit / 8);
	mmw_out_num(o, COL_SIZE, e->size);
	if (e->bits) {
		mmw_out_num(o, COL_BIT, e->bit);
		mmw_out_num(o, COL_BITS, e->bits);
	}
	mmw_out_num(o, COL_DEPTH, e->depth - 1);
	mmw_out_row(o);
}

static bool same_entry(const struct entry *a, const struct entry *b)
{
	return a->kind == b->kind && a->bit == b->bit && a->size == b->size && a->bits == b->bits && a->value == b->value &&
	       !strcmp(a->path, b->path);
}

static bool has_entry(const struct listing *l, const struct entry *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (same_entry(&l->line[i], e))
			return true;
	return false;
}

static size_t print_missing(struct mmw_target *t, const struct listing *of, const struct listing *in, char mark)
{
	size_t n = 0;

	for (size_t i = 0; i < of->n; i++) {
		const struct entry *e = &of->line[i];

		if (e->kind == LINE_OPEN || has_entry(in, e))
			continue;
		n++;
		if (t->out.mode != MMW_OUT_TEXT)
			print_row(t, of, e);
		else
			fprintf(t->out.to, "%c %s %" PRIu64 " %" PRIu64 " %s (%s)\n", mark, e->text.type, e->bit / 8, e->size, e->path,
				of->source->name);
	}
	return n;
}

static void print_differences(struct mmw_target *t, const struct listing *a, const struct listing *b, const char *name)
{
	size_t n = 0;

	if (a->type.kind != b->type.kind || a->type.size != b->type.size) {
		fprintf(t->out.to, "- %s: %" PRIu64 " bytes (%s)\n+ %s: %" PRIu64 " bytes (%s)\n", name, a->type.size, a->source->name,
			name, b->type.size, b->source->name);
		n++;
	}
	n += print_missing(t, a, b, '-');
	n += print_missing(t, b, a, '+');
	if (n)
		t->damage = true;
	else if (t->out.mode == MMW_OUT_TEXT)
		fprintf(t->out.to, "%s: %zu line%s, the same in %s and %s\n", name, a->n, a->n == 1 ? "" : "s", a->source->name, b->source->name);
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* The kernel's sources and the modules'. */
struct sources {
	const struct mmw_typesrc *list[2];
	size_t n[2];
};

static int choose(const struct sources *s, const char *name, const struct mmw_typesrc **out, struct mmw_err *err)
{
	char all[200] = "";
	size_t len = 0;

	for (unsigned kind = 0; kind < 2; kind++)
		for (size_t i = 0; i < s->n[kind]; i++) {
			*out = &s->list[kind][i];
			if ((*out)->find && !strcmp((*out)->name, name))
				return 0;
			if ((*out)->find && !kind && len < sizeof(all))
				len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", len ? ", " : "", (*out)->name);
		}
	return mmw_fail(err, MMW_E_ARG, 0, "--source: no source is called '%s'; %s%s%s", name, len ? "there is " : "there is none", all,
			s->n[1] ? ", and modules by their names" : "");
}

/* In the source that is asked for, or the first that has it. */
static int list_type(struct mmw_kernel *k, const struct sources *s, const char *source, const char *name, struct listing *l,
		     struct mmw_err *err)
{
	const struct mmw_typesrc *from = NULL;
	uint64_t id;
	int rc;

	if (source) {
		rc = choose(s, source, &from, err);
		rc = rc ? rc : from->find(from->src, name, &id, err);
	} else {
		rc = mmw_find_type(k, name, &from, &id, err);
	}
	return rc ? rc : make_listing(from, id, l, err);
}

static void print_listing(struct mmw_target *t, const struct listing *l, const char *name)
{
	if (t->out.mode == MMW_OUT_TEXT)
		print_text(t, l, name);
	for (size_t i = 0; t->out.mode != MMW_OUT_TEXT && i < l->n; i++)
		print_row(t, l, &l->line[i]);
}

static int print_type(struct mmw_target *t, const struct sources *s, const struct types_opts *o, const char *name,
		      struct mmw_err *err)
{
	struct listing a = { 0 }, b = { 0 };
	int rc = list_type(t->kernel, s, o->source[0], name, &a, err);

	if (!rc && o->source[1])
		rc = list_type(t->kernel, s, o->source[1], name, &b, err);
	if (!rc && o->source[1])
		print_differences(t, &a, &b, name);
	else if (!rc)
		print_listing(t, &a, name);
	free_listing(&a);
	free_listing(&b);
	return rc;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	const struct types_opts *o = opts;
	struct sources s = { 0 };
	int rc = 0;

	if (!argc)
		return mmw_fail(err, MMW_E_ARG, 0, "which type?");
	s.n[0] = mmw_kernel_type_sources(t->kernel, &s.list[0], NULL);
	if (o->source[0])
		s.n[1] = mmw_kernel_module_types(t->kernel, &s.list[1]);
	for (int i = 0; i < argc && !rc; i++) {
		rc = print_type(t, &s, o, mmw_bare_type(argv[i]), err);
		if (rc != -MMW_E_NOTYPE)
			continue;
		mmw_warn("%s", err->msg);
		t->damage = true;
		rc = 0;
	}
	return rc;
}

const struct mmw_cmd mmw_cmd_types = {
	.name = "types",
	.summary = "the layout of a struct: members, offsets, sizes",
	.args = "NAME...",
	.doc = "Print the members of structs and unions with their offsets and sizes as pahole prints them, and the values of enumerations, "
	       "as the image itself or a file that was given has them. With --source twice, only what the two say differently.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct types_opts),
	.cols = cols,
	.schema = "types/1",
	.run = run,
};

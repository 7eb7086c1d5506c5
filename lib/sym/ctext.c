/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/ctext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	CHAIN_MAX = 64,    /* pointers, qualifiers, typedefs and dimensions in a row */
	DEPTH_MAX = 4,     /* functions that take functions */
	PARAMS_MAX = 64,   /* in all of these: no more could be shown */
};

static int too_long(struct mmw_err *err)
{
	return mmw_fail(err, MMW_E_CORRUPT, 0, "pointers, qualifiers and typedefs without end (a cycle?)");
}

int mmw_type_resolve(const struct mmw_typesrc *t, uint64_t *id, struct mmw_type *out, struct mmw_err *err)
{
	for (unsigned steps = 0; steps < CHAIN_MAX; steps++) {
		int rc = t->describe(t->src, *id, out, err);

		if (rc || (out->kind != MMW_TYPE_TYPEDEF && out->kind != MMW_TYPE_CONST && out->kind != MMW_TYPE_VOLATILE &&
			   out->kind != MMW_TYPE_RESTRICT))
			return rc;
		*id = out->target;
	}
	return too_long(err);
}

int mmw_type_bytes(const struct mmw_typesrc *t, uint64_t id, uint64_t *out, struct mmw_err *err)
{
	uint64_t count = 1;
	struct mmw_type type;

	for (unsigned steps = 0; steps < CHAIN_MAX; steps++) {
		int rc = mmw_type_resolve(t, &id, &type, err);

		if (rc)
			return rc;
		if (type.kind != MMW_TYPE_ARRAY) {
			if (type.kind == MMW_TYPE_VOID || type.kind == MMW_TYPE_FUNCTION || type.kind == MMW_TYPE_OTHER || type.declared)
				return mmw_fail(err, MMW_E_NOTYPE, 0, "a type without a size");
			*out = count * type.size;
			return type.size > UINT32_MAX || *out > UINT32_MAX ? too_long(err) : 0;
		}
		count *= type.count;
		if (count > UINT32_MAX)
			return mmw_fail(err, MMW_E_CORRUPT, 0, "an array larger than 4 GiB");
		id = type.target;
	}
	return too_long(err);
}

static void put_before(char *buf, size_t size, const char *text)
{
	size_t len = strlen(text), have = strlen(buf);

	if (len + have >= size)
		return;
	memmove(buf + len, buf, have + 1);
	memcpy(buf, text, len);
}

static void put_behind(char *buf, size_t size, const char *text)
{
	size_t have = strlen(buf);

	snprintf(buf + have, size - have, "%s", text);
}

static const char *qualifier(enum mmw_type_kind kind)
{
	return kind == MMW_TYPE_CONST ? "const" : kind == MMW_TYPE_VOLATILE ? "volatile" : kind == MMW_TYPE_RESTRICT ? "restrict" : NULL;
}

/* The kind behind pointers and qualifiers: to those before an array or a function, stars stand beside the name. */
static int behind(const struct mmw_typesrc *t, uint64_t id, bool pointers, enum mmw_type_kind *out, struct mmw_err *err)
{
	struct mmw_type type;

	for (unsigned steps = 0; steps < CHAIN_MAX; steps++) {
		int rc = t->describe(t->src, id, &type, err);

		if (rc)
			return rc;
		*out = type.kind;
		if (!qualifier(type.kind) && !(pointers && type.kind == MMW_TYPE_POINTER))
			return 0;
		id = type.target;
	}
	return too_long(err);
}

static void base_text(const struct mmw_type *type, struct mmw_ctext *out)
{
	static const char *const words[] = { [MMW_TYPE_STRUCT] = "struct ", [MMW_TYPE_UNION] = "union ", [MMW_TYPE_ENUM] = "enum " };
	char text[160];
	bool tagged = type->kind == MMW_TYPE_STRUCT || type->kind == MMW_TYPE_UNION || type->kind == MMW_TYPE_ENUM;

	snprintf(text, sizeof(text), "%s%.128s", tagged ? words[type->kind] : "", type->kind == MMW_TYPE_VOID ? "void" :
		 *type->name ? type->name : tagged ? "{...}" : "?");
	if (*out->type && *out->type != ' ')
		put_before(out->type, sizeof(out->type), " ");
	put_before(out->type, sizeof(out->type), text);
}

/* What is being written: where from, how deep within functions, and how many parameters there may still be. */
struct writer {
	const struct mmw_typesrc *t;
	unsigned depth, left;
	struct mmw_err *err;
};

struct params {
	struct writer *w;
	struct mmw_ctext *out;
	unsigned n;
};

static int declare(struct writer *w, uint64_t id, struct mmw_ctext *out);

static int add_param(void *ctx, const struct mmw_type_part *part)
{
	struct params *p = ctx;
	struct mmw_ctext text = { .type = "..." };
	int rc = 0;

	if (part->type && p->w->left) {
		p->w->left--;
		p->w->depth++;
		text.type[0] = '\0';
		rc = declare(p->w, part->type, &text);
		p->w->depth--;
	}
	put_behind(p->out->decl, sizeof(p->out->decl), p->n++ ? ", " : "");
	put_behind(p->out->decl, sizeof(p->out->decl), text.type);
	if (*text.decl && *text.type && text.type[strlen(text.type) - 1] != '*')
		put_behind(p->out->decl, sizeof(p->out->decl), " ");
	put_behind(p->out->decl, sizeof(p->out->decl), text.decl);
	return rc ? rc : !p->w->left;
}

static int add_params(struct writer *w, uint64_t id, struct mmw_ctext *out)
{
	struct params p = { w, out, 0 };
	int rc = 0;

	put_behind(out->decl, sizeof(out->decl), "(");
	if (w->depth < DEPTH_MAX && w->left)
		rc = w->t->parts(w->t->src, id, add_param, &p, w->err);
	put_behind(out->decl, sizeof(out->decl), w->depth >= DEPTH_MAX || !w->left ? "...)" : p.n ? ")" : "void)");
	return rc > 0 ? 0 : rc;
}

static int add_pointer(const struct mmw_typesrc *t, const struct mmw_type *type, struct mmw_ctext *out, struct mmw_err *err)
{
	enum mmw_type_kind last = MMW_TYPE_VOID, next = MMW_TYPE_VOID;
	int rc = behind(t, type->target, true, &last, err);

	rc = rc ? rc : behind(t, type->target, false, &next, err);
	if (rc)
		return rc;
	if (last != MMW_TYPE_ARRAY && last != MMW_TYPE_FUNCTION) {
		put_before(out->type, sizeof(out->type), "*");
		return 0;
	}
	put_before(out->decl, sizeof(out->decl), next == MMW_TYPE_POINTER ? "*" : "(*");
	if (next != MMW_TYPE_POINTER)
		put_behind(out->decl, sizeof(out->decl), ")");
	return 0;
}

static int add_qualifier(const struct mmw_typesrc *t, const struct mmw_type *type, struct mmw_ctext *out, char *before,
			 size_t size, struct mmw_err *err)
{
	enum mmw_type_kind next = MMW_TYPE_VOID, last = MMW_TYPE_VOID;
	char text[16];
	int rc = behind(t, type->target, false, &next, err);

	rc = rc ? rc : behind(t, type->target, true, &last, err);
	if (rc)
		return rc;
	snprintf(text, sizeof(text), "%s ", qualifier(type->kind));
	if (next != MMW_TYPE_POINTER) {
		put_behind(before, size, text);
	} else if (last == MMW_TYPE_ARRAY || last == MMW_TYPE_FUNCTION) {
		put_before(out->decl, sizeof(out->decl), text);
	} else {
		put_before(out->type, sizeof(out->type), text);
		put_before(out->type, sizeof(out->type), " ");
	}
	return 0;
}

/* From the outermost type in: what is written last first. */
static int declare(struct writer *w, uint64_t id, struct mmw_ctext *out)
{
	const struct mmw_typesrc *t = w->t;
	char before[48] = "", text[32];
	struct mmw_err *err = w->err;
	struct mmw_type type;
	int rc = 0;

	for (unsigned steps = 0; !rc && steps < CHAIN_MAX; steps++) {
		rc = t->describe(t->src, id, &type, err);
		if (rc)
			break;
		if (type.kind == MMW_TYPE_POINTER) {
			rc = add_pointer(t, &type, out, err);
		} else if (type.kind == MMW_TYPE_ARRAY) {
			snprintf(text, sizeof(text), type.count ? "[%" PRIu64 "]" : "[]", type.count);
			put_behind(out->decl, sizeof(out->decl), text);
		} else if (type.kind == MMW_TYPE_FUNCTION) {
			rc = add_params(w, id, out);
		} else if (qualifier(type.kind)) {
			rc = add_qualifier(t, &type, out, before, sizeof(before), err);
		} else {
			base_text(&type, out);
			put_before(out->type, sizeof(out->type), before);
			return 0;
		}
		id = type.target;
	}
	return rc ? rc : too_long(err);
}

int mmw_ctext(const struct mmw_typesrc *t, uint64_t id, const char *name, struct mmw_ctext *out, struct mmw_err *err)
{
	struct writer w = { t, 0, PARAMS_MAX, err };

	out->type[0] = '\0';
	snprintf(out->decl, sizeof(out->decl), "%.160s", name);
	return declare(&w, id, out);
}

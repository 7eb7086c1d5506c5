/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/dwunit.h"

#include <inttypes.h>
#include <libdwarf/dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"

enum {
	CODES_MAX = 1 << 16,   /* compilers number abbreviations from 1; some thousands are many */
	ATTRS_MAX = 256,       /* of one abbreviation; compilers need thirty */
	HASHED_MAX = 128,      /* bytes of a name that count for its hash: names may be megabytes long */
	NESTED_MAX = 1 << 14,  /* bytes below one member of a type */
	STEPS_PER_BYTE = 32,   /* attributes may take no bytes; one DIE of them takes at least one */
	UNKNOWN = -1, VARIES = -2,
};

/* --- headers -------------------------------------------------------------------------------------------------- */

int mmw_dwhead_parse(const uint8_t *p, size_t len, bool be, struct mmw_dwhead *out, struct mmw_err *err)
{
	struct mmw_bytes b = mmw_bytes_of(p, len, be, "unit header");
	uint32_t length = 0, abbrev = 0;
	uint8_t type = DW_UT_compile;
	int rc = mmw_bytes_u32(&b, &length, err);

	*out = (struct mmw_dwhead){ .len = 4 + (uint64_t)length };
	if (!rc && length >= 0xfffffff0)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "a unit in the 64-bit format of DWARF");
	rc = rc ? rc : mmw_bytes_u16(&b, &out->version, err);
	if (!rc && (out->version < 2 || out->version > 5))
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "a unit of DWARF version %u", out->version);
	if (out->version == 5) {
		rc = rc ? rc : mmw_bytes_u8(&b, &type, err);
		rc = rc ? rc : mmw_bytes_u8(&b, &out->addr_size, err);
	}
	out->abbrev_at = (uint8_t)b.pos;
	rc = rc ? rc : mmw_bytes_u32(&b, &abbrev, err);
	if (out->version < 5)
		rc = rc ? rc : mmw_bytes_u8(&b, &out->addr_size, err);
	if (rc)
		return rc;
	out->abbrev_off = abbrev;
	out->head_len = (uint8_t)b.pos;
	out->is_compile = type == DW_UT_compile;
	if (out->len <= out->head_len || (out->addr_size != 4 && out->addr_size != 8))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "a unit of %" PRIu64 " bytes, with addresses of %u", out->len,
				out->addr_size);
	return 0;
}

/* --- values --------------------------------------------------------------------------------------------------- */

static int uleb(struct mmw_bytes *b, uint64_t *out, struct mmw_err *err)
{
	unsigned shift = 0;
	uint8_t byte = 0;
	int rc;

	*out = 0;
	do {
		rc = shift < 70 ? mmw_bytes_u8(b, &byte, err) :
			mmw_fail(err, MMW_E_CORRUPT, b->pos, "a LEB128 number without end");
		if (rc)
			return rc;
		if (shift < 64)
			*out |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return 0;
}

/* Bytes of a value of this form, VARIES or UNKNOWN. */
static int form_size(const struct mmw_dwhead *h, unsigned form)
{
	switch (form) {
	case DW_FORM_flag_present: case DW_FORM_implicit_const:
		return 0;
	case DW_FORM_data1: case DW_FORM_flag: case DW_FORM_ref1: case DW_FORM_strx1: case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2: case DW_FORM_ref2: case DW_FORM_strx2: case DW_FORM_addrx2:
		return 2;
	case DW_FORM_strx3: case DW_FORM_addrx3:
		return 3;
	case DW_FORM_data4: case DW_FORM_ref4: case DW_FORM_strx4: case DW_FORM_addrx4: case DW_FORM_strp:
	case DW_FORM_line_strp: case DW_FORM_sec_offset: case DW_FORM_ref_sup4: case DW_FORM_strp_sup:
	case DW_FORM_GNU_ref_alt: case DW_FORM_GNU_strp_alt:
		return 4;
	case DW_FORM_data8: case DW_FORM_ref8: case DW_FORM_ref_sig8: case DW_FORM_ref_sup8:
		return 8;
	case DW_FORM_data16:
		return 16;
	case DW_FORM_addr:
		return h->addr_size;
	case DW_FORM_ref_addr:
		return h->version == 2 ? h->addr_size : 4;
	case DW_FORM_block1: case DW_FORM_block2: case DW_FORM_block4: case DW_FORM_block: case DW_FORM_exprloc:
	case DW_FORM_string: case DW_FORM_sdata: case DW_FORM_udata: case DW_FORM_ref_udata: case DW_FORM_strx:
	case DW_FORM_addrx: case DW_FORM_loclistx: case DW_FORM_rnglistx:
		return VARIES;
	default:
		return UNKNOWN;  /* DW_FORM_indirect too: no compiler uses it, and it could name itself */
	}
}

/* Step over a value whose size varies. */
static int skip_varying(struct mmw_bytes *b, unsigned form, struct mmw_err *err)
{
	const uint8_t *nul;
	uint64_t len = 0;
	uint16_t len2 = 0;
	uint32_t len4 = 0;
	uint8_t len1 = 0;
	int rc;

	switch (form) {
	case DW_FORM_block1:
		rc = mmw_bytes_u8(b, &len1, err);
		return rc ? rc : mmw_bytes_skip(b, len1, err);
	case DW_FORM_block2:
		rc = mmw_bytes_u16(b, &len2, err);
		return rc ? rc : mmw_bytes_skip(b, len2, err);
	case DW_FORM_block4:
		rc = mmw_bytes_u32(b, &len4, err);
		return rc ? rc : mmw_bytes_skip(b, len4, err);
	case DW_FORM_block: case DW_FORM_exprloc:
		rc = uleb(b, &len, err);
		return rc ? rc : mmw_bytes_skip(b, len, err);
	case DW_FORM_string:
		nul = memchr(b->base + b->pos, 0, mmw_bytes_left(b));
		if (!nul)
			return mmw_fail(err, MMW_E_CORRUPT, b->pos, "a string without end");
		return mmw_bytes_seek(b, (uint64_t)(nul - b->base) + 1, err);
	default:
		return uleb(b, &len, err);
	}
}

static int skip_value(struct mmw_bytes *b, const struct mmw_dwhead *h, unsigned form, struct mmw_err *err)
{
	int size = form_size(h, form);

	return size < 0 ? skip_varying(b, form, err) : mmw_bytes_skip(b, (unsigned)size, err);
}

/* --- abbreviations -------------------------------------------------------------------------------------------- */

static int add_attr(struct mmw_dwabbrevs *a, struct mmw_dwabbrev *d, const struct mmw_dwhead *h, uint64_t at,
		    uint64_t form, struct mmw_err *err)
{
	int size = form <= UINT16_MAX ? form_size(h, (unsigned)form) : UNKNOWN;
	int rc;

	if (!at || at > UINT16_MAX || size == UNKNOWN)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "attribute %#" PRIx64 " has the form %#" PRIx64, at, form);
	rc = mmw_vec_reserve(&a->attrs, &a->cap_attrs, a->n_attrs + 1, sizeof(*a->attrs), err);
	if (rc)
		return rc;
	if (d->n == ATTRS_MAX)
		return mmw_fail(err, MMW_E_LIMIT, 0, "more attributes than a DIE can have");
	a->attrs[a->n_attrs++] = (struct mmw_dwattr){ (uint16_t)at, (uint16_t)form };
	d->n++;
	if (at == DW_AT_name && d->name_form)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "an abbreviation has two names");
	if (at == DW_AT_name)
		d->name_form = (uint16_t)form;
	else if (!d->name_form && d->name_at >= 0)
		d->name_at = size < 0 || d->name_at > UINT16_MAX ? -1 : d->name_at + size;
	d->declaration |= at == DW_AT_declaration;
	return 0;
}

static int read_attrs(struct mmw_bytes *b, struct mmw_dwabbrevs *a, struct mmw_dwabbrev *d, const struct mmw_dwhead *h,
		      struct mmw_err *err)
{
	uint64_t at, form, constant;
	int rc;

	for (;;) {
		rc = uleb(b, &at, err);
		rc = rc ? rc : uleb(b, &form, err);
		if (rc || (!at && !form))
			return rc;
		rc = add_attr(a, d, h, at, form, err);
		if (!rc && form == DW_FORM_implicit_const)
			rc = uleb(b, &constant, err);
		if (rc)
			return rc;
	}
}

static int read_abbrev(struct mmw_bytes *b, struct mmw_dwabbrevs *a, uint64_t code, const struct mmw_dwhead *h,
		       struct mmw_err *err)
{
	struct mmw_dwabbrev d = { .first = (uint32_t)a->n_attrs };
	uint64_t tag = 0;
	uint8_t children = 0;
	int rc = uleb(b, &tag, err);

	rc = rc ? rc : mmw_bytes_u8(b, &children, err);
	if (!rc && (!tag || tag > UINT16_MAX || children > 1 || code >= CODES_MAX))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "abbreviation %" PRIu64 ": tag %#" PRIx64 ", children %u", code,
			      tag, children);
	rc = rc ? rc : mmw_vec_reserve(&a->by_code, &a->cap, code + 1, sizeof(*a->by_code), err);
	if (rc)
		return rc;
	if (code >= a->n) {
		memset(a->by_code + a->n, 0, (code + 1 - a->n) * sizeof(*a->by_code));
		a->n = code + 1;
	}
	if (a->by_code[code].tag)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "abbreviation %" PRIu64 " exists twice", code);
	d.tag = (uint16_t)tag;
	d.children = children;
	d.at = b->pos - h->abbrev_off;
	rc = read_attrs(b, a, &d, h, err);
	a->by_code[code] = d;
	return rc;
}

int mmw_dwabbrevs_read(const struct mmw_dwsects *s, const struct mmw_dwhead *h, struct mmw_dwabbrevs *out,
		       struct mmw_err *err)
{
	struct mmw_bytes b = mmw_bytes_of(s->abbrev.bytes, s->abbrev.len, s->big_endian, ".debug_abbrev");
	uint64_t code = 0;
	int rc = mmw_bytes_seek(&b, h->abbrev_off, err);

	*out = (struct mmw_dwabbrevs){ .n = 0 };
	rc = rc ? rc : uleb(&b, &code, err);
	while (!rc && code) {
		rc = read_abbrev(&b, out, code, h, err);
		rc = rc ? rc : uleb(&b, &code, err);
	}
	out->len = b.pos - h->abbrev_off;
	if (rc)
		mmw_dwabbrevs_free(out);
	return rc;
}

void mmw_dwabbrevs_free(struct mmw_dwabbrevs *a)
{
	free(a->by_code);
	free(a->attrs);
	*a = (struct mmw_dwabbrevs){ .n = 0 };
}

/* --- DIEs ----------------------------------------------------------------------------------------------------- */

struct walk {
	struct mmw_dwunit *u;
	const struct mmw_dwsects *s;
	const struct mmw_dwabbrevs *a;
	struct mmw_bytes b;
	size_t levels;               /* that are open */
	uint64_t steps;
	size_t inside;               /* the level of a type's members when in one, the outermost; or 0 */
	uint32_t nested;             /* that member of it whose own children are read; or 0 */
	uint32_t *siblings;          /* where DW_AT_sibling leads */
	size_t n_siblings, cap_siblings;
};

static struct walk walk_of(struct mmw_dwunit *u, const struct mmw_dwsects *s, const struct mmw_dwabbrevs *a)
{
	return (struct walk){ u, s, a, { u->bytes, u->head.len, u->head.head_len, s->big_endian, "unit" } };
}

/* The abbreviation at the cursor, or NULL in *out at the end of a level. */
static int next_abbrev(struct walk *w, const struct mmw_dwabbrev **out, struct mmw_err *err)
{
	uint64_t code;
	int rc = uleb(&w->b, &code, err);

	*out = NULL;
	if (rc || !code)
		return rc;
	if (code >= w->a->n || !w->a->by_code[code].tag)
		return mmw_fail(err, MMW_E_CORRUPT, w->b.pos, "no abbreviation has the number %" PRIu64, code);
	*out = &w->a->by_code[code];
	return 0;
}

static const char *in_strings(const struct mmw_dwdata *d, uint64_t off)
{
	return off < d->len ? (const char *)d->bytes + off : NULL;
}

/* DWARF 5, 7.5.5: index into the unit's part of .debug_str_offsets. */
static const char *by_index(const struct walk *w, uint64_t index)
{
	const struct mmw_dwunit *u = w->u;

	if (index >= u->str_offsets_len / 4)
		return NULL;
	return in_strings(&w->s->str, mmw_get32(u->str_offsets + 4 * index, w->b.big_endian));
}

/* The string of this form at the cursor, or NULL when it has none that can be read. The cursor stays. */
static const char *string_of(const struct walk *w, unsigned form)
{
	struct mmw_bytes b = w->b;
	const uint8_t *p = b.base + b.pos;
	size_t left = mmw_bytes_left(&b);
	uint64_t index;

	switch (form) {
	case DW_FORM_string:
		return memchr(p, 0, left) ? (const char *)p : NULL;
	case DW_FORM_strp:
		return left < 4 ? NULL : in_strings(&w->s->str, mmw_get32(p, b.big_endian));
	case DW_FORM_line_strp:
		return left < 4 ? NULL : in_strings(&w->s->line_str, mmw_get32(p, b.big_endian));
	case DW_FORM_strx:
		return uleb(&b, &index, NULL) ? NULL : by_index(w, index);
	case DW_FORM_strx1:
		return left < 1 ? NULL : by_index(w, *p);
	case DW_FORM_strx2:
		return left < 2 ? NULL : by_index(w, mmw_get16(p, b.big_endian));
	case DW_FORM_strx3:
		if (left < 3)
			return NULL;
		index = b.big_endian ? p[0] << 16 | p[1] << 8 | p[2] : p[2] << 16 | p[1] << 8 | p[0];
		return by_index(w, index);
	case DW_FORM_strx4:
		return left < 4 ? NULL : by_index(w, mmw_get32(p, b.big_endian));
	default:
		return NULL;
	}
}

static int add_sibling(struct walk *w, unsigned form, struct mmw_err *err)
{
	const uint8_t *p = w->b.base + w->b.pos;
	int size = form_size(&w->u->head, form);
	uint64_t to;
	int rc;

	if (form != DW_FORM_ref1 && form != DW_FORM_ref2 && form != DW_FORM_ref4 && form != DW_FORM_ref8)
		return mmw_fail(err, MMW_E_UNSUPPORTED, w->b.pos, "DW_AT_sibling has the form %#x", form);
	if ((size_t)size > mmw_bytes_left(&w->b))
		return mmw_fail(err, MMW_E_CORRUPT, w->b.pos, "a DIE runs over the end of its unit");
	to = mmw_get_word(p, (unsigned)size, w->b.big_endian);
	if (to <= w->b.pos || to >= w->u->head.len)
		return mmw_fail(err, MMW_E_CORRUPT, w->b.pos, "DW_AT_sibling does not lead forward");
	rc = mmw_vec_reserve(&w->siblings, &w->cap_siblings, w->n_siblings + 1, sizeof(*w->siblings), err);
	if (!rc)
		w->siblings[w->n_siblings++] = (uint32_t)to;
	return rc;
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < HASHED_MAX && name[i]; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h;
}

static bool is_collected(unsigned tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_typedef ||
	       tag == DW_TAG_enumeration_type || tag == DW_TAG_base_type || tag == DW_TAG_enumerator;
}

static int add_name(struct walk *w, const struct mmw_dwabbrev *d, uint32_t die, const char *name, struct mmw_err *err)
{
	struct mmw_dwunit *u = w->u;
	int rc = mmw_vec_reserve(&u->names, &u->cap, u->n + 1, sizeof(*u->names), err);
	bool local = w->levels > (d->tag == DW_TAG_enumerator ? 2 : 1);

	if (!rc)
		u->names[u->n++] = (struct mmw_dwname){ name, hash_of(name), die, d->tag, d->declaration, local };
	return rc;
}

static int check_die(struct walk *w, const struct mmw_dwabbrev *d, uint32_t die, struct mmw_err *err)
{
	const char *name = NULL;
	int rc = 0;

	w->steps += d->n;
	if (w->steps > STEPS_PER_BYTE * w->u->head.len)
		return mmw_fail(err, MMW_E_LIMIT, die, "more attributes than a unit can have");
	for (uint32_t i = 0; !rc && i < d->n; i++) {
		struct mmw_dwattr t = w->a->attrs[d->first + i];

		/* The first DIE is the unit's own. libdwarf is not asked for its name. */
		if (t.at == DW_AT_name && w->levels) {
			name = string_of(w, t.form);
			if (!name)
				return mmw_fail(err, MMW_E_CORRUPT, die, "the name of a DIE (form %#x) is not there",
						t.form);
		}
		if (t.at == DW_AT_sibling)
			rc = add_sibling(w, t.form, err);
		rc = rc ? rc : skip_value(&w->b, &w->u->head, t.form, err);
	}
	if (!rc && name && *name && is_collected(d->tag))
		rc = add_name(w, d, die, name, err);
	return rc;
}

static bool is_gone_through(unsigned tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type ||
	       tag == DW_TAG_array_type;
}

/*
 * Keep the levels. libdwarf steps over what is below a DIE to find the next one, and members may be gone through again
 * and again: so there must not be much below one. C puts nothing there.
 */
static int change_level(struct walk *w, const struct mmw_dwabbrev *d, uint32_t die, struct mmw_err *err)
{
	if (!d) {
		w->levels--;
		if (w->nested && w->levels == w->inside && w->b.pos - w->nested > NESTED_MAX)
			return mmw_fail(err, MMW_E_LIMIT, die, "a member of a type has too much below it");
		if (w->levels <= w->inside)
			w->nested = 0;
		if (w->levels < w->inside)
			w->inside = 0;
	} else if (d->children) {
		if (w->inside && w->levels == w->inside)
			w->nested = die;
		w->levels++;
		if (!w->inside && is_gone_through(d->tag))
			w->inside = w->levels;
	}
	return 0;
}

/* The levels end where the unit does; what follows the outermost one is padding. */
static int walk_all(struct walk *w, struct mmw_err *err)
{
	const struct mmw_dwabbrev *d;
	int rc;

	do {
		uint32_t die = (uint32_t)w->b.pos;

		w->u->starts[die / 8] |= (uint8_t)(1u << die % 8);
		rc = next_abbrev(w, &d, err);
		if (rc)
			return rc;
		if (!d && !w->levels)
			return mmw_fail(err, MMW_E_CORRUPT, die, "a unit without a DIE");
		rc = d ? check_die(w, d, die, err) : 0;
		rc = rc ? rc : change_level(w, d, die, err);
		if (rc)
			return rc;
	} while (w->levels);
	return 0;
}

/* Attribute numbers that DWARF has given to nothing, as long as those they replace. */
static void hide_attrs(uint8_t *p, const struct mmw_dwabbrev *d, const struct mmw_dwattr *attrs, size_t len)
{
	struct mmw_bytes b = mmw_bytes_of(p, len, false, "abbreviation");
	uint64_t v;

	for (uint32_t i = 0; i < d->n; i++) {
		size_t at = b.pos;
		int rc = uleb(&b, &v, NULL);

		if (attrs[i].at != DW_AT_str_offsets_base && b.pos == at + 1)
			p[at] = 0x7f;
		else if (attrs[i].at != DW_AT_str_offsets_base && b.pos == at + 2)
			memcpy(p + at, "\xff\x3f", 2);
		rc = rc ? rc : uleb(&b, &v, NULL);
		if (!rc && attrs[i].form == DW_FORM_implicit_const)
			rc = uleb(&b, &v, NULL);
		if (rc)
			return;
	}
}

static int copy_abbrevs(struct mmw_dwunit *u, const struct mmw_dwsects *s, const struct mmw_dwabbrevs *a,
			struct mmw_err *err)
{
	struct walk w = walk_of(u, s, a);
	const struct mmw_dwabbrev *d;
	int rc = next_abbrev(&w, &d, err);

	if (rc)
		return rc;
	u->abbrevs = malloc(a->len);
	if (!u->abbrevs)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for abbreviations");
	memcpy(u->abbrevs, s->abbrev.bytes + u->head.abbrev_off, a->len);
	u->abbrevs_len = a->len;
	if (d)
		hide_attrs(u->abbrevs + d->at, d, a->attrs + d->first, a->len - d->at);
	return 0;
}

int mmw_dwunit_check(struct mmw_dwunit *u, const struct mmw_dwsects *s, const struct mmw_dwabbrevs *a,
		     struct mmw_err *err)
{
	struct walk w = walk_of(u, s, a);
	int rc;

	u->starts = calloc(1, u->head.len / 8 + 1);
	rc = u->starts ? walk_all(&w, err) : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a unit");
	for (size_t i = 0; !rc && i < w.n_siblings; i++)
		if (!mmw_dwunit_is_die(u, w.siblings[i]))
			rc = mmw_fail(err, MMW_E_CORRUPT, w.siblings[i], "DW_AT_sibling leads into a DIE");
	free(w.siblings);
	return rc ? rc : copy_abbrevs(u, s, a, err);
}

int mmw_dwunit_str_base(struct mmw_dwunit *u, const struct mmw_dwsects *s, const struct mmw_dwabbrevs *a,
			struct mmw_err *err)
{
	struct walk w = walk_of(u, s, a);
	const struct mmw_dwabbrev *d;
	int rc = next_abbrev(&w, &d, err);

	for (uint32_t i = 0; !rc && d && i < d->n; i++) {
		struct mmw_dwattr t = a->attrs[d->first + i];

		if (t.at == DW_AT_str_offsets_base) {
			if (u->has_str_base || t.form != DW_FORM_sec_offset || mmw_bytes_left(&w.b) < 4)
				return mmw_fail(err, MMW_E_CORRUPT, w.b.pos, "DW_AT_str_offsets_base is damaged");
			u->has_str_base = true;
			u->str_base_at = (uint32_t)w.b.pos;
			u->str_base = mmw_get32(u->bytes + w.b.pos, s->big_endian);
		}
		rc = skip_value(&w.b, &u->head, t.form, err);
	}
	return rc;
}

void mmw_dwunit_free(struct mmw_dwunit *u)
{
	free(u->bytes);
	free(u->abbrevs);
	free(u->starts);
	free(u->names);
	*u = (struct mmw_dwunit){ .n = 0 };
}

const struct mmw_dwname *mmw_dwunit_find(const struct mmw_dwunit *u, const char *name, uint16_t tag, bool declaration)
{
	const struct mmw_dwname *local = NULL;
	uint32_t hash = hash_of(name);

	for (size_t i = 0; i < u->n; i++) {
		const struct mmw_dwname *n = &u->names[i];

		if (n->hash != hash || n->tag != tag || n->declaration != declaration || strcmp(n->name, name))
			continue;
		if (!n->local)
			return n;
		local = local ? local : n;
	}
	return local;
}

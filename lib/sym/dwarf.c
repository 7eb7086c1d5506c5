/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From DIEs to answers. Which unit has a type is lib/sym/dwindex.c's to find out, that it can be read safely
 * lib/sym/dwunit.c's, and what a DIE says libdwarf's, by way of lib/sym/dwlib.c (which says why libdwarf is kept away
 * from the file).
 *
 * The graph of types is not checked by any of them: types may refer to each other in a circle or nest without end, so
 * each walk below counts its steps.
 */
#include "lib/sym/dwarf.h"

#include <inttypes.h>
#include <libdwarf/dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/sym/dwlib.h"

enum {
	DIMS_MAX = 16,
	RANGES_MAX = 64,       /* children of an array */
	CHAIN_MAX = 64,        /* typedefs and qualifiers in a row */
	NESTING_MAX = 32,      /* unnamed structs within structs */
	VISITS_MAX = 1 << 15,  /* members in one lookup: nesting can make a few types look like billions */
};

struct mmw_dwarf {
	struct mmw_dwindex *ix;
	uint8_t word;
	bool big_endian;
};

/* A name's kinds, the first preferred. */
static const uint16_t type_tags[] = { DW_TAG_structure_type, DW_TAG_union_type, DW_TAG_typedef, DW_TAG_enumeration_type,
				      DW_TAG_base_type, 0 };
static const uint16_t struct_tags[] = { DW_TAG_structure_type, DW_TAG_union_type, 0 };
static const uint16_t enum_tags[] = { DW_TAG_enumeration_type, DW_TAG_typedef, 0 };
static const uint16_t enumerator_tags[] = { DW_TAG_enumerator, 0 };

/* A type without typedefs and qualifiers. Of arrays it is the element, and dims what is around it. */
struct type {
	struct mmw_dwdie die;
	uint64_t dims[DIMS_MAX];
	unsigned n_dims;
	uint64_t size;         /* of one element */
};

/* Where a path has led. */
struct place {
	struct type type;
	uint64_t off;          /* bytes from the start of the outermost struct */
	struct mmw_member bits;  /* of a bit field: bit_size, bit_offset, and its word's size */
};

int mmw_dwarf_open(struct mmw_debugfile *f, struct mmw_dwarf **out, struct mmw_err *err)
{
	struct mmw_dwarf *dw = calloc(1, sizeof(*dw));
	int rc = dw ? mmw_dwindex_open(f, &dw->ix, err) : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for DWARF");

	if (rc) {
		free(dw);
		return mmw_wrap(err, rc, "DWARF");
	}
	dw->word = mmw_debugfile_info(f)->word;
	dw->big_endian = mmw_debugfile_info(f)->big_endian;
	*out = dw;
	return 0;
}

void mmw_dwarf_close(struct mmw_dwarf *dw)
{
	if (!dw)
		return;
	mmw_dwindex_close(dw->ix, mmw_dwlib_free);
	free(dw);
}

/* --- types ---------------------------------------------------------------------------------------------------- */

/* Names of the file stay out of messages: they are its author's to choose. */
static int broken(const struct mmw_dwdie *d, struct mmw_err *err, const char *why)
{
	return mmw_fail(err, MMW_E_CORRUPT, d->off, "DIE %#" PRIx64 " (tag %#x): %s", d->unit->off + d->off, d->tag,
			why);
}

static int read_die(const struct mmw_dwarf *dw, struct mmw_dwloaded *unit, uint32_t off, struct mmw_dwdie *out,
		    struct mmw_err *err)
{
	return mmw_dwdie_read(mmw_dwindex_sects(dw->ix), unit, off, out, err);
}

static int next_child(const struct mmw_dwarf *dw, struct mmw_dwiter *it, struct mmw_dwdie *out, struct mmw_err *err)
{
	return mmw_dwiter_next(mmw_dwindex_sects(dw->ix), it, out, err);
}

static struct mmw_dwiter children_of(const struct mmw_dwdie *d)
{
	return (struct mmw_dwiter){ .unit = d->unit, .parent = d->off };
}

static bool is_struct(const struct mmw_dwdie *d)
{
	return d->tag == DW_TAG_structure_type || d->tag == DW_TAG_union_type;
}

static bool passes_through(unsigned tag)
{
	return tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
	       tag == DW_TAG_restrict_type || tag == DW_TAG_atomic_type || tag == DW_TAG_array_type;
}

/* The dimensions are children; one without a number is an array that may have any length. */
static int add_dims(const struct mmw_dwarf *dw, const struct mmw_dwdie *array, struct type *t, struct mmw_err *err)
{
	struct mmw_dwiter it = children_of(array);
	struct mmw_dwdie d;
	unsigned n = 0;
	int rc;

	while ((rc = next_child(dw, &it, &d, err)) > 0) {
		if (d.tag != DW_TAG_subrange_type && ++n < RANGES_MAX)
			continue;
		if (n == RANGES_MAX || t->n_dims == DIMS_MAX || d.count > UINT32_MAX) {
			rc = broken(array, err, "an array without end");
			break;
		}
		t->dims[t->n_dims++] = d.count;
	}
	mmw_dwiter_fini(&it);
	return rc;
}

/* A struct that this unit only declares may be defined in another. */
static int complete(const struct mmw_dwarf *dw, struct mmw_dwdie *d, struct mmw_err *err)
{
	struct mmw_dwhit hit;
	int rc;

	if (!is_struct(d) || !d->declaration || !*d->name)
		return 0;
	rc = mmw_dwindex_find(dw->ix, d->name, struct_tags, &hit, err);
	return rc ? rc : read_die(dw, hit.unit, hit.die, d, err);
}

static uint64_t count_of(const struct type *t)
{
	uint64_t n = 1;

	for (unsigned i = 0; i < t->n_dims; i++)
		n = n > UINT32_MAX ? n : n * t->dims[i];
	return n;
}

static int size_type(const struct mmw_dwarf *dw, struct type *t, struct mmw_err *err)
{
	const struct mmw_dwdie *d = &t->die;

	if (d->tag != DW_TAG_base_type && d->tag != DW_TAG_pointer_type && d->tag != DW_TAG_enumeration_type &&
	    !is_struct(d))
		return mmw_fail(err, MMW_E_NOTYPE, d->off, "DIE %#" PRIx64 " (tag %#x) has no size",
				d->unit->off + d->off, d->tag);
	if (d->declaration || (!d->has_size && d->tag != DW_TAG_pointer_type))
		return mmw_fail(err, MMW_E_NOTYPE, d->off, "DIE %#" PRIx64 " is declared and not defined",
				d->unit->off + d->off);
	t->size = d->has_size ? d->size : dw->word;
	if (t->size > UINT32_MAX || count_of(t) > UINT32_MAX || count_of(t) * t->size > UINT32_MAX)
		return broken(d, err, "it is larger than 4 GiB");
	return 0;
}

/* Step over typedefs and qualifiers, and arrays if they are wanted. */
static int resolve(const struct mmw_dwarf *dw, struct mmw_dwloaded *unit, uint32_t off, bool arrays, struct type *t,
		   struct mmw_err *err)
{
	struct mmw_dwdie *d = &t->die;
	unsigned steps = 0;
	int rc = read_die(dw, unit, off, d, err);

	t->n_dims = 0;
	while (!rc && passes_through(d->tag) && (arrays || d->tag != DW_TAG_array_type)) {
		if (steps++ == CHAIN_MAX)
			return broken(d, err, "typedefs and qualifiers without end (a cycle?)");
		if (d->tag == DW_TAG_array_type)
			rc = add_dims(dw, d, t, err);
		if (!rc && !d->has_type)
			rc = mmw_fail(err, MMW_E_NOTYPE, off, "void has no size");
		rc = rc ? rc : read_die(dw, d->unit, d->type, d, err);
	}
	return rc;
}

static int enter_type(const struct mmw_dwarf *dw, struct mmw_dwloaded *unit, uint32_t off, struct type *t,
		      struct mmw_err *err)
{
	int rc = resolve(dw, unit, off, true, t, err);

	rc = rc ? rc : complete(dw, &t->die, err);
	return rc ? rc : size_type(dw, t, err);
}

static int find_type(const struct mmw_dwarf *dw, const char *name, struct type *t, struct mmw_err *err)
{
	struct mmw_dwhit hit;
	int rc = mmw_dwindex_find(dw->ix, name, type_tags, &hit, err);

	return rc ? rc : enter_type(dw, hit.unit, hit.die, t, err);
}

/* --- members -------------------------------------------------------------------------------------------------- */

/* A member to look for, and where it is. */
struct search {
	const char *name;
	size_t len;
	struct mmw_dwdie in, member;  /* the innermost struct that has it; its own DIE */
	uint64_t base;                /* that struct's own offset */
	uint32_t visits;
};

/* In bits from the start of the struct. */
static int bit_of(const struct mmw_dwarf *dw, const struct mmw_dwdie *m, uint64_t unit_size, uint64_t *out,
		  struct mmw_err *err)
{
	int64_t unit = (int64_t)(m->has_size ? m->size : unit_size) * 8, bit;

	if (m->location > UINT32_MAX || m->data_bit > 8ull * UINT32_MAX)
		return broken(m, err, "it is not inside");
	bit = (int64_t)(m->location * 8);
	if (m->has_data_bit)
		bit += (int64_t)m->data_bit;
	if (m->has_bits && m->has_bit_offset) {
		/*
		 * DWARF 2 and 3: counted from the most significant bit of the unit. It is negative when a packed bit
		 * field ends past its unit.
		 */
		if (unit < 0 || unit > 128 || m->bits > 64 || m->bit_offset > 128 || m->bit_offset < -128)
			return broken(m, err, "its bits are not inside");
		bit += dw->big_endian ? m->bit_offset : unit - (int64_t)m->bits - m->bit_offset;
	}
	*out = (uint64_t)bit;
	return bit < 0 ? broken(m, err, "its bits are not inside") : 0;
}

static int find_member(const struct mmw_dwarf *dw, const struct mmw_dwdie *in, uint64_t base, unsigned depth,
		       struct search *s, struct mmw_err *err);

/* An unnamed member may be a struct that has it; it can be of a named type (-fms-extensions). */
static int find_inside(const struct mmw_dwarf *dw, const struct mmw_dwdie *in, const struct mmw_dwdie *m, uint64_t base,
		       unsigned depth, struct search *s, struct mmw_err *err)
{
	struct type t;
	int rc = m->has_type ? resolve(dw, m->unit, m->type, false, &t, err) : 0;

	/* What it is made of was known where the unit was compiled; another is not searched for it. */
	if (rc || !m->has_type || !is_struct(&t.die) || t.die.declaration)
		return rc == -MMW_E_NOTYPE ? 0 : rc;
	rc = size_type(dw, &t, err);
	if (rc)
		return rc;
	if (m->has_data_bit || !mmw_fits(m->location, t.size, in->size))
		return broken(m, err, "an unnamed member is not inside");
	return find_member(dw, &t.die, base + m->location, depth + 1, s, err);
}

/* 1 when `in` or an unnamed struct in it has the member. */
static int find_member(const struct mmw_dwarf *dw, const struct mmw_dwdie *in, uint64_t base, unsigned depth,
		       struct search *s, struct mmw_err *err)
{
	struct mmw_dwiter it = children_of(in);
	struct mmw_dwdie m;
	int rc = 0, got;

	if (depth > NESTING_MAX)
		return broken(in, err, "unnamed structs nested without end (a cycle?)");
	while (!rc && (got = next_child(dw, &it, &m, err)) != 0) {
		if (got < 0) {
			rc = got;
		} else if (s->visits++ > VISITS_MAX) {
			rc = broken(in, err, "structs nested without end");
		} else if (m.tag == DW_TAG_member && !*m.name) {
			rc = find_inside(dw, in, &m, base, depth, s, err);
		} else if (m.tag == DW_TAG_member && !strncmp(m.name, s->name, s->len) && !m.name[s->len]) {
			s->in = *in;
			s->member = m;
			s->base = base;
			rc = 1;
		}
	}
	mmw_dwiter_fini(&it);
	return rc;
}

static int place_member(const struct mmw_dwarf *dw, const struct search *s, struct place *pl, struct mmw_err *err)
{
	const struct mmw_dwdie *m = &s->member;
	const struct type *t = &pl->type;
	uint64_t bit = 0;
	int rc = bit_of(dw, m, t->size, &bit, err);

	pl->bits = (struct mmw_member){ .bit_size = 0 };
	if (!rc && m->has_bits && m->bits) {
		if (t->n_dims || (t->die.tag != DW_TAG_base_type && t->die.tag != DW_TAG_enumeration_type))
			return broken(m, err, "a bit field that is no integer");
		rc = mmw_member_place_bits(bit, m->bits, s->in.size, dw->big_endian, &pl->bits, err);
		pl->off = s->base + pl->bits.offset;
		return mmw_wrap(err, rc, "DIE %#" PRIx64, m->unit->off + m->off);
	}
	if (rc)
		return rc;
	if (bit % 8 || !mmw_fits(bit / 8, count_of(t) * t->size, s->in.size))
		return broken(m, err, "it is not inside");
	pl->off = s->base + bit / 8;
	return 0;
}

static int step_member(const struct mmw_dwarf *dw, const struct mmw_path_step *step, struct place *pl,
		       struct mmw_err *err)
{
	struct search s = { .name = step->name, .len = step->len };
	struct mmw_dwdie in = pl->type.die;
	int rc = !pl->type.n_dims && is_struct(&in) ? find_member(dw, &in, pl->off, 0, &s, err) : 0;

	if (!rc)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "DIE %#" PRIx64 " has no member %.*s", in.unit->off + in.off,
				(int)step->len, step->name);
	if (rc > 0 && !s.member.has_type)
		rc = broken(&s.member, err, "a member of no type");
	rc = rc < 0 ? rc : enter_type(dw, s.member.unit, s.member.type, &pl->type, err);
	return rc ? rc : place_member(dw, &s, pl, err);
}

/* An array of no elements is a flexible one: what it holds is for the caller to know. */
static int step_index(const struct mmw_path_step *step, struct place *pl, struct mmw_err *err)
{
	struct type *t = &pl->type;
	uint64_t count = t->n_dims ? t->dims[0] : 0;

	if (!t->n_dims || step->index >= (count ? count : UINT32_MAX))
		return mmw_fail(err, MMW_E_NOTYPE, 0, "DIE %#" PRIx64 " has no element %" PRIu64,
				t->die.unit->off + t->die.off, step->index);
	t->n_dims--;
	memmove(t->dims, t->dims + 1, t->n_dims * sizeof(t->dims[0]));
	pl->off += step->index * count_of(t) * t->size;
	return 0;
}

/* Follow a path, or stay at the type itself when it is empty. */
static int follow(const struct mmw_dwarf *dw, const char *type, const char *path, struct place *pl, struct mmw_err *err)
{
	struct mmw_path_step step;
	const char *at = path;
	int rc;

	*pl = (struct place){ .off = 0 };
	rc = find_type(dw, type, &pl->type, err);
	while (!rc && (rc = mmw_path_next(path, &at, &step, err)) > 0)
		rc = step.name ? step_member(dw, &step, pl, err) : step_index(&step, pl, err);
	return mmw_wrap(err, rc, "%s%s%s", type, *path ? "." : "", path);
}

int mmw_dwarf_type_size(void *src, const char *type, uint64_t *out, struct mmw_err *err)
{
	struct place pl;
	int rc = follow(src, type, "", &pl, err);

	if (!rc)
		*out = count_of(&pl.type) * pl.type.size;
	return rc;
}

/* An enumeration says its sign itself, or by the integer that it is. */
static bool is_signed(const struct mmw_dwarf *dw, const struct mmw_dwdie *d)
{
	struct mmw_dwdie base = *d;

	if (d->tag == DW_TAG_enumeration_type && !d->encoding && d->has_type &&
	    read_die(dw, d->unit, d->type, &base, NULL))
		return false;
	return base.encoding == DW_ATE_signed || base.encoding == DW_ATE_signed_char;
}

int mmw_dwarf_member(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err)
{
	struct place pl;
	int rc = *path ? follow(src, type, path, &pl, err) : mmw_fail(err, MMW_E_ARG, 0, "no member of %s named", type);
	bool bits;

	if (rc)
		return rc;
	bits = pl.bits.bit_size;
	*out = (struct mmw_member){
		.offset = pl.off,
		.size = bits ? pl.bits.size : count_of(&pl.type) * pl.type.size,
		.count = pl.type.n_dims ? count_of(&pl.type) : 0,
		.elem_size = bits ? pl.bits.size : pl.type.size,
		.bit_offset = pl.bits.bit_offset,
		.bit_size = pl.bits.bit_size,
		.is_pointer = pl.type.die.tag == DW_TAG_pointer_type,
		.is_signed = is_signed(src, &pl.type.die),
	};
	return 0;
}

/* --- enumerators ---------------------------------------------------------------------------------------------- */

static int find_enum(const struct mmw_dwarf *dw, const char *name, struct mmw_dwdie *out, struct mmw_err *err)
{
	struct mmw_dwhit hit;
	struct type t;
	int rc = mmw_dwindex_find(dw->ix, name, enum_tags, &hit, err);

	rc = rc ? rc : enter_type(dw, hit.unit, hit.die, &t, err);
	if (!rc && (t.n_dims || t.die.tag != DW_TAG_enumeration_type))
		rc = mmw_fail(err, MMW_E_NOTYPE, 0, "%s is no enumeration", name);
	if (!rc)
		*out = t.die;
	return rc;
}

/* The enumerator of this name, or without a name the one at an index: 1, or 0. */
static int enumerator_of(const struct mmw_dwarf *dw, const struct mmw_dwdie *in, const char *name, size_t index,
			 struct mmw_dwdie *out, struct mmw_err *err)
{
	struct mmw_dwiter it = children_of(in);
	int rc;

	while ((rc = next_child(dw, &it, out, err)) > 0)
		if (out->tag == DW_TAG_enumerator && (name ? !strcmp(out->name, name) : !index--))
			break;
	mmw_dwiter_fini(&it);
	return rc;
}

int mmw_dwarf_enumerator_at(struct mmw_dwarf *dw, const char *type, size_t index, const char **name, int64_t *value)
{
	struct mmw_dwdie in, d;

	if (find_enum(dw, type, &in, NULL) || enumerator_of(dw, &in, NULL, index, &d, NULL) <= 0)
		return 0;
	*name = d.name;
	*value = d.value;
	return 1;
}

int mmw_dwarf_enumerator(void *src, const char *type, const char *name, int64_t *out, struct mmw_err *err)
{
	const struct mmw_dwarf *dw = src;
	struct mmw_dwdie in, d;
	struct mmw_dwhit hit;
	int rc;

	if (type && *type) {
		rc = find_enum(dw, type, &in, err);
		rc = rc ? rc : enumerator_of(dw, &in, name, 0, &d, err);
		if (!rc)
			rc = mmw_fail(err, MMW_E_NOTYPE, 0, "DWARF has no enumerator %s %s", type, name);
	} else {
		rc = mmw_dwindex_find(dw->ix, name, enumerator_tags, &hit, err);
		rc = rc ? rc : read_die(dw, hit.unit, hit.die, &d, err);
	}
	if (rc < 0)
		return rc;
	*out = d.value;
	return 0;
}

/* --- the graph ------------------------------------------------------------------------------------------------ */

/* An id has the unit's number (from 1, as 0 is void), the DIE, and of an array which of its dimensions is the outermost. */
enum { ID_DIM_BITS = 4, ID_UNIT_AT = 36 };

static uint64_t id_of(const struct mmw_dwloaded *unit, uint32_t die)
{
	return ((uint64_t)unit->number + 1) << ID_UNIT_AT | (uint64_t)die << ID_DIM_BITS;
}

static int die_of(const struct mmw_dwarf *dw, uint64_t id, struct mmw_dwdie *out, struct mmw_err *err)
{
	struct mmw_dwloaded *unit = mmw_dwindex_unit(dw->ix, (id >> ID_UNIT_AT) - 1);

	if (!unit)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "DWARF has no type %#" PRIx64, id);
	return read_die(dw, unit, (uint32_t)(id >> ID_DIM_BITS), out, err);
}

int mmw_dwarf_find(void *src, const char *name, uint64_t *id, struct mmw_err *err)
{
	const struct mmw_dwarf *dw = src;
	struct mmw_dwhit hit;
	int rc = mmw_dwindex_find(dw->ix, name, type_tags, &hit, err);

	if (!rc)
		*id = id_of(hit.unit, hit.die);
	return rc;
}

static enum mmw_type_kind kind_of(const struct mmw_dwdie *d)
{
	switch (d->tag) {
	case DW_TAG_base_type:
		return d->encoding == DW_ATE_float ? MMW_TYPE_FLOAT : MMW_TYPE_INT;
	case DW_TAG_pointer_type:
		return MMW_TYPE_POINTER;
	case DW_TAG_array_type:
		return MMW_TYPE_ARRAY;
	case DW_TAG_structure_type:
		return MMW_TYPE_STRUCT;
	case DW_TAG_union_type:
		return MMW_TYPE_UNION;
	case DW_TAG_enumeration_type:
		return MMW_TYPE_ENUM;
	case DW_TAG_typedef:
		return MMW_TYPE_TYPEDEF;
	case DW_TAG_const_type:
		return MMW_TYPE_CONST;
	case DW_TAG_volatile_type:
	case DW_TAG_atomic_type:
		return MMW_TYPE_VOLATILE;
	case DW_TAG_restrict_type:
		return MMW_TYPE_RESTRICT;
	case DW_TAG_subroutine_type:
		return MMW_TYPE_FUNCTION;
	default:
		return MMW_TYPE_OTHER;
	}
}

/* All dimensions are in one DIE; each but the last is an array of the next. */
static int describe_array(const struct mmw_dwarf *dw, const struct mmw_dwdie *d, uint64_t id, struct mmw_type *out,
			  struct mmw_err *err)
{
	unsigned dim = id & ((1 << ID_DIM_BITS) - 1);
	struct type t = { .n_dims = 0 };
	int rc = add_dims(dw, d, &t, err);

	if (rc)
		return rc;
	out->count = dim < t.n_dims ? t.dims[dim] : 0;
	if (dim + 1 < t.n_dims)
		out->target = id + 1;
	return 0;
}

int mmw_dwarf_describe(void *src, uint64_t id, struct mmw_type *out, struct mmw_err *err)
{
	const struct mmw_dwarf *dw = src;
	struct mmw_dwdie d;
	int rc;

	*out = (struct mmw_type){ .name = "" };
	if (!id)
		return 0;
	rc = die_of(dw, id, &d, err);
	if (rc)
		return rc;
	out->kind = kind_of(&d);
	out->name = d.name;
	out->size = d.has_size ? d.size : out->kind == MMW_TYPE_POINTER ? dw->word : 0;
	out->target = d.has_type && out->kind != MMW_TYPE_ENUM ? id_of(d.unit, d.type) : 0;
	out->declared = d.declaration && is_struct(&d);
	out->is_signed = (out->kind == MMW_TYPE_INT || out->kind == MMW_TYPE_ENUM) && is_signed(dw, &d);
	return out->kind == MMW_TYPE_ARRAY ? describe_array(dw, &d, id, out, err) : 0;
}

static int member_part(const struct mmw_dwarf *dw, const struct mmw_dwdie *m, struct mmw_type_part *part, struct mmw_err *err)
{
	struct type t = { .size = 0 };
	int rc = 0;

	if (m->has_bits && m->has_bit_offset && !m->has_size && m->has_type)
		rc = enter_type(dw, m->unit, m->type, &t, err);
	part->bits = m->has_bits ? (uint32_t)m->bits : 0;
	return rc ? rc : bit_of(dw, m, t.size, &part->bit, err);
}

int mmw_dwarf_parts(void *src, uint64_t id, mmw_type_visit *visit, void *ctx, struct mmw_err *err)
{
	const struct mmw_dwarf *dw = src;
	struct mmw_dwdie in, d;
	struct mmw_dwiter it;
	int rc = id ? die_of(dw, id, &in, err) : mmw_fail(err, MMW_E_NOTYPE, 0, "void has no members"), got;

	if (rc)
		return rc;
	it = children_of(&in);
	while (!rc && (got = next_child(dw, &it, &d, err)) != 0) {
		struct mmw_type_part part = { .name = d.name, .value = d.value };

		rc = got < 0 ? got : 0;
		part.type = d.has_type ? id_of(d.unit, d.type) : 0;
		if (!rc && d.tag == DW_TAG_member)
			rc = member_part(dw, &d, &part, err);
		if (!rc && (d.tag == DW_TAG_member || d.tag == DW_TAG_enumerator || d.tag == DW_TAG_formal_parameter ||
			    d.tag == DW_TAG_unspecified_parameters))
			rc = visit(ctx, &part);
	}
	mmw_dwiter_fini(&it);
	return rc;
}

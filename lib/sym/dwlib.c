/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/dwlib.h"

#include <libdwarf/dwarf.h>
#include <libdwarf/libdwarf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"

enum { SECTIONS = 6 };

/* What libdwarf is told of one unit. */
struct unit_object {
	Dwarf_Obj_Access_Interface interface;
	struct {
		const char *name;
		const uint8_t *bytes;
		uint64_t len;
	} sections[SECTIONS];   /* the first one is nobody's, as in ELF */
	uint8_t word;
	bool big_endian;
	Dwarf_Debug dbg;
};

/* --- the object ----------------------------------------------------------------------------------------------- */

static int section_info(void *obj, Dwarf_Half index, Dwarf_Obj_Access_Section *out, int *error)
{
	const struct unit_object *o = obj;

	(void)error;
	if (index >= SECTIONS)
		return DW_DLV_NO_ENTRY;
	*out = (Dwarf_Obj_Access_Section){ .type = 1, .size = o->sections[index].len, .name = o->sections[index].name };
	return DW_DLV_OK;
}

static Dwarf_Endianness byte_order(void *obj)
{
	return ((const struct unit_object *)obj)->big_endian ? DW_OBJECT_MSB : DW_OBJECT_LSB;
}

static Dwarf_Small word_size(void *obj)
{
	return ((const struct unit_object *)obj)->word;
}

static Dwarf_Unsigned section_count(void *obj)
{
	(void)obj;
	return SECTIONS;
}

static int section_bytes(void *obj, Dwarf_Half index, Dwarf_Small **out, int *error)
{
	const struct unit_object *o = obj;

	(void)error;
	if (index >= SECTIONS || !o->sections[index].len)
		return DW_DLV_NO_ENTRY;
	*out = (Dwarf_Small *)o->sections[index].bytes;
	return DW_DLV_OK;
}

static const Dwarf_Obj_Access_Methods methods = {
	section_info, byte_order, word_size, word_size, section_count, section_bytes, NULL
};

static int failed(struct unit_object *o, Dwarf_Error e, struct mmw_err *err)
{
	int rc = mmw_fail(err, MMW_E_CORRUPT, 0, "libdwarf: %s", e ? dwarf_errmsg(e) : "no answer");

	if (e && o->dbg)
		dwarf_dealloc_error(o->dbg, e);
	return rc;
}

static void put32(uint8_t *p, uint32_t v, bool be)
{
	for (unsigned i = 0; i < 4; i++)
		p[be ? 3 - i : i] = (uint8_t)(v >> 8 * i);
}

/* The unit's own sections begin at 0; so must the offsets to them that the unit states. */
static void move_to_zero(struct mmw_dwloaded *l, bool be)
{
	put32(l->unit.bytes + l->unit.head.abbrev_at, 0, be);
	if (l->str_offsets)
		put32(l->unit.bytes + l->unit.str_base_at, (uint32_t)(l->str_offsets_len - l->unit.str_offsets_len),
		      be);
}

static int object_of(const struct mmw_dwsects *s, struct mmw_dwloaded *l, struct unit_object **out, struct mmw_err *err)
{
	struct unit_object *o = l->user;
	Dwarf_Error e = NULL;
	int rc;

	if (o) {
		*out = o;
		return 0;
	}
	o = calloc(1, sizeof(*o));
	if (!o)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a unit");
	move_to_zero(l, s->big_endian);
	*o = (struct unit_object){ { o, &methods }, {
		{ "", NULL, 0 },
		{ ".debug_info", l->unit.bytes, l->unit.head.len },
		{ ".debug_abbrev", l->unit.abbrevs, l->unit.abbrevs_len },
		{ ".debug_str", s->str.bytes, s->str.len },
		{ ".debug_line_str", s->line_str.bytes, s->line_str.len },
		{ ".debug_str_offsets", l->str_offsets, l->str_offsets_len },
	}, l->unit.head.addr_size, s->big_endian, NULL };
	rc = dwarf_object_init_b(&o->interface, NULL, NULL, DW_GROUPNUMBER_ANY, &o->dbg, &e);
	if (rc != DW_DLV_OK) {
		o->dbg = NULL;
		rc = failed(o, e, err);
		free(o);
		return rc;
	}
	l->user = *out = o;
	return 0;
}

void mmw_dwlib_free(void *user)
{
	struct unit_object *o = user;

	dwarf_object_finish(o->dbg, NULL);
	free(o);
}

/* --- attributes ----------------------------------------------------------------------------------------------- */

static int number_of(struct unit_object *o, Dwarf_Attribute a, Dwarf_Half form, uint64_t *out, struct mmw_err *err)
{
	bool is_signed = form == DW_FORM_sdata || form == DW_FORM_implicit_const;
	Dwarf_Unsigned u = 0;
	Dwarf_Signed i = 0;
	Dwarf_Error e = NULL;
	int rc = is_signed ? dwarf_formsdata(a, &i, &e) : dwarf_formudata(a, &u, &e);

	if (rc != DW_DLV_OK)
		return failed(o, e, err);
	*out = is_signed ? (uint64_t)i : u;
	return 0;
}

/* DWARF 2 and 3 have the place of a member as an expression, in effect always "add this". */
static int location_of(struct unit_object *o, Dwarf_Attribute a, Dwarf_Half form, struct mmw_dwdie *d,
		       struct mmw_err *err)
{
	Dwarf_Unsigned len = 0;
	Dwarf_Ptr p = NULL;
	Dwarf_Block *block = NULL;
	Dwarf_Error e = NULL;
	unsigned shift = 0;
	bool expr = form == DW_FORM_exprloc;
	int rc = expr ? dwarf_formexprloc(a, &len, &p, &e) : dwarf_formblock(a, &block, &e);
	const uint8_t *b;

	if (rc != DW_DLV_OK)
		return failed(o, e, err);
	b = expr ? p : block->bl_data;
	len = expr ? len : block->bl_len;
	d->location = 0;
	rc = len < 2 || b[0] != DW_OP_plus_uconst ? -1 : 0;
	for (Dwarf_Unsigned i = 1; !rc && i < len; i++, shift += 7) {
		d->location |= shift < 64 ? (uint64_t)(b[i] & 0x7f) << shift : 0;
		if (!(b[i] & 0x80) != (i + 1 == len))
			rc = -1;
	}
	if (block)
		dwarf_dealloc(o->dbg, block, DW_DLA_BLOCK);
	return rc ? mmw_fail(err, MMW_E_UNSUPPORTED, d->off, "the place of a member is computed") : 0;
}

static int reference_of(struct unit_object *o, Dwarf_Attribute a, Dwarf_Half form, struct mmw_dwdie *d,
			struct mmw_err *err)
{
	Dwarf_Off to = 0;
	Dwarf_Error e = NULL;

	if (form != DW_FORM_ref1 && form != DW_FORM_ref2 && form != DW_FORM_ref4 && form != DW_FORM_ref8 &&
	    form != DW_FORM_ref_udata)
		return mmw_fail(err, MMW_E_UNSUPPORTED, d->off, "a reference to another unit (form %#x)", form);
	if (dwarf_formref(a, &to, &e) != DW_DLV_OK)
		return failed(o, e, err);
	if (!mmw_dwunit_is_die(&d->unit->unit, to))
		return mmw_fail(err, MMW_E_CORRUPT, d->off, "a reference leads into a DIE");
	d->type = (uint32_t)to;
	d->has_type = true;
	return 0;
}

static bool is_number(Dwarf_Half form)
{
	return form == DW_FORM_data1 || form == DW_FORM_data2 || form == DW_FORM_data4 || form == DW_FORM_data8 ||
	       form == DW_FORM_udata || form == DW_FORM_sdata || form == DW_FORM_implicit_const;
}

/* Where the value of an attribute goes; NULL when it does not matter here. */
static uint64_t *place_of(struct mmw_dwdie *d, Dwarf_Half at, bool **has, bool *none)
{
	*has = none;
	switch (at) {
	case DW_AT_byte_size:
		*has = &d->has_size;
		return &d->size;
	case DW_AT_count: case DW_AT_upper_bound:
		*has = &d->has_count;
		return &d->count;
	case DW_AT_bit_size:
		*has = &d->has_bits;
		return &d->bits;
	case DW_AT_bit_offset:
		*has = &d->has_bit_offset;
		return (uint64_t *)&d->bit_offset;
	case DW_AT_data_bit_offset:
		*has = &d->has_data_bit;
		return &d->data_bit;
	case DW_AT_data_member_location:
		return &d->location;
	case DW_AT_encoding:
		return &d->encoding;
	case DW_AT_const_value:
		return (uint64_t *)&d->value;
	default:
		return NULL;
	}
}

static int read_attr(struct unit_object *o, Dwarf_Attribute a, struct mmw_dwdie *d, struct mmw_err *err)
{
	Dwarf_Half at = 0, form = 0;
	Dwarf_Error e = NULL;
	bool *has, none;
	uint64_t *to;
	int rc;

	if (dwarf_whatattr(a, &at, &e) != DW_DLV_OK || dwarf_whatform(a, &form, &e) != DW_DLV_OK)
		return failed(o, e, err);
	if (at == DW_AT_type)
		return reference_of(o, a, form, d, err);
	d->declaration |= at == DW_AT_declaration;
	if (at == DW_AT_data_member_location && !is_number(form))
		return location_of(o, a, form, d, err);
	to = place_of(d, at, &has, &none);
	/* What is computed at run time, as the length of an array may be, counts as not there. */
	if (!to || !is_number(form))
		return 0;
	rc = number_of(o, a, form, to, err);
	*has = !rc;
	if (!rc && at == DW_AT_upper_bound)
		d->count++;  /* of an array of none, the bound is -1 */
	return rc;
}

static int read_attrs(struct unit_object *o, Dwarf_Die die, struct mmw_dwdie *d, struct mmw_err *err)
{
	Dwarf_Attribute *list = NULL;
	Dwarf_Signed n = 0;
	Dwarf_Error e = NULL;
	int got = dwarf_attrlist(die, &list, &n, &e), rc = 0;

	if (got == DW_DLV_ERROR)
		return failed(o, e, err);
	for (Dwarf_Signed i = 0; got == DW_DLV_OK && i < n; i++) {
		rc = rc ? rc : read_attr(o, list[i], d, err);
		dwarf_dealloc_attribute(list[i]);
	}
	if (got == DW_DLV_OK)
		dwarf_dealloc(o->dbg, list, DW_DLA_LIST);
	return rc;
}

static int read_die(struct unit_object *o, Dwarf_Die die, struct mmw_dwloaded *l, struct mmw_dwdie *out,
		    struct mmw_err *err)
{
	Dwarf_Off off = 0;
	Dwarf_Error e = NULL;
	char *name = NULL;
	int got;

	*out = (struct mmw_dwdie){ .unit = l, .name = "" };
	got = dwarf_dieoffset(die, &off, &e);
	got = got == DW_DLV_OK ? dwarf_tag(die, &out->tag, &e) : got;
	if (got != DW_DLV_OK)
		return failed(o, e, err);
	out->off = (uint32_t)off;
	got = dwarf_diename(die, &name, &e);
	if (got == DW_DLV_ERROR)
		return failed(o, e, err);
	if (got == DW_DLV_OK)
		out->name = name;
	return read_attrs(o, die, out, err);
}

/* --- DIEs ----------------------------------------------------------------------------------------------------- */

static int find_die(const struct mmw_dwsects *s, struct mmw_dwloaded *l, uint32_t off, struct unit_object **o,
		    Dwarf_Die *out, struct mmw_err *err)
{
	Dwarf_Error e = NULL;
	int rc;

	if (!mmw_dwunit_is_die(&l->unit, off))
		return mmw_fail(err, MMW_E_CORRUPT, off, "no DIE starts there");
	rc = object_of(s, l, o, err);
	if (rc)
		return rc;
	return dwarf_offdie_b((*o)->dbg, off, 1, out, &e) == DW_DLV_OK ? 0 : failed(*o, e, err);
}

int mmw_dwdie_read(const struct mmw_dwsects *s, struct mmw_dwloaded *unit, uint32_t off, struct mmw_dwdie *out,
		   struct mmw_err *err)
{
	struct unit_object *o = NULL;
	Dwarf_Die die;
	int rc = find_die(s, unit, off, &o, &die, err);

	if (rc)
		return rc;
	rc = read_die(o, die, unit, out, err);
	dwarf_dealloc_die(die);
	return rc;
}

void mmw_dwiter_fini(struct mmw_dwiter *it)
{
	if (it->die)
		dwarf_dealloc_die(it->die);
	it->die = NULL;
}

int mmw_dwiter_next(const struct mmw_dwsects *s, struct mmw_dwiter *it, struct mmw_dwdie *out, struct mmw_err *err)
{
	struct unit_object *o = it->unit->user;
	Dwarf_Die die = it->die, next = NULL;
	Dwarf_Error e = NULL;
	int got, rc;

	if (it->begun && !die)
		return 0;
	if (!it->begun) {
		rc = find_die(s, it->unit, it->parent, &o, &die, err);
		if (rc)
			return rc;
	}
	got = it->begun ? dwarf_siblingof_b(o->dbg, die, 1, &next, &e) : dwarf_child(die, &next, &e);
	dwarf_dealloc_die(die);
	it->begun = true;
	it->die = got == DW_DLV_OK ? next : NULL;
	if (got == DW_DLV_ERROR)
		return failed(o, e, err);
	if (got != DW_DLV_OK)
		return 0;
	rc = read_die(o, next, it->unit, out, err);
	return rc ? rc : 1;
}

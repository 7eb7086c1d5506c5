/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF version 1, as include/uapi/linux/btf.h lays it out:
 *   header   magic 0xeb9f u16, version u8, flags u8, hdr_len, type_off, type_len, str_off, str_len (u32 each);
 *            offsets count from hdr_len. Linux 7.x may append layout_off and layout_len, so hdr_len is at least 24.
 *   types    one after the other, ids from 1 (0 is void):
 *            name_off u32, info u32, size or type u32, then a trailer that depends on the kind (kinds[] below)
 *            info: vlen in bits 0-23, kind in 24-30, kind_flag in 31. Before 7.x vlen had 16 bits and kind 5; the bits
 *            between were zero, so one decoding serves both.
 *   strings  NUL-terminated, the first one empty; name_off counts from their start
 *
 * mmw_btf_open() checks every offset and id, so no lookup can leave the bytes. It does not check the graph: types may
 * refer to each other in a circle or nest without end, so each walk below counts its steps.
 */
#include "lib/sym/btf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"

enum {
	BTF_MAGIC = 0xeb9f,
	HEADER_MIN = 24,
	TYPE_LEN = 12,
	ARRAY_COUNT = 8,      /* offset in the trailer of an array */
	INT_BITS = 0xff,      /* in the trailer of an integer: how many bits of its size are used, */
	INT_OFFSET = 16,      /* from which bit on (a shift), */
	INT_SIGNED = 1 << 24, /* and whether it has a sign */
	HASHED_MAX = 128,     /* bytes of a name that count for its hash: names may be megabytes long */
	CHAIN_MAX = 64,       /* typedefs, qualifiers and array dimensions in a row */
	NESTING_MAX = 32,     /* unnamed structs within structs */
	VISITS_MAX = 1 << 18, /* members in one lookup: nesting can make a few types look like billions */
};

enum btf_kind {
	KIND_VOID, KIND_INT, KIND_PTR, KIND_ARRAY, KIND_STRUCT, KIND_UNION, KIND_ENUM, KIND_FWD, KIND_TYPEDEF,
	KIND_VOLATILE, KIND_CONST, KIND_RESTRICT, KIND_FUNC, KIND_FUNC_PROTO, KIND_VAR, KIND_DATASEC, KIND_FLOAT,
	KIND_DECL_TAG, KIND_TYPE_TAG, KIND_ENUM64, KINDS
};

/* What the trailer of a kind looks like, and which of its words are ids and names: all that checking it takes. */
static const struct kind_info {
	uint8_t fixed, each;  /* bytes of the trailer, and bytes of it for each of vlen elements */
	bool refers;          /* the third word of the type is a type id and no size */
	bool looked_up;       /* lookups ask for it by name */
	int8_t name_at, type_at;  /* offsets of a name and of a type id in each element, or -1 */
} kinds[KINDS] = {
	[KIND_INT] = { .fixed = 4, .looked_up = true },
	[KIND_PTR] = { .refers = true },
	[KIND_ARRAY] = { .fixed = 12 },
	[KIND_STRUCT ... KIND_UNION] = { .each = 12, .looked_up = true, .name_at = 0, .type_at = 4 },
	[KIND_ENUM] = { .each = 8, .looked_up = true, .name_at = 0, .type_at = -1 },
	[KIND_TYPEDEF] = { .refers = true, .looked_up = true },
	[KIND_VOLATILE ... KIND_FUNC] = { .refers = true },
	[KIND_FUNC_PROTO] = { .each = 8, .refers = true, .name_at = 0, .type_at = 4 },
	[KIND_VAR] = { .fixed = 4, .refers = true },
	[KIND_DATASEC] = { .each = 12, .name_at = -1, .type_at = 0 },
	[KIND_DECL_TAG] = { .fixed = 4, .refers = true },
	[KIND_TYPE_TAG] = { .refers = true },
	[KIND_ENUM64] = { .each = 12, .looked_up = true, .name_at = 0, .type_at = -1 },
};

/* A type as its first three words say. */
struct type {
	uint32_t id, name, kind, vlen;
	uint32_t size;        /* or the id it refers to */
	bool kflag;
	const uint8_t *tail;
};

struct mmw_btf {
	const struct mmw_btf *base;  /* of a module's: whose ids and strings come first; else NULL */
	uint32_t first, str_first;   /* how many these are */
	uint8_t *bytes;
	const uint8_t *types;
	const char *strs;
	uint32_t types_len, strs_len, ntypes;  /* strs_len, ntypes: the base's counted in */
	uint8_t word;
	bool be, enums_signed;  /* see is_signed() */
	uint32_t *at;         /* offset of type id first + i in types; [0] is unused; owns next and buckets */
	uint32_t *next;       /* of each of these, the next id of its hash bucket; 0 ends it */
	uint32_t *buckets, bucket_mask;
};

struct head {
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
	uint64_t total;
};

static int parse_head(const void *bytes, size_t len, bool be, struct head *h, struct mmw_err *err)
{
	const uint8_t *p = bytes;
	uint64_t type_end, str_end;

	if (len < HEADER_MIN)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "BTF header: %zu bytes are too short for it", len);
	*h = (struct head){ mmw_get32(p + 4, be), mmw_get32(p + 8, be), mmw_get32(p + 12, be), mmw_get32(p + 16, be),
			    mmw_get32(p + 20, be), 0 };
	if (mmw_get16(p, be) != BTF_MAGIC || p[2] != 1 || p[3] || h->hdr_len < HEADER_MIN)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "BTF header: magic %#x, version %u, flags %#x, length %" PRIu32,
				mmw_get16(p, be), p[2], p[3], h->hdr_len);
	type_end = (uint64_t)h->type_off + h->type_len;
	str_end = (uint64_t)h->str_off + h->str_len;
	if (type_end > h->str_off && str_end > h->type_off)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "BTF header: types and strings overlap");
	h->total = h->hdr_len + (type_end > str_end ? type_end : str_end);
	return 0;
}

int mmw_btf_size(const void *head, size_t len, bool big_endian, uint64_t *total, struct mmw_err *err)
{
	struct head h = { 0 };
	int rc = parse_head(head, len, big_endian, &h, err);

	if (!rc)
		*total = h.total;
	return rc;
}

static uint32_t get32(const struct mmw_btf *btf, const uint8_t *p)
{
	return mmw_get32(p, btf->be);
}

static struct type type_of(const struct mmw_btf *btf, uint32_t id)
{
	const uint8_t *p;
	uint32_t info;

	if (!id)
		return (struct type){ .kind = KIND_VOID };
	if (id <= btf->first)
		return type_of(btf->base, id);
	p = btf->types + btf->at[id - btf->first];
	info = get32(btf, p + 4);
	return (struct type){ id, get32(btf, p), info >> 24 & 0x7f, info & 0xffffff, get32(btf, p + 8), info >> 31,
			      p + TYPE_LEN };
}

/* Safe for every offset below strs_len, because the last byte of the strings is NUL. */
static const char *string_at(const struct mmw_btf *btf, uint32_t off)
{
	return off < btf->str_first ? string_at(btf->base, off) : btf->strs + (off - btf->str_first);
}

/* Names of the image stay out of messages: they are its author's to choose. */
static int broken(const struct type *t, struct mmw_err *err, const char *why)
{
	return mmw_fail(err, MMW_E_CORRUPT, 0, "BTF type %" PRIu32 " (kind %" PRIu32 ", %" PRIu32 " elements): %s",
			t->id, t->kind, t->vlen, why);
}

static bool is_enum(const struct type *t)
{
	return t->kind == KIND_ENUM || t->kind == KIND_ENUM64;
}

static bool is_struct(const struct type *t)
{
	return t->kind == KIND_STRUCT || t->kind == KIND_UNION;
}

/* Find where each type starts, and that each trailer is inside. */
static int index_types(struct mmw_btf *btf, struct mmw_err *err)
{
	uint32_t off = 0, left;

	while ((left = btf->types_len - off) > 0) {
		struct type t = { .id = btf->ntypes + 1 };
		uint64_t need = TYPE_LEN;

		if (need <= left) {
			btf->at[t.id - btf->first] = off;
			t = type_of(btf, t.id);
			if (!t.kind || t.kind >= KINDS)
				return broken(&t, err, "its kind is unknown");
			need += kinds[t.kind].fixed + (uint64_t)t.vlen * kinds[t.kind].each;
		}
		if (need > left)
			return broken(&t, err, "runs over the end of the types");
		btf->ntypes++;
		off += need;
	}
	return 0;
}

static bool refs_inside(const struct mmw_btf *btf, const struct type *t)
{
	const struct kind_info *k = &kinds[t->kind];
	const uint8_t *p = t->tail;
	uint32_t i;

	if (t->name >= btf->strs_len || (k->refers && t->size > btf->ntypes))
		return false;
	if (t->kind == KIND_ARRAY)
		return get32(btf, p) <= btf->ntypes && get32(btf, p + 4) <= btf->ntypes;
	for (i = 0; k->each && i < t->vlen; i++, p += k->each)
		if ((k->name_at >= 0 && get32(btf, p + k->name_at) >= btf->strs_len) ||
		    (k->type_at >= 0 && get32(btf, p + k->type_at) > btf->ntypes))
			return false;
	return true;
}

/* FNV-1a. The kind is part of it, so that `struct x` and `typedef x` are found without comparing the other. */
static uint32_t *bucket_of(const struct mmw_btf *btf, const char *name, uint32_t kind)
{
	uint32_t i, h = (2166136261u ^ kind) * 16777619u;

	for (i = 0; i < HASHED_MAX && name[i]; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return &btf->buckets[(h ^ h >> 15) & btf->bucket_mask];
}

/* Check all types and enter their names. From the last to the first, because a bucket is entered at its front. */
static int check_types(struct mmw_btf *btf, size_t ids, struct mmw_err *err)
{
	uint32_t id, *bucket;

	btf->next = btf->at + ids;
	btf->buckets = btf->next + ids;
	btf->enums_signed = !btf->base || btf->base->enums_signed;
	for (id = btf->ntypes; id > btf->first; id--) {
		struct type t = type_of(btf, id);

		if (!refs_inside(btf, &t))
			return broken(&t, err, "a name or type it refers to does not exist");
		if (t.kind == KIND_ENUM64 || (t.kind == KIND_ENUM && t.kflag))
			btf->enums_signed = false;
		/* `enum x;` is an enumeration of nothing and must not hide the definition. */
		if (!kinds[t.kind].looked_up || !*string_at(btf, t.name) || (is_enum(&t) && !t.vlen))
			continue;
		bucket = bucket_of(btf, string_at(btf, t.name), t.kind);
		btf->next[id - btf->first] = *bucket;
		*bucket = id;
	}
	return 0;
}

static int open_on(const struct mmw_btf *base, void *bytes, size_t len, bool big_endian, unsigned word, struct mmw_btf **out,
		   struct mmw_err *err)
{
	struct mmw_btf *btf = NULL;
	size_t ids, nbuckets = 64;
	const char *strs;
	struct head h = { 0 };
	int rc;

	if (word != 4 && word != 8)
		return mmw_fail(err, MMW_E_ARG, 0, "BTF: pointers of %u bytes", word);
	rc = parse_head(bytes, len, big_endian, &h, err);
	if (rc)
		return rc;
	if (h.total > len)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "BTF: needs %" PRIu64 " bytes, has %zu", h.total, len);
	strs = (const char *)bytes + h.hdr_len + h.str_off;
	/* The empty string is the base's. */
	if (base ? h.str_len && strs[h.str_len - 1] : !h.str_len || strs[0] || strs[h.str_len - 1])
		return mmw_fail(err, MMW_E_CORRUPT, 0, "BTF: its strings do not begin and end with NUL");
	ids = (size_t)h.type_len / TYPE_LEN + 1;
	while (nbuckets < ids / 8)  /* about a sixth of the types have a name to look up */
		nbuckets *= 2;
	btf = malloc(sizeof(*btf));
	if (!btf)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for BTF");
	*btf = (struct mmw_btf){ .base = base, .first = base ? base->ntypes : 0, .str_first = base ? base->strs_len : 0,
				 .types = (const uint8_t *)bytes + h.hdr_len + h.type_off, .types_len = h.type_len,
				 .strs = strs, .strs_len = h.str_len + (base ? base->strs_len : 0),
				 .ntypes = base ? base->ntypes : 0, .be = big_endian, .word = word,
				 .at = calloc(ids * 2 + nbuckets, sizeof(*btf->at)), .bucket_mask = nbuckets - 1 };
	rc = btf->at ? index_types(btf, err) : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu BTF types", ids);
	rc = rc ? rc : check_types(btf, ids, err);
	if (rc) {
		mmw_btf_close(btf);
		return rc;
	}
	btf->bytes = bytes;
	*out = btf;
	return 0;
}

int mmw_btf_open(void *bytes, size_t len, bool big_endian, unsigned word, struct mmw_btf **out, struct mmw_err *err)
{
	return open_on(NULL, bytes, len, big_endian, word, out, err);
}

int mmw_btf_open_split(const struct mmw_btf *base, void *bytes, size_t len, struct mmw_btf **out, struct mmw_err *err)
{
	return open_on(base, bytes, len, base->be, base->word, out, err);
}

void mmw_btf_close(struct mmw_btf *btf)
{
	if (!btf)
		return;
	free(btf->at);
	free(btf->bytes);
	free(btf);
}

size_t mmw_btf_types(const void *src)
{
	const struct mmw_btf *btf = src;

	return btf->ntypes - btf->first;
}

/* The first type of this kind and name; 0 when there is none. */
static uint32_t find_kind(const struct mmw_btf *btf, const char *name, uint32_t kind)
{
	uint32_t id;

	for (id = *bucket_of(btf, name, kind); id; id = btf->next[id - btf->first])
		if (type_of(btf, id).kind == kind && !strcmp(string_at(btf, type_of(btf, id).name), name))
			break;
	return id;
}

/* Where a name is looked for, the first kind first. */
static const uint8_t type_kinds[] = { KIND_STRUCT, KIND_UNION, KIND_TYPEDEF, KIND_ENUM, KIND_ENUM64, KIND_INT, 0 };
static const uint8_t enum_kinds[] = { KIND_ENUM, KIND_ENUM64, KIND_TYPEDEF, 0 };

static uint32_t find_type(const struct mmw_btf *btf, const char *name, const uint8_t *order)
{
	uint32_t id = 0;

	for (const uint8_t *kind = order; *kind && !id; kind++)
		id = find_kind(btf, name, *kind);
	return id || !btf->base ? id : find_type(btf->base, name, order);
}

/* Step over typedefs and qualifiers. */
static int resolve(const struct mmw_btf *btf, uint32_t id, struct type *out, struct mmw_err *err)
{
	unsigned steps;

	for (steps = 0; steps < CHAIN_MAX; steps++) {
		*out = type_of(btf, id);
		if (out->kind != KIND_TYPEDEF && out->kind != KIND_VOLATILE && out->kind != KIND_CONST &&
		    out->kind != KIND_RESTRICT && out->kind != KIND_TYPE_TAG)
			return 0;
		id = out->size;
	}
	return broken(out, err, "typedefs and qualifiers without end (a cycle?)");
}

/* Where a path has led. */
struct place {
	struct type type;          /* without typedefs and qualifiers */
	struct type elem;          /* the element below all dimensions when that is an array, or the same */
	uint64_t count, elem_size; /* of an array; else 1 and the size */
	uint64_t off;              /* bytes from the start of the outermost struct */
	uint8_t bits, unit, bit_offset;  /* of a bit field; else 0. unit is in bytes */
};

/* A member to look for, and where it is. */
struct search {
	const char *name;
	size_t len;
	struct type in;            /* the innermost struct that has it */
	uint64_t base, bit;        /* that struct's own offset in bytes, and in it the member's in bits */
	uint32_t bits, type, visits;
};

static int enter_type(const struct mmw_btf *btf, uint32_t id, struct place *pl, struct mmw_err *err)
{
	struct type *t = &pl->elem;
	unsigned dims;
	int rc = resolve(btf, id, t, err);

	pl->type = *t;
	pl->count = 1;
	for (dims = 0; !rc && t->kind == KIND_ARRAY; dims++) {
		pl->count *= get32(btf, t->tail + ARRAY_COUNT);
		if (dims >= CHAIN_MAX || pl->count > UINT32_MAX)
			return broken(t, err, "an array without end");
		rc = resolve(btf, get32(btf, t->tail), t, err);
	}
	if (rc)
		return rc;
	if (t->kind != KIND_INT && t->kind != KIND_FLOAT && t->kind != KIND_PTR && !is_struct(t) && !is_enum(t))
		return mmw_fail(err, MMW_E_NOTYPE, 0, "BTF type %" PRIu32 " has no size", t->id);
	pl->elem_size = t->kind == KIND_PTR ? btf->word : t->size;
	return pl->count * pl->elem_size > UINT32_MAX ? broken(t, err, "an array of it is larger than 4 GiB") : 0;
}

/*
 * 1 when `t` or an unnamed struct in it has the member. An unnamed member can be of a named type (-fms-extensions).
 * With kind_flag, a member's offset word is bitfield_size << 24 | bit offset.
 */
static int find_member(const struct mmw_btf *btf, const struct type *t, uint64_t base, unsigned depth, struct search *s,
		       struct mmw_err *err)
{
	const uint8_t *p = t->tail;
	uint32_t i;
	int rc = 0;

	s->visits += t->vlen;
	if (depth > NESTING_MAX || s->visits > VISITS_MAX)
		return broken(t, err, "unnamed structs nested without end (a cycle?)");
	for (i = 0; !rc && i < t->vlen; i++, p += kinds[t->kind].each) {
		const char *name = string_at(btf, get32(btf, p));
		struct type inner;

		if (*name && (strncmp(name, s->name, s->len) || name[s->len]))
			continue;
		s->type = get32(btf, p + 4);
		s->bit = get32(btf, p + 8) & (t->kflag ? 0xffffff : UINT32_MAX);
		if (*name) {
			s->in = *t;
			s->base = base;
			s->bits = t->kflag ? get32(btf, p + 8) >> 24 : 0;
			return 1;
		}
		rc = resolve(btf, s->type, &inner, err);
		if (rc || !is_struct(&inner))
			continue;
		if (s->bit % 8 || !mmw_fits(s->bit / 8, inner.size, t->size))
			return broken(t, err, "an unnamed member is not inside");
		rc = find_member(btf, &inner, base + s->bit / 8, depth + 1, s, err);
	}
	return rc;
}

static int place_bits(const struct mmw_btf *btf, const struct search *s, struct place *pl, struct mmw_err *err)
{
	struct mmw_member m;
	int rc;

	if ((pl->type.kind != KIND_INT && !is_enum(&pl->type)) || s->bits > pl->elem_size * 8)
		return broken(&s->in, err, "a bit field is not inside");
	rc = mmw_member_place_bits(s->bit, s->bits, s->in.size, btf->be, &m, err);
	if (rc)
		return mmw_wrap(err, rc, "BTF type %" PRIu32, s->in.id);
	pl->off = s->base + m.offset;
	pl->bits = m.bit_size;
	pl->unit = (uint8_t)m.size;
	pl->bit_offset = m.bit_offset;
	return 0;
}

static int step_member(const struct mmw_btf *btf, const char *name, size_t len, struct place *pl, struct mmw_err *err)
{
	struct search s = { .name = name, .len = len };
	int rc = is_struct(&pl->type) ? find_member(btf, &pl->type, pl->off, 0, &s, err) : 0;

	if (!rc)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "BTF type %" PRIu32 " has no member %.*s", pl->type.id, (int)len,
				name);
	rc = rc < 0 ? rc : enter_type(btf, s.type, pl, err);
	if (rc)
		return rc;
	/* Before kind_flag, a bit field had an integer type of its own that told its bits. */
	if (!s.bits && pl->type.kind == KIND_INT) {
		uint32_t enc = get32(btf, pl->type.tail);

		s.bit += enc >> INT_OFFSET & 0xff;
		s.bits = (enc & INT_BITS) == pl->elem_size * 8 ? 0 : enc & INT_BITS;
	}
	if (s.bits)
		return place_bits(btf, &s, pl, err);
	if (s.bit % 8 || !mmw_fits(s.bit / 8, pl->count * pl->elem_size, s.in.size))
		return broken(&s.in, err, "a member is not inside");
	pl->off = s.base + s.bit / 8;
	return 0;
}

/* An array of no elements is a flexible one: what it holds is for the caller to know. */
static int step_index(const struct mmw_btf *btf, uint64_t index, struct place *pl, struct mmw_err *err)
{
	struct type t = pl->type;
	uint32_t count = t.kind == KIND_ARRAY ? get32(btf, t.tail + ARRAY_COUNT) : 0;
	int rc;

	if (t.kind != KIND_ARRAY || index >= (count ? count : UINT32_MAX))
		return mmw_fail(err, MMW_E_NOTYPE, 0, "BTF type %" PRIu32 " has no element %" PRIu64, t.id, index);
	rc = enter_type(btf, get32(btf, t.tail), pl, err);
	if (!rc)
		pl->off += index * pl->count * pl->elem_size;
	return rc;
}

/* Follow a path, or stay at the type itself when it is empty. */
static int follow(const struct mmw_btf *btf, const char *type, const char *path, struct place *pl, struct mmw_err *err)
{
	uint32_t id = find_type(btf, type, type_kinds);
	const char *at = path;
	struct mmw_path_step step;
	int rc;

	*pl = (struct place){ .off = 0 };
	if (!id)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "BTF has no type %s", type);
	rc = enter_type(btf, id, pl, err);
	while (!rc && (rc = mmw_path_next(path, &at, &step, err)) > 0)
		rc = step.name ? step_member(btf, step.name, step.len, pl, err) :
			step_index(btf, step.index, pl, err);
	return mmw_wrap(err, rc, "%s%s%s", type, *path ? "." : "", path);
}

int mmw_btf_type_size(void *src, const char *type, uint64_t *out, struct mmw_err *err)
{
	struct place pl;
	int rc = follow(src, type, "", &pl, err);

	if (!rc)
		*out = pl.count * pl.elem_size;
	return rc;
}

/*
 * Before Linux 6.0 (pahole 1.24) the sign of an enumeration was not recorded and the values were __s32. A producer that
 * does record signs is known by using one: a kernel has negative enumerators.
 */
static bool is_signed(const struct mmw_btf *btf, const struct type *t)
{
	if (t->kind == KIND_INT)
		return get32(btf, t->tail) & INT_SIGNED;
	return is_enum(t) && (t->kflag || btf->enums_signed);
}

int mmw_btf_member(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err)
{
	struct place pl;
	int rc = *path ? follow(src, type, path, &pl, err) : mmw_fail(err, MMW_E_ARG, 0, "no member of %s named", type);

	if (rc)
		return rc;
	*out = (struct mmw_member){
		.offset = pl.off,
		.size = pl.bits ? pl.unit : pl.count * pl.elem_size,
		.count = pl.type.kind == KIND_ARRAY ? pl.count : 0,
		.elem_size = pl.bits ? pl.unit : pl.elem_size,
		.bit_offset = pl.bit_offset,
		.bit_size = pl.bits,
		.is_pointer = pl.elem.kind == KIND_PTR,
		.is_signed = is_signed(src, &pl.elem),
	};
	return 0;
}

static bool find_enum(const struct mmw_btf *btf, const char *name, struct type *out)
{
	uint32_t id = find_type(btf, name, enum_kinds);

	return id && !resolve(btf, id, out, NULL) && is_enum(out);
}

static const char *enumerator(const struct mmw_btf *btf, const struct type *t, uint32_t index, int64_t *value)
{
	const uint8_t *p = t->tail + (size_t)index * kinds[t->kind].each;
	uint32_t low = get32(btf, p + 4);

	if (t->kind == KIND_ENUM64)
		*value = (int64_t)(low | (uint64_t)get32(btf, p + 8) << 32);
	else
		*value = is_signed(btf, t) ? (int32_t)low : (int64_t)low;
	return string_at(btf, get32(btf, p));
}

int mmw_btf_enumerator_at(const struct mmw_btf *btf, const char *type, size_t index, const char **name, int64_t *value)
{
	struct type t;

	if (!find_enum(btf, type, &t) || index >= t.vlen)
		return 0;
	*name = enumerator(btf, &t, index, value);
	return 1;
}

int mmw_btf_enumerator(void *src, const char *type, const char *name, int64_t *out, struct mmw_err *err)
{
	const struct mmw_btf *btf = src;
	uint32_t id = 1, last = btf->ntypes, i;
	struct type t;
	int64_t value;

	if (type && *type)
		id = last = find_enum(btf, type, &t) ? t.id : 0;
	for (; id && id <= last; id++) {
		t = type_of(btf, id);
		for (i = 0; is_enum(&t) && i < t.vlen; i++) {
			if (!strcmp(enumerator(btf, &t, i, &value), name)) {
				*out = value;
				return 0;
			}
		}
	}
	return mmw_fail(err, MMW_E_NOTYPE, 0, "BTF has no enumerator %s %s", type ? type : "", name);
}

/* --- the graph ------------------------------------------------------------------------------------------------ */

int mmw_btf_find(void *src, const char *name, uint64_t *id, struct mmw_err *err)
{
	*id = find_type(src, name, type_kinds);
	return *id ? 0 : mmw_fail(err, MMW_E_NOTYPE, 0, "BTF has no type %s", name);
}

int mmw_btf_describe(void *src, uint64_t id, struct mmw_type *out, struct mmw_err *err)
{
	static const uint8_t as[KINDS] = {
		[KIND_INT] = MMW_TYPE_INT, [KIND_PTR] = MMW_TYPE_POINTER, [KIND_ARRAY] = MMW_TYPE_ARRAY,
		[KIND_STRUCT] = MMW_TYPE_STRUCT, [KIND_UNION] = MMW_TYPE_UNION, [KIND_ENUM] = MMW_TYPE_ENUM,
		[KIND_TYPEDEF] = MMW_TYPE_TYPEDEF, [KIND_VOLATILE] = MMW_TYPE_VOLATILE, [KIND_CONST] = MMW_TYPE_CONST,
		[KIND_RESTRICT] = MMW_TYPE_RESTRICT, [KIND_FUNC] = MMW_TYPE_OTHER, [KIND_FUNC_PROTO] = MMW_TYPE_FUNCTION,
		[KIND_VAR ... KIND_DATASEC] = MMW_TYPE_OTHER, [KIND_FLOAT] = MMW_TYPE_FLOAT,
		[KIND_DECL_TAG] = MMW_TYPE_OTHER, [KIND_ENUM64] = MMW_TYPE_ENUM,
	};
	const struct mmw_btf *btf = src;
	struct type t;

	if (id > btf->ntypes)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "BTF has no type %" PRIu64, id);
	t = type_of(btf, (uint32_t)id);
	for (unsigned steps = 0; t.kind == KIND_TYPE_TAG && steps < CHAIN_MAX; steps++)
		t = type_of(btf, t.size);
	*out = (struct mmw_type){ .kind = as[t.kind], .name = id ? string_at(btf, t.name) : "", .size = t.size };
	if (kinds[t.kind].refers) {
		out->target = t.size;
		out->size = t.kind == KIND_PTR ? btf->word : 0;
	}
	if (t.kind == KIND_ARRAY) {
		out->target = get32(btf, t.tail);
		out->count = get32(btf, t.tail + ARRAY_COUNT);
		out->size = 0;
	}
	if (t.kind == KIND_FWD) {
		out->kind = t.kflag ? MMW_TYPE_UNION : MMW_TYPE_STRUCT;
		out->declared = true;
		out->size = 0;
	}
	out->is_signed = (t.kind == KIND_INT || is_enum(&t)) && is_signed(btf, &t);
	return 0;
}

/* Before kind_flag, a bit field had an integer type of its own that told its bits. */
static struct mmw_type_part member_of(const struct mmw_btf *btf, const struct type *t, const uint8_t *p)
{
	uint32_t place = get32(btf, p + 8);
	struct mmw_type_part m = { .name = string_at(btf, get32(btf, p)), .type = get32(btf, p + 4), .bit = place };
	struct type of;

	if (t->kflag) {
		m.bit = place & 0xffffff;
		m.bits = place >> 24;
	} else if (!resolve(btf, (uint32_t)m.type, &of, NULL) && of.kind == KIND_INT) {
		uint32_t enc = get32(btf, of.tail);

		m.bit += enc >> INT_OFFSET & 0xff;
		m.bits = (enc & INT_BITS) == of.size * 8 ? 0 : enc & INT_BITS;
	}
	return m;
}

int mmw_btf_parts(void *src, uint64_t id, mmw_type_visit *visit, void *ctx, struct mmw_err *err)
{
	const struct mmw_btf *btf = src;
	struct type t;
	int rc = 0;

	if (id > btf->ntypes)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "BTF has no type %" PRIu64, id);
	t = type_of(btf, (uint32_t)id);
	for (uint32_t i = 0; !rc && i < t.vlen; i++) {
		const uint8_t *p = t.tail + (size_t)i * kinds[t.kind].each;
		struct mmw_type_part part = { .name = "" };

		if (is_struct(&t))
			part = member_of(btf, &t, p);
		else if (is_enum(&t))
			part.name = enumerator(btf, &t, i, &part.value);
		else if (t.kind == KIND_FUNC_PROTO)
			part = (struct mmw_type_part){ .name = string_at(btf, get32(btf, p)), .type = get32(btf, p + 4) };
		else
			break;
		rc = visit(ctx, &part);
	}
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/dwindex.h"

#include <inttypes.h>
#include <libdwarf/dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/par.h"
#include "lib/base/vec.h"

enum {
	CHUNK = 1 << 20,        /* bytes that a worker searches at a time */
	WAVE_MAX = 16,          /* chunks at a time; the first waves are shorter, most names are found in them */
	MARGIN = 128,           /* bytes before a chunk that the DIE of a hit may begin in */
	BLOCK = 4096,           /* bytes that are searched before it is asked whether there was a hit */
	FEW = 6,                /* patterns up to this many are searched for one by one */
	FILTER_BITS = 1 << 16,
	PLACES_MAX = 1 << 20,   /* of a name in the strings */
	UNIT_COST = 4096,       /* bytes of work that entering a unit counts for at least */
	BUDGET = 1 << 26,       /* see spend() */
	SHORT_SLICE = 8,        /* header of a contribution to .debug_str_offsets */
};


/* What is known of a name, also that there is no such type. */
struct answer {
	char *name;
	const uint16_t *tags;
	int rc;
	struct mmw_err err;
	struct mmw_dwhit hit;
};

struct mmw_dwindex {
	struct mmw_debugfile *file;
	const struct mmw_debugsect *info, *str_offsets;
	struct mmw_dwsects sects;
	uint64_t *units;            /* where the units start that the search came past */
	size_t n_units, cap_units;
	uint64_t next_unit;
	int broken;                 /* why there is no next one, when that is not the end */
	struct mmw_err why;
	struct mmw_dwloaded **loaded;
	size_t n_loaded, cap_loaded;
	struct answer *answers;
	size_t n_answers, cap_answers;
	uint8_t *wave;
};

/* --- opening -------------------------------------------------------------------------------------------------- */

static int load_section(struct mmw_dwindex *ix, const char *name, bool strings, struct mmw_dwdata *out,
			struct mmw_err *err)
{
	struct mmw_debugsect *s;
	uint8_t *p;
	int rc = mmw_debugfile_section(ix->file, name, &s, err);

	if (rc == -MMW_E_NODATA && strings)
		return 0;
	if (rc)
		return rc;
	p = malloc(mmw_debugsect_size(s));
	if (!p)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %s", name);
	*out = (struct mmw_dwdata){ p, mmw_debugsect_size(s) };
	rc = mmw_debugsect_read(s, 0, p, out->len, err);
	while (strings && out->len && p[out->len - 1])
		out->len--;
	return rc;
}

int mmw_dwindex_open(struct mmw_debugfile *f, struct mmw_dwindex **out, struct mmw_err *err)
{
	struct mmw_dwindex *ix = calloc(1, sizeof(*ix));
	struct mmw_debugsect *s;
	int rc;

	if (!ix)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for DWARF");
	ix->file = f;
	ix->sects.big_endian = mmw_debugfile_info(f)->big_endian;
	rc = mmw_debugfile_section(f, ".debug_info", &s, err);
	if (!rc)
		ix->info = s;
	rc = rc ? rc : load_section(ix, ".debug_abbrev", false, &ix->sects.abbrev, err);
	rc = rc ? rc : load_section(ix, ".debug_str", true, &ix->sects.str, err);
	rc = rc ? rc : load_section(ix, ".debug_line_str", true, &ix->sects.line_str, err);
	if (!rc && !mmw_debugfile_section(f, ".debug_str_offsets", &s, NULL))
		ix->str_offsets = s;
	if (rc)
		mmw_dwindex_close(ix, NULL);
	else
		*out = ix;
	return rc;
}

static void free_loaded(struct mmw_dwloaded *l)
{
	if (!l)
		return;
	mmw_dwunit_free(&l->unit);
	free(l->str_offsets);
	free(l);
}

void mmw_dwindex_close(struct mmw_dwindex *ix, void (*free_user)(void *user))
{
	if (!ix)
		return;
	for (size_t i = 0; i < ix->n_loaded; i++) {
		if (ix->loaded[i]->user)
			free_user(ix->loaded[i]->user);
		free_loaded(ix->loaded[i]);
	}
	for (size_t i = 0; i < ix->n_answers; i++)
		free(ix->answers[i].name);
	free((void *)ix->sects.abbrev.bytes);
	free((void *)ix->sects.str.bytes);
	free((void *)ix->sects.line_str.bytes);
	free(ix->units);
	free(ix->loaded);
	free(ix->answers);
	free(ix->wave);
	free(ix);
}

const struct mmw_dwsects *mmw_dwindex_sects(const struct mmw_dwindex *ix)
{
	return &ix->sects;
}

/* --- units ---------------------------------------------------------------------------------------------------- */

static int read_head(const struct mmw_dwindex *ix, uint64_t off, struct mmw_dwhead *out, struct mmw_err *err)
{
	uint64_t left = mmw_debugsect_size(ix->info) - off;
	size_t len = left < MMW_DWHEAD_MAX ? left : MMW_DWHEAD_MAX;
	uint8_t p[MMW_DWHEAD_MAX];
	int rc = mmw_debugsect_read(ix->info, off, p, len, err);

	rc = rc ? rc : mmw_dwhead_parse(p, len, ix->sects.big_endian, out, err);
	if (!rc && out->len > left)
		rc = mmw_fail(err, MMW_E_CORRUPT, off, "a unit of %" PRIu64 " bytes, %" PRIu64 " are left", out->len,
			      left);
	return mmw_wrap(err, rc, ".debug_info at %#" PRIx64, off);
}

/* Go along the units until one begins at or after `end`. Behind a damaged one no other can be found. */
static int list_units(struct mmw_dwindex *ix, uint64_t end, struct mmw_err *err)
{
	struct mmw_dwhead h;
	int rc = 0;

	while (!ix->broken && ix->next_unit < end) {
		rc = read_head(ix, ix->next_unit, &h, &ix->why);
		if (rc == -MMW_E_CORRUPT || rc == -MMW_E_UNSUPPORTED) {
			ix->broken = rc;
			return 0;
		}
		if (rc && err)
			*err = ix->why;
		rc = rc ? rc : mmw_vec_reserve(&ix->units, &ix->cap_units, ix->n_units + 1, sizeof(*ix->units), err);
		if (rc)
			return rc;
		ix->units[ix->n_units++] = ix->next_unit;
		ix->next_unit += h.len;
	}
	return 0;
}

/* DWARF 5, 7.26: a unit's offsets of strings follow length, version and padding; the base is behind those. */
static int load_str_offsets(struct mmw_dwindex *ix, struct mmw_dwloaded *l, struct mmw_err *err)
{
	struct mmw_dwunit *u = &l->unit;
	uint8_t h[SHORT_SLICE];
	uint64_t len;
	int rc;

	if (!u->has_str_base || !ix->str_offsets)
		return 0;
	if (u->str_base < sizeof(h))
		return mmw_fail(err, MMW_E_CORRUPT, u->str_base, "DW_AT_str_offsets_base leads nowhere");
	rc = mmw_debugsect_read(ix->str_offsets, u->str_base - sizeof(h), h, sizeof(h), err);
	if (rc)
		return rc;
	len = 4 + (uint64_t)mmw_get32(h, ix->sects.big_endian);
	if (len < sizeof(h) || mmw_get16(h + 4, ix->sects.big_endian) != 5 || len > MMW_DWUNIT_MAX ||
	    !mmw_fits(u->str_base - sizeof(h), len, mmw_debugsect_size(ix->str_offsets)))
		return mmw_fail(err, MMW_E_CORRUPT, u->str_base, "offsets of strings: a damaged header");
	l->str_offsets = malloc(len);
	if (!l->str_offsets)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the offsets of strings");
	l->str_offsets_len = len;
	u->str_offsets = l->str_offsets + sizeof(h);
	u->str_offsets_len = len - sizeof(h);
	return mmw_debugsect_read(ix->str_offsets, u->str_base - sizeof(h), l->str_offsets, len, err);
}

/* The unit's bytes, and its offsets of strings if it has them. */
static int load_table(struct mmw_dwindex *ix, struct mmw_dwloaded *l, const struct mmw_dwhead *h,
		      const struct mmw_dwabbrevs *a, struct mmw_err *err)
{
	int rc;

	if (h->len > MMW_DWUNIT_MAX)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "a unit of %" PRIu64 " bytes", h->len);
	l->unit.head = *h;
	l->unit.bytes = malloc(h->len);
	if (!l->unit.bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a unit of %" PRIu64 " bytes", h->len);
	rc = mmw_debugsect_read(ix->info, l->off, l->unit.bytes, h->len, err);
	rc = rc ? rc : mmw_dwunit_str_base(&l->unit, &ix->sects, a, err);
	return rc ? rc : load_str_offsets(ix, l, err);
}

static struct mmw_dwloaded *loaded_at(const struct mmw_dwindex *ix, uint64_t off)
{
	for (size_t i = 0; i < ix->n_loaded; i++)
		if (ix->loaded[i]->off == off)
			return ix->loaded[i];
	return NULL;
}

static int load(struct mmw_dwindex *ix, uint64_t off, const struct mmw_dwhead *h, const struct mmw_dwabbrevs *a,
		struct mmw_dwloaded **out, struct mmw_err *err)
{
	struct mmw_dwloaded *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a unit");
	l->off = off;
	rc = load_table(ix, l, h, a, err);
	rc = rc ? rc : mmw_dwunit_check(&l->unit, &ix->sects, a, err);
	if (rc) {
		free_loaded(l);
		return mmw_wrap(err, rc, "unit at %#" PRIx64 " of .debug_info", off);
	}
	*out = l;
	return 0;
}

static int keep(struct mmw_dwindex *ix, struct mmw_dwloaded *l, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&ix->loaded, &ix->cap_loaded, ix->n_loaded + 1, sizeof(struct mmw_dwloaded *), err);

	if (rc) {
		free_loaded(l);
		return rc;
	}
	l->number = (uint32_t)ix->n_loaded;
	ix->loaded[ix->n_loaded++] = l;
	return 0;
}

struct mmw_dwloaded *mmw_dwindex_unit(const struct mmw_dwindex *ix, uint64_t number)
{
	return number < ix->n_loaded ? ix->loaded[number] : NULL;
}

/* --- what to search for --------------------------------------------------------------------------------------- */

/* What refers to the name in .debug_info: its places in the strings, or the name itself. */
struct patterns {
	uint32_t *offsets;                  /* sorted */
	size_t n, cap;
	uint64_t filter[FILTER_BITS / 64];  /* a bit for each of offsets, to pass over most bytes fast */
	char own[4];                        /* the beginning of the name, with its NUL when it is that short */
	unsigned own_len;
	bool be;
};

static unsigned filter_bit(uint32_t v)
{
	return v * 2654435761u >> 16;
}

static int add_offset(struct patterns *ps, uint64_t off, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&ps->offsets, &ps->cap, ps->n + 1, sizeof(*ps->offsets), err);

	if (ps->n >= PLACES_MAX)
		return mmw_fail(err, MMW_E_LIMIT, 0, "too many strings have this name");
	if (!rc)
		ps->offsets[ps->n++] = (uint32_t)off;
	return rc;
}

/*
 * Where the strings have the name. Linkers share the ends of strings, so "page" may be the end of another one; but they
 * also see to it that no string is there twice, so one that stands alone is the only one.
 */
static int add_places(struct patterns *ps, const struct mmw_dwdata *d, const char *name, struct mmw_err *err)
{
	size_t len = strlen(name) + 1, first = ps->n;
	const uint8_t *p = d->bytes, *end;
	bool alone = false;
	int rc = 0;

	if (!d->len)
		return 0;
	end = p + (d->len < UINT32_MAX ? d->len : UINT32_MAX);
	while (!rc && (p = memmem(p, (size_t)(end - p), name, len)) != NULL) {
		bool starts = p == d->bytes || !p[-1];

		if (starts && !alone)
			ps->n = first;
		if (starts || !alone)
			rc = add_offset(ps, (uint64_t)(p - d->bytes), err);
		alone |= starts;
		p++;
	}
	return rc;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int make_patterns(const struct mmw_dwindex *ix, const char *name, struct patterns *ps, struct mmw_err *err)
{
	size_t len = strlen(name) + 1;
	int rc;

	*ps = (struct patterns){ .be = ix->sects.big_endian, .own_len = len < 4 ? (unsigned)len : 4 };
	memcpy(ps->own, name, ps->own_len);
	rc = add_places(ps, &ix->sects.str, name, err);
	rc = rc ? rc : add_places(ps, &ix->sects.line_str, name, err);
	if (rc)
		return rc;
	if (ps->n)
		qsort(ps->offsets, ps->n, sizeof(*ps->offsets), by_value);
	for (size_t i = 0; i < ps->n; i++) {
		unsigned bit = filter_bit(ps->offsets[i]);

		ps->filter[bit / 64] |= 1ull << bit % 64;
	}
	return 0;
}

static bool is_place(const struct patterns *ps, uint32_t v)
{
	unsigned bit = filter_bit(v);

	return (ps->filter[bit / 64] >> bit % 64 & 1) && bsearch(&v, ps->offsets, ps->n, sizeof(v), by_value);
}

/* --- searching ------------------------------------------------------------------------------------------------ */

struct hits {
	uint32_t *at;        /* from the start of the chunk */
	size_t n, cap;
};

/* A piece of .debug_info in memory; there are MARGIN bytes more on both sides, as far as the section goes. */
struct wave {
	const struct mmw_dwindex *ix;
	const struct patterns *ps;
	uint64_t from, end;
	struct hits hits[WAVE_MAX];
};

static uint8_t *wave_byte(const struct wave *w, uint64_t off)
{
	return w->ix->wave + (off + MARGIN - w->from);
}

/* Four equal bytes anywhere: without a branch in the loop, so that the compiler makes vectors of it. */
static bool block_has(const uint8_t *p, size_t len, const uint8_t b[4])
{
	uint8_t b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3], any = 0;

	for (size_t i = 0; i < len; i++)
		any |= (uint8_t)((p[i] == b0) & (p[i + 1] == b1) & (p[i + 2] == b2) & (p[i + 3] == b3));
	return any;
}

/* Whether a block is worth a closer look. */
static bool block_may(const struct patterns *ps, const uint8_t *p, size_t len)
{
	bool any = ps->n > FEW || (ps->own_len == 4 ? block_has(p, len, (const uint8_t *)ps->own) :
				   memmem(p, len + ps->own_len - 1, ps->own, ps->own_len) != NULL);

	for (size_t i = 0; i < ps->n && !any; i++) {
		uint32_t v = ps->offsets[i];
		uint8_t le[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };
		uint8_t be[4] = { le[3], le[2], le[1], le[0] };

		any = block_has(p, len, ps->be ? be : le);
	}
	return any;
}

/* There are 4 bytes behind the block's end that may be read. */
static int search_block(const struct patterns *ps, const uint8_t *chunk, size_t from, size_t end, struct hits *h)
{
	for (size_t i = from; i < end; i++) {
		const uint8_t *p = chunk + i;
		int rc;

		if (!is_place(ps, mmw_get32(p, ps->be)) && (*p != ps->own[0] || memcmp(p, ps->own, ps->own_len)))
			continue;
		rc = mmw_vec_reserve(&h->at, &h->cap, h->n + 1, sizeof(*h->at), NULL);
		if (rc)
			return rc;
		h->at[h->n++] = (uint32_t)i;
	}
	return 0;
}

static int search_chunk(void *ctx, unsigned worker, uint64_t item)
{
	struct wave *w = ctx;
	const uint8_t *p = wave_byte(w, w->from + item * CHUNK);
	size_t len = w->end - w->from - item * CHUNK;
	int rc = 0;

	(void)worker;
	len = len < CHUNK ? len : CHUNK;
	for (size_t from = 0; from < len && !rc; from += BLOCK) {
		size_t block = len - from < BLOCK ? len - from : BLOCK;

		if (block_may(w->ps, p + from, block))
			rc = search_block(w->ps, p, from, from + block, &w->hits[item]);
	}
	return rc;
}

static int read_chunk(void *ctx, unsigned worker, uint64_t item)
{
	struct wave *w = ctx;
	uint64_t from = w->from + item * CHUNK, end = from + CHUNK, size = mmw_debugsect_size(w->ix->info);

	(void)worker;
	if (end >= w->end)
		end = w->end + MARGIN < size ? w->end + MARGIN : size;
	if (!item)
		from -= from < MARGIN ? from : MARGIN;
	return mmw_debugsect_read(w->ix->info, from, wave_byte(w, from), end - from, NULL);
}

/* --- looking at hits ------------------------------------------------------------------------------------------ */

/* An abbreviation that the name may belong to. */
struct wanted {
	uint32_t delta;      /* from the start of its DIE to the name */
	uint8_t code[4], len;
};

/* The search for one name, and the unit it is in. */
struct search {
	struct mmw_dwindex *ix;
	const char *name;
	const uint16_t *tags;
	struct patterns ps;
	uint64_t work;
	size_t unit;               /* of ix->units */
	bool entered, done;        /* the unit's abbreviations were read; no more is to be found in it */
	struct mmw_dwhead head;
	struct mmw_dwabbrevs abbrevs;
	struct wanted *wanted;
	size_t n, cap;
	bool any;                  /* an abbreviation has the name where it cannot be foretold: each hit counts */
	struct mmw_dwhit hit, second;  /* second: better than none */
	int damage;                /* of the first damaged unit that might have had it */
	struct mmw_err why;
};

static bool has_tag(const uint16_t *tags, unsigned tag)
{
	while (*tags && *tags != tag)
		tags++;
	return *tags;
}

static int want(struct search *s, uint32_t code, struct mmw_err *err)
{
	const struct mmw_dwabbrev *d = &s->abbrevs.by_code[code];
	struct wanted w = { .len = (uint8_t)mmw_uleb_len(code) };
	int rc;

	if (!d->tag || !d->name_form || d->declaration || !has_tag(s->tags, d->tag))
		return 0;
	w.delta = (uint32_t)d->name_at + w.len;
	if (d->name_at < 0 || w.delta > MARGIN)
		s->any = true;
	for (unsigned i = 0; i < w.len; i++)
		w.code[i] = (uint8_t)((code >> 7 * i & 0x7f) | (i + 1 < w.len ? 0x80 : 0));
	rc = mmw_vec_reserve(&s->wanted, &s->cap, s->n + 1, sizeof(*s->wanted), err);
	if (!rc)
		s->wanted[s->n++] = w;
	return rc;
}

/*
 * Work for one name stays in proportion to the file, however often its units share an abbreviation table or the name
 * seems to occur. Looking into every unit of a kernel takes a third of it.
 */
static int spend(struct search *s, uint64_t work, struct mmw_err *err)
{
	s->work += work;
	if (s->work <= BUDGET + 4 * (mmw_debugsect_size(s->ix->info) + s->ix->sects.abbrev.len))
		return 0;
	return mmw_fail(err, MMW_E_LIMIT, 0, "too much DWARF to look at for one name");
}

/* What a unit says that cannot be read is kept for the case that none has the name. */
static int damaged(struct search *s, int rc, const struct mmw_err *err)
{
	if (rc == -MMW_E_NOMEM || rc == -MMW_E_SYS)
		return rc;
	if (!s->damage) {
		s->damage = rc;
		s->why = *err;
	}
	s->done = true;
	return 0;
}

static int enter_unit(struct search *s, size_t unit, struct mmw_err *err)
{
	int rc;

	mmw_dwabbrevs_free(&s->abbrevs);
	s->unit = unit;
	s->entered = true;
	s->done = s->any = false;
	s->n = 0;
	rc = read_head(s->ix, s->ix->units[unit], &s->head, err);
	if (!rc && !s->head.is_compile)
		s->done = true;
	if (rc || s->done)
		return rc;
	rc = mmw_dwabbrevs_read(&s->ix->sects, &s->head, &s->abbrevs, err);
	if (rc)
		return damaged(s, rc, err);
	for (size_t code = 0; !rc && code < s->abbrevs.n; code++)
		rc = want(s, (uint32_t)code, err);
	s->done = !s->n;
	return rc ? rc : spend(s, UNIT_COST + s->abbrevs.len + s->abbrevs.n, err);
}

/* Whether a reference at this place is the name in a DIE of the kinds wanted. */
static bool explained(const struct search *s, const struct wave *w, uint64_t at)
{
	uint64_t first = s->ix->units[s->unit] + s->head.head_len;

	for (size_t i = 0; i < s->n; i++) {
		const struct wanted *d = &s->wanted[i];

		if (d->delta <= MARGIN && at >= first + d->delta &&
		    !memcmp(wave_byte(w, at - d->delta), d->code, d->len))
			return true;
	}
	return s->any;
}

/*
 * The best that the unit has of this name; whether it is of use. A typedef where a struct of the name is declared is
 * only the second best: elsewhere that struct may be defined. So is a type that a function has for itself.
 */
static bool answer_of(struct search *s, struct mmw_dwloaded *l)
{
	const struct mmw_dwname *n = NULL;
	bool second = false;

	for (const uint16_t *t = s->tags; *t; t++) {
		n = mmw_dwunit_find(&l->unit, s->name, *t, false);
		if (n)
			break;
		second |= mmw_dwunit_find(&l->unit, s->name, *t, true) != NULL;
	}
	if (n)
		second |= n->local;
	if (!n || (second && s->second.unit))
		return false;
	*(second ? &s->second : &s->hit) = (struct mmw_dwhit){ l, n->die };
	return true;
}

static int look_into_unit(struct search *s, struct mmw_err *err)
{
	uint64_t off = s->ix->units[s->unit];
	struct mmw_dwloaded *l = loaded_at(s->ix, off), *fresh = NULL;
	struct mmw_err why;
	int rc = 0;

	s->done = true;
	if (!l) {
		rc = spend(s, s->head.len, err);
		if (rc)
			return rc;
		rc = load(s->ix, off, &s->head, &s->abbrevs, &fresh, &why);
		if (rc) {
			rc = damaged(s, rc, &why);
			if (rc && err)
				*err = why;
			return rc;
		}
		l = fresh;
	}
	if (answer_of(s, l))
		return fresh ? keep(s->ix, fresh, err) : 0;
	free_loaded(fresh);
	return 0;
}

static int look_at_hit(struct search *s, const struct wave *w, uint64_t at, struct mmw_err *err)
{
	size_t unit = s->unit;
	int rc;

	if (s->ix->broken && at >= s->ix->next_unit)
		return 0;
	while (unit + 1 < s->ix->n_units && s->ix->units[unit + 1] <= at)
		unit++;
	if (!s->entered || unit != s->unit) {
		rc = enter_unit(s, unit, err);
		if (rc)
			return rc;
	}
	if (s->done)
		return 0;
	rc = spend(s, s->n, err);
	return rc || !explained(s, w, at) ? rc : look_into_unit(s, err);
}

static int look_at_hits(struct search *s, const struct wave *w, struct mmw_err *err)
{
	int rc = 0;

	for (size_t c = 0; c < WAVE_MAX && !s->hit.unit; c++)
		for (size_t i = 0; i < w->hits[c].n && !rc && !s->hit.unit; i++)
			rc = look_at_hit(s, w, w->from + c * CHUNK + w->hits[c].at[i], err);
	return rc;
}

static int search_wave(struct search *s, uint64_t from, uint64_t end, struct mmw_err *err)
{
	struct wave w = { .ix = s->ix, .ps = &s->ps, .from = from, .end = end };
	uint64_t chunks = (end - from + CHUNK - 1) / CHUNK;
	int rc = mmw_parallel(0, chunks, read_chunk, &w, err);

	rc = rc ? rc : mmw_parallel(0, chunks, search_chunk, &w, err);
	rc = rc ? rc : list_units(s->ix, end, err);
	rc = rc ? rc : look_at_hits(s, &w, err);
	for (size_t i = 0; i < WAVE_MAX; i++)
		free(w.hits[i].at);
	return rc;
}

static int search_waves(struct search *s, struct mmw_err *err)
{
	uint64_t size = mmw_debugsect_size(s->ix->info), from = 0, len = CHUNK;
	int rc = 0;

	if (!s->ix->wave)
		s->ix->wave = calloc(1, (size_t)WAVE_MAX * CHUNK + 2 * MARGIN);
	if (!s->ix->wave)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to search DWARF");
	while (!rc && from < size && !s->hit.unit) {
		uint64_t end = size - from < len ? size : from + len;

		rc = search_wave(s, from, end, err);
		from = end;
		len = len < (uint64_t)WAVE_MAX * CHUNK ? 2 * len : len;
	}
	return rc;
}

/* --- units whose names are numbers ---------------------------------------------------------------------------- */

/* Whether the unit refers to one of the places by its own table. */
static bool table_has(const struct patterns *ps, const struct mmw_dwunit *u)
{
	for (uint64_t i = 0; i + 4 <= u->str_offsets_len; i += 4)
		if (is_place(ps, mmw_get32(u->str_offsets + i, ps->be)))
			return true;
	return false;
}

/* Clang's DWARF 5 has indexes in place of offsets, and what they mean is another in each unit: go through all units. */
static int search_units(struct search *s, struct mmw_err *err)
{
	int rc = list_units(s->ix, mmw_debugsect_size(s->ix->info), err);

	for (size_t i = 0; i < s->ix->n_units && !rc && !s->hit.unit; i++) {
		struct mmw_dwloaded table = { .off = s->ix->units[i] };

		rc = enter_unit(s, i, err);
		if (rc || s->done)
			continue;
		/* The unit's beginning is enough, but how long that is only reading it tells. */
		rc = spend(s, s->head.len, err);
		rc = rc ? rc : load_table(s->ix, &table, &s->head, &s->abbrevs, err);
		if (rc == -MMW_E_CORRUPT || rc == -MMW_E_UNSUPPORTED)
			rc = damaged(s, rc, err);
		else if (!rc && (!table.unit.has_str_base || table_has(&s->ps, &table.unit)))
			rc = look_into_unit(s, err);
		mmw_dwunit_free(&table.unit);
		free(table.str_offsets);
	}
	return rc;
}

/* --- asking --------------------------------------------------------------------------------------------------- */

static int search(struct mmw_dwindex *ix, const char *name, const uint16_t *tags, struct mmw_dwhit *out,
		  struct mmw_err *err)
{
	struct search s = { .ix = ix, .name = name, .tags = tags };
	struct mmw_err local;
	int rc;

	err = err ? err : &local;
	rc = make_patterns(ix, name, &s.ps, err);
	rc = rc ? rc : ix->str_offsets ? search_units(&s, err) : search_waves(&s, err);
	mmw_dwabbrevs_free(&s.abbrevs);
	free(s.wanted);
	free(s.ps.offsets);
	if (rc)
		return rc;
	*out = s.hit.unit ? s.hit : s.second;
	if (!out->unit && (s.damage || ix->broken)) {
		*err = s.damage ? s.why : ix->why;
		return s.damage ? s.damage : ix->broken;
	}
	if (!out->unit)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "DWARF has no type %s", name);
	return 0;
}

int mmw_dwindex_find(struct mmw_dwindex *ix, const char *name, const uint16_t *tags, struct mmw_dwhit *out,
		     struct mmw_err *err)
{
	struct answer a = { .tags = tags };
	int rc;

	for (size_t i = 0; i < ix->n_answers; i++) {
		const struct answer *known = &ix->answers[i];

		if (known->tags != tags || strcmp(known->name, name))
			continue;
		*out = known->hit;
		if (known->rc && err)
			*err = known->err;
		return known->rc;
	}
	if (!*name)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "DWARF has no type without a name to ask for");
	rc = mmw_vec_reserve(&ix->answers, &ix->cap_answers, ix->n_answers + 1, sizeof(*ix->answers), err);
	if (rc)
		return rc;
	a.name = strdup(name);
	if (!a.name)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a name");
	a.rc = search(ix, name, tags, &a.hit, &a.err);
	*out = a.hit;
	if (a.rc == -MMW_E_NOMEM || a.rc == -MMW_E_SYS)
		free(a.name);  /* it may be another time */
	else
		ix->answers[ix->n_answers++] = a;
	if (a.rc && err)
		*err = a.err;
	return a.rc;
}

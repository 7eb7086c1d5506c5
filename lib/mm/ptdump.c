/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/ptdump.h"

#include <stdlib.h>

/* What the kernel keeps between two entries. */
struct state {
	const struct mmw_arch *arch;
	const struct mmw_paging *paging;
	const struct mmw_layout *layout;
	int (*emit)(void *ctx, const struct mmw_ptdump_line *line);
	void *ctx;

	bool started;
	uint64_t first, layout_first;  /* of what is asked for, and of what there is */
	uint64_t start, pa, prot;
	unsigned level;
	uint8_t rights;
	enum mmw_code why;
	uint64_t table;
	size_t marker;
	unsigned long lines;
};

/* One entry, or the first of several alike. `why` is MMW_OK unless its table is lost. */
struct entry {
	uint64_t addr;
	unsigned level;
	uint64_t prot;
	uint8_t rights;
	enum mmw_code why;
	uint64_t table, pa;
};

static uint64_t next_marker(const struct state *st)
{
	return st->marker + 1 < st->layout->n_markers ? st->layout->markers[st->marker + 1].start : UINT64_MAX;
}

static unsigned marker_lines(const struct state *st)
{
	return st->layout->n_markers ? st->layout->markers[st->marker].max_lines : 0;
}

static int emit_marker(struct state *st)
{
	struct mmw_ptdump_line line = { .kind = MMW_PTDUMP_MARKER };

	if (!st->layout->n_markers)
		return 0;
	line.name = st->layout->markers[st->marker].name;
	line.start = st->layout->markers[st->marker].start;
	return st->emit(st->ctx, &line);
}

static int emit_range(struct state *st, uint64_t end)
{
	struct mmw_ptdump_line line = { .kind = st->why ? MMW_PTDUMP_LOST : MMW_PTDUMP_RANGE, .start = st->start,
					.end = end, .pa = st->pa, .level = st->level, .prot = st->prot, .why = st->why,
					.table = st->table };

	if (marker_lines(st) && st->lines >= marker_lines(st))
		return 0;
	if ((st->arch->ptdump_style & MMW_PTDUMP_NO_HOLES) && !st->prot && !st->why)
		return 0;
	return st->emit(st->ctx, &line);
}

static int emit_skipped(struct state *st)
{
	struct mmw_ptdump_line line = { .kind = MMW_PTDUMP_SKIPPED };

	if (!marker_lines(st) || st->lines <= marker_lines(st))
		return 0;
	line.count = st->lines - marker_lines(st);
	return st->emit(st->ctx, &line);
}

static void begin(struct state *st, const struct entry *e)
{
	st->start = e->addr;
	st->prot = e->prot;
	st->rights = e->rights;
	st->level = e->level;
	st->why = e->why;
	st->table = e->table;
	st->pa = e->pa;
}

/* Move on to the markers that addr has reached, `most` of them. */
static int pass_markers(struct state *st, uint64_t addr, unsigned most)
{
	int rc = 0;

	for (; !rc && most && addr >= next_marker(st); most--) {
		rc = emit_skipped(st);
		st->marker++;
		st->lines = 0;
		if (!rc)
			rc = emit_marker(st);
	}
	return rc;
}

static int start_listing(struct state *st, const struct entry *e)
{
	int rc;

	if (st->first > st->layout_first)
		while (next_marker(st) <= e->addr && e->addr && next_marker(st) != UINT64_MAX)
			st->marker++;
	st->started = true;
	begin(st, e);
	rc = emit_marker(st);
	return !rc && (st->arch->ptdump_style & MMW_PTDUMP_TWO_MARKERS) ? pass_markers(st, e->addr, 1) : rc;
}

static unsigned markers_at_once(const struct state *st)
{
	if (st->arch->ptdump_style & MMW_PTDUMP_ALL_MARKERS)
		return MMW_MARKERS_MAX;
	return st->arch->ptdump_style & MMW_PTDUMP_TWO_MARKERS ? 2 : 1;
}

/* The kernel steps one marker at a time, so where several share an address their headings lag behind. */
static int note(struct state *st, const struct entry *e, bool end)
{
	bool crossed = !end && e->addr >= next_marker(st);
	int rc;

	if (!st->started)
		return start_listing(st, e);
	if (!end && !crossed && e->prot == st->prot && e->rights == st->rights && e->level == st->level &&
	    e->why == st->why && e->table == st->table)
		return 0;
	rc = emit_range(st, e->addr);
	st->lines++;
	if (!rc && crossed)
		rc = pass_markers(st, e->addr, markers_at_once(st));
	begin(st, e);
	return rc;
}

/* A record may stand for many entries alike: only those that reach a marker matter after the first. */
static int note_record(struct state *st, const struct mmw_walk *w, const struct mmw_ent *ent)
{
	uint64_t size = mmw_ent_size(w, ent), addr = ent->va;
	struct entry e = { addr, ent->level, 0, 0, MMW_OK, 0, 0 };
	int rc;

	if (ent->kind == MMW_ENT_LOST) {
		e.why = ent->why;
		e.table = ent->pa;
	} else if (ent->kind != MMW_ENT_HOLE || ent->raw) {
		e.prot = st->arch->ptdump_prot(st->paging, ent->level, ent->raw);
		e.rights = ent->rights & st->arch->ptdump_rights;
		if (e.prot && !ent->level && st->paging->entry_size == 4)
			e.prot |= w->step[1].raw & st->arch->ptdump_parent;
		e.pa = ent->kind == MMW_ENT_LEAF ? ent->pa : 0;
	}
	rc = note(st, &e, false);
	while (!rc) {
		uint64_t marker = next_marker(st), step = size;

		if (marker == UINT64_MAX || marker > ent->last)
			return 0;
		if (marker > addr)
			step = (marker - addr + size - 1) / size * size;
		if (step > ent->last - addr)
			return 0;
		addr += step;
		e.addr = addr;
		rc = note(st, &e, false);
	}
	return rc;
}

static int list_span(struct state *st, struct mmw_walk *w, uint64_t first, uint64_t last, struct mmw_err *err)
{
	struct mmw_ent ent;
	int rc;

	mmw_walk_seek(w, first, last);
	while ((rc = mmw_walk_next(w, &ent, err)) == 1) {
		if (ent.kind == MMW_ENT_OUTSIDE)
			continue;
		rc = note_record(st, w, &ent);
		if (rc)
			return rc;
	}
	return rc;
}

int mmw_ptdump(struct mmw_reader *reader, const struct mmw_space *space, const struct mmw_layout *layout, uint64_t first,
	       uint64_t last, int (*emit)(void *ctx, const struct mmw_ptdump_line *line), void *ctx, struct mmw_err *err)
{
	struct state st = { .arch = space->arch, .paging = &space->paging, .layout = layout, .emit = emit, .ctx = ctx,
			    .first = first, .layout_first = layout->n_spans ? layout->spans[0].first : 0 };
	struct mmw_span whole = { 0, UINT64_MAX };
	const struct mmw_span *spans = layout->n_spans ? layout->spans : &whole;
	size_t n = layout->n_spans ? layout->n_spans : 1;
	struct mmw_walk *w = malloc(sizeof(*w));
	struct entry end = { 0 };
	int rc = 0;

	if (!w)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a walk");
	mmw_walk_init(w, reader, space, first, last);
	for (size_t i = 0; !rc && i < n; i++) {
		uint64_t from = spans[i].first > first ? spans[i].first : first;
		uint64_t to = spans[i].last < last ? spans[i].last : last;

		if (from <= to) {
			rc = list_span(&st, w, from, to, err);
			end.addr = to + 1;
		}
	}
	if (!rc && st.started)
		rc = note(&st, &end, true);
	free(w);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/arch/walk.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/bytes.h"

enum { BUDGET_MARGIN = 1 << 16 };  /* tables that repeat, as ESPfix and the KASAN shadow have them */

void mmw_walk_init(struct mmw_walk *w, struct mmw_reader *reader, const struct mmw_space *space, uint64_t va,
		   uint64_t last)
{
	uint64_t stored = mmw_image_stored(mmw_reader_image(reader));

	memset(w, 0, sizeof(*w));
	w->reader = reader;
	w->space = space;
	w->level = space->paging.levels;
	w->budget_max = 2 * (stored >> space->paging.page_shift) + BUDGET_MARGIN;
	mmw_walk_seek(w, va, last);
}

void mmw_walk_seek(struct mmw_walk *w, uint64_t va, uint64_t last)
{
	w->va = va;
	w->last = last;
	w->done = last < va;
	w->budget = w->budget_max;
}

/* Finish a record that ends at `end`: clip it, and move on. */
static int emit(struct mmw_walk *w, struct mmw_ent *out, uint64_t end)
{
	out->va = w->va;
	out->last = end < w->last ? end : w->last;
	if (out->last == w->last)
		w->done = true;
	else
		w->va = out->last + 1;
	return 1;
}

/* The addresses that the root serves in the half va lies in. */
static void root_span(const struct mmw_paging *pg, uint64_t va, uint64_t *first, uint64_t *last)
{
	bool high = va >> 63;
	unsigned bits = pg->va_kind == MMW_VA_SIGNED ? pg->va_bits - 1 : pg->va_bits;
	uint64_t size = bits >= 64 ? 0 : 1ull << bits;

	if (pg->va_kind == MMW_VA_HIGH || (pg->va_kind == MMW_VA_SIGNED && high)) {
		*first = -size;
		*last = UINT64_MAX;
	} else {
		*first = 0;
		*last = size - 1;
	}
}

static int lost(struct mmw_walk *w, struct mmw_ent *out, unsigned level, int rc, uint64_t pa, uint64_t end)
{
	out->kind = MMW_ENT_LOST;
	out->why = (enum mmw_code)-rc;
	out->level = level;
	out->pa = pa;
	return emit(w, out, end);
}

/* How far before an entry the kernel's own stands, in the table of this level; 0: there is none. */
static unsigned companion(const struct mmw_walk *w, unsigned level)
{
	unsigned distance = level ? 0 : w->space->paging.companion;

	return w->at[level].pa & distance ? distance : 0;
}

/* Make `level`'s table the current one. */
static int load(struct mmw_walk *w, unsigned level, struct mmw_err *err)
{
	const struct mmw_paging *pg = &w->space->paging;
	unsigned before;
	int rc;

	if (!w->budget)
		return mmw_fail(err, MMW_E_LIMIT, w->va, "walk of the tables at 0x%" PRIx64 " stopped at 0x%" PRIx64
				": more tables than the image can hold, so they must loop", w->space->root, w->va);
	before = companion(w, level);
	rc = mmw_read_table(w->reader, w->at[level].pa - before, mmw_table_bytes(pg, level) + before, &w->table, err);
	if (rc)
		return rc;
	w->table += before;
	w->level = level;
	w->evictions = mmw_reader_evictions(w->reader);
	return 0;
}

/* Leave tables that do not serve va; with none left, load the root. 1: a record was made (the root is lost). */
static int climb(struct mmw_walk *w, struct mmw_ent *out, struct mmw_err *err)
{
	unsigned top = w->space->paging.levels - 1, level = w->level;
	int rc;

	while (level <= top && (w->va < w->at[level].first || w->va > w->at[level].last))
		level++;
	if (level == w->level && level <= top && w->evictions == mmw_reader_evictions(w->reader))
		return 0;
	if (level > top) {
		level = top;
		w->at[top].pa = w->space->root;
		w->at[top].rights = MMW_RIGHTS_ALL;
		root_span(&w->space->paging, w->va, &w->at[top].first, &w->at[top].last);
		w->tables[top] = 1;  /* both halves are in it */
	}
	rc = load(w, level, err);
	if (!rc || rc == -MMW_E_LIMIT || rc == -MMW_E_NOMEM)
		return rc;
	w->level = top + 1;
	out->raw = out->pte_pa = 0;
	return lost(w, out, level, rc, w->at[level].pa, w->at[level].last);
}

static uint64_t entry_at(const struct mmw_walk *w, unsigned index)
{
	const struct mmw_paging *pg = &w->space->paging;
	const uint8_t *at = w->table + (size_t)index * pg->entry_size;
	uint64_t raw = mmw_get_word(at, pg->entry_size, pg->big_endian);
	unsigned before = companion(w, w->level);

	return before ? raw | mmw_get_word(at - before, pg->entry_size, pg->big_endian) << 32 : raw;
}

/* Tables lie at multiples of 8 at least, which leaves room for the level in a key. */
static int count_table(struct mmw_walk *w, uint64_t pa, unsigned level, struct mmw_err *err)
{
	int rc = w->seen ? mmw_set_add(w->seen, pa | level) : 1;

	if (rc < 0)
		return mmw_fail(err, MMW_E_NOMEM, pa, "no memory to count tables");
	w->tables[level] += rc;
	return 0;
}

/* Step into the table that a TABLE entry points to: 0, 1 (it is lost, a record was made), or an error. */
static int descend(struct mmw_walk *w, const struct mmw_pte *pte, uint64_t first, uint64_t last, struct mmw_ent *out,
		   struct mmw_err *err)
{
	unsigned level = w->level;
	int rc;

	w->at[level - 1].pa = pte->pa;
	w->at[level - 1].first = first;
	w->at[level - 1].last = last;
	w->at[level - 1].rights = w->at[level].rights & pte->rights;
	rc = load(w, level - 1, err);
	if (!rc) {
		w->budget--;
		return count_table(w, pte->pa, level - 1, err);
	}
	if (rc == -MMW_E_LIMIT || rc == -MMW_E_NOMEM)
		return rc;
	return lost(w, out, level, rc, pte->pa, last);
}

/* Empty entries from here to the end of the table, or of what was asked for, are one hole. */
static uint64_t hole_end(const struct mmw_walk *w, unsigned index, uint64_t end)
{
	const struct mmw_paging *pg = &w->space->paging;
	uint64_t size = mmw_level_size(pg, w->level), table_last = w->at[w->level].last;

	while (end < table_last && end < w->last && !entry_at(w, ++index))
		end += size;
	return end < table_last ? end : table_last;
}

int mmw_walk_next(struct mmw_walk *w, struct mmw_ent *out, struct mmw_err *err)
{
	const struct mmw_paging *pg = &w->space->paging;
	uint64_t gap_last;
	int rc;

	if (w->done)
		return 0;
	*out = (struct mmw_ent){ .why = MMW_OK };
	if (!mmw_va_served(pg, w->va, &gap_last)) {
		out->kind = MMW_ENT_OUTSIDE;
		out->level = pg->levels - 1;
		return emit(w, out, gap_last);
	}
	rc = climb(w, out, err);
	while (!rc) {
		unsigned shift = mmw_level_shift(pg, w->level);
		unsigned index = (w->va >> shift) & ((1u << pg->bits[w->level]) - 1);
		uint64_t first = w->va >> shift << shift, last = first + ((1ull << shift) - 1);
		struct mmw_pte pte;

		out->level = w->level;
		out->raw = entry_at(w, index);
		out->pte_pa = w->at[w->level].pa + (uint64_t)index * pg->entry_size;
		w->step[w->level] = (struct mmw_step){ out->pte_pa, out->raw };
		pte = w->space->arch->decode(pg, w->level, out->raw);
		out->rights = w->at[w->level].rights & pte.rights;
		switch (pte.kind) {
		case MMW_PTE_TABLE:
			rc = descend(w, &pte, first, last, out, err);
			continue;
		case MMW_PTE_EMPTY:
			out->kind = MMW_ENT_HOLE;
			return emit(w, out, hole_end(w, index, last));
		case MMW_PTE_LEAF:
			out->kind = MMW_ENT_LEAF;
			out->hw = pte.hw;
			out->run = pte.run;
			out->pa = pte.pa + (w->va - (pte.shared ? first >> (shift + pte.run) << (shift + pte.run) : first));
			return emit(w, out, last);
		case MMW_PTE_SWAP:
			out->kind = MMW_ENT_SWAP;
			return emit(w, out, last);
		default:
			out->kind = MMW_ENT_BAD;
			return emit(w, out, last);
		}
	}
	return rc;
}

int mmw_walk_at(struct mmw_walk *w, uint64_t va, struct mmw_ent *out, struct mmw_err *err)
{
	mmw_walk_seek(w, va, va);
	return mmw_walk_next(w, out, err);
}

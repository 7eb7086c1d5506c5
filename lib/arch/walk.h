/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over a set of page tables: the only loop there is, for every architecture.
 *
 * A walk yields records that tile [va, last] exactly, in order, without overlap, on any input: what is missing or
 * damaged is a record, not an end. Only a tripped budget, or a host that runs out of memory, ends it early.
 */
#ifndef MMW_ARCH_WALK_H
#define MMW_ARCH_WALK_H

#include "lib/arch/arch.h"
#include "lib/base/set.h"

/* One address space. */
struct mmw_space {
	const struct mmw_arch *arch;
	struct mmw_paging paging;
	uint64_t root;  /* physical */
};

enum mmw_ent_kind {
	MMW_ENT_LEAF,     /* memory at pa */
	MMW_ENT_HOLE,     /* empty entries of one table, joined */
	MMW_ENT_SWAP,     /* the kernel's own note in a non-present entry */
	MMW_ENT_BAD,      /* an entry that the format does not allow */
	MMW_ENT_LOST,     /* the table for this range cannot be read; `why` tells which way */
	MMW_ENT_OUTSIDE,  /* addresses that these tables cannot translate (not canonical) */
};

struct mmw_ent {
	enum mmw_ent_kind kind;
	enum mmw_code why;  /* LOST: MMW_E_NODATA, MMW_E_EXCLUDED, MMW_E_CORRUPT ...; else MMW_OK */
	uint8_t level;      /* of the entry that decided. LOST: of the entry whose table is missing */
	bool hw;            /* LEAF: the processor would use it */
	uint8_t run;        /* LEAF: log2 of the entries that belong together (mmw_pte.run) */
	uint8_t rights;     /* effective over all levels, as far as the entry has any */
	uint64_t va, last;  /* inclusive; clipped to what was asked for */
	uint64_t pa;        /* LEAF: of va. LOST: of the missing table */
	uint64_t raw;       /* the entry; of a joined HOLE, the first one */
	uint64_t pte_pa;    /* where it is stored; for the root itself LOST, 0 */
};

struct mmw_step {
	uint64_t pte_pa, raw;
};

struct mmw_walk {
	struct mmw_reader *reader;
	const struct mmw_space *space;
	uint64_t va, last;
	bool done;

	const uint8_t *table;  /* of the current level */
	unsigned level;        /* levels: nothing loaded */
	struct {
		uint64_t pa, first, last;  /* the table, and the addresses it serves */
		uint8_t rights;            /* what the levels above let through */
	} at[MMW_LEVELS_MAX];

	/* For the last record: the entries from the root (highest index) down to ent.level. */
	struct mmw_step step[MMW_LEVELS_MAX];

	/* Tables entered so far, by level. One that several entries point to counts once if the caller has set `seen`. */
	uint64_t tables[MMW_LEVELS_MAX];
	struct mmw_set *seen;
	uint64_t budget, budget_max;      /* tables it may still read, for this range */
	uint64_t evictions;               /* of the reader's table cache, when `table` was borrowed */
};

/* Walk [va, last]. `reader` and `space` are borrowed. The budget is twice the image's pages, plus a margin. */
void mmw_walk_init(struct mmw_walk *w, struct mmw_reader *reader, const struct mmw_space *space, uint64_t va,
		   uint64_t last);

/* Continue with another range; tables on the way that serve both are not read again. */
void mmw_walk_seek(struct mmw_walk *w, uint64_t va, uint64_t last);

/* 1 and a record, 0 at the end, or a negative code: MMW_E_LIMIT (budget), MMW_E_NOMEM. */
int mmw_walk_next(struct mmw_walk *w, struct mmw_ent *out, struct mmw_err *err);

/* The record for one address, by the same loop. */
int mmw_walk_at(struct mmw_walk *w, uint64_t va, struct mmw_ent *out, struct mmw_err *err);

/* The whole entry's first address (ent.va is clipped to the range asked for), and the size it maps. */
static inline uint64_t mmw_ent_size(const struct mmw_walk *w, const struct mmw_ent *e)
{
	return mmw_level_size(&w->space->paging, e->level);
}

#endif

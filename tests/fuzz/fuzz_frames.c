/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with frames of every kind (fixtures/recipes/frames.recipe), of which types, struct pages, page tables,
 * tasks and resources are overwritten: what page-types lists and what the ledger lists ascends, without a frame twice.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mm/ledger.h"
#include "lib/mm/task.h"
#include "tests/fuzz/patched.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct patched machine = {
	.recipe = MMW_RECIPES "/frames.recipe",
	.windows = {
		{ 0x230000, 0x1800 },  /* BTF */
		{ 0x304400, 0x2000 },  /* struct pages */
		{ 0x30c000, 0x1000 },
		{ 0x250000, 0x1c00 },  /* variables, zones */
		{ 0x260000, 0x4200 },  /* tasks, resources, chunks, modules */
		{ 0x060000, 0x0800 },  /* per-CPU */
		{ 0x100000, 0xd000 },  /* page tables */
		{ 0x160000, 0x4000 },
	},
};

struct watch {
	uint64_t next;
	const struct mmw_zones *zones;
};

static int see_flags(void *ctx, const struct mmw_kpf_range *r, struct mmw_err *err)
{
	struct watch *w = ctx;

	(void)err;
	if (r->pfn != w->next || !r->n)
		abort();
	w->next += r->n;
	return 0;
}

static void page_types(struct mmw_kernel *k)
{
	struct mmw_err err = { 0 };
	struct watch w = { 0 };
	struct mmw_memmap m;
	struct mmw_pages pages;
	struct mmw_kpf c;
	uint64_t damaged;
	int rc = mmw_memmap_open(k, &m, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	rc = mmw_pages_bind(k, &m, &pages, &err);
	rc = rc ? rc : mmw_kpf_bind(k, &pages, &c, &err);
	rc = rc ? rc : mmw_kpf_pass(k, &c, true, 1, see_flags, &w, &damaged, &err);
	if (rc)
		exercise_error(rc, &err);
	else if (w.next > m.listed)
		abort();
	mmw_memmap_close(&m);
}

static int see_class(void *ctx, const struct mmw_ledger_range *r, struct mmw_err *err)
{
	struct watch *w = ctx;

	(void)err;
	if (r->pfn < w->next || !r->n || r->class >= MMW_CLASS_N)
		abort();
	w->next = r->pfn + r->n;
	return 0;
}

static void check_list(const struct mmw_claim_list *l, size_t names)
{
	size_t at = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct mmw_claim_range *r = &l->range[i];

		if (!r->n || (i && r->pfn < l->range[i - 1].pfn + l->range[i - 1].n) || (r->name && r->name >= names) ||
		    mmw_claim_of(l, r->pfn, &at) != r || mmw_claim_of(l, r->pfn + r->n - 1, &at) != r)
			abort();
	}
}

static void ledger(struct mmw_kernel *k)
{
	struct mmw_err err = { 0 };
	struct mmw_ledger l;
	struct watch w = { 0 };
	int rc = mmw_ledger_open(k, &l, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	check_list(&l.claims.tables, l.claims.n_names);
	check_list(&l.claims.mapped, l.claims.n_names);
	check_list(&l.claims.image, l.claims.n_names);
	check_list(&l.claims.resources, l.claims.n_names);
	rc = mmw_ledger_pass(&l, 1, see_class, &w, &err);
	if (rc)
		exercise_error(rc, &err);
	mmw_ledger_close(&l);
}

static void look(struct mmw_kernel *k)
{
	page_types(k);
	ledger(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	patched_run(&machine, data, size, look);
	return 0;
}

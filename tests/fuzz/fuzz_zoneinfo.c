/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel with counters and per-CPU page lists (fixtures/recipes/zoneinfo.recipe) of which types, zones, lists and
 * variables are overwritten: every list is walked to an end, pages are where the header promises, problems have words.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mm/meminfo.h"
#include "lib/mm/pcp.h"
#include "tests/fuzz/patched.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct patched machine = {
	.recipe = MMW_RECIPES "/zoneinfo.recipe",
	.windows = {
		{ 0x230000, 0x1800 },  /* BTF */
		{ 0x250000, 0x600 },   /* node_data and others */
		{ 0x251000, 0xb00 },   /* zones */
		{ 0x308000, 0x400 },   /* struct pages */
		{ 0x254000, 0x600 },   /* variables, block devices, zswap */
		{ 0x060000, 0x800 },   /* per-CPU */
		{ 0x064000, 0x800 },
		{ 0x23c000, 0xc00 },   /* what it prints */
	},
};

static void check_pages(const struct mmw_zones *z, const struct mmw_memmap *m, const struct mmw_pcp *p)
{
	size_t at = 0;

	for (size_t i = 0; i < p->n_sets; i++) {
		if (p->sets[i].zone >= z->n || p->sets[i].first < at || p->sets[i].n > p->n_pages - p->sets[i].first)
			abort();
		at = p->sets[i].first + p->sets[i].n;
	}
	for (size_t i = 0; i < p->n_pages; i++) {
		const struct mmw_pcp_page *page = &p->pages[i], *before = i ? page - 1 : page;
		uint64_t pfn;

		if (page->zone >= z->n || page->order >= z->orders || page->zone < before->zone)
			abort();
		if (!mmw_memmap_pfn(m, mmw_memmap_page(m, page->pfn), &pfn) || pfn != page->pfn)
			abort();
		if (page->position && (page->position != before->position + 1 || page->list != before->list))
			abort();
	}
}

static void walk_pcp(struct mmw_kernel *k, const struct mmw_zones *z, const struct mmw_memmap *m)
{
	struct mmw_err err = { 0 };
	struct mmw_pcp p;
	char text[512];
	int rc = mmw_pcp_open(k, z, m, &p, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	if (m)
		check_pages(z, m, &p);
	for (size_t i = 0; i < p.n_problems; i++) {
		mmw_pcp_problem_text(z, &p.problems[i], text, sizeof(text));
		if (!text[0] || !memchr(text, 0, sizeof(text)))
			abort();
	}
	mmw_pcp_close(&p);
}

static void ask(struct mmw_kernel *k)
{
	struct mmw_meminfo info;
	struct mmw_memmap m;
	struct mmw_zones z;
	struct mmw_err err = { 0 };
	int rc = mmw_zones_open(k, &z, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	walk_pcp(k, &z, NULL);
	if (!mmw_memmap_open(k, &m, NULL)) {
		walk_pcp(k, &z, &m);
		mmw_memmap_close(&m);
	}
	rc = mmw_meminfo_open(k, &z, &info, &err);
	if (rc)
		exercise_error(rc, &err);
	for (size_t i = 0; !rc && i < info.n; i++)
		if (!info.line[i].label || (!info.line[i].known && !info.line[i].why[0]))
			abort();
	mmw_zones_close(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	patched_run(&machine, data, size, ask);
	return 0;
}

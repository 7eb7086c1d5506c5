/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/mm/pcp.c, lib/mm/vmstat.c: a machine's per-CPU page lists in order, broken ones, and names of counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/vec.h"
#include "lib/mm/pcp.h"
#include "lib/mm/vmstat.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

struct machine {
	struct blob b;
	struct mmw_image *img;
	struct mmw_kernel *k;
	struct mmw_zones z;
	struct mmw_memmap m;
};

static void machine_init(struct machine *m, const char *recipe)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	struct mmw_file *f;
	struct phys p;

	memset(m, 0, sizeof(*m));
	recipe_load(recipe, false, &p);
	wrap_format_by_name("elf")->write(&p, &m->b);
	phys_fini(&p);
	assert_int_equal(mmw_file_memory(m->b.bytes, m->b.len, "machine", &f, NULL), 0);
	assert_int_equal(mmw_open_file(f, "machine", NULL, &m->img, NULL), 0);
	assert_int_equal(mmw_kernel_bind(m->img, &opts, &m->k, NULL), 0);
	assert_int_equal(mmw_zones_open(m->k, &m->z, NULL), 0);
	assert_int_equal(mmw_memmap_open(m->k, &m->m, NULL), 0);
}

static void machine_fini(struct machine *m)
{
	mmw_memmap_close(&m->m);
	mmw_zones_close(&m->z);
	mmw_kernel_close(m->k);
	mmw_image_close(m->img);
	blob_fini(&m->b);
}

static void lists_in_order(void **state)
{
	static const struct mmw_pcp_page want[] = {
		{ 0x200, 1, 0, 0, 0, 0, 0 }, { 0x202, 1, 0, 1, 0, 0, 0 }, { 0x201, 1, 0, 2, 0, 0, 0 },
		{ 0x204, 1, 0, 0, 1, 0, 1 }, { 0x206, 1, 0, 0, 3, 1, 0 }, { 0x208, 1, 1, 0, 2, 0, 2 },
		{ 0x20a, 1, MMW_PCP_NO_CPU, 0, 0, 1, -1 }, { 0x20c, 1, MMW_PCP_NO_CPU, 1, 0, 0, -1 },
	};
	struct machine m;
	struct mmw_pcp p;

	(void)state;
	machine_init(&m, MMW_RECIPES "/zoneinfo.recipe");
	assert_int_equal(mmw_pcp_open(m.k, &m.z, &m.m, &p, NULL), 0);
	assert_int_equal(p.n_problems, 0);
	assert_int_equal(p.n_pages, mmw_array_len(want));
	for (size_t i = 0; i < p.n_pages; i++) {
		assert_int_equal(p.pages[i].pfn, want[i].pfn);
		assert_int_equal(p.pages[i].zone, want[i].zone);
		assert_int_equal(p.pages[i].cpu, want[i].cpu);
		assert_int_equal(p.pages[i].position, want[i].position);
		assert_int_equal(p.pages[i].list, want[i].list);
		assert_int_equal(p.pages[i].order, want[i].order);
		assert_int_equal(p.pages[i].type, want[i].type);
	}
	assert_int_equal(p.n_sets, 6);
	assert_int_equal(p.sets[3].zone, 1);
	assert_int_equal(p.sets[3].count, 6);
	assert_int_equal(p.sets[3].listed, 6);
	assert_int_equal(p.sets[3].n, 5);
	assert_true(p.sets[4].online);
	assert_false(p.sets[5].online);
	assert_true(p.has_limits);
	mmw_pcp_close(&p);
	machine_fini(&m);
}

static void counts_alone(void **state)
{
	struct machine m;
	struct mmw_pcp p;

	(void)state;
	machine_init(&m, MMW_RECIPES "/zoneinfo.recipe");
	assert_int_equal(mmw_pcp_open(m.k, &m.z, NULL, &p, NULL), 0);
	assert_int_equal(p.n_problems, 0);
	assert_int_equal(p.n_pages, 0);
	assert_int_equal(p.n_sets, 6);
	assert_int_equal(p.sets[3].count, 6);
	assert_int_equal(p.sets[3].high, 0x40);
	assert_int_equal(p.sets[3].high_min, 0x30);
	assert_int_equal(p.sets[3].batch, 0xf);
	assert_int_equal(p.sets[3].threshold, 0x10);
	mmw_pcp_close(&p);
	machine_fini(&m);
}

/* The recipe has one fault of each kind. */
static void every_fault(void **state)
{
	static const enum mmw_pcp_problem_kind kinds[] = {
		MMW_PCP_UNREADABLE, MMW_PCP_FOREIGN, MMW_PCP_BAD_LINK, MMW_PCP_ENDLESS, MMW_PCP_COUNT,
		MMW_PCP_WRONG_ZONE, MMW_PCP_TWICE, MMW_PCP_REFERENCED, MMW_PCP_TYPED, MMW_PCP_FLAGGED,
	};
	struct machine m;
	struct mmw_pcp p;

	(void)state;
	machine_init(&m, MMW_RECIPES "/zoneinfo-broken.recipe");
	assert_int_equal(mmw_pcp_open(m.k, &m.z, &m.m, &p, NULL), 0);
	for (size_t i = 0; i < mmw_array_len(kinds); i++) {
		bool found = false;

		for (size_t j = 0; j < p.n_problems; j++)
			found = found || p.problems[j].kind == kinds[i];
		assert_true(found);
	}
	/* What lies behind the break is found from the tail. */
	assert_int_equal(p.sets[3].listed, 6);
	mmw_pcp_close(&p);
	machine_fini(&m);
}

/* include/linux/mmzone.h against mm/vmstat.c. */
static void names(void **state)
{
	static const char *const pairs[][2] = {
		{ "NR_FREE_PAGES", "nr_free_pages" }, { "NR_FREE_PAGES_BLOCKS", "nr_free_pages_blocks" },
		{ "NR_FREE_CMA_PAGES", "nr_free_cma" }, { "NUMA_HIT", "numa_hit" },
		{ "NUMA_INTERLEAVE_HIT", "numa_interleave" }, { "WORKINGSET_NODERECLAIM", "workingset_nodereclaim" },
		{ "NR_ANON_THPS", "nr_anon_transparent_hugepages" },
		{ "NR_SHMEM_PMDMAPPED", "nr_shmem_pmdmapped" }, { "PGDEMOTE_KHUGEPAGED", "pgdemote_khugepaged" },
		{ "NR_SLAB_UNRECLAIMABLE_B", "nr_slab_unreclaimable" }, { "NR_KERNEL_STACK_KB", "nr_kernel_stack" },
	};
	char text[MMW_STAT_NAME_MAX], little[4];

	(void)state;
	for (size_t i = 0; i < mmw_array_len(pairs); i++) {
		mmw_stat_name(pairs[i][0], text, sizeof(text));
		assert_string_equal(text, pairs[i][1]);
	}
	mmw_stat_name("NR_MLOCK", little, sizeof(little));
	assert_string_equal(little, "nr_");
}

static void sums(void **state)
{
	struct mmw_vmstat v;
	struct machine m;
	uint64_t sum;

	(void)state;
	machine_init(&m, MMW_RECIPES "/zoneinfo.recipe");
	assert_int_equal(mmw_vmstat_open(m.k, &m.z, &v, NULL), 0);
	assert_true(mmw_stat_sum(&v, MMW_STAT_ZONE, "nr_free_pages", &sum));
	assert_int_equal(sum, 8 + 41);
	assert_true(mmw_stat_sum(&v, MMW_STAT_ZONE, "nr_zspages", &sum));
	assert_int_equal(sum, 0);
	assert_false(mmw_stat_sum(&v, MMW_STAT_NODE, "nr_free_pages", &sum));
	assert_int_equal(mmw_zone_watermark(&v.zones[0], 1), 5 + 2);
	assert_int_equal(v.kind[MMW_STAT_ZONE].exact[4], 41 - 2);
	assert_int_equal(v.kind[MMW_STAT_NODE].exact[0], 9 + 1 + 2);
	mmw_vmstat_close(&v);
	machine_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_in_order),
		cmocka_unit_test(counts_alone),
		cmocka_unit_test(every_fault),
		cmocka_unit_test(names),
		cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

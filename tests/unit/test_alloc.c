/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/mm/alloc.c, gfp.c, extfrag.c: what the kernel would compute from the same numbers, worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/vec.h"
#include "lib/mm/alloc.h"
#include "lib/mm/extfrag.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

static const struct mmw_alloc_rights plain = { 0 }, high = { .half = true, .reserve = true },
	atomic = { .half = true, .quarter = true, .reserve = true }, movable = { .cma = true },
	last = { .all = true, .reserve = true };

/* __zone_watermark_ok(): free - unusable > mark + boost + lowmem_reserve. */
static void test_sums(void **state)
{
	static const struct {
		struct mmw_alloc_zone zone;
		const struct mmw_alloc_rights *rights;
		unsigned order;
		int64_t available, needed;
		bool enough;
	} cases[] = {
		{ { .free = 101, .mark = 100 }, &plain, 0, 101, 100, true },
		{ { .free = 100, .mark = 100 }, &plain, 0, 100, 100, false },
		{ { .free = 108, .mark = 100 }, &plain, 3, 101, 100, true },
		{ { .free = 107, .mark = 100 }, &plain, 3, 100, 100, false },
		{ { .free = 200, .mark = 100, .boost = 60, .reserve = 39 }, &plain, 0, 200, 199, true },
		{ { .free = 200, .mark = 100, .boost = 60, .reserve = 40 }, &plain, 0, 200, 200, false },
		{ { .free = 120, .mark = 100, .cma = 20 }, &plain, 0, 100, 100, false },
		{ { .free = 120, .mark = 100, .cma = 20 }, &movable, 0, 120, 100, true },
		{ { .free = 120, .mark = 100, .highatomic = 30 }, &plain, 0, 90, 100, false },
		{ { .free = 120, .mark = 100, .highatomic = 30 }, &high, 0, 120, 50, true },
		{ { .free = 39, .mark = 101 }, &atomic, 0, 39, 39, false },  /* 101 - 50 = 51, - 12 = 39 */
		{ { .free = 40, .mark = 101 }, &atomic, 0, 40, 39, true },
		{ { .free = 3, .mark = 100, .cma = 1000 }, &plain, 2, -1000, 100, false },
		{ { .free = 0, .mark = 100 }, &last, 0, 0, 100, true },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		struct mmw_alloc_sum s = mmw_alloc_add_up(&cases[i].zone, cases[i].rights, cases[i].order);

		if (s.available != cases[i].available || s.needed != cases[i].needed || s.enough != cases[i].enough)
			fail_msg("case %zu: %lld against %lld, %d", i, (long long)s.available, (long long)s.needed,
				 s.enough);
	}
}

static void test_boost(void **state)
{
	const struct mmw_alloc_zone zone = { .free = 60, .mark = 100, .boost = 1000 };
	const struct mmw_alloc_rights rights = { .half = true, .reserve = true, .no_boost = true };

	(void)state;
	assert_true(mmw_alloc_add_up(&zone, &rights, 0).enough);
	assert_false(mmw_alloc_add_up(&zone, &high, 0).enough);
}

static void check_indices(const uint64_t nr_free[4], const int unusable[4], const int index[4])
{
	const struct mmw_zones z = { .orders = 4 };
	struct mmw_zone zone = { 0 };

	memcpy(zone.nr_free, nr_free, 4 * sizeof(*nr_free));
	for (unsigned order = 0; order < 4; order++) {
		assert_int_equal(mmw_unusable_index(&z, &zone, order), unusable[order]);
		assert_int_equal(mmw_fragmentation_index(&z, &zone, order), index[order]);
	}
}

static void test_indices(void **state)
{
	(void)state;
	/* Nothing free; all in the largest block; 3 + 2 * 2 pages, of which an order of 2 could use none. */
	check_indices((uint64_t[]){ 0, 0, 0, 0 }, (int[]){ 1000, 1000, 1000, 1000 }, (int[]){ 0, 0, 0, 0 });
	check_indices((uint64_t[]){ 0, 0, 0, 2 }, (int[]){ 0, 0, 0, 0 }, (int[]){ -1000, -1000, -1000, -1000 });
	/* 7000 / 4 = 1750, + 1000 by 5 blocks is 550; 7000 / 8 = 875, + 1000 by 5 is 375. */
	check_indices((uint64_t[]){ 3, 2, 0, 0 }, (int[]){ 0, 428, 1000, 1000 }, (int[]){ -1000, -1000, 450, 625 });
	/* One page: 1000 - (1000 + 125) by 1 is below 0. */
	check_indices((uint64_t[]){ 1, 0, 0, 0 }, (int[]){ 0, 1000, 1000, 1000 }, (int[]){ -1000, -500, -250, -125 });
	/* What no machine has must not divide by nothing. */
	check_indices((uint64_t[]){ 1ull << 32, 0, 0, 0 }, (int[]){ 0, 0, 0, 0 }, (int[]){ -1000, 1000, 1000, 1000 });
}

static struct mmw_kernel *open_kernel(struct blob *bytes, struct mmw_image **img)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	struct mmw_kernel *k;
	struct mmw_file *file;
	struct phys p;

	recipe_load(MMW_RECIPES "/mm-check.recipe", false, &p);
	wrap_format_by_name("elf")->write(&p, bytes);
	phys_fini(&p);
	assert_int_equal(mmw_file_memory(bytes->bytes, bytes->len, "alloc", &file, NULL), 0);
	assert_int_equal(mmw_open_file(file, "alloc", NULL, img, NULL), 0);
	assert_int_equal(mmw_kernel_bind(*img, &opts, &k, NULL), 0);
	return k;
}

/* By version, as the image has neither the kernel's table nor its enumeration. */
static void test_flags(void **state)
{
	static const struct { const char *text, *printed; } good[] = {
		{ "GFP_KERNEL", "0xcc0(GFP_KERNEL)" },
		{ "__GFP_IO|__GFP_FS,__GFP_RECLAIM", "0xcc0(GFP_KERNEL)" },
		{ "GFP_ATOMIC|__GFP_NOWARN", "0x2820(GFP_ATOMIC|__GFP_NOWARN)" },
		{ "0x140cca", "0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP)" },
		{ "__GFP_DMA32", "0x4(GFP_DMA32)" },
		{ "0x80000000|GFP_NOIO", "0x80000c00(GFP_NOIO|0x80000000)" },
		{ "0x0", "0x0()" },
	};
	static const char *const bad[] = { "", "KERNEL", "GFP_KERNEL|", "|", "0x", "0xfg", "GFP_KERNELS",
					   "__GFP_ATOMIC", "0x11112222333344445555", "GFP_KERNEL GFP_DMA" };
	struct blob bytes = { 0 };
	struct mmw_image *img;
	struct mmw_kernel *k = open_kernel(&bytes, &img);
	char text[MMW_GFP_TEXT_MAX];
	struct mmw_gfp g;
	uint64_t flags;

	(void)state;
	assert_int_equal(mmw_gfp_open(k, &g, NULL), 0);
	assert_int_equal(strncmp(g.source, "GUESSED", 7), 0);
	for (size_t i = 0; i < mmw_array_len(good); i++) {
		assert_int_equal(mmw_gfp_parse(&g, good[i].text, &flags, NULL), 0);
		assert_string_equal(mmw_gfp_text(&g, flags, text), good[i].printed);
	}
	for (size_t i = 0; i < mmw_array_len(bad); i++)
		assert_int_equal(mmw_gfp_parse(&g, bad[i], &flags, NULL), -MMW_E_ARG);
	mmw_kernel_close(k);
	mmw_image_close(img);
	blob_fini(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_boost),
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}

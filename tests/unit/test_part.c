/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/slab/part: what lies between the objects of fixtures/recipes/slub.recipe, and of caches that no kernel makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/vec.h"
#include "lib/slab/part.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

static struct machine {
	struct blob b;
	struct mmw_image *img;
	struct mmw_kernel *k;
	struct mmw_slabs s;
} machine;

static int open_machine(void **state)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	struct machine *m = &machine;
	struct mmw_file *f;
	struct phys p;

	(void)state;
	recipe_load(MMW_RECIPES "/slub.recipe", false, &p);
	wrap_format_by_name("elf")->write(&p, &m->b);
	phys_fini(&p);
	assert_int_equal(mmw_file_memory(m->b.bytes, m->b.len, "machine", &f, NULL), 0);
	assert_int_equal(mmw_open_file(f, "machine", NULL, &m->img, NULL), 0);
	assert_int_equal(mmw_kernel_bind(m->img, &opts, &m->k, NULL), 0);
	return mmw_slabs_open(m->k, MMW_SLABS_OBJECTS, &m->s, NULL);
}

static int close_machine(void **state)
{
	(void)state;
	mmw_slabs_close(&machine.s);
	mmw_kernel_close(machine.k);
	mmw_image_close(machine.img);
	blob_fini(&machine.b);
	return 0;
}

static void test_spots(void **state)
{
	static const struct {
		uint64_t pa;
		enum mmw_part_kind kind;
		bool has;
		uint32_t index;
		int64_t offset;
	} cases[] = {
		{ 0x140000, MMW_PART_LEFT_RED_ZONE, true, 0, -8 },
		{ 0x140007, MMW_PART_LEFT_RED_ZONE, true, 0, -1 },
		{ 0x140008, MMW_PART_OBJECT, true, 0, 0 },
		{ 0x14002f, MMW_PART_OBJECT, true, 0, 0x27 },
		{ 0x140030, MMW_PART_RED_ZONE, true, 0, 0x28 },
		{ 0x140038, MMW_PART_FREE_POINTER, true, 0, 0x30 },
		{ 0x140040, MMW_PART_ALLOC_TRACK, true, 0, 0x38 },
		{ 0x140060, MMW_PART_FREE_TRACK, true, 0, 0x58 },
		{ 0x140080, MMW_PART_PADDING, true, 0, 0x78 },
		{ 0x140088, MMW_PART_LEFT_RED_ZONE, true, 1, -8 },
		{ 0x140090, MMW_PART_OBJECT, true, 1, 0 },
		{ 0x140fe8, MMW_PART_PADDING, true, 0x1d, 0x78 },
		{ 0x140ff0, MMW_PART_SLAB_END, false, 0, 0 },
		{ 0x140fff, MMW_PART_SLAB_END, false, 0, 0 },
		{ 0x132810, MMW_PART_OBJECT, true, 0x20, 0x10 },
		{ 0x132fff, MMW_PART_OBJECT, true, 0x3f, 0x3f },
		{ 0x138050, MMW_PART_FREE_POINTER, true, 0, 0x50 },
		{ 0x138058, MMW_PART_OBJECT, true, 1, 0 },
		{ 0x138fd0, MMW_PART_SLAB_END, false, 0, 0 },
		{ 0x151900, MMW_PART_OBJECT, true, 4, 0 },
		{ 0x120098, MMW_PART_PADDING, true, 0, 0x98 },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		uint64_t va = 0xffff888000000000 + cases[i].pa;
		struct mmw_slab_spot spot;
		struct mmw_slab slab;
		int rc = mmw_slab_of(&machine.s, mmw_kernel_vm(machine.k), cases[i].pa >> 12, &slab, NULL, NULL,
				     NULL);

		assert_int_equal(rc, 0);
		mmw_slab_spot(&machine.s, &slab, va, &spot);
		assert_string_equal(mmw_part_name(spot.kind), mmw_part_name(cases[i].kind));
		assert_int_equal(spot.has_object, cases[i].has);
		assert_int_equal(spot.index, cases[i].index);
		assert_int_equal(spot.offset, cases[i].offset);
		if (spot.has_object)
			assert_int_equal(spot.object + (uint64_t)spot.offset, va);
	}
}

/* Whatever the numbers of a cache are, its parts tile it. */
static void test_tiling(void **state)
{
	static const uint32_t numbers[] = {
		0, 1, 8, 0x28, 0x30, 0x38, 0x87, 0x88, 0x89, 0x1000, UINT32_MAX - 7, UINT32_MAX,
	};
	enum { N = mmw_array_len(numbers) };

	(void)state;
	for (size_t n = 0; n < 2 * N * N * N; n++) {
		struct mmw_cache c = { .size = 0x88, .object_size = n % 2 ? 0x28 : 0x88, .has = UINT32_MAX };
		struct mmw_part part[MMW_OBJECT_PARTS_MAX];
		uint32_t end = 0;
		size_t parts;

		c.inuse = numbers[n / 2 % N];
		c.offset = numbers[n / 2 / N % N];
		c.red_left_pad = numbers[n / 2 / N / N];
		parts = mmw_object_parts(&machine.s.caches, &c, part);
		assert_in_range(parts, 1, MMW_OBJECT_PARTS_MAX);
		assert_int_equal(part[0].kind, MMW_PART_OBJECT);
		for (size_t i = 0; i < parts; i++) {
			assert_int_equal(part[i].first, end);
			assert_true(part[i].end > end);
			end = part[i].end;
		}
		assert_int_equal(end, c.size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_spots), cmocka_unit_test(test_tiling) };

	return cmocka_run_group_tests(tests, open_machine, close_machine);
}

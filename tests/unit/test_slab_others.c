/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/slab/arrays.c, slob.c: the state of objects and units, the counters, and each contradiction, planted into memory
 * that has none (fixtures/recipes/slab-arrays.recipe, slab-slob.recipe), found, and nothing else.
 */
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
#include "lib/slab/slab.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

enum { MEMORY = 4 << 20, PATCHES_MAX = 4 };
enum which { ARRAYS, SLOB, IMAGES };

static const char *const recipes[] = { [ARRAYS] = "slab-arrays", [SLOB] = "slab-slob" };

/* Values at physical addresses; the words of what is then found, with the low half of the address; objects by state. */
struct fault {
	enum which which;
	const char *name;
	struct {
		uint32_t pa;
		uint8_t size;
		uint64_t value;
	} patch[PATCHES_MAX];
	const char *found;
	unsigned allocated, free, unknown;
};

#define LINEAR(pa) (0xffff888000000000 + (pa))

enum { USED = 587, FREE = 119, UNITS = 7116, FREE_UNITS = 1076 };

static const struct fault faults[] = {
	{ ARRAYS, "none", { { 0 } }, "", USED, FREE, 0 },
	{ ARRAYS, "a number that is too large", { { 0x131ffd, 1, 0x3f } },
	  "free-outside@131fc0", USED - 58, FREE - 1, 59 },
	{ ARRAYS, "a number for the second time", { { 0x131ffe, 1, 5 } },
	  "free-loop@131140", USED - 58, FREE - 1, 59 },
	{ ARRAYS, "a number of two bytes that is too large", { { 0x158ffc, 2, 0x199 } },
	  "free-outside@158cc8", USED - 407, FREE - 1, 408 },
	{ ARRAYS, "numbers nowhere", { { 0x304c60, 8, 0 } }, "free-unreadable@3c", USED - 58, FREE - 3, 61 },
	{ ARRAYS, "more used than there are", { { 0x304c70, 4, 0x40 } },
	  "free-count@121100 inuse@4c40", USED - 58, FREE - 3, 61 },
	{ ARRAYS, "a CPU has an object that is free", { { 0x60850, 8, LINEAR(0x131140) } },
	  "held-twice@131140", USED + 1, FREE - 1, 0 },
	{ ARRAYS, "two CPUs have an object", { { 0x61850, 8, LINEAR(0x131000) } },
	  "held-twice@131000", USED + 1, FREE, 0 },
	{ ARRAYS, "a CPU has the middle of an object", { { 0x61850, 8, LINEAR(0x131008) } },
	  "held-foreign@131008", USED + 1, FREE, 0 },
	{ ARRAYS, "an array with more than it has room for", { { 0x60844, 4, 1 } },
	  "sheaf-size@60840", USED + 2, FREE, 0 },
	{ ARRAYS, "another slab before one", { { 0x304c50, 8, 0x401000 } }, "link@4c48", USED, FREE, 0 },
	{ ARRAYS, "a slab more in the counter", { { 0x121138, 8, 4 } }, "list-count@121100", USED, FREE, 0 },
	{ ARRAYS, "a free slab less in the counter", { { 0x121140, 8, 0 } }, "list-count@121100", USED, FREE, 0 },
	{ ARRAYS, "a free object less in the counter", { { 0x121148, 8, 0x41 } },
	  "free-count@121100", USED, FREE, 0 },
	{ ARRAYS, "a list leads nowhere", { { 0x121108, 8, 0x401000 } }, "list-broken@401000", USED, FREE, 0 },
	{ ARRAYS, "a slab of two caches", { { 0x304c58, 8, LINEAR(0x120200) } },
	  "other-cache@4c40 free-count@121100 inuse@4c40 held-foreign@131040", USED - 58, FREE - 3, 20 },
	{ ARRAYS, "a slab of no cache", { { 0x305618, 8, LINEAR(0x120f00) } },
	  "other-cache@5600 free-count@121500 unlisted-cache@5600", USED - 407, FREE - 2, 0 },
	{ ARRAYS, "objects that begin before the slab", { { 0x305628, 8, LINEAR(0x157000) } },
	  "geometry@5600", USED - 407, FREE - 2, 0 },
	{ ARRAYS, "objects that begin too late", { { 0x305628, 8, LINEAR(0x158400) } },
	  "geometry@5600", USED - 24, FREE - 1, 0 },
	{ ARRAYS, "numbers of three bytes", { { 0x120548, 4, 3 * 0x199 } },
	  "bad-cache@120500", USED - 407, FREE - 2, 409 },
	{ ARRAYS, "no such shared array", { { 0x121258, 8, 0x401000 } },
	  "node-unreadable@401000", USED + 2, FREE, 0 },
	{ ARRAYS, "no such alien arrays", { { 0x1212e0, 8, 0x401000 } },
	  "node-unreadable@401000", USED + 1, FREE, 0 },
	{ ARRAYS, "no such structure of a node", { { 0x120598, 8, 0x401000 } },
	  "node-unreadable@401000", USED, FREE, 0 },
	{ SLOB, "none", { { 0 } }, "", UNITS, FREE_UNITS, 0 },
	{ SLOB, "a first block elsewhere", { { 0x304c60, 8, LINEAR(0x132008) } },
	  "free-outside@132008", UNITS - 1999, FREE_UNITS - 49, 2048 },
	{ SLOB, "a block that is too long", { { 0x131200, 2, 0x800 } },
	  "free-outside@132000", UNITS - 1999, FREE_UNITS - 32, 2031 },
	{ SLOB, "a block that leads back", { { 0x131082, 2, 0 }, { 0x131080, 2, 0xfffc } },
	  "free-loop@131008", UNITS - 1999, FREE_UNITS - 32, 2031 },
	{ SLOB, "a block that leads into itself", { { 0x13100a, 2, 8 } },
	  "free-outside@131010", UNITS - 1999, FREE_UNITS - 33, 2032 },
	{ SLOB, "a unit more in the counter", { { 0x304c68, 8, 0x32 } }, "free-count@4c40", UNITS, FREE_UNITS, 0 },
	{ SLOB, "more units than a page has", { { 0x304c68, 8, 0x8000 } }, "free-count@4c40", UNITS, FREE_UNITS, 0 },
	{ SLOB, "a list leads nowhere", { { 0x250330, 8, 0x401000 } }, "list-broken@401000", UNITS, FREE_UNITS, 0 },
};

/* Objects whose state is known, by their address and number. */
static const struct {
	enum which which;
	uint32_t pa, index;
	enum mmw_object_state state;
	enum mmw_slab_place place;
} objects[] = {
	{ ARRAYS, 0x120600, 6, MMW_OBJECT_ALLOCATED, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x120700, 7, MMW_OBJECT_FREE, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x130000, 0, MMW_OBJECT_ALLOCATED, MMW_SLAB_FULL },
	{ ARRAYS, 0x1301c0, 7, MMW_OBJECT_CPU, MMW_SLAB_FULL },
	{ ARRAYS, 0x131040, 1, MMW_OBJECT_CPU, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x131080, 2, MMW_OBJECT_ALLOCATED, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x1310c0, 3, MMW_OBJECT_FREE, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x132f80, 0x3e, MMW_OBJECT_FREE, MMW_SLAB_EMPTY },
	{ ARRAYS, 0x138040, 0, MMW_OBJECT_ALLOCATED, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x138100, 1, MMW_OBJECT_ALIEN, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x139320, 4, MMW_OBJECT_SHARED, MMW_SLAB_FULL },
	{ ARRAYS, 0x151900, 4, MMW_OBJECT_FREE, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x1512c0, 3, MMW_OBJECT_ALLOCATED, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x158cc0, 0x198, MMW_OBJECT_FREE, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x160108, 2, MMW_OBJECT_CPU, MMW_SLAB_PARTIAL },
	{ ARRAYS, 0x160f88, 0x1f, MMW_OBJECT_FREE, MMW_SLAB_PARTIAL },
	{ SLOB, 0x130000, 0, MMW_OBJECT_ALLOCATED, MMW_SLAB_FULL },
	{ SLOB, 0x131006, 3, MMW_OBJECT_ALLOCATED, MMW_SLAB_PARTIAL },
	{ SLOB, 0x131008, 4, MMW_OBJECT_FREE, MMW_SLAB_PARTIAL },
	{ SLOB, 0x131026, 0x13, MMW_OBJECT_FREE, MMW_SLAB_PARTIAL },
	{ SLOB, 0x131028, 0x14, MMW_OBJECT_ALLOCATED, MMW_SLAB_PARTIAL },
	{ SLOB, 0x131080, 0x40, MMW_OBJECT_FREE, MMW_SLAB_PARTIAL },
	{ SLOB, 0x131082, 0x41, MMW_OBJECT_ALLOCATED, MMW_SLAB_PARTIAL },
	{ SLOB, 0x133ffe, 0x7ff, MMW_OBJECT_FREE, MMW_SLAB_PARTIAL },
};

static struct blob clean[IMAGES];

static int make_images(void **state)
{
	(void)state;
	for (int i = 0; i < IMAGES; i++) {
		char path[256];
		struct phys p;

		snprintf(path, sizeof(path), "%s/%s.recipe", MMW_RECIPES, recipes[i]);
		recipe_load(path, false, &p);
		wrap_format_by_name("elf")->write(&p, &clean[i]);
		phys_fini(&p);
	}
	return 0;
}

static int drop_images(void **state)
{
	(void)state;
	for (int i = 0; i < IMAGES; i++)
		blob_fini(&clean[i]);
	return 0;
}

struct opened {
	uint8_t *bytes;
	struct mmw_image *img;
	struct mmw_kernel *k;
	struct mmw_slabs s;
};

static void open_slabs(const struct fault *f, enum mmw_slabs_depth depth, struct opened *o)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	const struct blob *from = &clean[f->which];
	struct mmw_file *file;

	o->bytes = malloc(from->len);
	assert_non_null(o->bytes);
	memcpy(o->bytes, from->bytes, from->len);
	for (size_t i = 0; i < PATCHES_MAX && f->patch[i].size; i++)
		put_uint(o->bytes + (from->len - MEMORY) + f->patch[i].pa, f->patch[i].value, f->patch[i].size, false);
	assert_int_equal(mmw_file_memory(o->bytes, from->len, f->name, &file, NULL), 0);
	assert_int_equal(mmw_open_file(file, f->name, NULL, &o->img, NULL), 0);
	assert_int_equal(mmw_kernel_bind(o->img, &opts, &o->k, NULL), 0);
	assert_int_equal(mmw_slabs_open(o->k, depth, &o->s, NULL), 0);
}

static void close_slabs(struct opened *o)
{
	mmw_slabs_close(&o->s);
	mmw_kernel_close(o->k);
	mmw_image_close(o->img);
	free(o->bytes);
}

static void describe(const struct mmw_slab_problems *p, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < p->n; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s@%x", n ? " " : "",
				      mmw_slab_problem_name(p->problem[i].kind), (unsigned)p->problem[i].addr);
}

static int add(void *ctx, const struct mmw_slab *slab, struct mmw_err *err)
{
	uint32_t *n = ctx, all = 0;

	(void)err;
	for (int i = 0; i < MMW_OBJECT_STATES; i++) {
		n[i] += slab->n[i];
		all += slab->n[i];
	}
	assert_int_equal(all, slab->objects);
	return 0;
}

static void check_fault(const struct fault *f, unsigned threads)
{
	const struct mmw_slabs_opts opts = { .threads = threads };
	uint32_t n[MMW_OBJECT_STATES] = { 0 };
	struct opened o;
	char text[512];

	open_slabs(f, MMW_SLABS_OBJECTS, &o);
	assert_int_equal(mmw_slabs_pass(&o.s, &opts, add, n, NULL), 0);
	describe(&o.s.problems, text, sizeof(text));
	if (strcmp(text, f->found) || n[MMW_OBJECT_ALLOCATED] != f->allocated)
		print_error("%s\n", f->name);
	assert_string_equal(text, f->found);
	assert_int_equal(n[MMW_OBJECT_ALLOCATED], f->allocated);
	assert_int_equal(n[MMW_OBJECT_FREE], f->free);
	assert_int_equal(n[MMW_OBJECT_UNKNOWN], f->unknown);
	close_slabs(&o);
}

static void test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < mmw_array_len(faults); i++) {
		check_fault(&faults[i], 1);
		check_fault(&faults[i], 3);
	}
}

static void test_objects(void **state)
{
	uint8_t *states = malloc(MMW_SLAB_OBJECTS_MAX);

	(void)state;
	assert_non_null(states);
	for (size_t i = 0; i < mmw_array_len(objects); i++) {
		const struct fault none = { objects[i].which, "none", { { 0 } }, "", 0, 0, 0 };
		struct mmw_slab slab;
		struct opened o;
		uint64_t offset;
		uint32_t index;

		open_slabs(&none, MMW_SLABS_OBJECTS, &o);
		assert_int_equal(mmw_slab_of(&o.s, mmw_kernel_vm(o.k), objects[i].pa >> 12, &slab, states, NULL, NULL),
				 0);
		assert_true(mmw_slab_object(&slab, LINEAR(objects[i].pa), &index, &offset));
		assert_int_equal(offset, 0);
		assert_int_equal(index, objects[i].index);
		assert_int_equal(states[index], objects[i].state);
		assert_int_equal(slab.place, objects[i].place);
		assert_int_equal(slab.broken, false);
		close_slabs(&o);
	}
	free(states);
}

static const struct mmw_cache *by_name(const struct mmw_caches *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->cache[i].name, name))
			return &c->cache[i];
	fail_msg("no cache is called %s", name);
	return NULL;
}

static void check_info(const struct fault *f, const char *name, const struct mmw_slabinfo *expected)
{
	struct mmw_slabinfo info;
	struct opened o;

	open_slabs(f, MMW_SLABS_COUNTERS, &o);
	mmw_slabs_info(&o.s, by_name(&o.s.caches, name), &info);
	assert_int_equal(info.known, expected->known);
	if (info.known) {
		assert_int_equal(info.active_objs, expected->active_objs);
		assert_int_equal(info.num_objs, expected->num_objs);
		assert_int_equal(info.active_slabs, expected->active_slabs);
		assert_int_equal(info.num_slabs, expected->num_slabs);
		assert_int_equal(info.shared_avail, expected->shared_avail);
	}
	close_slabs(&o);
}

/* The counters, to which a copy for a memory cgroup adds its own; not known where a part of them is not. */
static void test_info(void **state)
{
	static const struct mmw_slabinfo all = { true, 24, 63, 3, 3, 2 }, one = { true, 1, 21, 1, 1, 0 };
	static const struct mmw_slabinfo own = { true, 23, 42, 2, 2, 2 }, unknown = { .known = false };
	static const struct fault none = { .which = ARRAYS, .name = "none" }, slob = { .which = SLOB, .name = "none" };
	static const struct fault shared = { ARRAYS, "no shared array", { { 0x121258, 8, 0x401000 } }, "", 0, 0, 0 };
	static const struct fault node = { ARRAYS, "no node of the copy", { { 0x120398, 8, 0x401000 } }, "", 0, 0, 0 };
	static const struct fault cycle = { ARRAYS, "each a copy", { { 0x120288, 8, LINEAR(0x120300) } }, "", 0, 0, 0 };

	(void)state;
	check_info(&none, "dentry", &all);
	check_info(&none, "dentry(7:box)", &one);
	check_info(&shared, "dentry", &unknown);
	check_info(&node, "dentry", &unknown);
	check_info(&cycle, "dentry", &own);
	check_info(&cycle, "dentry(7:box)", &one);
	check_info(&slob, "dentry", &unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_info),
	};

	return cmocka_run_group_tests_name("slab_others", tests, make_images, drop_images);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/slab: the slabs, objects and counters of two machines (fixtures/recipes/slub.recipe, slub-sheaves.recipe), and
 * with KFENCE (slub-kfence.recipe); and each contradiction, planted into memory that has none, is found, and nothing
 * else.
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
#include "lib/slab/check.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

enum { MEMORY = 4 << 20, PATCHES_MAX = 8, FRAMES = 16, CACHES = 8 };

/* The struct page of a frame; the frame itself, and kernel data, as addresses and where they are in memory. */
#define PAGE(pfn) (0xffffea0000000000 + (uint64_t)(pfn) * 0x40)
#define PAGE_PA(pfn) (0x300000 + (pfn) * 0x40)
#define LINEAR(pa) (0xffff888000000000 + (uint64_t)(pa))

struct machine {
	uint8_t *bytes;
	struct mmw_image *img;
	struct mmw_kernel *k;
};

/* An image of the recipe, of which a test may change the memory (at bytes + pa) before it opens it. */
static uint8_t *memory_of(struct machine *m, const struct blob *clean)
{
	m->bytes = malloc(clean->len);
	assert_non_null(m->bytes);
	memcpy(m->bytes, clean->bytes, clean->len);
	return m->bytes + (clean->len - MEMORY);
}

static void machine_open(struct machine *m, const struct blob *clean)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	struct mmw_file *file;

	assert_int_equal(mmw_file_memory(m->bytes, clean->len, "machine", &file, NULL), 0);
	assert_int_equal(mmw_open_file(file, "machine", NULL, &m->img, NULL), 0);
	assert_int_equal(mmw_kernel_bind(m->img, &opts, &m->k, NULL), 0);
}

static void machine_close(struct machine *m)
{
	mmw_kernel_close(m->k);
	mmw_image_close(m->img);
	free(m->bytes);
}

static struct blob slub, sheaves, kfence;

static void make(const char *recipe, struct blob *to)
{
	struct phys p;

	recipe_load(recipe, false, &p);
	wrap_format_by_name("elf")->write(&p, to);
	phys_fini(&p);
}

static int make_images(void **state)
{
	(void)state;
	make(MMW_RECIPES "/slub.recipe", &slub);
	make(MMW_RECIPES "/slub-sheaves.recipe", &sheaves);
	make(MMW_RECIPES "/slub-kfence.recipe", &kfence);
	return 0;
}

static int drop_images(void **state)
{
	(void)state;
	blob_fini(&slub);
	blob_fini(&sheaves);
	blob_fini(&kfence);
	return 0;
}

/* --- what is there ------------------------------------------------------------------------------------------------ */

/* The objects by a letter each, A to I for enum mmw_object_state, equal ones as a letter and their number. */
static void describe_states(const struct mmw_slab *slab, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0, j; i < slab->objects; i = j) {
		for (j = i + 1; j < slab->objects && slab->state[j] == slab->state[i]; j++)
			;
		n += (size_t)snprintf(text + n, size - n, "%s%c%x", n ? " " : "", 'A' + slab->state[i], j - i);
	}
}

struct want_slab {
	uint32_t pfn;
	uint8_t order, place;
	int8_t who;
	const char *cache, *states;
};

static const struct want_slab slub_slabs[] = {
	{ 0x120, 0, MMW_SLAB_PARTIAL, -1, "kmem_cache", "A7 Be" },
	{ 0x121, 0, MMW_SLAB_CPU, 0, "kmem_cache_node", "A7 C39" },
	{ 0x130, 0, MMW_SLAB_FULL, -1, "kmalloc-64", "A40" },
	{ 0x131, 0, MMW_SLAB_PARTIAL, -1, "kmalloc-64", "A3 B1 A1 B1 A39 B1" },
	{ 0x132, 0, MMW_SLAB_CPU, 0, "kmalloc-64", "A10 B2 Ae C4 A1c" },
	{ 0x133, 0, MMW_SLAB_CPU_PARTIAL, 1, "kmalloc-64", "B1 A3f" },
	{ 0x134, 0, MMW_SLAB_CPU_PARTIAL, 1, "kmalloc-64", "A8 B4 A34" },
	{ 0x135, 0, MMW_SLAB_PARTIAL, -1, "kmalloc-64", "B40" },
	{ 0x138, 0, MMW_SLAB_FULL, -1, "dentry", "A2e" },
	{ 0x139, 0, MMW_SLAB_CPU, 1, "dentry", "A2d C1" },
	{ 0x13a, 0, MMW_SLAB_PARTIAL, -1, "dentry", "A2 B2c" },
	{ 0x140, 0, MMW_SLAB_PARTIAL, -1, "debug-40", "A3 B1b" },
	{ 0x141, 0, MMW_SLAB_FULL, -1, "debug-40", "A1e" },
	{ 0x150, 1, MMW_SLAB_PARTIAL, -1, "task_struct", "A1 B1 A2 B1" },
	{ 0x152, 1, MMW_SLAB_CPU, 0, "task_struct", "A5" },
};

static const struct want_slab sheaves_slabs[] = {
	{ 0x120, 0, MMW_SLAB_PARTIAL, -1, "kmem_cache", "A4 B11" },
	{ 0x121, 0, MMW_SLAB_PARTIAL, -1, "kmem_cache_node", "A4 B3c" },
	{ 0x130, 0, MMW_SLAB_FULL, -1, "kmalloc-64", "A1 D3 A4 D8 A10 D1 E2 A1d" },
	{ 0x131, 0, MMW_SLAB_PARTIAL, -1, "kmalloc-64", "A3 B1 A1 B1 Aa F8 A27 B1" },
	{ 0x138, 0, MMW_SLAB_FULL, -1, "dentry", "A2e" },
	{ 0x13a, 0, MMW_SLAB_PARTIAL, -1, "dentry", "A2 B2c" },
};

/* Behind those of slub_slabs. */
static const struct want_slab kfence_slabs[] = {
	{ 0x162, 0, MMW_SLAB_KFENCE, -1, "dentry", "A1" },
	{ 0x164, 0, MMW_SLAB_KFENCE, -1, "kmalloc-64", "B1" },
};

struct watch {
	const struct mmw_slabs *s;
	const struct want_slab *want;
	size_t n, seen;
};

static void compare(const struct watch *w, const struct want_slab *want, const struct mmw_slab *slab)
{
	char text[256];

	describe_states(slab, text, sizeof(text));
	assert_int_equal(slab->pfn, want->pfn);
	assert_int_equal(slab->va, PAGE(want->pfn));
	assert_int_equal(slab->memory, LINEAR((uint64_t)want->pfn << 12));
	assert_int_equal(slab->order, want->order);
	assert_int_equal(slab->place, want->place);
	assert_int_equal(slab->who, want->who);
	assert_string_equal(slab->cache->name, want->cache);
	assert_string_equal(text, want->states);
	assert_false(slab->broken);
	for (uint32_t i = 0; i < slab->objects; i++) {
		uint64_t va = mmw_slab_object_va(slab, i), offset;
		const struct mmw_held *held = mmw_slab_holder(w->s, va);
		uint32_t index;

		assert_true(mmw_slab_object(slab, va + slab->cache->object_size - 1, &index, &offset));
		assert_int_equal(index, i);
		assert_int_equal(offset, slab->cache->object_size - 1);
		assert_int_equal(held != NULL, slab->state[i] >= MMW_OBJECT_CPU);
	}
}

static int see(void *ctx, const struct mmw_slab *slab, struct mmw_err *err)
{
	struct watch *w = ctx;

	(void)err;
	assert_true(w->seen < w->n);
	compare(w, &w->want[w->seen++], slab);
	return 0;
}

/* By the pass, and each for itself. */
static void check_slabs(const struct blob *clean, const struct want_slab *want, size_t n)
{
	const struct mmw_slabs_opts opts = { .states = true, .threads = 3 };
	uint8_t states[MMW_SLAB_OBJECTS_MAX];
	struct machine m;
	struct mmw_slabs s;
	struct mmw_slab slab;
	struct watch w = { .s = &s, .want = want, .n = n };

	memory_of(&m, clean);
	machine_open(&m, clean);
	assert_int_equal(mmw_slabs_open(m.k, MMW_SLABS_OBJECTS, &s, NULL), 0);
	assert_int_equal(mmw_slabs_pass(&s, &opts, see, &w, NULL), 0);
	assert_int_equal(w.seen, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t last = want[i].pfn + (1u << want[i].order) - 1;

		assert_int_equal(mmw_slab_of(&s, mmw_kernel_vm(m.k), last, &slab, states, NULL, NULL), 0);
		compare(&w, &want[i], &slab);
	}
	assert_int_equal(mmw_slab_of(&s, mmw_kernel_vm(m.k), 0x12f, &slab, NULL, NULL, NULL), -MMW_E_NODATA);
	assert_int_equal(s.problems.n + s.problems.more, 0);
	mmw_slabs_close(&s);
	machine_close(&m);
}

static void test_slabs(void **state)
{
	(void)state;
	check_slabs(&slub, slub_slabs, mmw_array_len(slub_slabs));
	check_slabs(&sheaves, sheaves_slabs, mmw_array_len(sheaves_slabs));
}

/* What KFENCE has is where it says, and nothing of it contradicts what a cache counts. */
static void test_kfence(void **state)
{
	struct want_slab want[mmw_array_len(slub_slabs) + mmw_array_len(kfence_slabs)];
	struct mmw_slab_check check;
	struct machine m;

	(void)state;
	memcpy(want, slub_slabs, sizeof(slub_slabs));
	memcpy(want + mmw_array_len(slub_slabs), kfence_slabs, sizeof(kfence_slabs));
	check_slabs(&kfence, want, mmw_array_len(want));
	memory_of(&m, &kfence);
	machine_open(&m, &kfence);
	assert_int_equal(mmw_slabs_check(m.k, 1, &check, NULL), 0);
	assert_int_equal(check.n_slabs, mmw_array_len(want));
	assert_int_equal(check.slabs.problems.n, 0);
	assert_int_equal(check.slabs.kfence.n, 3);
	assert_int_equal(mmw_kfence_at(&check.slabs.kfence, LINEAR(0x162000))->addr, LINEAR(0x162fb0));
	assert_null(mmw_kfence_at(&check.slabs.kfence, LINEAR(0x161fff)));
	assert_null(mmw_kfence_at(&check.slabs.kfence, LINEAR(0x163000)));
	assert_null(mmw_kfence_at(&check.slabs.kfence, LINEAR(0x168000)));
	mmw_slab_check_close(&check);
	machine_close(&m);
}

static void check_info(const struct blob *clean, const struct mmw_slabinfo *want, size_t n)
{
	struct machine m;
	struct mmw_slabs s;

	memory_of(&m, clean);
	machine_open(&m, clean);
	assert_int_equal(mmw_slabs_open(m.k, MMW_SLABS_COUNTERS, &s, NULL), 0);
	assert_int_equal(s.caches.n, n);
	for (size_t i = 0; i < n; i++) {
		struct mmw_slabinfo info;

		mmw_slabs_info(&s, &s.caches.cache[i], &info);
		assert_memory_equal(&info, &want[i], sizeof(info));
	}
	assert_int_equal(s.problems.n, 0);
	mmw_slabs_close(&s);
	machine_close(&m);
}

static void test_info(void **state)
{
	static const struct mmw_slabinfo want[] = {
		{ true, 7, 21, 1, 1, 0 }, { true, 64, 64, 1, 1, 0 }, { true, 317, 384, 6, 6, 0 },
		{ true, 94, 138, 3, 3, 0 },
		{ true, 33, 60, 2, 2, 0 }, { true, 8, 10, 2, 2, 0 }, { true, 0, 0, 0, 0, 0 },
	}, want_sheaves[] = {
		{ true, 4, 21, 1, 1, 0 }, { true, 4, 64, 1, 1, 0 }, { true, 125, 128, 2, 2, 0 },
		{ true, 48, 92, 2, 2, 0 },
	};

	(void)state;
	check_info(&slub, want, mmw_array_len(want));
	check_info(&sheaves, want_sheaves, mmw_array_len(want_sheaves));
}

static void test_caches(void **state)
{
	const struct mmw_cache *c;
	struct machine m;
	struct mmw_caches caches;

	(void)state;
	memory_of(&m, &slub);
	machine_open(&m, &slub);
	assert_int_equal(mmw_caches_open(m.k, &caches, NULL), 0);
	assert_true(caches.hardened);
	assert_int_equal(caches.nodes, 1);
	c = mmw_cache_at(&caches, LINEAR(0x120300));
	assert_non_null(c);
	assert_string_equal(c->name, "debug-40");
	assert_int_equal(c->has, 1 << MMW_CACHE_CHECKS | 1 << MMW_CACHE_RED_ZONE | 1 << MMW_CACHE_POISON |
				 1 << MMW_CACHE_STORE_USER | 1u << MMW_CACHE_OBJECT_POISON);
	assert_int_equal(c->red_left_pad, 8);
	assert_null(mmw_cache_at(&caches, LINEAR(0x120301)));
	mmw_caches_close(&caches);
	machine_close(&m);
}

/* --- what is wrong ------------------------------------------------------------------------------------------------ */

/* Values at physical addresses, and the words (and addresses) of what is then found. */
struct fault {
	const char *name;
	struct {
		uint32_t pa;
		uint8_t size;
		uint64_t value;
	} patch[PATCHES_MAX];
	const char *found;
};

/* In struct slab: the list's links, cache, free list, counters. */
enum { NEXT = 8, PREV = 0x10, CACHE = 0x18, FREELIST = 0x20, COUNTERS = 0x28, TYPE = 0x30 };

#define COUNT(inuse, objects, frozen) ((uint64_t)(inuse) | (objects) << 16 | (uint32_t)(frozen) << 31)

static const struct fault slub_faults[] = {
	{ "none", { { 0 } }, "" },
	{ "a link leads out of the slab", { { 0x131160, 8, 0 } }, "free-outside@*" },
	{ "the first free object is none", { { PAGE_PA(0x131) + FREELIST, 8, LINEAR(0x131141) } },
	  "free-outside@ffff888000131141" },
	{ "the free list is that of another slab",
	  { { PAGE_PA(0x131) + FREELIST, 8, LINEAR(0x135000) } }, "free-outside@ffff888000135000" },
	{ "an object was freed twice",
	  { { 0x131ff0 - 0x10, 8, LINEAR(0x1310c0) ^ 0xfedcba9876543210 ^ __builtin_bswap64(LINEAR(0x131fe0)) } },
	  "free-loop@ffff8880001310c0" },
	{ "one less in use", { { PAGE_PA(0x131) + COUNTERS, 4, COUNT(0x3c, 0x40, 0) } }, "free-count@131" },
	{ "one object less", { { PAGE_PA(0x130) + COUNTERS, 4, COUNT(0x3f, 0x3f, 0) } },
	  "geometry@130 total-objects@*" },
	{ "more objects than fit", { { PAGE_PA(0x130) + COUNTERS, 4, COUNT(0x41, 0x41, 0) } },
	  "geometry@130 inuse@130" },
	{ "more in use than there are", { { PAGE_PA(0x130) + COUNTERS, 4, COUNT(0x41, 0x40, 0) } }, "inuse@130" },
	{ "frozen on a node's list", { { PAGE_PA(0x131) + COUNTERS, 4, COUNT(0x3d, 0x40, 1) } }, "frozen@131" },
	{ "a CPU's, and not frozen", { { PAGE_PA(0x132) + COUNTERS, 4, COUNT(0x3e, 0x40, 0) } }, "frozen@132" },
	{ "in a CPU's chain, and not frozen", { { PAGE_PA(0x134) + COUNTERS, 4, COUNT(0x3c, 0x40, 0) } },
	  "frozen@134" },
	{ "a list leads past a slab",
	  { { 0x121090, 8, PAGE(0x135) + NEXT } }, "link@ffffea0000004d48 list-count@* stray@131" },
	{ "a slab was taken off its list, and counted",
	  { { 0x121090, 8, PAGE(0x135) + NEXT }, { PAGE_PA(0x135) + PREV, 8, LINEAR(0x121090) }, { 0x121088, 8, 1 } },
	  "stray@131" },
	{ "a list leads nowhere", { { PAGE_PA(0x131) + NEXT, 8, 0x401000 } }, "list-broken@401000" },
	{ "a list comes back", { { PAGE_PA(0x135) + NEXT, 8, PAGE(0x131) + NEXT } }, "list-broken@ffffea0000004c48" },
	{ "prev leads nowhere", { { PAGE_PA(0x135) + PREV, 8, 0x401000 } }, "link@ffffea0000004d48" },
	{ "nr_partial off by one", { { 0x121088, 8, 3 } }, "list-count@*" },
	{ "nr_slabs off by one", { { 0x1210a0, 8, 7 } }, "total-slabs@*" },
	{ "total_objects off by one", { { 0x1210a8, 8, 0x181 } }, "total-objects@*" },
	{ "a slab of a cache that is none", { { PAGE_PA(0x130) + CACHE, 8, LINEAR(0x121000) } },
	  "unlisted-cache@130 total-slabs@* total-objects@*" },
	{ "a slab on the list of another cache", { { PAGE_PA(0x131) + CACHE, 8, LINEAR(0x120240) } },
	  "other-cache@131 geometry@131 free-outside@* total-slabs@* total-objects@* total-slabs@* total-objects@*" },
	{ "a slab on its list that is none", { { PAGE_PA(0x131), 8, 1ull << 63 } },
	  "foreign@131 total-slabs@* total-objects@*" },
	{ "a CPU's slab that is none", { { PAGE_PA(0x139), 8, 1ull << 63 } },
	  "foreign@139 total-slabs@* total-objects@*" },
	{ "a CPU has a slab of another cache", { { 0x61870, 8, PAGE(0x130) } },
	  "other-cache@130 frozen@139" },
	{ "two CPUs have a slab", { { 0x61850, 8, PAGE(0x132) } }, "two-lists@132" },
	{ "a chain comes back", { { PAGE_PA(0x134) + NEXT, 8, PAGE(0x133) } }, "list-broken@133" },
	{ "a chain leads nowhere", { { PAGE_PA(0x134) + NEXT, 8, 0x401000 } }, "foreign@401000" },
	{ "a CPU's free list leads nowhere", { { 0x60840, 8, LINEAR(0x132801) } }, "free-outside@ffff888000132801" },
	{ "a CPU holds what is free in its slab", { { 0x60840, 8, LINEAR(0x132400) } },
	  "held-twice@ffff888000132400 held-twice@ffff888000132440" },
	{ "a page of the slab is none", { { PAGE_PA(0x151) + 8, 8, 0 } }, "page@151" },
	{ "a page of the slab is another's", { { PAGE_PA(0x153) + 8, 8, PAGE(0x150) + 1 } }, "page@153" },
	{ "a slab that is on the list of used pages", { { PAGE_PA(0x130), 8, 1ull << 63 | 0x210 } }, "page-flags@130" },
	{ "no cache: its size", { { 0x120198, 4, 0x41 } }, "bad-cache@ffff888000120180" },
	{ "no cache: where links are", { { 0x1201a8, 4, 0x3a } }, "bad-cache@ffff888000120180" },
	{ "a node's structure is nowhere", { { 0x120210, 8, 0x401000 } },
	  "node-unreadable@401000 stray@131 stray@135" },
	{ "a CPU's structure is nowhere", { { 0x120180, 8, 0x7770000000 } },
	  "cpu-unreadable@* cpu-unreadable@* stray@132 frozen@132 stray@133 frozen@133 stray@134 frozen@134" },
	{ "the list of caches leads nowhere", { { 0x1201e8, 8, 0x401000 } }, "cache-list@401000" },
	{ "the number that links are mixed with", { { 0x1201f8, 8, 0x1234 } }, "secret@ffff888000120180" },
	{ "left of an object in use", { { 0x140088, 1, 0 } }, "red-zone@ffff888000140088" },
	{ "right of an object in use, by some bytes", { { 0x140030, 4, 0x41414141 } }, "red-zone@ffff888000140030" },
	{ "right of a free object", { { 0x1401cf, 1, 0xcc } }, "red-zone@ffff8880001401cf" },
	{ "a free object was written to", { { 0x1401b0, 8, 0xdead } }, "poison@ffff8880001401b0" },
	{ "the end of a free object", { { 0x1401c7, 1, 0x6b } }, "poison@ffff8880001401c7" },
	{ "padding of an object", { { 0x140084, 2, 0 } }, "padding@ffff888000140084" },
	{ "padding of the slab", { { 0x140fff, 1, 0 } }, "padding@ffff888000140fff" },
	{ "the link of an object in use", { { 0x140038, 8, 1 } }, "free-pointer@ffff888000140038" },
};

static const struct fault sheaves_faults[] = {
	{ "none", { { 0 } }, "" },
	{ "a sheaf of more than it has room for", { { 0x253118, 4, 9 } },
	  "sheaf-size@ffffffff81053100" },
	{ "an empty sheaf among full ones", { { 0x253618, 4, 0 } }, "sheaf-size@ffffffff81053600" },
	{ "a full sheaf among empty ones", { { 0x253698, 4, 8 } }, "sheaf-size@ffffffff81053680" },
	{ "a sheaf of another cache", { { 0x253110, 8, LINEAR(0x120240) } }, "sheaf-cache@ffffffff81053100" },
	{ "an object of another cache", { { 0x253128, 8, LINEAR(0x138000) } }, "held-foreign@ffff888000138000" },
	{ "the middle of an object", { { 0x253128, 8, LINEAR(0x130090) } }, "held-foreign@ffff888000130090" },
	{ "no object at all", { { 0x253128, 8, 0x401000 } }, "held-foreign@401000" },
	{ "the same object twice", { { 0x253128, 8, LINEAR(0x130040) } }, "held-twice@ffff888000130040" },
	{ "an object that is free", { { 0x253128, 8, LINEAR(0x131140) } }, "held-twice@ffff888000131140" },
	{ "a barn's counter", { { 0x253828, 4, 2 } }, "list-count@*" },
	{ "a barn's other counter", { { 0x25382c, 4, 0 } }, "list-count@*" },
	{ "a barn's list leads nowhere", { { 0x253600, 8, 0x401000 } }, "list-broken@401000" },
	{ "a sheaf is nowhere", { { 0x60848, 8, 0x401000 } }, "cpu-unreadable@401000" },
	{ "frozen, where nothing ever is", { { PAGE_PA(0x131) + COUNTERS, 4, COUNT(0x3d, 0x40, 1) } }, "frozen@131" },
	{ "on the list without the mark", { { PAGE_PA(0x131), 8, 1ull << 63 } }, "partial-mark@131" },
	{ "the mark without the list", { { PAGE_PA(0x130), 8, 1ull << 63 | 0x200 } }, "partial-mark@130" },
	{ "all in use and on the list",
	  { { PAGE_PA(0x131) + FREELIST, 8, 0 }, { PAGE_PA(0x131) + COUNTERS, 4, COUNT(0x40, 0x40, 0) } },
	  "full-listed@131" },
	{ "links that lead out", { { 0x131160, 8, LINEAR(0x130000) } }, "free-outside@ffff888000130000" },
};

static void plant(const struct fault *f, uint8_t *memory)
{
	for (size_t i = 0; i < PATCHES_MAX && f->patch[i].size; i++)
		put_uint(memory + f->patch[i].pa, f->patch[i].value, f->patch[i].size, false);
}

/* Words and addresses, struct pages by their frames; `*` in what is wanted is any address. */
static bool matches(const struct mmw_slab_problems *p, const char *want)
{
	for (size_t i = 0; i < p->n; i++) {
		char text[96];
		const char *end = want + strcspn(want, " ");
		uint64_t at = p->problem[i].addr, page = at - PAGE(0);
		size_t len;
		int n = snprintf(text, sizeof(text), "%s@", mmw_slab_problem_name(p->problem[i].kind));

		if (strncmp(text, want, (size_t)n))
			return false;
		at = page < 0x10000 && !(page % 0x40) ? page / 0x40 : at;
		len = (size_t)snprintf(text, sizeof(text), "%llx", (unsigned long long)at);
		if (want[n] != '*' && (len != (size_t)(end - want - n) || strncmp(text, want + n, len)))
			return false;
		want = *end ? end + 1 : end;
	}
	return !*want && !p->more;
}

static bool check_fault(const struct blob *clean, const struct fault *f, unsigned threads)
{
	struct machine m;
	bool found;
	struct mmw_slab_check c;

	plant(f, memory_of(&m, clean));
	machine_open(&m, clean);
	assert_int_equal(mmw_slabs_check(m.k, threads, &c, NULL), 0);
	found = matches(&c.slabs.problems, f->found);
	if (!found) {
		print_error("%s: expected %s\n", f->name, f->found);
		for (size_t i = 0; i < c.slabs.problems.n; i++) {
			char text[512];

			mmw_slab_problem_text(&c.slabs.caches, &c.slabs.problems.problem[i], text, sizeof(text));
			print_error("  %s: %s\n", mmw_slab_problem_name(c.slabs.problems.problem[i].kind), text);
		}
	}
	mmw_slab_check_close(&c);
	machine_close(&m);
	return found;
}

static void test_faults(void **state)
{
	bool found = true;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(slub_faults); i++)
		found &= check_fault(&slub, &slub_faults[i], i % 2 ? 1 : 3);
	for (size_t i = 0; i < mmw_array_len(sheaves_faults); i++)
		found &= check_fault(&sheaves, &sheaves_faults[i], i % 2 ? 1 : 3);
	assert_true(found);
}

/* Every number can be lost, and is found; what the slabs then hold is what they held. */
static void test_secrets(void **state)
{
	static const uint32_t at[] = { 0x120078, 0x120138, 0x1201f8, 0x1202b8, 0x120378, 0x120438 };
	const struct mmw_slabs_opts opts = { .states = true, .threads = 1 };
	struct machine m;
	struct mmw_slabs s;
	struct watch w = { .s = &s, .want = slub_slabs, .n = mmw_array_len(slub_slabs) };
	uint8_t *memory = memory_of(&m, &slub);

	(void)state;
	for (size_t i = 0; i < mmw_array_len(at); i++)
		memory[at[i]] ^= 0x5a;
	machine_open(&m, &slub);
	assert_int_equal(mmw_slabs_open(m.k, MMW_SLABS_OBJECTS, &s, NULL), 0);
	assert_int_equal(mmw_slabs_pass(&s, &opts, see, &w, NULL), 0);
	assert_int_equal(w.seen, w.n);
	assert_int_equal(s.problems.n, mmw_array_len(at));
	for (size_t i = 0; i < s.caches.n; i++)
		assert_int_equal(s.caches.cache[i].recovered_random, strcmp(s.caches.cache[i].name, "unused-32") != 0);
	mmw_slabs_close(&s);
	machine_close(&m);
}

/* Every kind has a word of its own, and a sentence that may be cut off anywhere. */
static void test_words(void **state)
{
	const struct mmw_caches none = { 0 };

	(void)state;
	for (int i = 0; i < MMW_SLAB_PROBLEM_KINDS; i++) {
		const struct mmw_slab_problem p = { .kind = (enum mmw_slab_problem_kind)i, .cache = 0x1000,
						    .slab = 0x2000, .addr = 0x3000, .last = 0x3020,
						    .cpu = -1, .node = 1 };
		char text[256], small[16];

		assert_true(strlen(mmw_slab_problem_name(p.kind)) > 3);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(mmw_slab_problem_name((enum mmw_slab_problem_kind)j),
						mmw_slab_problem_name(p.kind));
		mmw_slab_problem_text(&none, &p, text, sizeof(text));
		assert_null(strchr(text, '%'));
		mmw_slab_problem_text(&none, &p, small, sizeof(small));
		assert_int_equal(strncmp(text, small, sizeof(small) - 1), 0);
	}
}

/* A broken cache leaves room for the others. */
static void test_room(void **state)
{
	struct mmw_slab_problems p = { 0 };

	(void)state;
	for (int i = 0; i < 5000; i++)
		mmw_slab_problem_add(&p, &(struct mmw_slab_problem){ .kind = MMW_SLAB_POISON, .cache = 1 });
	assert_int_equal(p.n, MMW_SLAB_PROBLEMS_CACHE);
	assert_int_equal(p.more, 5000 - MMW_SLAB_PROBLEMS_CACHE);
	mmw_slab_problem_add(&p, &(struct mmw_slab_problem){ .kind = MMW_SLAB_POISON, .cache = 2 });
	assert_int_equal(p.n, MMW_SLAB_PROBLEMS_CACHE + 1);
	free(p.problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slabs),
		cmocka_unit_test(test_kfence),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_caches),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests_name("slub", tests, make_images, drop_images);
}

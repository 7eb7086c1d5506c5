/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/mm/ledger.c and what it rests on, task.c and claims.c: fixtures/recipes/frames.recipe, where there is a frame of
 * every kind, as it is and with lists that loop, trees that lead into themselves, zones that overlap and struct pages
 * of noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/vec.h"
#include "lib/mm/ledger.h"
#include "lib/mm/task.h"
#include "tests/tools/machine.h"
#include "tests/tools/recipe.h"

enum { FRAMES = 0x400, RANGES_MAX = 4096, ROOT = 0x242000 };

/* The recipe's data at pa, as the kernel calls it. */
static uint64_t va_of(uint64_t pa)
{
	return pa - 0x200000 + 0xffffffff81000000;
}

struct books {
	struct machine m;
	struct mmw_ledger l;
	struct mmw_err err;
	struct mmw_ledger_range range[RANGES_MAX];
	size_t n;
};

static void load(struct phys *p)
{
	recipe_load(MMW_RECIPES "/frames.recipe", false, p);
}

static void open_books(struct books *b, struct phys *p)
{
	b->n = 0;
	machine_open(&b->m, p);
	if (mmw_ledger_open(b->m.k, &b->l, &b->err))
		fail_msg("%s", b->err.msg);
}

static int keep(void *ctx, const struct mmw_ledger_range *r, struct mmw_err *err)
{
	struct books *b = ctx;

	(void)err;
	assert_true(b->n < RANGES_MAX);
	b->range[b->n++] = *r;
	return 0;
}

static void look(struct books *b, unsigned threads)
{
	b->n = 0;
	b->l.damaged = 0;
	assert_int_equal(mmw_ledger_pass(&b->l, threads, keep, b, &b->err), 0);
}

static void close_books(struct books *b)
{
	mmw_ledger_close(&b->l);
	machine_fini(&b->m);
}

static const struct mmw_ledger_range *range_at(const struct books *b, uint64_t pfn)
{
	for (size_t i = 0; i < b->n; i++)
		if (pfn >= b->range[i].pfn && pfn - b->range[i].pfn < b->range[i].n)
			return &b->range[i];
	fail_msg("frame %llx is in no range", (unsigned long long)pfn);
	return NULL;
}

static void are(const struct books *b, uint64_t first, uint64_t n, enum mmw_class class, uint64_t detail)
{
	for (uint64_t pfn = first; pfn < first + n; pfn++) {
		const struct mmw_ledger_range *r = range_at(b, pfn);

		if (r->class != class || r->detail != detail)
			fail_msg("frame %llx is %s (%llx), not %s (%llx)", (unsigned long long)pfn,
				 mmw_class_name(r->class), (unsigned long long)r->detail, mmw_class_name(class),
				 (unsigned long long)detail);
	}
}

static const char *name_at(const struct books *b, uint64_t pfn)
{
	return b->l.claims.names[range_at(b, pfn)->detail];
}

/* --- every kind ------------------------------------------------------------------------------------------------- */

static void says_all(const struct books *b)
{
	are(b, 5, 1, MMW_CLASS_FREE, 0);
	are(b, 0x10, 8, MMW_CLASS_FREE, 3);
	are(b, 0x18, 0x48, MMW_CLASS_BOOT, 0);
	are(b, 0x60, 1, MMW_CLASS_PERCPU, 0);
	are(b, 0x100, 1, MMW_CLASS_PAGE_TABLE, 2);
	are(b, 0x102, 1, MMW_CLASS_PAGE_TABLE, 0);
	are(b, 0x110, 1, MMW_CLASS_ANON, MMW_ANON_PLAIN);
	are(b, 0x111, 1, MMW_CLASS_ANON, MMW_ANON_KSM);
	are(b, 0x112, 1, MMW_CLASS_ANON, MMW_ANON_SWAPCACHE);
	are(b, 0x113, 1, MMW_CLASS_FILE, 0);
	are(b, 0x114, 1, MMW_CLASS_SHMEM, 0);
	are(b, 0x115, 1, MMW_CLASS_FILE, 0);
	are(b, 0x116, 1, MMW_CLASS_MOVABLE, 0);
	are(b, 0x117, 1, MMW_CLASS_ANON, MMW_ANON_PLAIN);
	are(b, 0x118, 1, MMW_CLASS_HWPOISON, 0);
	are(b, 0x119, 1, MMW_CLASS_OFFLINE, MMW_OFFLINE_PAGE);
	are(b, 0x11a, 1, MMW_CLASS_GUARD, 0);
	are(b, 0x11b, 1, MMW_CLASS_MOVABLE, 0);
	are(b, 0x11c, 1, MMW_CLASS_UNACCEPTED, 0);
	are(b, 0x11d, 1, MMW_CLASS_LARGE_KMALLOC, 0);
	are(b, 0x11e, 1, MMW_CLASS_PAGE_TABLE, MMW_TABLE_UNKNOWN);
	are(b, 0x11f, 1, MMW_CLASS_UNEXPLAINED, 0);
	are(b, 0x120, 8, MMW_CLASS_SLAB, va_of(0x263400));
	are(b, 0x128, 1, MMW_CLASS_SLAB, va_of(0x263480));
	are(b, 0x130, 0x10, MMW_CLASS_ANON, MMW_ANON_THP);
	are(b, 0x140, 0x10, MMW_CLASS_UNEXPLAINED, 4);
	are(b, 0x150, 1, MMW_CLASS_PCP, 0);
	are(b, 0x151, 1, MMW_CLASS_ZERO, 0);
	are(b, 0x152, 6, MMW_CLASS_STACK, 0);
	are(b, 0x158, 1, MMW_CLASS_PERCPU, 0);
	are(b, 0x159, 1, MMW_CLASS_VMALLOC, 0);
	are(b, 0x15a, 2, MMW_CLASS_MODULE, 0);
	for (unsigned i = 0; i < 4; i++)
		are(b, 0x160 + i, 1, MMW_CLASS_PAGE_TABLE, (3 - i) | MMW_TABLE_USER);
	are(b, 0x180, 0x40, MMW_CLASS_HUGETLB, 6);
	are(b, 0x242, 1, MMW_CLASS_PAGE_TABLE, 3);
	are(b, 0x280, 0x10, MMW_CLASS_CRASH, 0);
	are(b, 0x290, 0x10, MMW_CLASS_BOOT, 0);
	are(b, 0x300, 0x10, MMW_CLASS_MEMMAP, 0);
	are(b, 0x3a0, 0x20, MMW_CLASS_FREE, 5);
	assert_int_equal(range_at(b, 0xa0)->class, MMW_CLASS_FIRMWARE);
	assert_string_equal(name_at(b, 0xa0), "Reserved");
	assert_string_equal(name_at(b, 0x2a0), "ACPI Tables");
	assert_int_equal(range_at(b, 0x200)->class, MMW_CLASS_IMAGE);
	assert_string_equal(name_at(b, 0x200), "kernel text");
	assert_string_equal(name_at(b, 0x27f), "kernel image");
}

static void test_classes(void **state)
{
	static struct books b;
	struct phys p;

	(void)state;
	load(&p);
	open_books(&b, &p);
	assert_true(b.l.has_pcp);
	assert_null(b.l.claims.no_tasks);
	assert_null(b.l.claims.no_percpu);
	assert_null(b.l.claims.no_resources);
	assert_int_equal(b.l.claims.address_spaces, 1);
	assert_int_equal(b.l.claims.lost, 0);
	for (unsigned threads = 1; threads <= 4; threads++) {
		look(&b, threads);
		says_all(&b);
		assert_int_equal(b.l.damaged, 3);
	}
	close_books(&b);
}

/* What of the kernel's image is no longer reserved is what it is used for now. */
static void test_freed_image(void **state)
{
	static struct books b;
	struct phys p;

	(void)state;
	load(&p);
	phys_put(&p, 0x300000 + 0x270 * 64, 1ull << 63, 8);
	phys_put(&p, 0x300000 + 0x271 * 64, 1ull << 63 | 0x20028, 8);
	phys_put(&p, 0x300018 + 0x271 * 64, 0xffff888000051001, 8);
	open_books(&b, &p);
	look(&b, 1);
	are(&b, 0x270, 1, MMW_CLASS_UNEXPLAINED, 0);
	are(&b, 0x271, 1, MMW_CLASS_ANON, MMW_ANON_PLAIN);
	assert_int_equal(range_at(&b, 0x272)->class, MMW_CLASS_IMAGE);
	close_books(&b);
}

/* A frame that vmalloc maps as well is what the more telling use says. */
static void test_overlap(void **state)
{
	static struct books b;
	struct phys p;

	(void)state;
	load(&p);
	phys_put(&p, 0x10a000 + 0x180 * 8, 0x8000000000152163, 8);
	open_books(&b, &p);
	look(&b, 1);
	are(&b, 0x152, 6, MMW_CLASS_STACK, 0);
	are(&b, 0x159, 1, MMW_CLASS_UNEXPLAINED, 0);
	close_books(&b);
}

/* --- tasks ------------------------------------------------------------------------------------------------------ */

static void tasks_are(struct phys *p, size_t n, uint64_t broken)
{
	struct machine m;
	struct mmw_tasks t;
	struct mmw_err err = { 0 };

	machine_open(&m, p);
	if (mmw_tasks_open(m.k, &t, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(t.n, n);
	assert_int_equal(t.broken, broken);
	assert_int_equal(t.task[0].va, va_of(0x260000));
	assert_string_equal(t.task[0].comm, "swapper");
	assert_int_equal(t.task[0].mm, 0);
	assert_int_equal(t.task[1].pid, 1);
	assert_string_equal(t.task[1].comm, "init");
	assert_int_equal(t.task[1].mm, va_of(0x261100));
	assert_int_equal(t.task[1].stack, 0xffffc90000010000);
	assert_int_equal(t.task[1].stack_area, va_of(0x261200));
	if (n > 2)
		assert_int_equal(t.task[2].tgid, t.task[2].va == va_of(0x260800) ? 1 : 0);
	mmw_tasks_close(&t);
	machine_fini(&m);
}

static void test_tasks(void **state)
{
	struct phys p;

	(void)state;
	load(&p);
	tasks_are(&p, 3, 0);
	/* The idle thread of a CPU is in no list. */
	load(&p);
	phys_put(&p, 0x60400, va_of(0x260c00), 8);
	tasks_are(&p, 4, 0);
	/* Threads that do not come back; that lead nowhere; processes that do not, that lead nowhere */
	load(&p);
	phys_put(&p, 0x260820, va_of(0x260820), 8);
	tasks_are(&p, 3, 1);
	load(&p);
	phys_put(&p, 0x260420, 0x1000, 8);
	tasks_are(&p, 2, 1);
	load(&p);
	phys_put(&p, 0x260410, va_of(0x260410), 8);
	tasks_are(&p, 3, 1);
	load(&p);
	phys_put(&p, 0x260410, 0, 8);
	tasks_are(&p, 3, 1);
}

static void test_no_tasks(void **state)
{
	struct machine m;
	struct mmw_tasks t;
	struct phys p;

	(void)state;
	recipe_load(MMW_RECIPES "/mm.recipe", false, &p);
	machine_open(&m, &p);
	assert_int_equal(mmw_tasks_open(m.k, &t, NULL), -MMW_E_NOSYM);
	mmw_tasks_close(&t);
	machine_fini(&m);
}

/* --- claims ----------------------------------------------------------------------------------------------------- */

static void check_list(const struct mmw_claim_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		assert_true(l->range[i].n > 0);
		assert_true(!i || l->range[i].pfn >= l->range[i - 1].pfn + l->range[i - 1].n);
	}
}

static void check_lists(const struct books *b)
{
	check_list(&b->l.claims.tables);
	check_list(&b->l.claims.mapped);
	check_list(&b->l.claims.image);
	check_list(&b->l.claims.resources);
}

/* Opening takes no longer than it has to. */
static void open_soon(struct books *b, struct phys *p)
{
	clock_t start;

	b->n = 0;
	machine_open(&b->m, p);
	start = clock();
	if (mmw_ledger_open(b->m.k, &b->l, &b->err))
		fail_msg("%s", b->err.msg);
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
	check_lists(b);
	look(b, 1);
}

static void test_chunks(void **state)
{
	static struct books b;
	struct phys p;

	(void)state;
	/* A list that does not come back, and a chunk that is all of the linear map */
	load(&p);
	phys_put(&p, 0x263100, va_of(0x263100), 8);
	open_soon(&b, &p);
	are(&b, 0x158, 1, MMW_CLASS_PERCPU, 0);
	close_books(&b);
	load(&p);
	phys_put(&p, 0x263110, 0xffff888000000000, 8);
	phys_put(&p, 0x263118, 0x4000, 4);
	open_soon(&b, &p);
	are(&b, 0x11f, 1, MMW_CLASS_PERCPU, 0);
	close_books(&b);
	/* Thousands, at every other place, each as long as can be */
	load(&p);
	for (uint64_t at = 0x263100, i = 0; i < 0x8000; i++, at = i == 1 ? 0x280000 : at + 16) {
		phys_put(&p, at,
			 i == 0x7fff ? va_of(0x263010)
			 : i	     ? 0xffff888000000000 + at + 16
				     : 0xffff888000280000,
			 8);
		phys_put(&p, at + 8, 0xffff888000000000 + at, 8);
		phys_put(&p, at + 16, 0xffff888000000000 + i * 0x4000000, 8);
	}
	open_soon(&b, &p);
	close_books(&b);
}

/* The kernel's tables lead into themselves, at every level. */
static void test_looping_tables(void **state)
{
	static struct books b;
	struct phys p;

	(void)state;
	load(&p);
	for (unsigned i = 300; i < 400; i++)
		phys_put(&p, ROOT + i * 8, ROOT | 0x63, 8);
	phys_put(&p, ROOT + 410 * 8, 0x103063, 8);
	phys_put(&p, 0x160000 + 8, 0x160067, 8);
	phys_put(&p, 0x161000 + 8, 0x160067, 8);
	open_soon(&b, &p);
	says_all(&b);
	close_books(&b);
}

static void put_resource(struct phys *p, uint64_t at, uint64_t first, uint64_t last, uint64_t sibling, uint64_t child)
{
	const uint64_t words[] = { first, last, va_of(0x262848), 0, 0, 0, sibling, child };

	for (size_t i = 0; i < mmw_array_len(words); i++)
		phys_put(p, at + i * 8, words[i], 8);
}

static void test_resources(void **state)
{
	static struct books b;
	struct phys p;

	(void)state;
	/* In a circle */
	load(&p);
	phys_put(&p, 0x2621c0 + 0x30, va_of(0x262100), 8);
	open_soon(&b, &p);
	says_all(&b);
	close_books(&b);
	/* Forty, each inside the one before it, then one that leads back to the first */
	load(&p);
	for (uint64_t i = 0; i < 40; i++)
		put_resource(&p, 0x268000 + i * 64, 0x330000 + i * 0x1000, 0x36ffff, 0,
			     va_of(i < 39 ? 0x268000 + (i + 1) * 64 : 0x268000));
	phys_put(&p, 0x262040 + 0x38, va_of(0x268000), 8);
	open_soon(&b, &p);
	close_books(&b);
	/* Thousands that overlap: half of them small and deep, half of them to the end */
	load(&p);
	for (uint64_t i = 0; i < 4000; i++) {
		uint64_t at = 0x280000 + i * 128, next = i < 3999 ? 0xffff888000000000 + at + 128 : 0;

		put_resource(&p, at, i << 12, 1ull << 40, next, 0xffff888000000000 + at + 64);
		put_resource(&p, at + 64, 2 * i << 12, (2 * i << 12) + 0xfff, 0, 0);
	}
	phys_put(&p, 0x262040 + 0x38, 0xffff888000280000, 8);
	open_soon(&b, &p);
	assert_true(b.l.claims.resources.n > 4000 && b.l.claims.resources.n < 20000);
	close_books(&b);
	/* At the end of all addresses */
	load(&p);
	put_resource(&p, 0x2621c0, UINT64_MAX - 5, UINT64_MAX - 1, 0, 0);
	open_soon(&b, &p);
	are(&b, 0x2a0, 1, MMW_CLASS_BOOT, 0);
	close_books(&b);
}

static void test_claim_of(void **state)
{
	struct mmw_claim_range range[64];
	struct mmw_claim_list l = { .range = range };
	uint64_t pfn = 0, x = 7;
	size_t at = 0;

	(void)state;
	for (; l.n < mmw_array_len(range); l.n++) {
		range[l.n] = (struct mmw_claim_range){ .pfn = pfn + l.n % 3, .n = 1 + l.n % 5 };
		pfn = range[l.n].pfn + range[l.n].n;
	}
	/* In order, then anywhere */
	for (uint64_t i = 0; i < 4 * pfn; i++) {
		uint64_t asked = i <= pfn ? i : (x = x * 6364136223846793005 + 1) >> 40;
		const struct mmw_claim_range *found, *want = NULL;

		asked = i <= pfn ? i : asked % (pfn + 8);
		for (size_t k = 0; k < l.n; k++)
			if (asked >= range[k].pfn && asked < range[k].pfn + range[k].n)
				want = &range[k];
		found = mmw_claim_of(&l, asked, &at);
		if (found != want)
			fail_msg("frame %llu: %p instead of %p", (unsigned long long)asked, (const void *)found,
				 (const void *)want);
	}
	l.n = 0;
	at = 0;
	assert_null(mmw_claim_of(&l, 5, &at));
}

/* --- every frame once ------------------------------------------------------------------------------------------- */

static bool spanned(const struct mmw_zones *z, uint64_t pfn)
{
	for (size_t i = 0; i < z->n; i++)
		if (pfn >= z->zone[i].start_pfn && pfn - z->zone[i].start_pfn < z->zone[i].spanned)
			return true;
	return false;
}

/* Ranges ascend, neighbours differ, and a frame is in a zone's exactly if a zone spans it. */
static void check_tiling(const struct books *b, uint64_t end)
{
	uint64_t next = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct mmw_ledger_range *r = &b->range[i], *before = i ? r - 1 : NULL;

		assert_true(r->n > 0);
		assert_true(r->pfn >= next);
		assert_true(r->class < MMW_CLASS_N);
		for (uint64_t pfn = next; pfn < r->pfn; pfn++)
			assert_false(spanned(&b->l.zones, pfn));
		if (before && before->pfn + before->n == r->pfn)
			assert_true(before->class != r->class || before->detail != r->detail ||
				    before->zone != r->zone || before->node != r->node);
		for (uint64_t pfn = r->pfn; pfn < r->pfn + r->n; pfn++)
			assert_int_equal(r->zone != MMW_NO_ZONE, spanned(&b->l.zones, pfn));
		next = r->pfn + r->n;
	}
	for (uint64_t pfn = next; pfn < end; pfn++)
		assert_false(spanned(&b->l.zones, pfn));
}

static uint64_t noise(uint64_t *x)
{
	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return *x * 0x2545f4914f6cdd1d;
}

/* Struct pages of noise, and some that are almost right. */
static void put_noise(struct phys *p, uint64_t seed)
{
	static const uint64_t types[] = { UINT32_MAX, 0, 0xf0000000, 0xf2000000, 0xf4000000, 0xf5000000, 0xf8000000 };
	uint64_t x = seed * 2 + 1;

	for (unsigned pfn = 0; pfn < FRAMES; pfn++) {
		uint64_t at = 0x300000 + pfn * 64;

		if (noise(&x) % 4)
			continue;
		phys_put(p, at, noise(&x), 8);
		phys_put(p, at + 8, noise(&x) % 2 ? noise(&x) : 0xffffea0000000001 + noise(&x) % FRAMES * 64, 8);
		phys_put(p, at + 0x18, noise(&x), 8);
		phys_put(p, at + 0x28, noise(&x) % 70, 8);
		phys_put(p, at + 0x30, types[noise(&x) % mmw_array_len(types)], 4);
		phys_put(p, at + 0x34, noise(&x) % 3, 4);
	}
}

static void test_tiling(void **state)
{
	static struct books b, other;

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct phys p;

		load(&p);
		put_noise(&p, seed);
		/* Zones that overlap, that leave a gap, that go on behind the memory */
		if (seed % 4 == 1)
			phys_put(&p, 0x251500, 0x80, 8);
		if (seed % 4 == 2)
			phys_put(&p, 0x251010, 0xc3, 8);
		if (seed % 4 == 3)
			phys_put(&p, 0x251510, 0x555, 8);
		open_books(&b, &p);
		look(&b, 1);
		check_tiling(&b, 0x800);
		memcpy(other.range, b.range, sizeof(b.range));
		other.n = b.n;
		look(&b, 3);
		assert_int_equal(b.n, other.n);
		assert_memory_equal(b.range, other.range, b.n * sizeof(b.range[0]));
		close_books(&b);
	}
}

static int enough(void *ctx, const struct mmw_ledger_range *r, struct mmw_err *err)
{
	(void)ctx;
	return r->pfn ? mmw_fail(err, MMW_E_LIMIT, 0, "enough") : 0;
}

static void test_gaps(void **state)
{
	static struct books b;
	struct phys p;

	(void)state;
	load(&p);
	phys_add(&p, 0x305000, 0x1000, PHYS_EXCLUDED);
	open_books(&b, &p);
	look(&b, 1);
	are(&b, 0x140, 0x40, MMW_CLASS_LOST, MMW_E_EXCLUDED);
	assert_int_equal(range_at(&b, 0x140)->zone, 1);
	check_tiling(&b, FRAMES);
	assert_int_equal(mmw_ledger_pass(&b.l, 1, enough, NULL, &b.err), -MMW_E_LIMIT);
	close_books(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),	       cmocka_unit_test(test_freed_image),
		cmocka_unit_test(test_overlap),	       cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_no_tasks),       cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_looping_tables), cmocka_unit_test(test_resources),
		cmocka_unit_test(test_claim_of),       cmocka_unit_test(test_tiling),
		cmocka_unit_test(test_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/reader.c: the table cache under eviction and failures, block caches, and readers in several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/bytes.h"
#include "lib/image/build.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

enum { PAGE = 4096, FRAMES = 20000, THREADS = 4 };

static uint32_t rnd(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)*seed * below >> 32);
}

/*
 * An image of FRAMES pages without bytes of its own: frame n is filled with n. Every 7th is excluded, every 11th is
 * absent. More tables than the cache holds, so old ones must go.
 */
static int fake_block(const struct mmw_image *img, void *priv, uint64_t block, void *buf, struct mmw_err *err)
{
	(void)img;
	(void)priv;
	if (block >= FRAMES || block % 11 == 0)
		return mmw_fail(err, MMW_E_NODATA, block * PAGE, "absent");
	if (block % 7 == 0)
		return mmw_fail(err, MMW_E_EXCLUDED, block * PAGE, "excluded");
	for (size_t i = 0; i < PAGE; i += 8)
		memcpy((uint8_t *)buf + i, &block, 8);
	return 0;
}

static int fake_next(const struct mmw_image *img, uint64_t from, struct mmw_extent *out)
{
	(void)img;
	if (from >= (uint64_t)FRAMES * PAGE)
		return 0;
	*out = (struct mmw_extent){ from, (uint64_t)FRAMES * PAGE - from, MMW_STORED };
	return 1;
}

static const struct mmw_format fake = { .name = "fake", .read_block = fake_block, .next_extent = fake_next };

static struct mmw_image *fake_image(void)
{
	struct mmw_image *img;
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory("x", 1, "fake", &f, NULL), 0);
	assert_int_equal(mmw_image_new(f, "fake", &img, NULL), 0);
	img->format = &fake;
	return img;
}

static int expected(uint64_t frame)
{
	return frame >= FRAMES || frame % 11 == 0 ? -MMW_E_NODATA : frame % 7 == 0 ? -MMW_E_EXCLUDED : 0;
}

static void check_table(struct mmw_reader *r, uint64_t frame)
{
	const uint8_t *t = NULL;
	int rc = mmw_read_table(r, frame * PAGE, PAGE, &t, NULL);

	assert_int_equal(rc, expected(frame));
	if (!rc) {
		uint64_t first, last;

		memcpy(&first, t, 8);
		memcpy(&last, t + PAGE - 8, 8);
		assert_int_equal(first, frame);
		assert_int_equal(last, frame);
	}
}

/* Random order, a quarter of it misses, twice as many tables as fit. */
static void tables_in_random_order(void **state)
{
	struct mmw_image *img = fake_image();
	struct mmw_reader *r;
	uint32_t seed = 7;

	(void)state;
	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	for (int i = 0; i < 100000; i++)
		check_table(r, rnd(&seed, FRAMES + 100));
	for (uint64_t frame = 0; frame < FRAMES; frame++)
		check_table(r, frame);
	assert_true(mmw_reader_evictions(r) > 0);
	mmw_reader_close(r);
	mmw_image_close(img);
}

/* A pointer stays good as long as nothing was evicted, whatever else is read. */
static void tables_stay_put(void **state)
{
	const uint8_t *kept[1000], *t;
	struct mmw_image *img = fake_image();
	struct mmw_reader *r;
	uint8_t buf[3 * PAGE];
	uint64_t before;

	(void)state;
	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	for (uint64_t i = 0; i < 1000; i++)
		if (mmw_read_table(r, i * PAGE, PAGE, &kept[i], NULL))
			kept[i] = NULL;
	before = mmw_reader_evictions(r);
	for (uint64_t i = 0; i < 5000; i++)
		mmw_read(r, i * PAGE + 100, buf, sizeof(buf), NULL);
	for (uint64_t i = 0; i < 1000; i++) {
		if (!kept[i])
			continue;
		assert_int_equal(mmw_read_table(r, i * PAGE, PAGE, &t, NULL), 0);
		assert_ptr_equal(t, kept[i]);
		assert_int_equal(mmw_get64(kept[i], __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__), i);
	}
	assert_int_equal(mmw_reader_evictions(r), before);
	mmw_reader_close(r);
	mmw_image_close(img);
}

/* Small tables, tables at odd places of a page, and a change to tables of 64 KiB. */
static void tables_of_all_sizes(void **state)
{
	struct mmw_image *img = fake_image();
	struct mmw_reader *r;
	const uint8_t *t;
	uint64_t evictions;

	(void)state;
	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	assert_int_equal(mmw_read_table(r, PAGE + 0x120, 32, &t, NULL), 0);
	assert_int_equal(t[0], 1);
	assert_int_equal(mmw_read_table(r, 2 * PAGE + 0x800, 16, &t, NULL), 0);
	assert_int_equal(t[0], 2);
	assert_int_equal(mmw_read_table(r, 2 * PAGE + 0x800, 32, &t, NULL), 0);
	evictions = mmw_reader_evictions(r);
	assert_int_equal(mmw_read_table(r, 16 * PAGE, 65536, &t, NULL), -MMW_E_EXCLUDED);
	assert_true(mmw_reader_evictions(r) > evictions);
	assert_int_equal(mmw_read_table(r, 56 * PAGE + PAGE, 4 * PAGE, &t, NULL), 0);
	assert_int_equal(t[3 * PAGE], 60);
	check_table(r, 1);
	mmw_reader_close(r);
	mmw_image_close(img);
}

/* --- several threads over one image --------------------------------------------------------------------------- */

struct shared {
	const struct mmw_image *img;
	const struct phys *p;
	int wrong;
};

static void *read_randomly(void *arg)
{
	struct shared *s = arg;
	struct mmw_reader *r;
	uint32_t seed = (uint32_t)(uintptr_t)&seed >> 4;
	uint8_t buf[PAGE];

	if (mmw_reader_open(s->img, &r, NULL)) {
		__atomic_store_n(&s->wrong, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	for (int i = 0; i < 3000; i++) {
		uint64_t pfn = rnd(&seed, 300);
		const struct phys_page *page = phys_find(s->p, pfn);
		int rc = mmw_read(r, pfn * PAGE, buf, sizeof(buf), NULL);
		int want = !page ? -MMW_E_NODATA : page->state == PHYS_EXCLUDED ? -MMW_E_EXCLUDED : 0;

		if (rc != want || (!rc && memcmp(buf, phys_page_bytes(page), sizeof(buf))))
			__atomic_store_n(&s->wrong, 1, __ATOMIC_RELAXED);
	}
	mmw_reader_close(r);
	return NULL;
}

static void threads_share_an_image(void **state)
{
	static const char *const names[] = { "elf",	     "kdump-zlib", "kdump-lzo",
					     "kdump-snappy", "kdump-zstd", "flat-kdump" };
	pthread_t threads[THREADS];
	struct phys p;

	(void)state;
	recipe_text("machine", "ram 0 80000\nrandom 0 20000 1\nu64 20000: 5*1000+3\nexcluded 90000 10000\n"
		    "ram a0000 40000\nrandom c0000 8000 9\n", false, &p);
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		struct blob b = { 0 };
		struct shared s = { .p = &p };
		struct mmw_image *img;
		struct mmw_file *f;

		wrap_format_by_name(names[n])->write(&p, &b);
		assert_int_equal(mmw_file_memory(b.bytes, b.len, "image", &f, NULL), 0);
		assert_int_equal(mmw_open_file(f, "image", NULL, &img, NULL), 0);
		s.img = img;
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, read_randomly, &s), 0);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		assert_false(s.wrong);
		mmw_image_close(img);
		blob_fini(&b);
	}
	phys_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_in_random_order), cmocka_unit_test(tables_stay_put),
		cmocka_unit_test(tables_of_all_sizes), cmocka_unit_test(threads_share_an_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

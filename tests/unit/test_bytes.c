/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/base: the checked cursor, errors, files in memory, growing arrays, and doing things in parallel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/file.h"
#include "lib/base/par.h"
#include "lib/base/vec.h"

static const uint8_t sample[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void reads_both_orders(void **state)
{
	(void)state;
	for (int be = 0; be < 2; be++) {
		struct mmw_bytes b = mmw_bytes_of(sample, sizeof(sample), be, "sample");
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;

		assert_int_equal(mmw_bytes_skip(&b, 1, NULL), 0);
		assert_int_equal(mmw_bytes_u8(&b, &u8, NULL), 0);
		assert_int_equal(u8, 1);
		assert_int_equal(mmw_bytes_u16(&b, &u16, NULL), 0);
		assert_int_equal(u16, be ? 0x0203 : 0x0302);
		assert_int_equal(mmw_bytes_u32(&b, &u32, NULL), 0);
		assert_int_equal(u32, be ? 0x04050607 : 0x07060504);
		assert_int_equal(mmw_bytes_u64(&b, &u64, NULL), 0);
		assert_int_equal(u64, be ? 0x08090a0b0c0d0e0fu : 0x0f0e0d0c0b0a0908u);
		assert_int_equal(mmw_bytes_left(&b), 0);
	}
}

static void words_are_widened(void **state)
{
	struct mmw_bytes b = mmw_bytes_of(sample, sizeof(sample), true, "sample");
	uint64_t v = UINT64_MAX;

	(void)state;
	assert_int_equal(mmw_bytes_word(&b, 4, &v, NULL), 0);
	assert_int_equal(v, 0x00010203);
	assert_int_equal(mmw_bytes_word(&b, 8, &v, NULL), 0);
	assert_int_equal(v, 0x0405060708090a0bu);
	assert_int_equal(mmw_get_word(sample + 5, 1, true), 5);
	assert_int_equal(mmw_get_word(sample + 5, 2, true), 0x0506);
	assert_int_equal(mmw_get_word(sample + 5, 4, false), 0x08070605);
	assert_int_equal(mmw_get_word(sample + 5, 8, true), 0x05060708090a0b0cu);
}

/* Reading past the end fails, says where, and leaves the cursor alone. */
static void past_the_end(void **state)
{
	struct mmw_bytes b = mmw_bytes_of(sample, 9, false, "sample");
	const uint8_t *p = NULL;
	struct mmw_err err;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;

	(void)state;
	assert_int_equal(mmw_bytes_seek(&b, 6, NULL), 0);
	assert_int_equal(mmw_bytes_u32(&b, &u32, &err), -MMW_E_CORRUPT);
	assert_int_equal(err.addr, 6);
	assert_non_null(strstr(err.msg, "sample"));
	assert_int_equal(mmw_bytes_u64(&b, &u64, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_bytes_take(&b, 4, &p, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_bytes_take(&b, UINT64_MAX, &p, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_bytes_skip(&b, UINT64_MAX - 2, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_bytes_seek(&b, 10, NULL), -MMW_E_CORRUPT);
	assert_int_equal(b.pos, 6);
	assert_null(p);
	assert_int_equal(mmw_bytes_take(&b, 3, &p, NULL), 0);
	assert_ptr_equal(p, sample + 6);
	assert_int_equal(mmw_bytes_u8(&b, &u8, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_bytes_u16(&b, &u16, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_bytes_take(&b, 0, &p, NULL), 0);
}

static void sub_cursors(void **state)
{
	struct mmw_bytes b = mmw_bytes_of(sample, sizeof(sample), false, "sample"), s;
	uint8_t u8;

	(void)state;
	assert_int_equal(mmw_bytes_sub(&b, 4, 3, &s, NULL), 0);
	assert_int_equal(mmw_bytes_left(&s), 3);
	assert_int_equal(mmw_bytes_u8(&s, &u8, NULL), 0);
	assert_int_equal(u8, 4);
	assert_int_equal(b.pos, 0);
	assert_int_equal(mmw_bytes_sub(&b, 16, 0, &s, NULL), 0);
	assert_int_equal(mmw_bytes_sub(&b, 16, 1, &s, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_bytes_sub(&b, 17, 0, &s, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_bytes_sub(&b, UINT64_MAX, 2, &s, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_bytes_sub(&b, 2, UINT64_MAX, &s, NULL), -MMW_E_CORRUPT);
}

static void fits_never_wraps(void **state)
{
	(void)state;
	assert_true(mmw_fits(0, 0, 0));
	assert_true(mmw_fits(1, 2, 3));
	assert_false(mmw_fits(2, 2, 3));
	assert_false(mmw_fits(UINT64_MAX, 1, UINT64_MAX));
	assert_false(mmw_fits(UINT64_MAX, UINT64_MAX, UINT64_MAX - 1));
	assert_true(mmw_fits(UINT64_MAX, 0, UINT64_MAX));
}

static void errors_carry_words(void **state)
{
	struct mmw_err err;
	int rc = mmw_fail(&err, MMW_E_NODATA, 0x1000, "page %d", 7);

	(void)state;
	assert_int_equal(rc, -MMW_E_NODATA);
	assert_int_equal(err.code, MMW_E_NODATA);
	assert_int_equal(err.addr, 0x1000);
	assert_string_equal(err.msg, "page 7");
	assert_int_equal(mmw_wrap(&err, rc, "table %d", 3), rc);
	assert_string_equal(err.msg, "table 3: page 7");
	assert_int_equal(mmw_wrap(&err, 0, "nothing"), 0);
	assert_string_equal(err.msg, "table 3: page 7");
	assert_int_equal(mmw_wrap(NULL, rc, "nobody listens"), rc);
	assert_int_equal(mmw_fail(NULL, MMW_E_LIMIT, 0, "nobody listens"), -MMW_E_LIMIT);
	errno = ENOENT;
	assert_int_equal(mmw_fail_sys(&err, "it"), -MMW_E_SYS);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_string_equal(err.msg, "it: No such file or directory");
}

/* Messages that do not fit are cut, and stay strings. */
static void long_messages(void **state)
{
	struct mmw_err err;
	char text[1000];
	int rc;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	rc = mmw_fail(&err, MMW_E_CORRUPT, 0, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	for (int i = 0; i < 10; i++)
		mmw_wrap(&err, rc, "%d%s", i, text + 900);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_int_equal(err.msg[0], '9');
	mmw_wrap(&err, rc, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	errno = EIO;
	mmw_fail_sys(&err, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void every_code_has_a_word(void **state)
{
	(void)state;
	for (int code = 0; code <= MMW_E_LIMIT; code++) {
		assert_string_not_equal(mmw_code_word(code), "unknown");
		assert_ptr_equal(mmw_code_word(code), mmw_code_word(-code));
		for (int other = 0; other < code; other++)
			assert_string_not_equal(mmw_code_word(code), mmw_code_word(other));
	}
	assert_string_equal(mmw_code_word(MMW_E_LIMIT + 1), "unknown");
	assert_string_equal(mmw_code_word(-1000), "unknown");
}

static void memory_files(void **state)
{
	struct mmw_file *f;
	struct mmw_err err;
	uint8_t buf[16];

	(void)state;
	assert_int_equal(mmw_file_memory(sample, sizeof(sample), "mem", &f, &err), 0);
	assert_int_equal(mmw_file_read(f, 3, buf, 4, &err), 0);
	assert_memory_equal(buf, sample + 3, 4);
	assert_int_equal(mmw_file_read(f, 16, buf, 0, &err), 0);
	assert_int_equal(mmw_file_read(f, 13, buf, 4, &err), -MMW_E_CORRUPT);
	assert_int_equal(mmw_file_read(f, UINT64_MAX, buf, 2, &err), -MMW_E_CORRUPT);
	mmw_file_close(f);
	mmw_file_close(NULL);
}

/* A file that shrinks while it is read is an error, not a crash. */
static void shrinking_file(void **state)
{
	char path[] = "shrinking.XXXXXX";
	int fd = mkstemp(path);
	struct mmw_file *f;
	struct mmw_err err;
	uint8_t buf[16];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(mmw_file_open(path, &f, &err), -MMW_E_CORRUPT);
	assert_non_null(strstr(err.msg, "is empty"));
	assert_int_equal(write(fd, sample, sizeof(sample)), sizeof(sample));
	assert_int_equal(mmw_file_open(path, &f, &err), 0);
	assert_int_equal(f->size, sizeof(sample));
	assert_int_equal(mmw_file_read(f, 8, buf, 8, &err), 0);
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_int_equal(mmw_file_read(f, 8, buf, 8, &err), -MMW_E_CORRUPT);
	assert_int_equal(err.addr, 10);
	mmw_file_close(f);
	close(fd);
	unlink(path);
}

static void refused_files(void **state)
{
	struct mmw_file *f;
	struct mmw_err err;

	(void)state;
	assert_int_equal(mmw_file_open("no/such/file", &f, &err), -MMW_E_SYS);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_int_equal(mmw_file_open(".", &f, &err), -MMW_E_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "directory"));
	assert_int_equal(mmw_file_open("/dev/null", &f, &err), -MMW_E_UNSUPPORTED);
}

static void arrays_grow(void **state)
{
	uint32_t *items = NULL;
	size_t cap = 0;
	struct mmw_err err;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(mmw_vec_reserve(&items, &cap, i + 1, sizeof(*items), &err), 0);
		assert_true(cap > i);
		items[i] = (uint32_t)i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	assert_int_equal(mmw_vec_reserve(&items, &cap, SIZE_MAX, sizeof(*items), &err), -MMW_E_NOMEM);
	assert_int_equal(mmw_vec_reserve(&items, &cap, SIZE_MAX / 4 + 2, sizeof(*items), &err), -MMW_E_NOMEM);
	assert_int_equal(items[999], 999);
	free(items);
}

enum { ITEMS = 5000, THREADS = 4 };

struct job {
	_Atomic uint32_t seen[ITEMS];
	_Atomic unsigned workers;
	uint64_t stop_at;
};

static int note_item(void *ctx, unsigned worker, uint64_t item)
{
	struct job *j = ctx;

	atomic_fetch_add(&j->seen[item], 1);
	atomic_fetch_or(&j->workers, 1u << worker);
	return item == j->stop_at ? -MMW_E_CORRUPT : 0;
}

static void each_item_once(void **state)
{
	struct job *j = calloc(1, sizeof(*j));
	struct mmw_err err = { 0 };

	(void)state;
	for (unsigned threads = 1; threads <= THREADS; threads++) {
		memset(j, 0, sizeof(*j));
		j->stop_at = ITEMS;
		assert_int_equal(mmw_parallel(threads, ITEMS, note_item, j, &err), 0);
		for (size_t i = 0; i < ITEMS; i++)
			assert_int_equal(j->seen[i], 1);
		assert_int_equal(j->workers >> threads, 0);
	}
	memset(j, 0, sizeof(*j));
	j->stop_at = 10;
	assert_int_equal(mmw_parallel(1, ITEMS, note_item, j, &err), -MMW_E_CORRUPT);
	assert_int_equal(err.code, MMW_E_CORRUPT);
	assert_int_equal(j->seen[10], 1);
	assert_int_equal(j->seen[11], 0);
	assert_int_equal(mmw_parallel(0, 0, note_item, j, &err), 0);
	assert_true(mmw_parallel_workers(0) >= 1);
	assert_true(mmw_parallel_workers(100000) <= 100000);
	free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_orders), cmocka_unit_test(words_are_widened),
		cmocka_unit_test(past_the_end), cmocka_unit_test(sub_cursors),
		cmocka_unit_test(fits_never_wraps), cmocka_unit_test(errors_carry_words),
		cmocka_unit_test(long_messages), cmocka_unit_test(every_code_has_a_word),
		cmocka_unit_test(memory_files), cmocka_unit_test(shrinking_file),
		cmocka_unit_test(refused_files), cmocka_unit_test(arrays_grow),
		cmocka_unit_test(each_item_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

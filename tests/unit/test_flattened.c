/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * formats/flattened.c: streams in any order, with overlaps, gaps, lost ends and hostile numbers, against a plain array
 * that the same records were written to.
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
#include "lib/image/build.h"
#include "tests/unit/kdump_build.h"

enum { BLOCK = 4096, MODEL = 1 << 18 };

extern const struct mmw_format mmw_format_flattened;

/* The file inside `stream`, or the code that says why not. */
static int unwrap(const struct kd_stream *stream, struct mmw_file **inner, struct mmw_err *err)
{
	struct mmw_file *outer;
	int rc;

	assert_int_equal(mmw_file_memory(stream->bytes, stream->len, "test", &outer, err), 0);
	rc = mmw_format_flattened.unwrap(outer, NULL, inner, err);
	if (rc)
		mmw_file_close(outer);
	return rc;
}

static uint64_t next_random(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return *x >> 33;
}

static void check_reads(struct mmw_file *f, const uint8_t *want, size_t len)
{
	uint8_t *buf = malloc(len);
	uint64_t x = len;

	assert_non_null(buf);
	assert_int_equal(f->size, len);
	assert_int_equal(mmw_file_read(f, 0, buf, len, NULL), 0);
	assert_memory_equal(buf, want, len);
	for (int i = 0; i < 2000; i++) {
		size_t off = next_random(&x) % len, n = next_random(&x) % (i % 2 ? 40 : 9000) + 1;

		if (n > len - off)
			n = len - off;
		assert_int_equal(mmw_file_read(f, off, buf, n, NULL), 0);
		assert_memory_equal(buf, want + off, n);
	}
	assert_int_equal(mmw_file_read(f, len, buf, 1, NULL), -MMW_E_CORRUPT);
	free(buf);
}

static void orders_and_sizes(void **state)
{
	static const size_t sizes[] = { 1, 7, 512, 4095, 4096, 16384, 65536, MODEL };
	uint8_t *bytes = malloc(MODEL);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < 3 * mmw_array_len(sizes); i++) {
		size_t len = i / 3 < 2 ? 20000 : MODEL - i;
		struct kd_stream s;
		struct mmw_file *f;

		kd_fill(bytes, MODEL, 7 * i);
		assert_int_equal(kd_flatten(bytes, len, sizes[i / 3], i % 3, &s), 0);
		assert_int_equal(unwrap(&s, &f, NULL), 0);
		check_reads(f, bytes, len);
		mmw_file_close(f);
		kd_stream_free(&s);
	}
	free(bytes);
}

/* Random records over one another, some of them continuing the last: the later one wins, what none names is zero. */
static void overlaps_and_gaps(void **state)
{
	uint8_t *want = malloc(MODEL), *data = malloc(MODEL);

	(void)state;
	assert_true(want && data);
	for (uint64_t seed = 1; seed < 200; seed++) {
		size_t limit = seed % 3 ? 3000 : MODEL, end = 0, at = 0, n = 0;
		uint64_t x = seed;
		struct kd_stream s;
		struct mmw_file *f;

		memset(want, 0, MODEL);
		assert_int_equal(kd_stream_begin(&s), 0);
		for (int i = 0; i < 60; i++) {
			bool onward = i && at + 2 * n <= limit && next_random(&x) % 2;

			at = onward ? at + n : next_random(&x) % (limit - 1);
			n = onward ? n : next_random(&x) % (limit - at < 600 ? limit - at : 600) + 1;
			kd_fill(data, MODEL, seed * 100 + i);
			memcpy(want + at, data, n);
			end = at + n > end ? at + n : end;
			assert_int_equal(kd_stream_record(&s, at, data, n), 0);
		}
		assert_int_equal(kd_stream_end(&s), 0);
		assert_int_equal(unwrap(&s, &f, NULL), 0);
		check_reads(f, want, end);
		mmw_file_close(f);
		kd_stream_free(&s);
	}
	free(want);
	free(data);
}

/* Without its end mark a stream keeps what it has; what it lacks is missing, not zero. */
static void lost_end(void **state)
{
	static uint8_t bytes[200000], buf[200000];
	struct mmw_err err = { 0 };
	struct kd_stream s;
	struct mmw_file *f;

	(void)state;
	kd_fill(bytes, sizeof(bytes), 7);
	assert_int_equal(kd_stream_begin(&s), 0);
	assert_int_equal(kd_stream_record(&s, 0, bytes, 400), 0);
	assert_int_equal(kd_stream_record(&s, 4096, bytes + 4096, 90000), 0);
	assert_int_equal(kd_stream_record(&s, 150000, bytes + 150000, 1000), 0);
	assert_int_equal(unwrap(&s, &f, NULL), 0);
	assert_int_equal(f->size, 151000);
	assert_int_equal(mmw_file_read(f, 0, buf, 65536, NULL), 0);  /* what a probe reads */
	assert_memory_equal(buf + 4096, bytes + 4096, 65536 - 4096);
	assert_int_equal(mmw_file_read(f, 60000, buf, 34096, NULL), 0);
	assert_int_equal(mmw_file_read(f, 60000, buf, 34097, &err), -MMW_E_TRUNCATED);
	assert_non_null(strstr(err.msg, "truncated"));
	assert_int_equal(mmw_file_read(f, 100000, buf, 1, NULL), -MMW_E_TRUNCATED);
	assert_int_equal(mmw_file_read(f, 149999, buf, 2, NULL), -MMW_E_TRUNCATED);
	assert_int_equal(mmw_file_read(f, 150000, buf, 1000, NULL), 0);
	assert_int_equal(mmw_file_read(f, 151000, buf, 1, NULL), -MMW_E_CORRUPT);
	mmw_file_close(f);

	s.len -= 400;  /* inside the last record */
	assert_int_equal(unwrap(&s, &f, NULL), 0);
	assert_int_equal(f->size, 150600);
	assert_int_equal(mmw_file_read(f, 150000, buf, 600, NULL), 0);
	assert_memory_equal(buf, bytes + 150000, 600);
	mmw_file_close(f);

	kd_stream_free(&s);
}

static void zero_tail(void **state)
{
	static const uint8_t zeros[4096];
	struct kd_stream s;
	struct mmw_file *f;

	(void)state;
	assert_int_equal(kd_stream_begin(&s), 0);
	assert_int_equal(kd_stream_record(&s, 0, "start", 5), 0);
	assert_int_equal(kd_stream_record(&s, 100000, "end", 3), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(kd_stream_record(&s, 0, NULL, 0), 0);
	assert_int_equal(unwrap(&s, &f, NULL), 0);
	assert_int_equal(f->size, 100003);
	assert_int_equal(mmw_file_read(f, 90000, (uint8_t[1]){ 0 }, 1, NULL), -MMW_E_TRUNCATED);
	mmw_file_close(f);
	kd_stream_free(&s);

	assert_int_equal(kd_stream_begin(&s), 0);
	assert_int_equal(kd_stream_record(&s, 4096, zeros, sizeof(zeros)), 0);
	assert_int_equal(unwrap(&s, &f, NULL), -MMW_E_CORRUPT);  /* the start never came */
	kd_stream_free(&s);
}

static void bad_streams(void **state)
{
	static const struct { uint64_t inner, size; } bad[] = {
		{ 1, 0 }, { 0, UINT64_MAX }, { UINT64_MAX, 5 }, { 1ull << 63, 1 }, { 0, 1ull << 63 }, { INT64_MAX, 1 },
		{ 1, INT64_MAX }, { UINT64_MAX - 1, UINT64_MAX }, { UINT64_MAX, 0 },
	};
	struct mmw_err err = { 0 };
	struct kd_stream s;
	struct mmw_file *f;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(bad); i++) {
		assert_int_equal(kd_stream_begin(&s), 0);
		assert_int_equal(kd_stream_record(&s, 0, "start", 5), 0);
		assert_int_equal(kd_stream_record(&s, bad[i].inner, NULL, 0), 0);
		for (int b = 0; b < 8; b++)
			s.bytes[s.len - 1 - b] = bad[i].size >> 8 * b;
		assert_int_equal(unwrap(&s, &f, &err), -MMW_E_CORRUPT);
		assert_true(err.msg[0]);
		kd_stream_free(&s);
	}
	assert_int_equal(kd_stream_begin(&s), 0);
	assert_int_equal(unwrap(&s, &f, NULL), -MMW_E_CORRUPT);  /* nothing in it */
	assert_int_equal(kd_stream_end(&s), 0);
	assert_int_equal(unwrap(&s, &f, NULL), -MMW_E_CORRUPT);
	s.bytes[23] = 2;
	assert_int_equal(unwrap(&s, &f, &err), -MMW_E_UNSUPPORTED);
	s.bytes[0] = 'M';
	assert_int_equal(unwrap(&s, &f, &err), -MMW_E_CORRUPT);
	kd_stream_free(&s);
}

/* A record at the far end of the address space: its size is only claimed, nothing may be allocated by it. */
static void far_record(void **state)
{
	uint8_t buf[8192];
	struct kd_stream s;
	struct mmw_file *f;

	(void)state;
	assert_int_equal(kd_stream_begin(&s), 0);
	assert_int_equal(kd_stream_record(&s, 0, "start", 5), 0);
	assert_int_equal(kd_stream_record(&s, INT64_MAX - 4, "end.", 4), 0);
	assert_int_equal(kd_stream_end(&s), 0);
	assert_int_equal(unwrap(&s, &f, NULL), 0);
	assert_int_equal(f->size, INT64_MAX);
	assert_int_equal(mmw_file_read(f, INT64_MAX - sizeof(buf), buf, sizeof(buf), NULL), 0);
	assert_memory_equal(buf + sizeof(buf) - 5, "\0end.", 5);
	assert_int_equal(mmw_file_read(f, 1ull << 60, buf, sizeof(buf), NULL), 0);
	mmw_file_close(f);
	kd_stream_free(&s);
}

/* --- a record larger than the index's 32 bits, in a file that exists only as arithmetic ------------------------- */

static const uint64_t huge = 10ull << 30;

static uint8_t huge_byte(uint64_t inner)
{
	return inner * 0x9e3779b97f4a7c15u >> 56;
}

static int huge_read(struct mmw_file *f, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	uint8_t *to = buf, head[4096 + 16] = "makedumpfile";

	(void)f;
	(void)err;
	head[23] = head[31] = 1;
	for (int b = 0; b < 8; b++)
		head[4096 + 15 - b] = huge >> 8 * b;
	for (size_t i = 0; i < len; i++) {
		uint64_t at = off + i;

		to[i] = at < sizeof(head) ? head[at] : at - sizeof(head) < huge ? huge_byte(at - sizeof(head)) : 0xff;
	}
	return 0;
}

static void huge_close(struct mmw_file *f)
{
	(void)f;
}

static void huge_record(void **state)
{
	const uint64_t size = 4096 + 16 + huge + 16;
	struct mmw_file outer = { .size = size, .name = "huge", .read = huge_read, .close = huge_close };
	struct mmw_file *f;
	uint8_t buf[64];

	(void)state;
	assert_int_equal(mmw_format_flattened.unwrap(&outer, NULL, &f, NULL), 0);
	assert_int_equal(f->size, huge);
	for (uint64_t off = 0; off + 64 <= huge; off += (1ull << 30) - 7) {
		assert_int_equal(mmw_file_read(f, off, buf, 64, NULL), 0);
		for (int i = 0; i < 64; i++)
			assert_int_equal(buf[i], huge_byte(off + i));
	}
	for (uint64_t off = UINT32_MAX - 40ull; off < huge; off += UINT32_MAX) {
		assert_int_equal(mmw_file_read(f, off, buf, 64, NULL), 0);
		for (int i = 0; i < 64; i++)
			assert_int_equal(buf[i], huge_byte(off + i));
	}
	mmw_file_close(f);
}

/* --- as a wrapper ----------------------------------------------------------------------------------------------- */

static int open_bytes(const void *bytes, size_t len, struct mmw_image **out, struct mmw_err *err)
{
	struct mmw_file *file;

	assert_int_equal(mmw_file_memory(bytes, len, "test", &file, err), 0);
	return mmw_open_file(file, "test", NULL, out, err);
}

static void small_dump(struct kd_image *out)
{
	static uint8_t data[4][BLOCK];
	const struct kd_page pages[] = {
		{ 1, KD_DATA, data[0] }, { 2, KD_EXCLUDED, NULL }, { 3, KD_DATA, data[1] }, { 100, KD_DATA, data[2] },
		{ 40000, KD_DATA, data[3] },
	};
	const struct kd_spec spec = {
		.version = 6, .block_size = BLOCK, .codec = KD_ZLIB, .share_zero = true, .level = 31,
		.machine = "x86_64", .pages = pages, .n_pages = mmw_array_len(pages),
	};

	for (unsigned i = 0; i < 3; i++)
		kd_fill(data[i], BLOCK, i + 6);
	assert_int_equal(kd_build(&spec, out), 0);
}

static void same_memory(const struct mmw_image *a, const struct mmw_image *b)
{
	struct mmw_reader *ra, *rb;
	struct mmw_extent ea, eb;
	uint8_t x[BLOCK], y[BLOCK];
	uint64_t from = 0;

	assert_int_equal(mmw_reader_open(a, &ra, NULL), 0);
	assert_int_equal(mmw_reader_open(b, &rb, NULL), 0);
	while (mmw_image_next_extent(a, from, &ea)) {
		assert_int_equal(mmw_image_next_extent(b, from, &eb), 1);
		assert_true(ea.pa == eb.pa && ea.len == eb.len && ea.state == eb.state);
		for (uint64_t pa = ea.pa; pa < ea.pa + ea.len; pa += BLOCK) {
			int rc = mmw_read(ra, pa, x, BLOCK, NULL);

			assert_int_equal(mmw_read(rb, pa, y, BLOCK, NULL), rc);
			if (!rc)
				assert_memory_equal(x, y, BLOCK);
		}
		from = ea.pa + ea.len;
	}
	assert_int_equal(mmw_image_next_extent(b, from, &eb), 0);
	mmw_reader_close(ra);
	mmw_reader_close(rb);
}

static void wrapped_dump(void **state)
{
	static const size_t sizes[] = { 100, 4096, 16384 };
	struct mmw_image *plain, *img;
	struct kd_image built;

	(void)state;
	small_dump(&built);
	assert_int_equal(open_bytes(built.bytes, built.len, &plain, NULL), 0);
	for (size_t i = 0; i < 3 * mmw_array_len(sizes); i++) {
		struct kd_stream s, twice;

		assert_int_equal(kd_flatten(built.bytes, built.len, sizes[i / 3], i % 3, &s), 0);
		assert_int_equal(open_bytes(s.bytes, s.len, &img, NULL), 0);
		assert_string_equal(mmw_image_format(img), "kdump");
		assert_string_equal(mmw_image_format_note(img), "version 6, zlib, level 31, flattened");
		same_memory(plain, img);
		mmw_image_close(img);

		assert_int_equal(kd_flatten(s.bytes, s.len, 5000, KD_REVERSE, &twice), 0);
		assert_int_equal(open_bytes(twice.bytes, twice.len, &img, NULL), 0);
		same_memory(plain, img);
		mmw_image_close(img);
		kd_stream_free(&twice);
		kd_stream_free(&s);
	}
	mmw_image_close(plain);
	kd_free(&built);
}

static void nested_too_deep(void **state)
{
	struct mmw_image *img;
	struct mmw_err err = { 0 };
	struct kd_stream s[4];
	struct kd_image built;

	(void)state;
	small_dump(&built);
	assert_int_equal(kd_flatten(built.bytes, built.len, 4096, KD_FORWARD, &s[0]), 0);
	for (int i = 1; i < 4; i++)
		assert_int_equal(kd_flatten(s[i - 1].bytes, s[i - 1].len, 4096, KD_FORWARD, &s[i]), 0);
	assert_int_equal(open_bytes(s[3].bytes, s[3].len, &img, &err), -MMW_E_UNSUPPORTED);
	for (int i = 0; i < 4; i++)
		kd_stream_free(&s[i]);
	kd_free(&built);
}

/* Cut anywhere, what a stream still yields is either right or an error. */
static void cut_at_every_length(void **state)
{
	struct mmw_image *plain;
	struct mmw_reader *want, *got;
	struct kd_image built;
	struct kd_stream s;

	(void)state;
	small_dump(&built);
	assert_int_equal(open_bytes(built.bytes, built.len, &plain, NULL), 0);
	assert_int_equal(mmw_reader_open(plain, &want, NULL), 0);
	assert_int_equal(kd_flatten(built.bytes, built.len, 1000, KD_SHUFFLED, &s), 0);
	for (size_t len = 0; len < s.len; len += len % 1016 < 40 ? 1 : 9) {
		static const uint64_t pfns[] = { 1, 3, 100, 40000 };
		uint8_t *copy = malloc(len + 1), x[BLOCK], y[BLOCK];
		struct mmw_err err = { 0 };
		struct mmw_image *img;
		int rc;

		assert_non_null(copy);
		memcpy(copy, s.bytes, len);
		rc = open_bytes(copy, len, &img, &err);
		assert_int_equal(-rc, err.code);
		for (size_t i = 0; !rc && i < mmw_array_len(pfns); i++) {
			assert_int_equal(mmw_reader_open(img, &got, NULL), 0);
			assert_int_equal(mmw_read(want, pfns[i] * BLOCK, x, BLOCK, NULL), 0);
			if (!mmw_read(got, pfns[i] * BLOCK, y, BLOCK, NULL))
				assert_memory_equal(x, y, BLOCK);
			mmw_reader_close(got);
		}
		if (!rc)
			mmw_image_close(img);
		free(copy);
	}
	mmw_reader_close(want);
	mmw_image_close(plain);
	kd_stream_free(&s);
	kd_free(&built);
}

static void put(uint8_t *p, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		p[i] = v >> 8 * i;
}

/* A gap makes a claim look backed by the file: 2^32 pages (16 TiB) must cost next to no memory, 2^38 are refused. */
static void claims_in_a_gap(void **state)
{
	static const unsigned shifts[] = { 32, 38 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t pages = 1ull << shifts[i];
		struct mmw_err err = { 0 };
		struct mmw_image *img;
		struct kd_image built;
		struct kd_stream s;
		int rc;

		small_dump(&built);
		put(built.bytes + 436, 2 * (pages / 8 / BLOCK), 4);  /* bitmap_blocks */
		put(built.bytes + 440, UINT32_MAX, 4);               /* max_mapnr, capped */
		put(built.bytes + built.sub_at + 96, pages, 8);      /* max_mapnr_64 */
		assert_int_equal(kd_stream_begin(&s), 0);
		assert_int_equal(kd_stream_record(&s, 0, built.bytes, built.len), 0);
		assert_int_equal(kd_stream_record(&s, 1ull << 60, "end", 3), 0);
		assert_int_equal(kd_stream_end(&s), 0);
		rc = open_bytes(s.bytes, s.len, &img, &err);
		assert_int_equal(rc, i ? -MMW_E_LIMIT : 0);
		if (!rc)
			mmw_image_close(img);
		kd_stream_free(&s);
		kd_free(&built);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_and_sizes),
		cmocka_unit_test(overlaps_and_gaps),
		cmocka_unit_test(lost_end),
		cmocka_unit_test(zero_tail),
		cmocka_unit_test(bad_streams),
		cmocka_unit_test(far_record),
		cmocka_unit_test(huge_record),
		cmocka_unit_test(wrapped_dump),
		cmocka_unit_test(nested_too_deep),
		cmocka_unit_test(claims_in_a_gap),
		cmocka_unit_test(cut_at_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* formats/avml.c, formats/lime.c, formats/crc32c.c: records and chunks as they should be and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "formats/crc32c.h"
#include "formats/formats.h"
#include "lib/base/vec.h"
#include "tests/tools/exercise.h"
#include "tests/tools/wrap_containers.h"

enum { BYTES = 200000 };

static uint8_t memory[BYTES];

static struct mmw_image *open_blob(const struct blob *b)
{
	struct mmw_image *img;
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory(b->bytes, b->len, "image", &f, NULL), 0);
	assert_int_equal(mmw_open_file(f, "image", NULL, &img, NULL), 0);
	return img;
}

/* What reading one byte there gives, which must be this one if it is there at all. */
static int byte_at(const struct blob *b, uint64_t pa, uint8_t want)
{
	struct mmw_image *img = open_blob(b);
	struct mmw_reader *r;
	struct mmw_err err = { 0 };
	uint8_t got = (uint8_t)~want;
	int rc;

	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	rc = mmw_read(r, pa, &got, 1, &err);
	if (rc) {
		exercise_error(rc, &err);
		assert_int_equal(err.addr, pa);
	} else {
		assert_int_equal(got, want);
	}
	mmw_reader_close(r);
	mmw_image_close(img);
	return rc;
}

static void fill(void)
{
	for (size_t i = 0; i < BYTES; i++)
		memory[i] = (uint8_t)(i % 7000 < 3500 ? i >> 9 : i * 2654435761u >> 13);
}

static void crc_vectors(void **state)
{
	struct mmw_crc32c c;

	(void)state;
	mmw_crc32c_init(&c);
	for (int i = 0; i < 2; i++, c.by_cpu = false) {
		assert_int_equal(mmw_crc32c(&c, "123456789", 9), 0xe3069283);
		assert_int_equal(mmw_crc32c(&c, (uint8_t[32]){ 0 }, 32), 0x8a9136aa);
		assert_int_equal(mmw_crc32c(&c, "", 0), 0);
	}
}

static uint32_t seed = 7;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

/* Records whose chunks begin anywhere, against the bytes they were made of. */
static void reads_anywhere(void **state)
{
	static uint8_t got[100000];
	struct mmw_reader *r;
	struct mmw_image *img;
	struct blob b = { 0 };

	(void)state;
	avml_record(&b, 0x1234, memory, 70001, 65536, AVML_RIGHT);
	avml_record(&b, 0x1234 + 70001, memory + 70001, 30000, 777, AVML_MISSING);
	avml_header(&b, false, 0x1234 + 100001, 0x1234 + 110000);
	blob_add(&b, memory + 100001, 10000);
	avml_record(&b, 0x1234 + 110001, memory + 110001, BYTES - 110001, 4096, AVML_WRONG);
	img = open_blob(&b);
	assert_string_equal(mmw_image_format(img), "avml");
	assert_string_equal(mmw_image_format_note(img), "4 ranges, 3 of them compressed, lengths missing or wrong");
	assert_int_equal(mmw_image_stored(img), BYTES);
	assert_int_equal(mmw_image_last(img), 0x1234 + BYTES - 1);
	assert_true(mmw_image_absent_or_zero(img));
	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	for (int i = 0; i < 4000; i++) {
		uint32_t at = rnd(BYTES), len = rnd(i % 16 ? 300 : sizeof(got));

		len = len < BYTES - at ? len : BYTES - at;
		assert_int_equal(mmw_read(r, 0x1234 + at, got, len, NULL), 0);
		assert_memory_equal(got, memory + at, len);
	}
	assert_int_equal(mmw_read(r, 0x1233, got, 2, NULL), -MMW_E_NODATA);
	assert_int_equal(mmw_read(r, 0x1234 + BYTES - 1, got, 2, NULL), -MMW_E_NODATA);
	mmw_reader_close(r);
	mmw_image_close(img);
	blob_fini(&b);
}

/* Where two records claim an address, the first one has it, also from the middle of a chunk on. */
static void overlaps(void **state)
{
	struct blob b = { 0 };

	(void)state;
	avml_record(&b, 0x8000, memory, 0x3000, 0x1800, AVML_RIGHT);
	avml_record(&b, 0x6000, memory + 0x4000, 0x8000, 0x8000, AVML_RIGHT);
	assert_int_equal(byte_at(&b, 0x7fff, memory[0x5fff]), 0);
	assert_int_equal(byte_at(&b, 0x8000, memory[0]), 0);
	assert_int_equal(byte_at(&b, 0xafff, memory[0x2fff]), 0);
	assert_int_equal(byte_at(&b, 0xb000, memory[0x9000]), 0);
	blob_fini(&b);
}

/* Three chunks of a page each, at the places that are returned in `at`; then another record. */
static void three_chunks(struct blob *b, size_t at[3])
{
	avml_header(b, true, 0x10000, 0x12fff);
	avml_stream_id(b);
	for (size_t i = 0; i < 3; i++) {
		at[i] = b->len;
		avml_chunk(b, memory + i * 0x1000, 0x1000, i == 1);
	}
	blob_uint(b, b->len - 32, 8, false);
	avml_record(b, 0x20000, memory + 0x3000, 0x1000, 0x1000, AVML_RIGHT);
}

/* A wrong checksum, or a block that does not unpack, costs its chunk. */
static void damaged_chunks(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		struct blob b = { 0 };
		size_t at[3];

		three_chunks(&b, at);
		b.bytes[at[i / 2] + (i % 2 ? 4 : 16)] ^= 0x55;
		for (int k = 0; k < 3; k++)
			assert_int_equal(byte_at(&b, 0x10800 + 0x1000 * k, memory[0x800 + 0x1000 * k]),
					 k == i / 2 ? -MMW_E_CORRUPT : 0);
		assert_int_equal(byte_at(&b, 0x20000, memory[0x3000]), 0);
		blob_fini(&b);
	}
}

/* A chunk that makes no sense costs the rest of its record, and the next record is found behind it. */
static void lost_chunks(void **state)
{
	static const struct {
		uint8_t at, value;
	} damage[] = {
		{ 0, 0x02 }, { 0, 0x7f }, { 0, 0xff }, { 3, 0xff }, { 8, 0x80 }, { 3, 2 },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(damage); i++) {
		struct blob b = { 0 };
		size_t at[3];

		three_chunks(&b, at);
		/* The varint of the third chunk, which is compressed: more than a chunk may hold, more than is left. */
		if (damage[i].at == 8)
			memcpy(b.bytes + at[2] + 8, "\xff\xff\xff\xff\x0f", 5);
		else
			b.bytes[at[2] + damage[i].at] = damage[i].value;
		assert_int_equal(byte_at(&b, 0x11fff, memory[0x1fff]), 0);
		assert_int_equal(byte_at(&b, 0x12000, memory[0x2000]), -MMW_E_TRUNCATED);
		assert_int_equal(byte_at(&b, 0x13000, 0), -MMW_E_NODATA);
		assert_int_equal(byte_at(&b, 0x20000, memory[0x3000]), 0);
		blob_fini(&b);
	}
}

/* More comes out than the range has room for; a chunk of nothing; chunks that may be skipped, which hold no data. */
static void odd_lengths(void **state)
{
	struct blob b = { 0 };

	(void)state;
	avml_header(&b, true, 0x1000, 0x1fff);
	avml_skipped(&b, 0x80, 0);
	avml_skipped(&b, 0xfe, 100000);
	avml_stream_id(&b);
	avml_stream_id(&b);
	avml_chunk(&b, memory, 0x800, false);
	avml_chunk(&b, memory + 0x800, 0x801, false);
	assert_int_equal(byte_at(&b, 0x17ff, memory[0x7ff]), 0);
	assert_int_equal(byte_at(&b, 0x1800, 0), -MMW_E_TRUNCATED);
	blob_fini(&b);
	avml_header(&b, true, 0x1000, 0x1fff);
	avml_chunk(&b, memory, 0, false);
	assert_int_equal(byte_at(&b, 0x1000, 0), -MMW_E_TRUNCATED);
	blob_fini(&b);
	avml_header(&b, true, 0, UINT64_MAX - 1);
	avml_chunk(&b, memory, 65536, true);
	assert_int_equal(byte_at(&b, 0xffff, memory[65535]), 0);
	assert_int_equal(byte_at(&b, UINT64_MAX - 1, 0), -MMW_E_TRUNCATED);
	blob_fini(&b);
}

/* LiME does not cut ranges, AVML does at 16 MiB: only then may a gap have been zeros. */
static void whose_gaps(void **state)
{
	static const uint64_t lengths[] = { 0x1000, (16 << 20) - 1, 16 << 20, (16 << 20) + 1 };

	(void)state;
	for (size_t i = 0; i < mmw_array_len(lengths); i++) {
		struct mmw_image *img;
		struct blob b = { 0 };

		avml_header(&b, false, 0x1000, 0x1000 + lengths[i] - 1);
		blob_add(&b, NULL, lengths[i]);
		avml_header(&b, false, 0x8000000, 0x8000000);
		blob_u8(&b, 0);
		img = open_blob(&b);
		assert_string_equal(mmw_image_format(img), "lime");
		assert_int_equal(mmw_image_absent_or_zero(img), lengths[i] == 16 << 20);
		mmw_image_close(img);
		blob_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_vectors), cmocka_unit_test(reads_anywhere), cmocka_unit_test(overlaps),
		cmocka_unit_test(damaged_chunks), cmocka_unit_test(lost_chunks), cmocka_unit_test(odd_lengths),
		cmocka_unit_test(whose_gaps),
	};

	fill();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

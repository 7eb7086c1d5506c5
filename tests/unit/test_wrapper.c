/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed files, libvirt's save files and snapshots in qcow2: what is inside comes out as it was; what is cut off is
 * said to be; what is damaged, too large or wrapped too often is refused, with the code for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/spool.h"
#include "lib/base/vec.h"
#include "lib/image/build.h"
#include "tests/tools/wrap_packed.h"

enum { SAMPLE = 100000, NOISE = 1 << 20 };

extern const struct mmw_format mmw_format_gzip, mmw_format_xz, mmw_format_zstd, mmw_format_bzip2, mmw_format_lz4,
	mmw_format_lzop, mmw_format_libvirt, mmw_format_qcow2;

static const struct codec {
	const struct mmw_format *format;
	void (*pack)(const void *in, size_t n, struct blob *out);
	bool checked;  /* a changed byte of the data never goes unnoticed */
} codecs[] = {
	{ &mmw_format_gzip, pack_gzip, true },
	{ &mmw_format_gzip, pack_zlib, true },
	{ &mmw_format_xz, pack_xz, true },
	{ &mmw_format_zstd, pack_zstd, false },
	{ &mmw_format_bzip2, pack_bzip2, true },
	{ &mmw_format_lz4, pack_lz4, true },
	{ &mmw_format_lzop, pack_lzop, true },
};

/* Noise, text and zeros, as memory has them. */
static uint8_t *sample(void)
{
	uint8_t *p = calloc(1, SAMPLE);
	uint64_t x = 1;

	assert_non_null(p);
	for (size_t i = 0; i < SAMPLE; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		p[i] = i / 9000 % 3 == 0 ? (uint8_t)(x >> 33) : i / 9000 % 3 == 1 ? "page table "[i % 11] : 0;
	}
	return p;
}

/* More than a block of any codec. */
static uint8_t *noise(void)
{
	uint8_t *p = malloc(NOISE);
	uint64_t x = 5;

	assert_non_null(p);
	for (size_t i = 0; i < NOISE; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		p[i] = (uint8_t)(x >> 33);
	}
	return p;
}

static int unwrap(const struct mmw_format *format, const struct blob *b, uint64_t max, const char *snapshot,
		  struct mmw_file **inner, struct mmw_err *err)
{
	const struct mmw_unwrap how = { .max_expand = max, .snapshot = snapshot };
	struct mmw_file *outer;
	int rc;

	assert_int_equal(mmw_file_memory(b->bytes, b->len, "test", &outer, err), 0);
	rc = format->unwrap(outer, &how, inner, err);
	if (rc)
		mmw_file_close(outer);
	return rc;
}

static void check_bytes(struct mmw_file *f, const uint8_t *want, size_t len)
{
	uint8_t *got = malloc(len + 1);

	assert_int_equal(f->size, len);
	assert_int_equal(mmw_file_read(f, 0, got, len, NULL), 0);
	assert_memory_equal(got, want, len);
	for (size_t at = 0; at + 5000 < len; at += 3333) {
		assert_int_equal(mmw_file_read(f, at, got, 5000, NULL), 0);
		assert_memory_equal(got, want + at, 5000);
	}
	assert_int_equal(mmw_file_read(f, len, got, 1, NULL), -MMW_E_CORRUPT);
	free(got);
}

static void comes_out(void **state)
{
	uint8_t *bytes = sample();

	(void)state;
	for (size_t i = 0; i < mmw_array_len(codecs); i++) {
		struct blob b = { 0 };
		struct mmw_bytes head;
		struct mmw_file *f;

		codecs[i].pack(bytes, SAMPLE, &b);
		head = mmw_bytes_of(b.bytes, b.len < MMW_PROBE_HEAD ? b.len : MMW_PROBE_HEAD, false, "test");
		assert_true(codecs[i].format->probe(&head, b.len) > 1);
		assert_int_equal(unwrap(codecs[i].format, &b, SAMPLE, NULL, &f, NULL), 0);
		check_bytes(f, bytes, SAMPLE);
		assert_string_equal(f->damage, "");
		mmw_file_close(f);
		blob_fini(&b);
	}
	free(bytes);
}

/* Cut anywhere, it is either refused or said to be cut, and what is there is right. */
static void cut_off(void **state)
{
	uint8_t *bytes = sample();

	(void)state;
	for (size_t i = 0; i < mmw_array_len(codecs); i++) {
		struct blob whole = { 0 }, b;
		size_t kept = 0, unsaid = 0;

		codecs[i].pack(bytes, SAMPLE, &whole);
		b = whole;
		for (b.len = 1; b.len < whole.len; b.len += b.len < 100 || b.len + 120 > whole.len ? 1 : 997) {
			struct mmw_err err = { 0 };
			struct mmw_file *f;
			int rc = unwrap(codecs[i].format, &b, SAMPLE, NULL, &f, &err);

			if (rc) {
				assert_int_equal(rc, -MMW_E_CORRUPT);
				assert_true(err.msg[0]);
				continue;
			}
			assert_true(f->size <= SAMPLE);
			kept += f->size != 0;
			/* Just behind a member nobody can tell, nor in the zeros of a tape. */
			unsaid += !f->damage[0];
			assert_true(f->size == SAMPLE || f->damage[0] || f->size == SAMPLE / 2);
			check_bytes(f, bytes, f->size);
			mmw_file_close(f);
		}
		assert_true(kept > 5);
		assert_true(unsaid <= 101);
		blob_fini(&whole);
	}
	free(bytes);
}

/* A frame that says how long it is: what is lost is known to the byte. */
static void cut_and_counted(void **state)
{
	uint8_t *bytes = noise();
	struct blob two = { 0 }, b;
	struct mmw_file *f;

	(void)state;
	pack_lz4(bytes, NOISE, &two);
	b = two;
	b.len = two.len / 4;
	assert_int_equal(unwrap(&mmw_format_lz4, &b, NOISE, NULL, &f, NULL), 0);
	assert_int_equal(f->size + f->missing, NOISE / 2);
	assert_non_null(strstr(f->damage, "of 524288 are there"));
	mmw_file_close(f);
	blob_fini(&two);
	free(bytes);
}

/* Raw memory that was cut off in its .gz is not all there: every command hears of it. */
static void cut_raw_image(void **state)
{
	uint8_t *bytes = noise();
	struct blob b = { 0 };
	struct mmw_image *img;
	struct mmw_extent e;
	struct mmw_file *f;
	struct mmw_err err;

	(void)state;
	pack_lz4(bytes, NOISE, &b);
	assert_int_equal(mmw_file_memory(b.bytes, b.len / 4, "test", &f, &err), 0);
	assert_int_equal(mmw_open_file(f, "test", NULL, &img, &err), 0);
	assert_string_equal(mmw_image_format(img), "raw");
	assert_non_null(strstr(mmw_image_damage(img), "ends early"));
	assert_non_null(strstr(mmw_image_format_note(img), "lz4, cut off"));
	assert_int_equal(mmw_image_next_extent(img, 0, &e), 1);
	assert_int_equal(mmw_image_next_extent(img, e.pa + e.len, &e), 1);
	assert_int_equal(e.state, MMW_TRUNCATED);
	assert_int_equal(e.pa + e.len, NOISE / 2);
	mmw_image_close(img);
	blob_fini(&b);
	free(bytes);
}

/* A changed byte is refused, or it was one that means nothing (a name, a time). */
static void changed(void **state)
{
	uint8_t *bytes = sample(), *got = malloc(SAMPLE);

	(void)state;
	for (size_t i = 0; i < mmw_array_len(codecs); i++) {
		struct blob b = { 0 };
		size_t refused = 0, tried = 0;

		codecs[i].pack(bytes, SAMPLE, &b);
		for (size_t at = 0; at < b.len; at += at < 64 ? 1 : 613) {
			struct mmw_err err = { 0 };
			struct mmw_file *f;
			int rc;

			b.bytes[at] ^= 0x10;
			rc = unwrap(codecs[i].format, &b, SAMPLE, NULL, &f, &err);
			tried++;
			refused += !!rc;
			if (rc)
				assert_true(err.msg[0]);
			else if (codecs[i].checked && !f->damage[0] && f->size == SAMPLE) {
				assert_int_equal(mmw_file_read(f, 0, got, SAMPLE, NULL), 0);
				assert_memory_equal(got, bytes, SAMPLE);
			}
			if (!rc)
				mmw_file_close(f);
			b.bytes[at] ^= 0x10;
		}
		assert_true(refused > (codecs[i].checked ? tried / 3 : 10));
		blob_fini(&b);
	}
	free(got);
	free(bytes);
}

static void bombs(void **state)
{
	uint8_t *bytes = sample();
	struct blob b = { 0 }, c = { 0 };
	struct mmw_image *img;
	struct mmw_file *f;
	struct mmw_err err;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(codecs); i++) {
		codecs[i].pack(bytes, SAMPLE, &b);
		assert_int_equal(unwrap(codecs[i].format, &b, SAMPLE - 1, NULL, &f, &err), -MMW_E_LIMIT);
		assert_non_null(strstr(err.msg, "--max-expand"));
		blob_fini(&b);
	}
	/* One layer more than is ever meant. */
	pack_gzip(bytes, SAMPLE, &b);
	for (int i = 0; i < 3; i++) {
		pack_gzip(b.bytes, b.len, &c);
		blob_fini(&b);
		b = c;
		c = (struct blob){ 0 };
	}
	assert_int_equal(mmw_file_memory(b.bytes, b.len, "test", &f, &err), 0);
	assert_int_equal(mmw_open_file(f, "test", NULL, &img, &err), -MMW_E_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "wrapped more than"));
	blob_fini(&b);
	free(bytes);
}

/* Two bytes that look like zlib's do not make raw memory a zlib stream, nor do zeros behind them. */
static void raw_stays_raw(void **state)
{
	uint8_t *bytes = malloc(MMW_PROBE_HEAD);
	static const uint8_t starts[][8] = {
		{ 0x78, 0x9c }, { 0x38, 0x11 }, { 0x78, 0x01, 0x03 }, { 0x78, 0x9c, 3, 0, 0, 0, 0, 1 },
	};
	uint64_t x = 7;

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		struct mmw_bytes head = mmw_bytes_of(bytes, MMW_PROBE_HEAD, false, "test");

		for (size_t k = 0; k < MMW_PROBE_HEAD; k++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			bytes[k] = i < 4 ? 0 : (uint8_t)(x >> 33);
		}
		memcpy(bytes, starts[i % 4], i < 4 ? 8 : 2);
		for (size_t c = 0; c < mmw_array_len(codecs); c++)
			assert_int_equal(codecs[c].format->probe(&head, 1 << 30), 0);
	}
	free(bytes);
}

/* What follows the last member is said to be left out. */
static void trailing(void **state)
{
	uint8_t *bytes = sample();
	struct blob b = { 0 };
	struct mmw_file *f;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(codecs); i++) {
		codecs[i].pack(bytes, SAMPLE, &b);
		blob_add(&b, "\0\0what is this, and this", 25);
		assert_int_equal(unwrap(codecs[i].format, &b, SAMPLE, NULL, &f, NULL), 0);
		check_bytes(f, bytes, SAMPLE);
		assert_non_null(strstr(f->damage, "left out"));
		mmw_file_close(f);
		blob_fini(&b);
	}
	free(bytes);
}

static void spool_of_zeros(void **state)
{
	static uint8_t zeros[1 << 20], got[10];
	struct mmw_spool *s;
	struct mmw_file *f;

	(void)state;
	assert_int_equal(mmw_spool_open("test", &s, NULL), 0);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(mmw_spool_write(s, zeros, sizeof(zeros) - 1, NULL), 0);
	assert_int_equal(mmw_spool_write(s, "x", 1, NULL), 0);
	assert_int_equal(mmw_spool_write(s, zeros, 9, NULL), 0);
	assert_int_equal(mmw_spool_finish(s, &f, NULL), 0);
	assert_int_equal(f->size, 3000ull * (sizeof(zeros) - 1) + 10);
	assert_int_equal(mmw_file_read(f, f->size - 10, got, 10, NULL), 0);
	assert_memory_equal(got, "x\0\0\0\0\0\0\0\0", 10);
	mmw_file_close(f);
	assert_int_equal(setenv("TMPDIR", "/nowhere", 1), 0);
	assert_int_equal(mmw_spool_open("test", &s, NULL), -MMW_E_SYS);
	unsetenv("TMPDIR");
}

/* --- libvirt -------------------------------------------------------------------------------------------------- */

static void libvirt_saves(void **state)
{
	struct mmw_err err;
	struct mmw_file *f;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct blob b = { 0 };

		libvirt_header(i & 1, i & 2, &b);
		assert_int_equal(unwrap(&mmw_format_libvirt, &b, 1, NULL, &f, &err), -MMW_E_CORRUPT);
		blob_add(&b, "QEVM\0\0\0\3", 8);
		assert_int_equal(unwrap(&mmw_format_libvirt, &b, 1, NULL, &f, &err), 0);
		check_bytes(f, (const uint8_t *)"QEVM\0\0\0\3", 8);
		assert_int_equal(f->origin, b.len - 8);
		assert_int_equal(!f->damage[0], !!(i & 2));
		mmw_file_close(f);
		blob_put(&b, 20, UINT32_MAX, 4, false);
		assert_int_equal(unwrap(&mmw_format_libvirt, &b, 1, NULL, &f, &err), -MMW_E_CORRUPT);
		blob_put(&b, 16, 0, 4, false);
		assert_int_equal(unwrap(&mmw_format_libvirt, &b, 1, NULL, &f, &err), -MMW_E_UNSUPPORTED);
		blob_fini(&b);
	}
}

/* --- qcow2 ---------------------------------------------------------------------------------------------------- */

static const struct qcow2_spec shapes[] = {
	{ .version = 2, .cluster_bits = 9 }, { .version = 2, .cluster_bits = 16 }, { .version = 3, .cluster_bits = 9 },
	{ .version = 3, .cluster_bits = 12, .zstd = true }, { .version = 3, .cluster_bits = 14, .extended = true },
	{ .version = 3, .cluster_bits = 16, .extended = true, .zstd = true },
};

static void qcow2_of(const struct qcow2_spec *shape, uint64_t disk, const struct qcow2_snapshot *s, size_t n,
		     struct blob *b)
{
	struct qcow2_spec spec = *shape;

	spec.disk_size = disk;
	spec.snapshots = s;
	spec.n = n;
	qcow2_write(&spec, b);
}

static void qcow2_shapes(void **state)
{
	static const uint64_t disks[] = { 0, 1, 3 << 20, 512 << 20 };
	uint8_t *bytes = sample();
	const struct qcow2_snapshot s[] = { { "1", "disk" }, { "2", "state", bytes, SAMPLE }, { "3", "disk 2" } };

	(void)state;
	for (size_t i = 0; i < mmw_array_len(shapes) * mmw_array_len(disks); i++) {
		struct blob b = { 0 };
		struct mmw_file *f;

		qcow2_of(&shapes[i / 4], disks[i % 4], s, 3, &b);
		assert_int_equal(unwrap(&mmw_format_qcow2, &b, UINT64_MAX, NULL, &f, NULL), 0);
		check_bytes(f, bytes, SAMPLE);
		assert_string_equal(f->note, "qcow2 snapshot 2 'state'");
		mmw_file_close(f);
		blob_fini(&b);
	}
	free(bytes);
}

static void qcow2_choice(void **state)
{
	static const struct { const char *wanted; int rc; const char *says; size_t len; } cases[] = {
		{ NULL, -MMW_E_ARG, " 1 'a' (2025-11-20 12:00 UTC, 0 KiB), 3 'b\xc3\xa4' (2025-11-20 12:00 UTC, 2 K" },
		{ "a", 0, "", 1000 }, { "1", 0, "", 1000 }, { "4", 0, "", 4000 }, { "3", 0, "", 3000 },
		{ "b\xc3\xa4", -MMW_E_ARG, "2 snapshots with VM state of this name" },
		{ "disk", -MMW_E_UNSUPPORTED, "disk only" }, { "2", -MMW_E_UNSUPPORTED, "disk only" },
		{ "c", -MMW_E_ARG, "no snapshot 'c'" },
	};
	uint8_t *bytes = sample();
	const struct qcow2_snapshot s[] = {
		{ "1", "a", bytes, 1000 }, { "2", "disk" },
		{ "3", "b\xc3\xa4", bytes, 3000 }, { "4", "b\xc3\xa4", bytes, 4000 },
	};
	struct blob b = { 0 };

	(void)state;
	qcow2_of(&shapes[2], 0, s, 4, &b);
	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		struct mmw_err err = { 0 };
		struct mmw_file *f;

		assert_int_equal(unwrap(&mmw_format_qcow2, &b, UINT64_MAX, cases[i].wanted, &f, &err), cases[i].rc);
		assert_non_null(strstr(err.msg, cases[i].says));
		if (!cases[i].rc) {
			check_bytes(f, bytes, cases[i].len);
			mmw_file_close(f);
		}
	}
	blob_fini(&b);
	free(bytes);
}

static void qcow2_refused(void **state)
{
	static const struct { size_t at; uint64_t v; unsigned size; int rc; const char *says; } cases[] = {
		{ 32, 1, 4, -MMW_E_UNSUPPORTED, "encrypted" },
		{ 72, 4, 8, -MMW_E_UNSUPPORTED, "another file" },
		{ 72, 1 << 5, 8, -MMW_E_UNSUPPORTED, "features 0x20" },
		{ 104, 2, 1, -MMW_E_UNSUPPORTED, "compression 2" },
		{ 4, 1, 4, -MMW_E_UNSUPPORTED, "version 1" },
		{ 20, 8, 4, -MMW_E_CORRUPT, "2^8" },
		{ 20, 63, 4, -MMW_E_CORRUPT, "2^63" },
		{ 60, 65537, 4, -MMW_E_CORRUPT, "65537 snapshots" },
		{ 60, 0, 4, -MMW_E_UNSUPPORTED, "no memory in it" },
		{ 60, 5, 4, -MMW_E_CORRUPT, "runs out" },
		{ 64, UINT64_MAX, 8, -MMW_E_CORRUPT, "runs out" },
		{ 72, 2, 8, 0, "" },
	};
	uint8_t *bytes = sample();
	const struct qcow2_snapshot s = { "1", "a", bytes, SAMPLE };

	(void)state;
	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		struct mmw_err err = { 0 };
		struct blob b = { 0 };
		struct mmw_file *f;

		qcow2_of(&shapes[2], 0, &s, 1, &b);
		blob_put(&b, cases[i].at, cases[i].v, cases[i].size, true);
		assert_int_equal(unwrap(&mmw_format_qcow2, &b, UINT64_MAX, NULL, &f, &err), cases[i].rc);
		assert_non_null(strstr(err.msg, cases[i].says));
		if (!cases[i].rc) {
			assert_non_null(strstr(f->damage, "corrupt"));
			mmw_file_close(f);
		}
		blob_fini(&b);
	}
	free(bytes);
}

/* A state that claims to be huge: more than its L1 table can hold is nonsense, and what it can hold must be allowed. */
static void qcow2_huge(void **state)
{
	uint8_t *bytes = sample();
	const struct qcow2_snapshot s = { "1", "a", bytes, SAMPLE };
	struct mmw_err err = { 0 };
	struct blob b = { 0 };
	struct mmw_file *f;
	size_t at;

	(void)state;
	qcow2_of(&shapes[3], 0, &s, 1, &b);
	at = b.len - 2 - 16;
	blob_put(&b, at, 2 << 20, 8, true);
	assert_int_equal(unwrap(&mmw_format_qcow2, &b, 1 << 20, NULL, &f, &err), -MMW_E_LIMIT);
	assert_int_equal(unwrap(&mmw_format_qcow2, &b, 2 << 20, NULL, &f, &err), 0);
	assert_int_equal(f->size, 2 << 20);
	mmw_file_close(f);
	blob_put(&b, at, (2 << 20) + 1, 8, true);
	assert_int_equal(unwrap(&mmw_format_qcow2, &b, UINT64_MAX, NULL, &f, &err), -MMW_E_CORRUPT);
	blob_put(&b, at, UINT64_MAX, 8, true);
	assert_int_equal(unwrap(&mmw_format_qcow2, &b, UINT64_MAX, NULL, &f, &err), -MMW_E_CORRUPT);
	blob_fini(&b);
	free(bytes);
}

struct job {
	struct mmw_file *f;
	const uint8_t *bytes;
	unsigned seed;
};

static void *read_at_random(void *arg)
{
	const struct job *job = arg;
	uint64_t x = job->seed, wrong = 0;
	uint8_t got[9000];

	for (int i = 0; i < 5000; i++) {
		size_t off, n;

		x = x * 6364136223846793005u + 1442695040888963407u;
		off = (x >> 33) % SAMPLE;
		n = (x >> 20) % sizeof(got) + 1;
		n = n < SAMPLE - off ? n : SAMPLE - off;
		wrong += mmw_file_read(job->f, off, got, n, NULL) || memcmp(got, job->bytes + off, n);
	}
	return wrong ? arg : NULL;
}

static void qcow2_threads(void **state)
{
	uint8_t *bytes = sample();
	const struct qcow2_snapshot s = { "1", "a", bytes, SAMPLE };

	(void)state;
	for (size_t i = 0; i < mmw_array_len(shapes); i++) {
		struct blob b = { 0 };
		struct job jobs[4];
		pthread_t threads[4];
		struct mmw_file *f;
		void *wrong;

		qcow2_of(&shapes[i], 0, &s, 1, &b);
		assert_int_equal(unwrap(&mmw_format_qcow2, &b, UINT64_MAX, NULL, &f, NULL), 0);
		for (unsigned t = 0; t < 4; t++) {
			jobs[t] = (struct job){ f, bytes, t };
			assert_int_equal(pthread_create(&threads[t], NULL, read_at_random, &jobs[t]), 0);
		}
		for (unsigned t = 0; t < 4; t++) {
			pthread_join(threads[t], &wrong);
			assert_null(wrong);
		}
		mmw_file_close(f);
		blob_fini(&b);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_out), cmocka_unit_test(cut_off), cmocka_unit_test(cut_and_counted),
		cmocka_unit_test(cut_raw_image), cmocka_unit_test(changed), cmocka_unit_test(bombs),
		cmocka_unit_test(raw_stays_raw), cmocka_unit_test(trailing), cmocka_unit_test(spool_of_zeros),
		cmocka_unit_test(libvirt_saves), cmocka_unit_test(qcow2_shapes), cmocka_unit_test(qcow2_choice),
		cmocka_unit_test(qcow2_refused), cmocka_unit_test(qcow2_huge), cmocka_unit_test(qcow2_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

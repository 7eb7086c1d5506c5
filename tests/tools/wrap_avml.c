/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tools/wrap_containers.h"

void avml_header(struct blob *out, bool packed, uint64_t first, uint64_t last)
{
	blob_add(out, packed ? "AVML\2\0\0\0" : "EMiL\1\0\0\0", 8);
	blob_uint(out, first, 8, false);
	blob_uint(out, last, 8, false);
	blob_uint(out, 0, 8, false);
}

/* Bit by bit, as the polynomial is written down. */
static uint32_t crc32c(const uint8_t *p, size_t len)
{
	uint32_t c = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		c ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (0x82f63b78 & (0u - (c & 1)));
	}
	return ~c;
}

static void chunk_head(struct blob *out, uint8_t type, size_t len)
{
	blob_u8(out, type);
	blob_uint(out, len, 2, false);
	blob_u8(out, (uint8_t)(len >> 16));
}

void avml_stream_id(struct blob *out)
{
	chunk_head(out, 0xff, 6);
	blob_add(out, "sNaPpY", 6);
}

void avml_skipped(struct blob *out, uint8_t type, size_t len)
{
	chunk_head(out, type, len);
	blob_add(out, NULL, len);
}

void avml_chunk(struct blob *out, const void *bytes, size_t len, bool stored)
{
	uint32_t crc = crc32c(bytes, len);
	size_t room = snappy_max_compressed_length(len);
	char *packed = xrealloc(NULL, room);

	if (!stored && snappy_compress(bytes, len, packed, &room) != SNAPPY_OK)
		die("snappy_compress failed");
	chunk_head(out, stored, 4 + (stored ? len : room));
	blob_uint(out, (crc >> 15 | crc << 17) + 0xa282ead8, 4, false);
	blob_add(out, stored ? bytes : packed, stored ? len : room);
	free(packed);
}

void avml_record(struct blob *out, uint64_t first, const void *bytes, size_t len, size_t step,
		 enum avml_trailer trailer)
{
	size_t start;

	avml_header(out, true, first, first + len - 1);
	start = out->len;
	avml_stream_id(out);
	for (size_t at = 0, n = 0; at < len; at += step, n++) {
		if (n % 4 == 3)
			avml_skipped(out, 0xfe, n);
		avml_chunk(out, (const uint8_t *)bytes + at, len - at < step ? len - at : step, n % 3 == 2);
	}
	if (trailer != AVML_MISSING)
		blob_uint(out, trailer == AVML_RIGHT ? out->len - start : 1, 8, false);
}

static void write_range(const struct phys *p, size_t from, size_t n, bool mixed, struct blob *out)
{
	uint64_t first = p->pages[from].pfn * PHYS_PAGE;
	size_t split = n > 1 ? PHYS_PAGE + 100 : n * PHYS_PAGE;
	struct blob bytes = { 0 };

	for (size_t i = 0; i < n; i++)
		blob_add(&bytes, phys_page_bytes(&p->pages[from + i]), PHYS_PAGE);
	if (mixed) {
		avml_header(out, false, first, first + split - 1);
		blob_add(out, bytes.bytes, split);
	} else {
		avml_record(out, first, bytes.bytes, split, 65536, AVML_RIGHT);
	}
	if (n > 1)
		avml_record(out, first + split, bytes.bytes + split, bytes.len - split, 10001, AVML_RIGHT);
	blob_fini(&bytes);
}

static void write_all(const struct phys *p, bool mixed, struct blob *out)
{
	for (size_t i = 0, n; i < p->n; i += n) {
		n = phys_run(p, i);
		if (p->pages[i].state == PHYS_STORED)
			write_range(p, i, n, mixed, out);
	}
}

void wrap_avml(const struct phys *p, struct blob *out)
{
	write_all(p, false, out);
}

void wrap_avml_mixed(const struct phys *p, struct blob *out)
{
	write_all(p, true, out);
}

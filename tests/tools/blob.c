/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/blob.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		die("no memory for %zu bytes", n);
	return p;
}

void put_uint(uint8_t *to, uint64_t v, unsigned size, bool big_endian)
{
	for (unsigned i = 0; i < size; i++)
		to[i] = (uint8_t)(v >> 8 * (big_endian ? size - 1 - i : i));
}

void blob_fini(struct blob *b)
{
	free(b->bytes);
	*b = (struct blob){ 0 };
}

size_t blob_add(struct blob *b, const void *bytes, size_t n)
{
	size_t at = b->len;

	if (b->len + n > b->cap) {
		b->cap = 2 * b->cap > b->len + n ? 2 * b->cap : b->len + n;
		b->bytes = xrealloc(b->bytes, b->cap);
	}
	if (bytes && n)
		memcpy(b->bytes + at, bytes, n);
	else if (n)
		memset(b->bytes + at, 0, n);
	b->len += n;
	return at;
}

size_t blob_u8(struct blob *b, uint8_t v)
{
	return blob_add(b, &v, 1);
}

size_t blob_uint(struct blob *b, uint64_t v, unsigned size, bool big_endian)
{
	uint8_t raw[8];

	put_uint(raw, v, size, big_endian);
	return blob_add(b, raw, size);
}

void blob_align(struct blob *b, size_t align)
{
	blob_pad_to(b, (b->len + align - 1) & ~(align - 1));
}

void blob_pad_to(struct blob *b, size_t offset)
{
	if (offset > b->len)
		blob_add(b, NULL, offset - b->len);
}

void blob_put(struct blob *b, size_t at, uint64_t v, unsigned size, bool big_endian)
{
	put_uint(b->bytes + at, v, size, big_endian);
}

void blob_write(const struct blob *b, const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f)
		die("%s: cannot be written", path);
	if (b->len && fwrite(b->bytes, 1, b->len, f) != b->len)
		die("%s: writing failed", path);
	if (fclose(f))
		die("%s: writing failed", path);
}

void blob_read(struct blob *b, const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t chunk[16384];
	size_t n;

	if (!f)
		die("%s: cannot be read", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		blob_add(b, chunk, n);
	if (ferror(f))
		die("%s: reading failed", path);
	fclose(f);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gzip files (RFC 1952), of one member or several, as gzip, pigz and bgzip write them; and a bare zlib stream (RFC 1950),
 * which LiME's compress=1 makes of a whole image (src/deflate.c: a window of 2 KiB).
 *
 *   gzip   1f 8b, method 8 (deflate), flags (the upper three bits are zero), ...; at the end CRC-32 and length
 *   zlib   u16 big endian, a multiple of 31: window in bits 12-15, method 8 in bits 8-11, bit 5 a preset dictionary;
 *          at the end Adler-32
 *
 * Two bytes are little to tell zlib from raw memory by, so what follows them must inflate.
 */
#include <string.h>
#include <zlib.h>

#include "formats/expand.h"

enum {
	TRIAL_OUT = 8192,
	TRIAL_MEMORY = 56 << 10,  /* inflate's state and its window */
};

static bool gzip_starts(const uint8_t *p, size_t n)
{
	return n >= 4 && p[0] == 0x1f && p[1] == 0x8b && p[2] == Z_DEFLATED && !(p[3] & 0xe0);
}

static bool zlib_head(const uint8_t *p, size_t n)
{
	return n >= 2 && (p[0] & 0xf) == Z_DEFLATED && p[0] >> 4 <= 7 && !(p[1] & 0x20) && mmw_get16(p, true) % 31 == 0;
}

/* There is one stream in a file. */
static bool never_starts(const uint8_t *p, size_t n)
{
	(void)p;
	(void)n;
	return false;
}

static int inflate_more(struct mmw_expand *x, z_stream *z, struct mmw_err *err)
{
	int rc = mmw_expand_fill(x, 1, err), zrc;

	if (rc)
		return rc;
	z->next_in = (Bytef *)x->in;
	z->avail_in = (uInt)x->n_in;
	z->next_out = x->out;
	z->avail_out = MMW_EXPAND_OUT;
	zrc = inflate(z, Z_NO_FLUSH);
	mmw_expand_skip(x, x->n_in - z->avail_in);
	rc = mmw_expand_put(x, x->out, MMW_EXPAND_OUT - z->avail_out, err);
	if (rc)
		return rc;
	if (zrc == Z_MEM_ERROR)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the zlib decoder");
	if (zrc != Z_OK && zrc != Z_STREAM_END && zrc != Z_BUF_ERROR)
		return mmw_expand_bad(x, z->msg ? z->msg : "it needs a dictionary", err);
	if (zrc == Z_BUF_ERROR && x->at_end && !x->n_in)
		return MMW_EXPAND_CUT;
	return zrc == Z_STREAM_END ? MMW_EXPAND_WHOLE : MMW_EXPAND_MORE;
}

static int gzip_member(struct mmw_expand *x, struct mmw_err *err)
{
	z_stream z = { 0 };
	int rc;

	x->unsure = true;
	/* 15: any window; 32: gzip or zlib, whatever it starts with. */
	if (inflateInit2(&z, 15 + 32) != Z_OK)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the zlib decoder");
	do
		rc = inflate_more(x, &z, err);
	while (rc == MMW_EXPAND_MORE);
	inflateEnd(&z);
	return rc;
}

/* Memory for a trial that must not allocate any. */
struct arena {
	size_t used;
	_Alignas(16) uint8_t bytes[TRIAL_MEMORY];
};

static void *arena_take(void *opaque, uInt items, uInt size)
{
	struct arena *a = opaque;
	size_t n = ((size_t)items * size + 15) & ~(size_t)15, at = a->used;

	if (n > sizeof(a->bytes) - at)
		return NULL;
	a->used += n;
	return a->bytes + at;
}

static void arena_leave(void *opaque, void *p)
{
	(void)opaque;
	(void)p;
}

/* All of `head` inflates, and the stream does not end before the file does. */
static bool inflates(const struct mmw_bytes *head, uint64_t file_size)
{
	struct arena arena = { 0 };
	z_stream z = { .zalloc = arena_take, .zfree = arena_leave, .opaque = &arena };
	uint8_t out[TRIAL_OUT];
	int zrc = inflateInit(&z);

	z.next_in = (Bytef *)head->base;
	z.avail_in = (uInt)head->len;
	while (zrc == Z_OK) {
		z.next_out = out;
		z.avail_out = sizeof(out);
		zrc = inflate(&z, Z_NO_FLUSH);
	}
	inflateEnd(&z);
	return z.total_out && (zrc == Z_BUF_ERROR || (zrc == Z_STREAM_END && head->len == file_size && !z.avail_in));
}

static int gzip_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	if (gzip_starts(head->base, head->len))
		return 90;
	return zlib_head(head->base, head->len) && inflates(head, file_size) ? 30 : 0;
}

static int gzip_unwrap(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err)
{
	static const struct mmw_expander gzip = { "gzip", gzip_starts, 4, gzip_member };
	static const struct mmw_expander zlib = { "zlib", never_starts, 2, gzip_member };
	uint8_t head[2] = { 0 };
	int rc = mmw_file_read(outer, 0, head, outer->size < 2 ? outer->size : 2, err);

	return rc ? rc : mmw_expand(outer, zlib_head(head, 2) ? &zlib : &gzip, how, inner, err);
}

const struct mmw_format mmw_format_gzip = {
	.name = "gzip",
	.summary = "gzip (pigz, bgzip), and the zlib stream of LiME's compress=1",
	.probe = gzip_probe,
	.unwrap = gzip_unwrap,
};

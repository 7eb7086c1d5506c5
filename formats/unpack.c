/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "formats/unpack.h"

#include <libdeflate.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>

struct mmw_unpack {
	struct libdeflate_decompressor *zlib;
	bool lzo_ready;
	ZSTD_DCtx *zstd;
};

struct mmw_unpack *mmw_unpack_open(void)
{
	return calloc(1, sizeof(struct mmw_unpack));
}

void mmw_unpack_close(struct mmw_unpack *u)
{
	if (!u)
		return;
	libdeflate_free_decompressor(u->zlib);
	ZSTD_freeDCtx(u->zstd);
	free(u);
}

static int no_decoder(const char *name, struct mmw_err *err)
{
	return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the %s decoder", name);
}

/* Each decoder: 1 when exactly `len` bytes came out, 0 when not, negative for the host's failures. */

/* libdeflate takes half of zlib's time, and pages come whole. */
static int unpack_zlib(struct mmw_unpack *u, bool bare, const void *in, size_t in_len, void *out, size_t len, struct mmw_err *err)
{
	size_t used = 0, got = 0;

	if (!u->zlib)
		u->zlib = libdeflate_alloc_decompressor();
	if (!u->zlib)
		return no_decoder("zlib", err);
	if (bare)
		return libdeflate_deflate_decompress_ex(u->zlib, in, in_len, out, len, &used, &got) == LIBDEFLATE_SUCCESS &&
		       got == len;
	return libdeflate_zlib_decompress(u->zlib, in, in_len, out, len, &got) == LIBDEFLATE_SUCCESS && got == len;
}

static int unpack_lzo(struct mmw_unpack *u, const void *in, size_t in_len, void *out, size_t len, struct mmw_err *err)
{
	lzo_uint got = len;

	if (!u->lzo_ready && lzo_init() != LZO_E_OK)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "the LZO library does not work on this machine");
	u->lzo_ready = true;

	return lzo1x_decompress_safe(in, in_len, out, &got, NULL) == LZO_E_OK && got == len;
}

/* The length is the input's claim: it is asked before anything is written. */
static int unpack_snappy(const void *in, size_t in_len, void *out, size_t len)
{
	size_t got = 0;

	if (snappy_uncompressed_length(in, in_len, &got) != SNAPPY_OK || got != len)
		return 0;
	return snappy_uncompress(in, in_len, out, &got) == SNAPPY_OK && got == len;
}

static int unpack_zstd(struct mmw_unpack *u, bool more, const void *in, size_t in_len, void *out, size_t len, struct mmw_err *err)
{
	size_t frame = more ? ZSTD_findFrameCompressedSize(in, in_len) : in_len;

	if (!u->zstd)
		u->zstd = ZSTD_createDCtx();
	if (!u->zstd)
		return no_decoder("zstd", err);
	return !ZSTD_isError(frame) && ZSTD_decompressDCtx(u->zstd, out, len, in, frame) == len;
}

int mmw_unpack(struct mmw_unpack *u, enum mmw_codec codec, const void *in, size_t in_len, void *out, size_t out_len,
	       struct mmw_err *err)
{
	int rc = 0;

	switch (codec) {
	case MMW_CODEC_ZLIB:
	case MMW_CODEC_DEFLATE:
		rc = unpack_zlib(u, codec == MMW_CODEC_DEFLATE, in, in_len, out, out_len, err);
		break;
	case MMW_CODEC_LZO:
		rc = unpack_lzo(u, in, in_len, out, out_len, err);
		break;
	case MMW_CODEC_SNAPPY:
		rc = unpack_snappy(in, in_len, out, out_len);
		break;
	case MMW_CODEC_ZSTD:
	case MMW_CODEC_ZSTD_FRAME:
		rc = unpack_zstd(u, codec == MMW_CODEC_ZSTD_FRAME, in, in_len, out, out_len, err);
		break;
	}
	if (!rc)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%zu bytes do not decompress to %zu", in_len, out_len);
	return rc < 0 ? rc : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "formats/pack.h"

#include <libdeflate.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>

struct mmw_pack {
	enum mmw_codec codec;
	int level;
	struct libdeflate_compressor *zlib;
	void *lzo;  /* work memory */
	ZSTD_CCtx *zstd;
};

struct mmw_pack_levels mmw_pack_levels(enum mmw_codec codec)
{
	switch (codec) {
	case MMW_CODEC_ZLIB:
		return (struct mmw_pack_levels){ 1, 12, 1 };
	case MMW_CODEC_LZO:
		return (struct mmw_pack_levels){ 1, 9, 1 };
	case MMW_CODEC_ZSTD:
		return (struct mmw_pack_levels){ 1, 19, 1 };
	default:
		break;  /* snappy; no page is written in the others */
	}
	return (struct mmw_pack_levels){ 0, 0, 0 };
}

static bool open_codec(struct mmw_pack *p)
{
	switch (p->codec) {
	case MMW_CODEC_ZLIB:
		p->zlib = libdeflate_alloc_compressor(p->level);
		return p->zlib;
	case MMW_CODEC_LZO:
		p->lzo = malloc(p->level > 1 ? LZO1X_999_MEM_COMPRESS : LZO1X_1_MEM_COMPRESS);
		return p->lzo && lzo_init() == LZO_E_OK;
	case MMW_CODEC_ZSTD:
		p->zstd = ZSTD_createCCtx();
		return p->zstd;
	default:
		break;  /* snappy; no page is written in the others */
	}
	return true;
}

int mmw_pack_open(enum mmw_codec codec, int level, struct mmw_pack **out, struct mmw_err *err)
{
	struct mmw_pack *p = calloc(1, sizeof(*p));

	if (p) {
		p->codec = codec;
		p->level = level ? level : mmw_pack_levels(codec).usual;
	}
	if (!p || !open_codec(p)) {
		mmw_pack_close(p);
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for an encoder");
	}
	*out = p;
	return 0;
}

void mmw_pack_close(struct mmw_pack *p)
{
	if (!p)
		return;
	libdeflate_free_compressor(p->zlib);
	ZSTD_freeCCtx(p->zstd);
	free(p->lzo);
	free(p);
}

/* LZO and snappy ask for more than they are given: a sixth of the input, and some. */
size_t mmw_pack_room(size_t in_len)
{
	return in_len + in_len / 4 + 128;
}

static size_t pack_lzo(struct mmw_pack *p, const void *in, size_t in_len, void *out)
{
	lzo_uint len = 0;
	int rc;

	if (p->level > 1)
		rc = lzo1x_999_compress_level(in, in_len, out, &len, p->lzo, NULL, 0, NULL, p->level);
	else
		rc = lzo1x_1_compress(in, in_len, out, &len, p->lzo);
	return rc == LZO_E_OK ? len : 0;
}

size_t mmw_pack(struct mmw_pack *p, const void *in, size_t in_len, void *out)
{
	size_t len = 0;

	switch (p->codec) {
	case MMW_CODEC_ZLIB:
		len = libdeflate_zlib_compress(p->zlib, in, in_len, out, in_len - 1);
		break;
	case MMW_CODEC_LZO:
		len = pack_lzo(p, in, in_len, out);
		break;
	case MMW_CODEC_SNAPPY:
		len = mmw_pack_room(in_len);
		if (snappy_compress(in, in_len, out, &len) != SNAPPY_OK)
			len = 0;
		break;
	case MMW_CODEC_ZSTD:
		len = ZSTD_compressCCtx(p->zstd, out, in_len - 1, in, in_len, p->level);
		if (ZSTD_isError(len))
			len = 0;
		break;
	default:
		break;
	}
	return len < in_len ? len : 0;
}

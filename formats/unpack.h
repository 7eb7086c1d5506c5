/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decompressing one page: the codecs that dump formats use, behind one call. */
#ifndef MMW_FORMATS_UNPACK_H
#define MMW_FORMATS_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum mmw_codec {
	MMW_CODEC_ZLIB,
	MMW_CODEC_LZO,     /* LZO1X */
	MMW_CODEC_SNAPPY,  /* a raw block, without framing */
	MMW_CODEC_ZSTD,
	/* qcow2's, where other bytes may follow. */
	MMW_CODEC_DEFLATE,     /* without zlib's header */
	MMW_CODEC_ZSTD_FRAME,
};

/* Decoder state that is worth keeping from page to page; one per thread. */
struct mmw_unpack;

struct mmw_unpack *mmw_unpack_open(void);  /* NULL: no memory */
void mmw_unpack_close(struct mmw_unpack *u);

/* Exactly out_len bytes must come out: anything else is MMW_E_CORRUPT. No input writes past them. */
int mmw_unpack(struct mmw_unpack *u, enum mmw_codec codec, const void *in, size_t in_len, void *out, size_t out_len,
	       struct mmw_err *err);

#endif

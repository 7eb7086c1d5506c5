/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xz files (The .xz File Format, 1.2): streams, each of blocks between a header and an index, and zeros between streams.
 *
 *   stream header   fd "7zXZ" 00, flags 00 0x (x: the kind of check), CRC-32 of the flags, little endian
 *
 * Blocks that say how long they are, as those of xz -T, are decoded at once by as many threads as there are processors.
 */
#include <lzma.h>
#include <string.h>

#include "formats/expand.h"
#include "lib/base/par.h"

enum { STREAM_HEADER = 12 };

static bool xz_starts(const uint8_t *p, size_t n)
{
	return n >= STREAM_HEADER && !memcmp(p, "\xfd" "7zXZ\0\0", 7) && !(p[7] & 0xf0) &&
	       lzma_crc32(p + 6, 2, 0) == mmw_get32(p + 8, false);
}

static lzma_ret open_decoder(const struct mmw_expand *x, lzma_stream *z)
{
	uint64_t limit = mmw_expand_window(x);
#if LZMA_VERSION >= 50040002
	lzma_mt mt = { .threads = mmw_parallel_workers(0), .memlimit_threading = limit / 2, .memlimit_stop = limit };

	return lzma_stream_decoder_mt(z, &mt);
#else
	return lzma_stream_decoder(z, limit, 0);
#endif
}

static const char *why(lzma_ret rc)
{
	switch (rc) {
	case LZMA_FORMAT_ERROR:
		return "no xz stream starts here";
	case LZMA_OPTIONS_ERROR:
		return "filters or flags that liblzma does not know";
	default:
		return "the decoder or a checksum does not agree with it";
	}
}

static int xz_more(struct mmw_expand *x, lzma_stream *z, struct mmw_err *err)
{
	int rc = mmw_expand_fill(x, 1, err);
	lzma_ret zrc;

	if (rc)
		return rc;
	z->next_in = x->in;
	z->avail_in = x->n_in;
	z->next_out = x->out;
	z->avail_out = MMW_EXPAND_OUT;
	zrc = lzma_code(z, x->at_end ? LZMA_FINISH : LZMA_RUN);
	mmw_expand_skip(x, x->n_in - z->avail_in);
	rc = mmw_expand_put(x, x->out, MMW_EXPAND_OUT - z->avail_out, err);
	if (rc)
		return rc;
	switch (zrc) {
	case LZMA_OK:
		return MMW_EXPAND_MORE;
	case LZMA_STREAM_END:
		return MMW_EXPAND_WHOLE;
	case LZMA_BUF_ERROR:
		return x->at_end ? MMW_EXPAND_CUT : MMW_EXPAND_MORE;
	case LZMA_MEM_ERROR:
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the xz decoder");
	case LZMA_MEMLIMIT_ERROR:
		return mmw_expand_too_large(x, err);
	default:
		return mmw_expand_bad(x, why(zrc), err);
	}
}

static int xz_member(struct mmw_expand *x, struct mmw_err *err)
{
	lzma_stream z = LZMA_STREAM_INIT;
	int rc;

	x->unsure = true;
	if (open_decoder(x, &z) != LZMA_OK)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the xz decoder");
	do
		rc = xz_more(x, &z, err);
	while (rc == MMW_EXPAND_MORE);
	lzma_end(&z);
	return rc;
}

static int xz_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return xz_starts(head->base, head->len) ? 100 : 0;
}

static int xz_unwrap(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err)
{
	static const struct mmw_expander xz = { "xz", xz_starts, STREAM_HEADER, xz_member };

	return mmw_expand(outer, &xz, how, inner, err);
}

const struct mmw_format mmw_format_xz = {
	.name = "xz",
	.summary = "xz (pixz)",
	.probe = xz_probe,
	.unwrap = xz_unwrap,
};

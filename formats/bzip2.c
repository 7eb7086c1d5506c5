/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bzip2 files: streams, one after the other (pbzip2 and lbzip2 write many).
 *
 *   stream   "BZh", '1' to '9', then the mark of a block (31 41 59 26 53 59) or, in an empty one, that of the end
 *            (17 72 45 38 50 90)
 */
#include <bzlib.h>
#include <string.h>

#include "formats/expand.h"

enum { STREAM_HEADER = 10 };

static bool bzip2_starts(const uint8_t *p, size_t n)
{
	return n >= STREAM_HEADER && !memcmp(p, "BZh", 3) && p[3] >= '1' && p[3] <= '9' &&
	       (!memcmp(p + 4, "\x31\x41\x59\x26\x53\x59", 6) || !memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", 6));
}

static int bzip2_more(struct mmw_expand *x, bz_stream *z, struct mmw_err *err)
{
	int rc = mmw_expand_fill(x, 1, err), zrc;
	size_t had = x->n_in;

	if (rc)
		return rc;
	z->next_in = (char *)x->in;
	z->avail_in = (unsigned)x->n_in;
	z->next_out = (char *)x->out;
	z->avail_out = MMW_EXPAND_OUT;
	zrc = BZ2_bzDecompress(z);
	mmw_expand_skip(x, x->n_in - z->avail_in);
	rc = mmw_expand_put(x, x->out, MMW_EXPAND_OUT - z->avail_out, err);
	if (rc)
		return rc;
	if (zrc == BZ_MEM_ERROR)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the bzip2 decoder");
	if (zrc != BZ_OK && zrc != BZ_STREAM_END)
		return mmw_expand_bad(x, "the decoder or a checksum does not agree with it", err);
	if (zrc == BZ_STREAM_END)
		return MMW_EXPAND_WHOLE;
	return had || z->avail_out != MMW_EXPAND_OUT || !x->at_end ? MMW_EXPAND_MORE : MMW_EXPAND_CUT;
}

static int bzip2_member(struct mmw_expand *x, struct mmw_err *err)
{
	bz_stream z = { 0 };
	int rc;

	x->unsure = true;
	if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the bzip2 decoder");
	do
		rc = bzip2_more(x, &z, err);
	while (rc == MMW_EXPAND_MORE);
	BZ2_bzDecompressEnd(&z);
	return rc;
}

static int bzip2_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return bzip2_starts(head->base, head->len) ? 100 : 0;
}

static int bzip2_unwrap(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err)
{
	static const struct mmw_expander bzip2 = { "bzip2", bzip2_starts, STREAM_HEADER, bzip2_member };

	return mmw_expand(outer, &bzip2, how, inner, err);
}

const struct mmw_format mmw_format_bzip2 = {
	.name = "bzip2",
	.summary = "bzip2 (pbzip2, lbzip2)",
	.probe = bzip2_probe,
	.unwrap = bzip2_unwrap,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lz4 files (LZ4 Frame Format, 1.6): frames, one after the other, and perhaps skippable frames among them.
 *
 *   frame    04 22 4d 18, flags (bits 6-7: version 1; bit 3: the length of what is inside follows; bit 1 is zero), block size
 *            (bits 0-3 and 7 are zero), u64 length, ..., a byte of checksum; blocks; perhaps a checksum
 *   legacy   02 21 4c 18, of lz4 -l, which nobody packs dumps with
 *
 * All in little endian.
 */
#include <lz4frame.h>
#include <string.h>

#include "formats/expand.h"

enum {
	FRAME_HEADER = 19,  /* at most */
	MAGIC = 0x184d2204,
	MAGIC_LEGACY = 0x184c2102,
	MAGIC_SKIPPABLE = 0x184d2a50,
};

static bool is_frame(const uint8_t *p, size_t n)
{
	return n >= 7 && mmw_get32(p, false) == MAGIC && p[4] >> 6 == 1 && !(p[4] & 0x02) && !(p[5] & 0x8f);
}

static bool lz4_starts(const uint8_t *p, size_t n)
{
	return is_frame(p, n) || (n >= 8 && (mmw_get32(p, false) & ~0xfu) == MAGIC_SKIPPABLE);
}

static int lz4_more(struct mmw_expand *x, LZ4F_dctx *z, struct mmw_err *err)
{
	size_t n_out = MMW_EXPAND_OUT, n_in, left;
	int rc = mmw_expand_fill(x, 1, err);

	if (rc)
		return rc;
	n_in = x->n_in;
	left = LZ4F_decompress(z, x->out, &n_out, x->in, &n_in, NULL);
	if (LZ4F_isError(left))
		return mmw_expand_bad(x, LZ4F_getErrorName(left), err);
	mmw_expand_skip(x, n_in);
	rc = mmw_expand_put(x, x->out, n_out, err);
	if (rc)
		return rc;
	if (!left)
		return MMW_EXPAND_WHOLE;
	return n_in || n_out || !x->at_end ? MMW_EXPAND_MORE : MMW_EXPAND_CUT;
}

static int lz4_member(struct mmw_expand *x, struct mmw_err *err)
{
	bool tells = x->n_in >= 14 && is_frame(x->in, x->n_in) && x->in[4] & 0x08;
	uint64_t size = tells ? mmw_get64(x->in + 6, false) : UINT64_MAX;
	LZ4F_dctx *z;
	int rc;

	if (size > INT64_MAX - x->promised)
		x->unsure = true;
	else
		x->promised += size;
	if (LZ4F_isError(LZ4F_createDecompressionContext(&z, LZ4F_VERSION)))
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the lz4 decoder");
	do
		rc = lz4_more(x, z, err);
	while (rc == MMW_EXPAND_MORE);
	LZ4F_freeDecompressionContext(z);
	return rc;
}

static int lz4_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	size_t at = mmw_expand_skippable(head->base, head->len);

	(void)file_size;
	if (head->len >= 8 && mmw_get32(head->base, false) == MAGIC_LEGACY)
		return 50;
	return is_frame(head->base + at, head->len - at) ? 95 : 0;
}

static int lz4_unwrap(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err)
{
	static const struct mmw_expander lz4 = { "lz4", lz4_starts, FRAME_HEADER, lz4_member };
	uint8_t head[4] = { 0 };
	int rc = mmw_file_read(outer, 0, head, outer->size < 4 ? outer->size : 4, err);

	if (rc)
		return rc;
	if (mmw_get32(head, false) == MAGIC_LEGACY)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is in lz4's legacy format; 'lz4 -dc' unpacks it", outer->name);
	return mmw_expand(outer, &lz4, how, inner, err);
}

const struct mmw_format mmw_format_lz4 = {
	.name = "lz4",
	.summary = "lz4",
	.probe = lz4_probe,
	.unwrap = lz4_unwrap,
};

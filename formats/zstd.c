/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zstd files (RFC 8878): frames, one after the other; pzstd and the seekable format put skippable frames among them.
 *
 *   frame   28 b5 2f fd, then a header that may tell the length of what is inside; blocks; perhaps a checksum
 */
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "formats/expand.h"

enum {
	FRAME_HEADER = 18,  /* at most */
	MAGIC = 0xfd2fb528,
};

static bool is_frame(const uint8_t *p, size_t n)
{
	return n >= 5 && mmw_get32(p, false) == MAGIC && !(p[4] & 0x08);
}

static bool zstd_starts(const uint8_t *p, size_t n)
{
	return is_frame(p, n) || (n >= 8 && (mmw_get32(p, false) & ~0xfu) == ZSTD_MAGIC_SKIPPABLE_START);
}

static int zstd_more(struct mmw_expand *x, ZSTD_DCtx *z, struct mmw_err *err)
{
	ZSTD_outBuffer out = { x->out, MMW_EXPAND_OUT, 0 };
	int rc = mmw_expand_fill(x, 1, err);
	ZSTD_inBuffer in;
	size_t left;

	if (rc)
		return rc;
	in = (ZSTD_inBuffer){ x->in, x->n_in, 0 };
	left = ZSTD_decompressStream(z, &out, &in);
	mmw_expand_skip(x, in.pos);
	rc = mmw_expand_put(x, x->out, out.pos, err);
	if (rc)
		return rc;
	if (ZSTD_isError(left) && ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge)
		return mmw_expand_too_large(x, err);
	if (ZSTD_isError(left))
		return mmw_expand_bad(x, ZSTD_getErrorName(left), err);
	if (!left)
		return MMW_EXPAND_WHOLE;
	return in.pos || out.pos || !x->at_end ? MMW_EXPAND_MORE : MMW_EXPAND_CUT;
}

static int zstd_member(struct mmw_expand *x, struct mmw_err *err)
{
	unsigned long long size = ZSTD_getFrameContentSize(x->in, x->n_in);
	uint64_t window = mmw_expand_window(x);
	ZSTD_DCtx *z = ZSTD_createDCtx();
	int rc;

	if (!z)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the zstd decoder");
	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > INT64_MAX - x->promised)
		x->unsure = true;
	else
		x->promised += size;
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 63 - __builtin_clzll(window));
	do
		rc = zstd_more(x, z, err);
	while (rc == MMW_EXPAND_MORE);
	ZSTD_freeDCtx(z);
	return rc;
}

static int zstd_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	size_t at = mmw_expand_skippable(head->base, head->len);

	(void)file_size;
	return is_frame(head->base + at, head->len - at) ? 95 : 0;
}

static int zstd_unwrap(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err)
{
	static const struct mmw_expander zstd = { "zstd", zstd_starts, FRAME_HEADER, zstd_member };

	return mmw_expand(outer, &zstd, how, inner, err);
}

const struct mmw_format mmw_format_zstd = {
	.name = "zstd",
	.summary = "zstd (pzstd)",
	.probe = zstd_probe,
	.unwrap = zstd_unwrap,
};

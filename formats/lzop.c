/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lzop files (lzop 1.04, src/lzop.c and conf.h), which libvirt too makes with save_image_format = "lzop":
 *
 *   magic    89 "LZO" 00 0d 0a 1a 0a
 *   header   u16 version, u16 library version, u16 version needed, u8 method, u8 level, u32 flags, [u32 filter], u32 mode,
 *            u32 mtime, u32 its upper half, u8 length of the name, name, u32 checksum of the header from `version` on;
 *            before 0x940 without version needed, level and the upper half of mtime
 *            [u32 length of an extra field, the field, u32 checksum]
 *   block    u32 length unpacked (0: the end), u32 length packed, then u32 each, as flagged: Adler-32 and CRC-32 of the
 *            unpacked bytes, and where packed is shorter of the packed ones; the bytes, stored where both lengths are equal
 *
 * All big endian. There may be several members. Each method is a compressor of LZO1X, and all have one decompressor.
 */
#include <inttypes.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/expand.h"
#include "formats/unpack.h"

enum {
	MAGIC = 9,
	HEADER_MAX = 34 + 255 + 4,
	BLOCK_MAX = 64 << 20,  /* lzop's own limit */
	PIECE = 64 << 10,
	METHOD_LAST = 3,

	ADLER_UNPACKED = 0x1,
	ADLER_PACKED = 0x2,
	EXTRA_FIELD = 0x40,
	CRC_UNPACKED = 0x100,
	CRC_PACKED = 0x200,
	MULTIPART = 0x400,
	FILTER = 0x800,
	CRC_HEADER = 0x1000,
};

static const uint8_t magic[MAGIC] = { 0x89, 'L', 'Z', 'O', 0, 0x0d, 0x0a, 0x1a, 0x0a };

struct block {
	uint32_t unpacked, packed;
	uint32_t adler, crc, packed_adler, packed_crc;
	uint8_t *in, *out;
	size_t cap_in, cap_out;
	struct mmw_unpack *unpack;
};

static bool lzop_starts(const uint8_t *p, size_t n)
{
	return n >= MAGIC && !memcmp(p, magic, MAGIC);
}

/* A number of the header or of a block. */
static int take_u32(struct mmw_expand *x, uint32_t *out, struct mmw_err *err)
{
	int rc = mmw_expand_fill(x, 4, err);

	if (rc)
		return rc;
	if (x->n_in < 4)
		return MMW_EXPAND_CUT;
	*out = mmw_get32(x->in, true);
	mmw_expand_skip(x, 4);
	return 0;
}

/* The header's length and flags; false when it is not all there. */
static bool parse_header(struct mmw_bytes *b, uint8_t *method, uint32_t *flags)
{
	uint16_t version = 0;
	uint8_t name = 0;
	bool old, ok = !mmw_bytes_skip(b, MAGIC, NULL) && !mmw_bytes_u16(b, &version, NULL);

	old = version < 0x940;
	ok = ok && !mmw_bytes_skip(b, old ? 2 : 4, NULL) && !mmw_bytes_u8(b, method, NULL) &&
	     !mmw_bytes_skip(b, old ? 0 : 1, NULL) && !mmw_bytes_u32(b, flags, NULL);
	return ok && !mmw_bytes_skip(b, (*flags & FILTER ? 4 : 0) + (old ? 8 : 12), NULL) && !mmw_bytes_u8(b, &name, NULL) &&
	       !mmw_bytes_skip(b, name, NULL);
}

static int skip_extra(struct mmw_expand *x, struct mmw_err *err)
{
	uint32_t left = 0, sum;
	int rc = take_u32(x, &left, err);

	while (!rc && left) {
		size_t n;

		rc = mmw_expand_fill(x, 1, err);
		n = x->n_in < left ? x->n_in : left;
		mmw_expand_skip(x, n);
		left -= (uint32_t)n;
		if (!rc && !n)
			return MMW_EXPAND_CUT;
	}
	return rc ? rc : take_u32(x, &sum, err);
}

static int take_header(struct mmw_expand *x, uint32_t *flags, struct mmw_err *err)
{
	int rc = mmw_expand_fill(x, HEADER_MAX, err);
	struct mmw_bytes b = mmw_bytes_of(x->in, x->n_in, true, "lzop header");
	uint8_t method = 0;
	uint32_t want, sum;

	if (rc)
		return rc;
	if (!lzop_starts(x->in, x->n_in))
		return mmw_expand_bad(x, "no lzop header starts here", err);
	if (!parse_header(&b, &method, flags))
		return MMW_EXPAND_CUT;
	want = *flags & CRC_HEADER ? libdeflate_crc32(0, x->in + MAGIC, b.pos - MAGIC) :
		libdeflate_adler32(1, x->in + MAGIC, b.pos - MAGIC);
	mmw_expand_skip(x, b.pos);
	rc = take_u32(x, &sum, err);
	if (rc)
		return rc;
	if (sum != want)
		return mmw_expand_bad(x, "the header's checksum is wrong", err);
	if (!method || method > METHOD_LAST || *flags & (MULTIPART | FILTER))
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "the lzop data has a method, a filter or parts that only lzop knows");
	return *flags & EXTRA_FIELD ? skip_extra(x, err) : 0;
}

static int take_block_header(struct mmw_expand *x, uint32_t flags, struct block *b, struct mmw_err *err)
{
	int rc = take_u32(x, &b->unpacked, err);

	if (rc || !b->unpacked)
		return rc;
	rc = take_u32(x, &b->packed, err);
	if (!rc && (b->unpacked > BLOCK_MAX || !b->packed || b->packed > b->unpacked))
		return mmw_expand_bad(x, "a block with lengths that make no sense", err);
	if (!rc && flags & ADLER_UNPACKED)
		rc = take_u32(x, &b->adler, err);
	if (!rc && flags & CRC_UNPACKED)
		rc = take_u32(x, &b->crc, err);
	if (!rc && flags & ADLER_PACKED && b->packed < b->unpacked)
		rc = take_u32(x, &b->packed_adler, err);
	if (!rc && flags & CRC_PACKED && b->packed < b->unpacked)
		rc = take_u32(x, &b->packed_crc, err);
	return rc;
}

static int make_room(uint8_t **buf, size_t *cap, size_t need, struct mmw_err *err)
{
	uint8_t *grown;

	if (need <= *cap)
		return 0;
	grown = realloc(*buf, need);
	if (!grown)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a block of %zu bytes", need);
	*buf = grown;
	*cap = need;
	return 0;
}

/* The block's bytes as they are in the file. Room for them grows with what is really there. */
static int take_bytes(struct mmw_expand *x, struct block *b, struct mmw_err *err)
{
	size_t got = 0;
	int rc = 0;

	while (!rc && got < b->packed) {
		size_t n = b->packed - got;

		rc = mmw_expand_fill(x, PIECE, err);
		if (!rc && !x->n_in)
			return MMW_EXPAND_CUT;
		n = x->n_in < n ? x->n_in : n;
		rc = rc ? rc : make_room(&b->in, &b->cap_in, got + n, err);
		if (rc)
			return rc;
		memcpy(b->in + got, x->in, n);
		mmw_expand_skip(x, n);
		got += n;
	}
	return rc;
}

static bool sums_agree(uint32_t flags, uint32_t adler_flag, uint32_t adler, uint32_t crc_flag, uint32_t crc,
		       const uint8_t *p, size_t n)
{
	return (!(flags & adler_flag) || libdeflate_adler32(1, p, n) == adler) &&
	       (!(flags & crc_flag) || libdeflate_crc32(0, p, n) == crc);
}

static int unpack_block(struct mmw_expand *x, uint32_t flags, struct block *b, struct mmw_err *err)
{
	const uint8_t *bytes = b->in;
	int rc = 0;

	if (b->packed < b->unpacked) {
		if (!sums_agree(flags, ADLER_PACKED, b->packed_adler, CRC_PACKED, b->packed_crc, b->in, b->packed))
			return mmw_expand_bad(x, "a block's checksum is wrong", err);
		rc = make_room(&b->out, &b->cap_out, b->unpacked, err);
		if (rc)
			return rc;
		if (mmw_unpack(b->unpack, MMW_CODEC_LZO, b->in, b->packed, b->out, b->unpacked, err))
			return mmw_expand_bad(x, "a block does not decompress", err);
		bytes = b->out;
	}
	if (!sums_agree(flags, ADLER_UNPACKED, b->adler, CRC_UNPACKED, b->crc, bytes, b->unpacked))
		return mmw_expand_bad(x, "a block's checksum is wrong", err);
	return mmw_expand_put(x, bytes, b->unpacked, err);
}

static int lzop_member(struct mmw_expand *x, struct mmw_err *err)
{
	struct block b = { .unpack = mmw_unpack_open() };
	uint32_t flags = 0;
	int rc = b.unpack ? take_header(x, &flags, err) : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the LZO decoder");

	x->unsure = true;
	while (!rc) {
		rc = take_block_header(x, flags, &b, err);
		if (rc || !b.unpacked)
			break;
		rc = take_bytes(x, &b, err);
		rc = rc ? rc : unpack_block(x, flags, &b, err);
	}
	mmw_unpack_close(b.unpack);
	free(b.in);
	free(b.out);
	return rc;
}

static int lzop_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return lzop_starts(head->base, head->len) ? 100 : 0;
}

static int lzop_unwrap(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err)
{
	static const struct mmw_expander lzop = { "lzop", lzop_starts, MAGIC, lzop_member };

	return mmw_expand(outer, &lzop, how, inner, err);
}

const struct mmw_format mmw_format_lzop = {
	.name = "lzop",
	.summary = "lzop",
	.probe = lzop_probe,
	.unwrap = lzop_unwrap,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/bytes.h"

static int short_of(const struct mmw_bytes *b, uint64_t need, struct mmw_err *err)
{
	return mmw_fail(err, MMW_E_CORRUPT, b->pos, "%s: needs %llu bytes at offset %zu, has %zu", b->what,
			(unsigned long long)need, b->pos, mmw_bytes_left(b));
}

int mmw_bytes_seek(struct mmw_bytes *b, uint64_t pos, struct mmw_err *err)
{
	if (pos > b->len)
		return mmw_fail(err, MMW_E_CORRUPT, pos, "%s: offset %llu is past its end at %zu", b->what,
				(unsigned long long)pos, b->len);
	b->pos = pos;
	return 0;
}

int mmw_bytes_skip(struct mmw_bytes *b, uint64_t len, struct mmw_err *err)
{
	if (len > mmw_bytes_left(b))
		return short_of(b, len, err);
	b->pos += len;
	return 0;
}

int mmw_bytes_take(struct mmw_bytes *b, uint64_t len, const uint8_t **out, struct mmw_err *err)
{
	if (len > mmw_bytes_left(b))
		return short_of(b, len, err);
	*out = b->base + b->pos;
	b->pos += len;
	return 0;
}

int mmw_bytes_u8(struct mmw_bytes *b, uint8_t *out, struct mmw_err *err)
{
	if (mmw_bytes_left(b) < 1)
		return short_of(b, 1, err);
	*out = b->base[b->pos++];
	return 0;
}

int mmw_bytes_u16(struct mmw_bytes *b, uint16_t *out, struct mmw_err *err)
{
	if (mmw_bytes_left(b) < 2)
		return short_of(b, 2, err);
	*out = mmw_get16(b->base + b->pos, b->big_endian);
	b->pos += 2;
	return 0;
}

int mmw_bytes_u32(struct mmw_bytes *b, uint32_t *out, struct mmw_err *err)
{
	if (mmw_bytes_left(b) < 4)
		return short_of(b, 4, err);
	*out = mmw_get32(b->base + b->pos, b->big_endian);
	b->pos += 4;
	return 0;
}

int mmw_bytes_u64(struct mmw_bytes *b, uint64_t *out, struct mmw_err *err)
{
	if (mmw_bytes_left(b) < 8)
		return short_of(b, 8, err);
	*out = mmw_get64(b->base + b->pos, b->big_endian);
	b->pos += 8;
	return 0;
}

int mmw_bytes_word(struct mmw_bytes *b, unsigned size, uint64_t *out, struct mmw_err *err)
{
	uint32_t half = 0;
	int rc;

	if (size == 8)
		return mmw_bytes_u64(b, out, err);
	rc = mmw_bytes_u32(b, &half, err);
	if (!rc)
		*out = half;
	return rc;
}

int mmw_bytes_sub(const struct mmw_bytes *b, uint64_t off, uint64_t len, struct mmw_bytes *out, struct mmw_err *err)
{
	if (!mmw_fits(off, len, b->len))
		return mmw_fail(err, MMW_E_CORRUPT, off, "%s: bytes %llu+%llu lie outside its %zu", b->what,
				(unsigned long long)off, (unsigned long long)len, b->len);
	*out = *b;
	out->base += off;
	out->len = len;
	out->pos = 0;
	return 0;
}

void mmw_hex_text(const void *bytes, size_t len, char *text)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++) {
		*text++ = digits[b[i] >> 4];
		*text++ = digits[b[i] & 15];
	}
	*text = '\0';
}

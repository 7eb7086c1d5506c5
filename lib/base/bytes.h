/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A checked cursor over bytes that came from outside: the only way structured data of an image is read.
 *
 * Reading past the end is MMW_E_CORRUPT with the cursor's name and position in the message; the cursor then stays
 * where it was. `base` is borrowed and must outlive the cursor.
 */
#ifndef MMW_BASE_BYTES_H
#define MMW_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/err.h"

struct mmw_bytes {
	const uint8_t *base;
	size_t len, pos;
	bool big_endian;
	const char *what;  /* what these bytes are, for messages; borrowed */
};

static inline struct mmw_bytes mmw_bytes_of(const void *base, size_t len, bool big_endian, const char *what)
{
	return (struct mmw_bytes){ .base = base, .len = len, .big_endian = big_endian, .what = what };
}

static inline size_t mmw_bytes_left(const struct mmw_bytes *b)
{
	return b->len - b->pos;
}

int mmw_bytes_seek(struct mmw_bytes *b, uint64_t pos, struct mmw_err *err);
int mmw_bytes_skip(struct mmw_bytes *b, uint64_t len, struct mmw_err *err);
int mmw_bytes_u8(struct mmw_bytes *b, uint8_t *out, struct mmw_err *err);
int mmw_bytes_u16(struct mmw_bytes *b, uint16_t *out, struct mmw_err *err);
int mmw_bytes_u32(struct mmw_bytes *b, uint32_t *out, struct mmw_err *err);
int mmw_bytes_u64(struct mmw_bytes *b, uint64_t *out, struct mmw_err *err);

/* A word of 4 or 8 bytes, widened. */
int mmw_bytes_word(struct mmw_bytes *b, unsigned size, uint64_t *out, struct mmw_err *err);

/* Borrow `len` bytes at the cursor and step over them. */
int mmw_bytes_take(struct mmw_bytes *b, uint64_t len, const uint8_t **out, struct mmw_err *err);

/* A cursor of its own over [off, off + len). The parent's position does not move. */
int mmw_bytes_sub(const struct mmw_bytes *b, uint64_t off, uint64_t len, struct mmw_bytes *out, struct mmw_err *err);

/* Unaligned loads in a stated byte order; the caller has checked the bounds. */
static inline uint16_t mmw_get16(const void *p, bool be)
{
	const uint8_t *b = p;

	return be ? (uint16_t)(b[0] << 8 | b[1]) : (uint16_t)(b[1] << 8 | b[0]);
}

static inline uint32_t mmw_get32(const void *p, bool be)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return be == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? v : __builtin_bswap32(v);
}

static inline uint64_t mmw_get64(const void *p, bool be)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return be == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? v : __builtin_bswap64(v);
}

static inline uint64_t mmw_get_word(const void *p, unsigned size, bool be)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return mmw_get16(p, be);
	case 4:
		return mmw_get32(p, be);
	default:
		return mmw_get64(p, be);
	}
}

/* The other way: `size` bytes (1 to 8) of v. */
static inline void mmw_put_word(uint8_t *p, uint64_t v, unsigned size, bool be)
{
	for (unsigned i = 0; i < size; i++)
		p[i] = (uint8_t)(v >> 8 * (be ? size - 1 - i : i));
}

/* Are all of them zero? At least one byte. */
static inline bool mmw_all_zero(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	return !p[0] && !memcmp(p, p + 1, len - 1);
}

static inline uint64_t mmw_min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t mmw_max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Lower-case hex digits of len bytes, in the order of memory; `text` holds 2 * len + 1 characters. */
void mmw_hex_text(const void *bytes, size_t len, char *text);

/* a + b <= limit without wrapping. */
static inline bool mmw_fits(uint64_t a, uint64_t b, uint64_t limit)
{
	return a <= limit && b <= limit - a;
}

#endif

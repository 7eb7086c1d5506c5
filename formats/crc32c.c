/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables take more than half as long as snappy needs to unpack what they check (28 us for 64 KiB); the instruction that
 * x86 has for it, an eighth (6 us). Hence both.
 */
#include "formats/crc32c.h"

#include "lib/base/bytes.h"

static const uint32_t polynomial = 0x82f63b78;  /* bits reversed */

void mmw_crc32c_init(struct mmw_crc32c *c)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int bit = 0; bit < 8; bit++)
			v = v >> 1 ^ (v & 1 ? polynomial : 0);
		c->table[0][i] = v;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			c->table[k][i] = c->table[k - 1][i] >> 8 ^ c->table[0][c->table[k - 1][i] & 0xff];
	c->by_cpu = false;
#ifdef __x86_64__
	c->by_cpu = __builtin_cpu_supports("sse4.2");
#endif
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t run_cpu(uint32_t start, const uint8_t *p, size_t len)
{
	uint64_t v = start;

	for (; len >= 8; p += 8, len -= 8)
		v = __builtin_ia32_crc32di(v, mmw_get64(p, false));
	for (; len; p++, len--)
		v = __builtin_ia32_crc32qi((uint32_t)v, *p);
	return (uint32_t)v;
}
#endif

/* Eight bytes at a time: each has a table of its own. */
static uint32_t run_tables(const struct mmw_crc32c *c, uint32_t v, const uint8_t *p, size_t len)
{
	const uint32_t (*t)[256] = c->table;

	for (; len >= 8; p += 8, len -= 8) {
		uint32_t lo = mmw_get32(p, false) ^ v, hi = mmw_get32(p + 4, false);

		v = t[7][lo & 0xff] ^ t[6][lo >> 8 & 0xff] ^ t[5][lo >> 16 & 0xff] ^ t[4][lo >> 24] ^ t[3][hi & 0xff] ^
		    t[2][hi >> 8 & 0xff] ^ t[1][hi >> 16 & 0xff] ^ t[0][hi >> 24];
	}
	for (; len; p++, len--)
		v = v >> 8 ^ t[0][(v ^ *p) & 0xff];
	return v;
}

uint32_t mmw_crc32c(const struct mmw_crc32c *c, const void *bytes, size_t len)
{
#ifdef __x86_64__
	if (c->by_cpu)
		return ~run_cpu(UINT32_MAX, bytes, len);
#endif
	return ~run_tables(c, UINT32_MAX, bytes, len);
}

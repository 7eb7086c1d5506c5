/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a kernel's image that may hold a __ksymtab. The first byte says word size (bit 0), byte order (1), and
 * whether a table is laid over the bytes (2): 24 entries of three fields at 64, their names behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/sym/ksymtab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BASE = 0xc0000000, ENTRIES = 24, TABLE = 64, NAMES = 1024, LEAST = 2048 };

struct memory {
	uint8_t *bytes;
	size_t size;
};

static int read_memory(void *ctx, uint64_t addr, void *buf, size_t len, struct mmw_err *err)
{
	const struct memory *m = ctx;

	if (addr < BASE || addr - BASE > m->size || len > m->size - (addr - BASE))
		return mmw_fail(err, MMW_E_NOTPRESENT, addr, "outside");
	memcpy(buf, m->bytes + (addr - BASE), len);
	return 0;
}

static void put32(uint8_t *to, uint32_t v, bool be)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> 8 * (be ? 3 - i : i));
}

/* Each byte of the input takes some of it away again. */
static void lay_table(struct memory *m, bool be)
{
	for (uint32_t i = 0; i < ENTRIES; i++) {
		uint32_t at = TABLE + 12 * i, name = NAMES + 16 * i;

		strcpy((char *)m->bytes + name, i ? "exported" : "cpu_bit_bitmap");
		put32(m->bytes + at, 0x100 - at, be);
		put32(m->bytes + at + 4, name - at - 4, be);
	}
	for (size_t i = LEAST; i < m->size; i++)
		m->bytes[(i * 37 + m->bytes[i] * 256u) % LEAST] ^= m->bytes[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory m = { .size = size + LEAST };
	struct mmw_mem mem = { read_memory, &m, false };
	struct mmw_symtab *t;
	struct mmw_ksym sym;
	uint64_t place;
	size_t pos = 0;

	m.bytes = size ? calloc(1, m.size) : NULL;
	if (!m.bytes)
		return 0;
	memcpy(m.bytes + LEAST, data, size);
	mem.big_endian = data[0] & 2;
	if (data[0] & 4)
		lay_table(&m, mem.big_endian);
	if (!mmw_ksymtab_open(&mem, BASE, m.size, data[0] & 1 ? 8 : 4, &t, &place, NULL)) {
		mmw_symtab_by_name(t, "exported", &pos, &sym);
		mmw_symtab_by_name(t, "none", &pos, &sym);
		mmw_symtab_close(t);
	}
	free(m.bytes);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as memory that may hold kallsyms tables. The first byte says word size, byte order, and where memory
 * starts. */
#include <stdlib.h>
#include <string.h>

#include "lib/sym/kallsyms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SYMBOLS_MAX = 3000, PAGE = 4096 };

struct area {
	uint64_t base;
	const uint8_t *bytes;
	size_t len;
};

static int area_read(void *ctx, uint64_t addr, void *buf, size_t len, struct mmw_err *err)
{
	const struct area *a = ctx;

	if (addr < a->base || len > a->len || addr - a->base > a->len - len)
		return mmw_fail(err, MMW_E_NODATA, addr, "outside");
	memcpy(buf, a->bytes + (addr - a->base), len);
	return 0;
}

static void ask(struct mmw_kallsyms *ks)
{
	size_t n = mmw_kallsyms_count(ks), index, pos;
	uint64_t before = 0;
	struct mmw_ksym s, same;

	for (size_t i = 0; i < n && i < SYMBOLS_MAX; i++) {
		if (mmw_kallsyms_at(ks, i, &s, NULL) || s.addr < before || !memchr(s.name, 0, sizeof(s.name)))
			abort();
		before = s.addr;
		pos = i;
		/* A hostile name may be longer than any kernel's, and is then cut off. */
		if (strlen(s.name) + 1 < sizeof(s.name) &&
		    (!mmw_kallsyms_by_name(ks, s.name, &pos, &same) || strcmp(s.name, same.name)))
			abort();
		if (!mmw_kallsyms_by_addr(ks, s.addr, &index) || mmw_kallsyms_addr(ks, index) != s.addr || index > i)
			abort();
	}
	mmw_kallsyms_rebase(ks, 0x1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t bases[] = { 0, 0x1000, 0xffffffff81000000, 0xc0100000 };
	size_t padded = (size + PAGE) & ~(size_t)(PAGE - 1), at = 0;
	uint8_t *memory;
	struct area a;
	struct mmw_mem mem;

	/* Memory is whole pages. */
	if (!size || !(memory = calloc(1, padded)))
		return 0;
	memcpy(memory, data + 1, size - 1);
	a = (struct area){ bases[data[0] >> 2 & 3], memory, padded };
	mem = (struct mmw_mem){ area_read, &a, data[0] & 2 };
	for (int n = 0; n < 8 && (at = mmw_kallsyms_landmark(a.bytes, a.len, at)) != SIZE_MAX; n++, at++) {
		struct mmw_kallsyms *ks;
		uint64_t table;

		if (at > a.len - 20)
			abort();
		if (mmw_kallsyms_token_table(&mem, a.base + at, &table, NULL) ||
		    mmw_kallsyms_open(&mem, table, data[0] & 1 ? 8 : 4, &ks, NULL))
			continue;
		ask(ks);
		mmw_kallsyms_close(ks);
	}
	free(memory);
	return 0;
}

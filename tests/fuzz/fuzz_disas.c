/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as code. The first byte says for which machine (bits 0 and 1) and with which flags (2 to 4), the second
 * where it runs. Records must cover the bytes from end to end, and with text they are the same as without.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/sym/disas.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 2, SIZE_MAX_READ = 1 << 16 };

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct mmw_insn *in, uint64_t at, const uint8_t *bytes, size_t left)
{
	demand(in->va == at && in->len && in->len <= MMW_INSN_BYTES && in->len <= left);
	demand(!memcmp(in->bytes, bytes, in->len));
	demand(memchr(in->text, '\0', sizeof(in->text)));
	demand(in->has_target || !in->target);
	demand(!in->has_target || (in->flow != MMW_FLOW_ON && in->flow != MMW_FLOW_END));
	demand((in->use == MMW_USE_NONE) == (in->place == MMW_PLACE_NONE));
	demand(in->place != MMW_PLACE_NONE || (!in->root && !in->off));
	demand(!in->bad || (in->flow == MMW_FLOW_ON && !in->has_target && in->use == MMW_USE_NONE));
}

/* The sum of all that was said, texts apart. */
static uint64_t read_all(struct mmw_disas *d, uint64_t va, const uint8_t *bytes, size_t len, bool text)
{
	uint64_t sum = 0;
	struct mmw_insn in;
	size_t at = 0;

	demand(!mmw_disas_code(d, va, bytes, len, NULL));
	while (mmw_disas_next(d, text, &in)) {
		check(&in, va + at, bytes + at, len - at);
		demand(text == (in.text[0] != '\0'));
		at += in.len;
		sum = (sum ^ in.target ^ in.root ^ (uint64_t)in.off ^ in.use ^ in.flow << 8 ^ in.bad) * 0x100000001b3;
	}
	demand(at == len);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned machines[] = { EM_X86_64, EM_AARCH64, EM_ARM, EM_386 };
	static const uint64_t places[] = { 0, 0xc0100000, 0xffffffff81000000, UINT64_MAX - 0x7ff };
	struct mmw_disas *d;
	uint64_t va;
	size_t len;

	if (size < HEAD)
		return 0;
	len = size - HEAD < SIZE_MAX_READ ? size - HEAD : SIZE_MAX_READ;
	va = places[data[1] % mmw_array_len(places)] + (data[1] >> 2);
	demand(!mmw_disas_open(machines[data[0] & 3], data[0] >> 2 & 7, &d, NULL));
	demand(read_all(d, va, data + HEAD, len, false) == read_all(d, va, data + HEAD, len, true));
	mmw_disas_close(d);
	return 0;
}

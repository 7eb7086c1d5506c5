/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking for things in the kernel's own image that no symbol names. */
#include <stdlib.h>
#include <string.h>

#include "lib/kernel/bound.h"

enum {
	REACH = 96 << 20,   /* from its text, no kernel's read-only data ends behind this */
	CHUNK = 1 << 20,
	PIECE = 64 << 10,   /* what is not mapped is skipped in such pieces */
	MARK_MAX = 64,
};

void mmw_image_window(const struct mmw_kernel *k, uint64_t *va, uint64_t *len)
{
	uint64_t text;

	*va = *len = 0;
	if (mmw_kernel_symbol_listed(k, "_stext", &text) && mmw_kernel_symbol_listed(k, "_text", &text))
		return;
	*va = text & ~(uint64_t)(CHUNK - 1);
	*len = REACH;
	if (k->arch->image_last - *va < *len)
		*len = k->arch->image_last - *va + 1;
}

/* What cannot be read is zero, and so is what lies behind the end. */
static void read_chunk(struct mmw_kernel *k, uint64_t va, uint8_t *buf, uint64_t len)
{
	for (uint64_t at = 0; at < len; at += PIECE) {
		uint64_t n = len - at < PIECE ? len - at : PIECE;

		if (mmw_vm_read(&k->vm, va + at, buf + at, n, NULL))
			memset(buf + at, 0, n);
	}
}

bool mmw_image_find(struct mmw_kernel *k, const void *mark, size_t mark_len, unsigned align,
		    bool (*accept)(void *ctx, uint64_t va), void *ctx, uint64_t *va)
{
	uint8_t *buf = malloc(CHUNK + MARK_MAX);
	uint64_t first, len;
	bool found = false;

	if (!buf || mark_len > MARK_MAX) {
		free(buf);
		return false;
	}
	mmw_image_window(k, &first, &len);
	for (uint64_t at = 0; at < len && !found; at += CHUNK) {
		const uint8_t *hit = buf, *end = buf + CHUNK + mark_len - 1;

		read_chunk(k, first + at, buf, CHUNK + mark_len - 1);
		while (!found && (hit = memmem(hit, end - hit, mark, mark_len))) {
			*va = first + at + (hit - buf);
			found = *va % align == 0 && accept(ctx, *va);
			hit++;
		}
	}
	free(buf);
	return found;
}

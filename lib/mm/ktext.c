/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/ktext.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 1 << 16,
	LONGEST = 64,         /* of what a string starts with; chunks overlap by that */
	IMAGE_MAX = 96 << 20, /* bytes behind _etext, where no symbol tells the image's end */
};

struct search {
	struct mmw_ktext *wanted;
	size_t n;
	bool first[256];  /* characters that one of them starts with */
};

static void look(struct search *s, uint64_t va, const uint8_t *bytes, size_t len)
{
	const uint8_t *at = bytes, *end = bytes + len;

	while ((at = memchr(at, 0, (size_t)(end - at))) && ++at < end) {
		if (!s->first[*at])
			continue;
		for (size_t i = 0; i < s->n; i++) {
			size_t size = strlen(s->wanted[i].start);

			if (!s->wanted[i].va && size <= (size_t)(end - at) && !memcmp(at, s->wanted[i].start, size))
				s->wanted[i].va = va + (uint64_t)(at - bytes);
		}
	}
}

/* The image behind the code: read-only data is there, and on no architecture before it. */
static bool extent_of(struct mmw_kernel *k, uint64_t *va, uint64_t *end)
{
	uint64_t page = 1ull << mmw_kernel_page_shift(k);

	if (mmw_kernel_symbol(k, "_etext", va, NULL, NULL))
		return false;
	*va &= ~(page - 1);
	if (mmw_kernel_symbol(k, "_end", end, NULL, NULL) || *end < *va || *end - *va > IMAGE_MAX)
		*end = *va + IMAGE_MAX;
	return *end > *va;
}

uint64_t mmw_ktext_find(struct mmw_kernel *k, struct mmw_ktext *wanted, size_t n)
{
	struct search s = { .wanted = wanted, .n = n };
	uint64_t va, end, page = 1ull << mmw_kernel_page_shift(k), seen = 0;
	uint8_t *bytes = malloc(CHUNK);

	assert(n <= MMW_KTEXT_MAX);
	for (size_t i = 0; i < n; i++) {
		assert(strlen(wanted[i].start) <= LONGEST);
		wanted[i].va = 0;
		s.first[(uint8_t)wanted[i].start[0]] = true;
	}
	if (!bytes || !extent_of(k, &va, &end)) {
		free(bytes);
		return 0;
	}
	while (va < end) {
		size_t got = mmw_vm_read_some(mmw_kernel_vm(k), va, bytes, CHUNK, NULL);

		look(&s, va, bytes, got);
		seen += got;
		va = got == CHUNK ? va + CHUNK - LONGEST - 1 : (va + got + page) & ~(page - 1);
	}
	free(bytes);
	return seen;
}

void mmw_ktext_read(struct mmw_kernel *k, uint64_t va, char *buf, size_t size)
{
	size_t got = va ? mmw_vm_read_some(mmw_kernel_vm(k), va, buf, size - 1, NULL) : 0;

	buf[got] = '\0';
}

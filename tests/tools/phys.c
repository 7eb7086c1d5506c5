/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/phys.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t zero_page[PHYS_PAGE];

void phys_fini(struct phys *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->pages[i].bytes);
	free(p->pages);
	blob_fini(&p->vmcoreinfo);
	*p = (struct phys){ 0 };
}

/* Index of the first page at or above pfn. */
static size_t lower(const struct phys *p, uint64_t pfn)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->pages[mid].pfn < pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct phys_page *phys_find(const struct phys *p, uint64_t pfn)
{
	size_t i = lower(p, pfn);

	return i < p->n && p->pages[i].pfn == pfn ? &p->pages[i] : NULL;
}

static void add_page(struct phys *p, uint64_t pfn, enum phys_state state)
{
	size_t i = lower(p, pfn);

	if (i < p->n && p->pages[i].pfn == pfn) {
		p->pages[i].state = state;
		return;
	}
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->pages = xrealloc(p->pages, p->cap * sizeof(*p->pages));
	}
	memmove(p->pages + i + 1, p->pages + i, (p->n - i) * sizeof(*p->pages));
	p->pages[i] = (struct phys_page){ pfn, state, NULL };
	p->n++;
}

void phys_add(struct phys *p, uint64_t pa, uint64_t len, enum phys_state state)
{
	if (pa % PHYS_PAGE || len % PHYS_PAGE)
		die("memory at %llx of %llx bytes is not whole pages", (unsigned long long)pa, (unsigned long long)len);
	for (uint64_t at = 0; at < len; at += PHYS_PAGE)
		add_page(p, (pa + at) / PHYS_PAGE, state);
}

void phys_write(struct phys *p, uint64_t pa, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;

	while (n) {
		struct phys_page *page = phys_find(p, pa / PHYS_PAGE);
		size_t in = pa % PHYS_PAGE, part = PHYS_PAGE - in < n ? PHYS_PAGE - in : n;

		if (!page || page->state == PHYS_ABSENT)
			die("a write to %llx, where no memory is", (unsigned long long)pa);
		if (!page->bytes) {
			page->bytes = xrealloc(NULL, PHYS_PAGE);
			memset(page->bytes, 0, PHYS_PAGE);
		}
		memcpy(page->bytes + in, from, part);
		pa += part;
		from += part;
		n -= part;
	}
}

void phys_put(struct phys *p, uint64_t pa, uint64_t v, unsigned size)
{
	uint8_t raw[8];

	put_uint(raw, v, size, p->big_endian);
	phys_write(p, pa, raw, size);
}

uint64_t phys_get64(const struct phys *p, uint64_t pa)
{
	const struct phys_page *page = phys_find(p, pa / PHYS_PAGE);
	const uint8_t *raw = page ? phys_page_bytes(page) + pa % PHYS_PAGE : zero_page;
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | raw[p->big_endian ? i : 7 - i];
	return v;
}

const uint8_t *phys_page_bytes(const struct phys_page *page)
{
	return page->bytes ? page->bytes : zero_page;
}

size_t phys_run(const struct phys *p, size_t i)
{
	size_t n = 1;

	while (i + n < p->n && p->pages[i + n].pfn == p->pages[i].pfn + n && p->pages[i + n].state == p->pages[i].state)
		n++;
	return n;
}

bool phys_flat(const struct phys *p)
{
	return p->n && p->pages[0].pfn == 0 && p->pages[0].state == PHYS_STORED && phys_run(p, 0) == p->n;
}

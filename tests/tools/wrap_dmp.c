/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows crash dumps of a machine that need not run Windows. */
#include <string.h>

#include "tests/tools/wrap_containers.h"

enum { HEADER64 = 0x2000, HEADER32 = 0x1000, RUNS_MAX64 = 43 };

struct run {
	uint64_t pfn, n;
};

/* Of memory, whether it was dumped or not, or of what was. */
static unsigned runs_of(const struct phys *p, bool stored, struct run *out, unsigned max)
{
	unsigned n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (stored && p->pages[i].state != PHYS_STORED)
			continue;
		if (n && out[n - 1].pfn + out[n - 1].n == p->pages[i].pfn) {
			out[n - 1].n++;
			continue;
		}
		if (n == max)
			die("dmp: too many ranges");
		out[n++] = (struct run){ p->pages[i].pfn, 1 };
	}
	return n;
}

static void write_header(const struct phys *p, bool wide, unsigned type, struct blob *out)
{
	unsigned word = wide ? 8 : 4, runs = wide ? 0x88 : 0x64, list = runs + (wide ? 16 : 8);
	const struct phys_cpu *c = p->n_cpus ? &p->cpus[0] : NULL;
	struct run r[RUNS_MAX64];
	unsigned n = runs_of(p, type == 1, r, RUNS_MAX64);

	for (unsigned i = 0; i < (wide ? HEADER64 : HEADER32) / 4; i++)
		blob_add(out, "PAGE", 4);
	memcpy(out->bytes, wide ? "PAGEDU64" : "PAGEDUMP", 8);
	blob_put(out, 0x10, c ? c->cr3 : 0, word, false);
	blob_put(out, wide ? 0x30 : 0x20, wide ? 0x8664 : 0x14c, 4, false);
	blob_put(out, wide ? 0x34 : 0x24, p->n_cpus, 4, false);
	blob_put(out, runs, n, 4, false);
	for (unsigned i = 0; i < n; i++) {
		blob_put(out, list + 2 * word * i, r[i].pfn, word, false);
		blob_put(out, list + 2 * word * i + word, r[i].n, word, false);
	}
	if (c && wide) {
		blob_put(out, 0x348 + 0x30, 0x10000f, 4, false);
		blob_put(out, 0x348 + 0xf8, c->pc, 8, false);
		blob_put(out, 0x348 + 0x98, c->sp, 8, false);
	}
	blob_put(out, wide ? 0xf98 : 0xf88, type, 4, false);
}

static void write_pages(const struct phys *p, struct blob *out)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->pages[i].state == PHYS_STORED)
			blob_add(out, phys_page_bytes(&p->pages[i]), PHYS_PAGE);
}

/* Everything, run after run. */
void wrap_dmp(const struct phys *p, struct blob *out)
{
	write_header(p, true, 1, out);
	write_pages(p, out);
}

void wrap_dmp32(const struct phys *p, struct blob *out)
{
	write_header(p, false, 1, out);
	write_pages(p, out);
}

/* What the bitmap leaves out of the header's runs was filtered. */
void wrap_dmp_bitmap(const struct phys *p, struct blob *out)
{
	uint64_t bits = p->n ? p->pages[p->n - 1].pfn + 3 : 0;
	size_t start = HEADER64, map = start + 0x38;

	write_header(p, true, 5, out);
	blob_add(out, "FDMPDUMP", 8);
	blob_pad_to(out, map + (bits + 7) / 8);
	blob_align(out, PHYS_PAGE);
	blob_put(out, start + 0x20, out->len, 8, false);
	blob_put(out, start + 0x30, bits, 8, false);
	for (size_t i = 0; i < p->n; i++)
		if (p->pages[i].state == PHYS_STORED)
			out->bytes[map + p->pages[i].pfn / 8] |= (uint8_t)(1u << p->pages[i].pfn % 8);
	write_pages(p, out);
}

/* A list of ranges, which ends with one from page 0 on. */
void wrap_dmp_list(const struct phys *p, struct blob *out)
{
	size_t start = HEADER64;

	write_header(p, true, 8, out);
	blob_uint(out, 0x40, 4, false);
	blob_add(out, "RDMPDUMP", 8);
	blob_pad_to(out, start + 0x30);
	for (size_t i = 0, n; i < p->n; i += n) {
		n = phys_run(p, i);
		if (p->pages[i].state != PHYS_STORED)
			continue;
		blob_uint(out, p->pages[i].pfn, 8, false);
		blob_uint(out, n, 8, false);
	}
	blob_add(out, NULL, 32);
	blob_put(out, start + 0x18, out->len, 8, false);
	write_pages(p, out);
}

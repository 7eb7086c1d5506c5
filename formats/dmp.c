/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows crash dumps, little endian: a header of one page ("PAGEDUMP", 32-bit) or two ("PAGEDU64"), then pages.
 *
 *   offset 64 (32)   0x10 (0x10) directory table base, 0x30 (0x20) machine, 0x34 (0x24) CPUs, (0x5c) PAE u8,
 *                    0x88 (0x64) runs of physical memory: u32 how many, pages in all, {first page, pages} each,
 *                    0x348 (0x320) CONTEXT of the CPU that stopped, 0xf98 (0xf88) type of the dump
 *   type 1           all memory: the pages of the runs, one run after the other
 *   types 2, 5, 6    behind the header "SDMP" or "FDMP", "DUMP"; at 0x20 where in the file the pages start, how many
 *                    there are, bits of the bitmap; at 0x38 the bitmap, in which a page that is there has a bit
 *   types 8, 9, 0xa  behind the header 0x40, "RDMP", "DUMP"; at 0x18 where the pages start; at 0x30 {first page,
 *                    pages}, up to there or to a later one that starts at page 0
 *   type 4           a minidump: no physical memory
 *
 * What a bitmap or a list leaves out of the runs was filtered. QEMU writes type 1 (dump-guest-memory -w).
 *
 * QEMU include/qemu/win_dump_defs.h, dump/win_dump.c; volatility3 framework/symbols/windows/crash*.json; kdmp-parser
 * src/lib/kdmp-parser-structs.h (types above 5).
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	PAGE = 4096,
	PARTS_MAX = 1 << 20,  /* runs of pages that a bitmap or a list may have */
	MAP_CHUNK = 4096,     /* bytes of a bitmap read at once */
	CONTEXT_CONTROL = 1,  /* of CONTEXT's flags: it has Rip and Rsp */
	NARROW_PAE = 0x5c,
};

enum dump_type {
	DUMP_FULL = 1, DUMP_KERNEL = 2, DUMP_MINI = 4, DUMP_BITMAP = 5, DUMP_LIVE = 6, DUMP_LIST = 8,
	DUMP_LIST_ALL = 0xa
};

/* Where a header of either width has its fields. */
struct layout {
	unsigned word, pages, machine, cpus, runs, runs_max, run_list, type;
	unsigned context, context_flags, context_pc, context_sp;
	uint32_t context_machine;  /* of CONTEXT's flags */
};

static const struct layout wide = { 8, 2, 0x30, 0x34, 0x88, 43, 0x10, 0xf98, 0x348, 0x30, 0xf8, 0x98, 0x100000 };
static const struct layout narrow = { 4, 1, 0x20, 0x24, 0x64, 86, 8, 0xf88, 0x320, 0, 0xb8, 0xc4, 0x10000 };

struct dump {
	struct mmw_image *img;
	const struct layout *l;
	uint8_t head[PAGE];
	uint64_t at;    /* where the next page lies */
	size_t parts;
	struct mmw_err *err;
};

static int dmp_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return head->len >= 8 && (!memcmp(head->base, "PAGEDU64", 8) || !memcmp(head->base, "PAGEDUMP", 8)) ? 100 : 0;
}

/* Pages [first, first + n), which follow in the file. */
static int add_pages(struct dump *d, uint64_t first, uint64_t n)
{
	int rc;

	if (d->parts++ == PARTS_MAX)
		return mmw_fail(d->err, MMW_E_LIMIT, 0, "more than %d runs of pages", PARTS_MAX);
	if (!mmw_fits(first, n, UINT64_MAX / PAGE) || !mmw_fits(d->at, n * PAGE, UINT64_MAX))
		return mmw_fail(d->err, MMW_E_CORRUPT, first, "%" PRIu64 " pages from 0x%" PRIx64 " on are "
				"more than there can be", n, first);
	rc = mmw_image_add_extent(d->img, first * PAGE, n * PAGE, d->at, MMW_STORED, d->err);
	d->at += n * PAGE;
	return rc;
}

/* The runs of the header, or how they are in a bitmap's: those that other pages are left out of. */
static int add_runs(struct dump *d, bool stored)
{
	const uint8_t *p = d->head + d->l->runs;
	uint32_t n = mmw_get32(p, false);
	int rc = 0;

	if (n > d->l->runs_max && !stored)
		return 0;
	if (n > d->l->runs_max)
		return mmw_fail(d->err, MMW_E_CORRUPT, d->l->runs, "%" PRIu32 " runs of memory, of which its "
				"header has room for %u", n, d->l->runs_max);
	p += d->l->run_list;
	for (uint32_t i = 0; !rc && i < n; i++, p += 2 * d->l->word) {
		uint64_t first = mmw_get_word(p, d->l->word, false);
		uint64_t pages = mmw_get_word(p + d->l->word, d->l->word, false);

		if (stored)
			rc = add_pages(d, first, pages);
		else if (mmw_fits(first, pages, UINT64_MAX / PAGE))
			rc = mmw_image_add_extent(d->img, first * PAGE, pages * PAGE, 0, MMW_EXCLUDED, d->err);
	}
	return rc;
}

/* What stands behind the header of a dump that is not of all memory. */
static int read_second(struct dump *d, const char *mark, size_t at, uint8_t out[0x38])
{
	int rc = mmw_file_read(d->img->file, d->l->pages * PAGE, out, 0x38, d->err);

	if (!rc && memcmp(out + at, mark, strlen(mark)))
		rc = mmw_fail(d->err, MMW_E_CORRUPT, d->l->pages * PAGE, "the list of pages is not where it should be");
	return mmw_wrap(d->err, rc, "behind the header");
}

static int add_bitmap(struct dump *d)
{
	uint8_t second[0x38], map[MAP_CHUNK];
	uint64_t bits, at = d->l->pages * PAGE + sizeof(second), first = 0, pfn = 0;
	bool in_run = false;
	int rc = read_second(d, "DUMP", 4, second);

	if (rc)
		return rc;
	d->at = mmw_get64(second + 0x20, false);
	bits = mmw_get64(second + 0x30, false);
	if (bits > UINT64_MAX / PAGE - 7 || !mmw_fits(at, (bits + 7) / 8, d->img->file->size))
		return mmw_fail(d->err, MMW_E_CORRUPT, at, "a bitmap of %" PRIu64 " bits does not fit the file", bits);
	while (!rc && pfn < bits) {
		size_t n = (bits - pfn + 7) / 8 < MAP_CHUNK ? (bits - pfn + 7) / 8 : MAP_CHUNK;

		rc = mmw_file_read(d->img->file, at, map, n, d->err);
		for (size_t i = 0; !rc && i < 8 * n && pfn < bits; i++, pfn++) {
			bool set = map[i / 8] >> i % 8 & 1;

			if (set && !in_run)
				first = pfn;
			if (!set && in_run)
				rc = add_pages(d, first, pfn - first);
			in_run = set;
		}
		at += n;
	}
	return rc || !in_run ? rc : add_pages(d, first, bits - first);
}

static int add_list(struct dump *d)
{
	uint8_t second[0x38], entry[16];
	uint64_t at = d->l->pages * PAGE + 0x30, end;
	int rc = read_second(d, "RDMPDUMP", 4, second);

	if (rc)
		return rc;
	d->at = end = mmw_get64(second + 0x18, false);
	for (bool first = true; !rc && mmw_fits(at, sizeof(entry), end); at += sizeof(entry), first = false) {
		rc = mmw_file_read(d->img->file, at, entry, sizeof(entry), d->err);
		if (!rc && !mmw_get64(entry, false) && (!first || !mmw_get64(entry + 8, false)))
			break;
		rc = rc ? rc : add_pages(d, mmw_get64(entry, false), mmw_get64(entry + 8, false));
	}
	return rc;
}

static int add_memory(struct dump *d, uint32_t type)
{
	int rc;

	d->at = d->l->pages * PAGE;
	if (type == DUMP_FULL)
		return add_runs(d, true);
	if (type == DUMP_KERNEL || type == DUMP_BITMAP || type == DUMP_LIVE)
		rc = add_bitmap(d);
	else if (type >= DUMP_LIST && type <= DUMP_LIST_ALL && d->l == &wide)
		rc = add_list(d);
	else
		return mmw_fail(d->err, MMW_E_UNSUPPORTED, 0, "%s of Windows (type %" PRIu32 "): there is no "
				"physical memory in it, or in a form that is not known",
				type == DUMP_MINI ? "a minidump" : "a crash dump", type);
	return rc ? rc : add_runs(d, false);
}

static uint16_t machine_of(uint32_t type)
{
	return type == 0x8664 ? EM_X86_64 : type == 0x14c ? EM_386 : type == 0xaa64 ? EM_AARCH64 : 0;
}

/* The directory table base is the system process's; the context is that of the CPU that stopped the machine. */
static int add_cpu(struct dump *d)
{
	const struct layout *l = d->l;
	const uint8_t *context = d->head + l->context;
	uint64_t table = mmw_get_word(d->head + 0x10, l->word, false);
	struct mmw_cpu *cpu;
	int rc;

	if (!table || (d->img->machine != EM_X86_64 && d->img->machine != EM_386))
		return 0;
	rc = mmw_image_add_cpu(d->img, &cpu, d->err);
	if (rc)
		return rc;
	mmw_cpu_set(cpu, MMW_REG_CR3, table);
	if ((mmw_get32(context + l->context_flags, false) & (l->context_machine | CONTEXT_CONTROL)) ==
	    (l->context_machine | CONTEXT_CONTROL)) {
		mmw_cpu_set(cpu, MMW_REG_PC, mmw_get_word(context + l->context_pc, l->word, false));
		mmw_cpu_set(cpu, MMW_REG_SP, mmw_get_word(context + l->context_sp, l->word, false));
	}
	return 0;
}

static int dmp_open(struct mmw_image *img, struct mmw_err *err)
{
	struct dump d = { .img = img, .err = err };
	uint32_t type;
	int rc = mmw_file_read(img->file, 0, d.head, sizeof(d.head), err);

	if (rc)
		return mmw_wrap(err, rc, "header of the crash dump");
	if (memcmp(d.head, "PAGEDU", 6) || (memcmp(d.head + 6, "64", 2) && memcmp(d.head + 6, "MP", 2)))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "no header of a Windows crash dump");
	d.l = d.head[6] == '6' ? &wide : &narrow;
	type = mmw_get32(d.head + d.l->type, false);
	img->machine = machine_of(mmw_get32(d.head + d.l->machine, false));
	snprintf(img->note, sizeof(img->note), "%s, %s, %" PRIu32 " CPUs",
		 d.l == &wide ? "64-bit" : d.head[NARROW_PAE] == 1 ? "32-bit PAE" : "32-bit",
		 type == DUMP_FULL || type == DUMP_LIST_ALL ? "all memory" : "a part of memory",
		 mmw_get32(d.head + d.l->cpus, false));
	rc = add_memory(&d, type);
	return rc ? rc : add_cpu(&d);
}

const struct mmw_format mmw_format_dmp = {
	.name = "dmp",
	.summary = "Windows crash dumps, QEMU's dump-guest-memory -w",
	.probe = dmp_probe,
	.open = dmp_open,
};

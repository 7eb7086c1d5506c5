/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the blocks of a QEMU stream lie in physical memory, of which the stream says nothing.
 *
 * Main memory is the block that the machine calls its own (pc.ram), or the user's memory back ends, one after the
 * other: ram-node0, ram-node1 by their numbers; else in the stream's order, which is by size, and of the same size as
 * they were made. It starts at the machine's base and is contiguous, but for PCs (hw/i386/pc*.c), where devices
 * have the room below 4 GiB: memory above some limit L is at 4 GiB and on. L follows from the machine and the size of
 * memory unless the user set max-ram-below-4g, and a wrong L moves everything above it. Evidence, the strongest first:
 *
 *   --ram-map     the user says
 *   CMOS          QEMU tells the firmware both sizes there (pc_cmos_init): bytes 34-35 what is above 16 MiB and below
 *                 4 GiB, 5b-5d what is above 4 GiB, in 64 KiB. The battery-backed clock's state is in the stream.
 *   page tables   those the CPUs' registers point to lead from table to table only where memory is where it belongs.
 *                 Without CMOS every likely L is tried, then every MiB; and every order of few back ends whose names
 *                 have no numbers.
 *   the machine   its default, which is then said to be guessed
 *
 * Hot-plugged memory (pc-dimm) lies where the stream does not say: left out, and said. Of the firmware's blocks those
 * are placed that QEMU's own dumps have.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/qemu.h"
#include "lib/base/sweep.h"
#include "lib/base/vec.h"

enum {
	ORDER_MAX = 4,       /* back ends of which every order is tried: 24 */
	SPLITS_MAX = 12,
	TABLES_MAX = 512,    /* of a root's page tables looked at for one guess */
	TABLES_FEW = 8,
	ROOTS_PER_GUESS = 4,
	SOME = 32,           /* one part in this many does not matter */
	CHANGES_FEW = 64,    /* a table that took more of them to send is none */
	ISA_BIOS_MAX = 128 << 10,
	CMOS_EXT = 0x34,
	CMOS_HIGH = 0x5b,
};

#define MIB        (1ull << 20)
#define GIB        (1ull << 30)
#define HIGH_BASE  (4 * GIB)
#define SIZE_UNIT  0x10000ull  /* of the sizes in CMOS */
#define PC_HOLE    0xa0000ull  /* a display's window */
#define PC_HOLE_END 0xc0000ull

enum board_kind { BOARD_FLAT, BOARD_PC, BOARD_MICROVM, BOARD_LOONGARCH };

/* A machine's own name for its memory, and where that starts. */
struct board {
	const char *block;
	enum board_kind kind;
	uint64_t base;
};

static const struct board boards[] = {
	{ "pc.ram", BOARD_PC, 0 },
	{ "microvm.ram", BOARD_MICROVM, 0 },
	{ "mach-virt.ram", BOARD_FLAT, GIB },
	{ "riscv_virt_board.ram", BOARD_FLAT, 2 * GIB },
	{ "riscv.sifive.u.ram", BOARD_FLAT, 2 * GIB },
	{ "riscv.spike.ram", BOARD_FLAT, 2 * GIB },
	{ "loongarch.ram", BOARD_LOONGARCH, 0 },
	{ "sbsa-ref.ram", BOARD_FLAT, 0x10000000000 },
	{ "s390.ram", BOARD_FLAT, 0 },
	{ "ppc_spapr.ram", BOARD_FLAT, 0 },
	{ "pnv.ram", BOARD_FLAT, 0 },
};

/* One way to place main memory. */
struct layout {
	struct board board;
	uint64_t split;  /* of a PC: what is above this goes to 4 GiB. 0: nothing does */
	uint16_t order[QEMU_BLOCKS_MAX];
	size_t n;        /* blocks of main memory; after them, up to n_all, back ends that have no place */
	size_t n_all;
	const char *why;
};

/* --- which blocks --------------------------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);

	return n >= t && !strcmp(name + n - t, tail);
}

/* Firmware, displays and devices' own memory have names of a kind; anything else is somebody's memory back end. */
static bool is_ram_name(const char *name)
{
	static const char *const tails[] = { ".rom", ".bios", "vram", ".mrom", "flash0", "flash1", ".nvram", ".sram" };

	if (!strncmp(name, "/objects/", 9))
		return true;
	if (strchr(name, '/') || !strcmp(name, "mrom"))
		return false;
	for (size_t i = 0; i < mmw_array_len(tails); i++)
		if (ends_in(name, tails[i]))
			return false;
	return true;
}

/* The number at a name's end; -1 without. */
static int64_t number_at_end(const char *name, size_t *prefix)
{
	size_t n = strlen(name);
	int64_t value = 0;

	for (*prefix = n; *prefix && n - *prefix < 9 && name[*prefix - 1] >= '0' && name[*prefix - 1] <= '9'; --*prefix)
		;
	for (size_t i = *prefix; i < n; i++)
		value = value * 10 + (name[i] - '0');
	return *prefix < n ? value : -1;
}

/* Are all of them one word with different numbers? */
static bool are_numbered(const struct qemu *q, const struct layout *l)
{
	const char *first = q->blocks[l->order[0]].name;
	size_t prefix, other;

	if (number_at_end(first, &prefix) < 0)
		return false;
	for (size_t i = 1; i < l->n_all; i++) {
		const char *name = q->blocks[l->order[i]].name;

		if (number_at_end(name, &other) < 0 || other != prefix || strncmp(name, first, prefix))
			return false;
	}
	return true;
}

static int by_number(const void *a, const void *b, void *ctx)
{
	const struct qemu *q = ctx;
	size_t prefix;
	int64_t x = number_at_end(q->blocks[*(const uint16_t *)a].name, &prefix);
	int64_t y = number_at_end(q->blocks[*(const uint16_t *)b].name, &prefix);

	return x < y ? -1 : x > y;
}

/* The machine's own block, or all back ends in their order. True: names or there being only one leave no doubt. */
static bool choose_blocks(const struct qemu *q, struct layout *l)
{
	uint16_t own = 0;
	bool sure;

	for (size_t i = 0; i < q->n_blocks; i++) {
		for (size_t k = 0; k < mmw_array_len(boards); k++) {
			if (strcmp(q->blocks[i].name, boards[k].block))
				continue;
			l->board = boards[k];
			l->n = 1;
			own = (uint16_t)i;
		}
	}
	if (l->n)
		l->order[l->n_all++] = own;
	for (size_t i = 0; i < q->n_blocks; i++)
		if (is_ram_name(q->blocks[i].name) && !(l->n && i == own))
			l->order[l->n_all++] = (uint16_t)i;
	if (l->n)
		return true;
	if (!l->n_all)
		l->order[l->n_all++] = 0;  /* the largest */
	l->n = l->n_all;
	sure = l->n == 1;
	if (!sure && are_numbered(q, l)) {
		qsort_r(l->order, l->n, sizeof(l->order[0]), by_number, (void *)q);
		sure = true;
	}
	return sure;
}

static uint64_t main_size(const struct qemu *q, const struct layout *l)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += q->blocks[l->order[i]].pages * q->page_size;
	return sum;
}

/* --- which machine -------------------------------------------------------------------------------------------- */

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Back ends do not tell the machine; its name does, and where QEMU 10 leaves that out, its devices and CPUs. */
static struct board board_of(const struct mmw_image *img, const struct qemu_devices *d)
{
	const struct qemu *q = img->priv;
	const char *m = q->machine;

	if (starts(m, "microvm"))
		return boards[1];
	if (starts(m, "pc-") || starts(m, "xenfv") || qemu_has_device(d, "/mch") || qemu_has_device(d, "/I440FX"))
		return boards[0];
	if (img->machine == EM_X86_64 || img->machine == EM_386)
		return boards[1];
	if (img->machine == EM_RISCV)
		return boards[3];
	if (starts(m, "virt-") || img->machine == EM_AARCH64 || img->machine == EM_ARM)
		return boards[2];
	return (struct board){ "", BOARD_FLAT, 0 };
}

/* Where a PC's low memory ends when the user did not say. */
static uint64_t default_split(const struct qemu *q, const struct qemu_devices *d, const struct layout *l, uint64_t size)
{
	uint64_t most, limit;
	unsigned minor = 9;

	if (l->board.kind == BOARD_MICROVM)
		return size > 0xc0000000 ? 0xc0000000 : 0;
	if (starts(q->machine, "xenfv"))
		most = limit = 0xf0000000;
	else if (starts(q->machine, "pc-q35") || qemu_has_device(d, "/mch"))
		most = 0xb0000000, limit = 0x80000000;
	else if (sscanf(q->machine, "pc-i440fx-1.%u", &minor) == 1 && minor <= 7)
		most = limit = 0xe0000000;
	else
		most = 0xe0000000, limit = 0xc0000000;
	return size > most || (size == most && most != limit) ? limit : 0;
}

/* The sizes that QEMU told the firmware. False: it did not, or they are of another machine. */
static bool cmos_sizes(const uint8_t *cmos, uint64_t *low, uint64_t *high)
{
	uint64_t ext;

	if (!cmos)
		return false;
	ext = mmw_get16(cmos + CMOS_EXT, false);
	*low = ext ? ext * SIZE_UNIT + (16 << 20) : 0;
	*high = ((uint64_t)mmw_get16(cmos + CMOS_HIGH, false) | (uint64_t)cmos[CMOS_HIGH + 2] << 16) * SIZE_UNIT;
	return *low != 0;
}

/* How many of the back ends, from the first on, make up what CMOS says; the others were plugged in later. */
static bool split_by_cmos(const struct qemu *q, struct layout *l, const uint8_t *cmos)
{
	uint64_t low, high, sum = 0;

	if (!cmos_sizes(cmos, &low, &high))
		return false;
	for (size_t i = 0; i < l->n; i++) {
		sum += q->blocks[l->order[i]].pages * q->page_size;
		if (sum < low || sum - low < high || sum - low - high >= SIZE_UNIT)
			continue;
		l->n = i + 1;
		l->split = high ? low : 0;
		return true;
	}
	return false;
}

/* --- ranges --------------------------------------------------------------------------------------------------- */

static int push_range(struct qemu *q, uint64_t pa, uint64_t len, uint64_t page, struct mmw_err *err)
{
	int rc = len ? mmw_vec_reserve(&q->ranges, &q->cap_ranges, q->n_ranges + 1, sizeof(*q->ranges), err) : 0;

	if (!rc && len)
		q->ranges[q->n_ranges++] = (struct qemu_range){ pa, len, page };
	return rc;
}

/* [off, off + len) of the blocks of a layout, laid end to end, is physical memory from pa on. */
static int place_part(struct qemu *q, const struct layout *l, size_t n, uint64_t off, uint64_t len, uint64_t pa,
		      struct mmw_err *err)
{
	uint64_t start = 0;
	int rc = 0;

	for (size_t i = 0; !rc && len && i < n; i++) {
		const struct qemu_block *b = &q->blocks[l->order[i]];
		uint64_t size = b->pages * q->page_size, in = off - start, part;

		if (off - start < size) {
			part = size - in < len ? size - in : len;
			rc = push_range(q, pa, part, b->first + in / q->page_size, err);
			off += part;
			pa += part;
			len -= part;
		}
		start += size;
	}
	return rc;
}

/* A display shows its own memory between 640 and 768 KiB; what of ours lies behind is out of reach. */
static int place_low(struct qemu *q, const struct layout *l, uint64_t len, struct mmw_err *err)
{
	bool display = false;
	int rc;

	for (size_t i = 0; l->board.kind == BOARD_PC && i < q->n_blocks; i++)
		display |= ends_in(q->blocks[i].name, "vram");
	if (!display || len <= PC_HOLE_END)
		return place_part(q, l, l->n, 0, len, l->board.base, err);
	rc = place_part(q, l, l->n, 0, PC_HOLE, l->board.base, err);
	return rc ? rc : place_part(q, l, l->n, PC_HOLE_END, len - PC_HOLE_END, l->board.base + PC_HOLE_END, err);
}

static uint64_t high_base(const struct layout *l)
{
	return l->board.kind == BOARD_LOONGARCH ? 2 * GIB : HIGH_BASE;
}

static int place_main(struct qemu *q, const struct layout *l, struct mmw_err *err)
{
	uint64_t size = main_size(q, l), low = l->split && l->split < size ? l->split : size;
	int rc;

	rc = place_low(q, l, low, err);
	return rc ? rc : place_part(q, l, l->n, low, size - low, high_base(l), err);
}

/*
 * A block of firmware that ends, or starts, at a known place. A PC's copies itself to memory below 1 MiB; microvm's
 * is to be seen there itself.
 */
static int place_firmware(struct qemu *q, const struct layout *l, struct mmw_err *err)
{
	uint64_t isa;
	int rc = 0;

	for (size_t i = 0; !rc && i < q->n_blocks; i++) {
		const struct qemu_block *b = &q->blocks[i];
		uint64_t size = b->pages * q->page_size;

		isa = size < ISA_BIOS_MAX ? size : ISA_BIOS_MAX;
		if (!strcmp(b->name, "pc.bios") && l->board.kind == BOARD_MICROVM)
			rc = push_range(q, MIB - isa, isa, b->first + (size - isa) / q->page_size, err);
		if (!rc && !strcmp(b->name, "pc.bios") && l->board.base == 0 && size <= (16 << 20))
			rc = push_range(q, HIGH_BASE - size, size, b->first, err);
		else if (!strcmp(b->name, "riscv_virt_board.mrom") && size <= (1 << 20))
			rc = push_range(q, 0x1000, size, b->first, err);
	}
	return rc;
}

struct sorting {
	struct qemu *q;
	const struct qemu_range *all;
	struct mmw_err *err;
};

static int keep_part(void *ctx, size_t index, uint64_t from, uint64_t to)
{
	const struct sorting *s = ctx;
	const struct qemu_range *r = &s->all[index];

	return push_range(s->q, from, to - from, r->page + (from - r->pa) / s->q->page_size, s->err);
}

/* Ascending; where two say something of one page, the first. */
static int sort_ranges(struct qemu *q, struct mmw_err *err)
{
	struct sorting s = { q, q->ranges, err };
	size_t n = q->n_ranges;
	struct mmw_sweep *sweep = malloc((n + 1) * sizeof(*sweep));
	int rc;

	if (!sweep)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu ranges", n);
	for (size_t i = 0; i < n; i++)
		sweep[i] = (struct mmw_sweep){ s.all[i].pa, s.all[i].len, i, i };
	q->ranges = NULL;
	q->n_ranges = q->cap_ranges = 0;
	rc = mmw_sweep(sweep, n, keep_part, &s, err);
	free((void *)s.all);
	free(sweep);
	return rc;
}

static int place(struct qemu *q, const struct layout *l, struct mmw_err *err)
{
	int rc;

	q->n_ranges = 0;
	rc = place_firmware(q, l, err);
	rc = rc ? rc : place_main(q, l, err);
	return rc ? rc : sort_ranges(q, err);
}

/* --- page tables as witnesses --------------------------------------------------------------------------------- */

struct witness {
	const struct mmw_image *img;
	struct qemu_reader *reader;
	uint32_t good, bad;
	unsigned budget;
};

/* What an entry of 8 bytes says: nothing, a table, or a page. */
enum entry { ENTRY_NONE, ENTRY_TABLE, ENTRY_LEAF };

static enum entry decode(uint16_t machine, unsigned level, uint64_t e, uint64_t *pa)
{
	switch (machine) {
	case EM_X86_64:
		*pa = e & 0xffffffffff000;
		return !(e & 1) ? ENTRY_NONE : level && !(e & 0x80) ? ENTRY_TABLE : ENTRY_LEAF;
	case EM_AARCH64:
		*pa = e & 0xfffffffff000;
		return !(e & 1) ? ENTRY_NONE : level && (e & 2) ? ENTRY_TABLE : ENTRY_LEAF;
	default:  /* riscv */
		*pa = (e >> 10 & 0xfffffffffff) << 12;
		return !(e & 1) ? ENTRY_NONE : e & 0xe ? ENTRY_LEAF : ENTRY_TABLE;
	}
}

/* Tables lead to tables in memory, and pages are in memory or below 4 GiB, where devices are. Random bytes do not. */
static void look_at_table(struct witness *w, uint64_t pa, unsigned level)
{
	const struct qemu *q = w->img->priv;
	uint64_t to[512];
	uint8_t bytes[4096];
	unsigned n = 0;
	bool any = false, good = true;

	if (!w->budget)
		return;
	w->budget--;
	if (!qemu_read_pa(w->img, w->reader, pa, bytes, sizeof(bytes))) {
		w->bad++;
		return;
	}
	for (unsigned i = 0; i < 512; i++) {
		uint64_t at;
		enum entry e = decode(w->img->machine, level, mmw_get64(bytes + 8 * i, false), &at);

		any |= e != ENTRY_NONE;
		good &= e == ENTRY_NONE || qemu_range_of(q, at) || (e == ENTRY_LEAF && at < HIGH_BASE);
		if (e == ENTRY_TABLE && level)
			to[n++] = at;
		good &= e != ENTRY_TABLE || level;
	}
	/* An empty one says nothing: the kernel makes tables before it needs them, and keeps them. */
	w->good += any && good;
	w->bad += !good;
	for (unsigned i = 0; good && i < n; i++)
		look_at_table(w, to[i], level - 1);
}

/* The tables that a CPU's registers point to. Only geometries of 512 entries, which are nearly all. */
static void look_at_cpu(struct witness *w, const struct mmw_cpu *c)
{
	uint64_t satp = c->reg[MMW_REG_SATP], tcr = c->reg[MMW_REG_TCR], cr3 = c->reg[MMW_REG_CR3];

	switch (w->img->machine) {
	case EM_X86_64:
		/* In long mode: CR0.PG, EFER.LMA */
		if (c->known & 1u << MMW_REG_CR3 && c->reg[MMW_REG_CR0] >> 31 & 1 && c->reg[MMW_REG_EFER] >> 10 & 1)
			look_at_table(w, cr3 & 0xffffffffff000, c->reg[MMW_REG_CR4] >> 12 & 1 ? 4 : 3);
		break;
	case EM_AARCH64:
		/* 4 KiB granule, 48 bits */
		if ((c->known & 1u << MMW_REG_TTBR1) && (tcr >> 30 & 3) == 2 && (tcr >> 16 & 0x3f) == 16)
			look_at_table(w, c->reg[MMW_REG_TTBR1] & 0xfffffffff000, 3);
		break;
	case EM_RISCV:
		if ((c->known & 1u << MMW_REG_SATP) && satp >> 60 >= 8 && satp >> 60 <= 10)
			look_at_table(w, (satp & 0xfffffffffff) << 12, (unsigned)(satp >> 60) - 6);
		break;
	}
}

/* How much of what the tables say makes sense under a layout: good and bad ones, of at most so many of each root. */
static int ask_tables(struct mmw_image *img, const struct layout *l, unsigned most, uint32_t *good, uint32_t *bad,
		      struct mmw_err *err)
{
	struct witness w = { .img = img };
	void *reader = NULL;
	int rc = place(img->priv, l, err);

	*good = *bad = 0;
	rc = rc ? rc : qemu_reader_open(img, &reader, err);
	if (rc)
		return rc;
	w.reader = reader;
	w.reader->chain_max = CHANGES_FEW;
	for (size_t i = 0; i < img->n_cpus && i < ROOTS_PER_GUESS; i++) {
		w.budget = most;
		look_at_cpu(&w, &img->cpus[i]);
	}
	qemu_reader_close(w.reader);
	*good = w.good;
	*bad = w.bad;
	return 0;
}

/* --- trying --------------------------------------------------------------------------------------------------- */

struct trial {
	struct mmw_image *img;
	struct layout *l;      /* being tried; at the end the best */
	uint64_t splits[SPLITS_MAX];
	size_t n_splits;
	bool orders;
	struct layout best;
	uint32_t score, second;  /* tables that make sense, less those that do not */
	struct mmw_err *err;
};

static int try_one(struct trial *t)
{
	uint32_t good, bad;
	int rc = ask_tables(t->img, t->l, TABLES_MAX, &good, &bad, t->err);
	uint32_t score = good / SOME >= bad ? good - SOME * bad : 0;

	if (rc)
		return rc;
	if (score > t->score) {
		t->second = t->score;
		t->score = score;
		t->best = *t->l;
	} else if (score > t->second) {
		t->second = score;
	}
	return 0;
}

static int try_splits(struct trial *t)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < t->n_splits; i++) {
		t->l->split = t->splits[i];
		rc = try_one(t);
	}
	return rc;
}

/* Any split: one under which a few tables hold is tried in full. */
static int try_every_split(struct trial *t, uint64_t size)
{
	uint64_t end = size < HIGH_BASE ? size : HIGH_BASE;
	uint32_t good, bad;
	int rc = 0;

	for (uint64_t split = MIB; !rc && split < end; split += MIB) {
		t->l->split = split;
		rc = ask_tables(t->img, t->l, TABLES_FEW, &good, &bad, t->err);
		if (!rc && good && !bad)
			rc = try_one(t);
	}
	return rc;
}

static bool is_sure(const struct trial *t)
{
	return t->score - t->second > t->score / SOME;
}

/* Every order of the blocks from number `from` on. */
static int try_orders(struct trial *t, size_t from)
{
	int rc = 0;

	if (!t->orders || from + 1 >= t->l->n)
		return try_splits(t);
	for (size_t i = from; !rc && i < t->l->n; i++) {
		uint16_t first = t->l->order[from];

		t->l->order[from] = t->l->order[i];
		t->l->order[i] = first;
		rc = try_orders(t, from + 1);
		t->l->order[i] = t->l->order[from];
		t->l->order[from] = first;
	}
	return rc;
}

/* The default first: of equals the first is taken. */
static void list_splits(struct trial *t, uint64_t size, bool settled)
{
	static const uint64_t likely[] = {
		0, 0xe0000000, 0xc0000000, 0xb0000000, 0x80000000,
		0x40000000, 0x20000000, 0xf0000000, 0x60000000, 0x30000000,
	};

	t->splits[t->n_splits++] = t->l->split;
	if (settled || t->l->board.kind != BOARD_PC)
		return;
	for (size_t i = 0; i < mmw_array_len(likely); i++)
		if (likely[i] != t->l->split && likely[i] < size)
			t->splits[t->n_splits++] = likely[i];
}

/* Where neither names nor CMOS decide. `settled`: the split is known, only the order of blocks is not. */
static int decide_by_tables(struct mmw_image *img, struct layout *l, bool order_known, bool settled,
			    struct mmw_err *err)
{
	const struct qemu *q = img->priv;
	struct trial *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to place blocks");
	t->img = img;
	t->l = l;
	t->err = err;
	t->best = *l;
	t->orders = !order_known && l->n <= ORDER_MAX;
	list_splits(t, main_size(q, l), settled);
	rc = try_orders(t, 0);
	if (!rc && !t->score && order_known && !settled && l->board.kind == BOARD_PC)
		rc = try_every_split(t, main_size(q, l));
	*l = t->best;
	l->why = is_sure(t) ? "by the page tables" : "guessed";
	free(t);
	return rc;
}

static int decide(struct mmw_image *img, const struct qemu_devices *d, struct layout *l, struct mmw_err *err)
{
	const struct qemu *q = img->priv;
	bool order_known = choose_blocks(q, l), settled;

	if (!l->board.block)
		l->board = board_of(img, d);
	l->why = "as the machine has it";
	if (l->board.kind == BOARD_LOONGARCH) {
		/* QEMU 7.2 has the rest at 0x90000000. */
		l->split = main_size(q, l) > GIB / 4 ? GIB / 4 : 0;
		l->why = l->split ? "guessed" : l->why;
		return 0;
	}
	if (l->board.kind == BOARD_FLAT && order_known) {
		l->why = l->board.block[0] ? l->why : "guessed";
		return 0;
	}
	settled = l->board.kind == BOARD_PC && split_by_cmos(q, l, qemu_cmos(d));
	if (settled && order_known) {
		l->why = "as its CMOS says";
		return 0;
	}
	if (!settled)
		l->split = l->board.kind == BOARD_FLAT ? 0 : default_split(q, d, l, main_size(q, l));
	if (l->board.kind == BOARD_MICROVM && order_known)
		return 0;
	return decide_by_tables(img, l, order_known, settled, err);
}

/* --- what the user says --------------------------------------------------------------------------------------- */

static int place_by_map(struct mmw_image *img, const struct layout *l, struct mmw_err *err)
{
	struct qemu *q = img->priv;
	int rc = 0;

	if (img->has_base)
		return mmw_fail(err, MMW_E_ARG, 0, "a QEMU stream is placed by --ram-map, not by @PA or --image-base");
	for (size_t i = 0; !rc && i < img->n_map; i++) {
		const struct mmw_ram_map *m = &img->map[i];

		if ((m->off | m->pa | m->len) % q->page_size || m->pa > UINT64_MAX - m->len)
			return mmw_fail(err, MMW_E_ARG, m->pa, "--ram-map of a QEMU stream is in pages of %" PRIu32,
					q->page_size);
		rc = place_part(q, l, l->n_all, m->off, m->len, m->pa, err);
	}
	snprintf(img->placement, sizeof(img->placement), "%zu range%s of --ram-map in %.60s%s", img->n_map,
		 img->n_map == 1 ? "" : "s", q->blocks[l->order[0]].name,
		 l->n_all > 1 ? " and the blocks behind it" : "");
	return rc ? rc : sort_ranges(q, err);
}

static void describe(struct mmw_image *img, const struct layout *l)
{
	const struct qemu *q = img->priv;
	uint64_t size = main_size(q, l);
	char more[32] = "", rest[64] = "", unplaced[64] = "";

	if (l->n > 1)
		snprintf(more, sizeof(more), " and %zu more", l->n - 1);
	if (l->split && l->split < size)
		snprintf(rest, sizeof(rest), ", from 0x%" PRIx64 " on at 0x%" PRIx64, l->split, high_base(l));
	if (l->n_all > l->n)
		snprintf(unplaced, sizeof(unplaced), "; %zu block%s without a place", l->n_all - l->n,
			 l->n_all - l->n == 1 ? "" : "s");
	snprintf(img->placement, sizeof(img->placement), "%.32s%s at 0x%" PRIx64 "%s (%s)%s",
		 q->blocks[l->order[0]].name, more, l->board.base, rest, l->why, unplaced);
}

int qemu_place_blocks(struct mmw_image *img, const struct qemu_devices *d, struct mmw_err *err)
{
	struct layout *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to place blocks");
	if (img->n_map) {
		choose_blocks(img->priv, l);
		rc = place_by_map(img, l, err);
	} else if (img->has_base) {
		rc = place_by_map(img, l, err);
	} else {
		rc = decide(img, d, l, err);
		rc = rc ? rc : place(img->priv, l, err);
		describe(img, l);
	}
	free(l);
	return rc;
}

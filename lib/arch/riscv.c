/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RISC-V page tables, whatever their width, and Linux's layout on them.
 *
 * Entry, RISC-V privileged specification, "Sv32" to "Sv57" (4.3 to 4.6 of version 1.12):
 *
 *    0 V    1 R    2 W    3 X    4 U    5 G    6 A    7 D    9:8 software (RSW)
 *   Sv32:      31:10 PPN
 *   Sv39 on:   53:10 PPN    60:54 reserved    62:61 memory type (Svpbmt)    63 N (Svnapot)
 *
 * Any of R, W, X makes it a leaf, on every level; all of them clear a pointer to the next table, in which D, A, U and
 * 63:54 are reserved. Reserved bits that are set make the processor fault (4.3.2, step 3).
 *
 * Linux (arch/riscv/include/asm/pgtable-bits.h, pgtable-64.h): 8 special, 9 devmap (6.12; gone by 6.17), 59 soft-dirty
 * and 60 uffd-wp where the processor leaves these two to software (Svrsw60t59b, 7.x). A not-present entry with bit 5
 * is PROT_NONE (before 5.14, bit 1): the kernel still counts it as a page.
 */
#include "lib/arch/riscv.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/vec.h"

#define PFN64      0x003ffffffffffc00ull
#define PFN32      0x00000000fffffc00ull
#define RESERVED   (0x1full << 54)
#define SOFTWARE64 (3ull << 59)
#define NAPOT_64K  8   /* low four bits of the PPN (Svnapot, table "Page table entry encodings when pte.N=1") */

#define LINK_ADDR  0xffffffff80000000ull  /* KERNEL_LINK_ADDR of 64 bits */
#define GIB        (1ull << 30)

/* --- entries -------------------------------------------------------------------------------------------------- */

/*
 * The kernel reads and writes user pages only while sstatus.SUM is set, and Linux sets it when it means to: that counts
 * as allowed, as on x86 with SMAP. Instructions of user pages are never the kernel's (4.3.1).
 */
static uint8_t rights_of(const struct mmw_paging *pg, uint64_t raw)
{
	uint8_t r = (raw & RISCV_R ? MMW_KR : 0) | (raw & RISCV_W ? MMW_KW : 0) | (raw & RISCV_X ? MMW_KX : 0);

	if ((raw & RISCV_LEAF) == RISCV_W)
		r = MMW_KR;  /* shadow stack: read like any page, written by its own instructions only */
	/* Whoever runs in the guest is a user to the second stage: without U a page always faults (8.5.1). */
	if (pg->variant & RISCV_GSTAGE)
		return raw & RISCV_U ? r | r << 3 : 0;
	return raw & RISCV_U ? (r & ~MMW_KX) | r << 3 : r;
}

static uint64_t pa_of(const struct mmw_paging *pg, uint64_t raw)
{
	return (raw & (pg->entry_size == 4 ? PFN32 : PFN64)) << 2;
}

static bool napot(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	return pg->entry_size == 8 && !(pg->variant & RISCV_THEAD) && !level && (raw & RISCV_N) &&
	       (raw >> 10 & 15) == NAPOT_64K;
}

static bool reserved_leaf(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	uint64_t never = RESERVED | (pg->variant & (RISCV_SVRSW | RISCV_THEAD) ? 0 : SOFTWARE64);

	if ((raw & (RISCV_R | RISCV_W)) == RISCV_W && ((raw & RISCV_X) || !(pg->variant & RISCV_SHADOW_STACK)))
		return true;
	if (pg->entry_size == 4)
		return false;
	if (raw & never)
		return true;
	if (pg->variant & RISCV_THEAD)
		return false;
	return (raw & RISCV_MT) == RISCV_MT || ((raw & RISCV_N) && !napot(pg, level, raw));
}

static bool reserved_table(const struct mmw_paging *pg, uint64_t raw)
{
	uint64_t never = RISCV_U | RISCV_A | RISCV_D;

	if (pg->entry_size == 8) {
		never |= RESERVED;
		/* T-Head's memory type is in table entries too (pfn_pgd and the like, pgtable-64.h). */
		if (!(pg->variant & RISCV_THEAD))
			never |= RISCV_N | RISCV_MT | (pg->variant & RISCV_SVRSW ? 0 : SOFTWARE64);
	}
	return raw & never;
}

static struct mmw_pte leaf(const struct mmw_paging *pg, unsigned level, uint64_t raw, bool hw)
{
	uint64_t size = mmw_level_size(pg, level);
	struct mmw_pte pte = { MMW_PTE_LEAF, hw, rights_of(pg, raw), pa_of(pg, raw), 0, false };

	if (hw && (reserved_leaf(pg, level, raw) || (pte.pa & (size - 1))))
		pte.kind = MMW_PTE_BAD;
	if (napot(pg, level, raw)) {
		size <<= 4;
		pte.run = 4;
		pte.shared = true;
	}
	pte.pa &= ~(size - 1);
	return pte;
}

/* Without V: PROT_NONE, and huge pages while they are being split (pmd_present, pgtable.h), are still pages. */
static bool kernel_only_leaf(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	uint64_t huge = RISCV_R | RISCV_W | (pg->variant & RISCV_SVRSW ? 0 : RISCV_X);

	if (pg->variant & RISCV_NONE_READ)
		return raw & RISCV_R;
	/* Bit 3 of a swap entry is soft-dirty where Svrsw60t59b is (7.2). */
	return (raw & RISCV_G) || (level && (raw & huge));
}

struct mmw_pte mmw_riscv_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	struct mmw_pte pte = { MMW_PTE_EMPTY, false, rights_of(pg, raw), 0, 0, false };

	if (!(raw & RISCV_V)) {
		if (!raw || (pg->variant & RISCV_GSTAGE))  /* the rest is then free for anything */
			return pte;
		if (level <= 2 && kernel_only_leaf(pg, level, raw))
			return leaf(pg, level, raw, false);
		pte.kind = level <= 2 ? MMW_PTE_SWAP : MMW_PTE_BAD;  /* pud: hugetlbfs migrates 1 GiB pages */
		return pte;
	}
	if (raw & RISCV_LEAF)
		return leaf(pg, level, raw, true);
	pte.kind = !level || reserved_table(pg, raw) ? MMW_PTE_BAD : MMW_PTE_TABLE;
	pte.hw = true;
	pte.rights = MMW_RIGHTS_ALL;
	pte.pa = pa_of(pg, raw);
	return pte;
}

/* __swp_type and __swp_offset of asm/pgtable.h: 5.10, 6.1, 6.12. */
void mmw_riscv_swap(const struct mmw_paging *pg, uint64_t raw, unsigned *type, uint64_t *offset)
{
	unsigned shift = pg->variant & RISCV_NONE_READ ? 2 : pg->variant & RISCV_SWAP_INCLUSIVE ? 6 : 7;

	*type = raw >> shift & 31;
	*offset = raw >> (shift + 5);
}

void mmw_riscv_geometry(struct mmw_paging *pg, const char *name, unsigned levels, unsigned entry_size, unsigned more)
{
	unsigned bits = entry_size == 4 ? 10 : 9;

	*pg = (struct mmw_paging){ .levels = levels, .page_shift = 12, .entry_size = entry_size,
				   .va_bits = 12 + levels * bits + more, .variant = RISCV_STANDARD };
	pg->va_kind = entry_size == 4 || more ? MMW_VA_LOW : MMW_VA_SIGNED;
	snprintf(pg->name, sizeof(pg->name), "%s", name);
	for (unsigned i = 0; i < levels; i++)
		pg->bits[i] = bits;
	pg->bits[levels - 1] += more;
}

/* --- names ---------------------------------------------------------------------------------------------------- */

#define ALL_LEVELS 0x1f
#define HUGE_TOO   0x07
#define LEAVES     (1 << MMW_PTE_LEAF)
#define SWAP       (1 << MMW_PTE_SWAP)
#define PRESENT    (1 << MMW_PTE_TABLE | LEAVES | 1 << MMW_PTE_BAD)

const struct mmw_flag mmw_riscv_flags[] = {
	{ "VALID", RISCV_V, RISCV_V, ALL_LEVELS, PRESENT, 0 },
	{ "PROTNONE", RISCV_V | RISCV_G, RISCV_G, ALL_LEVELS, LEAVES, 0 },
	{ "PROTNONE", RISCV_V | RISCV_R, RISCV_R, ALL_LEVELS, LEAVES, RISCV_NONE_READ },
	{ "READ", RISCV_R, RISCV_R, ALL_LEVELS, PRESENT, 0 },
	{ "WRITE", RISCV_W, RISCV_W, ALL_LEVELS, PRESENT, 0 },
	{ "EXEC", RISCV_X, RISCV_X, ALL_LEVELS, PRESENT, 0 },
	{ "USER", RISCV_U, RISCV_U, ALL_LEVELS, PRESENT, 0 },
	{ "GLOBAL", RISCV_V | RISCV_G, RISCV_V | RISCV_G, ALL_LEVELS, PRESENT, 0 },
	{ "ACCESSED", RISCV_A, RISCV_A, ALL_LEVELS, PRESENT, 0 },
	{ "DIRTY", RISCV_D, RISCV_D, ALL_LEVELS, PRESENT, 0 },
	{ "SPECIAL", 1 << 8, 1 << 8, ALL_LEVELS, LEAVES, 0 },
	{ "RSW1", 1 << 9, 1 << 9, ALL_LEVELS, LEAVES, 0 },  /* devmap in 6.12; nothing that BTF or a symbol tells */
	{ "SHADOW_STACK", RISCV_V | RISCV_LEAF, RISCV_V | RISCV_W, ALL_LEVELS, LEAVES, RISCV_SHADOW_STACK },
	{ "SOFT_DIRTY", 1ull << 59, 1ull << 59, ALL_LEVELS, LEAVES, RISCV_SVRSW },
	{ "UFFD_WP", 1ull << 60, 1ull << 60, ALL_LEVELS, LEAVES, RISCV_SVRSW },
	{ "SOFT_DIRTY", 1 << 3, 1 << 3, HUGE_TOO, SWAP, RISCV_SVRSW },
	{ "UFFD_WP", 1 << 4, 1 << 4, HUGE_TOO, SWAP, RISCV_SVRSW },
	{ "PBMT_NC", RISCV_MT, 1ull << 61, ALL_LEVELS, LEAVES, RISCV_STANDARD | RISCV_GSTAGE },
	{ "PBMT_IO", RISCV_MT, 2ull << 61, ALL_LEVELS, LEAVES, RISCV_STANDARD | RISCV_GSTAGE },
	{ "NAPOT", RISCV_N, RISCV_N, 1, LEAVES, RISCV_STANDARD | RISCV_GSTAGE },
	{ NULL, 0, 0, 0, 0, 0 },
};

const char *const mmw_riscv_memtypes[] = { "PMA", "NC", "IO", NULL };

/* T-Head, bits 63:59 (asm/pgtable-64.h): NC was 0 and IO had no shareable bit up to 6.1. */
static const char *thead_memtype(uint64_t raw)
{
	switch (raw >> 59) {
	case 14:
		return "PMA";
	case 0:
	case 6:
		return "NC";
	case 16:
	case 18:
		return "IO";
	default:
		return NULL;
	}
}

/* PMA: what the platform says of the address itself. */
const char *mmw_riscv_memtype(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	(void)level;
	if (!(raw & RISCV_V))
		return NULL;
	if (pg->variant & RISCV_THEAD)
		return thead_memtype(raw);
	return (raw & RISCV_MT) == RISCV_MT ? NULL : mmw_riscv_memtypes[raw >> 61 & 3];
}

/* --- the kernel's own listing --------------------------------------------------------------------------------- */

uint64_t mmw_riscv_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	(void)level;
	if (pg->variant & RISCV_PTDUMP_SHORT)
		return raw & 0x1ff;
	return raw & (pg->entry_size == 8 ? RISCV_N | RISCV_MT | 0x3ff : 0x3ff);
}

/*
 * Columns of arch/riscv/mm/ptdump.c, dump_addr() from the level on, and dump_prot(). What compares as 0 is not listed
 * at all, and is empty here.
 */
void mmw_riscv_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size)
{
	static const char *const types[] = { "  ..  ", "MT(NC)", "MT(IO)", "MT(?\?)" };
	static const char letters[] = "DAGUXWRV";
	const char *name = mmw_level_name(pg, level);
	char flags[2 * sizeof(letters)], soft[8];
	unsigned rsw = raw >> 8 & 3;

	buf[0] = '\0';
	if (!mmw_riscv_ptdump_prot(pg, level, raw))
		return;
	for (unsigned i = 0; i < 8; i++) {
		flags[2 * i] = ' ';
		flags[2 * i + 1] = raw >> (7 - i) & 1 ? letters[i] : '.';
	}
	flags[16] = '\0';
	snprintf(soft, sizeof(soft), rsw ? "RSW(%u)" : "  ..  ", rsw);
	if (pg->variant & RISCV_PTDUMP_SHORT)
		snprintf(soft, sizeof(soft), "%s", rsw & 1 ? "RSW" : "   ");
	if (pg->entry_size == 4 || (pg->variant & RISCV_PTDUMP_SHORT))
		snprintf(buf, size, "%c%c%c %s%s", toupper(name[0]), toupper(name[1]), toupper(name[2]), soft, flags);
	else
		snprintf(buf, size, "%c%c%c %c %s %s%s", toupper(name[0]), toupper(name[1]), toupper(name[2]),
			 raw & RISCV_N ? 'N' : '.', types[raw >> 61 & 3], soft, flags);
}

/* --- what the kernel says of itself --------------------------------------------------------------------------- */

static int word_at(const struct mmw_hints *h, const char *name, unsigned index, unsigned word, uint64_t *out)
{
	char text[48];

	snprintf(text, sizeof(text), "%s+%u", name, index * word);
	return h->variable(h->ctx, text, word, out);
}

static uint64_t cut(uint64_t value, unsigned word)
{
	return word == 4 ? (uint32_t)value : value;
}

enum { MAP_WORDS = 7, MAP_NONE = 255 };

/*
 * The members moved: struct kernel_mapping of asm/page.h in 6.12, 7.2 and 6.1, and the shorter one before. The right
 * order is the one in which va_kernel_pa_offset is virt_addr - phys_addr.
 */
bool mmw_riscv_map(const struct mmw_hints *h, unsigned word, struct riscv_map *out)
{
	static const struct { uint8_t virt, phys, linear, image, page_offset; } orders[] = {
		{ 1, 3, 5, 6, 0 }, { 0, 2, 4, 6, 5 }, { 1, 2, 4, 5, 0 }, { 0, 1, 3, 4, MAP_NONE },
	};
	uint64_t w[MAP_WORDS];
	unsigned n = 0;

	while (n < MAP_WORDS && !word_at(h, "kernel_map", n, word, &w[n]))
		n++;
	for (size_t i = 0; i < mmw_array_len(orders); i++) {
		if (orders[i].image >= n || !w[orders[i].virt] || !w[orders[i].phys] ||
		    (w[orders[i].virt] & 0x1fffff) ||
		    cut(w[orders[i].virt] - w[orders[i].phys], word) != w[orders[i].image])
			continue;
		*out = (struct riscv_map){ .virt = w[orders[i].virt], .phys = w[orders[i].phys] };
		out->image_delta = out->virt - out->phys;
		out->linear_delta = w[orders[i].linear];
		out->page_offset = orders[i].page_offset == MAP_NONE ? 0 : w[orders[i].page_offset];
		return true;
	}
	return false;
}

struct guesses {
	unsigned word, n;
	uint64_t start;  /* _start */
	uint64_t delta[16];
};

static void guess(struct guesses *g, uint64_t delta)
{
	uint64_t pa = cut(g->start - delta, g->word);

	/* The image lies at a multiple of 2 MiB, of 4 MiB with 32 bits (setup_vm, mm/init.c), below 2^56. */
	if (!delta || pa >> 56 || (pa & 0x1fffff))
		return;
	for (unsigned i = 0; i < g->n; i++)
		if (g->delta[i] == g->start - pa)
			return;
	if (g->n < mmw_array_len(g->delta))
		g->delta[g->n++] = g->start - pa;
}

int mmw_riscv_find_delta(const struct mmw_hints *h, unsigned word, unsigned index, uint64_t *delta,
			 struct mmw_err *err)
{
	struct guesses g = { .word = word };
	struct riscv_map map;
	uint64_t value;

	if (h->symbol(h->ctx, "_start", &g.start))
		g.start = word == 4 ? 0xc0000000 : LINK_ADDR;
	if (!h->number(h->ctx, "va_kernel_pa_offset", &value))
		guess(&g, value);
	if (mmw_riscv_map(h, word, &map))
		guess(&g, map.image_delta);
	/* Before there was kernel_map: variables of their own. In 5.10 the image is part of the linear map. */
	if (!h->variable(h->ctx, "va_kernel_pa_offset", word, &value))
		guess(&g, value);
	if (!h->variable(h->ctx, "va_pa_offset", word, &value))
		guess(&g, value);
	for (unsigned i = MAP_WORDS; i-- > 0; )
		if (!word_at(h, "kernel_map", i, word, &value))
			guess(&g, value);
	/* Firmware keeps the first 2 MiB (4 MiB) of memory, and the kernel comes behind it (boot-image-header.rst). */
	if (h->ram_start && !h->ram_start(h->ctx, &value)) {
		guess(&g, g.start - value - (word == 4 ? 4 << 20 : 2 << 20));
		guess(&g, g.start - value);
	}
	if (index >= g.n)
		return mmw_fail(err, MMW_E_NOSYM, 0, "va_kernel_pa_offset is not known");
	*delta = g.delta[index];
	return 0;
}

int mmw_riscv_root(const struct mmw_hints *h, uint64_t *root, struct mmw_err *err)
{
	uint64_t va, delta;

	if (h->symbol(h->ctx, "swapper_pg_dir", &va))
		return mmw_fail(err, MMW_E_NOSYM, 0, "no symbol names the kernel's root table (swapper_pg_dir)");
	if (h->image_delta(h->ctx, &delta))
		return mmw_fail(err, MMW_E_NOSYM, 0, "where the kernel image lies in physical memory is not known");
	*root = va - delta;
	return 0;
}

static bool has(const struct mmw_hints *h, const char *symbol)
{
	uint64_t va;

	return !h->symbol(h->ctx, symbol, &va);
}

uint32_t mmw_riscv_variant(const struct mmw_hints *h)
{
	uint32_t variant = 0;
	uint64_t value;
	int64_t act;

	/*
	 * 5.10 has va_pa_offset and its PROT_NONE is bit 1; 6.1 has kernel_map and bit 5. The exclusive bit came in
	 * 6.3, and 6.1 has riscv_pfn_base, which 6.12 lacks; should 6.3 have it still, an enumeration new in 6.3 tells.
	 */
	if (has(h, "va_pa_offset") && !has(h, "kernel_map"))
		variant |= RISCV_NONE_READ;
	else if (has(h, "riscv_pfn_base") && h->enumerator(h->ctx, "netdev_xdp_act", "NETDEV_XDP_ACT_BASIC", &act))
		variant |= RISCV_SWAP_INCLUSIVE;
	/* The listing's own table starts with _PAGE_SOFT, of one bit, where it has no columns N and MT (6.1). */
	if (h->variable(h->ctx, "pte_bits", 8, &value) ? variant != 0 : value == 0x100)
		variant |= RISCV_PTDUMP_SHORT;
	return variant;
}

/* --- layout --------------------------------------------------------------------------------------------------- */

/* Borders in the kernel's own listing (mm/ptdump.c, address_markers). */
enum border {
	FIXMAP, FIXMAP_END, PCI, PCI_END, VMEMMAP, VMEMMAP_END, VMALLOC, VMALLOC_END, LINEAR, KASAN, KASAN_END, MODULES,
	KERNEL, BORDERS
};

static const char *const border_names[BORDERS] = {
	"Fixmap start", "Fixmap end", "PCI I/O start", "PCI I/O end", "vmemmap start", "vmemmap end", "vmalloc() area",
	"vmalloc() end", "Linear mapping", "Kasan shadow start", "Kasan shadow end", "Modules/BPF mapping",
	"Kernel mapping",
};

struct borders {
	const struct mmw_paging *pg;
	unsigned word;
	bool low;   /* the image is in the linear map: 32 bits, and 64 up to 5.12 */
	bool kasan, vmemmap;
	uint64_t kernel_first;  /* KERN_VIRT_START */
	uint64_t linear_end;    /* one past it, mod 2^64 */
	uint64_t at[BORDERS];
};

static uint64_t number_or(const struct mmw_hints *h, const char *key, uint64_t fallback)
{
	uint64_t value;

	return h->number(h->ctx, key, &value) ? fallback : value;
}

static uint64_t symbol_or(const struct mmw_hints *h, const char *name, uint64_t fallback)
{
	uint64_t value;

	return h->symbol(h->ctx, name, &value) ? fallback : value;
}

static uint64_t page_up(uint64_t va)
{
	return (va + 0xfff) & ~0xfffull;
}

static uint64_t page_offset(const struct mmw_hints *h, const struct borders *b, uint64_t start)
{
	struct riscv_map map;
	uint64_t value;

	if (!h->number(h->ctx, "PAGE_OFFSET", &value))
		return value;
	if (b->low)
		return b->word == 4 ? start & ~0x3fffffull : start & ~(GIB - 1);
	if (mmw_riscv_map(h, b->word, &map) && map.page_offset)
		return map.page_offset;
	/* PAGE_OFFSET_L3 to _L5 of asm/page.h, 7.2 */
	return b->pg->levels == 5 ? 0xff60000000000000 : b->pg->levels == 4 ? 0xffffaf8000000000 : 0xffffffd600000000;
}

/* asm/pgtable.h: from the linear map down, each area ends where the one above it starts. */
static void place_borders(const struct mmw_hints *h, struct borders *b, uint64_t start)
{
	bool wide = b->word == 8, old = b->low && (!wide || !has(h, "kernel_map")) && has(h, "va_pa_offset");
	uint64_t half = 1ull << (b->pg->va_bits - 1), linear = page_offset(h, b, start), size, fixmap;

	size = old ? cut(-linear, b->word) : half / 2;  /* KERN_VIRT_SIZE */
	fixmap = wide ? old ? 2 << 20 : 6 << 20 : old ? 4 << 20 : 8 << 20;
	b->at[LINEAR] = linear;
	b->linear_end = linear + size;
	b->at[VMALLOC_END] = number_or(h, "VMALLOC_END", old ? linear - 1 : linear);
	b->at[VMALLOC] = number_or(h, "VMALLOC_START", linear - size / 2);
	/* A struct page is 64 bytes; with 32 bits, half of that. The gap is there with or without a vmemmap. */
	b->at[VMEMMAP] = number_or(h, "VMEMMAP_START", b->at[VMALLOC] - (1ull << (b->pg->va_bits - (wide ? 7 : 8))));
	b->at[VMEMMAP_END] = number_or(h, "VMEMMAP_END", old ? b->at[VMALLOC] - 1 : b->at[VMALLOC]);
	b->at[PCI_END] = b->at[VMEMMAP];
	b->at[PCI] = b->at[PCI_END] - (16 << 20);
	b->at[FIXMAP_END] = b->at[PCI];
	b->at[FIXMAP] = b->at[FIXMAP_END] - fixmap;
	b->kernel_first = wide ? -half : b->at[FIXMAP];
	b->at[KASAN_END] = old ? b->kernel_first + (half >> 3) : LINK_ADDR - 2 * GIB;
	b->at[KASAN] = old ? b->kernel_first : (b->at[KASAN_END] - (half >> 3)) & -(half >> 8);
	b->at[KERNEL] = start;
	b->at[MODULES] = number_or(h, "MODULES_VADDR", page_up(symbol_or(h, "_end", start)) - 2 * GIB);
}

/* The borders this kernel lists, in the order of its table. */
static unsigned list_borders(const struct borders *b, enum border list[BORDERS])
{
	unsigned n = 0;

	if (b->kasan && b->low) {
		list[n++] = KASAN;
		list[n++] = KASAN_END;
	}
	for (enum border i = FIXMAP; i <= LINEAR; i++)
		if (b->vmemmap || (i != VMEMMAP && i != VMEMMAP_END))
			list[n++] = i;
	for (enum border i = KASAN; i <= KERNEL && !b->low; i++)
		if (b->kasan || (i != KASAN && i != KASAN_END))
			list[n++] = i;
	return n;
}

/*
 * The table itself, address and name alternating up to an address of -1. It is built in with DEBUG_WX too, and filled
 * late in boot. What it says goes before what was computed, if it has as many entries as were expected.
 */
static void read_borders(const struct mmw_hints *h, struct borders *b)
{
	uint64_t start[BORDERS + 1];
	enum border list[BORDERS];
	unsigned n = 0;

	while (n <= BORDERS && !word_at(h, "address_markers", 2 * n, b->word, &start[n]) &&
	       start[n] != cut(UINT64_MAX, b->word))
		n++;
	if (n == 0 || n > BORDERS || !start[0])
		return;
	b->vmemmap = list_borders(b, list) == n;
	if (list_borders(b, list) != n) {
		b->vmemmap = b->word == 8;
		return;
	}
	for (unsigned i = 1; i < n; i++)
		if (start[i] < start[i - 1])
			return;
	for (unsigned i = 0; i < n; i++)
		b->at[list[i]] = start[i];
}

/* VA - PA of the linear map. 0: not known. */
static uint64_t linear_delta(const struct mmw_hints *h, const struct borders *b)
{
	struct riscv_map map;
	uint64_t value;

	if (mmw_riscv_map(h, b->word, &map) && map.linear_delta)
		return map.linear_delta;
	if (!h->variable(h->ctx, "va_pa_offset", b->word, &value))
		return value;
	/* In 6.12 the map starts with memory; in 6.1 it starts with the kernel, but there kernel_map said so above. */
	if (h->number(h->ctx, "phys_ram_base", &value) && h->variable(h->ctx, "phys_ram_base", b->word, &value))
		return 0;
	return b->at[LINEAR] - value;
}

/* The parts of the image by their border symbols; what lies between is `rest`. */
static void add_image(const struct mmw_hints *h, uint64_t pos, uint64_t last, const char *rest, uint64_t delta,
		      struct mmw_layout *l)
{
	static const struct { const char *first, *end, *name; } parts[] = {
		{ "_text", "_etext", "kernel text" },
		{ "__init_begin", "__init_end", "kernel init" },
		{ "__start_rodata", "__end_rodata", "kernel rodata" },
		{ "_data", "_edata", "kernel data" },
		{ "__bss_start", "__bss_stop", "kernel bss" },
	};
	uint64_t first, stop;

	for (size_t i = 0; i < mmw_array_len(parts); i++) {
		if (h->symbol(h->ctx, parts[i].first, &first) || h->symbol(h->ctx, parts[i].end, &stop) ||
		    first < pos || stop <= first || stop - 1 > last)
			continue;
		if (first > pos)
			mmw_layout_linear(l, pos, first - 1, rest, delta);
		mmw_layout_linear(l, first, stop - 1, parts[i].name, delta);
		pos = stop;
	}
	if (pos && pos <= last)
		mmw_layout_linear(l, pos, last, rest, delta);
}

static void add_linear(const struct mmw_hints *h, const struct borders *b, struct mmw_layout *l)
{
	uint64_t delta = linear_delta(h, b), last = b->linear_end - 1;

	if (b->word == 4)
		last = (uint32_t)last;
	if (!delta)
		mmw_layout_region(l, b->at[LINEAR], last, "linear map");
	else if (b->low)
		add_image(h, b->at[LINEAR], last, "linear map", delta, l);
	else
		mmw_layout_linear(l, b->at[LINEAR], last, "linear map", delta);
}

static void add_regions(const struct mmw_hints *h, const struct borders *b, struct mmw_layout *l)
{
	uint64_t half = 1ull << (b->pg->va_bits - 1), end, delta;

	mmw_layout_region(l, 0, b->word == 8 ? half - 1 : b->at[FIXMAP] - 1, "user space");
	if (b->word == 8)
		mmw_layout_region(l, half, -half - 1, "non-canonical");
	if (b->kasan && b->low)
		mmw_layout_region(l, b->at[KASAN], b->at[KASAN_END] - 1, "KASAN shadow");
	mmw_layout_region(l, b->at[FIXMAP], b->at[FIXMAP_END] - 1, "fixmap");
	mmw_layout_region(l, b->at[PCI], b->at[PCI_END] - 1, "PCI I/O");
	mmw_layout_region(l, b->at[VMEMMAP], b->at[VMALLOC] - 1, "vmemmap");
	mmw_layout_region(l, b->at[VMALLOC], b->at[LINEAR] - 1, "vmalloc");
	add_linear(h, b, l);
	if (b->low)
		return;
	if (b->kasan)
		mmw_layout_region(l, b->at[KASAN], b->at[KASAN_END] - 1, "KASAN shadow");
	mmw_layout_region(l, b->at[MODULES], number_or(h, "MODULES_END", b->at[KERNEL]) - 1, "modules");
	/* The last page table entry of the image may reach further than _end: to the next 2 MiB. */
	end = (symbol_or(h, "_end", 0) + 0x1fffff) & ~0x1fffffull;
	if (h->image_delta(h->ctx, &delta))
		mmw_layout_region(l, b->at[KERNEL], end - 1, "kernel image");
	else
		add_image(h, b->at[KERNEL], end - 1, "kernel image", delta, l);
}

void mmw_riscv_layout(const struct mmw_hints *h, const struct mmw_paging *pg, struct mmw_layout *l)
{
	struct borders b = { .pg = pg, .word = pg->entry_size, .vmemmap = pg->entry_size == 8 };
	enum border list[BORDERS];
	struct riscv_map map;
	uint64_t start;
	unsigned n;

	start = mmw_riscv_map(h, b.word, &map) ? map.virt :
		number_or(h, "KERNEL_LINK_ADDR", b.word == 4 ? 0xc0000000 : LINK_ADDR);
	start = symbol_or(h, "_start", start);
	b.low = b.word == 4 || start < LINK_ADDR;
	b.kasan = has(h, "kasan_early_shadow_page");
	place_borders(h, &b, start);
	read_borders(h, &b);
	add_regions(h, &b, l);
	n = list_borders(&b, list);
	for (unsigned i = 0; i < n; i++)
		mmw_layout_marker(l, b.at[list[i]], border_names[list[i]], 0);
	mmw_layout_span(l, b.kernel_first, b.word == 4 ? UINT32_MAX : UINT64_MAX);
}

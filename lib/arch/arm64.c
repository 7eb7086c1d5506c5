/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arm64: stage-1 translation tables, and Linux's layout on them.
 *
 * Descriptor (64 bits), Arm ARM DDI 0487 section D8.3:
 *
 *    0 valid   1 table (page at the last level), else block   4:2 AttrIndx   5 NS   6 AP[1] user   7 AP[2] read-only
 *    9:8 SH (LPA2: OA[51:50])   10 AF   11 nG   47:12 OA (LPA2: 49:12; 64K with 52-bit OA: 15:12 are OA[51:48])
 *   50 GP   51 DBM   52 contiguous   53 PXN   54 UXN   58:55 software   62:59 PBHA (62:60 permission overlay)
 *   table: 59 PXNTable   60 UXNTable   62:61 APTable   63 NSTable
 *
 * Software bits as Linux uses them (arch/arm64/include/asm/pgtable-prot.h, pgtable.h): 55 dirty, 56 special, 57 devmap
 * (to 6.16); PROT_NONE is a not-valid entry with bit 58, from 6.10 on with bit 11, and 58 then is uffd-wp of a valid one.
 */
#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "lib/arch/arch.h"
#include "lib/base/vec.h"

#define BIT(n)   (1ull << (n))
#define VALID    BIT(0)
#define TABLE    BIT(1)
#define ATTR     (7ull << 2)
#define USER     BIT(6)
#define RDONLY   BIT(7)
#define SH       (3ull << 8)
#define AF       BIT(10)
#define NG       BIT(11)
#define GP       BIT(50)
#define DBM      BIT(51)
#define CONT     BIT(52)
#define PXN      BIT(53)
#define UXN      BIT(54)
#define NONE_OLD BIT(58)
#define PMD_INVALID BIT(59)  /* PMD_PRESENT_INVALID, 5.10 to 6.9 */
#define BLOCK_NT BIT(16)     /* a block that is being changed (FEAT_BBM) */

#define MAIR_LINUX 0x000000040044ffffull  /* arch/arm64/mm/proc.S since 5.13, without MTE */

/* paging.variant */
enum {
	ARM64_LPA2 = 1,     /* 52-bit descriptors of 4K and 16K granules */
	ARM64_SH = 2,       /* bits 9:8 are shareability */
	ARM64_PA52 = 4,     /* 64K: bits 15:12 are address bits 51:48 */
	ARM64_NEW = 8,      /* 6.10 on: PROT_NONE by bit 11, swap entries rearranged, bit 58 is uffd-wp */
	ARM64_SWAP_EXCLUSIVE = 16,  /* 5.19 to 6.9: bit 2 of a swap entry is its exclusive marker */
	ARM64_POE = 32,     /* bits 62:60 are a permission overlay's index */
	ARM64_PBHA = 64,    /* bits 62:59 are page-based hardware attributes */
	ARM64_OLD = 128,    /* before 6.10 */
};

static uint64_t address(const struct mmw_paging *pg, uint64_t raw)
{
	uint64_t granule = ~((1ull << pg->page_shift) - 1);

	if (pg->variant & ARM64_LPA2)
		return (raw & 0x0003fffffffff000ull & granule) | (raw >> 8 & 3) << 50;
	raw = (raw & 0x0000fffffffff000ull & granule) | (pg->variant & ARM64_PA52 ? (raw >> 12 & 15) << 48 : 0);
	return raw;
}

static uint8_t leaf_rights(uint64_t raw)
{
	bool write = !(raw & RDONLY) || (raw & DBM);
	uint8_t r = MMW_KR | (write ? MMW_KW : 0);

	if (raw & USER)
		r |= MMW_UR | (write ? MMW_UW : 0);
	/* What a user may write, the kernel may not execute (D8.4.1). */
	if (!(raw & PXN) && !(r & MMW_UW))
		r |= MMW_KX;
	return raw & UXN ? r : r | MMW_UX;
}

static uint8_t table_rights(uint64_t raw)
{
	uint8_t r = MMW_RIGHTS_ALL;

	if (raw & BIT(59))
		r &= ~MMW_KX;
	if (raw & BIT(60))
		r &= ~MMW_UX;
	if (raw & BIT(61))
		r &= ~(MMW_UR | MMW_UW);
	if (raw & BIT(62))
		r &= ~(MMW_KW | MMW_UW);
	return r;
}

/* D8.3.1: 4K blocks are 2M and 1G, with LPA2 512G; 16K 32M, with LPA2 64G; 64K 512M, with 52-bit addresses 4T. */
static bool may_be_block(const struct mmw_paging *pg, unsigned level)
{
	bool large = pg->variant & (ARM64_LPA2 | ARM64_PA52);

	return level == 1 || (level == 2 && (pg->page_shift == 12 || large)) ||
	       (level == 3 && pg->page_shift == 12 && large);
}

/* Entries of a contiguous run, D8.7.1: 16 of 4K; 128 pages or 32 blocks of 16K; 32 of 64K. */
static uint8_t run_of(const struct mmw_paging *pg, unsigned level)
{
	return pg->page_shift == 12 ? 4 : pg->page_shift == 14 && !level ? 7 : 5;
}

static struct mmw_pte leaf(const struct mmw_paging *pg, unsigned level, uint64_t raw, bool hw)
{
	uint64_t size = mmw_level_size(pg, level), pa = address(pg, raw);
	struct mmw_pte pte = { .kind = MMW_PTE_LEAF, .hw = hw, .rights = leaf_rights(raw) };

	if (hw && (pa & (size - 1) & (level ? ~BLOCK_NT : ~0ull)))
		pte.kind = MMW_PTE_BAD;
	pte.pa = pa & ~(size - 1);
	pte.run = hw && (raw & CONT) ? run_of(pg, level) : 0;
	return pte;
}

static struct mmw_pte arm64_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	uint64_t none = pg->variant & ARM64_NEW ? NG : level ? NONE_OLD | PMD_INVALID : NONE_OLD;
	struct mmw_pte pte = { .kind = MMW_PTE_EMPTY };

	if (!(raw & VALID)) {
		if (!raw)
			return pte;
		if ((!level || may_be_block(pg, level)) && (raw & none))
			return leaf(pg, level, raw, false);
		pte.kind = level < 3 ? MMW_PTE_SWAP : MMW_PTE_BAD;
		return pte;
	}
	if (level ? !(raw & TABLE) && may_be_block(pg, level) : !!(raw & TABLE))
		return leaf(pg, level, raw, true);
	pte.kind = level && (raw & TABLE) ? MMW_PTE_TABLE : MMW_PTE_BAD;
	pte.hw = true;
	pte.rights = table_rights(raw);
	pte.pa = address(pg, raw);
	return pte;
}

#define ALL_LEVELS 0x1f
#define UPPER      0x1e
#define LEAF       (1 << MMW_PTE_LEAF)
#define TABLES     (1 << MMW_PTE_TABLE)
#define PRESENT    (1 << MMW_PTE_TABLE | 1 << MMW_PTE_LEAF | 1 << MMW_PTE_BAD)

static const struct mmw_flag arm64_flags[] = {
	{ "VALID", VALID, VALID, ALL_LEVELS, PRESENT, 0 },
	{ "PROTNONE", VALID, 0, ALL_LEVELS, LEAF, 0 },
	{ "BLOCK", VALID | TABLE, VALID, UPPER, LEAF, 0 },
	{ "USER", USER, USER, ALL_LEVELS, LEAF, 0 },
	{ "RDONLY", RDONLY, RDONLY, ALL_LEVELS, LEAF, 0 },
	{ "NS", BIT(5), BIT(5), ALL_LEVELS, LEAF, 0 },
	{ "SH_OUTER", SH, 2ull << 8, ALL_LEVELS, LEAF, ARM64_SH },
	{ "SH_INNER", SH, SH, ALL_LEVELS, LEAF, ARM64_SH },
	{ "AF", AF, AF, ALL_LEVELS, PRESENT, 0 },
	{ "NG", VALID | NG, VALID | NG, ALL_LEVELS, LEAF, 0 },
	{ "NT", BLOCK_NT, BLOCK_NT, UPPER, LEAF, 0 },
	{ "GP", GP, GP, ALL_LEVELS, LEAF, 0 },
	{ "DBM", DBM, DBM, ALL_LEVELS, LEAF, 0 },
	{ "CONT", CONT, CONT, ALL_LEVELS, LEAF, 0 },
	{ "PXN", PXN, PXN, ALL_LEVELS, LEAF, 0 },
	{ "UXN", UXN, UXN, ALL_LEVELS, LEAF, 0 },
	{ "DIRTY", BIT(55), BIT(55), ALL_LEVELS, LEAF, 0 },
	{ "SPECIAL", BIT(56), BIT(56), ALL_LEVELS, LEAF, 0 },
	{ "DEVMAP", BIT(57), BIT(57), ALL_LEVELS, LEAF, 0 },
	{ "UFFD_WP", VALID | BIT(58), VALID | BIT(58), ALL_LEVELS, LEAF, ARM64_NEW },
	{ "PBHA0", VALID | BIT(59), VALID | BIT(59), ALL_LEVELS, LEAF, ARM64_PBHA },
	{ "PBHA1", BIT(60), BIT(60), ALL_LEVELS, LEAF, ARM64_PBHA },
	{ "PBHA2", BIT(61), BIT(61), ALL_LEVELS, LEAF, ARM64_PBHA },
	{ "PBHA3", BIT(62), BIT(62), ALL_LEVELS, LEAF, ARM64_PBHA },
	{ "PXNTABLE", BIT(59), BIT(59), ALL_LEVELS, TABLES, 0 },
	{ "UXNTABLE", BIT(60), BIT(60), ALL_LEVELS, TABLES, 0 },
	{ "APTABLE_NO_USER", BIT(61), BIT(61), ALL_LEVELS, TABLES, 0 },
	{ "APTABLE_RDONLY", BIT(62), BIT(62), ALL_LEVELS, TABLES, 0 },
	{ "NSTABLE", BIT(63), BIT(63), ALL_LEVELS, TABLES, 0 },
	{ NULL, 0, 0, 0, 0, 0 },
};

static const char *const arm64_memtypes[] = {
	"NORMAL", "NORMAL_TAGGED", "NORMAL_NC", "NORMAL_WT", "DEVICE_nGnRnE", "DEVICE_nGnRE", "DEVICE_nGRE", "DEVICE_GRE",
	"NORMAL_OTHER", NULL,
};

/*
 * MAIR_EL1's byte of this index (D24.2.109). Linux calls index 1 tagged whether the processor has tags or not
 * (arch/arm64/include/asm/memory.h, MT_NORMAL_TAGGED, since 5.10).
 */
static const char *arm64_memtype(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	unsigned index = (raw & ATTR) >> 2, attr = pg->attrs >> 8 * index & 0xff;

	(void)level;
	if (!pg->attrs || !(raw & VALID))
		return NULL;
	switch (attr) {
	case 0x00:
		return "DEVICE_nGnRnE";
	case 0x04:
		return "DEVICE_nGnRE";
	case 0x08:
		return "DEVICE_nGRE";
	case 0x0c:
		return "DEVICE_GRE";
	case 0x44:
		return "NORMAL_NC";
	case 0xbb:
		return "NORMAL_WT";
	case 0xf0:
		return "NORMAL_TAGGED";
	case 0xff:
		return index == 1 ? "NORMAL_TAGGED" : "NORMAL";
	default:
		return "NORMAL_OTHER";
	}
}

static uint64_t arm64_pkey(const struct mmw_paging *pg, uint64_t raw)
{
	return pg->variant & ARM64_POE && raw & VALID ? raw >> 60 & 7 : 0;
}

/* pgtable.h, __swp_type and __swp_offset, in three arrangements. */
static void arm64_swap(const struct mmw_paging *pg, uint64_t raw, unsigned *type, uint64_t *offset)
{
	if (pg->variant & ARM64_NEW) {
		*type = raw >> 6 & 0x1f;
		*offset = raw >> 12 & ((1ull << 50) - 1);
	} else if (pg->variant & ARM64_SWAP_EXCLUSIVE) {
		*type = raw >> 3 & 0x1f;
		*offset = raw >> 8 & ((1ull << 50) - 1);
	} else {
		*type = raw >> 2 & 0x3f;
		*offset = raw >> 8 & ((1ull << 50) - 1);
	}
}

/* --- the kernel's own listing: arch/arm64/mm/ptdump.c, 6.1 to 7.2 ------------------------------------------------ */

static void arm64_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size)
{
	static const struct { const char *type, *text; } types[] = {
		{ "DEVICE_nGnRnE", " DEVICE/nGnRnE" }, { "DEVICE_nGnRE", " DEVICE/nGnRE" }, { "NORMAL_NC", " MEM/NORMAL-NC" },
		{ "NORMAL", " MEM/NORMAL" }, { "NORMAL_TAGGED", " MEM/NORMAL-TAGGED" },
	};
	const char *name = mmw_level_name(pg, level), *type;
	size_t n = snprintf(buf, size, "%c%c%c", toupper(name[0]), toupper(name[1]), toupper(name[2]));
	bool block = pg->variant & ARM64_NEW ? (raw & 3) == VALID : !(raw & TABLE);

	if (!raw)
		return;
	n += snprintf(buf + n, size - n, " %s %s %s %s %s %s %s %s %s %s %s", raw & VALID ? " " : "F",
		      raw & USER ? "USR" : "   ", raw & RDONLY ? "ro" : "RW", raw & PXN ? "NX" : "x ",
		      (raw & SH) == SH ? "SHD" : "   ", raw & AF ? "AF" : "  ", raw & NG ? "NG" : "  ",
		      raw & CONT ? "CON" : "   ", block ? "BLK" : "   ", raw & UXN ? "UXN" : "   ", raw & GP ? "GP" : "  ");
	type = arm64_memtype(pg, level, raw | VALID);
	for (size_t i = 0; type && i < mmw_array_len(types); i++)
		if (!strcmp(type, types[i].type))
			snprintf(buf + n, size - n, "%s", types[i].text);
}

static uint64_t arm64_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	(void)pg;
	(void)level;
	return raw & (VALID | TABLE | ATTR | USER | RDONLY | SH | AF | NG | GP | CONT | PXN | UXN);
}

/* --- geometry, registers ------------------------------------------------------------------------------------------ */

static void set_geometry(struct mmw_paging *pg, unsigned page_shift, unsigned va_bits)
{
	unsigned per = page_shift - 3, left = va_bits - page_shift;

	*pg = (struct mmw_paging){ .page_shift = (uint8_t)page_shift, .entry_size = 8, .va_bits = (uint8_t)va_bits,
				   .va_kind = MMW_VA_HIGH };
	snprintf(pg->name, sizeof(pg->name), "%uk-%u", 1u << (page_shift - 10), va_bits);
	for (; left && pg->levels < MMW_LEVELS_MAX; left -= pg->bits[pg->levels++])
		pg->bits[pg->levels] = (uint8_t)(left < per ? left : per);
	if (page_shift == 16)
		pg->variant = ARM64_PA52 | ARM64_SH;
	else
		pg->variant = va_bits == 52 ? ARM64_LPA2 : ARM64_SH;
}

static int arm64_geometry(unsigned index, struct mmw_paging *pg)
{
	static const uint8_t kinds[][2] = {
		{ 12, 48 }, { 12, 52 }, { 16, 48 }, { 16, 52 }, { 14, 47 }, { 14, 52 }, { 14, 48 }, { 12, 39 }, { 16, 42 }, { 14, 36 },
	};

	if (index >= mmw_array_len(kinds))
		return 0;
	set_geometry(pg, kinds[index][0], kinds[index][1]);
	return 1;
}

/* TCR_EL1: T1SZ 21:16, TG1 31:30 (1 16K, 2 4K, 3 64K), DS 59. TTBR1_EL1: ASID 63:48, BADDR 47:1 with 5:2 as PA[51:48]. */
static int arm64_from_cpu(const struct mmw_cpu *cpu, struct mmw_paging *pg, uint64_t roots[MMW_ROOTS_MAX])
{
	static const uint8_t shifts[] = { 0, 14, 12, 16 };
	uint64_t tcr = cpu->reg[MMW_REG_TCR], ttbr = cpu->reg[MMW_REG_TTBR1];
	unsigned va_bits = 64 - (tcr >> 16 & 63), shift = shifts[tcr >> 30 & 3];

	if (!(cpu->known & 1u << MMW_REG_TTBR1) || !(cpu->known & 1u << MMW_REG_TCR) || !shift || va_bits < 32 || va_bits > 52)
		return 0;
	set_geometry(pg, shift, va_bits);
	if (shift != 16 && (tcr & BIT(59)))
		pg->variant = ARM64_LPA2;
	if (cpu->known & 1u << MMW_REG_MAIR)
		pg->attrs = cpu->reg[MMW_REG_MAIR];
	roots[0] = ttbr & 0x0000fffffffffffeull;
	if (va_bits == 52)
		roots[0] = (ttbr & 0x0000ffffffffffc0ull) | (ttbr >> 2 & 15) << 48;
	return 1;
}

/* --- the kernel --------------------------------------------------------------------------------------------------- */

static int arm64_find_delta(const struct mmw_hints *h, unsigned index, uint64_t *delta, struct mmw_err *err)
{
	if (index || (h->number(h->ctx, "kimage_voffset", delta) && h->variable(h->ctx, "kimage_voffset", 8, delta)))
		return mmw_fail(err, MMW_E_NOSYM, 0, "kimage_voffset is not known");
	return 0;
}

static bool has(const struct mmw_hints *h, const char *symbol)
{
	uint64_t va;

	return !h->symbol(h->ctx, symbol, &va);
}

/*
 * What the kernel's own code loads into MAIR_EL1: MOVZ and MOVK build the value in some register, MSR stores it
 * (arch/arm64/mm/proc.S, __cpu_setup). The register itself is in few images.
 */
static uint64_t mair_by_code(const struct mmw_hints *h)
{
	uint64_t x[32] = { 0 };
	char name[40];

	for (unsigned i = 0; i < 256; i++) {
		uint64_t insn, imm;
		unsigned rd, shift;

		snprintf(name, sizeof(name), "__cpu_setup+%u", 4 * i);
		if (h->variable(h->ctx, name, 4, &insn))
			return 0;
		rd = insn & 31;
		shift = 16 * (insn >> 21 & 3);
		imm = (insn >> 5 & 0xffff) << shift;
		if ((insn & 0xff800000) == 0xd2800000)
			x[rd] = imm;
		else if ((insn & 0xff800000) == 0xf2800000)
			x[rd] = (x[rd] & ~(0xffffull << shift)) | imm;
		else if ((insn & 0xffffffe0) == 0xd518a200)
			return x[rd];
	}
	return 0;
}

/* Does the kernel say that it uses this granule and this many address bits? What it does not say is left to the tables. */
static bool may_be(const struct mmw_hints *h, const struct mmw_paging *pg)
{
	uint64_t page, t1sz, va_bits;

	if (!h->number(h->ctx, "PAGESIZE", &page) && page != 1ull << pg->page_shift)
		return false;
	/* 64K tables made for 52 bits are walked from their start, even on a processor of 48 (arch/arm64/mm/proc.S). */
	if (pg->page_shift == 16 && !h->number(h->ctx, "VA_BITS", &va_bits))
		return va_bits == pg->va_bits;
	return h->number(h->ctx, "TCR_EL1_T1SZ", &t1sz) || 64 - t1sz == pg->va_bits;
}

static int arm64_from_kernel(const struct mmw_hints *h, struct mmw_paging *pg, uint64_t *root, struct mmw_err *err)
{
	uint64_t va, delta;

	if (h->symbol(h->ctx, "swapper_pg_dir", &va))
		return mmw_fail(err, MMW_E_NOSYM, 0, "no symbol names the kernel's root table (swapper_pg_dir)");
	if (h->image_delta(h->ctx, &delta))
		return mmw_fail(err, MMW_E_NOSYM, 0, "where the kernel image lies in physical memory is not known");
	if (!may_be(h, pg))
		return mmw_fail(err, MMW_E_NOSYM, 0, "the kernel does not use %s", pg->name);
	*root = va - delta;
	pg->attrs = mair_by_code(h);
	if (!pg->attrs)
		pg->attrs = MAIR_LINUX;
	/* System calls that came with the change, or a version before it (5.17 and 6.10). */
	if (has(h, "__arm64_sys_mseal"))
		pg->variant |= ARM64_NEW;
	else if (has(h, "__arm64_sys_set_mempolicy_home_node"))
		pg->variant |= ARM64_SWAP_EXCLUSIVE;
	pg->variant |= has(h, "arch_set_user_pkey_access") ? ARM64_POE : ARM64_PBHA;
	return 0;
}

/* Where the fixmap ends (asm/fixmap.h): below vmemmap, or, since vmemmap moved below it (6.9), 8 MiB below the top. */
static bool fixmap_top(const struct mmw_hints *h, uint64_t *top)
{
	uint64_t start, end;

	if (h->number(h->ctx, "VMEMMAP_START", &start) || h->number(h->ctx, "VMEMMAP_END", &end))
		return false;
	*top = end == -(1ull << 30) ? -(8ull << 20) : start - (32ull << 20);
	return true;
}

/* arch/arm64/kernel/vmlinux.lds.S: tramp_pg_dir, reserved_pg_dir, swapper_pg_dir follow each other, a page each. */
static int arm64_user_root(const struct mmw_hints *h, const struct mmw_paging *pg, uint64_t root, uint64_t *user,
			   uint64_t *shared)
{
	uint64_t page = 1ull << pg->page_shift;
	int64_t slot;

	*user = root - 2 * page;
	if (h->enumerator(h->ctx, "fixed_addresses", "FIX_ENTRY_TRAMP_TEXT1", &slot) &&
	    h->enumerator(h->ctx, "fixed_addresses", "FIX_ENTRY_TRAMP_TEXT", &slot))
		return -MMW_E_NOSYM;
	if (!fixmap_top(h, shared))
		return -MMW_E_NOSYM;
	*shared -= (uint64_t)slot * page;
	return 0;
}

/* --- layout ------------------------------------------------------------------------------------------------------- */

struct bounds {
	uint64_t linear, linear_end, modules, modules_end, vmalloc, vmalloc_end, vmemmap, vmemmap_end, fixmap_end;
	uint64_t delta;
	bool numbers, has_delta;
};

static struct bounds find_bounds(const struct mmw_hints *h, const struct mmw_paging *pg)
{
	uint64_t built = pg->va_bits, actual = pg->va_bits, t1sz, phys;
	struct bounds b = { 0 };

	h->number(h->ctx, "VA_BITS", &built);
	if (!h->number(h->ctx, "TCR_EL1_T1SZ", &t1sz) && t1sz > 11 && t1sz < 33)
		actual = 64 - t1sz;
	b.linear = -(1ull << actual);
	/* PAGE_END: half of the smallest space that this kernel can run with. */
	b.linear_end = -(1ull << ((built == 52 ? (pg->page_shift == 14 ? 47 : 48) : built) - 1));
	b.has_delta = !h->number(h->ctx, "PHYS_OFFSET", &phys) || !h->variable(h->ctx, "memstart_addr", 8, &phys);
	b.delta = -(1ull << built) - phys;
	b.numbers = !h->number(h->ctx, "MODULES_VADDR", &b.modules) && !h->number(h->ctx, "MODULES_END", &b.modules_end) &&
		    !h->number(h->ctx, "VMALLOC_START", &b.vmalloc) && !h->number(h->ctx, "VMALLOC_END", &b.vmalloc_end) &&
		    !h->number(h->ctx, "VMEMMAP_START", &b.vmemmap) && !h->number(h->ctx, "VMEMMAP_END", &b.vmemmap_end) &&
		    fixmap_top(h, &b.fixmap_end);
	return b;
}

/* The image, with KASLR somewhere in vmalloc; without data symbols only its code has borders. */
static void add_vmalloc(const struct mmw_hints *h, const struct bounds *b, struct mmw_layout *l)
{
	static const struct { const char *first, *end, *name; } parts[] = {
		{ "_stext", "_etext", "kernel text" },
		{ "__start_rodata", "__end_rodata", "kernel rodata" },
		{ "__init_begin", "__init_end", "kernel init" },
		{ "_sdata", "_edata", "kernel data" },
		{ "__bss_start", "__bss_stop", "kernel bss" },
	};
	uint64_t pos = b->vmalloc, first, stop, delta;

	for (size_t i = 0; !h->image_delta(h->ctx, &delta) && i < mmw_array_len(parts); i++) {
		if (h->symbol(h->ctx, parts[i].first, &first) || h->symbol(h->ctx, parts[i].end, &stop) || first < pos ||
		    stop <= first || stop > b->vmalloc_end)
			continue;
		if (first > pos)
			mmw_layout_region(l, pos, first - 1, i ? "kernel image" : "vmalloc");
		mmw_layout_linear(l, first, stop - 1, parts[i].name, delta);
		pos = stop;
	}
	mmw_layout_region(l, pos, b->vmalloc_end - 1, "vmalloc");
}

/*
 * The kernel's own marker table (16 bytes an entry; a kernel has it with its listing only), in the order of 6.1, and of
 * 6.9 on, where vmemmap moved below the I/O space and the fixmap.
 */
static void add_markers(const struct mmw_hints *h, const struct bounds *b, struct mmw_layout *l)
{
	static const char *const names[2][12] = {
		{ "Linear Mapping start", "Linear Mapping end", "Modules start", "Modules end", "vmalloc() area", "vmalloc() end",
		  "Fixmap start", "Fixmap end", "PCI I/O start", "PCI I/O end", "vmemmap start", "vmemmap end" },
		{ "Linear Mapping start", "Linear Mapping end", "Modules start", "Modules end", "vmalloc() area", "vmalloc() end",
		  "vmemmap start", "vmemmap end", "PCI I/O start", "PCI I/O end", "Fixmap start", "Fixmap end" },
	};
	bool moved = b->fixmap_end > b->vmemmap;
	char name[32];
	uint64_t start;

	mmw_layout_span(l, b->linear, UINT64_MAX);
	for (unsigned i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "address_markers+%u", 16 * i);
		if (h->variable(h->ctx, name, 8, &start) || start == UINT64_MAX)
			break;
		mmw_layout_marker(l, start, names[moved][i], 0);
	}
	if (l->n_markers == 12)
		return;
	l->n_markers = 0;
	mmw_layout_marker(l, b->linear, names[0][0], 0);
	mmw_layout_marker(l, b->linear_end, names[0][1], 0);
	mmw_layout_marker(l, b->modules, names[0][2], 0);
	mmw_layout_marker(l, b->modules_end, names[0][3], 0);
	mmw_layout_marker(l, b->vmalloc, names[0][4], 0);
	mmw_layout_marker(l, b->vmalloc_end, names[0][5], 0);
	if (moved) {
		mmw_layout_marker(l, b->vmemmap, names[1][6], 0);
		mmw_layout_marker(l, b->vmemmap_end, names[1][7], 0);
		mmw_layout_marker(l, b->fixmap_end, names[1][11], 0);
	} else {
		mmw_layout_marker(l, b->fixmap_end, names[0][7], 0);
		mmw_layout_marker(l, b->vmemmap, names[0][10], 0);
		mmw_layout_marker(l, b->vmemmap_end, names[0][11], 0);
	}
}

static void arm64_layout(const struct mmw_hints *h, const struct mmw_paging *pg, struct mmw_layout *l)
{
	struct bounds b = find_bounds(h, pg);

	mmw_layout_region(l, 0, ~b.linear, "user space");
	mmw_layout_region(l, ~b.linear + 1, b.linear - 1, "non-canonical");
	if (b.has_delta)
		mmw_layout_linear(l, b.linear, b.linear_end - 1, "linear map", b.delta);
	if (!b.numbers)
		return;
	mmw_layout_region(l, b.modules, b.modules_end - 1, "modules");
	add_vmalloc(h, &b, l);
	if (b.fixmap_end > b.vmemmap) {
		mmw_layout_region(l, b.vmemmap, b.vmemmap_end - 1, "vmemmap");
		mmw_layout_region(l, b.vmemmap_end, b.fixmap_end - 1, "PCI I/O and fixmap");
	} else {
		mmw_layout_region(l, b.vmalloc_end, b.fixmap_end - 1, "fixmap");
		mmw_layout_region(l, b.fixmap_end, b.vmemmap - 1, "PCI I/O");
		mmw_layout_region(l, b.vmemmap, b.vmemmap_end - 1, "vmemmap");
	}
	add_markers(h, &b, l);
}

const struct mmw_arch mmw_arch_arm64 = {
	.name = "arm64",
	.machine = EM_AARCH64,
	.word = 8,
	.decode = arm64_decode,
	.flags = arm64_flags,
	.memtype = arm64_memtype,
	.memtypes = arm64_memtypes,
	.pkey = arm64_pkey,
	.swap = arm64_swap,
	.ptdump = arm64_ptdump,
	.ptdump_prot = arm64_ptdump_prot,
	.ptdump_style = MMW_PTDUMP_TWO_MARKERS | MMW_PTDUMP_KIB,
	.image_first = -(1ull << 51),
	.image_last = UINT64_MAX,
	.from_cpu = arm64_from_cpu,
	.find_delta = arm64_find_delta,
	.geometry = arm64_geometry,
	.from_kernel = arm64_from_kernel,
	.user_root = arm64_user_root,
	.isolation = NG,
	.layout = arm64_layout,
};

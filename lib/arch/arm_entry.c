/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arm (32 bits): entries of short descriptors and of LPAE's long ones.
 *
 * Short descriptors (32 bits), ARM ARM DDI 0406C, B3.5.1. Type in bits 1:0 (0: fault, rest
 * ignored):
 *
 *   first level, table (1)        2 PXN   3 NS   8:5 domain   31:10 address
 *   first level, section (2, 3)   0 PXN   2 B   3 C   4 XN   8:5 domain   11:10 AP[1:0]   14:12 TEX   15 AP[2] (APX)
 *                                16 S  17 nG  18 supersection (16 entries alike; 8:5 and 23:20 are PA[39:32])  19 NS
 *   second level, large (1)       2 B   3 C   5:4 AP[1:0]   9 APX  10 S  11 nG  14:12 TEX  15 XN   31:16 address
 *   second level, small (2, 3)    0 XN   2 B   3 C   5:4 AP[1:0]   8:6 TEX   9 APX  10 S  11 nG   31:12 address
 *
 * The hardware has no accessed or dirty bit there, so Linux keeps an entry of its own 2048 bytes before each of the
 * second level (asm/pgtable-2level.h, 5.10 to 7.2), and writes a hardware entry only while that one is young. The
 * walker delivers both, Linux's in the upper half:
 *
 *   0 present   1 young   5:2 memory type   6 dirty   7 read-only   8 user   9 XN   10 shared   11 PROT_NONE
 *
 * Long descriptors (64 bits), B3.6.1:
 *
 *    0 valid   1 table or page   4:2 AttrIndx   5 NS   7:6 AP[2:1]   9:8 SH   10 AF   11 nG   39:12 address
 *   52 contiguous   53 PXN   54 XN   58:55 software: dirty, special, PROT_NONE, read-only (asm/pgtable-3level.h)
 *   tables:   59 PXNTable   60 XNTable   62:61 APTable   63 NSTable
 */
#include <stdio.h>
#include <string.h>

#include "lib/arch/arm_entry.h"
#include "lib/base/vec.h"

#define BIT(n) (1ull << (n))

#define LPAE_ADDRESS  0x000000fffffff000ull
#define LPAE_RES0     0x0000ff0000000000ull  /* addresses have 40 bits */
#define LINUX_MAIR    0xff000004eeaa4400ull  /* MAIR1:MAIR0 of arch/arm/mm/proc-v7-3level.S */

/* Linux's own half of a short entry of the last level. */
enum {
	L_PRESENT = 1 << 0,
	L_RDONLY = 1 << 7,
	L_USER = 1 << 8,
	L_XN = 1 << 9,
	L_SHARED = 1 << 10,
};

/* --- decoding ----------------------------------------------------------------------------------------------------- */

/* AP[2:0] (B3.7.1, table B3-8): Linux runs with SCTLR.AFE clear (v7_crval in mm/proc-v7-2level.S). */
static uint8_t short_rights(unsigned ap, bool xn, bool pxn)
{
	static const uint8_t rights[8] = {
		0, MMW_KR | MMW_KW, MMW_KR | MMW_KW | MMW_UR, MMW_KR | MMW_KW | MMW_UR | MMW_UW,
		0, MMW_KR, MMW_KR | MMW_UR, MMW_KR | MMW_UR,
	};
	uint8_t r = rights[ap];

	if (xn)
		return r;
	return r | (!pxn && (r & MMW_KR) ? MMW_KX : 0) | (r & MMW_UR ? MMW_UX : 0);
}

static struct mmw_pte short_first(uint32_t raw)
{
	unsigned type = raw & 3, ap = (raw >> 10 & 3) | (raw >> 15 & 1) << 2;
	struct mmw_pte pte = { MMW_PTE_EMPTY, true, 0, 0, 0, false };

	if (!type) {
		pte.kind = raw ? MMW_PTE_BAD : MMW_PTE_EMPTY;  /* legal, but Linux leaves nothing there */
		pte.hw = false;
		return pte;
	}
	if (type == 1) {
		pte.kind = MMW_PTE_TABLE;
		pte.rights = raw & 4 ? MMW_RIGHTS_ALL & ~MMW_KX : MMW_RIGHTS_ALL;
		pte.pa = raw & 0xfffffc00;
		return pte;
	}
	pte.kind = ap == 4 ? MMW_PTE_BAD : MMW_PTE_LEAF;  /* reserved */
	pte.rights = short_rights(ap, raw & 0x10, raw & 1);
	pte.pa = raw & 0xfff00000;
	if (raw & 0x40000) {
		pte.pa = (raw & 0xff000000) | (uint64_t)(raw >> 20 & 0xf) << 32 | (uint64_t)(raw >> 5 & 0xf) << 36;
		pte.run = 4;
		pte.shared = true;
	}
	return pte;
}

/* Nothing for the processor: the page is old, PROT_NONE, swapped out, or there is none. */
static struct mmw_pte linux_half(uint32_t hw, uint32_t own)
{
	struct mmw_pte pte = { MMW_PTE_EMPTY, false, 0, 0, 0, false };

	if (!own) {
		pte.kind = hw ? MMW_PTE_BAD : MMW_PTE_EMPTY;
		return pte;
	}
	if (!(own & L_PRESENT)) {
		pte.kind = MMW_PTE_SWAP;
		return pte;
	}
	pte.kind = MMW_PTE_LEAF;
	pte.rights = MMW_KR | (own & L_RDONLY ? 0 : MMW_KW) | (own & L_XN ? 0 : MMW_KX);
	if (own & L_USER)
		pte.rights |= pte.rights << 3;
	pte.pa = own & 0xfffff000;
	return pte;
}

static struct mmw_pte short_second(uint64_t raw)
{
	unsigned ap = (raw >> 4 & 3) | (raw >> 9 & 1) << 2;
	struct mmw_pte pte = { ap == 4 ? MMW_PTE_BAD : MMW_PTE_LEAF, true, 0, 0, 0, false };

	switch (raw & 3) {
	case 0:
		return linux_half(raw, raw >> 32);
	case 1:
		pte.rights = short_rights(ap, raw & 0x8000, false);
		pte.pa = raw & 0xffff0000;
		pte.run = 4;
		pte.shared = true;
		return pte;
	default:
		pte.rights = short_rights(ap, raw & 1, false);
		pte.pa = raw & 0xfffff000;
		return pte;
	}
}

/* AP[2:1], PXN and XN (B3.7.1, table B3-9; B3.7.2). */
static uint8_t lpae_rights(uint64_t raw)
{
	uint8_t r = MMW_KR | (raw & BIT(7) ? 0 : MMW_KW) | (raw & BIT(54) ? 0 : MMW_KX);

	if (raw & BIT(6))
		r |= r << 3;
	return raw & BIT(53) ? r & ~MMW_KX : r;
}

/* What a table takes away below it (B3.6.1, attribute fields in long-descriptor table descriptors). */
static uint8_t lpae_table_rights(uint64_t raw)
{
	uint8_t r = MMW_RIGHTS_ALL;

	if (raw & BIT(59))
		r &= ~MMW_KX;
	if (raw & BIT(60))
		r &= ~(MMW_KX | MMW_UX);
	if (raw & BIT(61))
		r &= ~(MMW_UR | MMW_UW | MMW_UX);
	if (raw & BIT(62))
		r &= ~(MMW_KW | MMW_UW);
	return r;
}

static struct mmw_pte lpae_leaf(const struct mmw_paging *pg, unsigned level, uint64_t raw, bool hw)
{
	uint64_t size = mmw_level_size(pg, level);
	struct mmw_pte pte = { MMW_PTE_LEAF, hw, lpae_rights(raw), raw & LPAE_ADDRESS & ~pg->clear, 0, false };

	if (hw && ((raw & LPAE_RES0) || (pte.pa & (size - 1))))
		pte.kind = MMW_PTE_BAD;
	pte.pa &= ~(size - 1);
	pte.run = level < 2 && (raw & BIT(52)) ? 4 : 0;
	return pte;
}

/*
 * With valid clear the rest is Linux's. A PROT_NONE page keeps bit 1, which makes it present (L_PTE_PRESENT is both
 * bits). A huge one has neither, as swap notes of hugetlbfs do; but these are words of 32 bits, while a huge page has
 * XN, dirty, read-only or PROT_NONE in the upper half unless it is clean, writable and executable.
 */
static struct mmw_pte lpae_invalid(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	struct mmw_pte pte = { MMW_PTE_EMPTY, false, 0, 0, 0, false };

	if (!raw)
		return pte;
	if (level == 0 ? (raw & 2) != 0 : level == 1 && raw >> 32)
		return lpae_leaf(pg, level, raw, false);
	pte.kind = level < 2 ? MMW_PTE_SWAP : MMW_PTE_BAD;
	return pte;
}

static struct mmw_pte lpae_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	struct mmw_pte pte = { MMW_PTE_TABLE, true, 0, 0, 0, false };

	if (!(raw & 1))
		return lpae_invalid(pg, level, raw);
	if (level == 0 ? (raw & 2) != 0 : !(raw & 2))
		return lpae_leaf(pg, level, raw, true);
	if (level == 0 || (raw & LPAE_RES0))
		pte.kind = MMW_PTE_BAD;
	pte.rights = lpae_table_rights(raw);
	pte.pa = raw & LPAE_ADDRESS & ~pg->clear;
	return pte;
}

struct mmw_pte mmw_arm_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	if (!mmw_arm_short(pg))
		return lpae_decode(pg, level, raw);
	return level ? short_first(raw) : short_second(raw);
}

/* --- names of bits ------------------------------------------------------------------------------------------------ */

#define LAST    1
#define FIRST   2  /* short descriptors: the first of two levels */
#define ALL     7
#define TABLE   (1 << MMW_PTE_TABLE)
#define LEAF    (1 << MMW_PTE_LEAF)
#define SWAP    (1 << MMW_PTE_SWAP)
#define BAD     (1 << MMW_PTE_BAD)

/* A bit of Linux's half. */
#define OWN(n)  BIT(32 + (n))

/* Supersections have address bits there and are in domain 0; Linux itself has domains 0 to 3 (asm/domain.h). */
#define DOMAIN(n) \
	{ "DOMAIN" #n, 0x1e0, (n) << 5, FIRST, TABLE, ARM_SHORT }, \
	{ "DOMAIN" #n, 0x401e0, (n) << 5, FIRST, LEAF | BAD, ARM_SHORT }

const struct mmw_flag mmw_arm_flags[] = {
	{ "SECTION", 0x40002, 0x2, FIRST, LEAF | BAD, ARM_SHORT },
	{ "SUPERSECTION", 0x40002, 0x40002, FIRST, LEAF | BAD, ARM_SHORT },
	{ "PXN", 0x4, 0x4, FIRST, TABLE, ARM_SHORT },
	{ "NS", 0x8, 0x8, FIRST, TABLE, ARM_SHORT },
	{ "PXN", 0x3, 0x3, FIRST, LEAF | BAD, ARM_SHORT },
	{ "B", 0x4, 0x4, FIRST, LEAF | BAD, ARM_SHORT },
	{ "C", 0x8, 0x8, FIRST, LEAF | BAD, ARM_SHORT },
	{ "XN", 0x10, 0x10, FIRST, LEAF | BAD, ARM_SHORT },
	{ "AP0", 0x400, 0x400, FIRST, LEAF | BAD, ARM_SHORT },
	{ "AP1", 0x800, 0x800, FIRST, LEAF | BAD, ARM_SHORT },
	{ "TEX0", 0x1000, 0x1000, FIRST, LEAF | BAD, ARM_SHORT },
	{ "TEX1", 0x2000, 0x2000, FIRST, LEAF | BAD, ARM_SHORT },
	{ "TEX2", 0x4000, 0x4000, FIRST, LEAF | BAD, ARM_SHORT },
	{ "APX", 0x8000, 0x8000, FIRST, LEAF | BAD, ARM_SHORT },
	{ "S", 0x10000, 0x10000, FIRST, LEAF | BAD, ARM_SHORT },
	{ "NG", 0x20000, 0x20000, FIRST, LEAF | BAD, ARM_SHORT },
	{ "NS", 0x80000, 0x80000, FIRST, LEAF | BAD, ARM_SHORT },
	DOMAIN(1), DOMAIN(2), DOMAIN(3), DOMAIN(4), DOMAIN(5), DOMAIN(6), DOMAIN(7), DOMAIN(8), DOMAIN(9), DOMAIN(10),
	DOMAIN(11), DOMAIN(12), DOMAIN(13), DOMAIN(14), DOMAIN(15),
	{ "LARGE", 0x3, 0x1, LAST, LEAF | BAD, ARM_SHORT },
	{ "XN", 0x3, 0x3, LAST, LEAF | BAD, ARM_SHORT },
	{ "XN", 0x8003, 0x8001, LAST, LEAF | BAD, ARM_SHORT },
	{ "B", 0x4, 0x4, LAST, LEAF | BAD, ARM_SHORT },
	{ "C", 0x8, 0x8, LAST, LEAF | BAD, ARM_SHORT },
	{ "AP0", 0x10, 0x10, LAST, LEAF | BAD, ARM_SHORT },
	{ "AP1", 0x20, 0x20, LAST, LEAF | BAD, ARM_SHORT },
	{ "TEX0", 0x42, 0x42, LAST, LEAF | BAD, ARM_SHORT },
	{ "TEX1", 0x82, 0x82, LAST, LEAF | BAD, ARM_SHORT },
	{ "TEX2", 0x102, 0x102, LAST, LEAF | BAD, ARM_SHORT },
	{ "TEX0", 0x1003, 0x1001, LAST, LEAF | BAD, ARM_SHORT },
	{ "TEX1", 0x2003, 0x2001, LAST, LEAF | BAD, ARM_SHORT },
	{ "TEX2", 0x4003, 0x4001, LAST, LEAF | BAD, ARM_SHORT },
	{ "APX", 0x200, 0x200, LAST, LEAF | BAD, ARM_SHORT },
	{ "S", 0x400, 0x400, LAST, LEAF | BAD, ARM_SHORT },
	{ "NG", 0x800, 0x800, LAST, LEAF | BAD, ARM_SHORT },
	{ "L_PRESENT", OWN(0), OWN(0), LAST, LEAF, ARM_SHORT },
	{ "L_YOUNG", OWN(1), OWN(1), LAST, LEAF, ARM_SHORT },
	{ "L_DIRTY", OWN(6), OWN(6), LAST, LEAF, ARM_SHORT },
	{ "L_RDONLY", OWN(7), OWN(7), LAST, LEAF, ARM_SHORT },
	{ "L_USER", OWN(8), OWN(8), LAST, LEAF, ARM_SHORT },
	{ "L_XN", OWN(9), OWN(9), LAST, LEAF, ARM_SHORT },
	{ "L_SHARED", OWN(10), OWN(10), LAST, LEAF, ARM_SHORT },
	{ "L_NONE", OWN(11), OWN(11), LAST, LEAF, ARM_SHORT },
	{ "SWP_EXCLUSIVE", OWN(7), OWN(7), LAST, SWAP, ARM_SHORT_EXCLUSIVE },

	{ "VALID", BIT(0), BIT(0), ALL, TABLE | LEAF | BAD, ARM_LPAE },
	{ "BLOCK", 0x3, 0x1, 6, LEAF | BAD, ARM_LPAE },
	{ "NS", BIT(5), BIT(5), ALL, LEAF, ARM_LPAE },
	{ "USER", BIT(6), BIT(6), ALL, LEAF, ARM_LPAE },
	{ "AP2", BIT(7), BIT(7), ALL, LEAF, ARM_LPAE },
	{ "SH0", BIT(8), BIT(8), ALL, LEAF, ARM_LPAE },
	{ "SH1", BIT(9), BIT(9), ALL, LEAF, ARM_LPAE },
	{ "AF", BIT(10), BIT(10), ALL, LEAF, ARM_LPAE },
	{ "NG", BIT(11), BIT(11), ALL, LEAF, ARM_LPAE },
	{ "CONT", BIT(52), BIT(52), ALL, LEAF, ARM_LPAE },
	{ "PXN", BIT(53), BIT(53), ALL, LEAF, ARM_LPAE },
	{ "XN", BIT(54), BIT(54), ALL, LEAF, ARM_LPAE },
	{ "L_DIRTY", BIT(55), BIT(55), ALL, LEAF, ARM_LPAE },
	{ "L_SPECIAL", BIT(56), BIT(56), ALL, LEAF, ARM_LPAE },
	{ "L_NONE", BIT(57), BIT(57), ALL, LEAF, ARM_LPAE },
	{ "L_RDONLY", BIT(58), BIT(58), ALL, LEAF, ARM_LPAE },
	{ "L_SWAPPER", BIT(55), BIT(55), 4, TABLE, ARM_LPAE },
	{ "PXNTABLE", BIT(59), BIT(59), 6, TABLE, ARM_LPAE },
	{ "XNTABLE", BIT(60), BIT(60), 6, TABLE, ARM_LPAE },
	{ "APTABLE0", BIT(61), BIT(61), 6, TABLE, ARM_LPAE },
	{ "APTABLE1", BIT(62), BIT(62), 6, TABLE, ARM_LPAE },
	{ "NSTABLE", BIT(63), BIT(63), 6, TABLE, ARM_LPAE },
	{ "SWP_EXCLUSIVE", BIT(7), BIT(7), 3, SWAP, ARM_LPAE_EXCLUSIVE },
	{ NULL, 0, 0, 0, 0, 0 },
};

const char *const mmw_arm_memtypes[] = {
	"STRONGLY_ORDERED", "DEVICE", "DEVICE_SHARED", "DEVICE_NONSHARED", "NONCACHEABLE", "WRITETHROUGH", "WRITEBACK",
	"WRITEALLOC", "MIXED", NULL,
};

/*
 * Linux has TEX remap on (SCTLR.TRE), so TEX[0], C and B are an index into PRRR and NMRR, which proc-v7-2level.S sets
 * to 0xff0a81a8 and 0x40e040e0 (5.10 to 7.2). Index 6 is the implementation's own.
 */
static const char *short_memtype(unsigned level, uint64_t raw)
{
	static const char *const types[8] = {
		"STRONGLY_ORDERED", "NONCACHEABLE", "WRITETHROUGH", "WRITEBACK", NULL, "STRONGLY_ORDERED", NULL,
		"WRITEALLOC",
	};
	unsigned index = raw >> 2 & 3;
	bool shared;

	if (level) {
		index |= (raw >> 12 & 1) << 2;
		shared = raw & 0x10000;
	} else if (raw & 3) {
		index |= (raw >> (raw & 2 ? 6 : 12) & 1) << 2;
		shared = raw & 0x400;
	} else {
		index = raw >> 34 & 7;  /* Linux's type has TEX[0], C and B in this order too */
		shared = raw >> 32 & L_SHARED;
	}
	if (index == 4)
		return shared ? "DEVICE_SHARED" : "DEVICE_NONSHARED";
	return types[index];
}

/* MAIR attribute byte (B4.1.104): outer in the upper half, inner in the lower; upper half 0: no normal memory. */
static const char *lpae_memtype(const struct mmw_paging *pg, uint64_t raw)
{
	uint64_t mair = pg->attrs ? pg->attrs : LINUX_MAIR;
	unsigned attr = mair >> (raw >> 2 & 7) * 8 & 0xff, inner = attr & 0xf;

	if (!(attr >> 4))
		return inner == 0 ? "STRONGLY_ORDERED" : inner == 4 ? "DEVICE" : NULL;
	if (attr >> 4 != inner)
		return "MIXED";
	if (inner == 4)
		return "NONCACHEABLE";
	if (!(inner & 4))
		return "WRITETHROUGH";
	return inner & 1 ? "WRITEALLOC" : "WRITEBACK";
}

const char *mmw_arm_memtype(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	return mmw_arm_short(pg) ? short_memtype(level, raw) : lpae_memtype(pg, raw);
}

/* asm/pgtable.h: the offset moved up by one when bit 7 became the exclusive marker. 32 bits under LPAE too. */
void mmw_arm_swap(const struct mmw_paging *pg, uint64_t raw, unsigned *type, uint64_t *offset)
{
	uint32_t entry = mmw_arm_short(pg) ? raw >> 32 : raw;
	bool exclusive = pg->variant & (ARM_SHORT_EXCLUSIVE | ARM_LPAE_EXCLUSIVE);

	*type = entry >> 2 & 0x1f;
	*offset = entry >> (exclusive ? 8 : 7);
}

/* --- the kernel's own listing: arch/arm/mm/dump.c, 5.10 to 7.2 ---------------------------------------------------- */

/* A column: `set` when (prot & mask) == value, else `clear`; NULL prints nothing. */
struct column {
	uint64_t mask, value;
	const char *set, *clear;
};

static const struct column short_pte[] = {
	{ OWN(8), OWN(8), "USR", "   " },
	{ OWN(7), OWN(7), "ro", "RW" },
	{ OWN(9), OWN(9), "NX", "x " },
	{ OWN(10), OWN(10), "SHD", "   " },
	{ OWN(2) * 15, OWN(2) * 0, "SO/UNCACHED", NULL },
	{ OWN(2) * 15, OWN(2) * 1, "MEM/BUFFERABLE/WC", NULL },
	{ OWN(2) * 15, OWN(2) * 2, "MEM/CACHED/WT", NULL },
	{ OWN(2) * 15, OWN(2) * 3, "MEM/CACHED/WBRA", NULL },
	{ OWN(2) * 15, OWN(2) * 6, "MEM/MINICACHE", NULL },
	{ OWN(2) * 15, OWN(2) * 7, "MEM/CACHED/WBWA", NULL },
	{ OWN(2) * 15, OWN(2) * 4, "DEV/SHARED", NULL },
	{ OWN(2) * 15, OWN(2) * 12, "DEV/NONSHARED", NULL },
	{ OWN(2) * 15, OWN(2) * 9, "DEV/WC", NULL },
	{ OWN(2) * 15, OWN(2) * 11, "DEV/CACHED", NULL },
	{ 0, 0, NULL, NULL },
};

static const struct column short_section[] = {
	{ 0x8c00, 0x8400, "    ro", NULL },
	{ 0x8c00, 0x0400, "    RW", NULL },
	{ 0x8c00, 0x0800, "USR ro", NULL },
	{ 0x8c00, 0x0c00, "USR RW", NULL },
	{ 0x10, 0x10, "NX", "x " },
	{ 0x10000, 0x10000, "SHD", "   " },
	{ 0, 0, NULL, NULL },
};

/* Two names for the same type are both printed. */
static const struct column lpae_pte[] = {
	{ BIT(6), BIT(6), "USR", "   " },
	{ BIT(58), BIT(58), "ro", "RW" },
	{ BIT(54), BIT(54), "NX", "x " },
	{ 0x300, 0x300, "SHD", "   " },
	{ 0x1c, 0 << 2, "SO/UNCACHED", NULL },
	{ 0x1c, 1 << 2, "MEM/BUFFERABLE/WC", NULL },
	{ 0x1c, 2 << 2, "MEM/CACHED/WT", NULL },
	{ 0x1c, 3 << 2, "MEM/CACHED/WBRA", NULL },
	{ 0x1c, 7 << 2, "MEM/CACHED/WBWA", NULL },
	{ 0x1c, 4 << 2, "DEV/SHARED", NULL },
	{ 0x1c, 1 << 2, "DEV/WC", NULL },
	{ 0x1c, 3 << 2, "DEV/CACHED", NULL },
	{ 0, 0, NULL, NULL },
};

static const struct column lpae_section[] = {
	{ BIT(6), BIT(6), "USR", NULL },
	{ BIT(58) | BIT(7), BIT(58) | BIT(7), "ro", "RW" },
	{ BIT(54), BIT(54), "NX", "x " },
	{ 0x300, 0x300, "SHD", "   " },
	{ 0, 0, NULL, NULL },
};

/* The kernel lists what is in its pte and pmd; above that it has no columns and prints no line. */
static const struct column *columns_of(const struct mmw_paging *pg, unsigned level)
{
	if (level > 1)
		return NULL;
	if (mmw_arm_short(pg))
		return level ? short_section : short_pte;
	return level ? lpae_section : lpae_pte;
}

/* The domain of short descriptors is compared too; for an entry of the last level the caller adds that of its table. */
uint64_t mmw_arm_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	uint64_t mask = 0;

	for (const struct column *c = columns_of(pg, level); c && c->mask; c++)
		mask |= c->mask;
	if (!(raw & mask))
		return 0;
	return raw & (mmw_arm_short(pg) && level ? mask | 0x1e0 : mask);
}

/* asm/domain.h, without CONFIG_IO_36 (xscale 3 only). */
static const char *domain_name(uint64_t prot)
{
	static const char *const names[] = { "KERNEL ", "USER   ", "IO     ", "VECTORS" };
	unsigned domain = prot >> 5 & 0xf;

	return domain < mmw_array_len(names) ? names[domain] : "unknown";
}

static void add_word(char *buf, size_t size, const char *word)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s", len ? " " : "", word);
}

void mmw_arm_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size)
{
	buf[0] = '\0';
	if (!(pg->variant & ARM_OLD_LISTING))
		add_word(buf, size, !level ? "PTE" : mmw_arm_short(pg) ? "PGD" : "PMD");
	if (mmw_arm_short(pg))
		add_word(buf, size, domain_name(raw));
	for (const struct column *c = columns_of(pg, level); c && c->mask; c++) {
		const char *word = (raw & c->mask) == c->value ? c->set : c->clear;

		if (word)
			add_word(buf, size, word);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arm64 stage 2: a virtual machine's physical addresses (IPA) to the host's.
 *
 * Descriptor (64 bits), Arm ARM DDI 0487 section D8.3, stage 2 attribute fields:
 *
 *    0 valid   1 table (page at the last level), else block   5:2 MemAttr   7:6 S2AP (read, write)   9:8 SH   10 AF
 *   47:12 address   51 DBM   52 contiguous   54:53 XN (00 all, 01 user only, 10 none, 11 kernel only)   58:55 software
 *
 * The root may be up to sixteen concatenated tables (D8.2.2), so it has up to four more index bits.
 */
#include <stdio.h>
#include <string.h>

#include "lib/arch/arch.h"
#include "lib/base/vec.h"

#define BIT(n)  (1ull << (n))
#define VALID   BIT(0)
#define TABLE   BIT(1)
#define ATTR    (15ull << 2)
#define READ    BIT(6)
#define WRITE   BIT(7)
#define SH      (3ull << 8)
#define DBM     BIT(51)
#define CONT    BIT(52)
#define XN      (3ull << 53)
#define CONCATENATED 4  /* log2 of the tables a root may be made of */

static uint64_t address(const struct mmw_paging *pg, uint64_t raw)
{
	return raw & 0x0000fffffffff000ull & ~((1ull << pg->page_shift) - 1);
}

static uint8_t rights_of(uint64_t raw)
{
	uint8_t r = (raw & READ ? MMW_KR | MMW_UR : 0) | (raw & (WRITE | DBM) ? MMW_KW | MMW_UW : 0);
	unsigned xn = (raw & XN) >> 53;

	if (xn == 0 || xn == 3)
		r |= MMW_KX;
	if (xn == 0 || xn == 1)
		r |= MMW_UX;
	return r;
}

static struct mmw_pte stage2_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	struct mmw_pte pte = { .kind = MMW_PTE_EMPTY };
	uint64_t size = mmw_level_size(pg, level);
	bool block = level == 1 || (level == 2 && pg->page_shift == 12);

	/* Entries that are not valid hold KVM's notes, such as a page's owner (asm/kvm_pgtable.h): nothing is mapped. */
	if (!(raw & VALID))
		return pte;
	pte.hw = true;
	pte.pa = address(pg, raw);
	if (level && (raw & TABLE)) {
		pte.kind = MMW_PTE_TABLE;
		pte.rights = MMW_RIGHTS_ALL;
		return pte;
	}
	pte.kind = (level ? !block : !(raw & TABLE)) || (level && (pte.pa & (size - 1))) ? MMW_PTE_BAD : MMW_PTE_LEAF;
	pte.pa &= ~(size - 1);
	pte.rights = rights_of(raw);
	if (raw & CONT)
		pte.run = pg->page_shift == 12 ? 4 : pg->page_shift == 14 && !level ? 7 : 5;
	return pte;
}

#define ALL_LEVELS 0x1f
#define LEAF       (1 << MMW_PTE_LEAF)
#define PRESENT    (1 << MMW_PTE_TABLE | 1 << MMW_PTE_LEAF | 1 << MMW_PTE_BAD)

static const struct mmw_flag stage2_flags[] = {
	{ "VALID", VALID, VALID, ALL_LEVELS, PRESENT, 0 },
	{ "BLOCK", VALID | TABLE, VALID, 0x1e, LEAF, 0 },
	{ "S2AP_READ", READ, READ, ALL_LEVELS, LEAF, 0 },
	{ "S2AP_WRITE", WRITE, WRITE, ALL_LEVELS, LEAF, 0 },
	{ "SH_OUTER", SH, 2ull << 8, ALL_LEVELS, LEAF, 0 },
	{ "SH_INNER", SH, SH, ALL_LEVELS, LEAF, 0 },
	{ "AF", BIT(10), BIT(10), ALL_LEVELS, LEAF, 0 },
	{ "DBM", DBM, DBM, ALL_LEVELS, LEAF, 0 },
	{ "CONT", CONT, CONT, ALL_LEVELS, LEAF, 0 },
	{ "XN_KERNEL", XN, 1ull << 53, ALL_LEVELS, LEAF, 0 },
	{ "XN", XN, 2ull << 53, ALL_LEVELS, LEAF, 0 },
	{ "XN_USER", XN, XN, ALL_LEVELS, LEAF, 0 },
	{ "SW0", BIT(55), BIT(55), ALL_LEVELS, LEAF, 0 },
	{ "SW1", BIT(56), BIT(56), ALL_LEVELS, LEAF, 0 },
	{ "SW2", BIT(57), BIT(57), ALL_LEVELS, LEAF, 0 },
	{ "SW3", BIT(58), BIT(58), ALL_LEVELS, LEAF, 0 },
	{ NULL, 0, 0, 0, 0, 0 },
};

static const char *const stage2_memtypes[] = {
	"DEVICE_nGnRnE", "DEVICE_nGnRE", "DEVICE_nGRE", "DEVICE_GRE", "NORMAL_NC", "NORMAL_WT", "NORMAL", "NORMAL_OTHER", NULL,
};

/* MemAttr[3:2] 0 is device memory, its kind in [1:0]; else the outer cacheability, with the inner one in [1:0]. */
static const char *stage2_memtype(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	unsigned attr = (raw & ATTR) >> 2;

	(void)pg;
	(void)level;
	if (!(raw & VALID))
		return NULL;
	if (attr < 4)
		return stage2_memtypes[attr];
	return attr == 5 ? "NORMAL_NC" : attr == 10 ? "NORMAL_WT" : attr == 15 ? "NORMAL" : "NORMAL_OTHER";
}

static uint64_t stage2_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	(void)level;
	return raw & ~address(pg, UINT64_MAX);
}

/* The flags by their names: the kernel lists these tables in a form of its own, and only since 6.13. */
static void stage2_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size)
{
	mmw_flags_listing(&mmw_arch_stage2, pg, level, raw, buf, size);
}

static void set_geometry(struct mmw_paging *pg, unsigned page_shift, unsigned ipa_bits)
{
	unsigned per = page_shift - 3, left = ipa_bits - page_shift;

	*pg = (struct mmw_paging){ .page_shift = (uint8_t)page_shift, .entry_size = 8, .va_bits = (uint8_t)ipa_bits,
				   .va_kind = MMW_VA_LOW };
	snprintf(pg->name, sizeof(pg->name), "stage2-%uk-%u", 1u << (page_shift - 10), ipa_bits);
	for (; left && pg->levels < MMW_LEVELS_MAX; left -= pg->bits[pg->levels++])
		pg->bits[pg->levels] = (uint8_t)(left <= per + CONCATENATED && pg->levels ? left : left < per ? left : per);
}

static int stage2_geometry(unsigned index, struct mmw_paging *pg)
{
	static const uint8_t shifts[] = { 12, 14, 16 }, bits[] = { 40, 48, 44, 42, 39, 36, 32 };

	if (index >= mmw_array_len(shifts) * mmw_array_len(bits))
		return 0;
	set_geometry(pg, shifts[index / mmw_array_len(bits)], bits[index % mmw_array_len(bits)]);
	return 1;
}

const struct mmw_arch mmw_arch_stage2 = {
	.name = "stage2",
	.word = 8,
	.decode = stage2_decode,
	.flags = stage2_flags,
	.memtype = stage2_memtype,
	.memtypes = stage2_memtypes,
	.ptdump = stage2_ptdump,
	.ptdump_prot = stage2_ptdump_prot,
	.geometry = stage2_geometry,
};

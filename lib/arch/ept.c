/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel's extended page tables: a virtual machine's physical addresses to the host's.
 *
 * Entry (64 bits), Intel SDM volume 3C section 29.3.2, tables 29-2 to 29-7:
 *
 *    0 R   1 W   2 X (supervisor X with mode-based execution)   5:3 memory type (leaf)   6 ignore PAT (leaf)
 *    7 large page (pud, pmd)   8 A   9 D (leaf)   10 user X (mode-based)   51:12 address   57 verify guest paging
 *   58 paging write   60 supervisor shadow stack   61 sub-page write   63 suppress #VE
 *
 * Present is any of bits 2:0. Writable without readable, a reserved memory type or a reserved address bit is a
 * misconfiguration; KVM makes such entries on purpose, for device memory (arch/x86/kvm/mmu/spte.h, shadow_mmio_value).
 */
#include <string.h>

#include "lib/arch/arch.h"

#define BIT(n)  (1ull << (n))
#define R       BIT(0)
#define W       BIT(1)
#define X       BIT(2)
#define TYPE    (7ull << 3)
#define LARGE   BIT(7)
#define ADDRESS 0x000ffffffffff000ull

/* A guest's user and kernel are alike to these tables, as long as execution is not mode-based. */
static uint8_t rights_of(uint64_t raw)
{
	uint8_t r = (raw & R ? MMW_KR : 0) | (raw & W ? MMW_KW : 0) | (raw & X ? MMW_KX : 0);

	return r | r << 3;
}

static bool reserved_type(uint64_t raw)
{
	unsigned type = (raw & TYPE) >> 3;

	return type == 2 || type == 3 || type == 7;
}

static struct mmw_pte ept_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	struct mmw_pte pte = { .kind = MMW_PTE_EMPTY, .rights = rights_of(raw) };
	uint64_t size = mmw_level_size(pg, level);

	if (!(raw & (R | W | X)))
		return pte;
	pte.hw = true;
	pte.pa = raw & ADDRESS;
	if (level && !(raw & LARGE)) {
		pte.kind = raw & TYPE ? MMW_PTE_BAD : MMW_PTE_TABLE;
	} else {
		pte.kind = level > 2 || reserved_type(raw) || (pte.pa & (size - 1)) ? MMW_PTE_BAD : MMW_PTE_LEAF;
		pte.pa &= ~(size - 1);
	}
	if ((raw & W) && !(raw & R))
		pte.kind = MMW_PTE_BAD;
	return pte;
}

#define ALL_LEVELS 0x1f
#define LEAF       (1 << MMW_PTE_LEAF)
#define PRESENT    (1 << MMW_PTE_TABLE | 1 << MMW_PTE_LEAF | 1 << MMW_PTE_BAD)

static const struct mmw_flag ept_flags[] = {
	{ "READ", R, R, ALL_LEVELS, PRESENT, 0 },
	{ "WRITE", W, W, ALL_LEVELS, PRESENT, 0 },
	{ "EXEC", X, X, ALL_LEVELS, PRESENT, 0 },
	{ "USER_EXEC", BIT(10), BIT(10), ALL_LEVELS, PRESENT, 0 },
	{ "IGNORE_PAT", BIT(6), BIT(6), ALL_LEVELS, LEAF, 0 },
	{ "LARGE", LARGE, LARGE, 0x06, LEAF, 0 },
	{ "ACCESSED", BIT(8), BIT(8), ALL_LEVELS, PRESENT, 0 },
	{ "DIRTY", BIT(9), BIT(9), ALL_LEVELS, LEAF, 0 },
	{ "VERIFY_GUEST_PAGING", BIT(57), BIT(57), ALL_LEVELS, LEAF, 0 },
	{ "PAGING_WRITE", BIT(58), BIT(58), ALL_LEVELS, LEAF, 0 },
	{ "SHADOW_STACK", BIT(60), BIT(60), ALL_LEVELS, LEAF, 0 },
	{ "SUBPAGE_WRITE", BIT(61), BIT(61), 1, LEAF, 0 },
	{ "SUPPRESS_VE", BIT(63), BIT(63), ALL_LEVELS, LEAF, 0 },
	{ NULL, 0, 0, 0, 0, 0 },
};

static const char *const ept_memtypes[] = { "UC", "WC", "WT", "WP", "WB", NULL };

static const char *ept_memtype(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	static const char *const types[8] = { "UC", "WC", NULL, NULL, "WT", "WP", "WB", NULL };

	(void)pg;
	(void)level;
	return types[(raw & TYPE) >> 3];
}

static uint64_t ept_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	(void)pg;
	(void)level;
	return raw & ~ADDRESS;
}

/* No kernel lists these tables: the flags by their names. */
static void ept_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size)
{
	mmw_flags_listing(&mmw_arch_ept, pg, level, raw, buf, size);
}

static int ept_geometry(unsigned index, struct mmw_paging *pg)
{
	if (index > 1)
		return 0;
	*pg = (struct mmw_paging){ .levels = 4 + index, .page_shift = 12, .entry_size = 8, .va_bits = 48 + 9 * index,
				   .va_kind = MMW_VA_LOW };
	strcpy(pg->name, index ? "ept-5level" : "ept");
	for (unsigned i = 0; i < pg->levels; i++)
		pg->bits[i] = 9;
	return 1;
}

const struct mmw_arch mmw_arch_ept = {
	.name = "ept",
	.word = 8,
	.decode = ept_decode,
	.flags = ept_flags,
	.memtype = ept_memtype,
	.memtypes = ept_memtypes,
	.ptdump = ept_ptdump,
	.ptdump_prot = ept_ptdump_prot,
	.geometry = ept_geometry,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paging as data: the geometry of a set of tables, and what one entry means.
 *
 * Level 0 is the last level (pte); the highest level is the root (pgd). Nothing here does I/O.
 */
#ifndef MMW_ARCH_PAGING_H
#define MMW_ARCH_PAGING_H

#include <stdbool.h>
#include <stdint.h>

enum { MMW_LEVELS_MAX = 5, MMW_PAGING_NAME_MAX = 24 };

/* Which virtual addresses the tables serve. */
enum mmw_va_kind {
	MMW_VA_SIGNED,  /* both halves: the bits above va_bits repeat the top one (x86, riscv) */
	MMW_VA_LOW,     /* from 0 up (arm64 TTBR0, 32-bit, EPT) */
	MMW_VA_HIGH,    /* the top 2^va_bits addresses (arm64 TTBR1) */
};

struct mmw_paging {
	char name[MMW_PAGING_NAME_MAX];  /* "4-level", "sv39", "4k-48": what --paging calls it */
	uint8_t levels;
	uint8_t page_shift;            /* of the smallest page */
	uint8_t entry_size;            /* 4 or 8 bytes */
	uint8_t bits[MMW_LEVELS_MAX];  /* index bits of each level; the root's may be fewer than a page's worth */
	uint8_t va_bits;               /* page_shift plus all bits[] */
	enum mmw_va_kind va_kind;
	bool big_endian;
	/*
	 * Where the kernel keeps an entry of its own beside each of the last level's (arm, short descriptors): so many
	 * bytes before it, in tables at an address with that bit set. It is then the upper half of the raw entry.
	 */
	uint16_t companion;
	uint64_t clear;                /* bits of an entry that are no address though they lie in its field (SME C-bit) */
	uint64_t attrs;                /* memory attributes by index as a register has them (MAIR); 0: not known */
	uint32_t variant;              /* the architecture's own: software bits of this kernel, granule oddities */
};

/* What an entry, or all entries of a path together, allow: kernel and user, read, write, execute. */
enum mmw_right {
	MMW_KR = 1, MMW_KW = 2, MMW_KX = 4,
	MMW_UR = 8, MMW_UW = 16, MMW_UX = 32,
	MMW_RIGHTS_ALL = 63,
};

enum mmw_pte_kind {
	MMW_PTE_EMPTY,  /* maps nothing */
	MMW_PTE_TABLE,  /* points to a table of the next level at pa */
	MMW_PTE_LEAF,   /* maps memory at pa */
	MMW_PTE_SWAP,   /* maps nothing now, but holds the kernel's own note (swap slot, migration, marker) */
	MMW_PTE_BAD,    /* reserved bits set, or a leaf where none may be */
};

struct mmw_pte {
	enum mmw_pte_kind kind;
	bool hw;         /* the processor would use it; a leaf without is one only to the kernel (PROT_NONE) */
	uint8_t rights;  /* of this entry alone; for a table, the most it lets through */
	uint64_t pa;
	uint8_t run;     /* log2 of the entries that belong together: contiguous hint, NAPOT, large page; 0: it stands alone */
	bool shared;     /* all entries of the run hold the same pa, that of the whole */
};

/* Address bits below the index of `level`: the size of what one entry of it maps is 1 << shift. */
static inline unsigned mmw_level_shift(const struct mmw_paging *pg, unsigned level)
{
	unsigned shift = pg->page_shift;

	for (unsigned i = 0; i < level; i++)
		shift += pg->bits[i];
	return shift;
}

static inline uint64_t mmw_level_size(const struct mmw_paging *pg, unsigned level)
{
	return 1ull << mmw_level_shift(pg, level);
}

static inline uint64_t mmw_table_bytes(const struct mmw_paging *pg, unsigned level)
{
	return (uint64_t)pg->entry_size << pg->bits[level];
}

/* The kernel's word for a level: pte, pmd, pud, p4d, pgd. The root is always the pgd. */
static inline const char *mmw_level_name(const struct mmw_paging *pg, unsigned level)
{
	static const char *const names[] = { "pte", "pmd", "pud", "p4d", "pgd" };

	return names[level + 1 == pg->levels ? 4 : level];
}

/* True when the tables can translate va at all; else *last is the end of the gap it lies in. */
bool mmw_va_served(const struct mmw_paging *pg, uint64_t va, uint64_t *last);

#endif

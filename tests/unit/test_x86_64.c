/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/arch/x86_64.c as tables: what each bit of an entry means at each level. Sections and tables are those of the
 * Intel SDM, volume 3A, chapter 4 (4.5: 4-level and 5-level paging).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/arch/arch.h"
#include "lib/base/vec.h"

#define NX (1ull << 63)
#define R  MMW_KR
#define W  MMW_KW
#define X  MMW_KX
#define U(r) ((r) | (r) << 3)

enum { PTE, PMD, PUD, P4D, PGD5 };

static const struct mmw_arch *arch;
static struct mmw_paging four, five;

static int setup(void **state)
{
	(void)state;
	arch = mmw_arch_by_name("x86_64");
	assert_non_null(arch);
	assert_int_equal(arch->geometry(0, &four), 1);
	assert_int_equal(arch->geometry(1, &five), 1);
	return 0;
}

/* --- decoding ------------------------------------------------------------------------------------------------- */

struct decoded {
	const char *what;
	uint64_t raw;
	unsigned level;
	enum mmw_pte_kind kind;
	bool hw;
	uint8_t rights;
	uint64_t pa;
};

/* Tables 4-15 (PML4E, PML5E), 4-17 and 4-18 (PDPTE), 4-19 (PDE): bit 7 decides between a table and a page. */
static const struct decoded tables_and_large_pages[] = {
	{ "PML5E", 0x1234567, PGD5, MMW_PTE_TABLE, true, U(R | W | X), 0x1234000 },
	{ "PML5E, bit 7 is reserved", 0x12345e7, PGD5, MMW_PTE_BAD, true, U(R | W | X), 0 },
	{ "PML4E", 0x1234063, P4D, MMW_PTE_TABLE, true, R | W | X, 0x1234000 },
	{ "PML4E, bit 7 is reserved", 0x12340e3, P4D, MMW_PTE_BAD, true, R | W | X, 0 },
	{ "PDPTE of a table", 0x1234063, PUD, MMW_PTE_TABLE, true, R | W | X, 0x1234000 },
	{ "PDPTE of a 1 GiB page", 0x400001e3, PUD, MMW_PTE_LEAF, true, R | W | X, 0x40000000 },
	{ "1 GiB page, PAT", 0x400011e3, PUD, MMW_PTE_LEAF, true, R | W | X, 0x40000000 },
	{ "1 GiB page, bit 13 is reserved", 0x400021e3, PUD, MMW_PTE_BAD, true, R | W | X, 0 },
	{ "1 GiB page, bit 29 is reserved", 0x600001e3, PUD, MMW_PTE_BAD, true, R | W | X, 0 },
	{ "1 GiB page, bit 30 is the address", 0xc00001e3, PUD, MMW_PTE_LEAF, true, R | W | X, 0xc0000000 },
	{ "PDE of a table", 0x1234021, PMD, MMW_PTE_TABLE, true, R | X, 0x1234000 },
	{ "PDE of a 2 MiB page", 0x2001a1, PMD, MMW_PTE_LEAF, true, R | X, 0x200000 },
	{ "2 MiB page, PAT", 0x2011a1, PMD, MMW_PTE_LEAF, true, R | X, 0x200000 },
	{ "2 MiB page, bit 13 is reserved", 0x2021a1, PMD, MMW_PTE_BAD, true, R | X, 0 },
	{ "2 MiB page, bit 20 is reserved", 0x3001a1, PMD, MMW_PTE_BAD, true, R | X, 0 },
	{ "2 MiB page, bit 21 is the address", 0x6001a1, PMD, MMW_PTE_LEAF, true, R | X, 0x600000 },
	{ "highest address", NX | 0x000ffffffffff063, PMD, MMW_PTE_TABLE, true, R | W, 0x000ffffffffff000 },
};

/* Table 4-20 (PTE): every bit by itself, beside P. */
static const struct decoded small_pages[] = {
	{ "P", 0x1001, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "R/W", 0x1003, PTE, MMW_PTE_LEAF, true, R | W | X, 0x1000 },
	{ "U/S", 0x1005, PTE, MMW_PTE_LEAF, true, U(R | X), 0x1000 },
	{ "R/W U/S", 0x1007, PTE, MMW_PTE_LEAF, true, U(R | W | X), 0x1000 },
	{ "PWT", 0x1009, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "PCD", 0x1011, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "A", 0x1021, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "D", 0x1041, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "PAT", 0x1081, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "G", 0x1101, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "bit 9", 0x1201, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "bit 10", 0x1401, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "bit 11", 0x1801, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "bit 12 is the address", 0x3001, PTE, MMW_PTE_LEAF, true, R | X, 0x3000 },
	{ "bit 51 is the address", 0x0008000000001001, PTE, MMW_PTE_LEAF, true, R | X, 0x0008000000001000 },
	{ "bit 52 is software's", 0x0010000000001001, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "bit 58 is software's", 0x0400000000001001, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "protection key", 0x7800000000001001, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "XD", NX | 0x1001, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "XD R/W U/S", NX | 0x1007, PTE, MMW_PTE_LEAF, true, U(R | W), 0x1000 },
	{ "frame 0", 0x1, PTE, MMW_PTE_LEAF, true, R | X, 0 },
};

/* 4.5.4: with P clear the processor looks at nothing else; what is left is Linux's (asm/pgtable_64.h,
 * pgtable-invert.h). */
static const struct decoded not_present[] = {
	{ "empty", 0, PTE, MMW_PTE_EMPTY, false, R | X, 0 },
	{ "empty", 0, PMD, MMW_PTE_EMPTY, false, R | X, 0 },
	{ "empty", 0, PUD, MMW_PTE_EMPTY, false, R | X, 0 },
	{ "empty", 0, P4D, MMW_PTE_EMPTY, false, R | X, 0 },
	{ "empty", 0, PGD5, MMW_PTE_EMPTY, false, R | X, 0 },
	{ "Knights Landing's leftovers", 0x60, PTE, MMW_PTE_EMPTY, false, R | X, 0 },
	{ "PROT_NONE, frame inverted", NX | (~0x1234000ull & 0x000ffffffffff000) | 0x160, PTE, MMW_PTE_LEAF, false, R,
	  0x1234000 },
	{ "PROT_NONE 2 MiB, frame inverted", NX | (~0x1200000ull & 0x000fffffffe00000) | 0x1e0, PMD, MMW_PTE_LEAF,
	  false, R, 0x1200000 },
	{ "PROT_NONE 1 GiB, frame inverted", NX | (~0x40000000ull & 0x000fffffc0000000) | 0x1e0, PUD, MMW_PTE_LEAF,
	  false, R, 0x40000000 },
	{ "swap entry", 0x0ffffffffffd8000, PTE, MMW_PTE_SWAP, false, R | X, 0 },
	{ "swap entry with soft-dirty", 0x0ffffffffffd8002, PTE, MMW_PTE_SWAP, false, R | W | X, 0 },
	{ "migrating huge page", 0x7bfffffffffd8000, PMD, MMW_PTE_SWAP, false, R | X, 0 },
	{ "note in a PDPTE", 0x1000, PUD, MMW_PTE_SWAP, false, R | X, 0 },
	{ "rubbish in a PML4E", 0x1000, P4D, MMW_PTE_BAD, false, R | X, 0 },
	{ "rubbish in a PML5E", NX | 0x1000, PGD5, MMW_PTE_BAD, false, R, 0 },
};

static void check_decode(const struct mmw_paging *pg, const struct decoded *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct mmw_pte got;

		if (t[i].level >= pg->levels)
			continue;
		got = arch->decode(pg, t[i].level, t[i].raw);
		if (got.kind != t[i].kind || got.hw != t[i].hw)
			fail_msg("%s (%llx at level %u): kind %d, hw %d", t[i].what, (unsigned long long)t[i].raw,
				 t[i].level, got.kind, got.hw);
		if (t[i].kind == MMW_PTE_LEAF || t[i].kind == MMW_PTE_TABLE) {
			if (got.rights != t[i].rights || got.pa != t[i].pa)
				fail_msg("%s: rights %x, pa %llx", t[i].what, got.rights, (unsigned long long)got.pa);
		}
	}
}

static void decoding(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct mmw_paging *pg = i ? &five : &four;

		check_decode(pg, tables_and_large_pages, mmw_array_len(tables_and_large_pages));
		check_decode(pg, small_pages, mmw_array_len(small_pages));
		check_decode(pg, not_present, mmw_array_len(not_present));
	}
}

/* The encryption bit (AMD APM volume 2, 7.10 and 15.34) is in the address field but no address. */
static void encryption_bit(void **state)
{
	struct mmw_paging pg = four;
	const uint64_t c = 1ull << 51;

	(void)state;
	pg.clear = c;
	assert_int_equal(arch->decode(&pg, PTE, c | 0x1003).pa, 0x1000);
	assert_int_equal(arch->decode(&pg, PMD, c | 0x2000e3).pa, 0x200000);
	assert_int_equal(arch->decode(&pg, P4D, c | 0x5067).pa, 0x5000);
	assert_int_equal(arch->decode(&four, PTE, c | 0x1003).pa, c | 0x1000);
	/* In an inverted entry it is cleared after the frame was turned round. */
	assert_int_equal(arch->decode(&pg, PTE, (~(c | 0x1000) & 0x000ffffffffff000) | 0x100).pa, 0x1000);
}

/* Decoding is pure and total: any value at any level gives one of the kinds, and a frame inside the address field. */
static void any_value(void **state)
{
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		unsigned level = i % 5;
		struct mmw_pte pte;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pte = arch->decode(&five, level, i % 3 ? x : x & (x >> 1) & 0x80000000003fffff);
		assert_in_range(pte.kind, MMW_PTE_EMPTY, MMW_PTE_BAD);
		assert_int_equal(pte.pa & ~0x000ffffffffff000ull, 0);
		if (pte.kind == MMW_PTE_LEAF && level)
			assert_int_equal(pte.pa & (mmw_level_size(&five, level) - 1), 0);
		assert_true(pte.kind != MMW_PTE_TABLE || (pte.hw && level));
	}
}

/* --- memory type, protection key, swap ------------------------------------------------------------------------ */

/* 4.9.2: index PAT:PCD:PWT, with the PAT as Linux programs it (arch/x86/mm/pat/memtype.c). */
static void memory_types(void **state)
{
	static const char *const types[8] = { "WB", "WC", "UC-", "UC", "WB", "WP", "UC-", "WT" };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		uint64_t low = (i & 1 ? 8 : 0) | (i & 2 ? 0x10 : 0) | 1;

		assert_string_equal(arch->memtype(&four, PTE, low | (i & 4 ? 0x80 : 0)), types[i]);
		assert_string_equal(arch->memtype(&four, PMD, low | 0x80 | (i & 4 ? 0x1000 : 0)), types[i]);
		assert_string_equal(arch->memtype(&four, PUD, low | 0x80 | (i & 4 ? 0x1000 : 0)), types[i]);
	}
	assert_null(arch->memtype(&four, PTE, 0x160));
}

static void protection_keys(void **state)
{
	(void)state;
	for (uint64_t key = 0; key < 16; key++)
		assert_int_equal(arch->pkey(&four, key << 59 | NX | 0x1007), key);
	assert_int_equal(arch->pkey(&four, 0x7800000000001000), 0);
}

/* asm/pgtable_64.h: type in bits 59-63, the complement of the offset in bits 9-58. */
static void swap_entries(void **state)
{
	static const struct { unsigned type; uint64_t offset; } known[] = {
		{ 0, 0 }, { 0, 1 }, { 1, 0x1234 }, { 31, 0xfffff }, { 5, (1ull << 50) - 1 },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(known); i++) {
		uint64_t raw = (uint64_t)known[i].type << 59 | ((~known[i].offset & ((1ull << 50) - 1)) << 9), offset;
		unsigned type;

		arch->swap(&four, raw, &type, &offset);
		assert_int_equal(type, known[i].type);
		assert_int_equal(offset, known[i].offset);
	}
}

/* --- text ----------------------------------------------------------------------------------------------------- */

static void check_flags(const struct mmw_paging *pg, unsigned level, uint64_t raw, const char *want)
{
	char buf[256];
	size_t len = mmw_flags_text(arch, pg, level, raw, '|', buf, sizeof(buf));

	assert_string_equal(buf, want);
	assert_int_equal(len, strlen(want));
}

static void flag_names(void **state)
{
	(void)state;
	check_flags(&four, PTE, 0, "");
	check_flags(&four, PTE, 0x1001, "PRESENT|WB");
	check_flags(&four, PTE, 0x1003, "PRESENT|RW|WB");
	check_flags(&four, PTE, 0x1005, "PRESENT|USER|WB");
	check_flags(&four, PTE, 0x1009, "PRESENT|PWT|WC");
	check_flags(&four, PTE, 0x1011, "PRESENT|PCD|UC-");
	check_flags(&four, PTE, 0x1021, "PRESENT|ACCESSED|WB");
	check_flags(&four, PTE, 0x1041, "PRESENT|DIRTY|WB");
	check_flags(&four, PTE, 0x1081, "PRESENT|PAT|WB");
	check_flags(&four, PTE, 0x1101, "PRESENT|GLOBAL|WB");
	check_flags(&four, PTE, 0x1201, "PRESENT|SPECIAL|WB");
	check_flags(&four, PTE, 0x1401, "PRESENT|UFFD_WP|WB");
	check_flags(&four, PTE, 0x1801, "PRESENT|SOFT_DIRTY|WB");
	check_flags(&four, PTE, NX | 0x1001, "PRESENT|NX|WB");
	check_flags(&four, PTE, 0x2800000000001001, "PRESENT|PKEY5|WB");
	check_flags(&four, PTE, NX | 0x78000000000010ff, "PRESENT|RW|USER|PWT|PCD|ACCESSED|DIRTY|PAT|NX|PKEY15|WT");
	check_flags(&four, PTE, 0x160, "PROTNONE|ACCESSED|DIRTY");
	check_flags(&four, PMD, 0x2000e3, "PRESENT|RW|ACCESSED|DIRTY|PSE|WB");
	check_flags(&four, PMD, 0x2011f3, "PRESENT|RW|PCD|ACCESSED|DIRTY|PSE|PAT|GLOBAL|UC-");
	check_flags(&four, PMD, 0x1067, "PRESENT|RW|USER|ACCESSED");
	check_flags(&four, PUD, 0x400000e1, "PRESENT|ACCESSED|DIRTY|PSE|WB");
	check_flags(&four, P4D, NX | 0x1027, "PRESENT|RW|USER|ACCESSED|NX");
	check_flags(&five, PGD5, 0x1063, "PRESENT|RW|ACCESSED");
}

/* Bit 58 is devmap before 6.6 and saved-dirty from then on, when devmap moved to 57. The variant says which. */
static void software_bits(void **state)
{
	struct mmw_paging old = four, new = four;

	(void)state;
	new.variant = 1;
	old.variant = 2;
	check_flags(&old, PTE, 1ull << 58 | 1, "PRESENT|DEVMAP|WB");
	check_flags(&new, PTE, 1ull << 58 | 1, "PRESENT|SAVED_DIRTY|WB");
	check_flags(&old, PTE, 1ull << 57 | 1, "PRESENT|WB");
	check_flags(&new, PTE, 1ull << 57 | 1, "PRESENT|DEVMAP|WB");
	check_flags(&four, PTE, 3ull << 57 | 1, "PRESENT|WB");
}

static void short_buffers(void **state)
{
	char buf[64];

	(void)state;
	for (size_t size = 1; size < sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		mmw_flags_text(arch, &four, PTE, NX | 0x11ff, ' ', buf, size);
		assert_non_null(memchr(buf, 0, size));
		assert_int_equal(buf[size], 'x');
	}
}

/* arch/x86/mm/dump_pagetables.c, printk_prot(): columns of fixed width. */
static void kernel_listing(void **state)
{
	static const struct { unsigned level; uint64_t raw; const char *text; } rows[] = {
		{ PTE, NX | 0x1163, "    RW                 GLB NX pte" },
		{ PTE, 0x1161, "    ro                 GLB x  pte" },
		{ PTE, 0x1025, "USR ro                     x  pte" },
		{ PTE, NX | 0x119b, "    RW PWT PCD     PAT GLB NX pte" },
		{ PMD, 0x2001e3, "    RW         PSE     GLB x  pmd" },
		{ PMD, 0x2011e1, "    ro         PSE PAT GLB x  pmd" },
		{ PMD, NX | 0x4063, "    RW                     NX pmd" },
		{ PUD, NX | 0x400001e3, "    RW         PSE     GLB NX pud" },
		{ P4D, NX | 0x1063, "    RW                     NX p4d" },
		{ PTE, 0, "                              pte" },
		{ PMD, 0, "                              pmd" },
		{ PGD5, 0, "                              pgd" },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < mmw_array_len(rows); i++) {
		arch->ptdump(&five, rows[i].level, rows[i].raw, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].text);
	}
	arch->ptdump(&four, P4D, 0, buf, sizeof(buf));
	assert_string_equal(buf, "                              pgd");
	assert_int_equal(arch->ptdump_prot(&four, PTE, NX | 0x0800000012345163), NX | 0x0800000000000163);
}

/* --- geometry, registers, the kernel's own words -------------------------------------------------------------- */

static void geometries(void **state)
{
	struct mmw_paging pg;
	uint64_t last;

	(void)state;
	assert_int_equal(arch->geometry(2, &pg), 0);
	assert_int_equal(four.levels, 4);
	assert_int_equal(four.va_bits, 48);
	assert_int_equal(five.levels, 5);
	assert_int_equal(five.va_bits, 57);
	assert_int_equal(mmw_level_size(&five, PGD5), 1ull << 48);
	assert_int_equal(mmw_table_bytes(&five, PTE), 4096);
	assert_string_equal(mmw_level_name(&four, 3), "pgd");
	assert_string_equal(mmw_level_name(&five, 3), "p4d");
	assert_true(mmw_va_served(&four, 0x00007fffffffffff, &last));
	assert_true(mmw_va_served(&four, 0xffff800000000000, &last));
	assert_false(mmw_va_served(&four, 0x0000800000000000, &last));
	assert_int_equal(last, 0xffff7fffffffffff);
	assert_true(mmw_va_served(&five, 0x00ffffffffffffff, &last));
	assert_false(mmw_va_served(&five, 0xfeffffffffffffff, &last));
	assert_int_equal(last, 0xfeffffffffffffff);
}

static struct mmw_cpu cpu_with(uint64_t cr3, uint64_t cr4)
{
	struct mmw_cpu c = { .known = 1u << MMW_REG_CR3 | 1u << MMW_REG_CR4 };

	c.reg[MMW_REG_CR3] = cr3;
	c.reg[MMW_REG_CR4] = cr4;
	return c;
}

/* Table 4-12 and 4-13 (CR3 with and without PCIDs), 4.1.1 (CR4.PAE, CR4.LA57). */
static void registers(void **state)
{
	struct mmw_cpu c = cpu_with(0x8000000001234fffull, 0x20);
	uint64_t roots[MMW_ROOTS_MAX];
	struct mmw_paging pg;
	uint64_t user, shared;

	(void)state;
	assert_int_equal(arch->from_cpu(&c, &pg, roots), 1);
	assert_int_equal(roots[0], 0x1234000);
	assert_int_equal(pg.levels, 4);
	c = cpu_with(0x5018, 0x1020);
	assert_int_equal(arch->from_cpu(&c, &pg, roots), 2);
	assert_int_equal(roots[0], 0x5000);
	assert_int_equal(roots[1], 0x4000);
	assert_int_equal(pg.levels, 5);
	c = cpu_with(0x5000, 0);
	assert_int_equal(arch->from_cpu(&c, &pg, roots), 0);
	/* A crash dump of Windows knows no CR4. */
	c = cpu_with(0x6000, 0);
	c.known = 1u << MMW_REG_CR3;
	assert_int_equal(arch->from_cpu(&c, &pg, roots), 1);
	assert_int_equal(roots[0], 0x6000);
	assert_int_equal(pg.levels, 4);
	c.known = 1u << MMW_REG_CR4;
	assert_int_equal(arch->from_cpu(&c, &pg, roots), 0);
	assert_int_equal(arch->user_root(NULL, &pg, 0x4000, &user, &shared), 0);
	assert_int_equal(user, 0x5000);
}

struct kernel {
	const char *symbols[8];
	int64_t phys_base, l5, sme;
};

static int ask_number(void *ctx, const char *key, uint64_t *out)
{
	(void)ctx;
	(void)key;
	(void)out;
	return -MMW_E_NOSYM;
}

static int ask_symbol(void *ctx, const char *name, uint64_t *va)
{
	const struct kernel *k = ctx;

	for (size_t i = 0; i < mmw_array_len(k->symbols) && k->symbols[i]; i++) {
		*va = 0xffffffff82000000 + 0x10000 * i;
		if (!strcmp(k->symbols[i], name))
			return 0;
	}
	return -MMW_E_NOSYM;
}

static int ask_variable(void *ctx, const char *name, unsigned size, uint64_t *out)
{
	const struct kernel *k = ctx;
	int64_t v = !strcmp(name, "phys_base") ? k->phys_base : !strcmp(name, "__pgtable_l5_enabled") ? k->l5 :
		!strcmp(name, "sme_me_mask") ? k->sme : -1;

	(void)size;
	*out = (uint64_t)v;
	return v == -1 ? -MMW_E_NOSYM : 0;
}

static int ask_enumerator(void *ctx, const char *type, const char *name, int64_t *out)
{
	(void)ctx;
	(void)type;
	(void)name;
	(void)out;
	return -MMW_E_NOTYPE;
}

static int ask_delta(void *ctx, uint64_t *delta)
{
	*delta = 0xffffffff80000000 - (uint64_t)((const struct kernel *)ctx)->phys_base;
	return 0;
}

static struct mmw_hints hints_of(struct kernel *k)
{
	return (struct mmw_hints){ k, ask_number, ask_symbol, ask_variable, ask_enumerator, ask_delta };
}

static void kernel_words(void **state)
{
	struct kernel k = {
		.symbols = { "_stext", "init_top_pgt" }, .phys_base = 0x1000000, .l5 = 0, .sme = 1ll << 47
	};
	struct mmw_hints h = hints_of(&k);
	struct mmw_paging pg = { 0 };
	uint64_t delta, root;

	(void)state;
	assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), 0);
	assert_int_equal(delta, 0xffffffff7f000000);
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
	assert_int_equal(root, 0x3010000);
	assert_int_equal(pg.levels, 4);
	assert_int_equal(pg.clear, 1ull << 47);
	assert_int_equal(pg.variant, 2);
	k = (struct kernel){ .symbols = { "arch_check_zapped_pte", "init_level4_pgt" },
			     .phys_base = -0xe00000,
			     .l5 = 1 };
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
	assert_int_equal(root, 0x1210000);
	assert_int_equal(pg.levels, 5);
	assert_int_equal(pg.variant & 1, 1);
	k = (struct kernel){ .phys_base = -1 };
	assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), -MMW_E_NOSYM);
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), -MMW_E_NOSYM);
}

static void check_layout(const struct mmw_layout *l, const struct mmw_paging *pg)
{
	assert_true(l->n_regions > 5);
	for (size_t i = 0; i < l->n_regions; i++) {
		const struct mmw_region *r = &l->regions[i];

		assert_true(r->first <= r->last);
		assert_true(!i || r->first > l->regions[i - 1].last);
		assert_ptr_equal(mmw_layout_find(l, r->first), r);
		assert_ptr_equal(mmw_layout_find(l, r->last), r);
	}
	for (size_t i = 1; i < l->n_markers; i++)
		assert_true(l->markers[i].start >= l->markers[i - 1].start);
	assert_string_equal(mmw_layout_find(l, 0x1000)->name, "user space");
	assert_string_equal(mmw_layout_find(l, 1ull << (pg->va_bits - 1))->name, "non-canonical");
	assert_string_equal(mmw_layout_find(l, 0xfffffe0000001000)->name, "cpu entry area");
	assert_string_equal(mmw_layout_find(l, 0xffffffffff600000)->name, "vsyscall");
}

/* Bases are taken for known only when symbols are: a missing variable then means the default. */
static void layouts(void **state)
{
	struct kernel k = { .symbols = { "_text", "_etext" }, .phys_base = 0x1000000 };
	struct mmw_hints h = hints_of(&k);
	struct mmw_layout l = { 0 };

	(void)state;
	arch->layout(&h, &four, &l);
	check_layout(&l, &four);
	assert_null(mmw_layout_find(&l, 0xffff888000000000));
	k.symbols[2] = "schedule";
	memset(&l, 0, sizeof(l));
	arch->layout(&h, &four, &l);
	check_layout(&l, &four);
	assert_string_equal(mmw_layout_find(&l, 0xffffffff82000010)->name, "kernel text");
	assert_string_equal(mmw_layout_find(&l, 0xffff888000000000)->name, "linear map");
	assert_true(mmw_layout_find(&l, 0xffff888000000000)->linear);
	assert_int_equal(mmw_layout_find(&l, 0xffff888000000000)->delta, 0xffff888000000000);
	memset(&l, 0, sizeof(l));
	arch->layout(&h, &five, &l);
	check_layout(&l, &five);
	assert_string_equal(mmw_layout_find(&l, 0xff11000000000000)->name, "linear map");
}

static void registry(void **state)
{
	(void)state;
	assert_ptr_equal(mmw_arch_by_machine(arch->machine), arch);
	assert_null(mmw_arch_by_name("pdp11"));
	assert_null(mmw_arch_by_machine(0));
	assert_non_null(mmw_arch_at(0));
	assert_null(mmw_arch_at(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding), cmocka_unit_test(encryption_bit), cmocka_unit_test(any_value),
		cmocka_unit_test(memory_types), cmocka_unit_test(protection_keys), cmocka_unit_test(swap_entries),
		cmocka_unit_test(flag_names), cmocka_unit_test(software_bits), cmocka_unit_test(short_buffers),
		cmocka_unit_test(kernel_listing), cmocka_unit_test(geometries), cmocka_unit_test(registers),
		cmocka_unit_test(kernel_words), cmocka_unit_test(layouts), cmocka_unit_test(registry),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

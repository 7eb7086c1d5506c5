/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/arch/arm.c and arm_entry.c as tables: what each bit of an entry means at each level. Sections, tables and figures
 * are those of the ARM ARM, DDI 0406C (B3.5: short descriptors, B3.6: long ones, B3.7: permissions).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "lib/arch/arch.h"
#include "lib/base/vec.h"

#define R  MMW_KR
#define W  MMW_KW
#define X  MMW_KX
#define UR MMW_UR
#define UW MMW_UW
#define UX MMW_UX
#define U(r) ((r) | (r) << 3)
#define BIT(n) (1ull << (n))
#define OWN(own) ((uint64_t)(own) << 32)  /* Linux's half of a short entry */

enum { PTE, PGD2, PMD = 1, PGD3 };

/* lib/arch/arm_entry.h */
enum { SHORT = 1, LPAE = 2, SHORT_EXCLUSIVE = 4, LPAE_EXCLUSIVE = 8, OLD_LISTING = 16 };

static const struct mmw_arch *arch;
static struct mmw_paging two, three;

static int setup(void **state)
{
	(void)state;
	arch = mmw_arch_by_name("arm");
	assert_non_null(arch);
	assert_int_equal(arch->geometry(0, &two), 1);
	assert_int_equal(arch->geometry(1, &three), 1);
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
	uint8_t run;
	bool shared;
};

/* Figure B3-4. */
static const struct decoded short_first[] = {
	{ "empty", 0, PGD2, MMW_PTE_EMPTY, false, 0, 0, 0, false },
	{ "fault, the rest is ignored, but Linux leaves none", 0x40000000, PGD2, MMW_PTE_BAD, false, 0, 0, 0, false },
	{ "table", 0x40207801, PGD2, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0x40207800, 0, false },
	{ "table, lowest address bit", 0x40207c01, PGD2, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0x40207c00, 0, false },
	{ "table, PXN", 0x40207805, PGD2, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL & ~X, 0x40207800, 0, false },
	{ "table, NS", 0x40207809, PGD2, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0x40207800, 0, false },
	{ "table, bit 4 (PMD_BIT4 before v6)", 0x40207811, PGD2, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0x40207800, 0,
	  false },
	{ "table, domain 15", 0x402079e1, PGD2, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0x40207800, 0, false },
	{ "table, bit 9 is the implementation's", 0x40207a01, PGD2, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0x40207800,
	  0, false },
	{ "section", 0x40300402, PGD2, MMW_PTE_LEAF, true, R | W | X, 0x40300000, 0, false },
	{ "section, PXN", 0x40300c03, PGD2, MMW_PTE_LEAF, true, U(R | W | X) & ~X, 0x40300000, 0, false },
	{ "section, B", 0x40300406, PGD2, MMW_PTE_LEAF, true, R | W | X, 0x40300000, 0, false },
	{ "section, C", 0x4030040a, PGD2, MMW_PTE_LEAF, true, R | W | X, 0x40300000, 0, false },
	{ "section, XN", 0x40300c12, PGD2, MMW_PTE_LEAF, true, U(R | W), 0x40300000, 0, false },
	{ "section, domain 2", 0x40300442, PGD2, MMW_PTE_LEAF, true, R | W | X, 0x40300000, 0, false },
	{ "section, TEX", 0x40307402, PGD2, MMW_PTE_LEAF, true, R | W | X, 0x40300000, 0, false },
	{ "section, APX", 0x40308402, PGD2, MMW_PTE_LEAF, true, R | X, 0x40300000, 0, false },
	{ "section, S", 0x40310402, PGD2, MMW_PTE_LEAF, true, R | W | X, 0x40300000, 0, false },
	{ "section, nG", 0x40320402, PGD2, MMW_PTE_LEAF, true, R | W | X, 0x40300000, 0, false },
	{ "section, NS", 0x40380402, PGD2, MMW_PTE_LEAF, true, R | W | X, 0x40300000, 0, false },
	{ "section, highest", 0xfff00402, PGD2, MMW_PTE_LEAF, true, R | W | X, 0xfff00000, 0, false },
	{ "section, AP 100 is reserved", 0x40308002, PGD2, MMW_PTE_BAD, true, 0, 0, 0, false },
	{ "supersection", 0x41040402, PGD2, MMW_PTE_LEAF, true, R | W | X, 0x41000000, 4, true },
	{ "supersection, PA[35:32]", 0x41f40402, PGD2, MMW_PTE_LEAF, true, R | W | X, 0xf41000000, 4, true },
	{ "supersection, PA[39:36]", 0x410405e2, PGD2, MMW_PTE_LEAF, true, R | W | X, 0xf041000000, 4, true },
};

/* Figure B3-5; small pages first. */
static const struct decoded short_second[] = {
	{ "empty", 0, PTE, MMW_PTE_EMPTY, false, 0, 0, 0, false },
	{ "fault, the rest is ignored, but Linux leaves none", 0x40001004, PTE, MMW_PTE_BAD, false, 0, 0, 0, false },
	{ "small", 0x40001012, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "small, XN", 0x40001013, PTE, MMW_PTE_LEAF, true, R | W, 0x40001000, 0, false },
	{ "small, B", 0x40001016, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "small, C", 0x4000101a, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "small, TEX", 0x400011d2, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "small, S", 0x40001412, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "small, nG", 0x40001812, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "small, highest", 0xfffff012, PTE, MMW_PTE_LEAF, true, R | W | X, 0xfffff000, 0, false },
	{ "small, AP 100 is reserved", 0x40001202, PTE, MMW_PTE_BAD, true, 0, 0, 0, false },
	{ "large", 0x40010011, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40010000, 4, true },
	{ "large, bits 15:12 are no address", 0x40017011, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40010000, 4, true },
	{ "large, XN", 0x40018011, PTE, MMW_PTE_LEAF, true, R | W, 0x40010000, 4, true },
	{ "large, APX", 0x40010211, PTE, MMW_PTE_LEAF, true, R | X, 0x40010000, 4, true },
	{ "large, S and nG", 0x40010c11, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40010000, 4, true },
	{ "large, AP 100 is reserved", 0x40010201, PTE, MMW_PTE_BAD, true, 0, 0, 0, false },
	/* Linux's half (asm/pgtable-2level.h) counts only where the hardware's is empty. */
	{ "both", OWN(0x4000145f) | 0x4000145e, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "both, of another frame", OWN(0x5000045f) | 0x40001012, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0,
	  false },
	{ "hardware's, Linux's swap note", OWN(0x1234) | 0x40001012, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000,
	  0, false },
	{ "old", OWN(0x4000145d), PTE, MMW_PTE_LEAF, false, R | W | X, 0x40001000, 0, false },
	{ "old, read-only", OWN(0x400014dd), PTE, MMW_PTE_LEAF, false, R | X, 0x40001000, 0, false },
	{ "old, user", OWN(0x4000155d), PTE, MMW_PTE_LEAF, false, U(R | W | X), 0x40001000, 0, false },
	{ "old, XN", OWN(0x4000165d), PTE, MMW_PTE_LEAF, false, R | W, 0x40001000, 0, false },
	{ "PROT_NONE", OWN(0x40001edf), PTE, MMW_PTE_LEAF, false, R, 0x40001000, 0, false },
	{ "swap note", OWN(0x12345678), PTE, MMW_PTE_SWAP, false, 0, 0, 0, false },
	{ "swap note, smallest", OWN(0x4), PTE, MMW_PTE_SWAP, false, 0, 0, 0, false },
};

/* Figures B3-14 and B3-15. */
static const struct decoded long_entries[] = {
	{ "empty", 0, PTE, MMW_PTE_EMPTY, false, 0, 0, 0, false },
	{ "empty", 0, PMD, MMW_PTE_EMPTY, false, 0, 0, 0, false },
	{ "empty", 0, PGD3, MMW_PTE_EMPTY, false, 0, 0, 0, false },
	{ "table", 0x40204003, PGD3, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0x40204000, 0, false },
	{ "table, L_PGD_SWAPPER", BIT(55) | 0x40204003, PGD3, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0x40204000, 0,
	  false },
	{ "table, PXNTable", BIT(59) | 0x40204003, PMD, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL & ~X, 0x40204000, 0,
	  false },
	{ "table, XNTable", BIT(60) | 0x40204003, PMD, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL & ~U(X), 0x40204000, 0,
	  false },
	{ "table, APTable[0]", BIT(61) | 0x40204003, PMD, MMW_PTE_TABLE, true, R | W | X, 0x40204000, 0, false },
	{ "table, APTable[1]", BIT(62) | 0x40204003, PMD, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL & ~U(W), 0x40204000,
	  0, false },
	{ "table, NSTable", BIT(63) | 0x40204003, PMD, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0x40204000, 0, false },
	{ "table, highest", 0xfffffff003, PMD, MMW_PTE_TABLE, true, MMW_RIGHTS_ALL, 0xfffffff000, 0, false },
	{ "table, bit 40 is reserved", BIT(40) | 0x3, PMD, MMW_PTE_BAD, true, 0, 0, 0, false },
	{ "1 GiB block", 0x40000401, PGD3, MMW_PTE_LEAF, true, R | W | X, 0x40000000, 0, false },
	{ "1 GiB block, bit 29 is reserved", 0x60000401, PGD3, MMW_PTE_BAD, true, 0, 0, 0, false },
	{ "1 GiB block, no 16 of them make a run", BIT(52) | 0x40000401, PGD3, MMW_PTE_LEAF, true, R | W | X,
	  0x40000000, 0,
	  false },
	{ "2 MiB block", 0x40200401, PMD, MMW_PTE_LEAF, true, R | W | X, 0x40200000, 0, false },
	{ "2 MiB block, bit 20 is reserved", 0x40300401, PMD, MMW_PTE_BAD, true, 0, 0, 0, false },
	{ "2 MiB block, bit 12 is reserved", 0x40201401, PMD, MMW_PTE_BAD, true, 0, 0, 0, false },
	{ "2 MiB block, contiguous", BIT(52) | 0x40200401, PMD, MMW_PTE_LEAF, true, R | W | X, 0x40200000, 4, false },
	{ "page", 0x40001403, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "type 1 is reserved at the last level", 0x40001401, PTE, MMW_PTE_BAD, true, 0, 0, 0, false },
	{ "page, AttrIndx", 0x4000141f, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "page, NS", 0x40001423, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "page, AP[1]", 0x40001443, PTE, MMW_PTE_LEAF, true, U(R | W | X), 0x40001000, 0, false },
	{ "page, AP[2]", 0x40001483, PTE, MMW_PTE_LEAF, true, R | X, 0x40001000, 0, false },
	{ "page, AP[2:1]", 0x400014c3, PTE, MMW_PTE_LEAF, true, U(R | X), 0x40001000, 0, false },
	{ "page, SH", 0x40001703, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "page, no AF", 0x40001003, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "page, nG", 0x40001c03, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	{ "page, bit 39 is the address", BIT(39) | 0x1403, PTE, MMW_PTE_LEAF, true, R | W | X, BIT(39) | 0x1000, 0,
	  false },
	{ "page, bit 40 is reserved", BIT(40) | 0x1403, PTE, MMW_PTE_BAD, true, 0, 0, 0, false },
	{ "page, bit 47 is reserved", BIT(47) | 0x1403, PTE, MMW_PTE_BAD, true, 0, 0, 0, false },
	{ "page, contiguous", BIT(52) | 0x40001403, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 4, false },
	{ "page, PXN", BIT(53) | 0x40001443, PTE, MMW_PTE_LEAF, true, U(R | W | X) & ~X, 0x40001000, 0, false },
	{ "page, XN", BIT(54) | 0x40001443, PTE, MMW_PTE_LEAF, true, U(R | W), 0x40001000, 0, false },
	{ "page, software bits", 0xf780000040001403, PTE, MMW_PTE_LEAF, true, R | W | X, 0x40001000, 0, false },
	/* asm/pgtable-3level.h: what Linux keeps in entries that are not valid. */
	{ "PROT_NONE", BIT(58) | BIT(57) | BIT(54) | 0x40001f0e, PTE, MMW_PTE_LEAF, false, R | W, 0x40001000, 0,
	  false },
	{ "PROT_NONE, 2 MiB", BIT(57) | 0x40200f8c, PMD, MMW_PTE_LEAF, false, R | X, 0x40200000, 0, false },
	{ "2 MiB being invalidated", BIT(54) | 0x40200fcc, PMD, MMW_PTE_LEAF, false, U(R), 0x40200000, 0, false },
	{ "swap note", 0x12345678, PTE, MMW_PTE_SWAP, false, 0, 0, 0, false },
	{ "swap note of hugetlbfs", 0x12345678, PMD, MMW_PTE_SWAP, false, 0, 0, 0, false },
	{ "rubbish in the pgd", 0x12345678, PGD3, MMW_PTE_BAD, false, 0, 0, 0, false },
};

static void check_decode(const struct mmw_paging *pg, const struct decoded *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct mmw_pte got = arch->decode(pg, t[i].level, t[i].raw);

		if (got.kind != t[i].kind || got.hw != t[i].hw)
			fail_msg("%s (%llx at level %u): kind %d, hw %d", t[i].what, (unsigned long long)t[i].raw,
				 t[i].level, got.kind, got.hw);
		if (t[i].kind != MMW_PTE_LEAF && t[i].kind != MMW_PTE_TABLE)
			continue;
		if (got.rights != t[i].rights || got.pa != t[i].pa)
			fail_msg("%s: rights %x, pa %llx", t[i].what, got.rights, (unsigned long long)got.pa);
		if (got.run != t[i].run || got.shared != t[i].shared)
			fail_msg("%s: run %u, shared %d", t[i].what, got.run, got.shared);
	}
}

static void decoding(void **state)
{
	(void)state;
	check_decode(&two, short_first, mmw_array_len(short_first));
	check_decode(&two, short_second, mmw_array_len(short_second));
	check_decode(&three, long_entries, mmw_array_len(long_entries));
}

/* Table B3-8: AP[2:0], in a section, a small and a large page. 100 is reserved. */
static void access_permissions(void **state)
{
	static const uint8_t rights[8] = {
		0, R | W | X, R | W | X | UR | UX, U(R | W | X), 0, R | X, U(R | X), U(R | X),
	};

	(void)state;
	for (unsigned ap = 0; ap < 8; ap++) {
		uint64_t section = 2 | (ap & 3) << 10 | (ap >> 2) << 15, page = (ap & 3) << 4 | (ap >> 2) << 9;

		if (ap == 4)
			continue;
		assert_int_equal(arch->decode(&two, PGD2, section).rights, rights[ap]);
		assert_int_equal(arch->decode(&two, PTE, page | 2).rights, rights[ap]);
		assert_int_equal(arch->decode(&two, PTE, page | 1).rights, rights[ap]);
		assert_int_equal(arch->decode(&two, PTE, page | 3).rights, rights[ap] & ~U(X));
		assert_int_equal(arch->decode(&two, PGD2, section | 1).rights, rights[ap] & ~X);
	}
}

/* Decoding is pure and total: any value at any level gives one of the kinds, and a frame inside the address field. */
static void any_value(void **state)
{
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		const struct mmw_paging *pg = i & 1 ? &three : &two;
		unsigned level = i / 2 % pg->levels;
		struct mmw_pte pte;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pte = arch->decode(pg, level, i % 3 ? x : x & (x >> 1) & 0xf7f0000ffffff003);
		assert_in_range(pte.kind, MMW_PTE_EMPTY, MMW_PTE_BAD);
		assert_int_equal(pte.pa & ~(pte.kind == MMW_PTE_TABLE ? 0xfffffffc00ull : 0xfffffff000ull), 0);
		if (pte.kind == MMW_PTE_LEAF)
			assert_int_equal(pte.pa & (mmw_level_size(pg, level) - 1), 0);
		assert_true(pte.kind != MMW_PTE_TABLE || (pte.hw && level));
	}
}

/* --- memory type, swap ---------------------------------------------------------------------------------------- */

/* B3.8.3 with PRRR and NMRR of proc-v7-2level.S: index TEX[0]:C:B; the S bit tells devices apart. */
static void short_memory_types(void **state)
{
	static const char *const types[8] = {
		"STRONGLY_ORDERED", "NONCACHEABLE", "WRITETHROUGH", "WRITEBACK", "DEVICE_NONSHARED", "STRONGLY_ORDERED",
		NULL, "WRITEALLOC",
	};

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		uint64_t cb = (i & 3) << 2, tex0 = i >> 2;
		const char *got[4] = {
			arch->memtype(&two, PGD2, cb | tex0 << 12 | 2), arch->memtype(&two, PTE, cb | tex0 << 6 | 2),
			arch->memtype(&two, PTE, cb | tex0 << 12 | 1), arch->memtype(&two, PTE, OWN(i << 2 | 1)),
		};

		for (size_t k = 0; k < mmw_array_len(got); k++) {
			if (types[i])
				assert_string_equal(got[k], types[i]);
			else
				assert_null(got[k]);
		}
	}
	assert_string_equal(arch->memtype(&two, PGD2, 0x11002), "DEVICE_SHARED");
	assert_string_equal(arch->memtype(&two, PTE, 0x442), "DEVICE_SHARED");
	assert_string_equal(arch->memtype(&two, PTE, 0x1401), "DEVICE_SHARED");
	assert_string_equal(arch->memtype(&two, PTE, OWN(0x411)), "DEVICE_SHARED");
}

/* B4.1.104 (MAIR0, MAIR1), and the values of proc-v7-3level.S where the registers are not known. */
static void long_memory_types(void **state)
{
	static const struct { uint8_t attr; const char *type; } attrs[] = {
		{ 0x00, "STRONGLY_ORDERED" }, { 0x04, "DEVICE" }, { 0x44, "NONCACHEABLE" }, { 0xaa, "WRITETHROUGH" },
		{ 0xee, "WRITEBACK" }, { 0xff, "WRITEALLOC" }, { 0x4f, "MIXED" }, { 0x08, NULL },
	};
	struct mmw_paging pg = three;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		pg.attrs |= (uint64_t)attrs[i].attr << 8 * i;
	for (unsigned i = 0; i < 8; i++) {
		const char *got = arch->memtype(&pg, PTE, i << 2 | 3);

		if (attrs[i].type)
			assert_string_equal(got, attrs[i].type);
		else
			assert_null(got);
	}
	assert_string_equal(arch->memtype(&three, PTE, 0x3), "STRONGLY_ORDERED");
	assert_string_equal(arch->memtype(&three, PTE, 0x7), "NONCACHEABLE");
	assert_string_equal(arch->memtype(&three, PTE, 0xb), "WRITETHROUGH");
	assert_string_equal(arch->memtype(&three, PMD, 0xd), "WRITEBACK");
	assert_string_equal(arch->memtype(&three, PTE, 0x13), "DEVICE");
	assert_string_equal(arch->memtype(&three, PTE, 0x1f), "WRITEALLOC");
}

/* asm/pgtable.h: type in bits 2-6; offset from 7 (5.10, 6.1), or from 8 behind the exclusive bit (6.12). */
static void swap_entries(void **state)
{
	struct mmw_paging new_two = two, new_three = three;
	uint64_t offset;
	unsigned type;

	(void)state;
	new_two.variant |= SHORT_EXCLUSIVE;
	new_three.variant |= LPAE_EXCLUSIVE;
	arch->swap(&two, OWN(0x12345 << 7 | 21 << 2), &type, &offset);
	assert_int_equal(type, 21);
	assert_int_equal(offset, 0x12345);
	arch->swap(&new_two, OWN(0x12345 << 8 | 1 << 7 | 31 << 2), &type, &offset);
	assert_int_equal(type, 31);
	assert_int_equal(offset, 0x12345);
	arch->swap(&three, 0x1ffffffull << 7 | 1 << 2, &type, &offset);
	assert_int_equal(type, 1);
	assert_int_equal(offset, 0x1ffffff);
	arch->swap(&new_three, 0xffffffull << 8 | 1 << 7 | 2 << 2, &type, &offset);
	assert_int_equal(type, 2);
	assert_int_equal(offset, 0xffffff);
}

/* --- text ----------------------------------------------------------------------------------------------------- */

static void check_flags(const struct mmw_paging *pg, unsigned level, uint64_t raw, const char *want)
{
	char buf[256];
	size_t len = mmw_flags_text(arch, pg, level, raw, '|', buf, sizeof(buf));

	assert_string_equal(buf, want);
	assert_int_equal(len, strlen(want));
}

static void short_flag_names(void **state)
{
	struct mmw_paging exclusive = two;

	(void)state;
	check_flags(&two, PGD2, 0, "");
	check_flags(&two, PGD2, 0x40207801, "");
	check_flags(&two, PGD2, 0x4020786d, "PXN|NS|DOMAIN3");
	check_flags(&two, PGD2, 0x40300002, "SECTION|STRONGLY_ORDERED");
	check_flags(&two, PGD2, 0x4030141e, "SECTION|B|C|XN|AP0|TEX0|WRITEALLOC");
	check_flags(&two, PGD2, 0x403b6803, "SECTION|PXN|AP1|TEX1|TEX2|S|NG|NS|STRONGLY_ORDERED");
	check_flags(&two, PGD2, 0x40308c42, "SECTION|AP0|AP1|APX|DOMAIN2|STRONGLY_ORDERED");
	check_flags(&two, PGD2, 0x40308042, "SECTION|APX|DOMAIN2");
	check_flags(&two, PGD2, 0x410405e2, "SUPERSECTION|AP0|STRONGLY_ORDERED");
	check_flags(&two, PTE, 0x40001002, "STRONGLY_ORDERED");
	check_flags(&two, PTE, 0x4000145f, "XN|B|C|AP0|TEX0|S|WRITEALLOC");
	check_flags(&two, PTE, 0x40001ba2, "AP1|TEX1|TEX2|APX|NG|STRONGLY_ORDERED");
	check_flags(&two, PTE, 0x4001f001, "LARGE|XN|TEX0|TEX1|TEX2|DEVICE_NONSHARED");
	check_flags(&two, PTE, 0x40010ff1, "LARGE|AP0|AP1|APX|S|NG|STRONGLY_ORDERED");
	check_flags(&two, PTE, OWN(0x40000003) | 0x40001012, "AP0|L_PRESENT|L_YOUNG|STRONGLY_ORDERED");
	check_flags(&two, PTE, OWN(0x4000145f) | 0x4000145e,
		    "B|C|AP0|TEX0|S|L_PRESENT|L_YOUNG|L_DIRTY|L_SHARED|WRITEALLOC");
	check_flags(&two, PTE, OWN(0x40000f9d), "L_PRESENT|L_RDONLY|L_USER|L_XN|L_SHARED|L_NONE|WRITEALLOC");
	check_flags(&two, PTE, OWN(0x12345684), "");
	exclusive.variant |= SHORT_EXCLUSIVE;
	check_flags(&exclusive, PTE, OWN(0x12345684), "SWP_EXCLUSIVE");
}

static void long_flag_names(void **state)
{
	struct mmw_paging exclusive = three;

	(void)state;
	check_flags(&three, PGD3, BIT(55) | 0x40204003, "VALID|L_SWAPPER");
	check_flags(&three, PMD, BIT(59) | 0x40204003, "VALID|PXNTABLE");
	check_flags(&three, PMD, 0xf000000040204003, "VALID|XNTABLE|APTABLE0|APTABLE1|NSTABLE");
	check_flags(&three, PGD3, 0x40000401, "VALID|BLOCK|AF|STRONGLY_ORDERED");
	check_flags(&three, PMD, BIT(54) | 0x4020071d, "VALID|BLOCK|SH0|SH1|AF|XN|WRITEALLOC");
	check_flags(&three, PTE, 0x40001003, "VALID|STRONGLY_ORDERED");
	check_flags(&three, PTE, 0x40001cef, "VALID|NS|USER|AP2|AF|NG|WRITEBACK");
	check_flags(&three, PTE, BIT(52) | BIT(53) | 0x40001503, "VALID|SH0|AF|CONT|PXN|STRONGLY_ORDERED");
	check_flags(&three, PTE, 0x0780000040001603,
		    "VALID|SH1|AF|L_DIRTY|L_SPECIAL|L_NONE|L_RDONLY|STRONGLY_ORDERED");
	check_flags(&three, PTE, BIT(57) | BIT(54) | 0x40001e82, "AP2|SH1|AF|NG|XN|L_NONE|STRONGLY_ORDERED");
	check_flags(&three, PTE, 0x12345684, "");
	exclusive.variant |= LPAE_EXCLUSIVE;
	check_flags(&exclusive, PTE, 0x12345684, "SWP_EXCLUSIVE");
}

static void short_buffers(void **state)
{
	char buf[96];

	(void)state;
	for (size_t size = 1; size < sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		mmw_flags_text(arch, &two, PTE, OWN(0x40000fff) | 0x40001fff, ' ', buf, size);
		assert_non_null(memchr(buf, 0, size));
		assert_int_equal(buf[size], 'x');
		memset(buf, 'x', sizeof(buf));
		arch->ptdump(&two, PTE, OWN(0x7bc), buf, size);
		assert_non_null(memchr(buf, 0, size));
		assert_int_equal(buf[size], 'x');
	}
}

/* Columns of arch/arm/mm/dump.c. At the last level of short descriptors bits 8:5 are the table's domain. */
static void kernel_listing(void **state)
{
	static const struct { const struct mmw_paging *pg; unsigned level; uint64_t raw; const char *text; } rows[] = {
		{ &two, PTE, OWN(0x4000065f) | 0x40001013, "PTE KERNEL      RW NX SHD MEM/CACHED/WBWA" },
		{ &two, PTE, OWN(0x400001df), "PTE KERNEL  USR ro x      MEM/CACHED/WBWA" },
		{ &two, PTE, OWN(0x40000653), "PTE KERNEL      RW NX SHD DEV/SHARED" },
		{ &two, PTE, OWN(0x40000273), "PTE KERNEL      RW NX     DEV/NONSHARED" },
		{ &two, PTE, OWN(0x4000026f), "PTE KERNEL      RW NX     DEV/CACHED" },
		{ &two, PTE, OWN(0x40000267), "PTE KERNEL      RW NX     DEV/WC" },
		{ &two, PTE, OWN(0x4000025b), "PTE KERNEL      RW NX     MEM/MINICACHE" },
		{ &two, PTE, OWN(0x40000243), "PTE KERNEL      RW NX     SO/UNCACHED" },
		{ &two, PTE, OWN(0x40000247), "PTE KERNEL      RW NX     MEM/BUFFERABLE/WC" },
		{ &two, PTE, OWN(0x4000024b), "PTE KERNEL      RW NX     MEM/CACHED/WT" },
		{ &two, PTE, OWN(0x4000024f), "PTE KERNEL      RW NX     MEM/CACHED/WBRA" },
		{ &two, PTE, OWN(0x4000027f), "PTE KERNEL      RW NX    " },
		{ &two, PGD2, 0x4031941e, "PGD KERNEL      ro NX SHD" },
		{ &two, PGD2, 0x4030140e, "PGD KERNEL      RW x     " },
		{ &two, PGD2, 0x40300852, "PGD IO      USR ro NX    " },
		{ &two, PGD2, 0x40300c22, "PGD USER    USR RW x     " },
		{ &two, PGD2, 0x40300c62, "PGD VECTORS USR RW x     " },
		{ &two, PGD2, 0x40300ce2, "PGD unknown USR RW x     " },
		{ &two, PGD2, 0x40300012, "PGD KERNEL  NX    " },
		{ &three, PTE, BIT(54) | 0x4000171f, "PTE     RW NX SHD MEM/CACHED/WBWA" },
		{ &three, PTE, BIT(58) | 0x4000144f, "PTE USR ro x      MEM/CACHED/WBRA DEV/CACHED" },
		{ &three, PTE, BIT(54) | 0x40001407, "PTE     RW NX     MEM/BUFFERABLE/WC DEV/WC" },
		{ &three, PTE, BIT(54) | 0x40001713, "PTE     RW NX SHD DEV/SHARED" },
		{ &three, PMD, BIT(54) | 0x4020071d, "PMD RW NX SHD" },
		{ &three, PMD, BIT(58) | 0x402007dd, "PMD USR ro x  SHD" },
		{ &three, PMD, BIT(58) | 0x4020071d, "PMD RW x  SHD" },
	};
	struct mmw_paging old = two, old_three = three;
	char buf[128];

	(void)state;
	for (size_t i = 0; i < mmw_array_len(rows); i++) {
		uint64_t prot = arch->ptdump_prot(rows[i].pg, rows[i].level, rows[i].raw);

		arch->ptdump(rows[i].pg, rows[i].level, prot, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].text);
	}
	arch->ptdump(&two, PTE, OWN(0x218) | 3 << 5, buf, sizeof(buf));
	assert_string_equal(buf, "PTE VECTORS     RW NX     MEM/MINICACHE");
	old.variant |= OLD_LISTING;
	old_three.variant |= OLD_LISTING;
	arch->ptdump(&old, PGD2, 0x11410, buf, sizeof(buf));
	assert_string_equal(buf, "KERNEL      RW NX SHD");
	arch->ptdump(&old_three, PMD, BIT(54) | 0x300, buf, sizeof(buf));
	assert_string_equal(buf, "RW NX SHD");
}

/* pg_level[].mask: what is compared. An entry without any of it is none to the listing. */
static void listing_bits(void **state)
{
	(void)state;
	assert_int_equal(arch->ptdump_prot(&two, PTE, UINT64_MAX), OWN(0x7bc));
	assert_int_equal(arch->ptdump_prot(&two, PGD2, 0xffffffff), 0x18df0);
	assert_int_equal(arch->ptdump_prot(&two, PGD2, 0x1e2), 0);
	assert_int_equal(arch->ptdump_prot(&three, PTE, UINT64_MAX), BIT(58) | BIT(54) | 0x35c);
	assert_int_equal(arch->ptdump_prot(&three, PMD, UINT64_MAX), BIT(58) | BIT(54) | 0x3c0);
	assert_int_equal(arch->ptdump_prot(&three, PGD3, UINT64_MAX), 0);
}

/* --- geometry, registers, the kernel's own words -------------------------------------------------------------- */

static void geometries(void **state)
{
	struct mmw_paging pg;
	uint64_t last;

	(void)state;
	assert_int_equal(arch->geometry(2, &pg), 0);
	assert_string_equal(two.name, "short");
	assert_string_equal(three.name, "lpae");
	assert_int_equal(mmw_level_size(&two, PGD2), 1 << 20);
	assert_int_equal(mmw_table_bytes(&two, PGD2), 16384);
	assert_int_equal(mmw_table_bytes(&two, PTE), 1024);
	assert_int_equal(two.companion, 2048);
	assert_int_equal(mmw_level_size(&three, PMD), 2 << 20);
	assert_int_equal(mmw_level_size(&three, PGD3), 1 << 30);
	assert_int_equal(mmw_table_bytes(&three, PGD3), 32);
	assert_int_equal(mmw_table_bytes(&three, PTE), 4096);
	assert_int_equal(three.companion, 0);
	assert_string_equal(mmw_level_name(&two, PGD2), "pgd");
	assert_string_equal(mmw_level_name(&three, PMD), "pmd");
	for (int i = 0; i < 2; i++) {
		const struct mmw_paging *each = i ? &three : &two;

		assert_int_equal(mmw_level_shift(each, each->levels - 1) + each->bits[each->levels - 1], 32);
		assert_int_equal(each->va_bits, 32);
		assert_true(mmw_va_served(each, 0xffffffff, &last));
		assert_false(mmw_va_served(each, 0x100000000, &last));
	}
}

static struct mmw_cpu cpu_with(uint64_t ttbr0, uint64_t ttbr1, uint64_t tcr)
{
	struct mmw_cpu c = { .known = 1u << MMW_REG_TTBR0 | 1u << MMW_REG_TTBR1 | 1u << MMW_REG_TCR };

	c.reg[MMW_REG_TTBR0] = ttbr0;
	c.reg[MMW_REG_TTBR1] = ttbr1;
	c.reg[MMW_REG_TCR] = tcr;
	return c;
}

static void check_roots(struct mmw_cpu c, const char *name, int n, uint64_t first, uint64_t second)
{
	uint64_t roots[MMW_ROOTS_MAX] = { 0 };
	struct mmw_paging pg;

	assert_int_equal(arch->from_cpu(&c, &pg, roots), n);
	if (!n)
		return;
	assert_string_equal(pg.name, name);
	assert_int_equal(roots[0], first);
	if (n > 1)
		assert_int_equal(roots[1], second);
}

/* B3.5.4 and B4.1.154 (TTBCR.N, TTBR0, TTBR1), B3.6.4 (T0SZ, T1SZ); TTBR1 as v7_ttb_setup sets it. */
static void registers(void **state)
{
	struct mmw_cpu c = cpu_with(0x4123c06a, 0x4020406a, 0);
	uint64_t roots[MMW_ROOTS_MAX];
	struct mmw_paging pg;

	(void)state;
	check_roots(c, "short", 2, 0x4123c000, 0x40204000);
	check_roots(cpu_with(0x4020406a, 0x4020406a, 0), "short", 1, 0x40204000, 0);
	check_roots(cpu_with(0x4020406a, 0, 0), "short", 1, 0x40204000, 0);
	check_roots(cpu_with(0x41230080, 0x4020406a, 7), "short", 1, 0x40204000, 0);
	check_roots(cpu_with(0x002a0000414e5a60, 0x40207000, 0x80023500), "lpae", 2, 0x414e5a60, 0x40203000);
	check_roots(cpu_with(0x414e5a60, 0x40203010, 0x80013500), "lpae", 2, 0x414e5a60, 0x40203000);
	check_roots(cpu_with(0x414e5a60, 0x80203000, 0x80003500), "lpae", 2, 0x414e5a60, 0x80203000);
	check_roots(cpu_with(0x40203000, 0x40203000, 0x80003500), "lpae", 1, 0x40203000, 0);
	check_roots(cpu_with(0x8414e5a60, 0x40203000, 0x80403587), "lpae", 2, 0x8414e5a60, 0x40203000);
	check_roots(cpu_with(0x414e5a60, 0x40203000, 0x80073500), "lpae", 1, 0x414e5a60, 0);
	check_roots(cpu_with(0x414e5a60, 0x40203000, 0x80000002), "lpae", 1, 0x40203000, 0);
	check_roots(cpu_with(0x40203000, 0, 0x80023500), "lpae", 1, 0x40203000, 0);
	c.known &= ~(1u << MMW_REG_TCR);
	check_roots(c, NULL, 0, 0, 0);
	c = cpu_with(0x40204000, 0, 0);
	c.known &= ~(1u << MMW_REG_TTBR0);
	check_roots(c, NULL, 0, 0, 0);
	c = cpu_with(0x40203000, 0, 0x80000000);
	c.known |= 1u << MMW_REG_MAIR;
	c.reg[MMW_REG_MAIR] = 0xff440c04;
	arch->from_cpu(&c, &pg, roots);
	assert_int_equal(pg.attrs, 0xff440c04);
}

struct word {
	const char *name;
	uint64_t value;
};

struct kernel {
	struct word symbols[12];
	struct word variables[2];
	bool no_delta, no_ram;
	uint64_t delta, ram;
};

static int look_up(const struct word *words, size_t n, const char *name, uint64_t *out)
{
	for (size_t i = 0; i < n && words[i].name; i++) {
		if (!strcmp(words[i].name, name)) {
			*out = words[i].value;
			return 0;
		}
	}
	return -MMW_E_NOSYM;
}

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

	return look_up(k->symbols, mmw_array_len(k->symbols), name, va);
}

static int ask_variable(void *ctx, const char *name, unsigned size, uint64_t *out)
{
	const struct kernel *k = ctx;

	assert_int_equal(size, 4);
	return look_up(k->variables, mmw_array_len(k->variables), name, out);
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
	const struct kernel *k = ctx;

	*delta = k->delta;
	return k->no_delta ? -MMW_E_NOSYM : 0;
}

static int ask_ram(void *ctx, uint64_t *pa)
{
	const struct kernel *k = ctx;

	*pa = k->ram;
	return k->no_ram ? -MMW_E_NODATA : 0;
}

static struct mmw_hints hints_of(struct kernel *k)
{
	return (struct mmw_hints){ k, ask_number, ask_symbol, ask_variable, ask_enumerator, ask_delta, ask_ram };
}

static unsigned count_guesses(const struct mmw_hints *h, uint64_t want)
{
	unsigned n = 0;
	bool seen = false;
	uint64_t delta;

	for (; !arch->find_delta(h, n, &delta, NULL); n++)
		seen |= delta == want;
	assert_true(seen);
	return n;
}

/* VA - PA is PAGE_OFFSET - PHYS_OFFSET; with a symbol only the latter is guessed. */
static void guesses(void **state)
{
	struct kernel k = { .symbols = { { "swapper_pg_dir", 0xc0204000 } }, .ram = 0x40000000 };
	struct mmw_hints h = hints_of(&k);
	uint64_t delta;

	(void)state;
	assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), 0);
	assert_int_equal(delta, 0x80000000);
	assert_int_equal(count_guesses(&h, 0xc0000000 - 0x10000000), 5);
	k = (struct kernel){ .symbols = { { "_stext", 0x80300000 } }, .ram = 0x9fe01000 };
	assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), 0);
	assert_int_equal(delta, 0x80000000ull - 0x9fe00000);
	assert_int_equal(arch->find_delta(&h, 1, &delta, NULL), 0);
	assert_int_equal(delta, 0x80000000ull - 0x9f000000);
	assert_int_equal(arch->find_delta(&h, 2, &delta, NULL), 0);
	assert_int_equal(delta, 0x80000000ull - 0x98000000);
	assert_int_equal(arch->find_delta(&h, 8, &delta, NULL), -MMW_E_NOSYM);
	k = (struct kernel){ .ram = 0x9fe01000 };
	assert_true(count_guesses(&h, 0xb0000000) < 40);
	assert_true(count_guesses(&h, 0x40000000 - 0x9f000000ull) < 40);
	k = (struct kernel){ .no_ram = true };
	assert_int_equal(count_guesses(&h, 0x80000000), 20);
}

/* kernel/head.S: swapper_pg_dir is 0x4000 (LPAE: 0x5000) before an image that starts at ...8000. */
static void kernel_words(void **state)
{
	struct kernel k = { .symbols = { { "swapper_pg_dir", 0xc0204000 } }, .delta = 0x80000000 };
	struct mmw_hints h = hints_of(&k);
	struct mmw_paging pg = two;
	uint64_t root;

	(void)state;
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
	assert_int_equal(root, 0x40204000);
	assert_int_equal(pg.variant, SHORT);
	pg = three;
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), -MMW_E_UNSUPPORTED);
	k = (struct kernel){ .symbols = { { "swapper_pg_dir", 0xc0203000 }, { "schedule", 0xc0b00000 } },
			     .delta = 0xc0000000 - 0x800000000 };
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
	assert_int_equal(root, 0x800203000);
	assert_int_equal(pg.variant, LPAE | OLD_LISTING);
	pg = two;
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), -MMW_E_UNSUPPORTED);
	k = (struct kernel){ .symbols = { { "_text", 0xc0008000 }, { "schedule", 0xc0b00000 },
					  { "set_memory_valid", 0xc0110000 }, { "do_vmi_munmap", 0xc0300000 } },
			     .delta = 0x60000000 };
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
	assert_int_equal(root, 0x60004000);
	assert_int_equal(pg.variant, SHORT | SHORT_EXCLUSIVE);
	pg = three;
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
	assert_int_equal(root, 0x60003000);
	assert_int_equal(pg.variant, LPAE | LPAE_EXCLUSIVE);
	k.no_delta = true;
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), -MMW_E_NOSYM);
	k = (struct kernel){ .delta = 0 };
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), -MMW_E_NOSYM);
}

static void check_layout(const struct mmw_layout *l)
{
	for (size_t i = 0; i < l->n_regions; i++) {
		const struct mmw_region *r = &l->regions[i];

		assert_true(r->first <= r->last && r->last <= UINT32_MAX);
		assert_true(!i || r->first > l->regions[i - 1].last);
		assert_ptr_equal(mmw_layout_find(l, r->first), r);
		assert_ptr_equal(mmw_layout_find(l, r->last), r);
	}
	for (size_t i = 1; i < l->n_markers; i++)
		assert_true(l->markers[i].start >= l->markers[i - 1].start);
}

static void check_region(const struct mmw_layout *l, uint64_t va, const char *name)
{
	const struct mmw_region *r = mmw_layout_find(l, va);

	if (!name)
		assert_null(r);
	else
		assert_string_equal(r->name, name);
}

/* asm/memory.h, asm/highmem.h, asm/pgtable.h (VMALLOC_START), asm/fixmap.h. */
static void layouts(void **state)
{
	struct kernel k = {
		.symbols = { { "swapper_pg_dir", 0xc0204000 }, { "kmap_high", 0xc0300100 }, { "_stext", 0xc0300000 },
			     { "_etext", 0xc1100000 }, { "__start_rodata", 0xc1200000 },
			     { "__end_rodata", 0xc1500000 } },
		.variables = { { "high_memory", 0xdff00000 } }, .delta = 0x80000000,
	};
	struct mmw_hints h = hints_of(&k);
	struct mmw_layout l = { 0 };

	(void)state;
	arch->layout(&h, &two, &l);
	check_layout(&l);
	check_region(&l, 0xbeffffff, "user space");
	check_region(&l, 0xbf000000, "modules");
	check_region(&l, 0xbfe00000, "pkmap");
	check_region(&l, 0xc0000000, "lowmem");
	assert_true(mmw_layout_find(&l, 0xc0000000)->linear);
	assert_int_equal(mmw_layout_find(&l, 0xc0000000)->delta, 0x80000000);
	check_region(&l, 0xc0300000, "kernel text");
	check_region(&l, 0xc1100000, "lowmem");
	check_region(&l, 0xc1200000, "kernel rodata");
	check_region(&l, 0xdfefffff, "lowmem");
	check_region(&l, 0xdff00000, "guard hole");
	check_region(&l, 0xdfffffff, "guard hole");
	check_region(&l, 0xe0000000, "vmalloc");
	check_region(&l, 0xff7fffff, "vmalloc");
	check_region(&l, 0xff800000, "fdt");
	check_region(&l, 0xffa00000, NULL);
	check_region(&l, 0xffc80000, "fixmap");
	check_region(&l, 0xfff00000, NULL);
	check_region(&l, 0xffff1fff, "vectors");
	assert_int_equal(l.n_markers, 7);
	assert_string_equal(l.markers[0].name, "Modules");
	assert_int_equal(l.markers[2].start, 0xe0000000);
	assert_string_equal(l.markers[3].name, "FDT Area");
	assert_int_equal(l.spans[0].last, UINT32_MAX);
}

/* Without high_memory nothing is said of what it divides; without any symbol, nothing at all. */
static void layouts_unknown(void **state)
{
	struct kernel k = { .symbols = { { "_stext", 0x80008000 } }, .no_delta = true };
	struct mmw_hints h = hints_of(&k);
	struct mmw_paging old = three;
	struct mmw_layout l = { 0 };

	(void)state;
	old.variant |= OLD_LISTING;
	arch->layout(&h, &old, &l);
	check_layout(&l);
	check_region(&l, 0x7fffffff, "modules");
	check_region(&l, 0x80000000, NULL);
	check_region(&l, 0xff000000, NULL);
	check_region(&l, 0xffbfffff, "fdt");
	assert_string_equal(l.markers[2].name, "vmalloc() End");
	k.variables[0] = (struct word){ "high_memory", 0xb0000000 };
	l = (struct mmw_layout){ 0 };
	arch->layout(&h, &three, &l);
	check_layout(&l);
	check_region(&l, 0x80000000, "lowmem");
	assert_false(mmw_layout_find(&l, 0x80000000)->linear);
	check_region(&l, 0xb0800000, "vmalloc");
	k.variables[0].value = 0x1000;
	l = (struct mmw_layout){ 0 };
	arch->layout(&h, &three, &l);
	check_region(&l, 0x80000000, NULL);
	k.symbols[0].name = "nothing";
	l = (struct mmw_layout){ 0 };
	arch->layout(&h, &three, &l);
	assert_int_equal(l.n_regions, 0);
}

static void registry(void **state)
{
	struct mmw_paging pg;

	(void)state;
	assert_int_equal(arch->machine, EM_ARM);
	assert_ptr_equal(mmw_arch_by_machine(EM_ARM), arch);
	assert_ptr_equal(mmw_paging_by_name("arm:lpae", &pg), arch);
	assert_int_equal(pg.levels, 3);
	for (const char *const *t = arch->memtypes; *t; t++)
		for (const struct mmw_flag *f = arch->flags; f->name; f++)
			assert_string_not_equal(*t, f->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding), cmocka_unit_test(access_permissions), cmocka_unit_test(any_value),
		cmocka_unit_test(short_memory_types), cmocka_unit_test(long_memory_types),
		cmocka_unit_test(swap_entries),
		cmocka_unit_test(short_flag_names), cmocka_unit_test(long_flag_names), cmocka_unit_test(short_buffers),
		cmocka_unit_test(kernel_listing), cmocka_unit_test(listing_bits), cmocka_unit_test(geometries),
		cmocka_unit_test(registers), cmocka_unit_test(guesses), cmocka_unit_test(kernel_words),
		cmocka_unit_test(layouts), cmocka_unit_test(layouts_unknown), cmocka_unit_test(registry),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RISC-V as tables: what each bit of an entry means at each level. Sections are those of the RISC-V privileged
 * specification 1.12: Sv32 4.3, Sv39 4.4, Sv48 4.5, Sv57 4.6, Svnapot 5, Svpbmt 6.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arch/arch.h"
#include "lib/arch/riscv.h"
#include "lib/base/vec.h"

#define R MMW_KR
#define W MMW_KW
#define X MMW_KX
#define UR MMW_UR
#define UW MMW_UW
#define UX MMW_UX
#define ALL MMW_RIGHTS_ALL
#define N (1ull << 63)
#define NC (1ull << 61)
#define IO (1ull << 62)
/* The PPN field of the frame at a physical address */
#define PPN(pa) ((uint64_t)(pa) >> 2)

enum { PTE, PMD, PUD, P4D, PGD };

static const struct mmw_arch *arch, *narrow;
static struct mmw_paging sv[3], sv32;

static int setup(void **state)
{
	(void)state;
	arch = mmw_arch_by_name("riscv64");
	narrow = mmw_arch_by_name("riscv32");
	assert_non_null(arch);
	assert_non_null(narrow);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(arch->geometry(i, &sv[i]), 1);
	assert_int_equal(narrow->geometry(0, &sv32), 1);
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
	uint32_t variant;
	uint8_t run;
};

/* 4.4.1: all of R, W, X clear makes a pointer, in which U, A, D and 63:54 are reserved. */
static const struct decoded tables[] = {
	{ "pointer", PPN(0x1234000) | 1, PMD, MMW_PTE_TABLE, true, ALL, 0x1234000 },
	{ "pointer", PPN(0x1234000) | 1, PUD, MMW_PTE_TABLE, true, ALL, 0x1234000 },
	{ "pointer", PPN(0x1234000) | 1, P4D, MMW_PTE_TABLE, true, ALL, 0x1234000 },
	{ "pointer", PPN(0x1234000) | 1, PGD, MMW_PTE_TABLE, true, ALL, 0x1234000 },
	{ "pointer in the last level", PPN(0x1234000) | 1, PTE, MMW_PTE_BAD, true, ALL, 0 },
	{ "highest frame", PPN(0x00fffffffffff000) | 1, PMD, MMW_PTE_TABLE, true, ALL, 0x00fffffffffff000 },
	{ "G is for all below", PPN(0x1000) | 0x21, PMD, MMW_PTE_TABLE, true, ALL, 0x1000 },
	{ "software bits", PPN(0x1000) | 0x301, PMD, MMW_PTE_TABLE, true, ALL, 0x1000 },
	{ "U is reserved", PPN(0x1000) | 0x11, PMD, MMW_PTE_BAD, true, ALL, 0 },
	{ "A is reserved", PPN(0x1000) | 0x41, PMD, MMW_PTE_BAD, true, ALL, 0 },
	{ "D is reserved", PPN(0x1000) | 0x81, PMD, MMW_PTE_BAD, true, ALL, 0 },
	{ "bit 54 is reserved", 1ull << 54 | 1, PMD, MMW_PTE_BAD, true, ALL, 0 },
	{ "bit 58 is reserved", 1ull << 58 | 1, PMD, MMW_PTE_BAD, true, ALL, 0 },
	{ "bit 59 is reserved", 1ull << 59 | 1, PMD, MMW_PTE_BAD, true, ALL, 0 },
	{ "bit 60 is reserved", 1ull << 60 | 1, PMD, MMW_PTE_BAD, true, ALL, 0 },
	{ "memory type is reserved", NC | 1, PMD, MMW_PTE_BAD, true, ALL, 0 },
	{ "memory type is reserved", IO | 1, PMD, MMW_PTE_BAD, true, ALL, 0 },
	{ "N is reserved", N | 1, PMD, MMW_PTE_BAD, true, ALL, 0 },
};

/* 4.3.1, table of R, W, X; every other bit by itself. Linux reads and writes user pages with SUM set. */
static const struct decoded small_pages[] = {
	{ "R", PPN(0x1000) | 0x3, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "W alone is reserved", PPN(0x1000) | 0x5, PTE, MMW_PTE_BAD, true, 0, 0 },
	{ "RW", PPN(0x1000) | 0x7, PTE, MMW_PTE_LEAF, true, R | W, 0x1000 },
	{ "X", PPN(0x1000) | 0x9, PTE, MMW_PTE_LEAF, true, X, 0x1000 },
	{ "RX", PPN(0x1000) | 0xb, PTE, MMW_PTE_LEAF, true, R | X, 0x1000 },
	{ "WX is reserved", PPN(0x1000) | 0xd, PTE, MMW_PTE_BAD, true, 0, 0 },
	{ "RWX", PPN(0x1000) | 0xf, PTE, MMW_PTE_LEAF, true, R | W | X, 0x1000 },
	{ "U R", PPN(0x1000) | 0x13, PTE, MMW_PTE_LEAF, true, R | UR, 0x1000 },
	{ "U RW", PPN(0x1000) | 0x17, PTE, MMW_PTE_LEAF, true, R | W | UR | UW, 0x1000 },
	{ "U X is never the kernel's", PPN(0x1000) | 0x19, PTE, MMW_PTE_LEAF, true, UX, 0x1000 },
	{ "U RWX", PPN(0x1000) | 0x1f, PTE, MMW_PTE_LEAF, true, R | W | UR | UW | UX, 0x1000 },
	{ "G", PPN(0x1000) | 0x23, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "A", PPN(0x1000) | 0x43, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "D", PPN(0x1000) | 0x83, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "bit 8", PPN(0x1000) | 0x103, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "bit 9", PPN(0x1000) | 0x203, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "bit 10 is the address", 0x403, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "bit 53 is the address", 1ull << 53 | 3, PTE, MMW_PTE_LEAF, true, R, 1ull << 55 },
	{ "bit 54 is reserved", 1ull << 54 | 3, PTE, MMW_PTE_BAD, true, R, 0 },
	{ "bit 55 is reserved", 1ull << 55 | 3, PTE, MMW_PTE_BAD, true, R, 0 },
	{ "bit 58 is reserved", 1ull << 58 | 3, PTE, MMW_PTE_BAD, true, R, 0 },
	{ "bit 59 is reserved", 1ull << 59 | 3, PTE, MMW_PTE_BAD, true, R, 0 },
	{ "bit 60 is reserved", 1ull << 60 | 3, PTE, MMW_PTE_BAD, true, R, 0 },
	{ "bit 59 is software's", 1ull << 59 | 0x403, PTE, MMW_PTE_LEAF, true, R, 0x1000, RISCV_SVRSW },
	{ "bit 60 is software's", 1ull << 60 | 0x403, PTE, MMW_PTE_LEAF, true, R, 0x1000, RISCV_SVRSW },
	{ "bit 58 is still reserved", 1ull << 58 | 3, PTE, MMW_PTE_BAD, true, R, 0, RISCV_SVRSW },
	{ "shadow stack", PPN(0x1000) | 0x15, PTE, MMW_PTE_LEAF, true, R | UR, 0x1000, RISCV_SHADOW_STACK },
	{ "WX is no shadow stack", PPN(0x1000) | 0xd, PTE, MMW_PTE_BAD, true, 0, 0, RISCV_SHADOW_STACK },
	{ "frame 0", 0x3, PTE, MMW_PTE_LEAF, true, R, 0 },
};

/* 4.3.2 step 6 (misaligned superpages), chapter 5 (N: only 64 KiB, only last level), chapter 6 (3 is reserved). */
static const struct decoded large_and_typed[] = {
	{ "2 MiB", PPN(0x200000) | 0xef, PMD, MMW_PTE_LEAF, true, R | W | X, 0x200000 },
	{ "2 MiB, bit 12 of the address", PPN(0x201000) | 0xef, PMD, MMW_PTE_BAD, true, 0, 0 },
	{ "2 MiB, bit 20 of the address", PPN(0x300000) | 0xef, PMD, MMW_PTE_BAD, true, 0, 0 },
	{ "1 GiB", PPN(0x40000000) | 0xe7, PUD, MMW_PTE_LEAF, true, R | W, 0x40000000 },
	{ "1 GiB, bit 21 of the address", PPN(0x40200000) | 0xe7, PUD, MMW_PTE_BAD, true, 0, 0 },
	{ "512 GiB", PPN(0x8000000000) | 0xe7, P4D, MMW_PTE_LEAF, true, R | W, 0x8000000000 },
	{ "512 GiB, bit 30 of the address", PPN(0x8040000000) | 0xe7, P4D, MMW_PTE_BAD, true, 0, 0 },
	{ "256 TiB", PPN(1ull << 48) | 0xe7, PGD, MMW_PTE_LEAF, true, R | W, 1ull << 48 },
	{ "256 TiB, bit 39 of the address", PPN(1ull << 39) | 0xe7, PGD, MMW_PTE_BAD, true, 0, 0 },
	{ "64 KiB", N | PPN(0x20000) | 8 << 10 | 3, PTE, MMW_PTE_LEAF, true, R, 0x20000, 0, 4 },
	{ "N with 0000", N | PPN(0x20000) | 3, PTE, MMW_PTE_BAD, true, 0, 0 },
	{ "N with 0100", N | PPN(0x20000) | 4 << 10 | 3, PTE, MMW_PTE_BAD, true, 0, 0 },
	{ "N with 1001", N | PPN(0x20000) | 9 << 10 | 3, PTE, MMW_PTE_BAD, true, 0, 0 },
	{ "N with 2 MiB", N | PPN(0x200000) | 3, PMD, MMW_PTE_BAD, true, 0, 0 },
	{ "NC", NC | 0x403, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "IO", IO | 0x403, PTE, MMW_PTE_LEAF, true, R, 0x1000 },
	{ "NC 2 MiB", NC | PPN(0x200000) | 3, PMD, MMW_PTE_LEAF, true, R, 0x200000 },
	{ "type 3", NC | IO | 0x403, PTE, MMW_PTE_BAD, true, 0, 0 },
	{ "T-Head pointer", 14ull << 59 | 0x401, PMD, MMW_PTE_TABLE, true, ALL, 0x1000, RISCV_THEAD },
	{ "T-Head PMA", 14ull << 59 | 0x403, PTE, MMW_PTE_LEAF, true, R, 0x1000, RISCV_THEAD },
	{ "T-Head IO is no NAPOT", 18ull << 59 | PPN(0x8000) | 3, PTE, MMW_PTE_LEAF, true, R, 0x8000, RISCV_THEAD },
	{ "T-Head, bit 58", 1ull << 58 | 0x403, PTE, MMW_PTE_BAD, true, 0, 0, RISCV_THEAD },
};

/* V clear (4.3.1: all else is software's), as Linux uses it (asm/pgtable.h, pgtable-bits.h). */
static const struct decoded not_valid[] = {
	{ "empty", 0, PTE, MMW_PTE_EMPTY, false },
	{ "empty", 0, PMD, MMW_PTE_EMPTY, false },
	{ "empty", 0, PGD, MMW_PTE_EMPTY, false },
	{ "PROT_NONE", PPN(0x1234000) | 0xe2, PTE, MMW_PTE_LEAF, false, R, 0x1234000 },
	{ "PROT_NONE 2 MiB", PPN(0x1200000) | 0xe2, PMD, MMW_PTE_LEAF, false, R, 0x1200000 },
	{ "PROT_NONE 1 GiB", PPN(0x40000000) | 0xe2, PUD, MMW_PTE_LEAF, false, R, 0x40000000 },
	{ "PROT_NONE 64 KiB", N | PPN(0x28000) | 0x22, PTE, MMW_PTE_LEAF, false, R, 0x20000, 0, 4 },
	{ "PROT_NONE of 5.10", PPN(0x1234000) | 0xc2, PTE, MMW_PTE_LEAF, false, R, 0x1234000, RISCV_NONE_READ },
	{ "swap with bit 5 of 5.10", 0x1220, PTE, MMW_PTE_SWAP, false, 0, 0, RISCV_NONE_READ },
	{ "huge page being split", PPN(0x1200000) | 0xd6, PMD, MMW_PTE_LEAF, false, R | W | UR | UW, 0x1200000 },
	{ "swap", 0x12380, PTE, MMW_PTE_SWAP, false },
	{ "swap, exclusive", 0x12340, PTE, MMW_PTE_SWAP, false },
	{ "only bit 1", 0x2, PTE, MMW_PTE_SWAP, false },
	{ "migrating huge page", 0x12380, PMD, MMW_PTE_SWAP, false },
	{ "migrating, soft-dirty", 0x12388, PMD, MMW_PTE_SWAP, false, 0, 0, RISCV_SVRSW },
	{ "migrating huge page of hugetlbfs", 0x12380, PUD, MMW_PTE_SWAP, false },
	{ "rubbish", 0x12380, P4D, MMW_PTE_BAD, false },
	{ "rubbish", 0x20, PGD, MMW_PTE_BAD, false },
};

/* 4.3: PPN of 22 bits, so 34 bits of address. */
static const struct decoded narrow_entries[] = {
	{ "pointer", PPN(0x80123000) | 1, PMD, MMW_PTE_TABLE, true, ALL, 0x80123000 },
	{ "highest", 0xfffffc01, PMD, MMW_PTE_TABLE, true, ALL, 0x3fffff000 },
	{ "D in a pointer", 0xfffffc81, PMD, MMW_PTE_BAD, true, 0, 0 },
	{ "4 KiB", 0x80000403, PTE, MMW_PTE_LEAF, true, R, 0x200001000 },
	{ "4 MiB", PPN(0x80400000) | 0xf, PMD, MMW_PTE_LEAF, true, R | W | X, 0x80400000 },
	{ "4 MiB, bit 21", PPN(0x80200000) | 0xf, PMD, MMW_PTE_BAD, true, 0, 0 },
	{ "W alone", 0x405, PTE, MMW_PTE_BAD, true, 0, 0 },
	{ "pointer in the last level", 0x401, PTE, MMW_PTE_BAD, true, 0, 0 },
	{ "PROT_NONE", 0x422, PTE, MMW_PTE_LEAF, false, R, 0x1000 },
	{ "swap", 0x12380, PTE, MMW_PTE_SWAP, false },
};

static void check_decode(const struct mmw_arch *a, const struct mmw_paging *with, const struct decoded *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct mmw_paging pg = *with;
		struct mmw_pte got;

		if (t[i].level >= pg.levels)
			continue;
		pg.variant = t[i].variant & RISCV_THEAD ? t[i].variant : pg.variant | t[i].variant;
		got = a->decode(&pg, t[i].level, t[i].raw);
		if (got.kind != t[i].kind || got.hw != t[i].hw || (t[i].kind == MMW_PTE_LEAF && got.run != t[i].run) ||
		    (got.run && !got.shared))
			fail_msg("%s (%llx at level %u): kind %d, hw %d, run %u", t[i].what,
				 (unsigned long long)t[i].raw, t[i].level, got.kind, got.hw, got.run);
		if ((t[i].kind == MMW_PTE_LEAF || t[i].kind == MMW_PTE_TABLE) &&
		    (got.rights != t[i].rights || got.pa != t[i].pa))
			fail_msg("%s: rights %x, pa %llx", t[i].what, got.rights, (unsigned long long)got.pa);
	}
}

static void decoding(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		check_decode(arch, &sv[i], tables, mmw_array_len(tables));
		check_decode(arch, &sv[i], small_pages, mmw_array_len(small_pages));
		check_decode(arch, &sv[i], large_and_typed, mmw_array_len(large_and_typed));
		check_decode(arch, &sv[i], not_valid, mmw_array_len(not_valid));
	}
	check_decode(narrow, &sv32, narrow_entries, mmw_array_len(narrow_entries));
}

/* Any value at any level gives one of the kinds, and a frame inside the address field. */
static void any_value(void **state)
{
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct mmw_paging pg = sv[2];
		struct mmw_pte pte;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pg.variant = x >> 40 & 0xff;
		pte = arch->decode(&pg, i % 5, i % 3 ? x : x & 0x3fffff);
		assert_in_range(pte.kind, MMW_PTE_EMPTY, MMW_PTE_BAD);
		assert_int_equal(pte.pa & ~0x00fffffffffff000ull, 0);
		if (pte.kind == MMW_PTE_LEAF)
			assert_int_equal(pte.pa & ((mmw_level_size(&pg, i % 5) << pte.run) - 1), 0);
		assert_true(pte.kind != MMW_PTE_TABLE || (pte.hw && i % 5));
	}
}

/* --- text, types, swap ---------------------------------------------------------------------------------------- */

static void check_flags(uint32_t variant, unsigned level, uint64_t raw, const char *want)
{
	struct mmw_paging pg = sv[1];
	char buf[256];

	pg.variant = variant & RISCV_THEAD ? variant : pg.variant | variant;
	mmw_flags_text(arch, &pg, level, raw, '|', buf, sizeof(buf));
	assert_string_equal(buf, want);
}

static void flag_names(void **state)
{
	(void)state;
	check_flags(0, PTE, 0, "");
	check_flags(0, PMD, 0x401, "VALID");
	check_flags(0, PMD, 0x421, "VALID|GLOBAL");
	check_flags(0, PTE, 0x403, "VALID|READ|PMA");
	check_flags(0, PTE, 0x4ff, "VALID|READ|WRITE|EXEC|USER|GLOBAL|ACCESSED|DIRTY|PMA");
	check_flags(0, PTE, 0x503, "VALID|READ|SPECIAL|PMA");
	check_flags(0, PTE, 0x603, "VALID|READ|RSW1|PMA");
	check_flags(0, PTE, NC | 3, "VALID|READ|PBMT_NC|NC");
	check_flags(0, PTE, IO | 3, "VALID|READ|PBMT_IO|IO");
	check_flags(0, PTE, N | 8 << 10 | 3, "VALID|READ|NAPOT|PMA");
	check_flags(0, PTE, 0x4e2, "PROTNONE|READ|ACCESSED|DIRTY");
	check_flags(RISCV_NONE_READ, PTE, 0x4c2, "PROTNONE|READ|ACCESSED|DIRTY");
	check_flags(RISCV_SVRSW, PTE, 3ull << 59 | 3, "VALID|READ|SOFT_DIRTY|UFFD_WP|PMA");
	check_flags(RISCV_SVRSW, PTE, 0x12398, "SOFT_DIRTY|UFFD_WP");
	check_flags(0, PTE, 0x12398, "");
	check_flags(RISCV_SHADOW_STACK, PTE, 0x415, "VALID|WRITE|USER|SHADOW_STACK|PMA");
	check_flags(RISCV_THEAD, PTE, 14ull << 59 | 3, "VALID|READ|PMA");
	check_flags(RISCV_THEAD, PTE, 6ull << 59 | 3, "VALID|READ|NC");
	check_flags(RISCV_THEAD, PTE, 18ull << 59 | 3, "VALID|READ|IO");
}

/* __swp_type, __swp_offset of asm/pgtable.h in 5.10 (2, 7), 6.1 (6, 11) and 6.12 (7, 12). */
static void swap_entries(void **state)
{
	static const struct { uint32_t variant; unsigned shift; } forms[] = {
		{ RISCV_NONE_READ, 2 }, { RISCV_SWAP_INCLUSIVE, 6 }, { 0, 7 },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(forms); i++) {
		struct mmw_paging pg = sv[0];
		uint64_t offset;
		unsigned type;

		pg.variant |= forms[i].variant;
		arch->swap(&pg, 21ull << forms[i].shift | 0x123456ull << (forms[i].shift + 5), &type, &offset);
		assert_int_equal(type, 21);
		assert_int_equal(offset, 0x123456);
	}
}

/* arch/riscv/mm/ptdump.c, dump_addr() and dump_prot(), of 6.12 and 7.2, and of 6.1. */
static void kernel_listing(void **state)
{
	static const struct { uint32_t variant; unsigned level; uint64_t raw; const char *text; } rows[] = {
		{ 0, PTE, 0x4e7, "PTE .   ..     ..   D A G . . W R V" },
		{ 0, PMD, 0x200000ef, "PMD .   ..     ..   D A G . X W R V" },
		{ 0, PUD, 0x100000e3, "PUD .   ..     ..   D A G . . . R V" },
		{ 0, P4D, 0xe7, "PGD .   ..     ..   D A G . . W R V" },
		{ 0, PTE, IO | 0x5e7, "PTE . MT(IO) RSW(1) D A G . . W R V" },
		{ 0, PTE, N | NC | 0x2303, "PTE N MT(NC) RSW(3) . . . . . . R V" },
		{ 0, PTE, NC | IO | 0x203, "PTE . MT(?" "?) RSW(2) . . . . . . R V" },
		{ 0, PTE, 0, "" },
		{ 0, PTE, 0x123400, "" },
		{ RISCV_PTDUMP_SHORT, PTE, 0x4e7, "PTE     D A G . . W R V" },
		{ RISCV_PTDUMP_SHORT, PTE, IO | 0x5ff, "PTE RSW D A G U X W R V" },
		{ RISCV_PTDUMP_SHORT, PTE, 0x200, "" },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < mmw_array_len(rows); i++) {
		struct mmw_paging pg = sv[1];

		pg.variant |= rows[i].variant;
		arch->ptdump(&pg, rows[i].level, rows[i].raw, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].text);
	}
	assert_int_equal(arch->ptdump_prot(&sv[0], PTE, N | IO | 0x12345e7), N | IO | 0x1e7);
	assert_int_equal(arch->ptdump_rights, 0);
	narrow->ptdump(&sv32, PMD, 0x4e7, buf, sizeof(buf));
	assert_string_equal(buf, "PGD   ..   D A G . . W R V");
}

/* --- geometry, registers, the kernel's own words -------------------------------------------------------------- */

static void geometries(void **state)
{
	static const struct { const char *name; unsigned levels, va_bits; uint64_t gap_last; } want[] = {
		{ "sv39", 3, 39, 0xffffffbfffffffff }, { "sv48", 4, 48, 0xffff7fffffffffff },
		{ "sv57", 5, 57, 0xfeffffffffffffff },
	};
	struct mmw_paging pg;
	uint64_t last;

	(void)state;
	assert_int_equal(arch->geometry(3, &pg), 0);
	assert_int_equal(narrow->geometry(1, &pg), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(sv[i].name, want[i].name);
		assert_int_equal(sv[i].levels, want[i].levels);
		assert_int_equal(sv[i].va_bits, want[i].va_bits);
		assert_int_equal(mmw_table_bytes(&sv[i], want[i].levels - 1), 4096);
		assert_false(mmw_va_served(&sv[i], 1ull << (want[i].va_bits - 1), &last));
		assert_int_equal(last, want[i].gap_last);
		assert_true(mmw_va_served(&sv[i], want[i].gap_last + 1, &last));
	}
	assert_string_equal(sv32.name, "sv32");
	assert_int_equal(sv32.va_bits, 32);
	assert_int_equal(mmw_level_size(&sv32, 1), 4 << 20);
	assert_int_equal(mmw_table_bytes(&sv32, 1), 4096);
	assert_false(mmw_va_served(&sv32, 1ull << 32, &last));
	assert_ptr_equal(mmw_paging_by_name("sv48", &pg), arch);
}

/* 4.1.11: mode, ASID, PPN. */
static void registers(void **state)
{
	static const struct { uint64_t satp; int roots; unsigned levels; uint64_t root; } rows[] = {
		{ 0x8000000000080207, 1, 3, 0x80207000 }, { 0x9000000000082507, 1, 4, 0x82507000 },
		{ 0xaffff00000082507, 1, 5, 0x82507000 }, { 0x80000fffffffffff, 1, 3, 0x00fffffffffff000 },
		{ 0, 0, 0, 0 }, { 0x7000000000082507, 0, 0, 0 }, { 0xb000000000082507, 0, 0, 0 },
		{ 0x80080207, 0, 0, 0 },
	};
	uint64_t roots[MMW_ROOTS_MAX];
	struct mmw_paging pg;
	struct mmw_cpu cpu = { .known = 1u << MMW_REG_SATP };

	(void)state;
	for (size_t i = 0; i < mmw_array_len(rows); i++) {
		cpu.reg[MMW_REG_SATP] = rows[i].satp;
		assert_int_equal(arch->from_cpu(&cpu, &pg, roots), rows[i].roots);
		if (!rows[i].roots)
			continue;
		assert_int_equal(pg.levels, rows[i].levels);
		assert_int_equal(roots[0], rows[i].root);
		assert_int_equal(narrow->from_cpu(&cpu, &pg, roots), 0);
	}
	cpu.reg[MMW_REG_SATP] = 0xffc80207;  /* 31 mode, 30:22 ASID */
	assert_int_equal(narrow->from_cpu(&cpu, &pg, roots), 1);
	assert_int_equal(roots[0], 0x80207000);
	cpu.known = 0;
	assert_int_equal(arch->from_cpu(&cpu, &pg, roots), 0);
	assert_int_equal(narrow->from_cpu(&cpu, &pg, roots), 0);
}

/* What a kernel says: numbers, symbols with their addresses, variables with their values. */
struct word {
	const char *name;
	uint64_t value;
};

struct kernel {
	struct word numbers[12], symbols[24], variables[40];
	uint64_t delta, ram;
};

static int find_word(const struct word *w, size_t n, const char *name, uint64_t *out)
{
	for (size_t i = 0; i < n && w[i].name; i++) {
		if (strcmp(w[i].name, name))
			continue;
		*out = w[i].value;
		return 0;
	}
	return -MMW_E_NOSYM;
}

static int ask_number(void *ctx, const char *key, uint64_t *out)
{
	return find_word(((struct kernel *)ctx)->numbers, 12, key, out);
}

static int ask_symbol(void *ctx, const char *name, uint64_t *va)
{
	return find_word(((struct kernel *)ctx)->symbols, 24, name, va);
}

static int ask_variable(void *ctx, const char *name, unsigned size, uint64_t *out)
{
	(void)size;
	return find_word(((struct kernel *)ctx)->variables, 40, name, out);
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
	*delta = ((struct kernel *)ctx)->delta;
	return *delta ? 0 : -MMW_E_NOSYM;
}

static int ask_ram(void *ctx, uint64_t *pa)
{
	*pa = ((struct kernel *)ctx)->ram;
	return *pa ? 0 : -MMW_E_NODATA;
}

static struct mmw_hints hints_of(struct kernel *k)
{
	return (struct mmw_hints){ k, ask_number, ask_symbol, ask_variable, ask_enumerator, ask_delta, ask_ram };
}

/* Debian's 7.2.13 with Sv48, and the same without VMCOREINFO. */
#define LINK 0xffffffff80000000ull
#define OFFSET72 0xfffffffeffe00000ull

static const struct kernel debian72 = {
	.numbers = { { "satp", 0x9000000000082507 }, { "va_kernel_pa_offset", OFFSET72 }, { "VA_BITS", 48 },
		     { "PAGE_OFFSET", 0xffffaf8000000000 }, { "phys_ram_base", 0x80000000 } },
	.symbols = { { "_start", LINK }, { "swapper_pg_dir", 0xffffffff82307000 }, { "_end", 0xffffffff82600000 },
		     { "_text", LINK + 0x2000 }, { "_etext", LINK + 0xe00000 }, { "kernel_map", 0xffffffff82000000 } },
	.delta = OFFSET72,
};

static void kernel_words(void **state)
{
	struct kernel k = debian72;
	struct mmw_hints h = hints_of(&k);
	struct mmw_paging pg = sv[1];
	uint64_t delta, root;

	(void)state;
	assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), 0);
	assert_int_equal(delta, OFFSET72);
	assert_int_equal(arch->find_delta(&h, 1, &delta, NULL), -MMW_E_NOSYM);
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
	assert_int_equal(root, 0x82507000);
	assert_int_equal(pg.variant, RISCV_STANDARD);
	assert_true(arch->from_kernel(&h, &sv[0], &root, NULL) < 0);
	assert_true(arch->from_kernel(&h, &sv[2], &root, NULL) < 0);
	k.delta = 0;
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), -MMW_E_NOSYM);
	memset(&k, 0, sizeof(k));
	assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), -MMW_E_NOSYM);
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), -MMW_E_NOSYM);
}

/* Each source of the mode by itself; with none, every geometry may be the kernel's. */
static void kernel_modes(void **state)
{
	static const struct { struct word number, v1, v2; unsigned only; } rows[] = {
		{ { "VA_BITS", 39 }, { 0 }, { 0 }, 3 }, { { "VA_BITS", 57 }, { 0 }, { 0 }, 5 },
		{ { "satp", 0xa000000000000001 }, { 0 }, { 0 }, 5 },
		{ { "-", 0 }, { "satp_mode", 8ull << 60 }, { 0 }, 3 },
		{ { "-", 0 }, { "pgtable_l5_enabled", 0 }, { "pgtable_l4_enabled", 1 }, 4 },
		{ { "-", 0 }, { "pgtable_l5_enabled", 0 }, { "pgtable_l4_enabled", 0 }, 3 },
		{ { "-", 0 }, { "pgtable_l5_enabled", 1 }, { "pgtable_l4_enabled", 1 }, 5 },
		{ { "-", 0 }, { 0 }, { 0 }, 0 },
	};
	uint64_t root;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(rows); i++) {
		struct kernel k = { .numbers = { rows[i].number }, .variables = { rows[i].v1, rows[i].v2 },
				    .symbols = { { "swapper_pg_dir", LINK } }, .delta = OFFSET72 };
		struct mmw_hints h = hints_of(&k);

		for (unsigned g = 0; g < 3; g++) {
			struct mmw_paging pg = sv[g];
			bool may = !rows[i].only || rows[i].only == pg.levels;

			assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL) == 0, may);
		}
	}
}

/* struct kernel_mapping of 6.12, 7.2 and 6.1, and the shorter one before: the offset is found in each, and first. */
static void kernel_map_orders(void **state)
{
	static const uint64_t orders[][7] = {
		{ 0xffffffd600000000, LINK, 0, 0x80200000, 0x2600000, 0xffffffd580000000, OFFSET72 },
		{ LINK, 0, 0x80200000, 0x2600000, 0xffffffd580000000, 0xffffffd600000000, OFFSET72 },
		{ 0xffffffd800000000, LINK, 0x80200000, 0x2600000, 0xffffffd77fe00000, OFFSET72, 0 },
		{ LINK, 0x80200000, 0x2600000, 0xffffffd77fe00000, OFFSET72, 0, 0 },
	};
	static const char *const at[] = { "kernel_map+0", "kernel_map+8", "kernel_map+16", "kernel_map+24",
					  "kernel_map+32", "kernel_map+40", "kernel_map+48" };
	uint64_t delta;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(orders); i++) {
		struct kernel k = { .symbols = { { "_start", LINK } } };
		struct mmw_hints h = hints_of(&k);
		struct riscv_map map;

		for (unsigned w = 0; w < 7; w++)
			k.variables[w] = (struct word){ at[w], orders[i][w] };
		assert_true(mmw_riscv_map(&h, 8, &map));
		assert_int_equal(map.image_delta, OFFSET72);
		assert_int_equal(map.linear_delta >> 32 & 0xff, i < 2 ? 0xd5 : 0xd7);
		assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), 0);
		assert_int_equal(delta, OFFSET72);
	}
}

/* Without anything else, the image is where firmware leaves it: 2 MiB into memory, or at its start. */
static void ram_guesses(void **state)
{
	struct kernel k = { .symbols = { { "_start", LINK } }, .ram = 0x80000000 };
	struct mmw_hints h = hints_of(&k);
	uint64_t delta;

	(void)state;
	assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), 0);
	assert_int_equal(LINK - delta, 0x80200000);
	assert_int_equal(arch->find_delta(&h, 1, &delta, NULL), 0);
	assert_int_equal(LINK - delta, 0x80000000);
	assert_int_equal(arch->find_delta(&h, 2, &delta, NULL), -MMW_E_NOSYM);
}

static void variants(void **state)
{
	static const struct { struct word symbol, variable; uint32_t want; } rows[] = {
		{ { "kernel_map", 1 }, { 0 }, RISCV_STANDARD },
		{ { "va_pa_offset", 1 }, { 0 }, RISCV_STANDARD | RISCV_NONE_READ | RISCV_PTDUMP_SHORT },
		{ { "riscv_pfn_base", 1 }, { "pte_bits", 0x100 },
		  RISCV_STANDARD | RISCV_SWAP_INCLUSIVE | RISCV_PTDUMP_SHORT },
		{ { "kernel_map", 1 }, { "pte_bits", N }, RISCV_STANDARD },
		{ { "kernel_map", 1 }, { "riscv_isa+8", 1ull << 36 }, RISCV_STANDARD | RISCV_SVRSW },
		{ { "kernel_map", 1 }, { "riscv_isa+8", 1ull << 41 }, RISCV_STANDARD | RISCV_SHADOW_STACK },
		{ { "kernel_map", 1 }, { "swapper_pg_dir+4088", 14ull << 59 | 0x20480001 }, RISCV_THEAD },
		{ { "kernel_map", 1 }, { "swapper_pg_dir+4080", 14ull << 59 | 0x20480001 }, RISCV_THEAD },
		{ { "kernel_map", 1 }, { "swapper_pg_dir+4088", 0x20480001 }, RISCV_STANDARD },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(rows); i++) {
		struct kernel k = { .symbols = { { "swapper_pg_dir", LINK }, rows[i].symbol },
				    .variables = { rows[i].variable }, .delta = OFFSET72 };
		struct mmw_hints h = hints_of(&k);
		struct mmw_paging pg = sv[0];
		uint64_t root;

		assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
		assert_int_equal(pg.variant, rows[i].want);
	}
}

/* --- layout --------------------------------------------------------------------------------------------------- */

static void check_order(const struct mmw_layout *l)
{
	assert_true(l->n_regions > 5);
	for (size_t i = 0; i < l->n_regions; i++) {
		assert_true(l->regions[i].first <= l->regions[i].last);
		assert_true(!i || l->regions[i].first > l->regions[i - 1].last);
	}
	for (size_t i = 1; i < l->n_markers; i++)
		assert_true(l->markers[i].start >= l->markers[i - 1].start);
}

static void region_is(const struct mmw_layout *l, uint64_t first, uint64_t last, const char *name)
{
	const struct mmw_region *r = mmw_layout_find(l, first);

	assert_non_null(r);
	assert_string_equal(r->name, name);
	assert_int_equal(r->first, first);
	assert_int_equal(r->last, last);
}

/* Documentation/arch/riscv/vm-layout.rst: the tables of Sv39, Sv48 and Sv57. */
static void layouts(void **state)
{
	static const struct { uint64_t user, fixmap, pci, vmemmap, vmalloc, linear, linear_last; } want[] = {
		{ 0x3fffffffff, 0xffffffc4fea00000, 0xffffffc4ff000000, 0xffffffc500000000, 0xffffffc600000000,
		  0xffffffd600000000, 0xfffffff5ffffffff },
		{ 0x7fffffffffff, 0xffff8d7ffea00000, 0xffff8d7fff000000, 0xffff8d8000000000, 0xffff8f8000000000,
		  0xffffaf8000000000, 0xffffef7fffffffff },
		{ 0xffffffffffffff, 0xff1bfffffea00000, 0xff1bffffff000000, 0xff1c000000000000, 0xff20000000000000,
		  0xff60000000000000, 0xffdfffffffffffff },
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct kernel k = debian72;
		struct mmw_hints h = hints_of(&k);
		struct mmw_layout l = { 0 };

		k.numbers[3].value = want[i].linear;
		arch->layout(&h, &sv[i], &l);
		check_order(&l);
		region_is(&l, 0, want[i].user, "user space");
		region_is(&l, want[i].fixmap, want[i].pci - 1, "fixmap");
		region_is(&l, want[i].pci, want[i].vmemmap - 1, "PCI I/O");
		region_is(&l, want[i].vmemmap, want[i].vmalloc - 1, "vmemmap");
		region_is(&l, want[i].vmalloc, want[i].linear - 1, "vmalloc");
		region_is(&l, want[i].linear, want[i].linear_last, "linear map");
		assert_true(mmw_layout_find(&l, want[i].linear)->linear);
		assert_int_equal(mmw_layout_find(&l, want[i].linear)->delta, want[i].linear - 0x80000000);
		region_is(&l, 0xffffffff02600000, LINK - 1, "modules");
		region_is(&l, LINK + 0x2000, LINK + 0xdfffff, "kernel text");
		assert_int_equal(mmw_layout_find(&l, LINK)->delta, OFFSET72);
		assert_int_equal(l.n_markers, 11);
		assert_string_equal(l.markers[0].name, "Fixmap start");
		assert_string_equal(l.markers[10].name, "Kernel mapping");
		assert_int_equal(l.markers[10].start, LINK);
		assert_int_equal(l.spans[0].first, ~want[i].user);
		k.numbers[3].name = "-";  /* the default of the mode */
		memset(&l, 0, sizeof(l));
		arch->layout(&h, &sv[i], &l);
		assert_string_equal(mmw_layout_find(&l, want[i].linear)->name, "linear map");
	}
}

/* The kernel's own table goes before what was computed: here the fixmap is larger, and there is no vmemmap. */
static void layout_of_markers(void **state)
{
	static const uint64_t starts[] = { 0xffff8d7ffe800000, 0xffff8d7fff000000, 0xffff8d7fff000000,
					   0xffff8d8000000000, 0xffff8f8000000000, 0xffffaf8000000000,
					   0xffffaf8000000000, 0xffffffff02600000, LINK, UINT64_MAX };
	static char names[10][32];
	struct kernel k = debian72;
	struct mmw_hints h = hints_of(&k);
	struct mmw_layout l = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(names[i], sizeof(names[i]), "address_markers+%u", 16 * i);
		k.variables[i] = (struct word){ names[i], starts[i] };
	}
	arch->layout(&h, &sv[1], &l);
	check_order(&l);
	region_is(&l, 0xffff8d7ffe800000, 0xffff8d7ffeffffff, "fixmap");
	assert_int_equal(l.n_markers, 9);
	assert_string_equal(l.markers[4].name, "vmalloc() area");
	k.variables[0].value = 0;  /* before ptdump_init: nothing is filled in */
	memset(&l, 0, sizeof(l));
	arch->layout(&h, &sv[1], &l);
	region_is(&l, 0xffff8d7ffea00000, 0xffff8d7ffeffffff, "fixmap");
}

/* 5.10: the image is in the linear map, and ends of areas are their last addresses. */
static void layout_before_kernel_map(void **state)
{
	struct kernel k = { .symbols = { { "_start", 0xffffffe000000000 }, { "va_pa_offset", 0xffffffe001000000 } },
			    .variables = { { "va_pa_offset", 0xffffffdf7fe00000 } }, .delta = 0xffffffdf7fe00000 };
	struct mmw_hints h = hints_of(&k);
	struct mmw_layout l = { 0 };
	uint64_t delta;

	(void)state;
	assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), 0);
	assert_int_equal(delta, 0xffffffdf7fe00000);
	assert_true(arch->image_first <= 0xffffffe000000000);
	arch->layout(&h, &sv[0], &l);
	check_order(&l);
	region_is(&l, 0xffffffd000000000, 0xffffffdfffffffff, "vmalloc");
	region_is(&l, 0xffffffcf00000000, 0xffffffcfffffffff, "vmemmap");
	region_is(&l, 0xffffffcefee00000, 0xffffffcefeffffff, "fixmap");
	region_is(&l, 0xffffffe000000000, UINT64_MAX, "linear map");
	assert_int_equal(l.n_markers, 9);
	assert_int_equal(l.markers[7].start, 0xffffffdfffffffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding), cmocka_unit_test(any_value), cmocka_unit_test(flag_names),
		cmocka_unit_test(swap_entries), cmocka_unit_test(kernel_listing), cmocka_unit_test(geometries),
		cmocka_unit_test(registers), cmocka_unit_test(kernel_words), cmocka_unit_test(kernel_modes),
		cmocka_unit_test(kernel_map_orders), cmocka_unit_test(ram_guesses), cmocka_unit_test(variants),
		cmocka_unit_test(layouts), cmocka_unit_test(layout_of_markers),
		cmocka_unit_test(layout_before_kernel_map),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

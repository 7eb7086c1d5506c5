/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arm64 entries bit by bit (Arm ARM DDI 0487 section D8.3), geometries, and what a kernel's words make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/entries.h"

enum { PTE, PMD, PUD, P4D };

#define BIT(n) (1ull << (n))
#define KRX    (MMW_KR | MMW_KX)
#define KRWX   (KRX | MMW_KW)
#define NX     (BIT(53) | BIT(54))
#define NEW    8  /* variants: arm64.c */
#define EXCL   16

static const struct mmw_arch *arch;

static void check(const char *name, uint32_t variant, const struct row *rows, size_t n)
{
	struct mmw_paging pg;

	arch = mmw_paging_by_name(name, &pg);
	assert_non_null(arch);
	pg.variant |= variant;
	pg.attrs = 0x40044ffff;
	check_rows(arch, &pg, rows, n);
}

/* D8.3.1 table descriptors; D8.4.1 hierarchical permissions. */
static void tables(void **state)
{
	static const struct row rows[] = {
		{ PMD, 0x5003, T, 0x5000, 63, 0, "VALID" },
		{ P4D, 0x5403, T, 0x5000, 63, 0, "VALID|AF" },
		{ PUD, 0x5003 | BIT(59), T, 0x5000, 63 & ~MMW_KX, 0, "VALID|PXNTABLE" },
		{ PUD, 0x5003 | BIT(60), T, 0x5000, 63 & ~MMW_UX, 0, "VALID|UXNTABLE" },
		{ PUD, 0x5003 | BIT(61), T, 0x5000, 63 & ~(MMW_UR | MMW_UW), 0, "VALID|APTABLE_NO_USER" },
		{ PUD, 0x5003 | BIT(62), T, 0x5000, 63 & ~(MMW_KW | MMW_UW), 0, "VALID|APTABLE_RDONLY" },
		{ PUD, 0x5003 | BIT(63), T, 0x5000, 63, 0, "VALID|NSTABLE" },
		{ P4D, 0x5001, B, 0, 0, 0, NULL },
		{ PTE, 0x5001, B, 0, 0, 0, NULL },
	};

	(void)state;
	check("4k-48", 0, rows, mmw_array_len(rows));
}

/* D8.3.2 and D8.4 page and block descriptors. */
static void leaves(void **state)
{
	static const struct row rows[] = {
		{ PTE, 0x7003, L, 0x7000, KRWX | MMW_UX, 0, "VALID|NORMAL" },
		{ PTE, 0x7003 | NX, L, 0x7000, 3, 0, "VALID|PXN|UXN|NORMAL" },
		{ PTE, 0x7083 | NX, L, 0x7000, 1, 0, "VALID|RDONLY|PXN|UXN|NORMAL" },
		{ PTE, 0x7083 | NX | BIT(51), L, 0x7000, 3, 0, "VALID|RDONLY|DBM|PXN|UXN|NORMAL" },
		{ PTE, 0x7043 | NX, L, 0x7000, 3 | 3 << 3, 0, "VALID|USER|PXN|UXN|NORMAL" },
		{ PTE, 0x70c3 | BIT(53), L, 0x7000, 1 | 5 << 3, 0, "VALID|USER|RDONLY|PXN|NORMAL" },
		{ PTE, 0x7043 | BIT(54), L, 0x7000, 3 | 3 << 3, 0, "VALID|USER|UXN|NORMAL" },
		{ PTE, 0x7007 | NX, L, 0x7000, 3, 0, "VALID|PXN|UXN|NORMAL_TAGGED" },
		{ PTE, 0x700b | NX, L, 0x7000, 3, 0, "VALID|PXN|UXN|NORMAL_NC" },
		{ PTE, 0x700f | NX, L, 0x7000, 3, 0, "VALID|PXN|UXN|DEVICE_nGnRnE" },
		{ PTE, 0x7013 | NX, L, 0x7000, 3, 0, "VALID|PXN|UXN|DEVICE_nGnRE" },
		{ PTE, 0x7023 | NX, L, 0x7000, 3, 0, "VALID|NS|PXN|UXN|NORMAL" },
		{ PTE, 0x7203 | NX, L, 0x7000, 3, 0, "VALID|SH_OUTER|PXN|UXN|NORMAL" },
		{ PTE, 0x7303 | NX, L, 0x7000, 3, 0, "VALID|SH_INNER|PXN|UXN|NORMAL" },
		{ PTE, 0x7403 | NX, L, 0x7000, 3, 0, "VALID|AF|PXN|UXN|NORMAL" },
		{ PTE, 0x7803 | NX, L, 0x7000, 3, 0, "VALID|NG|PXN|UXN|NORMAL" },
		{ PTE, 0x7003 | NX | BIT(50), L, 0x7000, 3, 0, "VALID|GP|PXN|UXN|NORMAL" },
		{ PTE, 0x7003 | NX | BIT(52), L, 0x7000, 3, 4, "VALID|CONT|PXN|UXN|NORMAL" },
		{ PTE, 0x7003 | NX | 7ull << 55, L, 0x7000, 3, 0, "VALID|PXN|UXN|DIRTY|SPECIAL|DEVMAP|NORMAL" },
		{ PMD, 0x600701 | NX, L, 0x600000, 3, 0, "VALID|BLOCK|SH_INNER|AF|PXN|UXN|NORMAL" },
		{ PMD, 0x610701 | NX, L, 0x600000, 3, 0, "VALID|BLOCK|SH_INNER|AF|NT|PXN|UXN|NORMAL" },
		{ PMD, 0x601701 | NX, B, 0, 0, 0, NULL },
		{ PUD, 0x40000701 | NX, L, 0x40000000, 3, 0, NULL },
		{ P4D, 0x8000000701 | NX, B, 0, 0, 0, NULL },
	};

	(void)state;
	check("4k-48", 0, rows, mmw_array_len(rows));
}

/* D8.3: where each granule may have blocks, and how it spells 52-bit addresses. */
static void granules(void **state)
{
	static const struct row lpa2[] = {
		{ PTE, 0x7303 | NX, L, 0xc000000007000, 3, 0, "VALID|PXN|UXN|NORMAL" },
		{ PTE, 0x0003000000007003 | NX, L, 0x3000000007000, 3, 0, NULL },
		{ P4D, 0x8000000001 | NX, L, 0x8000000000, 3, 0, NULL },
	};
	static const struct row k16[] = {
		{ PTE, 0xc003 | NX | BIT(52), L, 0xc000, 3, 7, NULL },
		{ PMD, 0x2000001 | NX | BIT(52), L, 0x2000000, 3, 5, NULL },
		{ PUD, 0x1000000001 | NX, B, 0, 0, 0, NULL },
	};
	static const struct row k64[] = {
		{ PTE, 0x13003 | NX | BIT(52), L, 0x3000000010000, 3, 5, NULL },
		{ PMD, 0x20000001 | NX, L, 0x20000000, 3, 0, NULL },
		{ PUD, 0x40000000001 | NX, L, 0x40000000000, 3, 0, NULL },
	};

	(void)state;
	check("4k-52", 0, lpa2, mmw_array_len(lpa2));
	check("16k-47", 0, k16, mmw_array_len(k16));
	check("64k-52", 0, k64, mmw_array_len(k64));
}

/* pgtable-prot.h: PROT_NONE by bit 58 up to 6.9, by bit 11 since. */
static void not_valid(void **state)
{
	static const struct row old[] = {
		{ PTE, 0, E, 0, 0, 0, "" },
		{ PTE, 0x7000 | NX | BIT(58), L, 0x7000, 3, 0, "PROTNONE|PXN|UXN" },
		{ PMD, 0x600000 | NX | BIT(59), L, 0x600000, 3, 0, NULL },
		{ PTE, 0x7000, S, 0, 0, 0, "" },
		{ PMD, 0x7000, S, 0, 0, 0, "" },
	};
	static const struct row new[] = {
		{ PTE, 0x7800 | NX, L, 0x7000, 3, 0, "PROTNONE|PXN|UXN" },
		{ PTE, 0x7000 | BIT(58), S, 0, 0, 0, "" },
		{ PTE, 0x7003 | NX | BIT(58), L, 0x7000, 3, 0, "VALID|PXN|UXN|UFFD_WP|NORMAL" },
	};

	(void)state;
	check("4k-48", 0, old, mmw_array_len(old));
	check("4k-48", NEW, new, mmw_array_len(new));
}

static void swap_entries(void **state)
{
	static const struct { uint32_t variant; uint64_t raw; } known[] = {
		{ 0, 5ull << 2 | 0x1234ull << 8 }, { EXCL, 5ull << 3 | 0x1234ull << 8 | 4 },
		{ NEW, 5ull << 6 | 0x1234ull << 12 | 4 },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(known); i++) {
		struct mmw_paging pg = { .variant = known[i].variant };
		uint64_t offset;
		unsigned type;

		arch->swap(&pg, known[i].raw, &type, &offset);
		assert_int_equal(type, 5);
		assert_int_equal(offset, 0x1234);
	}
}

static void geometries(void **state)
{
	static const struct { const char *name; unsigned levels, root_bits; } known[] = {
		{ "4k-39", 3, 9 }, { "4k-48", 4, 9 }, { "4k-52", 5, 4 }, { "16k-36", 2, 11 },
		{ "16k-47", 3, 11 }, { "16k-48", 4, 1 },
		{ "16k-52", 4, 5 }, { "64k-42", 2, 13 }, { "64k-48", 3, 6 }, { "64k-52", 3, 10 },
	};
	struct mmw_cpu cpu = { .known = 1u << MMW_REG_TTBR1 | 1u << MMW_REG_TCR };
	uint64_t roots[MMW_ROOTS_MAX];
	struct mmw_paging pg;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(known); i++) {
		assert_ptr_equal(mmw_paging_by_name(known[i].name, &pg), arch);
		assert_int_equal(pg.levels, known[i].levels);
		assert_int_equal(pg.bits[pg.levels - 1], known[i].root_bits);
	}
	/* As Debian's 6.1 had them. */
	cpu.reg[MMW_REG_TTBR1] = 0x48000041853001;
	cpu.reg[MMW_REG_TCR] = 0x15001f5b5503510;
	assert_int_equal(arch->from_cpu(&cpu, &pg, roots), 1);
	assert_string_equal(pg.name, "4k-48");
	assert_int_equal(roots[0], 0x41853000);
	cpu.known = 1u << MMW_REG_TTBR1;
	assert_int_equal(arch->from_cpu(&cpu, &pg, roots), 0);
}

/* A kernel whose __cpu_setup builds MAIR in x17: movz 0xffff, movk 0x44 << 16, movk 4 << 32, msr. */
static int fake_number(void *ctx, const char *key, uint64_t *out)
{
	static const struct { const char *key; uint64_t value; } words[] = {
		{ "PAGESIZE", 4096 }, { "TCR_EL1_T1SZ", 16 }, { "VA_BITS", 52 },
		{ "kimage_voffset", 0xffff800040000000 },
		{ "PHYS_OFFSET", 0xfff1000040000000 },
	};

	(void)ctx;
	for (size_t i = 0; i < mmw_array_len(words); i++) {
		if (!strcmp(words[i].key, key)) {
			*out = words[i].value;
			return 0;
		}
	}
	return -MMW_E_NOSYM;
}

static int fake_symbol(void *ctx, const char *name, uint64_t *va)
{
	(void)ctx;
	*va = 0xffff800081000000;
	return strcmp(name, "swapper_pg_dir") && strcmp(name, "__arm64_sys_mseal") ? -MMW_E_NOSYM : 0;
}

static int fake_variable(void *ctx, const char *name, unsigned size, uint64_t *out)
{
	static const uint32_t code[] = { 0xd503201f, 0xd29ffff1, 0xf2a00891, 0xf2c00091, 0xd518a211 };
	unsigned at;

	(void)ctx;
	if (size != 4 || sscanf(name, "__cpu_setup+%u", &at) != 1 || at / 4 >= mmw_array_len(code))
		return -MMW_E_NOSYM;
	*out = code[at / 4];
	return 0;
}

static int fake_enumerator(void *ctx, const char *type, const char *name, int64_t *out)
{
	(void)ctx;
	(void)type;
	(void)name;
	(void)out;
	return -MMW_E_NOTYPE;
}

static int fake_delta(void *ctx, uint64_t *delta)
{
	return fake_number(ctx, "kimage_voffset", delta);
}

static void kernel_words(void **state)
{
	struct mmw_hints h = { NULL, fake_number, fake_symbol, fake_variable, fake_enumerator, fake_delta, NULL };
	struct mmw_layout layout = { 0 };
	struct mmw_paging pg;
	uint64_t root, delta;

	(void)state;
	mmw_paging_by_name("4k-48", &pg);
	assert_int_equal(arch->find_delta(&h, 0, &delta, NULL), 0);
	assert_int_not_equal(arch->find_delta(&h, 1, &delta, NULL), 0);
	assert_int_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
	assert_int_equal(root, 0x41000000);
	assert_int_equal(pg.attrs, 0x40044ffff);
	assert_true(pg.variant & NEW);
	/* Built for 52 bits, running with 48: PHYS_OFFSET is biased, and the sum comes out right. */
	arch->layout(&h, &pg, &layout);
	assert_int_equal(layout.regions[2].first, 0xffff000000000000);
	assert_int_equal(layout.regions[2].first - layout.regions[2].delta, 0x40000000);
	mmw_paging_by_name("16k-47", &pg);
	assert_int_not_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
	mmw_paging_by_name("4k-52", &pg);
	assert_int_not_equal(arch->from_kernel(&h, &pg, &root, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables), cmocka_unit_test(leaves), cmocka_unit_test(granules),
		cmocka_unit_test(not_valid),
		cmocka_unit_test(swap_entries), cmocka_unit_test(geometries), cmocka_unit_test(kernel_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

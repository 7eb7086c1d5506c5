/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i386 entries bit by bit: two-level (Intel SDM 3A 4.3, tables 4-3 to 4-6) and PAE (4.4, tables 4-7 to 4-11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/entries.h"

enum { PTE, PDE, PDPTE };

#define NX     (1ull << 63)
#define KU(r)  ((r) | (r) << 3)

static const struct mmw_arch *arch;

static void check(const char *name, const struct row *rows, size_t n)
{
	struct mmw_paging pg;

	arch = mmw_paging_by_name(name, &pg);
	assert_non_null(arch);
	check_rows(arch, &pg, rows, n);
}

static void two_level(void **state)
{
	static const struct row rows[] = {
		{ PTE, 0, E, 0, 0, 0, "" },
		{ PTE, 0x60, E, 0, 0, 0, NULL },
		{ PDE, 0x5001, T, 0x5000, 5, 0, "PRESENT" },
		{ PDE, 0x5067, T, 0x5000, KU(7), 0, "PRESENT|RW|USER|ACCESSED" },
		{ PDE, 0x5019, T, 0x5000, 5, 0, "PRESENT|PWT|PCD" },
		{ PTE, 0x7001, L, 0x7000, 5, 0, "PRESENT|WB" },
		{ PTE, 0x7003, L, 0x7000, 7, 0, "PRESENT|RW|WB" },
		{ PTE, 0x7005, L, 0x7000, KU(5), 0, "PRESENT|USER|WB" },
		{ PTE, 0x7009, L, 0x7000, 5, 0, "PRESENT|PWT|WC" },
		{ PTE, 0x7011, L, 0x7000, 5, 0, "PRESENT|PCD|UC-" },
		{ PTE, 0x7061, L, 0x7000, 5, 0, "PRESENT|ACCESSED|DIRTY|WB" },
		{ PTE, 0x7081, L, 0x7000, 5, 0, "PRESENT|PAT|WB" },
		{ PTE, 0x7101, L, 0x7000, 5, 0, "PRESENT|GLOBAL|WB" },
		{ PTE, 0x7e01, L, 0x7000, 5, 0, "PRESENT|SPECIAL|UFFD_WP|SOFT_DIRTY|WB" },
		{ PTE, 0x7100, L, 0x7000, 5, 0, "PROTNONE" },
		{ PTE, 0x7000, S, 0, 0, 0, NULL },
		{ PDE, 0xc00083, L, 0xc00000, 7, 0, "PRESENT|RW|PSE|WB" },
		{ PDE, 0xc01083, L, 0xc00000, 7, 0, "PRESENT|RW|PSE|PAT|WB" },
		{ PDE, 0xc02083, L, 0x100c00000, 7, 0, "PRESENT|RW|PSE|WB" },
		{ PDE, 0xdfe083, L, 0xff00c00000, 7, 0, NULL },
		{ PDE, 0xe00083, B, 0, 0, 0, NULL },
	};

	(void)state;
	check("2-level", rows, mmw_array_len(rows));
}

static void pae(void **state)
{
	static const struct row rows[] = {
		{ PDPTE, 0x5001, T, 0x5000, 63, 0, "PRESENT" },
		{ PDPTE, 0x5021, T, 0x5000, 63, 0, "PRESENT" },
		{ PDPTE, 0x5019, T, 0x5000, 63, 0, "PRESENT|PWT|PCD" },
		{ PDPTE, 0x5003, B, 0, 0, 0, NULL },
		{ PDPTE, 0x5005, B, 0, 0, 0, NULL },
		{ PDPTE, 0x5081, B, 0, 0, 0, NULL },
		{ PDPTE, 0x5001 | NX, B, 0, 0, 0, NULL },
		{ PDE, 0x5067, T, 0x5000, KU(7), 0, "PRESENT|RW|USER|ACCESSED" },
		{ PDE, 0x5067 | NX, T, 0x5000, KU(3), 0, "PRESENT|RW|USER|ACCESSED|NX" },
		{ PDE, 0x2000e3, L, 0x200000, 7, 0, "PRESENT|RW|ACCESSED|DIRTY|PSE|WB" },
		{ PDE, 0x2010e3, L, 0x200000, 7, 0, "PRESENT|RW|ACCESSED|DIRTY|PSE|PAT|WB" },
		{ PDE, 0x2020e3, B, 0, 0, 0, NULL },
		{ PTE, 0x700000163 | NX, L, 0x700000000, 3, 0, "PRESENT|RW|ACCESSED|DIRTY|GLOBAL|NX|WB" },
		{ PTE, (~0x7000ull & 0x000ffffffffff000) | 0x100, L, 0x7000, 5, 0, "PROTNONE" },
		{ PTE, 5ull << 59 | 2, S, 0, 0, 0, NULL },
	};

	(void)state;
	check("pae", rows, mmw_array_len(rows));
}

static void swap_entries(void **state)
{
	struct mmw_paging pg;
	uint64_t offset;
	unsigned type;

	(void)state;
	mmw_paging_by_name("2-level", &pg);
	arch->swap(&pg, 0x1234 << 9 | 3 << 1, &type, &offset);
	assert_int_equal(type, 3);
	assert_int_equal(offset, 0x1234);
	mmw_paging_by_name("pae", &pg);
	arch->swap(&pg, 3ull << 59 | (~0x1234ull & ((1ull << 50) - 1)) << 9, &type, &offset);
	assert_int_equal(type, 3);
	assert_int_equal(offset, 0x1234);
}

/* SDM 3A 4.4.1: the PDPT is 32 bytes, at a multiple of them. A CPU in long mode is none of ours. */
static void registers(void **state)
{
	struct mmw_cpu cpu = { .known = 1u << MMW_REG_CR3 | 1u << MMW_REG_CR4 | 1u << MMW_REG_EFER };
	uint64_t roots[MMW_ROOTS_MAX];
	struct mmw_paging pg;

	(void)state;
	cpu.reg[MMW_REG_CR3] = 0x100b4e0;
	cpu.reg[MMW_REG_CR4] = 0x20;
	assert_int_equal(arch->from_cpu(&cpu, &pg, roots), 2);
	assert_string_equal(pg.name, "pae");
	assert_int_equal(roots[0], 0x100b4e0);
	cpu.reg[MMW_REG_CR3] = 0x9018;
	assert_int_equal(arch->from_cpu(&cpu, &pg, roots), 2);
	assert_int_equal(roots[1], 0x8000);
	cpu.reg[MMW_REG_CR4] = 0;
	assert_int_equal(arch->from_cpu(&cpu, &pg, roots), 1);
	assert_string_equal(pg.name, "2-level");
	assert_int_equal(roots[0], 0x9000);
	cpu.reg[MMW_REG_EFER] = 0x400;
	assert_int_equal(arch->from_cpu(&cpu, &pg, roots), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_level), cmocka_unit_test(pae), cmocka_unit_test(swap_entries),
		cmocka_unit_test(registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

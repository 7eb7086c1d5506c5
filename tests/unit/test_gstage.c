/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/arch/gstage.c: the second stage of RISC-V's hypervisor extension. Sections are those of the privileged
 * specification 1.12, chapter 8: 8.5.1 guest physical address translation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/arch/arch.h"
#include "lib/base/vec.h"

#define RW (MMW_KR | MMW_KW | MMW_UR | MMW_UW)

static const struct mmw_arch *arch;

static int setup(void **state)
{
	(void)state;
	arch = mmw_arch_by_name("gstage");
	assert_non_null(arch);
	return 0;
}

/* The root has two more index bits than a table: 16 KiB. */
static void geometries(void **state)
{
	static const struct { const char *name; unsigned levels, va_bits; } want[] = {
		{ "sv39x4", 3, 41 }, { "sv48x4", 4, 50 }, { "sv57x4", 5, 59 },
	};
	struct mmw_paging pg;
	uint64_t last;

	(void)state;
	for (unsigned i = 0; i < mmw_array_len(want); i++) {
		assert_int_equal(arch->geometry(i, &pg), 1);
		assert_string_equal(pg.name, want[i].name);
		assert_int_equal(pg.levels, want[i].levels);
		assert_int_equal(pg.va_bits, want[i].va_bits);
		assert_int_equal(mmw_level_shift(&pg, pg.levels - 1) + 11, want[i].va_bits);
		assert_int_equal(mmw_table_bytes(&pg, pg.levels - 1), 16384);
		assert_int_equal(mmw_table_bytes(&pg, 0), 4096);
		assert_true(mmw_va_served(&pg, (1ull << want[i].va_bits) - 1, &last));
		assert_false(mmw_va_served(&pg, 1ull << want[i].va_bits, &last));
		assert_ptr_equal(mmw_paging_by_name(want[i].name, &pg), arch);
	}
	assert_int_equal(arch->geometry(3, &pg), 0);
	assert_null(arch->from_kernel);
	assert_int_equal(arch->machine, 0);
}

/* Entries are those of the first stage; every access is a user's, so U decides for the whole guest. */
static void decoding(void **state)
{
	static const struct {
		uint64_t raw;
		unsigned level;
		enum mmw_pte_kind kind;
		uint8_t rights;
		uint64_t pa;
	} rows[] = {
		{ 0, 0, MMW_PTE_EMPTY, 0, 0 },
		{ 0x401, 2, MMW_PTE_TABLE, MMW_RIGHTS_ALL, 0x1000 },
		{ 0x401, 0, MMW_PTE_BAD, 0, 0 },
		{ 0x441, 2, MMW_PTE_BAD, 0, 0 },
		{ 0x417, 0, MMW_PTE_LEAF, RW, 0x1000 },
		{ 0x41f, 0, MMW_PTE_LEAF, MMW_RIGHTS_ALL, 0x1000 },
		{ 0x407, 0, MMW_PTE_LEAF, 0, 0x1000 },
		{ 0x415, 0, MMW_PTE_BAD, 0, 0 },
		{ 0x80017, 1, MMW_PTE_LEAF, RW, 0x200000 },
		{ 0x80417, 1, MMW_PTE_BAD, 0, 0 },
		{ 0x80000000008017, 0, MMW_PTE_BAD, 0, 0 },
		{ 1ull << 63 | 0x2017, 0, MMW_PTE_LEAF, RW, 0 },
		{ 3ull << 61 | 0x417, 0, MMW_PTE_BAD, 0, 0 },
	};
	struct mmw_paging pg;

	(void)state;
	arch->geometry(0, &pg);
	for (size_t i = 0; i < mmw_array_len(rows); i++) {
		struct mmw_pte got = arch->decode(&pg, rows[i].level, rows[i].raw);

		assert_int_equal(got.kind, rows[i].kind);
		if (got.kind != MMW_PTE_LEAF && got.kind != MMW_PTE_TABLE)
			continue;
		assert_int_equal(got.rights, rows[i].rights);
		assert_int_equal(got.pa, rows[i].pa);
	}
}

/* With V clear nothing else is looked at, and there are no notes of a kernel. */
static void not_valid(void **state)
{
	struct mmw_paging pg;

	(void)state;
	arch->geometry(1, &pg);
	for (unsigned bit = 1; bit < 64; bit++)
		for (unsigned level = 0; level < 4; level++)
			assert_int_equal(arch->decode(&pg, level, 1ull << bit).kind, MMW_PTE_EMPTY);
}

static void flag_names(void **state)
{
	struct mmw_paging pg;
	char buf[128];

	(void)state;
	arch->geometry(0, &pg);
	mmw_flags_text(arch, &pg, 0, 1ull << 62 | 0x4d7, '|', buf, sizeof(buf));
	assert_string_equal(buf, "VALID|READ|WRITE|USER|ACCESSED|DIRTY|PBMT_IO|IO");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometries), cmocka_unit_test(decoding), cmocka_unit_test(not_valid),
		cmocka_unit_test(flag_names),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

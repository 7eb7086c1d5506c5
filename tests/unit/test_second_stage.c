/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of virtual machines: EPT (Intel SDM 3C 29.3.2, tables 29-2 to 29-7), NPT (AMD APM 2 15.25) and arm64 stage 2
 * (Arm ARM D8.3), entry by entry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/entries.h"

enum { PTE, PMD, PUD, TOP };

#define K(r) (r)
#define KU(r) ((r) | (r) << 3)
#define RWX 7
#define XN(n) ((uint64_t)(n) << 53)

static void check(const char *name, const struct row *rows, size_t n)
{
	struct mmw_paging pg;
	const struct mmw_arch *arch = mmw_paging_by_name(name, &pg);

	assert_non_null(arch);
	check_rows(arch, &pg, rows, n);
}

static void ept(void **state)
{
	static const struct row rows[] = {
		{ PTE, 0, E, 0, 0, 0, "" },
		{ PTE, 1ull << 63, E, 0, 0, 0, "" },
		{ TOP, 0x5007, T, 0x5000, 0, 0, "READ|WRITE|EXEC" },
		{ TOP, 0x5107, T, 0x5000, 0, 0, "READ|WRITE|EXEC|ACCESSED" },
		{ TOP, 0x5407, T, 0x5000, 0, 0, "READ|WRITE|EXEC|USER_EXEC" },
		{ TOP, 0x5087, B, 0, 0, 0, NULL },
		{ PMD, 0x500f, B, 0, 0, 0, NULL },
		{ PTE, 0x7031, L, 0x7000, KU(1), 0, "READ|WB" },
		{ PTE, 0x7033, L, 0x7000, KU(3), 0, "READ|WRITE|WB" },
		{ PTE, 0x7034, L, 0x7000, KU(4), 0, "EXEC|WB" },
		{ PTE, 0x7032, B, 0, 0, 0, NULL },
		{ PTE, 0x7001, L, 0x7000, KU(1), 0, "READ|UC" },
		{ PTE, 0x7009, L, 0x7000, KU(1), 0, "READ|WC" },
		{ PTE, 0x7011, B, 0, 0, 0, NULL },
		{ PTE, 0x7019, B, 0, 0, 0, NULL },
		{ PTE, 0x7021, L, 0x7000, KU(1), 0, "READ|WT" },
		{ PTE, 0x7029, L, 0x7000, KU(1), 0, "READ|WP" },
		{ PTE, 0x7039, B, 0, 0, 0, NULL },
		{ PTE, 0x7071, L, 0x7000, KU(1), 0, "READ|IGNORE_PAT|WB" },
		{ PTE, 0x7331, L, 0x7000, KU(1), 0, "READ|ACCESSED|DIRTY|WB" },
		{ PTE, 0x7031 | 1ull << 57, L, 0x7000, KU(1), 0, "READ|VERIFY_GUEST_PAGING|WB" },
		{ PTE, 0x7031 | 1ull << 58, L, 0x7000, KU(1), 0, "READ|PAGING_WRITE|WB" },
		{ PTE, 0x7031 | 1ull << 60, L, 0x7000, KU(1), 0, "READ|SHADOW_STACK|WB" },
		{ PTE, 0x7031 | 1ull << 61, L, 0x7000, KU(1), 0, "READ|SUBPAGE_WRITE|WB" },
		{ PTE, 0x7031 | 1ull << 63, L, 0x7000, KU(1), 0, "READ|SUPPRESS_VE|WB" },
		{ PMD, 0x6000b7, L, 0x600000, KU(RWX), 0, "READ|WRITE|EXEC|LARGE|WB" },
		{ PMD, 0x6010b7, B, 0, 0, 0, NULL },
		{ PUD, 0x400000b7, L, 0x40000000, KU(RWX), 0, "READ|WRITE|EXEC|LARGE|WB" },
	};

	(void)state;
	check("ept", rows, mmw_array_len(rows));
	check("ept-5level", rows, mmw_array_len(rows));
}

static void npt(void **state)
{
	static const struct row rows[] = {
		{ PTE, 0, E, 0, 0, 0, "" },
		{ PTE, 0x100, E, 0, 0, 0, NULL },
		{ PTE, 0x7000, E, 0, 0, 0, NULL },
		{ TOP, 0x5007, T, 0x5000, 0, 0, "PRESENT|RW|USER" },
		{ PTE, 0x7007, L, 0x7000, KU(RWX), 0, "PRESENT|RW|USER|WB" },
		{ PTE, 0x7003, L, 0x7000, K(RWX), 0, "PRESENT|RW|WB" },
		{ PTE, 0x7005 | 1ull << 63, L, 0x7000, KU(1), 0, "PRESENT|USER|NX|WB" },
		{ PMD, 0x6000e7, L, 0x600000, KU(RWX), 0, "PRESENT|RW|USER|ACCESSED|DIRTY|PSE|WB" },
	};

	(void)state;
	check("npt", rows, mmw_array_len(rows));
}

static void stage2(void **state)
{
	static const struct row rows[] = {
		{ PTE, 0, E, 0, 0, 0, "" },
		{ PTE, 0x7002, E, 0, 0, 0, "" },
		{ PUD, 0x5003, T, 0x5000, 0, 0, "VALID" },
		{ PTE, 0x7001, B, 0, 0, 0, NULL },
		{ PTE, 0x707f, L, 0x7000, KU(5), 0, "VALID|S2AP_READ|NORMAL" },
		{ PTE, 0x70bf, L, 0x7000, KU(6), 0, "VALID|S2AP_WRITE|NORMAL" },
		{ PTE, 0x70ff, L, 0x7000, KU(7), 0, "VALID|S2AP_READ|S2AP_WRITE|NORMAL" },
		{ PTE, 0x707f | 1ull << 51, L, 0x7000, KU(7), 0, "VALID|S2AP_READ|DBM|NORMAL" },
		{ PTE, 0x707f | XN(1), L, 0x7000, KU(1) | MMW_UX, 0, "VALID|S2AP_READ|XN_KERNEL|NORMAL" },
		{ PTE, 0x707f | XN(2), L, 0x7000, KU(1), 0, "VALID|S2AP_READ|XN|NORMAL" },
		{ PTE, 0x707f | XN(3), L, 0x7000, KU(1) | MMW_KX, 0, "VALID|S2AP_READ|XN_USER|NORMAL" },
		{ PTE, 0x7043, L, 0x7000, KU(5), 0, "VALID|S2AP_READ|DEVICE_nGnRnE" },
		{ PTE, 0x7047, L, 0x7000, KU(5), 0, "VALID|S2AP_READ|DEVICE_nGnRE" },
		{ PTE, 0x7057, L, 0x7000, KU(5), 0, "VALID|S2AP_READ|NORMAL_NC" },
		{ PTE, 0x706b, L, 0x7000, KU(5), 0, "VALID|S2AP_READ|NORMAL_WT" },
		{ PTE, 0x767f, L, 0x7000, KU(5), 0, "VALID|S2AP_READ|SH_OUTER|AF|NORMAL" },
		{ PTE, 0x777f, L, 0x7000, KU(5), 0, "VALID|S2AP_READ|SH_INNER|AF|NORMAL" },
		{ PTE, 0x707f | 1ull << 52, L, 0x7000, KU(5), 4, "VALID|S2AP_READ|CONT|NORMAL" },
		{ PTE, 0x707f | 15ull << 55, L, 0x7000, KU(5), 0,
		  "VALID|S2AP_READ|SW0|SW1|SW2|SW3|NORMAL" },
		{ PMD, 0x60007d, L, 0x600000, KU(5), 0, "VALID|BLOCK|S2AP_READ|NORMAL" },
		{ PMD, 0x60107d, B, 0, 0, 0, NULL },
	};

	(void)state;
	check("stage2-4k-40", rows, mmw_array_len(rows));
	check("stage2-4k-48", rows, mmw_array_len(rows));
}

/* D8.2.2: a root of concatenated tables has up to four more bits than a table. */
static void stage2_roots(void **state)
{
	static const struct { const char *name; unsigned levels, root_bits; } known[] = {
		{ "stage2-4k-40", 3, 10 }, { "stage2-4k-48", 4, 9 }, { "stage2-4k-32", 2, 11 },
		{ "stage2-16k-40", 2, 15 }, { "stage2-64k-42", 2, 13 }, { "stage2-64k-48", 3, 6 },
	};
	struct mmw_paging pg;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(known); i++) {
		assert_non_null(mmw_paging_by_name(known[i].name, &pg));
		assert_int_equal(pg.levels, known[i].levels);
		assert_int_equal(pg.bits[pg.levels - 1], known[i].root_bits);
		assert_int_equal(pg.va_kind, MMW_VA_LOW);
	}
	assert_null(mmw_paging_by_name("stage2-4k-41", &pg));
	assert_non_null(mmw_paging_by_name("arm64:4k-48/low", &pg));
	assert_int_equal(pg.va_kind, MMW_VA_LOW);
	assert_null(mmw_paging_by_name("4k-48/high", &pg));
	assert_null(mmw_paging_by_name("riscv64:4k-48", &pg));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ept), cmocka_unit_test(npt), cmocka_unit_test(stage2), cmocka_unit_test(stage2_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of entries and what each must mean, for the tests of the architecture files. Include after cmocka.h. */
#ifndef MMW_TESTS_ENTRIES_H
#define MMW_TESTS_ENTRIES_H

#include <string.h>

#include "lib/arch/arch.h"
#include "lib/base/vec.h"

enum { E = MMW_PTE_EMPTY, T = MMW_PTE_TABLE, L = MMW_PTE_LEAF, S = MMW_PTE_SWAP, B = MMW_PTE_BAD };

struct row {
	unsigned level;
	uint64_t raw;
	unsigned kind;
	uint64_t pa;          /* tables and leaves */
	uint8_t rights, run;  /* leaves; rights of a table where they are not 0 */
	const char *flags;    /* as mmw_flags_text() names them; NULL: whatever */
};

static void check_rows(const struct mmw_arch *arch, const struct mmw_paging *pg, const struct row *rows, size_t n)
{
	for (const struct row *r = rows; r < rows + n; r++) {
		struct mmw_pte pte = arch->decode(pg, r->level, r->raw);
		unsigned kind = pte.kind;
		char text[256];

		assert_int_equal(kind, r->kind);
		if (kind == L || kind == T)
			assert_int_equal(pte.pa, r->pa);
		if (kind == L || (kind == T && r->rights))
			assert_int_equal(pte.rights, r->rights);
		if (kind == L)
			assert_int_equal(pte.run, r->run);
		mmw_flags_text(arch, pg, r->level, r->raw, '|', text, sizeof(text));
		if (r->flags)
			assert_string_equal(text, r->flags);
	}
}

#endif

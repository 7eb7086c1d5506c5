/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text as a System.map: what is listed is found, by name and by address. */
#include <stdlib.h>
#include <string.h>

#include "lib/sym/symtab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(int holds)
{
	if (!holds)
		abort();
}

static void ask(const struct mmw_symtab *t)
{
	size_t n = mmw_symtab_count(t);
	struct mmw_ksym sym, same;

	for (size_t i = 0; i < n; i++) {
		size_t pos = i;

		promise(!mmw_symtab_at(t, i, &sym, NULL));
		promise(mmw_symtab_by_name(t, sym.name, &pos, &same) && same.addr == sym.addr);
		promise(mmw_symtab_by_addr(t, sym.addr, &same) && same.addr == sym.addr);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mmw_symtab *t;
	struct mmw_ksym sym;

	if (mmw_symtab_text((const char *)data, size, &t, NULL))
		return 0;
	ask(t);
	mmw_symtab_move(t, 0x1000, 0x1000);
	mmw_symtab_by_addr(t, 0x2000, &sym);
	mmw_symtab_move(t, 0x1000, 0);
	ask(t);
	mmw_symtab_close(t);
	return 0;
}

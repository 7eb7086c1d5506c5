/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel with modules (fixtures/recipes/modules.recipe) of which types, list and tables are overwritten: every list
 * ends, and every symbol has a name.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/kernel/module.h"
#include "tests/fuzz/patched.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SYMBOLS_MAX = 1000 };

static struct patched machine = {
	.recipe = MMW_RECIPES "/modules.recipe",
	.windows = {
		{ 0x230000, 0x400 },  /* BTF */
		{ 0x250000, 0x20 },   /* the list's head */
		{ 0x260000, 0x100 },  /* struct module */
		{ 0x261000, 0x100 },
		{ 0x260100, 0x20 },   /* struct mod_kallsyms */
		{ 0x262000, 0x100 },  /* symbols */
		{ 0x262100, 0x100 },  /* names and types */
		{ 0x262200, 0x40 },   /* exports */
	},
};

static int look(void *ctx, const struct mmw_ksym *sym)
{
	size_t *seen = ctx;

	if (!sym->name[0] || !memchr(sym->name, 0, sizeof(sym->name)))
		abort();
	return ++*seen == SYMBOLS_MAX ? -MMW_E_LIMIT : 0;
}

static void ask(struct mmw_kernel *k)
{
	struct mmw_err err = { 0 };
	struct mmw_modules *m = mmw_kernel_modules(k, &err);
	struct mmw_ksym sym;
	uint64_t offset;

	if (!m && err.code)
		exercise_error(-(int)err.code, &err);
	for (size_t i = 0; m && i < mmw_modules_count(m); i++) {
		const struct mmw_module *mod = mmw_module_at(m, i);
		size_t seen = 0;
		int rc = mmw_module_symbols(m, mod, look, &seen, &err);

		if (rc && seen < SYMBOLS_MAX)
			exercise_error(rc, &err);
		for (unsigned p = 0; p < mod->parts; p++)
			mmw_module_symbol_at(m, mod->part[p].base + mod->part[p].size / 2, &sym, &offset);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	patched_run(&machine, data, size, ask);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loaded modules and their symbols (kernel/module/main.c, kallsyms.c; kernel/module.c before 6.0).
 *
 * A module's symbols are its own ELF symbol table as the loader kept it (struct mod_kallsyms). What is read is bounded by
 * the list's length and by the tables' own counts; damaged modules are counted and left out of look-ups.
 */
#ifndef MMW_KERNEL_MODULE_H
#define MMW_KERNEL_MODULE_H

#include "lib/kernel/kernel.h"

enum { MMW_MODULE_NAME_MAX = 64, MMW_MODULE_PARTS = 12, MMW_MODULES_MAX = 4096 };

/* A stretch of memory that is the module's, one for each kind of section. */
struct mmw_module_part {
	uint64_t base, size;
	const char *kind;  /* "text", "data", "rodata", "ro after init", "init text" ...; "" where it is not known */
};

struct mmw_module {
	char name[MMW_MODULE_NAME_MAX];
	uint64_t va;  /* of its struct module */
	struct mmw_module_part part[MMW_MODULE_PARTS];
	unsigned parts;
	/* struct mod_kallsyms; n_symbols counts the empty ones too */
	uint64_t symtab, n_symbols, strtab, typetab;
	uint64_t exports, n_exports;
	enum mmw_code broken;  /* why its symbols cannot be read; MMW_OK */
};

struct mmw_modules;

/* All modules, the newest first, as the kernel's list has them. Fails without a symbol `modules`, or without its types. */
int mmw_modules_open(struct mmw_kernel *k, struct mmw_modules **out, struct mmw_err *err);
void mmw_modules_close(struct mmw_modules *m);  /* NULL is fine */

size_t mmw_modules_count(const struct mmw_modules *m);
const struct mmw_module *mmw_module_at(const struct mmw_modules *m, size_t index);

/* The module that va lies in, or NULL; and which part of it, kind may be NULL. */
const struct mmw_module *mmw_module_of(const struct mmw_modules *m, uint64_t va, const char **kind);

/*
 * Visit the symbols of a module in the order of its table, with the type letters /proc/kallsyms prints. A result of
 * visit other than 0 ends it and is returned.
 */
int mmw_module_symbols(struct mmw_modules *m, const struct mmw_module *mod,
		       int (*visit)(void *ctx, const struct mmw_ksym *sym), void *ctx, struct mmw_err *err);

/* The symbol that va lies in, in the module it lies in. */
bool mmw_module_symbol_at(struct mmw_modules *m, uint64_t va, struct mmw_ksym *out, uint64_t *offset);

/*
 * Where the symbol that va lies in ends, as the kernel reckons (find_kallsyms_symbol): at the module's next one or with its
 * code, whichever is first. Of data that lie behind the code, that is before they begin.
 */
bool mmw_module_symbol_end(struct mmw_modules *m, uint64_t va, uint64_t *end);

#endif

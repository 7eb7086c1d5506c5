/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbols of a file that the user names: System.map, a copy of /proc/kallsyms, or an ELF file's (lib/sym/debugfile.h).
 *
 * Add them one by one, seal, and ask. Addresses are as linked until they are moved to where the kernel runs.
 */
#ifndef MMW_SYM_SYMTAB_H
#define MMW_SYM_SYMTAB_H

#include "lib/sym/symbols.h"

struct mmw_symtab;

int mmw_symtab_new(struct mmw_symtab **out, struct mmw_err *err);
void mmw_symtab_close(struct mmw_symtab *t);  /* NULL is fine */

/* The name is copied; one that is longer than a symbol's can be is MMW_E_CORRUPT. */
int mmw_symtab_add(struct mmw_symtab *t, uint64_t addr, char type, const char *name, size_t len, struct mmw_err *err);
/* Sort by address, symbols at the same one in the order they came in. No more can be added. */
int mmw_symtab_seal(struct mmw_symtab *t, struct mmw_err *err);

/*
 * Lines as `nm` and /proc/kallsyms print them: "ffffffff81000000 T _text". Modules' lines ("... [name]") are left out: where
 * a module lies does not follow from where the kernel does. MMW_E_UNSUPPORTED when it is some other text, or when every
 * address is 0 (kernel.kptr_restrict hid them from who made the copy).
 */
int mmw_symtab_text(const char *text, size_t len, struct mmw_symtab **out, struct mmw_err *err);

/*
 * Put every address that is linked at `first` or behind at `delta` from there. What is below are per-CPU offsets, which stay.
 * `first` must be the same until it was put back (0).
 */
void mmw_symtab_move(struct mmw_symtab *t, uint64_t first, uint64_t delta);

/* The questions of struct mmw_symsrc; src is the struct mmw_symtab, sealed. */
size_t mmw_symtab_count(const void *src);
int mmw_symtab_at(const void *src, size_t index, struct mmw_ksym *out, struct mmw_err *err);
int mmw_symtab_by_name(const void *src, const char *name, size_t *pos, struct mmw_ksym *out);
bool mmw_symtab_by_addr(const void *src, uint64_t va, struct mmw_ksym *out);
bool mmw_symtab_next(const void *src, uint64_t va, uint64_t *out);

#endif

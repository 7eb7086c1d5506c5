/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's table of exported symbols (__ksymtab, __ksymtab_gpl): where kallsyms lists functions only, it still has
 * the exported variables.
 *
 * struct kernel_symbol (include/linux/export.h and kernel/module/internal.h, 4.14 to 7.2): value, name and, since 5.4,
 * namespace. Either three (two) words that are addresses, or, with HAVE_ARCH_PREL32_RELOCATIONS (x86, arm64, since
 * 4.19), three (two) signed 32-bit distances, each from its own place. Each section is sorted by name.
 */
#ifndef MMW_SYM_KSYMTAB_H
#define MMW_SYM_KSYMTAB_H

#include "lib/base/mem.h"
#include "lib/sym/symtab.h"

/*
 * Look for the table in [first, first + len) of `mem`, the image of a kernel at its run-time addresses, and read it:
 * its symbols (of no type), and the address of its first entry. MMW_E_NOSYM when there is none.
 */
int mmw_ksymtab_open(const struct mmw_mem *mem, uint64_t first, uint64_t len, unsigned word, struct mmw_symtab **out,
		     uint64_t *place, struct mmw_err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kallsyms: the kernel's own symbol table, found and decoded in memory (scripts/kallsyms.c, kernel/kallsyms.c).
 *
 * Four layouts since 4.6, told apart by what checks out and never by a version:
 *   A  offsets, relative_base, num_syms, names, markers, token_table, token_index
 *   B  as A with seqs_of_names after markers                                        (6.2, and late 6.1.y)
 *   C  num_syms, names, markers, token_table, token_index, offsets, relative_base, seqs_of_names  (6.4)
 *   D  as C without relative_base, tables aligned to 4                              (7.0)
 * and three ways to spell an address:
 *   base      relative_base + offset
 *   percpu    offset >= 0: an absolute value; < 0: relative_base - 1 - offset  (x86-64 to 6.14)
 *   place     the offset counts from its own slot                              (7.0)
 */
#ifndef MMW_SYM_KALLSYMS_H
#define MMW_SYM_KALLSYMS_H

#include <stdbool.h>

#include "lib/base/mem.h"
#include "lib/sym/symbols.h"

struct mmw_kallsyms;

enum mmw_kallsyms_encoding { MMW_KALLSYMS_BASE, MMW_KALLSYMS_PERCPU, MMW_KALLSYMS_PLACE };

/*
 * The next place at or after `from` in buf where ten consecutive single-digit tokens "0".."9" stand: the landmark of a
 * token table. Offset of the "0", or SIZE_MAX. Aligned words are tested, so this runs at memory speed.
 */
size_t mmw_kallsyms_landmark(const uint8_t *buf, size_t len, size_t from);

/* Check a landmark at `digit0` (an address in mem) against the token index behind it; *out is the table's address. */
int mmw_kallsyms_token_table(const struct mmw_mem *mem, uint64_t digit0, uint64_t *out, struct mmw_err *err);

/*
 * Decode the tables around the token table at `token_table`. `word` is the kernel's pointer size. MMW_E_CORRUPT when
 * they do not check out. With the PLACE encoding addresses come out in mem's own address space: see rebase.
 */
int mmw_kallsyms_open(const struct mmw_mem *mem, uint64_t token_table, unsigned word, struct mmw_kallsyms **out,
		      struct mmw_err *err);
void mmw_kallsyms_close(struct mmw_kallsyms *ks);

enum mmw_kallsyms_encoding mmw_kallsyms_encoding(const struct mmw_kallsyms *ks);
char mmw_kallsyms_layout(const struct mmw_kallsyms *ks);  /* 'A' .. 'D' */

/* Add `delta` to every address of a PLACE table that was read by another kind of address. */
void mmw_kallsyms_rebase(struct mmw_kallsyms *ks, uint64_t delta);

size_t mmw_kallsyms_count(const struct mmw_kallsyms *ks);
uint64_t mmw_kallsyms_addr(const struct mmw_kallsyms *ks, size_t index);

/* Symbol number `index` in address order; MMW_E_ARG past the end. */
int mmw_kallsyms_at(const struct mmw_kallsyms *ks, size_t index, struct mmw_ksym *out, struct mmw_err *err);

/* Start at index *pos: the next symbol of that name, 1 with *out and *pos behind it, or 0. */
int mmw_kallsyms_by_name(const struct mmw_kallsyms *ks, const char *name, size_t *pos, struct mmw_ksym *out);

/* Index of the first of the symbols at the highest address <= addr; false below the first. */
bool mmw_kallsyms_by_addr(const struct mmw_kallsyms *ks, uint64_t addr, size_t *index);

#endif

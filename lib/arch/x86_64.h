/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86-64's entry format, for the tables that share it. */
#ifndef MMW_ARCH_X86_64_H
#define MMW_ARCH_X86_64_H

#include "lib/arch/arch.h"

extern const struct mmw_flag mmw_x86_64_flags[];
extern const char *const mmw_x86_64_memtypes[];

struct mmw_pte mmw_x86_64_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw);
const char *mmw_x86_64_memtype(const struct mmw_paging *pg, unsigned level, uint64_t raw);
void mmw_x86_64_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size);
uint64_t mmw_x86_64_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory as the boot loader told of it (mm/memblock.c): kept for good where the architecture asks for that
 * (ARCH_KEEP_MEMBLOCK: arm, arm64, riscv; x86 from 6.12 on), elsewhere its lists are given back after boot and hold
 * anything.
 */
#ifndef MMW_MM_MEMBLOCK_H
#define MMW_MM_MEMBLOCK_H

#include "lib/kernel/kernel.h"

enum { MMW_MEMBLOCK_NOMAP = 4 };  /* enum memblock_flags, 4.14 to 7.2: not part of the linear map */

struct mmw_memblock_range {
	uint64_t pa, len, flags;
};

struct mmw_memblock {
	struct mmw_memblock_range *range;  /* ascending, disjoint */
	size_t n;
};

/* list: "memory" or "reserved". MMW_E_NOSYM, MMW_E_NOTYPE, MMW_E_CORRUPT when it is no list in order. */
int mmw_memblock_open(struct mmw_kernel *k, const char *list, struct mmw_memblock *out, struct mmw_err *err);
void mmw_memblock_close(struct mmw_memblock *m);

#endif

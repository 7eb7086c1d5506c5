/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flags of an allocation (gfp_t), by their names and with the bits they have in this kernel.
 *
 * The kernel has a table of them to print with, gfpflag_names (mm/debug.c); else their enumeration tells, which 6.12
 * and 7.2 have (include/linux/gfp_types.h). 5.10 and 6.1 have macros, of which nothing is left in the image: the same bits
 * for all that is asked for here, but for __GFP_ATOMIC, which 6.3 took away.
 */
#ifndef MMW_MM_GFP_H
#define MMW_MM_GFP_H

#include "lib/kernel/kernel.h"

enum mmw_gfp_flag {
	MMW_GFP_DMA, MMW_GFP_HIGHMEM, MMW_GFP_DMA32, MMW_GFP_MOVABLE, MMW_GFP_RECLAIMABLE, MMW_GFP_HIGH, MMW_GFP_IO,
	MMW_GFP_FS, MMW_GFP_ZERO, MMW_GFP_ATOMIC, MMW_GFP_DIRECT_RECLAIM, MMW_GFP_KSWAPD_RECLAIM, MMW_GFP_WRITE,
	MMW_GFP_NOWARN, MMW_GFP_RETRY_MAYFAIL, MMW_GFP_NOFAIL, MMW_GFP_NORETRY, MMW_GFP_MEMALLOC, MMW_GFP_COMP,
	MMW_GFP_NOMEMALLOC, MMW_GFP_HARDWALL, MMW_GFP_THISNODE, MMW_GFP_ACCOUNT, MMW_GFP_FLAGS,
};

enum { MMW_GFP_NAMES_MAX = 96, MMW_GFP_NAME_MAX = 32, MMW_GFP_TEXT_MAX = 512 };

struct mmw_gfp {
	uint64_t bit[MMW_GFP_FLAGS];  /* 0: this kernel has none */
	struct {
		char name[MMW_GFP_NAME_MAX];
		uint64_t mask;
	} names[MMW_GFP_NAMES_MAX];   /* in the order in which the kernel prints: those of several bits first */
	size_t n;
	const char *source;           /* who says so */
};

/* MMW_E_NOTYPE when nothing tells. */
int mmw_gfp_open(struct mmw_kernel *k, struct mmw_gfp *out, struct mmw_err *err);

/* "GFP_KERNEL|__GFP_ZERO", parted by | or commas; numbers are hexadecimal, after 0x. MMW_E_ARG for what is no flag. */
int mmw_gfp_parse(const struct mmw_gfp *g, const char *text, uint64_t *out, struct mmw_err *err);

/* As the kernel prints it: "0xcc0(GFP_KERNEL)" (lib/vsprintf.c, %pGg). buf holds MMW_GFP_TEXT_MAX bytes. */
const char *mmw_gfp_text(const struct mmw_gfp *g, uint64_t flags, char *buf);

static inline bool mmw_gfp_has(const struct mmw_gfp *g, uint64_t flags, enum mmw_gfp_flag flag)
{
	return flags & g->bit[flag];
}

#endif

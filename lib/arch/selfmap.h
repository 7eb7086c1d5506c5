/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables that map themselves: a root with an entry that points to the root.
 *
 * Windows reaches its page tables that way (x64: MiGetPteAddress and the other accessors add PTE_BASE; the entry is 0x1ed
 * up to Windows 10 1511 and any of the upper half since), and so do other systems; Linux has none. All entries of one
 * level then lie in one array: the last level's at PTE_BASE, the next one's at PDE_BASE, then PPE_BASE and PXE_BASE.
 */
#ifndef MMW_ARCH_SELFMAP_H
#define MMW_ARCH_SELFMAP_H

#include "lib/arch/walk.h"

/* The first such entry of the root, by index; false when there is none, or the root cannot be read. */
bool mmw_selfmap_find(struct mmw_reader *reader, const struct mmw_space *space, unsigned *index);

/* Where the self-map has the array of all entries of `level`. */
uint64_t mmw_selfmap_base(const struct mmw_paging *pg, unsigned index, unsigned level);

/* "PTE_BASE" and so on, for level 0 and up; NULL for one that has no such name. */
const char *mmw_selfmap_name(unsigned level);

/* The arrays as regions and markers between the two halves' plain addresses. */
void mmw_selfmap_layout(const struct mmw_paging *pg, unsigned index, struct mmw_layout *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD's nested page tables: a virtual machine's physical addresses to the host's (AMD APM volume 2 section 15.25). The
 * entries are x86-64's, and every access counts as a user's; the addresses are physical, so there is no upper half.
 */
#include <string.h>

#include "lib/arch/x86_64.h"

static int npt_geometry(unsigned index, struct mmw_paging *pg)
{
	if (index > 1)
		return 0;
	*pg = (struct mmw_paging){ .levels = 4 + index, .page_shift = 12, .entry_size = 8, .va_bits = 48 + 9 * index,
				   .va_kind = MMW_VA_LOW };
	strcpy(pg->name, index ? "npt-5level" : "npt");
	for (unsigned i = 0; i < pg->levels; i++)
		pg->bits[i] = 9;
	return 1;
}

/* Where the kernel's own tables keep a page it made inaccessible, nested tables have software bits: nothing is mapped. */
static struct mmw_pte npt_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	return raw & 1 ? mmw_x86_64_decode(pg, level, raw) : (struct mmw_pte){ .kind = MMW_PTE_EMPTY };
}

const struct mmw_arch mmw_arch_npt = {
	.name = "npt",
	.word = 8,
	.decode = npt_decode,
	.flags = mmw_x86_64_flags,
	.memtype = mmw_x86_64_memtype,
	.memtypes = mmw_x86_64_memtypes,
	.ptdump = mmw_x86_64_ptdump,
	.ptdump_prot = mmw_x86_64_ptdump_prot,
	.ptdump_rights = MMW_UR | MMW_KW | MMW_KX,
	.geometry = npt_geometry,
};

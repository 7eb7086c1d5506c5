/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A RISC-V hypervisor's second stage (privileged specification, "Hypervisor Extension", two-stage address translation):
 * guest physical to physical. The entries are Sv39's, but the root is four pages, so it has two more index bits; every
 * access counts as a user's, so a leaf without U lets nothing through.
 */
#include <string.h>

#include "lib/arch/riscv.h"

static int gstage_geometry(unsigned index, struct mmw_paging *pg)
{
	static const char *const names[] = { "sv39x4", "sv48x4", "sv57x4" };

	if (index >= sizeof(names) / sizeof(names[0]))
		return 0;
	*pg = (struct mmw_paging){ .levels = 3 + index, .page_shift = 12, .entry_size = 8, .va_bits = 41 + 9 * index,
				   .va_kind = MMW_VA_LOW, .variant = RISCV_GSTAGE };
	strcpy(pg->name, names[index]);
	for (unsigned i = 0; i < pg->levels; i++)
		pg->bits[i] = i + 1 == pg->levels ? 11 : 9;
	return 1;
}

const struct mmw_arch mmw_arch_gstage = {
	.name = "gstage",
	.word = 8,
	.decode = mmw_riscv_decode,
	.flags = mmw_riscv_flags,
	.memtype = mmw_riscv_memtype,
	.memtypes = mmw_riscv_memtypes,
	.ptdump = mmw_riscv_ptdump,
	.ptdump_prot = mmw_riscv_ptdump_prot,
	.ptdump_style = MMW_PTDUMP_PHYSICAL | MMW_PTDUMP_NO_HOLES | MMW_PTDUMP_ALL_MARKERS | MMW_PTDUMP_KIB,
	.geometry = gstage_geometry,
};

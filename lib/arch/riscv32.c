/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RISC-V of 32 bits: Sv32, two levels of 4-byte entries, 34 bits of physical address. Entries and layout are those of
 * riscv.c; Linux keeps its image in the linear map, from PAGE_OFFSET (3 GiB) up.
 *
 * satp (privileged specification 4.1.11): 31 mode, 30:22 ASID, 21:0 PPN of the root.
 */
#include <elf.h>

#include "lib/arch/riscv.h"

#define PAGE_OFFSET 0xc0000000u
#define SATP_MODE   (1u << 31)
#define SATP_PPN    ((1u << 22) - 1)

static int riscv32_geometry(unsigned index, struct mmw_paging *pg)
{
	if (index)
		return 0;
	mmw_riscv_geometry(pg, "sv32", 2, 4, 0);
	return 1;
}

static int riscv32_from_cpu(const struct mmw_cpu *cpu, struct mmw_paging *pg, uint64_t roots[MMW_ROOTS_MAX])
{
	uint64_t satp = cpu->reg[MMW_REG_SATP];

	if (!(cpu->known & 1u << MMW_REG_SATP) || satp >> 32 || !(satp & SATP_MODE))
		return 0;
	riscv32_geometry(0, pg);
	roots[0] = (satp & SATP_PPN) << 12;
	return 1;
}

static int riscv32_find_delta(const struct mmw_hints *h, unsigned index, uint64_t *delta, struct mmw_err *err)
{
	return mmw_riscv_find_delta(h, 4, index, delta, err);
}

static int riscv32_from_kernel(const struct mmw_hints *h, struct mmw_paging *pg, uint64_t *root, struct mmw_err *err)
{
	pg->variant = mmw_riscv_variant(h) | RISCV_STANDARD;
	return mmw_riscv_root(h, root, err);
}

const struct mmw_arch mmw_arch_riscv32 = {
	.name = "riscv32",
	.machine = EM_RISCV,
	.word = 4,
	.decode = mmw_riscv_decode,
	.flags = mmw_riscv_flags,
	.swap = mmw_riscv_swap,
	.ptdump = mmw_riscv_ptdump,
	.ptdump_prot = mmw_riscv_ptdump_prot,
	.ptdump_style = MMW_PTDUMP_PHYSICAL | MMW_PTDUMP_NO_HOLES | MMW_PTDUMP_ALL_MARKERS | MMW_PTDUMP_KIB,
	.image_first = PAGE_OFFSET,
	.image_last = UINT32_MAX,
	.from_cpu = riscv32_from_cpu,
	.find_delta = riscv32_find_delta,
	.geometry = riscv32_geometry,
	.from_kernel = riscv32_from_kernel,
	.layout = mmw_riscv_layout,
};

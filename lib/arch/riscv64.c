/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RISC-V of 64 bits: Sv39, Sv48 and Sv57. Entries and layout are those of riscv.c.
 *
 * satp (privileged specification 4.1.11): 63:60 mode (8 Sv39, 9 Sv48, 10 Sv57), 59:44 ASID, 43:0 PPN of the root.
 */
#include <elf.h>
#include <string.h>

#include "lib/arch/riscv.h"
#include "lib/base/vec.h"

#define SATP_PPN   0x00000fffffffffffull
#define THEAD_TYPE (31ull << 59)
#define THEAD_PMA  (14ull << 59)

enum { SATP_SV39 = 8, SATP_SV57 = 10 };

/* Bits of riscv_isa, the extensions that all processors have (asm/hwcap.h, 7.2: numbers are only ever added). */
enum { ISA_SVRSW60T59B = 100, ISA_ZICFISS = 105 };

static int riscv64_geometry(unsigned index, struct mmw_paging *pg)
{
	static const char *const names[] = { "sv39", "sv48", "sv57" };

	if (index >= mmw_array_len(names))
		return 0;
	mmw_riscv_geometry(pg, names[index], 3 + index, 8, 0);
	return 1;
}

static int riscv64_from_cpu(const struct mmw_cpu *cpu, struct mmw_paging *pg, uint64_t roots[MMW_ROOTS_MAX])
{
	uint64_t satp = cpu->reg[MMW_REG_SATP];

	if (!(cpu->known & 1u << MMW_REG_SATP) || satp >> 60 < SATP_SV39 || satp >> 60 > SATP_SV57)
		return 0;
	riscv64_geometry((satp >> 60) - SATP_SV39, pg);
	roots[0] = (satp & SATP_PPN) << 12;
	return 1;
}

static int riscv64_find_delta(const struct mmw_hints *h, unsigned index, uint64_t *delta, struct mmw_err *err)
{
	return mmw_riscv_find_delta(h, 8, index, delta, err);
}

/* Levels of the kernel's tables; 0: nothing says. */
static unsigned kernel_levels(const struct mmw_hints *h)
{
	uint64_t value, l5;

	if (!h->number(h->ctx, "satp", &value) && value >> 60 >= SATP_SV39 && value >> 60 <= SATP_SV57)
		return (value >> 60) - SATP_SV39 + 3;
	if (!h->number(h->ctx, "VA_BITS", &value) && (value == 39 || value == 48 || value == 57))
		return (value - 12) / 9;
	if (!h->variable(h->ctx, "satp_mode", 8, &value) && value >> 60 >= SATP_SV39 && value >> 60 <= SATP_SV57)
		return (value >> 60) - SATP_SV39 + 3;
	if (!h->variable(h->ctx, "pgtable_l5_enabled", 1, &l5) && !h->variable(h->ctx, "pgtable_l4_enabled", 1, &value))
		return l5 ? 5 : value ? 4 : 3;
	return 0;
}

/*
 * T-Head's tables have PMA in every entry that points to memory, which would be reserved in the standard's: the root
 * entries of the image's 2 GiB show it (one entry of Sv39 is 1 GiB, the image is in the last but one).
 */
static bool is_thead(const struct mmw_hints *h)
{
	uint64_t raw;

	for (unsigned i = 510; i < 512; i++) {
		const char *name = i == 510 ? "swapper_pg_dir+4080" : "swapper_pg_dir+4088";

		if (!h->variable(h->ctx, name, 8, &raw) && (raw & RISCV_V) && (raw & THEAD_TYPE) == THEAD_PMA)
			return true;
	}
	return false;
}

static int riscv64_from_kernel(const struct mmw_hints *h, struct mmw_paging *pg, uint64_t *root, struct mmw_err *err)
{
	unsigned levels = kernel_levels(h);
	uint64_t isa;
	int rc = mmw_riscv_root(h, root, err);

	if (rc)
		return rc;
	if (levels && levels != pg->levels)
		return mmw_fail(err, MMW_E_UNSUPPORTED, *root, "the kernel's tables have %u levels, and %s has %u",
				levels, pg->name, pg->levels);
	pg->variant = mmw_riscv_variant(h) | (is_thead(h) ? RISCV_THEAD : RISCV_STANDARD);
	if (!h->variable(h->ctx, "riscv_isa+8", 8, &isa)) {
		pg->variant |= isa >> (ISA_SVRSW60T59B - 64) & 1 ? RISCV_SVRSW : 0;
		pg->variant |= isa >> (ISA_ZICFISS - 64) & 1 ? RISCV_SHADOW_STACK : 0;
	}
	return 0;
}

const struct mmw_arch mmw_arch_riscv64 = {
	.name = "riscv64",
	.machine = EM_RISCV,
	.word = 8,
	.decode = mmw_riscv_decode,
	.flags = mmw_riscv_flags,
	.memtype = mmw_riscv_memtype,
	.memtypes = mmw_riscv_memtypes,
	.swap = mmw_riscv_swap,
	.ptdump = mmw_riscv_ptdump,
	.ptdump_prot = mmw_riscv_ptdump_prot,
	.ptdump_style = MMW_PTDUMP_PHYSICAL | MMW_PTDUMP_NO_HOLES | MMW_PTDUMP_ALL_MARKERS | MMW_PTDUMP_KIB,
	/* 6.1 and later: in the last 2 GiB; 5.10: at the start of the linear map (PAGE_OFFSET, MAXPHYSMEM_128GB). */
	.image_first = 0xffffffe000000000,
	.image_last = UINT64_MAX,
	.from_cpu = riscv64_from_cpu,
	.find_delta = riscv64_find_delta,
	.geometry = riscv64_geometry,
	.from_kernel = riscv64_from_kernel,
	.layout = mmw_riscv_layout,
};

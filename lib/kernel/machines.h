/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where machines put their memory, likeliest first: for files that hold all of it, byte after byte, and say nothing of
 * addresses (lib/kernel/place.c).
 *
 * Memory begins at `base`. If there is more than `split_above` of it (or as much, with `or_equal`), only the first
 * `low` bytes are there, and the rest begins at `high`. Where there is a second hole, what would reach `hole` goes on
 * at `above_hole` (0: none). A question mark: it was read in no source.
 */
#ifndef MMW_KERNEL_MACHINES_H
#define MMW_KERNEL_MACHINES_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

struct mmw_machine_memory {
	const char *name;
	uint16_t machine;  /* ELF e_machine; EM_X86_64 stands for 32-bit guests as well */
	uint64_t base, split_above;
	bool or_equal;
	uint64_t low, high, hole, above_hole;
};

#define MMW_GIB (1ull << 30)

static const struct mmw_machine_memory mmw_machine_memories[] = {
	/* QEMU hw/i386/pc_piix.c, machine types from 2.0 on and before */
	{ "QEMU pc", EM_X86_64, 0, 0xe0000000, true, 0xc0000000, 4 * MMW_GIB, 0, 0 },
	{ "QEMU pc before 2.0", EM_X86_64, 0, 0xe0000000, true, 0xe0000000, 4 * MMW_GIB, 0, 0 },
	/* QEMU hw/i386/pc_q35.c */
	{ "QEMU q35", EM_X86_64, 0, 0xb0000000, true, 0x80000000, 4 * MMW_GIB, 0, 0 },
	/* QEMU hw/i386/microvm.c; cloud-hypervisor arch/src/x86_64/layout.rs; VMware by what crash and volatility2 do.
	 * Firecracker since 1.13 (src/vmm/src/arch/x86_64/layout.rs) has another hole at 256 GiB */
	{ "QEMU microvm, cloud-hypervisor, VMware", EM_X86_64, 0, 3 * MMW_GIB, false, 3 * MMW_GIB, 4 * MMW_GIB, 0, 0 },
	{ "Firecracker", EM_X86_64, 0, 3 * MMW_GIB, false, 3 * MMW_GIB, 4 * MMW_GIB, 256 * MMW_GIB, 512 * MMW_GIB },
	/* Firecracker until then: MMIO_MEM_SIZE of 768 MiB; crosvm x86_64/src/lib.rs MEM_32BIT_GAP_SIZE */
	{ "Firecracker before 1.13, crosvm", EM_X86_64, 0, 0xd0000000, false, 0xd0000000, 4 * MMW_GIB, 0, 0 },
	/* VirtualBox include/VBox/param.h MM_RAM_HOLE_SIZE_DEFAULT */
	{ "VirtualBox", EM_X86_64, 0, 0xe0000000, false, 0xe0000000, 4 * MMW_GIB, 0, 0 },
	/* xen/include/public/hvm/e820.h HVM_BELOW_4G_RAM_END */
	{ "Xen HVM", EM_X86_64, 0, 0xf0000000, false, 0xf0000000, 4 * MMW_GIB, 0, 0 },
	/* Set-VM -LowMemoryMappedIoSpace: 128 MiB by default; 3 GiB on Azure, 1 GiB there for confidential machines
	 * (linux-hyperv, "PCI: hv: Allocate MMIO from above 4GB for the config window", April 2026) */
	{ "Hyper-V, generations 1 and 2?", EM_X86_64, 0, 0xf8000000, false, 0xf8000000, 4 * MMW_GIB, 0, 0 },
	{ "Hyper-V on Azure, generation 2", EM_X86_64, 0, MMW_GIB, false, MMW_GIB, 4 * MMW_GIB, 0, 0 },

	/* QEMU hw/arm/virt.c */
	{ "QEMU virt", EM_AARCH64, 0x40000000, 0, false, 0, 0, 0, 0 },
	{ "QEMU virt", EM_ARM, 0x40000000, 0, false, 0, 0, 0, 0 },
	/* cloud-hypervisor arch/src/aarch64/layout.rs: devices between 0xfc000000 and 4 GiB */
	{ "cloud-hypervisor", EM_AARCH64, 0x40000000, 0xbc000000, false, 0xbc000000, 4 * MMW_GIB, 0, 0 },
	/* Firecracker src/vmm/src/arch/aarch64/layout.rs; crosvm aarch64/src/lib.rs, which has no second hole */
	{ "Firecracker", EM_AARCH64, 0x80000000, 0, false, 0, 0, 256 * MMW_GIB, 512 * MMW_GIB },
	{ "crosvm", EM_AARCH64, 0x80000000, 0, false, 0, 0, 0, 0 },

	/* QEMU hw/riscv/virt.c; crosvm riscv64/src/lib.rs; cloud-hypervisor arch/src/riscv64/layout.rs */
	{ "QEMU virt, crosvm", EM_RISCV, 0x80000000, 0, false, 0, 0, 0, 0 },
	{ "cloud-hypervisor", EM_RISCV, 0x40000000, 0, false, 0, 0, 0, 0 },
};

#endif

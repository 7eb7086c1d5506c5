/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arm (32 bits): what entries mean, for lib/arch/arm.c. */
#ifndef MMW_ARCH_ARM_ENTRY_H
#define MMW_ARCH_ARM_ENTRY_H

#include "lib/arch/arch.h"

/* paging.variant */
enum {
	ARM_SHORT = 1,
	ARM_LPAE = 2,
	ARM_SHORT_EXCLUSIVE = 4,  /* swap entries have an exclusive bit, and their offset above it */
	ARM_LPAE_EXCLUSIVE = 8,
	ARM_OLD_LISTING = 16,     /* the kernel's own listing names no levels */
};

static inline bool mmw_arm_short(const struct mmw_paging *pg)
{
	return pg->entry_size == 4;
}

extern const struct mmw_flag mmw_arm_flags[];
extern const char *const mmw_arm_memtypes[];

/* Slots of struct mmw_arch. */
struct mmw_pte mmw_arm_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw);
const char *mmw_arm_memtype(const struct mmw_paging *pg, unsigned level, uint64_t raw);
void mmw_arm_swap(const struct mmw_paging *pg, uint64_t raw, unsigned *type, uint64_t *offset);
void mmw_arm_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size);
uint64_t mmw_arm_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU data: a per-CPU pointer or symbol plus __per_cpu_offset[cpu] is that CPU's copy (include/asm-generic/percpu.h).
 */
#ifndef MMW_KERNEL_PERCPU_H
#define MMW_KERNEL_PERCPU_H

#include "lib/kernel/kernel.h"

enum { MMW_CPUS_MAX = 8192 };

struct mmw_percpu {
	size_t n;
	struct {
		uint32_t cpu;
		uint64_t offset;
		bool online;  /* __cpu_online_mask; without one all are */
	} *cpus;  /* the possible CPUs, ascending */
	uint64_t mask;  /* bits of an address */
};

/* The possible CPUs and their offsets; a kernel without SMP has one, at offset 0. */
int mmw_percpu_open(struct mmw_kernel *k, struct mmw_percpu *out, struct mmw_err *err);
void mmw_percpu_close(struct mmw_percpu *p);

/* The index-th CPU's copy of what the per-CPU pointer `va` means. */
static inline uint64_t mmw_percpu_address(const struct mmw_percpu *p, uint64_t va, size_t index)
{
	return (va + p->cpus[index].offset) & p->mask;
}

/* Set bits of a bitmap of `bytes` bytes at va, kernel longs: 1 and the next at or above *bit, or 0. Negative: unreadable. */
int mmw_bitmap_next(struct mmw_kernel *k, uint64_t va, uint64_t bytes, uint64_t *bit, struct mmw_err *err);

#endif

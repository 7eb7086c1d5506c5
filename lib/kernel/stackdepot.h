/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks that the kernel keeps once each and knows by a number of 32 bits, a handle (lib/stackdepot.c, 4.14 to 7.2).
 *
 * A handle says which pool of four pages holds the stack's record and where in it; the record says its handle again, so
 * what is no record is not taken for one. Pools counted from 0 while handles had a bit that said they are valid, and from
 * 1 since that is gone (6.8).
 */
#ifndef MMW_KERNEL_STACKDEPOT_H
#define MMW_KERNEL_STACKDEPOT_H

#include "lib/kernel/shadow.h"

/* CONFIG_STACKDEPOT_MAX_FRAMES is at most that. */
enum { MMW_STACK_MAX = 256 };

/* Return addresses, the innermost first. */
struct mmw_stack {
	unsigned n;
	uint64_t addr[MMW_STACK_MAX];
};

struct mmw_stackdepot {
	uint64_t pools;          /* address of the array of pointers to the pools */
	uint64_t n;              /* pointers in the array, at most */
	unsigned first;          /* number of the first pool in a handle */
	unsigned word;
	bool be;
	uint64_t entries, pool_size;
	struct mmw_shadow handle, record;
};

/* MMW_E_NOSYM, MMW_E_NOTYPE, or MMW_E_NODATA: this kernel has no depot yet. */
int mmw_stackdepot_open(struct mmw_kernel *k, struct mmw_stackdepot *out, struct mmw_err *err);

/* The stack of a handle. MMW_E_CORRUPT: there is none of that handle. MMW_E_NODATA: it has been given up. */
int mmw_stackdepot_fetch(const struct mmw_stackdepot *d, struct mmw_vm *vm, uint32_t handle, struct mmw_stack *out,
			 struct mmw_err *err);

/* Is it such an array that is at va? What its first pool begins with tells. For who looks for it. */
bool mmw_stackdepot_holds(struct mmw_kernel *k, uint64_t va);

/* `n` words of memory as return addresses; at most MMW_STACK_MAX. */
int mmw_stack_read(struct mmw_vm *vm, uint64_t va, unsigned word, unsigned n, struct mmw_stack *out, struct mmw_err *err);

#endif

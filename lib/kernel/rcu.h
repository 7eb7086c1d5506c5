/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Callbacks that wait for a grace period: each CPU's lists of struct rcu_head (kernel/rcu/tree.h: rcu_data.cblist, and
 * nocb_bypass where callbacks are offloaded; 4.14 to 7.2).
 */
#ifndef MMW_KERNEL_RCU_H
#define MMW_KERNEL_RCU_H

#include "lib/kernel/percpu.h"

/* head: the rcu_head that is to be called back with. What is not 0 ends the search, and is returned. */
typedef int mmw_rcu_visit(void *ctx, uint64_t head, uint32_t cpu, struct mmw_err *err);

/*
 * The callbacks that call `func`. MMW_E_NOSYM, MMW_E_NOTYPE where this kernel's RCU is another (tiny); *broken: lists that
 * do not end, or lead to what cannot be read.
 */
int mmw_rcu_callbacks(struct mmw_kernel *k, const struct mmw_percpu *cpus, uint64_t func, mmw_rcu_visit *visit, void *ctx,
		      unsigned *broken, struct mmw_err *err);

#endif

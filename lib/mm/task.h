/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All tasks (include/linux/sched.h): processes from init_task.tasks on, their threads from signal->thread_head, and the idle
 * threads, which no list has (kernel/smpboot.c, idle_threads).
 */
#ifndef MMW_MM_TASK_H
#define MMW_MM_TASK_H

#include "lib/kernel/kernel.h"

enum { MMW_TASKS_MAX = 1 << 22 };  /* PID_MAX_LIMIT */

struct mmw_task {
	uint64_t va;          /* of its struct task_struct */
	uint32_t pid, tgid;
	char comm[16];        /* as it is: any bytes, always ended */
	uint64_t mm;          /* 0: a kernel thread */
	uint64_t stack;       /* lowest address of its kernel stack; 0: gone */
	uint64_t stack_area;  /* its vm_struct, where stacks are mapped (CONFIG_VMAP_STACK); 0: they are not */
};

struct mmw_tasks {
	struct mmw_task *task;  /* in the order of the lists */
	size_t n, cap;
	uint64_t broken;        /* lists that did not come back to where they began */
};

/* MMW_E_NOSYM, MMW_E_NOTYPE: without init_task or the types there is no list. */
int mmw_tasks_open(struct mmw_kernel *k, struct mmw_tasks *out, struct mmw_err *err);
void mmw_tasks_close(struct mmw_tasks *t);

#endif

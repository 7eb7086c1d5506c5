/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/task.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/set.h"
#include "lib/base/vec.h"
#include "lib/kernel/percpu.h"
#include "lib/kernel/shadow.h"

struct task_rec {
	uint64_t pid, tgid, mm, stack, stack_area, tasks, thread, signal;
};

static const struct mmw_field task_fields[] = {
	MMW_FIELD(task_rec, pid, "pid"),
	MMW_FIELD(task_rec, tgid, "tgid"),
	MMW_FIELD(task_rec, mm, "mm"),
	MMW_FIELD(task_rec, stack, "stack"),
	MMW_FIELD_OPT(task_rec, stack_area, "stack_vm_area"),
	MMW_FIELD(task_rec, tasks, "tasks.next"),
	MMW_FIELD(task_rec, thread, "thread_node.next"),
	MMW_FIELD(task_rec, signal, "signal"),
};

struct opening {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	struct mmw_tasks *out;
	struct mmw_shadow shadow;
	struct mmw_member tasks, thread, head, comm;
	struct mmw_set seen;
	unsigned word;
};

static int bind(struct opening *o, struct mmw_err *err)
{
	int rc = mmw_shadow_bind(o->k, "task_struct", task_fields, mmw_array_len(task_fields), &o->shadow, err);

	rc = rc ? rc : mmw_kernel_member(o->k, "task_struct", "tasks", &o->tasks, NULL, err);
	rc = rc ? rc : mmw_kernel_member(o->k, "task_struct", "thread_node", &o->thread, NULL, err);
	rc = rc ? rc : mmw_kernel_member(o->k, "task_struct", "comm", &o->comm, NULL, err);
	return rc ? rc : mmw_kernel_member(o->k, "signal_struct", "thread_head", &o->head, NULL, err);
}

/* 1: added; 0: it was there already; or a negative code. */
static int add(struct opening *o, uint64_t va, struct task_rec *rec, struct mmw_err *err)
{
	struct mmw_task *t;
	int rc = mmw_set_add(&o->seen, va);

	if (rc < 0)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the list of tasks");
	if (!rc)
		return 0;
	rc = mmw_shadow_read(&o->shadow, o->vm, va, rec, err);
	if (!rc && o->out->n == MMW_TASKS_MAX)
		rc = mmw_fail(err, MMW_E_LIMIT, va, "more than %d tasks", MMW_TASKS_MAX);
	rc = rc ? rc : mmw_vec_reserve(&o->out->task, &o->out->cap, o->out->n + 1, sizeof(*t), err);
	if (rc)
		return rc;
	t = &o->out->task[o->out->n++];
	*t = (struct mmw_task){ .va = va, .pid = (uint32_t)rec->pid, .tgid = (uint32_t)rec->tgid, .mm = rec->mm, .stack = rec->stack,
				.stack_area = rec->stack_area == MMW_ABSENT ? 0 : rec->stack_area };
	if (mmw_vm_read(o->vm, va + o->comm.offset, t->comm, sizeof(t->comm) - 1, NULL))
		t->comm[0] = '\0';
	return 1;
}

/* The other threads of a process; the list's head is in what they share. */
static int add_threads(struct opening *o, const struct task_rec *leader, struct mmw_err *err)
{
	uint64_t head = leader->signal + o->head.offset, at = leader->thread;
	int rc = 1;

	while (at != head && rc >= 0) {
		struct task_rec rec;

		rc = add(o, at - o->thread.offset, &rec, NULL);
		if (rc <= 0) {
			o->out->broken++;
			return rc == -MMW_E_NOMEM ? mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the list of tasks") : 0;
		}
		at = rec.thread;
	}
	return 0;
}

static int add_processes(struct opening *o, uint64_t first, struct mmw_err *err)
{
	uint64_t at = first;

	for (;;) {
		struct task_rec rec;
		int rc = add(o, at, &rec, err);

		bool known = !rc;

		if (rc > 0 && at != first)
			rc = add_threads(o, &rec, err);
		if (rc == -MMW_E_NOMEM || (rc < 0 && at == first))
			return rc;
		if (rc < 0 || known)
			break;
		at = rec.tasks - o->tasks.offset;
		if (at == first)
			return 0;
	}
	o->out->broken++;
	return 0;
}

/* Each CPU's idle thread but the first one's, which is init_task. */
static void add_idle(struct opening *o)
{
	struct mmw_percpu cpus;
	uint64_t at, va;
	struct task_rec rec;

	if (mmw_kernel_symbol(o->k, "idle_threads", &at, NULL, NULL) || mmw_percpu_open(o->k, &cpus, NULL))
		return;
	for (size_t i = 0; i < cpus.n; i++)
		if (!mmw_vm_read_uint(o->vm, mmw_percpu_address(&cpus, at, i), o->word, &va, NULL) && va)
			add(o, va, &rec, NULL);
	mmw_percpu_close(&cpus);
}

int mmw_tasks_open(struct mmw_kernel *k, struct mmw_tasks *out, struct mmw_err *err)
{
	struct opening o = { .k = k, .vm = mmw_kernel_vm(k), .out = out, .word = mmw_kernel_arch(k)->word };
	uint64_t first;
	int rc = mmw_kernel_symbol(k, "init_task", &first, NULL, err);

	memset(out, 0, sizeof(*out));
	rc = rc ? rc : bind(&o, err);
	rc = rc ? rc : add_processes(&o, first, err);
	if (!rc)
		add_idle(&o);
	mmw_set_free(&o.seen);
	if (rc)
		mmw_tasks_close(out);
	return rc ? mmw_wrap(err, rc, "tasks") : 0;
}

void mmw_tasks_close(struct mmw_tasks *t)
{
	free(t->task);
	memset(t, 0, sizeof(*t));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/pass.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/par.h"

enum {
	CHUNK_BYTES = 32 << 10,  /* of the memmap read at a time: more would waste what a look lets us skip */
	HOST_PAGE = 4096,        /* of the memmap, where part of a chunk is missing */
	STATES = 4,              /* for each worker */
};

/* What a thread reads with, and where in the page tables it is. */
struct worker {
	struct mmw_reader *reader;
	struct mmw_vm vm;
	struct mmw_walk walk;
	struct mmw_ent ent;
	bool covered;            /* ent is a record */
	bool repeated;           /* it maps what the record before it maps */
	uint8_t bytes[CHUNK_BYTES];
};

struct pass {
	struct mmw_kernel *k;
	const struct mmw_memmap *m;
	const struct mmw_pass_ops *ops;
	void *ctx;
	struct worker *worker;
	unsigned n_workers;

	/* The states of the runs from `next` on, in a ring. */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint8_t *states;
	bool *done;
	size_t n_states;
	uint64_t next;
	int failed;
	struct mmw_err *err;
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Make w->ent the record that va lies in; addresses ascend. */
static int cover(struct worker *w, uint64_t va)
{
	uint64_t before = w->ent.pa;
	bool follows = w->covered && va == w->ent.last + 1 && w->ent.kind == MMW_ENT_LEAF;
	int rc;

	if (w->covered && va <= w->ent.last)
		return 0;
	if (!w->covered || va != w->ent.last + 1)
		mmw_walk_seek(&w->walk, va, w->walk.last);
	w->covered = false;
	rc = mmw_walk_next(&w->walk, &w->ent, NULL);
	if (rc != 1)
		return rc ? rc : -MMW_E_NOTPRESENT;
	w->covered = true;
	w->repeated = follows && w->ent.kind == MMW_ENT_LEAF && w->ent.pa == before;
	return 0;
}

static enum mmw_code why_not(const struct mmw_ent *e)
{
	switch (e->kind) {
	case MMW_ENT_LOST:
		return e->why;
	case MMW_ENT_BAD:
		return MMW_E_CORRUPT;
	default:
		return MMW_E_NOTPRESENT;
	}
}

/* Up to n bytes at va, all within one record: how many, or a negative code when not even one page of them is there. */
static int64_t read_part(struct worker *w, uint64_t va, uint8_t *to, uint64_t n)
{
	uint64_t pa = w->ent.pa + (va - w->ent.va), page = HOST_PAGE - va % HOST_PAGE;
	int rc;

	n = mmw_min64(n, w->ent.last - va + 1);
	rc = mmw_read(w->reader, pa, to, n, NULL);
	if (rc && n > page) {
		n = page;
		rc = mmw_read(w->reader, pa, to, n, NULL);
	}
	return rc ? rc : (int64_t)n;
}

/*
 * Fill in a run of up to run->n struct pages from run->va on: those that can be read, or those that cannot for one and
 * the same reason.
 */
static int fetch(struct worker *w, uint64_t size, struct mmw_page_run *run)
{
	uint64_t want = mmw_min64(run->n, CHUNK_BYTES / size) * size, have = 0, gap;

	while (have < want) {
		int64_t n = cover(w, run->va + have);

		if (n)
			return (int)n;
		if (have && w->repeated != run->repeated && !(have % size))
			break;
		run->repeated = have ? run->repeated : w->repeated;
		n = w->ent.kind == MMW_ENT_LEAF ? read_part(w, run->va + have, w->bytes + have, want - have) :
			-(int64_t)why_not(&w->ent);
		if (n < 0) {
			run->why = (enum mmw_code)-n;
			break;
		}
		have += (uint64_t)n;
	}
	if (have >= size) {
		run->n = have / size;
		run->bytes = w->bytes;
		run->why = MMW_OK;
		return 0;
	}
	/* The first one is missing, wholly or in part: so are those that begin before the gap ends. */
	gap = have || w->ent.kind == MMW_ENT_LEAF ? (run->va + have) | (HOST_PAGE - 1) : w->ent.last;
	run->n = mmw_min64(run->n, (gap - run->va) / size + 1);
	return 0;
}

static int look_at(struct pass *p, struct worker *w, const struct mmw_mem_run *mem, void *state)
{
	uint64_t size = p->m->page_size, pfn = mem->pfn, end = mem->pfn + mem->n;
	uint64_t page = 1ull << mmw_kernel_page_shift(p->k);
	bool read = mem->state == MMW_FRAME_ONLINE;

	if (read && mem->map > UINT64_MAX - mem->n * size)
		return -MMW_E_CORRUPT;
	/* Whether the first page is a repeated one, the page before it tells. */
	w->covered = false;
	mmw_walk_seek(&w->walk, mem->map, mem->map + mem->n * size - 1);
	if (read && mem->map >= page)
		(void)cover(w, mem->map - page);
	while (pfn < end) {
		struct mmw_page_run run = { .pfn = pfn, .n = end - pfn, .state = (enum mmw_frame_state)mem->state,
					    .va = mem->map + (pfn - mem->pfn) * size, .why = MMW_E_NOTPRESENT, .vm = &w->vm };
		int64_t on;
		int rc = read ? fetch(w, size, &run) : 0;

		if (rc)
			return rc;
		run.va = mem->map ? run.va : 0;
		on = p->ops->look(p->ctx, state, &run);
		if (on <= 0)
			return on ? (int)on : -MMW_E_ARG;
		pfn = mmw_min64((uint64_t)on, end - pfn) + pfn;
	}
	return 0;
}

/* --- states ------------------------------------------------------------------------------------------------------- */

static void *state_of(const struct pass *p, uint64_t run)
{
	return p->states + run % p->n_states * p->ops->state_size;
}

static void drop_state(const struct pass *p, uint64_t run)
{
	if (p->ops->drop)
		p->ops->drop(state_of(p, run));
	memset(state_of(p, run), 0, p->ops->state_size);
}

/* With the lock held: all that is done and has nothing undone before it. */
static void gather(struct pass *p)
{
	for (; !p->failed && p->done[p->next % p->n_states]; p->next++) {
		p->done[p->next % p->n_states] = false;
		p->failed = p->ops->gather(p->ctx, state_of(p, p->next), p->err);
		drop_state(p, p->next);
	}
	pthread_cond_broadcast(&p->moved);
}

static int pass_run(void *ctx, unsigned worker, uint64_t index)
{
	struct pass *p = ctx;
	int rc;

	pthread_mutex_lock(&p->lock);
	while (!p->failed && index - p->next >= p->n_states)
		pthread_cond_wait(&p->moved, &p->lock);
	rc = p->failed;
	pthread_mutex_unlock(&p->lock);
	if (!rc)
		rc = look_at(p, &p->worker[worker], &p->m->runs[index], state_of(p, index));
	pthread_mutex_lock(&p->lock);
	p->done[index % p->n_states] = !rc;
	if (rc && !p->failed)
		p->failed = mmw_fail(p->err, (enum mmw_code)-rc, 0, "a pass over the memmap: %s", mmw_code_word(-rc));
	gather(p);
	rc = p->failed;
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* --- the pass ----------------------------------------------------------------------------------------------------- */

static int pass_open(struct pass *p, unsigned threads, struct mmw_err *err)
{
	int rc = 0;

	p->n_workers = mmw_parallel_workers(threads);
	p->n_states = (size_t)p->n_workers * STATES;
	p->worker = calloc(p->n_workers, sizeof(*p->worker));
	p->states = calloc(p->n_states, p->ops->state_size);
	p->done = calloc(p->n_states, sizeof(*p->done));
	if (!p->worker || !p->states || !p->done)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a pass over the memmap");
	for (unsigned i = 0; !rc && i < p->n_workers; i++) {
		rc = mmw_reader_open(mmw_kernel_image(p->k), &p->worker[i].reader, err);
		if (rc)
			break;
		mmw_walk_init(&p->worker[i].walk, p->worker[i].reader, mmw_kernel_vm(p->k)->walk.space, 0, 0);
		mmw_vm_init(&p->worker[i].vm, p->worker[i].reader, mmw_kernel_vm(p->k)->walk.space);
	}
	return rc;
}

static void pass_close(struct pass *p)
{
	for (unsigned i = 0; p->worker && i < p->n_workers; i++)
		mmw_reader_close(p->worker[i].reader);
	for (size_t i = 0; p->states && i < p->n_states; i++)
		drop_state(p, i);
	free(p->worker);
	free(p->states);
	free(p->done);
	pthread_cond_destroy(&p->moved);
	pthread_mutex_destroy(&p->lock);
}

int mmw_pass(struct mmw_kernel *k, const struct mmw_memmap *m, unsigned threads, const struct mmw_pass_ops *ops,
	     void *ctx, struct mmw_err *err)
{
	struct pass p = { .k = k, .m = m, .ops = ops, .ctx = ctx, .err = err, .lock = PTHREAD_MUTEX_INITIALIZER,
			  .moved = PTHREAD_COND_INITIALIZER };
	int rc = pass_open(&p, threads, err);

	if (!rc)
		rc = mmw_parallel(p.n_workers, m->n_runs, pass_run, &p, NULL);
	pass_close(&p);
	return rc;
}

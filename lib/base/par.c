/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/par.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORKERS_MAX = 64 };

struct job {
	int (*fn)(void *ctx, unsigned worker, uint64_t item);
	void *ctx;
	uint64_t items;
	_Atomic uint64_t next;
	_Atomic int rc;
};

struct worker {
	struct job *job;
	unsigned index;
	pthread_t thread;
};

unsigned mmw_parallel_workers(unsigned threads)
{
	long online;

	if (!threads) {
		online = sysconf(_SC_NPROCESSORS_ONLN);
		threads = online > 0 ? (unsigned)online : 1;
	}
	return threads < WORKERS_MAX ? threads : WORKERS_MAX;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct job *job = w->job;
	uint64_t item;

	while (!atomic_load(&job->rc) && (item = atomic_fetch_add(&job->next, 1)) < job->items) {
		int rc = job->fn(job->ctx, w->index, item), none = 0;

		if (rc < 0)
			atomic_compare_exchange_strong(&job->rc, &none, rc);
	}
	return NULL;
}

int mmw_parallel(unsigned threads, uint64_t items, int (*fn)(void *ctx, unsigned worker, uint64_t item), void *ctx,
		 struct mmw_err *err)
{
	struct job job = { .fn = fn, .ctx = ctx, .items = items };
	struct worker workers[WORKERS_MAX];
	unsigned n = mmw_parallel_workers(threads), started = 1;
	int rc;

	if (n > items)
		n = items ? (unsigned)items : 1;
	for (unsigned i = 0; i < n; i++)
		workers[i] = (struct worker){ .job = &job, .index = i };
	/* This thread is worker 0. One that cannot be started is no failure: the others do its share. */
	while (started < n && !pthread_create(&workers[started].thread, NULL, work, &workers[started]))
		started++;
	work(&workers[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	rc = atomic_load(&job.rc);
	return rc ? mmw_fail(err, (enum mmw_code)-rc, 0, "a worker thread failed") : 0;
}

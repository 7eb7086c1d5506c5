/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/sweep.h"

#include <stdlib.h>

/* A binary heap of the ranges that cover the sweep's position, the one to keep on top. */
struct heap {
	const struct mmw_sweep **at;
	size_t n;
};

static uint64_t end_of(const struct mmw_sweep *r)
{
	return r->start + r->len;
}

static void heap_push(struct heap *h, const struct mmw_sweep *r)
{
	size_t i = h->n++;

	for (; i && h->at[(i - 1) / 2]->rank > r->rank; i = (i - 1) / 2)
		h->at[i] = h->at[(i - 1) / 2];
	h->at[i] = r;
}

static void heap_pop(struct heap *h)
{
	const struct mmw_sweep *r = h->at[--h->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && h->at[child + 1]->rank < h->at[child]->rank)
			child++;
		if (h->at[child]->rank >= r->rank)
			break;
		h->at[i] = h->at[child];
		i = child;
	}
	h->at[i] = r;
}

static int by_start(const void *a, const void *b)
{
	const struct mmw_sweep *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int sweep(const struct mmw_sweep *ranges, size_t n, struct heap *h,
		 int (*emit)(void *ctx, size_t index, uint64_t from, uint64_t to), void *ctx)
{
	uint64_t pos = 0;
	size_t next = 0;
	int rc = 0;

	while (!rc && (next < n || h->n)) {
		uint64_t stop;

		if (!h->n && ranges[next].start > pos)
			pos = ranges[next].start;
		while (next < n && ranges[next].start <= pos)
			heap_push(h, &ranges[next++]);
		while (h->n && end_of(h->at[0]) <= pos)
			heap_pop(h);
		if (!h->n)
			continue;
		stop = end_of(h->at[0]);
		if (next < n && ranges[next].start < stop)
			stop = ranges[next].start;
		rc = emit(ctx, h->at[0]->index, pos, stop);
		pos = stop;
	}
	return rc;
}

int mmw_sweep(struct mmw_sweep *ranges, size_t n, int (*emit)(void *ctx, size_t index, uint64_t from, uint64_t to),
	      void *ctx, struct mmw_err *err)
{
	struct heap h = { malloc((n + 1) * sizeof(struct mmw_sweep *)), 0 };
	int rc;

	if (!h.at)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu ranges", n);
	qsort(ranges, n, sizeof(*ranges), by_start);
	rc = sweep(ranges, n, &h, emit, ctx);
	free(h.at);
	return rc;
}

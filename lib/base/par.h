/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doing independent items on several threads. */
#ifndef MMW_BASE_PAR_H
#define MMW_BASE_PAR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/*
 * Call fn(ctx, worker, item) for every item in [0, items), each once, by up to `threads` workers numbered from 0;
 * items are handed out in order. The first negative result stops the handing out and is returned. With one thread, or
 * one item, no thread is started. 0 threads: as many as the machine has processors.
 */
int mmw_parallel(unsigned threads, uint64_t items, int (*fn)(void *ctx, unsigned worker, uint64_t item), void *ctx,
		 struct mmw_err *err);

/* How many workers mmw_parallel will use at most for `threads`. */
unsigned mmw_parallel_workers(unsigned threads);

#endif

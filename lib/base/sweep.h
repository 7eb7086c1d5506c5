/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resolving overlaps: of the ranges that cover an address, the one with the lowest rank is kept. */
#ifndef MMW_BASE_SWEEP_H
#define MMW_BASE_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct mmw_sweep {
	uint64_t start, len;  /* len > 0, and start + len does not wrap */
	uint64_t rank;        /* different for each range */
	size_t index;         /* the caller's own */
};

/*
 * Sort `ranges`, and call emit(ctx, index, from, to) for each part [from, to) that a range keeps, in ascending order.
 * The first result of emit that is not 0 ends it and is returned.
 */
int mmw_sweep(struct mmw_sweep *ranges, size_t n, int (*emit)(void *ctx, size_t index, uint64_t from, uint64_t to),
	      void *ctx, struct mmw_err *err);

#endif

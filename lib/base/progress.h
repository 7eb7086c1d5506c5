/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling how far something that takes long has come. The library never prints: its user passes one of these. */
#ifndef MMW_BASE_PROGRESS_H
#define MMW_BASE_PROGRESS_H

#include <stdint.h>

struct mmw_progress {
	/* `what` is a few words ("searching for the kernel"); called by one thread at a time. */
	void (*step)(void *ctx, const char *what, uint64_t done, uint64_t total);
	void *ctx;
};

/* NULL, or one without a function, is told nothing. */
static inline void mmw_progress(const struct mmw_progress *p, const char *what, uint64_t done, uint64_t total)
{
	if (p && p->step)
		p->step(p->ctx, what, done, total);
}

#endif

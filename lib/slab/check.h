/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that can be wrong with a slab allocator: what opening and the pass find (lib/slab/slab.h), what slabs say
 * of themselves against where they are, the counters against the pass, the struct pages, and the bytes that slub_debug
 * put around objects (lib/slab/guard.h).
 */
#ifndef MMW_SLAB_CHECK_H
#define MMW_SLAB_CHECK_H

#include "lib/slab/slab.h"

struct mmw_slab_check {
	struct mmw_slabs slabs;   /* with what is wrong: slabs.problems */
	uint64_t n_slabs, n_objects;
	uint64_t guarded;         /* objects with a red zone, poison or padding, which were looked at */
	bool no_counters;         /* this kernel does not count slabs (CONFIG_SLUB_DEBUG is off) */
};

/* As mmw_slabs_open() and mmw_slabs_pass() fail. */
int mmw_slabs_check(struct mmw_kernel *k, unsigned threads, struct mmw_slab_check *out, struct mmw_err *err);
void mmw_slab_check_close(struct mmw_slab_check *c);

#endif

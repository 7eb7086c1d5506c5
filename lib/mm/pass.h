/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass over the struct pages of a machine: in physical order, on several threads, each page of the memmap read once.
 *
 * Memory sections are handed out to threads; what is found in one is kept in a state of its own, and the states are gathered
 * in ascending order afterwards. So the outcome does not depend on the number of threads.
 */
#ifndef MMW_MM_PASS_H
#define MMW_MM_PASS_H

#include "lib/mm/memmap.h"

/* Struct pages that follow each other, or ones that cannot be had. */
struct mmw_page_run {
	uint64_t pfn, n;
	const uint8_t *bytes;  /* n * memmap.page_size; NULL: cannot be read */
	uint64_t va;           /* of the first one */
	enum mmw_code why;     /* when they cannot; MMW_E_NOTPRESENT: nothing is mapped there, so there are none */
	struct mmw_vm *vm;     /* of this thread, for what lies elsewhere */
};

struct mmw_pass_ops {
	size_t state_size;  /* of a section's state, zeroed before */
	/*
	 * Look at a run. Returns how many frames that takes us on: run->n, or more where what was seen tells of the frames
	 * that follow; or a negative code, which ends the pass. Several threads at once, each with other sections' states.
	 */
	int64_t (*look)(void *ctx, void *state, const struct mmw_page_run *run);
	/* The states one after the other, in ascending order of their sections. Not called when the pass fails. */
	int (*gather)(void *ctx, void *state, struct mmw_err *err);
	void (*drop)(void *state);  /* frees what a state holds; may be NULL */
};

int mmw_pass(struct mmw_kernel *k, const struct mmw_memmap *m, unsigned threads, const struct mmw_pass_ops *ops, void *ctx,
	     struct mmw_err *err);

#endif

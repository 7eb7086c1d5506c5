/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass over the struct pages of a machine: in physical order, on several threads, each page of the memmap read
 * once.
 *
 * The memmap's runs are handed out to threads; what is found in one is kept in a state of its own, and the states are
 * gathered in ascending order, each as soon as all before it are. So the outcome does not depend on the number of
 * threads, and no more than a few states are there at a time.
 */
#ifndef MMW_MM_PASS_H
#define MMW_MM_PASS_H

#include "lib/mm/memmap.h"

/* Struct pages that follow each other, or frames whose ones cannot be had or say nothing. */
struct mmw_page_run {
	uint64_t pfn, n;       /* n may be huge where state is MMW_FRAME_NONE */
	enum mmw_frame_state state;
	const uint8_t *bytes;  /* n * memmap.page_size, if state is MMW_FRAME_ONLINE and they can be read; else NULL */
	uint64_t va;           /* of the first one; 0: NONE */
	enum mmw_code why;     /* without bytes; MMW_E_NOTPRESENT: because of their state, or nothing is mapped there */
	/*
	 * The page of memmap before these ones is mapped here again, and again: what a huge page's tail frames have
	 * since the kernel saves their struct pages (HugeTLB vmemmap optimisation, 5.14 on: mm/hugetlb_vmemmap.c).
	 * Where it is the very first page of its memmap that is repeated (5.18 to 7.0), a struct page at the start of
	 * a page of memmap looks like the head of the huge page although it is one of its tails
	 * (include/linux/page-flags.h, page_fixed_fake_head()); the others are tails as they should be.
	 */
	bool repeated;
	struct mmw_vm *vm;     /* of this thread, for what lies elsewhere */
};

struct mmw_pass_ops {
	size_t state_size;  /* of a state, zeroed before */
	/*
	 * Look at a run. Runs tile [0, memmap.end). Returns how many frames that takes us on: run->n, or more where
	 * what was seen tells of the frames that follow (that counts as far as the memmap's run goes, MMW_RUN_FRAMES
	 * at most); or a negative code, which ends the pass. Several threads at once, each with a state of its own.
	 */
	int64_t (*look)(void *ctx, void *state, const struct mmw_page_run *run);
	/* The states one after the other, ascending; on any thread, but one at a time. A failure ends the pass. */
	int (*gather)(void *ctx, void *state, struct mmw_err *err);
	void (*drop)(void *state);  /* frees what a state holds, perhaps nothing; may be NULL */
};

int mmw_pass(struct mmw_kernel *k, const struct mmw_memmap *m, unsigned threads, const struct mmw_pass_ops *ops,
	     void *ctx, struct mmw_err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel from a recipe, parts of which the input overwrites: patches of a window (3 bits), a 16-bit offset into
 * it, a length, bytes. The memory is made once and put back after each input.
 */
#ifndef MMW_TESTS_PATCHED_H
#define MMW_TESTS_PATCHED_H

#include "lib/kernel/kernel.h"
#include "tests/tools/blob.h"

enum { PATCH_WINDOWS = 8 };

struct patched {
	const char *recipe;  /* its path; 4 MiB of memory with the root at 242000 */
	struct {
		uint32_t at, len;
	} windows[PATCH_WINDOWS];  /* none of length 0 */
	struct blob image;
	uint8_t *memory, *clean;
};

/* `ask` gets the kernel if it is found at all. */
void patched_run(struct patched *m, const uint8_t *data, size_t size, void (*ask)(struct mmw_kernel *k));

#endif

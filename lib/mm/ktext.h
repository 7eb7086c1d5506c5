/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings in the kernel's image. What a kernel prints into a file of /proc its own format strings tell, in every
 * version and configuration, where neither types nor symbols do.
 */
#ifndef MMW_MM_KTEXT_H
#define MMW_MM_KTEXT_H

#include "lib/kernel/kernel.h"

enum { MMW_KTEXT_MAX = 96 };

struct mmw_ktext {
	const char *start;  /* what it starts with */
	uint64_t va;        /* the first such string; 0: none */
};

/*
 * Look for n (at most MMW_KTEXT_MAX) strings behind the kernel's code, in one go. Pages that cannot be read are passed
 * over. Returns how much could be read, in bytes: of 0, nothing can be said.
 */
uint64_t mmw_ktext_find(struct mmw_kernel *k, struct mmw_ktext *wanted, size_t n);

/* The string at va, or as much of it as buf holds; "" when it cannot be read. */
void mmw_ktext_read(struct mmw_kernel *k, uint64_t va, char *buf, size_t size);

#endif

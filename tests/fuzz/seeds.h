/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First inputs of the fuzzers, made instead of stored. */
#ifndef MMW_TESTS_SEEDS_H
#define MMW_TESTS_SEEDS_H

#include "tests/tools/blob.h"
#include "tests/tools/phys.h"

/* Seed number `index` of fuzz_NAME; false past the last one, or when that fuzzer starts from nothing. */
bool fuzz_seed(const char *fuzzer, unsigned index, struct blob *out);

enum { TINY_KERNELS = 8 };

/*
 * Kernel number `index` in as little memory as one takes: every layout of kallsyms, both byte orders, each way to find
 * it. The machine's memory starts at 0 and has no holes.
 */
void tiny_kernel(unsigned index, struct phys *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The physical memory of a synthetic machine, its CPUs, and what its kernel says of itself in a note. */
#ifndef MMW_TESTS_PHYS_H
#define MMW_TESTS_PHYS_H

#include "tests/tools/blob.h"

enum { PHYS_PAGE = 4096, PHYS_CPUS_MAX = 8 };

enum phys_state { PHYS_ABSENT, PHYS_STORED, PHYS_EXCLUDED };

struct phys_page {
	uint64_t pfn;
	enum phys_state state;
	uint8_t *bytes;  /* NULL: all zero */
};

struct phys_cpu {
	uint64_t pc, sp, cr0, cr2, cr3, cr4, gs_base, kernel_gs_base;
	bool qemu;  /* it has control registers, which only QEMU's note tells */
};

struct phys {
	bool big_endian;
	struct phys_page *pages;  /* ascending by pfn */
	size_t n, cap;
	struct phys_cpu cpus[PHYS_CPUS_MAX];
	size_t n_cpus;
	struct blob vmcoreinfo;
};

void phys_fini(struct phys *p);

/* [pa, pa + len), whole pages, becomes memory (zero), or memory that the dumper left out. */
void phys_add(struct phys *p, uint64_t pa, uint64_t len, enum phys_state state);

/* The page's entry, or NULL where no memory is. */
struct phys_page *phys_find(const struct phys *p, uint64_t pfn);

/* All bytes must be in memory that is stored: anything else is a mistake in the recipe and ends the program. */
void phys_write(struct phys *p, uint64_t pa, const void *bytes, size_t n);
void phys_put(struct phys *p, uint64_t pa, uint64_t v, unsigned size);
uint64_t phys_get64(const struct phys *p, uint64_t pa);
/* A page's bytes; `zero_page` of that size stands for one that was never written. */
const uint8_t *phys_page_bytes(const struct phys_page *page);

/* The run of consecutive pages in one state that starts at index i: its length in pages. */
size_t phys_run(const struct phys *p, size_t i);

/* One range from 0 without holes: what a raw image can hold without losing anything. */
bool phys_flat(const struct phys *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An x86-64 kernel in 4 MiB of memory, made of recipe text: its image at 200000 (ffffffff81000000), data from 240000
 * on, root at 242000, the linear map at ffff888000000000, a memmap of 64 bytes a frame at 300000 (ffffea0000000000).
 */
#ifndef MMW_TESTS_MACHINE_H
#define MMW_TESTS_MACHINE_H

#include "lib/kernel/kernel.h"
#include "tests/tools/blob.h"
#include "tests/tools/phys.h"

struct machine {
	struct blob b;
	struct mmw_image *img;
	struct mmw_kernel *k;
};

/* Lines of the recipe that others are added to. */
void machine_say(struct blob *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Symbols, types and the rest of the recipe; a machine in which no kernel is found ends the program. */
void machine_init(struct machine *m, const char *release, const char *symbols, const char *types, const char *body);
/* The same of memory that is there already, and freed then. */
void machine_open(struct machine *m, struct phys *memory);
void machine_fini(struct machine *m);

#endif

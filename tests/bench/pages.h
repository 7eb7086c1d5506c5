/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a library must do to be measured by pages.c: open a dump, and read its pages by physical address. */
#ifndef MMW_BENCH_PAGES_H
#define MMW_BENCH_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* Each ends the program with a message when it fails. The first file is the dump, others are further parts of it. */
void *bench_open(char *const *files, size_t n);
void bench_close(void *dump);

/* One per thread. */
void *bench_reader(void *dump);
void bench_reader_close(void *reader);
void bench_read(void *reader, uint64_t pa, void *page);

/* Every page of 4 KiB that is stored: their addresses, ascending (malloc'd). A library that cannot tell returns 0. */
size_t bench_list(void *dump, uint64_t **out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memmap IMAGE THREADS RUNS [TYPES]    pass over all struct pages of the image's kernel, RUNS times
 *
 * Prints what a pass took in seconds at best, wall and CPU, what finding the kernel and its memmap took before, the
 * bytes of struct pages, and how many of them have any flag set. tests/bench/memmap runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/formats.h"
#include "lib/base/bytes.h"
#include "lib/mm/pass.h"

struct count {
	const struct mmw_memmap *m;
	unsigned word;
	uint64_t pages, flagged, bytes;
};

static double clock_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(int rc, const struct mmw_err *err)
{
	if (!rc)
		return;
	fprintf(stderr, "memmap: %s\n", err->msg);
	exit(3);
}

/* The flags are the first word of struct page in every kernel. */
static int64_t look(void *ctx, void *state, const struct mmw_page_run *run)
{
	const struct count *c = ctx;
	struct count *found = state;

	if (!run->bytes)
		return (int64_t)run->n;
	for (uint64_t i = 0; i < run->n; i++)
		found->flagged += !mmw_all_zero(run->bytes + i * c->m->page_size, c->word);
	found->pages += run->n;
	return (int64_t)run->n;
}

static int gather(void *ctx, void *state, struct mmw_err *err)
{
	struct count *c = ctx, *found = state;

	(void)err;
	c->flagged += found->flagged;
	c->pages += found->pages;
	return 0;
}

int main(int argc, char **argv)
{
	const struct mmw_pass_ops ops = { sizeof(struct count), look, gather, NULL };
	struct mmw_kernel_file types = { .path = argc > 4 ? argv[4] : NULL, .types = true };
	struct mmw_kernel_opts opts = { .files = &types, .n_files = argc > 4 };
	double start = clock_of(CLOCK_MONOTONIC), opened, wall = 1e9, cpu = 1e9;
	struct mmw_err err = { 0 };
	struct mmw_image *img = NULL;
	struct mmw_kernel *k = NULL;
	struct mmw_memmap m;
	struct count c = { 0 };

	if (argc < 4) {
		fprintf(stderr, "usage: memmap IMAGE THREADS RUNS [TYPES]\n");
		return 2;
	}
	opts.threads = (unsigned)strtoul(argv[2], NULL, 10);
	check(mmw_open(argv[1], NULL, &img, &err), &err);
	check(mmw_kernel_bind(img, &opts, &k, &err), &err);
	check(mmw_memmap_open(k, &m, &err), &err);
	opened = clock_of(CLOCK_MONOTONIC) - start;
	for (unsigned long i = strtoul(argv[3], NULL, 10); i; i--) {
		double from = clock_of(CLOCK_MONOTONIC), cpu_from = clock_of(CLOCK_PROCESS_CPUTIME_ID), took;

		c = (struct count){ .m = &m, .word = mmw_kernel_arch(k)->word };
		check(mmw_pass(k, &m, opts.threads, &ops, &c, &err), &err);
		took = clock_of(CLOCK_MONOTONIC) - from;
		wall = took < wall ? took : wall;
		took = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_from;
		cpu = took < cpu ? took : cpu;
	}
	printf("%.6f %.6f %.6f %llu %llu\n", wall, cpu, opened, (unsigned long long)(c.pages * m.page_size),
	       (unsigned long long)c.flagged);
	mmw_memmap_close(&m);
	mmw_kernel_close(k);
	mmw_image_close(img);
	return 0;
}

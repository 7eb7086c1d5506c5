/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages list LIST FILE...                    the addresses of all pages that a dump stores, into LIST
 * pages read LIST PAGES SEED THREADS FILE... opens the dump and reads PAGES of them, in a random order unless SEED is 0
 *
 * Prints what opening and reading took in seconds, the second also in CPU time, the number of pages, and a sum over
 * their bytes by which two libraries can be compared.
 * Linked with one library or the other: pages_mmwalk.c, pages_kdumpfile.c. tests/bench/formats runs it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/pages.h"

enum { PAGE = 4096, OPENS = 5 };

struct work {
	pthread_t thread;
	void *dump;
	const uint64_t *pages;
	size_t n;
	uint64_t sum;
};

static void die(const char *what)
{
	fprintf(stderr, "pages: %s\n", what);
	exit(3);
}

static double clock_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double open_time(char *const *files, size_t n)
{
	double took[OPENS];

	for (int i = 0; i < OPENS; i++) {
		double start = now();
		void *dump = bench_open(files, n);

		took[i] = now() - start;
		bench_close(dump);
	}
	qsort(took, OPENS, sizeof(took[0]), by_value);
	return took[OPENS / 2];
}

static uint64_t *read_list(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	uint64_t *pages;
	long size = 0;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		die("the list of pages cannot be read");
	*n = (size_t)size / sizeof(*pages);
	pages = malloc((size_t)size + 1);
	if (!pages || fread(pages, sizeof(*pages), *n, f) != *n)
		die("the list of pages cannot be read");
	fclose(f);
	return pages;
}

static void shuffle(uint64_t *pages, size_t n, uint64_t seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t k;
		uint64_t page;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		k = (seed >> 20) % i;
		page = pages[k];
		pages[k] = pages[i - 1];
		pages[i - 1] = page;
	}
}

static void *read_pages(void *arg)
{
	struct work *w = arg;
	void *reader = bench_reader(w->dump);
	uint64_t page[PAGE / 8];

	for (size_t i = 0; i < w->n; i++) {
		bench_read(reader, w->pages[i], page);
		for (size_t k = 0; k < PAGE / 8; k += 32)
			w->sum += page[k] * (w->pages[i] + k + 1);
	}
	bench_reader_close(reader);
	return NULL;
}

/* Each thread has a stretch of the order to itself. */
static double read_time(void *dump, const uint64_t *pages, size_t n, size_t threads, double *cpu, uint64_t *sum)
{
	struct work *w = calloc(threads, sizeof(*w));
	double start = now(), cpu_start = clock_of(CLOCK_PROCESS_CPUTIME_ID);

	if (!w)
		die("no memory");
	for (size_t i = 0; i < threads; i++) {
		size_t from = n * i / threads;

		w[i] = (struct work){ .dump = dump, .pages = pages + from, .n = n * (i + 1) / threads - from };
		if (threads == 1)
			read_pages(&w[i]);
		else if (pthread_create(&w[i].thread, NULL, read_pages, &w[i]))
			die("no thread");
	}
	*sum = 0;
	for (size_t i = 0; i < threads; i++) {
		if (threads > 1)
			pthread_join(w[i].thread, NULL);
		*sum += w[i].sum;
	}
	free(w);
	*cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
	return now() - start;
}

static int write_list(const char *path, char *const *files, size_t n_files)
{
	void *dump = bench_open(files, n_files);
	uint64_t *pages = NULL;
	size_t n = bench_list(dump, &pages);
	FILE *f = fopen(path, "wb");

	if (!n || !f || fwrite(pages, sizeof(*pages), n, f) != n || fclose(f))
		die("no list of pages");
	free(pages);
	bench_close(dump);
	printf("%zu\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	size_t n, want, threads;
	uint64_t *pages, sum, seed;
	double opening, reading, cpu;
	void *dump;

	if (argc >= 4 && !strcmp(argv[1], "list"))
		return write_list(argv[2], argv + 3, (size_t)argc - 3);
	if (argc < 7 || strcmp(argv[1], "read"))
		die("usage: list LIST FILE..., or read LIST PAGES SEED THREADS FILE...");
	pages = read_list(argv[2], &n);
	want = strtoull(argv[3], NULL, 10);
	seed = strtoull(argv[4], NULL, 10);
	threads = strtoull(argv[5], NULL, 10);
	if (seed)
		shuffle(pages, n, seed);
	opening = open_time(argv + 6, (size_t)argc - 6);
	dump = bench_open(argv + 6, (size_t)argc - 6);
	reading = read_time(dump, pages, want < n ? want : n, threads ? threads : 1, &cpu, &sum);
	bench_close(dump);
	free(pages);
	printf("%.6f %.6f %.6f %zu %016llx\n", opening, reading, cpu, want < n ? want : n, (unsigned long long)sum);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "formats/formats.h"
#include "tests/bench/pages.h"

enum { PAGE = 4096 };

static void check(int rc, const struct mmw_err *err)
{
	if (!rc)
		return;
	fprintf(stderr, "mmwalk: %s\n", err->msg);
	exit(3);
}

void *bench_open(char *const *files, size_t n)
{
	const struct mmw_open_opts opts = { .parts = (const char *const *)files + 1, .n_parts = n - 1 };
	struct mmw_image *img = NULL;
	struct mmw_err err = { 0 };

	check(mmw_open(files[0], &opts, &img, &err), &err);
	return img;
}

void bench_close(void *dump)
{
	mmw_image_close(dump);
}

void *bench_reader(void *dump)
{
	struct mmw_reader *r = NULL;
	struct mmw_err err = { 0 };

	check(mmw_reader_open(dump, &r, &err), &err);
	return r;
}

void bench_reader_close(void *reader)
{
	mmw_reader_close(reader);
}

void bench_read(void *reader, uint64_t pa, void *page)
{
	struct mmw_err err = { 0 };

	check(mmw_read(reader, pa, page, PAGE, &err), &err);
}

size_t bench_list(void *dump, uint64_t **out)
{
	size_t n = 0, cap = mmw_image_stored(dump) / PAGE;
	uint64_t *pages = malloc((cap + 1) * sizeof(*pages));
	struct mmw_extent e;

	for (uint64_t from = 0; pages && mmw_image_next_extent(dump, from, &e); from = e.pa + e.len) {
		uint64_t pa = (e.pa + PAGE - 1) / PAGE * PAGE;

		for (; e.state == MMW_STORED && n < cap && pa + PAGE <= e.pa + e.len; pa += PAGE)
			pages[n++] = pa;
	}
	*out = pages;
	return n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libkdumpfile, measured as pages_mmwalk.c measures ours: a clone of the context for each thread. */
#include <fcntl.h>
#include <libkdumpfile/kdumpfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/pages.h"

enum { PAGE = 4096, FILES_MAX = 64 };

struct dump {
	kdump_ctx_t *ctx;
	int fds[FILES_MAX];
	size_t n;
};

static void fail(const char *what, kdump_ctx_t *ctx)
{
	fprintf(stderr, "libkdumpfile: %s: %s\n", what, ctx ? kdump_get_err(ctx) : "");
	exit(3);
}

void *bench_open(char *const *files, size_t n)
{
	struct dump *d = calloc(1, sizeof(*d));

	if (!d || n > FILES_MAX || !(d->ctx = kdump_new()))
		fail("no context", NULL);
	for (d->n = 0; d->n < n; d->n++) {
		d->fds[d->n] = open(files[d->n], O_RDONLY);
		if (d->fds[d->n] < 0)
			fail(files[d->n], NULL);
	}
	if (kdump_open_fdset(d->ctx, n, d->fds) != KDUMP_OK)
		fail(files[0], d->ctx);
	return d;
}

void bench_close(void *dump)
{
	struct dump *d = dump;

	kdump_free(d->ctx);
	for (size_t i = 0; i < d->n; i++)
		close(d->fds[i]);
	free(d);
}

void *bench_reader(void *dump)
{
	kdump_ctx_t *clone = kdump_clone(((struct dump *)dump)->ctx, 0);

	if (!clone)
		fail("no clone of the context", NULL);
	return clone;
}

void bench_reader_close(void *reader)
{
	kdump_free(reader);
}

void bench_read(void *reader, uint64_t pa, void *page)
{
	size_t size = PAGE;

	if (kdump_read(reader, KDUMP_MACHPHYSADDR, pa, page, &size) != KDUMP_OK || size != PAGE)
		fail("reading a page", reader);
}

/* Pages left out and pages of zeros look alike here: mmwalk's list is used. */
size_t bench_list(void *dump, uint64_t **out)
{
	(void)dump;
	*out = NULL;
	return 0;
}

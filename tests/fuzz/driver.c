/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzzer as an ordinary program, for any compiler: driver NAME [--mutate N] [FILE|DIRECTORY...]
 *
 * Runs the seeds of fuzz_NAME and every file named (a directory that does not exist holds none), and with --mutate N
 * changes of each, always the same ones. What the fuzzer checks aborts the program.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/seeds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SECONDS_MAX = 60 };  /* for one input and its changes */

struct driver {
	unsigned mutations;
	unsigned long inputs;
	uint64_t random;
};

static uint64_t rnd(struct driver *d, uint64_t below)
{
	d->random ^= d->random >> 12;
	d->random ^= d->random << 25;
	d->random ^= d->random >> 27;
	return (d->random * 0x2545f4914f6cdd1dull >> 16) % below;
}

/* From memory of exactly this size, so that a sanitizer sees the end. */
static void run(struct driver *d, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = xrealloc(NULL, len);

	if (len)
		memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	d->inputs++;
}

static void mutate(struct driver *d, struct blob *b)
{
	static const uint8_t extremes[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (uint64_t n = 1 + rnd(d, 4); n && b->len; n--) {
		size_t at = rnd(d, rnd(d, 2) ? b->len : (b->len < 64 ? b->len : 64));

		switch (rnd(d, 6)) {
		case 0:
			b->len = at;
			break;
		case 1:
			b->bytes[at] ^= (uint8_t)(1u << rnd(d, 8));
			break;
		case 2:
			for (size_t i = at; i < b->len && i < at + 4; i++)
				b->bytes[i] = extremes[rnd(d, sizeof(extremes))];
			break;
		case 3:
			memmove(b->bytes + at, b->bytes + rnd(d, at + 1), b->len - at);
			break;
		default:
			b->bytes[at] = (uint8_t)rnd(d, 256);
		}
	}
}

static void run_all(struct driver *d, const struct blob *b)
{
	alarm(SECONDS_MAX);
	run(d, b->bytes, b->len);
	for (unsigned i = 0; i < d->mutations; i++) {
		struct blob copy = { 0 };

		blob_add(&copy, b->bytes, b->len);
		mutate(d, &copy);
		run(d, copy.bytes, copy.len);
		blob_fini(&copy);
	}
}

static void run_file(struct driver *d, const char *path)
{
	struct blob b = { 0 };

	blob_read(&b, path);
	run_all(d, &b);
	blob_fini(&b);
}

static void run_directory(struct driver *d, const char *path)
{
	struct dirent **list;
	char file[4096];
	int n = scandir(path, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name);
		if (list[i]->d_name[0] != '.')
			run_file(d, file);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

int main(int argc, char **argv)
{
	struct driver d = { .random = 0x9e3779b97f4a7c15u };
	struct blob b = { 0 };
	int arg = 2;

	if (argc < 2)
		die("usage: driver NAME [--mutate N] [FILE|DIRECTORY...]");
	if (argc > 3 && !strcmp(argv[2], "--mutate")) {
		d.mutations = (unsigned)atoi(argv[3]);
		arg = 4;
	}
	for (unsigned i = 0; fuzz_seed(argv[1], i, &b); i++) {
		run_all(&d, &b);
		blob_fini(&b);
	}
	for (; arg < argc; arg++) {
		DIR *dir = opendir(argv[arg]);

		if (dir)
			closedir(dir);
		if (dir)
			run_directory(&d, argv[arg]);
		else if (!access(argv[arg], F_OK))
			run_file(&d, argv[arg]);
	}
	printf("%lu inputs\n", d.inputs);
	return d.inputs ? 0 : 2;
}

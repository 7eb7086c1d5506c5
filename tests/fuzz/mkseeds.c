/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mkseeds FUZZER DIRECTORY: write the first inputs of fuzz_FUZZER into an existing directory. */
#include <stdio.h>

#include "tests/fuzz/seeds.h"

int main(int argc, char **argv)
{
	struct blob b = { 0 };
	unsigned n = 0;
	char path[4096];

	if (argc != 3)
		die("usage: mkseeds FUZZER DIRECTORY");
	for (; fuzz_seed(argv[1], n, &b); n++) {
		snprintf(path, sizeof(path), "%s/seed-%02u", argv[2], n);
		blob_write(&b, path);
		blob_fini(&b);
	}
	printf("%u seeds\n", n);
	return 0;
}

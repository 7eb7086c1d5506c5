/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as the wrapper MMW_FUZZ_FORMAT: what is inside keeps to the limit, reads the same however it is cut into
 * reads, and is opened as whatever it looks like. `flattened` has a fuzzer of its own.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/image/build.h"
#include "tests/tools/exercise.h"

enum { EXPAND_MAX = 1 << 20 };

extern const struct mmw_format MMW_FUZZ_WRAPPER;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void read_inner(struct mmw_file *f)
{
	uint64_t size = f->size < 100000 ? f->size : 100000, at = f->size - size;
	uint8_t *whole = malloc(size ? size : 1), part[3001];

	if (whole && !mmw_file_read(f, at, whole, size, NULL)) {
		for (uint64_t off = 0; off < size; off += sizeof(part) - 7) {
			size_t n = size - off < sizeof(part) ? size - off : sizeof(part);

			if (mmw_file_read(f, at + off, part, n, NULL) || memcmp(part, whole + off, n))
				abort();
		}
	}
	free(whole);
}

static void open_inner(const uint8_t *bytes, size_t len)
{
	const struct mmw_open_opts opts = { .format = MMW_FUZZ_FORMAT, .max_expand = EXPAND_MAX };
	struct mmw_reader *reader;
	struct mmw_file *file;
	struct mmw_image *img;
	struct mmw_err err = { 0 };
	int rc;

	if (mmw_file_memory(bytes, len, "fuzz", &file, &err))
		return;
	rc = mmw_open_file(file, "fuzz", &opts, &img, &err);
	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	if (!mmw_reader_open(img, &reader, &err)) {
		exercise_extents(img, reader);
		mmw_reader_close(reader);
	}
	mmw_image_close(img);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct mmw_unwrap how = { .max_expand = EXPAND_MAX };
	struct mmw_bytes head = mmw_bytes_of(bytes, len < MMW_PROBE_HEAD ? len : MMW_PROBE_HEAD, false, "fuzz");
	struct mmw_file *outer, *inner;
	struct mmw_err err = { 0 };
	int rc;

	if (mmw_file_memory(bytes, len, "fuzz", &outer, &err))
		return 0;
	if (MMW_FUZZ_WRAPPER.probe(&head, len) < 0)
		abort();
	rc = MMW_FUZZ_WRAPPER.unwrap(outer, &how, &inner, &err);
	if (rc) {
		exercise_error(rc, &err);
		mmw_file_close(outer);
		return 0;
	}
	if (!inner->size || (inner->size > EXPAND_MAX && inner->size > len))
		abort();
	read_inner(inner);
	mmw_file_close(inner);
	open_inner(bytes, len);
	return 0;
}

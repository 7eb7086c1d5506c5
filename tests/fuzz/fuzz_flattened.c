/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a flattened stream, and what is inside as whatever it looks like. Seeds: kd_flatten() of kd_sample(). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/image/build.h"

extern const struct mmw_format mmw_format_flattened;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* However it is cut into reads, the inner file has the same bytes. */
static void read_inner(struct mmw_file *f)
{
	uint64_t size = f->size < 20000 ? f->size : 20000, at = f->size - size;
	uint8_t *whole = malloc(size), part[1000];

	if (whole && !mmw_file_read(f, at, whole, size, NULL)) {
		for (uint64_t off = 0; off < size; off += sizeof(part) - 7) {
			size_t n = size - off < sizeof(part) ? size - off : sizeof(part);

			/* A gap at the very start reads as zeros for the probe only. */
			if (mmw_file_read(f, at + off, part, n, NULL) ? at != 0 : memcmp(part, whole + off, n))
				abort();
		}
	}
	free(whole);
}

static void open_inner(const uint8_t *bytes, size_t len)
{
	const struct mmw_open_opts opts = { .format = "flattened" };
	struct mmw_file *file;
	struct mmw_image *img;
	struct mmw_reader *r;
	struct mmw_extent e;
	uint64_t from = 0;
	uint8_t buf[4096];

	if (mmw_file_memory(bytes, len, "fuzz", &file, NULL) || mmw_open_file(file, "fuzz", &opts, &img, NULL))
		return;
	if (!mmw_reader_open(img, &r, NULL)) {
		for (int i = 0; i < 16 && mmw_image_next_extent(img, from, &e); i++) {
			mmw_read(r, e.pa, buf, sizeof(buf), NULL);
			mmw_read(r, e.pa + e.len - 1, buf, 1, NULL);
			from = e.pa + e.len;
		}
		mmw_reader_close(r);
	}
	mmw_image_close(img);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct mmw_file *outer, *inner;
	struct mmw_err err;

	if (mmw_file_memory(bytes, len, "fuzz", &outer, &err))
		return 0;
	if (mmw_format_flattened.unwrap(outer, NULL, &inner, &err)) {
		mmw_file_close(outer);
		return 0;
	}
	read_inner(inner);
	mmw_file_close(inner);
	open_inner(bytes, len);
	return 0;
}

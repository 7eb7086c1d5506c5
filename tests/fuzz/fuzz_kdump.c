/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a kdump-compressed dump. Seeds: kd_sample() of tests/unit/kdump_build.c. */
#include <stdint.h>
#include <stdlib.h>

#include "formats/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Extents must ascend; only those that say so may read. */
static void walk(const struct mmw_image *img, struct mmw_reader *r)
{
	struct mmw_extent e;
	uint64_t from = 0;
	uint8_t buf[512];

	for (int i = 0; i < 64 && mmw_image_next_extent(img, from, &e); i++) {
		if (e.pa < from || !e.len || e.pa + e.len < e.pa)
			abort();
		for (uint64_t pa = e.pa; pa < e.pa + e.len && pa < e.pa + 16 * 4096; pa += 4096)
			if (!mmw_read(r, pa, buf, sizeof(buf), NULL) && e.state != MMW_STORED)
				abort();
		mmw_read(r, e.pa + e.len - 8, buf, sizeof(buf), NULL);
		from = e.pa + e.len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint64_t anywhere[] = {
		0, 0x1000, 0xfff, 0x41000, 0x100000000, 1ull << 52, UINT64_MAX - 4096, UINT64_MAX,
	};
	const struct mmw_open_opts opts = { .format = "kdump" };
	struct mmw_file *file;
	struct mmw_image *img;
	struct mmw_reader *r;
	struct mmw_err err;
	const uint8_t *table;
	uint8_t buf[64];

	if (mmw_file_memory(bytes, len, "fuzz", &file, &err) || mmw_open_file(file, "fuzz", &opts, &img, &err))
		return 0;
	if (!mmw_reader_open(img, &r, &err)) {
		walk(img, r);
		for (size_t i = 0; i < sizeof(anywhere) / sizeof(anywhere[0]); i++)
			mmw_read(r, anywhere[i], buf, sizeof(buf), &err);
		mmw_read_table(r, 0x1000, 4096, &table, &err);
		mmw_reader_close(r);
	}
	mmw_image_close(img);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as the description of a cloud-hypervisor snapshot, beside memory that is always the same. */
#include <stdlib.h>

#include "lib/image/build.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct mmw_format mmw_format_chv;

static int open_pair(const uint8_t *data, size_t size, struct mmw_image **img, struct mmw_err *err)
{
	static const uint8_t memory[16384];
	struct mmw_file *file;
	int rc;

	if (mmw_file_memory(data, size, "state", &file, err) || mmw_image_new(file, "fuzz", img, err) ||
	    mmw_file_memory(memory, sizeof(memory), "memory", &file, err) || mmw_image_add_part(*img, file, NULL, err))
		abort();
	(*img)->format = &mmw_format_chv;
	rc = mmw_format_chv.open(*img, err);
	return rc ? rc : mmw_image_seal(*img, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mmw_reader *reader;
	struct mmw_image *img;
	struct mmw_err err = { 0 };
	int rc;

	if (!size)
		return 0;
	rc = open_pair(data, size, &img, &err);
	if (rc) {
		exercise_error(rc, &err);
	} else if (!mmw_reader_open(img, &reader, &err)) {
		exercise_extents(img, reader);
		mmw_reader_close(reader);
	}
	mmw_image_close(img);
	return 0;
}

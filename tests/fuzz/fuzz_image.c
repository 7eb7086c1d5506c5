/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as an image of the format MMW_FUZZ_FORMAT: what opens must hold every promise of lib/image/image.h. A
 * format with promises of its own has a fuzzer of its own.
 */
#include <stdint.h>

#include "formats/formats.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mmw_open_opts opts = { .format = MMW_FUZZ_FORMAT };
	struct mmw_reader *reader;
	struct mmw_image *img;
	struct mmw_file *file;
	struct mmw_err err = { 0 };
	int rc;

	if (mmw_file_memory(data, size, "fuzz", &file, &err))
		return 0;
	rc = mmw_open_file(file, "fuzz", &opts, &img, &err);
	if (rc) {
		exercise_error(rc, &err);
		return 0;
	}
	if (!mmw_reader_open(img, &reader, &err)) {
		exercise_extents(img, reader);
		mmw_reader_close(reader);
	}
	mmw_image_close(img);
	return 0;
}

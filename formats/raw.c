/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw physical memory: offset 0 of the file is the address the user gives (FILE@PA, --image-base), 0 without.
 *
 * There is no header to recognise, so this format is last in the list and takes whatever nobody else knows, as long as
 * the file is whole pages. Whether it is memory at all shows when the kernel is searched.
 */
#include <inttypes.h>
#include <stdio.h>

#include "lib/image/build.h"

enum { RAW_PAGE = 4096 };

static int raw_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)head;
	return file_size && file_size % RAW_PAGE == 0 ? 1 : 0;
}

static int raw_open(struct mmw_image *img, struct mmw_err *err)
{
	snprintf(img->note, sizeof(img->note), "offset 0 is physical 0x%" PRIx64, img->raw_base);
	return mmw_image_add_extent(img, img->raw_base, img->file->size, 0, MMW_STORED, err);
}

const struct mmw_format mmw_format_raw = {
	.name = "raw",
	.summary = "raw physical memory, page after page",
	.probe = raw_probe,
	.open = raw_open,
};

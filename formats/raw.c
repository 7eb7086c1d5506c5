/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw physical memory. Where its bytes lie, the user says: offset 0 at an address (FILE@PA, --image-base; 0 without), or
 * a map of ranges (--ram-map). Several files are one memory: placed each by its own @PA, or else each behind the one before.
 *
 * There is no header to recognise, so this format is last in the list and takes whatever nobody else knows, as long as
 * the file is whole pages. Whether it is memory at all shows when the kernel is searched.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/image/build.h"

enum { RAW_PAGE = 4096, PIECES_MAX = 1000 };

static int raw_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)head;
	return file_size && file_size % RAW_PAGE == 0 ? 1 : 0;
}

/* The i-th file: the image itself, then its parts. */
static struct mmw_file *file_at(const struct mmw_image *img, size_t i)
{
	return i ? img->parts[i - 1].file : img->file;
}

/* One range of the map, cut where it goes from one file to the next. */
static int map_range(struct mmw_image *img, const struct mmw_ram_map *m, struct mmw_err *err)
{
	uint64_t start = 0, off = m->off, left = m->len, pa = m->pa;
	int rc = 0;

	for (size_t i = 0; !rc && left && i <= img->n_parts; i++) {
		struct mmw_file *f = file_at(img, i);
		uint64_t size = f->size + f->missing, in = off - start, n = in < size ? size - in : 0;

		n = i == img->n_parts || n > left ? left : n;
		rc = mmw_image_add_extent_of(img, f, pa, n, in, err);
		off += n;
		pa += n;
		left -= n;
		start += size;
	}
	return rc;
}

static int place_by_map(struct mmw_image *img, struct mmw_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < img->n_parts; i++)
		if (img->parts[i].has_base)
			return mmw_fail(err, MMW_E_ARG, 0, "--ram-map counts through all files: %s has no address of its own then",
					img->parts[i].path);
	if (img->has_base)
		return mmw_fail(err, MMW_E_ARG, 0, "--ram-map says where memory lies: it does not go with @PA or --image-base");
	for (size_t i = 0; !rc && i < img->n_map; i++)
		rc = map_range(img, &img->map[i], err);
	return rc;
}

/* memory.001, memory.002 ...: the pieces that imaging tools cut an image into, as far as they go on. */
static int find_pieces(struct mmw_image *img, struct mmw_err *err)
{
	size_t len = img->path ? strlen(img->path) : 0;
	const char *end = len > 4 ? img->path + len - 4 : "";
	char path[PATH_MAX];
	unsigned long number;
	int rc = 0;

	if (len >= sizeof(path) || (strcmp(end, ".000") && strcmp(end, ".001")))
		return 0;
	for (number = strtoul(end + 1, NULL, 10) + 1; !rc && number < PIECES_MAX; number++) {
		struct mmw_file *file;

		snprintf(path, sizeof(path), "%.*s.%03lu", (int)len - 4, img->path, number);
		if (access(path, F_OK))
			return 0;
		rc = mmw_file_open(path, &file, err);
		rc = rc ? rc : mmw_image_add_part(img, file, path, err);
	}
	return rc;
}

static int raw_open(struct mmw_image *img, struct mmw_err *err)
{
	uint64_t pa = img->raw_base;
	int rc = 0;

	if (!img->n_parts)
		rc = find_pieces(img, err);
	if (rc)
		return rc;
	if (img->n_parts)
		snprintf(img->note, sizeof(img->note), "%zu files", img->n_parts + 1);
	else if (img->n_map)
		snprintf(img->note, sizeof(img->note), "%zu range%s", img->n_map, img->n_map == 1 ? "" : "s");
	if (img->n_map)
		return place_by_map(img, err);
	img->unplaced = !img->has_base;
	for (size_t i = 0; !rc && i <= img->n_parts; i++) {
		struct mmw_file *f = file_at(img, i);

		if (i && img->parts[i - 1].has_base)
			pa = img->parts[i - 1].base;
		img->unplaced &= !i || !img->parts[i - 1].has_base;
		/* What a compressed file has lost lies past its end, which makes it truncated. */
		rc = mmw_image_add_extent_of(img, f, pa, f->size + f->missing, 0, err);
		pa += f->size + f->missing;
	}
	if (!img->n_parts)
		snprintf(img->note, sizeof(img->note), "offset 0 is physical 0x%" PRIx64, img->raw_base);
	return rc;
}

const struct mmw_format mmw_format_raw = {
	.name = "raw",
	.summary = "raw physical memory, page after page",
	.probe = raw_probe,
	.takes_parts = true,
	.takes_map = true,
	.open = raw_open,
};

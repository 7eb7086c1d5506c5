/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a file as a memory image: wrappers are peeled, then the formats are asked in the order of the build's list. */
#ifndef MMW_FORMATS_FORMATS_H
#define MMW_FORMATS_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/file.h"
#include "lib/base/progress.h"
#include "lib/image/image.h"

struct mmw_open_opts {
	const char *format;   /* open as this format, by name, without asking the others; NULL: probe */
	bool has_base;
	uint64_t base;        /* raw: the physical address of offset 0. FILE@PA does the same. */
	uint64_t offset;      /* where in the file the image starts */
	const char *const *parts;  /* further files of the same image, spelled as for mmw_open */
	size_t n_parts;
	const struct mmw_ram_map *map;  /* where memory lies, for formats that do not say or say it wrong */
	size_t n_map;
	const char *map_why;  /* where the map comes from, for mmw_image_placement; NULL: --ram-map */
	const char *snapshot;  /* of a file with several snapshots: this one's name or id. NULL: there must be only one */
	uint64_t max_expand;  /* bytes that a compressed file may unpack to; 0: MMW_EXPAND_MAX */
	const struct mmw_progress *progress;  /* may be NULL */
};

#define MMW_EXPAND_MAX (64ull << 30)  /* of a sparse temporary file: zeros take no room */

/*
 * Open `spec`: a path, or PATH@PA (hex) for raw memory that starts at PA. A path that exists as spelled wins over
 * the second reading. Fails with MMW_E_UNSUPPORTED and a message that says what the file looks like.
 */
int mmw_open(const char *spec, const struct mmw_open_opts *opts, struct mmw_image **out, struct mmw_err *err);

/* The same over a file already open; it is owned by the image from here on, even on failure. */
int mmw_open_file(struct mmw_file *file, const char *name, const struct mmw_open_opts *opts, struct mmw_image **out,
		  struct mmw_err *err);

/* The formats in probing order: name and one line about it. False past the end. */
bool mmw_format_words(size_t index, const char **name, const char **summary);

#endif

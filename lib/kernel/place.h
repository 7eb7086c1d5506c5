/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where raw memory lies, when nobody said: first what the kernel in it says of itself, then the machines there are.
 *
 * A raw file is opened as if its first byte were physical address 0. When no kernel holds there, its marks are still in the
 * file, and what it remembers of its own place (phys_base, kimage_voffset ...) tells how far away they are. When one holds,
 * its list of memory (iomem_resource) tells whether the file's end is where memory ends, or a hole was squeezed out of it.
 */
#ifndef MMW_KERNEL_PLACE_H
#define MMW_KERNEL_PLACE_H

#include "lib/kernel/kernel.h"

enum { MMW_PLACE_RANGES = 3, MMW_PLACES_MAX = 32 };

struct mmw_place {
	struct mmw_ram_map map[MMW_PLACE_RANGES];
	size_t n;
	char why[160];
};

/*
 * Other placements of k's image, likeliest first, to be opened and bound anew: none when the image is placed well, or when
 * the user or the format placed it. Where no kernel was found each is a proposal, and the first that binds is right. One
 * without ranges is a warning: the image is not placed well, and nothing tells how.
 */
size_t mmw_kernel_places(struct mmw_kernel *k, struct mmw_place out[MMW_PLACES_MAX]);

/*
 * Where the search saw something of a kernel, as physical addresses of this image: a bind of the same memory placed
 * otherwise needs to look only there (mmw_kernel_opts.look_at), each moved by mmw_place_moved.
 */
size_t mmw_kernel_marks(const struct mmw_kernel *k, const uint64_t **out);
bool mmw_place_moved(const struct mmw_place *p, uint64_t offset, uint64_t *pa);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resources /proc/iomem lists (include/linux/ioport.h): what physical addresses are there for. */
#ifndef MMW_MM_RESOURCE_H
#define MMW_MM_RESOURCE_H

#include "lib/kernel/kernel.h"

enum { MMW_RESOURCE_NAME_MAX = 64, MMW_RESOURCES_MAX = 1 << 14, MMW_RESOURCE_DEPTH = 16 };

struct mmw_resource {
	uint64_t va;           /* of its struct resource */
	uint64_t first, last;  /* physical, inclusive */
	unsigned depth;        /* 0: one of the outermost */
	char name[MMW_RESOURCE_NAME_MAX];  /* "" where it has none that can be read */
};

struct mmw_resources {
	struct mmw_resource *item;  /* as /proc/iomem lists them: each before those that lie in it */
	size_t n, cap;
	bool broken;           /* the tree is too deep, too large, or leads out of what can be read: some are missing */
};

/* MMW_E_NOSYM, MMW_E_NOTYPE. */
int mmw_resources_open(struct mmw_kernel *k, struct mmw_resources *out, struct mmw_err *err);
void mmw_resources_close(struct mmw_resources *r);

/* The innermost one that pa lies in, or NULL; and the one around that. */
const struct mmw_resource *mmw_resource_at(const struct mmw_resources *r, uint64_t pa);
const struct mmw_resource *mmw_resource_around(const struct mmw_resources *r, const struct mmw_resource *inner);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What slub_debug puts around and into objects, to see who writes where he should not (mm/slub.c, "Object layout";
 * include/linux/poison.h; 4.14 to 7.2):
 *
 *   red_left_pad bytes   red zone: 0xcc around an object in use, 0xbb else
 *   object               poison while it is free: 0x6b, and 0xa5 at its end
 *   to inuse             red zone; without one, 0x5a where there is poison
 *   to size              the link of the free list if it is not in the object, struct track twice, the size that kmalloc()
 *                        was asked for, and padding: 0x5a
 *   behind the last one  the same padding to the end of the slab
 *
 * From 7.0 on the memory cgroups' pointers may lie in the padding.
 */
#ifndef MMW_SLAB_GUARD_H
#define MMW_SLAB_GUARD_H

#include "lib/kernel/shadow.h"
#include "lib/slab/slab.h"

struct mmw_slab_guards {
	unsigned word;
	bool be;
	bool kasan;              /* has data of its own in the padding, and in free objects: those are not looked at */
	uint64_t track_size, asked_size, ext_size;  /* 0: not known, or none */
	struct mmw_shadow exts;  /* slab.obj_exts and stride, if n */
};

void mmw_slab_guards_bind(struct mmw_kernel *k, struct mmw_slab_guards *out);

/* What has been overwritten in a slab whose states are known. How many objects were looked at: all, or none. */
uint32_t mmw_slab_guards_check(const struct mmw_slab_guards *g, const struct mmw_slabs *s, struct mmw_vm *vm,
			       const struct mmw_slab *slab, struct mmw_slab_problems *problems);

#endif

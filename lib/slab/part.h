/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies between the objects of a slab: red zones, free pointers, who allocated and freed them, padding (mm/slub.c,
 * calculate_sizes(), get_info_end(), set_orig_size(), obj_exts_offset_in_object(); 4.14 to 7.2).
 *
 * An object of SLUB, from its address on, in this order; what a cache does not have takes no room:
 *
 *   the object | red zone, or alignment, up to `inuse` | free pointer, if it is not inside the object |
 *   struct track of the allocation, of the free | what kmalloc was asked for | KASAN's | object extension |
 *   padding | left red zone of the next object
 */
#ifndef MMW_SLAB_PART_H
#define MMW_SLAB_PART_H

#include "lib/slab/slab.h"

enum mmw_part_kind {
	MMW_PART_OBJECT,
	MMW_PART_LEFT_RED_ZONE,   /* before the object */
	MMW_PART_RED_ZONE,        /* behind it */
	MMW_PART_FREE_POINTER,
	MMW_PART_ALLOC_TRACK, MMW_PART_FREE_TRACK,
	MMW_PART_ASKED_SIZE,      /* of kmalloc (6.1) */
	MMW_PART_EXTENSION,       /* struct slabobj_ext (7.0) */
	MMW_PART_PADDING,         /* of the object */
	MMW_PART_SLAB_START,      /* before the first object: SLAB's colour and free list */
	MMW_PART_SLAB_END,        /* behind the last one */
	MMW_PART_KINDS,
};

enum { MMW_OBJECT_PARTS_MAX = 12 };

/* Bytes [first, end) from an object's address on. */
struct mmw_part {
	enum mmw_part_kind kind;
	uint32_t first, end;
};

/* Those that tile [0, cache->size), ascending: how many. */
size_t mmw_object_parts(const struct mmw_caches *c, const struct mmw_cache *cache, struct mmw_part out[MMW_OBJECT_PARTS_MAX]);

/* Where in a slab a byte is. */
struct mmw_slab_spot {
	enum mmw_part_kind kind;
	bool has_object;     /* it belongs to one */
	uint32_t index;
	uint64_t object;     /* its address */
	int64_t offset;      /* of the byte from there; negative in the left red zone */
};

/* va lies in the slab, whose cache is known. */
void mmw_slab_spot(const struct mmw_slabs *s, const struct mmw_slab *slab, uint64_t va, struct mmw_slab_spot *out);

/* "object", "left-red-zone" ... */
const char *mmw_part_name(enum mmw_part_kind kind);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/part.h"

#include <string.h>

#include "lib/base/bytes.h"

const char *mmw_part_name(enum mmw_part_kind kind)
{
	static const char *const names[] = {
		[MMW_PART_OBJECT] = "object", [MMW_PART_LEFT_RED_ZONE] = "left-red-zone", [MMW_PART_RED_ZONE] = "red-zone",
		[MMW_PART_FREE_POINTER] = "free-pointer", [MMW_PART_ALLOC_TRACK] = "alloc-track",
		[MMW_PART_FREE_TRACK] = "free-track", [MMW_PART_ASKED_SIZE] = "asked-size",
		[MMW_PART_EXTENSION] = "extension", [MMW_PART_PADDING] = "padding", [MMW_PART_SLAB_START] = "slab-start",
		[MMW_PART_SLAB_END] = "slab-end",
	};

	return names[kind];
}

struct parts {
	struct mmw_part *part;
	size_t n;
	uint32_t end;  /* of all */
};

/* The next one, of so many bytes; what is behind the end is not there. */
static void add(struct parts *p, enum mmw_part_kind kind, uint64_t bytes)
{
	uint32_t first = p->n ? p->part[p->n - 1].end : 0;
	uint32_t end = (uint32_t)mmw_min64(p->end, first + bytes);

	if (end > first)
		p->part[p->n++] = (struct mmw_part){ kind, first, end };
}

static void add_slub(struct parts *p, const struct mmw_caches *c, const struct mmw_cache *cache)
{
	uint64_t word = mmw_kernel_arch(c->kernel)->word, size;
	bool user = mmw_cache_has(cache, MMW_CACHE_STORE_USER);

	if (cache->inuse > cache->object_size)
		add(p, mmw_cache_has(cache, MMW_CACHE_RED_ZONE) ? MMW_PART_RED_ZONE : MMW_PART_PADDING,
		    cache->inuse - cache->object_size);
	if (cache->offset >= cache->inuse)
		add(p, MMW_PART_FREE_POINTER, word);
	if (user && !mmw_kernel_type_size(c->kernel, "track", &size, NULL)) {
		add(p, MMW_PART_ALLOC_TRACK, size);
		add(p, MMW_PART_FREE_TRACK, size);
		/* Nothing else tells: "mm/slub: enable debugging memory wasting of kmalloc" (6.1). */
		if (mmw_cache_has(cache, MMW_CACHE_KMALLOC) && mmw_kernel_version(c->kernel) >= MMW_LINUX(6, 1))
			add(p, MMW_PART_ASKED_SIZE, word);
	}
	if (mmw_cache_has(cache, MMW_CACHE_OBJ_EXT_IN_OBJ) && !mmw_kernel_type_size(c->kernel, "slabobj_ext", &size, NULL))
		add(p, MMW_PART_EXTENSION, size);
}

size_t mmw_object_parts(const struct mmw_caches *c, const struct mmw_cache *cache, struct mmw_part out[MMW_OBJECT_PARTS_MAX])
{
	uint32_t left = mmw_cache_before(cache);
	struct parts p = { .part = out, .end = cache->size - left };

	add(&p, MMW_PART_OBJECT, cache->object_size);
	if (c->kind == MMW_SLUB)
		add_slub(&p, c, cache);
	add(&p, MMW_PART_PADDING, UINT32_MAX);
	p.end = cache->size;
	add(&p, MMW_PART_LEFT_RED_ZONE, left);
	return p.n;
}

void mmw_slab_spot(const struct mmw_slabs *s, const struct mmw_slab *slab, uint64_t va, struct mmw_slab_spot *out)
{
	struct mmw_part part[MMW_OBJECT_PARTS_MAX];
	size_t n = mmw_object_parts(&s->caches, slab->cache, part), i = 0;
	uint64_t offset;

	memset(out, 0, sizeof(*out));
	out->kind = va < slab->first ? MMW_PART_SLAB_START : MMW_PART_SLAB_END;
	out->has_object = mmw_slab_object(slab, va, &out->index, &offset);
	if (va < slab->first && slab->first - va <= mmw_cache_before(slab->cache) && slab->objects) {
		out->kind = MMW_PART_LEFT_RED_ZONE;
		out->has_object = true;
	} else if (out->has_object) {
		while (i + 1 < n && offset >= part[i].end)
			i++;
		out->kind = part[i].kind;
		/* That of the next object, if there is one. */
		if (out->kind == MMW_PART_LEFT_RED_ZONE && ++out->index == slab->objects)
			*out = (struct mmw_slab_spot){ .kind = MMW_PART_SLAB_END };
	}
	if (!out->has_object)
		return;
	out->object = mmw_slab_object_va(slab, out->index);
	out->offset = (int64_t)(va - out->object);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SLOB (mm/slob.c, 4.14 to 6.3).
 *
 * It counts nothing, and tells no cache's objects from another's, nor where one ends: a page is units of 2 bytes (4 where
 * pages are larger than 64 KiB less 2), and what is free of it is a list of blocks, ascending. A block begins with its
 * length in units, if that is more than one, and where the next one is; of a single unit that is there alone, negative. The
 * list ends where the page does. So the objects here are units, all of one cache that stands for all (lib/slab/cache.c).
 * Pages with free blocks are on one of three lists, by the size of what was asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/list.h"
#include "lib/slab/allocator.h"

enum { LIST_MAX = 1 << 26 };

struct slab_rec {
	uint64_t freelist, units;
};

static const struct mmw_field slab_fields[] = {
	MMW_FIELD(slab_rec, freelist, "freelist"),
	MMW_FIELD(slab_rec, units, "units"),
};

static const char *const lists[] = { "free_slob_small", "free_slob_medium", "free_slob_large" };

struct slob {
	struct mmw_shadow slab;
	const struct mmw_cache *units;
	bool be;
};

struct opening {
	struct mmw_slabs *s;
	struct slob *own;
	struct mmw_vm *vm;
	struct mmw_member slab_list;
};

static bool take(const struct mmw_slabs *s, const uint8_t *bytes, struct mmw_slab *slab)
{
	const struct slob *own = s->own;
	struct slab_rec rec;

	mmw_shadow_take(&own->slab, bytes, own->be, &rec);
	slab->cache = own->units;
	slab->first = slab->memory;
	slab->freelist = rec.freelist;
	slab->objects = own->units->objects;
	slab->inuse = rec.units < slab->objects ? slab->objects - (uint32_t)rec.units : 0;
	return true;
}

/* The unit at va, as a number with a sign. */
static int read_unit(const struct mmw_slabs *s, struct mmw_vm *vm, uint64_t va, int32_t *out)
{
	const struct slob *own = s->own;
	uint64_t v;
	int rc = mmw_vm_read_uint(vm, va, own->units->size, &v, NULL);

	if (!rc)
		*out = own->units->size == 2 ? (int16_t)v : (int32_t)v;
	return rc;
}

/* A block's length, and the number of the unit that the next one begins with. */
static int read_block(const struct mmw_slabs *s, struct mmw_vm *vm, uint64_t va, int32_t *length, int32_t *next)
{
	const struct slob *own = s->own;
	int rc = read_unit(s, vm, va, length);

	if (rc || *length > 0)
		return rc ? rc : read_unit(s, vm, va + own->units->size, next);
	*next = *length == INT32_MIN ? 0 : -*length;
	*length = 1;
	return 0;
}

static bool mark_free(const struct mmw_slabs *s, struct mmw_vm *vm, const struct mmw_slab *slab, uint8_t *state,
		      struct mmw_slab_problems *problems)
{
	struct mmw_slab_problem p = { .slab = slab->va, .cpu = -1, .node = slab->node, .addr = slab->freelist, .found = slab->va };
	uint64_t offset;
	uint32_t n = 0, at;

	if (slab->inuse == slab->objects)
		return true;
	p.kind = MMW_SLAB_FREE_OUTSIDE;
	if (!mmw_slab_object(slab, slab->freelist, &at, &offset) || offset) {
		mmw_slab_problem_add(problems, &p);
		return false;
	}
	while (at < slab->objects) {
		uint64_t va = mmw_slab_object_va(slab, at);
		int32_t length, next;
		int rc = read_block(s, vm, va, &length, &next);

		if (!rc && (uint32_t)length <= slab->objects - at) {
			memset(state + at, MMW_OBJECT_FREE, (size_t)length);
			n += (uint32_t)length;
		}
		if (rc || (uint32_t)length > slab->objects - at || next < (int64_t)at + length || next > (int64_t)slab->objects) {
			p.kind = rc ? MMW_SLAB_FREE_UNREADABLE : next >= 0 && next <= (int64_t)at ? MMW_SLAB_FREE_LOOP :
				 MMW_SLAB_FREE_OUTSIDE;
			p.addr = rc ? va : slab->first + (uint64_t)next * slab->cache->size;
			p.found = va;
			p.why = (enum mmw_code)-rc;
			mmw_slab_problem_add(problems, &p);
			return false;
		}
		at = (uint32_t)next;
	}
	p = (struct mmw_slab_problem){ .kind = MMW_SLAB_FREE_COUNT, .slab = slab->va, .addr = slab->va, .cpu = -1,
				       .node = slab->node, .found = n, .expected = slab->objects - slab->inuse };
	if (n != p.expected)
		mmw_slab_problem_add(problems, &p);
	return true;
}

/* --- opening ------------------------------------------------------------------------------------------------------- */

static int visit_page(void *ctx, const struct mmw_link *link, struct mmw_err *err)
{
	struct opening *o = ctx;
	uint64_t va = link->at - o->slab_list.offset;
	struct mmw_slab slab;

	/* The lists are of no node, but the page is. */
	if (mmw_slab_read(o->s, o->vm, va, &slab, NULL))
		return 1;
	if ((link->backward ? link->next : link->prev) != link->from)
		mmw_slab_problem_add(&o->s->problems, &(struct mmw_slab_problem){ .kind = MMW_SLAB_LINK, .cpu = -1, .node = slab.node,
					.addr = link->at, .found = link->backward ? link->next : link->prev, .expected = link->from });
	return mmw_slabs_list(o->s, va, MMW_SLAB_PARTIAL, slab.node, o->own->units, err);
}

static int read_list(struct opening *o, const char *name, struct mmw_err *err)
{
	struct mmw_kernel *k = o->s->kernel;
	struct mmw_list_break broken;
	uint64_t head;
	int rc = mmw_kernel_symbol(k, name, &head, NULL, err);

	rc = rc ? rc : mmw_list_walk(o->vm, mmw_kernel_arch(k)->word, head, LIST_MAX, visit_page, o, &broken, err);
	if (!rc && broken.end != MMW_LIST_WHOLE)
		mmw_slab_problem_add(&o->s->problems, &(struct mmw_slab_problem){ .kind = MMW_SLAB_LIST_BROKEN, .cpu = -1, .node = -1,
					.addr = broken.at, .found = broken.from, .expected = broken.end, .why = broken.why });
	return rc;
}

static int open_slob(struct mmw_slabs *s, enum mmw_slabs_depth depth, struct mmw_err *err)
{
	struct opening o = { .s = s, .vm = mmw_kernel_vm(s->kernel) };
	int rc;

	s->own = o.own = calloc(1, sizeof(*o.own));
	if (!o.own)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the slabs");
	o.own->units = &s->caches.cache[s->caches.n - 1];
	o.own->be = mmw_image_big_endian(mmw_kernel_image(s->kernel));
	rc = mmw_slabs_bind(s, slab_fields, mmw_array_len(slab_fields), &o.own->slab, &o.slab_list, err);
	for (size_t i = 0; !rc && depth == MMW_SLABS_OBJECTS && i < mmw_array_len(lists); i++)
		rc = read_list(&o, lists[i], err);
	return rc;
}

static void close_slob(struct mmw_slabs *s)
{
	free(s->own);
}

const struct mmw_slab_allocator mmw_slob = {
	.kind = MMW_SLOB,
	.open = open_slob,
	.close = close_slob,
	.take = take,
	.mark_free = mark_free,
};

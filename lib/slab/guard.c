/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/guard.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/slab/allocator.h"

/* include/linux/poison.h */
enum { RED_INACTIVE = 0xbb, RED_ACTIVE = 0xcc, POISON_FREE = 0x6b, POISON_END = 0xa5, POISON_INUSE = 0x5a };

enum { CHUNK = 1024, EXTS_FLAGS = 7 };

struct exts_rec {
	uint64_t exts, stride;
};

static const struct mmw_field exts_fields[] = {
	MMW_FIELD(exts_rec, exts, "obj_exts"),
	MMW_FIELD_OPT(exts_rec, stride, "stride"),
};

/* A slab that is looked at. */
struct look {
	const struct mmw_slab_guards *g;
	const struct mmw_slabs *s;
	struct mmw_vm *vm;
	const struct mmw_slab *slab;
	const struct mmw_cache *cache;
	struct mmw_slab_problems *problems;
	uint64_t object;        /* whose bytes these are; 0: the slab's */
	uint64_t exts;          /* where in the slab the cgroups' pointers are; 0: elsewhere */
	bool exts_in_objects;
};

void mmw_slab_guards_bind(struct mmw_kernel *k, struct mmw_slab_guards *out)
{
	struct mmw_member m;

	memset(out, 0, sizeof(*out));
	out->word = mmw_kernel_arch(k)->word;
	out->be = mmw_image_big_endian(mmw_kernel_image(k));
	out->kasan = !mmw_kernel_member(k, "kmem_cache", "kasan_info", &m, NULL, NULL);
	(void)mmw_kernel_type_size(k, "track", &out->track_size, NULL);
	(void)mmw_kernel_type_size(k, "slabobj_ext", &out->ext_size, NULL);
	if (mmw_shadow_bind(k, "slab", exts_fields, mmw_array_len(exts_fields), &out->exts, NULL))
		out->exts.n = 0;
}

/* --- bytes --------------------------------------------------------------------------------------------------------- */

/* All of [va, va + len) should be `value`. What cannot be read says nothing. */
static void expect(struct look *l, enum mmw_slab_problem_kind kind, uint64_t va, uint64_t len, uint8_t value)
{
	struct mmw_slab_problem p = { .kind = kind, .cache = l->slab->cache_va, .slab = l->slab->va, .cpu = -1,
				      .node = l->slab->node, .expected = value, .object = l->object };
	uint8_t bytes[CHUNK];
	bool wrong = false;

	for (uint64_t done = 0; done < len; done += CHUNK) {
		size_t n = (size_t)mmw_min64(len - done, CHUNK);

		if (mmw_vm_read(l->vm, va + done, bytes, n, NULL))
			break;
		for (size_t i = 0; i < n; i++) {
			if (bytes[i] == value)
				continue;
			if (!wrong) {
				p.addr = va + done + i;
				p.found = bytes[i];
				memcpy(p.bytes, bytes + i, mmw_min64(n - i, sizeof(p.bytes)));
			}
			wrong = true;
			p.last = va + done + i;
		}
	}
	if (wrong)
		mmw_slab_problem_add(l->problems, &p);
}

/* --- an object ----------------------------------------------------------------------------------------------------- */

static bool link_is_outside(const struct mmw_cache *c)
{
	return c->offset >= c->inuse;
}

static uint64_t info_end(const struct look *l)
{
	return l->cache->inuse + (link_is_outside(l->cache) ? l->g->word : 0);
}

static bool has_asked_size(const struct mmw_cache *c)
{
	return mmw_cache_has(c, MMW_CACHE_STORE_USER) && mmw_cache_has(c, MMW_CACHE_KMALLOC);
}

/* From 6.2 on the red zone of an object of kmalloc() begins where that ends what was asked for. */
static uint64_t asked_end(const struct look *l)
{
	uint64_t asked, all = l->cache->object_size;

	if (!has_asked_size(l->cache) || !l->g->track_size || mmw_kernel_version(l->s->kernel) < MMW_LINUX(6, 2) ||
	    mmw_vm_read_uint(l->vm, l->object + info_end(l) + 2 * l->g->track_size, 4, &asked, NULL) || !asked || asked > all)
		return all;
	return asked;
}

static void look_at_padding(struct look *l)
{
	const struct mmw_cache *c = l->cache;
	uint64_t at = info_end(l), end = c->size - c->red_left_pad;

	if (l->g->kasan || (mmw_cache_has(c, MMW_CACHE_STORE_USER) && !l->g->track_size))
		return;
	if (mmw_cache_has(c, MMW_CACHE_STORE_USER))
		at += 2 * l->g->track_size;
	/* An int in a word of its own, later a long. */
	if (has_asked_size(c))
		at += l->g->word;
	if (l->exts_in_objects)
		at += l->g->ext_size;
	if (at < end)
		expect(l, MMW_SLAB_PADDING, l->object + at, end - at, POISON_INUSE);
}

static void look_at_link(struct look *l)
{
	struct mmw_slab_problem p = { .kind = MMW_SLAB_FREE_POINTER, .cache = l->slab->cache_va, .slab = l->slab->va, .cpu = -1,
				      .node = l->slab->node, .addr = l->object + l->cache->offset, .object = l->object };
	uint64_t next, offset, link, never = 0x5a5a5a5a5a5a5a5a >> (64 - 8 * l->g->word);
	uint32_t index;

	/* The first objects of all have never been free (early_kmem_cache_node_alloc, 7.2). */
	if (mmw_vm_read_uint(l->vm, p.addr, l->g->word, &link, NULL) || link == never)
		return;
	p.last = p.addr + l->g->word - 1;
	if (!link_is_outside(l->cache) || !l->s->allocator->next ||
	    l->s->allocator->next(l->s, l->vm, l->slab, l->object, &next) || !next ||
	    (mmw_slab_object(l->slab, next, &index, &offset) && !offset))
		return;
	p.found = next;
	mmw_slab_problem_add(l->problems, &p);
}

static void look_at_object(struct look *l, bool in_use)
{
	const struct mmw_cache *c = l->cache;
	uint8_t red = in_use ? RED_ACTIVE : RED_INACTIVE;

	if (mmw_cache_has(c, MMW_CACHE_RED_ZONE)) {
		uint64_t end = in_use ? asked_end(l) : c->object_size;

		expect(l, MMW_SLAB_RED_ZONE, l->object - c->red_left_pad, c->red_left_pad, red);
		expect(l, MMW_SLAB_RED_ZONE, l->object + end, c->inuse - end, red);
	} else if (mmw_cache_has(c, MMW_CACHE_POISON)) {
		expect(l, MMW_SLAB_PADDING, l->object + c->object_size, c->inuse - c->object_size, POISON_INUSE);
	}
	if (!in_use && mmw_cache_has(c, MMW_CACHE_OBJECT_POISON) && !l->g->kasan) {
		expect(l, MMW_SLAB_POISON, l->object, c->object_size - 1, POISON_FREE);
		expect(l, MMW_SLAB_POISON, l->object + c->object_size - 1, 1, POISON_END);
	}
	if (mmw_cache_has(c, MMW_CACHE_POISON))
		look_at_padding(l);
	if (in_use)
		look_at_link(l);
}

/* --- a slab -------------------------------------------------------------------------------------------------------- */

/* From 7.0 on what memory cgroups know of objects may lie in the padding: behind all objects, or in each. */
static void find_exts(struct look *l, uint64_t bytes)
{
	struct exts_rec rec;

	if (!l->g->exts.n || mmw_shadow_read(&l->g->exts, l->vm, l->slab->va, &rec, NULL))
		return;
	rec.exts &= ~(uint64_t)EXTS_FLAGS;
	if (rec.exts - l->slab->memory >= bytes)
		return;
	l->exts = rec.exts;
	l->exts_in_objects = rec.stride == l->cache->size;
}

static void look_at_rest(struct look *l, uint64_t bytes)
{
	uint64_t used = bytes - bytes % l->cache->size;

	l->object = 0;
	if (l->exts && !l->exts_in_objects)
		used = l->exts - l->slab->memory + (uint64_t)l->slab->objects * l->g->ext_size;
	if (used < bytes)
		expect(l, MMW_SLAB_PADDING, l->slab->memory + used, bytes - used, POISON_INUSE);
}

uint32_t mmw_slab_guards_check(const struct mmw_slab_guards *g, const struct mmw_slabs *s, struct mmw_vm *vm,
			       const struct mmw_slab *slab, struct mmw_slab_problems *problems)
{
	struct look l = { .g = g, .s = s, .vm = vm, .slab = slab, .cache = slab->cache, .problems = problems };
	uint64_t bytes = s->pages.memmap_page << slab->order;

	/* The sizes are held against each other where a cache is read; what is not is that it has room for all this. */
	if (s->caches.kind != MMW_SLUB || !slab->state || !l.cache->object_size || l.cache->object_size > l.cache->inuse ||
	    (uint64_t)l.cache->inuse + l.cache->red_left_pad > l.cache->size ||
	    !(mmw_cache_has(l.cache, MMW_CACHE_RED_ZONE) || mmw_cache_has(l.cache, MMW_CACHE_POISON)))
		return 0;
	find_exts(&l, bytes);
	for (uint32_t i = 0; i < slab->objects; i++) {
		l.object = mmw_slab_object_va(slab, i);
		if (slab->state[i] == MMW_OBJECT_ALLOCATED || slab->state[i] == MMW_OBJECT_FREE)
			look_at_object(&l, slab->state[i] == MMW_OBJECT_ALLOCATED);
	}
	if (mmw_cache_has(l.cache, MMW_CACHE_POISON))
		look_at_rest(&l, bytes);
	return slab->objects;
}

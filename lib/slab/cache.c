/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/list.h"
#include "lib/kernel/shadow.h"

enum { OO_SHIFT = 16, OO_MASK = (1 << OO_SHIFT) - 1, ORDER_MAX = 20, SHEAF_CAPACITY_MAX = 1 << 16 };

struct cache_rec {
	uint64_t name, size, object_size, align, flags, refcount, ctor, useroffset, usersize, root;
	uint64_t offset, inuse, oo, min, red_left_pad, random, cpu_slab, min_partial, cpu_partial, sheaves, capacity;
	uint64_t num, order, cpu_cache, limit, batchcount, shared, freelist_size, obj_offset;
};

static const struct mmw_field cache_fields[] = {
	MMW_FIELD(cache_rec, name, "name"),
	MMW_FIELD(cache_rec, size, "size"),
	MMW_FIELD(cache_rec, object_size, "object_size"),
	MMW_FIELD_OPT(cache_rec, align, "align"),
	MMW_FIELD_OPT(cache_rec, flags, "flags"),
	MMW_FIELD_OPT(cache_rec, refcount, "refcount"),
	MMW_FIELD_OPT(cache_rec, ctor, "ctor"),
	MMW_FIELD_OPT(cache_rec, useroffset, "useroffset"),
	MMW_FIELD_OPT(cache_rec, usersize, "usersize"),
	MMW_FIELD_OPT(cache_rec, root, "memcg_params.root_cache"),
	MMW_FIELD_OPT(cache_rec, offset, "offset"),
	MMW_FIELD_OPT(cache_rec, inuse, "inuse"),
	MMW_FIELD_OPT(cache_rec, oo, "oo.x"),
	MMW_FIELD_OPT(cache_rec, min, "min.x"),
	MMW_FIELD_OPT(cache_rec, red_left_pad, "red_left_pad"),
	MMW_FIELD_OPT(cache_rec, random, "random"),
	MMW_FIELD_OPT(cache_rec, cpu_slab, "cpu_slab"),
	MMW_FIELD_OPT(cache_rec, min_partial, "min_partial"),
	MMW_FIELD_OPT(cache_rec, cpu_partial, "cpu_partial"),
	MMW_FIELD_OPT(cache_rec, sheaves, "cpu_sheaves"),
	MMW_FIELD_OPT(cache_rec, capacity, "sheaf_capacity"),
	MMW_FIELD_OPT(cache_rec, num, "num"),
	MMW_FIELD_OPT(cache_rec, order, "gfporder"),
	MMW_FIELD_OPT(cache_rec, cpu_cache, "cpu_cache"),
	MMW_FIELD_OPT(cache_rec, limit, "limit"),
	MMW_FIELD_OPT(cache_rec, batchcount, "batchcount"),
	MMW_FIELD_OPT(cache_rec, shared, "shared"),
	MMW_FIELD_OPT(cache_rec, freelist_size, "freelist_size"),
	MMW_FIELD_OPT(cache_rec, obj_offset, "obj_offset"),
};

/* The numbers are those of 4.14 to 6.8 (include/linux/slab.h, mm/slub.c); 0: there was none. */
static const struct { const char *name, *bit; uint32_t old; } flags[MMW_CACHE_FLAGS] = {
	[MMW_CACHE_CHECKS] = { "consistency-checks", "_SLAB_CONSISTENCY_CHECKS", 0x100 },
	[MMW_CACHE_RED_ZONE] = { "red-zone", "_SLAB_RED_ZONE", 0x400 },
	[MMW_CACHE_POISON] = { "poison", "_SLAB_POISON", 0x800 },
	[MMW_CACHE_STORE_USER] = { "store-user", "_SLAB_STORE_USER", 0x10000 },
	[MMW_CACHE_TRACE] = { "trace", "_SLAB_TRACE", 0x200000 },
	[MMW_CACHE_HWCACHE_ALIGN] = { "hwcache-align", "_SLAB_HWCACHE_ALIGN", 0x2000 },
	[MMW_CACHE_DMA] = { "dma", "_SLAB_CACHE_DMA", 0x4000 },
	[MMW_CACHE_DMA32] = { "dma32", "_SLAB_CACHE_DMA32", 0x8000 },
	[MMW_CACHE_PANIC] = { "panic", "_SLAB_PANIC", 0x40000 },
	[MMW_CACHE_RCU] = { "typesafe-by-rcu", "_SLAB_TYPESAFE_BY_RCU", 0x80000 },
	[MMW_CACHE_RECLAIM] = { "reclaim-account", "_SLAB_RECLAIM_ACCOUNT", 0x20000 },
	[MMW_CACHE_ACCOUNT] = { "account", "_SLAB_ACCOUNT", 0x4000000 },
	[MMW_CACHE_KASAN] = { "kasan", "_SLAB_KASAN", 0x8000000 },
	[MMW_CACHE_NO_MERGE] = { "no-merge", "_SLAB_NO_MERGE", 0 },
	[MMW_CACHE_KMALLOC] = { "kmalloc", "_SLAB_KMALLOC", 0x1000 },
	[MMW_CACHE_OBJECT_POISON] = { "object-poison", "_SLAB_OBJECT_POISON", 0x80000000 },
	[MMW_CACHE_NO_OBJ_EXT] = { "no-obj-ext", "_SLAB_NO_OBJ_EXT", 0 },
	[MMW_CACHE_OBJ_EXT_IN_OBJ] = { "obj-ext-in-obj", "_SLAB_OBJ_EXT_IN_OBJ", 0 },
	[MMW_CACHE_NO_SHEAVES] = { "no-sheaves", "_SLAB_NO_SHEAVES", 0 },
	[MMW_CACHE_OFF_SLAB] = { "off-slab", "", 0 },
	[MMW_CACHE_IN_OBJECT] = { "in-object", "", 0 },
};

const char *mmw_cache_flag_name(enum mmw_cache_flag flag)
{
	return flags[flag].name;
}

void mmw_cache_flag_words(const struct mmw_cache *cache, char *text, size_t size)
{
	size_t n = 0;

	*text = '\0';
	for (size_t i = 0; i < MMW_CACHE_FLAGS && n < size; i++)
		if (mmw_cache_has(cache, (enum mmw_cache_flag)i))
			n += (size_t)snprintf(text + n, size - n, "%s%s", n ? "|" : "", flags[i].name);
}

const char *mmw_slab_kind_name(enum mmw_slab_kind kind)
{
	static const char *const names[] = { [MMW_SLUB] = "SLUB", [MMW_SLAB] = "SLAB", [MMW_SLOB] = "SLOB" };

	return names[kind];
}

struct opening {
	struct mmw_caches *c;
	struct mmw_shadow shadow;
	struct mmw_member list;
	uint64_t mask[MMW_CACHE_FLAGS];
	uint64_t *root;      /* of each cache, as an address */
	size_t cap_root;
};

/* --- what this kernel's caches are like ---------------------------------------------------------------------------- */

static uint32_t number(uint64_t v)
{
	return v == MMW_ABSENT ? 0 : (uint32_t)v;
}

static uint64_t word(uint64_t v)
{
	return v == MMW_ABSENT ? 0 : v;
}

static void find_flags(struct opening *o)
{
	struct mmw_kernel *k = o->c->kernel;
	int64_t bit;
	/* The numbers moved in 6.9; then the enumeration says where. */
	bool listed = !mmw_kernel_enumerator(k, "_slab_flag_bits", "_SLAB_RED_ZONE", &bit, NULL);

	o->c->flags_guessed = !listed && mmw_kernel_version(k) >= MMW_LINUX(6, 9);
	for (size_t i = 0; i < MMW_CACHE_FLAGS; i++) {
		if (!listed)
			o->mask[i] = o->c->flags_guessed ? 0 : flags[i].old;
		else if (!mmw_kernel_enumerator(k, "_slab_flag_bits", flags[i].bit, &bit, NULL) && bit >= 0 && bit < 32)
			o->mask[i] = 1ull << bit;
	}
	if (o->c->kind != MMW_SLAB)
		return;
	/* CFLGS_OFF_SLAB, CFLGS_OBJFREELIST_SLAB (mm/slab.c): numbers that mean other things to SLUB. */
	o->mask[MMW_CACHE_OBJECT_POISON] = 0;
	o->mask[MMW_CACHE_OFF_SLAB] = 0x80000000;
	o->mask[MMW_CACHE_IN_OBJECT] = 0x40000000;
}

/* kmem_cache.node[], or from 7.1 on kmem_cache.per_node[] with two pointers each. */
static int find_nodes(struct mmw_caches *c, struct mmw_err *err)
{
	struct mmw_member m, node, barn;
	unsigned bytes = mmw_kernel_arch(c->kernel)->word;
	int rc = mmw_kernel_member(c->kernel, "kmem_cache", "per_node", &m, NULL, NULL);

	if (!rc) {
		rc = mmw_kernel_member(c->kernel, "kmem_cache_per_node_ptrs", "node", &node, NULL, err);
		rc = rc ? rc : mmw_kernel_member(c->kernel, "kmem_cache_per_node_ptrs", "barn", &barn, NULL, err);
		if (rc)
			return rc;
		c->has_barns = true;
		c->node_at = (unsigned)(m.offset + node.offset);
		c->barn_at = (unsigned)(m.offset + barn.offset);
		c->node_step = (unsigned)m.elem_size;
	} else {
		if (c->kind == MMW_SLOB)
			return 0;
		rc = mmw_kernel_member(c->kernel, "kmem_cache", "node", &m, NULL, err);
		c->node_at = (unsigned)m.offset;
		c->node_step = bytes;
	}
	if (!rc && (!c->node_step || !m.size))
		return mmw_fail(err, MMW_E_NOTYPE, 0, "struct kmem_cache has no room for nodes");
	c->nodes = (unsigned)mmw_min64(m.size / c->node_step, 1024);
	return rc;
}

/*
 * A struct kmem_cache is only as large as the nodes that can be (mm/slab_common.c, kmem_cache_init): the cache of
 * caches says how large.
 */
static void limit_nodes(struct mmw_caches *c)
{
	uint64_t n, first = c->has_barns && c->barn_at < c->node_at ? c->barn_at : c->node_at;

	for (size_t i = 0; c->node_step && i < c->n; i++) {
		const struct mmw_cache *cache = &c->cache[i];

		if (strcmp(cache->name, "kmem_cache") || cache->object_size <= first)
			continue;
		n = (cache->object_size - first) / c->node_step;
		c->nodes = (unsigned)mmw_min64(c->nodes, n ? n : 1);
		return;
	}
	if (!mmw_kernel_variable(c->kernel, "nr_node_ids", 4, &n, NULL) && n)
		c->nodes = (unsigned)mmw_min64(c->nodes, n);
	else
		c->nodes = 1;
}

static int bind(struct opening *o, struct mmw_err *err)
{
	struct mmw_caches *c = o->c;
	struct mmw_member m;
	int rc = mmw_kernel_symbol(c->kernel, "slab_caches", &c->head, NULL, err);

	rc = rc ? rc : mmw_shadow_bind(c->kernel, "kmem_cache", cache_fields, mmw_array_len(cache_fields), &o->shadow, err);
	rc = rc ? rc : mmw_kernel_member(c->kernel, "kmem_cache", "list", &o->list, NULL, err);
	if (rc)
		return rc;
	c->kind = !mmw_kernel_member(c->kernel, "kmem_cache", "oo", &m, NULL, NULL) ? MMW_SLUB :
		  !mmw_kernel_member(c->kernel, "kmem_cache", "gfporder", &m, NULL, NULL) ? MMW_SLAB : MMW_SLOB;
	c->hardened = !mmw_kernel_member(c->kernel, "kmem_cache", "random", &m, NULL, NULL);
	find_flags(o);
	return find_nodes(c, err);
}

/* --- the list ------------------------------------------------------------------------------------------------------ */

static void set_common(const struct opening *o, const struct cache_rec *rec, struct mmw_cache *out)
{
	out->size = (uint32_t)rec->size;
	out->object_size = (uint32_t)rec->object_size;
	out->align = number(rec->align);
	out->flags = word(rec->flags);
	out->refcount = (int32_t)rec->refcount;
	out->ctor = word(rec->ctor);
	out->useroffset = word(rec->useroffset);
	out->usersize = word(rec->usersize);
	for (size_t i = 0; i < MMW_CACHE_FLAGS; i++)
		if (out->flags & o->mask[i])
			out->has |= 1u << i;
}

static void set_kind(const struct opening *o, const struct cache_rec *rec, struct mmw_cache *out)
{
	if (o->c->kind == MMW_SLUB) {
		out->order = number(rec->oo) >> OO_SHIFT;
		out->objects = number(rec->oo) & OO_MASK;
		out->min_order = number(rec->min) >> OO_SHIFT;
		out->min_objects = number(rec->min) & OO_MASK;
		out->offset = number(rec->offset);
		out->inuse = number(rec->inuse);
		out->red_left_pad = number(rec->red_left_pad);
		out->random = word(rec->random);
		out->cpu = word(rec->cpu_slab);
		out->min_partial = word(rec->min_partial);
		out->cpu_partial = word(rec->cpu_partial);
		out->sheaves = word(rec->sheaves);
		out->sheaf_capacity = number(rec->capacity);
	} else if (o->c->kind == MMW_SLAB) {
		out->order = number(rec->order);
		out->objects = number(rec->num);
		out->cpu = word(rec->cpu_cache);
		out->limit = number(rec->limit);
		out->batchcount = number(rec->batchcount);
		out->shared = number(rec->shared);
		out->freelist_size = number(rec->freelist_size);
		out->object_offset = number(rec->obj_offset);
	}
}

/* The numbers of SLUB tell of each other (mm/slub.c, calculate_sizes). */
static bool is_slub(const struct mmw_caches *c, const struct mmw_cache *cache)
{
	uint64_t bytes = (uint64_t)cache->order + mmw_kernel_page_shift(c->kernel) < 63 ?
			 1ull << (cache->order + mmw_kernel_page_shift(c->kernel)) : 0;

	return cache->objects == bytes / cache->size && cache->inuse <= cache->size &&
	       (uint64_t)cache->offset + mmw_kernel_arch(c->kernel)->word <= cache->size &&
	       cache->red_left_pad < cache->size && cache->sheaf_capacity <= SHEAF_CAPACITY_MAX;
}

/* Sizes of which nothing good can come. */
static bool is_cache(const struct mmw_caches *c, const struct mmw_cache *cache)
{
	if (!cache->size || cache->object_size > cache->size || cache->order > ORDER_MAX)
		return false;
	/* SLAB's numbers of objects are of one byte, or two. */
	if (c->kind == MMW_SLAB && cache->freelist_size != cache->objects &&
	    cache->freelist_size != 2ull * cache->objects)
		return false;
	if (c->kind == MMW_SLUB && !is_slub(c, cache))
		return false;
	return c->kind == MMW_SLOB || (cache->objects && cache->objects <= OO_MASK);
}

static int append(struct opening *o, const struct mmw_cache *cache, const char *name, uint64_t root, struct mmw_err *err)
{
	struct mmw_caches *c = o->c;
	int rc = mmw_vec_reserve(&c->cache, &c->cap, c->n + 1, sizeof(*c->cache), err);

	rc = rc ? rc : mmw_vec_reserve(&o->root, &o->cap_root, c->n + 1, sizeof(*o->root), err);
	if (rc)
		return rc;
	c->cache[c->n] = *cache;
	c->cache[c->n].name = strdup(name);
	if (!c->cache[c->n].name)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the name of a cache");
	o->root[c->n] = root;
	c->cache[c->n].root = c->n;
	c->n++;
	return 0;
}

static int add_cache(void *ctx, const struct mmw_link *link, struct mmw_err *err)
{
	struct opening *o = ctx;
	struct mmw_caches *c = o->c;
	struct mmw_vm *vm = mmw_kernel_vm(c->kernel);
	struct mmw_cache cache = { .va = link->at - o->list.offset };
	char name[MMW_CACHE_NAME_MAX];
	struct cache_rec rec;

	if (mmw_shadow_read(&o->shadow, vm, cache.va, &rec, NULL))
		return 1;
	set_common(o, &rec, &cache);
	set_kind(o, &rec, &cache);
	cache.bad = !is_cache(c, &cache);
	if (cache.bad && (link->backward ? link->next : link->prev) != link->from)
		return 1;
	if (mmw_vm_read_text(vm, rec.name, name, sizeof(name), NULL) || !*name)
		snprintf(name, sizeof(name), "?");
	return append(o, &cache, name, word(rec.root), err);
}

/*
 * SLOB's pages are of no cache, but hold blocks for all of them: this one, at no address, stands for them, with its units
 * for objects.
 */
static int add_units(struct opening *o, struct mmw_err *err)
{
	struct mmw_cache cache = { .refcount = 1 };
	uint64_t bytes = 1ull << mmw_kernel_page_shift(o->c->kernel), unit;
	int rc = mmw_kernel_type_size(o->c->kernel, "slob_block", &unit, err);

	if (rc)
		return rc;
	if ((unit != 2 && unit != 4) || bytes / unit > OO_MASK)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "struct slob_block has %" PRIu64 " bytes", unit);
	cache.size = cache.object_size = cache.align = (uint32_t)unit;
	cache.objects = (unsigned)(bytes / unit);
	return append(o, &cache, "(slob units)", 0, err);
}

static int compare_va(const void *a, const void *b, void *ctx)
{
	const struct mmw_cache *caches = ctx;
	uint64_t x = caches[*(const uint32_t *)a].va, y = caches[*(const uint32_t *)b].va;

	return x < y ? -1 : x > y;
}

static int sort(struct opening *o, struct mmw_err *err)
{
	struct mmw_caches *c = o->c;

	c->by_va = calloc(c->n ? c->n : 1, sizeof(*c->by_va));
	if (!c->by_va)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu caches", c->n);
	for (size_t i = 0; i < c->n; i++)
		c->by_va[i] = (uint32_t)i;
	qsort_r(c->by_va, c->n, sizeof(*c->by_va), compare_va, c->cache);
	for (size_t i = 0; i < c->n; i++) {
		const struct mmw_cache *root = o->root[i] ? mmw_cache_at(c, o->root[i]) : NULL;

		/* A copy is none of a copy. */
		if (root && !o->root[root - c->cache])
			c->cache[i].root = (size_t)(root - c->cache);
	}
	return 0;
}

static int read_list(struct opening *o, struct mmw_err *err)
{
	struct mmw_caches *c = o->c;
	int rc = mmw_list_walk(mmw_kernel_vm(c->kernel), mmw_kernel_arch(c->kernel)->word, c->head, MMW_CACHES_MAX, add_cache,
			       o, &c->list, err);

	if (!rc && c->list.end != MMW_LIST_WHOLE)
		snprintf(c->broken, sizeof(c->broken), "the list of caches %s at 0x%" PRIx64 ", after 0x%" PRIx64,
			 mmw_list_end_text(c->list.end), c->list.at, c->list.from);
	return rc;
}

int mmw_caches_open(struct mmw_kernel *k, struct mmw_caches *out, struct mmw_err *err)
{
	struct opening o = { .c = out };
	int rc;

	memset(out, 0, sizeof(*out));
	out->kernel = k;
	rc = bind(&o, err);
	rc = rc ? rc : read_list(&o, err);
	if (!rc && !out->n)
		rc = mmw_fail(err, MMW_E_CORRUPT, out->head, "%s", *out->broken ? out->broken : "there are no caches");
	if (!rc && out->kind == MMW_SLOB)
		rc = add_units(&o, err);
	rc = rc ? rc : sort(&o, err);
	if (!rc)
		limit_nodes(out);
	free(o.root);
	if (rc)
		mmw_caches_close(out);
	return rc;
}

void mmw_caches_close(struct mmw_caches *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->cache[i].name);
	free(c->cache);
	free(c->by_va);
	memset(c, 0, sizeof(*c));
}

const struct mmw_cache *mmw_cache_at(const struct mmw_caches *c, uint64_t va)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->cache[c->by_va[mid]].va < va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->n && c->cache[c->by_va[lo]].va == va ? &c->cache[c->by_va[lo]] : NULL;
}

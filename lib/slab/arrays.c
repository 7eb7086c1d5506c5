/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SLAB (mm/slab.c, 4.14 to 6.7).
 *
 * A slab has an array of numbers: the first `active` of them mean nothing, the others are its free objects. The array lies
 * at the slab's end, or elsewhere, or in the object that will be the last to go. A free object goes first to an array of
 * pointers: its CPU's, which passes some on to one that its node shares, or, where the object is another node's, to one that
 * waits to be brought there (alien). For the slab, objects in such arrays are in use.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/list.h"
#include "lib/kernel/percpu.h"
#include "lib/kernel/shadow.h"
#include "lib/slab/allocator.h"

enum {
	LIST_MAX = 1 << 26,        /* slabs of a list */
	ENTRIES_MAX = 1 << 16,     /* of an array of objects */
	PIECE = 512,               /* bytes of a slab's array to read at once */
};

struct slab_rec {
	uint64_t cache, freelist, s_mem, active;
};

static const struct mmw_field slab_fields[] = {
	MMW_FIELD(slab_rec, cache, "slab_cache"),
	MMW_FIELD(slab_rec, freelist, "freelist"),
	MMW_FIELD(slab_rec, s_mem, "s_mem"),
	MMW_FIELD(slab_rec, active, "active"),
};

/* The counters are as old as 4.10 (bf00bd345804 "mm, slab: maintain total slab count instead of active count"). */
struct node_rec {
	uint64_t total_slabs, free_slabs, free_objects, shared, alien;
};

static const struct mmw_field node_fields[] = {
	MMW_FIELD(node_rec, total_slabs, "total_slabs"),
	MMW_FIELD(node_rec, free_slabs, "free_slabs"),
	MMW_FIELD(node_rec, free_objects, "free_objects"),
	MMW_FIELD(node_rec, shared, "shared"),
	MMW_FIELD(node_rec, alien, "alien"),
};

struct array_rec {
	uint64_t avail, limit;
};

static const struct mmw_field array_fields[] = {
	MMW_FIELD(array_rec, avail, "avail"),
	MMW_FIELD(array_rec, limit, "limit"),
};

/* Lists of a node's slabs; a slab is on one of them always. */
static const struct { const char *member; enum mmw_slab_place place; } lists[] = {
	{ "slabs_full", MMW_SLAB_FULL }, { "slabs_partial", MMW_SLAB_PARTIAL }, { "slabs_free", MMW_SLAB_EMPTY },
};

enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

/* What the pass needs, on several threads. */
struct arrays {
	struct mmw_shadow slab;
	bool be;
};

/* What opening needs. */
struct opening {
	struct mmw_slabs *s;
	struct mmw_vm *vm;
	struct arrays *own;
	struct mmw_err *err;
	enum mmw_slabs_depth depth;
	unsigned word;
	struct mmw_shadow node, array;
	struct mmw_member list[LISTS], slab_list, entry, alien_array;
	struct mmw_percpu cpus;

	/* the list that is being walked */
	const struct mmw_cache *cache;
	unsigned at_node;
	enum mmw_slab_place place;
	uint64_t listed, free_objects;
};

/* --- slabs --------------------------------------------------------------------------------------------------------- */

static bool take(const struct mmw_slabs *s, const uint8_t *bytes, struct mmw_slab *slab)
{
	const struct arrays *own = s->own;
	struct slab_rec rec;

	mmw_shadow_take(&own->slab, bytes, own->be, &rec);
	slab->cache_va = rec.cache;
	slab->cache = mmw_cache_at(&s->caches, rec.cache);
	slab->freelist = rec.freelist;
	slab->inuse = (uint32_t)rec.active;
	slab->objects = slab->cache ? slab->cache->objects : 0;
	slab->first = rec.s_mem + (slab->cache ? mmw_cache_before(slab->cache) : 0);
	return true;
}

/* One number of a slab's array, which stands at `from`. False: it is none. */
static bool mark(const struct mmw_slab *slab, uint64_t number, uint64_t from, uint8_t *state,
		 struct mmw_slab_problems *problems)
{
	struct mmw_slab_problem p = { .kind = MMW_SLAB_FREE_OUTSIDE, .cache = slab->cache_va, .slab = slab->va, .cpu = -1,
				      .addr = slab->first + number * slab->cache->size, .node = slab->node, .found = from };

	/* That there is no room for it has been said. */
	if (number >= slab->objects && number < slab->cache->objects)
		return true;
	if (number < slab->objects && state[number] == MMW_OBJECT_ALLOCATED) {
		state[number] = MMW_OBJECT_FREE;
		return true;
	}
	if (number < slab->objects)
		p.kind = MMW_SLAB_FREE_LOOP;
	mmw_slab_problem_add(problems, &p);
	return false;
}

static bool mark_free(const struct mmw_slabs *s, struct mmw_vm *vm, const struct mmw_slab *slab, uint8_t *state,
		      struct mmw_slab_problems *problems)
{
	const struct arrays *own = s->own;
	uint32_t n = slab->cache->objects, width = slab->cache->freelist_size / n;
	struct mmw_slab_problem p = { .kind = MMW_SLAB_INUSE, .cache = slab->cache_va, .slab = slab->va, .cpu = -1,
				      .addr = slab->va, .node = slab->node, .found = slab->inuse, .expected = n };
	uint8_t piece[PIECE];
	bool whole = true;

	if (slab->inuse > n) {
		mmw_slab_problem_add(problems, &p);
		memset(state, MMW_OBJECT_UNKNOWN, slab->objects);
		return false;
	}
	for (uint32_t i = slab->inuse, j = 0; i < n; i += j) {
		uint32_t some = (uint32_t)mmw_min64(n - i, PIECE / width);
		uint64_t at = slab->freelist + (uint64_t)i * width;
		int rc = mmw_vm_read(vm, at, piece, (size_t)some * width, NULL);

		if (rc) {
			p.kind = MMW_SLAB_FREE_UNREADABLE;
			p.addr = at;
			p.why = (enum mmw_code)-rc;
			mmw_slab_problem_add(problems, &p);
			return false;
		}
		for (j = 0; j < some; j++)
			if (!mark(slab, width == 1 ? piece[j] : mmw_get16(piece + j * width, own->be), at + j * width, state,
				  problems))
				whole = false;
	}
	return whole;
}

/* --- the lists of nodes -------------------------------------------------------------------------------------------- */

static void add_problem(struct opening *o, enum mmw_slab_problem_kind kind, uint64_t addr, uint64_t found, uint64_t expected, int why)
{
	mmw_slab_problem_add(&o->s->problems, &(struct mmw_slab_problem){ .kind = kind, .cache = o->cache->va, .addr = addr, .cpu = -1,
				.node = o->at_node, .found = found, .expected = expected, .why = (enum mmw_code)-why });
}

static int visit_slab(void *ctx, const struct mmw_link *link, struct mmw_err *err)
{
	struct opening *o = ctx;
	uint64_t va = link->at - o->slab_list.offset, pfn;
	struct slab_rec rec;

	if (!mmw_memmap_pfn(&o->s->memmap, va, &pfn) || mmw_shadow_read(&o->own->slab, o->vm, va, &rec, NULL))
		return 1;
	if ((link->backward ? link->next : link->prev) != link->from)
		add_problem(o, MMW_SLAB_LINK, link->at, link->backward ? link->next : link->prev, link->from, 0);
	if (rec.cache != o->cache->va)
		add_problem(o, MMW_SLAB_OTHER_CACHE, va, rec.cache, o->cache->va, 0);
	else if (rec.active < o->cache->objects)
		o->free_objects += o->cache->objects - rec.active;
	o->listed++;
	return mmw_slabs_list(o->s, va, o->place, o->at_node, o->cache, err);
}

static int read_lists(struct opening *o, uint64_t va, const struct node_rec *node)
{
	uint64_t listed = 0;

	o->free_objects = 0;
	for (size_t i = 0; i < LISTS; i++) {
		struct mmw_list_break broken;
		int rc;

		o->place = lists[i].place;
		o->listed = 0;
		rc = mmw_list_walk(o->vm, o->word, va + o->list[i].offset, LIST_MAX, visit_slab, o, &broken, o->err);
		if (rc)
			return rc;
		if (broken.end != MMW_LIST_WHOLE)
			add_problem(o, MMW_SLAB_LIST_BROKEN, broken.at, broken.from, broken.end, -(int)broken.why);
		if (o->place == MMW_SLAB_EMPTY && o->listed != node->free_slabs)
			add_problem(o, MMW_SLAB_LIST_COUNT, va, o->listed, node->free_slabs, 0);
		listed += o->listed;
	}
	if (listed != node->total_slabs)
		add_problem(o, MMW_SLAB_LIST_COUNT, va, listed, node->total_slabs, 0);
	if (o->free_objects != node->free_objects)
		add_problem(o, MMW_SLAB_FREE_COUNT, va, o->free_objects, node->free_objects, 0);
	return 0;
}

/* --- arrays of objects --------------------------------------------------------------------------------------------- */

static void array_problem(struct opening *o, enum mmw_slab_problem_kind kind, enum mmw_object_state state, uint32_t who,
			  uint64_t va, const struct array_rec *rec, int why)
{
	bool cpu = state == MMW_OBJECT_CPU;

	mmw_slab_problem_add(&o->s->problems, &(struct mmw_slab_problem){ .kind = kind, .cache = o->cache->va, .addr = va,
				.cpu = cpu ? (int64_t)who : -1, .node = cpu ? -1 : (int64_t)who, .found = rec->avail,
				.expected = rec->limit, .why = (enum mmw_code)-why });
}

/* Objects in a struct array_cache, which are free; rec: what it says of itself. */
static int hold_array(struct opening *o, enum mmw_object_state state, uint32_t who, uint64_t va, const struct array_rec *rec)
{
	uint64_t object;
	int rc = 0;

	/* Which of those objects it has, and which it had once, nobody can tell. */
	if (rec->avail > rec->limit || rec->avail > ENTRIES_MAX) {
		array_problem(o, MMW_SLAB_SHEAF_SIZE, state, who, va, rec, 0);
		return 0;
	}
	for (uint64_t i = 0; !rc && i < rec->avail; i++) {
		rc = mmw_vm_read_uint(o->vm, va + o->entry.offset + i * o->word, o->word, &object, NULL);
		if (rc) {
			array_problem(o, MMW_SLAB_CPU_UNREADABLE, state, who, va, rec, rc);
			return 0;
		}
		rc = mmw_slabs_hold(o->s, o->cache, object + mmw_cache_before(o->cache), state, who, o->err);
	}
	return rc;
}

static int read_array(struct opening *o, enum mmw_object_state state, uint32_t who, uint64_t va, struct array_rec *rec)
{
	int rc = mmw_shadow_read(&o->array, o->vm, va, rec, NULL);

	if (rc) {
		*rec = (struct array_rec){ MMW_ABSENT, 0 };
		array_problem(o, state == MMW_OBJECT_CPU ? MMW_SLAB_CPU_UNREADABLE : MMW_SLAB_NODE_UNREADABLE, state, who, va, rec, rc);
		return 0;
	}
	return o->depth == MMW_SLABS_OBJECTS ? hold_array(o, state, who, va, rec) : 0;
}

/* What this node has of other nodes' objects: an array for each of them. */
static int read_aliens(struct opening *o, uint64_t alien)
{
	struct array_rec rec;
	int rc = 0;

	/* Without other nodes the pointer may be a number that means nothing (BAD_ALIEN_MAGIC). */
	if (o->s->caches.nodes < 2)
		return 0;
	for (unsigned i = 0; !rc && i < o->s->caches.nodes; i++) {
		uint64_t at = alien + (uint64_t)i * o->word, va;

		rc = mmw_vm_read_uint(o->vm, at, o->word, &va, NULL);
		if (rc) {
			add_problem(o, MMW_SLAB_NODE_UNREADABLE, at, 0, 0, rc);
			return 0;
		}
		rc = va ? read_array(o, MMW_OBJECT_ALIEN, o->at_node, va + o->alien_array.offset, &rec) : 0;
	}
	return rc;
}

static int read_node(struct opening *o, struct mmw_slabinfo *info)
{
	uint64_t at = mmw_cache_node_pointer(&o->s->caches, o->cache, o->at_node), va;
	struct array_rec shared = { 0, 0 };
	struct node_rec node;
	int rc = mmw_vm_read_uint(o->vm, at, o->word, &va, NULL);

	if (!rc && !va)
		return 0;
	rc = rc ? rc : mmw_shadow_read(&o->node, o->vm, at = va, &node, NULL);
	if (rc) {
		add_problem(o, MMW_SLAB_NODE_UNREADABLE, at, 0, 0, rc);
		info->known = false;
		return 0;
	}
	rc = node.shared ? read_array(o, MMW_OBJECT_SHARED, o->at_node, node.shared, &shared) : 0;
	info->num_slabs += node.total_slabs;
	info->active_slabs += node.total_slabs - node.free_slabs;
	info->num_objs += node.total_slabs * o->cache->objects;
	info->active_objs += node.total_slabs * o->cache->objects - node.free_objects;
	info->shared_avail += shared.avail;
	info->known = info->known && shared.avail != MMW_ABSENT;
	rc = rc ? rc : mmw_slabs_count(o->s, o->cache, &(struct mmw_slab_count){ .va = va, .node = o->at_node,
				.slabs = node.total_slabs, .objects = node.total_slabs * o->cache->objects }, o->err);
	if (rc || o->depth != MMW_SLABS_OBJECTS)
		return rc;
	rc = read_lists(o, va, &node);
	return !rc && node.alien ? read_aliens(o, node.alien) : rc;
}

static int read_cache(struct opening *o)
{
	struct mmw_slabinfo *info = &o->s->info[o->cache - o->s->caches.cache];
	struct array_rec rec;
	int rc = 0;

	info->known = true;
	for (o->at_node = 0; !rc && o->at_node < o->s->caches.nodes; o->at_node++)
		rc = read_node(o, info);
	for (size_t i = 0; !rc && o->cache->cpu && i < o->cpus.n; i++)
		rc = read_array(o, MMW_OBJECT_CPU, o->cpus.cpus[i].cpu, mmw_percpu_address(&o->cpus, o->cache->cpu, i), &rec);
	return rc;
}

/* --- binding ------------------------------------------------------------------------------------------------------- */

static int bind(struct mmw_kernel *k, struct opening *o)
{
	int rc = mmw_slabs_bind(o->s, slab_fields, mmw_array_len(slab_fields), &o->own->slab, &o->slab_list, o->err);

	rc = rc ? rc : mmw_shadow_bind(k, "kmem_cache_node", node_fields, mmw_array_len(node_fields), &o->node, o->err);
	rc = rc ? rc : mmw_shadow_bind(k, "array_cache", array_fields, mmw_array_len(array_fields), &o->array, o->err);
	for (size_t i = 0; !rc && i < LISTS; i++)
		rc = mmw_kernel_member(k, "kmem_cache_node", lists[i].member, &o->list[i], NULL, o->err);
	if (rc || o->depth != MMW_SLABS_OBJECTS)
		return rc;
	rc = mmw_kernel_member(k, "array_cache", "entry", &o->entry, NULL, o->err);
	if (!rc && o->s->caches.nodes > 1)
		rc = mmw_kernel_member(k, "alien_cache", "ac", &o->alien_array, NULL, o->err);
	return rc ? rc : mmw_percpu_open(k, &o->cpus, o->err);
}

static int open_arrays(struct mmw_slabs *s, enum mmw_slabs_depth depth, struct mmw_err *err)
{
	struct mmw_kernel *k = s->kernel;
	struct opening o = { .s = s, .vm = mmw_kernel_vm(k), .err = err, .depth = depth };
	int rc;

	s->own = o.own = calloc(1, sizeof(*o.own));
	if (!o.own)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the slabs");
	o.word = mmw_kernel_arch(k)->word;
	o.own->be = mmw_image_big_endian(mmw_kernel_image(k));
	rc = bind(k, &o);
	for (o.cache = s->caches.cache; !rc && o.cache < s->caches.cache + s->caches.n; o.cache++)
		rc = o.cache->bad ? 0 : read_cache(&o);
	mmw_percpu_close(&o.cpus);
	return rc;
}

static void close_arrays(struct mmw_slabs *s)
{
	free(s->own);
}

const struct mmw_slab_allocator mmw_slab_arrays = {
	.kind = MMW_SLAB,
	.lists_all = true,
	.open = open_arrays,
	.close = close_arrays,
	.take = take,
	.mark_free = mark_free,
};

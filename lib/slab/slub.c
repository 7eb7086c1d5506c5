/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SLUB (mm/slub.c, 4.14 to 7.2).
 *
 * A free object holds the address of the next one, in a hardened kernel mixed with where that is written and with a
 * number of the cache. Slabs with free objects are on their node's partial list; to 6.19 each CPU had one to take objects
 * from, with a free list of its own, and perhaps a chain of more; from 6.18 on (from 7.0 on for all caches) it has sheaves
 * instead: arrays of objects, and its node a barn of full ones.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/set.h"
#include "lib/base/vec.h"
#include "lib/kernel/list.h"
#include "lib/kernel/percpu.h"
#include "lib/kernel/rcu.h"
#include "lib/kernel/shadow.h"
#include "lib/slab/allocator.h"
#include "lib/slab/secret.h"

enum {
	LIST_MAX = 1 << 26,        /* slabs of a node's list */
	CHAIN_MAX = 1 << 16,       /* slabs of a CPU's chain */
	SCAN_MAX = 10000,          /* from 6.10 on slabinfo looks at so many slabs of a list (MAX_PARTIAL_TO_SCAN) */
	SHEAF_MAX = 1 << 16,
	SAMPLES = 64,
	SECRET_LISTS = 16,         /* free lists of a cache that are asked for its number */
	SECRET_LINKS = 1 << 24,    /* links of all caches that may be read for that */
};

struct slab_rec {
	uint64_t cache, freelist, inuse, objects, frozen, next;
};

static const struct mmw_field slab_fields[] = {
	MMW_FIELD(slab_rec, cache, "slab_cache"),
	MMW_FIELD(slab_rec, freelist, "freelist"),
	MMW_FIELD(slab_rec, inuse, "inuse"),
	MMW_FIELD(slab_rec, objects, "objects"),
	MMW_FIELD(slab_rec, frozen, "frozen"),
	MMW_FIELD_OPT(slab_rec, next, "next"),
};

struct node_rec {
	uint64_t nr_partial, nr_slabs, total_objects, barn;
};

struct barn_rec {
	uint64_t nr_full, nr_empty;
};

static const struct mmw_field barn_fields[] = {
	MMW_FIELD(barn_rec, nr_full, "nr_full"),
	MMW_FIELD(barn_rec, nr_empty, "nr_empty"),
};

static const struct mmw_field node_fields[] = {
	MMW_FIELD(node_rec, nr_partial, "nr_partial"),
	MMW_FIELD_OPT(node_rec, nr_slabs, "nr_slabs.counter"),
	MMW_FIELD_OPT(node_rec, total_objects, "total_objects.counter"),
	MMW_FIELD_OPT(node_rec, barn, "barn"),
};

struct cpu_rec {
	uint64_t freelist, slab, partial;
};

static const struct mmw_field cpu_fields[] = {
	MMW_FIELD(cpu_rec, freelist, "freelist"),
	MMW_FIELD(cpu_rec, slab, "slab|page"),
	MMW_FIELD_OPT(cpu_rec, partial, "partial"),
};

struct sheaves_rec {
	uint64_t main, spare, rcu_free;
};

static const struct mmw_field sheaves_fields[] = {
	MMW_FIELD(sheaves_rec, main, "main"),
	MMW_FIELD(sheaves_rec, spare, "spare"),
	MMW_FIELD(sheaves_rec, rcu_free, "rcu_free"),
};

/* What the pass needs, on several threads. */
struct slub {
	struct mmw_shadow slab;
	unsigned word;
	bool be, swab;   /* the address is mixed in with its bytes reversed (5.7, and stable kernels before) */
	uint64_t mask;   /* bits of an address */
};

/* What opening needs. */
struct opening {
	struct mmw_slabs *s;
	struct mmw_vm *vm;
	struct slub *own;
	struct mmw_err *err;
	struct mmw_shadow node, cpu, sheaves, barn;
	struct mmw_member partial, slab_list, full_sheaves, empty_sheaves, barn_list, sheaf_size, sheaf_objects, sheaf_rcu, sheaf_cache;
	bool has_cpu_slabs, has_sheaves;
	bool samples;           /* the counting of free objects stops at SCAN_MAX slabs */
	struct mmw_percpu cpus;
	uint8_t *state;

	/* the list that is being walked */
	const struct mmw_cache *cache;
	unsigned at_node;
	int64_t at_cpu;         /* -1: a node's */
	uint64_t free, listed;
};

/* --- free lists ---------------------------------------------------------------------------------------------------- */

static uint64_t reverse(uint64_t v, unsigned word)
{
	return word == 8 ? __builtin_bswap64(v) : __builtin_bswap32((uint32_t)v);
}

/* The address of the next free object as a link at `at` says it. */
static uint64_t decode(const struct mmw_slabs *s, const struct mmw_cache *c, bool swab, uint64_t link, uint64_t at)
{
	const struct slub *own = s->own;

	if (!s->caches.hardened)
		return link;
	return (link ^ c->random ^ (swab ? reverse(at & own->mask, own->word) : at)) & own->mask;
}

static int next_object(const struct mmw_slabs *s, struct mmw_vm *vm, const struct mmw_slab *slab, uint64_t object, uint64_t *out)
{
	const struct slub *own = s->own;
	uint64_t link, at = object + slab->cache->offset;
	int rc = mmw_vm_read_uint(vm, at, own->word, &link, NULL);

	if (!rc)
		*out = decode(s, slab->cache, own->swab, link, at);
	return rc;
}

static struct mmw_slab_problem problem_of(const struct mmw_slab *slab, enum mmw_slab_problem_kind kind, uint64_t addr,
					  uint64_t found, uint64_t expected)
{
	return (struct mmw_slab_problem){ .kind = kind, .cache = slab->cache_va, .slab = slab->va, .addr = addr, .cpu = -1,
					  .node = slab->node, .found = found, .expected = expected };
}

/*
 * Mark the objects of a list from `first` on. How many: those before what is wrong, if something is, which then is
 * *wrong's kind; else that is MMW_SLAB_PROBLEM_KINDS.
 */
static uint32_t follow(const struct mmw_slabs *s, struct mmw_vm *vm, const struct mmw_slab *slab, uint64_t first,
		       enum mmw_object_state mark, uint8_t *state, struct mmw_slab_problem *wrong)
{
	uint64_t at = first, from = slab->va, offset;
	uint32_t n = 0, index;

	*wrong = problem_of(slab, MMW_SLAB_PROBLEM_KINDS, 0, 0, 0);
	while (at) {
		uint64_t next;
		int rc;

		wrong->addr = at;
		wrong->found = from;
		if (!mmw_slab_object(slab, at, &index, &offset) || offset) {
			wrong->kind = MMW_SLAB_FREE_OUTSIDE;
			return n;
		}
		if (state[index] != MMW_OBJECT_ALLOCATED) {
			wrong->kind = MMW_SLAB_FREE_LOOP;
			return n;
		}
		state[index] = (uint8_t)mark;
		n++;
		rc = next_object(s, vm, slab, at, &next);
		if (rc) {
			wrong->kind = MMW_SLAB_FREE_UNREADABLE;
			wrong->why = (enum mmw_code)-rc;
			return n;
		}
		from = at;
		at = next;
	}
	return n;
}

static bool mark_free(const struct mmw_slabs *s, struct mmw_vm *vm, const struct mmw_slab *slab, uint8_t *state,
		      struct mmw_slab_problems *problems)
{
	struct mmw_slab_problem wrong;
	uint32_t n = follow(s, vm, slab, slab->freelist, MMW_OBJECT_FREE, state, &wrong);

	if (wrong.kind != MMW_SLAB_PROBLEM_KINDS) {
		mmw_slab_problem_add(problems, &wrong);
		return false;
	}
	if (n + slab->inuse == slab->objects)
		return true;
	if (slab->inuse > slab->objects) {
		wrong = problem_of(slab, MMW_SLAB_INUSE, slab->va, slab->inuse, slab->objects);
		mmw_slab_problem_add(problems, &wrong);
		return true;
	}
	wrong = problem_of(slab, MMW_SLAB_FREE_COUNT, slab->va, n, slab->objects - slab->inuse);
	mmw_slab_problem_add(problems, &wrong);
	return true;
}

static bool take(const struct mmw_slabs *s, const uint8_t *bytes, struct mmw_slab *slab)
{
	const struct slub *own = s->own;
	struct slab_rec rec;

	mmw_shadow_take(&own->slab, bytes, own->be, &rec);
	slab->cache_va = rec.cache;
	slab->cache = mmw_cache_at(&s->caches, rec.cache);
	slab->freelist = rec.freelist;
	slab->objects = (uint32_t)rec.objects;
	slab->inuse = (uint32_t)rec.inuse;
	slab->frozen = rec.frozen;
	slab->first = slab->memory + (slab->cache ? slab->cache->red_left_pad : 0);
	return true;
}

/* --- the lists of nodes -------------------------------------------------------------------------------------------- */

static void add_problem(struct opening *o, enum mmw_slab_problem_kind kind, uint64_t addr, uint64_t found, uint64_t expected, int why)
{
	mmw_slab_problem_add(&o->s->problems, &(struct mmw_slab_problem){ .kind = kind, .cache = o->cache->va, .addr = addr,
				.cpu = o->at_cpu, .node = o->at_cpu < 0 ? (int64_t)o->at_node : -1, .found = found, .expected = expected, .why = (enum mmw_code)-why });
}

static void list_problem(struct opening *o, const struct mmw_list_break *broken)
{
	if (broken->end != MMW_LIST_WHOLE)
		add_problem(o, MMW_SLAB_LIST_BROKEN, broken->at, broken->from, broken->end, -(int)broken->why);
}

static void check_link(struct opening *o, const struct mmw_link *link)
{
	uint64_t back = link->backward ? link->next : link->prev;

	if (back != link->from)
		add_problem(o, MMW_SLAB_LINK, link->at, back, link->from, 0);
}

static int visit_partial(void *ctx, const struct mmw_link *link, struct mmw_err *err)
{
	struct opening *o = ctx;
	uint64_t va = link->at - o->slab_list.offset, pfn;
	struct slab_rec rec;

	if (!mmw_memmap_pfn(&o->s->memmap, va, &pfn) || mmw_shadow_read(&o->own->slab, o->vm, va, &rec, NULL))
		return 1;
	if (rec.cache != o->cache->va)
		add_problem(o, MMW_SLAB_OTHER_CACHE, va, rec.cache, o->cache->va, 0);
	check_link(o, link);
	/* The kernel's own count, as slabinfo has it; from the list's head. */
	if (rec.objects >= rec.inuse && !link->backward && (!o->samples || o->listed < SCAN_MAX))
		o->free += rec.objects - rec.inuse;
	o->listed++;
	return mmw_slabs_list(o->s, va, MMW_SLAB_PARTIAL, o->at_node, o->cache, err);
}

/* From 6.10 on, of a long list its ends stand for all of it (count_partial_free_approx). */
static int sample(struct opening *o, uint64_t head, const struct node_rec *node)
{
	uint64_t free = 0, seen = 0, next = head, word = o->own->word;

	for (int backward = 0; backward < 2; backward++) {
		next = head;
		while (seen < (backward ? SCAN_MAX : SCAN_MAX / 2)) {
			struct slab_rec rec;
			int rc = mmw_vm_read_uint(o->vm, next + (backward ? word : 0), (unsigned)word, &next, NULL);

			rc = rc || next == head ? -MMW_E_CORRUPT :
			     mmw_shadow_read(&o->own->slab, o->vm, next - o->slab_list.offset, &rec, NULL);
			if (rc)
				return rc;
			free += rec.objects - rec.inuse;
			seen++;
		}
	}
	free = (uint64_t)((unsigned __int128)free * node->nr_partial / seen);
	o->free = mmw_min64(free, node->total_objects);
	return 0;
}

static int read_partial(struct opening *o, uint64_t va, const struct node_rec *node, struct mmw_slabinfo *info)
{
	uint64_t head = va + o->partial.offset;
	struct mmw_list_break broken;
	int rc;

	o->free = o->listed = 0;
	rc = mmw_list_walk(o->vm, o->own->word, head, LIST_MAX, visit_partial, o, &broken, o->err);
	if (rc)
		return rc;
	list_problem(o, &broken);
	if (o->listed != node->nr_partial)
		add_problem(o, MMW_SLAB_LIST_COUNT, va, o->listed, node->nr_partial, 0);
	if (o->samples && o->listed > SCAN_MAX && broken.end == MMW_LIST_WHOLE)
		sample(o, head, node);
	if (node->nr_slabs == MMW_ABSENT || node->total_objects == MMW_ABSENT) {
		info->known = false;
		return 0;
	}
	rc = mmw_slabs_count(o->s, o->cache, &(struct mmw_slab_count){ .va = va, .node = o->at_node, .slabs = node->nr_slabs,
									.objects = node->total_objects }, o->err);
	info->num_slabs += node->nr_slabs;
	info->active_slabs += node->nr_slabs;
	info->num_objs += node->total_objects;
	info->active_objs += node->total_objects - o->free;
	return rc;
}

/* How many objects a sheaf says it has, and what contradicts that; state: of its objects, FREE if it must not have any. */
static int sheaf_size(struct opening *o, uint64_t va, enum mmw_object_state state, uint64_t *size)
{
	uint64_t cache = 0, capacity = o->cache->sheaf_capacity;
	int rc = mmw_vm_read_uint(o->vm, va + o->sheaf_size.offset, (unsigned)o->sheaf_size.size, size, NULL);

	rc = rc ? rc : mmw_vm_read_uint(o->vm, va + o->sheaf_cache.offset, o->own->word, &cache, NULL);
	if (rc) {
		add_problem(o, MMW_SLAB_CPU_UNREADABLE, va, 0, 0, rc);
		return rc;
	}
	/* Caches without sheaves share an empty one. */
	if (*size && cache != o->cache->va)
		add_problem(o, MMW_SLAB_SHEAF_CACHE, va, cache, o->cache->va, 0);
	if (state == MMW_OBJECT_FREE && *size)
		add_problem(o, MMW_SLAB_SHEAF_SIZE, va, *size, 0, 0);
	else if (*size > capacity || (!*size && state == MMW_OBJECT_BARN))
		add_problem(o, MMW_SLAB_SHEAF_SIZE, va, *size, capacity, 0);
	/* Which of those objects it has, and which it had once, nobody can tell. */
	if (*size > capacity)
		*size = 0;
	return 0;
}

static int read_sheaf(struct opening *o, uint64_t va, enum mmw_object_state state, uint32_t who)
{
	uint64_t size = 0, object;
	int rc;

	if (sheaf_size(o, va, state, &size))
		return 0;
	for (uint64_t i = 0; i < size; i++) {
		rc = mmw_vm_read_uint(o->vm, va + o->sheaf_objects.offset + i * o->own->word, o->own->word, &object, NULL);
		if (rc) {
			add_problem(o, MMW_SLAB_CPU_UNREADABLE, va, 0, 0, rc);
			return 0;
		}
		rc = mmw_slabs_hold(o->s, o->cache, object, state, who, o->err);
		if (rc)
			return rc;
	}
	return 0;
}

static int visit_sheaf(void *ctx, const struct mmw_link *link, struct mmw_err *err)
{
	struct opening *o = ctx;

	(void)err;
	check_link(o, link);
	o->listed++;
	return read_sheaf(o, link->at - o->barn_list.offset, MMW_OBJECT_BARN, o->at_node);
}

static int visit_empty(void *ctx, const struct mmw_link *link, struct mmw_err *err)
{
	struct opening *o = ctx;
	uint64_t size;

	(void)err;
	check_link(o, link);
	o->listed++;
	sheaf_size(o, link->at - o->barn_list.offset, MMW_OBJECT_FREE, &size);
	return 0;
}

static int read_sheaves_of(struct opening *o, uint64_t head, mmw_list_visit *visit, uint64_t count)
{
	struct mmw_list_break broken;
	int rc;

	o->listed = 0;
	rc = mmw_list_walk(o->vm, o->own->word, head, SHEAF_MAX, visit, o, &broken, o->err);
	if (rc)
		return rc;
	list_problem(o, &broken);
	if (o->listed != count)
		add_problem(o, MMW_SLAB_LIST_COUNT, head, o->listed, count, 0);
	return 0;
}

static int read_barn(struct opening *o, uint64_t va)
{
	struct barn_rec barn;
	int rc = mmw_shadow_read(&o->barn, o->vm, va, &barn, NULL);

	if (rc) {
		add_problem(o, MMW_SLAB_NODE_UNREADABLE, va, 0, 0, rc);
		return 0;
	}
	rc = read_sheaves_of(o, va + o->full_sheaves.offset, visit_sheaf, barn.nr_full);
	return rc ? rc : read_sheaves_of(o, va + o->empty_sheaves.offset, visit_empty, barn.nr_empty);
}

/* The node's pointer in a cache's array; 0 where there is none, or it cannot be read, which is said. */
static uint64_t pointer_at(struct opening *o, uint64_t va)
{
	uint64_t v = 0;
	int rc = mmw_vm_read_uint(o->vm, va, o->own->word, &v, NULL);

	if (rc)
		add_problem(o, MMW_SLAB_NODE_UNREADABLE, va, 0, 0, rc);
	return rc ? 0 : v;
}

static int read_node(struct opening *o, bool held, struct mmw_slabinfo *info)
{
	uint64_t at = mmw_cache_node_pointer(&o->s->caches, o->cache, o->at_node), va = pointer_at(o, at), barn = 0;
	struct node_rec node;
	int rc;

	if (o->s->caches.has_barns && held)
		barn = pointer_at(o, at - o->s->caches.node_at + o->s->caches.barn_at);
	if (va) {
		rc = mmw_shadow_read(&o->node, o->vm, va, &node, NULL);
		if (rc) {
			add_problem(o, MMW_SLAB_NODE_UNREADABLE, va, 0, 0, rc);
			info->known = false;
			return 0;
		}
		rc = read_partial(o, va, &node, info);
		if (rc)
			return rc;
		if (!o->s->caches.has_barns && node.barn != MMW_ABSENT)
			barn = node.barn;
	}
	return barn && held && o->has_sheaves ? read_barn(o, barn) : 0;
}

/* --- what CPUs have ------------------------------------------------------------------------------------------------ */

static void cpu_problem(struct opening *o, enum mmw_slab_problem_kind kind, uint32_t cpu, uint64_t addr, uint64_t found, int why)
{
	mmw_slab_problem_add(&o->s->problems, &(struct mmw_slab_problem){ .kind = kind, .cache = o->cache->va, .addr = addr,
				.slab = addr, .cpu = cpu, .node = -1, .found = found, .why = (enum mmw_code)-why });
}

/* The objects of a CPU's own free list, which is in the slab it takes from. */
static int hold_freelist(struct opening *o, uint32_t cpu, const struct mmw_slab *slab, uint64_t first)
{
	struct mmw_slab_problem wrong;
	int rc = 0;

	memset(o->state, MMW_OBJECT_ALLOCATED, slab->objects);
	follow(o->s, o->vm, slab, first, MMW_OBJECT_CPU, o->state, &wrong);
	wrong.cpu = cpu;
	if (wrong.kind != MMW_SLAB_PROBLEM_KINDS)
		mmw_slab_problem_add(&o->s->problems, &wrong);
	for (uint32_t i = 0; !rc && i < slab->objects; i++)
		if (o->state[i] == MMW_OBJECT_CPU)
			rc = mmw_slabs_hold(o->s, o->cache, mmw_slab_object_va(slab, i), MMW_OBJECT_CPU, cpu, o->err);
	return rc;
}

/* A slab a CPU has. False: it is none of this cache, and that has been said. */
static bool read_cpu_slab(struct opening *o, uint32_t cpu, uint64_t va, uint64_t from, struct mmw_slab *slab)
{
	if (mmw_slab_read(o->s, o->vm, va, slab, NULL)) {
		cpu_problem(o, MMW_SLAB_FOREIGN, cpu, va, from, 0);
		return false;
	}
	if (slab->cache == o->cache)
		return true;
	cpu_problem(o, MMW_SLAB_OTHER_CACHE, cpu, va, slab->cache_va, 0);
	return false;
}

static int read_chain(struct opening *o, uint32_t cpu, uint64_t va, uint64_t from)
{
	struct mmw_set seen = { 0 };
	int rc = 0;

	while (!rc && va) {
		struct mmw_slab slab;
		struct slab_rec rec;

		rc = seen.n < CHAIN_MAX ? mmw_set_add(&seen, va) : 0;
		if (rc < 0) {
			rc = mmw_fail(o->err, MMW_E_NOMEM, 0, "no memory for a chain of slabs");
			break;
		}
		if (!rc) {
			add_problem(o, MMW_SLAB_LIST_BROKEN, va, from, seen.n < CHAIN_MAX ? MMW_LIST_CYCLE : MMW_LIST_LONG, 0);
			break;
		}
		if (!read_cpu_slab(o, cpu, va, from, &slab) || mmw_shadow_read(&o->own->slab, o->vm, va, &rec, NULL)) {
			rc = 0;
			break;
		}
		rc = mmw_slabs_list(o->s, va, MMW_SLAB_CPU_PARTIAL, cpu, o->cache, o->err);
		from = va;
		va = rec.next == MMW_ABSENT ? 0 : rec.next;
	}
	mmw_set_free(&seen);
	return rc;
}

static int read_cpu(struct opening *o, size_t i)
{
	uint64_t va = mmw_percpu_address(&o->cpus, o->cache->cpu, i);
	uint32_t cpu = o->cpus.cpus[i].cpu;
	struct mmw_slab slab;
	struct cpu_rec rec;
	int rc = mmw_shadow_read(&o->cpu, o->vm, va, &rec, NULL);

	if (rc) {
		cpu_problem(o, MMW_SLAB_CPU_UNREADABLE, cpu, va, 0, rc);
		return 0;
	}
	rc = 0;
	if (rec.slab && read_cpu_slab(o, cpu, rec.slab, va, &slab)) {
		rc = mmw_slabs_list(o->s, rec.slab, MMW_SLAB_CPU, cpu, o->cache, o->err);
		rc = rc ? rc : hold_freelist(o, cpu, &slab, rec.freelist);
	}
	return !rc && rec.partial && rec.partial != MMW_ABSENT ? read_chain(o, cpu, rec.partial, va) : rc;
}

static int read_sheaves(struct opening *o, size_t i)
{
	uint64_t va = mmw_percpu_address(&o->cpus, o->cache->sheaves, i);
	uint32_t cpu = o->cpus.cpus[i].cpu;
	struct sheaves_rec rec;
	int rc = mmw_shadow_read(&o->sheaves, o->vm, va, &rec, NULL);

	if (rc) {
		cpu_problem(o, MMW_SLAB_CPU_UNREADABLE, cpu, va, 0, rc);
		return 0;
	}
	rc = rec.main ? read_sheaf(o, rec.main, MMW_OBJECT_SHEAF, cpu) : 0;
	if (!rc && rec.spare)
		rc = read_sheaf(o, rec.spare, MMW_OBJECT_SHEAF, cpu);
	if (!rc && rec.rcu_free)
		rc = read_sheaf(o, rec.rcu_free, MMW_OBJECT_RCU, cpu);
	return rc;
}

static int read_nodes(struct opening *o, enum mmw_slabs_depth depth)
{
	struct mmw_slabinfo *info = &o->s->info[o->cache - o->s->caches.cache];
	int rc = 0;

	info->known = true;
	o->at_cpu = -1;
	for (o->at_node = 0; !rc && o->at_node < o->s->caches.nodes; o->at_node++)
		rc = read_node(o, depth == MMW_SLABS_OBJECTS, info);
	return rc;
}

static int read_cpus(struct opening *o)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < o->cpus.n; i++) {
		o->at_cpu = o->cpus.cpus[i].cpu;
		if (o->has_cpu_slabs && o->cache->cpu)
			rc = read_cpu(o, i);
		if (!rc && o->has_sheaves && o->cache->sheaves)
			rc = read_sheaves(o, i);
	}
	return rc;
}

/* A sheaf of objects freed by kfree_rcu leaves its CPU when it is full, to wait for a grace period (rcu_free_sheaf). */
static int visit_waiting(void *ctx, uint64_t head, uint32_t cpu, struct mmw_err *err)
{
	struct opening *o = ctx;
	uint64_t sheaf = head - o->sheaf_rcu.offset, cache;

	(void)err;
	if (mmw_vm_read_uint(o->vm, sheaf + o->sheaf_cache.offset, o->own->word, &cache, NULL))
		return 0;
	o->cache = mmw_cache_at(&o->s->caches, cache);
	o->at_cpu = cpu;
	return o->cache && !o->cache->bad ? read_sheaf(o, sheaf, MMW_OBJECT_RCU, cpu) : 0;
}

static int read_waiting(struct opening *o)
{
	static const char *const funcs[] = { "rcu_free_sheaf", "rcu_free_sheaf_nobarn" };
	unsigned broken = 0;
	uint64_t func;
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < mmw_array_len(funcs); i++)
		if (!mmw_kernel_symbol(o->s->kernel, funcs[i], &func, NULL, NULL))
			rc = mmw_rcu_callbacks(o->s->kernel, &o->cpus, func, visit_waiting, o, &broken, NULL);
	return rc == -MMW_E_NOMEM ? mmw_fail(o->err, MMW_E_NOMEM, 0, "no memory for the objects in sheaves") : 0;
}

/* --- binding ------------------------------------------------------------------------------------------------------- */

static int bind_sheaves(struct mmw_kernel *k, struct opening *o)
{
	int rc = mmw_shadow_bind(k, "slub_percpu_sheaves", sheaves_fields, mmw_array_len(sheaves_fields), &o->sheaves, o->err);

	rc = rc ? rc : mmw_shadow_bind(k, "node_barn", barn_fields, mmw_array_len(barn_fields), &o->barn, o->err);
	rc = rc ? rc : mmw_kernel_member(k, "node_barn", "sheaves_full", &o->full_sheaves, NULL, o->err);
	rc = rc ? rc : mmw_kernel_member(k, "node_barn", "sheaves_empty", &o->empty_sheaves, NULL, o->err);
	rc = rc ? rc : mmw_kernel_member(k, "slab_sheaf", "barn_list", &o->barn_list, NULL, o->err);
	rc = rc ? rc : mmw_kernel_member_any(k, "slab_sheaf", "rcu_head|callback_head", &o->sheaf_rcu, o->err);
	rc = rc ? rc : mmw_kernel_member(k, "slab_sheaf", "cache", &o->sheaf_cache, NULL, o->err);
	rc = rc ? rc : mmw_kernel_member(k, "slab_sheaf", "size", &o->sheaf_size, NULL, o->err);
	return rc ? rc : mmw_kernel_member(k, "slab_sheaf", "objects", &o->sheaf_objects, NULL, o->err);
}

static int bind(struct mmw_kernel *k, struct opening *o, enum mmw_slabs_depth depth)
{
	struct mmw_member m;
	uint64_t size;
	int rc = mmw_slabs_bind(o->s, slab_fields, mmw_array_len(slab_fields), &o->own->slab, &o->slab_list, o->err);

	rc = rc ? rc : mmw_shadow_bind(k, "kmem_cache_node", node_fields, mmw_array_len(node_fields), &o->node, o->err);
	rc = rc ? rc : mmw_kernel_member(k, "kmem_cache_node", "partial", &o->partial, NULL, o->err);
	o->samples = mmw_kernel_version(k) >= MMW_LINUX(6, 10);
	o->has_cpu_slabs = !mmw_kernel_member(k, "kmem_cache", "cpu_slab", &m, NULL, NULL);
	o->has_sheaves = !mmw_kernel_type_size(k, "slub_percpu_sheaves", &size, NULL);
	if (rc || depth != MMW_SLABS_OBJECTS)
		return rc;
	if (o->has_cpu_slabs)
		rc = mmw_shadow_bind(k, "kmem_cache_cpu", cpu_fields, mmw_array_len(cpu_fields), &o->cpu, o->err);
	if (!rc && o->has_sheaves)
		rc = bind_sheaves(k, o);
	return rc ? rc : mmw_percpu_open(k, &o->cpus, o->err);
}

/* Of the two ways to mix, that one by which free objects lead to free objects. */
static void find_mixing(struct opening *o)
{
	unsigned plain = 0, reversed = 0;

	o->own->swab = mmw_kernel_version(o->s->kernel) >= MMW_LINUX(5, 7);
	for (size_t i = 0; i < o->s->n_listed && plain + reversed < SAMPLES; i++) {
		struct mmw_slab slab;
		uint64_t link, offset, at;
		uint32_t index;

		if (mmw_slab_read(o->s, o->vm, o->s->listed[i].slab, &slab, NULL) || !slab.cache || slab.cache->bad ||
		    !slab.freelist)
			continue;
		at = slab.freelist + slab.cache->offset;
		if (mmw_vm_read_uint(o->vm, at, o->own->word, &link, NULL))
			continue;
		plain += mmw_slab_object(&slab, decode(o->s, slab.cache, false, link, at), &index, &offset) && !offset;
		reversed += mmw_slab_object(&slab, decode(o->s, slab.cache, true, link, at), &index, &offset) && !offset;
	}
	if (plain != reversed)
		o->own->swab = reversed > plain;
}

/* Of the free lists of a cache, some: of its nodes' slabs (which begin at *listed) and of its CPUs. */
static size_t sample_lists(struct opening *o, size_t *listed, struct mmw_secret_list *lists)
{
	const struct mmw_slabs *s = o->s;
	uint32_t cache = (uint32_t)(o->cache - s->caches.cache);
	size_t n = 0;

	for (; *listed < s->n_listed && s->listed[*listed].cache == cache; ++*listed) {
		struct mmw_slab *slab = &lists[n].slab;

		if (n == SECRET_LISTS / 2 || mmw_slab_read(s, o->vm, s->listed[*listed].slab, slab, NULL) ||
		    slab->cache != o->cache || !slab->freelist || slab->inuse >= slab->objects)
			continue;
		lists[n].first = slab->freelist;
		lists[n++].free = slab->objects - slab->inuse;
	}
	for (size_t i = 0; o->has_cpu_slabs && o->cache->cpu && i < o->cpus.n && n < SECRET_LISTS; i++) {
		struct cpu_rec rec;

		if (mmw_shadow_read(&o->cpu, o->vm, mmw_percpu_address(&o->cpus, o->cache->cpu, i), &rec, NULL) ||
		    !rec.freelist || mmw_slab_read(s, o->vm, rec.slab, &lists[n].slab, NULL) ||
		    lists[n].slab.cache != o->cache)
			continue;
		lists[n].first = rec.freelist;
		lists[n++].free = 0;
	}
	return n;
}

/* Where none of a cache's free lists ends by its number, there may be one by which they do. */
static void mend_secrets(struct opening *o)
{
	struct mmw_secret secret = { o->vm, o->own->word, o->own->swab, o->own->mask, SECRET_LINKS };
	struct mmw_secret_list lists[SECRET_LISTS];
	size_t listed = 0;

	o->at_cpu = -1;
	for (size_t i = 0; i < o->s->caches.n; i++) {
		struct mmw_cache *cache = &o->s->caches.cache[i];
		uint64_t random;
		size_t n, fit = 0;

		o->cache = cache;
		if (cache->bad)
			continue;
		n = sample_lists(o, &listed, lists);
		for (size_t j = 0; j < n; j++)
			fit += mmw_secret_follow(&secret, &lists[j], cache->random) > 0;
		if (fit || !n || !mmw_secret_find(&secret, lists, n, &random))
			continue;
		mmw_slab_problem_add(&o->s->problems, &(struct mmw_slab_problem){ .kind = MMW_SLAB_SECRET, .cache = cache->va,
				     .addr = cache->va, .found = cache->random, .expected = random, .cpu = -1, .node = -1 });
		cache->random = random;
		cache->recovered_random = true;
	}
}

static int open_slub(struct mmw_slabs *s, enum mmw_slabs_depth depth, struct mmw_err *err)
{
	struct mmw_kernel *k = s->kernel;
	struct opening o = { .s = s, .vm = mmw_kernel_vm(k), .err = err };
	int rc;

	s->own = o.own = calloc(1, sizeof(*o.own));
	o.state = malloc(MMW_SLAB_OBJECTS_MAX);
	if (!o.own || !o.state) {
		free(o.state);
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the slabs");
	}
	o.own->word = mmw_kernel_arch(k)->word;
	o.own->be = mmw_image_big_endian(mmw_kernel_image(k));
	o.own->mask = o.own->word == 8 ? UINT64_MAX : UINT32_MAX;
	rc = bind(k, &o, depth);
	for (o.cache = s->caches.cache; !rc && o.cache < s->caches.cache + s->caches.n; o.cache++)
		rc = o.cache->bad ? 0 : read_nodes(&o, depth);
	if (!rc && depth == MMW_SLABS_OBJECTS)
		find_mixing(&o);
	if (!rc && depth == MMW_SLABS_OBJECTS && s->caches.hardened)
		mend_secrets(&o);
	for (o.cache = s->caches.cache; !rc && depth == MMW_SLABS_OBJECTS && o.cache < s->caches.cache + s->caches.n; o.cache++)
		rc = o.cache->bad ? 0 : read_cpus(&o);
	if (!rc && depth == MMW_SLABS_OBJECTS && o.has_sheaves)
		rc = read_waiting(&o);
	free(o.state);
	mmw_percpu_close(&o.cpus);
	return rc;
}

static void close_slub(struct mmw_slabs *s)
{
	free(s->own);
}

const struct mmw_slab_allocator mmw_slub = {
	.kind = MMW_SLUB,
	.open = open_slub,
	.close = close_slub,
	.take = take,
	.mark_free = mark_free,
	.next = next_object,
};

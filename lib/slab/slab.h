/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slabs and their objects: every slab of the machine, found by the pass over the struct pages (so full ones too, which
 * no list has), and each object's state.
 *
 * What a slab says of itself is in its first struct page: struct page's own members to 5.16 (SLUB, SLAB), struct slab
 * laid over it since (mm/slab.h). An object that nobody uses is on its slab's free list, or held by a CPU or a node for
 * the next who asks; those are counted as in use by the slab, and found in lists of their own (lib/slab/allocator.h).
 */
#ifndef MMW_SLAB_SLAB_H
#define MMW_SLAB_SLAB_H

#include "lib/mm/memmap.h"
#include "lib/mm/page.h"
#include "lib/slab/cache.h"
#include "lib/slab/kfence.h"
#include "lib/slab/problem.h"

enum mmw_object_state {
	MMW_OBJECT_ALLOCATED,
	MMW_OBJECT_FREE,      /* on its slab's free list */
	MMW_OBJECT_CPU,       /* held by a CPU: on its free list (SLUB to 6.19), in its array (SLAB) */
	MMW_OBJECT_SHEAF,     /* in one of a CPU's sheaves (SLUB from 6.18) */
	MMW_OBJECT_RCU,       /* freed by kfree_rcu, in a CPU's sheaf that waits for a grace period */
	MMW_OBJECT_BARN,      /* in a full sheaf that a node keeps */
	MMW_OBJECT_SHARED,    /* in a node's array for all its CPUs (SLAB) */
	MMW_OBJECT_ALIEN,     /* freed on another node and not yet returned (SLAB) */
	MMW_OBJECT_UNKNOWN,   /* the slab's free list is broken, and may have had it behind the break */
	MMW_OBJECT_STATES,
};

/* Where a slab is. */
enum mmw_slab_place {
	MMW_SLAB_FULL,        /* on no list, and no object on its free list */
	MMW_SLAB_CPU,         /* a CPU takes objects from it */
	MMW_SLAB_CPU_PARTIAL, /* a CPU keeps it for when that one is used up */
	MMW_SLAB_PARTIAL,     /* on a node's partial list */
	MMW_SLAB_EMPTY,       /* on a node's list of free slabs (SLAB) */
	MMW_SLAB_NOWHERE,     /* has free objects, and is on no list */
	MMW_SLAB_KFENCE,      /* a page of KFENCE's, with one object; the cache does not count it */
	MMW_SLAB_PLACES,
};

enum { MMW_SLAB_OBJECTS_MAX = 65535 };

struct mmw_slab {
	uint64_t va;          /* of its first struct page */
	uint64_t pfn;
	uint64_t memory;      /* address of its first byte */
	unsigned order;       /* it is 2^order pages */
	unsigned node;
	uint64_t cache_va;    /* the kmem_cache it names */
	const struct mmw_cache *cache;  /* NULL: that is none of the list's */
	uint64_t first;       /* address of its first object: behind the red zone, or colour */
	uint32_t objects;     /* it holds */
	uint32_t inuse;       /* of these, by its own count */
	uint64_t freelist;    /* as it has it: SLUB the first free object, SLAB an array of numbers */
	bool frozen;          /* SLUB's bit */
	uint8_t place;        /* enum mmw_slab_place */
	int32_t who;          /* the CPU (CPU, CPU_PARTIAL) */
	bool broken;          /* its free list is */
	uint32_t n[MMW_OBJECT_STATES];  /* objects by state */
	const uint8_t *state; /* enum mmw_object_state of each; NULL: not asked for, or no objects can be told apart */
};

/* An object that is free, though its slab counts it as used. */
struct mmw_held {
	uint64_t object;
	uint8_t state;
	uint32_t who;         /* CPU, or node (BARN, SHARED, ALIEN) */
	uint32_t cache;       /* index: for whose allocations */
};

/* A slab that a list has, or a CPU. */
struct mmw_listed {
	uint64_t slab;        /* its struct page */
	uint8_t place;
	uint32_t who;         /* CPU or node */
	uint32_t cache;       /* index: whose list it is */
};

/* What a cache's structure for a node (at va) counts. */
struct mmw_slab_count {
	uint64_t va;
	uint32_t cache, node; /* index; number */
	uint64_t slabs, objects;
};

/* A line of /proc/slabinfo, as this kernel's own arithmetic has it (get_slabinfo). */
struct mmw_slabinfo {
	bool known;           /* counters there are, and could be read */
	uint64_t active_objs, num_objs, active_slabs, num_slabs, shared_avail;
};

struct mmw_slabs {
	struct mmw_kernel *kernel;
	struct mmw_memmap memmap;
	struct mmw_pages pages;
	struct mmw_caches caches;
	const struct mmw_layout *layout;
	const struct mmw_slab_allocator *allocator;
	void *own;                    /* the allocator's */
	struct mmw_held *held;        /* ascending by object */
	size_t n_held, cap_held;
	struct mmw_listed *listed;    /* ascending by slab */
	size_t n_listed, cap_listed;
	struct mmw_slab_count *counts;  /* by cache and node; those that can be read */
	size_t n_counts, cap_counts;
	struct mmw_slabinfo *info;    /* of each cache */
	/* KFENCE's pool (5.12), whose pages are marked as slabs: addresses; last 0: there is no pool. And what is in them, if known. */
	uint64_t kfence_first, kfence_last;
	struct mmw_kfence kfence;
	uint64_t unread;              /* frames of memory whose struct pages the last pass could not read */
	struct mmw_slab_problems problems;  /* found on opening */
};

/* How much of it: the counters alone are what /proc/slabinfo shows. */
enum mmw_slabs_depth { MMW_SLABS_COUNTERS, MMW_SLABS_OBJECTS };

/* MMW_E_NOSYM, MMW_E_NOTYPE. What is damaged is in out->problems, and the rest is there. */
int mmw_slabs_open(struct mmw_kernel *k, enum mmw_slabs_depth depth, struct mmw_slabs *out, struct mmw_err *err);
void mmw_slabs_close(struct mmw_slabs *s);

/* What of /proc/slabinfo a cache's line would say; copies for memory cgroups (to 5.8) are part of their root's. */
void mmw_slabs_info(const struct mmw_slabs *s, const struct mmw_cache *cache, struct mmw_slabinfo *out);

struct mmw_slabs_opts {
	const struct mmw_cache *only;  /* NULL: every cache's */
	bool states;                   /* fill in slab.state */
	unsigned threads;
};

/*
 * Every slab in physical order. visit() ends the pass by what is not 0; `slab` and its states are there as long as it
 * runs. What is wrong with a slab is added to s->problems.
 */
typedef int mmw_slab_visit(void *ctx, const struct mmw_slab *slab, struct mmw_err *err);
int mmw_slabs_pass(struct mmw_slabs *s, const struct mmw_slabs_opts *opts, mmw_slab_visit *visit, void *ctx,
		   struct mmw_err *err);

/*
 * The slab that frame pfn is in. state: room for MMW_SLAB_OBJECTS_MAX states, or NULL. MMW_E_NODATA: it is in none. What is
 * wrong with it goes to `problems`, which may be NULL.
 */
int mmw_slab_of(const struct mmw_slabs *s, struct mmw_vm *vm, uint64_t pfn, struct mmw_slab *out, uint8_t *state,
		struct mmw_slab_problems *problems, struct mmw_err *err);

/* The number of the object that va lies in, and how far; false: in none (padding, red zone of the first, no objects). */
bool mmw_slab_object(const struct mmw_slab *slab, uint64_t va, uint32_t *index, uint64_t *offset);

static inline uint64_t mmw_slab_object_va(const struct mmw_slab *slab, uint32_t index)
{
	return slab->first + (uint64_t)index * slab->cache->size;
}

/* Its objects that are free, and held by a CPU or a node. */
static inline uint32_t mmw_slab_held(const struct mmw_slab *slab)
{
	uint32_t n = 0;

	for (int i = MMW_OBJECT_CPU; i <= MMW_OBJECT_ALIEN; i++)
		n += slab->n[i];
	return n;
}

/* Is it a node (mmw_held.who) that holds objects of this state? */
static inline bool mmw_held_by_node(enum mmw_object_state state)
{
	return state == MMW_OBJECT_BARN || state == MMW_OBJECT_SHARED || state == MMW_OBJECT_ALIEN;
}

/* Who holds an object; NULL: nobody. */
const struct mmw_held *mmw_slab_holder(const struct mmw_slabs *s, uint64_t object);

/* "allocated", "cpu-partial" ... */
const char *mmw_object_state_name(enum mmw_object_state state);
const char *mmw_slab_place_name(enum mmw_slab_place place);

#endif

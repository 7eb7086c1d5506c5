/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slab allocator's caches: struct kmem_cache, as slab_caches lists them (mm/slab_common.c, 4.14 to 7.2).
 *
 * Which of the three allocators made them, its members tell: SLUB (until today), SLAB (to 6.7), SLOB (to 6.3).
 */
#ifndef MMW_SLAB_CACHE_H
#define MMW_SLAB_CACHE_H

#include "lib/kernel/kernel.h"
#include "lib/kernel/list.h"

enum mmw_slab_kind { MMW_SLUB, MMW_SLAB, MMW_SLOB };

enum { MMW_CACHES_MAX = 1 << 16, MMW_CACHE_NAME_MAX = 128 };

/*
 * kmem_cache.flags: numbers of include/linux/slab.h until 6.8, of enum _slab_flag_bits from 6.9 on. Here in an order of
 * our own, as bits of mmw_cache.has.
 */
enum mmw_cache_flag {
	MMW_CACHE_CHECKS, MMW_CACHE_RED_ZONE, MMW_CACHE_POISON, MMW_CACHE_STORE_USER, MMW_CACHE_TRACE,
	MMW_CACHE_HWCACHE_ALIGN, MMW_CACHE_DMA, MMW_CACHE_DMA32, MMW_CACHE_PANIC, MMW_CACHE_RCU, MMW_CACHE_RECLAIM,
	MMW_CACHE_ACCOUNT, MMW_CACHE_KASAN, MMW_CACHE_NO_MERGE, MMW_CACHE_KMALLOC, MMW_CACHE_OBJECT_POISON,
	MMW_CACHE_NO_OBJ_EXT, MMW_CACHE_OBJ_EXT_IN_OBJ, MMW_CACHE_NO_SHEAVES,
	MMW_CACHE_OFF_SLAB, MMW_CACHE_IN_OBJECT,  /* where SLAB has its slabs' arrays: elsewhere, in a free object */
	MMW_CACHE_FLAGS,
};

struct mmw_cache {
	uint64_t va;             /* its struct kmem_cache */
	char *name;              /* "?" where it cannot be read */
	bool bad;                /* its numbers cannot be a cache's: nothing is read by them */
	uint32_t size;           /* bytes from one object to the next */
	uint32_t object_size;    /* of these, the object's own */
	uint32_t align;
	uint64_t flags;          /* as the kernel has them */
	uint32_t has;            /* 1 << enum mmw_cache_flag of those that are known */
	int32_t refcount;        /* its users: itself, and the caches merged with it */
	uint64_t ctor;           /* 0: none */
	uint64_t useroffset, usersize;  /* what of an object may be copied to user space (4.16) */
	size_t root;             /* index of the cache whose copy for a memory cgroup it is (to 5.8); its own else */
	unsigned order;          /* a new slab is 2^order pages ... */
	unsigned objects;        /* ... and holds so many objects. 0: a cache of SLOB, which has no slabs */
	uint64_t cpu;            /* per-CPU pointer: kmem_cache_cpu of SLUB, array_cache of SLAB; 0: none */

	/* SLUB's alone */
	uint32_t offset;         /* where a free object holds the address of the next one */
	uint32_t inuse;          /* where what debugging adds to an object begins */
	uint32_t red_left_pad;   /* bytes before each object */
	uint64_t random;         /* what these addresses are mixed with, if mmw_caches.hardened */
	bool recovered_random;   /* not as the cache has it, but as its slabs' own links tell */
	unsigned min_order, min_objects;  /* of a slab made when memory is short */
	uint64_t min_partial, cpu_partial;
	uint64_t sheaves;        /* per-CPU pointer to slub_percpu_sheaves (6.18); 0: none */
	uint32_t sheaf_capacity;

	/* SLAB's alone */
	uint32_t limit, batchcount, shared;
	uint32_t freelist_size, object_offset;
};

struct mmw_caches {
	struct mmw_kernel *kernel;
	enum mmw_slab_kind kind;
	/* In the list's order. SLOB: and one more, at no address (va 0), whose slabs are all pages and whose objects are units. */
	struct mmw_cache *cache;
	size_t n, cap;
	uint32_t *by_va;             /* indices, ascending by address */
	bool hardened;               /* CONFIG_SLAB_FREELIST_HARDENED */
	bool flags_guessed;
	uint64_t head;               /* slab_caches */
	char broken[160];            /* why not all caches are here, in words; "" */
	struct mmw_list_break list;  /* the same */
	/* Where a cache has a pointer for each node: to its kmem_cache_node, and to its barn (7.1; else 0 bytes). */
	unsigned nodes, node_at, node_step, barn_at;
	bool has_barns;
};

/*
 * Fails where there is no list; a list that breaks in the middle is read from both ends. MMW_E_NOSYM, MMW_E_NOTYPE.
 */
int mmw_caches_open(struct mmw_kernel *k, struct mmw_caches *out, struct mmw_err *err);
void mmw_caches_close(struct mmw_caches *c);

/* The cache whose struct kmem_cache is at va, or NULL. */
const struct mmw_cache *mmw_cache_at(const struct mmw_caches *c, uint64_t va);

static inline bool mmw_cache_has(const struct mmw_cache *c, enum mmw_cache_flag flag)
{
	return c->has >> flag & 1;
}

/* Bytes that debugging puts before each object: part of its size, and there is room for them. */
static inline uint32_t mmw_cache_before(const struct mmw_cache *c)
{
	uint64_t before = (uint64_t)c->red_left_pad + c->object_offset;

	return before <= c->size - c->object_size ? (uint32_t)before : 0;
}

/* Where the pointer to the cache's kmem_cache_node of a node is. */
static inline uint64_t mmw_cache_node_pointer(const struct mmw_caches *c, const struct mmw_cache *cache, unsigned node)
{
	return cache->va + c->node_at + (uint64_t)node * c->node_step;
}

/* "red-zone" ...: of a flag. */
const char *mmw_cache_flag_name(enum mmw_cache_flag flag);

/* "hwcache-align|panic": all that are known of a cache; "" for none. Cut where it does not fit. */
void mmw_cache_flag_words(const struct mmw_cache *cache, char *text, size_t size);

/* "SLUB" ... */
const char *mmw_slab_kind_name(enum mmw_slab_kind kind);

#endif

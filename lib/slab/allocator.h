/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the three allocators do each in their way. Each is one file, which fills in a struct mmw_slab_allocator and has its
 * line in allocators[] (slab.c).
 */
#ifndef MMW_SLAB_ALLOCATOR_H
#define MMW_SLAB_ALLOCATOR_H

#include "lib/kernel/shadow.h"
#include "lib/slab/slab.h"

struct mmw_slab_allocator {
	enum mmw_slab_kind kind;
	bool lists_all;  /* full slabs are on a list too */
	/*
	 * Bind what is needed (into s->own), read the lists of slabs and the counters (s->listed, s->info), and for
	 * MMW_SLABS_OBJECTS what CPUs and nodes hold (s->held). Sorting is the caller's.
	 */
	int (*open)(struct mmw_slabs *s, enum mmw_slabs_depth depth, struct mmw_err *err);
	void (*close)(struct mmw_slabs *s);
	/*
	 * What a slab's struct page (`bytes`) says, into slab, whose va, pfn, memory, order and node are there. False: it
	 * is no slab that holds objects.
	 */
	bool (*take)(const struct mmw_slabs *s, const uint8_t *bytes, struct mmw_slab *slab);
	/* Mark what is free in state[slab->objects], all ALLOCATED before. True: the list was whole. */
	bool (*mark_free)(const struct mmw_slabs *s, struct mmw_vm *vm, const struct mmw_slab *slab, uint8_t *state,
			  struct mmw_slab_problems *problems);
	/* What a free object says is the next one, or has said when it was free; 0: the last. NULL: objects do not tell. */
	int (*next)(const struct mmw_slabs *s, struct mmw_vm *vm, const struct mmw_slab *slab, uint64_t object, uint64_t *out);
};

extern const struct mmw_slab_allocator mmw_slub, mmw_slab_arrays, mmw_slob;

/*
 * Bind what a slab's first struct page says: of struct slab, which lies over struct page from 5.17 on, or of that. list: the
 * member by which it is on lists.
 */
int mmw_slabs_bind(const struct mmw_slabs *s, const struct mmw_field *fields, size_t n, struct mmw_shadow *out,
		   struct mmw_member *list, struct mmw_err *err);

/* Add to s->held, s->listed and s->counts. */
int mmw_slabs_hold(struct mmw_slabs *s, const struct mmw_cache *cache, uint64_t object, enum mmw_object_state state,
		   uint32_t who, struct mmw_err *err);
int mmw_slabs_list(struct mmw_slabs *s, uint64_t slab, enum mmw_slab_place place, uint32_t who, const struct mmw_cache *cache,
		   struct mmw_err *err);

int mmw_slabs_count(struct mmw_slabs *s, const struct mmw_cache *cache, const struct mmw_slab_count *count, struct mmw_err *err);

/* The slab whose first struct page is at va, without its objects' states. MMW_E_CORRUPT: there is none. */
int mmw_slab_read(const struct mmw_slabs *s, struct mmw_vm *vm, uint64_t va, struct mmw_slab *out, struct mmw_err *err);

#endif

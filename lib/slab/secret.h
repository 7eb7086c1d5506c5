/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The number that a hardened SLUB mixes a cache's links with (kmem_cache.random), found without the cache.
 *
 * A link is next ^ random ^ where it is written (its bytes reversed since 5.7), and the last one's next is 0. The first
 * free object is known, and the next is one of the slab's: each choice gives a number, by which the list then either
 * ends at 0, or somewhere leads out of the slab. A wrong number never ends at 0, as it is off by the distance of two
 * objects, and there is no object at that address.
 */
#ifndef MMW_SLAB_SECRET_H
#define MMW_SLAB_SECRET_H

#include "lib/slab/slab.h"

/* How links are written, and how many may still be read. */
struct mmw_secret {
	struct mmw_vm *vm;
	unsigned word;
	bool swab;
	uint64_t mask;
	uint64_t budget;
};

/* A free list from `first` on, in a slab that has a cache. */
struct mmw_secret_list {
	struct mmw_slab slab;
	uint64_t first;
	uint32_t free;   /* how many objects it has; 0: not known */
};

/* How many objects the list has by this number; 0: it leads out of the slab, in a circle, or has other objects than it should. */
uint32_t mmw_secret_follow(struct mmw_secret *s, const struct mmw_secret_list *list, uint64_t random);

/* The number by which most of the lists end, two at least, or one of several objects. */
bool mmw_secret_find(struct mmw_secret *s, const struct mmw_secret_list *lists, size_t n, uint64_t *random);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KFENCE's objects (mm/kfence/core.c, 5.12 to 7.2): now and then an allocation gets a page of KFENCE's own pool instead of
 * one of its cache's objects, so that what is done wrong with it faults. Such a page says that it is a slab of that cache,
 * also when the object has been freed; but the cache does not count it, and where in it the object is, and whether it is
 * allocated, only KFENCE knows.
 */
#ifndef MMW_SLAB_KFENCE_H
#define MMW_SLAB_KFENCE_H

#include "lib/kernel/kernel.h"

enum mmw_kfence_state { MMW_KFENCE_UNUSED, MMW_KFENCE_ALLOCATED, MMW_KFENCE_FREED, MMW_KFENCE_RCU };

struct mmw_kfence_object {
	uint64_t addr;      /* of the object: at the start or the end of its page */
	uint64_t cache;     /* struct kmem_cache; 0: never used, or that cache is gone */
	uint8_t state;      /* enum mmw_kfence_state */
};

struct mmw_kfence {
	uint64_t pool;                    /* address of its first byte */
	uint64_t page;                    /* bytes of a page */
	struct mmw_kfence_object *object; /* number i is in page 2 * (i + 1) of the pool */
	size_t n;                         /* 0: there is no pool */
};

/* A kernel without KFENCE, or with none that runs, is no error. MMW_E_NOTYPE, MMW_E_CORRUPT: there is a pool, and it cannot be read. */
int mmw_kfence_open(struct mmw_kernel *k, uint64_t page_size, struct mmw_kfence *out, struct mmw_err *err);
void mmw_kfence_close(struct mmw_kfence *f);

/* The object whose page va is in. NULL: it is in none. */
const struct mmw_kfence_object *mmw_kfence_at(const struct mmw_kfence *f, uint64_t va);

#endif

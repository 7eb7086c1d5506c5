/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Areas of the vmalloc space, as /proc/vmallocinfo lists them (mm/vmalloc.c): to 6.8 the list vmap_area_list, since
 * then the trees of vmap_nodes. What was mapped by vm_map_ram() has an area, but no vm_struct.
 */
#ifndef MMW_MM_VMAP_H
#define MMW_MM_VMAP_H

#include "lib/kernel/shadow.h"

enum { MMW_VMAPS_MAX = 1 << 20 };

struct mmw_vmap {
	uint64_t first, last;  /* addresses; the guard page behind it is part of it */
	uint64_t vm;           /* its struct vm_struct; 0: none */
};

/* What a vm_struct says. */
struct mmw_vm_area {
	uint64_t size, flags, pages, phys;
	uint64_t caller;       /* an address in the code that asked for it */
};

struct mmw_vmaps {
	struct mmw_vmap *area; /* by address */
	size_t n, cap;
	bool broken;           /* a list or tree leads astray: some areas are missing */
	struct mmw_shadow vm;
};

/* MMW_E_NOSYM, MMW_E_NOTYPE. */
int mmw_vmaps_open(struct mmw_kernel *k, struct mmw_vmaps *out, struct mmw_err *err);
void mmw_vmaps_close(struct mmw_vmaps *v);

/* The area va lies in, or NULL. */
const struct mmw_vmap *mmw_vmap_at(const struct mmw_vmaps *v, uint64_t va);
int mmw_vmap_read(const struct mmw_vmaps *v, struct mmw_vm *vm, const struct mmw_vmap *area, struct mmw_vm_area *out,
		  struct mmw_err *err);

/* "ioremap", "vmalloc", "vmap" ..., as /proc/vmallocinfo calls it; NULL for what has no such word. */
const char *mmw_vmap_kind(const struct mmw_vm_area *area);

#endif

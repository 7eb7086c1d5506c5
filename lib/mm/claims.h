/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What frames are used for by what leads to them, where struct page does not tell: the kernel's image, what its page tables
 * map outside the linear map (vmalloc, modules, per-CPU chunks, kernel stacks, the memmap), the tables themselves, and the
 * physical resources (kernel/resource.c, iomem_resource).
 */
#ifndef MMW_MM_CLAIMS_H
#define MMW_MM_CLAIMS_H

#include "lib/mm/memmap.h"

enum mmw_claim {
	MMW_CLAIM_NONE, MMW_CLAIM_IMAGE, MMW_CLAIM_MODULE, MMW_CLAIM_VMALLOC, MMW_CLAIM_PERCPU, MMW_CLAIM_STACK, MMW_CLAIM_MEMMAP,
	MMW_CLAIM_TABLE, MMW_CLAIM_RESOURCE,
};

enum { MMW_CLAIM_NAME_MAX = 32 };

/* Frames in a row. */
struct mmw_claim_range {
	uint64_t pfn, n;
	uint8_t claim;
	uint8_t level;     /* TABLE: of the table; 0 is the last. RESOURCE: how deep it lies in others */
	bool user;         /* TABLE: serves a process's addresses */
	bool ram;          /* RESOURCE: is System RAM, or lies in it */
	uint16_t name;     /* IMAGE, RESOURCE, VMALLOC: index of names; 0: none */
};

struct mmw_claim_list {
	struct mmw_claim_range *range;  /* ascending, disjoint */
	size_t n, cap;
};

struct mmw_claims {
	struct mmw_claim_list tables, mapped, image, resources;
	char (*names)[MMW_CLAIM_NAME_MAX];
	size_t n_names, cap_names;
	uint64_t address_spaces;    /* of processes, whose tables were walked */
	uint64_t lost;              /* tables that could not be read */
	/* What could not be asked, in words; NULL: all of it was. */
	const char *no_tasks, *no_percpu, *no_resources;
};

/* Fails for want of memory only: what this kernel does not tell is a claim less, and said. */
int mmw_claims_open(struct mmw_kernel *k, const struct mmw_memmap *m, struct mmw_claims *out, struct mmw_err *err);
void mmw_claims_close(struct mmw_claims *c);

/* The range a frame lies in, or NULL. *at is where to look first, 0 at the start; it moves on with ascending frames. */
const struct mmw_claim_range *mmw_claim_of(const struct mmw_claim_list *l, uint64_t pfn, size_t *at);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom a page frame belongs to: what its struct page says goes first (free, slab, page table, anonymous, page cache
 * ...), then what leads to it (per-CPU lists, lib/mm/claims.h), then that it was reserved.
 *
 * What it takes is read when a frame first asks for it, and kept. One thread.
 */
#ifndef MMW_MM_OWNER_H
#define MMW_MM_OWNER_H

#include "lib/mm/buddy.h"
#include "lib/mm/claims.h"
#include "lib/mm/frame.h"
#include "lib/mm/inode.h"
#include "lib/mm/memblock.h"
#include "lib/mm/pcp.h"
#include "lib/mm/resource.h"
#include "lib/mm/task.h"
#include "lib/mm/vmap.h"

enum mmw_owner_kind {
	MMW_OWNER_HOLE,         /* no struct page */
	MMW_OWNER_LOST,         /* its struct page cannot be read */
	MMW_OWNER_OFFLINE, MMW_OWNER_FREE, MMW_OWNER_PCP, MMW_OWNER_SLAB, MMW_OWNER_TABLE, MMW_OWNER_GUARD,
	MMW_OWNER_ZSMALLOC, MMW_OWNER_UNACCEPTED, MMW_OWNER_LARGE_KMALLOC, MMW_OWNER_KMEMCG, MMW_OWNER_BALLOON,
	MMW_OWNER_ZERO, MMW_OWNER_HUGE_ZERO,
	MMW_OWNER_HUGETLB,      /* of no file: in the pool */
	MMW_OWNER_KSM, MMW_OWNER_ANON, MMW_OWNER_MOVABLE,
	MMW_OWNER_FILE,         /* the page cache; shmem and hugetlbfs too, which the file system's type tells */
	MMW_OWNER_SWAPCACHE,    /* nothing else leads to it */
	MMW_OWNER_IMAGE, MMW_OWNER_MODULE, MMW_OWNER_VMALLOC, MMW_OWNER_PERCPU, MMW_OWNER_STACK, MMW_OWNER_MEMMAP,
	MMW_OWNER_CRASH,        /* kept for the crash kernel */
	MMW_OWNER_BOOT,         /* reserved at boot by the kernel itself */
	MMW_OWNER_FIRMWARE,     /* no RAM, or the firmware's: the resource tells */
	MMW_OWNER_UNREFERENCED, /* no references, on no list: so are all but the first page of one allocation, without head */
	MMW_OWNER_UNEXPLAINED,  /* in use, by whom nothing marks */
	MMW_OWNER_KINDS,
};

/* What only some kinds have stands under their name. Of a slab, lib/slab/slab.h tells more. */
struct mmw_owner {
	enum mmw_owner_kind kind;
	char why[160];          /* what of it is not known, in words; "" */
	struct {
		uint64_t pfn;   /* of the block's first frame */
		unsigned order;
		const struct mmw_zone *zone;
		int type;       /* migrate type of its list; -1: on none that can be read */
	} free;
	struct {
		uint64_t pfn;
		unsigned order;
		uint32_t cpu, position;
		int type;       /* -1: the list is of several, or not known */
	} pcp;
	struct {
		int level;      /* -1: not known; 0: the last */
		bool user;
		uint64_t mm;    /* whose root it is; 0: not known, or no root */
	} table;
	uint64_t anon;          /* ANON: the anon_vma; KSM: the stable node; MOVABLE: the operations. 0: none */
	struct mmw_inode inode; /* FILE */
	uint64_t file_offset;
	const char *part;       /* IMAGE: "kernel text", "Kernel code" ... */
	const struct mmw_vmap *area;   /* VMALLOC, STACK, MODULE, PERCPU: where it is; NULL: not known, or linear */
	struct mmw_vm_area vm_area;    /* where area->vm is not 0 */
	uint32_t pid;           /* STACK, and TABLE with an mm: of the first task; UINT32_MAX: not known */
	char comm[16];          /* printable, or '?' */
	uint64_t first_pfn, n_pfns;    /* MEMMAP: of the frames whose struct pages begin in it; 0 of them: none */
	/* Every kind: the innermost one at its address; NULL: none, or not known. */
	const struct mmw_resource *resource;
	/* BOOT: what was set aside together, where the kernel keeps that list; NULL: it does not. */
	const struct mmw_memblock_range *memblock;
};

struct mmw_owners {
	const struct mmw_frames *f;
	unsigned threads;
	size_t at_table, at_mapped, at_image;
	struct mmw_inodes inodes;
	struct mmw_buddy buddy;
	struct mmw_pcp pcp;
	struct mmw_pcp_page *pcp_page; /* those of pcp, by frame */
	struct mmw_claims claims;
	struct mmw_vmaps vmaps;
	struct mmw_resources resources;
	struct mmw_tasks tasks;
	struct mmw_memblock memblock;
	/* What was tried, and what came of it. */
	struct mmw_lazy {
		bool tried;
		struct mmw_err err;    /* code 0: it is there */
	} has_inodes, has_buddy, has_pcp, has_claims, has_vmaps, has_resources, has_tasks, has_memblock;
};

/* Borrows `f`. */
void mmw_owners_init(struct mmw_owners *o, const struct mmw_frames *f, unsigned threads);
void mmw_owners_close(struct mmw_owners *o);

/* vas: n addresses the frame is mapped at by the kernel; fewer tell less. */
void mmw_owner_of(struct mmw_owners *o, const struct mmw_frame *frame, const uint64_t *vas, size_t n,
		  struct mmw_owner *out);

/* "free", "file" ..., as the ledger's classes (lib/mm/ledger.h) where they are the same; and in words: "free block". */
const char *mmw_owner_name(enum mmw_owner_kind kind);
const char *mmw_owner_words(enum mmw_owner_kind kind);

#endif

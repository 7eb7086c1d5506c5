/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memmap: where the struct page of a frame is, and back; and which frames have one that tells anything.
 *
 * Four models (include/asm-generic/memory_model.h, include/linux/mmzone.h, 4.14 to 7.2):
 *
 *   flat                one array, mem_map, for all frames from the first one on
 *   discontiguous       an array for each node, its node_mem_map (to 5.13)
 *   sparse              an array for each section of 2^SECTION_SIZE_BITS bytes, which its mem_section leads to
 *   sparse, vmemmap     the same, but the arrays of all sections lie where one array for all memory would have them
 *
 * mem_section is an array of pointers to pages full of sections (SPARSEMEM_EXTREME; to 4.14 the array itself, from
 * 4.15 a pointer to it), or an array of sections.
 *
 * All of them are shown as runs of frames, ascending, which cover [0, end) without a gap: what is no memory is a run
 * too.
 */
#ifndef MMW_MM_MEMMAP_H
#define MMW_MM_MEMMAP_H

#include "lib/kernel/kernel.h"

enum mmw_memory_model { MMW_FLATMEM, MMW_DISCONTIGMEM, MMW_SPARSEMEM, MMW_SPARSEMEM_VMEMMAP };

enum mmw_frame_state {
	MMW_FRAME_NONE,    /* it has no struct page: pfn_valid() says no */
	MMW_FRAME_ONLINE,  /* it has, and pfn_to_online_page() finds it, as /proc/kpageflags and the allocator do */
	/*
	 * It has, but no memory behind it: the remainder of a section that was there at boot (from 5.12 on; before
	 * that, the kernel does not tell these apart from ONLINE ones). Its struct page is initialised, as reserved.
	 */
	MMW_FRAME_HOLE,
	/*
	 * It has, but its section is not online: memory that was plugged in and not yet used, was taken offline, or
	 * belongs to a device (ZONE_DEVICE). Its struct page may never have been written, or be all ones
	 * (page_init_poison).
	 */
	MMW_FRAME_OFFLINE,
};

enum { MMW_NO_NODE = -1, MMW_RUN_FRAMES = 1 << 15 };

/* Frames that follow each other, in one state, whose struct pages follow each other as well. */
struct mmw_mem_run {
	uint64_t pfn, n;  /* n: at most MMW_RUN_FRAMES of those with struct pages, and then in one section */
	uint64_t map;     /* the struct page of the first one; 0: NONE */
	uint64_t usage;   /* where the section's mem_section_usage is (before 5.3, its bitmap of pageblocks), or 0 */
	uint64_t ext;     /* the section's page_ext: where the one of frame 0 would be (mm/page_ext.c); 0: it has none */
	int16_t node;     /* as section_to_node_table has it, or the node of this node_mem_map; else MMW_NO_NODE */
	uint8_t state;    /* enum mmw_frame_state */
	bool early;       /* it was there at boot; true too where the kernel keeps no such flag (before 5.3) */
	/*
	 * SECTION_TAINT_ZONE_DEVICE (5.12): memory of a device begins or ends inside this section. Frames of it that
	 * are ONLINE here are not when the zone that their struct page names is ZONE_DEVICE.
	 */
	bool device;
};

struct mmw_memmap {
	enum mmw_memory_model model;
	uint64_t page_size;       /* sizeof(struct page) */
	unsigned section_shift;   /* frames a section, as a power of two; 0: there are no sections */
	struct mmw_mem_run *runs; /* ascending; they tile [0, end) */
	size_t n_runs, cap_runs;
	uint32_t *by_map;         /* those with struct pages, by their addresses */
	size_t n_by_map;
	uint64_t end;
	uint64_t pages;           /* frames that have a struct page */
	/*
	 * /proc/kpageflags has an entry for each of the frames [0, listed): max_pfn, with sections rounded up to one
	 * (fs/proc/page.c, get_max_dump_pfn). What of it is not ONLINE reads as KPF_NOPAGE there (as 0 in 7.2).
	 */
	uint64_t listed;
	const char *doubt;        /* why ONLINE may claim too much, for people; NULL: it does not */
};

/* MMW_E_CORRUPT, MMW_E_NOSYM, MMW_E_NOTYPE; MMW_E_LIMIT for more memory than any machine has. */
int mmw_memmap_open(struct mmw_kernel *k, struct mmw_memmap *out, struct mmw_err *err);
void mmw_memmap_close(struct mmw_memmap *m);

/* The run that a frame is in; NULL past the end. */
const struct mmw_mem_run *mmw_memmap_run(const struct mmw_memmap *m, uint64_t pfn);

/* NONE past the end. */
enum mmw_frame_state mmw_memmap_state(const struct mmw_memmap *m, uint64_t pfn);

/* The address of a frame's struct page; 0 where it has none. */
uint64_t mmw_memmap_page(const struct mmw_memmap *m, uint64_t pfn);

/* The frame whose struct page is at va; false when va is none, or lies inside one. */
bool mmw_memmap_pfn(const struct mmw_memmap *m, uint64_t va, uint64_t *pfn);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc/kpageflags and /proc/kpagecount say of a frame (fs/proc/page.c of the version at hand;
 * include/uapi/linux/kernel-page-flags.h, include/linux/kernel-page-flags.h).
 */
#ifndef MMW_MM_KPF_H
#define MMW_MM_KPF_H

#include "lib/mm/page.h"
#include "lib/mm/pass.h"

enum mmw_kpf_bit {
	MMW_KPF_LOCKED, MMW_KPF_ERROR, MMW_KPF_REFERENCED, MMW_KPF_UPTODATE, MMW_KPF_DIRTY, MMW_KPF_LRU, MMW_KPF_ACTIVE,
	MMW_KPF_SLAB, MMW_KPF_WRITEBACK, MMW_KPF_RECLAIM, MMW_KPF_BUDDY, MMW_KPF_MMAP, MMW_KPF_ANON, MMW_KPF_SWAPCACHE,
	MMW_KPF_SWAPBACKED, MMW_KPF_COMPOUND_HEAD, MMW_KPF_COMPOUND_TAIL, MMW_KPF_HUGE, MMW_KPF_UNEVICTABLE, MMW_KPF_HWPOISON,
	MMW_KPF_NOPAGE, MMW_KPF_KSM, MMW_KPF_THP, MMW_KPF_OFFLINE, MMW_KPF_ZERO_PAGE, MMW_KPF_IDLE, MMW_KPF_PGTABLE,
	MMW_KPF_RESERVED = 32, MMW_KPF_MLOCKED, MMW_KPF_MAPPEDTODISK, MMW_KPF_PRIVATE, MMW_KPF_PRIVATE_2, MMW_KPF_OWNER_PRIVATE,
	MMW_KPF_ARCH, MMW_KPF_UNCACHED, MMW_KPF_SOFTDIRTY, MMW_KPF_ARCH_2, MMW_KPF_ARCH_3,
	MMW_KPF_OWNER_2 = MMW_KPF_MAPPEDTODISK,  /* from 6.12 */
	/* Free slots in which tools/mm/page-types shows flags that mean something else on pages of a kind. */
	MMW_KPF_ANON_EXCLUSIVE = 47, MMW_KPF_READAHEAD, MMW_KPF_SLOB_FREE, MMW_KPF_SLUB_FROZEN, MMW_KPF_SLUB_DEBUG,
	MMW_KPF_N = 64,
};

#define MMW_KPF(name) (1ull << MMW_KPF_##name)

struct mmw_kpf {
	const struct mmw_pages *pages;
	bool folios;             /* struct folio exists (5.16) */
	uint64_t nopage;         /* the entry of a frame that is not online: KPF_NOPAGE alone; 0 in 7.x (fs/proc/page.c, kpage_read) */
	bool thp;                /* CONFIG_TRANSPARENT_HUGEPAGE */
	uint64_t zero_pfn;       /* UINT64_MAX: not known, or none */
	uint64_t huge_zero_pfn;  /* the same; its first frame */
	uint64_t huge_mask;      /* frames of a huge page, less one */
	unsigned orders;         /* of the page allocator */
	const char *unknown;     /* what cannot be told, in words; NULL: nothing */
};

/* What goes on from frame to frame of a run of the memmap, and is zeroed before the first. */
struct mmw_kpf_state {
	struct mmw_folio folio;   /* the last one seen */
	bool has_folio, mapped, streaming;
	uint64_t free_end;        /* the free block that was seen last ends before this frame */
	uint64_t scanned;         /* struct pages looked at to know whether one of a folio is mapped */
	uint64_t damaged;         /* frames whose head cannot be had */
};

/* `pages` is borrowed. */
int mmw_kpf_bind(struct mmw_kernel *k, const struct mmw_pages *pages, struct mmw_kpf *out, struct mmw_err *err);

/*
 * The entries of a frame. With `streaming` set in the state, frames must come in ascending order from the start of a
 * run of the memmap; else the free block around the frame is looked for. `run` may hold the struct pages around; run->vm is needed.
 * count may be NULL.
 */
uint64_t mmw_kpf_of(const struct mmw_kpf *c, struct mmw_kpf_state *s, const struct mmw_page_run *run,
		    const struct mmw_page *page, int64_t *count);

/* Frames in a row with the same entries. */
struct mmw_kpf_range {
	uint64_t pfn, n, flags;
	int64_t count;          /* of mappings; 0 unless asked for */
	enum mmw_code lost;     /* their struct pages cannot be read, so flags and count are not known: why; else MMW_OK */
};

/*
 * All frames from 0 to the end of the files, in ascending order; what is not online has nopage. `counts`:
 * ranges differ by count too. visit() ends the pass by what is not 0. *damaged: frames whose compound page contradicts itself
 * or cannot be read, taken as pages of their own.
 */
typedef int mmw_kpf_visit(void *ctx, const struct mmw_kpf_range *range, struct mmw_err *err);
int mmw_kpf_pass(struct mmw_kernel *k, const struct mmw_kpf *c, bool counts, unsigned threads, mmw_kpf_visit *visit, void *ctx,
		 uint64_t *damaged, struct mmw_err *err);

/* The flags as tools/mm/page-types shows them: for everyone, or with --raw. */
uint64_t mmw_kpf_well_known(uint64_t flags);
uint64_t mmw_kpf_overloaded(uint64_t flags);

/*
 * "L:locked" of a bit, as tools/mm/page-types calls it; NULL for a bit that it has no name for. It lost three names when the
 * flags went, and got one (`newer`, 6.12).
 */
const char *mmw_kpf_name(unsigned bit, bool newer);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/frame.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/kernel/shadow.h"

enum { SWAP_TYPE_BITS = 5, HVO_PAGES_MAX = 1 << 14 };

/*
 * A swap entry as the kernel keeps it (include/linux/swapops.h): its type on top of what an entry of the page cache's
 * tree can hold, which is a bit less than a word, and two less before there were xarrays (4.20).
 */
static unsigned swap_shift(struct mmw_kernel *k, unsigned word)
{
	uint64_t size;

	return 8 * word - SWAP_TYPE_BITS - (mmw_kernel_type_size(k, "xarray", &size, NULL) ? 2 : 1);
}

static void find_end(struct mmw_frames *f)
{
	uint64_t last = mmw_image_last(mmw_kernel_image(f->k)) >> f->page_shift;

	if (mmw_kernel_variable(f->k, "max_pfn", f->pages.word, &f->end_pfn, NULL))
		f->end_pfn = 0;
	f->end_pfn = mmw_max64(f->end_pfn, last + 1);
}

/* Tries that failed before one did not leave their words behind. */
static bool failed(int rc, struct mmw_err *why)
{
	if (!rc)
		why->code = MMW_OK;
	if (!rc)
		why->msg[0] = '\0';
	return rc;
}

int mmw_frames_open(struct mmw_kernel *k, struct mmw_frames *out, struct mmw_err *err)
{
	uint64_t va;
	int rc;

	memset(out, 0, sizeof(*out));
	out->k = k;
	out->vm = mmw_kernel_vm(k);
	out->page_shift = mmw_kernel_page_shift(k);
	rc = mmw_memmap_open(k, &out->memmap, err);
	rc = rc ? rc : mmw_pages_bind(k, &out->memmap, &out->pages, err);
	if (rc) {
		mmw_memmap_close(&out->memmap);
		return rc;
	}
	failed(mmw_kpf_bind(k, &out->pages, &out->kpf, &out->no_kpf), &out->no_kpf);
	if (failed(mmw_zones_open(k, &out->zones, &out->no_zones), &out->no_zones))
		out->no_blocks = out->no_zones;
	else if (failed(mmw_pageblocks_open(k, &out->zones, &out->memmap, &out->blocks, &out->no_blocks),
			&out->no_blocks))
		mmw_pageblocks_close(&out->blocks);
	find_end(out);
	out->swap_shift = swap_shift(k, out->pages.word);
	out->hugetlb_units = !mmw_kernel_symbol(k, "hugetlb_basepage_index", &va, NULL, NULL);
	return 0;
}

void mmw_frames_close(struct mmw_frames *f)
{
	mmw_pageblocks_close(&f->blocks);
	mmw_zones_close(&f->zones);
	mmw_memmap_close(&f->memmap);
}

static void find_zone(const struct mmw_frames *f, struct mmw_frame *frame)
{
	unsigned index = mmw_page_zone(&f->pages.place, frame->page.flags);

	frame->node = mmw_page_node(&f->pages.place, frame->page.flags);
	for (size_t i = 0; !f->no_zones.code && i < f->zones.n; i++)
		if (f->zones.zone[i].index == index &&
		    (!f->pages.place.node_bits || f->zones.zone[i].node == frame->node))
			frame->zone = &f->zones.zone[i];
	frame->type = -1;
	if (frame->zone && !f->no_blocks.code)
		frame->type = mmw_pageblock_type(&f->blocks, f->vm, frame->zone, frame->pfn);
	if (frame->type >= (int)f->zones.types)
		frame->type = -1;
}

static void find_folio(const struct mmw_frames *f, struct mmw_frame *frame)
{
	if (mmw_folio_of(&f->pages, f->vm, NULL, &frame->page, &frame->folio, &frame->broken)) {
		memset(&frame->folio, 0, sizeof(frame->folio));
		frame->folio.large_mapcount = INT32_MIN;
		frame->folio.page = frame->page;
	}
	frame->number = frame->pfn - frame->folio.page.pfn;
	frame->memcg = MMW_ABSENT;
	if (f->pages.memcg >= 0 && mmw_vm_read_uint(f->vm, frame->folio.page.va + (unsigned)f->pages.memcg,
						    f->pages.word, &frame->memcg, NULL))
		frame->memcg = MMW_ABSENT;
}

void mmw_frame_look(const struct mmw_frames *f, uint64_t pfn, struct mmw_frame *out)
{
	struct mmw_kpf_state state = { 0 };
	struct mmw_page_run run = { .vm = f->vm };
	struct mmw_err err = { 0 };

	memset(out, 0, sizeof(*out));
	out->pfn = pfn;
	out->state = mmw_memmap_state(&f->memmap, pfn);
	out->va = mmw_memmap_page(&f->memmap, pfn);
	if (!out->va || out->state == MMW_FRAME_OFFLINE)
		return;
	if (mmw_page_read(&f->pages, f->vm, pfn, &out->page, &err)) {
		out->why = err.code;
		return;
	}
	out->read = true;
	find_zone(f, out);
	find_folio(f, out);
	if (out->state != MMW_FRAME_ONLINE)
		out->kpf = f->pages.style == MMW_PAGE_STYLE_SNAPSHOT ? 0 : MMW_KPF(NOPAGE);
	else if (!f->no_kpf.code)
		out->kpf = mmw_kpf_of(&f->kpf, &state, &run, &out->page, &out->mapcount);
}

bool mmw_frame_swap(const struct mmw_frames *f, const struct mmw_frame *frame, unsigned *type, uint64_t *offset)
{
	const struct mmw_page *head = &frame->folio.page;

	if (!mmw_page_flag(&f->pages, head, MMW_PG_SWAPCACHE) || !mmw_page_flag(&f->pages, head, MMW_PG_SWAPBACKED))
		return false;
	*type = (unsigned)(head->private >> f->swap_shift);
	*offset = (head->private & ((1ull << f->swap_shift) - 1)) + frame->number;
	return true;
}

uint64_t mmw_frame_file_offset(const struct mmw_frames *f, const struct mmw_frame *frame)
{
	uint64_t index = frame->folio.page.index;

	if (frame->folio.hugetlb && f->hugetlb_units)
		index <<= frame->folio.order;
	return (index + frame->number) << f->page_shift;
}

bool mmw_frame_hvo(const struct mmw_frames *f, const struct mmw_frame *frame, uint64_t *different, uint64_t *all)
{
	uint64_t page = 1ull << f->page_shift, va = frame->folio.page.va & ~(page - 1), before = UINT64_MAX, pa;
	uint64_t bytes = (f->pages.size << frame->folio.order);

	*all = (frame->folio.page.va - va + bytes + page - 1) / page;
	*different = 0;
	if (*all > HVO_PAGES_MAX)
		return false;
	/* Those that share one follow each other. */
	for (uint64_t i = 0; i < *all; i++) {
		if (mmw_vm_translate(f->vm, va + i * page, &pa, NULL))
			return false;
		*different += pa != before;
		before = pa;
	}
	return true;
}

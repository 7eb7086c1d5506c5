/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/owner.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"

static const struct { const char *name, *words; } kinds[MMW_OWNER_KINDS] = {
	[MMW_OWNER_HOLE] = { "hole", "nobody: no struct page" },
	[MMW_OWNER_LOST] = { "lost", "not known: the struct page cannot be read" },
	[MMW_OWNER_OFFLINE] = { "offline", "nobody: offline" },
	[MMW_OWNER_FREE] = { "free", "free block" },
	[MMW_OWNER_PCP] = { "pcp", "free, on a CPU's list" },
	[MMW_OWNER_SLAB] = { "slab", "slab" },
	[MMW_OWNER_TABLE] = { "page-table", "page table" },
	[MMW_OWNER_GUARD] = { "guard", "guard page" },
	[MMW_OWNER_ZSMALLOC] = { "zsmalloc", "zsmalloc" },
	[MMW_OWNER_UNACCEPTED] = { "unaccepted", "memory not yet accepted" },
	[MMW_OWNER_LARGE_KMALLOC] = { "large-kmalloc", "kmalloc larger than any slab" },
	[MMW_OWNER_KMEMCG] = { "kmemcg", "kernel memory charged to a memory cgroup" },
	[MMW_OWNER_BALLOON] = { "balloon", "balloon" },
	[MMW_OWNER_ZERO] = { "zero", "the zero page" },
	[MMW_OWNER_HUGE_ZERO] = { "huge-zero", "the huge zero page" },
	[MMW_OWNER_HUGETLB] = { "hugetlb", "hugetlb pool" },
	[MMW_OWNER_KSM] = { "ksm", "anonymous memory, merged (KSM)" },
	[MMW_OWNER_ANON] = { "anon", "anonymous memory" },
	[MMW_OWNER_MOVABLE] = { "movable", "a driver's movable page" },
	[MMW_OWNER_FILE] = { "file", "page cache" },
	[MMW_OWNER_SWAPCACHE] = { "swapcache", "swap cache" },
	[MMW_OWNER_IMAGE] = { "image", "kernel image" },
	[MMW_OWNER_MODULE] = { "module", "module" },
	[MMW_OWNER_VMALLOC] = { "vmalloc", "vmalloc" },
	[MMW_OWNER_PERCPU] = { "percpu", "per-CPU memory" },
	[MMW_OWNER_STACK] = { "stack", "kernel stack" },
	[MMW_OWNER_MEMMAP] = { "memmap", "struct pages" },
	[MMW_OWNER_CRASH] = { "crash", "kept for the crash kernel" },
	[MMW_OWNER_BOOT] = { "boot", "reserved at boot" },
	[MMW_OWNER_FIRMWARE] = { "firmware", "the firmware, or no RAM" },
	[MMW_OWNER_UNREFERENCED] = { "unreferenced",
				     "not known: no references, on no free list, as all but the first page of an allocation" },
	[MMW_OWNER_UNEXPLAINED] = { "unexplained", "the kernel, by whom nothing marks" },
};

const char *mmw_owner_name(enum mmw_owner_kind kind)
{
	return kinds[kind].name;
}

const char *mmw_owner_words(enum mmw_owner_kind kind)
{
	return kinds[kind].words;
}

__attribute__((format(printf, 2, 3)))
static void unknown(struct mmw_owner *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
}

/* --- what is read when it is first needed ------------------------------------------------------------------------ */

/* Has it been tried? If not, it is now. */
static bool tried(struct mmw_lazy *l)
{
	bool before = l->tried;

	l->tried = true;
	return before;
}

/* What came of it: tries that failed before one did not leave their words behind. */
static void settle(struct mmw_lazy *l, int rc)
{
	if (!rc)
		l->err = (struct mmw_err){ 0 };
}

static bool need_buddy(struct mmw_owners *o)
{
	struct mmw_lazy *l = &o->has_buddy;

	if (!tried(l))
		settle(l, mmw_buddy_open(o->f->k, o->threads, &o->buddy, &l->err));
	return !l->err.code;
}

static int by_frame(const void *a, const void *b)
{
	const struct mmw_pcp_page *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static int open_pcp(struct mmw_owners *o, struct mmw_err *err)
{
	int rc = mmw_pcp_open(o->f->k, &o->f->zones, &o->f->memmap, &o->pcp, err);

	if (rc || !o->pcp.n_pages)
		return rc;
	o->pcp_page = malloc(o->pcp.n_pages * sizeof(*o->pcp_page));
	if (!o->pcp_page)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the per-CPU lists");
	memcpy(o->pcp_page, o->pcp.pages, o->pcp.n_pages * sizeof(*o->pcp_page));
	qsort(o->pcp_page, o->pcp.n_pages, sizeof(*o->pcp_page), by_frame);
	return 0;
}

static bool need_pcp(struct mmw_owners *o)
{
	struct mmw_lazy *l = &o->has_pcp;

	if (o->f->no_zones.code)
		l->err = o->f->no_zones;
	else if (!tried(l))
		settle(l, open_pcp(o, &l->err));
	return !l->err.code;
}

static bool need_claims(struct mmw_owners *o)
{
	struct mmw_lazy *l = &o->has_claims;

	if (!tried(l))
		settle(l, mmw_claims_open(o->f->k, &o->f->memmap, &o->claims, &l->err));
	return !l->err.code;
}

static bool need_vmaps(struct mmw_owners *o)
{
	struct mmw_lazy *l = &o->has_vmaps;

	if (!tried(l))
		settle(l, mmw_vmaps_open(o->f->k, &o->vmaps, &l->err));
	return !l->err.code;
}

static bool need_resources(struct mmw_owners *o)
{
	struct mmw_lazy *l = &o->has_resources;

	if (!tried(l))
		settle(l, mmw_resources_open(o->f->k, &o->resources, &l->err));
	return !l->err.code;
}

static bool need_tasks(struct mmw_owners *o)
{
	struct mmw_lazy *l = &o->has_tasks;

	if (!tried(l))
		settle(l, mmw_tasks_open(o->f->k, &o->tasks, &l->err));
	return !l->err.code;
}

static bool need_inodes(struct mmw_owners *o)
{
	struct mmw_lazy *l = &o->has_inodes;

	if (!tried(l))
		settle(l, mmw_inodes_bind(o->f->k, &o->inodes, &l->err));
	return !l->err.code;
}

void mmw_owners_init(struct mmw_owners *o, const struct mmw_frames *f, unsigned threads)
{
	memset(o, 0, sizeof(*o));
	o->f = f;
	o->threads = threads;
}

void mmw_owners_close(struct mmw_owners *o)
{
	if (o->has_buddy.tried && !o->has_buddy.err.code)
		mmw_buddy_close(&o->buddy);
	if (o->has_pcp.tried)
		mmw_pcp_close(&o->pcp);
	if (o->has_claims.tried)
		mmw_claims_close(&o->claims);
	if (o->has_tasks.tried && !o->has_tasks.err.code)
		mmw_tasks_close(&o->tasks);
	if (o->has_memblock.tried && !o->has_memblock.err.code)
		mmw_memblock_close(&o->memblock);
	mmw_vmaps_close(&o->vmaps);
	mmw_resources_close(&o->resources);
	free(o->pcp_page);
}

/* --- free -------------------------------------------------------------------------------------------------------- */

static bool in_block(uint64_t pfn, uint64_t first, unsigned order)
{
	return pfn >= first && pfn - first < 1ull << order;
}

static void free_block(struct mmw_owners *o, const struct mmw_frame *frame, struct mmw_owner *w)
{
	const struct mmw_block *b;
	size_t i;

	w->kind = MMW_OWNER_FREE;
	w->free.pfn = frame->pfn;
	w->free.type = -1;
	w->free.zone = frame->zone;
	if (!need_buddy(o)) {
		unknown(w, "the free lists: %s", o->has_buddy.err.msg);
		return;
	}
	i = mmw_buddy_find(&o->buddy, frame->pfn);
	b = &o->buddy.blocks[i];
	if (i == o->buddy.n_blocks || !in_block(frame->pfn, b->pfn, b->order)) {
		unknown(w, "it is marked free, but by an order that cannot be");
		return;
	}
	w->free.pfn = b->pfn;
	w->free.order = b->order;
	if (b->listed)
		w->free.type = b->type;
	else
		unknown(w, "it is marked free, but no free list has it");
}

static bool on_cpu_list(struct mmw_owners *o, const struct mmw_frame *frame, struct mmw_owner *w)
{
	size_t lo = 0, hi;

	if (!need_pcp(o)) {
		unknown(w, "the per-CPU lists: %s", o->has_pcp.err.msg);
		return false;
	}
	/* The last block that begins at the frame or before. */
	for (hi = o->pcp_page ? o->pcp.n_pages : 0; lo < hi; ) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->pcp_page[mid].pfn <= frame->pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || !in_block(frame->pfn, o->pcp_page[lo - 1].pfn, o->pcp_page[lo - 1].order))
		return false;
	w->kind = MMW_OWNER_PCP;
	w->pcp.pfn = o->pcp_page[lo - 1].pfn;
	w->pcp.order = o->pcp_page[lo - 1].order;
	w->pcp.cpu = o->pcp_page[lo - 1].cpu;
	w->pcp.position = o->pcp_page[lo - 1].position;
	w->pcp.type = o->pcp_page[lo - 1].type;
	return true;
}

/* --- what struct page says --------------------------------------------------------------------------------------- */

static void name_task(struct mmw_owner *w, const struct mmw_task *t)
{
	w->pid = t->pid;
	memcpy(w->comm, t->comm, sizeof(w->comm));
	w->comm[sizeof(w->comm) - 1] = '\0';
	for (char *c = w->comm; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* Whose root is it? The pgd of an mm leads to it. */
static void root_of(struct mmw_owners *o, const struct mmw_frame *frame, struct mmw_owner *w)
{
	struct mmw_member pgd;
	uint64_t va, pa;

	if (!need_tasks(o) || mmw_kernel_member(o->f->k, "mm_struct", "pgd", &pgd, NULL, NULL))
		return;
	for (size_t i = 0; !w->table.mm && i < o->tasks.n; i++) {
		uint64_t mm = o->tasks.task[i].mm;

		if (!mm || mmw_vm_read_uint(o->f->vm, mm + pgd.offset, o->f->pages.word, &va, NULL) ||
		    mmw_vm_translate(o->f->vm, va, &pa, NULL) || pa >> o->f->page_shift != frame->pfn)
			continue;
		w->table.mm = mm;
		name_task(w, &o->tasks.task[i]);
	}
}

/* By the walk of all tables that can be reached, whether the page is marked as a table or not. */
static bool table(struct mmw_owners *o, const struct mmw_frame *frame, struct mmw_owner *w)
{
	const struct mmw_space *space = mmw_kernel_space(o->f->k);
	bool marked = mmw_page_is(&o->f->pages, &frame->folio.page, MMW_PGTY_TABLE);
	const struct mmw_claim_range *r = NULL;

	if (need_claims(o))
		r = mmw_claim_of(&o->claims.tables, frame->pfn, &o->at_table);
	if (!marked && !r)
		return false;
	w->kind = MMW_OWNER_TABLE;
	w->table.level = r ? r->level : -1;
	w->table.user = r && r->user;
	if (!r)
		unknown(w, "of whom, and of which level: %s", o->has_claims.err.code ? o->has_claims.err.msg :
			o->claims.no_tasks ? o->claims.no_tasks : "no table leads to it");
	else if (space && r->level + 1u == space->paging.levels)
		root_of(o, frame, w);
	return true;
}

static bool by_type(struct mmw_owners *o, const struct mmw_frame *frame, struct mmw_owner *w)
{
	static const uint8_t same[MMW_PGTY_N] = {
		[MMW_PGTY_OFFLINE] = MMW_OWNER_OFFLINE, [MMW_PGTY_GUARD] = MMW_OWNER_GUARD,
		[MMW_PGTY_ZSMALLOC] = MMW_OWNER_ZSMALLOC, [MMW_PGTY_UNACCEPTED] = MMW_OWNER_UNACCEPTED,
		[MMW_PGTY_LARGE_KMALLOC] = MMW_OWNER_LARGE_KMALLOC, [MMW_PGTY_KMEMCG] = MMW_OWNER_KMEMCG,
		[MMW_PGTY_BALLOON] = MMW_OWNER_BALLOON,
	};
	const struct mmw_pages *p = &o->f->pages;
	const struct mmw_page *head = &frame->folio.page;

	if (mmw_page_flag(p, head, MMW_PG_SLAB) || mmw_page_is(p, head, MMW_PGTY_SLAB)) {
		w->kind = MMW_OWNER_SLAB;
		return true;
	}
	w->kind = (enum mmw_owner_kind)same[mmw_page_type(p, head)];
	return w->kind != MMW_OWNER_HOLE;
}

static void file(struct mmw_owners *o, const struct mmw_frame *frame, struct mmw_owner *w)
{
	struct mmw_err err = { 0 };

	w->kind = MMW_OWNER_FILE;
	w->file_offset = mmw_frame_file_offset(o->f, frame);
	if (!need_inodes(o))
		unknown(w, "which file: %s", o->has_inodes.err.msg);
	else if (mmw_inode_read(&o->inodes, o->f->vm, frame->folio.page.mapping, &w->inode, &err))
		unknown(w, "which file: %s", err.msg);
}

/* Of what is neither on the lists nor up to date, something else is in the word (a page pool's, a page table's). */
static bool in_use(const struct mmw_pages *p, const struct mmw_page *page)
{
	return mmw_page_flag(p, page, MMW_PG_LRU) || mmw_page_flag(p, page, MMW_PG_UPTODATE) ||
	       mmw_page_flag(p, page, MMW_PG_LOCKED);
}

static bool by_mapping(struct mmw_owners *o, const struct mmw_frame *frame, struct mmw_owner *w)
{
	uint64_t mapping = frame->folio.page.mapping, offset;
	unsigned type;

	if (frame->kpf & MMW_KPF(ZERO_PAGE)) {
		w->kind = frame->kpf & MMW_KPF(THP) ? MMW_OWNER_HUGE_ZERO : MMW_OWNER_ZERO;
		return true;
	}
	w->anon = mapping & ~(uint64_t)MMW_MAPPING_FLAGS;
	if (mapping & MMW_MAPPING_ANON)
		w->kind = (mapping & MMW_MAPPING_FLAGS) == MMW_MAPPING_FLAGS ? MMW_OWNER_KSM : MMW_OWNER_ANON;
	else if (mapping & MMW_MAPPING_MOVABLE)
		w->kind = MMW_OWNER_MOVABLE;
	else if (mapping && frame->folio.page.refcount > 0 && in_use(&o->f->pages, &frame->folio.page))
		file(o, frame, w);
	else if (mmw_frame_swap(o->f, frame, &type, &offset))
		w->kind = MMW_OWNER_SWAPCACHE;
	else if (frame->folio.hugetlb)
		w->kind = MMW_OWNER_HUGETLB;
	else
		return false;
	return true;
}

/* --- what leads to it -------------------------------------------------------------------------------------------- */

static void find_area(struct mmw_owners *o, const uint64_t *vas, size_t n, struct mmw_owner *w)
{
	if (!need_vmaps(o)) {
		unknown(w, "%s", o->has_vmaps.err.msg);
		return;
	}
	for (size_t i = 0; !w->area && i < n; i++)
		w->area = mmw_vmap_at(&o->vmaps, vas[i]);
	if (w->area && w->area->vm && mmw_vmap_read(&o->vmaps, o->f->vm, w->area, &w->vm_area, NULL))
		w->area = NULL;
}

static void find_stack(struct mmw_owners *o, const uint64_t *vas, size_t n, struct mmw_owner *w)
{
	uint64_t size = w->area ? w->area->last - w->area->first : 0;

	if (!need_tasks(o))
		return;
	if (!size && mmw_kernel_type_size(o->f->k, "thread_union", &size, NULL))
		return;
	for (size_t t = 0; t < o->tasks.n; t++)
		for (size_t i = 0; o->tasks.task[t].stack && i < n; i++)
			if (vas[i] - o->tasks.task[t].stack < size) {
				name_task(w, &o->tasks.task[t]);
				return;
			}
}

/* The struct pages that begin in it. */
static void find_pages(struct mmw_owners *o, const uint64_t *vas, size_t n, struct mmw_owner *w)
{
	const struct mmw_memmap *m = &o->f->memmap;
	uint64_t page = 1ull << o->f->page_shift;

	for (size_t i = 0; !w->n_pfns && i < n; i++)
		for (uint64_t at = 0; at < page; at++) {
			if (mmw_memmap_pfn(m, vas[i] + at, &w->first_pfn)) {
				w->n_pfns = (page - at + m->page_size - 1) / m->page_size;
				break;
			}
		}
}

/*
 * The image by its symbols, or by the resources, which know where it ends in any case. What of it was freed is not
 * reserved.
 */
static bool in_image(struct mmw_owners *o, const struct mmw_frame *frame, struct mmw_owner *w)
{
	const struct mmw_claim_range *r = mmw_claim_of(&o->claims.image, frame->pfn, &o->at_image);

	if (!mmw_page_flag(&o->f->pages, &frame->folio.page, MMW_PG_RESERVED))
		return false;
	if (r && r->name < o->claims.n_names)
		w->part = o->claims.names[r->name];
	else if (w->resource && !strncmp(w->resource->name, "Kernel ", 7))
		w->part = w->resource->name;
	if (w->part)
		w->kind = MMW_OWNER_IMAGE;
	return w->part;
}

static bool by_claim(struct mmw_owners *o, const struct mmw_frame *frame, const uint64_t *vas, size_t n,
		     struct mmw_owner *w)
{
	static const uint8_t same[] = {
		[MMW_CLAIM_MODULE] = MMW_OWNER_MODULE, [MMW_CLAIM_VMALLOC] = MMW_OWNER_VMALLOC,
		[MMW_CLAIM_PERCPU] = MMW_OWNER_PERCPU, [MMW_CLAIM_STACK] = MMW_OWNER_STACK,
		[MMW_CLAIM_MEMMAP] = MMW_OWNER_MEMMAP,
	};
	const struct mmw_claim_range *r;

	if (!need_claims(o)) {
		unknown(w, "what leads to it: %s", o->has_claims.err.msg);
		return false;
	}
	if (in_image(o, frame, w))
		return true;
	r = mmw_claim_of(&o->claims.mapped, frame->pfn, &o->at_mapped);
	if (!r || r->claim >= mmw_array_len(same) || !same[r->claim])
		return false;
	w->kind = (enum mmw_owner_kind)same[r->claim];
	if (w->kind == MMW_OWNER_MEMMAP)
		find_pages(o, vas, n, w);
	else
		find_area(o, vas, n, w);
	if (w->kind == MMW_OWNER_STACK)
		find_stack(o, vas, n, w);
	return true;
}

/* --- reserved ---------------------------------------------------------------------------------------------------- */

/* Is it RAM as /proc/iomem has it? Without that, of what is reserved all is taken for it. */
static bool is_ram(const struct mmw_owners *o, const struct mmw_resource *r)
{
	bool ram = o->has_resources.err.code;

	for (; r && !ram; r = mmw_resource_around(&o->resources, r))
		ram = !strcmp(r->name, "System RAM");
	return ram;
}

static void set_aside(struct mmw_owners *o, const struct mmw_frame *frame, struct mmw_owner *w)
{
	uint64_t pa = frame->pfn << o->f->page_shift;
	struct mmw_lazy *l = &o->has_memblock;

	w->kind = is_ram(o, w->resource) ? MMW_OWNER_BOOT : MMW_OWNER_FIRMWARE;
	if (!tried(l))
		settle(l, mmw_memblock_open(o->f->k, "reserved", &o->memblock, &l->err));
	for (size_t i = 0; !l->err.code && i < o->memblock.n; i++)
		if (pa >= o->memblock.range[i].pa && pa - o->memblock.range[i].pa < o->memblock.range[i].len)
			w->memblock = &o->memblock.range[i];
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static void decide(struct mmw_owners *o, const struct mmw_frame *frame, const uint64_t *vas, size_t n,
		   struct mmw_owner *w)
{
	const struct mmw_pages *p = &o->f->pages;
	bool reserved = mmw_page_flag(p, &frame->folio.page, MMW_PG_RESERVED);

	if (frame->kpf & MMW_KPF(BUDDY) || mmw_page_is(p, &frame->page, MMW_PGTY_BUDDY)) {
		free_block(o, frame, w);
		return;
	}
	if (by_type(o, frame, w) || table(o, frame, w) || by_mapping(o, frame, w))
		return;
	if (!frame->folio.page.refcount && !reserved && on_cpu_list(o, frame, w))
		return;
	if (w->resource && !strcmp(w->resource->name, "Crash kernel"))
		w->kind = MMW_OWNER_CRASH;
	else if (by_claim(o, frame, vas, n, w))
		return;
	else if (reserved)
		set_aside(o, frame, w);
	else
		w->kind = frame->folio.page.refcount ? MMW_OWNER_UNEXPLAINED : MMW_OWNER_UNREFERENCED;
}

void mmw_owner_of(struct mmw_owners *o, const struct mmw_frame *frame, const uint64_t *vas, size_t n,
		  struct mmw_owner *out)
{
	memset(out, 0, sizeof(*out));
	out->pid = UINT32_MAX;
	if (need_resources(o))
		out->resource = mmw_resource_at(&o->resources, frame->pfn << o->f->page_shift);
	if (!frame->va)
		out->kind = MMW_OWNER_HOLE;
	else if (!frame->read)
		out->kind = frame->state == MMW_FRAME_OFFLINE ? MMW_OWNER_OFFLINE : MMW_OWNER_LOST;
	else
		decide(o, frame, vas, n, out);
}

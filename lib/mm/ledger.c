/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/vmstat.h"

static const struct { const char *name, *words; } classes[MMW_CLASS_N] = {
	[MMW_CLASS_FREE] = { "free", "free" },
	[MMW_CLASS_PCP] = { "pcp", "free, per CPU" },
	[MMW_CLASS_SLAB] = { "slab", "slab" },
	[MMW_CLASS_PAGE_TABLE] = { "page-table", "page tables" },
	[MMW_CLASS_IMAGE] = { "image", "kernel image" },
	[MMW_CLASS_MODULE] = { "module", "modules" },
	[MMW_CLASS_VMALLOC] = { "vmalloc", "vmalloc" },
	[MMW_CLASS_PERCPU] = { "percpu", "per-CPU" },
	[MMW_CLASS_STACK] = { "stack", "kernel stacks" },
	[MMW_CLASS_FILE] = { "file", "page cache" },
	[MMW_CLASS_SHMEM] = { "shmem", "shmem" },
	[MMW_CLASS_ANON] = { "anon", "anonymous" },
	[MMW_CLASS_HUGETLB] = { "hugetlb", "hugetlb" },
	[MMW_CLASS_MEMMAP] = { "memmap", "memmap" },
	[MMW_CLASS_LARGE_KMALLOC] = { "large-kmalloc", "large kmalloc" },
	[MMW_CLASS_MOVABLE] = { "movable", "movable driver pages" },
	[MMW_CLASS_ZERO] = { "zero", "zero pages" },
	[MMW_CLASS_HWPOISON] = { "hwpoison", "poisoned by hardware" },
	[MMW_CLASS_GUARD] = { "guard", "guard pages" },
	[MMW_CLASS_UNACCEPTED] = { "unaccepted", "unaccepted" },
	[MMW_CLASS_OFFLINE] = { "offline", "offline" },
	[MMW_CLASS_CRASH] = { "crash", "crash kernel" },
	[MMW_CLASS_BOOT] = { "boot", "reserved at boot" },
	[MMW_CLASS_FIRMWARE] = { "firmware", "firmware, no RAM" },
	[MMW_CLASS_UNEXPLAINED] = { "unexplained", "unexplained" },
	[MMW_CLASS_LOST] = { "lost", "struct page lost" },
	[MMW_CLASS_HOLE] = { "hole", "hole" },
	[MMW_CLASS_OUTSIDE] = { "outside", "outside zones" },
};

const char *mmw_class_words(enum mmw_class class)
{
	return classes[class].words;
}

const char *mmw_class_name(enum mmw_class class)
{
	return classes[class].name;
}

/* --- what it rests on ---------------------------------------------------------------------------------------------- */

static int compare_blocks(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;  /* each begins with its frame */

	return *x < *y ? -1 : *x > *y;
}

static int sort_pcp(struct mmw_ledger *l, struct mmw_err *err)
{
	l->pcp_block = calloc(l->pcp.n_pages ? l->pcp.n_pages : 1, sizeof(*l->pcp_block));
	if (!l->pcp_block)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the per-CPU lists");
	for (size_t i = 0; i < l->pcp.n_pages; i++) {
		l->pcp_block[i].pfn = l->pcp.pages[i].pfn;
		l->pcp_block[i].order = l->pcp.pages[i].order;
		l->pcp_block[i].cpu = l->pcp.pages[i].cpu;
	}
	l->n_pcp_blocks = l->pcp.n_pages;
	qsort(l->pcp_block, l->n_pcp_blocks, sizeof(*l->pcp_block), compare_blocks);
	return 0;
}

/* struct slab lies over struct page (5.17); before, the pointer was in struct page. */
static int slab_cache_at(struct mmw_kernel *k, uint64_t page_size)
{
	struct mmw_member m;

	if (mmw_kernel_member(k, "slab", "slab_cache", &m, NULL, NULL) &&
	    mmw_kernel_member(k, "page", "slab_cache", &m, NULL, NULL))
		return -1;
	return m.offset + m.size <= page_size ? (int)m.offset : -1;
}

int mmw_ledger_open(struct mmw_kernel *k, struct mmw_ledger *out, struct mmw_err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->kernel = k;
	rc = mmw_memmap_open(k, &out->memmap, err);
	rc = rc ? rc : mmw_zones_open(k, &out->zones, err);
	rc = rc ? rc : mmw_pages_bind(k, &out->memmap, &out->pages, err);
	rc = rc ? rc : mmw_kpf_bind(k, &out->pages, &out->kpf, err);
	rc = rc ? rc : mmw_claims_open(k, &out->memmap, &out->claims, err);
	if (!rc) {
		out->has_pcp = !mmw_pcp_open(k, &out->zones, &out->memmap, &out->pcp, &out->no_pcp);
		rc = out->has_pcp ? sort_pcp(out, err) : 0;
		out->slab_cache = slab_cache_at(k, out->memmap.page_size);
	}
	if (rc)
		mmw_ledger_close(out);
	return rc;
}

void mmw_ledger_close(struct mmw_ledger *l)
{
	if (l->has_pcp)
		mmw_pcp_close(&l->pcp);
	free(l->pcp_block);
	mmw_claims_close(&l->claims);
	mmw_zones_close(&l->zones);
	mmw_memmap_close(&l->memmap);
	memset(l, 0, sizeof(*l));
}

/* --- one frame ----------------------------------------------------------------------------------------------------- */

/* What a section's frames came to, and where its frames are in the lists. */
struct section {
	struct mmw_kpf_state state;
	struct mmw_ledger_range *range;
	size_t n, cap;
	size_t at_tables, at_mapped, at_image, at_resources, at_pcp;
	unsigned free_order;
	uint64_t slab_head, slab_cache;
};

struct scan {
	struct mmw_ledger *l;
	mmw_ledger_visit *visit;
	void *ctx;
	uint64_t next;                  /* frames before it are accounted for */
	struct mmw_ledger_range last;   /* not yet visited; n is 0 at first */
};

/* The free block of a per-CPU list that a frame is in, or NULL. Frames ascend. */
static bool on_pcp(const struct mmw_ledger *l, struct section *s, uint64_t pfn, uint32_t *cpu)
{
	size_t lo = s->at_pcp, hi = l->n_pcp_blocks;

	if (!hi)
		return false;
	if (!lo || lo >= hi || l->pcp_block[lo].pfn > pfn || (lo + 1 < hi && l->pcp_block[lo + 1].pfn <= pfn)) {
		lo = 0;
		while (hi - lo > 1) {
			size_t mid = lo + (hi - lo) / 2;

			if (l->pcp_block[mid].pfn <= pfn)
				lo = mid;
			else
				hi = mid;
		}
		s->at_pcp = lo;
	}
	*cpu = l->pcp_block[lo].cpu;
	return l->pcp_block[lo].pfn <= pfn && pfn - l->pcp_block[lo].pfn < 1ull << l->pcp_block[lo].order;
}

/* The cache of the slab a page is in: its head says. Read once a slab. */
static uint64_t cache_of(const struct mmw_ledger *l, struct section *s, const struct mmw_page_run *run)
{
	uint64_t head = s->state.folio.page.pfn, va = s->state.folio.page.va;

	if (l->slab_cache < 0)
		return 0;
	if (s->slab_head == head + 1)
		return s->slab_cache;
	s->slab_head = head + 1;
	if (run->bytes && head >= run->pfn && head < run->pfn + run->n)
		s->slab_cache = mmw_get_word(run->bytes + (head - run->pfn) * l->memmap.page_size + l->slab_cache, l->pages.word,
					     l->pages.be);
	else if (mmw_vm_read_uint(run->vm, va + (uint64_t)l->slab_cache, l->pages.word, &s->slab_cache, NULL))
		s->slab_cache = 0;
	return s->slab_cache;
}

static void set(struct mmw_ledger_range *r, enum mmw_class class, uint64_t detail)
{
	r->class = (uint8_t)class;
	r->detail = detail;
}

static bool set_table(const struct mmw_ledger *l, struct section *s, struct mmw_ledger_range *r, bool typed)
{
	const struct mmw_claim_range *c = mmw_claim_of(&l->claims.tables, r->pfn, &s->at_tables);

	if (c)
		set(r, MMW_CLASS_PAGE_TABLE, c->level | (c->user ? MMW_TABLE_USER : 0));
	else if (typed)
		set(r, MMW_CLASS_PAGE_TABLE, MMW_TABLE_UNKNOWN);
	return c || typed;
}

/* Pages that someone's memory or a file is in. */
static bool set_user(const struct mmw_ledger *l, struct section *s, struct mmw_ledger_range *r, uint64_t kpf)
{
	const struct mmw_folio *f = &s->state.folio;
	const struct mmw_pages *p = &l->pages;
	uint64_t low = f->page.mapping & MMW_MAPPING_FLAGS;

	if (kpf & MMW_KPF(ANON)) {
		set(r, MMW_CLASS_ANON, low == MMW_MAPPING_FLAGS ? MMW_ANON_KSM : kpf & MMW_KPF(SWAPCACHE) ? MMW_ANON_SWAPCACHE :
		    kpf & MMW_KPF(THP) ? MMW_ANON_THP : MMW_ANON_PLAIN);
		return true;
	}
	if (low == MMW_MAPPING_MOVABLE) {
		set(r, MMW_CLASS_MOVABLE, 0);
		return true;
	}
	/* Of what is neither on the lists nor up to date, something else is in the word (a page pool's, a page table's). */
	if (!f->page.mapping || f->page.refcount <= 0 ||
	    (!mmw_page_flag(p, &f->page, MMW_PG_LRU) && !mmw_page_flag(p, &f->page, MMW_PG_UPTODATE) &&
	     !mmw_page_flag(p, &f->page, MMW_PG_LOCKED)))
		return false;
	set(r, mmw_page_flag(p, &f->page, MMW_PG_SWAPBACKED) ? MMW_CLASS_SHMEM : MMW_CLASS_FILE, f->large);
	return true;
}

static bool set_typed(const struct mmw_ledger *l, struct section *s, struct mmw_ledger_range *r,
		      const struct mmw_page *page, uint64_t kpf, const struct mmw_page_run *run)
{
	static const struct { enum mmw_pgty type; enum mmw_class class; } types[] = {
		{ MMW_PGTY_OFFLINE, MMW_CLASS_OFFLINE }, { MMW_PGTY_GUARD, MMW_CLASS_GUARD }, { MMW_PGTY_ZSMALLOC, MMW_CLASS_MOVABLE },
		{ MMW_PGTY_BALLOON, MMW_CLASS_MOVABLE }, { MMW_PGTY_UNACCEPTED, MMW_CLASS_UNACCEPTED },
		{ MMW_PGTY_LARGE_KMALLOC, MMW_CLASS_LARGE_KMALLOC },
	};

	if (kpf & MMW_KPF(SLAB)) {
		set(r, MMW_CLASS_SLAB, cache_of(l, s, run));
		return true;
	}
	if (kpf & MMW_KPF(HUGE)) {
		set(r, MMW_CLASS_HUGETLB, s->state.folio.order);
		return true;
	}
	for (size_t i = 0; i < mmw_array_len(types); i++) {
		if (mmw_page_is(&l->pages, page, types[i].type) || mmw_page_is(&l->pages, &s->state.folio.page, types[i].type)) {
			set(r, types[i].class, types[i].class == MMW_CLASS_LARGE_KMALLOC ? s->state.folio.order : 0);
			return true;
		}
	}
	if (kpf & MMW_KPF(ZERO_PAGE) || kpf & MMW_KPF(HWPOISON)) {
		set(r, kpf & MMW_KPF(HWPOISON) ? MMW_CLASS_HWPOISON : MMW_CLASS_ZERO, 0);
		return true;
	}
	return set_table(l, s, r, kpf & MMW_KPF(PGTABLE));
}

static bool set_mapped(const struct mmw_ledger *l, struct section *s, struct mmw_ledger_range *r)
{
	static const uint8_t class_of[] = {
		[MMW_CLAIM_MODULE] = MMW_CLASS_MODULE, [MMW_CLAIM_VMALLOC] = MMW_CLASS_VMALLOC,
		[MMW_CLAIM_PERCPU] = MMW_CLASS_PERCPU, [MMW_CLAIM_STACK] = MMW_CLASS_STACK, [MMW_CLAIM_MEMMAP] = MMW_CLASS_MEMMAP,
	};
	const struct mmw_claim_range *c = mmw_claim_of(&l->claims.mapped, r->pfn, &s->at_mapped);

	if (c)
		set(r, (enum mmw_class)class_of[c->claim], c->name);
	return c;
}

static const char *resource_of(const struct mmw_ledger *l, struct section *s, uint64_t pfn, const struct mmw_claim_range **c)
{
	*c = mmw_claim_of(&l->claims.resources, pfn, &s->at_resources);
	return *c ? l->claims.names[(*c)->name] : "";
}

/* The image by its symbols, or by the resources, which know where it ends in any case. What of it was freed is not reserved. */
static bool set_image(const struct mmw_ledger *l, struct section *s, struct mmw_ledger_range *r)
{
	const struct mmw_claim_range *image = mmw_claim_of(&l->claims.image, r->pfn, &s->at_image), *c;
	const char *name = resource_of(l, s, r->pfn, &c);

	if (!image && strncmp(name, "Kernel ", 7))
		return false;
	set(r, MMW_CLASS_IMAGE, image ? image->name : c->name);
	return true;
}

/* Marked reserved: by whom tell the resources. Without them, RAM that nobody gave to the allocator. */
static void set_reserved(const struct mmw_ledger *l, struct section *s, struct mmw_ledger_range *r)
{
	const struct mmw_claim_range *c;
	const char *name = resource_of(l, s, r->pfn, &c);

	/* Inside System RAM, "reserved" is what memblock kept (arch/arm64/kernel/setup.c; "Reserved" in riscv's). */
	if (!strcmp(name, "Crash kernel"))
		set(r, MMW_CLASS_CRASH, 0);
	else if (!l->claims.no_resources && !(c && c->ram && (!strcmp(name, "System RAM") || !strcasecmp(name, "reserved"))))
		set(r, MMW_CLASS_FIRMWARE, c ? c->name : 0);
	else
		set(r, MMW_CLASS_BOOT, 0);
}

/*
 * The zone that struct page names; or one whose span the frame is in all the same: what is no memory between two zones' memory is
 * marked as the later one's (mm/mm_init.c, memmap_init: init_unavailable_range). False: it is in no span.
 */
static bool set_zone(const struct mmw_ledger *l, const struct mmw_page *page, struct mmw_ledger_range *r)
{
	const struct mmw_zone *found = NULL;

	for (size_t i = 0; i < l->zones.n; i++) {
		const struct mmw_zone *z = &l->zones.zone[i];

		if (r->pfn < z->start_pfn || r->pfn - z->start_pfn >= z->spanned)
			continue;
		if (!found || (l->pages.has_place && mmw_page_place_is(&l->pages.place, page->flags, z)))
			found = z;
	}
	r->node = found ? (uint16_t)found->node : 0;
	r->zone = found ? (uint8_t)found->index : MMW_NO_ZONE;
	return found;
}

static void classify(const struct mmw_ledger *l, struct section *s, const struct mmw_page_run *run, const struct mmw_page *page,
		     struct mmw_ledger_range *r)
{
	uint64_t kpf = mmw_kpf_of(&l->kpf, &s->state, run, page, NULL);
	uint32_t cpu;

	if (!set_zone(l, page, r)) {
		set(r, MMW_CLASS_OUTSIDE, 0);
		return;
	}
	if (kpf & MMW_KPF(BUDDY)) {
		if (mmw_page_is(&l->pages, page, MMW_PGTY_BUDDY))
			s->free_order = page->private < l->kpf.orders ? (unsigned)page->private : 0;
		set(r, MMW_CLASS_FREE, s->free_order);
	} else if (!page->refcount && on_pcp(l, s, r->pfn, &cpu)) {
		set(r, MMW_CLASS_PCP, cpu);
	} else if (!set_typed(l, s, r, page, kpf, run) && !set_user(l, s, r, kpf) &&
		   !(kpf & MMW_KPF(RESERVED) && set_image(l, s, r)) && !set_mapped(l, s, r)) {
		unsigned order = s->state.folio.order;

		if (kpf & MMW_KPF(RESERVED))
			set_reserved(l, s, r);
		else
			set(r, order && l->kmalloc ? MMW_CLASS_LARGE_KMALLOC : MMW_CLASS_UNEXPLAINED, order);
	}
}

/* --- all frames ---------------------------------------------------------------------------------------------------- */

static bool joins(const struct mmw_ledger_range *a, const struct mmw_ledger_range *b)
{
	return a->n && a->class == b->class && a->detail == b->detail && a->zone == b->zone && a->node == b->node &&
	       a->pfn + a->n == b->pfn;
}

static int add_frames(struct section *s, const struct mmw_ledger_range *r)
{
	if (s->n && joins(&s->range[s->n - 1], r)) {
		s->range[s->n - 1].n += r->n;
		return 0;
	}
	if (mmw_vec_reserve(&s->range, &s->cap, s->n + 1, sizeof(*s->range), NULL))
		return -MMW_E_NOMEM;
	s->range[s->n++] = *r;
	return 0;
}

static int64_t look(void *ctx, void *state, const struct mmw_page_run *run)
{
	const struct mmw_ledger *l = ((struct scan *)ctx)->l;
	struct section *s = state;
	int rc = 0;

	s->state.streaming = true;
	/* What is no memory is a hole where a zone spans it (hand_on_holes). */
	if (!run->bytes && (run->state == MMW_FRAME_ONLINE || run->state == MMW_FRAME_OFFLINE)) {
		bool lost = run->state == MMW_FRAME_ONLINE;
		struct mmw_ledger_range none = { .n = 1, .class = lost ? MMW_CLASS_LOST : MMW_CLASS_OFFLINE,
						 .detail = lost ? (uint64_t)run->why : MMW_OFFLINE_SECTION };

		for (none.pfn = run->pfn; !rc && none.pfn - run->pfn < run->n; none.pfn++) {
			set_zone(l, &(struct mmw_page){ .pfn = none.pfn }, &none);
			rc = add_frames(s, &none);
		}
	}
	for (uint64_t i = 0; run->bytes && !rc && i < run->n; i++) {
		struct mmw_ledger_range one = { .pfn = run->pfn + i, .n = 1 };
		struct mmw_page page;

		mmw_page_take(&l->pages, one.pfn, run->va + i * l->pages.size, run->bytes + i * l->pages.size, run->n - i, &page);
		classify(l, s, run, &page, &one);
		rc = add_frames(s, &one);
	}
	return rc ? rc : (int64_t)run->n;
}

static int hand_on(struct scan *scan, const struct mmw_ledger_range *r, struct mmw_err *err)
{
	int rc;

	if (joins(&scan->last, r)) {
		scan->last.n += r->n;
		return 0;
	}
	rc = scan->last.n ? scan->visit(scan->ctx, &scan->last, err) : 0;
	scan->last = *r;
	return rc;
}

/* Of frames without struct page those that a zone spans; the first zone takes what several do. */
static int hand_on_holes(struct scan *scan, uint64_t end, struct mmw_err *err)
{
	const struct mmw_zones *z = &scan->l->zones;
	int rc = 0;

	while (!rc && scan->next < end) {
		struct mmw_ledger_range hole = { .pfn = end, .class = MMW_CLASS_HOLE };
		uint64_t stop = end;

		for (size_t i = 0; i < z->n; i++) {
			uint64_t from = z->zone[i].start_pfn > scan->next ? z->zone[i].start_pfn : scan->next;
			uint64_t to = z->zone[i].start_pfn + z->zone[i].spanned;

			if (from >= to || from >= hole.pfn)
				continue;
			hole.pfn = from;
			hole.node = (uint16_t)z->zone[i].node;
			hole.zone = (uint8_t)z->zone[i].index;
			stop = to < end ? to : end;
		}
		hole.n = stop - hole.pfn;
		scan->next = stop;
		rc = hole.n ? hand_on(scan, &hole, err) : 0;
	}
	return rc;
}

static int gather(void *ctx, void *state, struct mmw_err *err)
{
	struct scan *scan = ctx;
	struct section *s = state;
	int rc = 0;

	scan->l->damaged += s->state.damaged;
	for (size_t i = 0; !rc && i < s->n; i++) {
		rc = hand_on_holes(scan, s->range[i].pfn, err);
		rc = rc ? rc : hand_on(scan, &s->range[i], err);
		scan->next = s->range[i].pfn + s->range[i].n;
	}
	return rc;
}

static void drop(void *state)
{
	free(((struct section *)state)->range);
}

static const struct mmw_pass_ops ops = { sizeof(struct section), look, gather, drop };

int mmw_ledger_pass(struct mmw_ledger *l, unsigned threads, mmw_ledger_visit *visit, void *ctx, struct mmw_err *err)
{
	struct scan scan = { .l = l, .visit = visit, .ctx = ctx };
	uint64_t end = 0;
	int rc;

	for (size_t i = 0; i < l->zones.n; i++)
		end = mmw_max64(end, l->zones.zone[i].start_pfn + l->zones.zone[i].spanned);
	rc = mmw_pass(l->kernel, &l->memmap, threads, &ops, &scan, err);
	rc = rc ? rc : hand_on_holes(&scan, end, err);
	return !rc && scan.last.n ? visit(ctx, &scan.last, err) : rc;
}

/* --- large kmalloc ------------------------------------------------------------------------------------------------- */

static int tally(void *ctx, const struct mmw_ledger_range *r, struct mmw_err *err)
{
	struct mmw_ledger *l = ctx;

	(void)err;
	l->slabs += r->class == MMW_CLASS_SLAB ? r->n : 0;
	l->compound += r->class == MMW_CLASS_UNEXPLAINED && r->detail ? r->n : 0;
	return 0;
}

/* What the counters say slabs and large kmalloc take together (mm/slub.c; mm/slab_common.c, ___kmalloc_large_node). */
static bool slab_counters(struct mmw_ledger *l, uint64_t *out)
{
	struct mmw_vmstat v;
	uint64_t reclaimable, rest;
	bool known;

	if (mmw_vmstat_open(l->kernel, &l->zones, &v, NULL))
		return false;
	known = mmw_stat_sum(&v, MMW_STAT_NODE, "nr_slab_reclaimable", &reclaimable) &&
		mmw_stat_sum(&v, MMW_STAT_NODE, "nr_slab_unreclaimable", &rest);
	mmw_vmstat_close(&v);
	*out = known ? reclaimable + rest : 0;
	return known;
}

int mmw_ledger_prove(struct mmw_ledger *l, unsigned threads, struct mmw_err *err)
{
	uint64_t counted;
	int rc;

	if (l->pages.type[MMW_PGTY_LARGE_KMALLOC].mask || !slab_counters(l, &counted))
		return 0;
	rc = mmw_ledger_pass(l, threads, tally, l, err);
	l->kmalloc = !rc && l->compound && counted == l->slabs + l->compound;
	l->damaged = 0;
	return rc;
}

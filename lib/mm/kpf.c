/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/kpf.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/mm/zone.h"

enum {
	CHUNK = 512,            /* struct pages read at a time to see which of a folio are mapped */
	SCAN_MAX = 1 << 17,     /* of them for the frames of a run of the memmap: four times as many as it has */
};

/* Bits that are the same in page.flags, whichever page's those are. */
static const struct {
	uint8_t kpf;
	enum mmw_pg pg;
} copied[] = {
	{ MMW_KPF_LOCKED, MMW_PG_LOCKED }, { MMW_KPF_ERROR, MMW_PG_ERROR }, { MMW_KPF_REFERENCED, MMW_PG_REFERENCED },
	{ MMW_KPF_UPTODATE, MMW_PG_UPTODATE }, { MMW_KPF_DIRTY, MMW_PG_DIRTY }, { MMW_KPF_LRU, MMW_PG_LRU },
	{ MMW_KPF_ACTIVE, MMW_PG_ACTIVE }, { MMW_KPF_WRITEBACK, MMW_PG_WRITEBACK }, { MMW_KPF_RECLAIM, MMW_PG_RECLAIM },
	{ MMW_KPF_SWAPBACKED, MMW_PG_SWAPBACKED }, { MMW_KPF_UNEVICTABLE, MMW_PG_UNEVICTABLE },
	{ MMW_KPF_RESERVED, MMW_PG_RESERVED }, { MMW_KPF_MLOCKED, MMW_PG_MLOCKED },
	{ MMW_KPF_MAPPEDTODISK, MMW_PG_MAPPEDTODISK }, { MMW_KPF_PRIVATE, MMW_PG_PRIVATE },
	{ MMW_KPF_PRIVATE_2, MMW_PG_PRIVATE_2 }, { MMW_KPF_OWNER_PRIVATE, MMW_PG_OWNER_PRIV_1 },
	{ MMW_KPF_ARCH, MMW_PG_ARCH_1 }, { MMW_KPF_UNCACHED, MMW_PG_UNCACHED }, { MMW_KPF_ARCH_2, MMW_PG_ARCH_2 },
	{ MMW_KPF_ARCH_3, MMW_PG_ARCH_3 },
};

/* --- what it takes ------------------------------------------------------------------------------------------------- */

/* The frame a pointer variable's struct page is of; UINT64_MAX when it is NULL or not there. */
static uint64_t frame_of(struct mmw_kernel *k, const struct mmw_pages *p, const char *name)
{
	uint64_t va, pfn;

	if (mmw_kernel_variable(k, name, p->word, &va, NULL) || !mmw_memmap_pfn(p->memmap, va, &pfn))
		return UINT64_MAX;
	return pfn;
}

static void bind_zeros(struct mmw_kernel *k, struct mmw_kpf *c)
{
	uint64_t va;

	if (mmw_kernel_variable(k, "zero_page_pfn", c->pages->word, &c->zero_pfn, NULL) &&
	    mmw_kernel_variable(k, "zero_pfn", c->pages->word, &c->zero_pfn, NULL))
		c->unknown = "which frame is the zero page";
	if (!c->thp)
		return;
	if (!mmw_kernel_variable(k, "huge_zero_pfn", c->pages->word, &c->huge_zero_pfn, NULL))
		return;
	c->huge_zero_pfn = frame_of(k, c->pages, "huge_zero_folio");
	if (c->huge_zero_pfn == UINT64_MAX)
		c->huge_zero_pfn = frame_of(k, c->pages, "huge_zero_page");
	if (mmw_kernel_symbol(k, "huge_zero_folio", &va, NULL, NULL) && mmw_kernel_symbol(k, "huge_zero_page", &va, NULL, NULL))
		c->unknown = "which frames are the huge zero page";
}

int mmw_kpf_bind(struct mmw_kernel *k, const struct mmw_pages *pages, struct mmw_kpf *out, struct mmw_err *err)
{
	const struct mmw_space *space = mmw_kernel_space(k);
	struct mmw_member area;
	uint64_t va, size;
	int64_t op;
	int rc = mmw_kernel_member(k, "zone", "free_area", &area, NULL, err);

	memset(out, 0, sizeof(*out));
	if (rc)
		return rc;
	out->pages = pages;
	out->orders = area.count < MMW_ORDERS_MAX ? (unsigned)area.count : MMW_ORDERS_MAX;
	out->folios = !mmw_kernel_type_size(k, "folio", &size, NULL);
	out->thp = !mmw_kernel_symbol(k, "khugepaged", &va, NULL, NULL);
	out->zero_pfn = out->huge_zero_pfn = UINT64_MAX;
	out->nopage = mmw_kernel_enumerator(k, "kpage_operation", "KPAGE_FLAGS", &op, NULL) ? MMW_KPF(NOPAGE) : 0;
	out->huge_mask = space && space->paging.bits[0] < 32 ? (1ull << space->paging.bits[0]) - 1 : 0;
	bind_zeros(k, out);
	if (pages->word == 4 && !mmw_kernel_symbol(k, "page_idle_bitmap_read", &va, NULL, NULL))
		out->unknown = "which pages are idle (32-bit kernels note that outside struct page)";
	return 0;
}

/* --- free blocks --------------------------------------------------------------------------------------------------- */

/* Without having come by: is one of the frames the block may begin with marked free, and of enough pages? */
static bool in_free_block(const struct mmw_kpf *c, struct mmw_vm *vm, const struct mmw_page *page)
{
	for (unsigned order = 1; order < c->orders; order++) {
		struct mmw_page head;

		if (!mmw_page_read(c->pages, vm, page->pfn >> order << order, &head, NULL) &&
		    mmw_page_is(c->pages, &head, MMW_PGTY_BUDDY) && head.private >= order)
			return true;
	}
	return false;
}

static bool is_free(const struct mmw_kpf *c, struct mmw_kpf_state *s, struct mmw_vm *vm, const struct mmw_page *page,
		    int32_t refcount)
{
	if (mmw_page_is(c->pages, page, MMW_PGTY_BUDDY)) {
		uint64_t end = page->pfn + (page->private < c->orders ? 1ull << page->private : 1);

		s->free_end = end > s->free_end ? end : s->free_end;
		return true;
	}
	if (refcount)
		return false;
	return s->streaming ? page->pfn < s->free_end : in_free_block(c, vm, page);
}

/* --- mappings ------------------------------------------------------------------------------------------------------ */

/* Before 6.10: is any page of it mapped by itself? */
static bool any_mapped(const struct mmw_kpf *c, struct mmw_kpf_state *s, const struct mmw_page_run *run,
		       const struct mmw_folio *f)
{
	const struct mmw_pages *p = c->pages;
	uint64_t pfn = f->page.pfn, end = pfn + (1ull << f->order);
	uint8_t buf[CHUNK * 64];

	if (f->page.pfn & (end - pfn - 1) || (s->scanned += end - pfn) > SCAN_MAX)
		return false;
	while (pfn < end) {
		uint64_t n = end - pfn < sizeof(buf) / p->size ? end - pfn : sizeof(buf) / p->size;
		const uint8_t *bytes = buf;

		if (run->bytes && pfn >= run->pfn && pfn + n <= run->pfn + run->n)
			bytes = run->bytes + (pfn - run->pfn) * p->size;
		else if (mmw_vm_read(run->vm, mmw_memmap_page(p->memmap, pfn), buf, n * p->size, NULL))
			return false;
		for (uint64_t i = 0; i < n; i++)
			if ((int32_t)mmw_get32(bytes + i * p->size + p->type_at, p->be) >= 0)
				return true;
		pfn += n;
	}
	return false;
}

static bool folio_mapped(const struct mmw_kpf *c, struct mmw_kpf_state *s, const struct mmw_page_run *run,
			 const struct mmw_folio *f)
{
	if (!f->large)
		return (int32_t)f->page.type >= 0;
	if (f->large_mapcount != INT32_MIN)
		return f->large_mapcount > 0;
	if (f->entire > 0)
		return true;
	return !f->hugetlb && !mmw_page_flag(c->pages, &f->page, MMW_PG_SLAB) && any_mapped(c, s, run, f);
}

/* The folio of a page, remembered from page to page; false when it cannot be had. */
static bool find_folio(const struct mmw_kpf *c, struct mmw_kpf_state *s, const struct mmw_page_run *run,
		       const struct mmw_page *page)
{
	if (s->has_folio && mmw_page_is_tail(page) && mmw_page_head(c->pages, page) == s->folio.page.va)
		return true;
	s->has_folio = !mmw_folio_of(c->pages, run->vm, run, page, &s->folio, NULL);
	if (!s->has_folio)
		return false;
	s->mapped = folio_mapped(c, s, run, &s->folio);
	return true;
}

/* --- the entries --------------------------------------------------------------------------------------------------- */

static uint64_t copy_bits(const struct mmw_pages *p, const struct mmw_page *from)
{
	uint64_t u = 0;

	for (size_t i = 0; i < mmw_array_len(copied); i++)
		u |= (uint64_t)mmw_page_flag(p, from, copied[i].pg) << copied[i].kpf;
	return u;
}

static bool is_huge_zero(const struct mmw_kpf *c, const struct mmw_folio *f, const struct mmw_page *page)
{
	if (c->huge_zero_pfn == UINT64_MAX)
		return false;
	if (c->pages->style == MMW_PAGE_STYLE_SNAPSHOT)
		return (page->pfn & ~c->huge_mask) == c->huge_zero_pfn;
	return f->page.pfn == c->huge_zero_pfn;
}

/* Huge pages and zero pages, as the three generations of fs/proc/page.c tell them. */
static uint64_t large_bits(const struct mmw_kpf *c, const struct mmw_folio *f, const struct mmw_page *page)
{
	bool old = c->pages->style == MMW_PAGE_STYLE_PAGE;
	bool compound = f->large || mmw_page_is_tail(page);

	if (f->hugetlb)
		return MMW_KPF(HUGE);
	if (old && compound && c->thp) {
		if (mmw_page_flag(c->pages, &f->page, MMW_PG_LRU) || f->page.mapping & MMW_MAPPING_ANON)
			return MMW_KPF(THP);
		return is_huge_zero(c, f, page) ? MMW_KPF(THP) | MMW_KPF(ZERO_PAGE) : 0;
	}
	if (!old && f->large && f->rmappable)
		return MMW_KPF(THP);
	if (!old && is_huge_zero(c, f, page))
		return MMW_KPF(THP) | MMW_KPF(ZERO_PAGE);
	if (c->pages->style == MMW_PAGE_STYLE_FOLIO)
		return f->page.pfn == c->zero_pfn ? MMW_KPF(ZERO_PAGE) : 0;
	return page->pfn == c->zero_pfn ? MMW_KPF(ZERO_PAGE) : 0;
}

/* Those that page types make: of the page, or of its folio. */
static uint64_t type_bits(const struct mmw_kpf *c, const struct mmw_folio *f, const struct mmw_page *page)
{
	const struct mmw_page *typed = c->pages->style == MMW_PAGE_STYLE_SNAPSHOT ? &f->page : page;
	uint64_t u = 0;

	if (mmw_page_is(c->pages, typed, MMW_PGTY_OFFLINE))
		u |= MMW_KPF(OFFLINE);
	if (mmw_page_is(c->pages, typed, MMW_PGTY_TABLE))
		u |= MMW_KPF(PGTABLE);
	if (mmw_page_flag(c->pages, &f->page, MMW_PG_SLAB) || mmw_page_is(c->pages, &f->page, MMW_PGTY_SLAB))
		u |= MMW_KPF(SLAB);
	return u;
}

static uint64_t flag_bits(const struct mmw_kpf *c, const struct mmw_folio *f, const struct mmw_page *page)
{
	const struct mmw_pages *p = c->pages;
	bool old = p->style == MMW_PAGE_STYLE_PAGE;
	const struct mmw_page *idle = old && !c->folios ? page : &f->page, *poison = old || !f->hugetlb ? page : &f->page;
	uint64_t u = copy_bits(p, old ? page : &f->page);

	if (mmw_page_flag(p, idle, MMW_PG_IDLE))
		u |= MMW_KPF(IDLE);
	if (mmw_page_flag(p, poison, MMW_PG_HWPOISON))
		u |= MMW_KPF(HWPOISON);
	if (mmw_page_flag(p, &f->page, MMW_PG_SWAPBACKED) && mmw_page_flag(p, &f->page, MMW_PG_SWAPCACHE))
		u |= MMW_KPF(SWAPCACHE);
	if (mmw_page_is_tail(page))
		u |= MMW_KPF(COMPOUND_TAIL);
	else if (mmw_page_flag(p, page, MMW_PG_HEAD))
		u |= MMW_KPF(COMPOUND_HEAD);
	if (f->page.mapping & MMW_MAPPING_ANON)
		u |= MMW_KPF(ANON);
	if ((f->page.mapping & MMW_MAPPING_FLAGS) == MMW_MAPPING_FLAGS || (u & MMW_KPF(ANON) && p->ksm_all))
		u |= MMW_KPF(KSM);
	return u;
}

static int64_t count_of(const struct mmw_kpf *c, const struct mmw_folio *f, const struct mmw_page *page)
{
	const struct mmw_pages *p = c->pages;
	int64_t count = (int64_t)(int32_t)page->type + 1;
	bool compound = f->large || mmw_page_is_tail(page);

	if (mmw_page_has_type(p, page))
		count = 0;
	if (p->style != MMW_PAGE_STYLE_PAGE)
		return count + f->entire;
	if (mmw_page_flag(p, &f->page, MMW_PG_SLAB) || mmw_page_has_type(p, page))
		return 0;
	if (!compound)
		return count;
	/* To 6.1: of a file's huge page the small ones count both. */
	if (p->bit[MMW_PG_DOUBLE_MAP] >= 0 && !(f->page.mapping & MMW_MAPPING_ANON) && !f->hugetlb)
		return count;
	return count + f->entire - f->double_map;
}

uint64_t mmw_kpf_of(const struct mmw_kpf *c, struct mmw_kpf_state *s, const struct mmw_page_run *run,
		    const struct mmw_page *page, int64_t *count)
{
	struct mmw_folio alone = { .page = *page, .large_mapcount = INT32_MIN };
	const struct mmw_folio *f = &s->folio;
	uint64_t u;

	if (!find_folio(c, s, run, page)) {
		s->damaged++;
		s->mapped = false;
		f = &alone;
	}
	u = flag_bits(c, f, page) | type_bits(c, f, page) | large_bits(c, f, page);
	if (s->mapped && !(c->pages->style == MMW_PAGE_STYLE_PAGE && u & MMW_KPF(SLAB)))
		u |= MMW_KPF(MMAP);
	if (is_free(c, s, run->vm, page, f->page.refcount))
		u |= MMW_KPF(BUDDY);
	if (count)
		*count = count_of(c, f, page);
	return u;
}

/* --- all frames ---------------------------------------------------------------------------------------------------- */

struct scan {
	const struct mmw_kpf *c;
	bool counts;
	mmw_kpf_visit *visit;
	void *ctx;
	uint64_t damaged;
	struct mmw_kpf_range last;  /* not yet visited; n is 0 at first */
};

static bool same(const struct mmw_kpf_range *a, const struct mmw_kpf_range *b)
{
	return a->n && a->flags == b->flags && a->count == b->count && a->lost == b->lost;
}

/* What a section's frames came to. */
struct section {
	struct mmw_kpf_state state;
	struct mmw_kpf_range *range;
	size_t n, cap;
};

static int add_frames(struct section *s, const struct mmw_kpf_range *r)
{
	struct mmw_kpf_range *last = s->n ? &s->range[s->n - 1] : NULL;

	if (last && same(last, r)) {
		last->n += r->n;
		return 0;
	}
	if (mmw_vec_reserve(&s->range, &s->cap, s->n + 1, sizeof(*s->range), NULL))
		return -MMW_E_NOMEM;
	s->range[s->n++] = *r;
	return 0;
}

static bool is_zero(const struct mmw_kpf *c, uint64_t pfn)
{
	return pfn == c->zero_pfn || (pfn & ~c->huge_mask) == c->huge_zero_pfn;
}

/*
 * Has a page the same entries as the one before? It has, as most of free memory and of compound pages, if both are the same in
 * all that makes entries, and the one before tells nothing of the frames behind it. Of what is no tail, the word that would name
 * its head is something else.
 */
static bool repeats(const struct mmw_kpf *c, const struct mmw_kpf_state *s, const struct mmw_page *before,
		    const struct mmw_page *page)
{
	const struct mmw_pages *p = c->pages;
	bool tail = mmw_page_is_tail(page);

	if (page->flags != before->flags || page->type != before->type || page->refcount != before->refcount ||
	    tail != mmw_page_is_tail(before) || ((page->mapping ^ before->mapping) & MMW_MAPPING_FLAGS))
		return false;
	if (!s->has_folio || (tail && mmw_page_head(p, page) != s->folio.page.va) || mmw_page_flag(p, page, MMW_PG_HEAD) ||
	    mmw_page_is(p, page, MMW_PGTY_BUDDY))
		return false;
	return page->pfn != s->free_end && !is_zero(c, page->pfn - 1) && !is_zero(c, page->pfn);
}

static int64_t look(void *ctx, void *state, const struct mmw_page_run *run)
{
	struct scan *scan = ctx;
	const struct mmw_pages *p = scan->c->pages;
	struct section *s = state;
	struct mmw_page before = { 0 };
	int rc = 0;

	s->state.streaming = true;
	if (!run->bytes) {
		struct mmw_kpf_range none = { run->pfn, run->n, scan->c->nopage, 0, MMW_OK };

		if (run->state == MMW_FRAME_ONLINE) {
			none.flags = 0;
			none.lost = run->why;
		}
		rc = add_frames(s, &none);
	}
	for (uint64_t i = 0; run->bytes && !rc && i < run->n; i++) {
		struct mmw_kpf_range one = { .pfn = run->pfn + i, .n = 1 };
		struct mmw_page page;

		mmw_page_take(p, one.pfn, run->va + i * p->size, run->bytes + i * p->size, run->n - i, &page);
		if (i && repeats(scan->c, &s->state, &before, &page)) {
			s->range[s->n - 1].n++;
			continue;
		}
		before = page;
		one.flags = mmw_kpf_of(scan->c, &s->state, run, &page, scan->counts ? &one.count : NULL);
		rc = add_frames(s, &one);
	}
	return rc ? rc : (int64_t)run->n;
}

/* Hands on what is complete, as far as the files go. */
static int hand_on(struct scan *scan, const struct mmw_kpf_range *r, struct mmw_err *err)
{
	struct mmw_kpf_range *last = &scan->last;
	uint64_t end = scan->c->pages->memmap->listed;
	int rc;

	if (r->pfn >= end)
		return 0;
	if (same(last, r)) {
		last->n += mmw_min64(r->n, end - r->pfn);
		return 0;
	}
	rc = last->n ? scan->visit(scan->ctx, last, err) : 0;
	*last = *r;
	last->n = mmw_min64(r->n, end - r->pfn);
	return rc;
}

static int gather(void *ctx, void *state, struct mmw_err *err)
{
	struct scan *scan = ctx;
	struct section *s = state;
	int rc = 0;

	scan->damaged += s->state.damaged;
	for (size_t i = 0; !rc && i < s->n; i++)
		rc = hand_on(scan, &s->range[i], err);
	return rc;
}

static void drop(void *state)
{
	free(((struct section *)state)->range);
}

static const struct mmw_pass_ops ops = { sizeof(struct section), look, gather, drop };

int mmw_kpf_pass(struct mmw_kernel *k, const struct mmw_kpf *c, bool counts, unsigned threads, mmw_kpf_visit *visit, void *ctx,
		 uint64_t *damaged, struct mmw_err *err)
{
	struct scan scan = { .c = c, .counts = counts, .visit = visit, .ctx = ctx };
	struct mmw_kpf_range *last = &scan.last;
	int rc = mmw_pass(k, c->pages->memmap, threads, &ops, &scan, err);

	if (!rc && last->n)
		rc = visit(ctx, last, err);
	*damaged = scan.damaged;
	return rc;
}

/* --- as page-types shows them -------------------------------------------------------------------------------------- */

uint64_t mmw_kpf_well_known(uint64_t flags)
{
	const uint64_t compound = MMW_KPF(COMPOUND_HEAD) | MMW_KPF(COMPOUND_TAIL);

	flags &= ~(0xffffull << 32);
	return flags & compound && !(flags & MMW_KPF(HUGE)) ? flags & ~compound : flags;
}

uint64_t mmw_kpf_overloaded(uint64_t flags)
{
	static const struct { uint64_t kind, flag, shown; } overloaded[] = {
		{ MMW_KPF(ANON), MMW_KPF(MAPPEDTODISK), MMW_KPF(ANON_EXCLUSIVE) },
		{ MMW_KPF(SLAB), MMW_KPF(PRIVATE), MMW_KPF(SLOB_FREE) },
		{ MMW_KPF(SLAB), MMW_KPF(ACTIVE), MMW_KPF(SLUB_FROZEN) },
		{ MMW_KPF(SLAB), MMW_KPF(ERROR), MMW_KPF(SLUB_DEBUG) },
	};

	for (size_t i = 0; i < mmw_array_len(overloaded); i++)
		if (flags & overloaded[i].kind && flags & overloaded[i].flag)
			flags ^= overloaded[i].flag | overloaded[i].shown;
	if ((flags & (MMW_KPF(RECLAIM) | MMW_KPF(WRITEBACK))) == MMW_KPF(RECLAIM))
		flags ^= MMW_KPF(RECLAIM) | MMW_KPF(READAHEAD);
	return flags;
}

static const char *const names[MMW_KPF_N] = {
	[MMW_KPF_LOCKED] = "L:locked", [MMW_KPF_ERROR] = "E:error", [MMW_KPF_REFERENCED] = "R:referenced",
	[MMW_KPF_UPTODATE] = "U:uptodate", [MMW_KPF_DIRTY] = "D:dirty", [MMW_KPF_LRU] = "l:lru", [MMW_KPF_ACTIVE] = "A:active",
	[MMW_KPF_SLAB] = "S:slab", [MMW_KPF_WRITEBACK] = "W:writeback", [MMW_KPF_RECLAIM] = "I:reclaim",
	[MMW_KPF_BUDDY] = "B:buddy", [MMW_KPF_MMAP] = "M:mmap", [MMW_KPF_ANON] = "a:anonymous",
	[MMW_KPF_SWAPCACHE] = "s:swapcache", [MMW_KPF_SWAPBACKED] = "b:swapbacked", [MMW_KPF_COMPOUND_HEAD] = "H:compound_head",
	[MMW_KPF_COMPOUND_TAIL] = "T:compound_tail", [MMW_KPF_HUGE] = "G:huge", [MMW_KPF_UNEVICTABLE] = "u:unevictable",
	[MMW_KPF_HWPOISON] = "X:hwpoison", [MMW_KPF_NOPAGE] = "n:nopage", [MMW_KPF_KSM] = "x:ksm", [MMW_KPF_THP] = "t:thp",
	[MMW_KPF_OFFLINE] = "o:offline", [MMW_KPF_ZERO_PAGE] = "z:zero_page", [MMW_KPF_IDLE] = "i:idle_page",
	[MMW_KPF_PGTABLE] = "g:pgtable", [MMW_KPF_RESERVED] = "r:reserved", [MMW_KPF_MLOCKED] = "m:mlocked",
	[MMW_KPF_MAPPEDTODISK] = "d:mappedtodisk", [MMW_KPF_PRIVATE] = "P:private", [MMW_KPF_PRIVATE_2] = "p:private_2",
	[MMW_KPF_OWNER_PRIVATE] = "O:owner_private", [MMW_KPF_ARCH] = "h:arch", [MMW_KPF_UNCACHED] = "c:uncached",
	[MMW_KPF_SOFTDIRTY] = "f:softdirty", [MMW_KPF_ARCH_2] = "H:arch_2",
	[MMW_KPF_ANON_EXCLUSIVE] = "d:anon_exclusive", [MMW_KPF_READAHEAD] = "I:readahead", [MMW_KPF_SLOB_FREE] = "P:slob_free",
	[MMW_KPF_SLUB_FROZEN] = "A:slub_frozen", [MMW_KPF_SLUB_DEBUG] = "E:slub_debug", [61] = "F:file", [62] = "w:swap",
	[63] = "1:mmap_exclusive",
};

const char *mmw_kpf_name(unsigned bit, bool newer)
{
	if (bit >= MMW_KPF_N || (newer && (bit == MMW_KPF_UNCACHED || bit == MMW_KPF_SLOB_FREE)))
		return NULL;
	return newer && bit == MMW_KPF_OWNER_2 ? "d:owner_2" : names[bit];
}

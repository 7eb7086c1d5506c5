/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/mm/page.c and lib/mm/kpf.c: struct page of each generation as kernels of its time lay it out, what
 * /proc/kpageflags and kpagecount said of it then, numbers without types, where page.flags has zone and node; and
 * struct pages that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/vec.h"
#include "lib/mm/kpf.h"
#include "tests/tools/machine.h"

enum { FRAMES = 0x400, NONE = -1 };

#define VMEMMAP	     0xffffea0000000000
#define TAIL_OF(pfn) (VMEMMAP + (pfn)*64ull + 1)
#define ANON_VMA     0xffff888000051001
#define A_FILE	     0xffff888000051100

static const char symbols[] = "ffffffff81050000 D contig_page_data\nffffffff81051000 D zero_pfn\nffffffff81051008 D "
			      "huge_zero_pfn\nffffffff81000300 t khugepaged\n";

static const char common_types[] = "int u8 1\nint u16 2\nint u32 4\nsint s32 4\nint u64 8\n"
				   "struct list_head 10 0:u64:next 8:u64:prev\nstruct atomic_t 4 0:s32:counter\n"
				   "struct free_area 10 0:u64:nr_free\n";

static const char zone_types[] = "struct zone 400 0:free_area[11]:free_area\n"
				 "struct pglist_data 900 0:zone[2]:node_zones 800:u64:node_mem_map "
				 "808:u64:node_start_pfn 810:u64:node_spanned_pages\n";

/* Every frame in use, by nobody. */
static const char common_body[] = "u64 250800: ffffea0000000000 0 400\nu64 251000: 30 200\n"
				  "u32 300030/40*400: ffffffff 1\n";

/* 5.10: a struct page each for itself, and the second of a compound page has all there is to say. */
static const char old_page[] =
	"struct page 40 0:u64:flags 8:list_head:lru 8:u64:compound_head 10:u8:compound_dtor 11:u8:compound_order "
	"14:atomic_t:compound_mapcount "
	"18:u64:mapping 20:u64:index 28:u64:private 30:atomic_t:_mapcount 34:atomic_t:_refcount 38:u64:%s\n"
	"enum compound_dtor_id NULL_COMPOUND_DTOR=0 COMPOUND_PAGE_DTOR=1 HUGETLB_PAGE_DTOR=2\n";

static const char old_flags[] = "enum pageflags PG_locked=0 PG_referenced=1 PG_uptodate=2 PG_dirty=3 PG_lru=4 "
				"PG_active=5 PG_workingset=6 PG_waiters=7 "
				"PG_error=8 PG_slab=9 PG_owner_priv_1=10 PG_arch_1=11 PG_reserved=12 PG_private=13 "
				"PG_private_2=14 PG_writeback=15 PG_head=16 "
				"PG_mappedtodisk=17 PG_reclaim=18 PG_swapbacked=19 PG_unevictable=20 PG_mlocked=21 "
				"PG_uncached=22 PG_hwpoison=23 PG_young=24 "
				"PG_idle=25 PG_arch_2=26 __NR_PAGEFLAGS=27 PG_swapcache=10 PG_double_map=6\n";

static const char new_page[] =
	"struct page 40 0:u64:flags 8:list_head:lru 8:u64:%s 18:u64:mapping 20:u64:index 28:u64:private "
	"30:u32:page_type "
	"30:atomic_t:_mapcount 34:atomic_t:_refcount 38:u64:memcg_data\n"
	"struct folio c0 40:u64:_flags_1 48:u64:_head_1 50:atomic_t:_large_mapcount 54:atomic_t:_entire_mapcount\n";

static const char new_flags[] =
	"enum pageflags PG_locked=0 PG_writeback=1 PG_referenced=2 PG_uptodate=3 PG_dirty=4 PG_lru=5 PG_head=6 "
	"PG_waiters=7 PG_active=8 "
	"PG_workingset=9 PG_owner_priv_1=10 PG_owner_2=11 PG_arch_1=12 PG_reserved=13 PG_private=14 PG_private_2=15 "
	"PG_reclaim=16 "
	"PG_swapbacked=17 PG_unevictable=18 PG_dropbehind=19 PG_mlocked=20 PG_hwpoison=21 PG_young=22 PG_idle=23 "
	"PG_arch_2=24 "
	"PG_arch_3=25 __NR_PAGEFLAGS=26 PG_swapcache=10 PG_mappedtodisk=11 PG_large_rmappable=9\n";

static const char top_types[] = "enum pagetype PGTY_buddy=240 PGTY_offline=241 PGTY_table=242 PGTY_guard=243 "
				"PGTY_hugetlb=244 PGTY_slab=245 PGTY_zsmalloc=246 "
				"PGTY_unaccepted=247 PGTY_large_kmalloc=248\n";

/* --- machines --------------------------------------------------------------------------------------------------- */

struct frames {
	struct machine m;
	struct mmw_memmap map;
	struct mmw_pages pages;
	struct mmw_kpf kpf;
	struct mmw_err err;
	uint64_t flags[FRAMES], damaged;
	int64_t count[FRAMES];
	enum mmw_code lost[FRAMES];
	int rc;
};

static void page(struct blob *to, unsigned pfn, uint64_t flags, uint64_t head, uint64_t mapping, uint64_t private,
		 uint32_t type, uint32_t refs)
{
	machine_say(to, "u64 %x: %llx %llx 0 %llx 0 %llx\nu32 %x: %x %x\n", 0x300000 + pfn * 64,
		    (unsigned long long)flags, (unsigned long long)head, (unsigned long long)mapping,
		    (unsigned long long)private, 0x300030 + pfn * 64, type, refs);
}

static void tails(struct blob *to, unsigned head, unsigned n, uint32_t type)
{
	for (unsigned i = 1; i < n; i++)
		page(to, head + i, 0, TAIL_OF(head), 0, 0, type, 0);
}

/* Binds; f->rc says how that went. */
static void frames_init(struct frames *f, const char *release, const char *types, const struct blob *body)
{
	struct blob t = { 0 }, b = { 0 };

	memset(f, 0, sizeof(*f));
	machine_say(&t, "%s", common_types);
	machine_say(&t, "%s", strstr(types, "struct zone ") ? "" : zone_types);
	blob_add(&t, types, strlen(types) + 1);
	blob_add(&b, common_body, sizeof(common_body) - 1);
	blob_add(&b, body->bytes, body->len);
	blob_u8(&b, 0);
	machine_init(&f->m, release, symbols, (const char *)t.bytes, (const char *)b.bytes);
	blob_fini(&t);
	blob_fini(&b);
	assert_int_equal(mmw_memmap_open(f->m.k, &f->map, &f->err), 0);
	f->rc = mmw_pages_bind(f->m.k, &f->map, &f->pages, &f->err);
	if (!f->rc)
		f->rc = mmw_kpf_bind(f->m.k, &f->pages, &f->kpf, &f->err);
}

static void frames_fini(struct frames *f)
{
	mmw_memmap_close(&f->map);
	machine_fini(&f->m);
}

static int keep(void *ctx, const struct mmw_kpf_range *r, struct mmw_err *err)
{
	struct frames *f = ctx;

	(void)err;
	for (uint64_t i = r->pfn; i < r->pfn + r->n; i++) {
		assert_true(i < FRAMES);
		f->flags[i] = r->flags;
		f->count[i] = r->count;
		f->lost[i] = r->lost;
	}
	return 0;
}

/* All frames in one go; and each by itself says the same. */
static void look(struct frames *f)
{
	uint64_t damaged;

	if (f->rc)
		fail_msg("%s", f->err.msg);
	assert_int_equal(mmw_kpf_pass(f->m.k, &f->kpf, true, 1, keep, f, &f->damaged, &f->err), 0);
	for (unsigned threads = 2; threads <= 4; threads++) {
		assert_int_equal(mmw_kpf_pass(f->m.k, &f->kpf, true, threads, keep, f, &damaged, &f->err), 0);
		assert_int_equal(damaged, f->damaged);
	}
	for (uint64_t pfn = 0; pfn < FRAMES; pfn++) {
		struct mmw_vm *vm = mmw_kernel_vm(f->m.k);
		struct mmw_page_run run = { .pfn = pfn, .n = 1, .vm = vm };
		struct mmw_kpf_state s = { 0 };
		struct mmw_page one;
		uint64_t flags;
		int64_t count;

		if (mmw_page_read(&f->pages, vm, pfn, &one, NULL)) {
			assert_int_not_equal(f->lost[pfn], MMW_OK);
			continue;
		}
		flags = mmw_kpf_of(&f->kpf, &s, &run, &one, &count);
		if (flags != f->flags[pfn] || count != f->count[pfn])
			fail_msg("frame %llx alone: flags %llx, count %lld; among others %llx, %lld",
				 (unsigned long long)pfn, (unsigned long long)flags, (long long)count,
				 (unsigned long long)f->flags[pfn], (long long)f->count[pfn]);
	}
}

static void says(const struct frames *f, unsigned first, unsigned n, uint64_t flags, int64_t count)
{
	for (unsigned i = first; i < first + n; i++)
		if (f->flags[i] != flags || f->count[i] != count)
			fail_msg("frame %x: flags %llx instead of %llx, count %lld instead of %lld", i,
				 (unsigned long long)f->flags[i], (unsigned long long)flags, (long long)f->count[i],
				 (long long)count);
}

static char *join(char *to, size_t size, const char *a, const char *b, const char *c)
{
	snprintf(to, size, "%s%s%s", a, b, c);
	return to;
}

/* --- flags, one by one ------------------------------------------------------------------------------------------ */

struct flag {
	enum mmw_pg pg;
	uint64_t kpf;
};

static const struct flag flags_of_all[] = {
	{ MMW_PG_LOCKED, MMW_KPF(LOCKED) },
	{ MMW_PG_WRITEBACK, MMW_KPF(WRITEBACK) },
	{ MMW_PG_REFERENCED, MMW_KPF(REFERENCED) },
	{ MMW_PG_UPTODATE, MMW_KPF(UPTODATE) },
	{ MMW_PG_DIRTY, MMW_KPF(DIRTY) },
	{ MMW_PG_LRU, MMW_KPF(LRU) },
	{ MMW_PG_WAITERS, 0 },
	{ MMW_PG_ACTIVE, MMW_KPF(ACTIVE) },
	{ MMW_PG_WORKINGSET, 0 },
	{ MMW_PG_OWNER_PRIV_1, MMW_KPF(OWNER_PRIVATE) },
	{ MMW_PG_ARCH_1, MMW_KPF(ARCH) },
	{ MMW_PG_RESERVED, MMW_KPF(RESERVED) },
	{ MMW_PG_PRIVATE, MMW_KPF(PRIVATE) },
	{ MMW_PG_PRIVATE_2, MMW_KPF(PRIVATE_2) },
	{ MMW_PG_RECLAIM, MMW_KPF(RECLAIM) },
	{ MMW_PG_SWAPBACKED, MMW_KPF(SWAPBACKED) },
	{ MMW_PG_UNEVICTABLE, MMW_KPF(UNEVICTABLE) },
	{ MMW_PG_MLOCKED, MMW_KPF(MLOCKED) },
	{ MMW_PG_HWPOISON, MMW_KPF(HWPOISON) },
	{ MMW_PG_YOUNG, 0 },
	{ MMW_PG_IDLE, MMW_KPF(IDLE) },
	{ MMW_PG_ARCH_2, MMW_KPF(ARCH_2) },
};
static const struct flag flags_of_old[] = {
	{ MMW_PG_ERROR, MMW_KPF(ERROR) },
	{ MMW_PG_SLAB, MMW_KPF(SLAB) },
	{ MMW_PG_MAPPEDTODISK, MMW_KPF(MAPPEDTODISK) },
	{ MMW_PG_UNCACHED, MMW_KPF(UNCACHED) },
};
static const struct flag flags_of_new[] = {
	{ MMW_PG_OWNER_2, MMW_KPF(OWNER_2) },
	{ MMW_PG_DROPBEHIND, 0 },
	{ MMW_PG_ARCH_3, MMW_KPF(ARCH_3) },
};

static const char *const old_order[] = {
	"locked",    "referenced", "uptodate", "dirty",	       "lru",	  "active",	"workingset",
	"waiters",   "error",	   "slab",     "owner_priv_1", "arch_1",  "reserved",	"private",
	"private_2", "writeback",  "head",     "mappedtodisk", "reclaim", "swapbacked", "unevictable",
	"mlocked",   "uncached",   "hwpoison", "young",	       "idle",	  "arch_2",
};
static const char *const new_order[] = {
	"locked",   "writeback", "referenced", "uptodate",     "dirty",	      "lru",	    "head",
	"waiters",  "active",	 "workingset", "owner_priv_1", "owner_2",     "arch_1",	    "reserved",
	"private",  "private_2", "reclaim",    "swapbacked",   "unevictable", "dropbehind", "mlocked",
	"hwpoison", "young",	 "idle",       "arch_2",       "arch_3",
};

/* The bit of a flag in the enumeration above. */
static unsigned bit_in(const char *const *order, size_t n, enum mmw_pg pg)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(order[i], mmw_pg_name(pg)))
			return i;
	fail_msg("no bit for %s", mmw_pg_name(pg));
	return 0;
}

static void put_flags(struct blob *b, unsigned pfn, const struct flag *f, size_t n, bool old)
{
	for (size_t i = 0; i < n; i++)
		page(b, pfn + (unsigned)i,
		     1ull << (old ? bit_in(old_order, 27, f[i].pg) : bit_in(new_order, 26, f[i].pg)), 0, 0, 0,
		     UINT32_MAX, 1);
}

static void says_flags(const struct frames *f, unsigned pfn, const struct flag *flags, size_t n)
{
	for (size_t i = 0; i < n; i++)
		says(f, pfn + (unsigned)i, 1, flags[i].kpf, 0);
}

/* --- 5.10 and 6.1 ----------------------------------------------------------------------------------------------- */

enum {
	OLD_HEAD = 1 << 16,
	OLD_LRU = 1 << 4,
	OLD_SWAPBACKED = 1 << 19,
	OLD_SLAB = 1 << 9,
	OLD_OWNER = 1 << 10,
	OLD_IDLE = 1 << 25
};

/* Compound pages by what their second page says: destructor, order, mappings of all of it. */
static void old_compound(struct blob *b, unsigned head, unsigned order, uint64_t flags, uint64_t mapping, unsigned dtor,
			 int32_t entire, bool double_map)
{
	page(b, head, OLD_HEAD | flags, 0, mapping, 0, UINT32_MAX, 1);
	tails(b, head, 1u << order, UINT32_MAX);
	machine_say(b, "u8 %x: %x %x\nu32 %x: %x\n", 0x300000 + (head + 1) * 64 + 0x10, dtor, order,
		    0x300000 + (head + 1) * 64 + 0x14, (uint32_t)(entire - 1));
	if (double_map)
		machine_say(b, "u64 %x: 40\n", 0x300000 + (head + 1) * 64);
}

static void mapped(struct blob *b, unsigned pfn, uint32_t more)
{
	machine_say(b, "u32 %x: %x\n", 0x300030 + pfn * 64, more);
}

static void old_body(struct blob *b)
{
	/* A free block of eight frames, a free frame behind it that says so itself, one without references that is none
	 */
	page(b, 0x40, 0, 0, 0, 3, 0xffffff7f, 0);
	for (unsigned i = 0x41; i < 0x48; i++)
		page(b, i, 0, 0, 0, 0, UINT32_MAX, 0);
	page(b, 0x48, 0, 0, 0, 0, UINT32_MAX, 0);
	page(b, 0x49, 0, 0, 0, 0, 0xffffff7f, 0);
	old_compound(b, 0x50, 2, OLD_SLAB, 0, 1, 0, false);
	/* Huge pages: mapped whole, by parts, both, not at all; of a file; hugetlb; one that nothing tells apart */
	old_compound(b, 0x80, 2, OLD_LRU | OLD_SWAPBACKED, ANON_VMA, 1, 1, false);
	old_compound(b, 0x84, 2, OLD_LRU | OLD_SWAPBACKED, ANON_VMA, 1, 0, false);
	mapped(b, 0x86, 0);
	old_compound(b, 0x88, 2, OLD_LRU | OLD_SWAPBACKED, ANON_VMA, 1, 1, true);
	for (unsigned i = 0x88; i < 0x8c; i++)
		mapped(b, i, 1);
	old_compound(b, 0x8c, 2, OLD_LRU | OLD_SWAPBACKED, ANON_VMA, 1, 0, false);
	old_compound(b, 0x90, 2, OLD_LRU | OLD_SWAPBACKED, A_FILE, 1, 1, false);
	for (unsigned i = 0x90; i < 0x94; i++)
		mapped(b, i, 0);
	old_compound(b, 0x94, 2, 0, A_FILE, 2, 1, false);
	old_compound(b, 0x98, 2, 0, 0, 1, 0, false);
	page(b, 0xa0, OLD_LRU | OLD_SWAPBACKED, 0, ANON_VMA, 0, 2, 3);
	page(b, 0xa1, OLD_LRU | OLD_SWAPBACKED, 0, ANON_VMA | 3, 0, 0, 1);
	page(b, 0xa2, OLD_LRU | OLD_SWAPBACKED | OLD_OWNER, 0, ANON_VMA, 0, UINT32_MAX, 1);
	page(b, 0xa3, OLD_OWNER, 0, A_FILE, 0, UINT32_MAX, 1);
	page(b, 0xa4, 0, 0, A_FILE | 2, 0, UINT32_MAX, 1);
	old_compound(b, 0x200, 9, 0, 0, 1, 0, false);
}

static void says_old(const struct frames *f)
{
	const uint64_t anon = MMW_KPF(LRU) | MMW_KPF(SWAPBACKED) | MMW_KPF(ANON), head = MMW_KPF(COMPOUND_HEAD),
		       tail = MMW_KPF(COMPOUND_TAIL);

	says(f, 0x40, 8, MMW_KPF(BUDDY), 0);
	says(f, 0x48, 1, 0, 0);
	says(f, 0x49, 1, MMW_KPF(BUDDY), 0);
	says(f, 0x50, 1, MMW_KPF(SLAB) | head, 0);
	says(f, 0x51, 3, MMW_KPF(SLAB) | tail, 0);
	says(f, 0x80, 1, anon | head | MMW_KPF(THP) | MMW_KPF(MMAP), 1);
	says(f, 0x81, 3, tail | MMW_KPF(THP) | MMW_KPF(MMAP) | MMW_KPF(ANON), 1);
	says(f, 0x84, 1, anon | head | MMW_KPF(THP) | MMW_KPF(MMAP), 0);
	says(f, 0x85, 1, tail | MMW_KPF(THP) | MMW_KPF(MMAP) | MMW_KPF(ANON), 0);
	says(f, 0x86, 1, tail | MMW_KPF(THP) | MMW_KPF(MMAP) | MMW_KPF(ANON), 1);
	says(f, 0x89, 3, tail | MMW_KPF(THP) | MMW_KPF(MMAP) | MMW_KPF(ANON), 2);
	says(f, 0x8c, 1, anon | head | MMW_KPF(THP), 0);
	says(f, 0x90, 1, MMW_KPF(LRU) | MMW_KPF(SWAPBACKED) | head | MMW_KPF(THP) | MMW_KPF(MMAP), 1);
	says(f, 0x94, 1, head | MMW_KPF(HUGE) | MMW_KPF(MMAP), 1);
	says(f, 0x95, 3, tail | MMW_KPF(HUGE) | MMW_KPF(MMAP), 1);
	says(f, 0x98, 1, head, 0);
	says(f, 0x99, 3, tail, 0);
	says(f, 0xa0, 1, anon | MMW_KPF(MMAP), 3);
	says(f, 0xa1, 1, anon | MMW_KPF(MMAP) | MMW_KPF(KSM), 1);
	says(f, 0xa2, 1, anon | MMW_KPF(OWNER_PRIVATE) | MMW_KPF(SWAPCACHE), 0);
	says(f, 0xa3, 1, MMW_KPF(OWNER_PRIVATE), 0);
	says(f, 0xa4, 1, 0, 0);
	says(f, 0x200, 1, head | MMW_KPF(THP) | MMW_KPF(ZERO_PAGE), 0);
	says(f, 0x201, 0x1ff, tail | MMW_KPF(THP) | MMW_KPF(ZERO_PAGE), 0);
	says(f, 0x30, 1, MMW_KPF(ZERO_PAGE), 0);
	assert_int_equal(f->damaged, 0);
	assert_null(f->kpf.unknown);
}

static void test_5_10(void **state)
{
	struct frames f;
	struct blob b = { 0 };
	char own[1024], types[4096];

	(void)state;
	put_flags(&b, 1, flags_of_all, mmw_array_len(flags_of_all), true);
	put_flags(&b, 0x20, flags_of_old, mmw_array_len(flags_of_old), true);
	old_body(&b);
	page(&b, 0x28, 0, 0, 0, 0, 0xfffffeff, 1);
	page(&b, 0x29, 0, 0, 0, 0, 0xfffffbff, 1);
	page(&b, 0x2a, 0, 0, 0, 0, 0xfffff7ff, 1);
	page(&b, 0x2b, 0, 0, 0, 0, 0xfffffdff, 1);
	/* The idle mark of a tail is its own. */
	old_compound(&b, 0xb0, 2, OLD_IDLE, 0, 1, 0, false);
	snprintf(own, sizeof(own), old_page, "mem_cgroup");
	frames_init(&f, "5.10.0-unit", join(types, sizeof(types), own, old_flags, ""), &b);
	look(&f);
	assert_int_equal(f.pages.style, MMW_PAGE_STYLE_PAGE);
	assert_string_equal(f.pages.flag_source, "enum pageflags");
	assert_false(f.pages.head_mask);
	says_flags(&f, 1, flags_of_all, mmw_array_len(flags_of_all));
	says_flags(&f, 0x20, flags_of_old, mmw_array_len(flags_of_old));
	says_old(&f);
	says(&f, 0x28, 1, MMW_KPF(OFFLINE), 0);
	says(&f, 0x29, 1, MMW_KPF(PGTABLE), 0);
	says(&f, 0x2a, 2, 0, 0);
	says(&f, 0xb0, 1, MMW_KPF(COMPOUND_HEAD) | MMW_KPF(IDLE), 0);
	says(&f, 0xb1, 1, MMW_KPF(COMPOUND_TAIL), 0);
	frames_fini(&f);
	blob_fini(&b);
}

/* With struct folio, and memory control groups in a word of their own. */
static void test_6_1(void **state)
{
	struct frames f;
	struct blob b = { 0 };
	char own[1024], types[4096];

	(void)state;
	old_body(&b);
	page(&b, 0x29, 0, 0, 0, 0, 0xfffffdff, 1);
	page(&b, 0x2a, 0, 0, 0, 0, 0xfffffbff, 1);
	old_compound(&b, 0xb0, 2, OLD_IDLE, 0, 1, 0, false);
	snprintf(own, sizeof(own), old_page, "memcg_data");
	frames_init(&f, "6.1.0-unit", join(types, sizeof(types), own, old_flags, "struct folio 80 0:u64:flags\n"), &b);
	look(&f);
	says_old(&f);
	says(&f, 0x29, 1, MMW_KPF(PGTABLE), 0);
	says(&f, 0x2a, 1, 0, 0);
	says(&f, 0xb0, 1, MMW_KPF(COMPOUND_HEAD) | MMW_KPF(IDLE), 0);
	says(&f, 0xb1, 3, MMW_KPF(COMPOUND_TAIL) | MMW_KPF(IDLE), 0);
	frames_fini(&f);
	blob_fini(&b);
}

/* --- 6.12 and 7.x ----------------------------------------------------------------------------------------------- */

enum { NEW_HEAD = 1 << 6, NEW_LRU = 1 << 5, NEW_SWAPBACKED = 1 << 17, NEW_RMAPPABLE = 1 << 9, NEW_POISON = 1 << 21 };

/* What a tail says: its head, or from 7.1 a mask of its address. */
static uint64_t head_word(unsigned head, unsigned order, bool mask)
{
	return mask ? ~((64ull << order) - 1) | 1 : TAIL_OF(head);
}

static void new_folio(struct blob *b, unsigned head, unsigned order, uint64_t flags, uint64_t mapping, uint32_t type,
		      int32_t maps, int32_t entire, uint64_t second, bool mask)
{
	page(b, head, NEW_HEAD | flags, 0, mapping, 0, type, 1);
	for (unsigned i = 1; i < 1u << order; i++)
		page(b, head + i, 0, head_word(head, order, mask), 0, 0, UINT32_MAX, 0);
	machine_say(b, "u64 %x: %llx\nu32 %x: %x %x\n", 0x300000 + (head + 1) * 64,
		    (unsigned long long)(second | order), 0x300000 + (head + 1) * 64 + 0x10, (uint32_t)(maps - 1),
		    (uint32_t)(entire - 1));
}

static void new_body(struct blob *b, bool mask)
{
	page(b, 0x40, 0, 0, 0, 3, 0xf0000000, 0);
	for (unsigned i = 0x41; i < 0x48; i++)
		page(b, i, 0, 0, 0, 0, UINT32_MAX, 0);
	page(b, 0x48, 0, 0, 0, 0, UINT32_MAX, 0);
	for (unsigned i = 0; i < 9; i++)
		page(b, 0x60 + i, 0, 0, 0, 0, 0xf0000000 + (i << 24), i ? 1 : 0);
	new_folio(b, 0x50, 2, 0, 0, 0xf50000ff, 0, 0, 0, mask);
	new_folio(b, 0x80, 2, NEW_LRU | NEW_SWAPBACKED, ANON_VMA, UINT32_MAX, 3, 2, NEW_RMAPPABLE, mask);
	mapped(b, 0x81, 0);
	new_folio(b, 0x84, 2, NEW_LRU | NEW_SWAPBACKED, ANON_VMA, UINT32_MAX, 0, 0, NEW_RMAPPABLE, mask);
	new_folio(b, 0x88, 2, 0, A_FILE, 0xf4000000, 1, 1, 0, mask);
	new_folio(b, 0x8c, 2, 0, 0, UINT32_MAX, 0, 0, 0, mask);
	new_folio(b, 0x90, 2, 0, 0, 0xf10000ff, 0, 0, 0, mask);
	new_folio(b, 0x94, 2, 0, A_FILE, 0xf4000000, 1, 1, 0, mask);
	machine_say(b, "u64 %x: %x\n", 0x300000 + 0x94 * 64, NEW_HEAD | NEW_POISON);
	page(b, 0xa0, NEW_LRU | NEW_SWAPBACKED, 0, ANON_VMA, 0, 2, 3);
	page(b, 0xa1, NEW_LRU | NEW_SWAPBACKED, 0, ANON_VMA | 3, 0, 0, 1);
	new_folio(b, 0x200, 9, 0, 0, UINT32_MAX, 0, 0, 0, mask);
}

static void says_new(const struct frames *f, uint64_t ksm, bool snapshot)
{
	const uint64_t lru = MMW_KPF(LRU) | MMW_KPF(SWAPBACKED), head = MMW_KPF(COMPOUND_HEAD),
		       tail = MMW_KPF(COMPOUND_TAIL);
	const uint64_t anon = lru | MMW_KPF(ANON) | ksm;

	says(f, 0x40, 8, MMW_KPF(BUDDY), 0);
	says(f, 0x48, 1, 0, 0);
	says(f, 0x60, 1, MMW_KPF(BUDDY), 0);
	says(f, 0x61, 1, MMW_KPF(OFFLINE), 0);
	says(f, 0x62, 1, MMW_KPF(PGTABLE), 0);
	says(f, 0x63, 1, 0, 0);
	says(f, 0x65, 1, MMW_KPF(SLAB), 0);
	says(f, 0x66, 3, 0, 0);
	says(f, 0x50, 1, MMW_KPF(SLAB) | head, 0);
	says(f, 0x51, 3, MMW_KPF(SLAB) | tail, 0);
	says(f, 0x80, 1, anon | head | MMW_KPF(THP) | MMW_KPF(MMAP), 2);
	says(f, 0x81, 1, anon | tail | MMW_KPF(THP) | MMW_KPF(MMAP), 3);
	says(f, 0x82, 2, anon | tail | MMW_KPF(THP) | MMW_KPF(MMAP), 2);
	says(f, 0x85, 3, anon | tail | MMW_KPF(THP), 0);
	says(f, 0x88, 1, head | MMW_KPF(HUGE) | MMW_KPF(MMAP), 1);
	says(f, 0x89, 3, tail | MMW_KPF(HUGE) | MMW_KPF(MMAP), 1);
	says(f, 0x8d, 3, tail, 0);
	says(f, 0x90, 1, head | MMW_KPF(OFFLINE), 0);
	says(f, 0x91, 3, tail | (snapshot ? MMW_KPF(OFFLINE) : 0), 0);
	says(f, 0x95, 3, tail | MMW_KPF(HUGE) | MMW_KPF(MMAP) | MMW_KPF(HWPOISON), 1);
	says(f, 0xa0, 1, anon | MMW_KPF(MMAP), 3);
	says(f, 0xa1, 1, anon | MMW_KPF(MMAP) | MMW_KPF(KSM), 1);
	says(f, 0x200, 1, head | MMW_KPF(THP) | MMW_KPF(ZERO_PAGE), 0);
	says(f, 0x201, 0x1ff, tail | MMW_KPF(THP) | MMW_KPF(ZERO_PAGE), 0);
	says(f, 0x30, 1, MMW_KPF(ZERO_PAGE), 0);
	assert_int_equal(f->damaged, 0);
}

static void test_6_12(void **state)
{
	struct frames f;
	struct blob b = { 0 };
	char own[1024], types[4096];

	(void)state;
	put_flags(&b, 1, flags_of_all, mmw_array_len(flags_of_all), false);
	put_flags(&b, 0x20, flags_of_new, mmw_array_len(flags_of_new), false);
	new_body(&b, false);
	snprintf(own, sizeof(own), new_page, "compound_head");
	frames_init(&f, "6.12.0-unit", join(types, sizeof(types), own, new_flags, top_types), &b);
	look(&f);
	assert_int_equal(f.pages.style, MMW_PAGE_STYLE_FOLIO);
	assert_string_equal(f.pages.type_source, "enum pagetype");
	assert_false(f.pages.types_guessed);
	assert_true(f.pages.ksm_all);
	says_flags(&f, 1, flags_of_all, mmw_array_len(flags_of_all));
	says_flags(&f, 0x20, flags_of_new, mmw_array_len(flags_of_new));
	says_new(&f, MMW_KPF(KSM), false);
	frames_fini(&f);
	blob_fini(&b);
}

/* memdesc_flags_t, snapshots, heads by a mask. */
static void test_7_2(void **state)
{
	static const char more[] = "struct memdesc_flags_t 8 0:u64:f\n"
				   "struct page 40 0:memdesc_flags_t:flags 8:list_head:lru 8:u64:compound_info "
				   "18:u64:mapping 20:u64:index 28:u64:private "
				   "30:u32:page_type 30:atomic_t:_mapcount 34:atomic_t:_refcount 38:u64:memcg_data\n"
				   "struct folio c0 40:u64:_flags_1 48:u64:_head_1 50:atomic_t:_large_mapcount "
				   "54:atomic_t:_entire_mapcount\n"
				   "struct zone 400 0:free_area[11]:free_area 300:u64*[10]:vmemmap_tails\n"
				   "struct pglist_data 900 0:zone[2]:node_zones 800:u64:node_mem_map "
				   "808:u64:node_start_pfn 810:u64:node_spanned_pages\n";
	struct frames f;
	struct blob b = { 0 };
	char types[4096];

	(void)state;
	new_body(&b, true);
	machine_say(&b,
		    "kallsyms 211000 ffffffff81011000 C base {\nffffffff81000000 T _stext\nffffffff81000000 T _text\n"
		    "fill 100 ffffffff81000200 20 t worker_\nffffffff81000310 T snapshot_page\n"
		    "ffffffff81010000 D linux_banner\nffffffff81030000 R __start_BTF\nffffffff81034000 R __stop_BTF\n"
		    "ffffffff81040000 D phys_base\nffffffff81042000 D init_top_pgt\n%sffffffff81080000 B _end\n}\n",
		    symbols);
	frames_init(&f, "7.2.0-unit", join(types, sizeof(types), more, new_flags, top_types), &b);
	look(&f);
	assert_int_equal(f.pages.style, MMW_PAGE_STYLE_SNAPSHOT);
	assert_true(f.pages.head_mask);
	assert_false(f.pages.ksm_all);
	says_new(&f, 0, true);
	frames_fini(&f);
	blob_fini(&b);
}

/* --- types ------------------------------------------------------------------------------------------------------ */

static void types_are(const char *release, const char *page_types, const char *vmcoreinfo, uint32_t buddy,
		      uint32_t offline, uint32_t table, bool guessed, const char *source)
{
	struct frames f;
	struct blob b = { 0 };
	char own[1024], types[4096];
	struct mmw_page one = { 0 };

	snprintf(own, sizeof(own), new_page, "compound_head");
	machine_say(&b, "%s", vmcoreinfo);
	frames_init(&f, release, join(types, sizeof(types), own, new_flags, page_types), &b);
	assert_int_equal(f.rc, 0);
	assert_string_equal(f.pages.type_source, source);
	assert_int_equal(f.pages.types_guessed, guessed);
	one.type = buddy;
	assert_int_equal(mmw_page_type(&f.pages, &one), MMW_PGTY_BUDDY);
	/* To 4.17 the mark of a free page was a count like any other. */
	assert_int_equal(mmw_page_has_type(&f.pages, &one), buddy != (uint32_t)-128);
	one.type = offline;
	assert_int_equal(mmw_page_type(&f.pages, &one), offline ? MMW_PGTY_OFFLINE : MMW_PGTY_NONE);
	one.type = table;
	assert_int_equal(mmw_page_type(&f.pages, &one), table ? MMW_PGTY_TABLE : MMW_PGTY_NONE);
	one.type = UINT32_MAX;
	assert_int_equal(mmw_page_type(&f.pages, &one), MMW_PGTY_NONE);
	assert_false(mmw_page_has_type(&f.pages, &one));
	one.type = 5;
	assert_int_equal(mmw_page_type(&f.pages, &one), MMW_PGTY_NONE);
	assert_false(mmw_page_has_type(&f.pages, &one));
	frames_fini(&f);
	blob_fini(&b);
}

static void test_types(void **state)
{
	(void)state;
	types_are("6.10.0-unit",
		  "enum pagetype PG_buddy=128 PG_offline=256 PG_table=512 PG_guard=1024 PG_hugetlb=2048\n", "",
		  0xffffff7f, 0xfffffeff, 0xfffffdff, false, "enum pagetype");
	types_are("6.11.0-unit", "enum pagetype PG_buddy=1073741824 PG_offline=536870912 PG_table=268435456\n", "",
		  0xbfffffff, 0xdfffffff, 0xefffffff, false, "enum pagetype");
	types_are("6.12.0-unit", "", "vmcoreinfo NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\n", 0xf0001234,
		  0xf1001234, 0xf2001234, false, "the version's numbers");
	types_are("4.17.0-unit", "", "vmcoreinfo NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-128\n", (uint32_t)-128, 0, 0, false,
		  "the version's macros");
	types_are("6.1.0-unit", "", "vmcoreinfo NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n", 0xffffff7f, 0xfffffeff,
		  0xfffffdff, false, "the version's macros");
	types_are("6.1.0-unit", "", "", 0xffffff7f, 0xfffffeff, 0xfffffdff, true, "the version's macros");
}

/* --- flags by the version --------------------------------------------------------------------------------------- */

static void test_versions(void **state)
{
	static const struct {
		const char *release, *said;
		int lru, head, slab, swapbacked, hwpoison, uncached, double_map, rmappable, owner_2;
		bool guessed;
	} cases[] = {
		{ "4.14.0-unit", "vmcoreinfo NUMBER(PG_lru)=5\n", 5, 15, 8, 18, NONE, NONE, NONE, NONE, NONE, false },
		{ "5.10.0-unit",
		  "vmcoreinfo NUMBER(PG_lru)=4\nvmcoreinfo NUMBER(PG_hwpoison)=23\nvmcoreinfo "
		  "NUMBER(PG_head_mask)=65536\n",
		  4, 16, 9, 19, 23, 22, 6, NONE, NONE, false },
		{ "5.10.0-unit", "vmcoreinfo NUMBER(PG_hwpoison)=22\n", 4, 16, 9, 19, 22, NONE, 6, NONE, NONE, true },
		{ "6.1.0-unit", "vmcoreinfo NUMBER(PG_lru)=5\n", 4, 16, 9, 19, NONE, NONE, 6, NONE, NONE, true },
		{ "6.1.0-unit", "vmcoreinfo NUMBER(PG_lru)=4\nvmcoreinfo NUMBER(PG_head_mask)=4\n", 4, 16, 9, 19, NONE,
		  NONE, 6, NONE, NONE, true },
		{ "6.6.0-unit", "vmcoreinfo NUMBER(PG_slab)=11\n", 5, 6, 11, 19, NONE, NONE, NONE, 9, NONE, false },
		{ "6.10.0-unit", "vmcoreinfo NUMBER(PG_swapbacked)=18\n", 5, 6, NONE, 18, NONE, NONE, NONE, 9, NONE,
		  false },
		{ "6.12.0-unit", "vmcoreinfo NUMBER(PG_swapcache)=10\n", 5, 6, NONE, 17, NONE, NONE, NONE, 9, 11,
		  false },
		{ "7.2.0-unit", "vmcoreinfo NUMBER(PG_private)=14\nvmcoreinfo NUMBER(PG_hwpoison)=21\n", 5, 6, NONE, 17,
		  21, NONE, NONE, 9, 11, false },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		struct frames f;
		struct blob b = { 0 };
		char own[1024];

		snprintf(own, sizeof(own), new_page, "compound_head");
		machine_say(&b, "%s", cases[i].said);
		frames_init(&f, cases[i].release, own, &b);
		assert_int_equal(f.rc, 0);
		assert_string_equal(f.pages.flag_source, "the version's table");
		assert_int_equal(f.pages.flags_guessed, cases[i].guessed);
		assert_int_equal(f.pages.bit[MMW_PG_LRU], cases[i].lru);
		assert_int_equal(f.pages.bit[MMW_PG_HEAD], cases[i].head);
		assert_int_equal(f.pages.bit[MMW_PG_SLAB], cases[i].slab);
		assert_int_equal(f.pages.bit[MMW_PG_SWAPBACKED], cases[i].swapbacked);
		assert_int_equal(f.pages.bit[MMW_PG_HWPOISON], cases[i].hwpoison);
		assert_int_equal(f.pages.bit[MMW_PG_UNCACHED], cases[i].uncached);
		assert_int_equal(f.pages.bit[MMW_PG_DOUBLE_MAP], cases[i].double_map);
		assert_int_equal(f.pages.bit[MMW_PG_LARGE_RMAPPABLE], cases[i].rmappable);
		assert_int_equal(f.pages.bit[MMW_PG_OWNER_2], cases[i].owner_2);
		frames_fini(&f);
		blob_fini(&b);
	}
}

static void refuses(const char *release, const char *types, enum mmw_code code)
{
	struct frames f;
	struct blob b = { 0 };

	frames_init(&f, release, types, &b);
	if (f.rc != -(int)code)
		fail_msg("%d: %s", f.rc, f.err.msg);
	frames_fini(&f);
	blob_fini(&b);
}

static void test_refused(void **state)
{
	char own[1024], types[4096];

	(void)state;
	snprintf(own, sizeof(own), new_page, "compound_head");
	refuses("3.10.0-unit", own, MMW_E_NOTYPE);
	refuses("unit", own, MMW_E_NOTYPE);
	refuses("6.12.0-unit", "struct page 40 0:u64:flags 8:u64:compound_head\n", MMW_E_NOTYPE);
	/* A member that ends behind its struct */
	refuses("6.12.0-unit",
		"struct page 40 0:u64:flags 8:list_head:lru 8:u64:compound_head 28:u64:private 3e:u32:page_type "
		"34:u32:_refcount\n",
		MMW_E_NOTYPE);
	refuses("6.12.0-unit",
		join(types, sizeof(types), own, "struct zone 10 0:u64:start\n",
		     "struct pglist_data 900 0:zone[2]:node_zones 800:u64:node_mem_map 808:u64:node_start_pfn "
		     "810:u64:node_spanned_pages\n"),
		MMW_E_NOTYPE);
}

/* --- zone and node ---------------------------------------------------------------------------------------------- */

static void place_is(const struct mmw_page_place *p, unsigned zone_shift, unsigned zone_bits, unsigned node_shift,
		     unsigned node_bits)
{
	assert_int_equal(p->zone_shift, zone_shift);
	assert_int_equal(p->zone_bits, zone_bits);
	assert_int_equal(p->node_bits, node_bits);
	if (node_bits)
		assert_int_equal(p->node_shift, node_shift);
}

static void test_place(void **state)
{
	static const char zones[] = "struct zone 400 0:free_area[11]:free_area\n"
				    "struct pglist_data 2900 0:zone[5]:node_zones 2800:u64:node_mem_map "
				    "2808:u64:node_start_pfn 2810:u64:node_spanned_pages\n";
	struct mmw_page_place place;
	struct frames f;
	struct blob b = { 0 };
	char own[1024], types[4096];

	(void)state;
	snprintf(own, sizeof(own), new_page, "compound_head");
	machine_say(&b, "vmcoreinfo LENGTH(node_data)=64\nvmcoreinfo NUMBER(MAX_PHYSMEM_BITS)=52\nu64 252800: "
			"ffffea0000000000 0 400\n");
	frames_init(&f, "6.12.0-unit", join(types, sizeof(types), own, new_flags, zones), &b);
	assert_int_equal(f.rc, 0);
	place_is(&f.pages.place, 55, 3, 58, 6);
	assert_int_equal(mmw_page_zone(&f.pages.place, 4ull << 55 | 1), 4);
	assert_int_equal(mmw_page_node(&f.pages.place, 37ull << 58 | 4ull << 55), 37);
	/* Sections of 128 MiB in the flags: 25 bits, then the node, then the zone */
	f.map.model = MMW_SPARSEMEM;
	f.map.section_shift = 15;
	assert_int_equal(mmw_page_place_bind(f.m.k, &f.map, &place, NULL), 0);
	place_is(&place, 30, 3, 33, 6);
	/* Of 4 MiB: no room for the node any more */
	f.map.section_shift = 10;
	assert_int_equal(mmw_page_place_bind(f.m.k, &f.map, &place, NULL), 0);
	place_is(&place, 31, 3, 0, 0);
	assert_int_equal(mmw_page_node(&place, UINT64_MAX), 0);
	/* Nor for anything */
	f.map.section_shift = 1;
	assert_int_equal(mmw_page_place_bind(f.m.k, &f.map, &place, NULL), -MMW_E_CORRUPT);
	frames_fini(&f);
	blob_fini(&b);
}

/* --- memmap that is shared, lost, or lies ----------------------------------------------------------------------- */

/* HVO: behind its first two pages the memmap of a huge page is the first again. */
static void test_false_heads(void **state)
{
	const uint64_t huge = MMW_KPF(HUGE) | MMW_KPF(MMAP);
	struct frames f;
	struct blob b = { 0 };
	char own[1024], types[4096];

	(void)state;
	new_folio(&b, 0x200, 9, 0, A_FILE, 0xf4000000, 1, 1, 0, false);
	for (unsigned i = 1; i < 8; i++)
		machine_say(&b, "map %llx 1000 -> 308000 4K data\n", 0xffffea0000008000ull + i * 0x1000);
	snprintf(own, sizeof(own), new_page, "compound_head");
	frames_init(&f, "6.12.0-unit", join(types, sizeof(types), own, new_flags, top_types), &b);
	look(&f);
	says(&f, 0x200, 1, huge | MMW_KPF(COMPOUND_HEAD), 1);
	for (unsigned i = 1; i < 0x200; i++)
		says(&f, 0x200 + i, 1, huge | MMW_KPF(COMPOUND_TAIL), i % 64 ? 1 : f.count[0x240]);
	assert_int_equal(f.damaged, 0);
	frames_fini(&f);
	blob_fini(&b);
}

static void test_lost(void **state)
{
	struct frames f;
	struct blob b = { 0 };
	char own[1024], types[4096];

	(void)state;
	new_folio(&b, 0x13e, 2, 0, 0, UINT32_MAX, 0, 0, 0, false);
	machine_say(&b, "excluded 304000 1000\nabsent 306000 1000\n");
	snprintf(own, sizeof(own), new_page, "compound_head");
	frames_init(&f, "6.12.0-unit", join(types, sizeof(types), own, new_flags, top_types), &b);
	look(&f);
	for (unsigned i = 0; i < FRAMES; i++)
		assert_int_equal(f.lost[i], i / 64 == 4 ? MMW_E_EXCLUDED : i / 64 == 6 ? MMW_E_NODATA : MMW_OK);
	assert_int_equal(f.damaged, 2); /* the two whose head is lost */
	says(&f, 0x140, 2, MMW_KPF(COMPOUND_TAIL), 0);
	frames_fini(&f);
	blob_fini(&b);
}

static void test_damage(void **state)
{
	struct frames f;
	struct blob b = { 0 };
	char own[1024], types[4096];

	(void)state;
	page(&b, 0x100, 0, VMEMMAP + 0x1000000 + 1, 0, 0, UINT32_MAX, 0);
	page(&b, 0x101, 0, TAIL_OF(0x180), 0, 0, UINT32_MAX, 0);
	page(&b, 0x102, 0, TAIL_OF(0x102), 0, 0, UINT32_MAX, 0);
	page(&b, 0x103, 0, TAIL_OF(0x100) + 8, 0, 0, UINT32_MAX, 0);
	page(&b, 0x104, 0, TAIL_OF(0x90), 0, 0, UINT32_MAX, 0);
	page(&b, 0x105, 0, UINT64_MAX, 0, 0, UINT32_MAX, 0);
	/* A free block larger than there are */
	page(&b, 0x110, 0, 0, 0, 60, 0xf0000000, 0);
	page(&b, 0x111, 0, 0, 0, 0, UINT32_MAX, 0);
	/* A head of order 63, the last frame */
	page(&b, 0x3ff, NEW_HEAD, 0, 0, 0, UINT32_MAX, 1);
	new_folio(&b, 0x120, 1, 0, 0, UINT32_MAX, 0, 0, 63, false);
	snprintf(own, sizeof(own), new_page, "compound_head");
	frames_init(&f, "6.12.0-unit", join(types, sizeof(types), own, new_flags, top_types), &b);
	if (f.rc)
		fail_msg("%s", f.err.msg);
	assert_int_equal(mmw_kpf_pass(f.m.k, &f.kpf, true, 1, keep, &f, &f.damaged, &f.err), 0);
	assert_int_equal(f.damaged, 7);
	says(&f, 0x100, 6, MMW_KPF(COMPOUND_TAIL), 0);
	says(&f, 0x110, 1, MMW_KPF(BUDDY), 0);
	says(&f, 0x111, 1, 0, 0);
	says(&f, 0x120, 1, MMW_KPF(COMPOUND_HEAD), 0);
	frames_fini(&f);
	blob_fini(&b);
}

/* A folio as large as memory, again and again, of which nothing is mapped: each frame looks for one that is. */
static void test_bounded(void **state)
{
	struct frames f;
	struct blob b = { 0 };
	char own[1024], types[4096];
	clock_t start;

	(void)state;
	old_compound(&b, 0, 1, OLD_LRU, ANON_VMA, 1, 0, false);
	machine_say(&b, "u8 300051: a\nu64 300008/80*200: 0\n");
	for (unsigned i = 3; i < FRAMES; i += 2)
		page(&b, i, 0, TAIL_OF(0), 0, 0, UINT32_MAX, 0);
	snprintf(own, sizeof(own), old_page, "memcg_data");
	frames_init(&f, "6.1.0-unit", join(types, sizeof(types), own, old_flags, ""), &b);
	if (f.rc)
		fail_msg("%s", f.err.msg);
	start = clock();
	assert_int_equal(mmw_kpf_pass(f.m.k, &f.kpf, true, 1, keep, &f, &f.damaged, &f.err), 0);
	assert_true(clock() - start < CLOCKS_PER_SEC / 2);
	says(&f, 3, 1, MMW_KPF(COMPOUND_TAIL) | MMW_KPF(THP) | MMW_KPF(ANON), 0);
	frames_fini(&f);
	blob_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_5_10),	cmocka_unit_test(test_6_1),    cmocka_unit_test(test_6_12),
		cmocka_unit_test(test_7_2),	cmocka_unit_test(test_types),  cmocka_unit_test(test_versions),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_place),  cmocka_unit_test(test_false_heads),
		cmocka_unit_test(test_lost),	cmocka_unit_test(test_damage), cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

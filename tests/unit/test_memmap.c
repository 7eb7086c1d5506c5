/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/mm/memmap.c and lib/mm/pass.c: each memory model as kernels of its time lay it out, frames and struct pages
 * both ways, the states of sections and parts of them, tables that lie; and what a pass over them sees, in which
 * order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/bytes.h"
#include "lib/mm/memblock.h"
#include "lib/mm/pass.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

/* Sections of 16 MiB: 4096 frames, 256 KiB of struct pages, 8 subsections. */
enum { PAGE_SIZE = 64, SECTION = 0x1000, SUBSECTION = 0x200 };

#define VMEMMAP 0xffffea0000000000

/* A kernel in 4 MiB of memory; its data is at 240000, where ffffffff81040000 is. */
static const char prologue[] =
	"ram 0 400000\n"
	"string 210000 \"Linux version 6.18.0-models (unit) #1\\n\"\n"
	"u64 240000: 200000-1000000\n"
	"space 242000 4 100000\n"
	"map ffffffff81000000 10000 -> 200000 4K text\n"
	"map ffffffff81010000 30000 -> 210000 4K rodata\n"
	"map ffffffff81040000 40000 -> 240000 4K data\n"
	"map ffff888000000000 400000 -> 0 2M data\n"
	"vmcoreinfo OSRELEASE=6.18.0-models\nvmcoreinfo PAGESIZE=4096\n"
	"vmcoreinfo SYMBOL(init_uts_ns)=ffffffff81041000\n"
	"vmcoreinfo SYMBOL(_stext)=ffffffff81000000\nvmcoreinfo SYMBOL(swapper_pg_dir)=ffffffff81042000\n"
	"vmcoreinfo NUMBER(phys_base)=-14680064\nvmcoreinfo NUMBER(pgtable_l5_enabled)=0\nvmcoreinfo KERNELOFFSET=0\n"
	"kallsyms 211000 ffffffff81011000 C base {\n"
	"ffffffff81000000 T _stext\nffffffff81000000 T _text\nfill 100 ffffffff81000200 20 t worker_\n"
	"ffffffff81010000 D linux_banner\nffffffff81030000 R __start_BTF\nffffffff81034000 R __stop_BTF\n"
	"ffffffff81040000 D phys_base\nffffffff81042000 D init_top_pgt\n";

static const char common_types[] =
	"int u8 1\nint u32 4\nint u64 8\nstruct page 40 0:u64:flags 8:u64:compound_head\n";

static const char sparse_types[] =
	"struct mem_section_usage 20 0:u64[2]:rcu 10:u64[1]:subsection_map 18:u64[1]:pageblock_flags\n"
	"struct mem_section 10 0:u64:section_mem_map 8:u64:usage\n";

static const char sparse_symbols[] =
	"ffffffff81050000 D mem_section\nffffffff81050008 D max_pfn\nffffffff81050010 D __highest_present_section_nr\n"
	"ffffffff81070000 T pfn_to_online_page\n";

/* mem_section -> one root at 60000, where section N is at 60000 + 10 * N; usage N at 61000 + 20 * N. */
static const char sparse_body[] =
	"vmcoreinfo NUMBER(SECTION_SIZE_BITS)=24\n"
	"u64 250000: ffffffff81050400\n"
	"u64 250008: 1f00\n"
	"u64 250010: 6\n"
	"u64 250400: ffff888000060000\n"
	"map ffffea0000000000 40000 -> 300000 4K data\n";

struct machine {
	struct blob b;
	struct mmw_image *img;
	struct mmw_kernel *k;
	struct mmw_memmap m;
	struct mmw_err err;
	int rc;
};

static void machine_init(struct machine *m, const char *symbols, const char *types, const char *body)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	char *text = malloc(1 << 16);
	struct mmw_file *f;
	struct phys p;

	memset(m, 0, sizeof(*m));
	assert_non_null(text);
	snprintf(text, 1 << 16, "%s%sffffffff81080000 B _end\n}\nbtf 230000 4000 {\n%s%s}\n%s", prologue, symbols,
		 common_types, types, body);
	recipe_text("machine", text, false, &p);
	free(text);
	wrap_format_by_name("elf")->write(&p, &m->b);
	phys_fini(&p);
	assert_int_equal(mmw_file_memory(m->b.bytes, m->b.len, "machine", &f, NULL), 0);
	assert_int_equal(mmw_open_file(f, "machine", NULL, &m->img, NULL), 0);
	assert_int_equal(mmw_kernel_bind(m->img, &opts, &m->k, &m->err), 0);
	assert_true(mmw_kernel_found(m->k));
	m->rc = mmw_memmap_open(m->k, &m->m, &m->err);
}

static void machine_fini(struct machine *m)
{
	mmw_memmap_close(&m->m);
	mmw_kernel_close(m->k);
	mmw_image_close(m->img);
	blob_fini(&m->b);
}

static void opens(struct machine *m, enum mmw_memory_model model)
{
	if (m->rc)
		fail_msg("%s", m->err.msg);
	assert_int_equal(m->m.model, model);
	assert_int_equal(m->m.page_size, PAGE_SIZE);
	for (size_t i = 0; i < m->m.n_runs; i++)
		assert_int_equal(m->m.runs[i].pfn, i ? m->m.runs[i - 1].pfn + m->m.runs[i - 1].n : 0);
	assert_int_equal(m->m.runs[m->m.n_runs - 1].pfn + m->m.runs[m->m.n_runs - 1].n, m->m.end);
	assert_null(mmw_memmap_run(&m->m, m->m.end));
}

/* Frames [first, last] are in that state; the first one's struct page is at va, 0 for none. */
static void is(const struct machine *m, uint64_t first, uint64_t last, enum mmw_frame_state state, uint64_t va)
{
	for (uint64_t pfn = first; pfn <= last; pfn++) {
		uint64_t want = va ? va + (pfn - first) * PAGE_SIZE : 0, back;

		if (mmw_memmap_state(&m->m, pfn) != state || mmw_memmap_page(&m->m, pfn) != want)
			fail_msg("frame %llx: state %d, struct page %llx", (unsigned long long)pfn,
				 mmw_memmap_state(&m->m, pfn), (unsigned long long)mmw_memmap_page(&m->m, pfn));
		if (va) {
			assert_true(mmw_memmap_pfn(&m->m, want, &back));
			assert_int_equal(back, pfn);
			assert_false(mmw_memmap_pfn(&m->m, want + 8, &back));
		}
	}
}

static void no_page_at(const struct machine *m, uint64_t va)
{
	uint64_t pfn;

	assert_false(mmw_memmap_pfn(&m->m, va, &pfn));
}

/* --- sparse ------------------------------------------------------------------------------------------------------- */

/* Of the boot, with a hole; missing; plugged in, partly; not online; a device's; present, but without a map. */
static const char sections[] =
	"u64 60000: ffffea000000000f ffff888000061000\n"
	"u64 60020: ffffea0000000007 ffff888000061040\n"
	"u64 60030: ffffea0000000003 ffff888000061060\n"
	"u64 60040: ffffea000000001f ffff888000061080\n"
	"u64 60050: 1 0\n"
	"u64 61010: df\n"
	"u64 61050: 3c\n"
	"u64 61070: ff\n"
	"u64 61090: ff\n";

static void text_of(char *out, size_t size, const char *body, const char *more)
{
	snprintf(out, size, "%s%s", body, more);
}

static void test_vmemmap(void **state)
{
	struct machine m;
	char body[4096];

	(void)state;
	text_of(body, sizeof(body), sparse_body, sections);
	machine_init(&m, sparse_symbols, sparse_types, body);
	opens(&m, MMW_SPARSEMEM_VMEMMAP);
	assert_int_equal(m.m.section_shift, 12);
	assert_int_equal(m.m.listed, 2 * SECTION);
	assert_int_equal(m.m.end, 5 * SECTION);
	assert_int_equal(m.m.pages, 3 * SECTION + 4 * SUBSECTION);
	is(&m, 0, 5 * SUBSECTION - 1, MMW_FRAME_ONLINE, VMEMMAP);
	is(&m, 5 * SUBSECTION, 6 * SUBSECTION - 1, MMW_FRAME_HOLE, VMEMMAP + 5ull * SUBSECTION * PAGE_SIZE);
	is(&m, 6 * SUBSECTION, SECTION - 1, MMW_FRAME_ONLINE, VMEMMAP + 6ull * SUBSECTION * PAGE_SIZE);
	is(&m, SECTION, 2 * SECTION + 2 * SUBSECTION - 1, MMW_FRAME_NONE, 0);
	is(&m, 2 * SECTION + 2 * SUBSECTION, 2 * SECTION + 6 * SUBSECTION - 1, MMW_FRAME_ONLINE,
	   VMEMMAP + (2ull * SECTION + 2 * SUBSECTION) * PAGE_SIZE);
	is(&m, 2 * SECTION + 6 * SUBSECTION, 3 * SECTION - 1, MMW_FRAME_NONE, 0);
	is(&m, 3 * SECTION, 4 * SECTION - 1, MMW_FRAME_OFFLINE, VMEMMAP + 3ull * SECTION * PAGE_SIZE);
	is(&m, 4 * SECTION, 5 * SECTION - 1, MMW_FRAME_ONLINE, VMEMMAP + 4ull * SECTION * PAGE_SIZE);
	is(&m, 5 * SECTION, 6 * SECTION, MMW_FRAME_NONE, 0);
	no_page_at(&m, VMEMMAP - PAGE_SIZE);
	no_page_at(&m, VMEMMAP + 1ull * SECTION * PAGE_SIZE);
	no_page_at(&m, VMEMMAP + 5ull * SECTION * PAGE_SIZE);
	assert_true(mmw_memmap_run(&m.m, 0)->early);
	assert_false(mmw_memmap_run(&m.m, 0)->device);
	assert_int_equal(mmw_memmap_run(&m.m, 0)->usage, 0xffff888000061000);
	assert_false(mmw_memmap_run(&m.m, 3 * SECTION)->early);
	assert_true(mmw_memmap_run(&m.m, 4 * SECTION)->device);
	assert_null(m.m.doubt);
	machine_fini(&m);
}

/* Until 5.11 pfn_to_online_page() was a macro that looked at the section only. */
static void test_holes_of_the_boot(void **state)
{
	struct machine m;
	char body[4096];

	(void)state;
	text_of(body, sizeof(body), sparse_body, sections);
	machine_init(&m, "ffffffff81050000 D mem_section\n", sparse_types, body);
	opens(&m, MMW_SPARSEMEM_VMEMMAP);
	assert_int_equal(m.m.listed, m.m.end);
	is(&m, 0, SECTION - 1, MMW_FRAME_ONLINE, VMEMMAP);
	is(&m, 2 * SECTION, 2 * SECTION + 2 * SUBSECTION - 1, MMW_FRAME_NONE, 0);
	machine_fini(&m);
}

/* Fifth bit: not ZONE_DEVICE's where an enumeration is without it. */
static void test_other_taint(void **state)
{
	struct machine m;
	char body[4096], types[1024];

	(void)state;
	text_of(body, sizeof(body), sparse_body, sections);
	text_of(types, sizeof(types), sparse_types,
		"enum flags SECTION_IS_VMEMMAP_PREINIT_BIT=4 SECTION_MAP_LAST_BIT=5\n");
	machine_init(&m, sparse_symbols, types, body);
	opens(&m, MMW_SPARSEMEM_VMEMMAP);
	assert_false(mmw_memmap_run(&m.m, 4 * SECTION)->device);
	machine_fini(&m);
}

/* Only VMCOREINFO says where the roots are. */
static void test_vmcoreinfo(void **state)
{
	struct machine m;
	char body[4096];

	(void)state;
	text_of(body, sizeof(body), sparse_body, sections);
	strcat(body, "vmcoreinfo SYMBOL(mem_section)=ffffffff81050400\n");
	machine_init(&m, "", sparse_types, body);
	opens(&m, MMW_SPARSEMEM_VMEMMAP);
	is(&m, 0, SECTION - 1, MMW_FRAME_ONLINE, VMEMMAP);
	machine_fini(&m);
}

/* Without vmemmap: maps anywhere, in any order; the map of frame 0 would be at what section_mem_map says. */
static const char own_maps[] =
	"vmcoreinfo NUMBER(SECTION_SIZE_BITS)=24\n"
	"u8 250800: 0 5 3\n"
	"u64 60000: ffff88800034000f 0\n"
	"u64 60020: ffff888000300000-80000+f 0\n";

static const char own_symbols[] =
	"ffffffff81050000 D mem_section\nffffffff81050008 D max_pfn\nffffffff81050010 D __highest_present_section_nr\n"
	"ffffffff81050800 b section_to_node_table\n";

static void check_own_maps(struct machine *m)
{
	opens(m, MMW_SPARSEMEM);
	assert_int_equal(m->m.listed, 3 * SECTION);
	assert_int_equal(m->m.pages, 2 * SECTION);
	is(m, 0, SECTION - 1, MMW_FRAME_ONLINE, 0xffff888000340000);
	is(m, SECTION, 2 * SECTION - 1, MMW_FRAME_NONE, 0);
	is(m, 2 * SECTION, 3 * SECTION - 1, MMW_FRAME_ONLINE, 0xffff888000300000);
	no_page_at(m, 0xffff888000300000 - PAGE_SIZE);
	no_page_at(m, 0xffff888000380000);
	machine_fini(m);
}

static void test_sparse(void **state)
{
	static const char types[] = "struct mem_section_usage 8 0:u64[1]:pageblock_flags\n"
				    "struct mem_section 10 0:u64:section_mem_map 8:u64:usage\n";
	struct machine m;
	char body[4096];

	(void)state;
	text_of(body, sizeof(body), own_maps, "u64 250000: ffffffff81050400 3000 2\nu64 250400: ffff888000060000\n");
	machine_init(&m, own_symbols, types, body);
	opens(&m, MMW_SPARSEMEM);
	assert_int_equal(mmw_memmap_run(&m.m, 0)->node, 0);
	assert_int_equal(mmw_memmap_run(&m.m, 2 * SECTION)->node, 3);
	check_own_maps(&m);
}

/* 4.14: the variable is the array of pointers. */
static void test_sparse_static_roots(void **state)
{
	static const char types[] = "struct mem_section 10 0:u64:section_mem_map 8:u64:pageblock_flags\n";
	struct machine m;
	char body[4096];

	(void)state;
	text_of(body, sizeof(body), own_maps, "u64 250000: ffff888000060000\n");
	machine_init(&m, "ffffffff81050000 D mem_section\n", types, body);
	if (m.rc)
		fail_msg("%s", m.err.msg);
	assert_true(mmw_memmap_run(&m.m, 0)->early);
	m.m.listed = 3 * SECTION;
	check_own_maps(&m);
}

/* Without SPARSEMEM_EXTREME: an array of sections, and no more of them than there is room for. */
static void test_sparse_static_sections(void **state)
{
	static const char types[] = "struct mem_section_usage 8 0:u64[1]:pageblock_flags\n"
				    "struct mem_section 10 0:u64:section_mem_map 8:u64:usage\n";
	static const char symbols[] = "ffffffff81050008 D max_pfn\nffffffff81050400 D mem_section\n"
				      "ffffffff81050430 D other\n";
	static const char body[] =
		"vmcoreinfo NUMBER(SECTION_SIZE_BITS)=24\n"
		"u64 250008: 10000\n"
		"u64 250400: ffff88800034000f 0 0 0 ffff888000300000-80000+f 0\n"
		"u64 250430: ffff88800034000f 0\n";
	struct machine m;

	(void)state;
	machine_init(&m, symbols, types, body);
	if (m.rc)
		fail_msg("%s", m.err.msg);
	assert_int_equal(m.m.listed, 0x10000);
	m.m.listed = 3 * SECTION;
	check_own_maps(&m);
}

/* --- flat --------------------------------------------------------------------------------------------------------- */

static const char node_types[] =
	"struct pglist_data 80 0:u64:node_mem_map 8:u64:node_start_pfn 10:u64:node_spanned_pages 18:u32:node_id\n";

static void test_flat(void **state)
{
	static const char symbols[] = "ffffffff81050000 D contig_page_data\nffffffff81050100 D mem_map\n"
				      "ffffffff81050108 D max_mapnr\nffffffff81050110 D max_pfn\n";
	static const char body[] = "u64 250000: ffff888000300400 110 200 0\nu64 250100: ffff888000300000 208 300\n";
	struct machine m;

	(void)state;
	machine_init(&m, symbols, node_types, body);
	opens(&m, MMW_FLATMEM);
	is(&m, 0, 0xff, MMW_FRAME_NONE, 0);
	is(&m, 0x100, 0x307, MMW_FRAME_ONLINE, 0xffff888000300000);
	assert_int_equal(m.m.end, 0x308);
	assert_int_equal(m.m.listed, 0x300);
	assert_int_equal(m.m.section_shift, 0);
	no_page_at(&m, 0xffff888000300000 - PAGE_SIZE);
	no_page_at(&m, 0xffff888000300000 + 0x208 * PAGE_SIZE);
	machine_fini(&m);
}

/* Where nothing but the node's own numbers are known. */
static void test_flat_node(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, "ffffffff81050000 D contig_page_data\n", node_types,
		     "u64 250000: ffff888000300400 110 200 0\n");
	opens(&m, MMW_FLATMEM);
	is(&m, 0, 0x10f, MMW_FRAME_NONE, 0);
	is(&m, 0x110, 0x30f, MMW_FRAME_ONLINE, 0xffff888000300400);
	assert_int_equal(m.m.listed, 0x310);
	machine_fini(&m);
}

/* Where there is no node at all. */
static void test_bare_map(void **state)
{
	struct machine m;

	(void)state;
	machine_init(&m, "ffffffff81050000 D mem_map\nffffffff81050008 D max_mapnr\n", "",
		     "u64 250000: ffff888000300000 200\n");
	opens(&m, MMW_FLATMEM);
	is(&m, 0, 0x1ff, MMW_FRAME_ONLINE, 0xffff888000300000);
	machine_fini(&m);
}

/* Nodes in any order, one without memory, a slot that is empty, and what is no node behind them. */
static void test_discontiguous(void **state)
{
	static const char body[] =
		"u64 250000: ffffffff81050300 ffffffff81050200 0 ffffffff81050400 ffffffff81050300\n"
		"u64 250300: ffff888000300000 200 100 0\n"
		"u64 250200: ffff888000320000 80 80 1\n"
		"u64 250400: 0 0 0 3\n";
	struct machine m;

	(void)state;
	machine_init(&m, "ffffffff81050000 D node_data\n", node_types, body);
	opens(&m, MMW_DISCONTIGMEM);
	is(&m, 0, 0x7f, MMW_FRAME_NONE, 0);
	is(&m, 0x80, 0xff, MMW_FRAME_ONLINE, 0xffff888000320000);
	is(&m, 0x100, 0x1ff, MMW_FRAME_NONE, 0);
	is(&m, 0x200, 0x2ff, MMW_FRAME_ONLINE, 0xffff888000300000);
	assert_int_equal(mmw_memmap_run(&m.m, 0x80)->node, 1);
	assert_int_equal(mmw_memmap_run(&m.m, 0x200)->node, 0);
	machine_fini(&m);
}

/* --- tables that lie ---------------------------------------------------------------------------------------------- */

static void refuses(const char *symbols, const char *types, const char *body, enum mmw_code code)
{
	struct machine m;

	machine_init(&m, symbols, types, body);
	if (m.rc != -(int)code)
		fail_msg("%d: %s", m.rc, m.err.msg);
	assert_int_equal(m.m.n_runs, 0);
	machine_fini(&m);
}

static void test_lies(void **state)
{
	char body[4096];

	(void)state;
	/* One page full of sections, which every root is. */
	text_of(body, sizeof(body), "u64 60000: ffffea000000000f*512\nu64 70000: ffff888000060000*8192\n", sparse_body);
	strcat(body, "u64 250400: ffff888000060000*512\nu64 250000: ffff888000070000\nu64 250010: fffff\n");
	refuses(sparse_symbols, "struct mem_section 8 0:u64:section_mem_map\n", body, MMW_E_LIMIT);
	refuses(sparse_symbols, sparse_types, "vmcoreinfo NUMBER(SECTION_SIZE_BITS)=60\n", MMW_E_CORRUPT);
	refuses(sparse_symbols, sparse_types, sparse_body, MMW_E_CORRUPT);
	refuses(sparse_symbols, "struct mem_section 10000 0:u64:section_mem_map\n", sparse_body, MMW_E_CORRUPT);
	refuses(sparse_symbols, "", sparse_body, MMW_E_NOTYPE);
	refuses("", sparse_types, "", MMW_E_NOSYM);
	refuses("ffffffff81050000 D contig_page_data\n", node_types, "u64 250000: 0 0 0 0\n", MMW_E_CORRUPT);
	refuses("ffffffff81050000 D contig_page_data\n", node_types, "u64 250000: ffff888000300000 ffffffffff 1 0\n",
		MMW_E_CORRUPT);
	refuses("ffffffff81050000 D node_data\n", node_types, "", MMW_E_CORRUPT);
}

/* --- memblock ----------------------------------------------------------------------------------------------------- */

static const char memblock_types[] =
	"struct memblock_region 18 0:u64:base 8:u64:size 10:u32:flags\n"
	"struct memblock_type 28 0:u64:cnt 8:u64:max 18:memblock_region*:regions\n"
	"struct memblock 60 0:u64:current_limit 10:memblock_type:memory 38:memblock_type:reserved\n";

static void test_memblock(void **state)
{
	static const char body[] = "u64 250010: 2 80 0 ffffffff81050200\nu64 250038: 2 80 0 ffffffff81050300\n"
				   "u64 250200: 1000 2000 0 4000 1000 4\nu64 250300: 4000 1000 0 1000 1000 0\n";
	struct mmw_memblock list;
	struct machine m;

	(void)state;
	machine_init(&m, "ffffffff81050000 D memblock\n", memblock_types, body);
	assert_int_equal(mmw_memblock_open(m.k, "memory", &list, &m.err), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.range[0].pa, 0x1000);
	assert_int_equal(list.range[0].len, 0x2000);
	assert_int_equal(list.range[1].flags, MMW_MEMBLOCK_NOMAP);
	mmw_memblock_close(&list);
	assert_int_equal(mmw_memblock_open(m.k, "reserved", &list, &m.err), -MMW_E_CORRUPT);
	machine_fini(&m);
}

/* --- the pass ----------------------------------------------------------------------------------------------------- */

struct seen {
	uint64_t pfn, n, sum, repeated, missing;
	enum mmw_frame_state state;
};

struct watch {
	const struct mmw_memmap *m;
	uint64_t next, sum, online, repeated, missing, frames[4];
	uint64_t skip_from, skip;
	int fail_look, fail_gather;
};

static int64_t look(void *ctx, void *state, const struct mmw_page_run *run)
{
	struct watch *w = ctx;
	struct seen *s = state;
	int64_t on = (int64_t)run->n;

	if (w->fail_look)
		return w->fail_look;
	assert_true(run->n > 0);
	assert_int_equal(run->va, mmw_memmap_page(w->m, run->pfn));
	assert_int_equal(run->state, mmw_memmap_state(w->m, run->pfn));
	if (!s->n)
		s->pfn = run->pfn;
	assert_int_equal(s->pfn + s->n, run->pfn);
	s->state = run->state;
	for (uint64_t i = 0; run->bytes && i < run->n; i++)
		s->sum += mmw_get64(run->bytes + i * w->m->page_size, false);
	s->repeated += run->repeated ? run->n : 0;
	s->missing += !run->bytes && run->state == MMW_FRAME_ONLINE ? run->n : 0;
	if (w->skip && run->pfn == w->skip_from)
		on = (int64_t)w->skip;
	s->n += (uint64_t)on;
	return on;
}

static int gather(void *ctx, void *state, struct mmw_err *err)
{
	struct watch *w = ctx;
	struct seen *s = state;

	if (w->fail_gather)
		return mmw_fail(err, MMW_E_LIMIT, 0, "enough");
	assert_int_equal(s->pfn, w->next);
	w->next = s->pfn + s->n;
	w->sum += s->sum;
	w->repeated += s->repeated;
	w->missing += s->missing;
	w->frames[s->state] += s->n;
	return 0;
}

static const struct mmw_pass_ops watching = { sizeof(struct seen), look, gather, NULL };

/* Every frame once, in ascending order, whatever the number of threads; what is no memory is not looked at. */
static void test_pass(void **state)
{
	struct machine m;
	char body[4096];

	(void)state;
	text_of(body, sizeof(body), sparse_body, sections);
	strcat(body, "u64 300000: 1\nu64 33ffc0: 2\nu64 328000: 10000\n");
	machine_init(&m, sparse_symbols, sparse_types, body);
	opens(&m, MMW_SPARSEMEM_VMEMMAP);
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct watch w = { .m = &m.m };

		assert_int_equal(mmw_pass(m.k, &m.m, threads, &watching, &w, &m.err), 0);
		assert_int_equal(w.next, m.m.end);
		assert_int_equal(w.sum, 3);  /* the third lies in the hole */
		assert_int_equal(w.frames[MMW_FRAME_ONLINE], SECTION + 3 * SUBSECTION + SECTION);
		assert_int_equal(w.frames[MMW_FRAME_HOLE], SUBSECTION);
		assert_int_equal(w.frames[MMW_FRAME_OFFLINE], SECTION);
		assert_int_equal(w.missing, SECTION + 4 * SUBSECTION);  /* nothing maps those */
		assert_int_equal(w.repeated, 0);
	}
	machine_fini(&m);
}

/* One page of a memmap is not mapped, another not in the image: 64 struct pages each. */
static void test_pass_gaps(void **state)
{
	static const char body[] =
		"vmcoreinfo NUMBER(SECTION_SIZE_BITS)=24\n"
		"u64 250000: ffffffff81050400\nu64 250400: ffff888000060000\nu64 60000: ffffea000000000f 0\n"
		"map ffffea0000000000 3000 -> 300000 4K data\n"
		"map ffffea0000004000 3c000 -> 304000 4K data\n"
		"u64 300000: 1*8000\nabsent 303000 1000\nabsent 30a000 1000\n";
	struct machine m;
	struct watch w = { .m = &m.m };

	(void)state;
	machine_init(&m, "ffffffff81050000 D mem_section\n",
		     "struct mem_section 10 0:u64:section_mem_map 8:u64:usage\n", body);
	opens(&m, MMW_SPARSEMEM);
	assert_int_equal(mmw_pass(m.k, &m.m, 1, &watching, &w, &m.err), 0);
	assert_int_equal(w.frames[MMW_FRAME_ONLINE], SECTION);
	assert_int_equal(w.missing, 128);
	assert_int_equal(w.sum, SECTION - 128);
	machine_fini(&m);
}

/* A huge page's tails, seven pages of memmap that are its first one again; and what a look says to leave out. */
static void test_pass_repeated(void **state)
{
	static const char body[] =
		"vmcoreinfo NUMBER(SECTION_SIZE_BITS)=24\n"
		"u64 250000: ffffffff81050400\nu64 250400: ffff888000060000\nu64 60000: ffffea000000000f 0\n"
		"map ffffea0000000000 40000 -> 300000 4K data\n"
		"map ffffea0000008000 1000 -> 308000 4K data\n"
		"map ffffea0000009000 1000 -> 308000 4K data\nmap ffffea000000a000 1000 -> 308000 4K data\n"
		"map ffffea000000b000 1000 -> 308000 4K data\nmap ffffea000000c000 1000 -> 308000 4K data\n"
		"map ffffea000000d000 1000 -> 308000 4K data\nmap ffffea000000e000 1000 -> 308000 4K data\n"
		"map ffffea000000f000 1000 -> 308000 4K data\n"
		"u64 308000: 5\n";
	struct machine m;
	struct watch w = { .m = &m.m };

	(void)state;
	machine_init(&m, "ffffffff81050000 D mem_section\n",
		     "struct mem_section 10 0:u64:section_mem_map 8:u64:usage\n", body);
	opens(&m, MMW_SPARSEMEM);
	assert_int_equal(mmw_pass(m.k, &m.m, 1, &watching, &w, &m.err), 0);
	assert_int_equal(w.repeated, 7 * 64);
	assert_int_equal(w.sum, 8 * 5);
	w = (struct watch){ .m = &m.m, .skip_from = 0x200, .skip = 0x200 };
	assert_int_equal(mmw_pass(m.k, &m.m, 1, &watching, &w, &m.err), 0);
	assert_int_equal(w.next, SECTION);
	assert_int_equal(w.repeated, 0);
	assert_int_equal(w.sum, 5);
	machine_fini(&m);
}

static void test_pass_fails(void **state)
{
	struct machine m;
	char body[4096];

	(void)state;
	text_of(body, sizeof(body), sparse_body, sections);
	machine_init(&m, sparse_symbols, sparse_types, body);
	opens(&m, MMW_SPARSEMEM_VMEMMAP);
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct watch w = { .m = &m.m, .fail_look = -MMW_E_NOMEM };

		assert_int_equal(mmw_pass(m.k, &m.m, threads, &watching, &w, &m.err), -MMW_E_NOMEM);
		w = (struct watch){ .m = &m.m, .fail_gather = 1 };
		assert_int_equal(mmw_pass(m.k, &m.m, threads, &watching, &w, &m.err), -MMW_E_LIMIT);
		assert_string_equal(m.err.msg, "enough");
	}
	machine_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vmemmap), cmocka_unit_test(test_holes_of_the_boot),
		cmocka_unit_test(test_other_taint), cmocka_unit_test(test_vmcoreinfo), cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_sparse_static_roots), cmocka_unit_test(test_sparse_static_sections),
		cmocka_unit_test(test_flat), cmocka_unit_test(test_flat_node),
		cmocka_unit_test(test_bare_map), cmocka_unit_test(test_discontiguous), cmocka_unit_test(test_lies),
		cmocka_unit_test(test_memblock), cmocka_unit_test(test_pass), cmocka_unit_test(test_pass_gaps),
		cmocka_unit_test(test_pass_repeated), cmocka_unit_test(test_pass_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

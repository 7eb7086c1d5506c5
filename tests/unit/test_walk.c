/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/arch/walk.c on small sets of tables: which records come out, in which order, and what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/arch/selfmap.h"
#include "lib/arch/walk.h"
#include "lib/base/vec.h"
#include "lib/kernel/vm.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

#define HIGH 0xffff800000000000ull
#define NONCANON 0x0000800000000000ull

struct bench {
	struct blob b;
	struct mmw_image *img;
	struct mmw_reader *reader;
	struct mmw_space space;
	struct mmw_walk walk;
};

static void bench_init(struct bench *t, const char *recipe, unsigned levels, bool big_endian)
{
	const struct wrap_format *f = wrap_format_by_name(big_endian ? "elf-be" : "elf");
	struct mmw_file *file;
	struct phys p;

	memset(t, 0, sizeof(*t));
	recipe_text("tables", recipe, big_endian, &p);
	f->write(&p, &t->b);
	phys_fini(&p);
	assert_int_equal(mmw_file_memory(t->b.bytes, t->b.len, "tables", &file, NULL), 0);
	assert_int_equal(mmw_open_file(file, "tables", NULL, &t->img, NULL), 0);
	assert_int_equal(mmw_reader_open(t->img, &t->reader, NULL), 0);
	t->space.arch = mmw_arch_by_name("x86_64");
	t->space.arch->geometry(levels - 4, &t->space.paging);
	t->space.paging.big_endian = big_endian;
	t->space.root = 0x1000;
}

static void bench_fini(struct bench *t)
{
	mmw_reader_close(t->reader);
	mmw_image_close(t->img);
	blob_fini(&t->b);
}

/* One expected record; fields that a kind does not have are 0. */
struct want {
	enum mmw_ent_kind kind;
	uint64_t va, last;
	unsigned level;
	uint64_t pa;
	uint8_t rights;
	enum mmw_code why;
};

static void check_walk(struct bench *t, uint64_t va, uint64_t last, const struct want *want, size_t n)
{
	struct mmw_ent e;

	mmw_walk_init(&t->walk, t->reader, &t->space, va, last);
	for (size_t i = 0; i < n; i++) {
		struct mmw_err err = { 0 };

		if (mmw_walk_next(&t->walk, &e, &err) != 1)
			fail_msg("record %zu: %s", i, err.msg);
		if (e.kind != want[i].kind || e.va != want[i].va || e.last != want[i].last ||
		    e.level != want[i].level || e.why != want[i].why)
			fail_msg("record %zu: kind %d, %llx-%llx, level %u, why %d", i, e.kind,
				 (unsigned long long)e.va, (unsigned long long)e.last, e.level, e.why);
		if (e.kind == MMW_ENT_LEAF || e.kind == MMW_ENT_LOST)
			assert_int_equal(e.pa, want[i].pa);
		if (e.kind == MMW_ENT_LEAF)
			assert_int_equal(e.rights, want[i].rights);
	}
	assert_int_equal(mmw_walk_next(&t->walk, &e, NULL), 0);
	assert_int_equal(mmw_walk_next(&t->walk, &e, NULL), 0);
}

/* Every level can end the way down; each hole is one record a table. */
static const char sizes[] =
	"ram 1000 8000\n"
	"pte 1000[0] -> 2000 table\n"
	"pte 2000[1] -> 40000000 p rw user ps nx\n"       /* 1 GiB */
	"pte 2000[2] -> 3000 p user\n"                    /* read-only from here */
	"pte 3000[0] -> 200000 p rw user ps\n"            /* 2 MiB */
	"pte 3000[1] -> 4000 table\n"
	"pte 4000[511] -> 5000 p rw user a d\n"           /* 4 KiB */
	"pte 1000[511] -> 2000 ktable nx\n";

static const struct want sizes_low[] = {
	{ MMW_ENT_HOLE, 0, 0x3fffffff, 2, 0, 0, 0 },
	{ MMW_ENT_LEAF, 0x40000000, 0x7fffffff, 2, 0x40000000, MMW_KR | MMW_KW | MMW_UR | MMW_UW, 0 },
	{ MMW_ENT_LEAF, 0x80000000, 0x801fffff, 1, 0x200000, MMW_KR | MMW_KX | MMW_UR | MMW_UX, 0 },
	{ MMW_ENT_HOLE, 0x80200000, 0x803fefff, 0, 0, 0, 0 },
	{ MMW_ENT_LEAF, 0x803ff000, 0x803fffff, 0, 0x5000, MMW_KR | MMW_KX | MMW_UR | MMW_UX, 0 },
	{ MMW_ENT_HOLE, 0x80400000, 0xbfffffff, 1, 0, 0, 0 },
	{ MMW_ENT_HOLE, 0xc0000000, 0x7fffffffff, 2, 0, 0, 0 },
	{ MMW_ENT_HOLE, 0x8000000000, NONCANON - 1, 3, 0, 0, 0 },
};

static void all_page_sizes(void **state)
{
	(void)state;
	for (int be = 0; be < 2; be++) {
		struct bench t;

		bench_init(&t, sizes, 4, be);
		check_walk(&t, 0, NONCANON - 1, sizes_low, mmw_array_len(sizes_low));
		bench_fini(&t);
	}
}

/* The same tables through another entry: the rights of the way count, not those of the table. */
static void rights_of_the_way(void **state)
{
	const struct want want[] = {
		{ MMW_ENT_HOLE, HIGH + 0x7f8000000000, HIGH + 0x7f803fffffff, 2, 0, 0, 0 },
		{ MMW_ENT_LEAF, HIGH + 0x7f8040000000, HIGH + 0x7f807fffffff, 2, 0x40000000, MMW_KR | MMW_KW, 0 },
		{ MMW_ENT_LEAF, HIGH + 0x7f8080000000, HIGH + 0x7f80801fffff, 1, 0x200000, MMW_KR, 0 },
		{ MMW_ENT_HOLE, HIGH + 0x7f8080200000, HIGH + 0x7f80803fefff, 0, 0, 0, 0 },
		{ MMW_ENT_LEAF, HIGH + 0x7f80803ff000, HIGH + 0x7f80803fffff, 0, 0x5000, MMW_KR, 0 },
		{ MMW_ENT_HOLE, HIGH + 0x7f8080400000, HIGH + 0x7f80bfffffff, 1, 0, 0, 0 },
		{ MMW_ENT_HOLE, HIGH + 0x7f80c0000000, UINT64_MAX, 2, 0, 0, 0 },
	};
	struct bench t;

	(void)state;
	bench_init(&t, sizes, 4, false);
	check_walk(&t, HIGH + 0x7f8000000000, UINT64_MAX, want, mmw_array_len(want));
	bench_fini(&t);
}

/* A range that starts and ends inside of pages: clipped, and pa is that of va. */
static void clipped_ranges(void **state)
{
	const struct want middle[] = { { MMW_ENT_LEAF, 0x41234567, 0x41234567, 2, 0x41234567, 0, 0 } };
	const struct want across[] = {
		{ MMW_ENT_LEAF, 0x7ffff123, 0x7fffffff, 2, 0x7ffff123, MMW_KR | MMW_KW | MMW_UR | MMW_UW, 0 },
		{ MMW_ENT_LEAF, 0x80000000, 0x80000010, 1, 0x200000, MMW_KR | MMW_KX | MMW_UR | MMW_UX, 0 },
	};
	struct want one = middle[0];
	struct bench t;
	struct mmw_ent e;

	(void)state;
	bench_init(&t, sizes, 4, false);
	one.rights = MMW_KR | MMW_KW | MMW_UR | MMW_UW;
	check_walk(&t, 0x41234567, 0x41234567, &one, 1);
	check_walk(&t, 0x7ffff123, 0x80000010, across, 2);
	mmw_walk_init(&t.walk, t.reader, &t.space, 5, 4);
	assert_int_equal(mmw_walk_next(&t.walk, &e, NULL), 0);
	bench_fini(&t);
}

static void not_canonical(void **state)
{
	const struct want want[] = {
		{ MMW_ENT_HOLE, NONCANON - 1, NONCANON - 1, 3, 0, 0, 0 },
		{ MMW_ENT_OUTSIDE, NONCANON, HIGH - 1, 3, 0, 0, 0 },
		{ MMW_ENT_HOLE, HIGH, HIGH, 3, 0, 0, 0 },
	};
	const struct want inside[] = { { MMW_ENT_OUTSIDE, NONCANON + 5, NONCANON + 9, 3, 0, 0, 0 } };
	struct bench t;

	(void)state;
	bench_init(&t, sizes, 4, false);
	check_walk(&t, NONCANON - 1, HIGH, want, 3);
	check_walk(&t, NONCANON + 5, NONCANON + 9, inside, 1);
	bench_fini(&t);
}

/* Bad and swapped entries are records of their own and end nothing. */
static void odd_entries(void **state)
{
	const char *recipe =
		"ram 1000 4000\n"
		"pte 1000[0] -> 2000 table\n"
		"pte 1000[1] = 10e3\n"                     /* PS in the root */
		"pte 1000[2] = 4000\n"                     /* not present, but something */
		"pte 2000[0] -> 3000 table\n"
		"pte 2000[1] -> 40002000 p ps\n"           /* reserved bit */
		"pte 3000[0] -> 4000 table\n"
		"pte 4000[0] = ffffffffffd8000\n"          /* swap */
		"pte 4000[1] -> 7000 protnone a inverted\n";
	const struct want want[] = {
		{ MMW_ENT_SWAP, 0, 0xfff, 0, 0, 0, 0 },
		{ MMW_ENT_LEAF, 0x1000, 0x1fff, 0, 0x7000, MMW_KR | MMW_KX, 0 },
		{ MMW_ENT_HOLE, 0x2000, 0x1fffff, 0, 0, 0, 0 },
		{ MMW_ENT_HOLE, 0x200000, 0x3fffffff, 1, 0, 0, 0 },
		{ MMW_ENT_BAD, 0x40000000, 0x7fffffff, 2, 0, 0, 0 },
		{ MMW_ENT_HOLE, 0x80000000, 0x7fffffffff, 2, 0, 0, 0 },
		{ MMW_ENT_BAD, 0x8000000000, 0xffffffffff, 3, 0, 0, 0 },
		{ MMW_ENT_BAD, 0x10000000000, 0x17fffffffff, 3, 0, 0, 0 },
		{ MMW_ENT_HOLE, 0x18000000000, NONCANON - 1, 3, 0, 0, 0 },
	};
	struct bench t;
	struct mmw_ent e;

	(void)state;
	bench_init(&t, recipe, 4, false);
	check_walk(&t, 0, NONCANON - 1, want, mmw_array_len(want));
	assert_int_equal(mmw_walk_at(&t.walk, 0x1fff, &e, NULL), 1);
	assert_false(e.hw);
	assert_int_equal(e.pa, 0x7fff);
	bench_fini(&t);
}

/* Tables that are not there: one record for all they would serve, with the reason. */
static void lost_tables(void **state)
{
	const char *recipe =
		"ram 1000 3000\n"
		"excluded 5000 1000\n"
		"pte 1000[0] -> 2000 table\n"
		"pte 1000[1] -> 5000 table\n"
		"pte 1000[2] -> 9000 table\n"
		"pte 2000[0] -> 5000 table\n"
		"pte 2000[1] -> 3000 table\n"
		"pte 3000[0] -> 4000 table\n"
		"pte 3000[1] -> fffffffff000 table\n";
	const struct want want[] = {
		{ MMW_ENT_LOST, 0, 0x3fffffff, 2, 0x5000, 0, MMW_E_EXCLUDED },
		{ MMW_ENT_LOST, 0x40000000, 0x401fffff, 1, 0x4000, 0, MMW_E_NODATA },
		{ MMW_ENT_LOST, 0x40200000, 0x403fffff, 1, 0xfffffffff000, 0, MMW_E_NODATA },
		{ MMW_ENT_HOLE, 0x40400000, 0x7fffffff, 1, 0, 0, 0 },
		{ MMW_ENT_HOLE, 0x80000000, 0x7fffffffff, 2, 0, 0, 0 },
		{ MMW_ENT_LOST, 0x8000000000, 0xffffffffff, 3, 0x5000, 0, MMW_E_EXCLUDED },
		{ MMW_ENT_LOST, 0x10000000000, 0x17fffffffff, 3, 0x9000, 0, MMW_E_NODATA },
		{ MMW_ENT_HOLE, 0x18000000000, NONCANON - 1, 3, 0, 0, 0 },
	};
	struct bench t;

	(void)state;
	bench_init(&t, recipe, 4, false);
	check_walk(&t, 0, NONCANON - 1, want, mmw_array_len(want));
	bench_fini(&t);
}

static void lost_root(void **state)
{
	const struct want want[] = {
		{ MMW_ENT_LOST, 0, NONCANON - 1, 3, 0x9000, 0, MMW_E_NODATA },
		{ MMW_ENT_OUTSIDE, NONCANON, HIGH - 1, 3, 0, 0, 0 },
		{ MMW_ENT_LOST, HIGH, UINT64_MAX, 3, 0x9000, 0, MMW_E_NODATA },
	};
	struct bench t;

	(void)state;
	bench_init(&t, "ram 1000 1000\n", 4, false);
	t.space.root = 0x9000;
	check_walk(&t, 0, UINT64_MAX, want, 3);
	bench_fini(&t);
}

static void five_levels(void **state)
{
	const char *recipe =
		"ram 1000 5000\n"
		"pte 1000[0] -> 2000 table\n"
		"pte 2000[0] -> 3000 table\n"
		"pte 2000[1] = 10e7\n"
		"pte 3000[0] -> 4000 table\n"
		"pte 4000[0] -> 5000 table\n"
		"pte 5000[0] -> 7000 p rw nx\n";
	const struct want want[] = {
		{ MMW_ENT_LEAF, 0, 0xfff, 0, 0x7000, MMW_KR | MMW_KW, 0 },
		{ MMW_ENT_HOLE, 0x1000, 0x1fffff, 0, 0, 0, 0 },
		{ MMW_ENT_HOLE, 0x200000, 0x3fffffff, 1, 0, 0, 0 },
		{ MMW_ENT_HOLE, 0x40000000, 0x7fffffffff, 2, 0, 0, 0 },
		{ MMW_ENT_BAD, 0x8000000000, 0xffffffffff, 3, 0, 0, 0 },
		{ MMW_ENT_HOLE, 0x10000000000, 0xffffffffffff, 3, 0, 0, 0 },
		{ MMW_ENT_HOLE, 0x1000000000000, 0xffffffffffffff, 4, 0, 0, 0 },
		{ MMW_ENT_OUTSIDE, 0x100000000000000, 0xfeffffffffffffff, 4, 0, 0, 0 },
		{ MMW_ENT_HOLE, 0xff00000000000000, UINT64_MAX, 4, 0, 0, 0 },
	};
	struct bench t;

	(void)state;
	bench_init(&t, recipe, 5, false);
	check_walk(&t, 0, UINT64_MAX, want, mmw_array_len(want));
	bench_fini(&t);
}

/* A table that is its own child at every level is legal, and has 512^4 leaves: the budget ends the walk. */
static void self_reference(void **state)
{
	uint64_t next = 0, records = 0;
	struct mmw_err err = { 0 };
	struct mmw_ent e;
	struct bench t;
	int rc;

	(void)state;
	bench_init(&t, "ram 1000 1000\npte 1000[0..511] -> 1000 table\n", 4, false);
	mmw_walk_init(&t.walk, t.reader, &t.space, 0, UINT64_MAX);
	t.walk.budget = t.walk.budget_max = 1000;
	while ((rc = mmw_walk_next(&t.walk, &e, &err)) == 1) {
		assert_int_equal(e.va, next);
		assert_int_equal(e.kind, MMW_ENT_LEAF);
		next = e.last + 1;
		records++;
	}
	assert_int_equal(rc, -MMW_E_LIMIT);
	assert_true(records < 1000 * 512);
	assert_non_null(strstr(err.msg, "loop"));
	/* One address is no matter. */
	assert_int_equal(mmw_walk_at(&t.walk, 0x123456789000, &e, NULL), 1);
	assert_int_equal(e.pa, 0x1000);
	bench_fini(&t);
}

/* The steps name each entry on the way. */
static void steps(void **state)
{
	struct mmw_ent e;
	struct bench t;

	(void)state;
	bench_init(&t, sizes, 4, false);
	mmw_walk_init(&t.walk, t.reader, &t.space, 0, 0);
	assert_int_equal(mmw_walk_at(&t.walk, 0x803ff123, &e, NULL), 1);
	assert_int_equal(e.level, 0);
	assert_int_equal(e.pte_pa, 0x4ff8);
	assert_int_equal(t.walk.step[0].pte_pa, 0x4ff8);
	assert_int_equal(t.walk.step[0].raw, 0x5067);
	assert_int_equal(t.walk.step[1].pte_pa, 0x3008);
	assert_int_equal(t.walk.step[1].raw, 0x4067);
	assert_int_equal(t.walk.step[2].pte_pa, 0x2010);
	assert_int_equal(t.walk.step[3].pte_pa, 0x1000);
	assert_int_equal(mmw_ent_size(&t.walk, &e), 0x1000);
	bench_fini(&t);
}

static void assert_same(const struct mmw_ent *a, const struct mmw_ent *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->why, b->why);
	assert_int_equal(a->level, b->level);
	assert_int_equal(a->hw, b->hw);
	assert_int_equal(a->rights, b->rights);
	assert_int_equal(a->va, b->va);
	assert_int_equal(a->last, b->last);
	assert_int_equal(a->pa, b->pa);
	assert_int_equal(a->raw, b->raw);
	assert_int_equal(a->pte_pa, b->pte_pa);
}

/* Jumping to and fro gives the same records as walking anew. */
static void seeking(void **state)
{
	uint32_t seed = 99;
	struct mmw_walk *fresh = malloc(sizeof(*fresh));
	struct bench t;

	(void)state;
	bench_init(&t, sizes, 4, false);
	mmw_walk_init(&t.walk, t.reader, &t.space, 0, 0);
	for (int i = 0; i < 5000; i++) {
		uint64_t va;
		struct mmw_ent a, b;

		seed = seed * 1664525 + 1013904223;
		va = (uint64_t)(seed >> 20) << (seed % 38) ^ seed;
		va = seed & 0x400 ? -va : va;
		mmw_walk_init(fresh, t.reader, &t.space, va, va);
		assert_int_equal(mmw_walk_next(fresh, &a, NULL), 1);
		assert_int_equal(mmw_walk_at(&t.walk, va, &b, NULL), 1);
		assert_same(&a, &b);
	}
	free(fresh);
	bench_fini(&t);
}

/* Reading through the tables: across pages, and the reason where it stops. */
static void virtual_reads(void **state)
{
	const char *recipe =
		"ram 1000 9000\n"
		"excluded b000 1000\n"
		"space 1000 4 2000\n"
		"map 400000 1000 -> 8000 1000 p rw user\n"
		"map 401000 1000 -> 7000 1000 p rw user\n"
		"map 403000 1000 -> b000 1000 p rw user\n"
		"map 404000 1000 -> f000 1000 p rw user\n"
		"u64 7000: 1111111111111111*200\n"
		"u64 8000: 2222222222222222*200\n";
	struct mmw_vm *vm = malloc(sizeof(*vm));
	struct mmw_err err;
	struct bench t;
	uint8_t buf[16];
	uint64_t v;

	(void)state;
	bench_init(&t, recipe, 4, false);
	mmw_vm_init(vm, t.reader, &t.space);
	assert_int_equal(mmw_vm_read(vm, 0x400ff8, buf, 16, &err), 0);
	assert_memory_equal(buf, "\x22\x22\x22\x22\x22\x22\x22\x22\x11\x11\x11\x11\x11\x11\x11\x11", 16);
	assert_int_equal(mmw_vm_read_uint(vm, 0x400ffe, 4, &v, &err), 0);
	assert_int_equal(v, 0x11112222);
	assert_int_equal(mmw_vm_translate(vm, 0x401234, &v, &err), 0);
	assert_int_equal(v, 0x7234);
	assert_int_equal(mmw_vm_read(vm, 0x401ff8, buf, 16, &err), -MMW_E_NOTPRESENT);
	assert_int_equal(mmw_vm_read(vm, 0x403000, buf, 16, &err), -MMW_E_EXCLUDED);
	assert_int_equal(mmw_vm_read(vm, 0x404000, buf, 16, &err), -MMW_E_NODATA);
	assert_int_equal(mmw_vm_read(vm, NONCANON, buf, 16, &err), -MMW_E_NOTPRESENT);
	assert_int_equal(mmw_vm_read(vm, UINT64_MAX - 3, buf, 16, &err), -MMW_E_NOTPRESENT);
	free(vm);
	bench_fini(&t);
}

/* Windows' own constants: x64 with entry 0x1ed (before the entry became random), x86 without PAE; and a low entry. */
static void self_map(void **state)
{
	static const struct {
		const char *paging;
		unsigned index, level;
		uint64_t base;
	} rows[] = {
		{ "x86_64:4-level", 0x1ed, 0, 0xfffff68000000000 }, { "x86_64:4-level", 0x1ed, 1, 0xfffff6fb40000000 },
		{ "x86_64:4-level", 0x1ed, 2, 0xfffff6fb7da00000 }, { "x86_64:4-level", 0x1ed, 3, 0xfffff6fb7dbed000 },
		{ "x86_64:5-level", 0x1ed, 0, 0xffed000000000000 }, { "x86_64:4-level", 1, 0, 0x8000000000 },
		{ "i386:2-level", 0x300, 0, 0xc0000000 }, { "i386:2-level", 0x300, 1, 0xc0300000 },
	};
	struct mmw_paging pg;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(rows); i++) {
		assert_non_null(mmw_paging_by_name(rows[i].paging, &pg));
		assert_int_equal(mmw_selfmap_base(&pg, rows[i].index, rows[i].level), rows[i].base);
	}
}

/* Whatever the entry, the arrays come in order, without overlap, and fill what the entry maps. */
static void self_map_tiles(void **state)
{
	static const char *const pagings[] = { "x86_64:4-level", "x86_64:5-level", "i386:2-level" };
	struct mmw_paging pg;

	(void)state;
	for (size_t p = 0; p < mmw_array_len(pagings); p++) {
		assert_non_null(mmw_paging_by_name(pagings[p], &pg));
		for (unsigned index = 0; index < 1u << pg.bits[0]; index++) {
			struct mmw_layout l = { 0 };
			uint64_t va = mmw_selfmap_base(&pg, index, 0), size = mmw_level_size(&pg, pg.levels - 1);

			mmw_selfmap_layout(&pg, index, &l);
			for (size_t i = 0; i < l.n_regions; va = l.regions[i++].last + 1)
				assert_int_equal(l.regions[i].first, va);
			assert_int_equal(va - mmw_selfmap_base(&pg, index, 0), size);
			for (size_t i = 1; i < l.n_markers; i++)
				assert_true(l.markers[i - 1].start < l.markers[i].start);
		}
	}
}

static void self_map_found(void **state)
{
	struct bench t;
	unsigned index = 0;

	(void)state;
	bench_init(&t, "arch x86_64\nram 0 8000\npte 1000[0] -> 2000 table\npte 1000[300] -> 1000 p rw ps\n"
		   "pte 1000[493] -> 1000 table\n", 4, false);
	assert_true(mmw_selfmap_find(t.reader, &t.space, &index));
	assert_int_equal(index, 493);
	t.space.root = 0x2000;
	assert_false(mmw_selfmap_find(t.reader, &t.space, &index));
	t.space.root = 0x100000;
	assert_false(mmw_selfmap_find(t.reader, &t.space, &index));
	bench_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_page_sizes), cmocka_unit_test(rights_of_the_way), cmocka_unit_test(clipped_ranges),
		cmocka_unit_test(not_canonical), cmocka_unit_test(odd_entries), cmocka_unit_test(lost_tables),
		cmocka_unit_test(lost_root), cmocka_unit_test(five_levels), cmocka_unit_test(self_reference),
		cmocka_unit_test(self_map), cmocka_unit_test(self_map_tiles), cmocka_unit_test(self_map_found),
		cmocka_unit_test(steps), cmocka_unit_test(seeking), cmocka_unit_test(virtual_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

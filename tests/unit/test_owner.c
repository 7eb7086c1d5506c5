/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/mm/frame.c, owner.c and what they ask (inode.c, resource.c, vmap.c, aliases.c): whom each frame of a small
 * machine belongs to (fixtures/recipes/page.recipe), and what is said where that leads astray.
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
#include "lib/base/vec.h"
#include "lib/mm/aliases.h"
#include "lib/mm/owner.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

struct machine {
	struct blob b;
	struct mmw_image *img;
	struct mmw_kernel *k;
	struct mmw_frames f;
	struct mmw_owners o;
};

/* A word of the machine is changed before anyone looks. */
static void machine_init(struct machine *m, uint64_t pa, uint64_t value)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	struct mmw_file *f;
	struct phys p;

	memset(m, 0, sizeof(*m));
	recipe_load(MMW_RECIPES "/page.recipe", false, &p);
	wrap_format_by_name("elf")->write(&p, &m->b);
	phys_fini(&p);
	if (pa)
		mmw_put_word(m->b.bytes + m->b.len - (4 << 20) + pa, value, 8, false);
	assert_int_equal(mmw_file_memory(m->b.bytes, m->b.len, "machine", &f, NULL), 0);
	assert_int_equal(mmw_open_file(f, "machine", NULL, &m->img, NULL), 0);
	assert_int_equal(mmw_kernel_bind(m->img, &opts, &m->k, NULL), 0);
	assert_int_equal(mmw_frames_open(m->k, &m->f, NULL), 0);
	mmw_owners_init(&m->o, &m->f, 1);
}

static void machine_fini(struct machine *m)
{
	mmw_owners_close(&m->o);
	mmw_frames_close(&m->f);
	mmw_kernel_close(m->k);
	mmw_image_close(m->img);
	blob_fini(&m->b);
}

static void owner_of(struct machine *m, uint64_t pfn, struct mmw_frame *frame, struct mmw_owner *w)
{
	const uint64_t vas[] = { 0xffff888000000000 + (pfn << 12), 0xffffc90000001000 };

	mmw_frame_look(&m->f, pfn, frame);
	mmw_owner_of(&m->o, frame, vas, pfn == 0x35 ? 2 : 1, w);
}

static void test_kinds(void **state)
{
	static const struct { uint64_t pfn; enum mmw_owner_kind kind; bool why; } cases[] = {
		{ 0x5, MMW_OWNER_FREE, false },		{ 0x12, MMW_OWNER_FREE, false },
		{ 0x20, MMW_OWNER_FILE, false },	{ 0x21, MMW_OWNER_ANON, false },
		{ 0x22, MMW_OWNER_ANON, false },	{ 0x23, MMW_OWNER_KSM, false },
		{ 0x24, MMW_OWNER_SLAB, false },	{ 0x25, MMW_OWNER_SLAB, false },
		{ 0x26, MMW_OWNER_FILE, true },		{ 0x28, MMW_OWNER_ANON, false },
		{ 0x29, MMW_OWNER_ANON, false },	{ 0x31, MMW_OWNER_MOVABLE, false },
		{ 0x33, MMW_OWNER_OFFLINE, false },	{ 0x34, MMW_OWNER_TABLE, true },
		{ 0x35, MMW_OWNER_VMALLOC, false },	{ 0x36, MMW_OWNER_BOOT, false },
		{ 0x37, MMW_OWNER_UNEXPLAINED, false }, { 0x38, MMW_OWNER_UNREFERENCED, true },
		{ 0x400, MMW_OWNER_HOLE, false },	{ UINT64_MAX >> 12, MMW_OWNER_HOLE, false },
	};
	struct machine m;

	(void)state;
	machine_init(&m, 0, 0);
	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		struct mmw_frame frame;
		struct mmw_owner w;

		owner_of(&m, cases[i].pfn, &frame, &w);
		if (w.kind != cases[i].kind || !w.why[0] == cases[i].why)
			print_message("frame %llx: %s, '%s'\n", (unsigned long long)cases[i].pfn,
				      mmw_owner_name(w.kind), w.why);
		assert_int_equal(w.kind, cases[i].kind);
		assert_int_equal(w.why[0] != 0, cases[i].why);
	}
	machine_fini(&m);
}

static void test_details(void **state)
{
	struct mmw_frame frame;
	struct mmw_owner w;
	struct machine m;
	uint64_t offset;
	unsigned type;

	(void)state;
	machine_init(&m, 0, 0);
	owner_of(&m, 0x12, &frame, &w);
	assert_int_equal(w.free.pfn, 0x10);
	assert_int_equal(w.free.order, 3);
	assert_string_equal(m.f.zones.type_name[w.free.type], "Movable");
	owner_of(&m, 0x20, &frame, &w);
	assert_int_equal(w.inode.ino, 1234);
	assert_string_equal(w.inode.fs, "ext4");
	assert_string_equal(w.inode.id, "sdb1");
	assert_int_equal(w.inode.dev, 8 << 20 | 17);
	assert_string_equal(mmw_inode_kind(&w.inode), "regular file");
	assert_int_equal(w.file_offset, 0x3000);
	assert_string_equal(w.resource->name, "System RAM");
	owner_of(&m, 0x22, &frame, &w);
	assert_int_equal(w.anon, 0xffff888000070000);
	assert_true(mmw_frame_swap(&m.f, &frame, &type, &offset));
	assert_int_equal(type, 2);
	assert_int_equal(offset, 5);
	owner_of(&m, 0x29, &frame, &w);
	assert_int_equal(frame.number, 1);
	assert_int_equal(frame.folio.page.pfn, 0x28);
	owner_of(&m, 0x35, &frame, &w);
	assert_int_equal(w.area->first, 0xffffc90000001000);
	assert_string_equal(mmw_vmap_kind(&w.vm_area), "vmalloc");
	machine_fini(&m);
}

/* What leads astray is an end, and said. */
static void test_astray(void **state)
{
	static const struct {
		const char *name;
		uint64_t pa, value, pfn;
		enum mmw_owner_kind kind;
		bool why, resources, areas;
	} cases[] = {
		{ "a resource that is its own child", 0x252058, 0xffffffff81052040, 0x20, MMW_OWNER_FILE, false, true,
		  false },
		{ "a resource that is its own sibling", 0x252060, 0xffffffff81052040, 0x20, MMW_OWNER_FILE, false, true,
		  false },
		{ "a resource that ends before it starts", 0x252048, 0, 0x20, MMW_OWNER_FILE, false, false, false },
		{ "a resource beyond memory", 0x252060, 0xffffffff90000000, 0x20, MMW_OWNER_FILE, false, true, false },
		{ "an area that is its own next", 0x252468, 0xffffffff81052468, 0x35, MMW_OWNER_VMALLOC, false, false,
		  true },
		{ "an area that ends before it starts", 0x252448, 0, 0x35, MMW_OWNER_VMALLOC, false, false, true },
		{ "a vm_struct beyond memory", 0x252478, 0xffffffff90000000, 0x35, MMW_OWNER_VMALLOC, false, false,
		  false },
		{ "an inode beyond memory", 0x252300, 0xffffffff90000000, 0x20, MMW_OWNER_FILE, true, false, false },
		{ "an address_space of no inode", 0x252300, 0, 0x20, MMW_OWNER_FILE, false, false, false },
		{ "a super block beyond memory", 0x252338, 0xffffffff90000000, 0x20, MMW_OWNER_FILE, true, false,
		  false },
		{ "a tail whose head is behind it", 0x300a48, 0xffffea0000000b01, 0x29, MMW_OWNER_UNREFERENCED, true,
		  false, false },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		struct mmw_frame frame;
		struct mmw_owner w;
		struct machine m;

		machine_init(&m, cases[i].pa, cases[i].value);
		owner_of(&m, cases[i].pfn, &frame, &w);
		if (w.kind != cases[i].kind || !w.why[0] == cases[i].why ||
		    m.o.resources.broken != cases[i].resources || m.o.vmaps.broken != cases[i].areas)
			fail_msg("%s: %s, '%s', %d %d", cases[i].name, mmw_owner_name(w.kind), w.why,
				 m.o.resources.broken, m.o.vmaps.broken);
		machine_fini(&m);
	}
}

struct seen {
	uint64_t va[8];
	size_t index[8], n, tables;
};

static int note_leaf(void *ctx, size_t index, const struct mmw_ent *ent)
{
	struct seen *s = ctx;

	assert_true(s->n < 8);
	s->va[s->n] = ent->va;
	s->index[s->n++] = index;
	return 0;
}

static int note_table(void *ctx, size_t index, unsigned level)
{
	struct seen *s = ctx;

	assert_int_equal(index, 3);
	assert_int_equal(level, 3);
	s->tables++;
	return 0;
}

static void test_aliases(void **state)
{
	const uint64_t pas[] = { 0x34000, 0x35000, 0x35008, 0x242000, 0x400000 };
	struct seen s = { .n = 0 };
	struct mmw_aliases a = { pas, mmw_array_len(pas), note_leaf, note_table, &s };
	struct mmw_walk w;
	struct machine m;

	(void)state;
	machine_init(&m, 0, 0);
	mmw_walk_init(&w, mmw_kernel_reader(m.k), mmw_kernel_space(m.k), 0, 0);
	assert_int_equal(mmw_aliases_find(&a, &w, 0, UINT64_MAX, NULL), 0);
	/* The linear map has the first four, vmalloc the next two again, the image the fourth, nothing the last. */
	assert_int_equal(s.n, 7);
	assert_int_equal(s.va[1], 0xffff888000035000);
	assert_int_equal(s.va[4], 0xffffc90000001000);
	assert_int_equal(s.va[5], 0xffffc90000001008);
	assert_int_equal(s.va[6], 0xffffffff81042000);
	assert_int_equal(s.index[6], 3);
	assert_true(s.tables > 0);
	machine_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_astray),
		cmocka_unit_test(test_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

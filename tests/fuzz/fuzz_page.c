/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel with frames of many kinds (fixtures/recipes/page.recipe) of which types, struct pages and what they lead to
 * are overwritten: every frame has an owner, and every text an end.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mm/owner.h"
#include "tests/fuzz/patched.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct patched machine = {
	.recipe = MMW_RECIPES "/page.recipe",
	.windows = {
		{ 0x234000, 0x1000 },  /* BTF */
		{ 0x252000, 0x500 },   /* resources, inode, areas */
		{ 0x300800, 0x640 },   /* struct pages */
		{ 0x300000, 0x800 },
		{ 0x250000, 0x600 },   /* node_data and others */
		{ 0x251000, 0xa00 },   /* zones */
		{ 0x062000, 0x100 },   /* mem_section */
		{ 0x050000, 0x200 },   /* VMCOREINFO */
	},
};

static void ask_owner(struct mmw_owners *o, uint64_t pfn)
{
	const uint64_t vas[] = { 0xffff888000000000 + (pfn << 12), 0xffffc90000001000 };
	uint64_t different, all;
	struct mmw_frame frame;
	struct mmw_owner w;

	mmw_frame_look(o->f, pfn, &frame);
	mmw_owner_of(o, &frame, vas, 2, &w);
	if (w.kind >= MMW_OWNER_KINDS || !memchr(w.why, 0, sizeof(w.why)) ||
	    !memchr(w.inode.fs, 0, sizeof(w.inode.fs)) || !memchr(w.inode.id, 0, sizeof(w.inode.id)))
		abort();
	if (frame.read)
		mmw_frame_hvo(o->f, &frame, &different, &all);
}

static void look(struct mmw_kernel *k)
{
	struct mmw_err err = { 0 };
	struct mmw_frames f;
	struct mmw_owners o;
	int rc = mmw_frames_open(k, &f, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	mmw_owners_init(&o, &f, 1);
	for (uint64_t pfn = 0; pfn < 0x40; pfn++)
		ask_owner(&o, pfn);
	ask_owner(&o, 0x1c1);
	ask_owner(&o, 0x242);
	ask_owner(&o, UINT64_MAX >> 12);
	mmw_owners_close(&o);
	mmw_frames_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	patched_run(&machine, data, size, look);
	return 0;
}

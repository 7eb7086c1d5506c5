/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel with a page allocator (fixtures/recipes/mm.recipe) of which types, zones, lists and struct pages are
 * overwritten: its free lists are walked to an end, and every problem has words.
 *
 * The input is patches: a window (3 bits), a 16-bit offset into it, a length, bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/mm/buddy.h"
#include "tests/tools/exercise.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 4 << 20, PATCHES_MAX = 32 };

static const struct { uint32_t at, len; } windows[8] = {
	{ 0x230000, 0x800 },  /* BTF */
	{ 0x250000, 0x600 },  /* node_data and others */
	{ 0x251000, 0xa00 },  /* zones */
	{ 0x300000, 0x10000 },/* struct pages */
	{ 0x307000, 0x200 },
	{ 0x062000, 0x100 },  /* mem_section */
	{ 0x060000, 0x300 },  /* per-CPU */
	{ 0x050000, 0x200 },  /* VMCOREINFO */
};

struct machine {
	struct blob image;
	uint8_t *memory, *clean;
};

static struct machine *machine(void)
{
	static struct machine m;
	struct phys p;

	if (m.memory)
		return &m;
	recipe_load(MMW_RECIPES "/mm.recipe", false, &p);
	p.cpus[p.n_cpus++] = (struct phys_cpu){ .pc = 0xffffffff81000100, .cr3 = 0x242000, .cr4 = 0x20, .qemu = true };
	wrap_format_by_name("elf")->write(&p, &m.image);
	phys_fini(&p);
	m.memory = m.image.bytes + (m.image.len - MEMORY);
	m.clean = malloc(MEMORY);
	if (!m.clean)
		abort();
	memcpy(m.clean, m.memory, MEMORY);
	return &m;
}

static void patch(struct machine *m, const uint8_t *data, size_t size)
{
	for (int n = 0; n < PATCHES_MAX && size > 4; n++) {
		unsigned w = data[0] & 7;
		size_t at = (size_t)(data[1] | data[2] << 8) % windows[w].len, len = data[3];

		data += 4;
		size -= 4;
		len = len < size ? len : size;
		len = len < windows[w].len - at ? len : windows[w].len - at;
		memcpy(m->memory + windows[w].at + at, data, len);
		data += len;
		size -= len;
	}
}

static void clean(struct machine *m)
{
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		memcpy(m->memory + windows[i].at, m->clean + windows[i].at, windows[i].len);
}

static void walk_lists(struct mmw_kernel *k)
{
	struct mmw_err err = { 0 };
	struct mmw_buddy b;
	char text[512];
	int rc = mmw_buddy_open(k, 1, &b, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	for (size_t i = 0; i < b.n_problems; i++) {
		mmw_buddy_problem_text(&b, &b.problems[i], text, sizeof(text));
		if (!text[0] || !memchr(text, 0, sizeof(text)))
			abort();
	}
	mmw_buddy_close(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	struct machine *m = machine();
	struct mmw_kernel *k = NULL;
	struct mmw_image *img;
	struct mmw_file *f;

	patch(m, data, size);
	if (mmw_file_memory(m->image.bytes, m->image.len, "fuzz", &f, NULL) ||
	    mmw_open_file(f, "fuzz", NULL, &img, NULL))
		abort();
	if (!mmw_kernel_bind(img, &opts, &k, NULL) && mmw_kernel_found(k))
		walk_lists(k);
	mmw_kernel_close(k);
	mmw_image_close(img);
	clean(m);
	return 0;
}

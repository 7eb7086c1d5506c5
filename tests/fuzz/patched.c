/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/patched.h"

#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

enum { MEMORY = 4 << 20, PATCHES_MAX = 32 };

static void make(struct patched *m)
{
	struct phys p;

	if (m->memory)
		return;
	recipe_load(m->recipe, false, &p);
	p.cpus[p.n_cpus++] = (struct phys_cpu){ .pc = 0xffffffff81000100, .cr3 = 0x242000, .cr4 = 0x20, .qemu = true };
	wrap_format_by_name("elf")->write(&p, &m->image);
	phys_fini(&p);
	m->memory = m->image.bytes + (m->image.len - MEMORY);
	m->clean = malloc(MEMORY);
	if (!m->clean)
		abort();
	memcpy(m->clean, m->memory, MEMORY);
}

static void patch(struct patched *m, const uint8_t *data, size_t size)
{
	for (int n = 0; n < PATCHES_MAX && size > 4; n++) {
		unsigned w = data[0] % PATCH_WINDOWS;
		size_t at = (size_t)(data[1] | data[2] << 8) % m->windows[w].len, len = data[3];

		data += 4;
		size -= 4;
		len = len < size ? len : size;
		len = len < m->windows[w].len - at ? len : m->windows[w].len - at;
		memcpy(m->memory + m->windows[w].at + at, data, len);
		data += len;
		size -= len;
	}
}

static void put_back(struct patched *m)
{
	for (size_t i = 0; i < PATCH_WINDOWS; i++)
		memcpy(m->memory + m->windows[i].at, m->clean + m->windows[i].at, m->windows[i].len);
}

void patched_run(struct patched *m, const uint8_t *data, size_t size, void (*ask)(struct mmw_kernel *k))
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	struct mmw_kernel *k = NULL;
	struct mmw_image *img;
	struct mmw_file *f;

	make(m);
	patch(m, data, size);
	if (mmw_file_memory(m->image.bytes, m->image.len, "fuzz", &f, NULL) ||
	    mmw_open_file(f, "fuzz", NULL, &img, NULL))
		abort();
	if (!mmw_kernel_bind(img, &opts, &k, NULL) && mmw_kernel_found(k))
		ask(k);
	mmw_kernel_close(k);
	mmw_image_close(img);
	put_back(m);
}

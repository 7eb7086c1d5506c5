/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random tables: the records of a walk tile the address space, and one address at a time gives the same answers.
 *
 * The first byte says levels (bit 0), byte order (1), an encryption bit (2), root page (3-4), and whether what follows
 * is the memory itself (7); else it is a list of 11 bytes each: page, index, entry.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/arch/walk.h"
#include "lib/image/build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGE = 4096, PAGES = 8, RECORDS_MAX = 5000 };

static void put_entries(uint8_t *memory, bool big_endian, const uint8_t *data, size_t size)
{
	for (; size >= 11; data += 11, size -= 11) {
		uint8_t *to = memory + data[0] % PAGES * PAGE + 8 * ((data[1] | data[2] << 8) % 512);

		for (int i = 0; i < 8; i++)
			to[i] = data[3 + (big_endian ? 7 - i : i)];
	}
}

/* Page 5 is left out, page 6 is absent. */
static struct mmw_image *image_of(const uint8_t *memory, bool big_endian)
{
	struct mmw_image *img;
	struct mmw_file *f;

	if (mmw_file_memory(memory, PAGES * PAGE, "fuzz", &f, NULL) || mmw_image_new(f, "fuzz", &img, NULL))
		abort();
	img->big_endian = big_endian;
	if (mmw_image_add_extent(img, 0, 5 * PAGE, 0, MMW_STORED, NULL) ||
	    mmw_image_add_extent(img, 5 * PAGE, PAGE, 0, MMW_EXCLUDED, NULL) ||
	    mmw_image_add_extent(img, 7 * PAGE, PAGE, 7 * PAGE, MMW_STORED, NULL) || mmw_image_seal(img, NULL))
		abort();
	return img;
}

/* One address inside a record, by a walk of its own. */
static void check_inside(struct mmw_walk *one, const struct mmw_ent *e)
{
	uint64_t va = e->va + (e->last - e->va) / 3;
	struct mmw_ent at;

	if (mmw_walk_at(one, va, &at, NULL) != 1 || at.va != va || at.last != va || at.kind != e->kind ||
	    at.level != e->level || at.why != e->why)
		abort();
	if (e->kind == MMW_ENT_LEAF && (at.pa != e->pa + (va - e->va) || at.rights != e->rights || at.hw != e->hw))
		abort();
}

static void walk_range(struct mmw_reader *r, const struct mmw_space *space, uint64_t va, uint64_t last)
{
	struct mmw_walk *w = malloc(2 * sizeof(*w));
	uint64_t next = va;
	struct mmw_ent e;
	int rc = 1;

	if (!w)
		return;
	mmw_walk_init(w, r, space, va, last);
	mmw_walk_init(w + 1, r, space, 0, 0);
	for (int n = 0; n < RECORDS_MAX && (rc = mmw_walk_next(w, &e, NULL)) == 1; n++) {
		if (e.va != next || e.last < e.va || e.last > last)
			abort();
		if (n % 16 == 0)
			check_inside(w + 1, &e);
		next = e.last + 1;
	}
	if (rc == 0 && next != last + 1)
		abort();
	free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mmw_space space = { .arch = mmw_arch_by_name("x86_64") };
	struct mmw_reader *r;
	struct mmw_image *img;
	uint8_t *memory;
	bool big_endian;

	if (!size || !(memory = calloc(PAGES, PAGE)))
		return 0;
	big_endian = data[0] & 2;
	if (data[0] & 0x80)
		memcpy(memory, data + 1, size - 1 < PAGES * PAGE ? size - 1 : PAGES * PAGE);
	else
		put_entries(memory, big_endian, data + 1, size - 1);
	space.arch->geometry(data[0] & 1, &space.paging);
	space.paging.big_endian = big_endian;
	space.paging.clear = data[0] & 4 ? 1ull << 51 : 0;
	space.root = (data[0] >> 3 & 3) * PAGE;
	img = image_of(memory, big_endian);
	if (!mmw_reader_open(img, &r, NULL)) {
		walk_range(r, &space, 0, UINT64_MAX);
		walk_range(r, &space, 0x7fffffff0123, 0xffff800000400000);
		walk_range(r, &space, 0xffffff8000000000, UINT64_MAX);
		mmw_reader_close(r);
	}
	mmw_image_close(img);
	free(memory);
	return 0;
}

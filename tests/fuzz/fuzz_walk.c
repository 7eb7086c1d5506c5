/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random tables: the records of a walk tile the address space, and one address at a time gives the same answers.
 *
 * The first byte says levels (bit 0), byte order (1), an encryption bit (2), root page (3-4), whether another
 * architecture follows (5: its number, its geometry, bits for paging.variant), and whether what follows is the memory
 * itself (7); else it is a list of 11 bytes each: page, index, entry.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/arch/walk.h"
#include "lib/image/build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGES = 8, RECORDS_MAX = 5000 };

static struct mmw_space space_of(const uint8_t **data, size_t *size, bool big_endian)
{
	struct mmw_space space = { .arch = mmw_arch_by_name("x86_64") };
	unsigned geometry = (*data)[0] & 1;
	uint32_t variant = 0;

	if (((*data)[0] & 0x20) && *size > 4) {
		unsigned n = 0;

		while (mmw_arch_at(n))
			n++;
		space.arch = mmw_arch_at((*data)[1] % n);
		geometry = (*data)[2];
		variant = (*data)[3];
		*data += 3;
		*size -= 3;
	}
	while (!space.arch->geometry(geometry, &space.paging))
		geometry /= 2;
	space.paging.variant |= variant;
	space.paging.attrs = 0x0004080cff44bbf0;
	space.paging.big_endian = big_endian;
	return space;
}

static void put_entries(uint8_t *memory, const struct mmw_paging *pg, const uint8_t *data, size_t size)
{
	unsigned entry = pg->entry_size, page = 1u << pg->page_shift;

	for (; size >= 11; data += 11, size -= 11) {
		uint8_t *to = memory + data[0] % PAGES * page + entry * ((data[1] | data[2] << 8) % (page / entry));

		for (unsigned i = 0; i < entry; i++)
			to[i] = data[3 + (pg->big_endian ? entry - 1 - i : i)];
	}
}

/* Page 5 is left out, page 6 is absent. */
static struct mmw_image *image_of(const uint8_t *memory, bool big_endian, uint64_t page)
{
	struct mmw_image *img;
	struct mmw_file *f;

	if (mmw_file_memory(memory, PAGES * page, "fuzz", &f, NULL) || mmw_image_new(f, "fuzz", &img, NULL))
		abort();
	img->big_endian = big_endian;
	if (mmw_image_add_extent(img, 0, 5 * page, 0, MMW_STORED, NULL) ||
	    mmw_image_add_extent(img, 5 * page, page, 0, MMW_EXCLUDED, NULL) ||
	    mmw_image_add_extent(img, 7 * page, page, 7 * page, MMW_STORED, NULL) || mmw_image_seal(img, NULL))
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

/* What is printed of an entry, whatever it is. */
static void describe(const struct mmw_space *space, const struct mmw_ent *e)
{
	const struct mmw_arch *arch = space->arch;
	char text[512];
	uint64_t offset;
	unsigned type;

	if (mmw_flags_text(arch, &space->paging, e->level, e->raw, '|', text, sizeof(text)) >= sizeof(text))
		abort();
	if (arch->ptdump)
		arch->ptdump(&space->paging, e->level, e->raw, text, sizeof(text));
	arch->ptdump_prot(&space->paging, e->level, e->raw);
	if (arch->swap && e->kind == MMW_ENT_SWAP)
		arch->swap(&space->paging, e->raw, &type, &offset);
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
		if (e.kind != MMW_ENT_LOST && e.kind != MMW_ENT_OUTSIDE)
			describe(space, &e);
		next = e.last + 1;
	}
	if (rc == 0 && next != last + 1)
		abort();
	free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mmw_space space;
	struct mmw_reader *r;
	struct mmw_image *img;
	uint8_t flags, *memory;
	uint64_t page;

	if (!size)
		return 0;
	flags = data[0];
	space = space_of(&data, &size, flags & 2);
	page = 1ull << space.paging.page_shift;
	memory = calloc(PAGES, page);
	if (!memory)
		return 0;
	if (flags & 0x80)
		memcpy(memory, data + 1, size - 1 < PAGES * page ? size - 1 : PAGES * page);
	else
		put_entries(memory, &space.paging, data + 1, size - 1);
	space.paging.clear = flags & 4 ? 1ull << 51 : 0;
	space.root = (flags >> 3 & 3) * page;
	img = image_of(memory, space.paging.big_endian, page);
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

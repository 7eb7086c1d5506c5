/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/arch/selfmap.h"

#include "lib/base/bytes.h"

/* Only where a table of every level is one page can one of them stand for another. */
static bool may_map_itself(const struct mmw_paging *pg)
{
	for (unsigned level = 0; level < pg->levels; level++)
		if (mmw_table_bytes(pg, level) != 1ull << pg->page_shift)
			return false;
	return pg->levels > 1 && pg->va_kind != MMW_VA_HIGH && !pg->companion;
}

bool mmw_selfmap_find(struct mmw_reader *reader, const struct mmw_space *space, unsigned *index)
{
	const struct mmw_paging *pg = &space->paging;
	unsigned top = pg->levels - 1;
	const uint8_t *table;

	if (!may_map_itself(pg) || mmw_read_table(reader, space->root, mmw_table_bytes(pg, top), &table, NULL))
		return false;
	for (unsigned i = 0; i < 1u << pg->bits[top]; i++) {
		uint64_t raw = mmw_get_word(table + (size_t)i * pg->entry_size, pg->entry_size, pg->big_endian);
		struct mmw_pte pte = space->arch->decode(pg, top, raw);

		if (pte.kind == MMW_PTE_TABLE && pte.pa == space->root) {
			*index = i;
			return true;
		}
	}
	return false;
}

static uint64_t extend(const struct mmw_paging *pg, uint64_t va)
{
	bool high = pg->va_kind == MMW_VA_SIGNED && va >> (pg->va_bits - 1) & 1;

	return high && pg->va_bits < 64 ? va | UINT64_MAX << pg->va_bits : va;
}

uint64_t mmw_selfmap_base(const struct mmw_paging *pg, unsigned index, unsigned level)
{
	uint64_t va = 0;

	for (unsigned i = 0; i <= level; i++)
		va |= (uint64_t)index << mmw_level_shift(pg, pg->levels - 1 - i);
	return extend(pg, va);
}

const char *mmw_selfmap_name(unsigned level)
{
	static const char *const names[] = { "PTE_BASE", "PDE_BASE", "PPE_BASE", "PXE_BASE" };

	return level < sizeof(names) / sizeof(names[0]) ? names[level] : NULL;
}

static const char *array_name(unsigned level)
{
	static const char *const names[MMW_LEVELS_MAX] = {
		"self-map, PTE_BASE", "self-map, PDE_BASE", "self-map, PPE_BASE", "self-map, PXE_BASE", "self-map, root",
	};

	return names[level];
}

/* [first, last], which may be empty. */
static void add(struct mmw_layout *l, uint64_t first, uint64_t last, unsigned level)
{
	if (last + 1 == first)
		return;
	mmw_layout_region(l, first, last, array_name(level));
	mmw_layout_marker(l, first, array_name(level), 0);
}

/* Each array lies inside the one of the level below: down to the root's own page, and out again. */
static void add_arrays(const struct mmw_paging *pg, unsigned index, struct mmw_layout *l)
{
	uint64_t base[MMW_LEVELS_MAX], last[MMW_LEVELS_MAX];
	unsigned top = pg->levels - 1;

	for (unsigned level = 0; level <= top; level++) {
		base[level] = mmw_selfmap_base(pg, index, level);
		last[level] = base[level] + mmw_level_size(pg, top - level) - 1;
	}
	for (unsigned level = 0; level < top; level++)
		add(l, base[level], base[level + 1] - 1, level);
	add(l, base[top], last[top], top);
	for (unsigned level = top; level--; )
		add(l, last[level + 1] + 1, last[level], level);
}

void mmw_selfmap_layout(const struct mmw_paging *pg, unsigned index, struct mmw_layout *out)
{
	uint64_t first = mmw_selfmap_base(pg, index, 0), end = first + mmw_level_size(pg, pg->levels - 1);
	uint64_t half = pg->va_kind == MMW_VA_SIGNED ? 1ull << (pg->va_bits - 1) : 0;
	bool high = half && first >= half;

	if (first)
		mmw_layout_marker(out, 0, "lower half", 0);
	if (high && first > -half)
		mmw_layout_marker(out, -half, "upper half", 0);
	add_arrays(pg, index, out);
	if (high && end)
		mmw_layout_marker(out, end, "upper half", 0);
	if (!high)
		mmw_layout_marker(out, end, "lower half", 0);
	if (!high && half && end < half)
		mmw_layout_marker(out, -half, "upper half", 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/extfrag.h"

/* What the kernel sums up over a zone's orders. */
struct sums {
	uint64_t pages, blocks, suitable;
};

static struct sums sum_up(const struct mmw_zones *z, const struct mmw_zone *zone, unsigned order)
{
	struct sums s = { 0 };

	for (unsigned o = 0; o < z->orders; o++) {
		s.blocks += zone->nr_free[o];
		s.pages += zone->nr_free[o] << o;
		s.suitable += o >= order ? zone->nr_free[o] << (o - order) : 0;
	}
	return s;
}

/* The kernel divides by 32 bits, and has no zones where that matters; an image may claim one. */
static uint64_t divide(uint64_t a, uint64_t b)
{
	return (uint32_t)b ? a / (uint32_t)b : 0;
}

int mmw_unusable_index(const struct mmw_zones *z, const struct mmw_zone *zone, unsigned order)
{
	struct sums s = sum_up(z, zone, order);

	return s.pages ? (int)divide((s.pages - (s.suitable << order)) * 1000, s.pages) : 1000;
}

int mmw_fragmentation_index(const struct mmw_zones *z, const struct mmw_zone *zone, unsigned order)
{
	struct sums s = sum_up(z, zone, order);

	if (!s.blocks)
		return 0;
	if (s.suitable)
		return -1000;
	return (int)(1000 - divide(1000 + divide(s.pages * 1000, 1ull << order), s.blocks));
}

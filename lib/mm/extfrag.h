/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How broken up a zone's free memory is, as the kernel puts it in debugfs extfrag/unusable_index and extfrag_index
 * (mm/vmstat.c, CONFIG_COMPACTION): from nr_free alone, in thousandths.
 */
#ifndef MMW_MM_EXTFRAG_H
#define MMW_MM_EXTFRAG_H

#include "lib/mm/zone.h"

/* How much of the free memory a request of this order could not use: 0 to 1000; 1000 too where none is free. */
int mmw_unusable_index(const struct mmw_zones *z, const struct mmw_zone *zone, unsigned order);

/*
 * Why such a request would fail: from 0, too little memory, to 1000, too broken up; -1000 where it would not, and 0
 * where nothing is free. Few free pages give a value below 0, here as in the kernel.
 */
int mmw_fragmentation_index(const struct mmw_zones *z, const struct mmw_zone *zone, unsigned order);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of zones and nodes, by the names the kernel gives them in /proc (mm/vmstat.c), and a zone's watermarks
 * and reserves.
 *
 * A counter is kept in the zone or node, and each CPU has a difference of at most some pages that has not been added
 * yet. /proc/zoneinfo, /proc/vmstat and /proc/meminfo print the counter without them, and 0 where that is negative; the
 * events of NUMA (numa_hit and others) they print with them.
 */
#ifndef MMW_MM_VMSTAT_H
#define MMW_MM_VMSTAT_H

#include "lib/mm/zone.h"

enum { MMW_STAT_ITEMS_MAX = 160, MMW_STAT_NAME_MAX = 48, MMW_WATERMARKS_MAX = 4, MMW_RESERVES_MAX = 16 };

/* The kinds of counters, in the order in which the kernel's vmstat_text names them. */
enum mmw_stat_kind { MMW_STAT_ZONE, MMW_STAT_NUMA, MMW_STAT_NODE, MMW_STAT_KINDS };

struct mmw_stats {
	unsigned n;       /* counters of this kind, as this kernel's types have them */
	char name[MMW_STAT_ITEMS_MAX][MMW_STAT_NAME_MAX];
	bool huge[MMW_STAT_ITEMS_MAX];  /* kept in pages, and shown in huge ones */
	size_t rows;      /* zones or nodes */
	int64_t *value;   /* rows x n: as the kernel prints them, but in pages, and negative where they are */
	int64_t *exact;   /* rows x n: with every CPU's difference */
	bool *has_exact;  /* of a row: the differences could be read */
};

/* A zone of a node that is online, be there memory in it or not. */
struct mmw_zone_marks {
	uint64_t va;            /* of its struct zone */
	size_t node;            /* index into mmw_zones.node */
	unsigned index;         /* in the node */
	char name[16];
	uint64_t start_pfn, spanned, present, managed;
	uint64_t cma;           /* MMW_ABSENT: this kernel does not count them */
	uint64_t watermark[MMW_WATERMARKS_MAX];  /* without the boost: min, low, high, and promo from 5.18 */
	unsigned watermarks;
	uint64_t boost;         /* MMW_ABSENT before 5.0 */
	int64_t reserve[MMW_RESERVES_MAX];  /* lowmem_reserve */
	unsigned reserves;
	uint64_t reserved_highatomic, free_highatomic;  /* MMW_ABSENT where this kernel does not count them */
};

struct mmw_vmstat {
	struct mmw_zone_marks *zones;  /* all of them, node by node; the rows of MMW_STAT_ZONE and MMW_STAT_NUMA */
	size_t n_zones;
	uint64_t *failures;            /* of each node: kswapd_failures; MMW_ABSENT: not known */
	struct mmw_stats kind[MMW_STAT_KINDS];
	const char *names_source;      /* who named the counters */
	unsigned huge_shift;           /* pages in a huge page, as a power of two */
};

/* MMW_E_NOTYPE names what this kernel's types lack. `z` is borrowed during the call. */
int mmw_vmstat_open(struct mmw_kernel *k, const struct mmw_zones *z, struct mmw_vmstat *out, struct mmw_err *err);
void mmw_vmstat_close(struct mmw_vmstat *v);

/* A counter as it is printed: not negative, and in huge pages where the kernel shows those. */
uint64_t mmw_stat_shown(const struct mmw_vmstat *v, enum mmw_stat_kind kind, unsigned item, int64_t value);

/* The sum over all zones or nodes, 0 where that is negative; false where this kernel has no such counter. */
bool mmw_stat_sum(const struct mmw_vmstat *v, enum mmw_stat_kind kind, const char *name, uint64_t *out);

/* What the kernel calls the counter of this enumerator: "NR_FILE_MAPPED" is "nr_mapped". */
void mmw_stat_name(const char *enumerator, char *buf, size_t size);

/* A watermark as the kernel compares with it. */
static inline uint64_t mmw_zone_watermark(const struct mmw_zone_marks *z, unsigned i)
{
	return z->watermark[i] + (z->boost == UINT64_MAX ? 0 : z->boost);
}

#endif

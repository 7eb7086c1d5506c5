/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory nodes and zones (include/linux/mmzone.h), in the order /proc/buddyinfo lists them. */
#ifndef MMW_MM_ZONE_H
#define MMW_MM_ZONE_H

#include "lib/kernel/kernel.h"
#include "lib/kernel/percpu.h"

enum { MMW_ORDERS_MAX = 32, MMW_MIGRATETYPES_MAX = 16, MMW_ZONES_MAX = 4096 };

struct mmw_zone {
	uint64_t va;          /* of its struct zone */
	unsigned node, index; /* index in the node: enum zone_type */
	char name[16];
	uint64_t start_pfn, spanned, present, managed;
	uint64_t stat_free;   /* NR_FREE_PAGES as the kernel would compute it now: the zone's counter and all CPUs' */
	bool has_stat;        /* their differences could be read */
	uint64_t nr_free[MMW_ORDERS_MAX];  /* free_area[].nr_free */
};

struct mmw_node {
	uint64_t va;          /* of its struct pglist_data */
	unsigned id;
};

struct mmw_zones {
	struct mmw_zone *zone;  /* populated ones of the nodes that are online */
	size_t n, cap;
	struct mmw_node *node;  /* those, in order */
	size_t n_nodes, cap_nodes;
	uint64_t zones_at, zone_size;  /* where a node has its zones, unpopulated ones too: mmw_node_zone() */
	unsigned node_zones;    /* how many */
	unsigned orders, types; /* as this kernel has them */
	char type_name[MMW_MIGRATETYPES_MAX][16];
	int isolate;            /* migrate type whose pages NR_FREE_PAGES leaves out; -1: none */
	int cma, highatomic;    /* types of this name; -1: none */

	/* Where the list heads are: zone.va + area + order * area_step + list + type * list_step. */
	uint64_t area, area_step, list, list_step, nr_free;
};

int mmw_zones_open(struct mmw_kernel *k, struct mmw_zones *out, struct mmw_err *err);
void mmw_zones_close(struct mmw_zones *z);

static inline uint64_t mmw_node_zone(const struct mmw_zones *z, const struct mmw_node *node, unsigned index)
{
	return node->va + z->zones_at + index * z->zone_size;
}

static inline uint64_t mmw_zone_list(const struct mmw_zones *z, const struct mmw_zone *zone, unsigned order, unsigned type)
{
	return zone->va + z->area + order * z->area_step + z->list + type * z->list_step;
}

#endif

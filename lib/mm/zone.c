/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/zone.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/sym/vmcoreinfo.h"

enum {
	NODEMASK_MAX = 1024,  /* bytes; CONFIG_NODES_SHIFT is at most 10 */
	NODE_ZONES_MAX = 16,  /* enum zone_type has at most six */
};

struct zone_rec {
	uint64_t name, start_pfn, spanned, present, managed, percpu;
};

static const struct mmw_field zone_fields[] = {
	MMW_FIELD_OPT(zone_rec, name, "name"),
	MMW_FIELD(zone_rec, start_pfn, "zone_start_pfn"),
	MMW_FIELD(zone_rec, spanned, "spanned_pages"),
	MMW_FIELD(zone_rec, present, "present_pages"),
	MMW_FIELD(zone_rec, managed, "managed_pages.counter|managed_pages"),
	MMW_FIELD_OPT(zone_rec, percpu, "per_cpu_zonestats|pageset"),
};

struct opening {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	struct mmw_zones *z;
	struct mmw_shadow zone;
	struct mmw_member zones;        /* pglist_data.node_zones */
	struct mmw_percpu percpu;
	unsigned word;
	uint64_t name_at;               /* without types: where struct zone keeps its name; 0: not known */
	bool has_free;
	uint64_t stat_at;               /* zone.vm_stat[NR_FREE_PAGES] */
	uint64_t diff_at;               /* vm_stat_diff[NR_FREE_PAGES] in the per-CPU structure */
};

/*
 * Without an enumeration their number tells which are configured (include/linux/mmzone.h, 4.14 to 7.2): CMA brings
 * isolation with it, so four are the first four, five add Isolate, and six CMA before it.
 */
static void name_types_by_number(struct mmw_zones *z)
{
	static const char *const names[] = { "Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate" };

	for (unsigned i = 0; i < z->types && i < mmw_array_len(names); i++)
		snprintf(z->type_name[i], sizeof(z->type_name[i]), "%s", names[z->types == 5 && i == 4 ? 5 : i]);
}

static int type_named(const struct mmw_zones *z, const char *name)
{
	for (unsigned i = 0; i < z->types; i++)
		if (!strcmp(z->type_name[i], name))
			return (int)i;
	return -1;
}

/* The kernel's own names for the migrate types (mm/page_alloc.c, mm/show_mem.c: migratetype_names), by enumerator. */
static void name_types(struct mmw_kernel *k, struct mmw_zones *z)
{
	static const struct { const char *enumerator, *name; } known[] = {
		{ "MIGRATE_UNMOVABLE", "Unmovable" }, { "MIGRATE_MOVABLE", "Movable" },
		{ "MIGRATE_RECLAIMABLE", "Reclaimable" }, { "MIGRATE_HIGHATOMIC", "HighAtomic" },
		{ "MIGRATE_CMA", "CMA" }, { "MIGRATE_ISOLATE", "Isolate" },
	};

	int64_t first;

	for (unsigned i = 0; i < z->types; i++)
		snprintf(z->type_name[i], sizeof(z->type_name[i]), "type%u", i);
	if (mmw_kernel_enumerator(k, "migratetype", "MIGRATE_UNMOVABLE", &first, NULL))
		name_types_by_number(z);
	for (size_t i = 0; i < mmw_array_len(known); i++) {
		int64_t v;

		if (mmw_kernel_enumerator(k, "migratetype", known[i].enumerator, &v, NULL) || v < 0 || v >= z->types)
			continue;
		snprintf(z->type_name[v], sizeof(z->type_name[v]), "%s", known[i].name);
	}
	z->isolate = type_named(z, "Isolate");
	z->cma = type_named(z, "CMA");
	z->highatomic = type_named(z, "HighAtomic");
}

static int bind_areas(struct opening *o, struct mmw_err *err)
{
	struct mmw_member area, list, nr;
	int rc = mmw_kernel_member(o->k, "zone", "free_area", &area, NULL, err);

	if (!rc)
		rc = mmw_kernel_member(o->k, "free_area", "free_list", &list, NULL, err);
	if (!rc)
		rc = mmw_kernel_member(o->k, "free_area", "nr_free", &nr, NULL, err);
	if (rc)
		return rc;
	if (!area.count || area.count > MMW_ORDERS_MAX || !list.count || list.count > MMW_MIGRATETYPES_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%" PRIu64 " orders of %" PRIu64 " migrate types", area.count, list.count);
	o->z->orders = (unsigned)area.count;
	o->z->types = (unsigned)list.count;
	o->z->area = area.offset;
	o->z->area_step = area.elem_size;
	o->z->list = list.offset;
	o->z->list_step = list.elem_size;
	o->z->nr_free = nr.offset;
	return 0;
}

/* Without these NR_FREE_PAGES is unknown, and that is said; the lists do not need it. */
static void bind_stats(struct opening *o)
{
	struct mmw_member stat, diff;
	char path[48];
	int64_t index;

	if (mmw_kernel_enumerator(o->k, "zone_stat_item", "NR_FREE_PAGES", &index, NULL) || index < 0 || index > 1000)
		return;
	snprintf(path, sizeof(path), "vm_stat[%d]", (int)index);
	if (mmw_kernel_member(o->k, "zone", path, &stat, NULL, NULL))
		return;
	snprintf(path, sizeof(path), "vm_stat_diff[%d]", (int)index);
	if (mmw_kernel_member(o->k, "per_cpu_zonestat", path, &diff, NULL, NULL) &&
	    mmw_kernel_member(o->k, "per_cpu_pageset", path, &diff, NULL, NULL))
		return;
	o->stat_at = stat.offset;
	o->diff_at = diff.offset;
	o->has_free = !mmw_percpu_open(o->k, &o->percpu, NULL);
}

static void read_stat(struct opening *o, struct mmw_zone *zone, uint64_t percpu)
{
	uint64_t sum, diff;

	if (!o->has_free || percpu == MMW_ABSENT || mmw_vm_read_uint(o->vm, zone->va + o->stat_at, o->word, &sum, NULL))
		return;
	for (size_t i = 0; i < o->percpu.n; i++) {
		if (mmw_vm_read_uint(o->vm, mmw_percpu_address(&o->percpu, percpu, i) + o->diff_at, 1, &diff, NULL))
			return;
		sum += (int64_t)(int8_t)diff;
	}
	zone->stat_free = sum;
	zone->has_stat = true;
}

static int read_zone(struct opening *o, unsigned node, unsigned index, uint64_t va, struct mmw_err *err)
{
	struct mmw_zone *zone;
	struct zone_rec rec;
	int rc = mmw_shadow_read(&o->zone, o->vm, va, &rec, err);

	if (rc || !rec.present)
		return rc;
	if (o->z->n == MMW_ZONES_MAX)
		return mmw_fail(err, MMW_E_LIMIT, va, "more than %d zones", MMW_ZONES_MAX);
	rc = mmw_vec_reserve(&o->z->zone, &o->z->cap, o->z->n + 1, sizeof(*zone), err);
	if (rc)
		return rc;
	zone = &o->z->zone[o->z->n];
	*zone = (struct mmw_zone){ .va = va, .node = node, .index = index, .start_pfn = rec.start_pfn, .spanned = rec.spanned,
				   .present = rec.present, .managed = rec.managed };
	if (rec.name == MMW_ABSENT && (!o->name_at || mmw_vm_read_uint(o->vm, va + o->name_at, o->word, &rec.name, NULL)))
		rec.name = 0;
	if (mmw_vm_read(o->vm, rec.name, zone->name, sizeof(zone->name) - 1, NULL))
		snprintf(zone->name, sizeof(zone->name), "?");
	zone->name[sizeof(zone->name) - 1] = '\0';
	for (unsigned order = 0; !rc && order < o->z->orders; order++)
		rc = mmw_vm_read_uint(o->vm, va + o->z->area + order * o->z->area_step + o->z->nr_free,
				      o->word, &zone->nr_free[order], err);
	read_stat(o, zone, rec.percpu);
	o->z->n++;
	return rc ? mmw_wrap(err, rc, "node %u zone %s", node, zone->name) : 0;
}

static bool is_zone_name(struct opening *o, uint64_t va)
{
	static const char *const names[] = { "DMA", "DMA32", "Normal", "HighMem", "Movable", "Device" };
	char name[16] = "";

	if (mmw_vm_read(o->vm, va, name, sizeof(name) - 1, NULL))
		return false;
	for (size_t i = 0; i < mmw_array_len(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* All zones of a node have a name, even empty ones: the word that points to one in each of them is `name`. */
static void find_names(struct opening *o, uint64_t pgdat, unsigned count)
{
	for (uint64_t at = 0; !o->name_at && at + o->word <= o->z->area; at += o->word) {
		uint64_t va;
		bool all = count > 0;

		for (unsigned i = 0; all && i < count; i++)
			all = !mmw_vm_read_uint(o->vm, pgdat + o->zones.offset + i * o->zones.elem_size + at, o->word, &va, NULL) &&
			      is_zone_name(o, va);
		o->name_at = all ? at : 0;
	}
}

/* Behind the last zone with memory nothing counts, and VMCOREINFO does not say how many there are. */
static unsigned zones_of(struct opening *o, uint64_t pgdat)
{
	struct mmw_member nr;
	uint64_t n;

	if (mmw_kernel_member(o->k, "pglist_data", "nr_zones", &nr, NULL, NULL) ||
	    mmw_vm_read_uint(o->vm, pgdat + nr.offset, (unsigned)nr.size, &n, NULL) || !n || n > o->zones.count)
		return (unsigned)o->zones.count;
	return (unsigned)n;
}

static int read_node(struct opening *o, unsigned node, uint64_t pgdat, struct mmw_err *err)
{
	unsigned count = zones_of(o, pgdat);
	int rc = mmw_vec_reserve(&o->z->node, &o->z->cap_nodes, o->z->n_nodes + 1, sizeof(*o->z->node), err);

	/* VMCOREINFO tells how large a node is, not how many zones are in it: then nr_zones does. */
	if (!rc && count > NODE_ZONES_MAX)
		rc = mmw_fail(err, MMW_E_CORRUPT, pgdat, "a node of %u zones", count);
	if (rc)
		return rc;
	o->z->node[o->z->n_nodes++] = (struct mmw_node){ .va = pgdat, .id = node };
	if (!o->zone.bound[0].present && !o->name_at)
		find_names(o, pgdat, count);
	for (unsigned i = 0; !rc && i < count; i++)
		rc = read_zone(o, node, i, pgdat + o->zones.offset + i * o->zones.elem_size, err);
	return rc;
}

/* The nodes that are there: node_states[N_ONLINE], which VMCOREINFO calls node_online_map. */
static int online_map(struct opening *o, uint64_t *map, struct mmw_err *err)
{
	int64_t online;
	uint64_t bytes;
	int rc;

	if (!mmw_kernel_symbol(o->k, "node_online_map", map, NULL, NULL))
		return 0;
	rc = mmw_kernel_symbol(o->k, "node_states", map, NULL, err);
	if (!rc)
		rc = mmw_kernel_enumerator(o->k, "node_states", "N_ONLINE", &online, err);
	if (!rc)
		rc = mmw_kernel_type_size(o->k, "nodemask_t", &bytes, err);
	if (!rc)
		*map += (uint64_t)online * bytes;
	return rc;
}

/* A bit for each slot of node_data, in whole words. */
static int online_bytes(struct opening *o, uint64_t *bytes, struct mmw_err *err)
{
	uint64_t slots;
	int rc = mmw_kernel_type_size(o->k, "nodemask_t", bytes, err);

	if (rc && mmw_vmcoreinfo_length(mmw_kernel_vmcoreinfo(o->k), "node_data", &slots)) {
		*bytes = (slots / (8 * o->word) + (slots % (8 * o->word) != 0)) * o->word;
		rc = 0;
	}
	if (!rc && *bytes > NODEMASK_MAX)
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "nodemask_t of %" PRIu64 " bytes", *bytes);
	return rc;
}

/* Without NUMA there is contig_page_data alone. */
static int read_nodes(struct opening *o, struct mmw_err *err)
{
	uint64_t nodes, map, bytes, node = 0, pgdat;
	int rc;

	if (mmw_kernel_symbol(o->k, "node_data", &nodes, NULL, NULL)) {
		rc = mmw_kernel_symbol(o->k, "contig_page_data", &pgdat, NULL, err);
		return rc ? rc : read_node(o, 0, pgdat, err);
	}
	rc = online_map(o, &map, err);
	if (!rc)
		rc = online_bytes(o, &bytes, err);
	while (!rc && (rc = mmw_bitmap_next(o->k, map, bytes, &node, err)) == 1) {
		rc = mmw_vm_read_uint(o->vm, nodes + o->word * node, o->word, &pgdat, err);
		if (!rc)
			rc = read_node(o, (unsigned)node, pgdat, err);
		if (rc)
			return mmw_wrap(err, rc, "node %" PRIu64, node);
		node++;
	}
	return rc;
}

int mmw_zones_open(struct mmw_kernel *k, struct mmw_zones *out, struct mmw_err *err)
{
	struct opening o = { .k = k, .vm = mmw_kernel_vm(k), .z = out, .word = mmw_kernel_arch(k)->word };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mmw_shadow_bind(k, "zone", zone_fields, mmw_array_len(zone_fields), &o.zone, err);
	if (!rc)
		rc = mmw_kernel_member(k, "pglist_data", "node_zones", &o.zones, NULL, err);
	if (!rc)
		rc = bind_areas(&o, err);
	if (!rc) {
		out->zones_at = o.zones.offset;
		out->zone_size = o.zones.elem_size;
		out->node_zones = o.zones.count < NODE_ZONES_MAX ? (unsigned)o.zones.count : NODE_ZONES_MAX;
		name_types(k, out);
		bind_stats(&o);
		rc = read_nodes(&o, err);
	}
	mmw_percpu_close(&o.percpu);
	if (!rc && !out->n)
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "no zone has any memory");
	if (rc)
		mmw_zones_close(out);
	return rc;
}

void mmw_zones_close(struct mmw_zones *z)
{
	free(z->zone);
	free(z->node);
	z->zone = NULL;
	z->node = NULL;
	z->n = z->cap = z->n_nodes = z->cap_nodes = 0;
}

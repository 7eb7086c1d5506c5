/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/vmstat.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"

enum { ROWS_MAX = 1 << 16 };

struct marks_rec {
	uint64_t name, start_pfn, spanned, present, managed, cma, boost, reserved_highatomic, free_highatomic;
};

static const struct mmw_field marks_fields[] = {
	MMW_FIELD(marks_rec, name, "name"),
	MMW_FIELD(marks_rec, start_pfn, "zone_start_pfn"),
	MMW_FIELD(marks_rec, spanned, "spanned_pages"),
	MMW_FIELD(marks_rec, present, "present_pages"),
	MMW_FIELD(marks_rec, managed, "managed_pages.counter|managed_pages"),
	MMW_FIELD_OPT(marks_rec, cma, "cma_pages"),
	MMW_FIELD_OPT(marks_rec, boost, "watermark_boost"),
	MMW_FIELD_OPT(marks_rec, reserved_highatomic, "nr_reserved_highatomic"),
	MMW_FIELD_OPT(marks_rec, free_highatomic, "nr_free_highatomic"),
};

/* Where the counters of a kind are. */
struct place {
	struct mmw_member stat;  /* the array in struct zone or pglist_data */
	struct mmw_member diff;  /* that in the per-CPU structure */
	uint64_t percpu_at;      /* the pointer to it, in struct zone or pglist_data */
	bool has_diff, is_signed;
};

struct opening {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	const struct mmw_zones *z;
	struct mmw_vmstat *v;
	struct mmw_percpu percpu;
	struct mmw_shadow marks;
	struct mmw_member watermark, reserve;
	struct place place[MMW_STAT_KINDS];
	unsigned word;
};

/* --- names -------------------------------------------------------------------------------------------------------- */

/* The rest is the enumerator in small letters (include/linux/mmzone.h against mm/vmstat.c, 4.14 to 7.2). */
static const struct { const char *enumerator, *name; } odd_names[] = {
	{ "NR_FREE_CMA_PAGES", "nr_free_cma" },
	{ "NR_PAGETABLE", "nr_page_table_pages" },
	{ "NR_SECONDARY_PAGETABLE", "nr_sec_page_table_pages" },
	{ "NUMA_INTERLEAVE_HIT", "numa_interleave" },
	{ "NR_SLAB_RECLAIMABLE_B", "nr_slab_reclaimable" },
	{ "NR_SLAB_UNRECLAIMABLE_B", "nr_slab_unreclaimable" },
	{ "NR_ANON_MAPPED", "nr_anon_pages" },
	{ "NR_FILE_MAPPED", "nr_mapped" },
	{ "NR_FILE_DIRTY", "nr_dirty" },
	{ "NR_SHMEM_THPS", "nr_shmem_hugepages" },
	{ "NR_FILE_THPS", "nr_file_hugepages" },
	{ "NR_ANON_THPS", "nr_anon_transparent_hugepages" },
	{ "NR_VMSCAN_IMMEDIATE", "nr_vmscan_immediate_reclaim" },
	{ "NR_KERNEL_STACK_KB", "nr_kernel_stack" },
	{ "NR_KERNEL_SCS_KB", "nr_shadow_call_stack" },
	{ "NR_UNSTABLE_NFS", "nr_unstable" },
	{ "NR_SWAPCACHE", "nr_swapcached" },
};

void mmw_stat_name(const char *enumerator, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < mmw_array_len(odd_names); i++) {
		if (!strcmp(enumerator, odd_names[i].enumerator)) {
			snprintf(buf, size, "%s", odd_names[i].name);
			return;
		}
	}
	for (; enumerator[n] && n + 1 < size; n++)
		buf[n] = (char)tolower((unsigned char)enumerator[n]);
	buf[n] = '\0';
}

/* A name as the kernel's are. */
static bool is_name(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 1 && !text[n];
}

/* vmstat_text has the names of all counters, one kind after the other. */
static bool names_by_text(struct opening *o)
{
	uint64_t text, at;
	unsigned i = 0;

	if (mmw_kernel_symbol(o->k, "vmstat_text", &text, NULL, NULL))
		return false;
	for (unsigned kind = 0; kind < MMW_STAT_KINDS; kind++) {
		struct mmw_stats *s = &o->v->kind[kind];

		for (unsigned item = 0; item < s->n; item++, i++) {
			if (mmw_vm_read_uint(o->vm, text + i * o->word, o->word, &at, NULL) || !at)
				return false;
			memset(s->name[item], 0, sizeof(s->name[item]));
			mmw_vm_read_some(o->vm, at, s->name[item], sizeof(s->name[item]) - 1, NULL);
			if (!is_name(s->name[item]))
				return false;
		}
	}
	return true;
}

static int name_item(void *ctx, const struct mmw_type_part *part)
{
	struct mmw_stats *s = ctx;
	size_t len = strlen(part->name);

	/* Another name of the first of several: NR_LRU_BASE. And of how many there are: NR_VM_ZONE_STAT_ITEMS. */
	if ((len > 5 && !strcmp(part->name + len - 5, "_BASE")) || part->value < 0 || part->value >= (int64_t)s->n)
		return 0;
	mmw_stat_name(part->name, s->name[part->value], sizeof(s->name[part->value]));
	return 0;
}

static void names_by_enumerators(struct opening *o)
{
	static const char *const types[] = { "zone_stat_item", "numa_stat_item", "node_stat_item" };
	const struct mmw_typesrc *source;
	size_t n = mmw_kernel_type_sources(o->k, &source, NULL);

	for (unsigned kind = 0; kind < MMW_STAT_KINDS; kind++) {
		struct mmw_stats *s = &o->v->kind[kind];

		for (unsigned item = 0; item < s->n; item++)
			snprintf(s->name[item], sizeof(s->name[item]), "?%u", item);
		for (size_t i = 0; i < n; i++) {
			uint64_t id;

			if (!source[i].find || source[i].find(source[i].src, types[kind], &id, NULL))
				continue;
			source[i].parts(source[i].src, id, name_item, s, NULL);
			break;
		}
	}
}

/* Shown in huge pages since they are counted in small ones (5.12, "Convert all THP vmstat counters to pages"). */
static void mark_huge(struct opening *o)
{
	static const char *const names[] = { "nr_anon_transparent_hugepages", "nr_file_hugepages", "nr_shmem_hugepages",
					     "nr_shmem_pmdmapped", "nr_file_pmdmapped" };
	struct mmw_stats *s = &o->v->kind[MMW_STAT_NODE];
	const struct mmw_space *space = mmw_kernel_space(o->k);

	o->v->huge_shift = space ? space->paging.bits[0] : 0;
	if (mmw_kernel_version(o->k) && mmw_kernel_version(o->k) < MMW_LINUX(5, 12))
		return;
	for (unsigned item = 0; item < s->n; item++)
		for (size_t i = 0; i < mmw_array_len(names); i++)
			s->huge[item] |= !strcmp(s->name[item], names[i]);
}

static void name_items(struct opening *o)
{
	o->v->names_source = "vmstat_text";
	if (!names_by_text(o)) {
		o->v->names_source = "the enumerators";
		names_by_enumerators(o);
	}
	mark_huge(o);
}

/* --- counters ----------------------------------------------------------------------------------------------------- */

/* Where counters of a kind and their differences are, "type.member|older" of each; the kernel may have no such kind. */
static int bind_kind(struct opening *o, enum mmw_stat_kind kind, const char *stat, const char *percpu,
		     const char *const diff[2], struct mmw_err *err)
{
	static const char *const diff_types[MMW_STAT_KINDS][2] = {
		{ "per_cpu_zonestat", "per_cpu_pageset" },
		{ "per_cpu_zonestat", "per_cpu_pageset" },
		{ "per_cpu_nodestat", NULL },
	};
	const char *type = kind == MMW_STAT_NODE ? "pglist_data" : "zone";
	struct place *p = &o->place[kind];
	struct mmw_member pointer;

	if (mmw_kernel_member_any(o->k, type, stat, &p->stat, NULL))
		return 0;
	if (p->stat.count > MMW_STAT_ITEMS_MAX || (p->stat.count && p->stat.elem_size != o->word))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s has %" PRIu64 " counters of %" PRIu64 " bytes", type,
				p->stat.count, p->stat.elem_size);
	o->v->kind[kind].n = (unsigned)p->stat.count;
	if (mmw_kernel_member_any(o->k, type, percpu, &pointer, NULL))
		return 0;
	p->percpu_at = pointer.offset;
	for (size_t i = 0; !p->has_diff && i < 2 && diff_types[kind][i]; i++)
		p->has_diff = !mmw_kernel_member(o->k, diff_types[kind][i], diff[i], &p->diff, NULL, NULL) &&
			      p->diff.count == p->stat.count && p->diff.elem_size <= 8;
	p->is_signed = kind != MMW_STAT_NUMA;
	return 0;
}

static int bind(struct opening *o, struct mmw_err *err)
{
	static const char *const diff[MMW_STAT_KINDS][2] = {
		{ "vm_stat_diff", "vm_stat_diff" },
		{ "vm_numa_event", "vm_numa_stat_diff" },
		{ "vm_node_stat_diff", NULL },
	};
	int rc = mmw_shadow_bind(o->k, "zone", marks_fields, mmw_array_len(marks_fields), &o->marks, err);

	if (!rc)
		rc = mmw_kernel_member_any(o->k, "zone", "_watermark|watermark", &o->watermark, err);
	if (!rc)
		rc = mmw_kernel_member(o->k, "zone", "lowmem_reserve", &o->reserve, NULL, err);
	if (!rc &&
	    (o->watermark.count < 3 || o->watermark.count > MMW_WATERMARKS_MAX || o->watermark.elem_size != o->word ||
	     !o->reserve.count || o->reserve.count > MMW_RESERVES_MAX || o->reserve.elem_size != o->word))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "a zone of %" PRIu64 " watermarks and %" PRIu64 " reserves",
			      o->watermark.count, o->reserve.count);
	if (!rc)
		rc = bind_kind(o, MMW_STAT_ZONE, "vm_stat", "per_cpu_zonestats|pageset", diff[MMW_STAT_ZONE], err);
	if (!rc)
		rc = bind_kind(o, MMW_STAT_NUMA, "vm_numa_event|vm_numa_stat", "per_cpu_zonestats|pageset",
			       diff[MMW_STAT_NUMA], err);
	if (!rc)
		rc = bind_kind(o, MMW_STAT_NODE, "vm_stat", "per_cpu_nodestats", diff[MMW_STAT_NODE], err);
	return rc;
}

static int64_t extended(uint64_t v, unsigned bytes)
{
	return (int64_t)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes);
}

/* The differences of all CPUs that are online, as zone_page_state_snapshot() adds them. */
static bool add_diffs(struct opening *o, const struct place *p, uint64_t va, unsigned n, int64_t *exact)
{
	unsigned size = (unsigned)p->diff.elem_size;
	uint64_t pointer, v;

	if (!p->has_diff || mmw_vm_read_uint(o->vm, va + p->percpu_at, o->word, &pointer, NULL))
		return false;
	for (size_t cpu = 0; cpu < o->percpu.n; cpu++) {
		uint64_t at = mmw_percpu_address(&o->percpu, pointer, cpu) + p->diff.offset;

		for (unsigned i = 0; o->percpu.cpus[cpu].online && i < n; i++) {
			if (mmw_vm_read_uint(o->vm, at + i * size, size, &v, NULL))
				return false;
			exact[i] = (int64_t)((uint64_t)exact[i] + (p->is_signed ? (uint64_t)extended(v, size) : v));
		}
	}
	return true;
}

static int read_row(struct opening *o, enum mmw_stat_kind kind, size_t row, uint64_t va, bool populated,
		    struct mmw_err *err)
{
	struct mmw_stats *s = &o->v->kind[kind];
	const struct place *p = &o->place[kind];
	int64_t *value = s->value + row * s->n, *exact = s->exact + row * s->n;

	for (unsigned i = 0; i < s->n; i++) {
		uint64_t v;
		int rc = mmw_vm_read_uint(o->vm, va + p->stat.offset + i * o->word, o->word, &v, err);

		if (rc)
			return rc;
		value[i] = exact[i] = extended(v, o->word);
	}
	s->has_exact[row] = !populated || add_diffs(o, p, va, s->n, exact);
	if (kind == MMW_STAT_NUMA && s->has_exact[row])
		memcpy(value, exact, s->n * sizeof(*value));
	return 0;
}

static int allocate(struct opening *o, struct mmw_err *err)
{
	struct mmw_vmstat *v = o->v;
	size_t zones = o->z->n_nodes * o->z->node_zones;

	if (zones > ROWS_MAX)
		return mmw_fail(err, MMW_E_LIMIT, 0, "%zu zones", zones);
	v->zones = calloc(zones ? zones : 1, sizeof(*v->zones));
	v->failures = calloc(o->z->n_nodes ? o->z->n_nodes : 1, sizeof(*v->failures));
	for (unsigned kind = 0; kind < MMW_STAT_KINDS; kind++) {
		struct mmw_stats *s = &v->kind[kind];
		size_t cells;

		s->rows = kind == MMW_STAT_NODE ? o->z->n_nodes : zones;
		cells = s->rows * s->n + 1;
		s->value = calloc(cells, sizeof(*s->value));
		s->exact = calloc(cells, sizeof(*s->exact));
		s->has_exact = calloc(s->rows + 1, sizeof(*s->has_exact));
		if (!s->value || !s->exact || !s->has_exact)
			return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the counters of %zu zones", zones);
	}
	return v->zones && v->failures ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu zones", zones);
}

/* --- zones and nodes ---------------------------------------------------------------------------------------------- */

static int read_array(struct opening *o, uint64_t va, const struct mmw_member *m, uint64_t *out, struct mmw_err *err)
{
	int rc = 0;

	for (uint64_t i = 0; !rc && i < m->count; i++)
		rc = mmw_vm_read_uint(o->vm, va + m->offset + i * o->word, o->word, &out[i], err);
	return rc;
}

static int read_zone(struct opening *o, size_t node, unsigned index, struct mmw_err *err)
{
	size_t row = o->v->n_zones;
	struct mmw_zone_marks *z = &o->v->zones[row];
	uint64_t reserve[MMW_RESERVES_MAX];
	struct marks_rec rec;
	int rc;

	*z = (struct mmw_zone_marks){ .node = node, .index = index };
	z->va = mmw_node_zone(o->z, &o->z->node[node], index);
	rc = mmw_shadow_read(&o->marks, o->vm, z->va, &rec, err);
	if (!rc)
		rc = read_array(o, z->va, &o->watermark, z->watermark, err);
	if (!rc)
		rc = read_array(o, z->va, &o->reserve, reserve, err);
	if (rc)
		return rc;
	if (mmw_vm_read(o->vm, rec.name, z->name, sizeof(z->name) - 1, NULL))
		snprintf(z->name, sizeof(z->name), "?");
	z->start_pfn = rec.start_pfn;
	z->spanned = rec.spanned;
	z->present = rec.present;
	z->managed = rec.managed;
	z->cma = rec.cma;
	z->boost = rec.boost;
	z->reserved_highatomic = rec.reserved_highatomic;
	z->free_highatomic = rec.free_highatomic;
	z->watermarks = (unsigned)o->watermark.count;
	z->reserves = (unsigned)o->reserve.count;
	for (unsigned i = 0; i < z->reserves; i++)
		z->reserve[i] = extended(reserve[i], o->word);
	o->v->n_zones++;
	rc = read_row(o, MMW_STAT_ZONE, row, z->va, z->present, err);
	return rc ? rc : read_row(o, MMW_STAT_NUMA, row, z->va, z->present, err);
}

static int read_node(struct opening *o, size_t node, struct mmw_err *err)
{
	uint64_t va = o->z->node[node].va;
	struct mmw_member failures;
	int rc = 0;

	for (unsigned i = 0; !rc && i < o->z->node_zones; i++)
		rc = read_zone(o, node, i, err);
	if (rc)
		return rc;
	if (mmw_kernel_member_any(o->k, "pglist_data", "kswapd_failures.counter|kswapd_failures", &failures, NULL) ||
	    failures.size > 8 ||
	    mmw_vm_read_uint(o->vm, va + failures.offset, (unsigned)failures.size, &o->v->failures[node], NULL))
		o->v->failures[node] = MMW_ABSENT;
	return read_row(o, MMW_STAT_NODE, node, va, true, err);
}

int mmw_vmstat_open(struct mmw_kernel *k, const struct mmw_zones *z, struct mmw_vmstat *out, struct mmw_err *err)
{
	struct opening o = { .k = k, .vm = mmw_kernel_vm(k), .z = z, .v = out, .word = mmw_kernel_arch(k)->word };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = bind(&o, err);
	if (!rc)
		rc = allocate(&o, err);
	if (!rc)
		rc = mmw_percpu_open(k, &o.percpu, err);
	for (size_t node = 0; !rc && node < z->n_nodes; node++)
		rc = read_node(&o, node, err);
	if (!rc)
		name_items(&o);
	mmw_percpu_close(&o.percpu);
	if (rc) {
		mmw_vmstat_close(out);
		return mmw_wrap(err, rc, "counters of zones and nodes");
	}
	return 0;
}

void mmw_vmstat_close(struct mmw_vmstat *v)
{
	for (unsigned kind = 0; kind < MMW_STAT_KINDS; kind++) {
		free(v->kind[kind].value);
		free(v->kind[kind].exact);
		free(v->kind[kind].has_exact);
	}
	free(v->zones);
	free(v->failures);
	memset(v, 0, sizeof(*v));
}

uint64_t mmw_stat_shown(const struct mmw_vmstat *v, enum mmw_stat_kind kind, unsigned item, int64_t value)
{
	uint64_t shown = value < 0 ? 0 : (uint64_t)value;

	return v->kind[kind].huge[item] ? shown >> v->huge_shift : shown;
}

bool mmw_stat_sum(const struct mmw_vmstat *v, enum mmw_stat_kind kind, const char *name, uint64_t *out)
{
	const struct mmw_stats *s = &v->kind[kind];

	for (unsigned item = 0; item < s->n; item++) {
		uint64_t sum = 0;

		if (strcmp(s->name[item], name))
			continue;
		for (size_t row = 0; row < s->rows; row++)
			sum += (uint64_t)s->value[row * s->n + item];
		*out = (int64_t)sum < 0 ? 0 : sum;
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/zonestat.h"

#include <stdio.h>

#include "lib/kernel/shadow.h"

enum { ITEMS_MAX = 1000 };

void mmw_zone_stats_open(struct mmw_kernel *k, struct mmw_zone_stats *out)
{
	*out = (struct mmw_zone_stats){ .k = k };
	out->has_cpus = !mmw_kernel_member_any(k, "zone", "per_cpu_zonestats|pageset", &out->pointer, NULL) &&
			!mmw_percpu_open(k, &out->percpu, NULL);
}

void mmw_zone_stats_close(struct mmw_zone_stats *s)
{
	mmw_percpu_close(&s->percpu);
	s->has_cpus = false;
}

static int add_cpus(const struct mmw_zone_stats *s, const struct mmw_zone *zone, int index, uint64_t *sum, struct mmw_err *err)
{
	struct mmw_vm *vm = mmw_kernel_vm(s->k);
	struct mmw_member diff;
	uint64_t pointer, value;
	char path[48];
	int rc;

	if (!s->has_cpus)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "what each CPU has of struct zone's counters is not known");
	snprintf(path, sizeof(path), "vm_stat_diff[%d]", index);
	rc = mmw_kernel_member(s->k, "per_cpu_zonestat", path, &diff, NULL, NULL);
	if (rc)
		rc = mmw_kernel_member(s->k, "per_cpu_pageset", path, &diff, NULL, err);
	rc = rc ? rc : mmw_vm_read_uint(vm, zone->va + s->pointer.offset, mmw_kernel_arch(s->k)->word, &pointer, err);
	for (size_t i = 0; !rc && i < s->percpu.n; i++) {
		rc = mmw_vm_read_uint(vm, mmw_percpu_address(&s->percpu, pointer, i) + diff.offset, 1, &value, err);
		*sum += rc ? 0 : (uint64_t)(int8_t)value;
	}
	return rc;
}

int mmw_zone_stats_read(const struct mmw_zone_stats *s, const struct mmw_zone *zone, const char *item, uint64_t *shown,
			uint64_t *exact, struct mmw_err *err)
{
	unsigned word = mmw_kernel_arch(s->k)->word;
	struct mmw_member stat;
	int64_t index;
	uint64_t value;
	char path[48];
	int rc = mmw_kernel_enumerator(s->k, "zone_stat_item", item, &index, err);

	if (!rc && (index < 0 || index > ITEMS_MAX))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "zone_stat_item %s is %lld", item, (long long)index);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "vm_stat[%d]", (int)index);
	rc = mmw_kernel_member(s->k, "zone", path, &stat, NULL, err);
	rc = rc ? rc : mmw_vm_read_uint(mmw_kernel_vm(s->k), zone->va + stat.offset, word, &value, err);
	if (rc)
		return rc;
	if (word == 4)
		value = (uint64_t)(int32_t)value;
	if (shown)
		*shown = (int64_t)value < 0 ? 0 : value;
	if (exact) {
		*exact = value;
		rc = add_cpus(s, zone, (int)index, exact, err);
	}
	return rc;
}

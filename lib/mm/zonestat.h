/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A zone's counters (enum zone_stat_item): zone.vm_stat[], to which every CPU has a difference that it adds when it has grown
 * large enough: per_cpu_zonestat.vm_stat_diff[] from 5.14, per_cpu_pageset.vm_stat_diff[] before.
 */
#ifndef MMW_MM_ZONESTAT_H
#define MMW_MM_ZONESTAT_H

#include "lib/kernel/percpu.h"
#include "lib/mm/zone.h"

struct mmw_zone_stats {
	struct mmw_kernel *k;
	struct mmw_percpu percpu;
	struct mmw_member pointer;  /* in struct zone, to what a CPU has of it */
	bool has_cpus;              /* the differences can be read */
};

/* Fills *out in any case; what this kernel's types lack, reading says. */
void mmw_zone_stats_open(struct mmw_kernel *k, struct mmw_zone_stats *out);
void mmw_zone_stats_close(struct mmw_zone_stats *s);

/*
 * `shown` is zone_page_state(): the counter alone, and 0 for a negative one. `exact` is zone_page_state_snapshot() without its
 * lower bound: with all CPUs' differences. Either may be NULL. MMW_E_NOTYPE: this kernel has no such item, or does not say.
 */
int mmw_zone_stats_read(const struct mmw_zone_stats *s, const struct mmw_zone *zone, const char *item, uint64_t *shown,
			uint64_t *exact, struct mmw_err *err);

#endif

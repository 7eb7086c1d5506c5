/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc/meminfo would say (fs/proc/meminfo.c), line by line, each from the variables, counters and lists the
 * kernel takes it from.
 *
 * Which lines a kernel prints depends on its version and configuration; the labels in its image tell. What a line's
 * value comes from may be out of reach (a variable that no symbol names): then the line is there without a value, and
 * why.
 */
#ifndef MMW_MM_MEMINFO_H
#define MMW_MM_MEMINFO_H

#include "lib/mm/vmstat.h"

enum { MMW_MEMINFO_MAX = 80 };

struct mmw_meminfo_line {
	const char *label;  /* as printed, with its colon and spaces */
	bool kb;            /* in KiB; else a number of huge pages */
	bool known;
	uint64_t value;
	char why[128];      /* when it is not known */
};

struct mmw_meminfo {
	struct mmw_meminfo_line line[MMW_MEMINFO_MAX];  /* in the kernel's order */
	size_t n;
	bool own_labels;    /* the kernel's labels were found; else there are the lines that its types allow */
};

/* MMW_E_NOTYPE when not even counters of nodes and zones are known. `z` is borrowed during the call. */
int mmw_meminfo_open(struct mmw_kernel *k, const struct mmw_zones *z, struct mmw_meminfo *out, struct mmw_err *err);

#endif

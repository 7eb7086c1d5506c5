/* SPDX-License-Identifier: GPL-2.0-or-later */
/* meminfo: /proc/meminfo rebuilt. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/mm/meminfo.h"

enum { COL_ITEM, COL_VALUE, COL_UNIT, COL_WHY };

static const struct mmw_col cols[] = {
	[COL_ITEM] = { "item", "what /proc/meminfo calls it", 20, false, true },
	[COL_VALUE] = { "value", "as /proc/meminfo prints it", 12, true, true },
	[COL_UNIT] = { "unit", "kB, or pages of the default huge size", 5, false, true },
	[COL_WHY] = { "why", "why it is not known", 20, false, false },
	{ 0 },
};

static void row(struct mmw_out *o, const struct mmw_meminfo_line *line)
{
	char item[32];

	snprintf(item, sizeof(item), "%.*s", (int)strcspn(line->label, ":"), line->label);
	mmw_out_str(o, COL_ITEM, item);
	if (line->known)
		mmw_out_num(o, COL_VALUE, line->value);
	mmw_out_str(o, COL_UNIT, line->kb ? "kB" : "pages");
	if (line->known)
		mmw_out_none(o, COL_WHY);
	else
		mmw_out_str(o, COL_WHY, line->why);
	mmw_out_row(o);
}

/* The numbers end in the same column, but behind labels that are too long for that. */
static int width_of(const struct mmw_meminfo_line *line)
{
	return strlen(line->label) > 16 ? 5 : 8;
}

/* fs/proc/meminfo.c; a line whose value is not known is left out, and said to be. */
static void show(struct mmw_target *t, const struct mmw_meminfo_line *line)
{
	if (!line->known) {
		mmw_warn("%.*s is not known: %s", (int)strcspn(line->label, ":"), line->label, line->why);
		t->damage = true;
	}
	if (t->out.mode != MMW_OUT_TEXT)
		row(&t->out, line);
	else if (line->known)
		fprintf(t->out.to, "%s%*" PRIu64 "%s\n", line->label, width_of(line), line->value,
			line->kb ? " kB" : "");
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct mmw_zones zones;
	struct mmw_meminfo m;
	int rc = mmw_target_need_kernel(t, err);

	(void)opts;
	(void)argc;
	(void)argv;
	if (!rc)
		rc = mmw_zones_open(t->kernel, &zones, err);
	if (rc)
		return rc;
	rc = mmw_meminfo_open(t->kernel, &zones, &m, err);
	mmw_zones_close(&zones);
	if (rc)
		return rc;
	if (!m.own_labels)
		mmw_warn("the kernel's own labels were not found: there may be lines more or less than it prints");
	t->damage = t->damage || !m.own_labels;
	for (size_t i = 0; i < m.n; i++)
		show(t, &m.line[i]);
	return 0;
}

const struct mmw_cmd mmw_cmd_meminfo = {
	.name = "meminfo",
	.summary = "what memory is used for, as /proc/meminfo prints it",
	.doc = "Print /proc/meminfo as it was when the image was taken. A line whose value cannot be had is left out, "
	       "and named on standard error.",
	.cols = cols,
	.schema = "meminfo/1",
	.run = run,
};

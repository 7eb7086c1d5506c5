/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pagetypeinfo: /proc/pagetypeinfo rebuilt from the free lists and the pageblocks' bitmaps. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "lib/mm/buddy.h"
#include "lib/mm/pageblock.h"
#include "lib/mm/pageowner.h"

enum { COL_NODE, COL_ZONE, COL_TYPE, COL_COUNTS, COL_BLOCKS, COL_MIXED };

static const struct mmw_col cols[] = {
	[COL_NODE] = { "node", "memory node", 4, true, true },
	[COL_ZONE] = { "zone", "zone", 8, false, true },
	[COL_TYPE] = { "type", "migrate type", 12, false, true },
	[COL_COUNTS] = { "counts", "free blocks of each order, from 0 up", 60, false, true },
	[COL_BLOCKS] = { "blocks", "pageblocks of this type", 8, true, true },
	[COL_MIXED] = { "mixed", "of these, ones with pages of another type, where the kernel notes page owners", 8, true, false },
	{ 0 },
};

/* The kernel stops counting a list there since 5.4 (mm/vmstat.c, pagetypeinfo_showfree_print). */
enum { COUNTED_MAX = 100000 };

static void print_count(FILE *to, uint64_t n)
{
	fprintf(to, "%s%6" PRIu64 " ", n >= COUNTED_MAX ? ">" : "", n >= COUNTED_MAX ? COUNTED_MAX : n);
}

static void print_free(FILE *to, const struct mmw_buddy *b, size_t zone)
{
	const struct mmw_zone *z = &b->zones.zone[zone];

	for (unsigned type = 0; type < b->zones.types; type++) {
		fprintf(to, "Node %4u, zone %8s, type %12s ", z->node, z->name, b->zones.type_name[type]);
		for (unsigned order = 0; order < b->zones.orders; order++)
			print_count(to, *mmw_buddy_count(b, zone, order, type));
		fputc('\n', to);
	}
}

/* Of zones [first, end) a count for each migrate type. */
static void print_blocks(FILE *to, const struct mmw_buddy *b, const char *what, const uint64_t *counts, size_t first, size_t end)
{
	fprintf(to, "\n%-23s", what);
	for (unsigned type = 0; type < b->zones.types; type++)
		fprintf(to, "%12s ", b->zones.type_name[type]);
	fputc('\n', to);
	for (size_t zone = first; zone < end; zone++) {
		const struct mmw_zone *z = &b->zones.zone[zone];

		fprintf(to, "Node %u, zone %8s ", z->node, z->name);
		for (unsigned type = 0; type < b->zones.types; type++)
			fprintf(to, "%12" PRIu64 " ", counts[zone * b->zones.types + type]);
		fputc('\n', to);
	}
}

/* Zones [first, end) are those of a node; the kernel prints everything anew for each. */
static void print_node(FILE *to, const struct mmw_buddy *b, const struct mmw_pageblocks *p, const uint64_t *mixed, size_t first,
		       size_t end)
{
	fprintf(to, "Page block order: %u\nPages per block:  %lu\n\n", p->order, 1ul << p->order);
	fprintf(to, "%-43s ", "Free pages count per migrate type at order");
	for (unsigned order = 0; order < b->zones.orders; order++)
		fprintf(to, "%6u ", order);
	fputc('\n', to);
	for (size_t zone = first; zone < end; zone++)
		print_free(to, b, zone);
	if (p->counts)
		print_blocks(to, b, "Number of blocks type ", p->counts, first, end);
	if (mixed)
		print_blocks(to, b, "Number of mixed blocks ", mixed, first, end);
}

static void print_text(FILE *to, const struct mmw_buddy *b, const struct mmw_pageblocks *p, const uint64_t *mixed)
{
	const struct mmw_zone *z = b->zones.zone;

	for (size_t first = 0, end; first < b->zones.n; first = end) {
		for (end = first + 1; end < b->zones.n && z[end].node == z[first].node; )
			end++;
		print_node(to, b, p, mixed, first, end);
	}
}

static void row(struct mmw_out *o, const struct mmw_buddy *b, const struct mmw_pageblocks *p, const uint64_t *mixed, size_t zone,
		unsigned type)
{
	json_t *list = json_array();
	char text[512];
	size_t n = 0;

	for (unsigned order = 0; order < b->zones.orders; order++) {
		uint64_t count = *mmw_buddy_count(b, zone, order, type);

		json_array_append_new(list, json_integer((json_int_t)count));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%" PRIu64, n ? " " : "", count);
	}
	mmw_out_num(o, COL_NODE, b->zones.zone[zone].node);
	mmw_out_str(o, COL_ZONE, b->zones.zone[zone].name);
	mmw_out_str(o, COL_TYPE, b->zones.type_name[type]);
	mmw_out_json(o, COL_COUNTS, list, text);
	if (p->counts)
		mmw_out_num(o, COL_BLOCKS, p->counts[zone * b->zones.types + type]);
	if (mixed)
		mmw_out_num(o, COL_MIXED, mixed[zone * b->zones.types + type]);
	mmw_out_row(o);
}

/* What keeps the pageblocks from being counted costs them alone. */
static void say(struct mmw_target *t, const struct mmw_buddy *b, int rc, const struct mmw_err *why)
{
	if (rc)
		mmw_warn("the pageblocks cannot be counted: %s", why->msg);
	if (b->n_problems || b->more_problems)
		mmw_warn("free lists NOT verified: %" PRIu64 " problems (buddyinfo names them)", b->n_problems + b->more_problems);
	t->damage = t->damage || rc || b->n_problems || b->more_problems;
}

/* Where the kernel notes page owners, it counts mixed blocks as well. NULL: it does not, or they cannot be had, which is said. */
static uint64_t *count_mixed(struct mmw_target *t, const struct mmw_buddy *b, const struct mmw_pageblocks *p)
{
	struct mmw_pageowner owner;
	struct mmw_err why = { 0 };
	uint64_t *mixed = NULL;
	int rc = p->counts ? mmw_pageowner_open(t->kernel, &b->memmap, &owner, &why) : -MMW_E_NODATA;

	if (!rc)
		rc = mmw_pageowner_mixed(&owner, t->kernel, p, &mixed, &why);
	if (rc && rc != -MMW_E_NODATA) {
		mmw_warn("the mixed pageblocks cannot be counted: %s", why.msg);
		t->damage = true;
	}
	return mixed;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct mmw_pageblocks p = { 0 };
	struct mmw_err why = { 0 };
	struct mmw_buddy b;
	uint64_t *mixed;
	int rc = mmw_target_need_kernel(t, err), counted;

	(void)opts;
	(void)argc;
	(void)argv;
	if (!rc)
		rc = mmw_buddy_open(t->kernel, t->kopts.threads, &b, err);
	if (rc)
		return rc;
	counted = mmw_pageblocks_open(t->kernel, &b.zones, &b.memmap, &p, &why);
	if (counted)
		mmw_pageblocks_close(&p);
	mixed = count_mixed(t, &b, &p);
	if (t->out.mode == MMW_OUT_TEXT)
		print_text(t->out.to, &b, &p, mixed);
	for (size_t zone = 0; t->out.mode != MMW_OUT_TEXT && zone < b.zones.n; zone++)
		for (unsigned type = 0; type < b.zones.types; type++)
			row(&t->out, &b, &p, mixed, zone, type);
	say(t, &b, counted, &why);
	free(mixed);
	mmw_pageblocks_close(&p);
	mmw_buddy_close(&b);
	return 0;
}

const struct mmw_cmd mmw_cmd_pagetypeinfo = {
	.name = "pagetypeinfo",
	.summary = "free blocks and pageblocks by migrate type, as /proc/pagetypeinfo prints them",
	.doc = "Print /proc/pagetypeinfo as it was when the image was taken: the free blocks of each order and migrate type, counted by "
	       "walking the free lists, and the pageblocks of each type.",
	.cols = cols,
	.schema = "pagetypeinfo/1",
	.run = run,
};

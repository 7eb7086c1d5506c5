/* SPDX-License-Identifier: GPL-2.0-or-later */
/* buddyinfo: /proc/buddyinfo rebuilt by walking the free lists, and checked against the struct pages' own marks. */
#include <inttypes.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/mm/buddy.h"

enum { COL_NODE, COL_ZONE, COL_COUNTS, COL_TYPES, COL_FREE, COL_STAT, COL_MANAGED, COL_PRESENT, COL_VERIFIED, COL_PROBLEMS };

static const struct mmw_col cols[] = {
	[COL_NODE] = { "node", "memory node", 4, true, true },
	[COL_ZONE] = { "zone", "zone", 8, false, true },
	[COL_COUNTS] = { "counts", "free blocks of each order, from 0 up", 60, false, true },
	[COL_TYPES] = { "types", "the same by migrate type", 30, false, false },
	[COL_FREE] = { "free_pages", "pages on the free lists", 10, true, true },
	[COL_STAT] = { "nr_free_pages", "NR_FREE_PAGES with all CPUs' differences, what the lists are checked against", 13, true,
		       true },
	[COL_MANAGED] = { "managed", "pages the allocator manages", 10, true, false },
	[COL_PRESENT] = { "present", "pages present", 10, true, false },
	[COL_VERIFIED] = { "verified", "lists, marks, nr_free and NR_FREE_PAGES all agree", 8, false, true },
	[COL_PROBLEMS] = { "problems", "what does not, in words", 20, false, false },
	{ 0 },
};

static uint64_t order_count(const struct mmw_buddy *b, size_t zone, unsigned order)
{
	uint64_t n = 0;

	for (unsigned type = 0; type < b->zones.types; type++)
		n += *mmw_buddy_count(b, zone, order, type);
	return n;
}

static uint64_t free_pages(const struct mmw_buddy *b, size_t zone)
{
	uint64_t n = 0;

	for (unsigned order = 0; order < b->zones.orders; order++)
		n += order_count(b, zone, order) << order;
	return n;
}

/* Does this problem speak against this zone? One without a zone does when its frame lies there. */
static bool concerns(const struct mmw_buddy *b, const struct mmw_buddy_problem *p, size_t zone)
{
	const struct mmw_zone *z = &b->zones.zone[zone];

	if (p->zone >= 0)
		return (size_t)p->zone == zone;
	return p->pfn >= z->start_pfn && p->pfn - z->start_pfn < z->spanned;
}

static bool verified(const struct mmw_buddy *b, size_t zone)
{
	for (size_t i = 0; i < b->n_problems; i++)
		if (concerns(b, &b->problems[i], zone))
			return false;
	return !b->more_problems;
}

/* mm/vmstat.c, frag_show_print(). */
static void print_zone(FILE *to, const struct mmw_buddy *b, size_t zone)
{
	const struct mmw_zone *z = &b->zones.zone[zone];

	fprintf(to, "Node %d, zone %8s ", z->node, z->name);
	for (unsigned order = 0; order < b->zones.orders; order++)
		fprintf(to, "%6" PRIu64 " ", order_count(b, zone, order));
	fputc('\n', to);
}

static void print_types(FILE *to, const struct mmw_buddy *b, size_t zone)
{
	const struct mmw_zone *z = &b->zones.zone[zone];

	for (unsigned type = 0; type < b->zones.types; type++) {
		fprintf(to, "Node %4d, zone %8s, type %12s ", z->node, z->name, b->zones.type_name[type]);
		for (unsigned order = 0; order < b->zones.orders; order++)
			fprintf(to, "%6" PRIu64 " ", *mmw_buddy_count(b, zone, order, type));
		fputc('\n', to);
	}
	fprintf(to, "Node %4d, zone %8s: %" PRIu64 " pages on the free lists, ", z->node, z->name, free_pages(b, zone));
	if (z->has_stat)
		fprintf(to, "NR_FREE_PAGES %" PRIu64 " ", z->stat_free);
	else
		fprintf(to, "NR_FREE_PAGES ? ");
	fprintf(to, "(%s)\n", verified(b, zone) ? "verified" : "NOT VERIFIED");
}

/* The verdict goes to standard error, so that standard output stays what /proc/buddyinfo would be. */
static void say_verdict(struct mmw_target *t, const struct mmw_buddy *b)
{
	char text[512];
	size_t unknown = 0;

	for (size_t i = 0; i < b->zones.n; i++)
		unknown += !b->zones.zone[i].has_stat;
	for (size_t i = 0; i < b->n_problems; i++) {
		mmw_buddy_problem_text(b, &b->problems[i], text, sizeof(text));
		mmw_warn("%s", text);
	}
	if (b->more_problems)
		mmw_warn("and %" PRIu64 " problems more", b->more_problems);
	if (b->n_problems || b->more_problems) {
		mmw_warn("free lists NOT verified: %" PRIu64 " problems", b->n_problems + b->more_problems);
		t->damage = true;
	} else {
		mmw_warn("free lists verified: %zu blocks, the same by lists, by the marks of %" PRIu64 " struct pages and by nr_free%s",
			 b->n_blocks, b->pages_seen, unknown ? "; NR_FREE_PAGES is not known" : "; NR_FREE_PAGES agrees");
	}
	if (t->verbose)
		mmw_warn("how a free page is marked: %s", b->mark_source);
}

static json_t *json_counts(const struct mmw_buddy *b, size_t zone, int type)
{
	json_t *list = json_array();

	for (unsigned order = 0; order < b->zones.orders; order++)
		json_array_append_new(list, json_integer((json_int_t)(type < 0 ? order_count(b, zone, order) :
								      *mmw_buddy_count(b, zone, order, (unsigned)type))));
	return list;
}

static void row_zone(struct mmw_target *t, const struct mmw_buddy *b, size_t zone)
{
	const struct mmw_zone *z = &b->zones.zone[zone];
	struct mmw_out *o = &t->out;
	json_t *types = json_object(), *problems = json_array();
	char text[512];
	size_t n = 0;

	mmw_out_num(o, COL_NODE, z->node);
	mmw_out_str(o, COL_ZONE, z->name);
	for (unsigned order = 0; order < b->zones.orders; order++)
		n += snprintf(text + n, sizeof(text) - n, "%s%" PRIu64, n ? " " : "", order_count(b, zone, order));
	mmw_out_json(o, COL_COUNTS, json_counts(b, zone, -1), text);
	n = 0;
	for (unsigned type = 0; type < b->zones.types; type++) {
		uint64_t pages = 0;

		for (unsigned order = 0; order < b->zones.orders; order++)
			pages += *mmw_buddy_count(b, zone, order, type) << order;
		json_object_set_new(types, b->zones.type_name[type], json_counts(b, zone, (int)type));
		n += snprintf(text + n, sizeof(text) - n, "%s%s=%" PRIu64, n ? " " : "", b->zones.type_name[type], pages);
	}
	mmw_out_json(o, COL_TYPES, types, text);
	mmw_out_num(o, COL_FREE, free_pages(b, zone));
	if (z->has_stat)
		mmw_out_num(o, COL_STAT, z->stat_free);
	mmw_out_num(o, COL_MANAGED, z->managed);
	mmw_out_num(o, COL_PRESENT, z->present);
	mmw_out_bool(o, COL_VERIFIED, verified(b, zone));
	for (size_t i = 0; i < b->n_problems; i++) {
		if (!concerns(b, &b->problems[i], zone))
			continue;
		mmw_buddy_problem_text(b, &b->problems[i], text, sizeof(text));
		json_array_append_new(problems, json_string(text));
	}
	snprintf(text, sizeof(text), "%zu", json_array_size(problems));
	mmw_out_json(o, COL_PROBLEMS, problems, text);
	mmw_out_row(o);
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct mmw_buddy b;
	int rc = mmw_target_need_kernel(t, err);

	(void)opts;
	(void)argc;
	(void)argv;
	if (!rc)
		rc = mmw_buddy_open(t->kernel, t->kopts.threads, &b, err);
	if (rc)
		return rc;
	for (size_t zone = 0; zone < b.zones.n; zone++) {
		if (t->out.mode == MMW_OUT_TEXT)
			print_zone(t->out.to, &b, zone);
		else
			row_zone(t, &b, zone);
	}
	for (size_t zone = 0; t->out.mode == MMW_OUT_TEXT && t->verbose && zone < b.zones.n; zone++)
		print_types(t->out.to, &b, zone);
	if (t->out.mode != MMW_OUT_JSON)
		say_verdict(t, &b);
	t->damage = t->damage || b.n_problems || b.more_problems;
	mmw_buddy_close(&b);
	return 0;
}

const struct mmw_cmd mmw_cmd_buddyinfo = {
	.name = "buddyinfo",
	.summary = "the page allocator's free blocks, as /proc/buddyinfo prints them",
	.doc = "Print /proc/buddyinfo as it was when the image was taken, counted by walking the free lists, and say on standard "
	       "error whether they agree with the struct pages' own marks, with nr_free and with NR_FREE_PAGES. -v adds the "
	       "counts of each migrate type.",
	.cols = cols,
	.schema = "buddyinfo/1",
	.run = run,
};

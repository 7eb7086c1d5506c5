/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zoneinfo: /proc/zoneinfo rebuilt, and the pages on the per-CPU lists. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/ktext.h"
#include "lib/mm/pcp.h"
#include "lib/mm/vmstat.h"

enum {
	COL_NODE, COL_ZONE, COL_CPU, COL_ITEM, COL_VALUE, COL_DIFFS, COL_LIST, COL_ORDER, COL_TYPE, COL_POSITION,
	COL_PFN, COL_PAGE,
};

static const struct mmw_col cols[] = {
	[COL_NODE] = { "node", "memory node", 4, true, true },
	[COL_ZONE] = { "zone", "zone; none: of the node", 8, false, true },
	[COL_CPU] = { "cpu", "CPU; none: of the zone", 4, true, true },
	[COL_ITEM] = { "item", "what /proc/zoneinfo calls it; with --pcp, 'page'", 30, false, true },
	[COL_VALUE] = { "value", "as /proc/zoneinfo prints it; with --pcp, pages in the block", 12, true, true },
	[COL_DIFFS] = { "with_diffs", "a counter with the differences that CPUs have not added to it yet", 12, true,
			true },
	[COL_LIST] = { "list", "--pcp: index of the list", 4, true, false },
	[COL_ORDER] = { "order", "--pcp: order of its blocks", 5, true, false },
	[COL_TYPE] = { "type", "--pcp: their migrate type", 12, false, false },
	[COL_POSITION] = { "position", "--pcp: on the list from its hot end, from 0", 8, true, false },
	[COL_PFN] = { "pfn", "--pcp: the block's first frame", 10, true, false },
	[COL_PAGE] = { "page", "--pcp: address of its struct page", 18, true, false },
	{ 0 },
};

struct zoneinfo_opts {
	bool pcp;
};

static const struct argp_option options[] = {
	{ "pcp", 'p', 0, 0, "the pages on the per-CPU lists instead, from the hot end of each", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct zoneinfo_opts *o = state->input;

	(void)arg;
	if (key != 'p')
		return ARGP_ERR_UNKNOWN;
	o->pcp = true;
	return 0;
}

struct job {
	struct mmw_target *t;
	struct mmw_zones zones;
	struct mmw_memmap memmap;
	struct mmw_vmstat stat;
	struct mmw_pcp pcp;
	char format[3][1024];  /* the kernel's own, of what it prints of a zone, a CPU, and at the end of a zone */
	bool own[3];
};

/* --- the kernel's own format -------------------------------------------------------------------------------------- */

/*
 * Which lines a zone has changed often, and not with anything else that types tell (mm/vmstat.c, zoneinfo_show_print):
 * boost, promo, high_min, reserved_highatomic. So the lines are those of the kernel's own format strings; without them,
 * these, less what this kernel has no value for.
 */
static const char *const formats[3] = {
	"\n  pages free     %lu\n        boost    %lu\n        min      %lu\n        low      %lu\n        high     %lu"
	"\n        promo    %lu\n        spanned  %lu\n        present  %lu\n        managed  %lu\n        cma"
	"      %lu",
	"\n    cpu: %i\n              count:    %i\n              high:     %i\n              batch:    %i"
	"\n              high_min: %i\n              high_max: %i",
	"\n  node_unreclaimable:  %u\n  start_pfn:           %lu\n  reserved_highatomic: %lu\n  free_highatomic:"
	"     %lu",
};

static void find_formats(struct job *j)
{
	struct mmw_ktext wanted[3] = { { "\n  pages free     %lu", 0 }, { "\n    cpu: %i\n", 0 },
				       { "\n  node_unreclaimable:  %u", 0 } };

	mmw_ktext_find(j->t->kernel, wanted, 3);
	for (size_t i = 0; i < 3; i++) {
		mmw_ktext_read(j->t->kernel, wanted[i].va, j->format[i], sizeof(j->format[i]));
		j->own[i] = j->format[i][0] != '\0';
		if (!j->own[i])
			snprintf(j->format[i], sizeof(j->format[i]), "%s", formats[i]);
	}
	if (j->own[0] && j->own[1] && j->own[2])
		return;
	mmw_warn("the kernel's own format of zoneinfo was not found: there may be lines more or less than it prints");
	j->t->damage = true;
}

/* A line of a format: "\n        boost    %lu". */
struct line {
	const char *text;  /* what stands before the number */
	size_t len;
	char label[32];    /* its words, without a colon: "boost" */
	char conversion;
};

/* The next one that ends in a number. */
static bool next_line(const char **at, struct line *out)
{
	const char *percent = strchr(*at, '%'), *word;
	size_t n;

	if (!percent)
		return false;
	out->text = *at;
	out->len = (size_t)(percent - *at);
	for (word = out->text; word < percent && isspace((unsigned char)*word); )
		word++;
	for (n = (size_t)(percent - word); n && (isspace((unsigned char)word[n - 1]) || word[n - 1] == ':'); )
		n--;
	snprintf(out->label, sizeof(out->label), "%.*s", (int)n, word);
	for (percent++; *percent == 'l'; )
		percent++;
	out->conversion = *percent;
	*at = *percent ? percent + 1 : percent;
	return true;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

enum { MAX_RECLAIM_RETRIES = 16 };  /* mm/internal.h */

/* What stands behind a label in /proc/zoneinfo, of a zone and one of its CPUs; false where it is not known. */
static bool zone_value(const struct job *j, size_t row, const char *label, uint64_t *out)
{
	static const char *const watermarks[] = { "min", "low", "high", "promo" };
	const struct mmw_zone_marks *z = &j->stat.zones[row];
	const struct mmw_stats *s = &j->stat.kind[MMW_STAT_ZONE];
	const struct { const char *label; uint64_t value; } known[] = {
		{ "boost", z->boost }, { "spanned", z->spanned }, { "present", z->present }, { "managed", z->managed },
		{ "start_pfn", z->start_pfn }, { "reserved_highatomic", z->reserved_highatomic },
		{ "free_highatomic", z->free_highatomic },
		{ "cma", z->cma == MMW_ABSENT ? 0 : z->cma },  /* zone_cma_pages() of a kernel without CMA */
	};

	*out = MMW_ABSENT;
	for (unsigned i = 0; i < z->watermarks && i < 4; i++)
		if (!strcmp(label, watermarks[i]))
			*out = mmw_zone_watermark(z, i);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(label, known[i].label))
			*out = known[i].value;
	for (unsigned i = 0; !strcmp(label, "pages free") && i < s->n; i++)
		if (!strcmp(s->name[i], "nr_free_pages"))
			*out = mmw_stat_shown(&j->stat, MMW_STAT_ZONE, i, s->value[row * s->n + i]);
	if (!strcmp(label, "node_unreclaimable") && j->stat.failures[z->node] != MMW_ABSENT)
		*out = (int32_t)j->stat.failures[z->node] >= MAX_RECLAIM_RETRIES;
	return *out != MMW_ABSENT;
}

static bool set_value(const struct job *j, const struct mmw_pcp_set *s, const char *label, uint64_t *out)
{
	const struct { const char *label; bool known; int64_t value; } known[] = {
		{ "cpu", true, s->cpu },
		{ "count", s->read, s->count },
		{ "high", s->read, s->high },
		{ "batch", s->read, s->batch },
		{ "high_min", s->read && j->pcp.has_limits, s->high_min },
		{ "high_max", s->read && j->pcp.has_limits, s->high_max },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcmp(label, known[i].label)) {
			*out = (uint64_t)known[i].value;
			return known[i].known;
		}
	}
	return false;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static void print_line(struct job *j, const struct line *l, bool own, bool known, uint64_t value)
{
	if (!known && !own)
		return;
	fwrite(l->text, 1, l->len, j->t->out.to);
	if (!known) {
		fputc('?', j->t->out.to);
		j->t->damage = true;
	} else if (l->conversion == 'i' || l->conversion == 'd') {
		fprintf(j->t->out.to, "%" PRId64, (int64_t)value);
	} else {
		fprintf(j->t->out.to, "%" PRIu64, value);
	}
}

static void print_counters(const struct job *j, enum mmw_stat_kind kind, size_t row)
{
	const struct mmw_stats *s = &j->stat.kind[kind];

	for (unsigned i = 0; i < s->n; i++)
		fprintf(j->t->out.to, "\n      %-12s %" PRIu64, s->name[i],
			mmw_stat_shown(&j->stat, kind, i, s->value[row * s->n + i]));
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* The cells that all rows of a zone have; cpu -1: none. */
static void row_start(struct job *j, size_t row, bool node_only, int64_t cpu, const char *item)
{
	struct mmw_out *o = &j->t->out;
	const struct mmw_zone_marks *z = &j->stat.zones[row];

	mmw_out_num(o, COL_NODE, j->zones.node[z->node].id);
	if (node_only)
		mmw_out_none(o, COL_ZONE);
	else
		mmw_out_str(o, COL_ZONE, z->name);
	if (cpu < 0)
		mmw_out_none(o, COL_CPU);
	else
		mmw_out_num(o, COL_CPU, (uint64_t)cpu);
	mmw_out_str(o, COL_ITEM, item);
}

static void row_value(struct job *j, size_t row, int64_t cpu, const char *item, bool known, uint64_t value)
{
	row_start(j, row, false, cpu, item);
	if (known)
		mmw_out_num(&j->t->out, COL_VALUE, value);
	mmw_out_none(&j->t->out, COL_DIFFS);
	mmw_out_row(&j->t->out);
}

static void row_counters(struct job *j, enum mmw_stat_kind kind, size_t row)
{
	const struct mmw_stats *s = &j->stat.kind[kind];
	size_t of = kind == MMW_STAT_NODE ? j->stat.zones[row].node : row;

	for (unsigned i = 0; i < s->n; i++) {
		row_start(j, row, kind == MMW_STAT_NODE, -1, s->name[i]);
		mmw_out_num(&j->t->out, COL_VALUE, mmw_stat_shown(&j->stat, kind, i, s->value[of * s->n + i]));
		if (s->has_exact[of])
			mmw_out_num(&j->t->out, COL_DIFFS, mmw_stat_shown(&j->stat, kind, i, s->exact[of * s->n + i]));
		mmw_out_row(&j->t->out);
	}
}

/* --- a zone ------------------------------------------------------------------------------------------------------- */

/* The lines of a format, as text or as rows. */
static void show_lines(struct job *j, size_t row, const struct mmw_pcp_set *set, unsigned format)
{
	const char *at = j->format[format];
	struct line l;

	while (next_line(&at, &l)) {
		uint64_t value;
		bool known = set ? set_value(j, set, l.label, &value) : zone_value(j, row, l.label, &value);

		if (j->t->out.mode == MMW_OUT_TEXT)
			print_line(j, &l, j->own[format], known, value);
		else if (known && strcmp(l.label, "cpu"))
			row_value(j, row, set ? (int64_t)set->cpu : -1,
				  !strcmp(l.label, "pages free") ? "free" : l.label, true, value);
	}
}

static void show_reserves(struct job *j, size_t row)
{
	const struct mmw_zone_marks *z = &j->stat.zones[row];

	for (unsigned i = 0; i < z->reserves; i++) {
		char item[24];

		if (j->t->out.mode == MMW_OUT_TEXT) {
			fprintf(j->t->out.to, "%s%" PRId64, i ? ", " : "\n        protection: (", z->reserve[i]);
			continue;
		}
		snprintf(item, sizeof(item), "protection[%u]", i);
		row_value(j, row, -1, item, true, (uint64_t)z->reserve[i]);
	}
	if (j->t->out.mode == MMW_OUT_TEXT)
		fputc(')', j->t->out.to);
}

static void show_counters(struct job *j, enum mmw_stat_kind kind, size_t row)
{
	if (j->t->out.mode != MMW_OUT_TEXT)
		row_counters(j, kind, row);
	else
		print_counters(j, kind, kind == MMW_STAT_NODE ? j->stat.zones[row].node : row);
}

static void show_sets(struct job *j, size_t row)
{
	bool text = j->t->out.mode == MMW_OUT_TEXT;

	if (text)
		fputs("\n  pagesets", j->t->out.to);
	for (size_t i = 0; i < j->pcp.n_sets; i++) {
		const struct mmw_pcp_set *s = &j->pcp.sets[i];

		if (j->zones.zone[s->zone].va != j->stat.zones[row].va || !s->online)
			continue;
		show_lines(j, row, s, 1);
		if (s->threshold < 0)
			continue;
		if (text)
			fprintf(j->t->out.to, "\n  vm stats threshold: %" PRId64, s->threshold);
		else
			row_value(j, row, s->cpu, "vm stats threshold", true, (uint64_t)s->threshold);
	}
}

static bool first_populated(const struct job *j, size_t row)
{
	const struct mmw_zone_marks *z = j->stat.zones;

	for (size_t i = row - z[row].index; i < row; i++)
		if (z[i].present)
			return false;
	return z[row].present;
}

/* mm/vmstat.c, zoneinfo_show_print(). */
static void show_zone(struct job *j, size_t row)
{
	const struct mmw_zone_marks *z = &j->stat.zones[row];
	bool text = j->t->out.mode == MMW_OUT_TEXT;

	if (text)
		fprintf(j->t->out.to, "Node %u, zone %8s", j->zones.node[z->node].id, z->name);
	if (first_populated(j, row)) {
		if (text)
			fputs("\n  per-node stats", j->t->out.to);
		show_counters(j, MMW_STAT_NODE, row);
	}
	show_lines(j, row, NULL, 0);
	show_reserves(j, row);
	if (z->present) {
		show_counters(j, MMW_STAT_ZONE, row);
		show_counters(j, MMW_STAT_NUMA, row);
		show_sets(j, row);
		show_lines(j, row, NULL, 2);
	}
	if (text)
		fputc('\n', j->t->out.to);
}

/* --- the pages on the lists --------------------------------------------------------------------------------------- */

static void show_page(struct job *j, const struct mmw_pcp_page *p)
{
	const struct mmw_zone *z = &j->zones.zone[p->zone];
	const char *type = p->type >= 0 && (unsigned)p->type < j->zones.types ? j->zones.type_name[p->type] : "any";
	struct mmw_out *o = &j->t->out;
	bool waiting = p->cpu == MMW_PCP_NO_CPU;

	if (o->mode == MMW_OUT_TEXT) {
		fprintf(o->to, "Node %u, zone %8s, ", z->node, z->name);
		if (waiting)
			fputs("waiting for the lock", o->to);
		else
			fprintf(o->to, "cpu %4" PRIu32 ", list %3u", p->cpu, p->list);
		fprintf(o->to, ", order %2u, type %12s: 0x%" PRIx64 "\n", p->order, type, p->pfn);
		return;
	}
	mmw_out_num(o, COL_NODE, z->node);
	mmw_out_str(o, COL_ZONE, z->name);
	if (waiting) {
		mmw_out_none(o, COL_CPU);
		mmw_out_none(o, COL_LIST);
	} else {
		mmw_out_num(o, COL_CPU, p->cpu);
		mmw_out_num(o, COL_LIST, p->list);
	}
	mmw_out_str(o, COL_ITEM, "page");
	mmw_out_num(o, COL_VALUE, 1ull << p->order);
	mmw_out_none(o, COL_DIFFS);
	mmw_out_num(o, COL_ORDER, p->order);
	mmw_out_str(o, COL_TYPE, type);
	mmw_out_num(o, COL_POSITION, p->position);
	mmw_out_hex(o, COL_PFN, p->pfn);
	mmw_out_hex(o, COL_PAGE, mmw_memmap_page(&j->memmap, p->pfn));
	mmw_out_row(o);
}

static void say_problems(struct job *j)
{
	char text[512];

	for (size_t i = 0; i < j->pcp.n_problems; i++) {
		mmw_pcp_problem_text(&j->zones, &j->pcp.problems[i], text, sizeof(text));
		mmw_warn("%s", text);
	}
	if (j->pcp.more_problems)
		mmw_warn("and %" PRIu64 " problems more", j->pcp.more_problems);
	j->t->damage = j->t->damage || j->pcp.n_problems;
}

static int run_pcp(struct job *j, struct mmw_err *err)
{
	int rc = mmw_memmap_open(j->t->kernel, &j->memmap, err);

	if (rc)
		return rc;
	rc = mmw_pcp_open(j->t->kernel, &j->zones, &j->memmap, &j->pcp, err);
	for (size_t i = 0; !rc && i < j->pcp.n_pages; i++)
		show_page(j, &j->pcp.pages[i]);
	mmw_memmap_close(&j->memmap);
	return rc;
}

static int run_zones(struct job *j, struct mmw_err *err)
{
	int rc = mmw_vmstat_open(j->t->kernel, &j->zones, &j->stat, err);

	if (!rc)
		rc = mmw_pcp_open(j->t->kernel, &j->zones, NULL, &j->pcp, err);
	if (!rc)
		find_formats(j);
	if (!rc && j->t->verbose)
		mmw_warn("names of counters: %s", j->stat.names_source);
	for (size_t row = 0; !rc && row < j->stat.n_zones; row++)
		show_zone(j, row);
	return rc;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	const struct zoneinfo_opts *o = opts;
	struct job j = { .t = t };
	int rc = mmw_target_need_kernel(t, err);

	(void)argc;
	(void)argv;
	if (!rc)
		rc = mmw_zones_open(t->kernel, &j.zones, err);
	if (rc)
		return rc;
	rc = o->pcp ? run_pcp(&j, err) : run_zones(&j, err);
	if (!rc)
		say_problems(&j);
	mmw_pcp_close(&j.pcp);
	mmw_vmstat_close(&j.stat);
	mmw_zones_close(&j.zones);
	return rc;
}

const struct mmw_cmd mmw_cmd_zoneinfo = {
	.name = "zoneinfo",
	.summary = "zones, their counters and per-CPU pages, as /proc/zoneinfo prints them",
	.doc = "Print /proc/zoneinfo as it was when the image was taken: each zone's watermarks, reserves and "
	       "counters, and what each CPU keeps of its pages; with --pcp, those pages.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct zoneinfo_opts),
	.cols = cols,
	.schema = "zoneinfo/1",
	.run = run,
};

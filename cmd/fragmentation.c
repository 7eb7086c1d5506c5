/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fragmentation: debugfs extfrag/ rebuilt, and why an allocation would fail. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/mm/alloc.h"
#include "lib/mm/extfrag.h"
#include "lib/mm/ktext.h"

enum { COL_NODE, COL_ZONE, COL_NR_FREE, COL_UNUSABLE, COL_INDEX };

static const struct mmw_col cols[] = {
	[COL_NODE] = { "node", "memory node", 4, true, true },
	[COL_ZONE] = { "zone", "zone", 8, false, true },
	[COL_NR_FREE] = { "nr_free", "free blocks of each order, from 0 up, as the kernel counts them", 40, false,
			  false },
	[COL_UNUSABLE] = { "unusable", "for each order, thousandths of the free memory that a request of it could not use",
			   50, false, true },
	[COL_INDEX] = { "index", "for each order why a request would fail: thousandths from memory (0) to fragmentation; "
			"-1000: it would not", 50, false, true },
	{ 0 },
};

enum { TRY_ATTEMPT, TRY_NODE, TRY_ZONE, TRY_FREE, TRY_UNUSABLE, TRY_NEEDED, TRY_MARK, TRY_BOOST, TRY_RESERVE, TRY_ENOUGH,
       TRY_BLOCK, TRY_TYPE, TRY_BLOCK_ORDER, TRY_GOOD, TRY_USED, TRY_TEXT };

static const struct mmw_col try_cols[] = {
	[TRY_ATTEMPT] = { "attempt", "low: down to the low watermark; min: below it; all: without watermarks", 7, false,
			  true },
	[TRY_NODE] = { "node", "memory node", 4, true, true },
	[TRY_ZONE] = { "zone", "zone, in the order of preference", 8, false, true },
	[TRY_FREE] = { "free", "free pages, as the kernel looks at them", 8, true, true },
	[TRY_UNUSABLE] = { "unusable", "of which this request cannot use", 8, true, true },
	[TRY_NEEDED] = { "needed", "more than these must be left", 8, true, true },
	[TRY_MARK] = { "mark", "the watermark", 8, true, false },
	[TRY_BOOST] = { "boost", "what it is raised by", 8, true, false },
	[TRY_RESERVE] = { "reserve", "lowmem_reserve against requests that higher zones could serve", 8, true, false },
	[TRY_ENOUGH] = { "enough", "the watermark is met", 6, false, true },
	[TRY_BLOCK] = { "block", "own, cma, fallback, highatomic, none: what list has a block", 10, false, true },
	[TRY_TYPE] = { "type", "that list's migrate type", 11, false, true },
	[TRY_BLOCK_ORDER] = { "block_order", "and the block's order", 11, true, true },
	[TRY_GOOD] = { "good", "this zone could serve the request", 4, false, false },
	[TRY_USED] = { "used", "and would", 4, false, true },
	[TRY_TEXT] = { "text", "in words", 20, false, false },
	{ 0 },
};

static const struct mmw_view views[] = { { "--order", "fragmentation-order/1", try_cols }, { 0 } };

struct opts {
	bool has_order, has_node;
	unsigned order, node;
	const char *gfp, *file;
};

enum { OPT_ORDER = 3000, OPT_GFP, OPT_NODE, OPT_FILE };

static const struct argp_option options[] = {
	{ "file", OPT_FILE, "NAME", 0, "only this one: unusable_index or extfrag_index", 0 },
	{ "order", OPT_ORDER, "N", 0, "would an allocation of 2^N pages succeed, from where, and if not, why", 0 },
	{ "gfp", OPT_GFP, "FLAGS", 0,
	  "with --order: its flags, GFP_KERNEL unless given: names with | between them, or 0x...", 0 },
	{ "node", OPT_NODE, "N", 0, "with --order: the memory node it is asked of, the first unless given", 0 },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct opts *o = state->input;

	switch (key) {
	case OPT_ORDER:
		o->order = mmw_arg_num(state, "--order", arg);
		o->has_order = true;
		break;
	case OPT_GFP:
		o->gfp = arg;
		break;
	case OPT_NODE:
		o->node = mmw_arg_num(state, "--node", arg);
		o->has_node = true;
		break;
	case OPT_FILE:
		if (strcmp(arg, "unusable_index") && strcmp(arg, "extfrag_index"))
			argp_error(state, "--file: '%s' is neither unusable_index nor extfrag_index", arg);
		o->file = arg;
		break;
	case ARGP_KEY_END:
		if (!o->has_order && (o->gfp || o->has_node))
			argp_error(state, "--gfp and --node go with --order");
		if (o->has_order && o->file)
			argp_error(state, "--order and --file exclude each other");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct mmw_view *view(const void *opts)
{
	return ((const struct opts *)opts)->has_order ? &views[0] : NULL;
}

/* --- the indices -------------------------------------------------------------------------------------------------- */

typedef int index_of(const struct mmw_zones *z, const struct mmw_zone *zone, unsigned order);

/* mm/vmstat.c, unusable_show_print() and extfrag_show_print(). */
static void print_file(FILE *to, const struct mmw_zones *z, index_of *of, const char *form)
{
	for (size_t i = 0; i < z->n; i++) {
		fprintf(to, "Node %u, zone %8s ", z->zone[i].node, z->zone[i].name);
		for (unsigned order = 0; order < z->orders; order++) {
			int v = of(z, &z->zone[i], order);

			fprintf(to, form[1] == '2' ? "%2d.%03d " : "%d.%03d ", v / 1000, v % 1000);
		}
		fputc('\n', to);
	}
}

/* Newer kernels print extfrag_index, which can be negative, in columns; their format is in the image (6.1; not 5.10). */
static const char *extfrag_form(struct mmw_kernel *k)
{
	struct mmw_ktext wanted = { .start = "%2d.%03d " };

	mmw_ktext_find(k, &wanted, 1);
	return wanted.va ? "%2d" : "%d";
}

static void print_indices(struct mmw_target *t, const struct opts *o, const struct mmw_zones *z)
{
	bool unusable = !o->file || !strcmp(o->file, "unusable_index");
	bool index = !o->file || !strcmp(o->file, "extfrag_index");
	FILE *to = t->out.to;

	if (!o->file)
		fputs("==> extfrag/unusable_index <==\n", to);
	if (unusable)
		print_file(to, z, mmw_unusable_index, "%d");
	if (!o->file)
		fputs("\n==> extfrag/extfrag_index <==\n", to);
	if (index)
		print_file(to, z, mmw_fragmentation_index, extfrag_form(t->kernel));
}

static void out_list(struct mmw_out *o, int col, const int64_t *values, unsigned n)
{
	json_t *list = json_array();
	char text[MMW_CELL_MAX];
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		json_array_append_new(list, json_integer((json_int_t)values[i]));
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%" PRId64, i ? " " : "", values[i]);
	}
	mmw_out_json(o, col, list, text);
}

static void row_zone(struct mmw_out *o, const struct mmw_zones *z, const struct mmw_zone *zone)
{
	int64_t nr_free[MMW_ORDERS_MAX], unusable[MMW_ORDERS_MAX], index[MMW_ORDERS_MAX];

	for (unsigned order = 0; order < z->orders; order++) {
		nr_free[order] = (int64_t)zone->nr_free[order];
		unusable[order] = mmw_unusable_index(z, zone, order);
		index[order] = mmw_fragmentation_index(z, zone, order);
	}
	mmw_out_num(o, COL_NODE, zone->node);
	mmw_out_str(o, COL_ZONE, zone->name);
	out_list(o, COL_NR_FREE, nr_free, z->orders);
	out_list(o, COL_UNUSABLE, unusable, z->orders);
	out_list(o, COL_INDEX, index, z->orders);
	mmw_out_row(o);
}

static int run_indices(struct mmw_target *t, const struct opts *o, struct mmw_err *err)
{
	struct mmw_zones z;
	int rc = mmw_zones_open(t->kernel, &z, err);

	if (rc)
		return rc;
	if (t->out.mode == MMW_OUT_TEXT)
		print_indices(t, o, &z);
	for (size_t i = 0; t->out.mode != MMW_OUT_TEXT && i < z.n; i++)
		row_zone(&t->out, &z, &z.zone[i]);
	mmw_zones_close(&z);
	return 0;
}

/* --- an allocation ------------------------------------------------------------------------------------------------ */

static const char *const attempt_words[MMW_ALLOC_ATTEMPTS] = { "low", "min", "all" };
static const char *const block_words[] = { "none", "own", "cma", "fallback", "highatomic" };

/* What keeps the zone from it, or what it would give. */
static void try_text(const struct mmw_alloc *a, const struct mmw_alloc_try *t, char *buf, size_t size)
{
	const char *type = t->block_type >= 0 ? a->zones.type_name[t->block_type] : "?";

	int64_t more = t->sum.needed - t->sum.available + 1;

	if (!t->sum.enough && t->block == MMW_ALLOC_NO_BLOCK)
		snprintf(buf, size, "too little memory by %" PRId64 " pages, and no block of order %u or more that it may use",
			 more, a->order);
	else if (!t->sum.enough)
		snprintf(buf, size, "too little memory by %" PRId64 " page%s", more, more == 1 ? "" : "s");
	else if (t->block == MMW_ALLOC_NO_BLOCK && t->listed_elsewhere)
		snprintf(buf, size, "too broken up: blocks of order %u and more are only on lists that it may not use",
			 a->order);
	else if (t->block == MMW_ALLOC_NO_BLOCK)
		snprintf(buf, size, "too broken up: no block of order %u or more", a->order);
	else
		snprintf(buf, size, "%s a block of order %u, %s%s", t->used ? "gives" : "could give", t->block_order,
			 type, t->block == MMW_ALLOC_FALLBACK ? " (a fallback)" : "");
}

static void print_try(FILE *to, const struct mmw_alloc *a, enum mmw_alloc_attempt attempt,
		      const struct mmw_alloc_try *t)
{
	const struct mmw_alloc_rights *r = &a->rights[attempt];
	const struct mmw_zone_marks *z = &a->stat.zones[t->zone];
	char text[160];

	try_text(a, t, text, sizeof(text));
	fprintf(to, "Node %u, zone %8s: %" PRIu64 " free", a->zones.node[z->node].id, z->name, t->figures.free);
	if (t->sum.unusable)
		fprintf(to, " - %" PRId64 " unusable", t->sum.unusable);
	if (attempt != MMW_ALLOC_ALL)
		fprintf(to, " %s %" PRId64 " (%s %" PRIu64 "%s, reserve %" PRId64 ")", t->sum.enough ? ">" : "<=",
			t->sum.needed, attempt_words[attempt], t->figures.mark + (r->no_boost ? 0 : t->figures.boost),
			r->quarter ? r->half ? ", of which 3/8" : ", of which 3/4" : r->half ? ", of which half" : "",
			t->figures.reserve);
	fprintf(to, ": %s\n", text);
}

static void row_try(struct mmw_out *o, const struct mmw_alloc *a, enum mmw_alloc_attempt attempt,
		    const struct mmw_alloc_try *t)
{
	const struct mmw_zone_marks *z = &a->stat.zones[t->zone];
	char text[160];

	try_text(a, t, text, sizeof(text));
	mmw_out_str(o, TRY_ATTEMPT, attempt_words[attempt]);
	mmw_out_num(o, TRY_NODE, a->zones.node[z->node].id);
	mmw_out_str(o, TRY_ZONE, z->name);
	mmw_out_num(o, TRY_FREE, t->figures.free);
	mmw_out_num(o, TRY_UNUSABLE, (uint64_t)t->sum.unusable);
	mmw_out_num(o, TRY_NEEDED, (uint64_t)t->sum.needed);
	mmw_out_num(o, TRY_MARK, t->figures.mark);
	mmw_out_num(o, TRY_BOOST, t->figures.boost);
	mmw_out_num(o, TRY_RESERVE, (uint64_t)t->figures.reserve);
	mmw_out_bool(o, TRY_ENOUGH, t->sum.enough);
	mmw_out_str(o, TRY_BLOCK, block_words[t->block]);
	if (t->block_type >= 0) {
		mmw_out_str(o, TRY_TYPE, a->zones.type_name[t->block_type]);
		mmw_out_num(o, TRY_BLOCK_ORDER, t->block_order);
	}
	mmw_out_bool(o, TRY_GOOD, t->good);
	mmw_out_bool(o, TRY_USED, t->used);
	mmw_out_str(o, TRY_TEXT, text);
	mmw_out_row(o);
}

/* The zones of an attempt; true when one of them serves the request. */
static bool show_attempt(struct mmw_target *t, const struct mmw_alloc *a, enum mmw_alloc_attempt attempt)
{
	static const char *const heads[] = { "The fast path, down to the low watermark:",
					     "The slow path, down to the min watermark:",
					     "The last reserves (__GFP_MEMALLOC), without watermarks:" };
	bool used = false;

	if (t->out.mode == MMW_OUT_TEXT)
		fprintf(t->out.to, "%s\n", heads[attempt]);
	for (size_t i = 0; i < a->n_zones; i++) {
		const struct mmw_alloc_try *one = &a->tries[attempt][i];

		used = used || one->used;
		if (t->out.mode == MMW_OUT_TEXT)
			print_try(t->out.to, a, attempt, one);
		else
			row_try(&t->out, a, attempt, one);
	}
	return used;
}

static void print_verdict(FILE *to, const struct mmw_alloc *a, int attempt)
{
	static const char *const good[] = { "it succeeds at once", "it succeeds below the low watermark",
					    "it succeeds from the last reserves" };
	bool wakes = attempt && mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_KSWAPD_RECLAIM);

	if (attempt < MMW_ALLOC_ATTEMPTS)
		fprintf(to, "=> %s%s\n", good[attempt], wakes ? ", and kswapd is woken" : "");
	else if (mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_DIRECT_RECLAIM))
		fprintf(to, "=> it must reclaim%s first, or fails\n", a->order ? " or compact" : "");
	else
		fprintf(to, "=> it fails%s\n", wakes ? ", and kswapd is woken" : "");
}

static int run_order(struct mmw_target *t, const struct opts *o, struct mmw_err *err)
{
	char flags[MMW_GFP_TEXT_MAX];
	struct mmw_alloc a;
	int attempt = 0, rc;

	rc = mmw_alloc_open(t->kernel, o->order, o->gfp ? o->gfp : "GFP_KERNEL", o->has_node ? (int)o->node : -1, &a,
			    err);
	if (rc)
		return rc;
	if (t->out.mode == MMW_OUT_TEXT)
		fprintf(t->out.to, "order %u, gfp_mask %s, migrate type %s, node %u, zones up to %s\n", a.order,
			mmw_gfp_text(&a.gfp, a.flags, flags), a.zones.type_name[a.type], a.node,
			a.highest < a.stat.n_zones ? a.stat.zones[a.highest].name : "?");
	for (; attempt < MMW_ALLOC_ATTEMPTS; attempt++)
		if (a.made[attempt] && show_attempt(t, &a, (enum mmw_alloc_attempt)attempt))
			break;
	if (t->out.mode == MMW_OUT_TEXT)
		print_verdict(t->out.to, &a, attempt);
	if (t->verbose || !strncmp(a.gfp.source, "GUESSED", 7))
		mmw_warn("what the flags are worth: %s", a.gfp.source);
	if (t->verbose)
		mmw_warn("rules for reserves: those of Linux %s", a.rules);
	mmw_alloc_close(&a);
	return 0;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	const struct opts *o = opts;
	int rc = mmw_target_need_kernel(t, err);

	(void)argc;
	(void)argv;
	if (rc)
		return rc;
	return o->has_order ? run_order(t, o, err) : run_indices(t, o, err);
}

const struct mmw_cmd mmw_cmd_fragmentation = {
	.name = "fragmentation",
	.summary = "how broken up free memory is, and why an allocation would fail",
	.doc = "Print debugfs extfrag/unusable_index and extfrag/extfrag_index as they were when the image was taken. With "
	       "--order: whether an allocation would have succeeded then, by the kernel's own rules, zone by zone.",
	.options = options,
	.parse = parse_opt,
	.opts_size = sizeof(struct opts),
	.cols = cols,
	.schema = "fragmentation/1",
	.views = views,
	.view = view,
	.run = run,
};

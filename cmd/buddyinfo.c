/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buddyinfo: /proc/buddyinfo rebuilt by walking the free lists, and checked against the struct pages' own marks; each
 * free block; and everything that contradicts the lists.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/buddy.h"
#include "lib/mm/pageblock.h"

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

enum { BLK_PA, BLK_PFN, BLK_ORDER, BLK_TYPE, BLK_PAGEBLOCK, BLK_NODE, BLK_ZONE, BLK_PAGE, BLK_STATE };

static const struct mmw_col block_cols[] = {
	[BLK_PA] = { "pa", "physical address", 12, true, true },
	[BLK_PFN] = { "pfn", "frame number", 10, true, true },
	[BLK_ORDER] = { "order", "it is 2^order pages", 5, true, true },
	[BLK_TYPE] = { "type", "migrate type of its list", 11, false, true },
	[BLK_PAGEBLOCK] = { "pageblock", "migrate type of its pageblock", 11, false, true },
	[BLK_NODE] = { "node", "memory node", 4, true, true },
	[BLK_ZONE] = { "zone", "zone", 8, false, true },
	[BLK_PAGE] = { "page", "virtual address of its struct page", 16, true, false },
	[BLK_STATE] = { "state", "free; unlisted: on no list; unmarked: its struct page has no mark", 8, false, true },
	{ 0 },
};

enum { CHK_PROBLEM, CHK_NODE, CHK_ZONE, CHK_ORDER, CHK_TYPE, CHK_CPU, CHK_ADDR, CHK_PFN, CHK_FOUND, CHK_EXPECTED,
       CHK_TEXT };

static const struct mmw_col check_cols[] = {
	[CHK_PROBLEM] = { "problem", "what kind of contradiction: a word that stays", 15, false, true },
	[CHK_NODE] = { "node", "memory node", 4, true, true },
	[CHK_ZONE] = { "zone", "zone", 8, false, true },
	[CHK_ORDER] = { "order", "order of the list, or of the block", 5, true, true },
	[CHK_TYPE] = { "type", "migrate type of the list", 11, false, true },
	[CHK_CPU] = { "cpu", "whose list, if it is a CPU's", 3, true, false },
	[CHK_ADDR] = { "addr", "struct page, list head or zone", 16, true, true },
	[CHK_PFN] = { "pfn", "its frame", 10, true, true },
	[CHK_FOUND] = { "found", "what is there: a number or address, as the words say", 16, true, false },
	[CHK_EXPECTED] = { "expected", "what should be", 16, true, false },
	[CHK_TEXT] = { "text", "in words", 20, false, true },
	{ 0 },
};

static const struct mmw_view views[] = {
	{ "--blocks", "buddyinfo-blocks/1", block_cols },
	{ "--check", "buddyinfo-check/1", check_cols },
	{ 0 },
};

struct opts {
	bool blocks, check, has_order, has_node;
	unsigned order, node;
	const char *type, *zone;
};

enum { OPT_BLOCKS = 3000, OPT_CHECK, OPT_ORDER, OPT_TYPE, OPT_ZONE, OPT_NODE };

static const struct argp_option options[] = {
	{ "blocks", OPT_BLOCKS, 0, 0, "each free block, by address", 0 },
	{ "order", OPT_ORDER, "N", 0, "with --blocks: those of this order", 0 },
	{ "type", OPT_TYPE, "NAME", 0, "with --blocks: those on a list of this migrate type", 0 },
	{ "zone", OPT_ZONE, "NAME", 0, "with --blocks: those in this zone", 0 },
	{ "node", OPT_NODE, "N", 0, "with --blocks: those of this memory node", 0 },
	{ "check", OPT_CHECK, 0, 0, "hold the free lists against everything that knows of free memory", 0 },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct opts *o = state->input;

	switch (key) {
	case OPT_BLOCKS:
		o->blocks = true;
		break;
	case OPT_CHECK:
		o->check = true;
		break;
	case OPT_ORDER:
		o->order = mmw_arg_num(state, "--order", arg);
		o->has_order = true;
		break;
	case OPT_TYPE:
		o->type = arg;
		break;
	case OPT_ZONE:
		o->zone = arg;
		break;
	case OPT_NODE:
		o->node = mmw_arg_num(state, "--node", arg);
		o->has_node = true;
		break;
	case ARGP_KEY_END:
		if (o->blocks && o->check)
			argp_error(state, "--blocks and --check exclude each other");
		if (!o->blocks && (o->has_order || o->type || o->zone || o->has_node))
			argp_error(state, "--order, --type, --zone and --node go with --blocks");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct mmw_view *view(const void *opts)
{
	const struct opts *o = opts;

	return o->blocks ? &views[0] : o->check ? &views[1] : NULL;
}

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

	if (p->list.zone >= 0)
		return (size_t)p->list.zone == zone;
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

static int run_zones(struct mmw_target *t, struct mmw_err *err)
{
	struct mmw_buddy b;
	int rc = mmw_buddy_open(t->kernel, t->kopts.threads, &b, err);

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

/* --- each block --------------------------------------------------------------------------------------------------- */

/* The zone of its list, or else the one it lies in. */
static const struct mmw_zone *zone_of(const struct mmw_buddy *b, const struct mmw_block *block)
{
	if (block->listed)
		return &b->zones.zone[block->zone];
	for (size_t i = 0; i < b->zones.n; i++)
		if (block->pfn - b->zones.zone[i].start_pfn < b->zones.zone[i].spanned)
			return &b->zones.zone[i];
	return NULL;
}

static const char *type_name(const struct mmw_buddy *b, int type)
{
	return type >= 0 && (unsigned)type < b->zones.types ? b->zones.type_name[type] : NULL;
}

static bool wanted(const struct opts *o, const struct mmw_buddy *b, const struct mmw_block *block,
		   const struct mmw_zone *z)
{
	if (o->has_order && block->order != o->order)
		return false;
	if (o->type && (!block->listed || strcasecmp(b->zones.type_name[block->type], o->type)))
		return false;
	if ((o->zone || o->has_node) && !z)
		return false;
	return (!o->zone || !strcasecmp(z->name, o->zone)) && (!o->has_node || z->node == o->node);
}

static void print_block(FILE *to, const struct mmw_block *block, uint64_t pa, const struct mmw_zone *z,
			const char *type, const char *pageblock)
{
	fprintf(to, "0x%010" PRIx64 " pfn 0x%" PRIx64, pa, block->pfn);
	if (block->order == MMW_ORDER_NONE)
		fprintf(to, " order ?");
	else
		fprintf(to, " order %u", block->order);
	fprintf(to, " type %s", type ? type : "?");
	if (z)
		fprintf(to, " node %u zone %s", z->node, z->name);
	else
		fprintf(to, " node ? zone ?");
	if (pageblock && (!type || strcmp(type, pageblock)))
		fprintf(to, " pageblock %s", pageblock);
	fprintf(to, "%s%s\n", block->listed ? "" : " unlisted", block->marked ? "" : " unmarked");
}

static void row_block(struct mmw_out *o, const struct mmw_buddy *b, const struct mmw_block *block, uint64_t pa,
		      const struct mmw_zone *z, const char *type, const char *pageblock)
{
	mmw_out_hex(o, BLK_PA, pa);
	mmw_out_hex(o, BLK_PFN, block->pfn);
	if (block->order != MMW_ORDER_NONE)
		mmw_out_num(o, BLK_ORDER, block->order);
	if (type)
		mmw_out_str(o, BLK_TYPE, type);
	if (pageblock)
		mmw_out_str(o, BLK_PAGEBLOCK, pageblock);
	if (z) {
		mmw_out_num(o, BLK_NODE, z->node);
		mmw_out_str(o, BLK_ZONE, z->name);
	}
	mmw_out_hex(o, BLK_PAGE, mmw_memmap_page(&b->memmap, block->pfn));
	mmw_out_str(o, BLK_STATE, !block->listed ? "unlisted" : block->marked ? "free" : "unmarked");
	mmw_out_row(o);
}

/* A name that none has would show nothing, and that could be an answer. */
static int check_names(const struct opts *o, const struct mmw_buddy *b, struct mmw_err *err)
{
	bool type = !o->type, zone = !o->zone;

	for (unsigned i = 0; i < b->zones.types; i++)
		type = type || !strcasecmp(b->zones.type_name[i], o->type);
	for (size_t i = 0; i < b->zones.n; i++)
		zone = zone || !strcasecmp(b->zones.zone[i].name, o->zone);
	if (!type)
		return mmw_fail(err, MMW_E_ARG, 0, "--type: this kernel has no migrate type '%s' (buddyinfo -v shows them)",
				o->type);
	if (!zone)
		return mmw_fail(err, MMW_E_ARG, 0, "--zone: no zone '%s' has memory", o->zone);
	return 0;
}

static void list_blocks(struct mmw_target *t, const struct opts *o, const struct mmw_buddy *b,
			const struct mmw_pageblocks *p)
{
	unsigned page_shift = mmw_kernel_page_shift(t->kernel);

	for (size_t i = 0; i < b->n_blocks; i++) {
		const struct mmw_block *block = &b->blocks[i];
		const struct mmw_zone *z = zone_of(b, block);
		const char *type = block->listed ? type_name(b, block->type) : NULL, *pageblock;
		uint64_t pa = block->pfn << page_shift;

		if (!wanted(o, b, block, z))
			continue;
		pageblock = NULL;
		if (p->counts && z)
			pageblock = type_name(b, mmw_pageblock_type(p, mmw_kernel_vm(t->kernel), z, block->pfn));
		if (t->out.mode == MMW_OUT_TEXT)
			print_block(t->out.to, block, pa, z, type, pageblock);
		else
			row_block(&t->out, b, block, pa, z, type, pageblock);
	}
}

static int run_blocks(struct mmw_target *t, const struct opts *o, struct mmw_err *err)
{
	struct mmw_pageblocks p;
	struct mmw_err why = { 0 };
	struct mmw_buddy b;
	int rc = mmw_buddy_open(t->kernel, t->kopts.threads, &b, err);

	if (rc)
		return rc;
	rc = check_names(o, &b, err);
	if (rc) {
		mmw_buddy_close(&b);
		return rc;
	}
	if (mmw_pageblocks_open(t->kernel, &b.zones, &b.memmap, &p, &why)) {
		mmw_warn("the types of pageblocks are not known: %s", why.msg);
		mmw_pageblocks_close(&p);
		t->damage = true;
	}
	list_blocks(t, o, &b, &p);
	if (b.n_problems || b.more_problems) {
		mmw_warn("free lists NOT verified: %" PRIu64 " problems (--check names them)",
			 b.n_problems + b.more_problems);
		t->damage = true;
	}
	mmw_pageblocks_close(&p);
	mmw_buddy_close(&b);
	return 0;
}

/* --- contradictions ----------------------------------------------------------------------------------------------- */

static void row_problem(struct mmw_target *t, const struct mmw_buddy *b, const struct mmw_buddy_problem *p)
{
	struct mmw_out *o = &t->out;
	char text[512];

	mmw_buddy_problem_text(b, p, text, sizeof(text));
	if (o->mode == MMW_OUT_TEXT) {
		fprintf(o->to, "%s: %s\n", mmw_buddy_problem_word(p->kind), text);
		return;
	}
	mmw_out_str(o, CHK_PROBLEM, mmw_buddy_problem_word(p->kind));
	if (p->list.zone >= 0) {
		mmw_out_num(o, CHK_NODE, b->zones.zone[p->list.zone].node);
		mmw_out_str(o, CHK_ZONE, b->zones.zone[p->list.zone].name);
	}
	if (p->list.order >= 0)
		mmw_out_num(o, CHK_ORDER, (uint64_t)p->list.order);
	if (p->list.type >= 0)
		mmw_out_str(o, CHK_TYPE, b->zones.type_name[p->list.type]);
	mmw_out_hex(o, CHK_ADDR, p->addr);
	if (p->pfn != MMW_ABSENT)
		mmw_out_hex(o, CHK_PFN, p->pfn);
	if (mmw_buddy_problem_has_found(p->kind))
		mmw_out_hex(o, CHK_FOUND, p->found);
	if (mmw_buddy_problem_has_expected(p->kind))
		mmw_out_hex(o, CHK_EXPECTED, p->expected);
	mmw_out_str(o, CHK_TEXT, text);
	mmw_out_row(o);
}

static void row_pcp_problem(struct mmw_target *t, const struct mmw_buddy *b, const struct mmw_pcp_problem *p)
{
	struct mmw_out *o = &t->out;
	char text[512];

	mmw_pcp_problem_text(&b->zones, p, text, sizeof(text));
	if (o->mode == MMW_OUT_TEXT) {
		fprintf(o->to, "%s: %s\n", mmw_buddy_pcp_word(p->kind), text);
		return;
	}
	mmw_out_str(o, CHK_PROBLEM, mmw_buddy_pcp_word(p->kind));
	mmw_out_num(o, CHK_NODE, b->zones.zone[p->zone].node);
	mmw_out_str(o, CHK_ZONE, b->zones.zone[p->zone].name);
	if (p->cpu != MMW_PCP_NO_CPU)
		mmw_out_num(o, CHK_CPU, p->cpu);
	mmw_out_hex(o, CHK_ADDR, p->addr);
	if (p->pfn)
		mmw_out_hex(o, CHK_PFN, p->pfn);
	mmw_out_hex(o, CHK_FOUND, p->found);
	mmw_out_hex(o, CHK_EXPECTED, p->expected);
	mmw_out_str(o, CHK_TEXT, text);
	mmw_out_row(o);
}

/* What the verdict does not rest on. */
static void print_unknown(FILE *to, const struct mmw_buddy *b)
{
	const char *lead = "; the kernel's types do not tell what it takes to look for ";

	for (int kind = 0; kind < MMW_BUDDY_KINDS; kind++) {
		if (!(b->unknown >> kind & 1))
			continue;
		fprintf(to, "%s%s", lead, mmw_buddy_problem_word((enum mmw_buddy_problem_kind)kind));
		lead = ", ";
	}
}

static void print_verdict(FILE *to, const struct mmw_buddy *b, uint64_t problems)
{
	uint64_t pages = 0, kept = 0;

	for (size_t zone = 0; zone < b->zones.n; zone++)
		pages += free_pages(b, zone);
	for (size_t i = 0; i < b->pcp.n_sets; i++)
		kept += b->pcp.sets[i].listed;
	if (problems)
		fprintf(to, "free lists NOT verified: %" PRIu64 " problem%s", problems, problems == 1 ? "" : "s");
	else
		fprintf(to, "free lists verified: %zu blocks of %" PRIu64 " pages", b->n_blocks, pages);
	if (!problems && b->has_pcp)
		fprintf(to, ", and %" PRIu64 " pages that CPUs keep", kept);
	print_unknown(to, b);
	fputc('\n', to);
}

static int run_check(struct mmw_target *t, struct mmw_err *err)
{
	struct mmw_buddy b;
	uint64_t problems;
	int rc = mmw_buddy_check(t->kernel, t->kopts.threads, &b, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < b.n_problems; i++)
		row_problem(t, &b, &b.problems[i]);
	for (size_t i = 0; i < b.pcp.n_problems; i++)
		row_pcp_problem(t, &b, &b.pcp.problems[i]);
	if (b.more_problems || b.pcp.more_problems)
		mmw_warn("and %" PRIu64 " problems more", b.more_problems + b.pcp.more_problems);
	problems = b.n_problems + b.more_problems + b.pcp.n_problems + b.pcp.more_problems;
	if (t->out.mode == MMW_OUT_TEXT)
		print_verdict(t->out.to, &b, problems);
	t->damage = t->damage || problems;
	mmw_buddy_close(&b);
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
	return o->blocks ? run_blocks(t, o, err) : o->check ? run_check(t, err) : run_zones(t, err);
}

const struct mmw_cmd mmw_cmd_buddyinfo = {
	.name = "buddyinfo",
	.summary = "the page allocator's free blocks, as /proc/buddyinfo prints them",
	.doc = "Print /proc/buddyinfo as it was when the image was taken, counted by walking the free lists, and say on standard "
	       "error whether they agree with the struct pages' own marks, with nr_free and with NR_FREE_PAGES. -v adds the "
	       "counts of each migrate type.",
	.options = options,
	.parse = parse_opt,
	.opts_size = sizeof(struct opts),
	.cols = cols,
	.schema = "buddyinfo/1",
	.views = views,
	.view = view,
	.run = run,
};

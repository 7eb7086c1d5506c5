/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memmap: the ledger, every page frame in exactly one class. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/vec.h"
#include "lib/mm/ledger.h"
#include "lib/slab/cache.h"

enum { COL_NODE, COL_ZONE, COL_PFN, COL_CLASS, COL_DETAIL, COL_PAGES, COL_BYTES };

static const struct mmw_col cols[] = {
	[COL_NODE] = { "node", "memory node; unknown outside every zone", 4, true, true },
	[COL_ZONE] = { "zone", "zone", 8, false, true },
	[COL_PFN] = { "pfn", "the first frame of the range (with --list)", 10, true, true },
	[COL_CLASS] = { "class", "what the frames are", 14, false, true },
	[COL_DETAIL] = { "detail", "which of that: order of a free block, slab cache, level of a page table ...", 24, false, true },
	[COL_PAGES] = { "pages", "page frames", 10, true, true },
	[COL_BYTES] = { "bytes", "the same in bytes", 14, true, false },
	{ 0 },
};

enum { DETAIL_MAX = 160, KINDS_MAX = 1 << 18, UNSORTED_MAX = 1024 };

struct memmap_opts {
	bool list, details, zones;
	const char *class;
	bool wanted[MMW_CLASS_N];
};

/* Frames of one kind: a line of the totals. */
struct kind {
	struct mmw_ledger_range key;  /* pfn and n are 0 */
	uint64_t pages;
};

struct job {
	struct mmw_target *t;
	struct memmap_opts *o;
	struct mmw_ledger ledger;
	struct kind *kind;
	size_t n, cap, last;
	size_t sorted;  /* the first so many; those behind may repeat a kind */
	uint64_t total, page_size;
	uint64_t lost;  /* frames whose struct pages cannot be read */
	struct mmw_caches caches;
	bool tried_caches;
};

static const struct argp_option options[] = {
	{ "details", 'd', 0, 0, "also which of a class: free blocks by order, slabs by cache, page tables by level ...", 0 },
	{ "zones", 'z', 0, 0, "for each node and zone", 0 },
	{ "list", 'l', 0, 0, "ranges of frames, in order", 0 },
	{ "class", 'c', "NAMES", 0, "only these classes, comma-separated ('help' lists them)", 0 },
	{ 0 },
};

static void parse_classes(struct argp_state *state, struct memmap_opts *o, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, ","), i = 0;

		while (i < MMW_CLASS_N && (strlen(mmw_class_name((enum mmw_class)i)) != len ||
					   strncmp(mmw_class_name((enum mmw_class)i), text, len)))
			i++;
		if (i == MMW_CLASS_N)
			argp_error(state, "--class: no class '%.*s'", (int)len, text);
		o->wanted[i] = true;
		text += len + (text[len] == ',');
	}
}

static void __attribute__((noreturn)) list_classes(void)
{
	for (size_t i = 0; i < MMW_CLASS_N; i++)
		printf("%-14s %s\n", mmw_class_name((enum mmw_class)i), mmw_class_words((enum mmw_class)i));
	exit(0);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct memmap_opts *o = state->input;

	switch (key) {
	case 'd':
		o->details = true;
		return 0;
	case 'z':
		o->zones = true;
		return 0;
	case 'l':
		o->list = true;
		return 0;
	case 'c':
		if (!strcmp(arg, "help"))
			list_classes();
		o->class = arg;
		parse_classes(state, o, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- words --------------------------------------------------------------------------------------------------------- */

/* A cache that is not on their list is told by its address alone. */
static void cache_text(struct job *j, uint64_t va, char *text, size_t size)
{
	const struct mmw_cache *c;

	if (!j->tried_caches && mmw_caches_open(j->t->kernel, &j->caches, NULL))
		memset(&j->caches, 0, sizeof(j->caches));
	j->tried_caches = true;
	c = mmw_cache_at(&j->caches, va);
	if (c)
		snprintf(text, size, "%s", c->name);
	else if (va)
		snprintf(text, size, "kmem_cache %" PRIx64, va);
	else
		snprintf(text, size, "?");
}

static void table_text(struct job *j, uint64_t detail, char *text, size_t size)
{
	const struct mmw_space *space = mmw_kernel_space(j->t->kernel);

	if (detail == MMW_TABLE_UNKNOWN || !space)
		snprintf(text, size, "of no process");
	else
		snprintf(text, size, "%s %s", detail & MMW_TABLE_USER ? "user" : "kernel",
			 mmw_level_name(&space->paging, detail & 15));
}

static void order_text(struct job *j, uint64_t order, char *text, size_t size)
{
	char bytes[24];

	snprintf(text, size, "order %" PRIu64 " (%s)", order, mmw_size_text(j->page_size << order, bytes));
}

/* Which of its class; "" where there is but one kind. */
static const char *detail_text(struct job *j, const struct mmw_ledger_range *r, char *text, size_t size)
{
	static const char *const anon[] = { "small pages", "ksm", "large folios", "in swap cache" };

	text[0] = '\0';
	switch (r->class) {
	case MMW_CLASS_FREE:
	case MMW_CLASS_HUGETLB:
	case MMW_CLASS_UNEXPLAINED:
	case MMW_CLASS_LARGE_KMALLOC:
		order_text(j, r->detail, text, size);
		break;
	case MMW_CLASS_PCP:
		if (r->detail == MMW_PCP_NO_CPU)
			snprintf(text, size, "waiting for the zone's lock");
		else
			snprintf(text, size, "CPU %" PRIu64, r->detail);
		break;
	case MMW_CLASS_SLAB:
		cache_text(j, r->detail, text, size);
		break;
	case MMW_CLASS_PAGE_TABLE:
		table_text(j, r->detail, text, size);
		break;
	case MMW_CLASS_ANON:
		snprintf(text, size, "%s", anon[r->detail & 3]);
		break;
	case MMW_CLASS_OFFLINE:
		snprintf(text, size, "%s", r->detail == MMW_OFFLINE_SECTION ? "memory sections" : "pages");
		break;
	case MMW_CLASS_FILE:
	case MMW_CLASS_SHMEM:
		snprintf(text, size, "%s", r->detail ? "large folios" : "small pages");
		break;
	case MMW_CLASS_LOST:
		snprintf(text, size, "%s", mmw_code_word((enum mmw_code)r->detail));
		break;
	case MMW_CLASS_IMAGE:
	case MMW_CLASS_VMALLOC:
	case MMW_CLASS_FIRMWARE:
		snprintf(text, size, "%s", r->detail < j->ledger.claims.n_names ? j->ledger.claims.names[r->detail] : "");
		break;
	default:
		break;
	}
	return text;
}

static const char *zone_name(const struct job *j, const struct mmw_ledger_range *r)
{
	const struct mmw_zones *z = &j->ledger.zones;

	for (size_t i = 0; i < z->n; i++)
		if (z->zone[i].node == r->node && z->zone[i].index == r->zone)
			return z->zone[i].name;
	return NULL;
}

/* --- output -------------------------------------------------------------------------------------------------------- */

static void row(struct job *j, const struct mmw_ledger_range *r, uint64_t pages)
{
	struct mmw_out *o = &j->t->out;
	const char *zone = zone_name(j, r);
	char text[DETAIL_MAX];

	if (zone) {
		mmw_out_num(o, COL_NODE, r->node);
		mmw_out_str(o, COL_ZONE, zone);
	}
	if (j->o->list)
		mmw_out_hex(o, COL_PFN, r->pfn);
	mmw_out_str(o, COL_CLASS, mmw_class_name((enum mmw_class)r->class));
	mmw_out_str(o, COL_DETAIL, detail_text(j, r, text, sizeof(text)));
	mmw_out_num(o, COL_PAGES, pages);
	mmw_out_num(o, COL_BYTES, pages * j->page_size);
	mmw_out_row(o);
}

static void print_range(struct job *j, const struct mmw_ledger_range *r)
{
	const char *zone = zone_name(j, r);
	char text[DETAIL_MAX], place[32] = "-";

	if (j->t->out.mode != MMW_OUT_TEXT) {
		row(j, r, r->n);
		return;
	}
	if (zone)
		snprintf(place, sizeof(place), "%u %s", r->node, zone);
	detail_text(j, r, text, sizeof(text));
	fprintf(j->t->out.to, "%10" PRIx64 " %8" PRIx64 "  %-10s %s%s%s\n", r->pfn, r->n, place,
		mmw_class_words((enum mmw_class)r->class), *text ? ": " : "", text);
}

static void print_line(struct job *j, const char *name, uint64_t pages, const char *lead)
{
	fprintf(j->t->out.to, "%s%-*s %12" PRIu64 " %12.1f %6.2f\n", lead, 34 - (int)strlen(lead), name, pages,
		(double)pages * (double)j->page_size / (1 << 20), j->total ? 100.0 * (double)pages / (double)j->total : 0.0);
}

/* Kinds [first, end) are of one class, and with --zones of one zone. */
static void print_class(struct job *j, size_t first, size_t end)
{
	char text[DETAIL_MAX];
	uint64_t pages = 0;

	for (size_t i = first; i < end; i++)
		pages += j->kind[i].pages;
	print_line(j, mmw_class_words((enum mmw_class)j->kind[first].key.class), pages, "");
	for (size_t i = first; j->o->details && i < end; i++) {
		detail_text(j, &j->kind[i].key, text, sizeof(text));
		if (*text || end - first > 1)
			print_line(j, *text ? text : "other", j->kind[i].pages, "  ");
	}
}

static void print_totals(struct job *j)
{
	FILE *to = j->t->out.to;

	for (size_t first = 0, end; first < j->n; first = end) {
		const struct mmw_ledger_range *key = &j->kind[first].key;
		const char *zone = zone_name(j, key);

		if (!first || (j->o->zones && (key->node != j->kind[first - 1].key.node || key->zone != j->kind[first - 1].key.zone))) {
			char head[48] = "class";

			if (j->o->zones && zone)
				snprintf(head, sizeof(head), "node %u, zone %s", key->node, zone);
			else if (j->o->zones)
				snprintf(head, sizeof(head), "in no zone");
			fprintf(to, "%s%-34s %12s %12s %6s\n", first ? "\n" : "", head, "pages", "MiB", "%");
		}
		for (end = first + 1; end < j->n && j->kind[end].key.class == key->class && j->kind[end].key.zone == key->zone &&
		     j->kind[end].key.node == key->node; )
			end++;
		print_class(j, first, end);
	}
	fputs(j->n && j->o->zones ? "\n" : "", to);
	print_line(j, "total", j->total, "");
}

/* --- counting ------------------------------------------------------------------------------------------------------ */

static int compare_kinds(const struct mmw_ledger_range *a, const struct mmw_ledger_range *b)
{
	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	if (a->zone != b->zone)
		return a->zone < b->zone ? -1 : 1;
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return a->detail < b->detail ? -1 : a->detail > b->detail;
}

static int by_key(const void *a, const void *b)
{
	return compare_kinds(&((const struct kind *)a)->key, &((const struct kind *)b)->key);
}

/* All in order, each kind once. */
static void sort_kinds(struct job *j)
{
	size_t n = 0;

	if (j->n)
		qsort(j->kind, j->n, sizeof(*j->kind), by_key);
	for (size_t i = 0; i < j->n; i++) {
		if (n && !by_key(&j->kind[n - 1], &j->kind[i]))
			j->kind[n - 1].pages += j->kind[i].pages;
		else
			j->kind[n++] = j->kind[i];
	}
	j->n = j->sorted = n;
	j->last = 0;
}

/* New kinds are put behind the others, and sorted in when they have become many. */
static int count(struct job *j, const struct mmw_ledger_range *r, struct mmw_err *err)
{
	struct kind new = { { .class = r->class, .detail = r->detail, .node = r->node, .zone = r->zone }, r->n };
	struct kind *known = NULL;

	if (!j->o->zones && j->t->out.mode == MMW_OUT_TEXT)
		new.key.node = new.key.zone = 0;
	if (j->last < j->n && !by_key(&j->kind[j->last], &new))
		known = &j->kind[j->last];
	else if (j->sorted)
		known = bsearch(&new, j->kind, j->sorted, sizeof(new), by_key);
	if (known) {
		known->pages += r->n;
		j->last = (size_t)(known - j->kind);
		return 0;
	}
	if (j->n - j->sorted > UNSORTED_MAX + j->sorted / 2)
		sort_kinds(j);
	if (j->n >= KINDS_MAX)
		return mmw_fail(err, MMW_E_LIMIT, 0, "more than %d kinds of frames", KINDS_MAX);
	if (mmw_vec_reserve(&j->kind, &j->cap, j->n + 1, sizeof(new), err))
		return -MMW_E_NOMEM;
	j->last = j->n;
	j->kind[j->n++] = new;
	return 0;
}

static int visit(void *ctx, const struct mmw_ledger_range *r, struct mmw_err *err)
{
	struct job *j = ctx;

	j->lost += r->class == MMW_CLASS_LOST ? r->n : 0;
	if (j->o->class && !j->o->wanted[r->class])
		return 0;
	j->total += r->n;
	if (!j->o->list)
		return count(j, r, err);
	print_range(j, r);
	return 0;
}

static void say(struct job *j)
{
	const struct mmw_ledger *l = &j->ledger;
	const char *unknown[] = { l->claims.no_tasks, l->claims.no_percpu, l->claims.no_resources, l->kpf.unknown };

	if (j->t->verbose && l->kmalloc)
		mmw_warn("%" PRIu64 " compound pages are large kmalloc: just as many does the kernel count as slab beside the slabs", l->compound);
	for (size_t i = 0; i < mmw_array_len(unknown); i++)
		if (unknown[i])
			mmw_warn("not known: %s", unknown[i]);
	if (!l->has_pcp)
		mmw_warn("the per-CPU lists cannot be read, so their pages count as unexplained: %s", l->no_pcp.msg);
	if (j->lost)
		mmw_warn("what %" PRIu64 " frames are is not known: their struct pages cannot be read", j->lost);
	if (l->damaged)
		mmw_warn("%" PRIu64 " frames say they are part of a compound page that cannot be", l->damaged);
	if (l->claims.lost)
		mmw_warn("%" PRIu64 " page tables cannot be read; what they map may count as unexplained", l->claims.lost);
	j->t->damage = j->t->damage || !l->has_pcp || j->lost || l->damaged || l->claims.lost;
}

static int show(struct job *j, struct mmw_err *err)
{
	struct mmw_target *t = j->t;
	int rc;

	j->page_size = 1ull << mmw_kernel_page_shift(t->kernel);
	rc = mmw_ledger_prove(&j->ledger, t->kopts.threads, err);
	rc = rc ? rc : mmw_ledger_pass(&j->ledger, t->kopts.threads, visit, j, err);
	if (rc)
		return rc;
	sort_kinds(j);
	if (!j->o->list && t->out.mode == MMW_OUT_TEXT)
		print_totals(j);
	for (size_t i = 0; t->out.mode != MMW_OUT_TEXT && i < j->n; i++)
		row(j, &j->kind[i].key, j->kind[i].pages);
	say(j);
	return 0;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct job j = { .t = t, .o = opts };
	int rc = mmw_target_need_kernel(t, err);

	(void)argc;
	(void)argv;
	rc = rc ? rc : mmw_ledger_open(t->kernel, &j.ledger, err);
	if (rc)
		return rc;
	rc = show(&j, err);
	free(j.kind);
	mmw_caches_close(&j.caches);
	mmw_ledger_close(&j.ledger);
	return rc;
}

const struct mmw_cmd mmw_cmd_memmap = {
	.name = "memmap",
	.summary = "every page frame of the machine in exactly one class: the ledger",
	.doc = "Say of every page frame what it is used for: free, slab, page table, page cache, anonymous, kernel image, vmalloc, "
	       "kernel stack and so on, each frame in one class, and print how many there are of each.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct memmap_opts),
	.cols = cols,
	.schema = "memmap/1",
	.run = run,
};

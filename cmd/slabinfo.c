/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slabinfo: /proc/slabinfo rebuilt from the caches' own counters; and what is true of each object, counted one by one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/slab/check.h"

enum { COL_NAME, COL_ACTIVE, COL_OBJS, COL_SIZE, COL_PER_SLAB, COL_PAGES, COL_LIMIT, COL_BATCH, COL_SHARED, COL_ACTIVE_SLABS,
       COL_SLABS, COL_AVAIL, COL_OBJECT_SIZE, COL_REFCOUNT, COL_FLAGS, COL_ADDR };

static const struct mmw_col cols[] = {
	[COL_NAME] = { "name", "name of the cache", 20, false, true },
	[COL_ACTIVE] = { "active_objs", "objects less those free on nodes' partial lists", 11, true, true },
	[COL_OBJS] = { "num_objs", "objects, free or not", 9, true, true },
	[COL_SIZE] = { "objsize", "bytes from one object to the next", 7, true, true },
	[COL_PER_SLAB] = { "objperslab", "objects in a slab", 10, true, true },
	[COL_PAGES] = { "pagesperslab", "pages in a slab", 12, true, true },
	[COL_LIMIT] = { "limit", "objects a CPU may keep (SLAB)", 5, true, false },
	[COL_BATCH] = { "batchcount", "objects that go to or from a CPU at once (SLAB)", 10, true, false },
	[COL_SHARED] = { "sharedfactor", "how many times as many a node may keep (SLAB)", 12, true, false },
	[COL_ACTIVE_SLABS] = { "active_slabs", "slabs with objects in use", 12, true, true },
	[COL_SLABS] = { "num_slabs", "slabs", 9, true, true },
	[COL_AVAIL] = { "sharedavail", "objects nodes keep (SLAB)", 11, true, false },
	[COL_OBJECT_SIZE] = { "object_size", "of objsize, the object's own bytes", 11, true, false },
	[COL_REFCOUNT] = { "refcount", "the cache, and those that were merged with it", 8, true, false },
	[COL_FLAGS] = { "flags", "what was asked for", 20, false, false },
	[COL_ADDR] = { "addr", "struct kmem_cache", 16, true, false },
	{ 0 },
};

enum { EX_NAME, EX_ALLOCATED, EX_OBJECTS, EX_FREE, EX_CPU, EX_NODE, EX_UNKNOWN, EX_SLABS, EX_FULL, EX_PARTIAL, EX_CPU_SLABS,
       EX_EMPTY, EX_BYTES, EX_USED, EX_WASTED, EX_SIZE, EX_OBJECT_SIZE, EX_ADDR };

static const struct mmw_col exact_cols[] = {
	[EX_NAME] = { "name", "name of the cache", 20, false, true },
	[EX_ALLOCATED] = { "allocated", "objects in use", 9, true, true },
	[EX_OBJECTS] = { "objects", "objects, in use or not", 9, true, true },
	[EX_FREE] = { "free", "on their slabs' free lists", 8, true, true },
	[EX_CPU] = { "cpu", "free, and held by CPUs: on their free lists, in their arrays or sheaves", 8, true, true },
	[EX_NODE] = { "node", "free, and held by nodes: in shared and alien arrays, or barns", 8, true, true },
	[EX_UNKNOWN] = { "unknown", "a broken free list may have had them", 7, true, false },
	[EX_SLABS] = { "slabs", "slabs", 7, true, true },
	[EX_FULL] = { "full", "slabs without free objects", 7, true, true },
	[EX_PARTIAL] = { "partial", "slabs on nodes' partial lists", 7, true, true },
	[EX_CPU_SLABS] = { "cpu_slabs", "slabs that CPUs have", 9, true, true },
	[EX_EMPTY] = { "empty", "slabs without objects in use", 7, true, false },
	[EX_BYTES] = { "bytes", "memory of its slabs", 10, true, true },
	[EX_USED] = { "used", "bytes of the objects in use", 10, true, true },
	[EX_WASTED] = { "wasted", "the rest: free objects, padding, what debugging adds", 10, true, true },
	[EX_SIZE] = { "size", "bytes from one object to the next", 6, true, false },
	[EX_OBJECT_SIZE] = { "object_size", "of these, the object's own", 6, true, false },
	[EX_ADDR] = { "addr", "struct kmem_cache", 16, true, false },
	{ 0 },
};

enum { CHK_PROBLEM, CHK_CACHE, CHK_SLAB, CHK_ADDR, CHK_OBJECT, CHK_CPU, CHK_NODE, CHK_LAST, CHK_FOUND, CHK_EXPECTED, CHK_TEXT };

static const struct mmw_col check_cols[] = {
	[CHK_PROBLEM] = { "problem", "what kind of contradiction: a word that stays", 15, false, true },
	[CHK_CACHE] = { "cache", "name of the cache, or its address", 20, false, true },
	[CHK_SLAB] = { "slab", "struct page of the slab", 16, true, false },
	[CHK_ADDR] = { "addr", "where: a struct, an object, the first of the bytes", 16, true, true },
	[CHK_OBJECT] = { "object", "whose bytes they are", 16, true, false },
	[CHK_CPU] = { "cpu", "who has it", 3, true, false },
	[CHK_NODE] = { "node", "memory node", 4, true, false },
	[CHK_LAST] = { "last", "the last of the bytes", 16, true, false },
	[CHK_FOUND] = { "found", "what is there: a number or address, as the words say", 16, true, false },
	[CHK_EXPECTED] = { "expected", "what should be", 16, true, false },
	[CHK_TEXT] = { "text", "in words", 20, false, true },
	{ 0 },
};

static const struct mmw_view views[] = {
	{ "--exact", "slabinfo-exact/1", exact_cols },
	{ "--check", "slabinfo-check/1", check_cols },
	{ 0 },
};

enum sort { SORT_NONE, SORT_NAME, SORT_BYTES, SORT_WASTED, SORT_OBJECTS, SORT_ALLOCATED, SORT_SIZE, SORT_SLABS };

struct opts {
	bool exact, check;
	enum sort sort;
};

enum { OPT_EXACT = 3000, OPT_CHECK, OPT_SORT };

static const struct argp_option options[] = {
	{ "exact", OPT_EXACT, 0, 0, "count each object: in use, free, held by CPUs and nodes; and the bytes", 0 },
	{ "check", OPT_CHECK, 0, 0, "hold the caches, their slabs and objects against everything that tells of them", 0 },
	{ "sort", OPT_SORT, "WORD", 0, "by name, bytes, wasted (with --exact), objects, allocated, size or slabs; the largest first", 0 },
	{ 0 },
};

static enum sort sort_word(struct argp_state *state, const char *word)
{
	static const char *const words[] = {
		[SORT_NAME] = "name", [SORT_BYTES] = "bytes", [SORT_WASTED] = "wasted", [SORT_OBJECTS] = "objects",
		[SORT_ALLOCATED] = "allocated", [SORT_SIZE] = "size", [SORT_SLABS] = "slabs",
	};

	for (enum sort i = SORT_NAME; i <= SORT_SLABS; i++)
		if (!strcmp(word, words[i]))
			return i;
	argp_error(state, "--sort: no order \"%s\"", word);
	return SORT_NONE;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct opts *o = state->input;

	switch (key) {
	case OPT_EXACT:
		o->exact = true;
		break;
	case OPT_CHECK:
		o->check = true;
		break;
	case OPT_SORT:
		o->sort = sort_word(state, arg);
		break;
	case ARGP_KEY_END:
		if (o->check && (o->exact || o->sort != SORT_NONE))
			argp_error(state, "--check goes without --exact and --sort");
		if (o->sort == SORT_WASTED && !o->exact)
			argp_error(state, "--sort wasted goes with --exact");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct mmw_view *view(const void *opts)
{
	const struct opts *o = opts;

	return o->exact ? &views[0] : o->check ? &views[1] : NULL;
}

/* A cache's line, of one kind or the other. */
struct line {
	const struct mmw_cache *cache;
	struct mmw_slabinfo info;
	uint64_t objects[MMW_OBJECT_STATES], slabs[MMW_SLAB_PLACES];
	uint64_t n_objects, n_slabs, n_empty, bytes;
};

struct job {
	struct mmw_target *t;
	const struct opts *opts;
	struct mmw_slabs s;
	struct line *line;    /* by cache */
	size_t n;
	struct line none;     /* slabs of caches that are not listed */
};

/* --- lines --------------------------------------------------------------------------------------------------------- */

static uint64_t used(const struct line *l)
{
	return l->objects[MMW_OBJECT_ALLOCATED] * l->cache->object_size;
}

static uint64_t key(const struct line *l, enum sort sort)
{
	switch (sort) {
	case SORT_BYTES:
		return l->n_slabs ? l->bytes : l->info.num_slabs << l->cache->order;
	case SORT_WASTED:
		return l->bytes - used(l);
	case SORT_OBJECTS:
		return l->n_slabs ? l->n_objects : l->info.num_objs;
	case SORT_ALLOCATED:
		return l->n_slabs ? l->objects[MMW_OBJECT_ALLOCATED] : l->info.active_objs;
	case SORT_SIZE:
		return l->cache->size;
	case SORT_SLABS:
		return l->n_slabs ? l->n_slabs : l->info.num_slabs;
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b, void *ctx)
{
	const struct line *x = a, *y = b;
	enum sort sort = *(enum sort *)ctx;
	uint64_t p = key(x, sort), q = key(y, sort);
	int names = strcmp(x->cache->name, y->cache->name);

	if (sort != SORT_NAME && p != q)
		return p < q ? 1 : -1;
	return names ? names : x->cache < y->cache ? -1 : x->cache > y->cache;
}

static int make_lines(struct job *j, struct mmw_err *err)
{
	const struct mmw_caches *c = &j->s.caches;

	j->line = calloc(c->n, sizeof(*j->line));
	if (!j->line)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu caches", c->n);
	for (size_t i = 0; i < c->n; i++) {
		j->line[i].cache = &c->cache[i];
		mmw_slabs_info(&j->s, &c->cache[i], &j->line[i].info);
	}
	j->n = c->n;
	return 0;
}

/* Copies of a cache for memory cgroups are part of its line, and what stands for SLOB's pages has none but the exact one. */
static void drop_copies(struct job *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++)
		if (j->line[i].cache->root == i && (j->line[i].cache->va || j->opts->exact))
			j->line[n++] = j->line[i];
	j->n = n;
}

/* --- as /proc/slabinfo --------------------------------------------------------------------------------------------- */

/* mm/slab_common.c, print_slabinfo_header() and cache_show(). */
static void print_head(FILE *to)
{
	fputs("slabinfo - version: 2.1\n", to);
	fputs("# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>", to);
	fputs(" : tunables <limit> <batchcount> <sharedfactor>", to);
	fputs(" : slabdata <active_slabs> <num_slabs> <sharedavail>\n", to);
}

static void print_line(FILE *to, const struct line *l)
{
	const struct mmw_cache *c = l->cache;
	const struct mmw_slabinfo *i = &l->info;

	fprintf(to, "%-17s ", c->name);
	if (i->known)
		fprintf(to, "%6" PRIu64 " %6" PRIu64, i->active_objs, i->num_objs);
	else
		fprintf(to, "%6s %6s", "?", "?");
	if (c->objects)
		fprintf(to, " %6u %4u %4d : tunables %4u %4u %4u : slabdata ", c->size, c->objects, 1 << c->order, c->limit,
			c->batchcount, c->shared);
	else
		fprintf(to, " %6u %4s %4s : tunables %4s %4s %4s : slabdata ", c->size, "?", "?", "?", "?", "?");
	if (i->known)
		fprintf(to, "%6" PRIu64 " %6" PRIu64 " %6" PRIu64 "\n", i->active_slabs, i->num_slabs, i->shared_avail);
	else
		fprintf(to, "%6s %6s %6s\n", "?", "?", "?");
}

static void row(struct mmw_out *o, const struct line *l)
{
	const struct mmw_cache *c = l->cache;
	char words[512];

	mmw_out_str(o, COL_NAME, c->name);
	if (l->info.known) {
		mmw_out_num(o, COL_ACTIVE, l->info.active_objs);
		mmw_out_num(o, COL_OBJS, l->info.num_objs);
		mmw_out_num(o, COL_ACTIVE_SLABS, l->info.active_slabs);
		mmw_out_num(o, COL_SLABS, l->info.num_slabs);
		mmw_out_num(o, COL_AVAIL, l->info.shared_avail);
	}
	mmw_out_num(o, COL_SIZE, c->size);
	if (c->objects) {
		mmw_out_num(o, COL_PER_SLAB, c->objects);
		mmw_out_num(o, COL_PAGES, 1ull << c->order);
		mmw_out_num(o, COL_LIMIT, c->limit);
		mmw_out_num(o, COL_BATCH, c->batchcount);
		mmw_out_num(o, COL_SHARED, c->shared);
	}
	mmw_out_num(o, COL_OBJECT_SIZE, c->object_size);
	mmw_out_num(o, COL_REFCOUNT, (uint64_t)c->refcount);
	mmw_cache_flag_words(c, words, sizeof(words));
	mmw_out_words(o, COL_FLAGS, words);
	mmw_out_hex(o, COL_ADDR, c->va);
	mmw_out_row(o);
}

/* --- object by object ---------------------------------------------------------------------------------------------- */

static int visit(void *ctx, const struct mmw_slab *slab, struct mmw_err *err)
{
	struct job *j = ctx;
	struct line *l = slab->cache ? &j->line[slab->cache->root] : &j->none;

	(void)err;
	for (int i = 0; i < MMW_OBJECT_STATES; i++)
		l->objects[i] += slab->n[i];
	l->slabs[slab->place]++;
	l->n_slabs++;
	l->n_objects += slab->objects;
	l->n_empty += slab->n[MMW_OBJECT_ALLOCATED] + slab->n[MMW_OBJECT_UNKNOWN] == 0;
	l->bytes += j->s.pages.memmap_page << slab->order;
	return 0;
}

static void row_counts(struct mmw_out *o, const struct line *l)
{
	const uint64_t *n = l->objects;

	mmw_out_num(o, EX_ALLOCATED, n[MMW_OBJECT_ALLOCATED]);
	mmw_out_num(o, EX_OBJECTS, l->n_objects);
	mmw_out_num(o, EX_FREE, n[MMW_OBJECT_FREE]);
	mmw_out_num(o, EX_CPU, n[MMW_OBJECT_CPU] + n[MMW_OBJECT_SHEAF] + n[MMW_OBJECT_RCU]);
	mmw_out_num(o, EX_NODE, n[MMW_OBJECT_BARN] + n[MMW_OBJECT_SHARED] + n[MMW_OBJECT_ALIEN]);
	mmw_out_num(o, EX_UNKNOWN, n[MMW_OBJECT_UNKNOWN]);
	mmw_out_num(o, EX_SLABS, l->n_slabs);
	mmw_out_num(o, EX_FULL, l->slabs[MMW_SLAB_FULL]);
	mmw_out_num(o, EX_PARTIAL, l->slabs[MMW_SLAB_PARTIAL]);
	mmw_out_num(o, EX_CPU_SLABS, l->slabs[MMW_SLAB_CPU] + l->slabs[MMW_SLAB_CPU_PARTIAL]);
	mmw_out_num(o, EX_EMPTY, l->n_empty);
	mmw_out_num(o, EX_BYTES, l->bytes);
	mmw_out_num(o, EX_USED, used(l));
	mmw_out_num(o, EX_WASTED, l->bytes - used(l));
}

/* SLOB's caches have no objects that could be told from others'; all memory is in the line of the cache that is none. */
static void row_exact(struct mmw_out *o, const struct line *l)
{
	mmw_out_str(o, EX_NAME, l->cache->name);
	if (l->cache->objects)
		row_counts(o, l);
	mmw_out_num(o, EX_SIZE, l->cache->size);
	mmw_out_num(o, EX_OBJECT_SIZE, l->cache->object_size);
	if (l->cache->va)
		mmw_out_hex(o, EX_ADDR, l->cache->va);
	mmw_out_row(o);
}

static void say(struct job *j)
{
	const struct mmw_slab_problems *p = &j->s.problems;

	if (*j->s.caches.broken)
		mmw_warn("%s", j->s.caches.broken);
	for (size_t i = 0; i < j->s.caches.n; i++)
		if (j->s.caches.cache[i].recovered_random)
			mmw_warn("%s: what its links are mixed with is not as the cache has it, but as its slabs tell",
				 j->s.caches.cache[i].name);
	if (j->none.n_slabs)
		mmw_warn("%" PRIu64 " slabs name a cache that is not listed", j->none.n_slabs);
	if (p->n || p->more)
		mmw_warn("slabs NOT verified: %" PRIu64 " problems", p->n + p->more);
	j->t->damage = j->t->damage || *j->s.caches.broken || p->n || p->more;
}

static int run_exact(struct job *j, struct mmw_err *err)
{
	const struct mmw_slabs_opts o = { .threads = j->t->kopts.threads };

	return mmw_slabs_pass(&j->s, &o, visit, j, err);
}

static void print(struct job *j)
{
	enum sort sort = j->opts->sort;

	drop_copies(j);
	if (sort != SORT_NONE)
		qsort_r(j->line, j->n, sizeof(*j->line), compare, &sort);
	if (!j->opts->exact && j->t->out.mode == MMW_OUT_TEXT)
		print_head(j->t->out.to);
	for (size_t i = 0; i < j->n; i++) {
		if (j->opts->exact)
			row_exact(&j->t->out, &j->line[i]);
		else if (j->t->out.mode == MMW_OUT_TEXT)
			print_line(j->t->out.to, &j->line[i]);
		else
			row(&j->t->out, &j->line[i]);
	}
}

/* --- contradictions ----------------------------------------------------------------------------------------------- */

static void cache_word(struct mmw_out *o, const struct mmw_caches *caches, uint64_t va)
{
	const struct mmw_cache *c = mmw_cache_at(caches, va);

	if (c)
		mmw_out_str(o, CHK_CACHE, c->name);
	else if (va)
		mmw_out_hex(o, CHK_CACHE, va);
}

static void row_problem(struct mmw_out *o, const struct mmw_caches *caches, const struct mmw_slab_problem *p)
{
	bool bytes = mmw_slab_problem_has_bytes(p->kind);
	char text[512];

	mmw_slab_problem_text(caches, p, text, sizeof(text));
	if (o->mode == MMW_OUT_TEXT) {
		fprintf(o->to, "%s: %s\n", mmw_slab_problem_name(p->kind), text);
		return;
	}
	mmw_out_str(o, CHK_PROBLEM, mmw_slab_problem_name(p->kind));
	cache_word(o, caches, p->cache);
	if (p->slab)
		mmw_out_hex(o, CHK_SLAB, p->slab);
	mmw_out_hex(o, CHK_ADDR, p->addr);
	if (p->object)
		mmw_out_hex(o, CHK_OBJECT, p->object);
	if (p->cpu >= 0)
		mmw_out_num(o, CHK_CPU, (uint64_t)p->cpu);
	if (p->node >= 0)
		mmw_out_num(o, CHK_NODE, (uint64_t)p->node);
	if (bytes)
		mmw_out_hex(o, CHK_LAST, p->last);
	if (mmw_slab_problem_has_found(p->kind))
		mmw_out_hex(o, CHK_FOUND, p->found);
	if (mmw_slab_problem_has_expected(p->kind))
		mmw_out_hex(o, CHK_EXPECTED, p->expected);
	mmw_out_str(o, CHK_TEXT, text);
	mmw_out_row(o);
}

static void print_verdict(FILE *to, const struct mmw_slab_check *c, uint64_t problems)
{
	if (problems)
		fprintf(to, "slabs NOT verified: %" PRIu64 " problem%s", problems, problems == 1 ? "" : "s");
	else
		fprintf(to, "slabs verified: %" PRIu64 " of %zu caches, with %" PRIu64 " objects, %zu of them held by CPUs and nodes",
			c->n_slabs, c->slabs.caches.n, c->n_objects, c->slabs.n_held);
	if (c->guarded)
		fprintf(to, "; of %" PRIu64 " objects red zones, poison and padding too", c->guarded);
	if (c->no_counters)
		fprintf(to, "; this kernel does not count its slabs");
	if (c->slabs.unread)
		fprintf(to, "; the struct pages of %" PRIu64 " frames cannot be read", c->slabs.unread);
	fputc('\n', to);
}

static int run_check(struct mmw_target *t, struct mmw_err *err)
{
	struct mmw_slab_check c;
	const struct mmw_slab_problems *p = &c.slabs.problems;
	int rc = mmw_slabs_check(t->kernel, t->kopts.threads, &c, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < p->n; i++)
		row_problem(&t->out, &c.slabs.caches, &p->problem[i]);
	if (p->more)
		mmw_warn("and %" PRIu64 " problems more", p->more);
	if (t->out.mode == MMW_OUT_TEXT)
		print_verdict(t->out.to, &c, p->n + p->more);
	t->damage = t->damage || p->n || p->more || c.slabs.unread;
	mmw_slab_check_close(&c);
	return 0;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct job j = { .t = t, .opts = opts };
	int rc = mmw_target_need_kernel(t, err);

	(void)argc;
	(void)argv;
	if (!rc && j.opts->check)
		return run_check(t, err);
	rc = rc ? rc : mmw_slabs_open(t->kernel, j.opts->exact ? MMW_SLABS_OBJECTS : MMW_SLABS_COUNTERS, &j.s, err);
	if (rc)
		return rc;
	rc = make_lines(&j, err);
	if (!rc && j.opts->exact)
		rc = run_exact(&j, err);
	if (!rc) {
		print(&j);
		say(&j);
	}
	free(j.line);
	mmw_slabs_close(&j.s);
	return rc;
}

const struct mmw_cmd mmw_cmd_slabinfo = {
	.name = "slabinfo",
	.summary = "the slab allocator's caches, as /proc/slabinfo prints them, and what is exactly in use",
	.doc = "Print /proc/slabinfo as it was when the image was taken. Its active objects are all that are not free on a node's partial "
	       "list; --exact counts each object by itself.",
	.options = options,
	.parse = parse_opt,
	.opts_size = sizeof(struct opts),
	.cols = cols,
	.schema = "slabinfo/1",
	.views = views,
	.view = view,
	.run = run,
};

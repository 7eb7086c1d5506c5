/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slab-traces: who allocated the objects of caches and who freed them, where the kernel noted it (slub_debug=U). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/vec.h"
#include "lib/kernel/percpu.h"
#include "lib/slab/trace.h"

enum { COL_CACHE, COL_COUNT, COL_FUNCTION, COL_WASTE, COL_MIN_AGE, COL_AVG_AGE, COL_MAX_AGE, COL_MIN_PID, COL_MAX_PID, COL_CPUS,
       COL_NODES, COL_STACK, COL_ADDR, COL_HANDLE, COL_FIRST, COL_LAST, COL_WHY };

static const struct mmw_col cols[] = {
	[COL_CACHE] = { "cache", "name of the cache", 20, false, true },
	[COL_COUNT] = { "count", "objects", 7, true, true },
	[COL_FUNCTION] = { "function", "where they were allocated, or freed last", 40, false, true },
	[COL_WASTE] = { "waste", "bytes of each that nobody asked for (kmalloc)", 5, true, true },
	[COL_MIN_AGE] = { "age_min", "jiffies from the last time until the image was taken", 8, true, true },
	[COL_AVG_AGE] = { "age_avg", "of all times, on average", 8, true, false },
	[COL_MAX_AGE] = { "age_max", "from the first time", 8, true, true },
	[COL_MIN_PID] = { "pid_min", "lowest process id", 7, true, true },
	[COL_MAX_PID] = { "pid_max", "highest process id", 7, true, true },
	[COL_CPUS] = { "cpus", "on which CPUs", 6, false, true },
	[COL_NODES] = { "nodes", "on which nodes they are", 5, false, false },
	[COL_STACK] = { "stack", "the calls that led there, the innermost first", 40, false, false },
	[COL_ADDR] = { "addr", "the address of function", 16, true, false },
	[COL_HANDLE] = { "handle", "the kernel's number of the stack", 10, true, false },
	[COL_FIRST] = { "first", "jiffies of the first time", 16, true, false },
	[COL_LAST] = { "last", "jiffies of the last time", 16, true, false },
	[COL_WHY] = { "why", "why there is no stack", 12, false, false },
	{ 0 },
};

enum { TR_ASKED, TR_OBJECT, TR_OFFSET, TR_CACHE, TR_STATE, TR_TRACK, TR_FUNCTION, TR_WASTE, TR_AGE, TR_PID, TR_CPU, TR_STACK, TR_ADDR,
       TR_HANDLE, TR_WHEN, TR_WHY };

static const struct mmw_col track_cols[] = {
	[TR_ASKED] = { "asked", "the argument", 18, false, false },
	[TR_OBJECT] = { "object", "address of the object it lies in", 16, true, true },
	[TR_OFFSET] = { "offset", "and how far", 6, true, true },
	[TR_CACHE] = { "cache", "name of the cache", 20, false, true },
	[TR_STATE] = { "state", "is it in use, and if not, who holds it", 9, false, true },
	[TR_TRACK] = { "track", "allocated, or freed", 9, false, true },
	[TR_FUNCTION] = { "function", "where", 40, false, true },
	[TR_WASTE] = { "waste", "bytes of it that nobody asked for (kmalloc)", 5, true, false },
	[TR_AGE] = { "age", "jiffies until the image was taken", 8, true, true },
	[TR_PID] = { "pid", "process id", 7, true, true },
	[TR_CPU] = { "cpu", "CPU", 4, true, true },
	[TR_STACK] = { "stack", "the calls that led there, the innermost first", 40, false, false },
	[TR_ADDR] = { "addr", "the address of function", 16, true, false },
	[TR_HANDLE] = { "handle", "the kernel's number of the stack", 10, true, false },
	[TR_WHEN] = { "when", "jiffies", 16, true, false },
	[TR_WHY] = { "why", "why there is no stack", 12, false, false },
	{ 0 },
};

static const struct mmw_view views[] = {
	{ "--addr", "slab-tracks/1", track_cols },
	{ 0 },
};

enum { SYMBOL_MAX = 600 };

struct opts {
	bool free, calls, all, addr;
};

enum { OPT_FREE = 3000, OPT_CALLS, OPT_ALL, OPT_ADDR };

static const struct argp_option options[] = {
	{ "free", OPT_FREE, 0, 0, "who had the objects before: the last one to free them", 0 },
	{ "calls", OPT_CALLS, 0, 0, "by function alone, without stacks", 0 },
	{ "all", OPT_ALL, 0, 0, "objects that are free, too: what was noted of them is still there", 0 },
	{ "addr", OPT_ADDR, 0, 0, "both traces of the objects at these addresses", 0 },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct opts *o = state->input;

	(void)arg;
	switch (key) {
	case OPT_FREE:
		o->free = true;
		break;
	case OPT_CALLS:
		o->calls = true;
		break;
	case OPT_ALL:
		o->all = true;
		break;
	case OPT_ADDR:
		o->addr = true;
		break;
	case ARGP_KEY_END:
		if (o->addr && (o->free || o->calls || o->all))
			argp_error(state, "--addr goes with no other of these options");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct mmw_view *view(const void *opts)
{
	return ((const struct opts *)opts)->addr ? &views[0] : NULL;
}

struct name {
	uint64_t addr;
	char *text;
};

struct job {
	struct mmw_target *t;
	const struct opts *opts;
	struct mmw_slabs s;
	struct mmw_tracks tracks;
	struct mmw_traces traces;
	bool *wanted;          /* of each cache */
	size_t n_wanted;
	bool headings;         /* which cache it is, is not plain */
	bool many_cpus, many_nodes;
	struct name *name;     /* of all addresses, ascending */
	size_t n_names;
};

/* --- names of addresses -------------------------------------------------------------------------------------------- */

static int compare_address(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Stacks have their addresses in common: each is looked up once. */
static int find_names(struct job *j, struct mmw_err *err)
{
	const struct mmw_traces *t = &j->traces;
	char text[SYMBOL_MAX];
	size_t n = 0;

	j->name = calloc(t->n + t->n_frames + 1, sizeof(*j->name));
	if (!j->name)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for names");
	for (size_t i = 0; i < t->n; i++)
		j->name[n++].addr = t->trace[i].addr;
	for (size_t i = 0; i < t->n_frames; i++)
		j->name[n++].addr = t->frame[i];
	qsort(j->name, n, sizeof(*j->name), compare_address);
	for (size_t i = 0; i < n; i++) {
		if (j->n_names && j->name[j->n_names - 1].addr == j->name[i].addr)
			continue;
		j->name[j->n_names] = j->name[i];
		j->name[j->n_names].text = strdup(mmw_symbol_ktext(j->t->kernel, j->name[i].addr, text, sizeof(text)));
		if (!j->name[j->n_names++].text)
			return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for names");
	}
	return 0;
}

static const char *name_of(const struct job *j, uint64_t addr)
{
	const struct name key = { .addr = addr };

	return ((struct name *)bsearch(&key, j->name, j->n_names, sizeof(key), compare_address))->text;
}

/* --- traces -------------------------------------------------------------------------------------------------------- */

/* "0-3,5": as %*pbl prints a mask. */
static const char *bits_text(const struct mmw_bits *bits, char *buf, size_t size)
{
	size_t n = 0, end = bits->n * 64;

	*buf = '\0';
	for (size_t i = 0, last; i < end && n < size; i = last + 1) {
		last = i;
		if (!(bits->word[i / 64] >> i % 64 & 1))
			continue;
		while (last + 1 < end && bits->word[(last + 1) / 64] >> (last + 1) % 64 & 1)
			last++;
		n += (size_t)snprintf(buf + n, size - n, last > i ? "%s%zu-%zu" : "%s%zu", n ? "," : "", i, last);
	}
	return buf;
}

static json_t *json_stack(const struct job *j, const uint64_t *addr, unsigned n, char *text, size_t size)
{
	json_t *list = json_array();
	size_t used = 0;

	*text = '\0';
	for (unsigned i = 0; i < n; i++) {
		char own[SYMBOL_MAX];
		const char *name = j->name ? name_of(j, addr[i]) : mmw_symbol_ktext(j->t->kernel, addr[i], own, sizeof(own));
		json_t *frame = json_object(), *symbol = json_string(name);

		json_object_set_new(frame, "addr", mmw_json_hex(addr[i]));
		json_object_set_new(frame, "symbol", symbol ? symbol : json_null());
		json_array_append_new(list, frame);
		if (used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " < " : "", name);
	}
	return list;
}

static void out_signed(struct mmw_out *o, int col, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	mmw_out_json(o, col, json_integer(value), text);
}

/* The kernel prints ages as longs. */
static int64_t as_long(const struct job *j, uint64_t age)
{
	return j->tracks.word == 8 ? (int64_t)age : (int32_t)age;
}

static void out_none(struct mmw_out *o, const int *cols_of, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mmw_out_none(o, cols_of[i]);
}

/* When and by whom. Of what nobody noted the kernel prints ages and processes too: here they are none. */
static void row_who(struct job *j, const struct mmw_trace *l)
{
	static const int none[] = { COL_FUNCTION, COL_MIN_AGE, COL_AVG_AGE, COL_MAX_AGE, COL_MIN_PID, COL_MAX_PID, COL_CPUS, COL_ADDR,
				    COL_FIRST, COL_LAST };
	struct mmw_out *o = &j->t->out;
	char text[MMW_CELL_MAX];

	if (!l->addr) {
		out_none(o, none, mmw_array_len(none));
		return;
	}
	mmw_out_str(o, COL_FUNCTION, name_of(j, l->addr));
	if (j->tracks.has_jiffies) {
		out_signed(o, COL_MIN_AGE, as_long(j, l->min_age));
		mmw_out_num(o, COL_AVG_AGE, l->sum_age / l->count);
		out_signed(o, COL_MAX_AGE, as_long(j, l->max_age));
	}
	out_signed(o, COL_MIN_PID, l->min_pid);
	out_signed(o, COL_MAX_PID, l->max_pid);
	mmw_out_str(o, COL_CPUS, bits_text(&l->cpus, text, sizeof(text)));
	mmw_out_hex(o, COL_ADDR, l->addr);
	mmw_out_num(o, COL_FIRST, l->min_when);
	mmw_out_num(o, COL_LAST, l->max_when);
}

static void row(struct job *j, const struct mmw_trace *l)
{
	static const int no_stack[] = { COL_STACK, COL_HANDLE, COL_WHY };
	struct mmw_out *o = &j->t->out;
	char text[MMW_CELL_MAX];

	mmw_out_str(o, COL_CACHE, l->cache->name);
	mmw_out_num(o, COL_COUNT, l->count);
	row_who(j, l);
	mmw_out_num(o, COL_WASTE, l->waste);
	mmw_out_str(o, COL_NODES, bits_text(&l->nodes, text, sizeof(text)));
	out_none(o, no_stack, mmw_array_len(no_stack));
	if (l->n_frames)
		mmw_out_json(o, COL_STACK, json_stack(j, j->traces.frame + l->frames, l->n_frames, text, sizeof(text)), text);
	if (l->handle)
		mmw_out_hex(o, COL_HANDLE, l->handle);
	if (l->why)
		mmw_out_str(o, COL_WHY, mmw_code_word(l->why));
	mmw_out_row(o);
}

/* mm/slub.c, slab_debugfs_show(); before 5.14 list_locations(). */
static void print_trace(const struct job *j, const struct mmw_trace *l)
{
	int64_t min_age = as_long(j, l->min_age);
	FILE *to = j->t->out.to;
	char text[MMW_CELL_MAX];

	fprintf(to, "%7" PRIu64 " %s", l->count, l->addr ? name_of(j, l->addr) : "<not-available>");
	if (l->waste)
		fprintf(to, " waste=%" PRIu64 "/%" PRIu64, l->count * l->waste, l->waste);
	if (!j->tracks.has_jiffies)
		fputs(" age=?", to);
	else if ((int64_t)l->sum_age != min_age)
		fprintf(to, " age=%" PRId64 "/%" PRIu64 "/%" PRId64, min_age, l->sum_age / l->count, as_long(j, l->max_age));
	else
		fprintf(to, " age=%" PRId64, min_age);
	fprintf(to, l->min_pid != l->max_pid ? " pid=%" PRId32 "-%" PRId32 : " pid=%" PRId32, l->min_pid, l->max_pid);
	if (j->many_cpus && l->cpus.n)
		fprintf(to, " cpus=%s", bits_text(&l->cpus, text, sizeof(text)));
	if (j->many_nodes && l->nodes.n)
		fprintf(to, " nodes=%s", bits_text(&l->nodes, text, sizeof(text)));
	fputc('\n', to);
	if (j->opts->calls || (!l->handle && !l->n_frames && !l->why))
		return;
	for (unsigned i = 0; i < l->n_frames; i++)
		fprintf(to, "        %s\n", name_of(j, j->traces.frame[l->frames + i]));
	if (l->why)
		fprintf(to, "        ? (%s)\n", mmw_code_word(l->why));
	fputc('\n', to);
}

/* The kernel has a file for each cache. */
static void print_traces(const struct job *j)
{
	const char *file = j->opts->free ? "free" : "alloc", *kind = j->opts->calls ? "calls" : "traces";
	const struct mmw_cache *cache = NULL;

	for (size_t i = 0; i < j->traces.n; i++) {
		const struct mmw_trace *l = &j->traces.trace[i];

		if (j->headings && l->cache != cache)
			fprintf(j->t->out.to, "== %s/%s_%s\n", l->cache->name, file, kind);
		cache = l->cache;
		print_trace(j, l);
	}
	if (!j->traces.n && !j->headings)
		fputs("No data\n", j->t->out.to);
}

/* What the kernel looks at to leave out CPUs and nodes where there is but one. */
static void count_online(struct job *j)
{
	struct mmw_percpu cpus = { 0 };
	uint64_t nodes = 1;
	size_t online = 0;

	if (mmw_percpu_open(j->t->kernel, &cpus, NULL))
		online = 2;
	for (size_t i = 0; i < cpus.n; i++)
		online += cpus.cpus[i].online;
	mmw_percpu_close(&cpus);
	mmw_kernel_variable(j->t->kernel, "nr_online_nodes", 4, &nodes, NULL);
	j->many_cpus = online > 1;
	j->many_nodes = nodes > 1;
}

/* Which caches to look at. A name that is none, or has no traces, is said. */
static int choose(struct job *j, int argc, char **argv, struct mmw_err *err)
{
	const struct mmw_caches *c = &j->s.caches;

	j->wanted = calloc(c->n, sizeof(*j->wanted));
	if (!j->wanted)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu caches", c->n);
	for (int a = 0; a < argc; a++) {
		bool found = false, kept = false;

		for (size_t i = 0; i < c->n; i++) {
			if (strcmp(c->cache[i].name, argv[a]))
				continue;
			found = true;
			kept = kept || mmw_cache_has(&c->cache[i], MMW_CACHE_STORE_USER);
			j->wanted[i] = mmw_cache_has(&c->cache[i], MMW_CACHE_STORE_USER);
		}
		if (!kept)
			mmw_warn(found ? "%s: the kernel kept no traces of this cache" : "%s: there is no such cache", argv[a]);
		j->t->damage = j->t->damage || !kept;
	}
	for (size_t i = 0; i < c->n; i++) {
		if (!argc)
			j->wanted[i] = mmw_cache_has(&c->cache[i], MMW_CACHE_STORE_USER);
		j->n_wanted += j->wanted[i];
	}
	j->headings = argc != 1 || j->n_wanted > 1;
	if (!argc && !j->n_wanted) {
		mmw_warn("the kernel kept no traces: no cache has them (slub_debug=U on its command line)");
		j->t->damage = true;
	}
	return 0;
}

static void say(struct job *j)
{
	const struct mmw_slab_problems *p = &j->s.problems;
	const struct mmw_traces *t = &j->traces;

	if (*j->s.caches.broken)
		mmw_warn("%s", j->s.caches.broken);
	if (p->n || p->more)
		mmw_warn("slabs NOT verified: %" PRIu64 " problems", p->n + p->more);
	if (t->unreadable)
		mmw_warn("traces of %" PRIu64 " objects cannot be read", t->unreadable);
	if (t->more)
		mmw_warn("too many traces: those of %" PRIu64 " objects are left out", t->more);
	if (t->lost)
		mmw_warn("%" PRIu64 " stacks cannot be read%s%s", t->lost, j->tracks.no_depot.code ? ": " : "",
			 j->tracks.no_depot.code ? j->tracks.no_depot.msg : "");
	j->t->damage = j->t->damage || *j->s.caches.broken || p->n || p->more || t->unreadable || t->more || t->lost;
}

static int run_traces(struct job *j, int argc, char **argv, struct mmw_err *err)
{
	struct mmw_traces_opts o = { .kind = j->opts->free ? MMW_TRACK_FREE : MMW_TRACK_ALLOC, .functions = j->opts->calls,
				     .all = j->opts->all, .threads = j->t->kopts.threads };
	int rc = choose(j, argc, argv, err);

	if (rc || !j->n_wanted)
		return rc;
	o.wanted = j->wanted;
	rc = mmw_traces_open(&j->s, &j->tracks, &o, &j->traces, err);
	rc = rc ? rc : find_names(j, err);
	if (rc)
		return rc;
	count_online(j);
	for (size_t i = 0; j->t->out.mode != MMW_OUT_TEXT && i < j->traces.n; i++)
		row(j, &j->traces.trace[i]);
	if (j->t->out.mode == MMW_OUT_TEXT)
		print_traces(j);
	say(j);
	return 0;
}

/* --- objects by address -------------------------------------------------------------------------------------------- */

/* An object, and what was noted of it. */
struct found {
	const char *asked;
	struct mmw_slab slab;
	uint32_t index;
	uint64_t object, offset;
	const char *state;
};

static const char *const track_names[] = { [MMW_TRACK_ALLOC] = "allocated", [MMW_TRACK_FREE] = "freed" };

static void row_track(struct job *j, const struct found *f, enum mmw_track_kind kind, const struct mmw_track *track,
		      const struct mmw_stack *stack, int why)
{
	static const int none[] = { TR_FUNCTION, TR_WASTE, TR_AGE, TR_PID, TR_CPU, TR_ADDR, TR_WHEN, TR_STACK, TR_HANDLE, TR_WHY };
	struct mmw_out *o = &j->t->out;
	char text[MMW_CELL_MAX];

	mmw_out_str(o, TR_ASKED, f->asked);
	mmw_out_hex(o, TR_OBJECT, f->object);
	mmw_out_num(o, TR_OFFSET, f->offset);
	mmw_out_str(o, TR_CACHE, f->slab.cache->name);
	mmw_out_str(o, TR_STATE, f->state);
	mmw_out_str(o, TR_TRACK, track_names[kind]);
	out_none(o, none, mmw_array_len(none));
	if (track->addr) {
		mmw_out_str(o, TR_FUNCTION, mmw_symbol_ktext(j->t->kernel, track->addr, text, sizeof(text)));
		mmw_out_num(o, TR_WASTE, track->waste);
		if (j->tracks.has_jiffies)
			mmw_out_num(o, TR_AGE, mmw_track_age(&j->tracks, track));
		out_signed(o, TR_PID, track->pid);
		mmw_out_num(o, TR_CPU, track->cpu);
		mmw_out_hex(o, TR_ADDR, track->addr);
		mmw_out_num(o, TR_WHEN, track->when);
	}
	if (track->handle)
		mmw_out_hex(o, TR_HANDLE, track->handle);
	if (stack->n)
		mmw_out_json(o, TR_STACK, json_stack(j, stack->addr, stack->n, text, sizeof(text)), text);
	if (why)
		mmw_out_str(o, TR_WHY, mmw_code_word((enum mmw_code)-why));
	mmw_out_row(o);
}

/* print_track(): the kernel prints nothing of what never happened. */
static void print_track(const struct job *j, enum mmw_track_kind kind, const struct mmw_track *track,
			const struct mmw_stack *stack, int why)
{
	FILE *to = j->t->out.to;
	char text[SYMBOL_MAX];

	if (!track->addr)
		return;
	fprintf(to, "%s in %s", kind == MMW_TRACK_FREE ? "Freed" : "Allocated",
		mmw_symbol_ktext(j->t->kernel, track->addr, text, sizeof(text)));
	if (j->tracks.has_jiffies)
		fprintf(to, " age=%" PRIu64, mmw_track_age(&j->tracks, track));
	fprintf(to, " cpu=%" PRIu32 " pid=%" PRId32 "\n", track->cpu, track->pid);
	for (unsigned i = 0; i < stack->n; i++)
		fprintf(to, "        %s\n", mmw_symbol_ktext(j->t->kernel, stack->addr[i], text, sizeof(text)));
	if (why)
		fprintf(to, "        ? (%s)\n", mmw_code_word((enum mmw_code)-why));
}

static int show_tracks(struct job *j, const struct found *f, struct mmw_err *err)
{
	struct mmw_vm *vm = mmw_kernel_vm(j->t->kernel);
	bool text = j->t->out.mode == MMW_OUT_TEXT;

	if (text)
		fprintf(j->t->out.to, "%s: 0x%" PRIx64 "+0x%" PRIx64 " of %s, %s\n", f->asked, f->object, f->offset,
			f->slab.cache->name, f->state);
	for (int kind = MMW_TRACK_ALLOC; kind <= MMW_TRACK_FREE; kind++) {
		struct mmw_track track;
		struct mmw_stack stack;
		int rc = mmw_track_read(&j->tracks, vm, f->slab.cache, f->object, (enum mmw_track_kind)kind, &track, err);

		if (rc)
			return rc;
		rc = mmw_track_stack(&j->tracks, vm, &track, &stack, err);
		if (rc)
			mmw_warn("0x%" PRIx64 ": %s", f->object, err->msg);
		j->t->damage = j->t->damage || rc;
		if (text)
			print_track(j, (enum mmw_track_kind)kind, &track, &stack, rc);
		else
			row_track(j, f, (enum mmw_track_kind)kind, &track, &stack, rc);
	}
	return 0;
}

/* The object that an address lies in: the kernel's own, or another one at which it maps the same memory. */
static int find_object(struct job *j, const char *asked, struct found *f, uint8_t *state, struct mmw_err *err)
{
	struct mmw_vm *vm = mmw_kernel_vm(j->t->kernel);
	unsigned shift = mmw_kernel_page_shift(j->t->kernel);
	uint64_t va, pa;
	int rc = mmw_kernel_address(j->t->kernel, asked, &va, err);

	rc = rc ? rc : mmw_vm_translate(vm, va, &pa, err);
	rc = rc ? rc : mmw_slab_of(&j->s, vm, pa >> shift, &f->slab, state, NULL, err);
	if (rc)
		return rc;
	va = f->slab.memory + (pa - (f->slab.pfn << shift));
	if (!f->slab.state || !mmw_slab_object(&f->slab, va, &f->index, &f->offset))
		return mmw_fail(err, MMW_E_NODATA, va, "0x%" PRIx64 " is in no object of its slab", va);
	f->asked = asked;
	f->object = va - f->offset;
	f->state = mmw_object_state_name(f->slab.state[f->index]);
	return 0;
}

static int run_addresses(struct job *j, int argc, char **argv, struct mmw_err *err)
{
	uint8_t *state = malloc(MMW_SLAB_OBJECTS_MAX);

	if (!state)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the objects of a slab");
	for (int i = 0; i < argc; i++) {
		struct mmw_err why = { 0 };
		struct found f;

		if (find_object(j, argv[i], &f, state, &why) || show_tracks(j, &f, &why)) {
			mmw_warn("%s: %s", argv[i], why.msg);
			j->t->damage = true;
		}
	}
	free(state);
	return 0;
}

static void close_job(struct job *j)
{
	for (size_t i = 0; i < j->n_names; i++)
		free(j->name[i].text);
	free(j->name);
	free(j->wanted);
	mmw_traces_close(&j->traces);
	mmw_slabs_close(&j->s);
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct job j = { .t = t, .opts = opts };
	int rc = mmw_target_need_kernel(t, err);

	if (!rc && j.opts->addr && !argc)
		rc = mmw_fail(err, MMW_E_ARG, 0, "--addr: which addresses?");
	rc = rc ? rc : mmw_slabs_open(t->kernel, MMW_SLABS_OBJECTS, &j.s, err);
	if (rc)
		return rc;
	rc = mmw_tracks_open(&j.s, &j.tracks, err);
	if (!rc)
		rc = j.opts->addr ? run_addresses(&j, argc, argv, err) : run_traces(&j, argc, argv, err);
	close_job(&j);
	return rc;
}

const struct mmw_cmd mmw_cmd_slab_traces = {
	.name = "slab-traces",
	.summary = "who allocated slab objects, and who freed them, where the kernel noted it",
	.args = "[CACHE...]",
	.doc = "Group the objects in use of caches by the stack that allocated them, as /sys/kernel/debug/slab/CACHE/alloc_traces does: the "
	       "most frequent first. Caches have traces where the kernel was told so (slub_debug=U).",
	.options = options,
	.parse = parse_opt,
	.opts_size = sizeof(struct opts),
	.cols = cols,
	.schema = "slab-traces/1",
	.views = views,
	.view = view,
	.run = run,
};

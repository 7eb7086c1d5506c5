/* SPDX-License-Identifier: GPL-2.0-or-later */
/* slab: the slabs of caches and each object in them; and of any address, which object it is and who has it. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/value.h"
#include "cmd/where.h"
#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/mm/owner.h"
#include "lib/slab/part.h"
#include "lib/sym/ctext.h"

enum {
	COL_ASKED, COL_READING, COL_ADDRESS, COL_WHAT, COL_STATE, COL_HELD_CPU, COL_HELD_NODE, COL_OBJECT, COL_OFFSET, COL_INDEX,
	COL_OBJECT_SIZE, COL_SIZE, COL_CACHE, COL_CACHE_ADDR, COL_PAGE, COL_PFN, COL_PA, COL_MEMORY, COL_NODE, COL_PLACE, COL_CPU,
	COL_ORDER, COL_OBJECTS, COL_INUSE, COL_ALLOCATED, COL_FREE, COL_HELD, COL_UNKNOWN, COL_BROKEN, COLS,
};

static const struct mmw_col cols[] = {
	[COL_ASKED] = { "asked", "ADDR: the argument", 18, false, false },
	[COL_READING] = { "reading", "ADDR: what it was taken for: pfn, pa, va, page", 7, false, false },
	[COL_ADDRESS] = { "address", "ADDR: of the byte, in the linear map", 16, true, false },
	[COL_WHAT] = { "what", "ADDR: object, red-zone, padding ...; else whose the page is that is in no slab", 14, false, false },
	[COL_STATE] = { "state", "ADDR: of the object: allocated, free, cpu, sheaf, rcu, barn, shared, alien, unknown", 9, false, false },
	[COL_HELD_CPU] = { "held_cpu", "ADDR: the CPU that holds the free object", 8, true, false },
	[COL_HELD_NODE] = { "held_node", "ADDR: or the node that does", 9, true, false },
	[COL_OBJECT] = { "object", "ADDR: address of the object", 16, true, false },
	[COL_OFFSET] = { "offset", "ADDR: how far behind that it is; negative in the red zone before", 6, true, false },
	[COL_INDEX] = { "index", "ADDR: number of the object in its slab", 5, true, false },
	[COL_OBJECT_SIZE] = { "object_size", "bytes of an object", 11, true, false },
	[COL_SIZE] = { "size", "bytes from one object to the next", 6, true, false },
	[COL_CACHE] = { "cache", "name of the cache", 20, false, true },
	[COL_CACHE_ADDR] = { "cache_addr", "struct kmem_cache", 16, true, false },
	[COL_PAGE] = { "page", "struct page (struct slab) of the slab's first page", 16, true, true },
	[COL_PFN] = { "pfn", "its page frame number", 8, true, false },
	[COL_PA] = { "pa", "its physical address", 12, true, false },
	[COL_MEMORY] = { "memory", "address of the slab's first byte", 16, true, true },
	[COL_NODE] = { "node", "memory node", 4, true, true },
	[COL_PLACE] = { "place", "full, cpu, cpu-partial, partial, empty, kfence; nowhere: free objects, but on no list", 11, false, true },
	[COL_CPU] = { "cpu", "the CPU that has the slab", 4, true, true },
	[COL_ORDER] = { "order", "it is 2^order pages", 5, true, false },
	[COL_OBJECTS] = { "objects", "it holds", 7, true, true },
	[COL_INUSE] = { "inuse", "of these, by its own count", 7, true, false },
	[COL_ALLOCATED] = { "allocated", "objects that somebody has", 9, true, true },
	[COL_FREE] = { "free", "objects on its free list", 7, true, true },
	[COL_HELD] = { "held", "free objects that CPUs and nodes keep for the next who asks", 7, true, true },
	[COL_UNKNOWN] = { "unknown", "objects that a broken free list may have had", 7, true, false },
	[COL_BROKEN] = { "broken", "its free list or its number of objects contradicts the rest", 6, false, false },
	[COLS] = { 0 },
};

enum { OBJ_ADDRESS, OBJ_STATE, OBJ_CPU, OBJ_NODE, OBJ_INDEX, OBJ_CACHE, OBJ_PAGE };

static const struct mmw_col object_cols[] = {
	[OBJ_ADDRESS] = { "address", "of the object", 16, true, true },
	[OBJ_STATE] = { "state", "allocated, free, cpu, sheaf, rcu, barn, shared, alien, unknown", 9, false, true },
	[OBJ_CPU] = { "cpu", "the CPU that holds it", 4, true, true },
	[OBJ_NODE] = { "node", "or the node that does", 4, true, true },
	[OBJ_INDEX] = { "index", "its number in the slab", 5, true, true },
	[OBJ_CACHE] = { "cache", "name of the cache", 20, false, true },
	[OBJ_PAGE] = { "page", "struct page (struct slab) of the slab's first page", 16, true, true },
	{ 0 },
};

enum {
	CACHE_NAME, CACHE_ADDR, CACHE_OBJECT_SIZE, CACHE_SIZE, CACHE_ALIGN, CACHE_ORDER, CACHE_OBJECTS, CACHE_OFFSET, CACHE_RED_LEFT,
	CACHE_FLAGS, CACHE_FLAG_BITS, CACHE_CTOR, CACHE_REFCOUNT, CACHE_USEROFFSET, CACHE_USERSIZE, CACHE_SHEAF, CACHE_RANDOM,
	CACHE_RECOVERED, CACHE_PARTS, CACHE_ROOT,
};

static const struct mmw_col cache_cols[] = {
	[CACHE_NAME] = { "name", "of the cache", 20, false, true },
	[CACHE_ADDR] = { "addr", "struct kmem_cache", 16, true, true },
	[CACHE_OBJECT_SIZE] = { "object_size", "bytes of an object", 11, true, true },
	[CACHE_SIZE] = { "size", "bytes from one object to the next", 6, true, true },
	[CACHE_ALIGN] = { "align", "of objects", 5, true, true },
	[CACHE_ORDER] = { "order", "a slab is 2^order pages", 5, true, true },
	[CACHE_OBJECTS] = { "objects", "and holds so many", 7, true, true },
	[CACHE_OFFSET] = { "offset", "of the next free object's address in a free one (SLUB)", 6, true, true },
	[CACHE_RED_LEFT] = { "red_left_pad", "bytes before an object (SLUB)", 12, true, false },
	[CACHE_FLAGS] = { "flags", "what was asked for", 20, false, true },
	[CACHE_FLAG_BITS] = { "flag_bits", "as the kernel has them", 10, true, false },
	[CACHE_CTOR] = { "ctor", "constructor", 16, false, false },
	[CACHE_REFCOUNT] = { "refcount", "the cache, and those that were merged with it", 8, true, false },
	[CACHE_USEROFFSET] = { "useroffset", "from there on an object may be copied to user space", 10, true, false },
	[CACHE_USERSIZE] = { "usersize", "and so many bytes", 8, true, false },
	[CACHE_SHEAF] = { "sheaf_capacity", "objects of a sheaf (SLUB from 6.18)", 14, true, false },
	[CACHE_RANDOM] = { "random", "what addresses of free objects are mixed with (SLUB, hardened)", 16, true, false },
	[CACHE_RECOVERED] = { "recovered", "is that not the cache's own number, but what its slabs tell", 9, false, false },
	[CACHE_PARTS] = { "parts", "what follows an object: kinds and offsets", 20, false, false },
	[CACHE_ROOT] = { "root", "the cache whose copy for a memory cgroup it is (to 5.8)", 20, false, false },
	{ 0 },
};

enum { VIEW_TYPE, VIEW_OBJECTS, VIEW_CACHES };

static const struct mmw_view views[] = {
	[VIEW_TYPE] = { "--type", "read/1", mmw_value_cols },
	[VIEW_OBJECTS] = { "--objects", "slab-objects/1", object_cols },
	[VIEW_CACHES] = { "--caches", "slab-caches/1", cache_cols },
	{ 0 },
};

struct opts {
	bool caches, objects;
	uint32_t states;      /* 1 << enum mmw_object_state */
	const char *type;
	uint64_t type_offset;
};

enum { OPT_OBJECTS = 3100, OPT_ALLOCATED, OPT_FREE, OPT_STATE, OPT_CACHES, OPT_TYPE_OFFSET, OPT_TYPE = 't' };
enum { ALL_STATES = (1 << MMW_OBJECT_STATES) - 1 };

static const struct argp_option options[] = {
	{ "objects", OPT_OBJECTS, 0, 0, "each object: its address, its state, and who holds it", 0 },
	{ "allocated", OPT_ALLOCATED, 0, 0, "the same, of those that somebody has", 0 },
	{ "free", OPT_FREE, 0, 0, "the same, of all that are neither allocated nor unknown", 0 },
	{ "state", OPT_STATE, "WORDS", 0, "the same, in these states, comma-separated: allocated, free, cpu, sheaf, rcu, barn, shared, alien, unknown", 0 },
	{ "caches", OPT_CACHES, 0, 0, "what the caches are, without their slabs", 0 },
	{ "type", OPT_TYPE, "NAME", 0, "ADDR: print its object as this struct", 0 },
	{ "type-offset", OPT_TYPE_OFFSET, "HEX", 0, "which begins so many bytes behind the object's start", 0 },
	{ 0 },
};

static uint32_t state_words(struct argp_state *state, const char *text)
{
	uint32_t states = 0;

	while (*text) {
		size_t len = strcspn(text, ","), i = 0;

		while (i < MMW_OBJECT_STATES && (strlen(mmw_object_state_name((enum mmw_object_state)i)) != len ||
						 strncmp(mmw_object_state_name((enum mmw_object_state)i), text, len)))
			i++;
		if (i == MMW_OBJECT_STATES)
			argp_error(state, "--state: no state '%.*s'", (int)len, text);
		states |= 1u << i;
		text += len + (text[len] == ',');
	}
	return states;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	static const uint32_t taken = 1u << MMW_OBJECT_ALLOCATED | 1u << MMW_OBJECT_UNKNOWN;
	struct opts *o = state->input;

	switch (key) {
	case OPT_OBJECTS:
		o->objects = true;
		break;
	case OPT_ALLOCATED:
		o->states |= 1u << MMW_OBJECT_ALLOCATED;
		break;
	case OPT_FREE:
		o->states |= ALL_STATES & ~taken;
		break;
	case OPT_STATE:
		o->states |= state_words(state, arg);
		break;
	case OPT_CACHES:
		o->caches = true;
		break;
	case OPT_TYPE:
		o->type = arg;
		break;
	case OPT_TYPE_OFFSET:
		o->type_offset = mmw_arg_hex(state, "--type-offset", arg);
		break;
	case ARGP_KEY_END:
		o->objects = o->objects || o->states;
		o->states = o->states ? o->states : ALL_STATES;
		if (o->caches + o->objects + (o->type != NULL) > 1)
			argp_error(state, "--caches, --objects (and what selects objects) and --type exclude each other");
		if (o->type_offset && !o->type)
			argp_error(state, "--type-offset goes with --type");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct mmw_view *view(const void *opts)
{
	const struct opts *o = opts;

	return o->type ? &views[VIEW_TYPE] : o->objects ? &views[VIEW_OBJECTS] : o->caches ? &views[VIEW_CACHES] : NULL;
}

struct job {
	struct mmw_target *t;
	const struct opts *opts;
	struct mmw_slabs s;
	bool *wanted;          /* by cache */
	size_t n_wanted;
	bool all;
	struct mmw_slab *slab; /* those to be shown */
	size_t n, cap;
	uint8_t *states;       /* of all their objects */
	size_t n_states, cap_states;
	struct mmw_frames frames;
	struct mmw_owners owners;
	bool has_frames;
	bool any;              /* something was printed */
	int width;             /* digits of an address */
	uint8_t one[MMW_SLAB_OBJECTS_MAX];
};

static const char *cache_name(const struct mmw_slab *slab)
{
	return slab->cache ? slab->cache->name : "?";
}

/* --- caches -------------------------------------------------------------------------------------------------------- */

static void row_parts(struct job *j, const struct mmw_cache *c)
{
	struct mmw_part part[MMW_OBJECT_PARTS_MAX];
	size_t n = mmw_object_parts(&j->s.caches, c, part), used = 0;
	json_t *list = json_array();
	char text[MMW_CELL_MAX] = "";

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, json_pack("{s:s,s:I,s:I}", "kind", mmw_part_name(part[i].kind), "first",
						      (json_int_t)part[i].first, "end", (json_int_t)part[i].end));
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%u", i ? " " : "",
						 mmw_part_name(part[i].kind), part[i].first);
	}
	mmw_out_json(&j->t->out, CACHE_PARTS, list, text);
}

static void ctor_text(struct job *j, const struct mmw_cache *c, char *text, size_t size)
{
	mmw_symbol_text(j->t->kernel, c->ctor, text, size);
	if (!*text)
		snprintf(text, size, "%" PRIx64, c->ctor);
}

static void row_cache(struct job *j, const struct mmw_cache *c)
{
	bool slub = j->s.caches.kind == MMW_SLUB;
	struct mmw_out *o = &j->t->out;
	char text[MMW_KSYM_NAME_MAX + 80];

	mmw_out_str(o, CACHE_NAME, c->name);
	mmw_out_hex(o, CACHE_ADDR, c->va);
	mmw_out_num(o, CACHE_OBJECT_SIZE, c->object_size);
	mmw_out_num(o, CACHE_SIZE, c->size);
	mmw_out_num(o, CACHE_ALIGN, c->align);
	if (c->objects) {
		mmw_out_num(o, CACHE_ORDER, c->order);
		mmw_out_num(o, CACHE_OBJECTS, c->objects);
	}
	for (int col = CACHE_OFFSET; !slub && col <= CACHE_RED_LEFT; col++)
		mmw_out_none(o, col);
	if (slub) {
		mmw_out_num(o, CACHE_OFFSET, c->offset);
		mmw_out_num(o, CACHE_RED_LEFT, c->red_left_pad);
	}
	mmw_cache_flag_words(c, text, sizeof(text));
	mmw_out_words(o, CACHE_FLAGS, text);
	mmw_out_hex(o, CACHE_FLAG_BITS, c->flags);
	mmw_out_none(o, CACHE_CTOR);
	ctor_text(j, c, text, sizeof(text));
	if (c->ctor)
		mmw_out_str(o, CACHE_CTOR, text);
	mmw_out_num(o, CACHE_REFCOUNT, (uint64_t)c->refcount);
	mmw_out_num(o, CACHE_USEROFFSET, c->useroffset);
	mmw_out_num(o, CACHE_USERSIZE, c->usersize);
	mmw_out_num(o, CACHE_SHEAF, c->sheaf_capacity);
	for (int col = CACHE_RANDOM; col <= CACHE_RECOVERED; col++)
		mmw_out_none(o, col);
	if (j->s.caches.hardened) {
		mmw_out_hex(o, CACHE_RANDOM, c->random);
		mmw_out_bool(o, CACHE_RECOVERED, c->recovered_random);
	}
	row_parts(j, c);
	mmw_out_none(o, CACHE_ROOT);
	if (&j->s.caches.cache[c->root] != c)
		mmw_out_str(o, CACHE_ROOT, j->s.caches.cache[c->root].name);
	mmw_out_row(o);
}

static void print_cache(struct job *j, const struct mmw_cache *c)
{
	char text[MMW_KSYM_NAME_MAX + 80], size[24];
	FILE *to = j->t->out.to;

	fprintf(to, "%s%s", j->any ? "\n" : "", c->name);
	if (c->va)
		fprintf(to, ", kmem_cache %" PRIx64 "%s\n", c->va, c->bad ? ": its numbers cannot be a cache's" : "");
	else
		fputs(", not a cache: what all have in common\n", to);
	j->any = true;
	fprintf(to, "  objects of %u bytes, %u apart, aligned to %u", c->object_size, c->size, c->align);
	if (c->objects)
		fprintf(to, ", %u in a slab of order %u (%s)", c->objects, c->order,
			mmw_size_text(j->s.pages.memmap_page << (c->order & 31), size));
	fputc('\n', to);
	if (j->s.caches.kind == MMW_SLUB)
		fprintf(to, "  free pointer at %u%s, ", c->offset, c->offset >= c->inuse ? " (behind the object)" : "");
	else
		fputs("  ", to);
	fprintf(to, "%d user%s", c->refcount, c->refcount == 1 ? "" : "s");
	if (c->red_left_pad)
		fprintf(to, ", %u bytes before each object", c->red_left_pad);
	if (c->sheaf_capacity)
		fprintf(to, ", %u in a sheaf", c->sheaf_capacity);
	if (c->usersize)
		fprintf(to, ", copied to users: bytes %" PRIu64 "-%" PRIu64, c->useroffset, c->useroffset + c->usersize - 1);
	mmw_cache_flag_words(c, text, sizeof(text));
	fprintf(to, "%s%s", *text ? ", flags " : "", text);
	ctor_text(j, c, text, sizeof(text));
	fprintf(to, "%s%s\n", c->ctor ? ", constructor " : "", c->ctor ? text : "");
}

/* --- slabs --------------------------------------------------------------------------------------------------------- */

static int collect(void *ctx, const struct mmw_slab *slab, struct mmw_err *err)
{
	struct job *j = ctx;
	int rc;

	if (!j->all && (!slab->cache || !j->wanted[slab->cache - j->s.caches.cache]))
		return 0;
	rc = mmw_vec_reserve(&j->slab, &j->cap, j->n + 1, sizeof(*j->slab), err);
	if (!rc && slab->state)
		rc = mmw_vec_reserve(&j->states, &j->cap_states, j->n_states + slab->objects, 1, err);
	if (rc)
		return rc;
	j->slab[j->n++] = *slab;
	if (slab->state) {
		memcpy(j->states + j->n_states, slab->state, slab->objects);
		j->n_states += slab->objects;
	}
	return 0;
}

/* Now that they move no more. */
static void find_states(struct job *j)
{
	const uint8_t *at = j->states;

	for (size_t i = 0; i < j->n; i++) {
		if (!j->slab[i].state)
			continue;
		j->slab[i].state = at;
		at += j->slab[i].objects;
	}
}

/* In the order of the list of caches, and behind them what is of none; then by address. */
static int compare(const void *a, const void *b)
{
	const struct mmw_slab *x = a, *y = b;

	if (!x->cache != !y->cache)
		return x->cache ? -1 : 1;
	if (x->cache != y->cache)
		return x->cache < y->cache ? -1 : 1;
	if (x->cache_va != y->cache_va)
		return x->cache_va < y->cache_va ? -1 : 1;
	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static void print_counts(struct job *j, const struct mmw_slab *first, const struct mmw_slab *end)
{
	uint64_t slabs[MMW_SLAB_PLACES] = { 0 }, n[4] = { 0 };
	const char *lead = ": ";

	for (const struct mmw_slab *e = first; e < end; e++) {
		slabs[e->place]++;
		n[0] += e->n[MMW_OBJECT_ALLOCATED];
		n[1] += e->n[MMW_OBJECT_FREE];
		n[2] += mmw_slab_held(e);
		n[3] += e->n[MMW_OBJECT_UNKNOWN];
	}
	fprintf(j->t->out.to, "  %zu slab%s", (size_t)(end - first), end - first == 1 ? "" : "s");
	for (int i = 0; i < MMW_SLAB_PLACES; i++) {
		if (slabs[i])
			fprintf(j->t->out.to, "%s%" PRIu64 " %s", lead, slabs[i], mmw_slab_place_name((enum mmw_slab_place)i));
		lead = slabs[i] ? ", " : lead;
	}
	fprintf(j->t->out.to, "; %" PRIu64 " objects: %" PRIu64 " allocated, %" PRIu64 " free, %" PRIu64 " held", n[0] + n[1] + n[2] + n[3],
		n[0], n[1], n[2]);
	if (n[3])
		fprintf(j->t->out.to, ", %" PRIu64 " unknown", n[3]);
	fputc('\n', j->t->out.to);
	if (first < end)
		fprintf(j->t->out.to, "%-*s %10s %-*s %4s %-14s %7s %9s %7s %7s\n", j->width, "PAGE", "PFN", j->width, "MEMORY", "NODE",
			"PLACE", "OBJECTS", "ALLOCATED", "FREE", "HELD");
}

static void place_text(const struct mmw_slab *slab, char *text, size_t size)
{
	if (slab->who >= 0)
		snprintf(text, size, "%s %d", mmw_slab_place_name((enum mmw_slab_place)slab->place), slab->who);
	else
		snprintf(text, size, "%s", mmw_slab_place_name((enum mmw_slab_place)slab->place));
}

static void print_slab(struct job *j, const struct mmw_slab *slab)
{
	FILE *to = j->t->out.to;
	char place[32];

	place_text(slab, place, sizeof(place));
	fprintf(to, "%0*" PRIx64 " %10" PRIx64 " %0*" PRIx64 " %4u %-14s %7u %9u %7u %7u", j->width, slab->va, slab->pfn, j->width,
		slab->memory, slab->node, place, slab->objects, slab->n[MMW_OBJECT_ALLOCATED], slab->n[MMW_OBJECT_FREE], mmw_slab_held(slab));
	if (slab->n[MMW_OBJECT_UNKNOWN])
		fprintf(to, "  and %u unknown", slab->n[MMW_OBJECT_UNKNOWN]);
	if (slab->cache && slab->order != slab->cache->order)
		fprintf(to, "  order %u", slab->order);
	fputs(slab->broken ? "  broken\n" : "\n", to);
}

/* The columns of a slab. */
static void row_slab(struct job *j, const struct mmw_slab *slab)
{
	struct mmw_out *o = &j->t->out;

	mmw_out_str(o, COL_CACHE, cache_name(slab));
	mmw_out_hex(o, COL_CACHE_ADDR, slab->cache_va);
	if (slab->cache) {
		mmw_out_num(o, COL_OBJECT_SIZE, slab->cache->object_size);
		mmw_out_num(o, COL_SIZE, slab->cache->size);
	}
	mmw_out_hex(o, COL_PAGE, slab->va);
	mmw_out_hex(o, COL_PFN, slab->pfn);
	mmw_out_hex(o, COL_PA, slab->pfn * j->s.pages.memmap_page);
	mmw_out_hex(o, COL_MEMORY, slab->memory);
	mmw_out_num(o, COL_NODE, slab->node);
	mmw_out_str(o, COL_PLACE, mmw_slab_place_name((enum mmw_slab_place)slab->place));
	mmw_out_none(o, COL_CPU);
	if (slab->who >= 0)
		mmw_out_num(o, COL_CPU, (uint64_t)slab->who);
	mmw_out_num(o, COL_ORDER, slab->order);
	mmw_out_num(o, COL_OBJECTS, slab->objects);
	mmw_out_num(o, COL_INUSE, slab->inuse);
	mmw_out_num(o, COL_ALLOCATED, slab->n[MMW_OBJECT_ALLOCATED]);
	mmw_out_num(o, COL_FREE, slab->n[MMW_OBJECT_FREE]);
	mmw_out_num(o, COL_HELD, mmw_slab_held(slab));
	mmw_out_num(o, COL_UNKNOWN, slab->n[MMW_OBJECT_UNKNOWN]);
	mmw_out_bool(o, COL_BROKEN, slab->broken);
}

/* --- objects ------------------------------------------------------------------------------------------------------- */

/* Objects are many: a line is an address, written here, and words that are ready. */
static void print_object(struct job *j, uint64_t va, enum mmw_object_state state)
{
	static const char digits[] = "0123456789abcdef";
	const struct mmw_held *h = state == MMW_OBJECT_ALLOCATED || state == MMW_OBJECT_FREE ? NULL : mmw_slab_holder(&j->s, va);
	const char *word = mmw_object_state_name(state);
	size_t n = (size_t)j->width + 2, len = strlen(word);
	char line[80] = "  ";

	for (size_t i = n; i > 2; va >>= 4)
		line[--i] = digits[va & 15];
	line[n++] = ' ';
	memcpy(line + n, word, len);
	n += len;
	if (h)
		n += (size_t)snprintf(line + n, sizeof(line) - n, " %s %u", mmw_held_by_node(state) ? "node" : "CPU", h->who);
	line[n++] = '\n';
	fwrite(line, 1, n, j->t->out.to);
}

static void row_object(struct job *j, const struct mmw_slab *slab, uint32_t index, enum mmw_object_state state)
{
	uint64_t va = mmw_slab_object_va(slab, index);
	const struct mmw_held *h = state == MMW_OBJECT_ALLOCATED || state == MMW_OBJECT_FREE ? NULL : mmw_slab_holder(&j->s, va);
	struct mmw_out *o = &j->t->out;

	mmw_out_hex(o, OBJ_ADDRESS, va);
	mmw_out_str(o, OBJ_STATE, mmw_object_state_name(state));
	mmw_out_none(o, OBJ_CPU);
	mmw_out_none(o, OBJ_NODE);
	if (h)
		mmw_out_num(o, mmw_held_by_node(state) ? OBJ_NODE : OBJ_CPU, h->who);
	mmw_out_num(o, OBJ_INDEX, index);
	mmw_out_str(o, OBJ_CACHE, slab->cache->name);
	mmw_out_hex(o, OBJ_PAGE, slab->va);
	mmw_out_row(o);
}

static void show_objects(struct job *j, const struct mmw_slab *e)
{
	bool text = j->t->out.mode == MMW_OUT_TEXT;

	for (uint32_t i = 0; e->state && i < e->objects; i++) {
		enum mmw_object_state state = (enum mmw_object_state)e->state[i];

		if (!(j->opts->states >> state & 1))
			continue;
		if (text)
			print_object(j, mmw_slab_object_va(e, i), state);
		else
			row_object(j, e, i, state);
	}
}

/* Has it objects in a state that is wanted? */
static bool has_wanted(struct job *j, const struct mmw_slab *e)
{
	uint32_t n = 0;

	for (int i = 0; i < MMW_OBJECT_STATES; i++)
		n += j->opts->states >> i & 1 ? e->n[i] : 0;
	return n || j->opts->states == ALL_STATES;
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static void show_slab(struct job *j, const struct mmw_slab *e)
{
	bool text = j->t->out.mode == MMW_OUT_TEXT;

	if (j->opts->objects && !has_wanted(j, e))
		return;
	if (text)
		print_slab(j, e);
	if (j->opts->objects) {
		show_objects(j, e);
	} else if (!text) {
		for (int col = COL_ASKED; col <= COL_INDEX; col++)
			mmw_out_none(&j->t->out, col);
		row_slab(j, e);
		mmw_out_row(&j->t->out);
	}
}

/* Slabs [first, end) of a cache; of one that is not listed, if `c` is NULL. */
static void show_cache(struct job *j, const struct mmw_cache *c, const struct mmw_slab *first, const struct mmw_slab *end)
{
	if (j->t->out.mode == MMW_OUT_TEXT) {
		if (c)
			print_cache(j, c);
		else
			fprintf(j->t->out.to, "%s?, kmem_cache %" PRIx64 ": not on the list of caches\n", j->any ? "\n" : "",
				first->cache_va);
		j->any = true;
		if (!c || c->objects || first < end)
			print_counts(j, first, end);
		else
			fputs("  SLOB tells its objects from no other cache's\n", j->t->out.to);
	}
	for (; first < end; first++)
		show_slab(j, first);
}

static void show_caches(struct job *j)
{
	for (size_t i = 0; i < j->s.caches.n; i++) {
		if (!j->all && !j->wanted[i])
			continue;
		if (j->t->out.mode == MMW_OUT_TEXT)
			print_cache(j, &j->s.caches.cache[i]);
		else
			row_cache(j, &j->s.caches.cache[i]);
	}
}

static int show_slabs(struct job *j, struct mmw_err *err)
{
	struct mmw_slabs_opts o = { .states = j->opts->objects, .threads = j->t->kopts.threads };
	const struct mmw_slab *at, *end;
	int rc;

	for (size_t i = 0; j->n_wanted == 1 && !j->all && i < j->s.caches.n; i++)
		o.only = j->wanted[i] ? &j->s.caches.cache[i] : o.only;
	rc = mmw_slabs_pass(&j->s, &o, collect, j, err);
	if (rc)
		return rc;
	find_states(j);
	if (j->n)
		qsort(j->slab, j->n, sizeof(*j->slab), compare);
	at = j->slab;
	for (size_t i = 0; i < j->s.caches.n; i++, at = end) {
		const struct mmw_cache *c = &j->s.caches.cache[i];

		for (end = at; end < j->slab + j->n && end->cache == c; )
			end++;
		if (j->all || j->wanted[i])
			show_cache(j, c, at, end);
	}
	for (; at < j->slab + j->n; at = end) {
		for (end = at + 1; end < j->slab + j->n && end->cache_va == at->cache_va; )
			end++;
		show_cache(j, NULL, at, end);
	}
	return 0;
}

/* --- an address ---------------------------------------------------------------------------------------------------- */

static int need_frames(struct job *j, struct mmw_err *err)
{
	int rc = j->has_frames ? 0 : mmw_frames_open(j->t->kernel, &j->frames, err);

	if (rc || j->has_frames)
		return rc;
	j->has_frames = true;
	mmw_owners_init(&j->owners, &j->frames, j->t->kopts.threads);
	return 0;
}

/* What was asked for, and what it was taken for. */
static void row_asked(struct job *j, const char *text, const struct mmw_where *where, uint64_t va)
{
	struct mmw_out *o = &j->t->out;
	char words[128];

	for (int col = 0; col < COLS; col++)
		mmw_out_none(o, col);
	snprintf(words, sizeof(words), "%s: %s", mmw_reading_words(where->reading), where->by);
	mmw_out_str(o, COL_ASKED, text);
	mmw_out_str(o, COL_READING, o->mode == MMW_OUT_TEXT ? words : mmw_reading_name(where->reading));
	mmw_out_hex(o, COL_ADDRESS, va);
}

static void finish_row(struct job *j)
{
	struct mmw_out *o = &j->t->out;

	if (o->mode != MMW_OUT_TEXT) {
		mmw_out_row(o);
		return;
	}
	if (j->any)
		fputc('\n', o->to);
	mmw_out_lines(o);
	j->any = true;
}

static void row_spot(struct job *j, const struct mmw_slab *slab, const struct mmw_slab_spot *spot)
{
	struct mmw_out *o = &j->t->out;
	const struct mmw_held *h;
	enum mmw_object_state state;
	char offset[24];

	mmw_out_str(o, COL_WHAT, mmw_part_name(spot->kind));
	if (!spot->has_object)
		return;
	state = (enum mmw_object_state)slab->state[spot->index];
	h = state == MMW_OBJECT_ALLOCATED || state == MMW_OBJECT_FREE ? NULL : mmw_slab_holder(&j->s, spot->object);
	snprintf(offset, sizeof(offset), "%" PRId64, spot->offset);
	mmw_out_str(o, COL_STATE, mmw_object_state_name(state));
	if (h)
		mmw_out_num(o, mmw_held_by_node(state) ? COL_HELD_NODE : COL_HELD_CPU, h->who);
	mmw_out_hex(o, COL_OBJECT, spot->object);
	mmw_out_json(o, COL_OFFSET, json_integer(spot->offset), offset);
	mmw_out_num(o, COL_INDEX, spot->index);
}

/* Whose the page is, if it is in no slab. True: kmalloc's, all of the compound page; or it may be. */
static bool row_other(struct job *j, uint64_t pfn, uint64_t va)
{
	struct mmw_out *o = &j->t->out;
	struct mmw_frame f;
	struct mmw_owner w;
	char text[160];
	bool large;

	mmw_out_hex(o, COL_PFN, pfn);
	mmw_out_str(o, COL_WHAT, o->mode == MMW_OUT_TEXT ? "in no slab, but in the pool of KFENCE" : "kfence");
	if (j->s.kfence_last && va >= j->s.kfence_first && va <= j->s.kfence_last)
		return false;
	mmw_frame_look(&j->frames, pfn, &f);
	mmw_owner_of(&j->owners, &f, &va, 1, &w);
	large = f.read && !f.broken.code && (w.kind == MMW_OWNER_LARGE_KMALLOC || (w.kind == MMW_OWNER_UNEXPLAINED && f.folio.large));
	snprintf(text, sizeof(text), "in no slab: %s%s", mmw_owner_words(w.kind),
		 large && w.kind == MMW_OWNER_UNEXPLAINED ? "; compound, as large kmalloc is before kernels marked it" : "");
	mmw_out_str(o, COL_WHAT, o->mode == MMW_OUT_TEXT ? text : mmw_owner_name(w.kind));
	if (!large)
		return false;
	mmw_out_hex(o, COL_PAGE, f.folio.page.va);
	mmw_out_hex(o, COL_PFN, f.folio.page.pfn);
	mmw_out_hex(o, COL_PA, f.folio.page.pfn * j->s.pages.memmap_page);
	mmw_out_hex(o, COL_MEMORY, va - va % j->s.pages.memmap_page - f.number * j->s.pages.memmap_page);
	mmw_out_num(o, COL_ORDER, f.folio.order);
	return true;
}

/* An address in no slab. */
static int tell_other(struct job *j, const char *text, const struct mmw_where *where)
{
	uint64_t va = 0;
	bool large;

	if (j->opts->type || j->opts->objects) {
		mmw_warn("%s is in no slab", text);
		j->t->damage = true;
		return 0;
	}
	if (!mmw_layout_direct(j->s.layout, where->pa, &va))
		va = 0;
	row_asked(j, text, where, va);
	large = row_other(j, where->pa >> j->frames.page_shift, va);
	finish_row(j);
	if (!large)
		mmw_warn("%s is in no slab", text);
	j->t->damage = j->t->damage || !large;
	return 0;
}

/* What contradicts itself in one slab. */
static void say_slab(struct job *j, const char *text, const struct mmw_slab_problems *p)
{
	char words[512];

	for (size_t i = 0; i < p->n; i++) {
		mmw_slab_problem_text(&j->s.caches, &p->problem[i], words, sizeof(words));
		mmw_warn("%s: %s", text, words);
	}
	j->t->damage = j->t->damage || p->n;
}

/* Its object as a struct; one that is larger is said. */
static int tell_type(struct job *j, const char *text, const struct mmw_slab *slab, const struct mmw_slab_spot *spot, struct mmw_err *err)
{
	struct mmw_mem mem = mmw_vm_mem(mmw_kernel_vm(j->t->kernel));
	const struct mmw_typesrc *types;
	uint64_t id, len;
	int rc = mmw_find_type(j->t->kernel, mmw_bare_type(j->opts->type), &types, &id, err);

	rc = rc ? rc : mmw_type_bytes(types, id, &len, err);
	if (rc)
		return rc;
	if (!spot->has_object) {
		mmw_warn("%s lies in no object", text);
		j->t->damage = true;
		return 0;
	}
	if (!mmw_fits(j->opts->type_offset, len, slab->cache->object_size)) {
		mmw_warn("%s: %s has %" PRIu64 " bytes, and the object %u", text, j->opts->type, len, slab->cache->object_size);
		j->t->damage = true;
	}
	if (j->t->out.mode == MMW_OUT_TEXT)
		fprintf(j->t->out.to, "%s%s: object %" PRIx64 " of %s, %s\n", j->any ? "\n" : "", text, spot->object, slab->cache->name,
			mmw_object_state_name((enum mmw_object_state)slab->state[spot->index]));
	j->any = true;
	return mmw_value_print(j->t, &mem, j->opts->type, spot->object + j->opts->type_offset, err);
}

static int tell_slab(struct job *j, const char *text, const struct mmw_where *where, const struct mmw_slab *slab, struct mmw_err *err)
{
	uint64_t va = slab->memory + (where->pa - slab->pfn * j->s.pages.memmap_page);
	struct mmw_slab_spot spot = { 0 };

	if (j->opts->objects) {
		show_cache(j, slab->cache, slab, slab + 1);
		return 0;
	}
	if (slab->state)
		mmw_slab_spot(&j->s, slab, va, &spot);
	if (j->opts->type)
		return tell_type(j, text, slab, &spot, err);
	row_asked(j, text, where, va);
	row_slab(j, slab);
	if (slab->state)
		row_spot(j, slab, &spot);
	else
		mmw_out_str(&j->t->out, COL_STATE, mmw_object_state_name(MMW_OBJECT_UNKNOWN));
	finish_row(j);
	return 0;
}

static int tell_address(struct job *j, const char *text, const struct mmw_where *where, struct mmw_err *err)
{
	struct mmw_slab_problems problems = { 0 };
	struct mmw_err why = { 0 };
	struct mmw_slab slab;
	int rc = mmw_slab_of(&j->s, j->frames.vm, where->pa >> j->frames.page_shift, &slab, j->one, &problems, &why);

	if (!rc) {
		rc = tell_slab(j, text, where, &slab, err);
	} else if (rc == -MMW_E_NODATA || rc == -MMW_E_ARG) {
		rc = tell_other(j, text, where);
	} else {
		mmw_warn("%s: %s", text, why.msg);
		j->t->damage = true;
		rc = 0;
	}
	say_slab(j, text, &problems);
	free(problems.problem);
	return rc;
}

/* --- the command --------------------------------------------------------------------------------------------------- */

/* Mark the caches of this name, or pattern, or at this address: how many. */
static size_t want(struct job *j, const char *text)
{
	uint64_t va;
	bool number = mmw_hex_number(text, &va) && !j->opts->type;
	size_t n = 0;

	for (size_t i = 0; i < j->s.caches.n; i++) {
		if (strcmp(j->s.caches.cache[i].name, text) && fnmatch(text, j->s.caches.cache[i].name, 0))
			continue;
		j->n_wanted += !j->wanted[i];
		j->wanted[i] = true;
		n++;
	}
	if (!n && number && mmw_cache_at(&j->s.caches, va)) {
		size_t i = (size_t)(mmw_cache_at(&j->s.caches, va) - j->s.caches.cache);

		j->n_wanted += !j->wanted[i];
		j->wanted[i] = true;
		n++;
	}
	return n;
}

/* The slab an address is in stands for its cache. */
static int want_cache_of(struct job *j, const char *text, const struct mmw_where *where)
{
	struct mmw_err local = { 0 };
	struct mmw_slab slab;
	int rc = mmw_slab_of(&j->s, j->frames.vm, where->pa >> j->frames.page_shift, &slab, NULL, NULL, &local);

	if (!rc && slab.cache) {
		j->wanted[slab.cache - j->s.caches.cache] = true;
		return 0;
	}
	mmw_warn("%s: %s", text, rc ? local.msg : "its cache is not on the list of caches");
	j->t->damage = true;
	return 0;
}

static int ask(struct job *j, const char *text, struct mmw_err *err)
{
	struct mmw_err local = { 0 };
	struct mmw_where where;
	int rc = need_frames(j, err);

	if (rc)
		return rc;
	if (!mmw_where(&j->frames, text, &where, &local))
		return j->opts->caches ? want_cache_of(j, text, &where) : tell_address(j, text, &where, err);
	mmw_warn("%s: no cache is called so, and as an address: %s", text, local.msg);
	j->t->damage = true;
	return 0;
}

/* Of what was asked for, or of nothing. */
static void say(struct job *j)
{
	const struct mmw_slab_problems *p = &j->s.problems;
	uint64_t n = p->more, strange = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct mmw_cache *c = mmw_cache_at(&j->s.caches, p->problem[i].cache);

		n += j->all || !c || j->wanted[c - j->s.caches.cache];
	}
	for (size_t i = 0; i < j->s.caches.n; i++)
		if (j->s.caches.cache[i].recovered_random && (j->all || j->wanted[i]))
			mmw_warn("%s: what its links are mixed with is not as the cache has it, but as its slabs tell",
				 j->s.caches.cache[i].name);
	for (size_t i = 0; i < j->n; i++)
		strange += !j->slab[i].cache;
	if (*j->s.caches.broken)
		mmw_warn("%s", j->s.caches.broken);
	if (strange)
		mmw_warn("%" PRIu64 " slabs name a cache that is not listed", strange);
	if (n)
		mmw_warn("slabs NOT verified: %" PRIu64 " problems (slabinfo --check names them)", n);
	j->t->damage = j->t->damage || *j->s.caches.broken || n;
}

/* Caches first, then addresses, in the order of the arguments. */
static int show(struct job *j, int argc, char **argv, struct mmw_err *err)
{
	const char **address = calloc((size_t)argc + 1, sizeof(*address));
	size_t n = 0;
	int rc = 0;

	if (!address)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %d arguments", argc);
	j->all = !argc;
	for (int i = 0; i < argc; i++)
		if (!want(j, argv[i]))
			address[n++] = argv[i];
	if (j->opts->type && (!n || j->n_wanted))
		rc = mmw_fail(err, MMW_E_ARG, 0, "--type takes addresses of objects");
	for (size_t i = 0; !rc && j->opts->caches && i < n; i++)
		rc = ask(j, address[i], err);
	if (!rc && j->opts->caches)
		show_caches(j);
	else if (!rc && (j->all || j->n_wanted))
		rc = show_slabs(j, err);
	for (size_t i = 0; !rc && !j->opts->caches && i < n; i++)
		rc = ask(j, address[i], err);
	free(address);
	if (!rc)
		say(j);
	return rc;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct job *j;
	int rc = mmw_target_need_kernel(t, err);

	if (rc)
		return rc;
	j = calloc(1, sizeof(*j));
	if (!j)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the slabs");
	j->t = t;
	j->opts = opts;
	j->width = 2 * (int)mmw_kernel_arch(t->kernel)->word;
	rc = mmw_slabs_open(t->kernel, j->opts->caches && !argc ? MMW_SLABS_COUNTERS : MMW_SLABS_OBJECTS, &j->s, err);
	if (!rc) {
		j->wanted = calloc(j->s.caches.n, sizeof(*j->wanted));
		rc = j->wanted ? show(j, argc, argv, err) : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the caches");
		mmw_slabs_close(&j->s);
	}
	if (j->has_frames) {
		mmw_owners_close(&j->owners);
		mmw_frames_close(&j->frames);
	}
	free(j->wanted);
	free(j->slab);
	free(j->states);
	free(j);
	return rc;
}

const struct mmw_cmd mmw_cmd_slab = {
	.name = "slab",
	.summary = "slabs and objects of a cache, with each one's state; or which object an address is in",
	.args = "[CACHE|ADDR...]",
	.doc = "Print what a cache is, each of its slabs, and with --objects each object and its state; without CACHE, of all caches. "
	       "CACHE is a name, a pattern of names as the shell's, or the address of a struct kmem_cache. Of an ADDR, print in which "
	       "object of which slab it lies and who has that. ADDR is what the command page takes: pfn:N, pa:N, va:N, page:N, a symbol or "
	       "a number; with --objects it stands for its slab, with --caches for its cache. What is a cache's name is no address.",
	.options = options,
	.parse = parse_opt,
	.opts_size = sizeof(struct opts),
	.cols = cols,
	.schema = "slab/1",
	.views = views,
	.view = view,
	.run = run,
};

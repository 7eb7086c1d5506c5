/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"

enum { FRAMES_MAX = 1 << 24 };

struct track_rec {
	uint64_t addr, handle, cpu, pid, when;
};

static const struct mmw_field track_fields[] = {
	MMW_FIELD(track_rec, addr, "addr"),
	MMW_FIELD_OPT(track_rec, handle, "handle"),
	MMW_FIELD(track_rec, cpu, "cpu"),
	MMW_FIELD(track_rec, pid, "pid"),
	MMW_FIELD(track_rec, when, "when"),
};

/* --- one track ----------------------------------------------------------------------------------------------------- */

int mmw_tracks_open(const struct mmw_slabs *s, struct mmw_tracks *out, struct mmw_err *err)
{
	struct mmw_kernel *k = s->kernel;
	struct mmw_member handle;
	struct mmw_err why;
	int rc;

	memset(out, 0, sizeof(*out));
	out->slabs = s;
	out->word = mmw_kernel_arch(k)->word;
	if (s->caches.kind != MMW_SLUB)
		return mmw_fail(err, MMW_E_NODATA, 0, "this kernel's slab allocator, %s, does not note who allocates",
				mmw_slab_kind_name(s->caches.kind));
	rc = mmw_shadow_bind(k, "track", track_fields, mmw_array_len(track_fields), &out->track, err);
	if (rc)
		return rc;
	out->has_jiffies = !mmw_kernel_variable(k, "jiffies", out->word, &out->jiffies, NULL);
	if (mmw_kernel_member(k, "track", "addrs", &out->addrs, NULL, NULL))
		memset(&out->addrs, 0, sizeof(out->addrs));
	if (!mmw_kernel_member(k, "track", "handle", &handle, NULL, NULL)) {
		if (mmw_stackdepot_open(k, &out->depot, &why))
			out->no_depot = why;
	} else if (!out->addrs.count) {
		mmw_fail(&out->no_depot, MMW_E_NODATA, 0, "this kernel's tracks have no stacks");
	}
	return 0;
}

/* get_info_end(): what debugging adds begins where the object ends, or behind the free pointer if that is outside of it. */
static uint64_t first_track(const struct mmw_tracks *t, const struct mmw_cache *cache, uint64_t object)
{
	return object + cache->inuse + (cache->offset >= cache->inuse ? t->word : 0);
}

/*
 * Of how many bytes the caller does without. The size asked for is an int, in later kernels a long (in 6.12, 6.18 and
 * since 7.0): whose low half is that int, and in big endian the second one behind zeros.
 */
static int read_waste(const struct mmw_tracks *t, struct mmw_vm *vm, const struct mmw_cache *cache, uint64_t at, uint64_t *out,
		      struct mmw_err *err)
{
	uint64_t size;
	int rc = mmw_vm_read_uint(vm, at, 4, &size, err);

	if (!rc && !size && vm->walk.space->paging.big_endian && t->word == 8)
		rc = mmw_vm_read_uint(vm, at + 4, 4, &size, err);
	*out = !rc && size <= cache->object_size ? cache->object_size - size : 0;
	return rc;
}

int mmw_track_read(const struct mmw_tracks *t, struct mmw_vm *vm, const struct mmw_cache *cache, uint64_t object,
		   enum mmw_track_kind kind, struct mmw_track *out, struct mmw_err *err)
{
	uint64_t first = first_track(t, cache, object);
	struct track_rec rec;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!mmw_cache_has(cache, MMW_CACHE_STORE_USER))
		return mmw_fail(err, MMW_E_NODATA, cache->va, "who has objects of %s is not noted", cache->name);
	out->va = first + (kind == MMW_TRACK_FREE ? t->track.size : 0);
	rc = mmw_shadow_read(&t->track, vm, out->va, &rec, err);
	if (!rc && kind == MMW_TRACK_ALLOC && mmw_cache_has(cache, MMW_CACHE_KMALLOC))
		rc = read_waste(t, vm, cache, first + 2 * t->track.size, &out->waste, err);
	if (rc)
		return rc;
	out->addr = rec.addr;
	out->handle = rec.handle == MMW_ABSENT ? 0 : (uint32_t)rec.handle;
	out->cpu = (uint32_t)rec.cpu;
	out->pid = (int32_t)rec.pid;
	out->when = rec.when;
	return 0;
}

int mmw_track_stack(const struct mmw_tracks *t, struct mmw_vm *vm, const struct mmw_track *track, struct mmw_stack *out,
		    struct mmw_err *err)
{
	unsigned n = (unsigned)mmw_min64(t->addrs.count, MMW_STACK_MAX);
	int rc;

	out->n = 0;
	if (t->addrs.count && track->addr) {
		rc = mmw_stack_read(vm, track->va + t->addrs.offset, t->word, n, out, err);
		while (!rc && out->n && !out->addr[out->n - 1])
			out->n--;
		return rc;
	}
	if (!track->handle)
		return 0;
	if (t->no_depot.code) {
		if (err)
			*err = t->no_depot;
		return -(int)t->no_depot.code;
	}
	return mmw_stackdepot_fetch(&t->depot, vm, track->handle, out, err);
}

uint64_t mmw_track_age(const struct mmw_tracks *t, const struct mmw_track *track)
{
	uint64_t age = t->jiffies - track->when;

	return t->word == 8 ? age : (uint32_t)age;
}

/* --- many of them -------------------------------------------------------------------------------------------------- */

struct collecting {
	struct mmw_slabs *s;
	const struct mmw_tracks *t;
	const struct mmw_traces_opts *opts;
	struct mmw_traces *out;
	struct mmw_vm *vm;
	uint32_t *place;   /* open addressing: 1 + index of the trace */
	size_t mask;
};

static int set_bit(struct mmw_bits *bits, uint64_t bit, struct mmw_err *err)
{
	int rc = 0;

	if (bit >= MMW_TRACE_CPUS)
		return 0;
	if (bit / 64 >= bits->n) {
		rc = mmw_vec_reserve(&bits->word, &bits->cap, bit / 64 + 1, sizeof(*bits->word), err);
		if (rc)
			return rc;
		memset(bits->word + bits->n, 0, (bit / 64 + 1 - bits->n) * sizeof(*bits->word));
		bits->n = bit / 64 + 1;
	}
	bits->word[bit / 64] |= 1ull << bit % 64;
	return rc;
}

static uint64_t mix(uint64_t hash, uint64_t v)
{
	hash = (hash ^ v) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

/* A trace's key: the cache, the address and, if stacks count, waste and stack. */
static size_t home(const struct collecting *c, const struct mmw_trace *key, const uint64_t *frame)
{
	uint64_t hash = mix(mix(mix(mix(0, key->cache->va), key->addr), key->waste), key->handle);

	for (unsigned i = 0; i < key->n_frames; i++)
		hash = mix(hash, frame[i]);
	return hash & c->mask;
}

static bool is_same(const struct collecting *c, const struct mmw_trace *a, const struct mmw_trace *key, const uint64_t *frame)
{
	if (a->cache != key->cache || a->addr != key->addr || a->waste != key->waste || a->handle != key->handle)
		return false;
	/* The same handle is the same stack; without handles the stacks are what is there. */
	return key->handle || (a->n_frames == key->n_frames &&
			       (!a->n_frames || !memcmp(c->out->frame + a->frames, frame, a->n_frames * sizeof(*frame))));
}

static int grow(struct collecting *c, struct mmw_err *err)
{
	size_t mask = c->mask ? 2 * c->mask + 1 : 1023;
	uint32_t *place = calloc(mask + 1, sizeof(*place));

	if (!place)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for traces");
	free(c->place);
	c->place = place;
	c->mask = mask;
	for (size_t i = 0; i < c->out->n; i++) {
		struct mmw_trace key = c->out->trace[i];
		size_t at;

		if (key.handle)
			key.n_frames = 0;
		at = home(c, &key, key.n_frames ? c->out->frame + key.frames : NULL);
		while (place[at])
			at = (at + 1) & mask;
		place[at] = (uint32_t)i + 1;
	}
	return 0;
}

/* What the trace of a handle has for frames. */
static int add_frames(struct collecting *c, struct mmw_trace *trace, const struct mmw_stack *stack, struct mmw_err *err)
{
	struct mmw_traces *out = c->out;
	int rc;

	trace->frames = out->n_frames;
	trace->n_frames = stack->n;
	if (out->n_frames + stack->n > FRAMES_MAX) {
		trace->n_frames = 0;
		trace->why = MMW_E_LIMIT;
	}
	if (trace->why)
		out->lost++;
	if (!trace->n_frames)
		return 0;
	rc = mmw_vec_reserve(&out->frame, &out->cap_frames, out->n_frames + stack->n, sizeof(*out->frame), err);
	if (rc)
		return rc;
	memcpy(out->frame + out->n_frames, stack->addr, stack->n * sizeof(*stack->addr));
	out->n_frames += stack->n;
	return 0;
}

/* The trace that an object belongs to, perhaps new, of count 0. NULL with 0: there are too many. */
static int find_trace(struct collecting *c, const struct mmw_cache *cache, const struct mmw_track *track, struct mmw_trace **found,
		      struct mmw_err *err)
{
	struct mmw_trace key = { .cache = cache, .addr = track->addr };
	struct mmw_stack stack = { .n = 0 };
	struct mmw_traces *out = c->out;
	size_t at;
	int rc = 0;

	*found = NULL;
	if (2 * out->n >= c->mask && grow(c, err))
		return -MMW_E_NOMEM;
	if (!c->opts->functions) {
		key.waste = track->waste;
		key.handle = track->handle;
		if (!key.handle)
			rc = mmw_track_stack(c->t, c->vm, track, &stack, NULL);
	}
	key.n_frames = stack.n;
	for (at = home(c, &key, stack.addr); c->place[at]; at = (at + 1) & c->mask) {
		*found = &out->trace[c->place[at] - 1];
		if (is_same(c, *found, &key, stack.addr))
			return 0;
	}
	*found = NULL;
	if (out->n >= MMW_TRACES_MAX)
		return 0;
	if (key.handle)
		rc = mmw_track_stack(c->t, c->vm, track, &stack, NULL);
	key.why = (enum mmw_code)-rc;
	rc = mmw_vec_reserve(&out->trace, &out->cap, out->n + 1, sizeof(*out->trace), err);
	rc = rc ? rc : add_frames(c, &key, &stack, err);
	if (rc)
		return rc;
	out->trace[out->n++] = key;
	c->place[at] = (uint32_t)out->n;
	*found = &out->trace[out->n - 1];
	return 0;
}

/* add_location(): a track without a time counts, and says nothing more unless it is the first. */
static int add_track(struct collecting *c, const struct mmw_slab *slab, const struct mmw_track *track, struct mmw_err *err)
{
	uint64_t age = mmw_track_age(c->t, track);
	struct mmw_trace *l;
	bool first;
	int rc = find_trace(c, slab->cache, track, &l, err);

	if (rc || !l) {
		c->out->more += !rc;
		return rc;
	}
	first = !l->count++;
	rc = set_bit(&l->nodes, slab->node, err);
	if (rc || (!first && !track->when))
		return rc;
	l->sum_age += age;
	l->min_age = first || age < l->min_age ? age : l->min_age;
	l->max_age = first || age > l->max_age ? age : l->max_age;
	l->min_when = first || track->when < l->min_when ? track->when : l->min_when;
	l->max_when = first || track->when > l->max_when ? track->when : l->max_when;
	l->min_pid = first || track->pid < l->min_pid ? track->pid : l->min_pid;
	l->max_pid = first || track->pid > l->max_pid ? track->pid : l->max_pid;
	return set_bit(&l->cpus, track->cpu, err);
}

static bool is_in_use(uint8_t state)
{
	return state == MMW_OBJECT_ALLOCATED || state == MMW_OBJECT_UNKNOWN;
}

static int visit(void *ctx, const struct mmw_slab *slab, struct mmw_err *err)
{
	struct collecting *c = ctx;
	const struct mmw_cache *cache = slab->cache;
	struct mmw_track track;
	int rc = 0;

	if (!cache || !slab->state || !mmw_cache_has(cache, MMW_CACHE_STORE_USER) ||
	    (c->opts->wanted && !c->opts->wanted[cache - c->s->caches.cache]))
		return 0;
	for (uint32_t i = 0; !rc && i < slab->objects; i++) {
		if (!c->opts->all && !is_in_use(slab->state[i]))
			continue;
		if (mmw_track_read(c->t, c->vm, cache, mmw_slab_object_va(slab, i), c->opts->kind, &track, NULL))
			c->out->unreadable++;
		else
			rc = add_track(c, slab, &track, err);
	}
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct mmw_trace *x = a, *y = b;

	if (x->cache != y->cache)
		return x->cache < y->cache ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->handle != y->handle)
		return x->handle < y->handle ? -1 : 1;
	if (x->waste != y->waste)
		return x->waste < y->waste ? -1 : 1;
	return x->frames < y->frames ? -1 : x->frames > y->frames;
}

/* The only cache that is asked for, so that the others' slabs are left alone. */
static const struct mmw_cache *only(const struct mmw_slabs *s, const bool *wanted)
{
	const struct mmw_cache *found = NULL;

	for (size_t i = 0; wanted && i < s->caches.n; i++) {
		if (wanted[i] && found)
			return NULL;
		if (wanted[i])
			found = &s->caches.cache[i];
	}
	return found;
}

int mmw_traces_open(struct mmw_slabs *s, const struct mmw_tracks *t, const struct mmw_traces_opts *opts, struct mmw_traces *out,
		    struct mmw_err *err)
{
	const struct mmw_slabs_opts pass = { .only = only(s, opts->wanted), .states = true, .threads = opts->threads };
	struct collecting c = { .s = s, .t = t, .opts = opts, .out = out, .vm = mmw_kernel_vm(s->kernel) };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = grow(&c, err);
	rc = rc ? rc : mmw_slabs_pass(s, &pass, visit, &c, err);
	free(c.place);
	if (rc)
		mmw_traces_close(out);
	else if (out->n)
		qsort(out->trace, out->n, sizeof(*out->trace), compare);
	return rc;
}

void mmw_traces_close(struct mmw_traces *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->trace[i].cpus.word);
		free(t->trace[i].nodes.word);
	}
	free(t->trace);
	free(t->frame);
	memset(t, 0, sizeof(*t));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/pageblock.h"

enum { ZONELIST_MAX = 4096 };

struct opening {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	struct mmw_alloc *a;
	unsigned word;
	bool *filled;              /* of the zone at hand, orders x types: that list has a block */
	unsigned pageblock_order;
	size_t *order;             /* the zones in the order of preference */
};

/* --- what the request may do -------------------------------------------------------------------------------------- */

/* The version: the release's, or a later one of the same series that the distribution names ("Debian 6.1.176-1"). */
static void version_of(const struct mmw_kernel *k, int out[3])
{
	const char *banner = mmw_kernel_banner(k);
	int v[3];

	out[0] = out[1] = out[2] = 0;
	sscanf(mmw_kernel_release(k), "%d.%d.%d", &out[0], &out[1], &out[2]);
	for (const char *at = strchr(banner, '#'); at && *at; at++)
		if (at[0] == ' ' && sscanf(at, " %d.%d.%d", &v[0], &v[1], &v[2]) == 3 && v[0] == out[0] &&
		    v[1] == out[1] && v[2] > out[2])
			out[2] = v[2];
}

static bool since(const int v[3], int major, int minor, int patch)
{
	if (v[0] != major)
		return v[0] > major;
	return v[1] != minor ? v[1] > minor : v[2] >= patch;
}

/* Only the fast path's; gfp_to_alloc_flags_cma() and, before it had a name, the same elsewhere. */
static struct mmw_alloc_rights rights_of_all(const struct mmw_alloc *a)
{
	return (struct mmw_alloc_rights){ .cma = a->zones.cma >= 0 && a->type >= 0 &&
						  !strcmp(a->zones.type_name[a->type], "Movable") };
}

/* gfp_to_alloc_flags() to 6.2: __GFP_ATOMIC is what opens the reserves. */
static void rights_by_atomic(const struct mmw_alloc *a, struct mmw_alloc_rights *r)
{
	bool atomic = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_ATOMIC);

	r->half = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_HIGH);
	r->quarter = atomic && !mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_NOMEMALLOC);
	r->reserve = r->quarter;
	r->highatomic = r->quarter && a->order;
	r->no_boost = atomic && !a->order;
}

/*
 * From 6.3 (and 6.1.116) not being able to wait does, with __GFP_HIGH. That HighAtomic blocks need both is younger:
 * 6.12.54, 6.1.157 and 7.2 have it ("only set ALLOC_HIGHATOMIC for __GPF_HIGH allocations"); since when, between 6.13
 * and 7.2, is taken to be 6.18.
 */
static void rights_by_waiting(const struct mmw_alloc *a, const int version[3], struct mmw_alloc_rights *r)
{
	bool late = since(version, 6, 18, 0) || (since(version, 6, 12, 54) && !since(version, 6, 13, 0)) ||
		    (since(version, 6, 1, 157) && !since(version, 6, 2, 0));
	bool high = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_HIGH);
	bool stuck = !mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_DIRECT_RECLAIM) &&
		     !mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_NOMEMALLOC);

	r->half = high;
	r->quarter = high && stuck;
	r->reserve = high || stuck;
	r->highatomic = stuck && (a->order ? high || !late : true);
	r->no_boost = !a->order && (a->gfp.bit[MMW_GFP_ATOMIC] ? mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_ATOMIC) : high);
}

static void find_rights(struct opening *o)
{
	struct mmw_alloc *a = o->a;
	struct mmw_alloc_rights *min = &a->rights[MMW_ALLOC_MIN];
	int version[3];

	version_of(o->k, version);
	for (int i = 0; i < MMW_ALLOC_ATTEMPTS; i++)
		a->rights[i] = rights_of_all(a);
	if (since(version, 6, 3, 0) || (since(version, 6, 1, 116) && !since(version, 6, 2, 0))) {
		a->rules = "6.3 (and 6.1.116) on";
		rights_by_waiting(a, version, min);
	} else {
		a->rules = "up to 6.2";
		rights_by_atomic(a, min);
	}
	a->rights[MMW_ALLOC_ALL].all = a->rights[MMW_ALLOC_ALL].reserve = true;
	a->made[MMW_ALLOC_LOW] = a->made[MMW_ALLOC_MIN] = true;
	a->made[MMW_ALLOC_ALL] = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_MEMALLOC) &&
				 !mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_NOMEMALLOC);
}

/* --- which zones -------------------------------------------------------------------------------------------------- */

/* An enumerator of zone_type; absent: not configured. */
static int64_t zone_type(struct mmw_kernel *k, const char *name)
{
	int64_t v;

	return mmw_kernel_enumerator(k, "zone_type", name, &v, NULL) ? -1 : v;
}

/* gfp_zone(): include/linux/gfp.h, GFP_ZONE_TABLE. */
static int find_highest(struct opening *o, struct mmw_err *err)
{
	struct mmw_alloc *a = o->a;
	bool dma = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_DMA), dma32 = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_DMA32);
	bool high = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_HIGHMEM);
	bool movable = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_MOVABLE);
	int64_t normal = zone_type(o->k, "ZONE_NORMAL"), found = normal, wanted = -1;

	if (normal < 0)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "no type says which zones there are (enum zone_type)");
	if (dma + dma32 + high > 1)
		return mmw_fail(err, MMW_E_ARG, 0, "these flags name two zones");
	if (dma)
		wanted = zone_type(o->k, "ZONE_DMA");
	else if (dma32)
		wanted = zone_type(o->k, "ZONE_DMA32");
	else if (high && movable)
		wanted = zone_type(o->k, "ZONE_MOVABLE");
	else if (high)
		wanted = zone_type(o->k, "ZONE_HIGHMEM");
	found = wanted < 0 ? normal : wanted;
	if (found >= MMW_RESERVES_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "zone number %" PRId64, found);
	a->highest = (unsigned)found;
	return 0;
}

static int type_named(const struct mmw_zones *z, const char *name)
{
	for (unsigned i = 0; i < z->types; i++)
		if (!strcmp(z->type_name[i], name))
			return (int)i;
	return -1;
}

/* gfp_migratetype(): three by flags, or one where memory is too little to keep them apart. */
static int find_type(struct opening *o, struct mmw_err *err)
{
	struct mmw_alloc *a = o->a;
	bool movable = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_MOVABLE);
	bool reclaimable = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_RECLAIMABLE);
	uint64_t off;

	if (movable && reclaimable)
		return mmw_fail(err, MMW_E_ARG, 0, "__GFP_MOVABLE and __GFP_RECLAIMABLE exclude each other");
	if (!mmw_kernel_variable(o->k, "page_group_by_mobility_disabled", 4, &off, NULL) && off)
		movable = reclaimable = false;
	a->type = type_named(&a->zones, movable ? "Movable" : reclaimable ? "Reclaimable" : "Unmovable");
	return a->type < 0 ? mmw_fail(err, MMW_E_NOTYPE, 0, "no type names the migrate types") : 0;
}

static int find_node(struct opening *o, int node, size_t *out, struct mmw_err *err)
{
	const struct mmw_zones *z = &o->a->zones;

	for (size_t i = 0; i < z->n_nodes; i++) {
		if (node >= 0 && z->node[i].id != (unsigned)node)
			continue;
		*out = i;
		o->a->node = z->node[i].id;
		return 0;
	}
	return mmw_fail(err, MMW_E_ARG, 0, "node %d is not online", node);
}

static bool find_zone(const struct mmw_alloc *a, uint64_t va, size_t *out)
{
	for (size_t i = 0; i < a->stat.n_zones; i++) {
		if (a->stat.zones[i].va == va) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* The node's own zonelist: all zones, or with __GFP_THISNODE its own, up to the first empty reference. */
static int read_zonelist(struct opening *o, size_t node, struct mmw_err *err)
{
	struct mmw_alloc *a = o->a;
	struct mmw_member refs, zone;
	char path[64];
	bool own = mmw_gfp_has(&a->gfp, a->flags, MMW_GFP_THISNODE);
	int rc;

	snprintf(path, sizeof(path), "node_zonelists[%d]._zonerefs", own);
	rc = mmw_kernel_member(o->k, "pglist_data", path, &refs, NULL, own ? NULL : err);
	if (rc && own)
		rc = mmw_kernel_member(o->k, "pglist_data", "node_zonelists[0]._zonerefs", &refs, NULL, err);
	rc = rc ? rc : mmw_kernel_member(o->k, "zoneref", "zone", &zone, NULL, err);
	if (rc)
		return rc;
	o->order = calloc(a->stat.n_zones + 1, sizeof(*o->order));
	if (!o->order)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a zonelist");
	for (uint64_t i = 0; i < refs.count && i < ZONELIST_MAX && a->n_zones < a->stat.n_zones; i++) {
		uint64_t at = a->zones.node[node].va + refs.offset + i * refs.elem_size + zone.offset, va;

		rc = mmw_vm_read_uint(o->vm, at, o->word, &va, err);
		if (rc || !va)
			return rc;
		if (!find_zone(a, va, &o->order[a->n_zones]))
			return mmw_fail(err, MMW_E_CORRUPT, at, "the zonelist of node %u names 0x%" PRIx64 ", which is no zone",
					a->node, va);
		if (a->stat.zones[o->order[a->n_zones]].index <= a->highest)
			a->n_zones++;
	}
	return 0;
}

/*
 * alloc_flags_nofragment(): where the preferred zone is Normal and there is a DMA32 to go to, the fast path first asks
 * all zones for blocks that leave pageblocks of other types alone.
 */
static void find_nofragment(struct opening *o)
{
	struct mmw_alloc *a = o->a;
	int64_t dma32 = zone_type(o->k, "ZONE_DMA32");
	const struct mmw_zone_marks *z = a->n_zones ? &a->stat.zones[o->order[0]] : NULL;

	if (!z || dma32 < 0 || z->index != zone_type(o->k, "ZONE_NORMAL"))
		return;
	a->nofragment = a->zones.n_nodes <= 1 || (z > a->stat.zones && z[-1].index == dma32 && z[-1].present);
}

/* --- a zone ------------------------------------------------------------------------------------------------------- */

struct mmw_alloc_sum mmw_alloc_add_up(const struct mmw_alloc_zone *z, const struct mmw_alloc_rights *r, unsigned order)
{
	int64_t min = (int64_t)(z->mark + (r->no_boost ? 0 : z->boost));
	struct mmw_alloc_sum s = { .unusable = (int64_t)(1ull << order) - 1 };

	s.unusable += r->reserve ? 0 : (int64_t)z->highatomic;
	s.unusable += r->cma ? 0 : (int64_t)z->cma;
	s.available = (int64_t)((uint64_t)z->free - (uint64_t)s.unusable);
	min -= r->half ? min / 2 : 0;
	min -= r->quarter ? min / 4 : 0;
	s.needed = (int64_t)((uint64_t)min + (uint64_t)z->reserve);
	s.enough = r->all || s.available > s.needed;
	return s;
}

static uint64_t shown(const struct mmw_alloc *a, size_t zone, const char *name)
{
	const struct mmw_stats *s = &a->stat.kind[MMW_STAT_ZONE];

	for (unsigned item = 0; item < s->n; item++)
		if (!strcmp(s->name[item], name))
			return mmw_stat_shown(&a->stat, MMW_STAT_ZONE, item, s->value[zone * s->n + item]);
	return 0;
}

static void read_figures(const struct mmw_alloc *a, size_t zone, enum mmw_alloc_attempt attempt,
			 struct mmw_alloc_zone *out)
{
	const struct mmw_zone_marks *z = &a->stat.zones[zone];

	*out = (struct mmw_alloc_zone){ .free = shown(a, zone, "nr_free_pages"), .cma = shown(a, zone, "nr_free_cma"),
					.mark = z->watermark[attempt == MMW_ALLOC_LOW ? 1 : 0],
					.boost = z->boost == MMW_ABSENT ? 0 : z->boost,
					.highatomic = z->free_highatomic != MMW_ABSENT ? z->free_highatomic :
						      z->reserved_highatomic != MMW_ABSENT ? z->reserved_highatomic : 0,
					.reserve = a->highest < z->reserves ? z->reserve[a->highest] : 0 };
}

/* Which lists of the zone have blocks: their heads tell, and what they lead to does not matter here. */
static void read_lists(struct opening *o, uint64_t va)
{
	const struct mmw_zones *z = &o->a->zones;
	const struct mmw_zone zone = { .va = va };

	for (unsigned order = 0; order < z->orders; order++) {
		for (unsigned type = 0; type < z->types; type++) {
			uint64_t head = mmw_zone_list(z, &zone, order, type), next = 0;
			bool read = !mmw_vm_read_uint(o->vm, head, o->word, &next, NULL);

			o->filled[order * z->types + type] = read && next && next != head;
		}
	}
}

/* The smallest block of at least this order, or the largest; -1: none. */
static int block_of(const struct opening *o, int type, unsigned order, bool largest)
{
	const struct mmw_zones *z = &o->a->zones;
	int found = -1;

	for (unsigned i = order; type >= 0 && i < z->orders; i++) {
		if (!o->filled[i * z->types + (unsigned)type])
			continue;
		found = (int)i;
		if (!largest)
			break;
	}
	return found;
}

static bool take(struct mmw_alloc_try *t, enum mmw_alloc_block block, int type, int order)
{
	if (order < 0)
		return false;
	t->block = block;
	t->block_type = type;
	t->block_order = (unsigned)order;
	return true;
}

/* The types that the kernel's fallbacks[] names for this one, and of those the largest block. */
static bool find_fallback(const struct opening *o, unsigned least, struct mmw_alloc_try *t)
{
	static const char *const fallbacks[][3] = {
		{ "Unmovable", "Reclaimable", "Movable" }, { "Movable", "Reclaimable", "Unmovable" },
		{ "Reclaimable", "Unmovable", "Movable" },
	};
	const struct mmw_zones *z = &o->a->zones;

	for (size_t i = 0; i < mmw_array_len(fallbacks); i++) {
		if (strcmp(fallbacks[i][0], z->type_name[o->a->type]))
			continue;
		for (size_t j = 1; j < mmw_array_len(fallbacks[i]); j++) {
			int type = type_named(z, fallbacks[i][j]);

			if (take(t, MMW_ALLOC_FALLBACK, type, block_of(o, type, least, true)))
				return true;
		}
	}
	return false;
}

/* __rmqueue(): its own type, CMA, and fallbacks. */
static void find_block(const struct opening *o, const struct mmw_alloc_rights *r, bool nofragment,
		       struct mmw_alloc_try *t)
{
	const struct mmw_zones *z = &o->a->zones;
	unsigned order = o->a->order, least = nofragment && o->pageblock_order > order ? o->pageblock_order : order;
	int cma = block_of(o, z->cma, order, false), highatomic = block_of(o, z->highatomic, order, false);

	t->block = MMW_ALLOC_NO_BLOCK;
	t->block_type = -1;
	/* CMA's share is used up first where it is the larger one. */
	if (r->cma && t->figures.cma > t->figures.free / 2 && take(t, MMW_ALLOC_CMA_BLOCK, z->cma, cma))
		return;
	if (order && r->highatomic && take(t, MMW_ALLOC_HIGHATOMIC_BLOCK, z->highatomic, highatomic))
		return;
	if (take(t, MMW_ALLOC_OWN, o->a->type, block_of(o, o->a->type, order, false)))
		return;
	if (r->cma && take(t, MMW_ALLOC_CMA_BLOCK, z->cma, cma))
		return;
	if (find_fallback(o, least, t))
		return;
	if (r->highatomic && take(t, MMW_ALLOC_HIGHATOMIC_BLOCK, z->highatomic, highatomic))
		return;
	for (unsigned type = 0; type < z->types; type++)
		t->listed_elsewhere |= block_of(o, (int)type, order, false) >= 0;
}

static void try_zone(struct opening *o, enum mmw_alloc_attempt attempt, bool nofragment, struct mmw_alloc_try *t)
{
	const struct mmw_alloc_rights *r = &o->a->rights[attempt];

	read_lists(o, o->a->stat.zones[t->zone].va);
	read_figures(o->a, t->zone, attempt, &t->figures);
	t->sum = mmw_alloc_add_up(&t->figures, r, o->a->order);
	find_block(o, r, nofragment, t);
	t->good = t->sum.enough && t->block != MMW_ALLOC_NO_BLOCK;
}

/* All zones are looked at; the first good one is used. */
static int make_attempt(struct opening *o, enum mmw_alloc_attempt attempt, struct mmw_err *err)
{
	struct mmw_alloc *a = o->a;
	struct mmw_alloc_try *t = calloc(a->n_zones + 1, sizeof(*t));
	bool used = false;

	if (!t)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu zones", a->n_zones);
	a->tries[attempt] = t;
	for (int pass = attempt == MMW_ALLOC_LOW && a->nofragment ? 0 : 1; pass < 2 && !used; pass++) {
		for (size_t i = 0; i < a->n_zones; i++) {
			t[i] = (struct mmw_alloc_try){ .zone = o->order[i] };
			try_zone(o, attempt, !pass, &t[i]);
			t[i].used = t[i].good && !used;
			used = used || t[i].good;
		}
	}
	return 0;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static int prepare(struct opening *o, const char *flags, int node, struct mmw_err *err)
{
	struct mmw_alloc *a = o->a;
	size_t at = 0;
	int rc = mmw_gfp_open(o->k, &a->gfp, err);

	rc = rc ? rc : mmw_gfp_parse(&a->gfp, flags, &a->flags, err);
	rc = rc ? rc : mmw_zones_open(o->k, &a->zones, err);
	if (!rc && a->order >= a->zones.orders)
		rc = mmw_fail(err, MMW_E_ARG, 0, "order %u: this kernel's largest is %u", a->order,
			      a->zones.orders - 1);
	rc = rc ? rc : find_node(o, node, &at, err);
	rc = rc ? rc : find_type(o, err);
	rc = rc ? rc : find_highest(o, err);
	rc = rc ? rc : mmw_vmstat_open(o->k, &a->zones, &a->stat, err);
	rc = rc ? rc : read_zonelist(o, at, err);
	if (rc)
		return rc;
	find_nofragment(o);
	find_rights(o);
	return 0;
}

int mmw_alloc_open(struct mmw_kernel *k, unsigned order, const char *flags, int node, struct mmw_alloc *out,
		   struct mmw_err *err)
{
	struct opening o = { .k = k, .vm = mmw_kernel_vm(k), .a = out, .word = mmw_kernel_arch(k)->word };
	bool filled[MMW_ORDERS_MAX * MMW_MIGRATETYPES_MAX];
	int rc;

	memset(out, 0, sizeof(*out));
	out->order = order;
	o.filled = filled;
	rc = prepare(&o, flags, node, err);
	o.pageblock_order = rc ? 0 : mmw_pageblock_rule(k, out->zones.orders);
	for (int i = 0; !rc && i < MMW_ALLOC_ATTEMPTS; i++)
		if (out->made[i])
			rc = make_attempt(&o, (enum mmw_alloc_attempt)i, err);
	free(o.order);
	if (rc)
		mmw_alloc_close(out);
	return rc;
}

void mmw_alloc_close(struct mmw_alloc *a)
{
	for (int i = 0; i < MMW_ALLOC_ATTEMPTS; i++)
		free(a->tries[i]);
	memset(a->tries, 0, sizeof(a->tries));
	mmw_vmstat_close(&a->stat);
	mmw_zones_close(&a->zones);
}

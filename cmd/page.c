/* SPDX-License-Identifier: GPL-2.0-or-later */
/* page: everything known of a page frame. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/where.h"
#include "lib/base/vec.h"
#include "lib/mm/aliases.h"
#include "lib/mm/owner.h"
#include "lib/slab/part.h"

enum {
	COL_ASKED, COL_READING, COL_PFN, COL_PA, COL_PAGE, COL_SECTION, COL_NODE, COL_ZONE, COL_STATE, COL_MEMORY,
	COL_PAGEBLOCK, COL_FLAGS, COL_TYPE, COL_REFCOUNT, COL_MAPCOUNT, COL_MAPPING, COL_INDEX, COL_PRIVATE, COL_LRU,
	COL_MEMCG, COL_KPAGEFLAGS, COL_FOLIO, COL_OWNER, COL_FILE, COL_AREA, COL_RESOURCE, COL_UNKNOWN, COL_MAPPED,
};

static const struct mmw_col cols[] = {
	[COL_ASKED] = { "asked", "the argument", 18, false, false },
	[COL_READING] = { "reading", "what it was taken for: pfn, pa, va, page", 7, false, false },
	[COL_PFN] = { "pfn", "page frame number", 8, true, true },
	[COL_PA] = { "pa", "its physical address", 12, true, true },
	[COL_PAGE] = { "page", "the address of its struct page", 16, true, false },
	[COL_SECTION] = { "section", "memory section (sparse memory)", 7, true, false },
	[COL_NODE] = { "node", "memory node", 4, true, true },
	[COL_ZONE] = { "zone", "zone of the node", 8, false, true },
	[COL_STATE] = { "state", "online, offline, no memory, no struct page, or why the struct page cannot be read", 14,
			false, true },
	[COL_MEMORY] = { "memory", "is the frame itself in the image: stored, excluded, absent, truncated", 9, false,
			 false },
	[COL_PAGEBLOCK] = { "pageblock", "migrate type of its pageblock", 11, false, false },
	[COL_FLAGS] = { "flags", "page.flags: value and names", 30, false, true },
	[COL_TYPE] = { "type", "the word of type and mappings: value and name", 18, false, false },
	[COL_REFCOUNT] = { "refcount", "references to the page", 8, true, true },
	[COL_MAPCOUNT] = { "mapcount", "how often it is mapped, as in /proc/kpagecount", 8, true, true },
	[COL_MAPPING] = { "mapping", "page.mapping of the folio: value, and what it is", 24, false, false },
	[COL_INDEX] = { "index", "page.index", 8, true, false },
	[COL_PRIVATE] = { "private", "page.private of the folio: value, and what it is", 24, false, false },
	[COL_LRU] = { "lru", "page.lru: next, prev", 34, false, false },
	[COL_MEMCG] = { "memcg", "memory cgroup, or the objects' cgroups: pointer, and which", 18, false, false },
	[COL_KPAGEFLAGS] = { "kpageflags", "the entry of /proc/kpageflags: value and names", 30, false, false },
	[COL_FOLIO] = { "folio", "the compound page it is in", 30, false, false },
	[COL_OWNER] = { "owner", "whom it belongs to", 30, false, true },
	[COL_FILE] = { "file", "page cache: which file, and where in it", 30, false, false },
	[COL_AREA] = { "area", "the vmalloc area it is mapped in", 30, false, false },
	[COL_RESOURCE] = { "resource", "as in /proc/iomem, the innermost first", 20, false, false },
	[COL_UNKNOWN] = { "unknown", "what is not known, and why", 20, false, false },
	[COL_MAPPED] = { "mapped", "where the kernel maps it", 30, false, false },
	{ 0 },
};

enum {
	BATCH = 4096,      /* frames that one walk over the kernel's tables serves */
	ALIASES_MAX = 32,  /* addresses kept of a frame; more are counted */
	TEXT_MAX = MMW_CELL_MAX,
};

struct alias {
	uint64_t va, size;
	uint8_t rights;
};

/* A frame that was asked for. */
struct asked {
	char text[64];
	struct mmw_where where;
	uint64_t pfn;
	struct alias alias[ALIASES_MAX];
	size_t n_aliases;
	uint64_t more;   /* beyond those */
};

struct job {
	struct mmw_target *t;
	struct mmw_frames frames;
	struct mmw_owners owners;
	struct mmw_slabs slabs;        /* opened when a frame is in a slab */
	struct mmw_err no_slabs;       /* why they cannot be */
	bool tried_slabs;
	char no_slab[160];             /* why one cannot be read; "" */
	uint8_t state[MMW_SLAB_OBJECTS_MAX];
	struct mmw_walk walk;
	bool newer;      /* names of kpageflags from 6.12 on */
	bool any;        /* something was printed */
	struct asked *asked;
	size_t n;
	const struct asked **by_pa;  /* for the walk */
};

/* --- who maps it ------------------------------------------------------------------------------------------------- */

static int by_physical(const void *a, const void *b)
{
	const struct asked *x = *(const struct asked *const *)a, *y = *(const struct asked *const *)b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static int keep_alias(void *ctx, size_t index, const struct mmw_ent *ent)
{
	struct job *j = ctx;
	struct asked *a = &j->asked[j->by_pa[index] - j->asked];

	if (a->n_aliases == ALIASES_MAX)
		a->more++;
	else
		a->alias[a->n_aliases++] = (struct alias){ ent->va, mmw_level_size(&j->walk.space->paging, ent->level),
							   ent->rights };
	return 0;
}

static int find_aliases(struct job *j, struct mmw_err *err)
{
	uint64_t *pas = calloc(j->n, sizeof(*pas));
	struct mmw_aliases search = { .pas = pas, .n = j->n, .leaf = keep_alias, .ctx = j };
	int rc;

	if (!pas)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu frames", j->n);
	for (size_t i = 0; i < j->n; i++)
		j->by_pa[i] = &j->asked[i];
	qsort(j->by_pa, j->n, sizeof(*j->by_pa), by_physical);
	for (size_t i = 0; i < j->n; i++)
		pas[i] = j->by_pa[i]->pfn << j->frames.page_shift;
	rc = mmw_aliases_find(&search, &j->walk, 0, UINT64_MAX, err);
	free(pas);
	return rc;
}

/* --- cells ------------------------------------------------------------------------------------------------------- */

/* A text in the making. */
struct text {
	char s[TEXT_MAX];
	size_t n;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (t->n < sizeof(t->s))
		t->n += (size_t)vsnprintf(t->s + t->n, sizeof(t->s) - t->n, fmt, ap);
	va_end(ap);
}

static json_t *word_or_null(const char *word)
{
	return word && *word ? json_string(word) : json_null();
}

/* "a|b" as {"value": ..., "names": [...]}. */
static void value_and_names(struct mmw_out *o, int col, uint64_t value, const char *names)
{
	json_t *list = json_array();
	struct text t = { .n = 0 };

	for (const char *at = names; *at; at += strspn(at, "|")) {
		size_t len = strcspn(at, "|");

		json_array_append_new(list, json_stringn(at, len));
		at += len;
	}
	add(&t, "0x%" PRIx64 "%s%s", value, *names ? " " : "", names);
	mmw_out_json(o, col, json_pack("{s:o,s:o}", "value", mmw_json_hex(value), "names", list), t.s);
}

/* A value, and in a word what it is; NULL: nothing more to say. */
static void value_and_word(struct mmw_out *o, int col, uint64_t value, const char *word)
{
	struct text t = { .n = 0 };

	add(&t, "0x%" PRIx64 "%s%s", value, word ? ", " : "", word ? word : "");
	mmw_out_json(o, col, json_pack("{s:o,s:o}", "value", mmw_json_hex(value), "is", word_or_null(word)), t.s);
}

static void row_flags(struct job *j, const struct mmw_frame *f)
{
	const struct mmw_pages *p = &j->frames.pages;
	struct text t = { .n = 0 };

	for (int i = 0; i < MMW_PG_BITS; i++)
		if (mmw_page_flag(p, &f->page, (enum mmw_pg)i))
			add(&t, "%s%s", t.n ? "|" : "", mmw_pg_name((enum mmw_pg)i));
	value_and_names(&j->t->out, COL_FLAGS, f->page.flags, t.n ? t.s : "");
	if (j->frames.no_kpf.code)
		return;
	t.n = 0;
	t.s[0] = '\0';
	for (unsigned bit = 0; bit < MMW_KPF_N; bit++) {
		const char *name = mmw_kpf_name(bit, j->newer);

		if (f->kpf >> bit & 1)
			add(&t, name ? "%s%s" : "%sbit", t.n ? "|" : "", name ? name + 2 : "");
	}
	value_and_names(&j->t->out, COL_KPAGEFLAGS, f->kpf, t.s);
}

/* What page.mapping of the folio means; only where nothing else is kept there. */
static const char *mapping_word(const struct mmw_owner *w, uint64_t mapping)
{
	switch (w->kind) {
	case MMW_OWNER_ANON:
		return "anon_vma, and the mark of anonymous memory";
	case MMW_OWNER_KSM:
		return "stable node, and the mark of KSM";
	case MMW_OWNER_MOVABLE:
		return "operations, and the mark of movable pages";
	case MMW_OWNER_FILE:
		return "address_space";
	default:
		return mapping ? "no mapping of this kind of page" : NULL;
	}
}

static void row_private(struct job *j, const struct mmw_frame *f, const struct mmw_owner *w)
{
	const struct mmw_pages *p = &j->frames.pages;
	const struct mmw_page *head = &f->folio.page;
	struct text t = { .n = 0 };
	uint64_t offset;
	unsigned type;

	/* A slab counts its objects there. */
	if (w->kind == MMW_OWNER_SLAB) {
		mmw_out_none(&j->t->out, COL_PRIVATE);
		return;
	}
	if (mmw_frame_swap(&j->frames, f, &type, &offset))
		add(&t, "swap entry: type %u, offset %" PRIu64, type, offset);
	else if (mmw_page_is(p, &f->page, MMW_PGTY_BUDDY))
		add(&t, "order of the free block");
	else if (w->kind == MMW_OWNER_FILE && mmw_page_flag(p, head, MMW_PG_PRIVATE))
		add(&t, "of the file system, as buffer heads");
	value_and_word(&j->t->out, COL_PRIVATE, head->private, t.n ? t.s : NULL);
}

/* A tail has its head there, and a slab its cache. */
static void row_lru(struct job *j, const struct mmw_frame *f, const struct mmw_owner *w)
{
	struct mmw_out *o = &j->t->out;
	struct text t = { .n = 0 };

	if (mmw_page_is_tail(&f->page) || w->kind == MMW_OWNER_SLAB) {
		mmw_out_none(o, COL_LRU);
		return;
	}
	add(&t, "next 0x%" PRIx64 ", prev 0x%" PRIx64, f->page.lru_next, f->page.lru_prev);
	mmw_out_json(o, COL_LRU, json_pack("{s:o,s:o}", "next", mmw_json_hex(f->page.lru_next), "prev",
					   mmw_json_hex(f->page.lru_prev)), t.s);
}

/* The low bits tell (include/linux/memcontrol.h); to 5.10 the objects' cgroups were marked alike. */
static void row_memcg(struct job *j, const struct mmw_frame *f)
{
	static const char *const words[] = { "mem_cgroup", "the objects' obj_cgroups", "obj_cgroup",
					     "the objects' obj_cgroups" };

	if (f->memcg == MMW_ABSENT)
		mmw_out_none(&j->t->out, COL_MEMCG);
	else
		value_and_word(&j->t->out, COL_MEMCG, f->memcg, f->memcg ? words[f->memcg & 3] : NULL);
}

static void row_folio(struct job *j, const struct mmw_frame *f)
{
	const struct mmw_folio *o = &f->folio;
	uint64_t different = 0, all = 0;
	struct text t = { .n = 0 };
	char size[24];
	json_t *v;

	if (f->broken.code)
		return;
	if (!o->large && !mmw_page_is_tail(&f->page)) {
		mmw_out_none(&j->t->out, COL_FOLIO);
		return;
	}
	mmw_size_text(1ull << (o->order + j->frames.page_shift), size);
	v = json_pack("{s:o,s:o,s:i,s:i,s:i,s:i,s:b}", "head_pfn", mmw_json_hex(o->page.pfn), "head",
		      mmw_json_hex(o->page.va), "order", (int)o->order, "number", (int)f->number, "refcount",
		      (int)o->page.refcount, "entire_mapcount", (int)o->entire, "hugetlb", o->hugetlb);
	add(&t,
	    "number %" PRIu64 " of order %u (%s) at frame 0x%" PRIx64 ", struct page 0x%" PRIx64
	    "; %d references, %d mappings of all of it",
	    f->number, o->order, size, o->page.pfn, o->page.va, o->page.refcount, o->entire);
	if (o->large_mapcount != INT32_MIN) {
		add(&t, ", %d mappings of any", o->large_mapcount);
		json_object_set_new(v, "large_mapcount", json_integer(o->large_mapcount));
	}
	if (o->hugetlb && mmw_frame_hvo(&j->frames, f, &different, &all)) {
		add(&t, "; hugetlb, its struct pages in %" PRIu64 " frame%s", different, different == 1 ? "" : "s");
		if (different < all)
			add(&t, " that stand for %" PRIu64, all);
		json_object_set_new(v, "memmap_frames", json_integer((json_int_t)different));
		json_object_set_new(v, "memmap_frames_full", json_integer((json_int_t)all));
	}
	mmw_out_json(&j->t->out, COL_FOLIO, v, t.s);
}

/* --- whom it belongs to ------------------------------------------------------------------------------------------ */

static const char *type_name(const struct job *j, int type)
{
	return type >= 0 && type < (int)j->frames.zones.types ? j->frames.zones.type_name[type] : NULL;
}

static void tell_free(struct job *j, const struct mmw_owner *w, struct text *t, json_t *v)
{
	const char *type = type_name(j, w->free.type);
	char size[24];

	add(t, " of order %u (%s) from frame 0x%" PRIx64 ", %s", w->free.order,
	    mmw_size_text(1ull << (w->free.order + j->frames.page_shift), size), w->free.pfn, type ? type : "?");
	json_object_set_new(v, "block_pfn", mmw_json_hex(w->free.pfn));
	json_object_set_new(v, "order", json_integer((json_int_t)w->free.order));
	json_object_set_new(v, "migrate_type", word_or_null(type));
}

static void tell_pcp(struct job *j, const struct mmw_owner *w, struct text *t, json_t *v)
{
	const char *type = type_name(j, w->pcp.type);

	if (w->pcp.cpu == MMW_PCP_NO_CPU)
		add(t, ": freed where the zone's lock could not be had");
	else
		add(t, ": CPU %u, number %u from the hot end", w->pcp.cpu, w->pcp.position);
	add(t, ", order %u from frame 0x%" PRIx64 ", %s", w->pcp.order, w->pcp.pfn, type ? type : "?");
	json_object_set_new(v, "cpu",
			    w->pcp.cpu == MMW_PCP_NO_CPU ? json_null() : json_integer((json_int_t)w->pcp.cpu));
	json_object_set_new(v, "position", json_integer((json_int_t)w->pcp.position));
	json_object_set_new(v, "block_pfn", mmw_json_hex(w->pcp.pfn));
	json_object_set_new(v, "order", json_integer((json_int_t)w->pcp.order));
	json_object_set_new(v, "migrate_type", word_or_null(type));
}

static bool need_slabs(struct job *j)
{
	if (!j->tried_slabs && !mmw_slabs_open(j->t->kernel, MMW_SLABS_OBJECTS, &j->slabs, &j->no_slabs))
		j->no_slabs.code = MMW_OK;
	j->tried_slabs = true;
	return !j->no_slabs.code;
}

/* Whose object the byte that was asked for lies in. */
static void tell_object(struct job *j, const struct mmw_slab *slab, uint64_t pa, struct text *t, json_t *v)
{
	struct mmw_slab_spot spot;
	const char *state;

	mmw_slab_spot(&j->slabs, slab, slab->memory + (pa - slab->pfn * j->slabs.pages.memmap_page), &spot);
	if (!spot.has_object)
		return;
	state = mmw_object_state_name((enum mmw_object_state)slab->state[spot.index]);
	add(t, "; object 0x%" PRIx64 ", %s", spot.object, state);
	json_object_set_new(v, "object", json_pack("{s:o,s:s,s:s,s:I,s:I}", "address", mmw_json_hex(spot.object), "state", state,
						   "what", mmw_part_name(spot.kind), "index", (json_int_t)spot.index, "offset",
						   (json_int_t)spot.offset));
}

static void tell_counts(const struct mmw_slab *slab, struct text *t, json_t *v)
{
	const char *place = mmw_slab_place_name((enum mmw_slab_place)slab->place);

	add(t, ", %u objects: %u allocated, %u free, %u held", slab->objects, slab->n[MMW_OBJECT_ALLOCATED],
	    slab->n[MMW_OBJECT_FREE], mmw_slab_held(slab));
	if (slab->n[MMW_OBJECT_UNKNOWN])
		add(t, ", %u unknown", slab->n[MMW_OBJECT_UNKNOWN]);
	if (slab->cache)
		add(t, ", each of %u bytes in %u", slab->cache->object_size, slab->cache->size);
	add(t, "; %s", place);
	if (slab->who >= 0)
		add(t, " %d", slab->who);
	add(t, "%s", slab->broken ? ", broken" : "");
	json_object_set_new(v, "objects", json_integer(slab->objects));
	json_object_set_new(v, "inuse", json_integer(slab->inuse));
	json_object_set_new(v, "allocated", json_integer(slab->n[MMW_OBJECT_ALLOCATED]));
	json_object_set_new(v, "free", json_integer(slab->n[MMW_OBJECT_FREE]));
	json_object_set_new(v, "held", json_integer(mmw_slab_held(slab)));
	json_object_set_new(v, "unknown", json_integer(slab->n[MMW_OBJECT_UNKNOWN]));
	json_object_set_new(v, "object_size", slab->cache ? json_integer(slab->cache->object_size) : json_null());
	json_object_set_new(v, "size", slab->cache ? json_integer(slab->cache->size) : json_null());
	json_object_set_new(v, "place", json_string(place));
	json_object_set_new(v, "cpu", slab->who >= 0 ? json_integer(slab->who) : json_null());
	json_object_set_new(v, "broken", json_boolean(slab->broken));
}

static void tell_slab(struct job *j, const struct asked *a, struct text *t, json_t *v)
{
	struct mmw_err err = { 0 };
	struct mmw_slab slab;

	if (!need_slabs(j)) {
		snprintf(j->no_slab, sizeof(j->no_slab), "its cache: %.140s", j->no_slabs.msg);
		return;
	}
	if (mmw_slab_of(&j->slabs, j->frames.vm, a->pfn, &slab, j->state, NULL, &err)) {
		snprintf(j->no_slab, sizeof(j->no_slab), "its cache: %.140s", err.msg);
		return;
	}
	if (!slab.cache)
		snprintf(j->no_slab, sizeof(j->no_slab), "its cache is not on the list of caches");
	add(t, " of %s (kmem_cache 0x%" PRIx64 ")", slab.cache ? slab.cache->name : "?", slab.cache_va);
	json_object_set_new(v, "cache", mmw_json_hex(slab.cache_va));
	json_object_set_new(v, "name", slab.cache ? json_string(slab.cache->name) : json_null());
	tell_counts(&slab, t, v);
	j->t->damage = j->t->damage || slab.broken;
	if (slab.state && (a->where.reading == MMW_BY_PA || a->where.reading == MMW_BY_VA))
		tell_object(j, &slab, a->where.pa, t, v);
}

static void tell_task(const struct mmw_owner *w, struct text *t, json_t *v)
{
	if (w->pid == UINT32_MAX)
		return;
	add(t, " of %s (%u)", w->comm, w->pid);
	json_object_set_new(v, "pid", json_integer((json_int_t)w->pid));
	json_object_set_new(v, "comm", json_string(w->comm));
}

static void tell_table(struct job *j, const struct mmw_owner *w, struct text *t, json_t *v)
{
	const struct mmw_space *s = mmw_kernel_space(j->t->kernel);
	const char *level = w->table.level < 0 || !s ? NULL : mmw_level_name(&s->paging, (unsigned)w->table.level);

	add(t, ", %s", level ? level : "?");
	if (w->table.level >= 0)
		add(t, ", %s's", w->table.user ? "a process" : "the kernel");
	json_object_set_new(v, "level", word_or_null(level));
	json_object_set_new(v, "user", w->table.level < 0 ? json_null() : json_boolean(w->table.user));
	if (w->table.mm) {
		add(t, ", mm_struct 0x%" PRIx64, w->table.mm);
		json_object_set_new(v, "mm", mmw_json_hex(w->table.mm));
	}
	tell_task(w, t, v);
}

static void tell_memmap(const struct mmw_owner *w, struct text *t, json_t *v)
{
	if (!w->n_pfns)
		return;
	add(t, " of the frames 0x%" PRIx64 "-0x%" PRIx64, w->first_pfn, w->first_pfn + w->n_pfns - 1);
	json_object_set_new(v, "first_pfn", mmw_json_hex(w->first_pfn));
	json_object_set_new(v, "pfns", json_integer((json_int_t)w->n_pfns));
}

static void tell_anon(const struct mmw_owner *w, struct text *t, json_t *v)
{
	static const char *const names[] = { "anon_vma", "stable_node", "operations" };
	const char *name = names[w->kind == MMW_OWNER_KSM ? 1 : w->kind == MMW_OWNER_MOVABLE ? 2 : 0];

	add(t, ", %s 0x%" PRIx64, name, w->anon);
	json_object_set_new(v, name, mmw_json_hex(w->anon));
}

static void tell_memblock(const struct mmw_owner *w, struct text *t, json_t *v)
{
	const struct mmw_memblock_range *r = w->memblock;

	if (!r)
		return;
	add(t, ", by memblock with 0x%" PRIx64 "-0x%" PRIx64, r->pa, r->pa + r->len - 1);
	json_object_set_new(v, "memblock", json_pack("{s:o,s:o}", "first", mmw_json_hex(r->pa), "last",
						     mmw_json_hex(r->pa + r->len - 1)));
}

static void row_owner(struct job *j, const struct asked *a, const struct mmw_owner *w)
{
	json_t *v = json_pack("{s:s}", "kind", mmw_owner_name(w->kind));
	struct text t = { .n = 0 };

	add(&t, "%s", w->kind == MMW_OWNER_IMAGE ? w->part : mmw_owner_words(w->kind));
	switch (w->kind) {
	case MMW_OWNER_FREE:
		tell_free(j, w, &t, v);
		break;
	case MMW_OWNER_PCP:
		tell_pcp(j, w, &t, v);
		break;
	case MMW_OWNER_SLAB:
		tell_slab(j, a, &t, v);
		break;
	case MMW_OWNER_TABLE:
		tell_table(j, w, &t, v);
		break;
	case MMW_OWNER_STACK:
		tell_task(w, &t, v);
		break;
	case MMW_OWNER_MEMMAP:
		tell_memmap(w, &t, v);
		break;
	case MMW_OWNER_ANON: case MMW_OWNER_KSM: case MMW_OWNER_MOVABLE:
		tell_anon(w, &t, v);
		break;
	case MMW_OWNER_IMAGE:
		json_object_set_new(v, "part", word_or_null(w->part));
		break;
	case MMW_OWNER_BOOT: case MMW_OWNER_FIRMWARE:
		tell_memblock(w, &t, v);
		break;
	default:
		break;
	}
	mmw_out_json(&j->t->out, COL_OWNER, v, t.s);
}

/* major:minor as /proc/PID/maps has them. */
static const char *dev_text(uint32_t dev, char buf[24])
{
	snprintf(buf, 24, "%02x:%02x", dev >> 20, dev & 0xfffff);
	return buf;
}

static void row_file(struct job *j, const struct mmw_owner *w)
{
	const struct mmw_inode *i = &w->inode;
	struct text t = { .n = 0 };
	char dev[24], rdev[24];
	bool device = (i->mode & 0170000) == 0060000 || (i->mode & 0170000) == 0020000;
	json_t *v;

	if (w->kind != MMW_OWNER_FILE) {
		mmw_out_none(&j->t->out, COL_FILE);
		return;
	}
	if (!i->va) {
		/* The cell stays unknown, unless the address_space is of no inode. */
		if (!*w->why)
			mmw_out_json(&j->t->out, COL_FILE, json_object(), "an address_space of no inode");
		return;
	}
	add(&t, "%s on %s (%s): inode %" PRIu64 ", %s", *i->fs ? i->fs : "?", *i->id ? i->id : "?",
	    dev_text(i->dev, dev), i->ino, mmw_inode_kind(i));
	if (device)
		add(&t, " %s", dev_text(i->rdev, rdev));
	add(&t, ", %" PRIu64 " bytes; this is offset 0x%" PRIx64, i->size, w->file_offset);
	v = json_pack("{s:o,s:o,s:o,s:s,s:I,s:I,s:s,s:I,s:o}", "inode", mmw_json_hex(i->va), "fs", word_or_null(i->fs),
		      "id", word_or_null(i->id), "dev", dev, "ino", (json_int_t)i->ino, "mode", (json_int_t)i->mode,
		      "kind", mmw_inode_kind(i), "size", (json_int_t)i->size, "offset", mmw_json_hex(w->file_offset));
	if (device)
		json_object_set_new(v, "rdev", json_string(rdev));
	mmw_out_json(&j->t->out, COL_FILE, v, t.s);
}

static void row_area(struct job *j, const struct mmw_owner *w)
{
	const char *kind = !w->area ? NULL : w->area->vm ? mmw_vmap_kind(&w->vm_area) : "vm_map_ram";
	char caller[MMW_KSYM_NAME_MAX + 32] = "";
	struct text t = { .n = 0 };

	if (!w->area) {
		mmw_out_none(&j->t->out, COL_AREA);
		return;
	}
	if (w->area->vm)
		mmw_symbol_text(j->t->kernel, w->vm_area.caller, caller, sizeof(caller));
	add(&t, "0x%" PRIx64 "-0x%" PRIx64 " %s", w->area->first, w->area->last, kind ? kind : "?");
	if (*caller)
		add(&t, " by %.200s", caller);
	mmw_out_json(&j->t->out, COL_AREA, json_pack("{s:o,s:o,s:o,s:o}", "first", mmw_json_hex(w->area->first), "last",
						    mmw_json_hex(w->area->last), "kind", word_or_null(kind), "caller",
						    word_or_null(caller)), t.s);
}

static void row_resource(struct job *j, const struct mmw_owner *w)
{
	const struct mmw_resource *r = w->resource;
	json_t *list = json_array();
	struct text t = { .n = 0 };

	if (j->owners.has_resources.err.code) {
		json_decref(list);
		return;
	}
	for (; r; r = mmw_resource_around(&j->owners.resources, r)) {
		add(&t, "%s%s", t.n ? ", in " : "", *r->name ? r->name : "?");
		json_array_append_new(list, json_pack("{s:o,s:o,s:o}", "name", word_or_null(r->name), "first",
						      mmw_json_hex(r->first), "last", mmw_json_hex(r->last)));
	}
	mmw_out_json(&j->t->out, COL_RESOURCE, list, t.n ? t.s : "none");
}

/* --- the record -------------------------------------------------------------------------------------------------- */

static const char *region_name(struct job *j, uint64_t va)
{
	const struct mmw_region *r = mmw_layout_find(mmw_kernel_layout(j->t->kernel), va);

	return r ? r->name : "?";
}

static void row_mapped(struct job *j, const struct asked *a)
{
	json_t *list = json_array();
	struct text t = { .n = 0 };
	char rights[4];

	for (size_t i = 0; i < a->n_aliases; i++) {
		const struct alias *at = &a->alias[i];

		json_array_append_new(list, json_pack("{s:o,s:I,s:s,s:s}", "va", mmw_json_hex(at->va), "page_size",
						      (json_int_t)at->size, "rights",
						      mmw_rights_text(at->rights, false, rights), "region",
						      region_name(j, at->va)));
		add(&t, "%s%" PRIx64, i ? " " : "", at->va);
	}
	if (a->more)
		json_array_append_new(list, json_pack("{s:I}", "more", (json_int_t)a->more));
	mmw_out_json(&j->t->out, COL_MAPPED, list, t.n ? t.s : "nowhere");
}

static void print_mapped(struct job *j, const struct asked *a)
{
	FILE *to = j->t->out.to;
	char size[24], rights[4], symbol[MMW_KSYM_NAME_MAX + 32];

	fprintf(to, "%-*s%s", MMW_LINE_NAMES, "mapped", a->n_aliases ? "" : "nowhere in the kernel's tables\n");
	for (size_t i = 0; i < a->n_aliases; i++) {
		const struct alias *at = &a->alias[i];

		mmw_symbol_text(j->t->kernel, at->va, symbol, sizeof(symbol));
		fprintf(to, "%*s0x%" PRIx64 " %s %s, %s%s%s\n", i ? MMW_LINE_NAMES : 0, "", at->va,
			mmw_rights_text(at->rights, false, rights), mmw_size_text(at->size, size),
			region_name(j, at->va), *symbol ? ", " : "", symbol);
	}
	if (a->more)
		fprintf(to, "%*sand %" PRIu64 " more (translate --phys lists them all)\n", MMW_LINE_NAMES, "", a->more);
}

/* Why the struct page says nothing, in words; "online" when it does. */
static void row_state(struct job *j, const struct mmw_frame *f)
{
	struct text t = { .n = 0 };

	if (!f->va)
		add(&t, "no struct page");
	else if (f->why)
		add(&t, "struct page %s", f->why == MMW_E_NOTPRESENT ? "unmapped" : mmw_code_word(f->why));
	else if (!f->read || mmw_page_is(&j->frames.pages, &f->folio.page, MMW_PGTY_OFFLINE))
		add(&t, "offline");
	else if (f->state == MMW_FRAME_HOLE)
		add(&t, "no memory");
	else
		add(&t, "online");
	mmw_out_str(&j->t->out, COL_STATE, t.s);
	j->t->damage = j->t->damage || f->why || f->broken.code || j->owners.resources.broken || j->owners.vmaps.broken;
}

static void row_place(struct job *j, const struct asked *a, const struct mmw_frame *f)
{
	struct mmw_out *o = &j->t->out;
	struct text t = { .n = 0 };

	mmw_out_str(o, COL_ASKED, a->text);
	add(&t, "%s: %s", mmw_reading_words(a->where.reading), a->where.by);
	mmw_out_str(o, COL_READING, o->mode == MMW_OUT_TEXT ? t.s : mmw_reading_name(a->where.reading));
	mmw_out_hex(o, COL_PFN, a->pfn);
	mmw_out_hex(o, COL_PA, a->pfn << j->frames.page_shift);
	mmw_out_none(o, COL_PAGE);
	if (f->va)
		mmw_out_hex(o, COL_PAGE, f->va);
	mmw_out_none(o, COL_SECTION);
	if (f->va && j->frames.memmap.section_shift)
		mmw_out_num(o, COL_SECTION, a->pfn >> j->frames.memmap.section_shift);
	row_state(j, f);
	mmw_out_str(o, COL_MEMORY, mmw_memory_word(j->t->image, a->pfn << j->frames.page_shift));
}

static void row_page(struct job *j, const struct mmw_frame *f, const struct mmw_owner *w)
{
	const enum mmw_pgty type = mmw_page_type(&j->frames.pages, &f->page);
	struct mmw_out *o = &j->t->out;
	struct text t = { .n = 0 };

	mmw_out_num(o, COL_NODE, f->node);
	if (f->zone)
		mmw_out_str(o, COL_ZONE, f->zone->name);
	if (type_name(j, f->type))
		mmw_out_str(o, COL_PAGEBLOCK, type_name(j, f->type));
	row_flags(j, f);
	value_and_word(o, COL_TYPE, f->page.type, mmw_pgty_name(type));
	add(&t, "%d", f->page.refcount);
	mmw_out_json(o, COL_REFCOUNT, json_integer(f->page.refcount), t.s);
	t.n = 0;
	add(&t, "%" PRId64, f->mapcount);
	if (!j->frames.no_kpf.code)
		mmw_out_json(o, COL_MAPCOUNT, json_integer(f->mapcount), t.s);
	if (j->frames.pages.mapping >= 0)
		value_and_word(o, COL_MAPPING, f->folio.page.mapping, mapping_word(w, f->folio.page.mapping));
	if (j->frames.pages.index >= 0)
		mmw_out_hex(o, COL_INDEX, f->page.index);
	row_private(j, f, w);
	row_lru(j, f, w);
	row_memcg(j, f);
	row_folio(j, f);
}

/* Reasons for what is "?" above: what this image lacks for all frames, and what of this one cannot be had. */
static void row_unknown(struct job *j, const struct mmw_frame *f, const struct mmw_owner *w)
{
	const struct { const char *what, *why; } all[] = {
		{ "zone", j->frames.no_zones.code ? j->frames.no_zones.msg : f->read && !f->zone ?
			  "its flags name one that has no memory" : "" },
		{ "pageblock", f->read && j->frames.no_blocks.code ? j->frames.no_blocks.msg : "" },
		{ "kpageflags", j->frames.no_kpf.msg },
		{ "folio", f->broken.msg },
		{ "owner", w->why },
		{ "owner", j->no_slab },
		{ "resource", j->owners.has_resources.err.msg },
		{ "resource", j->owners.resources.broken ? "the list leads astray: some are missing" : "" },
		{ "area", w->area && j->owners.vmaps.broken ? "the list leads astray: some are missing" : "" },
	};
	json_t *list = json_array();
	struct text t = { .n = 0 };

	for (size_t i = 0; i < mmw_array_len(all); i++) {
		if (!*all[i].why)
			continue;
		add(&t, "%s%s: %s", t.n ? "; " : "", all[i].what, all[i].why);
		json_array_append_new(list, json_pack("{s:s,s:s}", "what", all[i].what, "why", all[i].why));
	}
	mmw_out_json(&j->t->out, COL_UNKNOWN, list, t.n ? t.s : "-");
}

static void print_frame(struct job *j, const struct asked *a)
{
	struct mmw_out *o = &j->t->out;
	uint64_t vas[ALIASES_MAX];
	struct mmw_frame f;
	struct mmw_owner w;

	for (size_t i = 0; i < a->n_aliases; i++)
		vas[i] = a->alias[i].va;
	mmw_frame_look(&j->frames, a->pfn, &f);
	mmw_owner_of(&j->owners, &f, vas, a->n_aliases, &w);
	row_place(j, a, &f);
	for (int col = COL_NODE; !f.read && col <= COL_FOLIO; col++)
		if (col != COL_STATE && col != COL_MEMORY)
			mmw_out_none(o, col);
	if (f.read)
		row_page(j, &f, &w);
	j->no_slab[0] = '\0';
	row_owner(j, a, &w);
	row_file(j, &w);
	row_area(j, &w);
	row_resource(j, &w);
	row_unknown(j, &f, &w);
	if (o->mode != MMW_OUT_TEXT) {
		row_mapped(j, a);
		mmw_out_row(o);
		return;
	}
	mmw_out_none(o, COL_MAPPED);
	if (j->any)
		fputc('\n', o->to);
	mmw_out_lines(o);
	print_mapped(j, a);
	j->any = true;
}

static int flush(struct job *j, struct mmw_err *err)
{
	int rc = j->n ? find_aliases(j, err) : 0;

	for (size_t i = 0; !rc && i < j->n; i++)
		print_frame(j, &j->asked[i]);
	j->n = 0;
	return rc;
}

/* --- the command ------------------------------------------------------------------------------------------------- */

static int ask(struct job *j, const char *text, uint64_t line, struct mmw_err *err)
{
	struct asked *a = &j->asked[j->n];
	struct mmw_err local = { 0 };

	memset(a, 0, sizeof(*a));
	snprintf(a->text, sizeof(a->text), "%s", text);
	if (!mmw_where(&j->frames, text, &a->where, &local)) {
		a->pfn = a->where.pa >> j->frames.page_shift;
		return ++j->n == BATCH ? flush(j, err) : 0;
	}
	if (line)
		mmw_warn("line %" PRIu64 ": %s: %s", line, text, local.msg);
	else
		mmw_warn("%s: %s", text, local.msg);
	j->t->damage = true;
	return 0;
}

static int ask_lines(struct job *j, struct mmw_err *err)
{
	bool terminal = isatty(STDIN_FILENO);
	uint64_t line = 0;
	char *text = NULL;
	size_t cap = 0;
	int rc = 0;

	if (terminal)
		mmw_warn("frames, one a line:");
	while (!rc && getline(&text, &cap, stdin) > 0) {
		char *from = text + strspn(text, " \t");

		line++;
		from[strcspn(from, " \t\r\n")] = '\0';
		if (*from && *from != '#')
			rc = ask(j, from, line, err);
		if (!rc && terminal)
			rc = flush(j, err);
	}
	free(text);
	return rc;
}

static int look(struct job *j, const struct mmw_space *space, int argc, char **argv, struct mmw_err *err)
{
	bool from_stdin = argc == 0 || (argc == 1 && !strcmp(argv[0], "-"));
	int rc = 0;

	j->asked = calloc(BATCH, sizeof(*j->asked));
	j->by_pa = calloc(BATCH, sizeof(*j->by_pa));
	if (!j->asked || !j->by_pa)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for frames");
	j->newer = j->frames.pages.bit[MMW_PG_OWNER_2] >= 0;
	mmw_owners_init(&j->owners, &j->frames, j->t->kopts.threads);
	mmw_walk_init(&j->walk, mmw_kernel_reader(j->t->kernel), space, 0, 0);
	if (from_stdin)
		rc = ask_lines(j, err);
	for (int i = 0; !from_stdin && !rc && i < argc; i++)
		rc = ask(j, argv[i], 0, err);
	rc = rc ? rc : flush(j, err);
	mmw_owners_close(&j->owners);
	if (j->tried_slabs && !j->no_slabs.code)
		mmw_slabs_close(&j->slabs);
	return rc;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	const struct mmw_space *space;
	struct job *j;
	int rc = mmw_target_need_kernel(t, err);

	(void)opts;
	rc = rc ? rc : mmw_target_need_space(t, &space, err);
	if (rc)
		return rc;
	j = calloc(1, sizeof(*j));
	if (!j)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for frames");
	j->t = t;
	rc = mmw_frames_open(t->kernel, &j->frames, err);
	if (!rc) {
		rc = look(j, space, argc, argv, err);
		mmw_frames_close(&j->frames);
	}
	free(j->asked);
	free(j->by_pa);
	free(j);
	return rc;
}

const struct mmw_cmd mmw_cmd_page = {
	.name = "page",
	.summary = "everything known of a page frame: flags, type, owner, who maps it",
	.args = "[FRAME...]",
	.doc = "Print everything known of page frames. FRAME is pfn:N, pa:N, va:N or page:N (all hex), va:SYMBOL or SYMBOL "
	       "with or without +hex, or a number: a physical address if it is below the end of memory, else the address "
	       "of a struct page if one is there, else a kernel virtual address. Without FRAME, or with -, frames are "
	       "read from standard input, one a line.",
	.cols = cols,
	.schema = "page/1",
	.run = run,
};

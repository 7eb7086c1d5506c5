/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/set.h"
#include "lib/base/vec.h"
#include "lib/kernel/module.h"
#include "lib/kernel/percpu.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/resource.h"
#include "lib/mm/task.h"

enum {
	UNITS_MAX = 1 << 20,    /* of per-CPU memory, one for each CPU in a chunk */
	SLOTS_MAX = 64,         /* lists of them */
	UNIT_MAX = 1 << 26,     /* bytes of one for a CPU */
	STACK_MAX = 1 << 18,    /* bytes */
	TABLE_MAX = 64 << 10,   /* bytes of a page table */
	STACKS_KEPT = 2,        /* NR_CACHED_STACKS, 4.14 to 7.2 */
	NAMES_MAX = 4096,
	EXT_MAX = 4096,         /* bytes of a page_ext */
};

/* Kernel addresses with one use. */
struct use {
	uint64_t va, last;
	enum mmw_claim claim;
};

struct making {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	struct mmw_reader *reader;
	const struct mmw_memmap *m;
	struct mmw_claims *out;
	struct use *use;
	size_t n_uses, cap_uses;
	struct mmw_tasks tasks;
	struct mmw_set tables;
	unsigned word, shift;
	bool has_linear;  /* the layout tells where the linear map is */
};

/* --- lists --------------------------------------------------------------------------------------------------------- */

static int add_range(struct mmw_claim_list *l, const struct mmw_claim_range *r, struct mmw_err *err)
{
	struct mmw_claim_range *last = l->n ? &l->range[l->n - 1] : NULL;

	if (!r->n)
		return 0;
	if (last && last->pfn + last->n == r->pfn && last->claim == r->claim && last->level == r->level && last->user == r->user &&
	    last->name == r->name && last->ram == r->ram) {
		last->n += r->n;
		return 0;
	}
	if (mmw_vec_reserve(&l->range, &l->cap, l->n + 1, sizeof(*l->range), err))
		return -MMW_E_NOMEM;
	l->range[l->n++] = *r;
	return 0;
}

/* By frame; of what begins together the more telling first: a stack is vmalloc'ed too. */
static int compare_ranges(const void *a, const void *b)
{
	const struct mmw_claim_range *x = a, *y = b;

	if (x->pfn != y->pfn)
		return x->pfn < y->pfn ? -1 : 1;
	if (x->claim != y->claim)
		return x->claim > y->claim ? -1 : 1;
	return x->level > y->level ? -1 : x->level < y->level;
}

/* Sorted, and what another claimed before cut off. */
static void settle(struct mmw_claim_list *l)
{
	uint64_t end = 0;
	size_t kept = 0;

	if (l->n)
		qsort(l->range, l->n, sizeof(*l->range), compare_ranges);
	for (size_t i = 0; i < l->n; i++) {
		struct mmw_claim_range r = l->range[i];
		uint64_t skip = r.pfn < end ? end - r.pfn : 0;

		if (skip >= r.n)
			continue;
		r.pfn += skip;
		r.n -= skip;
		end = r.pfn + r.n;
		l->range[kept++] = r;
	}
	l->n = kept;
}

const struct mmw_claim_range *mmw_claim_of(const struct mmw_claim_list *l, uint64_t pfn, size_t *at)
{
	size_t lo = *at, hi = l->n;

	if (lo < hi && l->range[lo].pfn <= pfn && pfn < l->range[lo].pfn + l->range[lo].n)
		return &l->range[lo];
	if (lo + 1 < hi && l->range[lo].pfn + l->range[lo].n <= pfn && pfn < l->range[lo + 1].pfn)
		return NULL;
	/* The first range that ends behind the frame. */
	if (lo >= hi || l->range[lo].pfn > pfn)
		lo = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->range[mid].pfn + l->range[mid].n <= pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at = lo;
	return lo < l->n && l->range[lo].pfn <= pfn ? &l->range[lo] : NULL;
}

static int name_of(struct mmw_claims *c, const char *name, uint16_t *out, struct mmw_err *err)
{
	size_t i = 1;

	while (i < c->n_names && strcmp(c->names[i], name))
		i++;
	if (i == NAMES_MAX) {
		*out = 0;
		return 0;
	}
	if (mmw_vec_reserve(&c->names, &c->cap_names, i + 1, sizeof(*c->names), err))
		return -MMW_E_NOMEM;
	if (i >= c->n_names) {
		c->names[0][0] = '\0';
		snprintf(c->names[i], sizeof(c->names[i]), "%s", name);
		c->n_names = i + 1;
	}
	*out = (uint16_t)i;
	return 0;
}

/* --- addresses whose use is known ---------------------------------------------------------------------------------- */

static int add_use(struct making *m, uint64_t va, uint64_t size, enum mmw_claim claim, struct mmw_err *err)
{
	if (!size || va + size - 1 < va)
		return 0;
	if (mmw_vec_reserve(&m->use, &m->cap_uses, m->n_uses + 1, sizeof(*m->use), err))
		return -MMW_E_NOMEM;
	m->use[m->n_uses++] = (struct use){ va, va + size - 1, claim };
	return 0;
}

static int compare_uses(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	return x->va < y->va ? -1 : x->va > y->va;
}

static enum mmw_claim use_at(const struct making *m, uint64_t va, enum mmw_claim otherwise)
{
	size_t lo = 0, hi = m->n_uses;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->use[mid].last < va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n_uses && m->use[lo].va <= va ? m->use[lo].claim : otherwise;
}

/* What of those lies in the linear map, which the walk passes over; no more pages than the image has. */
static int claim_linear(struct making *m, struct mmw_err *err)
{
	const struct mmw_layout *layout = mmw_kernel_layout(m->k);
	uint64_t budget = mmw_image_stored(mmw_kernel_image(m->k)) >> m->shift;

	for (size_t i = 0; i < m->n_uses; i++) {
		const struct use *u = &m->use[i];
		const struct mmw_region *r = mmw_layout_find(layout, u->va);
		uint64_t page = 1ull << m->shift, pa;

		for (uint64_t va = u->va & ~(page - 1); r && r->linear && va <= u->last && va >= page && budget; va += page, budget--) {
			struct mmw_claim_range one = { .n = 1, .claim = (uint8_t)u->claim };

			if (mmw_vm_translate(m->vm, va, &pa, NULL))
				continue;
			one.pfn = pa >> m->shift;
			if (add_range(&m->out->mapped, &one, err))
				return -MMW_E_NOMEM;
		}
	}
	return 0;
}

static int use_modules(struct making *m, struct mmw_err *err)
{
	const struct mmw_modules *modules = mmw_kernel_modules(m->k, NULL);
	int rc = 0;

	for (size_t i = 0; modules && i < mmw_modules_count(modules); i++) {
		const struct mmw_module *mod = mmw_module_at(modules, i);

		for (unsigned p = 0; !rc && p < mod->parts; p++)
			rc = add_use(m, mod->part[p].base, mod->part[p].size, MMW_CLAIM_MODULE, err);
	}
	return rc;
}

/*
 * THREAD_SIZE, where stacks are not mapped one by one: of a type that is as large, or the first task's, which the linker
 * placed (include/linux/sched.h, thread_union; vmlinux.lds.h, INIT_TASK_DATA).
 */
static uint64_t stack_size(struct making *m)
{
	uint64_t start, end;

	if (!mmw_kernel_type_size(m->k, "thread_union", &end, NULL) && end <= STACK_MAX)
		return end;
	if (mmw_kernel_symbol(m->k, "__start_init_stack", &start, NULL, NULL) &&
	    mmw_kernel_symbol(m->k, "__start_init_task", &start, NULL, NULL))
		return 0;
	if (mmw_kernel_symbol(m->k, "__end_init_stack", &end, NULL, NULL) &&
	    mmw_kernel_symbol(m->k, "__end_init_task", &end, NULL, NULL))
		return 0;
	return end > start && end - start <= STACK_MAX ? end - start : 0;
}

/* A stack that has an area of its own. */
static int use_area(struct making *m, uint64_t area, struct mmw_err *err)
{
	struct mmw_member pages, addr;
	uint64_t va, n;

	if (mmw_kernel_member(m->k, "vm_struct", "nr_pages", &pages, NULL, NULL) ||
	    mmw_kernel_member(m->k, "vm_struct", "addr", &addr, NULL, NULL) || pages.size > 8 ||
	    mmw_vm_read_uint(m->vm, area + pages.offset, (unsigned)pages.size, &n, NULL) ||
	    mmw_vm_read_uint(m->vm, area + addr.offset, m->word, &va, NULL) || n > (uint64_t)STACK_MAX >> m->shift)
		return 0;
	return add_use(m, va, n << m->shift, MMW_CLAIM_STACK, err);
}

/* Those that each CPU keeps for the next task (kernel/fork.c, cached_stacks). */
static int use_kept_stacks(struct making *m, struct mmw_err *err)
{
	struct mmw_percpu cpus;
	uint64_t at, area;
	int rc = 0;

	if (mmw_kernel_symbol(m->k, "cached_stacks", &at, NULL, NULL) || mmw_percpu_open(m->k, &cpus, NULL))
		return 0;
	for (size_t i = 0; !rc && i < cpus.n * STACKS_KEPT; i++)
		if (!mmw_vm_read_uint(m->vm, mmw_percpu_address(&cpus, at, i / STACKS_KEPT) + i % STACKS_KEPT * m->word, m->word, &area,
				      NULL) && area)
			rc = use_area(m, area, err);
	mmw_percpu_close(&cpus);
	return rc;
}

static int use_stacks(struct making *m, struct mmw_err *err)
{
	uint64_t flat = stack_size(m);
	int rc = use_kept_stacks(m, err);

	for (size_t i = 0; !rc && i < m->tasks.n; i++) {
		const struct mmw_task *t = &m->tasks.task[i];

		if (t->stack_area)
			rc = use_area(m, t->stack_area, err);
		else if (t->stack)
			rc = add_use(m, t->stack, flat, MMW_CLAIM_STACK, err);
	}
	return rc;
}

/* --- per-CPU memory (mm/percpu.c) ---------------------------------------------------------------------------------- */

/* A chunk: one unit for each CPU, as far from each other as the CPUs' offsets are. */
struct chunks {
	struct mmw_percpu cpus;
	struct mmw_shadow shadow;
	struct mmw_member list;
	struct mmw_set seen;
	size_t budget;  /* units */
};

struct chunk_rec {
	uint64_t base, pages, next;
};

static const struct mmw_field chunk_fields[] = {
	MMW_FIELD(chunk_rec, base, "base_addr"),
	MMW_FIELD(chunk_rec, pages, "nr_pages"),
	MMW_FIELD(chunk_rec, next, "list.next"),
};

static int use_chunk(struct making *m, struct chunks *c, const struct chunk_rec *rec, struct mmw_err *err)
{
	uint64_t lowest = c->cpus.n ? c->cpus.cpus[0].offset : 0;
	int rc = 0;

	if (rec->pages > (uint64_t)UNIT_MAX >> m->shift || c->budget < c->cpus.n)
		return 0;
	c->budget -= c->cpus.n;
	for (size_t i = 1; i < c->cpus.n; i++)
		lowest = (int64_t)(c->cpus.cpus[i].offset - lowest) < 0 ? c->cpus.cpus[i].offset : lowest;
	for (size_t i = 0; !rc && i < c->cpus.n; i++)
		rc = add_use(m, rec->base + (c->cpus.cpus[i].offset - lowest), rec->pages << m->shift, MMW_CLAIM_PERCPU, err);
	return rc;
}

static int use_list(struct making *m, struct chunks *c, uint64_t head, struct mmw_err *err)
{
	struct chunk_rec rec;
	uint64_t at;
	int rc = mmw_vm_read_uint(m->vm, head, m->word, &at, NULL) ? -1 : 0;

	if (rc)
		return 0;
	while (!rc && at != head && !mmw_shadow_read(&c->shadow, m->vm, at - c->list.offset, &rec, NULL)) {
		int added = mmw_set_add(&c->seen, at);

		if (added <= 0)
			return added ? mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the chunks of per-CPU memory") : 0;
		rc = use_chunk(m, c, &rec, err);
		at = rec.next;
	}
	return rc;
}

/* The chunks in their lists, and the one for modules' variables, which is in none. */
static int use_chunks(struct making *m, struct chunks *c, struct mmw_err *err)
{
	struct chunk_rec rec;
	uint64_t lists, slots, reserved;
	int64_t types;
	int rc = 0;

	if (mmw_shadow_bind(m->k, "pcpu_chunk", chunk_fields, mmw_array_len(chunk_fields), &c->shadow, NULL) ||
	    mmw_kernel_member(m->k, "pcpu_chunk", "list", &c->list, NULL, NULL) ||
	    (mmw_kernel_variable(m->k, "pcpu_chunk_lists", m->word, &lists, NULL) &&
	     mmw_kernel_variable(m->k, "pcpu_slot", m->word, &lists, NULL)) ||
	    mmw_kernel_variable(m->k, "pcpu_nr_slots", 4, &slots, NULL)) {
		m->out->no_percpu = "where the chunks of per-CPU memory are";
		return 0;
	}
	/* From 5.9 to 5.13 those for control groups have lists of their own behind the others (mm/percpu-internal.h). */
	if (!mmw_kernel_enumerator(m->k, "pcpu_chunk_type", "PCPU_NR_CHUNK_TYPES", &types, NULL) && types == 2)
		slots *= 2;
	for (uint64_t i = 0; !rc && i < slots && i < SLOTS_MAX; i++)
		rc = use_list(m, c, lists + i * 2 * m->word, err);
	if (!rc && !mmw_kernel_variable(m->k, "pcpu_reserved_chunk", m->word, &reserved, NULL) && reserved &&
	    !mmw_shadow_read(&c->shadow, m->vm, reserved, &rec, NULL))
		rc = use_chunk(m, c, &rec, err);
	return rc;
}

static int use_percpu(struct making *m, struct mmw_err *err)
{
	struct chunks c = { .budget = UNITS_MAX };
	uint64_t start, end;
	int rc = 0;

	if (mmw_kernel_symbol(m->k, "__per_cpu_start", &start, NULL, NULL) ||
	    mmw_kernel_symbol(m->k, "__per_cpu_end", &end, NULL, NULL) || end - start > UNIT_MAX ||
	    mmw_percpu_open(m->k, &c.cpus, NULL)) {
		m->out->no_percpu = "where per-CPU memory is";
		return 0;
	}
	for (size_t i = 0; !rc && i < c.cpus.n; i++)
		rc = add_use(m, mmw_percpu_address(&c.cpus, start, i), end - start, MMW_CLAIM_PERCPU, err);
	rc = rc ? rc : use_chunks(m, &c, err);
	mmw_set_free(&c.seen);
	mmw_percpu_close(&c.cpus);
	return rc;
}

/* --- what is known by its place ------------------------------------------------------------------------------------ */

/*
 * The image, part by part: regions of the layout that are the image by construction, between its first and last symbol. What of
 * it the kernel has freed may be anything by now; it is no longer reserved.
 */
static int claim_image(struct making *m, struct mmw_err *err)
{
	const struct mmw_layout *layout = mmw_kernel_layout(m->k);
	uint64_t first, last, page = 1ull << m->shift;

	if ((mmw_kernel_symbol(m->k, "_text", &first, NULL, NULL) && mmw_kernel_symbol(m->k, "_stext", &first, NULL, NULL)) ||
	    mmw_kernel_symbol(m->k, "_end", &last, NULL, NULL))
		return 0;
	for (size_t i = 0; i < layout->n_regions; i++) {
		const struct mmw_region *r = &layout->regions[i];
		uint64_t from = r->first > first ? r->first : first, to = r->last < last - 1 ? r->last : last - 1;
		struct mmw_claim_range one = { .claim = MMW_CLAIM_IMAGE };

		if (!r->linear || strncmp(r->name, "kernel", 6) || from > to || to - r->delta < from - r->delta)
			continue;
		one.pfn = (from - r->delta) >> m->shift;
		one.n = ((to - r->delta + page) >> m->shift) - one.pfn;
		if (name_of(m->out, r->name, &one.name, err) || add_range(&m->out->image, &one, err))
			return -MMW_E_NOMEM;
	}
	return 0;
}

/*
 * A memmap that is not mapped for the purpose: in the linear map, run by run. So is what else there may be for each frame
 * (mm/page_ext.c).
 */
static int use_memmap(struct making *m, struct mmw_err *err)
{
	uint64_t ext = 0;
	int rc = 0;

	if (mmw_kernel_variable(m->k, "page_ext_size", m->word, &ext, NULL) || ext > EXT_MAX)
		ext = 0;
	for (size_t i = 0; !rc && i < m->m->n_runs; i++) {
		const struct mmw_mem_run *run = &m->m->runs[i];

		if (run->map)
			rc = add_use(m, run->map, run->n * m->m->page_size, MMW_CLAIM_MEMMAP, err);
		if (!rc && run->ext)
			rc = add_use(m, run->ext + run->pfn * ext, run->n * ext, MMW_CLAIM_MEMMAP, err);
	}
	return rc;
}

/* --- page tables --------------------------------------------------------------------------------------------------- */

/* 1: claimed; 0: it was already; or a negative code. */
static int claim_table(struct making *m, const struct mmw_space *space, unsigned level, uint64_t pte_pa, bool user,
		       struct mmw_err *err)
{
	uint64_t bytes = mmw_table_bytes(&space->paging, level), table = pte_pa & ~(bytes - 1), page = 1ull << m->shift;
	struct mmw_claim_range one = { .claim = MMW_CLAIM_TABLE, .level = (uint8_t)level, .user = user };
	int rc = mmw_set_add(&m->tables, table);

	if (rc < 0)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the tables seen");
	one.pfn = table >> m->shift;
	one.n = ((table + bytes + page - 1) >> m->shift) - one.pfn;
	if (rc && add_range(&m->out->tables, &one, err))
		return -MMW_E_NOMEM;
	return rc;
}

/* Leaves of the kernel's own addresses: by what is known of the address, else by the region. */
static int claim_leaf(struct making *m, const struct mmw_ent *e, const struct mmw_region *r, struct mmw_err *err)
{
	struct mmw_claim_range range = { .pfn = e->pa >> m->shift, .n = (e->last - e->va + 1) >> m->shift };

	/* What no region is known for lies behind the linear map, if that is known. */
	if (r ? r->linear : !m->has_linear)
		return 0;
	if (!r)
		range.claim = (uint8_t)use_at(m, e->va, MMW_CLAIM_VMALLOC);
	else if (!strcmp(r->name, "vmemmap"))
		range.claim = MMW_CLAIM_MEMMAP;
	else if (!strcmp(r->name, "vmalloc") || !strcmp(r->name, "modules"))
		range.claim = (uint8_t)use_at(m, e->va, MMW_CLAIM_VMALLOC);
	else if (!strcmp(r->name, "KASAN shadow")) {
		range.claim = MMW_CLAIM_VMALLOC;
		if (name_of(m->out, r->name, &range.name, err))
			return -MMW_E_NOMEM;
	}
	return range.claim ? add_range(&m->out->mapped, &range, err) : 0;
}

/* Go on behind `end`, if the walk is not there yet. */
static void skip_span(struct mmw_walk *w, uint64_t end, uint64_t last)
{
	if (!w->done && end >= w->va && end < last)
		mmw_walk_seek(w, end + 1, last);
	else if (end >= last)
		w->done = true;
}

/* A table of the walk, and the first address it serves there. */
struct step {
	uint64_t table, first;
	bool met;
};

/*
 * The tables that a record was found by. *again: a level whose table another entry led to before, so all below it is known;
 * 0 when there is none (the root, which has none above it, is only met once).
 */
static int claim_steps(struct making *m, const struct mmw_walk *w, const struct mmw_ent *e, struct step known[MMW_LEVELS_MAX],
		       unsigned *again, struct mmw_err *err)
{
	const struct mmw_space *space = w->space;
	int rc = 0;

	*again = 0;
	for (unsigned level = e->level; rc >= 0 && level < space->paging.levels; level++) {
		struct step one = { w->step[level].pte_pa & ~(mmw_table_bytes(&space->paging, level) - 1), w->at[level].first, true };

		if (known[level].met && known[level].table == one.table && known[level].first == one.first)
			continue;
		rc = claim_table(m, space, level, one.table, false, err);
		if (!rc)
			*again = level + 1;
		known[level] = one;
	}
	return rc < 0 ? rc : 0;
}

/*
 * All that is not a process's. A table that several entries lead to is gone through once, so what is read is no more than the
 * image has.
 */
static int walk_kernel(struct making *m, struct mmw_err *err)
{
	const struct mmw_layout *layout = mmw_kernel_layout(m->k);
	const struct mmw_space *space = mmw_kernel_space(m->k);
	struct step known[MMW_LEVELS_MAX] = { 0 };
	uint64_t first = 0, last = m->word == 8 ? UINT64_MAX : UINT32_MAX;
	struct mmw_walk w;
	struct mmw_ent e;
	int rc;

	if (!space)
		return 0;
	if (layout->n_regions && !strcmp(layout->regions[0].name, "user space"))
		first = layout->regions[0].last + 1;
	mmw_walk_init(&w, m->reader, space, first, last);
	while ((rc = mmw_walk_next(&w, &e, err)) == 1) {
		const struct mmw_region *r = mmw_layout_find(layout, e.va);
		unsigned again;

		m->out->lost += e.kind == MMW_ENT_LOST;
		if (e.kind == MMW_ENT_OUTSIDE)
			continue;
		rc = claim_steps(m, &w, &e, known, &again, err);
		if (!rc && again && again < space->paging.levels)
			skip_span(&w, e.va | (mmw_level_size(&space->paging, again) - 1), last);
		else if (!rc && e.kind == MMW_ENT_LEAF)
			rc = claim_leaf(m, &e, r, err);
		if (rc)
			return rc;
		if (!again && !e.level && r && r->linear)
			skip_span(&w, mmw_min64(e.va | (mmw_level_size(&space->paging, 1) - 1), r->last), last);
	}
	m->out->lost += rc == -MMW_E_LIMIT;
	return rc == -MMW_E_LIMIT ? 0 : rc;
}

/*
 * The tables of [first, last] below a table, but not what those of the last level hold: that one is there is all that counts.
 * Each is claimed once, so what is read is no more than the image has.
 */
static int claim_tree(struct making *m, const struct mmw_space *space, unsigned level, uint64_t table, uint64_t entries,
		      struct mmw_err *err)
{
	const struct mmw_paging *pg = &space->paging;
	uint8_t bytes[TABLE_MAX];
	int rc = claim_table(m, space, level, table, true, err);

	if (rc <= 0 || !level)
		return rc;
	if (entries * pg->entry_size > sizeof(bytes) || mmw_read(m->reader, table, bytes, entries * pg->entry_size, NULL)) {
		m->out->lost++;
		return 0;
	}
	for (uint64_t i = 0; rc >= 0 && i < entries; i++) {
		uint64_t raw = mmw_get_word(bytes + i * pg->entry_size, pg->entry_size, pg->big_endian);
		struct mmw_pte pte = raw ? space->arch->decode(pg, level, raw) : (struct mmw_pte){ .kind = MMW_PTE_EMPTY };

		if (pte.kind == MMW_PTE_TABLE)
			rc = claim_tree(m, space, level - 1, pte.pa, 1ull << pg->bits[level - 1], err);
	}
	return rc;
}

/* The addresses of processes, in the geometry their tables have. */
static bool user_space(struct making *m, struct mmw_space *space, uint64_t *last)
{
	const struct mmw_layout *layout = mmw_kernel_layout(m->k);
	const struct mmw_space *kernel = mmw_kernel_space(m->k);
	char name[2 * MMW_PAGING_NAME_MAX + 8];

	if (!kernel || !layout->n_regions || strcmp(layout->regions[0].name, "user space"))
		return false;
	*space = *kernel;
	*last = layout->regions[0].last;
	if (kernel->paging.va_kind != MMW_VA_HIGH)
		return true;
	snprintf(name, sizeof(name), "%s:%s/low", kernel->arch->name, kernel->paging.name);
	return mmw_paging_by_name(name, &space->paging) == kernel->arch;
}

/* Page-table isolation: the root that user mode runs on. */
static int claim_copy(struct making *m, struct mmw_space space, struct mmw_err *err)
{
	unsigned top = space.paging.levels - 1u;

	if (!mmw_kernel_isolated(m->k) || mmw_kernel_user_space(m->k, &space, NULL))
		return 0;
	return claim_table(m, &space, top, space.root, true, err);
}

static int walk_processes(struct making *m, struct mmw_err *err)
{
	struct mmw_set seen = { 0 };
	struct mmw_space space;
	struct mmw_member pgd;
	uint64_t last, va;
	unsigned top;
	int rc = 0;

	if (!user_space(m, &space, &last) || mmw_kernel_member(m->k, "mm_struct", "pgd", &pgd, NULL, NULL)) {
		m->out->no_tasks = "where the tables of processes are";
		return 0;
	}
	top = space.paging.levels - 1u;
	for (size_t i = 0; rc >= 0 && i < m->tasks.n; i++) {
		uint64_t mm = m->tasks.task[i].mm;

		rc = mm ? mmw_set_add(&seen, mm) : 0;
		if (rc <= 0 || mmw_vm_read_uint(m->vm, mm + pgd.offset, m->word, &va, NULL) ||
		    mmw_vm_translate(m->vm, va, &space.root, NULL))
			continue;
		m->out->address_spaces++;
		rc = claim_tree(m, &space, top, space.root, (last >> mmw_level_shift(&space.paging, top)) + 1, err);
		rc = rc < 0 ? rc : claim_copy(m, space, err);
	}
	mmw_set_free(&seen);
	return rc < 0 ? rc : 0;
}

/* --- resources ----------------------------------------------------------------------------------------------------- */

/* Whole frames only, as a border inside one belongs to neither. */
static int claim_resources(struct making *m, struct mmw_err *err)
{
	struct mmw_resources all;
	uint64_t page = 1ull << m->shift;
	int rc = 0;

	if (mmw_resources_open(m->k, &all, NULL)) {
		m->out->no_resources = "what physical addresses are for (iomem_resource)";
		return 0;
	}
	for (size_t i = 0; !rc && i < all.n; i++) {
		const struct mmw_resource *r = &all.item[i];
		struct mmw_claim_range one = { .claim = MMW_CLAIM_RESOURCE, .level = (uint8_t)r->depth };

		one.pfn = (r->first + page - 1) >> m->shift;
		if (r->first > UINT64_MAX - page || r->last == UINT64_MAX || ((r->last + 1) >> m->shift) <= one.pfn)
			continue;
		one.n = ((r->last + 1) >> m->shift) - one.pfn;
		for (const struct mmw_resource *at = r; at && !one.ram; at = mmw_resource_around(&all, at))
			one.ram = !strcmp(at->name, "System RAM");
		rc = name_of(m->out, r->name, &one.name, err);
		rc = rc ? rc : add_range(&m->out->resources, &one, err);
	}
	mmw_resources_close(&all);
	return rc;
}

/* Add to `flat`, which is settled up to `known`, what of r it does not have. *at: where in it to look first; r ascends. */
static int add_rest(struct mmw_claim_list *flat, size_t known, size_t *at, struct mmw_claim_range r, struct mmw_err *err)
{
	int rc = 0;

	while (*at < known && flat->range[*at].pfn + flat->range[*at].n <= r.pfn)
		++*at;
	for (size_t f = *at; !rc && r.n && f < known && flat->range[f].pfn < r.pfn + r.n; f++) {
		uint64_t end = r.pfn + r.n, in = flat->range[f].pfn, in_end = in + flat->range[f].n;
		struct mmw_claim_range before = r;

		before.n = in > r.pfn ? in - r.pfn : 0;
		rc = add_range(flat, &before, err);
		r.n = end > in_end ? end - in_end : 0;
		r.pfn = in_end;
	}
	return rc ? rc : add_range(flat, &r, err);
}

/* A resource inside another one tells more: what the outer one has beside it is what is left. */
static int nest(struct mmw_claim_list *l, struct mmw_err *err)
{
	struct mmw_claim_list flat = { 0 };
	int rc = 0;

	for (unsigned level = MMW_RESOURCE_DEPTH; !rc && level--; ) {
		struct mmw_claim_list own = { 0 };
		size_t known = flat.n, at = 0;

		for (size_t i = 0; !rc && i < l->n; i++)
			rc = l->range[i].level == level ? add_range(&own, &l->range[i], err) : 0;
		settle(&own);
		for (size_t i = 0; !rc && i < own.n; i++)
			rc = add_rest(&flat, known, &at, own.range[i], err);
		free(own.range);
		settle(&flat);
	}
	free(l->range);
	*l = flat;
	return rc;
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static int make(struct making *m, struct mmw_err *err)
{
	int rc = 0;

	if (mmw_tasks_open(m->k, &m->tasks, NULL))
		m->out->no_tasks = "which processes there are";
	rc = use_modules(m, err);
	rc = rc ? rc : use_stacks(m, err);
	rc = rc ? rc : use_percpu(m, err);
	rc = rc ? rc : use_memmap(m, err);
	if (!rc && m->n_uses)
		qsort(m->use, m->n_uses, sizeof(*m->use), compare_uses);
	rc = rc ? rc : claim_linear(m, err);
	rc = rc ? rc : claim_image(m, err);
	rc = rc ? rc : walk_kernel(m, err);
	rc = rc ? rc : walk_processes(m, err);
	return rc ? rc : claim_resources(m, err);
}

int mmw_claims_open(struct mmw_kernel *k, const struct mmw_memmap *mm, struct mmw_claims *out, struct mmw_err *err)
{
	struct making m = { .k = k, .vm = mmw_kernel_vm(k), .reader = mmw_kernel_reader(k), .m = mm, .out = out,
			    .word = mmw_kernel_arch(k)->word, .shift = mmw_kernel_page_shift(k) };
	const struct mmw_layout *layout = mmw_kernel_layout(k);
	int rc;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < layout->n_regions; i++)
		m.has_linear |= layout->regions[i].linear && strncmp(layout->regions[i].name, "kernel", 6);
	rc = make(&m, err);
	settle(&out->tables);
	settle(&out->mapped);
	settle(&out->image);
	rc = rc ? rc : nest(&out->resources, err);
	mmw_tasks_close(&m.tasks);
	mmw_set_free(&m.tables);
	free(m.use);
	if (rc)
		mmw_claims_close(out);
	return rc;
}

void mmw_claims_close(struct mmw_claims *c)
{
	free(c->tables.range);
	free(c->mapped.range);
	free(c->image.range);
	free(c->resources.range);
	free(c->names);
	memset(c, 0, sizeof(*c));
}

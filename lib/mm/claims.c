/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/set.h"
#include "lib/base/vec.h"
#include "lib/kernel/module.h"
#include "lib/kernel/percpu.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/task.h"

enum {
	RESOURCES_MAX = 1 << 13,
	RESOURCE_DEPTH = 32,
	CHUNKS_MAX = 1 << 16,   /* of per-CPU memory */
	SLOTS_MAX = 64,         /* lists of them */
	UNIT_MAX = 1 << 26,     /* bytes of one for a CPU */
	STACK_MAX = 1 << 18,    /* bytes */
	NAMES_MAX = 4096,
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
};

/* --- lists --------------------------------------------------------------------------------------------------------- */

static int add_range(struct mmw_claim_list *l, const struct mmw_claim_range *r, struct mmw_err *err)
{
	struct mmw_claim_range *last = l->n ? &l->range[l->n - 1] : NULL;

	if (!r->n)
		return 0;
	if (last && last->pfn + last->n == r->pfn && last->claim == r->claim && last->level == r->level && last->user == r->user &&
	    last->name == r->name) {
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

/* What of those lies in the linear map, which the walk passes over. */
static int claim_linear(struct making *m, struct mmw_err *err)
{
	const struct mmw_layout *layout = mmw_kernel_layout(m->k);

	for (size_t i = 0; i < m->n_uses; i++) {
		const struct use *u = &m->use[i];
		const struct mmw_region *r = mmw_layout_find(layout, u->va);
		uint64_t page = 1ull << m->shift, pa;

		for (uint64_t va = u->va & ~(page - 1); r && r->linear && va <= u->last && va >= page; va += page) {
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

/* Where stacks are not mapped one by one: as large as the first task's, which the linker placed (vmlinux.lds.h, INIT_TASK_DATA). */
static uint64_t stack_size(struct making *m)
{
	uint64_t start, end;

	if (mmw_kernel_symbol(m->k, "__start_init_stack", &start, NULL, NULL) &&
	    mmw_kernel_symbol(m->k, "__start_init_task", &start, NULL, NULL))
		return 0;
	if (mmw_kernel_symbol(m->k, "__end_init_stack", &end, NULL, NULL) &&
	    mmw_kernel_symbol(m->k, "__end_init_task", &end, NULL, NULL))
		return 0;
	return end > start && end - start <= STACK_MAX ? end - start : 0;
}

static int use_stacks(struct making *m, struct mmw_err *err)
{
	struct mmw_member pages;
	uint64_t flat = stack_size(m), n;
	int rc = 0;

	if (mmw_kernel_member(m->k, "vm_struct", "nr_pages", &pages, NULL, NULL))
		pages.size = 0;
	for (size_t i = 0; !rc && i < m->tasks.n; i++) {
		const struct mmw_task *t = &m->tasks.task[i];
		uint64_t size = flat;

		if (!t->stack)
			continue;
		if (t->stack_area) {
			if (!pages.size || mmw_vm_read_uint(m->vm, t->stack_area + pages.offset, (unsigned)pages.size, &n, NULL) ||
			    n > (uint64_t)STACK_MAX >> m->shift)
				continue;
			size = n << m->shift;
		}
		rc = add_use(m, t->stack, size, MMW_CLAIM_STACK, err);
	}
	return rc;
}

/* --- per-CPU memory (mm/percpu.c) ---------------------------------------------------------------------------------- */

static int use_units(struct making *m, const struct mmw_percpu *cpus, uint64_t base, uint64_t unit, struct mmw_err *err)
{
	uint64_t first = cpus->n ? cpus->cpus[0].offset : 0, lowest = first;
	int rc = 0;

	/* Every chunk has its units as far from each other as the first chunk has them; its base is the lowest. */
	for (size_t i = 1; i < cpus->n; i++)
		lowest = (int64_t)(cpus->cpus[i].offset - lowest) < 0 ? cpus->cpus[i].offset : lowest;
	for (size_t i = 0; !rc && i < cpus->n; i++)
		rc = add_use(m, base + (cpus->cpus[i].offset - lowest), unit, MMW_CLAIM_PERCPU, err);
	return rc;
}

/* A list of chunks: their units, and which the list leads to next. */
static int use_chunks(struct making *m, const struct mmw_percpu *cpus, uint64_t head, uint64_t base_at, uint64_t unit,
		      unsigned *budget, struct mmw_err *err)
{
	uint64_t at = head, base;
	int rc = 0;

	while (!rc && !mmw_vm_read_uint(m->vm, at, m->word, &at, NULL) && at != head && (*budget)--)
		if (!mmw_vm_read_uint(m->vm, at + base_at, m->word, &base, NULL))
			rc = use_units(m, cpus, base, unit, err);
	return rc;
}

static int use_all_chunks(struct making *m, const struct mmw_percpu *cpus, uint64_t unit, struct mmw_err *err)
{
	struct mmw_member base, list;
	unsigned budget = CHUNKS_MAX;
	uint64_t lists, slots;
	int rc = 0;

	if (mmw_kernel_member(m->k, "pcpu_chunk", "base_addr", &base, NULL, NULL) ||
	    mmw_kernel_member(m->k, "pcpu_chunk", "list", &list, NULL, NULL) ||
	    (mmw_kernel_variable(m->k, "pcpu_chunk_lists", m->word, &lists, NULL) &&
	     mmw_kernel_variable(m->k, "pcpu_slot", m->word, &lists, NULL)) ||
	    mmw_kernel_variable(m->k, "pcpu_nr_slots", 4, &slots, NULL)) {
		m->out->no_percpu = "where the chunks of per-CPU memory are";
		return 0;
	}
	for (uint64_t i = 0; !rc && i < slots && i < SLOTS_MAX; i++)
		rc = use_chunks(m, cpus, lists + i * 2 * m->word, base.offset - list.offset, unit, &budget, err);
	return rc;
}

static int use_percpu(struct making *m, struct mmw_err *err)
{
	struct mmw_percpu cpus;
	uint64_t start, end, unit;
	int rc = 0;

	if (mmw_kernel_symbol(m->k, "__per_cpu_start", &start, NULL, NULL) || mmw_percpu_open(m->k, &cpus, NULL)) {
		m->out->no_percpu = "where per-CPU memory is";
		return 0;
	}
	if (mmw_kernel_variable(m->k, "pcpu_unit_size", 4, &unit, NULL) || unit > UNIT_MAX) {
		m->out->no_percpu = "how large a CPU's part of per-CPU memory is";
		unit = mmw_kernel_symbol(m->k, "__per_cpu_end", &end, NULL, NULL) || end - start > UNIT_MAX ? 0 : end - start;
	}
	for (size_t i = 0; !rc && i < cpus.n; i++)
		rc = add_use(m, mmw_percpu_address(&cpus, start, i), unit, MMW_CLAIM_PERCPU, err);
	rc = rc || m->out->no_percpu ? rc : use_all_chunks(m, &cpus, unit, err);
	mmw_percpu_close(&cpus);
	return rc;
}

/* --- what is known by its place ------------------------------------------------------------------------------------ */

/* The image, part by part: regions of the layout that are the image by construction, between its first and last symbol. */
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

		if (!r->linear || strncmp(r->name, "kernel", 6) || from > to)
			continue;
		one.pfn = (from - r->delta) >> m->shift;
		one.n = ((to - r->delta + page) >> m->shift) - one.pfn;
		if (name_of(m->out, r->name, &one.name, err) || add_range(&m->out->mapped, &one, err))
			return -MMW_E_NOMEM;
	}
	return 0;
}

/* A memmap that is not mapped for the purpose: in the linear map, run by run. */
static int use_memmap(struct making *m, struct mmw_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < m->m->n_runs; i++)
		if (m->m->runs[i].map)
			rc = add_use(m, m->m->runs[i].map, m->m->runs[i].n * m->m->page_size, MMW_CLAIM_MEMMAP, err);
	return rc;
}

/* --- page tables --------------------------------------------------------------------------------------------------- */

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
	return rc ? add_range(&m->out->tables, &one, err) : 0;
}

/* Leaves of the kernel's own addresses: by what is known of the address, else by the region. */
static int claim_leaf(struct making *m, const struct mmw_ent *e, const struct mmw_region *r, struct mmw_err *err)
{
	struct mmw_claim_range range = { .pfn = e->pa >> m->shift, .n = (e->last - e->va + 1) >> m->shift };

	if (r->linear)
		return 0;
	if (!strcmp(r->name, "vmemmap"))
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

/* Of a last-level table whose leaves do not matter, one entry is enough. */
static void skip_table(struct mmw_walk *w, const struct mmw_space *space, const struct mmw_ent *e, uint64_t last)
{
	uint64_t end = e->va | (mmw_level_size(&space->paging, 1) - 1);

	if (!e->level && end > e->last && end < last)
		mmw_walk_seek(w, end + 1, last);
}

static int walk_space(struct making *m, const struct mmw_space *space, uint64_t first, uint64_t last, bool user,
		      struct mmw_err *err)
{
	const struct mmw_layout *layout = mmw_kernel_layout(m->k);
	struct mmw_walk w;
	struct mmw_ent e;
	uint64_t known[MMW_LEVELS_MAX] = { 0 };
	int rc;

	mmw_walk_init(&w, m->reader, space, first, last);
	while ((rc = mmw_walk_next(&w, &e, err)) == 1) {
		const struct mmw_region *r = user ? NULL : mmw_layout_find(layout, e.va);
		int bad = 0;

		m->out->lost += e.kind == MMW_ENT_LOST;
		if (e.kind == MMW_ENT_OUTSIDE)
			continue;
		for (unsigned level = e.level; !bad && level < space->paging.levels; level++) {
			uint64_t table = w.step[level].pte_pa & ~(mmw_table_bytes(&space->paging, level) - 1);

			if (known[level] != table + 1)
				bad = claim_table(m, space, level, table, user, err);
			known[level] = table + 1;
		}
		if (!bad && e.kind == MMW_ENT_LEAF && r)
			bad = claim_leaf(m, &e, r, err);
		if (user || (r && r->linear))
			skip_table(&w, space, &e, last);
		if (bad)
			return bad;
	}
	return rc;
}

static int walk_kernel(struct making *m, struct mmw_err *err)
{
	const struct mmw_layout *layout = mmw_kernel_layout(m->k);
	const struct mmw_space *space = mmw_kernel_space(m->k);
	int rc = 0;

	for (size_t i = 0; space && !rc && i < layout->n_regions; i++) {
		const struct mmw_region *r = &layout->regions[i];

		if (strcmp(r->name, "user space") && strcmp(r->name, "non-canonical"))
			rc = walk_space(m, space, r->first, r->last, false, err);
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
	int rc = 0;

	if (!user_space(m, &space, &last) || mmw_kernel_member(m->k, "mm_struct", "pgd", &pgd, NULL, NULL)) {
		m->out->no_tasks = "where the tables of processes are";
		return 0;
	}
	for (size_t i = 0; rc >= 0 && i < m->tasks.n; i++) {
		uint64_t mm = m->tasks.task[i].mm;

		rc = mm ? mmw_set_add(&seen, mm) : 0;
		if (rc <= 0 || mmw_vm_read_uint(m->vm, mm + pgd.offset, m->word, &va, NULL) ||
		    mmw_vm_translate(m->vm, va, &space.root, NULL))
			continue;
		m->out->address_spaces++;
		rc = walk_space(m, &space, 0, last, true, err);
		rc = rc ? rc : claim_copy(m, space, err);
	}
	mmw_set_free(&seen);
	return rc < 0 ? rc : 0;
}

/* --- resources ----------------------------------------------------------------------------------------------------- */

struct resource_rec {
	uint64_t start, end, name, parent, sibling, child;
};

static const struct mmw_field resource_fields[] = {
	MMW_FIELD(resource_rec, start, "start"),
	MMW_FIELD(resource_rec, end, "end"),
	MMW_FIELD(resource_rec, name, "name"),
	MMW_FIELD(resource_rec, parent, "parent"),
	MMW_FIELD(resource_rec, sibling, "sibling"),
	MMW_FIELD(resource_rec, child, "child"),
};

static int add_resource(struct making *m, const struct resource_rec *rec, unsigned depth, struct mmw_err *err)
{
	struct mmw_claim_range one = { .claim = MMW_CLAIM_RESOURCE, .level = (uint8_t)depth };
	char name[MMW_CLAIM_NAME_MAX] = "";
	uint64_t page = 1ull << m->shift;

	/* The leafmost names it; whole frames only, as a border inside one belongs to neither. */
	one.pfn = (rec->start + page - 1) >> m->shift;
	if (rec->end < rec->start || ((rec->end + 1) >> m->shift) <= one.pfn)
		return 0;
	one.n = ((rec->end + 1) >> m->shift) - one.pfn;
	mmw_vm_read_some(m->vm, rec->name, name, sizeof(name) - 1, NULL);
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (name_of(m->out, name, &one.name, err))
		return -MMW_E_NOMEM;
	return add_range(&m->out->resources, &one, err);
}

static int claim_resources(struct making *m, struct mmw_err *err)
{
	uint64_t path[RESOURCE_DEPTH], at, root;
	struct mmw_shadow shadow;
	unsigned depth = 0, budget = RESOURCES_MAX;
	struct resource_rec rec;
	int rc = 0;

	if (mmw_kernel_symbol(m->k, "iomem_resource", &root, NULL, NULL) ||
	    mmw_shadow_bind(m->k, "resource", resource_fields, mmw_array_len(resource_fields), &shadow, NULL) ||
	    mmw_shadow_read(&shadow, m->vm, root, &rec, NULL)) {
		m->out->no_resources = "what physical addresses are for (iomem_resource)";
		return 0;
	}
	at = rec.child;
	while (!rc && at && budget-- && !mmw_shadow_read(&shadow, m->vm, at, &rec, NULL)) {
		rc = add_resource(m, &rec, depth, err);
		if (rec.child && depth + 1 < RESOURCE_DEPTH) {
			path[depth++] = rec.sibling;
			at = rec.child;
			continue;
		}
		at = rec.sibling;
		while (!at && depth)
			at = path[--depth];
	}
	return rc;
}

/* A resource inside another one tells more: what the outer one has beside it is what is left. */
static int nest(struct mmw_claim_list *l, struct mmw_err *err)
{
	struct mmw_claim_list flat = { 0 };
	int rc = 0;

	for (unsigned level = RESOURCE_DEPTH; !rc && level--; ) {
		for (size_t i = 0; !rc && i < l->n; i++) {
			struct mmw_claim_range r = l->range[i];
			size_t known = flat.n;

			if (r.level != level)
				continue;
			/* `flat` is settled, so what is in it inside r comes in order. */
			for (size_t f = 0; !rc && f < known && r.n; f++) {
				struct mmw_claim_range in = flat.range[f], before = r;

				if (in.pfn + in.n <= r.pfn || in.pfn >= r.pfn + r.n)
					continue;
				before.n = in.pfn > r.pfn ? in.pfn - r.pfn : 0;
				rc = add_range(&flat, &before, err);
				r.n = r.pfn + r.n > in.pfn + in.n ? r.pfn + r.n - in.pfn - in.n : 0;
				r.pfn = in.pfn + in.n;
			}
			rc = rc ? rc : add_range(&flat, &r, err);
		}
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
	int rc;

	memset(out, 0, sizeof(*out));
	rc = make(&m, err);
	settle(&out->tables);
	settle(&out->mapped);
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
	free(c->resources.range);
	free(c->names);
	memset(c, 0, sizeof(*c));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/memmap.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/memblock.h"
#include "lib/mm/pageblock.h"
#include "lib/sym/vmcoreinfo.h"

/* Bits of section_mem_map (include/linux/mmzone.h); the low six are never part of the address. */
enum {
	EXT_INVALID = 1,          /* of mem_section.page_ext: it is being taken down (PAGE_EXT_INVALID) */
	PRESENT = 1 << 0,
	HAS_MEM_MAP = 1 << 1,
	IS_ONLINE = 1 << 2,           /* from 4.13 */
	IS_EARLY = 1 << 3,            /* from 5.3 */
	TAINT_ZONE_DEVICE = 1 << 4,   /* from 5.12, and in some kernels something else */
	SECTION_FLAGS = (1 << 6) - 1,
};

enum {
	SUBSECTION_SHIFT = 21,        /* a bit of subsection_map stands for 2 MiB */
	SUBSECTIONS_MAX = 4096,
	RUNS_MAX = 1 << 19,           /* 64 TiB in sections of 128 MiB */
	ROOTS_MAX = 1 << 20,
	NODES_MAX = 1024,             /* CONFIG_NODES_SHIFT is at most 10 */
};

struct opening {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	struct mmw_memmap *m;
	unsigned word, page_shift;
	bool be;
	uint64_t mask;                /* bits of an address */
	uint64_t max_pfn;             /* 0: not known */

	/* Where the architecture's own pfn_valid() asks memblock. */
	bool nomap_counts;
	struct mmw_memblock memory;
	uint64_t around;              /* frames, aligned: this much around each range is valid as well */
};

/* --- runs --------------------------------------------------------------------------------------------------------- */

static int push_run(struct opening *o, const struct mmw_mem_run *run, struct mmw_err *err)
{
	struct mmw_memmap *m = o->m;
	int rc;

	if (m->n_runs == RUNS_MAX)
		return mmw_fail(err, MMW_E_LIMIT, run->map, "more than %d runs of memory", RUNS_MAX);
	rc = mmw_vec_reserve(&m->runs, &m->cap_runs, m->n_runs + 1, sizeof(*m->runs), err);
	if (rc)
		return rc;
	m->runs[m->n_runs++] = *run;
	m->end = run->pfn + run->n;
	if (run->state != MMW_FRAME_NONE)
		m->pages += run->n;
	return 0;
}

/* Nothing up to pfn. */
static int fill(struct opening *o, uint64_t pfn, struct mmw_err *err)
{
	const struct mmw_mem_run none = { .pfn = o->m->end, .n = pfn - o->m->end, .node = MMW_NO_NODE };

	return pfn > o->m->end ? push_run(o, &none, err) : 0;
}

/* [from, from + n) of a run that may be longer than a run is. What earlier ones cover is left to them. */
static int add_part(struct opening *o, const struct mmw_mem_run *whole, uint64_t from, uint64_t n, struct mmw_err *err)
{
	uint64_t end = from + n;
	int rc = 0;

	from = mmw_max64(from, o->m->end);
	if (from < end)
		rc = fill(o, from, err);
	while (!rc && from < end) {
		struct mmw_mem_run run = *whole;

		run.pfn = from;
		run.n = mmw_min64(end, (from | (MMW_RUN_FRAMES - 1)) + 1) - from;
		run.map = (whole->map + (from - whole->pfn) * o->m->page_size) & o->mask;
		rc = push_run(o, &run, err);
		from += run.n;
	}
	return rc;
}

/* And of that only what memblock knows, where pfn_valid() asks it; memory that was plugged in is not in it. */
static int add_run(struct opening *o, const struct mmw_mem_run *run, struct mmw_err *err)
{
	uint64_t end = run->pfn + run->n;
	int rc = 0;

	if (!o->memory.n || !run->early)
		return add_part(o, run, run->pfn, run->n, err);
	for (size_t i = 0; !rc && i < o->memory.n; i++) {
		const struct mmw_memblock_range *r = &o->memory.range[i];
		uint64_t first = r->pa >> o->page_shift, last = (r->pa + r->len - 1) >> o->page_shift;

		first = mmw_max64(first & ~(o->around - 1), run->pfn);
		last = mmw_min64(last | (o->around - 1), end - 1);
		if (first <= last && (o->nomap_counts || !(r->flags & MMW_MEMBLOCK_NOMAP)))
			rc = add_part(o, run, first, last - first + 1, err);
	}
	return rc;
}

/* Elsewhere pfn_valid() is in a header; a copy that a compiler made of it counts as local ('t'). */
static bool has_own_pfn_valid(struct mmw_kernel *k)
{
	struct mmw_symsrc sources[MMW_SYMSRC_MAX];
	size_t n = mmw_kernel_symbol_sources(k, false, sources);

	for (size_t i = 0; i < n; i++) {
		struct mmw_ksym sym;
		size_t pos = 0;

		while (sources[i].by_name && sources[i].by_name(sources[i].src, "pfn_valid", &pos, &sym) == 1)
			if (sym.type == 'T')
				return true;
	}
	return false;
}

/*
 * HAVE_ARCH_PFN_VALID makes pfn_valid() a function. On arm it asks for any memory in the pageblock
 * (arch/arm/mm/init.c; at first for that very frame, but the struct pages of the block's other frames are there all
 * the same), on arm64 to 5.14 for the very frame (arch/arm64/mm/init.c), which until 5.13 must be part of the linear
 * map as well.
 */
static int ask_memblock(struct opening *o, struct mmw_err *err)
{
	uint16_t machine = mmw_kernel_arch(o->k)->machine;
	struct mmw_member areas;
	uint64_t va;
	int rc;

	o->around = 1;
	if ((machine != EM_ARM && machine != EM_AARCH64) || !has_own_pfn_valid(o->k))
		return 0;
	rc = mmw_memblock_open(o->k, "memory", &o->memory, NULL);
	if (rc == -MMW_E_NOMEM)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for memblock");
	if (rc)
		o->m->doubt = "memblock, which tells holes from memory here, cannot be had (--symbols vmlinux has it)";
	o->nomap_counts = machine == EM_ARM || !mmw_kernel_symbol(o->k, "pfn_is_map_memory", &va, NULL, NULL);
	if (machine == EM_ARM && !mmw_kernel_member(o->k, "zone", "free_area", &areas, NULL, NULL) && areas.count &&
	    areas.count <= MMW_ORDERS_MAX)
		o->around = 1ull << mmw_pageblock_rule(o->k, (unsigned)areas.count);
	return 0;
}

/* --- flat and discontiguous --------------------------------------------------------------------------------------- */

struct node_rec {
	uint64_t map, start, spanned, id;
};

static const struct mmw_field node_fields[] = {
	MMW_FIELD(node_rec, map, "node_mem_map"),
	MMW_FIELD(node_rec, start, "node_start_pfn"),
	MMW_FIELD(node_rec, spanned, "node_spanned_pages"),
	MMW_FIELD_OPT(node_rec, id, "node_id"),
};

/* A claim of more memory than the image could have is cut. */
static int add_flat(struct opening *o, uint64_t map, uint64_t first, uint64_t n, int node, struct mmw_err *err)
{
	uint64_t limit = (mmw_image_last(mmw_kernel_image(o->k)) >> o->page_shift) + 1;
	struct mmw_mem_run run = { .pfn = first, .map = map, .node = (int16_t)node, .early = true,
				   .state = MMW_FRAME_ONLINE };

	if (!map || !n || first >= limit)
		return mmw_fail(err, MMW_E_CORRUPT, map, "a memmap at 0x%" PRIx64 " of %" PRIu64 " frames from %" PRIu64,
				map, n, first);
	run.n = mmw_min64(n, limit - first);
	return add_run(o, &run, err);
}

/*
 * The array begins where a largest free block would, before the node's first frame if need be, and mem_map is what
 * makes ARCH_PFN_OFFSET's struct page its first (mm/page_alloc.c, mm/mm_init.c from 6.4: alloc_node_mem_map). All of
 * it counts, up to max_mapnr, in pfn_valid(); where that is not known, up to the node's end.
 */
static int open_flat(struct opening *o, uint64_t pgdat, const struct mmw_shadow *s, struct mmw_err *err)
{
	struct node_rec rec;
	uint64_t map, n, before = 0;
	int rc = mmw_shadow_read(s, o->vm, pgdat, &rec, err);

	if (rc)
		return rc;
	if (!mmw_kernel_variable(o->k, "mem_map", o->word, &map, NULL) && map <= rec.map &&
	    !((rec.map - map) % o->m->page_size))
		before = (rec.map - map) / o->m->page_size;
	if (before > rec.start)
		before = 0;
	if (mmw_kernel_variable(o->k, "max_mapnr", o->word, &n, NULL) || !n || n > before + rec.spanned)
		n = before + rec.spanned;
	return add_flat(o, rec.map - before * o->m->page_size, rec.start - before, n, MMW_NO_NODE, err);
}

/* Without a node that tells: where memory begins is the architecture's (asm/page.h, ARCH_PFN_OFFSET). */
static int open_bare(struct opening *o, struct mmw_err *err)
{
	uint64_t map, n, first = 0;
	int rc = mmw_kernel_variable(o->k, "mem_map", o->word, &map, err);

	rc = rc ? rc : mmw_kernel_variable(o->k, "max_mapnr", o->word, &n, err);
	if (rc)
		return rc;
	if (mmw_kernel_variable(o->k, "__pv_phys_pfn_offset", 4, &first, NULL) &&
	    !mmw_kernel_variable(o->k, "phys_ram_base", o->word, &first, NULL))
		first >>= o->page_shift;
	return add_flat(o, map, first, n, MMW_NO_NODE, err);
}

static int by_start(const void *a, const void *b)
{
	const struct node_rec *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* A node without memory has no array; one that is not there has no structure. */
static size_t read_nodes(struct opening *o, uint64_t nodes, const struct mmw_shadow *s, struct node_rec *out)
{
	uint64_t pgdat;
	size_t n = 0;

	for (uint64_t i = 0; i < NODES_MAX; i++) {
		if (mmw_vm_read_uint(o->vm, nodes + i * o->word, o->word, &pgdat, NULL))
			break;
		if (!pgdat || mmw_shadow_read(s, o->vm, pgdat, &out[n], NULL) || !out[n].map || !out[n].spanned ||
		    (out[n].id != MMW_ABSENT && out[n].id != i))
			continue;
		out[n++].id = i;
	}
	qsort(out, n, sizeof(*out), by_start);
	return n;
}

/* NODE_DATA(nid)->node_mem_map is the struct page of the node's first frame. */
static int open_nodes(struct opening *o, uint64_t nodes, const struct mmw_shadow *s, struct mmw_err *err)
{
	struct node_rec *rec = calloc(NODES_MAX, sizeof(*rec));
	size_t n = rec ? read_nodes(o, nodes, s, rec) : 0;
	int rc = rec ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for nodes");

	for (size_t i = 0; !rc && i < n; i++)
		rc = add_flat(o, rec[i].map, rec[i].start, rec[i].spanned, (int)rec[i].id, err);
	free(rec);
	return rc || n ? rc : mmw_fail(err, MMW_E_CORRUPT, nodes, "no node has a memmap");
}

static int open_unsectioned(struct opening *o, struct mmw_err *err)
{
	struct mmw_shadow s;
	uint64_t va;
	int rc = mmw_shadow_bind(o->k, "pglist_data", node_fields, mmw_array_len(node_fields), &s, NULL);

	if (!rc && !mmw_kernel_symbol(o->k, "contig_page_data", &va, NULL, NULL)) {
		rc = open_flat(o, va, &s, err);
	} else if (!rc && !mmw_kernel_symbol(o->k, "node_data", &va, NULL, NULL)) {
		o->m->model = MMW_DISCONTIGMEM;
		rc = open_nodes(o, va, &s, err);
	} else {
		rc = open_bare(o, err);
	}
	o->m->listed = o->max_pfn ? o->max_pfn : o->m->end;
	return rc;
}

/* --- sections ----------------------------------------------------------------------------------------------------- */

/* What reading the section tables needs. */
struct sparse {
	struct opening *o;
	uint64_t table;               /* of roots, or of sections */
	bool is_static;               /* it is of sections */
	uint64_t n_sections;          /* no more than these matter */
	uint64_t per_root, section_size, map_offset, usage_offset;
	bool has_usage, has_ext;
	uint64_t ext_offset;
	uint8_t *bytes;               /* of one root's page */
	/* Of mem_section_usage, from 5.3 on; subsections: 0 where it has no map of them. */
	bool early_flag, exact;       /* exact: pfn_to_online_page() looks into the map for early sections too */
	uint64_t subsections, submap_offset;
	uint64_t node_table;          /* section_to_node_table, or 0 */
	unsigned node_size;
	bool based, bases_differ;
	uint64_t base;
};

/*
 * What subsection_map (2 MiB each) says of a section. A hot-plugged one has struct pages for what is in the map only
 * (pfn_section_valid()); one of the boot has them all, but what is not in the map is no memory.
 */
static int add_subsections(struct sparse *s, const struct mmw_mem_run *section, struct mmw_err *err)
{
	struct opening *o = s->o;
	uint64_t step = 1ull << (SUBSECTION_SHIFT - o->page_shift), long_bits = 8 * o->word, i = 0;
	uint8_t map[SUBSECTIONS_MAX / 8];
	int rc = mmw_vm_read(o->vm, section->usage + s->submap_offset, map,
			     (s->subsections + long_bits - 1) / long_bits * o->word, NULL);

	if (rc)  /* the section counts for what it says itself */
		return add_run(o, section, err);
	while (!rc && i < s->subsections) {
		struct mmw_mem_run run = *section;
		uint64_t from = i;
		bool in = false;

		for (; i < s->subsections; i++) {
			bool bit = mmw_get_word(map + i / long_bits * o->word, o->word, o->be) >> i % long_bits & 1;

			if (i > from && bit != in)
				break;
			in = bit;
		}
		run.pfn += from * step;
		run.n = (i - from) * step;
		run.map = (section->map + from * step * o->m->page_size) & o->mask;
		if (!in && run.state == MMW_FRAME_ONLINE)
			run.state = s->exact ? MMW_FRAME_HOLE : MMW_FRAME_ONLINE;
		if (in || section->early)
			rc = add_run(o, &run, err);
	}
	return rc;
}

/* Not where the bit is something else, or no bit at all (a kernel without ZONE_DEVICE). */
static bool is_tainted(struct sparse *s, uint64_t map)
{
	int64_t bit;

	if (!(map & TAINT_ZONE_DEVICE))
		return false;
	if (!mmw_kernel_enumerator(s->o->k, NULL, "SECTION_TAINT_ZONE_DEVICE_BIT", &bit, NULL))
		return 1 << bit == TAINT_ZONE_DEVICE;
	return mmw_kernel_enumerator(s->o->k, NULL, "SECTION_MAP_LAST_BIT", &bit, NULL) != 0;
}

static int take_section(struct sparse *s, uint64_t nr, uint64_t map, uint64_t usage, uint64_t ext, struct mmw_err *err)
{
	struct opening *o = s->o;
	struct mmw_mem_run run = { .pfn = nr << o->m->section_shift, .n = 1ull << o->m->section_shift, .usage = usage,
				   .ext = ext & EXT_INVALID ? 0 : ext, .node = MMW_NO_NODE, .state = MMW_FRAME_ONLINE };
	uint64_t base = map & ~(uint64_t)SECTION_FLAGS, node;

	if (!(map & PRESENT) || !(map & HAS_MEM_MAP))
		return 0;
	s->bases_differ |= s->based && base != s->base;
	s->base = base;
	s->based = true;
	run.map = (base + run.pfn * o->m->page_size) & o->mask;
	run.early = !s->early_flag || map & IS_EARLY;
	run.device = is_tainted(s, map);
	if (!(map & IS_ONLINE))
		run.state = MMW_FRAME_OFFLINE;
	if (s->node_table && !mmw_vm_read_uint(o->vm, s->node_table + nr * s->node_size, s->node_size, &node, NULL) &&
	    node < NODES_MAX)
		run.node = (int16_t)node;
	return usage && s->subsections ? add_subsections(s, &run, err) : add_run(o, &run, err);
}

/* Sections from number `first` on, which are at va. */
static int take_sections(struct sparse *s, uint64_t first, uint64_t va, uint64_t n, struct mmw_err *err)
{
	int rc = mmw_vm_read(s->o->vm, va, s->bytes, n * s->section_size, err);

	for (uint64_t i = 0; !rc && i < n; i++) {
		const uint8_t *section = s->bytes + i * s->section_size;
		uint64_t map = mmw_get_word(section + s->map_offset, s->o->word, s->o->be), usage = 0, ext = 0;

		if (s->has_usage)
			usage = mmw_get_word(section + s->usage_offset, s->o->word, s->o->be);
		if (s->has_ext)
			ext = mmw_get_word(section + s->ext_offset, s->o->word, s->o->be);
		rc = take_section(s, first + i, map, usage, ext, err);
	}
	return rc;
}

static int take_roots(struct sparse *s, struct mmw_err *err)
{
	unsigned word = s->o->word;
	uint64_t va;
	int rc = 0;

	for (uint64_t nr = 0; !rc && nr < s->n_sections; nr += s->per_root) {
		if (s->is_static) {
			rc = take_sections(s, nr, s->table + nr * s->section_size,
					   mmw_min64(s->per_root, s->n_sections - nr), err);
			continue;
		}
		/* The array is as long as physical memory may be; its end is not recorded. */
		if (mmw_vm_read_uint(s->o->vm, s->table + nr / s->per_root * word, word, &va, NULL))
			break;
		rc = va ? take_sections(s, nr, va, s->per_root, err) : 0;
	}
	if (!rc && !s->based)
		rc = mmw_fail(err, MMW_E_CORRUPT, s->table, "no memory section has struct pages");
	return rc;
}

/* Sections have no mark: each is empty or present, and the struct pages of one that has any are mapped. */
static bool are_sections(struct sparse *s, uint64_t first, uint64_t va, uint64_t n)
{
	struct opening *o = s->o;
	bool found = false;

	if (va % o->word || mmw_vm_read(o->vm, va, s->bytes, n * s->section_size, NULL))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t map = mmw_get_word(s->bytes + i * s->section_size + s->map_offset, o->word, o->be), pa;

		if (map && !(map & PRESENT))
			return false;
		if (!(map & HAS_MEM_MAP) || found)
			continue;
		map = (map & ~(uint64_t)SECTION_FLAGS) + ((first + i) << o->m->section_shift) * o->m->page_size;
		found = !mmw_vm_translate(o->vm, map & o->mask, &pa, NULL);
	}
	return found;
}

static bool are_roots(struct sparse *s, uint64_t va)
{
	uint64_t root;

	for (uint64_t nr = 0; nr < s->n_sections; nr += s->per_root) {
		if (mmw_vm_read_uint(s->o->vm, va + nr / s->per_root * s->o->word, s->o->word, &root, NULL))
			return false;
		if (root && are_sections(s, nr, root, s->per_root))
			return true;
		if (root % s->o->word)
			return false;
	}
	return false;
}

/* How many sections an array of them can have at va. */
static uint64_t static_sections(struct sparse *s, uint64_t va)
{
	uint64_t end;

	if (mmw_kernel_symbol_end(s->o->k, va, &end) && end > va)
		return mmw_min64(s->n_sections, (end - va) / s->section_size);
	return s->n_sections;
}

/*
 * The variable is a pointer to the roots, or is the roots, or the sections themselves. VMCOREINFO prints where the
 * roots or the sections are (VMCOREINFO_SYMBOL_ARRAY).
 */
static int find_table(struct sparse *s, struct mmw_err *err)
{
	uint64_t at[3] = { 0 };
	size_t n = 0;
	int rc = mmw_kernel_variable(s->o->k, "mem_section", s->o->word, &at[n], err);

	n += !rc;
	n += mmw_vmcoreinfo_symbol(mmw_kernel_vmcoreinfo(s->o->k), "mem_section", &at[n]);
	n += !mmw_kernel_symbol(s->o->k, "mem_section", &at[n], NULL, NULL);
	if (!n)
		return rc;
	for (size_t i = 0; i < n; i++) {
		s->table = at[i];
		if (at[i] && are_roots(s, at[i]))
			return 0;
	}
	s->is_static = true;
	for (size_t i = 0; i < n; i++) {
		uint64_t count = static_sections(s, at[i]);

		s->table = at[i];
		for (uint64_t nr = 0; at[i] && nr < count; nr += s->per_root) {
			if (!are_sections(s, nr, at[i] + nr * s->section_size, mmw_min64(s->per_root, count - nr)))
				continue;
			s->n_sections = count;
			return 0;
		}
	}
	return mmw_fail(err, MMW_E_CORRUPT, at[0], "mem_section leads to no sections");
}

static int bind_section(struct sparse *s, struct mmw_err *err)
{
	struct opening *o = s->o;
	struct mmw_member m;
	int rc = mmw_kernel_type_size(o->k, "mem_section", &s->section_size, err);

	rc = rc ? rc : mmw_kernel_member(o->k, "mem_section", "section_mem_map", &m, NULL, err);
	if (rc)
		return rc;
	if (!s->section_size || s->section_size > 256 || m.offset + o->word > s->section_size)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "struct mem_section of %" PRIu64 " bytes", s->section_size);
	s->map_offset = m.offset;
	s->has_usage = !mmw_kernel_member_any(o->k, "mem_section", "usage|pageblock_flags", &m, NULL) &&
		       m.offset + o->word <= s->section_size;
	s->usage_offset = m.offset;
	s->has_ext = !mmw_kernel_member(o->k, "mem_section", "page_ext", &m, NULL, NULL) && m.offset + o->word <= s->section_size;
	s->ext_offset = m.offset;
	s->early_flag = s->has_usage && !mmw_kernel_member(o->k, "mem_section", "usage", &m, NULL, NULL);
	s->per_root = (1ull << o->page_shift) / s->section_size;
	return 0;
}

/*
 * SECTION_SIZE_BITS (asm/sparsemem.h): VMCOREINFO has it from 5.12 on, and 5.10's stable series. A subsection_map of
 * several words tells it as well; else, what the architecture has where neither is known.
 */
static uint64_t section_bits(struct opening *o, const struct mmw_member *submap)
{
	const struct mmw_space *space = mmw_kernel_space(o->k);
	uint64_t bits, n = submap ? submap->count * submap->elem_size * 8 : 0;

	if (mmw_vmcoreinfo_number(mmw_kernel_vmcoreinfo(o->k), "SECTION_SIZE_BITS", &bits))
		return bits;
	if (n > 8 * o->word && !(n & (n - 1)))
		return SUBSECTION_SHIFT + 63 - (unsigned)__builtin_clzll(n);
	switch (mmw_kernel_arch(o->k)->machine) {
	case EM_386:
		return space && space->paging.levels == 3 ? 29 : 26;
	case EM_ARM:
		return 28;
	case EM_AARCH64:
		return submap ? 27 : 30;  /* 5.12 made it smaller; a map for 30 would have been several words */
	default:
		return 27;
	}
}

static int bind_usage(struct sparse *s, struct mmw_err *err)
{
	struct opening *o = s->o;
	struct mmw_member map;
	bool has_map = !mmw_kernel_member(o->k, "mem_section_usage", "subsection_map", &map, NULL, NULL);
	uint64_t bits = section_bits(o, has_map ? &map : NULL), va, n;

	if (bits < 20 || bits > 40 || bits < o->page_shift)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "memory sections of 2^%" PRIu64 " bytes", bits);
	o->m->section_shift = (unsigned)bits - o->page_shift;
	n = bits < SUBSECTION_SHIFT ? 0 : 1ull << (bits - SUBSECTION_SHIFT);
	if (has_map && s->early_flag && o->page_shift < SUBSECTION_SHIFT && n && n <= SUBSECTIONS_MAX &&
	    n <= map.count * map.elem_size * 8) {
		s->subsections = n;
		s->submap_offset = map.offset;
	}
	/* A function since it looks closer (5.12: mm/memory_hotplug.c; before, a macro). */
	s->exact = !mmw_kernel_symbol(o->k, "pfn_to_online_page", &va, NULL, NULL);
	/* One or two bytes a section, where page flags have no room for the node (mm/sparse.c). */
	if (mmw_kernel_symbol(o->k, "section_to_node_table", &s->node_table, NULL, NULL))
		s->node_table = 0;
	s->node_size = !mmw_kernel_type_size(o->k, "nodemask_t", &n, NULL) && 8 * n > 256 ? 2 : 1;
	return 0;
}

/* Sections that can matter: up to the highest the kernel knows of, or of the frames that it or the image knows. */
static uint64_t sections_needed(struct opening *o)
{
	uint64_t last = mmw_image_last(mmw_kernel_image(o->k)) >> o->page_shift, nr;

	if (o->max_pfn > last)
		last = o->max_pfn - 1;
	nr = last >> o->m->section_shift;
	if (!mmw_kernel_variable(o->k, "__highest_present_section_nr", o->word, &last, NULL) && last < ROOTS_MAX)
		nr = mmw_max64(nr, last);
	return mmw_min64(nr + 1, (uint64_t)ROOTS_MAX * 64);
}

/* Is this where the kernel has its vmemmap? Asked where types do not tell (before 5.3), and bases do not either. */
static bool in_vmemmap(struct mmw_kernel *k, uint64_t va)
{
	const struct mmw_layout *l = mmw_kernel_layout(k);

	for (size_t i = 0; i < l->n_regions; i++)
		if (va >= l->regions[i].first && va <= l->regions[i].last)
			return !strcmp(l->regions[i].name, "vmemmap");
	return false;
}

static int scan_sections(struct sparse *s, struct mmw_err *err)
{
	struct opening *o = s->o;
	struct mmw_member map;
	uint64_t section;
	int rc = find_table(s, err);

	rc = rc ? rc : take_roots(s, err);
	if (rc)
		return rc;
	o->m->model = MMW_SPARSEMEM;
	if (!mmw_kernel_member(o->k, "mem_section_usage", "subsection_map", &map, NULL, NULL) ||
	    (!s->early_flag && !s->bases_differ && in_vmemmap(o->k, o->m->runs[o->m->n_runs - 1].map)))
		o->m->model = MMW_SPARSEMEM_VMEMMAP;
	section = 1ull << o->m->section_shift;
	o->m->listed = o->max_pfn ? (o->max_pfn + section - 1) & ~(section - 1) : o->m->end;
	return 0;
}

static int open_sparse(struct opening *o, struct mmw_err *err)
{
	struct sparse s = { .o = o };
	int rc = bind_section(&s, err);

	rc = rc ? rc : bind_usage(&s, err);
	if (rc)
		return rc;
	s.n_sections = sections_needed(o);
	s.bytes = malloc(1ul << o->page_shift);
	rc = s.bytes ? scan_sections(&s, err) : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for memory sections");
	free(s.bytes);
	return rc;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

struct place {
	uint64_t map;
	uint32_t run;
};

static int by_map(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->map < y->map ? -1 : x->map > y->map;
}

static int sort_by_map(struct mmw_memmap *m, struct mmw_err *err)
{
	struct place *places = malloc((m->n_runs + 1) * sizeof(*places));
	size_t n = 0;

	m->by_map = malloc((m->n_runs + 1) * sizeof(*m->by_map));
	if (!places || !m->by_map) {
		free(places);
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu runs of memory", m->n_runs);
	}
	for (size_t i = 0; i < m->n_runs; i++)
		if (m->runs[i].state != MMW_FRAME_NONE)
			places[n++] = (struct place){ m->runs[i].map, (uint32_t)i };
	qsort(places, n, sizeof(*places), by_map);
	for (size_t i = 0; i < n; i++)
		m->by_map[i] = places[i].run;
	m->n_by_map = n;
	free(places);
	return 0;
}

static int open_model(struct opening *o, struct mmw_err *err)
{
	struct mmw_member flat;
	uint64_t va;

	/* The member exists only there (CONFIG_FLAT_NODE_MEM_MAP to 5.13, then CONFIG_FLATMEM). */
	if (!mmw_kernel_member(o->k, "pglist_data", "node_mem_map", &flat, NULL, NULL) ||
	    (mmw_kernel_symbol(o->k, "mem_section", &va, NULL, NULL) &&
	     !mmw_kernel_symbol(o->k, "mem_map", &va, NULL, NULL) &&
	     !mmw_vmcoreinfo_symbol(mmw_kernel_vmcoreinfo(o->k), "mem_section", &va)))
		return open_unsectioned(o, err);
	return open_sparse(o, err);
}

int mmw_memmap_open(struct mmw_kernel *k, struct mmw_memmap *out, struct mmw_err *err)
{
	struct opening o = { .k = k, .vm = mmw_kernel_vm(k), .m = out, .word = mmw_kernel_arch(k)->word,
			     .page_shift = mmw_kernel_page_shift(k), .be = mmw_image_big_endian(mmw_kernel_image(k)) };
	int rc;

	memset(out, 0, sizeof(*out));
	o.mask = o.word == 4 ? UINT32_MAX : UINT64_MAX;
	if (mmw_kernel_variable(k, "max_pfn", o.word, &o.max_pfn, NULL) || o.max_pfn > 1ull << 40)
		o.max_pfn = 0;
	rc = mmw_kernel_type_size(k, "page", &out->page_size, err);
	if (!rc && (!out->page_size || out->page_size > 4096))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "struct page of %" PRIu64 " bytes", out->page_size);
	rc = rc ? rc : ask_memblock(&o, err);
	rc = rc ? rc : open_model(&o, err);
	rc = rc ? rc : fill(&o, out->listed, err);
	rc = rc ? rc : sort_by_map(out, err);
	mmw_memblock_close(&o.memory);
	if (rc) {
		mmw_memmap_close(out);
		return mmw_wrap(err, rc, "memmap");
	}
	return 0;
}

void mmw_memmap_close(struct mmw_memmap *m)
{
	free(m->runs);
	free(m->by_map);
	m->runs = NULL;
	m->by_map = NULL;
	m->n_runs = m->cap_runs = m->n_by_map = 0;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

const struct mmw_mem_run *mmw_memmap_run(const struct mmw_memmap *m, uint64_t pfn)
{
	size_t lo = 0, hi = m->n_runs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pfn < m->runs[mid].pfn)
			hi = mid;
		else if (pfn - m->runs[mid].pfn >= m->runs[mid].n)
			lo = mid + 1;
		else
			return &m->runs[mid];
	}
	return NULL;
}

enum mmw_frame_state mmw_memmap_state(const struct mmw_memmap *m, uint64_t pfn)
{
	const struct mmw_mem_run *run = mmw_memmap_run(m, pfn);

	return run ? (enum mmw_frame_state)run->state : MMW_FRAME_NONE;
}

uint64_t mmw_memmap_page(const struct mmw_memmap *m, uint64_t pfn)
{
	const struct mmw_mem_run *run = mmw_memmap_run(m, pfn);

	return run && run->state != MMW_FRAME_NONE ? run->map + (pfn - run->pfn) * m->page_size : 0;
}

bool mmw_memmap_pfn(const struct mmw_memmap *m, uint64_t va, uint64_t *pfn)
{
	const struct mmw_mem_run *run;
	size_t lo = 0, hi = m->n_by_map;

	/* The last that begins at or below va. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->runs[m->by_map[mid]].map <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	run = &m->runs[m->by_map[lo - 1]];
	*pfn = run->pfn + (va - run->map) / m->page_size;
	return !((va - run->map) % m->page_size) && (va - run->map) / m->page_size < run->n;
}

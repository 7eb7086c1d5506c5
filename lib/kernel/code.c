/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Variables that no table lists, and members of structs, by the code that uses them.
 *
 * A rule names functions that must use the variable in any build, and a test that its memory passes. All constant
 * addresses these functions use are candidates; just one of them may pass. So a rule holds for every compiler and machine
 * that lib/sym/disas.h reads, and says nothing rather than something wrong.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/bound.h"
#include "lib/kernel/percpu.h"
#include "lib/kernel/stackdepot.h"
#include "lib/sym/disas.h"

enum {
	CODE_MAX = 8192,       /* bytes of a function that are read */
	CANDIDATES_MAX = 128,
	TAIL_MAX = 2,          /* functions that end in a jump to another */
	RING_MAX = 8192,
	NODES_MAX = 1024,
	FUNCTIONS = 6,
};

/* One place in the code that uses a constant address, or a member behind an argument. */
struct use {
	enum mmw_place place;
	uint64_t va, at;       /* va: of an argument, which one */
	int64_t off;
	uint8_t width;
	bool indexed;
};

struct uses {
	struct use use[CANDIDATES_MAX];
	size_t n;
};

struct rule {
	const char *symbol;
	const char *functions[FUNCTIONS];
	bool indexed;          /* it is an array, and one element of it is used */
	bool (*holds)(struct mmw_kernel *k, uint64_t va);
};

struct mmw_code_symbol {
	bool tried, found;
	uint64_t va;
	char source[96];
};

struct mmw_code_member {
	bool tried, found;
	uint64_t off;
};

/* --- tests ------------------------------------------------------------------------------------------------------ */

static bool word_at(struct mmw_kernel *k, uint64_t va, uint64_t *out)
{
	return !mmw_vm_read_uint(&k->vm, va, k->arch->word, out, NULL);
}

/* A ring of at least `least` list_heads besides the first, each with the right one before it. */
static bool is_ring(struct mmw_kernel *k, uint64_t head, unsigned least)
{
	uint64_t at = head, next, prev;

	for (unsigned n = 0; n < RING_MAX; n++) {
		if (!word_at(k, at, &next) || !word_at(k, next + k->arch->word, &prev) || prev != at)
			return false;
		at = next;
		if (at == head)
			return n >= least;
	}
	return false;
}

/* struct module: state, list, name[] (include/linux/module.h, since 2.6). */
static bool is_module(struct mmw_kernel *k, uint64_t va)
{
	char name[8] = "";

	return !mmw_vm_read(&k->vm, va + 3 * k->arch->word, name, sizeof(name) - 1, NULL) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") >= 2;
}

static bool is_modules(struct mmw_kernel *k, uint64_t va)
{
	uint64_t at;

	return is_ring(k, va, 1) && word_at(k, va, &at) && is_module(k, at - k->arch->word);
}

/* struct btf_module: list, module (kernel/bpf/btf.c). */
static bool is_btf_modules(struct mmw_kernel *k, uint64_t va)
{
	uint64_t at, module;

	return is_ring(k, va, 1) && word_at(k, va, &at) && word_at(k, at + 2 * k->arch->word, &module) && is_module(k, module);
}

static bool is_slab_caches(struct mmw_kernel *k, uint64_t va)
{
	return is_ring(k, va, 20);
}

static bool is_pgdat(struct mmw_kernel *k, uint64_t va, uint64_t node)
{
	struct mmw_member id, pages;
	uint64_t v, spanned;

	return !mmw_kernel_member(k, "pglist_data", "node_id", &id, NULL, NULL) &&
	       !mmw_kernel_member(k, "pglist_data", "node_spanned_pages", &pages, NULL, NULL) &&
	       !mmw_vm_read_uint(&k->vm, va + id.offset, (unsigned)id.size, &v, NULL) && v == node &&
	       !mmw_vm_read_uint(&k->vm, va + pages.offset, (unsigned)pages.size, &spanned, NULL) &&
	       (spanned || node) && spanned < 1ull << 44;
}

static bool is_node_data(struct mmw_kernel *k, uint64_t va)
{
	uint64_t pgdat;
	unsigned n = 0;

	for (uint64_t node = 0; node < NODES_MAX; node++, n++)
		if (!word_at(k, va + node * k->arch->word, &pgdat) || !pgdat || !is_pgdat(k, pgdat, node))
			break;
	return n > 0;
}

static bool is_contig_page_data(struct mmw_kernel *k, uint64_t va)
{
	return is_pgdat(k, va, 0);
}

/* Areas of all CPUs are of one size and lie one after the other, or a group of CPUs after the other. */
static bool is_per_cpu_offset(struct mmw_kernel *k, uint64_t va)
{
	uint64_t first, second, pa, start;

	return word_at(k, va, &first) && word_at(k, va + k->arch->word, &second) && first && second && first != second &&
	       !(first % 4096) && !(second % 4096) && !mmw_kernel_symbol(k, "__per_cpu_start", &start, NULL, NULL) &&
	       !mmw_vm_translate(&k->vm, start + first, &pa, NULL);
}

/* The kernel's own mm has the kernel's root, as an address of the image or of the linear map. */
static bool is_init_mm(struct mmw_kernel *k, uint64_t va)
{
	unsigned word = k->arch->word;
	struct mmw_member pgd;
	uint64_t at, pa;

	if (!mmw_kernel_member(k, "mm_struct", "pgd", &pgd, NULL, NULL))
		return word_at(k, va + pgd.offset, &at) && !mmw_vm_translate(&k->vm, at, &pa, NULL) && pa == k->own.root;
	for (unsigned i = 0; i < 24; i++)
		if (word_at(k, va + i * word, &at) && at >= k->arch->image_first && !mmw_vm_translate(&k->vm, at, &pa, NULL) &&
		    pa == k->own.root)
			return true;
	return false;
}

/* The address of physical memory's first byte in the linear map: the kernel's image is there too. */
static bool is_page_offset_base(struct mmw_kernel *k, uint64_t va)
{
	uint64_t base, pa, text;

	return !mmw_kernel_symbol(k, "_stext", &text, NULL, NULL) && word_at(k, va, &base) && base && !(base % (1 << 30)) &&
	       base < k->arch->image_first && !mmw_vm_translate(&k->vm, base + (text - k->delta), &pa, NULL) && pa == text - k->delta;
}

static bool is_phys_base(struct mmw_kernel *k, uint64_t va)
{
	uint64_t v;

	/* __START_KERNEL_map is where the addresses of the image begin (arch/x86/include/asm/page_64_types.h). */
	return word_at(k, va, &v) && v == k->arch->image_first - k->delta;
}

/* The address of the first struct page: those of the kernel's image are mapped. */
static bool is_vmemmap_base(struct mmw_kernel *k, uint64_t va)
{
	uint64_t base, pa, text, size = 64;

	mmw_kernel_type_size(k, "page", &size, NULL);
	return !mmw_kernel_symbol(k, "_stext", &text, NULL, NULL) && word_at(k, va, &base) && base && !(base % (1 << 30)) &&
	       base < k->arch->image_first && !is_page_offset_base(k, va) &&
	       !mmw_vm_translate(&k->vm, base + (text - k->delta) / 4096 * size, &pa, NULL);
}

static bool is_vmcoreinfo_data(struct mmw_kernel *k, uint64_t va)
{
	static const char mark[] = "OSRELEASE=";
	char text[sizeof(mark) - 1];
	uint64_t at;

	return word_at(k, va, &at) && at && !mmw_vm_read(&k->vm, at, text, sizeof(text), NULL) && !memcmp(text, mark, sizeof(text));
}

/* The array that was called stack_slabs, and then, as in 6.3 its elements were, stack_pools. */
static bool is_stack_slabs(struct mmw_kernel *k, uint64_t va)
{
	struct mmw_member m;

	return !mmw_kernel_member(k, "handle_parts", "slabindex", &m, NULL, NULL) && mmw_stackdepot_holds(k, va);
}

static bool is_stack_pools(struct mmw_kernel *k, uint64_t va)
{
	struct mmw_member m;

	return mmw_kernel_member(k, "handle_parts", "slabindex", &m, NULL, NULL) && mmw_stackdepot_holds(k, va);
}

/* --- rules ------------------------------------------------------------------------------------------------------ */

static const struct rule rules[] = {
	{ "modules", { "module_get_kallsym", "print_modules", "find_module_all", "module_kallsyms_on_each_symbol" }, false, is_modules },
	{ "btf_modules", { "btf_try_get_module", "bpf_find_btf_id", "bpf_core_find_cands", "btf_get_module_btf" }, false, is_btf_modules },
	{ "slab_caches", { "slab_start", "slab_next", "kmem_cache_destroy" }, false, is_slab_caches },
	{ "node_data", { "first_online_pgdat", "next_online_pgdat", "nr_free_zone_pages", "nr_free_buffer_pages" }, true, is_node_data },
	{ "contig_page_data", { "first_online_pgdat", "nr_free_zone_pages", "nr_free_buffer_pages" }, false, is_contig_page_data },
	{ "__per_cpu_offset", { "per_cpu_ptr_to_phys", "get_cpu_device", "get_cpu_idle_time" }, true, is_per_cpu_offset },
	{ "init_mm", { "__mmdrop", "leave_mm", "copy_init_mm", "cpu_uninstall_idmap" }, false, is_init_mm },
	{ "page_offset_base", { "__phys_addr", "__virt_addr_valid", "slow_virt_to_phys" }, false, is_page_offset_base },
	{ "phys_base", { "__phys_addr", "__virt_addr_valid" }, false, is_phys_base },
	{ "vmemmap_base", { "page_frag_free", "free_pages", "kfree" }, false, is_vmemmap_base },
	{ "vmcoreinfo_data", { "crash_update_vmcoreinfo_safecopy", "vmcoreinfo_append_str", "append_elf_note" }, false,
	  is_vmcoreinfo_data },
	{ "stack_slabs", { "stack_depot_fetch", "__stack_depot_save", "stack_depot_print" }, true, is_stack_slabs },
	{ "stack_pools", { "stack_depot_fetch", "depot_fetch_stack", "stack_depot_print" }, true, is_stack_pools },
};

enum { RULES = sizeof(rules) / sizeof(rules[0]) };

/* --- reading ---------------------------------------------------------------------------------------------------- */

static void add_use(struct uses *u, const struct mmw_insn *in)
{
	if ((in->place != MMW_PLACE_CONST && in->place != MMW_PLACE_ARG) || in->percpu || in->use == MMW_USE_NONE ||
	    u->n == CANDIDATES_MAX)
		return;
	u->use[u->n++] = (struct use){ in->place, in->root, in->va, in->off, in->use == MMW_USE_READ ? in->width : 0, in->indexed };
}

/* Where no table says where a function ends, it does behind what nothing in it leads past. */
static uint64_t read_uses(struct mmw_disas *d, uint64_t va, uint64_t end, struct uses *u)
{
	struct mmw_insn in;
	uint64_t last = va, tail = 0;

	while (mmw_disas_next(d, false, &in) && !in.bad) {
		bool inside = in.has_target && in.target >= va && in.target < end;

		add_use(u, &in);
		if (inside && in.flow != MMW_FLOW_CALL && in.target > last)
			last = in.target;
		if (in.flow == MMW_FLOW_JUMP && !inside)
			tail = in.target;
		if ((in.flow == MMW_FLOW_JUMP || in.flow == MMW_FLOW_END) && in.va + in.len > last)
			break;
	}
	return tail;
}

/* What a function uses, and those it ends in a jump to. */
static void collect(struct mmw_kernel *k, struct mmw_disas *d, uint64_t va, struct uses *u)
{
	uint8_t *code = malloc(CODE_MAX);

	for (unsigned tails = 0; code && va && tails <= TAIL_MAX; tails++) {
		uint64_t end = va + CODE_MAX, known;
		size_t len;

		if (mmw_kernel_symbol_end(k, va, &known) && known < end)
			end = known;
		len = mmw_vm_read_some(&k->vm, va, code, end - va, NULL);
		if (mmw_disas_code(d, va, code, len, NULL))
			break;
		va = read_uses(d, va, va + len, u);
	}
	free(code);
}

static bool was_before(const struct uses *u, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (u->use[j].place == u->use[i].place && u->use[j].va == u->use[i].va && u->use[j].indexed == u->use[i].indexed)
			return true;
	return false;
}

/* The one candidate that holds; none when two do. */
static const struct use *choose(struct mmw_kernel *k, const struct rule *rule, const struct uses *u)
{
	const struct use *found = NULL;

	for (size_t i = 0; i < u->n; i++) {
		const struct use *use = &u->use[i];

		if (use->place != MMW_PLACE_CONST || use->indexed != rule->indexed || use->va < k->arch->image_first || was_before(u, i) ||
		    !rule->holds(k, use->va))
			continue;
		if (found)
			return NULL;
		found = use;
	}
	return found;
}

static void read_rule(struct mmw_kernel *k, struct mmw_disas *d, const struct rule *rule, struct mmw_code_symbol *out)
{
	struct uses *u = calloc(1, sizeof(*u));

	for (unsigned i = 0; u && i < FUNCTIONS && rule->functions[i] && !out->found; i++) {
		const struct use *use;
		uint64_t va;

		if (mmw_kernel_symbol_listed(k, rule->functions[i], &va))
			continue;
		u->n = 0;
		collect(k, d, va, u);
		use = choose(k, rule, u);
		if (!use)
			continue;
		out->found = true;
		out->va = use->va;
		snprintf(out->source, sizeof(out->source), "code at %s+0x%" PRIx64, rule->functions[i], use->at - va);
		mmw_kernel_note(k, "symbols", false, "%s is 0x%" PRIx64 ", from %s", rule->symbol, use->va, out->source);
	}
	free(u);
}

/* A kernel for arm is of one kind of code or the other (CONFIG_THUMB2_KERNEL), and no symbol says of which. */
static bool open_code(struct mmw_kernel *k, unsigned turn, struct mmw_disas **out)
{
	unsigned flags = (mmw_image_big_endian(k->img) ? MMW_DISAS_BIG_ENDIAN : 0) | (turn ? MMW_DISAS_THUMB : 0);

	return turn < (k->arch->machine == EM_ARM ? 2 : 1) && !mmw_disas_open(k->arch->machine, flags, out, NULL);
}

static const struct mmw_code_symbol *symbol_number(struct mmw_kernel *k, size_t i)
{
	struct mmw_code_symbol *s = &k->code[i];
	struct mmw_disas *d;

	if (s->tried || !k->has_own)
		return s;
	s->tried = true;  /* before: the tests may ask for symbols too */
	for (unsigned turn = 0; !s->found && open_code(k, turn, &d); turn++) {
		read_rule(k, d, &rules[i], s);
		mmw_disas_close(d);
	}
	return s;
}

const char *mmw_code_symbol(struct mmw_kernel *k, const char *name, uint64_t *va)
{
	for (size_t i = 0; i < RULES; i++) {
		const struct mmw_code_symbol *s;

		if (strcmp(rules[i].symbol, name))
			continue;
		s = symbol_number(k, i);
		if (s->found)
			*va = s->va;
		return s->found ? s->source : NULL;
	}
	return NULL;
}

/* --- as a source of its own ------------------------------------------------------------------------------------- */

static size_t code_count(const void *src)
{
	size_t n = 0;

	for (size_t i = 0; i < RULES; i++)
		n += symbol_number((struct mmw_kernel *)src, i)->found;
	return n;
}

static void give(const char *name, uint64_t va, struct mmw_ksym *out)
{
	*out = (struct mmw_ksym){ .addr = va, .type = '?' };
	snprintf(out->name, sizeof(out->name), "%s", name);
}

static int code_at(const void *src, size_t index, struct mmw_ksym *out, struct mmw_err *err)
{
	for (size_t i = 0; i < RULES; i++) {
		const struct mmw_code_symbol *s = symbol_number((struct mmw_kernel *)src, i);

		if (!s->found || index--)
			continue;
		give(rules[i].symbol, s->va, out);
		return 0;
	}
	return mmw_fail(err, MMW_E_ARG, 0, "code does not tell that many symbols");
}

/* A rule a symbol: there is no second one of a name. */
static int code_by_name(const void *src, const char *name, size_t *pos, struct mmw_ksym *out)
{
	uint64_t va;

	if ((*pos)++ || !mmw_code_symbol((struct mmw_kernel *)src, name, &va))
		return 0;
	give(name, va, out);
	return 1;
}

static const char *code_origin(const void *src, const char *name)
{
	uint64_t va;

	return mmw_code_symbol((struct mmw_kernel *)src, name, &va);
}

const struct mmw_symsrc mmw_code_source = {
	"code", NULL, code_count, code_at, code_by_name, NULL, NULL, code_origin,
};

/* --- members ---------------------------------------------------------------------------------------------------- */

/* A pointer that `function` reads behind its argument number `arg`. */
struct member_rule {
	const char *type, *member, *function;
	unsigned arg;
	bool (*holds)(struct mmw_kernel *k, uint64_t off);
};

/* Up to 5.12 it is struct per_cpu_pageset: three ints, then lists of pages. The counters are somewhere behind them. */
static bool is_pageset(struct mmw_kernel *k, uint64_t va)
{
	uint64_t head = va + (k->arch->word == 8 ? 16 : 12), next, prev;

	return word_at(k, head, &next) && next >= k->arch->word && word_at(k, next + k->arch->word, &prev) && prev == head;
}

/* All CPUs have a copy of what this pointer in a zone means. */
static bool all_cpus_have(struct mmw_kernel *k, const struct mmw_percpu *p, uint64_t zone, uint64_t off)
{
	size_t sets = 0;
	uint64_t at, pa;

	if (!word_at(k, zone + off, &at) || !at)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		uint64_t va = mmw_percpu_address(p, at, i);

		if (mmw_vm_translate(&k->vm, va, &pa, NULL))
			return false;
		sets += is_pageset(k, va);
	}
	return sets < p->n;
}

/* In each zone of the first node. */
static bool is_per_cpu_zonestats(struct mmw_kernel *k, uint64_t off)
{
	struct mmw_member zones, nr;
	struct mmw_percpu p;
	uint64_t pgdat, n, i = 0;

	if (mmw_kernel_member(k, "pglist_data", "node_zones", &zones, NULL, NULL) ||
	    mmw_kernel_member(k, "pglist_data", "nr_zones", &nr, NULL, NULL) ||
	    (mmw_kernel_variable(k, "node_data", k->arch->word, &pgdat, NULL) &&
	     mmw_kernel_symbol(k, "contig_page_data", &pgdat, NULL, NULL)) ||
	    mmw_vm_read_uint(&k->vm, pgdat + nr.offset, (unsigned)nr.size, &n, NULL) || n > zones.count || mmw_percpu_open(k, &p, NULL))
		return false;
	while (i < n && all_cpus_have(k, &p, pgdat + zones.offset + i * zones.elem_size, off))
		i++;
	mmw_percpu_close(&p);
	return n && i == n;
}

static const struct member_rule member_rules[] = {
	{ "zone", "per_cpu_zonestats", "__mod_zone_page_state", 0, is_per_cpu_zonestats },
};

enum { MEMBER_RULES = sizeof(member_rules) / sizeof(member_rules[0]) };

static int code_member(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err);

static void read_member(struct mmw_kernel *k, struct mmw_disas *d, const struct member_rule *rule, struct mmw_code_member *out)
{
	struct uses *u = calloc(1, sizeof(*u));
	uint64_t va;

	if (u && !mmw_kernel_symbol(k, rule->function, &va, NULL, NULL))
		collect(k, d, va, u);
	for (size_t i = 0; u && i < u->n && !out->found; i++) {
		const struct use *use = &u->use[i];

		if (use->place != MMW_PLACE_ARG || use->va != rule->arg || use->width != k->arch->word || use->off < 0 ||
		    !rule->holds(k, (uint64_t)use->off))
			continue;
		out->found = true;
		out->off = (uint64_t)use->off;
		mmw_kernel_note(k, "types", false, "%s.%s is at 0x%" PRIx64 ", from code at %s+0x%" PRIx64, rule->type, rule->member,
				out->off, rule->function, use->at - va);
	}
	free(u);
}

/* include/linux/mmzone.h, struct per_cpu_zonestat (5.13): with SMP, its first member is an array of s8. */
static bool is_stat_diff(struct mmw_kernel *k, const char *type, const char *path, struct mmw_member *out)
{
	struct mmw_member zone;

	if (strcmp(type, "per_cpu_zonestat") || strncmp(path, "vm_stat_diff[", 13) ||
	    code_member(k, "zone", "per_cpu_zonestats", &zone, NULL))
		return false;
	*out = (struct mmw_member){ .offset = strtoull(path + 13, NULL, 10), .size = 1, .elem_size = 1, .is_signed = true };
	return true;
}

static int code_member(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err)
{
	struct mmw_kernel *k = src;
	struct mmw_disas *d;

	if (is_stat_diff(k, type, path, out))
		return 0;
	for (size_t i = 0; i < MEMBER_RULES; i++) {
		struct mmw_code_member *m = &k->code_members[i];

		if (strcmp(member_rules[i].type, type) || strcmp(member_rules[i].member, path))
			continue;
		if (!m->tried) {
			m->tried = true;  /* before: the test asks for types too */
			for (unsigned turn = 0; !m->found && open_code(k, turn, &d); turn++) {
				read_member(k, d, &member_rules[i], m);
				mmw_disas_close(d);
			}
		}
		*out = (struct mmw_member){ .offset = m->off, .size = k->arch->word, .elem_size = k->arch->word, .is_pointer = true };
		if (m->found)
			return 0;
	}
	return mmw_fail(err, MMW_E_NOTYPE, 0, "code does not tell where %s.%s is", type, path);
}

static int code_size(void *src, const char *type, uint64_t *out, struct mmw_err *err)
{
	(void)src;
	(void)out;
	return mmw_fail(err, MMW_E_NOTYPE, 0, "code does not tell how large %s is", type);
}

static int code_enumerator(void *src, const char *type, const char *name, int64_t *out, struct mmw_err *err)
{
	(void)src;
	(void)out;
	return mmw_fail(err, MMW_E_NOTYPE, 0, "code does not tell %s of enum %s", name, type ? type : "?");
}

const struct mmw_typesrc mmw_code_types = { "code", NULL, code_member, code_size, code_enumerator };

/* --- opening ------------------------------------------------------------------------------------------------------- */

int mmw_code_open(struct mmw_kernel *k, struct mmw_err *err)
{
	k->code = calloc(RULES, sizeof(*k->code));
	k->code_members = calloc(MEMBER_RULES, sizeof(*k->code_members));
	return k->code && k->code_members ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for symbols");
}

void mmw_code_forget(struct mmw_kernel *k)
{
	memset(k->code, 0, RULES * sizeof(*k->code));
	memset(k->code_members, 0, MEMBER_RULES * sizeof(*k->code_members));
}

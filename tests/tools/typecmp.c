/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * typecmp VMLINUX [EVERY]: ask BTF and DWARF of the same vmlinux the same questions.
 *
 * The questions are those that lib/ asks, and with EVERY also the members of each EVERYth struct that BTF has. Prints
 * each answer that differs, then how many were compared and how many differ. A type or member that neither has is no
 * difference; nor is a sign alone, which BTF did not always record (that of char, in 5.10), but it is counted.
 * Exit status 0 when all are the same, 1 when not, 2 when there is nothing to compare.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/sym/btf.h"
#include "lib/sym/dwarf.h"
#include "tests/tools/blob.h"

struct compare {
	struct mmw_btf *btf;
	struct mmw_dwarf *dwarf;
	unsigned long compared, differ, absent, signs;
	double slowest;
	char slowest_name[128];
};

/* What lib/mm and lib/kernel ask for, all spellings. */
static const char *const members[][2] = {
	{ "zone", "name" }, { "zone", "zone_start_pfn" }, { "zone", "spanned_pages" }, { "zone", "present_pages" },
	{ "zone", "managed_pages" }, { "zone", "managed_pages.counter" }, { "zone", "per_cpu_zonestats" },
	{ "zone", "pageset" }, { "zone", "free_area" }, { "zone", "vm_stat[0]" }, { "zone", "vm_stat[0].counter" },
	{ "zone", "free_area[2].free_list[1].next" }, { "free_area", "free_list" }, { "free_area", "nr_free" },
	{ "per_cpu_zonestat", "vm_stat_diff" }, { "per_cpu_zonestat", "vm_stat_diff[3]" },
	{ "per_cpu_pageset", "vm_stat_diff[0]" }, { "pglist_data", "node_zones" }, { "pglist_data", "node_id" },
	{ "pglist_data", "node_start_pfn" }, { "pglist_data", "node_spanned_pages" }, { "pglist_data", "node_mem_map" },
	{ "pglist_data", "nr_zones" }, { "mem_section", "section_mem_map" }, { "page", "flags" },
	{ "page", "page_type" },
	{ "page", "_mapcount" }, { "page", "_mapcount.counter" }, { "page", "private" }, { "page", "buddy_list" },
	{ "page", "buddy_list.next" }, { "page", "buddy_list.prev" }, { "page", "lru" }, { "page", "lru.next" },
	{ "page", "lru.prev" }, { "page", "_refcount" }, { "page", "compound_head" }, { "page", "mapping" },
	{ "module", "list" }, { "module", "list.next" }, { "module", "state" }, { "module", "kallsyms" },
	{ "module", "syms" }, { "module", "num_syms" }, { "module", "gpl_syms" }, { "module", "num_gpl_syms" },
	{ "module", "name" }, { "module", "core_layout.base" }, { "module", "core_layout.size" },
	{ "module", "init_layout.base" }, { "module", "init_layout.size" }, { "module", "mem[0].base" },
	{ "module", "mem[0].size" }, { "module", "module_core" }, { "module", "core_size" },
	{ "mod_kallsyms", "symtab" }, { "mod_kallsyms", "num_symtab" }, { "mod_kallsyms", "strtab" },
	{ "mod_kallsyms", "typetab" }, { "kernel_symbol", "value_offset" }, { "kernel_symbol", "name_offset" },
	{ "kernel_symbol", "value" }, { "kernel_symbol", "name" }, { "list_head", "next" },
	{ "task_struct", "comm" }, { "task_struct", "pid" }, { "task_struct", "mm" }, { "task_struct", "tasks.next" },
	{ "task_struct", "in_execve" }, { "task_struct", "sched_contributes_to_load" }, { "mm_struct", "pgd" },
	{ "mm_struct", "mm_count" }, { "vm_area_struct", "vm_start" }, { "vm_area_struct", "vm_flags" },
	{ "kmem_cache", "size" }, { "kmem_cache", "oo.x" }, { "kmem_cache", "cpu_slab" }, { "kmem_cache", "node[0]" },
	{ "kmem_cache_cpu", "freelist" }, { "kmem_cache_node", "partial" }, { "slab", "inuse" }, { "slab", "objects" },
	{ "slab", "frozen" }, { "slab", "counters" }, { "vmap_area", "va_start" }, { "vm_struct", "nr_pages" },
	{ "pgd_t", "pgd" }, { "atomic_t", "counter" }, { "per_cpu_pages", "count" }, { "per_cpu_pages", "lists" },
	{ "uts_namespace", "name.release" }, { "pid", "numbers[0].nr" }, { "rq", "nr_running" },
};

static const char *const sizes[] = {
	"page", "zone", "pglist_data", "module", "list_head", "mem_section", "atomic_t", "pgd_t", "int",
	"long unsigned int", "unsigned long", "migratetype", "zone_stat_item", "u64", "no_such_type", "kmem_cache",
	"pid", "mm_struct", "folio",
};

static const char *const enumerators[][2] = {
	{ "migratetype", "MIGRATE_UNMOVABLE" }, { "migratetype", "MIGRATE_ISOLATE" },
	{ "migratetype", "MIGRATE_TYPES" },
	{ "zone_stat_item", "NR_FREE_PAGES" }, { "node_states", "N_ONLINE" }, { "pagetype", "PGTY_buddy" },
	{ "pagetype", "PG_buddy" }, { "pageflags", "PG_slab" }, { NULL, "PG_buddy" }, { NULL, "NR_FREE_PAGES" },
	{ "module_state", "MODULE_STATE_UNFORMED" }, { "zone_type", "__MAX_NR_ZONES" },
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void time_it(struct compare *c, double since, const char *type, const char *what)
{
	double took = now() - since;

	if (took <= c->slowest)
		return;
	c->slowest = took;
	snprintf(c->slowest_name, sizeof(c->slowest_name), "%s %s", type, what);
}

/* Two answers: whether they were both given, and are the same. */
static void judge(struct compare *c, int a, int b, bool same, const char *type, const char *what, const char *why)
{
	c->compared++;
	if (a == -MMW_E_NOTYPE && b == a)
		c->absent++;
	if (a == b && (a || same))
		return;
	c->differ++;
	printf("%s %s: BTF says %d, DWARF %d%s%s\n", type, what, a, b, b ? ": " : "", b ? why : "");
}

static void show(const char *who, const struct mmw_member *m)
{
	printf("  %s: offset %" PRIu64 " size %" PRIu64 " count %" PRIu64 " of %" PRIu64 " bits %u+%u%s%s\n", who,
	       m->offset, m->size, m->count, m->elem_size, m->bit_offset, m->bit_size, m->is_pointer ? " pointer" : "",
	       m->is_signed ? " signed" : "");
}

static void compare_member(struct compare *c, const char *type, const char *path)
{
	struct mmw_member a = { 0 }, b = { 0 };
	struct mmw_err err = { 0 };
	int ra = mmw_btf_member(c->btf, type, path, &a, NULL), rb;
	double since = now();
	bool same;

	rb = mmw_dwarf_member(c->dwarf, type, path, &b, &err);
	time_it(c, since, type, path);
	same = a.offset == b.offset && a.size == b.size && a.count == b.count && a.elem_size == b.elem_size &&
		a.bit_offset == b.bit_offset && a.bit_size == b.bit_size && a.is_pointer == b.is_pointer;
	c->signs += !ra && !rb && same && a.is_signed != b.is_signed;
	judge(c, ra, rb, same, type, path, err.msg);
	if (!ra && !rb && !same) {
		show("BTF", &a);
		show("DWARF", &b);
	}
}

static void compare_size(struct compare *c, const char *type)
{
	uint64_t a = 0, b = 0;
	struct mmw_err err = { 0 };
	int ra = mmw_btf_type_size(c->btf, type, &a, NULL), rb;
	double since = now();

	rb = mmw_dwarf_type_size(c->dwarf, type, &b, &err);
	time_it(c, since, type, "size");
	judge(c, ra, rb, a == b, type, "size", err.msg);
}

static void compare_enumerator(struct compare *c, const char *type, const char *name)
{
	int64_t a = 0, b = 0;
	struct mmw_err err = { 0 };
	int ra = mmw_btf_enumerator(c->btf, type, name, &a, NULL), rb;
	double since = now();

	rb = mmw_dwarf_enumerator(c->dwarf, type, name, &b, &err);
	time_it(c, since, type ? type : "", name);
	judge(c, ra, rb, a == b, type ? type : "", name, err.msg);
}

/* Bytes of each element behind a BTF type, and of what comes before those (include/uapi/linux/btf.h). */
static size_t tail_of(uint32_t kind, uint32_t vlen)
{
	static const uint8_t fixed[20] = { [1] = 4, [3] = 12, [14] = 4, [17] = 4 };
	static const uint8_t each[20] = { [4] = 12, [5] = 12, [6] = 8, [13] = 8, [15] = 12, [19] = 12 };

	return kind < 20 ? fixed[kind] + (size_t)vlen * each[kind] : 0;
}

/* All members with a name, of every `every`th struct with one. mmw_btf_open() has checked the bytes. */
static void compare_all(struct compare *c, const uint8_t *btf, bool be, unsigned long every)
{
	const uint8_t *types = btf + mmw_get32(btf + 4, be) + mmw_get32(btf + 8, be);
	const uint8_t *end = types + mmw_get32(btf + 12, be);
	const char *strings = (const char *)btf + mmw_get32(btf + 4, be) + mmw_get32(btf + 16, be);
	unsigned long n = 0;

	for (const uint8_t *p = types; p < end; ) {
		const char *name = strings + mmw_get32(p, be);
		uint32_t info = mmw_get32(p + 4, be), kind = info >> 24 & 0x1f, vlen = info & 0xffff;

		if ((kind == 4 || kind == 5) && *name && n++ % every == 0) {
			compare_size(c, name);
			for (uint32_t i = 0; i < vlen; i++)
				if (strings[mmw_get32(p + 12 + 12 * i, be)])
					compare_member(c, name, strings + mmw_get32(p + 12 + 12 * i, be));
		}
		p += 12 + tail_of(kind, vlen);
	}
}

static uint8_t *read_btf(struct mmw_debugfile *f, size_t *len)
{
	struct mmw_debugsect *s;
	struct mmw_err err;
	uint8_t *p;

	if (mmw_debugfile_section(f, ".BTF", &s, &err))
		die("%s", err.msg);
	*len = mmw_debugsect_size(s);
	p = xrealloc(NULL, *len);
	if (mmw_debugsect_read(s, 0, p, *len, &err))
		die("%s", err.msg);
	return p;
}

int main(int argc, char **argv)
{
	struct compare c = { 0 };
	struct mmw_debugfile *f;
	struct mmw_err err;
	double since = now(), opened, done;
	uint8_t *btf;
	size_t len;

	if (argc < 2)
		die("usage: typecmp VMLINUX [EVERY]");
	if (mmw_debugfile_open(argv[1], NULL, &f, &err) || mmw_dwarf_open(f, &c.dwarf, &err))
		die("%s", err.msg);
	opened = now();
	btf = read_btf(f, &len);
	if (mmw_btf_open(btf, len, mmw_debugfile_info(f)->big_endian, mmw_debugfile_info(f)->word, &c.btf, &err))
		die("%s", err.msg);
	for (size_t i = 0; i < mmw_array_len(members); i++)
		compare_member(&c, members[i][0], members[i][1]);
	for (size_t i = 0; i < mmw_array_len(sizes); i++)
		compare_size(&c, sizes[i]);
	for (size_t i = 0; i < mmw_array_len(enumerators); i++)
		compare_enumerator(&c, enumerators[i][0], enumerators[i][1]);
	if (argc > 2 && strtoul(argv[2], NULL, 10))
		compare_all(&c, btf, mmw_debugfile_info(f)->big_endian, strtoul(argv[2], NULL, 10));
	done = now();
	printf("%lu compared (%lu are in neither), %lu differ, and %lu in their sign alone\n", c.compared, c.absent,
	       c.differ, c.signs);
	fprintf(stderr, "opened in %.3f s, asked in %.3f s, the slowest %.3f s: %s\n", opened - since, done - opened,
		c.slowest, c.slowest_name);
	mmw_dwarf_close(c.dwarf);
	mmw_btf_close(c.btf);
	mmw_debugfile_close(f);
	return c.differ ? 1 : 0;
}

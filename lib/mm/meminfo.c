/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/meminfo.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/ktext.h"

enum {
	INODES_MAX = 1 << 20,      /* block devices */
	POOLS_MAX = 256,           /* of zswap */
	SWAPFILES_MAX = 32,        /* MAX_SWAPFILES is less (include/linux/swap.h) */
	SWAP_SPACES_MAX = 1 << 20, /* of a swap area: one for each 64 MiB */
	HSTATES_MAX = 16,          /* HUGE_MAX_HSTATE is 4 at most */
	SWP_USED = 1, SWP_WRITEOK = 2,  /* include/linux/swap.h */
	NOT_PRINTED = 1,           /* by a line's function: this kernel does not print it */
};

/* One of the kernel's huge page sizes. */
struct hstate_rec {
	uint64_t order, total, free, reserved, surplus;
};

static const struct mmw_field hstate_fields[] = {
	MMW_FIELD(hstate_rec, order, "order"),
	MMW_FIELD(hstate_rec, total, "nr_huge_pages"),
	MMW_FIELD(hstate_rec, free, "free_huge_pages"),
	MMW_FIELD(hstate_rec, reserved, "resv_huge_pages"),
	MMW_FIELD(hstate_rec, surplus, "surplus_huge_pages"),
};

struct opening {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	const struct mmw_zones *z;
	struct mmw_vmstat stat;
	unsigned word, page_shift;
	const struct recipe *line;  /* in the making */
};

enum unit { PAGES, KB, NUMBER };

/* How a line comes about. */
struct recipe {
	const char *label;
	enum unit unit;
	int (*value)(struct opening *o, uint64_t *out, struct mmw_err *err);  /* in the unit */
	const char *name, *other;  /* the counter, symbol or type it is about; and another */
	unsigned number;           /* what else its function needs to know */
	const char *key;           /* what the label's string in the image starts with, where that is another */
};

/* --- from where --------------------------------------------------------------------------------------------------- */

static int variable(struct opening *o, const char *name, unsigned size, uint64_t *out, struct mmw_err *err)
{
	return mmw_kernel_variable(o->k, name, size, out, err);
}

static bool has_counter(const struct opening *o, const char *name, uint64_t *out)
{
	return mmw_stat_sum(&o->stat, MMW_STAT_NODE, name, out) || mmw_stat_sum(&o->stat, MMW_STAT_ZONE, name, out);
}

static int counter(const struct opening *o, const char *name, uint64_t *out, struct mmw_err *err)
{
	return has_counter(o, name, out) ? 0 : mmw_fail(err, MMW_E_NOTYPE, 0, "this kernel has no counter %s", name);
}

static int counter_of(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	return counter(o, o->line->name, out, err);
}

/* What this kernel does not count any more, it prints as 0. */
static int counter_or_0(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	(void)err;
	if (!has_counter(o, o->line->name, out))
		*out = 0;
	return 0;
}

static int counters(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	uint64_t other;
	int rc = counter(o, o->line->name, out, err);

	rc = rc ? rc : counter(o, o->line->other, &other, err);
	*out += rc ? 0 : other;
	return rc;
}

/* Of pages in huge pages: counted in those before 5.12, since then in small ones. */
static int counter_of_huge(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	const struct mmw_stats *s = &o->stat.kind[MMW_STAT_NODE];
	int rc = counter(o, o->line->name, out, err);

	for (unsigned i = 0; !rc && i < s->n; i++)
		if (!strcmp(s->name[i], o->line->name) && !s->huge[i])
			*out <<= o->stat.huge_shift;
	return rc;
}

/* A function that only a kernel with some configuration has: functions are in every symbol table. */
static bool has_code(const struct opening *o, const char *function)
{
	uint64_t va;

	return !mmw_kernel_symbol(o->k, function, &va, NULL, NULL);
}

static int read_member(struct opening *o, uint64_t va, const char *type, const char *paths, uint64_t *out,
		       struct mmw_err *err)
{
	struct mmw_member m;
	int rc = mmw_kernel_member_any(o->k, type, paths, &m, err);

	if (!rc && m.size > 8)
		rc = mmw_fail(err, MMW_E_NOTYPE, 0, "%s.%s is no integer", type, paths);
	return rc ? rc : mmw_vm_read_uint(o->vm, va + m.offset, (unsigned)m.size, out, err);
}

/*
 * The entries of a list, each reached from the one before it, which it must name; so there is an end. *at: the list's
 * head at first, then the entry's link. 1, 0 at the end, or negative.
 */
static int list_next(struct opening *o, uint64_t head, uint64_t *at, struct mmw_err *err)
{
	uint64_t next, prev;
	int rc = mmw_vm_read_uint(o->vm, *at, o->word, &next, err);

	if (!rc)
		rc = mmw_vm_read_uint(o->vm, next + o->word, o->word, &prev, err);
	if (!rc && prev != *at)
		rc = mmw_fail(err, MMW_E_CORRUPT, next, "the list at 0x%" PRIx64 " is broken at 0x%" PRIx64, head,
			      next);
	*at = next;
	return rc ? rc : next != head;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int total_ram(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	(void)err;
	if (!variable(o, "_totalram_pages", o->word, out, NULL) || !variable(o, "totalram_pages", o->word, out, NULL))
		return 0;
	*out = 0;
	for (size_t i = 0; i < o->stat.n_zones; i++)
		*out += o->stat.zones[i].managed;
	return 0;
}

/* The sum of it over all nodes is totalreserve_pages (mm/page_alloc.c, calculate_totalreserve_pages). */
static int total_reserve(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	int rc = 0;

	*out = 0;
	for (size_t i = 0; !rc && i < o->z->n_nodes; i++) {
		uint64_t pages = 0;

		rc = read_member(o, o->z->node[i].va, "pglist_data", "totalreserve_pages", &pages, err);
		*out += pages;
	}
	return rc;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* mm/show_mem.c, si_mem_available(); before 6.x in mm/page_alloc.c. */
static int available(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	uint64_t free, reserve, active, inactive, slab, other, low = 0, cache, reclaimable;
	int64_t sum;
	int rc = counter(o, "nr_free_pages", &free, err);

	rc = rc ? rc : total_reserve(o, &reserve, err);
	rc = rc ? rc : counter(o, "nr_active_file", &active, err);
	rc = rc ? rc : counter(o, "nr_inactive_file", &inactive, err);
	rc = rc ? rc : counter(o, "nr_slab_reclaimable", &slab, err);
	rc = rc ? rc : counter(o, "nr_kernel_misc_reclaimable", &other, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < o->stat.n_zones; i++)
		low += mmw_zone_watermark(&o->stat.zones[i], 1);
	cache = active + inactive;
	cache -= least(cache / 2, low);
	reclaimable = slab + other;
	reclaimable -= least(reclaimable / 2, low);
	sum = (int64_t)(free - reserve + cache + reclaimable);
	*out = sum < 0 ? 0 : (uint64_t)sum;
	return 0;
}

/* Pages of block devices' own mappings (block/bdev.c, nr_blockdev_pages). */
static int buffers(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	struct mmw_member inodes, link;
	uint64_t super, head, at, mapping, pages, budget = INODES_MAX;
	int rc = variable(o, "blockdev_superblock", o->word, &super, err);

	rc = rc ? rc : mmw_kernel_member(o->k, "super_block", "s_inodes", &inodes, NULL, err);
	rc = rc ? rc : mmw_kernel_member(o->k, "inode", "i_sb_list", &link, NULL, err);
	if (rc)
		return rc;
	*out = 0;
	at = head = super + inodes.offset;
	while ((rc = list_next(o, head, &at, err)) == 1) {
		if (!budget--)
			return mmw_fail(err, MMW_E_LIMIT, at, "more than %d block devices", INODES_MAX);
		rc = read_member(o, at - link.offset, "inode", "i_mapping", &mapping, err);
		rc = rc ? rc : read_member(o, mapping, "address_space", "nrpages", &pages, err);
		if (rc)
			return rc;
		*out += pages;
	}
	return rc;
}

enum { HIGH_TOTAL = 1, HIGH_FREE, LOW_TOTAL, LOW_FREE };

/* Memory that the kernel does not map all of, and the rest. */
static int high_low(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	const struct mmw_stats *s = &o->stat.kind[MMW_STAT_ZONE];
	bool free = o->line->number == HIGH_FREE || o->line->number == LOW_FREE;
	uint64_t high = 0;
	int64_t type;
	int rc = mmw_kernel_enumerator(o->k, "zone_type", "ZONE_HIGHMEM", &type, err);

	for (size_t i = 0; !rc && i < o->stat.n_zones; i++) {
		const struct mmw_zone_marks *z = &o->stat.zones[i];

		if ((int64_t)z->index != type)
			continue;
		for (unsigned item = 0; free && item < s->n; item++)
			if (!strcmp(s->name[item], "nr_free_pages") && s->value[i * s->n + item] > 0)
				high += (uint64_t)s->value[i * s->n + item];
		high += free ? 0 : z->managed;
	}
	*out = high;
	if (rc || o->line->number < LOW_TOTAL)
		return rc;
	rc = free ? counter(o, "nr_free_pages", out, err) : total_ram(o, out, err);
	*out -= rc ? 0 : high;
	return rc;
}

/* --- swap --------------------------------------------------------------------------------------------------------- */

/* Before 5.12 no counter tells: the pages of all swap areas' mappings (mm/swap_state.c, total_swapcache_pages). */
static int swap_spaces(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	uint64_t spaces, counts, files, space, n, pages, size;
	int rc = mmw_kernel_symbol(o->k, "swapper_spaces", &spaces, NULL, err);

	rc = rc ? rc : mmw_kernel_symbol(o->k, "nr_swapper_spaces", &counts, NULL, err);
	rc = rc ? rc : variable(o, "nr_swapfiles", 4, &files, err);
	rc = rc ? rc : mmw_kernel_type_size(o->k, "address_space", &size, err);
	*out = 0;
	for (uint64_t i = 0; !rc && i < least(files, SWAPFILES_MAX); i++) {
		rc = mmw_vm_read_uint(o->vm, spaces + i * o->word, o->word, &space, err);
		rc = rc ? rc : mmw_vm_read_uint(o->vm, counts + i * 4, 4, &n, err);
		if (!rc && space && n > SWAP_SPACES_MAX)
			rc = mmw_fail(err, MMW_E_CORRUPT, counts, "a swap area of %" PRIu64 " mappings", n);
		for (uint64_t j = 0; !rc && space && j < n; j++) {
			rc = read_member(o, space + j * size, "address_space", "nrpages", &pages, err);
			*out += rc ? 0 : pages;
		}
	}
	return rc;
}

static int swap_cached(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	*out = 0;
	if (has_counter(o, "nr_swapcached", out) || !has_code(o, "si_swapinfo"))
		return 0;
	return swap_spaces(o, out, err);
}

/* NR_FILE_PAGES without what else is counted there; never negative (fs/proc/meminfo.c). */
static int cached(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	uint64_t files, swap, devices;
	int rc = counter(o, "nr_file_pages", &files, err);

	rc = rc ? rc : swap_cached(o, &swap, err);
	rc = rc ? rc : buffers(o, &devices, err);
	if (rc)
		return rc;
	*out = (int64_t)(files - swap - devices) < 0 ? 0 : files - swap - devices;
	return 0;
}

/* What is still used of swap areas that are being turned off (mm/swapfile.c, si_swapinfo). */
static int swap_leaving(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	uint64_t infos, files, info, flags, used;
	int rc = mmw_kernel_symbol(o->k, "swap_info", &infos, NULL, err);

	rc = rc ? rc : variable(o, "nr_swapfiles", 4, &files, err);
	*out = 0;
	for (uint64_t i = 0; !rc && i < least(files, SWAPFILES_MAX); i++) {
		rc = mmw_vm_read_uint(o->vm, infos + i * o->word, o->word, &info, err);
		rc = rc ? rc : read_member(o, info, "swap_info_struct", "flags", &flags, err);
		rc = rc ? rc : read_member(o, info, "swap_info_struct", "inuse_pages.counter|inuse_pages", &used, err);
		if (!rc && flags & SWP_USED && !(flags & SWP_WRITEOK))
			*out += used & ~(1ull << (8 * o->word - 2));  /* SWAP_USAGE_OFFLIST_BIT, from 6.13 */
	}
	return rc;
}

/* The variable that the line is about, and those. */
static int swap(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	uint64_t leaving;
	int rc;

	*out = 0;
	if (!has_code(o, "si_swapinfo"))
		return 0;
	rc = variable(o, o->line->name, o->word, out, err);
	rc = rc ? rc : swap_leaving(o, &leaving, err);
	*out += rc ? 0 : leaving;
	return rc;
}

/* Pages of a zswap pool (mm/zswap.c, zswap_total_pages): in zsmalloc, before 7.x behind a zpool. */
static int zswap_pool_pages(struct opening *o, uint64_t pool, uint64_t *out, struct mmw_err *err)
{
	char type[16] = "";
	uint64_t zpool, driver, name;
	int rc = read_member(o, pool, "zswap_pool", "zs_pool", &zpool, NULL);

	if (rc) {
		rc = read_member(o, pool, "zswap_pool", "zpool", &zpool, err);
		rc = rc ? rc : read_member(o, zpool, "zpool", "driver", &driver, err);
		rc = rc ? rc : read_member(o, driver, "zpool_driver", "type", &name, err);
		rc = rc ? rc : read_member(o, zpool, "zpool", "pool", &zpool, err);
		if (!rc)
			mmw_ktext_read(o->k, name, type, sizeof(type));
		if (!rc && strcmp(type, "zsmalloc"))
			return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "zswap keeps its pages in '%s'", type);
	}
	return rc ? rc : read_member(o, zpool, "zs_pool", "pages_allocated.counter", out, err);
}

static int zswap(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	struct mmw_member link;
	uint64_t head, at, pages, bytes, budget = POOLS_MAX;
	int rc;

	if (!variable(o, "zswap_pool_total_size", 8, &bytes, NULL)) {
		*out = bytes >> 10;
		return 0;
	}
	rc = mmw_kernel_symbol(o->k, "zswap_pools", &head, NULL, err);
	rc = rc ? rc : mmw_kernel_member(o->k, "zswap_pool", "list", &link, NULL, err);
	if (rc)
		return rc;
	*out = 0;
	at = head;
	while ((rc = list_next(o, head, &at, err)) == 1) {
		if (!budget--)
			return mmw_fail(err, MMW_E_LIMIT, at, "more than %d zswap pools", POOLS_MAX);
		rc = zswap_pool_pages(o, at - link.offset, &pages, err);
		if (rc)
			return rc;
		*out += pages << (o->page_shift - 10);
	}
	return rc;
}

/* An atomic_t, an atomic_long_t from 6.13. */
static int zswapped(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	unsigned version = mmw_kernel_version(o->k);

	return variable(o, "zswap_stored_pages", version && version < MMW_LINUX(6, 13) ? 4 : o->word, out, err);
}

/* --- huge pages --------------------------------------------------------------------------------------------------- */

/* All sizes: *pages in base pages; and the default one. A kernel that cannot have huge pages prints none of it. */
static int hstates(struct opening *o, struct hstate_rec *first, uint64_t *pages, struct mmw_err *err)
{
	struct mmw_shadow s;
	struct hstate_rec rec;
	uint64_t va, n, chosen;
	int rc = mmw_kernel_symbol(o->k, "hstates", &va, NULL, err);

	rc = rc ? rc : variable(o, "hugetlb_max_hstate", 4, &n, err);
	rc = rc ? rc : variable(o, "default_hstate_idx", 4, &chosen, err);
	rc = rc ? rc : mmw_shadow_bind(o->k, "hstate", hstate_fields, mmw_array_len(hstate_fields), &s, err);
	if (!rc && (n > HSTATES_MAX || (n && chosen >= n)))
		rc = mmw_fail(err, MMW_E_CORRUPT, va,
			      "%" PRIu64 " sizes of huge pages, of which %" PRIu64 " is the default", n, chosen);
	*pages = 0;
	for (uint64_t i = 0; !rc && i < n; i++) {
		rc = mmw_shadow_read(&s, o->vm, va + i * s.size, &rec, err);
		if (!rc && rec.order > 40)
			rc = mmw_fail(err, MMW_E_CORRUPT, va, "huge pages of order %" PRIu64, rec.order);
		if (rc)
			break;
		*pages += rec.total << rec.order;
		if (i == chosen)
			*first = rec;
	}
	return rc ? rc : n ? 0 : NOT_PRINTED;
}

enum { HUGE_TOTAL, HUGE_FREE, HUGE_RESERVED, HUGE_SURPLUS, HUGE_SIZE, HUGE_ALL };

/* The one of these that the line is about. */
static int hugetlb(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	struct hstate_rec h = { 0 };
	uint64_t pages;
	int rc = hstates(o, &h, &pages, err);
	const uint64_t values[] = { h.total, h.free, h.reserved, h.surplus, 1ull << h.order, pages };

	*out = values[o->line->number];
	return rc;
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

/* mm/util.c, vm_commit_limit(). */
static int commit_limit(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	struct hstate_rec h;
	uint64_t kb, ram, ratio, taken = 0, swap = 0;
	int rc = variable(o, "sysctl_overcommit_kbytes", o->word, &kb, err);

	if (!rc && has_code(o, "si_swapinfo"))
		rc = variable(o, "total_swap_pages", o->word, &swap, err);
	rc = rc ? rc : total_ram(o, &ram, err);
	if (!rc && !kb)
		rc = variable(o, "sysctl_overcommit_ratio", 4, &ratio, err);
	if (!rc && !kb && has_code(o, "hugetlb_total_pages"))
		rc = hstates(o, &h, &taken, err);
	if (rc < 0)
		return rc;
	*out = (kb ? kb >> (o->page_shift - 10) : (ram - taken) * ratio / 100) + swap;
	return 0;
}

/* A percpu_counter's sum, not negative (lib/percpu_counter.c); without SMP it is one number. */
static int committed(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	struct mmw_percpu percpu;
	struct mmw_member m;
	uint64_t va, counters, diff;
	int rc = mmw_kernel_symbol(o->k, "vm_committed_as", &va, NULL, err);

	rc = rc ? rc : read_member(o, va, "percpu_counter", "count", out, err);
	if (!rc && !mmw_kernel_member(o->k, "percpu_counter", "counters", &m, NULL, NULL)) {
		rc = read_member(o, va, "percpu_counter", "counters", &counters, err);
		rc = rc ? rc : mmw_percpu_open(o->k, &percpu, err);
		if (rc)
			return rc;
		for (size_t i = 0; !rc && i < percpu.n; i++) {
			if (!percpu.cpus[i].online)
				continue;
			rc = mmw_vm_read_uint(o->vm, mmw_percpu_address(&percpu, counters, i), 4, &diff, err);
			*out += rc ? 0 : (uint64_t)(int64_t)(int32_t)diff;
		}
		mmw_percpu_close(&percpu);
	}
	if (!rc && (int64_t)*out < 0)
		*out = 0;
	return rc;
}

/* VMALLOC_END - VMALLOC_START; on x86-64 VMALLOC_END is the last byte. */
static int vmalloc_total(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	const struct mmw_layout *l = mmw_kernel_layout(o->k);
	uint64_t first = UINT64_MAX, last = 0;

	for (size_t i = 0; i < l->n_regions; i++) {
		if (strcmp(l->regions[i].name, "vmalloc"))
			continue;
		first = least(first, l->regions[i].first);
		last = l->regions[i].last > last ? l->regions[i].last : last;
	}
	if (first > last)
		return mmw_fail(err, MMW_E_NODATA, 0, "where vmalloc's area lies is not known");
	*out = (last - first + (strcmp(mmw_kernel_arch(o->k)->name, "x86_64") ? 1 : 0)) >> 10;
	return 0;
}

static int vmalloc_used(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	return has_counter(o, "nr_vmalloc", out) ? 0 : variable(o, "nr_vmalloc_pages", o->word, out, err);
}

static int nothing(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	(void)o;
	(void)err;
	*out = 0;
	return 0;
}

/* mm/percpu.c, pcpu_nr_pages(). */
static int percpu_pages(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	uint64_t units;
	int rc = variable(o, "pcpu_nr_populated", o->word, out, err);

	rc = rc ? rc : variable(o, "pcpu_nr_units", 4, &units, err);
	*out *= rc ? 0 : units;
	return rc;
}

/* Printed after a test of memory at boot alone (mm/memtest.c). */
static int memtest_bad(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	uint64_t done, bytes;
	int rc = variable(o, "early_memtest_done", 1, &done, err);

	rc = rc ? rc : variable(o, "early_memtest_bad_size", o->word, &bytes, err);
	if (rc || !done)
		return rc ? rc : NOT_PRINTED;
	*out = bytes && bytes < 1024 ? 1 : bytes >> 10;
	return 0;
}

static int poisoned(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	int rc = variable(o, "num_poisoned_pages", o->word, out, err);

	*out <<= rc ? 0 : o->page_shift - 10;
	return rc;
}

static int cma_total(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	if (!variable(o, "totalcma_pages", o->word, out, NULL))
		return 0;
	*out = 0;
	for (size_t i = 0; i < o->stat.n_zones; i++) {
		if (o->stat.zones[i].cma == MMW_ABSENT)
			return mmw_fail(err, MMW_E_NOSYM, 0, "no symbol 'totalcma_pages'");
		*out += o->stat.zones[i].cma;
	}
	return 0;
}

/*
 * Pages of a level, of which 1 is the smallest, by which the kernel maps memory (arch/x86/mm/pat/set_memory.c,
 * arch_report_meminfo).
 */
static int direct(struct opening *o, uint64_t *out, struct mmw_err *err)
{
	unsigned shift = o->line->number, level = shift < 20 ? 1 : shift < 30 ? 2 : 3;
	uint64_t va, possible = 1;
	int rc = mmw_kernel_symbol(o->k, "direct_pages_count", &va, NULL, err);

	if (!rc && level == 3)
		rc = variable(o, "direct_gbpages", 4, &possible, err);
	if (rc || !possible)
		return rc ? rc : NOT_PRINTED;
	rc = mmw_vm_read_uint(o->vm, va + level * o->word, o->word, out, err);
	*out <<= rc ? 0 : shift - 10;
	return rc;
}

/* --- the lines ---------------------------------------------------------------------------------------------------- */

/*
 * In the order of fs/proc/meminfo.c, of all versions from 5.10 to 7.2. Where a label's string has a key it is not there
 * on its own: it is inside another one, or (smaps has it too) the end of a longer one.
 */
static const struct recipe recipes[] = {
	{ .label = "MemTotal:       ", PAGES, total_ram },
	{ .label = "MemFree:        ", PAGES, counter_of, "nr_free_pages" },
	{ .label = "MemAvailable:   ", PAGES, available },
	{ .label = "Buffers:        ", PAGES, buffers },
	{ .label = "Cached:         ", PAGES, cached },
	{ .label = "SwapCached:     ", PAGES, swap_cached },
	{ .label = "Active:         ", PAGES, counters, "nr_active_anon", "nr_active_file" },
	{ .label = "Inactive:       ", PAGES, counters, "nr_inactive_anon", "nr_inactive_file" },
	{ .label = "Active(anon):   ", PAGES, counter_of, "nr_active_anon" },
	{ .label = "Inactive(anon): ", PAGES, counter_of, "nr_inactive_anon" },
	{ .label = "Active(file):   ", PAGES, counter_of, "nr_active_file" },
	{ .label = "Inactive(file): ", PAGES, counter_of, "nr_inactive_file" },
	{ .label = "Unevictable:    ", PAGES, counter_of, "nr_unevictable" },
	{ .label = "Mlocked:        ", PAGES, counter_of, "nr_mlock" },
	{ .label = "HighTotal:      ", PAGES, high_low, .number = HIGH_TOTAL },
	{ .label = "HighFree:       ", PAGES, high_low, .number = HIGH_FREE },
	{ .label = "LowTotal:       ", PAGES, high_low, .number = LOW_TOTAL },
	{ .label = "LowFree:        ", PAGES, high_low, .number = LOW_FREE },
	{ .label = "SwapTotal:      ", PAGES, swap, "total_swap_pages" },
	{ .label = "SwapFree:       ", PAGES, swap, "nr_swap_pages" },
	{ .label = "Zswap:          ", KB, zswap },
	{ .label = "Zswapped:       ", PAGES, zswapped },
	{ .label = "Dirty:          ", PAGES, counter_of, "nr_dirty" },
	{ .label = "Writeback:      ", PAGES, counter_of, "nr_writeback" },
	{ .label = "AnonPages:      ", PAGES, counter_of, "nr_anon_pages" },
	{ .label = "Mapped:         ", PAGES, counter_of, "nr_mapped" },
	{ .label = "Shmem:          ", PAGES, counter_of, "nr_shmem" },
	{ .label = "KReclaimable:   ", PAGES, counters, "nr_slab_reclaimable", "nr_kernel_misc_reclaimable" },
	{ .label = "Slab:           ", PAGES, counters, "nr_slab_reclaimable", "nr_slab_unreclaimable" },
	{ .label = "SReclaimable:   ", PAGES, counter_of, "nr_slab_reclaimable" },
	{ .label = "SUnreclaim:     ", PAGES, counter_of, "nr_slab_unreclaimable" },
	{ .label = "KernelStack:    ", KB, counter_of, "nr_kernel_stack" },
	{ .label = "ShadowCallStack:", KB, counter_of, "nr_shadow_call_stack" },
	{ .label = "PageTables:     ", PAGES, counter_of, "nr_page_table_pages" },
	{ .label = "SecPageTables:  ", PAGES, counter_of, "nr_sec_page_table_pages" },
	{ .label = "NFS_Unstable:   ", PAGES, counter_or_0, "nr_unstable" },
	{ .label = "Bounce:         ", PAGES, counter_or_0, "nr_bounce" },
	{ .label = "WritebackTmp:   ", PAGES, counter_or_0, "nr_writeback_temp" },
	{ .label = "CommitLimit:    ", PAGES, commit_limit },
	{ .label = "Committed_AS:   ", PAGES, committed },
	{ .label = "VmallocTotal:   ", KB, vmalloc_total },
	{ .label = "VmallocUsed:    ", PAGES, vmalloc_used },
	{ .label = "VmallocChunk:   ", PAGES, nothing },
	{ .label = "Percpu:         ", PAGES, percpu_pages },
	{ .label = "EarlyMemtestBad:   ", KB, memtest_bad },
	{ .label = "HardwareCorrupted: ", KB, poisoned },
	{ .label = "AnonHugePages:  ", PAGES, counter_of_huge, "nr_anon_transparent_hugepages",
	  .key = "ShmemHugePages: " },
	{ .label = "ShmemHugePages: ", PAGES, counter_of_huge, "nr_shmem_hugepages" },
	{ .label = "ShmemPmdMapped: ", PAGES, counter_of_huge, "nr_shmem_pmdmapped", .key = "ShmemHugePages: " },
	{ .label = "FileHugePages:  ", PAGES, counter_of_huge, "nr_file_hugepages", .key = "ShmemHugePages: " },
	{ .label = "FilePmdMapped:  ", PAGES, counter_of_huge, "nr_file_pmdmapped", .key = "ShmemHugePages: " },
	{ .label = "CmaTotal:       ", PAGES, cma_total },
	{ .label = "CmaFree:        ", PAGES, counter_of, "nr_free_cma" },
	{ .label = "Unaccepted:     ", PAGES, counter_of, "nr_unaccepted" },
	{ .label = "Balloon:        ", PAGES, counter_of, "nr_balloon_pages" },
	{ .label = "GPUActive:      ", PAGES, counter_of, "nr_gpu_active" },
	{ .label = "GPUReclaim:     ", PAGES, counter_of, "nr_gpu_reclaim" },
	{ .label = "HugePages_Total:   ", NUMBER, hugetlb, .number = HUGE_TOTAL },
	{ .label = "HugePages_Free:    ", NUMBER, hugetlb, .number = HUGE_FREE, .key = "HugePages_Total:   " },
	{ .label = "HugePages_Rsvd:    ", NUMBER, hugetlb, .number = HUGE_RESERVED, .key = "HugePages_Total:   " },
	{ .label = "HugePages_Surp:    ", NUMBER, hugetlb, .number = HUGE_SURPLUS, .key = "HugePages_Total:   " },
	{ .label = "Hugepagesize:   ", PAGES, hugetlb, .number = HUGE_SIZE, .key = "HugePages_Total:   " },
	{ .label = "Hugetlb:        ", PAGES, hugetlb, .number = HUGE_ALL },
	{ .label = "DirectMap4k:    ", KB, direct, .number = 12 },
	{ .label = "DirectMap2M:    ", KB, direct, .number = 21 },
	{ .label = "DirectMap4M:    ", KB, direct, .number = 22 },
	{ .label = "DirectMap1G:    ", KB, direct, .number = 30 },
};

static_assert(mmw_array_len(recipes) <= MMW_MEMINFO_MAX && mmw_array_len(recipes) <= MMW_KTEXT_MAX,
	      "room for all lines");

/* Whether this kernel prints a line, by the string it prints before the number. */
static bool is_printed(const struct mmw_ktext *texts, size_t index)
{
	for (size_t i = 0; recipes[index].key && i < mmw_array_len(recipes); i++)
		if (!strcmp(recipes[i].label, recipes[index].key))
			return texts[i].va;
	return texts[index].va;
}

static void take_line(struct opening *o, const struct recipe *r, struct mmw_meminfo *out)
{
	struct mmw_meminfo_line *line = &out->line[out->n];
	struct mmw_err err = { 0 };
	uint64_t value = 0;
	int rc;

	o->line = r;
	rc = r->value(o, &value, &err);
	if (rc == NOT_PRINTED || (rc == -MMW_E_NOTYPE && !out->own_labels))
		return;
	*line = (struct mmw_meminfo_line){ .label = r->label, .kb = r->unit != NUMBER, .known = !rc,
					   .value = r->unit == PAGES ? value << (o->page_shift - 10) : value };
	snprintf(line->why, sizeof(line->why), "%.*s", (int)sizeof(line->why) - 1, err.msg);
	out->n++;
}

int mmw_meminfo_open(struct mmw_kernel *k, const struct mmw_zones *z, struct mmw_meminfo *out, struct mmw_err *err)
{
	struct opening o = { .k = k, .vm = mmw_kernel_vm(k), .z = z, .word = mmw_kernel_arch(k)->word,
			     .page_shift = mmw_kernel_page_shift(k) };
	struct mmw_ktext texts[mmw_array_len(recipes)];
	int rc = mmw_vmstat_open(k, z, &o.stat, err);

	memset(out, 0, sizeof(*out));
	if (rc)
		return rc;
	for (size_t i = 0; i < mmw_array_len(recipes); i++)
		texts[i] = (struct mmw_ktext){ .start = recipes[i].label };
	mmw_ktext_find(k, texts, mmw_array_len(recipes));
	out->own_labels = texts[0].va;
	for (size_t i = 0; i < mmw_array_len(recipes); i++)
		if (!out->own_labels || is_printed(texts, i))
			take_line(&o, &recipes[i], out);
	mmw_vmstat_close(&o.stat);
	return 0;
}

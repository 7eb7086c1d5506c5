/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86-64: 4-level and 5-level paging, and Linux's layout on it.
 *
 * Entry (64 bits), Intel SDM volume 3A section 4.5, tables 4-14 to 4-20; AMD APM volume 2 section 5.3:
 *
 *    0 P       1 RW      2 US      3 PWT     4 PCD     5 A       6 D (leaf)   7 PS (pud, pmd: leaf) / PAT (pte)
 *    8 G (leaf)          9-11 software       12 PAT (large leaf)              51:12 address (leaf: of its own size)
 *   52-58 software      62:59 protection key (leaf)                          63 XD
 *
 * Software bits as Linux uses them (arch/x86/include/asm/pgtable_types.h): 9 special, 10 uffd-wp, 11 soft-dirty,
 * 58 devmap up to 6.5, saved-dirty from 6.6 (devmap then 57). A not-present entry with bit 8 is PROT_NONE: the kernel
 * still counts it as a page; its frame number is stored inverted (pgtable-invert.h, against L1TF).
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/arch/x86_64.h"

#define P        (1ull << 0)
#define RW       (1ull << 1)
#define US       (1ull << 2)
#define PWT      (1ull << 3)
#define PCD      (1ull << 4)
#define A        (1ull << 5)
#define D        (1ull << 6)
#define PS       (1ull << 7)
#define G        (1ull << 8)
#define PAT_HUGE (1ull << 12)
#define NX       (1ull << 63)
#define BIT(n)   (1ull << (n))

#define ADDRESS    0x000ffffffffff000ull
#define KERNEL_MAP 0xffffffff80000000ull  /* __START_KERNEL_map */
#define CPU_ENTRY_AREA 0xfffffe0000000000ull
#define CR4_PAE    (1u << 5)
#define CR4_LA57   (1u << 12)

/* paging.variant */
enum {
	X86_SAVED_DIRTY = 1,  /* bit 58 is saved-dirty */
	X86_DEVMAP58 = 2,     /* bit 58 is devmap */
};

static uint8_t rights_of(uint64_t raw)
{
	uint8_t r = MMW_KR | (raw & RW ? MMW_KW : 0) | (raw & NX ? 0 : MMW_KX);

	return raw & US ? r | r << 3 : r;
}

static bool may_be_leaf(unsigned level)
{
	return level == 1 || level == 2;
}

/* PROT_NONE, and huge pages that are being split or migrated, are still the kernel's pages. */
static bool kernel_only_leaf(unsigned level, uint64_t raw)
{
	if (level == 0)
		return raw & G;
	return may_be_leaf(level) && (raw & PS);
}

static struct mmw_pte leaf(const struct mmw_paging *pg, unsigned level, uint64_t raw, uint64_t frame, bool hw)
{
	uint64_t size = mmw_level_size(pg, level);
	struct mmw_pte pte = { MMW_PTE_LEAF, hw, rights_of(raw), frame & ADDRESS & ~pg->clear };

	if (!level)
		return pte;
	if (hw && (pte.pa & (size - 1) & ~PAT_HUGE))
		pte.kind = MMW_PTE_BAD;  /* reserved: must be zero */
	pte.pa &= ~(size - 1);
	return pte;
}

struct mmw_pte mmw_x86_64_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	struct mmw_pte pte = { MMW_PTE_EMPTY, false, rights_of(raw), 0 };

	if (!(raw & P)) {
		if (!(raw & ~(A | D)))  /* Knights Landing may leave these in an empty entry: the kernel ignores them */
			return pte;
		if (kernel_only_leaf(level, raw))
			return leaf(pg, level, raw, ~raw, false);
		pte.kind = level <= 2 ? MMW_PTE_SWAP : MMW_PTE_BAD;
		return pte;
	}
	if (level == 0 || (may_be_leaf(level) && (raw & PS)))
		return leaf(pg, level, raw, raw, true);
	pte.kind = raw & PS ? MMW_PTE_BAD : MMW_PTE_TABLE;
	pte.hw = true;
	pte.pa = raw & ADDRESS & ~pg->clear;
	return pte;
}

#define ALL_LEVELS 0x1f
#define LARGE      0x06
#define ANY        (1 << MMW_PTE_TABLE | 1 << MMW_PTE_LEAF | 1 << MMW_PTE_SWAP | 1 << MMW_PTE_BAD)
#define LEAF       (1 << MMW_PTE_LEAF)
#define PRESENT    (1 << MMW_PTE_TABLE | 1 << MMW_PTE_LEAF | 1 << MMW_PTE_BAD)

const struct mmw_flag mmw_x86_64_flags[] = {
	{ "PRESENT", P, P, ALL_LEVELS, ANY, 0 },
	{ "PROTNONE", P | G, G, ALL_LEVELS, LEAF, 0 },
	{ "RW", RW, RW, ALL_LEVELS, PRESENT, 0 },
	{ "USER", US, US, ALL_LEVELS, PRESENT, 0 },
	{ "PWT", PWT, PWT, ALL_LEVELS, PRESENT, 0 },
	{ "PCD", PCD, PCD, ALL_LEVELS, PRESENT, 0 },
	{ "ACCESSED", A, A, ALL_LEVELS, PRESENT, 0 },
	{ "DIRTY", D, D, ALL_LEVELS, LEAF, 0 },
	{ "PSE", PS, PS, LARGE, PRESENT, 0 },
	{ "PAT", PS, PS, 1, LEAF, 0 },
	{ "PAT", PAT_HUGE, PAT_HUGE, LARGE, LEAF, 0 },
	{ "GLOBAL", P | G, P | G, ALL_LEVELS, LEAF, 0 },
	{ "SPECIAL", BIT(9), BIT(9), ALL_LEVELS, LEAF, 0 },
	{ "UFFD_WP", BIT(10), BIT(10), ALL_LEVELS, LEAF, 0 },
	{ "SOFT_DIRTY", BIT(11), BIT(11), ALL_LEVELS, LEAF, 0 },
	{ "DEVMAP", BIT(57), BIT(57), ALL_LEVELS, LEAF, X86_SAVED_DIRTY },
	{ "SAVED_DIRTY", BIT(58), BIT(58), ALL_LEVELS, LEAF, X86_SAVED_DIRTY },
	{ "DEVMAP", BIT(58), BIT(58), ALL_LEVELS, LEAF, X86_DEVMAP58 },
	{ "NX", NX, NX, ALL_LEVELS, PRESENT, 0 },
	{ NULL, 0, 0, 0, 0, 0 },
};

const char *const mmw_x86_64_memtypes[] = { "WB", "WC", "UC-", "UC", "WP", "WT", NULL };

/* Linux programs the PAT so since 4.x (arch/x86/mm/pat/memtype.c, pat_bp_init): index PAT:PCD:PWT. */
const char *mmw_x86_64_memtype(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	static const char *const types[8] = { "WB", "WC", "UC-", "UC", "WB", "WP", "UC-", "WT" };
	bool pat = raw & (level ? PAT_HUGE : PS);

	(void)pg;
	return raw & P ? types[pat << 2 | !!(raw & PCD) << 1 | !!(raw & PWT)] : NULL;
}

/* asm/pgtable_64.h, __swp_type and __swp_offset: the offset is stored inverted, against L1TF. */
static void x86_64_swap(const struct mmw_paging *pg, uint64_t raw, unsigned *type, uint64_t *offset)
{
	(void)pg;
	*type = raw >> 59;
	*offset = ~raw << 5 >> 14;
}

static uint64_t x86_64_pkey(const struct mmw_paging *pg, uint64_t raw)
{
	(void)pg;
	return raw & P ? raw >> 59 & 0xf : 0;
}

/* Columns of arch/x86/mm/dump_pagetables.c, printk_prot(). */
void mmw_x86_64_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size)
{
	bool pat = level == 0 ? raw & PS : may_be_leaf(level) && (raw & PAT_HUGE);

	if (!(raw & P)) {
		snprintf(buf, size, "%30s%s", "", mmw_level_name(pg, level));
		return;
	}
	snprintf(buf, size, "%s%s%s%s%s%s%s%s%s", raw & US ? "USR " : "    ", raw & RW ? "RW " : "ro ",
		 raw & PWT ? "PWT " : "    ", raw & PCD ? "PCD " : "    ", level && (raw & PS) ? "PSE " : "    ",
		 pat ? "PAT " : "    ", raw & G ? "GLB " : "    ", raw & NX ? "NX " : "x  ",
		 mmw_level_name(pg, level));
}

uint64_t mmw_x86_64_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	(void)pg;
	(void)level;
	return raw & ~ADDRESS;
}

static int x86_64_geometry(unsigned index, struct mmw_paging *pg)
{
	if (index > 1)
		return 0;
	*pg = (struct mmw_paging){ .levels = 4 + index, .page_shift = 12, .entry_size = 8, .va_bits = 48 + 9 * index,
				   .va_kind = MMW_VA_SIGNED };
	strcpy(pg->name, index ? "5-level" : "4-level");
	for (unsigned i = 0; i < pg->levels; i++)
		pg->bits[i] = 9;
	return 1;
}

static int x86_64_from_cpu(const struct mmw_cpu *cpu, struct mmw_paging *pg, uint64_t roots[MMW_ROOTS_MAX])
{
	/* A Windows crash dump has a root and no CR4: five levels are rare there, and --levels can say so. */
	uint64_t root, cr4 = cpu->known & 1u << MMW_REG_CR4 ? cpu->reg[MMW_REG_CR4] : CR4_PAE;

	if (!(cpu->known & 1u << MMW_REG_CR3) || !(cr4 & CR4_PAE))
		return 0;
	x86_64_geometry(cr4 & CR4_LA57 ? 1 : 0, pg);
	root = cpu->reg[MMW_REG_CR3] & ADDRESS;
	roots[0] = root;
	if (!(root & 0x1000))
		return 1;
	/* Perhaps the user copy of an isolated pair (arch/x86/mm/pti.c): the kernel's is the page before it. */
	roots[1] = root & ~0x1000ull;
	return 2;
}

static int x86_64_find_delta(const struct mmw_hints *h, unsigned index, uint64_t *delta, struct mmw_err *err)
{
	uint64_t phys_base;

	if (index || (h->number(h->ctx, "phys_base", &phys_base) && h->variable(h->ctx, "phys_base", 8, &phys_base)))
		return mmw_fail(err, MMW_E_NOSYM, 0, "phys_base is not known");
	*delta = KERNEL_MAP - phys_base;
	return 0;
}

static int x86_64_from_kernel(const struct mmw_hints *h, struct mmw_paging *pg, uint64_t *root, struct mmw_err *err)
{
	static const char *const roots[] = { "init_top_pgt", "swapper_pg_dir", "init_level4_pgt" };
	uint64_t va = 0, delta, value;
	int rc = -1;

	for (size_t i = 0; rc && i < sizeof(roots) / sizeof(roots[0]); i++)
		rc = h->symbol(h->ctx, roots[i], &va);
	if (rc)
		return mmw_fail(err, MMW_E_NOSYM, 0, "no symbol names the kernel's root table (init_top_pgt)");
	rc = h->image_delta(h->ctx, &delta);
	if (rc)
		return mmw_fail(err, MMW_E_NOSYM, 0, "where the kernel image lies in physical memory is not known");
	*root = va - delta;
	if (!h->number(h->ctx, "pgtable_l5_enabled", &value) || !h->variable(h->ctx, "__pgtable_l5_enabled", 4, &value))
		x86_64_geometry(value ? 1 : 0, pg);
	if (!h->number(h->ctx, "sme_mask", &value) || !h->variable(h->ctx, "sme_me_mask", 8, &value))
		pg->clear = value & ADDRESS;
	/* Bit 58 changed its meaning with the shadow-stack series (6.6), which also brought this function. */
	pg->variant |= h->symbol(h->ctx, "arch_check_zapped_pte", &value) ? X86_DEVMAP58 : X86_SAVED_DIRTY;
	return 0;
}

static int x86_64_user_root(const struct mmw_hints *h, const struct mmw_paging *pg, uint64_t root, uint64_t *user,
			    uint64_t *shared)
{
	(void)h;
	(void)pg;
	*user = root | 0x1000;
	*shared = CPU_ENTRY_AREA;
	return 0;
}

/* Documentation/arch/x86/x86_64/mm.rst; bases move with CONFIG_RANDOMIZE_MEMORY and are then variables. */
struct bases {
	bool l5;
	bool known;  /* with the kernel's symbols at hand, a missing variable means that the default holds */
	uint64_t ldt, linear, vmalloc, vmalloc_end, vmemmap, vmemmap_end, modules, fixmap;
};

static uint64_t base_of(const struct mmw_hints *h, const char *variable, uint64_t fallback)
{
	uint64_t value;

	return h->variable(h->ctx, variable, 8, &value) ? fallback : value;
}

static bool has(const struct mmw_hints *h, const char *symbol)
{
	uint64_t va;

	return !h->symbol(h->ctx, symbol, &va);
}

/* A function of what every distribution's kernel is built with: where no table lists functions, it is taken to be there. */
static bool has_usual(const struct mmw_hints *h, const char *function)
{
	return has(h, function) || (has(h, "schedule") && !has(h, "startup_64"));
}

/*
 * FIXADDR_START. The kernel's own marker table (24 bytes an entry, arch/x86/mm/dump_pagetables.c; built in with
 * DEBUG_WX too) has it as the last entry before the one at -1. Else it is so many pages below the one before the end
 * of the vsyscall page's 2 MiB (asm/fixmap.h).
 */
static uint64_t fixmap_start(const struct mmw_hints *h)
{
	uint64_t start, before = 0;
	int64_t pages;
	char name[40];

	for (unsigned i = 0; i < MMW_MARKERS_MAX; i++) {
		snprintf(name, sizeof(name), "address_markers+%u", 24 * i);
		if (h->variable(h->ctx, name, 8, &start))
			break;
		if (start == UINT64_MAX && before > 0xffffffffff000000)
			return before;
		before = start;
	}
	if (!h->enumerator(h->ctx, "fixed_addresses", "__end_of_permanent_fixed_addresses", &pages) && pages > 0 &&
	    pages < 0x800)
		return 0xffffffffff7ff000 - ((uint64_t)pages << 12);
	return 0xffffffffff000000;
}

/* The last byte of `size` from first on, if that is before `next`. */
static uint64_t end_before(uint64_t first, uint64_t size, uint64_t next)
{
	return next > first && next - first < size ? next - 1 : first + size - 1;
}

static struct bases find_bases(const struct mmw_hints *h, const struct mmw_paging *pg)
{
	struct bases b = { .l5 = pg->levels == 5 };
	uint64_t image_size = 1ull << 30, pgd_shift = b.l5 ? 48 : 39;

	b.known = has(h, "schedule");
	b.ldt = -240ull << pgd_shift;
	b.linear = base_of(h, "page_offset_base", b.l5 ? 0xff11000000000000 : 0xffff888000000000);
	b.vmalloc = base_of(h, "vmalloc_base", b.l5 ? 0xffa0000000000000 : 0xffffc90000000000);
	b.vmemmap = base_of(h, "vmemmap_base", b.l5 ? 0xffd4000000000000 : 0xffffea0000000000);
	/* KASLR moves them up and makes room for the memory there is only (arch/x86/mm/kaslr.c): the sizes are the largest. */
	b.vmalloc_end = end_before(b.vmalloc, (b.l5 ? 12800ull : 32ull) << 40, b.vmemmap);
	b.vmemmap_end = end_before(b.vmemmap, b.l5 ? 1ull << 49 : 1ull << 40, CPU_ENTRY_AREA);
	if (h->number(h->ctx, "KERNEL_IMAGE_SIZE", &image_size) && !has_usual(h, "kaslr_get_random_long"))
		image_size = 512ull << 20;
	b.modules = KERNEL_MAP + image_size;
	b.fixmap = fixmap_start(h);
	return b;
}
static void add_markers(const struct mmw_hints *h, const struct bases *b, struct mmw_layout *l)
{
	/* The kernel leaves out the hole that is kept for hypervisors (ptdump_walk_pgd_level_core). */
	mmw_layout_span(l, 0, (1ull << (b->l5 ? 56 : 47)) - 1);
	mmw_layout_span(l, b->ldt, UINT64_MAX);
	mmw_layout_marker(l, 0, "User Space", 0);
	mmw_layout_marker(l, 1ull << 63, "Kernel Space", 0);
	if (has_usual(h, "ldt_dup_context"))
		mmw_layout_marker(l, b->ldt, "LDT remap", 0);
	if (b->known) {
		mmw_layout_marker(l, b->linear, "Low Kernel Mapping", 0);
		mmw_layout_marker(l, b->vmalloc, "vmalloc() Area", 0);
		mmw_layout_marker(l, b->vmemmap, "Vmemmap", 0);
	}
	if (has(h, "kasan_early_shadow_page")) {
		mmw_layout_marker(l, b->l5 ? 0xffdf000000000000 : 0xffffec0000000000, "KASAN shadow", 0);
		mmw_layout_marker(l, 0xfffffc0000000000, "KASAN shadow end", 0);
	}
	mmw_layout_marker(l, CPU_ENTRY_AREA, "CPU entry Area", 0);
	if (has_usual(h, "init_espfix_bsp") || has(h, "init_espfix_ap"))
		mmw_layout_marker(l, 0xffffff0000000000, "ESPfix Area", 16);
	if (has_usual(h, "efi_mm"))
		mmw_layout_marker(l, 0xffffffef00000000, "EFI Runtime Services", 0);
	mmw_layout_marker(l, KERNEL_MAP, "High Kernel Mapping", 0);
	mmw_layout_marker(l, b->modules, "Modules", 0);
	mmw_layout_marker(l, 0xffffffffff000000, "End Modules", 0);
	mmw_layout_marker(l, b->fixmap, "Fixmap Area", 0);
}

/* The parts of the image by their border symbols; what is not known stays one region. */
static void add_image(const struct mmw_hints *h, uint64_t end, struct mmw_layout *l)
{
	static const struct { const char *first, *end, *name; } parts[] = {
		{ "_text", "_etext", "kernel text" },
		{ "__start_rodata", "__end_rodata", "kernel rodata" },
		{ "_sdata", "_edata", "kernel data" },
		{ "__init_begin", "__init_end", "kernel init" },
		{ "__bss_start", "__bss_stop", "kernel bss" },
	};
	uint64_t delta, pos = KERNEL_MAP, first, stop;

	if (h->image_delta(h->ctx, &delta)) {
		mmw_layout_region(l, pos, end - 1, "kernel image");
		return;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (h->symbol(h->ctx, parts[i].first, &first) || h->symbol(h->ctx, parts[i].end, &stop) ||
		    first < pos || stop <= first || stop > end)
			continue;
		if (first > pos)
			mmw_layout_linear(l, pos, first - 1, "kernel image", delta);
		mmw_layout_linear(l, first, stop - 1, parts[i].name, delta);
		pos = stop;
	}
	if (pos < end)
		mmw_layout_linear(l, pos, end - 1, "kernel image", delta);
}

static void x86_64_layout(const struct mmw_hints *h, const struct mmw_paging *pg, struct mmw_layout *l)
{
	struct bases b = find_bases(h, pg);
	uint64_t user_end = 1ull << (pg->va_bits - 1), linear_end = end_before(b.linear, b.l5 ? 1ull << 55 : 1ull << 46, b.vmalloc);

	mmw_layout_region(l, 0, user_end - 1, "user space");
	mmw_layout_region(l, user_end, -user_end - 1, "non-canonical");
	mmw_layout_region(l, -user_end, b.ldt - 1, "guard hole");
	mmw_layout_region(l, b.ldt, b.ldt + (1ull << (b.l5 ? 48 : 39)) - 1, "LDT remap");
	if (b.known) {
		mmw_layout_linear(l, b.linear, linear_end, "linear map", b.linear);
		mmw_layout_region(l, b.vmalloc, b.vmalloc_end, "vmalloc");
		mmw_layout_region(l, b.vmemmap, b.vmemmap_end, "vmemmap");
	}
	if (has(h, "kasan_early_shadow_page"))
		mmw_layout_region(l, b.l5 ? 0xffdf000000000000 : 0xffffec0000000000, 0xfffffbffffffffff, "KASAN shadow");
	mmw_layout_region(l, CPU_ENTRY_AREA, 0xfffffe7fffffffff, "cpu entry area");
	mmw_layout_region(l, 0xffffff0000000000, 0xffffff7fffffffff, "espfix");
	mmw_layout_region(l, 0xffffffef00000000, 0xfffffffeffffffff, "EFI runtime");
	add_image(h, b.modules, l);
	mmw_layout_region(l, b.modules, 0xfffffffffeffffff, "modules");
	mmw_layout_region(l, b.fixmap, 0xffffffffff5fffff, "fixmap");
	mmw_layout_region(l, 0xffffffffff600000, 0xffffffffff600fff, "vsyscall");
	add_markers(h, &b, l);
}

const struct mmw_arch mmw_arch_x86_64 = {
	.name = "x86_64",
	.machine = EM_X86_64,
	.word = 8,
	.decode = mmw_x86_64_decode,
	.flags = mmw_x86_64_flags,
	.memtype = mmw_x86_64_memtype,
	.memtypes = mmw_x86_64_memtypes,
	.pkey = x86_64_pkey,
	.swap = x86_64_swap,
	.ptdump = mmw_x86_64_ptdump,
	.ptdump_prot = mmw_x86_64_ptdump_prot,
	.ptdump_rights = MMW_UR | MMW_KW | MMW_KX,
	.image_first = KERNEL_MAP,
	.image_last = KERNEL_MAP + (1ull << 30) - 1,
	.from_cpu = x86_64_from_cpu,
	.find_delta = x86_64_find_delta,
	.geometry = x86_64_geometry,
	.from_kernel = x86_64_from_kernel,
	.user_root = x86_64_user_root,
	.layout = x86_64_layout,
};

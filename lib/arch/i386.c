/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i386: two-level and PAE paging, and Linux's layout on it.
 *
 * Two-level (32-bit entries), Intel SDM volume 3A section 4.3, tables 4-3 to 4-6: as x86-64's lower half without XD;
 * pgd bit 7 is a 4 MiB page, whose bits 20:13 are address bits 39:32 (PSE-36), bit 12 PAT, bit 21 reserved.
 * PAE (64-bit entries), section 4.4, tables 4-7 to 4-11: as x86-64's, but the four pgd entries (PDPTEs) have P, PWT, PCD
 * and an address, and nothing else.
 *
 * Software bits are x86-64's (arch/x86/include/asm/pgtable_types.h); PROT_NONE entries keep their frame number inverted
 * under PAE (pgtable-3level.h), plain in two-level tables (pgtable-2level.h).
 */
#include <elf.h>
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

#define PAE_ADDRESS    0x000ffffffffff000ull
#define PDPTE_RESERVED 0xfff00000000001c6ull  /* bit 5 too, but QEMU marks entries accessed there */
#define SHORT_ADDRESS  0xfffff000ull
#define PSE36_RESERVED (1ull << 21)
#define CR4_PAE        (1u << 5)
#define EFER_LMA       (1u << 10)
#define VMALLOC_OFFSET (8u << 20)  /* arch/x86/include/asm/pgtable_32_areas.h */

static bool is_pae(const struct mmw_paging *pg)
{
	return pg->entry_size == 8;
}

/* A PDPTE has no rights of its own: it lets everything through. */
static uint8_t rights_of(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	uint8_t r = MMW_KR | (raw & RW ? MMW_KW : 0) | (is_pae(pg) && raw & NX ? 0 : MMW_KX);

	if (is_pae(pg) && level == 2)
		return MMW_RIGHTS_ALL;
	return raw & US ? r | r << 3 : r;
}

static bool is_large(unsigned level, uint64_t raw)
{
	return level == 1 && (raw & PS);
}

static struct mmw_pte short_leaf(unsigned level, uint64_t raw, struct mmw_pte pte)
{
	pte.kind = MMW_PTE_LEAF;
	pte.pa = raw & SHORT_ADDRESS;
	if (!level)
		return pte;
	if (raw & PSE36_RESERVED)
		pte.kind = MMW_PTE_BAD;
	pte.pa = (raw & 0xffc00000) | (raw >> 13 & 0xff) << 32;
	return pte;
}

static struct mmw_pte pae_leaf(unsigned level, uint64_t raw, struct mmw_pte pte)
{
	uint64_t frame = (pte.hw ? raw : ~raw) & PAE_ADDRESS;

	pte.kind = MMW_PTE_LEAF;
	if (level && pte.hw && (frame & 0x1fffff & ~PAT_HUGE))
		pte.kind = MMW_PTE_BAD;  /* reserved: must be zero */
	pte.pa = level ? frame & ~0x1fffffull : frame;
	return pte;
}

static struct mmw_pte leaf(const struct mmw_paging *pg, unsigned level, uint64_t raw, struct mmw_pte pte)
{
	return is_pae(pg) ? pae_leaf(level, raw, pte) : short_leaf(level, raw, pte);
}

static struct mmw_pte i386_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	struct mmw_pte pte = { .kind = MMW_PTE_EMPTY, .rights = rights_of(pg, level, raw) };

	if (!(raw & P)) {
		if (!(raw & ~(A | D)))
			return pte;
		if (level ? is_large(level, raw) : raw & G)
			return leaf(pg, level, raw, pte);
		pte.kind = level < 2 ? MMW_PTE_SWAP : MMW_PTE_BAD;
		return pte;
	}
	pte.hw = true;
	if (!level || is_large(level, raw))
		return leaf(pg, level, raw, pte);
	pte.kind = level == 2 && (raw & PDPTE_RESERVED) ? MMW_PTE_BAD : MMW_PTE_TABLE;
	pte.pa = raw & (is_pae(pg) ? PAE_ADDRESS : SHORT_ADDRESS);
	return pte;
}

#define ALL_LEVELS 0x07
#define ENTRIES    0x03  /* all but the PDPTE, which does without */
#define LARGE      0x02
#define ANY        (1 << MMW_PTE_TABLE | 1 << MMW_PTE_LEAF | 1 << MMW_PTE_SWAP | 1 << MMW_PTE_BAD)
#define LEAF       (1 << MMW_PTE_LEAF)
#define PRESENT    (1 << MMW_PTE_TABLE | 1 << MMW_PTE_LEAF | 1 << MMW_PTE_BAD)

static const struct mmw_flag i386_flags[] = {
	{ "PRESENT", P, P, ALL_LEVELS, ANY, 0 },
	{ "PROTNONE", P | G, G, ALL_LEVELS, LEAF, 0 },
	{ "RW", RW, RW, ENTRIES, PRESENT, 0 },
	{ "USER", US, US, ENTRIES, PRESENT, 0 },
	{ "PWT", PWT, PWT, ALL_LEVELS, PRESENT, 0 },
	{ "PCD", PCD, PCD, ALL_LEVELS, PRESENT, 0 },
	{ "ACCESSED", A, A, ENTRIES, PRESENT, 0 },
	{ "DIRTY", D, D, ENTRIES, LEAF, 0 },
	{ "PSE", PS, PS, LARGE, PRESENT, 0 },
	{ "PAT", PS, PS, 1, LEAF, 0 },
	{ "PAT", PAT_HUGE, PAT_HUGE, LARGE, LEAF, 0 },
	{ "GLOBAL", P | G, P | G, ENTRIES, LEAF, 0 },
	{ "SPECIAL", BIT(9), BIT(9), ENTRIES, LEAF, 0 },
	{ "UFFD_WP", BIT(10), BIT(10), ENTRIES, LEAF, 0 },
	{ "SOFT_DIRTY", BIT(11), BIT(11), ENTRIES, LEAF, 0 },
	{ "NX", NX, NX, ENTRIES, PRESENT, 0 },
	{ NULL, 0, 0, 0, 0, 0 },
};

/* pgtable-2level.h: type in bits 1 to 5, offset from bit 9; pgtable-3level.h: as x86-64 has them. */
static void i386_swap(const struct mmw_paging *pg, uint64_t raw, unsigned *type, uint64_t *offset)
{
	if (is_pae(pg)) {
		*type = raw >> 59;
		*offset = ~raw << 5 >> 14;
	} else {
		*type = raw >> 1 & 0x1f;
		*offset = (raw & 0xffffffff) >> 9;
	}
}

/*
 * Columns of arch/x86/mm/dump_pagetables.c, printk_prot(). A 4 MiB page stands in the pgd, but is the folded pmd's to
 * the kernel.
 */
static void i386_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size)
{
	bool pat = level == 0 ? raw & PS : raw & PS && raw & PAT_HUGE;
	const char *name = level == 1 ? "pmd" : mmw_level_name(pg, level);

	if (!(raw & P)) {
		snprintf(buf, size, "%30s%s", "", mmw_level_name(pg, level));
		return;
	}
	snprintf(buf, size, "%s%s%s%s%s%s%s%s%s", raw & US ? "USR " : "    ", raw & RW ? "RW " : "ro ",
		 raw & PWT ? "PWT " : "    ", raw & PCD ? "PCD " : "    ", level && (raw & PS) ? "PSE " : "    ",
		 pat ? "PAT " : "    ", raw & G ? "GLB " : "    ", is_pae(pg) && raw & NX ? "NX " : "x  ", name);
}

static uint64_t i386_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw)
{
	(void)level;
	return raw & ~(is_pae(pg) ? PAE_ADDRESS : SHORT_ADDRESS);
}

static int i386_geometry(unsigned index, struct mmw_paging *pg)
{
	switch (index) {
	case 0:
		*pg = (struct mmw_paging){ .name = "pae", .levels = 3, .page_shift = 12, .entry_size = 8, .bits = { 9, 9, 2 },
					   .va_bits = 32, .va_kind = MMW_VA_LOW };
		return 1;
	case 1:
		*pg = (struct mmw_paging){ .name = "2-level", .levels = 2, .page_shift = 12, .entry_size = 4, .bits = { 10, 10 },
					   .va_bits = 32, .va_kind = MMW_VA_LOW };
		return 1;
	default:
		return 0;
	}
}

static int i386_from_cpu(const struct mmw_cpu *cpu, struct mmw_paging *pg, uint64_t roots[MMW_ROOTS_MAX])
{
	bool pae = cpu->reg[MMW_REG_CR4] & CR4_PAE;

	if (!(cpu->known & 1u << MMW_REG_CR3) || !(cpu->known & 1u << MMW_REG_CR4) ||
	    ((cpu->known & 1u << MMW_REG_EFER) && (cpu->reg[MMW_REG_EFER] & EFER_LMA)))
		return 0;
	i386_geometry(pae ? 0 : 1, pg);
	roots[0] = cpu->reg[MMW_REG_CR3] & (pae ? 0xffffffe0 : SHORT_ADDRESS);
	if (!pae || !(roots[0] & 0x1000))
		return 1;
	/* Perhaps the user copy of an isolated pair (arch/x86/mm/pti.c): the kernel's is the page before it. */
	roots[1] = roots[0] & ~0x1000ull;
	return 2;
}

/* The image lies in lowmem, where VA - PA is PAGE_OFFSET (arch/x86/Kconfig, VMSPLIT_*). */
static int i386_find_delta(const struct mmw_hints *h, unsigned index, uint64_t *delta, struct mmw_err *err)
{
	static const uint32_t splits[] = { 0xc0000000, 0xb0000000, 0x80000000, 0x78000000, 0x40000000 };

	(void)h;
	if (index >= sizeof(splits) / sizeof(splits[0]))
		return mmw_fail(err, MMW_E_NOSYM, 0, "PAGE_OFFSET is none of those that Linux can have");
	*delta = splits[index];
	return 0;
}

static int i386_from_kernel(const struct mmw_hints *h, struct mmw_paging *pg, uint64_t *root, struct mmw_err *err)
{
	uint64_t va, delta;

	(void)pg;  /* which of the two it is, the tables themselves tell */
	if (h->symbol(h->ctx, "swapper_pg_dir", &va))
		return mmw_fail(err, MMW_E_NOSYM, 0, "no symbol names the kernel's root table (swapper_pg_dir)");
	if (h->image_delta(h->ctx, &delta))
		return mmw_fail(err, MMW_E_NOSYM, 0, "where the kernel image lies in physical memory is not known");
	*root = va - delta;
	return 0;
}

/* Only PAE tables can be isolated; the entry code is mapped in both copies (arch/x86/mm/pti.c, pti_clone_entry_text). */
static int i386_user_root(const struct mmw_hints *h, const struct mmw_paging *pg, uint64_t root, uint64_t *user,
			  uint64_t *shared)
{
	*user = root | 0x1000;
	return is_pae(pg) ? h->symbol(h->ctx, "__entry_text_start", shared) : -MMW_E_NOSYM;
}

/*
 * The kernel's own marker table (12 bytes an entry), in its order: arch/x86/mm/dump_pagetables.c with HIGHMEM and
 * MODIFY_LDT_SYSCALL. Only a table of this very length is one.
 */
static const char *const marker_names[] = {
	"User Space", "Kernel Mapping", "vmalloc() Area", "vmalloc() End", "Persistent kmap() Area", "LDT remap",
	"CPU entry area", "Fixmap area",
};

enum { MARKERS = sizeof(marker_names) / sizeof(marker_names[0]) };

static bool read_markers(const struct mmw_hints *h, uint64_t start[MARKERS])
{
	char name[32];
	uint64_t end;

	for (unsigned i = 0; i <= MARKERS; i++) {
		snprintf(name, sizeof(name), "address_markers+%u", 12 * i);
		if (h->variable(h->ctx, name, 4, i < MARKERS ? &start[i] : &end))
			return false;
	}
	return end == UINT32_MAX;
}

static void i386_layout(const struct mmw_hints *h, const struct mmw_paging *pg, struct mmw_layout *l)
{
	uint64_t start[MARKERS], offset, high;

	(void)pg;
	mmw_layout_span(l, 0, UINT32_MAX);
	if (h->image_delta(h->ctx, &offset))
		return;
	mmw_layout_region(l, 0, offset - 1, "user space");
	if (!h->variable(h->ctx, "high_memory", 4, &high) && high > offset)
		mmw_layout_linear(l, offset, high - 1, "lowmem", offset);
	if (!read_markers(h, start)) {
		mmw_layout_marker(l, 0, marker_names[0], 0);
		mmw_layout_marker(l, offset, marker_names[1], 0);
		if (high)
			mmw_layout_marker(l, high + VMALLOC_OFFSET, marker_names[2], 0);
		return;
	}
	for (unsigned i = 0; i < MARKERS; i++)
		mmw_layout_marker(l, start[i], marker_names[i], 0);
	mmw_layout_region(l, start[2], start[3] - 1, "vmalloc");
	mmw_layout_region(l, start[4], start[5] - 1, "pkmap");
	mmw_layout_region(l, start[5], start[6] - 1, "LDT remap");
	mmw_layout_region(l, start[6], start[7] - 1, "cpu entry area");
	mmw_layout_region(l, start[7], 0xffffefff, "fixmap");
}

const struct mmw_arch mmw_arch_i386 = {
	.name = "i386",
	.machine = EM_386,
	.word = 4,
	.decode = i386_decode,
	.flags = i386_flags,
	.memtype = mmw_x86_64_memtype,  /* Linux programs the PAT alike on both */
	.memtypes = mmw_x86_64_memtypes,
	.swap = i386_swap,
	.ptdump = i386_ptdump,
	.ptdump_prot = i386_ptdump_prot,
	.ptdump_rights = MMW_UR | MMW_KW | MMW_KX,
	.image_first = 0x40000000,
	.image_last = 0xffffffff,
	.from_cpu = i386_from_cpu,
	.find_delta = i386_find_delta,
	.geometry = i386_geometry,
	.from_kernel = i386_from_kernel,
	.user_root = i386_user_root,
	.layout = i386_layout,
};

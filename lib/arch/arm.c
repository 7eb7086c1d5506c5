/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arm (32 bits): registers, roots and Linux's layout. The entries are in lib/arch/arm_entry.c. */
#include <elf.h>
#include <string.h>

#include "lib/arch/arm_entry.h"
#include "lib/base/vec.h"

#define TTBCR_EAE   0x80000000u
#define TTBCR_EPD0  0x80u
#define VMALLOC_END 0xff800000ull
#define VMALLOC_GAP 0x800000ull  /* VMALLOC_OFFSET */

/* --- geometry and roots ------------------------------------------------------------------------------------------- */

static int arm_geometry(unsigned index, struct mmw_paging *pg)
{
	static const struct mmw_paging geometries[] = {
		{ .name = "short", .levels = 2, .page_shift = 12, .entry_size = 4, .bits = { 8, 12 }, .va_bits = 32,
		  .va_kind = MMW_VA_LOW, .companion = 2048, .variant = ARM_SHORT },
		{ .name = "lpae", .levels = 3, .page_shift = 12, .entry_size = 8, .bits = { 9, 9, 2 }, .va_bits = 32,
		  .va_kind = MMW_VA_LOW, .variant = ARM_LPAE },
	};

	if (index >= mmw_array_len(geometries))
		return 0;
	*pg = geometries[index];
	return 1;
}

static bool known(const struct mmw_cpu *cpu, unsigned reg)
{
	return cpu->known & 1u << reg;
}

/*
 * B3.5.4: with TTBCR.N the lower 2^(32 - N) addresses are TTBR0's, of a smaller table, and the rest TTBR1's. Linux has
 * N = 0, where TTBR0 serves all, and nevertheless leaves swapper_pg_dir in TTBR1 (proc-v7-2level.S, v7_ttb_setup).
 */
static int short_roots(const struct mmw_cpu *cpu, uint64_t roots[MMW_ROOTS_MAX])
{
	uint64_t ttbr1 = known(cpu, MMW_REG_TTBR1) ? cpu->reg[MMW_REG_TTBR1] & 0xffffc000 : 0;
	int n = 0;

	if (cpu->reg[MMW_REG_TCR] & 7) {
		roots[0] = ttbr1;
		return known(cpu, MMW_REG_TTBR1);
	}
	roots[n++] = cpu->reg[MMW_REG_TTBR0] & 0xffffc000;
	if (ttbr1 && ttbr1 != roots[0])
		roots[n++] = ttbr1;
	return n;
}

/*
 * B3.6.4. Linux splits the addresses (T1SZ, asm/pgtable-3level-hwdef.h), but keeps the kernel's gigabytes in every
 * process's four entries too, so TTBR0's table is whole. TTBR1 points into swapper_pg_dir, past what TTBR0 serves: with
 * T1SZ = 2 to the last of the four tables behind it. EPD0 and T0SZ are set while the kernel keeps user memory from
 * itself (CPU_TTBR0_PAN, by 6.12); TTBR0 still holds the process's table then.
 */
static int lpae_roots(const struct mmw_cpu *cpu, uint64_t roots[MMW_ROOTS_MAX])
{
	static const uint16_t offset[] = { 0, 16, 0x4000 };
	uint64_t tcr = cpu->reg[MMW_REG_TCR], ttbr1 = cpu->reg[MMW_REG_TTBR1] & 0xfffffffff0;
	unsigned t1sz = tcr >> 16 & 7;
	int n = 0;

	if ((tcr & TTBCR_EPD0) || !(tcr & 7))
		roots[n++] = cpu->reg[MMW_REG_TTBR0] & 0xffffffffe0;
	if (!known(cpu, MMW_REG_TTBR1) || t1sz >= mmw_array_len(offset) || ttbr1 <= offset[t1sz])
		return n;
	ttbr1 -= offset[t1sz];
	if (!n || ttbr1 != roots[0])
		roots[n++] = ttbr1;
	return n;
}

static int arm_from_cpu(const struct mmw_cpu *cpu, struct mmw_paging *pg, uint64_t roots[MMW_ROOTS_MAX])
{
	bool lpae;

	if (!known(cpu, MMW_REG_TTBR0) || !known(cpu, MMW_REG_TCR))
		return 0;
	lpae = cpu->reg[MMW_REG_TCR] & TTBCR_EAE;
	arm_geometry(lpae, pg);
	if (lpae && known(cpu, MMW_REG_MAIR))
		pg->attrs = cpu->reg[MMW_REG_MAIR];
	return lpae ? lpae_roots(cpu, roots) : short_roots(cpu, roots);
}

/* --- what the kernel says ----------------------------------------------------------------------------------------- */

static bool has(const struct mmw_hints *h, const char *symbol)
{
	uint64_t va;

	return !h->symbol(h->ctx, symbol, &va);
}

/* CONFIG_PAGE_OFFSET out of any address near the start of the image: all choices are multiples of 256 MiB. */
static int page_offset(const struct mmw_hints *h, uint64_t *out)
{
	static const char *const near[] = { "swapper_pg_dir", "_text", "stext", "_stext" };
	uint64_t va;

	for (size_t i = 0; i < mmw_array_len(near); i++) {
		if (!h->symbol(h->ctx, near[i], &va)) {
			*out = va & 0xf0000000;
			return 0;
		}
	}
	return -MMW_E_NOSYM;
}

enum { PHYS_MAX = 8 };

/*
 * PHYS_OFFSET: where the decompressor found itself, rounded down to 128 MiB (boot/compressed/head.S), or the start of
 * memory; the kernel's own patching wants 2 MiB (16 MiB up to 5.10). Else where common boards have their memory.
 */
static unsigned phys_offsets(const struct mmw_hints *h, uint64_t out[PHYS_MAX])
{
	static const uint64_t common[] = { 0x40000000, 0x80000000, 0x60000000, 0x10000000, 0 };
	static const uint64_t align[] = { 2ull << 20, 16ull << 20, 128ull << 20 };
	uint64_t ram, all[PHYS_MAX];
	unsigned n = 0, known_ram = 0;

	if (!h->ram_start(h->ctx, &ram))
		for (; known_ram < mmw_array_len(align); known_ram++)
			all[known_ram] = ram & ~(align[known_ram] - 1);
	memcpy(all + known_ram, common, sizeof(common));
	for (unsigned i = 0; i < known_ram + mmw_array_len(common); i++) {
		unsigned j = 0;

		while (j < n && out[j] != all[i])
			j++;
		if (j == n)
			out[n++] = all[i];
	}
	return n;
}

/* Nothing in memory that can be read beforehand tells where the image lies: guess both ends of the linear map. */
static int arm_find_delta(const struct mmw_hints *h, unsigned index, uint64_t *delta, struct mmw_err *err)
{
	static const uint64_t splits[] = { 0xc0000000, 0x80000000, 0x40000000, 0xb0000000 };
	uint64_t phys[PHYS_MAX], offset;
	unsigned n = phys_offsets(h, phys), n_splits = mmw_array_len(splits);
	bool told = !page_offset(h, &offset);

	if (index >= n * (told ? 1 : n_splits))
		return mmw_fail(err, MMW_E_NOSYM, 0, "where the kernel image lies in physical memory is not known");
	*delta = (told ? offset : splits[index / n]) - phys[index % n];
	return 0;
}

/*
 * swapper_pg_dir lies before the image, which starts at ...8000 of some 64 KiB (kernel/head.S insists on it): 0x4000
 * bytes with short descriptors, 0x5000 with LPAE. So its address tells which of them the kernel was built for.
 */
static int arm_from_kernel(const struct mmw_hints *h, struct mmw_paging *pg, uint64_t *root, struct mmw_err *err)
{
	uint64_t before = mmw_arm_short(pg) ? 0x4000 : 0x5000, va, delta;

	if (h->symbol(h->ctx, "swapper_pg_dir", &va)) {
		if (h->symbol(h->ctx, "_text", &va) && h->symbol(h->ctx, "stext", &va))
			return mmw_fail(err, MMW_E_NOSYM, 0, "no symbol names the kernel's root (swapper_pg_dir)");
		va -= before;
	}
	if (((va + before) & 0xffff) != 0x8000)
		return mmw_fail(err, MMW_E_UNSUPPORTED, va, "swapper_pg_dir is no %s table by its address", pg->name);
	if (h->image_delta(h->ctx, &delta))
		return mmw_fail(err, MMW_E_NOSYM, 0, "where the kernel image lies in physical memory is not known");
	*root = va - delta;
	/* The exclusive bit of swap entries came in 6.3, as did this function (Debian's symbols are functions only). */
	if (has(h, "do_vmi_munmap"))
		pg->variant |= mmw_arm_short(pg) ? ARM_SHORT_EXCLUSIVE : ARM_LPAE_EXCLUSIVE;
	if (has(h, "schedule") && !has(h, "set_memory_valid"))
		pg->variant |= ARM_OLD_LISTING;
	return 0;
}

/* --- layout ------------------------------------------------------------------------------------------------------- */

/* The parts of the image by their border symbols; lowmem around and between them. */
static void add_lowmem(const struct mmw_hints *h, uint64_t first, uint64_t end, uint64_t delta, struct mmw_layout *l)
{
	static const struct { const char *first, *end, *name; } parts[] = {
		{ "_stext", "_etext", "kernel text" },
		{ "__start_rodata", "__end_rodata", "kernel rodata" },
		{ "__init_begin", "__init_end", "kernel init" },
		{ "_sdata", "_edata", "kernel data" },
		{ "__bss_start", "__bss_stop", "kernel bss" },
	};
	uint64_t from, stop;

	for (size_t i = 0; i < mmw_array_len(parts); i++) {
		if (h->symbol(h->ctx, parts[i].first, &from) || h->symbol(h->ctx, parts[i].end, &stop) ||
		    from < first || stop <= from || stop > end)
			continue;
		if (from > first)
			mmw_layout_linear(l, first, from - 1, "lowmem", delta);
		mmw_layout_linear(l, from, stop - 1, parts[i].name, delta);
		first = stop;
	}
	if (first < end)
		mmw_layout_linear(l, first, end - 1, "lowmem", delta);
}

/* address_markers[] of arch/arm/mm/dump.c. Up to 5.10 the one at the end of vmalloc was called so. */
static void add_markers(const struct mmw_paging *pg, uint64_t offset, uint64_t vmalloc, struct mmw_layout *l)
{
	mmw_layout_span(l, 0, UINT32_MAX);
	mmw_layout_marker(l, offset - (16 << 20), "Modules", 0);
	mmw_layout_marker(l, offset, "Kernel Mapping", 0);
	if (vmalloc)
		mmw_layout_marker(l, vmalloc, "vmalloc() Area", 0);
	mmw_layout_marker(l, VMALLOC_END, pg->variant & ARM_OLD_LISTING ? "vmalloc() End" : "FDT Area", 0);
	mmw_layout_marker(l, 0xffc80000, "Fixmap Area", 0);
	mmw_layout_marker(l, 0xffff0000, "Vectors", 0);
	mmw_layout_marker(l, 0xffff2000, "Vectors End", 0);
}

/* asm/memory.h, asm/highmem.h, asm/pgtable.h, asm/fixmap.h; Documentation/arch/arm/memory.rst. */
static void arm_layout(const struct mmw_hints *h, const struct mmw_paging *pg, struct mmw_layout *l)
{
	uint64_t offset, high = 0, delta, vmalloc = 0, modules_end;

	if (page_offset(h, &offset) || offset < 0x10000000)
		return;
	modules_end = has(h, "kmap_high") ? offset - (2 << 20) : offset;
	mmw_layout_region(l, 0, offset - (16 << 20) - 1, "user space");
	mmw_layout_region(l, offset - (16 << 20), modules_end - 1, "modules");
	if (modules_end < offset)
		mmw_layout_region(l, modules_end, offset - 1, "pkmap");
	if (!h->variable(h->ctx, "high_memory", 4, &high) && high > offset && high < VMALLOC_END) {
		vmalloc = (high + VMALLOC_GAP) & ~(VMALLOC_GAP - 1);
		if (h->image_delta(h->ctx, &delta))
			mmw_layout_region(l, offset, high - 1, "lowmem");
		else
			add_lowmem(h, offset, high, delta, l);
		mmw_layout_region(l, high, vmalloc - 1, "guard hole");
		mmw_layout_region(l, vmalloc, VMALLOC_END - 1, "vmalloc");
	}
	mmw_layout_region(l, VMALLOC_END, VMALLOC_END + (mmw_arm_short(pg) ? 2 << 20 : 4 << 20) - 1, "fdt");
	mmw_layout_region(l, 0xffc80000, 0xffefffff, "fixmap");
	mmw_layout_region(l, 0xffff0000, 0xffff1fff, "vectors");
	add_markers(pg, offset, vmalloc, l);
}

const struct mmw_arch mmw_arch_arm = {
	.name = "arm",
	.machine = EM_ARM,
	.word = 4,
	.decode = mmw_arm_decode,
	.flags = mmw_arm_flags,
	.memtype = mmw_arm_memtype,
	.memtypes = mmw_arm_memtypes,
	.swap = mmw_arm_swap,
	.ptdump = mmw_arm_ptdump,
	.ptdump_prot = mmw_arm_ptdump_prot,
	.ptdump_parent = 0x1e0,
	.ptdump_style = MMW_PTDUMP_NO_HOLES | MMW_PTDUMP_KIB,
	.image_first = 0x40000000,
	.image_last = UINT32_MAX,
	.from_cpu = arm_from_cpu,
	.find_delta = arm_find_delta,
	.geometry = arm_geometry,
	.from_kernel = arm_from_kernel,
	.layout = arm_layout,
};

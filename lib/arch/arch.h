/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an architecture is to mmwalk: one `const struct mmw_arch` in one file of this folder.
 *
 * The file knows the entry format, and Linux's layout on this machine. It reads no image and knows no symbol table: it
 * asks through `struct mmw_hints`, which lib/kernel answers from whatever it has found by then. A slot that an
 * architecture cannot serve is NULL.
 */
#ifndef MMW_ARCH_ARCH_H
#define MMW_ARCH_ARCH_H

#include <stddef.h>

#include "lib/arch/paging.h"
#include "lib/base/err.h"
#include "lib/image/image.h"

/* Questions about the kernel in the image. Each returns 0, or a negative code when nobody can answer (yet). */
struct mmw_hints {
	void *ctx;
	/* VMCOREINFO's NUMBER(key), or the value of a line `key=` */
	int (*number)(void *ctx, const char *key, uint64_t *out);
	/* run-time address of a symbol */
	int (*symbol)(void *ctx, const char *name, uint64_t *va);
	/* an integer variable of 1, 2, 4 or 8 bytes */
	int (*variable)(void *ctx, const char *name, unsigned size, uint64_t *out);
	/* value of an enumerator */
	int (*enumerator)(void *ctx, const char *type, const char *name, int64_t *out);
	/* VA - PA (mod 2^64) of the kernel image */
	int (*image_delta)(void *ctx, uint64_t *delta);
	/* the lowest physical address the image knows of */
	int (*ram_start)(void *ctx, uint64_t *pa);
};

/* A flag of an entry: named when (raw & mask) == value. */
struct mmw_flag {
	const char *name;
	uint64_t mask, value;
	uint8_t levels;     /* bit per level it exists on */
	uint8_t kinds;      /* bit per enum mmw_pte_kind */
	uint32_t variant;   /* needed in paging.variant; 0: always */
};

/* A stretch of the virtual address space that the kernel uses for one purpose. */
struct mmw_region {
	uint64_t first, last;
	const char *name;
	bool linear;     /* addresses here are physical ones plus `delta` by construction */
	uint64_t delta;
};

/* A line `---[ name ]---` of the kernel's own page-table listing. */
struct mmw_marker {
	uint64_t start;
	const char *name;
	unsigned max_lines;  /* what is listed at most below it; 0: all */
};

enum { MMW_REGIONS_MAX = 32, MMW_MARKERS_MAX = 24, MMW_SPANS_MAX = 4 };

struct mmw_span {
	uint64_t first, last;
};

struct mmw_layout {
	struct mmw_region regions[MMW_REGIONS_MAX];  /* ascending, disjoint */
	size_t n_regions;
	struct mmw_marker markers[MMW_MARKERS_MAX];  /* ascending */
	size_t n_markers;
	struct mmw_span spans[MMW_SPANS_MAX];        /* what the kernel's own listing walks */
	size_t n_spans;
};

/* How the kernel's own listing of this architecture differs from x86's. */
enum mmw_ptdump_style {
	MMW_PTDUMP_PHYSICAL = 1,      /* lines tell the physical address of their first page */
	MMW_PTDUMP_NO_HOLES = 2,      /* what maps nothing has no line */
	MMW_PTDUMP_ALL_MARKERS = 4,   /* every marker that is passed is printed at once, not one a line */
	MMW_PTDUMP_TWO_MARKERS = 8,   /* up to two of them */
	MMW_PTDUMP_KIB = 16,          /* sizes are counted in KiB at least */
};

enum { MMW_ROOTS_MAX = 2 };

struct mmw_arch {
	const char *name;
	uint16_t machine;  /* ELF e_machine; 0: no kernel runs on these tables */
	unsigned word;     /* bytes of a pointer */

	/* Pure: what one entry of this level says. */
	struct mmw_pte (*decode)(const struct mmw_paging *pg, unsigned level, uint64_t raw);

	const struct mmw_flag *flags;  /* ends with a NULL name */
	const char *(*memtype)(const struct mmw_paging *pg, unsigned level, uint64_t raw);  /* leaves: "WB"; may be NULL */
	const char *const *memtypes;   /* all that memtype can say; ends with NULL */
	/* Protection key (permission overlay) of a leaf; 0: none. */
	uint64_t (*pkey)(const struct mmw_paging *pg, uint64_t raw);
	/* Of a MMW_PTE_SWAP entry. */
	void (*swap)(const struct mmw_paging *pg, uint64_t raw, unsigned *type, uint64_t *offset);

	/* One line's columns as the kernel's own listing prints them after the size. raw 0 is a hole. */
	void (*ptdump)(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size);
	/* The bits of an entry that this listing compares to join neighbours, and those of the effective rights. */
	uint64_t (*ptdump_prot)(const struct mmw_paging *pg, unsigned level, uint64_t raw);
	uint64_t ptdump_parent;  /* and what a line of the last level takes from the entry above it, in tables of 4-byte entries (arm's domain) */
	uint8_t ptdump_rights;
	uint8_t ptdump_style;  /* enum mmw_ptdump_style */

	/* Virtual addresses that can hold the kernel's image. */
	uint64_t image_first, image_last;

	/*
	 * Paging mode and table roots out of a CPU's registers: the number of roots, likeliest kernel root first; 0
	 * when the registers do not tell. roots[] are physical.
	 */
	int (*from_cpu)(const struct mmw_cpu *cpu, struct mmw_paging *pg, uint64_t roots[MMW_ROOTS_MAX]);

	/*
	 * VA - PA of the kernel image out of what the kernel says of itself (hints->image_delta is not asked): what it may
	 * be, likeliest first; fails past the last one. Page tables confirm it.
	 */
	int (*find_delta)(const struct mmw_hints *h, unsigned index, uint64_t *delta, struct mmw_err *err);

	/* Geometry candidates, in the order to try them; 0 past the last one. */
	int (*geometry)(unsigned index, struct mmw_paging *pg);

	/*
	 * The kernel's own root by its symbol, and what else of the paging this kernel tells (clear, attrs, variant). Fails
	 * when there is no such symbol, or when this geometry cannot be the kernel's. NULL: these tables are no kernel's.
	 */
	int (*from_kernel)(const struct mmw_hints *h, struct mmw_paging *pg, uint64_t *root, struct mmw_err *err);

	/*
	 * Page-table isolation: where the user copy of a kernel root would be, and an address that both map alike if it is
	 * in use. isolation: bits that the kernel's text has in its entries only then (0: the copy alone tells).
	 */
	int (*user_root)(const struct mmw_hints *h, const struct mmw_paging *pg, uint64_t root, uint64_t *user,
			 uint64_t *shared);
	uint64_t isolation;

	/* Regions and markers as far as they are known. */
	void (*layout)(const struct mmw_hints *h, const struct mmw_paging *pg, struct mmw_layout *out);
};

/* Those that list themselves by their flags. */
extern const struct mmw_arch mmw_arch_ept, mmw_arch_stage2;

/* In the order of the build's list; NULL past the end. */
const struct mmw_arch *mmw_arch_at(size_t index);
const struct mmw_arch *mmw_arch_by_name(const char *name);
const struct mmw_arch *mmw_arch_by_machine(uint16_t machine);

/* Paging by its name, "sv39" or "arm64:4k-48"; with "/low" behind it, of the lower half of the addresses. */
const struct mmw_arch *mmw_paging_by_name(const char *name, struct mmw_paging *pg);

/*
 * Flags of an entry as "PRESENT|RW|..." (separator `sep`), a leaf's protection key included. Always NUL-terminated;
 * returns the length written.
 */
size_t mmw_flags_names(const struct mmw_arch *arch, const struct mmw_paging *pg, unsigned level, uint64_t raw, char sep,
		       char *buf, size_t size);

/* The same with a leaf's memory type at the end. */
size_t mmw_flags_text(const struct mmw_arch *arch, const struct mmw_paging *pg, unsigned level, uint64_t raw, char sep,
		      char *buf, size_t size);

/* Columns of a listing for tables that no kernel lists: the level and the flags by name. A hole has the level alone. */
void mmw_flags_listing(const struct mmw_arch *arch, const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf,
		       size_t size);

/* Add to a layout; entries beyond its room are dropped. Used by the architecture files. */
void mmw_layout_region(struct mmw_layout *l, uint64_t first, uint64_t last, const char *name);
void mmw_layout_linear(struct mmw_layout *l, uint64_t first, uint64_t last, const char *name, uint64_t delta);
void mmw_layout_marker(struct mmw_layout *l, uint64_t start, const char *name, unsigned max_lines);
void mmw_layout_span(struct mmw_layout *l, uint64_t first, uint64_t last);

/* Where the linear map of all memory has a physical address (x86: the kernel's image is mapped elsewhere too). */
bool mmw_layout_direct(const struct mmw_layout *l, uint64_t pa, uint64_t *va);

/* The region va lies in, or NULL. */
const struct mmw_region *mmw_layout_find(const struct mmw_layout *l, uint64_t va);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the RISC-V files share: entries of 32 and 64 bits, and Linux's layout on both. */
#ifndef MMW_ARCH_RISCV_H
#define MMW_ARCH_RISCV_H

#include "lib/arch/arch.h"

#define RISCV_V   (1ull << 0)
#define RISCV_R   (1ull << 1)
#define RISCV_W   (1ull << 2)
#define RISCV_X   (1ull << 3)
#define RISCV_U   (1ull << 4)
#define RISCV_G   (1ull << 5)
#define RISCV_A   (1ull << 6)
#define RISCV_D   (1ull << 7)
#define RISCV_RSW (3ull << 8)
#define RISCV_MT  (3ull << 61)
#define RISCV_N   (1ull << 63)
#define RISCV_LEAF (RISCV_R | RISCV_W | RISCV_X)

/* paging.variant */
enum {
	RISCV_STANDARD = 1,       /* bits 63:61 are N and PBMT; every geometry starts so */
	RISCV_THEAD = 2,          /* bits 63:59 are T-Head's memory type */
	RISCV_SVRSW = 4,          /* bits 60:59 are software's (Svrsw60t59b) */
	RISCV_SHADOW_STACK = 8,   /* W without R and X is a shadow stack page (Zicfiss) */
	RISCV_NONE_READ = 16,     /* PROT_NONE is bit 1, swap entries have no room for more (5.10) */
	RISCV_SWAP_INCLUSIVE = 32, /* swap entries without the exclusive bit (6.1) */
	RISCV_PTDUMP_SHORT = 64,  /* the kernel's own listing has neither N nor MT, and one bit of RSW (5.10, 6.1) */
	RISCV_GSTAGE = 128,       /* second stage: every access is a user's, and V clear is all there is to say */
};

/* struct kernel_mapping, the variable kernel_map */
struct riscv_map {
	uint64_t virt, phys;
	uint64_t linear_delta, image_delta;
	uint64_t page_offset;  /* 0: not in it */
};

extern const struct mmw_flag mmw_riscv_flags[];
extern const char *const mmw_riscv_memtypes[];

struct mmw_pte mmw_riscv_decode(const struct mmw_paging *pg, unsigned level, uint64_t raw);
const char *mmw_riscv_memtype(const struct mmw_paging *pg, unsigned level, uint64_t raw);
void mmw_riscv_swap(const struct mmw_paging *pg, uint64_t raw, unsigned *type, uint64_t *offset);
void mmw_riscv_ptdump(const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf, size_t size);
uint64_t mmw_riscv_ptdump_prot(const struct mmw_paging *pg, unsigned level, uint64_t raw);

/* `levels` levels of as many index bits as a page has entries, and `more` at the root. */
void mmw_riscv_geometry(struct mmw_paging *pg, const char *name, unsigned levels, unsigned entry_size, unsigned more);

/* Variable kernel_map of a kernel with pointers of `word` bytes; false when it is not there or makes no sense. */
bool mmw_riscv_map(const struct mmw_hints *h, unsigned word, struct riscv_map *out);
int mmw_riscv_find_delta(const struct mmw_hints *h, unsigned word, unsigned index, uint64_t *delta,
			 struct mmw_err *err);
int mmw_riscv_root(const struct mmw_hints *h, uint64_t *root, struct mmw_err *err);
/* The variant bits that both widths have. */
uint32_t mmw_riscv_variant(const struct mmw_hints *h);
void mmw_riscv_layout(const struct mmw_hints *h, const struct mmw_paging *pg, struct mmw_layout *l);

#endif

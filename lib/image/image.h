/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical memory as an image recorded it: which addresses it holds, their bytes, and what it says of the machine.
 *
 * An image is immutable once open and may be shared by threads; each thread reads through a reader of its own, which
 * keeps that thread's caches. Physical addresses are guest addresses in bytes.
 */
#ifndef MMW_IMAGE_IMAGE_H
#define MMW_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct mmw_image;
struct mmw_reader;

/* `len` bytes at `off` of the file (or of its main memory block) are physical memory at `pa`. */
struct mmw_ram_map {
	uint64_t off, pa, len;
};

enum mmw_state {
	MMW_STORED,    /* the bytes are there */
	MMW_EXCLUDED,  /* memory that the dumper left out on purpose */
	MMW_TRUNCATED, /* the file ends before these bytes */
};

/* A run of physical memory in one state. Addresses in no extent are absent: not memory, as far as the image knows. */
struct mmw_extent {
	uint64_t pa, len;
	enum mmw_state state;
};

/* CPU registers that matter to an address space. Which are known is a bit mask, never a zero value. */
enum mmw_reg {
	MMW_REG_PC, MMW_REG_SP,
	MMW_REG_CR0, MMW_REG_CR2, MMW_REG_CR3, MMW_REG_CR4, MMW_REG_EFER, MMW_REG_GS_BASE, MMW_REG_KERNEL_GS_BASE,
	MMW_REG_TTBR0, MMW_REG_TTBR1, MMW_REG_TCR, MMW_REG_MAIR, MMW_REG_SATP,
	MMW_REG_CR1, MMW_REG_CR13,  /* s390: the primary and the home address space */
	MMW_REG_COUNT
};

enum { MMW_GPRS_MAX = 48 };

struct mmw_cpu {
	uint32_t known;  /* bit per enum mmw_reg */
	uint64_t reg[MMW_REG_COUNT];
	/* The general registers as NT_PRSTATUS orders them on this machine (elf_gregset_t), or none. */
	unsigned n_gpr;
	uint64_t gpr[MMW_GPRS_MAX];
};

/* Lower-case register name ("cr3"). */
const char *mmw_reg_name(enum mmw_reg reg);

/* What the image says of itself. All pointers are borrowed from the image. */
const char *mmw_image_name(const struct mmw_image *img);         /* the path it was opened by */
const char *mmw_image_format(const struct mmw_image *img);       /* "ELF", "kdump" ... */
const char *mmw_image_format_note(const struct mmw_image *img);  /* details: "zlib, flattened"; "" when none */
/*
 * How memory was placed, where the format has blocks without addresses: "pc.ram below 0x80000000 at 0, the rest at
 * 0x100000000 (machine pc-q35-7.2)"; "" where addresses are the format's own.
 */
const char *mmw_image_placement(const struct mmw_image *img);
/* Nobody said where this memory lies: its addresses are offsets of the file. */
bool mmw_image_unplaced(const struct mmw_image *img);
/*
 * Why this is not all of the image, where its wrapper tells (a compressed file that ends early): "the gzip data of ... ends
 * early"; "" where nothing is known to be missing. What a format itself finds cut off is MMW_TRUNCATED.
 */
const char *mmw_image_damage(const struct mmw_image *img);
/* True where an extent that is MMW_EXCLUDED may as well have been all zero: the format does not tell. */
bool mmw_image_excluded_or_zero(const struct mmw_image *img);
/* True where what is MMW_TRUNCATED is in further parts of the image that were not given. */
bool mmw_image_lacks_parts(const struct mmw_image *img);
/* True where an address in no extent may as well be memory that was all zero: the format leaves such blocks out. */
bool mmw_image_absent_or_zero(const struct mmw_image *img);
bool mmw_image_big_endian(const struct mmw_image *img);
uint16_t mmw_image_machine(const struct mmw_image *img);         /* ELF e_machine, 0 when it does not say */
size_t mmw_image_cpus(const struct mmw_image *img);
const struct mmw_cpu *mmw_image_cpu(const struct mmw_image *img, size_t index);  /* NULL past the end */

/* The VMCOREINFO text of a note, NUL-terminated, or NULL. */
const char *mmw_image_vmcoreinfo(const struct mmw_image *img);

/* The lowest extent that ends above `from`, clipped to start at or above it. 1 and *out, or 0 at the end. */
int mmw_image_next_extent(const struct mmw_image *img, uint64_t from, struct mmw_extent *out);

/* The same over bytes that are worth a search: MMW_STORED only, without what the image says is all zero. */
int mmw_image_next_bytes(const struct mmw_image *img, uint64_t from, struct mmw_extent *out);

/* Bytes the image stores, and the highest address it knows of (inclusive; 0 for an empty image). */
uint64_t mmw_image_stored(const struct mmw_image *img);
uint64_t mmw_image_last(const struct mmw_image *img);

void mmw_image_close(struct mmw_image *img);  /* NULL is fine; after every reader */

/* --- reading -------------------------------------------------------------------------------------------------- */

int mmw_reader_open(const struct mmw_image *img, struct mmw_reader **out, struct mmw_err *err);
void mmw_reader_close(struct mmw_reader *r);
const struct mmw_image *mmw_reader_image(const struct mmw_reader *r);

/*
 * All of [pa, pa + len) or nothing: MMW_E_NODATA, MMW_E_EXCLUDED, MMW_E_TRUNCATED and MMW_E_CORRUPT (it does not
 * decode) name the first address that is missing. Small reads are served from a cache of decoded blocks.
 */
int mmw_read(struct mmw_reader *r, uint64_t pa, void *buf, size_t len, struct mmw_err *err);

/*
 * Borrow `size` bytes of a page table at `pa` (size a power of two up to 64 KiB, pa aligned to 8). Tables have a cache
 * of their own, which data reads never disturb. The pointer holds while mmw_reader_evictions() stays the same.
 */
int mmw_read_table(struct mmw_reader *r, uint64_t pa, size_t size, const uint8_t **out, struct mmw_err *err);

uint64_t mmw_reader_evictions(const struct mmw_reader *r);

#endif

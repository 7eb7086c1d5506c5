/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of QEMU's stream reader (formats/qemu*.c) share; qemu.c describes the format. */
#ifndef MMW_FORMATS_QEMU_H
#define MMW_FORMATS_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/unpack.h"
#include "lib/base/progress.h"
#include "lib/image/build.h"

enum {
	QEMU_BLOCKS_MAX = 4096,
	QEMU_NAME_MAX = 256,
	QEMU_CHUNK = 1 << 20,   /* read at once */
	QEMU_TOKEN = 1 << 16,   /* what a stream can show in one piece */
};

/* How a page is stored. */
enum qemu_kind {
	QEMU_RAW,
	QEMU_ZERO,
	QEMU_FILL,    /* `at` is of the byte that it is full of */
	QEMU_ZLIB,    /* `at` is of u32 length, then zlib */
	QEMU_XBZRLE,  /* `at` is of u8 1, u16 length, then changes to what the page was before */
	QEMU_CHAIN,   /* `at` is of qemu.chain: `stride` entries, the first a page, the others changes to it */
};

/* A kind and a file offset in one word. */
enum { QEMU_KIND_SHIFT = 56 };

static inline uint64_t qemu_place(enum qemu_kind kind, uint64_t off)
{
	return (uint64_t)kind << QEMU_KIND_SHIFT | off;
}

static inline enum qemu_kind qemu_kind_of(uint64_t place)
{
	return (enum qemu_kind)(place >> QEMU_KIND_SHIFT);
}

static inline uint64_t qemu_offset_of(uint64_t place)
{
	return place & ((1ull << QEMU_KIND_SHIFT) - 1);
}

/* `n` pages from `page` on, one every `stride` bytes of the file. Pages are counted through all blocks. */
struct qemu_run {
	uint64_t page, place;
	uint32_t n, stride;
};

/* A page that came again. */
struct qemu_again {
	uint64_t page, place;
};

struct qemu_block {
	char name[QEMU_NAME_MAX];
	uint64_t len;           /* bytes */
	uint64_t first, pages;  /* its place in the count of pages */
	uint64_t met;           /* pages below this have been there, or were passed over */
	uint64_t stored_at;     /* mapped-ram: of its first page in the file */
	bool is_ram;            /* memory by its name, as far as names tell */
};

/* [pa, pa + len) is page `page` and on. */
struct qemu_range {
	uint64_t pa, len, page;
};

/* A bounded look at the file, read in order. */
struct qemu_stream {
	struct mmw_file *file;
	const struct mmw_progress *progress;
	uint8_t *buf;
	uint64_t base, pos;  /* of buf, and of what is read next */
	size_t have;
	int rc;              /* of a read that the host failed */
};

struct qemu {
	char machine[QEMU_NAME_MAX];
	uint32_t page_size;
	bool ignores_shared, mapped;  /* capabilities */
	bool started, ended;      /* the ram section: it began, and it came to its end */
	bool damaged, salvaged, has_delta, has_zlib;
	uint32_t ram_id;
	uint64_t mapped_shift;    /* mapped-ram: where ours begins in the file from whose start its offsets count */
	bool mapped_any;          /* one of its bitmaps has a bit */

	struct qemu_block *blocks;
	size_t n_blocks, cap_blocks;
	uint16_t *by_name;        /* blocks in the order of their names */
	struct qemu_block *block; /* of the page before */
	uint64_t pages;           /* of all blocks */

	struct qemu_run *runs;
	size_t n_runs, cap_runs;
	struct qemu_again *again;
	size_t n_again, cap_again, tidy_at;
	uint64_t *chain;
	size_t n_chain, cap_chain;

	uint8_t *state;           /* of the devices: from the first section behind memory on */
	size_t state_len;

	struct qemu_range *ranges;  /* ascending, not overlapping */
	size_t n_ranges, cap_ranges;
	struct mmw_extent *ext, *data;  /* memory by state; what is stored and not known to be zero */
	size_t n_ext, cap_ext, n_data, cap_data;
};

struct qemu_reader {
	size_t hint;         /* the run of the page before */
	uint32_t chain_max;  /* changes to a page that it will go through */
	struct mmw_unpack *unpack;
	uint8_t page[QEMU_TOKEN];
	uint8_t packed[2 * QEMU_TOKEN];
};

/* What a page is that never came, though its block has it. */
static inline enum mmw_state qemu_missing(const struct qemu *q)
{
	return q->ended && !q->damaged ? MMW_EXCLUDED : MMW_TRUNCATED;
}

/* --- qemu.c --------------------------------------------------------------------------------------------------- */

/* The next n (at most QEMU_TOKEN) bytes, or NULL when the file has no more. */
const uint8_t *qemu_peek(struct qemu_stream *s, size_t n);
bool qemu_take(struct qemu_stream *s, unsigned size, uint64_t *out);  /* an integer of 1, 2, 4 or 8 bytes */
bool qemu_skip(struct qemu_stream *s, uint64_t n);

/* The range that an address is in, or NULL. */
const struct qemu_range *qemu_range_of(const struct qemu *q, uint64_t pa);

/* The up to 255 characters a length byte counts, as a string. */
bool qemu_take_name(struct qemu_stream *s, char out[QEMU_NAME_MAX]);

/* --- qemu_ram.c: the payload of a ram section, and what becomes of it ------------------------------------------ */

/* How a piece of the stream ended. */
enum qemu_step {
	QEMU_DONE,
	QEMU_CUT,  /* with the file */
	QEMU_BAD,  /* it makes no sense from s->pos on */
};

/* 0 and *step, or a negative code when the host fails. */
int qemu_ram_section(struct qemu *q, struct qemu_stream *s, enum qemu_step *step, struct mmw_err *err);

/* After the last section: the runs in order, each page's last state. */
int qemu_ram_seal(struct qemu *q, struct mmw_err *err);

/* Of an interrupted mapped-ram save, what its pages themselves tell; before that. */
int qemu_ram_salvage(struct qemu *q, struct mmw_file *f, const struct mmw_progress *progress, struct mmw_err *err);

/* The first run that ends behind page `page`, or n_runs. */
size_t qemu_run_after(const struct qemu *q, uint64_t page);

int qemu_reader_open(const struct mmw_image *img, void **priv, struct mmw_err *err);
void qemu_reader_close(void *priv);
int qemu_read_page(const struct mmw_image *img, struct qemu_reader *r, uint64_t page, uint64_t pa, uint8_t *buf,
		   struct mmw_err *err);

/* Physical memory as q->ranges place it, while the image is still made. All or nothing. */
bool qemu_read_pa(const struct mmw_image *img, struct qemu_reader *r, uint64_t pa, void *buf, size_t len);

/* --- qemu_state.c: the devices --------------------------------------------------------------------------------- */

struct qemu_devices;

struct qemu_devices *qemu_devices_open(const struct qemu *q);  /* NULL: no memory */
void qemu_devices_close(struct qemu_devices *d);

int qemu_take_cpus(const struct qemu_devices *d, struct mmw_image *img, struct mmw_err *err);

/* The 128 bytes of a PC's battery-backed memory, where its firmware is told the size of memory. */
const uint8_t *qemu_cmos(const struct qemu_devices *d);

/* The physical address and size of the VMCOREINFO note, as the guest gave them to QEMU. */
bool qemu_vmcoreinfo_at(const struct qemu_devices *d, uint64_t *pa, uint32_t *size);

/* A device whose name ends so is there. */
bool qemu_has_device(const struct qemu_devices *d, const char *tail);

/* --- qemu_board.c: where blocks lie ---------------------------------------------------------------------------- */

int qemu_place_blocks(struct mmw_image *img, const struct qemu_devices *d, struct mmw_err *err);

#endif

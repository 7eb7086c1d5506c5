/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes kdump-compressed dumps and flattened streams in memory, in every shape that makedumpfile and QEMU give them and
 * in some they do not: for unit tests, for the seeds of the fuzzers, for images built from recipes.
 *
 * Nothing here is shared with the reader in formats/: the layouts are written down a second time on purpose.
 */
#ifndef MMW_TESTS_KDUMP_BUILD_H
#define MMW_TESTS_KDUMP_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The producer's C ABI. */
enum kd_shape {
	KD_WIDE,    /* 64-bit */
	KD_PACKED,  /* 32-bit, 64-bit fields aligned to 4: i386, and all of QEMU's */
	KD_PADDED,  /* 32-bit, 64-bit fields aligned to 8: ARM, MIPS */
	KD_TIME64,  /* KD_PADDED with a 64-bit struct timeval in the main header */
	KD_SHAPES
};

enum kd_codec {
	KD_STORED = 0,
	KD_ZLIB = 1,
	KD_LZO = 2,
	KD_SNAPPY = 4,
	KD_ZSTD = 0x20,
};

enum kd_kind {
	KD_DATA,      /* stored: `bytes` of one block */
	KD_EXCLUDED,  /* memory, but left out */
	KD_LOST,      /* a descriptor of zeros: the disk was full */
};

struct kd_page {
	uint64_t pfn;  /* ascending */
	enum kd_kind kind;
	const void *bytes;
};

struct kd_spec {
	uint32_t version;
	bool big_endian;
	enum kd_shape shape;
	uint32_t block_size;
	enum kd_codec codec;
	bool share_zero;       /* all zero blocks become one stored block, as with dump level 1 */
	bool one_bitmap;
	uint32_t status;       /* bits beside the codec's */
	uint32_t level;
	uint64_t phys_base;
	const char *machine, *release;  /* NULL: empty */
	bool split;
	uint64_t start, end;   /* of a part of a split dump */
	uint64_t max_mapnr;    /* 0: the last page's PFN + 1 */
	const void *notes;     /* ELF notes; the dump's byte order is the caller's business */
	size_t notes_len;
	size_t vmcoreinfo_at, vmcoreinfo_len;  /* the text inside `notes`; length 0: none */
	const struct kd_page *pages;
	size_t n_pages;
};

/* A dump, and where its pieces are for tests that damage them. */
struct kd_image {
	uint8_t *bytes;
	size_t len;
	size_t sub_at, bitmap_at, desc_at, data_at;
	size_t n_desc;
};

/* 0, or -1 when memory runs out or the pages do not fit the spec. */
int kd_build(const struct kd_spec *spec, struct kd_image *out);
void kd_free(struct kd_image *img);

/* A block of recognisable contents: compressible, except where `seed` is a multiple of 7. Never all zero. */
void kd_fill(uint8_t *block, size_t size, uint64_t seed);

/* --- flattened streams ---------------------------------------------------------------------------------------- */

struct kd_stream {
	uint8_t *bytes;
	size_t len, cap;
};

enum kd_order { KD_FORWARD, KD_REVERSE, KD_SHUFFLED };

/* The 4096-byte header, one record, and the end mark. 0, or -1 when memory runs out. */
int kd_stream_begin(struct kd_stream *s);
int kd_stream_record(struct kd_stream *s, uint64_t inner, const void *bytes, size_t len);
int kd_stream_end(struct kd_stream *s);
void kd_stream_free(struct kd_stream *s);

/* A whole file as a stream of records of `record` bytes (the last is shorter). */
int kd_flatten(const void *bytes, size_t len, size_t record, enum kd_order order, struct kd_stream *out);

/* --- samples -------------------------------------------------------------------------------------------------- */

/* Small dumps that between them show every feature: seeds for fuzzers. -1 when there is no sample `index`. */
int kd_sample(unsigned index, struct kd_image *out);

#endif

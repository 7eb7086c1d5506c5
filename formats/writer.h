/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the writers share: the plan of what there is to write, and the way from the image to the file.
 *
 * Stored memory is seen as one stream of bytes, its spans one after the other, and taken in chunks. Any worker reads a
 * chunk and makes of it what the format wants; its place in the file is settled when all chunks before have theirs;
 * then it is written. So the order is fixed and nobody waits for the slowest but when places are given.
 */
#ifndef MMW_FORMATS_WRITER_H
#define MMW_FORMATS_WRITER_H

#include "formats/write.h"
#include "lib/image/build.h"

enum {
	MMW_CHUNK = 1 << 20,      /* bytes of memory; a multiple of every page size */
	MMW_WRITE_PAGE = 4096,
};

/* A run of memory in one state. */
struct mmw_span {
	uint64_t pa, len;
	enum mmw_state state;
	uint64_t pos;  /* MMW_STORED: bytes of stored spans before it */
	uint64_t off;  /* the writer's: where its first byte goes */
};

/* Part of a chunk that is consecutive in memory. */
struct mmw_piece {
	uint64_t pa, off;
	size_t at, len;  /* in the chunk's bytes */
};

/* Memory that turned out to be unreadable. */
struct mmw_lost {
	uint64_t pa, len;
};

struct mmw_chunk {
	uint8_t *bytes;  /* MMW_CHUNK of them */
	size_t len;
	struct mmw_piece *pieces;
	size_t n_pieces, cap_pieces;
	struct mmw_lost *lost;
	size_t n_lost, cap_lost;
	uint64_t zero;  /* bytes in pages of zeros */
	void *own;      /* the writer's, from one chunk to the next of this worker */
};

struct mmw_writing {
	const struct mmw_image *img;
	const struct mmw_writer *writer;
	const struct mmw_write_opts *opts;
	const struct mmw_sink *sink;
	struct mmw_write_stats *stats;
	struct mmw_notes notes;
	struct mmw_span *spans;  /* ascending */
	size_t n_spans, cap_spans;
	uint64_t stored;         /* bytes in the stored ones */
	struct mmw_lost *lost;   /* ascending */
	size_t n_lost, cap_lost;
	void *own;               /* the writer's */
};

struct mmw_write_ops {
	bool replans;  /* lost memory changes where everything goes: the file is begun anew, without it */
	bool blocks;   /* memory is written in whole pages of opts->page_size */

	/* Headers, and each span's off; *size as far as it is known. */
	int (*begin)(struct mmw_writing *w, uint64_t *size, struct mmw_err *err);
	/* By any worker, any chunk. May be NULL. */
	int (*prepare)(struct mmw_writing *w, struct mmw_chunk *c, struct mmw_err *err);
	/* In the order of chunks, one at a time. May be NULL. */
	void (*place)(struct mmw_writing *w, struct mmw_chunk *c);
	/* By any worker; in order where the sink is a stream. NULL: each piece as it is to its off. */
	int (*store)(struct mmw_writing *w, struct mmw_chunk *c, struct mmw_err *err);
	/* What is known last. May be NULL. */
	int (*end)(struct mmw_writing *w, uint64_t *size, struct mmw_err *err);
	void (*close_own)(void *own);  /* a chunk's */
};

extern const struct mmw_writer mmw_writer_elf, mmw_writer_kdump, mmw_writer_lime, mmw_writer_raw;

/* `len` bytes at `off` of the file. Zeros that nothing was written over are left as a hole. */
int mmw_put(const struct mmw_sink *s, uint64_t off, const void *bytes, size_t len, struct mmw_err *err);

#endif

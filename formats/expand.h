/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed files: what gzip.c, xz.c and the others share. A file is unpacked once, front to back, into a temporary file
 * (lib/base/spool.h), which takes its place.
 *
 * A codec decodes one member (gzip's word; a stream of xz, a frame of zstd) after the other. It looks at input with
 * mmw_expand_fill, steps over it by moving x->in, and hands on what comes out with mmw_expand_put.
 *
 * Input that ends early costs what did not come out: the rest is used, and said to be incomplete. Input that the decoder
 * or a checksum calls wrong is MMW_E_CORRUPT: which of the bytes before are wrong too, nobody can tell.
 */
#ifndef MMW_FORMATS_EXPAND_H
#define MMW_FORMATS_EXPAND_H

#include "lib/image/build.h"

enum { MMW_EXPAND_IN = 1 << 20, MMW_EXPAND_OUT = 1 << 20 };

struct mmw_expand {
	const uint8_t *in;   /* input that was read and not yet used */
	size_t n_in;
	bool at_end;         /* no input comes after that */
	uint8_t *out;        /* MMW_EXPAND_OUT bytes, the codec's to use */
	uint64_t file_size;  /* of the compressed file */
	uint64_t promised;   /* bytes that the members so far say they unpack to; codecs add to it where theirs says */
	bool unsure;         /* a member did not say, or there may be more of them */
	struct mmw_expand_file *file;
};

/* What a member's decoding returns besides failures. */
enum mmw_expand_end {
	MMW_EXPAND_WHOLE = 0,
	MMW_EXPAND_CUT,   /* the input ended within it */
	MMW_EXPAND_MORE,  /* for the codec's own loop: it goes on */
};

struct mmw_expander {
	const char *name;
	/* Does a member start with these bytes? Given at least `head` of them, or what is left of the file. */
	bool (*starts)(const uint8_t *p, size_t n);
	size_t head;
	int (*member)(struct mmw_expand *x, struct mmw_err *err);
};

/* What a wrapper's unwrap does for a compressed file. */
int mmw_expand(struct mmw_file *outer, const struct mmw_expander *codec, const struct mmw_unwrap *how,
	       struct mmw_file **inner, struct mmw_err *err);

/* Make x->in hold at least `least` bytes (at most MMW_EXPAND_IN), or all that is left of the file. */
int mmw_expand_fill(struct mmw_expand *x, size_t least, struct mmw_err *err);

static inline void mmw_expand_skip(struct mmw_expand *x, size_t n)
{
	x->in += n;
	x->n_in -= n;
}

int mmw_expand_put(struct mmw_expand *x, const void *bytes, size_t n, struct mmw_err *err);

/* "the gzip data of FILE is damaged near offset N, after M unpacked bytes: WHY"; returns -MMW_E_CORRUPT. */
int mmw_expand_bad(struct mmw_expand *x, const char *why, struct mmw_err *err);

/*
 * How much memory a decoder may take for its window. Headers can ask for gigabytes, and few do with reason: a small file
 * gets what every compressor's usual levels need.
 */
uint64_t mmw_expand_window(const struct mmw_expand *x);

/* The decoder refused for that reason; returns -MMW_E_LIMIT. */
int mmw_expand_too_large(struct mmw_expand *x, struct mmw_err *err);

/* The bytes of whole skippable frames, which zstd and lz4 share, at p: 184d2a5x, u32 length, both little endian. */
size_t mmw_expand_skippable(const uint8_t *p, size_t n);

#endif

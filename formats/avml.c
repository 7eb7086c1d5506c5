/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVML's compressed format. A record is LiME's header with another magic, a stream of snappy's framing format that
 * unpacks to exactly the record's range, and the length of that stream:
 *   magic "AVML" u32, version 2 u32, first u64, last u64 (inclusive), reserved u64, chunks, u64 bytes of chunks
 *
 * A chunk: type u8, length u24, then so many bytes. All little endian.
 *   0xff       "sNaPpY": a stream begins
 *   0x00       masked CRC-32C of what comes out, a raw snappy block of at most 65536 bytes
 *   0x01       masked CRC-32C, and as many bytes as they are
 *   0x80-0xfe  to be skipped; the others are not known to anyone
 *
 * The length stands behind the data, so it leads nowhere: the chunks are gone through once, but only their heads are
 * read, which tell how much will come out. Records are pieces of 16 MiB or less, and AVML leaves out those that are all
 * zero: what lies in no record is zero or no memory. Chunks need not begin at a page, as /proc/iomem's ranges do not.
 *
 * AVML src/image.rs, src/io/snappy.rs; snappy framing_format.txt, format_description.txt.
 */
#include "formats/avml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/crc32c.h"
#include "formats/unpack.h"
#include "lib/base/vec.h"

enum {
	HEAD = 4,               /* of a chunk */
	CRC = 4,
	VARINT_MAX = 5,
	PLAIN_MAX = 65536,      /* what a chunk may hold */
	PACKED_MAX = 76490,     /* what snappy may make of that */
	PROGRESS_CHUNKS = 4096,
	SLOTS = 256,            /* unpacked chunks that a reader keeps */
};

enum { CHUNK_PACKED = 0x00, CHUNK_STORED = 0x01, CHUNK_SKIPPED = 0x80, CHUNK_STREAM = 0xff };

/* A chunk of data. The unpacked bytes of all chunks, one after the other, are the offsets of read_packed. */
struct chunk {
	uint64_t plain_at;
	uint64_t at;   /* of its CRC in the file */
	uint32_t len;  /* behind that */
	bool stored;
};

struct avml {
	struct chunk *chunks;
	size_t n, cap;
	uint64_t plain;  /* bytes of all of them */
	struct mmw_crc32c crc;
};

struct slot {
	size_t chunk;    /* number + 1; 0 is empty */
	uint8_t *bytes;  /* NULL until it is first used */
};

struct avml_reader {
	struct mmw_unpack *unpack;
	size_t hint;  /* the chunk read last */
	uint8_t packed[CRC + PACKED_MAX];
	struct slot slots[SLOTS];
};

/* As the framing format keeps it: a CRC over bytes that have CRCs among them would be of little use. */
static uint32_t crc_masked(uint32_t c)
{
	return (c >> 15 | c << 17) + 0xa282ead8;
}

/* --- the index -------------------------------------------------------------------------------------------------- */

/* What comes out of a snappy block, by its first bytes; 0: nothing that a chunk may hold. */
static uint32_t plain_len(const uint8_t *p, size_t len)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < len && i < VARINT_MAX; i++) {
		if (v > PLAIN_MAX || (i == VARINT_MAX - 1 && p[i]))
			return 0;
		v |= (uint32_t)(p[i] & 0x7f) << 7 * i;
		if (!(p[i] & 0x80))
			return v <= PLAIN_MAX ? v : 0;
	}
	return 0;
}

/* The chunk at *at, which then moves behind it; *plain is 0 where it holds no data. False: it makes no sense. */
static bool next_chunk(struct mmw_file *f, uint64_t *at, struct chunk *out, uint32_t *plain)
{
	uint8_t head[HEAD + CRC + VARINT_MAX];
	uint64_t left = *at < f->size ? f->size - *at : 0;
	size_t n = left < sizeof(head) ? left : sizeof(head);
	uint32_t len;

	if (n < HEAD || mmw_file_read(f, *at, head, n, NULL))
		return false;
	len = mmw_get32(head, false) >> 8;
	if (len > left - HEAD)
		return false;
	n = n < HEAD + len ? n : HEAD + len;
	*plain = 0;
	*out = (struct chunk){ .at = *at + HEAD, .len = len - CRC, .stored = head[0] == CHUNK_STORED };
	if (head[0] == CHUNK_PACKED || head[0] == CHUNK_STORED) {
		if (len <= CRC || out->len > (out->stored ? PLAIN_MAX : PACKED_MAX))
			return false;
		*plain = out->stored ? out->len : plain_len(head + HEAD + CRC, n - HEAD - CRC);
		if (!*plain)
			return false;
	} else if (head[0] < CHUNK_SKIPPED ||
		   (head[0] == CHUNK_STREAM && (len != 6 || memcmp(head + HEAD, "sNaPpY", 6)))) {
		return false;
	}
	*at += HEAD + len;
	return true;
}

static int make_priv(struct mmw_image *img, struct mmw_err *err)
{
	struct avml *a;

	if (img->priv)
		return 0;
	a = calloc(1, sizeof(*a));
	if (!a)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the index of chunks");
	mmw_crc32c_init(&a->crc);
	img->priv = a;
	return 0;
}

static int push_chunk(struct avml *a, struct chunk c, uint32_t plain, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&a->chunks, &a->cap, a->n + 1, sizeof(*a->chunks), err);

	if (rc)
		return rc;
	c.plain_at = a->plain;
	a->chunks[a->n++] = c;
	a->plain += plain;
	return 0;
}

int mmw_avml_add(struct mmw_image *img, const struct mmw_record *r, uint64_t *end, bool *whole, struct mmw_err *err)
{
	uint64_t len = r->last - r->first + 1, done = 0, start, before;
	int rc = make_priv(img, err);
	struct avml *a = img->priv;
	struct chunk c;
	uint32_t plain;

	if (rc)
		return rc;
	start = a->plain;
	*end = before = r->at;
	for (uint64_t n = 0; !rc && done < len && next_chunk(img->file, end, &c, &plain); n++, before = *end) {
		if (plain > len - done)
			break;
		rc = plain ? push_chunk(a, c, plain, err) : 0;
		done += plain;
		if (n % PROGRESS_CHUNKS == 0)
			mmw_progress(img->progress, "indexing the chunks", *end, img->file->size);
	}
	*end = before;
	*whole = done == len;
	rc = rc ? rc : mmw_image_add_packed(img, r->first, done, start, err);
	return rc ? rc : mmw_image_add_extent(img, r->first + done, len - done, 0, MMW_TRUNCATED, err);
}

void mmw_avml_close(struct mmw_image *img)
{
	struct avml *a = img->priv;

	if (a)
		free(a->chunks);
	free(a);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

int mmw_avml_reader_open(const struct mmw_image *img, void **priv, struct mmw_err *err)
{
	struct avml_reader *r;

	if (!img->priv)
		return 0;
	r = calloc(1, sizeof(*r));
	if (r)
		r->unpack = mmw_unpack_open();
	if (!r || !r->unpack) {
		free(r);
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a reader of chunks");
	}
	*priv = r;
	return 0;
}

void mmw_avml_reader_close(void *priv)
{
	struct avml_reader *r = priv;

	for (size_t i = 0; i < SLOTS; i++)
		free(r->slots[i].bytes);
	mmw_unpack_close(r->unpack);
	free(r);
}

/* The chunk that holds unpacked offset `off`, which is less than all there are. */
static size_t find_chunk(const struct avml *a, size_t hint, uint64_t off)
{
	size_t lo = 0, hi = a->n;

	/* In order, it is the last one or the next. */
	for (size_t i = hint; i < a->n && i < hint + 2; i++)
		if (a->chunks[i].plain_at <= off && (i + 1 == a->n || off < a->chunks[i + 1].plain_at))
			return i;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->chunks[mid].plain_at <= off)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t chunk_plain(const struct avml *a, size_t i)
{
	return (i + 1 < a->n ? a->chunks[i + 1].plain_at : a->plain) - a->chunks[i].plain_at;
}

/* All of a chunk, checked. */
static int unpack_chunk(const struct mmw_image *img, struct avml_reader *r, size_t i, uint8_t *out, struct mmw_err *err)
{
	const struct avml *a = img->priv;
	const struct chunk *c = &a->chunks[i];
	uint32_t plain = chunk_plain(a, i);
	int rc = mmw_file_read(img->file, c->at, r->packed, CRC + c->len, err);

	if (rc)
		return rc;
	if (c->stored)
		memcpy(out, r->packed + CRC, plain);
	else
		rc = mmw_unpack(r->unpack, MMW_CODEC_SNAPPY, r->packed + CRC, c->len, out, plain, err);
	if (!rc && crc_masked(mmw_crc32c(&a->crc, out, plain)) != mmw_get32(r->packed, false))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "its checksum is wrong");
	return rc ? mmw_wrap(err, rc, "the chunk at offset %" PRIu64 " of the file", c->at - HEAD) : 0;
}

static int cached_chunk(const struct mmw_image *img, struct avml_reader *r, size_t i, const uint8_t **out,
			struct mmw_err *err)
{
	struct slot *s = &r->slots[i % SLOTS];
	int rc = 0;

	if (!s->bytes)
		s->bytes = malloc(PLAIN_MAX);
	if (!s->bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a chunk");
	if (s->chunk != i + 1) {
		s->chunk = 0;
		rc = unpack_chunk(img, r, i, s->bytes, err);
	}
	if (!rc)
		s->chunk = i + 1;
	*out = s->bytes;
	return rc;
}

int mmw_avml_read(const struct mmw_image *img, void *priv, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	const struct avml *a = img->priv;
	struct avml_reader *r = priv;
	uint8_t *to = buf;

	while (len) {
		size_t i = r->hint = find_chunk(a, r->hint, off);
		uint32_t in = off - a->chunks[i].plain_at, n = chunk_plain(a, i) - in;
		const uint8_t *bytes = NULL;
		int rc;

		if (!in && n <= len) {
			rc = unpack_chunk(img, r, i, to, err);
		} else {
			n = n < len ? n : len;
			rc = cached_chunk(img, r, i, &bytes, err);
			if (!rc)
				memcpy(to, bytes + in, n);
		}
		if (rc) {
			if (err)
				err->addr = off;
			return rc;
		}
		off += n;
		to += n;
		len -= n;
	}
	return 0;
}

static int avml_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return mmw_bytes_left(head) >= 8 && !memcmp(head->base, "AVML\2\0\0\0", 8) ? 100 : 0;
}

const struct mmw_format mmw_format_avml = {
	.name = "avml",
	.summary = "AVML: compressed ranges of memory behind headers",
	.probe = avml_probe,
	.open = mmw_records_open,
	.reader_open = mmw_avml_reader_open,
	.reader_close = mmw_avml_reader_close,
	.read_packed = mmw_avml_read,
	.close = mmw_avml_close,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LiME's format, version 1 (LiME's doc/README.md): ranges of memory in ascending order, each behind a packed header of
 * 32 bytes, little endian on every machine:
 *   magic 0x4c694d45 ("EMiL") u32, version 1 u32, first u64, last u64 (inclusive), reserved 8 bytes
 *
 * AVML writes the same where it does not compress, and where it does, has a magic of its own (avml.c); both may be in
 * one file. Neither has registers, and ranges need not begin or end at a page. When LiME fails to write within a range
 * it goes on with the next one, whose header then stands before the end that the first one claims: what is missing
 * there is truncated.
 *
 * LiME has a record for every range of System RAM: a gap between them is no memory. AVML since 0.18 (May 2026; in
 * compressed files since 2022) cuts ranges in pieces of 16 MiB and leaves out a piece that is all zero. Nothing says
 * so. A file whose longest record is exactly 16 MiB is AVML's: a machine without a larger range would be a strange one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/avml.h"

enum {
	HEADER = 32,
	RECORDS_MAX = 1 << 20,
	CHUNK = 1 << 20,
	TRAILER = 8,  /* behind the chunks of a packed record */
	PIECE = 16 << 20,
};

static const uint32_t magic_lime = 0x4c694d45, magic_avml = 0x4c4d5641;

/* What was found while going through the file. */
struct walk {
	uint64_t n, packed, longest;
	bool odd;  /* a trailer was missing or wrong */
};

static bool parse(const uint8_t *head, uint64_t at, struct mmw_record *out)
{
	uint32_t magic = mmw_get32(head, false), version = mmw_get32(head + 4, false);

	*out = (struct mmw_record){ mmw_get64(head + 8, false), mmw_get64(head + 16, false), at + HEADER,
				    magic == magic_avml };
	return ((magic == magic_lime && version == 1) || (magic == magic_avml && version == 2)) &&
	       out->first <= out->last && out->last - out->first != UINT64_MAX;
}

static int lime_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return mmw_bytes_left(head) >= HEADER && !memcmp(head->base, "EMiL\1\0\0\0", 8) ? 100 : 0;
}

static bool header_at(struct mmw_file *f, uint64_t at, struct mmw_record *out)
{
	uint8_t head[HEADER];

	return mmw_fits(at, HEADER, f->size) && !mmw_file_read(f, at, head, sizeof(head), NULL) && parse(head, at, out);
}

/* The next header within a range that was cut off: one that goes on behind the range before it. */
static bool find_header(struct mmw_file *f, uint64_t from, uint64_t behind, struct mmw_record *out)
{
	uint8_t *buf = malloc(CHUNK);
	bool found = false;

	for (uint64_t at = from, end; buf && !found && at < f->size; at += CHUNK - sizeof(magic_lime) + 1) {
		size_t n;

		/* No header begins with zeros: nothing is looked for in holes. */
		mmw_file_data(f, at, &at, &end);
		n = f->size - at < CHUNK ? f->size - at : CHUNK;
		if (n < sizeof(magic_lime) || mmw_file_read(f, at, buf, n, NULL))
			break;
		for (size_t i = 0; !found && i <= n - sizeof(magic_lime); i++) {
			uint32_t word = mmw_get32(buf + i, false);

			if (word == magic_lime || word == magic_avml)
				found = header_at(f, at + i, out) && out->first > behind;
		}
	}
	free(buf);
	return found;
}

/* A range, of which the file has `have` bytes. */
static int add_range(struct mmw_image *img, const struct mmw_record *r, uint64_t have, struct mmw_err *err)
{
	uint64_t len = r->last - r->first + 1;
	int rc;

	if (have >= len)
		return mmw_image_add_extent(img, r->first, len, r->at, MMW_STORED, err);
	rc = have ? mmw_image_add_extent(img, r->first, have, r->at, MMW_STORED, err) : 0;
	/* Past the end of the file: that is what makes an extent truncated. */
	return rc ? rc : mmw_image_add_extent(img, r->first + have, len - have, img->file->size, MMW_STORED, err);
}

/* One of LiME's records, and the next if there is one. */
static int plain_record(struct mmw_image *img, const struct mmw_record *r, struct mmw_record *next, bool *more,
			struct mmw_err *err)
{
	uint64_t len = r->last - r->first + 1, left = img->file->size - r->at, have = len;

	*more = len <= left && header_at(img->file, r->at + len, next);
	if (!*more && left != len && find_header(img->file, r->at, r->last, next)) {
		have = next->at - HEADER - r->at;
		*more = true;
	}
	return add_range(img, r, have < left ? have : left, err);
}

/*
 * The same for one of AVML's. Behind it stands the length of its chunks, unless that is missing or wrong: then a header
 * is looked for where it would be without and with it, and at last anywhere.
 */
static int packed_record(struct mmw_image *img, const struct mmw_record *r, struct walk *w, struct mmw_record *next,
			 bool *more, struct mmw_err *err)
{
	struct mmw_file *f = img->file;
	uint8_t trailer[TRAILER];
	uint64_t end;
	bool whole, right;
	int rc = mmw_avml_add(img, r, &end, &whole, err);

	if (rc)
		return rc;
	right = whole && f->size - end >= TRAILER && !mmw_file_read(f, end, trailer, TRAILER, NULL) &&
		mmw_get64(trailer, false) == end - r->at;
	w->odd |= whole && !right;
	*more = (right && header_at(f, end + TRAILER, next)) || (whole && header_at(f, end, next)) ||
		(whole && f->size - end > TRAILER && header_at(f, end + TRAILER, next));
	if (!*more && !(right && f->size - end == TRAILER))
		*more = find_header(f, end, r->last, next);
	return 0;
}

static void describe(struct mmw_image *img, const struct walk *w)
{
	int used = snprintf(img->note, sizeof(img->note), "%" PRIu64 " range%s", w->n, w->n == 1 ? "" : "s");

	if (w->packed && w->packed != w->n)
		used += snprintf(img->note + used, sizeof(img->note) - used, ", %" PRIu64 " of them compressed",
				 w->packed);
	if (w->odd)
		snprintf(img->note + used, sizeof(img->note) - used, ", lengths missing or wrong");
}

int mmw_records_open(struct mmw_image *img, struct mmw_err *err)
{
	struct mmw_record r, next = { 0 };
	struct walk w = { 0 };
	int rc = 0;

	if (!header_at(img->file, 0, &r))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "the header of the first range makes no sense");
	for (bool more = true; more && !rc; r = next, w.n++) {
		if (w.n == RECORDS_MAX)
			return mmw_fail(err, MMW_E_LIMIT, 0, "more than %d ranges", RECORDS_MAX);
		w.longest = r.last - r.first + 1 > w.longest ? r.last - r.first + 1 : w.longest;
		w.packed += r.packed;
		rc = r.packed ? packed_record(img, &r, &w, &next, &more, err) :
				plain_record(img, &r, &next, &more, err);
	}
	img->absent_or_zero = w.packed || w.longest == PIECE;
	describe(img, &w);
	return rc;
}

const struct mmw_format mmw_format_lime = {
	.name = "lime",
	.summary = "LiME, and AVML without compression: ranges of memory behind headers",
	.probe = lime_probe,
	.open = mmw_records_open,
	.reader_open = mmw_avml_reader_open,
	.reader_close = mmw_avml_reader_close,
	.read_packed = mmw_avml_read,
	.close = mmw_avml_close,
};

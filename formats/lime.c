/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LiME's format, version 1 (LiME's doc/README.md): ranges of memory in ascending order, each behind a packed header of
 * 32 bytes, little endian on every machine:
 *   magic 0x4c694d45 ("EMiL") u32, version 1 u32, first u64, last u64 (inclusive), reserved 8 bytes
 *
 * AVML writes the same where it does not compress. Neither has registers, and ranges need not begin or end at a page. When
 * LiME fails to write within a range it goes on with the next one, whose header then stands before the end that the first
 * one claims: what is missing there is truncated.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/image/build.h"

enum {
	HEADER = 32,
	RECORDS_MAX = 1 << 20,
	CHUNK = 1 << 20,
};

static const uint8_t magic[8] = { 'E', 'M', 'i', 'L', 1, 0, 0, 0 };

struct record {
	uint64_t first, last, at;  /* at: of its memory in the file */
};

static bool parse(const uint8_t *head, uint64_t at, struct record *out)
{
	*out = (struct record){ mmw_get64(head + 8, false), mmw_get64(head + 16, false), at + HEADER };
	return !memcmp(head, magic, sizeof(magic)) && out->first <= out->last && out->last - out->first != UINT64_MAX;
}

static int lime_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	return file_size >= HEADER && mmw_bytes_left(head) >= HEADER && !memcmp(head->base, magic, sizeof(magic)) ? 100 : 0;
}

static bool header_at(struct mmw_file *f, uint64_t at, struct record *out)
{
	uint8_t head[HEADER];

	return f->size >= HEADER && at <= f->size - HEADER && !mmw_file_read(f, at, head, sizeof(head), NULL) && parse(head, at, out);
}

/* The next header within a range that was cut off: one that goes on behind the range before it. */
static bool find_header(struct mmw_file *f, uint64_t from, uint64_t end, uint64_t behind, struct record *out)
{
	uint8_t *buf = malloc(CHUNK);
	bool found = false;

	for (uint64_t at = from; buf && !found && at < end; at += CHUNK - sizeof(magic) + 1) {
		size_t n = end - at < CHUNK ? end - at : CHUNK;
		const uint8_t *hit = buf;

		if (mmw_file_read(f, at, buf, n, NULL))
			break;
		for (; !found && (hit = memmem(hit, buf + n - hit, magic, sizeof(magic))); hit++)
			found = header_at(f, at + (hit - buf), out) && out->first > behind;
	}
	free(buf);
	return found;
}

/* A range, of which the file has `have` bytes. */
static int add_range(struct mmw_image *img, const struct record *r, uint64_t have, struct mmw_err *err)
{
	uint64_t len = r->last - r->first + 1;
	int rc;

	if (have >= len)
		return mmw_image_add_extent(img, r->first, len, r->at, MMW_STORED, err);
	rc = have ? mmw_image_add_extent(img, r->first, have, r->at, MMW_STORED, err) : 0;
	/* Past the end of the file: that is what makes an extent truncated. */
	return rc ? rc : mmw_image_add_extent(img, r->first + have, len - have, img->file->size, MMW_STORED, err);
}

static int lime_open(struct mmw_image *img, struct mmw_err *err)
{
	struct record r, next = { 0 };
	uint64_t n = 0;
	int rc = 0;

	if (!header_at(img->file, 0, &r))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: the first range of this LiME image makes no sense", img->name);
	for (bool more = true; more && !rc; r = next, n++) {
		uint64_t len = r.last - r.first + 1, left = img->file->size - r.at, have = len;

		if (n == RECORDS_MAX)
			return mmw_fail(err, MMW_E_LIMIT, 0, "%s: more than %d ranges", img->name, RECORDS_MAX);
		more = len <= left && header_at(img->file, r.at + len, &next);
		if (!more && left != len && find_header(img->file, r.at, img->file->size, r.last, &next)) {
			have = next.at - HEADER - r.at;
			more = true;
		}
		rc = add_range(img, &r, have < left ? have : left, err);
	}
	snprintf(img->note, sizeof(img->note), "%" PRIu64 " range%s", n, n == 1 ? "" : "s");
	return rc;
}

const struct mmw_format mmw_format_lime = {
	.name = "lime",
	.summary = "LiME, and AVML without compression: ranges of memory behind headers",
	.probe = lime_probe,
	.open = lime_open,
};

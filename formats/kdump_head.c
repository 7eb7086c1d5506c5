/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "formats/kdump_head.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"

enum {
	BLOCK_MIN = 4096,
	BLOCK_MAX = 1 << 20,
};

bool mmw_kdump_signature(const void *bytes)
{
	return !memcmp(bytes, "KDUMP   ", SIGNATURE_LEN) || !memcmp(bytes, "DISKDUMP", SIGNATURE_LEN);
}

bool mmw_kdump_is_incomplete(const struct kdump_head *h)
{
	return h->status & (h->disk ? DISK_INCOMPLETE : DH_INCOMPLETE);
}

static int parse_head(struct mmw_bytes *b, uint64_t status_at, struct kdump_head *h, struct mmw_err *err)
{
	int rc;

	h->be = b->big_endian;
	h->disk = b->base[0] == 'D';
	rc = mmw_bytes_seek(b, MAIN_VERSION, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->version, err);
	rc = rc ? rc : mmw_bytes_seek(b, status_at, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->status, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->block_size, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->sub_blocks, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->bitmap_blocks, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->max_mapnr, err);
	return rc;
}

/* Where the descriptors start. Cannot overflow: 2^33 blocks of at most 2^20 bytes. */
uint64_t mmw_kdump_desc_start(const struct kdump_head *h)
{
	return (1 + (uint64_t)h->sub_blocks + h->bitmap_blocks) * h->block_size;
}

/* How much sense a reading of the main header makes; 0 is none. */
static int head_score(const struct kdump_head *h, uint64_t file_size)
{
	if (h->version > 0xffff || h->block_size < BLOCK_MIN || h->block_size > BLOCK_MAX ||
	    (h->block_size & (h->block_size - 1)) || h->sub_blocks > INT32_MAX ||
	    (uint64_t)h->bitmap_blocks * h->block_size * 8 < h->max_mapnr)
		return 0;
	return 1 + (h->sub_blocks ? 4 : 0) + (mmw_kdump_desc_start(h) <= file_size ? 4 : 0) + (h->status & ~DH_KNOWN ? 0 : 2) +
	       (h->max_mapnr ? 1 : 0) + (h->version <= 6 ? 1 : 0);
}

/* An empty part of a split dump ends with its bitmaps, which are not padded to a block: `whole` is false for one. */
static int check_room(const struct mmw_file *f, const struct kdump_head *h, bool whole, struct mmw_err *err)
{
	if (!whole || mmw_kdump_desc_start(h) <= f->size)
		return 0;
	return mmw_fail(err, MMW_E_CORRUPT, f->size, "truncated: the kdump headers and bitmaps take %" PRIu64
			" bytes, the file has %" PRIu64, mmw_kdump_desc_start(h), f->size);
}

/* Read the main header in each byte order and shape; *wide when `status` is where 64-bit machines put it. */
int mmw_kdump_read_head(struct mmw_file *f, uint8_t *bytes, struct kdump_head *h, bool *wide, struct mmw_err *err)
{
	size_t len = mmw_min64(f->size, MAIN_LEN);
	int rc = mmw_file_read(f, 0, bytes, len, err);
	int best = 0;

	if (rc)
		return rc;
	if (len < SIGNATURE_LEN || !mmw_kdump_signature(bytes))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "no kdump signature");
	for (int shape = 0; shape < 4; shape++) {
		struct mmw_bytes b = mmw_bytes_of(bytes, len, shape & 2, "kdump header");
		struct kdump_head try;
		int score;

		rc = parse_head(&b, shape & 1 ? MAIN_STATUS_NARROW : MAIN_STATUS_WIDE, &try, err);
		if (rc)
			return mmw_wrap(err, rc, "truncated");
		score = head_score(&try, f->size);
		if (score > best) {
			best = score;
			*h = try;
			*wide = !(shape & 1);
		}
	}
	if (!best)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "the kdump header makes no sense in any byte order or "
				"word size");
	return check_room(f, h, f->size < 2 * (uint64_t)h->block_size, err);
}

/* How many bytes of the sub header a version has. */
static unsigned sub_len(const struct sub_layout *l, uint32_t version)
{
	switch (version) {
	case 0:
		return l->word;
	case 1:
		return l->level + 4;
	case 2:
		return l->end + l->word;
	case 3:
		return l->vmcoreinfo + 8 + l->word;
	case 4:
		return l->note + 8 + l->word;
	case 5:
		return l->erase + 8 + l->word;
	default:
		return l->max64 + 8;
	}
}

/* A word or a quadword at a place that the version may not have, which is then 0. */
static int field(struct mmw_bytes *b, unsigned at, unsigned size, uint64_t *out, struct mmw_err *err)
{
	int rc;

	*out = 0;
	if (at + size > b->len)
		return 0;
	rc = mmw_bytes_seek(b, at, err);
	return rc ? rc : mmw_bytes_word(b, size, out, err);
}

static int parse_sub(struct mmw_file *f, const struct kdump_head *h, const struct sub_layout *l, struct kdump_sub *s,
		     struct mmw_err *err)
{
	uint8_t bytes[128];
	unsigned len = h->sub_blocks ? sub_len(l, h->version) : 0;
	struct mmw_bytes b = mmw_bytes_of(bytes, len, h->be, "kdump sub header");
	bool wide_pfns = h->version >= 6;
	uint64_t level, split;
	int rc = mmw_file_read(f, h->block_size, bytes, len, err);

	rc = rc ? rc : field(&b, 0, l->word, &s->phys_base, err);
	rc = rc ? rc : field(&b, l->level, 4, &level, err);
	rc = rc ? rc : field(&b, l->split, 4, &split, err);
	rc = rc ? rc : field(&b, wide_pfns ? l->start64 : l->start, wide_pfns ? 8 : l->word, &s->start, err);
	rc = rc ? rc : field(&b, wide_pfns ? l->end64 : l->end, wide_pfns ? 8 : l->word, &s->end, err);
	rc = rc ? rc : field(&b, l->vmcoreinfo, 8, &s->vmcoreinfo_at, err);
	rc = rc ? rc : field(&b, l->vmcoreinfo + 8, l->word, &s->vmcoreinfo_len, err);
	rc = rc ? rc : field(&b, l->note, 8, &s->note_at, err);
	rc = rc ? rc : field(&b, l->note + 8, l->word, &s->note_len, err);
	rc = rc ? rc : field(&b, l->max64, 8, &s->max_mapnr, err);
	if (rc)
		return mmw_wrap(err, rc, "kdump sub header");
	s->level = level;
	s->split = split;
	return 0;
}

/* An area of the sub header's blocks, behind the sub header: 2 when it is there, 1 when there is none, 0 for junk. */
static int area_score(const struct kdump_head *h, uint64_t at, uint64_t len)
{
	uint64_t stop = (1 + (uint64_t)h->sub_blocks) * h->block_size;

	if (!at && !len)
		return 1;
	return at > h->block_size && mmw_fits(at, len, stop) ? 2 : 0;
}

static int sub_score(const struct kdump_head *h, const struct kdump_sub *s)
{
	int score = 1;

	if (h->version >= 2 && s->split <= 1)
		score++;
	if (h->version >= 3)
		score += area_score(h, s->vmcoreinfo_at, s->vmcoreinfo_len);
	if (h->version >= 4)
		score += area_score(h, s->note_at, s->note_len);
	if (h->version >= 6 && mmw_min64(s->max_mapnr, UINT32_MAX) == h->max_mapnr)
		score += 2;
	return score;
}

static bool is_empty_part(const struct kdump_head *h, const struct kdump_sub *s)
{
	return h->version >= 2 && s->split && s->start == s->end;
}

int mmw_kdump_read_sub(struct mmw_file *f, const struct kdump_head *h, bool wide, struct kdump_sub *s, struct mmw_err *err)
{
	/* A wide main header with a narrow sub header: a 32-bit machine with 64-bit time. */
	const struct sub_layout *const layouts[] = { wide ? &sub_wide : &sub_packed, &sub_padded };
	int best = 0;

	for (size_t i = 0; !h->disk && i < mmw_array_len(layouts); i++) {
		struct kdump_sub try = { 0 };
		int rc = parse_sub(f, h, layouts[i], &try, err);
		int score;

		if (rc)
			return rc;
		score = sub_score(h, &try);
		if (score > best) {
			best = score;
			*s = try;
		}
	}
	return check_room(f, h, !is_empty_part(h, s), err);
}

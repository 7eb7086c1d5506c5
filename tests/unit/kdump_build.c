/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/kdump_build.h"

#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { DESC = 24, BLOCK_MAX = 65536 };

static void put(uint8_t *p, uint64_t v, unsigned size, bool be)
{
	for (unsigned i = 0; i < size; i++)
		p[be ? size - 1 - i : i] = v >> (8 * i);
}

/* --- a struct as a C compiler would lay it out ------------------------------------------------------------------ */

struct layout {
	uint8_t *base;
	size_t at;
	bool be;
	unsigned word;        /* sizeof(long) */
	unsigned quad_align;  /* of 64-bit members */
};

static void member(struct layout *l, uint64_t v, unsigned size)
{
	unsigned align = size == 8 ? l->quad_align : size;

	l->at = (l->at + align - 1) / align * align;
	put(l->base + l->at, v, size, l->be);
	l->at += size;
}

static void member_long(struct layout *l, uint64_t v)
{
	member(l, v, l->word);
}

static struct layout layout_of(const struct kd_spec *s, uint8_t *base)
{
	return (struct layout){ base, 0, s->big_endian, s->shape == KD_WIDE ? 8 : 4, s->shape == KD_PACKED ? 4 : 8 };
}

static uint32_t capped(uint64_t v)
{
	return v < UINT32_MAX ? v : UINT32_MAX;
}

static void write_main(const struct kd_spec *s, uint8_t *base, uint32_t sub_blocks, uint32_t bitmap_blocks,
		       uint64_t max_mapnr)
{
	struct layout l = layout_of(s, base);
	unsigned time = s->shape == KD_WIDE || s->shape == KD_TIME64 ? 8 : 4;

	memcpy(base, "KDUMP   ", 8);
	l.at = 8;
	member(&l, s->version, 4);
	if (s->release)
		strncpy((char *)base + l.at + 2 * 65, s->release, 64);
	if (s->machine)
		strncpy((char *)base + l.at + 4 * 65, s->machine, 64);
	l.at += 6 * 65;
	member(&l, 1700000000, time);
	member(&l, 131072, time);
	member(&l, s->status | s->codec, 4);
	member(&l, s->block_size, 4);
	member(&l, sub_blocks, 4);
	member(&l, bitmap_blocks, 4);
	member(&l, capped(max_mapnr), 4);
	for (int i = 0; i < 4; i++)  /* total_ram_blocks, device_blocks, written_blocks, current_cpu */
		member(&l, 0, 4);
	member(&l, 2, 4);
}

static void write_sub(const struct kd_spec *s, uint8_t *base, uint64_t notes_at, uint64_t max_mapnr)
{
	struct layout l = layout_of(s, base);
	uint64_t info_at = s->vmcoreinfo_len ? notes_at + s->vmcoreinfo_at : 0;

	member_long(&l, s->phys_base);
	if (s->version >= 1)
		member(&l, s->level, 4);
	if (s->version >= 2) {
		member(&l, s->split, 4);
		member_long(&l, capped(s->start));
		member_long(&l, capped(s->end));
	}
	if (s->version >= 3) {
		member(&l, info_at, 8);
		member_long(&l, s->vmcoreinfo_len);
	}
	if (s->version >= 4) {
		member(&l, s->notes_len ? notes_at : 0, 8);
		member_long(&l, s->notes_len);
	}
	if (s->version >= 5) {
		member(&l, 0, 8);
		member_long(&l, 0);
	}
	if (s->version >= 6) {
		member(&l, s->start, 8);
		member(&l, s->end, 8);
		member(&l, max_mapnr, 8);
	}
}

/* --- pages ------------------------------------------------------------------------------------------------------ */

static size_t pack_lzo(const void *in, size_t len, void *out)
{
	void *work = malloc(LZO1X_1_MEM_COMPRESS);
	lzo_uint got = len;

	if (!work || lzo_init() != LZO_E_OK || lzo1x_1_compress(in, len, out, &got, work) != LZO_E_OK)
		got = len;
	free(work);
	return got;
}

/* Compressed size, or `len` when the page is better stored. `out` has room for any codec's worst case. */
static size_t pack(enum kd_codec codec, const void *in, size_t len, void *out, size_t cap)
{
	size_t got = len;
	uLongf zgot = cap;

	switch (codec) {
	case KD_ZLIB:
		got = compress2(out, &zgot, in, len, 1) == Z_OK ? zgot : len;
		break;
	case KD_LZO:
		got = pack_lzo(in, len, out);
		break;
	case KD_SNAPPY:
		got = cap;
		if (snappy_compress(in, len, out, &got) != SNAPPY_OK)
			got = len;
		break;
	case KD_ZSTD:
		got = ZSTD_compress(out, cap, in, len, 1);
		if (ZSTD_isError(got))
			got = len;
		break;
	case KD_STORED:
		break;
	}
	return got < len ? got : len;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

struct writer {
	const struct kd_spec *s;
	struct kd_image *img;
	uint8_t *packed;
	size_t zero_at;
};

static void write_desc(struct writer *w, size_t index, uint64_t offset, uint32_t size, uint32_t flags)
{
	uint8_t *p = w->img->bytes + w->img->desc_at + index * DESC;
	bool be = w->s->big_endian;

	put(p, offset, 8, be);
	put(p + 8, size, 4, be);
	put(p + 12, flags, 4, be);
	put(p + 16, 0, 8, be);
}

static void write_page(struct writer *w, const struct kd_page *page, size_t index)
{
	const struct kd_spec *s = w->s;
	uint32_t flags = s->codec;
	size_t n;

	if (page->kind == KD_LOST)
		return;
	if (s->share_zero && is_zero(page->bytes, s->block_size)) {
		if (!w->zero_at) {
			w->zero_at = w->img->len;
			memset(w->img->bytes + w->img->len, 0, s->block_size);
			w->img->len += s->block_size;
		}
		write_desc(w, index, w->zero_at, s->block_size, 0);
		return;
	}
	n = pack(s->codec, page->bytes, s->block_size, w->packed, 2 * BLOCK_MAX);
	if (n == s->block_size)
		flags = 0;
	write_desc(w, index, w->img->len, n, flags);
	memcpy(w->img->bytes + w->img->len, flags ? w->packed : page->bytes, n);
	w->img->len += n;
}

static bool in_part(const struct kd_spec *s, uint64_t pfn)
{
	return !s->split || (pfn >= s->start && pfn < s->end);
}

static void write_pages(struct writer *w, size_t bitmap_len)
{
	const struct kd_spec *s = w->s;
	uint8_t *first = w->img->bytes + w->img->bitmap_at, *second = s->one_bitmap ? first : first + bitmap_len;
	size_t index = 0;

	w->img->len = w->img->data_at;
	for (size_t i = 0; i < s->n_pages; i++) {
		const struct kd_page *p = &s->pages[i];

		if (!s->one_bitmap)
			first[p->pfn / 8] |= 1 << p->pfn % 8;
		if (p->kind == KD_EXCLUDED)
			continue;
		second[p->pfn / 8] |= 1 << p->pfn % 8;
		if (in_part(s, p->pfn))
			write_page(w, p, index++);
	}
}

int kd_build(const struct kd_spec *s, struct kd_image *out)
{
	uint64_t last = s->n_pages ? s->pages[s->n_pages - 1].pfn : 0;
	uint64_t max_mapnr = s->max_mapnr ? s->max_mapnr : last + 1;
	size_t each = ((max_mapnr + 7) / 8 + s->block_size - 1) / s->block_size * s->block_size;
	size_t sub_len = (104 + s->notes_len + s->block_size - 1) / s->block_size * s->block_size;
	struct writer w = { s, out, malloc(2 * BLOCK_MAX), 0 };

	memset(out, 0, sizeof(*out));
	if (!w.packed || last >= max_mapnr || s->block_size > BLOCK_MAX)
		goto fail;
	for (size_t i = 0; i < s->n_pages; i++)
		out->n_desc += s->pages[i].kind != KD_EXCLUDED && in_part(s, s->pages[i].pfn);
	out->sub_at = s->block_size;
	out->bitmap_at = out->sub_at + sub_len;
	out->desc_at = out->bitmap_at + each * (s->one_bitmap ? 1 : 2);
	out->data_at = out->desc_at + out->n_desc * DESC;
	out->bytes = calloc(1, out->data_at + (s->n_pages + 1) * s->block_size);
	if (!out->bytes)
		goto fail;
	write_main(s, out->bytes, sub_len / s->block_size, (out->desc_at - out->bitmap_at) / s->block_size, max_mapnr);
	write_sub(s, out->bytes + out->sub_at, out->sub_at + 104, max_mapnr);
	if (s->notes_len)
		memcpy(out->bytes + out->sub_at + 104, s->notes, s->notes_len);
	write_pages(&w, each);
	free(w.packed);
	return 0;
fail:
	free(w.packed);
	return -1;
}

void kd_free(struct kd_image *img)
{
	free(img->bytes);
	memset(img, 0, sizeof(*img));
}

void kd_fill(uint8_t *block, size_t size, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;

	for (size_t i = 0; i < size; i += 8) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		put(block + i, seed % 7 ? (x >> 60) * 0x0101010101u + seed : x ^ x >> 29, 8, false);
	}
	block[0] |= 1;
}

/* --- flattened streams ------------------------------------------------------------------------------------------ */

static int append(struct kd_stream *s, const void *bytes, size_t len)
{
	if (s->cap - s->len < len) {
		size_t cap = 2 * (s->len + len);
		uint8_t *grown = realloc(s->bytes, cap);

		if (!grown)
			return -1;
		s->bytes = grown;
		s->cap = cap;
	}
	if (len)
		memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
	return 0;
}

int kd_stream_begin(struct kd_stream *s)
{
	uint8_t head[4096] = "makedumpfile";

	memset(s, 0, sizeof(*s));
	put(head + 16, 1, 8, true);
	put(head + 24, 1, 8, true);
	return append(s, head, sizeof(head));
}

int kd_stream_record(struct kd_stream *s, uint64_t inner, const void *bytes, size_t len)
{
	uint8_t head[16];

	put(head, inner, 8, true);
	put(head + 8, len, 8, true);
	return append(s, head, sizeof(head)) || append(s, bytes, len) ? -1 : 0;
}

int kd_stream_end(struct kd_stream *s)
{
	uint8_t mark[16];

	memset(mark, 0xff, sizeof(mark));
	return append(s, mark, sizeof(mark));
}

void kd_stream_free(struct kd_stream *s)
{
	free(s->bytes);
	memset(s, 0, sizeof(*s));
}

/* A step that visits each of n places once: it shares no factor with n. */
static size_t coprime_step(size_t n)
{
	for (size_t step = n / 3 * 2 + 1; step > 1; step--) {
		size_t a = n, b = step;

		while (b) {
			size_t rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
			return step;
	}
	return 1;
}

int kd_flatten(const void *bytes, size_t len, size_t record, enum kd_order order, struct kd_stream *out)
{
	size_t n = (len + record - 1) / record, step = coprime_step(n);
	int rc = kd_stream_begin(out);

	for (size_t i = 0; !rc && i < n; i++) {
		size_t k = order == KD_REVERSE ? n - 1 - i : order == KD_SHUFFLED ? (i * step + n / 2) % n : i;
		size_t at = k * record, size = len - at < record ? len - at : record;

		rc = kd_stream_record(out, at, (const uint8_t *)bytes + at, size);
	}
	return rc ? rc : kd_stream_end(out);
}

/* --- samples ---------------------------------------------------------------------------------------------------- */

int kd_sample(unsigned index, struct kd_image *out)
{
	static const enum kd_codec codecs[] = { KD_STORED, KD_ZLIB, KD_LZO, KD_SNAPPY, KD_ZSTD };
	static const char text[] = "\x0b\0\0\0\x08\0\0\0\0\0\0\0VMCOREINFO\0\0PAGESIZ\n";
	static uint8_t data[3][4096];
	static const uint8_t zero[4096];
	const struct kd_page pages[] = {
		{ 1, KD_DATA, data[0] }, { 2, KD_EXCLUDED, NULL }, { 3, KD_DATA, zero }, { 64, KD_DATA, data[1] },
		{ 65, KD_DATA, zero }, { 130, KD_DATA, data[2] }, { 131, index % 3 == 2 ? KD_LOST : KD_DATA, zero },
	};
	struct kd_spec s = {
		.version = 6 - index / 40 % 7, .big_endian = index / 5 % 2, .shape = index / 10 % KD_SHAPES,
		.block_size = 4096, .codec = codecs[index % 5], .share_zero = index % 2, .one_bitmap = index % 11 == 3,
		.status = index % 3 == 2 ? 8 : 0, .level = 1, .machine = index % 4 ? "x86_64" : NULL,
		.split = index % 13 == 4, .start = 3, .end = 130, .notes = text, .notes_len = sizeof(text) - 1,
		.vmcoreinfo_at = 24, .vmcoreinfo_len = 8, .pages = pages, .n_pages = 7,
	};

	if (index >= 280)
		return -1;
	for (unsigned i = 0; i < 3; i++)
		kd_fill(data[i], sizeof(data[i]), i + 5);
	return kd_build(&s, out);
}

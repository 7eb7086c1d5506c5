/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kdump-compressed dumps, version 6 (formats/kdump.c has the layout), as makedumpfile writes them.
 *
 * The first block of the data is one of zeros, which every page of zeros points at. A page goes as it is where
 * compressing it saves nothing. Pages left out have a bit in the first bitmap only; missing ones have both and a
 * descriptor of zeros, and the header says that the dump is incomplete.
 *
 * On 32-bit ARM pages count from the start of the linear map, which is where crash and makedumpfile begin; where there
 * is memory below it, from 0, as QEMU does it, and then the header names no release.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/kdump_layout.h"
#include "formats/pack.h"
#include "formats/writer.h"

enum {
	VERSION = 6,
	LEVEL_NONE = 0, LEVEL_ALL = 31,  /* dump_level: nothing was left out; whatever may be */
	BITMAP_WINDOW = 1 << 16,         /* bytes written at once */
	EM_LOONGARCH_ = 258,
};

static const uint64_t pfn_max = 1ull << 37;  /* what formats/kdump.c takes */

enum kind { PAGE_PACKED, PAGE_STORED, PAGE_ZERO, PAGE_LOST };

struct kdump {
	const struct sub_layout *sub;
	uint64_t page, base_pfn, n_pfn;
	uint64_t sub_blocks, bitmap_blocks;  /* the latter of one bitmap */
	uint64_t desc_at, zero_at, next;     /* next: where data goes on */
	bool excluded, lost;
};

struct packed_page {
	uint32_t at, len;
	enum kind kind;
};

/* What becomes of a chunk. */
struct packed {
	struct mmw_pack *pack;
	uint8_t *bytes;
	size_t len;
	uint64_t off;  /* in the file */
	struct packed_page pages[MMW_CHUNK / MMW_WRITE_PAGE];
	uint8_t descs[MMW_CHUNK / MMW_WRITE_PAGE * DESC_LEN];
};

static uint64_t divide_up(uint64_t n, uint64_t by)
{
	return n / by + (n % by != 0);
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

/* As uname -m has it. */
static const char *machine_name(const struct mmw_write_opts *o, bool be)
{
	switch (o->machine) {
	case EM_X86_64:
		return "x86_64";
	case EM_386:
		return "i686";
	case EM_AARCH64:
		return be ? "aarch64_be" : "aarch64";
	case EM_ARM:
		return be ? "armv7b" : "armv7l";
	case EM_RISCV:
		return o->wide ? "riscv64" : "riscv32";
	case EM_S390:
		return o->wide ? "s390x" : "s390";
	case EM_PPC64:
		return be ? "ppc64" : "ppc64le";
	case EM_PPC:
		return "ppc";
	case EM_MIPS:
		return o->wide ? "mips64" : "mips";
	case EM_LOONGARCH_:
		return "loongarch64";
	default:
		return "";
	}
}

static uint32_t codec_bit(const struct mmw_write_opts *o)
{
	static const uint32_t bits[] = {
		[MMW_CODEC_ZLIB] = DH_ZLIB,
		[MMW_CODEC_LZO] = DH_LZO,
		[MMW_CODEC_SNAPPY] = DH_SNAPPY,
		[MMW_CODEC_ZSTD] = DH_ZSTD,
	};

	return o->pack ? bits[o->codec] : 0;
}

static void put_text(uint8_t *head, unsigned field, const char *text)
{
	size_t len = strlen(text);

	memcpy(head + MAIN_UTSNAME + field * UTSNAME_FIELD, text, len < UTSNAME_FIELD ? len : UTSNAME_FIELD - 1);
}

static void main_header(const struct mmw_writing *w, const struct kdump *k, uint8_t *head)
{
	const struct mmw_write_opts *o = w->opts;
	bool be = mmw_image_big_endian(w->img), named = o->machine != EM_ARM || k->base_pfn;
	uint32_t fields[] = {
		codec_bit(o) | (k->lost ? DH_INCOMPLETE : 0), (uint32_t)k->page, (uint32_t)k->sub_blocks,
		(uint32_t)(2 * k->bitmap_blocks), k->n_pfn < UINT32_MAX ? (uint32_t)k->n_pfn : UINT32_MAX,
		0, 0, 0, 0, w->notes.cpus ? (uint32_t)w->notes.cpus : 1,
	};

	memcpy(head, "KDUMP   ", SIGNATURE_LEN);
	mmw_put_word(head + MAIN_VERSION, VERSION, 4, be);
	put_text(head, 0, "Linux");
	put_text(head, 2, named ? o->release : "");
	put_text(head, 3, named ? o->version : "");
	put_text(head, 4, machine_name(o, be));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		mmw_put_word(head + (o->wide ? MAIN_STATUS_WIDE : MAIN_STATUS_NARROW) + 4 * i, fields[i], 4, be);
}

static size_t sub_len(const struct kdump *k)
{
	return k->sub->max64 + 8;
}

static void sub_header(const struct mmw_writing *w, const struct kdump *k, uint8_t *p)
{
	const struct sub_layout *l = k->sub;
	const struct mmw_notes *notes = &w->notes;
	bool be = mmw_image_big_endian(w->img);
	uint64_t notes_at = k->page + sub_len(k);

	mmw_put_word(p, w->opts->has_phys_base ? w->opts->phys_base : 0, l->word, be);
	mmw_put_word(p + l->level, k->excluded ? LEVEL_ALL : LEVEL_NONE, 4, be);
	if (notes->text_len) {
		mmw_put_word(p + l->vmcoreinfo, notes_at + notes->text_at, 8, be);
		mmw_put_word(p + l->vmcoreinfo + 8, notes->text_len, l->word, be);
	}
	if (notes->len) {
		mmw_put_word(p + l->note, notes_at, 8, be);
		mmw_put_word(p + l->note + 8, notes->len, l->word, be);
	}
	mmw_put_word(p + l->max64, k->n_pfn, 8, be);
}

/* Both headers and the notes: last, because only then it is known whether everything could be read. */
static int end(struct mmw_writing *w, uint64_t *size, struct mmw_err *err)
{
	struct kdump *k = w->own;
	uint8_t *head = calloc(2, k->page);
	int rc;

	if (!head)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the headers");
	main_header(w, k, head);
	sub_header(w, k, head + k->page);
	rc = mmw_put(w->sink, 0, head, k->page + sub_len(k), err);
	rc = rc ? rc : mmw_put(w->sink, k->page + sub_len(k), w->notes.bytes, w->notes.len, err);
	free(head);
	*size = k->next;
	return rc;
}

/* --- bitmaps ------------------------------------------------------------------------------------------------------ */

struct bitmap {
	const struct mmw_writing *w;
	uint64_t at, len;  /* in the file */
	uint64_t window;   /* which of its windows is in bytes[] */
	bool any;
	uint8_t bytes[BITMAP_WINDOW];
};

static int flush(struct bitmap *b, struct mmw_err *err)
{
	uint64_t from = b->window * BITMAP_WINDOW, left = b->len - from;
	size_t n = left < BITMAP_WINDOW ? left : BITMAP_WINDOW;
	int rc = b->any ? mmw_put(b->w->sink, b->at + from, b->bytes, n, err) : 0;

	memset(b->bytes, 0, sizeof(b->bytes));
	b->any = false;
	return rc;
}

/* Set bits [first, stop), which come in ascending order. */
static int set_bits(struct bitmap *b, uint64_t first, uint64_t stop, struct mmw_err *err)
{
	while (first < stop) {
		uint64_t bits = BITMAP_WINDOW * 8, window = first / bits, in = first % bits;
		int rc = window != b->window ? flush(b, err) : 0;

		if (rc)
			return rc;
		b->window = window;
		b->any = true;
		if (in % 8 == 0 && stop - first >= 8) {
			b->bytes[in / 8] = 0xff;
			first += 8;
		} else {
			b->bytes[in / 8] |= 1u << in % 8;
			first++;
		}
	}
	return 0;
}

static int put_bitmap(struct mmw_writing *w, const struct kdump *k, bool second, struct mmw_err *err)
{
	struct bitmap *b = calloc(1, sizeof(*b));
	int rc = 0;

	if (!b)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a bitmap");
	b->w = w;
	b->len = k->bitmap_blocks * k->page;
	b->at = (1 + k->sub_blocks) * k->page + second * b->len;
	for (size_t i = 0; !rc && i < w->n_spans; i++) {
		const struct mmw_span *s = &w->spans[i];
		uint64_t first = s->pa / k->page - k->base_pfn;

		if (!second || s->state != MMW_EXCLUDED)
			rc = set_bits(b, first, first + s->len / k->page, err);
	}
	rc = rc ? rc : flush(b, err);
	free(b);
	return rc;
}

/* --- the plan ----------------------------------------------------------------------------------------------------- */

static uint64_t pfn_base(const struct mmw_writing *w, uint64_t page)
{
	const struct mmw_write_opts *o = w->opts;
	uint64_t first = w->spans[0].pa;

	if (o->machine != EM_ARM || !o->has_phys_base || !o->release[0] || o->phys_base % page || first < o->phys_base)
		return 0;
	/* Or else a reader could not tell that it does not count from 0. */
	return first - o->phys_base < o->phys_base ? o->phys_base / page : 0;
}

static int lay_out(struct mmw_writing *w, struct kdump *k, struct mmw_err *err)
{
	const struct mmw_span *last = &w->spans[w->n_spans - 1];
	uint64_t index = 0;

	k->page = w->opts->page_size;
	k->sub = w->opts->wide ? &sub_wide : w->opts->machine == EM_386 ? &sub_packed : &sub_padded;
	k->base_pfn = pfn_base(w, k->page);
	k->n_pfn = (last->pa + last->len) / k->page - k->base_pfn;
	if (k->n_pfn > pfn_max)
		return mmw_fail(err, MMW_E_LIMIT, last->pa, "memory at 0x%" PRIx64 " is too high for a kdump",
				last->pa);
	k->sub_blocks = divide_up(sub_len(k) + w->notes.len, k->page);
	k->bitmap_blocks = divide_up(divide_up(k->n_pfn, 8), k->page);
	k->desc_at = (1 + k->sub_blocks + 2 * k->bitmap_blocks) * k->page;
	for (size_t i = 0; i < w->n_spans; i++) {
		struct mmw_span *s = &w->spans[i];

		k->excluded = k->excluded || s->state == MMW_EXCLUDED;
		k->lost = k->lost || s->state == MMW_TRUNCATED;
		s->off = index * k->page;
		index += s->state == MMW_EXCLUDED ? 0 : s->len / k->page;
	}
	k->zero_at = k->desc_at + index * DESC_LEN;
	k->next = k->zero_at + k->page;
	return 0;
}

static int begin(struct mmw_writing *w, uint64_t *size, struct mmw_err *err)
{
	struct kdump *k = w->own = calloc(1, sizeof(*k));
	uint8_t *zeros;
	int rc;

	(void)size;
	if (!k)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to write a kdump");
	rc = lay_out(w, k, err);
	rc = rc ? rc : put_bitmap(w, k, false, err);
	rc = rc ? rc : put_bitmap(w, k, true, err);
	if (rc)
		return rc;
	zeros = calloc(1, k->page);
	if (!zeros)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to write a kdump");
	rc = mmw_put(w->sink, k->zero_at, zeros, k->page, err);
	free(zeros);
	return rc;
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

static int open_own(const struct mmw_writing *w, struct mmw_chunk *c, struct mmw_err *err)
{
	struct packed *p = c->own;

	if (!p)
		p = c->own = calloc(1, sizeof(*p));
	if (p && !p->bytes)
		p->bytes = malloc(MMW_CHUNK + mmw_pack_room(w->opts->page_size));
	if (!p || !p->bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to write pages");
	return !w->opts->pack || p->pack ? 0 : mmw_pack_open(w->opts->codec, w->opts->level, &p->pack, err);
}

static void close_own(void *own)
{
	struct packed *p = own;

	if (!p)
		return;
	mmw_pack_close(p->pack);
	free(p->bytes);
	free(p);
}

static void add_page(struct packed *p, struct packed_page *page, const uint8_t *bytes, size_t size)
{
	page->at = p->len;
	page->len = p->pack ? mmw_pack(p->pack, bytes, size, p->bytes + p->len) : 0;
	page->kind = page->len ? PAGE_PACKED : PAGE_STORED;
	if (!page->len) {
		memcpy(p->bytes + p->len, bytes, size);
		page->len = size;
	}
	p->len += page->len;
}

static int prepare(struct mmw_writing *w, struct mmw_chunk *c, struct mmw_err *err)
{
	int rc = open_own(w, c, err);
	size_t page = w->opts->page_size, lost = 0, n = 0;
	struct packed *p = c->own;

	if (rc)
		return rc;
	p->len = 0;
	for (size_t i = 0; i < c->n_pieces; i++) {
		for (size_t at = 0; at < c->pieces[i].len; at += page, n++) {
			const uint8_t *bytes = c->bytes + c->pieces[i].at + at;
			uint64_t pa = c->pieces[i].pa + at;

			while (lost < c->n_lost && c->lost[lost].pa + c->lost[lost].len <= pa)
				lost++;
			if (lost < c->n_lost && c->lost[lost].pa < pa + page) {
				p->pages[n].kind = PAGE_LOST;
			} else if (mmw_all_zero(bytes, page)) {
				p->pages[n].kind = PAGE_ZERO;
				c->zero += page;
			} else {
				add_page(p, &p->pages[n], bytes, page);
			}
		}
	}
	return 0;
}

static void place(struct mmw_writing *w, struct mmw_chunk *c)
{
	struct packed *p = c->own;
	struct kdump *k = w->own;

	p->off = k->next;
	k->next += p->len;
	k->lost = k->lost || c->n_lost;
}

static void put_desc(const struct mmw_writing *w, const struct packed *p, const struct packed_page *page, uint8_t *d)
{
	const struct kdump *k = w->own;
	bool be = mmw_image_big_endian(w->img);

	memset(d, 0, DESC_LEN);
	if (page->kind == PAGE_LOST)
		return;
	mmw_put_word(d, page->kind == PAGE_ZERO ? k->zero_at : p->off + page->at, 8, be);
	mmw_put_word(d + 8, page->kind == PAGE_ZERO ? k->page : page->len, 4, be);
	mmw_put_word(d + 12, page->kind == PAGE_PACKED ? codec_bit(w->opts) : 0, 4, be);
}

static int store(struct mmw_writing *w, struct mmw_chunk *c, struct mmw_err *err)
{
	const struct kdump *k = w->own;
	struct packed *p = c->own;
	int rc = 0;

	for (size_t i = 0; i < c->len / k->page; i++)
		put_desc(w, p, &p->pages[i], p->descs + i * DESC_LEN);
	for (size_t i = 0, n; !rc && i < c->n_pieces; i += n) {
		const struct mmw_piece *piece = &c->pieces[i];
		size_t len = piece->len;

		for (n = 1; i + n < c->n_pieces && piece[n].off == piece->off + len; n++)
			len += piece[n].len;
		rc = mmw_put(w->sink, k->desc_at + piece->off / k->page * DESC_LEN,
			     p->descs + piece->at / k->page * DESC_LEN, len / k->page * DESC_LEN, err);
	}
	return rc ? rc : mmw_put(w->sink, p->off, p->bytes, p->len, err);
}

static const struct mmw_write_ops ops = {
	.blocks = true,
	.begin = begin,
	.prepare = prepare,
	.place = place,
	.store = store,
	.end = end,
	.close_own = close_own,
};

const struct mmw_writer mmw_writer_kdump = {
	.name = "kdump",
	.summary = "kdump-compressed dump, as makedumpfile writes it",
	.endings = ".kdump .kdmp",
	.streams = true,
	.notes = true,
	.holes = true,
	.ops = &ops,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's ram section, version 4 (migration/ram.c): words of 8 bytes, big endian, whose bits below the page size are
 * flags and whose other bits are an offset in a block of memory.
 *
 *   0x004 MEM_SIZE       the offset is the size of all blocks, which follow until they add up to it: u8 length and
 *                        name, u64 bytes, [postcopy-ram: u64 page size where it is a huge one], [x-ignore-shared: u64
 *                        address], [mapped-ram: u32 version 1, u64 page size, u64 offset of a bitmap, u64 of the pages]
 *   0x002 ZERO           [name], u8 that the page is full of
 *   0x008 PAGE           [name], the page
 *   0x040 XBZRLE         [name], u8 1, u16 length, changes to what the page was (migration/xbzrle.c)
 *   0x100 COMPRESS_PAGE  [name], u32 length, zlib; until 9.0
 *   0x020 CONTINUE       with one of the four: no name, the block is the one of the page before
 *   0x200 MULTIFD_FLUSH  nothing
 *   0x010 EOS            the end of this section
 *
 * Pages come in order while the guest stands still, and then again when it has written to them: the last one counts.
 * What comes in order is kept as runs. A page that comes again is an entry of its own; their number is brought down to
 * what still counts whenever it has doubled. The runs and those entries take 24 and 16 bytes, and a page takes 9 bytes
 * of the file or more, so no file makes the index larger than a few times itself; of a guest that stands still it is
 * some hundred runs, of a busy one less than a hundredth of its memory.
 *
 * mapped-ram: pages stand at their place in the file and a bitmap says which ones; the others are zero, whatever the
 * file has there. The bitmaps (words of the host's, taken for little-endian) are written last: where all of them are
 * empty and the stream does not end, the save was interrupted, and what counts is which pages have something in them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/qemu.h"
#include "lib/base/vec.h"

enum {
	FLAG_ZERO = 0x02,
	FLAG_MEM_SIZE = 0x04,
	FLAG_PAGE = 0x08,
	FLAG_EOS = 0x10,
	FLAG_CONTINUE = 0x20,
	FLAG_XBZRLE = 0x40,
	FLAG_COMPRESS_PAGE = 0x100,
	FLAG_MULTIFD_FLUSH = 0x200,

	MAPPED_HEADER = 28,
	HUGE_MIN = 1 << 16,
	TIDY_MIN = 1 << 20,   /* entries of pages that came again, before they are looked through */
	CHAIN_MAX = 1 << 16,  /* changes to one page */
};

static const uint64_t memory_max = 1ull << 52;

/* --- what is kept of a page ----------------------------------------------------------------------------------- */

/* One page, joined to the run before it where it goes on as that does. */
static int push_page(struct qemu_run **runs, size_t *n, size_t *cap, struct qemu_run page, struct mmw_err *err)
{
	struct qemu_run *last = *n ? &(*runs)[*n - 1] : NULL;
	int rc;

	if (last && last->page + last->n == page.page && last->n < UINT32_MAX &&
	    qemu_kind_of(last->place) == qemu_kind_of(page.place) && qemu_kind_of(page.place) != QEMU_CHAIN) {
		uint64_t step = page.place - last->place;

		if (last->n == 1 && page.place >= last->place && step <= UINT32_MAX)
			last->stride = (uint32_t)step;
		if (page.place >= last->place && step == (uint64_t)last->n * last->stride) {
			last->n++;
			return 0;
		}
	}
	rc = mmw_vec_reserve(runs, cap, *n + 1, sizeof(**runs), err);
	if (!rc)
		(*runs)[(*n)++] = page;
	return rc;
}

static int push_run(struct qemu *q, uint64_t page, uint64_t n, uint64_t place, uint32_t stride, struct mmw_err *err)
{
	int rc = 0;

	while (!rc && n) {
		uint32_t part = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;

		rc = mmw_vec_reserve(&q->runs, &q->cap_runs, q->n_runs + 1, sizeof(*q->runs), err);
		if (!rc)
			q->runs[q->n_runs++] = (struct qemu_run){ page, place, part, stride };
		page += part;
		place += (uint64_t)part * stride;
		n -= part;
	}
	return rc;
}

static int by_page_and_time(const void *a, const void *b)
{
	const struct qemu_again *x = a, *y = b;
	uint64_t t = qemu_offset_of(x->place), u = qemu_offset_of(y->place);

	if (x->page != y->page)
		return x->page < y->page ? -1 : 1;
	return t < u ? -1 : t > u;
}

/* Where the entries of the page at index i end. */
static size_t group_end(const struct qemu *q, size_t i)
{
	size_t end = i + 1;

	while (end < q->n_again && q->again[end].page == q->again[i].page)
		end++;
	return end;
}

/* By page; and of each page only its last whole copy and the changes since. */
static void tidy(struct qemu *q)
{
	size_t kept = 0, end;

	if (q->n_again)
		qsort(q->again, q->n_again, sizeof(*q->again), by_page_and_time);
	for (size_t i = 0; i < q->n_again; i = end) {
		size_t from;

		end = group_end(q, i);
		for (from = end - 1; from > i && qemu_kind_of(q->again[from].place) == QEMU_XBZRLE; from--)
			;
		memmove(q->again + kept, q->again + from, (end - from) * sizeof(*q->again));
		kept += end - from;
	}
	q->n_again = kept;
	q->tidy_at = kept > TIDY_MIN / 2 ? 2 * kept : TIDY_MIN;
}

static int add_page(struct qemu *q, uint64_t in_block, enum qemu_kind kind, uint64_t off, struct mmw_err *err)
{
	struct qemu_block *b = q->block;
	uint64_t page = b->first + in_block, place = qemu_place(kind, off);
	int rc;

	q->has_delta |= kind == QEMU_XBZRLE;
	q->has_zlib |= kind == QEMU_ZLIB;
	if (in_block >= b->met && kind != QEMU_XBZRLE) {
		b->met = in_block + 1;
		if (kind == QEMU_ZERO)
			place = qemu_place(kind, 0);
		return push_page(&q->runs, &q->n_runs, &q->cap_runs, (struct qemu_run){ page, place, 1, 0 }, err);
	}
	if (q->n_again >= q->tidy_at)
		tidy(q);
	rc = mmw_vec_reserve(&q->again, &q->cap_again, q->n_again + 1, sizeof(*q->again), err);
	if (!rc)
		q->again[q->n_again++] = (struct qemu_again){ page, place };
	return rc;
}

/* --- the list of blocks --------------------------------------------------------------------------------------- */

static bool bit_at(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

/* The pages of a piece of bitmap, as runs. Those that the file ends before do not come. */
static int add_bits(struct qemu *q, const struct qemu_block *b, uint64_t first, const uint8_t *bits, uint64_t n,
		    uint64_t file_size, struct mmw_err *err)
{
	int rc = 0;

	for (uint64_t i = 0, end; !rc && i < n; i = end) {
		bool set = bit_at(bits, i);
		uint64_t off = b->stored_at + (first + i) * q->page_size, have;

		for (end = i + 1; end < n && bit_at(bits, end) == set; end++)
			;
		have = off < file_size ? (file_size - off) / q->page_size : 0;
		q->mapped_any |= set;
		if (set)
			rc = push_run(q, b->first + first + i, have < end - i ? have : end - i,
				      qemu_place(QEMU_RAW, off), q->page_size, err);
		else
			rc = push_run(q, b->first + first + i, end - i, qemu_place(QEMU_ZERO, 0), 0, err);
	}
	return rc;
}

static int add_bitmap(struct qemu *q, const struct qemu_block *b, struct mmw_file *f, uint64_t at, struct mmw_err *err)
{
	enum { PIECE = 1 << 16 };
	uint8_t *bits = malloc(PIECE);
	int rc = bits ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a bitmap");

	for (uint64_t done = 0; !rc && done < b->pages; done += PIECE * 8) {
		uint64_t n = b->pages - done < PIECE * 8 ? b->pages - done : PIECE * 8;

		rc = mmw_file_read(f, at + done / 8, bits, (n + 7) / 8, err);
		if (!rc)
			rc = add_bits(q, b, done, bits, n, f->size, err);
	}
	free(bits);
	return rc;
}

/* Does a header of mapped-ram stand here? */
static bool is_mapped_header(const struct qemu *q, const uint8_t *p)
{
	return mmw_get32(p, true) == 1 && mmw_get64(p + 4, true) == q->page_size;
}

/*
 * Its offsets count from the start of the file that QEMU wrote to. Our file may be the end of that one: the bitmap
 * stands right behind the first header, which tells.
 */
static int take_mapped(struct qemu *q, struct qemu_stream *s, struct qemu_block *b, enum qemu_step *step,
		       struct mmw_err *err)
{
	uint64_t bitmap, pages, here, size = s->file->size;
	const uint8_t *p = qemu_peek(s, MAPPED_HEADER);

	if (!p || !is_mapped_header(q, p)) {
		*step = p ? QEMU_BAD : QEMU_CUT;
		return 0;
	}
	bitmap = mmw_get64(p + 12, true);
	pages = mmw_get64(p + 20, true);
	qemu_skip(s, MAPPED_HEADER);
	here = s->pos;
	if (!q->mapped_shift)
		q->mapped_shift = bitmap - here;
	bitmap -= q->mapped_shift;
	pages -= q->mapped_shift;
	if (bitmap != here || pages < here || pages - here < (b->pages + 7) / 8 || pages > memory_max) {
		*step = QEMU_BAD;
		return 0;
	}
	b->stored_at = pages;
	if (!mmw_fits(bitmap, (b->pages + 7) / 8, size) || !qemu_skip(s, pages - here + b->len)) {
		s->pos = size;
		*step = QEMU_CUT;
	}
	return mmw_fits(bitmap, (b->pages + 7) / 8, size) ? add_bitmap(q, b, s->file, bitmap, err) : 0;
}

/* u8 length and name, u64 bytes, and what capabilities add. */
static int take_block(struct qemu *q, struct qemu_stream *s, uint64_t left, enum qemu_step *step, struct mmw_err *err)
{
	struct qemu_block b = { 0 };
	const uint8_t *p;
	uint64_t more;
	int rc;

	if (!qemu_take_name(s, b.name) || !qemu_take(s, 8, &b.len)) {
		*step = QEMU_CUT;
		return 0;
	}
	if (!b.len || b.len > left || q->n_blocks == QEMU_BLOCKS_MAX) {
		*step = QEMU_BAD;
		return 0;
	}
	b.first = q->pages;
	b.pages = (b.len + q->page_size - 1) / q->page_size;
	/* Neither a name nor a word begins with zeros and ends without a flag: this is the block's own page size. */
	p = qemu_peek(s, 8);
	more = p ? mmw_get64(p, true) : 0;
	if (more >= HUGE_MIN && more <= UINT32_MAX && !(more & (more - 1)))
		qemu_skip(s, 8);
	if (q->ignores_shared && !qemu_skip(s, 8)) {
		*step = QEMU_CUT;
		return 0;
	}
	p = q->mapped ? NULL : qemu_peek(s, MAPPED_HEADER);
	if (p && !q->n_blocks && is_mapped_header(q, p) && mmw_get64(p + 12, true) >= s->pos + MAPPED_HEADER)
		q->mapped = true;
	rc = mmw_vec_reserve(&q->blocks, &q->cap_blocks, q->n_blocks + 1, sizeof(*q->blocks), err);
	if (rc)
		return rc;
	q->pages += b.pages;
	q->blocks[q->n_blocks] = b;
	return q->mapped ? take_mapped(q, s, &q->blocks[q->n_blocks++], step, err) : (q->n_blocks++, 0);
}

static int by_block_name(const void *a, const void *b, void *blocks)
{
	const struct qemu_block *all = blocks;

	return strcmp(all[*(const uint16_t *)a].name, all[*(const uint16_t *)b].name);
}

static int sort_names(struct qemu *q, struct mmw_err *err)
{
	q->by_name = malloc((q->n_blocks + 1) * sizeof(*q->by_name));
	if (!q->by_name)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the names of %zu blocks", q->n_blocks);
	for (size_t i = 0; i < q->n_blocks; i++)
		q->by_name[i] = (uint16_t)i;
	qsort_r(q->by_name, q->n_blocks, sizeof(*q->by_name), by_block_name, q->blocks);
	return 0;
}

static int take_blocks(struct qemu *q, struct qemu_stream *s, uint64_t total, enum qemu_step *step, struct mmw_err *err)
{
	int rc = 0;

	/* The list comes once; a second one would be of other memory. */
	if (q->n_blocks || !total || total > memory_max) {
		*step = QEMU_BAD;
		return 0;
	}
	while (!rc && *step == QEMU_DONE && total) {
		rc = take_block(q, s, total, step, err);
		if (!rc && *step == QEMU_DONE)
			total -= q->blocks[q->n_blocks - 1].len;
	}
	return rc ? rc : sort_names(q, err);
}

/* --- pages ---------------------------------------------------------------------------------------------------- */

static struct qemu_block *block_named(const struct qemu *q, const char *name)
{
	size_t lo = 0, hi = q->n_blocks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(q->blocks[q->by_name[mid]].name, name);

		if (!cmp)
			return &q->blocks[q->by_name[mid]];
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* What follows the word and the name; s->pos is behind it then. False: the file ends before. */
static bool skip_page(const struct qemu *q, struct qemu_stream *s, unsigned flags)
{
	uint64_t len;

	switch (flags) {
	case FLAG_ZERO:
		return qemu_skip(s, 1);
	case FLAG_PAGE:
		return qemu_skip(s, q->page_size);
	case FLAG_XBZRLE:
		return qemu_skip(s, 1) && qemu_take(s, 2, &len) && qemu_skip(s, len);
	default:
		return qemu_take(s, 4, &len) && qemu_skip(s, len);
	}
}

static enum qemu_kind kind_of(unsigned flags, uint8_t first)
{
	switch (flags) {
	case FLAG_ZERO:
		return first ? QEMU_FILL : QEMU_ZERO;
	case FLAG_PAGE:
		return QEMU_RAW;
	case FLAG_XBZRLE:
		return QEMU_XBZRLE;
	default:
		return QEMU_ZLIB;
	}
}

static int take_page(struct qemu *q, struct qemu_stream *s, uint64_t offset, unsigned flags, enum qemu_step *step,
		     struct mmw_err *err)
{
	char name[QEMU_NAME_MAX];
	const uint8_t *p;
	uint64_t at;

	if (!(flags & FLAG_CONTINUE)) {
		if (!qemu_take_name(s, name)) {
			*step = QEMU_CUT;
			return 0;
		}
		q->block = block_named(q, name);
	}
	flags &= ~(unsigned)FLAG_CONTINUE;
	if (!q->block || offset >= q->block->len) {
		*step = QEMU_BAD;
		return 0;
	}
	at = s->pos;
	p = qemu_peek(s, 1);
	if (!p) {
		*step = QEMU_CUT;
		return 0;
	}
	if (flags == FLAG_XBZRLE && *p != 1) {
		*step = QEMU_BAD;
		return 0;
	}
	/* Its kind first: looking ahead may move the bytes. */
	flags |= (unsigned)kind_of(flags, *p) << 16;
	if (!skip_page(q, s, flags & 0xffff)) {
		*step = QEMU_CUT;
		return 0;
	}
	return add_page(q, offset / q->page_size, (enum qemu_kind)(flags >> 16), at, err);
}

int qemu_ram_section(struct qemu *q, struct qemu_stream *s, enum qemu_step *step, struct mmw_err *err)
{
	int rc = 0;

	*step = QEMU_DONE;
	while (!rc && *step == QEMU_DONE) {
		uint64_t word, at = s->pos;
		unsigned flags;

		if (!qemu_take(s, 8, &word)) {
			*step = QEMU_CUT;
			break;
		}
		flags = word & (q->page_size - 1);
		word -= flags;
		switch (flags & ~(unsigned)FLAG_CONTINUE) {
		case FLAG_EOS:
			return 0;
		case FLAG_MULTIFD_FLUSH:
			break;
		case FLAG_MEM_SIZE:
			rc = take_blocks(q, s, word, step, err);
			break;
		case FLAG_ZERO:
		case FLAG_PAGE:
		case FLAG_XBZRLE:
		case FLAG_COMPRESS_PAGE:
			rc = take_page(q, s, word, flags, step, err);
			break;
		default:
			*step = QEMU_BAD;
		}
		if (*step == QEMU_BAD)
			s->pos = at;
	}
	return rc;
}

/* --- after the last section ----------------------------------------------------------------------------------- */

static int by_first_page(const void *a, const void *b)
{
	const struct qemu_run *x = a, *y = b;

	return x->page < y->page ? -1 : x->page > y->page;
}

/* Runs being put together anew. */
struct sealing {
	struct qemu *q;
	struct qemu_run *runs;
	size_t n, cap;
	struct mmw_err *err;
};

static int keep_run(struct sealing *z, struct qemu_run r)
{
	int rc = r.n ? mmw_vec_reserve(&z->runs, &z->cap, z->n + 1, sizeof(*z->runs), z->err) : 0;

	if (!rc && r.n)
		z->runs[z->n++] = r;
	return rc;
}

static int push_chain(struct sealing *z, uint64_t place)
{
	int rc = mmw_vec_reserve(&z->q->chain, &z->q->cap_chain, z->q->n_chain + 1, sizeof(*z->q->chain), z->err);

	if (!rc)
		z->q->chain[z->q->n_chain++] = place;
	return rc;
}

/* A page that came again, as entries [from, to) say; `was` is what it was in the first pass, if anything. */
static int keep_again(struct sealing *z, size_t from, size_t to, const uint64_t *was)
{
	const struct qemu_again *a = &z->q->again[from];
	bool whole = qemu_kind_of(a->place) != QEMU_XBZRLE;
	struct qemu_run r = { a->page, a->place, 1, 0 };
	size_t start = z->q->n_chain;
	int rc = 0;

	if (whole && to - from == 1) {
		if (qemu_kind_of(r.place) == QEMU_ZERO)
			r.place = qemu_place(QEMU_ZERO, 0);
		return push_page(&z->runs, &z->n, &z->cap, r, z->err);
	}
	if (!whole && was)
		rc = push_chain(z, *was);
	for (; !rc && from < to; from++, a++)
		rc = push_chain(z, a->place);
	r.place = qemu_place(QEMU_CHAIN, start);
	r.stride = (uint32_t)(z->q->n_chain - start);
	return rc ? rc : keep_run(z, r);
}

/* Runs of the first pass that end before `page`; *rest becomes what is left of the one that does not. */
static int keep_before(struct sealing *z, uint64_t page, struct qemu_run *rest, size_t *next)
{
	int rc = 0;

	while (!rc) {
		if (!rest->n && *next < z->q->n_runs)
			*rest = z->q->runs[(*next)++];
		if (!rest->n || rest->page + rest->n > page)
			break;
		rc = keep_run(z, *rest);
		rest->n = 0;
	}
	return rc;
}

/* The runs of the first pass, and the pages that came again, which go before them. */
static int merge(struct sealing *z)
{
	struct qemu *q = z->q;
	struct qemu_run rest = { 0 };
	size_t next = 0, end;
	int rc = 0;

	for (size_t i = 0; !rc && i < q->n_again; i = end) {
		uint64_t page = q->again[i].page, was;
		struct qemu_run head;

		end = group_end(q, i);
		rc = keep_before(z, page, &rest, &next);
		head = rest;
		if (rc || !rest.n || rest.page > page) {
			rc = rc ? rc : keep_again(z, i, end, NULL);
			continue;
		}
		head.n = (uint32_t)(page - rest.page);
		was = rest.place + (uint64_t)head.n * rest.stride;
		rc = keep_run(z, head);
		rc = rc ? rc : keep_again(z, i, end, &was);
		rest = (struct qemu_run){ page + 1, was + rest.stride, rest.n - head.n - 1, rest.stride };
	}
	return rc ? rc : keep_before(z, UINT64_MAX, &rest, &next);
}

int qemu_ram_seal(struct qemu *q, struct mmw_err *err)
{
	struct sealing z = { .q = q, .err = err };
	int rc;

	if (q->n_runs)
		qsort(q->runs, q->n_runs, sizeof(*q->runs), by_first_page);
	if (!q->n_again)
		return 0;
	tidy(q);
	rc = merge(&z);
	free(q->runs);
	free(q->again);
	q->again = NULL;
	q->n_again = q->cap_again = 0;
	q->runs = z.runs;
	q->n_runs = z.n;
	q->cap_runs = z.cap;
	return rc;
}

/* An interrupted save: the pages of a block that have something in them. */
static int salvage_block(struct qemu *q, struct mmw_file *f, const struct mmw_progress *progress,
			 const struct qemu_block *b, uint8_t *buf, struct mmw_err *err)
{
	uint64_t have = b->stored_at && b->stored_at < f->size ? (f->size - b->stored_at) / q->page_size : 0;
	int rc = 0;

	have = have < b->pages ? have : b->pages;
	for (uint64_t page = 0, n; !rc && page < have; page += n) {
		uint64_t off = b->stored_at + page * q->page_size;

		n = QEMU_CHUNK / q->page_size;
		n = have - page < n ? have - page : n;
		mmw_progress(progress, "salvaging pages", off, f->size);
		rc = mmw_file_read(f, off, buf, n * q->page_size, err);
		for (uint64_t i = 0; !rc && i < n; i++, off += q->page_size) {
			struct qemu_run one = { b->first + page + i, qemu_place(QEMU_RAW, off), 1, 0 };

			if (!mmw_all_zero(buf + i * q->page_size, q->page_size))
				rc = push_page(&q->runs, &q->n_runs, &q->cap_runs, one, err);
		}
	}
	return rc;
}

int qemu_ram_salvage(struct qemu *q, struct mmw_file *f, const struct mmw_progress *progress, struct mmw_err *err)
{
	uint8_t *buf;
	int rc = 0;

	if (!q->mapped || q->mapped_any || q->ended)
		return 0;
	buf = malloc(QEMU_CHUNK);
	if (!buf)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to look through the pages");
	q->n_runs = 0;
	q->salvaged = true;
	for (size_t i = 0; !rc && i < q->n_blocks; i++)
		rc = salvage_block(q, f, progress, &q->blocks[i], buf, err);
	free(buf);
	return rc;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

int qemu_reader_open(const struct mmw_image *img, void **priv, struct mmw_err *err)
{
	struct qemu_reader *r = calloc(1, sizeof(*r));

	(void)img;
	if (r) {
		r->unpack = mmw_unpack_open();
		r->chain_max = CHAIN_MAX;
	}
	if (!r || !r->unpack) {
		free(r);
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a reader of a QEMU stream");
	}
	*priv = r;
	return 0;
}

void qemu_reader_close(void *priv)
{
	struct qemu_reader *r = priv;

	mmw_unpack_close(r->unpack);
	free(r);
}

static bool in_run(const struct qemu_run *r, uint64_t page)
{
	return page >= r->page && page - r->page < r->n;
}

size_t qemu_run_after(const struct qemu *q, uint64_t page)
{
	size_t lo = 0, hi = q->n_runs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (q->runs[mid].page + q->runs[mid].n <= page)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* One or two bytes, seven bits each, the lowest first. 0: there is no number here. */
static size_t uleb_small(const uint8_t *p, size_t n, size_t *out)
{
	if (n && !(p[0] & 0x80)) {
		*out = p[0];
		return 1;
	}
	if (n < 2 || p[1] & 0x80)
		return 0;
	*out = (size_t)(p[0] & 0x7f) | (size_t)p[1] << 7;
	return 2;
}

/* Pairs: so many bytes stay, so many follow. */
static bool apply_changes(const uint8_t *p, size_t n, uint8_t *page, size_t size)
{
	size_t at = 0, count, used;

	for (size_t i = 0; i < n; i += count) {
		used = uleb_small(p + i, n - i, &count);
		if (!used || count > size - at)
			return false;
		at += count;
		i += used;
		used = uleb_small(p + i, n - i, &count);
		i += used;
		if (!used || !count || count > size - at || count > n - i)
			return false;
		memcpy(page + at, p + i, count);
		at += count;
	}
	return true;
}

static int bad_page(uint64_t pa, const char *what, struct mmw_err *err)
{
	return mmw_fail(err, MMW_E_CORRUPT, pa, "physical 0x%" PRIx64 ": %s", pa, what);
}

static int read_zlib(const struct mmw_image *img, struct qemu_reader *r, uint64_t off, uint64_t pa, uint8_t *buf,
		     struct mmw_err *err)
{
	uint8_t head[4];
	uint32_t len;
	int rc = mmw_file_read(img->file, off, head, sizeof(head), err);

	if (rc)
		return rc;
	len = mmw_get32(head, true);
	if (len > sizeof(r->packed))
		return bad_page(pa, "a compressed page that is larger than any", err);
	rc = mmw_file_read(img->file, off + sizeof(head), r->packed, len, err);
	rc = rc ? rc : mmw_unpack(r->unpack, MMW_CODEC_ZLIB, r->packed, len, buf, img->block_size, err);
	return mmw_wrap(err, rc, "physical 0x%" PRIx64, pa);
}

static int read_changes(const struct mmw_image *img, struct qemu_reader *r, uint64_t off, uint64_t pa, uint8_t *buf,
			struct mmw_err *err)
{
	uint8_t head[3];
	int rc = mmw_file_read(img->file, off, head, sizeof(head), err);
	unsigned len;

	if (rc)
		return rc;
	len = mmw_get16(head + 1, true);
	rc = mmw_file_read(img->file, off + sizeof(head), r->packed, len, err);
	if (!rc && !apply_changes(r->packed, len, buf, img->block_size))
		return bad_page(pa, "changes to the page (XBZRLE) that do not fit it", err);
	return rc;
}

static int read_place(const struct mmw_image *img, struct qemu_reader *r, uint64_t place, uint64_t pa, uint8_t *buf,
		      struct mmw_err *err)
{
	uint64_t off = qemu_offset_of(place);
	uint8_t fill = 0;
	int rc;

	switch (qemu_kind_of(place)) {
	case QEMU_RAW:
		return mmw_file_read(img->file, off, buf, img->block_size, err);
	case QEMU_ZLIB:
		return read_zlib(img, r, off, pa, buf, err);
	case QEMU_XBZRLE:
		return read_changes(img, r, off, pa, buf, err);
	default:
		rc = qemu_kind_of(place) == QEMU_FILL ? mmw_file_read(img->file, off, &fill, 1, err) : 0;
		memset(buf, fill, img->block_size);
		return rc;
	}
}

static int read_chain(const struct mmw_image *img, struct qemu_reader *r, const struct qemu_run *run, uint64_t pa,
		      uint8_t *buf, struct mmw_err *err)
{
	const struct qemu *q = img->priv;
	const uint64_t *chain = q->chain + qemu_offset_of(run->place);
	int rc = 0;

	if (qemu_kind_of(chain[0]) == QEMU_XBZRLE)
		return bad_page(pa, "changes to a page (XBZRLE) that the stream does not have", err);
	if (run->stride > r->chain_max)
		return mmw_fail(err, MMW_E_LIMIT, pa, "physical 0x%" PRIx64 ": more than %" PRIu32 " changes to the page",
				pa, r->chain_max);
	for (uint32_t i = 0; !rc && i < run->stride; i++)
		rc = read_place(img, r, chain[i], pa, buf, err);
	return rc;
}

/* Why a page never came. */
static int never_came(const struct qemu *q, uint64_t pa, struct mmw_err *err)
{
	if (qemu_missing(q) == MMW_EXCLUDED)
		return mmw_fail(err, MMW_E_EXCLUDED, pa, "physical 0x%" PRIx64 " was never sent: the guest had given "
				"it back, or it is kept in another file", pa);
	return mmw_fail(err, MMW_E_TRUNCATED, pa, "physical 0x%" PRIx64 " is not in the stream, which is %s", pa,
			q->salvaged ? "an interrupted save (or the page is zero: it does not tell)" :
			q->damaged ? "damaged" : "cut off");
}

int qemu_read_page(const struct mmw_image *img, struct qemu_reader *r, uint64_t page, uint64_t pa, uint8_t *buf,
		   struct mmw_err *err)
{
	const struct qemu *q = img->priv;
	const struct qemu_run *run;

	if (r->hint >= q->n_runs || !in_run(&q->runs[r->hint], page))
		r->hint = qemu_run_after(q, page);
	if (r->hint == q->n_runs || !in_run(&q->runs[r->hint], page))
		return never_came(q, pa, err);
	run = &q->runs[r->hint];
	if (qemu_kind_of(run->place) == QEMU_CHAIN)
		return read_chain(img, r, run, pa, buf, err);
	return read_place(img, r, run->place + (page - run->page) * run->stride, pa, buf, err);
}

bool qemu_read_pa(const struct mmw_image *img, struct qemu_reader *r, uint64_t pa, void *buf, size_t len)
{
	const struct qemu *q = img->priv;
	uint8_t *bytes = r->page, *to = buf;

	for (size_t n; len; pa += n, to += n, len -= n) {
		const struct qemu_range *at = qemu_range_of(q, pa);
		uint32_t in = pa % q->page_size;

		n = q->page_size - in < len ? q->page_size - in : len;
		if (!at || qemu_read_page(img, r, at->page + (pa - at->pa) / q->page_size, pa, bytes, NULL))
			return false;
		memcpy(to, bytes + in, n);
	}
	return true;
}

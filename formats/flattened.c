/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * makedumpfile's flattened stream: a dump file sent through a pipe, as the writes that would have made it.
 *
 *   0     signature[16] "makedumpfile\0\0\0\0", u64 type 1, u64 version 1, zero fill up to 4096
 *   4096  records: i64 offset in the dump file, i64 size, then `size` bytes
 *   end   a record with offset -1 and size -1
 *
 * All numbers are big-endian. Nothing is aligned. Offsets go backwards where the writer went back to fix a header;
 * of two records for the same bytes the later one wins. Bytes that no record names are zero, as in any sparse file.
 * The end of a dump is often lost (a broken ssh connection): such a stream is read as far as it goes, and what no
 * record names is then missing and not zero.
 *
 * makedumpfile.c write_start_flat_header(), write_buffer(), rearrange_dumpdata(); QEMU dump/dump.c write_buffer().
 * makedumpfile writes 64 KiB per record, QEMU up to 16; a 100 GB dump has millions of them. Records of one size that
 * continue each other in both files are a single entry of the index: most of makedumpfile's, a third of QEMU's.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	FLAT_HEADER = 4096,
	FLAT_RECORD = 16,
	READAHEAD = 65536,
	SMALL_RECORD = 4096,  /* below this size one large read finds more headers than it costs */
};

static const char signature[16] = "makedumpfile";

/* `count` records of `size` bytes each: one after the other inside, FLAT_RECORD bytes apart in the stream. */
struct run {
	uint64_t inner, outer;  /* where the first record's bytes belong, and where they are */
	uint32_t size, count;
};

struct flat {
	struct mmw_file file;
	struct mmw_file *outer;
	struct run *runs;
	size_t n, cap;
	bool sorted, truncated;
	char name[];
};

static uint64_t run_end(const struct run *r)
{
	return r->inner + (uint64_t)r->size * r->count;
}

/* Where in the stream the byte for `off` is, which lies in this run. */
static uint64_t outer_of(const struct run *r, uint64_t off)
{
	uint64_t in = off - r->inner;

	return r->outer + in + in / r->size * FLAT_RECORD;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

/* The number of runs that start at or before `off`. */
static size_t runs_before(const struct flat *f, uint64_t off)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->runs[mid].inner <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int read_gap(const struct flat *f, bool probing, uint64_t off, uint8_t *buf, size_t len, struct mmw_err *err)
{
	if (f->truncated && !probing)
		return mmw_fail(err, MMW_E_CORRUPT, off, "%s: %zu bytes at offset %" PRIu64 " are missing: the stream "
				"is truncated", f->file.name, len, off);
	memset(buf, 0, len);
	return 0;
}

static int flat_read(struct mmw_file *file, uint64_t off, void *buf, size_t len, struct mmw_err *err)
{
	struct flat *f = (struct flat *)file;
	size_t next = runs_before(f, off);
	/* Headers leave gaps on purpose; who reads from the start to see what this is must get past them. */
	bool probing = !off && len <= MMW_PROBE_HEAD;
	uint8_t *to = buf;
	int rc = 0;

	while (!rc && len) {
		const struct run *r = next ? &f->runs[next - 1] : NULL;
		uint64_t n;

		if (r && off < run_end(r)) {
			uint64_t in = (off - r->inner) % r->size;

			n = r->size - in < len ? r->size - in : len;
			rc = mmw_file_read(f->outer, outer_of(r, off), to, n, err);
		} else if (next < f->n && f->runs[next].inner - off < len) {
			n = f->runs[next].inner - off;
			if (n)
				rc = read_gap(f, probing, off, to, n, err);
			next++;
		} else {
			n = len;
			rc = read_gap(f, probing, off, to, n, err);
		}
		off += n;
		to += n;
		len -= n;
	}
	return rc;
}

static void flat_close(struct mmw_file *file)
{
	struct flat *f = (struct flat *)file;

	mmw_file_close(f->outer);
	free(f->runs);
	free(f);
}

/* --- the index ------------------------------------------------------------------------------------------------ */

static int push_run(struct flat *f, struct run r, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&f->runs, &f->cap, f->n + 1, sizeof(*f->runs), err);

	if (!rc)
		f->runs[f->n++] = r;
	return rc;
}

static bool continues(const struct run *r, uint64_t inner, uint64_t outer, uint64_t size)
{
	return r->size == size && r->count < UINT32_MAX && run_end(r) == inner &&
	       outer_of(r, inner) == outer;
}

/* One record. Those too large for the index's 32 bits become several runs of one. */
static int add_record(struct flat *f, uint64_t inner, uint64_t outer, uint64_t size, struct mmw_err *err)
{
	int rc = 0;

	if (!size)
		return 0;
	if (inner < f->file.size)
		f->sorted = false;
	if (inner + size > f->file.size)
		f->file.size = inner + size;
	if (f->n && continues(&f->runs[f->n - 1], inner, outer, size)) {
		f->runs[f->n - 1].count++;
		return 0;
	}
	while (!rc && size) {
		uint32_t part = size < UINT32_MAX ? size : UINT32_MAX;

		rc = push_run(f, (struct run){ inner, outer, part, 1 }, err);
		inner += part;
		outer += part;
		size -= part;
	}
	return rc;
}

/* The stream as it is walked, with what was read ahead of it. */
struct walk {
	struct mmw_file *file;
	uint64_t pos, buf_at;
	size_t buf_len;
	bool small;
	uint8_t buf[READAHEAD];
};

/* 1 and the 16 bytes at pos, or 0 when the file ends before. */
static int next_header(struct walk *w, const uint8_t **out, struct mmw_err *err)
{
	uint64_t left = w->file->size - w->pos;

	if (left < FLAT_RECORD)
		return 0;
	if (w->pos < w->buf_at || !mmw_fits(w->pos - w->buf_at, FLAT_RECORD, w->buf_len)) {
		size_t want = w->small ? READAHEAD : FLAT_RECORD;
		int rc;

		if (want > left)
			want = left;
		w->buf_at = w->pos;
		w->buf_len = 0;
		rc = mmw_file_read(w->file, w->pos, w->buf, want, err);
		if (rc)
			return rc;
		w->buf_len = want;
	}
	*out = w->buf + (w->pos - w->buf_at);
	return 1;
}

/* 1: a record was added. 0: the end, with f->truncated when its mark is not there. */
static int take_record(struct flat *f, struct walk *w, struct mmw_err *err)
{
	uint64_t inner, size, left;
	const uint8_t *head = NULL;
	int rc = next_header(w, &head, err);

	if (rc <= 0) {
		f->truncated = true;
		return rc;
	}
	inner = mmw_get64(head, true);
	size = mmw_get64(head + 8, true);
	if (inner == UINT64_MAX && size == UINT64_MAX)
		return 0;
	if (!inner && !size) {
		/* No writer makes this record; it is the zero tail a file system leaves after a crash. */
		f->truncated = true;
		return 0;
	}
	if (!size || !mmw_fits(inner, size, INT64_MAX))
		return mmw_fail(err, MMW_E_CORRUPT, w->pos, "%s: the flattened record at offset %" PRIu64 " claims %"
				PRId64 " bytes at %" PRId64, w->file->name, w->pos, (int64_t)size, (int64_t)inner);
	w->pos += FLAT_RECORD;
	left = w->file->size - w->pos;
	f->truncated = size > left;
	if (f->truncated)
		size = left;
	w->small = size < SMALL_RECORD;
	rc = add_record(f, inner, w->pos, size, err);
	w->pos += size;
	return rc ? rc : !f->truncated;
}

static int walk_stream(struct flat *f, struct mmw_err *err)
{
	struct walk *w = malloc(sizeof(*w));
	int rc;

	if (!w)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read %s", f->outer->name);
	w->file = f->outer;
	w->pos = FLAT_HEADER;
	w->buf_at = w->buf_len = 0;
	w->small = true;
	do {
		rc = take_record(f, w, err);
	} while (rc == 1);
	free(w);
	return rc;
}

static int by_inner(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->inner != y->inner)
		return x->inner < y->inner ? -1 : 1;
	return x->outer < y->outer ? -1 : x->outer > y->outer;
}

static bool overlaps(const struct flat *f)
{
	for (size_t i = 1; i < f->n; i++)
		if (f->runs[i].inner < run_end(&f->runs[i - 1]))
			return true;
	return false;
}

/* --- overlaps: the later record wins, and later in the stream is a larger outer offset ------------------------- */

/* A binary heap of the runs that cover the sweep's position, the latest on top. */
struct heap {
	const struct run **at;
	size_t n;
};

static void heap_push(struct heap *h, const struct run *r)
{
	size_t i = h->n++;

	for (; i && h->at[(i - 1) / 2]->outer < r->outer; i = (i - 1) / 2)
		h->at[i] = h->at[(i - 1) / 2];
	h->at[i] = r;
}

static void heap_pop(struct heap *h)
{
	const struct run *r = h->at[--h->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && h->at[child + 1]->outer > h->at[child]->outer)
			child++;
		if (h->at[child]->outer <= r->outer)
			break;
		h->at[i] = h->at[child];
		i = child;
	}
	h->at[i] = r;
}

/* Add the part [from, to) of a run: the rest of a record, whole records, the start of one. */
static int push_part(struct flat *f, const struct run *r, uint64_t from, uint64_t to, struct mmw_err *err)
{
	int rc = 0;

	while (!rc && from < to) {
		uint64_t in = (from - r->inner) % r->size, left = to - from;
		struct run part = { from, outer_of(r, from), 0, 1 };

		if (!in && left >= r->size) {
			part.size = r->size;
			part.count = left / r->size;
		} else {
			part.size = r->size - in < left ? r->size - in : left;
		}
		rc = push_run(f, part, err);
		from = run_end(&part);
	}
	return rc;
}

/* One sweep over `n` sorted runs: at each position the latest run that covers it is the one kept. */
static int sweep(struct flat *f, const struct run *all, size_t n, struct heap *h, struct mmw_err *err)
{
	uint64_t pos = 0;
	size_t next = 0;
	int rc = 0;

	while (!rc && (next < n || h->n)) {
		uint64_t stop;

		if (!h->n && all[next].inner > pos)
			pos = all[next].inner;
		while (next < n && all[next].inner <= pos)
			heap_push(h, &all[next++]);
		while (h->n && run_end(h->at[0]) <= pos)
			heap_pop(h);
		if (!h->n)
			continue;
		stop = run_end(h->at[0]);
		if (next < n && all[next].inner < stop)
			stop = all[next].inner;
		rc = push_part(f, h->at[0], pos, stop, err);
		pos = stop;
	}
	return rc;
}

static int resolve_overlaps(struct flat *f, struct mmw_err *err)
{
	struct run *all = f->runs;
	size_t n = f->n;
	struct heap h = { malloc(n * sizeof(struct run *)), 0 };
	int rc;

	if (!h.at)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu flattened records", n);
	f->runs = NULL;
	f->n = f->cap = 0;
	rc = sweep(f, all, n, &h, err);
	free(all);
	free(h.at);
	return rc;
}

static void shrink(struct flat *f)
{
	struct run *fewer = realloc(f->runs, f->n * sizeof(*f->runs));

	if (fewer)
		f->runs = fewer;
}

static int build_index(struct flat *f, struct mmw_err *err)
{
	int rc = walk_stream(f, err);

	if (rc)
		return rc;
	if (!f->n)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: this flattened stream holds no record%s", f->outer->name,
				f->truncated ? " (truncated)" : "");
	if (!f->sorted) {
		qsort(f->runs, f->n, sizeof(*f->runs), by_inner);
		if (overlaps(f))
			rc = resolve_overlaps(f, err);
	}
	if (rc)
		return rc;
	shrink(f);
	if (f->truncated && f->runs[0].inner)
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "%s: this flattened stream is truncated before the start of the "
			      "dump was written", f->outer->name);
	return rc;
}

/* --- the format ----------------------------------------------------------------------------------------------- */

static int flat_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return head->len >= sizeof(signature) && !memcmp(head->base, signature, sizeof(signature)) ? 100 : 0;
}

static int check_header(struct mmw_file *outer, struct mmw_err *err)
{
	uint8_t head[32];
	uint64_t type, version;
	int rc = mmw_file_read(outer, 0, head, sizeof(head), err);

	if (rc)
		return rc;
	if (memcmp(head, signature, sizeof(signature)))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s is no flattened dump: no signature", outer->name);
	type = mmw_get64(head + 16, true);
	version = mmw_get64(head + 24, true);
	if (type != 1 || version != 1)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s: flattened stream of type %" PRIu64 ", version %" PRIu64
				"; only type 1, version 1 is known", outer->name, type, version);
	if (outer->size < FLAT_HEADER)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: the header of this flattened stream is truncated",
				outer->name);
	return 0;
}

static int flat_unwrap(struct mmw_file *outer, struct mmw_file **inner, struct mmw_err *err)
{
	static const char suffix[] = " (unflattened)";
	size_t name_len = strlen(outer->name);
	struct flat *f;
	int rc = check_header(outer, err);

	if (rc)
		return rc;
	f = calloc(1, sizeof(*f) + name_len + sizeof(suffix));
	if (!f)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", outer->name);
	memcpy(f->name, outer->name, name_len);
	memcpy(f->name + name_len, suffix, sizeof(suffix));
	f->file = (struct mmw_file){ .name = f->name, .read = flat_read, .close = flat_close };
	f->outer = outer;
	f->sorted = true;
	rc = build_index(f, err);
	if (rc) {
		free(f->runs);
		free(f);
		return rc;
	}
	*inner = &f->file;
	return 0;
}

const struct mmw_format mmw_format_flattened = {
	.name = "flattened",
	.summary = "makedumpfile -F, QEMU kdump-zlib/lzo/snappy: a dump as the stream of its writes",
	.probe = flat_probe,
	.unwrap = flat_unwrap,
};

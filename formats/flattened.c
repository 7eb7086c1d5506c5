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

#include "lib/base/par.h"
#include "lib/base/sweep.h"
#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	FLAT_HEADER = 4096,
	FLAT_RECORD = 16,
	READAHEAD = 65536,
	SMALL_RECORD = 4096,  /* below this size one large read finds more headers than it costs */

	PARTS_MAX = 16,
	PART_LEAST = 32 << 20,       /* not worth a thread below */
	SYNC_WINDOW = 256 << 10,
	SYNC_RECORDS = 32,
	SYNC_RECORD_MAX = 1 << 20,
	SEQUENCES_MAX = 8,
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
	bool truncated;
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
		return mmw_fail(err, MMW_E_TRUNCATED, off, "%s: %zu bytes at offset %" PRIu64 " are missing: the stream "
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

/* A gap is a hole, unless what belongs there may only be missing. Where the inner file ends is but a claim. */
static void flat_data(struct mmw_file *file, uint64_t off, uint64_t *start, uint64_t *end)
{
	const struct flat *f = (struct flat *)file;
	size_t next = runs_before(f, off);

	*start = off;
	*end = file->size;
	if (f->truncated)
		return;
	if (next && off < run_end(&f->runs[next - 1])) {
		*end = run_end(&f->runs[next - 1]);
	} else {
		*start = next < f->n ? f->runs[next].inner : file->size;
		*end = next < f->n ? run_end(&f->runs[next]) : file->size;
	}
}

static void flat_close(struct mmw_file *file)
{
	struct flat *f = (struct flat *)file;

	mmw_file_close(f->outer);
	free(f->runs);
	free(f);
}

/* --- walking the stream --------------------------------------------------------------------------------------- */

/* A stretch of the stream, walked on its own: the records that start in [from, to). */
struct part {
	struct flat *f;
	uint64_t from, to;
	uint64_t end;     /* where the next record would start */
	bool finished;    /* the end mark was met, or the end of the file */
	bool truncated;
	struct run *runs;
	size_t n, cap;
	int rc;
	struct mmw_err err;
};

static int push_run(struct part *p, struct run r)
{
	int rc = mmw_vec_reserve(&p->runs, &p->cap, p->n + 1, sizeof(*p->runs), &p->err);

	if (!rc)
		p->runs[p->n++] = r;
	return rc;
}

static bool continues(const struct run *r, uint64_t inner, uint64_t outer, uint64_t size)
{
	return r->size == size && r->count < UINT32_MAX && run_end(r) == inner && outer_of(r, inner) == outer;
}

/* One record. Those too large for the index's 32 bits become several runs of one. */
static int add_record(struct part *p, uint64_t inner, uint64_t outer, uint64_t size)
{
	int rc = 0;

	if (p->n && continues(&p->runs[p->n - 1], inner, outer, size)) {
		p->runs[p->n - 1].count++;
		return 0;
	}
	while (!rc && size) {
		uint32_t piece = size < UINT32_MAX ? size : UINT32_MAX;

		rc = push_run(p, (struct run){ inner, outer, piece, 1 });
		inner += piece;
		outer += piece;
		size -= piece;
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

static void walk_from(struct walk *w, struct mmw_file *file, uint64_t pos, bool small)
{
	w->file = file;
	w->pos = pos;
	w->buf_at = w->buf_len = 0;
	w->small = small;
}

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

/* 1: a record was added. 0: the end, with truncated set when its mark is not there. */
static int take_record(struct part *p, struct walk *w)
{
	uint64_t inner, size, left;
	const uint8_t *head = NULL;
	int rc = next_header(w, &head, &p->err);

	p->truncated = true;
	if (rc <= 0)
		return rc;
	inner = mmw_get64(head, true);
	size = mmw_get64(head + 8, true);
	if (inner == UINT64_MAX && size == UINT64_MAX) {
		p->truncated = false;
		return 0;
	}
	if (!inner && !size)
		return 0;  /* no writer makes this record; it is the zero tail a file system leaves after a crash */
	if (!size || !mmw_fits(inner, size, INT64_MAX))
		return mmw_fail(&p->err, MMW_E_CORRUPT, w->pos, "%s: the flattened record at offset %" PRIu64 " claims %"
				PRId64 " bytes at %" PRId64, w->file->name, w->pos, (int64_t)size, (int64_t)inner);
	w->pos += FLAT_RECORD;
	left = w->file->size - w->pos;
	p->truncated = size > left;
	if (p->truncated)
		size = left;
	w->small = size < SMALL_RECORD;
	rc = add_record(p, inner, w->pos, size);
	w->pos += size;
	return rc ? rc : !p->truncated;
}

static void walk_part(struct part *p)
{
	struct walk *w = malloc(sizeof(*w));

	if (!w) {
		p->rc = mmw_fail(&p->err, MMW_E_NOMEM, 0, "no memory to read %s", p->f->outer->name);
		return;
	}
	walk_from(w, p->f->outer, p->from, true);
	p->rc = 1;
	while (p->rc == 1 && w->pos < p->to)
		p->rc = take_record(p, w);
	p->finished = !p->rc;
	p->end = w->pos;
	free(w);
}

/* --- the index: parts walked at once, and joined where each ends just where the next began ---------------------- */

/* Do that many records follow each other from `pos` on, or up to the end mark? */
static bool chain_at(struct walk *w, uint64_t pos)
{
	walk_from(w, w->file, pos, false);
	for (int i = 0; i < SYNC_RECORDS; i++) {
		const uint8_t *head = NULL;
		uint64_t inner, size;

		if (next_header(w, &head, NULL) != 1)
			return false;
		inner = mmw_get64(head, true);
		size = mmw_get64(head + 8, true);
		if (inner == UINT64_MAX && size == UINT64_MAX)
			return i > 0;
		if (!size || size > SYNC_RECORD_MAX || inner >> 50 || !mmw_fits(w->pos + FLAT_RECORD, size, w->file->size))
			return false;
		w->pos += FLAT_RECORD + size;
	}
	return true;
}

/*
 * A place near `pos` where a record seems to start, or 0. Memory may hold bytes that look like records, so this is
 * only where to begin: what counts is that the walk from the stream's start arrives there.
 */
static uint64_t find_record(struct mmw_file *file, uint64_t pos)
{
	uint8_t *window = malloc(SYNC_WINDOW);
	struct walk *w = malloc(sizeof(*w));
	uint64_t found = 0;

	if (window && w && mmw_fits(pos, SYNC_WINDOW, file->size) && !mmw_file_read(file, pos, window, SYNC_WINDOW, NULL)) {
		w->file = file;
		for (size_t i = 0; !found && i + FLAT_RECORD <= SYNC_WINDOW; i++) {
			uint64_t size = mmw_get64(window + i + 8, true);

			if (size && size <= SYNC_RECORD_MAX && chain_at(w, pos + i))
				found = pos + i;
		}
	}
	free(window);
	free(w);
	return found;
}

static int walk_item(void *ctx, unsigned worker, uint64_t item)
{
	(void)worker;
	walk_part((struct part *)ctx + item);
	return 0;
}

/* Cut the stream where records seem to start; returns the number of parts. */
static size_t cut(struct flat *f, struct part *parts)
{
	uint64_t size = f->outer->size;
	size_t want = mmw_parallel_workers(0), n = 1;

	parts[0] = (struct part){ .f = f, .from = FLAT_HEADER };
	if (want > size / PART_LEAST)
		want = size / PART_LEAST;
	if (want > PARTS_MAX)
		want = PARTS_MAX;
	for (size_t i = 1; i < want; i++) {
		uint64_t at = find_record(f->outer, size / want * i);

		if (at > parts[n - 1].from) {
			parts[n - 1].to = at;
			parts[n++] = (struct part){ .f = f, .from = at };
		}
	}
	parts[n - 1].to = UINT64_MAX;
	return n;
}

static int append(struct flat *f, const struct part *p, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&f->runs, &f->cap, f->n + p->n, sizeof(*f->runs), err);

	if (rc || !p->n)
		return rc;
	memcpy(f->runs + f->n, p->runs, p->n * sizeof(*p->runs));
	f->n += p->n;
	return 0;
}

/* A part that the walk before it does not arrive at began inside a record, and is walked again from where that is. */
static int join(struct flat *f, struct part *parts, size_t n, struct mmw_err *err)
{
	uint64_t pos = FLAT_HEADER;
	bool finished = false;
	int rc = 0;

	for (size_t i = 0; !rc && !finished && i < n; i++) {
		struct part *p = &parts[i];

		if (p->from != pos && pos < p->to) {
			free(p->runs);
			*p = (struct part){ .f = f, .from = pos, .to = p->to };
			walk_part(p);
		} else if (p->from != pos) {
			continue;
		}
		if (p->rc < 0) {
			if (err)
				*err = p->err;
			return p->rc;
		}
		rc = append(f, p, err);
		pos = p->end;
		finished = p->finished;
		f->truncated = p->truncated;
	}
	return rc;
}

static int walk_stream(struct flat *f, struct mmw_err *err)
{
	struct part *parts = calloc(PARTS_MAX, sizeof(*parts));
	size_t n;
	int rc;

	if (!parts)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read %s", f->outer->name);
	n = cut(f, parts);
	rc = mmw_parallel(0, n, walk_item, parts, err);
	if (!rc)
		rc = join(f, parts, n, err);
	for (size_t i = 0; i < n; i++)
		free(parts[i].runs);
	free(parts);
	return rc;
}

/* --- sorting it ------------------------------------------------------------------------------------------------- */

static int by_inner(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->inner != y->inner)
		return x->inner < y->inner ? -1 : 1;
	return x->outer < y->outer ? -1 : x->outer > y->outer;
}

/*
 * A writer's records are a few ascending sequences, one for each area of the dump that it fills: deal them out to as
 * many tails, and merge those. False when there are more, or no memory.
 */
static bool merge_sequences(struct flat *f)
{
	struct { size_t first, last; } seq[SEQUENCES_MAX];
	size_t *next = malloc(f->n * sizeof(*next)), n_seq = 0, out = 0;
	struct run *merged = malloc(f->n * sizeof(*merged));
	bool ok = next && merged;

	for (size_t i = 0; ok && i < f->n; i++) {
		size_t s = 0;

		while (s < n_seq && f->runs[seq[s].last].inner > f->runs[i].inner)
			s++;
		ok = s < SEQUENCES_MAX;
		if (ok && s == n_seq)
			seq[n_seq++].first = i;
		else if (ok)
			next[seq[s].last] = i;
		if (ok)
			seq[s].last = i;
		next[i] = SIZE_MAX;
	}
	while (ok && out < f->n) {
		size_t best = SIZE_MAX;

		for (size_t s = 0; s < n_seq; s++)
			if (seq[s].first != SIZE_MAX &&
			    (best == SIZE_MAX || by_inner(&f->runs[seq[s].first], &f->runs[seq[best].first]) < 0))
				best = s;
		merged[out++] = f->runs[seq[best].first];
		seq[best].first = next[seq[best].first];
	}
	free(next);
	if (!ok) {
		free(merged);
		return false;
	}
	free(f->runs);
	f->runs = merged;
	return true;
}

static bool overlaps(const struct flat *f)
{
	for (size_t i = 1; i < f->n; i++)
		if (f->runs[i].inner < run_end(&f->runs[i - 1]))
			return true;
	return false;
}

struct resolving {
	const struct run *all;
	struct part *kept;
};

/* Keep the part [from, to) of a run: the rest of a record, whole records, the start of one. */
static int keep_part(void *ctx, size_t index, uint64_t from, uint64_t to)
{
	const struct resolving *r = ctx;
	const struct run *run = &r->all[index];
	int rc = 0;

	while (!rc && from < to) {
		uint64_t in = (from - run->inner) % run->size, left = to - from;
		struct run part = { from, outer_of(run, from), 0, 1 };

		if (!in && left >= run->size) {
			part.size = run->size;
			part.count = left / run->size;
		} else {
			part.size = run->size - in < left ? run->size - in : left;
		}
		rc = push_run(r->kept, part);
		from = run_end(&part);
	}
	return rc;
}

/* The later record wins, and later in the stream is a larger outer offset. */
static int resolve_overlaps(struct flat *f, struct mmw_err *err)
{
	struct mmw_sweep *ranges = malloc(f->n * sizeof(*ranges));
	struct part kept = { .f = f };
	struct resolving r = { f->runs, &kept };
	int rc;

	if (!ranges)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu flattened records", f->n);
	for (size_t i = 0; i < f->n; i++)
		ranges[i] = (struct mmw_sweep){ f->runs[i].inner, run_end(&f->runs[i]) - f->runs[i].inner,
						~f->runs[i].outer, i };
	rc = mmw_sweep(ranges, f->n, keep_part, &r, err);
	if (rc && err && kept.err.code)
		*err = kept.err;
	free(ranges);
	free(f->runs);
	f->runs = kept.runs;
	f->n = kept.n;
	f->cap = kept.cap;
	return rc;
}

static void shrink(struct flat *f)
{
	struct run *fewer = realloc(f->runs, f->n * sizeof(*f->runs));

	if (fewer)
		f->runs = fewer;
}

static int sort_index(struct flat *f, struct mmw_err *err)
{
	bool sorted = true;

	for (size_t i = 0; i < f->n; i++) {
		uint64_t end = run_end(&f->runs[i]);

		sorted = sorted && f->runs[i].inner >= f->file.size;
		if (end > f->file.size)
			f->file.size = end;
	}
	if (sorted)
		return 0;
	if (!merge_sequences(f))
		qsort(f->runs, f->n, sizeof(*f->runs), by_inner);
	return overlaps(f) ? resolve_overlaps(f, err) : 0;
}

static int build_index(struct flat *f, struct mmw_err *err)
{
	int rc = walk_stream(f, err);

	if (rc)
		return rc;
	if (!f->n)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: this flattened stream holds no record%s", f->outer->name,
				f->truncated ? " (truncated)" : "");
	rc = sort_index(f, err);
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

static int flat_unwrap(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err)
{
	static const char suffix[] = " (unflattened)";
	size_t name_len = strlen(outer->name);
	struct flat *f;
	int rc = check_header(outer, err);

	(void)how;
	if (rc)
		return rc;
	f = calloc(1, sizeof(*f) + name_len + sizeof(suffix));
	if (!f)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", outer->name);
	memcpy(f->name, outer->name, name_len);
	memcpy(f->name + name_len, suffix, sizeof(suffix));
	f->file = (struct mmw_file){ .name = f->name, .read = flat_read, .close = flat_close, .data = flat_data };
	f->outer = outer;
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

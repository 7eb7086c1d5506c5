/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "formats/write.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "formats/writer.h"
#include "lib/base/par.h"
#include "lib/base/sweep.h"
#include "lib/base/vec.h"

enum {
	FLAT_HEADER = 4096,
	FLAT_RECORD = 16,
	PLANS_MAX = 4,  /* memory that does not read is found in the first; an input that changes must not keep us */
};

static const struct mmw_writer *const writers[] = { &mmw_writer_elf, &mmw_writer_kdump, &mmw_writer_lime,
						    &mmw_writer_raw };

const struct mmw_writer *mmw_writer_at(size_t index)
{
	return index < mmw_array_len(writers) ? writers[index] : NULL;
}

const struct mmw_writer *mmw_writer_by_name(const char *name)
{
	for (size_t i = 0; i < mmw_array_len(writers); i++)
		if (!strcmp(writers[i]->name, name))
			return writers[i];
	return NULL;
}

/* Is `ending` one of these words? */
static bool among(const char *words, const char *ending)
{
	size_t len = strlen(ending);

	for (const char *at = words; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		if (n == len && !strncasecmp(at, ending, len))
			return true;
		at += n;
	}
	return false;
}

const struct mmw_writer *mmw_writer_for(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < mmw_array_len(writers); i++)
		if (among(writers[i]->endings, dot))
			return writers[i];
	return NULL;
}

/* --- bytes to the file ------------------------------------------------------------------------------------------ */

static int write_failed(const struct mmw_sink *s, struct mmw_err *err)
{
	return mmw_fail_sys(err, "%s", s->name);
}

static int put_at(const struct mmw_sink *s, uint64_t off, const uint8_t *p, size_t len, struct mmw_err *err)
{
	while (len) {
		ssize_t n = pwrite(s->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return write_failed(s, err);
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int put_sparse(const struct mmw_sink *s, uint64_t off, const uint8_t *p, size_t len, struct mmw_err *err)
{
	size_t from = 0, at = 0;
	int rc = 0;

	if (!mmw_fits(off, len, INT64_MAX))
		return mmw_fail(err, MMW_E_LIMIT, 0, "%s: no file is as large as this memory's addresses", s->name);
	while (!rc && at < len) {
		size_t n = MMW_WRITE_PAGE - (off + at) % MMW_WRITE_PAGE;

		n = n < len - at ? n : len - at;
		if (mmw_all_zero(p + at, n)) {
			rc = put_at(s, off + from, p + from, at - from, err);
			from = at + n;
		}
		at += n;
	}
	return rc ? rc : put_at(s, off + from, p + from, at - from, err);
}

static int put_stream(const struct mmw_sink *s, const uint8_t *p, size_t len, struct mmw_err *err)
{
	while (len) {
		ssize_t n = write(s->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return write_failed(s, err);
		p += n;
		len -= n;
	}
	return 0;
}

/* makedumpfile.h, struct makedumpfile_data_header: big-endian on every machine. An offset of -1 is the end. */
static int put_record(const struct mmw_sink *s, uint64_t off, const void *bytes, uint64_t len, struct mmw_err *err)
{
	uint8_t head[FLAT_RECORD];
	int rc;

	mmw_put_word(head, off, 8, true);
	mmw_put_word(head + 8, len, 8, true);
	rc = put_stream(s, head, sizeof(head), err);
	return rc || off == UINT64_MAX ? rc : put_stream(s, bytes, len, err);
}

static int flat_begin(const struct mmw_sink *s, struct mmw_err *err)
{
	uint8_t head[FLAT_HEADER] = "makedumpfile";

	mmw_put_word(head + 16, 1, 8, true);  /* type: flattened */
	mmw_put_word(head + 24, 1, 8, true);  /* version */
	return put_stream(s, head, sizeof(head), err);
}

int mmw_put(const struct mmw_sink *s, uint64_t off, const void *bytes, size_t len, struct mmw_err *err)
{
	if (!len)
		return 0;
	return s->flattened ? put_record(s, off, bytes, len, err) : put_sparse(s, off, bytes, len, err);
}

static int sink_begin(const struct mmw_sink *s, struct mmw_err *err)
{
	if (s->flattened)
		return flat_begin(s, err);
	return ftruncate(s->fd, 0) ? write_failed(s, err) : 0;
}

static int sink_end(const struct mmw_sink *s, uint64_t size, struct mmw_err *err)
{
	if (s->flattened)
		return put_record(s, UINT64_MAX, NULL, UINT64_MAX, err);
	if (size > INT64_MAX)
		return mmw_fail(err, MMW_E_LIMIT, 0, "%s: no file is as large as this memory's addresses", s->name);
	return ftruncate(s->fd, (off_t)size) ? write_failed(s, err) : 0;
}

/* --- the plan --------------------------------------------------------------------------------------------------- */

static int add_span(struct mmw_writing *w, uint64_t pa, uint64_t len, enum mmw_state state, struct mmw_err *err)
{
	struct mmw_span *last = w->n_spans ? &w->spans[w->n_spans - 1] : NULL;
	int rc = 0;

	if (last && last->state == state && last->pa + last->len == pa) {
		last->len += len;
	} else {
		rc = mmw_vec_reserve(&w->spans, &w->cap_spans, w->n_spans + 1, sizeof(*w->spans), err);
		if (!rc)
			w->spans[w->n_spans++] =
				(struct mmw_span){ .pa = pa, .len = len, .state = state, .pos = w->stored };
	}
	if (!rc && state == MMW_STORED)
		w->stored += len;
	return rc;
}

/* A stored extent without what is known to be lost. *lost goes up with the addresses. */
static int add_stored(struct mmw_writing *w, const struct mmw_extent *e, size_t *lost, struct mmw_err *err)
{
	uint64_t pa = e->pa, end = e->pa + e->len;
	int rc = 0;

	while (!rc && pa < end) {
		const struct mmw_lost *l = *lost < w->n_lost ? &w->lost[*lost] : NULL;

		if (!l || l->pa >= end)
			return add_span(w, pa, end - pa, MMW_STORED, err);
		if (l->pa > pa)
			rc = add_span(w, pa, l->pa - pa, MMW_STORED, err);
		rc = rc ? rc : add_span(w, l->pa, l->len, MMW_TRUNCATED, err);
		pa = l->pa + l->len;
		++*lost;
	}
	return rc;
}

static int plan_exact(struct mmw_writing *w, struct mmw_err *err)
{
	struct mmw_extent e;
	size_t lost = 0;
	int rc = 0;

	for (uint64_t from = 0; !rc && mmw_image_next_extent(w->img, from, &e); from = e.pa + e.len)
		rc = e.state == MMW_STORED ? add_stored(w, &e, &lost, err) : add_span(w, e.pa, e.len, e.state, err);
	return rc;
}

struct planning {
	struct mmw_writing *w;
	const struct mmw_span *exact;
	struct mmw_err *err;
};

static int keep_pages(void *ctx, size_t index, uint64_t from, uint64_t to)
{
	const struct planning *p = ctx;

	return add_span(p->w, from, to - from, p->exact[index].state, p->err);
}

/* Whole pages: of those that are in several states, stored counts before missing before left out. */
static int plan_pages(struct mmw_writing *w, struct mmw_err *err)
{
	struct planning p = { w, w->spans, err };
	uint64_t page = w->opts->page_size;
	size_t n = w->n_spans;
	struct mmw_sweep *ranges = malloc((n + 1) * sizeof(*ranges));
	int rc = 0;

	for (size_t i = 0; ranges && i < n; i++) {
		const struct mmw_span *s = &p.exact[i];
		uint64_t first = s->pa / page * page, end = s->pa + s->len;
		unsigned rank = s->state == MMW_STORED ? 0 : s->state == MMW_TRUNCATED ? 1 : 2;

		end = end % page ? (end / page + 1) * page : end;
		if (end <= first)
			rc = mmw_fail(err, MMW_E_LIMIT, s->pa,
				      "memory at the very end of the address space is part of a page only");
		ranges[i] = (struct mmw_sweep){ first, end - first, rank * (uint64_t)n + i, i };
	}
	if (!ranges)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu ranges", n);
	w->spans = NULL;
	w->n_spans = w->cap_spans = 0;
	w->stored = 0;
	rc = rc ? rc : mmw_sweep(ranges, n, keep_pages, &p, err);
	free((void *)p.exact);
	free(ranges);
	return rc;
}

static int plan(struct mmw_writing *w, struct mmw_err *err)
{
	struct mmw_write_stats *st = w->stats;
	int rc;

	memset(st, 0, sizeof(*st));
	w->n_spans = 0;
	w->stored = 0;
	rc = plan_exact(w, err);
	st->stored = w->stored;
	for (size_t i = 0; !rc && i < w->n_spans; i++) {
		st->excluded += w->spans[i].state == MMW_EXCLUDED ? w->spans[i].len : 0;
		st->missing += w->spans[i].state == MMW_TRUNCATED ? w->spans[i].len : 0;
	}
	if (!rc && w->writer->ops->blocks)
		rc = plan_pages(w, err);
	st->padded = w->stored - st->stored;
	for (size_t i = 0; i < w->n_lost; i++)
		st->corrupt += w->lost[i].len;
	return rc;
}

/* --- from the image to the file --------------------------------------------------------------------------------- */

struct pipe {
	struct mmw_writing *w;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t next, done;
	bool failed;
	struct mmw_err why;
	struct {
		struct mmw_reader *reader;
		struct mmw_chunk *chunk;
	} workers[];
};

/* The span that byte `pos` of the stream lies in. */
static size_t span_at(const struct mmw_writing *w, uint64_t pos)
{
	size_t lo = 0, hi = w->n_spans;

	/* The last one that starts at or before pos; those that are not stored start where the next stored one does. */
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->spans[mid].pos <= pos)
			lo = mid;
		else
			hi = mid;
	}
	while (w->spans[lo].state != MMW_STORED)
		lo--;
	return lo;
}

static int gather(const struct mmw_writing *w, struct mmw_chunk *c, uint64_t pos, struct mmw_err *err)
{
	c->n_pieces = c->n_lost = c->len = 0;
	c->zero = 0;
	for (size_t i = span_at(w, pos); i < w->n_spans && c->len < MMW_CHUNK; i++) {
		const struct mmw_span *s = &w->spans[i];
		uint64_t in = pos + c->len - s->pos, left = s->len - in;
		int rc;

		if (s->state != MMW_STORED)
			continue;
		rc = mmw_vec_reserve(&c->pieces, &c->cap_pieces, c->n_pieces + 1, sizeof(*c->pieces), err);
		if (rc)
			return rc;
		left = left < MMW_CHUNK - c->len ? left : MMW_CHUNK - c->len;
		c->pieces[c->n_pieces++] = (struct mmw_piece){ s->pa + in, s->off + in, c->len, left };
		c->len += left;
	}
	return 0;
}

static int lose(struct mmw_chunk *c, uint64_t pa, uint64_t len, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&c->lost, &c->cap_lost, c->n_lost + 1, sizeof(*c->lost), err);

	if (!rc)
		c->lost[c->n_lost++] = (struct mmw_lost){ pa, len };
	return rc;
}

/* What the image stores of a page that it holds in part; the rest is zero. */
static int read_stored(struct mmw_reader *r, struct mmw_chunk *c, uint64_t pa, uint8_t *buf, size_t len,
		       struct mmw_err *err)
{
	const struct mmw_image *img = mmw_reader_image(r);
	struct mmw_extent e;
	int rc = 0;

	memset(buf, 0, len);
	for (uint64_t from = pa; !rc && mmw_image_next_extent(img, from, &e) && e.pa < pa + len; from = e.pa + e.len) {
		uint64_t n = e.pa + e.len < pa + len ? e.len : pa + len - e.pa;

		if (e.state != MMW_STORED)
			continue;
		rc = mmw_read(r, e.pa, buf + (e.pa - pa), n, NULL);
		if (rc && rc != -MMW_E_NOMEM) {
			memset(buf + (e.pa - pa), 0, n);
			rc = lose(c, e.pa, n, err);
		}
	}
	return rc;
}

/* At once, or where that fails page by page. */
static int read_piece(const struct mmw_writing *w, struct mmw_reader *r, struct mmw_chunk *c, const struct mmw_piece *p,
		      struct mmw_err *err)
{
	uint64_t page = w->writer->ops->blocks ? w->opts->page_size : MMW_WRITE_PAGE;
	int rc = mmw_read(r, p->pa, c->bytes + p->at, p->len, NULL);

	if (!rc)
		return 0;
	rc = 0;
	for (size_t at = 0, n; !rc && at < p->len; at += n) {
		n = page - (p->pa + at) % page;
		n = n < p->len - at ? n : p->len - at;
		rc = mmw_read(r, p->pa + at, c->bytes + p->at + at, n, NULL);
		if (rc && rc != -MMW_E_NOMEM)
			rc = read_stored(r, c, p->pa + at, c->bytes + p->at + at, n, err);
	}
	return rc == -MMW_E_NOMEM ? mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read the image") : rc;
}

static void count_zeros(struct mmw_chunk *c)
{
	for (size_t i = 0; i < c->n_pieces; i++) {
		const struct mmw_piece *p = &c->pieces[i];

		for (size_t at = 0, n; at < p->len; at += n) {
			n = MMW_WRITE_PAGE - (p->pa + at) % MMW_WRITE_PAGE;
			n = n < p->len - at ? n : p->len - at;
			if (mmw_all_zero(c->bytes + p->at + at, n))
				c->zero += n;
		}
	}
}

static int prepare(struct pipe *p, unsigned worker, uint64_t item, struct mmw_err *err)
{
	const struct mmw_write_ops *ops = p->w->writer->ops;
	struct mmw_chunk *c = p->workers[worker].chunk;
	int rc = 0;

	if (!c)
		c = p->workers[worker].chunk = calloc(1, sizeof(*c));
	if (c && !c->bytes)
		c->bytes = malloc(MMW_CHUNK);
	if (!c || !c->bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read the image");
	if (!p->workers[worker].reader)
		rc = mmw_reader_open(p->w->img, &p->workers[worker].reader, err);
	rc = rc ? rc : gather(p->w, c, item * MMW_CHUNK, err);
	for (size_t i = 0; !rc && i < c->n_pieces; i++)
		rc = read_piece(p->w, p->workers[worker].reader, c, &c->pieces[i], err);
	if (!rc && ops->prepare)
		return ops->prepare(p->w, c, err);
	if (!rc)
		count_zeros(c);
	return rc;
}

static int store_pieces(struct mmw_writing *w, struct mmw_chunk *c, struct mmw_err *err)
{
	int rc = 0;

	for (size_t i = 0, n; !rc && i < c->n_pieces; i += n) {
		const struct mmw_piece *p = &c->pieces[i];
		size_t len = p->len;

		for (n = 1; i + n < c->n_pieces && p[n].off == p->off + len; n++)
			len += p[n].len;
		rc = mmw_put(w->sink, p->off, c->bytes + p->at, len, err);
	}
	return rc;
}

static int store(struct mmw_writing *w, struct mmw_chunk *c, struct mmw_err *err)
{
	return w->writer->ops->store ? w->writer->ops->store(w, c, err) : store_pieces(w, c, err);
}

/* It is this chunk's turn. */
static int place(struct pipe *p, struct mmw_chunk *c, struct mmw_err *err)
{
	struct mmw_writing *w = p->w;
	int rc = 0;

	for (size_t i = 0; !rc && i < c->n_lost; i++) {
		rc = mmw_vec_reserve(&w->lost, &w->cap_lost, w->n_lost + 1, sizeof(*w->lost), err);
		if (!rc)
			w->lost[w->n_lost++] = c->lost[i];
		w->stats->corrupt += c->lost[i].len;
	}
	w->stats->zero += c->zero;
	if (!rc && w->writer->ops->place)
		w->writer->ops->place(w, c);
	p->done += c->len;
	mmw_progress(w->opts->progress, "writing", p->done, w->stored);
	return rc;
}

static void give_up(struct pipe *p, const struct mmw_err *why)
{
	if (!p->failed)
		p->why = *why;
	p->failed = true;
	pthread_cond_broadcast(&p->moved);
}

static int one_chunk(void *ctx, unsigned worker, uint64_t item)
{
	struct mmw_err why = { 0 };
	struct pipe *p = ctx;
	int rc = prepare(p, worker, item, &why);
	struct mmw_chunk *c = p->workers[worker].chunk;

	pthread_mutex_lock(&p->lock);
	if (rc)
		give_up(p, &why);
	while (!p->failed && p->next != item)
		pthread_cond_wait(&p->moved, &p->lock);
	if (!p->failed) {
		rc = place(p, c, &why);
		if (!rc && p->w->sink->flattened)
			rc = store(p->w, c, &why);
		p->next++;
		pthread_cond_broadcast(&p->moved);
		if (rc)
			give_up(p, &why);
	}
	if (!p->failed && !p->w->sink->flattened) {
		pthread_mutex_unlock(&p->lock);
		rc = store(p->w, c, &why);
		pthread_mutex_lock(&p->lock);
		if (rc)
			give_up(p, &why);
	}
	rc = p->failed ? -(int)p->why.code : 0;
	pthread_mutex_unlock(&p->lock);
	return rc;
}

static void pipe_close(struct pipe *p, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++) {
		struct mmw_chunk *c = p->workers[i].chunk;

		mmw_reader_close(p->workers[i].reader);
		if (!c)
			continue;
		if (p->w->writer->ops->close_own)
			p->w->writer->ops->close_own(c->own);
		free(c->bytes);
		free(c->pieces);
		free(c->lost);
		free(c);
	}
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->moved);
	free(p);
}

static int copy(struct mmw_writing *w, struct mmw_err *err)
{
	unsigned workers = mmw_parallel_workers(w->opts->threads);
	struct pipe *p = calloc(1, sizeof(*p) + workers * sizeof(p->workers[0]));
	int rc;

	if (!p)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to write");
	p->w = w;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->moved, NULL);
	rc = mmw_parallel(w->opts->threads, w->stored / MMW_CHUNK + (w->stored % MMW_CHUNK != 0), one_chunk, p, NULL);
	if (rc && err)
		*err = p->why;
	pipe_close(p, workers);
	return rc;
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

static int write_once(struct mmw_writing *w, struct mmw_err *err)
{
	const struct mmw_write_ops *ops = w->writer->ops;
	uint64_t size = 0;
	int rc = plan(w, err);

	if (!rc && !w->n_spans)
		rc = mmw_fail(err, MMW_E_NODATA, 0, "%s holds no memory", mmw_image_name(w->img));
	rc = rc ? rc : sink_begin(w->sink, err);
	rc = rc ? rc : ops->begin(w, &size, err);
	rc = rc ? rc : copy(w, err);
	if (!rc && ops->end)
		rc = ops->end(w, &size, err);
	rc = rc ? rc : sink_end(w->sink, size, err);
	w->stats->size = size;
	return rc;
}

static int by_address(const void *a, const void *b)
{
	const struct mmw_lost *x = a, *y = b;

	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

static int write_planned(struct mmw_writing *w, struct mmw_err *err)
{
	size_t known = 0;
	int rc;

	for (int i = 0; i < PLANS_MAX; i++) {
		rc = write_once(w, err);
		if (rc || !w->writer->ops->replans || w->n_lost == known)
			return rc;
		qsort(w->lost, w->n_lost, sizeof(*w->lost), by_address);
		known = w->n_lost;
	}
	return mmw_fail(err, MMW_E_CORRUPT, 0, "%s reads differently each time", mmw_image_name(w->img));
}

int mmw_write(const struct mmw_image *img, const struct mmw_writer *writer, const struct mmw_write_opts *opts,
	      const struct mmw_sink *sink, struct mmw_write_stats *stats, struct mmw_err *err)
{
	struct mmw_writing w = { .img = img, .writer = writer, .opts = opts, .sink = sink, .stats = stats };
	int rc = writer->notes ? mmw_notes_make(img, opts->machine, opts->vmcoreinfo, &w.notes, err) : 0;

	rc = rc ? rc : write_planned(&w, err);
	/* A plan made anew counts what was lost before as missing already. */
	if (!writer->ops->replans) {
		stats->missing += stats->corrupt;
		stats->stored -= stats->corrupt;
	}
	stats->cpus = w.notes.cpus;
	stats->has_vmcoreinfo = w.notes.text_len;
	stats->made_vmcoreinfo = w.notes.made_text;
	stats->made_registers = w.notes.made_cpus;
	free(w.notes.bytes);
	free(w.spans);
	free(w.lost);
	free(w.own);
	return rc;
}

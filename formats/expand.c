/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "formats/expand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/spool.h"

enum {
	SMALL_FILE = 1 << 20,
	TRAILING = MMW_EXPAND_MORE + 1,  /* what follows the last member is none */
};

struct mmw_expand_file {
	struct mmw_file *outer;
	const struct mmw_expander *codec;
	const struct mmw_unwrap *how;
	struct mmw_spool *spool;
	char what[64];
	uint64_t read;  /* bytes of `outer` that were read */
	uint8_t in[MMW_EXPAND_IN], out[MMW_EXPAND_OUT];
};

int mmw_expand_fill(struct mmw_expand *x, size_t least, struct mmw_err *err)
{
	struct mmw_expand_file *f = x->file;
	size_t n = MMW_EXPAND_IN - x->n_in;
	int rc;

	if (x->n_in >= least || x->at_end)
		return 0;
	memmove(f->in, x->in, x->n_in);
	x->in = f->in;
	if (n > f->outer->size - f->read)
		n = f->outer->size - f->read;
	rc = mmw_file_read(f->outer, f->read, f->in + x->n_in, n, err);
	if (rc)
		return rc;
	x->n_in += n;
	f->read += n;
	x->at_end = f->read == f->outer->size;
	mmw_progress(f->how->progress, f->what, f->read, f->outer->size);
	return 0;
}

int mmw_expand_put(struct mmw_expand *x, const void *bytes, size_t n, struct mmw_err *err)
{
	struct mmw_expand_file *f = x->file;

	if (!mmw_fits(mmw_spool_size(f->spool), n, f->how->max_expand))
		return mmw_fail(err, MMW_E_LIMIT, 0, "%s unpacks to more than 0x%" PRIx64 " bytes (--max-expand raises this "
				"limit)", f->outer->name, f->how->max_expand);
	return mmw_spool_write(f->spool, bytes, n, err);
}

int mmw_expand_bad(struct mmw_expand *x, const char *why, struct mmw_err *err)
{
	const struct mmw_expand_file *f = x->file;

	return mmw_fail(err, MMW_E_CORRUPT, 0, "the %s data of %s is damaged before offset %" PRIu64 ", after %" PRIu64
			" unpacked bytes: %s", f->codec->name, f->outer->name, f->read - x->n_in, mmw_spool_size(f->spool), why);
}

int mmw_expand_too_large(struct mmw_expand *x, struct mmw_err *err)
{
	const struct mmw_expand_file *f = x->file;

	return mmw_fail(err, MMW_E_LIMIT, 0, "the %s data of %s asks for more than %" PRIu64 " MiB of memory to be unpacked",
			f->codec->name, f->outer->name, mmw_expand_window(x) >> 20);
}

size_t mmw_expand_skippable(const uint8_t *p, size_t n)
{
	size_t at = 0;

	while (n - at >= 8 && (mmw_get32(p + at, false) & ~0xfu) == 0x184d2a50 && mmw_get32(p + at + 4, false) <= n - at - 8)
		at += 8 + mmw_get32(p + at + 4, false);
	return at;
}

uint64_t mmw_expand_window(const struct mmw_expand *x)
{
	return x->file_size < SMALL_FILE ? 128u << 20 : 2ull << 30;
}

/* Padding between and behind members: tapes and block devices leave zeros. */
static int skip_zeros(struct mmw_expand *x, struct mmw_err *err)
{
	int rc;

	do {
		while (x->n_in && !*x->in)
			mmw_expand_skip(x, 1);
		rc = mmw_expand_fill(x, 1, err);
	} while (!rc && x->n_in && !*x->in);
	return rc;
}

/* All members; how the last one ended. */
static int all_members(struct mmw_expand *x, struct mmw_err *err)
{
	const struct mmw_expander *codec = x->file->codec;
	uint64_t n = 0;
	int rc = 0;

	do {
		rc = mmw_expand_fill(x, codec->head, err);
		if (rc)
			return rc;
		/* The first may be forced on bytes that do not look like it: its decoder says what is wrong. */
		if (n && !codec->starts(x->in, x->n_in))
			return TRAILING;
		x->unsure = x->unsure || n++;
		rc = codec->member(x, err);
		if (!rc)
			rc = skip_zeros(x, err);
	} while (!rc && x->n_in);
	return rc;
}

static void say_damage(const struct mmw_expand *x, int end, struct mmw_file *inner)
{
	const struct mmw_expand_file *f = x->file;
	char total[32] = "";

	snprintf(inner->note, sizeof(inner->note), "%s, cut off", f->codec->name);
	if (end == TRAILING) {
		snprintf(inner->damage, sizeof(inner->damage), "%" PRIu64 " bytes from offset %" PRIu64 " on are no %s data and "
			 "were left out: this may not be all of the image", f->outer->size - (f->read - x->n_in),
			 f->read - x->n_in, f->codec->name);
		return;
	}
	if (!x->unsure && x->promised > inner->size) {
		inner->missing = x->promised - inner->size;
		snprintf(total, sizeof(total), " of %" PRIu64, x->promised);
	}
	snprintf(inner->damage, sizeof(inner->damage), "the %s data ends early: only the first %" PRIu64 " bytes%s are there",
		 f->codec->name, inner->size, total);
}

static int expand(struct mmw_expand *x, struct mmw_file **inner, struct mmw_err *err)
{
	struct mmw_expand_file *f = x->file;
	int end = all_members(x, err), rc;

	if (end >= 0 && !mmw_spool_size(f->spool))
		end = mmw_fail(err, MMW_E_CORRUPT, 0, "%s: nothing is in this %s file%s", f->outer->name, f->codec->name,
			       end == MMW_EXPAND_CUT ? " before it ends early" : "");
	if (end < 0) {
		mmw_spool_drop(f->spool);
		return end;
	}
	rc = mmw_spool_finish(f->spool, inner, err);
	if (rc)
		return rc;
	snprintf((*inner)->note, sizeof((*inner)->note), "%s", f->codec->name);
	if (end)
		say_damage(x, end, *inner);
	return 0;
}

int mmw_expand(struct mmw_file *outer, const struct mmw_expander *codec, const struct mmw_unwrap *how,
	       struct mmw_file **inner, struct mmw_err *err)
{
	struct mmw_expand_file *f = malloc(sizeof(*f));
	char name[256];
	int rc;

	if (!f)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to unpack %s", outer->name);
	f->outer = outer;
	f->codec = codec;
	f->how = how;
	f->read = 0;
	snprintf(f->what, sizeof(f->what), "unpacking %s", outer->name);
	snprintf(name, sizeof(name), "%s (unpacked)", outer->name);
	rc = mmw_spool_open(name, &f->spool, err);
	if (!rc) {
		struct mmw_expand x = { .in = f->in, .out = f->out, .file_size = outer->size, .file = f };

		rc = expand(&x, inner, err);
	}
	free(f);
	if (!rc)
		mmw_file_close(outer);
	return rc;
}

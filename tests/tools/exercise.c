/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/exercise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/file.h"
#include "lib/base/vec.h"
#include "lib/kernel/kernel.h"
#include "lib/kernel/place.h"

enum { EXTENTS_MAX = 4096, RECORDS_MAX = 3000, SYMBOLS_MAX = 2000 };

/* Not assert(): it must hold in release builds too. */
#define promise(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #what); \
			abort(); \
		} \
	} while (0)

void exercise_error(int rc, const struct mmw_err *err)
{
	promise(rc < 0);
	if (err->code != (enum mmw_code)-rc)
		fprintf(stderr, "returned %s, filled in %s: %.100s\n", mmw_code_word(rc), mmw_code_word(err->code),
			err->msg);
	promise(err->code == (enum mmw_code)-rc);
	promise(err->msg[0] && memchr(err->msg, 0, sizeof(err->msg)));
	promise(strcmp(mmw_code_word(rc), "unknown"));
}

/* A whole page at its start, and a few bytes across its end. */
static void read_extent(struct mmw_reader *reader, const struct mmw_extent *e)
{
	struct mmw_err err = { 0 };
	uint8_t page[4096];
	size_t n = e->len < sizeof(page) ? e->len : sizeof(page);
	uint64_t last = e->pa + (e->len - 1);
	int rc = mmw_read(reader, e->pa, page, n, &err);

	if (rc)
		exercise_error(rc, &err);
	promise(e->state != MMW_EXCLUDED || rc == -MMW_E_EXCLUDED);
	promise(e->state != MMW_TRUNCATED || rc == -MMW_E_TRUNCATED);
	promise(rc != -MMW_E_NODATA);
	rc = mmw_read(reader, last - (last > 4 ? 4 : last), page, 8, &err);
	if (rc)
		exercise_error(rc, &err);
}

/* Addresses that an image may know nothing of. */
static void read_anywhere(struct mmw_reader *reader)
{
	static const uint64_t anywhere[] = {
		0, 0xfff, 0x1000, 0x41000, 0x100000000, 1ull << 52, UINT64_MAX - 4096, UINT64_MAX,
	};
	const uint8_t *table;
	struct mmw_err err = { 0 };
	uint8_t buf[64];

	for (size_t i = 0; i < mmw_array_len(anywhere); i++) {
		int rc = mmw_read(reader, anywhere[i], buf, sizeof(buf), &err);

		if (rc)
			exercise_error(rc, &err);
	}
	mmw_read_table(reader, 0x1000, 4096, &table, NULL);
}

void exercise_extents(const struct mmw_image *img, struct mmw_reader *reader)
{
	struct mmw_extent e;
	uint64_t from = 0;

	read_anywhere(reader);
	for (int n = 0; n < EXTENTS_MAX && mmw_image_next_extent(img, from, &e); n++) {
		promise(e.len > 0);
		promise(e.pa >= from);
		promise(e.pa + e.len > e.pa);
		read_extent(reader, &e);
		from = e.pa + e.len;
	}
}

/* The first records tile the address space from 0 on. */
static void walk_some(struct mmw_reader *reader, const struct mmw_space *space)
{
	struct mmw_walk *w = malloc(sizeof(*w));
	struct mmw_err err = { 0 };
	uint64_t next = 0;
	struct mmw_ent e;
	int rc = 1;

	promise(w);
	mmw_walk_init(w, reader, space, 0, UINT64_MAX);
	for (int n = 0; n < RECORDS_MAX && (rc = mmw_walk_next(w, &e, &err)) == 1; n++) {
		promise(e.va == next && e.last >= e.va);
		next = e.last + 1;
	}
	promise(rc != 0 || next == 0);
	if (rc < 0)
		exercise_error(rc, &err);
	free(w);
}

static void ask_symbols(const struct mmw_kernel *k)
{
	const struct mmw_kallsyms *ks = mmw_kernel_kallsyms(k);
	size_t n = ks ? mmw_kallsyms_count(ks) : 0, pos = 0, index;
	struct mmw_ksym s, same;

	for (size_t i = 0; i < n && i < SYMBOLS_MAX; i++) {
		promise(!mmw_kallsyms_at(ks, i, &s, NULL));
		promise(memchr(s.name, 0, sizeof(s.name)));
		pos = i;
		promise(strlen(s.name) + 1 == sizeof(s.name) ||
			(mmw_kallsyms_by_name(ks, s.name, &pos, &same) == 1 && !strcmp(s.name, same.name)));
		promise(mmw_kallsyms_by_addr(ks, s.addr, &index) && mmw_kallsyms_addr(ks, index) == s.addr);
	}
}

/* Proposals are memory of the file, without wrapping; a warning has words. */
static void ask_places(struct mmw_kernel *k)
{
	struct mmw_place places[MMW_PLACES_MAX];
	size_t n = mmw_kernel_places(k, places);

	promise(n <= MMW_PLACES_MAX);
	for (size_t i = 0; i < n; i++) {
		promise(places[i].n <= MMW_PLACE_RANGES && places[i].why[0]);
		for (size_t r = 0; r < places[i].n; r++)
			promise(places[i].map[r].len && places[i].map[r].pa <= UINT64_MAX - places[i].map[r].len);
	}
}

static void ask_kernel(const struct mmw_image *img, struct mmw_reader *reader)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	struct mmw_kernel *k = NULL;
	struct mmw_err err = { 0 };
	int rc = mmw_kernel_bind(img, &opts, &k, &err);

	if (rc) {
		exercise_error(rc, &err);
		return;
	}
	promise(mmw_kernel_found(k) || mmw_kernel_why_not(k)[0]);
	ask_places(k);
	mmw_kernel_layout(k);
	mmw_kernel_isolated(k);
	if (mmw_kernel_found(k))
		mmw_kernel_type_sources(k, NULL, &err);
	if (mmw_kernel_space(k))
		walk_some(reader, mmw_kernel_space(k));
	ask_symbols(k);
	mmw_kernel_close(k);
}

int exercise_image(const void *bytes, size_t len, const char *format, struct mmw_err *err)
{
	const struct mmw_open_opts opts = { .format = format };
	struct mmw_reader *reader = NULL;
	struct mmw_image *img = NULL;
	struct mmw_file *file;
	int rc;

	promise(!mmw_file_memory(bytes, len, "bytes", &file, err));
	rc = mmw_open_file(file, "bytes", &opts, &img, err);
	if (rc) {
		exercise_error(rc, err);
		return rc;
	}
	promise(!mmw_reader_open(img, &reader, err));
	exercise_extents(img, reader);
	ask_kernel(img, reader);
	mmw_reader_close(reader);
	mmw_image_close(img);
	return 0;
}

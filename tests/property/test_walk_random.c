/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walker over thousands of random tables and over plain noise. Its records must tile the range they were asked for,
 * in order and without overlap, and each must agree with a translation that is written down here a second time, page by
 * page, after the Intel SDM (volume 3A, 4.5) and Linux's pgtable headers, sharing nothing with lib/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arch/walk.h"
#include "lib/image/build.h"

enum { PAGE = 4096, PAGES = 48, ROUNDS = 3000, RECORDS_MAX = 4000 };

/* --- randomness ----------------------------------------------------------------------------------------------- */

static uint64_t state_x = 0x123456789abcdef;

static uint64_t rnd64(void)
{
	state_x ^= state_x >> 12;
	state_x ^= state_x << 25;
	state_x ^= state_x >> 27;
	return state_x * 0x2545f4914f6cdd1dull;
}

static unsigned rnd(unsigned below)
{
	return (unsigned)((rnd64() >> 32) * below >> 32);
}

/* --- a random machine ----------------------------------------------------------------------------------------- */

enum page_state { STORED, EXCLUDED, ABSENT };

struct machine {
	uint8_t bytes[PAGES * PAGE];
	enum page_state state[PAGES];
	bool big_endian;
	unsigned levels;
	uint64_t root, clear;
};

static void put_entry(struct machine *m, unsigned page, unsigned index, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		m->bytes[page * PAGE + 8 * index + i] = (uint8_t)(v >> 8 * (m->big_endian ? 7 - i : i));
}

/* An address that is mostly one of our pages, sometimes just outside, sometimes anything. */
static uint64_t random_frame(void)
{
	switch (rnd(12)) {
	case 0:
		return rnd64() & 0x000ffffffffff000;
	case 1:
		return (uint64_t)(PAGES + rnd(4)) * PAGE;
	default:
		return (uint64_t)rnd(PAGES) * PAGE;
	}
}

static uint64_t random_entry(const struct machine *m)
{
	static const uint64_t soft[] = { 0,	2,     4,     6,	  8,	      0x10,	 0x60,
					 0x200, 0x400, 0x800, 7ull << 60, 1ull << 58, 1ull << 63 };
	uint64_t v = random_frame() | soft[rnd(13)] | soft[rnd(13)];

	switch (rnd(10)) {
	case 0:
		return rnd64();
	case 1:
		return v;                           /* not present, but something */
	case 2:
		return v | 0x81;                    /* large, with a frame that is seldom aligned */
	case 3:
		return (v & ~0x3ffff000ull) | 0x81; /* large and aligned */
	case 4:
		return rnd(2) ? v | 0x100 : v | 0x80;
	case 5:
		return rnd(2) ? 0x60 : v | 1 | m->clear;
	default:
		return v | 1;
	}
}

/* A few entries a page, so that the tree does not explode; or noise from end to end. */
static void random_machine(struct machine *m)
{
	bool noise = !rnd(8);
	unsigned per_table = 1 + rnd(6);

	memset(m, 0, sizeof(*m));
	m->big_endian = !rnd(4);
	m->levels = 4 + rnd(2);
	m->clear = rnd(4) ? 0 : 1ull << (rnd(2) ? 47 : 51);
	m->root = (uint64_t)rnd(PAGES) * PAGE;
	for (unsigned p = 0; p < PAGES; p++) {
		m->state[p] = rnd(12) ? STORED : rnd(2) ? EXCLUDED : ABSENT;
		for (unsigned n = 0; !noise && n < per_table; n++)
			put_entry(m, p, rnd(3) ? rnd(512) : rnd(2) ? 0 : 511, random_entry(m));
		for (unsigned i = 0; noise && i < 512; i++)
			put_entry(m, p, i, rnd(3) ? rnd64() : random_entry(m));
	}
}

static void add_page(struct mmw_image *img, uint64_t page, enum mmw_state how)
{
	assert_int_equal(mmw_image_add_extent(img, page * PAGE, PAGE, page * PAGE, how, NULL), 0);
}

static struct mmw_image *image_of(const struct machine *m)
{
	struct mmw_image *img;
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory(m->bytes, sizeof(m->bytes), "machine", &f, NULL), 0);
	assert_int_equal(mmw_image_new(f, "machine", &img, NULL), 0);
	img->big_endian = m->big_endian;
	for (unsigned p = 0; p < PAGES; p++)
		if (m->state[p] != ABSENT)
			add_page(img, p, m->state[p] == STORED ? MMW_STORED : MMW_EXCLUDED);
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	return img;
}

/* --- the second opinion --------------------------------------------------------------------------------------- */

enum verdict { MAPPED, UNMAPPED, SWAPPED, RESERVED, NO_TABLE, NOT_CANONICAL };

struct opinion {
	enum verdict verdict;
	unsigned level;
	bool hw, write, execute, user, excluded;
	uint64_t pa;
};

static uint64_t get_entry(const struct machine *m, uint64_t table, uint64_t index)
{
	const uint8_t *p = m->bytes + table + 8 * index;
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[m->big_endian ? i : 7 - i];
	return v;
}

static bool bit(uint64_t v, unsigned n)
{
	return v >> n & 1;
}

static bool canonical(uint64_t va, unsigned bits)
{
	int64_t top = (int64_t)va >> (bits - 1);

	return top == 0 || top == -1;
}

/* What an entry of this level says about va; true when the way goes on to the table at o->pa. */
static bool judge(const struct machine *m, uint64_t raw, unsigned level, uint64_t va, struct opinion *o)
{
	uint64_t size = 1ull << (12 + 9 * level), field = raw & 0x000ffffffffff000;

	o->level = level;
	o->hw = bit(raw, 0);
	o->write &= bit(raw, 1);
	o->user &= bit(raw, 2);
	o->execute &= !bit(raw, 63);
	if (!bit(raw, 0)) {
		bool page = level == 0 ? bit(raw, 8) : level <= 2 && bit(raw, 7);

		if (raw == 0 || (raw & ~0x60ull) == 0) {
			o->verdict = UNMAPPED;
		} else if (page) {
			o->verdict = MAPPED;
			o->pa = ((field ^ 0x000ffffffffff000) & ~m->clear & ~(size - 1)) + va % size;
		} else {
			o->verdict = level <= 2 ? SWAPPED : RESERVED;
		}
		return false;
	}
	if (level > 0 && !bit(raw, 7)) {
		o->pa = field & ~m->clear;
		return true;
	}
	if (level > 2 || (level && (field & ~m->clear & (size - 1) & ~0x1000ull))) {
		o->verdict = RESERVED;
		return false;
	}
	o->verdict = MAPPED;
	o->pa = (field & ~m->clear & ~(size - 1)) + va % size;
	return false;
}

static struct opinion second_opinion(const struct machine *m, uint64_t va)
{
	struct opinion o = { .write = true, .execute = true, .user = true, .pa = m->root, .level = m->levels - 1 };

	if (!canonical(va, 12 + 9 * m->levels)) {
		o.verdict = NOT_CANONICAL;
		return o;
	}
	for (unsigned level = m->levels; level-- > 0; ) {
		uint64_t frame = o.pa / PAGE;

		if (frame >= PAGES || m->state[frame] != STORED) {
			o.verdict = NO_TABLE;
			o.level = level + 1 == m->levels ? level : level + 1;
			o.excluded = frame < PAGES && m->state[frame] == EXCLUDED;
			return o;
		}
		if (!judge(m, get_entry(m, o.pa, va >> (12 + 9 * level) & 511), level, va, &o))
			return o;
	}
	return o;
}

/* --- comparing ------------------------------------------------------------------------------------------------ */

static void agree(const struct machine *m, const struct mmw_ent *e, uint64_t va)
{
	static const enum mmw_ent_kind kinds[] = {
		[MAPPED] = MMW_ENT_LEAF, [UNMAPPED] = MMW_ENT_HOLE, [SWAPPED] = MMW_ENT_SWAP, [RESERVED] = MMW_ENT_BAD,
		[NO_TABLE] = MMW_ENT_LOST, [NOT_CANONICAL] = MMW_ENT_OUTSIDE,
	};
	struct opinion o = second_opinion(m, va);

	if (e->kind != kinds[o.verdict] || e->level != o.level)
		fail_msg("%llx: the walk says kind %d at level %u, the tables verdict %d at level %u",
			 (unsigned long long)va, e->kind, e->level, o.verdict, o.level);
	if (o.verdict == NO_TABLE) {
		assert_int_equal(e->why, o.excluded ? MMW_E_EXCLUDED : MMW_E_NODATA);
		assert_int_equal(e->pa, o.pa);
	}
	if (o.verdict != MAPPED)
		return;
	assert_int_equal(e->pa + (va - e->va), o.pa);
	assert_int_equal(e->hw, o.hw);
	assert_int_equal(!!(e->rights & MMW_KW), o.write);
	assert_int_equal(!!(e->rights & MMW_KX), o.execute);
	assert_int_equal(!!(e->rights & MMW_UR), o.user);
	assert_int_equal(!!(e->rights & MMW_UW), o.user && o.write);
	assert_int_equal(!!(e->rights & MMW_UX), o.user && o.execute);
}

/* Where the range of this round starts and ends: everywhere, near borders, or around an address of interest. */
static void random_range(const struct machine *m, uint64_t *va, uint64_t *last)
{
	unsigned bits = 12 + 9 * m->levels;
	uint64_t shift = 1 + rnd(bits - 1), half = 1ull << (bits - 1);

	switch (rnd(6)) {
	case 0:
		*va = 0;
		*last = UINT64_MAX;
		break;
	case 1:
		*va = half - (rnd64() >> (64 - shift));
		*last = -half + (rnd64() >> (64 - shift));
		break;
	default:
		*va = rnd(2) ? rnd64() & (half - 1) : rnd64() | -half;
		*va = rnd(2) ? *va & ~0xfffull : *va;
		*last = *va + (rnd64() >> (63 - shift));
		if (*last < *va)
			*last = UINT64_MAX;
	}
}

static void check_record(const struct machine *m, const struct mmw_ent *e, uint64_t last)
{
	uint64_t span = e->last - e->va;

	assert_true(e->last >= e->va && e->last <= last);
	agree(m, e, e->va);
	agree(m, e, e->last);
	if (span > 1)
		agree(m, e, e->va + rnd64() % span);
}

static void walk_once(const struct machine *m, struct mmw_reader *r, struct mmw_walk *w, const struct mmw_space *space)
{
	uint64_t va, last, next;
	struct mmw_err err = { 0 };
	struct mmw_ent e;
	int n, rc = 1;

	random_range(m, &va, &last);
	next = va;
	mmw_walk_init(w, r, space, va, last);
	for (n = 0; n < RECORDS_MAX && (rc = mmw_walk_next(w, &e, &err)) == 1; n++) {
		assert_int_equal(e.va, next);
		check_record(m, &e, last);
		next = e.last + 1;
	}
	if (rc == 0)
		assert_int_equal(next, last + 1);
	else
		assert_int_equal(rc, 1);
}

static void random_tables(void **state)
{
	struct machine *m = malloc(sizeof(*m));
	struct mmw_walk *w = malloc(sizeof(*w));

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct mmw_space space = { .arch = mmw_arch_by_name("x86_64") };
		struct mmw_reader *r;
		struct mmw_image *img;

		random_machine(m);
		img = image_of(m);
		assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
		space.arch->geometry(m->levels - 4, &space.paging);
		space.paging.clear = m->clear;
		space.paging.big_endian = m->big_endian;
		space.root = m->root;
		for (int i = 0; i < 3; i++)
			walk_once(m, r, w, &space);
		mmw_reader_close(r);
		mmw_image_close(img);
	}
	free(w);
	free(m);
}

/* Single addresses in random order through one walk: what it remembers must never show. */
static void random_addresses(void **state)
{
	struct machine *m = malloc(sizeof(*m));
	struct mmw_walk *w = malloc(sizeof(*w));

	(void)state;
	for (int round = 0; round < ROUNDS / 10; round++) {
		struct mmw_space space = { .arch = mmw_arch_by_name("x86_64") };
		struct mmw_reader *r;
		struct mmw_image *img;

		random_machine(m);
		img = image_of(m);
		assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
		space.arch->geometry(m->levels - 4, &space.paging);
		space.paging.clear = m->clear;
		space.paging.big_endian = m->big_endian;
		space.root = m->root;
		mmw_walk_init(w, r, &space, 0, 0);
		for (int i = 0; i < 300; i++) {
			uint64_t va, last;
			struct mmw_ent e;

			random_range(m, &va, &last);
			assert_int_equal(mmw_walk_at(w, va, &e, NULL), 1);
			assert_int_equal(e.va, va);
			assert_int_equal(e.last, va);
			agree(m, &e, va);
		}
		mmw_reader_close(r);
		mmw_image_close(img);
	}
	free(w);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_tables), cmocka_unit_test(random_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

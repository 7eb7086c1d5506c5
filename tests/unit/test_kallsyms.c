/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sym/kallsyms.c against tables that tests/tools/kswrite.c writes: all layouts, encodings, byte orders, word sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tools/kswrite.h"

enum { PAGE = 4096 };

static uint32_t seed = 12345;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

/* Memory that starts at `base` (a page border) and holds one buffer. */
struct area {
	uint64_t base;
	const uint8_t *bytes;
	size_t len;
};

static int area_read(void *ctx, uint64_t addr, void *buf, size_t len, struct mmw_err *err)
{
	const struct area *a = ctx;

	if (addr < a->base || len > a->len || addr - a->base > a->len - len)
		return mmw_fail(err, MMW_E_NODATA, addr, "outside");
	memcpy(buf, a->bytes + (addr - a->base), len);
	return 0;
}

static struct mmw_mem mem_of(struct area *a, bool big_endian)
{
	return (struct mmw_mem){ area_read, a, big_endian };
}

/* --- specifications ------------------------------------------------------------------------------------------- */

static void random_name(char *buf, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$";

	for (size_t i = 0; i < len; i++)
		buf[i] = letters[rnd(sizeof(letters) - 1)];
	buf[len] = '\0';
}

static void add_names(struct ks_spec *s, uint64_t first, size_t n)
{
	static const char *const stems[] = { "sys_", "__x64_sys_", "do_", "ext4_", "tcp_v4_", "__pfx_", "kmem_cache_" };
	char name[MMW_KSYM_NAME_MAX];

	for (size_t i = 0; i < n; i++) {
		const char *stem = stems[rnd(7)];
		size_t len = strlen(stem), most = s->uleb ? 400 : 110;

		strcpy(name, stem);
		random_name(name + len, rnd(50) ? 3 + rnd(12) : 1 + rnd((uint32_t)most));
		first += rnd(4) ? rnd(300) : 0;
		ks_add(s, first, "TtDdRrBbWA"[rnd(10)], name);
	}
}

static struct ks_spec spec(char layout, enum mmw_kallsyms_encoding encoding, unsigned word, bool big_endian, size_t n)
{
	struct ks_spec s = ks_spec_of(layout, encoding);

	s.word = word;
	s.big_endian = big_endian;
	s.va = word == 8 ? 0xffffffff81e00000 : 0xc0e00000;
	if (encoding == MMW_KALLSYMS_PERCPU) {
		ks_add(&s, 0, 'A', "fixed_percpu_data");
		ks_add(&s, 0x1f000, 'A', "cpu_tlbstate");
	}
	ks_add(&s, s.va - 0xe00000, 'T', "_text");
	ks_add(&s, s.va - 0xe00000, 'T', "_stext");
	add_names(&s, s.va - 0xdfff00, n - s.n);
	return s;
}

/* Every index in turn: address, type and name as they were written. */
static void check_symbols(const struct mmw_kallsyms *ks, const struct ks_spec *s)
{
	struct mmw_ksym sym;

	assert_int_equal(mmw_kallsyms_count(ks), s->n);
	for (size_t i = 0; i < s->n; i++) {
		assert_int_equal(mmw_kallsyms_at(ks, i, &sym, NULL), 0);
		assert_string_equal(sym.name, s->syms[i].name);
		assert_int_equal(sym.type, s->syms[i].type);
		assert_int_equal(sym.addr, s->syms[i].addr);
		assert_int_equal(mmw_kallsyms_addr(ks, i), s->syms[i].addr);
	}
	assert_int_equal(mmw_kallsyms_at(ks, s->n, &sym, NULL), -MMW_E_ARG);
	assert_int_equal(mmw_kallsyms_at(ks, SIZE_MAX, &sym, NULL), -MMW_E_ARG);
}

/* By name: all symbols of that name, in order, and no other. By address: the first of those at the highest address. */
static void check_lookups(const struct mmw_kallsyms *ks, const struct ks_spec *s)
{
	struct mmw_ksym sym;

	for (size_t i = 0; i < s->n; i += 1 + rnd(20)) {
		size_t pos = 0, index, found = 0;

		while (mmw_kallsyms_by_name(ks, s->syms[i].name, &pos, &sym)) {
			assert_string_equal(sym.name, s->syms[i].name);
			found += pos - 1 == i;
		}
		assert_int_equal(found, 1);
		assert_true(mmw_kallsyms_by_addr(ks, s->syms[i].addr, &index));
		assert_true(index <= i && s->syms[index].addr == s->syms[i].addr);
		assert_true(!index || s->syms[index - 1].addr < s->syms[i].addr);
		if (i + 1 < s->n && s->syms[i + 1].addr > s->syms[i].addr + 1) {
			assert_true(mmw_kallsyms_by_addr(ks, s->syms[i + 1].addr - 1, &index));
			assert_int_equal(s->syms[index].addr, s->syms[i].addr);
		}
	}
	for (int i = 0; i < 50; i++) {
		char name[32];
		size_t pos = 0;

		random_name(name, 20);
		assert_false(mmw_kallsyms_by_name(ks, name, &pos, &sym));
	}
}

/* What lies before the tables is random under a mask. */
static void check_spec(struct ks_spec *s, size_t before, uint8_t mask)
{
	struct blob b = { 0 }, tables = { 0 };
	struct area a = { .base = (s->va - before) & ~(uint64_t)(PAGE - 1) };
	struct mmw_mem mem = mem_of(&a, s->big_endian);
	struct mmw_kallsyms *ks = NULL;
	struct mmw_err err = { 0 };
	size_t at[KS_PARTS];
	uint64_t index;
	size_t pos;

	ks_build(s, &tables, at);
	while (b.len < s->va - a.base)
		blob_u8(&b, (uint8_t)rnd(256) & mask);
	blob_add(&b, tables.bytes, tables.len);
	while (b.len % PAGE)
		blob_u8(&b, (uint8_t)rnd(256));
	a.bytes = b.bytes;
	a.len = b.len;
	for (pos = mmw_kallsyms_landmark(b.bytes, b.len, 0); pos != SIZE_MAX;
	     pos = mmw_kallsyms_landmark(b.bytes, b.len, pos + 1))
		if (!mmw_kallsyms_token_table(&mem, a.base + pos, &index, &err))
			break;
	assert_int_not_equal(pos, SIZE_MAX);
	assert_int_equal(index, s->va + at[KS_TOKEN_TABLE]);
	if (mmw_kallsyms_open(&mem, index, s->word, &ks, &err))
		fail_msg("layout %c encoding %d word %u be %d n %zu: %s", s->layout, s->encoding, s->word,
			 s->big_endian, s->n, err.msg);
	assert_int_equal(mmw_kallsyms_layout(ks), s->layout);
	assert_int_equal(mmw_kallsyms_encoding(ks), s->encoding);
	check_symbols(ks, s);
	check_lookups(ks, s);
	mmw_kallsyms_close(ks);
	blob_fini(&tables);
	blob_fini(&b);
}

static void all_layouts_and_encodings(void **state)
{
	static const size_t counts[] = { 257, 300, 511, 512, 513, 768, 1500, 5000 };

	(void)state;
	for (char layout = 'A'; layout <= 'D'; layout++) {
		for (int v = 0; v < 4; v++) {
			for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
				enum mmw_kallsyms_encoding e = layout == 'D' ? MMW_KALLSYMS_PLACE :
					c % 2 && v < 2 ? MMW_KALLSYMS_PERCPU : MMW_KALLSYMS_BASE;
				struct ks_spec s = spec(layout, e, v < 2 ? 8 : 4, v & 1, counts[c]);

				check_spec(&s, 8 * rnd(5000), 0xff);
				ks_spec_fini(&s);
			}
		}
	}
}

/* 6.1.0 has layout A with two-byte lengths; and the tables may start where nothing can be read before them. */
static void variants(void **state)
{
	(void)state;
	for (int be = 0; be < 2; be++) {
		struct ks_spec s = spec('A', MMW_KALLSYMS_PERCPU, 8, be, 900);

		s.uleb = true;
		add_names(&s, s.va + 0x10000, 300);
		check_spec(&s, 0, 0xff);
		ks_spec_fini(&s);
		s = spec('B', MMW_KALLSYMS_BASE, 8, be, 700);
		check_spec(&s, 0, 0xff);
		ks_spec_fini(&s);
		s = spec('C', MMW_KALLSYMS_BASE, 8, be, 700);
		check_spec(&s, 0, 0xff);
		ks_spec_fini(&s);
		/* Behind zeros, the offsets of 32 bits would also ascend one word too early. */
		s = spec('B', MMW_KALLSYMS_BASE, 4, be, 700);
		check_spec(&s, 4096, 0);
		ks_spec_fini(&s);
	}
}

/* A place-relative table read by physical address says physical addresses until it is rebased. */
static void rebasing(void **state)
{
	const uint64_t pa = 0x2345000, delta = 0xffffffff81e00000 - pa;
	struct ks_spec s = spec('D', MMW_KALLSYMS_PLACE, 8, false, 600);
	struct blob b = { 0 };
	struct area a = { .base = pa };
	struct mmw_mem mem = mem_of(&a, false);
	struct mmw_kallsyms *ks;
	struct mmw_err err;
	size_t at[KS_PARTS];

	(void)state;
	ks_build(&s, &b, at);
	blob_align(&b, PAGE);
	a.bytes = b.bytes;
	a.len = b.len;
	if (mmw_kallsyms_open(&mem, pa + at[KS_TOKEN_TABLE], 8, &ks, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(mmw_kallsyms_addr(ks, 5), s.syms[5].addr - delta);
	mmw_kallsyms_rebase(ks, delta);
	check_symbols(ks, &s);
	check_lookups(ks, &s);
	mmw_kallsyms_rebase(ks, -delta);
	assert_int_equal(mmw_kallsyms_addr(ks, 5), s.syms[5].addr - delta);
	mmw_kallsyms_close(ks);
	blob_fini(&b);
	ks_spec_fini(&s);
}

/* --- damage --------------------------------------------------------------------------------------------------- */

struct sample {
	struct ks_spec s;
	struct blob b;
	size_t at[KS_PARTS];
};

static void sample_init(struct sample *m, char layout, size_t n)
{
	*m = (struct sample){ .s = spec(layout, layout == 'D' ? MMW_KALLSYMS_PLACE : MMW_KALLSYMS_BASE, 8, false, n) };
	ks_build(&m->s, &m->b, m->at);
	blob_align(&m->b, PAGE);
}

static void sample_fini(struct sample *m)
{
	ks_spec_fini(&m->s);
	blob_fini(&m->b);
}

static int open_sample(const struct sample *m, size_t len, struct mmw_kallsyms **ks, struct mmw_err *err)
{
	struct area a = { m->s.va, m->b.bytes, len };
	struct mmw_mem mem = mem_of(&a, false);

	return mmw_kallsyms_open(&mem, m->s.va + m->at[KS_TOKEN_TABLE], 8, ks, err);
}

static void wrong_markers(void **state)
{
	(void)state;
	for (char layout = 'A'; layout <= 'D'; layout++) {
		struct sample m;
		struct mmw_kallsyms *ks;
		struct mmw_err err;

		sample_init(&m, layout, 1000);
		for (int marker = 0; marker < 4; marker++) {
			uint8_t *p = m.b.bytes + m.at[KS_MARKERS] + 4 * marker;

			for (int bit = 0; bit < 32; bit += 5) {
				p[bit / 8] ^= 1 << bit % 8;
				assert_int_equal(open_sample(&m, m.b.len, &ks, &err), -MMW_E_CORRUPT);
				p[bit / 8] ^= 1 << bit % 8;
			}
		}
		assert_int_equal(open_sample(&m, m.b.len, &ks, &err), 0);
		mmw_kallsyms_close(ks);
		sample_fini(&m);
	}
}

static void wrong_count_and_index(void **state)
{
	struct sample m;
	struct mmw_kallsyms *ks;
	uint64_t table;

	(void)state;
	sample_init(&m, 'C', 1000);
	for (int delta = -3; delta <= 3; delta++) {
		blob_put(&m.b, m.at[KS_NUM_SYMS], 1000 + (uint64_t)delta, 4, false);
		assert_int_equal(open_sample(&m, m.b.len, &ks, NULL), delta ? -MMW_E_CORRUPT : 0);
		if (!delta)
			mmw_kallsyms_close(ks);
	}
	blob_put(&m.b, m.at[KS_NUM_SYMS], 1000, 4, false);
	for (int i = 0; i < 256; i += 17) {
		struct area a = { m.s.va, m.b.bytes, m.b.len };
		struct mmw_mem mem = mem_of(&a, false);
		uint64_t digit0;

		digit0 = m.s.va + mmw_kallsyms_landmark(m.b.bytes, m.b.len, m.at[KS_TOKEN_TABLE]);
		m.b.bytes[m.at[KS_TOKEN_INDEX] + 2 * i] ^= 0x21;
		if (i >= '0')
			assert_int_equal(mmw_kallsyms_token_table(&mem, digit0, &table, NULL), -MMW_E_CORRUPT);
		m.b.bytes[m.at[KS_TOKEN_INDEX] + 2 * i] ^= 0x21;
		assert_int_equal(mmw_kallsyms_token_table(&mem, digit0, &table, NULL), 0);
	}
	sample_fini(&m);
}

/* Memory that ends anywhere inside the tables: a code; and whatever opens has symbols that can all be asked for. */
static void truncated(void **state)
{
	(void)state;
	for (char layout = 'A'; layout <= 'D'; layout++) {
		struct sample m;

		sample_init(&m, layout, 400);
		for (size_t len = 0; len < m.b.len; len += 1 + rnd(30)) {
			struct mmw_kallsyms *ks;
			struct mmw_err err = { 0 };
			struct mmw_ksym sym;
			int rc = open_sample(&m, len, &ks, &err);

			assert_int_equal(rc, rc ? -(int)err.code : 0);
			if (rc)
				continue;
			/* seqs_of_names is not needed. */
			assert_true(layout > 'B' && len >= m.at[KS_SEQS] - 8);
			for (size_t i = 0; i < mmw_kallsyms_count(ks); i++)
				assert_int_equal(mmw_kallsyms_at(ks, i, &sym, NULL), 0);
			mmw_kallsyms_close(ks);
		}
		sample_fini(&m);
	}
}

/* Tables of which the start is cut off by the beginning of the address space. */
static void cut_at_address_zero(void **state)
{
	(void)state;
	for (char layout = 'A'; layout <= 'D'; layout++) {
		struct sample m;

		sample_init(&m, layout, 400);
		for (size_t cut = 8; cut < m.at[KS_TOKEN_TABLE]; cut += 8 + 8 * rnd(10)) {
			struct area a = { 0, m.b.bytes + cut, m.b.len - cut };
			struct mmw_mem mem = mem_of(&a, false);
			struct mmw_kallsyms *ks;

			assert_int_not_equal(mmw_kallsyms_open(&mem, m.at[KS_TOKEN_TABLE] - cut, 8, &ks, NULL), 0);
		}
		sample_fini(&m);
	}
}

/* Flipped bytes anywhere: it opens or not, but never reads or says what is not there. */
static void flipped_bytes(void **state)
{
	(void)state;
	for (char layout = 'A'; layout <= 'D'; layout++) {
		struct sample m;

		sample_init(&m, layout, 300);
		for (int round = 0; round < 2000; round++) {
			size_t at = rnd((uint32_t)m.b.len), pos = 0, index;
			uint8_t old = m.b.bytes[at];
			struct mmw_kallsyms *ks;
			struct mmw_ksym sym, same;

			m.b.bytes[at] = (uint8_t)rnd(256);
			if (!open_sample(&m, m.b.len, &ks, NULL)) {
				for (size_t i = 0; i < mmw_kallsyms_count(ks); i++)
					assert_int_equal(mmw_kallsyms_at(ks, i, &sym, NULL), 0);
				mmw_kallsyms_by_addr(ks, sym.addr, &index);
				mmw_kallsyms_by_name(ks, sym.name, &pos, &same);
				mmw_kallsyms_close(ks);
			}
			m.b.bytes[at] = old;
		}
		sample_fini(&m);
	}
}

/* --- the landmark --------------------------------------------------------------------------------------------- */

static const char digits[20] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

/* At every alignment, at both ends of the buffer, and asked for from every place. */
static void landmark_everywhere(void **state)
{
	uint8_t *buf = test_malloc(256);

	(void)state;
	for (size_t at = 0; at + sizeof(digits) <= 256; at++) {
		memset(buf, at % 3 ? 0 : '0', 256);
		memcpy(buf + at, digits, sizeof(digits));
		for (size_t from = 0; from < 256; from++)
			assert_int_equal(mmw_kallsyms_landmark(buf, 256, from), from <= at ? at : SIZE_MAX);
		for (size_t len = 0; len <= 256; len++)
			assert_int_equal(mmw_kallsyms_landmark(buf, len, 0),
					 len >= at + sizeof(digits) ? at : SIZE_MAX);
	}
	test_free(buf);
}

/* Noise full of digits and zeros, against the plain search. */
static void landmark_like_memmem(void **state)
{
	enum { LEN = 4096 };
	uint8_t *buf = test_malloc(LEN);

	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t at = 0;

		for (size_t i = 0; i < LEN; i++)
			buf[i] = rnd(3) ? (i & 1) == (round & 1) ? '0' + rnd(11) : 0 : (uint8_t)rnd(256);
		for (int n = 0; n < 30; n++)
			memcpy(buf + rnd(LEN - 40), digits, n % 3 ? sizeof(digits) : 2 * rnd(10));
		for (;;) {
			const uint8_t *p = memmem(buf + at, LEN - at, digits, sizeof(digits));
			size_t want = p ? (size_t)(p - buf) : SIZE_MAX;

			assert_int_equal(mmw_kallsyms_landmark(buf, LEN, at), want);
			if (!p)
				break;
			at = want + 1;
		}
	}
	test_free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_layouts_and_encodings), cmocka_unit_test(variants), cmocka_unit_test(rebasing),
		cmocka_unit_test(wrong_markers), cmocka_unit_test(wrong_count_and_index), cmocka_unit_test(truncated),
		cmocka_unit_test(cut_at_address_zero), cmocka_unit_test(flipped_bytes),
		cmocka_unit_test(landmark_everywhere), cmocka_unit_test(landmark_like_memmem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

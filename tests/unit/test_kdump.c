/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * formats/kdump.c against dumps that kdump_build.c writes: every version, word size, byte order and codec; pages in
 * every state; files cut at every length and headers with extreme values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/formats.h"
#include "lib/base/vec.h"
#include "tests/unit/kdump_build.h"

enum { BLOCK = 4096, MODEL_MAX = 32 };

static const enum kd_codec codecs[] = { KD_STORED, KD_ZLIB, KD_LZO, KD_SNAPPY, KD_ZSTD };

/* The memory that a dump is made of: what each PFN must read as. */
struct model {
	size_t n, block;
	struct kd_page pages[MODEL_MAX];
	uint8_t *bytes;
};

enum what { DATA, ZERO, EXCLUDED, LOST };

struct known {
	uint64_t pfn;
	enum what what;
};

static void model_init(struct model *m, const struct known *known, size_t n, size_t block)
{
	m->n = n;
	m->block = block;
	m->bytes = calloc(n, block);
	assert_non_null(m->bytes);
	for (size_t i = 0; i < n; i++) {
		if (known[i].what == DATA)
			kd_fill(m->bytes + i * block, block, known[i].pfn + 3);
		m->pages[i].pfn = known[i].pfn;
		m->pages[i].kind = known[i].what == EXCLUDED ? KD_EXCLUDED : known[i].what == LOST ? KD_LOST : KD_DATA;
		m->pages[i].bytes = m->bytes + i * block;
	}
}

/* PFNs on both sides of every boundary of the reader's index: words, rank groups, leaves, an empty leaf. */
static const struct known wide_range[] = {
	{ 0, DATA }, { 1, EXCLUDED }, { 2, ZERO }, { 3, DATA }, { 63, DATA }, { 64, ZERO }, { 65, EXCLUDED },
	{ 66, EXCLUDED }, { 127, DATA }, { 128, DATA }, { 511, DATA }, { 512, ZERO }, { 513, EXCLUDED }, { 1023, DATA },
	{ 32767, DATA }, { 32768, DATA }, { 32769, EXCLUDED }, { 98303, ZERO }, { 98304, DATA }, { 98400, DATA },
};

static const struct known few[] = {
	{ 1, DATA }, { 2, EXCLUDED }, { 4, ZERO }, { 7, DATA }, { 8, ZERO }, { 11, DATA },
};

static struct kd_spec spec_of(const struct model *m)
{
	return (struct kd_spec){
		.version = 6, .shape = KD_WIDE, .block_size = m->block, .codec = KD_ZLIB, .share_zero = true,
		.level = 1, .machine = "x86_64", .release = "6.1.0", .pages = m->pages, .n_pages = m->n,
	};
}

static int open_bytes(const void *bytes, size_t len, const char *format, struct mmw_image **out, struct mmw_err *err)
{
	const struct mmw_open_opts opts = { .format = format };
	struct mmw_file *file;

	assert_int_equal(mmw_file_memory(bytes, len, "test", &file, err), 0);
	return mmw_open_file(file, "test", &opts, out, err);
}

struct opened {
	struct kd_image built;
	struct mmw_image *img;
	struct mmw_reader *r;
};

static void open_spec(const struct kd_spec *s, struct opened *o)
{
	struct mmw_err err = { 0 };

	assert_int_equal(kd_build(s, &o->built), 0);
	if (open_bytes(o->built.bytes, o->built.len, NULL, &o->img, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(mmw_reader_open(o->img, &o->r, &err), 0);
}

static void close_opened(struct opened *o)
{
	mmw_reader_close(o->r);
	mmw_image_close(o->img);
	kd_free(&o->built);
}

static const struct kd_page *model_page(const struct model *m, uint64_t pfn)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->pages[i].pfn == pfn)
			return &m->pages[i];
	return NULL;
}

static int expected_code(const struct model *m, const struct kd_spec *s, uint64_t pfn)
{
	const struct kd_page *p = model_page(m, pfn);

	if (!p)
		return -MMW_E_NODATA;
	if (p->kind == KD_EXCLUDED)
		return -MMW_E_EXCLUDED;
	if (s->split && (pfn < s->start || pfn >= s->end))
		return -MMW_E_TRUNCATED;
	return p->kind == KD_LOST ? -MMW_E_TRUNCATED : 0;
}

static void check_page(const struct opened *o, const struct model *m, const struct kd_spec *s, uint64_t pfn)
{
	static uint8_t buf[65536];
	struct mmw_err err = { 0 };
	int want = expected_code(m, s, pfn);

	assert_int_equal(mmw_read(o->r, pfn * m->block, buf, m->block, &err), want);
	if (want) {
		assert_int_equal(err.code, -want);
		assert_int_equal(err.addr, pfn * m->block);
		assert_true(err.msg[0]);
	} else {
		assert_memory_equal(buf, model_page(m, pfn)->bytes, m->block);
	}
}

/* The extents say of each PFN up to `last` what reading it says. */
static void check_extents(const struct opened *o, const struct model *m, const struct kd_spec *s, uint64_t last)
{
	struct mmw_extent e = { 0 };
	uint64_t stop = 0;

	for (uint64_t pfn = 0; pfn <= last; pfn++) {
		uint64_t pa = pfn * m->block;
		int want = expected_code(m, s, pfn);

		if (pa >= stop && mmw_image_next_extent(o->img, pa, &e)) {
			assert_true(e.len && e.pa >= pa && e.pa % m->block == 0 && e.len % m->block == 0);
			stop = e.pa + e.len;
		}
		if (pa < e.pa || pa >= stop)
			assert_int_equal(want, -MMW_E_NODATA);
		else
			assert_int_equal(want, e.state == MMW_STORED ? 0 : e.state == MMW_EXCLUDED ? -MMW_E_EXCLUDED :
					 -MMW_E_TRUNCATED);
	}
}

static void check_all(const struct opened *o, const struct model *m, const struct kd_spec *s)
{
	uint64_t last = m->pages[m->n - 1].pfn, x = 1;

	check_extents(o, m, s, last + 70);
	assert_int_equal(mmw_image_last(o->img), (last + 1) * m->block - 1);
	for (size_t i = 0; i < m->n; i++) {
		check_page(o, m, s, m->pages[i].pfn);
		check_page(o, m, s, m->pages[i].pfn + 1);
	}
	for (int i = 0; i < 400; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		check_page(o, m, s, i % 4 ? m->pages[(x >> 33) % m->n].pfn : (x >> 33) % (last + 100));
	}
	check_page(o, m, s, UINT64_MAX / m->block);
}

static void check_spec(const struct kd_spec *s, const struct model *m)
{
	struct opened o;

	open_spec(s, &o);
	check_all(&o, m, s);
	assert_int_equal(mmw_image_big_endian(o.img), s->big_endian);
	close_opened(&o);
}

/* --- what must work --------------------------------------------------------------------------------------------- */

static void every_shape(void **state)
{
	struct model m;

	(void)state;
	model_init(&m, wide_range, mmw_array_len(wide_range), BLOCK);
	for (unsigned i = 0; i < 7 * KD_SHAPES * 2 * 5; i++) {
		struct kd_spec s = spec_of(&m);

		s.codec = codecs[i % 5];
		s.big_endian = i / 5 % 2;
		s.shape = i / 10 % KD_SHAPES;
		s.version = i / 10 / KD_SHAPES;
		s.machine = s.shape == KD_WIDE ? "x86_64" : s.shape == KD_PACKED ? "i686" : "mips";
		check_spec(&s, &m);
	}
	free(m.bytes);
}

static void large_blocks(void **state)
{
	struct model m;

	(void)state;
	model_init(&m, few, mmw_array_len(few), 65536);
	for (unsigned i = 0; i < 5; i++) {
		struct kd_spec s = spec_of(&m);

		s.codec = codecs[i];
		s.machine = "aarch64";
		check_spec(&s, &m);
	}
	free(m.bytes);
}

static void one_bitmap(void **state)
{
	static const struct known all[] = { { 1, DATA }, { 3, ZERO }, { 70, DATA }, { 40000, DATA } };
	struct model m;
	struct kd_spec s;

	(void)state;
	model_init(&m, all, mmw_array_len(all), BLOCK);
	s = spec_of(&m);
	s.one_bitmap = true;
	check_spec(&s, &m);
	s.version = 0;
	check_spec(&s, &m);
	free(m.bytes);
}

static void zero_pages(void **state)
{
	struct model m;
	struct kd_spec s;

	(void)state;
	model_init(&m, wide_range, mmw_array_len(wide_range), BLOCK);
	s = spec_of(&m);
	for (unsigned i = 0; i < 10; i++) {
		s.codec = codecs[i % 5];
		s.share_zero = i / 5;
		check_spec(&s, &m);
	}
	free(m.bytes);
}

static void incomplete(void **state)
{
	static const struct known cut[] = {
		{ 1, DATA }, { 2, EXCLUDED }, { 4, ZERO }, { 7, DATA }, { 8, LOST }, { 9, EXCLUDED }, { 64, LOST },
		{ 40000, LOST },
	};
	struct opened o;
	struct model m;
	struct kd_spec s;

	(void)state;
	model_init(&m, cut, mmw_array_len(cut), BLOCK);
	s = spec_of(&m);
	s.status = 8;
	check_spec(&s, &m);
	s.status = 0;  /* a writer that did not get to say so */
	check_spec(&s, &m);
	s.status = 8;
	open_spec(&s, &o);
	assert_string_equal(mmw_image_format_note(o.img), "version 6, zlib, level 1, incomplete");
	assert_int_equal(mmw_image_stored(o.img), 3 * BLOCK);
	close_opened(&o);
	free(m.bytes);
}

static void split_parts(void **state)
{
	static const struct { uint64_t start, end; } parts[] = {
		{ 0, 2 }, { 0, 64 }, { 64, 513 }, { 100, 100 }, { 512, 98401 }, { 98305, 98401 }, { 0, 98401 },
		{ 3, 32768 },
	};
	struct model m;
	struct kd_spec s;

	(void)state;
	model_init(&m, wide_range, mmw_array_len(wide_range), BLOCK);
	s = spec_of(&m);
	s.split = true;
	for (unsigned i = 0; i < 5 * mmw_array_len(parts); i++) {
		struct opened o;

		s.start = parts[i / 5].start;
		s.end = parts[i / 5].end;
		s.version = 2 + i % 5;
		open_spec(&s, &o);
		check_extents(&o, &m, &s, 98500);
		for (size_t k = 0; k < m.n; k++)
			check_page(&o, &m, &s, m.pages[k].pfn);
		close_opened(&o);
	}
	free(m.bytes);
}

/* --- sets of parts ---------------------------------------------------------------------------------------------- */

enum { PARTS = 4, NAME_LEN = 64 };

struct set {
	char dir[NAME_LEN], name[PARTS][NAME_LEN + 8];
};

/* PFNs [0, 64), [64, 513), none, and the rest; the empty part ends with its bitmaps, unpadded. */
static void write_set(struct kd_spec *s, struct set *set)
{
	static const uint64_t cuts[PARTS][2] = { { 0, 64 }, { 64, 513 }, { 513, 513 }, { 513, 98401 } };

	strcpy(set->dir, "split.XXXXXX");
	assert_non_null(mkdtemp(set->dir));
	s->split = true;
	for (unsigned i = 0; i < PARTS; i++) {
		struct kd_image built;
		FILE *to;

		s->start = cuts[i][0];
		s->end = cuts[i][1];
		assert_int_equal(kd_build(s, &built), 0);
		snprintf(set->name[i], sizeof(set->name[i]), "%s/%u", set->dir, i);
		to = fopen(set->name[i], "wb");
		assert_non_null(to);
		built.len -= i == 2 ? 50 : 0;
		assert_int_equal(fwrite(built.bytes, 1, built.len, to), built.len);
		fclose(to);
		kd_free(&built);
	}
}

static void remove_set(const struct set *set)
{
	for (unsigned i = 0; i < PARTS; i++)
		unlink(set->name[i]);
	rmdir(set->dir);
}

static int open_set(const struct set *set, const unsigned *order, size_t n, struct mmw_image **out, struct mmw_err *err)
{
	const char *parts[PARTS];
	const struct mmw_open_opts opts = { .parts = parts, .n_parts = n - 1 };

	for (size_t i = 1; i < n; i++)
		parts[i - 1] = set->name[order[i]];
	return mmw_open(set->name[order[0]], &opts, out, err);
}

struct reading {
	const struct mmw_image *img;
	const struct model *m;
	const struct kd_spec *s;
};

static void *read_all(void *arg)
{
	const struct reading *r = arg;
	struct mmw_reader *reader;
	uint8_t buf[BLOCK];
	uint64_t x = 1;
	bool ok = !mmw_reader_open(r->img, &reader, NULL);

	for (int i = 0; ok && i < 20000; i++) {
		const struct kd_page *p;

		x = x * 6364136223846793005u + 1442695040888963407u;
		p = &r->m->pages[(x >> 33) % r->m->n];
		ok = mmw_read(reader, p->pfn * BLOCK, buf, BLOCK, NULL) == expected_code(r->m, r->s, p->pfn) &&
		     (p->kind != KD_DATA || !memcmp(buf, p->bytes, BLOCK));
	}
	mmw_reader_close(reader);
	return ok ? arg : NULL;
}

/* Whatever the order, and by two threads at once. */
static void split_sets(void **state)
{
	static const unsigned orders[][PARTS] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 2, 0, 3, 1 }, { 1, 3, 0, 2 } };
	struct model m;
	struct kd_spec s;
	struct set set;

	(void)state;
	model_init(&m, wide_range, mmw_array_len(wide_range), BLOCK);
	s = spec_of(&m);
	write_set(&s, &set);
	s.split = false;
	for (size_t i = 0; i < mmw_array_len(orders); i++) {
		struct opened o = { .built = { 0 } };
		struct mmw_err err;
		struct reading r;
		pthread_t other;
		void *ok;

		if (open_set(&set, orders[i], PARTS, &o.img, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(mmw_reader_open(o.img, &o.r, NULL), 0);
		check_all(&o, &m, &s);
		assert_false(mmw_image_lacks_parts(o.img));
		r = (struct reading){ o.img, &m, &s };
		assert_int_equal(pthread_create(&other, NULL, read_all, &r), 0);
		assert_non_null(read_all(&r));
		pthread_join(other, &ok);
		assert_non_null(ok);
		close_opened(&o);
	}
	remove_set(&set);
	free(m.bytes);
}

/* A part is not there: its pages are, in the state of those the file ends before, and words say which part to give. */
static void split_lacking(void **state)
{
	static const unsigned order[] = { 3, 0 };
	struct model m;
	struct kd_spec s;
	struct set set;
	struct mmw_err err;
	struct opened o = { .built = { 0 } };
	uint8_t buf[BLOCK];

	(void)state;
	model_init(&m, wide_range, mmw_array_len(wide_range), BLOCK);
	s = spec_of(&m);
	write_set(&s, &set);
	assert_int_equal(open_set(&set, order, 2, &o.img, &err), 0);
	assert_int_equal(mmw_reader_open(o.img, &o.r, NULL), 0);
	for (size_t i = 0; i < m.n; i++)
		if (m.pages[i].kind == KD_DATA && m.pages[i].pfn >= 64 && m.pages[i].pfn < 513)
			m.pages[i].kind = KD_LOST;
	s.split = false;
	check_all(&o, &m, &s);
	assert_int_equal(mmw_read(o.r, 64 * BLOCK, buf, 1, &err), -MMW_E_TRUNCATED);
	assert_non_null(strstr(err.msg, "--part"));
	assert_non_null(strstr(mmw_image_format_note(o.img), "missing the parts with PFNs 0x40-0x200"));
	assert_true(mmw_image_lacks_parts(o.img));
	close_opened(&o);
	remove_set(&set);
	free(m.bytes);
}

/* The same part twice, a part of another dump, one that is none. */
static void split_refused(void **state)
{
	static const unsigned twice[] = { 0, 1, 1 };
	struct mmw_image *img;
	struct model m, other;
	struct kd_spec s;
	struct set set, foreign, whole;
	struct mmw_err err;

	(void)state;
	model_init(&m, wide_range, mmw_array_len(wide_range), BLOCK);
	model_init(&other, wide_range, mmw_array_len(wide_range), BLOCK);
	s = spec_of(&m);
	write_set(&s, &set);
	assert_int_equal(open_set(&set, twice, 3, &img, &err), -MMW_E_ARG);
	assert_non_null(strstr(err.msg, "twice"));
	other.pages[1].kind = KD_DATA;
	s.pages = other.pages;
	write_set(&s, &foreign);
	whole = set;
	strcpy(whole.name[1], foreign.name[1]);
	assert_int_equal(open_set(&whole, twice, 2, &img, &err), -MMW_E_ARG);
	assert_non_null(strstr(err.msg, "another dump"));
	strcpy(whole.name[1], "/dev/null");
	assert_true(open_set(&whole, twice, 2, &img, &err) < 0);
	remove_set(&foreign);
	remove_set(&set);
	free(other.bytes);
	free(m.bytes);
}

/* RHEL 4's diskdump: the same but for the sub header and the meaning of the status. */
static void diskdump(void **state)
{
	struct model m;

	(void)state;
	model_init(&m, wide_range, mmw_array_len(wide_range), BLOCK);
	for (unsigned i = 0; i < 8; i++) {
		struct kd_spec s = spec_of(&m);
		struct opened o = { .built = { 0 } };
		struct mmw_err err = { 0 };

		s.shape = i & 1 ? KD_PACKED : KD_WIDE;
		s.big_endian = i & 2;
		s.codec = i & 4 ? KD_ZLIB : KD_STORED;
		s.version = 0;
		assert_int_equal(kd_build(&s, &o.built), 0);
		memcpy(o.built.bytes, "DISKDUMP", 8);
		memset(o.built.bytes + (i & 1 ? 412 : 424), 0, 4);
		o.built.bytes[(i & 1 ? 412 : 424) + (i & 2 ? 3 : 0)] = i & 4 ? 8 : 0;
		/* Its version 1 has nothing to do with kdump's. */
		o.built.bytes[8 + (i & 2 ? 3 : 0)] = 1;
		memset(o.built.bytes + o.built.sub_at, 0xff, 104);
		if (open_bytes(o.built.bytes, o.built.len, NULL, &o.img, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(mmw_reader_open(o.img, &o.r, NULL), 0);
		check_all(&o, &m, &s);
		assert_string_equal(mmw_image_format_note(o.img), i & 4 ? "diskdump version 1, zlib" :
				    "diskdump version 1, uncompressed");
		close_opened(&o);
	}
	free(m.bytes);
}

static void inside_blocks(void **state)
{
	static const struct known two[] = { { 5, DATA }, { 6, DATA } };
	struct mmw_extent e;
	uint8_t buf[BLOCK];
	struct mmw_err err;
	struct opened o;
	struct model m;
	struct kd_spec s;

	(void)state;
	model_init(&m, two, 2, BLOCK);
	s = spec_of(&m);
	open_spec(&s, &o);
	assert_int_equal(mmw_read(o.r, 5 * BLOCK + 100, buf, BLOCK, NULL), 0);
	assert_memory_equal(buf, m.bytes + 100, BLOCK);
	assert_int_equal(mmw_read(o.r, 6 * BLOCK + 100, buf, BLOCK, &err), -MMW_E_NODATA);
	assert_int_equal(err.addr, 7 * BLOCK);
	assert_int_equal(mmw_image_next_extent(o.img, 5 * BLOCK + 100, &e), 1);
	assert_true(e.pa == 5 * BLOCK + 100 && e.len == 2 * BLOCK - 100);
	assert_int_equal(mmw_image_next_extent(o.img, 7 * BLOCK - 1, &e), 1);
	assert_true(e.pa == 7 * BLOCK - 1 && e.len == 1);
	assert_int_equal(mmw_image_next_extent(o.img, 7 * BLOCK, &e), 0);
	assert_int_equal(mmw_image_next_extent(o.img, UINT64_MAX, &e), 0);
	close_opened(&o);
	free(m.bytes);
}

/* --- what the headers say --------------------------------------------------------------------------------------- */

static void machines(void **state)
{
	static const struct { const char *name; uint16_t machine; } known[] = {
		{ "x86_64", EM_X86_64 }, { "i686", EM_386 }, { "i386", EM_386 }, { "aarch64", EM_AARCH64 },
		{ "armv7l", EM_ARM }, { "riscv64", EM_RISCV }, { "S390X", EM_S390 }, { "ppc64le", EM_PPC64 },
		{ "Unknown", 0 }, { "", 0 }, { "i986", 0 },
	};
	struct model m;

	(void)state;
	model_init(&m, few, mmw_array_len(few), BLOCK);
	for (size_t i = 0; i < mmw_array_len(known); i++) {
		struct kd_spec s = spec_of(&m);
		struct opened o;

		s.machine = known[i].name;
		open_spec(&s, &o);
		assert_int_equal(mmw_image_machine(o.img), known[i].machine);
		close_opened(&o);
	}
	free(m.bytes);
}

static size_t add_note(uint8_t *out, const char *name, uint32_t type, const void *desc, uint32_t len, bool be)
{
	uint32_t name_len = strlen(name) + 1, head[3] = { name_len, len, type };

	for (int i = 0; i < 3; i++)
		for (int b = 0; b < 4; b++)
			out[i * 4 + (be ? 3 - b : b)] = head[i] >> 8 * b;
	memcpy(out + 12, name, name_len);
	memcpy(out + 12 + (name_len + 3) / 4 * 4, desc, len);
	return 12 + (name_len + 3) / 4 * 4 + (len + 3) / 4 * 4;
}

static void notes(void **state)
{
	static const char info[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\n";
	uint8_t bytes[1024], prstatus[336] = { 0 };
	struct model m;

	(void)state;
	model_init(&m, few, mmw_array_len(few), BLOCK);
	for (unsigned i = 0; i < 6 * 2; i++) {
		struct kd_spec s = spec_of(&m);
		struct opened o;
		size_t n;

		s.version = 1 + i / 2;
		s.big_endian = i % 2;
		s.machine = "Unknown";
		memset(bytes, 0, sizeof(bytes));
		for (int b = 0; b < 8; b++)
			prstatus[112 + 16 * 8 + (s.big_endian ? 7 - b : b)] = 0xffffffff81000000u >> 8 * b;
		n = add_note(bytes, "CORE", NT_PRSTATUS, prstatus, sizeof(prstatus), s.big_endian);
		s.vmcoreinfo_at = n + 12 + 12;
		s.vmcoreinfo_len = sizeof(info) - 1;
		s.notes = bytes;
		s.notes_len = n + add_note(bytes + n, "VMCOREINFO", 0, info, sizeof(info) - 1, s.big_endian);
		open_spec(&s, &o);
		assert_int_equal(mmw_image_cpus(o.img), s.version >= 4);
		if (s.version >= 4) {
			/* No x86-64 is big-endian: that is an s390x, whose notes have the same size. */
			assert_int_equal(mmw_image_machine(o.img), s.big_endian ? EM_S390 : EM_X86_64);
			if (!s.big_endian)
				assert_int_equal(mmw_image_cpu(o.img, 0)->reg[MMW_REG_PC], 0xffffffff81000000u);
		}
		if (s.version >= 3)
			assert_string_equal(mmw_image_vmcoreinfo(o.img), info);
		else
			assert_null(mmw_image_vmcoreinfo(o.img));
		close_opened(&o);
	}
	free(m.bytes);
}

/* Notes alone must be enough to tell padded from packed: QEMU's and makedumpfile's differ in nothing else. */
static void notes_without_vmcoreinfo(void **state)
{
	uint8_t bytes[512] = { 0 }, prstatus[148] = { 0 };
	struct model m;

	(void)state;
	model_init(&m, few, mmw_array_len(few), BLOCK);
	for (unsigned i = 0; i < 2 * KD_SHAPES * 3; i++) {
		struct kd_spec s = spec_of(&m);
		struct opened o;

		s.version = 4 + i % 3;
		s.big_endian = i / 3 % 2;
		s.shape = i / 6;
		s.machine = NULL;
		s.notes = bytes;
		s.notes_len = add_note(bytes, "CORE", NT_PRSTATUS, prstatus, sizeof(prstatus), s.big_endian);
		open_spec(&s, &o);
		assert_int_equal(mmw_image_cpus(o.img), 1);
		assert_int_equal(mmw_image_machine(o.img), EM_ARM);
		close_opened(&o);
	}
	free(m.bytes);
}

static void damaged_notes(void **state)
{
	static const uint8_t junk[32] = { 4, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0, 'C', 'O', 'R', 'E' };
	struct opened o;
	struct model m;
	struct kd_spec s;

	(void)state;
	model_init(&m, few, mmw_array_len(few), BLOCK);
	s = spec_of(&m);
	s.notes = junk;
	s.notes_len = sizeof(junk);
	open_spec(&s, &o);
	assert_string_equal(mmw_image_format_note(o.img), "version 6, zlib, level 1, notes damaged");
	check_all(&o, &m, &s);
	close_opened(&o);
	free(m.bytes);
}

/* makedumpfile's ARM dumps count PFNs from phys_base, QEMU's (no kernel release) from 0. */
static void arm_base(void **state)
{
	uint8_t buf[BLOCK];
	struct mmw_extent e;
	struct opened o;
	struct model m;
	struct kd_spec s;

	(void)state;
	model_init(&m, few, mmw_array_len(few), BLOCK);
	s = spec_of(&m);
	s.shape = KD_PADDED;
	s.machine = "armv7l";
	s.phys_base = 0x40000000;
	open_spec(&s, &o);
	assert_int_equal(mmw_read(o.r, 0x40000000 + 7 * BLOCK, buf, BLOCK, NULL), 0);
	assert_memory_equal(buf, model_page(&m, 7)->bytes, BLOCK);
	assert_int_equal(mmw_read(o.r, 7 * BLOCK, buf, BLOCK, NULL), -MMW_E_NODATA);
	assert_int_equal(mmw_image_next_extent(o.img, 0, &e), 1);
	assert_int_equal(e.pa, 0x40000000 + BLOCK);
	assert_int_equal(mmw_image_next_extent(o.img, 0x40000000 + 5 * BLOCK, &e), 1);
	assert_int_equal(e.pa, 0x40000000 + 7 * BLOCK);
	close_opened(&o);
	s.release = NULL;
	check_spec(&s, &m);
	free(m.bytes);
}

/* --- hostile bytes ---------------------------------------------------------------------------------------------- */

/* Whatever opens must be walked and read without a crash, and stay consistent with itself. */
static void exercise(const void *bytes, size_t len, const char *format)
{
	struct mmw_err err = { 0 };
	struct mmw_extent e;
	struct mmw_image *img;
	struct mmw_reader *r;
	uint64_t from = 0;
	uint8_t buf[64];
	int rc = open_bytes(bytes, len, format, &img, &err);

	if (rc) {
		assert_in_range(-rc, MMW_E_NOMEM, MMW_E_LIMIT);
		assert_int_equal(err.code, -rc);
		assert_true(err.msg[0]);
		return;
	}
	assert_int_equal(mmw_reader_open(img, &r, &err), 0);
	for (int i = 0; i < 40 && mmw_image_next_extent(img, from, &e); i++) {
		assert_true(e.pa >= from && e.len && e.pa + e.len > e.pa);
		rc = mmw_read(r, e.pa, buf, sizeof(buf), &err);
		if (e.state == MMW_STORED)
			assert_true(!rc || rc == -MMW_E_CORRUPT || rc == -MMW_E_TRUNCATED);
		else if (e.state == MMW_EXCLUDED)
			assert_int_equal(rc, -MMW_E_EXCLUDED);
		else
			assert_int_equal(rc, -MMW_E_TRUNCATED);
		mmw_read(r, e.pa + e.len - 8, buf, 8, NULL);
		mmw_read(r, e.pa + e.len, buf, 8, NULL);
		from = e.pa + e.len;
	}
	mmw_reader_close(r);
	mmw_image_close(img);
}

static void cut_at_every_length(void **state)
{
	struct kd_image built;
	struct model m;
	struct kd_spec s;

	(void)state;
	model_init(&m, few, mmw_array_len(few), BLOCK);
	s = spec_of(&m);
	s.codec = KD_LZO;
	assert_int_equal(kd_build(&s, &built), 0);
	for (size_t len = 0; len < built.len; len++) {
		uint8_t *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, built.bytes, len);
		exercise(copy, len, "kdump");
		free(copy);
	}
	kd_free(&built);
	free(m.bytes);
}

/* A copy that ends inside the data: the pages before the cut are all there, and the extents know the others. */
static void cut_data(void **state)
{
	struct kd_image built;
	struct model m;
	struct kd_spec s;

	(void)state;
	model_init(&m, wide_range, mmw_array_len(wide_range), BLOCK);
	s = spec_of(&m);
	s.codec = KD_STORED;
	s.share_zero = false;
	assert_int_equal(kd_build(&s, &built), 0);
	for (size_t keep = 0; keep < built.n_desc; keep++) {
		struct model cut = m;
		struct opened o = { .built = { 0 } };
		size_t stored = 0;

		for (size_t i = 0; i < cut.n; i++)
			if (cut.pages[i].kind == KD_DATA && stored++ >= keep)
				cut.pages[i].kind = KD_LOST;
		assert_int_equal(open_bytes(built.bytes, built.data_at + keep * BLOCK + 17, NULL, &o.img, NULL), 0);
		assert_int_equal(mmw_reader_open(o.img, &o.r, NULL), 0);
		assert_non_null(strstr(mmw_image_format_note(o.img), ", truncated"));
		check_all(&o, &cut, &s);
		close_opened(&o);
	}
	kd_free(&built);
	free(m.bytes);
}

static const uint64_t extremes[] = {
	0, 1, 2, 3, 4095, 4096, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1ull << 37, 1ull << 52,
	1ull << 62, INT64_MAX, 1ull << 63, UINT64_MAX - 4095, UINT64_MAX,
};

static void extreme_fields(const struct kd_spec *s)
{
	static const unsigned sizes[] = { 4, 8 };
	struct kd_image built;
	uint8_t saved[8];

	assert_int_equal(kd_build(s, &built), 0);
	for (size_t at = 0; at < built.data_at; at += 4) {
		bool header = (at >= 8 && at < 12) || (at >= 400 && at < 464);
		bool sub = at >= built.sub_at && at < built.sub_at + 136;

		if (!header && !sub && at < built.desc_at)
			continue;
		memcpy(saved, built.bytes + at, 8);
		for (size_t i = 0; i < mmw_array_len(extremes) * 2; i++) {
			if (i % 2 == 0 && extremes[i / 2] > UINT32_MAX)
				continue;
			for (unsigned b = 0; b < sizes[i % 2]; b++)
				built.bytes[at + (s->big_endian ? sizes[i % 2] - 1 - b : b)] = extremes[i / 2] >> 8 * b;
			exercise(built.bytes, built.len, "kdump");
			memcpy(built.bytes + at, saved, 8);
		}
	}
	kd_free(&built);
}

static void extreme_headers(void **state)
{
	static const uint8_t notes_bytes[32] = { 5, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 'N', 'O', 'N', 'E' };
	struct model m;

	(void)state;
	model_init(&m, few, mmw_array_len(few), BLOCK);
	for (unsigned i = 0; i < 2 * KD_SHAPES; i++) {
		struct kd_spec s = spec_of(&m);

		s.shape = i / 2;
		s.big_endian = i % 2;
		s.split = i == 1;
		s.start = 1;
		s.end = 9;
		s.version = i == 3 ? 5 : 6;
		s.notes = notes_bytes;
		s.notes_len = sizeof(notes_bytes);
		s.vmcoreinfo_at = 20;
		s.vmcoreinfo_len = 8;
		extreme_fields(&s);
	}
	free(m.bytes);
}

/* One descriptor made wrong in one way: the code, and nothing else harmed. */
static void bad_descriptors(void **state)
{
	static const struct { unsigned at, size; uint64_t value; } bad[] = {
		{ 8, 4, 0 }, { 8, 4, BLOCK }, { 8, 4, BLOCK + 1 }, { 8, 4, 0xffffffff }, { 12, 4, 0 }, { 12, 4, 3 },
		{ 12, 4, 8 }, { 12, 4, 0x40 }, { 12, 4, 0x80000000 }, { 0, 8, 1 }, { 0, 8, BLOCK }, { 0, 8, 1 << 30 },
		{ 0, 8, UINT64_MAX }, { 0, 8, 1ull << 63 }, { 0, 8, UINT64_MAX - 4095 }, { 12, 4, 2 }, { 12, 4, 4 },
		{ 12, 4, 0x20 },
	};
	static const struct known two[] = { { 1, DATA }, { 2, DATA }, { 3, DATA } };
	uint8_t buf[BLOCK];
	struct model m;

	(void)state;
	model_init(&m, two, mmw_array_len(two), BLOCK);
	for (size_t i = 0; i < mmw_array_len(bad); i++) {
		struct kd_spec s = spec_of(&m);
		struct opened o;

		open_spec(&s, &o);
		for (unsigned b = 0; b < bad[i].size; b++)
			o.built.bytes[o.built.desc_at + 24 + bad[i].at + b] = bad[i].value >> 8 * b;
		check_page(&o, &m, &s, 1);
		assert_int_equal(mmw_read(o.r, 2 * BLOCK, buf, BLOCK, NULL),
				 !bad[i].at && bad[i].value >= 1 << 30 ? -MMW_E_TRUNCATED : -MMW_E_CORRUPT);
		check_page(&o, &m, &s, 3);
		close_opened(&o);
	}
	free(m.bytes);
}

/* Compressed data that says less, more or nothing sensible must not decode, whichever codec it claims. */
static void bad_data(void **state)
{
	struct model m;
	uint8_t buf[BLOCK];

	(void)state;
	model_init(&m, few, mmw_array_len(few), BLOCK);
	for (unsigned i = 1; i < 5; i++) {
		struct kd_spec s = spec_of(&m);
		struct kd_image built;
		size_t size;

		s.codec = codecs[i];
		assert_int_equal(kd_build(&s, &built), 0);
		size = built.bytes[built.desc_at + 8] | built.bytes[built.desc_at + 9] << 8;
		for (size_t at = 0; at < size; at++) {
			struct opened o = { .built = { 0 } };
			int rc;

			built.bytes[built.data_at + at] ^= 0x55;
			assert_int_equal(open_bytes(built.bytes, built.len, NULL, &o.img, NULL), 0);
			assert_int_equal(mmw_reader_open(o.img, &o.r, NULL), 0);
			rc = mmw_read(o.r, BLOCK, buf, BLOCK, NULL);
			assert_true(!rc || rc == -MMW_E_CORRUPT);
			check_page(&o, &m, &s, 7);  /* the decoder recovers */
			close_opened(&o);
			built.bytes[built.data_at + at] ^= 0x55;
		}
		kd_free(&built);
	}
	free(m.bytes);
}

static void not_ours(void **state)
{
	static uint8_t bytes[3 * BLOCK] = "KDUMP   ";
	struct mmw_image *img;
	struct mmw_err err = { 0 };

	(void)state;
	assert_int_equal(open_bytes(bytes, sizeof(bytes), NULL, &img, &err), -MMW_E_CORRUPT);
	memcpy(bytes, "KDUMP\0\0\0", 8);
	assert_int_equal(open_bytes(bytes, sizeof(bytes), "kdump", &img, &err), -MMW_E_CORRUPT);
}

static void samples(void **state)
{
	struct kd_image built;
	unsigned n = 0;

	(void)state;
	for (; !kd_sample(n, &built); n++) {
		exercise(built.bytes, built.len, NULL);
		kd_free(&built);
	}
	assert_int_equal(n, 280);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape),
		cmocka_unit_test(large_blocks),
		cmocka_unit_test(one_bitmap),
		cmocka_unit_test(zero_pages),
		cmocka_unit_test(incomplete),
		cmocka_unit_test(split_parts),
		cmocka_unit_test(split_sets),
		cmocka_unit_test(split_lacking),
		cmocka_unit_test(split_refused),
		cmocka_unit_test(diskdump),
		cmocka_unit_test(inside_blocks),
		cmocka_unit_test(machines),
		cmocka_unit_test(notes),
		cmocka_unit_test(notes_without_vmcoreinfo),
		cmocka_unit_test(damaged_notes),
		cmocka_unit_test(arm_base),
		cmocka_unit_test(cut_at_every_length),
		cmocka_unit_test(cut_data),
		cmocka_unit_test(extreme_headers),
		cmocka_unit_test(bad_descriptors),
		cmocka_unit_test(bad_data),
		cmocka_unit_test(not_ours),
		cmocka_unit_test(samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

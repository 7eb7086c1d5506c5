/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/image.c and formats: overlaps of extents against a model that knows each byte, and what files are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/image/build.h"
#include "tests/tools/exercise.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

/* --- overlaps ------------------------------------------------------------------------------------------------- */

enum { FILE_BYTES = 64 << 10, SPACE = 3 * FILE_BYTES, ROUNDS = 400, ABSENT = 3, NOWHERE = 0xffff };

static uint8_t file_bytes[FILE_BYTES];

/* What each address of the space must be: a state, and where in the file it comes from. */
struct model {
	uint8_t state[SPACE];
	uint32_t off[SPACE];
};

static uint32_t seed = 1;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

static struct mmw_image *image_over_file(void)
{
	struct mmw_image *img;
	struct mmw_file *f;

	for (size_t i = 0; i < FILE_BYTES; i++)
		file_bytes[i] = (uint8_t)(i * 131 >> 3 ^ i);
	assert_int_equal(mmw_file_memory(file_bytes, FILE_BYTES, "file", &f, NULL), 0);
	assert_int_equal(mmw_image_new(f, "file", &img, NULL), 0);
	return img;
}

static void model_add(struct model *m, uint64_t pa, uint64_t len, uint64_t off, enum mmw_state state)
{
	for (uint64_t i = 0; i < len; i++) {
		if (m->state[pa + i] != ABSENT)
			continue;
		m->state[pa + i] = state == MMW_STORED && off + i >= FILE_BYTES ? MMW_TRUNCATED : state;
		m->off[pa + i] = (uint32_t)(off + i);
	}
}

static void add_random(struct mmw_image *img, struct model *m)
{
	uint32_t unit = 1u << rnd(13), pa = rnd(SPACE / unit) * unit, len = (1 + rnd(64)) * unit;
	uint32_t off = rnd(4) ? rnd(FILE_BYTES) : FILE_BYTES - rnd(64);
	enum mmw_state state = rnd(4) ? MMW_STORED : MMW_EXCLUDED;

	if (len > SPACE - pa)
		len = SPACE - pa;
	if (!rnd(40))
		off = rnd(2) ? FILE_BYTES : UINT32_MAX;
	assert_int_equal(mmw_image_add_extent(img, pa, len, off, state, NULL), 0);
	model_add(m, pa, len, off, state);
}

static void check_extents(const struct mmw_image *img, const struct model *m)
{
	struct mmw_extent e = { 0 };
	uint64_t from = 0, stored = 0;
	int more = mmw_image_next_extent(img, 0, &e);

	for (uint64_t at = 0; at < SPACE; at++) {
		if (more && at == e.pa + e.len)
			more = mmw_image_next_extent(img, at, &e);
		if (more && at >= e.pa)
			assert_int_equal(e.state, m->state[at]);
		else
			assert_int_equal(m->state[at], ABSENT);
		stored += m->state[at] == MMW_STORED;
		from = m->state[at] == ABSENT ? from : at;
	}
	assert_false(mmw_image_next_extent(img, SPACE, &e));
	assert_int_equal(mmw_image_stored(img), stored);
	assert_int_equal(mmw_image_last(img), from);
	/* Asking from the middle of an extent clips it. */
	from = rnd(SPACE);
	if (mmw_image_next_extent(img, from, &e))
		assert_true(e.pa >= from && m->state[e.pa] == e.state);
}

static int expected_read(const struct model *m, uint64_t pa, size_t len, uint8_t *buf)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t state = pa + i < SPACE ? m->state[pa + i] : ABSENT;

		if (state != MMW_STORED)
			return state == ABSENT ? -MMW_E_NODATA
			     : state == MMW_EXCLUDED ? -MMW_E_EXCLUDED : -MMW_E_TRUNCATED;
		buf[i] = file_bytes[m->off[pa + i]];
	}
	return 0;
}

static void check_reads(const struct mmw_image *img, const struct model *m)
{
	struct mmw_reader *r;
	static uint8_t want[20000], got[20000];

	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	for (int i = 0; i < 200; i++) {
		uint64_t pa = rnd(SPACE);
		size_t len = rnd(8) ? rnd(64) : rnd(sizeof(want));
		struct mmw_err err = { 0 };
		int rc = expected_read(m, pa, len, want), mine = mmw_read(r, pa, got, len, &err);

		assert_int_equal(mine, rc);
		if (!rc)
			assert_memory_equal(got, want, len);
		else
			exercise_error(rc, &err);
	}
	mmw_reader_close(r);
}

static void overlaps_match_the_model(void **state)
{
	struct model *m = malloc(sizeof(*m));

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct mmw_image *img = image_over_file();
		uint32_t n = 1 + rnd(40);

		memset(m->state, ABSENT, sizeof(m->state));
		while (n--)
			add_random(img, m);
		assert_int_equal(mmw_image_seal(img, NULL), 0);
		check_extents(img, m);
		check_reads(img, m);
		mmw_image_close(img);
	}
	free(m);
}

static void first_failure_is_named(void **state)
{
	struct mmw_image *img = image_over_file();
	struct mmw_reader *r;
	struct mmw_err err;
	uint8_t buf[0x4000];

	(void)state;
	assert_int_equal(mmw_image_add_extent(img, 0x1000, 0x1000, 0, MMW_STORED, NULL), 0);
	assert_int_equal(mmw_image_add_extent(img, 0x2000, 0x1000, 0, MMW_EXCLUDED, NULL), 0);
	assert_int_equal(mmw_image_add_extent(img, 0x8000, 0x2000, FILE_BYTES - 0x1000, MMW_STORED, NULL), 0);
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	assert_int_equal(mmw_read(r, 0x1800, buf, 0x1000, &err), -MMW_E_EXCLUDED);
	assert_int_equal(err.addr, 0x2000);
	assert_int_equal(mmw_read(r, 0xff0, buf, 0x20, &err), -MMW_E_NODATA);
	assert_int_equal(err.addr, 0xff0);
	assert_int_equal(mmw_read(r, 0x8800, buf, 0x1000, &err), -MMW_E_TRUNCATED);
	assert_int_equal(err.addr, 0x9000);
	assert_int_equal(mmw_read(r, UINT64_MAX - 3, buf, 8, &err), -MMW_E_NODATA);
	assert_int_equal(mmw_read(r, UINT64_MAX, buf, 1, &err), -MMW_E_NODATA);
	assert_int_equal(mmw_read(r, 0x5000, buf, 0, &err), 0);
	mmw_reader_close(r);
	mmw_image_close(img);
}

static void wrapping_extents(void **state)
{
	struct mmw_image *img = image_over_file();

	(void)state;
	assert_int_equal(mmw_image_add_extent(img, UINT64_MAX, 1, 0, MMW_STORED, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_image_add_extent(img, UINT64_MAX - 0xfff, 0x1000, 0, MMW_STORED, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_image_add_extent(img, 0x1000, UINT64_MAX, 0, MMW_EXCLUDED, NULL), -MMW_E_CORRUPT);
	assert_int_equal(mmw_image_add_extent(img, 0x1000, 0, 0, MMW_STORED, NULL), 0);
	assert_int_equal(mmw_image_add_extent(img, UINT64_MAX - 0x1000, 0x1000, 0, MMW_EXCLUDED, NULL), 0);
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	assert_int_equal(mmw_image_last(img), UINT64_MAX - 1);
	assert_int_equal(mmw_image_stored(img), 0);
	mmw_image_close(img);
	mmw_image_close(NULL);
}

/* --- formats -------------------------------------------------------------------------------------------------- */

static const char machine_text[] =
	"ram 1000 3000\n"
	"u64 1000: 1*200+1\n"
	"u64 3000: 8000000000000000*10+1\n"
	"excluded 4000 2000\n"
	"ram 8000 1000\n"
	"excluded a000 1000\n"
	"ram b000 1000\n"
	"random b000 1000 77\n"
	"cpu pc=1234 sp=5678 cr3=2000 cr4=20\n"
	"vmcoreinfo OSRELEASE=test\n"
	"vmcoreinfo NUMBER(x)=1\n";

static struct mmw_image *open_blob(const struct blob *b)
{
	struct mmw_image *img;
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory(b->bytes, b->len, "image", &f, NULL), 0);
	assert_int_equal(mmw_open_file(f, "image", NULL, &img, NULL), 0);
	return img;
}

/* Every page of the machine reads as the recipe says, in its state, through this format. */
static void check_machine(const struct mmw_image *img, const struct phys *p, bool holes)
{
	struct mmw_reader *r;
	uint8_t buf[PHYS_PAGE];

	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	for (uint64_t pfn = 0; pfn < 16; pfn++) {
		const struct phys_page *page = phys_find(p, pfn);
		int rc = mmw_read(r, pfn * PHYS_PAGE, buf, sizeof(buf), NULL);

		if (!holes && pfn > 0xb)
			assert_int_equal(rc, -MMW_E_NODATA);
		else if (!holes || (page && page->state == PHYS_STORED))
			assert_int_equal(rc, 0);
		else
			assert_int_equal(rc, page ? -MMW_E_EXCLUDED : -MMW_E_NODATA);
		if (!rc && page)
			assert_memory_equal(buf, phys_page_bytes(page), sizeof(buf));
	}
	mmw_reader_close(r);
}

static void check_registers(const struct mmw_image *img, bool note)
{
	assert_int_equal(mmw_image_machine(img), EM_X86_64);
	assert_int_equal(mmw_image_cpus(img), 1);
	assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_PC], 0x1234);
	assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_SP], 0x5678);
	assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_CR3], 0x2000);
	if (note)
		assert_string_equal(mmw_image_vmcoreinfo(img), "OSRELEASE=test\nNUMBER(x)=1\n");
}

static void every_format_holds_the_machine(void **state)
{
	const struct wrap_format *f;

	(void)state;
	for (size_t i = 0; (f = wrap_format_at(i)); i++) {
		struct blob b = { 0 };
		struct mmw_image *img;
		struct phys p;

		/* Others cannot hold it; they have tests of their own. */
		if ((!f->holes && strcmp(f->name, "raw")) || f->options || f->no_excluded)
			continue;
		recipe_text("machine", machine_text, f->big_endian, &p);
		f->write(&p, &b);
		img = open_blob(&b);
		assert_int_equal(mmw_image_big_endian(img), f->big_endian);
		check_machine(img, &p, f->holes);
		if (f->registers == true)
			check_registers(img, !f->no_vmcoreinfo);
		mmw_image_close(img);
		blob_fini(&b);
		phys_fini(&p);
	}
}

/* Ranges that meet inside a page, a hole, and a range that was cut off before its end. */
static void lime_ranges(void **state)
{
	const struct wrap_format *f = wrap_format_by_name("lime");

	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		uint8_t page[4096], byte;
		struct mmw_reader *reader;
		struct mmw_image *img;
		struct blob b = { 0 };
		struct phys p;

		recipe_text("lime",
			    "ram 1000 3000\nram 8000 1000\nu8 1000: 11*1000\nu8 2000: 22*1000\nu8 8000: 88*1000\n",
			    false, &p);
		f->write(&p, &b);
		/* Records of 1064 and 1f9c bytes, then one of 1000; 800 bytes of the second are lost. */
		if (cut) {
			memmove(b.bytes + b.len - 0x1020 - 0x800, b.bytes + b.len - 0x1020, 0x1020);
			b.len -= 0x800;
		}
		img = open_blob(&b);
		assert_int_equal(mmw_reader_open(img, &reader, NULL), 0);
		assert_int_equal(mmw_read(reader, 0x2000, page, sizeof(page), NULL), 0);
		for (size_t i = 0; i < sizeof(page); i++)
			assert_int_equal(page[i], 0x22);
		assert_int_equal(mmw_read(reader, 0x8fff, &byte, 1, NULL), 0);
		assert_int_equal(byte, 0x88);
		assert_int_equal(mmw_read(reader, 0x3fff, &byte, 1, NULL), cut ? -MMW_E_TRUNCATED : 0);
		assert_int_equal(mmw_read(reader, 0x4000, &byte, 1, NULL), -MMW_E_NODATA);
		assert_int_equal(mmw_read(reader, 0xfff, &byte, 1, NULL), -MMW_E_NODATA);
		mmw_reader_close(reader);
		mmw_image_close(img);
		blob_fini(&b);
		phys_fini(&p);
	}
}

static int open_bytes(const void *bytes, size_t len, const char *format, struct mmw_err *err)
{
	const struct mmw_open_opts opts = { .format = format };
	struct mmw_image *img = NULL;
	struct mmw_file *f;
	int rc;

	assert_int_equal(mmw_file_memory(bytes, len, "image", &f, NULL), 0);
	rc = mmw_open_file(f, "image", &opts, &img, err);
	mmw_image_close(img);
	return rc;
}

static void refused_images(void **state)
{
	const char *name, *summary;
	static const uint8_t zero[8192];
	struct mmw_err err;

	(void)state;
	assert_int_equal(open_bytes("hello", 5, NULL, &err), -MMW_E_UNSUPPORTED);
	assert_int_equal(open_bytes(zero, 4097, NULL, &err), -MMW_E_UNSUPPORTED);
	assert_int_equal(open_bytes(zero, 8192, NULL, &err), 0);
	assert_int_equal(open_bytes(zero, 100, "raw", &err), 0);
	assert_int_equal(open_bytes(zero, 8192, "ELF", &err), -MMW_E_CORRUPT);
	assert_int_equal(open_bytes(zero, 8192, "kdump", &err), -MMW_E_CORRUPT);
	assert_int_equal(open_bytes(zero, 8192, "floppy", &err), -MMW_E_ARG);
	assert_int_equal(open_bytes("\x7f" "ELF", 4, NULL, &err), -MMW_E_UNSUPPORTED);
	assert_int_equal(open_bytes("\x7f" "ELF\2\1\1\0\0\0\0\0\0\0\0\0", 16, NULL, &err), -MMW_E_CORRUPT);
	for (size_t i = 0; mmw_format_words(i, &name, &summary); i++)
		assert_true(*name && *summary);
}

/* Header fields with extreme values, one at a time: refused or harmless, never believed. */
static void extreme_elf_headers(void **state)
{
	static const uint64_t values[] = { 0,	       1,	   0x7f,      0xffff,
					   0x7fffffff, 0xffffffff, INT64_MAX, UINT64_MAX - 55,
					   UINT64_MAX };
	static const char *const names[] = { "elf", "elf32", "elf-xnum", "elf-be" };
	struct mmw_err err;

	(void)state;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		const struct wrap_format *f = wrap_format_by_name(names[n]);
		struct blob b = { 0 }, copy = { 0 };
		struct phys p;

		recipe_text("machine", machine_text, f->big_endian, &p);
		f->write(&p, &b);
		for (size_t at = 4; at < 64 + 4 * 56; at++) {
			for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
				unsigned size = 1u << (at + v) % 4;

				copy.len = 0;
				blob_add(&copy, b.bytes, b.len);
				blob_put(&copy, at, values[v], size, f->big_endian);
				exercise_image(copy.bytes, copy.len, NULL, &err);
			}
		}
		blob_fini(&copy);
		blob_fini(&b);
		phys_fini(&p);
	}
}

/* Segments that are each the whole file: a few may be, many are memory without end out of a small file. */
static void shared_bytes(void **state)
{
	const size_t first = 64 + 56;  /* program header 1; number 0 is the notes */
	char text[80 * 24] = "";
	struct blob b = { 0 };
	struct mmw_err err;
	struct phys p;
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 80; i++)
		n += snprintf(text + n, sizeof(text) - n, "ram %x 1000\n", i << 24);
	recipe_text("shared", text, false, &p);
	wrap_format_by_name("elf")->write(&p, &b);
	for (unsigned i = 0; i < 80; i++) {
		if (i == 60)
			assert_int_equal(open_bytes(b.bytes, b.len, NULL, &err), 0);
		blob_put(&b, first + 56 * i + 8, 0, 8, false);
		blob_put(&b, first + 56 * i + 32, b.len, 8, false);
		blob_put(&b, first + 56 * i + 40, b.len, 8, false);
	}
	assert_int_equal(open_bytes(b.bytes, b.len, NULL, &err), -MMW_E_CORRUPT);
	assert_non_null(strstr(err.msg, "share"));
	blob_fini(&b);
	phys_fini(&p);
}

static void base_of_raw_memory(void **state)
{
	static const uint8_t bytes[8192] = { 1, 2, 3 };
	const struct mmw_open_opts opts = { .has_base = true, .base = 0x80000000 };
	struct mmw_image *img;
	struct mmw_reader *r;
	struct mmw_file *f;
	uint8_t got[3];

	(void)state;
	assert_int_equal(mmw_file_memory(bytes, sizeof(bytes), "image", &f, NULL), 0);
	assert_int_equal(mmw_open_file(f, "image", &opts, &img, NULL), 0);
	assert_int_equal(mmw_image_last(img), 0x80001fff);
	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	assert_int_equal(mmw_read(r, 0x80000000, got, 3, NULL), 0);
	assert_memory_equal(got, bytes, 3);
	assert_int_equal(mmw_read(r, 0, got, 3, NULL), -MMW_E_NODATA);
	mmw_reader_close(r);
	mmw_image_close(img);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlaps_match_the_model), cmocka_unit_test(first_failure_is_named),
		cmocka_unit_test(wrapping_extents), cmocka_unit_test(lime_ranges),
		cmocka_unit_test(every_format_holds_the_machine),
		cmocka_unit_test(refused_images), cmocka_unit_test(extreme_elf_headers),
		cmocka_unit_test(base_of_raw_memory), cmocka_unit_test(shared_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

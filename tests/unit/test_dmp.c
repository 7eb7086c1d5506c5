/* SPDX-License-Identifier: GPL-2.0-or-later */
/* formats/dmp.c, formats/known.c and the table of lib/kernel/machines.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/kernel/machines.h"
#include "lib/base/vec.h"
#include "tests/tools/exercise.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap_containers.h"

static const char machine[] =
	"ram 0 1000\nram 2000 2000\nexcluded 4000 1000\nram 5000 1000\nram 9000 1000\nu64 0: 11*200\nu64 3000: 33*200\n"
	"u64 5000: 55*200\nu64 9000: 99*200\ncpu pc=1234 sp=5678 cr3=2000 cr4=20\n";

static struct mmw_image *open_blob(const struct blob *b, struct mmw_err *err)
{
	struct mmw_image *img = NULL;
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory(b->bytes, b->len, "image", &f, NULL), 0);
	if (mmw_open_file(f, "image", NULL, &img, err))
		return NULL;
	return img;
}

static void expect(const struct blob *b, enum mmw_code code, const char *words)
{
	struct mmw_err err = { 0 };

	assert_null(open_blob(b, &err));
	exercise_error(-(int)code, &err);
	assert_non_null(strstr(err.msg, words));
}

/* A page is there with this byte, or not with that code. */
static void page_is(struct mmw_reader *r, uint64_t pa, uint8_t byte, int rc)
{
	uint8_t got[0x1000];

	assert_int_equal(mmw_read(r, pa, got, sizeof(got), NULL), rc);
	if (!rc)
		assert_int_equal(got[0xff8], byte);
}

static void every_type(void **state)
{
	static const struct {
		void (*write)(const struct phys *p, struct blob *out);
		uint16_t machine;
		int excluded;
	} types[] = {
		{ wrap_dmp, EM_X86_64, -MMW_E_NODATA }, { wrap_dmp32, EM_386, -MMW_E_NODATA },
		{ wrap_dmp_bitmap, EM_X86_64, -MMW_E_EXCLUDED }, { wrap_dmp_list, EM_X86_64, -MMW_E_EXCLUDED },
	};
	struct phys p;

	(void)state;
	recipe_text("machine", machine, false, &p);
	for (size_t i = 0; i < mmw_array_len(types); i++) {
		struct blob b = { 0 };
		struct mmw_image *img;
		struct mmw_reader *r;

		types[i].write(&p, &b);
		img = open_blob(&b, NULL);
		assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
		page_is(r, 0, 0x11, 0);
		page_is(r, 0x1000, 0, -MMW_E_NODATA);
		page_is(r, 0x3000, 0x33, 0);
		page_is(r, 0x4000, 0, types[i].excluded);
		page_is(r, 0x5000, 0x55, 0);
		page_is(r, 0x9000, 0x99, 0);
		page_is(r, 0xa000, 0, -MMW_E_NODATA);
		assert_int_equal(mmw_image_machine(img), types[i].machine);
		assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_CR3], 0x2000);
		assert_int_equal(mmw_image_cpu(img, 0)->known & 1u << MMW_REG_PC, types[i].write != wrap_dmp32);
		if (types[i].write != wrap_dmp32)
			assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_PC], 0x1234);
		mmw_reader_close(r);
		mmw_image_close(img);
		/* The last page is cut. */
		b.len -= 100;
		img = open_blob(&b, NULL);
		assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
		page_is(r, 0x9000, 0, -MMW_E_TRUNCATED);
		page_is(r, 0x5000, 0x55, 0);
		mmw_reader_close(r);
		mmw_image_close(img);
		blob_fini(&b);
	}
	phys_fini(&p);
}

static void hostile_numbers(void **state)
{
	struct blob b = { 0 };
	struct phys p;

	(void)state;
	recipe_text("machine", machine, false, &p);
	wrap_dmp(&p, &b);
	blob_put(&b, 0x88, 44, 4, false);
	expect(&b, MMW_E_CORRUPT, "44 runs of memory");
	blob_put(&b, 0x88, 1, 4, false);
	blob_put(&b, 0x98, UINT64_MAX / 4096, 8, false);
	blob_put(&b, 0xa0, 2, 8, false);
	expect(&b, MMW_E_CORRUPT, "more than there can be");
	blob_put(&b, 0xf98, 4, 4, false);
	expect(&b, MMW_E_UNSUPPORTED, "minidump");
	blob_put(&b, 0xf98, 77, 4, false);
	expect(&b, MMW_E_UNSUPPORTED, "type 77");
	blob_fini(&b);
	wrap_dmp_bitmap(&p, &b);
	blob_put(&b, 0x2030, (uint64_t)b.len * 8, 8, false);
	expect(&b, MMW_E_CORRUPT, "does not fit");
	blob_put(&b, 0x2030, UINT64_MAX, 8, false);
	expect(&b, MMW_E_CORRUPT, "does not fit");
	blob_put(&b, 0x2004, 0, 4, false);
	expect(&b, MMW_E_CORRUPT, "behind the header");
	blob_fini(&b);
	wrap_dmp_list(&p, &b);
	blob_put(&b, 0x2038, UINT64_MAX, 8, false);
	expect(&b, MMW_E_CORRUPT, "more than there can be");
	blob_fini(&b);
	phys_fini(&p);
}

/* --- what is only named ------------------------------------------------------------------------------------------- */

static void named_and_not_read(void **state)
{
	static const struct {
		size_t at, len;
		const char *mark, *words;
	} marks[] = {
		{ 0, 8, "\xa8\x19\x01\x73\x61\x8f\x23\xfd", "zgetdump" },
		{ 0, 6, "sadump", "makedumpfile" },
		{ 0, 22, "\x7fVirtualBox SavedState", "dumpvmcore" },
		{ 0, 4, "\x14\x20\x28\x01", "Hyper-V" },
		{ 0xff6, 10, "S1SUSPEND", "hibernation" },
		{ 0xfff6, 10, "S1SUSPEND", "hibernation" },
		{ 0, 4, "KDMV", "disk" },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(marks); i++) {
		struct blob b = { 0 };

		blob_add(&b, NULL, 0x20000);
		memcpy(b.bytes + marks[i].at, marks[i].mark, marks[i].len);
		expect(&b, MMW_E_UNSUPPORTED, marks[i].words);
		/* Cut before the end of the mark, it is not recognised. */
		b.len = marks[i].at + marks[i].len - 1;
		expect(&b, MMW_E_UNSUPPORTED, "no memory image");
		blob_fini(&b);
	}
}

/* --- machines ----------------------------------------------------------------------------------------------------- */

static void layouts_make_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < mmw_array_len(mmw_machine_memories); i++) {
		const struct mmw_machine_memory *m = &mmw_machine_memories[i];

		assert_true(*m->name && m->machine);
		assert_int_equal(!m->split_above, !m->low);
		assert_true(m->low <= m->split_above && (!m->low || m->base + m->low < m->high));
		assert_true(m->hole <= m->above_hole && (!m->hole || m->hole > m->high));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type), cmocka_unit_test(hostile_numbers), cmocka_unit_test(named_and_not_read),
		cmocka_unit_test(layouts_make_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

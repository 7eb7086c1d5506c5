/* SPDX-License-Identifier: GPL-2.0-or-later */
/* __ksymtab in each of its forms: absolute or relative, two fields or three, either word size and byte order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/sym/ksymtab.h"

enum { IMAGE = 1 << 18, TABLE = 0x8000, STRINGS = 0x20000, ENTRIES = 40 };

#define BASE 0xc1000000u

struct form {
	unsigned word, fields;
	bool relative, be;
};

static uint8_t image[IMAGE];

static void put(uint64_t at, unsigned size, uint64_t v, bool be)
{
	for (unsigned i = 0; i < size; i++)
		image[at + i] = (uint8_t)(v >> 8 * (be ? size - 1 - i : i));
}

static const char *name_of(unsigned i, char *buf)
{
	static const char *const first[] = { "cpu_bit_bitmap", "high_memory", "init_task" };

	if (i < mmw_array_len(first))
		return first[i];
	sprintf(buf, "symbol_%02u", i);
	return buf;
}

/* Value i is BASE + 0x30000 + 8 * i; the linker lets "task" be the end of "init_task". */
static void build(const struct form *f)
{
	unsigned size = f->relative ? 4 : f->word;
	uint64_t at = TABLE, string = STRINGS;
	char buf[32];

	memset(image, 0, sizeof(image));
	for (unsigned i = 0; i < ENTRIES; i++) {
		const char *name = name_of(i, buf);
		uint64_t value = 0x30000 + 8 * i;

		strcpy((char *)image + string, name);
		put(at, size, f->relative ? value - at : BASE + value, f->be);
		put(at + size, size, f->relative ? string - (at + size) : BASE + string, f->be);
		if (f->fields == 3)
			put(at + 2 * size, size, 0, f->be);
		at += (uint64_t)f->fields * size;
		string += strlen(name) + 1;
	}
}

static int read_image(void *ctx, uint64_t addr, void *buf, size_t len, struct mmw_err *err)
{
	(void)ctx;
	if (addr < BASE || addr - BASE > IMAGE - len)
		return mmw_fail(err, MMW_E_NOTPRESENT, addr, "outside");
	memcpy(buf, image + (addr - BASE), len);
	return 0;
}

static bool by_name(const struct mmw_symtab *t, const char *name, uint64_t *addr)
{
	struct mmw_ksym sym;
	size_t pos = 0;

	if (!mmw_symtab_by_name(t, name, &pos, &sym))
		return false;
	*addr = sym.addr;
	return true;
}

static void every_form(void **state)
{
	static const struct form forms[] = {
		{ 4, 3, false, false }, { 4, 2, false, false }, { 4, 3, false, true },
		{ 8, 3, false, false }, { 8, 2, false, true },
		{ 8, 3, true, false }, { 8, 2, true, false }, { 8, 3, true, true }, { 4, 3, true, false },
	};

	(void)state;
	for (size_t i = 0; i < mmw_array_len(forms); i++) {
		struct mmw_mem mem = { read_image, NULL, forms[i].be };
		struct mmw_symtab *t;
		uint64_t addr, place;
		char buf[32];

		build(&forms[i]);
		assert_int_equal(mmw_ksymtab_open(&mem, BASE, IMAGE, forms[i].word, &t, &place, NULL), 0);
		assert_int_equal(mmw_symtab_count(t), ENTRIES);
		assert_int_equal(place, BASE + TABLE);
		for (unsigned n = 0; n < ENTRIES; n++) {
			assert_true(by_name(t, name_of(n, buf), &addr));
			assert_int_equal(addr, BASE + 0x30000 + 8 * n);
		}
		assert_false(by_name(t, "symbol_99", &addr));
		assert_false(by_name(t, "", &addr));
		mmw_symtab_close(t);
	}
}

/* The strings alone, a table that is cut short, or nothing at all: no table, and a reason. */
static void no_table(void **state)
{
	static const struct form form = { 4, 3, false, false };
	struct mmw_mem mem = { read_image, NULL, false };
	struct mmw_err err = { 0 };
	struct mmw_symtab *t;
	uint64_t place;

	(void)state;
	build(&form);
	memset(image + TABLE + 12 * 8, 0, 12 * (ENTRIES - 8));
	assert_int_equal(mmw_ksymtab_open(&mem, BASE, IMAGE, 4, &t, &place, &err), -MMW_E_NOSYM);
	memset(image, 0, sizeof(image));
	assert_int_equal(mmw_ksymtab_open(&mem, BASE, IMAGE, 4, &t, &place, &err), -MMW_E_NOSYM);
	assert_int_equal(mmw_ksymtab_open(&mem, 0x1000, IMAGE, 4, &t, &place, &err), -MMW_E_NOSYM);
	assert_int_not_equal(err.msg[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_form), cmocka_unit_test(no_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

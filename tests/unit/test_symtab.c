/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of symbols from text: what is taken, what is refused, and how they are asked. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/sym/symtab.h"

static struct mmw_symtab *open_text(const char *text)
{
	struct mmw_symtab *t = NULL;
	struct mmw_err err = { 0 };

	if (mmw_symtab_text(text, strlen(text), &t, &err))
		fail_msg("%s", err.msg);
	return t;
}

static const char map[] =
	"0000000000000000 D __per_cpu_start\n"
	"ffffffff81000000 T _text\n"
	"ffffffff81000000 T startup_64\n"
	"ffffffff81002000 t twice\n"
	"ffffffff81001000 T before\r\n"
	"                 w undefined\n"
	"ffffffffc0000000 t init\t[module]\n"
	"ffffffff81003000 t twice\n"
	"ffffffff81004000 B _end";

static void sorted(void **state)
{
	static const char *const names[] = {
		"__per_cpu_start", "_text", "startup_64", "before", "twice", "twice", "_end",
	};
	struct mmw_symtab *t = open_text(map);
	struct mmw_ksym sym;

	(void)state;
	assert_int_equal(mmw_symtab_count(t), mmw_array_len(names));
	for (size_t i = 0; i < mmw_array_len(names); i++) {
		assert_int_equal(mmw_symtab_at(t, i, &sym, NULL), 0);
		assert_string_equal(sym.name, names[i]);
	}
	assert_int_equal(mmw_symtab_at(t, mmw_array_len(names), &sym, NULL), -MMW_E_ARG);
	mmw_symtab_close(t);
}

static void by_name(void **state)
{
	struct mmw_symtab *t = open_text(map);
	struct mmw_ksym sym;
	size_t pos = 0;

	(void)state;
	assert_int_equal(mmw_symtab_by_name(t, "twice", &pos, &sym), 1);
	assert_int_equal(sym.addr, 0xffffffff81002000);
	assert_int_equal(sym.type, 't');
	assert_int_equal(mmw_symtab_by_name(t, "twice", &pos, &sym), 1);
	assert_int_equal(sym.addr, 0xffffffff81003000);
	assert_int_equal(mmw_symtab_by_name(t, "twice", &pos, &sym), 0);
	pos = 0;
	assert_int_equal(mmw_symtab_by_name(t, "init", &pos, &sym), 0);
	assert_int_equal(mmw_symtab_by_name(t, "", &pos, &sym), 0);
	mmw_symtab_close(t);
}

static void by_addr(void **state)
{
	static const struct { uint64_t va; const char *name; } asked[] = {
		{ 0, "__per_cpu_start" }, { 0xffffffff80ffffff, "__per_cpu_start" }, { 0xffffffff81000000, "_text" },
		{ 0xffffffff81000fff, "_text" }, { 0xffffffff81001000, "before" }, { 0xffffffff81003fff, "twice" },
		{ 0xffffffff81004000, "_end" }, { 0xffffffff81004001, NULL },
	};
	struct mmw_symtab *t = open_text(map);
	struct mmw_ksym sym;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(asked); i++) {
		assert_int_equal(mmw_symtab_by_addr(t, asked[i].va, &sym), asked[i].name != NULL);
		if (asked[i].name)
			assert_string_equal(sym.name, asked[i].name);
	}
	mmw_symtab_close(t);
}

/* Per-CPU offsets stay where they are, there and back. */
static void moved(void **state)
{
	struct mmw_symtab *t = open_text(map);
	struct mmw_ksym sym;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		mmw_symtab_move(t, 0xffffffff80000000, 0x1000000);
		assert_int_equal(mmw_symtab_at(t, 0, &sym, NULL), 0);
		assert_int_equal(sym.addr, 0);
		assert_true(mmw_symtab_by_addr(t, 0xffffffff82001800, &sym));
		assert_string_equal(sym.name, "before");
		mmw_symtab_move(t, 0xffffffff80000000, 0);
		assert_true(mmw_symtab_by_addr(t, 0xffffffff81001800, &sym));
		assert_string_equal(sym.name, "before");
	}
	mmw_symtab_close(t);
}

static void refused(void **state)
{
	static char endless[MMW_KSYM_NAME_MAX + 32];
	const struct { const char *text; int rc; } texts[] = {
		{ "", -MMW_E_UNSUPPORTED }, { "\n", -MMW_E_UNSUPPORTED }, { "hello\n", -MMW_E_UNSUPPORTED },
		{ "0 T \n", -MMW_E_UNSUPPORTED }, { "10 T", -MMW_E_UNSUPPORTED }, { "10 T a\nb", -MMW_E_UNSUPPORTED },
		{ "00000000000000010 T a\n", -MMW_E_UNSUPPORTED }, { "10 \001 a\n", -MMW_E_UNSUPPORTED },
		{ "0 T a\n0 t b\n", -MMW_E_UNSUPPORTED }, { "                 w a\n", -MMW_E_UNSUPPORTED },
		{ "10 t a\t[module]\n", -MMW_E_UNSUPPORTED }, { endless, -MMW_E_CORRUPT },
	};

	(void)state;
	memset(endless, 'n', sizeof(endless) - 1);
	memcpy(endless, "10 T ", 5);
	for (size_t i = 0; i < mmw_array_len(texts); i++) {
		struct mmw_symtab *t = NULL;
		struct mmw_err err = { 0 };

		assert_int_equal(mmw_symtab_text(texts[i].text, strlen(texts[i].text), &t, &err), texts[i].rc);
		assert_true(err.msg[0]);
		assert_null(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted), cmocka_unit_test(by_name), cmocka_unit_test(by_addr), cmocka_unit_test(moved),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

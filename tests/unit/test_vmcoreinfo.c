/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sym/vmcoreinfo.c: values, numbers, symbols, and recognising the text in a page of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "lib/sym/vmcoreinfo.h"

static const char text[] =
	"OSRELEASE=6.1.0-28-amd64\n"
	"BUILD-ID=0123456789abcdef0123456789abcdef01234567\n"
	"PAGESIZE=4096\n"
	"SYMBOL(init_uts_ns)=ffffffff8361a5c0\n"
	"OFFSET(uts_namespace.name)=0\n"
	"SYMBOL(_stext)=ffffffff81000000\n"
	"NUMBER(phys_base)=-188743680\n"
	"NUMBER(pgtable_l5_enabled)=0\n"
	"NUMBER(VMALLOC_START)=0xffffb00000000000\n"
	"NUMBER(broken)=12x\n"
	"NUMBER(huge)=99999999999999999999999\n"
	"NUMBER(empty)=\n"
	"KERNELOFFSET=2a000000\n"
	"CONFIG_X86_PAE=y\n"
	"KEY WITH=AN EQUALS=SIGN\n"
	"LAST=no newline";

static void values(void **state)
{
	char buf[64];

	(void)state;
	assert_true(mmw_vmcoreinfo_value(text, "OSRELEASE", buf, sizeof(buf)));
	assert_string_equal(buf, "6.1.0-28-amd64");
	assert_true(mmw_vmcoreinfo_value(text, "LAST", buf, sizeof(buf)));
	assert_string_equal(buf, "no newline");
	assert_true(mmw_vmcoreinfo_value(text, "KEY WITH", buf, sizeof(buf)));
	assert_string_equal(buf, "AN EQUALS=SIGN");
	assert_true(mmw_vmcoreinfo_value(text, "NUMBER(empty)", buf, sizeof(buf)));
	assert_string_equal(buf, "");
	assert_false(mmw_vmcoreinfo_value(text, "RELEASE", buf, sizeof(buf)));
	assert_false(mmw_vmcoreinfo_value(text, "OSRELEASE=6", buf, sizeof(buf)));
	assert_false(mmw_vmcoreinfo_value(text, "NOTHING", buf, sizeof(buf)));
	assert_false(mmw_vmcoreinfo_value(NULL, "OSRELEASE", buf, sizeof(buf)));
	assert_false(mmw_vmcoreinfo_value("", "OSRELEASE", buf, sizeof(buf)));
}

/* A value that does not fit is none; one that just fits is. */
static void small_buffers(void **state)
{
	char buf[5];

	(void)state;
	assert_true(mmw_vmcoreinfo_value("A=1234\n", "A", buf, sizeof(buf)));
	assert_false(mmw_vmcoreinfo_value("A=12345\n", "A", buf, sizeof(buf)));
	assert_false(mmw_vmcoreinfo_value("A=\n", "A", buf, 0));
}

static void numbers(void **state)
{
	uint64_t v;

	(void)state;
	assert_true(mmw_vmcoreinfo_number(text, "phys_base", &v));
	assert_int_equal(v, (uint64_t)-188743680ll);
	assert_true(mmw_vmcoreinfo_number(text, "pgtable_l5_enabled", &v));
	assert_int_equal(v, 0);
	assert_true(mmw_vmcoreinfo_number(text, "VMALLOC_START", &v));
	assert_int_equal(v, 0xffffb00000000000u);
	assert_true(mmw_vmcoreinfo_number(text, "KERNELOFFSET", &v));
	assert_int_equal(v, 0x2a000000);
	assert_false(mmw_vmcoreinfo_number(text, "broken", &v));
	assert_false(mmw_vmcoreinfo_number(text, "huge", &v));
	assert_false(mmw_vmcoreinfo_number(text, "empty", &v));
	assert_false(mmw_vmcoreinfo_number(text, "missing", &v));
	assert_false(mmw_vmcoreinfo_number(NULL, "phys_base", &v));
}

static void symbols(void **state)
{
	char name[300];
	uint64_t v;

	(void)state;
	assert_true(mmw_vmcoreinfo_symbol(text, "_stext", &v));
	assert_int_equal(v, 0xffffffff81000000u);
	assert_false(mmw_vmcoreinfo_symbol(text, "stext", &v));
	assert_false(mmw_vmcoreinfo_symbol(text, "phys_base", &v));
	assert_false(mmw_vmcoreinfo_symbol(NULL, "_stext", &v));
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(mmw_vmcoreinfo_symbol(text, name, &v));
}

static size_t in_page(const char *bytes, size_t len, bool big_endian, size_t *out_len)
{
	static uint8_t page[4096];

	memset(page, 0, sizeof(page));
	memcpy(page, bytes, len);
	return mmw_vmcoreinfo_in_page(page, sizeof(page), big_endian, out_len);
}

static void found_in_a_page(void **state)
{
	char note[4096] = "\x0b\0\0\0\x00\x02\0\0\0\0\0\0VMCOREINFO\0",
	     be[4096] = "\0\0\0\x0b\0\0\x02\0\0\0\0\0VMCOREINFO\0";
	size_t len = 0;

	(void)state;
	assert_int_equal(in_page(text, strlen(text), false, &len), 0);
	assert_int_equal(len, strlen(text));
	memcpy(note + 24, text, strlen(text));
	assert_int_equal(in_page(note, sizeof(note), false, &len), 24);
	assert_int_equal(len, strlen(text));
	assert_int_equal(in_page(note, sizeof(note), true, &len), SIZE_MAX);
	memcpy(be + 24, text, strlen(text));
	assert_int_equal(in_page(be, sizeof(be), true, &len), 24);
}

/* The format string of the kernel, and pages of other things that happen to start so, are no VMCOREINFO. */
static void not_found_in_a_page(void **state)
{
	static const char format[] = "OSRELEASE=%s\n\0PAGESIZE=%ld\n\0SYMBOL(init_uts_ns)=";
	char broken[sizeof(text)];
	uint8_t tiny[64] = "OSRELEASE=";
	size_t len = 0;

	(void)state;
	assert_int_equal(in_page(format, sizeof(format), false, &len), SIZE_MAX);
	memcpy(broken, text, sizeof(text));
	broken[40] = '\x01';
	assert_int_equal(in_page(broken, strlen(text), false, &len), SIZE_MAX);
	memcpy(broken, text, sizeof(text));
	broken[0] = 'o';
	assert_int_equal(in_page(broken, strlen(text), false, &len), SIZE_MAX);
	for (size_t n = 0; n <= sizeof(tiny); n++)
		assert_int_equal(mmw_vmcoreinfo_in_page(tiny, n, false, &len), SIZE_MAX);
}

/* Every length of page: no read past it (the sanitizers watch), and what is found lies inside. */
static void cut_pages(void **state)
{
	(void)state;
	for (size_t n = 0; n <= sizeof(text); n++) {
		uint8_t *copy = test_malloc(n ? n : 1);
		size_t len = 0, at;

		memcpy(copy, text, n);
		at = mmw_vmcoreinfo_in_page(copy, n, false, &len);
		if (at != SIZE_MAX)
			assert_true(at + len <= n);
		test_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values), cmocka_unit_test(small_buffers), cmocka_unit_test(numbers),
		cmocka_unit_test(symbols), cmocka_unit_test(found_in_a_page), cmocka_unit_test(not_found_in_a_page),
		cmocka_unit_test(cut_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

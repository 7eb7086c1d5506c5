/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sym/debugfile.c against sample.c, linked, stripped and split in several ways, and against what is no vmlinux. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/vec.h"
#include "lib/sym/debugfile.h"
#include "tests/tools/blob.h"

static const char sample[] = MMW_SAMPLE_DIR "/sample-4";

/* A file of its own for each test; removed by forget(). */
struct scratch {
	char dir[64], path[128];
};

static struct scratch scratch_of(const void *bytes, size_t len)
{
	struct scratch s = { .dir = "/tmp/mmwalk-debugfile-XXXXXX" };
	FILE *f;

	assert_non_null(mkdtemp(s.dir));
	snprintf(s.path, sizeof(s.path), "%s/file", s.dir);
	f = fopen(s.path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
	return s;
}

static void forget(struct scratch *s)
{
	unlink(s->path);
	rmdir(s->dir);
}

static int open_bytes(const void *bytes, size_t len, struct mmw_err *err)
{
	struct scratch s = scratch_of(bytes, len);
	struct mmw_debugfile *f;
	int rc = mmw_debugfile_open(s.path, NULL, &f, err);

	if (!rc)
		mmw_debugfile_close(f);
	forget(&s);
	return rc;
}

static struct mmw_debugfile *opened(const char *path, const char *root)
{
	struct mmw_debugfile *f = NULL;
	struct mmw_err err;

	if (mmw_debugfile_open(path, root, &f, &err))
		fail_msg("%s", err.msg);
	return f;
}

static void test_info(void **state)
{
	struct mmw_debugfile *f = opened(sample, NULL);
	const struct mmw_debugfile_info *info = mmw_debugfile_info(f);

	(void)state;
	assert_string_equal(info->path, sample);
	assert_string_equal(info->dwarf_path, sample);
	assert_int_equal(info->word, sizeof(void *));
	assert_int_equal(info->big_endian, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	assert_int_equal(info->build_id_len, 20);
	mmw_debugfile_close(f);
}

static const struct mmw_debugsym *symbol(struct mmw_debugfile *f, const char *name)
{
	const struct mmw_debugsym *syms;
	size_t n;

	assert_int_equal(mmw_debugfile_symbols(f, &syms, &n, NULL), 0);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(syms[i].name, name))
			return &syms[i];
	return NULL;
}

static void test_symbols(void **state)
{
	struct mmw_debugfile *f = opened(sample, NULL);
	char banner[128], small[10];

	(void)state;
	assert_int_equal(symbol(f, "main")->type, 'T');
	assert_int_equal(symbol(f, "sample_local")->type, 't');
	assert_int_equal(symbol(f, "sample_zone")->type, 'D');
	assert_int_equal(symbol(f, "sample_bits")->type, 'B');
	assert_int_equal(symbol(f, "linux_banner")->type, 'R');
	assert_int_equal(symbol(f, "linux_banner")->size, 44);
	assert_null(symbol(f, "sample.c"));
	assert_null(symbol(f, ""));
	assert_int_equal(mmw_debugfile_banner(f, banner, sizeof(banner), NULL), 0);
	assert_string_equal(banner, "Linux version 6.1.0-sample (sample) #1 SMP");
	assert_int_equal(mmw_debugfile_banner(f, small, sizeof(small), NULL), -MMW_E_CORRUPT);
	mmw_debugfile_close(f);
}

static void test_sections(void **state)
{
	static const char *const files[] = { MMW_SAMPLE_DIR "/sample-5", MMW_SAMPLE_DIR "/sample-z" };
	uint8_t *bytes[2];
	uint64_t size[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct mmw_debugfile *f = opened(files[i], NULL);
		struct mmw_debugsect *s;

		assert_int_equal(mmw_debugfile_section(f, ".debug_abbrev", &s, NULL), 0);
		size[i] = mmw_debugsect_size(s);
		bytes[i] = malloc(size[i]);
		assert_int_equal(mmw_debugsect_read(s, 0, bytes[i], size[i], NULL), 0);
		assert_int_equal(mmw_debugsect_read(s, 1, bytes[i], size[i], NULL), -MMW_E_CORRUPT);
		assert_int_equal(mmw_debugsect_read(s, UINT64_MAX, bytes[i], 2, NULL), -MMW_E_CORRUPT);
		assert_int_equal(mmw_debugsect_read(s, size[i], bytes[i], 0, NULL), 0);
		assert_int_equal(mmw_debugfile_section(f, ".debug_none", &s, NULL), -MMW_E_NODATA);
		assert_int_equal(mmw_debugfile_section(f, ".bss", &s, NULL), -MMW_E_NODATA);
		mmw_debugfile_close(f);
	}
	/* Compressed or not, the content is the same. */
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(bytes[0], bytes[1], size[0]);
	free(bytes[0]);
	free(bytes[1]);
}

/* From a stripped file to the one that was split off. */
static void expect_split(const char *path, const char *root, const char *leads_to)
{
	struct mmw_debugfile *f = opened(path, root);
	const char *found = mmw_debugfile_info(f)->dwarf_path;
	struct mmw_debugsect *s;

	if (!leads_to) {
		assert_null(found);
		assert_int_equal(mmw_debugfile_section(f, ".debug_info", &s, NULL), -MMW_E_NODATA);
	} else {
		if (!found || !strstr(found, leads_to))
			fail_msg("%s leads to %s and not to %s", path, found ? found : "nothing", leads_to);
		assert_int_equal(mmw_debugfile_section(f, ".debug_info", &s, NULL), 0);
		assert_non_null(symbol(f, "main"));
	}
	mmw_debugfile_close(f);
}

static void test_split(void **state)
{
	(void)state;
	expect_split(MMW_SAMPLE_DIR "/split/linked", "/nonexistent", "/split/sample.debug");
	expect_split(MMW_SAMPLE_DIR "/split/by-id", MMW_SAMPLE_DIR "/split/root", "/split/root/.build-id/");
	expect_split(MMW_SAMPLE_DIR "/split/by-id", "/nonexistent", NULL);
	/* Its link names a file that is another program's. */
	expect_split(MMW_SAMPLE_DIR "/split/wrong", "/nonexistent", NULL);
}

static void test_stripped(void **state)
{
	struct mmw_debugfile *f = opened(MMW_SAMPLE_DIR "/split/by-id", "/nonexistent");
	const struct mmw_debugsym *syms;
	char banner[128];
	size_t n;

	(void)state;
	assert_int_equal(mmw_debugfile_symbols(f, &syms, &n, NULL), -MMW_E_NOSYM);
	assert_int_equal(mmw_debugfile_symbols(f, &syms, &n, NULL), -MMW_E_NOSYM);
	assert_int_equal(mmw_debugfile_banner(f, banner, sizeof(banner), NULL), -MMW_E_NOSYM);
	mmw_debugfile_close(f);
	/* What was split off has symbols and no text. */
	f = opened(MMW_SAMPLE_DIR "/split/sample.debug", NULL);
	assert_non_null(symbol(f, "linux_banner"));
	assert_int_equal(mmw_debugfile_banner(f, banner, sizeof(banner), NULL), -MMW_E_NODATA);
	mmw_debugfile_close(f);
}

static void test_not_a_vmlinux(void **state)
{
	static const struct {
		const char *bytes;
		size_t at, len;
		const char *says;
	} cases[] = {
		{ "HdrS", 0x202, 4, "bzImage" }, { "ARM\x64", 0x38, 4, "arm64 Image" }, { "\x1f\x8b", 0, 2, "gzip" },
		{ "\x28\xb5\x2f\xfd", 0, 4, "zstd" }, { "!<arch>\n", 0, 8, "archive" }, { "text", 0, 4, "no ELF file" },
	};
	struct mmw_err err;

	(void)state;
	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		char bytes[0x300] = { 0 };

		memcpy(bytes + cases[i].at, cases[i].bytes, cases[i].len);
		assert_int_equal(open_bytes(bytes, sizeof(bytes), &err), -MMW_E_UNSUPPORTED);
		assert_non_null(strstr(err.msg, cases[i].says));
	}
	assert_int_equal(open_bytes("", 0, &err), -MMW_E_CORRUPT);
	assert_int_equal(open_bytes("\x7f" "ELF", 4, &err), -MMW_E_CORRUPT);
}

static void test_not_a_file(void **state)
{
	struct mmw_debugfile *f;
	struct mmw_err err;

	(void)state;
	assert_int_equal(mmw_debugfile_open("/nonexistent/vmlinux", NULL, &f, &err), -MMW_E_SYS);
	assert_int_equal(mmw_debugfile_open("/tmp", NULL, &f, &err), -MMW_E_UNSUPPORTED);
	assert_int_equal(mmw_debugfile_open("/dev/null", NULL, &f, &err), -MMW_E_UNSUPPORTED);
	mmw_debugfile_close(NULL);
}

/* Relocatable objects and cores are ELF files too. */
static void test_wrong_type(void **state)
{
	static const struct {
		uint16_t type;
		const char *says;
	} cases[] = { { ET_REL, "relocatable" }, { ET_CORE, "core" }, { 77, "unknown" } };
	struct blob b = { 0 };
	struct mmw_err err;

	(void)state;
	blob_read(&b, sample);
	for (size_t i = 0; i < mmw_array_len(cases); i++) {
		blob_put(&b, 16, cases[i].type, 2, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
		assert_int_equal(open_bytes(b.bytes, b.len, &err), -MMW_E_UNSUPPORTED);
		assert_non_null(strstr(err.msg, cases[i].says));
	}
	blob_fini(&b);
}

/* The tables of sections lie at the end, so a cut file has none. */
static void test_truncated(void **state)
{
	struct blob b = { 0 };
	struct mmw_err err;

	(void)state;
	blob_read(&b, sample);
	for (size_t len = 1; len < b.len; len += 1 + len / 5)
		assert_int_equal(open_bytes(b.bytes, len, &err), len < 4 ? -MMW_E_UNSUPPORTED : -MMW_E_CORRUPT);
	blob_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info), cmocka_unit_test(test_symbols), cmocka_unit_test(test_sections),
		cmocka_unit_test(test_split), cmocka_unit_test(test_stripped), cmocka_unit_test(test_not_a_vmlinux),
		cmocka_unit_test(test_not_a_file), cmocka_unit_test(test_wrong_type), cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

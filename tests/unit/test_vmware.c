/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * formats/vmware.c and formats/chv.c, and how formats/probe.c brings a description and its memory together: which file
 * was named makes no difference.
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
#include <sys/stat.h>
#include <unistd.h>

#include "formats/formats.h"
#include "tests/tools/exercise.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap_containers.h"

static const char machine[] =
	"ram 1000 2000\nram 100000 1000\nu64 1000: 11*200\nu64 2000: 22*200\nu64 100000: 33*200\n"
	"cpu pc=ffffffff81000000 sp=ffff888000001000 cr0=80050033 cr3=1000 cr4=20 gs=ffff888000002000 "
	"kgs=ffff888000003000\n"
	"cpu pc=401000 sp=7ffc00000000 cr3=2000 cr4=20\n";

static char directory[64];

static const char *path_of(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *name, struct blob *b)
{
	blob_write(b, path_of(name));
	blob_fini(b);
}

static int open_path(const char *name, const char *part, struct mmw_image **img, struct mmw_err *err)
{
	char full[4096];
	const char *parts[] = { full };
	const struct mmw_open_opts opts = { .parts = parts, .n_parts = part ? 1 : 0 };

	snprintf(full, sizeof(full), "%s/%s", directory, part ? part : "");
	return mmw_open(path_of(name), &opts, img, err);
}

static void check_memory(const struct mmw_image *img)
{
	static const struct {
		uint64_t pa;
		uint8_t byte;
	} known[] = { { 0x1ff8, 0x11 }, { 0x2ff8, 0x22 }, { 0x100ff8, 0x33 } };
	struct mmw_reader *r;
	uint8_t got;

	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mmw_read(r, known[i].pa, &got, 1, NULL), 0);
		assert_int_equal(got, known[i].byte);
	}
	assert_int_equal(mmw_read(r, 0xfff, &got, 1, NULL), -MMW_E_NODATA);
	assert_int_equal(mmw_read(r, 0x3000, &got, 1, NULL), -MMW_E_NODATA);
	mmw_reader_close(r);
}

static void check_cpus(const struct mmw_image *img)
{
	const struct mmw_cpu *c = mmw_image_cpu(img, 0), *d = mmw_image_cpu(img, 1);

	assert_int_equal(mmw_image_machine(img), EM_X86_64);
	assert_int_equal(mmw_image_cpus(img), 2);
	assert_int_equal(c->reg[MMW_REG_PC], 0xffffffff81000000);
	assert_int_equal(c->reg[MMW_REG_SP], 0xffff888000001000);
	assert_int_equal(c->reg[MMW_REG_CR0], 0x80050033);
	assert_int_equal(c->reg[MMW_REG_CR3], 0x1000);
	assert_int_equal(c->reg[MMW_REG_GS_BASE], 0xffff888000002000);
	assert_int_equal(d->reg[MMW_REG_PC], 0x401000);
	assert_int_equal(d->reg[MMW_REG_CR3], 0x2000);
	assert_int_equal(d->reg[MMW_REG_CR4], 0x20);
	assert_false(c->known & 1u << MMW_REG_EFER);
}

static void opens(const char *name, const char *part, const char *format)
{
	struct mmw_image *img;
	struct mmw_err err = { 0 };
	int rc = open_path(name, part, &img, &err);

	assert_string_equal(rc ? err.msg : "", "");
	assert_string_equal(mmw_image_format(img), format);
	assert_string_equal(mmw_image_name(img), path_of(name));
	check_memory(img);
	check_cpus(img);
	mmw_image_close(img);
}

static int fails(const char *name, const char *part, const char *words)
{
	struct mmw_image *img = NULL;
	struct mmw_err err = { 0 };
	int rc = open_path(name, part, &img, &err);

	mmw_image_close(img);
	exercise_error(rc, &err);
	assert_non_null(strstr(err.msg, words));
	return rc;
}

static void vmware_pairs(void **state)
{
	struct blob b = { 0 };
	struct phys p;

	(void)state;
	recipe_text("machine", machine, false, &p);
	wrap_vmware_vmss(&p, &b);
	write_file("box.vmss", &b);
	assert_int_equal(fails("box.vmss", NULL, "--part names it"), -MMW_E_UNSUPPORTED);
	wrap_vmware_vmem(&p, 0, &b);
	write_file("box.vmem", &b);
	opens("box.vmss", NULL, "vmware");
	opens("box.vmem", NULL, "vmware");
	opens("box.vmem", "box.vmss", "vmware");
	opens("box.vmss", "box.vmem", "vmware");
	/* Other names: only --part brings them together. */
	unlink(path_of("box.vmem"));
	wrap_vmware_vmem(&p, 0, &b);
	write_file("other", &b);
	opens("box.vmss", "other", "vmware");
	opens("other", "box.vmss", "vmware");
	/* A snapshot's ending; and what has the ending but is something else is no description. */
	wrap_vmware_vmss(&p, &b);
	write_file("snap.vmsn", &b);
	wrap_vmware_vmem(&p, 0, &b);
	write_file("snap.vmem", &b);
	opens("snap.vmem", NULL, "vmware");
	blob_add(&b, "text", 4);
	write_file("snap.vmsn", &b);
	{
		struct mmw_image *img;

		assert_int_equal(open_path("snap.vmem", NULL, &img, NULL), 0);
		assert_string_equal(mmw_image_format(img), "raw");
		mmw_image_close(img);
	}
	phys_fini(&p);
}

static void chv_pairs(void **state)
{
	struct blob b = { 0 };
	struct phys p;

	(void)state;
	recipe_text("machine", machine, false, &p);
	assert_int_equal(mkdir(path_of("shot"), 0700), 0);
	assert_int_equal(fails("shot", NULL, "is a directory"), -MMW_E_UNSUPPORTED);
	wrap_chv(&p, &b);
	write_file("shot/state.json", &b);
	assert_int_equal(fails("shot", NULL, "memory-ranges"), -MMW_E_UNSUPPORTED);
	wrap_chv_memory(&p, 0, &b);
	write_file("shot/memory-ranges", &b);
	opens("shot", NULL, "chv");
	opens("shot/memory-ranges", NULL, "chv");
	opens("shot/state.json", NULL, "chv");
	opens("shot/state.json", "shot/memory-ranges", "chv");
	phys_fini(&p);
}

static struct mmw_image *open_blob(const struct blob *b, struct mmw_err *err)
{
	struct mmw_image *img = NULL;
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory(b->bytes, b->len, "image", &f, NULL), 0);
	if (mmw_open_file(f, "image", NULL, &img, err))
		return NULL;
	return img;
}

static void memory_inside(void **state)
{
	static const uint32_t magics[] = { 0xbed2bed2, 0xbed3bed3, 0xbad1bad1, 0xbad2bad2, 0xbed0bed0 };
	struct phys p;

	(void)state;
	recipe_text("machine", machine, false, &p);
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		struct blob b = { 0 };
		struct mmw_image *img;

		vmware_write(&p, magics[i], true, &b);
		img = open_blob(&b, NULL);
		assert_non_null(img);
		check_memory(img);
		check_cpus(img);
		mmw_image_close(img);
		blob_fini(&b);
	}
	phys_fini(&p);
}

/* One group of memory, whose tags the caller writes. */
static void one_group(struct blob *b)
{
	blob_fini(b);
	blob_uint(b, 0xbed2bed2, 4, false);
	blob_uint(b, 8, 4, false);
	blob_uint(b, 1, 4, false);
	blob_add(b, "memory", 6);
	blob_pad_to(b, 12 + 64);
	blob_uint(b, 12 + 80, 8, false);
	blob_uint(b, 0, 8, false);
}

static void expect(const struct blob *b, enum mmw_code code, const char *words)
{
	struct mmw_err err = { 0 };

	assert_null(open_blob(b, &err));
	exercise_error(-(int)code, &err);
	assert_non_null(strstr(err.msg, words));
}

static void vmware_traps(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;
	struct mmw_reader *r;
	uint8_t byte;

	(void)state;
	one_group(&b);
	vmware_block(&b, "Memory", true, 8, 4096, 0);
	blob_add(&b, NULL, 4096 + 2);
	expect(&b, MMW_E_UNSUPPORTED, "compressed block");
	/* A block that goes on past the end of the file, and of the address space. */
	one_group(&b);
	vmware_block(&b, "Memory", false, 8, UINT64_MAX - 10, 7);
	blob_add(&b, NULL, 100);
	expect(&b, MMW_E_CORRUPT, "block");
	/* Regions that are counted and not described; and too many. */
	one_group(&b);
	vmware_tag(&b, "regionsCount", 0, 0, 0, 4);
	blob_uint(&b, 2, 4, false);
	vmware_block(&b, "Memory", false, 8, 4096, 0);
	blob_add(&b, NULL, 4096 + 2);
	expect(&b, MMW_E_CORRUPT, "region 0 of 2 is not described");
	b.bytes[12 + 80 + 2 + 12 + 2] = 0xff;
	expect(&b, MMW_E_CORRUPT, "regions of memory");
	/* The list of tags has no end. */
	one_group(&b);
	vmware_tag(&b, "align_mask", 0, 0, 0, 4);
	expect(&b, MMW_E_CORRUPT, "past its end");
	/* No regions: the whole block from 0 on. */
	one_group(&b);
	vmware_block(&b, "Memory", false, 8, 8192, 3);
	blob_add(&b, NULL, 8192 + 2);
	img = open_blob(&b, NULL);
	assert_int_equal(mmw_image_stored(img), 8192);
	mmw_image_close(img);
	/* A region that is more than the block has. */
	one_group(&b);
	vmware_tag(&b, "regionsCount", 0, 0, 0, 4);
	blob_uint(&b, 1, 4, false);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "regionPageNum", "regionPPN", "regionSize" };

		vmware_tag(&b, names[i], 1, 0, 0, 4);
		blob_uint(&b, i ? 0x20 : 1, 4, false);
	}
	vmware_block(&b, "Memory", false, 8, 8192, 0);
	blob_add(&b, NULL, 8192 + 2);
	img = open_blob(&b, NULL);
	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	assert_int_equal(mmw_read(r, 0x20fff, &byte, 1, NULL), 0);
	assert_int_equal(mmw_read(r, 0x21000, &byte, 1, NULL), -MMW_E_TRUNCATED);
	assert_int_equal(mmw_read(r, 0x40000, &byte, 1, NULL), -MMW_E_NODATA);
	mmw_reader_close(r);
	mmw_image_close(img);
	blob_fini(&b);
}

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "pairs.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {
		"box.vmss", "box.vmem", "other", "snap.vmsn", "snap.vmem", "shot/state.json", "shot/memory-ranges",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	rmdir(path_of("shot"));
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vmware_pairs), cmocka_unit_test(chv_pairs), cmocka_unit_test(memory_inside),
		cmocka_unit_test(vmware_traps),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/notes.c: registers and VMCOREINFO out of ELF notes, whole, unpadded, overrun and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/image/build.h"
#include "tests/tools/wrap.h"

static struct mmw_image *new_image(bool big_endian, uint16_t machine)
{
	struct mmw_image *img;
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory("x", 1, "notes", &f, NULL), 0);
	assert_int_equal(mmw_image_new(f, "notes", &img, NULL), 0);
	img->big_endian = big_endian;
	img->machine = machine;
	return img;
}

static int take(struct mmw_image *img, const struct blob *notes, struct mmw_err *err)
{
	struct mmw_bytes b = mmw_bytes_of(notes->bytes, notes->len, img->big_endian, "notes");

	return mmw_image_add_notes(img, &b, err);
}

static void machine_with_two_cpus(struct phys *p, bool big_endian)
{
	*p = (struct phys){ .big_endian = big_endian, .n_cpus = 2 };
	p->cpus[0] = (struct phys_cpu){ .pc = 0xffffffff81000010,
					.sp = 0xffffc90000001000,
					.cr0 = 0x80050033,
					.cr2 = 0x7fff1000,
					.cr3 = 0x242800,
					.cr4 = 0x1006f0,
					.gs_base = 0xffff888003c00000,
					.kernel_gs_base = 0x1234,
					.qemu = true };
	p->cpus[1] = (struct phys_cpu){ .pc = 0x401000, .sp = 0x7ffe0000, .cr3 = 0x5000, .cr4 = 0x20, .qemu = true };
	blob_add(&p->vmcoreinfo, "OSRELEASE=1\n", 12);
}

static void qemu_notes(void **state)
{
	(void)state;
	for (int be = 0; be < 2; be++) {
		struct mmw_image *img = new_image(be, EM_X86_64);
		struct blob notes = { 0 };
		const struct mmw_cpu *c;
		struct phys p;

		machine_with_two_cpus(&p, be);
		wrap_notes(&p, &notes);
		assert_int_equal(take(img, &notes, NULL), 0);
		assert_int_equal(mmw_image_cpus(img), 2);
		c = mmw_image_cpu(img, 0);
		assert_int_equal(c->reg[MMW_REG_PC], 0xffffffff81000010);
		assert_int_equal(c->reg[MMW_REG_SP], 0xffffc90000001000);
		assert_int_equal(c->reg[MMW_REG_CR0], 0x80050033);
		assert_int_equal(c->reg[MMW_REG_CR2], 0x7fff1000);
		assert_int_equal(c->reg[MMW_REG_CR3], 0x242800);
		assert_int_equal(c->reg[MMW_REG_CR4], 0x1006f0);
		assert_int_equal(c->reg[MMW_REG_GS_BASE], 0xffff888003c00000);
		assert_int_equal(c->reg[MMW_REG_KERNEL_GS_BASE], 0x1234);
		assert_false(c->known & 1u << MMW_REG_EFER);
		assert_int_equal(mmw_image_cpu(img, 1)->reg[MMW_REG_CR3], 0x5000);
		assert_null(mmw_image_cpu(img, 2));
		assert_string_equal(mmw_image_vmcoreinfo(img), "OSRELEASE=1\n");
		mmw_image_close(img);
		blob_fini(&notes);
		phys_fini(&p);
	}
}

static void add_note(struct blob *b, const char *name, uint32_t type, size_t desc_len)
{
	blob_uint(b, strlen(name) + 1, 4, false);
	blob_uint(b, desc_len, 4, false);
	blob_uint(b, type, 4, false);
	blob_add(b, name, strlen(name) + 1);
	blob_align(b, 4);
	blob_add(b, NULL, desc_len);
}

/* PRSTATUS alone: program counter and stack pointer, and the machine by the size of the note. */
static void prstatus_sizes(void **state)
{
	static const struct { uint16_t machine; size_t size, pc, word;
	} known[] = {
		{ EM_X86_64, 336, 240, 8 }, { EM_386, 144, 120, 4 },   { EM_AARCH64, 392, 368, 8 },
		{ EM_ARM, 148, 132, 4 },    { EM_RISCV, 376, 112, 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct mmw_image *img = new_image(false, 0);
		struct blob notes = { 0 };

		add_note(&notes, "CORE", NT_PRSTATUS, known[i].size);
		blob_put(&notes, 20 + known[i].pc, 0x12345678, known[i].word, false);
		assert_int_equal(take(img, &notes, NULL), 0);
		assert_int_equal(mmw_image_cpus(img), 1);
		assert_int_equal(mmw_image_machine(img), known[i].machine);
		assert_int_equal(mmw_image_cpu(img, 0)->known, 1u << MMW_REG_PC | 1u << MMW_REG_SP);
		assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_PC], 0x12345678);
		mmw_image_close(img);
		blob_fini(&notes);
	}
}

/* A size that no layout has, or that of another machine than the image's: a CPU of which nothing is known. */
static void strange_prstatus(void **state)
{
	static const size_t sizes[] = { 0, 4, 111, 200, 337, 392 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct mmw_image *img = new_image(false, EM_X86_64);
		struct blob notes = { 0 };

		add_note(&notes, "CORE", NT_PRSTATUS, sizes[i]);
		assert_int_equal(take(img, &notes, NULL), 0);
		assert_int_equal(mmw_image_cpus(img), 1);
		assert_int_equal(mmw_image_cpu(img, 0)->known, 0);
		mmw_image_close(img);
		blob_fini(&notes);
	}
}

/* QEMU notes of old length (no kernel_gs_base), too short to hold CR4, and more of them than PRSTATUS notes. */
static void odd_qemu_notes(void **state)
{
	struct mmw_image *img = new_image(false, EM_X86_64);
	struct blob notes = { 0 };

	(void)state;
	add_note(&notes, "CORE", NT_PRSTATUS, 336);
	add_note(&notes, "QEMU", 0, 432);
	add_note(&notes, "QEMU", 0, 428);
	blob_align(&notes, 4);
	add_note(&notes, "QEMU", 0, 440);
	assert_int_equal(take(img, &notes, NULL), 0);
	assert_int_equal(mmw_image_cpus(img), 2);
	assert_true(mmw_image_cpu(img, 0)->known & 1u << MMW_REG_CR4);
	assert_false(mmw_image_cpu(img, 0)->known & 1u << MMW_REG_KERNEL_GS_BASE);
	assert_true(mmw_image_cpu(img, 1)->known & 1u << MMW_REG_KERNEL_GS_BASE);
	mmw_image_close(img);
	blob_fini(&notes);
}

/* Notes of others, names that only start alike, a type that is not meant, the zero fill behind the last one. */
static void foreign_notes(void **state)
{
	struct mmw_image *img = new_image(false, EM_X86_64);
	struct blob notes = { 0 };

	(void)state;
	add_note(&notes, "LINUX", 0x700, 40);
	add_note(&notes, "CORE", NT_FPREGSET, 512);
	add_note(&notes, "CORE2", NT_PRSTATUS, 336);
	add_note(&notes, "QEMUX", 0, 440);
	add_note(&notes, "VMCOREINFO", 1, 8);
	blob_add(&notes, NULL, 64);
	add_note(&notes, "VMCOREINFO", 0, 8);
	assert_int_equal(take(img, &notes, NULL), 0);
	assert_int_equal(mmw_image_cpus(img), 0);
	assert_null(mmw_image_vmcoreinfo(img));
	mmw_image_close(img);
	blob_fini(&notes);
}

/* The last descriptor may lack its padding; the first VMCOREINFO wins. */
static void last_note_unpadded(void **state)
{
	struct mmw_image *img = new_image(false, EM_X86_64);
	struct blob notes = { 0 };

	(void)state;
	add_note(&notes, "VMCOREINFO", 0, 5);
	memcpy(notes.bytes + notes.len - 5, "A=1\nB", 5);
	assert_int_equal(take(img, &notes, NULL), 0);
	assert_string_equal(mmw_image_vmcoreinfo(img), "A=1\nB");
	blob_align(&notes, 4);
	assert_int_equal(take(img, &notes, NULL), 0);
	assert_string_equal(mmw_image_vmcoreinfo(img), "A=1\nB");
	mmw_image_close(img);
	blob_fini(&notes);
}

static void overruns(void **state)
{
	static const struct { size_t at; uint32_t value; } bad[] = {
		{ 0, 0xffffffff }, { 0, 0xfffffffd }, { 4, 0xffffffff }, { 4, 0xfffffffd }, { 4, 1000 }, { 0, 400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct mmw_image *img = new_image(false, EM_X86_64);
		struct blob notes = { 0 };
		struct mmw_err err;

		add_note(&notes, "CORE", NT_PRSTATUS, 336);
		blob_put(&notes, bad[i].at, bad[i].value, 4, false);
		assert_int_equal(take(img, &notes, &err), -MMW_E_CORRUPT);
		assert_non_null(strstr(err.msg, "note"));
		mmw_image_close(img);
		blob_fini(&notes);
	}
}

/* Cut at every length, from memory of exactly that length: a code or not, but nothing read that is not there. */
static void cut_notes(void **state)
{
	struct blob notes = { 0 };
	struct phys p;

	(void)state;
	machine_with_two_cpus(&p, false);
	wrap_notes(&p, &notes);
	for (size_t n = 0; n <= notes.len; n++) {
		struct mmw_image *img = new_image(false, EM_X86_64);
		struct blob cut = { 0 };
		struct mmw_err err;
		int rc;

		blob_add(&cut, notes.bytes, n);
		cut.bytes = xrealloc(cut.bytes, n);
		rc = take(img, &cut, &err);
		assert_true(rc == 0 || rc == -MMW_E_CORRUPT);
		assert_true(mmw_image_cpus(img) <= 2);
		mmw_image_close(img);
		blob_fini(&cut);
	}
	blob_fini(&notes);
	phys_fini(&p);
}

static void every_register_has_a_name(void **state)
{
	(void)state;
	for (int r = 0; r < MMW_REG_COUNT; r++)
		assert_non_null(mmw_reg_name((enum mmw_reg)r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qemu_notes), cmocka_unit_test(prstatus_sizes), cmocka_unit_test(strange_prstatus),
		cmocka_unit_test(odd_qemu_notes), cmocka_unit_test(foreign_notes), cmocka_unit_test(last_note_unpadded),
		cmocka_unit_test(overruns), cmocka_unit_test(cut_notes), cmocka_unit_test(every_register_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

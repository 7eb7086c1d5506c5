/* SPDX-License-Identifier: GPL-2.0-or-later */
/* formats/elf.c and formats/xen.c on what VirtualBox, /proc/kcore, Xen and damage make of it; other machines' notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/vec.h"
#include "lib/image/build.h"
#include "tests/tools/exercise.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"
#include "tests/tools/wrap_elfs.h"

static const char machine[] =
	"ram 1000 3000\nram 8000 2000\nu64 1000: 1*200+1\nu64 8000: 88*200\nu64 9000: 99*200\n"
	"cpu pc=1234 sp=5678 cr0=80050033 cr2=7777 cr3=2000 cr4=20 gs=abc000 kgs=def000\n"
	"cpu pc=4321 sp=8765 cr0=80050033 cr3=3000 cr4=20\n";

static void build(const char *format, struct blob *out)
{
	struct phys p;

	recipe_text("elfs", machine, false, &p);
	wrap_format_by_name(format)->write(&p, out);
	phys_fini(&p);
}

static int open_blob(const struct blob *b, const char *format, struct mmw_image **out, struct mmw_err *err)
{
	const struct mmw_open_opts opts = { .format = format };
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory(b->bytes, b->len, "image", &f, NULL), 0);
	return mmw_open_file(f, "image", &opts, out, err);
}

static struct mmw_image *opened(const struct blob *b)
{
	struct mmw_image *img;
	struct mmw_err err = { 0 };

	if (open_blob(b, NULL, &img, &err))
		fail_msg("%s", err.msg);
	return img;
}

/* The first byte at `pa`, or the negative code. */
static int byte_at(const struct mmw_image *img, uint64_t pa)
{
	struct mmw_reader *r;
	uint8_t byte;
	int rc;

	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	rc = mmw_read(r, pa, &byte, 1, NULL);
	mmw_reader_close(r);
	return rc ? rc : byte;
}

static void check_memory(const struct mmw_image *img)
{
	assert_int_equal(byte_at(img, 0x1000), 1);
	assert_int_equal(byte_at(img, 0x8000), 0x88);
	assert_int_equal(byte_at(img, 0x9000), 0x99);
	assert_int_equal(byte_at(img, 0), -MMW_E_NODATA);
	assert_int_equal(byte_at(img, 0x4000), -MMW_E_NODATA);
	assert_int_equal(byte_at(img, 0xa000), -MMW_E_NODATA);
	assert_int_equal(mmw_image_stored(img), 0x5000);
	assert_int_equal(mmw_image_last(img), 0x9fff);
}

static void check_cpus(const struct mmw_image *img)
{
	const struct mmw_cpu *c = mmw_image_cpu(img, 0);

	assert_int_equal(mmw_image_cpus(img), 2);
	assert_int_equal(c->reg[MMW_REG_PC], 0x1234);
	assert_int_equal(c->reg[MMW_REG_SP], 0x5678);
	assert_int_equal(c->reg[MMW_REG_CR0], 0x80050033);
	assert_int_equal(c->reg[MMW_REG_CR2], 0x7777);
	assert_int_equal(c->reg[MMW_REG_CR3], 0x2000);
	assert_int_equal(c->reg[MMW_REG_CR4], 0x20);
	assert_int_equal(c->reg[MMW_REG_GS_BASE], 0xabc000);
	assert_int_equal(c->reg[MMW_REG_KERNEL_GS_BASE], 0xdef000);
	assert_int_equal(mmw_image_cpu(img, 1)->reg[MMW_REG_CR3], 0x3000);
}

/* --- VirtualBox ------------------------------------------------------------------------------------------------- */

static void vbox(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;
	const struct mmw_cpu *c;

	(void)state;
	build("vbox", &b);
	img = opened(&b);
	check_memory(img);
	check_cpus(img);
	c = mmw_image_cpu(img, 0);
	assert_int_equal(c->reg[MMW_REG_EFER], 0xd01);
	assert_non_null(strstr(mmw_image_format_note(img), "VirtualBox 7.0.10"));
	/* r15 rbp rax rip cs rsp ss gs_base gs of NT_PRSTATUS; VirtualBox has rax first, and r15 as its 14th. */
	assert_int_equal(c->n_gpr, 27);
	assert_int_equal(c->gpr[0], 0x10d);
	assert_int_equal(c->gpr[4], 0x110);
	assert_int_equal(c->gpr[10], 0x100);
	assert_int_equal(c->gpr[16], 0x1234);
	assert_int_equal(c->gpr[17], 0x10);
	assert_int_equal(c->gpr[18], 0x111);
	assert_int_equal(c->gpr[19], 0x5678);
	assert_int_equal(c->gpr[20], 0x15);
	assert_int_equal(c->gpr[22], 0xabc000);
	assert_int_equal(c->gpr[26], 0x14);
	mmw_image_close(img);
	blob_fini(&b);
}

/* A layout that is not known, and one of another major number: CPUs of which nothing is known. */
static void vbox_formats(void **state)
{
	static const struct { uint32_t format; bool known; } formats[] = {
		{ 0x00010000, false }, { 0x00010005, false }, { 0x00010006, true }, { 0x00010007, true },
		{ 0x00020000, false },
	};
	struct blob b = { 0 };
	uint64_t notes;

	(void)state;
	build("vbox", &b);
	notes = mmw_get64(b.bytes + 64 + 8, false);
	for (size_t i = 0; i < mmw_array_len(formats); i++) {
		struct mmw_image *img;

		blob_put(&b, notes + 12 + 8 + 4, formats[i].format, 4, false);
		img = opened(&b);
		check_memory(img);
		assert_int_equal(mmw_image_cpus(img), 2);
		assert_int_equal(mmw_image_cpu(img, 0)->known != 0, formats[i].known);
		mmw_image_close(img);
	}
	blob_fini(&b);
}

/* --- /proc/kcore and processes ---------------------------------------------------------------------------------- */

static void kcore(void **state)
{
	static const char *const names[] = { "kcore", "kcore-old" };

	(void)state;
	for (size_t i = 0; i < mmw_array_len(names); i++) {
		struct blob b = { 0 };
		struct mmw_image *img;

		build(names[i], &b);
		img = opened(&b);
		check_memory(img);
		assert_int_equal(mmw_image_cpus(img), 0);  /* the one PRSTATUS is empty */
		assert_non_null(strstr(mmw_image_format_note(img), "/proc/kcore"));
		assert_int_equal(mmw_image_placement(img)[0] != 0, i);
		mmw_image_close(img);
		blob_fini(&b);
	}
}

/* Segments without physical addresses on a machine whose direct map tells nothing, and those of a program. */
static void unplaced(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;
	struct mmw_err err;

	(void)state;
	build("kcore-old", &b);
	blob_put(&b, 18, EM_AARCH64, 2, false);
	assert_int_equal(open_blob(&b, NULL, &img, &err), -MMW_E_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "process"));
	blob_put(&b, 18, EM_X86_64, 2, false);
	for (unsigned i = 1; i < 5; i++)
		blob_put(&b, 64 + 56 * i + 16, 0x7fff00000000 + 0x10000 * i, 8, false);
	assert_int_equal(open_blob(&b, NULL, &img, &err), -MMW_E_UNSUPPORTED);
	blob_fini(&b);
}

/* --- damage ----------------------------------------------------------------------------------------------------- */

/* Notes that overrun, and notes beyond the end of the file: only they are lost. */
static void damaged_notes(void **state)
{
	struct blob b = { 0 };
	uint64_t at;

	(void)state;
	build("elf", &b);
	at = mmw_get64(b.bytes + 64 + 8, false);
	for (int i = 0; i < 3; i++) {
		struct mmw_image *img;

		if (i == 0)
			blob_put(&b, at + 4, 0xffffff00, 4, false);
		else
			blob_put(&b, 64 + (i == 1 ? 8 : 32), 1ull << 40, 8, false);
		img = opened(&b);
		check_memory(img);
		assert_int_equal(mmw_image_cpus(img), 0);
		assert_non_null(strstr(mmw_image_format_note(img), "notes damaged"));
		mmw_image_close(img);
	}
	blob_fini(&b);
}

/* A segment that wraps the address space costs what it says of itself. */
static void damaged_segment(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;

	(void)state;
	build("elf", &b);
	blob_put(&b, 64 + 56 + 24, UINT64_MAX - 0xfff, 8, false);
	img = opened(&b);
	assert_int_equal(byte_at(img, 0x1000), -MMW_E_NODATA);
	assert_int_equal(byte_at(img, 0x8000), 0x88);
	assert_non_null(strstr(mmw_image_format_note(img), "1 segments damaged"));
	mmw_image_close(img);
	blob_fini(&b);
}

/* --- notes ------------------------------------------------------------------------------------------------------ */

static struct mmw_image *image_of_notes(const struct blob *notes, uint64_t align, uint16_t e_machine, bool be)
{
	struct mmw_image *img;
	struct mmw_file *f;
	struct mmw_bytes b = mmw_bytes_of(notes->bytes, notes->len, be, "notes");

	assert_int_equal(mmw_file_memory("x", 1, "notes", &f, NULL), 0);
	assert_int_equal(mmw_image_new(f, "notes", &img, NULL), 0);
	img->big_endian = be;
	img->machine = e_machine;
	assert_int_equal(mmw_image_add_notes_aligned(img, &b, align, NULL), 0);
	return img;
}

/* A segment that claims 8 may be padded to 8 or, all the same, to 4. */
static void notes_of_alignment_8(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct blob notes = { 0 }, desc = { 0 };
		struct mmw_image *img;

		blob_pad_to(&desc, 336);
		blob_put(&desc, 112 + 16 * 8, 0x1234, 8, false);
		elf_note(&notes, "CORE", 5, NT_PRSTATUS, &desc, i % 2 ? 8 : 4, false);
		desc.len = 0;
		blob_add(&desc, "A=1\nB", 5);
		elf_note(&notes, "VMCOREINFO", 11, 0, &desc, i % 2 ? 8 : 4, false);
		elf_note(&notes, "LINUX", 6, 0x777, &desc, i % 2 ? 8 : 4, false);
		if (i / 2)
			blob_add(&notes, NULL, 64);
		img = image_of_notes(&notes, 8, EM_X86_64, false);
		assert_int_equal(mmw_image_cpus(img), 1);
		assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_PC], 0x1234);
		assert_string_equal(mmw_image_vmcoreinfo(img), "A=1\nB");
		mmw_image_close(img);
		blob_fini(&desc);
		blob_fini(&notes);
	}
}

static void other_machines(void **state)
{
	static const struct { uint16_t machine, size, pc, sp; bool be; } known[] = {
		{ EM_S390, 336, 120, 248, true }, { EM_PPC64, 504, 368, 120, true }, { EM_PPC64, 504, 368, 120, false },
		{ 258, 480, 376, 136, false },
	};

	(void)state;
	for (size_t i = 0; i < 2 * mmw_array_len(known); i++) {
		size_t k = i / 2;
		struct blob notes = { 0 }, desc = { 0 };
		struct mmw_image *img;
		const struct mmw_cpu *c;

		blob_pad_to(&desc, known[k].size);
		blob_put(&desc, known[k].pc, 0x123456789, 8, known[k].be);
		blob_put(&desc, known[k].sp, 0x987654321, 8, known[k].be);
		elf_note(&notes, "CORE", 5, NT_PRSTATUS, &desc, 4, known[k].be);
		desc.len = 0;
		for (unsigned reg = 0; reg < 16; reg++)
			blob_uint(&desc, 0x1000 + reg, 8, known[k].be);
		elf_note(&notes, "LINUX", 6, 0x304, &desc, 4, known[k].be);
		img = image_of_notes(&notes, 4, i % 2 ? known[k].machine : 0, known[k].be);
		c = mmw_image_cpu(img, 0);
		assert_int_equal(mmw_image_machine(img), known[k].machine);
		assert_int_equal(c->reg[MMW_REG_PC], 0x123456789);
		assert_int_equal(c->reg[MMW_REG_SP], 0x987654321);
		assert_int_equal(c->reg[MMW_REG_CR1], k ? 0 : 0x1001);
		assert_int_equal(c->reg[MMW_REG_CR13], k ? 0 : 0x100d);
		mmw_image_close(img);
		blob_fini(&desc);
		blob_fini(&notes);
	}
}

/* A hypervisor's dump: each CPU's control registers behind its PRSTATUS. */
static void xen_notes(void **state)
{
	struct blob notes = { 0 }, regs = { 0 }, prstatus = { 0 };
	struct mmw_image *img;

	(void)state;
	blob_pad_to(&prstatus, 336);
	for (unsigned i = 0; i < 2; i++) {
		elf_note(&notes, "CORE", 5, NT_PRSTATUS, &prstatus, 4, false);
		regs.len = 0;
		for (unsigned reg = 0; reg < 4; reg++)
			blob_uint(&regs, 0x1000 * (i + 1) + reg, 8, false);
		elf_note(&notes, "Xen", 4, 0x1000002, &regs, 4, false);
	}
	img = image_of_notes(&notes, 0, EM_X86_64, false);
	assert_int_equal(mmw_image_cpus(img), 2);
	assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_CR0], 0x1000);
	assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_CR3], 0x1002);
	assert_int_equal(mmw_image_cpu(img, 1)->reg[MMW_REG_CR4], 0x2003);
	mmw_image_close(img);
	blob_fini(&notes);
	blob_fini(&regs);
	blob_fini(&prstatus);
}

/* --- Xen -------------------------------------------------------------------------------------------------------- */

static uint64_t section(const struct blob *b, unsigned index, unsigned field)
{
	return mmw_get64(b->bytes + XEN_SHDRS + XEN_SHDR * index + field, false);
}

static void xen(void **state)
{
	static const char *const names[] = { "xen-hvm", "xen-pv" };

	(void)state;
	for (size_t i = 0; i < mmw_array_len(names); i++) {
		struct blob b = { 0 };
		struct mmw_image *img;

		build(names[i], &b);
		img = opened(&b);
		check_memory(img);
		check_cpus(img);
		assert_int_equal(mmw_image_cpu(img, 0)->gpr[0], 0x100);
		assert_int_equal(mmw_image_cpu(img, 0)->gpr[14], 0x10e);
		assert_int_equal(mmw_image_cpu(img, 0)->gpr[16], 0x1234);
		assert_int_equal(mmw_image_placement(img)[0] != 0, i);
		mmw_image_close(img);
		blob_fini(&b);
	}
}

/* Without its end a dump has no names of sections: what is there is read, what is not is truncated. */
static void xen_cut(void **state)
{
	static const char *const names[] = { "xen-hvm", "xen-pv" };

	(void)state;
	for (size_t i = 0; i < mmw_array_len(names); i++) {
		struct blob b = { 0 };
		struct mmw_image *img;

		build(names[i], &b);
		b.len = section(&b, 6, 24) + 2 * PHYS_PAGE + 100;
		/* Pages 1000, 3000, 9000, then 8000 and 2000. */
		img = opened(&b);
		assert_int_equal(byte_at(img, 0x1000), 1);
		assert_int_equal(byte_at(img, 0x9000), 0x99);
		assert_int_equal(byte_at(img, 0x9fff), -MMW_E_TRUNCATED);
		assert_int_equal(byte_at(img, 0x8000), -MMW_E_TRUNCATED);
		assert_int_equal(byte_at(img, 0x2000), -MMW_E_TRUNCATED);
		assert_non_null(strstr(mmw_image_format_note(img), "truncated"));
		assert_int_equal(mmw_image_cpus(img), 2);
		mmw_image_close(img);
		blob_fini(&b);
	}
}

/* A 32-bit paravirtualised domain: the smaller context at the start of the larger entry, and CR3 spelled its way. */
static void xen_narrow(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;
	uint64_t at;

	(void)state;
	build("xen-pv", &b);
	at = section(&b, 3, 24);
	for (unsigned i = 0; i < 2; i++, at += XEN_CONTEXT) {
		memset(b.bytes + at, 0, XEN_CONTEXT);
		blob_put(&b, at + 516 + 32, 0xc0100000, 4, false);
		blob_put(&b, at + 516 + 44, 0xc0200000, 4, false);
		blob_put(&b, at + 2716 + 12, 0x2000, 4, false);
	}
	img = opened(&b);
	assert_int_equal(mmw_image_machine(img), EM_386);
	assert_int_equal(mmw_image_cpu(img, 1)->n_gpr, 17);
	assert_int_equal(mmw_image_cpu(img, 1)->reg[MMW_REG_PC], 0xc0100000);
	assert_int_equal(mmw_image_cpu(img, 1)->reg[MMW_REG_SP], 0xc0200000);
	assert_int_equal(mmw_image_cpu(img, 1)->reg[MMW_REG_CR3], 0x2000);
	mmw_image_close(img);
	blob_fini(&b);
}

/* Spoiled one at a time: what must still be there is, and nothing is believed that cannot be. */
static void xen_damage(void **state)
{
	static const struct { unsigned section, field; uint64_t value; int rc; } bad[] = {
		{ 2, 24, UINT64_MAX, 0 }, { 2, 32, UINT64_MAX, 0 }, { 3, 24, UINT64_MAX, 0 }, { 3, 32, UINT64_MAX, 0 },
		{ 3, 56, 0, 0 }, { 3, 56, 100, 0 }, { 5, 32, 0, -MMW_E_CORRUPT }, { 6, 32, 0, -MMW_E_CORRUPT },
		{ 6, 24, UINT64_MAX, -MMW_E_CORRUPT }, { 5, 24, UINT64_MAX, -MMW_E_CORRUPT }, { 1, 24, UINT64_MAX, 0 },
		{ 1, 32, UINT64_MAX, 0 },
	};
	struct blob b = { 0 };

	(void)state;
	build("xen-hvm", &b);
	for (size_t i = 0; i < mmw_array_len(bad); i++) {
		size_t at = XEN_SHDRS + XEN_SHDR * bad[i].section + bad[i].field;
		uint64_t was = mmw_get64(b.bytes + at, false);
		struct mmw_image *img = NULL;
		struct mmw_err err = { 0 };
		int rc;

		blob_put(&b, at, bad[i].value, 8, false);
		rc = open_blob(&b, NULL, &img, &err);
		assert_int_equal(rc, bad[i].rc);
		if (rc)
			exercise_error(rc, &err);
		else
			assert_int_equal(byte_at(img, 0x8000), 0x88);
		mmw_image_close(img);
		blob_put(&b, at, was, 8, false);
	}
	/* Frames that no address reaches. */
	blob_put(&b, section(&b, 5, 24), 1ull << 52, 8, false);
	blob_put(&b, section(&b, 5, 24) + 8, UINT64_MAX - 1, 8, false);
	exercise_image(b.bytes, b.len, NULL, &(struct mmw_err){ 0 });
	blob_fini(&b);
}

/* A core without program headers that is not Xen's. */
static void not_xen(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;
	struct mmw_err err;

	(void)state;
	build("xen-hvm", &b);
	memcpy(b.bytes + section(&b, 1, 24) + 1, ".text", 6);
	for (size_t at = section(&b, 1, 24); at < b.len; at++)
		if (b.bytes[at] == '_')
			b.bytes[at] = '-';
	assert_int_equal(open_blob(&b, NULL, &img, &err), -MMW_E_CORRUPT);
	assert_non_null(strstr(err.msg, ".xen_pages"));
	assert_int_equal(open_blob(&b, "ELF", &img, &err), -MMW_E_CORRUPT);
	blob_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vbox), cmocka_unit_test(vbox_formats),
		cmocka_unit_test(kcore), cmocka_unit_test(unplaced),
		cmocka_unit_test(damaged_notes), cmocka_unit_test(damaged_segment),
		cmocka_unit_test(notes_of_alignment_8), cmocka_unit_test(other_machines), cmocka_unit_test(xen_notes),
		cmocka_unit_test(xen), cmocka_unit_test(xen_cut), cmocka_unit_test(xen_narrow),
		cmocka_unit_test(xen_damage), cmocka_unit_test(not_xen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* formats/qemu*.c: where blocks are placed, which copy of a page counts, what is left of damaged streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/bytes.h"
#include "tests/tools/exercise.h"
#include "tests/tools/wrap_qemu.h"

enum { ZERO = 2, MEM_SIZE = 4, PAGE = 8, EOS = 16, XBZRLE = 64, COMPRESS = 256, MIB = 1 << 20, GIB_SHIFT = 30 };

static const uint64_t high = 4ull << GIB_SHIFT;

/* --- opening and looking -------------------------------------------------------------------------------------- */

static int try_open(const struct blob *b, const struct mmw_open_opts *opts, struct mmw_image **out, struct mmw_err *err)
{
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory(b->bytes, b->len, "stream", &f, NULL), 0);
	return mmw_open_file(f, "stream", opts, out, err);
}

static struct mmw_image *open_stream(const struct blob *b)
{
	struct mmw_image *img;
	struct mmw_err err = { 0 };

	if (try_open(b, NULL, &img, &err))
		fail_msg("%s", err.msg);
	exercise_image(b->bytes, b->len, NULL, &err);
	return img;
}

static int read_at(const struct mmw_image *img, uint64_t pa, void *buf, size_t len)
{
	struct mmw_reader *r;
	int rc;

	assert_int_equal(mmw_reader_open(img, &r, NULL), 0);
	rc = mmw_read(r, pa, buf, len, NULL);
	mmw_reader_close(r);
	return rc;
}

/* The word there, or the code of why not, negative. */
static int64_t word_at(const struct mmw_image *img, uint64_t pa)
{
	uint8_t bytes[8];
	int rc = read_at(img, pa, bytes, sizeof(bytes));

	return rc ? rc : (int64_t)mmw_get64(bytes, false);
}

static void assert_placed(const struct mmw_image *img, const char *words)
{
	if (!strstr(mmw_image_placement(img), words))
		fail_msg("'%s' is not in '%s'", words, mmw_image_placement(img));
}

/* --- writing -------------------------------------------------------------------------------------------------- */

/* A page with one word in it. */
static void mark(struct blob *b, uint64_t offset, const char *name, uint64_t word)
{
	uint8_t page[PHYS_PAGE] = { 0 };

	put_uint(page, word, 8, false);
	qs_page(b, offset, name, page);
}

/* Memory in which the first word of a page every `step` is its offset, plus a number of the block's. */
static void numbered(struct blob *b, const char *name, uint64_t len, uint64_t plus, uint64_t step)
{
	static const uint8_t zero[PHYS_PAGE];

	for (uint64_t at = 0; at < len; at += PHYS_PAGE) {
		if (at % step)
			qs_page(b, at, NULL, zero);
		else
			mark(b, at, at ? NULL : name, at + plus);
	}
}

static void one_block(struct blob *b, const char *machine, const char *name, uint64_t len)
{
	const struct qs_block block = { name, len };

	qs_head(b, machine, NULL);
	qs_blocks(b, &block, 1);
	qs_part(b, QS_PART, QS_RAM);
}

static void end_memory(struct blob *b)
{
	qs_eos(b);
	qs_part(b, QS_END, QS_RAM);
	qs_eos(b);
}

/* --- placement ------------------------------------------------------------------------------------------------ */

static void split_by_cmos(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;

	(void)state;
	one_block(&b, "pc-q35-7.2", "pc.ram", 32 * MIB);
	numbered(&b, "pc.ram", 32 * MIB, 5, 4 * MIB);
	qs_eos(&b);
	qs_cmos(&b, 20 * MIB, 12 * MIB);
	qs_finish(&b, qs_cmos_json);
	img = open_stream(&b);
	assert_placed(img, "from 0x1400000 on at 0x100000000 (as its CMOS says)");
	assert_int_equal(word_at(img, 16 * MIB), 16 * MIB + 5);
	assert_int_equal(word_at(img, 20 * MIB), -MMW_E_NODATA);
	assert_int_equal(word_at(img, high), 20 * MIB + 5);
	assert_int_equal(word_at(img, high + 12 * MIB), -MMW_E_NODATA);
	assert_int_equal(mmw_image_last(img), high + 12 * MIB - 1);
	mmw_image_close(img);
	blob_fini(&b);
}

/* CMOS of another size is none: nothing tells, and that is said. */
static void cmos_of_another_machine(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;

	(void)state;
	one_block(&b, "pc-i440fx-7.2", "pc.ram", 32 * MIB);
	numbered(&b, "pc.ram", 32 * MIB, 5, 4 * MIB);
	qs_eos(&b);
	qs_cmos(&b, 20 * MIB, 16 * MIB);
	qs_finish(&b, qs_cmos_json);
	img = open_stream(&b);
	assert_placed(img, "pc.ram at 0x0 (guessed)");
	assert_int_equal(word_at(img, 20 * MIB), 20 * MIB + 5);
	mmw_image_close(img);
	blob_fini(&b);
}

/* The stream has the larger node first; the third back end is more than CMOS knows of. A display hides memory. */
static void nodes_in_order(void **state)
{
	const struct qs_block blocks[] = {
		{ "ram-node10", 24 * MIB }, { "vga.vram", 16 * MIB }, { "ram-node9", 20 * MIB },
		{ "ram-node11", 8 * MIB }, { "pc.bios", 65536 },
	};
	struct blob b = { 0 };
	struct mmw_image *img;

	(void)state;
	qs_head(&b, "pc-q35-7.2", NULL);
	qs_blocks(&b, blocks, 5);
	qs_part(&b, QS_PART, QS_RAM);
	numbered(&b, "ram-node9", 20 * MIB, 9, 4 * MIB);
	numbered(&b, "ram-node10", 24 * MIB, 10, 4 * MIB);
	numbered(&b, "pc.bios", 65536, 7, 4096);
	qs_eos(&b);
	qs_cmos(&b, 32 * MIB, 12 * MIB);
	qs_finish(&b, qs_cmos_json);
	img = open_stream(&b);
	assert_placed(img, "ram-node9 and 1 more at 0x0, from 0x2000000 on at 0x100000000 (as its CMOS says)");
	assert_placed(img, "; 1 block without a place");
	assert_int_equal(word_at(img, 0), 9);
	assert_int_equal(word_at(img, 20 * MIB), 10);
	assert_int_equal(word_at(img, high), 12 * MIB + 10);
	assert_int_equal(word_at(img, high - 4096), 0xf007);
	assert_int_equal(word_at(img, 0xa0000), -MMW_E_NODATA);
	assert_int_equal(word_at(img, 0xbfff8), -MMW_E_NODATA);
	assert_int_equal(word_at(img, 0xc0000), 0);
	mmw_image_close(img);
	blob_fini(&b);
}

/* An x86-64 CPU in a payload without a description. */
static void add_x86_cpu(struct blob *b, uint64_t cr3)
{
	size_t at;

	qs_start(b, QS_FULL, 5, "cpu", 0, 12);
	at = blob_add(b, NULL, 900);
	blob_put(b, at + 8 * 4, 0x7fff0000, 8, true);
	blob_put(b, at + 8 * 15, 0x1515, 8, true);
	blob_put(b, at + 128, 0xffffffff81000000, 8, true);
	blob_put(b, at + 236 + 20, 0x10, 4, true);
	blob_put(b, at + 236 + 5 * 20 + 4, 0xffff888000000000, 8, true);
	blob_put(b, at + 456, 0x80050033, 8, true);
	blob_put(b, at + 472, cr3, 8, true);
	blob_put(b, at + 480, 0x20, 8, true);
	blob_put(b, at + 816, 0xd01, 8, true);
	blob_put(b, at + 856, 0x1234, 8, true);
	qs_footer(b, 5);
}

/* Table number i of four, each of which leads to the next; they are wherever `pa` starts. */
static void table(struct blob *b, uint64_t offset, const char *name, uint64_t pa, unsigned i)
{
	uint8_t page[PHYS_PAGE] = { 0 };

	put_uint(page + 8 * (i + 1), (pa + (i + 1) * PHYS_PAGE) | 3, 8, false);
	put_uint(page + 8 * (i + 9), i ? 0x200000 | (i < 3 ? 0x83 : 3) : 0, 8, false);
	qs_page(b, offset, name, page);
}

/*
 * 640 MiB, of which max-ram-below-4g left 512 MiB below: the machine's default would be all of it. Nobody says so but
 * the tables, which lie above.
 */
static void split_by_tables(void **state)
{
	const uint64_t low = 512 * MIB, at = 516 * MIB, cr3 = high + (at - low);
	static const uint8_t zero[PHYS_PAGE];

	(void)state;
	for (int contradicted = 0; contradicted < 2; contradicted++) {
		struct blob b = { 0 };
		struct mmw_image *img;

		one_block(&b, "pc-q35-7.2", "pc.ram", 640 * (uint64_t)MIB);
		mark(&b, 0, "pc.ram", 1);
		for (uint64_t o = PHYS_PAGE; o < 640 * (uint64_t)MIB; o += PHYS_PAGE) {
			if (o >= at && o < at + 4 * PHYS_PAGE && !contradicted)
				table(&b, o, NULL, cr3, (unsigned)(o - at) / PHYS_PAGE);
			else
				qs_page(&b, o, NULL, zero);
		}
		end_memory(&b);
		add_x86_cpu(&b, cr3);
		qs_finish(&b, NULL);
		img = open_stream(&b);
		if (contradicted) {
			assert_placed(img, "guessed");
		} else {
			assert_placed(img, "from 0x20000000 on at 0x100000000 (by the page tables)");
			assert_int_equal(word_at(img, cr3 + 8), (cr3 + PHYS_PAGE) | 3);
		}
		assert_int_equal(mmw_image_machine(img), EM_X86_64);
		assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_CR3], cr3);
		assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_GS_BASE], 0xffff888000000000);
		assert_int_equal(mmw_image_cpu(img, 0)->reg[MMW_REG_KERNEL_GS_BASE], 0x1234);
		assert_int_equal(mmw_image_cpu(img, 0)->n_gpr, 27);
		assert_int_equal(mmw_image_cpu(img, 0)->gpr[0], 0x1515);
		assert_int_equal(mmw_image_cpu(img, 0)->gpr[16], 0xffffffff81000000);
		assert_int_equal(mmw_image_cpu(img, 0)->gpr[17], 0x10);
		assert_int_equal(mmw_image_cpu(img, 0)->gpr[19], 0x7fff0000);
		mmw_image_close(img);
		blob_fini(&b);
	}
}

static void map_of_the_user(void **state)
{
	const struct qs_block blocks[] = { { "dimm", 2 * MIB }, { "mach-virt.ram", MIB }, { "virt.flash0", MIB } };
	struct mmw_ram_map map[] = { { 0, 0x40000000, MIB }, { MIB, 0x80000000, 2 * MIB } };
	struct mmw_open_opts opts = { .map = map, .n_map = 2 };
	struct blob b = { 0 };
	struct mmw_image *img;
	struct mmw_err err;

	(void)state;
	qs_head(&b, "virt-7.2", NULL);
	qs_blocks(&b, blocks, 3);
	qs_part(&b, QS_PART, QS_RAM);
	numbered(&b, "mach-virt.ram", MIB, 3, 4096);
	numbered(&b, "dimm", 2 * MIB, 4, 4096);
	end_memory(&b);
	qs_finish(&b, NULL);
	img = open_stream(&b);
	assert_placed(img, "mach-virt.ram at 0x40000000 (as the machine has it); 1 block without a place");
	assert_int_equal(word_at(img, 0x40001000), 0x1003);
	assert_int_equal(word_at(img, 0x80001000), -MMW_E_NODATA);
	mmw_image_close(img);
	assert_int_equal(try_open(&b, &opts, &img, &err), 0);
	assert_int_equal(word_at(img, 0x40001000), 0x1003);
	assert_int_equal(word_at(img, 0x80001000), 0x1004);
	mmw_image_close(img);
	map[1].pa += 8;
	assert_int_equal(try_open(&b, &opts, &img, &err), -MMW_E_ARG);
	opts = (struct mmw_open_opts){ .has_base = true, .base = 0x1000 };
	assert_int_equal(try_open(&b, &opts, &img, &err), -MMW_E_ARG);
	blob_fini(&b);
}

/* --- pages ---------------------------------------------------------------------------------------------------- */

static void write_each_way(struct blob *b)
{
	static const uint8_t zero[PHYS_PAGE];
	uint8_t page[PHYS_PAGE] = { 0 };

	one_block(b, "microvm", "microvm.ram", 0x20000);
	mark(b, 0, "microvm.ram", 0x11);
	/* Full of one byte. */
	qs_word(b, 0x1000, ZERO, NULL);
	blob_u8(b, 0xcc);
	/* Changes to nothing; changes that do not fit; both are that page's own trouble. */
	put_uint(page, 0x33, 8, false);
	qs_delta(b, 0x2000, NULL, zero, page);
	mark(b, 0x3000, NULL, 0x33);
	qs_word(b, 0x3000, XBZRLE, NULL);
	blob_add(b, "\1\0\3\377\177x", 6);
	/* The changes count on from zero, and a whole page ends them. */
	qs_page(b, 0x4000, NULL, zero);
	qs_delta(b, 0x4000, NULL, zero, page);
	mark(b, 0x5000, NULL, 0x55);
	qs_delta(b, 0x5000, NULL, zero, page);
	mark(b, 0x5000, NULL, 0x56);
	/* Not zlib. */
	qs_word(b, 0x6000, COMPRESS, NULL);
	blob_add(b, "\0\0\0\4zlib", 8);
	mark(b, 0x10000, NULL, 0x77);
	end_memory(b);
}

static void one_page_each_way(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;
	struct mmw_extent e;

	(void)state;
	write_each_way(&b);
	img = open_stream(&b);
	assert_int_equal(word_at(img, 0), 0x11);
	assert_int_equal(word_at(img, 0x1ff8), (int64_t)0xcccccccccccccccc);
	assert_int_equal(word_at(img, 0x2000), -MMW_E_CORRUPT);
	assert_int_equal(word_at(img, 0x3000), -MMW_E_CORRUPT);
	assert_int_equal(word_at(img, 0x4000), 0x33);
	assert_int_equal(word_at(img, 0x5000), 0x56);
	assert_int_equal(word_at(img, 0x6000), -MMW_E_CORRUPT);
	/* What never came was left out, as the stream is whole. */
	assert_int_equal(word_at(img, 0x7000), -MMW_E_EXCLUDED);
	assert_int_equal(word_at(img, 0x10000), 0x77);
	assert_int_equal(mmw_image_next_extent(img, 0, &e), 1);
	assert_int_equal(e.len, 0x7000);
	assert_int_equal(mmw_image_next_extent(img, 0x7000, &e), 1);
	assert_int_equal(e.state, MMW_EXCLUDED);
	assert_int_equal(e.len, 0x9000);
	mmw_image_close(img);
	blob_fini(&b);
}

/* A word that makes no sense costs the rest of its section. */
static void damaged_section(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;

	(void)state;
	one_block(&b, "microvm", "microvm.ram", 0x10000);
	mark(&b, 0, "microvm.ram", 1);
	qs_word(&b, 0x1000, 0x800, NULL);
	mark(&b, 0x2000, NULL, 2);
	qs_eos(&b);
	qs_part(&b, QS_PART, QS_RAM);
	mark(&b, 0x3000, "microvm.ram", 3);
	end_memory(&b);
	add_x86_cpu(&b, 0x1000);
	qs_finish(&b, NULL);
	img = open_stream(&b);
	assert_non_null(strstr(mmw_image_format_note(img), "damaged"));
	assert_int_equal(word_at(img, 0), 1);
	assert_int_equal(word_at(img, 0x1000), -MMW_E_TRUNCATED);
	assert_int_equal(word_at(img, 0x3000), 3);
	assert_int_equal(mmw_image_cpus(img), 1);
	mmw_image_close(img);
	blob_fini(&b);
}

static void cut_off(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;

	(void)state;
	one_block(&b, "microvm", "microvm.ram", 0x10000);
	numbered(&b, "microvm.ram", 0x10000, 1, 0x1000);
	b.len -= 3 * 4104 + 7;
	img = open_stream(&b);
	assert_non_null(strstr(mmw_image_format_note(img), "truncated"));
	assert_int_equal(word_at(img, 0xb000), 0xb001);
	assert_int_equal(word_at(img, 0xc000), -MMW_E_TRUNCATED);
	assert_int_equal(word_at(img, 0x10000), -MMW_E_NODATA);
	mmw_image_close(img);
	blob_fini(&b);
}

static void shared_elsewhere(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;

	(void)state;
	qs_head(&b, "pc-q35-7.2", "x-ignore-shared");
	qs_start(&b, QS_START, QS_RAM, "ram", 0, 4);
	blob_uint(&b, 0x20000 | MEM_SIZE, 8, true);
	for (int i = 0; i < 2; i++) {
		qs_name(&b, i ? "pc.bios" : "mem0");
		blob_uint(&b, 0x10000, 8, true);
		blob_uint(&b, i ? 0xffff0000 : 0, 8, true);
	}
	qs_eos(&b);
	qs_part(&b, QS_PART, QS_RAM);
	numbered(&b, "pc.bios", 0x10000, 1, 0x1000);
	end_memory(&b);
	img = open_stream(&b);
	assert_int_equal(word_at(img, 0x1000), -MMW_E_EXCLUDED);
	assert_int_equal(word_at(img, 0xffff0000), 1);
	mmw_image_close(img);
	blob_fini(&b);
}

/* --- mapped-ram ----------------------------------------------------------------------------------------------- */

static void write_mapped(struct blob *b)
{
	uint8_t pages[8 * PHYS_PAGE] = { 0 };

	for (unsigned i = 0; i < 8; i += 2)
		put_uint(pages + i * PHYS_PAGE, 0x100 + i, 8, false);
	qs_head(b, "microvm", "mapped-ram");
	qs_start(b, QS_START, QS_RAM, "ram", 0, 4);
	blob_uint(b, sizeof(pages) | MEM_SIZE, 8, true);
	qs_mapped(b, "microvm.ram", pages, sizeof(pages));
	end_memory(b);
	qs_finish(b, NULL);
}

/* The file is part of a larger one, from whose start QEMU counted: opened in place, or cut out. */
static void mapped_at_an_offset(void **state)
{
	const struct mmw_open_opts opts = { .offset = 0x3000 };
	struct blob inner = { 0 }, outer = { 0 };
	struct mmw_image *img;
	size_t header;

	(void)state;
	write_mapped(&inner);
	header = (uint8_t *)memmem(inner.bytes, inner.len, "microvm.ram", 11) + 11 + 8 - inner.bytes;
	for (size_t at = header + 12; at <= header + 20; at += 8)
		blob_put(&inner, at, mmw_get64(inner.bytes + at, true) + 0x3000, 8, true);
	blob_pad_to(&outer, 0x3000);
	blob_add(&outer, inner.bytes, inner.len);
	img = open_stream(&inner);
	assert_int_equal(word_at(img, 0x2000), 0x102);
	mmw_image_close(img);
	assert_int_equal(try_open(&outer, &opts, &img, NULL), 0);
	assert_int_equal(word_at(img, 0x2000), 0x102);
	/* There are bytes in the file, but the bitmap says zero. */
	assert_int_equal(word_at(img, 0x3000), 0);
	mmw_image_close(img);
	blob_fini(&inner);
	blob_fini(&outer);
}

/* The bitmap comes last: without it, and without an end, pages that have something in them are all there is. */
static void interrupted_save(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;
	size_t bits;

	(void)state;
	write_mapped(&b);
	bits = (uint8_t *)memmem(b.bytes, b.len, "microvm.ram", 11) + 11 + 8 + 28 - b.bytes;
	assert_int_equal(b.bytes[bits], 0x55);
	b.bytes[bits] = 0;
	/* Whole: then nothing is in memory. */
	img = open_stream(&b);
	assert_int_equal(word_at(img, 0x2000), 0);
	mmw_image_close(img);
	b.len = PHYS_PAGE + 7 * PHYS_PAGE;
	img = open_stream(&b);
	assert_non_null(strstr(mmw_image_format_note(img), "interrupted"));
	assert_int_equal(word_at(img, 0x2000), 0x102);
	assert_int_equal(word_at(img, 0x3000), 0x102);
	assert_int_equal(word_at(img, 0x7000), -MMW_E_TRUNCATED);
	mmw_image_close(img);
	blob_fini(&b);
}

/* --- devices -------------------------------------------------------------------------------------------------- */

static const char info_json[] =
	"{\"devices\": [{\"name\": \"vmcoreinfo\", \"instance_id\": 0, \"version\": 1, "
	"\"fields\": [{\"name\": \"all\", \"size\": 17}]}]}";

static void note_of_the_guest(void **state)
{
	uint8_t page[PHYS_PAGE] = { 0 };
	struct blob b = { 0 };
	struct mmw_image *img;

	(void)state;
	put_uint(page, 11, 4, false);
	put_uint(page + 4, 12, 4, false);
	memcpy(page + 12, "VMCOREINFO\0\0OSRELEASE=7\n", 24);
	one_block(&b, "microvm", "microvm.ram", 0x10000);
	qs_page(&b, 0x3000, "microvm.ram", page);
	end_memory(&b);
	qs_start(&b, QS_FULL, 7, "vmcoreinfo", 0, 1);
	blob_add(&b, "\1\0\1\0\1\0\0\0\44\0\0\0\0\0\0\60", 16);
	blob_u8(&b, 0);
	qs_footer(&b, 7);
	qs_finish(&b, info_json);
	img = open_stream(&b);
	assert_string_equal(mmw_image_vmcoreinfo(img), "OSRELEASE=7\n");
	mmw_image_close(img);
	blob_fini(&b);
}

/* aarch64 without a description: x0.., pc and a list of system registers; and the same of a CPU of 32 bits. */
static void arm_registers(void **state)
{
	static const uint64_t ids[] = { 0x603000000013c100, 0x603000000013c101, 0x603000000013c102, 0x603000000013c510,
					0x603000000013c038 };

	(void)state;
	for (unsigned n = 5; n >= 4; n--) {
		struct blob b = { 0 };
		struct mmw_image *img;
		const struct mmw_cpu *c;
		size_t at;

		one_block(&b, "virt-7.2", "mach-virt.ram", 0x10000);
		end_memory(&b);
		qs_start(&b, QS_FULL, 5, "cpu", 0, 22);
		at = blob_add(&b, NULL, 568);
		blob_put(&b, at + 4 * 15, 0x8000, 4, true);
		blob_put(&b, at + 4 * 13, 0x9000, 4, true);
		blob_put(&b, at + 64 + 8 * 31, 0xffff000000001000, 8, true);
		blob_put(&b, at + 320, 0xffff000008080000, 8, true);
		blob_put(&b, at + 328, n == 5 ? 0x3c5 : 0x13, 4, true);
		blob_uint(&b, n, 4, true);
		for (unsigned i = 0; i < n; i++)
			blob_uint(&b, ids[i], 8, true);
		for (unsigned i = 0; i < n; i++)
			blob_uint(&b, 0x1000 + i, 8, true);
		qs_footer(&b, 5);
		qs_finish(&b, NULL);
		img = open_stream(&b);
		assert_int_equal(mmw_image_cpus(img), 1);
		c = mmw_image_cpu(img, 0);
		assert_int_equal(mmw_image_machine(img), n == 5 ? EM_AARCH64 : EM_ARM);
		assert_int_equal(c->reg[MMW_REG_TTBR0], 0x1000);
		assert_int_equal(c->reg[MMW_REG_TTBR1], 0x1001);
		assert_int_equal(c->reg[MMW_REG_TCR], 0x1002);
		assert_int_equal(c->reg[MMW_REG_MAIR], 0x1003);
		assert_int_equal(c->reg[MMW_REG_PC], n == 5 ? 0xffff000008080000 : 0x8000);
		assert_int_equal(c->reg[MMW_REG_SP], n == 5 ? 0xffff000000001000 : 0x9000);
		assert_int_equal(c->n_gpr, n == 5 ? 34 : 18);
		mmw_image_close(img);
		blob_fini(&b);
	}
}

/* Descriptions that say nonsense take the registers away, and nothing else. */
static void strange_descriptions(void **state)
{
#define CPU "{\"devices\": [{\"name\": \"cpu\", \"instance_id\": 0, \"version\": 12, \"fields\": "
	static const char *const texts[] = {
		"{}", "{\"devices\": 1}", "{\"devices\": []}", "{\"devices\": [{\"name\": 1}, 2, null]}",
		"{\"devices\": [}",
		CPU "7}]}",
		CPU "[{\"name\": \"env.regs\", \"size\": 4294967295, \"array_len\": 4294967295}, "
		    "{\"name\": \"env.regs\", \"size\": 99999999999999}]}]}",
		CPU "[{\"name\": \"env.regs\", \"size\": 8, \"array_len\": 16}, "
		    "{\"name\": \"env.eip\", \"size\": -1}]}]}",
	};
#undef CPU
	char deep[400] = "{\"devices\": [";

	(void)state;
	memset(deep + 13, '[', 150);
	memset(deep + 163, ']', 151);
	deep[314] = '}';
	for (size_t i = 0; i <= sizeof(texts) / sizeof(texts[0]); i++) {
		struct blob b = { 0 };
		struct mmw_image *img;

		one_block(&b, "microvm", "microvm.ram", 0x10000);
		mark(&b, 0, "microvm.ram", 1);
		end_memory(&b);
		add_x86_cpu(&b, 0x1000);
		qs_finish(&b, i < sizeof(texts) / sizeof(texts[0]) ? texts[i] : deep);
		img = open_stream(&b);
		assert_int_equal(word_at(img, 0), 1);
		mmw_image_close(img);
		blob_fini(&b);
	}
}

static void refused_streams(void **state)
{
	struct blob b = { 0 };
	struct mmw_image *img;
	struct mmw_err err = { 0 };

	(void)state;
	blob_add(&b, "QEVM\0\0\0\2", 8);
	assert_int_equal(try_open(&b, NULL, &img, &err), -MMW_E_UNSUPPORTED);
	b.bytes[7] = 3;
	assert_int_equal(try_open(&b, NULL, &img, &err), -MMW_E_CORRUPT);
	qs_start(&b, QS_START, QS_RAM, "ram", 0, 3);
	assert_int_equal(try_open(&b, NULL, &img, &err), -MMW_E_UNSUPPORTED);
	blob_fini(&b);
	b = (struct blob){ 0 };
	/* Blocks that do not add up, and more than any machine has. */
	qs_head(&b, "microvm", NULL);
	qs_start(&b, QS_START, QS_RAM, "ram", 0, 4);
	blob_uint(&b, UINT64_MAX - 4095 + MEM_SIZE, 8, true);
	assert_int_equal(try_open(&b, NULL, &img, &err), -MMW_E_CORRUPT);
	blob_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_by_cmos), cmocka_unit_test(cmos_of_another_machine),
		cmocka_unit_test(nodes_in_order), cmocka_unit_test(split_by_tables),
		cmocka_unit_test(map_of_the_user), cmocka_unit_test(one_page_each_way),
		cmocka_unit_test(damaged_section), cmocka_unit_test(cut_off),
		cmocka_unit_test(shared_elsewhere), cmocka_unit_test(mapped_at_an_offset),
		cmocka_unit_test(interrupted_save), cmocka_unit_test(note_of_the_guest),
		cmocka_unit_test(arm_registers), cmocka_unit_test(strange_descriptions),
		cmocka_unit_test(refused_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

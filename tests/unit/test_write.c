/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * formats/write*.c: what was written is opened again and must be the same memory, state for state, as far as the format
 * can tell; the same bytes with any number of threads; registers and notes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "formats/formats.h"
#include "formats/write.h"
#include "lib/image/build.h"
#include "tests/unit/kdump_build.h"

enum { FILE_BYTES = 6 << 20, STEP = 256, ABSENT = 3, PAGE = 4096 };

static uint8_t file_bytes[FILE_BYTES];

static const struct mmw_write_opts usual = {
	.machine = EM_X86_64, .wide = true, .page_size = PAGE, .release = "6.1.0", .version = "#1"
};

static struct mmw_image *new_image(void)
{
	struct mmw_image *img;
	struct mmw_file *f;

	/* Compressible here and there, with pages of zeros. */
	for (size_t i = 0; i < FILE_BYTES; i++)
		file_bytes[i] = i / PAGE % 3 == 2 ? 0 : (uint8_t)(i / PAGE % 2 ? i * 2654435761u >> 13 : i >> 6);
	assert_int_equal(mmw_file_memory(file_bytes, FILE_BYTES, "file", &f, NULL), 0);
	assert_int_equal(mmw_image_new(f, "memory", &img, NULL), 0);
	return img;
}

/* Whole pages and parts of them, left out, missing, zero, next to each other and not. */
static struct mmw_image *every_state(void)
{
	struct mmw_image *img = new_image();

	mmw_image_add_extent(img, 0x1000, 0x3000, 0, MMW_STORED, NULL);
	mmw_image_add_extent(img, 0x4000, 0x2000, 0, MMW_EXCLUDED, NULL);
	mmw_image_add_extent(img, 0x6000, 0x1000, 0x8000, MMW_STORED, NULL);
	mmw_image_add_extent(img, 0x8000, 0x2000, FILE_BYTES, MMW_STORED, NULL);   /* behind the end: truncated */
	mmw_image_add_extent(img, 0xa000, 0x1000, 0, MMW_EXCLUDED, NULL);
	mmw_image_add_extent(img, 0xc000, 0x300, 0x9000, MMW_STORED, NULL);
	mmw_image_add_extent(img, 0xc500, 0x1100, 0x9500, MMW_STORED, NULL);
	mmw_image_add_extent(img, 0x20000, 0x1000, 0, MMW_EXCLUDED, NULL);
	mmw_image_add_zeros(img, 0x30000, 0x8000, NULL);
	mmw_image_add_extent(img, 0x100000, 0x400000, 0x10000, MMW_STORED, NULL);
	mmw_image_add_extent(img, 0x520000, 0x8000, FILE_BYTES - 0x4000, MMW_STORED, NULL);
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	return img;
}

struct written {
	uint8_t *bytes;
	size_t len;
	struct mmw_write_stats stats;
};

static int write_as(const struct mmw_image *img, const char *format, const struct mmw_write_opts *o, bool flattened,
		    struct written *out)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	struct mmw_sink sink = { .fd = fd, .name = "out", .flattened = flattened };
	struct mmw_err err = { 0 };
	int rc = mmw_write(img, mmw_writer_by_name(format), o, &sink, &out->stats, &err);

	assert_true(rc == 0 || err.msg[0]);
	out->len = (size_t)lseek(fd, 0, SEEK_END);
	out->bytes = malloc(out->len + 1);
	assert_int_equal(pread(fd, out->bytes, out->len, 0), out->len);
	close(fd);
	return rc;
}

static struct mmw_image *reopen(const struct written *w)
{
	struct mmw_err err = { 0 };
	struct mmw_image *img;
	struct mmw_file *f;

	assert_int_equal(mmw_file_memory(w->bytes, w->len, "written", &f, NULL), 0);
	if (mmw_open_file(f, "written", NULL, &img, &err))
		fail_msg("%s", err.msg);
	return img;
}

static int state_at(const struct mmw_image *img, uint64_t pa)
{
	struct mmw_extent e;

	return mmw_image_next_extent(img, pa, &e) && e.pa == pa ? (int)e.state : ABSENT;
}

/* What becomes of memory in a state, and the byte that is read of what is not there (-1: none may be). */
static int expected_state(const struct mmw_image *a, uint64_t pa, const char *format, uint64_t last)
{
	int best = ABSENT;

	if (!strcmp(format, "raw"))
		return pa < (last | (PAGE - 1)) ? MMW_STORED : ABSENT;
	if (!strcmp(format, "lime"))
		return state_at(a, pa) == MMW_STORED ? MMW_STORED : ABSENT;
	if (!strcmp(format, "elf"))
		return state_at(a, pa);
	/* kdump: the best state of all in this page. */
	for (uint64_t at = pa & ~(uint64_t)(PAGE - 1), end = at + PAGE; at < end; at += STEP) {
		static const int rank[] = { [MMW_STORED] = 0, [MMW_TRUNCATED] = 1, [MMW_EXCLUDED] = 2, [ABSENT] = 3 };
		int state = state_at(a, at);

		best = rank[state] < rank[best] ? state : best;
	}
	return best;
}

static void same_memory(const struct mmw_image *a, const struct mmw_image *b, const char *format)
{
	uint64_t last = mmw_image_last(a);
	struct mmw_reader *ra, *rb;

	assert_int_equal(mmw_reader_open(a, &ra, NULL), 0);
	assert_int_equal(mmw_reader_open(b, &rb, NULL), 0);
	for (uint64_t pa = 0; pa <= last + PAGE; pa += STEP) {
		int state = expected_state(a, pa, format, last);
		uint8_t x[STEP] = { 0 }, y[STEP];

		if (state_at(b, pa) != state)
			fail_msg("%s: 0x%llx is %d, not %d", format, (unsigned long long)pa, state_at(b, pa), state);
		if (state != MMW_STORED)
			continue;
		if (state_at(a, pa) == MMW_STORED)
			assert_int_equal(mmw_read(ra, pa, x, STEP, NULL), 0);
		assert_int_equal(mmw_read(rb, pa, y, STEP, NULL), 0);
		assert_memory_equal(x, y, STEP);
	}
	mmw_reader_close(ra);
	mmw_reader_close(rb);
}

static void check_format(const struct mmw_image *img, const char *format, const struct mmw_write_opts *o,
			 bool flattened)
{
	struct mmw_image *again;
	struct written w;

	assert_int_equal(write_as(img, format, o, flattened, &w), 0);
	again = reopen(&w);
	same_memory(img, again, format);
	mmw_image_close(again);
	free(w.bytes);
}

static void test_states(void **unused)
{
	static const enum mmw_codec codecs[] = { MMW_CODEC_ZLIB, MMW_CODEC_LZO, MMW_CODEC_SNAPPY, MMW_CODEC_ZSTD };
	struct mmw_image *img = every_state();
	struct mmw_write_opts o = usual;

	(void)unused;
	for (size_t i = 0; mmw_writer_at(i); i++)
		check_format(img, mmw_writer_at(i)->name, &o, false);
	o.pack = true;
	for (size_t i = 0; i < 4; i++) {
		o.codec = codecs[i];
		o.level = i == 2 ? 0 : 5;
		check_format(img, "kdump", &o, false);
		check_format(img, "kdump", &o, true);
	}
	mmw_image_close(img);
}

static void test_counts(void **unused)
{
	struct mmw_image *img = every_state();
	struct written w;

	(void)unused;
	assert_int_equal(write_as(img, "elf", &usual, false, &w), 0);
	assert_int_equal(w.stats.stored, 0x3000 + 0x1000 + 0x300 + 0x1100 + 0x8000 + 0x400000 + 0x4000);
	assert_int_equal(w.stats.excluded, 0x2000 + 0x1000 + 0x1000);
	assert_int_equal(w.stats.missing, 0x2000 + 0x4000);
	assert_int_equal(w.stats.corrupt, 0);
	assert_int_equal(w.stats.padded, 0);
	assert_int_equal(w.stats.size, w.len);
	assert_true(w.bytes[48] & 1);  /* e_flags: incomplete */
	free(w.bytes);
	assert_int_equal(write_as(img, "kdump", &usual, false, &w), 0);
	assert_int_equal(w.stats.padded, 0x2000 - 0x300 - 0x1100);
	free(w.bytes);
	mmw_image_close(img);
}

static void test_threads(void **unused)
{
	struct mmw_image *img = every_state();

	(void)unused;
	for (size_t i = 0; mmw_writer_at(i); i++) {
		struct mmw_write_opts o = usual;
		struct written one, many;

		o.pack = true;
		o.codec = MMW_CODEC_ZSTD;
		o.threads = 1;
		assert_int_equal(write_as(img, mmw_writer_at(i)->name, &o, false, &one), 0);
		for (o.threads = 2; o.threads <= 7; o.threads += 5) {
			assert_int_equal(write_as(img, mmw_writer_at(i)->name, &o, false, &many), 0);
			assert_int_equal(one.len, many.len);
			assert_memory_equal(one.bytes, many.bytes, one.len);
			assert_memory_equal(&one.stats, &many.stats, sizeof(one.stats));
			free(many.bytes);
		}
		free(one.bytes);
	}
	mmw_image_close(img);
}

/* An image whose pages 3 and 4 of 8 do not decode. */
static struct mmw_image *damaged(struct kd_image *kd)
{
	static uint8_t blocks[8][PAGE];
	struct kd_page pages[8];
	struct kd_spec spec = { .version = 6,
				.shape = KD_WIDE,
				.block_size = PAGE,
				.codec = KD_ZLIB,
				.machine = "x86_64",
				.pages = pages,
				.n_pages = 8 };
	struct mmw_image *img;
	struct mmw_file *f;

	for (size_t i = 0; i < 8; i++) {
		kd_fill(blocks[i], PAGE, i + 1);
		pages[i] = (struct kd_page){ 0x100 + i, KD_DATA, blocks[i] };
	}
	assert_int_equal(kd_build(&spec, kd), 0);
	for (size_t i = 3; i < 5; i++)
		kd->bytes[kd->desc_at + i * 24 + 12] = 0x40;  /* unknown flags */
	assert_int_equal(mmw_file_memory(kd->bytes, kd->len, "damaged", &f, NULL), 0);
	assert_int_equal(mmw_open_file(f, "damaged", NULL, &img, NULL), 0);
	return img;
}

static void test_damage(void **unused)
{
	struct kd_image kd;
	struct mmw_image *img = damaged(&kd), *again;
	struct written w;

	(void)unused;
	for (size_t i = 0; mmw_writer_at(i); i++) {
		const char *format = mmw_writer_at(i)->name;
		int lost = !strcmp(format, "raw") ? MMW_STORED : !strcmp(format, "lime") ? ABSENT : MMW_TRUNCATED;

		assert_int_equal(write_as(img, format, &usual, false, &w), 0);
		assert_int_equal(w.stats.missing, 2 * PAGE);
		assert_int_equal(w.stats.corrupt, 2 * PAGE);
		assert_int_equal(w.stats.stored, 6 * PAGE);
		again = reopen(&w);
		for (uint64_t pfn = 0x100; pfn < 0x108; pfn++)
			assert_int_equal(state_at(again, pfn * PAGE),
					 pfn == 0x103 || pfn == 0x104 ? lost : (int)MMW_STORED);
		mmw_image_close(again);
		free(w.bytes);
	}
	mmw_image_close(img);
	kd_free(&kd);
}

/* --- registers and notes ------------------------------------------------------------------------------------------ */

static struct mmw_image *with_cpus(uint16_t machine, unsigned n_gpr, bool be)
{
	struct mmw_image *img = new_image();
	struct mmw_cpu *cpu;

	img->machine = machine;
	img->big_endian = be;
	mmw_image_add_extent(img, 0x40000000, 0x10000, 0, MMW_STORED, NULL);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(mmw_image_add_cpu(img, &cpu, NULL), 0);
		cpu->n_gpr = n_gpr;
		for (unsigned k = 0; k < n_gpr; k++)
			cpu->gpr[k] = 0x1000 * i + k;
		mmw_cpu_set(cpu, MMW_REG_PC, 0x80001000 + i);
		mmw_cpu_set(cpu, MMW_REG_SP, 0x80002000 + i);
		mmw_cpu_set(cpu, MMW_REG_CR3, 0x5000 + i);
		mmw_cpu_set(cpu, MMW_REG_KERNEL_GS_BASE, 0x6000 + i);
	}
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	return img;
}

static void same_cpus(const struct mmw_image *a, const struct mmw_image *b, bool x86)
{
	assert_int_equal(mmw_image_cpus(b), mmw_image_cpus(a));
	for (size_t i = 0; i < mmw_image_cpus(a); i++) {
		const struct mmw_cpu *x = mmw_image_cpu(a, i), *y = mmw_image_cpu(b, i);

		assert_int_equal(y->reg[MMW_REG_PC], x->reg[MMW_REG_PC]);
		assert_int_equal(y->reg[MMW_REG_SP], x->reg[MMW_REG_SP]);
		assert_int_equal(!!(y->known & 1u << MMW_REG_CR3), x86);
		if (x86) {
			assert_int_equal(y->reg[MMW_REG_CR3], x->reg[MMW_REG_CR3]);
			assert_int_equal(y->reg[MMW_REG_KERNEL_GS_BASE], x->reg[MMW_REG_KERNEL_GS_BASE]);
		}
		for (unsigned k = 0; k < x->n_gpr; k++)
			assert_true(y->gpr[k] == x->gpr[k] || y->gpr[k] == y->reg[MMW_REG_PC] ||
				    y->gpr[k] == y->reg[MMW_REG_SP]);
	}
}

static void check_machine(uint16_t machine, unsigned n_gpr, bool be, bool wide)
{
	struct mmw_image *img = with_cpus(machine, n_gpr, be), *again;
	struct mmw_write_opts o = usual;
	struct written w;

	o.machine = machine;
	o.wide = wide;
	o.vmcoreinfo = "OSRELEASE=6.1.0\nPAGESIZE=4096\n";
	for (int kdump = 0; kdump < 2; kdump++) {
		assert_int_equal(write_as(img, kdump ? "kdump" : "elf", &o, false, &w), 0);
		assert_int_equal(w.stats.cpus, 2);
		assert_true(w.stats.made_registers && w.stats.made_vmcoreinfo);
		if (!kdump)
			assert_int_equal(w.bytes[EI_CLASS], wide ? ELFCLASS64 : ELFCLASS32);
		again = reopen(&w);
		assert_int_equal(mmw_image_machine(again), machine);
		assert_int_equal(mmw_image_big_endian(again), be);
		assert_string_equal(mmw_image_vmcoreinfo(again), o.vmcoreinfo);
		same_cpus(img, again, machine == EM_X86_64 || machine == EM_386);
		same_memory(img, again, "elf");
		mmw_image_close(again);
		free(w.bytes);
	}
	mmw_image_close(img);
}

static void test_registers(void **unused)
{
	(void)unused;
	check_machine(EM_X86_64, 27, false, true);
	check_machine(EM_X86_64, 0, false, true);
	check_machine(EM_386, 17, false, false);
	check_machine(EM_AARCH64, 34, false, true);
	check_machine(EM_AARCH64, 34, true, true);
	check_machine(EM_ARM, 18, false, false);
	check_machine(EM_ARM, 18, true, false);
	check_machine(EM_RISCV, 32, false, true);
}

/* Notes come out as they went in, and no second VMCOREINFO joins them. */
static void test_notes_kept(void **unused)
{
	struct mmw_image *img = with_cpus(EM_X86_64, 27, false), *first, *second;
	struct mmw_write_opts o = usual;
	struct written a, b;

	(void)unused;
	o.vmcoreinfo = "OSRELEASE=6.1.0\n";
	assert_int_equal(write_as(img, "elf", &o, false, &a), 0);
	first = reopen(&a);
	o.vmcoreinfo = "OSRELEASE=another\n";
	assert_int_equal(write_as(first, "kdump", &o, false, &b), 0);
	assert_false(b.stats.made_registers || b.stats.made_vmcoreinfo);
	second = reopen(&b);
	assert_int_equal(second->n_notes, first->n_notes);
	assert_memory_equal(second->notes, first->notes, first->n_notes);
	mmw_image_close(second);
	mmw_image_close(first);
	mmw_image_close(img);
	free(a.bytes);
	free(b.bytes);
}

/* --- shapes ------------------------------------------------------------------------------------------------------- */

/* A 32-bit machine with memory above 4 GiB. */
static void test_wide_when_needed(void **unused)
{
	struct mmw_image *img = new_image(), *again;
	struct mmw_write_opts o = usual;
	struct written w;

	(void)unused;
	o.machine = EM_ARM;
	o.wide = false;
	mmw_image_add_extent(img, 0xfffff000, 0x1000, 0, MMW_STORED, NULL);
	mmw_image_add_extent(img, 0x100000000, 0x2000, 0x3000, MMW_STORED, NULL);
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	assert_int_equal(write_as(img, "elf", &o, false, &w), 0);
	assert_int_equal(w.bytes[EI_CLASS], ELFCLASS64);
	again = reopen(&w);
	assert_int_equal(mmw_image_stored(again), 0x3000);
	assert_int_equal(mmw_image_last(again), 0x100001fff);
	mmw_image_close(again);
	mmw_image_close(img);
	free(w.bytes);
}

/* More segments than 16 bits count. */
static void test_many_segments(void **unused)
{
	struct mmw_image *img = new_image(), *again;
	struct mmw_extent e;
	struct written w;
	uint64_t n = 0;

	(void)unused;
	for (uint64_t i = 0; i < 70000; i++)
		mmw_image_add_extent(img, i * 2 * PAGE, STEP, i % 1000 * STEP, MMW_STORED, NULL);
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	assert_int_equal(write_as(img, "elf", &usual, false, &w), 0);
	again = reopen(&w);
	for (uint64_t from = 0; mmw_image_next_extent(again, from, &e); from = e.pa + e.len, n++)
		assert_true(e.pa == n * 2 * PAGE && e.len == STEP && e.state == MMW_STORED);
	assert_int_equal(n, 70000);
	mmw_image_close(again);
	mmw_image_close(img);
	free(w.bytes);
}

/* Each run where the linear map has it, cut where the map ends; the kernel's image once more, before all others. */
static void test_maps(void **unused)
{
	struct mmw_image *img = new_image();
	struct mmw_write_opts o = usual;
	struct written w;
	static const uint64_t expected[][4] = {  /* p_vaddr, p_paddr, p_filesz, p_memsz */
		{ 0, 0, 0, 0 },
		{ 0xffffffff81000000, 0x3000, 0x1000, 0x2000 },
		{ 0xffff888000001000, 0x1000, 0x3000, 0x4000 },
		{ 0, 0x5000, 0, 0x1000 },
	};

	(void)unused;
	o.maps[o.n_maps++] = (struct mmw_write_map){ 0, 0x5000, 0xffff888000000000 };
	o.image = (struct mmw_write_map){ 0x3000, 0x2000, 0xffffffff81000000 };
	mmw_image_add_extent(img, 0x1000, 0x3000, 0, MMW_STORED, NULL);
	mmw_image_add_extent(img, 0x4000, 0x2000, 0, MMW_EXCLUDED, NULL);
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	assert_int_equal(write_as(img, "elf", &o, false, &w), 0);
	assert_int_equal(mmw_get16(w.bytes + 56, false), 4);
	for (size_t i = 1; i < 4; i++)
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(mmw_get64(w.bytes + 64 + 56 * i + 16 + 8 * k, false), expected[i][k]);
	/* Both are the same bytes of the file. */
	assert_int_equal(mmw_get64(w.bytes + 64 + 56 + 8, false), mmw_get64(w.bytes + 64 + 112 + 8, false) + 0x2000);
	mmw_image_close(img);
	free(w.bytes);
}

/* ARM's kdump counts from the start of the linear map where it can. */
static void check_arm(uint64_t pa, uint64_t max_pfn)
{
	struct mmw_image *img = new_image(), *again;
	struct mmw_write_opts o = usual;
	struct written w;

	o.machine = EM_ARM;
	o.wide = false;
	o.has_phys_base = true;
	o.phys_base = 0x40000000;
	img->machine = EM_ARM;
	mmw_image_add_extent(img, pa, 0x4000, 0, MMW_STORED, NULL);
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	assert_int_equal(write_as(img, "kdump", &o, false, &w), 0);
	assert_int_equal(mmw_get32(w.bytes + 428, false), max_pfn);
	again = reopen(&w);
	for (uint64_t at = pa - PAGE; at < pa + 0x5000; at += PAGE)
		assert_int_equal(state_at(again, at), at >= pa && at < pa + 0x4000 ? (int)MMW_STORED : ABSENT);
	mmw_image_close(again);
	mmw_image_close(img);
	free(w.bytes);
}

static void test_arm(void **unused)
{
	(void)unused;
	check_arm(0x40000000, 4);
	check_arm(0x10000000, 0x10004);
}

static void test_refused(void **unused)
{
	struct mmw_image *img = new_image();
	struct written w;

	(void)unused;
	mmw_image_add_extent(img, 1ull << 63, 0x1000, 0, MMW_STORED, NULL);
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	assert_int_equal(write_as(img, "kdump", &usual, false, &w), -MMW_E_LIMIT);
	free(w.bytes);
	assert_int_equal(write_as(img, "raw", &usual, false, &w), -MMW_E_LIMIT);
	free(w.bytes);
	mmw_image_close(img);
	img = new_image();
	assert_int_equal(mmw_image_seal(img, NULL), 0);
	assert_int_equal(write_as(img, "elf", &usual, false, &w), -MMW_E_NODATA);
	free(w.bytes);
	mmw_image_close(img);
}

/* A file that may not grow stands for a disk that is full: every worker must come to its end. */
static void test_full(void **unused)
{
	struct mmw_image *img = every_state();
	char path[] = "/tmp/test_write.XXXXXX";
	struct rlimit before, small;
	struct mmw_write_stats stats;

	(void)unused;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 0x180000;
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; mmw_writer_at(i); i++) {
		int fd = mkostemp(path, O_CLOEXEC);
		struct mmw_sink sink = { .fd = fd, .name = "full" };
		struct mmw_write_opts o = usual;
		struct mmw_err err = { 0 };

		o.threads = 4;
		unlink(path);
		strcpy(path + strlen(path) - 6, "XXXXXX");
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		assert_int_equal(mmw_write(img, mmw_writer_at(i), &o, &sink, &stats, &err), -MMW_E_SYS);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_memory_equal(err.msg, "full: ", 6);
		close(fd);
	}
	mmw_image_close(img);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_notes_kept),
		cmocka_unit_test(test_wide_when_needed),
		cmocka_unit_test(test_many_segments),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_arm),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

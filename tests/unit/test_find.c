/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/kernel/find.c: a kernel whose marks lie across the borders of what is searched at once, at every place around
 * them, in memory that is one run, or scattered over the file page by page; and what the search says of several
 * kernels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/kernel/kernel.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

enum { BORDER = 1 << 20, IMAGE = BORDER - 0x4000, TABLES = IMAGE + 0x1100 };

struct machine {
	struct blob b;
	struct mmw_image *img;
};

/* A kernel at IMAGE, its kallsyms at TABLES + shift. */
static void small_kernel(struct phys *p, char layout, unsigned shift)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "set i %x\n"
		 "ram 0 200000\n"
		 "string $i+1000 \"Linux version 6.1.0-find (unit) #1\\n\"\n"
		 "u64 $i+a000: $i-1000000\n"
		 "space $i+9000 4 5000\n"
		 "map ffffffff81000000 1000 -> $i 1000 text\n"
		 "map ffffffff81001000 f000 -> $i+1000 1000 rodata\n"
		 "kallsyms %x+%x ffffffff81001100+%x %c %s {\n"
		 "ffffffff81000000 T _text\nffffffff81000000 T _stext\n"
		 "fill 100 ffffffff81000010 8 t f\n"
		 "ffffffff81001000 D linux_banner\nffffffff81009000 D init_top_pgt\nffffffff8100a000 D phys_base\n"
		 "ffffffff81010000 B _end\n"
		 "}\n", IMAGE, TABLES, shift, shift, layout, layout == 'D' ? "place" : "base");
	recipe_text("small kernel", text, false, p);
}

static void machine_init(struct machine *m, const struct phys *p, const char *format)
{
	struct mmw_file *f;

	memset(m, 0, sizeof(*m));
	wrap_format_by_name(format)->write(p, &m->b);
	assert_int_equal(mmw_file_memory(m->b.bytes, m->b.len, "machine", &f, NULL), 0);
	assert_int_equal(mmw_open_file(f, "machine", NULL, &m->img, NULL), 0);
}

static void machine_fini(struct machine *m)
{
	mmw_image_close(m->img);
	blob_fini(&m->b);
}

/* Where the digits are, in a machine's memory that starts at 0. */
static uint64_t digits_at(const struct phys *p)
{
	struct blob memory = { 0 };
	size_t at;

	wrap_format_by_name("raw")->write(p, &memory);
	at = mmw_kallsyms_landmark(memory.bytes, memory.len, 0);
	blob_fini(&memory);
	return at;
}

static void check_found(const struct phys *p, const char *format, unsigned threads)
{
	const struct mmw_kernel_opts opts = { .threads = threads };
	struct mmw_kernel *k;
	struct machine m;
	uint64_t va;

	machine_init(&m, p, format);
	assert_int_equal(mmw_kernel_bind(m.img, &opts, &k, NULL), 0);
	if (!mmw_kernel_found(k))
		fail_msg("%s, digits at %llx: %s", format, (unsigned long long)digits_at(p), mmw_kernel_why_not(k));
	assert_string_equal(mmw_kernel_release(k), "6.1.0-find");
	assert_int_equal(mmw_kernel_symbol(k, "f255", &va, NULL, NULL), 0);
	assert_int_equal(va, 0xffffffff810007f8 + 0x10);
	mmw_kernel_close(k);
	machine_fini(&m);
}

static void marks_across_the_border(void **state)
{
	(void)state;
	for (char layout = 'A'; layout <= 'D'; layout++) {
		unsigned align = layout == 'D' ? 4 : 8;
		struct phys p;
		uint64_t at;

		small_kernel(&p, layout, 0);
		at = digits_at(&p);
		phys_fini(&p);
		for (int d = -40; d <= 16; d += (int)align) {
			uint64_t shift = (BORDER - at + (uint64_t)(int64_t)d) & ~(uint64_t)(align - 1);

			small_kernel(&p, layout, (unsigned)shift);
			assert_int_equal(digits_at(&p), at + shift);
			check_found(&p, "raw", 1);
			check_found(&p, "elf-xnum", 1);
			check_found(&p, "kdump-zlib", 2);
			phys_fini(&p);
		}
	}
}

/* What is searched is memory, not files: pages that are left out or missing around the kernel hide nothing. */
static void holes_around_it(void **state)
{
	static const char *const formats[] = { "elf", "elf-E", "elf-xnum", "elf-overlap", "kdump-lzo", "flat-kdump" };

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct phys p;

		small_kernel(&p, 'C', 0);
		phys_add(&p, 0x1000, 0x3000, PHYS_EXCLUDED);
		phys_add(&p, 0x80000, 0x1000, PHYS_EXCLUDED);
		phys_add(&p, IMAGE - 0x1000, 0x1000, PHYS_EXCLUDED);
		phys_add(&p, IMAGE + 0xc000, 0x2000, PHYS_EXCLUDED);
		check_found(&p, formats[i], 1 + i % 3);
		phys_fini(&p);
	}
}

/* A whole machine from a recipe: how many kernels, and which one is bound. */
static void check_kernels(const char *recipe, unsigned choose, size_t n, size_t hold, const char *release)
{
	const struct mmw_kernel_opts opts = { .threads = 1, .choose = choose, .search_all = true };
	const struct mmw_candidate *c;
	struct mmw_kernel *k;
	struct machine m;
	struct phys p;
	size_t holding = 0;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.recipe", MMW_RECIPES, recipe);
	recipe_load(path, false, &p);
	machine_init(&m, &p, "elf");
	phys_fini(&p);
	assert_int_equal(mmw_kernel_bind(m.img, &opts, &k, NULL), 0);
	assert_int_equal(mmw_kernel_candidates(k, &c), n);
	for (size_t i = 0; i < n; i++)
		holding += c[i].root != 0;
	assert_int_equal(holding, hold);
	assert_int_equal(mmw_kernel_found(k), release != NULL);
	if (release)
		assert_string_equal(mmw_kernel_release(k), release);
	else
		assert_true(mmw_kernel_why_not(k)[0]);
	mmw_kernel_close(k);
	machine_fini(&m);
}

static void several_kernels(void **state)
{
	(void)state;
	check_kernels("two-kernels", 0, 2, 2, "6.18.1-first");
	check_kernels("two-kernels", 1, 2, 2, "6.18.1-first");
	check_kernels("two-kernels", 2, 2, 2, "6.18.2-second");
	check_kernels("two-kernels", 3, 2, 2, NULL);
	check_kernels("kernel-stale", 0, 2, 1, "6.18.2-running");
	check_kernels("kernel-stale", 1, 2, 1, NULL);
	check_kernels("kernel-contradicted", 0, 1, 0, NULL);
	check_kernels("no-kernel", 0, 0, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_across_the_border), cmocka_unit_test(holes_around_it),
		cmocka_unit_test(several_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

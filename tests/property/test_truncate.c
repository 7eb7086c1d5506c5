/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small machine in every format, cut at every length: it opens or it does not, with a code and words, and whatever
 * opens answers every question. The bytes are copied to a block of exactly that length, so that sanitizers see the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tools/exercise.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

enum { SECONDS_MAX = 300 };

/* A sanitizer makes each of these opens a hundred times slower: there, page data is cut at every 23rd length only. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SLOW 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SLOW)
enum { STEP = 23 };
#else
enum { STEP = 1 };
#endif

/* Tables, an excluded page, registers and a note: each part of each format is there, and little else. */
static const char small_machine[] =
	"ram 1000 3000\n"
	"excluded 4000 1000\n"
	"ram 8000 1000\n"
	"space 1000 4 2000\n"
	"pte 1000[0] -> 2000 table\n"
	"pte 2000[0] -> 200000 p rw ps\n"
	"pte 2000[1] -> 3000 table\n"
	"pte 3000[0] -> 4000 table\n"
	"u64 8000: 1234*200+1\n"
	"cpu pc=ffffffff81000000 cr3=1000 cr4=20\n"
	"vmcoreinfo OSRELEASE=6.1.0-test\n"
	"vmcoreinfo PAGESIZE=4096\n"
	"vmcoreinfo NUMBER(phys_base)=0\n"
	"vmcoreinfo SYMBOL(init_top_pgt)=ffffffff80001000\n";

static void cut_at(const struct blob *b, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct mmw_err err = { 0 };
	int rc;

	memcpy(copy, b->bytes, len);
	rc = exercise_image(copy, len, NULL, &err);
	assert_true(rc <= 0);
	assert_true(!rc || len < b->len);
	free(copy);
}

static void cut_everywhere(const struct wrap_format *f, const char *recipe)
{
	struct blob b = { 0 };
	struct phys p;

	recipe_text("small", recipe, f->big_endian, &p);
	f->write(&p, &b);
	for (size_t len = 0; len <= b.len; len += len < 600 || len + 100 > b.len ? 1 : STEP)
		cut_at(&b, len);
	blob_fini(&b);
	phys_fini(&p);
}

static void every_format(void **state)
{
	const struct wrap_format *f;

	(void)state;
	for (size_t i = 0; (f = wrap_format_at(i)); i++) {
		if (strcmp(f->name, "vmlinux") && !f->options)
			cut_everywhere(f, small_machine);
	}
}

/* A whole synthetic kernel, cut at coarser steps: a kernel of which parts are missing is found, or it is not. */
static void kernels(void **state)
{
	static const char *const recipes[] = { "kernel-a-percpu", "kernel-b-base", "kernel-c-base", "kernel-d-place" };
	static const char *const formats[] = { "elf", "kdump-zlib", "flat-kdump" };

	(void)state;
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		for (size_t k = 0; k < sizeof(formats) / sizeof(formats[0]); k++) {
			struct blob b = { 0 };
			struct phys p;
			char path[512];

			snprintf(path, sizeof(path), "%s/%s.recipe", MMW_RECIPES, recipes[i]);
			recipe_load(path, false, &p);
			wrap_format_by_name(formats[k])->write(&p, &b);
			for (size_t n = 0; n <= 40; n++)
				cut_at(&b, b.len / 40 * n + (b.len % 40) * (n == 40));
			blob_fini(&b);
			phys_fini(&p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format), cmocka_unit_test(kernels),
	};

	/* Caches of megabytes come and go ten thousand times: keep them on the heap. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	alarm(SECONDS_MAX);  /* a hang is a failure */
	return cmocka_run_group_tests(tests, NULL, NULL);
}

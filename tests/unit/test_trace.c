/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/slab/trace.c, lib/kernel/stackdepot.c: traces of the recipes' objects, and what becomes of them when what leads
 * to them is changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "lib/base/vec.h"
#include "lib/slab/trace.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

enum { MEMORY = 4 << 20, PATCHES_MAX = 4 };

/* Values at physical addresses, and the traces that then are there: count, address / waste, why / frames. */
struct change {
	const char *name, *recipe;
	struct {
		uint32_t pa;
		uint8_t size;
		uint64_t value;
	} patch[PATCHES_MAX];
	const char *allocated;
};

#define OLD "/slub-traces.recipe"
#define NEW "/slub-sheaves-traces.recipe"
#define STACK "81008f10,81000240,81000310"
#define FULL "30:81000200/0/ "

static const struct change changes[] = {
	{ "none", OLD, { { 0 } }, FULL "2:81008f00/8/" STACK " 1:81008f00/8/81000320" },
	{ "no handle", OLD, { { 0x140158, 4, 0 } }, FULL "2:81008f00/8/" STACK " 1:81008f00/8/" },
	{ "extra bits are none of the handle", OLD, { { 0x140158, 4, 0xfc000001 } },
	  FULL "2:81008f00/8/" STACK " 1:81008f00/8/81000320" },
	{ "a handle that is not valid", OLD, { { 0x140158, 4, 1 } },
	  FULL "2:81008f00/8/" STACK " 1:81008f00/8/corrupt" },
	{ "a pool that is not there", OLD, { { 0x140158, 4, 0x4000002 } },
	  FULL "2:81008f00/8/" STACK " 1:81008f00/8/corrupt" },
	{ "a pool far behind the array", OLD, { { 0x140158, 4, 0x400fff0 } },
	  FULL "2:81008f00/8/" STACK " 1:81008f00/8/corrupt" },
	{ "a pool in memory that is none", OLD, { { 0x254008, 8, 0xffff800000000000 } },
	  FULL "2:81008f00/8/" STACK " 1:81008f00/8/not-present" },
	{ "a place with no record", OLD, { { 0x140158, 4, 0x4200001 } },
	  FULL "2:81008f00/8/" STACK " 1:81008f00/8/corrupt" },
	{ "a record of another handle", OLD, { { 0x164010, 4, 0x4000000 } },
	  FULL "2:81008f00/8/" STACK " 1:81008f00/8/corrupt" },
	{ "a stack longer than its pool", OLD, { { 0x16400c, 4, 0xffffffff } },
	  FULL "2:81008f00/8/" STACK " 1:81008f00/8/corrupt" },
	{ "a stack longer than any", OLD, { { 0x16400c, 4, MMW_STACK_MAX + 1 } },
	  FULL "2:81008f00/8/" STACK " 1:81008f00/8/corrupt" },
	{ "a stack of no frames", OLD, { { 0x16400c, 4, 0 } }, FULL "2:81008f00/8/" STACK " 1:81008f00/8/" },
	{ "more was asked for than there is", OLD, { { 0x140080, 4, 0x29 } },
	  FULL "1:81008f00/8/81000320 1:81008f00/0/" STACK " 1:81008f00/8/" STACK },
	{ "another size", OLD, { { 0x140080, 4, 0 } },
	  FULL "1:81008f00/8/81000320 1:81008f00/8/" STACK " 1:81008f00/40/" STACK },
	{ "no tracks", OLD, { { 0x120308, 4, 0x80001d00 } }, "" },
	{ "none", NEW, { { 0 } }, "25:81008f00/0/81008f10,81000240 2:81000200/0/absent" },
	{ "a stack that somebody keeps", NEW, { { 0x16401c, 4, 1 } },
	  "25:81008f00/0/81008f10,81000240 2:81000200/0/81000320" },
	{ "pools count from 1", NEW, { { 0x160118, 4, 0x200000 }, { 0x138060, 4, 0x200000 } },
	  "24:81008f00/0/corrupt 2:81000200/0/absent 1:81008f00/0/corrupt" },
	{ "fewer pools", NEW, { { 0x254100, 4, 1 } }, "25:81008f00/0/81008f10,81000240 2:81000200/0/corrupt" },
	{ "no pools", NEW, { { 0x254108, 8, 0 } }, "25:81008f00/0/absent 2:81000200/0/absent" },
};

static void describe(const struct mmw_traces *t, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < t->n; i++) {
		const struct mmw_trace *l = &t->trace[i];

		n += (size_t)snprintf(text + n, size - n, "%s%" PRIu64 ":%" PRIx32 "/%" PRIu64 "/%s", i ? " " : "",
				      l->count, (uint32_t)l->addr, l->waste, l->why ? mmw_code_word(l->why) : "");
		for (unsigned f = 0; f < l->n_frames; f++)
			n += (size_t)snprintf(text + n, size - n, "%s%" PRIx32, f ? "," : "",
					      (uint32_t)t->frame[l->frames + f]);
	}
}

/* A target on the recipe's memory with the changes in it. */
struct target {
	uint8_t *bytes;
	struct mmw_image *img;
	struct mmw_kernel *k;
	struct mmw_slabs s;
	struct mmw_tracks tracks;
};

static void start(struct target *t, const struct change *c)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	char path[512];
	struct mmw_file *file;
	struct blob b = { 0 };
	struct phys p;

	snprintf(path, sizeof(path), MMW_RECIPES "%s", c->recipe);
	recipe_load(path, false, &p);
	wrap_format_by_name("elf")->write(&p, &b);
	phys_fini(&p);
	t->bytes = b.bytes;
	for (size_t i = 0; i < PATCHES_MAX && c->patch[i].size; i++)
		put_uint(b.bytes + (b.len - MEMORY) + c->patch[i].pa, c->patch[i].value, c->patch[i].size, false);
	assert_int_equal(mmw_file_memory(b.bytes, b.len, c->name, &file, NULL), 0);
	assert_int_equal(mmw_open_file(file, c->name, NULL, &t->img, NULL), 0);
	assert_int_equal(mmw_kernel_bind(t->img, &opts, &t->k, NULL), 0);
	assert_int_equal(mmw_slabs_open(t->k, MMW_SLABS_OBJECTS, &t->s, NULL), 0);
	assert_int_equal(mmw_tracks_open(&t->s, &t->tracks, NULL), 0);
}

static void stop(struct target *t)
{
	mmw_slabs_close(&t->s);
	mmw_kernel_close(t->k);
	mmw_image_close(t->img);
	free(t->bytes);
}

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < mmw_array_len(changes); i++) {
		const struct mmw_traces_opts opts = { .threads = 1 };
		struct mmw_traces traces;
		struct target t;
		char text[512];

		start(&t, &changes[i]);
		assert_int_equal(mmw_traces_open(&t.s, &t.tracks, &opts, &traces, NULL), 0);
		describe(&traces, text, sizeof(text));
		if (strcmp(text, changes[i].allocated))
			print_error("%s\n", changes[i].name);
		assert_string_equal(text, changes[i].allocated);
		assert_int_equal(traces.unreadable + traces.more, 0);
		mmw_traces_close(&traces);
		stop(&t);
	}
}

static void expect(struct target *t, const struct mmw_traces_opts *opts, const char *text, struct mmw_traces *out)
{
	char found[512];

	assert_int_equal(mmw_traces_open(&t->s, &t->tracks, opts, out, NULL), 0);
	describe(out, found, sizeof(found));
	assert_string_equal(found, text);
}

/* Who freed last, of chosen caches; and by function, of objects that are free too. */
static void test_options(void **state)
{
	struct mmw_traces traces;
	struct target t;
	bool wanted[7] = { [4] = true };
	const struct mmw_traces_opts freed = { .kind = MMW_TRACK_FREE, .wanted = wanted, .threads = 1 };
	const struct mmw_traces_opts all = { .functions = true, .all = true, .threads = 1 };
	const struct mmw_trace *l;

	(void)state;
	start(&t, &changes[0]);
	assert_int_equal(t.s.caches.n, mmw_array_len(wanted));
	expect(&t, &freed, "31:0/0/ 2:81000330/0/81000320", &traces);
	mmw_traces_close(&traces);
	wanted[4] = false;
	expect(&t, &freed, "", &traces);
	mmw_traces_close(&traces);
	expect(&t, &all, "30:81000200/0/ 27:0/0/ 3:81008f00/0/", &traces);
	l = &traces.trace[2];
	assert_true(l->min_pid == 100 && l->max_pid == 123 && l->cpus.word[0] == 3 && l->nodes.word[0] == 1);
	assert_true(l->min_age == 0x3000 && l->max_age == 0x4000 && l->sum_age == 0xb000);
	assert_true(l->min_when == 0xffff1000 && l->max_when == 0xffff2000);
	mmw_traces_close(&traces);
	stop(&t);
}

/* Stacks as tracks had them to 5.17: what is in a track otherwise stands for return addresses. */
static void test_inline(void **state)
{
	const struct mmw_traces_opts opts = { .threads = 1 };
	struct mmw_traces traces;
	struct target t;

	(void)state;
	start(&t, &(struct change){ .name = "inline", .recipe = OLD, .patch = { { 0x140048, 4, 0 }, { 0x1400d0, 4, 0 },
				    { 0x140158, 4, 0 } } });
	t.tracks.addrs = (struct mmw_member){ .size = 16, .count = 2, .elem_size = 8 };
	/* The second word is the CPU; a 0 ends the stack. */
	expect(&t, &opts, "30:81000200/0/81000200 2:81008f00/8/81008f00,0 1:81008f00/8/81008f00", &traces);
	mmw_traces_close(&traces);
	stop(&t);
}

/* One object's tracks. */
static void test_object(void **state)
{
	const uint64_t object = 0xffff888000141008;
	const struct mmw_cache *cache;
	struct mmw_track track;
	struct mmw_stack stack;
	struct mmw_err err;
	struct mmw_vm *vm;
	struct target t;

	(void)state;
	start(&t, &changes[0]);
	vm = mmw_kernel_vm(t.k);
	cache = &t.s.caches.cache[4];
	assert_int_equal(mmw_track_read(&t.tracks, vm, cache, object, MMW_TRACK_FREE, &track, NULL), 0);
	assert_int_equal(track.va, object + 0x58);
	assert_true(track.addr == 0xffffffff81000330 && track.handle == 0x4000001 && track.cpu == 1 && track.pid == 1);
	assert_int_equal(mmw_track_age(&t.tracks, &track), 0x5000);
	assert_int_equal(mmw_track_stack(&t.tracks, vm, &track, &stack, NULL), 0);
	assert_int_equal(stack.n, 1);
	assert_int_equal(mmw_track_read(&t.tracks, vm, cache, 0xffff800000000000, MMW_TRACK_ALLOC, &track, NULL),
			 -MMW_E_NOTPRESENT);
	assert_int_equal(mmw_track_read(&t.tracks, vm, cache - 1, object, MMW_TRACK_ALLOC, &track, &err),
			 -MMW_E_NODATA);
	assert_non_null(strstr(err.msg, "dentry"));
	stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_object),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}

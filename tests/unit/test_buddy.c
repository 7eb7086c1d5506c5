/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/mm/buddy*.c: each contradiction, planted into memory that has none (fixtures/recipes/mm-check.recipe), is found,
 * and nothing else.
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
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"
#include "lib/mm/buddy.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

enum { MEMORY = 4 << 20, PATCHES_MAX = 12, TEXT_MIN = 10 };

/* Values at physical addresses, and the words (and frames) of what is then found. */
struct fault {
	const char *name;
	struct {
		uint32_t pa;
		uint8_t size;
		uint64_t value;
	} patch[PATCHES_MAX];
	const char *found;
};

/* List heads of zone Normal, and the list_heads of struct pages. */
#define HEAD(order, type) (0xffffffff81051600 + (order) * 0x48 + (type) * 0x10)
#define HEAD_PA(order, type) (0x251600 + (order) * 0x48 + (type) * 0x10)
#define LINK(pfn) (0xffffea0000000008 + (uint64_t)(pfn) * 0x40)
#define LINK_PA(pfn) (0x300008 + (pfn) * 0x40)
#define PRIVATE_PA(pfn) (0x300028 + (pfn) * 0x40)
#define TYPE_PA(pfn) (0x300030 + (pfn) * 0x40)
#define REFS_PA(pfn) (0x300034 + (pfn) * 0x40)
#define FLAGS_PA(pfn) (0x300000 + (pfn) * 0x40)
#define NR_FREE_PA(order) (0x251640 + (order) * 0x48)

enum { STAT_FREE = 0x251940, STAT_BLOCKS = 0x251948, STAT_CMA = 0x251950, MARK = 0xf0000000u, NONE = 0xffffffffu };

static const struct fault faults[] = {
	{ "none", { { 0 } }, "" },
	{ "a list leads back to its middle", { { LINK_PA(0x1c7), 8, LINK(0x1c3) } }, "cycle@1c3" },
	{ "a list leads back to its start", { { LINK_PA(0x1c3), 8, LINK(0x1c1) } }, "cycle@1c1" },
	{ "a page leads to itself", { { LINK_PA(0x1c3), 8, LINK(0x1c3) } }, "cycle@1c3" },
	{ "a link skips a page", { { LINK_PA(0x1c1), 8, LINK(0x1c7) } }, "link@1c7" },
	{ "a list ends in another", { { LINK_PA(0x380), 8, LINK(0x1c3) } }, "two-lists@1c3" },
	{ "a page was added to a second list of its order",
	  { { LINK_PA(0x1c3), 8, HEAD(0, 0) }, { LINK_PA(0x1c3) + 8, 8, HEAD(0, 0) }, { HEAD_PA(0, 0), 8, LINK(0x1c3) },
	    { HEAD_PA(0, 0) + 8, 8, LINK(0x1c3) } }, "two-lists@1c3" },
	{ "a page was added to a list that is walked later",
	  { { LINK_PA(0x1c3), 8, HEAD(0, 3) }, { LINK_PA(0x1c3) + 8, 8, HEAD(0, 3) }, { HEAD_PA(0, 3), 8, LINK(0x1c3) },
	    { HEAD_PA(0, 3) + 8, 8, LINK(0x1c3) } }, "two-lists@1c3 free-pages@- type@1c3" },
	{ "prev leads nowhere", { { LINK_PA(0x1c3) + 8, 8, 0x401000 } }, "link@1c3" },
	{ "the head's prev is not the last page", { { HEAD_PA(0, 1) + 8, 8, LINK(0x1c1) } }, "link@-" },
	{ "next leads into user space", { { LINK_PA(0x1c1), 8, 0x401000 } }, "foreign@-" },
	{ "next leads into the middle of a struct page", { { LINK_PA(0x1c1), 8, LINK(0x1c3) + 8 } }, "foreign@-" },
	{ "a mark is gone", { { TYPE_PA(0x1c3), 4, NONE } }, "unmarked@1c3" },
	{ "a block was taken off its list",
	  { { HEAD_PA(2, 0), 8, HEAD(2, 0) }, { HEAD_PA(2, 0) + 8, 8, HEAD(2, 0) }, { NR_FREE_PA(2), 8, 0 },
	    { STAT_FREE, 8, 0x2d } }, "unlisted@380" },
	{ "a page in use was marked", { { TYPE_PA(0x200), 4, MARK }, { REFS_PA(0x200), 4, 1 } },
	  "unlisted@200 refcount@200" },
	{ "a larger order", { { PRIVATE_PA(0x380), 8, 3 } }, "order@380" },
	{ "a smaller order", { { PRIVATE_PA(0x3a0), 8, 1 } }, "order@3a0" },
	{ "an order that swallows others", { { PRIVATE_PA(0x380), 8, 7 } }, "order@380" },
	{ "an order that is none", { { PRIVATE_PA(0x380), 8, 0x100000017 } }, "order@380" },
	{ "no order, no list", { { TYPE_PA(0x171), 4, MARK }, { PRIVATE_PA(0x171), 8, 0x17 } },
	  "bad-order@171 unlisted@171" },
	{ "no place for that order", { { TYPE_PA(0x171), 4, MARK }, { PRIVATE_PA(0x171), 8, 2 } },
	  "misaligned@171 unlisted@171" },
	{ "a zone that ends too early", { { 0x251010, 8, 0x10 } }, "span@10" },
	{ "nr_free off by one", { { NR_FREE_PA(0), 8, 4 } }, "count@-" },
	{ "nr_free is -1", { { NR_FREE_PA(1), 8, UINT64_MAX } }, "count@-" },
	{ "NR_FREE_PAGES off by one", { { STAT_FREE, 8, 0x32 } }, "free-pages@-" },
	{ "a CPU's difference off by one", { { 0x60200, 1, 0xff } }, "free-pages@-" },
	{ "NR_FREE_PAGES_BLOCKS off by one", { { STAT_BLOCKS, 8, 0x20 } }, "free-blocks@-" },
	{ "NR_FREE_CMA_PAGES off by one", { { STAT_CMA, 8, 9 } }, "free-cma@-" },
	{ "a free page inside a free block", { { TYPE_PA(0x3a4), 4, MARK } }, "unlisted@3a4 overlap@3a4" },
	{ "two buddies",
	  { { TYPE_PA(0x1c6), 4, MARK }, { FLAGS_PA(0x1c6), 8, 1ull << 63 }, { LINK_PA(0x1c7), 8, LINK(0x1c6) },
	    { LINK_PA(0x1c6), 8, HEAD(0, 1) }, { LINK_PA(0x1c6) + 8, 8, LINK(0x1c7) },
	    { HEAD_PA(0, 1) + 8, 8, LINK(0x1c6) }, { NR_FREE_PA(0), 8, 4 }, { STAT_FREE, 8, 0x32 } }, "unmerged@1c6" },
	{ "a page of another zone", { { FLAGS_PA(0x1c3), 8, 0 } }, "zone@1c3" },
	{ "isolated no more, but for its list", { { 0x6302e, 1, 1 } }, "type@3c0" },
	{ "CMA's no more, but for its list", { { 0x63026, 1, 1 } }, "type@2c0" },
	{ "CMA's, but for its list", { { 0x6302d, 1, 2 } }, "type@3a0" },
	{ "a free page that is used", { { REFS_PA(0x1c3), 4, 1 } }, "refcount@1c3" },
	{ "a free block whose last page is used", { { REFS_PA(0x3bf), 4, 2 } }, "refcount@3bf" },
	{ "count of a CPU's lists off by one", { { 0x60500, 4, 3 } }, "pcp-count@-" },
	{ "a page that a CPU keeps was marked", { { TYPE_PA(0x1d0), 4, MARK } },
	  "unlisted@1d0 pcp-free@1d0 pcp-marked@1d0" },
	{ "a page that a CPU keeps is in a free block",
	  { { 0x60520, 8, LINK(0x3a1) }, { LINK_PA(0x3a1), 8, LINK(0x1d4) },
	    { LINK_PA(0x3a1) + 8, 8, 0xffff888000060520 }, { LINK_PA(0x1d4) + 8, 8, LINK(0x3a1) },
	    { TYPE_PA(0x3a1), 4, NONE } }, "pcp-free@3a1" },
};

static struct blob clean;

static int make_image(void **state)
{
	struct phys p;

	(void)state;
	recipe_load(MMW_RECIPES "/mm-check.recipe", false, &p);
	wrap_format_by_name("elf")->write(&p, &clean);
	phys_fini(&p);
	return 0;
}

static int drop_image(void **state)
{
	(void)state;
	blob_fini(&clean);
	return 0;
}

static void plant(const struct fault *f, uint8_t *memory)
{
	for (size_t i = 0; i < PATCHES_MAX && f->patch[i].size; i++)
		put_uint(memory + f->patch[i].pa, f->patch[i].value, f->patch[i].size, false);
}

static size_t add_word(char *text, size_t n, size_t size, const char *word, uint64_t pfn)
{
	n += (size_t)snprintf(text + n, size - n, "%s%s@", n ? " " : "", word);
	if (pfn == MMW_ABSENT)
		return n + (size_t)snprintf(text + n, size - n, "-");
	return n + (size_t)snprintf(text + n, size - n, "%x", (unsigned)pfn);
}

static void describe(const struct mmw_buddy *b, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < b->n_problems; i++)
		n = add_word(text, n, size, mmw_buddy_problem_word(b->problems[i].kind), b->problems[i].pfn);
	for (size_t i = 0; i < b->pcp.n_problems; i++)
		n = add_word(text, n, size, mmw_buddy_pcp_word(b->pcp.problems[i].kind),
			     b->pcp.problems[i].pfn ? b->pcp.problems[i].pfn : MMW_ABSENT);
}

/* Blocks are by address, and each is on the list it says. */
static void check_blocks(const struct mmw_buddy *b)
{
	uint64_t listed = 0, counted = 0;

	for (size_t i = 0; i < b->n_blocks; i++) {
		assert_true(!i || b->blocks[i - 1].pfn < b->blocks[i].pfn);
		assert_true(b->blocks[i].listed || b->blocks[i].marked);
		listed += b->blocks[i].listed;
	}
	for (size_t i = 0; i < b->zones.n * b->zones.orders * b->zones.types; i++)
		counted += b->counts[i];
	assert_int_equal(listed, counted);
}

static void check_fault(const struct fault *f, unsigned threads)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	uint8_t *bytes = malloc(clean.len);
	struct mmw_kernel *k;
	struct mmw_image *img;
	struct mmw_file *file;
	struct mmw_buddy b;
	char text[512];

	assert_non_null(bytes);
	memcpy(bytes, clean.bytes, clean.len);
	plant(f, bytes + (clean.len - MEMORY));
	assert_int_equal(mmw_file_memory(bytes, clean.len, f->name, &file, NULL), 0);
	assert_int_equal(mmw_open_file(file, f->name, NULL, &img, NULL), 0);
	assert_int_equal(mmw_kernel_bind(img, &opts, &k, NULL), 0);
	assert_int_equal(mmw_buddy_check(k, threads, &b, NULL), 0);
	describe(&b, text, sizeof(text));
	if (strcmp(text, f->found))
		print_error("%s\n", f->name);
	assert_string_equal(text, f->found);
	assert_int_equal(b.unknown, 0);
	check_blocks(&b);
	mmw_buddy_close(&b);
	mmw_kernel_close(k);
	mmw_image_close(img);
	free(bytes);
}

static void test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < mmw_array_len(faults); i++) {
		check_fault(&faults[i], 1);
		check_fault(&faults[i], 3);
	}
}

/* Every kind has a word of its own, and a sentence. */
static void test_words(void **state)
{
	struct mmw_buddy b = { 0 };
	char text[256], small[8];

	(void)state;
	for (int i = 0; i < MMW_BUDDY_KINDS; i++) {
		const struct mmw_buddy_problem p = { .kind = (enum mmw_buddy_problem_kind)i, .list = MMW_BUDDY_NO_LIST,
						     .other = MMW_BUDDY_NO_LIST, .addr = 0x1000, .pfn = 1 };

		assert_true(strlen(mmw_buddy_problem_word(p.kind)) > 3);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(mmw_buddy_problem_word((enum mmw_buddy_problem_kind)j),
						mmw_buddy_problem_word(p.kind));
		mmw_buddy_problem_text(&b, &p, text, sizeof(text));
		assert_true(strlen(text) > TEXT_MIN && !strchr(text, '%'));
		mmw_buddy_problem_text(&b, &p, small, sizeof(small));
		assert_int_equal(strlen(small), sizeof(small) - 1);
	}
	for (int i = 0; i <= MMW_PCP_FLAGGED; i++)
		assert_non_null(mmw_buddy_pcp_word((enum mmw_pcp_problem_kind)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("buddy", tests, make_image, drop_image);
}

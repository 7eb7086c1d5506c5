/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each contradiction is called, and how it is said. */
#include "lib/mm/buddy.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/kernel/shadow.h"

/*
 * In the sentences: %P the struct page and its frame, %A its address alone, %l the other list; the numbers found and
 * expected in decimal (%f %e), hex (%F %E) or as node and zone (%z %Z) or migrate type (%t %T); %w why.
 */
static const struct {
	const char *word, *text;
} kinds[MMW_BUDDY_KINDS] = {
	[MMW_BUDDY_UNREADABLE] = { "unreadable", "%f struct pages are %w, from %P on" },
	[MMW_BUDDY_HEAD] = { "head", "the list head at %A is %w" },
	[MMW_BUDDY_FOREIGN] = { "foreign", "the list leads from %F to %A, which is no struct page" },
	[MMW_BUDDY_LOST] = { "lost", "the list leads from %F to %P, which is %w" },
	[MMW_BUDDY_CYCLE] = { "cycle", "the list leads from %F back to %P" },
	[MMW_BUDDY_TWO_LISTS] = { "two-lists", "the list leads from %F to %P, which is on the list of %l" },
	[MMW_BUDDY_LINK] = { "link", "%P: prev is %F but it was reached from %E" },
	[MMW_BUDDY_UNMARKED] = { "unmarked", "%P is on the list but not marked free" },
	[MMW_BUDDY_UNLISTED] = { "unlisted", "%P is marked free but on no list" },
	[MMW_BUDDY_ORDER] = { "order", "%P is on this list, but its order is %f" },
	[MMW_BUDDY_BAD_ORDER] = { "bad-order", "%P is marked free with impossible order %f" },
	[MMW_BUDDY_MISALIGNED] = { "misaligned", "no block of this order can start at %P" },
	[MMW_BUDDY_SPAN] = { "span", "%P lies outside this zone" },
	[MMW_BUDDY_NR_FREE] = { "count", "%f blocks on the lists, but nr_free is %e" },
	[MMW_BUDDY_NR_FREE_PAGES] = { "free-pages", "%f pages on the lists, but NR_FREE_PAGES is %e" },
	[MMW_BUDDY_OVERLAP] = { "overlap", "%P is marked free inside the free block at frame %F" },
	[MMW_BUDDY_UNMERGED] = { "unmerged", "%P and its buddy at frame %F are free, but are two blocks" },
	[MMW_BUDDY_ZONE] = { "zone", "%P has in its flags %z, but is on a list of %Z" },
	[MMW_BUDDY_TYPE] = { "type", "%P is on a list of type %t, but its pageblock is %T" },
	[MMW_BUDDY_REFCOUNT] = { "refcount", "%P is part of a free block, but its count of references is %f" },
	[MMW_BUDDY_FREE_CMA] = { "free-cma", "%f pages of CMA on the lists, but NR_FREE_CMA_PAGES is %e" },
	[MMW_BUDDY_FREE_BLOCKS] = { "free-blocks",
				    "%f pages on the lists of whole pageblocks, but NR_FREE_PAGES_BLOCKS is %e" },
	[MMW_BUDDY_FREE_HIGHATOMIC] = { "free-highatomic",
					"%f HighAtomic pages on the lists, but nr_free_highatomic is %e" },
	[MMW_BUDDY_PCP_FREE] = { "pcp-free", "%P is kept by CPU %f, and part of the free block at frame %E" },
};

static const char *const pcp_words[] = {
	[MMW_PCP_UNREADABLE] = "pcp-unreadable", [MMW_PCP_FOREIGN] = "pcp-foreign", [MMW_PCP_BAD_LINK] = "pcp-link",
	[MMW_PCP_ENDLESS] = "pcp-endless", [MMW_PCP_COUNT] = "pcp-count", [MMW_PCP_WRONG_ZONE] = "pcp-span",
	[MMW_PCP_TWICE] = "pcp-two-lists", [MMW_PCP_REFERENCED] = "pcp-refcount", [MMW_PCP_TYPED] = "pcp-marked",
	[MMW_PCP_FLAGGED] = "pcp-flags",
};

const char *mmw_buddy_problem_word(enum mmw_buddy_problem_kind kind)
{
	return kinds[kind].word;
}

/* Whether the sentence speaks of a number of these letters. */
static bool speaks_of(enum mmw_buddy_problem_kind kind, const char *letters)
{
	for (const char *c = strchr(kinds[kind].text, '%'); c; c = strchr(c + 1, '%'))
		if (strchr(letters, c[1]))
			return true;
	return false;
}

bool mmw_buddy_problem_has_found(enum mmw_buddy_problem_kind kind)
{
	return speaks_of(kind, "fFzt");
}

bool mmw_buddy_problem_has_expected(enum mmw_buddy_problem_kind kind)
{
	return speaks_of(kind, "eEZT");
}

const char *mmw_buddy_pcp_word(enum mmw_pcp_problem_kind kind)
{
	return pcp_words[kind];
}

static void add_list(struct mmw_text *t, const struct mmw_buddy *b, const struct mmw_buddy_list *list)
{
	const struct mmw_zone *z = list->zone >= 0 ? &b->zones.zone[list->zone] : NULL;

	if (z)
		mmw_text_add(t, "node %u zone %s", z->node, z->name);
	if (list->order >= 0)
		mmw_text_add(t, "%sorder %d", z ? ", " : "", list->order);
	if (list->type >= 0)
		mmw_text_add(t, "%s%s", z || list->order >= 0 ? ", " : "", b->zones.type_name[list->type]);
}

/* Node and zone as the problem's numbers have them: node << 32 | zone. */
static void add_zone(struct mmw_text *t, const struct mmw_buddy *b, uint64_t id)
{
	uint64_t node = id >> 32, index = (uint32_t)id;

	for (size_t i = 0; i < b->zones.n; i++) {
		if (b->zones.zone[i].node == node && b->zones.zone[i].index == index) {
			mmw_text_add(t, "node %" PRIu64 " zone %s", node, b->zones.zone[i].name);
			return;
		}
	}
	mmw_text_add(t, "node %" PRIu64 " zone number %" PRIu64, node, index);
}

static void add_type(struct mmw_text *t, const struct mmw_buddy *b, uint64_t type)
{
	if (type < b->zones.types)
		mmw_text_add(t, "%s", b->zones.type_name[type]);
	else
		mmw_text_add(t, "number %" PRIu64, type);
}

static void add_page(struct mmw_text *t, const struct mmw_buddy_problem *p)
{
	if (p->pfn == MMW_ABSENT)
		mmw_text_add(t, "list head 0x%" PRIx64, p->addr);
	else
		mmw_text_add(t, "struct page 0x%" PRIx64 " (frame 0x%" PRIx64 ")", p->addr, p->pfn);
}

static void add_value(struct mmw_text *t, const struct mmw_buddy *b, const struct mmw_buddy_problem *p, char what)
{
	uint64_t value = strchr("fFzt", what) ? p->found : p->expected;

	switch (what) {
	case 'P': add_page(t, p); break;
	case 'A': mmw_text_add(t, "0x%" PRIx64, p->addr); break;
	case 'l': add_list(t, b, &p->other); break;
	case 'w': mmw_text_add(t, "%s", mmw_code_word(p->why)); break;
	case 'f': case 'e': mmw_text_add(t, "%" PRIu64, value); break;
	case 'F': case 'E': mmw_text_add(t, "0x%" PRIx64, value); break;
	case 'z': case 'Z': add_zone(t, b, value); break;
	case 't': case 'T': add_type(t, b, value); break;
	}
}

void mmw_buddy_problem_text(const struct mmw_buddy *b, const struct mmw_buddy_problem *p, char *buf, size_t size)
{
	struct mmw_text t = { buf, size };

	buf[0] = '\0';
	add_list(&t, b, &p->list);
	if (t.left < size)
		mmw_text_add(&t, ": ");
	for (const char *c = kinds[p->kind].text; *c; c++) {
		if (*c == '%')
			add_value(&t, b, p, *++c);
		else
			mmw_text_add(&t, "%c", *c);
	}
}

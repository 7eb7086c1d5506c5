/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each contradiction is called, and how it is said. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/slab/cache.h"
#include "lib/slab/problem.h"

/*
 * In the sentences: %A the address, %O the object; what was found and expected in decimal (%f %e), hex (%F %E), as two digits
 * (%X) or as a cache (%C); %L how a list ends; %w why; %B which bytes, %b what is there.
 */
static const struct {
	const char *word, *text;
} kinds[MMW_SLAB_PROBLEM_KINDS] = {
	[MMW_SLAB_CACHE_LIST] = { "cache-list", "the list of caches %L at %A, after %F%w" },
	[MMW_SLAB_BAD_CACHE] = { "bad-cache", "the numbers at %A are no cache's" },
	[MMW_SLAB_SECRET] = { "secret", "its free objects lead nowhere by its number %F, but from one to the next by %E" },
	[MMW_SLAB_NODE_UNREADABLE] = { "node-unreadable", "what is at %A of the node cannot be read%w" },
	[MMW_SLAB_CPU_UNREADABLE] = { "cpu-unreadable", "what is at %A of the CPU cannot be read%w" },
	[MMW_SLAB_LIST_BROKEN] = { "list-broken", "a list %L at %A, after %F%w" },
	[MMW_SLAB_LINK] = { "link", "the list leads from %E to %A, which says that %F is before it" },
	[MMW_SLAB_LIST_COUNT] = { "list-count", "%f on the list, but its counter says %e" },
	[MMW_SLAB_FOREIGN] = { "foreign", "%A, on a list of slabs, is none" },
	[MMW_SLAB_OTHER_CACHE] = { "other-cache", "%A, on a list of the cache, is a slab of %C" },
	[MMW_SLAB_TWO_LISTS] = { "two-lists", "%A is on two lists" },
	[MMW_SLAB_UNLISTED_CACHE] = { "unlisted-cache", "the slab is of a cache at %F, which is not on the list of caches" },
	[MMW_SLAB_GEOMETRY] = { "geometry", "it says that it has %f objects, but there is room for %e" },
	[MMW_SLAB_INUSE] = { "inuse", "it says that %f objects are in use, of %e" },
	[MMW_SLAB_FREE_OUTSIDE] = { "free-outside", "the free list leads from %F to %A, which is no object of the slab" },
	[MMW_SLAB_FREE_LOOP] = { "free-loop", "the free list leads from %F back to %A" },
	[MMW_SLAB_FREE_UNREADABLE] = { "free-unreadable", "the link of the free object %A cannot be read%w" },
	[MMW_SLAB_FREE_COUNT] = { "free-count", "%f objects on the free list, but by its counters there are %e" },
	[MMW_SLAB_HELD_FOREIGN] = { "held-foreign", "%A is held for the next who asks, but is no object of the cache" },
	[MMW_SLAB_HELD_TWICE] = { "held-twice", "%A is held for two who ask, or held and free in its slab as well" },
	[MMW_SLAB_SHEAF_SIZE] = { "sheaf-size", "the sheaf at %A has %f objects where %e should be, or at most" },
	[MMW_SLAB_SHEAF_CACHE] = { "sheaf-cache", "the sheaf at %A says that it is of %C" },
	[MMW_SLAB_STRAY] = { "stray", "%f objects are free, but the slab is on no list" },
	[MMW_SLAB_FULL_LISTED] = { "full-listed", "all %e objects are in use, but the slab is on the list of those with free ones" },
	[MMW_SLAB_FROZEN] = { "frozen", "frozen is %f, and should be %e where the slab is" },
	[MMW_SLAB_PARTIAL_MARK] = { "partial-mark", "the mark of a slab on its node's list is %f, and should be %e where it is" },
	[MMW_SLAB_WRONG_NODE] = { "wrong-node", "%A is on the list of node %e, but its memory is of node %f" },
	[MMW_SLAB_PAGE] = { "page", "its page %A says that the first page is %F" },
	[MMW_SLAB_PAGE_FLAGS] = { "page-flags", "the struct page has flags that a slab never has: %F" },
	[MMW_SLAB_TOTAL_SLABS] = { "total-slabs", "%f slabs were found, but its counter says %e" },
	[MMW_SLAB_TOTAL_OBJECTS] = { "total-objects", "%f objects were found, but its counter says %e" },
	[MMW_SLAB_RED_ZONE] = { "red-zone", "%B of the red zone around %O: %b where %X should be" },
	[MMW_SLAB_POISON] = { "poison", "%B of the free object %O: %b where %X should be" },
	[MMW_SLAB_PADDING] = { "padding", "%B of the padding behind %O: %b where %X should be" },
	[MMW_SLAB_FREE_POINTER] = { "free-pointer", "the link that %O has from when it was free leads to %F, no object of the slab" },
};

const char *mmw_slab_problem_name(enum mmw_slab_problem_kind kind)
{
	return kinds[kind].word;
}

/* Whether the sentence speaks of something with one of these letters. */
static bool speaks_of(enum mmw_slab_problem_kind kind, const char *letters)
{
	for (const char *c = strchr(kinds[kind].text, '%'); c; c = strchr(c + 1, '%'))
		if (strchr(letters, c[1]))
			return true;
	return false;
}

bool mmw_slab_problem_has_found(enum mmw_slab_problem_kind kind)
{
	return speaks_of(kind, "fFCb");
}

bool mmw_slab_problem_has_expected(enum mmw_slab_problem_kind kind)
{
	return speaks_of(kind, "eEX");
}

bool mmw_slab_problem_has_bytes(enum mmw_slab_problem_kind kind)
{
	return speaks_of(kind, "B");
}

static void add_cache(struct mmw_text *t, const struct mmw_caches *caches, uint64_t va)
{
	const struct mmw_cache *c = mmw_cache_at(caches, va);

	if (c)
		mmw_text_add(t, "%s", c->name);
	else
		mmw_text_add(t, "cache 0x%" PRIx64, va);
}

static void add_object(struct mmw_text *t, uint64_t va)
{
	if (va)
		mmw_text_add(t, "0x%" PRIx64, va);
	else
		mmw_text_add(t, "the last object");
}

static void add_bytes(struct mmw_text *t, const struct mmw_slab_problem *p)
{
	uint64_t more = p->last - p->addr;

	for (uint64_t i = 0; i <= more && i < sizeof(p->bytes); i++)
		mmw_text_add(t, "%s%02x", i ? " " : "", p->bytes[i]);
	if (more >= sizeof(p->bytes))
		mmw_text_add(t, " ...");
}

static void add_why(struct mmw_text *t, enum mmw_code why)
{
	if (why)
		mmw_text_add(t, " (%s)", mmw_code_word(why));
}

static void add_value(struct mmw_text *t, const struct mmw_caches *caches, const struct mmw_slab_problem *p, char what)
{
	switch (what) {
	case 'A': mmw_text_add(t, "0x%" PRIx64, p->addr); break;
	case 'O': add_object(t, p->object); break;
	case 'f': mmw_text_add(t, "%" PRIu64, p->found); break;
	case 'e': mmw_text_add(t, "%" PRIu64, p->expected); break;
	case 'F': mmw_text_add(t, "0x%" PRIx64, p->found); break;
	case 'E': mmw_text_add(t, "0x%" PRIx64, p->expected); break;
	case 'X': mmw_text_add(t, "%02" PRIx64, p->expected); break;
	case 'C': add_cache(t, caches, p->found); break;
	case 'L': mmw_text_add(t, "%s", mmw_list_end_text((enum mmw_list_end)p->expected)); break;
	case 'w': add_why(t, p->why); break;
	case 'B': mmw_text_add(t, "[0x%" PRIx64 ", 0x%" PRIx64 "]", p->addr, p->last); break;
	case 'b': add_bytes(t, p); break;
	}
}

void mmw_slab_problem_text(const struct mmw_caches *caches, const struct mmw_slab_problem *p, char *buf, size_t size)
{
	struct mmw_text t = { buf, size };

	buf[0] = '\0';
	if (p->cache)
		add_cache(&t, caches, p->cache);
	if (p->slab)
		mmw_text_add(&t, "%sslab 0x%" PRIx64, t.left < size ? ", " : "", p->slab);
	if (p->cpu >= 0)
		mmw_text_add(&t, "%sCPU %" PRId64, t.left < size ? ", " : "", p->cpu);
	else if (p->node >= 0)
		mmw_text_add(&t, "%snode %" PRId64, t.left < size ? ", " : "", p->node);
	if (t.left < size)
		mmw_text_add(&t, ": ");
	for (const char *c = kinds[p->kind].text; *c; c++) {
		if (*c == '%')
			add_value(&t, caches, p, *++c);
		else
			mmw_text_add(&t, "%c", *c);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/secret.h"

#include "lib/base/bytes.h"

/* What is left of a link when where it is written is taken out: next ^ random. */
static int read_link(struct mmw_secret *s, uint64_t at, uint64_t *out)
{
	uint64_t link, place = at & s->mask;
	int rc;

	if (!s->budget)
		return -MMW_E_LIMIT;
	s->budget--;
	rc = mmw_vm_read_uint(s->vm, at, s->word, &link, NULL);
	if (s->swab)
		place = s->word == 8 ? __builtin_bswap64(place) : __builtin_bswap32((uint32_t)place);
	*out = rc ? 0 : (link ^ place) & s->mask;
	return rc;
}

uint32_t mmw_secret_follow(struct mmw_secret *s, const struct mmw_secret_list *list, uint64_t random)
{
	uint64_t at = list->first, link, offset;
	uint32_t n = 0, index;

	while (at) {
		if (n++ == list->slab.objects || !mmw_slab_object(&list->slab, at, &index, &offset) || offset ||
		    read_link(s, at + list->slab.cache->offset, &link))
			return 0;
		at = link ^ (random & s->mask);
	}
	return !list->free || n == list->free ? n : 0;
}

static size_t votes(struct mmw_secret *s, const struct mmw_secret_list *lists, size_t n, uint64_t random)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += mmw_secret_follow(s, &lists[i], random) > 0;
	return found;
}

/* The number by which this list ends; in *objects how many it then has. */
static bool solve(struct mmw_secret *s, const struct mmw_secret_list *list, uint64_t *random, uint32_t *objects)
{
	uint64_t link;

	*objects = 0;
	if (read_link(s, list->first + list->slab.cache->offset, &link))
		return false;
	for (uint32_t i = 0; i < list->slab.objects && !*objects && s->budget; i++) {
		*random = link ^ mmw_slab_object_va(&list->slab, i);
		*objects = mmw_secret_follow(s, list, *random);
	}
	if (!*objects) {
		*random = link;
		*objects = mmw_secret_follow(s, list, *random);
	}
	return *objects > 0;
}

bool mmw_secret_find(struct mmw_secret *s, const struct mmw_secret_list *lists, size_t n, uint64_t *random)
{
	size_t best = 0;

	for (size_t i = 0; i < n && 2 * best <= n; i++) {
		uint64_t candidate;
		uint32_t objects;
		size_t found;

		if (!solve(s, &lists[i], &candidate, &objects))
			continue;
		found = votes(s, lists, n, candidate);
		if (found > best && (found > 1 || objects > 1)) {
			best = found;
			*random = candidate;
		}
	}
	return best > 0;
}

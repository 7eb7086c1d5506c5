/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of 64-bit keys: open addressing, doubled when half full. Zeroed storage is an empty set. */
#ifndef MMW_BASE_SET_H
#define MMW_BASE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/err.h"

struct mmw_set {
	uint64_t *keys;  /* key + 1; 0 is a free place. The key UINT64_MAX cannot be kept */
	size_t n, mask;
};

static inline size_t mmw_set_place(const struct mmw_set *s, uint64_t key)
{
	size_t at = (key * 0x9e3779b97f4a7c15u >> 32) & s->mask;

	while (s->keys[at] && s->keys[at] != key + 1)
		at = (at + 1) & s->mask;
	return at;
}

static inline int mmw_set_grow(struct mmw_set *s)
{
	struct mmw_set grown = { .mask = s->mask ? 2 * s->mask + 1 : 255, .n = s->n };

	grown.keys = calloc(grown.mask + 1, sizeof(*grown.keys));
	if (!grown.keys)
		return -MMW_E_NOMEM;
	for (size_t i = 0; s->keys && i <= s->mask; i++)
		if (s->keys[i])
			grown.keys[mmw_set_place(&grown, s->keys[i] - 1)] = s->keys[i];
	free(s->keys);
	*s = grown;
	return 0;
}

/* 1: it is new and now in the set; 0: it was there; or -MMW_E_NOMEM. */
static inline int mmw_set_add(struct mmw_set *s, uint64_t key)
{
	size_t at;

	if (2 * s->n >= s->mask && mmw_set_grow(s))
		return -MMW_E_NOMEM;
	at = mmw_set_place(s, key);
	if (s->keys[at])
		return 0;
	s->keys[at] = key + 1;
	s->n++;
	return 1;
}

static inline void mmw_set_free(struct mmw_set *s)
{
	free(s->keys);
	*s = (struct mmw_set){ 0 };
}

#endif

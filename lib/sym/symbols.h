/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source of symbols can answer. Sources are asked in the order of a chain, and every answer names its source:
 * kallsyms, a file of the user's, VMCOREINFO's SYMBOL lines, the exported symbols.
 */
#ifndef MMW_SYM_SYMBOLS_H
#define MMW_SYM_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum { MMW_KSYM_NAME_MAX = 512 };  /* with its NUL: KSYM_NAME_LEN since 6.1 */

struct mmw_ksym {
	uint64_t addr;
	char type;  /* nm's letter; '?' where the source does not say */
	char name[MMW_KSYM_NAME_MAX];
};

struct mmw_symsrc {
	const char *name;  /* "kallsyms" */
	const void *src;
	size_t (*count)(const void *src);
	/* Number `index` in the source's own order. */
	int (*at)(const void *src, size_t index, struct mmw_ksym *out, struct mmw_err *err);
	/* Start at index *pos: the next symbol of that name, 1 with *out and *pos behind it, or 0. */
	int (*by_name)(const void *src, const char *name, size_t *pos, struct mmw_ksym *out);
	/*
	 * The first of the symbols at the highest address <= va, false below the first and behind the last. NULL where a
	 * source has too few symbols to tell what lies in which.
	 */
	bool (*by_addr)(const void *src, uint64_t va, struct mmw_ksym *out);
	/* The lowest address behind va that has a symbol. NULL where by_addr is. */
	bool (*next)(const void *src, uint64_t va, uint64_t *out);
	/* Where it has this one from, more exactly than its own name says; NULL where there is no more to say. */
	const char *(*origin)(const void *src, const char *name);
};

#endif

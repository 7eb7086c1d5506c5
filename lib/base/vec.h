/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing an array: the one place that multiplies a count by a size. */
#ifndef MMW_BASE_VEC_H
#define MMW_BASE_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/err.h"

/* Make room for `need` elements of `elem` bytes in *items (capacity *cap); doubles, never shrinks. */
static inline int mmw_vec_reserve(void *items_ptr, size_t *cap, size_t need, size_t elem, struct mmw_err *err)
{
	void **items = items_ptr, *grown;
	size_t want = *cap ? *cap : 16;

	if (need <= *cap)
		return 0;
	while (want < need && want <= SIZE_MAX / 2)
		want *= 2;
	if (want < need || want > SIZE_MAX / elem)
		return mmw_fail(err, MMW_E_NOMEM, 0, "an array of %zu elements is too large", need);
	grown = realloc(*items, want * elem);
	if (!grown)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu elements of %zu bytes", want, elem);
	*items = grown;
	*cap = want;
	return 0;
}

#define mmw_array_len(a) (sizeof(a) / sizeof((a)[0]))

#endif

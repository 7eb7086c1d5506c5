/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/types.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"

int mmw_path_next(const char *path, const char **at, struct mmw_path_step *out, struct mmw_err *err)
{
	const char *p = *at;
	char *end;

	*out = (struct mmw_path_step){ .name = NULL };
	if (!*p)
		return 0;
	if (*p == '[' && p[1] >= '0' && p[1] <= '9') {
		out->index = strtoull(p + 1, &end, 10);
		*at = end + 1;
		if (*end == ']')
			return 1;
	} else if (p == path || *p == '.') {
		out->name = p + (p != path);
		out->len = strcspn(out->name, ".[]");
		*at = out->name + out->len;
		if (out->len)
			return 1;
	}
	return mmw_fail(err, MMW_E_ARG, 0, "'%s' is no path to a member", path);
}

int mmw_member_place_bits(uint64_t bit, uint64_t bits, uint64_t size, bool big_endian, struct mmw_member *out,
			  struct mmw_err *err)
{
	uint64_t unit = 1, start = bit / 8;

	if (size > UINT32_MAX || !bits || !mmw_fits(bit, bits, size * 8))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "a bit field is not inside");
	while (unit * 8 < bit % 8 + bits)
		unit *= 2;
	if (unit > 8 || unit > size)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "a bit field no word holds");
	if (start + unit > size)
		start = size - unit;
	out->offset = start;
	out->size = unit;
	out->bit_size = (uint8_t)bits;
	out->bit_offset = (uint8_t)(bit - start * 8);
	if (big_endian)
		out->bit_offset = (uint8_t)(unit * 8 - out->bit_offset - bits);
	return 0;
}

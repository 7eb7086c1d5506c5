/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/memblock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"

enum { RANGES_MAX = 1 << 16 };

struct type_rec {
	uint64_t count, regions;
};

static const struct mmw_field type_fields[] = {
	MMW_FIELD(type_rec, count, "cnt"),
	MMW_FIELD(type_rec, regions, "regions"),
};

static const struct mmw_field region_fields[] = {
	MMW_FIELD(mmw_memblock_range, pa, "base"),
	MMW_FIELD(mmw_memblock_range, len, "size"),
	MMW_FIELD(mmw_memblock_range, flags, "flags"),
};

static int read_ranges(struct mmw_kernel *k, const struct mmw_shadow *region, const struct type_rec *type,
		       struct mmw_memblock *out, struct mmw_err *err)
{
	uint64_t end = 0;
	int rc = 0;

	if (!type->count || type->count > RANGES_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, type->regions, "a list of %" PRIu64 " ranges", type->count);
	out->range = calloc(type->count, sizeof(*out->range));
	if (!out->range)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %" PRIu64 " ranges", type->count);
	for (uint64_t i = 0; !rc && i < type->count; i++) {
		struct mmw_memblock_range *r = &out->range[i];

		rc = mmw_shadow_read(region, mmw_kernel_vm(k), type->regions + i * region->size, r, err);
		if (!rc && (!r->len || r->pa < end || r->len > UINT64_MAX - r->pa))
			rc = mmw_fail(err, MMW_E_CORRUPT, type->regions + i * region->size, "the list is not in order");
		end = rc ? 0 : r->pa + r->len;
		out->n += !rc;
	}
	return rc;
}

int mmw_memblock_open(struct mmw_kernel *k, const char *list, struct mmw_memblock *out, struct mmw_err *err)
{
	struct mmw_shadow type_shadow, region_shadow;
	struct mmw_member m;
	struct type_rec type;
	uint64_t va;
	int rc = mmw_kernel_symbol(k, "memblock", &va, NULL, err);

	memset(out, 0, sizeof(*out));
	rc = rc ? rc : mmw_kernel_member(k, "memblock", list, &m, NULL, err);
	rc = rc ? rc : mmw_shadow_bind(k, "memblock_type", type_fields, mmw_array_len(type_fields), &type_shadow, err);
	rc = rc ? rc : mmw_shadow_bind(k, "memblock_region", region_fields, mmw_array_len(region_fields), &region_shadow,
				       err);
	rc = rc ? rc : mmw_shadow_read(&type_shadow, mmw_kernel_vm(k), va + m.offset, &type, err);
	rc = rc ? rc : read_ranges(k, &region_shadow, &type, out, err);
	if (rc)
		mmw_memblock_close(out);
	return rc ? mmw_wrap(err, rc, "memblock.%s", list) : 0;
}

void mmw_memblock_close(struct mmw_memblock *m)
{
	free(m->range);
	m->range = NULL;
	m->n = 0;
}

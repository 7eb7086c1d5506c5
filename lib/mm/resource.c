/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/resource.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/set.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"

struct resource_rec {
	uint64_t start, end, name, sibling, child;
};

static const struct mmw_field fields[] = {
	MMW_FIELD(resource_rec, start, "start"),
	MMW_FIELD(resource_rec, end, "end"),
	MMW_FIELD(resource_rec, name, "name"),
	MMW_FIELD(resource_rec, sibling, "sibling"),
	MMW_FIELD(resource_rec, child, "child"),
};

static int add(struct mmw_resources *r, struct mmw_vm *vm, uint64_t va, unsigned depth, const struct resource_rec *rec,
	       struct mmw_err *err)
{
	struct mmw_resource *item;
	int rc = mmw_vec_reserve(&r->item, &r->cap, r->n + 1, sizeof(*item), err);

	if (rc)
		return rc;
	item = &r->item[r->n++];
	*item = (struct mmw_resource){ .va = va, .first = rec->start, .last = rec->end, .depth = depth };
	mmw_vm_read_text(vm, rec->name, item->name, sizeof(item->name), NULL);
	return 0;
}

/* Depth first; where each level goes on is kept, so nothing recurses. One that was met before leads nowhere. */
static int read_all(struct mmw_resources *r, const struct mmw_shadow *s, struct mmw_vm *vm, uint64_t first,
		    struct mmw_set *seen, struct mmw_err *err)
{
	uint64_t next[MMW_RESOURCE_DEPTH] = { first };
	unsigned depth = 0;

	for (;;) {
		struct resource_rec rec = { 0 };
		uint64_t va = next[depth];
		int rc;

		if (!va && !depth--)
			return 0;
		if (!va)
			continue;
		rc = mmw_set_add(seen, va);
		if (rc < 0)
			return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for resources");
		if (!rc || r->n == MMW_RESOURCES_MAX || mmw_shadow_read(s, vm, va, &rec, NULL) || rec.end < rec.start) {
			r->broken = true;
			next[depth] = 0;
			continue;
		}
		next[depth] = rec.sibling;
		rc = add(r, vm, va, depth, &rec, err);
		if (rc)
			return rc;
		if (rec.child && depth + 1 < MMW_RESOURCE_DEPTH)
			next[++depth] = rec.child;
		else
			r->broken |= rec.child != 0;
	}
}

int mmw_resources_open(struct mmw_kernel *k, struct mmw_resources *out, struct mmw_err *err)
{
	struct mmw_vm *vm = mmw_kernel_vm(k);
	struct mmw_set seen = { 0 };
	struct resource_rec root;
	struct mmw_shadow s;
	uint64_t va;
	int rc = mmw_kernel_symbol(k, "iomem_resource", &va, NULL, err);

	memset(out, 0, sizeof(*out));
	rc = rc ? rc : mmw_shadow_bind(k, "resource", fields, mmw_array_len(fields), &s, err);
	rc = rc ? rc : mmw_shadow_read(&s, vm, va, &root, err);
	rc = rc ? rc : read_all(out, &s, vm, root.child, &seen, err);
	mmw_set_free(&seen);
	if (rc)
		mmw_resources_close(out);
	return rc ? mmw_wrap(err, rc, "resources") : 0;
}

void mmw_resources_close(struct mmw_resources *r)
{
	free(r->item);
	memset(r, 0, sizeof(*r));
}

const struct mmw_resource *mmw_resource_at(const struct mmw_resources *r, uint64_t pa)
{
	const struct mmw_resource *found = NULL;

	for (size_t i = 0; i < r->n; i++)
		if (pa >= r->item[i].first && pa <= r->item[i].last && (!found || r->item[i].depth >= found->depth))
			found = &r->item[i];
	return found;
}

const struct mmw_resource *mmw_resource_around(const struct mmw_resources *r, const struct mmw_resource *inner)
{
	for (const struct mmw_resource *at = inner; at > r->item; )
		if ((--at)->depth < inner->depth)
			return at;
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/vmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"

enum {
	NODES_MAX = 1024,
	DEPTH_MAX = 128,  /* of a red-black tree, were it twice as large as memory */
};

struct area_rec {
	uint64_t start, end, vm, next, left, right;
};

static const struct mmw_field area_fields[] = {
	MMW_FIELD(area_rec, start, "va_start"),
	MMW_FIELD(area_rec, end, "va_end"),
	MMW_FIELD(area_rec, vm, "vm"),
	MMW_FIELD(area_rec, next, "list.next"),
	MMW_FIELD(area_rec, left, "rb_node.rb_left"),
	MMW_FIELD(area_rec, right, "rb_node.rb_right"),
};

static const struct mmw_field vm_fields[] = {
	MMW_FIELD(mmw_vm_area, size, "size"),
	MMW_FIELD(mmw_vm_area, flags, "flags"),
	MMW_FIELD(mmw_vm_area, pages, "nr_pages"),
	MMW_FIELD(mmw_vm_area, phys, "phys_addr"),
	MMW_FIELD(mmw_vm_area, caller, "caller"),
};

struct opening {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	struct mmw_vmaps *out;
	struct mmw_shadow area;
	struct mmw_member list, node;
	unsigned word;
};

static int take(struct opening *o, uint64_t va, struct area_rec *rec, struct mmw_err *err)
{
	struct mmw_vmaps *v = o->out;
	int rc;

	if (v->n == MMW_VMAPS_MAX || mmw_shadow_read(&o->area, o->vm, va, rec, NULL) || rec->end <= rec->start) {
		v->broken = true;
		return 0;
	}
	rc = mmw_vec_reserve(&v->area, &v->cap, v->n + 1, sizeof(*v->area), err);
	if (rc)
		return rc;
	v->area[v->n++] = (struct mmw_vmap){ rec->start, rec->end - 1, rec->vm };
	return 1;
}

static int read_list(struct opening *o, uint64_t head, struct mmw_err *err)
{
	uint64_t at;
	int rc = mmw_vm_read_uint(o->vm, head, o->word, &at, err);

	if (rc)
		return rc;
	while (at != head) {
		struct area_rec rec;

		rc = take(o, at - o->list.offset, &rec, err);
		if (rc <= 0)
			return rc;
		at = rec.next;
	}
	return 0;
}

/* Every node is taken before those below it; what is still to be looked at is kept, so nothing recurses. */
static int read_tree(struct opening *o, uint64_t root, struct mmw_err *err)
{
	uint64_t left[DEPTH_MAX];
	unsigned n = 0;

	if (root)
		left[n++] = root;
	while (n) {
		struct area_rec rec;
		int rc = take(o, left[--n] - o->node.offset, &rec, err);

		if (rc < 0)
			return rc;
		if (!rc)
			continue;
		if (n + 2 > DEPTH_MAX) {
			o->out->broken = true;
			continue;
		}
		if (rec.right)
			left[n++] = rec.right;
		if (rec.left)
			left[n++] = rec.left;
	}
	return 0;
}

static int read_nodes(struct opening *o, struct mmw_err *err)
{
	struct mmw_member root;
	uint64_t nodes, n, size, va;
	int rc = mmw_kernel_variable(o->k, "vmap_nodes", o->word, &nodes, err);

	rc = rc ? rc : mmw_kernel_variable(o->k, "nr_vmap_nodes", 4, &n, err);
	rc = rc ? rc : mmw_kernel_member(o->k, "vmap_node", "busy.root.rb_node", &root, NULL, err);
	rc = rc ? rc : mmw_kernel_type_size(o->k, "vmap_node", &size, err);
	if (!rc && (!n || n > NODES_MAX))
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "%" PRIu64 " vmap_nodes", n);
	for (uint64_t i = 0; !rc && i < n; i++) {
		rc = mmw_vm_read_uint(o->vm, nodes + i * size + root.offset, o->word, &va, err);
		rc = rc ? rc : read_tree(o, va, err);
	}
	return rc;
}

static int by_address(const void *a, const void *b)
{
	const struct mmw_vmap *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

int mmw_vmaps_open(struct mmw_kernel *k, struct mmw_vmaps *out, struct mmw_err *err)
{
	struct opening o = { .k = k, .vm = mmw_kernel_vm(k), .out = out, .word = mmw_kernel_arch(k)->word };
	uint64_t head;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = mmw_shadow_bind(k, "vmap_area", area_fields, mmw_array_len(area_fields), &o.area, err);
	rc = rc ? rc : mmw_shadow_bind(k, "vm_struct", vm_fields, mmw_array_len(vm_fields), &out->vm, err);
	rc = rc ? rc : mmw_kernel_member(k, "vmap_area", "list", &o.list, NULL, err);
	rc = rc ? rc : mmw_kernel_member(k, "vmap_area", "rb_node", &o.node, NULL, err);
	if (!rc)
		rc = mmw_kernel_symbol(k, "vmap_area_list", &head, NULL, NULL);
	rc = rc == -MMW_E_NOSYM ? read_nodes(&o, err) : rc ? rc : read_list(&o, head, err);
	if (rc) {
		mmw_vmaps_close(out);
		return mmw_wrap(err, rc, "vmalloc areas");
	}
	if (out->n)
		qsort(out->area, out->n, sizeof(*out->area), by_address);
	return 0;
}

void mmw_vmaps_close(struct mmw_vmaps *v)
{
	free(v->area);
	v->area = NULL;
	v->n = v->cap = 0;
}

const struct mmw_vmap *mmw_vmap_at(const struct mmw_vmaps *v, uint64_t va)
{
	size_t lo = 0, hi = v->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->area[mid].last < va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->n && va >= v->area[lo].first ? &v->area[lo] : NULL;
}

int mmw_vmap_read(const struct mmw_vmaps *v, struct mmw_vm *vm, const struct mmw_vmap *area, struct mmw_vm_area *out,
		  struct mmw_err *err)
{
	if (!area->vm)
		return mmw_fail(err, MMW_E_NODATA, area->first, "the area at 0x%" PRIx64 " has no vm_struct",
				area->first);
	return mmw_shadow_read(&v->vm, vm, area->vm, out, err);
}

const char *mmw_vmap_kind(const struct mmw_vm_area *area)
{
	static const struct { uint64_t flag; const char *name; } kinds[] = {
		{ 1, "ioremap" }, { 2, "vmalloc" }, { 4, "vmap" }, { 8, "user" }, { 0x10, "dma-coherent" },
		{ 0x1000, "sparse" },
	};

	for (size_t i = 0; i < mmw_array_len(kinds); i++)
		if (area->flags & kinds[i].flag)
			return kinds[i].name;
	return NULL;
}

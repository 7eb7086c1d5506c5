/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kernel/stackdepot.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"

enum {
	ALIGN_SHIFT = 4,   /* DEPOT_STACK_ALIGN */
	POOLS_MAX = 8192,  /* DEPOT_POOLS_CAP: so many pools are in the array at most */
};

struct handle_rec {
	uint64_t index, offset, valid;
};

static const struct mmw_field handle_fields[] = {
	MMW_FIELD(handle_rec, index, "pool_index_plus_1|pool_index|slabindex"),
	MMW_FIELD(handle_rec, offset, "offset"),
	MMW_FIELD_OPT(handle_rec, valid, "valid"),
};

struct stack_rec {
	uint64_t size, handle, count;
};

static const struct mmw_field stack_fields[] = {
	MMW_FIELD(stack_rec, size, "size"),
	MMW_FIELD(stack_rec, handle, "handle.handle"),
	MMW_FIELD_OPT(stack_rec, count, "count.refs.counter"),
};

static void take_handle(const struct mmw_stackdepot *d, uint32_t handle, struct handle_rec *out)
{
	uint8_t bytes[4];

	mmw_put_word(bytes, handle, sizeof(bytes), d->be);
	mmw_shadow_take(&d->handle, bytes, d->be, out);
}

/* An array as long as it can ever be; since 7.2 as long as stack_max_pools says, and a pointer leads to it. */
static int find_pools(struct mmw_kernel *k, struct mmw_stackdepot *out, struct mmw_err *err)
{
	int rc = mmw_kernel_symbol(k, "stack_pools", &out->pools, NULL, NULL);

	out->n = POOLS_MAX;
	if (rc)
		rc = mmw_kernel_symbol(k, "stack_slabs", &out->pools, NULL, err);
	if (rc || mmw_kernel_variable(k, "stack_max_pools", 4, &out->n, NULL))
		return rc;
	rc = mmw_vm_read_uint(mmw_kernel_vm(k), out->pools, out->word, &out->pools, err);
	return rc || out->pools ? rc : mmw_fail(err, MMW_E_NODATA, 0, "there are no pools");
}

static int bind(struct mmw_kernel *k, struct mmw_stackdepot *out, struct mmw_err *err)
{
	struct mmw_member entries, offset, valid;
	int rc = mmw_shadow_bind(k, "handle_parts", handle_fields, mmw_array_len(handle_fields), &out->handle, err);

	rc = rc ? rc : mmw_shadow_bind(k, "stack_record", stack_fields, mmw_array_len(stack_fields), &out->record, err);
	rc = rc ? rc : mmw_kernel_member(k, "stack_record", "entries", &entries, NULL, err);
	rc = rc ? rc : mmw_kernel_member(k, "handle_parts", "offset", &offset, NULL, err);
	if (rc)
		return rc;
	if (out->handle.last >= 4 || !offset.bit_size)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "union handle_parts is no 32 bits of fields");
	out->first = mmw_kernel_member(k, "handle_parts", "valid", &valid, NULL, NULL) ? 1 : 0;
	out->entries = entries.offset;
	out->pool_size = 1ull << (offset.bit_size + ALIGN_SHIFT);
	return 0;
}

static void start(struct mmw_kernel *k, struct mmw_stackdepot *out)
{
	memset(out, 0, sizeof(*out));
	out->word = mmw_kernel_arch(k)->word;
	out->be = mmw_image_big_endian(mmw_kernel_image(k));
}

int mmw_stackdepot_open(struct mmw_kernel *k, struct mmw_stackdepot *out, struct mmw_err *err)
{
	int rc;

	start(k, out);
	rc = bind(k, out, err);
	rc = rc ? rc : find_pools(k, out, err);
	return rc ? mmw_wrap(err, rc, "stack depot") : 0;
}

bool mmw_stackdepot_holds(struct mmw_kernel *k, uint64_t va)
{
	struct mmw_vm *vm = mmw_kernel_vm(k);
	struct mmw_stackdepot d;
	struct handle_rec first;
	struct stack_rec rec;
	uint64_t pool;

	start(k, &d);
	if (bind(k, &d, NULL) || mmw_vm_read_uint(vm, va, d.word, &pool, NULL) || !pool ||
	    mmw_shadow_read(&d.record, vm, pool, &rec, NULL))
		return false;
	take_handle(&d, (uint32_t)rec.handle, &first);
	return first.index == d.first && !first.offset && first.valid && rec.size && rec.size <= MMW_STACK_MAX;
}

int mmw_stack_read(struct mmw_vm *vm, uint64_t va, unsigned word, unsigned n, struct mmw_stack *out, struct mmw_err *err)
{
	bool be = vm->walk.space->paging.big_endian;
	uint8_t bytes[MMW_STACK_MAX * 8];
	int rc;

	out->n = 0;
	if (n > MMW_STACK_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, va, "a stack of %u frames", n);
	rc = n ? mmw_vm_read(vm, va, bytes, (size_t)n * word, err) : 0;
	if (rc)
		return rc;
	for (unsigned i = 0; i < n; i++)
		out->addr[i] = mmw_get_word(bytes + (size_t)i * word, word, be);
	out->n = n;
	return 0;
}

int mmw_stackdepot_fetch(const struct mmw_stackdepot *d, struct mmw_vm *vm, uint32_t handle, struct mmw_stack *out,
			 struct mmw_err *err)
{
	struct handle_rec at, said;
	struct stack_rec rec;
	uint64_t pool = 0, va;
	int rc;

	out->n = 0;
	take_handle(d, handle, &at);
	if (at.index < d->first || at.index - d->first >= d->n || !at.valid)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "0x%" PRIx32 " is no handle of a stack", handle);
	rc = mmw_vm_read_uint(vm, d->pools + (at.index - d->first) * d->word, d->word, &pool, err);
	va = pool + (at.offset << ALIGN_SHIFT);
	if (!rc && !pool)
		rc = mmw_fail(err, MMW_E_CORRUPT, 0, "there is no pool %" PRIu64, at.index - d->first);
	rc = rc ? rc : mmw_shadow_read(&d->record, vm, va, &rec, err);
	if (rc)
		return mmw_wrap(err, rc, "stack 0x%" PRIx32, handle);
	take_handle(d, (uint32_t)rec.handle, &said);
	if (said.index != at.index || said.offset != at.offset ||
	    rec.size > (d->pool_size - (at.offset << ALIGN_SHIFT)) / d->word)
		return mmw_fail(err, MMW_E_CORRUPT, va, "no stack of handle 0x%" PRIx32 " is at 0x%" PRIx64, handle, va);
	if (!rec.count)
		return mmw_fail(err, MMW_E_NODATA, va, "the stack of handle 0x%" PRIx32 " has been given up", handle);
	return mmw_stack_read(vm, va + d->entries, d->word, (unsigned)rec.size, out, err);
}

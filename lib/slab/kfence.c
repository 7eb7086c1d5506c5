/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/slab/kfence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"

/* CONFIG_KFENCE_NUM_OBJECTS is at most so many. */
enum { OBJECTS_MAX = 65535 };

struct meta_rec {
	uint64_t state, addr, cache;
};

static const struct mmw_field meta_fields[] = {
	MMW_FIELD(meta_rec, state, "state"),
	MMW_FIELD(meta_rec, addr, "addr"),
	MMW_FIELD(meta_rec, cache, "cache"),
};

/* What the kernel's numbers mean; 6.1 has no RCU_FREEING, 6.12 has. */
struct states {
	int64_t allocated, freed, rcu;
};

static int bind_states(struct mmw_kernel *k, struct states *s, struct mmw_err *err)
{
	const char *type = "kfence_object_state";
	int rc = mmw_kernel_enumerator(k, type, "KFENCE_OBJECT_ALLOCATED", &s->allocated, err);

	rc = rc ? rc : mmw_kernel_enumerator(k, type, "KFENCE_OBJECT_FREED", &s->freed, err);
	if (mmw_kernel_enumerator(k, type, "KFENCE_OBJECT_RCU_FREEING", &s->rcu, NULL))
		s->rcu = -1;
	return rc;
}

static enum mmw_kfence_state state_of(const struct states *s, uint64_t state)
{
	return (int64_t)state == s->allocated ? MMW_KFENCE_ALLOCATED : (int64_t)state == s->freed ? MMW_KFENCE_FREED :
	       (int64_t)state == s->rcu ? MMW_KFENCE_RCU : MMW_KFENCE_UNUSED;
}

/* Each object is on a page that its number says: the first that is not is behind the last. */
static int read_objects(struct mmw_vm *vm, const struct mmw_shadow *shadow, const struct states *states, uint64_t metadata,
			struct mmw_kfence *out, struct mmw_err *err)
{
	size_t cap = 0;

	for (out->n = 0; out->n < OBJECTS_MAX; out->n++) {
		struct meta_rec rec;
		int rc;

		if (mmw_shadow_read(shadow, vm, metadata + out->n * shadow->size, &rec, NULL) ||
		    rec.addr - out->pool >= OBJECTS_MAX * 3 * out->page || (rec.addr - out->pool) / out->page != 2 * (out->n + 1))
			return 0;
		rc = mmw_vec_reserve(&out->object, &cap, out->n + 1, sizeof(*out->object), err);
		if (rc)
			return rc;
		out->object[out->n] = (struct mmw_kfence_object){ .addr = rec.addr, .cache = rec.cache,
								  .state = (uint8_t)state_of(states, rec.state) };
	}
	return 0;
}

/* kfence_metadata is an array to 6.5, and then a pointer to one. */
static int find_objects(struct mmw_kernel *k, const struct mmw_shadow *shadow, const struct states *states, struct mmw_kfence *out,
			struct mmw_err *err)
{
	struct mmw_vm *vm = mmw_kernel_vm(k);
	uint64_t array, pointer;
	int rc = mmw_kernel_symbol(k, "kfence_metadata", &array, NULL, err);

	if (!rc && !mmw_vm_read_uint(vm, array, mmw_kernel_arch(k)->word, &pointer, NULL))
		rc = read_objects(vm, shadow, states, pointer, out, err);
	if (!rc && !out->n)
		rc = read_objects(vm, shadow, states, array, out, err);
	if (!rc && !out->n)
		return mmw_fail(err, MMW_E_CORRUPT, array, "KFENCE has a pool at 0x%" PRIx64 ", but no objects", out->pool);
	return rc;
}

int mmw_kfence_open(struct mmw_kernel *k, uint64_t page_size, struct mmw_kfence *out, struct mmw_err *err)
{
	struct mmw_shadow shadow;
	struct states states;
	int rc;

	memset(out, 0, sizeof(*out));
	out->page = page_size;
	if (mmw_kernel_variable(k, "__kfence_pool", mmw_kernel_arch(k)->word, &out->pool, NULL) || !out->pool)
		return 0;
	rc = mmw_shadow_bind(k, "kfence_metadata", meta_fields, mmw_array_len(meta_fields), &shadow, err);
	rc = rc ? rc : bind_states(k, &states, err);
	rc = rc ? rc : find_objects(k, &shadow, &states, out, err);
	if (rc)
		mmw_kfence_close(out);
	return rc;
}

void mmw_kfence_close(struct mmw_kfence *f)
{
	free(f->object);
	memset(f, 0, sizeof(*f));
}

const struct mmw_kfence_object *mmw_kfence_at(const struct mmw_kfence *f, uint64_t va)
{
	uint64_t page;

	if (!f->n || va < f->pool)
		return NULL;
	page = (va - f->pool) / f->page;
	return page >= 2 && page % 2 == 0 && page / 2 - 1 < f->n ? &f->object[page / 2 - 1] : NULL;
}

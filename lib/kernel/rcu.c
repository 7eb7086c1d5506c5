/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kernel/rcu.h"

#include "lib/base/bytes.h"

/* More than a machine can have waiting, and not so many that a list in a circle takes long. */
enum { CALLBACKS_MAX = 1 << 20 };

struct search {
	struct mmw_kernel *k;
	uint64_t func;
	unsigned word;
	mmw_rcu_visit *visit;
	void *ctx;
	unsigned *broken;
	struct mmw_err *err;
};

/* struct callback_head: next, func. */
static int follow(const struct search *s, uint64_t list, uint32_t cpu)
{
	struct mmw_vm *vm = mmw_kernel_vm(s->k);
	bool be = mmw_image_big_endian(mmw_kernel_image(s->k));
	uint64_t at;
	int rc = mmw_vm_read_uint(vm, list, s->word, &at, NULL);

	for (unsigned n = 0; !rc && at; n++) {
		uint64_t head = at;
		uint8_t bytes[16];

		rc = n == CALLBACKS_MAX ? -MMW_E_LIMIT : mmw_vm_read(vm, head, bytes, 2 * s->word, NULL);
		if (rc)
			break;
		at = mmw_get_word(bytes, s->word, be);
		if (mmw_get_word(bytes + s->word, s->word, be) == s->func) {
			int end = s->visit(s->ctx, head, cpu, s->err);

			if (end)
				return end;
		}
	}
	*s->broken += rc != 0;
	return 0;
}

int mmw_rcu_callbacks(struct mmw_kernel *k, const struct mmw_percpu *cpus, uint64_t func, mmw_rcu_visit *visit, void *ctx,
		      unsigned *broken, struct mmw_err *err)
{
	const struct search s = { k, func, mmw_kernel_arch(k)->word, visit, ctx, broken, err };
	struct mmw_member list, bypass;
	uint64_t data;
	bool has_bypass;
	int rc = mmw_kernel_symbol(k, "rcu_data", &data, NULL, err);

	rc = rc ? rc : mmw_kernel_member(k, "rcu_data", "cblist.head", &list, NULL, err);
	if (rc)
		return rc;
	has_bypass = !mmw_kernel_member(k, "rcu_data", "nocb_bypass.head", &bypass, NULL, NULL);
	*broken = 0;
	for (size_t i = 0; !rc && i < cpus->n; i++) {
		uint64_t va = mmw_percpu_address(cpus, data, i);

		rc = follow(&s, va + list.offset, cpus->cpus[i].cpu);
		if (!rc && has_bypass)
			rc = follow(&s, va + bypass.offset, cpus->cpus[i].cpu);
	}
	return rc;
}

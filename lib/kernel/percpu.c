/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kernel/percpu.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"

int mmw_bitmap_next(struct mmw_kernel *k, uint64_t va, uint64_t bytes, uint64_t *bit, struct mmw_err *err)
{
	unsigned word = mmw_kernel_arch(k)->word;

	while (*bit < bytes * 8) {
		uint64_t at = *bit / (8 * word), v;
		int rc = mmw_vm_read_uint(mmw_kernel_vm(k), va + at * word, word, &v, err);

		if (rc)
			return rc;
		v >>= *bit % (8 * word);
		if (v) {
			*bit += __builtin_ctzll(v);
			return *bit < bytes * 8;
		}
		*bit = (at + 1) * 8 * word;
	}
	return 0;
}

static int add_cpu(struct mmw_percpu *p, size_t *cap, uint32_t cpu, uint64_t offset, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&p->cpus, cap, p->n + 1, sizeof(*p->cpus), err);

	if (rc)
		return rc;
	p->cpus[p->n].cpu = cpu;
	p->cpus[p->n].online = true;
	p->cpus[p->n++].offset = offset;
	return 0;
}

/* Bits behind nr_cpu_ids are never set, so where no type tells the size of a mask, that many will do. */
static int mask_bytes(struct mmw_kernel *k, uint64_t *bytes, struct mmw_err *err)
{
	unsigned word = mmw_kernel_arch(k)->word;
	uint64_t ids;
	int rc = mmw_kernel_type_size(k, "cpumask", bytes, err);

	if (rc && !mmw_kernel_variable(k, "nr_cpu_ids", 4, &ids, NULL)) {
		*bytes = (ids / (8 * word) + (ids % (8 * word) != 0)) * word;
		rc = 0;
	}
	if (*bytes > MMW_CPUS_MAX / 8)
		*bytes = MMW_CPUS_MAX / 8;
	return rc;
}

static void mark_online(struct mmw_kernel *k, struct mmw_percpu *p, uint64_t bytes)
{
	uint64_t mask;

	if (mmw_kernel_symbol(k, "__cpu_online_mask", &mask, NULL, NULL))
		return;
	for (size_t i = 0; i < p->n; i++) {
		uint64_t next = p->cpus[i].cpu;

		p->cpus[i].online = mmw_bitmap_next(k, mask, bytes, &next, NULL) == 1 && next == p->cpus[i].cpu;
	}
}

int mmw_percpu_open(struct mmw_kernel *k, struct mmw_percpu *out, struct mmw_err *err)
{
	uint64_t offsets, mask, bytes = 0, cpu = 0, offset;
	unsigned word = mmw_kernel_arch(k)->word;
	size_t cap = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	out->mask = UINT64_MAX >> (64 - 8 * word);
	if (mmw_kernel_symbol(k, "__per_cpu_offset", &offsets, NULL, NULL))
		return add_cpu(out, &cap, 0, 0, err);
	rc = mmw_kernel_symbol(k, "__cpu_possible_mask", &mask, NULL, err);
	if (!rc)
		rc = mask_bytes(k, &bytes, err);
	while (!rc && (rc = mmw_bitmap_next(k, mask, bytes, &cpu, err)) == 1) {
		rc = mmw_vm_read_uint(mmw_kernel_vm(k), offsets + cpu * word, word, &offset, err);
		if (!rc)
			rc = add_cpu(out, &cap, (uint32_t)cpu, offset, err);
		cpu++;
	}
	if (rc)
		mmw_percpu_close(out);
	else
		mark_online(k, out, bytes);
	return rc;
}

void mmw_percpu_close(struct mmw_percpu *p)
{
	free(p->cpus);
	p->cpus = NULL;
	p->n = 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/pass.h"

#include <stdlib.h>

#include "lib/base/par.h"

enum {
	CHUNK_BYTES = 32 << 10,  /* of the memmap read at a time: more would waste what a look lets us skip */
	HOST_PAGE = 4096,        /* of the memmap, where part of a chunk is missing */
};

struct pass {
	struct mmw_kernel *k;
	const struct mmw_memmap *m;
	const struct mmw_pass_ops *ops;
	void *ctx;
	struct mmw_reader **readers;
	struct mmw_vm **vms;
	uint8_t *states;
	unsigned workers;
};

static void *state_of(const struct pass *p, uint64_t section)
{
	return p->states + section * p->ops->state_size;
}

static int pass_section(void *ctx, unsigned worker, uint64_t index)
{
	struct pass *p = ctx;
	const struct mmw_memmap *m = p->m;
	uint64_t pfn = m->sections[index] << m->section_shift, end = pfn + (1ull << m->section_shift);
	uint64_t per_chunk = CHUNK_BYTES / m->page_size, step = per_chunk;
	uint8_t bytes[CHUNK_BYTES];

	pfn = pfn < m->first_pfn ? m->first_pfn : pfn;
	end = end - 1 > m->last_pfn ? m->last_pfn + 1 : end;
	while (pfn < end) {
		struct mmw_page_run run = { .pfn = pfn, .n = end - pfn < step ? end - pfn : step, .bytes = bytes,
					    .va = mmw_memmap_page(m, pfn), .vm = p->vms[worker] };
		int rc = mmw_vm_read(p->vms[worker], run.va, bytes, run.n * m->page_size, NULL);
		int64_t on;

		if (rc && step > 1 && run.n > 1) {
			/* Part of it may be there: creep up to the gap, page of memmap by page. */
			step = step > HOST_PAGE / m->page_size ? HOST_PAGE / m->page_size : 1;
			continue;
		}
		if (rc) {
			run.bytes = NULL;
			run.why = (enum mmw_code)-rc;
		}
		on = p->ops->look(p->ctx, state_of(p, index), &run);
		if (on < 0)
			return (int)on;
		pfn += on;
		if (pfn % per_chunk == 0)
			step = per_chunk;
	}
	return 0;
}

static int pass_open(struct pass *p, unsigned threads, struct mmw_err *err)
{
	int rc = 0;

	p->workers = mmw_parallel_workers(threads);
	p->readers = calloc(p->workers, sizeof(*p->readers));
	p->vms = calloc(p->workers, sizeof(*p->vms));
	p->states = calloc(p->m->n_sections, p->ops->state_size);
	if (!p->readers || !p->vms || !p->states)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a pass over the memmap");
	for (unsigned i = 0; !rc && i < p->workers; i++) {
		rc = mmw_reader_open(mmw_kernel_image(p->k), &p->readers[i], err);
		p->vms[i] = rc ? NULL : malloc(sizeof(*p->vms[i]));
		if (!rc && !p->vms[i])
			rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a pass over the memmap");
		if (!rc)
			mmw_vm_init(p->vms[i], p->readers[i], mmw_kernel_vm(p->k)->walk.space);
	}
	return rc;
}

static void pass_close(struct pass *p)
{
	for (unsigned i = 0; p->readers && i < p->workers; i++)
		mmw_reader_close(p->readers[i]);
	for (unsigned i = 0; p->vms && i < p->workers; i++)
		free(p->vms[i]);
	for (size_t i = 0; p->states && p->ops->drop && i < p->m->n_sections; i++)
		p->ops->drop(state_of(p, i));
	free(p->readers);
	free(p->vms);
	free(p->states);
}

int mmw_pass(struct mmw_kernel *k, const struct mmw_memmap *m, unsigned threads, const struct mmw_pass_ops *ops, void *ctx,
	     struct mmw_err *err)
{
	struct pass p = { .k = k, .m = m, .ops = ops, .ctx = ctx };
	int rc = pass_open(&p, threads, err);

	if (!rc && mmw_parallel(p.workers, m->n_sections, pass_section, &p, err))
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for what a pass over the memmap found");
	for (size_t i = 0; !rc && i < m->n_sections; i++)
		rc = ops->gather(ctx, state_of(&p, i), err);
	pass_close(&p);
	return rc;
}

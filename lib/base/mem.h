/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Something that can be read by address: physical memory, a virtual address space, a buffer in a test. */
#ifndef MMW_BASE_MEM_H
#define MMW_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct mmw_mem {
	/* All of [addr, addr + len) or a negative code. */
	int (*read)(void *ctx, uint64_t addr, void *buf, size_t len, struct mmw_err *err);
	void *ctx;
	bool big_endian;
};

static inline int mmw_mem_read(const struct mmw_mem *m, uint64_t addr, void *buf, size_t len, struct mmw_err *err)
{
	return m->read(m->ctx, addr, buf, len, err);
}

#endif

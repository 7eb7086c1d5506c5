/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CRC-32C (Castagnoli), which snappy's framing format uses. */
#ifndef MMW_FORMATS_CRC32C_H
#define MMW_FORMATS_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Made once, then read by any number of threads. */
struct mmw_crc32c {
	bool by_cpu;  /* it has an instruction for it */
	uint32_t table[8][256];
};

void mmw_crc32c_init(struct mmw_crc32c *c);
uint32_t mmw_crc32c(const struct mmw_crc32c *c, const void *bytes, size_t len);

#endif

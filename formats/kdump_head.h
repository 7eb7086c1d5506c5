/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two headers of a kdump-compressed file, in whatever byte order and C ABI: see kdump.c for the layout. */
#ifndef MMW_FORMATS_KDUMP_HEAD_H
#define MMW_FORMATS_KDUMP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "formats/kdump_layout.h"
#include "lib/base/err.h"
#include "lib/base/file.h"

enum { KDUMP_SUB_LEN = 104 };  /* of the sub header, at most */

/* Of a diskdump's status: started, in progress, device too small. */
enum { DISK_INCOMPLETE = 0x7, DISK_COMPRESSED = 0x8 };

struct kdump_head {
	bool be, disk;  /* disk: DISKDUMP */
	uint32_t version, status, block_size, sub_blocks, bitmap_blocks, max_mapnr;
};

struct kdump_sub {
	uint32_t level, split;
	uint64_t phys_base, start, end, max_mapnr;
	uint64_t vmcoreinfo_at, vmcoreinfo_len, note_at, note_len;
};

/* Are these eight bytes a kdump's or a diskdump's? */
bool mmw_kdump_signature(const void *bytes);

/*
 * The main header, into `bytes` as it is (MAIN_LEN) and parsed; *wide when `status` is where 64-bit machines put it,
 * which mmw_kdump_read_sub must know. A file too short for its headers and bitmaps is MMW_E_CORRUPT.
 */
int mmw_kdump_read_head(struct mmw_file *f, uint8_t *bytes, struct kdump_head *h, bool *wide, struct mmw_err *err);
int mmw_kdump_read_sub(struct mmw_file *f, const struct kdump_head *h, bool wide, struct kdump_sub *s, struct mmw_err *err);

/* Where the page descriptors start. */
uint64_t mmw_kdump_desc_start(const struct kdump_head *h);

bool mmw_kdump_is_incomplete(const struct kdump_head *h);

#endif

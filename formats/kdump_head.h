/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two headers of a kdump-compressed file, in whatever byte order and C ABI: see kdump.c for the layout. */
#ifndef MMW_FORMATS_KDUMP_HEAD_H
#define MMW_FORMATS_KDUMP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/file.h"

enum {
	KDUMP_SIGNATURE_LEN = 8,
	KDUMP_UTSNAME = 12,  /* in the main header: six fields */
	KDUMP_UTSNAME_FIELD = 65,
	KDUMP_MAIN_LEN = 464,
	KDUMP_SUB_LEN = 104,  /* at most */
};

/* Of the header's status; the first four are also the flags of a page. */
enum {
	DH_ZLIB = 0x1,
	DH_LZO = 0x2,
	DH_SNAPPY = 0x4,
	DH_ZSTD = 0x20,
	DH_INCOMPLETE = 0x8,
	DH_EXCLUDED_VMEMMAP = 0x10,
	DH_KNOWN = 0x3f,
	DISK_INCOMPLETE = 0x7,  /* diskdump's: started, in progress, device too small */
	DISK_COMPRESSED = 0x8,
};

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
 * The main header, into `bytes` as it is (KDUMP_MAIN_LEN) and parsed; *wide when `status` is where 64-bit machines put it,
 * which mmw_kdump_read_sub must know. A file too short for its headers and bitmaps is MMW_E_CORRUPT.
 */
int mmw_kdump_read_head(struct mmw_file *f, uint8_t *bytes, struct kdump_head *h, bool *wide, struct mmw_err *err);
int mmw_kdump_read_sub(struct mmw_file *f, const struct kdump_head *h, bool wide, struct kdump_sub *s, struct mmw_err *err);

/* Where the page descriptors start. */
uint64_t mmw_kdump_desc_start(const struct kdump_head *h);

bool mmw_kdump_is_incomplete(const struct kdump_head *h);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places in a kdump-compressed dump, for who reads it (kdump.c tells the whole) and who writes it. */
#ifndef MMW_FORMATS_KDUMP_LAYOUT_H
#define MMW_FORMATS_KDUMP_LAYOUT_H

#include <stdint.h>

enum {
	SIGNATURE_LEN = 8,
	MAIN_VERSION = 8,
	MAIN_UTSNAME = 12,
	UTSNAME_FIELD = 65,
	MAIN_STATUS_WIDE = 424,
	MAIN_STATUS_NARROW = 412,
	MAIN_LEN = 464,
	DESC_LEN = 24,
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
};

/* Where the sub header keeps its fields; each version added some at the end. */
struct sub_layout {
	uint8_t word, level, split, start, end, vmcoreinfo, note, erase, start64, end64, max64;
};

static const struct sub_layout sub_wide = { 8, 8, 12, 16, 24, 32, 48, 64, 80, 88, 96 };
static const struct sub_layout sub_packed = { 4, 4, 8, 12, 16, 20, 32, 44, 56, 64, 72 };
static const struct sub_layout sub_padded = { 4, 4, 8, 12, 16, 24, 40, 56, 72, 80, 88 };

#endif

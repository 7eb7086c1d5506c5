/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an argument means that names a page frame, or a byte in one: pfn:N, pa:N, va:N or page:N (all hex), va:SYMBOL or
 * SYMBOL with or without +hex, or a number.
 */
#ifndef MMW_CMD_WHERE_H
#define MMW_CMD_WHERE_H

#include "lib/mm/frame.h"

enum mmw_reading { MMW_BY_PFN, MMW_BY_PA, MMW_BY_VA, MMW_BY_PAGE };

struct mmw_where {
	enum mmw_reading reading;
	const char *by;  /* what the reading rests on, in words */
	uint64_t pa;     /* the byte; of a frame or struct page, the frame's first one */
};

/*
 * A number without a word before it is a physical address if it is below the end of memory, else the address of a struct
 * page if it lies in one, else a kernel virtual address. MMW_E_ARG, MMW_E_NOSYM, or what mmw_vm_translate() failed with.
 */
int mmw_where(const struct mmw_frames *f, const char *text, struct mmw_where *out, struct mmw_err *err);

/* All of `text` is a hexadecimal number, with 0x or without. */
bool mmw_hex_number(const char *text, uint64_t *out);

/* "pfn" ..., and "page frame number". */
const char *mmw_reading_name(enum mmw_reading reading);
const char *mmw_reading_words(enum mmw_reading reading);

#endif

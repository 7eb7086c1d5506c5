/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMCOREINFO: `KEY=VALUE` lines that the kernel keeps for crash tools (kernel/vmcore_info.c, crash_core.c before 6.9).
 *
 * The text comes from a note of the image or from its page in memory. It is NUL-terminated and borrowed.
 */
#ifndef MMW_SYM_VMCOREINFO_H
#define MMW_SYM_VMCOREINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of the line `key=`, copied up to its end of line; false when there is none or it does not fit. */
bool mmw_vmcoreinfo_value(const char *text, const char *key, char *buf, size_t size);

/* NUMBER(key): signed decimal, or hex with 0x. Without such a line, the line `key=` itself, in hex (KERNELOFFSET). */
bool mmw_vmcoreinfo_number(const char *text, const char *key, uint64_t *out);

/* SYMBOL(name): hex without 0x. */
bool mmw_vmcoreinfo_symbol(const char *text, const char *name, uint64_t *out);

/*
 * Does a VMCOREINFO text start at `page` (4096 bytes of memory that begin at a page border)? Either bare ("OSRELEASE=")
 * or as an ELF note. Returns the offset of the text, or SIZE_MAX; *len is its length.
 */
size_t mmw_vmcoreinfo_in_page(const uint8_t *page, size_t size, bool big_endian, size_t *len);

#endif

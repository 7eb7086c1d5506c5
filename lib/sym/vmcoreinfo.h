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

#include "lib/sym/symbols.h"
#include "lib/sym/types.h"

/* The value of the line `key=`, copied up to its end of line; false when there is none or it does not fit. */
bool mmw_vmcoreinfo_value(const char *text, const char *key, char *buf, size_t size);

/* NUMBER(key): signed decimal, or hex with 0x. Without such a line, the line `key=` itself, in hex (KERNELOFFSET). */
bool mmw_vmcoreinfo_number(const char *text, const char *key, uint64_t *out);

/* LENGTH(key): the elements of a variable that is an array. */
bool mmw_vmcoreinfo_length(const char *text, const char *key, uint64_t *out);

/* PAGESIZE, 0 when the text does not say. */
unsigned mmw_vmcoreinfo_page_size(const char *text);

/* SYMBOL(name): hex without 0x. */
bool mmw_vmcoreinfo_symbol(const char *text, const char *name, uint64_t *out);

/*
 * The questions of struct mmw_symsrc; src is the text. SYMBOL(mem_section) and SYMBOL(vmemmap) are left out: what they
 * give is the value of these variables (VMCOREINFO_SYMBOL_ARRAY, include/linux/vmcore_info.h).
 */
size_t mmw_vmcoreinfo_symbols(const void *src);
int mmw_vmcoreinfo_symbol_at(const void *src, size_t index, struct mmw_ksym *out, struct mmw_err *err);
int mmw_vmcoreinfo_symbol_by_name(const void *src, const char *name, size_t *pos, struct mmw_ksym *out);

/* Do these 64 bytes look like the start of one? */
bool mmw_vmcoreinfo_starts(const uint8_t *page, bool big_endian);

/*
 * Does a VMCOREINFO text start at `page` (memory that begins at a page border)? Either bare ("OSRELEASE=")
 * or as an ELF note. Returns the offset of the text, or SIZE_MAX; *len is its length.
 */
size_t mmw_vmcoreinfo_in_page(const uint8_t *page, size_t size, bool big_endian, size_t *len);

/*
 * The text as a source of types: its OFFSET, SIZE and LENGTH lines say where a few members lie, which is enough for the
 * page allocator. What else those imply by an order of members that no kernel from 4.14 to 7.2 changed is added.
 */
struct mmw_vmcoreinfo_types {
	const char *text;
	unsigned word;
};

int mmw_vmcoreinfo_member(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err);
int mmw_vmcoreinfo_type_size(void *src, const char *type, uint64_t *out, struct mmw_err *err);
int mmw_vmcoreinfo_enumerator(void *src, const char *type, const char *name, int64_t *out, struct mmw_err *err);

#endif

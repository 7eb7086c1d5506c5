/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing QEMU streams, piece by piece (formats/qemu.c has the layout), and a machine as one. */
#ifndef MMW_TESTS_WRAP_QEMU_H
#define MMW_TESTS_WRAP_QEMU_H

#include "tests/tools/phys.h"

enum { QS_RAM = 2, QS_START = 1, QS_PART = 2, QS_END = 3, QS_FULL = 4 };

/* Capabilities may be NULL. */
void qs_head(struct blob *out, const char *machine, const char *capability);
void qs_name(struct blob *out, const char *name);
void qs_start(struct blob *out, uint8_t type, uint32_t section, const char *name, uint32_t instance, uint32_t version);
void qs_part(struct blob *out, uint8_t type, uint32_t section);
void qs_footer(struct blob *out, uint32_t section);

/* The start of the ram section, with `n` blocks. */
struct qs_block {
	const char *name;
	uint64_t len;
};
void qs_blocks(struct blob *out, const struct qs_block *blocks, size_t n);

/* A word of the ram section: offset and flags; with a name unless that is NULL (CONTINUE then). */
void qs_word(struct blob *out, uint64_t offset, unsigned flags, const char *name);
void qs_eos(struct blob *out);

/* A page: zero, or as it is; compressed; as changes to what it was. */
void qs_page(struct blob *out, uint64_t offset, const char *name, const uint8_t *bytes);
void qs_zlib(struct blob *out, uint64_t offset, const char *name, const uint8_t *bytes);
void qs_delta(struct blob *out, uint64_t offset, const char *name, const uint8_t *was, const uint8_t *bytes);

/* A block's header, bitmap and pages, of which those that are zero are not in the bitmap. */
void qs_mapped(struct blob *out, const char *name, const uint8_t *bytes, uint64_t len);

/* The end of a stream: EOF and the description of its devices, which may be NULL. */
void qs_finish(struct blob *out, const char *json);

/* The end of memory, and behind it the battery-backed memory of a PC with these sizes; its JSON is qs_cmos_json. */
void qs_cmos(struct blob *out, uint64_t low, uint64_t high);
extern const char qs_cmos_json[];

/* All of a machine, holes as zeros. */
void wrap_qemu(const struct phys *p, struct blob *out);
void wrap_qemu_busy(const struct phys *p, struct blob *out);
void wrap_qemu_mapped(const struct phys *p, struct blob *out);

#endif

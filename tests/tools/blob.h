/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes in the making. Tools and tests only: running out of memory ends the program. */
#ifndef MMW_TESTS_BLOB_H
#define MMW_TESTS_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob {
	uint8_t *bytes;
	size_t len, cap;
};

void blob_fini(struct blob *b);

/* Append n bytes; NULL appends zeros. Returns the offset they were put at. */
size_t blob_add(struct blob *b, const void *bytes, size_t n);
size_t blob_u8(struct blob *b, uint8_t v);
size_t blob_uint(struct blob *b, uint64_t v, unsigned size, bool big_endian);

/* Zeros up to a multiple of align (a power of two), or up to the offset. */
void blob_align(struct blob *b, size_t align);
void blob_pad_to(struct blob *b, size_t offset);

/* Overwrite an integer that is already there. */
void blob_put(struct blob *b, size_t at, uint64_t v, unsigned size, bool big_endian);

/* Whole files; a failure is a message and exit status 2. */
void blob_write(const struct blob *b, const char *path);
void blob_read(struct blob *b, const char *path);

/* Integers of 1, 2, 4 or 8 bytes in a stated byte order. */
void put_uint(uint8_t *to, uint64_t v, unsigned size, bool big_endian);

void *xrealloc(void *p, size_t n);
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A readable file of known size: a plain file, or what a wrapper (flattened, gzip, qcow2 ...) makes of one.
 *
 * Reads are positional and safe for several threads at once. There is no mmap here on purpose: a file that shrinks
 * under us must be an error and not a signal.
 */
#ifndef MMW_BASE_FILE_H
#define MMW_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct mmw_file {
	uint64_t size;
	const char *name;  /* for messages; owned by the file */
	uint64_t origin;   /* where offset 0 lies in the file as users know it, for formats with absolute offsets */
	uint64_t missing;  /* bytes that should follow behind `size`, where a wrapper knows how many */
	char damage[160];  /* from a wrapper: why this is not all of it, in words; "" when nothing is known to be missing */
	char note[112];    /* from a wrapper: more than its format's name, for `info`; "" when there is no more to say */
	int (*read)(struct mmw_file *f, uint64_t off, void *buf, size_t len, struct mmw_err *err);
	void (*close)(struct mmw_file *f);
	/* The next run at or behind `off` that is no hole, [*start, *end). NULL: holes are not known, all is data. */
	void (*data)(struct mmw_file *f, uint64_t off, uint64_t *start, uint64_t *end);
};

/* Open a regular file or block device for reading. Directories, sockets and empty files are refused with a message. */
int mmw_file_open(const char *path, struct mmw_file **out, struct mmw_err *err);

/* The same over a descriptor that can be read at any offset, which it owns from here on (on success only). */
int mmw_file_of_fd(int fd, const char *name, uint64_t size, struct mmw_file **out, struct mmw_err *err);

/*
 * [off, off + len) of `outer`, which it owns from here on (on success only), under the same name; what lies past outer's
 * end is not there.
 */
int mmw_file_slice(struct mmw_file *outer, uint64_t off, uint64_t len, struct mmw_file **out, struct mmw_err *err);

/* A file over bytes in memory (tests, fuzzers). The bytes are borrowed. */
int mmw_file_memory(const void *bytes, size_t len, const char *name, struct mmw_file **out, struct mmw_err *err);

/* All of [off, off + len), or MMW_E_CORRUPT when the file ends before. */
int mmw_file_read(struct mmw_file *f, uint64_t off, void *buf, size_t len, struct mmw_err *err);

/* As `data` above, clipped to the file; *start == *end == size when only a hole follows. Holes read as zeros. */
void mmw_file_data(struct mmw_file *f, uint64_t off, uint64_t *start, uint64_t *end);

/* NULL is fine. */
void mmw_file_close(struct mmw_file *f);

#endif

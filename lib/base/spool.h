/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A temporary file that is written once, front to back, and then read: what a compressed image unpacks to.
 *
 * It has no name, so it is gone when it is closed or the program ends. Zeros become holes and take no room. It lies in
 * $TMPDIR, else in /var/tmp, else in /tmp.
 */
#ifndef MMW_BASE_SPOOL_H
#define MMW_BASE_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/file.h"

struct mmw_spool;

/* `name` is for messages; it is copied. */
int mmw_spool_open(const char *name, struct mmw_spool **out, struct mmw_err *err);

/* Append. Where the file system is full, the message says which. */
int mmw_spool_write(struct mmw_spool *s, const void *bytes, size_t len, struct mmw_err *err);

uint64_t mmw_spool_size(const struct mmw_spool *s);

/* The file to read. The spool itself is gone then, on failure too. An empty one is fine here. */
int mmw_spool_finish(struct mmw_spool *s, struct mmw_file **out, struct mmw_err *err);

/* Instead of finishing it; NULL is fine. */
void mmw_spool_drop(struct mmw_spool *s);

#endif

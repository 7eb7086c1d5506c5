/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything the library can be asked about an image, asked of bytes that may be anything. */
#ifndef MMW_TESTS_EXERCISE_H
#define MMW_TESTS_EXERCISE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/image/image.h"

/*
 * Open `bytes`, read its extents, bind a kernel, walk its tables, ask for symbols. Returns what opening returned (0, or
 * a negative code with *err); asserts what the headers promise on the way.
 */
int exercise_image(const void *bytes, size_t len, const char *format, struct mmw_err *err);

/* The extents ascend, do not touch wrongly, and each can be read (stored) or says why not. */
void exercise_extents(const struct mmw_image *img, struct mmw_reader *reader);

/* The promises that mmw_fail makes: a code, and words. */
void exercise_error(int rc, const struct mmw_err *err);

#endif

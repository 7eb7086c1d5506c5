/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text recipes of synthetic machines; the language is described in mkimage.c. */
#ifndef MMW_TESTS_RECIPE_H
#define MMW_TESTS_RECIPE_H

#include "tests/tools/phys.h"

/* Follow the recipe in a machine of that byte order. A mistake is a message with file and line, and exit status 2. */
void recipe_load(const char *path, bool big_endian, struct phys *out);

/* The same over text; `name` is for messages, and includes are looked for in the current directory. */
void recipe_text(const char *name, const char *text, bool big_endian, struct phys *out);

#endif

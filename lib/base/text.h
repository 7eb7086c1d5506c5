/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sentence that is put together in a buffer; what does not fit is cut off. */
#ifndef MMW_BASE_TEXT_H
#define MMW_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

struct mmw_text {
	char *at;
	size_t left;  /* at least 1 */
};

static inline void mmw_text_add(struct mmw_text *t, const char *form, ...) __attribute__((format(printf, 2, 3)));

static inline void mmw_text_add(struct mmw_text *t, const char *form, ...)
{
	va_list ap;
	int n;

	va_start(ap, form);
	n = vsnprintf(t->at, t->left, form, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->left)
		n = (int)t->left - 1;
	t->at += n;
	t->left -= (size_t)n;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For lib/mm/buddy.c: everything that knows of free memory besides lists, marks and their counters. */
#ifndef MMW_MM_BUDDY_CHECK_H
#define MMW_MM_BUDDY_CHECK_H

#include "lib/mm/buddy.h"

/* `b` is open, and gets the problems that this finds. What cannot be looked for is said in b->unknown. */
int mmw_buddy_check_more(struct mmw_kernel *k, unsigned threads, struct mmw_buddy *b, struct mmw_err *err);

#endif

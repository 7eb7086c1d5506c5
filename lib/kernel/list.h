/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Circular lists (struct list_head): from the head forward; where a list breaks, from the head backward too, so that
 * what lies behind the break is seen all the same.
 */
#ifndef MMW_KERNEL_LIST_H
#define MMW_KERNEL_LIST_H

#include "lib/kernel/vm.h"

struct mmw_link {
	uint64_t at;          /* the element's list_head */
	uint64_t from;        /* the list_head that led here */
	uint64_t next, prev;
	bool backward;
};

/* Why a list could not be followed from its head to its head. */
enum mmw_list_end { MMW_LIST_WHOLE, MMW_LIST_UNREADABLE, MMW_LIST_CYCLE, MMW_LIST_FOREIGN, MMW_LIST_LONG };

struct mmw_list_break {
	enum mmw_list_end end;
	uint64_t at, from;    /* the link that is none, and who named it */
	enum mmw_code why;    /* UNREADABLE */
};

/* 0: go on; 1: this is no element of the list (FOREIGN); negative: end, with *err set. */
typedef int mmw_list_visit(void *ctx, const struct mmw_link *link, struct mmw_err *err);

/* At most `max` elements; `word` is the bytes of a pointer. Fails only as visit() does, or for want of memory; what is wrong with the list is in *broken. */
int mmw_list_walk(struct mmw_vm *vm, unsigned word, uint64_t head, size_t max, mmw_list_visit *visit, void *ctx,
		  struct mmw_list_break *broken, struct mmw_err *err);

/* "is not mapped" and the like: of a break, for people. */
const char *mmw_list_end_text(enum mmw_list_end end);

#endif

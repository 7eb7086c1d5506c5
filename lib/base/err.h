/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors: a code that is a finding, and a message that each layer prepends to.
 *
 * A function that can fail returns 0 or a negative code (-MMW_E_x), an iterator 1 (a record), 0 (the end) or a negative
 * code. `struct mmw_err` belongs to the caller, needs no allocation, and may be NULL where only the code matters (hot
 * loops then format nothing).
 */
#ifndef MMW_BASE_ERR_H
#define MMW_BASE_ERR_H

#include <stdint.h>

enum mmw_code {
	MMW_OK = 0,
	MMW_E_NOMEM,       /* the host has no memory for it */
	MMW_E_SYS,         /* a system call failed; sys_errno says why */
	MMW_E_ARG,         /* the caller asked for something meaningless */
	MMW_E_UNSUPPORTED, /* recognised, but nothing here reads it */
	MMW_E_CORRUPT,     /* bytes contradict their format */
	MMW_E_NODATA,      /* the image does not hold this physical address */
	MMW_E_EXCLUDED,    /* the dumper filtered this page out */
	MMW_E_TRUNCATED,   /* the file ends before the bytes that should be there */
	MMW_E_NOTPRESENT,  /* the page tables map nothing here */
	MMW_E_NOSYM,       /* no source knows this symbol */
	MMW_E_NOTYPE,      /* no source knows this type or member */
	MMW_E_LIMIT,       /* a loop or budget guard tripped */
};

struct mmw_err {
	enum mmw_code code;
	int sys_errno;
	uint64_t addr;  /* the address the failure is about, 0 when it is about none */
	char msg[320];
};

/* Fill *err (when not NULL) and return -code. */
int mmw_fail(struct mmw_err *err, enum mmw_code code, uint64_t addr, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));

/* As mmw_fail with MMW_E_SYS and the current errno, whose text is appended. */
int mmw_fail_sys(struct mmw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/* Prepend "fact: " to the message of a failure that is on its way up; returns rc. Does nothing when rc >= 0. */
int mmw_wrap(struct mmw_err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4), cold));

/* One lower-case word for a code: "excluded", "absent", "corrupt" ... Never NULL. Takes rc (negative) or a code. */
const char *mmw_code_word(int code);

#endif

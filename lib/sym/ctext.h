/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types as C writes them: "struct list_head *" and "(*fn)(struct page *, int)".
 *
 * The text is cut where it does not fit: it is for people.
 */
#ifndef MMW_SYM_CTEXT_H
#define MMW_SYM_CTEXT_H

#include "lib/sym/types.h"

struct mmw_ctext {
	char type[192];   /* with the stars of a pointer: "char *" */
	char decl[512];   /* the name, and what a declaration puts around it: "name[4]" */
};

/* Of a variable or member of this name ("" without) and type. */
int mmw_ctext(const struct mmw_typesrc *t, uint64_t id, const char *name, struct mmw_ctext *out, struct mmw_err *err);

/* Step over typedefs and qualifiers: *id is then of another kind, which *out describes. */
int mmw_type_resolve(const struct mmw_typesrc *t, uint64_t *id, struct mmw_type *out, struct mmw_err *err);

/* Bytes of any type; MMW_E_NOTYPE when it has none (a function, a struct that is only declared). */
int mmw_type_bytes(const struct mmw_typesrc *t, uint64_t id, uint64_t *out, struct mmw_err *err);

#endif

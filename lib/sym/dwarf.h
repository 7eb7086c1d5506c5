/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF of a vmlinux as a source of types: slower than BTF, but kernels of every age and configuration can have it.
 *
 * Answers mean the same as those of lib/sym/btf.h. A type is looked for when it is asked for: some milliseconds for the
 * first one of a unit, microseconds for the next, up to a tenth of a second for a name that is no type. Not for several
 * threads at once (mmw_dwarf_member() and its like keep what they find).
 */
#ifndef MMW_SYM_DWARF_H
#define MMW_SYM_DWARF_H

#include <stddef.h>

#include "lib/sym/debugfile.h"
#include "lib/sym/types.h"

struct mmw_dwarf;

/* `f` is borrowed and must outlive *out. MMW_E_NODATA when there is no DWARF, MMW_E_CORRUPT when it is not inside. */
int mmw_dwarf_open(struct mmw_debugfile *f, struct mmw_dwarf **out, struct mmw_err *err);
void mmw_dwarf_close(struct mmw_dwarf *dw);  /* NULL is fine */

/*
 * The three questions of struct mmw_typesrc; src is the struct mmw_dwarf. MMW_E_NOTYPE, or MMW_E_CORRUPT,
 * MMW_E_UNSUPPORTED or MMW_E_LIMIT when what the DWARF has cannot be read.
 */
int mmw_dwarf_member(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err);
int mmw_dwarf_type_size(void *src, const char *type, uint64_t *out, struct mmw_err *err);
int mmw_dwarf_enumerator(void *src, const char *type, const char *name, int64_t *out, struct mmw_err *err);

/* And the three about the graph. A unit's types stay in that unit: what it only declares is not looked for in others. */
int mmw_dwarf_find(void *src, const char *name, uint64_t *id, struct mmw_err *err);
int mmw_dwarf_describe(void *src, uint64_t id, struct mmw_type *out, struct mmw_err *err);
int mmw_dwarf_parts(void *src, uint64_t id, mmw_type_visit *visit, void *ctx, struct mmw_err *err);

/*
 * Visit the enumerators of an enumeration in order: 1 and name (borrowed) and value, 0 past the end or when there is no
 * such enumeration. Each call begins at the first one.
 */
int mmw_dwarf_enumerator_at(struct mmw_dwarf *dw, const char *type, size_t index, const char **name, int64_t *value);

#endif

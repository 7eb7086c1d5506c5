/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF, the kernel's own type information (include/uapi/linux/btf.h), read from bytes that are not trusted.
 */
#ifndef MMW_SYM_BTF_H
#define MMW_SYM_BTF_H

#include <stddef.h>

#include "lib/sym/types.h"

struct mmw_btf;

/* Header length and total size when a BTF header starts at `head` (at least 24 bytes long): 0, or MMW_E_CORRUPT. */
int mmw_btf_size(const void *head, size_t len, bool big_endian, uint64_t *total, struct mmw_err *err);

/* Check and index `len` bytes, which are owned by *out on success (they came from malloc) and by the caller else. */
int mmw_btf_open(void *bytes, size_t len, bool big_endian, unsigned word, struct mmw_btf **out, struct mmw_err *err);
/*
 * A module's BTF, whose ids and strings go on where those of the kernel's end (`base`, borrowed as long as *out lives). Types
 * of the base are found through it too.
 */
int mmw_btf_open_split(const struct mmw_btf *base, void *bytes, size_t len, struct mmw_btf **out, struct mmw_err *err);
void mmw_btf_close(struct mmw_btf *btf);

/* How many it has itself. */
size_t mmw_btf_types(const void *src);

/* Visit the enumerators of an enumeration in order: 1 and name (borrowed) and value, or 0 past the end. */
int mmw_btf_enumerator_at(const struct mmw_btf *btf, const char *type, size_t index, const char **name, int64_t *value);

/* The questions of struct mmw_typesrc; src is the struct mmw_btf. */
int mmw_btf_member(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err);
int mmw_btf_type_size(void *src, const char *type, uint64_t *out, struct mmw_err *err);
int mmw_btf_enumerator(void *src, const char *type, const char *name, int64_t *out, struct mmw_err *err);
int mmw_btf_find(void *src, const char *name, uint64_t *id, struct mmw_err *err);
int mmw_btf_describe(void *src, uint64_t id, struct mmw_type *out, struct mmw_err *err);
int mmw_btf_parts(void *src, uint64_t id, mmw_type_visit *visit, void *ctx, struct mmw_err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory as a struct with the values of its members; and what is told of memory that is not there. */
#ifndef MMW_CMD_VALUE_H
#define MMW_CMD_VALUE_H

#include "cmd/cmd.h"
#include "lib/base/mem.h"

/* Of schema "read/1": of a value, bytes and text stay unset. */
enum { MMW_VALUE_ADDRESS, MMW_VALUE_STATUS, MMW_VALUE_BYTES, MMW_VALUE_TEXT, MMW_VALUE_PATH, MMW_VALUE_TYPE, MMW_VALUE_VALUE };
extern const struct mmw_col mmw_value_cols[];

/*
 * Print the struct of this name ("task_struct", or with "struct " before it) at va: as C writes it, or a row of
 * mmw_value_cols for each member. What cannot be read is said in its place, and t->damage set. MMW_E_NOTYPE, MMW_E_LIMIT.
 */
int mmw_value_print(struct mmw_target *t, const struct mmw_mem *mem, const char *name, uint64_t va, struct mmw_err *err);

/* As much of [va, va + len) as is of one kind: stored, or not for one reason. A kind changes at pages only. */
size_t mmw_read_piece(const struct mmw_mem *mem, uint64_t va, uint8_t *buf, size_t len, enum mmw_code *code);

/* "stored", "not-present", "excluded" ... */
const char *mmw_stored_word(enum mmw_code code);

#endif

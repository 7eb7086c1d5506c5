/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing kallsyms tables as scripts/kallsyms.c does, in every layout that lib/sym/kallsyms.h tells apart. */
#ifndef MMW_TESTS_KSWRITE_H
#define MMW_TESTS_KSWRITE_H

#include "lib/sym/kallsyms.h"
#include "tests/tools/blob.h"

/* What an address of the specification can also be: the address of one of the tables. */
enum ks_part {
	KS_PLAIN, KS_OFFSETS, KS_BASE, KS_NUM_SYMS, KS_NAMES, KS_MARKERS, KS_TOKEN_TABLE, KS_TOKEN_INDEX, KS_SEQS,
	KS_PARTS
};

struct ks_sym {
	enum ks_part part;  /* KS_PLAIN: addr is the address */
	uint64_t addr;
	char type;
	char *name;  /* owned */
	uint8_t *tokens;
	size_t n_tokens;
};

struct ks_spec {
	char layout;  /* 'A' .. 'D' */
	enum mmw_kallsyms_encoding encoding;
	bool uleb;    /* lengths of 128 and more tokens take two bytes (6.1 on) */
	bool big_endian;
	unsigned word;
	uint64_t va;  /* where the tables will be read from */
	struct ks_sym *syms;
	size_t n, cap;
};

/* A specification of that layout, with the encoding, lengths and alignment that go with it. */
struct ks_spec ks_spec_of(char layout, enum mmw_kallsyms_encoding encoding);
void ks_spec_fini(struct ks_spec *s);
void ks_add(struct ks_spec *s, uint64_t addr, char type, const char *name);
void ks_add_part(struct ks_spec *s, enum ks_part part, char type, const char *name);

/*
 * The tables, to be placed at s->va. Symbols get sorted by address, and the parts' addresses filled in. at[] tells the
 * offset of each table in the blob (SIZE_MAX: this layout has none).
 */
void ks_build(struct ks_spec *s, struct blob *out, size_t at[KS_PARTS]);

#endif

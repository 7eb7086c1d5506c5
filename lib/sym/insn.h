/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of lib/sym/disas.c: what one instruction does, in terms that all machines share. */
#ifndef MMW_SYM_INSN_H
#define MMW_SYM_INSN_H

#include <capstone/capstone.h>

#include "lib/sym/disas.h"

enum { MMW_REGS = 32, MMW_NO_REG = -1 };

enum mmw_fx_op {
	MMW_FX_NONE,
	MMW_FX_SET,     /* dst = imm */
	MMW_FX_ADD,     /* dst = src + imm */
	MMW_FX_INSERT,  /* 16 bits of dst at `shift` = imm */
	MMW_FX_LOAD,    /* dst = the word in memory */
};

struct mmw_fx {
	uint32_t at;                 /* from the start of the stretch */
	uint8_t len;
	bool bad;
	enum mmw_flow flow;
	bool has_target;
	uint64_t target;
	enum mmw_fx_op op;
	bool half;                   /* an address is not complete yet: adrp, movw */
	bool narrow;                 /* dst keeps 32 bits */
	int8_t dst, src;
	uint8_t shift;
	uint64_t imm;
	uint32_t writes;             /* registers that hold something else behind it */
	enum mmw_use use;            /* of the memory operand; VALUE: imm is one */
	int8_t base;                 /* MMW_NO_REG: disp is the address */
	bool indexed, percpu, literal;  /* literal: memory of the code itself */
	int64_t disp;
	uint8_t width;
};

/* One architecture: how Capstone reads it, and how its arguments are passed. */
struct mmw_machine {
	unsigned machine;
	cs_arch arch;
	cs_mode mode, thumb;
	unsigned word, step;             /* bytes of a pointer; of what is skipped where there is no instruction */
	uint32_t clobbered;              /* by a call */
	uint8_t n_args;
	int8_t args[8];
	int8_t (*reg)(unsigned reg);     /* Capstone's number to 0 .. MMW_REGS - 1, or MMW_NO_REG */
	void (*effect)(csh cs, const cs_insn *in, struct mmw_fx *fx);
	/* Put right what Capstone made of the bytes; false where they are no instruction. NULL: nothing to do. */
	bool (*mend)(csh cs, const uint8_t *bytes, size_t len, cs_insn *in);
	/* What Capstone does not know, its effect and MMW_INSN_TEXT of text, either may be NULL. NULL: nothing. */
	bool (*more)(const uint8_t *bytes, size_t len, struct mmw_fx *fx, char *text);
};

bool mmw_lse_read(const uint8_t *bytes, size_t len, struct mmw_fx *fx, char *text);

/* NULL past the end. */
const struct mmw_machine *mmw_machine_at(size_t index);

#endif

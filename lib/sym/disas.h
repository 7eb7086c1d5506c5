/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code as records: what an instruction is, where it leads, and which address it forms or uses.
 *
 * Capstone reads the instructions. Above it stands one pass over a stretch of code that knows of each register whether
 * it holds a constant, an argument of the function, or what was read from a constant address (each plus a distance). So
 * an address put together by several instructions (adrp and add, movw and movt) is told where it is complete, and a
 * member where it is used. Where paths meet, only what all of them agree on is kept. The bytes are not trusted: every
 * instruction is looked at a bounded number of times.
 */
#ifndef MMW_SYM_DISAS_H
#define MMW_SYM_DISAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct mmw_disas;

enum { MMW_INSN_BYTES = 16, MMW_INSN_TEXT = 256, MMW_DISAS_LEN_MAX = 1 << 20 };

enum mmw_disas_flags {
	MMW_DISAS_INTEL = 1,       /* x86: Intel's syntax, not AT&T's */
	MMW_DISAS_THUMB = 2,       /* arm: Thumb instructions */
	MMW_DISAS_BIG_ENDIAN = 4,  /* data is; instructions never are (BE8) */
};

/* Where control goes. */
enum mmw_flow {
	MMW_FLOW_ON,      /* to the next instruction, or back to it: no other place is named */
	MMW_FLOW_BRANCH,  /* either way */
	MMW_FLOW_CALL,
	MMW_FLOW_JUMP,    /* away, never to the next instruction */
	MMW_FLOW_END,     /* away, to where the instruction does not say: return, jump through a register */
};

enum mmw_use { MMW_USE_NONE, MMW_USE_VALUE, MMW_USE_ADDRESS, MMW_USE_READ, MMW_USE_WRITE };

/* What an address is made of: nothing known, a constant, an argument plus off, or the pointer at `root` plus off. */
enum mmw_place { MMW_PLACE_NONE, MMW_PLACE_CONST, MMW_PLACE_ARG, MMW_PLACE_BEHIND };

struct mmw_insn {
	uint64_t va;
	uint8_t len;                    /* 1 to MMW_INSN_BYTES */
	uint8_t bytes[MMW_INSN_BYTES];
	bool bad;                       /* no instruction: bytes that have no meaning here */
	char text[MMW_INSN_TEXT];       /* as an assembler writes it */
	enum mmw_flow flow;
	bool has_target;
	uint64_t target;                /* of a branch, jump or call */
	/* The memory operand, or the value that is complete with this instruction. */
	enum mmw_use use;
	enum mmw_place place;
	uint64_t root;                  /* CONST: the address. ARG: its number from 0. BEHIND: where the pointer is */
	int64_t off;
	bool indexed;                   /* and something that is not known on top: an element of an array */
	bool percpu;                    /* x86: counts from %gs or %fs */
	uint8_t width;                  /* bytes read or written; 0: unknown */
};

/*
 * A reader of code for this ELF machine. MMW_E_UNSUPPORTED where Capstone, as mmwalk knows it, does not read it. One
 * thread at a time.
 */
int mmw_disas_open(unsigned machine, unsigned flags, struct mmw_disas **out, struct mmw_err *err);
void mmw_disas_close(struct mmw_disas *d);  /* NULL is fine */

/*
 * Start with a stretch of code: `len` bytes (at most MMW_DISAS_LEN_MAX, borrowed until the next one), which run at va.
 * A function is one stretch: at its start the arguments are in their registers.
 */
int mmw_disas_code(struct mmw_disas *d, uint64_t va, const void *bytes, size_t len, struct mmw_err *err);

/* The next instruction of it: 1, or 0 at the end. Without `text`, out->text stays empty, which is faster. */
int mmw_disas_next(struct mmw_disas *d, bool text, struct mmw_insn *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an instruction does, machine by machine, out of Capstone's operands. What is not understood only clobbers. */
#include "lib/sym/insn.h"

#include <elf.h>
#include <string.h>

static bool starts(const cs_insn *in, const char *with)
{
	return !strncmp(in->mnemonic, with, strlen(with));
}

static void set_target(struct mmw_fx *fx, uint64_t va)
{
	fx->has_target = true;
	fx->target = va;
}

/* --- x86 ---------------------------------------------------------------------------------------------------------- */

enum { AX, CX, DX, BX, SP, BP, SI, DI };

static int8_t x86_reg_number(unsigned reg)
{
	static const uint16_t low[][8] = {
		{ X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX,
		  X86_REG_RSP, X86_REG_RBP, X86_REG_RSI, X86_REG_RDI },
		{ X86_REG_EAX, X86_REG_ECX, X86_REG_EDX, X86_REG_EBX,
		  X86_REG_ESP, X86_REG_EBP, X86_REG_ESI, X86_REG_EDI },
		{ X86_REG_AX, X86_REG_CX, X86_REG_DX, X86_REG_BX, X86_REG_SP, X86_REG_BP, X86_REG_SI, X86_REG_DI },
		{ X86_REG_AL, X86_REG_CL, X86_REG_DL, X86_REG_BL, X86_REG_SPL, X86_REG_BPL, X86_REG_SIL, X86_REG_DIL },
		{ X86_REG_AH, X86_REG_CH, X86_REG_DH, X86_REG_BH, 0, 0, 0, 0 },
	};

	for (unsigned i = 0; reg && i < 5; i++)
		for (int8_t r = 0; r < 8; r++)
			if (low[i][r] == reg)
				return r;
	if (reg >= X86_REG_R8 && reg <= X86_REG_R15)
		return (int8_t)(8 + reg - X86_REG_R8);
	if (reg >= X86_REG_R8D && reg <= X86_REG_R15D)
		return (int8_t)(8 + reg - X86_REG_R8D);
	if (reg >= X86_REG_R8W && reg <= X86_REG_R15W)
		return (int8_t)(8 + reg - X86_REG_R8W);
	if (reg >= X86_REG_R8B && reg <= X86_REG_R15B)
		return (int8_t)(8 + reg - X86_REG_R8B);
	return MMW_NO_REG;
}

/* Branches that Capstone has in no group of jumps. */
static bool x86_counts_down(unsigned id)
{
	return id == X86_INS_LOOP || id == X86_INS_LOOPE || id == X86_INS_LOOPNE;
}

static void x86_flow(csh cs, const cs_insn *in, struct mmw_fx *fx)
{
	const cs_x86 *x = &in->detail->x86;

	if (in->id == X86_INS_JMP)
		fx->flow = MMW_FLOW_JUMP;
	else if (cs_insn_group(cs, in, CS_GRP_CALL))
		fx->flow = MMW_FLOW_CALL;
	else if (cs_insn_group(cs, in, CS_GRP_JUMP) || x86_counts_down(in->id))
		fx->flow = MMW_FLOW_BRANCH;
	else if (cs_insn_group(cs, in, CS_GRP_RET) || cs_insn_group(cs, in, CS_GRP_IRET) || in->id == X86_INS_INT3)
		fx->flow = MMW_FLOW_END;
	else
		return;
	/* What ret takes off the stack is no target. */
	if (fx->flow != MMW_FLOW_END && x->op_count == 1 && x->operands[0].type == X86_OP_IMM)
		set_target(fx, (uint64_t)x->operands[0].imm);
	else if (fx->flow == MMW_FLOW_JUMP)
		fx->flow = MMW_FLOW_END;
}

static void x86_memory(const cs_insn *in, const cs_x86_op *op, struct mmw_fx *fx)
{
	const x86_op_mem *m = &op->mem;

	if (in->id == X86_INS_NOP)
		return;
	fx->use = in->id == X86_INS_LEA ? MMW_USE_ADDRESS : op->access & CS_AC_WRITE ? MMW_USE_WRITE : MMW_USE_READ;
	fx->width = in->id == X86_INS_LEA ? 0 : op->size;
	fx->indexed = m->index != X86_REG_INVALID;
	fx->percpu = m->segment == X86_REG_GS || m->segment == X86_REG_FS;
	fx->disp = m->disp;
	if (m->base == X86_REG_RIP)
		fx->disp += (int64_t)(in->address + in->size);
	else if (m->base != X86_REG_INVALID)
		fx->base = x86_reg_number(m->base);
	if (m->base != X86_REG_INVALID && m->base != X86_REG_RIP && fx->base == MMW_NO_REG)
		fx->use = MMW_USE_NONE;
}

/* Operations on a whole register whose outcome is known. */
static void x86_register(const cs_insn *in, const cs_x86 *x, struct mmw_fx *fx)
{
	const cs_x86_op *to = &x->operands[0], *from = &x->operands[1];
	bool mov = in->id == X86_INS_MOV || in->id == X86_INS_MOVABS;
	bool add = in->id == X86_INS_ADD, sub = in->id == X86_INS_SUB;

	if (x->op_count != 2 || to->type != X86_OP_REG || to->size < 4)
		return;
	fx->dst = x86_reg_number(to->reg);
	fx->narrow = to->size == 4;
	if (fx->dst == MMW_NO_REG)
		return;
	if (from->type == X86_OP_IMM && (mov || add || sub)) {
		fx->op = mov ? MMW_FX_SET : MMW_FX_ADD;
		fx->src = fx->dst;
		fx->imm = sub ? -(uint64_t)from->imm : (uint64_t)from->imm;
	} else if (from->type == X86_OP_REG && mov) {
		fx->src = x86_reg_number(from->reg);
		fx->op = fx->src == MMW_NO_REG ? MMW_FX_NONE : MMW_FX_ADD;
	} else if (from->type == X86_OP_REG && in->id == X86_INS_XOR && from->reg == to->reg) {
		fx->op = MMW_FX_SET;
	} else if (from->type == X86_OP_MEM && mov && fx->use == MMW_USE_READ && !fx->percpu) {
		fx->op = MMW_FX_LOAD;
	} else if (in->id == X86_INS_LEA && fx->use == MMW_USE_ADDRESS && !fx->indexed) {
		fx->op = fx->base == MMW_NO_REG ? MMW_FX_SET : MMW_FX_ADD;
		fx->src = fx->base;
		fx->imm = (uint64_t)fx->disp;
		fx->use = MMW_USE_NONE;
	}
}

static void x86_effect(csh cs, const cs_insn *in, struct mmw_fx *fx)
{
	const cs_x86 *x = &in->detail->x86;

	x86_flow(cs, in, fx);
	for (uint8_t i = 0; i < x->op_count && i < 8; i++) {
		const cs_x86_op *op = &x->operands[i];

		if (op->type == X86_OP_MEM)
			x86_memory(in, op, fx);
		else if (op->type == X86_OP_IMM && fx->use == MMW_USE_NONE && !fx->has_target) {
			fx->use = MMW_USE_VALUE;
			fx->imm = (uint64_t)op->imm;
		}
	}
	x86_register(in, x, fx);
}

/*
 * UD1 has operands like any instruction of two operands, and Capstone 4 knows of none. Linux marks static calls with
 * one (tramp_ud, arch/x86/kernel/static_call.c). IMUL has the same form.
 */
static bool x86_mend(csh cs, const uint8_t *bytes, size_t len, cs_insn *in)
{
	uint8_t copy[MMW_INSN_BYTES];
	const uint8_t *at = copy;
	uint64_t va = in->address;
	uint16_t size = in->size;

	if (size < 2 || !starts(in, "ud") || bytes[size - 2] != 0x0f || bytes[size - 1] != 0xb9)
		return true;
	len = len < sizeof(copy) ? len : sizeof(copy);
	memcpy(copy, bytes, len);
	copy[size - 1] = 0xaf;
	if (!cs_disasm_iter(cs, &at, &len, &va, in))
		return false;
	strcpy(in->mnemonic, "ud1");
	in->id = X86_INS_INVALID;
	return true;
}

/* --- arm64 -------------------------------------------------------------------------------------------------------- */

static int8_t arm64_reg_number(unsigned reg)
{
	if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
		return (int8_t)(reg - ARM64_REG_X0);
	if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
		return (int8_t)(reg - ARM64_REG_W0);
	if (reg == ARM64_REG_X29 || reg == ARM64_REG_X30)
		return reg == ARM64_REG_X29 ? 29 : 30;
	return reg == ARM64_REG_SP || reg == ARM64_REG_WSP ? 31 : MMW_NO_REG;
}

static bool arm64_narrow(unsigned reg)
{
	return reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30;
}

static void arm64_flow(const cs_insn *in, struct mmw_fx *fx)
{
	const cs_arm64 *a = &in->detail->arm64;

	switch (in->id) {
	case ARM64_INS_B:
		fx->flow = a->cc == ARM64_CC_INVALID || a->cc >= ARM64_CC_AL ? MMW_FLOW_JUMP : MMW_FLOW_BRANCH;
		break;
	case ARM64_INS_CBZ:
	case ARM64_INS_CBNZ:
	case ARM64_INS_TBZ:
	case ARM64_INS_TBNZ:
		fx->flow = MMW_FLOW_BRANCH;
		break;
	case ARM64_INS_BL:
	case ARM64_INS_BLR:
		fx->flow = MMW_FLOW_CALL;
		break;
	case ARM64_INS_BR:
	case ARM64_INS_RET:
	case ARM64_INS_ERET:
	case ARM64_INS_DRPS:
		fx->flow = MMW_FLOW_END;
		break;
	default:
		return;
	}
	if (a->op_count && a->operands[a->op_count - 1].type == ARM64_OP_IMM)
		set_target(fx, (uint64_t)a->operands[a->op_count - 1].imm);
}

/* Of a load or store: LDRB 1, LDRH 2, LDRSW 4, else as the register, LDP twice that. Of vectors it is unknown. */
static uint8_t arm64_width(const cs_insn *in, const cs_arm64_op *first)
{
	bool pair = starts(in, "ldp") || starts(in, "stp") || starts(in, "ldnp") || starts(in, "stnp");
	size_t len = strlen(in->mnemonic);
	char last = len > 3 ? in->mnemonic[len - 1] : '\0';

	if (first->type != ARM64_OP_REG)
		return 0;
	if (!pair && (last == 'b' || last == 'h'))
		return last == 'b' ? 1 : 2;
	if (last == 'w' || arm64_narrow(first->reg) || first->reg == ARM64_REG_WZR)
		return pair ? 8 : 4;
	if (arm64_reg_number(first->reg) == MMW_NO_REG && first->reg != ARM64_REG_XZR)
		return 0;
	return pair ? 16 : 8;
}

static void arm64_memory(const cs_insn *in, const cs_arm64 *a, const cs_arm64_op *op, struct mmw_fx *fx)
{
	if (a->writeback && a->operands[a->op_count - 1].type == ARM64_OP_IMM)
		return;
	if (!starts(in, "ld") && !starts(in, "st"))
		return;
	fx->use = starts(in, "st") ? MMW_USE_WRITE : MMW_USE_READ;
	fx->base = arm64_reg_number(op->mem.base);
	fx->indexed = op->mem.index != ARM64_REG_INVALID;
	fx->disp = op->mem.disp;
	fx->width = arm64_width(in, &a->operands[0]);
	if (fx->base == MMW_NO_REG)
		fx->use = MMW_USE_NONE;
}

/* Instructions whose outcome is their immediate. */
static bool arm64_sets(unsigned id)
{
	return id == ARM64_INS_ADRP || id == ARM64_INS_ADR || id == ARM64_INS_MOVZ || id == ARM64_INS_MOVN ||
		id == ARM64_INS_MOV;
}

static void arm64_register(const cs_insn *in, const cs_arm64 *a, struct mmw_fx *fx)
{
	const cs_arm64_op *o = a->operands;
	bool imm = a->op_count >= 2 && o[a->op_count - 1].type == ARM64_OP_IMM;
	uint64_t value = imm ? (uint64_t)o[a->op_count - 1].imm << (o[a->op_count - 1].shift.value & 63) : 0;

	if (a->op_count < 2 || o[0].type != ARM64_OP_REG)
		return;
	fx->dst = arm64_reg_number(o[0].reg);
	fx->src = o[1].type == ARM64_OP_REG ? arm64_reg_number(o[1].reg) : MMW_NO_REG;
	fx->narrow = arm64_narrow(o[0].reg);
	fx->imm = value;
	if (fx->dst == MMW_NO_REG)
		return;
	if (arm64_sets(in->id) && imm && a->op_count == 2) {
		fx->op = MMW_FX_SET;
		fx->half = in->id != ARM64_INS_ADR;
		fx->imm = in->id == ARM64_INS_MOVN ? ~value : value;
	} else if (in->id == ARM64_INS_MOVK && imm) {
		fx->op = MMW_FX_INSERT;
		fx->shift = o[1].shift.value & 63;
		fx->imm = (uint64_t)o[1].imm;
	} else if ((in->id == ARM64_INS_ADD || in->id == ARM64_INS_SUB) && imm && a->op_count == 3 && fx->src >= 0) {
		fx->op = MMW_FX_ADD;
		fx->imm = in->id == ARM64_INS_SUB ? -value : value;
	} else if (in->id == ARM64_INS_MOV && fx->src >= 0) {
		fx->op = MMW_FX_ADD;
	} else if (in->id == ARM64_INS_LDR && imm && a->op_count == 2) {
		fx->literal = true;
		fx->use = MMW_USE_READ;
		fx->base = MMW_NO_REG;
		fx->disp = (int64_t)value;
		fx->width = fx->narrow ? 4 : 8;
		fx->op = MMW_FX_LOAD;
	} else if (fx->use == MMW_USE_READ && a->op_count == 2 && !a->writeback && fx->width == 8) {
		fx->op = MMW_FX_LOAD;
	}
}

static void arm64_effect(csh cs, const cs_insn *in, struct mmw_fx *fx)
{
	const cs_arm64 *a = &in->detail->arm64;

	(void)cs;
	arm64_flow(in, fx);
	for (uint8_t i = 0; i < a->op_count && i < 8; i++)
		if (a->operands[i].type == ARM64_OP_MEM)
			arm64_memory(in, a, &a->operands[i], fx);
	arm64_register(in, a, fx);
}

/* --- arm ---------------------------------------------------------------------------------------------------------- */

enum { ARM_PC = 15 };

static int8_t arm_reg_number(unsigned reg)
{
	if (reg >= ARM_REG_R0 && reg <= ARM_REG_R12)
		return (int8_t)(reg - ARM_REG_R0);
	return reg == ARM_REG_SP ? 13 : reg == ARM_REG_LR ? 14 : reg == ARM_REG_PC ? ARM_PC : MMW_NO_REG;
}

static void arm_flow(const cs_insn *in, struct mmw_fx *fx)
{
	const cs_arm *a = &in->detail->arm;
	bool always = a->cc == ARM_CC_AL || a->cc == ARM_CC_INVALID;
	const cs_arm_op *last = a->op_count && a->op_count <= 36 ? &a->operands[a->op_count - 1] : NULL;

	if (in->id == ARM_INS_BL || in->id == ARM_INS_BLX)
		fx->flow = MMW_FLOW_CALL;
	else if (in->id == ARM_INS_B)
		fx->flow = always ? MMW_FLOW_JUMP : MMW_FLOW_BRANCH;
	else if (in->id == ARM_INS_CBZ || in->id == ARM_INS_CBNZ)
		fx->flow = MMW_FLOW_BRANCH;
	else if (fx->writes & 1u << ARM_PC && always)
		fx->flow = MMW_FLOW_END;
	if (fx->flow != MMW_FLOW_ON && fx->flow != MMW_FLOW_END && last && last->type == ARM_OP_IMM)
		set_target(fx, (uint32_t)last->imm);
}

/* What PC counts as in a literal load. */
static uint32_t arm_pc(csh cs, const cs_insn *in)
{
	uint32_t va = (uint32_t)in->address;

	return cs_insn_group(cs, in, ARM_GRP_THUMB) || cs_insn_group(cs, in, ARM_GRP_THUMB2) ? (va & ~3u) + 4 : va + 8;
}

static void arm_memory(csh cs, const cs_insn *in, const cs_arm *a, const cs_arm_op *op, struct mmw_fx *fx)
{
	/* Behind the memory operand stands what is added to the base afterwards. */
	if ((!starts(in, "ldr") && !starts(in, "str")) || op != &a->operands[a->op_count - 1])
		return;
	fx->use = starts(in, "st") ? MMW_USE_WRITE : MMW_USE_READ;
	fx->indexed = op->mem.index != ARM_REG_INVALID;
	fx->disp = op->subtracted && op->mem.disp > 0 ? -(int64_t)op->mem.disp : op->mem.disp;
	fx->width = in->id == ARM_INS_LDRB || in->id == ARM_INS_STRB || in->id == ARM_INS_LDRSB ? 1 :
		in->id == ARM_INS_LDRH || in->id == ARM_INS_STRH || in->id == ARM_INS_LDRSH ? 2 :
		in->id == ARM_INS_LDRD || in->id == ARM_INS_STRD ? 8 : 4;
	fx->base = arm_reg_number((unsigned)op->mem.base);
	if (fx->base == ARM_PC) {
		fx->base = MMW_NO_REG;
		fx->literal = true;
		fx->disp = (int64_t)(uint32_t)(arm_pc(cs, in) + (uint32_t)fx->disp);
	} else if (fx->base == MMW_NO_REG) {
		fx->use = MMW_USE_NONE;
	}
}

/* An immediate may be written as a byte and how far it is rotated. */
static bool arm_immediate(const cs_arm *a, uint8_t first, uint32_t *out)
{
	uint32_t turn = 0;

	if (a->op_count <= first || a->op_count > first + 2 || a->operands[first].type != ARM_OP_IMM)
		return false;
	if (a->op_count == first + 2) {
		if (a->operands[first + 1].type != ARM_OP_IMM)
			return false;
		turn = (uint32_t)a->operands[first + 1].imm & 31;
	}
	*out = (uint32_t)a->operands[first].imm;
	*out = turn ? *out >> turn | *out << (32 - turn) : *out;
	return true;
}

static void arm_register(csh cs, const cs_insn *in, const cs_arm *a, struct mmw_fx *fx)
{
	const cs_arm_op *o = a->operands;
	uint32_t imm;

	/* What happens under a condition leaves two possible values. */
	if (a->op_count < 2 || o[0].type != ARM_OP_REG || (a->cc != ARM_CC_AL && a->cc != ARM_CC_INVALID))
		return;
	fx->dst = arm_reg_number((unsigned)o[0].reg);
	fx->src = o[1].type == ARM_OP_REG ? arm_reg_number((unsigned)o[1].reg) : MMW_NO_REG;
	if (fx->dst == MMW_NO_REG || fx->dst == ARM_PC)
		return;
	if ((in->id == ARM_INS_MOVW || in->id == ARM_INS_MOV || in->id == ARM_INS_MVN) && arm_immediate(a, 1, &imm)) {
		fx->op = MMW_FX_SET;
		fx->half = true;
		fx->imm = in->id == ARM_INS_MVN ? ~imm : imm;
	} else if (in->id == ARM_INS_MOVT && arm_immediate(a, 1, &imm)) {
		fx->op = MMW_FX_INSERT;
		fx->shift = 16;
		fx->imm = imm;
	} else if (in->id == ARM_INS_MOV && fx->src >= 0 && fx->src != ARM_PC && a->op_count == 2 &&
		   !o[1].shift.value) {
		fx->op = MMW_FX_ADD;
	} else if ((in->id == ARM_INS_ADD || in->id == ARM_INS_SUB) && fx->src >= 0 && arm_immediate(a, 2, &imm)) {
		fx->op = fx->src == ARM_PC ? MMW_FX_SET : MMW_FX_ADD;
		fx->imm = in->id == ARM_INS_SUB ? -(uint64_t)imm : imm;
		fx->imm += fx->src == ARM_PC ? arm_pc(cs, in) : 0;
	} else if (in->id == ARM_INS_LDR && fx->use == MMW_USE_READ && !a->writeback) {
		fx->op = MMW_FX_LOAD;
	}
}

static void arm_effect(csh cs, const cs_insn *in, struct mmw_fx *fx)
{
	const cs_arm *a = &in->detail->arm;

	/* Capstone does not say of every register in a list that it is written. */
	for (uint8_t i = 0; i < a->op_count && i < 36; i++) {
		const cs_arm_op *op = &a->operands[i];
		int8_t r = op->type == ARM_OP_REG ? arm_reg_number((unsigned)op->reg) : MMW_NO_REG;

		if (r != MMW_NO_REG && (starts(in, "ldm") || starts(in, "pop") || starts(in, "ldrd")))
			fx->writes |= 1u << r;
	}
	arm_flow(in, fx);
	if (a->op_count && a->op_count <= 36 && a->operands[a->op_count - 1].type == ARM_OP_MEM)
		arm_memory(cs, in, a, &a->operands[a->op_count - 1], fx);
	arm_register(cs, in, a, fx);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const struct mmw_machine machines[] = {
	{ EM_X86_64, CS_ARCH_X86, CS_MODE_64, CS_MODE_64, 8, 1, 1 << AX | 1 << CX | 1 << DX | 1 << SI | 1 << DI | 0xf00,
	  6, { DI, SI, DX, CX, 8, 9 }, x86_reg_number, x86_effect, x86_mend, NULL },
	{ EM_386, CS_ARCH_X86, CS_MODE_32, CS_MODE_32, 4, 1, 1 << AX | 1 << CX | 1 << DX, 3, { AX, DX, CX },
	  x86_reg_number, x86_effect, x86_mend, NULL },
	{ EM_AARCH64, CS_ARCH_ARM64, CS_MODE_ARM, CS_MODE_ARM, 8, 4, 0x4007ffff, 8, { 0, 1, 2, 3, 4, 5, 6, 7 },
	  arm64_reg_number, arm64_effect, NULL, mmw_lse_read },
	{ EM_ARM, CS_ARCH_ARM, CS_MODE_ARM | CS_MODE_V8, CS_MODE_THUMB | CS_MODE_V8, 4, 4, 0x500f, 4, { 0, 1, 2, 3 },
	  arm_reg_number, arm_effect, NULL, NULL },
};

const struct mmw_machine *mmw_machine_at(size_t index)
{
	return index < sizeof(machines) / sizeof(machines[0]) ? &machines[index] : NULL;
}

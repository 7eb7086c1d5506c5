/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arm64's atomic instructions of ARMv8.1 (LSE) and LDAPR of 8.3, which Capstone 4 does not know and which Linux is full
 * of (arch/arm64/include/asm/atomic_lse.h). Arm Architecture Reference Manual, encodings of "Loads and Stores":
 *
 *   31  29      23 22 21 20   16 15 14   12 11 10 9   5 4   0
 *   size 111000 A  R  1  Rs      o3 opc     00    Rn    Rt     LD<op>, ST<op> (A 0, Rt 31); SWP (o3 1, opc 0); LDAPR
 *   size 001000 1  A  1  Rs      R  11111         Rn    Rt     CAS
 *   0 sz 001000 0  A  1  Rs      R  11111         Rn    Rt     CASP: pairs from Rs and Rt on, which are even
 */
#include <stdio.h>

#include "lib/base/bytes.h"
#include "lib/sym/insn.h"

enum { ZERO = 31, REGS_MAX = 4 };

struct lse {
	char name[16];
	uint8_t regs[REGS_MAX], n, width;
	bool wide, load;
	uint32_t writes;
};

/* A register with the number of none is the one that is always 0. */
static uint32_t bit_of(unsigned reg)
{
	return reg == ZERO ? 0 : 1u << reg;
}

static void set_name(struct lse *l, const char *verb, const char *op, bool acquire, bool release, unsigned size)
{
	static const char *const sizes[] = { "b", "h", "", "" };

	snprintf(l->name, sizeof(l->name), "%s%s%s%s%s", verb, op, acquire ? "a" : "", release ? "l" : "", sizes[size]);
	l->wide = size == 3;
	l->width = (uint8_t)(1u << size);
}

static bool read_atomic(uint32_t w, struct lse *l)
{
	static const char *const ops[] = { "add", "clr", "eor", "set", "smax", "smin", "umax", "umin" };
	unsigned size = w >> 30, opc = w >> 12 & 7, rs = w >> 16 & 31, rt = w & 31;
	bool acquire = w >> 23 & 1, release = w >> 22 & 1, o3 = w >> 15 & 1;

	if ((w & 0x3f200c00) != 0x38200000)
		return false;
	l->writes = bit_of(rt);
	l->regs[l->n++] = (uint8_t)rs;
	if (o3 && opc == 4 && acquire && !release && rs == ZERO) {
		set_name(l, "ldapr", "", false, false, size);
		l->load = true;
		l->regs[0] = (uint8_t)rt;
	} else if (o3 && !opc) {
		set_name(l, "swp", "", acquire, release, size);
		l->regs[l->n++] = (uint8_t)rt;
	} else if (!o3 && !acquire && rt == ZERO) {
		set_name(l, "st", ops[opc], false, release, size);
	} else if (!o3) {
		set_name(l, "ld", ops[opc], acquire, release, size);
		l->regs[l->n++] = (uint8_t)rt;
	} else {
		return false;
	}
	return true;
}

static bool read_compare(uint32_t w, struct lse *l)
{
	unsigned rs = w >> 16 & 31, rt = w & 31;
	bool acquire = w >> 22 & 1, release = w >> 15 & 1;
	bool pair = (w & 0xbfa07c00) == 0x08207c00;

	if (!pair && (w & 0x3fa07c00) != 0x08a07c00)
		return false;
	if (pair && (rs & 1 || rt & 1))
		return false;
	set_name(l, pair ? "casp" : "cas", "", acquire, release, pair ? 2 + (w >> 30 & 1) : w >> 30);
	l->writes = bit_of(rs);
	l->regs[l->n++] = (uint8_t)rs;
	if (pair) {
		l->writes |= bit_of(rs + 1);
		l->regs[l->n++] = (uint8_t)(rs + 1);
		l->width *= 2;
	}
	l->regs[l->n++] = (uint8_t)rt;
	if (pair)
		l->regs[l->n++] = (uint8_t)(rt + 1);
	return true;
}

static void write_text(const struct lse *l, unsigned base, char *text)
{
	size_t n = (size_t)snprintf(text, MMW_INSN_TEXT, "%s ", l->name);

	for (unsigned i = 0; i < l->n; i++) {
		char kind = l->wide ? 'x' : 'w';

		if (l->regs[i] == ZERO)
			n += (size_t)snprintf(text + n, MMW_INSN_TEXT - n, "%czr, ", kind);
		else
			n += (size_t)snprintf(text + n, MMW_INSN_TEXT - n, "%c%u, ", kind, l->regs[i]);
	}
	if (base == ZERO)
		snprintf(text + n, MMW_INSN_TEXT - n, "[sp]");
	else
		snprintf(text + n, MMW_INSN_TEXT - n, "[x%u]", base);
}

bool mmw_lse_read(const uint8_t *bytes, size_t len, struct mmw_fx *fx, char *text)
{
	struct lse l = { 0 };
	uint32_t w;

	if (len < 4)
		return false;
	w = mmw_get32(bytes, false);
	if (!read_atomic(w, &l) && !read_compare(w, &l))
		return false;
	if (text)
		write_text(&l, w >> 5 & 31, text);
	if (fx) {
		fx->len = 4;
		fx->writes = l.writes;
		fx->use = l.load ? MMW_USE_READ : MMW_USE_WRITE;
		fx->base = (int8_t)(w >> 5 & 31);
		fx->width = l.width;
	}
	return true;
}

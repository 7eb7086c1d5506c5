/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/disas.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/sym/insn.h"

enum { PASSES = 8, TARGETS_MAX = 4096 };

/* What is known of a register. */
struct value {
	enum mmw_place place;
	uint64_t root;
	int64_t off;
};

/* Registers where a branch leads to: what all paths that were seen agree on. */
struct meeting {
	uint32_t at;
	bool reached;
	struct value regs[MMW_REGS];
};

struct mmw_disas {
	const struct mmw_machine *m;
	csh code, text;         /* text is 0 where the first has the text too */
	cs_insn *insn, *words;
	bool big_endian, thumb;

	const uint8_t *bytes;
	size_t len;
	uint64_t va;
	struct mmw_fx *fx;
	size_t n, cap, pos;
	struct meeting *meetings;  /* ascending */
	size_t n_meetings, cap_meetings, met;
	bool settled, live;
	struct value regs[MMW_REGS];
};

/* --- opening ------------------------------------------------------------------------------------------------------ */

static const struct mmw_machine *machine_of(unsigned machine)
{
	const struct mmw_machine *m;

	for (size_t i = 0; (m = mmw_machine_at(i)); i++)
		if (m->machine == machine)
			return m;
	return NULL;
}

static int open_handle(const struct mmw_machine *m, unsigned flags, bool detail, csh *cs, cs_insn **insn,
		       struct mmw_err *err)
{
	cs_err rc = cs_open(m->arch, flags & MMW_DISAS_THUMB ? m->thumb : m->mode, cs);

	if (rc != CS_ERR_OK) {
		*cs = 0;
		return mmw_fail(err, rc == CS_ERR_MEM ? MMW_E_NOMEM : MMW_E_UNSUPPORTED, 0, "Capstone: %s",
				cs_strerror(rc));
	}
	cs_option(*cs, CS_OPT_UNSIGNED, CS_OPT_ON);
	if (detail)
		cs_option(*cs, CS_OPT_DETAIL, CS_OPT_ON);
	else if (m->arch == CS_ARCH_X86)
		cs_option(*cs, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	*insn = cs_malloc(*cs);
	return *insn ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read code");
}

int mmw_disas_open(unsigned machine, unsigned flags, struct mmw_disas **out, struct mmw_err *err)
{
	const struct mmw_machine *m = machine_of(machine);
	struct mmw_disas *d;
	int rc;

	if (!m)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "no disassembler for this machine (ELF number %u)", machine);
	d = calloc(1, sizeof(*d));
	if (!d)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read code");
	d->m = m;
	d->big_endian = flags & MMW_DISAS_BIG_ENDIAN;
	d->thumb = m->arch == CS_ARCH_ARM && flags & MMW_DISAS_THUMB;
	rc = open_handle(m, flags, true, &d->code, &d->insn, err);
	/*
	 * AT&T's order of operands is not to be mixed with what is concluded from them; and a handle for Thumb
	 * remembers what IT said of the next instructions.
	 */
	if (!rc && (d->thumb || (m->arch == CS_ARCH_X86 && !(flags & MMW_DISAS_INTEL))))
		rc = open_handle(m, flags, false, &d->text, &d->words, err);
	if (rc) {
		mmw_disas_close(d);
		return rc;
	}
	*out = d;
	return 0;
}

void mmw_disas_close(struct mmw_disas *d)
{
	if (!d)
		return;
	if (d->insn)
		cs_free(d->insn, 1);
	if (d->words)
		cs_free(d->words, 1);
	if (d->code)
		cs_close(&d->code);
	if (d->text)
		cs_close(&d->text);
	free(d->fx);
	free(d->meetings);
	free(d);
}

/* --- what each instruction does ----------------------------------------------------------------------------------- */

static bool decode(const struct mmw_disas *d, csh cs, cs_insn *insn, uint32_t at)
{
	const uint8_t *bytes = d->bytes + at, *end = bytes;
	uint64_t va = d->va + at;
	size_t left = d->len - at;

	return cs_disasm_iter(cs, &end, &left, &va, insn) &&
		(!d->m->mend || d->m->mend(cs, bytes, d->len - at, insn)) &&
		insn->size && insn->size <= MMW_INSN_BYTES && insn->size <= d->len - at;
}

/* How much to pass over where there is no instruction. */
static size_t no_insn(const struct mmw_disas *d, uint32_t at)
{
	size_t left = d->len - at, step = d->m->step;

	/* The first half of a Thumb instruction says whether there is a second. */
	if (d->thumb && left >= 2 && mmw_get16(d->bytes + at, false) < 0xe800)
		step = 2;
	return left < step ? left : step;
}

static uint32_t written(struct mmw_disas *d, bool *known)
{
	cs_regs reads, writes;
	uint8_t n_reads = 0, n_writes = 0;
	uint32_t mask = 0;

	*known = cs_regs_access(d->code, d->insn, reads, &n_reads, writes, &n_writes) == CS_ERR_OK;
	for (uint8_t i = 0; *known && i < n_writes; i++) {
		int8_t r = d->m->reg(writes[i]);

		if (r != MMW_NO_REG)
			mask |= 1u << r;
	}
	return mask;
}

static void read_effect(struct mmw_disas *d, uint32_t at, struct mmw_fx *fx)
{
	bool known;

	*fx = (struct mmw_fx){ .at = at, .dst = MMW_NO_REG, .src = MMW_NO_REG, .base = MMW_NO_REG };
	if (!decode(d, d->code, d->insn, at)) {
		if (d->m->more && d->m->more(d->bytes + at, d->len - at, fx, NULL))
			return;
		fx->bad = true;
		fx->writes = UINT32_MAX;
		fx->len = (uint8_t)no_insn(d, at);
		return;
	}
	fx->len = (uint8_t)d->insn->size;
	fx->writes = written(d, &known);
	if (known && d->insn->detail)
		d->m->effect(d->code, d->insn, fx);
	if (!known)
		fx->writes = UINT32_MAX;
	if (fx->op != MMW_FX_NONE)
		fx->writes |= 1u << fx->dst;
	if (fx->flow == MMW_FLOW_CALL)
		fx->writes |= d->m->clobbered;
}

static int by_place(const void *a, const void *b)
{
	const struct meeting *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Where branches within the stretch lead to. More than there is room for, and no register is followed at all. */
static int list_meetings(struct mmw_disas *d, struct mmw_err *err)
{
	size_t n = 0;

	d->n_meetings = 0;
	for (size_t i = 0; i < d->n; i++) {
		const struct mmw_fx *fx = &d->fx[i];
		int rc;

		if (!fx->has_target || fx->flow == MMW_FLOW_CALL || fx->target - d->va >= d->len)
			continue;
		if (d->n_meetings >= TARGETS_MAX) {
			d->n_meetings = 0;
			d->settled = false;
			return 0;
		}
		rc = mmw_vec_reserve(&d->meetings, &d->cap_meetings, d->n_meetings + 1, sizeof(*d->meetings), err);
		if (rc)
			return rc;
		d->meetings[d->n_meetings].reached = false;
		d->meetings[d->n_meetings++].at = (uint32_t)(fx->target - d->va);
	}
	if (d->n_meetings)
		qsort(d->meetings, d->n_meetings, sizeof(*d->meetings), by_place);
	for (size_t i = 0; i < d->n_meetings; i++)
		if (!n || d->meetings[n - 1].at != d->meetings[i].at)
			d->meetings[n++].at = d->meetings[i].at;
	d->n_meetings = n;
	return 0;
}

/* --- registers ---------------------------------------------------------------------------------------------------- */

static void forget_all(struct mmw_disas *d)
{
	memset(d->regs, 0, sizeof(d->regs));
}

static void start_over(struct mmw_disas *d)
{
	d->pos = d->met = 0;
	d->live = true;
	forget_all(d);
	for (uint8_t i = 0; i < d->m->n_args; i++)
		d->regs[d->m->args[i]] = (struct value){ MMW_PLACE_ARG, i, 0 };
}

static bool same(const struct value *a, const struct value *b)
{
	return a->place == b->place && a->root == b->root && a->off == b->off;
}

/* Another path comes here with d->regs: keep what it has in common with those before. True when that is less. */
static bool meet(struct mmw_disas *d, struct meeting *m)
{
	bool changed = !m->reached;

	if (!m->reached)
		memcpy(m->regs, d->regs, sizeof(m->regs));
	m->reached = true;
	for (unsigned r = 0; r < MMW_REGS; r++)
		if (m->regs[r].place != MMW_PLACE_NONE && !same(&m->regs[r], &d->regs[r])) {
			m->regs[r] = (struct value){ 0 };
			changed = true;
		}
	return changed;
}

static struct meeting *meeting_at(struct mmw_disas *d, uint64_t at)
{
	struct meeting key;

	if (at >= d->len || !d->n_meetings)
		return NULL;
	key.at = (uint32_t)at;
	return bsearch(&key, d->meetings, d->n_meetings, sizeof(key), by_place);
}

/* Before an instruction: what is known here. True when less is known than the last time. */
static bool arrive(struct mmw_disas *d, const struct mmw_fx *fx)
{
	struct meeting *m = d->met < d->n_meetings ? &d->meetings[d->met] : NULL;
	bool changed = false;

	/* One in the middle of an instruction is none that this reading of the bytes follows. */
	while (m && m->at < fx->at)
		m = ++d->met < d->n_meetings ? &d->meetings[d->met] : NULL;
	if (m && m->at == fx->at) {
		if (d->live)
			changed = meet(d, m);
		if (m->reached)
			memcpy(d->regs, m->regs, sizeof(d->regs));
		else
			forget_all(d);
	} else if (!d->live) {
		forget_all(d);  /* nothing that was read leads here */
	}
	d->live = true;
	return changed;
}

static struct value plus(const struct mmw_disas *d, struct value v, uint64_t imm)
{
	uint64_t mask = d->m->word == 4 ? UINT32_MAX : UINT64_MAX;

	if (v.place == MMW_PLACE_CONST)
		v.root = (v.root + imm) & mask;
	else if (v.place != MMW_PLACE_NONE)
		v.off = (int64_t)((uint64_t)v.off + (d->m->word == 4 ? (uint64_t)(int64_t)(int32_t)imm : imm));
	return v;
}

static struct value place_of(const struct mmw_disas *d, const struct mmw_fx *fx)
{
	struct value absolute = { MMW_PLACE_CONST, 0, 0 };

	return plus(d, fx->base == MMW_NO_REG ? absolute : d->regs[fx->base], (uint64_t)fx->disp);
}

/* A literal stands in the code that is being read; everything else in memory is not looked at. */
static struct value loaded(const struct mmw_disas *d, const struct mmw_fx *fx)
{
	struct value from = place_of(d, fx), none = { 0 };
	uint64_t at;

	if (from.place != MMW_PLACE_CONST || fx->width != d->m->word)
		return none;
	if (!fx->literal)
		return (struct value){ MMW_PLACE_BEHIND, from.root, 0 };
	at = from.root - d->va;
	if (at >= d->len || d->len - at < fx->width)
		return none;
	return (struct value){ MMW_PLACE_CONST, mmw_get_word(d->bytes + at, fx->width, d->big_endian), 0 };
}

static struct value outcome(const struct mmw_disas *d, const struct mmw_fx *fx)
{
	struct value v = { 0 };

	switch (fx->op) {
	case MMW_FX_SET:
		v = (struct value){ MMW_PLACE_CONST, fx->imm, 0 };
		break;
	case MMW_FX_ADD:
		v = plus(d, d->regs[fx->src], fx->imm);
		break;
	case MMW_FX_INSERT:
		v = d->regs[fx->dst];
		if (v.place != MMW_PLACE_CONST)
			v.place = MMW_PLACE_NONE;
		v.root = (v.root & ~(0xffffull << fx->shift)) | fx->imm << fx->shift;
		break;
	case MMW_FX_LOAD:
		v = loaded(d, fx);
		break;
	default:
		break;
	}
	if ((fx->narrow || d->m->word == 4) && v.place == MMW_PLACE_CONST)
		v.root &= UINT32_MAX;
	else if (fx->narrow && d->m->word == 8)
		v.place = MMW_PLACE_NONE;
	return v.place == MMW_PLACE_NONE ? (struct value){ 0 } : v;
}

/* Behind an instruction. True when a place it branches to knows less than before. */
static bool leave(struct mmw_disas *d, const struct mmw_fx *fx)
{
	struct value v = outcome(d, fx);
	struct meeting *m = fx->has_target && fx->flow != MMW_FLOW_CALL ? meeting_at(d, fx->target - d->va) : NULL;

	for (unsigned r = 0; r < MMW_REGS; r++)
		if (fx->writes & 1u << r)
			d->regs[r] = (struct value){ 0 };
	if (fx->op != MMW_FX_NONE)
		d->regs[fx->dst] = v;
	d->live = fx->flow != MMW_FLOW_JUMP && fx->flow != MMW_FLOW_END;
	return m && meet(d, m);
}

/* Again and again until loops bring nothing new. What has not settled by then is not used. */
static void settle(struct mmw_disas *d)
{
	bool changed = d->n_meetings != 0;

	for (unsigned pass = 0; changed && pass < PASSES; pass++) {
		changed = false;
		start_over(d);
		for (size_t i = 0; i < d->n; i++) {
			changed |= arrive(d, &d->fx[i]);
			changed |= leave(d, &d->fx[i]);
		}
	}
	d->settled = !changed;
}

/* cs_disasm() makes Capstone forget the IT block of a handle, which cs_disasm_iter() does not. */
static void forget_it(struct mmw_disas *d)
{
	cs_insn *none;

	if (!d->thumb)
		return;
	cs_disasm(d->code, d->bytes, 0, 0, 1, &none);
	cs_disasm(d->text, d->bytes, 0, 0, 1, &none);
}

int mmw_disas_code(struct mmw_disas *d, uint64_t va, const void *bytes, size_t len, struct mmw_err *err)
{
	int rc = 0;

	d->n = d->n_meetings = 0;
	if (len > MMW_DISAS_LEN_MAX)
		return mmw_fail(err, MMW_E_LIMIT, va, "%zu bytes of code are too many at once", len);
	d->bytes = bytes;
	d->len = len;
	d->va = va;
	d->settled = true;
	forget_it(d);
	for (uint32_t at = 0; at < len && !rc; at += d->fx[d->n++].len) {
		rc = mmw_vec_reserve(&d->fx, &d->cap, d->n + 1, sizeof(*d->fx), err);
		if (rc)
			break;
		read_effect(d, at, &d->fx[d->n]);
	}
	if (!rc)
		rc = list_meetings(d, err);
	if (!rc && d->settled)
		settle(d);
	if (rc)
		d->n = 0;
	start_over(d);
	return rc;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static void describe_use(const struct mmw_disas *d, const struct mmw_fx *fx, struct mmw_insn *out)
{
	struct value v = { 0 };

	if (fx->use != MMW_USE_NONE && fx->use != MMW_USE_VALUE) {
		v = place_of(d, fx);
		out->use = fx->use;
		out->indexed = fx->indexed;
		out->percpu = fx->percpu;
		out->width = fx->width;
		/* The word a literal load brings is what matters of it. */
		if (fx->literal && fx->op == MMW_FX_LOAD && outcome(d, fx).place == MMW_PLACE_CONST) {
			v = outcome(d, fx);
			out->use = MMW_USE_VALUE;
		}
	} else if (fx->op != MMW_FX_NONE && !fx->half) {
		v = outcome(d, fx);
		out->use = fx->op == MMW_FX_ADD ? MMW_USE_ADDRESS : MMW_USE_VALUE;
		/* A copy forms no address. */
		if (fx->op == MMW_FX_ADD && !fx->imm)
			v.place = MMW_PLACE_NONE;
	} else if (fx->use == MMW_USE_VALUE) {
		v = (struct value){ MMW_PLACE_CONST, d->m->word == 4 ? fx->imm & UINT32_MAX : fx->imm, 0 };
		out->use = MMW_USE_VALUE;
	}
	if (v.place == MMW_PLACE_NONE) {
		out->use = MMW_USE_NONE;
		return;
	}
	out->place = v.place;
	out->root = v.root;
	out->off = v.off;
}

static void add_text(char *to, size_t size, const char *text, size_t text_size)
{
	size_t have = strlen(to), len = strnlen(text, text_size);

	if (len >= size - have)
		len = size - have - 1;
	memcpy(to + have, text, len);
	to[have + len] = '\0';
}

static void describe_text(struct mmw_disas *d, const struct mmw_fx *fx, struct mmw_insn *out)
{
	cs_insn *in = d->text ? d->words : d->insn;

	if (fx->bad || !decode(d, d->text ? d->text : d->code, in, fx->at)) {
		if (fx->bad || !d->m->more || !d->m->more(out->bytes, out->len, NULL, out->text))
			add_text(out->text, sizeof(out->text), "(bad)", 5);
		return;
	}
	add_text(out->text, sizeof(out->text), in->mnemonic, sizeof(in->mnemonic));
	if (in->op_str[0])
		add_text(out->text, sizeof(out->text), " ", 1);
	add_text(out->text, sizeof(out->text), in->op_str, sizeof(in->op_str));
}

int mmw_disas_next(struct mmw_disas *d, bool text, struct mmw_insn *out)
{
	const struct mmw_fx *fx;

	if (d->pos >= d->n)
		return 0;
	fx = &d->fx[d->pos++];
	memset(out, 0, sizeof(*out));
	out->va = d->va + fx->at;
	out->len = fx->len;
	memcpy(out->bytes, d->bytes + fx->at, fx->len);
	out->bad = fx->bad;
	out->flow = fx->flow;
	out->has_target = fx->has_target;
	out->target = fx->target;
	arrive(d, fx);
	if (!d->settled)
		forget_all(d);
	describe_use(d, fx, out);
	leave(d, fx);
	if (text || d->thumb)
		describe_text(d, fx, out);
	if (!text)
		out->text[0] = '\0';
	return 1;
}

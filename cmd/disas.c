/* SPDX-License-Identifier: GPL-2.0-or-later */
/* disas: code as the image holds it, through the page tables, with symbols. */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/bytes.h"
#include "lib/kernel/module.h"
#include "lib/sym/disas.h"

enum { COL_ADDRESS, COL_SYMBOL, COL_STATUS, COL_BYTES, COL_TEXT, COL_KIND, COL_TARGET, COL_TARGET_SYMBOL };

static const struct mmw_col cols[] = {
	[COL_ADDRESS] = { "address", "where the instruction is", 16, true, true },
	[COL_SYMBOL] = { "symbol", "symbol and offset of that", 24, false, true },
	[COL_STATUS] = { "status", "code, bad, not-present, excluded, absent, truncated, corrupt", 8, false, false },
	[COL_BYTES] = { "bytes", "its bytes, in the order of memory", 16, false, false },
	[COL_TEXT] = { "text", "the instruction", 32, false, true },
	[COL_KIND] = { "kind", "what the target is to it: call, jump, branch, address, value, read, write, percpu", 7,
		       false, true },
	[COL_TARGET] = { "target", "where it leads, or what it uses", 16, true, true },
	[COL_TARGET_SYMBOL] = { "target_symbol", "symbol and offset of that", 24, false, true },
	{ 0 },
};

enum {
	KEY_INTEL = 'i',
	PAGE = 4096,
	STRETCH = 64 << 10,    /* read at once; no function of a kernel comes near */
	COUNT_MAX = 10000000,
	SYMBOL_TEXT = MMW_KSYM_NAME_MAX + 32,
	X86_INSN_MAX = 15,
	ARM_INSN_MAX = 4,
};

struct disas_opts {
	struct mmw_space_opts space;
	bool intel;
};

static const struct argp_option options[] = {
	MMW_SPACE_OPTIONS,
	{ "intel", KEY_INTEL, 0, 0, "x86: Intel's syntax instead of AT&T's", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct disas_opts *o = state->input;

	if (key != KEY_INTEL)
		return mmw_space_parse(key, arg, state, &o->space);
	o->intel = true;
	return 0;
}

struct job {
	struct mmw_target *t;
	struct mmw_vm vm;
	struct mmw_space space;
	struct mmw_disas *disas;
	uint64_t left;          /* instructions to print */
	bool whole;             /* no more than the function */
	uint8_t bytes[STRETCH];
};

/* --- one instruction ---------------------------------------------------------------------------------------------- */

/* An address it is about, what that is to it, and the symbol there. */
struct target {
	const char *kind;
	uint64_t va;
	char symbol[SYMBOL_TEXT];
};

/* Symbols that end a section of functions name none of what follows it. */
static void name_of(struct mmw_kernel *k, uint64_t va, char *buf, size_t size)
{
	mmw_symbol_text(k, va, buf, size);
	if (!strncmp(buf, "_etext+", 7) || !strncmp(buf, "_einittext+", 11))
		*buf = '\0';
}

/*
 * Per-CPU variables of x86-64 up to 6.14 are symbols that count from 0, below all addresses of the kernel (commit
 * 9d7de2aa8b41, "x86/percpu/64: Use relative percpu offsets", in 6.15); others lie in the image.
 */
static void name_percpu(const struct mmw_kernel *k, uint64_t off, char *buf, size_t size)
{
	const struct mmw_kallsyms *ks = mmw_kernel_kallsyms(k);
	uint64_t first = mmw_kernel_arch(k)->image_first;
	struct mmw_ksym sym;
	size_t i, next;

	if (off >= first || !ks || !mmw_kallsyms_by_addr(ks, off, &i) || mmw_kallsyms_at(ks, i, &sym, NULL))
		return;
	for (next = i; next < mmw_kallsyms_count(ks) && mmw_kallsyms_addr(ks, next) == sym.addr; next++)
		;
	/* The last of them is __per_cpu_end. */
	if (next == mmw_kallsyms_count(ks) || mmw_kallsyms_addr(ks, next) >= first)
		return;
	snprintf(buf, size, off == sym.addr ? "%s" : "%s+0x%" PRIx64, sym.name, off - sym.addr);
}

static bool find_target(struct job *j, const struct mmw_insn *in, struct target *to)
{
	static const char *const flows[] = { "", "branch", "call", "jump", "" };
	static const char *const uses[] = { "", "value", "address", "read", "write" };
	uint64_t pa;

	if (in->has_target) {
		to->kind = flows[in->flow];
		to->va = in->target;
	} else if (in->place == MMW_PLACE_CONST && in->use != MMW_USE_NONE) {
		to->kind = in->percpu ? "percpu" : uses[in->use];
		to->va = in->root;
	} else {
		return false;
	}
	name_of(j->t->kernel, to->va, to->symbol, sizeof(to->symbol));
	if (in->percpu && !in->has_target && !*to->symbol)
		name_percpu(j->t->kernel, to->va, to->symbol, sizeof(to->symbol));
	/* A number is an address only if there is something. */
	return *to->symbol || in->has_target || !(in->percpu || in->use == MMW_USE_VALUE) ||
		!mmw_vm_translate(&j->vm, to->va, &pa, NULL);
}

static void print_text(const struct job *j, const struct mmw_insn *in, const char *symbol, const struct target *to)
{
	int width = 2 * j->space.arch->word;
	FILE *out = j->t->out.to;

	fprintf(out, "%0*" PRIx64, width, in->va);
	fprintf(out, *symbol ? " <%s>:  %s" : "%s:  %s", symbol, in->text);
	if (to && in->has_target && *to->symbol)
		fprintf(out, " <%s>", to->symbol);
	else if (to && !in->has_target) {
		fprintf(out, "  # %0*" PRIx64, width, to->va);
		if (*to->symbol)
			fprintf(out, " <%s>", to->symbol);
	}
	fputc('\n', out);
}

static void row_start(struct job *j, uint64_t va, const char *symbol, const char *status)
{
	struct mmw_out *o = &j->t->out;

	for (int col = COL_SYMBOL; col <= COL_TARGET_SYMBOL; col++)
		mmw_out_none(o, col);
	mmw_out_hex(o, COL_ADDRESS, va);
	if (*symbol)
		mmw_out_str(o, COL_SYMBOL, symbol);
	mmw_out_str(o, COL_STATUS, status);
}

static void row_bytes(struct job *j, const uint8_t *bytes, size_t len)
{
	char text[2 * MMW_INSN_BYTES + 1];

	mmw_hex_text(bytes, len < MMW_INSN_BYTES ? len : MMW_INSN_BYTES, text);
	if (len)
		mmw_out_str(&j->t->out, COL_BYTES, text);
}

static void print_insn(struct job *j, const struct mmw_insn *in)
{
	struct mmw_out *o = &j->t->out;
	char symbol[SYMBOL_TEXT];
	struct target to;
	bool has = find_target(j, in, &to);

	name_of(j->t->kernel, in->va, symbol, sizeof(symbol));
	if (o->mode == MMW_OUT_TEXT) {
		print_text(j, in, symbol, has ? &to : NULL);
		return;
	}
	row_start(j, in->va, symbol, in->bad ? "bad" : "code");
	row_bytes(j, in->bytes, in->len);
	if (!in->bad)
		mmw_out_str(o, COL_TEXT, in->text);
	if (has) {
		mmw_out_str(o, COL_KIND, to.kind);
		mmw_out_hex(o, COL_TARGET, to.va);
	}
	if (has && *to.symbol)
		mmw_out_str(o, COL_TARGET_SYMBOL, to.symbol);
	mmw_out_row(o);
}

/* An instruction of which only `len` bytes could be read, or none: why is a finding of its own. */
static void print_unreadable(struct job *j, uint64_t va, const uint8_t *bytes, size_t len, const struct mmw_err *why)
{
	const char *word = why->code == MMW_E_NOTPRESENT ? "not-present" : mmw_code_word(why->code);
	struct mmw_out *o = &j->t->out;
	char symbol[SYMBOL_TEXT];

	name_of(j->t->kernel, va, symbol, sizeof(symbol));
	j->t->damage = true;
	if (o->mode == MMW_OUT_TEXT) {
		fprintf(o->to, *symbol ? "%0*" PRIx64 " <%s>:  (%s)\n" : "%0*" PRIx64 "%s:  (%s)\n",
			2 * (int)j->space.arch->word, va, symbol, word);
	} else {
		row_start(j, va, symbol, word);
		row_bytes(j, bytes, len);
		mmw_out_row(o);
	}
	mmw_warn("%s", why->msg);
}

/* --- a stretch of them -------------------------------------------------------------------------------------------- */

/* The lowest symbol of a module behind va. */
struct nearest {
	uint64_t va, end;
};

static int take_nearer(void *ctx, const struct mmw_ksym *sym)
{
	struct nearest *n = ctx;

	/* Marks of code and data, and local labels, end nothing. */
	if (sym->addr > n->va && sym->addr < n->end && sym->name[0] != '$' && strncmp(sym->name, ".L", 2))
		n->end = sym->addr;
	return 0;
}

/* Where a module's symbol ends: with its part of the module at the latest. */
static uint64_t module_end(struct mmw_kernel *k, uint64_t va)
{
	struct mmw_modules *m = mmw_kernel_modules(k, NULL);
	const struct mmw_module *mod = m ? mmw_module_of(m, va, NULL) : NULL;
	struct nearest n = { .va = va };
	struct mmw_ksym sym;
	uint64_t offset;

	if (!mod || !mmw_module_symbol_at(m, va, &sym, &offset))
		return 0;
	for (unsigned p = 0; p < mod->parts; p++)
		if (va - mod->part[p].base < mod->part[p].size)
			n.end = mod->part[p].base + mod->part[p].size;
	return mmw_module_symbols(m, mod, take_nearer, &n, NULL) ? 0 : n.end;
}

static bool mapped_with(struct job *j, uint64_t va, bool executable)
{
	struct mmw_ent e;

	return mmw_walk_at(&j->vm.walk, va, &e, NULL) == 1 && e.kind == MMW_ENT_LEAF &&
		!(e.rights & MMW_KX) == !executable;
}

/*
 * Where the function that va lies in ends, or 0. Data may follow code without a symbol between them, but hardly ever in
 * memory that can be executed.
 */
static uint64_t end_of(struct job *j, uint64_t va)
{
	uint64_t end, page = va - va % PAGE + PAGE;

	if (!mmw_kernel_symbol_end(j->t->kernel, va, &end))
		end = module_end(j->t->kernel, va);
	if (mapped_with(j, va, true))
		for (; page < end && page - va < STRETCH; page += PAGE)
			if (mapped_with(j, page, false))
				return page;
	return end;
}

/* Where the function that va lies in starts; va itself where it lies in none. */
static uint64_t start_of(struct mmw_kernel *k, uint64_t va)
{
	struct mmw_modules *m;
	struct mmw_ksym sym;
	uint64_t offset;

	if (mmw_kernel_symbol_at(k, va, &sym, &offset, NULL))
		return va - offset;
	m = mmw_kernel_modules(k, NULL);
	return m && mmw_module_symbol_at(m, va, &sym, &offset) ? va - offset : va;
}

static int no_function(struct mmw_kernel *k, uint64_t va, struct mmw_err *err)
{
	struct mmw_err why = { 0 };

	if (mmw_kernel_modules(k, &why) || !why.code)
		return mmw_fail(err, MMW_E_NOSYM, va, "0x%" PRIx64 " lies in no function: a COUNT is needed", va);
	return mmw_fail(err, MMW_E_NOSYM, va, "0x%" PRIx64 " lies in no function that is known (%s): a COUNT is needed",
			va, why.msg);
}

/* Code that was read at once, and why no more of it. */
struct stretch {
	uint64_t first;
	size_t have;
	struct mmw_err why;
};

/* Go through what stands before va; false where no instruction starts there. */
static bool skip_to(struct job *j, const struct stretch *s, uint64_t va)
{
	uint64_t at = s->first;
	struct mmw_insn in;

	while (at < va && mmw_disas_next(j->disas, false, &in))
		at = in.va + in.len;
	return at == va;
}

/*
 * Read the code from va to `end`, or as far as STRETCH goes. What registers hold depends on all of the function, so it
 * is read from its start, unless that has no instruction at va.
 */
static int read_stretch(struct job *j, uint64_t va, uint64_t end, struct stretch *s, struct mmw_err *err)
{
	uint64_t start = start_of(j->t->kernel, va);

	for (s->first = va - start < STRETCH / 2 ? start : va; ; s->first = va) {
		int rc;

		s->why.code = MMW_OK;
		s->have = mmw_vm_read_some(&j->vm, s->first, j->bytes, end && end - s->first < STRETCH ? end - s->first : STRETCH,
					   &s->why);
		rc = mmw_disas_code(j->disas, s->first, j->bytes, s->have, err);
		if (rc || s->first == va || skip_to(j, s, va))
			return rc;
	}
}

/* May an instruction at va go on behind what was read? */
static bool may_be_cut(const struct job *j, const struct stretch *s, uint64_t va)
{
	bool x86 = j->space.arch->machine == EM_X86_64 || j->space.arch->machine == EM_386;

	return (s->why.code || s->have == STRETCH) && s->first + s->have - va < (x86 ? X86_INSN_MAX : ARM_INSN_MAX);
}

/* Print from *va on, as far as one symbol and STRETCH go; *va is behind it then. 1 to go on, 0 when all is said. */
static int print_stretch(struct job *j, uint64_t *va, struct mmw_err *err)
{
	uint64_t end = end_of(j, *va), start = *va;
	struct mmw_insn in;
	struct stretch s;
	int rc = read_stretch(j, start, end, &s, err);

	if (rc)
		return rc;
	while (j->left && mmw_disas_next(j->disas, true, &in) && !(in.bad && may_be_cut(j, &s, in.va))) {
		print_insn(j, &in);
		j->left--;
		*va = in.va + in.len;
	}
	if (j->left && s.why.code) {
		print_unreadable(j, *va, j->bytes + (*va - s.first), s.first + s.have - *va, &s.why);
		return 0;
	}
	if (j->whole && *va != end) {
		mmw_warn("0x%" PRIx64 ": the function goes on; COUNT says how much to print", *va);
		j->t->damage = true;
		return 0;
	}
	return j->left && !j->whole && *va > start;
}

static int parse_count(const char *text, uint64_t *out, struct mmw_err *err)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (end == text || *end || errno || *text == '-' || !*out || *out > COUNT_MAX)
		return mmw_fail(err, MMW_E_ARG, 0, "COUNT: '%s' is no number from 1 to %d", text, COUNT_MAX);
	return 0;
}

static int open_job(struct job *j, const struct disas_opts *o, uint64_t *va, struct mmw_err *err)
{
	int rc = mmw_target_space(j->t, &o->space, &j->space, err);
	unsigned flags = o->intel ? MMW_DISAS_INTEL : 0;

	if (rc)
		return rc;
	if (mmw_image_big_endian(j->t->image))
		flags |= MMW_DISAS_BIG_ENDIAN;
	/* As in a function pointer: an odd address is Thumb code. */
	if (j->space.arch->machine == EM_ARM && *va & 1) {
		flags |= MMW_DISAS_THUMB;
		*va &= ~1ull;
	}
	mmw_vm_init(&j->vm, mmw_kernel_reader(j->t->kernel), &j->space);
	rc = mmw_disas_open(j->space.arch->machine, flags, &j->disas, err);
	return rc ? mmw_wrap(err, rc, "%s", j->space.arch->name) : 0;
}

static int print_code(struct job *j, const struct disas_opts *o, int argc, char **argv, struct mmw_err *err)
{
	uint64_t va;
	int rc = 0;

	j->whole = argc < 2;
	j->left = COUNT_MAX;
	if (!j->whole)
		rc = parse_count(argv[1], &j->left, err);
	if (!rc)
		rc = mmw_kernel_address(j->t->kernel, argv[0], &va, err);
	if (!rc)
		rc = open_job(j, o, &va, err);
	if (!rc && j->whole && !end_of(j, va))
		rc = no_function(j->t->kernel, va, err);
	for (int more = !rc; more == 1; rc = more < 0 ? more : 0)
		more = print_stretch(j, &va, err);
	mmw_disas_close(j->disas);
	return rc;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct job *j;
	int rc;

	if (argc < 1 || argc > 2)
		return mmw_fail(err, MMW_E_ARG, 0, "an address or a symbol is needed, and perhaps a COUNT");
	j = calloc(1, sizeof(*j));
	if (!j)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read code");
	j->t = t;
	rc = print_code(j, opts, argc, argv, err);
	free(j);
	return rc;
}

const struct mmw_cmd mmw_cmd_disas = {
	.name = "disas",
	.summary = "code as the image holds it, with symbols",
	.args = "ADDR|SYMBOL [COUNT]",
	.doc = "Print the instructions from an address on, read through the page tables: COUNT of them, or without it "
	       "up to the end of the function. Addresses that they lead to or use are named by their symbols.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct disas_opts),
	.cols = cols,
	.schema = "disas/1",
	.run = run,
};

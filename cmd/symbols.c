/* SPDX-License-Identifier: GPL-2.0-or-later */
/* symbols: the kernel's symbols as /proc/kallsyms prints them; look-up by name and by address. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/kernel/module.h"

enum { COL_ADDRESS, COL_TYPE, COL_NAME, COL_MODULE, COL_OFFSET, COL_SOURCE };

static const struct mmw_col cols[] = {
	[COL_ADDRESS] = { "address", "where the symbol is", 16, true, true },
	[COL_TYPE] = { "type", "nm's letter", 4, false, true },
	[COL_NAME] = { "name", "the symbol", 32, false, true },
	[COL_MODULE] = { "module", "the module it is of", 16, false, true },
	[COL_OFFSET] = { "offset", "looked up by address: how far behind the symbol that was", 8, true, false },
	[COL_SOURCE] = { "source", "which table knows it", 10, false, false },
	{ 0 },
};

enum { KEY_SOURCE = 's' };

struct symbols_opts {
	const char *source;
};

static const struct argp_option options[] = {
	{ "source", KEY_SOURCE, "NAME", 0, "only from this source: kallsyms, module, VMCOREINFO, __ksymtab, or a file that was given", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct symbols_opts *o = state->input;

	if (key != KEY_SOURCE)
		return ARGP_ERR_UNKNOWN;
	o->source = arg;
	return 0;
}

static const char modules_source[] = "module";

/* Where a symbol was found. */
struct origin {
	const char *source, *module;  /* module: NULL for the kernel itself */
	uint64_t offset;
};

static void print_symbol(struct mmw_target *t, const struct mmw_ksym *s, const struct origin *from)
{
	int width = 2 * mmw_kernel_arch(t->kernel)->word;
	struct mmw_out *o = &t->out;
	char type[2] = { s->type };

	if (o->mode != MMW_OUT_TEXT) {
		mmw_out_hex(o, COL_ADDRESS, s->addr);
		mmw_out_str(o, COL_TYPE, type);
		mmw_out_str(o, COL_NAME, s->name);
		if (from->module)
			mmw_out_str(o, COL_MODULE, from->module);
		mmw_out_hex(o, COL_OFFSET, from->offset);
		mmw_out_str(o, COL_SOURCE, from->source);
		mmw_out_row(o);
		return;
	}
	fprintf(o->to, "%0*" PRIx64 " %c %s", width, s->addr + from->offset, s->type, s->name);
	if (from->offset)
		fprintf(o->to, "+0x%" PRIx64, from->offset);
	if (from->module)
		fprintf(o->to, "\t[%s]", from->module);
	fputc('\n', o->to);
}

static void print_found(struct mmw_target *t, const struct mmw_symsrc *source, const struct mmw_ksym *s)
{
	const char *exact = source->origin ? source->origin(source->src, s->name) : NULL;
	struct origin from = { .source = exact ? exact : source->name };

	print_symbol(t, s, &from);
}

/* All of a source, or those of one name: how many. */
static size_t print_source(struct mmw_target *t, const struct mmw_symsrc *source, const char *name)
{
	size_t pos = 0, n = 0, count = name ? 0 : source->count(source->src);
	struct mmw_ksym s;
	struct mmw_err err;

	for (size_t i = 0; i < count; i++) {
		if (source->at(source->src, i, &s, &err)) {
			mmw_warn("%s", err.msg);
			t->damage = true;
			break;
		}
		print_found(t, source, &s);
	}
	while (name && source->by_name(source->src, name, &pos, &s)) {
		print_found(t, source, &s);
		n++;
	}
	return n;
}

/* The symbols of modules, all or those of one name. */
struct listing {
	struct mmw_target *t;
	struct origin from;
	const char *name;
	size_t printed, unreadable;
};

static int print_module_symbol(void *ctx, const struct mmw_ksym *s)
{
	struct listing *l = ctx;

	if (l->name && strcmp(l->name, s->name))
		return 0;
	print_symbol(l->t, s, &l->from);
	l->printed++;
	return 0;
}

/* What cannot be read of modules is said in a list of all, and the rest goes on. */
static struct listing print_modules(struct mmw_target *t, const char *name)
{
	struct mmw_err err = { 0 };
	struct mmw_modules *m = mmw_kernel_modules(t->kernel, &err);
	struct listing l = { .t = t, .from = { .source = modules_source }, .name = name };

	if (!m && !name && err.code)
		mmw_warn("%s", err.msg);
	for (size_t i = 0; m && i < mmw_modules_count(m); i++) {
		l.from.module = mmw_module_at(m, i)->name;
		if (!mmw_module_symbols(m, mmw_module_at(m, i), print_module_symbol, &l, &err))
			continue;
		l.unreadable++;
		if (!name) {
			mmw_warn("%s", err.msg);
			t->damage = true;
		}
	}
	return l;
}

static void print_address(struct mmw_target *t, uint64_t va)
{
	struct mmw_modules *m = mmw_kernel_modules(t->kernel, NULL);
	struct origin from = { 0 };
	struct mmw_ksym s;

	if (mmw_kernel_symbol_at(t->kernel, va, &s, &from.offset, &from.source)) {
		print_symbol(t, &s, &from);
	} else if (m && mmw_module_symbol_at(m, va, &s, &from.offset)) {
		from.source = modules_source;
		from.module = mmw_module_of(m, va, NULL)->name;
		print_symbol(t, &s, &from);
	} else {
		mmw_warn("0x%" PRIx64 " lies in no symbol of the kernel", va);
		t->damage = true;
	}
}

/* The sources that are asked: all there are, or the one the user wants. */
struct asked {
	struct mmw_symsrc sources[MMW_SYMSRC_MAX];
	size_t n;
	bool modules;
};

/* By name first: "add" is a name, and hex too. Every symbol of that name is printed, from the first source that has one. */
static void print_one(struct mmw_target *t, const struct asked *a, const char *what)
{
	struct listing modules = { 0 };
	struct origin from = { 0 };
	struct mmw_ksym s;
	struct mmw_err err;
	size_t printed = 0;
	uint64_t va;

	for (size_t i = 0; i < a->n && !printed; i++)
		printed = print_source(t, &a->sources[i], what);
	if (a->modules)
		modules = print_modules(t, what);
	if (modules.printed || printed)
		return;
	/* Now those sources too that take more to read. */
	if (a->modules && a->n && !mmw_kernel_symbol(t->kernel, what, &s.addr, &from.source, NULL) && strlen(what) < sizeof(s.name)) {
		s.type = '?';
		strcpy(s.name, what);
		print_symbol(t, &s, &from);
	} else if (mmw_kernel_address(t->kernel, what, &va, &err)) {
		mmw_warn("%s%s", err.msg, modules.unreadable ? " (not all modules' symbols can be read)" : "");
		t->damage = true;
	} else {
		print_address(t, va);
	}
}

static int choose_source(struct asked *a, const char *wanted, struct mmw_err *err)
{
	char all[160] = "";
	size_t len = 0;

	if (!wanted)
		return 0;
	for (size_t i = 0; i < a->n; i++) {
		if (!strcmp(a->sources[i].name, wanted)) {
			*a = (struct asked){ .sources = { a->sources[i] }, .n = 1 };
			return 0;
		}
		if (len < sizeof(all))
			len += (size_t)snprintf(all + len, sizeof(all) - len, "%s, ", a->sources[i].name);
	}
	if (strcmp(wanted, modules_source))
		return mmw_fail(err, MMW_E_ARG, 0, "--source: no source is called '%s'; there are %s%s", wanted, all, modules_source);
	a->n = 0;
	return 0;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	const struct symbols_opts *o = opts;
	struct asked a = { .modules = true };
	int rc = mmw_target_need_kernel(t, err);

	if (rc)
		return rc;
	a.n = mmw_kernel_symbol_sources(t->kernel, o->source, a.sources);
	rc = choose_source(&a, o->source, err);
	if (rc)
		return rc;
	if (!argc) {
		if (a.n)
			print_source(t, &a.sources[0], NULL);
		if (a.modules)
			print_modules(t, NULL);
	}
	for (int i = 0; i < argc; i++)
		print_one(t, &a, argv[i]);
	return 0;
}

const struct mmw_cmd mmw_cmd_symbols = {
	.name = "symbols",
	.summary = "the kernel's symbols; look-up by name and by address",
	.args = "[NAME|ADDR...]",
	.doc = "Print the kernel's symbols as /proc/kallsyms prints them, from the tables in the image, modules' symbols behind the kernel's own. "
	       "With arguments, only these: a name finds all symbols of that name, an address the symbol it lies in.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct symbols_opts),
	.cols = cols,
	.schema = "symbols/1",
	.run = run,
};

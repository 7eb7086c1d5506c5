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

static int print_core(struct mmw_target *t, const struct mmw_kallsyms *ks, struct mmw_err *err)
{
	struct origin from = { .source = "kallsyms" };
	struct mmw_ksym s;
	int rc = 0;

	for (size_t i = 0; !rc && i < mmw_kallsyms_count(ks); i++) {
		rc = mmw_kallsyms_at(ks, i, &s, err);
		if (!rc)
			print_symbol(t, &s, &from);
	}
	return rc;
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
	struct listing l = { .t = t, .from = { .source = "module" }, .name = name };

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
	struct origin from = { .source = "kallsyms" };
	struct mmw_ksym s;

	if (mmw_kernel_symbol_at(t->kernel, va, &s, &from.offset)) {
		print_symbol(t, &s, &from);
	} else if (m && mmw_module_symbol_at(m, va, &s, &from.offset)) {
		from.source = "module";
		from.module = mmw_module_of(m, va)->name;
		print_symbol(t, &s, &from);
	} else {
		mmw_warn("0x%" PRIx64 " lies in no symbol of the kernel", va);
		t->damage = true;
	}
}

/* By name first: "add" is a name, and hex too. Every symbol of that name is printed. */
static void print_one(struct mmw_target *t, const struct mmw_kallsyms *ks, const char *what)
{
	struct origin from = { .source = "kallsyms" };
	struct mmw_ksym s;
	struct listing modules;
	struct mmw_err err;
	uint64_t va;
	size_t pos = 0;

	while (mmw_kallsyms_by_name(ks, what, &pos, &s))
		print_symbol(t, &s, &from);
	modules = print_modules(t, what);
	if (modules.printed || pos)
		return;
	if (!mmw_kernel_symbol(t->kernel, what, &s.addr, &from.source, NULL) && strlen(what) < sizeof(s.name)) {
		s.type = '?';  /* only kallsyms knows types */
		strcpy(s.name, what);
		print_symbol(t, &s, &from);
	} else if (mmw_kernel_address(t->kernel, what, &va, &err)) {
		mmw_warn("%s%s", err.msg, modules.unreadable ? " (not all modules' symbols can be read)" : "");
		t->damage = true;
	} else {
		print_address(t, va);
	}
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	const struct mmw_kallsyms *ks;
	int rc = mmw_target_need_kernel(t, err);

	(void)opts;
	if (rc)
		return rc;
	ks = mmw_kernel_kallsyms(t->kernel);
	if (!argc) {
		rc = print_core(t, ks, err);
		if (!rc)
			print_modules(t, NULL);
		return rc;
	}
	for (int i = 0; i < argc; i++)
		print_one(t, ks, argv[i]);
	return 0;
}

const struct mmw_cmd mmw_cmd_symbols = {
	.name = "symbols",
	.summary = "the kernel's symbols; look-up by name and by address",
	.args = "[NAME|ADDR...]",
	.doc = "Print the kernel's symbols as /proc/kallsyms prints them, from the tables in the image, modules' symbols behind the kernel's own. "
	       "With arguments, only these: a name finds all symbols of that name, an address the symbol it lies in.",
	.cols = cols,
	.schema = "symbols/1",
	.run = run,
};

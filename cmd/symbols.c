/* SPDX-License-Identifier: GPL-2.0-or-later */
/* symbols: the kernel's symbols as /proc/kallsyms prints them; look-up by name and by address. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "cmd/cmd.h"

enum { COL_ADDRESS, COL_TYPE, COL_NAME, COL_OFFSET, COL_SOURCE };

static const struct mmw_col cols[] = {
	[COL_ADDRESS] = { "address", "where the symbol is", 16, true, true },
	[COL_TYPE] = { "type", "nm's letter", 4, false, true },
	[COL_NAME] = { "name", "the symbol", 32, false, true },
	[COL_OFFSET] = { "offset", "looked up by address: how far behind the symbol that was", 8, true, false },
	[COL_SOURCE] = { "source", "which table knows it", 10, false, false },
	{ 0 },
};

static void print_symbol(struct mmw_target *t, const struct mmw_ksym *s, uint64_t offset, const char *source)
{
	int width = 2 * mmw_kernel_arch(t->kernel)->word;
	struct mmw_out *o = &t->out;

	if (o->mode == MMW_OUT_TEXT && !offset) {
		fprintf(o->to, "%0*" PRIx64 " %c %s\n", width, s->addr, s->type, s->name);
	} else if (o->mode == MMW_OUT_TEXT) {
		fprintf(o->to, "%0*" PRIx64 " %c %s+0x%" PRIx64 "\n", width, s->addr + offset, s->type, s->name, offset);
	} else {
		char type[2] = { s->type };

		mmw_out_hex(o, COL_ADDRESS, s->addr);
		mmw_out_str(o, COL_TYPE, type);
		mmw_out_str(o, COL_NAME, s->name);
		mmw_out_hex(o, COL_OFFSET, offset);
		mmw_out_str(o, COL_SOURCE, source);
		mmw_out_row(o);
	}
}

static int print_all(struct mmw_target *t, const struct mmw_kallsyms *ks, struct mmw_err *err)
{
	struct mmw_ksym s;
	int rc = 0;

	for (size_t i = 0; !rc && i < mmw_kallsyms_count(ks); i++) {
		rc = mmw_kallsyms_at(ks, i, &s, err);
		if (!rc)
			print_symbol(t, &s, 0, "kallsyms");
	}
	return rc;
}

/* By name first: "add" is a name, and hex too. Every symbol of that name is printed. */
static void print_one(struct mmw_target *t, const struct mmw_kallsyms *ks, const char *what)
{
	struct mmw_ksym s;
	struct mmw_err err;
	uint64_t va, offset;
	size_t pos = 0;
	const char *source;

	while (mmw_kallsyms_by_name(ks, what, &pos, &s))
		print_symbol(t, &s, 0, "kallsyms");
	if (pos)
		return;
	if (!mmw_kernel_symbol(t->kernel, what, &s.addr, &source, NULL) && strlen(what) < sizeof(s.name)) {
		s.type = '?';  /* only kallsyms knows types */
		strcpy(s.name, what);
		print_symbol(t, &s, 0, source);
		return;
	}
	if (mmw_kernel_address(t->kernel, what, &va, &err)) {
		mmw_warn("%s", err.msg);
		t->damage = true;
	} else if (mmw_kernel_symbol_at(t->kernel, va, &s, &offset)) {
		print_symbol(t, &s, offset, "kallsyms");
	} else {
		mmw_warn("0x%" PRIx64 " lies in no symbol of the kernel", va);
		t->damage = true;
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
	if (!argc)
		return print_all(t, ks, err);
	for (int i = 0; i < argc; i++)
		print_one(t, ks, argv[i]);
	return 0;
}

const struct mmw_cmd mmw_cmd_symbols = {
	.name = "symbols",
	.summary = "the kernel's symbols; look-up by name and by address",
	.args = "[NAME|ADDR...]",
	.doc = "Print the kernel's symbols as /proc/kallsyms prints them, from the table in the image. "
	       "With arguments, only these: a name finds all symbols of that name, an address the symbol it lies in.",
	.cols = cols,
	.schema = "symbols/1",
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "tests/tools/recipe.h"
#include "tests/tools/wrap.h"

static const char prologue[] =
	"ram 0 400000\n"
	"string 210000 \"Linux version %s (unit) #1\\n\"\n"
	"u64 240000: 200000-1000000 ffff888000000000 ffffc90000000000 ffffea0000000000\n"
	"space 242000 4 100000\n"
	"map ffffffff81000000 10000 -> 200000 4K text\n"
	"map ffffffff81010000 30000 -> 210000 4K rodata\n"
	"map ffffffff81040000 40000 -> 240000 4K data\n"
	"map ffff888000000000 400000 -> 0 2M data\n"
	"map ffffea0000000000 10000 -> 300000 4K data\n"
	"vmcoreinfo OSRELEASE=%s\nvmcoreinfo PAGESIZE=4096\nvmcoreinfo SYMBOL(init_uts_ns)=ffffffff81041000\n"
	"vmcoreinfo SYMBOL(_stext)=ffffffff81000000\nvmcoreinfo SYMBOL(swapper_pg_dir)=ffffffff81042000\n"
	"vmcoreinfo NUMBER(phys_base)=-14680064\nvmcoreinfo NUMBER(pgtable_l5_enabled)=0\nvmcoreinfo KERNELOFFSET=0\n"
	"kallsyms 211000 ffffffff81011000 C base {\n"
	"ffffffff81000000 T _stext\nffffffff81000000 T _text\nfill 100 ffffffff81000200 20 t worker_\n"
	"ffffffff81010000 D linux_banner\nffffffff81030000 R __start_BTF\nffffffff81034000 R __stop_BTF\n"
	"ffffffff81040000 D phys_base\nffffffff81040008 D page_offset_base\nffffffff81040010 D vmalloc_base\n"
	"ffffffff81040018 D vmemmap_base\nffffffff81042000 D init_top_pgt\n"
	"%sffffffff81080000 B _end\n}\n"
	"btf 230000 4000 {\n%s}\n"
	"%s";

void machine_say(struct blob *to, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		die("a line of a recipe is too long");
	blob_add(to, line, (size_t)n);
}

void machine_open(struct machine *m, struct phys *memory)
{
	const struct mmw_kernel_opts opts = { .threads = 1 };
	struct mmw_err err = { 0 };
	struct mmw_file *f;

	memset(m, 0, sizeof(*m));
	wrap_format_by_name("elf")->write(memory, &m->b);
	phys_fini(memory);
	if (mmw_file_memory(m->b.bytes, m->b.len, "machine", &f, &err) ||
	    mmw_open_file(f, "machine", NULL, &m->img, &err) || mmw_kernel_bind(m->img, &opts, &m->k, &err))
		die("%s", err.msg);
	if (!mmw_kernel_found(m->k))
		die("no kernel in the machine: %s", mmw_kernel_why_not(m->k));
}

void machine_init(struct machine *m, const char *release, const char *symbols, const char *types, const char *body)
{
	size_t size = sizeof(prologue) + 2 * strlen(release) + strlen(symbols) + strlen(types) + strlen(body);
	char *text = malloc(size);
	struct phys p;

	if (!text)
		die("no memory for a machine");
	snprintf(text, size, prologue, release, release, symbols, types, body);
	recipe_text("machine", text, false, &p);
	free(text);
	machine_open(m, &p);
}

void machine_fini(struct machine *m)
{
	mmw_kernel_close(m->k);
	mmw_image_close(m->img);
	blob_fini(&m->b);
}

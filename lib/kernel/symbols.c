/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols of the bound kernel: the chain of sources. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kernel/bound.h"
#include "lib/kernel/module.h"

enum { NEAR = 16 << 20 };  /* from the symbol table to the end of the exported ones */

/* --- the sources ------------------------------------------------------------------------------------------------ */

static size_t kallsyms_count(const void *src)
{
	return mmw_kallsyms_count(src);
}

static int kallsyms_at(const void *src, size_t index, struct mmw_ksym *out, struct mmw_err *err)
{
	return mmw_kallsyms_at(src, index, out, err);
}

static int kallsyms_by_name(const void *src, const char *name, size_t *pos, struct mmw_ksym *out)
{
	return mmw_kallsyms_by_name(src, name, pos, out);
}

/* Behind the last symbol (_end) there is none. */
static bool kallsyms_by_addr(const void *src, uint64_t va, struct mmw_ksym *out)
{
	size_t n = mmw_kallsyms_count(src), index;

	return n && va <= mmw_kallsyms_addr(src, n - 1) && mmw_kallsyms_by_addr(src, va, &index) &&
	       !mmw_kallsyms_at(src, index, out, NULL);
}

static bool kallsyms_next(const void *src, uint64_t va, uint64_t *out)
{
	size_t n = mmw_kallsyms_count(src), i;

	if (!mmw_kallsyms_by_addr(src, va, &i))
		i = 0;
	while (i < n && mmw_kallsyms_addr(src, i) <= va)
		i++;
	if (i < n)
		*out = mmw_kallsyms_addr(src, i);
	return i < n;
}

static const struct mmw_symsrc kallsyms_source = {
	"kallsyms", NULL, kallsyms_count, kallsyms_at, kallsyms_by_name, kallsyms_by_addr, kallsyms_next,
};
static const struct mmw_symsrc vmcoreinfo_source = {
	"VMCOREINFO", NULL, mmw_vmcoreinfo_symbols, mmw_vmcoreinfo_symbol_at, mmw_vmcoreinfo_symbol_by_name, NULL, NULL,
};
/* Few of the kernel's symbols are exported: what lies behind one is another's. */
static const struct mmw_symsrc exports_source = {
	"__ksymtab", NULL, mmw_symtab_count, mmw_symtab_at, mmw_symtab_by_name, NULL, NULL,
};

/* Its name is the file's. */
static const struct mmw_symsrc file_source = {
	NULL, NULL, mmw_symtab_count, mmw_symtab_at, mmw_symtab_by_name, mmw_symtab_by_addr, mmw_symtab_next,
};

static void add_source(struct mmw_symsrc out[MMW_SYMSRC_MAX], size_t *n, const struct mmw_symsrc *source, const void *src)
{
	if (!src || *n >= MMW_SYMSRC_MAX)
		return;
	out[*n] = *source;
	out[(*n)++].src = src;
}

static size_t list_sources(const struct mmw_kernel *k, bool files, struct mmw_symsrc out[MMW_SYMSRC_MAX])
{
	struct mmw_symsrc file = file_source;
	const struct mmw_symtab *tab;
	size_t n = 0;

	add_source(out, &n, &kallsyms_source, k->ks);
	for (size_t i = 0; files && i < mmw_userfile_source(k, i, &file.name, &tab); i++)
		add_source(out, &n, &file, tab);
	add_source(out, &n, &vmcoreinfo_source, k->vmcoreinfo);
	add_source(out, &n, &exports_source, k->exports);
	return n;
}

size_t mmw_kernel_own_sources(const struct mmw_kernel *k, struct mmw_symsrc out[MMW_SYMSRC_MAX])
{
	return list_sources(k, false, out);
}

/* What is known by now, without looking for more. */
static size_t known_sources(const struct mmw_kernel *k, struct mmw_symsrc out[MMW_SYMSRC_MAX])
{
	return list_sources(k, true, out);
}

const struct mmw_kallsyms *mmw_kernel_kallsyms(const struct mmw_kernel *k)
{
	return k->ks;
}

/* kallsyms has no variables at all without CONFIG_KALLSYMS_ALL; every kernel has this one. */
bool mmw_kernel_lists_variables(const struct mmw_kernel *k)
{
	struct mmw_ksym sym;
	size_t pos = 0;

	return k->ks && mmw_kallsyms_by_name(k->ks, "init_task", &pos, &sym);
}

static void find_exports(struct mmw_kernel *k)
{
	struct mmw_mem mem = mmw_vm_mem(&k->vm);
	uint64_t va, len, near, place;

	if (k->exports_tried || !k->has_own)
		return;
	k->exports_tried = true;
	mmw_image_window(k, &va, &len);
	/* In every kernel since 2.6 the exports follow .rodata, which ends with kallsyms (vmlinux.lds.h, RO_DATA). */
	near = k->ks ? (k->ks_pa + k->delta) & ~0xfffull : 0;
	if ((near >= va && near - va < len &&
	     !mmw_ksymtab_open(&mem, near, len - (near - va) < NEAR ? len - (near - va) : NEAR, k->arch->word, &k->exports, &place,
			       NULL)) ||
	    !mmw_ksymtab_open(&mem, va, len, k->arch->word, &k->exports, &place, NULL))
		mmw_kernel_note(k, "symbols", false, "%zu exported ones from __ksymtab at 0x%" PRIx64, mmw_symtab_count(k->exports), place);
}

/* At the first miss: a cache, and not visible from outside. True when there may be more symbols now than before. */
static bool need_exports(struct mmw_kernel *k)
{
	if (k->exports_needless || k->exports_tried || !k->has_own)
		return false;
	k->exports_needless = mmw_kernel_lists_variables(k);
	if (!k->exports_needless)
		find_exports(k);
	return k->exports;
}

void mmw_kernel_forget_exports(struct mmw_kernel *k)
{
	mmw_symtab_close(k->exports);
	k->exports = NULL;
	k->exports_tried = k->exports_needless = false;
	mmw_code_forget(k);
}

size_t mmw_kernel_symbol_sources(struct mmw_kernel *k, bool all, struct mmw_symsrc out[MMW_SYMSRC_MAX])
{
	size_t n;

	if (all)
		find_exports(k);
	n = known_sources(k, out);
	if (all)
		add_source(out, &n, &mmw_code_source, k);
	return n;
}

/* --- by name and by address ------------------------------------------------------------------------------------- */

static const char *listed(const struct mmw_kernel *k, const char *name, uint64_t *va)
{
	struct mmw_symsrc sources[MMW_SYMSRC_MAX];
	size_t n = known_sources(k, sources);
	struct mmw_ksym sym;

	for (size_t i = 0; i < n; i++) {
		size_t pos = 0;

		if (!sources[i].by_name(sources[i].src, name, &pos, &sym))
			continue;
		*va = sym.addr;
		return sources[i].name;
	}
	return NULL;
}

int mmw_kernel_symbol_listed(const struct mmw_kernel *k, const char *name, uint64_t *va)
{
	return listed(k, name, va) ? 0 : -MMW_E_NOSYM;
}

int mmw_kernel_symbol(const struct mmw_kernel *k, const char *name, uint64_t *va, const char **source,
		      struct mmw_err *err)
{
	const char *from = listed(k, name, va);

	if (!from && need_exports((struct mmw_kernel *)k))
		from = listed(k, name, va);
	if (!from)
		from = mmw_code_symbol((struct mmw_kernel *)k, name, va);
	if (!from)
		return mmw_fail(err, MMW_E_NOSYM, 0, "no symbol '%s'%s", name, k->ks ? "" : " (no symbol table was found)");
	if (source)
		*source = from;
	return 0;
}

bool mmw_kernel_names_text(const struct mmw_kernel *k)
{
	struct mmw_symsrc sources[MMW_SYMSRC_MAX];
	size_t n = known_sources(k, sources);

	for (size_t i = 0; i < n; i++)
		if (sources[i].by_addr || sources[i].src == k->exports)
			return true;
	return false;
}

bool mmw_kernel_symbol_at(const struct mmw_kernel *k, uint64_t va, struct mmw_ksym *out, uint64_t *offset,
			  const char **source)
{
	struct mmw_symsrc sources[MMW_SYMSRC_MAX];
	size_t n = known_sources(k, sources);
	struct mmw_ksym sym;
	bool found = false;

	/* Absolute per-CPU symbols are offsets and no addresses. The nearest is right: one table may list functions alone. */
	for (size_t i = 0; i < n && va >= k->arch->image_first; i++) {
		if (!sources[i].by_addr || !sources[i].by_addr(sources[i].src, va, &sym) || sym.addr < k->arch->image_first ||
		    (found && sym.addr <= out->addr))
			continue;
		*out = sym;
		*offset = va - sym.addr;
		if (source)
			*source = sources[i].name;
		found = true;
	}
	return found;
}

bool mmw_kernel_symbol_end(const struct mmw_kernel *k, uint64_t va, uint64_t *end)
{
	struct mmw_symsrc sources[MMW_SYMSRC_MAX];
	size_t n = known_sources(k, sources);
	struct mmw_ksym sym;
	uint64_t offset, next;
	bool found = false;

	if (!mmw_kernel_symbol_at(k, va, &sym, &offset, NULL))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!sources[i].next || !sources[i].next(sources[i].src, va, &next) || (found && next >= *end))
			continue;
		*end = next;
		found = true;
	}
	return found;
}

struct mmw_modules *mmw_kernel_modules(struct mmw_kernel *k, struct mmw_err *err)
{
	if (!k->modules_tried && mmw_kernel_found(k)) {
		k->modules_tried = true;
		/* A table that has variables but not this one is of a kernel without modules. */
		if (mmw_modules_open(k, &k->modules, &k->modules_err) == -MMW_E_NOSYM && mmw_kernel_lists_variables(k))
			k->modules_err = (struct mmw_err){ 0 };
	}
	if (!k->modules && err)
		*err = k->modules_err;
	return k->modules;
}

struct wanted {
	const char *name;
	uint64_t va;
	bool found;
};

static int is_wanted(void *ctx, const struct mmw_ksym *sym)
{
	struct wanted *w = ctx;

	if (strcmp(sym->name, w->name))
		return 0;
	w->va = sym->addr;
	w->found = true;
	return -MMW_E_LIMIT;  /* the first will do */
}

static bool in_module(struct mmw_kernel *k, const char *name, uint64_t *va)
{
	struct mmw_modules *m = mmw_kernel_modules(k, NULL);
	struct wanted w = { .name = name };

	for (size_t i = 0; m && !w.found && i < mmw_modules_count(m); i++)
		mmw_module_symbols(m, mmw_module_at(m, i), is_wanted, &w, NULL);
	if (w.found)
		*va = w.va;
	return w.found;
}

static bool parse_hex(const char *text, uint64_t *out)
{
	char *end;

	if (!isxdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return !*end && !errno;
}

int mmw_kernel_address(struct mmw_kernel *k, const char *text, uint64_t *va, struct mmw_err *err)
{
	const char *plus = strchr(text, '+');
	uint64_t offset = 0;
	char name[MMW_KSYM_NAME_MAX];
	size_t len = plus ? (size_t)(plus - text) : strlen(text);
	int rc;

	if (plus && !parse_hex(plus + 1, &offset))
		return mmw_fail(err, MMW_E_ARG, 0, "'%s': what follows '+' is no hexadecimal number", text);
	if (!len || len >= sizeof(name))
		return mmw_fail(err, MMW_E_ARG, 0, "'%s' is neither an address nor a symbol", text);
	memcpy(name, text, len);
	name[len] = '\0';
	/* A symbol that is spelled like a number would hide behind it; 0x makes a number of anything. */
	if (parse_hex(name, va)) {
		*va += offset;
		return 0;
	}
	rc = mmw_kernel_symbol(k, name, va, NULL, err);
	if (rc == -MMW_E_NOSYM && in_module(k, name, va))
		rc = 0;
	if (!rc)
		*va += offset;
	return rc;
}

int mmw_kernel_variable(struct mmw_kernel *k, const char *name, unsigned size, uint64_t *out, struct mmw_err *err)
{
	uint64_t va;
	int rc = mmw_kernel_symbol(k, name, &va, NULL, err);

	if (!rc && !k->has_own)
		rc = mmw_fail(err, MMW_E_NODATA, va, "no page tables to read '%s' through", name);
	if (!rc)
		rc = mmw_vm_read_uint(&k->vm, va, size, out, err);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols and types of the bound kernel: the chains of sources. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/kernel/bound.h"
#include "lib/kernel/module.h"

enum {
	BTF_MAX = 64 << 20, BTF_LEAST = 1 << 20,
	NEAR = 16 << 20,  /* from the symbol table to the end of the exported ones */
};

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
	uint64_t va, len, near;

	k->exports_tried = true;
	if (mmw_kernel_lists_variables(k))
		return;
	mmw_image_window(k, &va, &len);
	/* In every kernel since 2.6 the exports follow .rodata, which ends with kallsyms (vmlinux.lds.h, RO_DATA). */
	near = (k->ks_pa + k->delta) & ~0xfffull;
	if ((near >= va && near - va < len &&
	     !mmw_ksymtab_open(&mem, near, len - (near - va) < NEAR ? len - (near - va) : NEAR, k->arch->word, &k->exports, NULL)) ||
	    !mmw_ksymtab_open(&mem, va, len, k->arch->word, &k->exports, NULL))
		mmw_kernel_note(k, "symbols", false, "%zu exported ones from __ksymtab at 0x%" PRIx64, mmw_ksymtab_count(k->exports),
				mmw_ksymtab_place(k->exports));
}

void mmw_kernel_forget_exports(struct mmw_kernel *k)
{
	mmw_ksymtab_close(k->exports);
	k->exports = NULL;
	k->exports_tried = false;
}

/* What VMCOREINFO calls SYMBOL(mem_section) and SYMBOL(vmemmap) is their value (VMCOREINFO_SYMBOL_ARRAY). */
static bool from_vmcoreinfo(const struct mmw_kernel *k, const char *name, uint64_t *va)
{
	return strcmp(name, "mem_section") && strcmp(name, "vmemmap") && mmw_vmcoreinfo_symbol(k->vmcoreinfo, name, va);
}

static const char *listed(const struct mmw_kernel *k, const char *name, uint64_t *va)
{
	struct mmw_ksym sym;
	size_t pos = 0;

	if (k->ks && mmw_kallsyms_by_name(k->ks, name, &pos, &sym)) {
		*va = sym.addr;
		return "kallsyms";
	}
	return from_vmcoreinfo(k, name, va) ? "VMCOREINFO" : NULL;
}

int mmw_kernel_symbol_listed(const struct mmw_kernel *k, const char *name, uint64_t *va)
{
	return listed(k, name, va) ? 0 : -MMW_E_NOSYM;
}

int mmw_kernel_symbol(const struct mmw_kernel *k, const char *name, uint64_t *va, const char **source,
		      struct mmw_err *err)
{
	const char *from = listed(k, name, va);

	if (!from) {
		/* Read at the first miss: a cache, and not visible from outside. */
		if (k->has_own && !k->exports_tried)
			find_exports((struct mmw_kernel *)k);
		if (k->exports && mmw_ksymtab_by_name(k->exports, name, va))
			from = "__ksymtab";
	}
	if (!from)
		return mmw_fail(err, MMW_E_NOSYM, 0, "no symbol '%s'%s", name, k->ks ? "" : " (no symbol table was found)");
	if (source)
		*source = from;
	return 0;
}

bool mmw_kernel_symbol_at(const struct mmw_kernel *k, uint64_t va, struct mmw_ksym *out, uint64_t *offset)
{
	size_t index, n = k->ks ? mmw_kallsyms_count(k->ks) : 0;

	/* Absolute per-CPU symbols are offsets and no addresses, and behind the last symbol (_end) there is none. */
	if (!n || va < k->arch->image_first || va > mmw_kallsyms_addr(k->ks, n - 1) ||
	    !mmw_kallsyms_by_addr(k->ks, va, &index) || mmw_kallsyms_addr(k->ks, index) < k->arch->image_first)
		return false;
	if (mmw_kallsyms_at(k->ks, index, out, NULL))
		return false;
	*offset = va - out->addr;
	return true;
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

/* --- types ---------------------------------------------------------------------------------------------------- */

/* A BTF header (include/uapi/linux/btf.h): its sections follow it without a gap, and it is a kernel's whole one. */
static bool btf_header(void *ctx, uint64_t va)
{
	struct mmw_kernel *k = ctx;
	bool be = mmw_image_big_endian(k->img);
	uint8_t h[24];
	uint32_t hdr, type_off, type_len, str_off, str_len;

	if (mmw_vm_read(&k->vm, va, h, sizeof(h), NULL))
		return false;
	hdr = mmw_get32(h + 4, be);
	type_off = mmw_get32(h + 8, be);
	type_len = mmw_get32(h + 12, be);
	str_off = mmw_get32(h + 16, be);
	str_len = mmw_get32(h + 20, be);
	if (hdr < 24 || hdr > 64 || type_off || str_off < type_len || (uint64_t)str_off + str_len > BTF_MAX)
		return false;
	k->btf_size = hdr + (uint64_t)str_off + str_len;
	return k->btf_size >= BTF_LEAST;
}

/* 5.4 to 5.6 call the blob by another name (scripts/link-vmlinux.sh); without any, its header is looked for. */
static int btf_bounds(struct mmw_kernel *k, uint64_t *first, uint64_t *stop, struct mmw_err *err)
{
	static const uint8_t le[] = { 0x9f, 0xeb, 1, 0 }, be[] = { 0xeb, 0x9f, 1, 0 };

	if (!mmw_kernel_symbol(k, "__start_BTF", first, NULL, NULL) &&
	    !mmw_kernel_symbol(k, "__stop_BTF", stop, NULL, NULL))
		return 0;
	if (!mmw_kernel_symbol(k, "_binary__btf_vmlinux_bin_start", first, NULL, NULL) &&
	    !mmw_kernel_symbol(k, "_binary__btf_vmlinux_bin_end", stop, NULL, NULL))
		return 0;
	if (mmw_kernel_lists_variables(k))
		return mmw_fail(err, MMW_E_NOTYPE, 0, "this kernel has no BTF (no symbol __start_BTF)");
	if (!mmw_image_find(k, true, mmw_image_big_endian(k->img) ? be : le, sizeof(le), 4, btf_header, k, first))
		return mmw_fail(err, MMW_E_NOTYPE, 0, "this kernel has no BTF (nothing in its image looks like it)");
	*stop = *first + k->btf_size;
	return 0;
}

static int load_btf(struct mmw_kernel *k, struct mmw_err *err)
{
	uint64_t first, stop;
	uint8_t *bytes;
	int rc = btf_bounds(k, &first, &stop, err);

	if (rc)
		return rc;
	if (stop <= first || stop - first > BTF_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, first, "BTF from 0x%" PRIx64 " to 0x%" PRIx64, first, stop);
	bytes = malloc(stop - first);
	if (!bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for BTF");
	rc = mmw_vm_read(&k->vm, first, bytes, stop - first, err);
	if (!rc)
		rc = mmw_btf_open(bytes, stop - first, mmw_image_big_endian(k->img), k->arch->word, &k->btf, err);
	if (rc) {
		free(bytes);
		return mmw_wrap(err, rc, "BTF");
	}
	mmw_kernel_note(k, "types", false, "%zu from BTF at 0x%" PRIx64 ", %" PRIu64 " bytes", mmw_btf_types(k->btf), first,
			stop - first);
	k->types[k->n_types++] = (struct mmw_typesrc){ "BTF", k->btf, mmw_btf_member, mmw_btf_type_size,
						       mmw_btf_enumerator };
	return 0;
}

/* Who asks too early, while the tables are still looked for, may ask again. */
static void load_types(struct mmw_kernel *k)
{
	if (!k->has_own) {
		mmw_fail(&k->btf_err, MMW_E_NOTYPE, 0, "no page tables to read BTF through");
		return;
	}
	k->types_tried = true;
	load_btf(k, &k->btf_err);
	if (!k->vmcoreinfo || !k->arch)
		return;
	k->vmcoreinfo_types = (struct mmw_vmcoreinfo_types){ k->vmcoreinfo, k->arch->word };
	k->types[k->n_types++] = (struct mmw_typesrc){ "VMCOREINFO", &k->vmcoreinfo_types, mmw_vmcoreinfo_member,
						       mmw_vmcoreinfo_type_size, mmw_vmcoreinfo_enumerator };
}

const struct mmw_btf *mmw_kernel_btf(struct mmw_kernel *k, struct mmw_err *err)
{
	if (!k->types_tried)
		load_types(k);
	if (!k->btf && err)
		*err = k->btf_err;
	return k->btf;
}

/* With no source at all, why there is no BTF is the answer. */
static int need_types(struct mmw_kernel *k, struct mmw_err *err)
{
	mmw_kernel_btf(k, k->n_types ? NULL : err);
	return k->n_types ? -MMW_E_NOTYPE : -(int)k->btf_err.code;
}

int mmw_kernel_member(struct mmw_kernel *k, const char *type, const char *path, struct mmw_member *out,
		      const char **source, struct mmw_err *err)
{
	int rc = need_types(k, err);

	for (size_t i = 0; i < k->n_types; i++) {
		const struct mmw_typesrc *t = &k->types[i];

		rc = t->member(t->src, type, path, out, i ? NULL : err);
		if (source)
			*source = t->name;
		if (rc != -MMW_E_NOTYPE)
			break;
	}
	return rc;
}

int mmw_kernel_type_size(struct mmw_kernel *k, const char *type, uint64_t *out, struct mmw_err *err)
{
	int rc = need_types(k, err);

	for (size_t i = 0; i < k->n_types; i++) {
		rc = k->types[i].size(k->types[i].src, type, out, i ? NULL : err);
		if (rc != -MMW_E_NOTYPE)
			break;
	}
	return rc;
}

int mmw_kernel_enumerator(struct mmw_kernel *k, const char *type, const char *name, int64_t *out, struct mmw_err *err)
{
	int rc = need_types(k, err);

	for (size_t i = 0; i < k->n_types; i++) {
		rc = k->types[i].enumerator(k->types[i].src, type, name, out, i ? NULL : err);
		if (rc != -MMW_E_NOTYPE)
			break;
	}
	return rc;
}

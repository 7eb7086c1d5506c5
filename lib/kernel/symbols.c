/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols and types of the bound kernel: the chains of sources. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kernel/bound.h"
#include "lib/sym/vmcoreinfo.h"

enum { BTF_MAX = 64 << 20 };

const struct mmw_kallsyms *mmw_kernel_kallsyms(const struct mmw_kernel *k)
{
	return k->ks;
}

int mmw_kernel_symbol(const struct mmw_kernel *k, const char *name, uint64_t *va, const char **source,
		      struct mmw_err *err)
{
	struct mmw_ksym sym;
	size_t pos = 0;

	if (k->ks && mmw_kallsyms_by_name(k->ks, name, &pos, &sym)) {
		*va = sym.addr;
		if (source)
			*source = "kallsyms";
		return 0;
	}
	if (mmw_vmcoreinfo_symbol(k->vmcoreinfo, name, va)) {
		if (source)
			*source = "VMCOREINFO";
		return 0;
	}
	return mmw_fail(err, MMW_E_NOSYM, 0, "no symbol '%s'%s", name, k->ks ? "" : " (no symbol table was found)");
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

static bool parse_hex(const char *text, uint64_t *out)
{
	char *end;

	if (!isxdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return !*end && !errno;
}

int mmw_kernel_address(const struct mmw_kernel *k, const char *text, uint64_t *va, struct mmw_err *err)
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

/* 5.4 to 5.6 call the blob by another name (scripts/link-vmlinux.sh). */
static int btf_bounds(struct mmw_kernel *k, uint64_t *first, uint64_t *stop, struct mmw_err *err)
{
	if (!mmw_kernel_symbol(k, "__start_BTF", first, NULL, NULL) &&
	    !mmw_kernel_symbol(k, "__stop_BTF", stop, NULL, NULL))
		return 0;
	if (!mmw_kernel_symbol(k, "_binary__btf_vmlinux_bin_start", first, NULL, NULL) &&
	    !mmw_kernel_symbol(k, "_binary__btf_vmlinux_bin_end", stop, NULL, NULL))
		return 0;
	return mmw_fail(err, MMW_E_NOTYPE, 0, "this kernel has no BTF (no symbol __start_BTF)");
}

static int load_btf(struct mmw_kernel *k, struct mmw_err *err)
{
	uint64_t first, stop;
	uint8_t *bytes;
	int rc = btf_bounds(k, &first, &stop, err);

	if (rc)
		return rc;
	if (!k->has_own)
		return mmw_fail(err, MMW_E_NOTYPE, 0, "no page tables to read BTF through");
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

const struct mmw_btf *mmw_kernel_btf(struct mmw_kernel *k, struct mmw_err *err)
{
	if (!k->btf_tried) {
		k->btf_tried = true;
		load_btf(k, &k->btf_err);
	}
	if (!k->btf && err)
		*err = k->btf_err;
	return k->btf;
}

static int need_types(struct mmw_kernel *k, struct mmw_err *err)
{
	return mmw_kernel_btf(k, err) ? 0 : -(int)k->btf_err.code;
}

int mmw_kernel_member(struct mmw_kernel *k, const char *type, const char *path, struct mmw_member *out,
		      const char **source, struct mmw_err *err)
{
	int rc = need_types(k, err);

	for (size_t i = 0; i < k->n_types; i++) {
		const struct mmw_typesrc *t = &k->types[i];

		rc = t->member(t->src, type, path, out, err);
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
		rc = k->types[i].size(k->types[i].src, type, out, err);
		if (rc != -MMW_E_NOTYPE)
			break;
	}
	return rc;
}

int mmw_kernel_enumerator(struct mmw_kernel *k, const char *type, const char *name, int64_t *out, struct mmw_err *err)
{
	int rc = need_types(k, err);

	for (size_t i = 0; i < k->n_types; i++) {
		rc = k->types[i].enumerator(k->types[i].src, type, name, out, err);
		if (rc != -MMW_E_NOTYPE)
			break;
	}
	return rc;
}

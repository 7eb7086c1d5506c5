/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types of the bound kernel: the chain of sources. */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/bytes.h"
#include "lib/kernel/bound.h"

enum { BTF_MAX = 64 << 20, BTF_LEAST = 1 << 20 };

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
	mmw_kernel_add_btf(k, "BTF", k->btf);
	return 0;
}

void mmw_kernel_add_types(struct mmw_kernel *k, const struct mmw_typesrc *source)
{
	if (k->n_types < MMW_TYPESRC_MAX)
		k->types[k->n_types++] = *source;
}

struct mmw_typesrc mmw_btf_source(const char *name, struct mmw_btf *btf)
{
	return (struct mmw_typesrc){
		name, btf, mmw_btf_member, mmw_btf_type_size, mmw_btf_enumerator, mmw_btf_types,
		mmw_btf_find, mmw_btf_describe, mmw_btf_parts,
	};
}

void mmw_kernel_add_btf(struct mmw_kernel *k, const char *name, struct mmw_btf *btf)
{
	const struct mmw_typesrc source = mmw_btf_source(name, btf);

	mmw_kernel_add_types(k, &source);
}

/* Who asks too early, while the tables are still looked for, may ask again. */
static void load_types(struct mmw_kernel *k)
{
	struct mmw_typesrc code = mmw_code_types;
	const struct mmw_typesrc vmcoreinfo = {
		"VMCOREINFO", &k->vmcoreinfo_types, mmw_vmcoreinfo_member, mmw_vmcoreinfo_type_size, mmw_vmcoreinfo_enumerator,
	};

	if (!k->has_own) {
		mmw_fail(&k->btf_err, MMW_E_NOTYPE, 0, "no page tables to read BTF through");
		return;
	}
	k->types_tried = true;
	k->btf_err.code = MMW_OK;
	load_btf(k, &k->btf_err);
	mmw_userfiles_types(k);
	k->vmcoreinfo_types = (struct mmw_vmcoreinfo_types){ k->vmcoreinfo, k->arch->word };
	if (k->vmcoreinfo)
		mmw_kernel_add_types(k, &vmcoreinfo);
	code.src = k;
	mmw_kernel_add_types(k, &code);
}

size_t mmw_kernel_type_sources(struct mmw_kernel *k, const struct mmw_typesrc **out, struct mmw_err *err)
{
	if (!k->types_tried)
		load_types(k);
	if (out)
		*out = k->types;
	if (err)
		*err = k->btf_err;
	return k->n_types;
}

/* Does this source's failure count? The first one's does, but code knows next to nothing. */
static bool speaks(const struct mmw_kernel *k, size_t i)
{
	return !i && k->types[i].src != k;
}

/* With no source at all, why there is no BTF is the answer. */
static int need_types(struct mmw_kernel *k, struct mmw_err *err)
{
	struct mmw_err why;

	if (mmw_kernel_type_sources(k, NULL, &why) && speaks(k, 0))
		return -MMW_E_NOTYPE;
	if (err)
		*err = why;
	return -(int)why.code;
}

/* In the questions below, what the first source says is the answer when none has one. */
int mmw_kernel_member(struct mmw_kernel *k, const char *type, const char *path, struct mmw_member *out,
		      const char **source, struct mmw_err *err)
{
	int rc = need_types(k, err);

	for (size_t i = 0; i < k->n_types; i++) {
		const struct mmw_typesrc *t = &k->types[i];
		int said = t->member(t->src, type, path, out, speaks(k, i) ? err : NULL);

		if (source)
			*source = t->name;
		if (!said)
			return 0;
		rc = speaks(k, i) ? said : rc;
	}
	return rc;
}

int mmw_kernel_type_size(struct mmw_kernel *k, const char *type, uint64_t *out, struct mmw_err *err)
{
	int rc = need_types(k, err);

	for (size_t i = 0; i < k->n_types; i++) {
		int said = k->types[i].size(k->types[i].src, type, out, speaks(k, i) ? err : NULL);

		if (!said)
			return 0;
		rc = speaks(k, i) ? said : rc;
	}
	return rc;
}

int mmw_kernel_enumerator(struct mmw_kernel *k, const char *type, const char *name, int64_t *out, struct mmw_err *err)
{
	int rc = need_types(k, err);

	for (size_t i = 0; i < k->n_types; i++) {
		int said = k->types[i].enumerator(k->types[i].src, type, name, out, speaks(k, i) ? err : NULL);

		if (!said)
			return 0;
		rc = speaks(k, i) ? said : rc;
	}
	return rc;
}

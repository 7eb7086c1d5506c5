/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of modules: the kernel keeps the BTF of each module that has one in its list btf_modules (kernel/bpf/btf.c, from
 * 5.11, CONFIG_DEBUG_INFO_BTF_MODULES). Ids and strings go on where those of the kernel's own BTF end.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/bound.h"
#include "lib/kernel/module.h"
#include "lib/kernel/shadow.h"

enum { BTF_MAX = 16 << 20, ALL_MAX = 256 << 20 };  /* of one module; of all */

struct mmw_module_types {
	struct mmw_typesrc *source;
	size_t n, cap;
	uint64_t bytes;
};

struct listed {
	uint64_t next, module, btf;
};

static const struct mmw_field listed_fields[] = {
	MMW_FIELD(listed, next, "list.next"),
	MMW_FIELD(listed, module, "module"),
	MMW_FIELD(listed, btf, "btf"),
};

struct blob {
	uint64_t data, size;
};

static const struct mmw_field blob_fields[] = {
	MMW_FIELD(blob, data, "data"),
	MMW_FIELD(blob, size, "data_size"),
};

static const char *name_of(struct mmw_kernel *k, uint64_t va)
{
	struct mmw_modules *m = mmw_kernel_modules(k, NULL);

	for (size_t i = 0; m && i < mmw_modules_count(m); i++)
		if (mmw_module_at(m, i)->va == va)
			return mmw_module_at(m, i)->name;
	return "?";
}

static int add_module(struct mmw_kernel *k, struct mmw_module_types *t, const char *name, const struct blob *blob,
		      struct mmw_err *err)
{
	struct mmw_btf *btf;
	uint8_t *bytes;
	int rc;

	if (blob->size > BTF_MAX || t->bytes + blob->size > ALL_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, blob->data, "BTF of %" PRIu64 " bytes", blob->size);
	rc = mmw_vec_reserve(&t->source, &t->cap, t->n + 1, sizeof(*t->source), err);
	bytes = rc ? NULL : malloc(blob->size ? blob->size : 1);
	if (!bytes)
		return rc ? rc : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for BTF");
	rc = mmw_vm_read(&k->vm, blob->data, bytes, blob->size, err);
	rc = rc ? rc : mmw_btf_open_split(k->btf, bytes, blob->size, &btf, err);
	if (rc) {
		free(bytes);
		return rc;
	}
	t->bytes += blob->size;
	t->source[t->n++] = mmw_btf_source(name, btf);
	return 0;
}

/* One that cannot be read does not hide the others. */
static int read_modules(struct mmw_kernel *k, struct mmw_module_types *t, uint64_t head, struct mmw_err *err)
{
	struct mmw_shadow listed, blobs;
	uint64_t at;
	int rc = mmw_shadow_bind(k, "btf_module", listed_fields, mmw_array_len(listed_fields), &listed, err);

	rc = rc ? rc : mmw_shadow_bind(k, "btf", blob_fields, mmw_array_len(blob_fields), &blobs, err);
	rc = rc ? rc : mmw_vm_read_uint(&k->vm, head, k->arch->word, &at, err);
	for (unsigned n = 0; !rc && at != head; n++) {
		struct listed rec;
		struct blob blob;

		if (n == MMW_MODULES_MAX)
			return mmw_fail(err, MMW_E_LIMIT, at, "the list of modules with BTF does not end within %d", MMW_MODULES_MAX);
		/* struct btf_module begins with its list. */
		rc = mmw_shadow_read(&listed, &k->vm, at, &rec, err);
		if (rc)
			break;
		if (!mmw_shadow_read(&blobs, &k->vm, rec.btf, &blob, err))
			add_module(k, t, name_of(k, rec.module), &blob, err);
		at = rec.next;
	}
	return rc;
}

size_t mmw_kernel_module_types(struct mmw_kernel *k, const struct mmw_typesrc **out)
{
	uint64_t head;

	mmw_kernel_type_sources(k, NULL, NULL);
	if (!k->module_types) {
		k->module_types = calloc(1, sizeof(*k->module_types));
		if (!k->module_types)
			return 0;
		/* Modules' types count from the kernel's own BTF. */
		if (k->btf && !mmw_kernel_symbol(k, "btf_modules", &head, NULL, NULL))
			read_modules(k, k->module_types, head, NULL);
	}
	*out = k->module_types->source;
	return k->module_types->n;
}

void mmw_module_types_close(struct mmw_module_types *t)
{
	for (size_t i = 0; t && i < t->n; i++)
		mmw_btf_close(t->source[i].src);
	if (t)
		free(t->source);
	free(t);
}

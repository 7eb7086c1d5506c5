/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as BTF: open them and ask for what their own strings name. The magic tells the byte order, and an odd
 * length stands for a 32-bit target.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/sym/btf.h"
#include "lib/sym/ctext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAMES_MAX = 12 };

/* The first strings of the blob: type, member and enumerator names alike. */
static size_t names_of(const uint8_t *data, bool be, const char *names[NAMES_MAX])
{
	const char *p = (const char *)data + mmw_get32(data + 4, be) + mmw_get32(data + 16, be);
	const char *end = p + mmw_get32(data + 20, be);
	size_t n = 0;

	for (; p < end && n < NAMES_MAX; p += strlen(p) + 1)
		if (*p)
			names[n++] = p;
	return n;
}

static void ask_member(struct mmw_btf *btf, const char *type, const char *format, const char *member, const char *inner)
{
	struct mmw_member m;
	struct mmw_err err;
	char path[256];

	snprintf(path, sizeof(path), format, member, inner);
	if (mmw_btf_member(btf, type, path, &m, &err))
		return;
	/* What a caller relies on: a bit field is in a word that can be read. */
	if (m.bit_size && ((m.size != 1 && m.size != 2 && m.size != 4 && m.size != 8) ||
			   m.bit_offset + m.bit_size > m.size * 8))
		abort();
	if (m.count && m.count * m.elem_size != m.size)
		abort();
}

static void ask(struct mmw_btf *btf, const char *type, const char *name, const char *inner)
{
	static const char *const formats[] = { "%s", "%s[0]", "%s[2].%s", "%s.%s", "[1].%s", "%s[0][1]", "[3]" };
	struct mmw_err err;
	int64_t value;
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		ask_member(btf, type, formats[i], name, inner);
	mmw_btf_enumerator(btf, type, name, &value, &err);
	mmw_btf_enumerator(btf, NULL, name, &value, &err);
}

static int count_part(void *ctx, const struct mmw_type_part *part)
{
	size_t *n = ctx;

	if (!part->name)
		abort();
	return ++*n > 1000;
}

/* The graph, and types as C writes them. */
static void walk(struct mmw_btf *btf, const char *name)
{
	const struct mmw_typesrc source = {
		"BTF", btf, mmw_btf_member, mmw_btf_type_size, mmw_btf_enumerator, mmw_btf_types, mmw_btf_find,
		mmw_btf_describe, mmw_btf_parts,
	};
	struct mmw_ctext text;
	struct mmw_type type;
	uint64_t id, bytes;
	size_t n = 0;

	if (mmw_btf_find(btf, name, &id, NULL))
		return;
	mmw_btf_parts(btf, id, count_part, &n, NULL);
	mmw_ctext(&source, id, name, &text, NULL);
	mmw_type_bytes(&source, id, &bytes, NULL);
	for (uint64_t i = 0; i < 64 && !mmw_btf_describe(btf, i, &type, NULL); i++)
		if (!type.name || mmw_ctext(&source, i, "", &text, NULL) > 0)
			abort();
}

/* The same bytes once more, as a module's on top. */
static void split(struct mmw_btf *base, const uint8_t *data, size_t size, const char *name)
{
	uint8_t *bytes = malloc(size);
	struct mmw_btf *btf;

	if (!bytes)
		return;
	memcpy(bytes, data, size);
	if (mmw_btf_open_split(base, bytes, size, &btf, NULL)) {
		free(bytes);
		return;
	}
	walk(btf, name);
	ask(btf, name, name, name);
	mmw_btf_close(btf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *names[NAMES_MAX], *name;
	bool be = size && data[0] == 0xeb;
	uint8_t *bytes = malloc(size ? size : 1);
	struct mmw_btf *btf;
	struct mmw_err err;
	uint64_t total;
	int64_t value;
	size_t n, i, j;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	if (mmw_btf_open(bytes, size, be, size & 1 ? 4 : 8, &btf, &err)) {
		free(bytes);
		return 0;
	}
	n = names_of(data, be, names);
	for (i = 0; i < n; i++) {
		walk(btf, names[i]);
		split(btf, data, size, names[i]);
		mmw_btf_type_size(btf, names[i], &total, &err);
		for (j = 0; mmw_btf_enumerator_at(btf, names[i], j, &name, &value); j++)
			if (strlen(name) > size)
				abort();
		for (j = 0; j < n; j++)
			ask(btf, names[i], names[j], names[(i + j) % n]);
	}
	mmw_btf_close(btf);
	return 0;
}

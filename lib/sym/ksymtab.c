/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/ksymtab.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"

enum {
	IMAGE_MAX = 96 << 20,     /* no kernel's read-only data ends behind this */
	STEP = 64 << 10,          /* what is not mapped is skipped in such steps */
	ENTRIES_MAX = 1 << 17,
	NAME_MAX_LEN = 512,       /* KSYM_NAME_LEN */
	PROOF = 16,               /* neighbours that must make sense on one side of an entry */
	OCCURRENCES_MAX = 16,
};

/* A copy of the image, and how its entries look. */
struct scan {
	uint8_t *bytes;
	uint64_t first, len;
	bool be, relative;
	unsigned field, fields;
	unsigned word;
};

static int read_image(const struct mmw_mem *mem, struct scan *s, struct mmw_err *err)
{
	uint64_t end = 0;

	s->bytes = calloc(1, s->len);
	if (!s->bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for the kernel's image");
	for (uint64_t at = 0; at < s->len; at += STEP) {
		uint64_t n = s->len - at < STEP ? s->len - at : STEP;

		if (!mmw_mem_read(mem, s->first + at, s->bytes + at, n, NULL))
			end = at + n;
	}
	s->len = end;  /* what lies behind is never touched */
	return end ? 0 : mmw_fail(err, MMW_E_NOSYM, s->first, "nothing of the kernel's image can be read");
}

/* What the field at `at` points to, as an offset in the image; len when it leads elsewhere. */
static uint64_t target(const struct scan *s, uint64_t at)
{
	uint64_t v;

	if (s->relative)
		v = at + (uint64_t)(int64_t)(int32_t)mmw_get32(s->bytes + at, s->be);
	else
		v = mmw_get_word(s->bytes + at, s->word, s->be) - s->first;
	return v < s->len ? v : s->len;
}

static uint64_t value_of(const struct scan *s, uint64_t entry)
{
	if (s->relative)
		return s->first + entry + (uint64_t)(int64_t)(int32_t)mmw_get32(s->bytes + entry, s->be);
	return mmw_get_word(s->bytes + entry, s->word, s->be);
}

static bool name_char(uint8_t c)
{
	return c == '_' || c == '.' || c == '$' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The name of the entry at `at`, or NULL when this cannot be one. */
static const char *name_at(const struct scan *s, uint64_t at)
{
	uint64_t from, to;

	if (at > s->len || s->len - at < (uint64_t)s->fields * s->field)
		return NULL;
	from = target(s, at + s->field);
	/* A name may be the end of a longer string: the linker merges them. */
	if (from == s->len || !value_of(s, at))
		return NULL;
	for (to = from; to < s->len && to - from < NAME_MAX_LEN && name_char(s->bytes[to]); )
		to++;
	return to > from && to < s->len && !s->bytes[to] ? (const char *)s->bytes + from : NULL;
}

/* Entries in a row from `at` in either direction. */
static size_t row(const struct scan *s, uint64_t at, bool down, size_t most)
{
	uint64_t size = (uint64_t)s->fields * s->field;
	size_t n = 0;

	while (n < most && name_at(s, at)) {
		n++;
		if (down && at < size)
			break;
		at = down ? at - size : at + size;
	}
	return n;
}

static bool proven(struct scan *s, uint64_t entry)
{
	for (s->fields = 3; s->fields >= 2; s->fields--)
		if (row(s, entry, false, PROOF) == PROOF || row(s, entry, true, PROOF) == PROOF)
			return true;
	return false;
}

/* An entry whose name is the string at `string`. */
static bool find_reference(struct scan *s, uint64_t string, uint64_t *entry)
{
	for (int relative = 1; relative >= 0; relative--) {
		s->relative = relative;
		s->field = relative ? 4 : s->word;
		for (uint64_t at = s->field; at + 3ull * s->field <= s->len; at += s->field) {
			if (target(s, at) != string || !proven(s, at - s->field))
				continue;
			*entry = at - s->field;
			return true;
		}
	}
	return false;
}

/* Variables that every kernel exports. */
static bool find_any(struct scan *s, uint64_t *entry)
{
	static const char *const anchors[] = { "cpu_bit_bitmap", "init_task", "high_memory", "loops_per_jiffy" };

	for (size_t i = 0; i < mmw_array_len(anchors); i++) {
		size_t len = strlen(anchors[i]) + 1;
		const uint8_t *at = s->bytes, *end = s->bytes + s->len;

		for (int n = 0; n < OCCURRENCES_MAX && (at = memmem(at, end - at, anchors[i], len)); n++, at++)
			if (find_reference(s, at - s->bytes, entry))
				return true;
	}
	return false;
}

static int take_table(const struct scan *s, uint64_t entry, struct mmw_symtab *t, uint64_t *place, struct mmw_err *err)
{
	uint64_t size = (uint64_t)s->fields * s->field, at = entry - (row(s, entry, true, ENTRIES_MAX) - 1) * size;
	const char *name;
	int rc = 0;

	*place = s->first + at;
	for (; !rc && mmw_symtab_count(t) < ENTRIES_MAX && (name = name_at(s, at)); at += size)
		rc = mmw_symtab_add(t, value_of(s, at), '?', name, strlen(name), err);
	return rc ? rc : mmw_symtab_seal(t, err);
}

int mmw_ksymtab_open(const struct mmw_mem *mem, uint64_t first, uint64_t len, unsigned word, struct mmw_symtab **out,
		     uint64_t *place, struct mmw_err *err)
{
	struct scan s = { .first = first, .len = len < IMAGE_MAX ? len : IMAGE_MAX, .be = mem->big_endian, .word = word };
	struct mmw_symtab *t = NULL;
	uint64_t entry = 0;
	int rc = read_image(mem, &s, err);

	if (!rc && !find_any(&s, &entry))
		rc = mmw_fail(err, MMW_E_NOSYM, first, "no table of exported symbols in the kernel's image");
	if (!rc)
		rc = mmw_symtab_new(&t, err);
	if (!rc)
		rc = take_table(&s, entry, t, place, err);
	free(s.bytes);
	if (rc)
		mmw_symtab_close(t);
	else
		*out = t;
	return rc;
}

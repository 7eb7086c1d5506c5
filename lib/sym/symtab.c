/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/symtab.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"

enum { SYMBOLS_MAX = 1 << 24 };

static const uint32_t none = UINT32_MAX;

struct sym {
	uint64_t addr;
	uint32_t name;   /* offset in names */
	uint32_t next;   /* the next one of the same bucket, or none */
	char type;
};

struct mmw_symtab {
	struct sym *syms;  /* ascending once sealed */
	size_t n, cap;
	char *names;
	size_t names_len, names_cap;
	uint32_t *buckets;
	size_t mask;       /* their number, a power of two, minus 1 */
	uint64_t moved;
	size_t fixed;      /* the first ones, which are no addresses */
};

int mmw_symtab_new(struct mmw_symtab **out, struct mmw_err *err)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory for symbols");
}

void mmw_symtab_close(struct mmw_symtab *t)
{
	if (!t)
		return;
	free(t->syms);
	free(t->names);
	free(t->buckets);
	free(t);
}

int mmw_symtab_add(struct mmw_symtab *t, uint64_t addr, char type, const char *name, size_t len, struct mmw_err *err)
{
	int rc;

	if (!len || len >= MMW_KSYM_NAME_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, addr, "a symbol's name of %zu characters", len);
	if (t->n >= SYMBOLS_MAX || t->names_len > UINT32_MAX - MMW_KSYM_NAME_MAX)
		return mmw_fail(err, MMW_E_LIMIT, 0, "more than %d symbols", SYMBOLS_MAX);
	rc = mmw_vec_reserve(&t->syms, &t->cap, t->n + 1, sizeof(*t->syms), err);
	if (!rc)
		rc = mmw_vec_reserve(&t->names, &t->names_cap, t->names_len + len + 1, 1, err);
	if (rc)
		return rc;
	t->syms[t->n++] = (struct sym){ addr, (uint32_t)t->names_len, (uint32_t)t->n, type };
	memcpy(t->names + t->names_len, name, len);
	t->names_len += len;
	t->names[t->names_len++] = '\0';
	return 0;
}

/* Until the buckets are filled, `next` is the order the symbols came in. */
static int by_place(const void *a, const void *b)
{
	const struct sym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->next < y->next ? -1 : x->next > y->next;
}

/* FNV-1a. */
static size_t hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3;
	return (size_t)(h ^ h >> 32);
}

int mmw_symtab_seal(struct mmw_symtab *t, struct mmw_err *err)
{
	size_t n = 16, i;

	for (i = 1; i < t->n && t->syms[i - 1].addr <= t->syms[i].addr; i++)
		;
	if (i < t->n)
		qsort(t->syms, t->n, sizeof(*t->syms), by_place);
	while (n < t->n)
		n *= 2;
	t->buckets = malloc(n * sizeof(*t->buckets));
	if (!t->buckets)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu symbols", t->n);
	t->mask = n - 1;
	memset(t->buckets, 0xff, n * sizeof(*t->buckets));
	/* From the last to the first, so that a chain ascends. */
	for (i = t->n; i-- > 0; ) {
		uint32_t *bucket = &t->buckets[hash(t->names + t->syms[i].name) & t->mask];

		t->syms[i].next = *bucket;
		*bucket = (uint32_t)i;
	}
	return 0;
}

/* --- text ----------------------------------------------------------------------------------------------------- */

/* One line. Where it has no address, or is a module's, name is NULL; false when it is none of nm's. */
struct line {
	uint64_t addr;
	char type;
	const char *name;
	size_t len;
};

static bool parse_line(const char *at, const char *end, struct line *l)
{
	unsigned digits = 0;

	*l = (struct line){ 0 };
	for (; at < end && isxdigit((unsigned char)*at); at++, digits++)
		l->addr = l->addr << 4 | (uint64_t)(isdigit((unsigned char)*at) ? *at - '0' : (*at | 32) - 'a' + 10);
	/* nm leaves the address of what is not defined blank. */
	if (!digits && at < end && *at == ' ')
		return true;
	if (!digits || digits > 16 || end - at < 4 || *at != ' ' || at[2] != ' ')
		return false;
	l->type = at[1];
	if (!isgraph((unsigned char)l->type))
		return false;
	at += 3;
	while (at + l->len < end && isgraph((unsigned char)at[l->len]))
		l->len++;
	if (at + l->len == end)
		l->name = at;
	return l->len > 0;
}

static int read_lines(struct mmw_symtab *t, const char *text, size_t len, struct mmw_err *err)
{
	const char *stop = text + len, *end;
	uint64_t any = 0, number = 1;
	struct line l;

	for (const char *at = text; at < stop; at = end + 1, number++) {
		int rc = 0;

		end = memchr(at, '\n', stop - at);
		end = end ? end : stop;
		if (!parse_line(at, end > at && end[-1] == '\r' ? end - 1 : end, &l))
			return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "line %" PRIu64 " is none of a System.map", number);
		if (l.name)
			rc = mmw_symtab_add(t, l.addr, l.type, l.name, l.len, err);
		if (rc)
			return mmw_wrap(err, rc, "line %" PRIu64, number);
		any |= l.addr;
	}
	if (!t->n)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "no symbols in it");
	if (!any)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "all addresses are 0: who copied it was not shown them (kernel.kptr_restrict)");
	return 0;
}

int mmw_symtab_text(const char *text, size_t len, struct mmw_symtab **out, struct mmw_err *err)
{
	struct mmw_symtab *t;
	int rc = mmw_symtab_new(&t, err);

	if (rc)
		return rc;
	rc = read_lines(t, text, len, err);
	if (!rc)
		rc = mmw_symtab_seal(t, err);
	if (rc)
		mmw_symtab_close(t);
	else
		*out = t;
	return rc;
}

/* --- asking --------------------------------------------------------------------------------------------------- */

void mmw_symtab_move(struct mmw_symtab *t, uint64_t first, uint64_t delta)
{
	if (!t->moved)
		t->fixed = 0;
	for (size_t i = 0; i < t->n && !t->moved; i++)
		if (t->syms[i].addr < first)
			t->fixed = i + 1;
	for (size_t i = t->fixed; i < t->n; i++)
		t->syms[i].addr += delta - t->moved;
	t->moved = delta;
}

size_t mmw_symtab_count(const void *src)
{
	const struct mmw_symtab *t = src;

	return t->n;
}

static void give(const struct mmw_symtab *t, size_t index, struct mmw_ksym *out)
{
	const struct sym *s = &t->syms[index];

	out->addr = s->addr;
	out->type = s->type;
	strcpy(out->name, t->names + s->name);
}

int mmw_symtab_at(const void *src, size_t index, struct mmw_ksym *out, struct mmw_err *err)
{
	const struct mmw_symtab *t = src;

	if (index >= t->n)
		return mmw_fail(err, MMW_E_ARG, 0, "symbol %zu of %zu", index, t->n);
	give(t, index, out);
	return 0;
}

int mmw_symtab_by_name(const void *src, const char *name, size_t *pos, struct mmw_ksym *out)
{
	const struct mmw_symtab *t = src;

	for (uint32_t i = t->buckets[hash(name) & t->mask]; i != none; i = t->syms[i].next) {
		if (i < *pos || strcmp(t->names + t->syms[i].name, name))
			continue;
		give(t, i, out);
		*pos = i + 1;
		return 1;
	}
	return 0;
}

/* The first one behind va. */
static size_t behind(const struct mmw_symtab *t, uint64_t va)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->syms[mid].addr <= va)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool mmw_symtab_next(const void *src, uint64_t va, uint64_t *out)
{
	const struct mmw_symtab *t = src;
	size_t i = behind(t, va);

	if (i < t->n)
		*out = t->syms[i].addr;
	return i < t->n;
}

bool mmw_symtab_by_addr(const void *src, uint64_t va, struct mmw_ksym *out)
{
	const struct mmw_symtab *t = src;
	size_t low = behind(t, va);

	if (!low || va > t->syms[t->n - 1].addr)
		return false;
	for (low--; low && t->syms[low - 1].addr == t->syms[low].addr; low--)
		;
	give(t, low, out);
	return true;
}

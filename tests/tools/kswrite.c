/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A name is its type letter and its characters, cut into tokens. Digits, letters, '_' and '.' stand for themselves, as
 * does every character that occurs; the other codes are given to the most frequent pair of tokens, again and again.
 */
#include "tests/tools/kswrite.h"

#include <stdlib.h>
#include <string.h>

enum { TOKENS = 256, PER_MARKER = 256 };

struct table {
	char text[TOKENS][512];
	bool used[TOKENS];
};

struct ks_spec ks_spec_of(char layout, enum mmw_kallsyms_encoding encoding)
{
	return (struct ks_spec){ .layout = layout, .encoding = encoding, .uleb = layout != 'A', .word = 8 };
}

void ks_spec_fini(struct ks_spec *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->syms[i].name);
		free(s->syms[i].tokens);
	}
	free(s->syms);
	s->syms = NULL;
	s->n = s->cap = 0;
}

static void push(struct ks_spec *s, struct ks_sym sym, const char *name)
{
	size_t len = strlen(name);

	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->syms = xrealloc(s->syms, s->cap * sizeof(*s->syms));
	}
	sym.name = xrealloc(NULL, len + 1);
	memcpy(sym.name, name, len + 1);
	sym.n_tokens = len + 1;
	sym.tokens = xrealloc(NULL, len + 1);
	sym.tokens[0] = (uint8_t)sym.type;
	memcpy(sym.tokens + 1, name, len);
	s->syms[s->n++] = sym;
}

void ks_add(struct ks_spec *s, uint64_t addr, char type, const char *name)
{
	push(s, (struct ks_sym){ .addr = addr, .type = type }, name);
}

void ks_add_part(struct ks_spec *s, enum ks_part part, char type, const char *name)
{
	push(s, (struct ks_sym){ .part = part, .type = type }, name);
}

/* --- tokens --------------------------------------------------------------------------------------------------- */

static void own_tokens(const struct ks_spec *s, struct table *t)
{
	static const char always[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.";

	for (const char *c = always; *c; c++)
		t->used[(uint8_t)*c] = true;
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->syms[i].n_tokens; k++)
			t->used[s->syms[i].tokens[k]] = true;
	for (unsigned c = 0; c < TOKENS; c++)
		if (t->used[c])
			t->text[c][0] = (char)c;
}

/* The most frequent pair of tokens, as first << 8 | second; -1 when none occurs twice. */
static int best_pair(const struct ks_spec *s, const struct table *t, uint32_t *count)
{
	int best = -1;

	memset(count, 0, (1 << 16) * sizeof(*count));
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k + 1 < s->syms[i].n_tokens; k++)
			count[s->syms[i].tokens[k] << 8 | s->syms[i].tokens[k + 1]]++;
	for (int p = 0; p < 1 << 16; p++)
		if (count[p] > 1 && (best < 0 || count[p] > count[best]) &&
		    strlen(t->text[p >> 8]) + strlen(t->text[p & 0xff]) < 32)
			best = p;
	return best;
}

static void replace_pair(struct ks_sym *sym, int pair, uint8_t code)
{
	size_t to = 0;

	for (size_t k = 0; k < sym->n_tokens; k++) {
		if (k + 1 < sym->n_tokens && (sym->tokens[k] << 8 | sym->tokens[k + 1]) == pair) {
			sym->tokens[to++] = code;
			k++;
		} else {
			sym->tokens[to++] = sym->tokens[k];
		}
	}
	sym->n_tokens = to;
}

static void make_tokens(struct ks_spec *s, struct table *t)
{
	uint32_t *count = xrealloc(NULL, (1 << 16) * sizeof(*count));

	own_tokens(s, t);
	for (int code = TOKENS - 1; code >= 0; code--) {
		int pair;

		if (t->used[code])
			continue;
		pair = best_pair(s, t, count);
		if (pair < 0)
			break;
		strcpy(t->text[code], t->text[pair >> 8]);
		strcat(t->text[code], t->text[pair & 0xff]);
		for (size_t i = 0; i < s->n; i++)
			replace_pair(&s->syms[i], pair, (uint8_t)code);
	}
	free(count);
}

/* --- tables --------------------------------------------------------------------------------------------------- */

struct writer {
	struct ks_spec *spec;
	const struct table *tokens;
	struct blob *out;
	size_t *at;
	unsigned align;
	bool measure;  /* addresses are not known yet: only sizes count */
};

static void start(struct writer *w, enum ks_part part)
{
	blob_align(w->out, w->align);
	w->at[part] = w->out->len;
}

static size_t length_bytes(const struct ks_spec *s, const struct ks_sym *sym)
{
	if (sym->n_tokens > (s->uleb ? 0x3fffu : 0xffu))
		die("%s takes %zu tokens", sym->name, sym->n_tokens);
	return s->uleb && sym->n_tokens > 0x7f ? 2 : 1;
}

static void write_names(struct writer *w)
{
	struct ks_spec *s = w->spec;

	start(w, KS_NUM_SYMS);
	blob_uint(w->out, s->n, 4, s->big_endian);
	start(w, KS_NAMES);
	for (size_t i = 0; i < s->n; i++) {
		const struct ks_sym *sym = &s->syms[i];

		if (length_bytes(s, sym) == 2) {
			blob_u8(w->out, (sym->n_tokens & 0x7f) | 0x80);
			blob_u8(w->out, (uint8_t)(sym->n_tokens >> 7));
		} else {
			blob_u8(w->out, (uint8_t)sym->n_tokens);
		}
		blob_add(w->out, sym->tokens, sym->n_tokens);
	}
}

static void write_markers(struct writer *w)
{
	struct ks_spec *s = w->spec;
	size_t pos = 0;

	start(w, KS_MARKERS);
	for (size_t i = 0; i < s->n; i++) {
		if (i % PER_MARKER == 0)
			blob_uint(w->out, pos, 4, s->big_endian);
		pos += length_bytes(s, &s->syms[i]) + s->syms[i].n_tokens;
	}
}

static void write_tokens(struct writer *w)
{
	size_t pos = 0;

	start(w, KS_TOKEN_TABLE);
	for (int t = 0; t < TOKENS; t++)
		blob_add(w->out, w->tokens->text[t], strlen(w->tokens->text[t]) + 1);
	start(w, KS_TOKEN_INDEX);
	for (int t = 0; t < TOKENS; t++) {
		blob_uint(w->out, pos, 2, w->spec->big_endian);
		pos += strlen(w->tokens->text[t]) + 1;
	}
}

/* The lowest address that is not an absolute per-CPU offset. */
static uint64_t base_of(const struct ks_spec *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->encoding != MMW_KALLSYMS_PERCPU || s->syms[i].addr > INT32_MAX)
			return s->syms[i].addr;
	return 0;
}

static int64_t offset_of(const struct writer *w, size_t i, uint64_t base)
{
	const struct ks_spec *s = w->spec;
	uint64_t addr = s->syms[i].addr;

	switch (s->encoding) {
	case MMW_KALLSYMS_PLACE:
		return (int64_t)(addr - (s->va + w->at[KS_OFFSETS] + 4 * i));
	case MMW_KALLSYMS_PERCPU:
		return addr <= INT32_MAX ? (int64_t)addr : (int64_t)(base - 1 - addr);
	default:
		return (int64_t)(addr - base);
	}
}

static void write_offsets(struct writer *w)
{
	struct ks_spec *s = w->spec;
	uint64_t base = base_of(s);

	start(w, KS_OFFSETS);
	for (size_t i = 0; i < s->n; i++) {
		int64_t off = w->measure ? 0 : offset_of(w, i, base);
		int64_t most = s->encoding == MMW_KALLSYMS_BASE ? UINT32_MAX : INT32_MAX;

		if (off > most || off < (s->encoding == MMW_KALLSYMS_BASE ? 0 : INT32_MIN))
			die("%s at %llx is out of the offsets' reach", s->syms[i].name,
			    (unsigned long long)s->syms[i].addr);
		blob_uint(w->out, (uint32_t)off, 4, s->big_endian);
	}
	if (s->layout == 'D')
		return;
	start(w, KS_BASE);
	blob_uint(w->out, base, s->word, s->big_endian);
}

static int by_name(const void *a, const void *b, void *arg)
{
	const struct ks_sym *syms = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(syms[x].name, syms[y].name);

	return order ? order : x < y ? -1 : x > y;
}

static void write_seqs(struct writer *w)
{
	struct ks_spec *s = w->spec;
	uint32_t *seq = xrealloc(NULL, s->n * sizeof(*seq));

	for (size_t i = 0; i < s->n; i++)
		seq[i] = (uint32_t)i;
	qsort_r(seq, s->n, sizeof(*seq), by_name, s->syms);
	start(w, KS_SEQS);
	for (size_t i = 0; i < s->n; i++)
		blob_uint(w->out, seq[i], 3, true);
	free(seq);
}

static void write_tables(struct writer *w)
{
	bool old = w->spec->layout == 'A' || w->spec->layout == 'B';

	w->align = w->spec->layout == 'D' ? 4 : w->spec->word;
	for (int i = 0; i < KS_PARTS; i++)
		w->at[i] = SIZE_MAX;
	if (old)
		write_offsets(w);
	write_names(w);
	write_markers(w);
	if (w->spec->layout == 'B')
		write_seqs(w);
	write_tokens(w);
	if (old)
		return;
	write_offsets(w);
	write_seqs(w);
}

static int by_addr(const void *a, const void *b)
{
	const struct ks_sym *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void sort_syms(struct ks_spec *s)
{
	/* Stable: symbols of one address stay in the order they were given in. */
	for (size_t i = 1; i < s->n; i++) {
		struct ks_sym sym = s->syms[i];
		size_t k = i;

		for (; k && by_addr(&s->syms[k - 1], &sym) > 0; k--)
			s->syms[k] = s->syms[k - 1];
		s->syms[k] = sym;
	}
}

void ks_build(struct ks_spec *s, struct blob *out, size_t at[KS_PARTS])
{
	struct table *t = xrealloc(NULL, sizeof(*t));
	struct blob scratch = { 0 };
	struct writer w = { .spec = s, .tokens = t, .out = &scratch, .at = at, .measure = true };

	memset(t, 0, sizeof(*t));
	make_tokens(s, t);
	write_tables(&w);  /* table sizes do not depend on the order of symbols */
	blob_fini(&scratch);
	for (size_t i = 0; i < s->n; i++) {
		if (s->syms[i].part == KS_PLAIN)
			continue;
		if (at[s->syms[i].part] == SIZE_MAX)
			die("%s: this layout has no such table", s->syms[i].name);
		s->syms[i].addr = s->va + at[s->syms[i].part];
	}
	sort_syms(s);
	w.out = out;
	w.measure = false;
	write_tables(&w);
	free(t);
}

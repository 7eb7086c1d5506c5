/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "tests/tools/btfwrite.h"
#include "tests/tools/kswrite.h"

enum { LINE_MAX_BYTES = 4096, VARS_MAX = 64, DEPTH_MAX = 8, WORDS_MAX = 64, ENTRIES = 512, OBJECTS_MAX = 512 };

struct var {
	char name[32], text[256];
};

/* One text that is being read: the recipe, or something it includes. */
struct source {
	const char *name;
	char *dir;         /* owned; where its includes are */
	const char *rest;
	unsigned line;
};

struct cook {
	struct phys *p;
	struct var vars[VARS_MAX];
	size_t n_vars;
	struct source *src;
	unsigned depth;
	char line[LINE_MAX_BYTES];
	/* space */
	uint64_t root, pool;
	unsigned levels;
};

static void fail(const struct cook *c, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));

static void fail(const struct cook *c, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	die("%s:%u: %s", c->src->name, c->src->line, msg);
}

/* --- numbers and words ---------------------------------------------------------------------------------------- */

static uint64_t one_number(const struct cook *c, const char **at)
{
	char *end;
	uint64_t v;

	if (!isxdigit((unsigned char)**at))
		fail(c, "a hexadecimal number is expected at '%s'", *at);
	errno = 0;
	v = strtoull(*at, &end, 16);
	if (errno)
		fail(c, "'%s' is too large", *at);
	*at = end + (*end == 'K' || *end == 'M' || *end == 'G');
	return *end == 'K' ? v << 10 : *end == 'M' ? v << 20 : *end == 'G' ? v << 30 : v;
}

/* A sum: 1000+20-8, 2M, ffffffff81000000+4K. */
static uint64_t number(const struct cook *c, const char **at)
{
	uint64_t v = one_number(c, at);

	while (**at == '+' || **at == '-') {
		bool minus = *(*at)++ == '-';
		uint64_t term = one_number(c, at);

		v = minus ? v - term : v + term;
	}
	return v;
}

static void skip_space(const char **at)
{
	while (isspace((unsigned char)**at))
		++*at;
}

static uint64_t next_number(const struct cook *c, const char **at)
{
	skip_space(at);
	return number(c, at);
}

static void expect(const struct cook *c, const char **at, const char *what)
{
	size_t len = strlen(what);

	skip_space(at);
	if (strncmp(*at, what, len))
		fail(c, "'%s' is expected at '%s'", what, *at);
	*at += len;
}

static void expect_end(const struct cook *c, const char *at)
{
	skip_space(&at);
	if (*at)
		fail(c, "'%s' is too much", at);
}

/* The next word, at most size - 1 bytes; false at the end of the line. */
static bool next_word(const struct cook *c, const char **at, char *buf, size_t size)
{
	size_t n = 0;

	skip_space(at);
	while ((*at)[n] && !isspace((unsigned char)(*at)[n]))
		n++;
	if (n >= size)
		fail(c, "'%s' is too long", *at);
	memcpy(buf, *at, n);
	buf[n] = '\0';
	*at += n;
	return n;
}

/* --- lines ---------------------------------------------------------------------------------------------------- */

static const char *var_text(const struct cook *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->n_vars; i++)
		if (strlen(c->vars[i].name) == len && !strncmp(c->vars[i].name, name, len))
			return c->vars[i].text;
	return NULL;
}

/* Copy a line, with $NAME and ${NAME} replaced and the comment cut off (not inside a quoted text). */
static void expand_line(struct cook *c, const char *from, size_t len)
{
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const char *text;
		size_t name = 0, brace = from[i] == '$' && i + 1 < len && from[i + 1] == '{';

		if (from[i] == '"' && (!i || from[i - 1] != '\\'))
			quoted = !quoted;
		if (from[i] == '#' && !quoted)
			break;
		if (from[i] != '$') {
			if (n + 2 > sizeof(c->line))
				fail(c, "the line is too long");
			c->line[n++] = from[i];
			continue;
		}
		i += 1 + brace;
		while (i + name < len && (isalnum((unsigned char)from[i + name]) || from[i + name] == '_'))
			name++;
		text = var_text(c, from + i, name);
		if (!text)
			fail(c, "'%.*s' was never set", (int)name, from + i);
		if (n + strlen(text) + 1 > sizeof(c->line))
			fail(c, "the line is too long");
		n += strlen(strcpy(c->line + n, text));
		i += name - 1 + brace;
	}
	while (n && isspace((unsigned char)c->line[n - 1]))
		n--;
	c->line[n] = '\0';
}

/* The next line that says something; false at the end of this source. */
static bool next_line(struct cook *c)
{
	struct source *s = c->src;

	while (*s->rest) {
		size_t len = strcspn(s->rest, "\n");

		s->line++;
		expand_line(c, s->rest, len);
		s->rest += len + (s->rest[len] == '\n');
		if (c->line[strspn(c->line, " \t")])
			return true;
	}
	return false;
}

/* The next line of a block that `{` opened; false at its `}`. */
static bool block_line(struct cook *c, const char **at)
{
	if (!next_line(c))
		fail(c, "the block has no end");
	*at = c->line;
	skip_space(at);
	return strcmp(*at, "}");
}

/* --- memory --------------------------------------------------------------------------------------------------- */

static void add_memory(struct cook *c, const char *at, enum phys_state state)
{
	uint64_t pa = next_number(c, &at), len = next_number(c, &at);

	expect_end(c, at);
	phys_add(c->p, pa, len, state);
}

/* The next of V V*COUNT V*COUNT+STRIDE ...; false at the end of the line. */
static bool next_run(const struct cook *c, const char **at, uint64_t *v, uint64_t *count, uint64_t *stride)
{
	skip_space(at);
	if (!**at)
		return false;
	*v = number(c, at);
	*count = 1;
	*stride = 0;
	if (**at == '*') {
		++*at;
		*count = one_number(c, at);
		if (**at == '+') {
			++*at;
			*stride = one_number(c, at);
		}
	}
	return true;
}

/* PA: V V*COUNT V*COUNT+STRIDE ...; PA/STEP*COUNT: the same at COUNT places. */
static void put_integers(struct cook *c, const char *at, unsigned size)
{
	uint64_t first = next_number(c, &at), step = 0, places = 1, v, count, stride;
	const char *values;

	if (*at == '/') {
		at++;
		step = one_number(c, &at);
		expect(c, &at, "*");
		places = one_number(c, &at);
	}
	expect(c, &at, ":");
	values = at;
	for (uint64_t place = 0; place < places; place++) {
		uint64_t pa = first + place * step;

		at = values;
		while (next_run(c, &at, &v, &count, &stride))
			for (uint64_t i = 0; i < count; i++, pa += size)
				phys_put(c->p, pa, v + i * stride, size);
	}
}

/* PA: V/BITS V/BITS ...: bit fields in the order in which C declares them, 8 to 64 bits together. */
static void put_bits(struct cook *c, const char *at)
{
	uint64_t pa = next_number(c, &at), whole = 0;
	unsigned bits = 0;

	expect(c, &at, ":");
	for (skip_space(&at); *at; skip_space(&at)) {
		uint64_t v = number(c, &at);
		unsigned n;

		expect(c, &at, "/");
		n = (unsigned)next_number(c, &at);
		if (!n || bits + n > 64)
			fail(c, "a bit field ends behind 64 bits");
		whole = c->p->big_endian ? (bits ? whole << n : 0) | v : whole | v << bits;
		bits += n;
	}
	if (bits % 8 || bits & (bits - 1))
		fail(c, "bit fields make %u bits", bits);
	phys_put(c->p, pa, whole, bits / 8);
}

/*
 * PA VA SIZE OFFSET RANDOM: N N*COUNT+STRIDE ...: a free list of SLUB in the slab whose first object is there; RANDOM
 * is - in a kernel that does not mix its links.
 */
static void put_freelist(struct cook *c, const char *at)
{
	uint64_t pa = next_number(c, &at), va = next_number(c, &at), size = next_number(c, &at);
	uint64_t offset = next_number(c, &at), mix = 0, objects[OBJECTS_MAX], v, count, stride;
	size_t n = 0;
	bool plain;

	skip_space(&at);
	plain = *at == '-';
	if (plain)
		at++;
	else
		mix = number(c, &at);
	expect(c, &at, ":");
	while (next_run(c, &at, &v, &count, &stride))
		for (uint64_t i = 0; i < count; i++) {
			if (n == OBJECTS_MAX)
				fail(c, "more than %d objects", OBJECTS_MAX);
			objects[n++] = v + i * stride;
		}
	for (size_t i = 0; i < n; i++) {
		uint64_t link = va + objects[i] * size + offset, next = i + 1 < n ? va + objects[i + 1] * size : 0;

		phys_put(c->p, pa + objects[i] * size + offset, plain ? next : next ^ mix ^ __builtin_bswap64(link), 8);
	}
}

static int escape(const struct cook *c, const char **at)
{
	char e = *(*at)++;

	switch (e) {
	case 'n':
		return '\n';
	case '0':
		return '\0';
	case 't':
		return '\t';
	case 'x':
		if (isxdigit((unsigned char)(*at)[0]) && isxdigit((unsigned char)(*at)[1])) {
			char hex[3] = { (*at)[0], (*at)[1], 0 };

			*at += 2;
			return (int)strtoul(hex, NULL, 16);
		}
		break;
	case '\\':
	case '"':
		return e;
	}
	fail(c, "\\%c is no escape", e);
}

static void put_string(struct cook *c, const char *at)
{
	uint64_t pa = next_number(c, &at);
	struct blob b = { 0 };

	expect(c, &at, "\"");
	while (*at != '"') {
		if (!*at)
			fail(c, "the text has no end");
		if (*at == '\\') {
			at++;
			blob_u8(&b, (uint8_t)escape(c, &at));
		} else {
			blob_u8(&b, (uint8_t)*at++);
		}
	}
	expect_end(c, at + 1);
	phys_write(c->p, pa, b.bytes, b.len);
	blob_fini(&b);
}

/* xorshift64*: the same bytes everywhere. */
static void put_random(struct cook *c, const char *at)
{
	uint64_t pa = next_number(c, &at), len = next_number(c, &at), x = next_number(c, &at) | 1;

	expect_end(c, at);
	for (uint64_t i = 0; i < len; i += 8) {
		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		phys_put(c->p, pa + i, x * 0x2545f4914f6cdd1dull, 8);
	}
}

/* --- lists (include/linux/list.h) -------------------------------------------------------------------------------- */

/* PA VA COUNT STEP N BIG_STEP: empty list heads, N rows of COUNT. */
static void put_heads(struct cook *c, const char *at)
{
	uint64_t pa = next_number(c, &at), va = next_number(c, &at), count = next_number(c, &at);
	uint64_t step = next_number(c, &at), rows = next_number(c, &at), big_step = next_number(c, &at);

	expect_end(c, at);
	for (uint64_t i = 0; i < rows * count; i++) {
		uint64_t off = i / count * big_step + i % count * step;

		phys_put(c->p, pa + off, va + off, 8);
		phys_put(c->p, pa + off + 8, va + off, 8);
	}
}

/* PA:VA PA:VA ...: these list heads form one ring. */
static void put_ring(struct cook *c, const char *at)
{
	uint64_t pa[WORDS_MAX], va[WORDS_MAX];
	size_t n = 0;

	for (skip_space(&at); *at && n < WORDS_MAX; skip_space(&at), n++) {
		pa[n] = number(c, &at);
		expect(c, &at, ":");
		va[n] = number(c, &at);
	}
	expect_end(c, at);
	for (size_t i = 0; i < n; i++) {
		phys_put(c->p, pa[i], va[(i + 1) % n], 8);
		phys_put(c->p, pa[i] + 8, va[(i + n - 1) % n], 8);
	}
}

/* --- page tables ---------------------------------------------------------------------------------------------- */

#define ADDRESS 0x000ffffffffff000ull

/* Bits of an entry from the words that follow; *inverted when the frame is stored so. */
static uint64_t entry_bits(const struct cook *c, const char *at, bool *inverted)
{
	static const struct { const char *word; uint64_t bits; } words[] = {
		{ "p", 1 }, { "rw", 2 }, { "user", 4 }, { "pwt", 8 }, { "pcd", 0x10 }, { "a", 0x20 }, { "d", 0x40 },
		{ "ps", 0x80 }, { "pat4k", 0x80 }, { "g", 0x100 }, { "protnone", 0x100 }, { "special", 0x200 },
		{ "uffd", 0x400 }, { "soft", 0x800 }, { "pat", 0x1000 }, { "nx", 1ull << 63 },
		{ "table", 0x67 }, { "ktable", 0x63 }, { "data", 1ull << 63 | 0x163 }, { "rodata", 1ull << 63 | 0x161 },
		{ "text", 0x161 },
	};
	uint64_t bits = 0;
	char word[32];

	while (next_word(c, &at, word, sizeof(word))) {
		size_t i;
		int n;

		for (i = 0; i < mmw_array_len(words) && strcmp(words[i].word, word); i++)
			;
		if (i < mmw_array_len(words))
			bits |= words[i].bits;
		else if (!strcmp(word, "inverted"))
			*inverted = true;
		else if (sscanf(word, "bit%d", &n) == 1 && n >= 0 && n < 64)
			bits |= 1ull << n;
		else if (sscanf(word, "pkey%d", &n) == 1 && n >= 0 && n < 16)
			bits |= (uint64_t)n << 59;
		else
			fail(c, "'%s' is no flag of an entry", word);
	}
	return bits;
}

/* Inverted (asm/pgtable-invert.h), a large page's frame leaves the bits below its size alone. */
static uint64_t frame_bits(uint64_t pa, uint64_t bits, bool inverted)
{
	uint64_t field = !(bits & 0x80) ? ADDRESS : pa & 0x3fffffff ? 0x000fffffffe00000 : 0x000fffffc0000000;

	return inverted ? ~pa & field : pa;
}

static unsigned entry_index(const struct cook *c, const char **at)
{
	char *end;
	unsigned long i = strtoul(*at, &end, 10);

	if (end == *at || i >= ENTRIES)
		fail(c, "the index of an entry (0 to 511) is expected at '%s'", *at);
	*at = end;
	return (unsigned)i;
}

/* TABLE[I] = RAW,  TABLE[I..J] -> PA step STRIDE FLAG... */
static void put_entry(struct cook *c, const char *at)
{
	uint64_t table = next_number(c, &at), value, step = 0, bits = 0;
	unsigned first, last;
	bool inverted = false, raw;

	expect(c, &at, "[");
	first = last = entry_index(c, &at);
	if (!strncmp(at, "..", 2)) {
		at += 2;
		last = entry_index(c, &at);
	}
	expect(c, &at, "]");
	skip_space(&at);
	raw = *at == '=';
	expect(c, &at, raw ? "=" : "->");
	value = next_number(c, &at);
	skip_space(&at);
	if (!strncmp(at, "step ", 5)) {
		at += 5;
		step = next_number(c, &at);
	}
	bits = entry_bits(c, at, &inverted);
	for (unsigned i = first; i <= last; i++, value += step) {
		phys_put(c->p, table + 8 * i, (raw ? value : frame_bits(value, bits, inverted)) | bits, 8);
	}
}

/* ROOT LEVELS POOL: the set of tables that the `map` lines after it grow. */
static void start_space(struct cook *c, const char *at)
{
	c->root = next_number(c, &at);
	c->levels = (unsigned)next_number(c, &at);
	c->pool = next_number(c, &at);
	expect_end(c, at);
	if (c->levels < 2 || c->levels > 5)
		fail(c, "tables of %u levels", c->levels);
}

/* The place of the entry for va at `level`; tables above it are taken from the pool when they are not there yet. */
static uint64_t entry_place(struct cook *c, uint64_t va, unsigned level)
{
	uint64_t table = c->root;

	for (unsigned l = c->levels - 1; l > level; l--) {
		uint64_t at = table + 8 * (va >> (12 + 9 * l) & 0x1ff), raw = phys_get64(c->p, at);

		if (!(raw & 1)) {
			raw = c->pool | (va >> 63 ? 0x63 : 0x67);
			phys_put(c->p, at, raw, 8);
			c->pool += PHYS_PAGE;
		}
		table = raw & ADDRESS;
	}
	return table + 8 * (va >> (12 + 9 * level) & 0x1ff);
}

/* VA LEN -> PA SIZE FLAG... */
static void put_map(struct cook *c, const char *at)
{
	uint64_t va = next_number(c, &at), len = next_number(c, &at), pa, size, bits;
	bool inverted = false;
	unsigned level;

	if (!c->levels)
		fail(c, "map needs a space before it");
	expect(c, &at, "->");
	pa = next_number(c, &at);
	size = next_number(c, &at);
	for (level = 0; level < 3 && size != 4096ull << 9 * level; level++)
		;
	if (level == 3 || va % size || pa % size || len % size)
		fail(c, "a page of %llx bytes, or something not aligned to it", (unsigned long long)size);
	bits = entry_bits(c, at, &inverted) | (level ? 0x80 : 0);
	for (uint64_t off = 0; off < len; off += size)
		phys_put(c->p, entry_place(c, va + off, level), frame_bits(pa + off, bits, inverted) | bits, 8);
}

/* --- what the machine and its kernel say of themselves -------------------------------------------------------- */

static void add_cpu(struct cook *c, const char *at)
{
	struct phys_cpu *cpu = &c->p->cpus[c->p->n_cpus];
	const struct { const char *name; uint64_t *to; bool qemu;
	} regs[] = {
		{ "pc", &cpu->pc, false },     { "sp", &cpu->sp, false },
		{ "cr0", &cpu->cr0, true },    { "cr2", &cpu->cr2, true },
		{ "cr3", &cpu->cr3, true },    { "cr4", &cpu->cr4, true },
		{ "gs", &cpu->gs_base, true }, { "kgs", &cpu->kernel_gs_base, true },
	};
	char word[64];

	if (c->p->n_cpus == PHYS_CPUS_MAX)
		fail(c, "more than %d CPUs", PHYS_CPUS_MAX);
	c->p->n_cpus++;
	while (next_word(c, &at, word, sizeof(word))) {
		char *value = strchr(word, '=');
		const char *text = value ? value + 1 : "";
		size_t i;

		if (value)
			*value = '\0';
		for (i = 0; i < mmw_array_len(regs) && strcmp(regs[i].name, word); i++)
			;
		if (!value || i == mmw_array_len(regs))
			fail(c, "'%s' is no register=value", word);
		*regs[i].to = number(c, &text);
		cpu->qemu |= regs[i].qemu;
	}
}

/* PA [note] { lines }: VMCOREINFO as it lies in memory, bare or as an ELF note. */
static void put_vmcoreinfo_page(struct cook *c, const char *at)
{
	uint64_t pa = next_number(c, &at);
	struct blob text = { 0 }, b = { 0 };
	bool be = c->p->big_endian, note;

	skip_space(&at);
	note = !strncmp(at, "note", 4);
	at += note ? 4 : 0;
	expect(c, &at, "{");
	while (block_line(c, &at)) {
		blob_add(&text, at, strlen(at));
		blob_u8(&text, '\n');
	}
	if (note) {
		blob_uint(&b, 11, 4, be);
		blob_uint(&b, text.len, 4, be);
		blob_uint(&b, 0, 4, be);
		blob_add(&b, "VMCOREINFO\0", 12);
	}
	blob_add(&b, text.bytes, text.len);
	phys_write(c->p, pa, b.bytes, b.len);
	blob_fini(&text);
	blob_fini(&b);
}

/* --- kallsyms ------------------------------------------------------------------------------------------------- */

static enum ks_part part_named(const struct cook *c, const char *name)
{
	static const char *const names[KS_PARTS] = {
		[KS_PLAIN] = "", [KS_OFFSETS] = "offsets", [KS_BASE] = "relative_base", [KS_NUM_SYMS] = "num_syms",
		[KS_NAMES] = "names", [KS_MARKERS] = "markers", [KS_TOKEN_TABLE] = "token_table",
		[KS_TOKEN_INDEX] = "token_index", [KS_SEQS] = "seqs",
	};

	for (int i = 1; i < KS_PARTS; i++)
		if (!strcmp(names[i], name))
			return (enum ks_part)i;
	fail(c, "'@%s' is no table of kallsyms", name);
}

/* fill COUNT ADDR STEP TYPE PREFIX */
static void fill_symbols(const struct cook *c, struct ks_spec *s, const char *at)
{
	uint64_t count = next_number(c, &at), addr = next_number(c, &at), step = next_number(c, &at);
	char type[2], prefix[256], name[300];

	if (!next_word(c, &at, type, sizeof(type)) || !next_word(c, &at, prefix, sizeof(prefix)))
		fail(c, "fill COUNT ADDR STEP TYPE PREFIX");
	for (uint64_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%llu", prefix, (unsigned long long)i);
		ks_add(s, addr + i * step, type[0], name);
	}
}

static void symbols_from(struct cook *c, struct ks_spec *s, const char *at);

static void add_symbol(struct cook *c, struct ks_spec *s, const char *at)
{
	char where[64], type[2], name[MMW_KSYM_NAME_MAX];
	const char *number_at = where;

	if (!strncmp(at, "fill ", 5)) {
		fill_symbols(c, s, at + 5);
		return;
	}
	if (!strncmp(at, "include ", 8)) {
		symbols_from(c, s, at + 8);
		return;
	}
	if (!next_word(c, &at, where, sizeof(where)) || !next_word(c, &at, type, sizeof(type)) ||
	    !next_word(c, &at, name, sizeof(name)))
		fail(c, "ADDR TYPE NAME is expected");
	expect_end(c, at);
	if (where[0] == '@')
		ks_add_part(s, part_named(c, where + 1), type[0], name);
	else
		ks_add(s, number(c, &number_at), type[0], name);
}

static enum mmw_kallsyms_encoding encoding_named(const struct cook *c, const char *name)
{
	if (!strcmp(name, "base"))
		return MMW_KALLSYMS_BASE;
	if (!strcmp(name, "percpu"))
		return MMW_KALLSYMS_PERCPU;
	if (!strcmp(name, "place"))
		return MMW_KALLSYMS_PLACE;
	fail(c, "'%s' is none of base, percpu, place", name);
}

/* PA VA LAYOUT ENCODING { symbols } */
static void put_kallsyms(struct cook *c, const char *at)
{
	uint64_t pa = next_number(c, &at), va = next_number(c, &at);
	struct blob b = { 0 };
	struct ks_spec s;
	size_t places[KS_PARTS];
	char layout[2], encoding[16];

	if (!next_word(c, &at, layout, sizeof(layout)) || !next_word(c, &at, encoding, sizeof(encoding)) ||
	    layout[0] < 'A' || layout[0] > 'D')
		fail(c, "kallsyms PA VA LAYOUT ENCODING {");
	s = ks_spec_of(layout[0], encoding_named(c, encoding));
	s.big_endian = c->p->big_endian;
	s.va = va;
	expect(c, &at, "{");
	while (block_line(c, &at))
		add_symbol(c, &s, at);
	ks_build(&s, &b, places);
	phys_write(c->p, pa, b.bytes, b.len);
	ks_spec_fini(&s);
	blob_fini(&b);
}

/* --- BTF ------------------------------------------------------------------------------------------------------ */

enum { BTF_LINE_WORDS = 64 };

/* NAME=VALUE ... of an enumeration, decimal. */
static void add_enum(const struct cook *c, struct btf_spec *s, const char *name, char words[][64], unsigned n)
{
	btf_enum(s, name, n);
	for (unsigned i = 0; i < n; i++) {
		char *value = strchr(words[i], '=');

		if (!value)
			fail(c, "'%s' is no NAME=VALUE", words[i]);
		*value = '\0';
		btf_value(s, words[i], (int32_t)strtol(value + 1, NULL, 10));
	}
}

/* OFFSET:TYPE:MEMBER[:BITS] ... of a struct, offsets hexadecimal; with BITS, in bits from the struct's start. */
static void add_struct(const struct cook *c, struct btf_spec *s, const char *name, uint64_t size, char words[][64],
		       unsigned n)
{
	uint32_t types[BTF_LINE_WORDS];
	char *member[BTF_LINE_WORDS];
	uint64_t offset[BTF_LINE_WORDS];
	unsigned bits[BTF_LINE_WORDS], with_bits = 0;

	for (unsigned i = 0; i < n; i++) {
		char *rest = words[i], *place = strsep(&rest, ":"), *type = strsep(&rest, ":");

		member[i] = strsep(&rest, ":");
		if (!member[i])
			fail(c, "'%s' is no OFFSET:TYPE:MEMBER", words[i]);
		bits[i] = rest ? (unsigned)strtoul(rest, NULL, 16) : 0;
		with_bits += bits[i] > 0;
		offset[i] = strtoull(place, NULL, 16) * (bits[i] ? 1 : 8);
		types[i] = btf_type(s, type);
		if (!types[i])
			fail(c, "BTF: no type '%s' yet", type);
	}
	btf_struct(s, name, size, n, with_bits);
	for (unsigned i = 0; i < n; i++)
		btf_member(s, member[i], types[i], offset[i], bits[i]);
}

static void add_type(const struct cook *c, struct btf_spec *s, const char *at)
{
	char kind[16], name[64], words[BTF_LINE_WORDS][64];
	uint64_t size = 0;
	unsigned n = 0;

	if (!next_word(c, &at, kind, sizeof(kind)) || !next_word(c, &at, name, sizeof(name)))
		fail(c, "int|sint|struct|enum NAME ...");
	if (strcmp(kind, "enum"))
		size = next_number(c, &at);
	while (n < BTF_LINE_WORDS && next_word(c, &at, words[n], sizeof(words[n])))
		n++;
	if (!strcmp(kind, "int") || !strcmp(kind, "sint"))
		btf_int(s, name, (unsigned)size, kind[0] == 's');
	else if (!strcmp(kind, "enum"))
		add_enum(c, s, name, words, n);
	else if (!strcmp(kind, "struct"))
		add_struct(c, s, name, size, words, n);
	else
		fail(c, "'%s' is no kind of type", kind);
}

/* PA SIZE { types } */
static void put_btf(struct cook *c, const char *at)
{
	uint64_t pa = next_number(c, &at), size = next_number(c, &at);
	struct blob b = { 0 };
	struct btf_spec s;

	expect(c, &at, "{");
	btf_spec_init(&s, c->p->big_endian);
	while (block_line(c, &at))
		add_type(c, &s, at);
	btf_build(&s, size, &b);
	phys_write(c->p, pa, b.bytes, b.len);
	btf_spec_fini(&s);
	blob_fini(&b);
}

/* --- statements ----------------------------------------------------------------------------------------------- */

static void set_var(struct cook *c, const char *at, bool only_default)
{
	struct var v = { 0 };

	if (!next_word(c, &at, v.name, sizeof(v.name)))
		fail(c, "set NAME TEXT");
	skip_space(&at);
	if (strlen(at) >= sizeof(v.text))
		fail(c, "'%s' is too long", at);
	strcpy(v.text, at);
	for (size_t i = 0; i < c->n_vars; i++) {
		if (strcmp(c->vars[i].name, v.name))
			continue;
		if (!only_default)
			c->vars[i] = v;
		return;
	}
	if (c->n_vars == VARS_MAX)
		fail(c, "more than %d variables", VARS_MAX);
	c->vars[c->n_vars++] = v;
}

static void run_source(struct cook *c, struct source *s, struct ks_spec *symbols);

static void load_source(struct cook *c, const char *path, struct ks_spec *symbols)
{
	struct blob b = { 0 };
	struct source s = { .name = path };
	char *copy = xrealloc(NULL, strlen(path) + 1);

	blob_read(&b, path);
	blob_u8(&b, 0);
	strcpy(copy, path);
	s.dir = dirname(copy);
	s.rest = (const char *)b.bytes;
	run_source(c, &s, symbols);
	free(copy);
	blob_fini(&b);
}

/* With `symbols`, the file holds lines of a kallsyms block. The name - is no file. */
static void include(struct cook *c, const char *at, struct ks_spec *symbols)
{
	char path[1024], name[256];

	if (!next_word(c, &at, name, sizeof(name)))
		fail(c, "include FILE");
	expect_end(c, at);
	if (!strcmp(name, "-"))
		return;
	if (snprintf(path, sizeof(path), "%s/%s", c->src->dir ? c->src->dir : ".", name) >= (int)sizeof(path))
		fail(c, "'%s' is too long", name);
	if (++c->depth == DEPTH_MAX)
		fail(c, "includes are nested too deep");
	load_source(c, path, symbols);
	c->depth--;
}

static void symbols_from(struct cook *c, struct ks_spec *s, const char *at)
{
	include(c, at, s);
}

static void statement(struct cook *c)
{
	const char *at = c->line;
	char word[32];

	next_word(c, &at, word, sizeof(word));
	skip_space(&at);
	if (!strcmp(word, "arch") && !strcmp(at, "x86_64"))
		return;
	if (!strcmp(word, "ram"))
		add_memory(c, at, PHYS_STORED);
	else if (!strcmp(word, "excluded"))
		add_memory(c, at, PHYS_EXCLUDED);
	else if (!strcmp(word, "absent"))
		add_memory(c, at, PHYS_ABSENT);
	else if (word[0] == 'u' && (!strcmp(word, "u8") || !strcmp(word, "u16") || !strcmp(word, "u32") ||
				    !strcmp(word, "u64")))
		put_integers(c, at, (unsigned)atoi(word + 1) / 8);
	else if (!strcmp(word, "bits"))
		put_bits(c, at);
	else if (!strcmp(word, "freelist"))
		put_freelist(c, at);
	else if (!strcmp(word, "string"))
		put_string(c, at);
	else if (!strcmp(word, "random"))
		put_random(c, at);
	else if (!strcmp(word, "heads"))
		put_heads(c, at);
	else if (!strcmp(word, "ring"))
		put_ring(c, at);
	else if (!strcmp(word, "pte"))
		put_entry(c, at);
	else if (!strcmp(word, "space"))
		start_space(c, at);
	else if (!strcmp(word, "map"))
		put_map(c, at);
	else if (!strcmp(word, "cpu"))
		add_cpu(c, at);
	else if (!strcmp(word, "vmcoreinfo"))
		blob_add(&c->p->vmcoreinfo, at, strlen(at)), blob_u8(&c->p->vmcoreinfo, '\n');
	else if (!strcmp(word, "vmcoreinfo-page"))
		put_vmcoreinfo_page(c, at);
	else if (!strcmp(word, "kallsyms"))
		put_kallsyms(c, at);
	else if (!strcmp(word, "btf"))
		put_btf(c, at);
	else if (!strcmp(word, "set") || !strcmp(word, "default"))
		set_var(c, at, word[0] == 'd');
	else if (!strcmp(word, "include"))
		include(c, at, NULL);
	else
		fail(c, "'%s' is no statement", word);
}

static void run_source(struct cook *c, struct source *s, struct ks_spec *symbols)
{
	struct source *outer = c->src;

	c->src = s;
	while (next_line(c)) {
		if (symbols)
			add_symbol(c, symbols, c->line + strspn(c->line, " \t"));
		else
			statement(c);
	}
	c->src = outer;
}

static void drop_absent(struct phys *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (p->pages[i].state == PHYS_ABSENT)
			free(p->pages[i].bytes);
		else
			p->pages[n++] = p->pages[i];
	}
	p->n = n;
}

void recipe_load(const char *path, bool big_endian, struct phys *out)
{
	struct source top = { .name = path };
	struct cook *c = xrealloc(NULL, sizeof(*c));

	*out = (struct phys){ .big_endian = big_endian };
	*c = (struct cook){ .p = out, .src = &top };
	load_source(c, path, NULL);
	drop_absent(out);
	free(c);
}

void recipe_text(const char *name, const char *text, bool big_endian, struct phys *out)
{
	struct source s = { .name = name, .rest = text };
	struct cook *c = xrealloc(NULL, sizeof(*c));

	*out = (struct phys){ .big_endian = big_endian };
	*c = (struct cook){ .p = out };
	run_source(c, &s, NULL);
	drop_absent(out);
	free(c);
}

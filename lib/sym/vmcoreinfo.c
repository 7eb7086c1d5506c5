/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/vmcoreinfo.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"

bool mmw_vmcoreinfo_value(const char *text, const char *key, char *buf, size_t size)
{
	size_t len = strlen(key);

	while (text && *text) {
		const char *end = strchrnul(text, '\n');

		if (!strncmp(text, key, len) && text[len] == '=') {
			const char *value = text + len + 1;
			size_t n = end - value;

			if (n >= size)
				return false;
			memcpy(buf, value, n);
			buf[n] = '\0';
			return true;
		}
		text = *end ? end + 1 : end;
	}
	return false;
}

static bool parse(const char *s, int base, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = *s == '-' ? (uint64_t)strtoll(s, &end, base) : strtoull(s, &end, base);
	return end != s && !*end && !errno;
}

static bool keyed(const char *text, const char *what, const char *key, char *buf, size_t size)
{
	char name[160];

	return snprintf(name, sizeof(name), "%s(%s)", what, key) < (int)sizeof(name) &&
	       mmw_vmcoreinfo_value(text, name, buf, size);
}

bool mmw_vmcoreinfo_number(const char *text, const char *key, uint64_t *out)
{
	char value[64];

	if (!text)
		return false;
	if (keyed(text, "NUMBER", key, value, sizeof(value)))
		return parse(value, value[0] == '0' && value[1] == 'x' ? 16 : 10, out);
	return mmw_vmcoreinfo_value(text, key, value, sizeof(value)) && parse(value, 16, out);
}

bool mmw_vmcoreinfo_length(const char *text, const char *key, uint64_t *out)
{
	char value[32];

	return text && keyed(text, "LENGTH", key, value, sizeof(value)) && parse(value, 10, out);
}

unsigned mmw_vmcoreinfo_page_size(const char *text)
{
	char value[16];
	uint64_t size;

	if (!mmw_vmcoreinfo_value(text, "PAGESIZE", value, sizeof(value)) || !parse(value, 10, &size) || size > 1 << 20)
		return 0;
	return (unsigned)size;
}

bool mmw_vmcoreinfo_symbol(const char *text, const char *name, uint64_t *out)
{
	char value[64];

	return text && keyed(text, "SYMBOL", name, value, sizeof(value)) && parse(value, 16, out);
}

static bool is_value(const char *name)
{
	return !strcmp(name, "mem_section") || !strcmp(name, "vmemmap");
}

/* The next line that gives a symbol, from *at on, which is put behind it. */
static bool next_symbol(const char **at, struct mmw_ksym *out)
{
	for (const char *line = *at, *end; *line; line = *end ? end + 1 : end) {
		const char *name = line + 7, *close;
		char value[32] = "";

		end = strchrnul(line, '\n');
		close = memchr(line, ')', end - line);
		if (strncmp(line, "SYMBOL(", 7) || !close || close - name >= MMW_KSYM_NAME_MAX || close[1] != '=' ||
		    end - close - 2 >= (ptrdiff_t)sizeof(value))
			continue;
		memcpy(value, close + 2, end - close - 2);
		memcpy(out->name, name, close - name);
		out->name[close - name] = '\0';
		out->type = '?';
		*at = *end ? end + 1 : end;
		if (parse(value, 16, &out->addr) && !is_value(out->name))
			return true;
	}
	return false;
}

int mmw_vmcoreinfo_symbol_at(const void *src, size_t index, struct mmw_ksym *out, struct mmw_err *err)
{
	const char *at = src;

	for (size_t i = 0; next_symbol(&at, out); i++)
		if (i == index)
			return 0;
	return mmw_fail(err, MMW_E_ARG, 0, "VMCOREINFO has no symbol number %zu", index);
}

size_t mmw_vmcoreinfo_symbols(const void *src)
{
	const char *at = src;
	struct mmw_ksym sym;
	size_t n = 0;

	while (next_symbol(&at, &sym))
		n++;
	return n;
}

int mmw_vmcoreinfo_symbol_by_name(const void *src, const char *name, size_t *pos, struct mmw_ksym *out)
{
	if (*pos || strlen(name) >= sizeof(out->name) || is_value(name) || !mmw_vmcoreinfo_symbol(src, name, &out->addr))
		return 0;
	out->type = '?';
	strcpy(out->name, name);
	*pos = 1;
	return 1;
}

/* Lines of printable characters, as far as they go; they must name what every kernel's text has. */
static size_t text_length(const uint8_t *p, size_t size)
{
	size_t n = 0;

	while (n < size && (p[n] == '\n' || (p[n] >= 0x20 && p[n] < 0x7f)))
		n++;
	if (n < size && p[n])
		return 0;
	return memmem(p, n, "\nPAGESIZE=", 10) && memmem(p, n, "\nSYMBOL(init_uts_ns)=", 21) ? n : 0;
}

/* Bare, or behind the header of an ELF note. */
static size_t text_at(const uint8_t *page, bool big_endian)
{
	size_t at = mmw_get32(page, big_endian) == 11 && !memcmp(page + 12, "VMCOREINFO", 11) ? 24 : 0;

	return memcmp(page + at, "OSRELEASE=", 10) ? SIZE_MAX : at;
}

bool mmw_vmcoreinfo_starts(const uint8_t *page, bool big_endian)
{
	return text_at(page, big_endian) != SIZE_MAX;
}

size_t mmw_vmcoreinfo_in_page(const uint8_t *page, size_t size, bool big_endian, size_t *len)
{
	size_t at = size < 64 ? SIZE_MAX : text_at(page, big_endian);

	if (at == SIZE_MAX)
		return SIZE_MAX;
	*len = text_length(page + at, size - at);
	return *len ? at : SIZE_MAX;
}

/* --- types ---------------------------------------------------------------------------------------------------- */

/* What the text names, and what it leaves unsaid about it: the size of one element. */
enum unit { WORD, INT, LIST, TYPE };

struct known {
	const char *type, *member;
	enum unit unit;
	const char *elem;      /* TYPE: of what */
	const char *from;      /* not in the text: so many words behind (before) this member, which is */
	int words;
};

/*
 * include/linux/mm_types.h and mmzone.h. struct zone has had zone_start_pfn, managed_pages, spanned_pages and
 * present_pages in this order, a word each, from 3.12 to 7.2; nr_free ends struct free_area.
 */
static const struct known known[] = {
	{ "page", "flags", WORD, NULL, NULL, 0 },
	{ "page", "_refcount", INT, NULL, NULL, 0 },
	{ "page", "_mapcount", INT, NULL, NULL, 0 },
	{ "page", "mapping", WORD, NULL, NULL, 0 },
	{ "page", "private", WORD, NULL, NULL, 0 },
	{ "page", "lru", LIST, NULL, NULL, 0 },
	{ "page", "compound_head", WORD, NULL, NULL, 0 },
	{ "page", "compound_info", WORD, NULL, NULL, 0 },
	{ "pglist_data", "node_zones", TYPE, "zone", NULL, 0 },
	{ "pglist_data", "nr_zones", INT, NULL, NULL, 0 },
	{ "pglist_data", "node_mem_map", WORD, NULL, NULL, 0 },
	{ "pglist_data", "node_start_pfn", WORD, NULL, NULL, 0 },
	{ "pglist_data", "node_spanned_pages", WORD, NULL, NULL, 0 },
	{ "pglist_data", "node_id", INT, NULL, NULL, 0 },
	{ "zone", "free_area", TYPE, "free_area", NULL, 0 },
	{ "zone", "vm_stat", WORD, NULL, NULL, 0 },
	{ "zone", "spanned_pages", WORD, NULL, NULL, 0 },
	{ "zone", "zone_start_pfn", WORD, NULL, "spanned_pages", -2 },
	{ "zone", "managed_pages", WORD, NULL, "spanned_pages", -1 },
	{ "zone", "present_pages", WORD, NULL, "spanned_pages", 1 },
	{ "free_area", "free_list", LIST, NULL, NULL, 0 },
	{ "list_head", "next", WORD, NULL, NULL, 0 },
	{ "list_head", "prev", WORD, NULL, NULL, 0 },
	{ "mem_section", "section_mem_map", WORD, NULL, NULL, 0 },
};

static bool decimal(const char *text, const char *what, const char *key, uint64_t *out)
{
	char value[32];

	return text && keyed(text, what, key, value, sizeof(value)) && parse(value, 10, out);
}

static bool offset_of(const char *text, const char *type, const char *member, uint64_t *out)
{
	char key[96];

	return snprintf(key, sizeof(key), "%s.%s", type, member) < (int)sizeof(key) && decimal(text, "OFFSET", key, out);
}

/* How many zones fit between node_zones and nr_zones: what lies between them besides is smaller than a zone. */
static uint64_t zones_per_node(const char *text, uint64_t first, uint64_t size)
{
	uint64_t end;

	return size && offset_of(text, "pglist_data", "nr_zones", &end) && end > first ? (end - first) / size : 0;
}

static int member_of(const struct mmw_vmcoreinfo_types *t, const struct known *k, struct mmw_member *out)
{
	char key[96];

	memset(out, 0, sizeof(*out));
	if (!offset_of(t->text, k->type, k->from ? k->from : k->member, &out->offset))
		return -MMW_E_NOTYPE;
	out->offset += (uint64_t)(int64_t)k->words * t->word;
	out->elem_size = k->unit == INT ? 4 : k->unit == LIST ? 2 * t->word : t->word;
	if (k->unit == TYPE && !decimal(t->text, "SIZE", k->elem, &out->elem_size))
		return -MMW_E_NOTYPE;
	snprintf(key, sizeof(key), "%s.%s", k->type, k->member);
	if (!decimal(t->text, "LENGTH", key, &out->count) && k->unit == TYPE)
		out->count = zones_per_node(t->text, out->offset, out->elem_size);
	out->size = out->count ? out->count * out->elem_size : out->elem_size;
	out->is_signed = k->unit == INT;
	return 0;
}

/* "[N]" or ".next" behind the first word of a path; *at is moved behind it. */
static int step_into(const struct mmw_vmcoreinfo_types *t, const struct known *k, const char *rest, struct mmw_member *m)
{
	struct mmw_member inner;
	char *end;

	if (!*rest || !strcmp(rest, ".counter"))
		return 0;
	if (*rest == '[') {
		m->offset += strtoull(rest + 1, &end, 10) * m->elem_size;
		m->size = m->elem_size;
		m->count = 0;
		if (*end != ']')
			return -MMW_E_NOTYPE;
		return step_into(t, k, end + 1, m);
	}
	if (k->unit != LIST || *rest != '.')
		return -MMW_E_NOTYPE;
	if (mmw_vmcoreinfo_member((void *)t, "list_head", rest + 1, &inner, NULL))
		return -MMW_E_NOTYPE;
	inner.offset += m->offset;
	*m = inner;
	return 0;
}

int mmw_vmcoreinfo_member(void *src, const char *type, const char *path, struct mmw_member *out, struct mmw_err *err)
{
	const struct mmw_vmcoreinfo_types *t = src;
	size_t len = strcspn(path, ".[");
	uint64_t size;

	if (!strcmp(type, "free_area") && !strcmp(path, "nr_free") && decimal(t->text, "SIZE", type, &size) &&
	    size > t->word) {
		*out = (struct mmw_member){ .offset = size - t->word, .size = t->word, .elem_size = t->word };
		return 0;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct known *k = &known[i];

		if (strcmp(k->type, type) || strlen(k->member) != len || strncmp(k->member, path, len))
			continue;
		if (!member_of(t, k, out) && !step_into(t, k, path + len, out))
			return 0;
	}
	return mmw_fail(err, MMW_E_NOTYPE, 0, "VMCOREINFO does not say where %s.%s is", type, path);
}

int mmw_vmcoreinfo_type_size(void *src, const char *type, uint64_t *out, struct mmw_err *err)
{
	const struct mmw_vmcoreinfo_types *t = src;

	if (decimal(t->text, "SIZE", type, out))
		return 0;
	return mmw_fail(err, MMW_E_NOTYPE, 0, "VMCOREINFO does not say how large %s is", type);
}

int mmw_vmcoreinfo_enumerator(void *src, const char *type, const char *name, int64_t *out, struct mmw_err *err)
{
	const struct mmw_vmcoreinfo_types *t = src;
	uint64_t v;

	if (t->text && decimal(t->text, "NUMBER", name, &v)) {
		*out = (int64_t)v;
		return 0;
	}
	return mmw_fail(err, MMW_E_NOTYPE, 0, "VMCOREINFO does not have %s of enum %s", name, type);
}

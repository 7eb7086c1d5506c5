/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kernel/module.h"

#include <ctype.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/shadow.h"

enum {
	SYMBOLS_MAX = 1 << 20,   /* of one module; riscv's local labels make 200 thousand of ext4's */
	EXPORTS_MAX = 1 << 16,
	WINDOW = 1 << 16,
	STATE_UNFORMED = 3,      /* enum module_state */
	BORDERS = 3,
};

struct module_rec {
	uint64_t next, state, kallsyms, syms, n_syms;
};

static const struct mmw_field module_fields[] = {
	MMW_FIELD(module_rec, next, "list.next"),
	MMW_FIELD(module_rec, state, "state"),
	MMW_FIELD(module_rec, kallsyms, "kallsyms"),
	MMW_FIELD(module_rec, syms, "syms"),
	MMW_FIELD(module_rec, n_syms, "num_syms"),
};

struct tables_rec {
	uint64_t symtab, n, strtab, typetab;
};

static const struct mmw_field tables_fields[] = {
	MMW_FIELD(tables_rec, symtab, "symtab"),
	MMW_FIELD(tables_rec, n, "num_symtab"),
	MMW_FIELD(tables_rec, strtab, "strtab"),
	MMW_FIELD_OPT(tables_rec, typetab, "typetab"),  /* from 5.2; before, st_info was overwritten with it */
};

/* Where struct module has what cannot be read as an integer. */
struct parts {
	unsigned n;
	struct mmw_member base[MMW_MODULE_PARTS], size[MMW_MODULE_PARTS];
	const char *kind[MMW_MODULE_PARTS];
	unsigned borders;                        /* up to 6.3: how many of these are known */
	struct mmw_member border[BORDERS];  /* in the first part, where text, rodata and what is read-only after init end */
};

/* struct kernel_symbol: pointers, or (PREL32_RELOCATIONS) offsets from the fields themselves. */
struct exports {
	bool known, relative;
	uint64_t size;
	struct mmw_member value, name;
};

struct mmw_modules {
	struct mmw_kernel *k;
	struct mmw_vm *vm;
	struct mmw_shadow module, tables;
	struct mmw_member list, name;
	struct parts parts;
	struct exports exports;
	struct mmw_module *mod;
	size_t n, cap;
};

/* --- the list -------------------------------------------------------------------------------------------------- */

static void bind_parts(struct mmw_modules *m)
{
	static const struct { const char *base, *size, *kind; } old[] = {
		{ "core_layout.base", "core_layout.size", "" }, { "init_layout.base", "init_layout.size", "init" },
		{ "data_layout.base", "data_layout.size", "data" },
	};
	static const char *const borders[BORDERS] = { "core_layout.text_size", "core_layout.ro_size", "core_layout.ro_after_init_size" };
	/* enum mod_mem_type */
	static const char *const kinds[] = { "text", "data", "rodata", "ro after init", "init text", "init data", "init rodata" };
	struct parts *p = &m->parts;
	char base[32], size[32];

	for (size_t i = 0; i < mmw_array_len(old); i++)
		if (!mmw_kernel_member(m->k, "module", old[i].base, &p->base[p->n], NULL, NULL) &&
		    !mmw_kernel_member(m->k, "module", old[i].size, &p->size[p->n], NULL, NULL))
			p->kind[p->n++] = old[i].kind;
	while (p->n && p->borders < BORDERS &&
	       !mmw_kernel_member(m->k, "module", borders[p->borders], &p->border[p->borders], NULL, NULL))
		p->borders++;
	/* From 6.4: mem[], by enum mod_mem_type. */
	for (unsigned i = 0; p->n < MMW_MODULE_PARTS; i++) {
		snprintf(base, sizeof(base), "mem[%u].base", i);
		snprintf(size, sizeof(size), "mem[%u].size", i);
		if (mmw_kernel_member(m->k, "module", base, &p->base[p->n], NULL, NULL) ||
		    mmw_kernel_member(m->k, "module", size, &p->size[p->n], NULL, NULL))
			break;
		p->kind[p->n++] = i < mmw_array_len(kinds) ? kinds[i] : "";
	}
}

static void bind_exports(struct mmw_modules *m)
{
	struct exports *e = &m->exports;

	if (mmw_kernel_type_size(m->k, "kernel_symbol", &e->size, NULL))
		return;
	e->relative = !mmw_kernel_member(m->k, "kernel_symbol", "value_offset", &e->value, NULL, NULL) &&
		      !mmw_kernel_member(m->k, "kernel_symbol", "name_offset", &e->name, NULL, NULL);
	e->known = e->relative || (!mmw_kernel_member(m->k, "kernel_symbol", "value", &e->value, NULL, NULL) &&
				   !mmw_kernel_member(m->k, "kernel_symbol", "name", &e->name, NULL, NULL));
	e->known = e->known && e->size <= 64 && e->value.offset + e->value.size <= e->size &&
		   e->name.offset + e->name.size <= e->size;
}

static int bind(struct mmw_modules *m, struct mmw_err *err)
{
	int rc = mmw_shadow_bind(m->k, "module", module_fields, mmw_array_len(module_fields), &m->module, err);

	if (!rc)
		rc = mmw_shadow_bind(m->k, "mod_kallsyms", tables_fields, mmw_array_len(tables_fields), &m->tables, err);
	if (!rc)
		rc = mmw_kernel_member(m->k, "module", "list", &m->list, NULL, err);
	if (!rc)
		rc = mmw_kernel_member(m->k, "module", "name", &m->name, NULL, err);
	if (rc)
		return rc;
	bind_parts(m);
	bind_exports(m);
	return 0;
}

static void add_part(struct mmw_module *mod, uint64_t base, uint64_t size, const char *kind)
{
	if (base && size && size <= UINT32_MAX && mod->parts < MMW_MODULE_PARTS)
		mod->part[mod->parts++] = (struct mmw_module_part){ base, size, kind };
}

/* Up to 6.3 all sections are in one stretch, in this order. */
static void split_core(struct mmw_modules *m, struct mmw_module *mod, uint64_t base, uint64_t size)
{
	static const char *const kinds[BORDERS] = { "text", "rodata", "ro after init" };
	uint64_t from = 0, to;

	for (unsigned i = 0; i < m->parts.borders; i++) {
		const struct mmw_member *border = &m->parts.border[i];

		if (mmw_vm_read_uint(m->vm, mod->va + border->offset, (unsigned)border->size, &to, NULL) || to < from || to > size)
			break;
		add_part(mod, base + from, to - from, kinds[i]);
		from = to;
	}
	add_part(mod, base + from, size - from, from ? "data" : "");
}

static void read_parts(struct mmw_modules *m, struct mmw_module *mod)
{
	const struct parts *p = &m->parts;

	for (unsigned i = 0; i < p->n; i++) {
		uint64_t base, size;

		if (mmw_vm_read_uint(m->vm, mod->va + p->base[i].offset, (unsigned)p->base[i].size, &base, NULL) ||
		    mmw_vm_read_uint(m->vm, mod->va + p->size[i].offset, (unsigned)p->size[i].size, &size, NULL))
			continue;
		if (!i && p->borders)
			split_core(m, mod, base, size);
		else
			add_part(mod, base, size, p->kind[i]);
	}
}

static void read_name(struct mmw_modules *m, struct mmw_module *mod)
{
	size_t len = m->name.size < sizeof(mod->name) - 1 ? m->name.size : sizeof(mod->name) - 1;

	if (mmw_vm_read(m->vm, mod->va + m->name.offset, mod->name, len, NULL))
		memset(mod->name, 0, sizeof(mod->name));
	for (char *c = mod->name; *c; c++)
		if (!isprint((unsigned char)*c) || *c == ']')
			*c = '?';
}

static void read_tables(struct mmw_modules *m, const struct module_rec *rec, struct mmw_module *mod)
{
	struct tables_rec t;
	int rc = mmw_shadow_read(&m->tables, m->vm, rec->kallsyms, &t, NULL);

	if (!rc && t.n > SYMBOLS_MAX)
		rc = -MMW_E_CORRUPT;
	mod->broken = (enum mmw_code)-rc;
	if (rc)
		return;
	mod->symtab = t.symtab;
	mod->n_symbols = t.n;
	mod->strtab = t.strtab;
	mod->typetab = t.typetab;
	mod->exports = rec->syms;
	mod->n_exports = rec->n_syms <= EXPORTS_MAX ? rec->n_syms : 0;
}

/* A list that does not come back within so many modules is no list. */
static int read_list(struct mmw_modules *m, uint64_t head, struct mmw_err *err)
{
	size_t visited = 0;
	uint64_t at;
	int rc = mmw_vm_read_uint(m->vm, head, mmw_kernel_arch(m->k)->word, &at, err);

	while (!rc && at != head) {
		struct mmw_module mod = { .va = at - m->list.offset };
		struct module_rec rec;

		if (visited++ == MMW_MODULES_MAX)
			return mmw_fail(err, MMW_E_LIMIT, at, "the list of modules does not end within %d", MMW_MODULES_MAX);
		rc = mmw_shadow_read(&m->module, m->vm, mod.va, &rec, err);
		if (rc)
			return mmw_wrap(err, rc, "module number %zu at 0x%" PRIx64, visited, mod.va);
		at = rec.next;
		if (rec.state == STATE_UNFORMED)
			continue;
		read_name(m, &mod);
		read_parts(m, &mod);
		read_tables(m, &rec, &mod);
		rc = mmw_vec_reserve(&m->mod, &m->cap, m->n + 1, sizeof(*m->mod), err);
		if (!rc)
			m->mod[m->n++] = mod;
	}
	return rc;
}

int mmw_modules_open(struct mmw_kernel *k, struct mmw_modules **out, struct mmw_err *err)
{
	struct mmw_modules *m = calloc(1, sizeof(*m));
	uint64_t head;
	int rc;

	if (!m)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for modules");
	m->k = k;
	m->vm = mmw_kernel_vm(k);
	rc = mmw_kernel_symbol(k, "modules", &head, NULL, err);
	if (!rc)
		rc = bind(m, err);
	if (!rc)
		rc = read_list(m, head, err);
	if (rc) {
		mmw_modules_close(m);
		return mmw_wrap(err, rc, "modules");
	}
	*out = m;
	return 0;
}

void mmw_modules_close(struct mmw_modules *m)
{
	if (!m)
		return;
	free(m->mod);
	free(m);
}

size_t mmw_modules_count(const struct mmw_modules *m)
{
	return m->n;
}

const struct mmw_module *mmw_module_at(const struct mmw_modules *m, size_t index)
{
	return index < m->n ? &m->mod[index] : NULL;
}

const struct mmw_module *mmw_module_of(const struct mmw_modules *m, uint64_t va, const char **kind)
{
	for (size_t i = 0; i < m->n; i++)
		for (unsigned p = 0; p < m->mod[i].parts; p++) {
			if (va - m->mod[i].part[p].base >= m->mod[i].part[p].size)
				continue;
			if (kind)
				*kind = m->mod[i].part[p].kind;
			return &m->mod[i];
		}
	return NULL;
}

/* --- symbols --------------------------------------------------------------------------------------------------- */

/* Memory that is read from front to back, in pieces. */
struct window {
	struct mmw_vm *vm;
	uint64_t va;
	size_t len;
	uint8_t bytes[WINDOW];
};

/* `len` bytes at va, or as many as can be read up to a page border: NULL and 0. */
static const uint8_t *window_at(struct window *w, uint64_t va, size_t len)
{
	if (va - w->va < w->len && w->len - (va - w->va) >= len)
		return w->bytes + (va - w->va);
	w->va = va;
	for (w->len = WINDOW; w->len > len && mmw_vm_read(w->vm, va, w->bytes, w->len, NULL); )
		w->len = w->len / 2 > len ? w->len / 2 : len;
	if (w->len == len && mmw_vm_read(w->vm, va, w->bytes, len, NULL))
		w->len = 0;
	return w->len ? w->bytes : NULL;
}

/* A string; what is longer than a symbol's name can be is cut. */
static bool string_at(struct window *w, uint64_t va, char buf[MMW_KSYM_NAME_MAX])
{
	size_t n = 0;

	while (n < MMW_KSYM_NAME_MAX - 1) {
		const uint8_t *at = window_at(w, va + n, 1);
		size_t have, len;

		if (!at)
			return false;
		have = w->len - (size_t)(at - w->bytes);
		if (have > MMW_KSYM_NAME_MAX - 1 - n)
			have = MMW_KSYM_NAME_MAX - 1 - n;
		len = strnlen((const char *)at, have);
		memcpy(buf + n, at, len);
		n += len;
		if (len < have)
			break;
	}
	buf[n] = '\0';
	return true;
}

struct exported {
	uint64_t value;
	char *name;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct exported *)a)->name, ((const struct exported *)b)->name);
}

/* The module's own __ksymtab, sorted. Only these make a symbol's letter a capital (is_exported), the GPL ones do not. */
struct export_list {
	struct exported *at;
	size_t n;
};

static uint64_t export_field(const struct mmw_modules *m, const uint8_t *entry, uint64_t va, const struct mmw_member *f)
{
	bool be = mmw_image_big_endian(mmw_kernel_image(m->k));

	if (m->exports.relative)
		return va + f->offset + (uint64_t)(int64_t)(int32_t)mmw_get32(entry + f->offset, be);
	return mmw_get_word(entry + f->offset, (unsigned)f->size, be);
}

static void read_exports(struct mmw_modules *m, const struct mmw_module *mod, struct window *w, struct export_list *list)
{
	uint64_t size = m->exports.size;
	char name[MMW_KSYM_NAME_MAX];

	if (!m->exports.known || !mod->n_exports)
		return;
	list->at = calloc(mod->n_exports, sizeof(*list->at));
	for (uint64_t i = 0; list->at && i < mod->n_exports; i++) {
		uint64_t va = mod->exports + i * size;
		uint8_t entry[64];

		if (mmw_vm_read(m->vm, va, entry, size, NULL) ||
		    !string_at(w, export_field(m, entry, va, &m->exports.name), name))
			break;
		list->at[list->n].value = export_field(m, entry, va, &m->exports.value);
		list->at[list->n].name = strdup(name);
		if (!list->at[list->n++].name)
			list->n--;
	}
	if (list->n)
		qsort(list->at, list->n, sizeof(*list->at), by_name);
}

static void free_exports(struct export_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i].name);
	free(list->at);
}

static bool is_exported(const struct export_list *list, const struct mmw_ksym *sym)
{
	struct exported wanted = { 0, (char *)sym->name }, *found;

	found = list->n ? bsearch(&wanted, list->at, list->n, sizeof(*list->at), by_name) : NULL;
	return found && found->value == sym->addr;
}

struct elf_sym {
	uint64_t value;
	uint32_t name;
	uint16_t section;
	uint8_t info;
};

static struct elf_sym take_sym(const uint8_t *p, unsigned word, bool be)
{
	struct elf_sym s = { .name = mmw_get32(p, be) };

	s.value = word == 8 ? mmw_get64(p + 8, be) : mmw_get32(p + 4, be);
	s.info = p[word == 8 ? 4 : 12];
	s.section = mmw_get16(p + (word == 8 ? 6 : 14), be);
	return s;
}

/* What a visit reads through. */
struct tables {
	struct window syms, names, types;
	struct export_list exports;
};

/* Number i of the table: 1 with a symbol, 0 for one without a name, or a negative code. */
static int symbol_number(struct mmw_modules *m, const struct mmw_module *mod, struct tables *t, uint64_t i,
			 struct mmw_ksym *sym, uint16_t *section, struct mmw_err *err)
{
	unsigned word = mmw_kernel_arch(m->k)->word;
	size_t size = word == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const uint8_t *raw = window_at(&t->syms, mod->symtab + i * size, size), *type = NULL;
	struct elf_sym s;

	if (raw) {
		s = take_sym(raw, word, mmw_image_big_endian(mmw_kernel_image(m->k)));
		type = mod->typetab == MMW_ABSENT ? &s.info : window_at(&t->types, mod->typetab + i, 1);
	}
	if (!type || !string_at(&t->names, mod->strtab + s.name, sym->name))
		return mmw_fail(err, MMW_E_NODATA, mod->symtab, "symbol %" PRIu64 " of module %s cannot be read", i, mod->name);
	/* Thumb code: the address without its mark (kallsyms_symbol_value, arch/arm/include/asm/module.h). */
	sym->addr = s.value;
	if (mmw_kernel_arch(m->k)->machine == EM_ARM && (s.info & 15) == STT_FUNC && mod->typetab != MMW_ABSENT)
		sym->addr &= ~1ull;
	sym->type = isalpha(*type) || *type == '?' ? (char)*type : '?';
	*section = s.section;
	return sym->name[0] != '\0';
}

static struct tables *open_tables(struct mmw_modules *m, const struct mmw_module *mod, struct mmw_err *err)
{
	struct tables *t;

	if (mod->broken) {
		mmw_fail(err, mod->broken, mod->va, "the symbols of module %s cannot be read: %s", mod->name,
			 mmw_code_word(mod->broken));
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a module's symbols");
		return NULL;
	}
	t->syms.vm = t->names.vm = t->types.vm = m->vm;
	read_exports(m, mod, &t->names, &t->exports);
	return t;
}

static void close_tables(struct tables *t)
{
	free_exports(&t->exports);
	free(t);
}

static void set_case(const struct tables *t, struct mmw_ksym *sym)
{
	sym->type = (char)(is_exported(&t->exports, sym) ? toupper(sym->type) : tolower(sym->type));
}

int mmw_module_symbols(struct mmw_modules *m, const struct mmw_module *mod,
		       int (*visit)(void *ctx, const struct mmw_ksym *sym), void *ctx, struct mmw_err *err)
{
	struct mmw_err why;
	struct tables *t = open_tables(m, mod, err ? err : &why);
	int rc = 0;

	if (!t)
		return -(int)(err ? err : &why)->code;
	for (uint64_t i = 0; !rc && i < mod->n_symbols; i++) {
		struct mmw_ksym sym;
		uint16_t section;
		int got = symbol_number(m, mod, t, i, &sym, &section, err);

		if (got == 1) {
			set_case(t, &sym);
			rc = visit(ctx, &sym);
		} else {
			rc = got;
		}
	}
	close_tables(t);
	return rc;
}

/* Is it one of those that find_kallsyms_symbol() chooses from: none of the marks of arm? */
static bool is_place(const struct mmw_modules *m, const struct mmw_module *mod, const struct mmw_ksym *sym, uint16_t section)
{
	return section != SHN_UNDEF && mmw_module_of(m, sym->addr, NULL) == mod && sym->name[0] != '$' &&
	       (sym->name[0] != '.' || sym->name[1] != 'L');
}

/* The highest one at or below va, of equals the first. */
bool mmw_module_symbol_at(struct mmw_modules *m, uint64_t va, struct mmw_ksym *out, uint64_t *offset)
{
	const struct mmw_module *mod = mmw_module_of(m, va, NULL);
	struct tables *t = mod ? open_tables(m, mod, NULL) : NULL;
	struct mmw_ksym sym;
	uint16_t section;
	bool found = false;

	for (uint64_t i = 0; t && i < mod->n_symbols; i++) {
		int rc = symbol_number(m, mod, t, i, &sym, &section, NULL);

		if (rc < 0)
			break;
		if (!rc || sym.addr > va || (found && sym.addr <= out->addr) || !is_place(m, mod, &sym, section))
			continue;
		*out = sym;
		found = true;
	}
	if (found) {
		set_case(t, out);
		*offset = va - out->addr;
	}
	if (t)
		close_tables(t);
	return found;
}

/* Where code ends: of initialisation, or the other. */
static uint64_t text_end(const struct mmw_module *mod, const char *kind)
{
	const char *wanted = strncmp(kind, "init", 4) ? "text" : "init text";
	uint64_t end = UINT64_MAX;

	for (unsigned i = 0; i < mod->parts; i++)
		if (!strcmp(mod->part[i].kind, wanted))
			end = mod->part[i].base + mod->part[i].size;
	return end;
}

bool mmw_module_symbol_end(struct mmw_modules *m, uint64_t va, uint64_t *end)
{
	const char *kind;
	const struct mmw_module *mod = mmw_module_of(m, va, &kind);
	struct tables *t = mod ? open_tables(m, mod, NULL) : NULL;
	struct mmw_ksym sym;
	uint16_t section;
	int rc = 0;

	if (!t)
		return false;
	*end = text_end(mod, kind);
	for (uint64_t i = 0; rc >= 0 && i < mod->n_symbols; i++) {
		rc = symbol_number(m, mod, t, i, &sym, &section, NULL);
		if (rc == 1 && sym.addr > va && sym.addr < *end && is_place(m, mod, &sym, section))
			*end = sym.addr;
	}
	close_tables(t);
	return true;
}

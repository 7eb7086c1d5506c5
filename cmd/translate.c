/* SPDX-License-Identifier: GPL-2.0-or-later */
/* translate: virtual addresses to physical ones, entry by entry; and back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/base/vec.h"
#include "lib/kernel/module.h"
#include "lib/mm/aliases.h"

enum {
	COL_VA, COL_PA, COL_STATUS, COL_PAGE_SIZE, COL_FLAGS, COL_RIGHTS, COL_USER_RIGHTS, COL_MEMORY, COL_REGION,
	COL_MODULE, COL_SYMBOL, COL_ENTRIES, COL_SWAP, COL_WHY,
};

static const struct mmw_col cols[] = {
	[COL_VA] = { "va", "virtual address", 16, true, true },
	[COL_PA] = { "pa", "physical address", 12, true, true },
	[COL_STATUS] = { "status", "mapped, not-present, swapped, protnone, not-canonical, excluded, absent, corrupt", 11,
			 false, true },
	[COL_PAGE_SIZE] = { "page_size", "size of the mapping the address lies in", 9, true, true },
	[COL_FLAGS] = { "flags", "of the last entry, memory type and protection key included", 48, false, true },
	[COL_RIGHTS] = { "rights", "the kernel's effective rights over all levels", 6, false, true },
	[COL_USER_RIGHTS] = { "user_rights", "the user's effective rights over all levels", 11, false, true },
	[COL_MEMORY] = { "memory", "is the page itself in the image: stored, excluded, absent, truncated", 9, false, false },
	[COL_REGION] = { "region", "what the kernel uses the address for", 16, false, true },
	[COL_MODULE] = { "module", "the module it lies in, and which part of that", 16, false, false },
	[COL_SYMBOL] = { "symbol", "symbol and offset, in the kernel's image", 24, false, false },
	[COL_ENTRIES] = { "entries", "each level's entry: level, pte_pa (where it is), value", 40, false, false },
	[COL_SWAP] = { "swap", "swapped: type and offset", 16, false, false },
	[COL_WHY] = { "why", "in words, where the status needs some", 20, false, false },
	{ 0 },
};

struct translate_opts {
	struct mmw_space_opts space;
	bool phys, brief;
};

static const struct argp_option options[] = {
	MMW_SPACE_OPTIONS,
	{ "phys", 'p', 0, 0, "the addresses are physical: print every virtual address that maps them", 0 },
	{ "brief", 'b', 0, 0, "one line an address (as it is with addresses from standard input)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct translate_opts *o = state->input;

	switch (key) {
	case 'p':
		o->phys = true;
		return 0;
	case 'b':
		o->brief = true;
		return 0;
	default:
		return mmw_space_parse(key, arg, state, &o->space);
	}
}

/* --- one answer ------------------------------------------------------------------------------------------------ */

struct answer {
	uint64_t va;
	struct mmw_ent ent;
	const struct mmw_walk *walk;
};

static const char *status_of(const struct mmw_ent *e)
{
	switch (e->kind) {
	case MMW_ENT_LEAF:
		return e->hw ? "mapped" : "protnone";
	case MMW_ENT_SWAP:
		return "swapped";
	case MMW_ENT_BAD:
		return "corrupt";
	case MMW_ENT_LOST:
		return mmw_code_word(e->why);
	case MMW_ENT_OUTSIDE:
		return "not-canonical";
	default:
		return "not-present";
	}
}

static const char *why_of(const struct mmw_target *t, const struct answer *a, char *buf, size_t size)
{
	const struct mmw_space *own = mmw_kernel_space(t->kernel);
	const struct mmw_ent *e = &a->ent;

	buf[0] = '\0';
	if (e->kind == MMW_ENT_HOLE && a->va <= INT64_MAX && own && a->walk->space->root == own->root && !t->kopts.has_root)
		snprintf(buf, size, "the kernel's own tables map no user memory; --cpu or --root choose a process's");
	else if (e->kind == MMW_ENT_LOST)
		snprintf(buf, size, "the page table at physical 0x%" PRIx64 " is %s", e->pa, mmw_code_word(e->why));
	else if (e->kind == MMW_ENT_BAD)
		snprintf(buf, size, "the entry has reserved bits set");
	else if (e->kind == MMW_ENT_LEAF && !e->hw)
		snprintf(buf, size, "a page the kernel made inaccessible (PROT_NONE, NUMA hint, or a split under way)");
	return buf;
}

/* The levels whose entries were read, from the root down. */
static unsigned lowest_level(const struct answer *a)
{
	if (a->ent.kind == MMW_ENT_OUTSIDE || (a->ent.kind == MMW_ENT_LOST && !a->ent.pte_pa))
		return a->walk->space->paging.levels;
	return a->ent.level;
}

static const char *region_of(struct mmw_target *t, uint64_t va)
{
	const struct mmw_region *r = mmw_layout_find(mmw_kernel_layout(t->kernel), va);

	return r ? r->name : NULL;
}

/* "ext4, rodata", or "". */
static const char *module_text(struct mmw_target *t, uint64_t va, char *buf, size_t size)
{
	struct mmw_modules *m = mmw_kernel_modules(t->kernel, NULL);
	const struct mmw_module *mod;
	const char *kind;

	*buf = '\0';
	if (m && (mod = mmw_module_of(m, va, &kind)))
		snprintf(buf, size, "%s%s%s", mod->name, *kind ? ", " : "", kind);
	return buf;
}

/* --- text: the layout of crash's vtop, then what it does not say ------------------------------------------------ */

/* Where the kernel itself has the root mapped: in its image, or in the linear map. */
static bool root_address(struct mmw_target *t, uint64_t root, uint64_t *va)
{
	const struct mmw_layout *l = mmw_kernel_layout(t->kernel);
	uint64_t pa;

	for (size_t i = mmw_kernel_found(t->kernel) ? l->n_regions : 0; i-- > 0; ) {
		const struct mmw_region *r = &l->regions[i];

		*va = root + r->delta;
		if (r->linear && *va >= r->first && *va <= r->last &&
		    !mmw_vm_translate(mmw_kernel_vm(t->kernel), *va, &pa, NULL) && pa == root)
			return true;
	}
	return false;
}

static void print_walk(struct mmw_target *t, const struct answer *a)
{
	const struct mmw_space *space = a->walk->space;
	unsigned top = space->paging.levels - 1;
	FILE *to = t->out.to;
	uint64_t va;

	if (root_address(t, space->root, &va))
		fprintf(to, "PGD DIRECTORY: %" PRIx64 "\n", va);
	else
		fprintf(to, "PGD DIRECTORY: %" PRIx64 " (physical)\n", space->root);
	for (unsigned level = top + 1; level-- > lowest_level(a); ) {
		const struct mmw_step *s = &a->walk->step[level];
		const char *name = mmw_level_name(&space->paging, level);

		if (level == top && a->va >= space->arch->image_first >> 1)
			fprintf(to, "PAGE DIRECTORY: %" PRIx64 "\n", s->raw);
		else
			fprintf(to, "   %c%c%c: %" PRIx64 " => %" PRIx64 "\n", name[0] & ~32, name[1] == '4' ? '4' : name[1] & ~32,
				name[2] & ~32, s->pte_pa, s->raw);
	}
}

/* Centred in a field; an odd blank goes to the left when `right` is set, as crash sets its columns. */
static void print_centred(FILE *to, const char *text, int width, bool right)
{
	int pad = width - (int)strlen(text), left = right ? (pad + 1) / 2 : pad / 2;

	fprintf(to, "%*s%s%*s  ", left, "", text, pad - left, "");
}

static void print_leaf(struct mmw_target *t, const struct answer *a, const char *flags)
{
	uint64_t size = mmw_ent_size(a->walk, &a->ent), page = a->ent.pa & ~(size - 1);
	char size_text[24], value[24], physical[24];
	int value_width, physical_width;
	FILE *to = t->out.to;

	fprintf(to, "  PAGE: %" PRIx64, page);
	if (a->ent.level)
		fprintf(to, "  (%sB)", mmw_size_text(size, size_text));
	value_width = snprintf(value, sizeof(value), "%" PRIx64, a->ent.raw);
	physical_width = snprintf(physical, sizeof(physical), "%" PRIx64, page);
	if (physical_width < (int)strlen("PHYSICAL"))
		physical_width = (int)strlen("PHYSICAL");
	fputs("\n\n", to);
	print_centred(to, "PTE", value_width, false);
	print_centred(to, "PHYSICAL", physical_width, false);
	fputs("FLAGS\n", to);
	print_centred(to, value, value_width, true);
	print_centred(to, physical, physical_width, true);
	fprintf(to, "(%s)\n\n", flags);
}

static void print_line(struct mmw_target *t, const char *topic, const char *value)
{
	if (value && *value)
		fprintf(t->out.to, "%8s: %s\n", topic, value);
}

static void print_block(struct mmw_target *t, const struct answer *a)
{
	const struct mmw_arch *arch = a->walk->space->arch;
	const struct mmw_paging *pg = &a->walk->space->paging;
	char flags[256], text[MMW_KSYM_NAME_MAX + 32], kernel[4], user[4], why[128];
	bool mapped = a->ent.kind == MMW_ENT_LEAF;

	fprintf(t->out.to, "%-16s  %-16s\n", "VIRTUAL", "PHYSICAL");
	snprintf(text, sizeof(text), "%" PRIx64, a->ent.pa);
	fprintf(t->out.to, mapped ? "%-16" PRIx64 "  %-16s\n\n" : "%-16" PRIx64 "  %s\n\n", a->va,
		mapped ? text : "(not mapped)");
	print_walk(t, a);
	if (mapped) {
		mmw_flags_names(arch, pg, a->ent.level, a->ent.raw, '|', flags, sizeof(flags));
		print_leaf(t, a, flags);
		snprintf(text, sizeof(text), "kernel %s, user %s", mmw_rights_text(a->ent.rights, false, kernel),
			 mmw_rights_text(a->ent.rights, true, user));
		print_line(t, "RIGHTS", text);
		if (arch->memtype)
			print_line(t, "CACHING", arch->memtype(pg, a->ent.level, a->ent.raw));
		if (a->ent.run) {
			snprintf(text, sizeof(text), "one of %u entries that map %s together", 1u << a->ent.run,
				 mmw_size_text(mmw_ent_size(a->walk, &a->ent) << a->ent.run, why));
			print_line(t, "RUN", text);
		}
		print_line(t, "MEMORY", mmw_memory_word(t->image, a->ent.pa));
	} else {
		fputc('\n', t->out.to);
	}
	if (a->ent.kind == MMW_ENT_SWAP && arch->swap) {
		unsigned type;
		uint64_t offset;

		arch->swap(pg, a->ent.raw, &type, &offset);
		snprintf(text, sizeof(text), "type %u  OFFSET: %" PRIu64, type, offset);
		print_line(t, "SWAP", text);
	}
	print_line(t, "REGION", region_of(t, a->va));
	if (*module_text(t, a->va, text, sizeof(text)))
		print_line(t, "MODULE", text);
	mmw_symbol_text(t->kernel, a->va, text, sizeof(text));
	print_line(t, "SYMBOL", text);
	snprintf(text, sizeof(text), "%s%s%s", status_of(&a->ent), *why_of(t, a, why, sizeof(why)) ? ": " : "", why);
	print_line(t, "STATUS", text);
	fputc('\n', t->out.to);
}

/* --- one line an address: written by hand, as there may be millions ---------------------------------------------- */

/* The last flags put into words; most neighbours have the same. */
struct flags_cache {
	unsigned level;
	uint64_t prot;
	size_t len;
	char text[256];
};

static char *put_hex(char *p, uint64_t v, int width)
{
	char digits[16];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v || n < width);
	while (n)
		*p++ = digits[--n];
	return p;
}

static char *put_text(char *p, const char *s, int width)
{
	int n = 0;

	while (*s) {
		*p++ = *s++;
		n++;
	}
	while (n++ < width)
		*p++ = ' ';
	return p;
}

static const char *cached_flags(struct flags_cache *c, const struct answer *a)
{
	const struct mmw_space *space = a->walk->space;
	uint64_t prot = space->arch->ptdump_prot(&space->paging, a->ent.level, a->ent.raw);

	/* A PROT_NONE entry is told by bits of its own, which prot has too. */
	if (!c->len || c->level != a->ent.level || c->prot != prot) {
		c->level = a->ent.level;
		c->prot = prot;
		c->len = mmw_flags_text(space->arch, &space->paging, a->ent.level, a->ent.raw, '|', c->text, sizeof(c->text));
	}
	return c->text;
}

static void print_brief(struct mmw_target *t, const struct answer *a, struct flags_cache *cache)
{
	char line[640], size[24], rights[4], *p = line;
	const char *region;

	p = put_hex(p, a->va, 2 * (int)a->walk->space->arch->word);
	*p++ = ' ';
	*p++ = ' ';
	if (a->ent.kind == MMW_ENT_LEAF) {
		char *from = p;

		p = put_hex(p, a->ent.pa, 1);
		while (p - from < 14)
			*p++ = ' ';
		p = put_text(p, status_of(&a->ent), 14);
		p = put_text(p, mmw_size_text(mmw_ent_size(a->walk, &a->ent), size), 6);
		p = put_text(p, mmw_rights_text(a->ent.rights, false, rights), 3);
		*p++ = '/';
		p = put_text(p, mmw_rights_text(a->ent.rights, true, rights), 5);
	} else {
		p = put_text(p, "-", 14);
		p = put_text(p, status_of(&a->ent), 14);
		p = put_text(p, "-", 6);
		p = put_text(p, "-", 9);
	}
	region = region_of(t, a->va);
	p = put_text(p, region ? region : "?", a->ent.kind == MMW_ENT_LEAF ? 16 : 0);
	if (a->ent.kind == MMW_ENT_LEAF) {
		*p++ = ' ';
		p = put_text(p, cached_flags(cache, a), 0);
	}
	*p++ = '\n';
	fwrite(line, 1, p - line, t->out.to);
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

static void row_entries(struct mmw_out *o, const struct answer *a)
{
	const struct mmw_paging *pg = &a->walk->space->paging;
	json_t *list = json_array();
	char text[512];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned level = pg->levels; level-- > lowest_level(a); ) {
		const struct mmw_step *s = &a->walk->step[level];

		json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "level", mmw_level_name(pg, level), "pte_pa",
						      mmw_json_hex(s->pte_pa), "value", mmw_json_hex(s->raw)));
		n += snprintf(text + n, sizeof(text) - n, "%s%s:%" PRIx64 "=>%" PRIx64, n ? " " : "",
			      mmw_level_name(pg, level), s->pte_pa, s->raw);
	}
	mmw_out_json(o, COL_ENTRIES, list, text);
}

static void print_row(struct mmw_target *t, const struct answer *a)
{
	const struct mmw_arch *arch = a->walk->space->arch;
	struct mmw_out *o = &t->out;
	char text[MMW_KSYM_NAME_MAX + 32];

	mmw_out_hex(o, COL_VA, a->va);
	mmw_out_str(o, COL_STATUS, status_of(&a->ent));
	row_entries(o, a);
	if (a->ent.kind == MMW_ENT_LEAF) {
		mmw_out_hex(o, COL_PA, a->ent.pa);
		mmw_out_num(o, COL_PAGE_SIZE, mmw_ent_size(a->walk, &a->ent));
		mmw_flags_text(arch, &a->walk->space->paging, a->ent.level, a->ent.raw, '|', text, 256);
		mmw_out_words(o, COL_FLAGS, text);
		mmw_out_str(o, COL_RIGHTS, mmw_rights_text(a->ent.rights, false, text));
		mmw_out_str(o, COL_USER_RIGHTS, mmw_rights_text(a->ent.rights, true, text));
		mmw_out_str(o, COL_MEMORY, mmw_memory_word(t->image, a->ent.pa));
	} else {
		for (int col = COL_PA; col < COL_REGION; col++)
			if (col != COL_STATUS)
				mmw_out_none(o, col);
	}
	mmw_out_none(o, COL_SWAP);
	mmw_out_none(o, COL_SYMBOL);
	mmw_out_none(o, COL_MODULE);
	mmw_out_none(o, COL_WHY);
	if (a->ent.kind == MMW_ENT_SWAP && arch->swap) {
		uint64_t offset;
		unsigned type;

		arch->swap(&a->walk->space->paging, a->ent.raw, &type, &offset);
		snprintf(text, sizeof(text), "%u:%" PRIu64, type, offset);
		mmw_out_json(o, COL_SWAP, json_pack("{s:i,s:I}", "type", (int)type, "offset", (json_int_t)offset), text);
	}
	if (region_of(t, a->va))
		mmw_out_str(o, COL_REGION, region_of(t, a->va));
	mmw_symbol_text(t->kernel, a->va, text, sizeof(text));
	if (*text)
		mmw_out_str(o, COL_SYMBOL, text);
	if (*module_text(t, a->va, text, sizeof(text)))
		mmw_out_str(o, COL_MODULE, text);
	if (*why_of(t, a, text, sizeof(text)))
		mmw_out_str(o, COL_WHY, text);
	mmw_out_row(o);
}

/* --- the command ------------------------------------------------------------------------------------------------- */

struct job {
	struct mmw_target *t;
	struct mmw_walk walk;
	struct flags_cache flags;
	bool brief;
	uint64_t line;  /* of standard input, 0 for arguments */
};

static int translate_one(struct job *j, const char *text, struct mmw_err *err)
{
	struct answer a = { .walk = &j->walk };
	struct mmw_err local = { 0 };
	int rc = mmw_kernel_address(j->t->kernel, text, &a.va, &local);

	if (rc) {
		if (j->line)
			mmw_warn("line %" PRIu64 ": %s", j->line, local.msg);
		else
			mmw_warn("%s", local.msg);
		j->t->damage = true;
		return 0;
	}
	rc = mmw_walk_at(&j->walk, a.va, &a.ent, err);
	if (rc < 0)
		return rc;
	if (a.ent.kind != MMW_ENT_LEAF)
		j->t->damage = true;
	if (j->t->out.mode != MMW_OUT_TEXT)
		print_row(j->t, &a);
	else if (j->brief)
		print_brief(j->t, &a, &j->flags);
	else
		print_block(j->t, &a);
	return 0;
}

static int translate_lines(struct job *j, struct mmw_err *err)
{
	char *line = NULL;
	size_t cap = 0;
	int rc = 0;

	if (isatty(STDIN_FILENO))
		mmw_warn("addresses, one a line:");
	else
		setvbuf(j->t->out.to, NULL, _IOFBF, 1 << 18);
	while (!rc && getline(&line, &cap, stdin) > 0) {
		char *from = line + strspn(line, " \t");

		j->line++;
		from[strcspn(from, " \t\r\n")] = '\0';
		if (*from && *from != '#')
			rc = translate_one(j, from, err);
	}
	free(line);
	return rc;
}

static int run_forward(struct mmw_target *t, struct translate_opts *o, const struct mmw_space *space, int argc,
		       char **argv, struct mmw_err *err)
{
	struct job *j = calloc(1, sizeof(*j));
	bool from_stdin = argc == 0 || (argc == 1 && !strcmp(argv[0], "-"));
	int rc = 0;

	if (!j)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to translate");
	j->t = t;
	j->brief = o->brief || from_stdin;
	mmw_walk_init(&j->walk, mmw_kernel_reader(t->kernel), space, 0, 0);
	if (from_stdin)
		rc = translate_lines(j, err);
	for (int i = 0; !from_stdin && !rc && i < argc; i++)
		rc = translate_one(j, argv[i], err);
	free(j);
	return rc;
}

/* --- physical to virtual ------------------------------------------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* What is mapped somewhere. */
struct found {
	struct job *j;
	bool *seen;
};

static int print_alias(void *ctx, size_t index, const struct mmw_ent *ent)
{
	struct found *f = ctx;
	struct answer a = { .va = ent->va, .ent = *ent, .walk = &f->j->walk };

	f->seen[index] = true;
	if (f->j->t->out.mode == MMW_OUT_TEXT)
		print_brief(f->j->t, &a, &f->j->flags);
	else
		print_row(f->j->t, &a);
	return 0;
}

static int run_back(struct mmw_target *t, const struct mmw_space *space, int argc, char **argv, struct mmw_err *err)
{
	struct job *j = calloc(1, sizeof(*j));
	uint64_t *pas = calloc(argc + 1, sizeof(*pas));
	bool *seen = calloc(argc + 1, sizeof(*seen));
	struct found found = { j, seen };
	int rc = 0;

	if (!j || !pas || !seen)
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory to translate");
	for (int i = 0; !rc && i < argc; i++) {
		char *end;

		pas[i] = strtoull(argv[i], &end, 16);
		if (end == argv[i] || *end)
			rc = mmw_fail(err, MMW_E_ARG, 0, "'%s' is no physical address", argv[i]);
	}
	if (!rc) {
		qsort(pas, argc, sizeof(*pas), by_value);
		j->t = t;
		mmw_walk_init(&j->walk, mmw_kernel_reader(t->kernel), space, 0, 0);
		rc = mmw_aliases_find(&(struct mmw_aliases){ .pas = pas, .n = argc, .leaf = print_alias, .ctx = &found }, &j->walk, 0,
				      UINT64_MAX, err);
	}
	for (int i = 0; !rc && i < argc; i++) {
		if (seen[i])
			continue;
		mmw_warn("nothing in these tables maps physical 0x%" PRIx64, pas[i]);
		t->damage = true;
	}
	free(seen);
	free(pas);
	free(j);
	return rc;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct translate_opts *o = opts;
	struct mmw_space space;
	int rc = mmw_target_space(t, &o->space, &space, err);

	if (rc)
		return rc;
	if (!o->phys)
		return run_forward(t, o, &space, argc, argv, err);
	if (!argc)
		return mmw_fail(err, MMW_E_ARG, 0, "--phys: which physical address?");
	return run_back(t, &space, argc, argv, err);
}

const struct mmw_cmd mmw_cmd_translate = {
	.name = "translate",
	.summary = "virtual addresses to physical, entry by entry, and back",
	.args = "[ADDR...]",
	.doc = "Translate addresses (hex, symbol, or symbol+hex) through the kernel's page tables, or through those that --root, "
	       "--cpu or --user-root name. Without ADDR, or with -, addresses are read from standard input, one a line, and "
	       "answered with one line each.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct translate_opts),
	.cols = cols,
	.schema = "translate/1",
	.run = run,
};

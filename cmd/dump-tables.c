/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dump-tables: a whole address space, as the kernel's debugfs lists it, leaf by leaf, or summed up. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/vec.h"
#include "lib/mm/ptdump.h"
#include "lib/mm/ranges.h"

enum {
	COL_VA, COL_LAST, COL_PA, COL_LEVEL, COL_PAGE_SIZE, COL_FLAGS, COL_RIGHTS, COL_USER_RIGHTS, COL_LEAVES, COL_REGION,
	COL_STATUS, COL_VALUE, COL_PTE_PA,
};

static const struct mmw_col cols[] = {
	[COL_VA] = { "va", "first virtual address", 16, true, true },
	[COL_LAST] = { "last", "last virtual address", 16, true, true },
	[COL_PA] = { "pa", "physical address of the first", 12, true, true },
	[COL_LEVEL] = { "level", "pte, pmd, pud, p4d or pgd", 5, false, true },
	[COL_PAGE_SIZE] = { "page_size", "bytes one entry of this level maps", 10, true, true },
	[COL_FLAGS] = { "flags", "of the entry, memory type and protection key included", 48, false, true },
	[COL_RIGHTS] = { "rights", "the kernel's effective rights over all levels", 6, false, true },
	[COL_USER_RIGHTS] = { "user_rights", "the user's effective rights over all levels", 11, false, true },
	[COL_LEAVES] = { "leaves", "entries joined in this record", 7, true, true },
	[COL_REGION] = { "region", "what the kernel uses the addresses for", 16, false, true },
	[COL_STATUS] = { "status", "mapped, protnone, corrupt (entry), or why a table cannot be read", 9, false, false },
	[COL_VALUE] = { "value", "the first entry", 16, true, false },
	[COL_PTE_PA] = { "pte_pa", "where that entry is stored", 12, true, false },
	{ 0 },
};

enum { RAW_NEEDS_MAX = 16, LINE_MAX_LEN = 400 };

struct dump_opts {
	struct mmw_space_opts space;
	bool entries, summary;
	const char *range, *levels, *flags;
};

static const struct argp_option options[] = {
	MMW_SPACE_OPTIONS,
	{ "entries", 'e', 0, 0, "every leaf on a line of its own, with its frame", 0 },
	{ "range", 'r', "FIRST-LAST", 0, "only these addresses, LAST included (hex, symbols, or FIRST+LENGTH)", 0 },
	{ "level", 'l', "LEVELS", 0, "only leaves of these levels: pte,pmd,pud ...", 0 },
	{ "flags", 'f', "FLAGS", 0, "only leaves with all of these: effective rights r,w,x (kernel), ur,uw,ux (user), "
	  "or flags by name; !FLAG for without", 0 },
	{ "summary", 's', 0, 0, "tables (each counted once) and leaves of each level, bytes mapped by page size, the tables' own memory", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct dump_opts *o = state->input;

	switch (key) {
	case 'e':
		o->entries = true;
		return 0;
	case 's':
		o->summary = true;
		return 0;
	case 'r':
		o->range = arg;
		return 0;
	case 'l':
		o->levels = arg;
		return 0;
	case 'f':
		o->flags = arg;
		return 0;
	default:
		return mmw_space_parse(key, arg, state, &o->space);
	}
}

/* What is left of the options once they are understood. */
struct job {
	struct mmw_target *t;
	struct mmw_space space;
	uint64_t first, last;
	struct mmw_range_filter filter;
	uint64_t raw_needs[RAW_NEEDS_MAX][2];
	bool filtered;
};

/* --- options ----------------------------------------------------------------------------------------------------- */

/* FIRST-LAST, or FIRST+LENGTH; FIRST and LAST may be symbol+offset, as no symbol has a dash. */
static int parse_range(struct job *j, const char *text, struct mmw_err *err)
{
	char *copy = strdup(text), *sep;
	bool length = false;
	int rc;

	if (!copy)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a range");
	sep = strchr(copy, '-');
	if (!sep) {
		sep = strrchr(copy, '+');
		length = true;
	}
	if (!sep) {
		free(copy);
		return mmw_fail(err, MMW_E_ARG, 0, "--range: '%s' is neither FIRST-LAST nor FIRST+LENGTH", text);
	}
	*sep = '\0';
	rc = mmw_kernel_address(j->t->kernel, copy, &j->first, err);
	if (!rc)
		rc = mmw_kernel_address(j->t->kernel, sep + 1, &j->last, err);
	free(copy);
	if (rc)
		return mmw_wrap(err, rc == -MMW_E_NOSYM ? -MMW_E_ARG : rc, "--range");
	if (length)
		j->last = j->first + j->last - 1;
	if (j->last < j->first)
		return mmw_fail(err, MMW_E_ARG, 0, "--range: '%s' ends before it starts", text);
	return 0;
}

static int parse_levels(struct job *j, const char *text, struct mmw_err *err)
{
	const struct mmw_paging *pg = &j->space.paging;

	for (const char *at = text; ; at++) {
		size_t len = strcspn(at, ",");
		unsigned level = 0;

		while (level < pg->levels && (strlen(mmw_level_name(pg, level)) != len ||
					      strncmp(mmw_level_name(pg, level), at, len)))
			level++;
		if (level == pg->levels)
			return mmw_fail(err, MMW_E_ARG, 0, "--level: these tables have no level '%.*s'", (int)len, at);
		j->filter.levels |= 1u << level;
		at += len;
		if (!*at)
			return 0;
	}
}

static bool right_flag(const char *word, size_t len, uint8_t *right)
{
	static const struct { const char *name; uint8_t right; } rights[] = {
		{ "r", MMW_KR }, { "w", MMW_KW }, { "x", MMW_KX }, { "ur", MMW_UR }, { "uw", MMW_UW }, { "ux", MMW_UX },
	};

	for (size_t i = 0; i < mmw_array_len(rights); i++) {
		if (strlen(rights[i].name) == len && !strncmp(rights[i].name, word, len)) {
			*right = rights[i].right;
			return true;
		}
	}
	return false;
}

static const struct mmw_flag *named_flag(const struct job *j, const char *word, size_t len)
{
	for (const struct mmw_flag *f = j->space.arch->flags; f->name; f++)
		if (strlen(f->name) == len && !strncasecmp(f->name, word, len) && (f->kinds >> MMW_PTE_LEAF & 1) &&
		    (!f->variant || (j->space.paging.variant & f->variant)))
			return f;
	return NULL;
}

/* Memory types and protection keys stand among the flags that are printed, so they may be asked for like one. */
static bool leaf_property(struct job *j, const char *word, size_t len, bool without)
{
	const char **wanted = without ? &j->filter.no_memtype : &j->filter.memtype;
	const char *const *types = j->space.arch->memtypes;
	unsigned key;

	for (; types && *types; types++) {
		if (strlen(*types) == len && !strncasecmp(*types, word, len)) {
			/* A page has one type: of two that it should have, or two it should not, only one can be looked for. */
			if (*wanted)
				return false;
			*wanted = *types;
			return true;
		}
	}
	if (without || !j->space.arch->pkey || sscanf(word, "PKEY%u", &key) != 1 || !key)
		return false;
	j->filter.pkey = key;
	return true;
}

static int unknown_flag(const struct job *j, const char *word, size_t len, struct mmw_err *err)
{
	char known[200] = "";
	size_t n = 0;

	for (const struct mmw_flag *f = j->space.arch->flags; f->name; f++)
		if (f->kinds >> MMW_PTE_LEAF & 1 && !strstr(known, f->name) && n + strlen(f->name) + 2 < sizeof(known))
			n += snprintf(known + n, sizeof(known) - n, "%s%s", n ? "," : "", f->name);
	return mmw_fail(err, MMW_E_ARG, 0, "--flags: %s has no flag '%.*s' (r,w,x,ur,uw,ux,%s)", j->space.arch->name, (int)len,
			word, known);
}

static int parse_flags(struct job *j, const char *text, struct mmw_err *err)
{
	for (const char *at = text; ; at++) {
		size_t len = strcspn(at, ",");
		bool without = *at == '!';
		const char *word = at + without;
		size_t word_len = len - without;
		const struct mmw_flag *f = named_flag(j, word, word_len);
		uint8_t right;

		if (right_flag(word, word_len, &right)) {
			*(without ? &j->filter.no_rights : &j->filter.rights) |= right;
		} else if (f && j->filter.n_raw_needs < RAW_NEEDS_MAX) {
			j->raw_needs[j->filter.n_raw_needs][0] = f->mask;
			j->raw_needs[j->filter.n_raw_needs++][1] = without ? f->value ^ f->mask : f->value;
		} else if (!leaf_property(j, word, word_len, without)) {
			return unknown_flag(j, word, word_len, err);
		}
		at += len;
		if (!*at)
			return 0;
	}
}

static int understand(struct job *j, const struct dump_opts *o, struct mmw_err *err)
{
	int rc = mmw_target_space(j->t, &o->space, &j->space, err);

	if (!rc && o->summary && (o->levels || o->flags || o->entries))
		rc = mmw_fail(err, MMW_E_ARG, 0, "--summary counts everything; of the filters only --range goes with it");
	j->first = 0;
	j->last = UINT64_MAX;
	j->filter.raw_needs = j->raw_needs;
	j->filtered = o->levels || o->flags;
	if (!rc && o->range)
		rc = parse_range(j, o->range, err);
	if (!rc && o->levels)
		rc = parse_levels(j, o->levels, err);
	if (!rc && o->flags)
		rc = parse_flags(j, o->flags, err);
	return rc;
}

/* --- the kernel's own listing -------------------------------------------------------------------------------------- */

/* debugfs counts one unit less than it could: it divides while the size stays whole. */
static int emit_line(void *ctx, const struct mmw_ptdump_line *line)
{
	struct job *j = ctx;
	FILE *to = j->t->out.to;
	uint64_t mask = UINT64_MAX >> (64 - 8 * j->space.arch->word), end = line->end & mask;
	uint64_t delta = (line->end - line->start) & mask;
	const char *unit = "BKMGTPE";
	uint8_t style = j->space.arch->ptdump_style;
	char pa[24] = "";
	int width = 2 * j->space.arch->word;
	char text[LINE_MAX_LEN];

	switch (line->kind) {
	case MMW_PTDUMP_MARKER:
		fprintf(to, "---[ %s ]---\n", line->name);
		return 0;
	case MMW_PTDUMP_SKIPPED:
		fprintf(to, "... %lu entr%s skipped ... \n", line->count, line->count == 1 ? "y" : "ies");
		return 0;
	default:
		break;
	}
	if (style & MMW_PTDUMP_KIB) {
		delta >>= 10;
		unit++;
	}
	while (!(delta & 1023) && unit[1]) {
		delta >>= 10;
		unit++;
	}
	if (line->kind == MMW_PTDUMP_LOST) {
		snprintf(text, sizeof(text), "?? its table at %" PRIx64 " is %s", line->table, mmw_code_word(line->why));
		j->t->damage = true;
	} else {
		j->space.arch->ptdump(&j->space.paging, line->level, line->prot, text, sizeof(text));
	}
	if (style & MMW_PTDUMP_PHYSICAL)
		snprintf(pa, sizeof(pa), " 0x%0*" PRIx64 " ", width, line->pa);
	fprintf(to, "0x%0*" PRIx64 "-0x%0*" PRIx64 "   %s%9" PRIu64 "%c %s\n", width, line->start, width, end, pa, delta,
		*unit, text);
	return 0;
}

static int list(struct job *j, struct mmw_err *err)
{
	return mmw_ptdump(mmw_kernel_reader(j->t->kernel), &j->space, mmw_kernel_layout(j->t->kernel), j->first, j->last,
			  emit_line, j, err);
}

/* --- leaves and ranges --------------------------------------------------------------------------------------------- */

static const char *status_of(const struct mmw_ent *e)
{
	if (e->kind == MMW_ENT_LEAF)
		return e->hw ? "mapped" : "protnone";
	return e->kind == MMW_ENT_BAD ? "corrupt" : mmw_code_word(e->why);
}

static void print_range(struct job *j, const struct mmw_range *r)
{
	const struct mmw_paging *pg = &j->space.paging;
	FILE *to = j->t->out.to;
	char flags[256], kernel[4], user[4];
	int width = 2 * j->space.arch->word;

	if (r->ent.kind == MMW_ENT_LOST) {
		fprintf(to, "%0*" PRIx64 "-%0*" PRIx64 " ?? the table at %" PRIx64 " is %s\n", width, r->ent.va, width, r->ent.last,
			r->ent.pa, mmw_code_word(r->ent.why));
		return;
	}
	mmw_flags_text(j->space.arch, pg, r->ent.level, r->ent.raw, '|', flags, sizeof(flags));
	if (r->ent.kind == MMW_ENT_BAD) {
		fprintf(to, "%0*" PRIx64 "-%0*" PRIx64 " ?? %s entry %" PRIx64 " is corrupt (%s)\n", width, r->ent.va, width,
			r->ent.last, mmw_level_name(pg, r->ent.level), r->ent.raw, flags);
		return;
	}
	fprintf(to, "%0*" PRIx64 "-%0*" PRIx64 " %12" PRIx64 " %-4s %s/%s %s\n", width, r->ent.va, width, r->ent.last,
		r->ent.pa, mmw_level_name(pg, r->ent.level), mmw_rights_text(r->ent.rights, false, kernel),
		mmw_rights_text(r->ent.rights, true, user), flags);
}

static void row_range(struct job *j, const struct mmw_range *r)
{
	const struct mmw_paging *pg = &j->space.paging;
	const struct mmw_region *region = mmw_layout_find(mmw_kernel_layout(j->t->kernel), r->ent.va);
	struct mmw_out *o = &j->t->out;
	char flags[256], text[24];

	mmw_out_hex(o, COL_VA, r->ent.va);
	mmw_out_hex(o, COL_LAST, r->ent.last);
	mmw_out_str(o, COL_LEVEL, mmw_level_name(pg, r->ent.level));
	mmw_out_str(o, COL_STATUS, status_of(&r->ent));
	mmw_out_num(o, COL_PAGE_SIZE, mmw_level_size(pg, r->ent.level));
	if (r->ent.kind == MMW_ENT_LEAF) {
		mmw_out_hex(o, COL_PA, r->ent.pa);
		mmw_flags_text(j->space.arch, pg, r->ent.level, r->ent.raw, '|', flags, sizeof(flags));
		mmw_out_words(o, COL_FLAGS, flags);
		mmw_out_str(o, COL_RIGHTS, mmw_rights_text(r->ent.rights, false, text));
		mmw_out_str(o, COL_USER_RIGHTS, mmw_rights_text(r->ent.rights, true, text));
		mmw_out_num(o, COL_LEAVES, r->leaves);
	}
	if (region)
		mmw_out_str(o, COL_REGION, region->name);
	if (r->ent.pte_pa) {
		mmw_out_hex(o, COL_VALUE, r->ent.raw);
		mmw_out_hex(o, COL_PTE_PA, r->ent.pte_pa);
	}
	mmw_out_row(o);
}

/* --- summary ------------------------------------------------------------------------------------------------------- */

static void print_summary(struct job *j, const struct mmw_ranges *r)
{
	const struct mmw_paging *pg = &j->space.paging;
	FILE *to = j->t->out.to;
	uint64_t tables = 0, own = 0, mapped = 0;
	char size[24], page[24], own_text[24];

	fprintf(to, "LEVEL      TABLES      LEAVES   PAGE SIZE        MAPPED\n");
	for (unsigned level = pg->levels; level--; ) {
		fprintf(to, "%-5s %11" PRIu64 " %11" PRIu64 " %11s %13s\n", mmw_level_name(pg, level), r->walk.tables[level],
			r->leaves[level], mmw_size_text(mmw_level_size(pg, level), page),
			mmw_size_text(r->bytes[level], size));
		tables += r->walk.tables[level];
		own += r->walk.tables[level] * mmw_table_bytes(pg, level);
		mapped += r->bytes[level];
	}
	fprintf(to, "total %11" PRIu64 " table%s, %s of memory; %s mapped", tables, tables == 1 ? "" : "s",
		mmw_size_text(own, own_text), mmw_size_text(mapped, size));
	fprintf(to, "; unreadable tables: %" PRIu64 ", corrupt entries: %" PRIu64 "\n", r->lost, r->bad);
}

static void row_summary(struct job *j, const struct mmw_ranges *r)
{
	const struct mmw_paging *pg = &j->space.paging;

	for (unsigned level = pg->levels; level--; ) {
		json_t *row = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "schema", "dump-tables-summary/1", "level",
					mmw_level_name(pg, level), "tables", (json_int_t)r->walk.tables[level], "table_bytes",
					(json_int_t)(r->walk.tables[level] * mmw_table_bytes(pg, level)), "leaves",
					(json_int_t)r->leaves[level], "page_size", (json_int_t)mmw_level_size(pg, level), "bytes",
					(json_int_t)r->bytes[level]);

		json_dumpf(row, j->t->out.to, JSON_COMPACT);
		fputc('\n', j->t->out.to);
		json_decref(row);
	}
}

static int walk_ranges(struct job *j, const struct dump_opts *o, struct mmw_err *err)
{
	struct mmw_ranges *r = malloc(sizeof(*r));
	struct mmw_set seen = { 0 };
	struct mmw_range range;
	int rc;

	if (!r)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a walk");
	mmw_ranges_init(r, mmw_kernel_reader(j->t->kernel), &j->space, j->first, j->last, &j->filter, o->entries);
	if (o->summary)
		r->walk.seen = &seen;
	while ((rc = mmw_ranges_next(r, &range, err)) == 1) {
		if (o->summary)
			continue;
		if (j->t->out.mode == MMW_OUT_TEXT)
			print_range(j, &range);
		else
			row_range(j, &range);
	}
	if (!rc && o->summary && j->t->out.mode == MMW_OUT_JSON)
		row_summary(j, r);
	else if (!rc && o->summary)
		print_summary(j, r);
	j->t->damage = j->t->damage || r->lost || r->bad;
	mmw_set_free(&seen);
	free(r);
	return rc;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct dump_opts *o = opts;
	struct job j = { .t = t };
	int rc = understand(&j, o, err);

	(void)argc;
	(void)argv;
	if (rc)
		return rc;
	setvbuf(t->out.to, NULL, _IOFBF, 1 << 18);
	if (t->out.mode == MMW_OUT_TEXT && !o->entries && !o->summary && !j.filtered)
		return list(&j, err);
	return walk_ranges(&j, o, err);
}

const struct mmw_cmd mmw_cmd_dump_tables = {
	.name = "dump-tables",
	.summary = "a whole address space: ranges, leaves, or sums",
	.doc = "List the kernel's address space, or the one that --root, --cpu or --user-root name, as the kernel's own debugfs "
	       "file page_tables/kernel does. With --level or --flags, and in --json and --output, ranges are also split where "
	       "the physical memory behind them is.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct dump_opts),
	.cols = cols,
	.schema = "dump-tables/1",
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* page-types: what every page frame is, by the flags of /proc/kpageflags, as the kernel's tools/mm/page-types prints them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/vec.h"
#include "lib/mm/kpf.h"

enum { COL_PFN, COL_PAGES, COL_FLAGS, COL_SYMBOLIC, COL_NAMES, COL_MAPCOUNT };

static const struct mmw_col cols[] = {
	[COL_PFN] = { "pfn", "the first frame of the range (with --list)", 12, true, true },
	[COL_PAGES] = { "pages", "page frames", 10, true, true },
	[COL_FLAGS] = { "flags", "their flags, numbered as in /proc/kpageflags", 18, false, true },
	[COL_SYMBOLIC] = { "symbolic", "the flags, a letter each", 46, false, true },
	[COL_NAMES] = { "names", "the flags by name", 20, false, true },
	[COL_MAPCOUNT] = { "mapcount", "how often each is mapped, as in /proc/kpagecount (with --mapcount)", 8, true, false },
	{ 0 },
};

enum { FILTERS_MAX = 16, KINDS_MAX = 1 << 14, SYMBOLIC_MAX = MMW_KPF_N + 1, NAMES_MAX = 512 };
enum { OPT_KPAGEFLAGS = 1, OPT_MAPCOUNT };

/* (flags & mask) == value, or any of mask. */
struct bits {
	uint64_t mask, value;
	bool any;
};

struct span {
	uint64_t first, last;
};

struct type_opts {
	bool list, raw, plain, mapcount;
	const char *bits_text[FILTERS_MAX], *pfn_text[FILTERS_MAX];
	size_t n_bits, n_pfns;
};

struct kind {
	uint64_t flags, pages;
};

struct job {
	struct mmw_target *t;
	const struct type_opts *o;
	struct bits bits[FILTERS_MAX];
	struct span span[FILTERS_MAX];
	bool newer;  /* names from 6.12 on */
	uint64_t page_size, total;
	uint64_t lost;  /* frames whose struct pages cannot be read */
	enum mmw_code why;  /* MMW_OK: for several reasons */
	struct kind *kind;
	size_t n_kinds, cap_kinds;
	size_t last_kind;
	struct mmw_kpf_range run;  /* of the list, not yet printed */
};

static const struct argp_option options[] = {
	{ "list", 'l', 0, 0, "ranges of frames with the same flags, instead of the histogram", 0 },
	{ "raw", 'r', 0, 0, "all flags, also those that are for kernel developers; those that mean something else on some pages by "
	  "that name", 0 },
	{ "kpageflags", OPT_KPAGEFLAGS, 0, 0, "the flags as /proc/kpageflags has them, unchanged", 0 },
	{ "mapcount", OPT_MAPCOUNT, 0, 0, "with --list: how often the frames are mapped (/proc/kpagecount)", 0 },
	{ "flags", 'f', "FLAGS", 0, "only frames with any of these flags (a,b); with these and without those (a,~b or a,b=a); "
	  "with exactly these (=a,b)", 0 },
	{ "pfn", 'p', "RANGE", 0, "only these frames (hexadecimal): N, N+COUNT, FIRST-LAST", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct type_opts *o = state->input;

	switch (key) {
	case 'l':
		o->list = true;
		return 0;
	case 'r':
		o->raw = true;
		return 0;
	case OPT_KPAGEFLAGS:
		o->plain = true;
		return 0;
	case OPT_MAPCOUNT:
		o->mapcount = true;
		return 0;
	case 'f':
		if (o->n_bits == FILTERS_MAX)
			argp_error(state, "more than %d filters", FILTERS_MAX);
		o->bits_text[o->n_bits++] = arg;
		return 0;
	case 'p':
		if (o->n_pfns == FILTERS_MAX)
			argp_error(state, "more than %d ranges", FILTERS_MAX);
		o->pfn_text[o->n_pfns++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (o->mapcount && !o->list)
			argp_error(state, "--mapcount goes with --list");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- what is asked for --------------------------------------------------------------------------------------------- */

static bool bit_named(const struct job *j, const char *name, size_t len, uint64_t *out)
{
	for (unsigned i = 0; i < MMW_KPF_N; i++) {
		const char *known = mmw_kpf_name(i, j->newer);

		if (known && strlen(known + 2) == len && !strncmp(known + 2, name, len)) {
			*out = 1ull << i;
			return true;
		}
	}
	return false;
}

/* "a,0x10,~b": those named, and those negated. */
static int flag_list(const struct job *j, const char *text, size_t len, uint64_t *with, uint64_t *without, struct mmw_err *err)
{
	for (size_t at = 0; at < len; ) {
		size_t n = strcspn(text + at, ",=");
		bool negated = text[at] == '~';
		const char *name = text + at + negated;
		size_t name_len = n - negated;
		uint64_t bit = 0;
		char *end;

		if (name_len > 2 && !strncmp(name, "0x", 2)) {
			bit = strtoull(name, &end, 16);
			if (end != name + name_len)
				bit = 0;
		}
		if (!bit && !bit_named(j, name, name_len, &bit))
			return mmw_fail(err, MMW_E_ARG, 0, "--flags: no flag '%.*s'", (int)name_len, name);
		*(negated ? without : with) |= bit;
		at += n + 1;
	}
	return 0;
}

static int parse_bits(const struct job *j, const char *text, struct bits *out, struct mmw_err *err)
{
	const char *equals = strchr(text, '=');
	uint64_t with = 0, without = 0, wanted = 0, none = 0;
	int rc = flag_list(j, text, equals ? (size_t)(equals - text) : strlen(text), &with, &without, err);

	if (!rc && equals)
		rc = flag_list(j, equals + 1, strlen(equals + 1), &wanted, &none, err);
	if (rc)
		return rc;
	if (equals == text)
		*out = (struct bits){ UINT64_MAX, wanted, false };
	else if (equals)
		*out = (struct bits){ with | without, wanted, false };
	else
		*out = (struct bits){ with | without, with, !without };
	return 0;
}

static int parse_span(const char *text, struct span *out, struct mmw_err *err)
{
	char *end;
	uint64_t more;

	out->first = out->last = strtoull(text, &end, 16);
	if (end != text && *end == '+') {
		more = strtoull(end + 1, &end, 16);
		out->last = more ? out->first + more - 1 : out->first;
		if (!more || out->last < out->first)
			return mmw_fail(err, MMW_E_ARG, 0, "--pfn: '%s' is no range of frames", text);
	} else if (end != text && *end == '-') {
		out->last = end[1] ? strtoull(end + 1, &end, 16) : (end++, UINT64_MAX);
	}
	if (end == text || *end || out->last < out->first)
		return mmw_fail(err, MMW_E_ARG, 0, "--pfn: '%s' is no range of frames", text);
	return 0;
}

static int parse_filters(struct job *j, struct mmw_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < j->o->n_bits; i++)
		rc = parse_bits(j, j->o->bits_text[i], &j->bits[i], err);
	for (size_t i = 0; !rc && i < j->o->n_pfns; i++)
		rc = parse_span(j->o->pfn_text[i], &j->span[i], err);
	return rc;
}

static bool wanted_flags(const struct job *j, uint64_t flags)
{
	for (size_t i = 0; i < j->o->n_bits; i++) {
		const struct bits *b = &j->bits[i];

		if (b->any ? !(flags & b->mask) : (flags & b->mask) != b->value)
			return false;
	}
	return true;
}

/* --- words --------------------------------------------------------------------------------------------------------- */

static const char *symbolic(const struct job *j, uint64_t flags, char text[SYMBOLIC_MAX])
{
	size_t n = 0;

	for (unsigned i = 0; i < MMW_KPF_N; i++) {
		const char *name = mmw_kpf_name(i, j->newer);

		if (name)
			text[n++] = flags >> i & 1 ? name[0] : '_';
	}
	text[n] = '\0';
	return text;
}

static const char *names_of(const struct job *j, uint64_t flags, char text[NAMES_MAX])
{
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < MMW_KPF_N && n < NAMES_MAX - 32; i++) {
		const char *name = mmw_kpf_name(i, j->newer);

		if (flags >> i & 1)
			n += (size_t)snprintf(text + n, NAMES_MAX - n, name ? "%s%s" : "%sbit%s", n ? "," : "", name ? name + 2 : "");
	}
	return text;
}

/* --- the list ------------------------------------------------------------------------------------------------------ */

static void row(struct job *j, const struct mmw_kpf_range *r)
{
	struct mmw_out *o = &j->t->out;
	char text[NAMES_MAX];

	if (j->o->list)
		mmw_out_hex(o, COL_PFN, r->pfn);
	mmw_out_num(o, COL_PAGES, r->n);
	mmw_out_hex(o, COL_FLAGS, r->flags);
	mmw_out_str(o, COL_SYMBOLIC, symbolic(j, r->flags, text));
	mmw_out_str(o, COL_NAMES, names_of(j, r->flags, text));
	if (j->o->mapcount)
		mmw_out_num(o, COL_MAPCOUNT, (uint64_t)r->count);
	mmw_out_row(o);
}

static void print_run(struct job *j)
{
	const struct mmw_kpf_range *r = &j->run;
	char text[SYMBOLIC_MAX];

	if (!r->n)
		return;
	if (j->t->out.mode != MMW_OUT_TEXT) {
		row(j, r);
		return;
	}
	if (j->o->mapcount)
		fprintf(j->t->out.to, "%" PRIu64 "\t", (uint64_t)r->count);
	fprintf(j->t->out.to, "%" PRIx64 "\t%" PRIx64 "\t%s\n", r->pfn, r->n, symbolic(j, r->flags, text));
}

static void list_frames(struct job *j, const struct mmw_kpf_range *r)
{
	struct mmw_kpf_range *last = &j->run;

	if (last->n && last->flags == r->flags && last->count == r->count && last->pfn + last->n == r->pfn) {
		last->n += r->n;
		return;
	}
	print_run(j);
	*last = *r;
}

/* --- the histogram ------------------------------------------------------------------------------------------------- */

static int count_frames(struct job *j, uint64_t flags, uint64_t pages, struct mmw_err *err)
{
	size_t lo = 0, hi = j->n_kinds;

	j->total += pages;
	if (j->last_kind < hi && j->kind[j->last_kind].flags == flags) {
		j->kind[j->last_kind].pages += pages;
		return 0;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (j->kind[mid].flags < flags)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == j->n_kinds || j->kind[lo].flags != flags) {
		if (j->n_kinds == KINDS_MAX)
			return mmw_fail(err, MMW_E_LIMIT, flags, "more than %d combinations of flags", KINDS_MAX);
		if (mmw_vec_reserve(&j->kind, &j->cap_kinds, j->n_kinds + 1, sizeof(*j->kind), err))
			return -MMW_E_NOMEM;
		memmove(&j->kind[lo + 1], &j->kind[lo], (j->n_kinds - lo) * sizeof(*j->kind));
		j->kind[lo] = (struct kind){ flags, 0 };
		j->n_kinds++;
	}
	j->kind[lo].pages += pages;
	j->last_kind = lo;
	return 0;
}

static void print_histogram(struct job *j)
{
	FILE *to = j->t->out.to;
	char letters[SYMBOLIC_MAX], names[NAMES_MAX];

	fprintf(to, "             flags\tpage-count       MB  symbolic-flags\t\t\tlong-symbolic-flags\n");
	for (size_t i = 0; i < j->n_kinds; i++)
		fprintf(to, "0x%016" PRIx64 "\t%10" PRIu64 " %8" PRIu64 "  %s\t%s\n", j->kind[i].flags, j->kind[i].pages,
			j->kind[i].pages * j->page_size >> 20, symbolic(j, j->kind[i].flags, letters),
			names_of(j, j->kind[i].flags, names));
	fprintf(to, "             total\t%10" PRIu64 " %8" PRIu64 "\n", j->total, j->total * j->page_size >> 20);
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static int add(struct job *j, const struct mmw_kpf_range *r, struct mmw_err *err)
{
	if (j->o->list) {
		list_frames(j, r);
		return 0;
	}
	return count_frames(j, r->flags, r->n, err);
}

static int visit(void *ctx, const struct mmw_kpf_range *range, struct mmw_err *err)
{
	struct job *j = ctx;
	struct mmw_kpf_range r = *range;
	int rc = 0;

	if (!j->o->plain)
		r.flags = j->o->raw ? mmw_kpf_overloaded(r.flags) : mmw_kpf_well_known(r.flags);
	if (r.lost) {
		j->why = !j->lost || j->why == r.lost ? r.lost : MMW_OK;
		j->lost += r.n;
		return 0;
	}
	if (!wanted_flags(j, r.flags))
		return 0;
	if (!j->o->n_pfns)
		return add(j, &r, err);
	for (size_t i = 0; !rc && i < j->o->n_pfns; i++) {
		const struct span *s = &j->span[i];
		struct mmw_kpf_range part = r;
		uint64_t last = r.pfn + r.n - 1;

		part.pfn = s->first > r.pfn ? s->first : r.pfn;
		last = s->last < last ? s->last : last;
		part.n = last - part.pfn + 1;
		if (part.pfn <= last)
			rc = add(j, &part, err);
	}
	return rc;
}

static void say(struct job *j, const struct mmw_pages *p, const struct mmw_kpf *c, uint64_t damaged)
{
	struct mmw_target *t = j->t;

	if (j->lost)
		mmw_warn("%" PRIu64 " frames are left out: their struct pages are %s", j->lost,
			 j->why ? mmw_code_word(j->why) : "excluded, absent or damaged");
	if (p->memmap->doubt)
		mmw_warn("%s", p->memmap->doubt);
	if (damaged)
		mmw_warn("%" PRIu64 " frames say they are part of a compound page that cannot be: shown as pages of their own", damaged);
	if (c->unknown)
		mmw_warn("not known: %s", c->unknown);
	if (p->ksm_all && t->verbose)
		mmw_warn("/proc/kpageflags of this release calls every anonymous page ksm, and so do these figures");
	if (p->flags_guessed)
		mmw_warn("page flags are numbered as the release's are: a guess (--types FILE brings the kernel's own)");
	if (t->verbose)
		mmw_warn("page flags by %s%s, page types by %s%s", p->flag_source, p->flags_guessed ? " (guessed)" : "",
			 p->type_source, p->types_guessed ? " (guessed)" : "");
	t->damage = t->damage || damaged || j->lost;
}

static int show(struct job *j, struct mmw_memmap *m, struct mmw_err *err)
{
	struct mmw_target *t = j->t;
	struct mmw_pages pages;
	struct mmw_kpf c;
	uint64_t damaged;
	int rc = mmw_pages_bind(t->kernel, m, &pages, err);

	rc = rc ? rc : mmw_kpf_bind(t->kernel, &pages, &c, err);
	if (rc)
		return rc;
	j->newer = pages.bit[MMW_PG_OWNER_2] >= 0;
	j->page_size = 1ull << mmw_kernel_page_shift(t->kernel);
	rc = parse_filters(j, err);
	rc = rc ? rc : mmw_kpf_pass(t->kernel, &c, j->o->mapcount, t->kopts.threads, visit, j, &damaged, err);
	if (rc)
		return rc;
	print_run(j);
	if (!j->o->list && t->out.mode == MMW_OUT_TEXT)
		print_histogram(j);
	for (size_t i = 0; t->out.mode != MMW_OUT_TEXT && i < j->n_kinds; i++)
		row(j, &(struct mmw_kpf_range){ .n = j->kind[i].pages, .flags = j->kind[i].flags });
	say(j, &pages, &c, damaged);
	return 0;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct job j = { .t = t, .o = opts };
	struct mmw_memmap m;
	int rc = mmw_target_need_kernel(t, err);

	(void)argc;
	(void)argv;
	rc = rc ? rc : mmw_memmap_open(t->kernel, &m, err);
	if (rc)
		return rc;
	rc = show(&j, &m, err);
	free(j.kind);
	mmw_memmap_close(&m);
	return rc;
}

const struct mmw_cmd mmw_cmd_page_types = {
	.name = "page-types",
	.summary = "page frames by their flags, as the kernel's page-types tool prints /proc/kpageflags",
	.doc = "Count all page frames by their flags, numbered and named as in /proc/kpageflags, and print what the kernel's "
	       "page-types tool would have printed when the image was taken. --list prints ranges of frames instead.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct type_opts),
	.cols = cols,
	.schema = "page-types/1",
	.run = run,
};

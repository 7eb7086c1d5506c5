/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info: what the image is, which kernel runs in it, and how that was found out. */
#include <inttypes.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/arch/selfmap.h"
#include "lib/kernel/module.h"
#include "lib/mm/zone.h"

enum {
	COL_IMAGE, COL_FORMAT, COL_PLACEMENT, COL_MEMORY, COL_EXTENTS, COL_ARCH, COL_RELEASE, COL_BANNER, COL_BUILD_ID, COL_CPUS,
	COL_LEVELS, COL_VA_BITS, COL_ROOT, COL_ISOLATED, COL_SELFMAP, COL_IMAGE_VA, COL_IMAGE_PA, COL_KASLR, COL_REGIONS, COL_SYMBOLS,
	COL_TYPES, COL_VMCOREINFO, COL_MISSING, COL_KERNELS, COL_EVIDENCE,
};

static const struct mmw_col cols[] = {
	[COL_IMAGE] = { "image", "the file", 20, false, true },
	[COL_FORMAT] = { "format", "image format, and its details", 20, false, true },
	[COL_PLACEMENT] = { "placement", "how memory was placed, where the format does not say", 20, false, false },
	[COL_MEMORY] = { "memory", "bytes of physical memory stored", 12, true, true },
	[COL_EXTENTS] = { "extents", "runs of physical memory: first, last, state", 30, false, false },
	[COL_ARCH] = { "arch", "architecture", 8, false, true },
	[COL_RELEASE] = { "release", "kernel release", 20, false, true },
	[COL_BANNER] = { "banner", "the kernel's banner", 40, false, false },
	[COL_BUILD_ID] = { "build_id", "GNU build ID of the kernel", 40, false, false },
	[COL_CPUS] = { "cpus", "CPUs and the registers the image has of them", 20, false, false },
	[COL_LEVELS] = { "levels", "page-table levels", 6, true, true },
	[COL_VA_BITS] = { "va_bits", "bits of a virtual address", 7, true, true },
	[COL_ROOT] = { "root", "physical address of the kernel's root table", 16, true, true },
	[COL_ISOLATED] = { "isolated", "page-table isolation in use", 8, false, false },
	[COL_SELFMAP] = { "pte_base", "where these tables map themselves, as Windows' do", 16, true, false },
	[COL_IMAGE_VA] = { "image_va", "virtual address of the kernel image's first byte (_text)", 16, true, false },
	[COL_IMAGE_PA] = { "image_pa", "its physical address", 16, true, false },
	[COL_KASLR] = { "kaslr_offset", "how far the image was moved from its link address", 12, true, false },
	[COL_REGIONS] = { "regions", "address-space layout", 20, false, false },
	[COL_SYMBOLS] = { "symbols", "number of symbols", 8, true, true },
	[COL_TYPES] = { "types", "number of types", 8, true, true },
	[COL_VMCOREINFO] = { "vmcoreinfo", "where VMCOREINFO was found: note, memory", 10, false, false },
	[COL_MISSING] = { "missing", "what does not work, and why", 7, false, false },
	[COL_KERNELS] = { "kernels", "all kernels the search found", 20, false, false },
	[COL_EVIDENCE] = { "evidence", "how each of these was found", 20, false, false },
	{ 0 },
};

struct info_opts {
	char none;  /* all of its options are the target's */
};

static const struct argp_option options[] = {
	{ "all", 'a', 0, 0, "search all memory for kernels, even when the registers lead to one", 0 },
	{ 0 },
};

/* --all changes how the kernel is bound, and that is the target's business. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != 'a')
		return ARGP_ERR_UNKNOWN;
	((struct mmw_target *)state->child_inputs[0])->kopts.search_all = true;
	return 0;
}

static void line(struct mmw_target *t, const char *topic)
{
	fprintf(t->out.to, "%-13s ", topic);
}

static const char *state_word(enum mmw_state state)
{
	static const char *const words[] = { "stored", "excluded", "truncated" };

	return words[state];
}

/* --- what is known, gathered once ------------------------------------------------------------------------------ */

struct facts {
	uint64_t text_va, kaslr;
	bool has_text, has_kaslr;
	const char *text_name;
	const struct mmw_layout *layout;
	const struct mmw_candidate *kernels;
	size_t n_kernels;
	const struct mmw_typesrc *types;
	size_t n_types;
	struct mmw_err no_btf;
};

static void gather(struct mmw_target *t, struct facts *f)
{
	struct mmw_kernel *k = t->kernel;

	if (mmw_kernel_found(k))
		f->n_types = mmw_kernel_type_sources(k, &f->types, &f->no_btf);
	else
		mmw_fail(&f->no_btf, MMW_E_NOTYPE, 0, "no kernel was found");
	f->layout = mmw_kernel_layout(k);
	f->text_name = "_text";
	f->has_text = !mmw_kernel_symbol(k, "_text", &f->text_va, NULL, NULL);
	if (!f->has_text) {
		f->text_name = "_stext";
		f->has_text = !mmw_kernel_symbol(k, "_stext", &f->text_va, NULL, NULL);
	}
	f->has_kaslr = mmw_kernel_kaslr(k, &f->kaslr);
	f->n_kernels = mmw_kernel_candidates(k, &f->kernels);
}

/* --- text ------------------------------------------------------------------------------------------------------ */

/* In MiB, or in KiB where that would hide it. */
static const char *amount(uint64_t bytes, char *buf, size_t size)
{
	if (bytes >> 20 >= 8)
		snprintf(buf, size, "%" PRIu64 " MiB", bytes >> 20);
	else
		snprintf(buf, size, "%" PRIu64 " KiB", bytes >> 10);
	return buf;
}

static void print_memory(struct mmw_target *t)
{
	struct mmw_extent e;
	uint64_t from = 0, excluded = 0, truncated = 0;
	size_t n = 0;
	bool gaps = false;
	char text[32];

	while (mmw_image_next_extent(t->image, from, &e)) {
		gaps |= e.pa != from;
		from = e.pa + e.len;
		n++;
		excluded += e.state == MMW_EXCLUDED ? e.len : 0;
		truncated += e.state == MMW_TRUNCATED ? e.len : 0;
	}
	line(t, "memory");
	fprintf(t->out.to, "%s stored in %zu extent%s, up to 0x%" PRIx64 "\n",
		amount(mmw_image_stored(t->image), text, sizeof(text)), n, n == 1 ? "" : "s", mmw_image_last(t->image));
	if (excluded) {
		line(t, "");
		fprintf(t->out.to, "%s left out by the dumper%s\n", amount(excluded, text, sizeof(text)),
			mmw_image_excluded_or_zero(t->image) ? ", by its filter or as zero: this format does not tell" : "");
	}
	if (gaps && mmw_image_absent_or_zero(t->image)) {
		line(t, "");
		fputs("gaps between them are no memory, or memory that was all zero: this format does not tell\n", t->out.to);
	}
	if (truncated) {
		line(t, "");
		fprintf(t->out.to, "%s missing: %s\n", amount(truncated, text, sizeof(text)),
			mmw_image_lacks_parts(t->image) ? "in parts that were not given (--part)" : "the file is truncated");
		t->damage = true;
	}
	t->damage = t->damage || mmw_image_damage(t->image)[0];
	if (!t->verbose)
		return;
	for (from = 0; mmw_image_next_extent(t->image, from, &e); from = e.pa + e.len)
		fprintf(t->out.to, "%-13s   %016" PRIx64 "-%016" PRIx64 " %s\n", "", e.pa, e.pa + e.len - 1,
			state_word(e.state));
}

static void print_cpus(struct mmw_target *t)
{
	char text[MMW_KSYM_NAME_MAX + 32];

	line(t, "CPUs");
	if (mmw_image_cpus(t->image))
		fprintf(t->out.to, "registers of %zu\n", mmw_image_cpus(t->image));
	else
		fputs("no registers in this image\n", t->out.to);
	for (size_t i = 0; i < mmw_image_cpus(t->image); i++) {
		const struct mmw_cpu *c = mmw_image_cpu(t->image, i);

		fprintf(t->out.to, "%-13s   %zu:", "", i);
		for (int r = 0; r < MMW_REG_COUNT; r++)
			if (c->known & 1u << r)
				fprintf(t->out.to, " %s=%" PRIx64, mmw_reg_name(r), c->reg[r]);
		if ((c->known & 1u << MMW_REG_PC) && *mmw_symbol_text(t->kernel, c->reg[MMW_REG_PC], text, sizeof(text)))
			fprintf(t->out.to, " (%s)", text);
		fputc('\n', t->out.to);
	}
}

static void print_selfmap(struct mmw_target *t)
{
	const struct mmw_space *s = mmw_kernel_space(t->kernel);
	unsigned index;

	if (!mmw_kernel_selfmap(t->kernel, &index))
		return;
	line(t, "self-map");
	fprintf(t->out.to, "entry 0x%x of the root is the root, as in Windows:\n", index);
	for (unsigned level = 0; level < s->paging.levels && mmw_selfmap_name(level); level++) {
		line(t, "");
		fprintf(t->out.to, "%s %0*" PRIx64 "\n", mmw_selfmap_name(level), 2 * (int)s->arch->word,
			mmw_selfmap_base(&s->paging, index, level));
	}
}

static void print_paging(struct mmw_target *t)
{
	const struct mmw_space *s = mmw_kernel_space(t->kernel);
	char page[24];

	line(t, "paging");
	if (!s) {
		fputs("?\n", t->out.to);
		t->damage = true;
		return;
	}
	fprintf(t->out.to, "%u levels, %u-bit addresses, %s pages%s\n", s->paging.levels, s->paging.va_bits,
		mmw_size_text(1ull << s->paging.page_shift, page),
		mmw_kernel_isolated(t->kernel) ? ", isolated (user processes have tables of their own)" : "");
	if (s->paging.clear) {
		line(t, "");
		fprintf(t->out.to, "memory encryption bit 0x%" PRIx64 "\n", s->paging.clear);
	}
	line(t, "root");
	fprintf(t->out.to, "0x%" PRIx64 "\n", s->root);
	print_selfmap(t);
}

static void print_kernel(struct mmw_target *t, const struct facts *f)
{
	struct mmw_kernel *k = t->kernel;
	uint64_t delta;

	if (!mmw_kernel_found(k)) {
		line(t, "kernel");
		fprintf(t->out.to, "? (%s)\n", mmw_kernel_why_not(k));
		t->damage = true;
		return;
	}
	line(t, "release");
	fprintf(t->out.to, "%s\n", *mmw_kernel_release(k) ? mmw_kernel_release(k) : "?");
	line(t, "banner");
	fprintf(t->out.to, "%s\n", *mmw_kernel_banner(k) ? mmw_kernel_banner(k) : "?");
	line(t, "build ID");
	fprintf(t->out.to, "%s\n", *mmw_kernel_build_id(k) ? mmw_kernel_build_id(k) : "?");
	if (f->has_text && mmw_kernel_delta(k, &delta)) {
		line(t, "kernel image");
		fprintf(t->out.to, "%s 0x%" PRIx64 " is physical 0x%" PRIx64, f->text_name, f->text_va,
			f->text_va - delta);
		if (f->has_kaslr)
			fprintf(t->out.to, ", moved by 0x%" PRIx64 " (KASLR)", f->kaslr);
		fputc('\n', t->out.to);
	}
}

static void print_layout(struct mmw_target *t, const struct facts *f)
{
	int width = mmw_kernel_arch(t->kernel) ? 2 * mmw_kernel_arch(t->kernel)->word : 16;

	for (size_t i = 0; i < f->layout->n_regions; i++) {
		const struct mmw_region *r = &f->layout->regions[i];

		line(t, i ? "" : "layout");
		fprintf(t->out.to, "%0*" PRIx64 "-%0*" PRIx64 " %s\n", width, r->first, width, r->last, r->name);
	}
}

/* VMCOREINFO and code know a handful of members, of which the evidence tells. */
static void print_types(struct mmw_target *t, const struct facts *f)
{
	bool any = false;

	for (size_t i = 0; i < f->n_types; i++) {
		const struct mmw_typesrc *s = &f->types[i];

		if (!s->find)
			continue;
		line(t, any ? "" : "types");
		if (s->count)
			fprintf(t->out.to, "%zu ", s->count(s->src));
		fprintf(t->out.to, "from %s\n", s->name);
		any = true;
	}
	if (!any) {
		line(t, "types");
		fprintf(t->out.to, "none (%s)\n", f->no_btf.msg);
	}
}

static void print_sources(struct mmw_target *t, const struct facts *f)
{
	struct mmw_symsrc sources[MMW_SYMSRC_MAX];
	size_t n = mmw_kernel_symbol_sources(t->kernel, false, sources);

	for (size_t i = 0; i < n; i++) {
		line(t, i ? "" : "symbols");
		fprintf(t->out.to, "%zu from %s\n", sources[i].count(sources[i].src), sources[i].name);
	}
	if (!n) {
		line(t, "symbols");
		fputs("none\n", t->out.to);
	}
	print_types(t, f);
	line(t, "VMCOREINFO");
	fprintf(t->out.to, "%s\n", mmw_image_vmcoreinfo(t->image) ? "in a note of the image" :
		*mmw_kernel_vmcoreinfo(t->kernel) ? "in memory" : "none");
}

/* --- what does not work ---------------------------------------------------------------------------------------- */

/* What is missing, the commands that suffer, and why. */
struct lack {
	const char *what, *commands;
	char why[320];
};

enum { LACKS_MAX = 4 };

static bool has_graph(const struct facts *f)
{
	for (size_t i = 0; i < f->n_types; i++)
		if (f->types[i].find)
			return true;
	return false;
}

static void add_lack(struct lack *list, size_t *n, const char *what, const char *commands, const char *why)
{
	struct lack *l = &list[(*n)++];

	l->what = what;
	l->commands = commands;
	snprintf(l->why, sizeof(l->why), "%s", why);
}

/* Not by guessing: what a command begins with is tried. */
static size_t find_lacks(struct mmw_target *t, const struct facts *f, struct lack list[LACKS_MAX])
{
	struct mmw_err err = { 0 };
	struct mmw_zones zones;
	size_t n = 0;

	if (!mmw_kernel_found(t->kernel)) {
		add_lack(list, &n, "symbols", "all that need names", mmw_kernel_why_not(t->kernel));
		return n;
	}
	if (!mmw_kernel_modules(t->kernel, &err) && err.code)
		add_lack(list, &n, "symbols of modules", "symbols, translate, disas", err.msg);
	if (mmw_zones_open(t->kernel, &zones, &err))
		add_lack(list, &n, "zones", "buddyinfo", err.msg);
	else
		mmw_zones_close(&zones);
	if (!has_graph(f))
		add_lack(list, &n, "types", "types, read --type", f->no_btf.msg);
	return n;
}

/* The package of the kernel's maker that has its vmlinux. */
static bool debug_package(const struct mmw_kernel *k, char *buf, size_t size)
{
	const char *banner = mmw_kernel_banner(k), *release = mmw_kernel_release(k);

	if (!*release)
		return false;
	if (strstr(banner, "Ubuntu"))
		snprintf(buf, size, "linux-image-%s-dbgsym", release);
	else if (strstr(banner, "Debian"))
		snprintf(buf, size, "linux-image-%s-dbg", release);
	else if (strstr(release, ".el") || strstr(release, ".fc"))
		snprintf(buf, size, "kernel-debuginfo-%s", release);
	else
		return false;
	return true;
}

static void print_lacks(struct mmw_target *t, const struct facts *f)
{
	struct lack list[LACKS_MAX];
	size_t n = find_lacks(t, f, list);
	const char *id = mmw_kernel_build_id(t->kernel);
	char package[128];

	/* Why there is no kernel was said before. */
	for (size_t i = 0; i < n && mmw_kernel_found(t->kernel); i++) {
		line(t, i ? "" : "missing");
		fprintf(t->out.to, "%s (%s): %s\n", list[i].what, list[i].commands, list[i].why);
	}
	if (!n)
		return;
	line(t, mmw_kernel_found(t->kernel) ? "" : "missing");
	fputs(mmw_kernel_found(t->kernel) ? "--symbols FILE brings it: the kernel's vmlinux" :
	      "symbols; --symbols FILE may help: the kernel's vmlinux, or its System.map", t->out.to);
	if (*id)
		fprintf(t->out.to, " with build ID %s", id);
	if (debug_package(t->kernel, package, sizeof(package)))
		fprintf(t->out.to, " (package %s)", package);
	fputc('\n', t->out.to);
}

static json_t *json_lacks(struct mmw_target *t, const struct facts *f)
{
	struct lack list[LACKS_MAX];
	size_t n = find_lacks(t, f, list);
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, json_pack("{s:s,s:s,s:s}", "what", list[i].what, "commands", list[i].commands, "why",
						     list[i].why));
	return all;
}

static void print_kernels(struct mmw_target *t, const struct facts *f)
{
	for (size_t i = 0; i < f->n_kernels; i++) {
		const struct mmw_candidate *c = &f->kernels[i];

		line(t, i ? "" : "kernels");
		fprintf(t->out.to, "%zu: symbols at 0x%" PRIx64 ", %zu of them; ", i + 1, c->kallsyms_pa, c->symbols);
		if (c->root)
			fprintf(t->out.to, "root 0x%" PRIx64 "; %.60s\n", c->root, c->banner);
		else
			fputs("no page tables confirm it\n", t->out.to);
	}
}

static void print_text(struct mmw_target *t, const struct facts *f)
{
	const struct mmw_arch *arch = mmw_kernel_arch(t->kernel);
	const struct mmw_evidence *e;
	size_t n;

	line(t, "image");
	fprintf(t->out.to, "%s\n", t->image_name);
	line(t, "format");
	fprintf(t->out.to, "%s (%s)\n", mmw_image_format(t->image), mmw_image_format_note(t->image));
	if (mmw_image_placement(t->image)[0]) {
		line(t, "placement");
		fprintf(t->out.to, "%s\n", mmw_image_placement(t->image));
	}
	print_memory(t);
	line(t, "architecture");
	fprintf(t->out.to, "%s\n", arch ? arch->name : "?");
	print_kernel(t, f);
	print_cpus(t);
	print_paging(t);
	print_layout(t, f);
	print_sources(t, f);
	print_lacks(t, f);
	print_kernels(t, f);
	/* Last: what was asked until now may have brought more. */
	n = mmw_kernel_evidence(t->kernel, &e);
	for (size_t i = 0; t->verbose && i < n; i++) {
		line(t, i ? "" : "evidence");
		fprintf(t->out.to, "%s: %s%s\n", e[i].topic, e[i].text, e[i].guessed ? " (GUESSED)" : "");
	}
}

/* --- rows ------------------------------------------------------------------------------------------------------ */

static json_t *json_extents(const struct mmw_image *img)
{
	json_t *list = json_array();
	struct mmw_extent e;

	for (uint64_t from = 0; mmw_image_next_extent(img, from, &e); from = e.pa + e.len)
		json_array_append_new(list, json_pack("{s:o,s:o,s:s}", "pa", mmw_json_hex(e.pa), "last",
						      mmw_json_hex(e.pa + e.len - 1), "state", state_word(e.state)));
	return list;
}

static json_t *json_cpus(const struct mmw_image *img)
{
	json_t *list = json_array();

	for (size_t i = 0; i < mmw_image_cpus(img); i++) {
		const struct mmw_cpu *c = mmw_image_cpu(img, i);
		json_t *cpu = json_object();

		for (int r = 0; r < MMW_REG_COUNT; r++)
			if (c->known & 1u << r)
				json_object_set_new(cpu, mmw_reg_name(r), mmw_json_hex(c->reg[r]));
		json_array_append_new(list, cpu);
	}
	return list;
}

static json_t *json_regions(const struct mmw_layout *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n_regions; i++)
		json_array_append_new(list, json_pack("{s:o,s:o,s:s}", "first", mmw_json_hex(l->regions[i].first), "last",
						      mmw_json_hex(l->regions[i].last), "name", l->regions[i].name));
	return list;
}

static json_t *json_kernels(const struct facts *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_kernels; i++) {
		const struct mmw_candidate *c = &f->kernels[i];

		json_array_append_new(list, json_pack("{s:o,s:I,s:o,s:s}", "kallsyms_pa", mmw_json_hex(c->kallsyms_pa),
						      "symbols", (json_int_t)c->symbols, "root",
						      c->root ? mmw_json_hex(c->root) : json_null(), "banner", c->banner));
	}
	return list;
}

static json_t *json_evidence(const struct mmw_kernel *k)
{
	json_t *list = json_array();
	const struct mmw_evidence *e;
	size_t n = mmw_kernel_evidence(k, &e);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s,s:s,s:b}", "topic", e[i].topic, "text", e[i].text, "guessed",
						      (int)e[i].guessed));
	return list;
}

static void count_cell(struct mmw_out *o, int col, json_t *list)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", json_array_size(list));
	mmw_out_json(o, col, list, text);
}

static void row_kernel(struct mmw_target *t, const struct facts *f)
{
	struct mmw_kernel *k = t->kernel;
	struct mmw_symsrc sources[MMW_SYMSRC_MAX];
	struct mmw_out *o = &t->out;
	uint64_t delta;
	size_t n;

	if (!mmw_kernel_found(k))
		return;
	mmw_out_str(o, COL_RELEASE, mmw_kernel_release(k));
	mmw_out_str(o, COL_BANNER, mmw_kernel_banner(k));
	mmw_out_str(o, COL_BUILD_ID, mmw_kernel_build_id(k));
	n = mmw_kernel_symbol_sources(k, false, sources);
	if (n)
		mmw_out_num(o, COL_SYMBOLS, sources[0].count(sources[0].src));
	mmw_out_bool(o, COL_ISOLATED, mmw_kernel_isolated(k));
	if (f->n_types && f->types[0].count)
		mmw_out_num(o, COL_TYPES, f->types[0].count(f->types[0].src));
	if (f->has_text && mmw_kernel_delta(k, &delta)) {
		mmw_out_hex(o, COL_IMAGE_VA, f->text_va);
		mmw_out_hex(o, COL_IMAGE_PA, f->text_va - delta);
	}
	if (f->has_kaslr)
		mmw_out_hex(o, COL_KASLR, f->kaslr);
}

static void print_row(struct mmw_target *t, const struct facts *f)
{
	const struct mmw_space *s = mmw_kernel_space(t->kernel);
	const struct mmw_arch *arch = mmw_kernel_arch(t->kernel);
	struct mmw_out *o = &t->out;
	unsigned index;
	char format[160];

	snprintf(format, sizeof(format), "%s (%s)", mmw_image_format(t->image), mmw_image_format_note(t->image));
	mmw_out_str(o, COL_IMAGE, t->image_name);
	mmw_out_str(o, COL_FORMAT, format);
	if (mmw_image_placement(t->image)[0])
		mmw_out_str(o, COL_PLACEMENT, mmw_image_placement(t->image));
	mmw_out_num(o, COL_MEMORY, mmw_image_stored(t->image));
	count_cell(o, COL_EXTENTS, json_extents(t->image));
	count_cell(o, COL_CPUS, json_cpus(t->image));
	if (arch)
		mmw_out_str(o, COL_ARCH, arch->name);
	if (s) {
		mmw_out_num(o, COL_LEVELS, s->paging.levels);
		mmw_out_num(o, COL_VA_BITS, s->paging.va_bits);
		mmw_out_hex(o, COL_ROOT, s->root);
		if (mmw_kernel_selfmap(t->kernel, &index))
			mmw_out_hex(o, COL_SELFMAP, mmw_selfmap_base(&s->paging, index, 0));
	}
	row_kernel(t, f);
	count_cell(o, COL_REGIONS, json_regions(f->layout));
	if (mmw_image_vmcoreinfo(t->image))
		mmw_out_str(o, COL_VMCOREINFO, "note");
	else if (*mmw_kernel_vmcoreinfo(t->kernel))
		mmw_out_str(o, COL_VMCOREINFO, "memory");
	count_cell(o, COL_MISSING, json_lacks(t, f));
	count_cell(o, COL_KERNELS, json_kernels(f));
	count_cell(o, COL_EVIDENCE, json_evidence(t->kernel));
	mmw_out_row(o);
	t->damage = t->damage || !mmw_kernel_found(t->kernel);
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	struct facts f = { 0 };

	(void)opts;
	(void)argc;
	(void)argv;
	(void)err;
	gather(t, &f);
	if (t->out.mode == MMW_OUT_TEXT)
		print_text(t, &f);
	else
		print_row(t, &f);
	return 0;
}

const struct mmw_cmd mmw_cmd_info = {
	.name = "info",
	.summary = "what the image is, which kernel it holds, and how that is known",
	.doc = "Print what the image is: format, memory, architecture, kernel, CPUs, paging mode, address-space layout, and where "
	       "symbols and types come from. -v adds every extent and the chain of evidence.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct info_opts),
	.cols = cols,
	.schema = "info/1",
	.run = run,
};

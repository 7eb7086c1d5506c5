/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options that every command shares, and opening what they name. */
#include "cmd/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "formats/formats.h"
#include "lib/base/vec.h"
#include "lib/kernel/module.h"
#include "lib/kernel/place.h"

enum {
	OPT_ARCH = 1000, OPT_ROOT, OPT_LEVELS, OPT_BASE, OPT_FORMAT, OPT_JSON, OPT_OUTPUT, OPT_THREADS, OPT_PROGRESS,
	OPT_NO_PROGRESS, OPT_KERNEL, OPT_PAGING,
	OPT_SYMBOLS, OPT_TYPES, OPT_FORCE, OPT_PART, OPT_MAP, OPT_OFFSET, OPT_EXPAND, OPT_SNAPSHOT,
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "The image:", 10 },
	{ "image-base", OPT_BASE, "PA", 0, "raw image: the physical address of its first byte (IMAGE@PA does the same)", 10 },
	{ "image-offset", OPT_OFFSET, "N", 0, "the image starts N (hexadecimal) bytes into the file", 10 },
	{ "part", OPT_PART, "FILE", 0, "another file of the same image: the next part of a split dump, more raw memory (FILE@PA), "
	  "the .vmss of a .vmem", 10 },
	{ "ram-map", OPT_MAP, "OFF:PA:LEN", 0, "LEN bytes at OFF of the file, or of a snapshot's main memory, lie at PA (hexadecimal; "
	  "repeatable)", 10 },
	{ "snapshot", OPT_SNAPSHOT, "NAME", 0, "the internal snapshot of a qcow2 image to read, by name or id", 10 },
	{ "max-expand", OPT_EXPAND, "SIZE", 0, "a compressed file may unpack to SIZE bytes at most (hexadecimal; default: 64 GiB)", 10 },
	{ "image-format", OPT_FORMAT, "NAME", 0, "read the image as this format instead of recognising it", 10 },
	{ 0, 0, 0, 0, "The kernel:", 20 },
	{ "arch", OPT_ARCH, "NAME", 0, "architecture, where the image does not say", 20 },
	{ "root", OPT_ROOT, "PA", 0, "walk the page tables at this physical address", 20 },
	{ "paging", OPT_PAGING, "NAME", 0, "with --root: what kind they are ('help' lists them)", 20 },
	{ "levels", OPT_LEVELS, "N", 0, "with --root: how many levels they have", 20 },
	{ "kernel", OPT_KERNEL, "N", 0, "of several kernels in the image, take the N-th (info --all lists them)", 20 },
	{ "symbols", OPT_SYMBOLS, "FILE", 0, "symbols and types from this vmlinux, or symbols from this System.map", 20 },
	{ "types", OPT_TYPES, "FILE", 0, "types from this vmlinux or .debug file", 20 },
	{ "force", OPT_FORCE, 0, 0, "take these files even if they are not of the kernel in the image", 20 },
	{ 0, 0, 0, 0, "Output:", 30 },
	{ "json", OPT_JSON, 0, 0, "one JSON object a line", 30 },
	{ "output", OPT_OUTPUT, "COLS", 0, "a table of these columns, comma-separated, or 'default' or 'all'", 30 },
	{ "verbose", 'v', 0, 0, "say more: where each figure comes from", 30 },
	{ 0, 0, 0, 0, "Running:", 40 },
	{ "threads", OPT_THREADS, "N", 0, "at most N threads (default: one a processor)", 40 },
	{ "progress", OPT_PROGRESS, 0, 0, "show a progress bar (default: on a terminal)", 40 },
	{ "no-progress", OPT_NO_PROGRESS, 0, 0, "show none", 40 },
	{ 0 },
};

uint64_t mmw_arg_hex(struct argp_state *state, const char *option, const char *arg)
{
	uint64_t v;
	char *end;

	errno = 0;
	v = strtoull(arg, &end, 16);
	if (end == arg || *end || errno || *arg == '-')
		argp_error(state, "%s: '%s' is no hexadecimal number", option, arg);
	return v;
}

unsigned mmw_arg_num(struct argp_state *state, const char *option, const char *arg)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(arg, &end, 10);
	if (end == arg || *end || errno || *arg == '-' || v > 1u << 30)
		argp_error(state, "%s: '%s' is no number", option, arg);
	return (unsigned)v;
}

/* Every kind of tables there is, and what it is made of. */
static void __attribute__((noreturn)) list_pagings(void)
{
	const struct mmw_arch *a;
	struct mmw_paging pg;
	char page[24];

	for (size_t i = 0; (a = mmw_arch_at(i)); i++)
		for (unsigned g = 0; a->geometry(g, &pg); g++)
			printf("%s:%-16s %u levels, %u-bit addresses, %s pages%s\n", a->name, pg.name, pg.levels, pg.va_bits,
			       mmw_size_text(1ull << pg.page_shift, page),
			       pg.va_kind == MMW_VA_HIGH ? " (upper half; /low behind the name for the lower)" : "");
	exit(0);
}

static void add_file(struct argp_state *state, struct mmw_target *t, const char *path, bool symbols)
{
	if (t->kopts.n_files == MMW_FILES_MAX)
		argp_error(state, "%s: more than %d files", path, MMW_FILES_MAX);
	t->files[t->kopts.n_files++] = (struct mmw_kernel_file){ path, symbols, true };
	t->kopts.files = t->files;
}

static void add_part(struct argp_state *state, struct mmw_target *t, const char *path)
{
	if (t->oopts.n_parts == MMW_PARTS_MAX)
		argp_error(state, "%s: more than %d parts", path, MMW_PARTS_MAX);
	t->parts[t->oopts.n_parts++] = path;
	t->oopts.parts = t->parts;
}

static void add_map(struct argp_state *state, struct mmw_target *t, const char *arg)
{
	struct mmw_ram_map *m = &t->map[t->oopts.n_map];
	int used = 0;

	if (t->oopts.n_map == MMW_MAPS_MAX)
		argp_error(state, "--ram-map: more than %d ranges", MMW_MAPS_MAX);
	if (sscanf(arg, "%" SCNx64 ":%" SCNx64 ":%" SCNx64 "%n", &m->off, &m->pa, &m->len, &used) != 3 || arg[used])
		argp_error(state, "--ram-map: '%s' is not OFF:PA:LEN in hexadecimal", arg);
	if (!m->len || m->off > UINT64_MAX - m->len || m->pa > UINT64_MAX - m->len)
		argp_error(state, "--ram-map: '%s' is empty, or wraps", arg);
	t->oopts.n_map++;
	t->oopts.map = t->map;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct mmw_target *t = state->input;

	switch (key) {
	case OPT_BASE:
		t->oopts.base = mmw_arg_hex(state, "--image-base", arg);
		t->oopts.has_base = true;
		break;
	case OPT_FORMAT:
		t->oopts.format = arg;
		break;
	case OPT_OFFSET:
		t->oopts.offset = mmw_arg_hex(state, "--image-offset", arg);
		break;
	case OPT_PART:
		add_part(state, t, arg);
		break;
	case OPT_MAP:
		add_map(state, t, arg);
		break;
	case OPT_SNAPSHOT:
		t->oopts.snapshot = arg;
		break;
	case OPT_EXPAND:
		t->oopts.max_expand = mmw_arg_hex(state, "--max-expand", arg);
		break;
	case OPT_ARCH:
		t->kopts.arch = arg;
		break;
	case OPT_ROOT:
		t->kopts.root = mmw_arg_hex(state, "--root", arg);
		t->kopts.has_root = true;
		break;
	case OPT_PAGING:
		if (!strcmp(arg, "help"))
			list_pagings();
		t->kopts.paging = arg;
		break;
	case OPT_LEVELS:
		t->kopts.levels = mmw_arg_num(state, "--levels", arg);
		break;
	case OPT_KERNEL:
		t->kopts.choose = mmw_arg_num(state, "--kernel", arg);
		break;
	case OPT_SYMBOLS:
	case OPT_TYPES:
		add_file(state, t, arg, key == OPT_SYMBOLS);
		break;
	case OPT_FORCE:
		t->kopts.force = true;
		break;
	case OPT_JSON:
		t->json = true;
		break;
	case OPT_OUTPUT:
		t->output = arg;
		break;
	case OPT_THREADS:
		t->kopts.threads = mmw_arg_num(state, "--threads", arg);
		break;
	case OPT_PROGRESS:
		t->progress = 1;
		break;
	case OPT_NO_PROGRESS:
		t->progress = 0;
		break;
	case 'v':
		t->verbose = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp mmw_target_argp = { .options = options, .parser = parse_opt };

error_t mmw_space_parse(int key, char *arg, struct argp_state *state, struct mmw_space_opts *o)
{
	switch (key) {
	case MMW_KEY_CPU:
		o->has_cpu = true;
		o->cpu = mmw_arg_num(state, "--cpu", arg);
		return 0;
	case MMW_KEY_USER_ROOT:
		o->user = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const char *mmw_rights_text(uint8_t rights, bool user, char *buf)
{
	unsigned r = user ? rights >> 3 : rights;

	buf[0] = r & MMW_KR ? 'r' : '-';
	buf[1] = r & MMW_KW ? 'w' : '-';
	buf[2] = r & MMW_KX ? 'x' : '-';
	buf[3] = '\0';
	return buf;
}

const char *mmw_memory_word(const struct mmw_image *img, uint64_t pa)
{
	static const char *const words[] = { "stored", "excluded", "truncated" };
	struct mmw_extent e;

	if (!mmw_image_next_extent(img, pa, &e) || e.pa > pa)
		return "absent";
	return words[e.state];
}

const char *mmw_symbol_text(struct mmw_kernel *k, uint64_t va, char *buf, size_t size)
{
	struct mmw_modules *m;
	struct mmw_ksym sym;
	uint64_t offset;
	size_t n;

	buf[0] = '\0';
	if (mmw_kernel_symbol_at(k, va, &sym, &offset, NULL))
		m = NULL;
	else if (!(m = mmw_kernel_modules(k, NULL)) || !mmw_module_symbol_at(m, va, &sym, &offset))
		return buf;
	n = (size_t)snprintf(buf, size, offset ? "%s+0x%" PRIx64 : "%s", sym.name, offset);
	if (m && n < size)
		snprintf(buf + n, size - n, " [%s]", mmw_module_of(m, va, NULL)->name);
	return buf;
}

const char *mmw_symbol_ktext(struct mmw_kernel *k, uint64_t va, char *buf, size_t size)
{
	struct mmw_modules *m = NULL;
	struct mmw_ksym sym;
	uint64_t offset, end;
	size_t n;

	snprintf(buf, size, "0x%" PRIx64, va);
	if (mmw_kernel_symbol_at(k, va, &sym, &offset, NULL)) {
		if (!mmw_kernel_symbol_end(k, va, &end))
			end = sym.addr;
	} else {
		m = mmw_kernel_modules(k, NULL);
		if (!m || !mmw_module_symbol_at(m, va, &sym, &offset) || !mmw_module_symbol_end(m, va, &end))
			return buf;
	}
	n = (size_t)snprintf(buf, size, "%s+0x%" PRIx64 "/0x%" PRIx64, sym.name, offset, end - sym.addr);
	if (m && n < size)
		snprintf(buf + n, size - n, " [%s]", mmw_module_of(m, va, NULL)->name);
	return buf;
}

const char *mmw_bare_type(const char *name)
{
	static const char *const words[] = { "struct ", "union ", "enum " };

	for (size_t i = 0; i < mmw_array_len(words); i++)
		if (!strncmp(name, words[i], strlen(words[i])))
			return name + strlen(words[i]);
	return name;
}

static int find_in(const struct mmw_typesrc *all, size_t n, const char *name, const struct mmw_typesrc **source, uint64_t *id)
{
	int rc = -MMW_E_NOTYPE;

	for (size_t i = 0; i < n && rc; i++) {
		*source = &all[i];
		if (all[i].find)
			rc = all[i].find(all[i].src, name, id, NULL);
	}
	return rc;
}

int mmw_find_type(struct mmw_kernel *k, const char *name, const struct mmw_typesrc **source, uint64_t *id, struct mmw_err *err)
{
	struct mmw_err why = { 0 };
	const struct mmw_typesrc *all;
	size_t n = mmw_kernel_type_sources(k, &all, &why);

	if (!find_in(all, n, name, source, id))
		return 0;
	n = mmw_kernel_module_types(k, &all);
	if (!find_in(all, n, name, source, id))
		return 0;
	return mmw_fail(err, MMW_E_NOTYPE, 0, "no type '%s'%s%s%s", name, why.code ? " (" : "", why.code ? why.msg : "",
			why.code ? ")" : "");
}

void mmw_warn(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* A bar appears once a second has passed, so quick answers stay clean. */
static void show_bar(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct mmw_bar *bar = ctx;
	struct timespec now;
	int percent = total ? (int)(done * 100 / total) : 100;

	if (percent == bar->percent)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - bar->start.tv_sec < 1 ||
	    (now.tv_sec - bar->start.tv_sec == 1 && now.tv_nsec < bar->start.tv_nsec))
		return;
	bar->percent = percent;
	bar->shown = true;
	fprintf(stderr, "\r%s: %3d%%  [%-40.*s]", what, percent, percent * 40 / 100,
		"########################################");
}

void mmw_bar_start(struct mmw_target *t)
{
	bool wanted = t->progress > 0 || (t->progress < 0 && isatty(STDERR_FILENO));

	t->bar = (struct mmw_bar){ { wanted ? show_bar : NULL, &t->bar }, .percent = -1 };
	clock_gettime(CLOCK_MONOTONIC, &t->bar.start);
}

void mmw_bar_stop(struct mmw_target *t)
{
	if (t->bar.shown)
		fprintf(stderr, "\r%79s\r", "");
	t->bar.progress.step = NULL;
	t->bar.shown = false;
}

/* Two kernels in one image are never chosen between in silence. */
static void warn_several(const struct mmw_target *t)
{
	const struct mmw_candidate *c;
	size_t n = mmw_kernel_candidates(t->kernel, &c), hold = 0;

	for (size_t i = 0; i < n; i++)
		hold += c[i].root != 0;
	if (hold > 1 && !t->kopts.choose)
		mmw_warn("%zu kernels are in this image; this is about the first (info --all lists them, --kernel N chooses)", hold);
}

static int open_once(struct mmw_target *t, struct mmw_err *err)
{
	int rc = mmw_open(t->image_name, &t->oopts, &t->image, err);

	return rc ? rc : mmw_kernel_bind(t->image, &t->kopts, &t->kernel, err);
}

/* Memory that is not placed yet: an address the user gave (--root) means nothing there before it is. */
static int open_unplaced(struct mmw_target *t, struct mmw_err *err)
{
	struct mmw_kernel_opts opts = t->kopts;
	int rc = mmw_open(t->image_name, &t->oopts, &t->image, err);

	if (!rc && mmw_image_unplaced(t->image)) {
		opts.has_root = false;
		opts.paging = NULL;
		opts.levels = 0;
	}
	return rc ? rc : mmw_kernel_bind(t->image, &opts, &t->kernel, err);
}

/* The same memory placed otherwise: taken when the kernel holds there. What the search saw is where to look. */
static bool try_place(struct mmw_target *t, const struct mmw_place *p)
{
	struct mmw_target try = { .image_name = t->image_name, .oopts = t->oopts, .kopts = t->kopts };
	const uint64_t *marks;
	size_t n = mmw_kernel_marks(t->kernel, &marks);
	uint64_t *moved = calloc(n + 1, sizeof(*moved));
	bool whole = t->kopts.choose || t->kopts.search_all || t->kopts.has_root;

	try.oopts.map = p->map;
	try.oopts.n_map = p->n;
	try.oopts.map_why = p->why;
	try.kopts.look_at = moved;
	for (size_t i = 0; i < n && moved && !whole; i++)
		if (mmw_place_moved(p, marks[i], &moved[try.kopts.n_look_at]))
			try.kopts.n_look_at++;
	if (open_once(&try, NULL) || !mmw_kernel_found(try.kernel)) {
		mmw_target_close(&try);
		free(moved);
		return false;
	}
	free(moved);
	mmw_target_close(t);
	t->image = try.image;
	t->kernel = try.kernel;
	return true;
}

/* Raw memory says nowhere where it lies. A kernel that is found only now may still know of a hole. */
static int place(struct mmw_target *t, struct mmw_err *err)
{
	struct mmw_place *places = calloc(MMW_PLACES_MAX, sizeof(*places));
	bool placed = false;
	size_t n;

	if (!places)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to place %s", t->image_name);
	n = mmw_kernel_places(t->kernel, places);
	for (size_t i = 0; i < n && !placed; i++) {
		if (!places[i].n)
			mmw_warn("%s", places[i].why);
		placed = places[i].n && try_place(t, &places[i]);
	}
	free(places);
	if (placed || !t->kopts.has_root || !mmw_image_unplaced(t->image))
		return 0;
	mmw_kernel_close(t->kernel);
	t->kernel = NULL;
	return mmw_kernel_bind(t->image, &t->kopts, &t->kernel, err);
}

static int open_target(struct mmw_target *t, struct mmw_err *err)
{
	int rc;

	if ((t->kopts.levels || t->kopts.paging) && !t->kopts.has_root)
		return mmw_fail(err, MMW_E_ARG, 0, "%s goes with --root", t->kopts.paging ? "--paging" : "--levels");
	if (t->kopts.levels && t->kopts.paging)
		return mmw_fail(err, MMW_E_ARG, 0, "--paging says how many levels there are; --levels does not go with it");
	rc = open_unplaced(t, err);
	if (!rc && mmw_image_damage(t->image)[0])
		mmw_warn("%s", mmw_image_damage(t->image));
	return rc ? rc : place(t, err);
}

int mmw_target_open(struct mmw_target *t, struct mmw_err *err)
{
	int rc;

	mmw_bar_start(t);
	t->oopts.progress = t->kopts.progress = &t->bar.progress;
	rc = open_target(t, err);
	mmw_bar_stop(t);
	if (!rc)
		warn_several(t);
	return rc;
}

void mmw_target_close(struct mmw_target *t)
{
	mmw_kernel_close(t->kernel);
	mmw_image_close(t->image);
}

int mmw_target_need_kernel(const struct mmw_target *t, struct mmw_err *err)
{
	if (mmw_kernel_found(t->kernel))
		return 0;
	return mmw_fail(err, MMW_E_NOSYM, 0, "%s", mmw_kernel_why_not(t->kernel));
}

int mmw_target_need_space(const struct mmw_target *t, const struct mmw_space **out, struct mmw_err *err)
{
	*out = mmw_kernel_space(t->kernel);
	if (*out)
		return 0;
	return mmw_fail(err, MMW_E_NODATA, 0, "no page tables are known (%s); --root PA says where they are", mmw_kernel_why_not(t->kernel));
}

int mmw_target_space(const struct mmw_target *t, const struct mmw_space_opts *o, struct mmw_space *out,
		     struct mmw_err *err)
{
	const struct mmw_space *space;
	int rc;

	if (o->has_cpu && t->kopts.has_root)
		return mmw_fail(err, MMW_E_ARG, 0, "--cpu and --root exclude each other");
	if (o->has_cpu) {
		rc = mmw_kernel_cpu_space(t->kernel, o->cpu, out, err);
	} else {
		rc = mmw_target_need_space(t, &space, err);
		if (!rc)
			*out = *space;
	}
	if (rc || !o->user)
		return rc;
	rc = mmw_kernel_user_space(t->kernel, out, err);
	return rc ? mmw_wrap(err, rc, "--user-root") : 0;
}

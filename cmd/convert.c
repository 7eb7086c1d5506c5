/* SPDX-License-Identifier: GPL-2.0-or-later */
/* convert: the same memory as an ELF core, a kdump-compressed dump, LiME or raw. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "formats/pack.h"
#include "formats/write.h"
#include "lib/base/vec.h"

enum {
	COL_OUT, COL_FORMAT, COL_COMPRESS, COL_PAGE_SIZE, COL_STORED, COL_ZERO, COL_EXCLUDED, COL_MISSING, COL_PADDED,
	COL_CPUS, COL_VMCOREINFO, COL_BYTES_IN, COL_BYTES_OUT,
};

static const struct mmw_col cols[] = {
	[COL_OUT] = { "out", "the file written", 20, false, true },
	[COL_FORMAT] = { "format", "elf, kdump, lime, raw", 6, false, true },
	[COL_COMPRESS] = { "compress", "kdump: how pages are compressed", 8, false, false },
	[COL_PAGE_SIZE] = { "page_size", "bytes of a page", 9, true, false },
	[COL_STORED] = { "stored", "pages written", 10, true, true },
	[COL_ZERO] = { "zero", "of these, all zero", 10, true, true },
	[COL_EXCLUDED] = { "excluded", "pages that the image's dumper left out", 10, true, true },
	[COL_MISSING] = { "missing", "pages that the image should hold but does not", 10, true, true },
	[COL_PADDED] = { "padded", "bytes of zeros that fill up pages held in part", 6, true, false },
	[COL_CPUS] = { "cpus", "CPUs whose registers are in it", 4, true, false },
	[COL_VMCOREINFO] = { "vmcoreinfo", "where its VMCOREINFO note is from: image, memory", 10, false, false },
	[COL_BYTES_IN] = { "bytes_in", "bytes of memory written", 12, true, true },
	[COL_BYTES_OUT] = { "bytes_out", "of the file", 12, true, true },
	{ 0 },
};

enum {
	KEY_TO = 't', KEY_COMPRESS = 'c', KEY_LEVEL = 'l',
	IMAGE_MAX = 256 << 20,  /* bytes of a kernel's image, at most */
};

struct convert_opts {
	const struct mmw_writer *to;
	bool pack, has_codec;
	enum mmw_codec codec;
	int level;
};

static const struct argp_option options[] = {
	{ "to", KEY_TO, "FORMAT", 0, "elf, kdump, lime or raw (default: as the end of OUT's name says, else elf)", 0 },
	{ "compress", KEY_COMPRESS, "NAME", 0, "kdump: zlib (default), lzo, snappy, zstd or none", 0 },
	{ "level", KEY_LEVEL, "N", 0, "kdump: from 1, fast (default), to 12 for zlib, 9 for lzo, 19 for zstd", 0 },
	{ 0 },
};

static const struct {
	const char *name;
	enum mmw_codec codec;
} codecs[] = {
	{ "zlib", MMW_CODEC_ZLIB },
	{ "lzo", MMW_CODEC_LZO },
	{ "snappy", MMW_CODEC_SNAPPY },
	{ "zstd", MMW_CODEC_ZSTD },
};

static const char *codec_name(const struct mmw_write_opts *o)
{
	for (size_t i = 0; o->pack && i < mmw_array_len(codecs); i++)
		if (codecs[i].codec == o->codec)
			return codecs[i].name;
	return "none";
}

static void parse_codec(struct argp_state *state, struct convert_opts *o, const char *name)
{
	o->has_codec = true;
	o->pack = strcmp(name, "none");
	for (size_t i = 0; o->pack && i < mmw_array_len(codecs); i++) {
		if (!strcmp(codecs[i].name, name)) {
			o->codec = codecs[i].codec;
			return;
		}
	}
	if (o->pack)
		argp_error(state, "--compress: '%s' is none of zlib, lzo, snappy, zstd, none", name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct convert_opts *o = state->input;

	switch (key) {
	case KEY_TO:
		o->to = mmw_writer_by_name(arg);
		if (!o->to)
			argp_error(state, "--to: '%s' is none of elf, kdump, lime, raw", arg);
		return 0;
	case KEY_COMPRESS:
		parse_codec(state, o, arg);
		return 0;
	case KEY_LEVEL:
		o->level = (int)mmw_arg_num(state, "--level", arg);
		if (!o->level)
			argp_error(state, "--level: levels start at 1");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- what the kernel says ----------------------------------------------------------------------------------------- */

/* Is the kernel's image mapped apart from the linear map? */
static bool image_apart(const struct mmw_layout *l, uint64_t delta)
{
	for (size_t i = 0; i < l->n_regions; i++)
		if (l->regions[i].linear && l->regions[i].delta != delta)
			return true;
	return false;
}

static void add_map(struct mmw_write_opts *o, const struct mmw_region *r)
{
	struct mmw_write_map m = { r->first - r->delta, r->last - r->first, r->first };
	size_t at = o->n_maps;

	m.len = m.len < UINT64_MAX - m.pa ? m.len + 1 : UINT64_MAX - m.pa;
	if (at == MMW_WRITE_MAPS_MAX)
		return;
	for (; at && o->maps[at - 1].pa > m.pa; at--)
		o->maps[at] = o->maps[at - 1];
	o->maps[at] = m;
	o->n_maps++;
}

/* Regions that go on where another ends. */
static void join_maps(struct mmw_write_opts *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n_maps; i++) {
		struct mmw_write_map *last = n ? &o->maps[n - 1] : NULL;

		if (last && last->pa + last->len == o->maps[i].pa && last->va + last->len == o->maps[i].va)
			last->len += o->maps[i].len;
		else
			o->maps[n++] = o->maps[i];
	}
	o->n_maps = n;
}

/* Where no symbol ends the image: behind the last page that the tables map as the image is. */
static uint64_t mapped_end(struct mmw_target *t, uint64_t first, uint64_t delta)
{
	const struct mmw_space *space = mmw_kernel_space(t->kernel);
	uint64_t last = first < UINT64_MAX - IMAGE_MAX ? first + IMAGE_MAX : UINT64_MAX, end = 0;
	struct mmw_walk *w = space ? malloc(sizeof(*w)) : NULL;
	struct mmw_ent e;

	if (!w)
		return 0;
	mmw_walk_init(w, mmw_kernel_reader(t->kernel), space, first, last);
	while (mmw_walk_next(w, &e, NULL) == 1)
		if (e.kind == MMW_ENT_LEAF && e.pa == e.va - delta && e.last < UINT64_MAX)
			end = e.last + 1;
	free(w);
	return end;
}

/* From its first byte to its last, in whole pages. */
static void find_image(struct mmw_target *t, uint64_t delta, struct mmw_write_opts *o)
{
	uint64_t first = 0, end = 0, page = o->page_size;

	if (mmw_kernel_symbol(t->kernel, "_text", &first, NULL, NULL) &&
	    mmw_kernel_symbol(t->kernel, "_stext", &first, NULL, NULL))
		return;
	if (mmw_kernel_symbol(t->kernel, "_end", &end, NULL, NULL))
		end = mapped_end(t, first, delta);
	if (end <= first || end > UINT64_MAX - page)
		return;
	first -= first % page;
	end = (end + page - 1) / page * page;
	if (first - delta <= UINT64_MAX - (end - first))
		o->image = (struct mmw_write_map){ first - delta, end - first, first };
}

static void find_maps(struct mmw_target *t, struct mmw_write_opts *o)
{
	const struct mmw_arch *arch = mmw_kernel_arch(t->kernel);
	const struct mmw_layout *l = mmw_kernel_layout(t->kernel);
	uint64_t delta = 0;
	bool has_delta = mmw_kernel_delta(t->kernel, &delta), apart = has_delta && image_apart(l, delta);

	for (size_t i = 0; i < l->n_regions; i++)
		if (l->regions[i].linear && !(apart && l->regions[i].delta == delta))
			add_map(o, &l->regions[i]);
	join_maps(o);
	if (apart)
		find_image(t, delta, o);
	if (arch && arch->machine == EM_X86_64) {
		o->has_phys_base = has_delta;
		o->phys_base = 0xffffffff80000000 - delta;  /* __START_KERNEL_map */
	} else if (o->n_maps) {
		o->has_phys_base = true;
		o->phys_base = o->maps[0].pa;
	}
}

static bool wide_machine(uint16_t machine)
{
	return machine != EM_386 && machine != EM_ARM && machine != EM_PPC && machine != EM_MIPS;
}

/* utsname's version is what ends the banner. */
static const char *version_of(const char *banner)
{
	const char *at = strstr(banner, " #");

	return at ? at + 1 : "";
}

static void ask_kernel(struct mmw_target *t, struct mmw_write_opts *o)
{
	const struct mmw_arch *arch = mmw_kernel_arch(t->kernel);

	o->machine = mmw_image_machine(t->image);
	if (!o->machine && arch)
		o->machine = arch->machine;
	o->wide = arch ? arch->word == 8 : wide_machine(o->machine);
	o->page_size = 1u << mmw_kernel_page_shift(t->kernel);
	o->vmcoreinfo = mmw_kernel_vmcoreinfo(t->kernel);
	o->release = mmw_kernel_release(t->kernel);
	o->version = version_of(mmw_kernel_banner(t->kernel));
	find_maps(t, o);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

/* The file being written, while there is one: a signal must find its name. */
static char temporary[PATH_MAX];

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP };

static void on_signal(int number)
{
	unlink(temporary);
	signal(number, SIG_DFL);
	raise(number);
}

static void hold_signals(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < mmw_array_len(deadly); i++)
		sigaddset(&set, deadly[i]);
	pthread_sigmask(SIG_BLOCK, &set, before);
}

/* Beside OUT, so that it can become OUT at once; nobody but the owner may read memory. */
static int open_temporary(const char *out, int *fd, struct mmw_err *err)
{
	struct sigaction act = { .sa_handler = on_signal };
	sigset_t before;
	int saved;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", out) >= (int)sizeof(temporary))
		return mmw_fail(err, MMW_E_ARG, 0, "the name of OUT is too long");
	hold_signals(&before);
	*fd = mkostemp(temporary, O_CLOEXEC);
	saved = errno;
	for (size_t i = 0; *fd >= 0 && i < mmw_array_len(deadly); i++) {
		struct sigaction old;

		/* What is ignored (nohup) stays so. */
		if (!sigaction(deadly[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(deadly[i], &act, NULL);
	}
	signal(SIGXFSZ, SIG_IGN);  /* an error when writing, then */
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return *fd < 0 ? mmw_fail_sys(err, "%s", out) : 0;
}

static void drop_signals(void)
{
	for (size_t i = 0; i < mmw_array_len(deadly); i++) {
		struct sigaction old;

		if (!sigaction(deadly[i], NULL, &old) && old.sa_handler == on_signal)
			signal(deadly[i], SIG_DFL);
	}
}

/* The name itself has to be on the disk, too; where the file system does not do that, there is no more to be had. */
static void sync_folder(const char *out)
{
	const char *slash = strrchr(out, '/');
	char *folder = !slash ? strdup(".") : slash == out ? strdup("/") : strndup(out, slash - out);
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

static int already_there(const char *out, struct mmw_err *err)
{
	return mmw_fail(err, MMW_E_ARG, 0, "%s is there already; --force replaces it", out);
}

/* Without --force nothing is replaced, not even what appeared in the meantime. */
static int rename_to(const char *out, bool force, struct mmw_err *err)
{
	if (!force && !renameat2(AT_FDCWD, temporary, AT_FDCWD, out, RENAME_NOREPLACE))
		return 0;
	if (!force && errno == EEXIST)
		return already_there(out, err);
	if (!force && errno != EINVAL && errno != ENOSYS)
		return mmw_fail_sys(err, "%s", out);
	/* This file system cannot look and rename at once. */
	if (!force && !access(out, F_OK))
		return already_there(out, err);
	return rename(temporary, out) ? mmw_fail_sys(err, "%s", out) : 0;
}

/* rc: how the writing went. The temporary file becomes OUT, or is gone. */
static int close_temporary(const char *out, int fd, bool force, int rc, struct mmw_err *err)
{
	sigset_t before;

	if (!rc && fsync(fd))
		rc = mmw_fail_sys(err, "%s", out);
	if (close(fd) && !rc)
		rc = mmw_fail_sys(err, "%s", out);
	hold_signals(&before);
	rc = rc ? rc : rename_to(out, force, err);
	if (rc)
		unlink(temporary);
	else
		sync_folder(out);
	drop_signals();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static bool same_file(const struct stat *a, const char *spec)
{
	const char *at = strrchr(spec, '@');
	char *path = at && access(spec, F_OK) ? strndup(spec, at - spec) : strdup(spec);
	struct stat b;
	bool same = path && !stat(path, &b) && a->st_dev == b.st_dev && a->st_ino == b.st_ino;

	free(path);
	return same;
}

/* May OUT be written? *real: what it is a link to, if it is (to be freed), or NULL. */
static int check_out(const struct mmw_target *t, const char *out, bool force, char **real, struct mmw_err *err)
{
	struct stat st;

	*real = NULL;
	if (stat(out, &st))
		return errno == ENOENT ? 0 : mmw_fail_sys(err, "%s", out);
	if (same_file(&st, t->image_name))
		return mmw_fail(err, MMW_E_ARG, 0, "%s is the image itself", out);
	for (size_t i = 0; i < t->oopts.n_parts; i++)
		if (same_file(&st, t->parts[i]))
			return mmw_fail(err, MMW_E_ARG, 0, "%s is part of the image", out);
	if (!S_ISREG(st.st_mode))
		return mmw_fail(err, MMW_E_ARG, 0, "%s is %s", out,
				S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
	if (!force)
		return already_there(out, err);
	*real = realpath(out, NULL);
	return *real ? 0 : mmw_fail_sys(err, "%s", out);
}

/* --- what became of it -------------------------------------------------------------------------------------------- */

struct job {
	struct mmw_target *t;
	const char *out;
	const struct mmw_writer *to;
	struct mmw_write_opts w;
	struct mmw_write_stats st;
};

static uint64_t pages(const struct job *j, uint64_t bytes)
{
	return bytes / j->w.page_size + (bytes % j->w.page_size != 0);
}

/* Registers that no ELF note has a place for. */
static void say_registers(const struct job *j)
{
	size_t n = mmw_image_cpus(j->t->image);
	uint32_t known = 0;
	char text[256] = "";
	size_t used = 0;
	bool x86 = j->w.machine == EM_X86_64 || j->w.machine == EM_386;

	if (!n || (j->st.cpus && !j->st.made_registers))
		return;
	for (size_t i = 0; i < n; i++)
		known |= mmw_image_cpu(j->t->image, i)->known;
	for (int reg = 0; reg < MMW_REG_COUNT; reg++)
		if ((known & 1u << reg) &&
		    (!j->st.cpus || (reg != MMW_REG_PC && reg != MMW_REG_SP && (!x86 || reg == MMW_REG_EFER))))
			used += snprintf(text + used, sizeof(text) - used, "%s%s", used ? ", " : "", mmw_reg_name(reg));
	if (used)
		mmw_warn("registers of %zu CPUs have no place in it: %s", n, text);
}

static void say_losses(struct job *j)
{
	const struct mmw_write_stats *st = &j->st;
	const char *zeros = j->to->holes ? "" : "; they are zeros now";

	if (st->missing) {
		mmw_warn("%" PRIu64 " pages were missing in %s%s", pages(j, st->missing), mmw_image_name(j->t->image),
			 zeros);
		if (st->corrupt)
			mmw_warn("%" PRIu64 " of them are there, but damaged", pages(j, st->corrupt));
	}
	if (st->excluded && !j->to->notes)
		mmw_warn("%" PRIu64 " pages were left out by the image's dumper%s, and this format does not tell it%s",
			 pages(j, st->excluded), mmw_image_excluded_or_zero(j->t->image) ? " or were zero" : "", zeros);
	if (st->padded)
		mmw_warn("%" PRIu64 " bytes of zeros fill up pages that are there in part only", st->padded);
	if (!j->w.machine && j->to->notes)
		mmw_warn("nothing says which architecture this memory is of, and so does the new file (--arch tells)");
	if (!j->to->notes && (mmw_image_cpus(j->t->image) || mmw_image_vmcoreinfo(j->t->image)))
		mmw_warn("this format holds no registers and no VMCOREINFO note");
	else if (j->to->notes)
		say_registers(j);
}

static void print_summary(const struct job *j)
{
	const struct mmw_write_stats *st = &j->st;
	FILE *to = strcmp(j->out, "-") ? j->t->out.to : stderr;

	fprintf(to,
		"%s: %s%s%s%s, %" PRIu64 " pages of %" PRIu32 " bytes: %" PRIu64 " stored (%" PRIu64
		" of them zero), %" PRIu64 " excluded, %" PRIu64 " missing; %" PRIu64 " bytes of memory in %" PRIu64
		"\n",
		j->out, j->to->name, j->to->streams ? " (" : "", j->to->streams ? codec_name(&j->w) : "",
		j->to->streams ? ")" : "", pages(j, st->stored + st->excluded + st->missing), j->w.page_size,
		pages(j, st->stored), pages(j, st->zero), pages(j, st->excluded), pages(j, st->missing), st->stored,
		st->size);
}

static void row(const struct job *j)
{
	const struct mmw_write_stats *st = &j->st;
	struct mmw_out *o = &j->t->out;

	mmw_out_str(o, COL_OUT, j->out);
	mmw_out_str(o, COL_FORMAT, j->to->name);
	if (j->to->streams)
		mmw_out_str(o, COL_COMPRESS, codec_name(&j->w));
	else
		mmw_out_none(o, COL_COMPRESS);
	mmw_out_num(o, COL_PAGE_SIZE, j->w.page_size);
	mmw_out_num(o, COL_STORED, pages(j, st->stored));
	mmw_out_num(o, COL_ZERO, pages(j, st->zero));
	mmw_out_num(o, COL_EXCLUDED, pages(j, st->excluded));
	mmw_out_num(o, COL_MISSING, pages(j, st->missing));
	mmw_out_num(o, COL_PADDED, st->padded);
	mmw_out_num(o, COL_CPUS, st->cpus);
	if (st->has_vmcoreinfo)
		mmw_out_str(o, COL_VMCOREINFO, st->made_vmcoreinfo ? "memory" : "image");
	else
		mmw_out_none(o, COL_VMCOREINFO);
	mmw_out_num(o, COL_BYTES_IN, st->stored);
	mmw_out_num(o, COL_BYTES_OUT, st->size);
	mmw_out_row(o);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static int check_opts(const struct convert_opts *o, struct job *j, struct mmw_err *err)
{
	bool stream = !strcmp(j->out, "-");
	struct mmw_pack_levels levels;

	j->to = o->to ? o->to : mmw_writer_for(j->out);
	if (!j->to)
		j->to = mmw_writer_by_name(stream ? "kdump" : "elf");
	j->w.pack = j->to->streams && (o->pack || !o->has_codec);
	j->w.codec = o->codec;
	j->w.level = o->level;
	if (!j->to->streams && (o->has_codec || o->level))
		return mmw_fail(err, MMW_E_ARG, 0, "--%s goes with --to kdump: nothing is compressed in %s",
				o->has_codec ? "compress" : "level", j->to->name);
	levels = mmw_pack_levels(o->codec);
	if (o->level && (!j->w.pack || o->level > levels.max))
		return mmw_fail(err, MMW_E_ARG, 0, "--level: %s has %s", codec_name(&j->w),
				!j->w.pack || !levels.max ? "no levels" : "not that many (--help tells)");
	if (stream && !j->to->streams)
		return mmw_fail(err, MMW_E_ARG, 0, "only a kdump can be written to standard output (flattened)");
	if (stream && (j->t->json || j->t->output))
		return mmw_fail(err, MMW_E_ARG, 0,
				"standard output is taken by the dump: --json and --output do not go with it");
	if (stream && isatty(STDOUT_FILENO))
		return mmw_fail(err, MMW_E_ARG, 0, "a dump is not for a terminal: standard output must lead elsewhere");
	return 0;
}

static int write_to(struct job *j, int fd, struct mmw_err *err)
{
	struct mmw_sink sink = { .fd = fd, .name = j->out, .flattened = !strcmp(j->out, "-") };
	int rc;

	mmw_bar_start(j->t);
	j->w.threads = j->t->kopts.threads;
	j->w.progress = &j->t->bar.progress;
	rc = mmw_write(j->t->image, j->to, &j->w, &sink, &j->st, err);
	mmw_bar_stop(j->t);
	return rc;
}

static int write_file(struct job *j, bool force, struct mmw_err *err)
{
	char *real;
	int fd = -1, rc = check_out(j->t, j->out, force, &real, err);
	const char *path = real ? real : j->out;

	rc = rc ? rc : open_temporary(path, &fd, err);
	if (!rc)
		rc = close_temporary(path, fd, force, write_to(j, fd, err), err);
	free(real);
	return rc;
}

static int run(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err)
{
	const struct convert_opts *o = opts;
	struct job j = { .t = t, .out = argc ? argv[0] : NULL };
	int rc;

	if (argc != 1)
		return mmw_fail(err, MMW_E_ARG, 0,
				argc ? "'%s': nothing is expected after OUT" : "where to? OUT is missing",
				argc ? argv[1] : "");
	rc = check_opts(o, &j, err);
	if (rc)
		return rc;
	ask_kernel(t, &j.w);
	rc = strcmp(j.out, "-") ? write_file(&j, t->kopts.force, err) : write_to(&j, STDOUT_FILENO, err);
	if (rc)
		return rc;
	if (t->out.mode == MMW_OUT_TEXT)
		print_summary(&j);
	else
		row(&j);
	if (t->out.mode != MMW_OUT_JSON)
		say_losses(&j);
	t->damage = t->damage || j.st.missing;
	return 0;
}

const struct mmw_cmd mmw_cmd_convert = {
	.name = "convert",
	.summary = "the image in another format: ELF, kdump, LiME, raw",
	.args = "OUT",
	.doc = "Write the memory of the image, its registers and notes as another image, OUT, that crash, drgn, "
	       "libkdumpfile and makedumpfile read: an ELF core, a kdump-compressed dump, LiME or raw memory. What the "
	       "image lacks (VMCOREINFO, addresses of the linear map) is taken from the kernel in it. OUT is - for a "
	       "flattened kdump on standard output. An OUT that is there already is replaced with --force only.",
	.options = options,
	.parse = parse,
	.opts_size = sizeof(struct convert_opts),
	.cols = cols,
	.schema = "convert/1",
	.run = run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that the user names: vmlinux, a .debug file, System.map, a copy of /proc/kallsyms.
 *
 * A file is believed once it is shown to be of the kernel in the image: by build ID, by its banner, or by what image and
 * file both list lying at the same distance. That distance is also how far the kernel runs from where it was linked.
 * Where the image lists nothing at all, the banner's text in memory and the kernel's own tables lead to it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/file.h"
#include "lib/base/vec.h"
#include "lib/kernel/bound.h"
#include "lib/sym/debugfile.h"
#include "lib/sym/dwarf.h"

enum {
	TEXT_MAX = 256 << 20,   /* a System.map has 10 MB */
	SAMPLES = 64,           /* symbols of each source that are compared */
	BANNER_MAX = 512,
	BTF_MAX = 64 << 20,
};

struct mmw_userfile {
	const struct mmw_kernel_file *given;
	struct mmw_symtab *tab;      /* NULL: no symbols were asked for, or it has none */
	struct mmw_debugfile *elf;   /* NULL: it is a text */
	struct mmw_btf *btf;         /* of its section .BTF */
	struct mmw_dwarf *dwarf;
	bool attached;               /* tab is where the kernel runs */
	uint64_t slide;
	size_t asked, same;          /* symbols compared */
};

static const char *option_of(const struct mmw_userfile *f)
{
	return f->given->symbols ? "--symbols" : "--types";
}

static const char *source_of(const struct mmw_userfile *f)
{
	return f->elf ? "vmlinux" : "System.map";
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static int take_elf_symbols(struct mmw_userfile *f, struct mmw_err *err)
{
	const struct mmw_debugsym *syms;
	size_t n;
	int rc = mmw_debugfile_symbols(f->elf, &syms, &n, err);

	if (!rc)
		rc = mmw_symtab_new(&f->tab, err);
	for (size_t i = 0; !rc && i < n; i++) {
		size_t len = strlen(syms[i].name);

		/* A name that no kernel could list is none that is asked for. */
		if (len < MMW_KSYM_NAME_MAX)
			rc = mmw_symtab_add(f->tab, syms[i].value, syms[i].type, syms[i].name, len, err);
	}
	return rc ? rc : mmw_symtab_seal(f->tab, err);
}

static int take_text(struct mmw_userfile *f, struct mmw_file *file, struct mmw_err *err)
{
	char *text;
	int rc;

	if (file->size > TEXT_MAX)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "neither an ELF file nor a System.map");
	text = malloc(file->size);
	if (!text)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a text of %" PRIu64 " bytes", file->size);
	rc = mmw_file_read(file, 0, text, file->size, err);
	if (!rc)
		rc = mmw_symtab_text(text, file->size, &f->tab, err);
	free(text);
	return rc;
}

static int open_file(struct mmw_userfile *f, const char *root, struct mmw_err *err)
{
	struct mmw_file *file;
	uint8_t magic[4] = { 0 };
	int rc = mmw_file_open(f->given->path, &file, err);

	if (rc)
		return rc;
	if (file->size >= sizeof(magic))
		rc = mmw_file_read(file, 0, magic, sizeof(magic), err);
	if (!rc && !memcmp(magic, "\177ELF", 4)) {
		rc = mmw_debugfile_open(f->given->path, root, &f->elf, err);
		if (!rc && f->given->symbols)
			rc = take_elf_symbols(f, err);
	} else if (!rc && !f->given->symbols) {
		rc = mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s has no types: it is no ELF file", f->given->path);
	} else if (!rc) {
		rc = mmw_wrap(err, take_text(f, file, err), "%s", f->given->path);
	}
	mmw_file_close(file);
	return rc;
}

int mmw_userfiles_open(struct mmw_kernel *k, struct mmw_err *err)
{
	int rc = 0;

	if (k->opts.n_files > MMW_FILES_MAX)
		return mmw_fail(err, MMW_E_ARG, 0, "%zu files are too many", k->opts.n_files);
	k->files = calloc(k->opts.n_files ? k->opts.n_files : 1, sizeof(*k->files));
	if (!k->files)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for files");
	for (; !rc && k->n_files < k->opts.n_files; k->n_files++) {
		struct mmw_userfile *f = &k->files[k->n_files];

		f->given = &k->opts.files[k->n_files];
		rc = open_file(f, k->opts.debug_root, err);
		mmw_wrap(err, rc, "%s", option_of(f));
	}
	return rc;
}

void mmw_userfiles_close(struct mmw_kernel *k)
{
	for (size_t i = 0; i < k->n_files; i++) {
		mmw_symtab_close(k->files[i].tab);
		mmw_btf_close(k->files[i].btf);
		mmw_dwarf_close(k->files[i].dwarf);
		mmw_debugfile_close(k->files[i].elf);
	}
	free(k->files);
}

size_t mmw_userfile_source(const struct mmw_kernel *k, size_t index, const char **name, const struct mmw_symtab **tab)
{
	if (index < k->n_files) {
		*name = source_of(&k->files[index]);
		*tab = k->files[index].attached ? k->files[index].tab : NULL;
	}
	return k->n_files;
}

static int read_btf(struct mmw_userfile *f, struct mmw_err *err)
{
	const struct mmw_debugfile_info *info = mmw_debugfile_info(f->elf);
	struct mmw_debugsect *section;
	uint8_t *bytes;
	uint64_t size;
	int rc = mmw_debugfile_section(f->elf, ".BTF", &section, err);

	if (rc)
		return rc;
	size = mmw_debugsect_size(section);
	if (size > BTF_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "BTF of %" PRIu64 " bytes", size);
	bytes = malloc(size);
	if (!bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for BTF");
	rc = mmw_debugsect_read(section, 0, bytes, size, err);
	if (!rc)
		rc = mmw_btf_open(bytes, size, info->big_endian, info->word, &f->btf, err);
	if (rc)
		free(bytes);
	return rc;
}

/* BTF first: it is small and answers at once. */
static void add_types(struct mmw_kernel *k, struct mmw_userfile *f)
{
	struct mmw_typesrc dwarf = {
		"DWARF", NULL, mmw_dwarf_member, mmw_dwarf_type_size, mmw_dwarf_enumerator, NULL,
		mmw_dwarf_find, mmw_dwarf_describe, mmw_dwarf_parts,
	};
	struct mmw_err err;

	if (!read_btf(f, NULL)) {
		mmw_kernel_add_btf(k, "vmlinux BTF", f->btf);
		mmw_kernel_note(k, "types", false, "%zu from the BTF of %s", mmw_btf_types(f->btf), f->given->path);
	}
	if (!mmw_dwarf_open(f->elf, &f->dwarf, &err)) {
		dwarf.src = f->dwarf;
		mmw_kernel_add_types(k, &dwarf);
		mmw_kernel_note(k, "types", false, "from the DWARF of %s", mmw_debugfile_info(f->elf)->dwarf_path);
	} else {
		mmw_kernel_note(k, "types", false, "%s", err.msg);
	}
}

void mmw_userfiles_types(struct mmw_kernel *k)
{
	for (size_t i = 0; i < k->n_files; i++)
		if (k->files[i].elf && k->files[i].given->types)
			add_types(k, &k->files[i]);
}

/* --- does it belong? -------------------------------------------------------------------------------------------- */

static bool symbol_in(const struct mmw_userfile *f, const char *name, uint64_t *va)
{
	struct mmw_ksym sym;
	size_t pos = 0;

	if (!f->tab || !mmw_symtab_by_name(f->tab, name, &pos, &sym))
		return false;
	*va = sym.addr;
	return true;
}

/* Several symbols may have the name: one of them must be there. */
static bool is_at(const struct mmw_userfile *f, const char *name, uint64_t va)
{
	struct mmw_ksym sym;
	size_t pos = 0;

	while (mmw_symtab_by_name(f->tab, name, &pos, &sym))
		if (sym.addr == va)
			return true;
	return false;
}

/* Symbols of the image, evenly over its tables, that the file has too. */
static void compare(const struct mmw_kernel *k, struct mmw_userfile *f)
{
	struct mmw_symsrc sources[MMW_SYMSRC_MAX];
	size_t n = mmw_kernel_own_sources(k, sources);
	struct mmw_ksym sym;

	f->asked = f->same = 0;
	for (size_t s = 0; s < n; s++) {
		size_t count = sources[s].count(sources[s].src);

		for (size_t i = 0; i < count; i += count / SAMPLES + 1) {
			if (sources[s].at(sources[s].src, i, &sym, NULL) || sym.addr < k->arch->image_first)
				continue;
			f->asked++;
			f->same += is_at(f, sym.name, sym.addr - f->slide);
		}
	}
}

static bool find_slide(const struct mmw_kernel *k, const struct mmw_userfile *f, uint64_t *slide)
{
	static const char *const names[] = { "_stext", "_text", "init_uts_ns", "swapper_pg_dir" };
	uint64_t runs, linked;

	for (size_t i = 0; i < mmw_array_len(names); i++)
		if (!mmw_kernel_symbol_listed(k, names[i], &runs) && symbol_in(f, names[i], &linked)) {
			*slide = runs - linked;
			return true;
		}
	return false;
}

static void attach(struct mmw_kernel *k, struct mmw_userfile *f, uint64_t slide)
{
	f->slide = slide;
	mmw_symtab_move(f->tab, k->arch->image_first, slide);
	f->attached = true;
}

static int refuse(const struct mmw_userfile *f, struct mmw_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int refuse(const struct mmw_userfile *f, struct mmw_err *err, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return mmw_fail(err, MMW_E_ARG, 0, "%s: %s is not of the kernel in this image: %s (--force takes it all the same)",
			option_of(f), f->given->path, why);
}

/* A table of another build agrees on nothing; one of this build may lack a few that the linker made. */
static int attach_table(struct mmw_kernel *k, struct mmw_userfile *f, struct mmw_err *err)
{
	uint64_t slide = 0;
	bool fits;

	if (!find_slide(k, f, &slide) && !k->opts.force)
		return refuse(f, err, "none of the symbols that the image knows is in it");
	f->slide = slide;
	compare(k, f);
	fits = f->same * 4 >= f->asked * 3;
	if (!fits && !k->opts.force)
		return refuse(f, err, "of %zu symbols that the image knows, %zu lie where the file says", f->asked, f->same);
	attach(k, f, slide);
	mmw_kernel_note(k, "symbols", !fits, "%zu from %s, linked at 0x%" PRIx64 " less; %zu of %zu lie where the "
			"image says", mmw_symtab_count(f->tab), f->given->path, slide, f->same, f->asked);
	return 0;
}

int mmw_userfiles_attach(struct mmw_kernel *k, struct mmw_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < k->n_files; i++)
		if (k->files[i].tab && !k->files[i].attached)
			rc = attach_table(k, &k->files[i], err);
	return rc;
}

static int check_elf(const struct mmw_kernel *k, const struct mmw_userfile *f, struct mmw_err *err)
{
	const struct mmw_debugfile_info *info = mmw_debugfile_info(f->elf);
	char id[2 * MMW_BUILD_ID_MAX + 1], banner[BANNER_MAX];

	if (info->machine != k->arch->machine)
		return refuse(f, err, "it is of another machine (ELF number %u)", info->machine);
	mmw_hex_text(info->build_id, info->build_id_len, id);
	if (*id && *k->build_id)
		return strcmp(id, k->build_id) ? refuse(f, err, "its build ID is %s, the kernel's %s", id, k->build_id) : 0;
	if (*k->banner && !mmw_debugfile_banner(f->elf, banner, sizeof(banner), NULL))
		return strcmp(banner, k->banner) ? refuse(f, err, "it is \"%.80s\", the kernel \"%.80s\"", banner, k->banner) : 0;
	return f->asked ? 0 : refuse(f, err, "nothing in the image says which kernel it has");
}

int mmw_userfiles_check(struct mmw_kernel *k, struct mmw_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < k->n_files; i++) {
		if (!k->files[i].elf)
			continue;
		rc = check_elf(k, &k->files[i], err);
		if (rc && k->opts.force) {
			mmw_kernel_note(k, "files", true, "%s was not to be used, but --force was given", k->files[i].given->path);
			rc = 0;
		}
	}
	return rc;
}

/* --- a kernel that nothing in the image names --------------------------------------------------------------------- */

/* Is va mapped to pa, as code? The linear map has the kernel's text too, but not to be executed. */
static bool is_code(struct mmw_kernel *k, const struct mmw_space *space, uint64_t va, uint64_t pa)
{
	struct mmw_walk *w = malloc(sizeof(*w));
	struct mmw_ent e;
	bool is = false;

	if (!w)
		return false;
	mmw_walk_init(w, k->reader, space, va, va);
	if (mmw_walk_at(w, va, &e, NULL) == 1)
		is = e.kind == MMW_ENT_LEAF && e.hw && (e.rights & MMW_KX) && e.pa + (va - e.va) == pa;
	free(w);
	return is;
}

/* Something of the kernel's image: where it is linked, and where it lies. */
struct landmark {
	uint64_t linked, pa;
};

/* How far the kernel runs from where it was linked, by where these tables map the banner and, from there, its text. */
static bool slide_through(struct mmw_kernel *k, const struct mmw_space *space, const struct landmark *banner, uint64_t text,
			  uint64_t *slide)
{
	struct mmw_walk *w = malloc(sizeof(*w));
	struct mmw_ent e;
	bool found = false;

	if (!w)
		return false;
	mmw_walk_init(w, k->reader, space, k->arch->image_first, k->arch->image_last);
	while (!found && mmw_walk_next(w, &e, NULL) == 1) {
		if (e.kind != MMW_ENT_LEAF || !e.hw || banner->pa - e.pa > e.last - e.va)
			continue;
		*slide = e.va + (banner->pa - e.pa) - banner->linked;
		found = is_code(k, space, text + *slide, text - banner->linked + banner->pa);
	}
	free(w);
	return found;
}

/* As if the kernel ran where it was linked: then its variables lie where k->delta says, and its root is known. */
static bool place_at(struct mmw_kernel *k, struct mmw_userfile *f, const struct landmark *banner)
{
	struct mmw_space space = { .arch = k->arch };
	struct mmw_hints h = mmw_kernel_hints(k);
	uint64_t slide, text;

	if (!symbol_in(f, "_stext", &text) && !symbol_in(f, "_text", &text))
		return false;
	for (unsigned i = 0; k->arch->geometry(i, &space.paging); i++) {
		attach(k, f, 0);
		k->delta = banner->linked - banner->pa;
		k->has_delta = true;
		k->has_own = false;
		if (k->arch->from_kernel(&h, &space.paging, &space.root, NULL))
			continue;
		space.paging.big_endian = mmw_image_big_endian(k->img);
		if (!slide_through(k, &space, banner, text, &slide))
			continue;
		attach(k, f, slide);
		k->delta += slide;
		if (mmw_find_own_space(k))
			return true;
	}
	attach(k, f, 0);
	f->attached = k->has_delta = false;
	return false;
}

/* The text in memory is the file's own, as far as the file has it. */
static bool is_banner_of(struct mmw_kernel *k, const struct mmw_userfile *f, uint64_t pa)
{
	char banner[BANNER_MAX], here[BANNER_MAX];
	size_t len;

	if (!f->elf || k->opts.force || mmw_debugfile_banner(f->elf, banner, sizeof(banner), NULL))
		return true;
	len = strlen(banner);
	return !mmw_read(k->reader, pa, here, len, NULL) && !memcmp(here, banner, len);
}

static bool place_file(struct mmw_kernel *k, struct mmw_userfile *f, const uint64_t *banners, size_t n)
{
	struct landmark banner;

	if (!symbol_in(f, "linux_banner", &banner.linked))
		return false;
	for (size_t i = 0; i < n; i++) {
		banner.pa = banners[i];
		if (((banner.pa ^ banner.linked) & 0xfff) || !is_banner_of(k, f, banner.pa) || !place_at(k, f, &banner))
			continue;
		mmw_kernel_note(k, "kernel", false, "its banner is at physical 0x%" PRIx64 ", its root by %s, and that maps the "
				"banner at 0x%" PRIx64, banner.pa, f->given->path, banner.pa + k->delta);
		mmw_kernel_note(k, "symbols", false, "%zu from %s, linked at 0x%" PRIx64 " less", mmw_symtab_count(f->tab),
				f->given->path, f->slide);
		return true;
	}
	return false;
}

bool mmw_userfiles_place(struct mmw_kernel *k, const uint64_t *banners, size_t n)
{
	const struct mmw_arch *said = k->arch;

	for (size_t i = 0; i < k->n_files; i++)
		for (size_t a = 0; k->files[i].tab && mmw_arch_at(a); a++) {
			const struct mmw_debugfile *elf = k->files[i].elf;

			k->arch = mmw_arch_at(a);
			if (mmw_kernel_may_be(k, said, k->arch) &&
			    (!elf || mmw_debugfile_info(elf)->machine == k->arch->machine) &&
			    place_file(k, &k->files[i], banners, n))
				return true;
		}
	k->arch = said;
	return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of struct mmw_kernel, shared by the files of lib/kernel only. */
#ifndef MMW_KERNEL_BOUND_H
#define MMW_KERNEL_BOUND_H

#include "lib/kernel/kernel.h"
#include "lib/sym/ksymtab.h"
#include "lib/sym/symtab.h"
#include "lib/sym/types.h"
#include "lib/sym/vmcoreinfo.h"

enum { MMW_MARKS_MAX = 32, MMW_SHIFTS_MAX = 8 };
enum { MMW_TYPESRC_MAX = 3 + 2 * MMW_FILES_MAX };

struct mmw_userfile;
struct mmw_module_types;
struct mmw_code_symbol;
struct mmw_code_member;

struct mmw_kernel {
	const struct mmw_image *img;
	struct mmw_kernel_opts opts;
	struct mmw_reader *reader;

	const struct mmw_arch *arch;
	bool has_space;
	struct mmw_space space;
	struct mmw_vm vm;           /* over the kernel's own space, even when opts.root chose another to walk */
	struct mmw_space own;       /* the kernel's own */
	bool has_own;

	bool has_delta;
	uint64_t delta;
	struct mmw_kallsyms *ks;
	uint64_t ks_pa;             /* of its token table */
	char *vmcoreinfo;           /* owned */

	/* Tables that VMCOREINFO led to although no symbol table was found with it. */
	char *kept_text;
	struct mmw_space kept;
	uint64_t kept_delta;

	bool exports_tried, exports_needless;  /* needless: kallsyms has variables */
	struct mmw_symtab *exports;  /* asked for only where kallsyms lists functions alone */

	struct mmw_code_symbol *code;
	struct mmw_code_member *code_members;

	struct mmw_userfile *files;   /* one for each of opts.files */
	size_t n_files;

	bool modules_tried;
	struct mmw_modules *modules;
	struct mmw_err modules_err;

	struct mmw_module_types *module_types;

	bool types_tried;
	struct mmw_vmcoreinfo_types vmcoreinfo_types;
	struct mmw_btf *btf;
	uint64_t btf_size;            /* where only its header told */
	struct mmw_err btf_err;
	struct mmw_typesrc types[MMW_TYPESRC_MAX];
	size_t n_types;

	/* Of a search: where it saw something, and how far from its place the memory may be (lib/kernel/place.h). */
	uint64_t marks[MMW_MARKS_MAX];
	size_t n_marks;
	uint64_t shifts[MMW_SHIFTS_MAX];
	size_t n_shifts;

	bool layout_done;
	struct mmw_layout layout;
	char release[80], banner[256], build_id[48];
	struct mmw_err why_not;

	struct mmw_evidence *evidence;
	size_t n_evidence, cap_evidence;
	struct mmw_candidate *candidates;
	size_t n_candidates, cap_candidates;
};

/*
 * lib/kernel/code.c: variables by the code that uses them. The symbol's source ("code at schedule+0x12") lives as long as k,
 * NULL when code does not tell. The sources are asked with k as their src.
 */
int mmw_code_open(struct mmw_kernel *k, struct mmw_err *err);
void mmw_code_forget(struct mmw_kernel *k);
const char *mmw_code_symbol(struct mmw_kernel *k, const char *name, uint64_t *va);
extern const struct mmw_symsrc mmw_code_source;
extern const struct mmw_typesrc mmw_code_types;

/*
 * lib/kernel/userfile.c. Open reads what the options name. Attach moves symbol tables to where the kernel runs, by what the
 * image lists, and refuses those that do not fit; check compares build IDs and banners once these are known. Place binds
 * a kernel that no table in the image leads to: banners are the physical addresses of "Linux version " in memory.
 */
int mmw_userfiles_open(struct mmw_kernel *k, struct mmw_err *err);
void mmw_userfiles_close(struct mmw_kernel *k);
int mmw_userfiles_attach(struct mmw_kernel *k, struct mmw_err *err);
int mmw_userfiles_check(struct mmw_kernel *k, struct mmw_err *err);
bool mmw_userfiles_place(struct mmw_kernel *k, const uint64_t *banners, size_t n);
/* The number of files; of one of them, what it is called as a source and its symbols, NULL when it has none to ask. */
size_t mmw_userfile_source(const struct mmw_kernel *k, size_t index, const char **name, const struct mmw_symtab **tab);

/* Is there more to go by than the few lines of VMCOREINFO? */
bool mmw_kernel_names_text(const struct mmw_kernel *k);

/* Put what the files know of types at the end of the chain. */
void mmw_userfiles_types(struct mmw_kernel *k);
void mmw_kernel_add_types(struct mmw_kernel *k, const struct mmw_typesrc *source);
void mmw_kernel_add_btf(struct mmw_kernel *k, const char *name, struct mmw_btf *btf);

/* BTF as a source; the name is borrowed. */
struct mmw_typesrc mmw_btf_source(const char *name, struct mmw_btf *btf);

/* lib/kernel/modtypes.c. NULL is fine. */
void mmw_module_types_close(struct mmw_module_types *t);

/* The sources of symbols that are in the image itself. */
size_t mmw_kernel_own_sources(const struct mmw_kernel *k, struct mmw_symsrc out[MMW_SYMSRC_MAX]);

/* What was read of one candidate must not answer for another. */
void mmw_kernel_forget_exports(struct mmw_kernel *k);

/* By kallsyms or VMCOREINFO alone: 0 or MMW_E_NOSYM. */
int mmw_kernel_symbol_listed(const struct mmw_kernel *k, const char *name, uint64_t *va);

/*
 * lib/kernel/image.c: what lies somewhere in the kernel's own image. The window [*va, *va + *len) around its text, and the
 * first place in it where `mark` stands; `accept` may look closer (returns true to take it). With data_first, what follows
 * the symbol table is looked through first. The other one asks `accept` (with k) about pages that start with `mark` and
 * that a pointer in the image leads to.
 */
void mmw_image_window(const struct mmw_kernel *k, uint64_t *va, uint64_t *len);
bool mmw_image_find(struct mmw_kernel *k, bool data_first, const void *mark, size_t mark_len, unsigned align,
		    bool (*accept)(void *ctx, uint64_t va), void *ctx, uint64_t *va);
bool mmw_image_find_page(struct mmw_kernel *k, const char *mark, bool (*accept)(void *ctx, uint64_t va));

/* Remember how something was found. */
void mmw_kernel_note(struct mmw_kernel *k, const char *topic, bool guessed, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* May this architecture's kernel be in the image, when `said` (NULL: nothing) was said of it? */
bool mmw_kernel_may_be(const struct mmw_kernel *k, const struct mmw_arch *said, const struct mmw_arch *arch);

/* k->own holds, but without symbols: remember it in case nothing better is found. */
void mmw_kernel_keep_tables(struct mmw_kernel *k);

/* The questions of an architecture file, answered by k as far as it is bound (lib/kernel/hints.c). */
struct mmw_hints mmw_kernel_hints(struct mmw_kernel *k);

/*
 * lib/kernel/find.c: kallsyms in physical memory [pa, pa + len), which maps at pa + delta when has_delta. 1 and k->ks,
 * k->ks_pa are set; 0 when there is none.
 */
int mmw_find_kallsyms(struct mmw_kernel *k, uint64_t pa, uint64_t len, struct mmw_err *err);

/* A VMCOREINFO text that the search found. */
struct mmw_found_text {
	uint64_t pa;
	char *text;
};

/* lib/kernel/place.c: k->ks is whole, but no page tables confirm it; any of the texts may belong to it. Fills k->shifts. */
void mmw_place_learn(struct mmw_kernel *k, const struct mmw_found_text *texts, size_t n);

/* All of memory: fills k->candidates, binds the one chosen. 1, 0 when there is none, or a negative code. */
int mmw_find_search(struct mmw_kernel *k, struct mmw_err *err);

/* A VMCOREINFO text anywhere in memory whose root holds for the kernel that is bound: sets k->vmcoreinfo and k->own. */
bool mmw_find_vmcoreinfo(struct mmw_kernel *k);

/* Does the kernel's symbol table have variables, or only functions? */
bool mmw_kernel_lists_variables(const struct mmw_kernel *k);

/* Given k->ks and k->delta: take root and geometry from the kernel, and check them by walking. 1 when they hold. */
int mmw_find_own_space(struct mmw_kernel *k);

#endif

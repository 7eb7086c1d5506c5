/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bound target: an image, the kernel found in it, its address space, its symbols and types.
 *
 * Bind once; then everything here may be asked by several threads, as long as each uses readers of its own. What could
 * not be found is absent, never guessed: the questions then answer MMW_E_NOSYM or MMW_E_NOTYPE with the reason.
 */
#ifndef MMW_KERNEL_KERNEL_H
#define MMW_KERNEL_KERNEL_H

#include "lib/arch/walk.h"
#include "lib/base/progress.h"
#include "lib/kernel/vm.h"
#include "lib/sym/btf.h"
#include "lib/sym/kallsyms.h"

struct mmw_kernel;
struct mmw_modules;

enum { MMW_FILES_MAX = 4 };

/* A file the user has of the kernel: vmlinux, .debug file, System.map. */
struct mmw_kernel_file {
	const char *path;
	bool symbols, types;  /* what it is asked for */
};

struct mmw_kernel_opts {
	const char *arch;   /* NULL: as the image says, else all are tried */
	bool has_root;
	uint64_t root;      /* --root: the table to walk by default; the kernel is still searched for its names */
	const char *paging; /* with root: what mmw_paging_by_name() knows; NULL: as the kernel's */
	unsigned levels;    /* with root: 0 as the kernel or the registers say */
	unsigned threads;   /* 0: one per processor */
	bool search_all;    /* search all memory for kernels even when the registers lead to one */
	unsigned choose;    /* the n-th of several kernels found, from 1; 0: the only one, or the first with a warning */
	const struct mmw_kernel_file *files;  /* borrowed, as long as the kernel lives */
	size_t n_files;     /* at most MMW_FILES_MAX */
	const char *debug_root;  /* where debug files are installed; NULL for the usual place */
	const uint64_t *look_at;  /* the search looks near these physical addresses only; borrowed during the bind */
	size_t n_look_at;
	bool force;         /* take files that do not seem to belong to the image */
	const struct mmw_progress *progress;  /* may be NULL */
};

/* One step of how the kernel was found, for people: "root", "0x1000 from init_top_pgt", not guessed. */
struct mmw_evidence {
	const char *topic;
	char *text;
	bool guessed;
};

/* A kernel that the search found. */
struct mmw_candidate {
	uint64_t kallsyms_pa;
	uint64_t delta;  /* VA - PA of its image */
	uint64_t root;   /* 0 when its tables did not check out */
	size_t symbols;
	char banner[192];
};

/*
 * Find the kernel in `img` (borrowed). Fails only when the machine fails, or opts make no sense, or name a file that is not of
 * this kernel; a kernel that cannot be found is a target without symbols: mmw_kernel_found() says so, and mmw_kernel_why_not() in words.
 */
int mmw_kernel_bind(const struct mmw_image *img, const struct mmw_kernel_opts *opts, struct mmw_kernel **out,
		    struct mmw_err *err);
void mmw_kernel_close(struct mmw_kernel *k);  /* NULL is fine */

bool mmw_kernel_found(const struct mmw_kernel *k);
const char *mmw_kernel_why_not(const struct mmw_kernel *k);

const struct mmw_image *mmw_kernel_image(const struct mmw_kernel *k);
const struct mmw_arch *mmw_kernel_arch(const struct mmw_kernel *k);  /* NULL when not even that is known */

/* The kernel's own address space, or the one of opts.root. NULL when no root is known. */
const struct mmw_space *mmw_kernel_space(const struct mmw_kernel *k);
/* The address space a CPU's registers point to, as it was. MMW_E_NODATA when the image holds no such registers. */
int mmw_kernel_cpu_space(const struct mmw_kernel *k, size_t cpu, struct mmw_space *out, struct mmw_err *err);
/* Is page-table isolation in use: do the kernel's tables have a user copy? */
bool mmw_kernel_isolated(struct mmw_kernel *k);
/* The user copy of the kernel root `space` has; MMW_E_NODATA where the architecture or this kernel has none. */
int mmw_kernel_user_space(struct mmw_kernel *k, struct mmw_space *space, struct mmw_err *err);

/* log2 of the kernel's page size; 12 while nothing is known. */
unsigned mmw_kernel_page_shift(const struct mmw_kernel *k);

/* VA - PA of the kernel image; false when unknown. */
bool mmw_kernel_delta(const struct mmw_kernel *k, uint64_t *delta);
/* How far KASLR moved the image from where it was linked; false when nothing says. */
bool mmw_kernel_kaslr(const struct mmw_kernel *k, uint64_t *offset);
/* The entry of the root that points to the root itself, as Windows has one, of a space that is not the found kernel's. */
bool mmw_kernel_selfmap(const struct mmw_kernel *k, unsigned *index);
/* Regions and markers; empty as long as nothing is known. Not thread-safe the first time. */
const struct mmw_layout *mmw_kernel_layout(struct mmw_kernel *k);

/* Texts of the kernel; "" when unknown. */
const char *mmw_kernel_release(const struct mmw_kernel *k);

/* The release's first two numbers as MMW_LINUX makes them one; 0 when it is not known. For what nothing else tells. */
#define MMW_LINUX(major, minor) ((unsigned)(major) << 8 | (minor))
unsigned mmw_kernel_version(const struct mmw_kernel *k);
const char *mmw_kernel_banner(const struct mmw_kernel *k);
const char *mmw_kernel_build_id(const struct mmw_kernel *k);  /* lower-case hex */
const char *mmw_kernel_vmcoreinfo(const struct mmw_kernel *k);

size_t mmw_kernel_evidence(const struct mmw_kernel *k, const struct mmw_evidence **out);
size_t mmw_kernel_candidates(const struct mmw_kernel *k, const struct mmw_candidate **out);

/* This thread's way to memory, for single-threaded callers; others open readers of their own. */
struct mmw_reader *mmw_kernel_reader(struct mmw_kernel *k);
/* And to kernel memory, once mmw_kernel_found(); others mmw_vm_init their own. */
struct mmw_vm *mmw_kernel_vm(struct mmw_kernel *k);

/* --- symbols -------------------------------------------------------------------------------------------------- */

/* The kernel's table, or NULL. */
const struct mmw_kallsyms *mmw_kernel_kallsyms(const struct mmw_kernel *k);

/* Address of a symbol and who said so. MMW_E_NOSYM. */
int mmw_kernel_symbol(const struct mmw_kernel *k, const char *name, uint64_t *va, const char **source,
		      struct mmw_err *err);

/*
 * The symbol that va lies in, if it lies in the kernel's image (lib/kernel/module.h answers for modules), and who said so;
 * source may be NULL.
 */
bool mmw_kernel_symbol_at(const struct mmw_kernel *k, uint64_t va, struct mmw_ksym *out, uint64_t *offset,
			  const char **source);

/* Where the symbol that va lies in ends: at the next one that any source has. False when it lies in none. */
bool mmw_kernel_symbol_end(const struct mmw_kernel *k, uint64_t va, uint64_t *end);

/*
 * The sources of symbols in the order they are asked, and those too that have not been needed so far when `all` of them are
 * wanted. They hold as long as k does. Not thread-safe the first time.
 */
enum { MMW_SYMSRC_MAX = 8 };
size_t mmw_kernel_symbol_sources(struct mmw_kernel *k, bool all, struct mmw_symsrc out[MMW_SYMSRC_MAX]);

/*
 * The loaded modules (lib/kernel/module.h), read at the first call; NULL (and err) when they cannot be, or, with err->code 0,
 * when this kernel was built without. Not thread-safe the first time.
 */
struct mmw_modules *mmw_kernel_modules(struct mmw_kernel *k, struct mmw_err *err);

/* "symbol", "symbol+off", "0xhex" or "hex" to an address. A number is hex with or without 0x. Modules' symbols count. */
int mmw_kernel_address(struct mmw_kernel *k, const char *text, uint64_t *va, struct mmw_err *err);

/* Integer variable of the kernel. */
int mmw_kernel_variable(struct mmw_kernel *k, const char *name, unsigned size, uint64_t *out, struct mmw_err *err);

/* --- types ---------------------------------------------------------------------------------------------------- */

/*
 * The sources of types in the order they are asked, loaded at the first call; *why tells what keeps the image's own BTF from
 * being one (code 0: nothing). Both may be NULL. Not thread-safe the first time.
 */
size_t mmw_kernel_type_sources(struct mmw_kernel *k, const struct mmw_typesrc **out, struct mmw_err *why);

/*
 * And those that loaded modules bring, each called as its module; not part of the chain. Read at the first call; a module
 * whose types do not read brings none.
 */
size_t mmw_kernel_module_types(struct mmw_kernel *k, const struct mmw_typesrc **out);

/* Through the chain of type sources; *source may be NULL. */
int mmw_kernel_member(struct mmw_kernel *k, const char *type, const char *path, struct mmw_member *out,
		      const char **source, struct mmw_err *err);
int mmw_kernel_type_size(struct mmw_kernel *k, const char *type, uint64_t *out, struct mmw_err *err);
int mmw_kernel_enumerator(struct mmw_kernel *k, const char *type, const char *name, int64_t *out, struct mmw_err *err);

#endif

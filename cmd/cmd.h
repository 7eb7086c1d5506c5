/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command: one file cmd/NAME.c with one `const struct mmw_cmd mmw_cmd_NAME`, its page man/mmwalk-NAME.1, and its
 * word in the build's list.
 */
#ifndef MMW_CMD_CMD_H
#define MMW_CMD_CMD_H

#include <argp.h>
#include <time.h>

#include "cmd/out.h"
#include "formats/formats.h"
#include "lib/kernel/kernel.h"

enum { MMW_PARTS_MAX = 64, MMW_MAPS_MAX = 64 };

/* How far something has come, on standard error. */
struct mmw_bar {
	struct mmw_progress progress;  /* what the library is given */
	struct timespec start;
	int percent;
	bool shown;
};

/* What the common options say, and what becomes of them. */
struct mmw_target {
	const char *image_name;
	struct mmw_open_opts oopts;
	const char *parts[MMW_PARTS_MAX];
	struct mmw_ram_map map[MMW_MAPS_MAX];
	struct mmw_kernel_opts kopts;
	struct mmw_kernel_file files[MMW_FILES_MAX];
	bool json;
	const char *output;
	int progress;  /* -1: on a terminal */
	struct mmw_bar bar;
	bool verbose;

	struct mmw_image *image;
	struct mmw_kernel *kernel;
	struct mmw_out out;
	bool damage;   /* something asked for was absent or broken, and said so: exit status 1 */
};

/* Rows of another kind than a command's usual ones, which an option asks for. */
struct mmw_view {
	const char *option;  /* "--blocks" */
	const char *schema;
	const struct mmw_col *cols;
};

struct mmw_cmd {
	const char *name;
	const char *summary;
	const char *args;     /* behind IMAGE, for --help: "ADDR..." */
	const char *doc;      /* what it does, for --help */
	const struct argp_option *options;  /* of this command alone; may be NULL */
	argp_parser_t parse;  /* for those; input is the command's own option struct */
	size_t opts_size;     /* of that struct, zeroed before parsing */
	const struct mmw_col *cols;
	const char *schema;
	const struct mmw_view *views;  /* instead of these two; ends with a NULL option; may be NULL */
	/* The view that these options ask for, or NULL. */
	const struct mmw_view *(*view)(const void *opts);
	/*
	 * argv: what follows IMAGE. 0, or a negative code with *err. The image is open and the kernel bound (perhaps
	 * without having found one).
	 */
	int (*run)(struct mmw_target *t, void *opts, int argc, char **argv, struct mmw_err *err);
};

/* Common options as an argp child; its input is a struct mmw_target. */
extern const struct argp mmw_target_argp;

/* Open the image and bind the kernel as the options say. */
int mmw_target_open(struct mmw_target *t, struct mmw_err *err);
void mmw_target_close(struct mmw_target *t);

/* From start to stop the target's bar is there for what takes long; the kernel and the image know it already. */
void mmw_bar_start(struct mmw_target *t);
void mmw_bar_stop(struct mmw_target *t);

/* MMW_E_NOSYM and why, unless a kernel with symbols was found. */
int mmw_target_need_kernel(const struct mmw_target *t, struct mmw_err *err);

/* The address space to walk, or MMW_E_NODATA and why there is none. */
int mmw_target_need_space(const struct mmw_target *t, const struct mmw_space **out, struct mmw_err *err);

/* Options --cpu, --user-root that translate and dump-tables share. */
struct mmw_space_opts {
	bool has_cpu, user;
	unsigned cpu;
};

int mmw_target_space(const struct mmw_target *t, const struct mmw_space_opts *o, struct mmw_space *out,
		     struct mmw_err *err);

/* The argp options for these, and their parser; ARGP_ERR_UNKNOWN for other keys. */
enum { MMW_KEY_CPU = 2000, MMW_KEY_USER_ROOT };
#define MMW_SPACE_OPTIONS \
	{ "cpu", MMW_KEY_CPU, "N", 0, "the tables that CPU N used when the image was taken", 0 }, \
	{ "user-root", MMW_KEY_USER_ROOT, 0, 0, "the user copy of the tables (page-table isolation)", 0 }
error_t mmw_space_parse(int key, char *arg, struct argp_state *state, struct mmw_space_opts *o);

/* Effective rights as "rwx": the kernel's, or the user's. buf holds at least 4 bytes. */
const char *mmw_rights_text(uint8_t rights, bool user, char *buf);

/* "symbol+0x12", "symbol+0x12 [module]", or "" where va lies in none. */
const char *mmw_symbol_text(struct mmw_kernel *k, uint64_t va, char *buf, size_t size);

/* "symbol+0x12/0x40", "symbol+0x12/0x40 [module]", or "0x...": as the kernel's %pS prints va. */
const char *mmw_symbol_ktext(struct mmw_kernel *k, uint64_t va, char *buf, size_t size);

/* Is physical memory in the image: "stored", "excluded", "truncated", "absent". */
const char *mmw_memory_word(const struct mmw_image *img, uint64_t pa);

/* The first source that has this type, modules' last, and its id there. MMW_E_NOTYPE. */
int mmw_find_type(struct mmw_kernel *k, const char *name, const struct mmw_typesrc **source, uint64_t *id, struct mmw_err *err);

/* The name of a type without "struct", "union" or "enum" before it. */
const char *mmw_bare_type(const char *name);

/* A line on standard error that is no failure: "mmwalk: ...". */
void mmw_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Parse an argument of an option; on failure argp_error() with the option's name. */
uint64_t mmw_arg_hex(struct argp_state *state, const char *option, const char *arg);
unsigned mmw_arg_num(struct argp_state *state, const char *option, const char *arg);

#endif

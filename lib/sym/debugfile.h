/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel's ELF file, given by the user: vmlinux, or the .debug file that was split off one.
 *
 * The file is read with pread and never mapped: one that shrinks under us is an error and no signal. Sections are
 * read piece by piece; only a compressed one is held in memory as a whole. Nothing in the file is trusted. libelf sees
 * it only after the places of its header tables were checked, and is asked for headers, section names and symbols, no
 * more.
 *
 * A file without DWARF leads to the one that has it: by build ID (ROOT/.build-id/xx/yyyy.debug), then by
 * .gnu_debuglink (beside the file, in .debug beside it, under ROOT). Such a file must have the same build ID, or,
 * where one of the two has none, the checksum that the link states.
 *
 * Not for several threads at once, except mmw_debugsect_read().
 */
#ifndef MMW_SYM_DEBUGFILE_H
#define MMW_SYM_DEBUGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum { MMW_BUILD_ID_MAX = 64 };

struct mmw_debugfile;

struct mmw_debugfile_info {
	const char *path;        /* as given */
	const char *dwarf_path;  /* of the file with the DWARF: path, or what it leads to; NULL when there is none */
	uint16_t machine;        /* EM_x */
	uint8_t word;            /* 4 or 8, from the ELF class */
	bool big_endian;
	uint8_t build_id[MMW_BUILD_ID_MAX];
	size_t build_id_len;     /* 0: the file has none */
};

/* Of .symtab, as linked. */
struct mmw_debugsym {
	const char *name;
	uint64_t value, size;
	char type;               /* as nm has it: T D B R A W, small when local */
};

struct mmw_debugsect;

/*
 * `root` is where debug files are installed, NULL for /usr/lib/debug. What is no ELF file, a relocatable object or a
 * core is MMW_E_UNSUPPORTED and the message says what was found instead; a damaged one MMW_E_CORRUPT.
 */
int mmw_debugfile_open(const char *path, const char *root, struct mmw_debugfile **out, struct mmw_err *err);
void mmw_debugfile_close(struct mmw_debugfile *f);  /* NULL is fine */

const struct mmw_debugfile_info *mmw_debugfile_info(const struct mmw_debugfile *f);

/*
 * The text of linux_banner, without its end of line. MMW_E_NOSYM when there is no such symbol, MMW_E_NODATA when the
 * file does not hold its bytes (a .debug file).
 */
int mmw_debugfile_banner(struct mmw_debugfile *f, char *buf, size_t size, struct mmw_err *err);

/* The named symbols in the file's order, without those of files and sections. MMW_E_NOSYM when it is stripped. */
int mmw_debugfile_symbols(struct mmw_debugfile *f, const struct mmw_debugsym **out, size_t *n, struct mmw_err *err);

/*
 * The first section of this name with bytes, ".debug_*" (also when it is stored as .zdebug_*) from the file with the
 * DWARF, others from the file itself. MMW_E_NODATA when there is none. It belongs to f.
 */
int mmw_debugfile_section(struct mmw_debugfile *f, const char *name, struct mmw_debugsect **out, struct mmw_err *err);

/* Bytes of its content, when it is compressed of what comes out. */
uint64_t mmw_debugsect_size(const struct mmw_debugsect *s);

/* All of [off, off + len) or MMW_E_CORRUPT. */
int mmw_debugsect_read(const struct mmw_debugsect *s, uint64_t off, void *buf, size_t len, struct mmw_err *err);

#endif

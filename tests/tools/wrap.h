/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A synthetic machine's memory in each image format. */
#ifndef MMW_TESTS_WRAP_H
#define MMW_TESTS_WRAP_H

#include "tests/tools/phys.h"

struct wrap_format {
	const char *name, *summary;
	bool big_endian;  /* the machine itself, so the recipe must be followed in this byte order */
	bool holes;       /* keeps apart what is stored, left out, and no memory */
	bool registers;   /* has CPUs and a VMCOREINFO note */
	void (*write)(const struct phys *p, struct blob *out);
	/* For formats of several files: the ends of the further ones' names, and what goes into each. */
	const char *const *more;
	void (*write_more)(const struct phys *p, unsigned index, struct blob *out);
	const char *options;  /* what mmwalk must be told to open it; @ stands for the image's path. NULL: nothing */
	bool no_vmcoreinfo;   /* registers, but no place for a note that is not in the machine's memory */
};

/* NULL past the end, or when no format has that name. */
const struct wrap_format *wrap_format_at(size_t index);
const struct wrap_format *wrap_format_by_name(const char *name);

/* The image and its further files, at `path`. */
void wrap_write(const struct wrap_format *f, const struct phys *p, const char *path);

/* Can this format hold p without losing anything: holes, what was left out, registers, notes? */
bool wrap_keeps(const struct wrap_format *f, const struct phys *p);

/* ELF notes of the machine, QEMU's way: PRSTATUS of all CPUs, then QEMU's own, then VMCOREINFO. */
void wrap_notes(const struct phys *p, struct blob *out);

#endif

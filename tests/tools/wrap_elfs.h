/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF files of other writers than QEMU and makedumpfile. */
#ifndef MMW_TESTS_WRAP_ELFS_H
#define MMW_TESTS_WRAP_ELFS_H

#include "tests/tools/phys.h"

/* One note as it is in the file, padded to `align`; `name_len` as its header claims it. */
void elf_note(struct blob *out, const char *name, size_t name_len, uint32_t type, const struct blob *desc, size_t align,
	      bool be);

void write_vbox(const struct phys *p, struct blob *out);
void write_kcore(const struct phys *p, struct blob *out);
void write_kcore_old(const struct phys *p, struct blob *out);
void write_xen_hvm(const struct phys *p, struct blob *out);
void write_xen_pv(const struct phys *p, struct blob *out);

/* Where these two have things, for tests that spoil them. */
enum {
	XEN_SHDRS = 64,
	XEN_SHDR = 64,
	XEN_SECTIONS = 7,
	XEN_CONTEXT = 5168,
	VBOX_CPU_NOTE = 12 + 8 + 24 + 12 + 8,  /* of the first VBCPU descriptor in the notes */
};

#endif

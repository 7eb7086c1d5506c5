/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header of an ELF file, for those formats that are ELF. */
#ifndef MMW_FORMATS_ELF_H
#define MMW_FORMATS_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/file.h"

/* Byte order, word size, and where program and section headers are. */
struct elf_head {
	bool be, wide;
	uint16_t type, machine;
	uint32_t flags, phentsize, shentsize, shnum, shstrndx;
	uint64_t phoff, phnum, shoff;
};

/* Of a core file: anything else is MMW_E_UNSUPPORTED. All its program headers lie in the file; section headers need not. */
int mmw_elf_read_head(struct mmw_file *f, struct elf_head *h, struct mmw_err *err);

#endif

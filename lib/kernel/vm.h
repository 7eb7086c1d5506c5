/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading virtual memory: a reader, an address space, and a small cache of translations. One per thread.
 */
#ifndef MMW_KERNEL_VM_H
#define MMW_KERNEL_VM_H

#include "lib/arch/walk.h"
#include "lib/base/mem.h"

enum { MMW_VM_TLB = 512 };

struct mmw_vm {
	struct mmw_reader *reader;  /* borrowed */
	struct mmw_walk walk;
	struct {
		uint64_t page, pa;  /* page: va >> 12, plus 1; 0 is empty */
	} tlb[MMW_VM_TLB];
};

/* `reader` and `space` are borrowed. */
void mmw_vm_init(struct mmw_vm *vm, struct mmw_reader *reader, const struct mmw_space *space);

/*
 * The physical address va is mapped to. MMW_E_NOTPRESENT (unmapped, swapped, outside), MMW_E_CORRUPT (a bad entry), or
 * the reason why a table could not be read.
 */
int mmw_vm_translate(struct mmw_vm *vm, uint64_t va, uint64_t *pa, struct mmw_err *err);

/* All of [va, va + len), which may cross pages, or a negative code as above or of mmw_read. */
int mmw_vm_read(struct mmw_vm *vm, uint64_t va, void *buf, size_t len, struct mmw_err *err);

/* As much of [va, va + len) as can be read from its start on, page by page: how many bytes. *err says what stopped it. */
size_t mmw_vm_read_some(struct mmw_vm *vm, uint64_t va, void *buf, size_t len, struct mmw_err *err);

/* An integer of 1, 2, 4 or 8 bytes in the space's byte order. */
int mmw_vm_read_uint(struct mmw_vm *vm, uint64_t va, unsigned size, uint64_t *out, struct mmw_err *err);

/*
 * The text that ends with a zero byte at va, of printable characters, at most size - 1 of them: else MMW_E_CORRUPT, and buf is "".
 */
int mmw_vm_read_text(struct mmw_vm *vm, uint64_t va, char *buf, size_t size, struct mmw_err *err);

/* The two address spaces as something to read from; ctx is borrowed. */
struct mmw_mem mmw_vm_mem(struct mmw_vm *vm);
struct mmw_mem mmw_phys_mem(struct mmw_reader *reader);

#endif

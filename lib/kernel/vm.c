/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kernel/vm.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/bytes.h"

enum { VM_PAGE = 4096 };  /* unit of the translation cache, whatever the granule */

void mmw_vm_init(struct mmw_vm *vm, struct mmw_reader *reader, const struct mmw_space *space)
{
	memset(vm, 0, sizeof(*vm));
	vm->reader = reader;
	mmw_walk_init(&vm->walk, reader, space, 0, 0);
}

static int not_mapped(const struct mmw_ent *e, uint64_t va, struct mmw_err *err)
{
	switch (e->kind) {
	case MMW_ENT_LOST:
		return mmw_fail(err, e->why, e->pa, "the page table at 0x%" PRIx64 " for 0x%" PRIx64 " is %s", e->pa, va,
				mmw_code_word(e->why));
	case MMW_ENT_BAD:
		return mmw_fail(err, MMW_E_CORRUPT, va, "0x%" PRIx64 ": the entry 0x%" PRIx64 " is not valid", va, e->raw);
	case MMW_ENT_OUTSIDE:
		return mmw_fail(err, MMW_E_NOTPRESENT, va, "0x%" PRIx64 " is no canonical address", va);
	default:
		return mmw_fail(err, MMW_E_NOTPRESENT, va, "0x%" PRIx64 " is not mapped", va);
	}
}

int mmw_vm_translate(struct mmw_vm *vm, uint64_t va, uint64_t *pa, struct mmw_err *err)
{
	uint64_t page = va / VM_PAGE;
	size_t slot = (page ^ page >> 9) % MMW_VM_TLB;
	struct mmw_ent e;
	int rc;

	if (vm->tlb[slot].page == page + 1) {
		*pa = vm->tlb[slot].pa + va % VM_PAGE;
		return 0;
	}
	rc = mmw_walk_at(&vm->walk, va, &e, err);
	if (rc < 0)
		return rc;
	if (e.kind != MMW_ENT_LEAF)
		return not_mapped(&e, va, err);
	vm->tlb[slot].page = page + 1;
	vm->tlb[slot].pa = e.pa - va % VM_PAGE;
	*pa = e.pa;
	return 0;
}

int mmw_vm_read(struct mmw_vm *vm, uint64_t va, void *buf, size_t len, struct mmw_err *err)
{
	uint8_t *to = buf;

	if (len && va > UINT64_MAX - (len - 1))
		return mmw_fail(err, MMW_E_NOTPRESENT, va, "0x%" PRIx64 " and %zu bytes wrap the address space", va, len);
	while (len) {
		uint64_t first, pa, run = VM_PAGE - va % VM_PAGE, next;
		int rc = mmw_vm_translate(vm, va, &first, err);

		if (rc)
			return rc;
		/* Pages that follow each other in physical memory too are read in one go. */
		while (run < len && !mmw_vm_translate(vm, va + run, &pa, NULL) && pa == first + run)
			run += VM_PAGE;
		next = run < len ? run : len;
		rc = mmw_read(vm->reader, first, to, next, err);
		if (rc)
			return mmw_wrap(err, rc, "0x%" PRIx64, va);
		va += next;
		to += next;
		len -= next;
	}
	return 0;
}

size_t mmw_vm_read_some(struct mmw_vm *vm, uint64_t va, void *buf, size_t len, struct mmw_err *err)
{
	size_t have = 0;

	while (have < len) {
		size_t n = VM_PAGE - (va + have) % VM_PAGE;

		n = n < len - have ? n : len - have;
		if (mmw_vm_read(vm, va + have, (uint8_t *)buf + have, n, err))
			break;
		have += n;
	}
	return have;
}

int mmw_vm_read_uint(struct mmw_vm *vm, uint64_t va, unsigned size, uint64_t *out, struct mmw_err *err)
{
	uint8_t bytes[8];
	int rc = mmw_vm_read(vm, va, bytes, size, err);

	if (!rc)
		*out = mmw_get_word(bytes, size, vm->walk.space->paging.big_endian);
	return rc;
}

int mmw_vm_read_text(struct mmw_vm *vm, uint64_t va, char *buf, size_t size, struct mmw_err *err)
{
	size_t have = mmw_vm_read_some(vm, va, buf, size, err), len = strnlen(buf, have);
	bool clean = len < have;

	for (size_t i = 0; clean && i < len; i++)
		clean = (unsigned char)buf[i] >= 0x20 && (unsigned char)buf[i] < 0x7f;
	if (clean)
		return 0;
	buf[0] = '\0';
	if (!have)
		return mmw_wrap(err, err ? -(int)err->code : -MMW_E_NODATA, "text at 0x%" PRIx64, va);
	return mmw_fail(err, MMW_E_CORRUPT, va, "no text at 0x%" PRIx64, va);
}

static int vm_mem_read(void *ctx, uint64_t addr, void *buf, size_t len, struct mmw_err *err)
{
	return mmw_vm_read(ctx, addr, buf, len, err);
}

struct mmw_mem mmw_vm_mem(struct mmw_vm *vm)
{
	return (struct mmw_mem){ vm_mem_read, vm, vm->walk.space->paging.big_endian };
}

static int phys_mem_read(void *ctx, uint64_t addr, void *buf, size_t len, struct mmw_err *err)
{
	return mmw_read(ctx, addr, buf, len, err);
}

struct mmw_mem mmw_phys_mem(struct mmw_reader *reader)
{
	return (struct mmw_mem){ phys_mem_read, reader, mmw_image_big_endian(mmw_reader_image(reader)) };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/wrap_elfs.h"

#include <elf.h>
#include <string.h>

#include "lib/base/vec.h"

void elf_note(struct blob *out, const char *name, size_t name_len, uint32_t type, const struct blob *desc, size_t align,
	      bool be)
{
	size_t start = out->len;

	blob_uint(out, name_len, 4, be);
	blob_uint(out, desc->len, 4, be);
	blob_uint(out, type, 4, be);
	blob_add(out, name, strlen(name) + 1);
	blob_add(out, NULL, (align - (out->len - start) % align) % align);
	blob_add(out, desc->bytes, desc->len);
	blob_add(out, NULL, (align - (out->len - start) % align) % align);
}

static void put_ehdr(struct blob *out, unsigned phnum, unsigned shnum, unsigned shstrndx)
{
	blob_pad_to(out, 64);
	memcpy(out->bytes, ELFMAG, SELFMAG);
	out->bytes[EI_CLASS] = ELFCLASS64;
	out->bytes[EI_DATA] = ELFDATA2LSB;
	out->bytes[EI_VERSION] = EV_CURRENT;
	blob_put(out, 16, ET_CORE, 2, false);
	blob_put(out, 18, EM_X86_64, 2, false);
	blob_put(out, 20, EV_CURRENT, 4, false);
	blob_put(out, 32, phnum ? 64 : 0, 8, false);
	blob_put(out, 40, shnum ? 64 : 0, 8, false);
	blob_put(out, 52, 64, 2, false);
	blob_put(out, 54, 56, 2, false);
	blob_put(out, 56, phnum, 2, false);
	blob_put(out, 58, 64, 2, false);
	blob_put(out, 60, shnum, 2, false);
	blob_put(out, 62, shstrndx, 2, false);
}

struct seg {
	uint32_t type;
	uint64_t at, va, pa, filesz, memsz;
};

static void put_phdr(struct blob *out, unsigned index, const struct seg *s)
{
	size_t at = 64 + 56 * index;

	blob_put(out, at, s->type, 4, false);
	blob_put(out, at + 8, s->at, 8, false);
	blob_put(out, at + 16, s->va, 8, false);
	blob_put(out, at + 24, s->pa, 8, false);
	blob_put(out, at + 32, s->filesz, 8, false);
	blob_put(out, at + 40, s->memsz, 8, false);
}

static unsigned stored_runs(const struct phys *p)
{
	unsigned runs = 0;

	for (size_t i = 0; i < p->n; i += phys_run(p, i))
		runs += p->pages[i].state == PHYS_STORED;
	return runs;
}

static void add_pages(const struct phys *p, size_t first, size_t n, struct blob *out)
{
	for (size_t i = first; i < first + n; i++)
		blob_add(out, phys_page_bytes(&p->pages[i]), PHYS_PAGE);
}

/* --- VirtualBox ------------------------------------------------------------------------------------------------- */

/* Its names end where their length says, without a NUL, and each piece is a multiple of 8. */
static void vbox_notes(const struct phys *p, struct blob *out)
{
	static const uint32_t core[] = { 0xc01ac0de, 0x00010006, 24, 7u << 24 | 10, 155267 };
	struct blob desc = { 0 };

	for (size_t i = 0; i < mmw_array_len(core); i++)
		blob_uint(&desc, core[i], 4, false);
	blob_uint(&desc, p->n_cpus, 4, false);
	elf_note(out, "VBCORE", 6, 0xb00, &desc, 4, false);
	for (size_t i = 0; i < p->n_cpus; i++) {
		const struct phys_cpu *cpu = &p->cpus[i];
		size_t note = out->len;

		desc.len = 0;
		blob_pad_to(&desc, 8768);
		for (unsigned reg = 0; reg < 18; reg++)
			blob_put(&desc, 8 * reg, 0x100 + reg, 8, false);
		for (unsigned seg = 0; seg < 6; seg++)
			blob_put(&desc, 144 + 24 * seg + 16, 0x10 + seg, 2, false);
		blob_put(&desc, 112, cpu->pc, 8, false);
		blob_put(&desc, 120, cpu->sp, 8, false);
		blob_put(&desc, 144 + 24 * 4, cpu->gs_base, 8, false);
		blob_put(&desc, 288, cpu->cr0, 8, false);
		blob_put(&desc, 296, cpu->cr2, 8, false);
		blob_put(&desc, 304, cpu->cr3, 8, false);
		blob_put(&desc, 312, cpu->cr4, 8, false);
		blob_put(&desc, 488, 0xd01, 8, false);
		blob_put(&desc, 536, cpu->kernel_gs_base, 8, false);
		elf_note(out, "VBCPU", 5, 0xb01, &desc, 4, false);
		/* The name takes 8 bytes: its length and a NUL, up to 8. */
		if (out->len - note != 12 + 8 + 8768)
			die("VirtualBox: a note of %zu bytes", out->len - note);
	}
	blob_fini(&desc);
}

void write_vbox(const struct phys *p, struct blob *out)
{
	unsigned runs = stored_runs(p), index = 0;
	struct seg s = { .type = PT_NOTE };

	put_ehdr(out, runs + 2, 0, 0);
	out->bytes[EI_VERSION] = 0;
	blob_pad_to(out, 64 + 56 * (runs + 2));
	s.at = out->len;
	vbox_notes(p, out);
	s.filesz = s.memsz = out->len - s.at;
	put_phdr(out, index++, &s);
	for (size_t i = 0, n; i < p->n; i += n) {
		n = phys_run(p, i);
		if (p->pages[i].state != PHYS_STORED)
			continue;
		s = (struct seg){ PT_LOAD, out->len, 0, p->pages[i].pfn * PHYS_PAGE, n * PHYS_PAGE, n * PHYS_PAGE };
		put_phdr(out, index++, &s);
		add_pages(p, i, n, out);
	}
	/* A device's range. */
	put_phdr(out, index, &(struct seg){ PT_LOAD, out->len, 0, 0xfee00000, 0, 0x1000 });
}

/* --- /proc/kcore ------------------------------------------------------------------------------------------------- */

enum { KCORE_OTHERS = 3 };  /* notes, vmalloc, the kernel's text */

#define VMALLOC ((1ull << 45) - 1)

static void kcore_notes(struct blob *out)
{
	struct blob desc = { 0 };

	blob_pad_to(&desc, 336);
	elf_note(out, "CORE", 5, NT_PRSTATUS, &desc, 4, false);
	desc.len = 136;
	elf_note(out, "CORE", 5, NT_PRPSINFO, &desc, 4, false);
	desc.len = 0;
	blob_pad_to(&desc, 6400);
	elf_note(out, "CORE", 5, NT_TASKSTRUCT, &desc, 4, false);
	blob_fini(&desc);
}

/* Text comes first and is memory that the direct map has as well; vmalloc is none. */
static void kcore(const struct phys *p, bool places, struct blob *out)
{
	const uint64_t direct = 0xffff88a540000000, vmalloc = 0xffffaa0000000000;
	unsigned runs = stored_runs(p), index = 0;
	struct seg s = { .type = PT_NOTE };

	put_ehdr(out, runs + KCORE_OTHERS, 0, 0);
	blob_pad_to(out, 64 + 56 * (runs + KCORE_OTHERS));
	s.at = out->len;
	kcore_notes(out);
	s.filesz = out->len - s.at;
	put_phdr(out, index++, &s);
	s = (struct seg){ PT_LOAD, vmalloc & INT64_MAX, vmalloc, places ? UINT64_MAX : 0, VMALLOC, VMALLOC };
	put_phdr(out, index++, &s);
	s = (struct seg){ PT_LOAD, out->len, 0xffffffff81000000, places ? p->pages[0].pfn * PHYS_PAGE : 0, PHYS_PAGE,
			  PHYS_PAGE };
	put_phdr(out, index++, &s);
	for (size_t i = 0, n; i < p->n; i += n) {
		uint64_t pa = p->pages[i].pfn * PHYS_PAGE;

		n = phys_run(p, i);
		if (p->pages[i].state != PHYS_STORED)
			continue;
		s = (struct seg){ PT_LOAD, out->len, direct + pa, places ? pa : 0, n * PHYS_PAGE, n * PHYS_PAGE };
		put_phdr(out, index++, &s);
		add_pages(p, i, n, out);
	}
}

void write_kcore(const struct phys *p, struct blob *out)
{
	kcore(p, true, out);
}

void write_kcore_old(const struct phys *p, struct blob *out)
{
	kcore(p, false, out);
}

/* --- Xen -------------------------------------------------------------------------------------------------------- */

struct shdr {
	const char *name;
	uint32_t type;
	uint64_t at, len, entry;
};

static void xen_notes(const struct phys *p, bool pv, uint64_t pages, struct blob *out)
{
	struct blob desc = { 0 };

	elf_note(out, "Xen", 4, 0x2000000, &desc, 4, false);
	blob_uint(&desc, pv ? 0xf00febed : 0xf00febee, 8, false);
	blob_uint(&desc, p->n_cpus, 8, false);
	blob_uint(&desc, pages, 8, false);
	blob_uint(&desc, PHYS_PAGE, 8, false);
	elf_note(out, "Xen", 4, 0x2000001, &desc, 4, false);
	desc.len = 0;
	blob_uint(&desc, 1, 8, false);
	elf_note(out, "Xen", 4, 0x2000003, &desc, 4, false);
	blob_fini(&desc);
}

/* struct vcpu_guest_context of x86-64: all in the kernel. */
static void xen_context(const struct phys_cpu *cpu, bool pv, struct blob *out)
{
	size_t at = blob_add(out, NULL, XEN_CONTEXT);

	blob_put(out, at + 512, 4 | 1 << 5, 8, false);
	for (unsigned i = 0; i < 15; i++)
		blob_put(out, at + 520 + 8 * i, 0x100 + i, 8, false);
	blob_put(out, at + 520 + 128, cpu->pc, 8, false);
	blob_put(out, at + 520 + 136, pv ? 0xe033 : 0x10, 2, false);
	blob_put(out, at + 520 + 152, cpu->sp, 8, false);
	blob_put(out, at + 4984, cpu->cr0, 8, false);
	blob_put(out, at + 4984 + 16, cpu->cr2, 8, false);
	blob_put(out, at + 4984 + 24, cpu->cr3, 8, false);
	blob_put(out, at + 4984 + 32, cpu->cr4, 8, false);
	blob_put(out, at + 5152, cpu->gs_base, 8, false);
	blob_put(out, at + 5160, cpu->kernel_gs_base, 8, false);
}

/* Pages in an order of their own: every second one from the start, then the others from the end. */
static size_t shuffled(size_t i, size_t n)
{
	size_t evens = (n + 1) / 2;

	return i < evens ? 2 * i : n - 1 - n % 2 - 2 * (i - evens);
}

/* Behind the last page one that is no frame. */
static void xen_frames(const struct phys *p, bool pv, struct blob *out)
{
	for (size_t i = 0; i < p->n; i++) {
		if (pv)
			blob_uint(out, i, 8, false);
		blob_uint(out, p->pages[shuffled(i, p->n)].pfn, 8, false);
	}
	if (pv)
		blob_uint(out, p->n, 8, false);
	blob_uint(out, UINT64_MAX, 8, false);
}

static void put_shdr(struct blob *out, unsigned index, const struct shdr *s, struct blob *names)
{
	size_t at = XEN_SHDRS + XEN_SHDR * index;

	blob_put(out, at, blob_add(names, s->name, strlen(s->name) + 1), 4, false);
	blob_put(out, at + 4, s->type, 4, false);
	blob_put(out, at + 24, s->at, 8, false);
	blob_put(out, at + 32, s->len, 8, false);
	blob_put(out, at + 56, s->entry, 8, false);
}

static void add_section(struct blob *out, unsigned index, struct shdr s, struct blob *names)
{
	s.len = out->len - s.at;
	put_shdr(out, index, &s, names);
}

static void xen(const struct phys *p, bool pv, struct blob *out)
{
	struct blob names = { 0 };
	size_t at;

	blob_u8(&names, 0);
	put_ehdr(out, 0, XEN_SECTIONS, 1);
	at = XEN_SHDRS + XEN_SHDR * XEN_SECTIONS;
	blob_pad_to(out, at);
	xen_notes(p, pv, p->n + 1, out);
	add_section(out, 2, (struct shdr){ ".note.Xen", SHT_NOTE, at }, &names);
	at = out->len;
	for (size_t i = 0; i < p->n_cpus; i++)
		xen_context(&p->cpus[i], pv, out);
	add_section(out, 3, (struct shdr){ ".xen_prstatus", SHT_PROGBITS, at, 0, XEN_CONTEXT }, &names);
	at = blob_add(out, NULL, PHYS_PAGE);
	add_section(out, 4, (struct shdr){ ".xen_shared_info", SHT_PROGBITS, at, 0, PHYS_PAGE }, &names);
	at = out->len;
	xen_frames(p, pv, out);
	add_section(out, 5, (struct shdr){ pv ? ".xen_p2m" : ".xen_pfn", SHT_PROGBITS, at, 0, pv ? 16 : 8 }, &names);
	blob_align(out, PHYS_PAGE);
	at = out->len;
	for (size_t i = 0; i < p->n; i++)
		blob_add(out, phys_page_bytes(&p->pages[shuffled(i, p->n)]), PHYS_PAGE);
	blob_add(out, NULL, PHYS_PAGE);
	add_section(out, 6, (struct shdr){ ".xen_pages", SHT_PROGBITS, at, 0, PHYS_PAGE }, &names);
	put_shdr(out, 1, &(struct shdr){ ".shstrtab", SHT_STRTAB, out->len, names.len + 10, 0 }, &names);
	blob_add(out, names.bytes, names.len);
	blob_fini(&names);
}

void write_xen_hvm(const struct phys *p, struct blob *out)
{
	xen(p, false, out);
}

void write_xen_pv(const struct phys *p, struct blob *out)
{
	xen(p, true, out);
}

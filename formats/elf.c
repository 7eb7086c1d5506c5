/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF32/ELF64 core files of physical memory: /proc/vmcore, QEMU dump-guest-memory, makedumpfile -E, VirtualBox
 * dumpvmcore, /proc/kcore. What Xen writes is ELF as well, without program headers: xen.c.
 *
 *   Ehdr (52 / 64 bytes) at 0: e_type ET_CORE, program headers at e_phoff (QEMU >= 7.2 puts section headers first)
 *   Phdr x e_phnum; e_phnum 0xffff means the count is sh_info of section header 0 (PN_XNUM)
 *     PT_NOTE: CPU registers, VMCOREINFO (lib/image/notes.c)
 *     PT_LOAD: p_filesz bytes at p_offset are physical memory at p_paddr; what p_memsz has beyond p_filesz was
 *              filtered by the dumper. p_offset need not be aligned, and loads may overlap: the first one wins.
 *
 * VirtualBox gives devices' ranges segments without bytes. /proc/kcore has p_paddr all ones where a segment is no plain
 * memory (vmalloc), and before Linux 4.11 it has 0 everywhere: there the direct map tells, on x86-64, since its segments
 * are memory at their distance from its start, which lies at a multiple of 1 GiB below the first of them.
 *
 * System V ABI, chapter 4 and 5; gabi "PN_XNUM"; Linux fs/proc/vmcore.c, fs/proc/kcore.c, kernel/kexec_file.c; QEMU
 * dump/dump.c; VirtualBox src/VBox/VMM/VMMR3/DBGFCoreWrite.cpp.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/elf.h"
#include "lib/base/bytes.h"
#include "lib/image/build.h"

enum {
	NOTES_MAX = 64 << 20,
	PHDRS_AT_ONCE = 1024,
	VBOX_CORE = 0xb00,
	XEN_CRASH_INFO = 0x1000001,
	PHDRS_MAX = 1 << 24,  /* QEMU writes one per mapping; a flattened file's size is only a claim, so this is the bound */
};

/* x86-64 before Linux 4.11, with KASLR or without: direct map, vmalloc, vmemmap, in this order. */
#define DIRECT_MAP_MIN 0xffff880000000000u
#define DIRECT_MAP_END 0xffffc90000000000u
#define DIRECT_MAP_UNIT (1ull << 30)
#define VMALLOC_LEAST (1ull << 44)

struct phdr {
	uint32_t type;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

/* What is known of the whole file when its segments are taken. */
struct elf {
	struct elf_head h;
	uint64_t n_null;                   /* program headers that were never written */
	uint64_t n_load, n_placed;         /* segments with memory; those with a p_paddr that is not 0 */
	uint64_t map_first, map_end;       /* kcore of old: where the direct map's segments lie */
	uint64_t n_bad;                    /* segments that make no sense */
	bool vbox, notes_damaged;
};

static int elf_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	if (head->len < EI_NIDENT || memcmp(head->base, ELFMAG, SELFMAG))
		return 0;
	return 90;  /* xen.c is surer of what it knows */
}

static int parse_head(struct mmw_bytes *b, struct elf_head *h, struct mmw_err *err)
{
	uint8_t class, data;
	uint16_t phentsize = 0, phnum = 0, shentsize = 0, shnum = 0, shstrndx = 0;
	int rc;

	rc = mmw_bytes_seek(b, EI_CLASS, err);
	rc = rc ? rc : mmw_bytes_u8(b, &class, err);
	rc = rc ? rc : mmw_bytes_u8(b, &data, err);
	if (rc)
		return rc;
	if ((class != ELFCLASS32 && class != ELFCLASS64) || (data != ELFDATA2LSB && data != ELFDATA2MSB))
		return mmw_fail(err, MMW_E_CORRUPT, 0, "ELF header: class %u, data encoding %u", class, data);
	h->wide = class == ELFCLASS64;
	h->be = b->big_endian = data == ELFDATA2MSB;
	rc = mmw_bytes_seek(b, EI_NIDENT, err);
	rc = rc ? rc : mmw_bytes_u16(b, &h->type, err);
	rc = rc ? rc : mmw_bytes_u16(b, &h->machine, err);
	rc = rc ? rc : mmw_bytes_skip(b, h->wide ? 12 : 8, err);  /* version, entry */
	rc = rc ? rc : mmw_bytes_word(b, h->wide ? 8 : 4, &h->phoff, err);
	rc = rc ? rc : mmw_bytes_word(b, h->wide ? 8 : 4, &h->shoff, err);
	rc = rc ? rc : mmw_bytes_u32(b, &h->flags, err);
	rc = rc ? rc : mmw_bytes_skip(b, 2, err);
	rc = rc ? rc : mmw_bytes_u16(b, &phentsize, err);
	rc = rc ? rc : mmw_bytes_u16(b, &phnum, err);
	rc = rc ? rc : mmw_bytes_u16(b, &shentsize, err);
	rc = rc ? rc : mmw_bytes_u16(b, &shnum, err);
	rc = rc ? rc : mmw_bytes_u16(b, &shstrndx, err);
	h->phentsize = phentsize;
	h->phnum = phnum;
	h->shentsize = shentsize;
	h->shnum = shnum;
	h->shstrndx = shstrndx;
	return rc;
}

int mmw_elf_read_head(struct mmw_file *f, struct elf_head *h, struct mmw_err *err)
{
	uint8_t head[64] = { 0 }, word[4];
	size_t len = f->size < sizeof(head) ? f->size : sizeof(head);
	struct mmw_bytes b = mmw_bytes_of(head, len, false, "ELF header");
	int rc = mmw_file_read(f, 0, head, len, err);

	if (!rc)
		rc = parse_head(&b, h, err);
	if (rc)
		return rc;
	if (h->type != ET_CORE)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "this ELF file is no core dump (e_type %u)%s", h->type,
				h->type == ET_EXEC || h->type == ET_DYN || h->type == ET_REL ?
				"; a vmlinux or module goes with --symbols" : "");
	if (h->phnum == PN_XNUM) {
		rc = mmw_file_read(f, h->shoff + (h->wide ? 44 : 28), word, sizeof(word), err);
		if (rc)
			return mmw_wrap(err, rc, "ELF section header 0, which holds the number of segments");
		h->phnum = mmw_get32(word, h->be);
	}
	if (h->phnum && (h->phentsize < (h->wide ? 56u : 32u) || h->phnum > PHDRS_MAX ||
			 !mmw_fits(h->phoff, h->phnum * h->phentsize, f->size)))
		return mmw_fail(err, MMW_E_CORRUPT, h->phoff, "ELF header: %" PRIu64 " program headers of %u bytes at offset %"
				PRIu64 " do not fit the file of %" PRIu64 " bytes (truncated?)", h->phnum, h->phentsize,
				h->phoff, f->size);
	return 0;
}

static struct phdr parse_phdr(const uint8_t *p, const struct elf_head *h)
{
	if (h->wide)
		return (struct phdr){ mmw_get32(p, h->be), mmw_get64(p + 8, h->be), mmw_get64(p + 16, h->be),
				      mmw_get64(p + 24, h->be), mmw_get64(p + 32, h->be), mmw_get64(p + 40, h->be),
				      mmw_get64(p + 48, h->be) };
	return (struct phdr){ mmw_get32(p, h->be), mmw_get32(p + 4, h->be), mmw_get32(p + 8, h->be),
			      mmw_get32(p + 12, h->be), mmw_get32(p + 16, h->be), mmw_get32(p + 20, h->be),
			      mmw_get32(p + 28, h->be) };
}

/* Every program header, in file order, a batch at a time. */
static int each_phdr(struct mmw_image *img, struct elf *e,
		     int (*take)(struct mmw_image *, const struct phdr *, struct elf *, struct mmw_err *), struct mmw_err *err)
{
	const struct elf_head *h = &e->h;
	uint8_t *batch = malloc((size_t)PHDRS_AT_ONCE * h->phentsize);
	int rc = 0;

	if (!batch)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for program headers");
	for (uint64_t i = 0; !rc && i < h->phnum; i += PHDRS_AT_ONCE) {
		uint64_t n = h->phnum - i < PHDRS_AT_ONCE ? h->phnum - i : PHDRS_AT_ONCE;

		rc = mmw_file_read(img->file, h->phoff + i * h->phentsize, batch, n * h->phentsize, err);
		for (uint64_t k = 0; !rc && k < n; k++) {
			struct phdr p = parse_phdr(batch + k * h->phentsize, h);

			rc = take(img, &p, e, err);
		}
	}
	free(batch);
	return rc;
}

/* --- notes, and a first look at the segments -------------------------------------------------------------------- */

static int take_notes(struct mmw_image *img, const struct phdr *p, struct mmw_err *err)
{
	struct mmw_bytes b;
	uint8_t *bytes;
	int rc;

	if (!p->filesz)
		return 0;
	if (p->filesz > NOTES_MAX || !mmw_fits(p->offset, p->filesz, img->file->size))
		return mmw_fail(err, MMW_E_CORRUPT, p->offset, "ELF notes of %" PRIu64 " bytes at offset %" PRIu64
				" do not fit the file (truncated?)", p->filesz, p->offset);
	bytes = malloc(p->filesz);
	if (!bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %" PRIu64 " bytes of notes", p->filesz);
	rc = mmw_file_read(img->file, p->offset, bytes, p->filesz, err);
	b = mmw_bytes_of(bytes, p->filesz, img->big_endian, "ELF notes");
	if (!rc)
		rc = mmw_image_add_notes_aligned(img, &b, p->align, err);
	free(bytes);
	return rc;
}

static int survey_phdr(struct mmw_image *img, const struct phdr *p, struct elf *e, struct mmw_err *err)
{
	int rc;

	e->n_null += p->type == PT_NULL;
	if (p->type == PT_LOAD && p->memsz) {
		e->n_load++;
		e->n_placed += p->paddr != 0;
		if (p->vaddr >= DIRECT_MAP_MIN && p->vaddr < e->map_first)
			e->map_first = p->vaddr;
		if (p->vaddr >= DIRECT_MAP_MIN && p->memsz >= VMALLOC_LEAST && p->vaddr < e->map_end)
			e->map_end = p->vaddr;
	}
	if (p->type != PT_NOTE)
		return 0;
	/* Damaged notes cost what they say, not the memory behind them. */
	rc = take_notes(img, p, err);
	e->notes_damaged |= rc == -MMW_E_CORRUPT || rc == -MMW_E_TRUNCATED;
	return rc == -MMW_E_CORRUPT || rc == -MMW_E_TRUNCATED ? 0 : rc;
}

static int survey(struct mmw_image *img, struct elf *e, struct mmw_err *err)
{
	struct mmw_bytes desc;
	int rc;

	e->map_first = UINT64_MAX;
	e->map_end = DIRECT_MAP_END;
	rc = each_phdr(img, e, survey_phdr, err);
	if (rc)
		return rc;
	e->vbox = mmw_image_find_note(img, "VBCORE", VBOX_CORE, &desc);
	if (e->n_load < 2 || e->n_placed) {
		e->map_first = UINT64_MAX;
		return 0;
	}
	if (e->h.machine != EM_X86_64 || !e->h.wide || e->map_first >= e->map_end)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "no segment of this ELF core says where in physical memory it lies: it is "
				"the core of a process, or /proc/kcore of Linux before 4.11 on a machine other than x86-64");
	e->map_first &= ~(DIRECT_MAP_UNIT - 1);
	snprintf(img->placement, sizeof(img->placement), "by the direct map, taken to start at 0x%" PRIx64
		 ": segments say no physical address (/proc/kcore before Linux 4.11)", e->map_first);
	return 0;
}

static void describe(struct mmw_image *img, const struct elf *e)
{
	struct mmw_bytes d;

	snprintf(img->note, sizeof(img->note), "%s, %s-endian, %" PRIu64 " segments%s", e->h.wide ? "64-bit" : "32-bit",
		 e->h.be ? "big" : "little", e->h.phnum, e->h.flags & 1 ? ", incomplete" : "");
	if (mmw_image_find_note(img, "VBCORE", VBOX_CORE, &d) && d.len >= 16) {
		uint32_t version = mmw_get32(d.base + 12, e->h.be);

		mmw_image_note_add(img, ", VirtualBox %" PRIu32 ".%" PRIu32 ".%" PRIu32, version >> 24, version >> 16 & 0xff,
				   version & 0xffff);
	}
	if (mmw_image_find_note(img, "Xen", XEN_CRASH_INFO, &d))
		mmw_image_note_add(img, ", of a Xen hypervisor: addresses are the machine's");
	if (mmw_image_find_note(img, "CORE", NT_TASKSTRUCT, &d))
		mmw_image_note_add(img, ", /proc/kcore");
	if (e->notes_damaged)
		mmw_image_note_add(img, ", notes damaged");
	if (e->n_bad)
		mmw_image_note_add(img, ", %" PRIu64 " segments damaged", e->n_bad);
}

/* --- the segments ----------------------------------------------------------------------------------------------- */

/* QEMU marks memory that its range filter left out with an offset of all ones. */
static bool unsaved(const struct phdr *p, const struct elf_head *h)
{
	return p->offset == (h->wide ? UINT64_MAX : UINT32_MAX);
}

static int take_load(struct mmw_image *img, const struct phdr *p, struct elf *e, struct mmw_err *err)
{
	uint64_t filesz = unsaved(p, &e->h) ? 0 : p->filesz, pa = p->paddr;
	int rc;

	if (p->type != PT_LOAD || pa == (e->h.wide ? UINT64_MAX : UINT32_MAX) || (e->vbox && !filesz))
		return 0;  /* not memory */
	if (e->map_first != UINT64_MAX) {
		if (p->vaddr < e->map_first || p->vaddr >= e->map_end)
			return 0;
		pa = p->vaddr - e->map_first;
	}
	rc = mmw_image_add_extent(img, pa, filesz, p->offset, MMW_STORED, err);
	if (!rc && p->memsz > filesz)
		rc = mmw_fits(pa, filesz, UINT64_MAX) ?
		     mmw_image_add_extent(img, pa + filesz, p->memsz - filesz, 0, MMW_EXCLUDED, err) : -MMW_E_CORRUPT;
	e->n_bad += rc == -MMW_E_CORRUPT;
	return rc == -MMW_E_CORRUPT ? 0 : rc;
}

/* A stable partition: excluded tails must not hide bytes that a later, overlapping segment stores. */
static int rank_stored_first(struct mmw_image *img, struct mmw_err *err)
{
	struct mmw_file_extent *tmp = malloc(img->n_ext * sizeof(*tmp));
	size_t n = 0;

	if (!tmp)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu segments", img->n_ext);
	for (int excluded = 0; excluded < 2; excluded++)
		for (size_t i = 0; i < img->n_ext; i++)
			if ((img->ext[i].state == MMW_EXCLUDED) == excluded)
				tmp[n++] = img->ext[i];
	memcpy(img->ext, tmp, n * sizeof(*tmp));
	free(tmp);
	return 0;
}

static int elf_open(struct mmw_image *img, struct mmw_err *err)
{
	struct elf e = { 0 };
	int rc = mmw_elf_read_head(img->file, &e.h, err);

	if (rc)
		return rc;
	img->big_endian = e.h.be;
	img->machine = e.h.machine;
	img->excluded_or_zero = true;
	rc = survey(img, &e, err);
	rc = rc ? rc : each_phdr(img, &e, take_load, err);
	if (rc)
		return rc;
	if (!img->n_ext && e.n_null && !e.n_load)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "this ELF core file says of no memory where it lies: %" PRIu64 " of its %" PRIu64
				" program headers are empty (the dump ended before they were written)", e.n_null, e.h.phnum);
	if (!img->n_ext)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "this ELF core file holds no memory (no PT_LOAD segment)");
	describe(img, &e);
	return rank_stored_first(img, err);
}

const struct mmw_format mmw_format_elf = {
	.name = "ELF",
	.summary = "ELF core of physical memory: /proc/vmcore, QEMU, makedumpfile -E, VirtualBox, /proc/kcore",
	.probe = elf_probe,
	.open = elf_open,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF32/ELF64 core files of physical memory: /proc/vmcore, QEMU dump-guest-memory, makedumpfile -E.
 *
 *   Ehdr (52 / 64 bytes) at 0: e_type ET_CORE, program headers at e_phoff (QEMU >= 7.2 puts section headers first)
 *   Phdr x e_phnum; e_phnum 0xffff means the count is sh_info of section header 0 (PN_XNUM)
 *     PT_NOTE: CPU registers, VMCOREINFO (lib/image/notes.c)
 *     PT_LOAD: p_filesz bytes at p_offset are physical memory at p_paddr; what p_memsz has beyond p_filesz was
 *              filtered by the dumper. p_offset need not be aligned, and loads may overlap: the first one wins.
 *
 * System V ABI, chapter 4 and 5; gabi "PN_XNUM"; Linux fs/proc/vmcore.c, kernel/kexec_file.c; QEMU dump/dump.c.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/image/build.h"

enum {
	NOTES_MAX = 64 << 20,
	PHDRS_AT_ONCE = 1024,
	PHDRS_MAX = 1 << 24,  /* QEMU writes one per mapping; a flattened file's size is only a claim, so this is the bound */
};

/* Byte order, word size and where the program headers are. */
struct elf_head {
	bool be, wide;
	uint16_t type, machine;
	uint32_t flags, phentsize;
	uint64_t phoff, phnum, shoff;
};

struct phdr {
	uint32_t type;
	uint64_t offset, paddr, filesz, memsz;
};

static int elf_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	if (head->len < EI_NIDENT || memcmp(head->base, ELFMAG, SELFMAG))
		return 0;
	return 100;
}

static int parse_head(struct mmw_bytes *b, struct elf_head *h, struct mmw_err *err)
{
	uint8_t class, data;
	uint16_t phentsize = 0, phnum = 0;
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
	h->phentsize = phentsize;
	h->phnum = phnum;
	return rc;
}

static int read_head(struct mmw_file *f, struct elf_head *h, struct mmw_err *err)
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
	if (h->phentsize < (h->wide ? 56u : 32u) || h->phnum > PHDRS_MAX ||
	    !mmw_fits(h->phoff, h->phnum * h->phentsize, f->size))
		return mmw_fail(err, MMW_E_CORRUPT, h->phoff, "ELF header: %" PRIu64 " program headers of %u bytes at offset %"
				PRIu64 " do not fit the file of %" PRIu64 " bytes (truncated?)", h->phnum, h->phentsize,
				h->phoff, f->size);
	return 0;
}

static struct phdr parse_phdr(const uint8_t *p, const struct elf_head *h)
{
	if (h->wide)
		return (struct phdr){ mmw_get32(p, h->be), mmw_get64(p + 8, h->be), mmw_get64(p + 24, h->be),
				      mmw_get64(p + 32, h->be), mmw_get64(p + 40, h->be) };
	return (struct phdr){ mmw_get32(p, h->be), mmw_get32(p + 4, h->be), mmw_get32(p + 12, h->be),
			      mmw_get32(p + 16, h->be), mmw_get32(p + 20, h->be) };
}

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
		rc = mmw_image_add_notes(img, &b, err);
	free(bytes);
	return rc;
}

/* QEMU marks memory that its range filter left out with an offset of all ones. */
static bool unsaved(const struct phdr *p, const struct elf_head *h)
{
	return p->offset == (h->wide ? UINT64_MAX : UINT32_MAX);
}

static int take_load(struct mmw_image *img, const struct phdr *p, const struct elf_head *h, struct mmw_err *err)
{
	uint64_t filesz = unsaved(p, h) ? 0 : p->filesz;
	int rc;

	if (p->paddr == (h->wide ? UINT64_MAX : UINT32_MAX))
		return 0;  /* kcore's way to say: not memory */
	rc = mmw_image_add_extent(img, p->paddr, filesz, p->offset, MMW_STORED, err);
	if (!rc && p->memsz > filesz)
		rc = mmw_image_add_extent(img, p->paddr + filesz, p->memsz - filesz, 0, MMW_EXCLUDED, err);
	return rc;
}

/* Every program header, in file order, a batch at a time. */
static int each_phdr(struct mmw_image *img, const struct elf_head *h,
		     int (*take)(struct mmw_image *, const struct phdr *, const struct elf_head *, struct mmw_err *),
		     struct mmw_err *err)
{
	uint8_t *batch = malloc((size_t)PHDRS_AT_ONCE * h->phentsize);
	int rc = 0;

	if (!batch)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for program headers");
	for (uint64_t i = 0; !rc && i < h->phnum; i += PHDRS_AT_ONCE) {
		uint64_t n = h->phnum - i < PHDRS_AT_ONCE ? h->phnum - i : PHDRS_AT_ONCE;

		rc = mmw_file_read(img->file, h->phoff + i * h->phentsize, batch, n * h->phentsize, err);
		for (uint64_t k = 0; !rc && k < n; k++) {
			struct phdr p = parse_phdr(batch + k * h->phentsize, h);

			rc = take(img, &p, h, err);
		}
	}
	free(batch);
	return rc;
}

static int take_phdr(struct mmw_image *img, const struct phdr *p, const struct elf_head *h, struct mmw_err *err)
{
	if (p->type == PT_NOTE)
		return take_notes(img, p, err);
	if (p->type == PT_LOAD)
		return take_load(img, p, h, err);
	return 0;
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
	struct elf_head h;
	int rc = read_head(img->file, &h, err);

	if (rc)
		return rc;
	img->big_endian = h.be;
	img->machine = h.machine;
	img->excluded_or_zero = true;
	rc = each_phdr(img, &h, take_phdr, err);
	if (rc)
		return rc;
	if (!img->n_ext)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "this ELF core file holds no memory (no PT_LOAD segment)");
	snprintf(img->note, sizeof(img->note), "%s, %s-endian, %" PRIu64 " segments%s", h.wide ? "64-bit" : "32-bit",
		 h.be ? "big" : "little", h.phnum, h.flags & 1 ? ", incomplete" : "");
	return rank_stored_first(img, err);
}

const struct mmw_format mmw_format_elf = {
	.name = "ELF",
	.summary = "ELF core of physical memory: /proc/vmcore, QEMU dump-guest-memory, makedumpfile -E",
	.probe = elf_probe,
	.open = elf_open,
};

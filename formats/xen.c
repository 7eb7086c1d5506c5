/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xen's dump-core of a domain (xl dump-core, virsh dump of Xen): an ELF core file without program headers.
 *
 *   Ehdr, section headers; then what the sections are:
 *     .note.Xen      notes "Xen": 0x2000001 is u64 magic, vCPUs, pages, page size
 *     .xen_prstatus  struct vcpu_guest_context, one per vCPU
 *     .xen_pfn       u64 frame[]: of a domain with tables of its own (HVM, PVH, Arm)
 *     .xen_p2m       { u64 pfn, u64 gmfn }[]: of a paravirtualised one
 *     .xen_pages     the pages, in the order of the table before
 *     .shstrtab      the sections' names, behind the pages: a file that was cut has none, and sections are known by
 *                    their type and the size of their entries
 *
 * Frames come in any order, and ~0 is no frame. A paravirtualised domain's page tables hold machine frames, so there
 * physical memory is by gmfn: tables and CR3 can be followed as they are, and a page's own number (pfn) is another.
 * Such a domain of 32 bits is dumped by a 64-bit toolstack with its own, smaller context at the start of each entry.
 *
 * Xen docs/misc/dump-core-format.txt, tools/libs/guest (libxc) xc_core.c and xc_core_x86.c, xen/include/public/
 * arch-x86/xen.h, xen-x86_32.h, xen-x86_64.h. No real dump was at hand.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/elf.h"
#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	SECTIONS_MAX = 256,
	NAMES_MAX = 4096,
	NOTES_MAX = 1 << 20,
	VCPUS_MAX = 8192,
	ENTRIES_AT_ONCE = 8192,
	PAGE_MIN = 4096,
	PAGE_MAX = 65536,

	NOTE_HEADER = 0x2000001,
	IN_KERNEL = 4,  /* VGCF_in_kernel */
};

#define PAGES_MAX (1ull << 30)
#define OFFSET_MAX (1ull << 62)

struct section {
	uint32_t name, type;
	uint64_t at, len, entry;
};

struct xen {
	struct elf_head h;
	struct section sections[SECTIONS_MAX];
	uint32_t n;
	struct section notes, prstatus, frames, pages;
	bool p2m, cut;  /* cut: without the sections' names */
	uint64_t page_size, n_pages;
};

/* Where struct vcpu_guest_context of each word size keeps what is asked of it. */
struct context {
	uint16_t machine, size, word, flags, regs, cr, n_gpr;
	/* In user_regs: NT_PRSTATUS wants them in this order. 0xff is one that is not there. */
	const uint8_t *gprs;
	uint8_t pc, sp, cs;
};

/* r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs rflags rsp ss fs_base gs_base ds es fs gs */
static const uint8_t wide_gprs[] = {
	0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 0xff, 128, 136, 144, 152, 160, 0xff, 0xff, 176, 168, 184, 192,
};

/* ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss */
static const uint8_t narrow_gprs[] = { 0, 4, 8, 12, 16, 20, 24, 56, 52, 60, 64, 0xff, 32, 36, 40, 44, 48 };

static const struct context wide = { EM_X86_64, 5168, 8, 512, 520, 4984, 27, wide_gprs, 16, 19, 17 };
static const struct context narrow = { EM_386, 2800, 4, 512, 516, 2716, 17, narrow_gprs, 12, 15, 13 };

enum { FS_BASE = 21, GS_BASE = 22, FS_BASE_AT = 5144, GS_KERNEL_AT = 5152, GS_USER_AT = 5160 };

static int xen_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	const uint8_t *p = head->base;
	bool be, is_wide;

	(void)file_size;
	if (head->len < 52 || memcmp(p, ELFMAG, SELFMAG))
		return 0;
	be = p[EI_DATA] == ELFDATA2MSB;
	is_wide = p[EI_CLASS] == ELFCLASS64;
	if (is_wide && head->len < 64)
		return 0;
	/* A core without program headers, which has section headers: e_type, e_phnum, e_shnum. */
	return mmw_get16(p + 16, be) == ET_CORE && !mmw_get16(p + (is_wide ? 56 : 44), be) &&
	       mmw_get16(p + (is_wide ? 60 : 48), be) ? 100 : 0;
}

/* --- the sections ----------------------------------------------------------------------------------------------- */

static struct section parse_section(const uint8_t *p, const struct elf_head *h)
{
	if (h->wide)
		return (struct section){ mmw_get32(p, h->be), mmw_get32(p + 4, h->be), mmw_get64(p + 24, h->be),
					 mmw_get64(p + 32, h->be), mmw_get64(p + 56, h->be) };
	return (struct section){ mmw_get32(p, h->be), mmw_get32(p + 4, h->be), mmw_get32(p + 16, h->be),
				 mmw_get32(p + 20, h->be), mmw_get32(p + 36, h->be) };
}

static int read_sections(struct mmw_file *f, struct xen *x, struct mmw_err *err)
{
	const struct elf_head *h = &x->h;
	uint32_t n = h->shnum < SECTIONS_MAX ? h->shnum : SECTIONS_MAX;
	uint8_t *bytes;
	int rc;

	if (h->shentsize < (h->wide ? 64u : 40u) || !mmw_fits(h->shoff, (uint64_t)n * h->shentsize, f->size))
		return mmw_fail(err, MMW_E_CORRUPT, h->shoff, "this ELF core has no program headers, and its %" PRIu32 " section headers "
				"at offset %" PRIu64 " do not fit the file (truncated?)", h->shnum, h->shoff);
	bytes = malloc((size_t)n * h->shentsize);
	if (!bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for section headers");
	rc = mmw_file_read(f, h->shoff, bytes, (size_t)n * h->shentsize, err);
	for (uint32_t i = 0; !rc && i < n; i++)
		x->sections[x->n++] = parse_section(bytes + (size_t)i * h->shentsize, h);
	free(bytes);
	return rc;
}

static void take_named(struct xen *x, const struct section *s, const char *name)
{
	if (!strcmp(name, ".note.Xen")) {
		x->notes = *s;
	} else if (!strcmp(name, ".xen_prstatus")) {
		x->prstatus = *s;
	} else if (!strcmp(name, ".xen_pages")) {
		x->pages = *s;
	} else if (!strcmp(name, ".xen_pfn") || !strcmp(name, ".xen_p2m")) {
		x->frames = *s;
		x->p2m = !strcmp(name, ".xen_p2m");
	}
}

/* A table of frames has entries of 8 or 16 bytes, and the pages come last; shared info is a page as well. */
static void take_unnamed(struct xen *x, const struct section *s)
{
	if (s->type == SHT_NOTE) {
		x->notes = *s;
	} else if (s->type == SHT_PROGBITS && (s->entry == 8 || s->entry == 16)) {
		x->frames = *s;
		x->p2m = s->entry == 16;
	} else if (s->type == SHT_PROGBITS && s->entry >= PAGE_MIN && !(s->entry & (s->entry - 1))) {
		x->pages = *s;
	} else if (s->type == SHT_PROGBITS && s->entry >= narrow.size && !x->prstatus.len) {
		x->prstatus = *s;
	}
}

static int find_sections(struct mmw_file *f, struct xen *x, struct mmw_err *err)
{
	const struct section *names = x->h.shstrndx < x->n ? &x->sections[x->h.shstrndx] : NULL;
	char text[NAMES_MAX + 1] = "";
	uint64_t len = names && names->len < NAMES_MAX ? names->len : NAMES_MAX;

	x->cut = !names || !mmw_fits(names->at, len, f->size) || mmw_file_read(f, names->at, text, len, NULL);
	for (uint32_t i = 0; i < x->n; i++) {
		if (x->cut)
			take_unnamed(x, &x->sections[i]);
		else if (x->sections[i].name < len)
			take_named(x, &x->sections[i], text + x->sections[i].name);
	}
	if (!x->frames.len || !x->pages.len)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "this ELF core file holds no memory: no program headers, and no sections .xen_pages "
				"and .xen_pfn or .xen_p2m as Xen writes them");
	if (x->pages.at > OFFSET_MAX || x->frames.at > f->size)
		return mmw_fail(err, MMW_E_CORRUPT, x->frames.at, "this Xen dump ends before its table of frames (truncated?)");
	return 0;
}

/* --- notes ------------------------------------------------------------------------------------------------------ */

static int take_notes(struct mmw_image *img, struct xen *x, struct mmw_err *err)
{
	uint64_t len = x->notes.len < NOTES_MAX ? x->notes.len : NOTES_MAX;
	struct mmw_bytes b, header;
	uint8_t *bytes;
	int rc;

	x->page_size = PAGE_MIN;
	x->n_pages = UINT64_MAX;
	if (!len || !mmw_fits(x->notes.at, len, img->file->size))
		return 0;
	bytes = malloc(len);
	if (!bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %" PRIu64 " bytes of notes", len);
	rc = mmw_file_read(img->file, x->notes.at, bytes, len, err);
	b = mmw_bytes_of(bytes, len, x->h.be, "Xen notes");
	rc = rc ? rc : mmw_image_add_notes(img, &b, err);
	free(bytes);
	if (rc && rc != -MMW_E_CORRUPT && rc != -MMW_E_TRUNCATED)
		return rc;
	if (mmw_image_find_note(img, "Xen", NOTE_HEADER, &header) && header.len >= 32) {
		uint64_t size = mmw_get64(header.base + 24, x->h.be);

		x->n_pages = mmw_get64(header.base + 16, x->h.be);
		if (size >= PAGE_MIN && size <= PAGE_MAX && !(size & (size - 1)))
			x->page_size = size;
	}
	return 0;
}

/* --- pages ------------------------------------------------------------------------------------------------------ */

/* Pages [index, index + n) of the file, which are frames in ascending order. */
struct run {
	uint64_t frame, index, n;
};

static int add_run(struct mmw_image *img, const struct xen *x, const struct run *r, struct mmw_err *err)
{
	uint64_t size = x->page_size;

	if (!r->n || r->frame > UINT64_MAX / size - r->n)
		return 0;
	return mmw_image_add_extent(img, r->frame * size, r->n * size, x->pages.at + r->index * size, MMW_STORED, err);
}

/* A frame that goes on is joined to its run; the same one once more is no new memory. */
static int take_frame(struct mmw_image *img, const struct xen *x, struct run *r, uint64_t frame, uint64_t index,
		      struct mmw_err *err)
{
	int rc;

	if (r->n && frame == r->frame + r->n && index == r->index + r->n) {
		r->n++;
		return 0;
	}
	if (frame == UINT64_MAX || (r->n && frame == r->frame + r->n - 1))
		return 0;
	rc = add_run(img, x, r, err);
	*r = (struct run){ frame, index, 1 };
	return rc;
}

static int take_pages(struct mmw_image *img, const struct xen *x, struct mmw_err *err)
{
	uint64_t entry = x->p2m ? 16 : 8, left = img->file->size - x->frames.at;
	uint64_t n = (x->frames.len < left ? x->frames.len : left) / entry;
	uint8_t *bytes = malloc(ENTRIES_AT_ONCE * entry);
	struct run r = { 0 };
	int rc = 0;

	if (!bytes)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a table of frames");
	n = n < x->n_pages ? n : x->n_pages;
	if (n > PAGES_MAX)
		rc = mmw_fail(err, MMW_E_LIMIT, 0, "more than %llu pages", PAGES_MAX);
	for (uint64_t i = 0; !rc && i < n; i += ENTRIES_AT_ONCE) {
		uint64_t some = n - i < ENTRIES_AT_ONCE ? n - i : ENTRIES_AT_ONCE;

		mmw_progress(img->progress, "reading the table of frames", i, n);
		rc = mmw_file_read(img->file, x->frames.at + i * entry, bytes, some * entry, err);
		for (uint64_t k = 0; !rc && k < some; k++)
			rc = take_frame(img, x, &r, mmw_get64(bytes + k * entry + (x->p2m ? 8 : 0), x->h.be), i + k, err);
	}
	free(bytes);
	return rc ? rc : add_run(img, x, &r, err);
}

/* --- registers -------------------------------------------------------------------------------------------------- */

/* CR3 of a 32-bit domain has the frame's high bits at the bottom. */
static uint64_t cr3_of(const struct context *c, const uint8_t *p, bool pv)
{
	uint64_t cr3 = mmw_get_word(p + c->cr + 3 * c->word, c->word, false);

	return pv && c->word == 4 ? (uint64_t)((uint32_t)cr3 >> 12 | (uint32_t)cr3 << 20) << 12 : cr3;
}

static bool holds(const struct mmw_image *img, uint64_t pa)
{
	for (size_t i = 0; i < img->n_ext; i++)
		if (pa - img->ext[i].pa < img->ext[i].len)
			return true;
	return false;
}

/* Only a paravirtualised domain's context may be narrower than the entry: then CR3 tells, which is a frame of its own. */
static const struct context *context_of(const struct mmw_image *img, const struct xen *x, const uint8_t *first, uint64_t entry)
{
	uint64_t cr3;

	if (entry < wide.size)
		return entry >= narrow.size ? &narrow : NULL;
	cr3 = cr3_of(&wide, first, x->p2m);
	if (!x->p2m || (cr3 && !(cr3 >> 52) && holds(img, cr3)))
		return &wide;
	cr3 = cr3_of(&narrow, first, x->p2m);
	return cr3 && holds(img, cr3) ? &narrow : &wide;
}

static void set_gs(struct mmw_cpu *cpu, const uint8_t *p, bool in_kernel)
{
	uint64_t kernel = mmw_get64(p + GS_KERNEL_AT, false), user = mmw_get64(p + GS_USER_AT, false);

	cpu->gpr[FS_BASE] = mmw_get64(p + FS_BASE_AT, false);
	cpu->gpr[GS_BASE] = in_kernel ? kernel : user;
	mmw_cpu_set(cpu, MMW_REG_GS_BASE, in_kernel ? kernel : user);
	mmw_cpu_set(cpu, MMW_REG_KERNEL_GS_BASE, in_kernel ? user : kernel);
}

static void take_context(struct mmw_cpu *cpu, const struct context *c, const uint8_t *p, bool pv)
{
	static const enum mmw_reg crs[] = { MMW_REG_CR0, MMW_REG_COUNT, MMW_REG_CR2, MMW_REG_CR3, MMW_REG_CR4 };

	cpu->n_gpr = c->n_gpr;
	for (unsigned i = 0; i < c->n_gpr; i++) {
		bool selector = i == c->cs || i == (c->word == 8 ? 20u : 16u) || (c->word == 8 ? i >= 23 : i >= 7 && i < 11);

		cpu->gpr[i] = c->gprs[i] == 0xff ? UINT64_MAX >> (64 - 8 * c->word) :
			      mmw_get_word(p + c->regs + c->gprs[i], selector ? 2 : c->word, false);
	}
	mmw_cpu_set(cpu, MMW_REG_PC, cpu->gpr[c->pc]);
	mmw_cpu_set(cpu, MMW_REG_SP, cpu->gpr[c->sp]);
	for (unsigned i = 0; i < mmw_array_len(crs); i++)
		if (crs[i] != MMW_REG_COUNT)
			mmw_cpu_set(cpu, crs[i], mmw_get_word(p + c->cr + i * c->word, c->word, false));
	mmw_cpu_set(cpu, MMW_REG_CR3, cr3_of(c, p, pv));
	/* A paravirtualised kernel runs in ring 3 like its programs: there only the flag tells. */
	if (c->word == 8)
		set_gs(cpu, p, pv ? p[c->flags] & IN_KERNEL : !(cpu->gpr[c->cs] & 3));
}

/* x86 only: what registers of other machines look like here was not looked into. */
static int take_cpus(struct mmw_image *img, const struct xen *x, struct mmw_err *err)
{
	uint64_t entry = x->prstatus.entry, n = entry ? x->prstatus.len / entry : 0;
	const struct context *c = NULL;
	uint8_t bytes[5168];
	int rc = 0;

	if ((img->machine != EM_X86_64 && img->machine != EM_386) || x->h.be || entry < narrow.size || n > VCPUS_MAX)
		return 0;
	for (uint64_t i = 0; !rc && i < n && mmw_fits(x->prstatus.at, (i + 1) * entry, img->file->size); i++) {
		struct mmw_cpu *cpu;

		rc = mmw_file_read(img->file, x->prstatus.at + i * entry, bytes, entry < sizeof(bytes) ? entry : sizeof(bytes), err);
		if (rc)
			break;
		c = c ? c : context_of(img, x, bytes, entry);
		rc = mmw_image_add_cpu(img, &cpu, err);
		if (!rc)
			take_context(cpu, c, bytes, x->p2m);
	}
	if (c)
		img->machine = c->machine;
	/* Registers that cannot be read cost no memory. */
	return rc == -MMW_E_CORRUPT || rc == -MMW_E_TRUNCATED ? 0 : rc;
}

static int xen_open(struct mmw_image *img, struct mmw_err *err)
{
	struct xen *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a Xen image");
	rc = mmw_elf_read_head(img->file, &x->h, err);
	rc = rc ? rc : read_sections(img->file, x, err);
	rc = rc ? rc : find_sections(img->file, x, err);
	img->big_endian = x->h.be;
	img->machine = x->h.machine;
	rc = rc ? rc : take_notes(img, x, err);
	rc = rc ? rc : take_pages(img, x, err);
	rc = rc ? rc : take_cpus(img, x, err);
	if (!rc) {
		mmw_image_note_add(img, "%s%s", x->p2m ? "paravirtualised domain, memory by machine frame" : "domain",
				   x->cut ? ", truncated" : "");
		if (x->p2m)
			snprintf(img->placement, sizeof(img->placement), "by machine frames (MFN), as the domain's page tables hold them; "
				 "its own page frame numbers are others");
	}
	free(x);
	return rc;
}

const struct mmw_format mmw_format_xen = {
	.name = "Xen",
	.summary = "Xen's dump-core of a domain: an ELF core with sections .xen_pages and .xen_pfn or .xen_p2m",
	.probe = xen_probe,
	.open = xen_open,
};

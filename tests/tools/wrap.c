/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/wrap.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "tests/tools/wrap_containers.h"
#include "tests/tools/wrap_elfs.h"
#include "tests/tools/wrap_packed.h"
#include "tests/tools/wrap_qemu.h"
#include "tests/unit/kdump_build.h"

/* --- notes ---------------------------------------------------------------------------------------------------- */

static void add_note(struct blob *out, const char *name, uint32_t type, const struct blob *desc, bool be)
{
	blob_uint(out, strlen(name) + 1, 4, be);
	blob_uint(out, desc->len, 4, be);
	blob_uint(out, type, 4, be);
	blob_add(out, name, strlen(name) + 1);
	blob_align(out, 4);
	blob_add(out, desc->bytes, desc->len);
	blob_align(out, 4);
}

/* struct elf_prstatus of x86-64: the registers start at 112, rip is the 17th and rsp the 20th. */
static void add_prstatus(const struct phys *p, const struct phys_cpu *cpu, struct blob *out)
{
	struct blob desc = { 0 };

	blob_pad_to(&desc, 336);
	blob_put(&desc, 112 + 8 * 16, cpu->pc, 8, p->big_endian);
	blob_put(&desc, 112 + 8 * 19, cpu->sp, 8, p->big_endian);
	add_note(out, "CORE", NT_PRSTATUS, &desc, p->big_endian);
	blob_fini(&desc);
}

/* QEMU target/i386/arch_dump.c, struct QEMUCPUState. */
static void add_qemu(const struct phys *p, const struct phys_cpu *cpu, struct blob *out)
{
	bool be = p->big_endian;
	struct blob desc = { 0 };

	blob_pad_to(&desc, 440);
	blob_put(&desc, 0, 1, 4, be);
	blob_put(&desc, 4, 440, 4, be);
	blob_put(&desc, 8 + 6 * 8, cpu->sp, 8, be);
	blob_put(&desc, 136, cpu->pc, 8, be);
	blob_put(&desc, 152 + 4 * 24 + 16, cpu->gs_base, 8, be);
	blob_put(&desc, 392, cpu->cr0, 8, be);
	blob_put(&desc, 408, cpu->cr2, 8, be);
	blob_put(&desc, 416, cpu->cr3, 8, be);
	blob_put(&desc, 424, cpu->cr4, 8, be);
	blob_put(&desc, 432, cpu->kernel_gs_base, 8, be);
	add_note(out, "QEMU", 0, &desc, be);
	blob_fini(&desc);
}

void wrap_notes(const struct phys *p, struct blob *out)
{
	for (size_t i = 0; i < p->n_cpus; i++)
		add_prstatus(p, &p->cpus[i], out);
	for (size_t i = 0; i < p->n_cpus; i++)
		if (p->cpus[i].qemu)
			add_qemu(p, &p->cpus[i], out);
	if (p->vmcoreinfo.len)
		add_note(out, "VMCOREINFO", 0, &p->vmcoreinfo, p->big_endian);
}

/* --- raw ------------------------------------------------------------------------------------------------------ */

static void write_raw(const struct phys *p, struct blob *out)
{
	for (size_t i = 0; i < p->n; i++) {
		blob_pad_to(out, p->pages[i].pfn * PHYS_PAGE);
		if (p->pages[i].state == PHYS_STORED)
			blob_add(out, phys_page_bytes(&p->pages[i]), PHYS_PAGE);
		else
			blob_add(out, NULL, PHYS_PAGE);
	}
}

static void write_raw_blocks(const struct phys *p, struct blob *out)
{
	for (size_t i = 0; i < p->n; i++)
		blob_add(out, phys_page_bytes(&p->pages[i]), PHYS_PAGE);
}

static const char *const chv_parts[] = { ".ranges", NULL };
static const char *const vmem_parts[] = { ".vmem", NULL };
static const char *const raw_parts[] = { ".2", ".3", NULL };

/* The index-th third of the raw image. */
static void write_third(const struct phys *p, unsigned index, struct blob *out)
{
	struct blob all = { 0 };
	size_t third;

	write_raw(p, &all);
	third = all.len / 3 + 1;
	blob_add(out, all.bytes + index * third, index == 2 ? all.len - 2 * third : third);
	blob_fini(&all);
}

static void write_raw_first(const struct phys *p, struct blob *out)
{
	write_third(p, 0, out);
}

static void write_raw_part(const struct phys *p, unsigned index, struct blob *out)
{
	write_third(p, index + 1, out);
}

/* --- ELF ------------------------------------------------------------------------------------------------------ */

struct segment {
	uint32_t type;
	uint64_t pa, filesz, memsz;
	size_t first;      /* index of its first page */
	uint64_t offset;
	bool unsaved;      /* QEMU's mark: an offset of all ones */
	bool garbage;      /* must lose against another segment */
};

struct elf_style {
	bool wide, xnum, overlap, tails;
};

struct elf {
	const struct phys *p;
	struct elf_style style;
	struct segment *seg;
	size_t n, cap;
};

static void push_segment(struct elf *e, struct segment s)
{
	if (e->n == e->cap) {
		e->cap = e->cap ? 2 * e->cap : 32;
		e->seg = xrealloc(e->seg, e->cap * sizeof(*e->seg));
	}
	e->seg[e->n++] = s;
}

/* One run of pages. What was left out is a segment without bytes, or (makedumpfile -E) the tail of the one before. */
static void plan_run(struct elf *e, size_t first, size_t pages)
{
	const struct phys_page *page = &e->p->pages[first];
	uint64_t pa = page->pfn * PHYS_PAGE, len = pages * PHYS_PAGE;
	struct segment *prev = e->n ? &e->seg[e->n - 1] : NULL;

	if (page->state == PHYS_STORED)
		push_segment(
			e, (struct segment){ .type = PT_LOAD, .pa = pa, .filesz = len, .memsz = len, .first = first });
	else if (e->style.tails && prev && prev->type == PT_LOAD && prev->pa + prev->memsz == pa)
		prev->memsz += len;
	else if (e->style.tails)
		push_segment(e, (struct segment){ .type = PT_LOAD, .pa = pa, .memsz = len });
	else
		push_segment(
			e, (struct segment){ .type = PT_LOAD, .pa = pa, .filesz = len, .memsz = len, .unsaved = true });
}

/* Later segments for memory that earlier ones hold: copies of them, and garbage across their borders. */
static void plan_overlaps(struct elf *e)
{
	size_t n = e->n;

	for (size_t i = 1; i < n; i++) {
		struct segment s = e->seg[i];

		if (s.type != PT_LOAD || s.unsaved || s.filesz != s.memsz)
			continue;
		push_segment(e, s);
		s.garbage = true;
		if (s.filesz > PHYS_PAGE / 2)
			s.pa += PHYS_PAGE / 2, s.filesz -= PHYS_PAGE / 2, s.memsz = s.filesz;
		push_segment(e, s);
	}
}

static void plan(struct elf *e)
{
	size_t step;

	push_segment(e, (struct segment){ .type = PT_NOTE });
	for (size_t i = 0; i < e->p->n; i += step) {
		step = e->style.xnum ? 1 : phys_run(e->p, i);
		plan_run(e, i, step);
	}
	if (e->style.overlap)
		plan_overlaps(e);
}

static void put_phdr(const struct elf *e, const struct segment *s, struct blob *out, size_t at)
{
	bool be = e->p->big_endian;
	uint64_t offset = s->unsaved ? UINT64_MAX : s->offset, filesz = s->unsaved ? 0 : s->filesz;

	blob_put(out, at, s->type, 4, be);
	if (e->style.wide) {
		blob_put(out, at + 8, offset, 8, be);
		blob_put(out, at + 24, s->pa, 8, be);
		blob_put(out, at + 32, filesz, 8, be);
		blob_put(out, at + 40, s->memsz, 8, be);
		return;
	}
	if (s->pa + s->memsz > UINT32_MAX)
		die("ELF32 holds no memory at %llx", (unsigned long long)s->pa);
	blob_put(out, at + 4, offset, 4, be);
	blob_put(out, at + 12, s->pa, 4, be);
	blob_put(out, at + 16, filesz, 4, be);
	blob_put(out, at + 20, s->memsz, 4, be);
}

/* The header; with PN_XNUM section header 0 stands right behind it, where QEMU puts it. Returns e_phoff. */
static size_t put_ehdr(const struct elf *e, struct blob *out)
{
	bool be = e->p->big_endian, wide = e->style.wide;
	unsigned word = wide ? 8 : 4;
	size_t ehdr = wide ? 64 : 52, shdr = e->style.xnum ? (wide ? 64 : 40) : 0, at = 24 + word;

	blob_pad_to(out, ehdr + shdr);
	memcpy(out->bytes, ELFMAG, SELFMAG);
	out->bytes[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	out->bytes[EI_DATA] = be ? ELFDATA2MSB : ELFDATA2LSB;
	out->bytes[EI_VERSION] = EV_CURRENT;
	blob_put(out, 16, ET_CORE, 2, be);
	blob_put(out, 18, EM_X86_64, 2, be);
	blob_put(out, 20, EV_CURRENT, 4, be);
	blob_put(out, at, ehdr + shdr, word, be);
	blob_put(out, at + word, shdr ? ehdr : 0, word, be);
	at += 2 * word + 4;
	blob_put(out, at, ehdr, 2, be);
	blob_put(out, at + 2, wide ? 56 : 32, 2, be);
	blob_put(out, at + 4, shdr ? PN_XNUM : e->n, 2, be);
	blob_put(out, at + 6, shdr, 2, be);
	blob_put(out, at + 8, shdr ? 1 : 0, 2, be);
	if (shdr)
		blob_put(out, ehdr + (wide ? 44 : 28), e->n, 4, be);
	return ehdr + shdr;
}

static void put_segment(const struct elf *e, struct segment *s, struct blob *out)
{
	s->offset = out->len;
	if (s->type == PT_NOTE) {
		wrap_notes(e->p, out);
		s->filesz = s->memsz = out->len - s->offset;
	} else if (s->garbage) {
		for (uint64_t i = 0; i < s->filesz; i++)
			blob_u8(out, 0xa5);
	} else if (!s->unsaved) {
		for (uint64_t i = 0; i < s->filesz / PHYS_PAGE; i++)
			blob_add(out, phys_page_bytes(&e->p->pages[s->first + i]), PHYS_PAGE);
	}
}

static void write_elf_as(const struct phys *p, struct elf_style style, struct blob *out)
{
	struct elf e = { .p = p, .style = style };
	size_t phoff, phentsize = style.wide ? 56 : 32;

	plan(&e);
	phoff = put_ehdr(&e, out);
	blob_pad_to(out, phoff + e.n * phentsize);
	for (size_t n = 0; n < e.n; n++) {
		size_t i = style.xnum && n ? e.n - n : n;  /* pages lie in the file last one first */

		put_segment(&e, &e.seg[i], out);
		put_phdr(&e, &e.seg[i], out, phoff + i * phentsize);
	}
	free(e.seg);
}

static void write_elf(const struct phys *p, struct blob *out)
{
	write_elf_as(p, (struct elf_style){ .wide = true }, out);
}

static void write_elf32(const struct phys *p, struct blob *out)
{
	write_elf_as(p, (struct elf_style){ 0 }, out);
}

static void write_elf_xnum(const struct phys *p, struct blob *out)
{
	write_elf_as(p, (struct elf_style){ .wide = true, .xnum = true }, out);
}

static void write_elf_overlap(const struct phys *p, struct blob *out)
{
	write_elf_as(p, (struct elf_style){ .wide = true, .overlap = true }, out);
}

static void write_elf_tails(const struct phys *p, struct blob *out)
{
	write_elf_as(p, (struct elf_style){ .wide = true, .tails = true }, out);
}

/* --- LiME ----------------------------------------------------------------------------------------------------- */

/* A range in two records where it can be, the first of which ends inside a page. What is excluded is not there. */
static void write_lime_range(const struct phys *p, size_t from, size_t n, struct blob *out)
{
	uint64_t first = p->pages[from].pfn * PHYS_PAGE, last = first + n * PHYS_PAGE - 1, at = first;

	while (at <= last) {
		uint64_t end = n > 1 && at == first ? first + PHYS_PAGE + 99 : last;

		blob_add(out, "EMiL\1\0\0\0", 8);
		blob_uint(out, at, 8, false);
		blob_uint(out, end, 8, false);
		blob_uint(out, 0, 8, false);
		for (; at <= end; at++)
			blob_u8(out, phys_page_bytes(&p->pages[from + (at - first) / PHYS_PAGE])[at % PHYS_PAGE]);
	}
}

static void write_lime(const struct phys *p, struct blob *out)
{
	for (size_t i = 0, n; i < p->n; i += n) {
		n = phys_run(p, i);
		if (p->pages[i].state == PHYS_STORED)
			write_lime_range(p, i, n, out);
	}
}

/* No image at all: an executable's header, as a vmlinux given by mistake. */
static void write_vmlinux(const struct phys *p, struct blob *out)
{
	write_elf(p, out);
	blob_put(out, 16, ET_EXEC, 2, p->big_endian);
}

/* --- kdump ---------------------------------------------------------------------------------------------------- */

/* Where VMCOREINFO's text starts in the notes, of which it is the last. */
static size_t vmcoreinfo_at(const struct phys *p, const struct blob *notes)
{
	size_t padded = (p->vmcoreinfo.len + 3) & ~(size_t)3;

	return p->vmcoreinfo.len ? notes->len - padded : 0;
}

/* PFNs [start, stop) of a split dump; all of one that is not split when both are 0. */
static void write_kdump_part(const struct phys *p, enum kd_codec codec, uint64_t start, uint64_t stop, struct blob *out)
{
	struct kd_page *pages = xrealloc(NULL, p->n * sizeof(*pages));
	struct blob notes = { 0 };
	struct kd_image img;
	struct kd_spec spec = {
		.version = 6, .big_endian = p->big_endian, .shape = KD_WIDE, .block_size = PHYS_PAGE, .codec = codec,
		.share_zero = true, .level = 31, .machine = "x86_64", .pages = pages, .n_pages = p->n,
		.split = stop != 0, .start = start, .end = stop,
	};

	for (size_t i = 0; i < p->n; i++)
		pages[i] = (struct kd_page){ p->pages[i].pfn, p->pages[i].state == PHYS_STORED ? KD_DATA : KD_EXCLUDED,
					     phys_page_bytes(&p->pages[i]) };
	wrap_notes(p, &notes);
	spec.notes = notes.bytes;
	spec.notes_len = notes.len;
	spec.vmcoreinfo_at = vmcoreinfo_at(p, &notes);
	spec.vmcoreinfo_len = p->vmcoreinfo.len;
	if (kd_build(&spec, &img))
		die("kdump: the memory does not fit the format");
	blob_add(out, img.bytes, img.len);
	kd_free(&img);
	blob_fini(&notes);
	free(pages);
}

static void write_kdump(const struct phys *p, enum kd_codec codec, struct blob *out)
{
	write_kdump_part(p, codec, 0, 0, out);
}

static const char *const kdump_parts[] = { ".2", ".3", ".4", NULL };

/* Four parts, one of them empty; the first file has the last PFNs. */
static void write_split(const struct phys *p, unsigned index, struct blob *out)
{
	uint64_t end = p->pages[p->n - 1].pfn + 1, a = p->pages[p->n / 3].pfn, b = p->pages[p->n / 2].pfn;
	const uint64_t cuts[][2] = { { b, end }, { 0, a }, { a, a }, { a, b } };

	write_kdump_part(p, KD_ZLIB, cuts[index][0], cuts[index][1], out);
}

static void write_split_first(const struct phys *p, struct blob *out)
{
	write_split(p, 0, out);
}

static void write_split_part(const struct phys *p, unsigned index, struct blob *out)
{
	write_split(p, index + 1, out);
}

static void write_kdump_none(const struct phys *p, struct blob *out)
{
	write_kdump(p, KD_STORED, out);
}

static void write_kdump_zlib(const struct phys *p, struct blob *out)
{
	write_kdump(p, KD_ZLIB, out);
}

static void write_kdump_lzo(const struct phys *p, struct blob *out)
{
	write_kdump(p, KD_LZO, out);
}

static void write_kdump_snappy(const struct phys *p, struct blob *out)
{
	write_kdump(p, KD_SNAPPY, out);
}

static void write_kdump_zstd(const struct phys *p, struct blob *out)
{
	write_kdump(p, KD_ZSTD, out);
}

/* --- flattened ------------------------------------------------------------------------------------------------ */

static void flatten(const struct blob *inner, size_t record, struct blob *out)
{
	struct kd_stream s;

	if (kd_flatten(inner->bytes, inner->len, record, KD_SHUFFLED, &s))
		die("no memory for a flattened stream");
	blob_add(out, s.bytes, s.len);
	kd_stream_free(&s);
}

static void write_flat_elf(const struct phys *p, struct blob *out)
{
	struct blob inner = { 0 };

	write_elf(p, &inner);
	flatten(&inner, 5000, out);
	blob_fini(&inner);
}

static void write_flat_kdump(const struct phys *p, struct blob *out)
{
	struct blob inner = { 0 };

	write_kdump(p, KD_ZLIB, &inner);
	flatten(&inner, 1777, out);
	blob_fini(&inner);
}

/* --- wrappers ------------------------------------------------------------------------------------------------- */

typedef void writer(const struct phys *p, struct blob *out);

typedef void packer(const void *in, size_t n, struct blob *out);

static void pack(const struct phys *p, writer *inner, packer *as, struct blob *out)
{
	struct blob b = { 0 };

	inner(p, &b);
	as(b.bytes, b.len, out);
	blob_fini(&b);
}

static void write_raw_gz(const struct phys *p, struct blob *out)
{
	pack(p, write_raw, pack_gzip, out);
}

static void write_lime_zlib(const struct phys *p, struct blob *out)
{
	pack(p, write_lime, pack_zlib, out);
}

static void write_raw_xz(const struct phys *p, struct blob *out)
{
	pack(p, write_raw, pack_xz, out);
}

static void write_elf_zst(const struct phys *p, struct blob *out)
{
	pack(p, write_elf, pack_zstd, out);
}

static void write_kdump_bz2(const struct phys *p, struct blob *out)
{
	pack(p, write_kdump_none, pack_bzip2, out);
}

static void write_elf_lz4(const struct phys *p, struct blob *out)
{
	pack(p, write_elf, pack_lz4, out);
}

static void write_elf_lzo(const struct phys *p, struct blob *out)
{
	pack(p, write_elf, pack_lzop, out);
}

static void as_it_is(const void *in, size_t n, struct blob *out)
{
	blob_add(out, in, n);
}

static void write_libvirt(const struct phys *p, struct blob *out)
{
	libvirt_header(false, true, out);
	pack(p, write_elf, as_it_is, out);
}

/* Saved on a big-endian host, with a compressor. */
static void write_libvirt_xz(const struct phys *p, struct blob *out)
{
	libvirt_header(true, true, out);
	pack(p, write_elf, pack_xz, out);
}

static void write_libvirt_gz(const struct phys *p, struct blob *out)
{
	pack(p, write_libvirt_xz, pack_gzip, out);
}

/* The disk is not a whole number of what an L2 table maps. */
static void write_qcow2_as(const struct phys *p, struct qcow2_spec spec, struct blob *out)
{
	struct blob state = { 0 };
	struct qcow2_snapshot snapshots[] = { { "1", "disk only" }, { "2", "after boot" } };

	write_elf(p, &state);
	snapshots[1].state = state.bytes;
	snapshots[1].len = state.len;
	spec.snapshots = snapshots;
	spec.n = mmw_array_len(snapshots);
	spec.disk_size = 5 << 20;
	qcow2_write(&spec, out);
	blob_fini(&state);
}

static void write_qcow2(const struct phys *p, struct blob *out)
{
	write_qcow2_as(p, (struct qcow2_spec){ .version = 3, .cluster_bits = 12 }, out);
}

static void write_qcow2_v2(const struct phys *p, struct blob *out)
{
	write_qcow2_as(p, (struct qcow2_spec){ .version = 2, .cluster_bits = 9 }, out);
}

static void write_qcow2_parts(const struct phys *p, struct blob *out)
{
	write_qcow2_as(p, (struct qcow2_spec){ .version = 3, .cluster_bits = 14, .extended = true, .zstd = true }, out);
}

/* -------------------------------------------------------------------------------------------------------------- */

static const struct wrap_format formats[] = {
	{ "raw", "offset is address, holes are zero", false, false, false, write_raw },
	{ "raw-parts", "raw memory cut in three files, not at pages", false, false, false, write_raw_first, raw_parts,
	  write_raw_part, "--part @.2 --part @.3" },
	{ "raw-blocks", "raw memory block after block: no holes, no addresses", false, false, false, write_raw_blocks },
	{ "elf", "ELF64, as QEMU writes it", false, true, true, write_elf },
	{ "elf-be", "ELF64 of a big-endian machine", true, true, true, write_elf },
	{ "elf32", "ELF32", false, true, true, write_elf32 },
	{ "elf-xnum", "ELF64, a segment a page, last one first; PN_XNUM", false, true, true, write_elf_xnum },
	{ "elf-overlap", "ELF64, later segments repeat or contradict earlier ones", false, true, true,
	  write_elf_overlap },
	{ "elf-E", "ELF64, excluded memory as tails of segments (makedumpfile -E)", false, true, true,
	  write_elf_tails },
	{ "vbox", "ELF64 of VirtualBox", false, true, true, write_vbox, .no_excluded = true, .no_vmcoreinfo = true },
	{ "kcore", "a copy of /proc/kcore", false, true, false, write_kcore, .no_excluded = true },
	{ "kcore-old", "the same of Linux before 4.11: no physical addresses", false, true, false, write_kcore_old,
	  .no_excluded = true },
	{ "xen-hvm", "Xen dump-core, pages by pfn", false, true, true, write_xen_hvm, .no_excluded = true,
	  .no_vmcoreinfo = true },
	{ "xen-pv", "Xen dump-core, pages by machine frame", false, true, true, write_xen_pv, .no_excluded = true,
	  .no_vmcoreinfo = true },
	{ "kdump-none", "kdump, pages stored", false, true, true, write_kdump_none },
	{ "kdump-zlib", "kdump, zlib", false, true, true, write_kdump_zlib },
	{ "kdump-lzo", "kdump, LZO", false, true, true, write_kdump_lzo },
	{ "kdump-snappy", "kdump, snappy", false, true, true, write_kdump_snappy },
	{ "kdump-zstd", "kdump, zstd", false, true, true, write_kdump_zstd },
	{ "kdump-split", "kdump in four parts, the last one first, one empty", false, true, true, write_split_first,
	  kdump_parts, write_split_part, "--part @.2 --part @.3 --part @.4" },
	{ "kdump-be", "kdump of a big-endian machine, zlib", true, true, true, write_kdump_zlib },
	{ "flat-elf", "ELF64, flattened, records out of order", false, true, true, write_flat_elf },
	{ "flat-kdump", "kdump, flattened, records out of order", false, true, true, write_flat_kdump },
	{ "lime", "LiME version 1, ranges that end inside pages", false, false, false, write_lime },
	{ "avml", "AVML version 2, chunks of odd sizes", false, false, false, wrap_avml },
	{ "avml-mixed", "LiME's and AVML's records in turns", false, false, false, wrap_avml_mixed },
	{ "vmware", "VMware's suspended machine, memory inside", false, false, WRAP_CPUS_ONLY, wrap_vmware },
	{ "vmware-vmem", "VMware's suspended machine, memory beside", false, false, WRAP_CPUS_ONLY, wrap_vmware_vmss,
	  vmem_parts, wrap_vmware_vmem, "--part @.vmem" },
	{ "dmp", "Windows crash dump, all memory", false, false, false, wrap_dmp },
	{ "dmp-bitmap", "Windows crash dump, what was not filtered", false, true, false, wrap_dmp_bitmap },
	{ "dmp-list", "Windows crash dump, a list of ranges", false, true, false, wrap_dmp_list },
	{ "chv", "cloud-hypervisor's snapshot", false, false, WRAP_CPUS_ONLY, wrap_chv, chv_parts, wrap_chv_memory,
	  "--part @.ranges" },
	{ "raw-gz", "raw, gzip in two members", false, false, false, write_raw_gz },
	{ "raw-xz", "raw, xz in two streams of several blocks", false, false, false, write_raw_xz },
	{ "lime-zlib", "LiME with compress=1", false, false, false, write_lime_zlib },
	{ "elf-zst", "ELF64, zstd in two frames", false, true, true, write_elf_zst },
	{ "elf-lz4", "ELF64, lz4 in two frames", false, true, true, write_elf_lz4 },
	{ "elf-lzo", "ELF64, lzop in two members", false, true, true, write_elf_lzo },
	{ "kdump-bz2", "kdump, pages stored, bzip2 in two streams", false, true, true, write_kdump_bz2 },
	{ "libvirt", "libvirt's header before an ELF64", false, true, true, write_libvirt },
	{ "libvirt-xz", "libvirt's header, big endian, before an ELF64 in xz", false, true, true, write_libvirt_xz },
	{ "libvirt-gz", "the same in gzip", false, true, true, write_libvirt_gz },
	{ "qcow2", "ELF64 as VM state in qcow2", false, true, true, write_qcow2 },
	{ "qcow2-v2", "ELF64 as VM state in qcow2, version 2, small clusters", false, true, true, write_qcow2_v2 },
	{ "qcow2-parts", "ELF64 as VM state in qcow2, extended L2, zstd", false, true, true, write_qcow2_parts },
	{ "qemu", "QEMU stream of a machine that stands still", false, false, true, wrap_qemu, .no_vmcoreinfo = true },
	{ "qemu-busy", "QEMU stream, pages sent again, XBZRLE, compressed", false, false, true, wrap_qemu_busy,
	  .no_vmcoreinfo = true },
	{ "qemu-mapped", "QEMU stream, mapped-ram", false, false, true, wrap_qemu_mapped, .no_vmcoreinfo = true },
	{ "vmlinux", "no image: an executable", false, false, false, write_vmlinux },
};

const struct wrap_format *wrap_format_at(size_t index)
{
	return index < mmw_array_len(formats) ? &formats[index] : NULL;
}

const struct wrap_format *wrap_format_by_name(const char *name)
{
	for (size_t i = 0; i < mmw_array_len(formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

void wrap_write(const struct wrap_format *f, const struct phys *p, const char *path)
{
	struct blob out = { 0 };

	f->write(p, &out);
	blob_write(&out, path);
	blob_fini(&out);
	for (unsigned i = 0; f->more && f->more[i]; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s%s", path, f->more[i]);
		out = (struct blob){ 0 };
		f->write_more(p, i, &out);
		blob_write(&out, name);
		blob_fini(&out);
	}
}

/* What a format with exceptions would lose: pages left out, the note, a CPU whose control registers nobody knows. */
static bool excepted(const struct wrap_format *f, const struct phys *p)
{
	bool excluded = false, partial = false;

	for (size_t i = 0; i < p->n; i++)
		excluded |= p->pages[i].state == PHYS_EXCLUDED;
	for (size_t i = 0; i < p->n_cpus; i++)
		partial |= !p->cpus[i].qemu;
	return (f->no_excluded && excluded) || (f->no_vmcoreinfo && (p->vmcoreinfo.len || partial));
}

bool wrap_keeps(const struct wrap_format *f, const struct phys *p)
{
	if (f->write == write_elf32 && p->n && p->pages[p->n - 1].pfn >> 20)
		return false;
	if (f->write == write_vmlinux || excepted(f, p) || (!f->holes && !phys_flat(p)))
		return false;
	return f->registers == true || (!p->vmcoreinfo.len && (f->registers == WRAP_CPUS_ONLY || !p->n_cpus));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF cores (formats/elf.c has the layout), as /proc/vmcore looks, because that is what everyone reads:
 *
 *   Ehdr; Phdrs right behind it (makedumpfile looks nowhere else); one PT_NOTE, the first; section header 0 with their
 *   number when 16 bits do not hold it; the notes; then memory, each byte at an offset that is its address modulo 4096.
 *
 * Each run of memory is one PT_LOAD, whose p_vaddr is the address in the kernel's linear map: libkdumpfile reads by it,
 * and makedumpfile takes page_offset from it; 0 where the map does not reach. The kernel's image, where it is mapped
 * elsewhere, has PT_LOADs of its own before these, over the same bytes of the file: crash takes phys_base from them.
 * p_align is 0, or crash sees a netdump in it.
 *
 * What was left out is p_memsz beyond p_filesz, as makedumpfile -E writes it. What is missing lies, as in a file of its
 * that was cut off, behind the end of the file, and bit 0 of e_flags says so.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/writer.h"
#include "lib/base/vec.h"

enum {
	SEGMENTS_MAX = 1 << 24,  /* what formats/elf.c takes */
	INCOMPLETE = 1,          /* makedumpfile's bit of e_flags */
};

struct segment {
	uint64_t pa, va, filesz, memsz, off;
	bool missing;
};

struct elf {
	struct mmw_writing *w;
	struct segment *runs;  /* memory, once */
	size_t n_runs, cap_runs;
	struct segment *seg;   /* the program headers but the first */
	size_t n, cap;
	bool wide, be, incomplete;
	uint64_t notes_at, size;
};

static int push(struct segment **list, size_t *n, size_t *cap, struct segment s, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(list, cap, *n + 1, sizeof(**list), err);

	if (!rc)
		(*list)[(*n)++] = s;
	return rc;
}

/* Stored memory takes what was left out right behind it as its tail. */
static int plan_runs(struct elf *e, struct mmw_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < e->w->n_spans; i++) {
		const struct mmw_span *s = &e->w->spans[i];
		struct segment *prev = e->n_runs ? &e->runs[e->n_runs - 1] : NULL;
		struct segment run = { .pa = s->pa, .memsz = s->len };

		if (s->state == MMW_EXCLUDED && prev && !prev->missing && prev->pa + prev->memsz == s->pa) {
			prev->memsz += s->len;
			continue;
		}
		run.filesz = s->state == MMW_EXCLUDED ? 0 : s->len;
		run.missing = s->state == MMW_TRUNCATED;
		e->incomplete = e->incomplete || run.missing;
		rc = push(&e->runs, &e->n_runs, &e->cap_runs, run, err);
	}
	return rc;
}

/* The part of a run in [pa, end), mapped at va. */
static int push_part(struct elf *e, const struct segment *run, uint64_t pa, uint64_t end, uint64_t va,
		     struct mmw_err *err)
{
	struct segment s = *run;
	uint64_t skip = pa - run->pa;

	s.pa = pa;
	s.va = va;
	s.memsz = end - pa;
	s.filesz = skip >= run->filesz ? 0 : run->filesz - skip < s.memsz ? run->filesz - skip : s.memsz;
	s.off = s.filesz && !s.missing ? run->off + skip : run->off;
	return push(&e->seg, &e->n, &e->cap, s, err);
}

/* The kernel's image, wherever it lies. */
static int map_image(struct elf *e, struct mmw_err *err)
{
	const struct mmw_write_map *m = &e->w->opts->image;
	int rc = 0;

	for (size_t i = 0; m->len && !rc && i < e->n_runs; i++) {
		const struct segment *r = &e->runs[i];
		uint64_t pa = mmw_max64(r->pa, m->pa), end = mmw_min64(r->pa + r->memsz, m->pa + m->len);

		if (pa < end)
			rc = push_part(e, r, pa, end, m->va + (pa - m->pa), err);
	}
	return rc;
}

/* A run, cut where the linear map begins or ends; maps are in the order of physical addresses. */
static int map_run(struct elf *e, const struct segment *r, struct mmw_err *err)
{
	const struct mmw_write_opts *o = e->w->opts;
	uint64_t at = r->pa, last = r->pa + r->memsz;
	int rc = 0;

	for (size_t i = 0; !rc && i < o->n_maps && at < last; i++) {
		const struct mmw_write_map *m = &o->maps[i];
		uint64_t pa = mmw_max64(at, m->pa), end = mmw_min64(last, m->pa + m->len);

		if (pa >= end)
			continue;
		if (pa > at)
			rc = push_part(e, r, at, pa, 0, err);
		rc = rc ? rc : push_part(e, r, pa, end, m->va + (pa - m->pa), err);
		at = end;
	}
	return rc || at == last ? rc : push_part(e, r, at, last, 0, err);
}

static int map_all(struct elf *e, struct mmw_err *err)
{
	int rc;

	e->n = 0;
	rc = map_image(e, err);
	for (size_t i = 0; !rc && i < e->n_runs; i++)
		rc = map_run(e, &e->runs[i], err);
	if (!rc && e->n >= SEGMENTS_MAX)
		rc = mmw_fail(err, MMW_E_LIMIT, 0, "this memory is in %zu pieces, too many for an ELF file", e->n);
	return rc;
}

/* Sizes that differ between the classes. */
struct sizes {
	unsigned word;
	size_t ehdr, phdr, shdr;
};

static struct sizes sizes_of(const struct elf *e)
{
	if (e->wide)
		return (struct sizes){ 8, sizeof(Elf64_Ehdr), sizeof(Elf64_Phdr), sizeof(Elf64_Shdr) };
	return (struct sizes){ 4, sizeof(Elf32_Ehdr), sizeof(Elf32_Phdr), sizeof(Elf32_Shdr) };
}

/* More program headers than 16 bits count: section header 0 does. */
static bool many(const struct elf *e)
{
	return e->n + 1 >= PN_XNUM;
}

static uint64_t header_len(const struct elf *e)
{
	struct sizes s = sizes_of(e);

	return s.ehdr + (e->n + 1) * s.phdr + many(e) * s.shdr;
}

/* Where everything goes: the headers' length is known once the segments are counted. */
static void lay_out(struct elf *e)
{
	uint64_t at;
	size_t run = 0;

	e->notes_at = header_len(e);
	at = e->notes_at + e->w->notes.len;
	for (size_t i = 0; i < e->w->n_spans; i++) {
		struct mmw_span *s = &e->w->spans[i];

		if (s->state != MMW_STORED)
			continue;
		s->off = (at + MMW_WRITE_PAGE - 1) / MMW_WRITE_PAGE * MMW_WRITE_PAGE + s->pa % MMW_WRITE_PAGE;
		at = s->off + s->len;
		while (e->runs[run].pa != s->pa)
			run++;
		e->runs[run].off = s->off;
	}
	e->size = at;
	for (size_t i = 0; i < e->n_runs; i++)
		if (e->runs[i].missing)
			e->runs[i].off = at;
}

static void put_ehdr(const struct elf *e, uint8_t *p)
{
	struct sizes s = sizes_of(e);
	uint64_t shoff = s.ehdr + (e->n + 1) * s.phdr;
	size_t at = 24 + s.word;

	memcpy(p, ELFMAG, SELFMAG);
	p[EI_CLASS] = e->wide ? ELFCLASS64 : ELFCLASS32;
	p[EI_DATA] = e->be ? ELFDATA2MSB : ELFDATA2LSB;
	p[EI_VERSION] = EV_CURRENT;
	mmw_put_word(p + 16, ET_CORE, 2, e->be);
	mmw_put_word(p + 18, e->w->opts->machine, 2, e->be);
	mmw_put_word(p + 20, EV_CURRENT, 4, e->be);
	mmw_put_word(p + at, s.ehdr, s.word, e->be);
	mmw_put_word(p + at + s.word, many(e) ? shoff : 0, s.word, e->be);
	at += 2 * s.word;
	mmw_put_word(p + at, e->incomplete ? INCOMPLETE : 0, 4, e->be);
	mmw_put_word(p + at + 4, s.ehdr, 2, e->be);
	mmw_put_word(p + at + 6, s.phdr, 2, e->be);
	mmw_put_word(p + at + 8, many(e) ? PN_XNUM : e->n + 1, 2, e->be);
	mmw_put_word(p + at + 10, many(e) ? s.shdr : 0, 2, e->be);
	mmw_put_word(p + at + 12, many(e), 2, e->be);
	if (many(e))
		mmw_put_word(p + shoff + (e->wide ? 44 : 28), e->n + 1, 4, e->be);
}

static void put_phdr(const struct elf *e, uint8_t *p, uint32_t type, const struct segment *s)
{
	uint32_t flags = type == PT_LOAD ? PF_R | PF_W | PF_X : 0;

	mmw_put_word(p, type, 4, e->be);
	if (e->wide) {
		mmw_put_word(p + 4, flags, 4, e->be);
		mmw_put_word(p + 8, s->off, 8, e->be);
		mmw_put_word(p + 16, s->va, 8, e->be);
		mmw_put_word(p + 24, s->pa, 8, e->be);
		mmw_put_word(p + 32, s->filesz, 8, e->be);
		mmw_put_word(p + 40, s->memsz, 8, e->be);
		return;
	}
	mmw_put_word(p + 4, s->off, 4, e->be);
	mmw_put_word(p + 8, s->va, 4, e->be);
	mmw_put_word(p + 12, s->pa, 4, e->be);
	mmw_put_word(p + 16, s->filesz, 4, e->be);
	mmw_put_word(p + 20, s->memsz, 4, e->be);
	mmw_put_word(p + 24, flags, 4, e->be);
}

static int put_headers(const struct elf *e, struct mmw_err *err)
{
	const struct mmw_notes *notes = &e->w->notes;
	struct segment note = { .filesz = notes->len, .memsz = notes->len, .off = e->notes_at };
	struct sizes s = sizes_of(e);
	size_t len = header_len(e);
	uint8_t *head = calloc(1, len);
	int rc;

	if (!head)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu program headers", e->n);
	put_ehdr(e, head);
	put_phdr(e, head + s.ehdr, PT_NOTE, &note);
	for (size_t i = 0; i < e->n; i++)
		put_phdr(e, head + s.ehdr + (i + 1) * s.phdr, PT_LOAD, &e->seg[i]);
	rc = mmw_put(e->w->sink, 0, head, len, err);
	rc = rc ? rc : mmw_put(e->w->sink, e->notes_at, notes->bytes, notes->len, err);
	free(head);
	return rc;
}

/* A 32-bit machine's memory and the file both fit 32 bits, with a byte to spare for those who compute ends. */
static bool fits_narrow(const struct elf *e)
{
	const struct mmw_span *last = &e->w->spans[e->w->n_spans - 1];

	return last->pa + last->len <= UINT32_MAX && e->size <= UINT32_MAX;
}

static int begin(struct mmw_writing *w, uint64_t *size, struct mmw_err *err)
{
	struct elf e = { .w = w, .wide = w->opts->wide, .be = mmw_image_big_endian(w->img) };
	int rc = plan_runs(&e, err);

	rc = rc ? rc : map_all(&e, err);
	if (!rc)
		lay_out(&e);
	if (!rc && !e.wide && !fits_narrow(&e)) {
		e.wide = true;
		lay_out(&e);
	}
	/* Now that the runs have their offsets. */
	rc = rc ? rc : map_all(&e, err);
	rc = rc ? rc : put_headers(&e, err);
	*size = e.size;
	w->stats->wide = e.wide;
	free(e.runs);
	free(e.seg);
	return rc;
}

static const struct mmw_write_ops ops = { .replans = true, .begin = begin };

const struct mmw_writer mmw_writer_elf = {
	.name = "elf",
	.summary = "ELF core of physical memory, as /proc/vmcore",
	.endings = ".elf .core .vmcore",
	.notes = true,
	.holes = true,
	.ops = &ops,
};

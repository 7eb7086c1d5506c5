/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF notes of a vmcore: u32 namesz, descsz, type; then the name and the descriptor, each padded to 4 bytes.
 *
 *   "CORE"       type 1  NT_PRSTATUS, one per CPU: the general registers (size and layout are the machine's)
 *   "QEMU"       type 0  x86 only, one per CPU: u32 version, u32 size, then registers up to CR4 (QEMU
 *                        target/i386/arch_dump.c, struct QEMUCPUState)
 *   "VMCOREINFO" type 0  the kernel's text (kernel/vmcore_info.c)
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/image/build.h"

/*
 * Where NT_PRSTATUS keeps the general registers, and which of them are pc and sp; its size tells the machine where
 * nothing else does.
 */
struct prstatus_layout {
	uint16_t machine, size, regs, n_regs, pc, sp, word, pid;
	bool bi_endian;
};

static const struct prstatus_layout prstatus_layouts[] = {
	{ EM_X86_64, 336, 112, 27, 16, 19, 8, 32, false },
	{ EM_386, 144, 72, 17, 12, 15, 4, 24, false },
	{ EM_AARCH64, 392, 112, 34, 32, 31, 8, 32, true },
	{ EM_ARM, 148, 72, 18, 15, 13, 4, 24, true },
	{ EM_RISCV, 376, 112, 32, 0, 2, 8, 32, false },
};

/* Offsets in QEMU's x86 CPU note. */
enum {
	QEMU_CPU_VERSION = 0,
	QEMU_CPU_SIZE = 4,
	QEMU_CPU_GPRS = 8,
	QEMU_CPU_RSP = 56,
	QEMU_CPU_RIP = 136,
	QEMU_CPU_RFLAGS = 144,
	QEMU_CPU_SEGMENTS = 152,  /* cs ds es fs gs ss ldt tr gdt idt: u32 selector, limit, flags, 0; u64 base */
	QEMU_CPU_GS_BASE = 264,
	QEMU_CPU_CR0 = 392,
	QEMU_CPU_CR4 = 424,
	QEMU_CPU_KERNEL_GS_BASE = 432,
	QEMU_CPU_LEN = 440,
};

struct note {
	const uint8_t *name, *desc;
	uint32_t name_len, desc_len, type;
};

static uint64_t padded(uint32_t len)
{
	return ((uint64_t)len + 3) & ~3ull;
}

/* 1 and a note, 0 at the end (or at the zero fill that follows the last note), or CORRUPT. */
static int next_note(struct mmw_bytes *b, struct note *n, struct mmw_err *err)
{
	int rc;

	if (mmw_bytes_left(b) < 12)
		return 0;
	rc = mmw_bytes_u32(b, &n->name_len, err);
	if (!rc)
		rc = mmw_bytes_u32(b, &n->desc_len, err);
	if (!rc)
		rc = mmw_bytes_u32(b, &n->type, err);
	if (!rc && !n->name_len && !n->desc_len)
		return 0;
	if (!rc)
		rc = mmw_bytes_take(b, padded(n->name_len), &n->name, err);
	if (!rc && padded(n->desc_len) > mmw_bytes_left(b) && n->desc_len == mmw_bytes_left(b))
		return mmw_bytes_take(b, n->desc_len, &n->desc, err) ? -MMW_E_CORRUPT : 1;  /* last one, unpadded */
	if (!rc)
		rc = mmw_bytes_take(b, padded(n->desc_len), &n->desc, err);
	return rc ? mmw_wrap(err, rc, "ELF note") : 1;
}

static bool named(const struct note *n, const char *name)
{
	size_t len = strlen(name);

	return n->name_len >= len && n->name_len <= len + 1 && !memcmp(n->name, name, len);
}

/* s390x, which is big-endian, has PRSTATUS of x86-64's size: a machine nobody named is only guessed of the right order. */
static const struct prstatus_layout *prstatus_layout(uint16_t machine, bool big_endian, uint32_t size)
{
	for (size_t i = 0; i < mmw_array_len(prstatus_layouts); i++) {
		const struct prstatus_layout *l = &prstatus_layouts[i];

		if (l->size == size && (machine ? machine == l->machine : !big_endian || l->bi_endian))
			return l;
	}
	return NULL;
}

static int take_prstatus(struct mmw_image *img, const struct note *n, struct mmw_err *err)
{
	const struct prstatus_layout *l = prstatus_layout(img->machine, img->big_endian, n->desc_len);
	struct mmw_cpu *cpu;
	int rc = mmw_image_add_cpu(img, &cpu, err);

	if (rc || !l)
		return rc;
	img->machine = l->machine;
	cpu->n_gpr = l->n_regs;
	for (unsigned i = 0; i < l->n_regs; i++)
		cpu->gpr[i] = mmw_get_word(n->desc + l->regs + i * l->word, l->word, img->big_endian);
	mmw_cpu_set(cpu, MMW_REG_PC, cpu->gpr[l->pc]);
	mmw_cpu_set(cpu, MMW_REG_SP, cpu->gpr[l->sp]);
	return 0;
}

/* QEMU writes all PRSTATUS notes first, then its own, in the same CPU order. */
static int take_qemu(struct mmw_image *img, const struct note *n, size_t index, struct mmw_err *err)
{
	struct mmw_cpu *cpu;
	uint64_t cr[5];
	int rc;

	if (n->desc_len < QEMU_CPU_CR4 + 8)
		return 0;
	if (index < img->n_cpus) {
		cpu = &img->cpus[index];
	} else {
		rc = mmw_image_add_cpu(img, &cpu, err);
		if (rc)
			return rc;
	}
	for (int i = 0; i < 5; i++)
		cr[i] = mmw_get64(n->desc + QEMU_CPU_CR0 + 8 * i, img->big_endian);
	mmw_cpu_set(cpu, MMW_REG_PC, mmw_get64(n->desc + QEMU_CPU_RIP, img->big_endian));
	mmw_cpu_set(cpu, MMW_REG_SP, mmw_get64(n->desc + QEMU_CPU_RSP, img->big_endian));
	mmw_cpu_set(cpu, MMW_REG_CR0, cr[0]);
	mmw_cpu_set(cpu, MMW_REG_CR2, cr[2]);
	mmw_cpu_set(cpu, MMW_REG_CR3, cr[3]);
	mmw_cpu_set(cpu, MMW_REG_CR4, cr[4]);
	mmw_cpu_set(cpu, MMW_REG_GS_BASE, mmw_get64(n->desc + QEMU_CPU_GS_BASE, img->big_endian));
	if (n->desc_len >= QEMU_CPU_KERNEL_GS_BASE + 8)
		mmw_cpu_set(cpu, MMW_REG_KERNEL_GS_BASE,
			    mmw_get64(n->desc + QEMU_CPU_KERNEL_GS_BASE, img->big_endian));
	return 0;
}

/* The bytes themselves, behind those there are, each piece padded as a note is. */
static int keep_notes(struct mmw_image *img, const struct mmw_bytes *notes, struct mmw_err *err)
{
	size_t len = mmw_bytes_left(notes), all = img->n_notes + padded(len);
	uint8_t *grown = realloc(img->notes, all ? all : 1);

	if (!grown)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu bytes of notes", all);
	memset(grown + img->n_notes, 0, all - img->n_notes);
	memcpy(grown + img->n_notes, notes->base + notes->pos, len);
	img->notes = grown;
	img->n_notes = all;
	return 0;
}

int mmw_image_add_notes(struct mmw_image *img, struct mmw_bytes *notes, struct mmw_err *err)
{
	size_t qemu_index = 0;
	struct note n;
	int rc = keep_notes(img, notes, err);

	if (rc)
		return rc;
	while ((rc = next_note(notes, &n, err)) == 1) {
		if (named(&n, "CORE") && n.type == NT_PRSTATUS)
			rc = take_prstatus(img, &n, err);
		else if (named(&n, "QEMU") && n.type == 0)
			rc = take_qemu(img, &n, qemu_index++, err);
		else if (named(&n, "VMCOREINFO") && n.type == 0)
			rc = mmw_image_set_vmcoreinfo(img, n.desc, n.desc_len, err);
		else
			rc = 0;
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* --- notes for another dump ------------------------------------------------------------------------------------- */

static void put_uint(uint8_t *at, uint64_t v, unsigned size, bool be)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(v >> 8 * (be ? size - 1 - i : i));
}

/* Room for a note; its header and name are written, its descriptor is zero and at *desc (an offset). */
static int push_note(struct mmw_notes *out, const char *name, uint32_t type, size_t len, bool be, size_t *desc,
		     struct mmw_err *err)
{
	size_t name_len = strlen(name) + 1, head = 12 + padded(name_len);
	int rc;

	if (len > UINT32_MAX - 4)
		return mmw_fail(err, MMW_E_LIMIT, 0, "%zu bytes are too many for a note", len);
	rc = mmw_vec_reserve(&out->bytes, &out->cap, out->len + head + padded(len), 1, err);
	if (rc)
		return rc;
	memset(out->bytes + out->len, 0, head + padded(len));
	put_uint(out->bytes + out->len, name_len, 4, be);
	put_uint(out->bytes + out->len + 4, len, 4, be);
	put_uint(out->bytes + out->len + 8, type, 4, be);
	memcpy(out->bytes + out->len + 12, name, name_len);
	*desc = out->len + head;
	out->len += head + padded(len);
	return 0;
}

static const struct prstatus_layout *layout_of(uint16_t machine)
{
	for (size_t i = 0; i < mmw_array_len(prstatus_layouts); i++)
		if (prstatus_layouts[i].machine == machine)
			return &prstatus_layouts[i];
	return NULL;
}

static int push_prstatus(struct mmw_notes *out, const struct mmw_cpu *cpu, const struct prstatus_layout *l, bool be,
			 struct mmw_err *err)
{
	uint64_t gpr[MMW_GPRS_MAX] = { 0 };
	size_t desc;
	int rc = push_note(out, "CORE", NT_PRSTATUS, l->size, be, &desc, err);

	if (rc)
		return rc;
	if (cpu->n_gpr == l->n_regs)
		memcpy(gpr, cpu->gpr, l->n_regs * sizeof(*gpr));
	if (cpu->known & 1u << MMW_REG_PC)
		gpr[l->pc] = cpu->reg[MMW_REG_PC];
	if (cpu->known & 1u << MMW_REG_SP)
		gpr[l->sp] = cpu->reg[MMW_REG_SP];
	put_uint(out->bytes + desc + l->pid, ++out->cpus, 4, be);  /* QEMU numbers them so */
	for (unsigned i = 0; i < l->n_regs; i++)
		put_uint(out->bytes + desc + l->regs + i * l->word, gpr[i], l->word, be);
	return 0;
}

/*
 * Where elf_gregset_t has what QEMU's note wants: rax rbx rcx rdx rsi rdi rsp rbp r8..r15, then rflags, then the
 * selectors of cs ds es fs gs ss. 0xff: it has not.
 */
static const uint8_t qemu_gprs[2][23] = {
	{ 10, 5, 11, 12, 13, 14, 19, 4, 9, 8, 7, 6, 3, 2, 1, 0, 18, 17, 23, 24, 25, 26, 20 },
	{ 6, 0, 1, 2, 3, 4, 15, 5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 14, 13, 7, 8, 9, 10, 16 },
};

static int push_qemu(struct mmw_notes *out, const struct mmw_cpu *cpu, const struct prstatus_layout *l, bool be,
		     struct mmw_err *err)
{
	static const struct { enum mmw_reg reg; uint16_t at; } regs[] = {
		{ MMW_REG_SP, QEMU_CPU_RSP }, { MMW_REG_PC, QEMU_CPU_RIP }, { MMW_REG_CR0, QEMU_CPU_CR0 },
		{ MMW_REG_CR2, QEMU_CPU_CR0 + 16 }, { MMW_REG_CR3, QEMU_CPU_CR0 + 24 }, { MMW_REG_CR4, QEMU_CPU_CR4 },
		{ MMW_REG_GS_BASE, QEMU_CPU_GS_BASE }, { MMW_REG_KERNEL_GS_BASE, QEMU_CPU_KERNEL_GS_BASE },
	};
	const uint8_t *from = qemu_gprs[l->machine == EM_386];
	uint8_t *p;
	size_t desc;
	int rc = push_note(out, "QEMU", 0, QEMU_CPU_LEN, be, &desc, err);

	if (rc)
		return rc;
	p = out->bytes + desc;
	put_uint(p + QEMU_CPU_VERSION, 1, 4, be);
	put_uint(p + QEMU_CPU_SIZE, QEMU_CPU_LEN, 4, be);
	for (unsigned i = 0; i < 16 && cpu->n_gpr == l->n_regs; i++)
		if (from[i] != 0xff)
			put_uint(p + QEMU_CPU_GPRS + 8 * i, cpu->gpr[from[i]], 8, be);
	if (cpu->n_gpr == l->n_regs) {
		put_uint(p + QEMU_CPU_RFLAGS, cpu->gpr[from[16]], 8, be);
		for (unsigned i = 0; i < 6; i++)
			put_uint(p + QEMU_CPU_SEGMENTS + 24 * i, cpu->gpr[from[17 + i]], 4, be);
	}
	for (size_t i = 0; i < mmw_array_len(regs); i++)
		if (cpu->known & 1u << regs[i].reg)
			put_uint(p + regs[i].at, cpu->reg[regs[i].reg], 8, be);
	return 0;
}

/* All PRSTATUS first, as QEMU has them; then what only x86 has a note for. */
static int push_cpus(const struct mmw_image *img, uint16_t machine, struct mmw_notes *out, struct mmw_err *err)
{
	const struct prstatus_layout *l = layout_of(machine);
	bool x86 = machine == EM_X86_64 || machine == EM_386;
	int rc = 0;

	for (size_t i = 0; l && !rc && i < img->n_cpus; i++)
		rc = push_prstatus(out, &img->cpus[i], l, img->big_endian, err);
	for (size_t i = 0; l && x86 && !rc && i < img->n_cpus; i++)
		if (img->cpus[i].known & 1u << MMW_REG_CR3)
			rc = push_qemu(out, &img->cpus[i], l, img->big_endian, err);
	out->made_cpus = out->cpus;
	return rc;
}

static int push_text(struct mmw_notes *out, const char *text, size_t len, bool be, struct mmw_err *err)
{
	size_t desc;
	int rc = push_note(out, "VMCOREINFO", 0, len, be, &desc, err);

	if (rc)
		return rc;
	memcpy(out->bytes + desc, text, len);
	out->text_at = desc;
	out->text_len = len;
	return 0;
}

/* What the image has, but without the zeros that pieces are filled up with: nobody would look behind them. */
static int copy_notes(const struct mmw_image *img, struct mmw_notes *out, struct mmw_err *err)
{
	struct mmw_bytes b = mmw_bytes_of(img->notes, img->n_notes, img->big_endian, "ELF notes");
	struct note n;
	int rc;

	while (mmw_bytes_left(&b) >= 12) {
		size_t start = b.pos, len;

		if (next_note(&b, &n, NULL) != 1) {
			/* Zeros, or damage: then nothing behind it is a note. */
			if (mmw_get64(img->notes + start, false) || mmw_bytes_seek(&b, start + 4, NULL))
				return 0;
			continue;
		}
		len = b.pos - start;
		rc = mmw_vec_reserve(&out->bytes, &out->cap, out->len + padded(len), 1, err);
		if (rc)
			return rc;
		memset(out->bytes + out->len, 0, padded(len));
		memcpy(out->bytes + out->len, img->notes + start, len);
		if (named(&n, "VMCOREINFO") && n.type == 0 && !out->text_len) {
			out->text_at = out->len + (n.desc - (img->notes + start));
			out->text_len = n.desc_len;
		}
		out->cpus += named(&n, "CORE") && n.type == NT_PRSTATUS;
		out->len += padded(len);
	}
	return 0;
}

static bool has_prstatus(const struct mmw_image *img)
{
	struct mmw_notes all = { 0 };
	int rc = copy_notes(img, &all, NULL);

	free(all.bytes);
	return !rc && all.cpus;
}

int mmw_notes_make(const struct mmw_image *img, uint16_t machine, const char *vmcoreinfo, struct mmw_notes *out,
		   struct mmw_err *err)
{
	const char *text = img->vmcoreinfo ? img->vmcoreinfo : vmcoreinfo;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (img->n_cpus && !has_prstatus(img))
		rc = push_cpus(img, machine, out, err);
	rc = rc ? rc : copy_notes(img, out, err);
	if (!rc && !out->text_len && text && *text) {
		rc = push_text(out, text, strlen(text), img->big_endian, err);
		out->made_text = !img->vmcoreinfo;
	}
	if (rc)
		free(out->bytes);
	return rc;
}

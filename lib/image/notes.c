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
	uint16_t machine, size, regs, n_regs, pc, sp, word;
	bool bi_endian;
};

static const struct prstatus_layout prstatus_layouts[] = {
	{ EM_X86_64, 336, 112, 27, 16, 19, 8, false },
	{ EM_386, 144, 72, 17, 12, 15, 4, false },
	{ EM_AARCH64, 392, 112, 34, 32, 31, 8, true },
	{ EM_ARM, 148, 72, 18, 15, 13, 4, true },
	{ EM_RISCV, 376, 112, 32, 0, 2, 8, false },
};

/* Offsets in QEMU's x86 CPU note. */
enum {
	QEMU_CPU_RSP = 56,
	QEMU_CPU_RIP = 136,
	QEMU_CPU_GS_BASE = 264,
	QEMU_CPU_CR0 = 392,
	QEMU_CPU_CR4 = 424,
	QEMU_CPU_KERNEL_GS_BASE = 432,
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

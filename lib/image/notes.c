/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF notes of a vmcore: u32 namesz, descsz, type; then the name and the descriptor, each padded to 4 bytes (to 8 in
 * some segments with that alignment).
 *
 *   "CORE"       type 1      NT_PRSTATUS, one per CPU: the general registers (size and layout are the machine's)
 *   "CORE"       type 4      NT_TASKSTRUCT: /proc/kcore, whose one PRSTATUS is all zero and no CPU (fs/proc/kcore.c)
 *   "QEMU"       type 0      x86 only, one per CPU: u32 version, u32 size, then registers up to CR4 (QEMU
 *                            target/i386/arch_dump.c, struct QEMUCPUState)
 *   "VBCORE"     type 0xb00  VirtualBox: u32 magic, format, size, version, revision, CPUs
 *   "VBCPU"      type 0xb01  one per CPU: struct DBGFCORECPU since format 0x00010006, before that the program's own
 *                            CPUMCTX, which no document describes (VirtualBox include/VBox/vmm/dbgfcorefmt.h)
 *   "Xen"        0x1000002   after a CPU's PRSTATUS in the dump of a hypervisor: cr0, cr2, cr3, cr4 as words, cr3 being
 *                            a machine address (Xen xen/include/xen/elfcore.h)
 *   "LINUX"      type 0x304  after a CPU's PRSTATUS on s390: its 16 control registers
 *   "VMCOREINFO" type 0      the kernel's text (kernel/vmcore_info.c)
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
enum order { LITTLE, BIG, EITHER };

struct prstatus_layout {
	uint16_t machine, size, regs, n_regs, pc, sp, word, pid;
	enum order order;
};

static const struct prstatus_layout prstatus_layouts[] = {
	{ EM_X86_64, 336, 112, 27, 16, 19, 8, 32, LITTLE },
	{ EM_386, 144, 72, 17, 12, 15, 4, 24, LITTLE },
	{ EM_AARCH64, 392, 112, 34, 32, 31, 8, 32, EITHER },
	{ EM_ARM, 148, 72, 18, 15, 13, 4, 24, EITHER },
	{ EM_RISCV, 376, 112, 32, 0, 2, 8, 32, LITTLE },
	{ EM_S390, 336, 112, 18, 1, 17, 8, 32, BIG },
	{ EM_PPC64, 504, 112, 48, 32, 1, 8, 32, EITHER },
	{ 258 /* EM_LOONGARCH */, 480, 112, 45, 33, 3, 8, 32, LITTLE },
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

/* Offsets in VirtualBox's struct DBGFCORECPU, and where rax to rflags (its first 18) belong in NT_PRSTATUS. */
enum {
	VBOX_CORE = 0xb00,
	VBOX_CPU = 0xb01,
	VBOX_MAGIC = 0xc01ac0de,
	VBOX_FORMAT = 0x00010006,
	VBOX_CPU_RIP = 112,
	VBOX_CPU_RSP = 120,
	VBOX_CPU_SEGMENTS = 144,  /* cs ds es fs gs ss: u64 base, u32 limit, u32 attributes, u16 selector, padding */
	VBOX_SEGMENT = 24,
	VBOX_CPU_CR0 = 288,
	VBOX_CPU_EFER = 488,
	VBOX_CPU_KERNEL_GS_BASE = 536,
	VBOX_GPRS = 18,
	X86_64_GPRS = 27,
};

static const uint8_t vbox_gpr_places[VBOX_GPRS] = {
	10, 5, 11, 12, 13, 14, 9, 8, 7, 6, 3, 2, 1, 0, 16, 19, 4, 18,
};

enum {
	XEN_CRASH_REGS = 0x1000002,
	S390_CTRS = 0x304,
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

/* Some sizes are two machines': one that nobody named is only guessed where the byte order fits. */
static const struct prstatus_layout *prstatus_layout(uint16_t machine, bool big_endian, uint32_t size)
{
	for (size_t i = 0; i < mmw_array_len(prstatus_layouts); i++) {
		const struct prstatus_layout *l = &prstatus_layouts[i];
		bool fits = l->order == EITHER || (l->order == BIG) == big_endian;

		if (l->size == size && (machine ? machine == l->machine : fits))
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

static uint32_t vbox_format(const struct mmw_image *img)
{
	struct mmw_bytes core;

	if (!mmw_image_find_note(img, "VBCORE", VBOX_CORE, &core) || core.len < 8 ||
	    mmw_get32(core.base, img->big_endian) != VBOX_MAGIC)
		return 0;
	return mmw_get32(core.base + 4, img->big_endian);
}

static void vbox_gprs(struct mmw_cpu *cpu, const uint8_t *p, bool be)
{
	/* cs ds es fs gs ss: where the selector goes. */
	static const uint8_t selectors[] = { 17, 23, 24, 25, 26, 20 };
	enum { ORIG_RAX = 15, FS_BASE = 21, GS_BASE = 22 };

	cpu->n_gpr = X86_64_GPRS;
	for (unsigned i = 0; i < VBOX_GPRS; i++)
		cpu->gpr[vbox_gpr_places[i]] = mmw_get64(p + 8 * i, be);
	for (unsigned i = 0; i < mmw_array_len(selectors); i++)
		cpu->gpr[selectors[i]] = mmw_get16(p + VBOX_CPU_SEGMENTS + VBOX_SEGMENT * i + 16, be);
	cpu->gpr[ORIG_RAX] = UINT64_MAX;
	cpu->gpr[FS_BASE] = mmw_get64(p + VBOX_CPU_SEGMENTS + VBOX_SEGMENT * 3, be);
	cpu->gpr[GS_BASE] = mmw_get64(p + VBOX_CPU_SEGMENTS + VBOX_SEGMENT * 4, be);
}

static int take_vbox(struct mmw_image *img, const struct note *n, uint32_t format, struct mmw_err *err)
{
	static const enum mmw_reg crs[] = { MMW_REG_CR0, MMW_REG_CR2, MMW_REG_CR3, MMW_REG_CR4 };
	bool be = img->big_endian;
	struct mmw_cpu *cpu;
	int rc = mmw_image_add_cpu(img, &cpu, err);

	if (rc || format < VBOX_FORMAT || format >> 16 != VBOX_FORMAT >> 16 || n->desc_len < VBOX_CPU_KERNEL_GS_BASE + 8)
		return rc;
	vbox_gprs(cpu, n->desc, be);
	mmw_cpu_set(cpu, MMW_REG_PC, mmw_get64(n->desc + VBOX_CPU_RIP, be));
	mmw_cpu_set(cpu, MMW_REG_SP, mmw_get64(n->desc + VBOX_CPU_RSP, be));
	for (unsigned i = 0; i < mmw_array_len(crs); i++)
		mmw_cpu_set(cpu, crs[i], mmw_get64(n->desc + VBOX_CPU_CR0 + 8 * i, be));
	mmw_cpu_set(cpu, MMW_REG_EFER, mmw_get64(n->desc + VBOX_CPU_EFER, be));
	mmw_cpu_set(cpu, MMW_REG_GS_BASE, mmw_get64(n->desc + VBOX_CPU_SEGMENTS + VBOX_SEGMENT * 4, be));
	mmw_cpu_set(cpu, MMW_REG_KERNEL_GS_BASE, mmw_get64(n->desc + VBOX_CPU_KERNEL_GS_BASE, be));
	return 0;
}

/* Words of control registers for the CPU whose PRSTATUS came last. */
static void take_control(struct mmw_image *img, const struct note *n, const enum mmw_reg *regs, const uint8_t *index,
			 size_t n_regs, unsigned word)
{
	for (size_t i = 0; img->n_cpus && i < n_regs; i++)
		if ((index[i] + 1) * word <= n->desc_len)
			mmw_cpu_set(&img->cpus[img->n_cpus - 1], regs[i],
				    mmw_get_word(n->desc + index[i] * word, word, img->big_endian));
}

static void take_xen(struct mmw_image *img, const struct note *n)
{
	static const enum mmw_reg regs[] = { MMW_REG_CR0, MMW_REG_CR2, MMW_REG_CR3, MMW_REG_CR4 };
	static const uint8_t index[] = { 0, 1, 2, 3 };

	if (n->desc_len == 32 || n->desc_len == 16)
		take_control(img, n, regs, index, mmw_array_len(regs), n->desc_len / 4);
}

static void take_s390(struct mmw_image *img, const struct note *n)
{
	static const enum mmw_reg regs[] = { MMW_REG_CR1, MMW_REG_CR13 };
	static const uint8_t index[] = { 1, 13 };

	if (img->machine == EM_S390)
		take_control(img, n, regs, index, mmw_array_len(regs), 8);
}

static bool all_zero(const struct mmw_cpu *cpu)
{
	for (unsigned i = 0; i < cpu->n_gpr; i++)
		if (cpu->gpr[i])
			return false;
	return true;
}

/* /proc/kcore has room for one CPU and nothing in it. */
static void drop_empty_cpus(struct mmw_image *img)
{
	while (img->n_cpus && all_zero(&img->cpus[img->n_cpus - 1]))
		img->n_cpus--;
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

bool mmw_image_find_note(const struct mmw_image *img, const char *name, uint32_t type, struct mmw_bytes *desc)
{
	struct mmw_bytes b = mmw_bytes_of(img->notes, img->n_notes, img->big_endian, "ELF notes");
	struct note n;

	while (next_note(&b, &n, NULL) == 1) {
		if (n.type == type && named(&n, name)) {
			*desc = mmw_bytes_of(n.desc, n.desc_len, img->big_endian, name);
			return true;
		}
	}
	return false;
}

/* What one note needs to know of the others. */
struct taking {
	size_t qemu_index;
	uint32_t vbox_format;
};

static int take_note(struct mmw_image *img, const struct note *n, struct taking *t, struct mmw_err *err)
{
	if (named(n, "CORE") && n->type == NT_PRSTATUS)
		return take_prstatus(img, n, err);
	if (named(n, "CORE") && n->type == NT_TASKSTRUCT)
		drop_empty_cpus(img);
	else if (named(n, "QEMU") && n->type == 0)
		return take_qemu(img, n, t->qemu_index++, err);
	else if (named(n, "VBCPU") && n->type == VBOX_CPU)
		return take_vbox(img, n, t->vbox_format, err);
	else if (named(n, "Xen") && n->type == XEN_CRASH_REGS)
		take_xen(img, n);
	else if (named(n, "LINUX") && n->type == S390_CTRS)
		take_s390(img, n);
	else if (named(n, "VMCOREINFO") && n->type == 0)
		return mmw_image_set_vmcoreinfo(img, n->desc, n->desc_len, err);
	return 0;
}

int mmw_image_add_notes(struct mmw_image *img, struct mmw_bytes *notes, struct mmw_err *err)
{
	struct taking t = { 0 };
	struct note n;
	int rc = keep_notes(img, notes, err);

	if (rc)
		return rc;
	t.vbox_format = vbox_format(img);
	while ((rc = next_note(notes, &n, err)) == 1) {
		rc = take_note(img, &n, &t, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* --- notes padded to 8 ---------------------------------------------------------------------------------------- */

static uint64_t up8(uint64_t v)
{
	return (v + 7) & ~7ull;
}

static bool is_name(const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i + 1 < len; i++)
		if (p[i] < ' ' || p[i] > '~')
			return false;
	return len > 1 && !p[len - 1];
}

/* Copy notes padded to 8 as notes padded to 4, which are never larger. 0 when they make no sense so. */
static size_t repack(const struct mmw_bytes *notes, uint8_t *out)
{
	const uint8_t *p = notes->base + notes->pos;
	uint64_t len = mmw_bytes_left(notes), at = 0;
	size_t n = 0;

	while (len - at >= 12) {
		uint32_t name_len = mmw_get32(p + at, notes->big_endian), desc_len = mmw_get32(p + at + 4, notes->big_endian);
		uint64_t desc_at = at + up8(12 + (uint64_t)name_len);

		if (!name_len && !desc_len)
			break;
		if (desc_at > len || desc_len > len - desc_at || !is_name(p + at + 12, name_len))
			return 0;
		memset(out + n, 0, 12 + padded(name_len) + padded(desc_len));
		memcpy(out + n, p + at, 12 + name_len);
		memcpy(out + n + 12 + padded(name_len), p + desc_at, desc_len);
		n += 12 + padded(name_len) + padded(desc_len);
		at = desc_at + up8(desc_len);
		at = at < len ? at : len;
	}
	return n;
}

int mmw_image_add_notes_aligned(struct mmw_image *img, const struct mmw_bytes *notes, uint64_t align, struct mmw_err *err)
{
	struct mmw_bytes b = *notes;
	uint8_t *four = NULL;
	size_t n = 0;
	int rc;

	/* The last one's padding may be cut off. */
	if (align == 8) {
		four = malloc(mmw_bytes_left(notes) + 8);
		if (!four)
			return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu bytes of notes", mmw_bytes_left(notes));
		n = repack(notes, four);
	}
	if (n)
		b = mmw_bytes_of(four, n, notes->big_endian, notes->what);
	rc = mmw_image_add_notes(img, &b, err);
	free(four);
	return rc;
}

/* --- notes for another dump ------------------------------------------------------------------------------------- */

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
	mmw_put_word(out->bytes + out->len, name_len, 4, be);
	mmw_put_word(out->bytes + out->len + 4, len, 4, be);
	mmw_put_word(out->bytes + out->len + 8, type, 4, be);
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
	mmw_put_word(out->bytes + desc + l->pid, ++out->cpus, 4, be);  /* QEMU numbers them so */
	for (unsigned i = 0; i < l->n_regs; i++)
		mmw_put_word(out->bytes + desc + l->regs + i * l->word, gpr[i], l->word, be);
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
	mmw_put_word(p + QEMU_CPU_VERSION, 1, 4, be);
	mmw_put_word(p + QEMU_CPU_SIZE, QEMU_CPU_LEN, 4, be);
	for (unsigned i = 0; i < 16 && cpu->n_gpr == l->n_regs; i++)
		if (from[i] != 0xff)
			mmw_put_word(p + QEMU_CPU_GPRS + 8 * i, cpu->gpr[from[i]], 8, be);
	if (cpu->n_gpr == l->n_regs) {
		mmw_put_word(p + QEMU_CPU_RFLAGS, cpu->gpr[from[16]], 8, be);
		for (unsigned i = 0; i < 6; i++)
			mmw_put_word(p + QEMU_CPU_SEGMENTS + 24 * i, cpu->gpr[from[17 + i]], 4, be);
	}
	for (size_t i = 0; i < mmw_array_len(regs); i++)
		if (cpu->known & 1u << regs[i].reg)
			mmw_put_word(p + regs[i].at, cpu->reg[regs[i].reg], 8, be);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMware's checkpoints: .vmss of a suspended machine, .vmsn of a snapshot. Little endian.
 *
 *   u32 magic, version, number of groups; then groups: name[64], u64 position, u64 size
 *   a group: tags up to one of 0. A tag: u16 (bits 0-5 size of the value, 6-7 number of indices, 8-15 length of the
 *   name), name, u32 indices, value. Size 63 is a block, 62 a compressed one: u64 bytes, u64 bytes in memory, u16
 *   padding, the padding, the bytes. Files of magic 0xbed0bed0 have these sizes as u32.
 *
 *   "memory"  regionsCount, regionPageNum[i] (of the memory file), regionPPN[i] (of the machine), regionSize[i] (in
 *             pages); "Memory", a block: the memory itself. Without it, memory is in a .vmem file of the same name.
 *   "cpu"     by CPU: gpregs, CR64 as blocks or CR64[cpu][n], rax[cpu] ..., rip, eflags, S[cpu][n] (selectors),
 *             S.base64
 *
 * Without regions memory is one range, of which what is above 3 GiB lies from 4 GiB on. How memory in a compressed
 * block is to be read, nobody has written down.
 *
 * crash vmware_vmss.c and vmware_vmss.h (VMware's own contribution); volatility3 framework/layers/vmware.py.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	HEADER = 12,
	GROUP = 80,
	GROUP_NAME = 64,
	GROUPS_MAX = 4096,
	TAGS_MAX = 1 << 20,   /* of a group */
	NAME_MAX_LEN = 255,
	VALUE_BLOCK = 63,
	VALUE_PACKED = 62,
	PAGE = 4096,
	REGIONS_MAX = 256,
	CPUS_MAX = 1024,
	GPREGS = 128,
	CR64 = 72,
};

static const uint32_t magics[] = { 0xbed2bed2, 0xbed3bed3, 0xbad1bad1, 0xbad2bad2, 0xbed0bed0 };
static const uint64_t hole = 3ull << 30, above_hole = 4ull << 30;

struct region {
	uint64_t page, ppn, size;
	uint8_t known;  /* a bit for each of them */
};

/* Registers by their place in elf_gregset_t; then those that are not in it. */
enum {
	R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP, CS, EFLAGS, RSP, SS,
	FS_BASE, GS_BASE, DS, ES, FS, GS, N_GPRS, CR0 = N_GPRS, CR2, CR3, CR4, N_REGS
};

struct regs {
	uint64_t known, value[N_REGS];
};

struct vmss {
	struct mmw_file *file;
	bool narrow;  /* sizes of blocks are u32 */
	uint64_t n_regions;
	struct region regions[REGIONS_MAX];
	bool has_block, packed;
	uint64_t block_at, block_len;
	struct regs *cpus;
	size_t n_cpus, cap_cpus;
};

struct tag {
	char name[NAME_MAX_LEN + 1];
	unsigned n_index;
	uint32_t index[3];
	bool block, packed;
	uint64_t at, len;  /* of the value */
	uint64_t value;    /* the first eight bytes of one that is no block */
	uint64_t in_memory;
};

static bool has_magic(const uint8_t *head)
{
	for (size_t i = 0; i < mmw_array_len(magics); i++)
		if (mmw_get32(head, false) == magics[i])
			return true;
	return false;
}

static int vmware_probe(const struct mmw_bytes *head, uint64_t file_size)
{
	(void)file_size;
	return head->len >= HEADER && has_magic(head->base) ? 100 : 0;
}

/* --- tags ------------------------------------------------------------------------------------------------------- */

static int take(struct vmss *v, uint64_t *at, void *buf, size_t len, struct mmw_err *err)
{
	int rc = mmw_file_read(v->file, *at, buf, len, err);

	*at += rc ? 0 : len;
	return rc;
}

static int take_block(struct vmss *v, uint64_t *at, struct tag *t, struct mmw_err *err)
{
	unsigned word = v->narrow ? 4 : 8;
	uint8_t sizes[18];
	int rc = take(v, at, sizes, 2 * word + 2, err);

	if (rc)
		return rc;
	t->len = mmw_get_word(sizes, word, false);
	t->in_memory = mmw_get_word(sizes + word, word, false);
	t->at = *at + mmw_get16(sizes + 2 * word, false);
	if (!mmw_fits(t->at, t->len, UINT64_MAX))
		return mmw_fail(err, MMW_E_CORRUPT, t->at, "a block of %" PRIu64 " bytes", t->len);
	*at = t->at + t->len;
	return 0;
}

/* 1 and the tag at *at, which moves behind it; 0 at the end of the group. */
static int next_tag(struct vmss *v, uint64_t *at, struct tag *t, struct mmw_err *err)
{
	uint8_t head[2], index[12], value[8] = { 0 };
	unsigned name, size;
	int rc = take(v, at, head, sizeof(head), err);

	if (rc)
		return rc;
	size = head[0] & 63;
	name = head[1];
	if (!head[0] && !name)
		return 0;
	*t = (struct tag){ .n_index = head[0] >> 6, .block = size >= VALUE_PACKED, .packed = size == VALUE_PACKED };
	rc = take(v, at, t->name, name, err);
	rc = rc ? rc : take(v, at, index, 4 * t->n_index, err);
	if (rc)
		return rc;
	for (unsigned i = 0; i < t->n_index; i++)
		t->index[i] = mmw_get32(index + 4 * i, false);
	if (t->block) {
		rc = take_block(v, at, t, err);
		return rc ? rc : 1;
	}
	t->at = *at;
	t->len = size;
	rc = mmw_file_read(v->file, *at, value, size < sizeof(value) ? size : sizeof(value), err);
	t->value = mmw_get64(value, false);
	*at += size;
	return rc ? rc : 1;
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

static int memory_tag(struct vmss *v, const struct tag *t, struct mmw_err *err)
{
	static const char *const names[] = { "regionPageNum", "regionPPN", "regionSize" };
	struct region *r;

	(void)err;  /* it is called as cpu_tag is */
	if (t->block && !strcmp(t->name, "Memory")) {
		v->has_block = true;
		v->packed = t->packed;
		v->block_at = t->at;
		v->block_len = t->len;
	} else if (!t->block && !strcmp(t->name, "regionsCount")) {
		v->n_regions = t->value;
	}
	if (t->block || t->n_index != 1 || t->index[0] >= REGIONS_MAX)
		return 0;
	r = &v->regions[t->index[0]];
	for (unsigned i = 0; i < mmw_array_len(names); i++) {
		if (strcmp(t->name, names[i]))
			continue;
		*(i == 0 ? &r->page : i == 1 ? &r->ppn : &r->size) = t->value & UINT32_MAX;
		r->known |= 1u << i;
	}
	return 0;
}

/* --- registers -------------------------------------------------------------------------------------------------- */

static int cpu_of(struct vmss *v, uint32_t index, struct regs **out, struct mmw_err *err)
{
	int rc = 0;

	*out = NULL;
	if (index >= CPUS_MAX)
		return 0;
	if (index >= v->n_cpus) {
		rc = mmw_vec_reserve(&v->cpus, &v->cap_cpus, index + 1, sizeof(*v->cpus), err);
		if (rc)
			return rc;
		memset(v->cpus + v->n_cpus, 0, (index + 1 - v->n_cpus) * sizeof(*v->cpus));
		v->n_cpus = index + 1;
	}
	*out = &v->cpus[index];
	return 0;
}

static void set(struct regs *r, int reg, uint64_t value)
{
	if (reg < 0)
		return;
	r->known |= 1ull << reg;
	r->value[reg] = value;
}

static int control_register(uint64_t n)
{
	static const int8_t regs[] = { CR0, -1, CR2, CR3, CR4 };

	return n < mmw_array_len(regs) ? regs[n] : -1;
}

static int named_register(const char *name)
{
	static const struct {
		const char *name;
		int8_t reg;
	} names[] = {
		{ "rax", RAX }, { "rcx", RCX }, { "rdx", RDX }, { "rbx", RBX }, { "rbp", RBP }, { "rsp", RSP },
		{ "rsi", RSI }, { "rdi", RDI }, { "r8", R8 }, { "r9", R9 }, { "r10", R10 }, { "r11", R11 },
		{ "r12", R12 }, { "r13", R13 }, { "r14", R14 }, { "r15", R15 }, { "rip", RIP },
		{ "eflags", EFLAGS }, { "EFLAGS", EFLAGS },
	};

	for (size_t i = 0; i < mmw_array_len(names); i++)
		if (!strcmp(name, names[i].name))
			return names[i].reg;
	return -1;
}

/* Segments count es, cs, ss, ds, fs, gs. */
static int segment_register(const char *name, uint32_t index)
{
	static const int8_t selectors[] = { ES, CS, SS, DS, FS, GS };

	if (!strcmp(name, "S.base64"))
		return index == 4 ? FS_BASE : index == 5 ? GS_BASE : -1;
	return !strcmp(name, "S") && index < mmw_array_len(selectors) ? selectors[index] : -1;
}

/* A block of many: the general ones, or the control registers. */
static int register_block(struct vmss *v, const struct tag *t, struct regs *r, struct mmw_err *err)
{
	static const int8_t order[] = { RAX, RCX, RDX, RBX, RBP, RSP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
	bool general = !strcmp(t->name, "gpregs") && t->len == GPREGS;
	uint8_t bytes[GPREGS];
	int rc;

	if (t->packed || (!general && (strcmp(t->name, "CR64") || t->len != CR64)))
		return 0;
	rc = mmw_file_read(v->file, t->at, bytes, t->len, err);
	for (unsigned i = 0; !rc && i < t->len / 8; i++)
		set(r, general ? order[i] : control_register(i), mmw_get64(bytes + 8 * i, false));
	return rc;
}

static int cpu_tag(struct vmss *v, const struct tag *t, struct mmw_err *err)
{
	struct regs *r;
	int reg = -1, rc;

	if (!t->block && t->n_index == 1)
		reg = named_register(t->name);
	else if (!t->block && t->n_index == 2)
		reg = strcmp(t->name, "CR64") ? segment_register(t->name, t->index[1]) : control_register(t->index[1]);
	if (!t->n_index || (!t->block && reg < 0))
		return 0;
	rc = cpu_of(v, t->index[0], &r, err);
	if (rc || !r)
		return rc;
	if (t->block)
		return register_block(v, t, r, err);
	set(r, reg, t->value);
	return 0;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

static int read_group(struct vmss *v, const uint8_t *g, struct mmw_err *err)
{
	int (*use)(struct vmss *v, const struct tag *t, struct mmw_err *err) = NULL;
	uint64_t at = mmw_get64(g + GROUP_NAME, false);
	struct tag t;
	int rc = 1;

	if (!strncmp((const char *)g, "memory", GROUP_NAME))
		use = memory_tag;
	else if (!strncmp((const char *)g, "cpu", GROUP_NAME))
		use = cpu_tag;
	for (unsigned n = 0; use && (rc = next_tag(v, &at, &t, err)) == 1; n++) {
		if (n == TAGS_MAX)
			return mmw_fail(err, MMW_E_LIMIT, 0, "more than %d tags", TAGS_MAX);
		rc = use(v, &t, err);
		if (rc)
			return rc;
	}
	return rc < 0 ? rc : 0;
}

/* What is said of CPUs may be damaged, and memory is there all the same; not so the other way round. */
static int read_groups(struct mmw_image *img, struct vmss *v, struct mmw_err *err)
{
	uint8_t head[HEADER], g[GROUP];
	uint32_t n;
	int rc = mmw_file_read(v->file, 0, head, sizeof(head), err);

	if (rc)
		return rc;
	n = mmw_get32(head + 8, false);
	v->narrow = mmw_get32(head, false) == 0xbed0bed0;
	if (!has_magic(head) || n > GROUPS_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "the header of this checkpoint makes no sense");
	for (uint32_t i = 0; i < n; i++) {
		rc = mmw_file_read(v->file, HEADER + (uint64_t)i * GROUP, g, sizeof(g), err);
		if (rc)
			return mmw_wrap(err, rc, "group %" PRIu32, i);
		rc = read_group(v, g, err);
		if (rc == -MMW_E_CORRUPT && !strncmp((const char *)g, "cpu", GROUP_NAME))
			snprintf(img->note, sizeof(img->note), "registers damaged");
		else if (rc)
			return mmw_wrap(err, rc, "group \"%.64s\"", (const char *)g);
	}
	return 0;
}

/* [off, off + len) of the memory file, or of the block that is one, is at pa. */
static int add_memory(struct mmw_image *img, const struct vmss *v, uint64_t pa, uint64_t len, uint64_t off,
		      struct mmw_err *err)
{
	uint64_t here = off < v->block_len ? v->block_len - off : 0;
	int rc;

	if (!v->has_block)
		return mmw_image_add_extent_of(img, img->parts[0].file, pa, len, off, err);
	here = here < len ? here : len;
	rc = mmw_image_add_extent(img, pa, here, v->block_at + off, MMW_STORED, err);
	return rc ? rc : mmw_image_add_extent(img, pa + here, len - here, 0, MMW_TRUNCATED, err);
}

static int place(struct mmw_image *img, const struct vmss *v, struct mmw_err *err)
{
	uint64_t size = v->has_block ? v->block_len : img->parts[0].file->size;
	int rc = 0;

	if (v->n_regions > REGIONS_MAX)
		return mmw_fail(err, MMW_E_CORRUPT, 0, "%" PRIu64 " regions of memory", v->n_regions);
	for (unsigned i = 0; !rc && i < v->n_regions; i++) {
		const struct region *r = &v->regions[i];

		if (r->known != 7)
			return mmw_fail(err, MMW_E_CORRUPT, 0, "region %u of %" PRIu64 " is not described", i,
					v->n_regions);
		rc = add_memory(img, v, r->ppn * PAGE, r->size * PAGE, r->page * PAGE, err);
	}
	if (v->n_regions || rc)
		return rc;
	rc = add_memory(img, v, 0, size < hole ? size : hole, 0, err);
	if (rc || size <= hole)
		return rc;
	snprintf(img->placement, sizeof(img->placement), "no regions: what is above 3 GiB taken to lie from 4 GiB on");
	return add_memory(img, v, above_hole, size - hole, hole, err);
}

/* Nothing says whether a CPU is in 64-bit mode, but a register with more than 32 bits in use. */
static bool is_wide(const struct regs *r)
{
	for (unsigned i = 0; i < N_GPRS; i++)
		if (r->known >> i & 1 && r->value[i] > UINT32_MAX)
			return true;
	return false;
}

static int add_cpu(struct mmw_image *img, const struct regs *r, struct mmw_err *err)
{
	static const struct {
		uint8_t from;
		enum mmw_reg to;
	} regs[] = {
		{ RIP, MMW_REG_PC }, { RSP, MMW_REG_SP }, { CR0, MMW_REG_CR0 }, { CR2, MMW_REG_CR2 },
		{ CR3, MMW_REG_CR3 }, { CR4, MMW_REG_CR4 }, { GS_BASE, MMW_REG_GS_BASE },
	};
	const uint64_t enough = (1ull << RIP | 1ull << RSP | 1ull << RAX | 1ull << R15 | 1ull << RBP);
	struct mmw_cpu *cpu;
	int rc = mmw_image_add_cpu(img, &cpu, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < mmw_array_len(regs); i++)
		if (r->known >> regs[i].from & 1)
			mmw_cpu_set(cpu, regs[i].to, r->value[regs[i].from]);
	if ((r->known & enough) == enough) {
		cpu->n_gpr = N_GPRS;
		memcpy(cpu->gpr, r->value, N_GPRS * sizeof(*cpu->gpr));
	}
	if (is_wide(r))
		img->machine = EM_X86_64;
	return 0;
}

static int use_file(struct mmw_image *img, struct vmss *v, struct mmw_err *err)
{
	int rc = read_groups(img, v, err);
	size_t used = strlen(img->note);

	if (rc)
		return rc;
	if (v->has_block && v->packed)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "its memory is a compressed block, which nobody outside "
				"VMware knows how to read; resume the machine and take a snapshot that has a .vmem file");
	if (!v->has_block && !img->n_parts)
		return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "its memory is in another file, a .vmem that should stand "
				"beside it: --part names it");
	snprintf(img->note + used, sizeof(img->note) - used, "%smemory %s, %" PRIu64 " regions", used ? ", " : "",
		 v->has_block ? "in the same file" : "in a .vmem file", v->n_regions);
	rc = place(img, v, err);
	for (size_t i = 0; !rc && i < v->n_cpus; i++)
		rc = add_cpu(img, &v->cpus[i], err);
	return rc;
}

static int vmware_open(struct mmw_image *img, struct mmw_err *err)
{
	struct vmss *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to read a checkpoint");
	v->file = img->file;
	rc = use_file(img, v, err);
	free(v->cpus);
	free(v);
	return rc;
}

static const char *const descriptions[] = { ".vmss", ".vmsn", NULL };

const struct mmw_format mmw_format_vmware = {
	.name = "vmware",
	.summary = "VMware's suspended machines and snapshots (.vmss, .vmsn, with .vmem)",
	.probe = vmware_probe,
	.takes_parts = true,
	.memory_end = ".vmem",
	.description_ends = descriptions,
	.open = vmware_open,
};

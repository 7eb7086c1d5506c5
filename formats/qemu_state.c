/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of a QEMU stream. Each is a FULL section whose payload only its own program knows, but the JSON at the
 * end of the stream describes all of them (migration/vmstate.c):
 *
 *   {"page_size": N, "devices": [{"name", "instance_id", "version",
 *     "fields": [{"name", "type", "size", "array_len": N, "struct": {...}} ...],
 *     "subsections": [{"vmsd_name", "fields" ...} ...]} ...]}
 *
 * Fields follow each other without gaps, `size` bytes each and `array_len` times where it is there; a subsection is 5,
 * u8 length and name, u32 version, fields, subsections. Everything is big endian ("le" in a type means less or equal).
 * Without JSON the few fields that count are at fixed places on most machines (target/.../machine.c).
 */
#include <elf.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "formats/qemu.h"
#include "lib/base/vec.h"

enum {
	FULL = 4,
	FOOTER = 0x7e,
	HEADER_REST = 8,       /* u32 instance, u32 version */
	JSON_MAX = 16 << 20,
	JSON_DEPTH_MAX = 64,
	CPUS_MAX = 4096,
	CMOS_LEN = 128,
	CPREGS_MAX = 4096,
	DEVICES_MAX = 1 << 14,
	HITS_MAX = 64,         /* headers that look like a device's */
};

static const uint64_t device_max = 1ull << 32;

struct qemu_devices {
	const uint8_t *bytes;
	size_t len;      /* without the JSON */
	json_t *json;    /* NULL: none */
	json_t *list;    /* its devices; borrowed */
};

struct device {
	const uint8_t *bytes;
	size_t len;          /* to the end of all devices where there is no description */
	const json_t *desc;  /* NULL: unknown */
	size_t end;          /* in the devices' bytes: where to look for the next */
};

/* --- the description ------------------------------------------------------------------------------------------ */

/* Brackets within brackets, outside strings: bounded before a parser that recurses sees them. */
static bool too_deep(const uint8_t *p, size_t n)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < n; i++) {
		if (in_string && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			in_string = !in_string;
		else if (!in_string && (p[i] == '{' || p[i] == '['))
			depth++;
		else if (!in_string && (p[i] == '}' || p[i] == ']') && depth)
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return true;
	}
	return false;
}

/* EOF, 6, u32 length, JSON; what follows is padding. */
static void find_json(struct qemu_devices *d)
{
	static const uint8_t mark[] = { 0, 6 };
	enum { HEAD = 6, TRIES = 8 };
	const uint8_t *p = d->bytes, *end = d->bytes + d->len;
	int tries = 0;

	while (!d->list && tries < TRIES && (p = memmem(p, end - p, mark, sizeof(mark)))) {
		size_t left = end - p;
		uint32_t len = left > HEAD ? mmw_get32(p + 2, true) : 0;

		if (len >= 2 && len <= JSON_MAX && len <= left - HEAD && p[HEAD] == '{' && p[HEAD + len - 1] == '}' &&
		    !too_deep(p + HEAD, len)) {
			tries++;
			d->json = json_loadb((const char *)p + HEAD, len, 0, NULL);
			d->list = json_object_get(d->json, "devices");
			if (json_is_array(d->list) && json_array_size(d->list) <= DEVICES_MAX) {
				d->len = p - d->bytes;
				return;
			}
			json_decref(d->json);
			d->json = d->list = NULL;
		}
		p++;
	}
}

struct qemu_devices *qemu_devices_open(const struct qemu *q)
{
	struct qemu_devices *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->bytes = q->state;
	d->len = q->state ? q->state_len : 0;
	if (d->len)
		find_json(d);
	return d;
}

void qemu_devices_close(struct qemu_devices *d)
{
	if (d)
		json_decref(d->json);
	free(d);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* A number that is no offset into anything real reads as one that no file has. */
static uint64_t number_of(const json_t *o, const char *key, uint64_t without)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v))
		return without;
	return json_integer_value(v) < 0 || json_integer_value(v) > UINT32_MAX ? UINT32_MAX : json_integer_value(v);
}

/* What is searched for while the fields are added up. */
struct search {
	const char *name;
	bool found;
	uint64_t at, size, count;
};

/* Past the fields and subsections of `desc`, from *at on; false when they cannot be real. Depth is that of the JSON. */
static bool add_up(const json_t *desc, uint64_t *at, struct search *s)
{
	const json_t *fields = json_object_get(desc, "fields"), *subs = json_object_get(desc, "subsections");

	for (size_t i = 0; i < json_array_size(fields); i++) {
		const json_t *f = json_array_get(fields, i);
		uint64_t size = number_of(f, "size", 0), count = number_of(f, "array_len", 1);

		if (!s->found && s->name && !strcmp(text_of(f, "name"), s->name))
			*s = (struct search){ s->name, true, *at, size, count };
		if (*at > device_max || (count && size > device_max / count))
			return false;
		*at += size * count;
	}
	for (size_t i = 0; i < json_array_size(subs); i++) {
		const json_t *sub = json_array_get(subs, i);

		*at += 1 + 1 + strlen(text_of(sub, "vmsd_name")) + 4;
		if (!add_up(sub, at, s))
			return false;
	}
	return true;
}

/* --- finding a device ----------------------------------------------------------------------------------------- */

static const json_t *describes(const struct qemu_devices *d, const char *name, uint32_t instance)
{
	for (size_t i = 0; i < json_array_size(d->list); i++) {
		const json_t *desc = json_array_get(d->list, i);

		if (!strcmp(text_of(desc, "name"), name) && number_of(desc, "instance_id", UINT32_MAX) == instance)
			return desc;
	}
	return NULL;
}

/* Is this header followed by what the JSON says, and that by the section's footer? */
static bool fits_description(const struct qemu_devices *d, const uint8_t *section, const uint8_t *payload,
			     struct device *out)
{
	struct search none = { 0 };
	uint64_t len = 0;

	if (!add_up(out->desc, &len, &none) || len > out->len)
		return false;
	if (number_of(out->desc, "version", UINT32_MAX) != mmw_get32(payload - 4, true))
		return false;
	/* Old machines have no footers. */
	if (len + 5 <= out->len && payload[len] == FOOTER && memcmp(payload + len + 1, section, 4))
		return false;
	out->len = len;
	out->end = payload + len - d->bytes;
	return true;
}

/* The section of a device, from byte `from` of them all on. */
static bool find_device(const struct qemu_devices *d, size_t from, const char *name, uint32_t instance,
			struct device *out)
{
	uint8_t mark[1 + QEMU_NAME_MAX + 4];
	size_t len = strlen(name), n = 1 + len + 4;
	const uint8_t *p = d->bytes, *end = p;
	const json_t *desc = describes(d, name, instance);

	if (!d->len || (d->list && !desc))
		return false;
	p += from;
	end += d->len;
	mark[0] = (uint8_t)len;
	memcpy(mark + 1, name, len);
	for (int i = 0; i < 4; i++)
		mark[1 + len + i] = (uint8_t)(instance >> (24 - 8 * i));
	for (int hits = 0; hits < HITS_MAX && (p = memmem(p, end - p, mark, n)); p++, hits++) {
		const uint8_t *payload = p + n + 4;

		if (p - d->bytes < 5 || p[-5] != FULL || (size_t)(end - p) < n + 4)
			continue;
		*out = (struct device){ payload, end - payload, desc, payload - d->bytes };
		if (!desc || fits_description(d, p - 4, payload, out))
			return true;
	}
	return false;
}

/* A field's first byte, its size and how often it is there; NULL when the device does not have it. */
static const uint8_t *field(const struct device *dev, const char *name, uint64_t *size, uint64_t *count)
{
	struct search s = { .name = name };
	uint64_t at = 0;

	if (!dev->desc || !add_up(dev->desc, &at, &s) || !s.found || !s.size || s.count > dev->len ||
	    !mmw_fits(s.at, s.size * s.count, dev->len))
		return NULL;
	*size = s.size;
	*count = s.count;
	return dev->bytes + s.at;
}

/* An integer, number `index` of the field. */
static bool integer(const struct device *dev, const char *name, unsigned index, uint64_t *out)
{
	uint64_t size, count;
	const uint8_t *p = field(dev, name, &size, &count);

	if (!p || index >= count || (size != 1 && size != 2 && size != 4 && size != 8))
		return false;
	*out = mmw_get_word(p + index * size, (unsigned)size, true);
	return true;
}

bool qemu_has_device(const struct qemu_devices *d, const char *tail)
{
	for (size_t i = 0; i < json_array_size(d->list); i++) {
		const char *name = text_of(json_array_get(d->list, i), "name");
		size_t n = strlen(name), t = strlen(tail);

		if (n >= t && !strcmp(name + n - t, tail))
			return true;
	}
	return !d->list && d->len && memmem(d->bytes, d->len, tail, strlen(tail));
}

const uint8_t *qemu_cmos(const struct qemu_devices *d)
{
	struct device dev;
	uint64_t size, count;
	const uint8_t *p;

	if (!find_device(d, 0, "mc146818rtc", 0, &dev))
		return NULL;
	if (!dev.desc)
		return dev.len >= CMOS_LEN ? dev.bytes : NULL;
	p = field(&dev, "cmos_data", &size, &count);
	return p && size * count >= CMOS_LEN ? p : NULL;
}

bool qemu_vmcoreinfo_at(const struct qemu_devices *d, uint64_t *pa, uint32_t *size)
{
	enum { FORMAT_ELF = 1, LEN = 17 };
	struct device dev;

	/* bool has, u16 host's and u16 guest's format, u32 size, u64 address */
	if (!find_device(d, 0, "vmcoreinfo", 0, &dev) || dev.len < LEN || !dev.bytes[0] ||
	    mmw_get16(dev.bytes + 3, true) != FORMAT_ELF)
		return false;
	*size = mmw_get32(dev.bytes + 5, true);
	*pa = mmw_get64(dev.bytes + 9, true);
	return *size && *pa;
}

/* --- x86 ------------------------------------------------------------------------------------------------------ */

/* QEMU's order of env.segs. */
enum { ES, CS, SS, DS, FS, GS };

/* Where the fields are in a payload without a description: they come first, and in ten years have not moved. */
struct x86_layout {
	uint16_t regs, ip, flags, segs, cr0, efer, kernel_gs;
	uint8_t word, n_regs, seg_size;
};

static const struct x86_layout x86_wide = { 0, 128, 136, 236, 456, 816, 856, 8, 16, 20 };
static const struct x86_layout x86_narrow = { 0, 32, 36, 132, 304, 0, 0, 4, 8, 16 };

/* What is there of a CPU, as bytes. NULL where it is not. */
struct x86_state {
	const uint8_t *regs, *ip, *flags, *segs, *cr[5], *efer, *kernel_gs;
	unsigned word;
	uint64_t seg_size;
};

static bool x86_described(const struct device *dev, struct x86_state *x)
{
	static const char *const crs[5] = { "env.cr[0]", NULL, "env.cr[2]", "env.cr[3]", "env.cr[4]" };
	uint64_t size = 0, count = 0, word = 0;

	x->regs = field(dev, "env.regs", &word, &count);
	if (!x->regs || !(word == 8 && count == 16) == !(word == 4 && count == 8))
		return false;
	x->word = (unsigned)word;
	x->ip = field(dev, "env.eip", &size, &count);
	if (!x->ip || size != word)
		return false;
	x->flags = field(dev, "env.eflags", &size, &count);
	if (x->flags && size != word)
		x->flags = NULL;
	x->segs = field(dev, "env.segs", &x->seg_size, &count);
	if (x->segs && (count != 6 || x->seg_size != word + 12))
		x->segs = NULL;
	for (int i = 0; i < 5; i++) {
		x->cr[i] = crs[i] ? field(dev, crs[i], &size, &count) : NULL;
		if (x->cr[i] && size != word)
			x->cr[i] = NULL;
	}
	x->efer = field(dev, "env.efer", &size, &count);
	if (x->efer && size != 8)
		x->efer = NULL;
	x->kernel_gs = field(dev, "env.kernelgsbase", &size, &count);
	if (x->kernel_gs && size != 8)
		x->kernel_gs = NULL;
	return true;
}

/* CR0 has bit 4 (ET) on every CPU, and nothing above 31. */
static bool x86_looks_right(const struct device *dev, const struct x86_layout *l)
{
	uint64_t cr0, cr4;

	if (dev->len < l->cr0 + 4u * l->word || dev->len < l->kernel_gs + 8u)
		return false;
	cr0 = mmw_get_word(dev->bytes + l->cr0, l->word, true);
	cr4 = mmw_get_word(dev->bytes + l->cr0 + 3 * l->word, l->word, true);
	return cr0 >> 32 == 0 && (cr0 & 0x10) && !(cr0 & 0x1ffaffc0) && cr4 >> 32 == 0;
}

static bool x86_guessed(const struct device *dev, struct x86_state *x)
{
	const struct x86_layout *l = x86_looks_right(dev, &x86_wide) ? &x86_wide : &x86_narrow;
	const uint8_t *p = dev->bytes;

	if (!x86_looks_right(dev, l))
		return false;
	*x = (struct x86_state){ p + l->regs, p + l->ip, p + l->flags, p + l->segs };
	x->word = l->word;
	x->seg_size = l->seg_size;
	x->cr[0] = p + l->cr0;
	for (int i = 2; i < 5; i++)
		x->cr[i] = p + l->cr0 + (i - 1) * l->word;
	x->efer = l->efer ? p + l->efer : NULL;
	x->kernel_gs = l->kernel_gs ? p + l->kernel_gs : NULL;
	return true;
}

static uint64_t x86_word(const struct x86_state *x, const uint8_t *p)
{
	return p ? mmw_get_word(p, x->word, true) : 0;
}

static uint64_t x86_selector(const struct x86_state *x, int seg)
{
	return x->segs ? mmw_get32(x->segs + seg * x->seg_size, true) : 0;
}

static uint64_t x86_base(const struct x86_state *x, int seg)
{
	return x->segs ? mmw_get_word(x->segs + seg * x->seg_size + 4, x->word, true) : 0;
}

/* QEMU counts rax rcx rdx rbx rsp rbp rsi rdi r8-r15. orig_rax is the kernel's own: QEMU's dumps have 0 there. */
static void x86_64_gprs(const struct x86_state *x, struct mmw_cpu *cpu)
{
	static const uint8_t order[] = { 15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7 };
	unsigned n = 0;

	for (; n < sizeof(order); n++)
		cpu->gpr[n] = x86_word(x, x->regs + 8 * order[n]);
	cpu->gpr[n++] = 0;
	cpu->gpr[n++] = x86_word(x, x->ip);
	cpu->gpr[n++] = x86_selector(x, CS);
	cpu->gpr[n++] = x86_word(x, x->flags);
	cpu->gpr[n++] = x86_word(x, x->regs + 8 * 4);
	cpu->gpr[n++] = x86_selector(x, SS);
	cpu->gpr[n++] = x86_base(x, FS);
	cpu->gpr[n++] = x86_base(x, GS);
	cpu->gpr[n++] = x86_selector(x, DS);
	cpu->gpr[n++] = x86_selector(x, ES);
	cpu->gpr[n++] = x86_selector(x, FS);
	cpu->gpr[n++] = x86_selector(x, GS);
	cpu->n_gpr = n;
}

static void i386_gprs(const struct x86_state *x, struct mmw_cpu *cpu)
{
	static const uint8_t order[] = { 3, 1, 2, 6, 7, 5, 0 }, segs[] = { DS, ES, FS, GS };
	unsigned n = 0;

	for (; n < sizeof(order); n++)
		cpu->gpr[n] = x86_word(x, x->regs + 4 * order[n]);
	for (unsigned i = 0; i < sizeof(segs); i++)
		cpu->gpr[n++] = x86_selector(x, segs[i]);
	cpu->gpr[n++] = 0;
	cpu->gpr[n++] = x86_word(x, x->ip);
	cpu->gpr[n++] = x86_selector(x, CS);
	cpu->gpr[n++] = x86_word(x, x->flags);
	cpu->gpr[n++] = x86_word(x, x->regs + 4 * 4);
	cpu->gpr[n++] = x86_selector(x, SS);
	cpu->n_gpr = n;
}

static bool take_x86(const struct device *dev, struct mmw_image *img, struct mmw_cpu *cpu)
{
	static const enum mmw_reg crs[5] = { MMW_REG_CR0, MMW_REG_COUNT, MMW_REG_CR2, MMW_REG_CR3, MMW_REG_CR4 };
	struct x86_state x = { 0 };

	if (!(dev->desc ? x86_described(dev, &x) : x86_guessed(dev, &x)))
		return false;
	img->machine = x.word == 8 ? EM_X86_64 : EM_386;
	if (x.word == 8)
		x86_64_gprs(&x, cpu);
	else
		i386_gprs(&x, cpu);
	mmw_cpu_set(cpu, MMW_REG_PC, x86_word(&x, x.ip));
	mmw_cpu_set(cpu, MMW_REG_SP, x86_word(&x, x.regs + 4 * x.word));
	for (int i = 0; i < 5; i++)
		if (x.cr[i] && crs[i] != MMW_REG_COUNT)
			mmw_cpu_set(cpu, crs[i], x86_word(&x, x.cr[i]));
	if (x.segs)
		mmw_cpu_set(cpu, MMW_REG_GS_BASE, x86_base(&x, GS));
	if (x.efer)
		mmw_cpu_set(cpu, MMW_REG_EFER, mmw_get64(x.efer, true));
	if (x.kernel_gs)
		mmw_cpu_set(cpu, MMW_REG_KERNEL_GS_BASE, mmw_get64(x.kernel_gs, true));
	return true;
}

/* --- arm ------------------------------------------------------------------------------------------------------ */

/* u32 regs[16], u64 xregs[32], u64 pc, u32 cpsr; and further on a list of system registers: count, names, values. */
enum {
	ARM_REGS = 0,
	ARM_XREGS = 64,
	ARM_PC = 320,
	ARM_CPSR = 328,
	ARM_CPREGS = 568,
	CPSR_32BIT = 0x10,
	ARM_GPRS = 18,
	ARM64_GPRS = 34,
};

/* Names of system registers, as KVM spells them. */
#define CPREG(low) (0x6030000000130000ull | (low))
#define CPREG_MMFR0 CPREG(0xc038)  /* ID_AA64MMFR0_EL1: a CPU without it has 32 bits only */

static bool find_cpregs(const struct device *dev, const uint8_t **names, const uint8_t **values, uint64_t *n)
{
	uint64_t size = 0, sizes = 0, count = 0;

	*n = 0;
	if (dev->desc) {
		*names = field(dev, "cpreg_vmstate_indexes", &size, n);
		*values = field(dev, "cpreg_vmstate_values", &sizes, &count);
		return *names && *values && size == 8 && sizes == 8 && *n == count;
	}
	if (dev->len < ARM_CPREGS + 4)
		return false;
	*n = mmw_get32(dev->bytes + ARM_CPREGS, true);
	*names = dev->bytes + ARM_CPREGS + 4;
	*values = *names + *n * 8;
	/* The names begin with the architecture: 0x40 or 0x60. */
	return *n && *n <= CPREGS_MAX && mmw_fits(ARM_CPREGS + 4, *n * 16, dev->len) && ((*names)[0] & 0xdf) == 0x40;
}

/* Which the CPU has, of those that matter. True: it is one of 64 bits. */
static bool take_cpregs(const uint8_t *names, const uint8_t *values, uint64_t n, struct mmw_cpu *cpu)
{
	static const struct {
		uint64_t name;
		enum mmw_reg reg;
	} wanted[] = {
		{ CPREG(0xc100), MMW_REG_TTBR0 }, { CPREG(0xc101), MMW_REG_TTBR1 }, { CPREG(0xc102), MMW_REG_TCR },
		{ CPREG(0xc510), MMW_REG_MAIR },
	};
	bool wide = false;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t name = mmw_get64(names + 8 * i, true);

		wide |= name == CPREG_MMFR0;
		for (size_t k = 0; k < mmw_array_len(wanted); k++)
			if (wanted[k].name == name)
				mmw_cpu_set(cpu, wanted[k].reg, mmw_get64(values + 8 * i, true));
	}
	return wide;
}

static bool arm_parts(const struct device *dev, const uint8_t **regs, const uint8_t **xregs, const uint8_t **pc,
		      uint32_t *cpsr)
{
	uint64_t size[3] = { 0 }, count[3] = { 0 }, flags;

	if (!dev->desc) {
		*regs = dev->bytes + ARM_REGS;
		*xregs = dev->bytes + ARM_XREGS;
		*pc = dev->bytes + ARM_PC;
		*cpsr = mmw_get32(dev->bytes + ARM_CPSR, true);
		return true;
	}
	*regs = field(dev, "env.regs", &size[0], &count[0]);
	*xregs = field(dev, "env.xregs", &size[1], &count[1]);
	*pc = field(dev, "env.pc", &size[2], &count[2]);
	if (!*regs || !*xregs || !*pc || !integer(dev, "cpsr", 0, &flags))
		return false;
	if (size[0] != 4 || count[0] != 16 || size[1] != 8 || count[1] != 32 || size[2] != 8)
		return false;
	*cpsr = (uint32_t)flags;
	return true;
}

/* x0-x30, sp, pc, pstate. A process of 32 bits on such a CPU has the old registers; the first are these then. */
static void arm64_gprs(const uint8_t *regs, const uint8_t *xregs, const uint8_t *pc, uint32_t cpsr, struct mmw_cpu *cpu)
{
	for (unsigned i = 0; i < 32; i++)
		cpu->gpr[i] = mmw_get64(xregs + 8 * i, true);
	cpu->gpr[32] = mmw_get64(pc, true);
	cpu->gpr[33] = cpsr;
	if (cpsr & CPSR_32BIT) {
		for (unsigned i = 0; i < 15; i++)
			cpu->gpr[i] = mmw_get32(regs + 4 * i, true);
		cpu->gpr[31] = mmw_get32(regs + 4 * 13, true);
		cpu->gpr[32] = mmw_get32(regs + 4 * 15, true);
	}
	cpu->n_gpr = ARM64_GPRS;
	mmw_cpu_set(cpu, MMW_REG_SP, cpu->gpr[31]);
	mmw_cpu_set(cpu, MMW_REG_PC, cpu->gpr[32]);
}

/* r0-r15, cpsr, and r0 of a system call, which only the kernel knows. */
static void arm_gprs(const uint8_t *regs, uint32_t cpsr, struct mmw_cpu *cpu)
{
	for (unsigned i = 0; i < 16; i++)
		cpu->gpr[i] = mmw_get32(regs + 4 * i, true);
	cpu->gpr[16] = cpsr;
	cpu->gpr[17] = 0;
	cpu->n_gpr = ARM_GPRS;
	mmw_cpu_set(cpu, MMW_REG_SP, cpu->gpr[13]);
	mmw_cpu_set(cpu, MMW_REG_PC, cpu->gpr[15]);
}

static bool take_arm(const struct device *dev, struct mmw_image *img, struct mmw_cpu *cpu)
{
	const uint8_t *regs, *xregs, *pc, *names, *values;
	uint32_t cpsr;
	uint64_t n;

	if (!find_cpregs(dev, &names, &values, &n) || !arm_parts(dev, &regs, &xregs, &pc, &cpsr))
		return false;
	if (take_cpregs(names, values, n, cpu)) {
		img->machine = EM_AARCH64;
		arm64_gprs(regs, xregs, pc, cpsr, cpu);
	} else {
		img->machine = EM_ARM;
		arm_gprs(regs, cpsr, cpu);
	}
	return true;
}

/* --- riscv ---------------------------------------------------------------------------------------------------- */

/* Only by description: the fields have moved with nearly every version. */
static bool take_riscv(const struct device *dev, struct mmw_image *img, struct mmw_cpu *cpu)
{
	uint64_t satp, pc, size = 0, count = 0;
	const uint8_t *gpr = field(dev, "env.gpr", &size, &count);

	if (!gpr || size != 8 || count != 32 || !integer(dev, "env.satp", 0, &satp) || !integer(dev, "env.pc", 0, &pc))
		return false;
	img->machine = EM_RISCV;
	cpu->gpr[0] = pc;
	for (unsigned i = 1; i < 32; i++)
		cpu->gpr[i] = mmw_get64(gpr + 8 * i, true);
	cpu->n_gpr = 32;
	mmw_cpu_set(cpu, MMW_REG_PC, pc);
	mmw_cpu_set(cpu, MMW_REG_SP, cpu->gpr[2]);
	mmw_cpu_set(cpu, MMW_REG_SATP, satp);
	return true;
}

/* -------------------------------------------------------------------------------------------------------------- */

static int take_cpu(const struct device *dev, struct mmw_image *img, struct mmw_err *err)
{
	struct mmw_cpu *cpu;
	int rc = mmw_image_add_cpu(img, &cpu, err);

	/* Of a machine that is none of these, a CPU without registers. */
	if (!rc && !take_arm(dev, img, cpu) && !take_riscv(dev, img, cpu))
		take_x86(dev, img, cpu);
	return rc;
}

int qemu_take_cpus(const struct qemu_devices *d, struct mmw_image *img, struct mmw_err *err)
{
	struct device dev;
	size_t from = 0;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < CPUS_MAX && find_device(d, from, "cpu", i, &dev); i++) {
		rc = take_cpu(&dev, img, err);
		from = dev.end;
	}
	return rc;
}

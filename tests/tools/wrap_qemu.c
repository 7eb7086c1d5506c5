/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/tools/wrap_qemu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ZERO = 2, MEM_SIZE = 4, PAGE = 8, EOS = 16, CONTINUE = 32, XBZRLE = 64, COMPRESS = 256 };

static const char ram_name[] = "microvm.ram";
static const uint8_t zero_page[PHYS_PAGE];

/* --- pieces --------------------------------------------------------------------------------------------------- */

void qs_name(struct blob *out, const char *name)
{
	blob_u8(out, (uint8_t)strlen(name));
	blob_add(out, name, strlen(name));
}

void qs_head(struct blob *out, const char *machine, const char *capability)
{
	blob_add(out, "QEVM\0\0\0\3", 8);
	blob_u8(out, 7);
	blob_uint(out, strlen(machine), 4, true);
	blob_add(out, machine, strlen(machine));
	if (!capability)
		return;
	blob_u8(out, 5);
	qs_name(out, "configuration/capabilities");
	blob_uint(out, 1, 4, true);
	blob_uint(out, 1, 4, true);
	qs_name(out, capability);
}

void qs_start(struct blob *out, uint8_t type, uint32_t section, const char *name, uint32_t instance, uint32_t version)
{
	qs_part(out, type, section);
	qs_name(out, name);
	blob_uint(out, instance, 4, true);
	blob_uint(out, version, 4, true);
}

void qs_part(struct blob *out, uint8_t type, uint32_t section)
{
	blob_u8(out, type);
	blob_uint(out, section, 4, true);
}

void qs_footer(struct blob *out, uint32_t section)
{
	blob_u8(out, 0x7e);
	blob_uint(out, section, 4, true);
}

void qs_blocks(struct blob *out, const struct qs_block *blocks, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += blocks[i].len;
	qs_start(out, QS_START, QS_RAM, "ram", 0, 4);
	blob_uint(out, total | MEM_SIZE, 8, true);
	for (size_t i = 0; i < n; i++) {
		qs_name(out, blocks[i].name);
		blob_uint(out, blocks[i].len, 8, true);
	}
	qs_eos(out);
}

void qs_word(struct blob *out, uint64_t offset, unsigned flags, const char *name)
{
	blob_uint(out, offset | flags | (name ? 0 : CONTINUE), 8, true);
	if (name)
		qs_name(out, name);
}

void qs_eos(struct blob *out)
{
	blob_uint(out, EOS, 8, true);
	qs_footer(out, QS_RAM);
}

void qs_page(struct blob *out, uint64_t offset, const char *name, const uint8_t *bytes)
{
	bool zero = !memcmp(bytes, zero_page, PHYS_PAGE);

	qs_word(out, offset, zero ? ZERO : PAGE, name);
	blob_add(out, bytes, zero ? 1 : PHYS_PAGE);
}

void qs_zlib(struct blob *out, uint64_t offset, const char *name, const uint8_t *bytes)
{
	uint8_t packed[2 * PHYS_PAGE];
	uLongf len = sizeof(packed);

	if (compress(packed, &len, bytes, PHYS_PAGE) != Z_OK)
		die("zlib does not compress a page");
	qs_word(out, offset, COMPRESS, name);
	blob_uint(out, len, 4, true);
	blob_add(out, packed, len);
}

static void uleb(struct blob *out, size_t v)
{
	if (v < 0x80) {
		blob_u8(out, (uint8_t)v);
		return;
	}
	blob_u8(out, (uint8_t)(v & 0x7f) | 0x80);
	blob_u8(out, (uint8_t)(v >> 7));
}

void qs_delta(struct blob *out, uint64_t offset, const char *name, const uint8_t *was, const uint8_t *bytes)
{
	struct blob changes = { 0 };
	size_t at = 0, same, end;

	while (at < PHYS_PAGE) {
		for (same = at; same < PHYS_PAGE && was[same] == bytes[same]; same++)
			;
		for (end = same; end < PHYS_PAGE && was[end] != bytes[end]; end++)
			;
		if (end > same) {
			uleb(&changes, same - at);
			uleb(&changes, end - same);
			blob_add(&changes, bytes + same, end - same);
		}
		at = end;
	}
	qs_word(out, offset, XBZRLE, name);
	blob_u8(out, 1);
	blob_uint(out, changes.len, 2, true);
	blob_add(out, changes.bytes, changes.len);
	blob_fini(&changes);
}

void qs_mapped(struct blob *out, const char *name, const uint8_t *bytes, uint64_t len)
{
	uint64_t pages = len / PHYS_PAGE;
	size_t header, bits, at;

	qs_name(out, name);
	blob_uint(out, len, 8, true);
	header = blob_uint(out, 1, 4, true);
	blob_uint(out, PHYS_PAGE, 8, true);
	blob_uint(out, out->len + 16, 8, true);
	blob_uint(out, 0, 8, true);
	bits = blob_add(out, NULL, (pages + 63) / 64 * 8);
	blob_align(out, PHYS_PAGE);
	at = blob_add(out, NULL, len);
	blob_put(out, header + 20, at, 8, true);
	for (uint64_t i = 0; i < pages; i++) {
		bool zero = !memcmp(bytes + i * PHYS_PAGE, zero_page, PHYS_PAGE);

		/* What is zero now may have been something when it was first written. */
		memcpy(out->bytes + at + i * PHYS_PAGE, bytes + (zero ? i & ~1ull : i) * PHYS_PAGE, PHYS_PAGE);
		if (!zero)
			out->bytes[bits + i / 8] |= (uint8_t)(1u << i % 8);
	}
}

void qs_finish(struct blob *out, const char *json)
{
	blob_u8(out, 0);
	if (!json)
		return;
	blob_u8(out, 6);
	blob_uint(out, strlen(json), 4, true);
	blob_add(out, json, strlen(json));
}

const char qs_cmos_json[] =
	"{\"page_size\": 4096, \"devices\": [{\"name\": \"mc146818rtc\", \"instance_id\": 0, \"version\": 3, "
	"\"fields\": [{\"name\": \"cmos_data\", \"type\": \"buffer\", \"size\": 128}]}]}";

void qs_cmos(struct blob *out, uint64_t low, uint64_t high)
{
	uint64_t ext = low > 16 << 20 ? (low - (16 << 20)) >> 16 : 0;
	size_t at;

	qs_part(out, QS_END, QS_RAM);
	qs_eos(out);
	qs_start(out, QS_FULL, 9, "mc146818rtc", 0, 3);
	at = blob_add(out, NULL, 128);
	blob_put(out, at + 0x34, ext, 2, false);
	blob_put(out, at + 0x5b, high >> 16, 2, false);
	blob_put(out, at + 0x5d, high >> 32, 1, false);
	qs_footer(out, 9);
}

/* --- machines ------------------------------------------------------------------------------------------------- */

static uint64_t memory_len(const struct phys *p)
{
	return (p->pages[p->n - 1].pfn + 1) * PHYS_PAGE;
}

static const uint8_t *bytes_at(const struct phys *p, uint64_t pa)
{
	const struct phys_page *page = phys_find(p, pa / PHYS_PAGE);

	return page && page->state == PHYS_STORED ? phys_page_bytes(page) : zero_page;
}

static void start(const struct phys *p, struct blob *out)
{
	const struct qs_block blocks[] = { { ram_name, memory_len(p) }, { "microvm.rom", PHYS_PAGE } };

	qs_head(out, "microvm", NULL);
	qs_blocks(out, blocks, 2);
}

/* QEMU's order of registers: rsp is the fifth. A CPU without QEMU's note is one whose stream says no more than that. */
static void add_cpu(const struct phys_cpu *cpu, uint32_t index, struct blob *out)
{
	size_t at;

	qs_start(out, QS_FULL, 10 + index, "cpu", index, 12);
	at = blob_add(out, NULL, 16 * 8);
	blob_put(out, at + 4 * 8, cpu->sp, 8, true);
	blob_uint(out, cpu->pc, 8, true);
	if (cpu->qemu) {
		at = blob_add(out, NULL, 6 * 20);
		blob_put(out, at + 5 * 20 + 4, cpu->gs_base, 8, true);
		blob_uint(out, cpu->cr0, 8, true);
		blob_uint(out, cpu->cr2, 8, true);
		blob_uint(out, cpu->cr3, 8, true);
		blob_uint(out, cpu->cr4, 8, true);
		blob_uint(out, cpu->kernel_gs_base, 8, true);
	}
	/* A subsection, as there are some. */
	blob_u8(out, 5);
	qs_name(out, "cpu/x");
	blob_uint(out, 1, 4, true);
	blob_uint(out, 0, 4, true);
	qs_footer(out, 10 + index);
}

static void describe_cpu(const struct phys_cpu *cpu, unsigned index, char *text, size_t size)
{
	static const char control[] =
		", {\"name\": \"env.segs\", \"array_len\": 6, \"type\": \"struct\", \"struct\": {}, \"size\": 20}, "
		"{\"name\": \"env.cr[0]\", \"size\": 8}, {\"name\": \"env.cr[2]\", \"size\": 8}, "
		"{\"name\": \"env.cr[3]\", \"size\": 8}, {\"name\": \"env.cr[4]\", \"size\": 8}, "
		"{\"name\": \"env.kernelgsbase\", \"size\": 8}";

	snprintf(text, size, "%s{\"name\": \"cpu\", \"instance_id\": %u, \"vmsd_name\": \"cpu\", \"version\": 12, "
		 "\"fields\": [{\"name\": \"env.regs\", \"array_len\": 16, \"type\": \"uint64\", \"size\": 8}, "
		 "{\"name\": \"env.eip\", \"type\": \"uint64\", \"size\": 8}%s], \"subsections\": ["
		 "{\"vmsd_name\": \"cpu/x\", \"version\": 1, \"fields\": ["
		 "{\"name\": \"env.x\", \"type\": \"uint32\", \"size\": 4}]}]}", index ? ", " : "", index,
		 cpu->qemu ? control : "");
}

/* The end of memory, the devices, and padding, as a volume has it. */
static void finish(const struct phys *p, struct blob *out)
{
	struct blob json = { 0 };
	char text[1024];

	qs_part(out, QS_END, QS_RAM);
	qs_eos(out);
	for (size_t i = 0; i < p->n_cpus; i++)
		add_cpu(&p->cpus[i], (uint32_t)i, out);
	blob_add(&json, "{\"page_size\": 4096, \"devices\": [", 32);
	for (size_t i = 0; i < p->n_cpus; i++) {
		describe_cpu(&p->cpus[i], (unsigned)i, text, sizeof(text));
		blob_add(&json, text, strlen(text));
	}
	blob_add(&json, "]}", 3);
	qs_finish(out, (const char *)json.bytes);
	blob_add(out, NULL, 100);
	blob_fini(&json);
}

void wrap_qemu(const struct phys *p, struct blob *out)
{
	start(p, out);
	qs_part(out, QS_PART, QS_RAM);
	for (uint64_t pa = 0; pa < memory_len(p); pa += PHYS_PAGE)
		qs_page(out, pa, pa ? NULL : ram_name, bytes_at(p, pa));
	qs_eos(out);
	finish(p, out);
}

/* What a page was some time before: each i-th byte is another one. */
static void before(const uint8_t *now, unsigned i, uint8_t *out)
{
	memcpy(out, now, PHYS_PAGE);
	for (size_t at = i * 7 % PHYS_PAGE; at < PHYS_PAGE; at += 97 * (i + 1))
		out[at] ^= (uint8_t)(0x55 + i);
}

/* A page that has been written to since it was sent, in one of the ways that it may be sent again. */
static void send_again(uint64_t pa, const uint8_t *now, struct blob *out)
{
	uint8_t was[PHYS_PAGE], later[PHYS_PAGE];

	before(now, 1, was);
	before(now, 3, later);
	switch (pa / PHYS_PAGE % 5) {
	case 0:
		qs_page(out, pa, ram_name, now);
		break;
	case 1:
		qs_delta(out, pa, ram_name, was, now);
		break;
	case 2:
		qs_delta(out, pa, ram_name, was, later);
		qs_delta(out, pa, NULL, later, now);
		break;
	case 3:
		qs_page(out, pa, ram_name, zero_page);
		qs_zlib(out, pa, NULL, now);
		break;
	default:
		qs_page(out, pa, ram_name, later);
		qs_delta(out, pa, NULL, later, now);
	}
}

/* A section of something else between those of memory, whose length nobody tells. */
static void other_section(uint8_t type, struct blob *out)
{
	if (type == QS_START)
		qs_start(out, type, 3, "block", 0, 1);
	else
		qs_part(out, type, 3);
	blob_add(out, "\x7e\0\0\0\2\x7e\0\0\0\3\xff payload", 18);
	qs_footer(out, 3);
}

void wrap_qemu_busy(const struct phys *p, struct blob *out)
{
	uint8_t was[PHYS_PAGE];

	start(p, out);
	other_section(QS_START, out);
	qs_part(out, QS_PART, QS_RAM);
	for (uint64_t pa = 0; pa < memory_len(p); pa += PHYS_PAGE) {
		before(bytes_at(p, pa), 1, was);
		if (pa / PHYS_PAGE % 11 == 10)
			qs_zlib(out, pa, ram_name, was);
		else
			qs_page(out, pa, ram_name, was);
	}
	qs_eos(out);
	other_section(QS_PART, out);
	qs_part(out, QS_PART, QS_RAM);
	for (uint64_t pa = memory_len(p); pa; pa -= PHYS_PAGE)
		send_again(pa - PHYS_PAGE, bytes_at(p, pa - PHYS_PAGE), out);
	qs_eos(out);
	finish(p, out);
}

void wrap_qemu_mapped(const struct phys *p, struct blob *out)
{
	uint64_t len = memory_len(p);
	uint8_t *all = xrealloc(NULL, len);

	for (uint64_t pa = 0; pa < len; pa += PHYS_PAGE)
		memcpy(all + pa, bytes_at(p, pa), PHYS_PAGE);
	qs_head(out, "microvm", "mapped-ram");
	qs_start(out, QS_START, QS_RAM, "ram", 0, 4);
	blob_uint(out, (len + PHYS_PAGE) | MEM_SIZE, 8, true);
	qs_mapped(out, ram_name, all, len);
	qs_mapped(out, "microvm.rom", zero_page, PHYS_PAGE);
	qs_eos(out);
	finish(p, out);
	free(all);
}

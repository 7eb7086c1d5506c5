/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kernel/place.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/vec.h"
#include "lib/kernel/bound.h"
#include "lib/kernel/machines.h"
#include "lib/kernel/shadow.h"

enum {
	PAGE = 4096,
	SHIFT_ALIGN = 1 << 20,   /* no machine's memory starts at less */
	DELTAS_MAX = 64,
	SEEN_MAX = 8,
	HEADER_REACH = 96 << 20, /* of the image's start before its symbol table */
	LEAST_ROUND = 16 << 20,
	HEADER_MAGIC = 56,       /* Documentation/arch/{arm64/booting,riscv/boot-image-header}.rst */
	RESOURCES_MAX = 4096,
};

static const uint64_t four_gib = 1ull << 32, one_tib = 1ull << 40;

/* --- a kernel that is not where the file has it --------------------------------------------------------------- */

static void add_shift(struct mmw_kernel *k, uint64_t shift)
{
	if (!shift || shift % SHIFT_ALIGN || shift >> 52 || k->n_shifts == MMW_SHIFTS_MAX)
		return;
	for (size_t i = 0; i < k->n_shifts; i++)
		if (k->shifts[i] == shift)
			return;
	k->shifts[k->n_shifts++] = shift;
}

/* The boot header at the start of RISC-V's image stays in memory, arm64's does up to 5.10. */
static bool has_header(struct mmw_kernel *k, uint64_t pa)
{
	char magic[4];

	return !mmw_read(k->reader, pa + HEADER_MAGIC, magic, sizeof(magic), NULL) &&
	       (!memcmp(magic, "ARM\x64", 4) || !memcmp(magic, "RSC\x05", 4));
}

static bool in_table(const struct mmw_kallsyms *ks, const char *name, uint64_t *va)
{
	struct mmw_ksym sym;
	size_t pos = 0;

	if (mmw_kallsyms_by_name(ks, name, &pos, &sym) != 1)
		return false;
	*va = sym.addr;
	return true;
}

/*
 * Not even where the file has the image is known, but that the symbol table is in it, and that memory starts at some round
 * address: few are left, the roundest is likeliest.
 */
static void guess_shifts(struct mmw_kernel *k)
{
	struct mmw_hints h = mmw_kernel_hints(k);
	uint64_t text, delta, least;

	if (!in_table(k->ks, "_stext", &text) || k->arch->find_delta(&h, 0, &delta, NULL) ||
	    text - delta < k->ks_pa)
		return;
	least = text - delta - k->ks_pa;
	for (uint64_t align = 1ull << 30; align >= LEAST_ROUND; align /= 2)
		for (uint64_t at = (least + align - 1) & -align; at - least < HEADER_REACH; at += align)
			add_shift(k, at);
}

/* VA - PA of the image as the file has it: PA is then an address of the file, not of the machine. */
static size_t seen_deltas(struct mmw_kernel *k, uint64_t out[SEEN_MAX])
{
	uint64_t va, first = k->ks_pa > HEADER_REACH ? k->ks_pa - HEADER_REACH : 0;
	size_t n = 0;

	if (in_table(k->ks, "kallsyms_token_table", &va))
		out[n++] = va - k->ks_pa;
	if (in_table(k->ks, "_text", &va))
		for (uint64_t pa = (first & ~(uint64_t)(PAGE - 1)) + va % PAGE; n < SEEN_MAX && pa < k->ks_pa; pa += PAGE)
			if (has_header(k, pa))
				out[n++] = va - pa;
	return n;
}

/* What the kernel says its image's VA - PA is, against what the file has. */
static void compare_delta(struct mmw_kernel *k, uint64_t seen)
{
	struct mmw_hints h = mmw_kernel_hints(k);
	uint64_t delta;

	k->delta = seen;
	k->has_delta = true;
	for (unsigned d = 0; d < DELTAS_MAX && !k->arch->find_delta(&h, d, &delta, NULL); d++)
		add_shift(k, seen - delta);
	k->has_delta = false;
}

/* A place-relative table has its symbols where the file has them, and the text says where they run. */
static void compare_places(struct mmw_kernel *k)
{
	uint64_t va, seen;

	if (!in_table(k->ks, "_stext", &seen) || !mmw_vmcoreinfo_symbol(k->vmcoreinfo, "_stext", &va))
		return;
	mmw_kallsyms_rebase(k->ks, va - seen);
	compare_delta(k, va - seen);
	mmw_kallsyms_rebase(k->ks, seen - va);
}

void mmw_place_learn(struct mmw_kernel *k, const struct mmw_found_text *texts, size_t n)
{
	bool place = mmw_kallsyms_encoding(k->ks) == MMW_KALLSYMS_PLACE;
	uint64_t seen[SEEN_MAX];
	size_t n_seen = place ? 0 : seen_deltas(k, seen);

	for (size_t t = 0; t <= n && k->n_shifts < MMW_SHIFTS_MAX; t++) {
		k->vmcoreinfo = t < n ? texts[t].text : NULL;
		if (place)
			compare_places(k);
		for (size_t i = 0; i < n_seen; i++)
			compare_delta(k, seen[i]);
		if (!place && !n_seen)
			guess_shifts(k);
	}
	k->vmcoreinfo = NULL;
}

/* --- the kernel's list of memory ------------------------------------------------------------------------------ */

struct resource {
	uint64_t start, end, name, sibling, child;
};

static const struct mmw_field resource_fields[] = {
	MMW_FIELD(resource, start, "start"),
	MMW_FIELD(resource, end, "end"),
	MMW_FIELD(resource, name, "name"),
	MMW_FIELD(resource, sibling, "sibling"),
	MMW_FIELD(resource, child, "child"),
};

struct ram {
	uint64_t low_end;   /* of memory below 4 GiB */
	uint64_t high;      /* where memory at or above 4 GiB starts; 0: there is none */
	uint64_t end;
};

static bool is_ram(struct mmw_kernel *k, const struct resource *r)
{
	static const char name[] = "System RAM";
	char text[sizeof(name) - 1];

	return !mmw_vm_read(&k->vm, r->name, text, sizeof(text), NULL) && !memcmp(text, name, sizeof(text)) &&
	       r->start <= r->end && r->end != UINT64_MAX;
}

/* /proc/iomem's top level (kernel/resource.c), as far as it can be read: what lies in misplaced memory cannot. */
static bool read_ram(struct mmw_kernel *k, struct ram *out)
{
	struct mmw_shadow s;
	struct resource r;
	uint64_t at;

	*out = (struct ram){ 0 };
	if (mmw_kernel_symbol(k, "iomem_resource", &at, NULL, NULL) ||
	    mmw_shadow_bind(k, "resource", resource_fields, mmw_array_len(resource_fields), &s, NULL) ||
	    mmw_shadow_read(&s, &k->vm, at, &r, NULL))
		return false;
	at = r.child;
	for (unsigned n = 0; at && n < RESOURCES_MAX; n++, at = r.sibling) {
		if (mmw_shadow_read(&s, &k->vm, at, &r, NULL))
			return false;
		if (!is_ram(k, &r))
			continue;
		if (r.end < four_gib && r.end >= out->low_end)
			out->low_end = r.end + 1;
		if (r.start >= four_gib && !out->high)
			out->high = r.start;
		if (r.end >= out->end)
			out->end = r.end + 1;
	}
	return out->end;
}

/* The list may lie in the very memory that is misplaced; this lies in the image (arch/x86/kernel/setup.c, setup_arch). */
static bool read_max_pfn(struct mmw_kernel *k, struct ram *out)
{
	uint64_t max;

	if (mmw_kernel_variable(k, "max_pfn", k->arch->word, &max, NULL) || max >> 40)
		return false;
	*out = (struct ram){ 0, max * PAGE > four_gib ? four_gib : 0, max * PAGE };
	return true;
}

/* --- placements ----------------------------------------------------------------------------------------------- */

/* Everything from `base` on. */
static struct mmw_place whole(uint64_t base, uint64_t size)
{
	return (struct mmw_place){ .map = { { 0, base, size } }, .n = 1 };
}

/* PC machines: `low` bytes from 0, what is left from `high` on. */
static struct mmw_place split(uint64_t low, uint64_t high, uint64_t size)
{
	return (struct mmw_place){ .map = { { 0, 0, low }, { low, high, size - low } }, .n = 2 };
}

static void say(struct mmw_place *p, const char *why)
{
	if (p->n == 1)
		snprintf(p->why, sizeof(p->why), "offset 0 is physical 0x%" PRIx64 ": %s", p->map[0].pa, why);
	else
		snprintf(p->why, sizeof(p->why), "below 0x%" PRIx64 " at 0, the rest at 0x%" PRIx64 ": %s", p->map[0].len,
			 p->map[1].pa, why);
}

/* The hole that makes the file's end the end of the kernel's memory. */
static size_t from_ram(struct mmw_kernel *k, uint64_t size, struct mmw_place *out)
{
	bool list = true;
	struct ram ram;
	uint64_t high, low;

	if (!read_ram(k, &ram)) {
		list = false;
		if (!read_max_pfn(k, &ram))
			return 0;
	}
	if (ram.end <= size || !ram.high || (k->arch->machine != EM_X86_64 && k->arch->machine != EM_386))
		return 0;
	high = ram.high >= one_tib ? one_tib : four_gib;
	low = size - (ram.end - high);
	if (ram.end - high >= size || low < ram.low_end || low > four_gib || low % SHIFT_ALIGN) {
		*out = (struct mmw_place){ .n = 0 };
		snprintf(out->why, sizeof(out->why), "the kernel's memory ends at 0x%" PRIx64 ", this image at 0x%" PRIx64
			 ": it is truncated, or needs --ram-map", ram.end - 1, size - 1);
		return 1;
	}
	*out = split(low, high, size);
	say(out, list ? "the kernel's list of memory (iomem_resource)" : "where the kernel's memory ends (max_pfn)");
	return 1;
}

/* The kernel at `at` of the file belongs `shift` bytes higher. */
static struct mmw_place shifted(uint64_t at, uint64_t shift, uint64_t size)
{
	const uint64_t borders[] = { four_gib, one_tib };

	for (size_t i = 0; i < mmw_array_len(borders); i++) {
		uint64_t low = borders[i] - shift;

		if (shift < borders[i] && low <= at && low <= four_gib && low < size)
			return split(low, borders[i], size);
	}
	return whole(shift, size);
}

/* As a machine of this kind has so much memory. */
static struct mmw_place as_machine(const struct mmw_machine_memory *m, uint64_t size)
{
	bool cut = m->low && (m->or_equal ? size >= m->split_above : size > m->split_above);
	struct mmw_place p = cut ? split(m->low, m->high, size) : whole(m->base, size);
	struct mmw_ram_map *last = &p.map[p.n - 1];
	char why[100];

	if (m->hole && last->pa < m->hole && last->len > m->hole - last->pa) {
		uint64_t here = m->hole - last->pa;

		p.map[p.n++] = (struct mmw_ram_map){ last->off + here, m->above_hole, last->len - here };
		last->len = here;
	}
	snprintf(why, sizeof(why), "as %s has it, and the page tables hold there", m->name);
	say(&p, why);
	return p;
}

static bool same_map(const struct mmw_place *a, const struct mmw_place *b)
{
	return a->n == b->n && !memcmp(a->map, b->map, a->n * sizeof(a->map[0]));
}

/* Boards and processors of no virtual machine. */
static const uint64_t bases[] = { 0x60000000, 0x10000000, 0x20000000, 0xc0000000, 0x100000000, 0x200000, 0x2000000000,
				  0x8000000000, 0x10000000000 };

/* One more proposal, unless it is the file as it was opened or there is one like it. */
static void propose(struct mmw_place *list, size_t *n, const struct mmw_place *p)
{
	bool old = *n == MMW_PLACES_MAX || (p->n == 1 && !p->map[0].pa);

	for (size_t i = 0; i < *n; i++)
		old |= same_map(&list[i], p);
	if (!old)
		list[(*n)++] = *p;
}

size_t mmw_kernel_places(struct mmw_kernel *k, struct mmw_place out[MMW_PLACES_MAX])
{
	uint64_t size = mmw_image_last(k->img) + 1;
	struct mmw_place p;
	size_t n = 0;

	if (!mmw_image_unplaced(k->img))
		return 0;
	if (mmw_kernel_found(k))
		return from_ram(k, size, out);
	for (size_t i = 0; i < k->n_shifts; i++) {
		p = shifted(k->n_marks ? k->marks[0] : 0, k->shifts[i], size);
		say(&p, "what the kernel says of its own place");
		propose(out, &n, &p);
	}
	for (size_t i = 0; k->n_marks && i < mmw_array_len(mmw_machine_memories); i++) {
		p = as_machine(&mmw_machine_memories[i], size);
		propose(out, &n, &p);
	}
	for (size_t i = 0; k->n_marks && i < mmw_array_len(bases); i++) {
		p = whole(bases[i], size);
		say(&p, "a usual place, and the page tables hold there");
		propose(out, &n, &p);
	}
	return n;
}

size_t mmw_kernel_marks(const struct mmw_kernel *k, const uint64_t **out)
{
	*out = k->marks;
	return k->n_marks;
}

bool mmw_place_moved(const struct mmw_place *p, uint64_t offset, uint64_t *pa)
{
	for (size_t i = 0; i < p->n; i++) {
		if (offset >= p->map[i].off && offset - p->map[i].off < p->map[i].len) {
			*pa = p->map[i].pa + (offset - p->map[i].off);
			return true;
		}
	}
	return false;
}

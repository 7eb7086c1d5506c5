/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/where.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"

static const struct { const char *name, *words; } readings[] = {
	[MMW_BY_PFN] = { "pfn", "page frame number" },
	[MMW_BY_PA] = { "pa", "physical address" },
	[MMW_BY_VA] = { "va", "kernel virtual address" },
	[MMW_BY_PAGE] = { "page", "address of a struct page" },
};

const char *mmw_reading_name(enum mmw_reading reading)
{
	return readings[reading].name;
}

const char *mmw_reading_words(enum mmw_reading reading)
{
	return readings[reading].words;
}

bool mmw_hex_number(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 16);
	return end != text && !*end && *text != '-' && *text != '+';
}

/* The frame whose struct page va lies in, at its start or inside. */
static bool in_struct_page(const struct mmw_frames *f, uint64_t va, struct mmw_where *out)
{
	uint64_t pfn;

	for (uint64_t back = 0; back < f->memmap.page_size && back <= va; back++)
		if (mmw_memmap_pfn(&f->memmap, va - back, &pfn)) {
			out->pa = pfn << f->page_shift;
			return true;
		}
	return false;
}

static int by_va(const struct mmw_frames *f, uint64_t va, struct mmw_where *out, struct mmw_err *err)
{
	out->reading = MMW_BY_VA;
	return mmw_vm_translate(f->vm, va, &out->pa, err);
}

/* A number without a word before it: what it can be, in this order. */
static int by_value(const struct mmw_frames *f, uint64_t value, struct mmw_where *out, struct mmw_err *err)
{
	if (value >> f->page_shift < f->end_pfn) {
		out->reading = MMW_BY_PA;
		out->pa = value;
		out->by = "below the end of memory";
		return 0;
	}
	if (in_struct_page(f, value, out)) {
		out->reading = MMW_BY_PAGE;
		out->by = "inside the memmap";
		return 0;
	}
	out->by = "beyond the end of memory";
	return by_va(f, value, out, err);
}

static int by_prefix(const struct mmw_frames *f, const char *text, enum mmw_reading reading, struct mmw_where *out,
		     struct mmw_err *err)
{
	uint64_t value;
	int rc;

	out->reading = reading;
	out->by = "asked for as such";
	if (reading == MMW_BY_VA) {
		rc = mmw_kernel_address(f->k, text, &value, err);
		return rc ? rc : by_va(f, value, out, err);
	}
	if (!mmw_hex_number(text, &value))
		return mmw_fail(err, MMW_E_ARG, 0, "'%s' is no hexadecimal number", text);
	if (reading == MMW_BY_PAGE && !in_struct_page(f, value, out))
		return mmw_fail(err, MMW_E_ARG, value, "no struct page is at 0x%" PRIx64, value);
	if (reading == MMW_BY_PFN && value > UINT64_MAX >> f->page_shift)
		return mmw_fail(err, MMW_E_ARG, value, "no frame has the number 0x%" PRIx64, value);
	if (reading == MMW_BY_PFN)
		out->pa = value << f->page_shift;
	else if (reading == MMW_BY_PA)
		out->pa = value;
	return 0;
}

int mmw_where(const struct mmw_frames *f, const char *text, struct mmw_where *out, struct mmw_err *err)
{
	uint64_t value;
	int rc;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < mmw_array_len(readings); i++) {
		size_t len = strlen(readings[i].name);

		if (!strncmp(text, readings[i].name, len) && text[len] == ':')
			return by_prefix(f, text + len + 1, (enum mmw_reading)i, out, err);
	}
	if (mmw_hex_number(text, &value))
		return by_value(f, value, out, err);
	rc = mmw_kernel_address(f->k, text, &value, err);
	out->by = "a symbol";
	return rc ? rc : by_va(f, value, out, err);
}

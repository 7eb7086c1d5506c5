/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/arch/arch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/vec.h"

#define MMW_ARCH(name) extern const struct mmw_arch mmw_arch_##name;
#include "arches.inc"
#undef MMW_ARCH

static const struct mmw_arch *const arches[] = {
#define MMW_ARCH(name) &mmw_arch_##name,
#include "arches.inc"
#undef MMW_ARCH
};

const struct mmw_arch *mmw_arch_at(size_t index)
{
	return index < mmw_array_len(arches) ? arches[index] : NULL;
}

const struct mmw_arch *mmw_arch_by_name(const char *name)
{
	for (size_t i = 0; i < mmw_array_len(arches); i++)
		if (!strcmp(arches[i]->name, name))
			return arches[i];
	return NULL;
}

const struct mmw_arch *mmw_arch_by_machine(uint16_t machine)
{
	for (size_t i = 0; machine && i < mmw_array_len(arches); i++)
		if (arches[i]->machine == machine)
			return arches[i];
	return NULL;
}

const struct mmw_arch *mmw_paging_by_name(const char *name, struct mmw_paging *pg)
{
	const char *colon = strchr(name, ':'), *from = colon ? colon + 1 : name;
	size_t len = strcspn(from, "/");

	for (size_t i = 0; i < mmw_array_len(arches); i++) {
		const struct mmw_arch *a = arches[i];

		if (colon && (strlen(a->name) != (size_t)(colon - name) || strncmp(a->name, name, colon - name)))
			continue;
		for (unsigned g = 0; a->geometry(g, pg); g++) {
			if (strlen(pg->name) != len || strncmp(pg->name, from, len))
				continue;
			if (from[len] && strcmp(from + len, "/low"))
				return NULL;
			pg->va_kind = from[len] ? MMW_VA_LOW : pg->va_kind;
			return a;
		}
	}
	return NULL;
}

bool mmw_va_served(const struct mmw_paging *pg, uint64_t va, uint64_t *last)
{
	uint64_t half;

	if (pg->va_bits >= 64)
		return true;
	switch (pg->va_kind) {
	case MMW_VA_LOW:
		*last = UINT64_MAX;
		return va >> pg->va_bits == 0;
	case MMW_VA_HIGH:
		*last = (UINT64_MAX << pg->va_bits) - 1;
		return va > *last;
	default:
		half = 1ull << (pg->va_bits - 1);
		*last = -half - 1;
		return va < half || va > *last;
	}
}

struct text {
	char *buf;
	size_t size, len;
};

static void text_add(struct text *t, char sep, const char *word)
{
	size_t n = strlen(word);

	if (t->len + n + 2 > t->size)
		return;
	if (t->len)
		t->buf[t->len++] = sep;
	memcpy(t->buf + t->len, word, n + 1);
	t->len += n;
}

size_t mmw_flags_names(const struct mmw_arch *arch, const struct mmw_paging *pg, unsigned level, uint64_t raw, char sep,
		       char *buf, size_t size)
{
	enum mmw_pte_kind kind = arch->decode(pg, level, raw).kind;
	struct text t = { buf, size, 0 };

	buf[0] = '\0';
	for (const struct mmw_flag *f = arch->flags; f->name; f++)
		if ((f->levels >> level & 1) && (f->kinds >> kind & 1) && (!f->variant || (pg->variant & f->variant)) &&
		    (raw & f->mask) == f->value)
			text_add(&t, sep, f->name);
	if (kind == MMW_PTE_LEAF && arch->pkey && arch->pkey(pg, raw)) {
		char word[16];

		snprintf(word, sizeof(word), "PKEY%" PRIu64, arch->pkey(pg, raw));
		text_add(&t, sep, word);
	}
	return t.len;
}

size_t mmw_flags_text(const struct mmw_arch *arch, const struct mmw_paging *pg, unsigned level, uint64_t raw, char sep,
		      char *buf, size_t size)
{
	struct text t = { buf, size, mmw_flags_names(arch, pg, level, raw, sep, buf, size) };
	bool leaf = arch->decode(pg, level, raw).kind == MMW_PTE_LEAF;

	if (leaf && arch->memtype && arch->memtype(pg, level, raw))
		text_add(&t, sep, arch->memtype(pg, level, raw));
	return t.len;
}

void mmw_flags_listing(const struct mmw_arch *arch, const struct mmw_paging *pg, unsigned level, uint64_t raw, char *buf,
		       size_t size)
{
	size_t n = snprintf(buf, size, "%s%s", mmw_level_name(pg, level), raw ? " " : "");

	if (raw)
		mmw_flags_text(arch, pg, level, raw, '|', buf + n, size - n);
}

void mmw_layout_linear(struct mmw_layout *l, uint64_t first, uint64_t last, const char *name, uint64_t delta)
{
	mmw_layout_region(l, first, last, name);
	if (l->n_regions && l->regions[l->n_regions - 1].first == first) {
		l->regions[l->n_regions - 1].linear = true;
		l->regions[l->n_regions - 1].delta = delta;
	}
}

/* Values come from the image: a region that would break the order is left out, never reordered into a wrong name. */
void mmw_layout_region(struct mmw_layout *l, uint64_t first, uint64_t last, const char *name)
{
	if (l->n_regions == MMW_REGIONS_MAX || last < first)
		return;
	if (l->n_regions && first <= l->regions[l->n_regions - 1].last)
		return;
	l->regions[l->n_regions++] = (struct mmw_region){ .first = first, .last = last, .name = name };
}

void mmw_layout_marker(struct mmw_layout *l, uint64_t start, const char *name, unsigned max_lines)
{
	if (l->n_markers < MMW_MARKERS_MAX)
		l->markers[l->n_markers++] = (struct mmw_marker){ start, name, max_lines };
}

void mmw_layout_span(struct mmw_layout *l, uint64_t first, uint64_t last)
{
	if (l->n_spans < MMW_SPANS_MAX)
		l->spans[l->n_spans++] = (struct mmw_span){ first, last };
}

bool mmw_layout_direct(const struct mmw_layout *l, uint64_t pa, uint64_t *va)
{
	for (size_t i = 0; i < l->n_regions; i++) {
		const struct mmw_region *r = &l->regions[i];

		*va = pa + r->delta;
		if (r->linear && strncmp(r->name, "kernel", 6) && *va >= r->first && *va <= r->last)
			return true;
	}
	/* Where the image lies in the linear map, its parts are regions of their own there (arm). */
	for (size_t i = 0; i < l->n_regions; i++) {
		const struct mmw_region *r = &l->regions[i], *in;

		*va = pa + r->delta;
		in = r->linear && strncmp(r->name, "kernel", 6) ? mmw_layout_find(l, *va) : NULL;
		if (in && in->linear && in->delta == r->delta)
			return true;
	}
	return false;
}

const struct mmw_region *mmw_layout_find(const struct mmw_layout *l, uint64_t va)
{
	size_t lo = 0, hi = l->n_regions;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (va < l->regions[mid].first)
			hi = mid;
		else if (va > l->regions[mid].last)
			lo = mid + 1;
		else
			return &l->regions[mid];
	}
	return NULL;
}

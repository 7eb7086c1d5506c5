/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/mm/gfp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vec.h"

/* By the bit each has where nothing but the version tells. */
static const char *const flag_names[MMW_GFP_FLAGS] = {
	[MMW_GFP_DMA] = "DMA", [MMW_GFP_HIGHMEM] = "HIGHMEM", [MMW_GFP_DMA32] = "DMA32", [MMW_GFP_MOVABLE] = "MOVABLE",
	[MMW_GFP_RECLAIMABLE] = "RECLAIMABLE", [MMW_GFP_HIGH] = "HIGH", [MMW_GFP_IO] = "IO", [MMW_GFP_FS] = "FS",
	[MMW_GFP_ZERO] = "ZERO", [MMW_GFP_ATOMIC] = "ATOMIC", [MMW_GFP_DIRECT_RECLAIM] = "DIRECT_RECLAIM",
	[MMW_GFP_KSWAPD_RECLAIM] = "KSWAPD_RECLAIM", [MMW_GFP_WRITE] = "WRITE", [MMW_GFP_NOWARN] = "NOWARN",
	[MMW_GFP_RETRY_MAYFAIL] = "RETRY_MAYFAIL", [MMW_GFP_NOFAIL] = "NOFAIL", [MMW_GFP_NORETRY] = "NORETRY",
	[MMW_GFP_MEMALLOC] = "MEMALLOC", [MMW_GFP_COMP] = "COMP", [MMW_GFP_NOMEMALLOC] = "NOMEMALLOC",
	[MMW_GFP_HARDWALL] = "HARDWALL", [MMW_GFP_THISNODE] = "THISNODE", [MMW_GFP_ACCOUNT] = "ACCOUNT",
};

#define B(flag) (1u << MMW_GFP_##flag)

enum {
	RECLAIM = B(DIRECT_RECLAIM) | B(KSWAPD_RECLAIM),
	KERNEL = RECLAIM | B(IO) | B(FS),
	USER = KERNEL | B(HARDWALL),
	HIGHUSER_MOVABLE = USER | B(HIGHMEM) | B(MOVABLE),
	LIGHT = (HIGHUSER_MOVABLE | B(COMP) | B(NOMEMALLOC) | B(NOWARN)) & ~RECLAIM,
};

/* Names for several of them (include/linux/gfp_types.h), in the kernel's order (include/trace/events/mmflags.h). */
static const struct { const char *name; uint32_t flags; } groups[] = {
	{ "GFP_TRANSHUGE", LIGHT | B(DIRECT_RECLAIM) }, { "GFP_TRANSHUGE_LIGHT", LIGHT },
	{ "GFP_HIGHUSER_MOVABLE", HIGHUSER_MOVABLE }, { "GFP_HIGHUSER", USER | B(HIGHMEM) }, { "GFP_USER", USER },
	{ "GFP_KERNEL_ACCOUNT", KERNEL | B(ACCOUNT) }, { "GFP_KERNEL", KERNEL }, { "GFP_NOFS", RECLAIM | B(IO) },
	{ "GFP_ATOMIC", B(HIGH) | B(ATOMIC) | B(KSWAPD_RECLAIM) }, { "GFP_NOIO", RECLAIM },
	{ "GFP_NOWAIT", B(KSWAPD_RECLAIM) },
	{ "GFP_DMA", B(DMA) }, { "GFP_DMA32", B(DMA32) }, { "__GFP_RECLAIM", RECLAIM },
};

static void add_name(struct mmw_gfp *g, const char *name, uint64_t mask)
{
	if (g->n == MMW_GFP_NAMES_MAX || !mask)
		return;
	snprintf(g->names[g->n].name, sizeof(g->names[g->n].name), "%s", name);
	g->names[g->n++].mask = mask;
}

/* struct trace_print_flags { unsigned long mask; const char *name; }, up to one without a name. */
static bool by_table(struct mmw_kernel *k, struct mmw_gfp *g)
{
	unsigned word = mmw_kernel_arch(k)->word;
	struct mmw_vm *vm = mmw_kernel_vm(k);
	uint64_t at, mask, name;

	if (mmw_kernel_symbol(k, "gfpflag_names", &at, NULL, NULL))
		return false;
	for (size_t i = 0; i < MMW_GFP_NAMES_MAX; i++, at += 2 * word) {
		char text[MMW_GFP_NAME_MAX] = "";

		if (mmw_vm_read_uint(vm, at, word, &mask, NULL) || mmw_vm_read_uint(vm, at + word, word, &name, NULL))
			return false;
		if (!name)
			return g->n > MMW_GFP_FLAGS / 2;
		mmw_vm_read_some(vm, name, text, sizeof(text) - 1, NULL);
		if (!strstr(text, "GFP_"))
			return false;
		add_name(g, text, mask);
	}
	return false;
}

static uint64_t named(const struct mmw_gfp *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (!strcmp(g->names[i].name, name))
			return g->names[i].mask;
	return 0;
}

/* The table has these two only by the names of groups that hold nothing else. */
static void bits_of_names(struct mmw_gfp *g)
{
	for (int i = 0; i < MMW_GFP_FLAGS; i++) {
		char name[MMW_GFP_NAME_MAX];

		snprintf(name, sizeof(name), "__GFP_%s", flag_names[i]);
		g->bit[i] = named(g, name);
		if (g->bit[i] || (i != MMW_GFP_DMA && i != MMW_GFP_DMA32))
			continue;
		g->bit[i] = named(g, name + 2);
		add_name(g, name, g->bit[i]);
	}
}

static bool by_enumerators(struct mmw_kernel *k, struct mmw_gfp *g)
{
	for (int i = 0; i < MMW_GFP_FLAGS; i++) {
		char name[48];
		int64_t bit;

		snprintf(name, sizeof(name), "___GFP_%s_BIT", flag_names[i]);
		if (!mmw_kernel_enumerator(k, NULL, name, &bit, NULL) && bit >= 0 && bit < 64)
			g->bit[i] = 1ull << bit;
	}
	return g->bit[MMW_GFP_KSWAPD_RECLAIM] && g->bit[MMW_GFP_HIGH] && g->bit[MMW_GFP_THISNODE];
}

static bool by_version(struct mmw_kernel *k, struct mmw_gfp *g)
{
	unsigned version = mmw_kernel_version(k);

	if (version < MMW_LINUX(5, 10))
		return false;
	for (int i = 0; i < MMW_GFP_FLAGS; i++)
		g->bit[i] = 1ull << i;
	if (version >= MMW_LINUX(6, 3))
		g->bit[MMW_GFP_ATOMIC] = 0;
	return true;
}

static void names_of_bits(struct mmw_gfp *g)
{
	g->n = 0;
	for (size_t i = 0; i < mmw_array_len(groups); i++) {
		uint64_t mask = 0;

		for (int flag = 0; flag < MMW_GFP_FLAGS; flag++)
			mask |= groups[i].flags >> flag & 1 ? g->bit[flag] : 0;
		add_name(g, groups[i].name, mask);
	}
	for (int i = 0; i < MMW_GFP_FLAGS; i++) {
		char name[MMW_GFP_NAME_MAX];

		snprintf(name, sizeof(name), "__GFP_%s", flag_names[i]);
		add_name(g, name, g->bit[i]);
	}
}

int mmw_gfp_open(struct mmw_kernel *k, struct mmw_gfp *out, struct mmw_err *err)
{
	memset(out, 0, sizeof(*out));
	out->source = "gfpflag_names";
	if (by_table(k, out)) {
		bits_of_names(out);
		return 0;
	}
	memset(out->bit, 0, sizeof(out->bit));
	out->source = "the enumeration of their bits";
	if (!by_enumerators(k, out)) {
		out->source = "GUESSED as in 5.10 to 6.9";
		if (!by_version(k, out))
			return mmw_fail(err, MMW_E_NOTYPE, 0, "nothing tells which bits this kernel's gfp flags are");
	}
	names_of_bits(out);
	return 0;
}

static int parse_one(const struct mmw_gfp *g, const char *word, size_t len, uint64_t *out, struct mmw_err *err)
{
	char text[MMW_GFP_NAME_MAX], *end;

	snprintf(text, sizeof(text), "%.*s", (int)len, word);
	if (len < sizeof(text) && !strncmp(text, "0x", 2)) {
		errno = 0;
		*out |= strtoull(text, &end, 16);
		if (!errno && !*end && len > 2)
			return 0;
	}
	for (size_t i = 0; i < g->n; i++) {
		if (len < sizeof(text) && !strcmp(g->names[i].name, text)) {
			*out |= g->names[i].mask;
			return 0;
		}
	}
	return mmw_fail(err, MMW_E_ARG, 0, "'%.*s' is no gfp flag of this kernel", (int)(len < 64 ? len : 64), word);
}

int mmw_gfp_parse(const struct mmw_gfp *g, const char *text, uint64_t *out, struct mmw_err *err)
{
	int rc = 0;

	*out = 0;
	for (const char *at = text; !rc; at++) {
		size_t len = strcspn(at, "|,");

		rc = parse_one(g, at, len, out, err);
		at += len;
		if (!*at)
			break;
	}
	return rc;
}

const char *mmw_gfp_text(const struct mmw_gfp *g, uint64_t flags, char *buf)
{
	size_t n = (size_t)snprintf(buf, MMW_GFP_TEXT_MAX, "0x%" PRIx64 "(", flags);
	const char *between = "";

	for (size_t i = 0; i < g->n && flags; i++) {
		if ((flags & g->names[i].mask) != g->names[i].mask || n + MMW_GFP_NAME_MAX + 20 > MMW_GFP_TEXT_MAX)
			continue;
		n += (size_t)snprintf(buf + n, MMW_GFP_TEXT_MAX - n, "%s%s", between, g->names[i].name);
		flags &= ~g->names[i].mask;
		between = "|";
	}
	if (flags)
		n += (size_t)snprintf(buf + n, MMW_GFP_TEXT_MAX - n, "%s0x%" PRIx64, between, flags);
	snprintf(buf + n, MMW_GFP_TEXT_MAX - n, ")");
	return buf;
}

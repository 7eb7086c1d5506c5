/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a vmlinux: its symbols, its sections, and from its DWARF what the model and its own strings name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/sym/dwarf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAMES_MAX = 24, STRINGS_MAX = 4096 };

struct names {
	const char *names[NAMES_MAX];
	size_t n;
	char strings[STRINGS_MAX + 1];
};

/* Those of the seeds, and the first strings of the file. */
static void names_of(struct mmw_debugfile *f, struct names *out)
{
	static const char *const known[] = { "zone", "zone_t", "list_head", "free_area", "rq", "colour", "row_t",
					     "areas" };
	struct mmw_debugsect *s;
	size_t len;

	*out = (struct names){ .n = sizeof(known) / sizeof(known[0]) };
	memcpy(out->names, known, sizeof(known));
	if (mmw_debugfile_section(f, ".debug_str", &s, NULL))
		return;
	len = mmw_debugsect_size(s) < STRINGS_MAX ? mmw_debugsect_size(s) : STRINGS_MAX;
	if (mmw_debugsect_read(s, 0, out->strings, len, NULL))
		abort();  /* what a section says it has, it has */
	for (const char *p = out->strings; p < out->strings + len && out->n < NAMES_MAX; p += strlen(p) + 1)
		out->names[out->n++] = p;
}

static void ask_member(struct mmw_dwarf *dw, const char *type, const char *path)
{
	struct mmw_member m;
	struct mmw_err err;

	if (mmw_dwarf_member(dw, type, path, &m, &err))
		return;
	/* What a caller relies on: a bit field is in a word that can be read. */
	if (m.bit_size && ((m.size != 1 && m.size != 2 && m.size != 4 && m.size != 8) ||
			   m.bit_offset + m.bit_size > m.size * 8))
		abort();
	if (m.count && m.count * m.elem_size != m.size)
		abort();
}

static void ask(struct mmw_dwarf *dw, const struct names *names)
{
	static const char *const paths[] = { "areas", "areas[2].free_list[1].prev", "frozen", "objects", "deep",
					     "m[1][2]", "flex[3]", "[1]", "next", "nr", "nr_free" };
	const char *name;
	struct mmw_err err;
	uint64_t size;
	int64_t value;

	for (size_t i = 0; i < names->n; i++) {
		mmw_dwarf_type_size(dw, names->names[i], &size, &err);
		mmw_dwarf_enumerator(dw, NULL, names->names[i], &value, &err);
		mmw_dwarf_enumerator(dw, "colour", names->names[i], &value, &err);
		for (size_t j = 0; j < 4 && mmw_dwarf_enumerator_at(dw, names->names[i], j, &name, &value); j++)
			if (strlen(name) > SIZE_MAX / 2)  /* read all of it */
				abort();
		for (size_t j = 0; j < sizeof(paths) / sizeof(paths[0]); j++)
			ask_member(dw, names->names[i], paths[j]);
		ask_member(dw, names->names[i], names->names[names->n - 1 - i]);
	}
}

static void exercise(struct mmw_debugfile *f)
{
	const struct mmw_debugsym *syms;
	struct mmw_dwarf *dw;
	struct names names;
	struct mmw_err err;
	char banner[256];
	size_t n;

	if (!mmw_debugfile_symbols(f, &syms, &n, &err))
		for (size_t i = 0; i < n; i++)
			if (!*syms[i].name)
				abort();
	mmw_debugfile_banner(f, banner, sizeof(banner), &err);
	if (mmw_dwarf_open(f, &dw, &err))
		return;
	names_of(f, &names);
	ask(dw, &names);
	mmw_dwarf_close(dw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct mmw_debugfile *f;
	struct mmw_err err;
	char path[64];

	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size && !mmw_debugfile_open(path, "/nonexistent", &f, &err)) {
		exercise(f);
		mmw_debugfile_close(f);
	}
	close(fd);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binding: note VMCOREINFO, then the CPUs' registers, then a search of all memory, whichever leads to a kernel first.
 */
#include "lib/kernel/kernel.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arch/selfmap.h"
#include "lib/base/bytes.h"
#include "lib/base/vec.h"
#include "lib/kernel/bound.h"
#include "lib/kernel/module.h"
#include "lib/sym/vmcoreinfo.h"

enum {
	RUNS_MAX = 4096,
	IMAGE_RUN_LEAST = 64 << 10,  /* shorter ones hold no symbol table */
	NOTES_MAX = 64 << 10,
};

void mmw_kernel_note(struct mmw_kernel *k, const char *topic, bool guessed, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	if (mmw_vec_reserve(&k->evidence, &k->cap_evidence, k->n_evidence + 1, sizeof(*k->evidence), NULL))
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n >= 0)
		k->evidence[k->n_evidence++] = (struct mmw_evidence){ topic, text, guessed };
}

void mmw_kernel_keep_tables(struct mmw_kernel *k)
{
	if (k->kept_text)
		return;
	k->kept_text = strdup(k->vmcoreinfo);
	k->kept = k->own;
	k->kept_delta = k->delta;
}

/* --- the image through a root --------------------------------------------------------------------------------- */

/* Virtually and physically contiguous memory of the kernel's image window. */
struct run {
	uint64_t va, pa, len;
	uint8_t rights;
};

static size_t image_runs(struct mmw_kernel *k, const struct mmw_space *space, struct run *runs)
{
	struct mmw_walk *w = malloc(sizeof(*w));
	struct mmw_ent e;
	size_t n = 0;

	if (!w)
		return 0;
	mmw_walk_init(w, k->reader, space, k->arch->image_first, k->arch->image_last);
	while (mmw_walk_next(w, &e, NULL) == 1) {
		uint64_t len = e.last - e.va + 1;
		struct run *last = n ? &runs[n - 1] : NULL;

		if (e.kind != MMW_ENT_LEAF || !e.hw)
			continue;
		if (last && last->va + last->len == e.va && last->pa + last->len == e.pa && last->rights == e.rights)
			last->len += len;
		else if (n < RUNS_MAX)
			runs[n++] = (struct run){ e.va, e.pa, len, e.rights };
	}
	free(w);
	return n;
}

/* Read-only data first: that is where the symbol table lies on a kernel that has finished booting. */
static int scan_runs(struct mmw_kernel *k, const struct run *runs, size_t n, struct mmw_err *err)
{
	for (int rodata = 1; rodata >= 0; rodata--) {
		for (size_t i = 0; i < n; i++) {
			int rc;

			if (runs[i].len < IMAGE_RUN_LEAST || (runs[i].rights == MMW_KR) != rodata)
				continue;
			rc = mmw_find_kallsyms(k, runs[i].pa, runs[i].len, err);
			if (rc < 0)
				return rc;
			if (!rc)
				continue;
			/* arm64's linear map, below the image, has the image too: it runs at the highest place. */
			for (size_t j = i + 1; j < n; j++)
				i = k->ks_pa - runs[j].pa < runs[j].len ? j : i;
			k->delta = runs[i].va - runs[i].pa;
			k->has_delta = true;
			mmw_kallsyms_rebase(k->ks, k->delta);
			return 1;
		}
	}
	return 0;
}

static int kallsyms_through(struct mmw_kernel *k, const struct mmw_space *space, struct mmw_err *err)
{
	struct run *runs = malloc(RUNS_MAX * sizeof(*runs));
	int rc;

	if (!runs)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to look at the kernel's image");
	rc = scan_runs(k, runs, image_runs(k, space, runs), err);
	free(runs);
	return rc;
}

/* --- the three ways ------------------------------------------------------------------------------------------- */

static int via_vmcoreinfo(struct mmw_kernel *k, struct mmw_err *err)
{
	struct mmw_hints h = mmw_kernel_hints(k);
	struct mmw_mem mem = mmw_phys_mem(k->reader);
	uint64_t va;
	int rc = 0;

	if (!k->vmcoreinfo || k->arch->find_delta(&h, 0, &k->delta, NULL))
		return 0;
	k->has_delta = true;
	if (!mmw_find_own_space(k)) {
		k->has_delta = false;
		return 0;
	}
	if (mmw_vmcoreinfo_symbol(k->vmcoreinfo, "kallsyms_token_table", &va)) {
		k->ks_pa = va - k->delta;
		rc = !mmw_kallsyms_open(&mem, k->ks_pa, k->arch->word, &k->ks, NULL);
		if (rc)
			mmw_kallsyms_rebase(k->ks, k->delta);
	}
	if (!rc)
		rc = kallsyms_through(k, &k->own, err);
	if (rc == 1)
		mmw_kernel_note(k, "kernel", false, "placed by the VMCOREINFO note: image at VA - 0x%" PRIx64, k->delta);
	else if (!rc)
		mmw_kernel_keep_tables(k);
	return rc;
}

static int via_registers(struct mmw_kernel *k, struct mmw_err *err)
{
	struct mmw_space space = { .arch = k->arch };
	uint64_t roots[MMW_ROOTS_MAX];

	for (size_t i = 0; k->arch->from_cpu && i < mmw_image_cpus(k->img); i++) {
		int n = k->arch->from_cpu(mmw_image_cpu(k->img, i), &space.paging, roots);

		space.paging.big_endian = mmw_image_big_endian(k->img);
		for (int r = 0; r < n; r++) {
			int rc;

			space.root = roots[r];
			rc = kallsyms_through(k, &space, err);
			if (rc == 1) {
				mmw_kernel_note(k, "kernel", false, "its image is mapped by CPU %zu's root 0x%" PRIx64, i,
						space.root);
				k->own = space;  /* until the kernel's own root is known and holds */
				k->has_own = true;
				mmw_vm_init(&k->vm, k->reader, &k->own);
			}
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int via_search(struct mmw_kernel *k, struct mmw_err *err)
{
	int rc = mmw_find_search(k, err);
	size_t hold = 0;

	for (size_t i = 0; i < k->n_candidates; i++)
		hold += k->candidates[i].root != 0;
	if (rc == 1 && k->ks)
		mmw_kernel_note(k, "kernel", false, "found by searching memory: %zu of %zu symbol tables hold", hold,
				k->n_candidates);
	return rc;
}

/* --- what a found kernel says --------------------------------------------------------------------------------- */

/* vmcoreinfo_data points to one page of text, whatever a page is on this machine. */
static void read_vmcoreinfo(struct mmw_kernel *k)
{
	size_t size = k->has_own ? (size_t)1 << k->own.paging.page_shift : 4096, len;
	uint64_t at;
	char *text;

	if (k->vmcoreinfo || mmw_kernel_variable(k, "vmcoreinfo_data", k->arch->word, &at, NULL))
		return;
	text = calloc(1, size + 1);
	if (text && !mmw_vm_read(&k->vm, at, text, size, NULL) &&
	    mmw_vmcoreinfo_in_page((uint8_t *)text, size, mmw_image_big_endian(k->img), &len) == 0) {
		text[len] = '\0';
		k->vmcoreinfo = text;
		mmw_kernel_note(k, "VMCOREINFO", false, "read from memory at 0x%" PRIx64 " (*vmcoreinfo_data)", at);
	} else {
		free(text);
	}
}

static void read_text(struct mmw_kernel *k, uint64_t va, char *buf, size_t size)
{
	size_t n = size - 1;

	if (va % 4096 + n > 4096 && mmw_vm_read(&k->vm, va, buf, n, NULL))
		n = 4096 - va % 4096;
	if (n > size - 1 || mmw_vm_read(&k->vm, va, buf, n, NULL))
		n = 0;
	buf[n] = '\0';
	for (size_t i = 0; buf[i]; i++)
		if (!isprint((unsigned char)buf[i]))
			buf[i] = '\0';
}

static bool is_banner(void *ctx, uint64_t va)
{
	struct mmw_kernel *k = ctx;
	const char *number;

	read_text(k, va, k->banner, sizeof(k->banner));
	/* A build also carries a banner without its number, in init memory (init/version-timestamp.c stands in for it). */
	number = strstr(k->banner, ") #");
	return number && isdigit((unsigned char)number[3]);
}

/* Without a symbol it is found by its text, which the release is part of. */
static void find_banner(struct mmw_kernel *k)
{
	char mark[64];
	uint64_t va;
	int n = snprintf(mark, sizeof(mark), "Linux version %s ", k->release);

	if (!*k->release || n >= (int)sizeof(mark) || !mmw_image_find(k, false, mark, n, 1, is_banner, k, &va))
		k->banner[0] = '\0';
}

static void read_release(struct mmw_kernel *k)
{
	static const char mark[] = "Linux version ";
	uint64_t va;

	if (!mmw_kernel_symbol(k, "linux_banner", &va, NULL, NULL))
		read_text(k, va, k->banner, sizeof(k->banner));
	if (!strncmp(k->banner, mark, sizeof(mark) - 1)) {
		const char *from = k->banner + sizeof(mark) - 1;

		snprintf(k->release, sizeof(k->release), "%.*s", (int)strcspn(from, " "), from);
		return;
	}
	mmw_vmcoreinfo_value(k->vmcoreinfo, "OSRELEASE", k->release, sizeof(k->release));
	find_banner(k);
}

/* The GNU build-ID note in the image's own note section (include/asm-generic/vmlinux.lds.h, NOTES). */
static void read_build_id(struct mmw_kernel *k)
{
	uint64_t first, stop;
	uint8_t *notes;

	if (mmw_vmcoreinfo_value(k->vmcoreinfo, "BUILD-ID", k->build_id, sizeof(k->build_id)))
		return;
	if (mmw_kernel_symbol(k, "__start_notes", &first, NULL, NULL) ||
	    mmw_kernel_symbol(k, "__stop_notes", &stop, NULL, NULL) || stop - first > NOTES_MAX)
		return;
	notes = malloc(stop - first);
	if (notes && !mmw_vm_read(&k->vm, first, notes, stop - first, NULL)) {
		static const uint8_t mark[] = { 3, 0, 0, 0, 'G', 'N', 'U', 0 };
		const uint8_t *at = memmem(notes, stop - first, mark, sizeof(mark));

		if (at && at - notes >= 8 && at + sizeof(mark) + 20 <= notes + (stop - first) && mmw_get32(at - 4, false) == 20)
			mmw_hex_text(at + sizeof(mark), 20, k->build_id);
	}
	free(notes);
}

static void describe_symbols(struct mmw_kernel *k)
{
	static const char *const encodings[] = { "base-relative", "base-relative with absolute per-CPU", "place-relative" };

	if (k->ks)
		mmw_kernel_note(k, "symbols", false, "%zu from kallsyms, token table at physical 0x%" PRIx64 ", layout %c, %s",
				mmw_kallsyms_count(k->ks), k->ks_pa, mmw_kallsyms_layout(k->ks),
				encodings[mmw_kallsyms_encoding(k->ks)]);
}

/* With tables to read through, and types, the kernel may say more of its paging than before. */
static void ask_again(struct mmw_kernel *k)
{
	struct mmw_hints h = mmw_kernel_hints(k);
	struct mmw_paging pg = k->own.paging;
	uint64_t root;

	if (k->arch->from_kernel(&h, &pg, &root, NULL) || root != k->own.root)
		return;
	pg.big_endian = k->own.paging.big_endian;
	k->own.paging = pg;
}

static void settle_root(struct mmw_kernel *k)
{
	struct mmw_space from_cpu = k->own;
	bool had = k->has_own;

	if (mmw_find_own_space(k)) {
		mmw_kernel_note(k, "root", false, "0x%" PRIx64 ", %u levels, by the kernel's own symbol; translates _stext to "
				"where the image lies", k->own.root, k->own.paging.levels);
		ask_again(k);
	} else if (had) {
		k->own = from_cpu;
		k->has_own = true;
		mmw_vm_init(&k->vm, k->reader, &k->own);
		mmw_kernel_note(k, "root", true, "0x%" PRIx64 " as a CPU has it: the kernel's own root does not hold",
				k->own.root);
	}
}

/* A kernel's symbols and place are known: the rest follows. */
static int settle(struct mmw_kernel *k, struct mmw_err *err)
{
	uint64_t va;
	int rc;

	describe_symbols(k);
	rc = mmw_userfiles_attach(k, err);
	if (rc)
		return rc;
	read_vmcoreinfo(k);
	settle_root(k);
	read_vmcoreinfo(k);
	if (!k->vmcoreinfo && k->has_own && !mmw_kernel_lists_variables(k))
		mmw_find_vmcoreinfo(k);
	read_release(k);
	read_build_id(k);
	if (!mmw_kernel_symbol(k, "_text", &va, NULL, NULL))
		mmw_kernel_note(k, "image", false, "_text is 0x%" PRIx64 ", physical 0x%" PRIx64, va, va - k->delta);
	else if (!mmw_kernel_symbol(k, "_stext", &va, NULL, NULL))
		mmw_kernel_note(k, "image", false, "_stext is 0x%" PRIx64 ", physical 0x%" PRIx64, va, va - k->delta);
	return mmw_userfiles_check(k, err);
}

/* --- binding -------------------------------------------------------------------------------------------------- */

static int choose_arch(struct mmw_kernel *k, struct mmw_err *err)
{
	uint16_t machine = mmw_image_machine(k->img);

	if (k->opts.arch) {
		k->arch = mmw_arch_by_name(k->opts.arch);
		return k->arch ? 0 : mmw_fail(err, MMW_E_ARG, 0, "no architecture is called '%s'", k->opts.arch);
	}
	k->arch = mmw_arch_by_machine(machine);
	if (k->arch)
		mmw_kernel_note(k, "architecture", false, "%s, as the image says", k->arch->name);
	return 0;
}

/* The quick ways, on one architecture. */
static int quick_ways(struct mmw_kernel *k, struct mmw_err *err)
{
	int rc = via_vmcoreinfo(k, err);

	if (rc)
		return rc;
	k->has_own = k->has_delta = false;
	return via_registers(k, err);
}

/* No symbol table, but tables that VMCOREINFO leads to and that hold: better than nothing. */
static void use_kept_tables(struct mmw_kernel *k)
{
	k->vmcoreinfo = k->kept_text;
	k->kept_text = NULL;
	k->own = k->kept;
	k->arch = k->own.arch;
	k->delta = k->kept_delta;
	k->has_own = k->has_delta = true;
	mmw_vm_init(&k->vm, k->reader, &k->own);
	mmw_kernel_note(k, "kernel", false, "placed by VMCOREINFO alone: image at VA - 0x%" PRIx64, k->delta);
}

/* Two architectures may share a machine number (riscv64, riscv32); an option names just one. */
bool mmw_kernel_may_be(const struct mmw_kernel *k, const struct mmw_arch *said, const struct mmw_arch *arch)
{
	if (!arch->from_kernel)
		return false;
	return !said || arch == said || (!k->opts.arch && arch->machine == said->machine);
}

static int any_quick_way(struct mmw_kernel *k, const struct mmw_arch *said, struct mmw_err *err)
{
	const char *text = mmw_image_vmcoreinfo(k->img);
	int rc = 0;

	free(k->vmcoreinfo);
	k->vmcoreinfo = text ? strdup(text) : NULL;
	for (size_t i = 0; !rc && mmw_arch_at(i); i++) {
		k->arch = mmw_arch_at(i);
		rc = mmw_kernel_may_be(k, said, k->arch) ? quick_ways(k, err) : 0;
	}
	if (rc)
		return rc;
	k->arch = said;
	free(k->vmcoreinfo);
	k->vmcoreinfo = NULL;
	return 0;
}

static int find_kernel(struct mmw_kernel *k, struct mmw_err *err)
{
	const struct mmw_arch *said = k->arch;
	int rc = 0;

	if (!k->opts.search_all && !k->opts.choose)
		rc = any_quick_way(k, said, err);
	if (rc)
		return rc;
	free(k->vmcoreinfo);
	k->vmcoreinfo = NULL;
	rc = via_search(k, err);
	/* The search may miss what registers or the note tell. */
	if (rc != 1 && k->opts.search_all && !k->opts.choose && any_quick_way(k, said, NULL) == 1)
		return 1;
	if (rc != 1 && k->kept_text)
		use_kept_tables(k);
	return rc;
}

/* Another number of levels; what else is known of the tables stays. */
static int choose_levels(struct mmw_kernel *k, struct mmw_err *err)
{
	const struct mmw_paging old = k->space.paging;
	struct mmw_paging pg;

	for (unsigned i = 0; k->arch->geometry(i, &pg); i++) {
		if (pg.levels != k->opts.levels)
			continue;
		pg.clear = old.clear;
		pg.attrs = old.attrs;
		pg.variant = old.variant;
		pg.big_endian = old.big_endian;
		k->space.paging = pg;
		return 0;
	}
	return mmw_fail(err, MMW_E_ARG, 0, "%s has no page tables of %u levels", k->arch->name, k->opts.levels);
}

/* Tables of any kind, as the user says. */
static int choose_paging(struct mmw_kernel *k, struct mmw_err *err)
{
	const struct mmw_paging own = k->own.paging;

	k->space.arch = mmw_paging_by_name(k->opts.paging, &k->space.paging);
	if (!k->space.arch)
		return mmw_fail(err, MMW_E_ARG, 0, "no paging is called '%s'", k->opts.paging);
	k->space.paging.big_endian = mmw_image_big_endian(k->img);
	if (!k->has_own)
		k->arch = k->space.arch;
	if (k->has_own && k->space.arch == k->own.arch) {
		k->space.paging.clear = own.clear;
		k->space.paging.attrs = own.attrs;
		k->space.paging.variant |= own.variant;
	}
	return 0;
}

/* Where each half of the addresses has tables of its own, those outside the kernel's image are a process's. */
static void choose_half(struct mmw_kernel *k)
{
	uint64_t pa;

	if (!k->has_own || k->space.paging.va_kind != MMW_VA_HIGH || k->space.root == k->own.root ||
	    (k->has_delta && !mmw_vm_translate(&k->vm, k->space.root + k->delta, &pa, NULL) && pa == k->space.root))
		return;
	k->space.paging.va_kind = MMW_VA_LOW;
}

/* The space to walk: what the user said, else the kernel's own, else what a CPU used. */
static int choose_space(struct mmw_kernel *k, struct mmw_err *err)
{
	struct mmw_space cpu;

	if (k->has_own) {
		k->space = k->own;
		k->has_space = true;
	} else if (k->arch && !mmw_kernel_cpu_space(k, 0, &cpu, NULL)) {
		k->space = cpu;
		k->has_space = true;
		mmw_kernel_note(k, "root", true, "0x%" PRIx64 " as CPU 0 has it", cpu.root);
	}
	if (!k->opts.has_root)
		return 0;
	if (!k->arch)
		k->arch = mmw_arch_at(0);
	if (!k->has_space) {
		k->space = (struct mmw_space){ .arch = k->arch };
		k->arch->geometry(0, &k->space.paging);
		k->space.paging.big_endian = mmw_image_big_endian(k->img);
		if (!k->opts.levels)
			mmw_kernel_note(k, "paging", true, "%u levels: nothing in the image says", k->space.paging.levels);
	}
	k->space.root = k->opts.root;
	k->has_space = true;
	mmw_kernel_note(k, "root", false, "0x%" PRIx64 " as given", k->opts.root);
	if (k->opts.paging)
		return choose_paging(k, err);
	choose_half(k);
	return k->opts.levels ? choose_levels(k, err) : 0;
}

/* A root that no processor could use is a slip of the user's, not a finding. */
static int check_root(const struct mmw_kernel *k, struct mmw_err *err)
{
	uint64_t table = k->has_space ? mmw_table_bytes(&k->space.paging, k->space.paging.levels - 1) : 0;

	uint64_t align = (table < 4096 ? table : 4096) - 1;

	if (k->opts.has_root && table && k->opts.root & align)
		return mmw_fail(err, MMW_E_ARG, 0, "--root: no table can start at 0x%" PRIx64
				" (of a register with flags or a PCID, the address alone is wanted: 0x%" PRIx64 "?)",
				k->opts.root, k->opts.root & ~align);
	return 0;
}

int mmw_kernel_bind(const struct mmw_image *img, const struct mmw_kernel_opts *opts, struct mmw_kernel **out,
		    struct mmw_err *err)
{
	struct mmw_kernel *k = calloc(1, sizeof(*k));
	int rc;

	if (!k)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for a kernel");
	k->img = img;
	k->opts = opts ? *opts : (struct mmw_kernel_opts){ 0 };
	if (mmw_image_vmcoreinfo(img))
		k->vmcoreinfo = strdup(mmw_image_vmcoreinfo(img));
	rc = mmw_reader_open(img, &k->reader, err);
	if (!rc)
		rc = choose_arch(k, err);
	if (!rc)
		rc = mmw_userfiles_open(k, err);
	if (!rc)
		rc = mmw_code_open(k, err);
	if (!rc)
		rc = find_kernel(k, &k->why_not);
	if (rc == -MMW_E_NOMEM || (rc < 0 && !k->why_not.code)) {
		if (err && k->why_not.code)
			*err = k->why_not;
		mmw_kernel_close(k);
		return rc;
	}
	rc = k->ks || k->has_own ? settle(k, err) : 0;
	if (!rc)
		rc = choose_space(k, err);
	if (!rc)
		rc = check_root(k, err);
	if (rc) {
		mmw_kernel_close(k);
		return rc;
	}
	*out = k;
	return 0;
}

void mmw_kernel_close(struct mmw_kernel *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n_evidence; i++)
		free(k->evidence[i].text);
	free(k->evidence);
	free(k->candidates);
	mmw_module_types_close(k->module_types);
	mmw_modules_close(k->modules);
	mmw_userfiles_close(k);
	free(k->code);
	free(k->code_members);
	mmw_kallsyms_close(k->ks);
	mmw_symtab_close(k->exports);
	mmw_btf_close(k->btf);
	mmw_reader_close(k->reader);
	free(k->vmcoreinfo);
	free(k->kept_text);
	free(k);
}

/* --- asking --------------------------------------------------------------------------------------------------- */

bool mmw_kernel_found(const struct mmw_kernel *k)
{
	return k->has_own && mmw_kernel_names_text(k);
}

const char *mmw_kernel_why_not(const struct mmw_kernel *k)
{
	return k->why_not.msg;
}

const struct mmw_image *mmw_kernel_image(const struct mmw_kernel *k)
{
	return k->img;
}

const struct mmw_arch *mmw_kernel_arch(const struct mmw_kernel *k)
{
	return k->arch;
}

const struct mmw_space *mmw_kernel_space(const struct mmw_kernel *k)
{
	return k->has_space ? &k->space : NULL;
}

int mmw_kernel_cpu_space(const struct mmw_kernel *k, size_t cpu, struct mmw_space *out, struct mmw_err *err)
{
	const struct mmw_cpu *c = mmw_image_cpu(k->img, cpu);
	uint64_t roots[MMW_ROOTS_MAX];
	struct mmw_space space = { .arch = k->arch };

	if (!c)
		return mmw_fail(err, MMW_E_NODATA, cpu, "the image has registers of %zu CPUs, none of CPU %zu",
				mmw_image_cpus(k->img), cpu);
	if (!k->arch || !k->arch->from_cpu || !k->arch->from_cpu(c, &space.paging, roots))
		return mmw_fail(err, MMW_E_NODATA, cpu, "CPU %zu's registers in the image do not include its page-table root",
				cpu);
	/* Software bits and the encryption bit are the kernel's to know; the geometry is the CPU's. */
	space.paging.clear = k->own.paging.clear;
	if (!space.paging.attrs)
		space.paging.attrs = k->own.paging.attrs;
	space.paging.variant = k->own.paging.variant;
	space.paging.big_endian = mmw_image_big_endian(k->img);
	space.root = roots[0] & ~space.paging.clear;
	*out = space;
	return 0;
}

/* Do the two spaces map va to the same place, as two views of one kernel do? */
static bool both_map(struct mmw_kernel *k, const struct mmw_space *one, const struct mmw_space *two, uint64_t va)
{
	struct mmw_vm *vm = malloc(sizeof(*vm));
	uint64_t in_one, in_two;
	bool same;

	if (!vm)
		return false;
	mmw_vm_init(vm, k->reader, one);
	same = !mmw_vm_translate(vm, va, &in_one, NULL);
	mmw_vm_init(vm, k->reader, two);
	same = same && !mmw_vm_translate(vm, va, &in_two, NULL) && in_one == in_two;
	free(vm);
	return same;
}

static bool text_has(struct mmw_kernel *k, uint64_t bits)
{
	struct mmw_walk *w = bits ? malloc(sizeof(*w)) : NULL;
	struct mmw_ent e = { 0 };
	uint64_t va;

	if (w && !mmw_kernel_symbol(k, "_stext", &va, NULL, NULL)) {
		mmw_walk_init(w, k->reader, &k->own, va, va);
		if (mmw_walk_next(w, &e, NULL) != 1)
			e.raw = 0;
	}
	free(w);
	return (e.raw & bits) == bits;
}

bool mmw_kernel_isolated(struct mmw_kernel *k)
{
	struct mmw_hints h = mmw_kernel_hints(k);
	struct mmw_space user = k->own;
	uint64_t shared;

	/* Without isolation the page there is zero, or something else altogether. */
	return k->has_own && k->arch->user_root && text_has(k, k->arch->isolation) &&
	       !k->arch->user_root(&h, &k->own.paging, k->own.root, &user.root, &shared) && user.root != k->own.root &&
	       both_map(k, &user, &k->own, shared);
}

int mmw_kernel_user_space(struct mmw_kernel *k, struct mmw_space *space, struct mmw_err *err)
{
	struct mmw_hints h = mmw_kernel_hints(k);
	uint64_t shared;

	if (!space->arch->user_root || (!k->opts.has_root && !mmw_kernel_isolated(k)) ||
	    space->arch->user_root(&h, &space->paging, space->root, &space->root, &shared))
		return mmw_fail(err, MMW_E_NODATA, 0, "this kernel's tables have no user copy (page-table isolation is not in use)");
	return 0;
}

unsigned mmw_kernel_page_shift(const struct mmw_kernel *k)
{
	return k->has_own ? k->own.paging.page_shift : 12;
}

bool mmw_kernel_delta(const struct mmw_kernel *k, uint64_t *delta)
{
	if (k->has_delta)
		*delta = k->delta;
	return k->has_delta;
}

bool mmw_kernel_kaslr(const struct mmw_kernel *k, uint64_t *offset)
{
	return mmw_vmcoreinfo_number(k->vmcoreinfo, "KERNELOFFSET", offset);
}

bool mmw_kernel_selfmap(const struct mmw_kernel *k, unsigned *index)
{
	/* Linux's own tables have none; what a damaged image shows there is no layout. */
	if (!k->has_space || !k->space.arch->machine || (k->has_own && k->space.root == k->own.root))
		return false;
	return mmw_selfmap_find(k->reader, &k->space, index);
}

const struct mmw_layout *mmw_kernel_layout(struct mmw_kernel *k)
{
	unsigned index;

	if (!k->layout_done && mmw_kernel_selfmap(k, &index)) {
		mmw_selfmap_layout(&k->space.paging, index, &k->layout);
	} else if (!k->layout_done && k->arch && k->arch->layout && k->has_space) {
		struct mmw_hints h = mmw_kernel_hints(k);

		k->arch->layout(&h, k->has_own ? &k->own.paging : &k->space.paging, &k->layout);
	}
	k->layout_done = true;
	return &k->layout;
}

unsigned mmw_kernel_version(const struct mmw_kernel *k)
{
	unsigned major, minor;

	if (sscanf(mmw_kernel_release(k), "%u.%u", &major, &minor) != 2 || major > 255 || minor > 255)
		return 0;
	return MMW_LINUX(major, minor);
}

const char *mmw_kernel_release(const struct mmw_kernel *k)
{
	return k->release;
}

const char *mmw_kernel_banner(const struct mmw_kernel *k)
{
	return k->banner;
}

const char *mmw_kernel_build_id(const struct mmw_kernel *k)
{
	return k->build_id;
}

const char *mmw_kernel_vmcoreinfo(const struct mmw_kernel *k)
{
	return k->vmcoreinfo ? k->vmcoreinfo : "";
}

size_t mmw_kernel_evidence(const struct mmw_kernel *k, const struct mmw_evidence **out)
{
	*out = k->evidence;
	return k->n_evidence;
}

size_t mmw_kernel_candidates(const struct mmw_kernel *k, const struct mmw_candidate **out)
{
	*out = k->candidates;
	return k->n_candidates;
}

struct mmw_reader *mmw_kernel_reader(struct mmw_kernel *k)
{
	return k->reader;
}

struct mmw_vm *mmw_kernel_vm(struct mmw_kernel *k)
{
	return &k->vm;
}

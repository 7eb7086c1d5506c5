/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building an image: extents in order, CPUs, the VMCOREINFO text. Reading it is reader.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/sweep.h"
#include "lib/base/vec.h"
#include "lib/image/build.h"

int mmw_image_new(struct mmw_file *file, const char *name, struct mmw_image **out, struct mmw_err *err)
{
	struct mmw_image *img = calloc(1, sizeof(*img));

	if (img)
		img->name = strdup(name);
	if (!img || !img->name) {
		free(img);
		mmw_file_close(file);
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", name);
	}
	img->file = file;
	img->block_size = 4096;
	*out = img;
	return 0;
}

void mmw_image_close(struct mmw_image *img)
{
	if (!img)
		return;
	if (img->format && img->format->close)
		img->format->close(img);
	mmw_file_close(img->file);
	for (size_t i = 0; i < img->n_parts; i++) {
		mmw_file_close(img->parts[i].file);
		free(img->parts[i].path);
	}
	free(img->parts);
	free(img->map);
	free(img->notes);
	free(img->path);
	free(img->ext);
	free(img->cpus);
	free(img->vmcoreinfo);
	free(img->name);
	free(img);
}

static int push_extent(struct mmw_image *img, struct mmw_file_extent e, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&img->ext, &img->cap_ext, img->n_ext + 1, sizeof(*img->ext), err);

	if (!rc)
		img->ext[img->n_ext++] = e;
	return rc;
}

static int check_range(uint64_t pa, uint64_t len, struct mmw_err *err)
{
	if (pa <= UINT64_MAX - len)
		return 0;
	return mmw_fail(err, MMW_E_CORRUPT, pa, "memory at 0x%llx of 0x%llx bytes wraps the address space",
			(unsigned long long)pa, (unsigned long long)len);
}

int mmw_image_add_extent_of(struct mmw_image *img, struct mmw_file *file, uint64_t pa, uint64_t len, uint64_t off,
			    struct mmw_err *err)
{
	uint64_t size = file->size, here = len;
	int rc = len ? check_range(pa, len, err) : 0;

	if (rc || !len)
		return rc;
	if (!mmw_fits(off, len, size)) {
		here = off < size ? size - off : 0;
		rc = push_extent(img, (struct mmw_file_extent){ .pa = pa + here, .len = len - here, .state = MMW_TRUNCATED },
				 err);
		if (rc || !here)
			return rc;
	}
	return push_extent(img, (struct mmw_file_extent){ .pa = pa, .len = here, .file = file, .off = off }, err);
}

int mmw_image_add_extent(struct mmw_image *img, uint64_t pa, uint64_t len, uint64_t off, enum mmw_state state,
			 struct mmw_err *err)
{
	int rc;

	if (state == MMW_STORED)
		return mmw_image_add_extent_of(img, img->file, pa, len, off, err);
	rc = len ? check_range(pa, len, err) : 0;
	return rc || !len ? rc :
	       push_extent(img, (struct mmw_file_extent){ .pa = pa, .len = len, .state = state }, err);
}

int mmw_image_add_zeros(struct mmw_image *img, uint64_t pa, uint64_t len, struct mmw_err *err)
{
	int rc = len ? check_range(pa, len, err) : 0;

	return rc || !len ? rc : push_extent(img, (struct mmw_file_extent){ .pa = pa, .len = len }, err);
}

int mmw_image_add_packed(struct mmw_image *img, uint64_t pa, uint64_t len, uint64_t off, struct mmw_err *err)
{
	int rc = len ? check_range(pa, len, err) : 0;

	return rc || !len ? rc :
	       push_extent(img, (struct mmw_file_extent){ .pa = pa, .len = len, .packed = true, .off = off }, err);
}

int mmw_image_add_part(struct mmw_image *img, struct mmw_file *file, const char *path, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&img->parts, &img->cap_parts, img->n_parts + 1, sizeof(*img->parts), err);
	char *copy = rc || !path ? NULL : strdup(path);

	if (!rc && path && !copy)
		rc = mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %s", path);
	if (rc)
		mmw_file_close(file);
	else
		img->parts[img->n_parts++] = (struct mmw_part){ .file = file, .path = copy };
	return rc;
}

static bool has_bytes(const struct mmw_file_extent *e)
{
	return e->file || e->packed;
}

struct sealing {
	struct mmw_image *img;
	struct mmw_file_extent *all;
	struct mmw_err *err;
};

/* Keep [from, to) of extent `index`, joined to the one before where the file continues too. */
static int keep_part(void *ctx, size_t index, uint64_t from, uint64_t to)
{
	const struct sealing *s = ctx;
	const struct mmw_file_extent *e = &s->all[index];
	struct mmw_file_extent part = {
		from, to - from, e->file, e->packed, has_bytes(e) ? e->off + (from - e->pa) : 0, e->state,
	};
	struct mmw_file_extent *prev = s->img->n_ext ? &s->img->ext[s->img->n_ext - 1] : NULL;

	if (prev && prev->state == part.state && prev->pa + prev->len == from && prev->file == part.file &&
	    prev->packed == part.packed && (!has_bytes(&part) || prev->off + prev->len == part.off)) {
		prev->len += part.len;
		return 0;
	}
	return push_extent(s->img, part, s->err);
}

static void find_runs(struct mmw_image *img)
{
	for (size_t i = img->n_ext; i-- > 0; ) {
		struct mmw_file_extent *e = &img->ext[i];
		bool goes_on = i + 1 < img->n_ext && e[1].pa == e->pa + e->len && e[1].state == e->state;

		e->run_end = goes_on ? e[1].run_end : e->pa + e->len;
	}
}

int mmw_image_seal(struct mmw_image *img, struct mmw_err *err)
{
	struct sealing s = { img, img->ext, err };
	size_t n = img->n_ext;
	struct mmw_sweep *ranges = malloc((n + 1) * sizeof(*ranges));
	int rc;

	if (!ranges)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu extents", n);
	for (size_t i = 0; i < n; i++)
		ranges[i] = (struct mmw_sweep){ img->ext[i].pa, img->ext[i].len, i, i };
	img->ext = NULL;
	img->n_ext = img->cap_ext = 0;
	rc = mmw_sweep(ranges, n, keep_part, &s, err);
	find_runs(img);
	free(s.all);
	free(ranges);
	return rc;
}

void mmw_image_note_add(struct mmw_image *img, const char *fmt, ...)
{
	size_t used = strlen(img->note);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(img->note + used, sizeof(img->note) - used, fmt, ap);
	va_end(ap);
}

int mmw_image_add_cpu(struct mmw_image *img, struct mmw_cpu **out, struct mmw_err *err)
{
	int rc = mmw_vec_reserve(&img->cpus, &img->cap_cpus, img->n_cpus + 1, sizeof(*img->cpus), err);

	if (rc)
		return rc;
	*out = &img->cpus[img->n_cpus++];
	memset(*out, 0, sizeof(**out));
	return 0;
}

int mmw_image_set_vmcoreinfo(struct mmw_image *img, const void *text, size_t len, struct mmw_err *err)
{
	if (img->vmcoreinfo)
		return 0;
	img->vmcoreinfo = malloc(len + 1);
	if (!img->vmcoreinfo)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for %zu bytes of VMCOREINFO", len);
	memcpy(img->vmcoreinfo, text, len);
	img->vmcoreinfo[len] = '\0';
	return 0;
}

const char *mmw_reg_name(enum mmw_reg reg)
{
	static const char *const names[MMW_REG_COUNT] = {
		"pc", "sp", "cr0", "cr2", "cr3", "cr4", "efer", "gs_base", "kernel_gs_base",
		"ttbr0", "ttbr1", "tcr", "mair", "satp", "cr1", "cr13",
	};

	return names[reg];
}

const char *mmw_image_name(const struct mmw_image *img)
{
	return img->name;
}

const char *mmw_image_format(const struct mmw_image *img)
{
	return img->format ? img->format->name : "";
}

const char *mmw_image_format_note(const struct mmw_image *img)
{
	return img->note;
}

const char *mmw_image_placement(const struct mmw_image *img)
{
	return img->placement;
}

bool mmw_image_unplaced(const struct mmw_image *img)
{
	return img->unplaced;
}

const char *mmw_image_damage(const struct mmw_image *img)
{
	return img->damage;
}

bool mmw_image_excluded_or_zero(const struct mmw_image *img)
{
	return img->excluded_or_zero;
}

bool mmw_image_lacks_parts(const struct mmw_image *img)
{
	return img->lacks_parts;
}

bool mmw_image_absent_or_zero(const struct mmw_image *img)
{
	return img->absent_or_zero;
}

bool mmw_image_big_endian(const struct mmw_image *img)
{
	return img->big_endian;
}

uint16_t mmw_image_machine(const struct mmw_image *img)
{
	return img->machine;
}

size_t mmw_image_cpus(const struct mmw_image *img)
{
	return img->n_cpus;
}

const struct mmw_cpu *mmw_image_cpu(const struct mmw_image *img, size_t index)
{
	return index < img->n_cpus ? &img->cpus[index] : NULL;
}

const char *mmw_image_vmcoreinfo(const struct mmw_image *img)
{
	return img->vmcoreinfo;
}

/* The first extent that ends above pa, or n_ext. */
static size_t extent_after(const struct mmw_image *img, uint64_t pa)
{
	size_t lo = 0, hi = img->n_ext;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (img->ext[mid].pa + img->ext[mid].len <= pa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int mmw_image_next_extent(const struct mmw_image *img, uint64_t from, struct mmw_extent *out)
{
	const struct mmw_file_extent *e;
	size_t i;

	if (img->format && img->format->next_extent)
		return img->format->next_extent(img, from, out);
	i = extent_after(img, from);
	if (i == img->n_ext)
		return 0;
	e = &img->ext[i];
	out->pa = e->pa > from ? e->pa : from;
	out->len = e->run_end - out->pa;
	out->state = e->state;
	return 1;
}

/* The first run of an extent at or above `from` that is no hole of its file. */
static bool extent_bytes(const struct mmw_file_extent *e, uint64_t from, struct mmw_extent *out)
{
	uint64_t in = from > e->pa ? from - e->pa : 0, start, end;

	if (!has_bytes(e) || in >= e->len)
		return false;
	if (e->packed) {
		*out = (struct mmw_extent){ e->pa + in, e->len - in, MMW_STORED };
		return true;
	}
	mmw_file_data(e->file, e->off + in, &start, &end);
	if (start - e->off >= e->len)
		return false;
	end = end - e->off < e->len ? end - e->off : e->len;
	*out = (struct mmw_extent){ e->pa + (start - e->off), end - (start - e->off), MMW_STORED };
	return true;
}

int mmw_image_next_bytes(const struct mmw_image *img, uint64_t from, struct mmw_extent *out)
{
	const struct mmw_format *fmt = img->format;

	if (fmt && fmt->next_bytes)
		return fmt->next_bytes(img, from, out);
	if (fmt && fmt->next_extent) {
		while (fmt->next_extent(img, from, out)) {
			if (out->state == MMW_STORED)
				return 1;
			from = out->pa + out->len;
		}
		return 0;
	}
	for (size_t i = extent_after(img, from); i < img->n_ext; i++) {
		struct mmw_extent more;

		if (!extent_bytes(&img->ext[i], from, out))
			continue;
		/* What is searched for may begin in one range of the file and end in the next. */
		for (; i + 1 < img->n_ext && img->ext[i].pa + img->ext[i].len == out->pa + out->len; out->len += more.len, i++)
			if (!extent_bytes(&img->ext[i + 1], out->pa + out->len, &more) || more.pa != out->pa + out->len)
				break;
		return 1;
	}
	return 0;
}

uint64_t mmw_image_stored(const struct mmw_image *img)
{
	struct mmw_extent e;
	uint64_t sum = 0, from = 0;

	while (mmw_image_next_extent(img, from, &e)) {
		if (e.state == MMW_STORED)
			sum += e.len;
		from = e.pa + e.len;
	}
	return sum;
}

uint64_t mmw_image_last(const struct mmw_image *img)
{
	struct mmw_extent e;
	uint64_t from = 0;

	while (mmw_image_next_extent(img, from, &e))
		from = e.pa + e.len;
	return from ? from - 1 : 0;
}

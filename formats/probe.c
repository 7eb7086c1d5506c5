/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "formats/formats.h"
#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	WRAPPERS_MAX = 3,  /* a libvirt save with xz inside, sent as .gz, is three deep; more is a bomb */
	SHARED_MAX = 64,   /* how many addresses, on average, may share a byte of the file */
};

#define MMW_FORMAT(name) extern const struct mmw_format mmw_format_##name;
#include "formats.inc"
#undef MMW_FORMAT

static const struct mmw_format *const formats[] = {
#define MMW_FORMAT(name) &mmw_format_##name,
#include "formats.inc"
#undef MMW_FORMAT
};

bool mmw_format_words(size_t index, const char **name, const char **summary)
{
	if (index >= mmw_array_len(formats))
		return false;
	*name = formats[index]->name;
	*summary = formats[index]->summary;
	return true;
}

static const struct mmw_format *best_format(const struct mmw_bytes *head, uint64_t size)
{
	const struct mmw_format *best = NULL;
	int best_score = 0;

	for (size_t i = 0; i < mmw_array_len(formats); i++) {
		int score = formats[i]->probe(head, size);

		if (score > best_score) {
			best = formats[i];
			best_score = score;
		}
	}
	return best;
}

static int choose(struct mmw_file *f, const char *wanted, const struct mmw_format **out, struct mmw_err *err)
{
	size_t len = f->size < MMW_PROBE_HEAD ? f->size : MMW_PROBE_HEAD;
	struct mmw_bytes b;
	uint8_t *head;
	int rc;

	for (size_t i = 0; wanted && i < mmw_array_len(formats); i++) {
		if (!strcasecmp(formats[i]->name, wanted)) {
			*out = formats[i];
			return 0;
		}
	}
	if (wanted)
		return mmw_fail(err, MMW_E_ARG, 0, "no format is called '%s'", wanted);
	head = malloc(len ? len : 1);
	if (!head)
		return mmw_fail(err, MMW_E_NOMEM, 0, "no memory to look at %s", f->name);
	rc = mmw_file_read(f, 0, head, len, err);
	b = mmw_bytes_of(head, len, false, f->name);
	if (!rc) {
		*out = best_format(&b, f->size);
		if (!*out)
			rc = mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s is no memory image: its start has no known mark, and raw "
				      "memory would be whole pages (it has %" PRIu64 " bytes; --image-format raw reads it all the same)",
				      f->name, f->size);
	}
	free(head);
	return rc;
}

/* What is left when the wrappers are off, and what they say of it. */
struct peeled {
	const struct mmw_format *fmt;
	char note[160], damage[160];
};

static void note_wrapper(char *note, size_t size, const char *wrapper)
{
	size_t used = strlen(note);

	snprintf(note + used, size - used, "%s%s", used ? ", " : "", wrapper);
}

/* Peel wrappers off until something remains that opens. `file` is replaced by what is inside. */
static int peel(struct mmw_file **file, const struct mmw_open_opts *opts, struct peeled *out, struct mmw_err *err)
{
	const struct mmw_unwrap how = { opts->progress, opts->max_expand ? opts->max_expand : MMW_EXPAND_MAX, opts->snapshot };
	bool chosen = !opts->snapshot, flat = false;

	*out = (struct peeled){ 0 };
	for (int depth = 0; ; depth++) {
		int rc = choose(*file, depth ? NULL : opts->format, &out->fmt, err);

		if (rc)
			return rc;
		/* How large the dump in such a stream is, is only claimed: nothing that reads from end to end may be in it. */
		if (flat && out->fmt != &mmw_format_elf && out->fmt != &mmw_format_kdump && out->fmt != &mmw_format_flattened)
			return mmw_fail(err, MMW_E_CORRUPT, 0, "%s: neither an ELF file nor a kdump, which alone are written so",
					(*file)->name);
		flat = out->fmt == &mmw_format_flattened;
		if (!out->fmt->unwrap)
			return chosen ? 0 : mmw_fail(err, MMW_E_ARG, 0, "%s: --snapshot goes with a qcow2 image, and this is "
						     "none (%s)", (*file)->name, out->fmt->name);
		if (depth == WRAPPERS_MAX)
			return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s: wrapped more than %d times", (*file)->name,
					WRAPPERS_MAX);
		chosen = chosen || out->fmt->takes_snapshot;
		rc = out->fmt->unwrap(*file, &how, file, err);
		if (rc)
			return rc;
		note_wrapper(out->note, sizeof(out->note), (*file)->note[0] ? (*file)->note : out->fmt->name);
		if (!out->damage[0])
			memcpy(out->damage, (*file)->damage, sizeof(out->damage));
		out->fmt = NULL;
	}
}

/*
 * Segments may share bytes (one stored page of zeros for many), but a file whose every segment is all of it claims
 * memory of its size squared, and searching that would not end.
 */
static int check_stored(const struct mmw_image *img, struct mmw_err *err)
{
	uint64_t stored = 0, size = img->file->size;

	for (size_t i = 0; i < img->n_ext; i++)
		stored += img->ext[i].file ? img->ext[i].len : 0;
	for (size_t i = 0; i < img->n_parts; i++)
		size += img->parts[i].file->size;
	if (stored / SHARED_MAX <= size)
		return 0;
	return mmw_fail(err, MMW_E_CORRUPT, 0, "%" PRIu64 " bytes of memory out of a file of %" PRIu64 ": too many segments "
			"share its bytes", stored, size);
}

/* Split PATH@PA; a path that exists as spelled has no base. */
static int split_base(const char *spec, char **path, bool *has_base, uint64_t *base, struct mmw_err *err)
{
	const char *at = strrchr(spec, '@');
	char *end;

	*has_base = false;
	if (at && at != spec && at[1] && access(spec, F_OK)) {
		errno = 0;
		*base = strtoull(at + 1, &end, 16);
		*has_base = !*end && !errno;
	}
	*path = strndup(spec, *has_base ? (size_t)(at - spec) : strlen(spec));
	return *path ? 0 : mmw_fail(err, MMW_E_NOMEM, 0, "no memory to open %s", spec);
}

/* Another file of the image, its wrappers peeled: what it is, the format of the first one will tell. */
static int add_part(struct mmw_image *img, const char *spec, const struct mmw_open_opts *opts, struct mmw_err *err)
{
	struct mmw_open_opts how = { .max_expand = opts->max_expand, .progress = opts->progress };
	struct peeled peeled;
	struct mmw_file *file;
	bool has_base;
	uint64_t base;
	char *path;
	int rc = split_base(spec, &path, &has_base, &base, err);

	if (rc)
		return rc;
	rc = mmw_file_open(path, &file, err);
	if (!rc) {
		/* One that no format knows is a part all the same: raw memory need not end at a page in each file. */
		rc = peel(&file, &how, &peeled, err);
		if (!img->damage[0])
			memcpy(img->damage, peeled.damage, sizeof(img->damage));
		if (rc && (rc != -MMW_E_UNSUPPORTED || peeled.fmt))
			mmw_file_close(file);
		else
			rc = mmw_image_add_part(img, file, path, err);
	}
	if (!rc && has_base) {
		img->parts[img->n_parts - 1].has_base = true;
		img->parts[img->n_parts - 1].base = base;
	}
	free(path);
	return rc;
}

/* --- memory in one file and its description in another -------------------------------------------------------------- */

/* `path`, its end exchanged for another; NULL when it does not end so. */
static char *exchange_end(const char *path, const char *end, const char *other)
{
	size_t len = strlen(path), cut = strlen(end);
	char *out;

	if (len < cut || strcmp(path + len - cut, end) || asprintf(&out, "%.*s%s", (int)(len - cut), path, other) < 0)
		return NULL;
	return out;
}

/* The file at `path` if there is one and it is of this format. */
static struct mmw_file *open_as(const char *path, const struct mmw_format *wanted)
{
	const struct mmw_format *fmt;
	struct mmw_file *file;

	if (mmw_file_open(path, &file, NULL))
		return NULL;
	if (!choose(file, NULL, &fmt, NULL) && fmt == wanted)
		return file;
	mmw_file_close(file);
	return NULL;
}

/* What describes the memory at `path`: the one further file that was named, or one beside it. NULL: nothing does. */
static struct mmw_file *find_description(const char *path, const struct mmw_open_opts *opts, const struct mmw_format **out)
{
	struct mmw_file *found = NULL;

	for (size_t i = 0; !found && i < mmw_array_len(formats); i++) {
		const struct mmw_format *f = formats[i];

		if (f->memory_end && opts->n_parts == 1)
			found = open_as(opts->parts[0], f);
		for (size_t k = 0; f->memory_end && path && !opts->n_parts && !found && f->description_ends[k]; k++) {
			char *beside = exchange_end(path, f->memory_end, f->description_ends[k]);

			found = beside ? open_as(beside, f) : NULL;
			free(beside);
		}
		*out = found ? f : *out;
	}
	return found;
}

/* The other way round: the memory that belongs to a description, where the user named no file. */
static int add_memory_beside(struct mmw_image *img, struct mmw_err *err)
{
	const struct mmw_format *fmt = img->format;
	struct mmw_file *file;
	int rc = 0;

	for (size_t i = 0; !rc && !img->n_parts && img->path && fmt->memory_end && fmt->description_ends[i]; i++) {
		char *beside = exchange_end(img->path, fmt->description_ends[i], fmt->memory_end);

		if (beside && !mmw_file_open(beside, &file, NULL))
			rc = mmw_image_add_part(img, file, beside, err);
		free(beside);
	}
	return rc;
}

/* The description in a directory that stands for an image; NULL when there is none. */
static char *description_in(const char *directory)
{
	for (size_t i = 0; i < mmw_array_len(formats); i++) {
		char *inside;

		if (!formats[i]->in_directory || asprintf(&inside, "%s/%s", directory, formats[i]->in_directory) < 0)
			continue;
		if (!access(inside, F_OK))
			return inside;
		free(inside);
	}
	return NULL;
}

static int take_opts(struct mmw_image *img, const struct mmw_open_opts *opts, struct mmw_err *err)
{
	const struct mmw_format *fmt = img->format;
	int rc = 0;

	if (opts->has_base && !fmt->takes_map)
		return mmw_fail(err, MMW_E_ARG, 0, "it has addresses of its own (%s): only raw memory is placed by @PA or --image-base",
				fmt->name);
	if (opts->n_map && !fmt->takes_map)
		return mmw_fail(err, MMW_E_ARG, 0, "it has addresses of its own (%s): --ram-map does not go with it", fmt->name);
	if (opts->n_parts && !fmt->takes_parts)
		return mmw_fail(err, MMW_E_ARG, 0, "%s images are one file: --part does not go with them", fmt->name);
	img->has_base = opts->has_base;
	img->raw_base = opts->has_base ? opts->base : 0;
	img->progress = opts->progress;
	if (opts->n_map) {
		img->map = malloc(opts->n_map * sizeof(*img->map));
		if (!img->map)
			return mmw_fail(err, MMW_E_NOMEM, 0, "no memory for --ram-map");
		memcpy(img->map, opts->map, opts->n_map * sizeof(*img->map));
		img->n_map = opts->n_map;
		snprintf(img->placement, sizeof(img->placement), "%s", opts->map_why ? opts->map_why : "as --ram-map says");
	}
	for (size_t i = 0; !rc && i < opts->n_parts; i++)
		rc = add_part(img, opts->parts[i], opts, err);
	return rc;
}

static int open_peeled(struct mmw_image *img, const struct peeled *peeled, const struct mmw_open_opts *opts, struct mmw_err *err)
{
	int rc;

	img->format = peeled->fmt;
	memcpy(img->damage, peeled->damage, sizeof(img->damage));
	rc = take_opts(img, opts, err);
	rc = rc ? rc : add_memory_beside(img, err);
	rc = rc ? rc : img->format->open(img, err);
	img->progress = NULL;
	rc = rc ? rc : mmw_image_seal(img, err);
	rc = rc ? rc : check_stored(img, err);
	if (!rc && peeled->note[0])
		note_wrapper(img->note, sizeof(img->note), peeled->note);
	return rc;
}

/* What is in the file, and where that is memory alone and its description is found, both: the description as *file. */
static int look(struct mmw_file **file, struct mmw_file **memory, const char *path, const struct mmw_open_opts *opts,
		struct peeled *out, struct mmw_err *err)
{
	struct mmw_file *description = NULL;
	int rc = opts->offset ? mmw_file_slice(*file, opts->offset, UINT64_MAX, file, err) : 0;
	bool unknown;

	rc = rc ? rc : peel(file, opts, out, err);
	unknown = rc == -MMW_E_UNSUPPORTED && !out->fmt;
	if ((unknown || (!rc && out->fmt == &mmw_format_raw)) && !opts->format && !opts->has_base && !opts->n_map)
		description = find_description(path, opts, &out->fmt);
	if (description) {
		*memory = *file;
		*file = description;
		return 0;
	}
	/* Raw memory that was cut in several files, or cut off, need not end at a page. */
	out->fmt = out->fmt ? out->fmt : &mmw_format_raw;
	return unknown && (opts->n_parts || out->damage[0]) ? 0 : rc;
}

/* `path` is where companions of the file are, or NULL. */
static int open_file(struct mmw_file *file, const char *name, const char *path, const struct mmw_open_opts *opts,
		     struct mmw_image **out, struct mmw_err *err)
{
	struct mmw_open_opts mine = *opts;
	struct mmw_file *memory = NULL;
	struct peeled peeled = { 0 };
	struct mmw_image *img;
	int rc = look(&file, &memory, path, opts, &peeled, err);

	if (rc) {
		mmw_file_close(file);
		return rc;
	}
	mine.n_parts = memory ? 0 : opts->n_parts;
	rc = mmw_image_new(file, name, &img, err);
	if (rc) {
		mmw_file_close(memory);
		return rc;
	}
	img->path = path ? strdup(path) : NULL;
	rc = memory ? mmw_image_add_part(img, memory, path, err) : 0;
	rc = rc ? rc : open_peeled(img, &peeled, &mine, err);
	if (rc) {
		mmw_image_close(img);
		return mmw_wrap(err, rc, "%s", name);
	}
	*out = img;
	return 0;
}

int mmw_open_file(struct mmw_file *file, const char *name, const struct mmw_open_opts *opts, struct mmw_image **out,
		  struct mmw_err *err)
{
	static const struct mmw_open_opts none;

	return open_file(file, name, NULL, opts ? opts : &none, out, err);
}

int mmw_open(const char *spec, const struct mmw_open_opts *opts, struct mmw_image **out, struct mmw_err *err)
{
	struct mmw_open_opts mine = opts ? *opts : (struct mmw_open_opts){ 0 };
	struct mmw_file *file;
	bool has_base;
	uint64_t base;
	char *path, *inside;
	int rc = split_base(spec, &path, &has_base, &base, err);

	if (rc)
		return rc;
	if (has_base) {
		mine.has_base = true;
		mine.base = base;
	}
	inside = description_in(path);
	rc = mmw_file_open(inside ? inside : path, &file, err);
	if (!rc)
		rc = open_file(file, path, inside ? inside : path, &mine, out, err);
	free(inside);
	free(path);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "formats/formats.h"
#include "lib/base/vec.h"
#include "lib/image/build.h"

enum {
	WRAPPERS_MAX = 2,  /* a compressed flattened file is two deep; more is a bomb */
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

/* Peel wrappers off until something remains that opens. `file` is replaced by what is inside. */
static int peel(struct mmw_file **file, const char *wanted, const struct mmw_format **fmt, const char **wrapper,
		struct mmw_err *err)
{
	for (int depth = 0; ; depth++) {
		int rc = choose(*file, depth ? NULL : wanted, fmt, err);

		if (rc || !(*fmt)->unwrap)
			return rc;
		if (depth == WRAPPERS_MAX)
			return mmw_fail(err, MMW_E_UNSUPPORTED, 0, "%s: wrapped more than %d times", (*file)->name,
					WRAPPERS_MAX);
		*wrapper = (*fmt)->name;
		rc = (*fmt)->unwrap(*file, file, err);
		if (rc)
			return rc;
	}
}

static void note_wrapper(struct mmw_image *img, const char *wrapper)
{
	size_t used = strlen(img->note);

	if (wrapper && used + strlen(wrapper) + 3 < sizeof(img->note)) {
		strcat(img->note, used ? ", " : "");
		strcat(img->note, wrapper);
	}
}

/*
 * Segments may share bytes (one stored page of zeros for many), but a file whose every segment is all of it claims
 * memory of its size squared, and searching that would not end.
 */
static int check_stored(const struct mmw_image *img, struct mmw_err *err)
{
	uint64_t stored = mmw_image_stored(img);

	if (img->format->read_block || stored / SHARED_MAX <= img->file->size)
		return 0;
	return mmw_fail(err, MMW_E_CORRUPT, 0, "%" PRIu64 " bytes of memory out of a file of %" PRIu64 ": too many segments "
			"share its bytes", stored, img->file->size);
}

int mmw_open_file(struct mmw_file *file, const char *name, const struct mmw_open_opts *opts, struct mmw_image **out,
		  struct mmw_err *err)
{
	const struct mmw_format *fmt = NULL;
	const char *wrapper = NULL;
	struct mmw_image *img;
	int rc = peel(&file, opts ? opts->format : NULL, &fmt, &wrapper, err);

	if (rc) {
		mmw_file_close(file);
		return rc;
	}
	rc = mmw_image_new(file, name, &img, err);
	if (rc)
		return rc;
	img->format = fmt;
	img->raw_base = opts && opts->has_base ? opts->base : 0;
	rc = fmt->open(img, err);
	if (!rc)
		rc = mmw_image_seal(img, err);
	if (!rc)
		rc = check_stored(img, err);
	if (rc) {
		mmw_image_close(img);
		return mmw_wrap(err, rc, "%s", name);
	}
	note_wrapper(img, wrapper);
	*out = img;
	return 0;
}

/* Split PATH@PA; 1 when `spec` is one. */
static int split_base(const char *spec, char **path, uint64_t *base)
{
	const char *at = strrchr(spec, '@');
	char *end;

	if (!at || at == spec || !at[1] || !access(spec, F_OK))
		return 0;
	errno = 0;
	*base = strtoull(at + 1, &end, 16);
	if (*end || errno)
		return 0;
	*path = strndup(spec, at - spec);
	return *path != NULL;
}

int mmw_open(const char *spec, const struct mmw_open_opts *opts, struct mmw_image **out, struct mmw_err *err)
{
	struct mmw_open_opts mine = opts ? *opts : (struct mmw_open_opts){ 0 };
	struct mmw_image *img;
	struct mmw_file *file;
	char *path = NULL;
	int rc;

	if (split_base(spec, &path, &mine.base)) {
		mine.has_base = true;
	}
	rc = mmw_file_open(path ? path : spec, &file, err);
	if (!rc)
		rc = mmw_open_file(file, path ? path : spec, &mine, &img, err);
	free(path);
	if (rc)
		return rc;
	if (mine.has_base && img->format != &mmw_format_raw) {
		rc = mmw_fail(err, MMW_E_ARG, 0, "%s has addresses of its own (%s): only raw memory is placed by @PA or "
			      "--image-base", img->name, img->format->name);
		mmw_image_close(img);
		return rc;
	}
	*out = img;
	return 0;
}

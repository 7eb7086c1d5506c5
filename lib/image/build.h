/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of image.h: what a format reader needs to build an image. Only lib/image and formats/ include this.
 *
 * A format is one file with one `const struct mmw_format mmw_format_NAME`. `probe` is pure. `open` gets an image whose
 * file is set and adds extents, notes and registers; or `unwrap` turns an outer file into an inner one, which is then
 * probed anew. Formats whose extents are plain file ranges need nothing more; others read block by block.
 */
#ifndef MMW_IMAGE_BUILD_H
#define MMW_IMAGE_BUILD_H

#include "lib/base/bytes.h"
#include "lib/base/file.h"
#include "lib/base/progress.h"
#include "lib/image/image.h"

enum { MMW_PROBE_HEAD = 65536 };  /* bytes of the file's start that probe gets to see (fewer in smaller files) */

/* What a wrapper that has to be unpacked must know. */
struct mmw_unwrap {
	const struct mmw_progress *progress;  /* may be NULL */
	uint64_t max_expand;                  /* bytes it may unpack to */
	const char *snapshot;                 /* which one of several, by name or id; NULL: not said */
};

struct mmw_format {
	const char *name;     /* "ELF" */
	const char *summary;  /* one line for the list of formats */

	/* 0: not mine; else how sure, up to 100. Looks at bytes only: no state, no allocation. */
	int (*probe)(const struct mmw_bytes *head, uint64_t file_size);

	/* For a wrapper: the file inside, with what is to be said of it. Takes ownership of `outer` on success only. */
	int (*unwrap)(struct mmw_file *outer, const struct mmw_unwrap *how, struct mmw_file **inner, struct mmw_err *err);

	/* It makes use of img->parts, img->map, how->snapshot; given to another format they are a mistake of the user's. */
	bool takes_parts, takes_map, takes_snapshot;

	/*
	 * Formats of two files: a description, which is what `probe` knows, and memory without a header. Each is looked
	 * for beside the other, its name made by exchanging the end; memory is then the first of img->parts.
	 */
	const char *memory_end;               /* ".vmem" */
	const char *const *description_ends;  /* ".vmss" ..., NULL */
	const char *in_directory;             /* the description in a directory that stands for both; NULL: none does */

	int (*open)(struct mmw_image *img, struct mmw_err *err);

	/*
	 * Block formats only. `block` is an address divided by img->block_size; fills all of buf. `priv` is this
	 * reader's own state from reader_open (NULL without one).
	 */
	int (*read_block)(const struct mmw_image *img, void *priv, uint64_t block, void *buf, struct mmw_err *err);
	int (*next_extent)(const struct mmw_image *img, uint64_t from, struct mmw_extent *out);
	int (*next_bytes)(const struct mmw_image *img, uint64_t from, struct mmw_extent *out);  /* NULL: as next_extent */
	int (*reader_open)(const struct mmw_image *img, void **priv, struct mmw_err *err);
	void (*reader_close)(void *priv);

	/*
	 * For extents of mmw_image_add_packed, whose pieces are no blocks: [off, off + len) of what this format unpacks.
	 * On failure err->addr is the first offset that cannot be had.
	 */
	int (*read_packed)(const struct mmw_image *img, void *priv, uint64_t off, void *buf, size_t len,
			   struct mmw_err *err);

	void (*close)(struct mmw_image *img);  /* frees img->priv; safe after a failed open */
};

/* An extent that is a plain range of a file, or one of zeros. */
struct mmw_file_extent {
	uint64_t pa, len;
	struct mmw_file *file;  /* borrowed from the image; NULL: packed, all zero (MMW_STORED), or nothing there */
	bool packed;            /* the format's read_packed has the bytes, at `off` */
	uint64_t off;
	enum mmw_state state;
	uint64_t run_end;  /* set when the image is sealed: where memory in this state ends, wherever the file has it */
};

/* Another file of the same image, as the user named it. */
struct mmw_part {
	struct mmw_file *file;  /* owned by the image; wrappers peeled */
	char *path;             /* owned */
	bool has_base;
	uint64_t base;          /* PATH@PA */
};

struct mmw_image {
	const struct mmw_format *format;
	struct mmw_file *file;  /* owned */
	char *name;             /* owned */
	char *path;             /* owned; where companions are looked for. NULL: not from the file system */
	struct mmw_part *parts; /* owned, in the user's order */
	size_t n_parts, cap_parts;
	struct mmw_ram_map *map;  /* owned; what the user says of placement */
	size_t n_map;
	const struct mmw_progress *progress;  /* while it is opened; may be NULL */
	char placement[160];    /* for mmw_image_placement */
	bool unplaced;          /* for mmw_image_unplaced */
	char note[256];         /* details for mmw_image_format_note */
	char damage[160];       /* for mmw_image_damage */
	uint32_t block_size;    /* power of two, at least 4096 */
	bool big_endian;
	bool lacks_parts;       /* what is truncated is in further files that the user did not give */
	bool excluded_or_zero;  /* the format does not tell a page left out from one of zeros */
	bool absent_or_zero;    /* ... memory of zeros from no memory */
	uint16_t machine;
	bool has_base;
	uint64_t raw_base;      /* for formats without addresses: where offset 0 lies (FILE@PA, --image-base) */

	struct mmw_file_extent *ext;
	size_t n_ext, cap_ext;
	struct mmw_cpu *cpus;
	size_t n_cpus, cap_cpus;
	char *vmcoreinfo;
	uint8_t *notes;         /* owned; the ELF notes as they were, for those who pass them on (mmw_notes_make) */
	size_t n_notes;
	void *priv;
};

/* A new image over `file` (owned from here on, even on failure). */
int mmw_image_new(struct mmw_file *file, const char *name, struct mmw_image **out, struct mmw_err *err);

/* Add a file range. Overlaps are fine: the extent added first wins. Parts past the end of the file become truncated. */
int mmw_image_add_extent(struct mmw_image *img, uint64_t pa, uint64_t len, uint64_t off, enum mmw_state state,
			 struct mmw_err *err);

/* The same in another of the image's files (a part, or one that the format owns), and memory that is all zero. */
int mmw_image_add_extent_of(struct mmw_image *img, struct mmw_file *file, uint64_t pa, uint64_t len, uint64_t off,
			    struct mmw_err *err);
int mmw_image_add_zeros(struct mmw_image *img, uint64_t pa, uint64_t len, struct mmw_err *err);

/* Memory that the format's read_packed has, from its offset `off` on. */
int mmw_image_add_packed(struct mmw_image *img, uint64_t pa, uint64_t len, uint64_t off, struct mmw_err *err);

/* One more file, which the image owns from here on, even on failure. `path` may be NULL. */
int mmw_image_add_part(struct mmw_image *img, struct mmw_file *file, const char *path, struct mmw_err *err);

/* Call once after the last extent: sorts, and resolves overlaps. */
int mmw_image_seal(struct mmw_image *img, struct mmw_err *err);

/* Add words to img->note, as many as there is room for. */
void mmw_image_note_add(struct mmw_image *img, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The next CPU in order, all registers unknown. */
int mmw_image_add_cpu(struct mmw_image *img, struct mmw_cpu **out, struct mmw_err *err);

static inline void mmw_cpu_set(struct mmw_cpu *cpu, enum mmw_reg reg, uint64_t value)
{
	cpu->known |= 1u << reg;
	cpu->reg[reg] = value;
}

/* Keep a VMCOREINFO text (copied; the first one wins). */
int mmw_image_set_vmcoreinfo(struct mmw_image *img, const void *text, size_t len, struct mmw_err *err);

/*
 * Take what a vmcore's ELF notes say (lib/image/notes.c): NT_PRSTATUS, control registers of QEMU, VirtualBox, Xen and
 * s390, VMCOREINFO. A note that overruns the bytes is MMW_E_CORRUPT; unknown notes are skipped. img->machine and
 * img->big_endian must be set, and where the machine is unknown (0) it is taken from the size of the PRSTATUS notes.
 */
int mmw_image_add_notes(struct mmw_image *img, struct mmw_bytes *notes, struct mmw_err *err);

/* The same for a segment or section that claims an alignment: at 8 its notes may be padded to that. */
int mmw_image_add_notes_aligned(struct mmw_image *img, const struct mmw_bytes *notes, uint64_t align, struct mmw_err *err);

/* The first note of this name and type among those that were added; false when there is none. */
bool mmw_image_find_note(const struct mmw_image *img, const char *name, uint32_t type, struct mmw_bytes *desc);
/* ELF notes for another dump of the same memory. */
struct mmw_notes {
	uint8_t *bytes;            /* the caller's to free */
	size_t len, cap;
	size_t text_at, text_len;  /* VMCOREINFO's text; length 0: there is none */
	size_t cpus;               /* PRSTATUS notes */
	bool made_cpus, made_text; /* not the image's own */
};

/*
 * The image's notes as they were; without PRSTATUS among them, notes of `machine` made of the registers that the image
 * has otherwise; without VMCOREINFO, one of `vmcoreinfo` (NULL: none).
 */
int mmw_notes_make(const struct mmw_image *img, uint16_t machine, const char *vmcoreinfo, struct mmw_notes *out,
		   struct mmw_err *err);

#endif

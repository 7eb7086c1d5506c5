/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing an image in another format. What the kernel has to say (addresses, texts) comes from the caller: formats know
 * no kernel.
 *
 * The bytes that come out depend on the image and the options only, not on the number of threads.
 */
#ifndef MMW_FORMATS_WRITE_H
#define MMW_FORMATS_WRITE_H

#include <stdbool.h>

#include "formats/unpack.h"
#include "lib/base/progress.h"
#include "lib/image/image.h"

/* [pa, pa + len) is mapped at `va` by construction: the linear map, or the kernel's image. */
struct mmw_write_map {
	uint64_t pa, len, va;
};

enum { MMW_WRITE_MAPS_MAX = 40 };

struct mmw_write_opts {
	uint16_t machine;         /* ELF e_machine; 0: not known */
	bool wide;                /* a 64-bit machine */
	uint32_t page_size;       /* power of two, 4 KiB to 64 KiB */
	bool has_phys_base;
	uint64_t phys_base;       /* as a kdump's sub header has it */
	const char *vmcoreinfo;   /* for an image that has no such note; NULL: nobody knows one */
	const char *release, *version;  /* utsname's; "" when not known */
	struct mmw_write_map maps[MMW_WRITE_MAPS_MAX];
	size_t n_maps;
	struct mmw_write_map image;  /* the kernel's image, where it is mapped apart from these; len 0: it is not */

	bool pack;                /* kdump: compress pages */
	enum mmw_codec codec;
	int level;                /* 0: the codec's usual one */
	unsigned threads;         /* 0: one per processor */
	const struct mmw_progress *progress;  /* may be NULL */
};

/* In bytes of memory, but for `size`. */
struct mmw_write_stats {
	uint64_t stored;    /* found in the image, and written */
	uint64_t zero;      /* of these, in whole pages of zeros (in 4 KiB, but for a kdump) */
	uint64_t excluded;  /* the image says its dumper left them out */
	uint64_t missing;   /* lost: behind the end of a truncated file, or not to be decoded */
	uint64_t corrupt;   /* of these, the ones that are there but do not decode */
	uint64_t padded;    /* no memory of the image's, but zeros that fill up pages */
	uint64_t size;      /* of the file written */
	size_t cpus;        /* with registers in it */
	bool has_vmcoreinfo, made_vmcoreinfo, made_registers;
	bool wide;          /* ELF: 64-bit */
};

/* Where it goes: a file that is empty as yet, or a stream of makedumpfile's flattened format. */
struct mmw_sink {
	int fd;            /* borrowed */
	const char *name;  /* for messages; borrowed */
	bool flattened;
};

struct mmw_writer {
	const char *name;     /* "elf" */
	const char *summary;
	const char *endings;  /* of file names that ask for it: ".elf .core" */
	bool streams;         /* can be written flattened */
	bool notes;           /* holds registers and VMCOREINFO */
	bool holes;           /* tells memory that is not there from zeros */

	/* The writer's own; mmw_write calls it. */
	struct mmw_write_ops const *ops;
};

/* NULL past the end, or when no writer has that name. */
const struct mmw_writer *mmw_writer_at(size_t index);
const struct mmw_writer *mmw_writer_by_name(const char *name);
/* What the end of a file's name asks for, or NULL. */
const struct mmw_writer *mmw_writer_for(const char *path);

/*
 * Write the image. Memory that cannot be had is no failure but counted in *stats; a failure leaves the sink in the
 * middle of things.
 */
int mmw_write(const struct mmw_image *img, const struct mmw_writer *writer, const struct mmw_write_opts *opts,
	      const struct mmw_sink *sink, struct mmw_write_stats *stats, struct mmw_err *err);

#endif

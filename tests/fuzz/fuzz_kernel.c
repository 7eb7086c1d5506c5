/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tiny kernel with some of its memory overwritten: it is found or it is not, and whatever is bound answers.
 *
 * The first byte chooses the kernel (3 bits) and the image format around it (2 bits: 0 raw, 1 ELF, 2 kdump, 3 all bytes
 * are the memory itself). Then patches: a 24-bit offset, a length, bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/seeds.h"
#include "tests/tools/exercise.h"
#include "tests/tools/wrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FORMATS = 3, PATCHES_MAX = 64 };

/* Made once: the fuzzer runs in one thread. */
static const struct blob *kernel_image(unsigned kernel, unsigned format)
{
	static const char *const names[FORMATS] = { "raw", "elf", "kdump-none" };
	static struct blob images[TINY_KERNELS][FORMATS];
	struct blob *b = &images[kernel][format];
	struct phys p;

	if (!b->len) {
		tiny_kernel(kernel, &p);
		wrap_format_by_name(names[format])->write(&p, b);
		phys_fini(&p);
	}
	return b;
}

static void patch(struct blob *b, const uint8_t *data, size_t size)
{
	for (int n = 0; n < PATCHES_MAX && size > 4; n++) {
		size_t at = (size_t)(data[0] | data[1] << 8 | data[2] << 16) % b->len, len = data[3];

		data += 4;
		size -= 4;
		len = len < size ? len : size;
		len = len < b->len - at ? len : b->len - at;
		memcpy(b->bytes + at, data, len);
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mmw_err err = { 0 };
	struct blob b = { 0 };
	unsigned format;

	if (!size)
		return 0;
	format = data[0] >> 3 & 3;
	if (format < FORMATS) {
		const struct blob *whole = kernel_image(data[0] & 7, format);

		blob_add(&b, whole->bytes, whole->len);
		patch(&b, data + 1, size - 1);
	} else {
		blob_add(&b, data + 1, size - 1);
	}
	exercise_image(b.bytes, b.len, format == 0 || format == 3 ? "raw" : NULL, &err);
	blob_fini(&b);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as ELF notes. The first byte says byte order, machine and alignment. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "lib/image/build.h"
#include "tests/tools/exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t machines[] = { 0, EM_X86_64, EM_386, EM_AARCH64, EM_ARM, EM_RISCV, EM_S390, EM_PPC64 };
	struct mmw_err err = { 0 };
	struct mmw_image *img;
	struct mmw_bytes b;
	struct mmw_file *f;
	int rc;

	if (!size || mmw_file_memory(data, size, "fuzz", &f, &err) || mmw_image_new(f, "fuzz", &img, &err))
		return 0;
	img->big_endian = data[0] & 1;
	img->machine = machines[(data[0] >> 1) % 8];
	b = mmw_bytes_of(data + 1, size - 1, img->big_endian, "notes");
	rc = mmw_image_add_notes_aligned(img, &b, data[0] & 0x80 ? 8 : 4, &err);
	if (rc)
		exercise_error(rc, &err);
	mmw_image_find_note(img, "CORE", 1, &b);
	for (size_t i = 0; i < mmw_image_cpus(img); i++)
		if (mmw_image_cpu(img, i)->known >> MMW_REG_COUNT)
			abort();
	if (mmw_image_vmcoreinfo(img) && strlen(mmw_image_vmcoreinfo(img)) > size)
		abort();
	mmw_image_close(img);
	return 0;
}

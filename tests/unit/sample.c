/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program for the sake of its debugging information: see sample.h. */
#include "tests/unit/sample.h"

/* A kernel's text of this name tells its version. */
const char linux_banner[] = "Linux version 6.1.0-sample (sample) #1 SMP\n";

struct sample_opaque;

sample_zone_t sample_zone = { .name = "DMA" };
struct sample_bits sample_bits;
union sample_either sample_either;
struct sample_opaque *sample_pointer;

static int sample_local(int v)
{
	struct sample_inside {
		char pad[3];
		int v;
	} local = { .v = v };

	return local.v + SAMPLE_NAMELESS;
}

int main(int argc, char **argv)
{
	(void)argv;
	return linux_banner[0] == 'L' && sample_zone.flag ? sample_local(argc) : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a VMCOREINFO text, and as a page that may hold one. */
#include <stdlib.h>
#include <string.h>

#include "lib/sym/vmcoreinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const char *text)
{
	static const char *const keys[] = { "OSRELEASE", "phys_base", "KERNELOFFSET",	  "_stext",
					    "",		 "x",	      "NUMBER(phys_base)" };
	char buf[16];
	uint64_t v;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (mmw_vmcoreinfo_value(text, keys[i], buf, sizeof(buf)) && strlen(buf) >= sizeof(buf))
			abort();
		mmw_vmcoreinfo_number(text, keys[i], &v);
		mmw_vmcoreinfo_symbol(text, keys[i], &v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	size_t len = 0, at;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	ask(text);
	for (int be = 0; be < 2; be++) {
		at = mmw_vmcoreinfo_in_page(data, size, be, &len);
		if (at != SIZE_MAX && (at > size || len > size - at))
			abort();
	}
	free(text);
	return 0;
}

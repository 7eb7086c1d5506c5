/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The questions of an architecture file, answered by whatever is bound by then. */
#include "lib/base/bytes.h"
#include "lib/kernel/bound.h"
#include "lib/sym/vmcoreinfo.h"

#include <stdlib.h>
#include <string.h>

static int hint_number(void *ctx, const char *key, uint64_t *out)
{
	const struct mmw_kernel *k = ctx;

	if (!strcmp(key, "PAGESIZE")) {
		*out = mmw_vmcoreinfo_page_size(k->vmcoreinfo);
		return *out ? 0 : -MMW_E_NOSYM;
	}
	return mmw_vmcoreinfo_number(k->vmcoreinfo, key, out) ? 0 : -MMW_E_NOSYM;
}

static int hint_symbol(void *ctx, const char *name, uint64_t *va)
{
	return mmw_kernel_symbol(ctx, name, va, NULL, NULL);
}

/* "name" or "name+offset" (decimal). Through the tables once they hold, before that by the image's placement. */
static int hint_variable(void *ctx, const char *name, unsigned size, uint64_t *out)
{
	struct mmw_kernel *k = ctx;
	const char *plus = strchr(name, '+');
	uint8_t bytes[8];
	char symbol[64];
	uint64_t va;
	int rc;

	if (plus) {
		if ((size_t)(plus - name) >= sizeof(symbol))
			return -MMW_E_ARG;
		memcpy(symbol, name, plus - name);
		symbol[plus - name] = '\0';
	}
	rc = mmw_kernel_symbol(k, plus ? symbol : name, &va, NULL, NULL);
	if (rc)
		return rc;
	if (plus)
		va += strtoull(plus + 1, NULL, 10);
	if (k->has_own)
		return mmw_vm_read_uint(&k->vm, va, size, out, NULL);
	if (!k->has_delta)
		return -MMW_E_NOTPRESENT;
	rc = mmw_read(k->reader, va - k->delta, bytes, size, NULL);
	if (!rc)
		*out = mmw_get_word(bytes, size, mmw_image_big_endian(k->img));
	return rc;
}

static int hint_enumerator(void *ctx, const char *type, const char *name, int64_t *out)
{
	return mmw_kernel_enumerator(ctx, type, name, out, NULL);
}

static int hint_delta(void *ctx, uint64_t *delta)
{
	return mmw_kernel_delta(ctx, delta) ? 0 : -MMW_E_NOSYM;
}

static int hint_ram_start(void *ctx, uint64_t *pa)
{
	const struct mmw_kernel *k = ctx;
	struct mmw_extent e;

	if (!mmw_image_next_extent(k->img, 0, &e))
		return -MMW_E_NODATA;
	*pa = e.pa;
	return 0;
}

struct mmw_hints mmw_kernel_hints(struct mmw_kernel *k)
{
	return (struct mmw_hints){ k, hint_number, hint_symbol, hint_variable, hint_enumerator, hint_delta,
				   hint_ram_start };
}

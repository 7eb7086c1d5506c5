/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sym/vmcoreinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"

bool mmw_vmcoreinfo_value(const char *text, const char *key, char *buf, size_t size)
{
	size_t len = strlen(key);

	while (text && *text) {
		const char *end = strchrnul(text, '\n');

		if (!strncmp(text, key, len) && text[len] == '=') {
			const char *value = text + len + 1;
			size_t n = end - value;

			if (n >= size)
				return false;
			memcpy(buf, value, n);
			buf[n] = '\0';
			return true;
		}
		text = *end ? end + 1 : end;
	}
	return false;
}

static bool parse(const char *s, int base, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = *s == '-' ? (uint64_t)strtoll(s, &end, base) : strtoull(s, &end, base);
	return end != s && !*end && !errno;
}

static bool keyed(const char *text, const char *what, const char *key, char *buf, size_t size)
{
	char name[160];

	return snprintf(name, sizeof(name), "%s(%s)", what, key) < (int)sizeof(name) &&
	       mmw_vmcoreinfo_value(text, name, buf, size);
}

bool mmw_vmcoreinfo_number(const char *text, const char *key, uint64_t *out)
{
	char value[64];

	if (!text)
		return false;
	if (keyed(text, "NUMBER", key, value, sizeof(value)))
		return parse(value, value[0] == '0' && value[1] == 'x' ? 16 : 10, out);
	return mmw_vmcoreinfo_value(text, key, value, sizeof(value)) && parse(value, 16, out);
}

bool mmw_vmcoreinfo_symbol(const char *text, const char *name, uint64_t *out)
{
	char value[64];

	return text && keyed(text, "SYMBOL", name, value, sizeof(value)) && parse(value, 16, out);
}

/* Lines of printable characters, as far as they go; they must name what every kernel's text has. */
static size_t text_length(const uint8_t *p, size_t size)
{
	size_t n = 0;

	while (n < size && (p[n] == '\n' || (p[n] >= 0x20 && p[n] < 0x7f)))
		n++;
	if (n < size && p[n])
		return 0;
	return memmem(p, n, "\nPAGESIZE=", 10) && memmem(p, n, "\nSYMBOL(init_uts_ns)=", 21) ? n : 0;
}

size_t mmw_vmcoreinfo_in_page(const uint8_t *page, size_t size, bool big_endian, size_t *len)
{
	size_t at = 0;

	if (size < 64)
		return SIZE_MAX;
	if (mmw_get32(page, big_endian) == 11 && !memcmp(page + 12, "VMCOREINFO", 11))
		at = 24;
	if (memcmp(page + at, "OSRELEASE=", 10))
		return SIZE_MAX;
	*len = text_length(page + at, size - at);
	return *len ? at : SIZE_MAX;
}

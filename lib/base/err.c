/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int mmw_fail(struct mmw_err *err, enum mmw_code code, uint64_t addr, const char *fmt, ...)
{
	if (err) {
		va_list ap;

		err->code = code;
		err->sys_errno = 0;
		err->addr = addr;
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
	}
	return -(int)code;
}

int mmw_fail_sys(struct mmw_err *err, const char *fmt, ...)
{
	int saved = errno;

	if (err) {
		va_list ap;
		int n;

		err->code = MMW_E_SYS;
		err->sys_errno = saved;
		err->addr = 0;
		va_start(ap, fmt);
		n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < sizeof(err->msg))
			snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror(saved));
	}
	return -MMW_E_SYS;
}

int mmw_wrap(struct mmw_err *err, int rc, const char *fmt, ...)
{
	char inner[sizeof(err->msg)];
	va_list ap;
	int n;

	if (rc >= 0 || !err)
		return rc;
	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->msg) - 2)
		snprintf(err->msg + n, sizeof(err->msg) - n, ": %.*s", (int)(sizeof(err->msg) - n - 3), inner);
	return rc;
}

const char *mmw_code_word(int code)
{
	static const char *const words[] = {
		[MMW_OK] = "ok",
		[MMW_E_NOMEM] = "no-memory",
		[MMW_E_SYS] = "system-error",
		[MMW_E_ARG] = "bad-argument",
		[MMW_E_UNSUPPORTED] = "unsupported",
		[MMW_E_CORRUPT] = "corrupt",
		[MMW_E_NODATA] = "absent",
		[MMW_E_EXCLUDED] = "excluded",
		[MMW_E_TRUNCATED] = "truncated",
		[MMW_E_NOTPRESENT] = "not-present",
		[MMW_E_NOSYM] = "no-symbol",
		[MMW_E_NOTYPE] = "no-type",
		[MMW_E_LIMIT] = "limit",
	};

	if (code < 0)
		code = -code;
	if ((size_t)code >= sizeof(words) / sizeof(words[0]))
		return "unknown";
	return words[code];
}

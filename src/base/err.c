/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_text[ERR_CODE_NR] = {
#define X(name, text) [ERR_##name] = (text),
	ERR_CODES(X)
#undef X
};

const char *err_code_text(enum err_code code)
{
	return code < ERR_CODE_NR ? code_text[code] : "unknown error";
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list args;

	err->code = code;
	err->hint[0] = '\0';
	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	return code;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	va_list args;
	int len;

	err->code = saved == EPERM || saved == EACCES ? ERR_PERM : ERR_SYS;
	err->hint[0] = '\0';
	va_start(args, fmt);
	len = vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(err->msg))
		snprintf(err->msg + len, sizeof(err->msg) - (size_t)len, ": %s",
			 strerror(saved));
	return err->code;
}

void err_hint(struct err *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
}

int err_nomem(struct err *err)
{
	return err_set(err, ERR_NOMEM, "out of memory");
}

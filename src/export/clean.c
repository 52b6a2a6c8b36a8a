/* SPDX-License-Identifier: MIT */
#include "export/clean.h"

#include <stdbool.h>

#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void clean_utf8(struct buf *out, const char *text)
{
	uint32_t code;

	while (*text) {
		size_t size = utf8_decode(text, &code);

		if (size)
			buf_add(out, text, size);
		else
			buf_add_str(out, REPLACEMENT);
		text += size ? size : 1;
	}
}

static bool ends_a_line(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) ||
	       code == 0x2028 || code == 0x2029;
}

void clean_line(struct buf *out, const char *text, char reserved)
{
	uint32_t code;

	while (*text) {
		size_t size = utf8_decode(text, &code);

		if (!size)
			buf_add_str(out, REPLACEMENT);
		else if (ends_a_line(code))
			buf_add_char(out, '?');
		else if (size == 1 && *text == reserved)
			buf_add_char(out, ',');
		else
			buf_add(out, text, size);
		text += size ? size : 1;
	}
}

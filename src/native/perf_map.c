/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "native/jit_code.h"

/* A line that is longer is not one of a perf map. */
#define LINE_MAX_SIZE 65536

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A number and the blank behind it; some writers begin with "0x". */
static bool take_hex(const char **at, const char *end, uint64_t *out)
{
	const char *s = *at;
	unsigned digits = 0;

	*out = 0;
	if (end - s > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	for (; s < end && digit(*s) >= 0; s++, digits++)
		*out = *out << 4 | (unsigned)digit(*s);
	if (!digits || digits > 16 || s == end || *s != ' ')
		return false;
	*at = s + 1;
	return true;
}

static void take_line(struct jit_code *j, const char *line, const char *end)
{
	uint64_t start, size;

	if (end > line && end[-1] == '\r')
		end--;
	if (take_hex(&line, end, &start) && take_hex(&line, end, &size))
		jit_code_add(j, start, size, line, (size_t)(end - line));
}

size_t perf_map_parse(struct jit_code *j, const char *text, size_t size)
{
	const char *at = text, *end = text + size;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (!line_end) {
			/* Half a line: the rest of it is still to come. */
			if (end - at > LINE_MAX_SIZE)
				at = end;
			break;
		}
		take_line(j, at, line_end);
		at = line_end + 1;
	}
	return (size_t)(at - text);
}

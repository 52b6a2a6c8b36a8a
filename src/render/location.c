/* SPDX-License-Identifier: MIT */
#include "render/location.h"

#include <stdio.h>
#include <string.h>

#include "render/safe_text.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* Past the last `mark` in `file`, or NULL. */
static const char *after(const char *file, const char *mark)
{
	const char *found = NULL, *at = file;

	while ((at = strstr(at, mark))) {
		at += strlen(mark);
		found = at;
	}
	return found && *found ? found : NULL;
}

const char *location_file(const char *file, const char *directory)
{
	size_t size = strlen(directory);
	const char *found;

	/* Before the directory: a virtual environment is often below it. */
	found = after(file, "/site-packages/");
	if (!found)
		found = after(file, "/dist-packages/");
	if (found)
		return found;
	while (size > 1 && directory[size - 1] == '/')
		size--;
	if (size > 1 && !strncmp(file, directory, size) && file[size] == '/' &&
	    file[size + 1])
		return file + size + 1;
	/* ".../lib/python3.13/ast.py": which library it is stays visible. */
	found = after(file, "/lib/python");
	return found && strchr(found, '/') ? found - strlen("python") : file;
}

/* "head…tail:line" into `out`; whether that is narrow enough. */
static bool fits(struct buf *out, const char *head, size_t head_size,
		 const char *tail, const char *line, size_t width)
{
	buf_clear(out);
	buf_add(out, head, head_size);
	buf_add_str(out, ELLIPSIS);
	buf_add_str(out, tail);
	buf_add_str(out, line);
	return safe_width(buf_str(out)) <= width;
}

/*
 * Leave out folders of `shown`, as few as it takes: those in the middle, but
 * the first ones of an absolute path, which tell a reader least. A path made of
 * slashes must not take the square of its length, so only tails are tried that
 * could fit: no column holds more bytes than a letter with all its marks.
 */
static bool put_folded(struct buf *out, const char *shown, const char *line,
		       size_t width)
{
	const char *first = *shown ? strchr(shown + 1, '/') : NULL;
	const char *end = shown + strlen(shown), *from = first, *slash;
	size_t most = width * 20;

	if (!first)
		return false;
	if ((size_t)(end - first) > most)
		from = strchr(end - most, '/');
	for (slash = *shown == '/' ? NULL : from; slash;
	     slash = strchr(slash + 1, '/'))
		if (slash != first &&
		    fits(out, shown, (size_t)(first + 1 - shown), slash, line,
			 width))
			return true;
	for (slash = from; slash; slash = strchr(slash + 1, '/'))
		if (fits(out, "", 0, slash, line, width))
			return true;
	return false;
}

void location_put(struct buf *out, const char *file, const char *directory,
		  uint32_t line, size_t width)
{
	const char *shown = location_file(file, directory), *slash;
	char number[16] = "";

	if (line)
		snprintf(number, sizeof(number), ":%u", line);
	buf_clear(out);
	buf_add_str(out, *shown ? shown : "?");
	buf_add_str(out, number);
	if (safe_width(buf_str(out)) <= width)
		return;
	if (put_folded(out, shown, number, width))
		return;
	slash = strrchr(shown, '/');
	buf_clear(out);
	if (width == LOCATION_BARE)
		buf_add_str(out, slash ? slash + 1 : shown);
	else if (width > strlen(number))
		safe_add(out, slash ? slash + 1 : shown, width - strlen(number),
			 SAFE_CUT_MIDDLE);
	buf_add_str(out, number);
}

/* SPDX-License-Identifier: MIT */
/* Where a function or a line is, in the words that a reader needs. */
#ifndef TARE_RENDER_PLACE_H
#define TARE_RENDER_PLACE_H

#include <stdint.h>

#include "base/buf.h"

/*
 * The part of `file` that tells it apart for a reader: relative to
 * `directory` (the target's, may be ""), to the site-packages or to the
 * library it is in. Points into `file`.
 */
const char *place_file(const char *file, const char *directory);

/*
 * Put "file:line" into `out` (which is cleared) in at most `width` columns;
 * no line when it is 0. Folders in the middle go first, then those at the
 * front, then the middle of the file's name; the line number stays.
 * The result is raw text, still to be printed through safe_text.
 * PLACE_ANY cuts nothing; PLACE_BARE leaves the name of the file, whole.
 */
#define PLACE_ANY (SIZE_MAX / 32)
#define PLACE_BARE 0

void place_put(struct buf *out, const char *file, const char *directory,
	       uint32_t line, size_t width);

#endif

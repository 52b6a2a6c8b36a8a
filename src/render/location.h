/* SPDX-License-Identifier: MIT */
/* Where a function or a line is, in the words that a reader needs. */
#ifndef TARE_RENDER_LOCATION_H
#define TARE_RENDER_LOCATION_H

#include <stdint.h>

#include "base/buf.h"

/*
 * The part of `file` that tells it apart for a reader: relative to
 * `directory` (the target's, may be ""), to the site-packages or to the
 * library it is in. Points into `file`.
 */
const char *location_file(const char *file, const char *directory);

/*
 * Put "file:line" into `out` (which is cleared) in at most `width` columns;
 * no line when it is 0. Folders in the middle go first (of an absolute
 * path those at the front), then all folders, then the middle of the file's
 * name; the line number stays. The result is raw text, still to be printed
 * through safe_text. LOCATION_ANY cuts nothing; LOCATION_BARE leaves the name
 * of the file, whole.
 */
#define LOCATION_ANY (SIZE_MAX / 32)
#define LOCATION_BARE 0

void location_put(struct buf *out, const char *file, const char *directory,
		  uint32_t line, size_t width);

#endif

/* SPDX-License-Identifier: MIT */
/* The text of the source lines that a recording names. */
#ifndef TARE_COMMANDS_SOURCE_LINES_H
#define TARE_COMMANDS_SOURCE_LINES_H

#include "os/file.h"
#include "profile/profile.h"

/*
 * Add to `p` the text of every line that is in a frame, read under `root`.
 * Left out is what is no regular file, is larger than a source file can be,
 * or was changed after `since_ns` (1970): it is not what the target runs.
 */
void source_lines_add(struct profile *p, const struct file_root *root,
		      long long since_ns);

#endif

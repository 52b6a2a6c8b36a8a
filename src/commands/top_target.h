/* SPDX-License-Identifier: MIT */
/*
 * A target that runs behind the screen of `tare top`.
 *
 * Both cannot have the terminal. What the target would write on it goes to a
 * file instead, byte by byte as it was written, and what it would read from it
 * ends at once; streams that were redirected are left as they are.
 */
#ifndef TARE_COMMANDS_TOP_TARGET_H
#define TARE_COMMANDS_TOP_TARGET_H

#include "base/buf.h"
#include "base/err.h"
#include "commands/target_line.h"
#include "os/child.h"

struct top_target {
	struct buf log; /* the name of that file; empty: there is none */
	struct child_setup setup;
	struct child_held held;
};

/* Start `line` behind the screen on `terminal`. */
int top_target_start(struct top_target *t, const struct target_line *line,
		     int terminal, struct err *err);

/* Append what became of its output, for people; an empty file is removed. */
void top_target_tell(struct top_target *t, struct buf *out);

/* A zeroed target is allowed. */
void top_target_release(struct top_target *t);

#endif

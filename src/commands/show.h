/* SPDX-License-Identifier: MIT */
/* What verbs print, and where it goes. */
#ifndef TARE_COMMANDS_SHOW_H
#define TARE_COMMANDS_SHOW_H

#include "base/buf.h"
#include "base/err.h"
#include "commands/command.h"
#include "render/report.h"

/*
 * Write `out` to stdout and empty it. A reader that went away is no error:
 * inv->end then says to end by SIGPIPE, as other programs do.
 */
int show_stdout(struct invocation *inv, struct buf *out, struct err *err);

/* Write `out` to stderr and empty it; nothing can be done where that fails. */
void show_stderr(struct buf *out);

/* "tare: what\n  try: hint\n", on one line each whatever they contain. */
void show_error(const struct err *err);

/* "tare: note: what\n", with a line for the hint when there is one. */
void show_note(const struct err *err);

/* Width and colour for what goes to `fd`. */
void show_render_opts(const struct invocation *inv, int fd,
		      struct render_opts *out);

/*
 * One line of progress on stderr, replaced by the next one; nothing where
 * that is no terminal. An empty text takes the line away.
 */
void show_progress(const char *text);

#endif

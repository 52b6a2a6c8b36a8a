/* SPDX-License-Identifier: MIT */
#include "commands/show.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/signals.h"
#include "os/terminal.h"

int show_stdout(struct invocation *inv, struct buf *out, struct err *err)
{
	enum file_outcome outcome;
	int rc;

	if (out->failed)
		return err_nomem(err);
	rc = file_write(STDOUT_FILENO, "to standard output", out->data,
			out->size, &outcome, err);
	buf_clear(out);
	if (rc != ERR_OK && outcome == FILE_PIPE_CLOSED &&
	    signals_pipe_kills()) {
		inv->end.kind = CHILD_KILLED;
		inv->end.code = SIGPIPE;
		return ERR_OK;
	}
	return rc;
}

void show_stderr(struct buf *out)
{
	enum file_outcome outcome;
	struct err err;

	file_write(STDERR_FILENO, "to standard error", out->data, out->size,
		   &outcome, &err);
	buf_clear(out);
}

/*
 * Messages carry names that others chose: file names, arguments, functions of
 * the target. On a line of its own a control character is never wanted.
 */
static void add_line(struct buf *out, const char *before, const char *text)
{
	buf_add_str(out, before);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		buf_add_char(out, c < 0x20 || c == 0x7f ? '?' : *text);
	}
	buf_add_char(out, '\n');
}

static void show_lines(const char *before, const struct err *err)
{
	struct buf out = { 0 };

	add_line(&out, before,
		 err->msg[0] ? err->msg : err_code_text(err->code));
	if (err->hint[0])
		add_line(&out, "  try: ", err->hint);
	show_stderr(&out);
	buf_release(&out);
}

void show_error(const struct err *err)
{
	show_lines("tare: ", err);
}

void show_note(const struct err *err)
{
	show_lines("tare: note: ", err);
}

void show_render_opts(const struct invocation *inv, int fd,
		      struct render_opts *out)
{
	const struct common_opts *common = inv->opts;

	memset(out, 0, sizeof(*out));
	out->width = terminal_width(fd);
	out->colour = terminal_colour(fd, common->colour);
}

void show_progress(const char *text)
{
	struct buf out = { 0 };
	unsigned width;

	if (!terminal_is(STDERR_FILENO))
		return;
	/* A line that fills the last column would wrap and stay. */
	width = terminal_width(STDERR_FILENO) - 1;
	buf_printf(&out, "\r\033[K%.*s", (int)width, text);
	show_stderr(&out);
	buf_release(&out);
}

/* SPDX-License-Identifier: MIT */
#include "commands/top_target.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/output_name.h"
#include "os/signals.h"
#include "render/digits.h"

static bool is_same_device(int fd, int terminal)
{
	struct stat a, b;

	return isatty(fd) && fstat(fd, &a) == 0 && fstat(terminal, &b) == 0 &&
	       a.st_rdev == b.st_rdev;
}

static int open_log(struct top_target *t, const struct target_line *line,
		    int fd, struct err *err)
{
	if (t->log.size) {
		t->setup.stdio[fd] = t->setup.stdio[STDOUT_FILENO];
		return ERR_OK;
	}
	t->setup.stdio[fd] = output_name_log(&t->log, line->name, err);
	if (t->setup.stdio[fd] >= 0)
		return ERR_OK;
	buf_clear(&t->log);
	err_hint(err, "tare %s ... >/tmp/output 2>&1", line->verb);
	return err->code;
}

/* What to give the target in place of the terminal. */
static int choose_streams(struct top_target *t, const struct target_line *line,
			  int terminal, struct err *err)
{
	int rc = ERR_OK;

	if (is_same_device(STDIN_FILENO, terminal))
		t->setup.stdio[STDIN_FILENO] =
			open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (is_same_device(STDOUT_FILENO, terminal))
		rc = open_log(t, line, STDOUT_FILENO, err);
	if (rc == ERR_OK && is_same_device(STDERR_FILENO, terminal))
		rc = open_log(t, line, STDERR_FILENO, err);
	return rc;
}

/* The target has them now. */
static void close_streams(struct top_target *t)
{
	for (int i = 0; i < 3; i++) {
		bool again = i == STDERR_FILENO &&
			     t->setup.stdio[i] == t->setup.stdio[STDOUT_FILENO];

		if (t->setup.stdio[i] >= 0 && !again)
			close(t->setup.stdio[i]);
	}
	for (int i = 0; i < 3; i++)
		t->setup.stdio[i] = -1;
}

int top_target_start(struct top_target *t, const struct target_line *line,
		     int terminal, struct err *err)
{
	int rc;

	memset(t, 0, sizeof(*t));
	t->setup.kept_fd = -1;
	for (int i = 0; i < 3; i++)
		t->setup.stdio[i] = -1;
	rc = choose_streams(t, line, terminal, err);
	if (rc == ERR_OK)
		rc = child_hold_as(&t->held, line->at, &t->setup, err);
	close_streams(t);
	if (rc == ERR_OK) {
		signals_watch_target(t->held.pid);
		rc = child_release(&t->held, err);
		if (rc != ERR_OK) {
			target_line_improve(line, err);
			signals_release();
		}
	}
	if (rc != ERR_OK && t->log.size)
		unlink(buf_str(&t->log));
	return rc;
}

void top_target_tell(struct top_target *t, struct buf *out)
{
	char size[DIGITS_SIZE];
	struct stat st;

	if (!t->log.size || stat(buf_str(&t->log), &st) != 0)
		return;
	if (!st.st_size) {
		unlink(buf_str(&t->log));
		return;
	}
	digits_bytes(size, (uint64_t)st.st_size);
	buf_printf(out, "its output: %s (%s)\n", buf_str(&t->log), size);
}

void top_target_release(struct top_target *t)
{
	buf_release(&t->log);
}

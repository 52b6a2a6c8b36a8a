/* SPDX-License-Identifier: MIT */
#include "timing/expression.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "timing/record.h"

/* runner.py, turned into C during the build. */
extern const char timing_runner[];

static char *word(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* Times are per execution; the rest is the whole process's, and means little.
 */
static int take_record(struct once_result *out, char *version, size_t size,
		       uint64_t *loop_nr, struct err *err)
{
	struct timing_run run = { .killed = out->run.killed,
				  .code = out->run.code };
	int rc = ERR_OK;

	if (out->stopped)
		return ERR_OK;
	if (!run.killed && run.code == 0)
		rc = record_parse(buf_str(&out->record), &run, version, size,
				  loop_nr, err);
	out->run = run;
	return rc;
}

int expression_run(const struct expression *e, const struct once_opts *opts,
		   struct once_result *out, char *version, size_t size,
		   uint64_t *loop_nr, struct err *err)
{
	struct once_opts with = *opts;
	char fd[16], loops[24];
	char *argv[] = { word(e->python),
			 word("-c"),
			 word(timing_runner),
			 fd,
			 word(e->gc ? "on" : "off"),
			 loops,
			 word(e->setup),
			 word(e->code),
			 NULL };
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "cannot make a pipe");
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	snprintf(fd, sizeof(fd), "%d", fds[1]);
	snprintf(loops, sizeof(loops), "%" PRIu64, e->loop_nr);
	with.argv = argv;
	with.record_fd = fds[0];
	with.kept_fd = fds[1];
	rc = once_run(&with, out, err);
	close(fds[1]);
	return rc == ERR_OK ? take_record(out, version, size, loop_nr, err)
			    : rc;
}

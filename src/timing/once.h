/* SPDX-License-Identifier: MIT */
/* One run of a command, measured. */
#ifndef TARE_TIMING_ONCE_H
#define TARE_TIMING_ONCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "profile/timing.h"

struct once_opts {
	char *const *argv;
	const char *input; /* a file for its stdin; NULL: nothing */
	/* stdout and stderr go where tare's go; else they are read, and only
	 * the end of stderr is kept. */
	bool show_output;
	/* Everything as if tare were not there, stdin and signals too. */
	bool transparent;
	/* A pipe: the end that the program gets, and the end that is read and
	 * closed here; -1: none. */
	int kept_fd, record_fd;
	/* Becomes true when the user wants to stop; the run and what it
	 * started are ended then. Not looked at when transparent. */
	const volatile bool *stop;
};

/* More of a program's last words than this is not kept. */
#define ONCE_SAID_MOST 4096
#define ONCE_RECORD_MOST 65536

struct once_result {
	struct timing_run run;
	bool stopped;	   /* by the user: the figures mean nothing */
	struct buf said;   /* the end of its stderr, where tare read it */
	struct buf record; /* the beginning of what came on record_fd */
};

/*
 * ERR_NOT_FOUND and ERR_NOT_EXECUTABLE: nothing has run. How the program
 * ended is part of the result, not a failure. `out` is zeroed before the first
 * call, and may be used again.
 */
int once_run(const struct once_opts *opts, struct once_result *out,
	     struct err *err);

void once_release(struct once_result *r);

#endif

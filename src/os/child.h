/* SPDX-License-Identifier: MIT */
/*
 * Starting a program and learning how it ended.
 *
 * The program gets what it would have got without tare: environment, open
 * files, signal dispositions and mask, process group, terminal. Everything
 * tare opens itself is close-on-exec. When tare is killed, the program lives
 * on.
 */
#ifndef TARE_OS_CHILD_H
#define TARE_OS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"

/* A child that has its process number but does not run the program yet. */
struct child_held {
	pid_t pid; /* 0: none */
	int go_fd;
	int failure_fd;
	const char *file; /* argv[0], borrowed */
};

enum child_end_kind {
	CHILD_NOT_ENDED,
	CHILD_EXITED, /* `code` is its status */
	CHILD_KILLED, /* `code` is the signal */
};

struct child_end {
	enum child_end_kind kind;
	int code;
};

/*
 * Make the child that will become `argv`; it waits. That way the name of the
 * output can hold its number, and be refused, before anything has run.
 * argv[0] is looked for on PATH when it has no slash.
 */
int child_hold(struct child_held *h, char *const argv[], struct err *err);

/* What a child is given instead of what it would inherit. */
struct child_setup {
	int stdio[3];	/* become its 0 to 2; -1: as tare's own */
	int kept_fd;	/* stays open in it, under its number; -1: none */
	bool own_group; /* a process group of its own, which can be killed */
};

/* As child_hold(); the descriptors stay the caller's. */
int child_hold_as(struct child_held *h, char *const argv[],
		  const struct child_setup *setup, struct err *err);

/*
 * Let it execute. On success the program runs as h->pid. ERR_NOT_FOUND or
 * ERR_NOT_EXECUTABLE otherwise, and the child is gone.
 */
int child_release(struct child_held *h, struct err *err);

/* Give up the held child; nothing of the program has run. */
void child_drop(struct child_held *h);

/* True when `pid`, a child or not, is over (a zombie is). */
bool pid_ended(pid_t pid);

/*
 * Sleep until process `pid` ends, at most `timeout_ns` (UINT64_MAX: no
 * limit), or until a signal comes; true when it ended. It is not reaped.
 */
bool pid_wait_end(pid_t pid, uint64_t timeout_ns);

/*
 * Wait for the child `pid`, however long that takes. signals_target_ended()
 * is called between its death and the moment its number becomes free.
 */
int child_reap(pid_t pid, struct child_end *end, struct err *err);

/*
 * The same in two steps. Between them the child is a zombie, of which /proc
 * still tells; `ru` is what it used, and the children that it waited for.
 */
int child_await_death(pid_t pid, struct err *err);
int child_bury(pid_t pid, struct child_end *end, struct rusage *ru,
	       struct err *err);

/* What wait4() said, in our words. */
void child_end_of(int status, struct child_end *end);

/*
 * A descriptor that polls readable once the child `pid` is over, to be
 * closed; -1 where the kernel has none (before 5.3).
 */
int child_open_end(pid_t pid);

/* "0", "7", "signal 11": how an end is written down. */
void child_end_text(const struct child_end *end, char out[16]);

/* The path that exec would use for `name`; false when there is none. */
bool program_find(const char *name, char *out, size_t size);

/* Run `argv` with nothing on stdin, collecting at most size-1 bytes of what
 * it writes; its exit status, or -1. For programs that answer at once. */
int program_ask(char *const argv[], char *out, size_t size);

#endif

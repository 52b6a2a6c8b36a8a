/* SPDX-License-Identifier: MIT */
/*
 * Who is new: the children of the processes that are watched.
 *
 * /proc/loadavg names the process number that was given out last. While it
 * stays the same nobody has started anything, which costs one read of 1 us to
 * know; otherwise the numbers in between are asked for their parents. So a
 * process is seen at the first tick that it lives through.
 */
#ifndef TARE_SAMPLE_FAMILY_H
#define TARE_SAMPLE_FAMILY_H

#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"

struct family {
	int loadavg;	/* -1: not readable */
	pid_t last_pid; /* given out before; 0: not known */
	pid_t done_pid; /* up to here nobody need be asked again */
	pid_t pid_max;
};

struct family_member {
	pid_t pid;
	pid_t parent;
};

void family_init(struct family *f);
void family_release(struct family *f);

/* Fill `out` with processes that have begun since the last call. */
struct family_list {
	VEC(struct family_member) at;
};
void family_poll(struct family *f, struct family_list *out);

/* All processes that there are, parents before children as far as their
 * numbers tell: for a job that is already running. */
void family_all(struct family_list *out);

#endif

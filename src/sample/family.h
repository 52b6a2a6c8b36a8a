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

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"
#include "os/procfs.h"

/* Somebody to be asked again: nobody had that number (yet), or it was too
 * soon to tell whose child it is. */
struct family_hole {
	pid_t pid;
	bool seen;	   /* asked once more, when the time has come */
	uint64_t until_ns; /* otherwise, not any more then */
};

struct family {
	int loadavg;	/* -1: not readable */
	pid_t last_pid; /* given out last; 0: not known */
	pid_t pid_max;
	uint64_t list_ns; /* when all were read */
	VEC(struct family_hole) holes;
	bool wrapped; /* the last call began again at the lowest number */
};

struct family_member {
	pid_t pid;
	bool again; /* it was asked before */
	struct procfs_identity id;
};

struct family_list {
	VEC(struct family_member) at;
};

void family_init(struct family *f);
void family_release(struct family *f);

/* Fill `out` with processes that have begun since the last call; the first
 * one gives all. `now_ns`: CLOCK_MONOTONIC. */
void family_poll(struct family *f, uint64_t now_ns, struct family_list *out);

/* Have a process of the last list in the next one, too. */
void family_ask_again(struct family *f, const struct family_member *m,
		      uint64_t now_ns);

/* All processes that there are, by their numbers. */
void family_all(struct family_list *out);

#endif

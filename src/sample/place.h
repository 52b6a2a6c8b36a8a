/* SPDX-License-Identifier: MIT */
/*
 * Where the sampler runs: anywhere, or on the CPU of the thread it looks at.
 *
 * While the sampler runs on a CPU, no other thread does. So a thread that was
 * running there waits, like for any other program that takes its turn, and
 * its stack stands still while it is read, without being stopped.
 * docs/internals/stacks.md has the measurements.
 */
#ifndef TARE_SAMPLE_PLACE_H
#define TARE_SAMPLE_PLACE_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Each process that is looked at has a place, but the sampler is in one only:
 * what it is bound to, and where it might run before that, is kept once.
 */
struct place {
	int cpu;  /* the one to be beside; -1: anywhere */
	int last; /* the last such; -1: none yet */
};

void place_init(struct place *p);

/* Are we there, or has another process's look taken us elsewhere? */
bool place_is_held(const struct place *p);

/*
 * Move to the CPU on which thread `tid` of `pid` runs, or ran last. False
 * when that is not known, or not allowed to us.
 */
bool place_beside(struct place *p, pid_t pid, pid_t tid);

/*
 * Move to the CPU that we were beside last: asking where a thread runs costs
 * more than all the rest, and mostly it is still there. False: nowhere yet.
 */
bool place_back(struct place *p);

/* Go back to running anywhere. */
void place_apart(struct place *p);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Where the wall time of a job went: by state, for all threads and for groups
 * of threads that do the same, and in one sentence.
 *
 * Threads whose names differ in their numbers only ("worker-1", "worker-2")
 * are one group, also over processes that run the same command; so are programs
 * of one name that are no Python. Pure: nothing is read but the profile and its
 * summary.
 */
#ifndef TARE_PROFILE_BREAKDOWN_H
#define TARE_PROFILE_BREAKDOWN_H

#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "profile/profile.h"
#include "profile/summary.h"

#define BREAKDOWN_SENTENCE 160

struct breakdown_group {
	uint32_t thread; /* one of its threads, index in profile.threads */
	char name[64];	 /* "MainThread", "worker-*"; "" not known */
	uint32_t thread_nr;
	bool python; /* any of them has a Python */
	double wall_s;
	double states[STATE_NR]; /* seconds; they sum to wall_s */
};

struct breakdown {
	struct breakdown_group all;
	/* The main thread of the first process, then by time on a CPU, ready
	 * to run or waiting for the GIL, then by wall time. */
	VEC(struct breakdown_group) groups;
	char sentence[BREAKDOWN_SENTENCE]; /* "" nothing stands out */
};

/*
 * Fill `b` from `p` and its summary. On success it is the caller's to give to
 * breakdown_release(). ERR_NOMEM is the only failure.
 */
int breakdown_make(struct breakdown *b, const struct profile *p,
		   const struct summary *s, struct err *err);

/* A zeroed breakdown is allowed. */
void breakdown_release(struct breakdown *b);

/* Seconds of a group of states. */
double breakdown_group_s(const double states[STATE_NR], enum state_group group);

#endif

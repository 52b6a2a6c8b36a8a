/* SPDX-License-Identifier: MIT */
/*
 * Where the tasks of asyncio waited: by line of the program, with the place
 * below it in a library where that is what awaits.
 *
 * Shares are of the time of all tasks, as far as it is known what they did. A
 * reading of all tasks at once is one trial, however many tasks there are:
 * they are no independent witnesses. So the intervals are Wilson's on as many
 * trials as the readings are worth (profile/stats.h), and on the safe side: of
 * waits that are longer than the time between two readings more is known.
 */
#ifndef TARE_PROFILE_AWAIT_ROWS_H
#define TARE_PROFILE_AWAIT_ROWS_H

#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "profile/profile.h"
#include "profile/stats.h"

/* In place of a frame: the task has no Python coroutine. */
#define AWAIT_NO_FRAME UINT32_MAX

struct await_line {
	uint32_t frame; /* the innermost one of the program itself */
	uint32_t at;	/* the innermost of all; the one with most of `s` */
	double s;	/* awaited: waiting and ready */
	double kind_s[AWAIT_NR];
	double share;
	struct stats_interval interval; /* of the share, 95 % */
	double at_s;			/* of it in `at` */
};

struct await_rows {
	VEC(struct await_line) lines; /* largest first */
	double kind_s[AWAIT_NR];
	double life_s;	/* of all tasks */
	double known_s; /* of it, what they did is known: the whole of shares */
	double effective;
	uint64_t count[AWAIT_COUNT_NR]; /* AWAIT_MOST: of any process */
};

/* Fill `r` from `p`; the caller's to release. ERR_NOMEM. */
int await_rows_make(struct await_rows *r, const struct profile *p,
		    struct err *err);

/* A zeroed one is allowed. */
void await_rows_release(struct await_rows *r);

/* Seconds of the kinds in `kinds`, as bits. */
double await_sum(const double kind_s[AWAIT_NR], uint32_t kinds);

#endif

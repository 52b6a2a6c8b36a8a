/* SPDX-License-Identifier: MIT */
/*
 * What a recording says, in figures: seconds and shares of functions, lines
 * and threads, each with its 95 % interval. Pure: nothing is read but the
 * profile.
 *
 * Shares rest on complete samples only. A thread's wall time is divided among
 * its states (profile/state.h); a sample stands for the time in its state
 * (but that without a Python) divided by the complete looks in it. "All
 * threads" adds those seconds up, so two threads that wait for 1 s are 2 s. A
 * function or line that is on a stack twice counts once in `total`.
 *
 * An interval is Wilson's on the share (profile/stats.h), times the seconds.
 * With several threads, whose samples weigh differently, the number of
 * samples is Kish's effective one.
 */
#ifndef TARE_PROFILE_SUMMARY_H
#define TARE_PROFILE_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "profile/profile.h"

/* In place of a function: no Python frame was on the stack (node 0). */
#define SUMMARY_NO_PYTHON UINT32_MAX

enum summary_scope {
	SUMMARY_ALL,
	SUMMARY_MAIN, /* the main thread of the first process */
	SUMMARY_THREAD,
};

/* What is summed up. */
struct summary_of {
	enum summary_scope scope;
	uint32_t thread; /* for SUMMARY_THREAD */
	uint32_t states; /* STATE_BITs; 0: all */
};

struct summary_figure {
	uint64_t nr; /* complete samples */
	double s, low_s, high_s;
	double share, low, high; /* of the seconds of all in scope, 0 to 1 */
};

struct summary_function {
	uint32_t function; /* or SUMMARY_NO_PYTHON */
	struct summary_figure self, total;
};

struct summary_line {
	uint32_t file;	   /* string id; 0 for SUMMARY_NO_PYTHON */
	uint32_t function; /* or SUMMARY_NO_PYTHON */
	uint32_t line;	   /* 0: not known */
	struct summary_figure self, total;
};

/* A thread's time in one state. */
struct summary_state {
	double s;
	double no_python_s; /* of it while the thread had no Python */
	double python_s;    /* what its looks stand for: the rest, more or
			     * less (summary.c, spread_unseen) */
	uint64_t complete;  /* looks, and the ticks that they stand for */
	uint64_t ticks;
	double second_per_tick; /* python_s by those; 0 without any */
};

struct summary_thread {
	uint32_t thread; /* index in profile.threads */
	double wall_s;
	struct summary_state states[STATE_NR]; /* they sum to wall_s */
	uint64_t looks[SAMPLE_QUALITY_NR];
	uint64_t look_nr; /* their sum, but those without a Python */
};

/* How the sampling itself went, over all threads whatever the scope. */
struct summary_sampling {
	double asked_hz;
	double delivered_hz; /* ticks that came, a second of recording */
	uint64_t ticks, missed;
	/* Looks at threads; taken is the sum of the four that follow. */
	uint64_t taken, complete, salvaged, lost, inconsistent;
	uint64_t no_python;  /* looks at threads that have none: not taken */
	double marked_share; /* of `taken`: not complete */
};

struct summary {
	/* Sorted by self, total (largest first), name, file, line, number. */
	struct summary_function *functions;
	uint32_t function_nr;
	struct summary_line *lines;
	uint32_t line_nr;
	/* All threads of the profile, in its order, whatever the scope. */
	struct summary_thread *threads;
	uint32_t thread_nr;
	struct summary_sampling sampling;

	/* What the shares are shares of. */
	double wall_s;	      /* thread seconds in scope */
	double unseen_s;      /* of threads and states in scope without a
			       * complete look; not in wall_s */
	double no_python_s;   /* of threads in scope while they have none */
	uint64_t complete_nr; /* samples in scope */
	double effective_nr;  /* what they are worth */
};

/*
 * Fill `s` from `p`. On success it is the caller's to give to
 * summary_release(). ERR_NOMEM is the only failure.
 */
int summary_make(struct summary *s, const struct profile *p,
		 const struct summary_of *of, struct err *err);

/* A zeroed summary is allowed. */
void summary_release(struct summary *s);

/* The index of the thread that SUMMARY_MAIN means; UINT32_MAX: no threads. */
uint32_t summary_main_thread(const struct profile *p);

/*
 * Nanoseconds that `thread` lived, by its looks. k looks at random moments of
 * a life span (k - 1) / (k + 1) of it on average, so the time from first to
 * last look is short. Where a thread was seen a few times only, it is given
 * one gap of the clock for each look, which makes up, in the sum, for those
 * that were never seen. Never less than from first to last look, never more
 * than the recording's length. A test of threads of 1.5 ms at 1 kHz finds
 * their time within 10 %; first to last look finds 19 % of it.
 */
uint64_t summary_thread_wall_ns(const struct profile *p, uint32_t thread);

/* All threads' figures of `p` as in struct summary; the caller frees them. */
struct summary_thread *summary_threads(const struct profile *p);

#endif

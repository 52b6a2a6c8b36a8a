/* SPDX-License-Identifier: MIT */
/* Timed runs of one or two commands or expressions: plain data. */
#ifndef TARE_PROFILE_TIMING_H
#define TARE_PROFILE_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "profile/compare.h"
#include "profile/spread.h"

/*
 * One run of a command with all that it waited for, or one process that
 * timed an expression: then the times are those of one execution, and what is
 * not a time is 0.
 */
struct timing_run {
	double wall_s, user_s, sys_s;
	double cpu_s; /* user_s + sys_s; the kernel knows this sum better */
	uint64_t peak_bytes;  /* of the largest process */
	uint64_t floor_bytes; /* what tare itself may account for in that */
	uint64_t minor_faults, major_faults;
	uint64_t voluntary, involuntary; /* context switches */
	bool io_known;
	uint64_t read_bytes, written_bytes; /* asked of the kernel */
	uint64_t disk_read_bytes, disk_written_bytes;
	uint64_t output_bytes; /* to stdout, where tare read it */
	double empty_s;	       /* expression: an empty turn of the loop */
	double collections;    /* expression: runs of the collector each time */
	bool killed;
	int code; /* exit status, or signal when killed */
};

enum timing_gc {
	TIMING_GC_NONE, /* a command */
	TIMING_GC_OFF,
	TIMING_GC_ON,
};

/* Something that is run again and again. */
struct timing_subject {
	char *text; /* as it would be typed */
	enum timing_gc gc;
	uint64_t loop_nr; /* expression: executions in one measured batch */
	VEC(struct timing_run) runs;
	VEC(struct timing_run) warmups;
	uint32_t failed_nr; /* runs that ended in another way than status 0 */
};

/*
 * Two subjects that take turns: run i of one belongs with run i of the
 * other. A pair whose second run is missing is not looked at.
 */
struct timing_contest {
	uint32_t a, b; /* indices of subjects */
	enum compare_design design;
	VEC(bool) b_first; /* one a pair */
};

enum timing_clock {
	TIMING_WALL,
	TIMING_CPU,
	TIMING_CLOCK_NR
};

enum timing_end {
	TIMING_NARROW,	/* the intervals are as narrow as was wanted */
	TIMING_TIME,	/* the time limit came first */
	TIMING_ENOUGH,	/* as many runs as was asked for, or as make sense */
	TIMING_STOPPED, /* by the user */
	TIMING_FAILED,	/* a run failed */
};

struct timing {
	VEC(struct timing_subject) subjects;
	VEC(struct timing_contest) contests;
	enum timing_end end;
	bool expressions;
	char python[64]; /* "CPython 3.11.7", or "" */
	double elapsed_s;
};

void timing_release(struct timing *t);

/* The time of `run` on `clock`. */
double timing_value(const struct timing_run *run, enum timing_clock clock);

/*
 * Spread of one clock over the runs of `s` that were measured; of waiting,
 * wall - user - sys, with timing_waiting(). False without memory.
 */
bool timing_spread(const struct timing_subject *s, enum timing_clock clock,
		   struct spread *out);
bool timing_waiting(const struct timing_subject *s, struct spread *out);

/* The pairs of `c` on one clock, to be freed; NULL without memory or pairs. */
struct compare_pair *timing_pairs(const struct timing *t,
				  const struct timing_contest *c,
				  enum timing_clock clock, uint32_t *nr);

bool timing_ratio(const struct timing *t, const struct timing_contest *c,
		  enum timing_clock clock, struct compare_ratio *out);

/*
 * The share of user time in the CPU time of all runs together. The kernel
 * divides a run's time by where its ticks fell, which for a short one is all
 * or nothing; over many runs it comes out right. NaN: no CPU time at all.
 */
double timing_user_share(const struct timing_subject *s);

/* Something in the figures that the reader has to know. */
struct timing_caution {
	uint32_t subject;
	const char *key; /* "slow_runs", for programs */
	char text[200];	 /* for people, complete sentences */
};

#define TIMING_CAUTION_MOST 16

/* Fill `out`; their number. */
uint32_t timing_cautions(const struct timing *t,
			 struct timing_caution out[TIMING_CAUTION_MOST]);

#endif

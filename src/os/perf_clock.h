/* SPDX-License-Identifier: MIT */
/*
 * Where the threads of a process are, asked by the kernel itself at even
 * steps of their CPU time (perf's software cpu-clock): instruction pointer,
 * and if wanted the chain of frame pointers or the registers and a copy of
 * the stack. The process is not read, written to or traced.
 *
 * Every sample interrupts the process: see docs/internals/native.md for what
 * that costs. Nothing is written to a file or printed.
 */
#ifndef TARE_OS_PERF_CLOCK_H
#define TARE_OS_PERF_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "os/perf_ring.h"

/* The largest copy of a stack that the kernel makes, in steps of 8. */
#define PERF_STACK_MAX 65528u

struct perf_clock_opts {
	double rate_hz;	     /* samples for each second of CPU time */
	uint32_t stack_size; /* bytes of stack in each sample; 0: no copy */
	bool chain;	     /* chains by frame pointers */
	bool kernel;	     /* samples inside the kernel too, if allowed */
	bool children;	     /* child processes that it makes from now on */
	/* An event for each thread, looked for at each perf_clock_update(),
	 * also where the kernel could follow new threads by itself. */
	bool by_thread;
	/* An epoll instance that becomes ready at every sample; records tell
	 * when threads stop and start, too. 0: nobody is woken. */
	int waker;
};

struct perf_clock_stats {
	uint64_t period_ns; /* CPU time between two samples of a thread */
	uint64_t samples;
	uint64_t lost;	  /* records for which there was no room */
	uint64_t damaged; /* times that a ring could not be understood */
	uint64_t throttled;
	uint32_t events, rings;
	uint64_t ring_size; /* bytes of one ring */
	bool kernel;	    /* samples inside the kernel are taken */
	bool follows;	    /* the kernel follows new threads by itself */
};

struct perf_clock;

/*
 * Begin to sample all threads of `pid`, also those to come. *out is the
 * caller's to release with perf_clock_close().
 *
 * ERR_PERM, ERR_UNSUPPORTED: the kernel does not allow or have it; `err` says
 * which setting or filter it is. ERR_GONE: no such process.
 */
int perf_clock_open(struct perf_clock **out, pid_t pid,
		    const struct perf_clock_opts *opts, struct err *err);

/*
 * Look for threads that are not sampled yet. Needed every now and then unless
 * stats.follows; cheap then. A thread is missed until it is found.
 */
int perf_clock_update(struct perf_clock *c, struct err *err);

/*
 * The oldest record that nobody took yet, from all rings in the order of
 * time; false when there is none. What it points to is good until the next
 * call. Between rings the order holds for what was there when the first of
 * a row of calls was made.
 */
bool perf_clock_next(struct perf_clock *c, struct perf_record *out);

/*
 * After how long the rings may be full, when all CPUs run the process: drain
 * them twice as often. UINT64_MAX never.
 */
uint64_t perf_clock_fills_ns(const struct perf_clock *c);

void perf_clock_stats(const struct perf_clock *c, struct perf_clock_stats *out);

/* Stop sampling. NULL is allowed. */
void perf_clock_close(struct perf_clock *c);

#endif

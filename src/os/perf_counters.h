/* SPDX-License-Identifier: MIT */
/*
 * Counting events of a process and of all that it starts, with perf: the
 * kernel counts while they run, nobody is interrupted.
 */
#ifndef TARE_OS_PERF_COUNTERS_H
#define TARE_OS_PERF_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* As perf_event_open(2) has them. */
struct perf_counter {
	uint32_t type;
	uint64_t config;
};

/* One count, as far as it goes. */
struct perf_count {
	uint64_t value;	     /* of events while it was counted */
	uint64_t enabled_ns; /* CPU time that was to be counted */
	uint64_t counted_ns; /* in which it was: a CPU has few counters */
};

#define PERF_COUNTERS_MAX 8

struct perf_counters;

/*
 * Count from now on what runs in user mode, in all threads of `pid` and all
 * threads and processes that they make. NULL: not one of the `nr` counters is
 * to be had here, which is usual (virtual machines, containers); or there are
 * too many threads.
 */
struct perf_counters *perf_counters_open(pid_t pid,
					 const struct perf_counter *counters,
					 unsigned nr);

/*
 * The counter at `index` of those that were asked for, also after the process
 * has ended. False: this machine does not have it.
 */
bool perf_counters_read(const struct perf_counters *c, unsigned index,
			struct perf_count *out);

/* NULL is allowed. */
void perf_counters_close(struct perf_counters *c);

#endif

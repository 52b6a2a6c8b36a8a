/* SPDX-License-Identifier: MIT */
#include "sample/counters.h"

#include <linux/perf_event.h>

/*
 * Of the CPU time so much must have been counted: a program that changes its
 * user loses its counters when it is executed, and threads that are born while
 * we attach may be missed.
 */
#define COVERED_MIN 0.95

/* What ran for less is mostly what the kernel did to start it. */
#define CPU_MIN_NS 10000000u

#define PPM 1000000.0

static const struct perf_counter counters[] = {
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
};

#define COUNTER_NR (sizeof(counters) / sizeof(*counters))

static const enum process_figure figures[COUNTER_NR] = {
	PROCESS_CYCLES,	      PROCESS_INSTRUCTIONS, PROCESS_CACHE_REFERENCES,
	PROCESS_CACHE_MISSES, PROCESS_BRANCHES,	    PROCESS_BRANCH_MISSES,
};

struct perf_counters *counters_open(pid_t pid)
{
	return perf_counters_open(pid, counters, COUNTER_NR);
}

bool counters_scale(const struct perf_count *count, uint64_t cpu_ns,
		    uint64_t *value)
{
	double scale;

	if (!count->counted_ns ||
	    (double)count->enabled_ns < COVERED_MIN * (double)cpu_ns)
		return false;
	scale = (double)count->enabled_ns / (double)count->counted_ns;
	if ((double)count->value * scale >= (double)INT64_MAX)
		return false;
	*value = (uint64_t)((double)count->value * scale);
	return true;
}

static double counted_share(const struct perf_count *count)
{
	if (count->counted_ns >= count->enabled_ns)
		return 1;
	return (double)count->counted_ns / (double)count->enabled_ns;
}

void counters_read(const struct perf_counters *c, struct process_figures *job)
{
	uint64_t cpu_ns =
		job->value[PROCESS_USER_NS] + job->value[PROCESS_SYS_NS];
	double least = 1;

	if (!c || !process_knows(job, PROCESS_USER_NS) || cpu_ns < CPU_MIN_NS)
		return;
	for (unsigned i = 0; i < COUNTER_NR; i++) {
		struct perf_count count;
		uint64_t value;

		if (!perf_counters_read(c, i, &count) ||
		    !counters_scale(&count, cpu_ns, &value))
			continue;
		/* Some virtual machines have a counter that stands still. */
		if (!value && i < 2)
			return;
		process_set(job, figures[i], value);
		if (counted_share(&count) < least)
			least = counted_share(&count);
	}
	if (process_knows(job, PROCESS_CYCLES) ||
	    process_knows(job, PROCESS_INSTRUCTIONS))
		process_set(job, PROCESS_COUNTED_PPM, (uint64_t)(least * PPM));
}

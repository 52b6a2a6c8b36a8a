/* SPDX-License-Identifier: MIT */
/*
 * What the counters of the CPU say of a job: cycles, instructions, misses, in
 * user mode. Many machines have none for us, and then there is nothing to say.
 */
#ifndef TARE_SAMPLE_COUNTERS_H
#define TARE_SAMPLE_COUNTERS_H

#include <sys/types.h>

#include "os/perf_counters.h"
#include "profile/usage.h"

/* Count `pid` from now on, with all that it starts; NULL: it cannot be. */
struct perf_counters *counters_open(pid_t pid);

/*
 * Add what was counted to the figures of the job, which have its CPU time
 * already: counts that do not cover it are left out. `c` may be NULL.
 */
void counters_read(const struct perf_counters *c, struct process_figures *job);

/* One count for the whole time; false when it does not cover `cpu_ns`. */
bool counters_scale(const struct perf_count *count, uint64_t cpu_ns,
		    uint64_t *value);

#endif

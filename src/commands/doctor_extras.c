/* SPDX-License-Identifier: MIT */
/* What a system may lack without tare being of no use there. */
#include <unistd.h>

#include "commands/doctor.h"
#include "os/perf_clock.h"
#include "os/task.h"
#include "sample/counters.h"
#include "sample/native_split.h"
#include "sample/priority.h"

static void check_states(struct checks *list)
{
	struct task_files files;
	struct task_sched sched;
	struct task_wait wait;
	bool counted;

	task_open(&files, getpid(), getpid());
	counted = task_read_sched(&files, &sched);
	task_read_wait(&files, &wait);
	task_close(&files);
	if (wait.kind == TASK_UNREADABLE)
		check_add(list, "states", CHECK_WARNING, NULL,
			  "this kernel does not tell what threads wait for");
	else if (!counted)
		check_add(list, "states", CHECK_WARNING, NULL,
			  "no schedstat: waiting for a CPU counts as being on "
			  "one");
	else
		check_add(list, "states", CHECK_OK, NULL,
			  "what threads wait for, and for how long for a CPU");
}

static void check_native(struct checks *list)
{
	const struct perf_clock_opts opts = { .rate_hz = NATIVE_SPLIT_HZ,
					      .kernel = true };
	struct perf_clock_stats stats;
	struct perf_clock *clock;
	struct err err = { 0 };

	if (perf_clock_open(&clock, getpid(), &opts, &err)) {
		check_add(list, "native code", CHECK_WARNING, err.hint, "%s",
			  err.msg);
		return;
	}
	perf_clock_stats(clock, &stats);
	perf_clock_close(clock);
	check_add(list, "native code", CHECK_OK,
		  stats.kernel ? NULL : "sudo tare ...",
		  "perf's software clock may be used%s",
		  stats.kernel ? ", inside the kernel, too"
			       : ", but not inside the kernel");
}

static void check_counters(struct checks *list)
{
	struct perf_counters *counters = counters_open(getpid());

	if (counters)
		check_add(list, "counters", CHECK_OK, NULL,
			  "the CPU counts cycles, instructions, misses");
	else
		check_add(list, "counters", CHECK_NOT_APPLICABLE, NULL,
			  "the CPU shows no counters here");
	perf_counters_close(counters);
}

static void check_priority(struct checks *list)
{
	struct priority before;
	bool first = priority_raise(&before);

	priority_restore(&before);
	if (first)
		check_add(list, "priority", CHECK_OK, NULL,
			  "real-time: looks come in time on a busy machine");
	else
		check_add(list, "priority", CHECK_NOT_APPLICABLE,
			  "ulimit -r 1   (or sudo tare ...)",
			  "that of others: on a busy machine looks come late");
}

void doctor_check_extras(struct checks *list)
{
	check_states(list);
	check_native(list);
	check_counters(list);
	check_priority(list);
}

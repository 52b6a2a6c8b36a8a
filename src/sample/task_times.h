/* SPDX-License-Identifier: MIT */
/*
 * The time of asyncio's tasks: all of them are read now and then, and the
 * time between two readings is given half to what each task did at the first
 * of them and half to what it did at the second (docs/internals/asyncio.md).
 */
#ifndef TARE_SAMPLE_TASK_TIMES_H
#define TARE_SAMPLE_TASK_TIMES_H

#include <stdint.h>

#include "cpython/process.h"
#include "profile/profile.h"
#include "sample/names.h"

struct task_times;

/* Of process `p`, which is `process` in `profile`; none of the arguments is
 * owned. NULL: no memory. */
struct task_times *task_times_new(struct py_process *p, struct names *names,
				  struct profile *profile, uint32_t process);

/* The last reading is given its time until `at_ns`. NULL is allowed. */
void task_times_free(struct task_times *t);

/* Is it time for a reading? `now_ns` is CLOCK_MONOTONIC. */
bool task_times_due(const struct task_times *t, uint64_t now_ns);

/*
 * Read the tasks. `threads` are those of the process, `at_ns` is profile time.
 * What goes wrong is counted, or tried again at the next reading.
 */
void task_times_read(struct task_times *t, const struct py_threads *threads,
		     uint64_t at_ns);

/* Put what the last reading found into profile->awaits.tasks. */
void task_times_list(struct task_times *t);

#endif

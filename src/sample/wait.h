/* SPDX-License-Identifier: MIT */
/*
 * What a thread that sleeps in the kernel waits for, told from the system call
 * it is in.
 *
 * A wait for the GIL is a futex inside of the lock itself, which no other wait
 * has. (With musl it is on the waiting thread's own stack, so that the GIL
 * cannot be told from another lock there.)
 */
#ifndef TARE_SAMPLE_WAIT_H
#define TARE_SAMPLE_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"
#include "os/task.h"
#include "profile/state.h"
#include "target/target.h"

/* What is behind a descriptor of the target, as it was a moment ago. */
struct wait_file {
	uint64_t seen_ns; /* 0: never */
	enum thread_state state;
};

struct wait_range {
	uint64_t start, end;
};

struct wait_context {
	struct target *target;
	VEC(struct wait_range) gils; /* where waiting for a GIL happens */
	VEC(struct wait_file) files; /* by descriptor */
};

void wait_init(struct wait_context *c, struct target *t);
void wait_release(struct wait_context *c);

/*
 * `wait` is TASK_IN_CALL, TASK_NO_CALL or TASK_UNREADABLE. `now_ns` is
 * CLOCK_MONOTONIC. *gone becomes true when the thread is a zombie.
 */
enum thread_state wait_state(struct wait_context *c, pid_t tid,
			     const struct task_wait *wait, uint64_t now_ns,
			     bool *gone);

#endif

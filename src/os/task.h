/* SPDX-License-Identifier: MIT */
/* The threads of a process as /proc has them. */
#ifndef TARE_OS_TASK_H
#define TARE_OS_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"

/* Does process `pid` have a thread `tid`? */
bool task_exists(pid_t pid, pid_t tid);

/* Does `pid` number processes differently from us (a container)? */
bool task_has_other_ids(pid_t pid);

/* Our ID of the thread of `pid` that calls itself `inner`; 0: none. */
pid_t task_find(pid_t pid, pid_t inner);

/* The name of a thread (at most 15 bytes); false when it is gone. */
bool task_name(pid_t pid, pid_t tid, char *name, size_t size);

/* Replace `out` by the IDs of all threads of `pid`; false with errno, which is
 * ENOENT or ESRCH when it is gone. */
struct task_list {
	VEC(pid_t) tid;
};
bool task_list(pid_t pid, struct task_list *out);

/* How many threads `pid` has: cheaper than listing them. 0: it is gone. */
unsigned task_count(pid_t pid);

/* What the scheduler has counted of a thread since it began. */
struct task_sched {
	uint64_t cpu_ns;   /* on a CPU; of a running thread up to its last
			    * clock tick, some milliseconds ago */
	uint64_t queue_ns; /* runnable, waiting for a CPU, up to the last time
			    * it got one */
	uint64_t run_nr;   /* times it got a CPU */
};

/* What a thread that does not run waits in. */
enum task_wait_kind {
	TASK_GONE,	 /* the thread has ended */
	TASK_UNREADABLE, /* not allowed */
	TASK_RUNNABLE,	 /* on a CPU or in the queue for one */
	TASK_IN_CALL,	 /* asleep in the system call `call` */
	TASK_NO_CALL,	 /* asleep outside of one: a page fault, or stopped */
};

#define TASK_ARG_NR 6

struct task_wait {
	enum task_wait_kind kind;
	long call;
	uint64_t arg[TASK_ARG_NR];
};

/*
 * Two files of /proc/PID/task/TID that are kept open, as a read then takes 0.7
 * and 1.1 us; some 5 more where it has to be opened for it, as the limit of
 * open files is near.
 */
struct task_files {
	pid_t pid, tid;
	int sched; /* schedstat; -1: not kept open */
	int wait;  /* syscall */
};

void task_open(struct task_files *f, pid_t pid, pid_t tid);
void task_close(struct task_files *f);
bool task_read_sched(const struct task_files *f, struct task_sched *out);
void task_read_wait(const struct task_files *f, struct task_wait *out);

#endif

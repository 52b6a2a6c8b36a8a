/* SPDX-License-Identifier: MIT */
/*
 * The threads of one process as the kernel has them, Python's or not: what
 * each is doing at a tick, and what it has used.
 */
#ifndef TARE_SAMPLE_THREADS_H
#define TARE_SAMPLE_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "os/task.h"
#include "profile/profile.h"
#include "sample/wait.h"

struct task {
	pid_t tid;
	uint32_t in_profile;
	struct task_files files;
	struct task_sched begin; /* what it had used before we came */
	struct task_sched last;
	uint64_t last_ns;	 /* when that was read; 0: never */
	struct task_sched probe; /* read at this tick, before its stack */
	uint64_t probe_ns;	 /* when that was; 0: it was not */
	enum thread_state state;
	enum thread_state told; /* the same, or what it was for longer */
	uint64_t since_ns;	/* it waits, and has done so since; 0: no */
	uint64_t asked_ns;	/* when it was last asked what it does */
	uint64_t ran_ns;	/* when it last was on a CPU for sure */
	double lead_ns;		/* time told to be on one, less that counted */
	uint64_t led_ns;	/* the CPU time that is in it already */
	/* The share of the ticks missed before this look in which it was as it
	 * is now. */
	double stood;
	bool ask;    /* it is to be asked at the next look */
	bool queues; /* for a notable part of its time lately, for a CPU */
	bool slept;  /* by task_has_slept() at this tick */
	bool listed;
	bool gone;    /* it has ended; the list does not know yet */
	bool sampled; /* at the present tick, with its Python stack */
	bool named;   /* by Python: the kernel need not be asked */
	uint32_t look_nr;
};

struct tasks {
	pid_t pid;
	uint32_t process; /* index in profile->processes */
	struct profile *profile;
	VEC(struct task *) task;
	struct map by_tid;
	struct map ended; /* tid: in the profile; of threads let go of lately */
	struct task_list list;
	struct wait_context wait;
	uint64_t listed_ns;
	uint64_t random;
	uint64_t look_ns;      /* of this look */
	uint64_t last_tick_ns; /* of the one before, in profile time */
	uint64_t lag_ns;       /* how late the kernel may count who runs */
	bool fresh;	       /* the process has begun with the recording */
	bool known_from_start; /* threads that appear now have just begun */
};

/* `process` is that of `t` in the profile. Nothing given is owned. */
void tasks_init(struct tasks *ts, struct target *t, struct profile *p,
		uint32_t process, bool fresh);

/* Account a last time and release all. */
void tasks_release(struct tasks *ts);

/* See who came and went, if it is time to; false when the process is gone. */
bool tasks_refresh(struct tasks *ts, uint64_t now_ns, uint64_t at_ns);

/* The thread `tid`, made when it is new. NULL: no memory, or the process has
 * no such thread. */
struct task *tasks_get(struct tasks *ts, pid_t tid, uint64_t at_ns);

/* The same if it is known. */
struct task *tasks_find(const struct tasks *ts, pid_t tid);

/*
 * Which thread of the profile `tid` is, or was: the newest of that number.
 * MAP_NONE: none, or one that had ended when tasks_forget_ended() was called.
 */
uint32_t tasks_in_profile(const struct tasks *ts, pid_t tid);

/* Whatever threads left behind has been taken. */
void tasks_forget_ended(struct tasks *ts);

/* It executes another program: threads are called differently. */
void tasks_forget_names(struct tasks *ts);

/* Whatever it was known to wait for: ask what it does at the next look. */
void task_ask(struct task *t);

/* Has it waited all the time since `since_ns`, by what the kernel counts? */
bool task_has_slept(struct task *t, uint64_t since_ns);

/* Bring the states of all threads up to date. */
void tasks_look(struct tasks *ts);

/* Give those that have no Python stack at this tick to the profile. */
void tasks_sample_rest(struct tasks *ts);

/* Is the process over, by its main thread? */
bool tasks_ended(const struct tasks *ts);

/* Write what the kernel has counted into the profile. */
void tasks_account(struct tasks *ts, uint64_t at_ns);

#endif

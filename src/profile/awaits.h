/* SPDX-License-Identifier: MIT */
/*
 * What the tasks of asyncio did with their time: in which stack each of them
 * waited, for what kind of thing, and how long it waited for its loop.
 *
 * Time is that of tasks: a hundred of them that wait for a second each are a
 * hundred seconds, also where that is the same second. All the time of a task
 * is in some row, so the rows of a process are the lives of its tasks.
 */
#ifndef TARE_PROFILE_AWAITS_H
#define TARE_PROFILE_AWAITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"

/* The numbers are part of the file format: never renumber. */
enum await_kind {
	AWAIT_UNKNOWN = 0, /* it changed while it was read */
	AWAIT_RUNNING = 1, /* its loop runs it: see the stacks of threads */
	AWAIT_READY = 2,   /* it could run, and waits for its loop */
	AWAIT_TASK = 3,	   /* for one or more other tasks */
	AWAIT_FUTURE = 4,  /* for what is no task: a socket, a timer, a lock */
	AWAIT_OTHER = 5,   /* what it waits for is not of asyncio */
	AWAIT_NR
};

struct await_words {
	const char *key;   /* in JSON and SQL */
	const char *label; /* for people */
};

extern const struct await_words await_words[AWAIT_NR];

/* Sets of kinds, as bits. */
#define AWAIT_BIT(kind) (1u << (kind))
#define AWAITS_WAITING                                     \
	(AWAIT_BIT(AWAIT_TASK) | AWAIT_BIT(AWAIT_FUTURE) | \
	 AWAIT_BIT(AWAIT_OTHER))
#define AWAITS_AWAITED (AWAITS_WAITING | AWAIT_BIT(AWAIT_READY))

/* Microseconds in 64 bits are enough for any number of tasks. */
struct await_row {
	uint32_t process; /* index in profile.processes */
	uint32_t node;	  /* AWAIT_UNKNOWN and AWAIT_RUNNING have none: 0 */
	enum await_kind kind;
	uint64_t us;
};

/* How the tasks of one process were read. */
enum await_count {
	AWAIT_READINGS, /* that were used */
	AWAIT_TORN,	/* not used: a list changed meanwhile */
	AWAIT_CUT,	/* used, though there were too many tasks */
	AWAIT_SEEN,	/* different tasks */
	AWAIT_MOST,	/* tasks alive at once */
	AWAIT_TASKS,	/* tasks in all readings, one by one */
	AWAIT_DOUBTFUL, /* of those, in AWAIT_UNKNOWN */
	AWAIT_SEVERAL,	/* of those, awaited by several tasks */
	AWAIT_COUNT_NR
};

extern const char *const await_count_key[AWAIT_COUNT_NR];

struct await_process {
	uint32_t process;
	uint64_t count[AWAIT_COUNT_NR];
	/* The sum of the squares of what each gap between two readings stands
	 * for, in task seconds: for stats_effective(). */
	double squares;
};

/* A task as it is now, for who asks what they all do; in no file. */
struct await_task {
	uint32_t name; /* string id */
	uint32_t node; /* its own stack, without that of its awaiter */
	enum await_kind kind;
	bool done;	  /* it has ended, and is still referred to */
	uint32_t awaiter; /* index of one that waits for it; UINT32_MAX */
};

struct awaits {
	VEC(struct await_row) rows;
	VEC(struct await_process) processes;
	VEC(struct await_task) tasks;
	struct map row_ids;
};

/* The row of a process, node and kind; MAP_NONE without memory. */
uint32_t awaits_row(struct awaits *a, uint32_t process, uint32_t node,
		    enum await_kind kind);

/* The counts of a process, NULL without memory; good until the next call. */
struct await_process *awaits_process(struct awaits *a, uint32_t process);

void awaits_release(struct awaits *a);

#endif

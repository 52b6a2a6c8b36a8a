/* SPDX-License-Identifier: MIT */
/*
 * The tasks of asyncio: what each of them awaits, and where.
 *
 * A reader remembers what it saw last. A coroutine that is suspended does not
 * move, so reading it again costs little and the answer is exact; what did
 * change while it was read is said so of each task (docs/internals/asyncio.md).
 */
#ifndef TARE_CPYTHON_TASKS_H
#define TARE_CPYTHON_TASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "cpython/process.h"
#include "cpython/stack.h"

/* Bounds on one reading; what is beyond them is left out and said to be. */
#define PY_TASKS_MAX 100000
#define PY_TASK_DEPTH_MAX 1024
#define PY_TASK_FRAMES_MAX (1u << 20)
#define PY_TASK_AWAITERS_MAX 16

enum py_task_state {
	PY_TASK_READY,	 /* to be run: not begun, or woken */
	PY_TASK_WAITING, /* for a future or a task */
	PY_TASK_RUNNING, /* the current task of its loop */
	PY_TASK_DONE,	 /* ended, but still referred to */
};

enum py_task_waits {
	PY_WAITS_NOTHING,
	PY_WAITS_TASK,
	PY_WAITS_FUTURE, /* of asyncio or a class that derives from it */
	PY_WAITS_OTHER,
};

struct py_task {
	uint64_t addr; /* its identity, as long as it is there */
	uint64_t coro; /* the outermost coroutine; another one, another task */
	uint64_t loop;
	uint64_t waiter; /* what it waits for, 0 when it does not */
	enum py_task_state state;
	enum py_task_waits waits;
	uint32_t name; /* in py_tasks.text */
	/*
	 * Its coroutines, in py_tasks.frames: newest first, so the innermost
	 * await comes first and the outermost coroutine last. Of a running
	 * task only the outermost: the others are on the stack of its thread.
	 */
	uint32_t frame, frame_nr;
	/* The tasks that wait for it, in py_tasks.awaiters. */
	uint32_t awaiter, awaiter_nr;
	bool same;   /* nothing has changed since the last reading */
	bool moved;  /* it changed while it was read: not to be believed */
	bool cut;    /* not read to the end, by one of the bounds */
	bool opaque; /* the innermost await is of no coroutine of Python's */
};

/* A task that waits for another one. */
struct py_task_awaiter {
	uint64_t addr;
	/* It is that of a TaskGroup: so it waits once it is at the end of
	 * that, and not while it is in its body. */
	bool group;
};

/* A loop that runs now. */
struct py_task_loop {
	uint64_t addr;
	uint64_t thread_addr; /* thread state that runs it, 0: not known */
	uint64_t running;     /* task, 0 for none */
};

struct py_tasks {
	VEC(struct py_task) task;
	VEC(struct py_frame) frames;
	VEC(struct py_task_awaiter) awaiters;
	VEC(struct py_task_loop) loop;
	struct buf text; /* names, each ended by NUL */
	uint32_t calls;	 /* system calls that the reading took */
	bool cut;	 /* there are more tasks than were read */
	bool torn;	 /* a list changed meanwhile: some may be missing */
};

struct py_tasks_reader;

/* A reader for process `p`, which is not owned; NULL without memory. */
struct py_tasks_reader *py_tasks_new(struct py_process *p);
void py_tasks_free(struct py_tasks_reader *r);

/*
 * Read all tasks. `threads` are those of the process, as py_threads_read() has
 * them. ERR_NO: the process does not use asyncio (yet: cheap to ask again), or
 * the release is one whose tasks are not known.
 */
int py_tasks_read(struct py_tasks_reader *r, const struct py_threads *threads,
		  struct err *err);

/* What the last reading brought, good until the next one. */
const struct py_tasks *py_tasks_last(const struct py_tasks_reader *r);

/* Whether tasks can be known on this release of CPython at all. */
bool py_tasks_known(const struct py_tasks_reader *r);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the reader of tasks share: tasks_find.c knows where the
 * tasks are listed, tasks_list.c reads the lists, tasks_chain.c follows the
 * coroutines of a task, tasks_awaiters.c finds who waits for it, tasks_loops.c
 * which thread runs its loop, tasks.c puts it together.
 */
#ifndef TARE_CPYTHON_TASKS_INTERNAL_H
#define TARE_CPYTHON_TASKS_INTERNAL_H

#include "base/map.h"
#include "cpython/bulk.h"
#include "cpython/dict.h"
#include "cpython/kinds.h"
#include "cpython/task_layout.h"
#include "cpython/tasks.h"

/* System calls of one reading, whatever it meets. */
#define TASKS_CALLS_MAX 20000

/* What is read of a coroutine at once: header, frame, locals and stack. */
#define COROUTINE_WINDOW 320
#define COROUTINE_LEAST 24

/* One coroutine of a task. */
struct link {
	uint64_t gen;
	uint64_t awaited; /* object, 0 for none */
	struct py_frame frame;
	uint32_t awaited_at; /* where in the coroutine that is, 0: nowhere */
	uint32_t outer;	     /* the link that awaits this one, while chaining */
	int8_t state;
};

/* A run of elements of an array. */
struct run {
	uint32_t at, nr;
};

/*
 * The words that lead from a task to what ends with it: as long as all of them
 * are what they were, they still do.
 */
#define PROOF_MAX 6

struct proof {
	uint32_t nr;
	uint64_t at[PROOF_MAX], value[PROOF_MAX];
};

/* A task that awaits another one. */
struct caller {
	uint64_t parent;
	uint64_t via; /* what it waits for then; 0: the end of a TaskGroup */
	struct proof proof;
};

/* One task, with what its object says. */
struct entry {
	uint64_t addr, type, coro, waiter, loop;
	uint64_t name_addr, callback0, callbacks;
	uint32_t fut_state;
	enum py_kind kind;
	uint32_t link, link_nr;
	uint32_t name;
	enum py_task_waits waits;
	struct run awaiters;
	struct run callers; /* those of them that callbacks tell of */
	bool same, moved, cut, opaque, executing;
	bool parsed; /* the fields above come from a copy of the object */
};

/* All of one reading. */
struct generation {
	VEC(struct entry) task;
	VEC(struct link) links;
	VEC(struct caller) awaiters;
	VEC(struct caller) callers;
	struct buf text;
	struct map ids; /* address of a task -> task */
};

/* What asyncio.tasks of one interpreter has. */
struct place {
	uint64_t interp;
	uint64_t stamp; /* of sys.modules when the others were looked up */
	uint64_t scheduled, eager, current; /* a WeakSet, a set, a dict */
	uint64_t set;			    /* in the WeakSet */
};

/* The loop that a thread runs. */
struct loop_thread {
	uint64_t loop, thread;
};

struct py_tasks_reader {
	struct py_process *process;
	struct py_task_layout layout;
	bool known, has_layout, has_section;
	struct bulk bulk, side;
	struct py_kinds kinds;
	VEC(struct place) places;
	struct generation generations[2];
	struct generation *now, *last;
	struct py_entries entries;
	uint32_t attributes_left; /* so many objects written in Python */
	VEC(struct link) pool;
	VEC(uint32_t) fresh; /* tasks whose coroutines are to be followed */
	VEC(struct loop_thread) loop_threads; /* tasks_loops.c */
	uint32_t loops_thread_nr, loops_age;
	VEC(uint8_t) pages;
	struct map page_ids;
	struct py_tasks out;
};

/* Find the places; ERR_NO when no interpreter has asyncio. */
int py_tasks_find(struct py_tasks_reader *r, const struct py_threads *threads,
		  struct err *err);

/* Fill r->now->task with what the lists have, and r->out.loop. */
int py_tasks_list(struct py_tasks_reader *r, const struct py_threads *threads,
		  struct err *err);

/* Take the words of the task object at `head` (may be NULL) in. */
void py_tasks_parse(struct py_tasks_reader *r, const uint8_t *head,
		    struct entry *e);

/* Follow the coroutines of the tasks in r->fresh. */
int py_tasks_chain(struct py_tasks_reader *r, struct err *err);

/* Ask r->bulk for what proves that a link is as it was, and look at it. */
uint32_t link_ask(struct py_tasks_reader *r, const struct link *k);
bool link_is(const struct py_tasks_reader *r, const struct link *k,
	     const uint8_t *bytes);

/* Complete r->out.loop. */
int py_tasks_loops(struct py_tasks_reader *r, const struct py_threads *threads,
		   struct err *err);

/* Find who waits for each task. */
int py_tasks_awaiters(struct py_tasks_reader *r, struct err *err);

#endif

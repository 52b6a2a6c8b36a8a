/* SPDX-License-Identifier: MIT */
/*
 * How one build of CPython lays out asyncio and coroutines, as data. Filled by
 * the files in layouts/, for the releases whose tasks can be read.
 */
#ifndef TARE_CPYTHON_TASK_LAYOUT_H
#define TARE_CPYTHON_TASK_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Where the tasks are kept. */
enum py_task_list {
	PY_TASKS_IN_SETS, /* asyncio.tasks: a WeakSet, a set, a dict */
	PY_TASKS_LINKED,  /* lists of each thread and interpreter, and those */
};

/* How a suspended coroutine tells what it awaits. */
enum py_await_kind {
	/* The top of its stack by a count of words, provided that the
	 * instruction to resume with says that it awaits. */
	PY_AWAIT_BY_RESUME,
	PY_AWAIT_BY_COUNT,   /* the same, said by the state */
	PY_AWAIT_BY_POINTER, /* by a pointer to the top, said by the state */
};

/*
 * Group, name, width in bytes (a node of a list is two words); PY_ABSENT where
 * a build lacks it.
 */
#define PY_TASK_FIELDS(X)          \
	X(interp, modules, 8)      \
	X(interp, tasks_head, 16)  \
	X(thread, dict, 8)         \
	X(thread, running_loop, 8) \
	X(thread, running_task, 8) \
	X(thread, tasks_head, 16)  \
	X(task, loop, 8)           \
	X(task, callback0, 8)      \
	X(task, callbacks, 8)      \
	X(task, state, 4)          \
	X(task, waiter, 8)         \
	X(task, coro, 8)           \
	X(task, name, 8)           \
	X(task, node, 16)          \
	X(gen, frame_state, 1)     \
	X(gen, frame, 8)           \
	X(frame, stack, 4)         \
	X(frame, locals, 8)        \
	X(set, used, 8)            \
	X(set, mask, 8)            \
	X(set, table, 8)           \
	X(tuple, items, 8)

/* Where the items of a tuple begin, at most. */
#define PY_TUPLE_HEAD_MAX 40

#define PY_TASK_GROUPS(X) \
	X(interp)         \
	X(thread)         \
	X(task)           \
	X(gen)            \
	X(frame)          \
	X(set)            \
	X(tuple)

#define PY_TASK_SIZE_MAX 512
#define PY_SET_SIZE_MAX 512
#define PY_GEN_SIZE_MAX 512

struct py_task_layout {
	enum py_task_list list;
	enum py_await_kind await_kind;
	uint32_t await_depth; /* so many words below the top */
	/* gen.frame_state: not begun, awaiting, running. */
	int8_t created, awaiting, executing;
	/* PY_AWAIT_BY_RESUME: the opcodes that resume a frame. */
	uint8_t resume, resume_other;
	/* The table in a section of its own, where there is one. */
	uint32_t section_size;
#define X(group, name, width) uint32_t group##_##name;
	PY_TASK_FIELDS(X)
#undef X
#define X(group) uint32_t group##_size;
	PY_TASK_GROUPS(X)
#undef X
};

struct py_process;

/*
 * The layout of `p`, checked, but for what the section of asyncio tells.
 * ERR_NO: the tasks of this release are not read.
 */
int py_task_layout_read(struct py_process *p, struct py_task_layout *l,
			struct err *err);

/* Add what the section tells, `table` of section_size bytes, hostile. */
int py_task_layout_add(struct py_process *p, struct py_task_layout *l,
		       const uint64_t *table, struct err *err);

#endif

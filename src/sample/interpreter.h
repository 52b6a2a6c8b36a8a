/* SPDX-License-Identifier: MIT */
/*
 * The Python of one process: its threads' stacks, tick by tick.
 */
#ifndef TARE_SAMPLE_INTERPRETER_H
#define TARE_SAMPLE_INTERPRETER_H

#include "cpython/process.h"
#include "sample/look.h"
#include "sample/names.h"
#include "sample/roster.h"
#include "sample/task_times.h"
#include "sample/threads.h"

struct interpreter {
	struct py_process process;
	struct roster roster;
	struct names *names;
	struct look look;
	struct task_times *task_times; /* NULL: not asked for */
	struct tasks *tasks;
	struct profile *profile;
	uint64_t interp; /* whose collector is looked at */
	struct py_collections base[PY_GENERATIONS];
	bool has_base;
	uint64_t listed_ns;
	uint64_t alive_ns; /* when Python threads were last there */
};

/*
 * Find the Python in `t`, whose threads are `tasks`; none of the arguments is
 * owned. ERR_NO: there is none (yet); else as py_process_open().
 */
int interpreter_open(struct interpreter **out, struct target *t,
		     struct tasks *tasks, double rate_hz, struct err *err);

/* NULL is allowed. */
void interpreter_close(struct interpreter *i);

/*
 * Read all stacks. `now_ns` is CLOCK_MONOTONIC, `at_ns` the same in profile
 * time. ERR_GONE: the process is over.
 */
int interpreter_look(struct interpreter *i, uint64_t now_ns, uint64_t at_ns,
		     struct err *err);

/* The same with a list of threads that is read anew. */
int interpreter_look_anew(struct interpreter *i, uint64_t now_ns,
			  uint64_t at_ns, struct err *err);

/* From now on, read the tasks of asyncio as well. ERR_NOMEM. */
int interpreter_follow_tasks(struct interpreter *i, struct err *err);

/* Read them, if they were asked for and it is time to. */
void interpreter_read_tasks(struct interpreter *i, uint64_t now_ns,
			    uint64_t at_ns);

/* Read them now, and list them in the profile. */
void interpreter_list_tasks(struct interpreter *i, uint64_t at_ns);

/* See to it that those who have moved are asked what they do now. */
void interpreter_ask(struct interpreter *i);

/* Give what was read to the profile, with the states that `tasks` have. */
void interpreter_sample(struct interpreter *i);

/*
 * For a while there was no Python thread where we look. ERR_OK: it is not so,
 * or the interpreter is shutting down. ERR_GONE: the process has ended.
 * ERR_NO: it has become another program; close and open again.
 */
int interpreter_check(struct interpreter *i, uint64_t now_ns);

/* The Python stack of one thread, newest frame first. */
struct interpreter_stack {
	VEC(uint32_t) frames; /* of the profile, or NAMES_HIDDEN */
	VEC(bool) is_entry;   /* as in native_merge() */
};

/*
 * Read that of thread `tid`, which is taken to stand still; empty when it has
 * no Python. ERR_NO: it did not stand still.
 */
int interpreter_read(struct interpreter *i, pid_t tid, uint64_t at_ns,
		     struct interpreter_stack *out, struct err *err);

/* Add what the interpreter itself counts. */
void interpreter_account(struct interpreter *i, struct process_figures *f);

/* The caller's turn must not be taken from the target. */
void interpreter_step_aside(struct interpreter *i);

#endif

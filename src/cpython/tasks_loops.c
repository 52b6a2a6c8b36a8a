/* SPDX-License-Identifier: MIT */
/*
 * Which thread runs which loop, where the lists of tasks do not tell: the
 * thread state does, or the dict that each thread has for extensions, under a
 * name of asyncio's. That is looked at when threads came or went, and from time
 * to time.
 */
#include "cpython/tasks_internal.h"

/* A loop that no thread was found for is looked for again after so many
 * readings, all of them after so many. */
#define AGE_UNKNOWN 8
#define AGE_MAX 64

/* A dict costs four calls. */
#define THREADS_MAX 256

static const char *const loop_name = "__asyncio_running_event_loop__";

static uint64_t thread_of(const struct py_tasks_reader *r, uint64_t loop)
{
	for (uint32_t i = 0; i < r->loop_threads.nr; i++)
		if (r->loop_threads.at[i].loop == loop)
			return r->loop_threads.at[i].thread;
	return 0;
}

static bool has_unknown(const struct py_tasks_reader *r)
{
	uint64_t known = 0;

	for (uint32_t i = 0; i < r->now->task.nr; i++) {
		uint64_t loop = r->now->task.at[i].loop;

		if (!loop || loop == known || r->now->task.at[i].fut_state)
			continue;
		if (!thread_of(r, loop))
			return true;
		known = loop;
	}
	return false;
}

static bool is_due(struct py_tasks_reader *r, const struct py_threads *threads)
{
	r->loops_age++;
	return r->loops_thread_nr != threads->thread.nr ||
	       r->loops_age >= AGE_MAX ||
	       (r->loops_age >= AGE_UNKNOWN && has_unknown(r));
}

/* Ask for one word of each thread state. */
static int ask_threads(struct py_tasks_reader *r,
		       const struct py_threads *threads, uint32_t nr,
		       uint32_t offset, struct err *err)
{
	bulk_clear(&r->bulk);
	for (uint32_t i = 0; i < nr; i++)
		bulk_ask(&r->bulk, threads->thread.at[i].addr + offset, 8);
	return bulk_run(&r->bulk, err);
}

static int look_at_threads(struct py_tasks_reader *r,
			   const struct py_threads *threads, struct err *err)
{
	uint32_t nr = threads->thread.nr;
	int rc =
		ask_threads(r, threads, nr, r->layout.thread_running_loop, err);

	r->loop_threads.nr = 0;
	for (uint32_t i = 0; !rc && i < nr; i++) {
		struct loop_thread one = { .loop = bulk_word(&r->bulk, i),
					   .thread =
						   threads->thread.at[i].addr };

		if (one.loop && !vec_push(&r->loop_threads, one))
			rc = err_nomem(err);
	}
	return rc;
}

static int look_at_dicts(struct py_tasks_reader *r,
			 const struct py_threads *threads, struct err *err)
{
	uint64_t dicts[THREADS_MAX];
	uint32_t nr = threads->thread.nr;
	int rc;

	r->loops_age = 0;
	r->loops_thread_nr = nr;
	r->loop_threads.nr = 0;
	nr = nr < THREADS_MAX ? nr : THREADS_MAX;
	rc = ask_threads(r, threads, nr, r->layout.thread_dict, err);
	for (uint32_t i = 0; i < nr; i++)
		dicts[i] = rc ? 0 : bulk_word(&r->bulk, i);
	for (uint32_t i = 0; !rc && i < nr; i++) {
		struct loop_thread one = { .thread =
						   threads->thread.at[i].addr };

		if (!dicts[i])
			continue;
		rc = py_dict_find(&r->bulk, dicts[i], &loop_name, 1, &one.loop,
				  err);
		if (rc == ERR_CORRUPT)
			rc = ERR_OK;
		else if (!rc && one.loop && !vec_push(&r->loop_threads, one))
			rc = err_nomem(err);
	}
	return rc;
}

static bool add_thread(struct py_tasks_reader *r, const struct loop_thread *one)
{
	struct py_task_loop loop = { .addr = one->loop,
				     .thread_addr = one->thread };

	for (uint32_t i = 0; i < r->out.loop.nr; i++)
		if (r->out.loop.at[i].addr == one->loop) {
			r->out.loop.at[i].thread_addr = one->thread;
			return true;
		}
	return vec_push(&r->out.loop, loop);
}

int py_tasks_loops(struct py_tasks_reader *r, const struct py_threads *threads,
		   struct err *err)
{
	int rc = ERR_OK;

	if (r->layout.list == PY_TASKS_LINKED)
		return ERR_OK;
	if (r->layout.thread_running_loop != PY_ABSENT)
		rc = look_at_threads(r, threads, err);
	else if (r->layout.thread_dict != PY_ABSENT && is_due(r, threads))
		rc = look_at_dicts(r, threads, err);
	for (uint32_t i = 0; !rc && i < r->loop_threads.nr; i++)
		if (!add_thread(r, &r->loop_threads.at[i]))
			rc = err_nomem(err);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include "sample/interpreter.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "os/clock.h"

/*
 * How often the list of threads is compared with what is there (most changes
 * are seen at once, see look.c); and while a thread is in it that has not
 * begun.
 */
#define LIST_NS (20 * CLOCK_MS_NS)
#define LIST_BEGIN_NS CLOCK_MS_NS

/* Without a Python thread for this long, see what became of the target. */
#define ABSENCE_NS (20 * CLOCK_MS_NS)

static uint64_t seed(void)
{
	uint64_t value = 0;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		value = clock_now_ns();
	return value;
}

int interpreter_open(struct interpreter **out, struct target *t,
		     struct tasks *tasks, double rate_hz, struct err *err)
{
	struct interpreter *i = calloc(1, sizeof(*i));
	int rc;

	*out = NULL;
	if (!i)
		return err_nomem(err);
	i->tasks = tasks;
	i->profile = tasks->profile;
	rc = py_process_open(&i->process, t, err);
	if (rc) {
		free(i);
		return rc;
	}
	i->names = names_new(&i->process, i->profile);
	if (!i->names) {
		free(i);
		return err_nomem(err);
	}
	roster_init(&i->roster, &i->process, i->profile, tasks);
	look_init(&i->look, &i->process, &i->roster, i->names, rate_hz, seed());
	i->alive_ns = clock_now_ns();
	*out = i;
	return ERR_OK;
}

void interpreter_close(struct interpreter *i)
{
	if (!i)
		return;
	task_times_free(i->task_times);
	roster_release(&i->roster);
	look_release(&i->look);
	names_free(i->names);
	free(i);
}

int interpreter_follow_tasks(struct interpreter *i, struct err *err)
{
	i->task_times = task_times_new(&i->process, i->names, i->profile,
				       i->tasks->process);
	return i->task_times ? ERR_OK : err_nomem(err);
}

void interpreter_read_tasks(struct interpreter *i, uint64_t now_ns,
			    uint64_t at_ns)
{
	if (!i->task_times || !task_times_due(i->task_times, now_ns))
		return;
	/* It takes a hundred times as long as a look: not in the time of the
	 * thread that is looked at. */
	interpreter_step_aside(i);
	task_times_read(i->task_times, &i->roster.list, at_ns);
}

void interpreter_list_tasks(struct interpreter *i, uint64_t at_ns)
{
	if (!i->task_times)
		return;
	task_times_read(i->task_times, &i->roster.list, at_ns);
	task_times_list(i->task_times);
}

/* All of it: of an interpreter that is coming up not all is there yet. */
static bool knows_collector(const struct interpreter *i)
{
	return i->look.has_collector && i->look.collector_gil && i->has_base &&
	       py_collector_is_whole(&i->look.collector);
}

static void find_collector(struct interpreter *i)
{
	uint32_t nr = i->roster.list.interp.nr;
	/* The newest comes first, the main one last. */
	uint64_t interp = nr ? i->roster.list.interp.at[nr - 1] : 0;
	struct err ignored;

	if (interp == i->interp && knows_collector(i))
		return;
	i->has_base = i->has_base && interp == i->interp;
	i->interp = interp;
	look_find_collector(&i->look, interp);
	/* What was collected before we came is not ours to tell. */
	if (!i->has_base && i->look.has_collector)
		i->has_base = !py_collector_count(&i->look.collector, i->base,
						  &ignored);
	/* A child that was forked has the counts of its parent. */
	if (i->tasks->fresh && !i->tasks->process)
		memset(i->base, 0, sizeof(i->base));
}

void interpreter_account(struct interpreter *i, struct process_figures *f)
{
	static const enum process_figure figures[PY_GENERATIONS] = {
		PROCESS_COLLECTIONS_0,
		PROCESS_COLLECTIONS_1,
		PROCESS_COLLECTIONS_2,
	};
	struct py_collections now[PY_GENERATIONS];
	struct err ignored;

	if (!i->has_base ||
	    py_collector_count(&i->look.collector, now, &ignored))
		return;
	for (int n = 0; n < PY_GENERATIONS; n++)
		if (now[n].nr >= i->base[n].nr)
			process_set(f, figures[n], now[n].nr - i->base[n].nr);
}

static void refresh_list(struct interpreter *i, uint64_t now_ns, uint64_t at_ns,
			 struct err *err)
{
	/* A list that changes while it is read is read again at the next
	 * tick; the threads known so far remain. */
	if (!roster_refresh(&i->roster, at_ns, err))
		i->look.list_changed = false;
	gil_find(&i->look.gil, &i->process);
	gil_list_waits(&i->process, &i->roster.list, &i->tasks->wait);
	find_collector(i);
	i->listed_ns = now_ns;
}

int interpreter_look(struct interpreter *i, uint64_t now_ns, uint64_t at_ns,
		     struct err *err)
{
	uint64_t every = i->roster.all_begun ? LIST_NS : LIST_BEGIN_NS;

	if (i->look.list_changed || now_ns - i->listed_ns >= every)
		refresh_list(i, now_ns, at_ns, err);
	return look_at_all(&i->look, at_ns, err);
}

int interpreter_look_anew(struct interpreter *i, uint64_t now_ns,
			  uint64_t at_ns, struct err *err)
{
	refresh_list(i, now_ns, at_ns, err);
	return look_at_all(&i->look, at_ns, err);
}

/* On a CPU, and there in the program or in the collector? */
static enum thread_state running_state(const struct interpreter *i,
				       const struct roster_thread *t)
{
	static const enum thread_state states[] = {
		[PY_COLLECTING_NOT_KNOWN] = STATE_ON_CPU,
		[PY_COLLECTING_NO] = STATE_ON_CPU,
		[PY_COLLECTING_0] = STATE_COLLECTING_0,
		[PY_COLLECTING_1] = STATE_COLLECTING_1,
		[PY_COLLECTING_2] = STATE_COLLECTING_2,
		[PY_COLLECTING_ANY] = STATE_COLLECTING,
	};

	return states[look_collecting(&i->look, t)];
}

void interpreter_ask(struct interpreter *i)
{
	struct roster *r = &i->roster;

	for (uint32_t n = 0; n < r->threads.nr; n++) {
		const struct roster_thread *t = r->threads.at[n];
		struct task *task = t->seen && t->changed
					    ? tasks_find(i->tasks, t->tid)
					    : NULL;

		if (task)
			task_ask(task);
	}
}

static void sample_one(struct interpreter *i, struct roster_thread *t)
{
	struct task *task = tasks_find(i->tasks, t->tid);
	enum thread_state state = STATE_UNKNOWN;

	if (task) {
		/* It is over: what was read belongs to nobody any more. */
		if (task->gone || task->sampled)
			return;
		task->sampled = true;
		state = task->told;
		profile_stood(i->profile, t->in_profile, task->stood);
		if (state == STATE_ON_CPU)
			state = running_state(i, t);
	}
	profile_sample(i->profile, t->in_profile, t->node, t->quality, state);
}

/* Who holds the GIL, by the same reading as the stacks. */
static void sample_gil(struct interpreter *i)
{
	struct profile *p = i->profile;
	struct profile_process *process = &p->processes.at[i->tasks->process];
	uint64_t holder = gil_held_by(&i->look.gil);

	if (!i->look.gil_always || !i->look.gil.seen)
		return;
	process->gil_ticks += p->stands_for;
	if (!holder)
		return;
	process->gil_held_ticks += p->stands_for;
	for (uint32_t n = 0; n < i->roster.threads.nr; n++) {
		const struct roster_thread *t = i->roster.threads.at[n];

		if (t->raw.addr == holder)
			p->threads.at[t->in_profile].gil_ticks += p->stands_for;
	}
}

static void sample_all(struct interpreter *i, bool with_stack)
{
	const struct roster *r = &i->roster;
	bool several = r->list.interp.nr > 1;
	uint32_t nr = several ? r->list.thread.nr : r->threads.nr;

	for (uint32_t n = 0; n < nr; n++) {
		uint32_t at = several ? map_get(&r->by_addr,
						r->list.thread.at[n].addr)
				      : n;
		struct roster_thread *t =
			at < r->threads.nr ? r->threads.at[at] : NULL;

		if (t && t->seen && !t->node == !with_stack)
			sample_one(i, t);
	}
}

/*
 * A thread may have a state in several interpreters; the newest one in which
 * it is running something is what it does. The list has the newest first; the
 * roster has them as they were found.
 */
void interpreter_sample(struct interpreter *i)
{
	sample_gil(i);
	sample_all(i, true);
	sample_all(i, false);
}

static int what_became(struct interpreter *i)
{
	struct py_process now;
	struct err err;
	int rc = py_process_open(&now, i->process.target, &err);

	if (rc == ERR_GONE)
		return ERR_GONE;
	if (rc == ERR_OK && now.runtime_addr == i->process.runtime_addr &&
	    now.layout.version == i->process.layout.version)
		return ERR_OK;
	return ERR_NO;
}

int interpreter_check(struct interpreter *i, uint64_t now_ns)
{
	if (i->roster.threads.nr && !i->look.list_changed) {
		i->alive_ns = now_ns;
		return ERR_OK;
	}
	if (now_ns - i->alive_ns < ABSENCE_NS)
		return ERR_OK;
	i->alive_ns = now_ns;
	return what_became(i);
}

void interpreter_step_aside(struct interpreter *i)
{
	place_apart(&i->look.policy.place);
}

/* What the reader of `t` has, by the names of the profile. */
static int take_stack(struct interpreter *i, const struct roster_thread *t,
		      uint64_t at_ns, struct interpreter_stack *out,
		      struct err *err)
{
	const struct py_frame *frames;
	uint32_t nr, stable, frame;

	frames = py_reader_frames(t->reader, &nr, &stable);
	for (uint32_t n = 0; n < nr; n++) {
		int rc = names_frame(i->names, &frames[n], at_ns, &frame, err);

		if (rc)
			return rc;
		if (!vec_push(&out->frames, frame) ||
		    !vec_push(&out->is_entry, false))
			return err_nomem(err);
	}
	if (nr)
		py_reader_entries(t->reader, out->is_entry.at);
	return ERR_OK;
}

int interpreter_read(struct interpreter *i, pid_t tid, uint64_t at_ns,
		     struct interpreter_stack *out, struct err *err)
{
	out->frames.nr = out->is_entry.nr = 0;
	/* It has a state in each interpreter that it was in; in one it runs. */
	for (uint32_t n = 0; n < i->roster.threads.nr && !out->frames.nr; n++) {
		struct roster_thread *t = i->roster.threads.at[n];
		bool whole;
		int rc;

		if (t->tid != tid)
			continue;
		rc = look_at_one(&i->look, t, &whole, err);
		if (!rc && !whole)
			rc = err_set(err, ERR_NO, "the thread has moved");
		if (!rc)
			rc = take_stack(i, t, at_ns, out, err);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

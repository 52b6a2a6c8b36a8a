/* SPDX-License-Identifier: MIT */
#include "sample/task_times.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cpython/tasks.h"
#include "os/clock.h"

/* How often to ask whether asyncio is there yet: 3 system calls. */
#define ABSENT_NS (20 * CLOCK_MS_NS)

/*
 * Between two readings there are at least this long and this many times what
 * the last one took, so that they take less than 5 % of a CPU; and up to twice
 * that, by chance, so that no rhythm of the program can hide from them.
 */
#define REST_NS (10 * CLOCK_MS_NS)
#define REST_FACTOR 20

/* Tasks that wait for each other, one for the next, in one stack. */
#define CHAIN_MAX 256

/* What was known of a task at a reading. */
struct seen {
	uint64_t addr, coro;
	uint64_t chain; /* of all tasks that its stack goes through */
	uint32_t node;
	uint32_t row; /* MAP_NONE: no time */
};

struct reading {
	VEC(struct seen) of; /* in the order of py_tasks.task */
	struct map ids;	     /* address -> of */
};

struct task_times {
	struct py_tasks_reader *reader;
	struct names *names;
	struct names_memory memory;
	struct profile *profile;
	uint32_t process;
	struct reading readings[2];
	struct reading *now, *last;
	VEC(uint32_t) chain;	     /* of one task, itself first */
	VEC(struct py_frame) frames; /* of that chain, newest first */
	VEC(bool) awaits_tasks;	     /* of each task */
	uint64_t due_ns, read_us;    /* next, last reading */
	uint32_t group_exit;	     /* the function, UINT32_MAX: not met yet */
	uint64_t random;
	bool begun;   /* `now` is the reading at read_us */
	bool skipped; /* a reading after that one was not used */
};

struct task_times *task_times_new(struct py_process *p, struct names *names,
				  struct profile *profile, uint32_t process)
{
	struct task_times *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->reader = py_tasks_new(p);
	if (!t->reader) {
		free(t);
		return NULL;
	}
	t->names = names;
	t->profile = profile;
	t->process = process;
	t->now = &t->readings[0];
	t->last = &t->readings[1];
	t->random = clock_now_ns() | 1;
	t->group_exit = UINT32_MAX;
	return t;
}

/* ---- time --------------------------------------------------------------- */

static uint32_t alive(const struct reading *r)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < r->of.nr; i++)
		nr += r->of.at[i].row != MAP_NONE;
	return nr;
}

static void give(struct task_times *t, const struct reading *r, uint64_t us)
{
	for (uint32_t i = 0; i < r->of.nr; i++)
		if (r->of.at[i].row != MAP_NONE)
			t->profile->awaits.rows.at[r->of.at[i].row].us += us;
}

/*
 * The gap between two readings: half of it to each. A task that is in one of
 * them only began or ended in between, at a moment that is as likely before
 * the middle as after it.
 */
static void give_gap(struct task_times *t, struct await_process *of,
		     uint64_t at_us)
{
	uint64_t gap = at_us - t->read_us;
	double before = (double)alive(t->last), now = (double)alive(t->now);
	double s = (double)gap / 1e6 * (before + now) / 2;

	give(t, t->last, gap / 2);
	give(t, t->now, gap - gap / 2);
	of->squares += s * s;
}

/* Nothing is there any more: the tasks of the last reading have ended. */
static void give_rest(struct task_times *t)
{
	struct await_process *of =
		t->begun && t->now->of.nr
			? awaits_process(&t->profile->awaits, t->process)
			: NULL;

	if (!of || t->profile->now_ns / 1000 < t->read_us)
		return;
	t->last->of.nr = 0;
	give_gap(t, of, t->profile->now_ns / 1000);
}

void task_times_free(struct task_times *t)
{
	if (!t)
		return;
	give_rest(t);
	py_tasks_free(t->reader);
	names_memory_release(&t->memory);
	for (int i = 0; i < 2; i++) {
		vec_release(&t->readings[i].of);
		map_release(&t->readings[i].ids);
	}
	vec_release(&t->chain);
	vec_release(&t->frames);
	vec_release(&t->awaits_tasks);
	free(t);
}

bool task_times_due(const struct task_times *t, uint64_t now_ns)
{
	return now_ns >= t->due_ns;
}

/* ---- what a task does --------------------------------------------------- */

static bool is_believed(const struct py_task *task)
{
	return !task->moved && !task->cut;
}

static const struct seen *earlier(const struct task_times *t,
				  const struct py_task *task)
{
	uint32_t id = map_get(&t->last->ids, task->addr);

	if (id == MAP_NONE || t->last->of.at[id].coro != task->coro)
		return NULL;
	return &t->last->of.at[id];
}

/* Is this the function in which a TaskGroup waits for its tasks? */
static bool is_group_exit(const struct profile *p, uint32_t function)
{
	static const char suffix[] = "/asyncio/taskgroups.py";
	const struct profile_function *f = &p->functions.at[function];
	const char *name = profile_text(p, f->name);
	const char *file = profile_text(p, f->file);
	size_t size = strlen(file), end = sizeof(suffix) - 1;

	return size >= end && !strcmp(file + size - end, suffix) &&
	       (!strcmp(name, "TaskGroup._aexit") ||
		!strcmp(name, "TaskGroup.__aexit__"));
}

static bool is_at_group_exit(struct task_times *t, const struct py_tasks *all,
			     const struct py_task *task, uint64_t at_ns)
{
	uint32_t function;
	struct err ignored;

	if (!task->frame_nr ||
	    names_function(t->names, &all->frames.at[task->frame], at_ns,
			   &function, &ignored))
		return false;
	/* Thousands of tasks may ask. */
	if (t->group_exit != function && !is_group_exit(t->profile, function))
		return false;
	t->group_exit = function;
	return true;
}

/*
 * The task that waits for `task`: the first one by the order of the callbacks,
 * which is that in which they began to. None where that one is not known well
 * enough; where it does not wait (any more), it is nobody's caller.
 */
static uint32_t awaiter_of(struct task_times *t, const struct py_tasks *all,
			   const struct py_task *task, uint64_t at_ns)
{
	const struct py_task_awaiter *first;
	const struct py_task *by;
	uint32_t id;

	if (!task->awaiter_nr)
		return MAP_NONE;
	first = &all->awaiters.at[task->awaiter];
	id = map_get(&t->now->ids, first->addr);
	if (id == MAP_NONE)
		return MAP_NONE;
	by = &all->task.at[id];
	if (!is_believed(by) || by->state != PY_TASK_WAITING ||
	    (first->group && !is_at_group_exit(t, all, by, at_ns)))
		return MAP_NONE;
	return id;
}

/* List the tasks that the stack goes through. False: there are too many. */
static bool list_chain(struct task_times *t, const struct py_tasks *all,
		       uint32_t task, uint64_t at_ns)
{
	t->chain.nr = 0;
	while (task != MAP_NONE) {
		if (t->chain.nr >= CHAIN_MAX || !vec_push(&t->chain, task))
			return false;
		task = awaiter_of(t, all, &all->task.at[task], at_ns);
	}
	return true;
}

/* One number for the tasks of the chain; *same: none of them has changed. */
static uint64_t identify(const struct task_times *t, const struct py_tasks *all,
			 bool *same)
{
	uint64_t hash = 0;

	*same = true;
	for (uint32_t i = 0; i < t->chain.nr; i++) {
		const struct py_task *task = &all->task.at[t->chain.at[i]];

		hash = map_hash(hash ^ task->addr);
		*same = *same && task->same;
	}
	return hash;
}

static bool list_frames(struct task_times *t, const struct py_tasks *all)
{
	t->frames.nr = 0;
	for (uint32_t i = 0; i < t->chain.nr; i++) {
		const struct py_task *task = &all->task.at[t->chain.at[i]];

		for (uint32_t k = 0; k < task->frame_nr; k++)
			if (!vec_push(&t->frames,
				      all->frames.at[task->frame + k]))
				return false;
	}
	return true;
}

/* The stack of a task, that of its awaiter included; false: not known. */
static bool find_node(struct task_times *t, const struct py_tasks *all,
		      uint32_t task, uint64_t at_ns, struct seen *seen)
{
	const struct seen *last = earlier(t, &all->task.at[task]);
	struct err ignored;
	bool same;

	if (!list_chain(t, all, task, at_ns))
		return false;
	seen->chain = identify(t, all, &same);
	if (same && !t->skipped && last && last->chain == seen->chain) {
		seen->node = last->node;
		return true;
	}
	return list_frames(t, all) &&
	       !names_node(t->names, &t->memory, t->frames.at, t->frames.nr,
			   at_ns, &seen->node, &ignored);
}

static enum await_kind kind_of(const struct task_times *t,
			       const struct py_tasks *all, uint32_t task)
{
	static const enum await_kind by_waits[] = {
		[PY_WAITS_NOTHING] = AWAIT_READY,
		[PY_WAITS_TASK] = AWAIT_TASK,
		[PY_WAITS_FUTURE] = AWAIT_FUTURE,
		[PY_WAITS_OTHER] = AWAIT_OTHER,
	};
	const struct py_task *of = &all->task.at[task];

	if (of->state == PY_TASK_RUNNING)
		return AWAIT_RUNNING;
	if (!is_believed(of))
		return AWAIT_UNKNOWN;
	if (of->state == PY_TASK_WAITING && t->awaits_tasks.at[task])
		return AWAIT_TASK;
	return by_waits[of->waits];
}

static void count_one(struct await_process *of, const struct py_task *task,
		      enum await_kind kind, bool is_new)
{
	of->count[AWAIT_TASKS]++;
	of->count[AWAIT_SEEN] += is_new;
	of->count[AWAIT_DOUBTFUL] += kind == AWAIT_UNKNOWN;
	of->count[AWAIT_SEVERAL] += task->awaiter_nr > 1;
}

static bool look_at_one(struct task_times *t, const struct py_tasks *all,
			uint32_t task, uint64_t at_ns, struct await_process *of)
{
	const struct py_task *one = &all->task.at[task];
	struct seen *seen = &t->now->of.at[task];
	enum await_kind kind;

	if (one->state == PY_TASK_DONE)
		return true;
	kind = kind_of(t, all, task);
	if (AWAIT_BIT(kind) & AWAITS_AWAITED &&
	    !find_node(t, all, task, at_ns, seen)) {
		seen->node = 0;
		seen->chain = 0; /* of no task that is the same later */
		kind = AWAIT_UNKNOWN;
	}
	count_one(of, one, kind, !earlier(t, one));
	seen->row =
		awaits_row(&t->profile->awaits, t->process, seen->node, kind);
	return seen->row != MAP_NONE;
}

/* ---- a reading ---------------------------------------------------------- */

/* Number the tasks of this reading. */
static bool take_tasks(struct task_times *t, const struct py_tasks *all)
{
	struct reading *before = t->last;

	t->last = t->now;
	t->now = before;
	t->now->of.nr = 0;
	map_clear(&t->now->ids);
	for (uint32_t i = 0; i < all->task.nr; i++) {
		const struct py_task *task = &all->task.at[i];
		struct seen seen = { .addr = task->addr,
				     .coro = task->coro,
				     .row = MAP_NONE };

		if (!vec_push(&t->now->of, seen) ||
		    !map_put(&t->now->ids, task->addr, i))
			return false;
	}
	return true;
}

/* Tasks that wait for others, whatever object is in between. */
static bool note_awaiters(struct task_times *t, const struct py_tasks *all,
			  uint64_t at_ns)
{
	t->awaits_tasks.nr = 0;
	for (uint32_t i = 0; i < all->task.nr; i++)
		if (!vec_push(&t->awaits_tasks, false))
			return false;
	for (uint32_t i = 0; i < all->awaiters.nr; i++) {
		const struct py_task_awaiter *by = &all->awaiters.at[i];
		uint32_t id = map_get(&t->now->ids, by->addr);

		if (id != MAP_NONE &&
		    (!by->group ||
		     is_at_group_exit(t, all, &all->task.at[id], at_ns)))
			t->awaits_tasks.at[id] = true;
	}
	return true;
}

static bool take(struct task_times *t, const struct py_tasks *all,
		 uint64_t at_ns)
{
	struct await_process *of =
		awaits_process(&t->profile->awaits, t->process);
	uint64_t at_us = at_ns / 1000, nr;

	if (!of || !take_tasks(t, all) || !note_awaiters(t, all, at_ns))
		return false;
	for (uint32_t i = 0; i < all->task.nr; i++)
		if (!look_at_one(t, all, i, at_ns, of))
			return false;
	if (t->begun)
		give_gap(t, of, at_us);
	nr = alive(t->now);
	if (nr > of->count[AWAIT_MOST])
		of->count[AWAIT_MOST] = nr;
	of->count[AWAIT_READINGS]++;
	of->count[AWAIT_CUT] += all->cut;
	t->read_us = at_us;
	t->begun = true;
	t->skipped = false;
	return true;
}

/* asyncio is not there (yet): no tasks, and no reading that is told of. */
static void take_none(struct task_times *t, uint64_t at_ns)
{
	t->now->of.nr = t->last->of.nr = 0;
	map_clear(&t->now->ids);
	map_clear(&t->last->ids);
	t->read_us = at_ns / 1000;
	t->begun = true;
	t->due_ns = py_tasks_known(t->reader) ? clock_now_ns() + ABSENT_NS
					      : UINT64_MAX;
}

void task_times_read(struct task_times *t, const struct py_threads *threads,
		     uint64_t at_ns)
{
	const struct py_tasks *all = py_tasks_last(t->reader);
	uint64_t before_ns = clock_cpu_ns(), rest_ns;
	struct await_process *of;
	struct err ignored;
	int rc = py_tasks_read(t->reader, threads, &ignored);

	if (rc == ERR_NO) {
		take_none(t, at_ns);
		return;
	}
	of = awaits_process(&t->profile->awaits, t->process);
	if (of && !rc && all->torn)
		of->count[AWAIT_TORN]++;
	if (rc || all->torn)
		t->skipped = true;
	else if (!take(t, all, at_ns))
		t->profile->failed = true;
	rest_ns = (clock_cpu_ns() - before_ns) * REST_FACTOR;
	if (rest_ns < REST_NS)
		rest_ns = REST_NS;
	t->due_ns = clock_now_ns() +
		    (uint64_t)((double)rest_ns * (1 + random_next(&t->random)));
}

/* ---- as a list ---------------------------------------------------------- */

static uint32_t own_node(struct task_times *t, const struct py_tasks *all,
			 const struct py_task *task, uint64_t at_ns)
{
	uint32_t node = 0;
	struct err ignored;

	/* What cannot be named is left out; the root side stays. */
	(void)!names_node(t->names, &t->memory, all->frames.at + task->frame,
			  task->frame_nr, at_ns, &node, &ignored);
	return node;
}

static bool list_one(struct task_times *t, const struct py_tasks *all,
		     uint32_t task, uint64_t at_ns)
{
	const struct py_task *of = &all->task.at[task];
	struct profile *p = t->profile;
	const char *name = buf_str(&all->text) + of->name;
	struct await_task one = { .kind = kind_of(t, all, task),
				  .done = of->state == PY_TASK_DONE,
				  .awaiter = awaiter_of(t, all, of, at_ns) };

	one.name = profile_string(p, name, strlen(name));
	if (one.kind != AWAIT_UNKNOWN && !one.done)
		one.node = own_node(t, all, of, at_ns);
	return vec_push(&p->awaits.tasks, one);
}

void task_times_list(struct task_times *t)
{
	const struct py_tasks *all = py_tasks_last(t->reader);
	struct profile *p = t->profile;

	/* Without a reading there is no number of any task. */
	if (t->now->of.nr != all->task.nr)
		return;
	p->awaits.tasks.nr = 0;
	for (uint32_t i = 0; i < all->task.nr; i++)
		if (!list_one(t, all, i, p->now_ns))
			p->failed = true;
}

/* SPDX-License-Identifier: MIT */
#include "sample/threads.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "os/clock.h"
#include "os/procfs.h"

/* How often the number of threads is compared, and the list read anyway. */
#define COUNT_NS (20 * CLOCK_MS_NS)
#define LIST_EVERY 10

/*
 * A thread that has waited for LONG_WAIT_NS is asked again after a part of
 * that time: it may have been up for that much less than a thirty-second part
 * of what it slept. Its times are the kernel's all the same.
 */
#define LONG_WAIT_NS (32 * CLOCK_MS_NS)
#define LONG_WAIT_PART 32
#define LONG_WAIT_MAX_NS (32 * CLOCK_MS_NS)

/*
 * One that has slept on by the kernel's count can still have been woken, and
 * stand in the queue for a CPU. Where it stood there for less than this part of
 * its time lately, it is asked every so often only.
 */
#define QUEUE_PART 64
#define SLEPT_NS (8 * CLOCK_MS_NS)

/* How old the kernel's count of a waiting thread may get: it tells whether
 * this is still the same wait. */
#define COUNT_FRESH_NS (8 * CLOCK_MS_NS)

/* What has to be made up for is forgotten beyond this, see balanced(). */
#define LEAD_MAX 4

void tasks_init(struct tasks *ts, struct target *t, struct profile *p,
		uint32_t process, bool fresh)
{
	memset(ts, 0, sizeof(*ts));
	ts->pid = target_pid(t);
	ts->process = process;
	ts->profile = p;
	ts->fresh = ts->known_from_start = fresh;
	/* Counted at each beat of the kernel, which may come a little late. */
	ts->lag_ns = clock_jiffy_ns() * 5 / 4;
	ts->random = map_hash((uint64_t)ts->pid) | 1;
	wait_init(&ts->wait, t);
}

/* ---- who there is ------------------------------------------------------- */

static void name_thread(struct tasks *ts, struct task *t)
{
	struct profile_thread *out = &ts->profile->threads.at[t->in_profile];
	char name[64] = "";

	out->main = t->tid == ts->pid;
	if (!task_name(ts->pid, t->tid, name, sizeof(name)))
		return;
	out->name = profile_string(ts->profile, name, strlen(name));
}

static bool read_sched(struct task *t, uint64_t now_ns)
{
	const struct task_sched before = t->last;

	if (!task_read_sched(&t->files, &t->last))
		return false;
	if (t->last.run_nr != before.run_nr)
		t->queues = (t->last.queue_ns - before.queue_ns) * QUEUE_PART >
			    now_ns - t->last_ns;
	/* A thread that executes another program takes over the number of the
	 * main one, and the file of that shows its counts from then on. */
	if (t->last.cpu_ns < t->begin.cpu_ns ||
	    t->last.queue_ns < t->begin.queue_ns)
		t->begin = (struct task_sched){ 0 };
	if (t->last.cpu_ns < t->led_ns)
		t->led_ns = 0;
	t->last_ns = now_ns;
	return true;
}

static void free_task(struct task *t)
{
	task_close(&t->files);
	free(t);
}

static struct task *new_task(struct tasks *ts, pid_t tid, uint64_t at_ns)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->tid = tid;
	task_open(&t->files, ts->pid, tid);
	if (t->files.sched < 0 && !task_exists(ts->pid, tid)) {
		free_task(t);
		return NULL;
	}
	t->listed = true;
	if (read_sched(t, clock_now_ns()) && !ts->known_from_start)
		t->begin = t->last;
	t->led_ns = t->last.cpu_ns;
	t->in_profile =
		profile_add_thread(ts->profile, ts->process, tid, at_ns);
	name_thread(ts, t);
	return t;
}

struct task *tasks_find(const struct tasks *ts, pid_t tid)
{
	uint32_t index = map_get(&ts->by_tid, (uint64_t)tid);

	return index == MAP_NONE ? NULL : ts->task.at[index];
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void account(struct tasks *ts, struct task *t, uint64_t at_ns)
{
	struct profile_thread *out = &ts->profile->threads.at[t->in_profile];
	uint64_t run_nr = t->last.run_nr;

	if (!t->gone)
		read_sched(t, clock_now_ns());
	if (!t->last_ns)
		return;
	/* What it was last seen to wait for is over. */
	if (t->last.run_nr != run_nr)
		t->since_ns = 0;
	out->has_sched = true;
	out->cpu_ns = larger(out->cpu_ns, t->last.cpu_ns - t->begin.cpu_ns);
	out->run_queue_ns =
		larger(out->run_queue_ns, t->last.queue_ns - t->begin.queue_ns);
	if (at_ns > out->end_ns)
		out->end_ns = at_ns;
}

/* It has ended. Samples of it may still be underway. */
static void let_go(struct tasks *ts, struct task *t)
{
	account(ts, t, 0);
	/* Without memory they are without an owner, and counted as that. */
	map_put(&ts->ended, (uint64_t)t->tid, t->in_profile);
	free_task(t);
}

uint32_t tasks_in_profile(const struct tasks *ts, pid_t tid)
{
	const struct task *t = tasks_find(ts, tid);

	return t ? t->in_profile : map_get(&ts->ended, (uint64_t)tid);
}

void tasks_forget_ended(struct tasks *ts)
{
	map_clear(&ts->ended);
}

static void forget(struct tasks *ts, struct task *t)
{
	uint32_t index = map_get(&ts->by_tid, (uint64_t)t->tid);

	let_go(ts, t);
	ts->task.at[index] = ts->task.at[--ts->task.nr];
	map_clear(&ts->by_tid);
	for (uint32_t i = 0; i < ts->task.nr; i++)
		map_put(&ts->by_tid, (uint64_t)ts->task.at[i]->tid, i);
}

struct task *tasks_get(struct tasks *ts, pid_t tid, uint64_t at_ns)
{
	struct task *t = tasks_find(ts, tid);

	if (t && !t->gone)
		return t;
	/* The number of a thread that ended was given to another one. */
	if (t)
		forget(ts, t);
	t = new_task(ts, tid, at_ns);
	if (!t)
		return NULL;
	if (!vec_push(&ts->task, t)) {
		free_task(t);
		return NULL;
	}
	if (!map_put(&ts->by_tid, (uint64_t)tid, ts->task.nr - 1)) {
		ts->task.nr--;
		free_task(t);
		return NULL;
	}
	return t;
}

/* While threads come and go a list may lack one that is there. */
static bool is_there(const struct tasks *ts, const struct task *t)
{
	return t->listed || (!t->gone && task_exists(ts->pid, t->tid));
}

static void drop_unlisted(struct tasks *ts)
{
	uint32_t kept = 0;

	map_clear(&ts->by_tid);
	for (uint32_t i = 0; i < ts->task.nr; i++) {
		struct task *t = ts->task.at[i];

		if (is_there(ts, t) &&
		    map_put(&ts->by_tid, (uint64_t)t->tid, kept)) {
			ts->task.at[kept++] = t;
			continue;
		}
		let_go(ts, t);
	}
	ts->task.nr = kept;
}

static bool read_list(struct tasks *ts, uint64_t at_ns)
{
	/* Not read: the threads known so far remain. */
	if (!task_list(ts->pid, &ts->list))
		return errno != ENOENT && errno != ESRCH;
	for (uint32_t i = 0; i < ts->task.nr; i++)
		ts->task.at[i]->listed = false;
	for (uint32_t i = 0; i < ts->list.tid.nr; i++) {
		pid_t tid = ts->list.tid.at[i];
		struct task *t = tasks_find(ts, tid);

		/* A zombie is listed until somebody has waited for it. */
		if (!t || (t->gone && procfs_state(tid) != 'Z'))
			t = tasks_get(ts, tid, at_ns);
		if (t)
			t->listed = true;
	}
	drop_unlisted(ts);
	/* From now on, whoever is not there yet has just begun. */
	ts->known_from_start = true;
	return true;
}

bool tasks_refresh(struct tasks *ts, uint64_t now_ns, uint64_t at_ns)
{
	unsigned nr;

	if (ts->listed_ns && now_ns - ts->listed_ns < COUNT_NS)
		return true;
	nr = task_count(ts->pid);
	if (!nr)
		return false;
	if (nr == ts->task.nr && ts->listed_ns &&
	    random_next(&ts->random) * LIST_EVERY >= 1) {
		ts->listed_ns = now_ns;
		return true;
	}
	ts->listed_ns = now_ns;
	return read_list(ts, at_ns);
}

void tasks_release(struct tasks *ts)
{
	for (uint32_t i = 0; i < ts->task.nr; i++) {
		account(ts, ts->task.at[i], 0);
		free_task(ts->task.at[i]);
	}
	vec_release(&ts->task);
	vec_release(&ts->list.tid);
	map_release(&ts->by_tid);
	map_release(&ts->ended);
	wait_release(&ts->wait);
}

/* ---- what they do ------------------------------------------------------- */

/*
 * For how long since `before_ns`, when `before` was read, a runnable thread has
 * been in the queue for a CPU, as far as that is certain. The kernel adds a
 * stay in the queue when it ends; one that has not ended is the time in which
 * the thread did not run.
 */
static uint64_t queued_ns(const struct tasks *ts, const struct task *t,
			  const struct task_sched *before, uint64_t before_ns)
{
	uint64_t gap_ns = ts->look_ns - before_ns, queued = 0;
	uint64_t ran_ns = t->last.cpu_ns - before->cpu_ns + ts->lag_ns;

	if (t->last.run_nr != before->run_nr)
		queued = t->last.queue_ns - before->queue_ns;
	if (t->state != STATE_ON_CPU && t->state != STATE_RUN_QUEUE)
		ran_ns = gap_ns; /* or slept */
	if (gap_ns > ran_ns && gap_ns - ran_ns > queued)
		queued = gap_ns - ran_ns;
	return queued < gap_ns ? queued : gap_ns;
}

/*
 * Of the time since the last tick, the share that is `ns`. A tick may have been
 * interrupted before it came to the looks here: the time between two of those
 * is shorter then than that between two stacks.
 */
static double share_of_gap(const struct tasks *ts, uint64_t ns)
{
	uint64_t gap_ns = ts->profile->now_ns - ts->last_tick_ns;

	return ns < gap_ns ? (double)ns / (double)gap_ns : 1;
}

/*
 * Whether a runnable thread is on a CPU or in the queue for one is not to be
 * seen from outside, but mostly follows from what the kernel has counted since
 * the last look. One that waited, or stood in the queue, and has not run since,
 * is in the queue; one that has, is not.
 */
static enum thread_state running_state(const struct tasks *ts, struct task *t,
				       const struct task_sched *before)
{
	if (t->last.run_nr != before->run_nr ||
	    t->last.cpu_ns != before->cpu_ns)
		t->ran_ns = ts->look_ns;
	else if (t->state != STATE_ON_CPU ||
		 ts->look_ns - t->ran_ns > ts->lag_ns)
		return STATE_RUN_QUEUE;
	return STATE_ON_CPU;
}

/*
 * The kernel's count may be late by `lag_ns`, so a stay in the queue begins
 * with looks that are taken for ones on a CPU. That is made up for: the time
 * told to be on a CPU may not get ahead of the count by more than this. What
 * is told too often and what is told in its place are of the same part of the
 * program, unless that is shorter.
 */
static enum thread_state balanced(const struct tasks *ts, struct task *t,
				  uint64_t ran_ns)
{
	double lag = (double)ts->lag_ns, lead = t->lead_ns - (double)ran_ns;
	double gap = (double)(ts->profile->now_ns - ts->last_tick_ns);
	/* One look for a long gap tells what that mostly was. */
	bool mostly = ts->profile->missed_now && t->stood > 0.5;
	/* What a thread that runs on has not been credited with yet. Without
	 * that the queue was told in long runs only, between two beats, and
	 * the collector, which is one, 1 to 4 points too low. */
	double since = (double)(ts->look_ns - t->ran_ns);
	bool queue = t->state != STATE_ON_CPU || lead - since >= lag || mostly;

	t->lead_ns = fmax(queue ? lead : fmin(lead + gap, LEAD_MAX * lag),
			  -LEAD_MAX * lag);
	return queue ? STATE_RUN_QUEUE : STATE_ON_CPU;
}

static void look_at_runnable(struct tasks *ts, struct task *t)
{
	const struct task_sched before = t->last;
	uint64_t before_ns = t->last_ns;

	t->stood = 0;
	if (!read_sched(t, ts->look_ns)) {
		t->state = t->told = STATE_ON_CPU;
		return;
	}
	t->stood = share_of_gap(ts, queued_ns(ts, t, &before, before_ns));
	t->state = running_state(ts, t, &before);
	/* With what it ran before it was last seen to wait. */
	t->told = balanced(ts, t, t->last.cpu_ns - t->led_ns);
	t->led_ns = t->last.cpu_ns;
}

/*
 * The counts of a thread that was asleep in between, or after: has it not run?
 * What it ran is counted when it leaves the CPU. A kernel that does not count
 * has zeros.
 */
static bool has_not_run(const struct task_sched *before,
			const struct task_sched *after)
{
	return after->run_nr && after->run_nr == before->run_nr &&
	       after->cpu_ns == before->cpu_ns;
}

/* Found asleep now, it may have been so when its counts were read first. */
static uint64_t asleep_since(const struct task *t, uint64_t now_ns)
{
	return t->probe_ns && has_not_run(&t->probe, &t->last) ? t->probe_ns
							       : now_ns;
}

/* Asleep: since when? */
static void note_wait(const struct tasks *ts, struct task *t,
		      enum thread_state state, uint64_t now_ns)
{
	uint64_t fresh_ns = ts->profile->missed_now ? 0 : COUNT_FRESH_NS;
	uint64_t run_nr = t->last.run_nr;
	bool is_old = t->probe_ns ? !t->slept : now_ns - t->last_ns >= fresh_ns;

	if (state != t->state || is_old)
		read_sched(t, now_ns);
	if (state != t->state || t->last.run_nr != run_nr || !t->since_ns)
		t->since_ns = asleep_since(t, now_ns);
	t->stood = share_of_gap(ts, now_ns - t->since_ns);
}

/* Does it wait as it did when it was last asked, more or less for sure? */
static bool waits_on(const struct task *t, uint64_t now_ns)
{
	uint64_t age_ns = t->asked_ns - t->since_ns, believed_ns = 0;

	if (t->ask || !t->since_ns || (t->probe_ns && !t->slept))
		return false;
	if (age_ns >= LONG_WAIT_NS)
		believed_ns =
			smaller(age_ns / LONG_WAIT_PART, LONG_WAIT_MAX_NS);
	if (t->slept && !t->queues)
		believed_ns = larger(believed_ns, SLEPT_NS);
	return now_ns - t->asked_ns < believed_ns;
}

bool task_has_slept(struct task *t, uint64_t since_ns)
{
	t->slept = false;
	/* One that is not known to wait could be running all the time. */
	if (t->gone || t->state == STATE_UNKNOWN || !t->since_ns ||
	    t->since_ns > since_ns)
		return false;
	t->probe_ns = clock_now_ns();
	if (task_read_sched(&t->files, &t->probe))
		t->slept = has_not_run(&t->last, &t->probe);
	else
		t->probe_ns = 0;
	return t->slept;
}

static bool is_name_due(uint32_t look_nr)
{
	return look_nr == 2 || look_nr == 16 || look_nr == 128;
}

/*
 * The kernel has no such file, or the process is another user's since: then
 * nobody may know what the thread waits for, but everybody whether it runs and
 * that it is over.
 */
static enum task_wait_kind kind_of_refused(pid_t tid)
{
	errno = 0;
	switch (procfs_state(tid)) {
	case 'R':
		return TASK_RUNNABLE;
	case 'Z':
	case 'X':
		return TASK_GONE;
	case '\0':
		/* Or could it not be asked, for want of descriptors? */
		return errno == ENOENT || errno == ESRCH ? TASK_GONE
							 : TASK_UNREADABLE;
	default:
		return TASK_UNREADABLE;
	}
}

static void look_at(struct tasks *ts, struct task *t, uint64_t now_ns)
{
	struct task_wait wait;
	enum thread_state state;

	/* A thread has the name of its parent until it gives itself one. */
	if (is_name_due(++t->look_nr) && !t->named)
		name_thread(ts, t);
	t->stood = 1;
	if (t->gone || waits_on(t, now_ns))
		return;
	t->ask = false;
	t->asked_ns = now_ns;
	task_read_wait(&t->files, &wait);
	if (wait.kind == TASK_UNREADABLE)
		wait.kind = kind_of_refused(t->tid);
	if (wait.kind == TASK_GONE) {
		t->gone = true;
		return;
	}
	if (wait.kind == TASK_RUNNABLE) {
		look_at_runnable(ts, t);
		t->since_ns = 0;
		return;
	}
	state = wait_state(&ts->wait, t->tid, &wait, now_ns, &t->gone);
	note_wait(ts, t, state, now_ns);
	t->state = t->told = state;
}

void tasks_forget_names(struct tasks *ts)
{
	for (uint32_t i = 0; i < ts->task.nr; i++) {
		ts->task.at[i]->named = false;
		name_thread(ts, ts->task.at[i]);
	}
}

void task_ask(struct task *t)
{
	t->ask = true;
}

void tasks_look(struct tasks *ts)
{
	/* Not that of the tick: a busy machine may have come in between. */
	ts->look_ns = clock_now_ns();
	for (uint32_t i = 0; i < ts->task.nr; i++) {
		ts->task.at[i]->sampled = false;
		look_at(ts, ts->task.at[i], ts->look_ns);
		ts->task.at[i]->slept = false;
		ts->task.at[i]->probe_ns = 0;
	}
	ts->last_tick_ns = ts->profile->now_ns;
}

void tasks_sample_rest(struct tasks *ts)
{
	for (uint32_t i = 0; i < ts->task.nr; i++) {
		struct task *t = ts->task.at[i];

		if (t->sampled || t->gone)
			continue;
		profile_stood(ts->profile, t->in_profile, t->stood);
		profile_sample(ts->profile, t->in_profile, 0, SAMPLE_NO_PYTHON,
			       t->told);
	}
}

bool tasks_ended(const struct tasks *ts)
{
	const struct task *main = tasks_find(ts, ts->pid);

	return main && main->gone && ts->task.nr == 1;
}

void tasks_account(struct tasks *ts, uint64_t at_ns)
{
	for (uint32_t i = 0; i < ts->task.nr; i++) {
		struct task *t = ts->task.at[i];

		account(ts, t, at_ns);
		/* One that waits for the GIL names itself when it gets it. */
		if (!t->named && !t->gone)
			name_thread(ts, t);
	}
}

/* SPDX-License-Identifier: MIT */
#include "sample/native_stacks.h"

#include <stdlib.h>
#include <string.h>

#include "native/merge.h"
#include "os/clock.h"

/*
 * A thread that was put off its CPU, not to wait but for another thread, so
 * soon after it was sampled has not gone on in between: the kernel was busy
 * with the sample all the time, of which copying the stack takes most. Half of
 * 4200 threads were put aside within 34 us, and all those within 100 us (98 %)
 * stood at the very instruction that was sampled.
 */
#define HELD_NS 100000u

/*
 * On a busy machine a thread that had run on may be put aside within that time
 * all the same (1 of 3000 samples). Its C stack is another one then: so much
 * of it is compared with the copy.
 */
#define COMPARED 4096u

/* Stands for a function of which no frame was made yet. */
#define NO_FRAME UINT32_MAX

/* A sample until it is known whether its thread stood still. */
struct waiting {
	pid_t tid;
	uint32_t thread; /* in the profile */
	uint64_t sample_ns;
	uint64_t read_ns;    /* the Python stack had been read; 0: it was not */
	uint64_t stopped_ns; /* the thread was put aside; 0: not (yet) */
	uint64_t started_ns; /* it got a CPU again; the same */
	enum merge_outcome outcome; /* if it did stand still */
	bool certain;		    /* or if not */
	bool same_stack;      /* its C stack was as in the copy when we read */
	VEC(uint32_t) frames; /* of the profile, newest first */
};

struct native_stacks {
	struct interpreter *python;
	struct tasks *tasks;
	struct native *native;
	VEC(uint32_t) frames; /* of the profile, by number of the function */
	VEC(struct waiting) waiting;
	uint32_t waiting_nr; /* of these; the others keep their memory */
	bool gap;	     /* records were lost: a start may be missing */
	struct interpreter_stack stack;
	struct chain chain;
	uint32_t functions[CHAIN_DEPTH_MAX + 1];
	bool is_loop[CHAIN_DEPTH_MAX + 1];
	uint32_t native_nr;
	VEC(struct merged) merged;
};

struct native_stacks *native_stacks_new(struct interpreter *python,
					struct tasks *tasks, struct native *n)
{
	struct native_stacks *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->python = python;
	s->tasks = tasks;
	s->native = n;
	python->look.policy.stay = true;
	return s;
}

void native_stacks_free(struct native_stacks *s)
{
	if (!s)
		return;
	s->python->look.policy.stay = false;
	for (uint32_t i = 0; i < s->waiting.nr; i++)
		vec_release(&s->waiting.at[i].frames);
	vec_release(&s->waiting);
	vec_release(&s->frames);
	vec_release(&s->stack.frames);
	vec_release(&s->stack.is_entry);
	vec_release(&s->merged);
	free(s);
}

static uint32_t make_frame(struct native_stacks *s, uint32_t function)
{
	struct profile *p = s->tasks->profile;
	const struct native_function *f = native_function(s->native, function);
	const char *path = native_module(s->native, f->module)->path;

	return profile_frame(
		p,
		profile_native_function(
			p, profile_string(p, f->name, strlen(f->name)),
			profile_string(p, path, strlen(path))),
		0);
}

/* The profile's frame of a native function; names are asked for once. */
static uint32_t frame_of(struct native_stacks *s, uint32_t function)
{
	while (s->frames.nr <= function)
		if (!vec_push(&s->frames, NO_FRAME)) {
			s->tasks->profile->failed = true;
			return NAMES_HIDDEN;
		}
	if (s->frames.at[function] == NO_FRAME)
		s->frames.at[function] = make_frame(s, function);
	return s->frames.at[function];
}

static void put_native(struct native_stacks *s, uint32_t function)
{
	s->is_loop[s->native_nr] =
		native_function(s->native, function)->class == NATIVE_LOOP;
	s->functions[s->native_nr++] = function;
}

/* Who called whom in native code; what the kernel does goes on top. */
static void find_natives(struct native_stacks *s, const struct perf_record *r)
{
	native_unwind(s->native, r, &s->chain);
	s->native_nr = 0;
	if (r->in_kernel)
		put_native(s, native_kernel(s->native));
	for (uint32_t i = 0; i < s->chain.nr; i++)
		put_native(s, native_locate(s->native, s->chain.addr[i]));
}

/*
 * Do the two stacks have the same runs of the interpreter's loop? The newest
 * one on the native side may be one more: it has no Python frame yet, or
 * none any more. Of a native stack that is cut the runs that are left must be
 * there.
 */
static enum merge_outcome judge_merge(const struct native_stacks *s,
				      const struct merge_result *m)
{
	if (s->chain.end == CHAIN_WHOLE)
		return m->native_runs == m->python_runs ||
				       m->native_runs == m->python_runs + 1
			       ? MERGE_WHOLE
			       : MERGE_DIFFERENT;
	return m->native_runs <= m->python_runs ? MERGE_CUT : MERGE_DIFFERENT;
}

static bool put_frames(struct native_stacks *s, struct waiting *w,
		       const struct merge_result *m)
{
	for (uint32_t i = 0; i < m->nr; i++) {
		uint32_t index = s->merged.at[i].index;
		uint32_t frame = s->merged.at[i].from == MERGE_NATIVE
					 ? frame_of(s, s->functions[index])
					 : s->stack.frames.at[index];

		if (frame != NAMES_HIDDEN && !vec_push(&w->frames, frame))
			return false;
	}
	return true;
}

/* Is it shown by the native stack alone that no Python was running? */
static bool is_without_python(const struct native_stacks *s)
{
	for (uint32_t i = 0; i < s->native_nr; i++)
		if (s->is_loop[i])
			return false;
	return s->chain.end == CHAIN_WHOLE;
}

static void merge(struct native_stacks *s, struct waiting *w)
{
	uint32_t room = s->native_nr + s->stack.frames.nr;
	struct merge_result m;

	w->certain = is_without_python(s);
	if (w->certain)
		s->stack.frames.nr = 0;
	while (s->merged.nr < room)
		if (!vec_push(&s->merged, ((struct merged){ 0 })))
			goto failed;
	native_merge(s->is_loop, s->native_nr, s->chain.end == CHAIN_WHOLE,
		     s->stack.is_entry.at, s->stack.frames.nr, s->merged.at,
		     &m);
	w->outcome = judge_merge(s, &m);
	if (put_frames(s, w, &m))
		return;
failed:
	s->tasks->profile->failed = true;
}

static struct waiting *add_waiting(struct native_stacks *s)
{
	struct waiting *w;

	if (s->waiting_nr == s->waiting.nr &&
	    !vec_push(&s->waiting, ((struct waiting){ 0 })))
		return NULL;
	w = &s->waiting.at[s->waiting_nr++];
	w->frames.nr = 0;
	w->read_ns = w->stopped_ns = w->started_ns = 0;
	w->certain = w->same_stack = false;
	return w;
}

/* Is the top of the C stack still what the sample has? */
static bool is_unchanged(const struct native_stacks *s,
			 const struct perf_record *r)
{
	uint32_t size = r->stack_size < COMPARED ? r->stack_size : COMPARED;
	uint8_t now[COMPARED];
	struct err ignored;

	return !target_read(s->python->process.target, r->sp, now, size,
			    &ignored) &&
	       !memcmp(now, r->stack, size);
}

/* Python's side first: the thread stands still for a moment only. */
static void take_sample(struct native_stacks *s, const struct perf_record *r)
{
	uint32_t thread = tasks_in_profile(s->tasks, r->tid);
	struct waiting *w = thread == MAP_NONE ? NULL : add_waiting(s);
	struct err ignored;
	int rc;

	if (!w)
		return;
	w->tid = r->tid;
	w->thread = thread;
	w->sample_ns = r->time_ns;
	w->outcome = MERGE_NO_CHAIN;
	if (!r->regs_nr || !r->stack_size)
		return;
	rc = interpreter_read(s->python, r->tid, s->tasks->profile->now_ns,
			      &s->stack, &ignored);
	w->same_stack = is_unchanged(s, r);
	w->read_ns = clock_now_ns();
	find_natives(s, r);
	if (rc)
		s->stack.frames.nr = 0;
	merge(s, w);
	if (rc && !w->certain)
		w->outcome = MERGE_NOT_READ;
}

/* The first stop after the sample counts, and the first start after that. */
static void note_stop(struct native_stacks *s, const struct perf_record *r)
{
	for (uint32_t i = 0; i < s->waiting_nr; i++) {
		struct waiting *w = &s->waiting.at[i];

		if (w->tid != r->tid || r->time_ns < w->sample_ns)
			continue;
		if (r->kind == PERF_RECORD_KIND_STARTED && !w->started_ns)
			w->started_ns = r->time_ns;
		if (r->kind == PERF_RECORD_KIND_STOPPED && !w->stopped_ns)
			w->stopped_ns = r->preempted ? r->time_ns : UINT64_MAX;
	}
}

void native_stacks_take(struct native_stacks *s, const struct perf_record *r)
{
	if (r->kind == PERF_RECORD_KIND_SAMPLE)
		take_sample(s, r);
	else if (r->kind == PERF_RECORD_KIND_LOST)
		s->gap = true;
	else
		note_stop(s, r);
}

static bool stood_still(const struct waiting *w)
{
	return w->same_stack && w->stopped_ns &&
	       w->stopped_ns - w->sample_ns <= HELD_NS &&
	       (!w->started_ns || w->started_ns > w->read_ns);
}

static void settle(struct native_stacks *s, struct waiting *w)
{
	struct profile *p = s->tasks->profile;
	uint32_t node = 0;

	if (w->outcome != MERGE_NO_CHAIN && !w->certain &&
	    (s->gap || !stood_still(w))) {
		w->outcome = MERGE_RAN_ON;
		look_beside(&s->python->look, w->tid);
	}
	if (w->outcome <= MERGE_CUT)
		for (uint32_t i = w->frames.nr; i-- > 0;)
			node = profile_node(p, node, w->frames.at[i]);
	profile_merge(p, w->thread, node, w->outcome, 1);
}

void native_stacks_settle(struct native_stacks *s)
{
	for (uint32_t i = 0; i < s->waiting_nr; i++)
		settle(s, &s->waiting.at[i]);
	s->waiting_nr = 0;
	s->gap = false;
}

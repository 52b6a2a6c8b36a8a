/* SPDX-License-Identifier: MIT */
/* Small profiles, written as text, for the tests of what shows them. */
#ifndef TARE_TESTS_SKETCH_H
#define TARE_TESTS_SKETCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"

#define MS ((uint64_t)1000000)

static inline uint32_t sketch_string(struct profile *p, const char *text)
{
	return profile_string(p, text, strlen(text));
}

/* "#symbol@library:0:0" is native. */
static inline uint32_t sketch_function(struct profile *p, const char *name,
				       const char *file, uint32_t line)
{
	return *name == '#'
		       ? profile_native_function(p, sketch_string(p, name + 1),
						 sketch_string(p, file))
		       : profile_function(p, sketch_string(p, name),
					  sketch_string(p, file), line);
}

/*
 * A stack as "function@file:first:line;...", root first; "" is the empty one.
 */
static inline uint32_t sketch_stack(struct profile *p, const char *stack)
{
	char *copy = strdup(stack), *rest = copy, *frame;
	uint32_t node = 0;

	while (*stack && (frame = strsep(&rest, ";"))) {
		char *file = strrchr(frame, '@');
		char *first = strchr(file + 1, ':');
		char *line = strchr(first + 1, ':');
		uint32_t function;

		*file++ = *first++ = *line++ = '\0';
		function =
			sketch_function(p, frame, file, (uint32_t)atoi(first));
		node = profile_node(
			p, node,
			profile_frame(p, function, (uint32_t)atoi(line)));
	}
	free(copy);
	return node;
}

static inline void sketch_state(struct profile *p, uint32_t thread,
				const char *stack, enum thread_state state,
				uint64_t nr)
{
	profile_add_count(p, thread, sketch_stack(p, stack), SAMPLE_COMPLETE,
			  state, nr);
}

/* On a CPU. */
static inline void sketch_looks(struct profile *p, uint32_t thread,
				const char *stack, enum sample_quality quality,
				uint64_t nr)
{
	profile_add_count(p, thread, sketch_stack(p, stack), quality,
			  STATE_ON_CPU, nr);
}

static inline void sketch_merge(struct profile *p, uint32_t thread,
				const char *stack, enum merge_outcome outcome,
				uint64_t nr)
{
	profile_merge(p, thread, sketch_stack(p, stack), outcome, nr);
}

static inline void sketch_source(struct profile *p, const char *file,
				 uint32_t line, const char *text)
{
	profile_add_source(p, sketch_string(p, file), line, text, strlen(text));
}

/* A thread that was there all the time, its books not known. */
static inline uint32_t sketch_thread(struct profile *p, int tid,
				     const char *name)
{
	uint32_t thread;

	if (!p->processes.nr)
		profile_add_process(p, 100, PROCESS_NONE, 0);
	thread = profile_add_thread(p, 0, tid, 0);

	p->threads.at[thread].name = sketch_string(p, name);
	p->threads.at[thread].main = tid == 100;
	p->threads.at[thread].end_ns = p->wall_ns;
	return thread;
}

static inline void sketch_books(struct profile *p, uint32_t thread,
				uint64_t cpu_ns, uint64_t run_queue_ns)
{
	p->threads.at[thread].has_sched = true;
	p->threads.at[thread].cpu_ns = cpu_ns;
	p->threads.at[thread].run_queue_ns = run_queue_ns;
}

/* Tasks that did something in a stack for so long. */
static inline void sketch_await(struct profile *p, const char *stack,
				enum await_kind kind, uint64_t ms)
{
	uint32_t row = awaits_row(&p->awaits, 0, sketch_stack(p, stack), kind);

	p->awaits.rows.at[row].us += ms * 1000;
}

/* How they were read: so many readings of equal weight. */
static inline void sketch_readings(struct profile *p, uint64_t nr,
				   uint64_t tasks)
{
	struct await_process *of = awaits_process(&p->awaits, 0);
	double s = 0;

	for (uint32_t i = 0; i < p->awaits.rows.nr; i++)
		s += (double)p->awaits.rows.at[i].us / 1e6;
	of->count[AWAIT_READINGS] = nr;
	of->count[AWAIT_SEEN] = of->count[AWAIT_MOST] = tasks;
	of->squares = s * s / (double)nr;
}

/* An empty recording of so many milliseconds at 1 kHz. */
static inline struct profile *sketch_new(uint64_t ms)
{
	struct profile *p = profile_new();

	p->asked_hz = 1000;
	p->wall_ns = ms * MS;
	p->tick_nr = ms;
	return p;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * One look at all threads of the target, and what it is worth.
 */
#ifndef TARE_SAMPLE_LOOK_H
#define TARE_SAMPLE_LOOK_H

#include "cpython/collector.h"
#include "sample/gil.h"
#include "sample/names.h"
#include "sample/place.h"
#include "sample/roster.h"

/* How the sampler decides where to be; see look.c. */
struct look_policy {
	struct place place;
	bool may_be_beside;   /* the rate leaves the target time to run */
	bool beside;	      /* sample from the CPU of the moving thread */
	pid_t follow;	      /* that thread */
	uint32_t calm;	      /* looks from apart in a row that held */
	uint32_t calm_needed; /* how many until we stay apart */
	uint32_t credit;      /* failures that may come before we leave */
	uint32_t probe_every; /* looks beside until one is tried apart */
	bool stay; /* beside at all times: somebody else counts on it */
};

struct look {
	struct py_process *process;
	struct roster *roster;
	struct names *names;
	struct look_policy policy;
	struct gil gil;
	bool gil_always;     /* read the lock even where it saves nothing */
	bool gil_planned;    /* the lock is read with the next batch */
	uint32_t full_in;    /* looks until all threads are read again */
	uint64_t newest;     /* thread state at the head of the list, as read */
	uint64_t newest_ns;  /* when that was */
	bool newest_planned; /* it is read with the next batch */
	struct py_collector collector; /* of the main interpreter */
	uint64_t collector_gil;	       /* the lock it runs with; 0: not known */
	bool has_collector;
	enum py_collecting collecting; /* at the last look that asked */
	uint64_t holder;	       /* of the GIL, read along with that */
	bool collector_planned;
	unsigned collector_piece; /* of the batch */
	struct target_piece pieces[TARGET_PIECES_MAX];
	VEC(unsigned) counts; /* pieces of each thread of a batch */
	uint64_t random;      /* state of the generator */
	uint64_t read_ns;     /* when the last reading began */
	double pace;	      /* of readings: time taken by time expected */
	unsigned slow_nr;     /* slow readings in a row */
	bool was_slow;	      /* the last reading took longer than it can */
	bool probing;	      /* what is read is not believed */
	bool list_changed;    /* a thread came or went: refresh the roster */
	uint32_t rounds_max;
};

/* Do looks at this rate leave the target's CPU most of its time? */
bool look_leaves_time(double rate_hz);

/* None of the arguments is owned. look_release() frees what `k` grew. */
void look_init(struct look *k, struct py_process *p, struct roster *roster,
	       struct names *names, double rate_hz, uint64_t seed);
void look_release(struct look *k);

/*
 * Look at every thread of the roster: afterwards those that were `seen` have
 * a node and a quality. Fails with ERR_GONE when the process has
 * exited and ERR_CORRUPT when nothing of it can be found any more.
 */
int look_at_all(struct look *k, uint64_t now_ns, struct err *err);

/*
 * The stack of one thread, which is taken to stand still, into its reader;
 * *whole tells whether that came off. No sample comes of it.
 */
int look_at_one(struct look *k, struct roster_thread *t, bool *whole,
		struct err *err);

/* Be on the CPU of thread `tid` from now on. */
void look_beside(struct look *k, pid_t tid);

/* A process that was stopped wakes where we are not: be beside it again, if
 * that is to be so between looks. */
void look_rejoin(struct look *k);

/* Find the collector of the interpreter at `interp`. */
void look_find_collector(struct look *k, uint64_t interp);

/* What the collector did at the last look, if thread state `t` ran it. */
enum py_collecting look_collecting(const struct look *k,
				   const struct roster_thread *t);

#endif

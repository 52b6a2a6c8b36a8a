/* SPDX-License-Identifier: MIT */
/*
 * One process of the job: its threads, its Python when it has one, what the
 * kernel counts of it, and what became of it.
 */
#ifndef TARE_SAMPLE_WATCH_H
#define TARE_SAMPLE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sample/interpreter.h"
#include "sample/native_split.h"
#include "sample/sample.h"
#include "sample/threads.h"
#include "target/stop.h"

struct watch {
	pid_t pid;
	uint32_t process; /* index in profile->processes */
	const struct sample_opts *opts;
	struct profile *profile;
	struct target *target;
	struct tasks tasks;
	struct interpreter *python;  /* NULL: none was found so far */
	struct stopper *stopper;     /* with opts->exact, once there is one */
	struct native_split *native; /* NULL: not (yet) */
	uint64_t native_ns;	     /* when to begin with that */
	int waker;		     /* for its samples; 0: nobody is woken */
	uint64_t python_ns;	     /* when one was found */
	struct err trouble;	     /* why its Python cannot be followed */
	uint64_t search_ns;	     /* when to look for a Python again */
	uint64_t search_step_ns;
	uint64_t program_ns; /* when the program was last compared */
	uint64_t program;    /* which file it executes */
	uint64_t figures_ns, figures_step_ns;
	struct process_figures before; /* what it had used when we came */
	uint64_t start_ticks; /* when it began: it is not another one */
	uint64_t stack_addr;  /* as in struct procfs_identity, of late */
	uint32_t python_text; /* what is to be told of w->python; 0: told */
	unsigned nameless_nr; /* times that its command line was empty */
	bool ended;
};

/*
 * Begin to watch `pid`, a child of process `parent` in the profile
 * (PROCESS_NONE: of nobody's there). `fresh`: it has just begun, so that all
 * it has used belongs to the recording.
 */
int watch_open(struct watch **out, pid_t pid, uint32_t parent,
	       const struct sample_opts *opts, struct profile *p,
	       uint64_t at_ns, bool fresh, struct err *err);

/* Close the books. NULL is allowed. */
void watch_close(struct watch *w);

/*
 * Look for a Python now. ERR_NO: there is none (yet). Other failures are kept
 * in w->trouble as well.
 */
int watch_find_python(struct watch *w, struct err *err);

/*
 * One tick: look at all threads and give their samples to the profile. What
 * goes wrong becomes w->ended or w->trouble.
 */
void watch_tick(struct watch *w, uint64_t now_ns, uint64_t at_ns);

/* The same, as hard as it can be tried. */
int watch_once(struct watch *w, uint64_t now_ns, uint64_t at_ns,
	       struct err *err);

/* Samples of native stacks may have come: read them while they are fresh. */
void watch_catch(struct watch *w);

/* The recording ends: tell if the process does not. */
void watch_leave(struct watch *w);

/* Write the kernel's figures into the profile. */
void watch_account(struct watch *w, uint64_t now_ns, uint64_t at_ns);

#endif

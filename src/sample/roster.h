/* SPDX-License-Identifier: MIT */
/*
 * The Python threads of the target: who they are, kept up to date.
 */
#ifndef TARE_SAMPLE_ROSTER_H
#define TARE_SAMPLE_ROSTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/map.h"
#include "cpython/process.h"
#include "cpython/stack.h"
#include "profile/profile.h"
#include "sample/names.h"
#include "sample/threads.h"

struct roster_thread {
	struct py_thread raw;
	uint64_t next_addr;  /* what its link to the next one should be */
	pid_t tid;	     /* as the kernel has it here; 0: not known */
	uint32_t in_profile; /* index in profile->threads */
	struct py_reader *reader;
	struct names_memory memory;
	bool asked_name; /* the thread was asked for its own name */
	bool listed;	 /* found in the list that is being read */

	bool has_node; /* the last sample was a complete one */
	uint32_t node;
	uint64_t read_ns; /* when that was read, by CLOCK_MONOTONIC */

	/* State of the present tick, for look.c. */
	bool seen; /* it has a sample: `node`, of this quality */
	enum sample_quality quality;
	bool changed; /* it differs from the sample before */
	bool pending;
	bool parked; /* cannot have moved, unless the GIL tells otherwise */
	bool moved;
};

struct roster {
	struct py_process *process;
	struct profile *profile;
	struct tasks *tasks;
	VEC(struct roster_thread *) threads; /* newest first */
	struct map by_addr;	/* thread state -> index in threads */
	struct py_threads list; /* as last read */
	bool all_begun;	   /* every thread of it is in `threads`; false: read
			    * it anew, though its links may be the same */
	bool foreign_ids;  /* the target numbers its threads differently */
	uint64_t begin_ns; /* of the first refresh */
	bool ids_work;	   /* at least one thread was found by its ID */
};

void roster_init(struct roster *r, struct py_process *p,
		 struct profile *profile, struct tasks *tasks);

/* Read the list of threads anew if it changed; `now_ns`: profile time. */
int roster_refresh(struct roster *r, uint64_t now_ns, struct err *err);

/* Where the first interpreter has its newest thread; 0 before a refresh. */
uint64_t roster_head_addr(const struct roster *r);

/* The thread state that was newest when the list was read. */
uint64_t roster_newest(const struct roster *r);

/*
 * Give a thread of which a whole stack was read the name that Python has for
 * it. From 3.14 on the kernel has that already.
 */
void roster_ask_name(struct roster *r, struct roster_thread *t);

void roster_release(struct roster *r);

#endif

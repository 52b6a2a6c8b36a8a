/* SPDX-License-Identifier: MIT */
/*
 * What the global interpreter lock tells about whose stack can have changed.
 *
 * Only the thread that holds the GIL changes its Python stack, and CPython
 * counts in `switch_number` how often the GIL went to another thread than the
 * one before (ceval_gil.c, take_gil). So, compared with the last look:
 *   no switch    only the holder of then can have moved;
 *   one switch   that one and the holder of now;
 *   more         any of them.
 * With 64 threads this reads one or two stacks instead of 64.
 */
#ifndef TARE_SAMPLE_GIL_H
#define TARE_SAMPLE_GIL_H

#include <stdbool.h>
#include <stdint.h>

#include "cpython/process.h"
#include "sample/wait.h"
#include "target/target.h"

struct gil {
	uint64_t addr;	    /* of the lock; 0: not known, all can have moved */
	uint64_t words[3];  /* last_holder, locked, switch_number, as read */
	uint64_t holder;    /* at the last look that counted */
	uint64_t switch_nr; /* the same */
	bool known;	    /* those two are set */
	bool seen;	    /* `words` are of the present look */
};

enum gil_news {
	GIL_SAME,	/* only g->holder can have moved */
	GIL_ONE_SWITCH, /* the holder before and g->holder */
	GIL_UNKNOWN,	/* any */
};

/* The lock of the interpreter at `interp`; 0: not known. */
uint64_t gil_addr_of(struct py_process *p, uint64_t interp);

/* Find the lock of the only interpreter; with several there is no one lock. */
void gil_find(struct gil *g, struct py_process *p);

/* The piece to read; false when the lock is not known. */
bool gil_plan(struct gil *g, const struct py_layout *l,
	      struct target_piece *piece);

/* Take in what the piece brought (`read`: it came). */
enum gil_news gil_judge(struct gil *g, bool read);

/* The thread state that holds it at the present look; 0: nobody does. */
uint64_t gil_held_by(const struct gil *g);

/* Tell `wait` where threads of any of the interpreters wait for a GIL. */
void gil_list_waits(struct py_process *p, const struct py_threads *list,
		    struct wait_context *wait);

#endif

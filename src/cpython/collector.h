/* SPDX-License-Identifier: MIT */
/*
 * The garbage collector of one interpreter: does it run, on which generation,
 * and how often has it run.
 *
 * A sampler plans its piece along with its batch and judges what came. The
 * collector runs in the thread that holds the GIL; no other can hold it until
 * it has ended, but for what finalizers and callbacks of gc do.
 */
#ifndef TARE_CPYTHON_COLLECTOR_H
#define TARE_CPYTHON_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "cpython/collector_layout.h"
#include "cpython/process.h"

#define PY_COLLECTOR_SPAN_MAX 256

struct py_collector {
	struct py_process *process; /* not owned */
	struct py_collector_layout layout;
	uint64_t addr;			/* of the collector's state */
	uint32_t count[PY_GENERATIONS]; /* where in it, PY_ABSENT: not known */
	uint32_t from;			/* where in it the piece begins */
	uint32_t span;
	uint8_t bytes[PY_COLLECTOR_SPAN_MAX];
};

enum py_collecting {
	PY_COLLECTING_NOT_KNOWN,
	PY_COLLECTING_NO,
	PY_COLLECTING_0,   /* the youngest generation */
	PY_COLLECTING_1,   /* that and the next */
	PY_COLLECTING_2,   /* all */
	PY_COLLECTING_ANY, /* runs, but the generation is not known */
};

/* What has been done on one generation since the interpreter began. */
struct py_collections {
	uint64_t nr;
	uint64_t collected;	/* objects */
	uint64_t uncollectable; /* objects */
	double seconds;		/* by CPython's own clock; < 0: not kept */
};

/*
 * Find the collector of the interpreter at `interp`. ERR_NO: this release keeps
 * it in a way that tare does not know.
 */
int py_collector_open(struct py_collector *c, struct py_process *p,
		      uint64_t interp, struct err *err);

/*
 * Whether the generations were found, too, as far as this release has them.
 * Not while an interpreter is coming up: open it again then.
 */
bool py_collector_is_whole(const struct py_collector *c);

/* The piece to read for py_collector_judge(). */
void py_collector_plan(struct py_collector *c, struct target_piece *piece);

/* Take in what the piece brought (`read`: it came). */
enum py_collecting py_collector_judge(const struct py_collector *c, bool read);

/*
 * How often each generation was collected, exactly; reads of its own. ERR_NO:
 * not known on this release.
 */
int py_collector_count(struct py_collector *c,
		       struct py_collections out[PY_GENERATIONS],
		       struct err *err);

#endif

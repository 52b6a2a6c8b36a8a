/* SPDX-License-Identifier: MIT */
/*
 * Reading the stack of one thread in one system call, and judging it.
 *
 * A reader remembers where the thread's frames were last time and asks for
 * all of them at once: its data stack and the frames that lie elsewhere
 * (generators, C stack); then the head of the thread state, which says what
 * frame is current; and then, a second time, the newest frames. The stack is
 * believed when both readings agree on every frame from the current one on
 * (docs/internals/stacks.md has the argument and the measurements).
 *
 * Use: py_stack_plan() adds the pieces of this thread to a batch; after the
 * batch was read, py_stack_judge() looks at them.
 */
#ifndef TARE_CPYTHON_STACK_H
#define TARE_CPYTHON_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "cpython/process.h"
#include "target/target.h"

/* Python's own default recursion limit is 1000; a deeper stack is cut. */
#define PY_DEPTH_MAX 65536

struct py_frame {
	uint64_t code_addr;
	uint64_t instr; /* raw; see py_code_offset() */
};

enum py_look {
	PY_LOOK_WHOLE, /* frames: newest first, down to the root */
	PY_LOOK_AGAIN, /* the reader learnt where to look: plan again */
	PY_LOOK_MOVED, /* the thread was changing its stack meanwhile */
};

struct py_reader;

/* A reader for the thread state at `thread_addr`; NULL without memory. */
struct py_reader *py_reader_new(struct py_process *p, uint64_t thread_addr);
void py_reader_free(struct py_reader *r);

/*
 * Append this thread's pieces to `pieces`, which has room for `room`; the
 * number added, 0 when they do not fit. They point into `r`.
 */
unsigned py_stack_plan(struct py_reader *r, struct target_piece *pieces,
		       unsigned room);

/*
 * Judge what came: `done` of the planned pieces were read. May read more to
 * learn where frames are. On ERR_OK *look says what it is worth.
 */
int py_stack_judge(struct py_reader *r, unsigned done, enum py_look *look,
		   struct err *err);

/* The frames of the last look, newest first; whole or, after
 * PY_LOOK_MOVED, the `stable` oldest ones of them which both readings agree
 * on. Valid until the next plan. */
const struct py_frame *py_reader_frames(const struct py_reader *r, uint32_t *nr,
					uint32_t *stable);

/*
 * After PY_LOOK_WHOLE: which of the frames are the oldest of their run of the
 * interpreter's loop, into `is_entry`, which has room for all of them. Found
 * out only when asked for: few looks need it.
 */
void py_reader_entries(const struct py_reader *r, bool *is_entry);

/*
 * After PY_LOOK_WHOLE: what the first local variable of the oldest frame refers
 * to, an address in the target; 0 when that is not known.
 */
uint64_t py_reader_first_local(const struct py_reader *r);

/*
 * By the head of the last look, if it could be read: is this still the thread
 * `t`, and `next_addr` the one after it in the list? A thread state that was
 * given back may be read for a while, or be another thread's.
 */
bool py_reader_is(const struct py_reader *r, const struct py_thread *t,
		  uint64_t next_addr);

#endif

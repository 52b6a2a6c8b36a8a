/* SPDX-License-Identifier: MIT */
/*
 * What the parts of a stack reader share: stack_plan.c says what is to be
 * read, stack_walk.c follows the chain through what came, stack_learn.c finds
 * out where frames are, stack.c judges.
 */
#ifndef TARE_CPYTHON_STACK_INTERNAL_H
#define TARE_CPYTHON_STACK_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "cpython/stack.h"

/*
 * CPython's data stack is a list of chunks, newest first:
 * { previous, size in bytes, used words when it was left, words... }. The
 * thread state has the newest chunk and, next to it, the top of use.
 */
enum {
	CHUNK_PREVIOUS = 0,
	CHUNK_SIZE = 8,
	CHUNK_TOP = 16,
	CHUNK_DATA = 24
};

/* A run of target memory and where its copy is in the reader's image. */
struct region {
	uint64_t addr;
	uint32_t size;
	uint32_t at;
};

struct chunk {
	uint64_t addr;
	uint32_t used; /* bytes worth reading, with the header */
	uint32_t size; /* bytes in all */
};

/*
 * A frame outside of the chunks. One without code is the entry frame that
 * CPython (3.12 and newer) lays on the C stack where C code enters the
 * interpreter; only its link counts.
 */
struct outside {
	uint64_t addr;
	bool has_code;
};

/* Neighbours among them; read a second time unless all are entry frames. */
struct run {
	uint64_t addr;
	uint32_t size;
	bool has_code;
};

struct py_reader {
	struct py_process *process;
	uint64_t thread_addr;
	uint32_t head_size, span; /* what is read of a thread, of a frame */

	/* What earlier looks taught. */
	uint64_t cframe_addr, outer_cframe_addr;
	uint64_t newest_addr; /* of the newest frame, so many times in a row */
	uint32_t steady;
	/* Between these the newest frames were lately: the lowest of them, and
	 * the highest top of the data stack. */
	uint64_t low_addr, high_addr;
	VEC(struct chunk) chunks;    /* newest first */
	VEC(struct outside) outside; /* newest first */
	VEC(struct run) runs;	     /* the same, sorted and merged */
	struct map outside_ids;	     /* the same, to look up */
	uint64_t anchor;	     /* entry frame that leads nowhere, and */
	uint64_t anchored;	     /* the oldest frame, which hangs on it */
	uint32_t anchor_age;	     /* looks since it was read */

	/* What was asked for, and where it is in the image. */
	uint8_t *image;
	uint32_t image_cap, image_nr;
	VEC(struct region) first; /* chunks, then outside frames */
	VEC(struct region) again; /* the same, read a second time */
	unsigned planned;
	uint32_t planned_chunks; /* so many of `first` are chunks */
	uint64_t again_from;	 /* of the newest chunk, read again */
	uint32_t head_at, cframe_at, outer_at;
	uint32_t frame_again_at; /* the word that names the current frame */
	bool frame_again;	 /* it was asked for */
	bool narrow;		 /* nothing above the newest frame was */
	bool trust_anchor;	 /* nor the anchor: the stack ends there */

	/* What came of it. */
	bool has_head; /* the thread's head was read */
	uint64_t base; /* where every stack of the thread ends, or 0 */
	VEC(struct py_frame) frames;
	uint64_t oldest_addr; /* where the last of them is */
	VEC(struct outside) seen_outside;
	uint32_t stable;
	bool unproven;	  /* one of the newest frames was read only once */
	unsigned lost_nr; /* walks in a row that met an unknown frame */
};

/* One frame as copied; `bytes` is NULL when it is in no region. */
struct seen {
	const uint8_t *bytes;
	bool outside;
};

static inline uint64_t head_word(const struct py_reader *r, uint32_t offset)
{
	return word_at(r->image + r->head_at + offset);
}

static inline bool has_python_code(const struct py_layout *l,
				   const uint8_t *bytes)
{
	return l->frame_owner == PY_ABSENT ||
	       bytes[l->frame_owner] < l->owner_no_code;
}

/*
 * The copy of the frame at `addr`. *hint is the region of the frame before
 * it, which is nearly always that of this one, too; begin with 0.
 */
struct seen stack_find(const struct py_reader *r, uint64_t addr,
		       uint32_t *hint);

/* The frame that is current by what was read. */
uint64_t stack_current(const struct py_reader *r);

/*
 * Follow the chain through the copies into r->frames. Ends at the root (true),
 * or at *lost, a frame that is in no copy; *lost is 0 without memory.
 */
bool stack_walk(struct py_reader *r, uint64_t *lost);

/*
 * What the head of the thread state tells about where to read. *changed: not
 * where the last plan had it.
 */
int stack_learn_head(struct py_reader *r, bool *changed, struct err *err);

/*
 * Make the list of frames outside of the chunks anew: those of this stack,
 * with what follows from `addr` on, newest first, then older acquaintances,
 * since places are used again (a generator that is resumed, frames from a free
 * list).
 */
int stack_learn_outside(struct py_reader *r, uint64_t addr, struct err *err);

/* Note where the newest frame was in this look. */
void stack_learn_newest(struct py_reader *r, uint64_t addr);

/* Forget all but the thread state: something asked for is gone. */
void stack_forget(struct py_reader *r);

#endif

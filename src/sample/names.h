/* SPDX-License-Identifier: MIT */
/*
 * From raw frames of the target to frames and nodes of the profile, with a
 * memory: a code object is read once and looked at again from time to time,
 * since another one may come to lie at its address.
 */
#ifndef TARE_SAMPLE_NAMES_H
#define TARE_SAMPLE_NAMES_H

#include <stdint.h>

#include "cpython/process.h"
#include "cpython/stack.h"
#include "profile/profile.h"

struct names;

/* For process `p` into profile `profile`, neither owned. NULL: no memory. */
struct names *names_new(struct py_process *p, struct profile *profile);
void names_free(struct names *n);

/*
 * The last stack of one thread, so that the part of the next one that is the
 * same (most of it) costs a comparison a frame. Zero-initialised is empty.
 */
struct names_memory {
	VEC(struct py_frame) frames; /* newest first */
	VEC(uint32_t) nodes;	     /* oldest first */
	uint64_t checked_ns;
};

void names_memory_release(struct names_memory *m);

/*
 * The node of a stack given newest first (as py_reader_frames() has it),
 * seen at `now_ns`. ERR_CORRUPT when a frame is none: *node is then that of
 * the frames on its root side.
 */
int names_node(struct names *n, struct names_memory *m,
	       const struct py_frame *frames, uint32_t nr, uint64_t now_ns,
	       uint32_t *node, struct err *err);

/* The function of a frame, without its line. ERR_CORRUPT: it is none. */
int names_function(struct names *n, const struct py_frame *frame,
		   uint64_t now_ns, uint32_t *function, struct err *err);

/* Stands for a profile frame where the frame is not to be shown. */
#define NAMES_HIDDEN UINT32_MAX

/* The frame of the profile for one raw frame; ERR_CORRUPT: it is none. */
int names_frame(struct names *n, const struct py_frame *raw, uint64_t now_ns,
		uint32_t *frame, struct err *err);

#endif

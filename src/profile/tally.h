/* SPDX-License-Identifier: MIT */
/*
 * Adds up samples over the tree of stacks: what each function and each frame
 * (a function at a line) has for itself and with all that it called.
 *
 * Works on any subset of the samples (one thread, say) and touches only the
 * nodes that have some, and those above them, once each: no stack is walked
 * twice, however deep.
 */
#ifndef TARE_PROFILE_TALLY_H
#define TARE_PROFILE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "profile/profile.h"

struct tally_sum {
	uint64_t self_nr, total_nr;
	double self_s, total_s;
};

/* What hangs below a node, itself included. */
struct tally_below {
	uint64_t nr;
	double s;
};

/* Sums by function or by frame; those seen are listed in `seen`. */
struct tally_table {
	struct tally_sum *sums;
	bool *is_seen;
	uint32_t *seen;
	uint32_t seen_nr;
};

struct tally {
	const struct profile *profile;
	/* Of a node: nothing above it has the same function, or frame. Only
	 * there does a sample count for `total`, or recursion would count
	 * again. */
	bool *outer_function, *outer_frame;
	struct tally_below *below;
	bool *is_touched;
	uint32_t *touched;
	uint32_t touched_nr;
	struct tally_table functions, frames;
	struct tally_sum bare; /* of samples without a Python frame */
};

/*
 * Get ready for the samples of `p`, which must not change meanwhile. On
 * success `t` is the caller's to give to tally_release().
 */
int tally_init(struct tally *t, const struct profile *p, struct err *err);

/* Count `nr` samples in `node`, worth `seconds` together. */
void tally_add(struct tally *t, uint32_t node, uint64_t nr, double seconds);

/* All were added: fill in the totals and the lists of what was seen. */
void tally_finish(struct tally *t);

/* Forget the samples, to begin with others. */
void tally_clear(struct tally *t);

/* A zeroed tally is allowed. */
void tally_release(struct tally *t);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * CPU time by native function and the Python line that called it, from merged
 * stacks. Samples come at even steps of a thread's CPU time, so each that was
 * merged stands for its part of that, and of what was not merged.
 */
#ifndef TARE_PROFILE_MERGED_ROWS_H
#define TARE_PROFILE_MERGED_ROWS_H

#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "profile/profile.h"
#include "profile/stats.h"

/* No Python frame is on the stack. */
#define MERGED_NO_PYTHON UINT32_MAX

/* What of a row is the interpreter's own: bytecode. */
#define MERGED_BYTECODE UINT32_MAX

struct merged_row {
	uint32_t function; /* where the thread was, or MERGED_BYTECODE */
	uint32_t python;   /* newest Python frame, or MERGED_NO_PYTHON */
	uint64_t nr;	   /* samples */
	double s, share;
	struct stats_interval interval; /* of the share, 95 % */
};

struct merged_rows {
	VEC(struct merged_row) rows; /* largest first */
	uint64_t outcomes[MERGE_OUTCOME_NR];
	uint64_t merged_nr, nr; /* samples: merged, and all */
	double s;
};

/* Fill `r` from `p`; the caller's to release. ERR_NOMEM. */
int merged_rows_make(struct merged_rows *r, const struct profile *p,
		     struct err *err);

/* A zeroed one is allowed. */
void merged_rows_release(struct merged_rows *r);

/* A few words for an outcome that is not a whole stack; "whole" for that. */
const char *merge_outcome_text(enum merge_outcome outcome);

/* The same as one word for programs. */
const char *merge_outcome_key(enum merge_outcome outcome);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Hypotheses written down before the run, held against the result.
 *
 * "func=60%" says that a function, with what it calls, takes that share of
 * the time; "func=50-70%" gives the band oneself. A single number is read as
 * a band of 5 points either way, but not more than a quarter of it and not
 * less than half a point: people guess in round figures.
 *
 * The answer compares the band with the 95 % interval of what was measured:
 * inside it, supported; apart from it, not supported; else more samples are
 * needed to tell.
 */
#ifndef TARE_PROFILE_EXPECT_H
#define TARE_PROFILE_EXPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "profile/profile.h"

/* What a hypothesis says; `function` points into its text. */
struct expect_claim {
	const char *function; /* not NUL-terminated */
	size_t function_size;
	double low, high; /* the band, as shares of 0 to 1 */
};

enum expect_verdict {
	EXPECT_SUPPORTED,
	EXPECT_NOT_SUPPORTED,
	EXPECT_CANNOT_TELL,
};

struct expect_answer {
	const char *text; /* as typed; belongs to the list */
	enum expect_verdict verdict;
	const char *why;	   /* one clause; static */
	struct expect_claim claim; /* function_size 0: not understood */
	uint32_t function_nr;	   /* functions that bear the name */
	uint64_t self_nr, total_nr, complete_nr;
	/* Measured, with callees: of the seconds of all threads. */
	double share, low, high;
};

/* Zero-initialised is empty and valid. */
struct expect_list {
	VEC(struct expect_answer) answers;
	char *text;
};

/* Read one hypothesis; ERR_USAGE with a hint when it is not one. */
int expect_parse(const char *text, struct expect_claim *out, struct err *err);

/*
 * Answer each line of META_EXPECT, in their order. A name matches a function
 * whose qualified name it is, or its last part ("run" finds "Job.run"); with
 * a file in front ("jobs.py:run") only in files that end so. Where several
 * functions match, a sample counts once if any of them is on the stack.
 */
int expect_answer(struct expect_list *out, const struct profile *p,
		  struct err *err);

void expect_release(struct expect_list *list);

/* "supported", "not supported", "cannot tell": as reports and JSON say it. */
const char *expect_verdict_text(enum expect_verdict verdict);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a reader of a recording has to be warned of: each with the figure
 * that gives rise to it, and what to do.
 */
#ifndef TARE_PROFILE_CAUTION_H
#define TARE_PROFILE_CAUTION_H

#include <stdint.h>

#include "profile/profile.h"

/* In the order in which they matter. */
#define CAUTIONS(X)                   \
	X(NO_SAMPLES, "no_samples")   \
	X(FEW_SAMPLES, "few_samples") \
	X(SHORT_RUN, "short_run")     \
	X(MARKED, "marked")           \
	X(LOW_RATE, "low_rate")       \
	X(RUN_QUEUE, "run_queue")     \
	X(UNCOUNTED, "uncounted")     \
	X(LOAD, "load")

enum caution_kind {
#define X(name, key) CAUTION_##name,
	CAUTIONS(X)
#undef X
	CAUTION_NR
};

struct caution {
	enum caution_kind kind;
	char reason[200];
	char remedy[200];
};

/* The stable name of a caution, for programs. */
const char *caution_key(enum caution_kind kind);

/* Write those that apply to `p`; how many they are. */
uint32_t caution_list(const struct profile *p, struct caution out[CAUTION_NR]);

#endif

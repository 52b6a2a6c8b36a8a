/* SPDX-License-Identifier: MIT */
/* Run after run: in which order, and until when. */
#ifndef TARE_TIMING_SERIES_H
#define TARE_TIMING_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "profile/timing.h"

/* An interval this narrow (half of it, relative) is narrow enough. */
#define SERIES_TARGET 0.01

struct series_opts {
	uint32_t run_nr; /* of each subject; 0: as many as it takes */
	uint32_t warmup_nr;
	uint64_t limit_ns;
	bool limit_asked; /* by the user, so it also cuts what is too few */
	bool ignore_failure;
	const volatile bool *stop;
	uint64_t seed; /* of the order */
};

struct series_ops {
	/*
	 * Run `subject` once into `out`. *stopped: the user ended it, and
	 * `out` means nothing.
	 */
	int (*run)(void *arg, uint32_t subject, struct timing_run *out,
		   bool *stopped, struct err *err);
	/* How far it is, 0 to 1; called after each run. */
	void (*progress)(void *arg, double part);
};

/*
 * Fill the runs of `t`, whose subjects and contests are there. With contests,
 * every subject belongs to exactly one. t->end says why it ended; what was
 * measured until then is whole. A failure is tare's own.
 */
int series_measure(struct timing *t, const struct series_opts *opts,
		   const struct series_ops *ops, void *arg, struct err *err);

#endif

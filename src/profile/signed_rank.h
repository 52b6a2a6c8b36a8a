/* SPDX-License-Identifier: MIT */
/*
 * Where the middle of a few numbers lies: the Hodges-Lehmann estimate and the
 * intervals that Wilcoxon's signed-rank test gives by inversion (Hollander,
 * Wolfe and Chicken, "Nonparametric Statistical Methods", 2014, chapter 3).
 *
 * All that it needs is that each number is as likely above the middle as
 * below it by the same amount, independently of the others. Nothing is asked
 * of the shape: one run of fifty that takes ten times as long, as happens on a
 * shared machine, moves neither the estimate nor the promise.
 */
#ifndef TARE_PROFILE_SIGNED_RANK_H
#define TARE_PROFILE_SIGNED_RANK_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/stats.h"

struct signed_rank {
	double centre;
	struct stats_interval at95, at99;
	/* Too few numbers for an interval: fewer than 6, fewer than 8. */
	bool has95, has99;
};

/* More numbers than this are not looked at: their pairs would take long. */
#define SIGNED_RANK_MOST 2000

/*
 * The middle of `value[0..nr)`, which are finite. Without any: centre NaN.
 * False without memory.
 */
bool signed_rank_of(const double *value, uint32_t nr, struct signed_rank *out);

/*
 * How many of the smallest (and of the largest) of the nr(nr+1)/2 means of
 * two numbers lie outside an interval that misses the truth with a
 * probability of at most `miss`; -1: no interval can promise that.
 */
int64_t signed_rank_outside(uint32_t nr, double miss);

#endif

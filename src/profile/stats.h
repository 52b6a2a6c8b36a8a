/* SPDX-License-Identifier: MIT */
/* Statistics of counted samples. */
#ifndef TARE_PROFILE_STATS_H
#define TARE_PROFILE_STATS_H

struct stats_interval {
	double low, high;
};

/*
 * The 95 % score interval of a share of which `hits` of `trials` samples were
 * seen, both ends within 0 to 1: Wilson, "Probable inference, the law of
 * succession, and statistical inference", J. Amer. Statist. Assoc. 22 (1927)
 * 209-212. It keeps its promise for shares near 0 and 1 and for few samples,
 * where the usual hits/trials +- 1.96 s does not.
 *
 * Samples of a Poisson clock fall into a given run independently of each
 * other, so no correction for neighbouring samples is due.
 *
 * `trials` need not be whole: see stats_effective(). Without trials nothing
 * is known, which is 0 to 1.
 */
struct stats_interval stats_wilson(double hits, double trials);

/*
 * How many samples of equal weight are worth as much as samples whose weights
 * sum to `sum` and their squares to `sum_squares` (Kish, "Survey Sampling",
 * 1965, section 11.7). 0 without samples.
 */
double stats_effective(double sum, double sum_squares);

#endif

/* SPDX-License-Identifier: MIT */
#include "profile/stats.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

/*
 * Newcombe, "Two-sided confidence intervals for the single proportion",
 * Statistics in Medicine 17 (1998) 857-872, table I, method 3.
 */
static const struct {
	double hits, trials, low, high;
} published[] = {
	{ 81, 263, 0.2553, 0.3662 },
	{ 15, 148, 0.0624, 0.1605 },
	{ 0, 20, 0.0000, 0.1611 },
	{ 1, 29, 0.0061, 0.1718 },
};

Test(profile_stats, wilson_gives_the_published_intervals)
{
	for (size_t i = 0; i < sizeof(published) / sizeof(*published); i++) {
		struct stats_interval got =
			stats_wilson(published[i].hits, published[i].trials);

		cr_assert_float_eq(got.low, published[i].low, 5e-5, "%zu", i);
		cr_assert_float_eq(got.high, published[i].high, 5e-5, "%zu", i);
	}
}

Test(profile_stats, wilson_stays_within_0_and_1_and_around_the_share)
{
	for (double n = 1; n < 1e15; n *= 7)
		for (int k = 0; k <= 10; k++) {
			double hits = floor(n * k / 10);
			struct stats_interval got = stats_wilson(hits, n);

			cr_assert(got.low >= 0 && got.high <= 1);
			cr_assert(got.low <= hits / n);
			cr_assert(got.high >= hits / n);
		}
}

Test(profile_stats, without_trials_everything_is_possible)
{
	struct stats_interval got = stats_wilson(0, 0);

	cr_assert_eq(got.low, 0);
	cr_assert_eq(got.high, 1);
	got = stats_wilson(1, NAN);
	cr_assert_eq(got.low, 0);
	cr_assert_eq(got.high, 1);
}

/* What an interval promises: of 100 experiments, 95 hold the truth. */
Test(profile_stats, wilson_holds_the_truth_95_times_in_100)
{
	static const double truth[] = { 0.01, 0.05, 0.3, 0.5, 0.9 };
	const int tries = 4000, trials = 400;

	srand48(20261121);
	for (size_t i = 0; i < sizeof(truth) / sizeof(*truth); i++) {
		int held = 0;

		for (int j = 0; j < tries; j++) {
			struct stats_interval got;
			int hits = 0;

			for (int k = 0; k < trials; k++)
				hits += drand48() < truth[i];
			got = stats_wilson(hits, trials);
			held += got.low <= truth[i] && truth[i] <= got.high;
		}
		cr_assert(held > 0.93 * tries && held < 0.98 * tries,
			  "share %g: %d of %d", truth[i], held, tries);
	}
}

Test(profile_stats, equal_weights_count_fully_and_one_heavy_one_hardly)
{
	cr_assert_float_eq(stats_effective(50 * 0.1, 50 * 0.01), 50, 1e-9);
	/* 99 of weight 1 and one of weight 99: (198)^2 / (99 + 9801) */
	cr_assert_float_eq(stats_effective(198, 99 + 9801), 3.96, 1e-9);
	cr_assert_eq(stats_effective(0, 0), 0);
}

/* SPDX-License-Identifier: MIT */
#include "profile/spread.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static double skewed(void)
{
	/* Lognormal: the median is 1, the mean is not. */
	double u = drand48();

	while (u <= 0)
		u = drand48();
	return exp(0.5 * sqrt(-2 * log(u)) * cos(2 * M_PI * drand48()));
}

static double misses(uint32_t nr, double likeness, int tries)
{
	double value[200];
	int missed = 0;

	for (int i = 0; i < tries; i++) {
		struct spread got;
		double state = log(skewed());

		for (uint32_t k = 0; k < nr; k++) {
			state = likeness * state +
				sqrt(1 - likeness * likeness) * log(skewed());
			value[k] = exp(state);
		}
		cr_assert(spread_of(value, nr, &got));
		/* Ten that look alike are worth too few. */
		missed += got.has_interval &&
			  (got.at95.low > 1 || got.at95.high < 1);
	}
	return (double)missed / tries;
}

Test(profile_spread, the_interval_holds_the_median_of_a_skewed_clock)
{
	srand48(1);
	cr_expect(misses(10, 0, 3000) <= 0.06, "%g", misses(10, 0, 3000));
	cr_expect(misses(40, 0, 3000) <= 0.06);
	cr_expect(misses(40, 0, 3000) >= 0.01);
	cr_expect(misses(200, 0, 1000) <= 0.065);
}

/* Without the correction this is 26 %. */
Test(profile_spread, runs_that_resemble_their_neighbours_count_less)
{
	double rate;

	srand48(2);
	rate = misses(200, 0.6, 2000);
	cr_expect(rate <= 0.08, "%g", rate);
}

/* As series.c stops: when the interval is narrow, at looks a fifth apart. */
Test(profile_spread, stopping_when_it_is_narrow_costs_little)
{
	const int tries = 2000;
	double value[2000];
	int missed = 0;

	srand48(3);
	for (int i = 0; i < tries; i++) {
		struct spread got = { 0 };
		uint32_t nr = 0, look = 10;

		while (nr < 2000) {
			value[nr++] = pow(skewed(), 0.1);
			if (nr < look)
				continue;
			look = nr + nr / 4;
			cr_assert(spread_of(value, nr, &got));
			if (spread_half_width(&got) <= 0.01)
				break;
		}
		missed += got.at95.low > 1 || got.at95.high < 1;
	}
	cr_expect(missed <= 0.08 * tries, "%d", missed);
}

Test(profile_spread, the_interval_of_ten_is_between_the_second_and_the_ninth)
{
	static const double value[] = { 5, 1, 8, 3, 10, 2, 7, 4, 9, 6 };
	struct spread got;

	cr_assert(spread_of(value, 10, &got));
	cr_expect_eq(got.median, 5.5);
	cr_expect_eq(got.least, 1);
	cr_expect_eq(got.most, 10);
	cr_expect_float_eq(got.mean, 5.5, 1e-12);
	cr_expect_float_eq(got.deviation, 3.02765, 1e-5);
	/* P(0 or 1 of 10 below the median) = 11/1024 at either side */
	cr_expect_eq(got.at95.low, 2);
	cr_expect_eq(got.at95.high, 9);
}

Test(profile_spread, five_are_too_few_for_an_interval)
{
	static const double value[] = { 1, 2, 3, 2, 1 };
	struct spread got;

	cr_assert(spread_of(value, 5, &got));
	cr_expect(!got.has_interval);
	cr_expect(isinf(spread_half_width(&got)));
}

Test(profile_spread, far_ones_are_counted_on_either_side)
{
	double value[40];
	struct spread got;

	for (int i = 0; i < 40; i++)
		value[i] = 1 + 0.01 * (i % 7);
	value[3] = 2;
	value[30] = 3;
	value[35] = 0.2;
	cr_assert(spread_of(value, 40, &got));
	cr_expect_eq(got.slow_nr, 2);
	cr_expect_eq(got.fast_nr, 1);
}

Test(profile_spread, nearly_equal_ones_have_no_outliers)
{
	double value[40];
	struct spread got;

	for (int i = 0; i < 40; i++)
		value[i] = 1;
	value[5] = 1.05;
	cr_assert(spread_of(value, 40, &got));
	cr_expect_eq(got.slow_nr, 0);
}

Test(profile_spread, a_trend_is_told_and_noise_is_not)
{
	double value[40];
	struct spread got;
	int told = 0;

	srand48(4);
	for (int i = 0; i < 40; i++)
		value[i] = 1 + 0.01 * i + 0.02 * drand48();
	cr_assert(spread_of(value, 40, &got));
	cr_expect(got.drift > 0.2 && got.drift < 0.4, "%g", got.drift);
	for (int k = 0; k < 500; k++) {
		for (int i = 0; i < 40; i++)
			value[i] = 1 + drand48();
		cr_assert(spread_of(value, 40, &got));
		told += got.drift != 0;
	}
	cr_expect(told <= 4, "%d", told);
}

Test(profile_spread, of_nothing_nothing)
{
	struct spread got;

	cr_assert(spread_of(NULL, 0, &got));
	cr_expect_eq(got.nr, 0);
	cr_expect(!got.has_interval);
}

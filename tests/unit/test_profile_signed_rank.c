/* SPDX-License-Identifier: MIT */
#include "profile/signed_rank.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

/*
 * Critical values of the two-sided test, as in table A.4 of Hollander, Wolfe
 * and Chicken: the largest sum of ranks that is significant; so many plus one
 * means lie outside.
 */
static const struct {
	uint32_t nr;
	int64_t at5, at1;
} published[] = {
	{ 5, -1, -1 }, { 6, 1, -1 },   { 7, 3, -1 },   { 8, 4, 1 },
	{ 10, 9, 4 },  { 15, 26, 16 }, { 20, 53, 38 }, { 25, 90, 69 },
};

Test(profile_signed_rank, critical_values_are_the_published_ones)
{
	for (size_t i = 0; i < sizeof(published) / sizeof(*published); i++) {
		uint32_t nr = published[i].nr;

		cr_expect_eq(signed_rank_outside(nr, 0.05), published[i].at5,
			     "%u: %lld", nr,
			     (long long)signed_rank_outside(nr, 0.05));
		cr_expect_eq(signed_rank_outside(nr, 0.01), published[i].at1,
			     "%u: %lld", nr,
			     (long long)signed_rank_outside(nr, 0.01));
	}
}

Test(profile_signed_rank, the_normal_values_go_on_where_the_exact_ones_end)
{
	int64_t before = signed_rank_outside(100, 0.05);
	int64_t after = signed_rank_outside(101, 0.05);

	/* 100 is computed, 101 is not: one step is some 41 ranks. */
	cr_expect(after - before > 30 && after - before < 50, "%lld %lld",
		  (long long)before, (long long)after);
}

Test(profile_signed_rank, a_small_sample_by_hand)
{
	/* Means of two: 1 1.5 2 2.5 3 ... of 1 to 6; all 21 between 1 and 6,
	 * of which one at either end is outside. */
	static const double value[] = { 4, 1, 6, 3, 2, 5 };
	struct signed_rank got;

	cr_assert(signed_rank_of(value, 6, &got));
	cr_expect_eq(got.centre, 3.5);
	cr_expect(got.has95 && !got.has99);
	cr_expect_eq(got.at95.low, 1);
	cr_expect_eq(got.at95.high, 6);
}

Test(profile_signed_rank, one_wild_value_hardly_moves_it)
{
	double value[20];
	struct signed_rank calm, wild;

	for (int i = 0; i < 20; i++)
		value[i] = i % 5;
	cr_assert(signed_rank_of(value, 20, &calm));
	value[7] = 1e9;
	cr_assert(signed_rank_of(value, 20, &wild));
	cr_expect(fabs(wild.centre - calm.centre) < 0.5);
	cr_expect(wild.at95.high < 5);
}

Test(profile_signed_rank, of_nothing_nothing_is_known)
{
	struct signed_rank got;

	cr_assert(signed_rank_of(NULL, 0, &got));
	cr_expect(isnan(got.centre));
	cr_expect(!got.has95 && !got.has99);
}

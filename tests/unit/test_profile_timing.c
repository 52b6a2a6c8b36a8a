/* SPDX-License-Identifier: MIT */
#include "profile/timing.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct timing timing;

static struct timing_subject *add_subject(void)
{
	struct timing_subject one = { .text = strdup("x") };

	cr_assert(vec_push(&timing.subjects, one));
	return &timing.subjects.at[timing.subjects.nr - 1];
}

static void add_run(struct timing_subject *s, double wall, double user,
		    double sys)
{
	struct timing_run run = { .wall_s = wall,
				  .user_s = user,
				  .sys_s = sys,
				  .cpu_s = user + sys };

	cr_assert(vec_push(&s->runs, run));
}

static void release(void)
{
	timing_release(&timing);
}

TestSuite(profile_timing, .fini = release);

static bool has_caution(const char *key)
{
	struct timing_caution caution[TIMING_CAUTION_MOST];
	uint32_t nr = timing_cautions(&timing, caution);

	for (uint32_t i = 0; i < nr; i++)
		if (!strcmp(caution[i].key, key))
			return true;
	return false;
}

Test(profile_timing, waiting_is_what_is_left_of_each_run)
{
	struct timing_subject *s = add_subject();
	struct spread waiting;

	add_run(s, 1, 0.1, 0.2);
	add_run(s, 3, 0.1, 0.2);
	add_run(s, 2, 0.9, 1.0);
	cr_assert(timing_waiting(s, &waiting));
	cr_expect_float_eq(waiting.median, 0.7, 1e-12);
}

/* A short run's time is all user or all sys, as the tick fell. */
Test(profile_timing, user_and_sys_are_shared_out_over_all_runs)
{
	struct timing_subject *s = add_subject();

	add_run(s, 1, 0.004, 0);
	add_run(s, 1, 0.004, 0);
	add_run(s, 1, 0.004, 0);
	add_run(s, 1, 0, 0.004);
	cr_expect_float_eq(timing_user_share(s), 0.75, 1e-12);
}

Test(profile_timing, a_pair_needs_both_its_runs)
{
	struct timing_contest contest = { .a = 0, .b = 1 };
	struct compare_pair *pair;
	uint32_t nr;

	add_subject();
	add_subject();
	for (int i = 0; i < 3; i++) {
		cr_assert(vec_push(&contest.b_first, i == 1));
		add_run(&timing.subjects.at[0], 1 + i, 0, 0);
	}
	add_run(&timing.subjects.at[1], 5, 0, 0);
	add_run(&timing.subjects.at[1], 6, 0, 0);
	cr_assert(vec_push(&timing.contests, contest));
	pair = timing_pairs(&timing, &timing.contests.at[0], TIMING_WALL, &nr);
	cr_assert_eq(nr, 2);
	cr_expect_eq(pair[1].a, 2);
	cr_expect_eq(pair[1].b, 6);
	cr_expect(pair[1].b_first && !pair[0].b_first);
	free(pair);
	/* No CPU time was seen at all: no ratio of it. */
	cr_expect_null(
		timing_pairs(&timing, &timing.contests.at[0], TIMING_CPU, &nr));
}

Test(profile_timing, a_cold_start_is_told_of)
{
	struct timing_subject *s = add_subject();
	struct timing_run first = { .wall_s = 5 };

	cr_assert(vec_push(&s->warmups, first));
	for (int i = 0; i < 10; i++)
		add_run(s, 1 + i * 0.001, 0.5, 0);
	cr_expect(has_caution("cold_start"));
	s->warmups.at[0].wall_s = 1.1;
	cr_expect(!has_caution("cold_start"));
}

Test(profile_timing, slow_runs_and_drift_are_told_of)
{
	struct timing_subject *s = add_subject();

	for (int i = 0; i < 40; i++)
		add_run(s, 1 + i * 0.01, 0.5, 0);
	cr_expect(has_caution("drift"));
	cr_expect(!has_caution("slow_runs"));
	s->runs.at[20].wall_s = 9;
	cr_expect(has_caution("slow_runs"));
}

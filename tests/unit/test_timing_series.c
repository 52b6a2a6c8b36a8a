/* SPDX-License-Identifier: MIT */
#include "timing/series.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "os/clock.h"

/* Runs that take no time and say so. */
struct fake {
	uint32_t order[4096], nr;
	uint32_t stop_after, fail_at; /* 0: never */
	volatile bool stop;
	double sleep_s;
};

static struct timing timing;
static struct fake fake;
static struct series_opts opts;

static int fake_run(void *arg, uint32_t subject, struct timing_run *out,
		    bool *stopped, struct err *err)
{
	struct fake *f = arg;

	(void)err;
	f->order[f->nr++] = subject;
	out->wall_s = out->cpu_s = 0.01 * (subject + 1);
	out->code = f->fail_at && f->nr == f->fail_at ? 3 : 0;
	*stopped = f->stop_after && f->nr > f->stop_after;
	if (f->sleep_s > 0)
		clock_sleep((uint64_t)(f->sleep_s * 1e9));
	return ERR_OK;
}

static void make(uint32_t subjects, uint32_t contests)
{
	struct timing_subject subject = { 0 };

	for (uint32_t i = 0; i < subjects; i++)
		cr_assert(vec_push(&timing.subjects, subject));
	for (uint32_t i = 0; i < contests; i++) {
		struct timing_contest one = { .a = i, .b = i + contests };

		cr_assert(vec_push(&timing.contests, one));
	}
	opts = (struct series_opts){ .limit_ns = 60 * CLOCK_SECOND_NS,
				     .stop = &fake.stop,
				     .seed = 1 };
}

static void release(void)
{
	timing_release(&timing);
}

TestSuite(timing_series, .fini = release);

static void measure(void)
{
	static const struct series_ops ops = { fake_run, NULL };
	struct err err = { 0 };

	cr_assert_eq(series_measure(&timing, &opts, &ops, &fake, &err), ERR_OK);
}

Test(timing_series, so_many_runs_as_asked_for)
{
	make(1, 0);
	opts.run_nr = 7;
	opts.warmup_nr = 2;
	measure();
	cr_expect_eq(timing.subjects.at[0].runs.nr, 7);
	cr_expect_eq(timing.subjects.at[0].warmups.nr, 2);
	cr_expect_eq(timing.end, TIMING_ENOUGH);
}

Test(timing_series, blocks_are_abba_or_baab_and_both_occur)
{
	uint32_t first[2] = { 0 };

	make(2, 1);
	opts.run_nr = 100;
	measure();
	cr_expect_eq(timing.contests.at[0].design, COMPARE_BLOCKS);
	cr_expect_eq(timing.subjects.at[0].runs.nr, 100);
	cr_expect_eq(timing.subjects.at[1].runs.nr, 100);
	for (uint32_t i = 0; i + 3 < fake.nr; i += 4) {
		cr_expect_eq(fake.order[i], fake.order[i + 3]);
		cr_expect_eq(fake.order[i + 1], fake.order[i + 2]);
		cr_expect_neq(fake.order[i], fake.order[i + 1]);
		cr_expect_eq(timing.contests.at[0].b_first.at[i / 2],
			     fake.order[i] == 1);
		first[fake.order[i]]++;
	}
	/* 50 coins; 1 in 100,000 that fewer than 11 are heads. */
	cr_expect(first[0] > 10 && first[1] > 10, "%u %u", first[0], first[1]);
}

Test(timing_series, few_runs_are_pairs_with_a_coin_each)
{
	make(2, 1);
	opts.run_nr = 7;
	measure();
	cr_expect_eq(timing.contests.at[0].design, COMPARE_PAIRS);
	cr_expect_eq(timing.subjects.at[1].runs.nr, 7);
}

Test(timing_series, two_contests_share_the_rounds)
{
	struct compare_ratio got;

	make(4, 2);
	opts.run_nr = 20;
	measure();
	for (uint32_t i = 0; i < 4; i++)
		cr_expect_eq(timing.subjects.at[i].runs.nr, 20);
	cr_assert(timing_ratio(&timing, &timing.contests.at[1], TIMING_CPU,
			       &got));
	cr_expect_float_eq(got.ratio, 2, 1e-9); /* 0.04 to 0.02 */
}

Test(timing_series, a_failure_ends_it_unless_it_is_ignored)
{
	make(1, 0);
	opts.run_nr = 5;
	fake.fail_at = 3;
	measure();
	cr_expect_eq(timing.end, TIMING_FAILED);
	cr_expect_eq(timing.subjects.at[0].runs.nr, 2);
	timing_release(&timing);
	make(1, 0);
	fake.nr = 0;
	opts.run_nr = 5;
	opts.ignore_failure = true;
	measure();
	cr_expect_eq(timing.end, TIMING_ENOUGH);
	cr_expect_eq(timing.subjects.at[0].runs.nr, 5);
	cr_expect_eq(timing.subjects.at[0].failed_nr, 1);
}

Test(timing_series, a_run_that_was_stopped_is_not_counted)
{
	make(2, 1);
	fake.stop_after = 5;
	measure();
	cr_expect_eq(timing.end, TIMING_STOPPED);
	cr_expect_eq(timing.subjects.at[0].runs.nr +
			     timing.subjects.at[1].runs.nr,
		     5);
}

/* Where blocks do not fit, the number of pairs is fixed before the first. */
Test(timing_series, slow_commands_get_pairs_within_the_time)
{
	make(2, 1);
	opts.warmup_nr = 1;
	opts.limit_ns = CLOCK_SECOND_NS / 2;
	opts.limit_asked = true;
	fake.sleep_s = 0.03;
	measure();
	cr_expect_eq(timing.contests.at[0].design, COMPARE_PAIRS);
	cr_expect(timing.subjects.at[0].runs.nr >= 4 &&
			  timing.subjects.at[0].runs.nr <= 8,
		  "%u", timing.subjects.at[0].runs.nr);
}

Test(timing_series, equal_runs_are_narrow_after_a_second)
{
	make(1, 0);
	fake.sleep_s = 0.02;
	measure();
	cr_expect_eq(timing.end, TIMING_NARROW);
	cr_expect(timing.elapsed_s >= 1 && timing.elapsed_s < 10);
}

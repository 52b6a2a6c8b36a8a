/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "profile/expect.h"
#include "sketch.h"

static void check_band(const char *text, double low, double high)
{
	struct expect_claim claim;
	struct err err;

	cr_assert_eq(expect_parse(text, &claim, &err), ERR_OK, "%s", text);
	cr_expect_float_eq(claim.low, low, 1e-12, "%s: %f", text, claim.low);
	cr_expect_float_eq(claim.high, high, 1e-12, "%s: %f", text, claim.high);
}

Test(profile_expect, a_number_is_read_as_a_band_around_it)
{
	check_band("f=60%", 0.55, 0.65);
	check_band("f=60", 0.55, 0.65);
	check_band("f=10%", 0.075, 0.125);
	check_band("f=1%", 0.005, 0.015);
	check_band("f=0%", 0, 0.005);
	check_band("f=100%", 0.95, 1);
	check_band("f=2.5%", 0.01875, 0.03125);
}

Test(profile_expect, a_band_can_be_given)
{
	check_band("f=50-70%", 0.5, 0.7);
	check_band("f=0-100", 0, 1);
	check_band("f=7.5-7.5%", 0.075, 0.075);
}

Test(profile_expect, what_is_no_hypothesis_is_refused)
{
	static const char *const wrong[] = {
		"",	  "f",	     "=60%",   " =60%", "f=",	 "f=%",
		"f=101%", "f=-1%",   "f=60%x", "f=6 0", "f=nan", "f=0x10",
		"f=.",	  "f=70-50", "f=1e1%", "f=60-", "f=5%%",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct expect_claim claim;
		struct err err;

		cr_expect_eq(expect_parse(wrong[i], &claim, &err), ERR_USAGE,
			     "'%s'", wrong[i]);
		cr_expect(*err.hint);
	}
}

static struct profile *half(uint64_t nr)
{
	struct profile *p = sketch_new(nr * 2);
	uint32_t t = sketch_thread(p, 100, "python3");

	sketch_looks(p, t, "main@/p/a.py:1:1;Job.run@/p/jobs.py:3:4",
		     SAMPLE_COMPLETE, nr);
	sketch_looks(p, t, "main@/p/a.py:1:2", SAMPLE_COMPLETE, nr);
	sketch_looks(p, t, "main@/p/a.py:1:2", SAMPLE_SALVAGED, nr);
	return p;
}

static void check(const struct profile *p, const char *text,
		  enum expect_verdict verdict, double share)
{
	struct profile *writable = (struct profile *)p;
	struct expect_list list;
	struct err err;

	profile_set_meta(writable, META_EXPECT, text);
	cr_assert_eq(expect_answer(&list, p, &err), ERR_OK);
	cr_assert_eq(list.answers.nr, 1);
	cr_expect_eq(list.answers.at[0].verdict, verdict, "%s: %s", text,
		     list.answers.at[0].why);
	cr_expect_float_eq(list.answers.at[0].share, share, 1e-9, "%s: %f",
			   text, list.answers.at[0].share);
	expect_release(&list);
}

Test(profile_expect, the_interval_decides)
{
	struct profile *p = half(2000);

	check(p, "run=50%", EXPECT_SUPPORTED, 0.5);
	check(p, "run=40%", EXPECT_NOT_SUPPORTED, 0.5);
	check(p, "run=60%", EXPECT_NOT_SUPPORTED, 0.5);
	check(p, "run=50-70%", EXPECT_CANNOT_TELL, 0.5);
	check(p, "run=0-100%", EXPECT_SUPPORTED, 0.5);
	profile_free(p);
}

/* On a busy machine a look stands for the ticks missed before it, too. */
Test(profile_expect, looks_count_for_the_ticks_that_they_stand_for)
{
	struct profile *p = half(1000);

	for (uint32_t i = 0; i < p->counts.nr; i++)
		profile_add_missed(p, i, p->counts.at[i].nr);
	check(p, "run=50%", EXPECT_SUPPORTED, 0.5);
	check(p, "run=25%", EXPECT_NOT_SUPPORTED, 0.5);
	profile_free(p);
}

Test(profile_expect, few_samples_cannot_tell)
{
	struct profile *p = half(10);

	check(p, "run=50%", EXPECT_CANNOT_TELL, 0.5);
	check(p, "run=5%", EXPECT_NOT_SUPPORTED, 0.5);
	profile_free(p);
}

Test(profile_expect, callees_are_part_of_the_share)
{
	struct profile *p = half(2000);

	check(p, "main=100%", EXPECT_SUPPORTED, 1);
	profile_free(p);
}

Test(profile_expect, a_name_matches_whole_or_by_its_last_part)
{
	struct profile *p = half(2000);

	check(p, "Job.run=50%", EXPECT_SUPPORTED, 0.5);
	check(p, "jobs.py:run=50%", EXPECT_SUPPORTED, 0.5);
	check(p, "/p/jobs.py:Job.run = 50%", EXPECT_CANNOT_TELL, 0);
	check(p, "/p/jobs.py:Job.run =50%", EXPECT_SUPPORTED, 0.5);
	check(p, "obs.py:run=50%", EXPECT_CANNOT_TELL, 0);
	check(p, "a.py:run=50%", EXPECT_CANNOT_TELL, 0);
	check(p, "un=50%", EXPECT_CANNOT_TELL, 0);
	check(p, "jobs.py:=50%", EXPECT_CANNOT_TELL, 0);
	profile_free(p);
}

Test(profile_expect, a_sample_counts_once_however_often_it_matches)
{
	struct profile *p = sketch_new(2000);
	uint32_t t = sketch_thread(p, 100, "python3");

	sketch_looks(p, t, "f@a.py:1:1;f@a.py:1:1;A.f@a.py:9:9",
		     SAMPLE_COMPLETE, 2000);
	check(p, "f=100%", EXPECT_SUPPORTED, 1);
	profile_free(p);
}

/* A thread's samples weigh as much as its wall time. */
Test(profile_expect, threads_weigh_by_their_time)
{
	struct profile *p = sketch_new(4000);
	uint32_t a = sketch_thread(p, 100, "a"), b = sketch_thread(p, 101, "b");

	sketch_looks(p, a, "f@a.py:1:1", SAMPLE_COMPLETE, 1000);
	sketch_looks(p, b, "g@a.py:2:2", SAMPLE_COMPLETE, 4000);
	check(p, "f=50%", EXPECT_SUPPORTED, 0.5);
	profile_free(p);
}

Test(profile_expect, answers_come_in_the_order_of_the_hypotheses)
{
	struct profile *p = half(2000);
	struct expect_list list;
	struct err err;

	profile_set_meta(p, META_EXPECT, "run=50%\n\nnonsense\nmain=1%\n");
	cr_assert_eq(expect_answer(&list, p, &err), ERR_OK);
	cr_assert_eq(list.answers.nr, 3);
	cr_expect_str_eq(list.answers.at[0].text, "run=50%");
	cr_expect_eq(list.answers.at[0].self_nr, 2000);
	cr_expect_str_eq(list.answers.at[1].text, "nonsense");
	cr_expect_eq(list.answers.at[1].claim.function_size, 0);
	cr_expect_str_eq(list.answers.at[2].text, "main=1%");
	cr_expect_eq(list.answers.at[2].total_nr, 4000);
	expect_release(&list);
	profile_free(p);
}

Test(profile_expect, without_hypotheses_or_samples_there_is_no_crash)
{
	struct profile *p = profile_new();
	struct expect_list list;
	struct err err;

	cr_assert_eq(expect_answer(&list, p, &err), ERR_OK);
	cr_expect_eq(list.answers.nr, 0);
	expect_release(&list);
	check(p, "f=50%", EXPECT_CANNOT_TELL, 0);
	profile_free(p);
}

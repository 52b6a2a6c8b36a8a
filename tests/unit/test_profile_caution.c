/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "profile/caution.h"
#include "sketch.h"

/* Ten seconds in which nothing was wrong. */
static struct profile *fine(void)
{
	struct profile *p = sketch_new(10000);
	uint32_t t = sketch_thread(p, 100, "python3");

	sketch_books(p, t, 9900 * MS, 50 * MS);
	sketch_looks(p, t, "f@a.py:1:1", SAMPLE_COMPLETE, 9950);
	sketch_looks(p, t, "f@a.py:1:1", SAMPLE_SALVAGED, 50);
	profile_set_meta(p, META_CPU_NR, "2");
	profile_set_meta(p, META_LOAD, "1.9");
	return p;
}

/* Which cautions `p` has, as a set of bits; then it is freed. */
static unsigned cautions(struct profile *p)
{
	struct caution list[CAUTION_NR];
	uint32_t nr = caution_list(p, list);
	unsigned set = 0;

	for (uint32_t i = 0; i < nr; i++) {
		set |= 1u << list[i].kind;
		cr_expect(*list[i].reason);
		cr_expect(*list[i].remedy);
		cr_expect(*caution_key(list[i].kind));
	}
	profile_free(p);
	return set;
}

Test(profile_caution, a_good_recording_has_none)
{
	cr_expect_eq(cautions(fine()), 0);
}

Test(profile_caution, few_samples)
{
	struct profile *p = fine();

	p->threads.at[0].looks[SAMPLE_SALVAGED] = 0;
	p->threads.at[0].looks[SAMPLE_COMPLETE] = 99;
	cr_expect_eq(cautions(p), 1u << CAUTION_FEW_SAMPLES);
	p = fine();
	p->threads.at[0].looks[SAMPLE_SALVAGED] = 0;
	p->threads.at[0].looks[SAMPLE_COMPLETE] = 100;
	cr_expect_eq(cautions(p), 0);
}

Test(profile_caution, no_samples_at_all)
{
	struct profile *p = fine();

	p->threads.at[0].looks[SAMPLE_SALVAGED] = 0;
	p->threads.at[0].looks[SAMPLE_COMPLETE] = 0;
	cr_expect_eq(cautions(p), 1u << CAUTION_NO_SAMPLES);
}

Test(profile_caution, a_short_run)
{
	struct profile *p = fine();

	p->wall_ns = 999 * MS;
	p->tick_nr = 999;
	p->threads.at[0].end_ns = p->wall_ns;
	sketch_books(p, 0, 990 * MS, 5 * MS);
	cr_expect_eq(cautions(p), 1u << CAUTION_SHORT_RUN);
}

Test(profile_caution, more_than_one_percent_marked)
{
	struct profile *p = fine();

	sketch_looks(p, 0, "f@a.py:1:1", SAMPLE_INCONSISTENT, 40);
	sketch_looks(p, 0, "", SAMPLE_LOST, 40);
	cr_expect_eq(cautions(p), 1u << CAUTION_MARKED);
}

Test(profile_caution, a_rate_that_was_not_delivered)
{
	struct profile *p = fine();

	p->tick_nr = 9400;
	cr_expect_eq(cautions(p), 1u << CAUTION_LOW_RATE);
	p = fine();
	p->tick_nr = 9600;
	cr_expect_eq(cautions(p), 0);
}

/* 90 ticks of a random clock where 100 are due is chance, not trouble. */
Test(profile_caution, a_clock_that_ticked_less_by_chance_is_no_trouble)
{
	struct profile *p = fine();

	p->asked_hz = 10;
	p->tick_nr = 90;
	cr_expect_eq(cautions(p), 0);
	p = fine();
	p->asked_hz = 10;
	p->tick_nr = 60;
	cr_expect_eq(cautions(p), 1u << CAUTION_LOW_RATE);
}

Test(profile_caution, a_main_thread_that_waited_for_a_cpu)
{
	struct profile *p = fine();

	sketch_books(p, 0, 9000 * MS, 501 * MS);
	cr_expect_eq(cautions(p), 1u << CAUTION_RUN_QUEUE);
	p = fine();
	sketch_books(p, 0, 9000 * MS, 501 * MS);
	p->threads.at[0].has_sched = false;
	cr_expect_eq(cautions(p), 1u << CAUTION_UNCOUNTED);
}

Test(profile_caution, a_machine_with_more_work_than_cpus)
{
	struct profile *p = fine();

	profile_set_meta(p, META_LOAD, "2.1");
	cr_expect_eq(cautions(p), 1u << CAUTION_LOAD);
	p = fine();
	profile_set_meta(p, META_LOAD, "\033[1m");
	cr_expect_eq(cautions(p), 0);
	p = fine();
	profile_set_meta(p, META_CPU_NR, "");
	profile_set_meta(p, META_LOAD, "nan");
	cr_expect_eq(cautions(p), 0);
}

Test(profile_caution, a_figure_is_in_the_reason)
{
	struct profile *p = fine();
	struct caution list[CAUTION_NR];

	profile_set_meta(p, META_LOAD, "7.25");
	cr_assert_eq(caution_list(p, list), 1);
	cr_expect_str_eq(list[0].reason,
			 "the machine was busy when this began: "
			 "load 7.2 on 2 CPUs");
	cr_expect_str_eq(caution_key(list[0].kind), "load");
	profile_free(p);
}

/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "profile/breakdown.h"
#include "sketch.h"

static void sentence(const struct profile *p, char out[BREAKDOWN_SENTENCE])
{
	struct summary s;
	struct breakdown b;
	struct err err;

	cr_assert(!summary_make(&s, p, &(struct summary_of){ 0 }, &err));
	cr_assert(!breakdown_make(&b, p, &s, &err));
	memcpy(out, b.sentence, BREAKDOWN_SENTENCE);
	breakdown_release(&b);
	summary_release(&s);
}

Test(profile_breakdown, threads_that_share_a_gil_are_told)
{
	struct profile *p = sketch_new(1000);
	char text[BREAKDOWN_SENTENCE];

	for (int i = 0; i < 2; i++) {
		uint32_t thread = sketch_thread(p, 100 + i, "worker");

		sketch_state(p, thread, "f@a.py:1:1", STATE_ON_CPU, 400);
		sketch_state(p, thread, "f@a.py:1:1", STATE_GIL_WAIT, 600);
	}
	sentence(p, text);
	cr_assert_str_eq(text, "two threads take turns on one GIL: 60 % of "
			       "their time is waiting for it");
	profile_free(p);
}

/* Two processes have two of them, whatever their threads do. */
Test(profile_breakdown, the_gils_of_two_processes_are_not_one)
{
	struct profile *p = sketch_new(1000);
	char text[BREAKDOWN_SENTENCE];
	uint32_t thread;

	for (int i = 0; i < 2; i++) {
		thread = sketch_thread(p, 100 + i, "worker");
		sketch_state(p, thread, "f@a.py:1:1", STATE_ON_CPU, 400);
		sketch_state(p, thread, "f@a.py:1:1", STATE_GIL_WAIT, 600);
	}
	p->threads.at[thread].process = profile_add_process(p, 200, 0, 0);
	sentence(p, text);
	cr_assert_str_eq(text, "two threads take turns on the GILs of several "
			       "processes: 60 % of their time is waiting");
	profile_free(p);
}

/*
 * The waiting of a long thread was once held against the life of short ones:
 * "9 threads take turns on one GIL: 1103 % of their time is waiting for it".
 */
Test(profile_breakdown, threads_of_a_moment_are_not_what_the_time_goes_for)
{
	struct profile *p = sketch_new(10000);
	uint32_t thread = sketch_thread(p, 100, "MainThread");
	char text[BREAKDOWN_SENTENCE];

	sketch_state(p, thread, "f@a.py:1:1", STATE_ON_CPU, 9600);
	sketch_state(p, thread, "f@a.py:1:1", STATE_GIL_WAIT, 400);
	for (int i = 1; i < 9; i++) {
		thread = sketch_thread(p, 100 + i, "Thread-1");
		p->threads.at[thread].end_ns = 3 * MS;
		sketch_state(p, thread, "f@a.py:1:1", STATE_GIL_WAIT, 2);
		sketch_state(p, thread, "f@a.py:1:1", STATE_ON_CPU, 1);
	}
	sentence(p, text);
	cr_assert_null(strstr(text, "take turns"), "%s", text);
	cr_assert_not_null(strstr(text, "compute"), "%s", text);
	profile_free(p);
}

static void sentence_of(const uint64_t looks[STATE_NR],
			char out[BREAKDOWN_SENTENCE])
{
	struct profile *p = sketch_new(1000);
	uint32_t thread = sketch_thread(p, 100, "MainThread");

	for (int i = 0; i < STATE_NR; i++)
		if (looks[i])
			sketch_state(p, thread, "f@a.py:1:1",
				     (enum thread_state)i, looks[i]);
	sentence(p, out);
	profile_free(p);
}

Test(profile_breakdown, mostly_is_more_than_half)
{
	char text[BREAKDOWN_SENTENCE];

	sentence_of((const uint64_t[STATE_NR]){ [STATE_SLEEP] = 320,
						[STATE_LOCK] = 300,
						[STATE_ON_CPU] = 380 },
		    text);
	cr_expect_str_eq(text, "it mostly waits: 32 % of its time for the "
			       "clock (sleep); 38 % is on a CPU");
	sentence_of((const uint64_t[STATE_NR]){ [STATE_CHILD] = 400,
						[STATE_RUN_QUEUE] = 150,
						[STATE_ON_CPU] = 450 },
		    text);
	cr_expect_str_eq(text, "it waits: 40 % of its time for a child "
			       "process; 45 % is on a CPU");
}

Test(profile_breakdown, the_queue_and_the_collector_have_sentences)
{
	char text[BREAKDOWN_SENTENCE];

	sentence_of(
		(const uint64_t[STATE_NR]){
			[STATE_RUN_QUEUE] = 500, [STATE_ON_CPU] = 500 },
		text);
	cr_expect_not_null(strstr(text, "50 %"), "%s", text);
	cr_expect_not_null(strstr(text, "CPU"), "%s", text);
	sentence_of(
		(const uint64_t[STATE_NR]){
			[STATE_COLLECTING_2] = 600, [STATE_ON_CPU] = 400 },
		text);
	cr_expect_not_null(strstr(text, "60 %"), "%s", text);
	cr_expect_not_null(strstr(text, "garbage"), "%s", text);
}

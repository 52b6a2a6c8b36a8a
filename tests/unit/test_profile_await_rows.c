/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "profile/await_rows.h"
#include "sketch.h"

#define LIB "/usr/lib/python3.13/asyncio/"
#define PACKAGE "/usr/lib/python3.13/site-packages/"

static void make(struct await_rows *r, const struct profile *p)
{
	struct err err;

	cr_assert_eq(await_rows_make(r, p, &err), ERR_OK);
}

static uint32_t line_of(const struct profile *p, uint32_t frame)
{
	return p->frames.at[frame].line;
}

Test(profile_await_rows, a_wait_belongs_to_the_line_of_the_program)
{
	struct profile *p = sketch_new(1000);
	struct await_rows r;

	sketch_await(p, "main@/srv/a.py:1:5;sleep@" LIB "tasks.py:1:665",
		     AWAIT_FUTURE, 3000);
	sketch_await(p, "main@/srv/a.py:1:5;get@" LIB "queues.py:1:158",
		     AWAIT_FUTURE, 4000);
	sketch_await(p, "main@/srv/a.py:1:5;get@" LIB "queues.py:1:158",
		     AWAIT_READY, 1000);
	sketch_await(p, "main@/srv/a.py:1:9", AWAIT_TASK, 1000);
	sketch_await(p, "", AWAIT_RUNNING, 1000);
	make(&r, p);
	cr_assert_eq(r.lines.nr, 2);
	cr_expect_eq(line_of(p, r.lines.at[0].frame), 5);
	cr_expect_eq(line_of(p, r.lines.at[0].at), 158);
	cr_expect_float_eq(r.lines.at[0].s, 8, 1e-9);
	cr_expect_float_eq(r.lines.at[0].kind_s[AWAIT_READY], 1, 1e-9);
	cr_expect_float_eq(r.lines.at[0].share, 0.8, 1e-9);
	cr_expect_float_eq(r.life_s, 10, 1e-9);
	await_rows_release(&r);
	profile_free(p);
}

Test(profile_await_rows, a_package_is_nearer_than_pythons_own_library)
{
	struct profile *p = sketch_new(1000);
	struct await_rows r;

	sketch_await(p, "run@" PACKAGE "x.py:1:3;sleep@" LIB "tasks.py:1:665",
		     AWAIT_FUTURE, 1000);
	sketch_await(p, "shutdown@" LIB "base_events.py:1:7", AWAIT_FUTURE,
		     500);
	sketch_await(p, "", AWAIT_OTHER, 250);
	make(&r, p);
	cr_assert_eq(r.lines.nr, 3);
	cr_expect_eq(line_of(p, r.lines.at[0].frame), 3);
	cr_expect_eq(line_of(p, r.lines.at[1].frame), 7);
	cr_expect_eq(r.lines.at[2].frame, AWAIT_NO_FRAME);
	await_rows_release(&r);
	profile_free(p);
}

Test(profile_await_rows, what_is_not_known_is_in_no_share)
{
	struct profile *p = sketch_new(1000);
	struct await_rows r;

	sketch_await(p, "main@/srv/a.py:1:5", AWAIT_FUTURE, 3000);
	sketch_await(p, "", AWAIT_UNKNOWN, 7000);
	make(&r, p);
	cr_expect_float_eq(r.lines.at[0].share, 1, 1e-9);
	cr_expect_float_eq(r.known_s, 3, 1e-9);
	cr_expect_float_eq(r.life_s, 10, 1e-9);
	await_rows_release(&r);
	profile_free(p);
}

/* A thousand tasks at one reading are one witness, not a thousand. */
Test(profile_await_rows, readings_are_the_trials)
{
	struct profile *p = sketch_new(1000);
	struct await_rows r;

	sketch_await(p, "main@/srv/a.py:1:5", AWAIT_FUTURE, 5000000);
	sketch_await(p, "main@/srv/a.py:1:6", AWAIT_FUTURE, 5000000);
	sketch_readings(p, 100, 1000);
	make(&r, p);
	cr_expect_float_eq(r.effective, 100, 1e-6);
	cr_expect_float_eq(r.lines.at[0].interval.low, 0.404, 1e-3);
	cr_expect_float_eq(r.lines.at[0].interval.high, 0.596, 1e-3);
	await_rows_release(&r);
	profile_free(p);
}

Test(profile_await_rows, without_tasks_there_is_nothing)
{
	struct profile *p = sketch_new(1000);
	struct await_rows r;

	make(&r, p);
	cr_expect_eq(r.lines.nr, 0);
	cr_expect_eq(r.count[AWAIT_SEEN], 0);
	cr_expect(r.effective <= 0);
	await_rows_release(&r);
	profile_free(p);
}

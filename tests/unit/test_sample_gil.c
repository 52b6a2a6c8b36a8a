/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "sample/gil.h"

static enum gil_news look(struct gil *g, uint64_t holder, uint64_t switches)
{
	g->words[0] = holder;
	g->words[1] = 1;
	g->words[2] = switches;
	return gil_judge(g, true);
}

Test(sample_gil, nothing_is_known_at_the_first_look)
{
	struct gil g = { .addr = 64 };

	cr_assert_eq(look(&g, 1000, 5), GIL_UNKNOWN);
}

Test(sample_gil, without_a_switch_only_the_holder_can_have_moved)
{
	struct gil g = { .addr = 64 };

	look(&g, 1000, 5);
	cr_assert_eq(look(&g, 1000, 5), GIL_SAME);
	cr_assert_eq(g.holder, 1000);
}

Test(sample_gil, after_one_switch_two_can_have_moved)
{
	struct gil g = { .addr = 64 };

	look(&g, 1000, 5);
	cr_assert_eq(look(&g, 2000, 6), GIL_ONE_SWITCH);
	cr_assert_eq(g.holder, 2000);
}

/* A -> B -> A is two switches, and B may have moved without being seen. */
Test(sample_gil, after_two_switches_any_thread_can_have_moved)
{
	struct gil g = { .addr = 64 };

	look(&g, 1000, 5);
	cr_assert_eq(look(&g, 1000, 7), GIL_UNKNOWN);
}

Test(sample_gil, a_holder_that_changed_without_a_switch_is_not_believed)
{
	struct gil g = { .addr = 64 };

	look(&g, 1000, 5);
	cr_assert_eq(look(&g, 2000, 5), GIL_UNKNOWN);
}

Test(sample_gil, a_lock_that_could_not_be_read_tells_nothing)
{
	struct gil g = { .addr = 64 };

	look(&g, 1000, 5);
	cr_assert_eq(gil_judge(&g, false), GIL_UNKNOWN);
	cr_assert_eq(look(&g, 1000, 5), GIL_UNKNOWN);
}

/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "sample/place.h"

static int cpus(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	return CPU_COUNT(&set);
}

/*
 * The place of a process that came while the sampler was beside another one
 * once had that one CPU for its home.
 */
Test(sample_place, several_processes_have_one_home)
{
	struct place first, second;
	int all = cpus();

	place_init(&first);
	cr_assert(place_beside(&first, getpid(), getpid()));
	cr_expect(place_is_held(&first));
	cr_expect_eq(cpus(), 1);
	place_init(&second);
	cr_expect_not(place_is_held(&second));
	place_apart(&second);
	cr_expect_eq(cpus(), all);
	cr_expect_not(place_is_held(&first));
	cr_expect(place_back(&first));
	cr_expect(place_is_held(&first));
	place_apart(&first);
	cr_expect_eq(cpus(), all);
}

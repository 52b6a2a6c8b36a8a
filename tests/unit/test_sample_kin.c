/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <unistd.h>

#include "sample/kin.h"

#define NOBODYS 4000000 /* a number that no process of the test has */
#define STACK 0x7ffc12345670u

/* An orphan with the memory layout of the calling process, by whose number
 * it is asked whether places are drawn at random. */
static struct family_member orphan(uint64_t stack_addr)
{
	struct family_member m = { .pid = getpid() };

	m.id.leader = m.pid;
	m.id.parent = 1;
	m.id.group = m.id.session = NOBODYS;
	m.id.stack_addr = stack_addr;
	return m;
}

static void begin(struct kin *k, bool fresh)
{
	kin_init(k, getppid(), fresh);
	k->random = true;
	kin_add(k, getppid(), 0);
	kin_add(k, NOBODYS + 1, 1);
}

Test(sample_kin, a_copy_of_a_process_of_the_job_is_found)
{
	struct family_member same = orphan(STACK), other = orphan(STACK + 16);
	struct kin k;

	begin(&k, true);
	kin_see(&k, STACK, 1);
	cr_assert_eq(kin_find(&k, &same), 1);
	cr_assert_eq(kin_find(&k, &other), MAP_NONE);
	other.id.stack_addr = 0; /* may not be known */
	kin_see(&k, 0, 1);
	cr_assert_eq(kin_find(&k, &other), MAP_NONE);
	kin_release(&k);
}

Test(sample_kin, what_strangers_share_proves_nothing)
{
	struct family_member same = orphan(STACK), stranger = orphan(STACK);
	struct family_list all = { 0 };
	struct kin k;

	begin(&k, false);
	stranger.pid = NOBODYS + 2;
	cr_assert(vec_push(&all.at, stranger));
	kin_note_others(&k, &all);
	kin_see(&k, STACK, 1);
	cr_assert_eq(kin_find(&k, &same), MAP_NONE);
	vec_release(&all.at);
	kin_release(&k);
}

Test(sample_kin, without_random_places_they_prove_nothing)
{
	struct family_member same = orphan(STACK);
	struct kin k;

	begin(&k, true);
	k.random = false;
	kin_see(&k, STACK, 1);
	cr_assert_eq(kin_find(&k, &same), MAP_NONE);
	kin_release(&k);
}

Test(sample_kin, a_session_of_the_job_is_the_jobs)
{
	struct family_member m = orphan(0);
	struct kin k;

	begin(&k, true);
	m.id.session = NOBODYS + 1;
	cr_assert_eq(kin_find(&k, &m), 1);
	kin_release(&k);
}

/* A shell names the group of a pipeline after the process it starts first. */
Test(sample_kin, the_group_of_an_older_target_may_be_a_pipeline)
{
	struct family_member m = orphan(0);
	struct kin k;

	begin(&k, false);
	m.id.group = getppid();
	cr_assert_eq(kin_find(&k, &m), MAP_NONE);
	k.fresh = true;
	cr_assert_eq(kin_find(&k, &m), 0);
	kin_release(&k);
}

Test(sample_kin, the_numbers_of_the_dead_are_forgotten)
{
	struct map alive = { 0 };
	struct kin k;

	begin(&k, true);
	cr_assert(map_put(&alive, (uint64_t)getppid(), 0));
	kin_forget_dead(&k, &alive);
	cr_assert(kin_has(&k, getppid()));
	cr_assert_not(kin_has(&k, NOBODYS + 1));
	map_release(&alive);
	kin_release(&k);
}

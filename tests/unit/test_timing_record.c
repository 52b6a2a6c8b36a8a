/* SPDX-License-Identifier: MIT */
#include "timing/record.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "tare.expression 1\npython CPython 3\n"
#define TAIL "empty 500 100\nend\n"

static struct timing_run run;
static char python[32];
static uint64_t loops;

static int parse(const char *text)
{
	struct err err = { 0 };

	memset(&run, 0, sizeof(run));
	return record_parse(text, &run, python, sizeof(python), &loops, &err);
}

Test(timing_record, a_whole_record_is_read)
{
	cr_assert_eq(parse(HEAD "loops 100\nbatch 3000 2000 4\n"
				"batch 1000 900 0\nbatch 2000 1000 2\n" TAIL),
		     ERR_OK);
	cr_expect_str_eq(python, "CPython 3");
	cr_expect_eq(loops, 100);
	cr_expect_float_eq(run.wall_s, 20e-9, 1e-18);
	cr_expect_float_eq(run.cpu_s, 10e-9, 1e-18);
	cr_expect_float_eq(run.empty_s, 5e-9, 1e-18);
	cr_expect_float_eq(run.collections, 0.02, 1e-12);
}

Test(timing_record, what_is_not_whole_is_refused)
{
	static const char *const bad[] = {
		"",
		"end\n",
		HEAD,
		HEAD "loops 0\nbatch 1 1 0\n" TAIL,
		HEAD "loops 10\n" TAIL,
		HEAD "loops 10\nbatch 1 1 0\n",
		HEAD "loops 10\nbatch 1 1 0\nempty 1 1\nend",
		HEAD "loops 10\nbatch 1 1 0\n" TAIL "more\n",
		HEAD "loops 10\nbatch 0 1 0\n" TAIL,
		HEAD "loops 10\nbatch -1 1 0\n" TAIL,
		HEAD "loops 10\nbatch 1 1\n" TAIL,
		HEAD "loops 10\nbatch 1 1 0 0\n" TAIL,
		HEAD "loops 10\nbatch 1e3 1 0\n" TAIL,
		HEAD "loops 10\nbatch 99999999999999999999999 1 0\n" TAIL,
		HEAD "loops 99999999999999999999\nbatch 1 1 0\n" TAIL,
		HEAD "loops 10\nbatch 1 1 0\nempty 1 0\nend\n",
		"tare.expression 2\npython C 3\nloops 1\nbatch 1 1 0\n" TAIL,
		"tare.expression 1\npython \nloops 1\nbatch 1 1 0\n" TAIL,
		"tare.expression 1\npython \033[2J\nloops 1\nbatch 1 1 "
		"0\n" TAIL,
		"tare.expression 1\npython aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"\nloops 1\nbatch 1 1 0\n" TAIL,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(parse(bad[i]), ERR_CORRUPT, "%zu", i);
}

/* Every prefix, and every byte changed: an answer or a refusal, no crash. */
Test(timing_record, noise_is_survived)
{
	static const char whole[] =
		HEAD "loops 100\nbatch 3000 2000 4\nbatch 1 1 0\n" TAIL;
	char text[sizeof(whole)];

	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		memcpy(text, whole, sizeof(whole));
		text[i] = '\0';
		cr_expect_eq(parse(text), ERR_CORRUPT, "%zu", i);
	}
	srand48(1);
	for (int i = 0; i < 100000; i++) {
		memcpy(text, whole, sizeof(whole));
		for (int k = 0; k < 3; k++)
			text[(size_t)(drand48() * (sizeof(whole) - 1))] =
				(char)(1 + lrand48() % 255);
		if (parse(text) == ERR_OK)
			cr_assert(run.wall_s > 0 && loops > 0);
	}
}

Test(timing_record, more_batches_than_there_is_room_for_are_refused)
{
	char text[4096] = HEAD "loops 1\n";
	size_t at = strlen(text);

	for (int i = 0; i < 101; i++) {
		memcpy(text + at, "batch 1 1 0\n", 12);
		at += 12;
	}
	memcpy(text + at, TAIL, sizeof(TAIL));
	cr_expect_eq(parse(text), ERR_CORRUPT);
}

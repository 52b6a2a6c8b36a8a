/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "native/merge.h"

/*
 * Stacks as text, newest first: a native frame is a letter, 'L' the loop; a
 * Python frame is a digit, followed by '*' if it is the entry of its run.
 */
static void merge(const char *native, const char *python, bool whole, char *out,
		  struct merge_result *result)
{
	bool is_loop[64], is_entry[64];
	struct merged merged[128];
	char digits[64];
	uint32_t native_nr = (uint32_t)strlen(native), python_nr = 0;

	for (uint32_t i = 0; i < native_nr; i++)
		is_loop[i] = native[i] == 'L';
	for (; *python; python++) {
		if (*python == '*')
			continue;
		digits[python_nr] = *python;
		is_entry[python_nr++] = python[1] == '*';
	}
	native_merge(is_loop, native_nr, whole, is_entry, python_nr, merged,
		     result);
	for (uint32_t i = 0; i < result->nr; i++)
		out[i] = merged[i].from == MERGE_PYTHON
				 ? digits[merged[i].index]
				 : native[merged[i].index];
	out[result->nr] = '\0';
}

#define CHECK(native, python, whole, expected)              \
	do {                                                \
		struct merge_result result;                 \
		char out[129];                              \
		merge(native, python, whole, out, &result); \
		cr_assert_str_eq(out, expected, "%s", out); \
	} while (0)

Test(native_merge, several_python_frames_share_one_frame_of_the_loop)
{
	CHECK("abLcd", "123*", true, "ab123cd");
}

Test(native_merge, each_frame_of_the_loop_has_its_run)
{
	CHECK("aLbLcLd", "1*23*4*", true, "a1b23c4d");
}

Test(native_merge, the_oldest_python_frame_ends_a_run_unmarked)
{
	CHECK("aLb", "12", true, "a12b");
}

Test(native_merge, a_stack_without_python_stays_as_it_is)
{
	CHECK("abc", "", true, "abc");
	CHECK("", "", true, "");
}

Test(native_merge, a_stack_without_native_frames_is_pythons)
{
	struct merge_result result;
	char out[129];

	merge("", "12*3*", false, out, &result);
	cr_assert_str_eq(out, "123");
	cr_assert_eq(result.unpaired_python, 3);
}

/* What the copied piece of the stack did not reach is known from Python. */
Test(native_merge, a_native_chain_that_was_cut_goes_on_in_python)
{
	CHECK("aLb", "1*2*3*", false, "a1b23");
	CHECK("ab", "1*2*", false, "ab12");
}

/* Python was read a moment later, when one more function had been called. */
Test(native_merge, a_newer_python_run_is_put_on_top)
{
	struct merge_result result;
	char out[129];

	merge("aLbLc", "1*2*3*", true, out, &result);
	cr_assert_str_eq(out, "1a2b3c");
	cr_assert_eq(result.unpaired_python, 1);
	cr_assert_eq(result.native_runs, 2);
	cr_assert_eq(result.python_runs, 3);
}

/* The loop has begun, but its Python frame is not there yet. */
Test(native_merge, a_loop_without_a_frame_is_shown_as_itself)
{
	struct merge_result result;
	char out[129];

	merge("LbLc", "12*", true, out, &result);
	cr_assert_str_eq(out, "Lb12c");
	cr_assert_eq(result.unpaired_native, 1);
	cr_assert_eq(result.unpaired_python, 0);
}

Test(native_merge, more_loops_than_python_in_a_cut_chain_are_shown)
{
	struct merge_result result;
	char out[129];

	merge("aLbLc", "1*", false, out, &result);
	cr_assert_str_eq(out, "a1bLc");
	cr_assert_eq(result.unpaired_native, 1);
}

Test(native_merge, nothing_is_lost_or_doubled_whatever_the_marks)
{
	for (uint32_t seed = 0; seed < 4096; seed++) {
		bool is_loop[6], is_entry[6], seen[2][6] = { { false } };
		struct merge_result result;
		struct merged merged[12];
		uint32_t dropped = 0;

		for (int i = 0; i < 6; i++) {
			is_loop[i] = seed >> i & 1;
			is_entry[i] = seed >> (i + 6) & 1;
		}
		native_merge(is_loop, 6, seed & 64, is_entry, 6, merged,
			     &result);
		cr_assert_leq(result.nr, 12);
		for (uint32_t i = 0; i < result.nr; i++) {
			bool *mark = &seen[merged[i].from][merged[i].index];

			cr_assert_not(*mark);
			*mark = true;
		}
		for (int i = 0; i < 6; i++) {
			cr_assert(seen[MERGE_PYTHON][i]);
			cr_assert(seen[MERGE_NATIVE][i] || is_loop[i]);
			dropped += !seen[MERGE_NATIVE][i];
		}
		cr_assert_eq(dropped + result.unpaired_native,
			     result.native_runs);
	}
}

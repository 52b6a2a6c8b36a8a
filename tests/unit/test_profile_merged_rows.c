/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "profile/merged_rows.h"
#include "sketch.h"

#define MAIN "#main@/l/python:0:0;<module>@a.py:1:9"
#define STEP MAIN ";step@a.py:10:12"
#define GEMM ";#dot@/l/numpy.so:0:0;#gemm@/l/blas.so:0:0"

static const char *function_of(const struct profile *p,
			       const struct merged_row *row)
{
	return row->function == MERGED_BYTECODE
		       ? "bytecode"
		       : profile_text(p, p->functions.at[row->function].name);
}

static uint32_t line_of(const struct profile *p, const struct merged_row *row)
{
	return row->python == MERGED_NO_PYTHON ? 0
					       : p->frames.at[row->python].line;
}

static struct profile *one_thread(void)
{
	struct profile *p = sketch_new(1000);

	sketch_books(p, sketch_thread(p, 100, ""), 1000 * MS, 0);
	return p;
}

Test(profile_merged_rows, a_native_function_has_the_python_line_that_called_it)
{
	struct profile *p = one_thread();
	struct merged_rows r;
	struct err err;

	sketch_merge(p, 0, STEP GEMM, MERGE_WHOLE, 60);
	sketch_merge(p, 0, MAIN GEMM, MERGE_WHOLE, 10);
	sketch_merge(p, 0, STEP, MERGE_WHOLE, 20);
	sketch_merge(p, 0, "#main@/l/python:0:0", MERGE_WHOLE, 10);
	cr_assert_eq(merged_rows_make(&r, p, &err), ERR_OK);
	cr_assert_eq(r.rows.nr, 4);
	cr_expect_str_eq(function_of(p, &r.rows.at[0]), "gemm");
	cr_expect_eq(line_of(p, &r.rows.at[0]), 12);
	cr_expect_float_eq(r.rows.at[0].share, 0.6, 1e-9);
	cr_expect_float_eq(r.rows.at[0].s, 0.6, 1e-9);
	cr_expect_lt(r.rows.at[0].interval.low, 0.6);
	cr_expect_gt(r.rows.at[0].interval.high, 0.6);
	cr_expect_str_eq(function_of(p, &r.rows.at[1]), "bytecode");
	cr_expect_eq(line_of(p, &r.rows.at[1]), 12);
	for (int i = 2; i < 4; i++) {
		const char *name = function_of(p, &r.rows.at[i]);

		cr_expect_eq(line_of(p, &r.rows.at[i]),
			     strcmp(name, "gemm") ? 0 : 9);
	}
	merged_rows_release(&r);
	profile_free(p);
}

/* Two ways that lead from one line to one function are one row. */
Test(profile_merged_rows, ways_through_native_code_are_added_up)
{
	struct profile *p = one_thread();
	struct merged_rows r;
	struct err err;

	sketch_merge(p, 0, STEP GEMM, MERGE_WHOLE, 3);
	sketch_merge(p, 0, STEP ";#gemm@/l/blas.so:0:0", MERGE_CUT, 4);
	cr_assert_eq(merged_rows_make(&r, p, &err), ERR_OK);
	cr_assert_eq(r.rows.nr, 1);
	cr_expect_eq(r.rows.at[0].nr, 7);
	merged_rows_release(&r);
	profile_free(p);
}

/* They stand for the time of those that were not merged, thread by thread. */
Test(profile_merged_rows, what_was_not_merged_is_counted_and_has_no_row)
{
	struct profile *p = one_thread();
	struct merged_rows r;
	struct err err;

	sketch_books(p, sketch_thread(p, 101, ""), 3000 * MS, 0);
	sketch_merge(p, 0, STEP GEMM, MERGE_WHOLE, 10);
	sketch_merge(p, 0, "", MERGE_RAN_ON, 90);
	sketch_merge(p, 1, MAIN, MERGE_WHOLE, 10);
	sketch_merge(p, 1, "", MERGE_NOT_READ, 2);
	cr_assert_eq(merged_rows_make(&r, p, &err), ERR_OK);
	cr_expect_eq(r.nr, 112);
	cr_expect_eq(r.merged_nr, 20);
	cr_expect_eq(r.outcomes[MERGE_RAN_ON], 90);
	cr_assert_eq(r.rows.nr, 2);
	cr_expect_float_eq(r.s, 4, 1e-9);
	cr_expect_float_eq(r.rows.at[0].s, 3, 1e-9);
	cr_expect_float_eq(r.rows.at[1].share, 0.25, 1e-9);
	merged_rows_release(&r);
	profile_free(p);
}

Test(profile_merged_rows, nothing_gives_nothing)
{
	struct profile *p = profile_new();
	struct merged_rows r;
	struct err err;

	cr_assert_eq(merged_rows_make(&r, p, &err), ERR_OK);
	cr_expect_eq(r.rows.nr, 0);
	cr_expect_eq(r.nr, 0);
	merged_rows_release(&r);
	profile_free(p);
}

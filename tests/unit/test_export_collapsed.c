/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "export/export.h"
#include "sketch.h"

#define MAIN "<module>@/p/a.py:1:9"

static void check(const struct profile *p, bool threads, bool marked,
		  const char *want)
{
	struct export_opts opts = { .threads = threads, .marked = marked };
	const struct exporter *collapsed;
	struct buf out = { 0 };
	struct err err;

	cr_assert_eq(export_find("collapsed", &collapsed, &err), ERR_OK);
	cr_assert_eq(collapsed->run(&out, p, &opts, &err), ERR_OK);
	cr_expect_str_eq(buf_str(&out), want);
	buf_release(&out);
}

static struct profile *two_threads(void)
{
	struct profile *p = sketch_new(100);
	uint32_t a = sketch_thread(p, 100, "python3");
	uint32_t b = sketch_thread(p, 107, "");

	sketch_looks(p, b, MAIN ";work@/p/a.py:3:5", SAMPLE_COMPLETE, 7);
	sketch_looks(p, a, MAIN ";work@/p/a.py:3:5", SAMPLE_COMPLETE, 30);
	sketch_looks(p, a, MAIN, SAMPLE_COMPLETE, 20);
	sketch_looks(p, a, MAIN, SAMPLE_SALVAGED, 3);
	sketch_looks(p, a, MAIN ";work@/p/a.py:3:4", SAMPLE_INCONSISTENT, 2);
	sketch_looks(p, a, "", SAMPLE_LOST, 1);
	sketch_looks(p, b, "", SAMPLE_COMPLETE, 4);
	return p;
}

Test(export_collapsed, complete_samples_of_all_threads_are_added_up)
{
	struct profile *p = two_threads();

	check(p, false, false,
	      "<module> (/p/a.py:9) 20\n"
	      "<module> (/p/a.py:9);work (/p/a.py:5) 37\n"
	      "[no Python frame] 4\n");
	profile_free(p);
}

Test(export_collapsed, a_thread_can_be_the_root)
{
	struct profile *p = two_threads();

	check(p, true, false,
	      "thread (tid 107);<module> (/p/a.py:9);work (/p/a.py:5) 7\n"
	      "thread (tid 107);[no Python frame] 4\n"
	      "thread python3 (tid 100);<module> (/p/a.py:9) 20\n"
	      "thread python3 (tid 100);<module> (/p/a.py:9);"
	      "work (/p/a.py:5) 30\n");
	profile_free(p);
}

Test(export_collapsed, marked_samples_are_in_it_only_when_asked_for)
{
	struct profile *p = two_threads();

	check(p, false, true,
	      "<module> (/p/a.py:9) 20\n"
	      "<module> (/p/a.py:9);[salvaged] 3\n"
	      "<module> (/p/a.py:9);work (/p/a.py:4);[inconsistent] 2\n"
	      "<module> (/p/a.py:9);work (/p/a.py:5) 37\n"
	      "[lost] 1\n"
	      "[no Python frame] 4\n");
	profile_free(p);
}

/* Two functions of one name, first lines apart: one and the same line. */
Test(export_collapsed, stacks_that_read_alike_are_one_line)
{
	struct profile *p = sketch_new(100);
	uint32_t t = sketch_thread(p, 100, "python3");

	sketch_looks(p, t, "f@a.py:1:9", SAMPLE_COMPLETE, 1);
	sketch_looks(p, t, "f@a.py:2:9", SAMPLE_COMPLETE, 2);
	sketch_looks(p, t, "f@a.py:2:9;g@a.py:3:3", SAMPLE_COMPLETE, 4);
	sketch_looks(p, t, "f@a.py:1:9;g@a.py:3:3", SAMPLE_COMPLETE, 8);
	check(p, false, false,
	      "f (a.py:9) 3\n"
	      "f (a.py:9);g (a.py:3) 12\n");
	profile_free(p);
}

Test(export_collapsed, what_would_break_a_line_is_replaced)
{
	struct profile *p = sketch_new(100);
	uint32_t t = sketch_thread(p, 100, "a;b\nc");
	uint32_t f = profile_function(p, sketch_string(p, "x;\n\033\xff"),
				      sketch_string(p, "a;\xe2\x80\xa8.py"), 1);

	profile_add_count(p, t, profile_node(p, 0, profile_frame(p, f, 0)),
			  SAMPLE_COMPLETE, STATE_ON_CPU, 1);
	check(p, true, false,
	      "thread a,b?c (tid 100);x,??\xef\xbf\xbd (a,?.py) 1\n");
	profile_free(p);
}

Test(export_collapsed, an_unknown_name_is_a_question_mark)
{
	struct profile *p = sketch_new(100);
	uint32_t t = sketch_thread(p, 100, "");
	uint32_t f = profile_function(p, 0, 0, 0);

	profile_add_count(p, t, profile_node(p, 0, profile_frame(p, f, 3)),
			  SAMPLE_COMPLETE, STATE_ON_CPU, 1);
	check(p, false, false, "? (?:3) 1\n");
	profile_free(p);
}

Test(export_collapsed, an_empty_profile_is_an_empty_file)
{
	struct profile *p = profile_new();

	check(p, true, true, "");
	profile_free(p);
}

/* Of native frames only the file is known, and not always their name. */
Test(export_collapsed, merged_stacks_come_when_they_are_asked_for)
{
	struct export_opts opts = { .native = true };
	const struct exporter *collapsed;
	struct profile *p = two_threads();
	struct buf out = { 0 };
	struct err err;

	sketch_merge(p, 0, "#main@/l/python:0:0;" MAIN ";#dgemm@/l/blas.so:0:0",
		     MERGE_WHOLE, 5);
	sketch_merge(p, 0, MAIN ";#@/l/blas.so:0:0", MERGE_CUT, 2);
	sketch_merge(p, 1, "", MERGE_RAN_ON, 3);
	cr_assert_eq(export_find("collapsed", &collapsed, &err), ERR_OK);
	cr_assert_eq(collapsed->run(&out, p, &opts, &err), ERR_OK);
	cr_expect_str_eq(buf_str(&out),
			 "<module> (/p/a.py:9);? (/l/blas.so) 2\n"
			 "main (/l/python);<module> (/p/a.py:9);"
			 "dgemm (/l/blas.so) 5\n");
	buf_clear(&out);
	opts.marked = true;
	cr_assert_eq(collapsed->run(&out, p, &opts, &err), ERR_OK);
	cr_expect_not_null(strstr(buf_str(&out), "[not merged] 3\n"));
	buf_release(&out);
	check(p, false, false,
	      "<module> (/p/a.py:9) 20\n"
	      "<module> (/p/a.py:9);work (/p/a.py:5) 37\n"
	      "[no Python frame] 4\n");
	profile_free(p);
}

/* The order in which things were seen must not show. */
Test(export_collapsed, equal_profiles_give_equal_bytes)
{
	static const char *const stacks[] = {
		"a@f.py:1:1;b@f.py:2:2",
		"a@f.py:1:1;b@f.py:2:2;c@f.py:3:3",
		"a@f.py:1:1;b@f.py:2:3",
		"a@f.py:1:1",
		"b@f.py:2:2",
	};
	const struct exporter *collapsed;
	struct export_opts opts = { 0 };
	struct buf first = { 0 };
	struct err err;

	cr_assert_eq(export_find("collapsed", &collapsed, &err), ERR_OK);
	for (int start = 0; start < 5; start++) {
		struct profile *p = sketch_new(100);
		uint32_t t = sketch_thread(p, 100, "python3");
		struct buf out = { 0 };

		for (int i = 0; i < 5; i++)
			sketch_looks(p, t, stacks[(start + i * 2) % 5],
				     SAMPLE_COMPLETE, 3);
		cr_assert_eq(collapsed->run(&out, p, &opts, &err), ERR_OK);
		if (!start)
			buf_add(&first, out.data, out.size);
		cr_expect_str_eq(buf_str(&out), buf_str(&first));
		buf_release(&out);
		profile_free(p);
	}
	cr_expect_gt(first.size, 0);
	buf_release(&first);
}

/* A deep recursion must neither overflow the stack nor take for ever. */
Test(export_collapsed, a_deep_stack_is_one_line, .timeout = 10)
{
	struct profile *p = sketch_new(100);
	uint32_t t = sketch_thread(p, 100, "python3");
	uint32_t frame = p->nodes.at[sketch_stack(p, "f@a.py:1:2")].frame;
	struct export_opts opts = { 0 };
	const struct exporter *collapsed;
	struct buf out = { 0 };
	struct err err;
	uint32_t node = 0;

	for (int i = 0; i < 100000; i++)
		node = profile_node(p, node, frame);
	profile_add_count(p, t, node, SAMPLE_COMPLETE, STATE_ON_CPU, 5);
	cr_assert_eq(export_find("collapsed", &collapsed, &err), ERR_OK);
	cr_assert_eq(collapsed->run(&out, p, &opts, &err), ERR_OK);
	cr_expect_eq(out.size,
		     100000 * strlen("f (a.py:2);") - 1 + strlen(" 5\n"));
	buf_release(&out);
	profile_free(p);
}

Test(export_collapsed, tasks_count_by_milliseconds)
{
	struct export_opts opts = { .awaits = true };
	struct profile *p = two_threads();
	const struct exporter *collapsed;
	struct buf out = { 0 };
	struct err err;

	sketch_await(p, MAIN, AWAIT_TASK, 20);
	sketch_await(p, MAIN ";get@/p/a.py:3:5", AWAIT_FUTURE, 30);
	sketch_await(p, MAIN ";get@/p/a.py:3:5", AWAIT_READY, 4);
	sketch_await(p, MAIN, AWAIT_OTHER, 0);
	sketch_await(p, "", AWAIT_FUTURE, 5);
	sketch_await(p, "", AWAIT_RUNNING, 7);
	sketch_await(p, "", AWAIT_UNKNOWN, 8);
	cr_assert_eq(export_find("collapsed", &collapsed, &err), ERR_OK);
	cr_assert_eq(collapsed->run(&out, p, &opts, &err), ERR_OK);
	cr_expect_str_eq(buf_str(&out),
			 "<module> (/p/a.py:9);[waiting for tasks] 20\n"
			 "<module> (/p/a.py:9);get (/p/a.py:5) 30\n"
			 "<module> (/p/a.py:9);get (/p/a.py:5);[ready to run] "
			 "4\n"
			 "[no Python frame] 5\n");
	buf_release(&out);
	profile_free(p);
}

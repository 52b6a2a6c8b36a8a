/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "render/report.h"
#include "sketch.h"

#define MAIN "<module>@/p/app.py:1:9"
#define WORK MAIN ";work@/p/app.py:3:5"

static void check(const struct profile *p, const struct render_opts *opts,
		  const char *want)
{
	struct buf out = { 0 };
	struct err err;

	cr_assert_eq(render_report(&out, p, opts, &err), ERR_OK);
	cr_expect_str_eq(buf_str(&out), want);
	buf_release(&out);
}

static struct profile *one_thread(void)
{
	struct profile *p = sketch_new(4000);
	uint32_t t = sketch_thread(p, 100, "python3");

	profile_set_meta(p, META_COMMAND, "python3 app.py");
	profile_set_meta(p, META_PYTHON, "CPython 3.13.5");
	profile_set_meta(p, META_DIRECTORY, "/p");
	profile_set_meta(p, META_EXIT, "0");
	profile_set_meta(p, META_MODE, "run");
	process_set(&p->figures, PROCESS_USER_NS, 3890 * MS);
	process_set(&p->figures, PROCESS_SYS_NS, 100 * MS);
	p->sampler_cpu_ns = 80 * MS;
	sketch_books(p, t, 3990 * MS, 10 * MS);
	sketch_looks(p, t, WORK, SAMPLE_COMPLETE, 2994);
	sketch_looks(p, t, MAIN, SAMPLE_COMPLETE, 998);
	sketch_looks(p, t, MAIN, SAMPLE_SALVAGED, 5);
	sketch_looks(p, t, MAIN, SAMPLE_INCONSISTENT, 2);
	sketch_looks(p, t, "", SAMPLE_LOST, 1);
	sketch_source(p, "/p/app.py", 5, "\tx = x * x + c");
	return p;
}

/* The part of a report that tells of tasks. */
static void check_tasks(const struct profile *p, unsigned width,
			const char *want)
{
	struct render_opts opts = { .width = width };
	struct buf out = { 0 };
	struct err err;
	char *from, *end;

	cr_assert_eq(render_report(&out, p, &opts, &err), ERR_OK);
	from = strstr(buf_str(&out), "what asyncio's");
	cr_assert(from);
	end = strstr(from, "\n\n");
	cr_assert(end);
	end[1] = '\0';
	cr_expect_str_eq(from, want);
	buf_release(&out);
}

#define GET "get@/usr/lib/python3.13/asyncio/queues.py:1:158"

static struct profile *with_tasks(void)
{
	struct profile *p = one_thread();

	sketch_await(p, WORK ";" GET, AWAIT_FUTURE, 30000);
	sketch_await(p, WORK ";" GET, AWAIT_READY, 10000);
	sketch_await(p, MAIN, AWAIT_TASK, 4000);
	sketch_await(p, "", AWAIT_RUNNING, 4000);
	sketch_await(p, "", AWAIT_UNKNOWN, 2000);
	sketch_readings(p, 400, 12);
	return p;
}

Test(render_report, tasks_at_80_columns)
{
	struct profile *p = with_tasks();

	check_tasks(
		p, 80,
		"what asyncio's tasks waited for in % of 48.0 task seconds, "
		"by 400 readings\n"
		"  12 tasks seen, 12 at once at most, 60 % waiting, 8 % "
		"waiting for tasks, 20 %\n"
		"  ready to run, 8 % running, 4 % not known\n"
		"  share %  95 % CI  task s  at once  ready s  line      "
		"source\n"
		"       83    79–87    40.0     10.0     10.0  app.py:5  "
		"x = x * x + c\n"
		"        8     6–11    4.00     1.00     0.00  app.py:9  "
		"in <module>\n");
	profile_free(p);
}

Test(render_report, tasks_at_140_columns)
{
	struct profile *p = with_tasks();

	check_tasks(
		p, 140,
		"what asyncio's tasks waited for in % of 48.0 task seconds, "
		"by 400 readings\n"
		"  12 tasks seen, 12 at once at most, 60 % waiting, 8 % "
		"waiting for tasks, 20 % ready to run, 8 % running, 4 % "
		"not known\n"
		"  share %  95 % CI  task s  at once  ready s  line      "
		"source         awaits in\n"
		"       83    79–87    40.0     10.0     10.0  app.py:5  "
		"x = x * x + c  get, queues.py:158\n"
		"        8     6–11    4.00     1.00     0.00  app.py:9  "
		"in <module>\n");
	profile_free(p);
}

Test(render_report, a_program_without_tasks_hears_nothing_of_them)
{
	struct profile *p = one_thread();
	struct render_opts opts = { 0 };
	struct buf out = { 0 };
	struct err err;

	cr_assert_eq(render_report(&out, p, &opts, &err), ERR_OK);
	cr_expect_not(strstr(buf_str(&out), "asyncio"));
	buf_release(&out);
	profile_free(p);
}

Test(render_report, a_small_program_at_80_columns)
{
	struct profile *p = one_thread();
	struct render_opts opts = { .path = "app.tare" };

	check(p, &opts,
	      "python3 app.py\n"
	      "CPython 3.13.5 · 4.00 s wall · 3.99 s CPU "
	      "(3.89 s user + 100 ms sys) · 10.0 ms\n"
	      "  waiting · exit 0\n"
	      "it computes all the time: 100 % of its time is on a CPU\n"
	      "net: not estimated yet\n"
	      "\n"
	      "where the wall time went in %\n"
	      "             wall    CPU\n"
	      "  python3  4.00 s    100\n"
	      "\n"
	      "hottest functions in % of 4.00 s wall time, waiting included\n"
	      "self %  95 % CI  total %  self s  function  defined at\n"
	      "    75    74–76     75      3.00  work      app.py:3\n"
	      "    25    24–26    100.0    1.00  <module>  app.py:1\n"
	      "\n"
	      "hottest lines\n"
	      "self %  95 % CI  total %  self s  line      source\n"
	      "    75    74–76     75      3.00  app.py:5  x = x * x + c\n"
	      "    25    24–26    100.0    1.00  app.py:9  in <module>\n"
	      "\n"
	      "sampling: 4,000 looks, 1000 of 1000 Hz delivered: "
	      "3,992 complete (99.8 %), 5\n"
	      "  salvaged, 2 inconsistent, 1 lost; tare used 80.0 ms CPU "
	      "(2.0 % of one core)\n"
	      "next: tare export app.tare --format collapsed\n");
	profile_free(p);
}

Test(render_report, a_wide_page_has_bars)
{
	struct profile *p = one_thread();
	struct render_opts opts = { .width = 120 };

	check(p, &opts,
	      "python3 app.py\n"
	      "CPython 3.13.5 · 4.00 s wall · 3.99 s CPU "
	      "(3.89 s user + 100 ms sys) · 10.0 ms "
	      "waiting · exit 0\n"
	      "it computes all the time: 100 % of its time is on a CPU\n"
	      "net: not estimated yet\n"
	      "\n"
	      "where the wall time went in %\n"
	      "             wall    CPU\n"
	      "  python3  4.00 s    100\n"
	      "\n"
	      "hottest functions in % of 4.00 s wall time, waiting included\n"
	      "self %  95 % CI  total %  self s                "
	      "function  defined at\n"
	      "    75    74–76     75      3.00  █████████     "
	      "work      app.py:3\n"
	      "    25    24–26    100.0    1.00  ███           "
	      "<module>  app.py:1\n"
	      "\n"
	      "hottest lines\n"
	      "self %  95 % CI  total %  self s                "
	      "line      source\n"
	      "    75    74–76     75      3.00  █████████     "
	      "app.py:5  x = x * x + c\n"
	      "    25    24–26    100.0    1.00  ███           "
	      "app.py:9  in <module>\n"
	      "\n"
	      "sampling: 4,000 looks, 1000 of 1000 Hz delivered: "
	      "3,992 complete (99.8 %), 5 salvaged, 2 inconsistent, "
	      "1 lost; tare used\n"
	      "  80.0 ms CPU (2.0 % of one core)\n");
	profile_free(p);
}

Test(render_report, colour_changes_nothing_but_colour)
{
	struct profile *p = one_thread();
	struct render_opts plain = { 0 }, colour = { .colour = true };
	struct buf want = { 0 }, got = { 0 }, stripped = { 0 };
	struct err err;
	const char *at;

	profile_set_meta(p, META_EXPECT, "work=75%\nwork=10%\nnone=1%");
	cr_assert_eq(render_report(&want, p, &plain, &err), ERR_OK);
	cr_assert_eq(render_report(&got, p, &colour, &err), ERR_OK);
	cr_expect_null(strchr(buf_str(&want), '\033'));
	cr_expect_not_null(strstr(buf_str(&got), "\033[32msupported\033[0m"));
	for (at = buf_str(&got); *at; at++) {
		if (*at == '\033')
			at = strchr(at, 'm');
		else
			buf_add_char(&stripped, *at);
	}
	cr_expect_str_eq(buf_str(&stripped), buf_str(&want));
	buf_release(&want);
	buf_release(&got);
	buf_release(&stripped);
	profile_free(p);
}

static struct profile *two_threads(void)
{
	struct profile *p = sketch_new(2000);
	uint32_t a, b;

	profile_set_meta(p, META_COMMAND, "python3 -m pool");
	profile_set_meta(p, META_MODE, "attach");
	a = sketch_thread(p, 100, "python3");
	b = sketch_thread(p, 107, "worker");
	sketch_books(p, a, 20 * MS, 1 * MS);
	sketch_books(p, b, 1970 * MS, 30 * MS);
	sketch_state(p, a, "wait@/usr/lib/python3.13/threading.py:1:7",
		     STATE_LOCK, 2000);
	sketch_looks(p, b, "crunch@/p/pool.py:4:6", SAMPLE_COMPLETE, 1480);
	sketch_looks(p, b, "", SAMPLE_COMPLETE, 520);
	return p;
}

Test(render_report, threads_have_a_table)
{
	struct profile *p = two_threads();
	struct render_opts opts = { .path = "a b.tare" };

	check(p, &opts,
	      "python3 -m pool\n"
	      "Python · 2.00 s wall · CPU time not known · still running at "
	      "the end\n"
	      "thread worker computes all the time: 98 % of its time is on a "
	      "CPU\n"
	      "net: not estimated yet\n"
	      "\n"
	      "where the wall time went in %\n"
	      "                 wall    CPU  queue   lock\n"
	      "  all threads  4.00 s     50      1     49\n"
	      "  python3      2.00 s      1     <1     99\n"
	      "  worker       2.00 s     98      2      ·\n"
	      "\n"
	      "hottest lines of each cause in % of all threads' wall time\n"
	      "  50 % on CPU\n"
	      "        36.8  /p/pool.py:6                in crunch\n"
	      "        12.9  (no Python frame)\n"
	      "  49 % lock, queue or event\n"
	      "        49.5  python3.13/threading.py:7   in wait\n"
	      "\n"
	      "hottest functions in % of 4.00 s: the wall time of 2 threads, "
	      "waiting included\n"
	      "self %  95 % CI  total %  self s  function           "
	      "defined at\n"
	      "    50    48–52       50    2.00  wait               "
	      "python3.13/threading.py:1\n"
	      "    37    36–39       37    1.48  crunch             "
	      "/p/pool.py:4\n"
	      "    13    12–14       13    0.52  (no Python frame)\n"
	      "\n"
	      "hottest lines\n"
	      "self %  95 % CI  total %  self s  line                       "
	      "source\n"
	      "    50    48–52       50    2.00  python3.13/threading.py:7  "
	      "in wait\n"
	      "    37    36–39       37    1.48  /p/pool.py:6               "
	      "in crunch\n"
	      "    13    12–14       13    0.52                             "
	      "(no Python frame)\n"
	      "\n"
	      "threads\n"
	      "  thread   tid    wall      CPU  samples  hottest function\n"
	      "  python3  100  2.00 s  20.0 ms    2,000  100 % wait\n"
	      "  worker   107  2.00 s   1.97 s    2,000  74 % crunch\n"
	      "\n"
	      "sampling: 4,000 looks, 1000 of 1000 Hz delivered: 4,000 "
	      "complete (100 %), 0\n"
	      "  salvaged, 0 inconsistent, 0 lost; tare used 0 s CPU "
	      "(0.0 % of one core)\n"
	      "next: tare report a\\ b.tare --threads\n");
	profile_free(p);
}

static void check_has(const struct profile *p, const struct render_opts *opts,
		      const char *want)
{
	struct buf out = { 0 };
	struct err err;

	cr_assert_eq(render_report(&out, p, opts, &err), ERR_OK);
	cr_expect(strstr(buf_str(&out), want), "'%s' is not in:\n%s", want,
		  buf_str(&out));
	buf_release(&out);
}

Test(render_report, each_thread_can_have_its_own_functions)
{
	struct profile *p = two_threads();
	struct render_opts opts = { .path = "x.tare", .threads = true };

	check_has(p, &opts,
		  "\nthread worker (107)\n"
		  "self %  95 % CI  total %  self s  function           "
		  "defined at\n"
		  "    74    72–76       74    1.48  crunch             "
		  "/p/pool.py:4\n"
		  "    26    24–28       26    0.52  (no Python frame)\n");
	check_has(p, &opts, "\nnext: tare export x.tare --format collapsed\n");
	profile_free(p);
}

/* The first screen is for what matters: the rest is one line. */
Test(render_report, only_rows_that_matter_are_shown)
{
	struct profile *p = sketch_new(10000);
	struct render_opts opts = { .limit = 0 };
	uint32_t t = sketch_thread(p, 100, "python3");

	sketch_looks(p, t, "a@a.py:1:1", SAMPLE_COMPLETE, 9000);
	sketch_looks(p, t, "b@a.py:2:2", SAMPLE_COMPLETE, 900);
	sketch_looks(p, t, "c@a.py:3:3", SAMPLE_COMPLETE, 40);
	sketch_looks(p, t, "d@a.py:4:4", SAMPLE_COMPLETE, 40);
	sketch_looks(p, t, "e@a.py:5:5", SAMPLE_COMPLETE, 20);
	check_has(p, &opts, "\n  2 more functions share 0.6 %\n");
	check_has(p, &opts, "\n  2 more lines share 0.6 %\n");
	opts.limit = 1;
	check_has(p, &opts, "\n  4 more functions share 10.0 %\n");
	profile_free(p);
}

Test(render_report, an_empty_recording_is_said_to_be_one)
{
	struct profile *p = sketch_new(30);
	struct render_opts opts = { .path = "x.tare" };

	check(p, &opts,
	      "(command not known)\n"
	      "Python · 30.0 ms wall · CPU time not known\n"
	      "net: not estimated yet\n"
	      "\n"
	      "warning: no thread was looked at while Python ran\n"
	      "  tare doctor says whether this Python can be read here\n"
	      "warning: the run lasted 30 ms: start-up is a large part of it\n"
	      "  give the program more work, so that it runs some seconds\n"
	      "\n"
	      "sampling: 0 looks, 1000 of 1000 Hz delivered: 0 complete (0 %), "
	      "0 salvaged, 0\n"
	      "  inconsistent, 0 lost; tare used 0 s CPU (0.0 % of one core)\n"
	      "next: tare doctor\n");
	profile_free(p);
}

Test(render_report, how_the_program_ended_is_said)
{
	struct profile *p = one_thread();
	struct render_opts opts = { .width = 120 };

	profile_set_meta(p, META_EXIT, "signal 11");
	check_has(p, &opts, " · ended by signal 11 (SIGSEGV)\n");
	profile_set_meta(p, META_EXIT, "7");
	check_has(p, &opts, " · exit 7\n");
	profile_free(p);
}

Test(render_report, what_the_cpu_counted_is_said_where_it_did)
{
	struct profile *p = one_thread();
	struct render_opts opts = { .width = 200 };

	process_set(&p->figures, PROCESS_CYCLES, 4000);
	process_set(&p->figures, PROCESS_BRANCH_MISSES, 31);
	check_has(p, &opts, " waiting · exit 0\n");
	process_set(&p->figures, PROCESS_INSTRUCTIONS, 9000);
	process_set(&p->figures, PROCESS_BRANCHES, 1000);
	check_has(p, &opts,
		  " · 2.25 instructions per cycle · 3.1 % of branches "
		  "mispredicted · exit 0\n");
	profile_free(p);
}

Test(render_report, a_command_of_several_lines_is_one_line)
{
	struct profile *p = one_thread();
	struct render_opts opts = { 0 };
	struct buf out = { 0 };
	struct err err;

	profile_set_meta(p, META_COMMAND, "python3 -c 'a = 1\nb = 2'");
	cr_assert_eq(render_report(&out, p, &opts, &err), ERR_OK);
	cr_expect_eq(strncmp(buf_str(&out), "python3 -c 'a = 1 b = 2'\n", 25),
		     0);
	buf_release(&out);
	profile_free(p);
}

Test(render_report, hypotheses_are_answered)
{
	struct profile *p = one_thread();
	struct render_opts opts = { .width = 100 };

	profile_set_meta(p, META_EXPECT, "work=75%\nwork=20%\nother=9%");
	check_has(p, &opts,
		  "\nexpected share of the time, with all that is called\n"
		  "  work=75%  supported: the whole interval agrees, "
		  "75 % (74–76)\n"
		  "  work=20%  not supported: it takes more, 75 % (74–76)\n"
		  "  other=9%  cannot tell: no function of this name was "
		  "seen\n");
	profile_free(p);
}

Test(render_report, nothing_hostile_reaches_the_terminal)
{
	struct profile *p = sketch_new(2000);
	struct render_opts opts = { .path = "x\033[2J.tare" };
	uint32_t t = sketch_thread(p, 100, "python3");
	struct buf out = { 0 };
	struct err err;

	profile_set_meta(p, META_COMMAND, "python3 \033]0;owned\007");
	profile_set_meta(p, META_PYTHON, "CPython\r3");
	profile_set_meta(p, META_EXIT, "0\033[1m");
	profile_set_meta(p, META_EXPECT, "f\033[5m=3%");
	sketch_looks(p, t, "f\033[5m@/x\xe2\x80\xaegnp.py:1:2", SAMPLE_COMPLETE,
		     2000);
	sketch_source(p, "/x\xe2\x80\xaegnp.py", 2, "print('\033[31m')");
	cr_assert_eq(render_report(&out, p, &opts, &err), ERR_OK);
	for (const char *at = buf_str(&out); *at; at++)
		cr_assert(*at == '\n' || (unsigned char)*at >= 0x20);
	cr_expect_null(strstr(buf_str(&out), "\xe2\x80\xae"));
	cr_expect_not_null(strstr(buf_str(&out), "print('\\x1b[31m')"));
	buf_release(&out);
	profile_free(p);
}

Test(render_report, native_functions_come_with_the_lines_that_called_them)
{
	struct profile *p = one_thread();
	struct render_opts opts = { .path = "app.tare" };
	struct buf out = { 0 };
	struct err err;

	sketch_merge(p, 0, WORK ";#dgemm_kernel@/l/libopenblas-4b78795a.so:0:0",
		     MERGE_WHOLE, 300);
	sketch_merge(p, 0, WORK ";#@/l/libcrypto.so.3:0:0", MERGE_CUT, 50);
	sketch_merge(p, 0, WORK, MERGE_WHOLE, 30);
	sketch_merge(p, 0, "#helper\033[2J@/l/x.so:0:0", MERGE_WHOLE, 10);
	sketch_merge(p, 0, MAIN ";#@[kernel]:0:0", MERGE_WHOLE, 8);
	sketch_merge(p, 0, "", MERGE_RAN_ON, 10);
	cr_assert_eq(render_report(&out, p, &opts, &err), ERR_OK);
	cr_expect_not_null(
		strstr(buf_str(&out),
		       "hottest native functions in % of 3.99 s CPU time, by "
		       "408 samples, 97.5 % of them\n"
		       "  merged with Python's stack; not merged: 2.5 % the "
		       "thread ran on before it was\n"
		       "  read; 12.3 % without some native callers: no unwind "
		       "table, or a deep stack\n"
		       "      75      71\u201379  dgemm_kernel   libopenblas  "
		       "\u2190 app.py:5 work\n"
		       "      13      10\u201316  (no name)      libcrypto    "
		       "\u2190 app.py:5 work\n"
		       "       3        1\u20135  helper\\x1b[2J  x            "
		       "no Python frame\n"
		       "       2        1\u20134  [kernel]                    "
		       "\u2190 app.py:9 <module>\n"
		       "  bytecode itself has 7.5 %\n"),
		"%s", buf_str(&out));
	buf_release(&out);
	profile_free(p);
}

Test(render_report, without_native_stacks_it_says_why_if_they_were_asked_for)
{
	struct profile *p = one_thread();
	struct render_opts opts = { .path = "app.tare" };
	struct buf out = { 0 };
	struct err err;

	profile_set_meta(p, META_MERGED, "the kernel forbids it");
	cr_assert_eq(render_report(&out, p, &opts, &err), ERR_OK);
	cr_expect_not_null(strstr(buf_str(&out),
				  "no native stacks: the kernel forbids it\n"),
			   "%s", buf_str(&out));
	buf_release(&out);
	profile_free(p);
}

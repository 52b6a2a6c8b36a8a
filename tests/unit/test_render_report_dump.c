/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "render/report.h"
#include "sketch.h"

static void check(const struct profile *p, const char *want)
{
	struct render_opts opts = { 0 };
	struct buf out = { 0 };
	struct err err;

	cr_assert_eq(render_dump(&out, p, &opts, &err), ERR_OK);
	cr_expect_str_eq(buf_str(&out), want);
	buf_release(&out);
}

static struct profile *start(void)
{
	struct profile *p = sketch_new(1);

	profile_set_meta(p, META_COMMAND, "python3 server.py");
	profile_set_meta(p, META_PYTHON, "CPython 3.14.0");
	profile_set_meta(p, META_DIRECTORY, "/srv");
	return p;
}

Test(render_report_dump, the_main_thread_and_the_innermost_call_come_first)
{
	struct profile *p = start();
	uint32_t pool = sketch_thread(p, 107, "pool");
	uint32_t main = sketch_thread(p, 100, "python3");

	sketch_looks(p, pool, "run@/srv/pool.py:1:4;get@/srv/pool.py:8:9",
		     SAMPLE_COMPLETE, 1);
	sketch_looks(p, main,
		     "<module>@/srv/server.py:1:88;serve@/srv/"
		     "server.py:30:41",
		     SAMPLE_COMPLETE, 1);
	check(p, "process 100: python3 server.py\n"
		 "CPython 3.14.0, 2 threads, the innermost call first\n"
		 "\n"
		 "thread 100 python3 (main)\n"
		 "    serve (server.py:41)\n"
		 "    <module> (server.py:88)\n"
		 "\n"
		 "thread 107 pool\n"
		 "    get (pool.py:9)\n"
		 "    run (pool.py:4)\n");
	profile_free(p);
}

Test(render_report_dump, what_is_not_whole_is_said_to_be_so)
{
	struct profile *p = start();

	sketch_looks(p, sketch_thread(p, 100, ""), "a@a.py:1:2",
		     SAMPLE_SALVAGED, 1);
	sketch_looks(p, sketch_thread(p, 101, "x"), "a@a.py:1:2",
		     SAMPLE_INCONSISTENT, 1);
	sketch_looks(p, sketch_thread(p, 102, "y"), "", SAMPLE_LOST, 1);
	sketch_looks(p, sketch_thread(p, 103, "z"), "", SAMPLE_COMPLETE, 1);
	check(p, "process 100: python3 server.py\n"
		 "CPython 3.14.0, 4 threads, the innermost call first\n"
		 "\n"
		 "thread 100 (main)\n"
		 "    [the innermost calls are not known: they changed while "
		 "they were read]\n"
		 "    a (a.py:2)\n"
		 "\n"
		 "thread 101 x\n"
		 "    [doubtful: one of these calls does not follow from the "
		 "next]\n"
		 "    a (a.py:2)\n"
		 "\n"
		 "thread 102 y\n"
		 "    no stack that can be believed: it changed while it was "
		 "read\n"
		 "\n"
		 "thread 103 z\n"
		 "    no Python frame: native code, or a thread that begins or "
		 "ends\n");
	profile_free(p);
}

Test(render_report_dump, the_most_believable_look_is_shown)
{
	struct profile *p = start();
	uint32_t t = sketch_thread(p, 100, "python3");

	sketch_looks(p, t, "right@a.py:1:2", SAMPLE_COMPLETE, 1);
	sketch_looks(p, t, "wrong@a.py:1:2", SAMPLE_INCONSISTENT, 1);
	sketch_looks(p, t, "", SAMPLE_LOST, 1);
	check(p, "process 100: python3 server.py\n"
		 "CPython 3.14.0, 1 thread, the innermost call first\n"
		 "\n"
		 "thread 100 python3 (main)\n"
		 "    right (a.py:2)\n");
	profile_free(p);
}

/* A runaway recursion would push everything else off the screen. */
Test(render_report_dump, a_recursion_is_folded)
{
	struct profile *p = start();
	uint32_t t = sketch_thread(p, 100, "python3");
	uint32_t node = sketch_stack(p, "main@/srv/a.py:1:3");
	uint32_t frame = p->nodes.at[sketch_stack(p, "f@/srv/a.py:5:6")].frame;

	for (int i = 0; i < 1000; i++)
		node = profile_node(p, node, frame);
	profile_add_count(p, t, node, SAMPLE_COMPLETE, STATE_ON_CPU, 1);
	check(p, "process 100: python3 server.py\n"
		 "CPython 3.14.0, 1 thread, the innermost call first\n"
		 "\n"
		 "thread 100 python3 (main)\n"
		 "    f (a.py:6)\n"
		 "    f (a.py:6)\n"
		 "    f (a.py:6)\n"
		 "    [the same frame 997 more times]\n"
		 "    main (a.py:3)\n");
	profile_free(p);
}

Test(render_report_dump, a_process_without_threads_is_no_crash)
{
	struct profile *p = profile_new();

	check(p, "(command not known)\n"
		 "0 threads, the innermost call first\n");
	profile_free(p);
}

static void add_task(struct profile *p, const char *name, const char *stack,
		     enum await_kind kind, uint32_t awaiter)
{
	struct await_task t = { .name = sketch_string(p, name),
				.node = sketch_stack(p, stack),
				.kind = kind,
				.awaiter = awaiter };

	cr_assert(vec_push(&p->awaits.tasks, t));
}

Test(render_report_dump, tasks_that_are_alike_are_shown_once)
{
	struct profile *p = start();

	add_task(p, "Task-1", "main@/srv/a.py:1:9", AWAIT_TASK, UINT32_MAX);
	add_task(p, "a", "get@/srv/a.py:2:3", AWAIT_FUTURE, 0);
	add_task(p, "b", "get@/srv/a.py:2:3", AWAIT_FUTURE, 0);
	add_task(p, "c", "get@/srv/a.py:2:3", AWAIT_FUTURE, UINT32_MAX);
	add_task(p, "d", "get@/srv/a.py:2:3", AWAIT_FUTURE, UINT32_MAX);
	add_task(p, "old", "get@/srv/a.py:2:3", AWAIT_FUTURE, UINT32_MAX);
	p->awaits.tasks.at[5].done = true;
	add_task(p, "x\x1b", "put@/srv/a.py:4:5", AWAIT_READY, 0);
	check(p, "python3 server.py\n"
		 "CPython 3.14.0, 0 threads, the innermost call first\n"
		 "\n"
		 "task Task-1: waiting for tasks\n"
		 "    main (a.py:9)\n"
		 "\n"
		 "tasks a b c and 1 more: waiting\n"
		 "    get (a.py:3)\n"
		 "\n"
		 "task x\\x1b: ready to run, awaited by Task-1\n"
		 "    put (a.py:5)\n");
	profile_free(p);
}

/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "profile/breakdown.h"
#include "profile/window.h"
#include "sketch.h"

static struct err err;

/* `ms` looks, one a millisecond, at one thread in one stack. */
static void look(struct profile *p, uint32_t thread, const char *stack,
		 enum thread_state state, uint64_t ms)
{
	uint32_t node = sketch_stack(p, stack);

	for (uint64_t i = 0; i < ms; i++) {
		p->wall_ns += MS;
		profile_tick(p, p->wall_ns, 0);
		profile_sample(p, thread, node, SAMPLE_COMPLETE, state);
	}
	profile_drop_taken(p);
}

static struct profile *begin(uint32_t *thread)
{
	struct profile *p = sketch_new(0);

	*thread = sketch_thread(p, 100, "MainThread");
	return p;
}

/* The share of a function in a view; 0: it is not there. */
static double share_of(const struct profile *view, const char *name)
{
	struct summary s;
	double share = 0;

	cr_assert(!summary_make(&s, view, &(struct summary_of){ 0 }, &err));
	for (uint32_t i = 0; i < s.function_nr; i++)
		if (!strcmp(profile_text(
				    view,
				    view->functions.at[s.functions[i].function]
					    .name),
			    name))
			share = s.functions[i].self.share;
	summary_release(&s);
	return share;
}

static double share(const struct window *w, const struct profile *p, bool all,
		    const char *name)
{
	struct profile view;
	double share;

	cr_assert(!window_view(&view, w, p, all, &err));
	share = share_of(&view, name);
	window_view_release(&view);
	return share;
}

Test(profile_window, what_is_older_than_the_window_is_gone)
{
	struct window w;
	uint32_t thread;
	struct profile *p = begin(&thread);

	cr_assert(!window_init(&w, p, 1000 * MS, &err));
	look(p, thread, "old@a.py:1:1", STATE_ON_CPU, 500);
	cr_assert(!window_step(&w, p, &err));
	cr_assert_float_eq(share(&w, p, false, "old"), 1, 1e-9);
	for (int i = 0; i < 10; i++) {
		look(p, thread, "new@a.py:5:6", STATE_ON_CPU, 100);
		cr_assert(!window_step(&w, p, &err));
	}
	cr_assert_float_eq(share(&w, p, false, "old"), 0, 1e-9);
	cr_assert_float_eq(share(&w, p, false, "new"), 1, 1e-9);
	cr_assert_float_eq(share(&w, p, true, "old"), 1. / 3, 1e-9);
	window_release(&w);
	profile_free(p);
}

Test(profile_window, it_is_as_long_as_asked_and_at_most_a_tenth_longer)
{
	struct window w;
	uint32_t thread;
	struct profile *p = begin(&thread);

	cr_assert(!window_init(&w, p, 1000 * MS, &err));
	for (int i = 1; i < 300; i++) {
		struct profile view;
		uint64_t least =
			p->wall_ns < 1000 * MS ? p->wall_ns : 1000 * MS;

		look(p, thread, "f@a.py:1:1", STATE_ON_CPU, 7 + i % 5);
		cr_assert(!window_step(&w, p, &err));
		cr_assert(!window_view(&view, &w, p, false, &err));
		cr_assert_geq(view.wall_ns, least);
		cr_assert_leq(view.wall_ns, 1130 * MS);
		cr_assert_eq(view.tick_nr, view.wall_ns / MS);
		window_view_release(&view);
	}
	window_release(&w);
	profile_free(p);
}

Test(profile_window, it_does_not_grow_however_often_it_moves)
{
	struct window w;
	uint32_t thread;
	struct profile *p = begin(&thread);

	cr_assert(!window_init(&w, p, 1000 * MS, &err));
	for (int i = 0; i < 5000; i++) {
		look(p, thread, "f@a.py:1:1", STATE_ON_CPU, 1);
		cr_assert(!window_step(&w, p, &err));
		cr_assert_leq(w.past_nr, WINDOW_STEPS + 1);
	}
	cr_assert_eq(p->pieces.nr, 0);
	cr_assert_eq(p->clock.size, 0);
	window_release(&w);
	profile_free(p);
}

Test(profile_window, steps_longer_than_the_window_show_one_step)
{
	struct window w;
	uint32_t thread;
	struct profile *p = begin(&thread);

	cr_assert(!window_init(&w, p, 100 * MS, &err));
	look(p, thread, "a@a.py:1:1", STATE_ON_CPU, 1000);
	cr_assert(!window_step(&w, p, &err));
	look(p, thread, "b@a.py:1:1", STATE_ON_CPU, 1000);
	cr_assert(!window_step(&w, p, &err));
	cr_assert_float_eq(share(&w, p, false, "b"), 1, 1e-9);
	window_release(&w);
	profile_free(p);
}

Test(profile_window, a_reset_forgets_all)
{
	struct window w;
	uint32_t thread;
	struct profile *p = begin(&thread);

	cr_assert(!window_init(&w, p, 1000 * MS, &err));
	look(p, thread, "a@a.py:1:1", STATE_ON_CPU, 100);
	cr_assert(!window_step(&w, p, &err));
	cr_assert(!window_reset(&w, &err));
	cr_assert_float_eq(share(&w, p, true, "a"), 0, 1e-9);
	look(p, thread, "b@a.py:1:1", STATE_ON_CPU, 100);
	cr_assert(!window_step(&w, p, &err));
	cr_assert_float_eq(share(&w, p, true, "b"), 1, 1e-9);
	cr_assert_float_eq(share(&w, p, false, "b"), 1, 1e-9);
	window_release(&w);
	profile_free(p);
}

Test(profile_window, a_thread_that_ended_before_it_has_no_time)
{
	struct window w;
	struct profile view;
	struct summary s;
	uint32_t thread, other;
	struct profile *p = begin(&thread);

	other = sketch_thread(p, 101, "worker");
	cr_assert(!window_init(&w, p, 100 * MS, &err));
	look(p, other, "a@a.py:1:1", STATE_ON_CPU, 50);
	cr_assert(!window_step(&w, p, &err));
	for (int i = 0; i < 3; i++) {
		look(p, thread, "b@a.py:1:1", STATE_LOCK, 100);
		cr_assert(!window_step(&w, p, &err));
	}
	cr_assert(!window_view(&view, &w, p, false, &err));
	cr_assert(!summary_make(&s, &view, &(struct summary_of){ 0 }, &err));
	cr_assert_float_eq(s.threads[other].wall_s, 0, 1e-9);
	cr_assert_float_eq(s.threads[thread].wall_s, 0.1, 0.002);
	cr_assert_float_eq(s.threads[thread].states[STATE_LOCK].s, 0.1, 0.002);
	cr_assert_eq(window_last_look(&w, other), 0);
	cr_assert_eq(window_last_look(&w, 77), UINT32_MAX);
	summary_release(&s);
	window_view_release(&view);
	window_release(&w);
	profile_free(p);
}

Test(profile_window, books_and_gil_are_those_of_the_window)
{
	struct window w;
	struct profile view;
	uint32_t thread;
	struct profile *p = begin(&thread);

	sketch_books(p, thread, 400 * MS, 100 * MS);
	p->threads.at[thread].gil_ticks = 300;
	p->processes.at[0].gil_ticks = 500;
	p->processes.at[0].gil_held_ticks = 310;
	cr_assert(!window_init(&w, p, 100 * MS, &err));
	look(p, thread, "a@a.py:1:1", STATE_ON_CPU, 100);
	sketch_books(p, thread, 470 * MS, 120 * MS);
	p->threads.at[thread].gil_ticks += 60;
	p->processes.at[0].gil_ticks += 100;
	p->processes.at[0].gil_held_ticks += 90;
	cr_assert(!window_step(&w, p, &err));
	cr_assert(!window_view(&view, &w, p, false, &err));
	cr_assert_eq(view.threads.at[thread].cpu_ns, 70 * MS);
	cr_assert_eq(view.threads.at[thread].run_queue_ns, 20 * MS);
	cr_assert_eq(view.threads.at[thread].gil_ticks, 60);
	cr_assert_eq(view.processes.at[0].gil_ticks, 100);
	cr_assert_eq(view.processes.at[0].gil_held_ticks, 90);
	window_view_release(&view);
	window_release(&w);
	profile_free(p);
}

/* A view that was made stays the same while the profile grows. */
Test(profile_window, what_came_after_the_last_step_is_not_in_it)
{
	struct window w;
	uint32_t thread;
	struct profile *p = begin(&thread);

	cr_assert(!window_init(&w, p, 1000 * MS, &err));
	look(p, thread, "a@a.py:1:1", STATE_ON_CPU, 100);
	cr_assert(!window_step(&w, p, &err));
	look(p, thread, "b@a.py:1:1", STATE_ON_CPU, 100);
	cr_assert_float_eq(share(&w, p, false, "a"), 1, 1e-9);
	cr_assert_float_eq(share(&w, p, true, "a"), 1, 1e-9);
	window_release(&w);
	profile_free(p);
}

Test(profile_window, a_profile_weighs_more_as_it_grows)
{
	uint32_t thread;
	struct profile *p = begin(&thread);
	uint64_t before = window_weight(p);

	for (int i = 0; i < 100; i++) {
		char stack[40];

		snprintf(stack, sizeof(stack), "f%d@a.py:1:%d", i, i + 1);
		look(p, thread, stack, STATE_ON_CPU, 1);
	}
	cr_assert_gt(window_weight(p), before + 100 * 200);
	profile_free(p);
}

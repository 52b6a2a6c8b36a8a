/* SPDX-License-Identifier: MIT */
#include "profile/summary.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "one_process.h"
#include "profile/stats.h"

static uint32_t function(struct profile *p, const char *name)
{
	return profile_function(p, profile_string(p, name, strlen(name)),
				profile_string(p, "a.py", 4), 1);
}

static uint32_t push(struct profile *p, uint32_t parent, const char *name,
		     uint32_t line)
{
	return profile_node(p, parent,
			    profile_frame(p, function(p, name), line));
}

/* A thread that lived `wall_ns`; look at it only by profile_add_count(). */
static uint32_t thread(struct profile *p, uint64_t wall_ns)
{
	uint32_t t = profile_add_thread(p, 0, 1, 0);

	p->threads.at[t].end_ns = wall_ns;
	if (p->wall_ns < wall_ns)
		p->wall_ns = wall_ns;
	return t;
}

static void count(struct profile *p, uint32_t t, uint32_t node, uint64_t nr)
{
	cr_assert(profile_add_count(p, t, node, SAMPLE_COMPLETE, STATE_ON_CPU,
				    nr));
}

static void make(struct summary *s, const struct profile *p,
		 enum summary_scope scope, uint32_t t)
{
	struct err err;

	cr_assert_eq(summary_make(s, p,
				  &(struct summary_of){ .scope = scope,
							.thread = t },
				  &err),
		     ERR_OK);
}

static const struct summary_function *find(const struct summary *s, uint32_t id)
{
	for (uint32_t i = 0; i < s->function_nr; i++)
		if (s->functions[i].function == id)
			return &s->functions[i];
	return NULL;
}

Test(profile_summary, recursion_counts_once_a_sample)
{
	struct profile *p = one_process();
	uint32_t t = thread(p, 10000000000), a, b, c;
	const struct summary_function *f;
	struct summary s;

	a = push(p, 0, "main", 1);
	b = push(p, a, "fib", 10);
	c = push(p, push(p, b, "fib", 11), "fib", 10);
	count(p, t, a, 10);
	count(p, t, b, 20);
	count(p, t, c, 70);
	make(&s, p, SUMMARY_ALL, 0);
	f = find(&s, function(p, "fib"));
	cr_assert_eq(f->self.nr, 90);
	cr_assert_eq(f->total.nr, 90);
	cr_assert_float_eq(f->self.s, 9, 1e-9);
	cr_assert_float_eq(f->total.s, 9, 1e-9);
	cr_assert_float_eq(f->self.share, 0.9, 1e-12);
	f = find(&s, function(p, "main"));
	cr_assert_eq(f->self.nr, 10);
	cr_assert_eq(f->total.nr, 100);
	/* line 10 is on the stack twice for c, line 11 once. */
	cr_assert_eq(s.line_nr, 3);
	cr_assert_eq(s.lines[0].line, 10);
	cr_assert_eq(s.lines[0].self.nr, 90);
	cr_assert_eq(s.lines[0].total.nr, 90);
	cr_assert_eq(s.lines[2].line, 11);
	cr_assert_eq(s.lines[2].total.nr, 70);
	summary_release(&s);
	profile_free(p);
}

Test(profile_summary, only_complete_samples_are_the_basis)
{
	struct profile *p = one_process();
	uint32_t t = thread(p, 1000000000), a = push(p, 0, "f", 1);
	struct summary s;

	count(p, t, a, 50);
	profile_add_count(p, t, a, SAMPLE_SALVAGED, STATE_ON_CPU, 20);
	profile_add_count(p, t, a, SAMPLE_INCONSISTENT, STATE_ON_CPU, 10);
	profile_add_count(p, t, 0, SAMPLE_LOST, STATE_ON_CPU, 20);
	p->tick_nr = 100;
	p->missed_nr = 3;
	p->asked_hz = 128;
	make(&s, p, SUMMARY_ALL, 0);
	cr_assert_eq(s.function_nr, 1);
	cr_assert_eq(s.functions[0].self.nr, 50);
	cr_assert_float_eq(s.functions[0].self.s, 1, 1e-12);
	cr_assert_eq(s.sampling.taken, 100);
	cr_assert_eq(s.sampling.complete, 50);
	cr_assert_eq(s.sampling.salvaged, 20);
	cr_assert_eq(s.sampling.inconsistent, 10);
	cr_assert_eq(s.sampling.lost, 20);
	cr_assert_eq(s.sampling.missed, 3);
	cr_assert_eq(s.sampling.asked_hz, 128);
	cr_assert_float_eq(s.sampling.delivered_hz, 100, 1e-9);
	cr_assert_float_eq(s.sampling.marked_share, 0.5, 1e-12);
	cr_assert_float_eq(s.threads[0].states[STATE_ON_CPU].second_per_tick,
			   0.02, 1e-12);
	summary_release(&s);
	profile_free(p);
}

/* The kernel says how long a thread was on a CPU, the looks what it waited
 * for; each sample stands for its part of its own state. */
Test(profile_summary, states_are_the_kernels_time_and_the_looks)
{
	struct profile *p = one_process();
	uint32_t t = thread(p, 10000000000u), f = push(p, 0, "f", 1),
		 g = push(p, 0, "g", 1);
	struct summary s;

	p->threads.at[t].has_sched = true;
	p->threads.at[t].cpu_ns = 4000000000u;
	p->threads.at[t].run_queue_ns = 1000000000u;
	profile_add_count(p, t, f, SAMPLE_COMPLETE, STATE_ON_CPU, 100);
	profile_add_count(p, t, f, SAMPLE_COMPLETE, STATE_RUN_QUEUE, 10);
	profile_add_count(p, t, g, SAMPLE_COMPLETE, STATE_LOCK, 30);
	profile_add_count(p, t, 0, SAMPLE_LOST, STATE_LOCK, 10);
	profile_add_count(p, t, g, SAMPLE_COMPLETE, STATE_SLEEP, 10);
	make(&s, p, SUMMARY_ALL, 0);
	cr_expect_float_eq(s.threads[0].states[STATE_ON_CPU].s, 4, 1e-9);
	cr_expect_float_eq(s.threads[0].states[STATE_RUN_QUEUE].s, 1, 1e-9);
	cr_expect_float_eq(s.threads[0].states[STATE_LOCK].s, 4, 1e-9);
	cr_expect_float_eq(s.threads[0].states[STATE_SLEEP].s, 1, 1e-9);
	cr_expect_float_eq(find(&s, function(p, "f"))->self.s, 5, 1e-9);
	cr_expect_float_eq(find(&s, function(p, "g"))->self.s, 5, 1e-9);
	summary_release(&s);
	profile_free(p);
}

/* Before its Python is up a thread's time is nobody's. */
Test(profile_summary, time_without_a_python_is_in_no_share)
{
	struct profile *p = one_process();
	uint32_t t = thread(p, 10000000000u), f = push(p, 0, "f", 1);
	struct summary s;

	profile_add_count(p, t, f, SAMPLE_COMPLETE, STATE_ON_CPU, 75);
	profile_add_count(p, t, 0, SAMPLE_NO_PYTHON, STATE_ON_CPU, 25);
	make(&s, p, SUMMARY_ALL, 0);
	cr_expect_float_eq(s.wall_s, 7.5, 1e-9);
	cr_expect_float_eq(s.no_python_s, 2.5, 1e-9);
	cr_expect_float_eq(s.functions[0].self.s, 7.5, 1e-9);
	cr_expect_eq(s.sampling.taken, 75);
	cr_expect_eq(s.sampling.no_python, 25);
	summary_release(&s);
	profile_free(p);
}

/* 1 s seen in 1000 looks weighs as much as 1 s seen in 10. */
Test(profile_summary, threads_weigh_by_their_time_not_by_their_samples)
{
	struct profile *p = one_process();
	uint32_t often = thread(p, 1000000000), a = push(p, 0, "f", 1);
	uint32_t seldom = thread(p, 1000000000), b = push(p, 0, "g", 1);
	struct summary s;

	count(p, often, a, 1000);
	count(p, seldom, b, 10);
	make(&s, p, SUMMARY_ALL, 0);
	cr_assert_float_eq(s.wall_s, 2, 1e-9);
	cr_assert_float_eq(s.functions[0].self.share, 0.5, 1e-9);
	cr_assert_float_eq(s.functions[1].self.share, 0.5, 1e-9);
	/* (1000 w + 10 W)^2 / (1000 w^2 + 10 W^2), w = 1 ms, W = 0.1 s */
	cr_assert_float_eq(s.effective_nr, 4 / 0.101, 1e-6);
	cr_assert(s.functions[0].self.high - s.functions[0].self.low > 0.25);
	summary_release(&s);

	make(&s, p, SUMMARY_THREAD, seldom);
	cr_assert_eq(s.function_nr, 1);
	cr_assert_eq(s.functions[0].function, function(p, "g"));
	cr_assert_float_eq(s.wall_s, 1, 1e-9);
	summary_release(&s);
	profile_free(p);
}

Test(profile_summary, intervals_are_wilsons_times_the_seconds)
{
	struct profile *p = one_process();
	uint32_t t = thread(p, 263000000000);
	struct summary s;

	count(p, t, push(p, 0, "f", 1), 81);
	count(p, t, push(p, 0, "g", 1), 263 - 81);
	make(&s, p, SUMMARY_MAIN, 0);
	cr_assert_eq(s.functions[1].self.nr, 81);
	cr_assert_float_eq(s.functions[1].self.low, 0.2553, 5e-5);
	cr_assert_float_eq(s.functions[1].self.high, 0.3662, 5e-5);
	cr_assert_float_eq(s.functions[1].self.low_s, 0.2553 * 263, 0.02);
	cr_assert_float_eq(s.functions[1].total.high_s, 0.3662 * 263, 0.02);
	summary_release(&s);
	profile_free(p);
}

Test(profile_summary, time_without_python_is_an_entry_of_its_own)
{
	struct profile *p = one_process();
	uint32_t t = thread(p, 1000000000);
	struct summary s;

	count(p, t, 0, 60);
	count(p, t, push(p, 0, "f", 1), 40);
	make(&s, p, SUMMARY_ALL, 0);
	cr_assert_eq(s.functions[0].function, SUMMARY_NO_PYTHON);
	cr_assert_eq(s.functions[0].self.nr, 60);
	cr_assert_eq(s.functions[0].total.nr, 60);
	cr_assert_eq(s.lines[0].function, SUMMARY_NO_PYTHON);
	cr_assert_eq(s.lines[0].line, 0);
	cr_assert_eq(s.line_nr, 2);
	summary_release(&s);
	profile_free(p);
}

Test(profile_summary, order_is_by_self_total_name_whoever_came_first)
{
	static const char *const names[] = { "zeta", "alpha", "mid" };
	struct profile *p = one_process();
	uint32_t t = thread(p, 1000000000), top;
	struct summary s;

	for (int i = 0; i < 3; i++)
		count(p, t, push(p, 0, names[i], 1), 10);
	top = push(p, 0, "caller", 1);
	count(p, t, top, 10);
	count(p, t, push(p, top, "hot", 1), 30);
	make(&s, p, SUMMARY_ALL, 0);
	cr_assert_eq(s.functions[0].function, function(p, "hot"));
	cr_assert_eq(s.functions[1].function, function(p, "caller"));
	cr_assert_eq(s.functions[2].function, function(p, "alpha"));
	cr_assert_eq(s.functions[3].function, function(p, "mid"));
	cr_assert_eq(s.functions[4].function, function(p, "zeta"));
	summary_release(&s);
	profile_free(p);
}

Test(profile_summary, main_is_the_first_main_thread_else_the_first)
{
	struct profile *p = one_process();

	cr_assert_eq(summary_main_thread(p), UINT32_MAX);
	thread(p, 1);
	thread(p, 1);
	cr_assert_eq(summary_main_thread(p), 0);
	p->threads.at[1].main = true;
	cr_assert_eq(summary_main_thread(p), 1);
	profile_free(p);
}

Test(profile_summary, an_empty_profile_has_a_summary_too)
{
	struct profile *p = one_process();
	struct summary s;

	for (int scope = SUMMARY_ALL; scope <= SUMMARY_THREAD; scope++) {
		make(&s, p, (enum summary_scope)scope, 99);
		cr_assert_eq(s.function_nr + s.line_nr + s.thread_nr, 0);
		cr_assert_eq(s.wall_s, 0);
		cr_assert_eq(s.sampling.delivered_hz, 0);
		summary_release(&s);
	}
	summary_release(&s);
	profile_free(p);
}

Test(profile_summary, a_thread_never_seen_whole_is_told_apart)
{
	struct profile *p = one_process();
	uint32_t t = thread(p, 2000000000), u = thread(p, 1000000000);
	struct summary s;

	profile_add_count(p, t, 0, SAMPLE_LOST, STATE_ON_CPU, 10);
	count(p, u, push(p, 0, "f", 1), 10);
	make(&s, p, SUMMARY_ALL, 0);
	cr_assert_float_eq(s.unseen_s, 2, 1e-9);
	/* Ten looks span 9/11 of a life on average. */
	cr_assert_float_eq(s.wall_s, 11. / 9, 1e-9);
	summary_release(&s);
	profile_free(p);
}

/* Threads of a few ticks: by first and last look alone, most is lost. */
Test(profile_summary, the_time_of_short_threads_is_right_on_average)
{
	struct profile *p = one_process();
	const double life_ns = 1.5e6, gap_ns = 1e6;
	double estimated = 0, clock = 0;
	const int thread_nr = 20000;

	srand48(3);
	p->wall_ns = (uint64_t)(life_ns * thread_nr);
	for (int i = 0; i < thread_nr; i++) {
		double end = (i + 1) * life_ns;
		uint32_t t = UINT32_MAX;

		while (clock < end) {
			profile_tick(p, (uint64_t)clock, 0);
			if (t == UINT32_MAX)
				t = profile_add_thread(p, 0, i + 1,
						       (uint64_t)clock);
			profile_sample(p, t, 0, SAMPLE_COMPLETE, STATE_ON_CPU);
			clock -= gap_ns * log(1 - drand48());
		}
	}
	for (uint32_t i = 0; i < p->threads.nr; i++)
		estimated += (double)summary_thread_wall_ns(p, i);
	cr_assert_float_eq(estimated / (life_ns * thread_nr), 1, 0.1, "%g",
			   estimated / (life_ns * thread_nr));
	profile_free(p);
}

/* The same figures by walking every stack from leaf to root. */
#define FUNCTION_NR 12
struct walked {
	uint64_t self[FUNCTION_NR], total[FUNCTION_NR];
	uint64_t line_self[FUNCTION_NR * 3], line_total[FUNCTION_NR * 3];
};

static void walk(struct walked *w, const struct profile *p,
		 const struct profile_count *c)
{
	uint64_t seen = 0, line_seen = 0;
	uint32_t frame = p->nodes.at[c->node].frame;

	w->self[p->frames.at[frame].function] += c->nr;
	w->line_self[frame] += c->nr;
	for (uint32_t n = c->node; n; n = p->nodes.at[n].parent) {
		uint32_t f;

		frame = p->nodes.at[n].frame;
		f = p->frames.at[frame].function;
		if (!(seen >> f & 1))
			w->total[f] += c->nr;
		if (!(line_seen >> frame & 1))
			w->line_total[frame] += c->nr;
		seen |= 1ull << f;
		line_seen |= 1ull << frame;
	}
}

static void random_profile(struct profile *p, uint32_t node_nr,
			   uint32_t thread_nr)
{
	char name[16];

	for (int i = 0; i < FUNCTION_NR; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		function(p, name);
	}
	for (uint32_t i = 0; i < FUNCTION_NR * 3; i++)
		profile_frame(p, i / 3, i);
	for (uint32_t i = 0; i < node_nr; i++)
		profile_node(p, (uint32_t)lrand48() % p->nodes.nr,
			     (uint32_t)lrand48() % p->frames.nr);
	for (uint32_t i = 0; i < thread_nr; i++)
		thread(p, 1000000000);
	for (uint32_t i = 0; i < node_nr; i++) {
		uint32_t node = (uint32_t)lrand48() % p->nodes.nr;

		count(p, (uint32_t)lrand48() % thread_nr, node ? node : 1,
		      (uint64_t)lrand48() % 10 + 1);
	}
}

static void compare(const struct profile *p, enum summary_scope scope,
		    uint32_t t)
{
	struct walked w = { 0 };
	struct summary s;

	for (uint32_t i = 0; i < p->counts.nr; i++)
		if (scope == SUMMARY_ALL || p->counts.at[i].thread == t)
			walk(&w, p, &p->counts.at[i]);
	make(&s, p, scope, t);
	for (uint32_t i = 0; i < s.function_nr; i++) {
		const struct summary_function *f = &s.functions[i];

		cr_assert_eq(f->self.nr, w.self[f->function]);
		cr_assert_eq(f->total.nr, w.total[f->function]);
		cr_assert_geq(f->total.s, f->self.s * (1 - 1e-12));
		w.total[f->function] = 0;
	}
	for (int i = 0; i < FUNCTION_NR; i++)
		cr_assert_eq(w.total[i], 0);
	for (uint32_t i = 0; i < s.line_nr; i++) {
		/* In random_profile() the line is the number of the frame. */
		uint32_t frame = s.lines[i].line;

		cr_assert_eq(s.lines[i].self.nr, w.line_self[frame]);
		cr_assert_eq(s.lines[i].total.nr, w.line_total[frame]);
		w.line_total[frame] = 0;
	}
	for (int i = 0; i < FUNCTION_NR * 3; i++)
		cr_assert_eq(w.line_total[i], 0);
	summary_release(&s);
}

Test(profile_summary, figures_are_those_of_walking_every_stack)
{
	srand48(11);
	for (int round = 0; round < 60; round++) {
		struct profile *p = one_process();
		uint32_t node_nr = 1 + (uint32_t)lrand48() % 400;

		random_profile(p, node_nr, 3);
		compare(p, SUMMARY_ALL, 0);
		for (uint32_t t = 0; t < 3; t++)
			compare(p, SUMMARY_THREAD, t);
		profile_free(p);
	}
}

/* 1000 chains of 1000 frames: walked from each leaf it would be 5e8 steps. */
Test(profile_summary, a_million_nodes_a_thousand_deep_are_summed_at_once)
{
	struct profile *p = one_process();
	uint32_t t = thread(p, 1000000000000), frames[50];
	struct summary s;
	clock_t begin;
	char name[16];

	for (uint32_t i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		frames[i] = profile_frame(p, function(p, name), i);
	}
	for (uint32_t chain = 0; chain < 1000; chain++) {
		uint32_t node = 0;

		for (uint32_t depth = 0; depth < 1000; depth++) {
			node = profile_node(
				p, node,
				frames[(chain * depth + chain + depth) % 50]);
			count(p, t, node, 1);
		}
	}
	begin = clock();
	make(&s, p, SUMMARY_ALL, 0);
	cr_assert_lt((double)(clock() - begin) / CLOCKS_PER_SEC, 5);
	cr_assert_eq(s.function_nr, 50);
	for (uint32_t i = 0; i < 50; i++)
		cr_assert_leq(s.functions[i].total.nr, s.complete_nr);
	summary_release(&s);
	profile_free(p);
}

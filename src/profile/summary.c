/* SPDX-License-Identifier: MIT */
#include "profile/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "profile/stats.h"
#include "profile/tally.h"

/* Below this, the gaps of the clock say more than first and last look. */
#define FEW_LOOKS 10

uint32_t summary_main_thread(const struct profile *p)
{
	for (uint32_t i = 0; i < p->threads.nr; i++)
		if (p->threads.at[i].main)
			return i;
	return p->threads.nr ? 0 : UINT32_MAX;
}

static uint64_t look_nr(const struct profile_thread *t)
{
	uint64_t nr = 0;

	for (int q = 0; q < SAMPLE_QUALITY_NR; q++)
		nr += t->looks[q];
	return nr;
}

uint64_t summary_thread_wall_ns(const struct profile *p, uint32_t thread)
{
	const struct profile_thread *t = &p->threads.at[thread];
	uint64_t seen = t->end_ns > t->start_ns ? t->end_ns - t->start_ns : 0;
	uint64_t nr = look_nr(t);
	double wall = (double)seen;

	if (nr >= FEW_LOOKS)
		wall *= (double)(nr + 1) / (double)(nr - 1);
	else if (p->tick_nr)
		wall = (double)nr * (double)p->wall_ns / (double)p->tick_nr;
	if (seen >= p->wall_ns || wall < (double)seen)
		return seen;
	return wall < (double)p->wall_ns ? (uint64_t)wall : p->wall_ns;
}

struct summary_thread *summary_threads(const struct profile *p)
{
	struct summary_thread *threads;

	threads = calloc((size_t)p->threads.nr + 1, sizeof(*threads));
	if (!threads)
		return NULL;
	for (uint32_t i = 0; i < p->threads.nr; i++) {
		const struct profile_thread *t = &p->threads.at[i];
		uint64_t complete = t->looks[SAMPLE_COMPLETE];

		threads[i].thread = i;
		threads[i].wall_s = (double)summary_thread_wall_ns(p, i) / 1e9;
		memcpy(threads[i].looks, t->looks, sizeof(t->looks));
		threads[i].look_nr = look_nr(t);
		if (complete)
			threads[i].second_per_look =
				threads[i].wall_s / (double)complete;
	}
	return threads;
}

static void sum_sampling(struct summary_sampling *sampling,
			 const struct profile *p)
{
	uint64_t looks[SAMPLE_QUALITY_NR] = { 0 };

	for (uint32_t i = 0; i < p->threads.nr; i++)
		for (int q = 0; q < SAMPLE_QUALITY_NR; q++)
			looks[q] += p->threads.at[i].looks[q];
	*sampling = (struct summary_sampling){
		.asked_hz = p->asked_hz,
		.ticks = p->tick_nr,
		.missed = p->missed_nr,
		.complete = looks[SAMPLE_COMPLETE],
		.salvaged = looks[SAMPLE_SALVAGED],
		.inconsistent = looks[SAMPLE_INCONSISTENT],
		.lost = looks[SAMPLE_LOST],
	};
	for (int q = 0; q < SAMPLE_QUALITY_NR; q++)
		sampling->taken += looks[q];
	if (p->wall_ns)
		sampling->delivered_hz =
			(double)p->tick_nr / ((double)p->wall_ns / 1e9);
	if (sampling->taken)
		sampling->marked_share =
			(double)(sampling->taken - sampling->complete) /
			(double)sampling->taken;
}

/* What the shares are shares of, and how sure they can be. */
static void sum_scope(struct summary *s, const bool *in_scope)
{
	double squares = 0;

	for (uint32_t i = 0; i < s->thread_nr; i++) {
		const struct summary_thread *t = &s->threads[i];
		uint64_t complete = t->looks[SAMPLE_COMPLETE];

		if (!in_scope[i])
			continue;
		if (!complete) {
			s->unseen_s += t->wall_s;
			continue;
		}
		s->wall_s += t->wall_s;
		s->complete_nr += complete;
		squares += t->wall_s * t->second_per_look;
	}
	s->effective_nr = stats_effective(s->wall_s, squares);
}

static struct summary_figure figure(const struct summary *s, uint64_t nr,
				    double seconds)
{
	struct summary_figure f = { .nr = nr, .s = seconds };
	struct stats_interval interval;

	if (s->wall_s > 0)
		f.share = fmin(seconds / s->wall_s, 1);
	interval = stats_wilson(f.share * s->effective_nr, s->effective_nr);
	f.low = interval.low;
	f.high = interval.high;
	f.low_s = f.low * s->wall_s;
	f.high_s = f.high * s->wall_s;
	return f;
}

static int make_functions(struct summary *s, const struct tally *t,
			  struct err *err)
{
	const struct tally_table *table = &t->functions;

	s->functions =
		calloc((size_t)table->seen_nr + 1, sizeof(*s->functions));
	if (!s->functions)
		return err_nomem(err);
	for (uint32_t i = 0; i < table->seen_nr; i++) {
		uint32_t id = table->seen[i];
		const struct tally_sum *sum = &table->sums[id];

		s->functions[s->function_nr++] = (struct summary_function){
			.function = id,
			.self = figure(s, sum->self_nr, sum->self_s),
			.total = figure(s, sum->total_nr, sum->total_s),
		};
	}
	if (t->bare.self_nr) {
		struct summary_figure f =
			figure(s, t->bare.self_nr, t->bare.self_s);

		s->functions[s->function_nr++] = (struct summary_function){
			.function = SUMMARY_NO_PYTHON,
			.self = f,
			.total = f,
		};
	}
	return ERR_OK;
}

static int make_lines(struct summary *s, const struct tally *t, struct err *err)
{
	const struct profile *p = t->profile;
	const struct tally_table *table = &t->frames;

	s->lines = calloc((size_t)table->seen_nr + 1, sizeof(*s->lines));
	if (!s->lines)
		return err_nomem(err);
	for (uint32_t i = 0; i < table->seen_nr; i++) {
		uint32_t id = table->seen[i];
		uint32_t function = p->frames.at[id].function;
		const struct tally_sum *sum = &table->sums[id];

		s->lines[s->line_nr++] = (struct summary_line){
			.file = p->functions.at[function].file,
			.function = function,
			.line = p->frames.at[id].line,
			.self = figure(s, sum->self_nr, sum->self_s),
			.total = figure(s, sum->total_nr, sum->total_s),
		};
	}
	if (t->bare.self_nr) {
		struct summary_figure f =
			figure(s, t->bare.self_nr, t->bare.self_s);

		s->lines[s->line_nr++] = (struct summary_line){
			.function = SUMMARY_NO_PYTHON,
			.self = f,
			.total = f,
		};
	}
	return ERR_OK;
}

static int compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* Largest first. */
static int compare_figures(const struct summary_figure *a_self,
			   const struct summary_figure *a_total,
			   const struct summary_figure *b_self,
			   const struct summary_figure *b_total)
{
	if (a_self->s != b_self->s)
		return a_self->s < b_self->s ? 1 : -1;
	if (a_total->s != b_total->s)
		return a_total->s < b_total->s ? 1 : -1;
	return 0;
}

static int compare_ids(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_function *x, *y;
	int order;

	if (a == b || a == SUMMARY_NO_PYTHON || b == SUMMARY_NO_PYTHON)
		return compare_u32(a, b);
	x = &p->functions.at[a];
	y = &p->functions.at[b];
	order = strcmp(profile_text(p, x->name), profile_text(p, y->name));
	if (!order)
		order = strcmp(profile_text(p, x->file),
			       profile_text(p, y->file));
	if (!order)
		order = compare_u32(x->line, y->line);
	return order ? order : compare_u32(a, b);
}

static int compare_functions(const void *a, const void *b, void *profile)
{
	const struct summary_function *x = a, *y = b;
	int order = compare_figures(&x->self, &x->total, &y->self, &y->total);

	return order ? order : compare_ids(profile, x->function, y->function);
}

static int compare_lines(const void *a, const void *b, void *profile)
{
	const struct summary_line *x = a, *y = b;
	int order = compare_figures(&x->self, &x->total, &y->self, &y->total);

	if (!order)
		order = compare_ids(profile, x->function, y->function);
	return order ? order : compare_u32(x->line, y->line);
}

static void add_samples(struct tally *t, const struct summary *s,
			const bool *in_scope)
{
	const struct profile *p = t->profile;

	for (uint32_t i = 0; i < p->counts.nr; i++) {
		const struct profile_count *c = &p->counts.at[i];

		if (c->quality != SAMPLE_COMPLETE || !c->nr ||
		    !in_scope[c->thread])
			continue;
		tally_add(t, c->node, c->nr,
			  (double)c->nr *
				  s->threads[c->thread].second_per_look);
	}
	tally_finish(t);
}

static int fill(struct summary *s, const struct profile *p,
		const bool *in_scope, struct err *err)
{
	struct tally t;
	int rc = tally_init(&t, p, err);

	if (rc)
		return rc;
	sum_scope(s, in_scope);
	add_samples(&t, s, in_scope);
	rc = make_functions(s, &t, err);
	if (!rc)
		rc = make_lines(s, &t, err);
	if (!rc) {
		qsort_r(s->functions, s->function_nr, sizeof(*s->functions),
			compare_functions, (void *)p);
		qsort_r(s->lines, s->line_nr, sizeof(*s->lines), compare_lines,
			(void *)p);
	}
	tally_release(&t);
	return rc;
}

int summary_make(struct summary *s, const struct profile *p,
		 enum summary_scope scope, uint32_t thread, struct err *err)
{
	bool *in_scope;
	int rc;

	memset(s, 0, sizeof(*s));
	if (scope == SUMMARY_MAIN)
		thread = summary_main_thread(p);
	in_scope = calloc((size_t)p->threads.nr + 1, sizeof(*in_scope));
	s->threads = summary_threads(p);
	if (!in_scope || !s->threads) {
		rc = err_nomem(err);
		goto out;
	}
	s->thread_nr = p->threads.nr;
	for (uint32_t i = 0; i < p->threads.nr; i++)
		in_scope[i] = scope == SUMMARY_ALL || i == thread;
	sum_sampling(&s->sampling, p);
	rc = fill(s, p, in_scope, err);
out:
	free(in_scope);
	if (rc)
		summary_release(s);
	return rc;
}

void summary_release(struct summary *s)
{
	free(s->functions);
	free(s->lines);
	free(s->threads);
	memset(s, 0, sizeof(*s));
}

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

/*
 * A wait too short, or too rare, to be looked at has time but no looks. Up to
 * this share of a thread (or what three looks would be: with none seen, 95 %
 * of such shares are smaller), that time is spread over all of its looks
 * rather than given to nobody.
 */
#define UNSEEN_SHARE 0.02
#define UNSEEN_LOOKS 3

static void spread_unseen(struct summary_thread *t)
{
	double seen = 0, unseen = 0, limit;
	uint64_t nr = t->looks[SAMPLE_COMPLETE];

	for (int i = 0; i < STATE_NR; i++)
		*(t->states[i].complete ? &seen : &unseen) +=
			t->states[i].python_s;
	limit = fmax(UNSEEN_SHARE, nr ? UNSEEN_LOOKS / (double)nr : 0);
	if (!(unseen > 0) || !(seen > 0) || unseen > limit * t->wall_s)
		return;
	for (int i = 0; i < STATE_NR; i++)
		t->states[i].python_s *=
			t->states[i].complete ? (seen + unseen) / seen : 0;
}

static void add_complete(struct summary_state *state,
			 const struct profile_count *c)
{
	state->complete += c->nr;
	state->ticks += c->ticks;
}

static void divide(struct summary_thread *out, const struct profile *p,
		   const struct profile_thread *t)
{
	uint64_t none[STATE_NR] = { 0 };
	struct state_kernel kernel = { (double)t->cpu_ns / 1e9,
				       (double)t->run_queue_ns / 1e9 };
	double seconds[STATE_NR];

	for (uint32_t i = 0; i < t->codes.nr; i++) {
		const struct profile_count *c = &p->counts.at[t->codes.at[i]];

		if (c->quality == SAMPLE_COMPLETE)
			add_complete(&out->states[c->state], c);
		if (c->quality == SAMPLE_NO_PYTHON)
			none[c->state] += c->ticks;
	}
	state_divide(seconds, out->wall_s, t->state_ticks,
		     t->has_sched ? &kernel : NULL);
	for (int i = 0; i < STATE_NR; i++) {
		struct summary_state *state = &out->states[i];

		state->s = seconds[i];
		if (none[i])
			state->no_python_s = seconds[i] * (double)none[i] /
					     (double)t->state_ticks[i];
		state->python_s = state->s - state->no_python_s;
	}
	spread_unseen(out);
	for (int i = 0; i < STATE_NR; i++)
		if (out->states[i].ticks)
			out->states[i].second_per_tick =
				out->states[i].python_s /
				(double)out->states[i].ticks;
}

struct summary_thread *summary_threads(const struct profile *p)
{
	struct summary_thread *threads;

	threads = calloc((size_t)p->threads.nr + 1, sizeof(*threads));
	if (!threads)
		return NULL;
	for (uint32_t i = 0; i < p->threads.nr; i++) {
		const struct profile_thread *t = &p->threads.at[i];

		threads[i].thread = i;
		threads[i].wall_s = (double)summary_thread_wall_ns(p, i) / 1e9;
		memcpy(threads[i].looks, t->looks, sizeof(t->looks));
		threads[i].look_nr = look_nr(t) - t->looks[SAMPLE_NO_PYTHON];
		divide(&threads[i], p, t);
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
		.no_python = looks[SAMPLE_NO_PYTHON],
	};
	sampling->taken = sampling->complete + sampling->salvaged +
			  sampling->inconsistent + sampling->lost;
	if (p->wall_ns)
		sampling->delivered_hz =
			(double)p->tick_nr / ((double)p->wall_ns / 1e9);
	if (sampling->taken)
		sampling->marked_share =
			(double)(sampling->taken - sampling->complete) /
			(double)sampling->taken;
}

/* What the shares are shares of, and how sure they can be. */
static void sum_scope(struct summary *s, const bool *in_scope, uint32_t states)
{
	double squares = 0;

	for (uint32_t i = 0; i < s->thread_nr; i++) {
		if (!in_scope[i])
			continue;
		for (int n = 0; n < STATE_NR; n++) {
			const struct summary_state *state =
				&s->threads[i].states[n];

			if (!(states & STATE_BIT(n)))
				continue;
			s->no_python_s += state->no_python_s;
			if (!state->complete) {
				s->unseen_s += state->python_s;
				continue;
			}
			s->wall_s += state->python_s;
			s->complete_nr += state->complete;
			squares += state->python_s * state->python_s /
				   (double)state->complete;
		}
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
			const bool *in_scope, uint32_t states)
{
	const struct profile *p = t->profile;

	for (uint32_t i = 0; i < p->counts.nr; i++) {
		const struct profile_count *c = &p->counts.at[i];
		const struct summary_state *state =
			&s->threads[c->thread].states[c->state];

		if (c->quality != SAMPLE_COMPLETE || !c->nr ||
		    !in_scope[c->thread] || !(states & STATE_BIT(c->state)))
			continue;
		tally_add(t, c->node, c->nr,
			  (double)c->ticks * state->second_per_tick);
	}
	tally_finish(t);
}

static int fill(struct summary *s, const struct profile *p,
		const bool *in_scope, uint32_t states, struct err *err)
{
	struct tally t;
	int rc = tally_init(&t, p, err);

	if (rc)
		return rc;
	sum_scope(s, in_scope, states);
	add_samples(&t, s, in_scope, states);
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
		 const struct summary_of *of, struct err *err)
{
	uint32_t thread = of->thread;
	bool *in_scope;
	int rc;

	memset(s, 0, sizeof(*s));
	if (of->scope == SUMMARY_MAIN)
		thread = summary_main_thread(p);
	in_scope = calloc((size_t)p->threads.nr + 1, sizeof(*in_scope));
	s->threads = summary_threads(p);
	if (!in_scope || !s->threads) {
		rc = err_nomem(err);
		goto out;
	}
	s->thread_nr = p->threads.nr;
	for (uint32_t i = 0; i < p->threads.nr; i++)
		in_scope[i] = of->scope == SUMMARY_ALL || i == thread;
	sum_sampling(&s->sampling, p);
	rc = fill(s, p, in_scope, of->states ? of->states : STATES_ALL, err);
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

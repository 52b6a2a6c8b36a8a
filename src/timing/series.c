/* SPDX-License-Identifier: MIT */
#include "timing/series.h"

#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "os/clock.h"

/* A lucky handful must not pass for a narrow interval. */
#define SINGLE_LEAST 10
#define LEAST_NS CLOCK_SECOND_NS
/* Above these nobody learns anything more. */
#define SINGLE_MOST 20000
#define BLOCKS_MOST 1000
/* A clock that runs for less than this part of the time is not waited for. */
#define MINOR_CLOCK 0.1

struct series {
	struct timing *t;
	const struct series_opts *opts;
	const struct series_ops *ops;
	void *arg;
	uint64_t begin_ns;
	uint64_t random;
	double round_ns; /* one run of each subject, from the warm-ups */
	bool over;
	struct err *err;
};

static bool coin(struct series *s)
{
	s->random += 0x9e3779b97f4a7c15ull;
	return map_hash(s->random) & 1;
}

static double elapsed_ns(const struct series *s)
{
	return (double)(clock_now_ns() - s->begin_ns);
}

static void finish(struct series *s, enum timing_end why)
{
	s->t->end = why;
	s->over = true;
}

/* One run of `subject`; s->over when it was the last one. */
static int run_one(struct series *s, uint32_t subject, bool warmup)
{
	struct timing_subject *at = &s->t->subjects.at[subject];
	struct timing_run run = { 0 };
	bool stopped = false, failed;
	int rc;

	if (*s->opts->stop) {
		finish(s, TIMING_STOPPED);
		return ERR_OK;
	}
	rc = s->ops->run(s->arg, subject, &run, &stopped, s->err);
	if (rc != ERR_OK)
		return rc;
	if (stopped) {
		finish(s, TIMING_STOPPED);
		return ERR_OK;
	}
	failed = run.killed || run.code != 0;
	at->failed_nr += failed;
	if (failed && !s->opts->ignore_failure)
		finish(s, TIMING_FAILED);
	/* A single run is shown however it ended, as time(1) does. */
	if (s->over && (warmup || s->opts->run_nr != 1))
		return ERR_OK;
	if (!(warmup ? vec_push(&at->warmups, run) : vec_push(&at->runs, run)))
		return err_nomem(s->err);
	return ERR_OK;
}

static int warm_up(struct series *s)
{
	uint64_t begin = clock_now_ns();
	int rc = ERR_OK;

	for (uint32_t k = 0; k < s->opts->warmup_nr; k++)
		for (uint32_t i = 0; i < s->t->subjects.nr && !s->over; i++) {
			rc = run_one(s, i, true);
			if (rc != ERR_OK)
				return rc;
		}
	if (s->opts->warmup_nr)
		s->round_ns =
			(double)(clock_now_ns() - begin) / s->opts->warmup_nr;
	return rc;
}

static int run_pair(struct series *s, struct timing_contest *c, bool b_first)
{
	int rc;

	if (s->over)
		return ERR_OK;
	if (!vec_push(&c->b_first, b_first))
		return err_nomem(s->err);
	rc = run_one(s, b_first ? c->b : c->a, false);
	if (rc == ERR_OK && !s->over)
		rc = run_one(s, b_first ? c->a : c->b, false);
	return rc;
}

static void show_progress(struct series *s, double part)
{
	if (s->ops->progress)
		s->ops->progress(s->arg, fmin(fmax(part, 0), 1));
}

/* One unit of every contest, the contests in an order by lot. */
static int run_round(struct series *s, enum compare_design design)
{
	uint32_t nr = s->t->contests.nr, first = coin(s);
	int rc = ERR_OK;

	for (uint32_t i = 0; i < nr && rc == ERR_OK; i++) {
		struct timing_contest *c = &s->t->contests.at[(i + first) % nr];
		bool b_first = coin(s);

		rc = run_pair(s, c, b_first);
		if (rc == ERR_OK && design == COMPARE_BLOCKS)
			rc = run_pair(s, c, !b_first);
	}
	return rc;
}

/*
 * Whether a clock is worth waiting for: not the millisecond of CPU time of a
 * program that sleeps. Sums of both sides of a contest, so that it is the same
 * whichever way the coins fell.
 */
static bool counts(const struct compare_pair *cpu,
		   const struct compare_pair *wall, uint32_t nr)
{
	double sum = 0, wall_sum = 0;

	for (uint32_t i = 0; i < nr; i++) {
		sum += cpu[i].a + cpu[i].b;
		wall_sum += wall[i].a + wall[i].b;
	}
	return sum >= MINOR_CLOCK * wall_sum;
}

static double contest_width(const struct series *s,
			    const struct timing_contest *c)
{
	uint32_t nr;
	struct compare_pair *wall = timing_pairs(s->t, c, TIMING_WALL, &nr);
	struct compare_pair *cpu = timing_pairs(s->t, c, TIMING_CPU, &nr);
	double width = wall ? compare_control_width(wall, nr) : INFINITY;

	if (wall && cpu && counts(cpu, wall, nr))
		width = fmax(width, compare_control_width(cpu, nr));
	free(wall);
	free(cpu);
	return width;
}

/* The widest control of all contests. */
static double control_width(const struct series *s)
{
	double widest = 0;

	for (uint32_t i = 0; i < s->t->contests.nr; i++)
		widest = fmax(widest, contest_width(s, &s->t->contests.at[i]));
	return widest;
}

/* Widths shrink with the root of the number of runs. */
static double part_done(const struct series *s, double width)
{
	double by_time = elapsed_ns(s) / (double)s->opts->limit_ns;
	double by_width =
		isfinite(width) && width > 0
			? SERIES_TARGET * SERIES_TARGET / (width * width)
			: 0;

	return fmax(by_time, by_width);
}

/* Blocks until their controls are narrow. What decides is the same whichever
 * way the coins fell (profile/compare.h). */
static int measure_blocks(struct series *s)
{
	double width = INFINITY;
	uint32_t look = COMPARE_BLOCKS_LEAST;
	int rc;

	for (uint32_t nr = 1; nr <= BLOCKS_MOST; nr++) {
		rc = run_round(s, COMPARE_BLOCKS);
		if (rc != ERR_OK || s->over)
			return rc;
		if (nr == look) {
			width = control_width(s);
			look += look / 8;
			if (width <= SERIES_TARGET &&
			    elapsed_ns(s) >= LEAST_NS) {
				finish(s, TIMING_NARROW);
				return ERR_OK;
			}
		}
		if (elapsed_ns(s) >= (double)s->opts->limit_ns) {
			finish(s, TIMING_TIME);
			return ERR_OK;
		}
		show_progress(s, part_done(s, width));
	}
	finish(s, TIMING_ENOUGH);
	return ERR_OK;
}

static int measure_fixed(struct series *s, enum compare_design design,
			 uint32_t round_nr, enum timing_end why)
{
	for (uint32_t i = 0; i < round_nr; i++) {
		int rc = run_round(s, design);

		if (rc != ERR_OK || s->over)
			return rc;
		show_progress(s, (i + 1.0) / round_nr);
	}
	finish(s, why);
	return ERR_OK;
}

static int measure_contests(struct series *s)
{
	uint32_t asked = s->opts->run_nr;
	double room = s->round_ns > 0 ? (double)s->opts->limit_ns / s->round_ns
				      : INFINITY;
	enum compare_design design = COMPARE_BLOCKS;
	uint32_t pair_nr;

	/* Too little time for enough blocks, or too few runs asked for. */
	if (asked ? asked % 2 || asked / 2 < COMPARE_BLOCKS_LEAST
		  : room < 2 * COMPARE_BLOCKS_LEAST)
		design = COMPARE_PAIRS;
	for (uint32_t i = 0; i < s->t->contests.nr; i++)
		s->t->contests.at[i].design = design;
	if (asked)
		return measure_fixed(
			s, design, design == COMPARE_BLOCKS ? asked / 2 : asked,
			TIMING_ENOUGH);
	if (design == COMPARE_BLOCKS)
		return measure_blocks(s);
	pair_nr = room > 1 ? (uint32_t)room : 1;
	if (!s->opts->limit_asked && pair_nr < COMPARE_PAIRS_LEAST)
		pair_nr = COMPARE_PAIRS_LEAST;
	return measure_fixed(s, design, pair_nr, TIMING_TIME);
}

/* The wider of the intervals of the clocks that count. */
static double single_width(const struct timing_subject *subject)
{
	struct spread wall, cpu;

	if (!timing_spread(subject, TIMING_WALL, &wall) ||
	    !timing_spread(subject, TIMING_CPU, &cpu))
		return INFINITY;
	if (cpu.median < MINOR_CLOCK * wall.median)
		return spread_half_width(&wall);
	return fmax(spread_half_width(&wall), spread_half_width(&cpu));
}

static int measure_single(struct series *s)
{
	const struct timing_subject *subject = &s->t->subjects.at[0];
	uint32_t most = s->opts->run_nr ? s->opts->run_nr : SINGLE_MOST;
	uint32_t look = SINGLE_LEAST;
	double width = INFINITY;

	for (uint32_t nr = 1; nr <= most; nr++) {
		int rc = run_one(s, 0, false);

		if (rc != ERR_OK || s->over)
			return rc;
		show_progress(s, s->opts->run_nr ? (double)nr / most
						 : part_done(s, width));
		if (s->opts->run_nr)
			continue;
		if (nr >= look && elapsed_ns(s) >= LEAST_NS) {
			width = single_width(subject);
			look = nr + nr / 4;
			if (width <= SERIES_TARGET) {
				finish(s, TIMING_NARROW);
				return ERR_OK;
			}
		}
		if (elapsed_ns(s) >= (double)s->opts->limit_ns &&
		    (nr >= 3 || s->opts->limit_asked)) {
			finish(s, TIMING_TIME);
			return ERR_OK;
		}
	}
	finish(s, TIMING_ENOUGH);
	return ERR_OK;
}

int series_measure(struct timing *t, const struct series_opts *opts,
		   const struct series_ops *ops, void *arg, struct err *err)
{
	struct series s = { .t = t,
			    .opts = opts,
			    .ops = ops,
			    .arg = arg,
			    .begin_ns = clock_now_ns(),
			    .random = opts->seed,
			    .err = err };
	int rc;

	rc = warm_up(&s);
	/* Warm-ups are not part of the time that was given for measuring. */
	s.begin_ns = clock_now_ns();
	if (rc == ERR_OK && !s.over)
		rc = t->contests.nr ? measure_contests(&s) : measure_single(&s);
	t->elapsed_s = elapsed_ns(&s) / 1e9;
	return rc;
}

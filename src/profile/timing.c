/* SPDX-License-Identifier: MIT */
#include "profile/timing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void timing_release(struct timing *t)
{
	for (uint32_t i = 0; i < t->subjects.nr; i++) {
		free(t->subjects.at[i].text);
		vec_release(&t->subjects.at[i].runs);
		vec_release(&t->subjects.at[i].warmups);
	}
	for (uint32_t i = 0; i < t->contests.nr; i++)
		vec_release(&t->contests.at[i].b_first);
	vec_release(&t->subjects);
	vec_release(&t->contests);
	memset(t, 0, sizeof(*t));
}

double timing_value(const struct timing_run *run, enum timing_clock clock)
{
	return clock == TIMING_WALL ? run->wall_s : run->cpu_s;
}

static bool spread_by(const struct timing_subject *s,
		      double (*get)(const struct timing_run *run),
		      struct spread *out)
{
	double *value = malloc((s->runs.nr + 1) * sizeof(*value));
	bool ok;

	if (!value)
		return false;
	for (uint32_t i = 0; i < s->runs.nr; i++)
		value[i] = get(&s->runs.at[i]);
	ok = spread_of(value, s->runs.nr, out);
	free(value);
	return ok;
}

static double wall_of(const struct timing_run *run)
{
	return run->wall_s;
}

static double cpu_of(const struct timing_run *run)
{
	return run->cpu_s;
}

static double waiting_of(const struct timing_run *run)
{
	return run->wall_s - run->cpu_s;
}

bool timing_spread(const struct timing_subject *s, enum timing_clock clock,
		   struct spread *out)
{
	return spread_by(s, clock == TIMING_WALL ? wall_of : cpu_of, out);
}

bool timing_waiting(const struct timing_subject *s, struct spread *out)
{
	return spread_by(s, waiting_of, out);
}

struct compare_pair *timing_pairs(const struct timing *t,
				  const struct timing_contest *c,
				  enum timing_clock clock, uint32_t *nr)
{
	const struct timing_subject *a = &t->subjects.at[c->a];
	const struct timing_subject *b = &t->subjects.at[c->b];
	struct compare_pair *pair;

	*nr = c->b_first.nr;
	if (*nr > a->runs.nr)
		*nr = a->runs.nr;
	if (*nr > b->runs.nr)
		*nr = b->runs.nr;
	pair = *nr ? malloc(*nr * sizeof(*pair)) : NULL;
	for (uint32_t i = 0; pair && i < *nr; i++) {
		pair[i].a = timing_value(&a->runs.at[i], clock);
		pair[i].b = timing_value(&b->runs.at[i], clock);
		pair[i].b_first = c->b_first.at[i];
		/* A clock that did not tick says nothing about a ratio. */
		if (!(pair[i].a > 0) || !(pair[i].b > 0)) {
			free(pair);
			return NULL;
		}
	}
	return pair;
}

bool timing_ratio(const struct timing *t, const struct timing_contest *c,
		  enum timing_clock clock, struct compare_ratio *out)
{
	uint32_t nr;
	struct compare_pair *pair = timing_pairs(t, c, clock, &nr);
	bool ok;

	ok = compare_ratio(pair, pair ? nr : 0, c->design, out);
	free(pair);
	return ok;
}

double timing_user_share(const struct timing_subject *s)
{
	double user = 0, all = 0;

	for (uint32_t i = 0; i < s->runs.nr; i++) {
		user += s->runs.at[i].user_s;
		all += s->runs.at[i].user_s + s->runs.at[i].sys_s;
	}
	return all > 0 ? user / all : NAN;
}

/* ------------------------------------------------------------- cautions */

struct cautions {
	const struct timing *t;
	struct timing_caution *at;
	uint32_t nr;
};

static struct timing_caution *add(struct cautions *c, uint32_t subject,
				  const char *key)
{
	struct timing_caution *one;

	if (c->nr == TIMING_CAUTION_MOST)
		return NULL;
	one = &c->at[c->nr++];
	one->subject = subject;
	one->key = key;
	one->text[0] = '\0';
	return one;
}

#define SAY(caution, ...)                                                      \
	do {                                                                   \
		struct timing_caution *one_ = (caution);                       \
		if (one_)                                                      \
			snprintf(one_->text, sizeof(one_->text), __VA_ARGS__); \
	} while (0)

/* Below it nobody cares, and a second of a machine's mood will do. */
#define DRIFT_LEAST 0.02

static void look_at_wall(struct cautions *c, uint32_t i)
{
	const struct timing_subject *s = &c->t->subjects.at[i];
	struct spread wall;

	if (s->runs.nr < 2 || !timing_spread(s, TIMING_WALL, &wall))
		return;
	if (wall.slow_nr)
		SAY(add(c, i, "slow_runs"),
		    "%u of %u runs far slower than the rest (up to %.2f times "
		    "the median). They count, but hardly move the median and "
		    "its interval.",
		    wall.slow_nr, wall.nr, wall.most / wall.median);
	/* Within a contest it hits both sides and cancels out. */
	if (fabs(wall.drift) >= DRIFT_LEAST && !c->t->contests.nr)
		SAY(add(c, i, "drift"),
		    "Later runs were %s: by %.1f %% from the first quarter "
		    "to the last. A median of moving figures says little.",
		    wall.drift > 0 ? "slower" : "faster",
		    fabs(wall.drift) * 100);
	if (!wall.has_interval && !c->t->contests.nr)
		SAY(add(c, i, "few_runs"),
		    "%u runs are too few for an interval.", wall.nr);
}

static void look_at_warmups(struct cautions *c, uint32_t i)
{
	const struct timing_subject *s = &c->t->subjects.at[i];
	struct spread wall;
	double first;

	if (!s->warmups.nr || !timing_spread(s, TIMING_WALL, &wall) ||
	    wall.nr < 3)
		return;
	first = s->warmups.at[0].wall_s;
	if (first > wall.median * 1.25 &&
	    first > wall.median + 3 * wall.deviation)
		SAY(add(c, i, "cold_start"),
		    "The first run, a warm-up, took %.1f times as long as the "
		    "median: what a cold start costs.",
		    first / wall.median);
}

static void look_at_loop(struct cautions *c, uint32_t i)
{
	const struct timing_subject *s = &c->t->subjects.at[i];
	struct spread wall;
	double empty = 0;

	if (s->gc != TIMING_GC_OFF || !s->runs.nr ||
	    !timing_spread(s, TIMING_WALL, &wall))
		return;
	for (uint32_t k = 0; k < s->runs.nr; k++)
		empty += s->runs.at[k].empty_s / s->runs.nr;
	if (empty > 0.1 * wall.median)
		SAY(add(c, i, "loop_overhead"),
		    "An empty turn of the loop takes %.1f ns, which is %.0f "
		    "%% of this time; it is not taken off.",
		    empty * 1e9, 100 * empty / wall.median);
}

static void look_at_ends(struct cautions *c, uint32_t i)
{
	const struct timing_subject *s = &c->t->subjects.at[i];

	if (s->failed_nr)
		SAY(add(c, i, "failed_runs"),
		    "%u runs did not end with status 0 (the last one: %s%d).",
		    s->failed_nr,
		    s->runs.nr && s->runs.at[s->runs.nr - 1].killed ? "signal "
								    : "",
		    s->runs.nr ? s->runs.at[s->runs.nr - 1].code : 0);
}

static void look_at_outputs(struct cautions *c)
{
	const struct timing *t = c->t;

	for (uint32_t i = 0; i < t->contests.nr && !t->expressions; i++) {
		const struct timing_contest *one = &t->contests.at[i];
		const struct timing_subject *a = &t->subjects.at[one->a];
		const struct timing_subject *b = &t->subjects.at[one->b];

		if (a->runs.nr && b->runs.nr &&
		    a->runs.at[0].output_bytes != b->runs.at[0].output_bytes)
			SAY(add(c, one->b, "output_differs"),
			    "A printed %llu bytes and B %llu: do they do the "
			    "same work?",
			    (unsigned long long)a->runs.at[0].output_bytes,
			    (unsigned long long)b->runs.at[0].output_bytes);
	}
}

uint32_t timing_cautions(const struct timing *t,
			 struct timing_caution out[TIMING_CAUTION_MOST])
{
	struct cautions c = { .t = t, .at = out };

	for (uint32_t i = 0; i < t->subjects.nr; i++) {
		look_at_ends(&c, i);
		look_at_wall(&c, i);
		look_at_warmups(&c, i);
		look_at_loop(&c, i);
	}
	look_at_outputs(&c);
	return c.nr;
}

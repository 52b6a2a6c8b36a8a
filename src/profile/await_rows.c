/* SPDX-License-Identifier: MIT */
#include "profile/await_rows.h"

#include <stdlib.h>
#include <string.h>

/* How near a file is to whoever reads the report. */
enum distance {
	DISTANCE_PROGRAM,
	DISTANCE_PACKAGE, /* installed */
	DISTANCE_STANDARD /* of Python's own library */
};

static enum distance distance_of(const struct profile *p, uint32_t frame)
{
	static const struct {
		const char *mark;
		enum distance distance;
	} marks[] = {
		{ "/site-packages/", DISTANCE_PACKAGE },
		{ "/dist-packages/", DISTANCE_PACKAGE },
		{ "/lib/python3.", DISTANCE_STANDARD },
		{ "<frozen ", DISTANCE_STANDARD },
	};
	const struct profile_function *f =
		&p->functions.at[p->frames.at[frame].function];
	const char *file = profile_text(p, f->file);

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strstr(file, marks[i].mark))
			return marks[i].distance;
	return DISTANCE_PROGRAM;
}

/* The innermost frame of those that are nearest to the reader. */
static uint32_t nearest(const struct profile *p, const uint8_t *distances,
			uint32_t node)
{
	uint32_t best = AWAIT_NO_FRAME;

	for (; node; node = p->nodes.at[node].parent) {
		uint32_t frame = p->nodes.at[node].frame;

		if (best == AWAIT_NO_FRAME ||
		    distances[frame] < distances[best])
			best = frame;
		if (distances[best] == DISTANCE_PROGRAM)
			break;
	}
	return best;
}

static int by_place(const void *a, const void *b)
{
	const struct await_line *x = a, *y = b;

	if (x->frame != y->frame)
		return x->frame < y->frame ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static int by_seconds(const void *a, const void *b)
{
	const struct await_line *x = a, *y = b;

	if (x->s > y->s || x->s < y->s)
		return x->s > y->s ? -1 : 1;
	return by_place(a, b);
}

static void add_line(struct await_line *to, const struct await_line *from)
{
	to->s += from->s;
	for (int i = 0; i < AWAIT_NR; i++)
		to->kind_s[i] += from->kind_s[i];
}

/* Equal places become one; then equal lines, with the place that has most. */
static void merge(struct await_rows *r, bool places)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->lines.nr; i++) {
		struct await_line row = r->lines.at[i];
		struct await_line *last = kept ? &r->lines.at[kept - 1] : NULL;

		if (!last || last->frame != row.frame ||
		    (places && last->at != row.at)) {
			row.at_s = row.s;
			r->lines.at[kept++] = row;
			continue;
		}
		add_line(last, &row);
		if (places) {
			last->at_s = last->s;
		} else if (row.s > last->at_s) {
			last->at_s = row.s;
			last->at = row.at;
		}
	}
	r->lines.nr = kept;
}

static bool add_row(struct await_rows *r, const struct profile *p,
		    const uint8_t *distances, const struct await_row *row)
{
	struct await_line line = { .frame = AWAIT_NO_FRAME,
				   .at = AWAIT_NO_FRAME };
	double s = (double)row->us / 1e6;

	r->kind_s[row->kind] += s;
	if (!(AWAIT_BIT(row->kind) & AWAITS_AWAITED))
		return true;
	if (row->node)
		line.at = p->nodes.at[row->node].frame;
	line.frame = nearest(p, distances, row->node);
	line.s = line.kind_s[row->kind] = s;
	return vec_push(&r->lines, line);
}

static void count_all(struct await_rows *r, const struct profile *p)
{
	double squares = 0;

	for (uint32_t i = 0; i < p->awaits.processes.nr; i++) {
		const struct await_process *of = &p->awaits.processes.at[i];

		for (int k = 0; k < AWAIT_COUNT_NR; k++)
			if (k != AWAIT_MOST)
				r->count[k] += of->count[k];
			else if (of->count[k] > r->count[k])
				r->count[k] = of->count[k];
		squares += of->squares;
	}
	r->effective = stats_effective(r->life_s, squares);
	/* No more than the readings, whatever a file says. */
	if (r->effective > (double)r->count[AWAIT_READINGS])
		r->effective = (double)r->count[AWAIT_READINGS];
}

static void finish(struct await_rows *r, const struct profile *p)
{
	r->life_s = await_sum(r->kind_s, AWAIT_BIT(AWAIT_NR) - 1);
	r->known_s = r->life_s - r->kind_s[AWAIT_UNKNOWN];
	count_all(r, p);
	if (r->lines.nr)
		qsort(r->lines.at, r->lines.nr, sizeof(*r->lines.at), by_place);
	merge(r, true);
	merge(r, false);
	if (r->lines.nr)
		qsort(r->lines.at, r->lines.nr, sizeof(*r->lines.at),
		      by_seconds);
	for (uint32_t i = 0; i < r->lines.nr; i++) {
		struct await_line *l = &r->lines.at[i];

		l->share = r->known_s > 0 ? l->s / r->known_s : 0;
		l->interval =
			stats_wilson(l->share * r->effective, r->effective);
	}
}

int await_rows_make(struct await_rows *r, const struct profile *p,
		    struct err *err)
{
	uint8_t *distances = calloc((size_t)p->frames.nr + 1, 1);
	bool ok = distances;

	memset(r, 0, sizeof(*r));
	for (uint32_t i = 0; ok && p->awaits.rows.nr && i < p->frames.nr; i++)
		distances[i] = (uint8_t)distance_of(p, i);
	for (uint32_t i = 0; ok && i < p->awaits.rows.nr; i++)
		ok = add_row(r, p, distances, &p->awaits.rows.at[i]);
	free(distances);
	if (!ok) {
		await_rows_release(r);
		return err_nomem(err);
	}
	finish(r, p);
	return ERR_OK;
}

void await_rows_release(struct await_rows *r)
{
	vec_release(&r->lines);
}

double await_sum(const double kind_s[AWAIT_NR], uint32_t kinds)
{
	double s = 0;

	for (int i = 0; i < AWAIT_NR; i++)
		s += kinds & AWAIT_BIT(i) ? kind_s[i] : 0;
	return s;
}

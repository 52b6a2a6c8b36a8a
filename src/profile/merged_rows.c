/* SPDX-License-Identifier: MIT */
#include "profile/merged_rows.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *key, *text;
} outcomes[MERGE_OUTCOME_NR] = {
	[MERGE_WHOLE] = { "whole", "whole" },
	[MERGE_CUT] = { "cut", "without some native callers: no unwind table, "
			       "or a deep stack" },
	[MERGE_RAN_ON] = { "ran_on", "the thread ran on before it was read" },
	[MERGE_NOT_READ] = { "not_read", "its Python stack could not be read" },
	[MERGE_DIFFERENT] = { "different", "the two stacks did not fit" },
	[MERGE_NO_CHAIN] = { "no_stack", "it came without a native stack" },
};

const char *merge_outcome_text(enum merge_outcome outcome)
{
	return outcomes[outcome].text;
}

const char *merge_outcome_key(enum merge_outcome outcome)
{
	return outcomes[outcome].key;
}

/* Seconds that a merged sample of each thread stands for; the caller's. */
static double *weigh(const struct profile *p)
{
	double *weights = calloc((size_t)p->threads.nr + 1, sizeof(*weights));

	for (uint32_t i = 0; weights && i < p->merges.nr; i++) {
		const struct profile_merge *m = &p->merges.at[i];

		if (m->outcome <= MERGE_CUT)
			weights[m->thread] += (double)m->nr;
	}
	for (uint32_t i = 0; weights && i < p->threads.nr; i++)
		if (weights[i] > 0)
			weights[i] = (double)p->threads.at[i].cpu_ns / 1e9 /
				     weights[i];
	return weights;
}

static const struct profile_function *function_of(const struct profile *p,
						  uint32_t node)
{
	uint32_t frame = p->nodes.at[node].frame;

	return &p->functions.at[p->frames.at[frame].function];
}

/* Where the thread was, and who called it from Python. */
static void name_row(const struct profile *p, uint32_t node,
		     struct merged_row *row)
{
	row->function = MERGED_BYTECODE;
	row->python = MERGED_NO_PYTHON;
	if (node && function_of(p, node)->native)
		row->function = p->frames.at[p->nodes.at[node].frame].function;
	while (node && function_of(p, node)->native)
		node = p->nodes.at[node].parent;
	if (node)
		row->python = p->nodes.at[node].frame;
}

static int by_key(const void *a, const void *b)
{
	const struct merged_row *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	return (x->python > y->python) - (x->python < y->python);
}

static int by_seconds(const void *a, const void *b)
{
	const struct merged_row *x = a, *y = b;

	if (x->s > y->s || x->s < y->s)
		return x->s > y->s ? -1 : 1;
	return by_key(a, b);
}

/* Stacks apart that end alike become one row. */
static void join(struct merged_rows *r)
{
	uint32_t kept = 0;

	if (r->rows.nr)
		qsort(r->rows.at, r->rows.nr, sizeof(*r->rows.at), by_key);
	for (uint32_t i = 0; i < r->rows.nr; i++) {
		const struct merged_row *row = &r->rows.at[i];

		if (!kept || by_key(&r->rows.at[kept - 1], row)) {
			r->rows.at[kept++] = *row;
			continue;
		}
		r->rows.at[kept - 1].nr += row->nr;
		r->rows.at[kept - 1].s += row->s;
	}
	r->rows.nr = kept;
}

static void finish(struct merged_rows *r)
{
	join(r);
	if (r->rows.nr)
		qsort(r->rows.at, r->rows.nr, sizeof(*r->rows.at), by_seconds);
	for (uint32_t i = 0; i < r->rows.nr; i++) {
		struct merged_row *row = &r->rows.at[i];

		row->share = r->s > 0 ? row->s / r->s : 0;
		row->interval = stats_wilson(row->share * (double)r->merged_nr,
					     (double)r->merged_nr);
	}
}

int merged_rows_make(struct merged_rows *r, const struct profile *p,
		     struct err *err)
{
	double *weights = weigh(p);
	bool ok = weights;

	memset(r, 0, sizeof(*r));
	for (uint32_t i = 0; ok && i < p->merges.nr; i++) {
		const struct profile_merge *m = &p->merges.at[i];
		struct merged_row row = { .nr = m->nr };

		r->nr += m->nr;
		r->outcomes[m->outcome] += m->nr;
		if (m->outcome > MERGE_CUT)
			continue;
		row.s = weights[m->thread] * (double)m->nr;
		r->merged_nr += m->nr;
		r->s += row.s;
		name_row(p, m->node, &row);
		ok = vec_push(&r->rows, row);
	}
	free(weights);
	if (!ok) {
		merged_rows_release(r);
		return err_nomem(err);
	}
	finish(r);
	return ERR_OK;
}

void merged_rows_release(struct merged_rows *r)
{
	vec_release(&r->rows);
}

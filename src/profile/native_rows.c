/* SPDX-License-Identifier: MIT */
#include "profile/native_rows.h"

#include <stdlib.h>
#include <string.h>

/* Seconds that a sample of each thread stands for; the caller frees them. */
static double *weigh(const struct profile *p)
{
	double *weights = calloc((size_t)p->threads.nr + 1, sizeof(*weights));

	for (uint32_t i = 0; weights && i < p->natives.nr; i++)
		weights[p->natives.at[i].thread] += (double)p->natives.at[i].nr;
	for (uint32_t i = 0; weights && i < p->threads.nr; i++)
		if (weights[i] > 0)
			weights[i] = (double)p->threads.at[i].cpu_ns / 1e9 /
				     weights[i];
	return weights;
}

static int by_key(const void *a, const void *b)
{
	const struct native_row *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	return (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

static int by_seconds(const void *a, const void *b)
{
	const struct native_row *x = a, *y = b;

	if (x->s > y->s || x->s < y->s)
		return x->s > y->s ? -1 : 1;
	return by_key(a, b);
}

/* Threads apart become one. */
static void merge_functions(struct native_rows *r)
{
	uint32_t kept = 0;

	if (r->functions.nr)
		qsort(r->functions.at, r->functions.nr,
		      sizeof(*r->functions.at), by_key);
	for (uint32_t i = 0; i < r->functions.nr; i++) {
		const struct native_row *row = &r->functions.at[i];

		if (!kept || by_key(&r->functions.at[kept - 1], row)) {
			r->functions.at[kept++] = *row;
			continue;
		}
		r->functions.at[kept - 1].nr += row->nr;
		r->functions.at[kept - 1].s += row->s;
	}
	r->functions.nr = kept;
}

static bool add_to_library(struct native_rows *r, const struct native_row *f)
{
	struct native_row fresh = *f;

	fresh.hottest_s = f->s;
	for (uint32_t i = 0; i < r->libraries.nr; i++) {
		struct native_row *lib = &r->libraries.at[i];

		if (lib->kind != f->kind || lib->module != f->module)
			continue;
		lib->nr += f->nr;
		lib->s += f->s;
		if (f->s > lib->hottest_s) {
			lib->hottest_s = f->s;
			lib->symbol = f->symbol;
		}
		return true;
	}
	return vec_push(&r->libraries, fresh);
}

static void finish(const struct native_rows *all, struct native_row *rows,
		   uint32_t nr)
{
	if (nr)
		qsort(rows, nr, sizeof(*rows), by_seconds);
	for (uint32_t i = 0; i < nr; i++) {
		rows[i].share = all->s > 0 ? rows[i].s / all->s : 0;
		rows[i].interval = stats_wilson(rows[i].share * (double)all->nr,
						(double)all->nr);
	}
}

int native_rows_make(struct native_rows *r, const struct profile *p,
		     struct err *err)
{
	double *weights = weigh(p);
	bool ok = weights;

	memset(r, 0, sizeof(*r));
	for (uint32_t i = 0; ok && i < p->natives.nr; i++) {
		const struct profile_native *n = &p->natives.at[i];
		struct native_row row = { .kind = n->kind,
					  .module = n->module,
					  .symbol = n->symbol,
					  .nr = n->nr };

		row.s = weights[n->thread] * (double)n->nr;
		r->nr += n->nr;
		r->s += row.s;
		ok = vec_push(&r->functions, row);
	}
	merge_functions(r);
	for (uint32_t i = 0; ok && i < r->functions.nr; i++)
		ok = add_to_library(r, &r->functions.at[i]);
	free(weights);
	if (!ok) {
		native_rows_release(r);
		return err_nomem(err);
	}
	finish(r, r->functions.at, r->functions.nr);
	finish(r, r->libraries.at, r->libraries.nr);
	return ERR_OK;
}

void native_rows_release(struct native_rows *r)
{
	vec_release(&r->functions);
	vec_release(&r->libraries);
}

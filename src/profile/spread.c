/* SPDX-License-Identifier: MIT */
#include "profile/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define Z95 1.959963984540054
/* Median of |x - median| of a normal distribution is so much of its sigma. */
#define MAD_OF_SIGMA 0.6745
#define FAR_SIGMA 5
#define FAR_LEAST 0.1
/* A trend is believed at 1 in 1,000: it is looked for in every series. */
#define Z_TREND 3.29
#define TREND_LEAST 12

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double middle(const double *sorted, uint32_t nr)
{
	return nr ? (sorted[(nr - 1) / 2] + sorted[nr / 2]) / 2 : 0;
}

double spread_median(double *value, uint32_t nr)
{
	qsort(value, nr, sizeof(*value), compare);
	return middle(value, nr);
}

/* What share of `sorted` is below `value`, ties half. */
static double rank_of(const double *sorted, uint32_t nr, double value)
{
	double below = 0;

	for (uint32_t i = 0; i < nr; i++)
		below += sorted[i] < value ? 1 : sorted[i] == value ? 0.5 : 0;
	return below / nr - 0.5;
}

/*
 * Lag-1 autocorrelation of the ranks, and the slope of the ranks over time as
 * a normal deviate (Spearman).
 */
static void look_at_order(const double *rank, uint32_t nr, double *lag1,
			  double *trend)
{
	double squares = 0, products = 0, slope = 0;

	for (uint32_t i = 0; i < nr; i++) {
		squares += rank[i] * rank[i];
		if (i)
			products += rank[i] * rank[i - 1];
		slope += rank[i] * ((i + 0.5) / nr - 0.5);
	}
	*lag1 = squares > 0 ? products / squares : 0;
	*trend = squares > 0 ? slope / squares * sqrt(nr - 1.0) : 0;
}

/*
 * How many of `nr` values lie below the lower end of the interval of the
 * median; -1: none can be given.
 */
static int64_t below_interval(uint32_t nr, double effective)
{
	double p, sum = 0;
	int64_t k;

	if (effective < nr) {
		k = (int64_t)floor(
			(nr - Z95 * sqrt(nr) * sqrt(nr / effective)) / 2);
		return k >= 1 ? k - 1 : -1;
	}
	if (nr > 500)
		return (int64_t)floor((nr - Z95 * sqrt(nr)) / 2) - 1;
	/* Binomial with one half. */
	p = exp2(-(double)nr);
	for (k = 0; k < nr; k++) {
		sum += p;
		if (sum > 0.025)
			break;
		p = p * (double)(nr - k) / (double)(k + 1);
	}
	return k - 1;
}

static void count_far(const double *sorted, uint32_t nr, double *scratch,
		      struct spread *out)
{
	double sigma, far;

	for (uint32_t i = 0; i < nr; i++)
		scratch[i] = fabs(sorted[i] - out->median);
	sigma = spread_median(scratch, nr) / MAD_OF_SIGMA;
	/* What is nearly all alike has no outliers to speak of. */
	far = fmax(FAR_SIGMA * sigma, FAR_LEAST * out->median);
	for (uint32_t i = 0; i < nr; i++) {
		out->slow_nr += sorted[i] > out->median + far;
		out->fast_nr += sorted[i] < out->median - far;
	}
}

static void find_drift(const double *value, uint32_t nr, double trend,
		       double *scratch, struct spread *out)
{
	uint32_t quarter = nr / 4;
	double first, last;

	if (nr < TREND_LEAST || fabs(trend) < Z_TREND)
		return;
	memcpy(scratch, value, quarter * sizeof(*value));
	first = spread_median(scratch, quarter);
	memcpy(scratch, value + nr - quarter, quarter * sizeof(*value));
	last = spread_median(scratch, quarter);
	if (first > 0)
		out->drift = last / first - 1;
}

static void moments(const double *value, uint32_t nr, struct spread *out)
{
	double squares = 0;

	for (uint32_t i = 0; i < nr; i++)
		out->mean += value[i] / nr;
	for (uint32_t i = 0; i < nr; i++)
		squares += (value[i] - out->mean) * (value[i] - out->mean);
	out->deviation = nr > 1 ? sqrt(squares / (nr - 1)) : 0;
}

bool spread_of(const double *value, uint32_t nr, struct spread *out)
{
	double *sorted, *scratch, lag1, trend;
	int64_t below;

	*out = (struct spread){ .nr = nr };
	if (!nr)
		return true;
	sorted = malloc(2 * (size_t)nr * sizeof(*sorted));
	if (!sorted)
		return false;
	scratch = sorted + nr;
	memcpy(sorted, value, nr * sizeof(*value));
	out->median = spread_median(sorted, nr);
	out->least = sorted[0];
	out->most = sorted[nr - 1];
	moments(value, nr, out);
	for (uint32_t i = 0; i < nr; i++)
		scratch[i] = rank_of(sorted, nr, value[i]);
	look_at_order(scratch, nr, &lag1, &trend);
	/* The estimate is too low by about 1/nr in short series. */
	lag1 = fmin(fmax(lag1 + 1.0 / nr, 0), 0.95);
	out->effective = nr * (1 - lag1) / (1 + lag1);
	below = below_interval(nr, out->effective);
	if (below >= 0) {
		out->has_interval = true;
		out->at95.low = sorted[below];
		out->at95.high = sorted[nr - 1 - below];
	}
	count_far(sorted, nr, scratch, out);
	find_drift(value, nr, trend, scratch, out);
	free(sorted);
	return true;
}

double spread_half_width(const struct spread *s)
{
	if (!s->has_interval || !(s->median > 0))
		return INFINITY;
	return (s->at95.high - s->at95.low) / 2 / s->median;
}

/* SPDX-License-Identifier: MIT */
#include "profile/signed_rank.h"

#include <math.h>
#include <stdlib.h>

/* Up to here the distribution is computed, above it is the normal one: the
 * two agree within one rank in 5,000 from 100 on. */
#define EXACT_MOST 100

#define Z95 1.959963984540054
#define Z99 2.575829303548901

static int64_t outside_normal(uint32_t nr, double miss)
{
	double n = nr, mean = n * (n + 1) / 4;
	double sd = sqrt(n * (n + 1) * (2 * n + 1) / 24);
	double z = miss > 0.02 ? Z95 : Z99;

	return (int64_t)floor(mean - z * sd - 0.5) + 1;
}

int64_t signed_rank_outside(uint32_t nr, double miss)
{
	uint32_t half = nr * (nr + 1) / 4, most;
	double *p, sum = 0;
	int64_t below = 0;

	if (nr > EXACT_MOST)
		return outside_normal(nr, miss);
	/* p[s]: the probability that the ranks above the middle sum to s. */
	p = calloc(half + 1, sizeof(*p));
	if (!p)
		return -1;
	p[0] = 1;
	for (uint32_t rank = 1; rank <= nr; rank++) {
		most = rank * (rank + 1) / 2;
		if (most > half)
			most = half;
		for (uint32_t s = most + 1; s-- > 0;)
			p[s] = (p[s] + (s >= rank ? p[s - rank] : 0)) / 2;
	}
	/* The sums 0 to below-1 together are at most miss/2. */
	for (uint32_t s = 0; s <= half; s++) {
		sum += p[s];
		if (sum > miss / 2)
			break;
		below++;
	}
	free(p);
	return below ? below : -1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The interval between the `below`-th smallest and largest of `mean`. */
static bool take(const double *mean, size_t nr, int64_t below,
		 struct stats_interval *out)
{
	if (below < 1)
		return false;
	out->low = mean[below - 1];
	out->high = mean[nr - (size_t)below];
	return true;
}

bool signed_rank_of(const double *value, uint32_t nr, struct signed_rank *out)
{
	size_t mean_nr, at = 0;
	double *mean;

	*out = (struct signed_rank){ .centre = NAN };
	if (nr > SIGNED_RANK_MOST)
		nr = SIGNED_RANK_MOST;
	if (!nr)
		return true;
	mean_nr = (size_t)nr * (nr + 1) / 2;
	mean = malloc(mean_nr * sizeof(*mean));
	if (!mean)
		return false;
	for (uint32_t i = 0; i < nr; i++)
		for (uint32_t j = i; j < nr; j++)
			mean[at++] = (value[i] + value[j]) / 2;
	qsort(mean, mean_nr, sizeof(*mean), compare);
	out->centre = (mean[(mean_nr - 1) / 2] + mean[mean_nr / 2]) / 2;
	out->has95 =
		take(mean, mean_nr, signed_rank_outside(nr, 0.05), &out->at95);
	out->has99 =
		take(mean, mean_nr, signed_rank_outside(nr, 0.01), &out->at99);
	free(mean);
	return true;
}

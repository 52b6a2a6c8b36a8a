/* SPDX-License-Identifier: MIT */
#include "profile/stats.h"

#include <math.h>

#define Z95 1.959963984540054 /* the normal quantile of 0.975 */

struct stats_interval stats_wilson(double hits, double trials)
{
	struct stats_interval all = { 0, 1 };
	double p, z2, centre, half, scale;

	if (!(trials > 0))
		return all;
	p = fmin(fmax(hits / trials, 0), 1);
	z2 = Z95 * Z95 / trials;
	scale = 1 / (1 + z2);
	centre = (p + z2 / 2) * scale;
	half = sqrt(p * (1 - p) * z2 + z2 * z2 / 4) * scale;
	/* Rounding must not move the ends past what was seen. */
	return (struct stats_interval){ fmin(fmax(centre - half, 0), p),
					fmax(fmin(centre + half, 1), p) };
}

double stats_effective(double sum, double sum_squares)
{
	return sum_squares > 0 ? sum * sum / sum_squares : 0;
}

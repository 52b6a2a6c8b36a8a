/* SPDX-License-Identifier: MIT */
/* What repeated measurements of one thing say: their middle and their spread.
 */
#ifndef TARE_PROFILE_SPREAD_H
#define TARE_PROFILE_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/stats.h"

struct spread {
	uint32_t nr;
	double median, mean, least, most;
	double deviation; /* standard, of one measurement; 0 for a single one */
	/*
	 * 95 % interval of the median, from order statistics: no shape is
	 * assumed. Neighbouring runs that resemble each other are worth less,
	 * and it is wider for them.
	 */
	bool has_interval;
	struct stats_interval at95;
	double effective; /* independent measurements these are worth */
	/* More than 5 robust standard deviations and a tenth of the median
	 * away from it. */
	uint32_t slow_nr, fast_nr;
	/* Later ones are longer (or shorter), which chance does not explain:
	 * the last quarter over the first, minus 1; 0: no such thing. */
	double drift;
};

/* False without memory. Values are finite, in the order they were taken. */
bool spread_of(const double *value, uint32_t nr, struct spread *out);

/* Half the interval, as a part of the median; infinite where there is none. */
double spread_half_width(const struct spread *s);

/* The median of `value`, which is sorted for that; 0 of none. */
double spread_median(double *value, uint32_t nr);

#endif

/* SPDX-License-Identifier: MIT */
#include "profile/compare.h"

#include <math.h>
#include <stdlib.h>

#include "profile/signed_rank.h"

/* Two-sided points of Student's t for 1 to 4 degrees of freedom: from six
 * units on the signed ranks take over. */
static const double t95[] = { 12.706, 4.303, 3.182, 2.776 };
static const double t99[] = { 63.657, 9.925, 5.841, 4.604 };

/* 2.576 / 1.960 */
#define Z99_OF_Z95 1.3142

static double log_ratio(const struct compare_pair *p)
{
	return log(p->b / p->a);
}

/* ln of the second run of the pair over the first. */
static double log_later(const struct compare_pair *p)
{
	return p->b_first ? -log_ratio(p) : log_ratio(p);
}

/*
 * Runs 1 to 4 of a block are first and second of one pair, then of the other;
 * in A B B A they are A1 B1 B2 A2. (2 + 4 - 1 - 3) / 2 is half the sum of
 * second over first, (3 + 4 - 1 - 2) / 2 needs the products.
 */
static double control_turns(const struct compare_pair *p)
{
	return (log_later(&p[0]) + log_later(&p[1])) / 2;
}

static double control_halves(const struct compare_pair *p)
{
	return (log(p[1].a * p[1].b) - log(p[0].a * p[0].b)) / 2;
}

static double mean_of_block(const struct compare_pair *p)
{
	return (log_ratio(&p[0]) + log_ratio(&p[1])) / 2;
}

/* Units of the design; fewer than six blocks are taken apart into pairs. */
static uint32_t units(const struct compare_pair *pair, uint32_t nr,
		      enum compare_design design, double *unit)
{
	uint32_t unit_nr = 0;

	if (design == COMPARE_BLOCKS && nr / 2 >= COMPARE_PAIRS_LEAST) {
		for (uint32_t i = 0; i + 1 < nr; i += 2)
			unit[unit_nr++] = mean_of_block(&pair[i]);
		return unit_nr;
	}
	for (uint32_t i = 0; i < nr; i++)
		unit[unit_nr++] = log_ratio(&pair[i]);
	return unit_nr;
}

static void by_student(const double *unit, uint32_t nr, struct signed_rank *out)
{
	double mean = 0, squares = 0, se;

	for (uint32_t i = 0; i < nr; i++)
		mean += unit[i] / nr;
	for (uint32_t i = 0; i < nr; i++)
		squares += (unit[i] - mean) * (unit[i] - mean);
	se = sqrt(squares / (nr - 1) / nr);
	out->centre = mean;
	out->at95.low = mean - t95[nr - 2] * se;
	out->at95.high = mean + t95[nr - 2] * se;
	out->at99.low = mean - t99[nr - 2] * se;
	out->at99.high = mean + t99[nr - 2] * se;
	out->has95 = out->has99 = true;
}

static enum compare_verdict judge(const struct signed_rank *rank)
{
	if (!rank->has95)
		return COMPARE_NOTHING;
	if (rank->at95.low <= 0 && rank->at95.high >= 0)
		return COMPARE_NO_DIFFERENCE;
	if (!rank->has99 || (rank->at99.low <= 0 && rank->at99.high >= 0))
		return COMPARE_UNCLEAR;
	return COMPARE_DIFFERENT;
}

bool compare_ratio(const struct compare_pair *pair, uint32_t nr,
		   enum compare_design design, struct compare_ratio *out)
{
	struct signed_rank rank;
	double *unit;

	*out = (struct compare_ratio){ .ratio = NAN };
	unit = malloc((nr ? nr : 1) * sizeof(*unit));
	if (!unit)
		return false;
	out->unit_nr = units(pair, nr, design, unit);
	if (!signed_rank_of(unit, out->unit_nr, &rank)) {
		free(unit);
		return false;
	}
	if (out->unit_nr >= 2 && out->unit_nr < COMPARE_PAIRS_LEAST) {
		by_student(unit, out->unit_nr, &rank);
		out->approximate = true;
	}
	free(unit);
	out->ratio = exp(rank.centre);
	out->has_interval = rank.has95;
	out->at95.low = exp(rank.at95.low);
	out->at95.high = exp(rank.at95.high);
	out->verdict = judge(&rank);
	return true;
}

/* Half the width of one kind of control over all blocks. */
static double width_of(const struct compare_pair *pair, uint32_t block_nr,
		       double (*control)(const struct compare_pair *p),
		       double *scratch)
{
	struct signed_rank rank;

	for (uint32_t i = 0; i < block_nr; i++)
		scratch[i] = control(&pair[2 * (size_t)i]);
	if (!signed_rank_of(scratch, block_nr, &rank) || !rank.has99)
		return INFINITY;
	/* "Different" needs the wider one, which among few blocks is wider
	 * still than the normal distribution has it. */
	return fmax(rank.at95.high - rank.at95.low,
		    (rank.at99.high - rank.at99.low) / Z99_OF_Z95) /
	       2;
}

double compare_control_width(const struct compare_pair *pair, uint32_t nr)
{
	uint32_t block_nr = nr / 2;
	double *scratch, turns, halves;

	if (block_nr < COMPARE_BLOCKS_LEAST)
		return INFINITY;
	scratch = malloc(block_nr * sizeof(*scratch));
	if (!scratch)
		return INFINITY;
	turns = width_of(pair, block_nr, control_turns, scratch);
	halves = width_of(pair, block_nr, control_halves, scratch);
	free(scratch);
	return sqrt((turns * turns + halves * halves) / 2);
}

const char *compare_verdict_text(enum compare_verdict verdict)
{
	static const char *const text[] = {
		[COMPARE_NOTHING] = "cannot tell",
		[COMPARE_NO_DIFFERENCE] = "no difference found",
		[COMPARE_UNCLEAR] = "unclear",
		[COMPARE_DIFFERENT] = "different",
	};

	return text[verdict];
}

/* SPDX-License-Identifier: MIT */
/*
 * How many times as long B takes as A, from runs that took turns.
 *
 * What else a machine does comes in waves: neighbouring runs are alike, a
 * later run may be slower than all before it, and one in fifty takes twice as
 * long. No count of runs makes that independent noise. So the order is drawn
 * by lot, and the lot alone carries the promise:
 *
 * - A *block* is four runs, A B B A or B A A B, as a coin says. Its unit is
 *   the mean of the two log-ratios ln(B/A). What drifts evenly cancels out
 *   within the block. Had the coin fallen the other way, the same four runs
 *   would have given the same unit with the opposite sign (about the true
 *   ratio): the signs are coins, whatever the machine did. That is all that
 *   the signed-rank interval asks for (profile/signed_rank.h).
 * - The *controls* of a block are the two other contrasts of the same four
 *   runs, which do not change when the coin falls the other way: second and
 *   fourth against first and third, and the later half against the earlier.
 *   They vary as the unit does, yet say nothing of its sign. So one may look
 *   at the controls after every block and stop when their intervals are
 *   narrow enough, without giving chance a second try. Looking at the units
 *   themselves would be what p-hacking is.
 *   (Where neighbouring runs are alike, the first kind varies less than the
 *   unit and the second more: with autocovariances g1, g2, ... the mean of
 *   their variances is the unit's plus g2 - g3.)
 * - Where there is no time for so many runs, a *pair* is the unit: A B or B A
 *   by a coin of its own, their number fixed before the first.
 *
 * Exact for any noise if B takes a fixed multiple of A; tests/unit and
 * bench/time_trial.py check it on noise made up and real.
 */
#ifndef TARE_PROFILE_COMPARE_H
#define TARE_PROFILE_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "profile/stats.h"

/* Two runs beside each other, in seconds; both above 0. */
struct compare_pair {
	double a, b;
	bool b_first;
};

/* Blocks are pairs 2k and 2k+1. */
enum compare_design {
	COMPARE_PAIRS,
	COMPARE_BLOCKS,
};

enum compare_verdict {
	COMPARE_NOTHING,       /* no interval */
	COMPARE_NO_DIFFERENCE, /* 1 is in the 95 % interval */
	COMPARE_UNCLEAR,       /* outside that, but in the 99 % interval */
	COMPARE_DIFFERENT,     /* outside both */
};

struct compare_ratio {
	double ratio; /* B / A; NaN without a pair */
	bool has_interval;
	/* From Student's t, where units are too few for the exact one. */
	bool approximate;
	struct stats_interval at95;
	uint32_t unit_nr;
	/*
	 * "Different" is said at 99 %: two clocks are shown, so intervals of
	 * 95 % would cry wolf in up to one comparison of ten.
	 */
	enum compare_verdict verdict;
};

/* Fewest blocks from which a "different" at 99 % can come. */
#define COMPARE_BLOCKS_LEAST 8
#define COMPARE_PAIRS_LEAST 6

/* False without memory. A last pair without its block is left out. */
bool compare_ratio(const struct compare_pair *pair, uint32_t nr,
		   enum compare_design design, struct compare_ratio *out);

/*
 * Half the width that the controls promise for the 95 % interval, relative;
 * infinite while there are fewer than COMPARE_BLOCKS_LEAST blocks.
 */
double compare_control_width(const struct compare_pair *pair, uint32_t nr);

/* "different", "unclear", "no difference found", "cannot tell". */
const char *compare_verdict_text(enum compare_verdict verdict);

#endif

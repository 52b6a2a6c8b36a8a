/* SPDX-License-Identifier: MIT */
/* What is told of a subject besides its two clocks: one text a row. */
#ifndef TARE_RENDER_TIME_ROWS_H
#define TARE_RENDER_TIME_ROWS_H

#include "profile/timing.h"
#include "render/digits.h"

struct time_row {
	const char *label;
	/* False: not known, or does not apply; then it is left out. */
	bool (*text)(const struct timing_subject *s, char out[DIGITS_SIZE]);
};

/* The parts of the CPU time, then waiting; ends in a row without a label. */
extern const struct time_row time_row_parts[];

/* Memory, faults, switches, bytes; likewise. */
extern const struct time_row time_row_costs[];

/* What subject `i` is called beside the others: "A", "gc off", "". */
const char *time_subject_name(const struct timing *t, uint32_t i);

/* "different", "no difference found", in a sentence on this clock. */
void time_verdict(char *out, size_t size, const struct timing *t,
		  const struct timing_contest *c, enum timing_clock clock);

#endif

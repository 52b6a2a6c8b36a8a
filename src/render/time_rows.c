/* SPDX-License-Identifier: MIT */
#include "render/time_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The median of one whole number over the runs; NaN without memory or runs. */
static double median_of(const struct timing_subject *s, size_t offset)
{
	double *value, median;

	if (!s->runs.nr)
		return NAN;
	value = malloc(s->runs.nr * sizeof(*value));
	if (!value)
		return NAN;
	for (uint32_t i = 0; i < s->runs.nr; i++) {
		uint64_t one;

		memcpy(&one, (const char *)&s->runs.at[i] + offset,
		       sizeof(one));
		value[i] = (double)one;
	}
	median = spread_median(value, s->runs.nr);
	free(value);
	return median;
}

#define MEDIAN(s, member) median_of(s, offsetof(struct timing_run, member))

static bool part_text(const struct timing_subject *s, bool user,
		      char out[DIGITS_SIZE])
{
	double share = timing_user_share(s);
	struct spread cpu;

	if (s->gc != TIMING_GC_NONE || isnan(share) ||
	    !timing_spread(s, TIMING_CPU, &cpu))
		return false;
	digits_seconds(out, cpu.median * (user ? share : 1 - share));
	return true;
}

static bool user_text(const struct timing_subject *s, char out[DIGITS_SIZE])
{
	return part_text(s, true, out);
}

static bool sys_text(const struct timing_subject *s, char out[DIGITS_SIZE])
{
	return part_text(s, false, out);
}

static bool waiting_text(const struct timing_subject *s, char out[DIGITS_SIZE])
{
	struct spread waiting, wall;

	if (!s->runs.nr || !timing_waiting(s, &waiting) ||
	    !timing_spread(s, TIMING_WALL, &wall))
		return false;
	/* More CPU time than time: several CPUs. Below a thousandth it is two
	 * clocks that disagree. */
	if (waiting.median < -wall.median / 1000)
		snprintf(out, DIGITS_SIZE, "%.2f CPUs",
			 1 - waiting.median / wall.median);
	else
		digits_seconds(out, waiting.median);
	return true;
}

static bool peak_text(const struct timing_subject *s, char out[DIGITS_SIZE])
{
	double peak = MEDIAN(s, peak_bytes), floor = MEDIAN(s, floor_bytes);
	char bytes[DIGITS_SIZE];

	if (s->gc != TIMING_GC_NONE || !(peak > 0))
		return false;
	digits_bytes(bytes, peak);
	snprintf(out, DIGITS_SIZE, "%s%.30s", peak <= floor ? "<" : "", bytes);
	return true;
}

static bool count_text(const struct timing_subject *s, size_t offset,
		       char out[DIGITS_SIZE])
{
	double median = median_of(s, offset);

	if (s->gc != TIMING_GC_NONE || isnan(median))
		return false;
	digits_count(out, (uint64_t)(median + 0.5));
	return true;
}

#define COUNT_TEXT(name, member)                                          \
	static bool name(const struct timing_subject *s,                  \
			 char out[DIGITS_SIZE])                           \
	{                                                                 \
		return count_text(s, offsetof(struct timing_run, member), \
				  out);                                   \
	}

COUNT_TEXT(minor_text, minor_faults)
COUNT_TEXT(major_text, major_faults)
COUNT_TEXT(voluntary_text, voluntary)
COUNT_TEXT(involuntary_text, involuntary)

static bool bytes_text(const struct timing_subject *s, size_t offset,
		       char out[DIGITS_SIZE])
{
	double median = median_of(s, offset);

	if (s->gc != TIMING_GC_NONE || isnan(median) || !s->runs.at[0].io_known)
		return false;
	digits_bytes(out, median);
	return true;
}

#define BYTES_TEXT(name, member)                                          \
	static bool name(const struct timing_subject *s,                  \
			 char out[DIGITS_SIZE])                           \
	{                                                                 \
		return bytes_text(s, offsetof(struct timing_run, member), \
				  out);                                   \
	}

BYTES_TEXT(read_text, read_bytes)
BYTES_TEXT(written_text, written_bytes)
BYTES_TEXT(disk_read_text, disk_read_bytes)
BYTES_TEXT(disk_written_text, disk_written_bytes)

static bool collections_text(const struct timing_subject *s,
			     char out[DIGITS_SIZE])
{
	double sum = 0;

	if (s->gc == TIMING_GC_NONE || !s->runs.nr)
		return false;
	for (uint32_t i = 0; i < s->runs.nr; i++)
		sum += s->runs.at[i].collections / s->runs.nr;
	snprintf(out, DIGITS_SIZE, "%.3g", sum);
	return true;
}

const struct time_row time_row_parts[] = {
	{ "  user", user_text },
	{ "  sys", sys_text },
	{ "waiting", waiting_text },
	{ NULL, NULL },
};

const struct time_row time_row_costs[] = {
	{ "peak memory", peak_text },
	{ "page faults, minor", minor_text },
	{ "  major (disk)", major_text },
	{ "switches, waiting", voluntary_text },
	{ "  forced", involuntary_text },
	{ "read", read_text },
	{ "  from disk", disk_read_text },
	{ "written", written_text },
	{ "  to disk", disk_written_text },
	{ "collections", collections_text },
	{ NULL, NULL },
};

const char *time_subject_name(const struct timing *t, uint32_t i)
{
	if (t->expressions && t->contests.nr == 1)
		return t->subjects.at[i].gc == TIMING_GC_ON ? "gc on"
							    : "gc off";
	for (uint32_t k = 0; k < t->contests.nr; k++) {
		if (t->contests.at[k].a == i)
			return "A";
		if (t->contests.at[k].b == i)
			return "B";
	}
	return "";
}

void time_verdict(char *out, size_t size, const struct timing *t,
		  const struct timing_contest *c, enum timing_clock clock)
{
	const char *name = clock == TIMING_WALL ? "wall" : "CPU";
	const char *b = time_subject_name(t, c->b);
	const char *a = time_subject_name(t, c->a);
	struct compare_ratio r;
	double low, high;
	char range[64];

	if (!timing_ratio(t, c, clock, &r) || isnan(r.ratio)) {
		snprintf(out, size, "%s: cannot tell", name);
		return;
	}
	low = (r.at95.low - 1) * 100;
	high = (r.at95.high - 1) * 100;
	snprintf(range, sizeof(range), "%+.*f to %+.*f %%",
		 (int)(high - low < 2 ? 2 : 1), low,
		 (int)(high - low < 2 ? 2 : 1), high);
	if (r.verdict == COMPARE_DIFFERENT)
		snprintf(out, size, "%s: %s takes %s than %s (%s)", name, b,
			 r.ratio > 1 ? "longer" : "less time", a, range);
	else if (r.verdict == COMPARE_UNCLEAR)
		snprintf(out, size,
			 "%s: unclear: %s may take %s than %s (%s); more "
			 "runs would tell",
			 name, b, r.ratio > 1 ? "longer" : "less time", a,
			 range);
	else if (r.verdict == COMPARE_NO_DIFFERENCE)
		snprintf(out, size, "%s: no difference found (%s)", name,
			 range);
	else
		snprintf(out, size, "%s: too few runs to tell", name);
}

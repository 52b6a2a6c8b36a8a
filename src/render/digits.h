/* SPDX-License-Identifier: MIT */
/*
 * Numbers with the digits that are known, and no more.
 */
#ifndef TARE_RENDER_DIGITS_H
#define TARE_RENDER_DIGITS_H

#include <stddef.h>
#include <stdint.h>

/* Long enough for each of the functions below. */
#define DIGITS_SIZE 40

/*
 * How many decimals a value deserves of which half the 95 % interval is
 * `half_width`: the last digit shown is the first one that is in doubt. At
 * most `most`; 71 ± 1.2 gets none, 12.3 ± 0.4 gets one.
 */
unsigned digits_for(double half_width, unsigned most);

/* "71", "12.3" with so many decimals; infinite and NaN: "?". */
void digits_value(char out[DIGITS_SIZE], double value, unsigned decimals);

/* A share of 0 to 1 and its interval, as percentages: "71" and "70–72". */
void digits_share(char value[DIGITS_SIZE], char range[DIGITS_SIZE],
		  double share, double low, double high);

/* "8,412" */
void digits_count(char out[DIGITS_SIZE], uint64_t count);

/* An exactly known time, three digits and its unit: "8.42 s", "12 min 5 s",
 * "35.1 ms". */
void digits_time(char out[DIGITS_SIZE], uint64_t ns);

/*
 * A measured time in seconds and its interval in the same unit, with the
 * digits that are known: "131.2 ms" and "130.4–132.0". Without an interval
 * (low > high) three digits, and "" for the range.
 */
void digits_measured(char value[DIGITS_SIZE], char range[DIGITS_SIZE], double s,
		     double low, double high);

/* Three digits and a unit, from "1.23 ns" up. */
void digits_seconds(char out[DIGITS_SIZE], double s);

/* "812 B", "12.4 MB": powers of 1000, as disks and networks are sold. */
void digits_bytes(char out[DIGITS_SIZE], double bytes);

/* A part of a whole in percent: "99.2 %", "0.04 %", "0 %", "100 %"; never
 * rounded to 0 or 100 what is neither. */
void digits_part(char out[DIGITS_SIZE], uint64_t part, uint64_t whole);

#endif

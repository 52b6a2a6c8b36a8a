/* SPDX-License-Identifier: MIT */
#include "render/digits.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

unsigned digits_for(double half_width, unsigned most)
{
	unsigned decimals = 0;

	/* 0.95 and not 1, so that ±0.98 does not claim a tenth. */
	while (decimals < most && half_width < 0.95) {
		half_width *= 10;
		decimals++;
	}
	return decimals;
}

void digits_value(char out[DIGITS_SIZE], double value, unsigned decimals)
{
	/* 1e15 keeps any number inside the array whatever is asked. */
	if (!isfinite(value) || fabs(value) > 1e15)
		snprintf(out, DIGITS_SIZE, "?");
	else
		snprintf(out, DIGITS_SIZE, "%.*f",
			 (int)(decimals < 9 ? decimals : 9), value);
}

void digits_share(char value[DIGITS_SIZE], char range[DIGITS_SIZE],
		  double share, double low, double high)
{
	/* At 0 and 1 the interval is one-sided: all of it is doubt. */
	double doubt = fmax(high - share, share - low) * 100;
	unsigned decimals = digits_for(doubt, 2);
	char from[DIGITS_SIZE], to[DIGITS_SIZE];

	digits_value(value, share * 100, decimals);
	digits_value(from, low * 100, decimals);
	digits_value(to, high * 100, decimals);
	snprintf(range, DIGITS_SIZE, "%.15s\xe2\x80\x93%.15s", from, to);
}

void digits_count(char out[DIGITS_SIZE], uint64_t count)
{
	char plain[24];
	size_t size = (size_t)snprintf(plain, sizeof(plain), "%llu",
				       (unsigned long long)count);
	size_t at = 0;

	for (size_t i = 0; i < size; i++) {
		if (i && (size - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = plain[i];
	}
	out[at] = '\0';
}

/* Three digits of a number below 1000. */
static void three(char *out, double value, const char *unit)
{
	unsigned decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(out, DIGITS_SIZE, "%.*f %s", (int)decimals, value, unit);
}

void digits_time(char out[DIGITS_SIZE], uint64_t ns)
{
	uint64_t seconds = ns / 1000000000u + (ns % 1000000000u >= 500000000u);
	double s = (double)ns / 1e9;

	if (ns == 0)
		snprintf(out, DIGITS_SIZE, "0 s");
	else if (s < 0.9995e-3)
		three(out, s * 1e6, "\xc2\xb5s");
	else if (s < 0.9995)
		three(out, s * 1e3, "ms");
	else if (s < 119.95)
		three(out, s, "s");
	else if (seconds < 7200)
		snprintf(out, DIGITS_SIZE, "%u min %u s",
			 (unsigned)(seconds / 60), (unsigned)(seconds % 60));
	else
		snprintf(out, DIGITS_SIZE, "%llu h %u min",
			 (unsigned long long)(seconds / 3600),
			 (unsigned)(seconds % 3600 / 60));
}

void digits_part(char out[DIGITS_SIZE], uint64_t part, uint64_t whole)
{
	double percent = whole ? (double)part / (double)whole * 100 : 0;

	if (!part || part >= whole)
		snprintf(out, DIGITS_SIZE, part ? "100 %%" : "0 %%");
	else if (percent < 0.01)
		snprintf(out, DIGITS_SIZE, "<0.01 %%");
	else if (percent > 99.995)
		snprintf(out, DIGITS_SIZE, ">99.99 %%");
	else
		snprintf(out, DIGITS_SIZE, "%.*f %%",
			 percent < 0.095 || percent >= 99.95 ? 2 : 1, percent);
}

void digits_bytes(char out[DIGITS_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double value = (double)bytes;
	size_t unit = 0;

	/* 999.5 would be shown as 1000. */
	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1000;
		unit++;
	}
	snprintf(out, DIGITS_SIZE, "%.*f %s",
		 !unit || value >= 99.95 ? 0
		 : value >= 9.995	 ? 1
					 : 2,
		 value, units[unit]);
}

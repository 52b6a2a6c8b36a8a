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

struct scale {
	double factor; /* one unit, in seconds */
	const char *unit;
};

static const struct scale *scale_of(double s)
{
	static const struct scale scales[] = {
		{ 1e-9, "ns" },
		{ 1e-6, "\xc2\xb5s" },
		{ 1e-3, "ms" },
		{ 1, "s" },
	};
	const struct scale *at = scales;

	while (at < &scales[3] && s >= 999.5 * at->factor)
		at++;
	return at;
}

void digits_seconds(char out[DIGITS_SIZE], double s)
{
	const struct scale *scale = scale_of(s);

	if (!isfinite(s) || s > 1e9)
		snprintf(out, DIGITS_SIZE, "?");
	else if (s <= 0)
		snprintf(out, DIGITS_SIZE, "0 s");
	else if (s >= 119.95)
		digits_time(out, (uint64_t)(s * 1e9));
	else
		three(out, s / scale->factor, scale->unit);
}

void digits_measured(char value[DIGITS_SIZE], char range[DIGITS_SIZE], double s,
		     double low, double high)
{
	const struct scale *scale = scale_of(s);
	char number[DIGITS_SIZE], from[DIGITS_SIZE], to[DIGITS_SIZE];
	unsigned decimals;

	range[0] = '\0';
	digits_seconds(value, s);
	if (!(low <= high) || !(s > 0) || s > 1e9)
		return;
	/* A clock of microseconds makes intervals of width 0; four digits of
	 * a time are as many as mean anything. */
	decimals =
		digits_for(fmax((high - low) / 2, s / 2000) / scale->factor, 3);
	digits_value(number, s / scale->factor, decimals);
	snprintf(value, DIGITS_SIZE, "%.30s %s", number, scale->unit);
	digits_value(from, low / scale->factor, decimals);
	digits_value(to, high / scale->factor, decimals);
	snprintf(range, DIGITS_SIZE, "%.15s\xe2\x80\x93%.15s", from, to);
}

void digits_bytes(char out[DIGITS_SIZE], double bytes)
{
	static const char *const unit[] = { "kB", "MB", "GB", "TB" };
	int at = 0;

	if (!isfinite(bytes) || bytes > 1e18) {
		snprintf(out, DIGITS_SIZE, "?");
		return;
	}
	if (bytes < 999.5) {
		snprintf(out, DIGITS_SIZE, "%.0f B", bytes);
		return;
	}
	for (bytes /= 1000; bytes >= 999.5 && at < 3; at++)
		bytes /= 1000;
	three(out, bytes, unit[at]);
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

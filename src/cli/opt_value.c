/* SPDX-License-Identifier: MIT */
#include "cli/opt_value.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	double factor;
};

/*
 * A decimal number without sign or exponent. Not strtod(): that one reads
 * "0x10", "inf", "nan", blanks before the number, and a comma under some
 * locales.
 */
static bool read_decimal(const char *text, double *value, const char **end)
{
	const char *at = text;
	double scale = 1, v = 0;
	int digit_nr = 0;

	for (; *at >= '0' && *at <= '9'; at++, digit_nr++)
		v = v * 10 + (*at - '0');
	if (*at == '.') {
		for (at++; *at >= '0' && *at <= '9'; at++, digit_nr++) {
			scale /= 10;
			v += (*at - '0') * scale;
		}
	}
	/* Eighteen digits are beyond any sense here, and keep `v` finite. */
	if (digit_nr == 0 || digit_nr > 18)
		return false;
	*value = v;
	*end = at;
	return true;
}

static bool read_with_unit(const char *text, const struct unit *units,
			   double *value)
{
	const char *end;
	double v;

	if (!read_decimal(text, &v, &end))
		return false;
	for (const struct unit *u = units; u->name; u++) {
		if (strcasecmp(end, u->name) == 0) {
			*value = v * u->factor;
			return true;
		}
	}
	return false;
}

bool opt_value_rate(const char *text, double *hz)
{
	static const struct unit units[] = {
		{ "", 1 },	{ "hz", 1 }, { "k", 1e3 },
		{ "khz", 1e3 }, { NULL, 0 },
	};
	double v;

	if (!read_with_unit(text, units, &v) || v <= 0)
		return false;
	*hz = v;
	return true;
}

bool opt_value_time(const char *text, uint64_t *ns)
{
	static const struct unit units[] = {
		{ "", 1e9 },	 { "s", 1e9 },	  { "ms", 1e6 },
		{ "us", 1e3 },	 { "ns", 1 },	  { "m", 60e9 },
		{ "min", 60e9 }, { "h", 3600e9 }, { NULL, 0 },
	};
	double v;

	if (!read_with_unit(text, units, &v) || v < 1 || v >= 9e18)
		return false;
	*ns = (uint64_t)v;
	return true;
}

bool opt_value_count(const char *text, uint32_t *nr)
{
	uint64_t v = 0;

	if (!*text)
		return false;
	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9')
			return false;
		v = v * 10 + (uint64_t)(*at - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*nr = (uint32_t)v;
	return true;
}

bool opt_value_percent(const char *text, double *percent)
{
	static const struct unit units[] = { { "", 1 },
					     { "%", 1 },
					     { NULL, 0 } };
	double v;

	if (!read_with_unit(text, units, &v) || v > 100)
		return false;
	*percent = v;
	return true;
}

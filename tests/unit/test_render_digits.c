/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <math.h>

#include "render/digits.h"

static void check_share(double share, double low, double high,
			const char *value, const char *range)
{
	char got_value[DIGITS_SIZE], got_range[DIGITS_SIZE];

	digits_share(got_value, got_range, share, low, high);
	cr_expect_str_eq(got_value, value);
	cr_expect_str_eq(got_range, range);
}

Test(render_digits, a_share_has_the_digits_that_its_interval_supports)
{
	check_share(0.713, 0.70, 0.73, "71",
		    "70\xe2\x80\x93"
		    "73");
	check_share(0.1234, 0.120, 0.127, "12.3",
		    "12.0\xe2\x80\x93"
		    "12.7");
	check_share(0.5, 0.4995, 0.5005, "50.00",
		    "49.95\xe2\x80\x93"
		    "50.05");
	check_share(0, 0, 0.5, "0",
		    "0\xe2\x80\x93"
		    "50");
}

Test(render_digits, no_interval_asks_for_more_than_the_most_decimals)
{
	cr_expect_eq(digits_for(0, 3), 3);
	cr_expect_eq(digits_for(1e-9, 2), 2);
	cr_expect_eq(digits_for(5, 2), 0);
	cr_expect_eq(digits_for(NAN, 2), 0);
}

static void check_time(uint64_t ns, const char *want)
{
	char got[DIGITS_SIZE];

	digits_time(got, ns);
	cr_expect_str_eq(got, want);
}

Test(render_digits, times_have_three_digits_and_their_unit)
{
	check_time(0, "0 s");
	check_time(1, "0.00 \xc2\xb5s");
	check_time(35100, "35.1 \xc2\xb5s");
	check_time(999499, "999 \xc2\xb5s");
	check_time(999999, "1.00 ms");
	check_time(61200000, "61.2 ms");
	check_time(999900000, "1.00 s");
	check_time(8425200000, "8.43 s");
	check_time(9996000000, "10.0 s");
	check_time(119900000000, "120 s");
	check_time(125000000000, "2 min 5 s");
	check_time(7199900000000, "2 h 0 min");
	check_time(UINT64_MAX, "5124095 h 34 min");
}

static void check_count(uint64_t count, const char *want)
{
	char got[DIGITS_SIZE];

	digits_count(got, count);
	cr_expect_str_eq(got, want);
}

Test(render_digits, counts_are_grouped_in_threes)
{
	check_count(0, "0");
	check_count(999, "999");
	check_count(1000, "1,000");
	check_count(8412345, "8,412,345");
	check_count(UINT64_MAX, "18,446,744,073,709,551,615");
}

static void check_part(uint64_t part, uint64_t whole, const char *want)
{
	char got[DIGITS_SIZE];

	digits_part(got, part, whole);
	cr_expect_str_eq(got, want);
}

/* "100 %" with one sample lost would be a lie. */
Test(render_digits, a_part_is_never_rounded_to_all_or_nothing)
{
	check_part(0, 0, "0 %");
	check_part(0, 10, "0 %");
	check_part(10, 10, "100 %");
	check_part(8381, 8400, "99.8 %");
	check_part(9999, 10000, "99.99 %");
	check_part(99999, 100000, ">99.99 %");
	check_part(99981, 100000, "99.98 %");
	check_part(1, 1000000, "<0.01 %");
	check_part(4, 10000, "0.04 %");
}

Test(render_digits, what_is_no_number_is_a_question_mark)
{
	char got[DIGITS_SIZE];

	digits_value(got, NAN, 2);
	cr_expect_str_eq(got, "?");
	digits_value(got, INFINITY, 2);
	cr_expect_str_eq(got, "?");
	digits_value(got, 1e300, 9);
	cr_expect_str_eq(got, "?");
	digits_value(got, -1e15, 9);
	cr_expect_str_eq(got, "-1000000000000000.000000000");
}

static void check_measured(double s, double low, double high, const char *value,
			   const char *range)
{
	char got[DIGITS_SIZE], got_range[DIGITS_SIZE];

	digits_measured(got, got_range, s, low, high);
	cr_expect_str_eq(got, value, "%s", got);
	cr_expect_str_eq(got_range, range, "%s", got_range);
}

Test(render_digits, a_measured_time_has_the_digits_that_are_known)
{
	check_measured(0.13121, 0.1304, 0.1320, "131.2 ms",
		       "130.4\xe2\x80\x93"
		       "132.0");
	check_measured(0.131, 0.128, 0.134, "131 ms",
		       "128\xe2\x80\x93"
		       "134");
	check_measured(9.21e-9, 9.1e-9, 9.3e-9, "9.2 ns",
		       "9.1\xe2\x80\x93"
		       "9.3");
	/* The interval is in the unit of the value. */
	check_measured(0.9994, 0.99, 1.01, "999 ms",
		       "990\xe2\x80\x93"
		       "1010");
	check_measured(12.5, 1, 0, "12.5 s", "");
	check_measured(0, 0, 0, "0 s", "");
	check_measured(NAN, 0, 1, "?", "");
	check_measured(1e300, 0, 1e301, "?", "");
}

Test(render_digits, an_interval_without_width_does_not_claim_more)
{
	check_measured(0.05, 0.05, 0.05, "50.00 ms",
		       "50.00\xe2\x80\x93"
		       "50.00");
}

Test(render_digits, seconds_from_nanoseconds_to_hours)
{
	static const struct {
		double s;
		const char *text;
	} table[] = {
		{ 1.234e-10, "0.12 ns" }, { 4.5e-8, "45.0 ns" },
		{ 9.994e-7, "999 ns" },	  { 1e-6, "1.00 \xc2\xb5s" },
		{ 0.01234, "12.3 ms" },	  { 1.5, "1.50 s" },
		{ 4000, "66 min 40 s" },  { -1, "0 s" },
		{ INFINITY, "?" },
	};
	char got[DIGITS_SIZE];

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		digits_seconds(got, table[i].s);
		cr_expect_str_eq(got, table[i].text, "%s", got);
	}
}

Test(render_digits, bytes_by_powers_of_1000)
{
	static const struct {
		double bytes;
		const char *text;
	} table[] = {
		{ 0, "0 B" },	       { 999, "999 B" },
		{ 999.6, "1.00 kB" },  { 13824000, "13.8 MB" },
		{ 2.5e12, "2.50 TB" }, { 1e30, "?" },
	};
	char got[DIGITS_SIZE];

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		digits_bytes(got, table[i].bytes);
		cr_expect_str_eq(got, table[i].text, "%s", got);
	}
}

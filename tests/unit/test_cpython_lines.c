/* SPDX-License-Identifier: MIT */
/*
 * The tables are those that CPython made for one function, and the lines
 * those that its own co_lines() (3.9: dis.findlinestarts) gave:
 *
 *   1 def f(a):
 *   2     x = 1
 *   4     y = (a +
 *   5          x)
 *   6     for i in range(3):
 *   7         y += i
 *   8     return y
 */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>

#include "cpython/lines.h"

static void check(enum py_line_kind kind, const uint8_t *table, uint32_t size,
		  const uint8_t *lines, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		cr_expect_eq(py_line_of(kind, table, size, 1, (int32_t)i * 2),
			     lines[i], "at offset %u: %u, not %u", i * 2,
			     py_line_of(kind, table, size, 1, (int32_t)i * 2),
			     lines[i]);
}

Test(cpython_lines, the_increments_of_3_9_are_followed)
{
	const uint8_t table[] = {
		0, 1, 4, 2, 2, 1, 2, 255, 4, 2, 12, 1, 10, 1
	};
	const uint8_t lines[] = { 2, 2, 4, 5, 4, 4, 6, 6, 6, 6,
				  6, 6, 7, 7, 7, 7, 7, 8, 8 };

	check(PY_LINE_LNOTAB, table, sizeof(table), lines, sizeof(lines));
}

Test(cpython_lines, the_ranges_of_3_10_are_followed)
{
	const uint8_t table[] = {
		4, 1, 2, 2, 2, 1, 4, 255, 12, 2, 10, 1, 4, 1
	};
	const uint8_t lines[] = { 2, 2, 4, 5, 4, 4, 6, 6, 6, 6,
				  6, 6, 7, 7, 7, 7, 7, 8, 8 };

	check(PY_LINE_RANGES, table, sizeof(table), lines, sizeof(lines));
}

Test(cpython_lines, the_locations_of_3_11_are_followed)
{
	const uint8_t table[] = { 128, 0,   216, 8,   9,   128, 65, 224, 9,
				  10,  216, 9,	 10,  241, 3,	1,  10,	 11,
				  128, 65,  229, 13,  18,  144, 49, 137, 88,
				  140, 88,  240, 0,   1,   5,	15, 240, 0,
				  1,   5,   15,	 136, 1,   216, 8,  9,	 136,
				  81,  137, 6,	 136, 1,   136, 1,  216, 11,
				  12,  128, 72 };
	const uint8_t lines[] = { 1, 2, 2, 4, 5, 4, 4, 4, 6, 6, 6,
				  6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
				  6, 6, 6, 7, 7, 7, 7, 7, 7, 8, 8 };

	check(PY_LINE_LOCATIONS, table, sizeof(table), lines, sizeof(lines));
}

/* 3.13 jumps back: a negative increment in the "no column" and long forms. */
Test(cpython_lines, the_locations_of_3_13_may_go_back)
{
	const uint8_t table[] = { 128, 0,   216, 8,   9,   128, 65, 224,
				  9,   10,  216, 9,   10,  241, 3,  1,
				  10,  11,  128, 65,  228, 13,	18, 144,
				  49,  142, 88,	 136, 1,   216, 8,  9,
				  137, 6,   138, 1,   241, 3,	0,  14,
				  22,  224, 11,	 12,  128, 72 };
	const uint8_t lines[] = { 1, 2, 2, 4, 5, 4, 4, 4, 6, 6, 6,
				  6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
				  7, 7, 7, 7, 7, 7, 6, 6, 8, 8 };

	check(PY_LINE_LOCATIONS, table, sizeof(table), lines, sizeof(lines));
}

Test(cpython_lines, a_frame_that_has_not_begun_is_at_the_first_line)
{
	cr_assert_eq(py_line_of(PY_LINE_LNOTAB, NULL, 0, 41, -1), 41);
	cr_assert_eq(py_line_of(PY_LINE_LOCATIONS, NULL, 0, 41, -2), 41);
}

Test(cpython_lines, an_instruction_after_the_table_has_no_line)
{
	const uint8_t ranges[] = { 4, 1 };
	const uint8_t locations[] = { 128, 0 };

	cr_assert_eq(py_line_of(PY_LINE_RANGES, ranges, 2, 1, 4), 0);
	cr_assert_eq(py_line_of(PY_LINE_LOCATIONS, locations, 2, 1, 2), 0);
}

/* Tables come from another process: whatever they say, we end, inside. */
Test(cpython_lines, any_bytes_are_survived)
{
	unsigned state = 1;

	for (unsigned round = 0; round < 20000; round++) {
		uint32_t size = round % 40;
		uint8_t *table = malloc(size ? size : 1);

		cr_assert_not_null(table);
		for (uint32_t i = 0; i < size; i++) {
			state = state * 1103515245u + 12345u;
			table[i] = (uint8_t)(state >> 16);
		}
		for (int kind = 0; kind < 3; kind++)
			for (int32_t offset = -2; offset < 300; offset += 34)
				cr_assert_leq(
					py_line_of((enum py_line_kind)kind,
						   table, size, 1, offset),
					INT32_MAX);
		free(table);
	}
}

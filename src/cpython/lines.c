/* SPDX-License-Identifier: MIT */
#include "cpython/lines.h"

#include <stdbool.h>

/* Sums of hostile increments may wrap: unsigned, and judged at the end. */
static uint32_t as_line(uint32_t line)
{
	return line <= INT32_MAX ? line : 0;
}

static uint32_t lnotab_line(const uint8_t *table, uint32_t size, uint32_t line,
			    int32_t offset)
{
	uint32_t addr = 0;

	for (uint32_t i = 0; i + 1 < size; i += 2) {
		addr += table[i];
		if (addr > (uint32_t)offset)
			break;
		line += (uint32_t)(int8_t)table[i + 1];
	}
	return as_line(line);
}

/*
 * Instructions that the compiler added have no line; they are counted to the
 * line before them, as the eye would.
 */
static uint32_t ranges_line(const uint8_t *table, uint32_t size, uint32_t line,
			    int32_t offset)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i + 1 < size; i += 2) {
		int8_t delta = (int8_t)table[i + 1];

		end += table[i];
		if (delta != INT8_MIN)
			line += (uint32_t)delta;
		if (end > (uint32_t)offset)
			return as_line(line);
	}
	return 0;
}

/* Kinds of location entries (Objects/locations.md of CPython). */
enum {
	LOCATION_ONE_LINE_0 = 10,
	LOCATION_ONE_LINE_2 = 12,
	LOCATION_NO_COLUMN = 13,
	LOCATION_LONG = 14,
};

/* Signed number in groups of 6 bits, lowest first, sign in bit 0. */
static uint32_t get_signed(const uint8_t **at, const uint8_t *end)
{
	uint32_t value = 0;
	unsigned shift = 0;
	uint8_t byte = 0x40;

	while (*at < end && byte & 0x40 && shift < 32) {
		byte = *(*at)++;
		value |= (uint32_t)(byte & 0x3f) << shift;
		shift += 6;
	}
	return value & 1 ? 0u - (value >> 1) : value >> 1;
}

static uint32_t line_delta(unsigned kind, const uint8_t **at,
			   const uint8_t *end)
{
	if (kind == LOCATION_LONG || kind == LOCATION_NO_COLUMN)
		return get_signed(at, end);
	if (kind >= LOCATION_ONE_LINE_0 && kind <= LOCATION_ONE_LINE_2)
		return kind - LOCATION_ONE_LINE_0;
	return 0;
}

static uint32_t locations_line(const uint8_t *table, uint32_t size,
			       uint32_t line, int32_t offset)
{
	const uint8_t *at = table, *end = table + size;
	uint32_t addr = 0;

	while (at < end) {
		uint8_t head = *at++;
		unsigned kind = head >> 3 & 15;

		addr += ((head & 7u) + 1) * 2;
		line += line_delta(kind, &at, end);
		if (addr > (uint32_t)offset)
			return as_line(line);
		/* Only the first byte of an entry has the top bit. */
		while (at < end && !(*at & 0x80))
			at++;
	}
	return 0;
}

uint32_t py_line_of(enum py_line_kind kind, const uint8_t *table, uint32_t size,
		    uint32_t first_line, int32_t offset)
{
	static uint32_t (*const decoders[])(const uint8_t *, uint32_t, uint32_t,
					    int32_t) = {
		[PY_LINE_LNOTAB] = lnotab_line,
		[PY_LINE_RANGES] = ranges_line,
		[PY_LINE_LOCATIONS] = locations_line,
	};

	if (offset < 0)
		return as_line(first_line);
	return decoders[kind](table, size, first_line, offset);
}

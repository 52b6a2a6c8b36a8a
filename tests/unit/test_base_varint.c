/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdint.h>

#include "base/buf.h"

static const uint64_t edges[] = {
	0,
	1,
	0x7f,
	0x80,
	0x3fff,
	0x4000,
	UINT32_MAX,
	(uint64_t)UINT32_MAX + 1,
	INT64_MAX,
	(uint64_t)INT64_MAX + 1,
	UINT64_MAX - 1,
	UINT64_MAX,
};
#define EDGE_NR (sizeof(edges) / sizeof(edges[0]))

static bool decode(const uint8_t *bytes, size_t size, uint64_t *value)
{
	const uint8_t *at = bytes;

	return buf_get_varint(&at, bytes + size, value);
}

Test(base_varint, a_number_comes_back_and_takes_seven_bits_a_byte)
{
	for (unsigned i = 0; i < EDGE_NR; i++) {
		struct buf b = { 0 };
		const uint8_t *at;
		uint64_t value = 0;
		size_t size = 1;

		while (size < 10 && edges[i] >> 7 * size)
			size++;
		buf_add_varint(&b, edges[i]);
		cr_assert_eq(b.size, size);
		at = (const uint8_t *)b.data;
		cr_assert(buf_get_varint(&at, at + b.size, &value));
		cr_assert_eq(value, edges[i]);
		cr_assert_eq(at, (const uint8_t *)b.data + b.size);
		buf_release(&b);
	}
}

Test(base_varint, the_bytes_are_leb128)
{
	struct buf b = { 0 };

	buf_add_varint(&b, 624485); /* the example of the DWARF standard */
	cr_assert_eq(b.size, 3);
	cr_assert_arr_eq(b.data, "\xe5\x8e\x26", 3);
	buf_release(&b);
}

/* A file cut short must be noticed, wherever the cut is, and the reader must
 * neither move nor change what the caller has. */
Test(base_varint, a_truncated_number_is_refused_at_every_length)
{
	for (unsigned i = 0; i < EDGE_NR; i++) {
		struct buf b = { 0 };

		buf_add_varint(&b, edges[i]);
		for (size_t size = 0; size < b.size; size++) {
			const uint8_t *start = (const uint8_t *)b.data;
			const uint8_t *at = start;
			uint64_t value = 42;

			cr_assert(!buf_get_varint(&at, start + size, &value));
			cr_assert_eq(at, start);
			cr_assert_eq(value, 42);
		}
		buf_release(&b);
	}
}

/* The tenth byte has room for one bit only; two would be lost silently. */
Test(base_varint, a_number_past_64_bits_is_refused)
{
	uint8_t bytes[11] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			      0xff, 0xff, 0xff, 0x01, 0x00 };
	uint64_t value = 0;

	cr_assert(decode(bytes, 10, &value));
	cr_assert_eq(value, UINT64_MAX);
	bytes[9] = 0x02;
	cr_assert(!decode(bytes, 10, &value));
	bytes[9] = 0x81; /* fits, but says that an eleventh byte follows */
	cr_assert(!decode(bytes, 11, &value));
}

Test(base_varint, endless_continuation_bytes_are_refused)
{
	uint8_t bytes[64];
	uint64_t value = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0x80;
	cr_assert(!decode(bytes, sizeof(bytes), &value));
}

Test(base_varint, numbers_in_a_row_are_read_one_after_the_other)
{
	struct buf b = { 0 };
	const uint8_t *at, *end;
	uint64_t value;

	for (unsigned i = 0; i < EDGE_NR; i++)
		buf_add_varint(&b, edges[i]);
	at = (const uint8_t *)b.data;
	end = at + b.size;
	for (unsigned i = 0; i < EDGE_NR; i++) {
		cr_assert(buf_get_varint(&at, end, &value));
		cr_assert_eq(value, edges[i]);
	}
	cr_assert_eq(at, end);
	cr_assert(!buf_get_varint(&at, end, &value));
	buf_release(&b);
}

Test(base_varint, signed_numbers_come_back_through_zigzag)
{
	static const int64_t numbers[] = {
		0,	   1,	      -1,	 63,	    -64,
		64,	   -65,	      INT32_MIN, INT32_MAX, INT64_MAX - 1,
		INT64_MAX, INT64_MIN,
	};

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct buf b = { 0 };
		const uint8_t *at;
		int64_t value = 7;

		buf_add_zigzag(&b, numbers[i]);
		at = (const uint8_t *)b.data;
		cr_assert(buf_get_zigzag(&at, at + b.size, &value));
		cr_assert_eq(value, numbers[i]);
		buf_release(&b);
	}
}

/* Zigzag is what keeps a small step back in one byte. */
Test(base_varint, small_signed_numbers_take_one_byte)
{
	struct buf b = { 0 };

	buf_add_zigzag(&b, -64);
	cr_assert_eq(b.size, 1);
	buf_add_zigzag(&b, 63);
	cr_assert_eq(b.size, 2);
	buf_add_zigzag(&b, 64);
	cr_assert_eq(b.size, 4);
	buf_release(&b);
}

Test(base_varint, a_truncated_signed_number_is_refused)
{
	const uint8_t bytes[] = { 0x80 };
	const uint8_t *at = bytes;
	int64_t value = 7;

	cr_assert(!buf_get_zigzag(&at, bytes + 1, &value));
	cr_assert_eq(value, 7);
	cr_assert_eq(at, bytes);
}

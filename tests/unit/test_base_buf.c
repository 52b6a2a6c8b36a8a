/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

Test(base_buf, an_empty_buf_reads_as_empty_text)
{
	struct buf b = { 0 };

	cr_assert_str_eq(buf_str(&b), "");
	buf_add(&b, NULL, 0);
	cr_assert_eq(b.size, 0);
	cr_assert_str_eq(buf_str(&b), "");
	buf_release(&b);
	buf_release(&b);
}

Test(base_buf, what_is_added_comes_out_in_order_and_ends_in_nul)
{
	struct buf b = { 0 };

	buf_add_str(&b, "one");
	buf_add_char(&b, ',');
	buf_add(&b, "two", 3);
	buf_printf(&b, ",%d", 3);
	cr_assert_eq(b.size, strlen("one,two,3"));
	cr_assert_str_eq(buf_str(&b), "one,two,3");
	buf_release(&b);
}

/* The bytes of a packed recording hold NULs; they must not end it. */
Test(base_buf, nul_bytes_are_kept)
{
	struct buf b = { 0 };

	buf_add(&b, "a\0b", 3);
	cr_assert_eq(b.size, 3);
	cr_assert_arr_eq(b.data, "a\0b", 4);
	buf_release(&b);
}

/* Every size on the way crosses the capacities 64, 128, 256 and so on. */
Test(base_buf, growing_keeps_all_that_was_there)
{
	struct buf b = { 0 };

	for (unsigned i = 0; i < 5000; i++) {
		buf_add_char(&b, (char)('a' + i % 26));
		cr_assert(b.size < b.cap);
		cr_assert_eq(b.data[b.size], '\0');
	}
	for (unsigned i = 0; i < 5000; i++)
		cr_assert_eq(b.data[i], (char)('a' + i % 26));
	cr_assert(!b.failed);
	buf_release(&b);
}

/* vsnprintf() counts without the NUL; a text that just fills the buffer is
 * where an off-by-one would show (under ASan as an overflow). */
Test(base_buf, printf_is_whole_at_every_length)
{
	for (int len = 0; len < 300; len++) {
		struct buf b = { 0 };

		buf_printf(&b, "%*s", len, "");
		cr_assert_eq(b.size, (size_t)len);
		cr_assert_eq(strlen(buf_str(&b)), (size_t)len);
		buf_release(&b);
	}
}

Test(base_buf, a_size_that_overflows_fails_and_stays_failed)
{
	struct buf b = { 0 };

	buf_add_str(&b, "kept");
	cr_assert(!buf_reserve(&b, SIZE_MAX));
	cr_assert(b.failed);
	buf_add_str(&b, "ignored");
	buf_printf(&b, "%s", "ignored");
	cr_assert_str_eq(buf_str(&b), "kept");
	cr_assert(!buf_reserve(&b, 1));
	buf_release(&b);
	cr_assert(!b.failed);
}

/* size + more fits exactly, but there is no room left for the NUL. */
Test(base_buf, the_room_for_the_nul_is_part_of_the_overflow_check)
{
	struct buf b = { 0 };

	buf_add_char(&b, 'x');
	cr_assert(!buf_reserve(&b, SIZE_MAX - 1));
	cr_assert(b.failed);
	buf_release(&b);
}

Test(base_buf, clearing_empties_but_keeps_the_memory)
{
	struct buf b = { 0 };
	size_t cap;

	buf_clear(&b);
	buf_add_str(&b, "text");
	cap = b.cap;
	buf_clear(&b);
	cr_assert_eq(b.size, 0);
	cr_assert_eq(b.cap, cap);
	cr_assert_str_eq(buf_str(&b), "");
	buf_release(&b);
}

/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdint.h>

#include "base/vec.h"

struct triple {
	uint64_t a;
	uint32_t b;
	char c;
};

Test(base_vec, elements_come_back_in_the_order_they_went_in)
{
	VEC(uint32_t) v = { 0 };

	for (uint32_t i = 0; i < 10000; i++)
		cr_assert(vec_push(&v, i * 3));
	cr_assert_eq(v.nr, 10000);
	cr_assert(v.cap >= v.nr);
	for (uint32_t i = 0; i < v.nr; i++)
		cr_assert_eq(v.at[i], i * 3);
	vec_release(&v);
}

Test(base_vec, structs_are_copied_whole)
{
	VEC(struct triple) v = { 0 };

	for (uint32_t i = 0; i < 100; i++) {
		struct triple t = { .a = i, .b = i + 1, .c = 'c' };

		cr_assert(vec_push(&v, t));
	}
	cr_assert_eq(v.at[99].a, 99);
	cr_assert_eq(v.at[99].b, 100);
	cr_assert_eq(v.at[99].c, 'c');
	vec_release(&v);
}

/* Doubling past 2^31 elements would wrap the capacity round to a small one. */
Test(base_vec, a_count_that_cannot_double_is_refused_and_nothing_changes)
{
	uint32_t cap = UINT32_MAX / 2 + 1;
	char byte = 'x';
	void *at = &byte;

	cr_assert(!vec_grow(&at, cap, &cap, 1));
	cr_assert_eq(at, &byte);
	cr_assert_eq(cap, UINT32_MAX / 2 + 1);
}

/* The size in bytes must not wrap either. */
Test(base_vec, elements_that_would_overflow_memory_are_refused)
{
	void *at = NULL;
	uint32_t cap = 0;

	cr_assert(!vec_grow(&at, 0, &cap, SIZE_MAX / 4));
	cr_assert_null(at);
	cr_assert_eq(cap, 0);
}

Test(base_vec, a_released_array_can_be_used_again)
{
	VEC(int) v = { 0 };

	cr_assert(vec_push(&v, 1));
	vec_release(&v);
	cr_assert_eq(v.nr, 0);
	cr_assert_null(v.at);
	cr_assert(vec_push(&v, 2));
	cr_assert_eq(v.at[0], 2);
	vec_release(&v);
	vec_release(&v);
}

/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdint.h>

#include "base/map.h"

Test(base_map, an_empty_map_holds_nothing)
{
	struct map m = { 0 };

	cr_assert_eq(map_get(&m, 0), MAP_NONE);
	cr_assert_eq(map_get(&m, UINT64_MAX), MAP_NONE);
	map_clear(&m);
	map_release(&m);
	map_release(&m);
}

/* 0 and all ones are ordinary keys, though free slots are filled with ones. */
Test(base_map, any_key_is_allowed)
{
	struct map m = { 0 };

	cr_assert(map_put(&m, 0, 1));
	cr_assert(map_put(&m, UINT64_MAX, 2));
	cr_assert_eq(map_get(&m, 0), 1);
	cr_assert_eq(map_get(&m, UINT64_MAX), 2);
	cr_assert_eq(map_get(&m, 1), MAP_NONE);
	map_release(&m);
}

Test(base_map, a_later_value_replaces_the_earlier_one)
{
	struct map m = { 0 };

	cr_assert(map_put(&m, 5, 1));
	cr_assert(map_put(&m, 5, 2));
	cr_assert_eq(map_get(&m, 5), 2);
	cr_assert_eq(m.nr, 1);
	map_release(&m);
}

Test(base_map, every_key_is_found_while_the_map_grows)
{
	struct map m = { 0 };
	const uint32_t nr = 20000;

	for (uint32_t i = 0; i < nr; i++) {
		/* addresses: aligned, so their low bits are all equal */
		cr_assert(map_put(&m, (uint64_t)i << 12, i));
		cr_assert_eq(m.nr, i + 1);
		cr_assert(m.nr <= m.cap / 4 * 3);
	}
	for (uint32_t i = 0; i < nr; i++)
		cr_assert_eq(map_get(&m, (uint64_t)i << 12), i);
	cr_assert_eq(map_get(&m, (uint64_t)nr << 12), MAP_NONE);
	cr_assert_eq(map_get(&m, 1), MAP_NONE);
	map_release(&m);
}

/* Keys that start in the same slot have to be probed for, past the end of the
 * table too. */
Test(base_map, keys_that_collide_are_kept_apart)
{
	struct map m = { 0 };
	uint64_t keys[8];
	uint32_t nr = 0;

	for (uint64_t key = 0; nr < 8; key++)
		if ((map_hash(key) & 15) == 15)
			keys[nr++] = key;
	for (uint32_t i = 0; i < nr; i++)
		cr_assert(map_put(&m, keys[i], i));
	cr_assert_eq(m.cap, 16);
	for (uint32_t i = 0; i < nr; i++)
		cr_assert_eq(map_get(&m, keys[i]), i);
	map_release(&m);
}

Test(base_map, clearing_forgets_the_keys_but_keeps_the_memory)
{
	struct map m = { 0 };
	uint32_t cap;

	for (uint32_t i = 0; i < 100; i++)
		cr_assert(map_put(&m, i, i));
	cap = m.cap;
	map_clear(&m);
	cr_assert_eq(m.cap, cap);
	cr_assert_eq(m.nr, 0);
	for (uint32_t i = 0; i < 100; i++)
		cr_assert_eq(map_get(&m, i), MAP_NONE);
	map_release(&m);
}

/* Two keys with one hash would be a mistake in the mixing: it is invertible. */
Test(base_map, the_hash_tells_all_small_keys_apart)
{
	struct map m = { 0 };

	for (uint32_t i = 0; i < 5000; i++) {
		uint64_t hash = map_hash(i);

		cr_assert_eq(map_get(&m, hash), MAP_NONE);
		cr_assert(map_put(&m, hash, i));
	}
	map_release(&m);
}

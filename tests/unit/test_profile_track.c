/* SPDX-License-Identifier: MIT */
#include "profile/track.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	uint32_t code;
	uint64_t nr;
} sample_runs[] = {
	{ 0, 1 }, { 63, 1 }, { 64, 2 }, { 8191, 3 }, { 1 << 20, 3600000 }
};

#define RUN_NR (sizeof(sample_runs) / sizeof(*sample_runs))

static uint64_t put_runs(struct buf *b)
{
	uint64_t ticks = 0;

	for (size_t i = 0; i < RUN_NR; i++) {
		track_put(b, sample_runs[i].code, sample_runs[i].nr);
		ticks += sample_runs[i].nr;
	}
	return ticks;
}

/* Decode to the end; what the last step said. */
static enum track_step last_step(const void *data, size_t size, uint64_t first,
				 uint64_t ticks, uint32_t codes)
{
	struct track_iter it;
	struct track_run run;
	enum track_step step;
	uint64_t next = first, seen = 0;

	track_begin(&it, data, size, first, ticks, codes);
	while ((step = track_next(&it, &run)) == TRACK_RUN) {
		cr_assert_eq(run.tick, next);
		cr_assert(run.nr > 0 && run.code < codes);
		next += run.nr;
		seen += run.nr;
		cr_assert_leq(seen, ticks);
	}
	if (step == TRACK_END)
		cr_assert_eq(seen, ticks);
	/* An end stays an end, damage stays damage. */
	cr_assert_eq(track_next(&it, &run), step);
	return step;
}

Test(profile_track, runs_come_back_as_they_were_put)
{
	struct buf b = { 0 };
	uint64_t ticks = put_runs(&b), next = 1000;
	struct track_iter it;
	struct track_run run;

	track_begin(&it, b.data, b.size, 1000, ticks, (1 << 20) + 1);
	for (size_t i = 0; i < RUN_NR; i++) {
		cr_assert_eq(track_next(&it, &run), TRACK_RUN);
		cr_assert_eq(run.tick, next);
		cr_assert_eq(run.code, sample_runs[i].code);
		cr_assert_eq(run.nr, sample_runs[i].nr);
		next += run.nr;
	}
	cr_assert_eq(track_next(&it, &run), TRACK_END);
	buf_release(&b);
}

Test(profile_track, a_single_sample_costs_one_byte_below_64_and_two_below_8192)
{
	struct buf b = { 0 };

	track_put(&b, 63, 1);
	cr_assert_eq(b.size, 1);
	track_put(&b, 8191, 1);
	cr_assert_eq(b.size, 3);
	buf_release(&b);
}

Test(profile_track, no_bytes_and_no_ticks_are_an_end)
{
	cr_assert_eq(last_step(NULL, 0, 5, 0, 10), TRACK_END);
	cr_assert_eq(last_step(NULL, 0, 5, 1, 10), TRACK_DAMAGED);
}

Test(profile_track, every_cut_is_noticed)
{
	struct buf b = { 0 };
	uint64_t ticks = put_runs(&b);

	cr_assert_eq(last_step(b.data, b.size, 0, ticks, 1 << 21), TRACK_END);
	for (size_t size = 0; size < b.size; size++) {
		/* malloc'd to the byte, for the sanitizer to see over-reads */
		char *cut = malloc(size ? size : 1);

		memcpy(cut, b.data, size);
		cr_assert_eq(last_step(cut, size, 0, ticks, 1 << 21),
			     TRACK_DAMAGED, "%zu", size);
		free(cut);
	}
	buf_release(&b);
}

Test(profile_track, a_wrong_number_of_ticks_is_noticed)
{
	struct buf b = { 0 };
	uint64_t ticks = put_runs(&b);

	cr_assert_eq(last_step(b.data, b.size, 0, ticks + 1, 1 << 21),
		     TRACK_DAMAGED);
	cr_assert_eq(last_step(b.data, b.size, 0, ticks - 1, 1 << 21),
		     TRACK_DAMAGED);
	buf_release(&b);
}

Test(profile_track, a_code_past_the_last_is_noticed)
{
	struct buf b = { 0 };
	uint64_t ticks = put_runs(&b);

	cr_assert_eq(last_step(b.data, b.size, 0, ticks, 1 << 20),
		     TRACK_DAMAGED);
	buf_release(&b);
}

/* A length near 2^64 must not wrap round to a small one and pass. */
Test(profile_track, lengths_and_ticks_do_not_wrap_round)
{
	struct buf b = { 0 };

	buf_add_varint(&b, 1);
	buf_add_varint(&b, UINT64_MAX - 1); /* + 2 == 0 */
	cr_assert_eq(last_step(b.data, b.size, 0, 1, 10), TRACK_DAMAGED);
	cr_assert_eq(last_step(b.data, b.size, 0, UINT64_MAX, 10),
		     TRACK_DAMAGED);
	buf_clear(&b);
	track_put(&b, 1, 10);
	cr_assert_eq(last_step(b.data, b.size, UINT64_MAX - 5, 10, 10),
		     TRACK_DAMAGED);
	buf_release(&b);
}

Test(profile_track, any_bytes_at_all_are_survived)
{
	uint8_t bytes[64];

	srand48(7);
	for (int i = 0; i < 200000; i++) {
		size_t size = (size_t)lrand48() % sizeof(bytes);

		for (size_t j = 0; j < size; j++)
			bytes[j] = (uint8_t)(lrand48() & lrand48());
		last_step(bytes, size, (uint64_t)lrand48(),
			  (uint64_t)lrand48() % 100, 64);
	}
}

Test(profile_track, clock_times_come_back_and_damage_is_noticed)
{
	static const uint64_t gaps[] = { 0, 1, 127, 128, 1000, 1000000 };
	static const uint64_t missed[] = { 0, 1, 0, 128, 0, 1 };
	const size_t nr = sizeof(gaps) / sizeof(*gaps);
	uint64_t expected = 500, got;
	struct track_clock it;
	struct buf b = { 0 };

	for (size_t i = 0; i < nr; i++)
		track_clock_put(&b, gaps[i], missed[i]);
	track_clock_begin(&it, b.data, b.size, 500, nr);
	for (size_t i = 0; i < nr; i++) {
		cr_assert_eq(track_clock_next(&it, &got), TRACK_RUN);
		expected += gaps[i];
		cr_assert_eq(got, expected);
		cr_assert_eq(it.missed, missed[i]);
	}
	cr_assert_eq(track_clock_next(&it, &got), TRACK_END);

	track_clock_begin(&it, b.data, b.size, 500, nr - 1);
	while (track_clock_next(&it, &got) == TRACK_RUN)
		;
	cr_assert_eq(track_clock_next(&it, &got), TRACK_DAMAGED);
	track_clock_begin(&it, b.data, b.size - 1, 500, nr);
	while (track_clock_next(&it, &got) == TRACK_RUN)
		;
	cr_assert_eq(track_clock_next(&it, &got), TRACK_DAMAGED);
	track_clock_begin(&it, b.data, b.size, UINT64_MAX - 100, nr);
	while (track_clock_next(&it, &got) == TRACK_RUN)
		;
	cr_assert_eq(track_clock_next(&it, &got), TRACK_DAMAGED);
	buf_release(&b);
}

/* SPDX-License-Identifier: MIT */
#include "profile/profile.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "one_process.h"
#include "profile/track.h"

static uint32_t intern(struct profile *p, const char *text)
{
	return profile_string(p, text, strlen(text));
}

/* A stack of one frame: function `name` at `line`. */
static uint32_t leaf(struct profile *p, const char *name, uint32_t line)
{
	uint32_t f = profile_function(p, intern(p, name), intern(p, "a.py"), 1);

	return profile_node(p, 0, profile_frame(p, f, line));
}

Test(profile_profile, a_new_one_has_the_empty_string_and_the_empty_stack)
{
	struct profile *p = one_process();

	cr_assert_eq(p->strings.nr, 1);
	cr_assert_str_eq(profile_text(p, 0), "");
	cr_assert_eq(profile_string(p, NULL, 0), 0);
	cr_assert_eq(p->nodes.nr, 1);
	cr_assert_str_eq(profile_text(p, 12345), "");
	cr_assert_str_eq(profile_meta(p, META_COMMAND), "");
	profile_free(p);
	profile_free(NULL);
}

Test(profile_profile, equal_content_has_one_id_and_other_content_another)
{
	struct profile *p = one_process();
	char text[32];

	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 5000; i++) {
			snprintf(text, sizeof(text), "function_%u", i);
			cr_assert_eq(intern(p, text), i + 1);
			cr_assert_eq(profile_function(p, i + 1, 0, i), i);
			cr_assert_eq(profile_frame(p, i, 7), i);
			cr_assert_eq(profile_node(p, i / 2, i), i + 1);
		}
	cr_assert_str_eq(profile_text(p, 5000), "function_4999");
	cr_assert_eq(profile_function(p, 1, 0, 1), 5000);
	cr_assert_eq(profile_function(p, 1, 1, 0), 5001);
	cr_assert_eq(profile_frame(p, 0, 8), 5000);
	cr_assert_not(p->failed);
	profile_free(p);
}

Test(profile_profile, text_ends_at_its_size_or_at_a_nul)
{
	struct profile *p = one_process();
	uint32_t id = profile_string(p, "abcdef", 3);

	cr_assert_str_eq(profile_text(p, id), "abc");
	cr_assert_eq(profile_string(p, "abc\0xyz", 7), id);
	cr_assert_neq(intern(p, "ab"), id);
	cr_assert_neq(intern(p, "abcd"), id);
	profile_free(p);
}

/*
 * Two texts of 16 bytes with one hash: as map_hash() is a bijection, the
 * second half can be chosen so that the state after it is the same.
 */
Test(profile_profile, texts_whose_hashes_collide_stay_apart)
{
	struct profile *p = one_process();
	uint64_t first[2] = { 0x4141414141414141, 0x4242424242424242 };
	uint64_t second[2] = { 0x4343434343434343, 0 };
	uint64_t state;
	uint32_t a, b;

	for (;; second[0] += 0x10001) {
		state = p->hash_seed ^ 16;
		second[1] = first[1] ^ map_hash(state ^ first[0]) ^
			    map_hash(state ^ second[0]);
		if (!memchr(second, 0, sizeof(second)))
			break;
	}
	a = profile_string(p, (char *)first, sizeof(first));
	b = profile_string(p, (char *)second, sizeof(second));
	cr_assert_neq(a, b);
	cr_assert_eq(profile_string(p, (char *)first, sizeof(first)), a);
	cr_assert_eq(profile_string(p, (char *)second, sizeof(second)), b);
	cr_assert(!memcmp(profile_text(p, b), second, sizeof(second)));
	profile_free(p);
}

Test(profile_profile, meta_is_replaced_and_found)
{
	struct profile *p = one_process();

	profile_set_meta(p, META_COMMAND, "a");
	profile_set_meta(p, META_HOST, "h");
	profile_set_meta(p, META_COMMAND, "b");
	cr_assert_str_eq(profile_meta(p, META_COMMAND), "b");
	cr_assert_str_eq(profile_meta(p, META_HOST), "h");
	cr_assert_eq(p->meta.nr, 2);
	profile_free(p);
}

Test(profile_profile, counts_are_up_to_date_before_the_runs_are_closed)
{
	struct profile *p = one_process();
	uint32_t t = profile_add_thread(p, 0, 2, 10), a = leaf(p, "f", 1);

	for (uint64_t i = 0; i < 5; i++) {
		profile_tick(p, 1000 * i + 10, 0);
		profile_sample(p, t, i == 3 ? 0 : a,
			       i == 3 ? SAMPLE_LOST : SAMPLE_COMPLETE,
			       STATE_ON_CPU);
	}
	cr_assert_eq(p->counts.nr, 2);
	cr_assert_eq(p->counts.at[0].nr, 4);
	cr_assert_eq(p->counts.at[0].node, a);
	cr_assert_eq(p->counts.at[1].nr, 1);
	cr_assert_eq(p->counts.at[1].quality, SAMPLE_LOST);
	cr_assert_eq(p->threads.at[t].looks[SAMPLE_COMPLETE], 4);
	cr_assert_eq(p->threads.at[t].looks[SAMPLE_LOST], 1);
	cr_assert_eq(p->threads.at[t].start_ns, 10);
	cr_assert_eq(p->threads.at[t].end_ns, 4010);
	profile_free(p);
}

Test(profile_profile, a_second_look_at_one_tick_is_not_counted)
{
	struct profile *p = one_process();
	uint32_t t = profile_add_thread(p, 0, 1, 0), a = leaf(p, "f", 1);

	profile_tick(p, 1, 0);
	profile_sample(p, t, a, SAMPLE_COMPLETE, STATE_ON_CPU);
	profile_sample(p, t, 0, SAMPLE_COMPLETE, STATE_ON_CPU);
	profile_close_runs(p);
	profile_drop_taken(p);
	profile_sample(p, t, 0, SAMPLE_COMPLETE, STATE_ON_CPU);
	cr_assert_eq(p->counts.nr, 1);
	cr_assert_eq(p->counts.at[0].nr, 1);
	profile_free(p);
}

/* What each thread was at each tick: node + 1, 0 for "did not exist". */
#define TICK_NR 4000
#define THREAD_NR 5
static uint32_t truth[THREAD_NR][TICK_NR];
static uint32_t found[THREAD_NR][TICK_NR];

static void decode(const struct profile *p, uint32_t thread,
		   uint64_t first_tick, uint64_t tick_nr,
		   const struct buf *runs)
{
	const struct profile_thread *t = &p->threads.at[thread];
	struct track_iter it;
	struct track_run run;
	enum track_step step;

	track_begin(&it, runs->data, runs->size, first_tick, tick_nr,
		    t->codes.nr);
	while ((step = track_next(&it, &run)) == TRACK_RUN) {
		const struct profile_count *c =
			&p->counts.at[t->codes.at[run.code]];

		cr_assert_eq(c->thread, thread);
		cr_assert_eq(c->code, run.code);
		for (uint64_t i = 0; i < run.nr; i++) {
			cr_assert_lt(run.tick + i, TICK_NR);
			cr_assert_eq(found[thread][run.tick + i], 0);
			found[thread][run.tick + i] =
				(c->node << 2 | c->quality) + 1;
		}
	}
	cr_assert_eq(step, TRACK_END);
}

/* As the store does. */
static void take(struct profile *p)
{
	profile_close_runs(p);
	for (uint32_t i = 0; i < p->pieces.nr; i++)
		decode(p, p->pieces.at[i].thread, p->pieces.at[i].first_tick,
		       p->pieces.at[i].tick_nr, &p->pieces.at[i].runs);
	for (uint32_t i = 0; i < p->threads.nr; i++) {
		const struct profile_track *k = &p->threads.at[i].track;

		decode(p, i, k->first_tick, k->tick_nr, &k->runs);
	}
	profile_drop_taken(p);
}

Test(profile_profile, tracks_give_back_every_look_through_gaps_and_takes)
{
	struct profile *p = one_process();
	uint32_t nodes[40], now[THREAD_NR] = { 0 };

	srand48(42);
	for (uint32_t i = 0; i < 40; i++)
		nodes[i] = leaf(p, "f", i + 1);
	for (uint32_t i = 0; i < THREAD_NR; i++)
		profile_add_thread(p, 0, (int32_t)i, 0);
	for (uint32_t tick = 0; tick < TICK_NR; tick++) {
		profile_tick(p, tick * 1000000ull, 0);
		for (uint32_t t = 0; t < THREAD_NR; t++) {
			if (!(lrand48() % (t + 1)))
				now[t] = (uint32_t)lrand48() % 40;
			if (lrand48() % 100 < (long)t * 10)
				continue; /* did not exist */
			profile_sample(p, t, nodes[now[t]],
				       (enum sample_quality)(now[t] % 4),
				       STATE_ON_CPU);
			truth[t][tick] = (nodes[now[t]] << 2 | now[t] % 4) + 1;
		}
		if (!(lrand48() % 300))
			take(p);
		else if (!(lrand48() % 100))
			profile_close_runs(p);
	}
	take(p);
	cr_assert(!memcmp(truth, found, sizeof(truth)));
	cr_assert_eq(p->pieces.nr, 0);
	profile_free(p);
}

Test(profile_profile, a_long_track_is_cut_into_pieces_that_go_on)
{
	struct profile *p = one_process();
	uint32_t t = profile_add_thread(p, 0, 1, 0);
	uint32_t a = leaf(p, "f", 1), b = leaf(p, "f", 2);
	uint64_t ticks = 0;

	for (uint32_t i = 0; i < 3000000; i++) {
		profile_tick(p, i, 0);
		profile_sample(p, t, i & 1 ? a : b, SAMPLE_COMPLETE,
			       STATE_ON_CPU);
	}
	profile_close_runs(p);
	cr_assert_geq(p->pieces.nr, 2);
	for (uint32_t i = 0; i < p->pieces.nr; i++) {
		cr_assert_eq(p->pieces.at[i].first_tick, ticks);
		cr_assert_leq(p->pieces.at[i].runs.size, (1 << 20) + 20);
		ticks += p->pieces.at[i].tick_nr;
	}
	cr_assert_eq(p->threads.at[t].track.first_tick, ticks);
	cr_assert_eq(ticks + p->threads.at[t].track.tick_nr, 3000000);
	profile_free(p);
}

Test(profile_profile, the_clock_goes_on_after_it_was_taken)
{
	struct profile *p = one_process();
	struct track_clock it;
	uint64_t us;

	profile_tick(p, 5000000, 0);
	profile_tick(p, 6500999, 0);
	profile_drop_taken(p);
	profile_tick(p, 6400000, 0); /* back: stands still */
	profile_tick(p, 9000000, 0);
	cr_assert_eq(p->clock_first_tick, 2);
	cr_assert_eq(p->tick_nr, 4);
	track_clock_begin(&it, p->clock.data, p->clock.size, p->clock_base_us,
			  2);
	cr_assert_eq(track_clock_next(&it, &us), TRACK_RUN);
	cr_assert_eq(us, 6500);
	cr_assert_eq(track_clock_next(&it, &us), TRACK_RUN);
	cr_assert_eq(us, 9000);
	cr_assert_eq(track_clock_next(&it, &us), TRACK_END);
	profile_free(p);
}

Test(profile_profile, counts_read_from_a_file_do_not_wrap_round)
{
	struct profile *p = one_process();
	uint32_t t = profile_add_thread(p, 0, 1, 0);

	cr_assert(profile_add_count(p, t, 0, SAMPLE_LOST, STATE_ON_CPU, 5));
	cr_assert(profile_add_count(p, t, 0, SAMPLE_LOST, STATE_ON_CPU, 6));
	cr_assert_eq(p->counts.nr, 1);
	cr_assert_eq(p->counts.at[0].nr, 11);
	cr_assert_eq(p->threads.at[t].looks[SAMPLE_LOST], 11);
	cr_assert_not(profile_add_count(p, t, 0, SAMPLE_LOST, STATE_ON_CPU,
					UINT64_MAX - 10));
	profile_free(p);
}

static uint64_t ticks_of(const struct profile *p, uint32_t node)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < p->counts.nr; i++)
		if (p->counts.at[i].node == node)
			sum += p->counts.at[i].ticks;
	return sum;
}

static void look(struct profile *p, uint32_t thread, uint32_t node,
		 uint64_t missed, double stood)
{
	profile_tick(p, (p->tick_nr + 1) * 1000000, missed);
	profile_stood(p, thread, stood);
	profile_sample(p, thread, node, SAMPLE_COMPLETE, STATE_RUN_QUEUE);
}

Test(profile_profile, looks_share_the_ticks_missed_before_them)
{
	struct profile *p = one_process();
	uint32_t a = leaf(p, "f", 1), b = leaf(p, "g", 1);
	uint32_t t = profile_add_thread(p, 0, 1, 0);

	/* Nobody knows where a thread was before it was seen. */
	look(p, t, a, 50, 0);
	cr_assert_eq(ticks_of(p, a), 1);
	look(p, t, b, 100, 0);
	cr_assert_eq(ticks_of(p, b), 1 + 25);
	look(p, t, a, 0, 0);
	cr_assert_eq(ticks_of(p, a), 1 + 1 + 19);
	for (int i = 0; i < 20; i++)
		look(p, t, a, 0, 0);
	cr_assert_eq(ticks_of(p, a) + ticks_of(p, b), 23 + 100);
	profile_free(p);
}

Test(profile_profile, one_that_stood_there_has_all_of_them)
{
	struct profile *p = one_process();
	uint32_t a = leaf(p, "f", 1), b = leaf(p, "g", 1);
	uint32_t t = profile_add_thread(p, 0, 1, 0);

	look(p, t, a, 0, 0);
	look(p, t, b, 100, 1);
	cr_assert_eq(ticks_of(p, b), 101);
	look(p, t, a, 0, 1);
	cr_assert_eq(ticks_of(p, a), 2);
	/* For half of the time, and the rest as above. */
	look(p, t, b, 100, 0.5);
	cr_assert_eq(ticks_of(p, b), 101 + 1 + 50 + 13);
	profile_free(p);
}

Test(profile_profile, a_gap_between_two_waits_belongs_half_to_each)
{
	struct profile *p = one_process();
	uint32_t a = leaf(p, "f", 1), b = leaf(p, "g", 1);
	uint32_t t = profile_add_thread(p, 0, 1, 0);

	profile_tick(p, 1000, 0);
	profile_sample(p, t, a, SAMPLE_COMPLETE, STATE_SLEEP);
	profile_tick(p, 2000, 10);
	profile_sample(p, t, b, SAMPLE_COMPLETE, STATE_LOCK);
	cr_assert_eq(ticks_of(p, a), 1 + 5);
	cr_assert_eq(ticks_of(p, b), 1 + 5);
	/* What comes to one that ran is paid to looks that find it so. */
	profile_tick(p, 3000, 16);
	profile_sample(p, t, a, SAMPLE_COMPLETE, STATE_ON_CPU);
	cr_assert_eq(ticks_of(p, b), 1 + 5 + 8);
	cr_assert_eq(ticks_of(p, a), 1 + 5 + 1 + 2);
	profile_tick(p, 4000, 0);
	profile_sample(p, t, b, SAMPLE_COMPLETE, STATE_LOCK);
	cr_assert_eq(ticks_of(p, b), 1 + 5 + 8 + 1);
	for (uint64_t i = 5; i < 20; i++) {
		profile_tick(p, i * 1000, 0);
		profile_sample(p, t, a, SAMPLE_COMPLETE, STATE_ON_CPU);
	}
	cr_assert_eq(ticks_of(p, a), 1 + 5 + 1 + 8 + 15);
	cr_assert_eq(p->threads.at[t].state_ticks[STATE_LOCK], 15);
	cr_assert_eq(p->threads.at[t].state_ticks[STATE_SLEEP], 6);
	profile_free(p);
}

/* A target may call its functions as it likes. */
Test(profile_profile, a_native_function_is_not_a_python_one_of_its_name)
{
	struct profile *p = profile_new();
	uint32_t name = intern(p, "malloc"), file = intern(p, "/lib/libc.so");
	uint32_t python = profile_function(p, name, file, 0);
	uint32_t native = profile_native_function(p, name, file);

	cr_assert_neq(python, native);
	cr_assert_eq(profile_native_function(p, name, file), native);
	cr_assert_eq(profile_function(p, name, file, 0), python);
	cr_assert(p->functions.at[native].native);
	cr_assert_not(p->functions.at[python].native);
	profile_free(p);
}

Test(profile_profile, merged_samples_add_up_by_thread_stack_and_outcome)
{
	struct profile *p = profile_new();

	profile_merge(p, 0, 7, MERGE_WHOLE, 2);
	profile_merge(p, 0, 7, MERGE_CUT, 1);
	profile_merge(p, 1, 7, MERGE_WHOLE, 1);
	profile_merge(p, 0, 7, MERGE_WHOLE, 3);
	cr_assert_eq(p->merges.nr, 3);
	cr_assert_eq(p->merges.at[0].nr, 5);
	profile_free(p);
}

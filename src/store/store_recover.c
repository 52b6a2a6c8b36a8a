/* SPDX-License-Identifier: MIT */
/*
 * A recording that nobody finished: the counts are made anew from the tracks,
 * as they would have been, in the same order.
 */
#include "store/store_reader.h"

#include "profile/track.h"

#define NUMBER_MAX ((uint64_t)INT64_MAX)

static int read_track_code(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	uint32_t thread, node, quality, state, before = p->counts.nr;

	if ((uint64_t)sqlite3_column_int64(row, 1) != before ||
	    !store_reader_u32(row, 2, p->threads.nr, &thread) ||
	    !store_reader_u32(row, 3, p->nodes.nr, &node) ||
	    !store_reader_u32(row, 4, SAMPLE_QUALITY_NR, &quality) ||
	    !store_reader_u32(row, 5, STATE_NR, &state))
		return store_reader_damaged(r, "table 'track_code'");
	if (!profile_add_count(p, thread, node, (enum sample_quality)quality,
			       (enum thread_state)state, 0))
		return store_reader_nomem(r);
	if (p->counts.nr == before)
		return store_reader_damaged(r, "a track code is there twice");
	return ERR_OK;
}

/* Ticks that were missed before `tick`. */
static uint64_t missed_before(const struct store_reader *r, uint64_t tick)
{
	uint32_t low = 0, high = r->missed.nr;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (r->missed.at[middle].tick < tick)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? r->missed.at[low - 1].sum : 0;
}

static int add_run(struct store_reader *r, struct profile_thread *t,
		   const struct track_run *run)
{
	struct profile_count *c =
		&r->profile->counts.at[t->codes.at[run->code]];
	uint64_t missed = missed_before(r, run->tick + run->nr) -
			  missed_before(r, run->tick);

	if (!store_reader_add_looks(r, run->nr) ||
	    !store_reader_add_looks(r, missed))
		return store_reader_damaged(r, "more looks than can be");
	c->nr += run->nr;
	c->ticks += run->nr + missed;
	t->looks[c->quality] += run->nr;
	t->state_ticks[c->state] += run->nr + missed;
	return ERR_OK;
}

static int read_track(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	struct profile_thread *t;
	struct track_iter it;
	struct track_run run;
	enum track_step step;
	uint64_t first_tick, tick_nr;
	const void *runs;
	uint32_t thread;
	int rc = ERR_OK;

	if (!store_reader_u32(row, 2, p->threads.nr, &thread) ||
	    !store_reader_number(row, 3, NUMBER_MAX, &first_tick) ||
	    !store_reader_number(row, 4, NUMBER_MAX, &tick_nr) ||
	    sqlite3_column_type(row, 5) != SQLITE_BLOB)
		return store_reader_damaged(r, "table 'track'");
	t = &p->threads.at[thread];
	/* A thread is looked at once a tick, so tracks do not overlap. */
	if (first_tick < t->track.next_tick ||
	    first_tick + tick_nr > p->tick_nr)
		return store_reader_damaged(r, "tracks overlap");
	t->track.next_tick = first_tick + tick_nr;
	runs = sqlite3_column_blob(row, 5);
	track_begin(&it, runs, (size_t)sqlite3_column_bytes(row, 5), first_tick,
		    tick_nr, t->codes.nr);
	while (!rc && (step = track_next(&it, &run)) != TRACK_END)
		rc = step == TRACK_RUN ? add_run(r, t, &run)
				       : store_reader_damaged(
						 r, "a track makes no sense");
	return rc;
}

static bool note_missed(struct store_reader *r, const struct track_clock *it,
			uint64_t end_tick)
{
	uint64_t sum = r->missed.nr ? r->missed.at[r->missed.nr - 1].sum : 0;
	struct store_missed m = { end_tick - it->left - 1, 0 };

	return !__builtin_add_overflow(sum, it->missed, &m.sum) &&
	       m.sum <= NUMBER_MAX && vec_push(&r->missed, m);
}

static int read_clock(struct store_reader *r, sqlite3_stmt *row)
{
	struct track_clock it;
	enum track_step step;
	uint64_t first_tick, tick_nr, base_us;

	if (!store_reader_number(row, 1, NUMBER_MAX, &first_tick) ||
	    !store_reader_number(row, 2, NUMBER_MAX, &tick_nr) ||
	    !store_reader_number(row, 3, NUMBER_MAX, &base_us) ||
	    sqlite3_column_type(row, 4) != SQLITE_BLOB ||
	    first_tick < r->clock_end || base_us < r->clock_us ||
	    first_tick + tick_nr > r->profile->tick_nr)
		return store_reader_damaged(r, "table 'clock'");
	r->clock_end = first_tick + tick_nr;
	track_clock_begin(&it, sqlite3_column_blob(row, 4),
			  (size_t)sqlite3_column_bytes(row, 4), base_us,
			  tick_nr);
	while ((step = track_clock_next(&it, &r->clock_us)) == TRACK_RUN)
		if (it.missed && !note_missed(r, &it, r->clock_end))
			return store_reader_damaged(r, "the clock");
	if (step == TRACK_DAMAGED || r->clock_us > NUMBER_MAX / 1000)
		return store_reader_damaged(r, "the clock makes no sense");
	return ERR_OK;
}

int store_recover(struct store_reader *r)
{
	struct profile *p = r->profile;
	int rc;

	rc = store_reader_each(r, "track_code", "id", read_track_code);
	if (!rc)
		rc = store_reader_each(r, "clock", "first_tick", read_clock);
	if (!rc)
		rc = store_reader_each(r, "track", "id", read_track);
	vec_release(&r->missed);
	if (rc)
		return rc;
	/* Nobody was left to write down how long it took. */
	if (p->wall_ns < r->clock_us * 1000)
		p->wall_ns = r->clock_us * 1000;
	profile_set_meta(p, META_UNFINISHED, "1");
	return p->failed ? store_reader_nomem(r) : ERR_OK;
}

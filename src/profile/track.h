/* SPDX-License-Identifier: MIT */
/*
 * Reading (and writing) the run-length tracks and the clock of a profile.
 * The bytes may come from a file, so they are hostile: every read is checked.
 */
#ifndef TARE_PROFILE_TRACK_H
#define TARE_PROFILE_TRACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A run of equal looks at one thread. */
struct track_run {
	uint64_t tick; /* the first of them */
	uint64_t nr;   /* at least 1 */
	uint32_t code; /* which (node, quality): see profile_track */
};

struct track_iter {
	const uint8_t *at, *end;
	uint64_t tick, left;
	uint32_t code_nr;
};

enum track_step {
	TRACK_RUN,     /* *run was filled */
	TRACK_END,     /* bytes and ticks came out even */
	TRACK_DAMAGED, /* they did not, or a number is out of range */
};

/* Append a run; `nr` is at least 1. */
void track_put(struct buf *runs, uint32_t code, uint64_t nr);

/*
 * Start on the `size` bytes at `runs`, which stay the caller's and which shall
 * hold `tick_nr` looks with codes below `code_nr`.
 */
void track_begin(struct track_iter *it, const void *runs, size_t size,
		 uint64_t first_tick, uint64_t tick_nr, uint32_t code_nr);
enum track_step track_next(struct track_iter *it, struct track_run *run);

/*
 * Tick times: varint(microseconds since the tick before << 1 | any), then
 * varint(ticks missed in between) if `any`.
 */
struct track_clock {
	const uint8_t *at, *end;
	uint64_t now_us, left;
	uint64_t missed; /* before the tick of the last step */
};

void track_clock_put(struct buf *clock, uint64_t gap_us, uint64_t missed);

void track_clock_begin(struct track_clock *it, const void *clock, size_t size,
		       uint64_t base_us, uint64_t tick_nr);
/* TRACK_RUN: *tick_us is the time of the next tick. */
enum track_step track_clock_next(struct track_clock *it, uint64_t *tick_us);

#endif

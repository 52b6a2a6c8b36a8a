/* SPDX-License-Identifier: MIT */
#include "profile/track.h"

#include <stdbool.h>

void track_put(struct buf *runs, uint32_t code, uint64_t nr)
{
	bool longer = nr > 1;

	buf_add_varint(runs, (uint64_t)code << 1 | longer);
	if (longer)
		buf_add_varint(runs, nr - 2);
}

void track_begin(struct track_iter *it, const void *runs, size_t size,
		 uint64_t first_tick, uint64_t tick_nr, uint32_t code_nr)
{
	uint64_t end_tick;

	it->at = runs;
	it->end = size ? it->at + size : it->at;
	it->tick = first_tick;
	it->left = tick_nr;
	it->code_nr = code_nr;
	/* A track past the end of time: let the first step say so. */
	if (__builtin_add_overflow(first_tick, tick_nr, &end_tick))
		it->code_nr = 0;
}

static enum track_step damaged(struct track_iter *it)
{
	it->code_nr = 0; /* and it stays so */
	it->left = 1;
	return TRACK_DAMAGED;
}

enum track_step track_next(struct track_iter *it, struct track_run *run)
{
	uint64_t head, more;

	if (it->at == it->end && !it->left)
		return TRACK_END;
	if (!buf_get_varint(&it->at, it->end, &head))
		return damaged(it);
	if (head >> 1 >= it->code_nr)
		return damaged(it);
	run->nr = 1;
	if (head & 1) {
		if (!buf_get_varint(&it->at, it->end, &more) ||
		    __builtin_add_overflow(more, 2, &run->nr))
			return damaged(it);
	}
	if (run->nr > it->left)
		return damaged(it);
	run->code = (uint32_t)(head >> 1);
	run->tick = it->tick;
	it->tick += run->nr;
	it->left -= run->nr;
	return TRACK_RUN;
}

void track_clock_begin(struct track_clock *it, const void *clock, size_t size,
		       uint64_t base_us, uint64_t tick_nr)
{
	it->at = clock;
	it->end = size ? it->at + size : it->at;
	it->now_us = base_us;
	it->left = tick_nr;
	it->missed = 0;
}

void track_clock_put(struct buf *clock, uint64_t gap_us, uint64_t missed)
{
	buf_add_varint(clock, gap_us << 1 | (missed > 0));
	if (missed)
		buf_add_varint(clock, missed);
}

enum track_step track_clock_next(struct track_clock *it, uint64_t *tick_us)
{
	uint64_t gap = 0;
	bool ok;

	if (it->at == it->end && !it->left)
		return TRACK_END;
	ok = it->left && buf_get_varint(&it->at, it->end, &gap);
	it->missed = 0;
	if (ok && gap & 1)
		ok = buf_get_varint(&it->at, it->end, &it->missed);
	if (!ok || __builtin_add_overflow(it->now_us, gap >> 1, &it->now_us)) {
		it->at = it->end;
		it->left = 1; /* stays damaged */
		return TRACK_DAMAGED;
	}
	it->left--;
	*tick_us = it->now_us;
	return TRACK_RUN;
}

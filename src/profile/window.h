/* SPDX-License-Identifier: MIT */
/*
 * What a growing profile gained between two moments, as a profile of its own,
 * so that everything that sums up a recording sums up a window of it as well.
 *
 * Exact, not decaying: each look of the window counts the same and none from
 * before it counts at all. The shares are then shares of a stated time, and
 * their intervals mean what they mean elsewhere.
 *
 * A moment is a copy of all numbers that grow, 16 bytes a count; a window
 * keeps WINDOW_STEPS + 3 of them, however often it is moved. Pure: nothing is
 * read but the profile.
 */
#ifndef TARE_PROFILE_WINDOW_H
#define TARE_PROFILE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "profile/profile.h"

/* A window is up to this part longer than it was asked to be. */
#define WINDOW_STEPS 10

struct moment_count {
	uint64_t nr, ticks;
};

struct moment_thread {
	uint64_t looks[SAMPLE_QUALITY_NR];
	uint64_t state_ticks[STATE_NR];
	uint64_t cpu_ns, run_queue_ns, end_ns, gil_ticks;
	uint32_t last_count; /* index in p->counts: the last look */
};

struct moment_process {
	uint64_t gil_ticks, gil_held_ticks;
};

/* The numbers of a profile as they once were. */
struct moment {
	uint64_t at_ns;
	uint64_t tick_nr, missed_nr;
	VEC(struct moment_count) counts;
	VEC(struct moment_thread) threads;
	VEC(struct moment_process) processes;
};

struct window {
	uint64_t length_ns;
	struct moment past[WINDOW_STEPS + 1]; /* oldest first */
	uint32_t past_nr;
	struct moment origin; /* since when `all` is counted */
	struct moment now;    /* the last step */
};

/* Zeroed storage becomes a window that begins now. */
int window_init(struct window *w, const struct profile *p, uint64_t length_ns,
		struct err *err);

/*
 * Move on to what `p`, the same profile as ever, says now. On failure the
 * window stays where it was.
 */
int window_step(struct window *w, const struct profile *p, struct err *err);

/* Forget what was before the last step. */
int window_reset(struct window *w, struct err *err);

/* A zeroed window is allowed. */
void window_release(struct window *w);

/*
 * The window as a profile of its own, or with `all` everything up to the last
 * step. Processes, threads, strings and nodes keep their numbers; what had no
 * look has none. Give it to window_view_release() before `p` changes: all that
 * does not grow is borrowed.
 */
int window_view(struct profile *view, const struct window *w,
		const struct profile *p, bool all, struct err *err);
void window_view_release(struct profile *view);

/*
 * Index in p->counts of the last look at `thread`, as of the last step;
 * UINT32_MAX: there was none.
 */
uint32_t window_last_look(const struct window *w, uint32_t thread);

/* Bytes that `p` and what a window keeps of it take, roughly. */
uint64_t window_weight(const struct profile *p);

#endif

/* SPDX-License-Identifier: MIT */
#include "commands/top_live.h"

#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/screen.h"

/* How often keys are looked for; the sampler has the time in between. */
#define TURN_NS (50 * CLOCK_MS_NS)

/* The first picture comes sooner, if the interval is longer. */
#define FIRST_NS (500 * CLOCK_MS_NS)

struct live {
	struct top_watch *watch;
	struct top_choice *choice;
	uint64_t interval_ns;
	bool quit;
};

/* ---- drawing ------------------------------------------------------------ */

static void put_rows(const struct buf *out, unsigned height)
{
	const char *at = buf_str(out), *end = at + out->size;

	for (unsigned row = 0; row < height; row++) {
		size_t size = at < end ? strcspn(at, "\n") : 0;

		screen_put(row, at, size);
		at += size + (at + size < end);
	}
	screen_show();
}

static int draw(struct live *l, struct err *err)
{
	bool processes = l->choice->view == TOP_PROCESSES;
	struct top_picture pic;
	struct buf out = { 0 };
	unsigned width, height;
	int rc;

	rc = top_picture_make(&pic, l->watch, l->choice, processes, err);
	if (rc)
		return rc;
	screen_size(&width, &height);
	rc = top_screen(&out, &pic.data, l->choice, width, height, err);
	if (rc == ERR_OK)
		put_rows(&out, height);
	top_picture_release(&pic);
	buf_release(&out);
	return rc;
}

/* ---- keys --------------------------------------------------------------- */

/* The chosen thread, or the one after the present one. */
static int follow_thread(struct live *l, struct err *err)
{
	struct top_choice *c = l->choice;
	struct top_picture pic;
	struct top_threads list = { 0 };
	uint32_t next = 0;
	int rc;

	rc = top_picture_make(&pic, l->watch, c, false, err);
	if (rc)
		return rc;
	rc = top_list_threads(&list, &pic.data, c->order[TOP_THREADS], err);
	if (c->view == TOP_THREADS) {
		next = c->selected;
		c->view = TOP_FUNCTIONS;
	} else if (c->thread != TOP_ALL_THREADS) {
		while (next < list.nr && list.at[next] != c->thread)
			next++;
		next++;
	}
	c->thread = next < list.nr ? list.at[next] : TOP_ALL_THREADS;
	free(list.at);
	top_picture_release(&pic);
	return rc;
}

static void scroll(struct top_choice *c, int64_t by)
{
	uint32_t *at =
		c->view == TOP_THREADS ? &c->selected : &c->first[c->view];
	int64_t to = (int64_t)*at + by;

	/* The screen knows how many rows there are, and mends what is more. */
	*at = to < 0 ? 0 : to > INT32_MAX ? INT32_MAX : (uint32_t)to;
}

static bool scroll_key(struct top_choice *c, int key)
{
	unsigned width, height;

	screen_size(&width, &height);
	height = height > 8 ? height - 8 : 1;
	switch (key) {
	case SCREEN_UP:
	case 'k':
		scroll(c, -1);
		return true;
	case SCREEN_DOWN:
	case 'j':
		scroll(c, 1);
		return true;
	case SCREEN_PAGE_UP:
		scroll(c, -(int64_t)height);
		return true;
	case SCREEN_PAGE_DOWN:
		scroll(c, height);
		return true;
	case SCREEN_HOME:
		scroll(c, INT32_MIN);
		return true;
	case SCREEN_END:
		scroll(c, INT32_MAX);
		return true;
	default:
		return false;
	}
}

static bool choice_key(struct top_choice *c, int key)
{
	switch (key) {
	case '\t':
		c->view = (c->view + 1) % TOP_VIEW_NR;
		return true;
	case SCREEN_BACK_TAB:
		c->view = (c->view + TOP_VIEW_NR - 1) % TOP_VIEW_NR;
		return true;
	case '1':
	case '2':
	case '3':
	case '4':
		c->view = (enum top_view)(key - '1');
		return true;
	case 's':
		c->order[c->view] = (c->order[c->view] + 1) % TOP_ORDER_NR;
		return true;
	case 'w':
		c->cpu_only = !c->cpu_only;
		return true;
	case 'f':
		c->all = !c->all;
		return true;
	case 'T':
		c->thread = TOP_ALL_THREADS;
		return true;
	case ' ':
	case 'p':
		c->paused = !c->paused;
		return true;
	default:
		return false;
	}
}

/* One key: what it changes. Any key leaves the help. */
static int take_key(struct live *l, int key, bool *redraw, struct err *err)
{
	struct top_choice *c = l->choice;
	bool had_help = c->help;

	*redraw = true;
	c->help = false;
	if (key == 'q' || key == 'Q' || key == SCREEN_GONE) {
		l->quit = true;
	} else if (key == '\f') {
		screen_redraw();
	} else if (key == '?' || key == 'h') {
		c->help = !had_help;
	} else if (key == 't' || key == '\r') {
		return follow_thread(l, err);
	} else if (key == 'r') {
		return window_reset(&l->watch->window, err);
	} else if (!choice_key(c, key) && !scroll_key(c, key)) {
		*redraw = had_help || key == SCREEN_RESIZED;
	}
	return ERR_OK;
}

static int take_keys(struct live *l, bool *redraw, struct err *err)
{
	int key, rc = ERR_OK;

	while (rc == ERR_OK && !l->quit &&
	       (key = screen_key()) != SCREEN_NO_KEY) {
		bool one;

		rc = take_key(l, key, &one, err);
		*redraw |= one;
	}
	return rc;
}

/* ---- the loop ----------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Time for a picture: the window moves on unless it is held. */
static int turn(struct live *l, bool due, struct err *err)
{
	bool redraw = false;
	int rc = take_keys(l, &redraw, err);

	if (rc == ERR_OK && due && !l->choice->paused) {
		rc = top_watch_step(l->watch, err);
		redraw = true;
	} else if (due) {
		/* What nobody will store must not pile up. */
		profile_drop_taken(l->watch->profile);
	}
	if (rc == ERR_OK && redraw && !l->quit)
		rc = draw(l, err);
	return rc;
}

static int watch(struct live *l, enum top_end *end, struct err *err)
{
	uint64_t due = clock_now_ns() + sooner(l->interval_ns, FIRST_NS);
	enum sample_end why = SAMPLE_PAUSED;
	int rc = draw(l, err);

	while (rc == ERR_OK && !l->quit && why == SAMPLE_PAUSED) {
		uint64_t now = clock_now_ns();
		bool is_due = now >= due;

		if (is_due)
			due = now + l->interval_ns;
		rc = turn(l, is_due, err);
		if (rc == ERR_OK && !l->quit)
			rc = sampler_run(l->watch->sampler,
					 sooner(due, clock_now_ns() + TURN_NS),
					 &why, err);
	}
	*end = why == SAMPLE_GONE ? TOP_GONE : l->quit ? TOP_QUIT : TOP_STOPPED;
	if (rc == ERR_OK && why == SAMPLE_GONE)
		rc = top_watch_step(l->watch, err);
	return rc;
}

int top_live(struct top_watch *w, struct top_choice *choice, int fd,
	     bool colour, uint64_t interval_ns, enum top_end *end,
	     struct err *err)
{
	struct live l = { w, choice, interval_ns, false };
	int rc = screen_open(fd, colour, err);

	if (rc)
		return rc;
	rc = watch(&l, end, err);
	screen_close();
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Where the wall time went: a row for all threads and one for each group of
 * them, a column for each kind of state; then the hottest lines of each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/breakdown.h"
#include "render/digits.h"
#include "render/location.h"
#include "render/report_parts.h"

#define ALL_THREADS "all threads"

#define MARGIN 2
#define GAP 2
#define COLUMN 5      /* of a share */
#define GROUPS_MOST 8 /* rows, so that the first screen stays one */

/* A column is shown when a row has at least this much in it. */
#define COLUMN_SHARE 0.005

/* The lines of a cause are shown from this share on, so many of them. */
#define CAUSE_SHARE 0.05
#define CAUSE_LINES 3
#define LINE_SHARE 0.005

/* Half of a thread's time catches the eye. */
#define BOLD_SHARE 0.5

static const char *const heads[GROUP_NR] = {
	[GROUP_ON_CPU] = "CPU",	  [GROUP_RUN_QUEUE] = "queue",
	[GROUP_GIL_WAIT] = "GIL", [GROUP_LOCK] = "lock",
	[GROUP_IO] = "I/O",	  [GROUP_SLEEP] = "sleep",
	[GROUP_CHILD] = "child",  [GROUP_OTHER] = "other",
};

struct state_table {
	struct report *report;
	const struct breakdown *breakdown;
	bool shown[GROUP_NR];
	size_t name_width, wall_end;
	uint32_t rows; /* groups shown */
};

static double part_of(const struct breakdown_group *g, enum state_group group)
{
	return g->wall_s > 0 ? breakdown_group_s(g->states, group) / g->wall_s
			     : 0;
}

/* "worker-* ×4" */
static void put_label(struct report *r, const struct breakdown_group *g)
{
	const struct profile *p = r->profile;
	const struct profile_thread *t = &p->threads.at[g->thread];
	const char *name = g->name;
	char nr[DIGITS_SIZE];

	buf_clear(&r->scratch);
	if (!g->python)
		buf_add_str(&r->scratch, "native ");
	if (g->thread_nr == 1)
		name = profile_text(p, t->name);
	buf_add_str(&r->scratch, *name ? name : "(no name)");
	if (t->process && g->python)
		buf_add_str(&r->scratch, " of children");
	if (g->thread_nr > 1) {
		digits_count(nr, g->thread_nr);
		buf_printf(&r->scratch, " \xc3\x97%s", nr);
	}
}

static size_t label_width(struct report *r, const struct breakdown_group *g)
{
	put_label(r, g);
	return safe_width(buf_str(&r->scratch));
}

static void note_columns(struct state_table *t, const struct breakdown_group *g)
{
	for (int i = 0; i < GROUP_NR; i++)
		if (part_of(g, (enum state_group)i) >= COLUMN_SHARE)
			t->shown[i] = true;
}

/* Seconds, so that they can be compared down the column. */
static void wall_text(char out[DIGITS_SIZE], const struct breakdown_group *g)
{
	snprintf(out, DIGITS_SIZE, "%.*f s", g->wall_s < 99.95 ? 2 : 0,
		 g->wall_s);
}

static void lay_out(struct state_table *t)
{
	const struct breakdown *b = t->breakdown;
	size_t columns = 0, most, wall = strlen("wall");
	char text[DIGITS_SIZE];

	note_columns(t, &b->all);
	t->name_width = b->all.thread_nr > 1 ? strlen(ALL_THREADS) : 0;
	for (uint32_t i = 0; i < t->rows; i++) {
		size_t wants = label_width(t->report, &b->groups.at[i]);

		note_columns(t, &b->groups.at[i]);
		t->name_width = wants > t->name_width ? wants : t->name_width;
	}
	for (int i = 0; i < GROUP_NR; i++)
		columns += t->shown[i] ? COLUMN + GAP : 0;
	wall_text(text, &b->all);
	wall = strlen(text) > wall ? strlen(text) : wall;
	most = t->report->page.width - MARGIN - GAP - wall - columns;
	if (t->name_width > most)
		t->name_width = most;
	t->wall_end = MARGIN + t->name_width + GAP + wall;
}

static void put_head(struct state_table *t)
{
	struct page *pg = &t->report->page;
	size_t end = t->wall_end;

	page_style(pg, PAGE_DIM);
	page_right(pg, "wall", end);
	for (int i = 0; i < GROUP_NR; i++) {
		if (!t->shown[i])
			continue;
		end += GAP + COLUMN;
		page_right(pg, heads[i], end);
	}
	page_newline(pg);
}

/* Whole percents: where a thread spent its time, not how exactly. */
static void share_text(char out[DIGITS_SIZE], double share)
{
	if (share > 0 && share < 0.005)
		snprintf(out, DIGITS_SIZE, "<1");
	else if (share <= 0)
		snprintf(out, DIGITS_SIZE, "\xc2\xb7");
	else
		snprintf(out, DIGITS_SIZE, "%.0f", share * 100);
}

static void put_group(struct state_table *t, const struct breakdown_group *g,
		      const char *label)
{
	struct page *pg = &t->report->page;
	size_t end = t->wall_end;
	char text[DIGITS_SIZE];

	page_to(pg, MARGIN);
	page_style(pg, PAGE_BOLD);
	page_fit(pg, label, t->name_width, SAFE_CUT_MIDDLE);
	page_style(pg, PAGE_PLAIN);
	wall_text(text, g);
	page_right(pg, text, end);
	for (int i = 0; i < GROUP_NR; i++) {
		double share = part_of(g, (enum state_group)i);

		if (!t->shown[i])
			continue;
		end += GAP + COLUMN;
		share_text(text, share);
		page_style(pg, share >= BOLD_SHARE    ? PAGE_BOLD
			       : share < COLUMN_SHARE ? PAGE_DIM
						      : PAGE_PLAIN);
		page_right(pg, text, end);
	}
	page_newline(pg);
}

static void put_table(struct report *r, const struct breakdown *b)
{
	struct state_table t = { .report = r, .breakdown = b };
	char text[80];

	t.rows = b->groups.nr < GROUPS_MOST ? b->groups.nr : GROUPS_MOST;
	page_newline(&r->page);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, "where the wall time went");
	page_style(&r->page, PAGE_DIM);
	page_put(&r->page, " in %");
	page_newline(&r->page);
	lay_out(&t);
	put_head(&t);
	if (b->all.thread_nr > 1)
		put_group(&t, &b->all, ALL_THREADS);
	for (uint32_t i = 0; i < t.rows; i++) {
		put_label(r, &b->groups.at[i]);
		put_group(&t, &b->groups.at[i], buf_str(&r->scratch));
	}
	if (b->groups.nr > t.rows) {
		snprintf(text, sizeof(text), "%u more groups of threads",
			 b->groups.nr - t.rows);
		page_style(&r->page, PAGE_DIM);
		page_to(&r->page, MARGIN);
		page_put(&r->page, text);
		page_newline(&r->page);
	}
}

/* ---- the hottest lines of each cause ------------------------------------ */

static void put_cause_head(struct report *r, enum thread_state state,
			   double share)
{
	char text[80];

	snprintf(text, sizeof(text), "%.0f %% %s", share * 100,
		 state_words[state].label);
	page_style(&r->page, PAGE_BOLD);
	page_to(&r->page, MARGIN);
	page_put(&r->page, text);
	page_newline(&r->page);
}

static void put_cause_line(struct report *r, const struct summary_line *l,
			   double share)
{
	const struct profile *p = r->profile;
	struct page *pg = &r->page;
	char text[DIGITS_SIZE];
	size_t place = pg->width / 3;

	snprintf(text, sizeof(text), "%.1f", share * 100);
	page_style(pg, PAGE_PLAIN);
	page_right(pg, text, MARGIN + 2 * COLUMN);
	page_to(pg, MARGIN + 2 * COLUMN + GAP);
	if (l->function == SUMMARY_NO_PYTHON) {
		page_put(pg, "(no Python frame)");
		page_newline(pg);
		return;
	}
	location_put(&r->scratch, profile_text(p, l->file),
		     profile_meta(p, META_DIRECTORY), l->line, place);
	page_fit(pg, buf_str(&r->scratch), place, SAFE_CUT_MIDDLE);
	page_to(pg, MARGIN + 2 * COLUMN + GAP + place + GAP);
	page_style(pg, PAGE_DIM);
	report_source(r, l);
	page_fit(pg, buf_str(&r->scratch), SIZE_MAX, SAFE_CUT_END);
	page_newline(pg);
}

static int put_cause(struct report *r, enum thread_state state, double share,
		     struct err *err)
{
	struct summary s;
	int rc = summary_make(
		&s, r->profile,
		&(struct summary_of){ .states = STATE_BIT(state) }, err);

	if (rc)
		return rc;
	put_cause_head(r, state, share);
	for (uint32_t i = 0; i < s.line_nr && i < CAUSE_LINES; i++) {
		double of_all = s.lines[i].self.share * share;

		if (of_all >= LINE_SHARE)
			put_cause_line(r, &s.lines[i], of_all);
	}
	summary_release(&s);
	return ERR_OK;
}

/* Largest first; the states worth a place, at least two of them. */
static int list_causes(const struct breakdown *b, enum thread_state *out)
{
	int nr = 0;

	for (int i = 0; i < STATE_NR; i++) {
		int at = nr;

		if (b->all.states[i] < CAUSE_SHARE * b->all.wall_s)
			continue;
		for (; at > 0 && b->all.states[out[at - 1]] < b->all.states[i];
		     at--)
			out[at] = out[at - 1];
		out[at] = (enum thread_state)i;
		nr++;
	}
	return nr;
}

static int put_causes(struct report *r, const struct breakdown *b,
		      struct err *err)
{
	enum thread_state causes[STATE_NR];
	int nr = list_causes(b, causes), rc = ERR_OK;

	/* With one cause only, the hottest lines are its lines. */
	if (nr < 2)
		return ERR_OK;
	page_newline(&r->page);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, "hottest lines of each cause");
	page_style(&r->page, PAGE_DIM);
	page_put(&r->page, " in % of all threads' wall time");
	page_newline(&r->page);
	for (int i = 0; i < nr && !rc; i++)
		rc = put_cause(r, causes[i],
			       b->all.states[causes[i]] / b->all.wall_s, err);
	return rc;
}

int report_states(struct report *r, struct err *err)
{
	const struct breakdown *b = &r->breakdown;

	if (!(b->all.wall_s > 0))
		return ERR_OK;
	put_table(r, b);
	return put_causes(r, b, err);
}

/* SPDX-License-Identifier: MIT */
/* What the tasks of asyncio did with their time, and the lines that most of
 * them waited in. */
#include <stdio.h>
#include <string.h>

#include "profile/await_rows.h"
#include "render/digits.h"
#include "render/location.h"
#include "render/report_parts.h"

#define MARGIN 2
#define GAP 2
#define ROWS 5
#define ROW_SHARE 0.005

/* A column for what could run is worth its place from this share on. */
#define READY_SHARE 0.01

/* Columns of a page that has room for the place inside of a library. */
#define INSIDE_FROM 110

#define SHARE_HEAD "share %"
#define RANGE_HEAD "95 % CI"
#define TIME_HEAD "task s"
#define MEAN_HEAD "at once"
#define READY_HEAD "ready s"

struct row {
	char share[DIGITS_SIZE], range[DIGITS_SIZE];
	char time[DIGITS_SIZE], mean[DIGITS_SIZE], ready[DIGITS_SIZE];
	const struct await_line *line;
};

struct await_table {
	struct report *report;
	const struct await_rows *rows;
	struct row row[ROWS];
	uint32_t nr;
	bool ready;
	size_t share_end, range_end, time_end, mean_end, ready_end;
	size_t place, place_width, source, source_width, inside;
};

/* Seconds or tasks, so that they can be compared down the column. */
static void value_text(char out[DIGITS_SIZE], double value)
{
	snprintf(out, DIGITS_SIZE, "%.*f", value < 9.995 ? 2 : 1, value);
}

static void fill(struct await_table *t, const struct await_line *l)
{
	double wall_s = (double)t->report->profile->wall_ns / 1e9;
	struct row *row = &t->row[t->nr++];

	row->line = l;
	digits_share(row->share, row->range, l->share, l->interval.low,
		     l->interval.high);
	value_text(row->time, l->s);
	value_text(row->mean, wall_s > 0 ? l->s / wall_s : 0);
	value_text(row->ready, l->kind_s[AWAIT_READY]);
}

static size_t column(const struct await_table *t, size_t from, size_t offset,
		     const char *head)
{
	size_t width = strlen(head);

	for (uint32_t i = 0; i < t->nr; i++) {
		const char *text = (const char *)&t->row[i] + offset;
		size_t wants = safe_width(text);

		width = wants > width ? wants : width;
	}
	return from + GAP + width;
}

static const struct profile_frame *frame_of(const struct report *r,
					    uint32_t frame)
{
	return &r->profile->frames.at[frame];
}

/* "file:line" of a frame into r->scratch. */
static void put_location(struct report *r, uint32_t frame, size_t width)
{
	const struct profile *p = r->profile;
	const struct profile_frame *f = frame_of(r, frame);

	location_put(&r->scratch,
		     profile_text(p, p->functions.at[f->function].file),
		     profile_meta(p, META_DIRECTORY), f->line, width);
}

/* The text of the line, or its function, into r->scratch. */
static void put_source(struct report *r, uint32_t frame)
{
	const struct profile_frame *f = frame_of(r, frame);
	struct summary_line l = {
		.file = r->profile->functions.at[f->function].file,
		.function = f->function,
		.line = f->line,
	};

	report_source(r, &l);
}

static void lay_out(struct await_table *t)
{
	struct report *r = t->report;
	size_t width = r->page.width, left, inside = 0;

	t->share_end = column(t, 0, offsetof(struct row, share), SHARE_HEAD);
	t->range_end = column(t, t->share_end, offsetof(struct row, range),
			      RANGE_HEAD);
	t->time_end =
		column(t, t->range_end, offsetof(struct row, time), TIME_HEAD);
	t->mean_end =
		column(t, t->time_end, offsetof(struct row, mean), MEAN_HEAD);
	t->ready_end = t->mean_end;
	if (t->ready)
		t->ready_end = column(t, t->mean_end,
				      offsetof(struct row, ready), READY_HEAD);
	t->place = t->ready_end + GAP;
	for (uint32_t i = 0; i < t->nr; i++) {
		uint32_t frame = t->row[i].line->frame;

		if (frame == AWAIT_NO_FRAME)
			continue;
		put_location(r, frame, LOCATION_ANY);
		if (safe_width(buf_str(&r->scratch)) > t->place_width)
			t->place_width = safe_width(buf_str(&r->scratch));
		put_source(r, frame);
		if (safe_width(buf_str(&r->scratch)) > t->source_width)
			t->source_width = safe_width(buf_str(&r->scratch));
	}
	if (width >= INSIDE_FROM)
		inside = (width - t->place) / 3;
	left = width - t->place - GAP - inside;
	report_split(left, &t->place_width, &t->source_width);
	t->source = t->place + t->place_width + GAP;
	t->inside = inside ? t->source + t->source_width + GAP : 0;
}

static void put_head(struct await_table *t)
{
	struct page *pg = &t->report->page;

	page_style(pg, PAGE_DIM);
	page_right(pg, SHARE_HEAD, t->share_end);
	page_right(pg, RANGE_HEAD, t->range_end);
	page_right(pg, TIME_HEAD, t->time_end);
	page_right(pg, MEAN_HEAD, t->mean_end);
	if (t->ready)
		page_right(pg, READY_HEAD, t->ready_end);
	page_to(pg, t->place);
	page_put(pg, "line");
	page_to(pg, t->source);
	page_put(pg, "source");
	if (t->inside) {
		page_to(pg, t->inside);
		page_put(pg, "awaits in");
	}
	page_newline(pg);
}

/* "sleep, asyncio/tasks.py:665": where in a library it is. */
static void put_inside(struct await_table *t, const struct await_line *l)
{
	struct report *r = t->report;

	if (!t->inside || l->at == l->frame)
		return;
	page_to(&r->page, t->inside);
	page_put(&r->page,
		 report_function_name(r, frame_of(r, l->at)->function));
	page_put(&r->page, ", ");
	put_location(r, l->at, LOCATION_BARE);
	page_put(&r->page, buf_str(&r->scratch));
}

static void put_row(struct await_table *t, const struct row *row)
{
	struct report *r = t->report;
	struct page *pg = &r->page;
	uint32_t frame = row->line->frame;

	page_style(pg, PAGE_BOLD);
	page_right(pg, row->share, t->share_end);
	page_style(pg, PAGE_DIM);
	page_right(pg, row->range, t->range_end);
	page_style(pg, PAGE_PLAIN);
	page_right(pg, row->time, t->time_end);
	page_right(pg, row->mean, t->mean_end);
	if (t->ready)
		page_right(pg, row->ready, t->ready_end);
	page_to(pg, t->place);
	if (frame == AWAIT_NO_FRAME) {
		page_put(pg, "(no Python frame)");
		page_newline(pg);
		return;
	}
	put_location(r, frame, t->place_width);
	page_fit(pg, buf_str(&r->scratch), t->place_width, SAFE_CUT_MIDDLE);
	page_to(pg, t->source);
	page_style(pg, PAGE_DIM);
	put_source(r, frame);
	page_fit(pg, buf_str(&r->scratch), t->source_width, SAFE_CUT_END);
	put_inside(t, row->line);
	page_newline(pg);
}

/* ---- what all of them did ----------------------------------------------- */

static void add_part(struct buf *line, double s, double whole,
		     const char *label)
{
	double share = whole > 0 ? s / whole : 0;

	if (s <= 0)
		return;
	if (share < 0.005)
		buf_printf(line, ", <1 %% %s", label);
	else
		buf_printf(line, ", %.0f %% %s", share * 100, label);
}

static void put_title(struct report *r, const struct await_rows *rows)
{
	char life[DIGITS_SIZE], readings[DIGITS_SIZE];

	value_text(life, rows->known_s);
	digits_count(readings, rows->count[AWAIT_READINGS]);
	page_newline(&r->page);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, "what asyncio's tasks waited for");
	page_style(&r->page, PAGE_DIM);
	buf_clear(&r->scratch);
	buf_printf(&r->scratch, "in %% of %s task seconds, by %s readings",
		   life, readings);
	page_to(&r->page, r->page.column + 1);
	page_words(&r->page, buf_str(&r->scratch), MARGIN);
	page_newline(&r->page);
}

/* What all of them did, and how many there were. */
static void put_parts(struct report *r, const struct await_rows *rows)
{
	static const enum await_kind order[] = { AWAIT_FUTURE,	AWAIT_TASK,
						 AWAIT_OTHER,	AWAIT_READY,
						 AWAIT_RUNNING, AWAIT_UNKNOWN };
	char seen[DIGITS_SIZE], most[DIGITS_SIZE];

	digits_count(seen, rows->count[AWAIT_SEEN]);
	digits_count(most, rows->count[AWAIT_MOST]);
	buf_clear(&r->scratch);
	buf_printf(&r->scratch, "%s task%s seen, %s at once at most", seen,
		   rows->count[AWAIT_SEEN] == 1 ? "" : "s", most);
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		add_part(&r->scratch, rows->kind_s[order[i]], rows->life_s,
			 await_words[order[i]].label);
	if (rows->count[AWAIT_CUT])
		buf_add_str(&r->scratch, "; not all of them could be read");
	page_style(&r->page, PAGE_DIM);
	page_to(&r->page, MARGIN);
	page_words(&r->page, buf_str(&r->scratch), MARGIN);
	page_newline(&r->page);
}

static void put_rest(struct report *r, const struct await_rows *rows,
		     uint32_t shown)
{
	double share = 0;

	for (uint32_t i = shown; i < rows->lines.nr; i++)
		share += rows->lines.at[i].share;
	if (shown == rows->lines.nr)
		return;
	buf_clear(&r->scratch);
	buf_printf(
		&r->scratch, "%u more line%s share %s%.1f %%",
		rows->lines.nr - shown, rows->lines.nr - shown == 1 ? "" : "s",
		share < 0.0005 ? "<" : "", share < 0.0005 ? 0.1 : share * 100);
	page_style(&r->page, PAGE_DIM);
	page_to(&r->page, MARGIN);
	page_put(&r->page, buf_str(&r->scratch));
	page_newline(&r->page);
}

int report_awaits(struct report *r, struct err *err)
{
	struct await_table t = { .report = r };
	struct await_rows rows;
	int rc = await_rows_make(&rows, r->profile, err);

	if (rc)
		return rc;
	if (rows.count[AWAIT_SEEN]) {
		t.rows = &rows;
		t.ready =
			rows.kind_s[AWAIT_READY] >= READY_SHARE * rows.known_s;
		while (t.nr < ROWS && t.nr < rows.lines.nr &&
		       rows.lines.at[t.nr].share >= ROW_SHARE)
			fill(&t, &rows.lines.at[t.nr]);
		put_title(r, &rows);
		put_parts(r, &rows);
		if (t.nr) {
			lay_out(&t);
			put_head(&t);
		}
		for (uint32_t i = 0; i < t.nr; i++)
			put_row(&t, &t.row[i]);
		put_rest(r, &rows, t.nr);
	}
	await_rows_release(&rows);
	return ERR_OK;
}

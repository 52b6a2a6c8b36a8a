/* SPDX-License-Identifier: MIT */
#include "render/report_time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/digits.h"
#include "render/page.h"
#include "render/report_parts.h"
#include "render/time_rows.h"

#define COLUMN_A 32 /* right edges */
#define COLUMN_B 46
#define COLUMN_RATIO 56
#define COLUMN_RANGE 72
#define COLUMN_CI 50 /* of a single subject */
#define COLUMN_MOST 72

static const char *const clock_label[] = {
	[TIMING_WALL] = "wall",
	[TIMING_CPU] = "CPU",
};

static const char *end_text(const struct timing *t)
{
	switch (t->end) {
	case TIMING_NARROW:
		return "until the intervals were narrow";
	case TIMING_TIME:
		return "until the time was up";
	case TIMING_STOPPED:
		return "until it was stopped";
	case TIMING_FAILED:
		return "until a run failed";
	default:
		return "as many as were asked for";
	}
}

/* Commands may be programs of several lines. */
static void put_command(struct page *pg, const char *text)
{
	struct buf line = { 0 };

	for (; *text; text++)
		buf_add_char(&line, *text == '\n' ? ' ' : *text);
	page_put(pg, buf_str(&line));
	page_newline(pg);
	buf_release(&line);
}

static void put_runs(struct page *pg, const struct timing *t)
{
	const struct timing_subject *s = &t->subjects.at[0];
	char line[200], time[DIGITS_SIZE];
	const char *what = t->expressions ? "processes" : "runs";

	digits_seconds(time, t->elapsed_s);
	if (s->runs.nr == 1 && t->subjects.nr == 1)
		return;
	snprintf(line, sizeof(line), "%u %s%s after %u warm-up%s, %s (%s)",
		 s->runs.nr, what, t->subjects.nr > 1 ? " of each" : "",
		 s->warmups.nr, s->warmups.nr == 1 ? "" : "s", end_text(t),
		 time);
	page_style(pg, PAGE_DIM);
	page_words(pg, line, 2);
	page_newline(pg);
	if (!t->expressions)
		return;
	snprintf(line, sizeof(line), "%s, %llu executions in a batch",
		 t->python, (unsigned long long)s->loop_nr);
	page_style(pg, PAGE_DIM);
	page_words(pg, line, 2);
	page_newline(pg);
}

static void put_heading(struct page *pg, const struct timing *t)
{
	/* Expressions appear twice, without the collector and with it. */
	uint32_t step = t->expressions ? 2 : 1;
	bool two = t->subjects.nr / step > 1;

	for (uint32_t i = 0; i < t->subjects.nr; i += step) {
		page_style(pg, PAGE_BOLD);
		if (two) {
			page_put(pg, i ? "B" : "A");
			page_to(pg, 3);
		}
		put_command(pg, t->subjects.at[i].text);
	}
	put_runs(pg, t);
	page_newline(pg);
}

static void put_head(struct page *pg, const char *text, size_t end)
{
	page_style(pg, PAGE_DIM);
	page_right(pg, text, end);
}

static void put_value(struct page *pg, const struct spread *s, size_t end,
		      char range[DIGITS_SIZE])
{
	char value[DIGITS_SIZE];

	if (s->has_interval)
		digits_measured(value, range, s->median, s->at95.low,
				s->at95.high);
	else
		digits_measured(value, range, s->median, 1, 0);
	page_style(pg, PAGE_BOLD);
	page_right(pg, value, end);
	page_style(pg, PAGE_PLAIN);
}

/* --------------------------------------------------------- one subject */

static void put_single_clock(struct page *pg, const struct timing_subject *s,
			     enum timing_clock clock)
{
	char range[DIGITS_SIZE], most[DIGITS_SIZE];
	char least_text[DIGITS_SIZE], most_text[DIGITS_SIZE];
	struct spread spread;

	if (!timing_spread(s, clock, &spread))
		return;
	page_put(pg, clock_label[clock]);
	put_value(pg, &spread, COLUMN_A, range);
	if (spread.nr > 1) {
		page_right(pg, range, COLUMN_CI);
		digits_seconds(least_text, spread.least);
		digits_seconds(most_text, spread.most);
		snprintf(most, sizeof(most), "%.15s\xe2\x80\x93%.15s",
			 least_text, most_text);
		page_right(pg, most, COLUMN_MOST);
	}
	page_newline(pg);
}

static void put_rows(struct page *pg, const struct time_row *row,
		     const struct timing_subject *a,
		     const struct timing_subject *b)
{
	char text_a[DIGITS_SIZE], text_b[DIGITS_SIZE];

	for (; row->label; row++) {
		bool known = row->text(a, text_a);

		if (b ? !row->text(b, text_b) && !known : !known)
			continue;
		page_put(pg, row->label);
		page_right(pg, known ? text_a : "?", COLUMN_A);
		if (b)
			page_right(pg, row->text(b, text_b) ? text_b : "?",
				   COLUMN_B);
		if (!strcmp(row->label, "waiting")) {
			page_style(pg, PAGE_DIM);
			page_to(pg, b ? COLUMN_B + 2 : COLUMN_A + 2);
			page_put(pg, "wall \xe2\x88\x92 user \xe2\x88\x92 sys");
		}
		page_newline(pg);
	}
}

static void put_single(struct page *pg, const struct timing *t)
{
	const struct timing_subject *s = &t->subjects.at[0];

	if (s->runs.nr > 1) {
		put_head(pg, "median", COLUMN_A);
		put_head(pg, "95 % CI", COLUMN_CI);
		put_head(pg, "least\xe2\x80\x93most", COLUMN_MOST);
		page_newline(pg);
	}
	for (int clock = 0; clock < TIMING_CLOCK_NR; clock++)
		put_single_clock(pg, s, (enum timing_clock)clock);
	put_rows(pg, time_row_parts, s, NULL);
	put_rows(pg, time_row_costs, s, NULL);
}

/* --------------------------------------------------------- two subjects */

static void put_ratio(struct page *pg, const struct compare_ratio *r)
{
	char text[DIGITS_SIZE], low[DIGITS_SIZE], high[DIGITS_SIZE];
	double half = r->has_interval ? (r->at95.high - r->at95.low) / 2 : 0.01;
	unsigned decimals = digits_for(half, 3);

	if (isnan(r->ratio))
		return;
	page_style(pg,
		   r->verdict == COMPARE_DIFFERENT ? PAGE_BOLD : PAGE_PLAIN);
	digits_value(text, r->ratio, decimals);
	page_right(pg, text, COLUMN_RATIO);
	page_style(pg, PAGE_PLAIN);
	if (!r->has_interval)
		return;
	digits_value(low, r->at95.low, decimals);
	digits_value(high, r->at95.high, decimals);
	snprintf(text, sizeof(text), "%.15s\xe2\x80\x93%.15s", low, high);
	page_right(pg, text, COLUMN_RANGE);
}

static void put_pair_clock(struct page *pg, const struct timing *t,
			   const struct timing_contest *c,
			   enum timing_clock clock)
{
	struct spread a, b;
	struct compare_ratio ratio;
	char range[DIGITS_SIZE];

	if (!timing_spread(&t->subjects.at[c->a], clock, &a) ||
	    !timing_spread(&t->subjects.at[c->b], clock, &b) ||
	    !timing_ratio(t, c, clock, &ratio))
		return;
	page_put(pg, clock_label[clock]);
	put_value(pg, &a, COLUMN_A, range);
	put_value(pg, &b, COLUMN_B, range);
	put_ratio(pg, &ratio);
	page_newline(pg);
}

static void put_contest(struct page *pg, const struct timing *t,
			const struct timing_contest *c)
{
	const struct timing_subject *a = &t->subjects.at[c->a];
	const struct timing_subject *b = &t->subjects.at[c->b];
	char line[200];

	page_style(pg, PAGE_DIM);
	if (t->expressions && a->gc == b->gc)
		page_put(pg, a->gc == TIMING_GC_ON ? "garbage collection on"
						   : "garbage collection off");
	else
		page_put(pg, "medians");
	put_head(pg, time_subject_name(t, c->a), COLUMN_A);
	put_head(pg, time_subject_name(t, c->b), COLUMN_B);
	put_head(pg, t->expressions && a->gc != b->gc ? "on/off" : "B/A",
		 COLUMN_RATIO);
	put_head(pg, "95 % CI", COLUMN_RANGE);
	page_newline(pg);
	for (int clock = 0; clock < TIMING_CLOCK_NR; clock++)
		put_pair_clock(pg, t, c, (enum timing_clock)clock);
	put_rows(pg, time_row_parts, a, b);
	put_rows(pg, time_row_costs, a, b);
	page_newline(pg);
	for (int clock = 0; clock < TIMING_CLOCK_NR; clock++) {
		time_verdict(line, sizeof(line), t, c,
			     (enum timing_clock)clock);
		page_words(pg, line, 2);
		page_newline(pg);
	}
}

static void put_cautions(struct page *pg, const struct timing *t)
{
	struct timing_caution caution[TIMING_CAUTION_MOST];
	uint32_t nr = timing_cautions(t, caution);

	if (nr)
		page_newline(pg);
	for (uint32_t i = 0; i < nr; i++) {
		const char *name = time_subject_name(t, caution[i].subject);
		char line[256];

		snprintf(line, sizeof(line), "note: %s%s%s", name,
			 *name ? ": " : "", caution[i].text);
		page_style(pg, PAGE_YELLOW);
		page_words(pg, line, 2);
		page_newline(pg);
	}
}

static void put_next(struct page *pg, const struct timing *t)
{
	/* Only where it is a Python program for certain enough. */
	if (t->subjects.nr != 1 || !strstr(t->subjects.at[0].text, "python"))
		return;
	page_style(pg, PAGE_DIM);
	page_put(pg, "next: tare run -- ");
	put_command(pg, t->subjects.at[0].text);
}

int render_time(struct buf *out, const struct timing *t,
		const struct render_opts *opts, struct err *err)
{
	struct page pg = report_page(out, opts);
	struct safe_scope scope;

	safe_enter(&scope);
	put_heading(&pg, t);
	if (!t->contests.nr)
		put_single(&pg, t);
	for (uint32_t i = 0; i < t->contests.nr; i++) {
		if (i)
			page_newline(&pg);
		put_contest(&pg, t, &t->contests.at[i]);
	}
	put_cautions(&pg, t);
	put_next(&pg, t);
	safe_leave(&scope);
	return out->failed ? err_nomem(err) : ERR_OK;
}

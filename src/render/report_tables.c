/* SPDX-License-Identifier: MIT */
/*
 * The tables of a report. A row is made of texts first; then the columns are
 * as wide as the widest of them, and what is left of the page is shared by
 * names and places.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/digits.h"
#include "render/location.h"
#include "render/report_parts.h"

/* Rows below half a percent are noise to a reader, but for the first ones. */
#define SHARE_LEAST 0.005
#define ROWS_LEAST 3

#define MARGIN 0
#define GAP 2
#define BAR_FROM 110 /* columns of a page that has room for bars */
#define BAR 12

#define RANGE_HEAD "95 % CI"
#define BORROWED "in " /* before a name that stands for a source line */

struct row {
	char self[DIGITS_SIZE], range[DIGITS_SIZE];
	char total[DIGITS_SIZE], time[DIGITS_SIZE];
	double share;
	const char *name; /* of the function, or the source line */
	bool borrowed;	  /* a function's name in place of a source line */
	const char *file; /* NULL: in no file */
	uint32_t line;
};

struct table {
	struct report *report;
	struct row *rows;
	uint32_t nr;
	const char *name_head, *place_head;
	bool place_first;
	size_t self_end, range_end, total_end, time_end, bar, first, second;
	size_t name_width, place_width;
};

static void fill_figures(struct row *row, const struct summary_figure *self,
			 const struct summary_figure *total)
{
	char ignored[DIGITS_SIZE];

	row->share = self->share;
	digits_share(row->self, row->range, self->share, self->low, self->high);
	digits_share(row->total, ignored, total->share, total->low,
		     total->high);
	digits_value(
		row->time, self->s,
		digits_for(fmax(self->high_s - self->s, self->s - self->low_s),
			   3));
}

static size_t widest(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Columns of a number from its decimal point on. */
static size_t fraction(const char *number)
{
	const char *point = strchr(number, '.');

	return point ? strlen(point) : 0;
}

/*
 * The end of a column that begins `GAP` after `from`: numbers stand with
 * their points below each other, so that what counts is the widest whole part
 * and the widest fraction.
 */
static size_t number_end(const struct table *t, size_t from, size_t offset,
			 const char *head)
{
	size_t whole = 0, rest = 0, width;

	for (uint32_t i = 0; i < t->nr; i++) {
		const char *number = (const char *)&t->rows[i] + offset;
		size_t after = fraction(number);
		size_t before = strlen(number) - after;

		whole = widest(whole, before);
		rest = widest(rest, after);
	}
	width = whole + rest;
	return from + widest(width, strlen(head));
}

static size_t fraction_most(const struct table *t, size_t offset)
{
	size_t most = 0;

	for (uint32_t i = 0; i < t->nr; i++) {
		size_t after = fraction((const char *)&t->rows[i] + offset);

		most = widest(most, after);
	}
	return most;
}

static void put_number(struct table *t, const struct row *row, size_t offset,
		       size_t end)
{
	const char *number = (const char *)row + offset;

	page_right(&t->report->page, number,
		   end - (fraction_most(t, offset) - fraction(number)));
}

/* Columns that the place of `row` would take if it had `width`. */
static size_t place_takes(struct table *t, const struct row *row, size_t width)
{
	struct report *r = t->report;

	if (!row->file)
		return 0;
	location_put(&r->scratch, row->file,
		     profile_meta(r->profile, META_DIRECTORY), row->line,
		     width);
	return safe_width(buf_str(&r->scratch));
}

/*
 * Folders go before letters of names do: the places get what the names leave,
 * but never less than a file's name takes.
 */
static void shrink_places(struct table *t, size_t left)
{
	size_t least = strlen(t->place_head), spare;

	for (uint32_t i = 0; i < t->nr; i++)
		least = widest(least,
			       place_takes(t, &t->rows[i], LOCATION_BARE));
	spare = left > t->name_width ? left - t->name_width : 0;
	if (t->place_width > widest(least, spare))
		t->place_width = widest(least, spare);
}

static void lay_out(struct table *t)
{
	size_t width = t->report->page.width, left, range = strlen(RANGE_HEAD);

	t->name_width = strlen(t->name_head);
	t->place_width = strlen(t->place_head);
	for (uint32_t i = 0; i < t->nr; i++) {
		const struct row *row = &t->rows[i];
		size_t name = safe_width(row->name) +
			      (row->borrowed ? strlen(BORROWED) : 0);

		t->name_width = widest(t->name_width, name);
		t->place_width = widest(t->place_width,
					place_takes(t, row, LOCATION_ANY));
		range = widest(range, safe_width(row->range));
	}
	t->self_end =
		number_end(t, MARGIN, offsetof(struct row, self), "self %");
	t->range_end = t->self_end + GAP + range;
	t->total_end = number_end(t, t->range_end + GAP,
				  offsetof(struct row, total), "total %");
	t->time_end = number_end(t, t->total_end + GAP,
				 offsetof(struct row, time), "self s");
	t->bar = t->time_end + GAP;
	t->first = width >= BAR_FROM ? t->bar + BAR + GAP : t->bar;
	left = width - t->first - GAP;
	if (t->name_width + t->place_width > left)
		shrink_places(t, left);
	report_split(left, &t->name_width, &t->place_width);
	t->second = t->first + GAP +
		    (t->place_first ? t->place_width : t->name_width);
}

static void put_head(struct table *t)
{
	struct page *pg = &t->report->page;

	page_style(pg, PAGE_DIM);
	page_right(pg, "self %", t->self_end);
	page_right(pg, RANGE_HEAD, t->range_end);
	page_right(pg, "total %", t->total_end);
	page_right(pg, "self s", t->time_end);
	page_to(pg, t->first);
	page_put(pg, t->place_first ? t->place_head : t->name_head);
	page_to(pg, t->second);
	page_put(pg, t->place_first ? t->name_head : t->place_head);
	page_newline(pg);
}

/* A bar of eighths of a column. */
static void put_bar(struct page *pg, double share)
{
	static const char *const part[] = {
		"",
		"\xe2\x96\x8f",
		"\xe2\x96\x8e",
		"\xe2\x96\x8d",
		"\xe2\x96\x8c",
		"\xe2\x96\x8b",
		"\xe2\x96\x8a",
		"\xe2\x96\x89",
	};
	unsigned eighths = (unsigned)(share * BAR * 8 + 0.5);

	for (; eighths >= 8; eighths -= 8)
		page_put(pg, "\xe2\x96\x88");
	page_put(pg, part[eighths]);
}

static void put_name(struct table *t, const struct row *row)
{
	struct page *pg = &t->report->page;
	size_t width = t->name_width;

	if (row->borrowed) {
		page_style(pg, PAGE_DIM);
		page_put(pg, BORROWED);
		width -= strlen(BORROWED);
	} else {
		page_style(pg, t->place_first ? PAGE_PLAIN : PAGE_BOLD);
	}
	page_fit(pg, row->name, width,
		 t->place_first ? SAFE_CUT_END : SAFE_CUT_MIDDLE);
}

static void put_place(struct table *t, const struct row *row)
{
	struct report *r = t->report;

	if (!row->file)
		return;
	location_put(&r->scratch, row->file,
		     profile_meta(r->profile, META_DIRECTORY), row->line,
		     t->place_width);
	page_style(&r->page, PAGE_PLAIN);
	page_fit(&r->page, buf_str(&r->scratch), t->place_width,
		 SAFE_CUT_MIDDLE);
}

static void put_row(struct table *t, const struct row *row)
{
	struct page *pg = &t->report->page;

	page_style(pg, PAGE_BOLD);
	put_number(t, row, offsetof(struct row, self), t->self_end);
	page_style(pg, PAGE_DIM);
	page_right(pg, row->range, t->range_end);
	page_style(pg, PAGE_PLAIN);
	put_number(t, row, offsetof(struct row, total), t->total_end);
	put_number(t, row, offsetof(struct row, time), t->time_end);
	if (t->bar != t->first) {
		page_to(pg, t->bar);
		put_bar(pg, row->share);
	}
	page_to(pg, t->first);
	if (t->place_first)
		put_place(t, row);
	else
		put_name(t, row);
	page_to(pg, t->second);
	if (t->place_first)
		put_name(t, row);
	else
		put_place(t, row);
	page_newline(pg);
}

/* What was left out, so that nobody takes the rows for the whole. */
static void put_rest(struct report *r, const char *what, uint32_t nr,
		     double share)
{
	char line[100];

	if (!nr)
		return;
	snprintf(line, sizeof(line), "%u more %s%s share %s%.1f %%", nr, what,
		 nr == 1 ? "" : "s", share > 0 && share < 0.0005 ? "<" : "",
		 share > 0 && share < 0.0005 ? 0.1 : share * 100);
	page_style(&r->page, PAGE_DIM);
	page_to(&r->page, 2);
	page_put(&r->page, line);
	page_newline(&r->page);
}

/* What the shares are shares of. */
static void put_basis(struct report *r)
{
	const struct summary *s = &r->summary;
	uint32_t thread_nr = 0;
	char wall[DIGITS_SIZE], text[160];

	for (uint32_t i = 0; i < s->thread_nr; i++)
		thread_nr += s->threads[i].looks[SAMPLE_COMPLETE] > 0;

	digits_time(wall, (uint64_t)(s->wall_s * 1e9 + 0.5));
	if (thread_nr > 1)
		snprintf(text, sizeof(text),
			 "in %% of %s: the wall time of %u threads, "
			 "waiting included",
			 wall, thread_nr);
	else
		snprintf(text, sizeof(text),
			 "in %% of %s wall time, waiting included", wall);
	page_style(&r->page, PAGE_DIM);
	page_to(&r->page, r->page.column + 1);
	page_words(&r->page, text, 2);
}

static void put_table(struct table *t)
{
	lay_out(t);
	put_head(t);
	for (uint32_t i = 0; i < t->nr; i++)
		put_row(t, &t->rows[i]);
}

const char *report_function_name(const struct report *r, uint32_t function)
{
	const struct profile *p = r->profile;
	const char *name;

	if (function == SUMMARY_NO_PYTHON)
		return "(no Python frame)";
	name = profile_text(p, p->functions.at[function].name);
	return *name ? name : "?";
}

static void name_function(const struct report *r, uint32_t function,
			  struct row *row)
{
	const struct profile *p = r->profile;
	const struct profile_function *f;

	row->name = report_function_name(r, function);
	if (function == SUMMARY_NO_PYTHON)
		return;
	f = &p->functions.at[function];
	row->file = profile_text(p, f->file);
	row->line = f->line;
}

static bool worth_showing(uint32_t row, const struct summary_figure *self)
{
	return self->nr && (row < ROWS_LEAST || self->share >= SHARE_LEAST);
}

int report_functions(struct report *r, const struct summary *s, unsigned limit,
		     struct err *err)
{
	struct table t = { .report = r,
			   .name_head = "function",
			   .place_head = "defined at" };
	uint32_t hidden = 0;
	double share = 0;

	t.rows = calloc(limit, sizeof(*t.rows));
	if (!t.rows)
		return err_nomem(err);
	for (uint32_t i = 0; i < s->function_nr; i++) {
		const struct summary_function *f = &s->functions[i];

		if (t.nr < limit && worth_showing(i, &f->self)) {
			fill_figures(&t.rows[t.nr], &f->self, &f->total);
			name_function(r, f->function, &t.rows[t.nr++]);
		} else if (f->self.nr) {
			hidden++;
			share += f->self.share;
		}
	}
	put_table(&t);
	put_rest(r, "function", hidden, share);
	free(t.rows);
	return ERR_OK;
}

static const char *source_of(const struct report *r,
			     const struct summary_line *l)
{
	uint32_t at = map_get(&r->sources, (uint64_t)l->file << 32 | l->line);
	const char *text;

	if (at == MAP_NONE || !l->line)
		return "";
	text = profile_text(r->profile, r->profile->sources.at[at].text);
	return text + strspn(text, " \t\f");
}

void report_source(struct report *r, const struct summary_line *l)
{
	const char *source = source_of(r, l);

	buf_clear(&r->scratch);
	if (!*source)
		buf_add_str(&r->scratch, BORROWED);
	buf_add_str(&r->scratch,
		    *source ? source : report_function_name(r, l->function));
}

static void name_line(const struct report *r, const struct summary_line *l,
		      struct row *row)
{
	name_function(r, l->function, row);
	if (l->function == SUMMARY_NO_PYTHON)
		return;
	row->file = profile_text(r->profile, l->file);
	row->line = l->line;
	row->borrowed = true;
	if (*source_of(r, l)) {
		row->name = source_of(r, l);
		row->borrowed = false;
	}
}

static int put_lines(struct report *r, const struct summary *s, unsigned limit,
		     struct err *err)
{
	struct table t = { .report = r,
			   .name_head = "source",
			   .place_head = "line",
			   .place_first = true };
	uint32_t hidden = 0;
	double share = 0;

	t.rows = calloc(limit, sizeof(*t.rows));
	if (!t.rows)
		return err_nomem(err);
	for (uint32_t i = 0; i < s->line_nr; i++) {
		const struct summary_line *l = &s->lines[i];

		if (t.nr < limit && worth_showing(i, &l->self)) {
			fill_figures(&t.rows[t.nr], &l->self, &l->total);
			name_line(r, l, &t.rows[t.nr++]);
		} else if (l->self.nr) {
			hidden++;
			share += l->self.share;
		}
	}
	put_table(&t);
	put_rest(r, "line", hidden, share);
	free(t.rows);
	return ERR_OK;
}

int report_tables(struct report *r, struct err *err)
{
	int rc;

	if (!r->summary.complete_nr)
		return ERR_OK;
	page_newline(&r->page);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, "hottest functions");
	put_basis(r);
	page_newline(&r->page);
	rc = report_functions(r, &r->summary, r->limit, err);
	if (rc != ERR_OK)
		return rc;
	page_newline(&r->page);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, "hottest lines");
	page_newline(&r->page);
	return put_lines(r, &r->summary, r->limit, err);
}

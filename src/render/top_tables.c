/* SPDX-License-Identifier: MIT */
/* The views of functions and of lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/digits.h"
#include "render/location.h"
#include "render/top_parts.h"

#define GAP 2
#define SELF_END 7
#define TOTAL_END 15
#define WIDE 100 /* from so many columns on there is room for intervals */
#define RANGE 12
#define SECONDS 9

/* One row, of either table. */
struct row {
	struct summary_figure self, total;
	uint32_t function, line;
};

struct sorting {
	const struct profile *profile;
	unsigned order;
};

static const char *file_of(const struct profile *p, uint32_t function)
{
	return function == SUMMARY_NO_PYTHON
		       ? ""
		       : profile_text(p, p->functions.at[function].file);
}

static int compare_names(const struct profile *p, const struct row *x,
			 const struct row *y)
{
	int order = strcmp(top_function_name(p, x->function),
			   top_function_name(p, y->function));

	if (!order)
		order = strcmp(file_of(p, x->function),
			       file_of(p, y->function));
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct sorting *s = arg;
	const struct row *x = a, *y = b;
	double gap = 0;

	if (s->order == 0)
		gap = y->self.s - x->self.s;
	if (s->order <= 1 && !(gap > 0 || gap < 0))
		gap = y->total.s - x->total.s;
	if (gap > 0 || gap < 0)
		return gap > 0 ? 1 : -1;
	return compare_names(s->profile, x, y);
}

/* Share the columns that are left between a name and a place. */
static void split(size_t total, size_t *name, size_t *place)
{
	size_t least = total * 2 / 5;

	if (*name + *place <= total)
		return;
	if (least > *place)
		least = *place;
	if (*name > total - least)
		*name = total - least;
	*place = total - *name;
}

static void put_place(struct top *t, const struct row *row, size_t width)
{
	const struct profile *p = t->data->view;

	if (row->function == SUMMARY_NO_PYTHON)
		return;
	location_put(&t->scratch, file_of(p, row->function),
		     profile_meta(p, META_DIRECTORY), row->line, width);
	page_fit(&t->page, buf_str(&t->scratch), width, SAFE_CUT_MIDDLE);
}

static bool is_wide(const struct top *t)
{
	return t->page.width >= WIDE;
}

static size_t text_column(const struct top *t)
{
	return TOTAL_END + GAP + (is_wide(t) ? RANGE + SECONDS : 0);
}

/* Numbers: how much, how sure, and how long that was. */
static void put_figures(struct top *t, const struct row *row)
{
	char value[DIGITS_SIZE], range[DIGITS_SIZE];

	digits_share(value, range, row->self.share, row->self.low,
		     row->self.high);
	page_style(&t->page, row->self.share >= 0.1 ? PAGE_BOLD : PAGE_PLAIN);
	page_right(&t->page, value, SELF_END);
	if (is_wide(t)) {
		page_style(&t->page, PAGE_DIM);
		page_right(&t->page, range, SELF_END + RANGE);
	}
	digits_share(value, range, row->total.share, row->total.low,
		     row->total.high);
	page_style(&t->page, PAGE_PLAIN);
	page_right(&t->page, value, TOTAL_END + (is_wide(t) ? RANGE : 0));
	if (!is_wide(t))
		return;
	snprintf(value, sizeof(value), "%.2f", row->self.s);
	page_right(&t->page, value, TOTAL_END + RANGE + SECONDS);
}

/* How wide names and places want to be, of the rows on the screen. */
static void measure(struct top *t, const struct row *rows, uint32_t nr,
		    size_t *name, size_t *place)
{
	const struct profile *p = t->data->view;

	*name = strlen("function");
	*place = strlen("defined at");
	for (uint32_t i = 0; i < nr; i++) {
		size_t width =
			safe_width(top_function_name(p, rows[i].function));

		*name = width > *name ? width : *name;
		if (rows[i].function == SUMMARY_NO_PYTHON)
			continue;
		location_put(&t->scratch, file_of(p, rows[i].function),
			     profile_meta(p, META_DIRECTORY), rows[i].line,
			     LOCATION_ANY);
		width = safe_width(buf_str(&t->scratch));
		*place = width > *place ? width : *place;
	}
	split(t->page.width > text_column(t) + GAP
		      ? t->page.width - text_column(t) - GAP
		      : 0,
	      name, place);
}

static void put_heads(struct top *t, size_t second, bool lines)
{
	unsigned order = t->choice->order[t->choice->view];
	size_t more = is_wide(t) ? RANGE : 0;

	top_head(t, "self %", SELF_END, order == 0);
	if (more)
		top_head(t, "95 % CI", SELF_END + more, false);
	top_head(t, "total %", TOTAL_END + more, order == 1);
	if (more)
		top_head(t, "self s", TOTAL_END + more + SECONDS, false);
	page_to(&t->page, text_column(t));
	page_style(&t->page, order == 2 && !lines ? PAGE_UNDERLINE : PAGE_DIM);
	page_put(&t->page, lines ? "line" : "function");
	page_style(&t->page, order == 2 && lines ? PAGE_UNDERLINE : PAGE_DIM);
	page_to(&t->page, second);
	page_put(&t->page, lines ? "function" : "defined at");
	top_newline(t);
}

static void put_row(struct top *t, const struct row *row, size_t first,
		    size_t second, bool lines)
{
	struct page *pg = &t->page;
	size_t at = text_column(t);
	const char *name = top_function_name(t->data->view, row->function);

	put_figures(t, row);
	page_style(pg, PAGE_PLAIN);
	page_to(pg, at);
	if (lines)
		put_place(t, row, first);
	else
		page_fit(pg, name, first, SAFE_CUT_MIDDLE);
	page_to(pg, at + first + GAP);
	page_style(pg, lines ? PAGE_PLAIN : PAGE_DIM);
	if (lines)
		page_fit(pg, name, second, SAFE_CUT_MIDDLE);
	else
		put_place(t, row, second);
	top_newline(t);
}

static void put_nothing(struct top *t)
{
	page_style(&t->page, PAGE_DIM);
	page_to(&t->page, 2);
	page_put(&t->page, t->choice->cpu_only
				   ? "nothing was on a CPU (w: with waiting)"
				   : "no stack was seen yet");
	top_newline(t);
}

/* By self, what never ran itself is no row: it would be a long tail of 0. */
static uint32_t drop_idle(struct row *rows, uint32_t nr)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < nr; i++)
		if (rows[i].self.nr)
			rows[kept++] = rows[i];
	return kept;
}

static void put_table(struct top *t, struct row *rows, uint32_t nr, bool lines)
{
	enum top_view view = lines ? TOP_LINES : TOP_FUNCTIONS;
	struct sorting s = { t->data->view, t->choice->order[view] };
	uint32_t *first = &t->choice->first[view], shown;
	size_t name, place;

	if (s.order == 0)
		nr = drop_idle(rows, nr);
	if (nr)
		qsort_r(rows, nr, sizeof(*rows), compare_rows, &s);
	top_clamp(first, nr, t->room);
	shown = nr - *first < t->room ? nr - *first : t->room;
	measure(t, rows + *first, shown, &name, &place);
	put_heads(t, text_column(t) + GAP + (lines ? place : name), lines);
	for (uint32_t i = 0; i < shown; i++)
		put_row(t, &rows[*first + i], lines ? place : name,
			lines ? name : place, lines);
	if (!nr && t->room)
		put_nothing(t);
}

int top_functions(struct top *t, struct err *err)
{
	const struct summary *s = t->data->summary;
	const struct profile *p = t->data->view;
	struct row *rows = calloc((size_t)s->function_nr + 1, sizeof(*rows));

	if (!rows)
		return err_nomem(err);
	for (uint32_t i = 0; i < s->function_nr; i++) {
		const struct summary_function *f = &s->functions[i];

		rows[i] = (struct row){ f->self, f->total, f->function, 0 };
		if (f->function != SUMMARY_NO_PYTHON)
			rows[i].line = p->functions.at[f->function].line;
	}
	put_table(t, rows, s->function_nr, false);
	free(rows);
	return ERR_OK;
}

int top_lines(struct top *t, struct err *err)
{
	const struct summary *s = t->data->summary;
	struct row *rows = calloc((size_t)s->line_nr + 1, sizeof(*rows));

	if (!rows)
		return err_nomem(err);
	for (uint32_t i = 0; i < s->line_nr; i++)
		rows[i] =
			(struct row){ s->lines[i].self, s->lines[i].total,
				      s->lines[i].function, s->lines[i].line };
	put_table(t, rows, s->line_nr, true);
	free(rows);
	return ERR_OK;
}

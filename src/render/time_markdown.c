/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "render/digits.h"
#include "render/report_time.h"
#include "render/safe_text.h"
#include "render/time_rows.h"

/* As code in a cell; what would end either is written otherwise. */
static void add_code(struct buf *out, const char *text)
{
	struct buf line = { 0 };

	for (; *text; text++) {
		if (*text == '|')
			buf_add_str(&line, "\\|");
		else
			buf_add_char(&line, *text == '`'    ? '\''
					    : *text == '\n' ? ' '
							    : *text);
	}
	buf_add_char(out, '`');
	safe_add(out, buf_str(&line), SIZE_MAX / 2, SAFE_CUT_END);
	buf_add_char(out, '`');
	buf_release(&line);
}

static void add_clock(struct buf *out, const struct timing_subject *s,
		      enum timing_clock clock)
{
	char value[DIGITS_SIZE], range[DIGITS_SIZE];
	struct spread spread;

	if (!timing_spread(s, clock, &spread)) {
		out->failed = true;
		return;
	}
	if (!spread.nr) {
		buf_add_str(out, " - | - |");
		return;
	}
	digits_measured(value, range, spread.median,
			spread.has_interval ? spread.at95.low : 1,
			spread.has_interval ? spread.at95.high : 0);
	buf_printf(out, " %s | %s |", value, *range ? range : "-");
}

/* B over A in the row of B. */
static void add_ratios(struct buf *out, const struct timing *t, uint32_t i)
{
	const struct timing_contest *c = NULL;

	for (uint32_t k = 0; k < t->contests.nr; k++)
		if (t->contests.at[k].b == i)
			c = &t->contests.at[k];
	for (int clock = 0; clock < TIMING_CLOCK_NR; clock++) {
		struct compare_ratio r;

		if (!c) {
			buf_add_str(out, " 1 |");
			continue;
		}
		if (!timing_ratio(t, c, (enum timing_clock)clock, &r)) {
			out->failed = true;
			return;
		}
		if (isnan(r.ratio) || !r.has_interval)
			buf_add_str(out, " - |");
		else
			buf_printf(out, " %.3f (%.3f\xe2\x80\x93%.3f) |",
				   r.ratio, r.at95.low, r.at95.high);
	}
}

int render_time_markdown(struct buf *out, const struct timing *t,
			 struct err *err)
{
	static const char *const gc[] = { "", "off", "on" };
	bool ratios = t->contests.nr > 0;
	struct safe_scope scope;

	safe_enter(&scope);
	buf_printf(
		out, "| %s |%s wall | 95 %% CI | CPU | 95 %% CI | runs |%s\n",
		t->expressions ? "expression" : "command",
		t->expressions ? " gc |" : "",
		ratios ? " wall ratio (95 % CI) | CPU ratio (95 % CI) |" : "");
	buf_printf(out, "|:--|%s--:|--:|--:|--:|--:|%s\n",
		   t->expressions ? ":--|" : "", ratios ? "--:|--:|" : "");
	for (uint32_t i = 0; i < t->subjects.nr; i++) {
		const struct timing_subject *s = &t->subjects.at[i];

		buf_add_str(out, "| ");
		add_code(out, s->text);
		buf_add_str(out, " |");
		if (t->expressions)
			buf_printf(out, " %s |", gc[s->gc]);
		add_clock(out, s, TIMING_WALL);
		add_clock(out, s, TIMING_CPU);
		buf_printf(out, " %u |", s->runs.nr);
		if (ratios)
			add_ratios(out, t, i);
		buf_add_char(out, '\n');
	}
	safe_leave(&scope);
	return out->failed ? err_nomem(err) : ERR_OK;
}

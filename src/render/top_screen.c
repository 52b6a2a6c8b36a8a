/* SPDX-License-Identifier: MIT */
/* The whole screen, and the snapshot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/digits.h"
#include "render/top_parts.h"

/* Rows that are not the table's: title, a blank, tabs, its head, the keys. */
#define ROWS_AROUND 7

static int (*const tables[TOP_VIEW_NR])(struct top *, struct err *) = {
	[TOP_FUNCTIONS] = top_functions,
	[TOP_LINES] = top_lines,
	[TOP_THREADS] = top_threads_table,
	[TOP_PROCESSES] = top_processes,
};

static const char *const view_names[TOP_VIEW_NR] = {
	[TOP_FUNCTIONS] = "functions",
	[TOP_LINES] = "lines",
	[TOP_THREADS] = "threads",
	[TOP_PROCESSES] = "processes",
};

static const char *const help[] = {
	"1 2 3 4, Tab    functions, lines, threads, processes",
	"s               sort by the next column (it is underlined)",
	"arrows, PgUp, PgDn, Home, End    scroll; choose a thread",
	"t               follow the chosen thread, or the next one; T: all "
	"threads",
	"w               leave waiting out: shares of CPU time only",
	"f               everything since the start, or the last seconds only",
	"r               start counting anew",
	"space           hold the screen; sampling goes on",
	"q               leave; the program runs on",
	"",
	"self %    the function or line itself; total % with all that it "
	"called",
	"threads   CPU: computes; queue: ready, has no CPU; GIL: waits for it",
	"          holds: part of the time in which the thread held the GIL",
	"          over 100 % of CPU: several at a time",
};

#define HELP_NR (sizeof(help) / sizeof(help[0]))

/* ---- what all tables use ------------------------------------------------ */

void top_newline(struct top *t)
{
	page_newline(&t->page);
	t->lines++;
}

void top_head(struct top *t, const char *text, size_t end, bool sorted)
{
	page_style(&t->page, PAGE_DIM);
	if (sorted)
		page_style(&t->page, PAGE_UNDERLINE);
	page_right(&t->page, text, end);
}

void top_clamp(uint32_t *first, uint32_t nr, uint32_t room)
{
	uint32_t most = nr > room ? nr - room : 0;

	if (*first > most)
		*first = most;
}

void top_share(struct top *t, double share, size_t end)
{
	char text[DIGITS_SIZE];

	snprintf(text, sizeof(text), "%.0f", share * 100);
	if (!(share > 0))
		snprintf(text, sizeof(text), share < 0 ? "?" : "\xc2\xb7");
	else if (share < 0.005)
		snprintf(text, sizeof(text), "<1");
	page_right(&t->page, text, end);
}

const char *top_function_name(const struct profile *p, uint32_t function)
{
	const char *name;

	if (function == SUMMARY_NO_PYTHON)
		return "(no Python frame)";
	name = profile_text(p, p->functions.at[function].name);
	return *name ? name : "?";
}

void top_command(struct buf *out, const char *command)
{
	size_t program = strcspn(command, " ");

	for (size_t i = 0; i < program; i++)
		if (command[i] == '/' && i + 1 < program) {
			command += i + 1;
			program -= i + 1;
			i = (size_t)-1;
		}
	for (; *command; command++)
		buf_add_char(out, *command == '\n' ? ' ' : *command);
}

/* ---- tabs and keys ------------------------------------------------------ */

static const char *basis(struct top *t, char text[160])
{
	const struct top_choice *c = t->choice;
	const struct profile *p = t->data->view;
	const char *time = c->cpu_only ? "CPU time" : "wall time";
	uint32_t nr = 0;

	for (uint32_t i = 0; i < t->data->summary->thread_nr; i++)
		nr += t->data->summary->threads[i].looks[SAMPLE_COMPLETE] > 0;
	if (c->view == TOP_THREADS)
		snprintf(text, 160, "%% of each one's time");
	else if (c->view == TOP_PROCESSES)
		snprintf(text, 160, "%% of one CPU");
	else if (c->thread != TOP_ALL_THREADS)
		snprintf(text, 160, "%% of %s, thread %.100s", time,
			 profile_text(p, p->threads.at[c->thread].name));
	else if (nr == 1)
		snprintf(text, 160, "%% of %s", time);
	else
		snprintf(text, 160, "%% of %s, %u threads", time, nr);
	return text;
}

static void put_tabs(struct top *t)
{
	char text[160];
	size_t left;

	for (int i = 0; i < TOP_VIEW_NR; i++) {
		snprintf(text, sizeof(text), " %d %s ", i + 1, view_names[i]);
		page_style(&t->page, i == (int)t->choice->view ? PAGE_REVERSE
							       : PAGE_PLAIN);
		page_put(&t->page, text);
	}
	basis(t, text);
	left = t->page.width > t->page.column + 2
		       ? t->page.width - t->page.column - 2
		       : 0;
	page_style(&t->page, PAGE_DIM);
	if (safe_width(text) < left)
		left = safe_width(text);
	page_to(&t->page, t->page.width - left);
	page_fit(&t->page, text, left, SAFE_CUT_END);
	top_newline(t);
}

static void put_keys(struct top *t)
{
	const struct top_choice *c = t->choice;
	char text[200];

	snprintf(text, sizeof(text),
		 "q quit  ? help  1-4 view  s sort  w %s  t thread  f %s  "
		 "space %s",
		 c->cpu_only ? "waiting too" : "CPU only",
		 c->all ? "recent" : "all", c->paused ? "go on" : "hold");
	page_style(&t->page, PAGE_DIM);
	page_put(&t->page, text);
}

static void put_help(struct top *t)
{
	for (size_t i = 0; i < HELP_NR && t->lines < t->room; i++) {
		page_put(&t->page, help[i]);
		top_newline(t);
	}
}

/* ---- the two ways to show it -------------------------------------------- */

/* A thread that is followed may belong to a profile that began anew. */
static void keep_in_bounds(struct top_choice *c, const struct profile *view)
{
	if (c->thread >= view->threads.nr)
		c->thread = TOP_ALL_THREADS;
	if (c->view >= TOP_VIEW_NR)
		c->view = TOP_FUNCTIONS;
}

static int put_view(struct top *t, unsigned height, struct err *err)
{
	int rc = ERR_OK;

	if (t->choice->help) {
		t->room = height - 1;
		put_help(t);
	} else {
		t->room = height > ROWS_AROUND ? height - ROWS_AROUND : 0;
		rc = tables[t->choice->view](t, err);
	}
	while (t->lines + 1 < height)
		top_newline(t);
	put_keys(t);
	return rc;
}

int top_screen(struct buf *out, const struct top_data *d,
	       struct top_choice *choice, unsigned width, unsigned height,
	       struct err *err)
{
	struct top t = {
		.data = d,
		.choice = choice,
		.page = { .out = out, .width = width, .colour = true },
	};
	struct safe_scope scope;
	int rc;

	keep_in_bounds(choice, d->view);
	safe_enter(&scope);
	top_title(&t);
	top_newline(&t);
	put_tabs(&t);
	rc = put_view(&t, height, err);
	if (rc == ERR_OK && (out->failed || t.scratch.failed))
		rc = err_nomem(err);
	buf_release(&t.scratch);
	safe_leave(&scope);
	return rc;
}

int top_snapshot(struct buf *out, const struct top_data *d,
		 const struct top_choice *choice, unsigned width, bool colour,
		 unsigned limit, struct err *err)
{
	struct top_choice c = *choice;
	struct top t = {
		.data = d,
		.choice = &c,
		.page = { .out = out, .width = width, .colour = colour },
		.room = limit,
		.snapshot = true,
	};
	struct safe_scope scope;
	char text[160];
	int rc = ERR_OK;

	keep_in_bounds(&c, d->view);
	safe_enter(&scope);
	top_title(&t);
	for (int view = 0; view < TOP_VIEW_NR && rc == ERR_OK; view++) {
		c.view = (enum top_view)view;
		c.first[view] = 0;
		top_newline(&t);
		page_style(&t.page, PAGE_BOLD);
		page_put(&t.page, view_names[view]);
		page_style(&t.page, PAGE_DIM);
		page_to(&t.page, t.page.column + 1);
		page_put(&t.page, "in ");
		page_put(&t.page, basis(&t, text));
		top_newline(&t);
		rc = tables[view](&t, err);
	}
	if (rc == ERR_OK && (out->failed || t.scratch.failed))
		rc = err_nomem(err);
	buf_release(&t.scratch);
	safe_leave(&scope);
	return rc;
}

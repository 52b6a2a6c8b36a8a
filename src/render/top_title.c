/* SPDX-License-Identifier: MIT */
/* The lines above the tables: what runs, how much of what, in one sentence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/digits.h"
#include "render/top_parts.h"

/* "4711 python3 server.py        CPython 3.13.0 · 1 min 12 s" */
static void put_name(struct top *t)
{
	const struct top_data *d = t->data;
	const char *command = profile_meta(d->profile, META_COMMAND);
	const char *python = profile_meta(d->profile, META_PYTHON);
	char watched[DIGITS_SIZE], right[96];
	size_t width, taken;

	/* Whole seconds: no digit changes that nobody asked for. */
	digits_time(watched, d->watched_ns);
	if (d->watched_ns < 120000000000u)
		snprintf(watched, sizeof(watched), "%u s",
			 (unsigned)(d->watched_ns / 1000000000u));
	snprintf(right, sizeof(right), "%s%swatched %s", python,
		 *python ? TOP_DOT : "", watched);
	taken = safe_width(right) + 2;
	width = t->page.width > taken ? t->page.width - taken : 0;
	buf_clear(&t->scratch);
	buf_printf(&t->scratch, "%d ", d->pid);
	top_command(&t->scratch, command);
	page_style(&t->page, PAGE_BOLD);
	page_fit(&t->page, buf_str(&t->scratch), width, SAFE_CUT_MIDDLE);
	page_style(&t->page, PAGE_DIM);
	page_right(&t->page, right, t->page.width);
	top_newline(t);
}

static void add_number(struct buf *out, uint32_t nr, const char *one,
		       const char *many)
{
	char text[DIGITS_SIZE];

	digits_count(text, nr);
	buf_printf(out, "%s %s", text, nr == 1 ? one : many);
}

static void add_window(struct buf *out, const struct top *t)
{
	double s = (double)t->data->view->wall_ns / 1e9;
	char text[DIGITS_SIZE];

	if (!t->choice->all) {
		buf_printf(out, TOP_DOT "last %.1f s", s);
		return;
	}
	digits_time(text, t->data->view->wall_ns);
	buf_printf(out, TOP_DOT "all %s", text);
}

/* Processes and threads that were seen. */
static void add_who(struct buf *out, const struct profile *p)
{
	uint32_t threads = 0, processes = 0;

	for (uint32_t i = 0; i < p->processes.nr; i++) {
		uint32_t nr = top_thread_nr(p, i);

		threads += nr;
		processes += nr > 0;
	}
	if (processes > 1) {
		add_number(out, processes, "process", "processes");
		buf_add_str(out, ", ");
	}
	add_number(out, threads, "thread", "threads");
}

static void put_figures(struct top *t)
{
	const struct profile *p = t->data->view;
	double wall = (double)p->wall_ns, cpu = 0;
	uint32_t python = top_python_process(p);
	double gil = p->processes.nr ? top_gil_share(p, python) : -1;
	struct buf *out = &t->scratch;

	for (uint32_t i = 0; i < p->threads.nr; i++)
		cpu += (double)p->threads.at[i].cpu_ns;
	buf_clear(out);
	buf_printf(out, "CPU %.0f %%", wall > 0 ? cpu / wall * 100 : 0);
	if (gil >= 0)
		buf_printf(out, TOP_DOT "GIL held %.0f %%", gil * 100);
	buf_add_str(out, TOP_DOT);
	add_who(out, p);
	buf_printf(out, TOP_DOT "%.0f/%.0f Hz",
		   wall > 0 ? (double)p->tick_nr / (wall / 1e9) : 0,
		   p->asked_hz);
	add_window(out, t);
	page_put(&t->page, buf_str(out));
	top_newline(t);
}

void top_title(struct top *t)
{
	const char *note = t->data->note;

	put_name(t);
	put_figures(t);
	page_style(&t->page, *note ? PAGE_YELLOW : PAGE_BOLD);
	page_put(&t->page, *note ? note : t->data->breakdown->sentence);
	top_newline(t);
}

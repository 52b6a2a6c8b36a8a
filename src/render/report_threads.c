/* SPDX-License-Identifier: MIT */
/* The threads of a report: a row each and, when asked, a table each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/digits.h"
#include "render/report_parts.h"

#define MARGIN 2
#define GAP 2
#define COLUMNS 5     /* of numbers */
#define WAIT_FROM 100 /* columns of a page with room for the CPU wait */
#define CPU_WAIT 3
#define OWN_ROWS 5 /* of each thread's own functions */

struct thread_row {
	uint32_t thread;
	char tid[16], wall[DIGITS_SIZE], cpu[DIGITS_SIZE];
	char queue[DIGITS_SIZE], looks[DIGITS_SIZE];
	struct buf hottest;
};

struct thread_table {
	struct report *report;
	bool shown[COLUMNS];
	struct thread_row *rows;
	uint32_t nr;
	size_t name_width;
	size_t end[COLUMNS]; /* of the numbers, in their order */
};

static const char *const heads[] = { "tid", "wall", "CPU", "CPU wait",
				     "samples" };

static const char *number(const struct thread_row *row, int column)
{
	const char *const numbers[] = { row->tid, row->wall, row->cpu,
					row->queue, row->looks };

	return numbers[column];
}

static const char *thread_name(const struct report *r, uint32_t thread)
{
	const struct profile_thread *t = &r->profile->threads.at[thread];
	const char *name = profile_text(r->profile, t->name);

	if (*name)
		return name;
	return t->main ? "(main)" : "(no name)";
}

static void name_hottest(const struct report *r, struct thread_row *row,
			 const struct summary_function *f)
{
	/* One number a thread and no interval: whole percents will do. */
	buf_printf(&row->hottest, "%.0f %% ", f->self.share * 100);
	buf_add_str(&row->hottest, report_function_name(r, f->function));
}

static int fill_thread(struct report *r, struct thread_row *row,
		       struct err *err)
{
	const struct profile_thread *t = &r->profile->threads.at[row->thread];
	const struct summary_thread *st = &r->summary.threads[row->thread];
	struct summary s = { 0 };
	int rc;

	snprintf(row->tid, sizeof(row->tid), "%d", t->tid);
	digits_time(row->wall, (uint64_t)(st->wall_s * 1e9 + 0.5));
	digits_time(row->cpu, t->cpu_ns);
	digits_time(row->queue, t->run_queue_ns);
	if (!t->has_sched) {
		snprintf(row->cpu, sizeof(row->cpu), "?");
		snprintf(row->queue, sizeof(row->queue), "?");
	}
	digits_count(row->looks, st->looks[SAMPLE_COMPLETE]);
	rc = summary_make(&s, r->profile,
			  &(struct summary_of){ .scope = SUMMARY_THREAD,
						.thread = row->thread },
			  err);
	if (rc != ERR_OK)
		return rc;
	if (s.function_nr && s.functions[0].self.nr)
		name_hottest(r, row, &s.functions[0]);
	summary_release(&s);
	return row->hottest.failed ? err_nomem(err) : ERR_OK;
}

/* The main thread, then those that used most CPU, then the longest. */
static int by_weight(const void *a, const void *b, void *report)
{
	const struct report *r = report;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct profile_thread *s = &r->profile->threads.at[x];
	const struct profile_thread *t = &r->profile->threads.at[y];
	double wall =
		r->summary.threads[x].wall_s - r->summary.threads[y].wall_s;
	uint32_t main = summary_main_thread(r->profile);

	if ((x == main) != (y == main))
		return x == main ? -1 : 1;
	if (s->cpu_ns != t->cpu_ns)
		return s->cpu_ns > t->cpu_ns ? -1 : 1;
	if (wall > 0 || wall < 0)
		return wall > 0 ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void lay_out(struct thread_table *t)
{
	size_t width = t->report->page.width;

	t->name_width = strlen("thread");
	for (uint32_t i = 0; i < t->nr; i++) {
		size_t wants =
			safe_width(thread_name(t->report, t->rows[i].thread));

		t->name_width = wants > t->name_width ? wants : t->name_width;
	}
	if (t->name_width > width / 4)
		t->name_width = width / 4;
	for (int c = 0; c < COLUMNS; c++) {
		size_t wide = strlen(heads[c]);

		for (uint32_t i = 0; i < t->nr; i++) {
			size_t wants = safe_width(number(&t->rows[i], c));

			wide = wants > wide ? wants : wide;
		}
		t->shown[c] = c != CPU_WAIT || width >= WAIT_FROM;
		t->end[c] = c ? t->end[c - 1] : MARGIN + t->name_width;
		if (t->shown[c])
			t->end[c] += GAP + wide;
	}
}

static void put_rows(struct thread_table *t)
{
	struct page *pg = &t->report->page;

	page_style(pg, PAGE_DIM);
	page_to(pg, MARGIN);
	page_put(pg, "thread");
	for (int c = 0; c < COLUMNS; c++)
		if (t->shown[c])
			page_right(pg, heads[c], t->end[c]);
	page_to(pg, t->end[COLUMNS - 1] + GAP);
	page_put(pg, "hottest function");
	page_newline(pg);
	for (uint32_t i = 0; i < t->nr; i++) {
		const struct thread_row *row = &t->rows[i];

		page_to(pg, MARGIN);
		page_style(pg, PAGE_BOLD);
		page_fit(pg, thread_name(t->report, row->thread), t->name_width,
			 SAFE_CUT_MIDDLE);
		page_style(pg, PAGE_PLAIN);
		for (int c = 0; c < COLUMNS; c++)
			if (t->shown[c])
				page_right(pg, number(row, c), t->end[c]);
		page_to(pg, t->end[COLUMNS - 1] + GAP);
		page_fit(pg, buf_str(&row->hottest), SIZE_MAX, SAFE_CUT_MIDDLE);
		page_newline(pg);
	}
}

/* The functions of one thread, in shares of its own time. */
static int put_one(struct report *r, uint32_t thread, struct err *err)
{
	struct summary s = { 0 };
	int rc = summary_make(&s, r->profile,
			      &(struct summary_of){ .scope = SUMMARY_THREAD,
						    .thread = thread },
			      err);

	if (rc == ERR_OK && s.complete_nr) {
		page_newline(&r->page);
		page_style(&r->page, PAGE_BOLD);
		buf_clear(&r->scratch);
		buf_printf(&r->scratch, "thread %s (%d)",
			   thread_name(r, thread),
			   r->profile->threads.at[thread].tid);
		page_fit(&r->page, buf_str(&r->scratch), SIZE_MAX,
			 SAFE_CUT_MIDDLE);
		page_newline(&r->page);
		rc = report_functions(
			r, &s, r->limit < OWN_ROWS ? r->limit : OWN_ROWS, err);
	}
	summary_release(&s);
	return rc;
}

/* Threads that have a Python: of others the states say all. */
static uint32_t count_python(const struct report *r)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < r->summary.thread_nr; i++)
		nr += r->summary.threads[i].look_nr > 0;
	return nr;
}

static void put_title(struct report *r, uint32_t hidden)
{
	char text[80];

	page_newline(&r->page);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, "threads");
	if (hidden) {
		snprintf(text, sizeof(text), "the first %u of %u",
			 count_python(r) - hidden, count_python(r));
		page_style(&r->page, PAGE_DIM);
		page_to(&r->page, r->page.column + 1);
		page_put(&r->page, text);
	}
	page_newline(&r->page);
}

int report_threads(struct report *r, struct err *err)
{
	struct thread_table t = { .report = r };
	uint32_t all = count_python(r);
	uint32_t *order = NULL, at = 0;
	int rc = ERR_OK;

	if (all < 2)
		return ERR_OK;
	t.nr = all < r->limit ? all : r->limit;
	t.rows = calloc(t.nr, sizeof(*t.rows));
	order = calloc(all, sizeof(*order));
	if (!t.rows || !order) {
		rc = err_nomem(err);
		goto out;
	}
	for (uint32_t i = 0; i < r->profile->threads.nr; i++)
		if (r->summary.threads[i].look_nr)
			order[at++] = i;
	qsort_r(order, all, sizeof(*order), by_weight, r);
	for (uint32_t i = 0; i < t.nr && rc == ERR_OK; i++) {
		t.rows[i].thread = order[i];
		rc = fill_thread(r, &t.rows[i], err);
	}
	if (rc != ERR_OK)
		goto out;
	put_title(r, all - t.nr);
	lay_out(&t);
	put_rows(&t);
	for (uint32_t i = 0; r->opts->threads && i < t.nr; i++) {
		rc = put_one(r, order[i], err);
		if (rc != ERR_OK)
			goto out;
	}
out:
	for (uint32_t i = 0; t.rows && i < t.nr; i++)
		buf_release(&t.rows[i].hottest);
	free(t.rows);
	free(order);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/location.h"
#include "render/report_parts.h"

#define MARGIN 4
#define NAMES_MOST 3 /* of tasks that are alike */
#define SAME_MOST                                                   \
	3 /* equal frames in a row that are shown, as tracebacks do \
	   */

/* The most believable look at `thread`; of equal ones the later. */
static const struct profile_count *best_look(const struct profile *p,
					     uint32_t thread)
{
	static const int rank[SAMPLE_QUALITY_NR] = {
		[SAMPLE_COMPLETE] = 3,
		[SAMPLE_SALVAGED] = 2,
		[SAMPLE_INCONSISTENT] = 1,
		[SAMPLE_LOST] = 0,
	};
	const struct profile_count *best = NULL;

	for (uint32_t i = 0; i < p->counts.nr; i++) {
		const struct profile_count *c = &p->counts.at[i];

		if (c->thread == thread && c->nr &&
		    (!best || rank[c->quality] >= rank[best->quality]))
			best = c;
	}
	return best;
}

static void put_note(struct page *pg, const char *text)
{
	page_to(pg, MARGIN);
	page_style(pg, PAGE_DIM);
	page_words(pg, text, MARGIN);
	page_newline(pg);
}

static void put_frame(struct report *r, uint32_t frame)
{
	const struct profile *p = r->profile;
	const struct profile_frame *f = &p->frames.at[frame];
	const char *file = profile_text(p, p->functions.at[f->function].file);
	const char *directory = profile_meta(p, META_DIRECTORY);
	const char *name = report_function_name(r, f->function);
	size_t left = r->page.width - MARGIN - strlen(" ()");
	size_t name_width = safe_width(name), place_width;

	location_put(&r->scratch, file, directory, f->line, LOCATION_ANY);
	place_width = safe_width(buf_str(&r->scratch));
	report_split(left, &name_width, &place_width);
	page_to(&r->page, MARGIN);
	page_style(&r->page, PAGE_BOLD);
	page_fit(&r->page, name, name_width, SAFE_CUT_MIDDLE);
	page_style(&r->page, PAGE_PLAIN);
	page_put(&r->page, " (");
	location_put(&r->scratch, file, directory, f->line, place_width);
	page_fit(&r->page, buf_str(&r->scratch), place_width, SAFE_CUT_MIDDLE);
	page_put(&r->page, ")");
	page_newline(&r->page);
}

static void put_stack(struct report *r, uint32_t node)
{
	const struct profile *p = r->profile;

	while (node) {
		uint32_t frame = p->nodes.at[node].frame, same = 0;
		char text[64];

		for (; node && p->nodes.at[node].frame == frame; same++)
			node = p->nodes.at[node].parent;
		for (uint32_t i = 0; i < same && i < SAME_MOST; i++)
			put_frame(r, frame);
		if (same <= SAME_MOST)
			continue;
		snprintf(text, sizeof(text), "[the same frame %u more times]",
			 same - SAME_MOST);
		put_note(&r->page, text);
	}
}

static void put_thread(struct report *r, uint32_t thread)
{
	const struct profile *p = r->profile;
	const struct profile_thread *t = &p->threads.at[thread];
	const struct profile_count *look = best_look(p, thread);
	const char *name = profile_text(p, t->name);
	struct page *pg = &r->page;

	page_newline(pg);
	page_style(pg, PAGE_BOLD);
	buf_clear(&r->scratch);
	buf_printf(&r->scratch, "thread %d", t->tid);
	page_put(pg, buf_str(&r->scratch));
	page_to(pg, pg->column + 1);
	page_fit(pg, name, pg->width / 2, SAFE_CUT_MIDDLE);
	page_style(pg, PAGE_PLAIN);
	page_put(pg, t->main && *name ? " (main)" : t->main ? "(main)" : "");
	page_newline(pg);

	if (!look || look->quality == SAMPLE_LOST)
		put_note(pg, "no stack that can be believed: it changed while "
			     "it was read");
	else if (!look->node)
		put_note(pg, "no Python frame: native code, or a thread that "
			     "begins or ends");
	else if (look->quality == SAMPLE_SALVAGED)
		put_note(pg, "[the innermost calls are not known: they "
			     "changed while they were read]");
	else if (look->quality == SAMPLE_INCONSISTENT)
		put_note(pg, "[doubtful: one of these calls does not follow "
			     "from the next]");
	if (look && look->quality != SAMPLE_LOST)
		put_stack(r, look->node);
}

/* ---- asyncio ------------------------------------------------------------ */

/* Tasks that are alike in all but their names are shown as one. */
static int by_stack(const void *a, const void *b)
{
	const struct await_task *x = *(const struct await_task *const *)a;
	const struct await_task *y = *(const struct await_task *const *)b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x < y ? -1 : x > y;
}

static bool are_alike(const struct await_task *a, const struct await_task *b)
{
	return a->node == b->node && a->kind == b->kind;
}

static void put_names(struct report *r, const struct await_task *const *tasks,
		      uint32_t nr)
{
	const struct profile *p = r->profile;
	struct page *pg = &r->page;

	page_newline(pg);
	page_style(pg, PAGE_BOLD);
	page_put(pg, nr == 1 ? "task" : "tasks");
	for (uint32_t i = 0; i < nr && i < NAMES_MOST; i++) {
		page_to(pg, pg->column + 1);
		page_fit(pg, profile_text(p, tasks[i]->name), pg->width / 4,
			 SAFE_CUT_MIDDLE);
	}
	buf_clear(&r->scratch);
	if (nr > NAMES_MOST)
		buf_printf(&r->scratch, " and %u more", nr - NAMES_MOST);
	page_style(pg, PAGE_PLAIN);
	buf_printf(&r->scratch, ": %s", await_words[tasks[0]->kind].label);
	page_put(pg, buf_str(&r->scratch));
	if (nr == 1 && tasks[0]->awaiter < p->awaits.tasks.nr) {
		const struct await_task *by =
			&p->awaits.tasks.at[tasks[0]->awaiter];

		page_put(pg, ", awaited by ");
		page_fit(pg, profile_text(p, by->name), SIZE_MAX,
			 SAFE_CUT_MIDDLE);
	}
	page_newline(pg);
}

static void put_task(struct report *r, const struct await_task *const *tasks,
		     uint32_t nr)
{
	put_names(r, tasks, nr);
	if (tasks[0]->node)
		put_stack(r, tasks[0]->node);
	else if (tasks[0]->kind == AWAIT_RUNNING)
		put_note(&r->page, "[its calls are on the stack of the thread "
				   "of its loop]");
	else if (tasks[0]->kind == AWAIT_UNKNOWN)
		put_note(&r->page, "no stack that can be believed: it changed "
				   "while it was read");
	else
		put_note(&r->page, "no Python coroutine");
}

static int put_tasks(struct report *r, struct err *err)
{
	const struct awaits *a = &r->profile->awaits;
	const struct await_task **tasks =
		calloc((size_t)a->tasks.nr + 1, sizeof(*tasks));
	uint32_t nr = 0, same;

	if (!tasks)
		return err_nomem(err);
	for (uint32_t i = 0; i < a->tasks.nr; i++)
		if (!a->tasks.at[i].done)
			tasks[nr++] = &a->tasks.at[i];
	if (nr)
		qsort(tasks, nr, sizeof(*tasks), by_stack);
	for (uint32_t i = 0; i < nr; i += same) {
		for (same = 1; i + same < nr; same++)
			if (!are_alike(tasks[i], tasks[i + same]))
				break;
		put_task(r, tasks + i, same);
	}
	free(tasks);
	return ERR_OK;
}

static void put_heading(struct report *r)
{
	const struct profile *p = r->profile;
	const char *python = profile_meta(p, META_PYTHON);

	buf_clear(&r->scratch);
	if (p->threads.nr)
		buf_printf(&r->scratch, "process %d: ", profile_pid(p, 0));
	report_command(r);
	page_style(&r->page, PAGE_BOLD);
	page_put(&r->page, buf_str(&r->scratch));
	page_newline(&r->page);
	buf_clear(&r->scratch);
	buf_printf(&r->scratch, "%s%s%u %s, the innermost call first", python,
		   *python ? ", " : "", p->threads.nr,
		   p->threads.nr == 1 ? "thread" : "threads");
	page_words(&r->page, buf_str(&r->scratch), 2);
	page_newline(&r->page);
}

int render_dump(struct buf *out, const struct profile *p,
		const struct render_opts *opts, struct err *err)
{
	struct report r = { .profile = p, .opts = opts };
	struct safe_scope scope;
	int rc = ERR_OK;

	r.page = report_page(out, opts);
	safe_enter(&scope);
	put_heading(&r);
	for (int main = 1; main >= 0; main--)
		for (uint32_t i = 0; i < p->threads.nr; i++)
			if (p->threads.at[i].main == (bool)main)
				put_thread(&r, i);
	rc = put_tasks(&r, err);
	if (rc == ERR_OK && (out->failed || r.scratch.failed))
		rc = err_nomem(err);
	buf_release(&r.scratch);
	safe_leave(&scope);
	return rc;
}

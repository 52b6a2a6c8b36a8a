/* SPDX-License-Identifier: MIT */
/* The view of threads: what each spends its time on, and where it is now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/location.h"
#include "render/top_parts.h"

#define GAP 2
#define PID 7
#define NAME_LEAST 12
#define NAME_MOST 32

/* Half of a thread's time catches the eye. */
#define BOLD_SHARE 0.5

/* Width of each column, the gap before it included. */
static const struct {
	const char *head;
	size_t width;
} columns[GROUP_NR] = {
	[GROUP_ON_CPU] = { "CPU", 4 },	 [GROUP_RUN_QUEUE] = { "queue", 6 },
	[GROUP_GIL_WAIT] = { "GIL", 4 }, [GROUP_LOCK] = { "lock", 5 },
	[GROUP_IO] = { "I/O", 4 },	 [GROUP_SLEEP] = { "sleep", 6 },
	[GROUP_CHILD] = { "child", 6 },	 [GROUP_OTHER] = { "other", 6 },
};

/* Of the column that says who holds the GIL. */
#define HOLDS 6

static size_t name_width(const struct top *t, const struct top_threads *list)
{
	const struct profile *p = t->data->view;
	size_t width = NAME_LEAST;

	for (uint32_t i = 0; i < list->nr; i++) {
		size_t wants = safe_width(
			profile_text(p, p->threads.at[list->at[i]].name));

		width = wants > width ? wants : width;
	}
	return width < t->page.width / 5	? width
	       : t->page.width / 5 > NAME_LEAST ? t->page.width / 5 < NAME_MOST
							  ? t->page.width / 5
							  : NAME_MOST
						: NAME_LEAST;
}

static size_t pid_width(const struct top *t)
{
	return t->data->view->processes.nr > 1 ? PID : 0;
}

static void put_heads(struct top *t, size_t name)
{
	unsigned order = t->choice->order[TOP_THREADS];
	size_t end = name + pid_width(t);

	page_style(&t->page, order == 2 ? PAGE_UNDERLINE : PAGE_DIM);
	page_put(&t->page, "thread");
	if (pid_width(t))
		top_head(t, "pid", end, false);
	for (int i = 0; i < GROUP_NR; i++) {
		end += columns[i].width;
		top_head(t, columns[i].head, end,
			 i == GROUP_ON_CPU && order == 0);
	}
	end += HOLDS;
	top_head(t, "holds", end, order == 1);
	page_style(&t->page, PAGE_DIM);
	page_to(&t->page, end + GAP);
	page_put(&t->page, "now in");
	top_newline(t);
}

static double group_share(const struct summary_thread *t, int group)
{
	double s = 0;

	for (int i = 0; i < STATE_NR; i++)
		if (state_words[i].group == (enum state_group)group)
			s += t->states[i].s;
	return t->wall_s > 0 ? s / t->wall_s : 0;
}

static void put_now(struct top *t, uint32_t thread, size_t at)
{
	const struct profile *p = t->data->profile;
	uint32_t frame = top_frame_now(t->data, thread), function;
	size_t width, name;

	if (at >= t->page.width)
		return;
	width = t->page.width - at;
	page_to(&t->page, at);
	if (frame == UINT32_MAX) {
		page_style(&t->page, PAGE_DIM);
		page_put(&t->page, "(no Python)");
		return;
	}
	function = p->frames.at[frame].function;
	name = safe_width(top_function_name(p, function));
	page_fit(&t->page, top_function_name(p, function), width,
		 SAFE_CUT_MIDDLE);
	/* The place as well where there is room for a good part of it. */
	if (name + GAP + NAME_LEAST > width)
		return;
	width -= name + 1;
	location_put(&t->scratch,
		     profile_text(p, p->functions.at[function].file),
		     profile_meta(p, META_DIRECTORY), p->frames.at[frame].line,
		     width);
	page_style(&t->page, PAGE_DIM);
	page_to(&t->page, at + name + 1);
	page_fit(&t->page, buf_str(&t->scratch), width, SAFE_CUT_MIDDLE);
}

static void put_states(struct top *t, uint32_t thread, size_t end)
{
	const struct summary_thread *st = &t->data->summary->threads[thread];

	for (int i = 0; i < GROUP_NR; i++) {
		double share = group_share(st, i);

		end += columns[i].width;
		page_style(&t->page,
			   share >= BOLD_SHARE ? PAGE_BOLD : PAGE_PLAIN);
		top_share(t, share, end);
	}
}

static void put_row(struct top *t, uint32_t thread, size_t name, bool selected)
{
	const struct profile *p = t->data->view;
	const struct profile_thread *of = &p->threads.at[thread];
	const char *text = profile_text(p, of->name);
	size_t end = name + pid_width(t);
	char pid[16];

	page_style(&t->page, selected ? PAGE_REVERSE : PAGE_PLAIN);
	page_fit(&t->page,
		 *text	    ? text
		 : of->main ? "(main)"
			    : "(no name)",
		 name, SAFE_CUT_MIDDLE);
	page_style(&t->page, PAGE_DIM);
	snprintf(pid, sizeof(pid), "%d", profile_pid(p, thread));
	if (pid_width(t))
		page_right(&t->page, pid, end);
	put_states(t, thread, end);
	for (int i = 0; i < GROUP_NR; i++)
		end += columns[i].width;
	end += HOLDS;
	page_style(&t->page, PAGE_PLAIN);
	top_share(t, top_gil_share_of(p, thread), end);
	put_now(t, thread, end + GAP);
	top_newline(t);
}

/* The row that is selected is on the screen. */
static void follow_selection(struct top_choice *c, uint32_t nr, uint32_t room)
{
	uint32_t *first = &c->first[TOP_THREADS];

	if (c->selected >= nr)
		c->selected = nr ? nr - 1 : 0;
	if (c->selected < *first)
		*first = c->selected;
	if (room && c->selected >= *first + room)
		*first = c->selected - room + 1;
	top_clamp(first, nr, room);
}

int top_threads_table(struct top *t, struct err *err)
{
	struct top_choice *c = t->choice;
	struct top_threads list;
	size_t name;
	int rc = top_list_threads(&list, t->data, c->order[TOP_THREADS], err);

	if (rc)
		return rc;
	if (!t->snapshot)
		follow_selection(c, list.nr, t->room);
	name = name_width(t, &list);
	put_heads(t, name);
	for (uint32_t i = c->first[TOP_THREADS];
	     i < list.nr && i - c->first[TOP_THREADS] < t->room; i++)
		put_row(t, list.at[i], name, !t->snapshot && i == c->selected);
	free(list.at);
	return ERR_OK;
}

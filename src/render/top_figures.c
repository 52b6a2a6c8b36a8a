/* SPDX-License-Identifier: MIT */
/* Figures of a view that no summary has. */
#include <stdlib.h>
#include <string.h>

#include "render/top_parts.h"

static const char *const orders[TOP_VIEW_NR][TOP_ORDER_NR] = {
	[TOP_FUNCTIONS] = { "self", "total", "name" },
	[TOP_LINES] = { "self", "total", "name" },
	[TOP_THREADS] = { "CPU", "GIL", "name" },
	[TOP_PROCESSES] = { "tree", "CPU", "memory" },
};

const char *top_order_name(enum top_view view, unsigned order)
{
	return orders[view][order % TOP_ORDER_NR];
}

unsigned top_order_find(enum top_view view, const char *name)
{
	unsigned i = 0;

	while (i < TOP_ORDER_NR && strcmp(orders[view][i], name) != 0)
		i++;
	return i;
}

double top_gil_share(const struct profile *view, uint32_t process)
{
	const struct profile_process *p = &view->processes.at[process];

	return p->gil_ticks ? (double)p->gil_held_ticks / (double)p->gil_ticks
			    : -1;
}

double top_gil_share_of(const struct profile *view, uint32_t thread)
{
	const struct profile_thread *t = &view->threads.at[thread];
	uint64_t ticks = view->processes.at[t->process].gil_ticks;

	return ticks ? (double)t->gil_ticks / (double)ticks : -1;
}

static bool was_seen(const struct profile_thread *t)
{
	for (int q = 0; q < SAMPLE_QUALITY_NR; q++)
		if (t->looks[q])
			return true;
	return false;
}

uint64_t top_cpu_ns(const struct profile *view, uint32_t process)
{
	uint64_t ns = 0;

	for (uint32_t i = 0; i < view->threads.nr; i++)
		if (view->threads.at[i].process == process)
			ns += view->threads.at[i].cpu_ns;
	return ns;
}

uint32_t top_thread_nr(const struct profile *view, uint32_t process)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < view->threads.nr; i++)
		nr += view->threads.at[i].process == process &&
		      was_seen(&view->threads.at[i]);
	return nr;
}

uint32_t top_python_process(const struct profile *view)
{
	for (uint32_t i = 0; i < view->processes.nr; i++)
		if (view->processes.at[i].python)
			return i;
	return 0;
}

uint32_t top_frame_now(const struct top_data *d, uint32_t thread)
{
	const struct profile *p = d->profile;
	uint32_t count = window_last_look(d->window, thread), node;

	node = count == UINT32_MAX ? 0 : p->counts.at[count].node;
	return node ? p->nodes.at[node].frame : UINT32_MAX;
}

struct sorting {
	const struct top_data *data;
	unsigned order;
};

/* Time in which it computed, or would have liked to. */
static double wanted_s(const struct summary_thread *t)
{
	double s = 0;

	for (int i = 0; i < STATE_NR; i++)
		if (state_words[i].group == GROUP_ON_CPU ||
		    state_words[i].group == GROUP_RUN_QUEUE ||
		    state_words[i].group == GROUP_GIL_WAIT)
			s += t->states[i].s;
	return s;
}

static int compare(double x, double y)
{
	return (x < y) - (x > y);
}

static int compare_threads(const void *a, const void *b, void *arg)
{
	const struct sorting *s = arg;
	const struct profile *view = s->data->view;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct summary_thread *all = s->data->summary->threads;
	int order = 0;

	if (s->order == 1)
		order = compare(top_gil_share_of(view, x),
				top_gil_share_of(view, y));
	if (s->order == 2)
		order = strcmp(profile_text(view, view->threads.at[x].name),
			       profile_text(view, view->threads.at[y].name));
	if (!order && s->order != 2)
		order = compare(wanted_s(&all[x]), wanted_s(&all[y]));
	return order ? order : (x > y) - (x < y);
}

int top_list_threads(struct top_threads *out, const struct top_data *d,
		     unsigned order, struct err *err)
{
	struct sorting s = { d, order };

	out->nr = 0;
	out->at = calloc((size_t)d->view->threads.nr + 1, sizeof(*out->at));
	if (!out->at)
		return err_nomem(err);
	for (uint32_t i = 0; i < d->view->threads.nr; i++)
		if (was_seen(&d->view->threads.at[i]))
			out->at[out->nr++] = i;
	qsort_r(out->at, out->nr, sizeof(*out->at), compare_threads, &s);
	return ERR_OK;
}

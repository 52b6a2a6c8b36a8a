/* SPDX-License-Identifier: MIT */
#include "commands/top_json.h"

#include <jansson.h>
#include <stdlib.h>

#include "commands/dump_json.h"

static json_t *text_or_null(const char *text)
{
	return *text ? dump_json_text(text) : json_null();
}

static json_t *share_or_null(double share)
{
	return share < 0 ? json_null() : json_real(share);
}

static json_t *line_or_null(uint32_t line)
{
	return line ? json_integer(line) : json_null();
}

/* Add the figures of a function or line to `object`. */
static json_t *with_figures(json_t *object, const struct summary_figure *self,
			    const struct summary_figure *total)
{
	json_t *figures = json_pack(
		"{s:f, s:f, s:f, s:f, s:[f, f], s:[f, f], s:I, s:I}", "self_s",
		self->s, "total_s", total->s, "self_share", self->share,
		"total_share", total->share, "share_interval", self->low,
		self->high, "total_share_interval", total->low, total->high,
		"self_samples", (json_int_t)self->nr, "total_samples",
		(json_int_t)total->nr);

	json_object_update(object, figures);
	json_decref(figures);
	return object;
}

static json_t *place(const struct profile *p, uint32_t function, uint32_t line)
{
	const struct profile_function *f;

	if (function == SUMMARY_NO_PYTHON)
		return json_pack("{s:n, s:s, s:n}", "file", "function",
				 "(no Python frame)", "line");
	f = &p->functions.at[function];
	return json_pack("{s:o, s:o, s:o}", "file",
			 dump_json_text(profile_text(p, f->file)), "function",
			 dump_json_text(profile_text(p, f->name)), "line",
			 line_or_null(line));
}

static json_t *functions(const struct top_data *d)
{
	const struct summary *s = d->summary;
	json_t *list = json_array();

	for (uint32_t i = 0; i < s->function_nr; i++) {
		const struct summary_function *f = &s->functions[i];
		uint32_t line =
			f->function == SUMMARY_NO_PYTHON
				? 0
				: d->view->functions.at[f->function].line;

		json_array_append_new(
			list, with_figures(place(d->view, f->function, line),
					   &f->self, &f->total));
	}
	return list;
}

static json_t *lines(const struct top_data *d)
{
	const struct summary *s = d->summary;
	json_t *list = json_array();

	for (uint32_t i = 0; i < s->line_nr; i++) {
		const struct summary_line *l = &s->lines[i];

		json_array_append_new(
			list, with_figures(place(d->view, l->function, l->line),
					   &l->self, &l->total));
	}
	return list;
}

static json_t *states(const struct summary_thread *t)
{
	double seconds[STATE_NR];
	json_t *object = json_object();

	for (int i = 0; i < STATE_NR; i++)
		seconds[i] = t->states[i].s;
	for (int g = 0; g < GROUP_NR; g++)
		json_object_set_new(object, state_group_key[g],
				    json_real(breakdown_group_s(
					    seconds, (enum state_group)g)));
	return object;
}

static json_t *thread(const struct top_data *d, uint32_t index)
{
	const struct profile *p = d->view;
	const struct profile_thread *t = &p->threads.at[index];
	uint32_t frame = top_frame_now(d, index);
	json_t *now = json_null();

	if (frame != UINT32_MAX)
		now = place(p, p->frames.at[frame].function,
			    p->frames.at[frame].line);
	return json_pack(
		"{s:i, s:i, s:o, s:b, s:f, s:o, s:o, s:o, s:o}", "pid",
		(int)profile_pid(p, index), "tid", (int)t->tid, "name",
		text_or_null(profile_text(p, t->name)), "main", t->main ? 1 : 0,
		"wall_s", d->summary->threads[index].wall_s, "cpu_s",
		t->has_sched ? json_real((double)t->cpu_ns / 1e9) : json_null(),
		"states", states(&d->summary->threads[index]), "gil_share",
		share_or_null(top_gil_share_of(p, index)), "now", now);
}

static json_t *threads(const struct top_data *d)
{
	json_t *list = json_array();
	struct top_threads order;
	struct err ignored;

	if (top_list_threads(&order, d, 0, &ignored) != ERR_OK)
		return list;
	for (uint32_t i = 0; i < order.nr; i++)
		json_array_append_new(list, thread(d, order.at[i]));
	free(order.at);
	return list;
}

static json_t *process(const struct top_data *d, uint32_t index)
{
	const struct profile *p = d->view;
	const struct profile_process *of = &p->processes.at[index];
	const struct top_process *now = &d->processes[index];
	char state[2] = { now->state, '\0' };

	return json_pack(
		"{s:i, s:o, s:o, s:o, s:o, s:f, s:i, s:o, s:o, s:o}", "pid",
		(int)of->pid, "parent",
		of->parent == PROCESS_NONE
			? json_null()
			: json_integer(p->processes.at[of->parent].pid),
		"command", text_or_null(profile_text(p, of->command)), "python",
		text_or_null(profile_text(p, of->python)), "trouble",
		text_or_null(profile_text(p, of->trouble)), "cpu_s",
		(double)top_cpu_ns(p, index) / 1e9, "threads",
		(int)top_thread_nr(p, index), "state", text_or_null(state),
		"memory_bytes",
		now->memory_bytes ? json_integer((json_int_t)now->memory_bytes)
				  : json_null(),
		"gil_share", share_or_null(top_gil_share(p, index)));
}

static json_t *processes(const struct top_data *d)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->view->processes.nr; i++)
		json_array_append_new(list, process(d, i));
	return list;
}

static json_t *sampling(const struct summary_sampling *s)
{
	return json_pack(
		"{s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "asked_hz",
		s->asked_hz, "delivered_hz", s->delivered_hz, "ticks",
		(json_int_t)s->ticks, "missed_ticks", (json_int_t)s->missed,
		"taken", (json_int_t)s->taken, "complete",
		(json_int_t)s->complete, "salvaged", (json_int_t)s->salvaged,
		"inconsistent", (json_int_t)s->inconsistent, "lost",
		(json_int_t)s->lost);
}

int top_json(struct buf *out, const struct top_data *d, struct err *err)
{
	const struct profile *p = d->view;
	double cpu = 0;
	json_t *root;

	for (uint32_t i = 0; i < p->threads.nr; i++)
		cpu += (double)p->threads.at[i].cpu_ns / 1e9;
	root = json_pack(
		"{s:s, s:i, s:o, s:o, s:f, s:f, s:o, s:o}", "schema",
		"tare.top/1", "pid", d->pid, "command",
		text_or_null(profile_meta(d->profile, META_COMMAND)), "python",
		text_or_null(profile_meta(d->profile, META_PYTHON)), "window_s",
		(double)p->wall_ns / 1e9, "cpu_s", cpu, "gil_share",
		p->processes.nr
			? share_or_null(top_gil_share(p, top_python_process(p)))
			: json_null(),
		"sentence", text_or_null(d->breakdown->sentence));
	if (!root)
		return err_nomem(err);
	json_object_set_new(root, "functions", functions(d));
	json_object_set_new(root, "lines", lines(d));
	json_object_set_new(root, "threads", threads(d));
	json_object_set_new(root, "processes", processes(d));
	json_object_set_new(root, "sampling", sampling(&d->summary->sampling));
	return dump_json_add(out, root, err);
}

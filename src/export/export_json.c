/* SPDX-License-Identifier: MIT */
/*
 * The object `tare.report/1`. docs/json.md tells what each key means; keys
 * are added there and here together, and none ever changes its meaning.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/clean.h"
#include "export/export.h"
#include "profile/await_rows.h"
#include "profile/caution.h"
#include "profile/expect.h"
#include "profile/merged_rows.h"
#include "profile/native_rows.h"
#include "profile/summary.h"

#define NOT_YET "not estimated yet"

/*
 * Every value passes through set() or append(), which take it over and note
 * when it could not be made; so nothing else here need look.
 */
struct writer {
	const struct profile *profile;
	struct summary summary;
	struct map sources; /* file << 32 | line -> profile.sources */
	struct buf scratch;
	bool failed;
};

static void set(struct writer *w, json_t *object, const char *key,
		json_t *value)
{
	if (json_object_set_new_nocheck(object, key, value) != 0)
		w->failed = true;
}

static void append(struct writer *w, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		w->failed = true;
}

static json_t *text(struct writer *w, const char *raw)
{
	buf_clear(&w->scratch);
	clean_utf8(&w->scratch, raw);
	if (w->scratch.failed)
		w->failed = true;
	return json_stringn_nocheck(buf_str(&w->scratch), w->scratch.size);
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *seconds(uint64_t ns)
{
	return number((double)ns / 1e9);
}

static json_t *pair(struct writer *w, double low, double high)
{
	json_t *array = json_array();

	append(w, array, number(low));
	append(w, array, number(high));
	return array;
}

/* The text of meta `key`, or null where the recording has none. */
static json_t *meta(struct writer *w, const char *key)
{
	const char *value = profile_meta(w->profile, key);

	return *value ? text(w, value) : json_null();
}

static json_t *meta_number(struct writer *w, const char *key)
{
	const char *value = profile_meta(w->profile, key);
	char *end;
	double parsed = strtod(value, &end);

	if (!*value || *end)
		return json_null();
	return parsed >= 0 && parsed < 1e9 && parsed == floor(parsed)
		       ? json_integer((json_int_t)parsed)
		       : number(parsed);
}

static json_t *all_meta(struct writer *w)
{
	static const char *const keys[] = {
		META_COMMAND, META_DIRECTORY, META_PYTHON, META_EXECUTABLE,
		META_HOST,    META_KERNEL,    META_TARE,   META_START_UTC,
		META_MODE,    META_EXIT,      META_ROOT,
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		set(w, object, keys[i], meta(w, keys[i]));
	set(w, object, META_CPU_NR, meta_number(w, META_CPU_NR));
	set(w, object, META_LOAD, meta_number(w, META_LOAD));
	return object;
}

static void cause(struct writer *w, json_t *tare, const char *name, double s)
{
	json_t *entry;

	if (s <= 0)
		return;
	entry = json_object();
	set(w, entry, "cause", text(w, name));
	set(w, entry, "seconds", number(s));
	append(w, tare, entry);
}

/* What a ledger is made of; seconds below 0 are not known. */
struct weights {
	double wall_s, cpu_s;
	double states[STATE_NR];
	bool on_cpu_clock; /* closes on cpu_s, not on wall_s */
};

static double group_s(const struct weights *k, enum state_group group)
{
	double s = 0;

	for (int i = 0; i < STATE_NR; i++)
		if (state_words[i].group == group)
			s += k->states[i];
	return s;
}

/* Causes on the wall clock, the keys of state groups being their names. */
static void put_waits(struct writer *w, json_t *tare, const struct weights *k)
{
	for (int g = GROUP_RUN_QUEUE; g < GROUP_OTHER; g++)
		cause(w, tare, state_group_key[g],
		      group_s(k, (enum state_group)g));
}

/*
 * The four keys of a ledger. As long as no net is estimated, all work on a CPU
 * is time not weighed, so that it closes: on the wall clock of a thread, on
 * the CPU clock of anything larger, where `unexplained` is what the kernel
 * counted for the process but for none of the threads that were seen.
 */
static void put_ledger(struct writer *w, json_t *object,
		       const struct weights *k)
{
	json_t *gross = json_object(), *rest = json_array(),
	       *tare = json_array();
	double gc_s = state_sum(k->states, STATES_COLLECTING);
	double work_s = group_s(k, GROUP_ON_CPU) - gc_s, unexplained_s;

	set(w, gross, "wall_s", number(k->wall_s));
	set(w, gross, "cpu_s", k->cpu_s < 0 ? json_null() : number(k->cpu_s));
	if (!k->on_cpu_clock) {
		put_waits(w, tare, k);
		unexplained_s = group_s(k, GROUP_OTHER);
	} else {
		work_s = fmin(work_s, fmax(k->cpu_s - gc_s, 0));
		unexplained_s = k->cpu_s - gc_s - work_s;
	}
	cause(w, tare, "gc", gc_s);
	cause(w, tare, "unexplained", unexplained_s);
	if (work_s > 0) {
		json_t *entry = json_object();

		set(w, entry, "reason", text(w, "net " NOT_YET));
		set(w, entry, "seconds", number(work_s));
		append(w, rest, entry);
	}
	set(w, object, "gross", gross);
	set(w, object, "net", json_null());
	set(w, object, "why", text(w, NOT_YET));
	set(w, object, "tare", tare);
	set(w, object, "not_weighed", rest);
}

static double thread_cpu_s(const struct profile_thread *t)
{
	return t->has_sched ? (double)t->cpu_ns / 1e9 : -1;
}

static void weigh_thread(struct writer *w, uint32_t index, struct weights *k)
{
	const struct summary_thread *s = &w->summary.threads[index];

	k->wall_s = s->wall_s;
	k->cpu_s = thread_cpu_s(&w->profile->threads.at[index]);
	k->on_cpu_clock = false;
	for (int i = 0; i < STATE_NR; i++)
		k->states[i] = s->states[i].s;
}

/* The kernel's CPU time of a whole process; below 0: not known. */
static double figures_cpu_s(const struct process_figures *f)
{
	if (!process_knows(f, PROCESS_USER_NS) ||
	    !process_knows(f, PROCESS_SYS_NS))
		return -1;
	return (double)(f->value[PROCESS_USER_NS] + f->value[PROCESS_SYS_NS]) /
	       1e9;
}

/* All threads of a process or, with PROCESS_NONE, of the job. */
static void weigh_process(struct writer *w, uint32_t process, struct weights *k)
{
	const struct profile *p = w->profile;
	const struct process_figures *f = &p->figures;
	double cpu_s = -1;

	memset(k, 0, sizeof(*k));
	k->on_cpu_clock = true;
	k->wall_s = (double)p->wall_ns / 1e9;
	if (process != PROCESS_NONE) {
		const struct profile_process *of = &p->processes.at[process];

		f = &of->figures;
		k->wall_s = (double)(of->end_ns - of->start_ns) / 1e9;
	}
	for (uint32_t i = 0; i < p->threads.nr; i++) {
		const struct profile_thread *t = &p->threads.at[i];

		if (process != PROCESS_NONE && t->process != process)
			continue;
		if (t->has_sched)
			cpu_s = fmax(cpu_s, 0) + thread_cpu_s(t);
		for (int n = 0; n < STATE_NR; n++)
			k->states[n] += w->summary.threads[i].states[n].s;
	}
	/* /proc counts in 10 ms, and what was waited for is not all. */
	k->cpu_s = fmax(figures_cpu_s(f), cpu_s);
}

static json_t *scope(struct writer *w, const char *kind, const char *clock)
{
	json_t *object = json_object();

	set(w, object, "scope", text(w, kind));
	set(w, object, "pid", json_null());
	set(w, object, "tid", json_null());
	set(w, object, "name", json_null());
	set(w, object, "clock", text(w, clock));
	return object;
}

static json_t *job_ledger(struct writer *w)
{
	json_t *object = scope(w, "job", "cpu");
	struct weights k;

	set(w, object, "name", meta(w, META_COMMAND));
	weigh_process(w, PROCESS_NONE, &k);
	put_ledger(w, object, &k);
	return object;
}

static json_t *process_ledger(struct writer *w, uint32_t index)
{
	const struct profile_process *process =
		&w->profile->processes.at[index];
	json_t *object = scope(w, "process", "cpu");
	struct weights k;

	set(w, object, "pid", json_integer(process->pid));
	set(w, object, "name",
	    text(w, profile_text(w->profile, process->command)));
	weigh_process(w, index, &k);
	put_ledger(w, object, &k);
	return object;
}

static json_t *thread_ledger(struct writer *w, uint32_t index)
{
	const struct profile_thread *t = &w->profile->threads.at[index];
	json_t *object = scope(w, "thread", "wall");
	struct weights k;

	set(w, object, "pid", json_integer(profile_pid(w->profile, index)));
	set(w, object, "tid", json_integer(t->tid));
	set(w, object, "name", text(w, profile_text(w->profile, t->name)));
	weigh_thread(w, index, &k);
	put_ledger(w, object, &k);
	return object;
}

static json_t *ledgers(struct writer *w)
{
	const struct profile *p = w->profile;
	json_t *array = json_array();

	append(w, array, job_ledger(w));
	for (uint32_t i = 0; i < p->processes.nr; i++)
		append(w, array, process_ledger(w, i));
	for (uint32_t i = 0; i < p->threads.nr; i++)
		append(w, array, thread_ledger(w, i));
	return array;
}

/* A figure in the unit that its key says: seconds where the kernel has
 * nanoseconds. */
static void put_figure(struct writer *w, json_t *object,
		       const struct process_figures *f, enum process_figure i)
{
	json_t *value = json_null();

	if (process_knows(f, i))
		value = count(f->value[i]);
	set(w, object, process_figure_key[i], value);
}

static json_t *all_figures(struct writer *w, const struct process_figures *f)
{
	json_t *object = json_object();
	bool user = process_knows(f, PROCESS_USER_NS);
	bool sys = process_knows(f, PROCESS_SYS_NS);

	set(w, object, "user_s",
	    user ? seconds(f->value[PROCESS_USER_NS]) : json_null());
	set(w, object, "sys_s",
	    sys ? seconds(f->value[PROCESS_SYS_NS]) : json_null());
	for (int i = PROCESS_PEAK_BYTES; i < PROCESS_FIGURE_NR; i++)
		put_figure(w, object, f, (enum process_figure)i);
	return object;
}

static json_t *totals(struct writer *w)
{
	const struct profile *p = w->profile;
	const struct process_figures *f = &p->figures;
	json_t *object = all_figures(w, f);
	double real_s = (double)p->wall_ns / 1e9;
	double cpu_s = figures_cpu_s(f);

	set(w, object, "real_s", number(real_s));
	/* Several CPUs at work: waiting cannot be told by subtraction. */
	set(w, object, "waiting_s",
	    cpu_s < 0 || cpu_s > real_s ? json_null() : number(real_s - cpu_s));
	set(w, object, "instructions_per_cycle",
	    number(process_ratio(f, PROCESS_INSTRUCTIONS, PROCESS_CYCLES)));
	return object;
}

static json_t *or_null(struct writer *w, uint32_t string)
{
	const char *raw = profile_text(w->profile, string);

	return *raw ? text(w, raw) : json_null();
}

static json_t *process(struct writer *w, uint32_t index)
{
	const struct profile *p = w->profile;
	const struct profile_process *of = &p->processes.at[index];
	json_t *object = all_figures(w, &of->figures);
	struct weights k;

	weigh_process(w, index, &k);
	set(w, object, "pid", json_integer(of->pid));
	set(w, object, "parent",
	    of->parent == PROCESS_NONE
		    ? json_null()
		    : json_integer(p->processes.at[of->parent].pid));
	set(w, object, "command", or_null(w, of->command));
	set(w, object, "python", or_null(w, of->python));
	set(w, object, "exit", or_null(w, of->end));
	set(w, object, "trouble", or_null(w, of->trouble));
	set(w, object, "start_s", seconds(of->start_ns));
	set(w, object, "wall_s", number(k.wall_s));
	set(w, object, "cpu_s", number(k.cpu_s));
	return object;
}

static json_t *processes(struct writer *w)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < w->profile->processes.nr; i++)
		append(w, array, process(w, i));
	return array;
}

/* What functions and lines have in common. */
static void put_figures(struct writer *w, json_t *object,
			const struct summary_figure *self,
			const struct summary_figure *total)
{
	set(w, object, "self_s", number(self->s));
	set(w, object, "total_s", number(total->s));
	set(w, object, "interval", pair(w, self->low_s, self->high_s));
	set(w, object, "total_interval", pair(w, total->low_s, total->high_s));
	set(w, object, "self_share", number(self->share));
	set(w, object, "share_interval", pair(w, self->low, self->high));
	set(w, object, "total_share", number(total->share));
	set(w, object, "total_share_interval",
	    pair(w, total->low, total->high));
	set(w, object, "self_samples", count(self->nr));
	set(w, object, "total_samples", count(total->nr));
	set(w, object, "net_s", json_null());
	set(w, object, "why_no_net", text(w, NOT_YET));
	set(w, object, "ceiling", json_null());
}

/* `line` of 0: the line at which the function is defined. */
static json_t *place(struct writer *w, uint32_t function, uint32_t file,
		     uint32_t line)
{
	const struct profile *p = w->profile;
	json_t *object = json_object();

	if (function == SUMMARY_NO_PYTHON) {
		set(w, object, "file", json_null());
		set(w, object, "function", text(w, "(no Python frame)"));
		set(w, object, "line", json_null());
		return object;
	}
	set(w, object, "file", text(w, profile_text(p, file)));
	set(w, object, "function",
	    text(w, profile_text(p, p->functions.at[function].name)));
	set(w, object, "line", line ? json_integer(line) : json_null());
	return object;
}

static json_t *functions(struct writer *w)
{
	const struct profile *p = w->profile;
	json_t *array = json_array();

	for (uint32_t i = 0; i < w->summary.function_nr; i++) {
		const struct summary_function *f = &w->summary.functions[i];
		struct profile_function none = { 0 };
		const struct profile_function *at =
			f->function == SUMMARY_NO_PYTHON
				? &none
				: &p->functions.at[f->function];
		json_t *object = place(w, f->function, at->file, at->line);

		put_figures(w, object, &f->self, &f->total);
		append(w, array, object);
	}
	return array;
}

static json_t *source(struct writer *w, uint32_t file, uint32_t line)
{
	uint32_t at = map_get(&w->sources, (uint64_t)file << 32 | line);

	if (at == MAP_NONE || !line)
		return json_null();
	return text(w,
		    profile_text(w->profile, w->profile->sources.at[at].text));
}

static json_t *lines(struct writer *w)
{
	const struct profile *p = w->profile;
	json_t *array = json_array();

	for (uint32_t i = 0; i < p->sources.nr; i++) {
		const struct profile_source *s = &p->sources.at[i];

		if (!map_put(&w->sources, (uint64_t)s->file << 32 | s->line, i))
			w->failed = true;
	}
	for (uint32_t i = 0; i < w->summary.line_nr; i++) {
		const struct summary_line *l = &w->summary.lines[i];
		json_t *object = place(w, l->function, l->file, l->line);

		set(w, object, "source", source(w, l->file, l->line));
		put_figures(w, object, &l->self, &l->total);
		append(w, array, object);
	}
	return array;
}

/* Wall time by what the thread did: it sums to wall_s. */
static json_t *states(struct writer *w, const struct weights *k)
{
	json_t *object = json_object();

	for (int g = 0; g < GROUP_NR; g++)
		set(w, object, state_group_key[g],
		    number(group_s(k, (enum state_group)g)));
	return object;
}

/* The states that are part of a group of several. */
static json_t *parts(struct writer *w, const struct weights *k)
{
	json_t *object = json_object();

	for (int i = 0; i < STATE_NR; i++)
		if (strcmp(state_words[i].key,
			   state_group_key[state_words[i].group]) != 0)
			set(w, object, state_words[i].key,
			    number(k->states[i]));
	return object;
}

static json_t *thread(struct writer *w, uint32_t index)
{
	const struct profile_thread *t = &w->profile->threads.at[index];
	const struct summary_thread *s = &w->summary.threads[index];
	json_t *object = json_object(), *looks = json_object();
	struct weights k;

	weigh_thread(w, index, &k);
	set(w, object, "pid", json_integer(profile_pid(w->profile, index)));
	set(w, object, "tid", json_integer(t->tid));
	set(w, object, "name", text(w, profile_text(w->profile, t->name)));
	set(w, object, "main", json_boolean(t->main));
	set(w, object, "wall_s", number(s->wall_s));
	set(w, object, "cpu_s",
	    t->has_sched ? seconds(t->cpu_ns) : json_null());
	set(w, looks, "taken", count(s->look_nr));
	set(w, looks, "complete", count(s->looks[SAMPLE_COMPLETE]));
	set(w, looks, "salvaged", count(s->looks[SAMPLE_SALVAGED]));
	set(w, looks, "lost", count(s->looks[SAMPLE_LOST]));
	set(w, looks, "inconsistent", count(s->looks[SAMPLE_INCONSISTENT]));
	set(w, looks, "no_python", count(s->looks[SAMPLE_NO_PYTHON]));
	set(w, object, "looks", looks);
	set(w, object, "states", states(w, &k));
	set(w, object, "state_parts", parts(w, &k));
	return object;
}

static json_t *threads(struct writer *w)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < w->profile->threads.nr; i++)
		append(w, array, thread(w, i));
	return array;
}

static json_t *native_function(struct writer *w, const struct native_row *row)
{
	json_t *object = json_object();

	set(w, object, "kind", text(w, profile_text(w->profile, row->kind)));
	set(w, object, "module", or_null(w, row->module));
	set(w, object, "symbol", or_null(w, row->symbol));
	set(w, object, "self_s", number(row->s));
	set(w, object, "share", number(row->share));
	set(w, object, "share_interval",
	    pair(w, row->interval.low, row->interval.high));
	set(w, object, "samples", count(row->nr));
	return object;
}

static int put_native(struct writer *w, json_t *report, struct err *err)
{
	json_t *object = json_object(), *array = json_array();
	struct native_rows rows;
	int rc = native_rows_make(&rows, w->profile, err);

	for (uint32_t i = 0; !rc && i < rows.functions.nr; i++)
		append(w, array, native_function(w, &rows.functions.at[i]));
	if (!rc) {
		set(w, object, "samples", count(rows.nr));
		set(w, object, "lost", count(w->profile->native_lost));
		native_rows_release(&rows);
	}
	set(w, object, "native_functions", array);
	set(w, object, "why_none", meta(w, META_NATIVE));
	set(w, report, "native", object);
	return rc;
}

/* ---- asyncio ------------------------------------------------------------ */

static void put_kinds(struct writer *w, json_t *object,
		      const double kind_s[AWAIT_NR])
{
	char key[32];

	for (int i = 0; i < AWAIT_NR; i++) {
		snprintf(key, sizeof(key), "%s_s", await_words[i].key);
		set(w, object, key, number(kind_s[i]));
	}
}

static json_t *frame_place(struct writer *w, uint32_t frame)
{
	const struct profile *p = w->profile;
	const struct profile_frame *f;

	if (frame == AWAIT_NO_FRAME)
		return place(w, SUMMARY_NO_PYTHON, 0, 0);
	f = &p->frames.at[frame];
	return place(w, f->function, p->functions.at[f->function].file,
		     f->line);
}

static json_t *frame_source(struct writer *w, uint32_t frame)
{
	const struct profile *p = w->profile;
	const struct profile_frame *f;

	if (frame == AWAIT_NO_FRAME)
		return json_null();
	f = &p->frames.at[frame];
	return source(w, p->functions.at[f->function].file, f->line);
}

static json_t *await_line(struct writer *w, const struct await_line *l,
			  const struct await_rows *rows)
{
	json_t *object = frame_place(w, l->frame);

	set(w, object, "source", frame_source(w, l->frame));
	set(w, object, "seconds", number(l->s));
	set(w, object, "interval",
	    pair(w, l->interval.low * rows->known_s,
		 l->interval.high * rows->known_s));
	set(w, object, "share", number(l->share));
	set(w, object, "share_interval",
	    pair(w, l->interval.low, l->interval.high));
	set(w, object, "waiting_s",
	    number(await_sum(l->kind_s, AWAITS_WAITING)));
	set(w, object, "ready_s", number(l->kind_s[AWAIT_READY]));
	set(w, object, "task_s", number(l->kind_s[AWAIT_TASK]));
	set(w, object, "future_s", number(l->kind_s[AWAIT_FUTURE]));
	set(w, object, "other_s", number(l->kind_s[AWAIT_OTHER]));
	set(w, object, "innermost", frame_place(w, l->at));
	return object;
}

static json_t *await_totals(struct writer *w, const struct await_rows *rows)
{
	json_t *object = json_object();

	for (int i = 0; i < AWAIT_COUNT_NR; i++)
		set(w, object, await_count_key[i], count(rows->count[i]));
	set(w, object, "effective_readings", number(rows->effective));
	set(w, object, "seconds", number(rows->life_s));
	set(w, object, "waiting_s",
	    number(await_sum(rows->kind_s, AWAITS_WAITING)));
	put_kinds(w, object, rows->kind_s);
	return object;
}

static int put_awaits(struct writer *w, json_t *report, struct err *err)
{
	json_t *array = json_array();
	struct await_rows rows;
	int rc = await_rows_make(&rows, w->profile, err);

	for (uint32_t i = 0; !rc && i < rows.lines.nr; i++)
		append(w, array, await_line(w, &rows.lines.at[i], &rows));
	set(w, report, "awaits", array);
	if (rc)
		return rc;
	set(w, report, "tasks",
	    rows.count[AWAIT_SEEN] ? await_totals(w, &rows) : json_null());
	await_rows_release(&rows);
	return ERR_OK;
}

/* ---- merged stacks ------------------------------------------------------ */

static json_t *python_line(struct writer *w, uint32_t frame)
{
	const struct profile *p = w->profile;
	const struct profile_function *f;
	json_t *object;

	if (frame == MERGED_NO_PYTHON)
		return json_null();
	f = &p->functions.at[p->frames.at[frame].function];
	object = json_object();
	set(w, object, "file", or_null(w, f->file));
	set(w, object, "function", or_null(w, f->name));
	set(w, object, "line", count(p->frames.at[frame].line));
	return object;
}

/* Bytecode has neither module nor symbol: it is the Python line itself. */
static json_t *merged_row(struct writer *w, const struct merged_row *row)
{
	static const struct profile_function bytecode = { 0 };
	const struct profile_function *f =
		row->function == MERGED_BYTECODE
			? &bytecode
			: &w->profile->functions.at[row->function];
	json_t *object = json_object();

	set(w, object, "module", or_null(w, f->file));
	set(w, object, "symbol", or_null(w, f->name));
	set(w, object, "bytecode",
	    json_boolean(row->function == MERGED_BYTECODE));
	set(w, object, "python", python_line(w, row->python));
	set(w, object, "self_s", number(row->s));
	set(w, object, "share", number(row->share));
	set(w, object, "share_interval",
	    pair(w, row->interval.low, row->interval.high));
	set(w, object, "samples", count(row->nr));
	return object;
}

static int put_merged(struct writer *w, json_t *report, struct err *err)
{
	json_t *object = json_object(), *array = json_array();
	json_t *outcomes = json_object();
	struct merged_rows rows;
	int rc = merged_rows_make(&rows, w->profile, err);

	for (uint32_t i = 0; !rc && i < rows.rows.nr; i++)
		append(w, array, merged_row(w, &rows.rows.at[i]));
	for (int i = 0; !rc && i < MERGE_OUTCOME_NR; i++)
		set(w, outcomes, merge_outcome_key((enum merge_outcome)i),
		    count(rows.outcomes[i]));
	if (!rc) {
		set(w, object, "samples", count(rows.nr));
		set(w, object, "merged", count(rows.merged_nr));
		merged_rows_release(&rows);
	}
	set(w, object, "outcomes", outcomes);
	set(w, object, "calls", array);
	set(w, object, "why_none", meta(w, META_MERGED));
	set(w, report, "native_stacks", object);
	return rc;
}

static json_t *sampling(struct writer *w)
{
	const struct summary_sampling *s = &w->summary.sampling;
	json_t *object = json_object();

	set(w, object, "asked_hz", number(s->asked_hz));
	set(w, object, "delivered_hz", number(s->delivered_hz));
	set(w, object, "ticks", count(s->ticks));
	set(w, object, "missed_ticks", count(s->missed));
	set(w, object, "taken", count(s->taken));
	set(w, object, "complete", count(s->complete));
	set(w, object, "salvaged", count(s->salvaged));
	set(w, object, "lost", count(s->lost));
	set(w, object, "no_python", count(s->no_python));
	set(w, object, "inconsistent", count(s->inconsistent));
	set(w, object, "sampler_cpu_s", seconds(w->profile->sampler_cpu_ns));
	return object;
}

/* What the shares of functions and lines are shares of. */
static json_t *basis(struct writer *w)
{
	json_t *object = json_object();

	set(w, object, "thread_s", number(w->summary.wall_s));
	set(w, object, "unseen_s", number(w->summary.unseen_s));
	set(w, object, "no_python_s", number(w->summary.no_python_s));
	set(w, object, "samples", count(w->summary.complete_nr));
	set(w, object, "effective_samples", number(w->summary.effective_nr));
	return object;
}

static json_t *answer(struct writer *w, const struct expect_answer *a)
{
	json_t *object = json_object();
	bool measured = a->function_nr && a->complete_nr;
	const struct expect_claim *claim = &a->claim;

	set(w, object, "text", text(w, a->text));
	set(w, object, "expected",
	    claim->function_size ? pair(w, claim->low, claim->high)
				 : json_null());
	set(w, object, "functions", count(a->function_nr));
	set(w, object, "total_share",
	    measured ? number(a->share) : json_null());
	set(w, object, "total_share_interval",
	    measured ? pair(w, a->low, a->high) : json_null());
	set(w, object, "self_samples", count(a->self_nr));
	set(w, object, "total_samples", count(a->total_nr));
	set(w, object, "verdict", text(w, expect_verdict_text(a->verdict)));
	set(w, object, "why", text(w, a->why));
	return object;
}

static int put_answers(struct writer *w, json_t *report, struct err *err)
{
	json_t *array = json_array();
	struct expect_list list;
	int rc = expect_answer(&list, w->profile, err);

	for (uint32_t i = 0; rc == ERR_OK && i < list.answers.nr; i++)
		append(w, array, answer(w, &list.answers.at[i]));
	set(w, report, "expect", array);
	if (rc == ERR_OK)
		expect_release(&list);
	return rc;
}

static json_t *warnings(struct writer *w)
{
	struct caution cautions[CAUTION_NR];
	uint32_t nr = caution_list(w->profile, cautions);
	json_t *array = json_array();

	for (uint32_t i = 0; i < nr; i++) {
		json_t *object = json_object();

		set(w, object, "key", text(w, caution_key(cautions[i].kind)));
		set(w, object, "reason", text(w, cautions[i].reason));
		set(w, object, "remedy", text(w, cautions[i].remedy));
		append(w, array, object);
	}
	return array;
}

static int put_report(struct writer *w, json_t *report, struct err *err)
{
	uint32_t main = summary_main_thread(w->profile);
	struct weights k = { .cpu_s = -1 };
	int rc;

	set(w, report, "schema", text(w, "tare.report/1"));
	set(w, report, "meta", all_meta(w));
	if (main != UINT32_MAX)
		weigh_thread(w, main, &k);
	put_ledger(w, report, &k);
	set(w, report, "totals", totals(w));
	set(w, report, "processes", processes(w));
	set(w, report, "ledgers", ledgers(w));
	set(w, report, "basis", basis(w));
	set(w, report, "functions", functions(w));
	set(w, report, "lines", lines(w));
	set(w, report, "threads", threads(w));
	set(w, report, "sampling", sampling(w));
	set(w, report, "warnings", warnings(w));
	rc = put_native(w, report, err);
	if (!rc)
		rc = put_awaits(w, report, err);
	if (!rc)
		rc = put_merged(w, report, err);
	return rc ? rc : put_answers(w, report, err);
}

static int to_buf(const char *data, size_t size, void *buf)
{
	buf_add(buf, data, size);
	return ((struct buf *)buf)->failed ? -1 : 0;
}

int export_json(struct buf *out, const struct profile *p, struct err *err)
{
	struct writer w = { .profile = p };
	json_t *report = json_object();
	int rc;

	rc = summary_make(&w.summary, p, &(struct summary_of){ 0 }, err);
	if (rc == ERR_OK)
		rc = put_report(&w, report, err);
	/* 15 digits give back what was typed: 0.1 and not
	 * 0.10000000000000001. */
	if (rc == ERR_OK &&
	    (w.failed ||
	     json_dump_callback(report, to_buf, out,
				JSON_INDENT(2) | JSON_REAL_PRECISION(15))))
		rc = err_nomem(err);
	if (rc == ERR_OK)
		buf_add_char(out, '\n');
	if (rc == ERR_OK && out->failed)
		rc = err_nomem(err);
	json_decref(report);
	summary_release(&w.summary);
	map_release(&w.sources);
	buf_release(&w.scratch);
	return rc;
}

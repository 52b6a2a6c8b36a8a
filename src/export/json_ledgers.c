/* SPDX-License-Identifier: MIT */
/* Who used how much time and what for: ledgers, totals, processes, threads. */
#include <math.h>
#include <string.h>

#include "export/json_report.h"

static void cause(struct report_json *w, json_t *tare, const char *name,
		  double s)
{
	json_t *entry;

	if (s <= 0)
		return;
	entry = json_object();
	json_put(&w->json, entry, "cause", json_text(&w->json, name));
	json_put(&w->json, entry, "seconds", json_number(s));
	json_push(&w->json, tare, entry);
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
static void put_waits(struct report_json *w, json_t *tare,
		      const struct weights *k)
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
static void put_ledger(struct report_json *w, json_t *object,
		       const struct weights *k)
{
	json_t *gross = json_object(), *rest = json_array(),
	       *tare = json_array();
	double gc_s = state_sum(k->states, STATES_COLLECTING);
	double work_s = group_s(k, GROUP_ON_CPU) - gc_s, unexplained_s;

	json_put(&w->json, gross, "wall_s", json_number(k->wall_s));
	json_put(&w->json, gross, "cpu_s",
		 k->cpu_s < 0 ? json_null() : json_number(k->cpu_s));
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

		json_put(&w->json, entry, "reason",
			 json_text(&w->json, "net " NOT_YET));
		json_put(&w->json, entry, "seconds", json_number(work_s));
		json_push(&w->json, rest, entry);
	}
	json_put(&w->json, object, "gross", gross);
	json_put(&w->json, object, "net", json_null());
	json_put(&w->json, object, "why", json_text(&w->json, NOT_YET));
	json_put(&w->json, object, "tare", tare);
	json_put(&w->json, object, "not_weighed", rest);
}

static double thread_cpu_s(const struct profile_thread *t)
{
	return t->has_sched ? (double)t->cpu_ns / 1e9 : -1;
}

static void weigh_thread(struct report_json *w, uint32_t index,
			 struct weights *k)
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
static void weigh_process(struct report_json *w, uint32_t process,
			  struct weights *k)
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

static json_t *scope(struct report_json *w, const char *kind, const char *clock)
{
	json_t *object = json_object();

	json_put(&w->json, object, "scope", json_text(&w->json, kind));
	json_put(&w->json, object, "pid", json_null());
	json_put(&w->json, object, "tid", json_null());
	json_put(&w->json, object, "name", json_null());
	json_put(&w->json, object, "clock", json_text(&w->json, clock));
	return object;
}

static json_t *job_ledger(struct report_json *w)
{
	json_t *object = scope(w, "job", "cpu");
	struct weights k;

	json_put(&w->json, object, "name", report_json_meta(w, META_COMMAND));
	weigh_process(w, PROCESS_NONE, &k);
	put_ledger(w, object, &k);
	return object;
}

static json_t *process_ledger(struct report_json *w, uint32_t index)
{
	const struct profile_process *process =
		&w->profile->processes.at[index];
	json_t *object = scope(w, "process", "cpu");
	struct weights k;

	json_put(&w->json, object, "pid", json_integer(process->pid));
	json_put(&w->json, object, "name",
		 json_text(&w->json,
			   profile_text(w->profile, process->command)));
	weigh_process(w, index, &k);
	put_ledger(w, object, &k);
	return object;
}

static json_t *thread_ledger(struct report_json *w, uint32_t index)
{
	const struct profile_thread *t = &w->profile->threads.at[index];
	json_t *object = scope(w, "thread", "wall");
	struct weights k;

	json_put(&w->json, object, "pid",
		 json_integer(profile_pid(w->profile, index)));
	json_put(&w->json, object, "tid", json_integer(t->tid));
	json_put(&w->json, object, "name",
		 json_text(&w->json, profile_text(w->profile, t->name)));
	weigh_thread(w, index, &k);
	put_ledger(w, object, &k);
	return object;
}

static json_t *ledgers(struct report_json *w)
{
	const struct profile *p = w->profile;
	json_t *array = json_array();

	json_push(&w->json, array, job_ledger(w));
	for (uint32_t i = 0; i < p->processes.nr; i++)
		json_push(&w->json, array, process_ledger(w, i));
	for (uint32_t i = 0; i < p->threads.nr; i++)
		json_push(&w->json, array, thread_ledger(w, i));
	return array;
}

/* A figure in the unit that its key says: seconds where the kernel has
 * nanoseconds. */
static void put_figure(struct report_json *w, json_t *object,
		       const struct process_figures *f, enum process_figure i)
{
	json_t *value = json_null();

	if (process_knows(f, i))
		value = json_count(f->value[i]);
	json_put(&w->json, object, process_figure_key[i], value);
}

static json_t *all_figures(struct report_json *w,
			   const struct process_figures *f)
{
	json_t *object = json_object();
	bool user = process_knows(f, PROCESS_USER_NS);
	bool sys = process_knows(f, PROCESS_SYS_NS);

	json_put(&w->json, object, "user_s",
		 user ? json_seconds(f->value[PROCESS_USER_NS]) : json_null());
	json_put(&w->json, object, "sys_s",
		 sys ? json_seconds(f->value[PROCESS_SYS_NS]) : json_null());
	for (int i = PROCESS_PEAK_BYTES; i < PROCESS_FIGURE_NR; i++)
		put_figure(w, object, f, (enum process_figure)i);
	return object;
}

static json_t *totals(struct report_json *w)
{
	const struct profile *p = w->profile;
	const struct process_figures *f = &p->figures;
	json_t *object = all_figures(w, f);
	double real_s = (double)p->wall_ns / 1e9;
	double cpu_s = figures_cpu_s(f);

	json_put(&w->json, object, "real_s", json_number(real_s));
	/* Several CPUs at work: waiting cannot be told by subtraction. */
	json_put(&w->json, object, "waiting_s",
		 cpu_s < 0 || cpu_s > real_s ? json_null()
					     : json_number(real_s - cpu_s));
	json_put(&w->json, object, "instructions_per_cycle",
		 json_number(process_ratio(f, PROCESS_INSTRUCTIONS,
					   PROCESS_CYCLES)));
	return object;
}

static json_t *process(struct report_json *w, uint32_t index)
{
	const struct profile *p = w->profile;
	const struct profile_process *of = &p->processes.at[index];
	json_t *object = all_figures(w, &of->figures);
	struct weights k;

	weigh_process(w, index, &k);
	json_put(&w->json, object, "pid", json_integer(of->pid));
	json_put(&w->json, object, "parent",
		 of->parent == PROCESS_NONE
			 ? json_null()
			 : json_integer(p->processes.at[of->parent].pid));
	json_put(&w->json, object, "command", report_json_text(w, of->command));
	json_put(&w->json, object, "python", report_json_text(w, of->python));
	json_put(&w->json, object, "exit", report_json_text(w, of->end));
	json_put(&w->json, object, "trouble", report_json_text(w, of->trouble));
	json_put(&w->json, object, "start_s", json_seconds(of->start_ns));
	json_put(&w->json, object, "wall_s", json_number(k.wall_s));
	json_put(&w->json, object, "cpu_s",
		 k.cpu_s < 0 ? json_null() : json_number(k.cpu_s));
	return object;
}

static json_t *processes(struct report_json *w)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < w->profile->processes.nr; i++)
		json_push(&w->json, array, process(w, i));
	return array;
}

/* Wall time by what the thread did: it sums to wall_s. */
static json_t *states(struct report_json *w, const struct weights *k)
{
	json_t *object = json_object();

	for (int g = 0; g < GROUP_NR; g++)
		json_put(&w->json, object, state_group_key[g],
			 json_number(group_s(k, (enum state_group)g)));
	return object;
}

/* The states that are part of a group of several. */
static json_t *parts(struct report_json *w, const struct weights *k)
{
	json_t *object = json_object();

	for (int i = 0; i < STATE_NR; i++)
		if (strcmp(state_words[i].key,
			   state_group_key[state_words[i].group]) != 0)
			json_put(&w->json, object, state_words[i].key,
				 json_number(k->states[i]));
	return object;
}

static json_t *thread(struct report_json *w, uint32_t index)
{
	const struct profile_thread *t = &w->profile->threads.at[index];
	const struct summary_thread *s = &w->summary.threads[index];
	json_t *object = json_object(), *looks = json_object();
	struct weights k;

	weigh_thread(w, index, &k);
	json_put(&w->json, object, "pid",
		 json_integer(profile_pid(w->profile, index)));
	json_put(&w->json, object, "tid", json_integer(t->tid));
	json_put(&w->json, object, "name",
		 json_text(&w->json, profile_text(w->profile, t->name)));
	json_put(&w->json, object, "main", json_boolean(t->main));
	json_put(&w->json, object, "wall_s", json_number(s->wall_s));
	json_put(&w->json, object, "cpu_s",
		 t->has_sched ? json_seconds(t->cpu_ns) : json_null());
	json_put(&w->json, looks, "taken", json_count(s->look_nr));
	json_put(&w->json, looks, "complete",
		 json_count(s->looks[SAMPLE_COMPLETE]));
	json_put(&w->json, looks, "salvaged",
		 json_count(s->looks[SAMPLE_SALVAGED]));
	json_put(&w->json, looks, "lost", json_count(s->looks[SAMPLE_LOST]));
	json_put(&w->json, looks, "inconsistent",
		 json_count(s->looks[SAMPLE_INCONSISTENT]));
	json_put(&w->json, looks, "no_python",
		 json_count(s->looks[SAMPLE_NO_PYTHON]));
	json_put(&w->json, object, "looks", looks);
	json_put(&w->json, object, "states", states(w, &k));
	json_put(&w->json, object, "state_parts", parts(w, &k));
	return object;
}

static json_t *threads(struct report_json *w)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < w->profile->threads.nr; i++)
		json_push(&w->json, array, thread(w, i));
	return array;
}

void report_json_ledgers(struct report_json *w, json_t *report)
{
	uint32_t main = summary_main_thread(w->profile);
	struct weights k = { .cpu_s = -1 };

	if (main != UINT32_MAX)
		weigh_thread(w, main, &k);
	put_ledger(w, report, &k);
	json_put(&w->json, report, "totals", totals(w));
	json_put(&w->json, report, "processes", processes(w));
	json_put(&w->json, report, "ledgers", ledgers(w));
	json_put(&w->json, report, "threads", threads(w));
}

/* SPDX-License-Identifier: MIT */
/*
 * The object `tare.report/1`. docs/json.md tells what each key means; keys
 * are added there and here together, and none ever changes its meaning.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "export/clean.h"
#include "export/export.h"
#include "profile/caution.h"
#include "profile/expect.h"
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

/*
 * The four keys of a ledger. As long as no net is estimated, all that was
 * measured is time not weighed, so that it closes: on the wall clock of a
 * thread, on the CPU clock of anything larger. `cpu_s` below 0: not known.
 */
static void put_ledger(struct writer *w, json_t *object, double wall_s,
		       double cpu_s, bool on_cpu_clock)
{
	json_t *gross = json_object(), *rest = json_array();
	double whole = on_cpu_clock ? cpu_s : wall_s;

	set(w, gross, "wall_s", number(wall_s));
	set(w, gross, "cpu_s", cpu_s < 0 ? json_null() : number(cpu_s));
	if (whole >= 0) {
		json_t *entry = json_object();

		set(w, entry, "reason", text(w, "net " NOT_YET));
		set(w, entry, "seconds", number(whole));
		append(w, rest, entry);
	}
	set(w, object, "gross", gross);
	set(w, object, "net", json_null());
	set(w, object, "why", text(w, NOT_YET));
	set(w, object, "tare", json_array());
	set(w, object, "not_weighed", rest);
}

static double thread_cpu_s(const struct profile_thread *t)
{
	return t->has_sched ? (double)t->cpu_ns / 1e9 : -1;
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
	const struct profile *p = w->profile;
	json_t *object = scope(w, "job", "cpu");

	set(w, object, "name", meta(w, META_COMMAND));
	put_ledger(w, object, (double)p->wall_ns / 1e9,
		   p->cpu_ns ? (double)p->cpu_ns / 1e9 : -1, true);
	return object;
}

/* Whether thread `index` is the first one of its process in the profile. */
static bool first_of_process(const struct profile *p, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (p->threads.at[i].pid == p->threads.at[index].pid)
			return false;
	return true;
}

static json_t *process_ledger(struct writer *w, int32_t pid, bool alone)
{
	const struct profile *p = w->profile;
	json_t *object = scope(w, "process", "cpu");
	uint64_t start = UINT64_MAX, end = 0;
	double cpu_s = 0;

	for (uint32_t i = 0; i < p->threads.nr; i++) {
		const struct profile_thread *t = &p->threads.at[i];

		if (t->pid != pid)
			continue;
		start = t->start_ns < start ? t->start_ns : start;
		end = t->end_ns > end ? t->end_ns : end;
		if (cpu_s >= 0)
			cpu_s = t->has_sched ? cpu_s + thread_cpu_s(t) : -1;
	}
	/* One process is the job; its own figure has its ended threads in. */
	if (alone && p->cpu_ns)
		cpu_s = (double)p->cpu_ns / 1e9;
	set(w, object, "pid", json_integer(pid));
	put_ledger(w, object,
		   alone ? (double)p->wall_ns / 1e9
			 : (double)(end > start ? end - start : 0) / 1e9,
		   cpu_s, true);
	return object;
}

static json_t *thread_ledger(struct writer *w, uint32_t index)
{
	const struct profile_thread *t = &w->profile->threads.at[index];
	json_t *object = scope(w, "thread", "wall");

	set(w, object, "pid", json_integer(t->pid));
	set(w, object, "tid", json_integer(t->tid));
	set(w, object, "name", text(w, profile_text(w->profile, t->name)));
	put_ledger(w, object, w->summary.threads[index].wall_s, thread_cpu_s(t),
		   false);
	return object;
}

static json_t *ledgers(struct writer *w)
{
	const struct profile *p = w->profile;
	json_t *array = json_array();
	uint32_t processes = 0;

	append(w, array, job_ledger(w));
	for (uint32_t i = 0; i < p->threads.nr; i++)
		processes += first_of_process(p, i);
	for (uint32_t i = 0; i < p->threads.nr; i++)
		if (first_of_process(p, i))
			append(w, array,
			       process_ledger(w, p->threads.at[i].pid,
					      processes == 1));
	for (uint32_t i = 0; i < p->threads.nr; i++)
		append(w, array, thread_ledger(w, i));
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

/*
 * Wall time split by what the kernel's books tell: on a CPU, waiting for one,
 * and the rest. Those figures and the looks do not begin and end at the very
 * same instant, so each is kept within what is left of the wall time.
 */
static json_t *states(struct writer *w, const struct profile_thread *t,
		      double wall_s)
{
	static const char *const unmeasured[] = { "gil_wait", "lock", "io",
						  "sleep", "child" };
	json_t *object = json_object();
	double left = wall_s, on_cpu, queue;

	on_cpu = fmin((double)t->cpu_ns / 1e9, left);
	left -= t->has_sched ? on_cpu : 0;
	queue = fmin((double)t->run_queue_ns / 1e9, left);
	left -= t->has_sched ? queue : 0;
	set(w, object, "on_cpu", t->has_sched ? number(on_cpu) : json_null());
	set(w, object, "run_queue", t->has_sched ? number(queue) : json_null());
	for (size_t i = 0; i < sizeof(unmeasured) / sizeof(char *); i++)
		set(w, object, unmeasured[i], json_null());
	set(w, object, "other", number(left));
	return object;
}

static json_t *thread(struct writer *w, uint32_t index)
{
	const struct profile_thread *t = &w->profile->threads.at[index];
	const struct summary_thread *s = &w->summary.threads[index];
	json_t *object = json_object(), *looks = json_object();

	set(w, object, "pid", json_integer(t->pid));
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
	set(w, object, "looks", looks);
	set(w, object, "states", states(w, t, s->wall_s));
	set(w, object, "states_why",
	    text(w, t->has_sched
			    ? "null: not told apart yet, part of other"
			    : "null: not told apart yet, part of other; the "
			      "kernel's figures are not known"));
	return object;
}

static json_t *threads(struct writer *w)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < w->profile->threads.nr; i++)
		append(w, array, thread(w, i));
	return array;
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

	set(w, report, "schema", text(w, "tare.report/1"));
	set(w, report, "meta", all_meta(w));
	if (main == UINT32_MAX)
		put_ledger(w, report, 0, 0, false);
	else
		put_ledger(w, report, w->summary.threads[main].wall_s,
			   thread_cpu_s(&w->profile->threads.at[main]), false);
	set(w, report, "ledgers", ledgers(w));
	set(w, report, "basis", basis(w));
	set(w, report, "functions", functions(w));
	set(w, report, "lines", lines(w));
	set(w, report, "threads", threads(w));
	set(w, report, "sampling", sampling(w));
	set(w, report, "warnings", warnings(w));
	return put_answers(w, report, err);
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

	rc = summary_make(&w.summary, p, SUMMARY_ALL, 0, err);
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

/* SPDX-License-Identifier: MIT */
/*
 * The object `tare.time/1`. docs/json.md tells what each key means; keys are
 * added there and here together, and none ever changes its meaning.
 */
#include "export/export_time.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "export/clean.h"

struct writer {
	const struct timing *timing;
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
	struct buf clean = { 0 };
	json_t *value;

	clean_utf8(&clean, raw);
	w->failed |= clean.failed;
	value = json_stringn_nocheck(buf_str(&clean), clean.size);
	buf_release(&clean);
	return value;
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *pair(struct writer *w, bool known,
		    const struct stats_interval *at)
{
	json_t *array;

	if (!known)
		return json_null();
	array = json_array();
	append(w, array, number(at->low));
	append(w, array, number(at->high));
	return array;
}

static json_t *spread(struct writer *w, const struct spread *s)
{
	json_t *object = json_object();

	if (!s->nr) {
		json_decref(object);
		return json_null();
	}
	set(w, object, "median", number(s->median));
	set(w, object, "interval", pair(w, s->has_interval, &s->at95));
	set(w, object, "mean", number(s->mean));
	set(w, object, "deviation",
	    s->nr > 1 ? number(s->deviation) : json_null());
	set(w, object, "least", number(s->least));
	set(w, object, "most", number(s->most));
	set(w, object, "n", count(s->nr));
	set(w, object, "effective_n", number(s->effective));
	set(w, object, "slow", count(s->slow_nr));
	set(w, object, "fast", count(s->fast_nr));
	set(w, object, "drift", number(s->drift));
	return object;
}

static json_t *known(bool is, uint64_t value)
{
	return is ? count(value) : json_null();
}

static json_t *run(struct writer *w, const struct timing_run *r, bool command)
{
	json_t *object = json_object();
	char end[32];

	snprintf(end, sizeof(end), r->killed ? "signal %d" : "%d", r->code);
	set(w, object, "wall_s", number(r->wall_s));
	set(w, object, "cpu_s", number(r->cpu_s));
	set(w, object, "exit", text(w, end));
	if (!command) {
		set(w, object, "empty_s", number(r->empty_s));
		set(w, object, "collections", number(r->collections));
		return object;
	}
	set(w, object, "user_s", number(r->user_s));
	set(w, object, "sys_s", number(r->sys_s));
	set(w, object, "waiting_s", number(r->wall_s - r->cpu_s));
	set(w, object, "peak_bytes",
	    known(r->peak_bytes > r->floor_bytes, r->peak_bytes));
	set(w, object, "minor_faults", count(r->minor_faults));
	set(w, object, "major_faults", count(r->major_faults));
	set(w, object, "voluntary_switches", count(r->voluntary));
	set(w, object, "involuntary_switches", count(r->involuntary));
	set(w, object, "read_bytes", known(r->io_known, r->read_bytes));
	set(w, object, "written_bytes", known(r->io_known, r->written_bytes));
	set(w, object, "disk_read_bytes",
	    known(r->io_known, r->disk_read_bytes));
	set(w, object, "disk_written_bytes",
	    known(r->io_known, r->disk_written_bytes));
	set(w, object, "output_bytes", count(r->output_bytes));
	return object;
}

static json_t *subject(struct writer *w, const struct timing_subject *s)
{
	json_t *object = json_object(), *runs = json_array();
	json_t *warmups = json_array();
	bool command = s->gc == TIMING_GC_NONE;
	struct spread wall = { 0 }, cpu = { 0 }, waiting = { 0 };
	double share = timing_user_share(s);

	if (!timing_spread(s, TIMING_WALL, &wall) ||
	    !timing_spread(s, TIMING_CPU, &cpu) || !timing_waiting(s, &waiting))
		w->failed = true;
	set(w, object, "text", text(w, s->text));
	set(w, object, "gc",
	    command ? json_null()
		    : text(w, s->gc == TIMING_GC_ON ? "on" : "off"));
	set(w, object, "loops", known(!command, s->loop_nr));
	set(w, object, "failed", count(s->failed_nr));
	set(w, object, "wall_s", spread(w, &wall));
	set(w, object, "cpu_s", spread(w, &cpu));
	set(w, object, "user_s",
	    command ? number(cpu.median * share) : json_null());
	set(w, object, "sys_s",
	    command ? number(cpu.median * (1 - share)) : json_null());
	set(w, object, "waiting_s", spread(w, &waiting));
	for (uint32_t i = 0; i < s->runs.nr; i++)
		append(w, runs, run(w, &s->runs.at[i], command));
	for (uint32_t i = 0; i < s->warmups.nr; i++)
		append(w, warmups, run(w, &s->warmups.at[i], command));
	set(w, object, "runs", runs);
	set(w, object, "warmups", warmups);
	return object;
}

static json_t *ratio(struct writer *w, const struct timing_contest *c,
		     enum timing_clock clock)
{
	json_t *object = json_object();
	struct compare_ratio r = { 0 };

	if (!timing_ratio(w->timing, c, clock, &r))
		w->failed = true;
	set(w, object, "ratio", number(r.ratio));
	set(w, object, "interval", pair(w, r.has_interval, &r.at95));
	set(w, object, "verdict", text(w, compare_verdict_text(r.verdict)));
	set(w, object, "units", count(r.unit_nr));
	set(w, object, "approximate", json_boolean(r.approximate));
	return object;
}

static json_t *comparison(struct writer *w, const struct timing_contest *c)
{
	json_t *object = json_object(), *order = json_array();

	set(w, object, "a", count(c->a));
	set(w, object, "b", count(c->b));
	set(w, object, "design",
	    text(w, c->design == COMPARE_BLOCKS ? "blocks" : "pairs"));
	set(w, object, "wall", ratio(w, c, TIMING_WALL));
	set(w, object, "cpu", ratio(w, c, TIMING_CPU));
	for (uint32_t i = 0; i < c->b_first.nr; i++)
		append(w, order, text(w, c->b_first.at[i] ? "BA" : "AB"));
	set(w, object, "order", order);
	return object;
}

static json_t *warnings(struct writer *w)
{
	struct timing_caution caution[TIMING_CAUTION_MOST];
	uint32_t nr = timing_cautions(w->timing, caution);
	json_t *array = json_array();

	for (uint32_t i = 0; i < nr; i++) {
		json_t *object = json_object();

		set(w, object, "key", text(w, caution[i].key));
		set(w, object, "subject", count(caution[i].subject));
		set(w, object, "reason", text(w, caution[i].text));
		append(w, array, object);
	}
	return array;
}

static void put_report(struct writer *w, json_t *report)
{
	static const char *const ends[] = {
		[TIMING_NARROW] = "narrow", [TIMING_TIME] = "time",
		[TIMING_ENOUGH] = "runs",   [TIMING_STOPPED] = "stopped",
		[TIMING_FAILED] = "failed",
	};
	const struct timing *t = w->timing;
	json_t *subjects = json_array(), *comparisons = json_array();

	set(w, report, "schema", text(w, "tare.time/1"));
	set(w, report, "tare", text(w, TARE_VERSION));
	set(w, report, "kind",
	    text(w, t->expressions ? "expression" : "command"));
	set(w, report, "python", *t->python ? text(w, t->python) : json_null());
	set(w, report, "end", text(w, ends[t->end]));
	set(w, report, "elapsed_s", number(t->elapsed_s));
	for (uint32_t i = 0; i < t->subjects.nr; i++)
		append(w, subjects, subject(w, &t->subjects.at[i]));
	set(w, report, "subjects", subjects);
	for (uint32_t i = 0; i < t->contests.nr; i++)
		append(w, comparisons, comparison(w, &t->contests.at[i]));
	set(w, report, "comparisons", comparisons);
	set(w, report, "warnings", warnings(w));
}

static int to_buf(const char *data, size_t size, void *buf)
{
	buf_add(buf, data, size);
	return ((struct buf *)buf)->failed ? -1 : 0;
}

int export_time(struct buf *out, const struct timing *t, struct err *err)
{
	struct writer w = { .timing = t };
	json_t *report = json_object();
	bool ok;

	put_report(&w, report);
	ok = !w.failed &&
	     json_dump_callback(report, to_buf, out,
				JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0;
	json_decref(report);
	buf_add_char(out, '\n');
	return ok && !out->failed ? ERR_OK : err_nomem(err);
}

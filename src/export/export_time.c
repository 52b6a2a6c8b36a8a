/* SPDX-License-Identifier: MIT */
/*
 * The object `tare.time/1`. docs/json.md tells what each key means; keys are
 * added there and here together, and none ever changes its meaning.
 */
#include "export/export_time.h"

#include <stdio.h>

#include "export/json_writer.h"

struct writer {
	struct json_writer json;
	const struct timing *timing;
};

static json_t *interval(struct writer *w, bool known,
			const struct stats_interval *at)
{
	return known ? json_interval(&w->json, at->low, at->high) : json_null();
}

static json_t *spread(struct writer *w, const struct spread *s)
{
	json_t *object = json_object();

	if (!s->nr) {
		json_decref(object);
		return json_null();
	}
	json_put(&w->json, object, "median", json_number(s->median));
	json_put(&w->json, object, "interval",
		 interval(w, s->has_interval, &s->at95));
	json_put(&w->json, object, "mean", json_number(s->mean));
	json_put(&w->json, object, "deviation",
		 s->nr > 1 ? json_number(s->deviation) : json_null());
	json_put(&w->json, object, "least", json_number(s->least));
	json_put(&w->json, object, "most", json_number(s->most));
	json_put(&w->json, object, "n", json_count(s->nr));
	json_put(&w->json, object, "effective_n", json_number(s->effective));
	json_put(&w->json, object, "slow", json_count(s->slow_nr));
	json_put(&w->json, object, "fast", json_count(s->fast_nr));
	json_put(&w->json, object, "drift", json_number(s->drift));
	return object;
}

static json_t *known(bool is, uint64_t value)
{
	return is ? json_count(value) : json_null();
}

static json_t *run(struct writer *w, const struct timing_run *r, bool command)
{
	json_t *object = json_object();
	char end[32];

	snprintf(end, sizeof(end), r->killed ? "signal %d" : "%d", r->code);
	json_put(&w->json, object, "wall_s", json_number(r->wall_s));
	json_put(&w->json, object, "cpu_s", json_number(r->cpu_s));
	json_put(&w->json, object, "exit", json_text(&w->json, end));
	if (!command) {
		json_put(&w->json, object, "empty_s", json_number(r->empty_s));
		json_put(&w->json, object, "collections",
			 json_number(r->collections));
		return object;
	}
	json_put(&w->json, object, "user_s", json_number(r->user_s));
	json_put(&w->json, object, "sys_s", json_number(r->sys_s));
	json_put(&w->json, object, "waiting_s",
		 json_number(r->wall_s - r->cpu_s));
	json_put(&w->json, object, "peak_bytes",
		 known(r->peak_bytes > r->floor_bytes, r->peak_bytes));
	json_put(&w->json, object, "minor_faults", json_count(r->minor_faults));
	json_put(&w->json, object, "major_faults", json_count(r->major_faults));
	json_put(&w->json, object, "voluntary_switches",
		 json_count(r->voluntary));
	json_put(&w->json, object, "involuntary_switches",
		 json_count(r->involuntary));
	json_put(&w->json, object, "read_bytes",
		 known(r->io_known, r->read_bytes));
	json_put(&w->json, object, "written_bytes",
		 known(r->io_known, r->written_bytes));
	json_put(&w->json, object, "disk_read_bytes",
		 known(r->io_known, r->disk_read_bytes));
	json_put(&w->json, object, "disk_written_bytes",
		 known(r->io_known, r->disk_written_bytes));
	json_put(&w->json, object, "output_bytes", json_count(r->output_bytes));
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
		w->json.failed = true;
	json_put(&w->json, object, "text", json_text(&w->json, s->text));
	json_put(&w->json, object, "gc",
		 command ? json_null()
			 : json_text(&w->json,
				     s->gc == TIMING_GC_ON ? "on" : "off"));
	json_put(&w->json, object, "loops", known(!command, s->loop_nr));
	json_put(&w->json, object, "failed", json_count(s->failed_nr));
	json_put(&w->json, object, "wall_s", spread(w, &wall));
	json_put(&w->json, object, "cpu_s", spread(w, &cpu));
	json_put(&w->json, object, "user_s",
		 command ? json_number(cpu.median * share) : json_null());
	json_put(&w->json, object, "sys_s",
		 command ? json_number(cpu.median * (1 - share)) : json_null());
	json_put(&w->json, object, "waiting_s", spread(w, &waiting));
	for (uint32_t i = 0; i < s->runs.nr; i++)
		json_push(&w->json, runs, run(w, &s->runs.at[i], command));
	for (uint32_t i = 0; i < s->warmups.nr; i++)
		json_push(&w->json, warmups,
			  run(w, &s->warmups.at[i], command));
	json_put(&w->json, object, "runs", runs);
	json_put(&w->json, object, "warmups", warmups);
	return object;
}

static json_t *ratio(struct writer *w, const struct timing_contest *c,
		     enum timing_clock clock)
{
	json_t *object = json_object();
	struct compare_ratio r = { 0 };

	if (!timing_ratio(w->timing, c, clock, &r))
		w->json.failed = true;
	json_put(&w->json, object, "ratio", json_number(r.ratio));
	json_put(&w->json, object, "interval",
		 interval(w, r.has_interval, &r.at95));
	json_put(&w->json, object, "verdict",
		 json_text(&w->json, compare_verdict_text(r.verdict)));
	json_put(&w->json, object, "units", json_count(r.unit_nr));
	json_put(&w->json, object, "approximate", json_boolean(r.approximate));
	return object;
}

static json_t *comparison(struct writer *w, const struct timing_contest *c)
{
	json_t *object = json_object(), *order = json_array();

	json_put(&w->json, object, "a", json_count(c->a));
	json_put(&w->json, object, "b", json_count(c->b));
	json_put(&w->json, object, "design",
		 json_text(&w->json,
			   c->design == COMPARE_BLOCKS ? "blocks" : "pairs"));
	json_put(&w->json, object, "wall", ratio(w, c, TIMING_WALL));
	json_put(&w->json, object, "cpu", ratio(w, c, TIMING_CPU));
	for (uint32_t i = 0; i < c->b_first.nr; i++)
		json_push(&w->json, order,
			  json_text(&w->json, c->b_first.at[i] ? "BA" : "AB"));
	json_put(&w->json, object, "order", order);
	return object;
}

static json_t *warnings(struct writer *w)
{
	struct timing_caution caution[TIMING_CAUTION_MOST];
	uint32_t nr = timing_cautions(w->timing, caution);
	json_t *array = json_array();

	for (uint32_t i = 0; i < nr; i++) {
		json_t *object = json_object();

		json_put(&w->json, object, "key",
			 json_text(&w->json, caution[i].key));
		json_put(&w->json, object, "subject",
			 json_count(caution[i].subject));
		json_put(&w->json, object, "reason",
			 json_text(&w->json, caution[i].text));
		json_push(&w->json, array, object);
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

	json_put(&w->json, report, "schema",
		 json_text(&w->json, "tare.time/1"));
	json_put(&w->json, report, "tare", json_text(&w->json, TARE_VERSION));
	json_put(
		&w->json, report, "kind",
		json_text(&w->json, t->expressions ? "expression" : "command"));
	json_put(&w->json, report, "python",
		 *t->python ? json_text(&w->json, t->python) : json_null());
	json_put(&w->json, report, "end", json_text(&w->json, ends[t->end]));
	json_put(&w->json, report, "elapsed_s", json_number(t->elapsed_s));
	for (uint32_t i = 0; i < t->subjects.nr; i++)
		json_push(&w->json, subjects, subject(w, &t->subjects.at[i]));
	json_put(&w->json, report, "subjects", subjects);
	for (uint32_t i = 0; i < t->contests.nr; i++)
		json_push(&w->json, comparisons,
			  comparison(w, &t->contests.at[i]));
	json_put(&w->json, report, "comparisons", comparisons);
	json_put(&w->json, report, "warnings", warnings(w));
}

int export_time(struct buf *out, const struct timing *t, struct err *err)
{
	struct writer w = { .timing = t };
	json_t *report = json_object();
	int rc;

	put_report(&w, report);
	rc = json_write(&w.json, report, out, err);
	json_writer_release(&w.json);
	return rc;
}

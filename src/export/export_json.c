/* SPDX-License-Identifier: MIT */
/*
 * The object `tare.report/1`. docs/json.md tells what each key means; keys
 * are added there and here together, and none ever changes its meaning.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/export.h"
#include "export/json_report.h"
#include "profile/caution.h"
#include "profile/expect.h"

/* The text of meta `key`, or null where the recording has none. */
json_t *report_json_meta(struct report_json *w, const char *key)
{
	const char *value = profile_meta(w->profile, key);

	return *value ? json_text(&w->json, value) : json_null();
}

json_t *report_json_text(struct report_json *w, uint32_t string)
{
	const char *raw = profile_text(w->profile, string);

	return *raw ? json_text(&w->json, raw) : json_null();
}

/* `line` of 0: the line at which the function is defined. */
json_t *report_json_place(struct report_json *w, uint32_t function,
			  uint32_t file, uint32_t line)
{
	const struct profile *p = w->profile;
	json_t *object = json_object();

	if (function == SUMMARY_NO_PYTHON) {
		json_put(&w->json, object, "file", json_null());
		json_put(&w->json, object, "function",
			 json_text(&w->json, "(no Python frame)"));
		json_put(&w->json, object, "line", json_null());
		return object;
	}
	json_put(&w->json, object, "file",
		 json_text(&w->json, profile_text(p, file)));
	json_put(&w->json, object, "function",
		 json_text(&w->json,
			   profile_text(p, p->functions.at[function].name)));
	json_put(&w->json, object, "line",
		 line ? json_integer(line) : json_null());
	return object;
}

json_t *report_json_source(struct report_json *w, uint32_t file, uint32_t line)
{
	uint32_t at = map_get(&w->sources, (uint64_t)file << 32 | line);

	if (at == MAP_NONE || !line)
		return json_null();
	return json_text(
		&w->json,
		profile_text(w->profile, w->profile->sources.at[at].text));
}

static json_t *meta_number(struct report_json *w, const char *key)
{
	const char *value = profile_meta(w->profile, key);
	char *end;
	double parsed = strtod(value, &end);

	if (!*value || *end)
		return json_null();
	return parsed >= 0 && parsed < 1e9 && parsed == floor(parsed)
		       ? json_integer((json_int_t)parsed)
		       : json_number(parsed);
}

static json_t *all_meta(struct report_json *w)
{
	static const char *const keys[] = {
		META_COMMAND, META_DIRECTORY, META_PYTHON, META_EXECUTABLE,
		META_HOST,    META_KERNEL,    META_TARE,   META_START_UTC,
		META_MODE,    META_EXIT,      META_ROOT,
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_put(&w->json, object, keys[i],
			 report_json_meta(w, keys[i]));
	json_put(&w->json, object, META_CPU_NR, meta_number(w, META_CPU_NR));
	json_put(&w->json, object, META_LOAD, meta_number(w, META_LOAD));
	return object;
}

/* What functions and lines have in common. */
static void put_figures(struct report_json *w, json_t *object,
			const struct summary_figure *self,
			const struct summary_figure *total)
{
	json_put(&w->json, object, "self_s", json_number(self->s));
	json_put(&w->json, object, "total_s", json_number(total->s));
	json_put(&w->json, object, "interval",
		 json_interval(&w->json, self->low_s, self->high_s));
	json_put(&w->json, object, "total_interval",
		 json_interval(&w->json, total->low_s, total->high_s));
	json_put(&w->json, object, "self_share", json_number(self->share));
	json_put(&w->json, object, "share_interval",
		 json_interval(&w->json, self->low, self->high));
	json_put(&w->json, object, "total_share", json_number(total->share));
	json_put(&w->json, object, "total_share_interval",
		 json_interval(&w->json, total->low, total->high));
	json_put(&w->json, object, "self_samples", json_count(self->nr));
	json_put(&w->json, object, "total_samples", json_count(total->nr));
	json_put(&w->json, object, "net_s", json_null());
	json_put(&w->json, object, "why_no_net", json_text(&w->json, NOT_YET));
	json_put(&w->json, object, "ceiling", json_null());
}

static json_t *functions(struct report_json *w)
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
		json_t *object =
			report_json_place(w, f->function, at->file, at->line);

		put_figures(w, object, &f->self, &f->total);
		json_push(&w->json, array, object);
	}
	return array;
}

static json_t *lines(struct report_json *w)
{
	const struct profile *p = w->profile;
	json_t *array = json_array();

	for (uint32_t i = 0; i < p->sources.nr; i++) {
		const struct profile_source *s = &p->sources.at[i];

		if (!map_put(&w->sources, (uint64_t)s->file << 32 | s->line, i))
			w->json.failed = true;
	}
	for (uint32_t i = 0; i < w->summary.line_nr; i++) {
		const struct summary_line *l = &w->summary.lines[i];
		json_t *object =
			report_json_place(w, l->function, l->file, l->line);

		json_put(&w->json, object, "source",
			 report_json_source(w, l->file, l->line));
		put_figures(w, object, &l->self, &l->total);
		json_push(&w->json, array, object);
	}
	return array;
}

static json_t *sampling(struct report_json *w)
{
	const struct summary_sampling *s = &w->summary.sampling;
	json_t *object = json_object();

	json_put(&w->json, object, "asked_hz", json_number(s->asked_hz));
	json_put(&w->json, object, "delivered_hz",
		 json_number(s->delivered_hz));
	json_put(&w->json, object, "ticks", json_count(s->ticks));
	json_put(&w->json, object, "missed_ticks", json_count(s->missed));
	json_put(&w->json, object, "taken", json_count(s->taken));
	json_put(&w->json, object, "complete", json_count(s->complete));
	json_put(&w->json, object, "salvaged", json_count(s->salvaged));
	json_put(&w->json, object, "lost", json_count(s->lost));
	json_put(&w->json, object, "no_python", json_count(s->no_python));
	json_put(&w->json, object, "inconsistent", json_count(s->inconsistent));
	json_put(&w->json, object, "sampler_cpu_s",
		 json_seconds(w->profile->sampler_cpu_ns));
	return object;
}

/* What the shares of functions and lines are shares of. */
static json_t *basis(struct report_json *w)
{
	json_t *object = json_object();

	json_put(&w->json, object, "thread_s", json_number(w->summary.wall_s));
	json_put(&w->json, object, "unseen_s",
		 json_number(w->summary.unseen_s));
	json_put(&w->json, object, "no_python_s",
		 json_number(w->summary.no_python_s));
	json_put(&w->json, object, "samples",
		 json_count(w->summary.complete_nr));
	json_put(&w->json, object, "effective_samples",
		 json_number(w->summary.effective_nr));
	return object;
}

static json_t *answer(struct report_json *w, const struct expect_answer *a)
{
	json_t *object = json_object();
	bool measured = a->function_nr && a->complete_nr;
	const struct expect_claim *claim = &a->claim;

	json_put(&w->json, object, "text", json_text(&w->json, a->text));
	json_put(&w->json, object, "expected",
		 claim->function_size
			 ? json_interval(&w->json, claim->low, claim->high)
			 : json_null());
	json_put(&w->json, object, "functions", json_count(a->function_nr));
	json_put(&w->json, object, "total_share",
		 measured ? json_number(a->share) : json_null());
	json_put(&w->json, object, "total_share_interval",
		 measured ? json_interval(&w->json, a->low, a->high)
			  : json_null());
	json_put(&w->json, object, "self_samples", json_count(a->self_nr));
	json_put(&w->json, object, "total_samples", json_count(a->total_nr));
	json_put(&w->json, object, "verdict",
		 json_text(&w->json, expect_verdict_text(a->verdict)));
	json_put(&w->json, object, "why", json_text(&w->json, a->why));
	return object;
}

static int put_answers(struct report_json *w, json_t *report, struct err *err)
{
	json_t *array = json_array();
	struct expect_list list;
	int rc = expect_answer(&list, w->profile, err);

	for (uint32_t i = 0; rc == ERR_OK && i < list.answers.nr; i++)
		json_push(&w->json, array, answer(w, &list.answers.at[i]));
	json_put(&w->json, report, "expect", array);
	if (rc == ERR_OK)
		expect_release(&list);
	return rc;
}

static json_t *warnings(struct report_json *w)
{
	struct caution cautions[CAUTION_NR];
	uint32_t nr = caution_list(w->profile, cautions);
	json_t *array = json_array();

	for (uint32_t i = 0; i < nr; i++) {
		json_t *object = json_object();

		json_put(&w->json, object, "key",
			 json_text(&w->json, caution_key(cautions[i].kind)));
		json_put(&w->json, object, "reason",
			 json_text(&w->json, cautions[i].reason));
		json_put(&w->json, object, "remedy",
			 json_text(&w->json, cautions[i].remedy));
		json_push(&w->json, array, object);
	}
	return array;
}

static int put_report(struct report_json *w, json_t *report, struct err *err)
{
	int rc;

	json_put(&w->json, report, "schema",
		 json_text(&w->json, "tare.report/1"));
	json_put(&w->json, report, "meta", all_meta(w));
	report_json_ledgers(w, report);
	json_put(&w->json, report, "basis", basis(w));
	json_put(&w->json, report, "functions", functions(w));
	json_put(&w->json, report, "lines", lines(w));
	json_put(&w->json, report, "sampling", sampling(w));
	json_put(&w->json, report, "warnings", warnings(w));
	rc = report_json_native(w, report, err);
	if (!rc)
		rc = report_json_awaits(w, report, err);
	return rc ? rc : put_answers(w, report, err);
}

int export_json(struct buf *out, const struct profile *p, struct err *err)
{
	struct report_json w = { .profile = p };
	json_t *report = json_object();
	int rc;

	rc = summary_make(&w.summary, p, &(struct summary_of){ 0 }, err);
	if (rc == ERR_OK)
		rc = put_report(&w, report, err);
	if (rc == ERR_OK)
		rc = json_write(&w.json, report, out, err);
	else
		json_decref(report);
	summary_release(&w.summary);
	map_release(&w.sources);
	json_writer_release(&w.json);
	return rc;
}

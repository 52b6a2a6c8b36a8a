/* SPDX-License-Identifier: MIT */
/* What ran on the CPU: by library and function, and by the line that called. */
#include "export/json_report.h"
#include "profile/merged_rows.h"
#include "profile/native_rows.h"

/* What rows of CPU time by samples have in common. */
static void put_share(struct report_json *w, json_t *object, double s,
		      double share, const struct stats_interval *interval,
		      uint64_t nr)
{
	struct json_writer *j = &w->json;

	json_put(j, object, "self_s", json_number(s));
	json_put(j, object, "share", json_number(share));
	json_put(j, object, "share_interval",
		 json_interval(j, interval->low, interval->high));
	json_put(j, object, "samples", json_count(nr));
}

static json_t *native_function(struct report_json *w,
			       const struct native_row *row)
{
	json_t *object = json_object();

	json_put(&w->json, object, "kind",
		 json_text(&w->json, profile_text(w->profile, row->kind)));
	json_put(&w->json, object, "module", report_json_text(w, row->module));
	json_put(&w->json, object, "symbol", report_json_text(w, row->symbol));
	put_share(w, object, row->s, row->share, &row->interval, row->nr);
	return object;
}

static int put_native(struct report_json *w, json_t *report, struct err *err)
{
	json_t *object = json_object(), *array = json_array();
	struct native_rows rows;
	int rc = native_rows_make(&rows, w->profile, err);

	for (uint32_t i = 0; !rc && i < rows.functions.nr; i++)
		json_push(&w->json, array,
			  native_function(w, &rows.functions.at[i]));
	if (!rc) {
		json_put(&w->json, object, "samples", json_count(rows.nr));
		json_put(&w->json, object, "lost",
			 json_count(w->profile->native_lost));
		native_rows_release(&rows);
	}
	json_put(&w->json, object, "native_functions", array);
	json_put(&w->json, object, "why_none",
		 report_json_meta(w, META_NATIVE));
	json_put(&w->json, report, "native", object);
	return rc;
}

static json_t *python_line(struct report_json *w, uint32_t frame)
{
	const struct profile *p = w->profile;
	const struct profile_function *f;
	json_t *object;

	if (frame == MERGED_NO_PYTHON)
		return json_null();
	f = &p->functions.at[p->frames.at[frame].function];
	object = json_object();
	json_put(&w->json, object, "file", report_json_text(w, f->file));
	json_put(&w->json, object, "function", report_json_text(w, f->name));
	json_put(&w->json, object, "line",
		 json_count(p->frames.at[frame].line));
	return object;
}

/* Bytecode has neither module nor symbol: it is the Python line itself. */
static json_t *merged_row(struct report_json *w, const struct merged_row *row)
{
	static const struct profile_function bytecode = { 0 };
	const struct profile_function *f =
		row->function == MERGED_BYTECODE
			? &bytecode
			: &w->profile->functions.at[row->function];
	json_t *object = json_object();

	json_put(&w->json, object, "module", report_json_text(w, f->file));
	json_put(&w->json, object, "symbol", report_json_text(w, f->name));
	json_put(&w->json, object, "bytecode",
		 json_boolean(row->function == MERGED_BYTECODE));
	json_put(&w->json, object, "python", python_line(w, row->python));
	put_share(w, object, row->s, row->share, &row->interval, row->nr);
	return object;
}

static int put_merged(struct report_json *w, json_t *report, struct err *err)
{
	json_t *object = json_object(), *array = json_array();
	json_t *outcomes = json_object();
	struct merged_rows rows;
	int rc = merged_rows_make(&rows, w->profile, err);

	for (uint32_t i = 0; !rc && i < rows.rows.nr; i++)
		json_push(&w->json, array, merged_row(w, &rows.rows.at[i]));
	for (int i = 0; !rc && i < MERGE_OUTCOME_NR; i++)
		json_put(&w->json, outcomes,
			 merge_outcome_key((enum merge_outcome)i),
			 json_count(rows.outcomes[i]));
	if (!rc) {
		json_put(&w->json, object, "samples", json_count(rows.nr));
		json_put(&w->json, object, "merged",
			 json_count(rows.merged_nr));
		merged_rows_release(&rows);
	}
	json_put(&w->json, object, "outcomes", outcomes);
	json_put(&w->json, object, "calls", array);
	json_put(&w->json, object, "why_none",
		 report_json_meta(w, META_MERGED));
	json_put(&w->json, report, "native_stacks", object);
	return rc;
}

int report_json_native(struct report_json *w, json_t *report, struct err *err)
{
	int rc = put_native(w, report, err);

	return rc ? rc : put_merged(w, report, err);
}

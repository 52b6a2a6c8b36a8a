/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "export/json_report.h"
#include "profile/await_rows.h"

static void put_kinds(struct report_json *w, json_t *object,
		      const double kind_s[AWAIT_NR])
{
	char key[32];

	for (int i = 0; i < AWAIT_NR; i++) {
		snprintf(key, sizeof(key), "%s_s", await_words[i].key);
		json_put(&w->json, object, key, json_number(kind_s[i]));
	}
}

static json_t *frame_place(struct report_json *w, uint32_t frame)
{
	const struct profile *p = w->profile;
	const struct profile_frame *f;

	if (frame == AWAIT_NO_FRAME)
		return report_json_place(w, SUMMARY_NO_PYTHON, 0, 0);
	f = &p->frames.at[frame];
	return report_json_place(w, f->function,
				 p->functions.at[f->function].file, f->line);
}

static json_t *frame_source(struct report_json *w, uint32_t frame)
{
	const struct profile *p = w->profile;
	const struct profile_frame *f;

	if (frame == AWAIT_NO_FRAME)
		return json_null();
	f = &p->frames.at[frame];
	return report_json_source(w, p->functions.at[f->function].file,
				  f->line);
}

static json_t *await_line(struct report_json *w, const struct await_line *l,
			  const struct await_rows *rows)
{
	json_t *object = frame_place(w, l->frame);

	json_put(&w->json, object, "source", frame_source(w, l->frame));
	json_put(&w->json, object, "seconds", json_number(l->s));
	json_put(&w->json, object, "interval",
		 json_interval(&w->json, l->interval.low * rows->known_s,
			       l->interval.high * rows->known_s));
	json_put(&w->json, object, "share", json_number(l->share));
	json_put(&w->json, object, "share_interval",
		 json_interval(&w->json, l->interval.low, l->interval.high));
	json_put(&w->json, object, "waiting_s",
		 json_number(await_sum(l->kind_s, AWAITS_WAITING)));
	json_put(&w->json, object, "ready_s",
		 json_number(l->kind_s[AWAIT_READY]));
	json_put(&w->json, object, "task_s",
		 json_number(l->kind_s[AWAIT_TASK]));
	json_put(&w->json, object, "future_s",
		 json_number(l->kind_s[AWAIT_FUTURE]));
	json_put(&w->json, object, "other_s",
		 json_number(l->kind_s[AWAIT_OTHER]));
	json_put(&w->json, object, "innermost", frame_place(w, l->at));
	return object;
}

static json_t *await_totals(struct report_json *w,
			    const struct await_rows *rows)
{
	json_t *object = json_object();

	for (int i = 0; i < AWAIT_COUNT_NR; i++)
		json_put(&w->json, object, await_count_key[i],
			 json_count(rows->count[i]));
	json_put(&w->json, object, "effective_readings",
		 json_number(rows->effective));
	json_put(&w->json, object, "seconds", json_number(rows->life_s));
	json_put(&w->json, object, "waiting_s",
		 json_number(await_sum(rows->kind_s, AWAITS_WAITING)));
	put_kinds(w, object, rows->kind_s);
	return object;
}

int report_json_awaits(struct report_json *w, json_t *report, struct err *err)
{
	json_t *array = json_array();
	struct await_rows rows;
	int rc = await_rows_make(&rows, w->profile, err);

	for (uint32_t i = 0; !rc && i < rows.lines.nr; i++)
		json_push(&w->json, array,
			  await_line(w, &rows.lines.at[i], &rows));
	json_put(&w->json, report, "awaits", array);
	if (rc)
		return rc;
	json_put(&w->json, report, "tasks",
		 rows.count[AWAIT_SEEN] ? await_totals(w, &rows) : json_null());
	await_rows_release(&rows);
	return ERR_OK;
}

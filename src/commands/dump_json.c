/* SPDX-License-Identifier: MIT */
#include "commands/dump_json.h"

#include <jansson.h>
#include <stdlib.h>

#include "export/clean.h"

json_t *dump_json_text(const char *text)
{
	struct buf clean = { 0 };
	json_t *string;

	clean_utf8(&clean, text);
	string = json_string(buf_str(&clean));
	buf_release(&clean);
	return string;
}

int dump_json_add(struct buf *out, json_t *root, struct err *err)
{
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

	json_decref(root);
	if (!text)
		return err_nomem(err);
	buf_add_str(out, text);
	buf_add_char(out, '\n');
	free(text);
	return out->failed ? err_nomem(err) : ERR_OK;
}

static json_t *source_of(const struct profile *p, uint32_t file, uint32_t line)
{
	for (uint32_t i = 0; i < p->sources.nr; i++)
		if (p->sources.at[i].file == file &&
		    p->sources.at[i].line == line)
			return dump_json_text(
				profile_text(p, p->sources.at[i].text));
	return json_null();
}

static json_t *frame_object(const struct profile *p, uint32_t node)
{
	const struct profile_frame *frame =
		&p->frames.at[p->nodes.at[node].frame];
	const struct profile_function *f = &p->functions.at[frame->function];

	return json_pack("{s:o, s:o, s:o, s:o}", "function",
			 dump_json_text(profile_text(p, f->name)), "file",
			 dump_json_text(profile_text(p, f->file)), "line",
			 frame->line ? json_integer(frame->line) : json_null(),
			 "source", source_of(p, f->file, frame->line));
}

static json_t *frames_array(const struct profile *p, uint32_t node)
{
	json_t *frames = json_array();

	for (; node && node < p->nodes.nr; node = p->nodes.at[node].parent)
		json_array_insert_new(frames, 0, frame_object(p, node));
	return frames;
}

/* The look at `thread` that can be believed most; NULL when there is none. */
static const struct profile_count *best_look(const struct profile *p,
					     uint32_t thread)
{
	const struct profile_count *best = NULL;

	for (uint32_t i = 0; i < p->counts.nr; i++) {
		const struct profile_count *c = &p->counts.at[i];

		if (c->thread == thread && c->nr &&
		    (!best || c->quality < best->quality))
			best = c;
	}
	return best;
}

static json_t *thread_object(const struct profile *p, uint32_t thread)
{
	static const char *const qualities[SAMPLE_QUALITY_NR] = {
		[SAMPLE_COMPLETE] = "complete",
		[SAMPLE_SALVAGED] = "salvaged",
		[SAMPLE_INCONSISTENT] = "inconsistent",
		[SAMPLE_LOST] = "lost",
		[SAMPLE_NO_PYTHON] = "no_python",
	};
	const struct profile_thread *t = &p->threads.at[thread];
	const struct profile_count *look = best_look(p, thread);

	return json_pack("{s:i, s:o, s:b, s:s, s:o}", "tid", (int)t->tid,
			 "name", dump_json_text(profile_text(p, t->name)),
			 "main", t->main ? 1 : 0, "quality",
			 qualities[look ? look->quality : SAMPLE_LOST],
			 "frames", frames_array(p, look ? look->node : 0));
}

static json_t *task_object(const struct profile *p, const struct await_task *t)
{
	const struct awaits *a = &p->awaits;
	json_t *by = json_null();

	if (t->awaiter < a->tasks.nr)
		by = dump_json_text(
			profile_text(p, a->tasks.at[t->awaiter].name));
	return json_pack("{s:o, s:s, s:o, s:o}", "name",
			 dump_json_text(profile_text(p, t->name)), "state",
			 await_words[t->kind].key, "awaited_by", by, "frames",
			 frames_array(p, t->node));
}

static json_t *tasks_array(const struct profile *p)
{
	json_t *tasks = json_array();

	for (uint32_t i = 0; i < p->awaits.tasks.nr; i++)
		if (!p->awaits.tasks.at[i].done)
			json_array_append_new(
				tasks, task_object(p, &p->awaits.tasks.at[i]));
	return tasks;
}

int dump_json(struct buf *out, const struct profile *p, int pid,
	      struct err *err)
{
	json_t *threads = json_array();
	json_t *root;

	for (uint32_t i = 0; i < p->threads.nr; i++)
		json_array_append_new(threads, thread_object(p, i));
	root = json_pack("{s:s, s:i, s:o, s:o, s:o}", "schema", "tare.dump/1",
			 "pid", pid, "python",
			 dump_json_text(profile_meta(p, META_PYTHON)),
			 "threads", threads, "tasks", tasks_array(p));
	return dump_json_add(out, root, err);
}

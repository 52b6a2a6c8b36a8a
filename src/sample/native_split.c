/* SPDX-License-Identifier: MIT */
#include "sample/native_split.h"

#include <stdlib.h>
#include <string.h>

#include "native/native.h"
#include "os/perf_clock.h"

/* A function of native.h as strings of the profile. */
struct named {
	uint32_t kind, module, symbol;
};

struct native_split {
	struct tasks *tasks;
	struct perf_clock *clock;
	struct native *native;
	VEC(struct named) names; /* by number of the function */
	uint64_t lost;
};

int native_split_open(struct native_split **out, struct tasks *tasks,
		      struct err *err)
{
	const struct perf_clock_opts opts = { .rate_hz = NATIVE_SPLIT_HZ,
					      .kernel = true };
	struct native_split *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return err_nomem(err);
	s->tasks = tasks;
	rc = perf_clock_open(&s->clock, tasks->pid, &opts, err);
	if (!rc)
		rc = native_open(&s->native, tasks->pid,
				 &(struct native_opts){ 0 }, err);
	if (rc) {
		native_split_close(s);
		return rc;
	}
	*out = s;
	return ERR_OK;
}

static uint32_t intern(struct profile *p, const char *text)
{
	return profile_string(p, text, strlen(text));
}

/* Names are asked for once, while the library is still there. */
static const struct named *name_of(struct native_split *s, uint32_t function)
{
	struct profile *p = s->tasks->profile;

	while (s->names.nr <= function) {
		const struct native_function *f =
			native_function(s->native, s->names.nr);
		const struct native_module *m =
			native_module(s->native, f->module);
		struct named named = {
			.kind = intern(p, native_class_text(f->class)),
			.module = intern(p, m->path),
			.symbol = intern(p, f->name),
		};

		if (!vec_push(&s->names, named))
			return NULL;
	}
	return &s->names.at[function];
}

static void take_sample(struct native_split *s, const struct perf_record *r)
{
	const struct task *task = tasks_find(s->tasks, r->tid);
	uint32_t function = r->in_kernel ? native_kernel(s->native)
					 : native_locate(s->native, r->ip);
	const struct named *named = name_of(s, function);

	if (task && named)
		profile_native(s->tasks->profile, task->in_profile, named->kind,
			       named->module, named->symbol, 1);
}

void native_split_drain(struct native_split *s)
{
	struct perf_clock_stats stats;
	struct perf_record record;
	struct err ignored;

	perf_clock_update(s->clock, &ignored);
	while (perf_clock_next(s->clock, &record))
		if (record.kind == PERF_RECORD_KIND_SAMPLE)
			take_sample(s, &record);
		else
			native_note(s->native, &record);
	perf_clock_stats(s->clock, &stats);
	s->tasks->profile->native_lost += stats.lost - s->lost;
	s->lost = stats.lost;
}

void native_split_close(struct native_split *s)
{
	if (!s)
		return;
	if (s->clock && s->native)
		native_split_drain(s);
	perf_clock_close(s->clock);
	native_close(s->native);
	vec_release(&s->names);
	free(s);
}

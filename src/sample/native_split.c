/* SPDX-License-Identifier: MIT */
#include "sample/native_split.h"

#include <stdlib.h>
#include <string.h>

#include "native/native.h"
#include "os/perf_clock.h"
#include "sample/native_stacks.h"

/* A function of native.h as strings of the profile. */
struct named {
	uint32_t kind, module, symbol;
};

struct native_split {
	struct tasks *tasks;
	struct perf_clock *clock;
	struct native *native;
	struct native_stacks *stacks; /* NULL: none are taken */
	VEC(struct named) names;      /* by number of the function */
	uint64_t lost;
};

static int open_clock(struct native_split *s,
		      const struct perf_clock_opts *opts, struct err *err)
{
	int rc = perf_clock_open(&s->clock, s->tasks->pid, opts, err);

	if (rc)
		return rc;
	return native_open(
		&s->native, s->tasks->pid,
		&(struct native_opts){ .unwind = opts->stack_size != 0 }, err);
}

int native_split_open(struct native_split **out, struct tasks *tasks,
		      const struct native_merging *merging, struct err *err)
{
	struct perf_clock_opts opts = { .rate_hz = NATIVE_SPLIT_HZ,
					.kernel = true };
	struct native_split *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return err_nomem(err);
	s->tasks = tasks;
	if (merging) {
		opts.stack_size = NATIVE_STACKS_SIZE;
		opts.waker = merging->waker;
	}
	rc = open_clock(s, &opts, err);
	if (!rc && merging) {
		s->stacks =
			native_stacks_new(merging->python, tasks, s->native);
		rc = s->stacks ? ERR_OK : err_nomem(err);
	}
	if (rc)
		native_split_close(s);
	else
		*out = s;
	return rc;
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
	struct profile *p = s->tasks->profile;
	uint32_t thread = tasks_in_profile(s->tasks, r->tid);
	uint32_t function = r->in_kernel ? native_kernel(s->native)
					 : native_locate(s->native, r->ip);
	const struct named *named = name_of(s, function);

	/* A thread that came and went between two lists of them is nobody's. */
	if (thread == MAP_NONE || !named)
		p->native_lost++;
	else
		profile_native(p, thread, named->kind, named->module,
			       named->symbol, 1);
}

static void take(struct native_split *s, const struct perf_record *r)
{
	/* Before the name is asked for, which may take long the first time. */
	if (s->stacks)
		native_stacks_take(s->stacks, r);
	if (r->kind == PERF_RECORD_KIND_SAMPLE)
		take_sample(s, r);
	else
		native_note(s->native, r);
}

static void take_all(struct native_split *s)
{
	struct perf_record record;

	while (perf_clock_next(s->clock, &record))
		take(s, &record);
}

void native_split_catch(struct native_split *s)
{
	if (!s->stacks)
		return;
	/* The second time for what happened while samples were read. */
	take_all(s);
	take_all(s);
	native_stacks_settle(s->stacks);
}

void native_split_drain(struct native_split *s)
{
	struct perf_clock_stats stats;
	struct err ignored;

	perf_clock_update(s->clock, &ignored);
	if (s->stacks)
		native_split_catch(s);
	else
		take_all(s);
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
	native_stacks_free(s->stacks);
	perf_clock_close(s->clock);
	native_close(s->native);
	vec_release(&s->names);
	free(s);
}

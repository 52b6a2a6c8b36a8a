/* SPDX-License-Identifier: MIT */
#include "profile/breakdown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A thread is busy when it computes, or would like to, this part of its time;
 * what the others wait for is not what holds the job up. */
#define BUSY_SHARE 0.1

/* Who lives for less than this part of the recording is not worth a word. */
#define BRIEF_SHARE 0.05

/* Below this part of the time a cause is not worth a sentence. */
#define SENTENCE_SHARE 0.2
#define MOSTLY_SHARE 0.5
#define ALMOST_ALL_SHARE 0.9

double breakdown_group_s(const double states[STATE_NR], enum state_group group)
{
	double s = 0;

	for (int i = 0; i < STATE_NR; i++)
		if (state_words[i].group == group)
			s += states[i];
	return s;
}

/* ---- groups ------------------------------------------------------------- */

/* "worker-12 (run)" becomes "worker-* (run)". */
static void make_pattern(char out[64], const char *name)
{
	size_t size = 0;

	while (*name && size < 63) {
		if (*name < '0' || *name > '9') {
			out[size++] = *name++;
			continue;
		}
		out[size++] = '*';
		name += strspn(name, "0123456789");
	}
	out[size] = '\0';
}

static bool same_group(const struct profile *p, const struct breakdown_group *g,
		       uint32_t thread, const char *name, bool python)
{
	const struct profile_thread *a = &p->threads.at[g->thread];
	const struct profile_thread *b = &p->threads.at[thread];
	const struct profile_process *x = &p->processes.at[a->process];
	const struct profile_process *y = &p->processes.at[b->process];

	if (g->python != python || strcmp(g->name, name) != 0)
		return false;
	/* Programs that are no Python are told by their names. */
	if (!*profile_text(p, x->python) && !*profile_text(p, y->python))
		return true;
	/* The first process is itself, whoever else runs the same. */
	return a->process == b->process ||
	       (a->process && b->process && x->command == y->command);
}

static void add_thread(struct breakdown_group *g,
		       const struct summary_thread *t)
{
	g->thread_nr++;
	g->wall_s += t->wall_s;
	for (int i = 0; i < STATE_NR; i++)
		g->states[i] += t->states[i].s;
}

static bool add_to_group(struct breakdown *b, const struct profile *p,
			 const struct summary_thread *t)
{
	const struct profile_thread *of = &p->threads.at[t->thread];
	struct breakdown_group fresh = { .thread = t->thread };

	fresh.python = t->look_nr > 0;
	make_pattern(fresh.name, profile_text(p, of->name));
	for (uint32_t i = 0; i < b->groups.nr; i++) {
		struct breakdown_group *g = &b->groups.at[i];

		if (same_group(p, g, t->thread, fresh.name, fresh.python)) {
			add_thread(g, t);
			return true;
		}
	}
	add_thread(&fresh, t);
	return vec_push(&b->groups, fresh);
}

/* Time in which it computed, or could have but for the others. */
static double wants_cpu_s(const double states[STATE_NR])
{
	return breakdown_group_s(states, GROUP_ON_CPU) +
	       breakdown_group_s(states, GROUP_RUN_QUEUE) +
	       breakdown_group_s(states, GROUP_GIL_WAIT);
}

static int by_weight(const void *a, const void *b, void *profile)
{
	const struct profile *p = profile;
	const struct breakdown_group *x = a, *y = b;
	uint32_t main = summary_main_thread(p);
	double wants = wants_cpu_s(x->states) - wants_cpu_s(y->states);

	if ((x->thread == main) != (y->thread == main))
		return x->thread == main ? -1 : 1;
	if (wants > 0 || wants < 0)
		return wants > 0 ? -1 : 1;
	if (x->wall_s > y->wall_s || x->wall_s < y->wall_s)
		return x->wall_s > y->wall_s ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

/* ---- the sentence ------------------------------------------------------- */

/* What the threads that matter do, added up. */
struct gist {
	uint32_t nr;	 /* threads that count */
	char name[48];	 /* if it is one: "it", "thread worker" */
	uint32_t gil_nr; /* of them, that want a GIL */
	bool several;	 /* not all are of one process, `process` */
	bool several_gils;
	uint32_t process, gil_process;
	double wall_s, gil_wall_s, gil_wait_s;
	double states[STATE_NR];
};

static double share(const struct gist *g, enum state_group group)
{
	return g->wall_s > 0 ? breakdown_group_s(g->states, group) / g->wall_s
			     : 0;
}

static double percent(double part, double whole)
{
	return whole > 0 ? part / whole * 100 : 0;
}

static const char *number_word(uint32_t nr, char text[16])
{
	static const char *const words[] = { "no",    "one",   "two",
					     "three", "four",  "five",
					     "six",   "seven", "eight" };

	if (nr < sizeof(words) / sizeof(*words))
		return words[nr];
	snprintf(text, 16, "%u", nr);
	return text;
}

static bool say_gil(const struct gist *g, char *out)
{
	double wait_s = g->gil_wait_s;
	char nr[16];

	/* Some that live for a moment are not what the time goes for. */
	if (g->gil_nr < 2 || wait_s < SENTENCE_SHARE * g->gil_wall_s ||
	    g->gil_wall_s < SENTENCE_SHARE * g->wall_s)
		return false;
	snprintf(out, BREAKDOWN_SENTENCE,
		 g->several_gils
			 ? "%s threads take turns on the GILs of several "
			   "processes: %.0f %% of their time is waiting"
			 : "%s threads take turns on one GIL: %.0f %% of "
			   "their time is waiting for it",
		 number_word(g->gil_nr, nr), percent(wait_s, g->gil_wall_s));
	return true;
}

static bool say_queue(const struct gist *g, char *out)
{
	double ready_s = breakdown_group_s(g->states, GROUP_ON_CPU) +
			 g->states[STATE_RUN_QUEUE];

	if (share(g, GROUP_RUN_QUEUE) < SENTENCE_SHARE)
		return false;
	snprintf(out, BREAKDOWN_SENTENCE,
		 "it waits for a free CPU %.0f %% of the time that it could "
		 "run",
		 percent(g->states[STATE_RUN_QUEUE], ready_s));
	return true;
}

static bool say_collector(const struct gist *g, char *out)
{
	double gc = percent(state_sum(g->states, STATES_COLLECTING), g->wall_s);

	if (gc < SENTENCE_SHARE * 100)
		return false;
	snprintf(out, BREAKDOWN_SENTENCE,
		 "the garbage collector takes %.0f %% of its time", gc);
	return true;
}

static bool say_cpu(const struct gist *g, char *out)
{
	double on_cpu = share(g, GROUP_ON_CPU);
	char nr[16];

	if (on_cpu < MOSTLY_SHARE)
		return false;
	if (g->nr > 1)
		snprintf(out, BREAKDOWN_SENTENCE,
			 "%s %s compute: %.0f %% of their time is on a CPU",
			 number_word(g->nr, nr),
			 g->several ? "threads of several processes"
				    : "threads",
			 on_cpu * 100);
	else
		snprintf(out, BREAKDOWN_SENTENCE,
			 "%s computes %s: %.0f %% of its time is on a CPU",
			 g->name,
			 on_cpu > ALMOST_ALL_SHARE ? "all the time"
						   : "most of the time",
			 on_cpu * 100);
	return true;
}

static const char *const wait_words[STATE_NR] = {
	[STATE_GIL_WAIT] = "the GIL",
	[STATE_LOCK] = "a lock, a queue or an event",
	[STATE_DISK] = "a disk",
	[STATE_SOCKET] = "a socket",
	[STATE_PIPE] = "a pipe",
	[STATE_POLL] = "any of several descriptors (poll)",
	[STATE_IO] = "a terminal or device",
	[STATE_SLEEP] = "the clock (sleep)",
	[STATE_CHILD] = "a child process",
};

static bool say_wait(const struct gist *g, char *out)
{
	int most = STATE_LOCK;
	double on_cpu = share(g, GROUP_ON_CPU), part;

	for (int i = 0; i < STATE_NR; i++)
		if (wait_words[i] && g->states[i] > g->states[most])
			most = i;
	part = percent(g->states[most], g->wall_s);
	if (part < SENTENCE_SHARE * 100)
		return false;
	snprintf(out, BREAKDOWN_SENTENCE,
		 "it %swaits: %.0f %% of its time for %s; %.0f %% is on a CPU",
		 on_cpu + share(g, GROUP_RUN_QUEUE) < 0.5 ? "mostly " : "",
		 part, wait_words[most], on_cpu * 100);
	return true;
}

static void say(const struct gist *g, char *out)
{
	static bool (*const ways[])(const struct gist *, char *) = {
		say_gil, say_queue, say_collector, say_cpu, say_wait,
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (ways[i](g, out))
			return;
}

static void count_in(struct gist *g, const struct profile *p,
		     const struct summary_thread *t)
{
	uint32_t process = p->threads.at[t->thread].process;

	g->nr++;
	g->wall_s += t->wall_s;
	if (t->thread == summary_main_thread(p) || g->name[0])
		snprintf(g->name, sizeof(g->name), "it");
	else
		snprintf(g->name, sizeof(g->name), "thread %s",
			 profile_text(p, p->threads.at[t->thread].name));
	g->several |= g->nr > 1 && process != g->process;
	g->process = process;
	for (int i = 0; i < STATE_NR; i++)
		g->states[i] += t->states[i].s;
	if (t->states[STATE_GIL_WAIT].s > BUSY_SHARE / 2 * t->wall_s) {
		g->several_gils |= g->gil_nr && process != g->gil_process;
		g->gil_process = process;
		g->gil_nr++;
		g->gil_wall_s += t->wall_s;
		g->gil_wait_s += t->states[STATE_GIL_WAIT].s;
	}
}

static bool is_busy(const struct summary_thread *t)
{
	double states[STATE_NR];

	for (int i = 0; i < STATE_NR; i++)
		states[i] = t->states[i].s;
	return wants_cpu_s(states) > BUSY_SHARE * t->wall_s;
}

/* Of the threads that are busy; where none is, of the main thread. */
static void find_gist(struct gist *g, const struct profile *p,
		      const struct summary *s)
{
	uint32_t main = summary_main_thread(p);

	for (uint32_t i = 0; i < s->thread_nr; i++)
		if (is_busy(&s->threads[i]) &&
		    s->threads[i].wall_s * 1e9 >=
			    BRIEF_SHARE * (double)p->wall_ns)
			count_in(g, p, &s->threads[i]);
	/* Busy, but not for long: then that is not what the time went for. */
	if (g->wall_s * 1e9 < SENTENCE_SHARE * (double)p->wall_ns)
		memset(g, 0, sizeof(*g));
	if (!g->nr && main != UINT32_MAX)
		count_in(g, p, &s->threads[main]);
}

int breakdown_make(struct breakdown *b, const struct profile *p,
		   const struct summary *s, struct err *err)
{
	struct gist gist = { 0 };

	memset(b, 0, sizeof(*b));
	for (uint32_t i = 0; i < s->thread_nr; i++) {
		add_thread(&b->all, &s->threads[i]);
		if (!add_to_group(b, p, &s->threads[i])) {
			breakdown_release(b);
			return err_nomem(err);
		}
	}
	if (b->groups.nr)
		qsort_r(b->groups.at, b->groups.nr, sizeof(*b->groups.at),
			by_weight, (void *)p);
	find_gist(&gist, p, s);
	say(&gist, b->sentence);
	return ERR_OK;
}

void breakdown_release(struct breakdown *b)
{
	vec_release(&b->groups);
}

/* SPDX-License-Identifier: MIT */
#include "profile/caution.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FEW 100 /* a share of one half is then known to ±10 points */
#define SHORT_NS 1000000000u /* imports alone take a tenth of that */
#define MARKED_SHARE 0.01
#define RATE_SHARE 0.95
#define QUEUE_SHARE 0.05

static const char *const keys[CAUTION_NR] = {
#define X(name, key) [CAUTION_##name] = (key),
	CAUTIONS(X)
#undef X
};

const char *caution_key(enum caution_kind kind)
{
	return kind < CAUTION_NR ? keys[kind] : "";
}

struct books {
	const struct profile *profile;
	uint64_t looks[SAMPLE_QUALITY_NR];
	uint64_t all;
};

static void add_up(struct books *b, const struct profile *p)
{
	b->profile = p;
	for (uint32_t i = 0; i < p->threads.nr; i++)
		for (int q = 0; q < SAMPLE_QUALITY_NR; q++) {
			b->looks[q] += p->threads.at[i].looks[q];
			if (q != SAMPLE_NO_PYTHON)
				b->all += p->threads.at[i].looks[q];
		}
}

static const struct profile_thread *main_thread(const struct profile *p)
{
	for (uint32_t i = 0; i < p->threads.nr; i++)
		if (p->threads.at[i].main)
			return &p->threads.at[i];
	return NULL;
}

static bool no_samples(const struct books *b, struct caution *c)
{
	if (b->looks[SAMPLE_COMPLETE])
		return false;
	if (b->all)
		snprintf(c->reason, sizeof(c->reason),
			 "none of %llu looks gave a whole stack",
			 (unsigned long long)b->all);
	else
		snprintf(c->reason, sizeof(c->reason),
			 "no thread was looked at while Python ran");
	snprintf(c->remedy, sizeof(c->remedy),
		 "tare doctor says whether this Python can be read here");
	return true;
}

static bool few_samples(const struct books *b, struct caution *c)
{
	uint64_t complete = b->looks[SAMPLE_COMPLETE];

	if (!complete || complete >= FEW)
		return false;
	snprintf(c->reason, sizeof(c->reason),
		 "only %llu complete %s: the shares are rough",
		 (unsigned long long)complete,
		 complete == 1 ? "sample" : "samples");
	snprintf(c->remedy, sizeof(c->remedy),
		 "give the program more work, or look more often: --rate %.0f",
		 b->profile->asked_hz > 0 && b->profile->asked_hz <= 2000
			 ? b->profile->asked_hz * 5
			 : 10000.0);
	return true;
}

static bool short_run(const struct books *b, struct caution *c)
{
	if (b->profile->wall_ns >= SHORT_NS)
		return false;
	snprintf(c->reason, sizeof(c->reason),
		 "the run lasted %.0f ms: start-up is a large part of it",
		 (double)b->profile->wall_ns / 1e6);
	snprintf(c->remedy, sizeof(c->remedy),
		 "give the program more work, so that it runs some seconds");
	return true;
}

static bool marked(const struct books *b, struct caution *c)
{
	double all = (double)b->all;
	uint64_t nr = b->all - b->looks[SAMPLE_COMPLETE];

	if (!b->all || (double)nr <= MARKED_SHARE * all)
		return false;
	snprintf(c->reason, sizeof(c->reason),
		 "%.1f %% of the looks gave no whole, verified stack "
		 "and are left out of the shares",
		 (double)nr / all * 100);
	snprintf(c->remedy, sizeof(c->remedy),
		 "--exact-stacks stops the program for each look instead");
	return true;
}

static bool low_rate(const struct books *b, struct caution *c)
{
	const struct profile *p = b->profile;
	double wall = (double)p->wall_ns / 1e9;
	double due = p->asked_hz * wall;
	double missing = due - (double)p->tick_nr;

	/* The clock is random: in a short run it may well tick less often
	 * than asked. Three standard deviations of a Poisson count are not
	 * chance. */
	if (!(due > 0) || missing <= (1 - RATE_SHARE) * due ||
	    missing <= 3 * sqrt(due))
		return false;
	snprintf(c->reason, sizeof(c->reason),
		 "the clock ticked %.0f times a second where %.0f were asked",
		 (double)p->tick_nr / wall, p->asked_hz);
	snprintf(c->remedy, sizeof(c->remedy),
		 "free a CPU for tare, or ask for fewer: --rate %.0f",
		 fmax(1, floor((double)p->tick_nr / wall / 2)));
	return true;
}

static bool run_queue(const struct books *b, struct caution *c)
{
	const struct profile_thread *t = main_thread(b->profile);
	double wall, queue;

	if (!t || !t->has_sched || t->end_ns <= t->start_ns)
		return false;
	wall = (double)(t->end_ns - t->start_ns);
	queue = (double)t->run_queue_ns;
	if (queue <= QUEUE_SHARE * wall)
		return false;
	snprintf(c->reason, sizeof(c->reason),
		 "the main thread waited %.0f %% of its time for a free CPU",
		 fmin(queue / wall, 1) * 100);
	snprintf(c->remedy, sizeof(c->remedy),
		 "stop other work on this machine, then run it again");
	return true;
}

/* No schedstat, or no more descriptors: CPU and queue cannot be told apart. */
static bool uncounted(const struct books *b, struct caution *c)
{
	const struct profile *p = b->profile;
	unsigned nr = 0;

	for (uint32_t i = 0; i < p->threads.nr; i++)
		nr += !p->threads.at[i].has_sched &&
		      p->threads.at[i].state_ticks[STATE_ON_CPU];
	if (!nr)
		return false;
	snprintf(c->reason, sizeof(c->reason),
		 "of %u of %u threads the kernel did not tell how long they "
		 "waited for a CPU: that is in their time on one",
		 nr, p->threads.nr);
	snprintf(c->remedy, sizeof(c->remedy),
		 "a kernel with schedstat counts it; ulimit -n 65536 where "
		 "there are thousands of threads");
	return true;
}

/* The number that `text` begins with; 0 when there is none to be had. */
static double number(const char *text)
{
	double value = strtod(text, NULL);

	return isfinite(value) && value > 0 ? value : 0;
}

static bool load(const struct books *b, struct caution *c)
{
	double cpus = number(profile_meta(b->profile, META_CPU_NR));
	double busy = number(profile_meta(b->profile, META_LOAD));

	if (!(cpus > 0) || busy <= cpus || busy > 1e6)
		return false;
	snprintf(c->reason, sizeof(c->reason),
		 "the machine was busy when this began: load %.1f on %.0f %s",
		 busy, cpus, cpus > 1 ? "CPUs" : "CPU");
	snprintf(c->remedy, sizeof(c->remedy),
		 "stop other work on this machine, then run it again");
	return true;
}

uint32_t caution_list(const struct profile *p, struct caution out[CAUTION_NR])
{
	static bool (*const tests[CAUTION_NR])(const struct books *,
					       struct caution *) = {
		[CAUTION_NO_SAMPLES] = no_samples,
		[CAUTION_FEW_SAMPLES] = few_samples,
		[CAUTION_SHORT_RUN] = short_run,
		[CAUTION_MARKED] = marked,
		[CAUTION_LOW_RATE] = low_rate,
		[CAUTION_RUN_QUEUE] = run_queue,
		[CAUTION_UNCOUNTED] = uncounted,
		[CAUTION_LOAD] = load,
	};
	struct books books = { 0 };
	uint32_t nr = 0;

	add_up(&books, p);
	for (int kind = 0; kind < CAUTION_NR; kind++) {
		out[nr].kind = (enum caution_kind)kind;
		if (tests[kind](&books, &out[nr]))
			nr++;
	}
	return nr;
}

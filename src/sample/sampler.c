/* SPDX-License-Identifier: MIT */
#include "sample/sample.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "base/random.h"
#include "os/child.h"
#include "os/clock.h"
#include "sample/family.h"
#include "sample/kin.h"
#include "sample/priority.h"
#include "sample/watch.h"

/* Waiting for a Python to come up: from 1 ms, doubling, to this. */
#define PATIENCE_STEP_MAX_NS (20 * CLOCK_MS_NS)

/* A gap shorter than what going to sleep takes is waited for awake. */
#define SPIN_NS 15000u

/* The longest sleep, so that *stop is seen. */
#define NAP_NS (50 * CLOCK_MS_NS)

/*
 * With many processes one tick takes long. So that the machine remains the
 * job's, the next one comes no sooner than after so many times the CPU time
 * that it took (by the clock on the wall, a tick that the job interrupted
 * would be followed by a longer rest the more there is to see: 20 ticks a
 * second with 50 processes that mostly slept); ticks that fall away are
 * counted as missed.
 */
#define REST_FACTOR 3

/* How long nobody asks for new processes while the next tick is far off. */
#define FAMILY_NS (2 * CLOCK_MS_NS)

struct sampler {
	struct sample_opts opts;
	struct profile *profile;
	struct priority priority;    /* as it was before */
	uint32_t wake_nr, late_nr;   /* see note_wake() */
	VEC(struct watch *) watches; /* parents before children */
	struct map by_pid;	     /* process number -> index in watches */
	struct family family;
	struct kin kin;
	struct family_list news;
	uint32_t unsure_text; /* the string id of what was told of s->kin */
	uint64_t random;
	uint64_t origin_ns; /* time 0 of the profile */
	uint64_t due_ns;    /* of the next tick */
	uint64_t missed_nr; /* ticks since the last one */
	int waker; /* becomes ready with samples of native stacks; 0: none */
};

static uint64_t profile_time(const struct sampler *s, uint64_t now_ns)
{
	return now_ns - s->origin_ns;
}

static bool is_stopped(const struct sample_opts *opts)
{
	return opts->stop && *opts->stop;
}

/* The gap to the next tick of a Poisson clock: exponential. */
static uint64_t draw_gap(struct sampler *s)
{
	return (uint64_t)(-log1p(-random_next(&s->random)) * 1e9 /
			  s->opts.rate_hz);
}

static struct watch *root(const struct sampler *s)
{
	return s->watches.at[0];
}

/* ---- opening ------------------------------------------------------------ */

static uint64_t seed(void)
{
	uint64_t value = 0;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		value = clock_now_ns();
	return value | 1;
}

static int wait_for_python(struct sampler *s, uint64_t patience_ns,
			   struct err *err)
{
	uint64_t end = clock_now_ns() + patience_ns, step = CLOCK_MS_NS;
	pid_t pid = root(s)->pid;
	int rc;

	for (;;) {
		if (pid_ended(pid))
			return err_set(err, ERR_GONE, "process %d has exited",
				       (int)pid);
		rc = watch_find_python(root(s), err);
		if (rc != ERR_NO || is_stopped(&s->opts) ||
		    clock_now_ns() >= end)
			break;
		clock_sleep(step);
		step = step * 2 < PATIENCE_STEP_MAX_NS ? step * 2
						       : PATIENCE_STEP_MAX_NS;
	}
	if (rc == ERR_NO) {
		err->code = rc = ERR_UNSUPPORTED;
		err_hint(err, "tare doctor %d   says what tare sees there",
			 (int)pid);
	}
	return rc;
}

static int add_watch(struct sampler *s, pid_t pid, uint32_t parent, bool fresh,
		     uint64_t now_ns, struct err *err)
{
	struct watch *w;
	int rc = watch_open(&w, pid, parent, &s->opts, s->profile,
			    profile_time(s, now_ns), fresh, err);

	if (rc)
		return rc;
	w->waker = s->waker;
	if (!vec_push(&s->watches, w)) {
		watch_close(w);
		return err_nomem(err);
	}
	if (!map_put(&s->by_pid, (uint64_t)pid, s->watches.nr - 1)) {
		s->watches.nr--;
		watch_close(w);
		return err_nomem(err);
	}
	kin_add(&s->kin, pid, w->process);
	return ERR_OK;
}

/* Whose child it is, in the profile; PROCESS_NONE: of nobody's there. */
static uint32_t find_parent(struct sampler *s, const struct family_member *m)
{
	uint32_t parent = map_get(&s->by_pid, (uint64_t)m->id.parent);

	return parent == MAP_NONE ? PROCESS_NONE
				  : s->watches.at[parent]->process;
}

static uint32_t find_orphan(struct sampler *s, const struct family_member *m)
{
	uint32_t found = kin_find(&s->kin, m);

	return found == MAP_NONE ? PROCESS_NONE : found;
}

/*
 * True when any of the news was added. A process that has failed to be opened
 * has ended meanwhile, or there is no memory, which the profile knows.
 */
static bool add_members(struct sampler *s,
			uint32_t (*find)(struct sampler *s,
					 const struct family_member *m),
			bool fresh, uint64_t now_ns)
{
	struct err ignored;
	bool any = false;

	for (uint32_t i = 0; i < s->news.at.nr; i++) {
		const struct family_member *m = &s->news.at.at[i];
		uint32_t parent;

		/* Also when it is over: its number is not given out again
		 * before the others have been. */
		if (kin_has(&s->kin, m->pid))
			continue;
		parent = find(s, m);
		if (parent == PROCESS_NONE)
			continue;
		if (!add_watch(s, m->pid, parent, fresh, now_ns, &ignored))
			any = true;
		else
			kin_add(&s->kin, m->pid, parent);
	}
	return any;
}

static void find_family(struct sampler *s, uint64_t now_ns)
{
	family_init(&s->family);
	if (!s->opts.children)
		return;
	family_poll(&s->family, now_ns, &s->news); /* all that there are */
	/* A child may have a lower number than its parent. */
	while (add_members(s, find_parent, s->opts.fresh, now_ns))
		;
	kin_note_others(&s->kin, &s->news);
}

/* Two of each thread are kept open. The target has its own limit already. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* But not where the looks would leave nobody else a CPU. */
static void come_first(const struct sampler *s)
{
	struct priority ignored;

	if (look_leaves_time(s->opts.rate_hz))
		priority_raise(&ignored);
}

/* Without one there are no native stacks, which the report tells. */
static void open_waker(struct sampler *s)
{
	struct err err;

	s->waker = epoll_create1(EPOLL_CLOEXEC);
	if (s->waker > 0)
		return;
	s->waker = 0;
	err_sys(&err, "cannot wait for samples");
	profile_set_meta(s->profile, META_MERGED, err.msg);
}

int sampler_open(struct sampler **out, pid_t pid,
		 const struct sample_opts *opts, struct profile *p,
		 uint64_t patience_ns, struct err *err)
{
	struct sampler *s = calloc(1, sizeof(*s));
	uint64_t now = clock_now_ns();
	int rc;

	*out = NULL;
	if (!s)
		return err_nomem(err);
	s->opts = *opts;
	s->profile = p;
	s->random = seed();
	allow_many_files();
	priority_ask(&s->priority);
	s->origin_ns = now;
	s->family.loadavg = -1;
	p->asked_hz = opts->rate_hz;
	kin_init(&s->kin, pid, opts->fresh);
	if (opts->native) {
		open_waker(s);
		/* A thread stands still for us if we are let in at once. */
		come_first(s);
	}
	rc = add_watch(s, pid, PROCESS_NONE, opts->fresh, now, err);
	if (!rc && patience_ns)
		rc = wait_for_python(s, patience_ns, err);
	if (rc) {
		sampler_close(s);
		return rc;
	}
	find_family(s, now);
	s->due_ns = clock_now_ns() + draw_gap(s);
	*out = s;
	return ERR_OK;
}

/* ---- ticking ------------------------------------------------------------ */

static void drop_ended(struct sampler *s)
{
	uint32_t kept = 1; /* the root stays, so that all can be told of it */

	for (uint32_t i = 1; i < s->watches.nr && !s->watches.at[i]->ended; i++)
		kept++;
	if (kept == s->watches.nr)
		return;
	map_clear(&s->by_pid);
	kept = 0;
	for (uint32_t i = 0; i < s->watches.nr; i++) {
		struct watch *w = s->watches.at[i];

		if (i && w->ended) {
			watch_close(w);
			continue;
		}
		map_put(&s->by_pid, (uint64_t)w->pid, kept);
		s->watches.at[kept++] = w;
	}
	s->watches.nr = kept;
}

static void look_for_children(struct sampler *s, uint64_t now_ns)
{
	if (!s->opts.children)
		return;
	family_poll(&s->family, now_ns, &s->news);
	if (!s->news.at.nr)
		return;
	if (s->family.wrapped)
		kin_forget_dead(&s->kin, &s->by_pid);
	do {
		while (add_members(s, find_parent, true, now_ns))
			;
	} while (add_members(s, find_orphan, true, now_ns));
	for (uint32_t i = 0; i < s->news.at.nr; i++) {
		const struct family_member *m = &s->news.at.at[i];

		if (!kin_has(&s->kin, m->pid) && kin_is_with_the_dying(m))
			family_ask_again(&s->family, m, now_ns);
	}
}

static void look_at_watches(struct sampler *s, uint64_t now_ns, uint64_t at_ns)
{
	for (uint32_t i = 0; i < s->watches.nr; i++) {
		struct watch *w = s->watches.at[i];

		watch_tick(w, now_ns, at_ns);
		kin_see(&s->kin, w->stack_addr, w->process);
	}
}

/* There are processes of which nobody knows whose they are. */
static void note_unsure(struct sampler *s)
{
	struct profile_process *first =
		&s->profile->processes.at[root(s)->process];
	char text[160];

	if (!s->kin.unsure.nr || (first->trouble && !s->unsure_text) ||
	    first->trouble != s->unsure_text)
		return;
	snprintf(text, sizeof(text),
		 "left out, as the parent had ended before tare could see "
		 "whose they are: %u of its group of processes",
		 s->kin.unsure.nr);
	first->trouble = profile_string(s->profile, text, strlen(text));
	s->unsure_text = first->trouble;
}

static void tick(struct sampler *s, uint64_t now_ns)
{
	uint64_t at = profile_time(s, now_ns);

	profile_tick(s->profile, at, s->missed_nr);
	s->missed_nr = 0;
	look_at_watches(s, now_ns, at);
	look_for_children(s, now_ns);
	drop_ended(s);
}

/* Beyond so many ticks at once their number is taken from the rate. */
#define SKIP_MAX 1000

/* Move the clock on to its first tick after `until_ns`; how many it passes. */
static uint64_t skip_to(struct sampler *s, uint64_t until_ns)
{
	uint64_t nr = 0;

	while (s->due_ns <= until_ns && nr < SKIP_MAX) {
		s->due_ns += draw_gap(s);
		nr++;
	}
	if (s->due_ns > until_ns)
		return nr;
	nr += (uint64_t)((double)(until_ns - s->due_ns) * s->opts.rate_hz /
			 1e9);
	s->due_ns = until_ns + draw_gap(s);
	return nr;
}

/* Ticks that pass while we are busy, or rest, do not happen: say so. */
static void schedule(struct sampler *s, uint64_t spent_ns, uint64_t now_ns)
{
	uint64_t free_ns = now_ns;

	if (s->watches.nr > 1)
		free_ns += spent_ns * REST_FACTOR;
	s->missed_nr += skip_to(s, free_ns);
}

static void nap_until(uint64_t at_ns)
{
	struct timespec at = { (time_t)(at_ns / CLOCK_SECOND_NS),
			       (long)(at_ns % CLOCK_SECOND_NS) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* Samples of native stacks go stale within microseconds: they come first. */
static void nap_lightly(struct sampler *s, uint64_t now_ns, uint64_t at_ns)
{
	struct pollfd waker = { .fd = s->waker, .events = POLLIN };
	uint64_t span = at_ns - now_ns;
	struct timespec left = { (time_t)(span / CLOCK_SECOND_NS),
				 (long)(span % CLOCK_SECOND_NS) };
	struct epoll_event events[16];

	if (ppoll(&waker, 1, &left, NULL) <= 0)
		return;
	/* All are asked, so it does not matter which rings it were. */
	(void)!epoll_wait(s->waker, events, 16, 0);
	for (uint32_t i = 0; i < s->watches.nr; i++)
		watch_catch(s->watches.at[i]);
}

static void nap(struct sampler *s, uint64_t now_ns, uint64_t at_ns)
{
	if (s->waker)
		nap_lightly(s, now_ns, at_ns);
	else
		nap_until(at_ns);
}

/* Sleep until `wake_ns` or a bit; true when that time has come. */
static bool rest(struct sampler *s, uint64_t wake_ns, uint64_t *now_ns)
{
	uint64_t most = s->opts.children ? FAMILY_NS : NAP_NS;

	if (wake_ns > *now_ns) {
		if (wake_ns > *now_ns + SPIN_NS)
			nap(s, *now_ns,
			    wake_ns < *now_ns + most ? wake_ns
						     : *now_ns + most);
		*now_ns = clock_now_ns();
		if (*now_ns < wake_ns)
			look_for_children(s, *now_ns);
	}
	return *now_ns >= wake_ns;
}

/*
 * Of so many ticks so many that came this late mean that others keep the CPUs
 * busy. Only then do we go before all of them: on a machine that is not, it
 * would gain nothing, and threads that wake when we do would wait for us.
 */
#define WAKES 256
#define LATE_WAKES 13
#define LATE_NS CLOCK_MS_NS

static void note_wake(struct sampler *s, uint64_t now_ns)
{
	s->late_nr += now_ns - s->due_ns > LATE_NS;
	if (++s->wake_nr < WAKES)
		return;
	if (s->late_nr >= LATE_WAKES)
		come_first(s);
	s->wake_nr = s->late_nr = 0;
}

static enum sample_end run_to(struct sampler *s, uint64_t until_ns)
{
	uint64_t now = clock_now_ns(), before;

	while (now < until_ns) {
		if (is_stopped(&s->opts))
			return SAMPLE_STOPPED;
		if (!rest(s, s->due_ns < until_ns ? s->due_ns : until_ns,
			  &now) ||
		    now < s->due_ns)
			continue;
		before = s->watches.nr > 1 ? clock_cpu_ns() : 0;
		note_wake(s, now);
		/* We got the CPU late: this tick is for all until now. */
		s->missed_nr += skip_to(s, now) - 1;
		tick(s, now);
		if (root(s)->ended)
			return SAMPLE_GONE;
		now = clock_now_ns();
		schedule(s, before ? clock_cpu_ns() - before : 0, now);
	}
	return SAMPLE_PAUSED;
}

static void note_survivors(struct sampler *s)
{
	for (uint32_t i = 1; i < s->watches.nr; i++)
		watch_leave(s->watches.at[i]);
}

static void step_aside(struct sampler *s)
{
	for (uint32_t i = 0; i < s->watches.nr; i++)
		if (s->watches.at[i]->python)
			interpreter_step_aside(s->watches.at[i]->python);
}

int sampler_run(struct sampler *s, uint64_t until_ns, enum sample_end *why,
		struct err *err)
{
	*why = run_to(s, until_ns);
	s->profile->wall_ns = profile_time(s, clock_now_ns());
	step_aside(s);
	note_unsure(s);
	if (*why == SAMPLE_GONE)
		note_survivors(s);
	s->profile->sampler_cpu_ns = clock_cpu_ns();
	return s->profile->failed ? err_nomem(err) : ERR_OK;
}

void sampler_account(struct sampler *s)
{
	uint64_t now = clock_now_ns();

	for (uint32_t i = 0; i < s->watches.nr; i++)
		if (!s->watches.at[i]->ended)
			watch_account(s->watches.at[i], now,
				      profile_time(s, now));
	s->profile->wall_ns = profile_time(s, now);
}

int sampler_once(struct sampler *s, struct err *err)
{
	uint64_t now = clock_now_ns(), at = profile_time(s, now);
	int rc;

	profile_tick(s->profile, at, 0);
	rc = watch_once(root(s), now, at, err);
	s->profile->wall_ns = profile_time(s, clock_now_ns());
	return rc;
}

const struct err *sampler_trouble(const struct sampler *s)
{
	return &root(s)->trouble;
}

int sampler_start_capture(struct sampler *s, struct err *err)
{
	struct py_process again;
	int rc = target_start_capture(root(s)->target, err);

	/* So that the capture has how the interpreter is found, too. */
	return rc ? rc : py_process_open(&again, root(s)->target, err);
}

int sampler_save_capture(struct sampler *s, const char *path, struct err *err)
{
	return target_save_snapshot(root(s)->target, path, err);
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	priority_restore(&s->priority);
	for (uint32_t i = 0; i < s->watches.nr; i++)
		watch_close(s->watches.at[i]);
	family_release(&s->family);
	kin_release(&s->kin);
	vec_release(&s->news.at);
	vec_release(&s->watches);
	map_release(&s->by_pid);
	if (s->waker)
		close(s->waker);
	free(s);
}
